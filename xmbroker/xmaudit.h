/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_H
#define XMBROKER_XMAUDIT_H

/*
 * Reading the audit log: decisions joined with their results, and how they look to a person.
 * Everything in a log is text from strangers until it has been through text_safe().
 */

#include <stdio.h>

#include "libxm/core/text.h"
#include "xmbroker/xmaudit_files.h"
#include "xmbroker/xmaudit_filter.h"

#define XMAUDIT_OPEN 1024             /* decisions that may wait for their results */
#define XMAUDIT_OPEN_BYTES (8u << 20) /* of their lines */

/* A record, or a decision with its result; as lines of the log. */
struct xmaudit_entry {
	const char *line; /* NULL: nobody asked for lines */
	size_t len;
	const char *result; /* NULL: none has come */
	size_t result_len;
};

/* A decision that waits. */
struct xmaudit_open {
	uint64_t id;
	bool wanted;
	char *line; /* owned; NULL: not asked for */
	size_t len;
};

struct xmaudit_reader {
	const char *file; /* for messages */
	const struct xmaudit_filter *filter;
	bool lines; /* entries come with their lines */
	bool quiet; /* bad lines are counted only */
	/* What matches.  A decision waits for its result, or comes when it will not get it any more. */
	void (*on_entry)(void *data, const struct xmaudit_entry *entry);
	/* As soon as it is read: what matches, but for the result; then the results of such. */
	void (*on_record)(void *data, const struct xmaudit_record *record);
	void *data;
	bool numbered;   /* the number of the line in the file is known */
	uint64_t line;   /* lines read so far */
	uint64_t offset; /* of the line, in case that it is not */
	uint64_t bad;    /* lines that are no records; each was reported */
	bool torn;       /* a piece stands before this line, and nothing has told of it as yet */
	unsigned int torn_age; /* records since */
	uint64_t torn_line, torn_offset;
	struct xmaudit_open open[XMAUDIT_OPEN]; /* allowed decisions without a result yet */
	size_t n_open, open_bytes, n_wanted;
};

/* A line without its end. */
void xmaudit_read_line(struct xmaudit_reader *reader, const char *line, size_t len);
/* A line that is not a record. */
void xmaudit_read_bad(struct xmaudit_reader *reader, const char *what);
/* What waits gets no results any more. */
void xmaudit_read_gap(struct xmaudit_reader *reader);
/* The same, and nothing follows. */
void xmaudit_read_end(struct xmaudit_reader *reader);
/* All whole lines that begin before `limit`.  0, or -errno. */
int xmaudit_read_lines(struct xmaudit_reader *reader, struct xmaudit_lines *lines, uint64_t limit);

/* ---- places ------------------------------------------------------------------------------------------ */

/* Bytes of a file, from the beginning of a line on. */
struct xmaudit_span {
	uint64_t from, to; /* to UINT64_MAX: the end, wherever it is by then */
};

struct xmaudit_spans {
	struct xmaudit_span *list; /* owned */
	size_t n;
	bool whole;
};

/*
 * Where in a file what the filter wants can be, by samples of its lines: what lies between two of
 * them that are both before or both after the wanted time (or numbers) is left out, unless the clock
 * was set in between.
 */
int xmaudit_spans_find(const struct xmaudit_file *file, const struct xmaudit_filter *filter,
		       struct xmaudit_spans *spans);
void xmaudit_spans_free(struct xmaudit_spans *spans);

/* The last place in the log from which on at least n lines follow, or the beginning. */
int xmaudit_last_lines(const struct xmaudit_log *log, uint64_t n, size_t *filep, uint64_t *offsetp);

/* ---- output ------------------------------------------------------------------------------------------ */

/* One line for a person, without its newline. */
void xmaudit_line(struct text *t, const struct xmaudit_entry *entry);
/* One JSON object, a decision with the fields of its result; no control characters.  NULL: memory. */
char *xmaudit_json(const struct xmaudit_entry *entry);
/* An object as that, which is taken. */
char *xmaudit_json_text(json_t *object);

/* How far something long has come: on standard error, if that is a terminal. */
struct xmaudit_progress {
	uint64_t total; /* bytes; 0: not known */
	uint64_t shown; /* ns: when */
	bool on, printed;
};

void xmaudit_progress_begin(struct xmaudit_progress *progress, uint64_t total);
void xmaudit_progress(struct xmaudit_progress *progress, uint64_t done);
void xmaudit_progress_end(struct xmaudit_progress *progress);

#endif
