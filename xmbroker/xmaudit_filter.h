/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_FILTER_H
#define XMBROKER_XMAUDIT_FILTER_H

/* What a search wants. */

#include <time.h>

#include "libxm/core/request.h"
#include "xmbroker/xmaudit_scan.h"

struct xmaudit_filter {
	bool decisions_only; /* set by any of the following that only decisions have */
	bool has_user, has_group, has_session;
	uint32_t user, group;
	uint64_t session;
	const char *op;       /* canonical */
	const char *decision; /* "allow" or "deny" */
	const char *rule;     /* FILE:LINE: the one that decided, or that was observed */
	bool observed;        /* only what shadow rules would have decided otherwise */
	const char *type;     /* of the record */
	const char *result;   /* of the call: a matter of the entry, not of the record */
	unsigned int n_args;  /* all of them must hold */
	struct {
		const char *name;
		const char *value;
	} arg[XM_MAX_ARGS];
	bool has_since, has_until;
	int64_t since, until; /* us since the epoch */
	bool has_seq;
	uint64_t first, last; /* numbers, both included */
};

/* All but the result. */
bool xmaudit_matches(const struct xmaudit_filter *filter, const struct xmaudit_record *record);
/* Whether the result of an entry is wanted: that of a call, or NULL if the log has none. */
bool xmaudit_result_matches(const struct xmaudit_filter *filter,
			    const struct xmaudit_slice *result);

/* "2027-01-31T12:00:00Z" and shorter forms of it, or "90s", "15m", "2h", "3d" before `now`. */
bool xmaudit_time(const char *s, time_t now, int64_t *usp);
/* The time of a record; false: it has none. */
bool xmaudit_time_of(const struct xmaudit_slice *time, int64_t *usp);

#endif
