// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions.  Owns the connection and what is kept for it.  Must never read a further message while
 * an answer is under way, keep more for a client than its uid is charged for, or trust a message
 * that did not come from the identity of the session.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/log.h"
#include "xmbroker/session.h"
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

static bool charge(struct session *s, size_t bytes)
{
	if (s->id.uid != 0 && s->user->memory + bytes > budget(s->server))
		return false;
	s->user->memory += bytes;
	s->charged += bytes;
	return true;
}

static void discharge(struct session *s, size_t bytes)
{
	s->user->memory -= bytes;
	s->charged -= bytes;
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
	discharge(s, s->charged);
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

/* A client did what no client may. */
static void throw_out(struct session *s, int error, const char *what)
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
	throw_out(CONTAINER(struct session, timer, timer), ETIMEDOUT,
		  "no HELLO within the set-up time");
}

void session_unsent_over(struct loop_timer *timer)
{
	throw_out(CONTAINER(struct session, unsent_timer, timer), ENOBUFS, "replies are not read");
}

void session_age_over(struct loop_timer *timer)
{
	session_end(CONTAINER(struct session, timer, timer), ETIMEDOUT);
}

/* ---- answers --------------------------------------------------------------------------------------- */

/* What comes after an answer is on its way. */
static void answered(struct session *s)
{
	if (s->ending)
		session_refuse(s, s->ending, ending_reason(s->ending));
	else
		loop_watch(&s->server->loop, &s->source, EPOLLIN);
}

static void keep_unsent(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;

	if (!charge(s, len)) {
		throw_out(s, ENOBUFS, "replies are not read, and the user's memory is used up");
		return;
	}
	s->unsent = malloc(len);
	if (!s->unsent) {
		throw_out(s, ENOBUFS, "no memory");
		return;
	}
	memcpy(s->unsent, msg, len);
	s->unsent_len = len;
	loop_timer_arm(&server->loop, &server->unsent, &s->unsent_timer);
	loop_watch(&server->loop, &s->source, EPOLLOUT);
}

static void transmit(struct session *s, int len)
{
	const uint8_t *msg = s->server->tx;

	if (len < 0) {
		throw_out(s, EPROTO, "the answer does not fit into a message");
		return;
	}
	if (send(s->source.fd, msg, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		answered(s);
	else if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		keep_unsent(s, msg, (size_t)len);
	else
		session_close(s, "connection lost");
}

static void send_unsent(struct session *s)
{
	if (send(s->source.fd, s->unsent, s->unsent_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			session_close(s, "connection lost");
		return;
	}
	loop_timer_disarm(&s->unsent_timer);
	discharge(s, s->unsent_len);
	free(s->unsent);
	s->unsent = NULL;
	answered(s);
}

static void send_result(struct session *s, const struct gate_call *call,
			const struct xm_reply *reply)
{
	struct server *server = s->server;

	transmit(s, xm_wire_put_result(server->tx, sizeof(server->tx), call->serial, &call->req,
				       reply));
}

void session_answer(struct session *s, const struct xm_reply *reply)
{
	s->state = SESSION_OPEN;
	gate_finish(&s->server->gate, &s->waiting, reply);
	send_result(s, &s->waiting, reply);
}

/* ---- messages -------------------------------------------------------------------------------------- */

static void handle_hello(struct session *s, size_t len)
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

	if (xm_wire_get_hello(server->rx, len, &hello) < 0) {
		throw_out(s, EPROTO, "malformed HELLO");
		return;
	}
	if (hello.version_min > XM_WIRE_VERSION || hello.version_max < XM_WIRE_VERSION) {
		throw_out(s, EPROTONOSUPPORT, "no common protocol version");
		return;
	}
	s->cgroup = strdup(hello.cgroup);
	if (!s->cgroup || !charge(s, strlen(hello.cgroup) + 1)) {
		throw_out(s, EAGAIN, "the user's memory is used up");
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
	transmit(s, xm_wire_put_welcome(server->tx, sizeof(server->tx), &welcome));
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
		.session = s,
	};
}

static void handle_call(struct session *s, size_t len)
{
	struct server *server = s->server;
	struct gate_caller caller = caller_of(s);
	struct gate_call call;
	int r;

	xm_reply_init(&server->reply, server->space, sizeof(server->space));
	r = gate_message(&server->gate, &caller, server->rx, len, &call, &server->reply);
	if (r < 0) {
		throw_out(s, EPROTO, "malformed message");
		return;
	}
	s->n_calls++;
	if (r == GATE_DEFERRED) {
		s->waiting = call;
		s->state = SESSION_WAITING;
		loop_watch(&server->loop, &s->source, 0);
		return;
	}
	send_result(s, &call, &server->reply);
}

static int receive_message(struct session *s, struct identity_message *messagep)
{
	struct server *server = s->server;

	if (server->config.bury) {
		int r = identity_peek(s->source.fd);

		if (r < 0)
			return r;
	}
	return identity_receive(s->source.fd, &s->id, server->rx, sizeof(server->rx), messagep);
}

static void receive(struct session *s)
{
	struct identity_message message;
	int r = receive_message(s, &message);

	if (r == -EAGAIN)
		return;
	if (r == -EACCES)
		throw_out(s, EACCES, "message from a process of another identity");
	else if (r == -EPROTO)
		throw_out(s, EPROTO, "message too long, empty, or with descriptors");
	else if (r < 0)
		session_close(s, "connection lost");
	else if (message.end)
		session_close(s, "closed by the client");
	else if (s->state == SESSION_SETUP)
		handle_hello(s, message.len);
	else
		handle_call(s, message.len);
}

static void on_event(struct loop_source *source, uint32_t events)
{
	struct session *s = CONTAINER(struct session, source, source);

	if (is_busy(s) && (events & (EPOLLHUP | EPOLLERR)))
		session_close(s, "closed by the client");
	else if (s->unsent)
		send_unsent(s);
	else if (s->state != SESSION_WAITING)
		receive(s);
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
	if (!charge(s, sizeof(*s) + 2 * identity_memory(&s->id))) {
		r = -EDQUOT;
		goto out_put;
	}
	r = loop_add(&server->loop, &s->source, fd, EPOLLIN, on_event);
	if (r < 0)
		goto out_discharge;
	*sessionp = s;
	return 0;
out_discharge:
	discharge(s, s->charged);
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
