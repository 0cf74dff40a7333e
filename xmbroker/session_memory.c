// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory that uids pay for.  Owns the accounts of it.  Must never let one user take what others have a
 * fair claim to.
 */

#include <errno.h>

#include "xmbroker/session_internal.h"

/* ---- what sessions need ------------------------------------------------------------------------------ */

static size_t budget(const struct server *server, const struct user *user)
{
	size_t kept = server->config.memory_per_user;

	return (kept ? kept : SERVER_USER_MEMORY) +
	       user->n_sessions * (size_t)SERVER_SESSION_MEMORY;
}

bool session_charge(struct session *s, size_t bytes)
{
	if (s->id.uid != 0 && s->user->memory + bytes > budget(s->server, s->user))
		return false;
	s->user->memory += bytes;
	s->charged += bytes;
	return true;
}

void session_discharge(struct session *s, size_t bytes)
{
	s->user->memory -= bytes;
	s->charged -= bytes;
}

bool session_charge_kept(struct session *s, size_t bytes)
{
	if (!session_charge(s, bytes))
		return false;
	s->user->kept += bytes;
	s->charged_kept += bytes;
	return true;
}

void session_discharge_kept(struct session *s, size_t bytes)
{
	session_discharge(s, bytes);
	s->user->kept -= bytes;
	s->charged_kept -= bytes;
}

bool session_memory_is_full(const struct server *server, const struct user *user)
{
	if (user->uid == 0)
		return false;
	if (user->kept && user->memory + XM_WIRE_PACKET > budget(server, user))
		return true;
	return server->batches.n >= SERVER_BATCHES &&
	       user->n_batches > SERVER_BATCHES / (server->users.n + 1);
}

/* ---- messages longer than a packet ------------------------------------------------------------------- */

static size_t large_max(const struct server *server, const struct user *user)
{
	const struct server_config *config = &server->config;

	return config->large_memory + (user->uid == 0 ? config->large_memory_per_user : 0);
}

/* What everybody who wants some could have. */
static size_t large_share(const struct server *server, const struct user *asking)
{
	size_t n = 1;

	for (const struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u))
		n += u->large && u != asking;
	return server->config.large_memory / n;
}

static struct user *greatest_holder(const struct server *server)
{
	struct user *most = NULL;

	for (struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u))
		if (u->uid != 0 && (!most || u->large > most->large))
			most = u;
	return most;
}

/* The transfer that has made no progress for the longest time; calls under way are none. */
static struct session *slowest(const struct server *server, const struct user *user)
{
	struct session *found = NULL;

	for (struct session *s = server->first; s; s = s->next)
		if (s->user == user && s->charged_large && s->unsent_timer.queue &&
		    (!found || s->unsent_timer.at < found->unsent_timer.at))
			found = s;
	return found;
}

/* Who has more than its share gives way to who has less. */
static bool take_back(struct session *s, size_t bytes)
{
	struct server *server = s->server;
	size_t share = large_share(server, s->user);
	struct user *most = greatest_holder(server);
	struct session *victim;

	if (!most || most == s->user || most->large <= share || s->user->large + bytes > share)
		return false;
	victim = slowest(server, most);
	if (!victim)
		return false;
	/* What the gate has done so far was for this one: it must not go on the account of the other. */
	session_account(s);
	most->n_evicted++;
	server->n_evicted[SERVER_EVICTED_MEMORY]++;
	session_throw_out(victim, ENOBUFS, "other users need the memory for long messages");
	return true;
}

/* Root has no limit of its own, and some room beyond what all the others may take. */
bool session_charge_large(struct session *s, size_t bytes)
{
	struct server *server = s->server;
	size_t max = large_max(server, s->user);

	if (s->user->uid != 0 && s->user->large + bytes > server->config.large_memory_per_user)
		return false;
	while (server->users.large + bytes > max)
		if (!take_back(s, bytes))
			return false;
	server->users.large += bytes;
	s->user->large += bytes;
	s->charged_large += bytes;
	return true;
}

void session_discharge_large(struct session *s, size_t bytes)
{
	s->server->users.large -= bytes;
	s->user->large -= bytes;
	s->charged_large -= bytes;
}

void session_discharge_all(struct session *s)
{
	session_discharge_kept(s, s->charged_kept);
	session_discharge(s, s->charged);
	session_discharge_large(s, s->charged_large);
}
