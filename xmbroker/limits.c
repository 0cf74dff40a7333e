// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buckets of limits.  Owns them, and their arithmetic in whole numbers.  Must never give a token for
 * time that was counted before, nor forget that one was taken: where that cannot be noted there is none.
 */

#include <stdlib.h>
#include <string.h>

#include "xmbroker/limits.h"

#define MS 1000
#define FIRST_CAP 8

void limits_init(struct limits *limits, const int64_t *now, size_t *memory, size_t *total)
{
	*limits = (struct limits){ .now = now, .memory = memory, .total = total };
}

static size_t size_of(uint32_t cap)
{
	return cap * (sizeof(struct limits_bucket) + sizeof(uint32_t));
}

void limits_deinit(struct limits *limits)
{
	*limits->memory -= size_of(limits->cap);
	*limits->total -= size_of(limits->cap);
	free(limits->bucket);
	free(limits->empty);
	limits->bucket = NULL;
	limits->empty = NULL;
	limits->n = limits->cap = 0;
}

/* ---- one bucket ---------------------------------------------------------------------------------------- */

/* The image is verified: no product of its numbers overflows, see IMAGE_LIMIT_MAX. */
static int64_t token_of(const struct limits_bucket *b)
{
	return (int64_t)b->period * MS;
}

static int64_t full_of(const struct limits_bucket *b)
{
	return b->burst * token_of(b);
}

static void fill(struct limits_bucket *b, int64_t now)
{
	int64_t passed;

	if (now <= b->at)
		return;
	if (__builtin_sub_overflow(now, b->at, &passed) ||
	    passed > (full_of(b) - b->level) / b->count)
		b->level = full_of(b);
	else
		b->level += passed * b->count;
	b->at = now;
}

/* Tokens are kept; what they are counted in changes with the period. */
static void change(struct limits_bucket *b, const struct policy_limit *limit, int64_t now)
{
	if (b->count == limit->count && b->period == limit->period && b->burst == limit->burst)
		return;
	fill(b, now);
	b->level = b->level / b->period * limit->period +
		   b->level % b->period * limit->period / b->period;
	b->count = limit->count;
	b->period = limit->period;
	b->burst = limit->burst;
	if (b->level > full_of(b))
		b->level = full_of(b);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

/* The first whose key is not less. */
static uint32_t place_of(const struct limits *limits, uint64_t key)
{
	uint32_t low = 0, high = limits->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (limits->bucket[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Lets go of those that are full again. */
static void sweep(struct limits *limits)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < limits->n; i++) {
		struct limits_bucket *b = &limits->bucket[i];

		fill(b, *limits->now);
		if (b->level < full_of(b))
			limits->bucket[kept++] = *b;
	}
	limits->n = kept;
}

static bool grow(struct limits *limits)
{
	uint32_t cap = limits->cap ? 2 * limits->cap : FIRST_CAP;
	size_t more = size_of(cap) - size_of(limits->cap);
	struct limits_bucket *bucket;
	uint32_t *empty;

	if (limits->n == LIMITS_MAX || *limits->total + more > LIMITS_TOTAL)
		return false;
	empty = realloc(limits->empty, cap * sizeof(*empty));
	if (!empty)
		return false;
	limits->empty = empty;
	bucket = realloc(limits->bucket, cap * sizeof(*bucket));
	if (!bucket)
		return false;
	limits->bucket = bucket;
	*limits->memory += more;
	*limits->total += more;
	limits->cap = cap;
	return true;
}

static bool has_room(struct limits *limits)
{
	if (limits->n < limits->cap)
		return true;
	sweep(limits);
	return limits->n < limits->cap || grow(limits);
}

static bool insert(struct limits *limits, uint32_t number, const struct policy_limit *limit)
{
	struct limits_bucket new = {
		.key = limit->key,
		.at = *limits->now,
		.count = limit->count,
		.period = limit->period,
		.burst = limit->burst,
		.number = number,
	};
	uint32_t at;

	if (!has_room(limits))
		return false;
	at = place_of(limits, limit->key);
	memmove(&limits->bucket[at + 1], &limits->bucket[at], (limits->n - at) * sizeof(new));
	new.level = full_of(&new) - token_of(&new);
	limits->bucket[at] = new;
	limits->n++;
	return true;
}

void limits_use(struct limits *limits, const struct policy_image *image, uint32_t generation)
{
	struct policy_limit limit;

	if (limits->image == image && limits->generation == generation)
		return;
	limits->image = image;
	limits->generation = generation;
	for (uint32_t i = 0; i < limits->n; i++) {
		struct limits_bucket *b = &limits->bucket[i];

		b->number = POLICY_NO_LIMIT;
		if (policy_image_find_limit(image, b->key, &b->number) &&
		    policy_image_limit(image, b->number, &limit))
			change(b, &limit, *limits->now);
	}
}

static struct limits_bucket *find(const struct limits *limits, uint64_t key)
{
	uint32_t at = place_of(limits, key);

	return at < limits->n && limits->bucket[at].key == key ? &limits->bucket[at] : NULL;
}

bool limits_take(struct limits *limits, uint32_t number)
{
	struct policy_limit limit;
	struct limits_bucket *b;

	if (!policy_image_limit(limits->image, number, &limit))
		return false;
	b = find(limits, limit.key);
	if (!b)
		return insert(limits, number, &limit);
	fill(b, *limits->now);
	if (b->level < token_of(b))
		return false;
	b->level -= token_of(b);
	return true;
}

void limits_give_back(struct limits *limits, uint32_t number)
{
	struct policy_limit limit;
	struct limits_bucket *b;

	if (!policy_image_limit(limits->image, number, &limit))
		return;
	b = find(limits, limit.key);
	if (!b)
		return; /* it is full without it */
	b->level += token_of(b);
	if (b->level > full_of(b))
		b->level = full_of(b);
}

struct policy_buckets limits_empty(struct limits *limits)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < limits->n; i++) {
		struct limits_bucket *b = &limits->bucket[i];

		fill(b, *limits->now);
		if (b->number != POLICY_NO_LIMIT && b->level < token_of(b))
			limits->empty[n++] = b->number;
	}
	return (struct policy_buckets){ limits->empty, n };
}

bool limits_are_full(struct limits *limits)
{
	sweep(limits);
	return !limits->n;
}
