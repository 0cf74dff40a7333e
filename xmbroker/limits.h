/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LIMITS_H
#define XMBROKER_LIMITS_H

/*
 * The token buckets that one user has for the rules with a limit.  Only those that are not full take
 * room: whoever has used no token has no bucket.
 *
 * A bucket belongs to the key of its limit, not to an image.  So it outlives a reload, also one to a
 * policy that lacks the rule and back, and it is the user's account that keeps it, not a session.
 * Tokens that come in at another rate from then on are kept, up to the new burst.
 *
 * The memory is bounded twice: for a user by LIMITS_MAX, and for all users together by
 * LIMITS_TOTAL.  Where a bucket finds no room there is no token.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/eval.h"

#define LIMITS_MAX 1024 /* buckets of a user that are not full; who has more gets nothing limited */
#define LIMITS_TOTAL ((size_t)32 << 20) /* bytes for the buckets of all users */

struct limits_bucket {
	uint64_t key;
	int64_t level; /* a token is period * 1000 of these, and count of them come in a millisecond */
	int64_t at;    /* ms when that was so */
	uint32_t count, period, burst;
	uint32_t number; /* of the limit in the image; POLICY_NO_LIMIT: it has no such */
};

struct limits {
	const int64_t *now; /* borrowed: ms, the loop's clock */
	size_t *memory;     /* borrowed: the account of the user, to which buckets are charged */
	size_t *total;      /* borrowed: bytes of all users */
	struct limits_bucket *bucket; /* owned; by key, ascending */
	uint32_t *empty;              /* owned; room for as many */
	uint32_t n, cap;
	const struct policy_image *image; /* that the numbers are of; only compared */
	uint32_t generation;
};

void limits_init(struct limits *limits, const int64_t *now, size_t *memory, size_t *total);
void limits_deinit(struct limits *limits);

/* The image that is asked about from now on, if it is another one. */
void limits_use(struct limits *limits, const struct policy_image *image, uint32_t generation);
/* Takes a token; false: there is none, or no memory to note that one was taken. */
bool limits_take(struct limits *limits, uint32_t number);
/* Gives back a token that was taken under the same image. */
void limits_give_back(struct limits *limits, uint32_t number);
/* Those that have no token now; good until the next call. */
struct policy_buckets limits_empty(struct limits *limits);
/* Whether there is nothing to remember. */
bool limits_are_full(struct limits *limits);

#endif
