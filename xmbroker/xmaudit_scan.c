// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The quick way from a line to its members: tables of which members a record has, in which order.
 * Must never accept a line that the JSON library would not, or read another value out of it.
 */

#include <string.h>

#include "xmbroker/xmaudit_json.h"
#include "xmbroker/xmaudit_scan.h"

enum kind { NUMBER, STRING, LIST, OBJECT, TRUE };

#define MEMBER(name, kind)                                                                         \
	{                                                                                          \
		name, ",\"" name "\":", sizeof(",\"" name "\":") - 1, kind                         \
	}

static const struct {
	const char *name;
	const char *lead; /* ,"name": */
	uint8_t len;
	uint8_t kind;
} members[XMAUDIT_N_MEMBERS] = {
	[XMAUDIT_SEQ] = MEMBER("seq", NUMBER),
	[XMAUDIT_TYPE] = MEMBER("type", STRING),
	[XMAUDIT_TIME] = MEMBER("time", STRING),
	[XMAUDIT_MONO] = MEMBER("mono", NUMBER),
	[XMAUDIT_ID] = MEMBER("id", NUMBER),
	[XMAUDIT_SESSION] = MEMBER("session", NUMBER),
	[XMAUDIT_UID] = MEMBER("uid", NUMBER),
	[XMAUDIT_GID] = MEMBER("gid", NUMBER),
	[XMAUDIT_GROUPS] = MEMBER("groups", LIST),
	[XMAUDIT_GROUPS_OMITTED] = MEMBER("groups_omitted", NUMBER),
	[XMAUDIT_PID] = MEMBER("pid", NUMBER),
	[XMAUDIT_COMM] = MEMBER("comm", STRING),
	[XMAUDIT_CGROUP] = MEMBER("cgroup", STRING),
	[XMAUDIT_PROFILE] = MEMBER("profile", STRING),
	[XMAUDIT_OP] = MEMBER("op", STRING),
	[XMAUDIT_ARGS] = MEMBER("args", OBJECT),
	[XMAUDIT_DECISION] = MEMBER("decision", STRING),
	[XMAUDIT_WHY] = MEMBER("why", STRING),
	[XMAUDIT_RULE] = MEMBER("rule", STRING),
	[XMAUDIT_ROLE] = MEMBER("role", STRING),
	[XMAUDIT_BECAUSE] = MEMBER("because", STRING),
	[XMAUDIT_OBSERVED] = MEMBER("observed", STRING),
	[XMAUDIT_WOULD] = MEMBER("would", STRING),
	[XMAUDIT_GUARD] = MEMBER("guard", STRING),
	[XMAUDIT_POLICY] = MEMBER("policy", STRING),
	[XMAUDIT_GENERATION] = MEMBER("generation", NUMBER),
	[XMAUDIT_BATCH] = MEMBER("batch", NUMBER),
	[XMAUDIT_ELEMENT] = MEMBER("element", NUMBER),
	[XMAUDIT_RESULT] = MEMBER("result", STRING),
	[XMAUDIT_VALUE] = MEMBER("value", NUMBER),
	[XMAUDIT_LATENCY] = MEMBER("latency_us", NUMBER),
	[XMAUDIT_EVENT] = MEMBER("event", STRING),
	[XMAUDIT_REASON] = MEMBER("reason", STRING),
	[XMAUDIT_RECORDS] = MEMBER("records", NUMBER),
	[XMAUDIT_FROM] = MEMBER("from", NUMBER),
	[XMAUDIT_INTERRUPTED] = MEMBER("interrupted", TRUE),
	[XMAUDIT_VERSION] = MEMBER("version", STRING),
	[XMAUDIT_BACKEND] = MEMBER("backend", STRING),
	[XMAUDIT_PARTITION] = MEMBER("partition", NUMBER),
	[XMAUDIT_PREVIOUS] = MEMBER("previous", STRING),
	[XMAUDIT_EPOCH] = MEMBER("epoch", NUMBER),
	[XMAUDIT_FILE] = MEMBER("file", NUMBER),
	[XMAUDIT_FIRST] = MEMBER("first", NUMBER),
	[XMAUDIT_FILES] = MEMBER("files", NUMBER),
	[XMAUDIT_BEFORE] = MEMBER("before", STRING),
	[XMAUDIT_BYTES] = MEMBER("bytes", NUMBER),
	[XMAUDIT_HASH] = MEMBER("hash", STRING),
	[XMAUDIT_CHAIN] = MEMBER("chain", STRING),
	[XMAUDIT_SEAL] = MEMBER("seal", STRING),
};

#define MAYBE 0x80
#define LAST 0xff

/* Behind the four that every record begins with. */
static const uint8_t decision_form[] = {
	XMAUDIT_ID,
	XMAUDIT_SESSION,
	XMAUDIT_UID,
	XMAUDIT_GID,
	XMAUDIT_GROUPS,
	XMAUDIT_GROUPS_OMITTED | MAYBE,
	XMAUDIT_PID,
	XMAUDIT_COMM,
	XMAUDIT_CGROUP,
	XMAUDIT_PROFILE,
	XMAUDIT_OP,
	XMAUDIT_ARGS,
	XMAUDIT_DECISION,
	XMAUDIT_WHY,
	XMAUDIT_RULE | MAYBE,
	XMAUDIT_ROLE | MAYBE,
	XMAUDIT_BECAUSE | MAYBE,
	XMAUDIT_OBSERVED | MAYBE,
	XMAUDIT_WOULD | MAYBE,
	XMAUDIT_GUARD | MAYBE,
	XMAUDIT_POLICY,
	XMAUDIT_GENERATION,
	XMAUDIT_BATCH | MAYBE,
	XMAUDIT_ELEMENT | MAYBE,
	LAST,
};
static const uint8_t result_form[] = { XMAUDIT_ID, XMAUDIT_RESULT, XMAUDIT_VALUE, XMAUDIT_LATENCY,
				       LAST };
static const uint8_t session_form[] = { XMAUDIT_EVENT, XMAUDIT_SESSION, XMAUDIT_UID, XMAUDIT_GID,
					XMAUDIT_PID,   XMAUDIT_REASON,  LAST };
static const uint8_t folded_form[] = { XMAUDIT_UID,
				       XMAUDIT_OP,
				       XMAUDIT_DECISION,
				       XMAUDIT_WHY,
				       XMAUDIT_RULE | MAYBE,
				       XMAUDIT_GUARD | MAYBE,
				       XMAUDIT_RECORDS,
				       XMAUDIT_FROM,
				       XMAUDIT_INTERRUPTED | MAYBE,
				       LAST };
static const uint8_t lost_form[] = { XMAUDIT_RECORDS, LAST };
static const uint8_t start_form[] = {
	XMAUDIT_VERSION,   XMAUDIT_PID,        XMAUDIT_BACKEND,
	XMAUDIT_PARTITION, XMAUDIT_PREVIOUS,   XMAUDIT_EPOCH | MAYBE,
	XMAUDIT_POLICY,    XMAUDIT_GENERATION, LAST,
};
static const uint8_t continue_form[] = { XMAUDIT_FILE,   XMAUDIT_REASON,     XMAUDIT_EPOCH | MAYBE,
					 XMAUDIT_POLICY, XMAUDIT_GENERATION, LAST };
static const uint8_t reason_form[] = { XMAUDIT_REASON, LAST };
static const uint8_t recovered_form[] = { XMAUDIT_BYTES, XMAUDIT_HASH, LAST };
static const uint8_t retention_form[] = { XMAUDIT_FIRST, XMAUDIT_FILES, XMAUDIT_REASON,
					  XMAUDIT_BEFORE | MAYBE, LAST };
static const uint8_t policy_form[] = { XMAUDIT_POLICY, XMAUDIT_GENERATION, LAST };

#define TYPE(type, form) [XMAUDIT_IS_##type] = { #form, sizeof(#form) - 1, form##_form }
static const struct {
	const char *name;
	uint8_t len;
	const uint8_t *form;
} types[XMAUDIT_N_TYPES] = {
	TYPE(DECISION, decision),   TYPE(RESULT, result),
	TYPE(SESSION, session),     TYPE(FOLDED, folded),
	TYPE(LOST, lost),           TYPE(START, start),
	TYPE(CONTINUE, continue),   [XMAUDIT_IS_ROTATE] = { "rotate", 6, reason_form },
	TYPE(RECOVERED, recovered), TYPE(RETENTION, retention),
	TYPE(POLICY, policy),       [XMAUDIT_IS_STOP] = { "stop", 4, reason_form },
};

const char *xmaudit_member_name(enum xmaudit_member member)
{
	return members[member].name;
}

enum xmaudit_type xmaudit_type_of(const char *name, size_t len)
{
	for (unsigned int i = XMAUDIT_OTHER + 1; i < XMAUDIT_N_TYPES; i++)
		if (types[i].len == len && !memcmp(types[i].name, name, len))
			return i;
	return XMAUDIT_OTHER;
}

static const char *skip_true(const char *p, const char *end)
{
	return end - p >= 4 && !memcmp(p, "true", 4) ? p + 4 : NULL;
}

/* The value of a member, from where it begins; returns where it ends. */
static const char *take_value(const char *p, const char *end, unsigned int kind,
			      struct xmaudit_slice *slice)
{
	const char *from = p;

	switch (kind) {
	case NUMBER:
		p = p < end && *p != '-' ? xmaudit_skip_number(p, end) : NULL;
		break;
	case STRING:
		if (p == end || *p != '"')
			return NULL;
		from = ++p;
		p = xmaudit_skip_string(p, end, &slice->escaped);
		break;
	case LIST:
		p = xmaudit_skip_list(p, end);
		break;
	case OBJECT:
		p = xmaudit_skip_object(p, end, 1);
		break;
	default:
		p = skip_true(p, end);
		break;
	}
	if (!p)
		return NULL;
	slice->s = from;
	slice->len = (uint32_t)(p - from);
	return kind == STRING ? p + 1 : p;
}

/* Takes the member if it comes next; otherwise p stays.  NULL: damage. */
static const char *take_member(const char *p, const char *end, unsigned int member,
			       struct xmaudit_record *record)
{
	size_t len = members[member].len;

	if ((size_t)(end - p) < len || memcmp(p, members[member].lead, len))
		return p;
	return take_value(p + len, end, members[member].kind, &record->member[member]);
}

static const char *take_form(const char *p, const char *end, const uint8_t *form,
			     struct xmaudit_record *record)
{
	for (; p && *form != LAST; form++) {
		const char *next = take_member(p, end, *form & ~MAYBE, record);

		if (next == p && !(*form & MAYBE))
			return NULL;
		p = next;
	}
	return p;
}

bool xmaudit_scan(const char *line, size_t len, struct xmaudit_record *record)
{
	static const uint8_t head[] = { XMAUDIT_TYPE, XMAUDIT_TIME, XMAUDIT_MONO, LAST };
	static const uint8_t tail[] = { XMAUDIT_CHAIN | MAYBE, XMAUDIT_SEAL | MAYBE, LAST };
	const char *p = line, *end = line + len;
	const struct xmaudit_slice *type = &record->member[XMAUDIT_TYPE];

	memset(record, 0, sizeof(*record));
	if (len < 8 || len > UINT32_MAX || memcmp(p, "{\"seq\":", 7))
		return false;
	p = take_value(p + 7, end, NUMBER, &record->member[XMAUDIT_SEQ]);
	p = p ? take_form(p, end, head, record) : NULL;
	if (!p || type->escaped)
		return false;
	record->type = xmaudit_type_of(type->s, type->len);
	if (record->type == XMAUDIT_OTHER)
		return false;
	p = take_form(p, end, types[record->type].form, record);
	p = p ? take_form(p, end, tail, record) : NULL;
	return p && p + 1 == end && *p == '}';
}

/* ---- values ------------------------------------------------------------------------------------------ */

bool xmaudit_slice_is(const struct xmaudit_slice *slice, const char *text)
{
	size_t len = strlen(text);
	const char *p = slice->s, *end;
	char utf8[4];
	unsigned int n;

	if (!p)
		return false;
	end = p + slice->len;
	if (!slice->escaped)
		return len == slice->len && !memcmp(slice->s, text, len);
	while ((n = xmaudit_unescape(&p, end, utf8)) != 0) {
		if (strncmp(text, utf8, n) != 0)
			return false;
		text += n;
	}
	return !*text;
}

void xmaudit_slice_copy(const struct xmaudit_slice *slice, char *text, size_t size)
{
	const char *p = slice->s, *end = p ? p + slice->len : NULL;
	size_t len = 0;
	char utf8[4];
	unsigned int n;

	while (slice->escaped && (n = xmaudit_unescape(&p, end, utf8)) != 0 && len + n < size) {
		memcpy(text + len, utf8, n);
		len += n;
	}
	if (!slice->escaped && slice->s) {
		len = slice->len < size ? slice->len : size - 1;
		memcpy(text, slice->s, len);
	}
	text[len] = '\0';
}

bool xmaudit_slice_number(const struct xmaudit_slice *slice, uint64_t *valuep)
{
	uint64_t value = 0;

	if (!slice->s || !slice->len || slice->len > 20)
		return false;
	for (uint32_t i = 0; i < slice->len; i++) {
		unsigned int digit = (unsigned char)slice->s[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*valuep = value;
	return true;
}

/* From behind an opening quote to the closing one, whatever is escaped in between. */
static const char *skip_quoted(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p : NULL;
}

/* A value of any kind within an object. */
static const char *skip_any(const char *p, const char *end)
{
	unsigned int depth = 0;

	while (p && p < end && (depth || (*p != ',' && *p != '}'))) {
		if (*p == '"')
			p = skip_quoted(p + 1, end);
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		if (p)
			p++;
	}
	return p;
}

bool xmaudit_object_get(const struct xmaudit_slice *object, const char *name,
			struct xmaudit_slice *valuep)
{
	const char *p = object->s, *end;
	size_t len = strlen(name);

	if (!p || !object->len || *p != '{')
		return false;
	end = p + object->len;
	while (p && p + 1 < end && (*p == '{' || *p == ',') && p[1] == '"') {
		const char *key = p + 2, *value, *close = skip_quoted(key, end);

		if (!close || end - close < 3)
			return false;
		value = close + 2;
		p = skip_any(value, end);
		if (p && (size_t)(close - key) == len && !memcmp(key, name, len)) {
			*valuep = (struct xmaudit_slice){ value, (uint32_t)(p - value), false };
			return true;
		}
	}
	return false;
}

bool xmaudit_list_has(const struct xmaudit_slice *list, uint64_t number)
{
	const char *p = list->s, *end = p ? p + list->len : NULL;

	while (p < end) {
		struct xmaudit_slice part = { ++p, 0, false };
		uint64_t value;

		while (p < end && *p != ',' && *p != ']')
			p++;
		part.len = (uint32_t)(p - part.s);
		if (xmaudit_slice_number(&part, &value) && value == number)
			return true;
	}
	return false;
}
