/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_H
#define XMBROKER_XMAUDIT_H

/*
 * Reading the audit log: lines to records, decisions joined with their results, what a search wants,
 * and how a record looks to a person.  Everything in a log is text from strangers until it has been
 * through text_safe().
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "libxm/core/text.h"

#define XMAUDIT_LINE_MAX (128u << 10) /* no record is nearly as long */
#define XMAUDIT_OPEN 1024             /* decisions that may wait for their results */

/* A record, or a decision with its result. */
struct xmaudit_entry {
	json_t *record; /* owned */
	json_t *result; /* owned; NULL: none has come */
};

void xmaudit_entry_free(struct xmaudit_entry *entry);

/* Puts lines together; hands complete entries on. */
typedef void (*xmaudit_fn)(void *data, struct xmaudit_entry *entry);

struct xmaudit_reader {
	const char *file;
	xmaudit_fn fn;
	void *data;
	unsigned long line;
	unsigned long bad; /* lines that are no records; each was reported */
	size_t len;
	bool skipping;                           /* within a line that is too long */
	struct xmaudit_entry open[XMAUDIT_OPEN]; /* allowed decisions without a result yet */
	size_t n_open;
	char buf[XMAUDIT_LINE_MAX + 1];
};

/* Takes in a part of the file; lines may be cut anywhere. */
void xmaudit_feed(struct xmaudit_reader *reader, const char *data, size_t len);
/* The file is at its end: hands on what waits, reports a line without an end. */
void xmaudit_end(struct xmaudit_reader *reader);

/* ---- search ------------------------------------------------------------------------------------------ */

struct xmaudit_filter {
	bool decisions_only; /* set by any of the following that only decisions have */
	bool has_user, has_group;
	uint32_t user, group;
	const char *op;       /* canonical */
	const char *decision; /* "allow" or "deny" */
	const char *rule;     /* FILE:LINE */
	unsigned int n_args;  /* all of them must hold */
	struct {
		const char *name;
		const char *value;
	} arg[XM_MAX_ARGS];
	bool has_since, has_until;
	int64_t since, until; /* us since the epoch */
};

bool xmaudit_matches(const struct xmaudit_filter *filter, const json_t *record);

/* "2027-01-31T12:00:00Z" and shorter forms of it, or "90s", "15m", "2h", "3d" before `now`. */
bool xmaudit_time(const char *s, time_t now, int64_t *usp);

/* ---- output ------------------------------------------------------------------------------------------ */

/* One line for a person, without its newline. */
void xmaudit_line(struct text *t, const struct xmaudit_entry *entry);
/* One JSON object, a decision with the fields of its result; no control characters.  NULL: memory. */
char *xmaudit_json(const struct xmaudit_entry *entry);

#endif
