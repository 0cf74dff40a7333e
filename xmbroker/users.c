// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts by uid.  Owns them.  Must never keep one for a uid that has no session: a stranger could
 * make them pile up.
 */

#include <stdlib.h>

#include "xmbroker/users.h"

static struct user *find(const struct users *users, uid_t uid)
{
	struct user *user = users->bucket[uid % USERS_BUCKETS];

	while (user && user->uid != uid)
		user = user->next;
	return user;
}

struct user *users_get(struct users *users, uid_t uid)
{
	struct user *user = find(users, uid);

	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return NULL;
		user->uid = uid;
		user->next = users->bucket[uid % USERS_BUCKETS];
		users->bucket[uid % USERS_BUCKETS] = user;
	}
	user->n_sessions++;
	return user;
}

void users_put(struct users *users, struct user *user)
{
	struct user **at = &users->bucket[user->uid % USERS_BUCKETS];

	if (--user->n_sessions)
		return;
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	free(user);
}

unsigned int users_count(const struct users *users, uid_t uid)
{
	const struct user *user = find(users, uid);

	return user ? user->n_sessions : 0;
}
