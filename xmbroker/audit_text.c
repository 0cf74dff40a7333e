// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pieces of a record.  Owns the form of a member, and texts that are kept because the next record
 * will have them again.  Must never take a kept text for another one's, nor let text of a client or
 * of the policy's author into a record other than through text_json().
 */

#include <stdio.h>
#include <string.h>

#include "xmbroker/audit_internal.h"

#define GROUPS_MAX 64     /* group ids that one record names; the rest is counted */
#define FREE_TEXT_MAX 512 /* bytes of a text of somebody else that one record quotes */
#define DIGEST_SHOWN 8    /* bytes */
#define NUMBER_DIGITS 20

/* ---- numbers, strings -------------------------------------------------------------------------------- */

static const char two_digits[] = "00010203040506070809101112131415161718192021222324"
				 "25262728293031323334353637383940414243444546474849"
				 "50515253545556575859606162636465666768697071727374"
				 "75767778798081828384858687888990919293949596979899";

void audit_put_number(struct text *t, uint64_t value)
{
	char digits[NUMBER_DIGITS];
	size_t at = sizeof(digits);

	for (; value >= 100; value /= 100)
		memcpy(digits + (at -= 2), two_digits + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(digits + (at -= 2), two_digits + value * 2, 2);
	else
		digits[--at] = (char)('0' + value);
	audit_put(t, digits + at, sizeof(digits) - at);
}

void audit_put_text(struct text *t, const char *value)
{
	text_json(t, value, strnlen(value, FREE_TEXT_MAX));
}

void audit_put_hex(struct text *t, const uint8_t *data, size_t len)
{
	if (t->cap - t->len <= 2 * len + 2) {
		t->truncated = true;
		return;
	}
	t->buf[t->len++] = '"';
	audit_hex_put(t->buf + t->len, data, len);
	t->len += 2 * len;
	t->buf[t->len++] = '"';
}

/* ---- head -------------------------------------------------------------------------------------------- */

/* A second's date is worked out once. */
static void stamp_second(struct audit *audit, time_t second)
{
	struct tm tm;
	struct text t = TEXT_INIT(audit->stamp);
	const struct {
		int value;
		unsigned int width;
		char after;
	} part[] = { { 0, 4, '-' }, { 0, 2, '-' }, { 0, 2, 'T' }, { 0, 2, ':' }, { 0, 2, ':' } };
	int value[5];

	gmtime_r(&second, &tm);
	value[0] = tm.tm_year + 1900;
	value[1] = tm.tm_mon + 1;
	value[2] = tm.tm_mday;
	value[3] = tm.tm_hour;
	value[4] = tm.tm_min;
	for (unsigned int i = 0; i < 5; i++) {
		text_digits(&t, (uint64_t)value[i], part[i].width);
		text_char(&t, part[i].after);
	}
	text_digits(&t, (uint64_t)tm.tm_sec, 2);
	audit->second = second;
}

static void put_time(struct audit *audit, struct text *t)
{
	struct timespec wall, mono;
	uint32_t micros;
	char rest[9] = { '.', 0, 0, 0, 0, 0, 0, 'Z', '"' };

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	if (wall.tv_sec != audit->second)
		stamp_second(audit, wall.tv_sec);
	micros = (uint32_t)wall.tv_nsec / 1000;
	memcpy(rest + 1, two_digits + micros / 10000 * 2, 2);
	memcpy(rest + 3, two_digits + micros / 100 % 100 * 2, 2);
	memcpy(rest + 5, two_digits + micros % 100 * 2, 2);
	AUDIT_PUT(t, ",\"time\":\"");
	audit_put(t, audit->stamp, sizeof(audit->stamp) - 1);
	audit_put(t, rest, sizeof(rest));
	AUDIT_NUMBER(t, "mono", (uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec);
}

void audit_put_head(struct audit *audit, struct text *t, uint64_t seq, const char *type)
{
	AUDIT_PUT(t, "{\"seq\":");
	audit_put_number(t, seq);
	AUDIT_PUT(t, ",\"type\":\"");
	audit_put(t, type, strlen(type));
	AUDIT_PUT(t, "\"");
	put_time(audit, t);
}

/* ---- who --------------------------------------------------------------------------------------------- */

static void put_groups(struct text *t, const struct audit_who *who)
{
	uint32_t shown = who->n_gids < GROUPS_MAX ? who->n_gids : GROUPS_MAX;

	AUDIT_PUT(t, ",\"groups\":[");
	for (uint32_t i = 0; i < shown; i++) {
		if (i)
			AUDIT_PUT(t, ",");
		audit_put_number(t, who->gids[i]);
	}
	AUDIT_PUT(t, "]");
	if (shown < who->n_gids)
		AUDIT_NUMBER(t, "groups_omitted", who->n_gids - shown);
}

void audit_put_ids(struct text *t, const struct audit_who *who)
{
	AUDIT_NUMBER(t, "session", who->session);
	AUDIT_NUMBER(t, "uid", who->uid);
	AUDIT_NUMBER(t, "gid", who->gid);
}

static void put_who(struct text *t, const struct audit_who *who)
{
	audit_put_ids(t, who);
	put_groups(t, who);
	AUDIT_NUMBER(t, "pid", (uint64_t)who->pid);
	AUDIT_TEXT(t, "comm", who->comm);
	AUDIT_TEXT(t, "cgroup", who->cgroup);
	AUDIT_TEXT(t, "profile", who->profile);
}

static bool is_kept(const struct audit_who_text *kept, const struct audit_who *who)
{
	return kept->len && kept->session == who->session && kept->uid == who->uid &&
	       kept->gid == who->gid && kept->pid == who->pid && kept->n_gids == who->n_gids &&
	       (!who->n_gids ||
		!memcmp(kept->gids, who->gids, who->n_gids * sizeof(who->gids[0]))) &&
	       !strcmp(kept->comm, who->comm) && !strcmp(kept->cgroup, who->cgroup) &&
	       !strcmp(kept->profile, who->profile);
}

/* Keeps a copy of a string that fits. */
#define KEEP(array, string) (snprintf((array), sizeof(array), "%s", (string)) < (int)sizeof(array))

static void keep_who(struct audit_who_text *kept, const struct audit_who *who, const char *text,
		     size_t len)
{
	kept->len = 0;
	if (len > sizeof(kept->text) || who->n_gids > sizeof(kept->gids) / sizeof(kept->gids[0]) ||
	    !KEEP(kept->comm, who->comm) || !KEEP(kept->cgroup, who->cgroup) ||
	    !KEEP(kept->profile, who->profile))
		return;
	kept->session = who->session;
	kept->uid = who->uid;
	kept->gid = who->gid;
	kept->pid = who->pid;
	kept->n_gids = who->n_gids;
	if (who->n_gids)
		memcpy(kept->gids, who->gids, who->n_gids * sizeof(who->gids[0]));
	memcpy(kept->text, text, len);
	kept->len = (uint32_t)len;
}

void audit_put_who(struct audit *audit, struct text *t, const struct audit_who *who)
{
	struct audit_who_text *kept = &audit->who[who->session % AUDIT_WHO_KEPT];
	size_t from = t->len;

	if (is_kept(kept, who)) {
		audit_put(t, kept->text, kept->len);
		return;
	}
	put_who(t, who);
	if (!t->truncated)
		keep_who(kept, who, t->buf + from, t->len - from);
}

/* ---- rule, policy ------------------------------------------------------------------------------------ */

bool audit_rule_place(const struct policy_image *image, uint32_t rule, char *place, size_t size)
{
	struct policy_source source;

	if (rule == POLICY_NO_RULE || !policy_image_source(image, rule, &source))
		return false;
	snprintf(place, size, "%.*s:%u:%u", FREE_TEXT_MAX, source.file, source.line, source.column);
	return true;
}

static void put_rule(struct text *t, const struct policy_image *image, uint32_t rule)
{
	char place[AUDIT_PLACE_MAX];
	struct policy_source source;

	if (!audit_rule_place(image, rule, place, sizeof(place)) ||
	    !policy_image_source(image, rule, &source))
		return;
	AUDIT_KEY(t, "rule");
	text_json(t, place, strlen(place));
	if (source.role[0])
		AUDIT_TEXT(t, "role", source.role);
	if (source.because[0])
		AUDIT_TEXT(t, "because", source.because);
}

void audit_put_rule(struct audit *audit, struct text *t, const struct audit_decision *decision)
{
	struct audit_rule_text *kept = &audit->rule[decision->rule % AUDIT_RULES_KEPT];
	size_t from = t->len;

	if (decision->rule == POLICY_NO_RULE)
		return;
	if (kept->len && kept->image == decision->image &&
	    kept->generation == decision->generation && kept->rule == decision->rule) {
		audit_put(t, kept->text, kept->len);
		return;
	}
	put_rule(t, decision->image, decision->rule);
	kept->len = 0;
	if (t->truncated || t->len - from > sizeof(kept->text))
		return;
	kept->image = decision->image;
	kept->generation = decision->generation;
	kept->rule = decision->rule;
	kept->len = (uint32_t)(t->len - from);
	memcpy(kept->text, t->buf + from, kept->len);
}

static void keep_policy(struct audit *audit, const struct policy_image *image, uint32_t generation)
{
	struct text t = TEXT_INIT(audit->policy);
	struct policy_about about;

	policy_image_about(image, &about);
	AUDIT_KEY(&t, "policy");
	audit_put_hex(&t, about.digest, DIGEST_SHOWN);
	AUDIT_NUMBER(&t, "generation", generation);
	audit->policy_len = t.len;
	audit->policy_image = image;
	audit->policy_generation = generation;
}

void audit_put_policy(struct audit *audit, struct text *t, const struct policy_image *image,
		      uint32_t generation)
{
	if (audit->policy_image != image || audit->policy_generation != generation)
		keep_policy(audit, image, generation);
	audit_put(t, audit->policy, audit->policy_len);
}
