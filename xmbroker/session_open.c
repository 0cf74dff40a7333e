// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The beginning of sessions.  Owns who may have one more, and who gives way when there is no room.
 * Must never end a session in whose name a call is under way, nor one of root's, to make room.
 *
 * A uid's share of what all uids use together is that of one more than there are.  Who has less than
 * that gets room from the one who has most, as long as that is more than the share: first its
 * connections that are not set up, the newest first, since a flood is made of those; then the session
 * that was used the longest ago.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/log.h"
#include "xmbroker/session_internal.h"

/* ---- making room ------------------------------------------------------------------------------------- */

static unsigned int count_of(const struct user *user, bool setup)
{
	return setup ? user->n_setup : user->n_sessions;
}

static struct user *greatest(const struct server *server, bool setup)
{
	struct user *most = NULL;

	for (struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u))
		if (u->uid != 0 && (!most || count_of(u, setup) > count_of(most, setup)))
			most = u;
	return most;
}

/* Who rests goes first, then who has sent what has not been acted upon, then who does not read.  What
 * is held up could otherwise keep its place for ever. */
static unsigned int rank_of(const struct session *s)
{
	return s->unsent ? 2 : s->assembly || s->queued;
}

static bool goes_before(const struct session *s, const struct session *other)
{
	unsigned int rank = rank_of(s), than = rank_of(other);

	return rank < than || (rank == than && s->active < other->active);
}

static struct session *victim_of(const struct server *server, const struct user *user, bool setup)
{
	struct session *oldest = NULL;

	for (struct session *s = server->last; s; s = s->prev)
		if (s->user == user && s->state == SESSION_SETUP)
			return s;
	for (struct session *s = server->first; s && !setup; s = s->next)
		if (s->user == user && s->state == SESSION_OPEN &&
		    (!oldest || goes_before(s, oldest)))
			oldest = s;
	return oldest;
}

/* Ends a session of the one who has most, if that is more than `share`. */
static bool evict(struct server *server, const struct user *asking, unsigned int share, bool setup)
{
	struct user *most = greatest(server, setup);
	struct session *victim;

	if (!most || most == asking || count_of(most, setup) <= share)
		return false;
	victim = victim_of(server, most, setup);
	if (!victim)
		return false;
	most->n_evicted++;
	server->n_evicted[victim->state == SESSION_SETUP ? SERVER_EVICTED_SETUP
							 : SERVER_EVICTED_SESSION]++;
	session_throw_out(victim, EAGAIN, "other users need the room");
	return true;
}

static unsigned int n_setting_up(const struct server *server)
{
	unsigned int n = 0;

	for (const struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u))
		n += u->n_setup > 0;
	return n;
}

bool session_make_room(struct server *server)
{
	unsigned int share = server->n_sessions / (server->users.n + 1);

	return evict(server, NULL, share ? share : 1, false);
}

/* ---- limits ------------------------------------------------------------------------------------------ */

/* The new session counts already. */
static enum server_refusal no_setup(struct server *server, const struct user *user)
{
	const struct server_config *config = &server->config;
	unsigned int max = config->max_setup, share;

	if (!max)
		return SERVER_NOT_REFUSED;
	if (user->uid == 0)
		return server->users.n_setup >= max + SERVER_ROOT_RESERVE ? SERVER_REFUSED_SETUP
									  : SERVER_NOT_REFUSED;
	if (config->max_setup_per_user && user->n_setup >= config->max_setup_per_user)
		return SERVER_REFUSED_SETUP_USER;
	if (server->users.n_setup < max)
		return SERVER_NOT_REFUSED;
	share = max / (n_setting_up(server) + 1);
	return user->n_setup < share && evict(server, user, share, true) ? SERVER_NOT_REFUSED
									 : SERVER_REFUSED_SETUP;
}

static enum server_refusal no_session(struct server *server, const struct user *user)
{
	const struct server_config *config = &server->config;
	unsigned int share;

	if (user->uid == 0)
		return server->n_sessions >= config->max_sessions + SERVER_ROOT_RESERVE
			       ? SERVER_REFUSED_SESSIONS
			       : SERVER_NOT_REFUSED;
	if (user->n_sessions > config->max_sessions_per_user)
		return SERVER_REFUSED_SESSIONS_USER;
	if (server->n_sessions < config->max_sessions)
		return SERVER_NOT_REFUSED;
	share = config->max_sessions / (server->users.n + 1);
	return user->n_sessions <= share && evict(server, user, share, false)
		       ? SERVER_NOT_REFUSED
		       : SERVER_REFUSED_SESSIONS;
}

/* Root comes to put things right, and is let in. */
static enum server_refusal too_fast(struct server *server, struct user *user)
{
	if (user->uid == 0)
		return SERVER_NOT_REFUSED;
	if (!users_may(&server->users, user, USERS_CONNECTIONS))
		return SERVER_REFUSED_RATE;
	users_did(&server->users, user, USERS_CONNECTIONS, 1);
	return SERVER_NOT_REFUSED;
}

/* Makes room if need be. */
static enum server_refusal over_limit(struct server *server, struct user *user)
{
	enum server_refusal why = too_fast(server, user);

	if (!why)
		why = no_setup(server, user);
	return why ? why : no_session(server, user);
}

const char *server_refusal_text(enum server_refusal why)
{
	static const char *const texts[SERVER_REFUSALS] = {
		[SERVER_REFUSED_RATE] =
			"too many connections of this user in a short time: try again in a second",
		[SERVER_REFUSED_SETUP] = "too many connections are being set up",
		[SERVER_REFUSED_SETUP_USER] = "too many connections of this user are being set up",
		[SERVER_REFUSED_SESSIONS] = "too many sessions",
		[SERVER_REFUSED_SESSIONS_USER] = "too many sessions of this user",
		[SERVER_REFUSED_MEMORY] = "the user's memory is used up",
		[SERVER_REFUSED_ERROR] = "the broker has no memory or descriptors left",
	};

	return texts[why];
}

/* ---- the beginning ----------------------------------------------------------------------------------- */

int session_refilter(struct session *s)
{
	uint32_t *gids = malloc(identity_memory(&s->id));
	uint32_t *fitted;

	if (!gids)
		return -ENOMEM;
	memcpy(gids, s->id.gids, identity_memory(&s->id));
	s->n_gids = (uint32_t)policy_image_filter_groups(s->server->gate.image, gids, s->id.n_gids);
	fitted = s->n_gids ? realloc(gids, s->n_gids * sizeof(*gids)) : NULL;
	free(s->gids);
	s->gids = fitted ? fitted : gids;
	return 0;
}

void session_leave_setup(struct session *s)
{
	s->user->n_setup--;
	s->server->users.n_setup--;
}

static void link_session(struct session *s)
{
	struct server *server = s->server;

	s->number = ++server->n_opened;
	s->prev = server->last;
	*(s->prev ? &s->prev->next : &server->first) = s;
	server->last = s;
	server->n_sessions++;
	s->user->n_setup++;
	server->users.n_setup++;
	s->active = server->n_messages;
	s->opened = server->loop.now;
	loop_timer_arm(&server->loop, &server->setup, &s->timer);
}

static bool charge_holdings(void *session, size_t bytes)
{
	return session_charge(session, bytes);
}

/* Takes the identity, but neither the descriptor nor the account, until all else went well. */
static int new_session(struct server *server, int fd, struct user *user, struct identity *id,
		       struct session **sessionp)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->server = server;
	holdings_init(&s->holds, charge_holdings, s);
	s->id = *id;
	*id = (struct identity){ 0 };
	s->user = user;
	r = session_refilter(s);
	/* The filtered groups cannot become more than there are. */
	if (r == 0 && !session_charge(s, sizeof(*s) + 2 * identity_memory(&s->id)))
		r = -EDQUOT;
	if (r == 0)
		r = session_watch(s, fd);
	if (r < 0) {
		session_discharge_all(s);
		session_free(s);
		return r;
	}
	*sessionp = s;
	return 0;
}

/* Makes the session, or says why there is none. */
static enum server_refusal admit(struct server *server, int fd, struct identity *id)
{
	struct user *user = users_get(&server->users, id->uid);
	struct session *s = NULL;
	enum server_refusal why;
	int r;

	if (!user)
		return SERVER_REFUSED_ERROR;
	why = over_limit(server, user);
	if (!why) {
		r = new_session(server, fd, user, id, &s);
		why = r == 0         ? SERVER_NOT_REFUSED
		      : r == -EDQUOT ? SERVER_REFUSED_MEMORY
				     : SERVER_REFUSED_ERROR;
	}
	if (!why) {
		link_session(s);
		return why;
	}
	user->n_refused++;
	users_put(&server->users, user);
	return why;
}

static void refuse(struct server *server, int fd, uid_t uid, pid_t pid, enum server_refusal why)
{
	const char *text = server_refusal_text(why);

	server->n_refused[why]++;
	log_client("connection of uid %u, pid %d refused: %s", uid, (int)pid, text);
	session_send_refused(server, fd, EAGAIN, text);
	session_disconnect(server, fd);
}

void session_open(struct server *server, int fd)
{
	struct identity id = { 0 };
	enum server_refusal why;
	uid_t uid;
	pid_t pid;
	int r = identity_want_credentials(fd);

	if (r == 0)
		r = identity_read(fd, server->config.overflow, &id);
	if (r < 0) {
		server->n_refused[SERVER_REFUSED_IDENTITY]++;
		log_client("connection without identity refused: %s", strerror(-r));
		session_disconnect(server, fd);
		return;
	}
	uid = id.uid;
	pid = id.pid;
	why = admit(server, fd, &id);
	identity_deinit(&id);
	if (why)
		refuse(server, fd, uid, pid, why);
}
