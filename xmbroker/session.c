// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: their messages and end.  Owns the connection.  Must never read a further message while an
 * answer is under way, or end without a record what has one of its beginning.
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

/* ---- the end --------------------------------------------------------------------------------------- */

static void unlink_session(struct session *s)
{
	struct server *server = s->server;

	*(s->prev ? &s->prev->next : &server->first) = s->next;
	*(s->next ? &s->next->prev : &server->last) = s->prev;
	server->n_sessions--;
}

void session_free(struct session *s)
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
	if (s->state == SESSION_WAITING || s->state == SESSION_SEARCHING) {
		struct xm_reply reply;

		xm_reply_init(&reply, NULL, 0);
		xm_reply_fail(&reply, XM_C_UNKNOWN_OUTCOME);
		gate_finish(gate, &s->waiting, &reply);
	}
	gate_note_audit(gate, audit_session(gate->audit, "close", &who, reason));
	session_account(s);
	users_did(&s->server->users, s->user, USERS_AUDIT, 1);
}

void session_disconnect(const struct server *server, int fd)
{
	if (server->config.bury)
		undertaker_close(server->config.undertaker, fd);
	else
		close(fd);
}

/* Gives back what the user lent to it. */
static void leave_user(struct session *s)
{
	if (s->state == SESSION_SETUP)
		session_leave_setup(s);
	session_discharge_all(s);
}

void session_close(struct session *s, const char *reason)
{
	struct server *server = s->server;
	struct user *user = s->user;
	int fd = s->source.fd;

	session_drop_batch(s);
	record_end(s, reason);
	turns_remove(server, s);
	loop_remove(&server->loop, &s->source);
	loop_timer_disarm(&s->timer);
	loop_timer_disarm(&s->unsent_timer);
	unlink_session(s);
	leave_user(s);
	if (user->n_sessions == 1)
		turns_forget(server, user);
	users_put(&server->users, user);
	session_disconnect(server, fd);
	session_free(s);
	server_resume_accept(server);
}

void session_send_refused(const struct server *server, int fd, int error, const char *reason)
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
	 * they may have to be buried, session_disconnect() sees to it. */
	if (server->config.bury)
		return;
	shutdown(fd, SHUT_RD);
	while (recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0)
		;
}

void session_refuse(struct session *s, int error, const char *reason)
{
	session_send_refused(s->server, s->source.fd, error, reason);
	session_close(s, reason);
}

static const char *ending_reason(int error)
{
	return error == ETIMEDOUT ? "session reached its maximum age"
				  : "session ended by the broker";
}

static bool is_busy(const struct session *s)
{
	return s->state == SESSION_WAITING || s->state == SESSION_RUNNING ||
	       s->state == SESSION_SEARCHING || s->unsent;
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
	s->server->n_thrown_out++;
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
	session_account(s);
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
	session_leave_setup(s);
	s->state = SESSION_OPEN;
	loop_timer_disarm(&s->timer);
	if (server->config.session_max_age)
		loop_timer_arm(&server->loop, &server->age, &s->timer);
	who = session_who(s);
	gate_note_audit(&server->gate, audit_session(server->audit, "open", &who, "connected"));
	users_did(&server->users, s->user, USERS_AUDIT, 1);
	session_transmit(s, server->tx,
			 xm_wire_put_welcome(server->tx, sizeof(server->tx), &welcome));
}

struct gate_caller session_caller(struct session *s)
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
		.limits = &s->user->limits,
		.session = s,
		.fold = !users_may(&s->server->users, s->user, USERS_DENIALS),
	};
}

/* What was folded takes no tokens: otherwise a flood would never see its end on record. */
void session_account(struct session *s)
{
	struct server *server = s->server;
	struct users *users = &server->users;
	const struct gate_count *now = &server->gate.count, *then = &server->accounted;
	uint64_t calls = now->calls - then->calls, records = now->records - then->records;
	uint64_t denied = now->denied + now->guarded - then->denied - then->guarded;

	if (denied && users_may(users, s->user, USERS_DENIALS))
		users_did(users, s->user, USERS_DENIALS, denied);
	users_did(users, s->user, USERS_CALLS, calls);
	users_did(users, s->user, USERS_AUDIT, records);
	s->user->n_calls += calls;
	s->user->n_records += records;
	s->user->n_denied += denied;
	server->turns.cost += calls + records + now->forwarded - then->forwarded;
	server->accounted = *now;
}

static struct gate_answer answer_in(struct server *server)
{
	xm_reply_init(&server->reply, server->space, sizeof(server->space));
	return (struct gate_answer){
		.reply = &server->reply,
		.msg = server->tx,
		.cap = sizeof(server->tx),
		.len = -EMSGSIZE,
	};
}

/* A call that is answered later: it lies in s->waiting. */
static void wait_in(struct session *s, enum session_state state)
{
	s->state = state;
	loop_watch(&s->server->loop, &s->source, 0);
	if (state != SESSION_WAITING)
		turns_add(s->server, s);
}

static void handle_calls(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;
	struct gate_caller caller = session_caller(s);
	struct gate_answer answer = answer_in(server);
	struct gate_call call;
	int r = gate_message(&server->gate, &caller, msg, len, &call, &answer);

	s->n_calls += answer.n_calls;
	session_account(s);
	if (r == GATE_DEFERRED || r == GATE_AGAIN) {
		s->waiting = call;
		wait_in(s, r == GATE_DEFERRED ? SESSION_WAITING : SESSION_SEARCHING);
	} else if (r == GATE_LONG) {
		session_take_batch(s, msg, len);
	} else if (r < 0) {
		session_throw_out(s, EPROTO, "malformed message");
	} else if (answer.no_room) {
		session_throw_out(s, EDQUOT, "the user's memory for long messages is used up");
	} else {
		session_transmit(s, answer.msg, answer.len);
	}
}

void session_handle(struct session *s, const uint8_t *msg, size_t len)
{
	s->active = ++s->server->n_messages;
	s->server->turns.cost += len / TURNS_BYTES;
	if (s->state == SESSION_SETUP)
		handle_hello(s, msg, len);
	else
		handle_calls(s, msg, len);
}

/* ---- turns ----------------------------------------------------------------------------------------- */

static void go_on(struct session *s)
{
	struct server *server = s->server;
	struct gate_caller caller = session_caller(s);
	struct gate_answer answer = answer_in(server);
	int r = gate_resume(&server->gate, &caller, &s->waiting, &answer);

	session_account(s);
	if (r == GATE_AGAIN) {
		turns_add(server, s);
		return;
	}
	s->state = SESSION_OPEN;
	session_transmit(s, answer.msg, answer.len);
}

void session_turn(struct session *s)
{
	if (s->state == SESSION_RUNNING) {
		session_step_batch(s);
	} else if (s->state == SESSION_SEARCHING) {
		go_on(s);
	} else if (s->unsent) {
		loop_watch(&s->server->loop, &s->source, EPOLLOUT);
		session_send_unsent(s);
	} else {
		loop_watch(&s->server->loop, &s->source, EPOLLIN);
		session_receive(s);
	}
}

/* The client is gone.  True: there is nothing else to see to. */
static bool hang_up(struct session *s)
{
	bool held = s->queued && turns_is_held(s->user);

	if (s->state == SESSION_RUNNING || s->state == SESSION_SEARCHING) {
		/* It is finished all the same; to be told once is enough. */
		loop_watch(&s->server->loop, &s->source, EPOLLET);
		return true;
	}
	if (s->state == SESSION_WAITING || s->state == SESSION_QUEUED || s->unsent || held) {
		session_close(s, "closed by the client");
		return true;
	}
	return false;
}

/* What is set up has cost little and was paid for with a connection; all else takes its turn.  Who has
 * to wait for it is not told about more than once. */
static void on_event(struct loop_source *source, uint32_t events)
{
	struct session *s = CONTAINER(struct session, source, source);

	if ((events & (EPOLLHUP | EPOLLERR)) && hang_up(s))
		return;
	if (s->state == SESSION_SETUP)
		session_receive(s);
	else if (s->queued)
		loop_watch(&s->server->loop, source, 0);
	else
		turns_add(s->server, s);
}

int session_watch(struct session *s, int fd)
{
	return loop_add(&s->server->loop, &s->source, fd, EPOLLIN, on_event);
}
