/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_COMMAND_H
#define XMBROKER_XMAUDIT_COMMAND_H

/* The command line of xmaudit, and what its commands do. */

#include "xmbroker/xmaudit.h"

#define XMAUDIT_DEFAULT_FILE "/var/log/xmbroker/audit.jsonl"
#define XMAUDIT_DEFAULT_STATE "/var/lib/xmbroker/audit.key"

enum {
	XMAUDIT_EXIT_GOOD = 0,
	XMAUDIT_EXIT_BAD = 1,
	XMAUDIT_EXIT_USAGE = 2, /* or nothing could be read */
	XMAUDIT_EXIT_TORN = 3,  /* good, but for a record at the end that is not whole */
};

struct xmaudit_options {
	const char *file;
	const char *state, *key;
	const char **anchors; /* owned */
	size_t n_anchors;
	bool json, follow, count, create, check, filtered;
	uint64_t n; /* last entries to show; 0: all */
	struct xmaudit_filter filter;
};

/* Each returns the exit status. */
int xmaudit_search(const struct xmaudit_options *options);
int xmaudit_tail(const struct xmaudit_options *options);
int xmaudit_stats(const struct xmaudit_options *options);
int xmaudit_verify(const struct xmaudit_options *options);
int xmaudit_anchor(const struct xmaudit_options *options);
int xmaudit_key(const struct xmaudit_options *options);

/* Reads what the filter of the reader wants of the whole log, to its end. */
int xmaudit_read_log(struct xmaudit_reader *reader, struct xmaudit_log *log, bool progress);

#endif
