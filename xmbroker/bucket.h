/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BUCKET_H
#define XMBROKER_BUCKET_H

/*
 * Token buckets: so many tokens a second, of which so many can be saved up.  A bucket may owe tokens:
 * what something costs is known when it is done.
 *
 * Times are ms of a clock of the caller's, who sees to it that time in which nobody could run does not
 * pass on it (loop.h).  A clock that goes back stands still here until it is where it was.
 */

#include <stdbool.h>
#include <stdint.h>

struct bucket_limit {
	uint32_t rate;  /* tokens a second; 0: there is no limit */
	uint32_t burst; /* tokens that it holds when full */
};

struct bucket {
	int64_t level; /* thousandths of tokens; below 0: it owes them */
	int64_t at;    /* ms when that was so */
};

/* A full one. */
void bucket_init(struct bucket *bucket, const struct bucket_limit *limit, int64_t now);
/* Whether it has a token. */
bool bucket_has(struct bucket *bucket, const struct bucket_limit *limit, int64_t now);
/* Takes so many, also such as it does not have. */
void bucket_charge(struct bucket *bucket, const struct bucket_limit *limit, int64_t now,
		   uint64_t tokens);
bool bucket_is_full(struct bucket *bucket, const struct bucket_limit *limit, int64_t now);

#endif
