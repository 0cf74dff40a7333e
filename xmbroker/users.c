// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts by uid.  Owns them.  Must never keep more without a session than USERS_RESTING_MAX: a
 * stranger could make them pile up.
 */

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
	user->resting = true;
	user->resting_prev = users->resting_last;
	user->resting_next = NULL;
	*(user->resting_prev ? &user->resting_prev->resting_next : &users->resting_first) = user;
	users->resting_last = user;
	users->n_resting++;
}

static void wake(struct users *users, struct user *user)
{
	if (!user->resting)
		return;
	user->resting = false;
	*(user->resting_prev ? &user->resting_prev->resting_next : &users->resting_first) =
		user->resting_next;
	*(user->resting_next ? &user->resting_next->resting_prev : &users->resting_last) =
		user->resting_prev;
	users->n_resting--;
}

static void free_user(struct users *users, struct user *user)
{
	struct user **at = &users->bucket[user->uid % USERS_BUCKETS];

	wake(users, user);
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	free(user);
}

static bool is_full(struct users *users, struct user *user)
{
	for (unsigned int i = 0; i < N_USERS_RATES; i++)
		if (!bucket_is_full(&user->bucket[i], &users->limit[i], *users->now))
			return false;
	return true;
}

/* Lets go of some that have nothing to remember, and of the oldest if there are too many. */
static void sweep(struct users *users)
{
	struct user *next, *user = users->resting_first;

	for (unsigned int i = 0; i < SWEEP && user; i++, user = next) {
		next = user->resting_next;
		if (users->n_resting > USERS_RESTING_MAX || is_full(users, user))
			free_user(users, user);
	}
}

/* ---- accounts ---------------------------------------------------------------------------------------- */

static struct user *new_user(struct users *users, uid_t uid)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	user->users = users;
	user->uid = uid;
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
	wake(users, user);
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

void users_deinit(struct users *users)
{
	while (users->resting_first)
		free_user(users, users->resting_first);
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
