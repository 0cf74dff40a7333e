// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What each setting may be.  Owns the table of settings, which command line and configuration file
 * both go by.  Must never take half of a wrong value.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/device.h"
#include "xmbroker/log.h"
#include "xmbroker/options_internal.h"

__attribute__((format(printf, 2, 3))) static int wrong(const struct options_origin *from,
						       const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (from->file)
		log_error("%s: %s: %s", from->file, from->key, text);
	else
		log_error("--%s: %s", from->key, text);
	return -EINVAL;
}

int options_set_string(char **stringp, const char *value, const struct options_origin *from)
{
	char *copy;

	if (!*value)
		return wrong(from, "is empty");
	copy = strdup(value);
	if (!copy)
		return wrong(from, "does not fit into memory");
	free(*stringp);
	*stringp = copy;
	return 0;
}

static void *field_of(struct options *opts, const struct options_setting *setting)
{
	return (char *)opts + setting->at;
}

static int set_string(struct options *opts, const struct options_setting *setting,
		      const char *value, const struct options_origin *from)
{
	return options_set_string(field_of(opts, setting), value, from);
}

/* A path, or "none", which is no string at all. */
static int set_path_or_none(struct options *opts, const struct options_setting *setting,
			    const char *value, const struct options_origin *from)
{
	char **stringp = field_of(opts, setting);

	if (strcmp(value, "none"))
		return options_set_string(stringp, value, from);
	free(*stringp);
	*stringp = NULL;
	return 0;
}

static int set_number(struct options *opts, const struct options_setting *setting,
		      const char *value, const struct options_origin *from)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < setting->min ||
	    number > setting->max)
		return wrong(from, "\"%s\" is not a number from %" PRIu32 " to %" PRIu32, value,
			     setting->min, setting->max);
	*(uint32_t *)field_of(opts, setting) = (uint32_t)number;
	return 0;
}

static int set_policy(struct options *opts, const struct options_setting *setting,
		      const char *value, const struct options_origin *from)
{
	(void)setting;
	for (size_t i = 0; i < OPTIONS_POLICIES_MAX; i++)
		if (!opts->policy[i])
			return options_set_string(&opts->policy[i], value, from);
	return wrong(from, "more than %d policies", OPTIONS_POLICIES_MAX);
}

static int set_backend(struct options *opts, const struct options_setting *setting,
		       const char *value, const struct options_origin *from)
{
	const char *colon = strchr(value, ':');
	size_t len = colon ? (size_t)(colon - value) : strlen(value);
	const char *path = colon ? colon + 1 : "";

	(void)setting;
	if (!strcmp(value, "loopback")) {
		opts->backend = OPTIONS_LOOPBACK;
		opts->backend_given = true;
		return 0;
	}
	if (!strcmp(value, "device"))
		path = DEVICE_PATH;
	if (len == 6 && !memcmp(value, "device", 6) && *path == '/')
		opts->backend = OPTIONS_DEVICE;
	else if (len == 3 && !memcmp(value, "sim", 3) && *path)
		opts->backend = OPTIONS_SIM;
	else if (len == 5 && !memcmp(value, "xmsim", 5) && *path)
		opts->backend = OPTIONS_XMSIM;
	else
		return wrong(from,
			     "\"%s\" is none of device[:PATH], sim:XM_CF.xml, xmsim:SOCKET, "
			     "loopback",
			     value);
	opts->backend_given = true;
	return options_set_string(&opts->backend_path, path, from);
}

static int set_audit_failure(struct options *opts, const struct options_setting *setting,
			     const char *value, const struct options_origin *from)
{
	(void)setting;
	if (strcmp(value, "deny") && strcmp(value, "allow"))
		return wrong(from, "\"%s\" is neither deny nor allow", value);
	opts->allow_on_audit_failure = !strcmp(value, "allow");
	return 0;
}

static int set_syslog(struct options *opts, const struct options_setting *setting,
		      const char *value, const struct options_origin *from)
{
	static const char *const names[] = {
		[OPTIONS_SYSLOG_NONE] = "none",
		[OPTIONS_SYSLOG_ANCHORS] = "anchors",
		[OPTIONS_SYSLOG_RECORDS] = "records",
	};

	(void)setting;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(value, names[i])) {
			opts->audit_syslog = (enum options_syslog)i;
			return 0;
		}
	return wrong(from, "\"%s\" is none of none, anchors, records", value);
}

#define AT(field) .at = offsetof(struct options, field)
#define NUMBER(field, name, min, max, init, server, arg, help)                                     \
	{ name, set_number, offsetof(struct options, field), min, max, init, arg, help },

const struct options_setting options_settings[] = {
	{ .name = "policy", .set = set_policy },
	{ .name = "socket", .set = set_string, AT(socket) },
	{ .name = "backend", .set = set_backend },
	{ .name = "audit", .set = set_path_or_none, AT(audit) },
	{ .name = "audit-key", .set = set_path_or_none, AT(audit_key) },
	{ .name = "audit-syslog", .set = set_syslog },
	{ .name = "on-audit-failure", .set = set_audit_failure },
	{ .name = "user", .set = set_string, AT(user) },
	{ .name = "console", .set = set_string, AT(console) },
#include "xmbroker/settings.def"
};
#undef NUMBER

const size_t options_n_settings = sizeof(options_settings) / sizeof(options_settings[0]);

_Static_assert(sizeof(options_settings) / sizeof(options_settings[0]) <= OPTIONS_SETTINGS_MAX,
	       "a bit for each setting");

void options_set_numbers(struct options *opts)
{
	for (size_t i = 0; i < options_n_settings; i++)
		if (options_settings[i].set == set_number)
			*(uint32_t *)field_of(opts, &options_settings[i]) =
				options_settings[i].init;
}

void options_print_numbers(void)
{
	for (size_t i = 0; i < options_n_settings; i++) {
		const struct options_setting *s = &options_settings[i];
		char left[64];

		if (s->set != set_number)
			continue;
		snprintf(left, sizeof(left), "--%s %s", s->name, s->arg);
		printf("  %-29s %s%s(default %" PRIu32 ")\n", left, s->help, *s->help ? " " : "",
		       s->init);
	}
}
