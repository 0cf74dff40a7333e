/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_AUDIT_RIG_H
#define XM_TESTS_AUDIT_RIG_H

/*
 * A log, a ledger, and what the supervisor and a verifier would make of them: reads a log as anybody
 * would who has only its files and the first key, and fails the test where it is not one chain.
 */

#include "tests/broker_fakes.h"
#include "xmbroker/audit.h"
#include "xmbroker/audit_chain.h"

/* What a log holds. */
struct rig_log {
	struct audit_state state; /* to go on from */
	unsigned int records, decisions, results, starts, stops, rotates, continues, recovered;
	uint64_t folded;      /* sum of their "records" */
	uint64_t interrupted; /* of which interrupted */
	uint64_t lost;        /* likewise */
	unsigned int n_folded;
	uint64_t last_id;
	size_t torn;
};

extern struct audit *audit;
extern int log_fd;
extern struct audit_ledger *ledger;
extern struct audit_who who;
extern struct audit_decision decision;

void rig_setup(void);
void rig_teardown(void);
/* An empty file for a log. */
int rig_file(void);
/* The key of an epoch. */
void rig_epoch_key(uint64_t epoch, uint8_t key[AUDIT_KEY_BYTES]);
/* Reads the files of a log, one after the other; `sealed` as a whole. */
void rig_read(const int *fds, unsigned int n, struct rig_log *logp);
/* Goes on with the log in log_fd as a new server does, in the epoch; with its start. */
void rig_serve(uint64_t epoch);
/* Lets files grow to so many bytes more than the log has; -1: at will. */
void rig_limit(off_t more);
off_t rig_log_size(void);
/* Goes on in this file, which stays the caller's, with the key of the epoch. */
int rig_rotate(int fd, uint64_t epoch);
int rig_decide(void);
int rig_deny(bool fold);

#endif
