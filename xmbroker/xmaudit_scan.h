/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_SCAN_H
#define XMBROKER_XMAUDIT_SCAN_H

/*
 * A line of the log as the members that anybody asks for.  There are two ways to the same: a scanner
 * that knows the form in which xmbroker writes its records, and the JSON library for everything else.
 * What the scanner accepts the library accepts too, and reads alike.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of a line.  s NULL: the record has no such member. */
struct xmaudit_slice {
	const char *s;
	uint32_t len;
	bool escaped; /* a string with JSON escapes */
};

enum xmaudit_member {
	XMAUDIT_SEQ,
	XMAUDIT_TYPE,
	XMAUDIT_TIME,
	XMAUDIT_MONO,
	XMAUDIT_ID,
	XMAUDIT_SESSION,
	XMAUDIT_UID,
	XMAUDIT_GID,
	XMAUDIT_GROUPS,
	XMAUDIT_GROUPS_OMITTED,
	XMAUDIT_PID,
	XMAUDIT_COMM,
	XMAUDIT_CGROUP,
	XMAUDIT_PROFILE,
	XMAUDIT_OP,
	XMAUDIT_ARGS,
	XMAUDIT_DECISION,
	XMAUDIT_WHY,
	XMAUDIT_RULE,
	XMAUDIT_ROLE,
	XMAUDIT_BECAUSE,
	XMAUDIT_OBSERVED,
	XMAUDIT_WOULD,
	XMAUDIT_GUARD,
	XMAUDIT_POLICY,
	XMAUDIT_GENERATION,
	XMAUDIT_BATCH,
	XMAUDIT_ELEMENT,
	XMAUDIT_RESULT,
	XMAUDIT_VALUE,
	XMAUDIT_LATENCY,
	XMAUDIT_EVENT,
	XMAUDIT_REASON,
	XMAUDIT_RECORDS,
	XMAUDIT_FROM,
	XMAUDIT_INTERRUPTED,
	XMAUDIT_VERSION,
	XMAUDIT_BACKEND,
	XMAUDIT_PARTITION,
	XMAUDIT_PREVIOUS,
	XMAUDIT_EPOCH,
	XMAUDIT_FILE,
	XMAUDIT_FIRST,
	XMAUDIT_FILES,
	XMAUDIT_BEFORE,
	XMAUDIT_BYTES,
	XMAUDIT_HASH,
	XMAUDIT_CHAIN,
	XMAUDIT_SEAL,
	XMAUDIT_N_MEMBERS
};

enum xmaudit_type {
	XMAUDIT_OTHER,
	XMAUDIT_IS_DECISION,
	XMAUDIT_IS_RESULT,
	XMAUDIT_IS_SESSION,
	XMAUDIT_IS_FOLDED,
	XMAUDIT_IS_LOST,
	XMAUDIT_IS_START,
	XMAUDIT_IS_CONTINUE,
	XMAUDIT_IS_ROTATE,
	XMAUDIT_IS_RECOVERED,
	XMAUDIT_IS_RETENTION,
	XMAUDIT_IS_POLICY,
	XMAUDIT_IS_STOP,
	XMAUDIT_N_TYPES
};

/* Numbers are their digits, strings what is between the quotes, groups and args JSON. */
struct xmaudit_record {
	enum xmaudit_type type;
	struct xmaudit_slice member[XMAUDIT_N_MEMBERS];
	json_t *json;  /* owned: what the slices point into, if the library read the line */
	char *text[2]; /* owned: groups and args as text, likewise */
};

/* The quick way; false: not in our writer's form, which says nothing about what it is. */
bool xmaudit_scan(const char *line, size_t len, struct xmaudit_record *record);
/* The slow way; false: this is no record.  Release it. */
bool xmaudit_scan_json(const char *line, size_t len, struct xmaudit_record *record);
/* One or the other. */
bool xmaudit_record_read(const char *line, size_t len, struct xmaudit_record *record);
void xmaudit_record_release(struct xmaudit_record *record);
/* The line as the library reads it, with numbers too big for it as strings; NULL: no record. */
json_t *xmaudit_json_read(const char *line, size_t len);

const char *xmaudit_member_name(enum xmaudit_member member);
enum xmaudit_type xmaudit_type_of(const char *name, size_t len);

/* Whether a string, with its escapes undone, is this text. */
bool xmaudit_slice_is(const struct xmaudit_slice *slice, const char *text);
/* Undoes the escapes; the text is cut to fit. */
void xmaudit_slice_copy(const struct xmaudit_slice *slice, char *text, size_t size);
/* false: absent, or not a number of 64 bits. */
bool xmaudit_slice_number(const struct xmaudit_slice *slice, uint64_t *valuep);

/* The value of a member of an object that xmaudit_scan() or the library wrote; its quotes included. */
bool xmaudit_object_get(const struct xmaudit_slice *object, const char *name,
			struct xmaudit_slice *valuep);
/* Whether a list of numbers has this one. */
bool xmaudit_list_has(const struct xmaudit_slice *list, uint64_t number);

#endif
