// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Token buckets.  Owns their arithmetic, in whole numbers.  Must never give tokens for time that was
 * counted before, nor come by them through an overflow.
 */

#include "xmbroker/bucket.h"

#define THOUSANDTHS 1000
#define DEBT_MAX (INT64_MAX / 4) /* far more than anything costs */

static int64_t full(const struct bucket_limit *limit)
{
	return (int64_t)limit->burst * THOUSANDTHS;
}

void bucket_init(struct bucket *bucket, const struct bucket_limit *limit, int64_t now)
{
	*bucket = (struct bucket){ full(limit), now };
}

/* A token a second is a thousandth a millisecond. */
static void fill(struct bucket *bucket, const struct bucket_limit *limit, int64_t now)
{
	int64_t missing = full(limit) - bucket->level;
	int64_t passed;

	if (now <= bucket->at)
		return;
	if (__builtin_sub_overflow(now, bucket->at, &passed) || passed > missing / limit->rate)
		bucket->level = full(limit);
	else
		bucket->level += passed * limit->rate;
	bucket->at = now;
}

bool bucket_has(struct bucket *bucket, const struct bucket_limit *limit, int64_t now)
{
	if (!limit->rate)
		return true;
	fill(bucket, limit, now);
	return bucket->level >= THOUSANDTHS;
}

void bucket_charge(struct bucket *bucket, const struct bucket_limit *limit, int64_t now,
		   uint64_t tokens)
{
	int64_t cost;

	if (!limit->rate)
		return;
	fill(bucket, limit, now);
	cost = tokens < DEBT_MAX / THOUSANDTHS ? (int64_t)tokens * THOUSANDTHS : DEBT_MAX;
	bucket->level -= cost;
	if (bucket->level < -DEBT_MAX)
		bucket->level = -DEBT_MAX;
}

bool bucket_is_full(struct bucket *bucket, const struct bucket_limit *limit, int64_t now)
{
	if (!limit->rate)
		return true;
	fill(bucket, limit, now);
	return bucket->level >= full(limit);
}
