// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts by uid.  Owns them.  Must never keep more without a session than USERS_RESTING_MAX of
 * either kind, nor more buckets of theirs than half of LIMITS_TOTAL: a stranger could make them pile up.
 */

#include <stdint.h>
#include <stdlib.h>

#include "xmbroker/users.h"

/* Resting accounts that are looked at, whether they can go, when another one is made. */
#define SWEEP 4

void users_init(struct users *users, const int64_t *now)
{
	*users = (struct users){ .now = now };
}

static struct user *find(const struct users *users, uid_t uid)
{
	struct user *user = users->bucket[uid % USERS_BUCKETS];

	while (user && user->uid != uid)
		user = user->next;
	return user;
}

/* ---- rest -------------------------------------------------------------------------------------------- */

static void rest(struct users *users, struct user *user)
{
	struct users_rest *in = limits_are_full(&user->limits) ? &users->resting : &users->limited;

	user->resting = in;
	user->resting_prev = in->last;
	user->resting_next = NULL;
	*(user->resting_prev ? &user->resting_prev->resting_next : &in->first) = user;
	in->last = user;
	in->n++;
}

static void wake(struct user *user)
{
	struct users_rest *in = user->resting;

	if (!in)
		return;
	user->resting = NULL;
	*(user->resting_prev ? &user->resting_prev->resting_next : &in->first) = user->resting_next;
	*(user->resting_next ? &user->resting_next->resting_prev : &in->last) = user->resting_prev;
	in->n--;
}

static void free_user(struct users *users, struct user *user)
{
	struct user **at = &users->bucket[user->uid % USERS_BUCKETS];

	wake(user);
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	limits_deinit(&user->limits);
	free(user);
}

static bool is_full(struct users *users, struct user *user)
{
	for (unsigned int i = 0; i < N_USERS_RATES; i++)
		if (!bucket_is_full(&user->bucket[i], &users->limit[i], *users->now))
			return false;
	return limits_are_full(&user->limits);
}

static void sweep_rest(struct users *users, struct users_rest *in, size_t bytes)
{
	struct user *next, *user = in->first;

	for (unsigned int i = 0; i < SWEEP && user; i++, user = next) {
		next = user->resting_next;
		if (in->n > USERS_RESTING_MAX || users->limits > bytes || is_full(users, user))
			free_user(users, user);
	}
}

/* Lets go of some that have nothing to remember, and of the oldest if there are too many. */
static void sweep(struct users *users)
{
	sweep_rest(users, &users->resting, SIZE_MAX);
	sweep_rest(users, &users->limited, LIMITS_TOTAL / 2);
}

/* ---- accounts ---------------------------------------------------------------------------------------- */

static struct user *new_user(struct users *users, uid_t uid)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	user->users = users;
	user->uid = uid;
	limits_init(&user->limits, users->now, &user->memory, &users->limits);
	for (unsigned int i = 0; i < N_USERS_RATES; i++)
		bucket_init(&user->bucket[i], &users->limit[i], *users->now);
	user->next = users->bucket[uid % USERS_BUCKETS];
	users->bucket[uid % USERS_BUCKETS] = user;
	return user;
}

struct user *users_get(struct users *users, uid_t uid)
{
	struct user *user = find(users, uid);

	if (!user) {
		sweep(users);
		user = new_user(users, uid);
		if (!user)
			return NULL;
	}
	wake(user);
	users->n += !user->n_sessions++;
	return user;
}

void users_put(struct users *users, struct user *user)
{
	if (--user->n_sessions)
		return;
	users->n--;
	loop_timer_disarm(&user->timer);
	if (is_full(users, user)) {
		free_user(users, user);
		return;
	}
	rest(users, user);
	sweep(users);
}

unsigned int users_count(const struct users *users, uid_t uid)
{
	const struct user *user = find(users, uid);

	return user ? user->n_sessions : 0;
}

struct user *users_next(const struct users *users, const struct user *user)
{
	unsigned int b = user ? user->uid % USERS_BUCKETS : 0;
	struct user *next = user ? user->next : users->bucket[0];

	for (;;) {
		for (; next; next = next->next)
			if (next->n_sessions)
				return next;
		if (++b == USERS_BUCKETS)
			return NULL;
		next = users->bucket[b];
	}
}

void users_use_policy(struct users *users, const struct policy_image *image, uint32_t generation)
{
	for (unsigned int b = 0; b < USERS_BUCKETS; b++)
		for (struct user *user = users->bucket[b]; user; user = user->next)
			limits_use(&user->limits, image, generation);
}

void users_deinit(struct users *users)
{
	while (users->resting.first)
		free_user(users, users->resting.first);
	while (users->limited.first)
		free_user(users, users->limited.first);
}

/* ---- tokens ------------------------------------------------------------------------------------------ */

bool users_may(struct users *users, struct user *user, enum users_rate rate)
{
	return bucket_has(&user->bucket[rate], &users->limit[rate], *users->now);
}

void users_did(struct users *users, struct user *user, enum users_rate rate, uint64_t n)
{
	bucket_charge(&user->bucket[rate], &users->limit[rate], *users->now, n);
}
