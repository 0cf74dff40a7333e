// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configuration file: a flat mapping of known keys.  Owns what each setting may be.  Must never
 * pass on a value that it has not judged, nor one with a character that could start another line.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <pwd.h>
#include <string.h>

#include "policy/model.h"
#include "xmbroker/compiler_config.h"

struct setting {
	const char *key;
	bool list; /* may also be a list */
	/* What is wrong with the value, or NULL. */
	const char *(*check)(const struct node *value, const struct setting *setting);
	uint64_t min;
	uint64_t max;
};

static const char *check_path(const struct node *value, const struct setting *setting)
{
	(void)setting;
	if (!*value->text)
		return "the path is empty";
	return strlen(value->text) < 4096 ? NULL : "the path is too long";
}

static const char *check_number(const struct node *value, const struct setting *setting)
{
	bool negative;
	uint64_t n;

	if (!value->plain || !policy_number(value->text, &n, &negative))
		return "it must be a whole number";
	if (negative || n < setting->min)
		return "the number is too small";
	return n <= setting->max ? NULL : "the number is too large";
}

static const char *check_backend(const struct node *value, const struct setting *setting)
{
	static const char *const with_path[] = { "device:", "sim:", "xmsim:" };

	(void)setting;
	if (!strcmp(value->text, "device") || !strcmp(value->text, "loopback"))
		return NULL;
	for (unsigned int i = 0; i < 3; i++) {
		size_t len = strlen(with_path[i]);

		if (!strncmp(value->text, with_path[i], len))
			return value->text[len] ? NULL : "the path after the colon is missing";
	}
	return "it must be device[:PATH], sim:XM_CF.xml, xmsim:SOCKET or loopback";
}

/* uid:gid, both as numbers. */
static bool is_uid_and_gid(const char *text)
{
	uint64_t uid, gid;
	int end = 0;

	return sscanf(text, "%10" SCNu64 ":%10" SCNu64 "%n", &uid, &gid, &end) == 2 && !text[end] &&
	       uid < UINT32_MAX && gid < UINT32_MAX;
}

static const char *check_user(const struct node *value, const struct setting *setting)
{
	bool negative;
	uint64_t id;

	(void)setting;
	if (policy_number(value->text, &id, &negative))
		return !negative && id < UINT32_MAX ? NULL : "it is no user id";
	if (is_uid_and_gid(value->text))
		return NULL;
	return getpwnam(value->text) ? NULL : "this machine has no such user";
}

static const char *check_failure(const struct node *value, const struct setting *setting)
{
	(void)setting;
	return strcmp(value->text, "deny") && strcmp(value->text, "allow")
		       ? "it must be deny or allow"
		       : NULL;
}

static const char *check_syslog(const struct node *value, const struct setting *setting)
{
	(void)setting;
	return strcmp(value->text, "none") && strcmp(value->text, "anchors") &&
			       strcmp(value->text, "records")
		       ? "it must be none, anchors or records"
		       : NULL;
}

static const struct setting settings[] = {
	{ "policy", true, check_path, 0, 0 },
	{ "socket", false, check_path, 0, 0 },
	{ "backend", false, check_backend, 0, 0 },
	{ "audit", false, check_path, 0, 0 },
	{ "audit_key", false, check_path, 0, 0 },
	{ "audit_syslog", false, check_syslog, 0, 0 },
	{ "user", false, check_user, 0, 0 },
	{ "on_audit_failure", false, check_failure, 0, 0 },
	{ "console", false, check_path, 0, 0 },
#define NUMBER(field, option, min, max, ...) { #field, false, check_number, min, max },
#include "xmbroker/settings.def"
#undef NUMBER
};
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static const struct setting *find_setting(const char *key)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (!strcmp(settings[i].key, key))
			return &settings[i];
	return NULL;
}

static void unknown_setting(struct arena *arena, struct diag *diag, const struct node *key)
{
	const char *keys[N_SETTINGS];

	for (size_t i = 0; i < N_SETTINGS; i++)
		keys[i] = settings[i].key;
	node_error(diag, key, vocabulary_hint(arena, key->text, keys, N_SETTINGS),
		   "unknown setting '%s'", key->text);
}

static void check_value(struct diag *diag, const struct setting *setting, const struct node *value)
{
	const char *why;

	if (value->kind != NODE_SCALAR) {
		node_error(diag, value, NULL, "%s must be a single value", setting->key);
		return;
	}
	for (const char *p = value->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			node_error(diag, value, NULL, "%s has a control character", setting->key);
			return;
		}
	why = setting->check(value, setting);
	if (why)
		node_error(diag, value, NULL, "%s: %s", setting->key, why);
}

static void check_settings(struct arena *arena, struct diag *diag, const struct node *root)
{
	NODE_FOR_EACH_KEY(key, root)
	{
		const struct setting *setting = find_setting(key->text);
		const struct node *value = key->next;

		if (!setting) {
			unknown_setting(arena, diag, key);
		} else if (!setting->list || value->kind != NODE_LIST) {
			check_value(diag, setting, value);
		} else {
			if (!value->n)
				node_error(diag, value, NULL, "%s is an empty list", key->text);
			NODE_FOR_EACH(item, value)
			check_value(diag, setting, item);
		}
	}
}

static void print_value(const struct node *key, const struct node *value, FILE *out)
{
	bool negative;
	uint64_t n;

	/* 0x10 and 16 are the same number: the reader of the lines knows decimal only. */
	if (find_setting(key->text)->check == check_number &&
	    policy_number(value->text, &n, &negative))
		fprintf(out, "%s=%llu\n", key->text, (unsigned long long)n);
	else
		fprintf(out, "%s=%s\n", key->text, value->text);
}

static void print_settings(const struct node *root, FILE *out)
{
	NODE_FOR_EACH_KEY(key, root)
	{
		if (key->next->kind != NODE_LIST) {
			print_value(key, key->next, out);
			continue;
		}
		NODE_FOR_EACH(item, key->next)
		print_value(key, item, out);
	}
}

int compiler_config_print(const char *path, struct diag *diag, FILE *out)
{
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	const struct node *root;
	int ret = source_read(&arena, path, diag, &source);

	if (!ret) {
		root = yaml_read(&arena, source, diag);
		if (root && root->kind != NODE_MAP)
			node_error(diag, root, NULL, "a configuration is a mapping (key: value)");
		else if (root)
			check_settings(&arena, diag, root);
		ret = diag->n_errors ? -EINVAL : 0;
		if (!ret)
			print_settings(root, out);
	}
	source_sort_messages(diag);
	arena_free(&arena);
	return ret;
}
