/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_USERS_H
#define XMBROKER_USERS_H

/*
 * What each uid has in use and may still do: sessions, bytes of the server's memory, tokens, turns.
 * An account outlives the last session of its uid as long as its buckets are not full again, so that
 * to connect anew gains nothing; but no more than USERS_RESTING_MAX do, and as many again that have
 * used what a rule with a limit allows: those do not go because of strangers who only connect.
 */

#include <stddef.h>
#include <sys/types.h>

#include "xmbroker/bucket.h"
#include "xmbroker/limits.h"
#include "xmbroker/loop.h"

#define USERS_BUCKETS 256
#define USERS_RESTING_MAX 4096 /* accounts without a session, of either kind */

/* What is limited by rate. */
enum users_rate { USERS_CONNECTIONS, USERS_CALLS, USERS_AUDIT, USERS_DENIALS, N_USERS_RATES };

struct session;

struct user {
	struct users *users; /* borrowed: whose it is */
	uid_t uid;
	unsigned int n_sessions;
	unsigned int n_setup;   /* of them, not set up yet */
	unsigned int n_batches; /* that wait for their turn */
	size_t memory;          /* bytes, of all kinds */
	size_t kept;  /* of it, replies that are not read, and batches that wait: they will go */
	size_t large; /* of messages that are longer than a packet */
	struct bucket bucket[N_USERS_RATES];
	struct limits limits;                     /* of rules */
	struct user *next;                        /* in its bucket of the table */
	struct user *resting_prev, *resting_next; /* without a session */
	struct users_rest *resting;               /* in which it is; NULL: it has one */

	/* turns.c */
	struct user *active_prev, *active_next; /* of those that have something to do */
	struct session *first, *last;           /* its sessions that have */
	bool active;
	int64_t deficit;         /* what it may use in its turn; below 0: it used more */
	uint64_t pass;           /* in which it had a turn last */
	struct loop_timer timer; /* until it is looked at again; armed: it is held */
	uint64_t batch_turn;     /* when it had a batch last */

	/* since the account was made */
	uint64_t n_calls, n_denied, n_records, n_throttled, n_refused, n_evicted;
};

/* Accounts without a session, in the order in which they lost it. */
struct users_rest {
	struct user *first, *last;
	unsigned int n;
};

struct users {
	size_t large;         /* of all */
	size_t limits;        /* bytes of all for buckets of rules */
	unsigned int n;       /* accounts with a session */
	unsigned int n_setup; /* sessions that are not set up yet */
	const int64_t *now;   /* borrowed: the loop's clock */
	struct bucket_limit limit[N_USERS_RATES];
	struct users_rest resting, limited; /* those with buckets of rules that are not full */
	struct user *bucket[USERS_BUCKETS];
};

void users_init(struct users *users, const int64_t *now);
void users_deinit(struct users *users);

/* The account of a uid, made if there is none; NULL: no memory.  Every one that was got is put. */
struct user *users_get(struct users *users, uid_t uid);
/* The session count goes up with get and down with put; after the last put an account rests. */
void users_put(struct users *users, struct user *user);
/* Sessions that a uid has now. */
unsigned int users_count(const struct users *users, uid_t uid);

/* Whether it may do one more; and that it did so many. */
bool users_may(struct users *users, struct user *user, enum users_rate rate);
void users_did(struct users *users, struct user *user, enum users_rate rate, uint64_t n);

/* Another policy is in force: the buckets of all accounts are those of its limits from now on. */
void users_use_policy(struct users *users, const struct policy_image *image, uint32_t generation);

/* All accounts with sessions: the first one for NULL; NULL after the last. */
struct user *users_next(const struct users *users, const struct user *user);

#endif
