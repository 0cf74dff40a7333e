/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_FILES_H
#define XMBROKER_XMAUDIT_FILES_H

/*
 * The files of a log in the order in which they were written (NAME.000001, NAME.000002, ..., NAME),
 * and the lines in them.  All files are held open, so that rotation and retention take nothing away
 * from under a reader.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define XMAUDIT_CURRENT UINT64_MAX

struct xmaudit_file {
	char *path; /* owned */
	int fd;
	uint64_t number; /* of a file that was rotated; XMAUDIT_CURRENT */
	bool regular;
	uint64_t size; /* when it was opened, if regular */
};

struct xmaudit_log {
	const char *name;
	bool single;                /* a file that was rotated, by itself */
	struct xmaudit_file *files; /* owned */
	size_t n;
};

/* Opens what there is of the log.  -errno: said on standard error. */
int xmaudit_log_open(const char *name, struct xmaudit_log *log);
void xmaudit_log_close(struct xmaudit_log *log);
/* What is written after the file that was the current one: the files behind it.  0: none as yet. */
int xmaudit_log_next(struct xmaudit_log *log);
/* Whether the name stands for another file than the last one that is open. */
bool xmaudit_log_moved_on(const struct xmaudit_log *log);
uint64_t xmaudit_log_size(const struct xmaudit_log *log);

/* ---- lines ------------------------------------------------------------------------------------------- */

#define XMAUDIT_LINE_MAX (128u << 10) /* no record is nearly as long */

enum { XMAUDIT_END, XMAUDIT_LINE, XMAUDIT_TOO_LONG };

/* Lines of one file, from a place on.  Files may grow, shrink and be replaced while they are read. */
struct xmaudit_lines {
	int fd; /* borrowed */
	bool regular;
	char *buf;
	size_t start, end, cap;
	uint64_t offset; /* of buf + start in the file */
	bool skipping;
};

int xmaudit_lines_init(struct xmaudit_lines *lines);
void xmaudit_lines_deinit(struct xmaudit_lines *lines);
void xmaudit_lines_at(struct xmaudit_lines *lines, const struct xmaudit_file *file,
		      uint64_t offset);
/*
 * The next line that has an end, without it; valid until the next call.  XMAUDIT_END: there is none,
 * as yet; of XMAUDIT_TOO_LONG lines only the beginning is given.  -errno: the file cannot be read.
 */
int xmaudit_lines_next(struct xmaudit_lines *lines, const char **linep, size_t *lenp);
/* At the end: what stands there without an end. */
size_t xmaudit_lines_rest(const struct xmaudit_lines *lines, const char **restp);

#endif
