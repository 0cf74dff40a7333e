/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_USERS_H
#define XMBROKER_USERS_H

/* What each uid has in use: sessions, bytes of the server's memory, and turns. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define USERS_BUCKETS 256

struct user {
	uid_t uid;
	unsigned int n_sessions;
	size_t memory;
	size_t large;       /* of messages that are longer than a packet */
	uint64_t round;     /* of the loop, in which: */
	unsigned int calls; /* it made so many calls, */
	bool waiting;       /* and a session was passed over that has not had this turn */
	uint64_t turn;      /* number of the turn that its sessions take */
	struct user *next;
};

struct users {
	size_t large; /* of all */
	struct user *bucket[USERS_BUCKETS];
};

/* The account of a uid, made if there is none; NULL: no memory.  Every one that was got is put. */
struct user *users_get(struct users *users, uid_t uid);
/* The session count goes up with get and down with put; the last put frees the account. */
void users_put(struct users *users, struct user *user);
/* Sessions that a uid has now. */
unsigned int users_count(const struct users *users, uid_t uid);

#endif
