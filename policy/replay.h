/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_REPLAY_H
#define XM_POLICY_REPLAY_H

/*
 * Decisions of an audit log put to another policy: which flip.  Memory is bounded, whatever the log holds.
 */

#include <stdio.h>

#include "policy/logged_call.h"

#define REPLAY_ROWS 1024
#define REPLAY_RULE 256
#define REPLAY_CALL 512

/* Flips between the same two rules. */
struct replay_row {
	enum policy_effect from;     /* the other one is what it is now */
	char from_rule[REPLAY_RULE]; /* "file:line:column", or why there is none */
	char to_rule[REPLAY_RULE];
	uint64_t count;
	/* The first of them: */
	char file[REPLAY_RULE];
	uint64_t line;
	char time[40];
	uint32_t uid;
	char call[REPLAY_CALL];
};

struct replay {
	const struct policy_image *image;
	const struct policy_image *against; /* NULL: what the log says */
	uint32_t self;                      /* UINT32_MAX: what the log says */

	struct replay_row *rows; /* owned */
	size_t n_rows;
	uint64_t other_flips; /* of more pairs of rules than there are rows */
	uint64_t replayed, to_allow, to_deny;
	uint64_t gaps[LOGGED_N_GAPS];
};

void replay_init(struct replay *replay, const struct policy_image *image);
void replay_deinit(struct replay *replay);
/* For decision_log_read(). */
bool replay_decision(void *replay, const struct logged_decision *decision);
/* The most frequent first. */
void replay_sort(struct replay *replay);

void replay_print(FILE *out, const struct replay *replay, const struct decision_log *log);
void replay_json(FILE *out, const struct replay *replay, const struct decision_log *log);

#endif
