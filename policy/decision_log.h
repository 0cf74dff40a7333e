/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_DECISION_LOG_H
#define XM_POLICY_DECISION_LOG_H

/*
 * Decisions that stand in an audit log, for the commands that put them to a policy.  The form of the log
 * is the business of xmbroker/, which is above this layer: who reads one links
 * xmbroker/xmpolicy_log.c, where this is implemented.
 *
 * All of it is text from strangers.  Whether the log is whole and unchanged is not looked at: that is for
 * xmaudit verify.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECISION_LOG_GROUPS 128 /* more than one record names */
#define DECISION_LOG_TEXT 600

/* Valid during the call. */
struct logged_decision {
	const char *file;
	uint64_t line; /* of the file */
	char time[40]; /* as in the log */
	int64_t now;   /* seconds since the epoch; INT64_MIN: unreadable */
	char op[64];
	const char *args; /* a JSON object, not terminated; NULL: none */
	size_t args_len;
	bool has_uid;
	uint32_t uid;
	uint32_t gids[DECISION_LOG_GROUPS]; /* ascending */
	uint32_t n_gids;
	bool more_groups; /* than are recorded */
	bool allowed;
	bool guarded;
	char why[64];
	char rule[DECISION_LOG_TEXT]; /* "" if none */
	char policy[40];              /* the beginning of its digest, hexadecimal */
	bool has_self;
	uint32_t self; /* the partition of the broker, from the record of its start */
};

/* What was in a log beside decisions; added to what is there. */
struct decision_log {
	uint64_t records;
	uint64_t decisions;
	uint64_t folded; /* decisions that were counted only */
	uint64_t lost;   /* that the log says are missing */
	uint64_t bad;    /* lines that are no records */
};

/*
 * All files of the log `name`, in order; `on_decision` ends the reading by returning false.  Shows how far
 * it has come if standard error is a terminal.  0, or -errno, which was said on standard error.
 */
int decision_log_read(const char *name,
		      bool (*on_decision)(void *data, const struct logged_decision *decision),
		      void *data, struct decision_log *log);

#endif
