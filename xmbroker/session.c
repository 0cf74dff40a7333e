// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: their beginning, messages, and end.  Owns the connection and the accounts of what is kept
 * for it.  Must never read a further message while an answer is under way, or keep more for a client
 * than its uid is charged for.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/log.h"
#include "xmbroker/session_internal.h"
#include "xmbroker/undertaker.h"

#define CONTAINER(type, member, ptr) ((type *)((char *)(ptr)-offsetof(type, member)))

struct audit_who session_who(const struct session *session)
{
	return (struct audit_who){
		.session = session->number,
		.uid = session->id.uid,
		.gid = session->id.gid,
		.pid = session->id.pid,
		.gids = session->id.gids,
		.n_gids = session->id.n_gids,
		.comm = session->comm,
		.cgroup = session->cgroup ? session->cgroup : "",
		.profile = session->profile ? xm_profile_name(session->profile) : "",
	};
}

/* ---- memory that a uid pays for -------------------------------------------------------------------- */

static size_t budget(const struct server *server)
{
	size_t bytes = (size_t)server->config.max_sessions_per_user * SERVER_SESSION_MEMORY;

	return bytes > SERVER_USER_MEMORY ? bytes : SERVER_USER_MEMORY;
}

bool session_charge(struct session *s, size_t bytes)
{
	if (s->id.uid != 0 && s->user->memory + bytes > budget(s->server))
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

/* Root has no limit of its own, and some room beyond what all the others may take. */
bool session_charge_large(struct session *s, size_t bytes)
{
	const struct server_config *config = &s->server->config;
	size_t max = config->large_memory;

	if (s->id.uid == 0)
		max += config->large_memory_per_user;
	else if (s->user->large + bytes > config->large_memory_per_user)
		return false;
	if (s->server->users.large + bytes > max)
		return false;
	s->server->users.large += bytes;
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

static bool charge_holdings(void *session, size_t bytes)
{
	return session_charge(session, bytes);
}

/* ---- the end --------------------------------------------------------------------------------------- */

static void unlink_session(struct session *s)
{
	struct server *server = s->server;

	*(s->prev ? &s->prev->next : &server->first) = s->next;
	*(s->next ? &s->next->prev : &server->last) = s->prev;
	server->n_sessions--;
}

static void free_session(struct session *s)
{
	identity_deinit(&s->id);
	free(s->gids);
	free(s->cgroup);
	holdings_deinit(&s->holds);
	free(s->assembly);
	free(s->unsent);
	free(s);
}

/* The records that a session leaves open when it ends. */
static void record_end(struct session *s, const char *reason)
{
	struct gate *gate = &s->server->gate;
	struct audit_who who = session_who(s);

	if (s->state == SESSION_SETUP)
		return;
	if (s->state == SESSION_WAITING) {
		struct xm_reply reply;

		xm_reply_init(&reply, NULL, 0);
		xm_reply_fail(&reply, XM_C_UNKNOWN_OUTCOME);
		gate_finish(gate, &s->waiting, &reply);
	}
	gate_note_audit(gate, audit_session(gate->audit, "close", &who, reason));
}

/* The only way in which a client's socket is closed. */
static void disconnect(const struct server *server, int fd)
{
	if (server->config.bury)
		undertaker_close(server->config.undertaker, fd);
	else
		close(fd);
}

void session_close(struct session *s, const char *reason)
{
	struct server *server = s->server;
	int fd = s->source.fd;

	record_end(s, reason);
	loop_remove(&server->loop, &s->source);
	loop_timer_disarm(&s->timer);
	loop_timer_disarm(&s->unsent_timer);
	unlink_session(s);
	session_discharge(s, s->charged);
	session_discharge_large(s, s->charged_large);
	users_put(&server->users, s->user);
	disconnect(server, fd);
	free_session(s);
	server_resume_accept(server);
}

static void send_refused(const struct server *server, int fd, int error, const char *reason)
{
	uint8_t msg[XM_WIRE_HEAD + 4 + XM_WIRE_REASON_MAX];
	struct xm_wire_refused refused = { .error = (uint16_t)error };
	int len;

	snprintf(refused.reason, sizeof(refused.reason), "%s", reason);
	len = xm_wire_put_refused(msg, sizeof(msg), &refused);
	/* A client that has left no room for it finds the connection closed. */
	if (len > 0 && send(fd, msg, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
	/* The kernel would put an error before what a peer has yet to read, if we closed with its
	 * messages unread.  After the shutdown no more can come.  None of them is acted upon.  Where
	 * they may have to be buried, disconnect() sees to it. */
	if (server->config.bury)
		return;
	shutdown(fd, SHUT_RD);
	while (recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0)
		;
}

void session_refuse(struct session *s, int error, const char *reason)
{
	send_refused(s->server, s->source.fd, error, reason);
	session_close(s, reason);
}

static const char *ending_reason(int error)
{
	return error == ETIMEDOUT ? "session reached its maximum age"
				  : "session ended by the broker";
}

static bool is_busy(const struct session *s)
{
	return s->state == SESSION_WAITING || s->unsent;
}

void session_end(struct session *s, int error)
{
	if (is_busy(s))
		s->ending = error;
	else
		session_refuse(s, error, ending_reason(error));
}

void session_throw_out(struct session *s, int error, const char *what)
{
	char name[4 * XM_WIRE_COMM_MAX + 1];
	struct text t = TEXT_INIT(name);

	name[0] = '\0';
	text_safe(&t, s->comm, strlen(s->comm));
	log_client("session %llu (uid %u, pid %d, \"%s\"): %s; closed",
		   (unsigned long long)s->number, s->id.uid, (int)s->id.pid, name, what);
	session_refuse(s, error, what);
}

void session_setup_over(struct loop_timer *timer)
{
	session_throw_out(CONTAINER(struct session, timer, timer), ETIMEDOUT,
			  "no HELLO within the set-up time");
}

void session_unsent_over(struct loop_timer *timer)
{
	struct session *s = CONTAINER(struct session, unsent_timer, timer);

	if (s->unsent)
		session_throw_out(s, ENOBUFS, "replies are not read");
	else
		session_throw_out(s, ENOBUFS, "a message in parts was not sent whole in time");
}

void session_age_over(struct loop_timer *timer)
{
	session_end(CONTAINER(struct session, timer, timer), ETIMEDOUT);
}

/* ---- answers --------------------------------------------------------------------------------------- */

void session_answered(struct session *s)
{
	if (s->ending)
		session_refuse(s, s->ending, ending_reason(s->ending));
	else
		loop_watch(&s->server->loop, &s->source, EPOLLIN);
}

void session_answer(struct session *s, const struct xm_reply *reply)
{
	struct server *server = s->server;

	s->state = SESSION_OPEN;
	gate_finish(&server->gate, &s->waiting, reply);
	session_transmit(s, server->tx,
			 xm_wire_put_result(server->tx, sizeof(server->tx), s->waiting.serial,
					    &s->waiting.req, reply));
}

/* ---- messages -------------------------------------------------------------------------------------- */

static void handle_hello(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;
	struct backend_info *hv = &server->gate.hypervisor;
	struct xm_wire_hello hello;
	struct audit_who who;
	struct xm_wire_welcome welcome = {
		.version = XM_WIRE_VERSION,
		.profile = (uint8_t)hv->profile,
		.partition = hv->partition,
		.n_partitions = hv->n_partitions,
		.data_max = XM_WIRE_DATA_MAX,
	};

	if (xm_wire_get_hello(msg, len, &hello) < 0) {
		session_throw_out(s, EPROTO, "malformed HELLO");
		return;
	}
	if (hello.version_min > XM_WIRE_VERSION || hello.version_max < XM_WIRE_VERSION) {
		session_throw_out(s, EPROTONOSUPPORT, "no common protocol version");
		return;
	}
	s->cgroup = strdup(hello.cgroup);
	if (!s->cgroup || !session_charge(s, strlen(hello.cgroup) + 1)) {
		session_throw_out(s, EAGAIN, "the user's memory is used up");
		return;
	}
	memcpy(s->comm, hello.comm, sizeof(s->comm));
	s->profile = hello.profile;
	s->state = SESSION_OPEN;
	loop_timer_disarm(&s->timer);
	if (server->config.session_max_age)
		loop_timer_arm(&server->loop, &server->age, &s->timer);
	who = session_who(s);
	gate_note_audit(&server->gate, audit_session(server->audit, "open", &who, "connected"));
	session_transmit(s, server->tx,
			 xm_wire_put_welcome(server->tx, sizeof(server->tx), &welcome));
}

static struct gate_caller caller_of(struct session *s)
{
	return (struct gate_caller){
		.subject = {
			.uid = s->id.uid,
			.overflow = s->id.overflow,
			.gids = s->gids,
			.n_gids = s->n_gids,
		},
		.who = session_who(s),
		.holds = &s->holds,
		.session = s,
	};
}

static void handle_calls(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;
	struct gate_caller caller = caller_of(s);
	struct gate_call call;
	struct gate_answer answer = {
		.reply = &server->reply,
		.msg = server->tx,
		.cap = sizeof(server->tx),
		.len = -EMSGSIZE,
	};
	int r;

	xm_reply_init(&server->reply, server->space, sizeof(server->space));
	r = gate_message(&server->gate, &caller, msg, len, &call, &answer);
	if (r < 0) {
		session_throw_out(s, EPROTO, "malformed message");
		return;
	}
	s->n_calls += answer.n_calls;
	s->user->calls += answer.n_calls;
	if (r == GATE_DEFERRED) {
		s->waiting = call;
		s->state = SESSION_WAITING;
		loop_watch(&server->loop, &s->source, 0);
		return;
	}
	if (answer.no_room)
		session_throw_out(s, EDQUOT, "the user's memory for long messages is used up");
	else
		session_transmit(s, answer.msg, answer.len);
}

void session_handle(struct session *s, const uint8_t *msg, size_t len)
{
	if (s->state == SESSION_SETUP)
		handle_hello(s, msg, len);
	else
		handle_calls(s, msg, len);
}

/*
 * A message can be a batch of many calls: with one message a turn, somebody with many sessions would
 * make everybody else wait for all of them.  So the sessions of a uid share the calls of a round, and
 * none has a second turn while another waits for its first.
 */
static bool has_turn(struct session *s)
{
	uint64_t round = s->server->loop.rounds;
	struct user *user = s->user;

	if (s->state == SESSION_SETUP)
		return true;
	if (user->round != round) {
		user->turn += !user->waiting;
		user->round = round;
		user->calls = 0;
		user->waiting = false;
	}
	if (s->turn == user->turn)
		return false;
	if (user->calls >= SERVER_CALLS_A_ROUND) {
		user->waiting = true;
		return false;
	}
	s->turn = user->turn;
	return true;
}

static void on_event(struct loop_source *source, uint32_t events)
{
	struct session *s = CONTAINER(struct session, source, source);

	if (is_busy(s) && (events & (EPOLLHUP | EPOLLERR)))
		session_close(s, "closed by the client");
	else if (s->unsent)
		session_send_unsent(s);
	else if (s->state != SESSION_WAITING && has_turn(s))
		session_receive(s);
}

/* ---- the beginning --------------------------------------------------------------------------------- */

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

/* Whether one more session of this uid is within the limits. */
static const char *over_limit(const struct server *server, uid_t uid)
{
	if (uid == 0)
		return server->n_sessions >= server->config.max_sessions + SERVER_ROOT_RESERVE
			       ? "too many sessions"
			       : NULL;
	if (server->n_sessions >= server->config.max_sessions)
		return "too many sessions";
	if (users_count(&server->users, uid) >= server->config.max_sessions_per_user)
		return "too many sessions of this user";
	return NULL;
}

static void link_session(struct session *s)
{
	struct server *server = s->server;

	s->number = ++server->n_opened;
	s->prev = server->last;
	*(s->prev ? &s->prev->next : &server->first) = s;
	server->last = s;
	server->n_sessions++;
}

/* Takes the identity, but not the descriptor, which is the caller's until all else went well. */
static int new_session(struct server *server, int fd, struct identity *id,
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
	r = session_refilter(s);
	if (r < 0)
		goto out_free;
	s->user = users_get(&server->users, s->id.uid);
	if (!s->user) {
		r = -ENOMEM;
		goto out_free;
	}
	/* The filtered groups cannot become more than there are. */
	if (!session_charge(s, sizeof(*s) + 2 * identity_memory(&s->id))) {
		r = -EDQUOT;
		goto out_put;
	}
	r = loop_add(&server->loop, &s->source, fd, EPOLLIN, on_event);
	if (r < 0)
		goto out_discharge;
	*sessionp = s;
	return 0;
out_discharge:
	session_discharge(s, s->charged);
out_put:
	users_put(&server->users, s->user);
out_free:
	free_session(s);
	return r;
}

/* Makes the session, or says why there is none. */
static const char *admit(struct server *server, int fd, struct identity *id)
{
	const char *reason = over_limit(server, id->uid);
	struct session *s = NULL;
	int r;

	if (reason)
		return reason;
	r = new_session(server, fd, id, &s);
	if (r < 0)
		return r == -EDQUOT ? "the user's memory is used up" : strerror(-r);
	link_session(s);
	s->opened = server->loop.now;
	loop_timer_arm(&server->loop, &server->setup, &s->timer);
	return NULL;
}

void session_open(struct server *server, int fd)
{
	struct identity id = { 0 };
	const char *reason;
	uid_t uid;
	pid_t pid;
	int r = identity_want_credentials(fd);

	if (r == 0)
		r = identity_read(fd, server->config.overflow, &id);
	if (r < 0) {
		log_client("connection without identity refused: %s", strerror(-r));
		disconnect(server, fd);
		return;
	}
	uid = id.uid;
	pid = id.pid;
	reason = admit(server, fd, &id);
	identity_deinit(&id);
	if (!reason)
		return;
	log_client("connection of uid %u, pid %d refused: %s", uid, (int)pid, reason);
	send_refused(server, fd, EAGAIN, reason);
	disconnect(server, fd);
}
