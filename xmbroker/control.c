// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status, sessions, metrics, kick and reload.  Owns their texts.  Must never decide who may ask: that is done
 * when a request comes here.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libxm/core/text.h"
#include "xmbroker/activation.h"
#include "xmbroker/control.h"
#include "xmbroker/cursor.h"
#include "xmbroker/log.h"
#include "xmbroker/metrics.h"
#include "xmbroker/session_internal.h"

#define LINE 2048 /* bytes, more than a line of broker_sessions needs */
#define PORTS 512 /* bytes of it for the ports of the session; more are only counted */

static struct text begin_text(struct xm_reply *reply)
{
	struct text t = { (char *)reply->space, reply->space_len, 0, false };

	reply->space[0] = '\0';
	return t;
}

/* The text already stands in the space of the reply. */
static void put_text(struct xm_reply *reply, unsigned int arg, const struct text *t)
{
	reply->out[arg] = (struct xm_value){
		.state = XM_ST_OK,
		.len = (uint32_t)t->len,
		.data = reply->space,
	};
}

static void put_policy(struct text *t, const struct server *server)
{
	uint32_t left = activation_seconds_left(server);
	struct policy_about about;

	policy_image_about(server->gate.image, &about);
	text_puts(t, "policy: ");
	text_bytes(t, about.digest, 8);
	text_printf(t, "\ngeneration: %u\nrules: %u\n", server->gate.generation, about.n_rules);
	if (left)
		text_printf(t, "policy state: unconfirmed, %u s left\n", left);
	else
		text_puts(t, "policy state: confirmed\n");
}

static void status(const struct server *server, struct xm_reply *reply)
{
	const struct gate *gate = &server->gate;
	const struct gate_count *n = &gate->count;
	struct text t = begin_text(reply);

	text_printf(&t, "version: %s\n", XM_VERSION);
	text_printf(&t, "uptime: %lld s\n", (long long)(server->loop.now - server->started) / 1000);
	text_printf(&t, "backend: %s (%s)\n", server->backend->ops->name,
		    xm_profile_name(gate->hypervisor.profile));
	text_printf(&t, "hypervisor: %s\n",
		    !gate->hypervisor_lost    ? "connected"
		    : gate->hypervisor_halted ? "halted"
					      : "lost");
	text_printf(&t, "partition: %u of %u\n", gate->hypervisor.partition,
		    gate->hypervisor.n_partitions);
	put_policy(&t, server);
	text_printf(&t, "audit: %s\n", gate->audit_failing ? "failing" : "ok");
	text_printf(&t, "sessions: %u of %u\n", server->n_sessions, server->config.max_sessions);
	text_printf(&t, "setup: %u\n", server->users.n_setup);
	text_printf(&t, "users: %u\n", server->users.n);
	text_printf(&t, "throttled: %llu\n", (unsigned long long)server->turns.n_throttled);
	text_printf(&t, "calls: %llu\n", (unsigned long long)n->calls);
	text_printf(&t, "allowed: %llu\n", (unsigned long long)n->allowed);
	text_printf(&t, "denied: %llu\n", (unsigned long long)n->denied);
	text_printf(&t, "guarded: %llu\n", (unsigned long long)n->guarded);
	text_printf(&t, "refused unaudited: %llu\n", (unsigned long long)n->unaudited);
	text_printf(&t, "forwarded: %llu\n", (unsigned long long)n->forwarded);
	put_text(reply, XM_A_BROKER_STATUS_text, &t);
}

static const char *process_state(const struct session *s)
{
	int r = identity_process_lives(s->source.fd);

	return r < 0 ? "?" : r ? "runs" : "ended";
}

static const char *session_state(const struct session *s)
{
	static const char *const names[] = {
		[SESSION_SETUP] = "set-up",    [SESSION_OPEN] = "open",
		[SESSION_WAITING] = "waiting", [SESSION_QUEUED] = "queued",
		[SESSION_RUNNING] = "running", [SESSION_SEARCHING] = "running",
	};

	return s->unsent ? "unread" : names[s->state];
}

/* A name within a list within a line: blanks and commas become \xNN too. */
static void put_name(struct text *t, const char *name)
{
	for (; *name; name++)
		if (*name == ' ' || *name == ',')
			text_printf(t, "\\x%02x", (unsigned int)*name);
		else
			text_safe(t, name, 1);
}

/* "attitude,hk-1,+3": by name, and how many more there are; "-": none. */
static void put_ports(struct text *t, const struct session *s)
{
	const struct system *sys = policy_image_system(s->server->gate.image);
	size_t end = t->len + PORTS;
	const char *comma = "";
	unsigned int more = 0;

	text_puts(t, " ports=");
	for (int id = -1; (id = holdings_next_port(&s->holds, (uint32_t)(id + 1))) >= 0;) {
		const struct system_port *port = system_port(sys, (uint64_t)id);

		if (t->len > end) {
			more++;
			continue;
		}
		text_puts(t, comma);
		if (port)
			put_name(t, port->name);
		else
			text_printf(t, "%d", id); /* of a description that was in force before */
		comma = ",";
	}
	if (more)
		text_printf(t, ",+%u", more);
	else if (!*comma)
		text_char(t, '-');
}

/* "hm:12,trace-0:3,trace-hv:0": log and position; "-": none. */
static void put_logs(struct text *t, const struct session *s)
{
	const char *comma = "";
	struct cursor_at at;

	text_puts(t, " logs=");
	for (unsigned int i = 0; cursor_get(&s->holds, i, &at); i++) {
		if (!at.trace)
			text_printf(t, "%shm:%u", comma, at.position);
		else if (at.partition == XM_HYPERVISOR_ID)
			text_printf(t, "%strace-hv:%u", comma, at.position);
		else
			text_printf(t, "%strace-%u:%u", comma, at.partition, at.position);
		comma = ",";
	}
	if (!*comma)
		text_char(t, '-');
}

static void put_session(struct text *t, const struct session *s)
{
	text_printf(t, "%llu uid=%u gid=%u pid=%d process=%s age=%lld state=%s calls=%llu ",
		    (unsigned long long)s->number, s->id.uid, s->id.gid, (int)s->id.pid,
		    process_state(s), (long long)(s->server->loop.now - s->opened) / 1000,
		    session_state(s), (unsigned long long)s->n_calls);
	text_printf(t, "profile=%s bytes=%zu held=%s",
		    s->profile ? xm_profile_name(s->profile) : "-", s->charged + s->charged_large,
		    turns_is_held(s->user) ? "yes" : "no");
	put_ports(t, s);
	put_logs(t, s);
	text_puts(t, " comm=");
	text_safe(t, s->comm, strlen(s->comm));
	text_char(t, '\n');
}

/* Sessions in the order of their numbers, from one on; the value is how many, 0 at the end. */
static void sessions(const struct server *server, uint64_t from, struct xm_reply *reply)
{
	struct text t = begin_text(reply);

	for (const struct session *s = server->first; s && t.cap - t.len > LINE; s = s->next) {
		if (s->number < from)
			continue;
		put_session(&t, s);
		reply->value++;
	}
	put_text(reply, XM_A_BROKER_SESSIONS_text, &t);
}

static void metrics(const struct server *server, uint64_t from, struct xm_reply *reply)
{
	struct text t = begin_text(reply);

	reply->value = metrics_put(server, from, &t);
	put_text(reply, XM_A_BROKER_METRICS_text, &t);
}

static void kick(struct server *server, uid_t uid, struct session *asking, struct xm_reply *reply)
{
	struct session *next;

	/* Before others are: whose session is closed pays for what was not accounted yet. */
	session_account(asking);
	for (struct session *s = server->first; s; s = next) {
		next = s->next;
		if (s->id.uid != uid)
			continue;
		reply->value++;
		if (s == asking)
			s->ending = ESHUTDOWN; /* once it has its answer */
		else
			session_end(s, ESHUTDOWN);
	}
}

/* A free place, if the user may have one; the last one is kept for root.  NULL: it has to wait. */
static struct server_reload *reload_place(struct server *server, uid_t uid)
{
	uint32_t max = server->config.waiting_per_user, own = 0, n_free = 0;
	struct server_reload *place = NULL;

	for (unsigned int i = 0; i < SERVER_RELOADS_MAX; i++) {
		struct server_reload *one = &server->reload[i];

		if (!one->number) {
			place = one;
			n_free++;
		} else if (one->uid == uid) {
			own++;
		}
	}
	if ((max && own >= max) || (uid != 0 && n_free < 2))
		return NULL;
	return place;
}

/* Asks the supervisor, whose answer will be the session's. */
static int ask(struct server *server, struct session *asking, struct xm_reply *reply)
{
	struct server_reload *place = reload_place(server, asking->user->uid);
	int r;

	if (!place) {
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
		return 0;
	}
	server->message.number = server->n_reloads + 1;
	server->message.fd = -1;
	r = channel_send(server->channel.fd, &server->message);
	if (r < 0) {
		log_error("cannot ask the supervisor: %s", strerror(-r));
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
		return 0;
	}
	asking->waiting_for = ++server->n_reloads;
	*place = (struct server_reload){ asking->waiting_for, asking->user->uid };
	return GATE_DEFERRED;
}

static int reload(struct server *server, struct session *asking, const struct xm_value *arg,
		  struct xm_reply *reply)
{
	uint64_t confirm = arg[XM_A_BROKER_RELOAD_confirm].num;
	uint64_t force = arg[XM_A_BROKER_RELOAD_force].num;

	if (confirm > CONTROL_CONFIRM_MAX || force > 1) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return 0;
	}
	server->message.type = CHANNEL_RELOAD;
	server->message.ok = force;
	server->message.text[0] = '\0';
	if (confirm)
		snprintf(server->message.text, sizeof(server->message.text), "%u",
			 (unsigned int)confirm);
	return ask(server, asking, reply);
}

static int confirm(struct server *server, struct session *asking, const struct xm_value *arg,
		   struct xm_reply *reply)
{
	uint64_t generation = arg[XM_A_BROKER_CONFIRM_generation].num;

	server->message.type = CHANNEL_CONFIRM;
	server->message.ok = false;
	server->message.text[0] = '\0';
	if (generation)
		snprintf(server->message.text, sizeof(server->message.text), "%u",
			 (unsigned int)generation);
	return ask(server, asking, reply);
}

int control_call(void *data, void *session, const struct gate_call *call, struct xm_reply *reply)
{
	struct server *server = data;
	const struct xm_value *arg = call->req.arg;

	switch (call->req.op) {
	case XM_OP_BROKER_STATUS:
		status(server, reply);
		return 0;
	case XM_OP_BROKER_SESSIONS:
		sessions(server, arg[XM_A_BROKER_SESSIONS_from].num, reply);
		return 0;
	case XM_OP_BROKER_METRICS:
		metrics(server, arg[XM_A_BROKER_METRICS_from].num, reply);
		return 0;
	case XM_OP_BROKER_KICK:
		kick(server, (uid_t)arg[XM_A_BROKER_KICK_uid].num, session, reply);
		return 0;
	case XM_OP_BROKER_RELOAD:
		return reload(server, session, arg, reply);
	case XM_OP_BROKER_CONFIRM:
		return confirm(server, session, arg, reply);
	default:
		xm_reply_fail(reply, XM_C_UNKNOWN_HYPERCALL);
		return 0;
	}
}

static struct session *waiting_for(const struct server *server, uint32_t number)
{
	struct session *s = server->first;

	while (s && (s->state != SESSION_WAITING || s->waiting_for != number))
		s = s->next;
	return s;
}

static void reload_answered(struct server *server, uint32_t number)
{
	for (unsigned int i = 0; i < SERVER_RELOADS_MAX; i++)
		if (server->reload[i].number == number)
			server->reload[i].number = 0;
}

static void put_why_kept(const struct server *server, struct text *t)
{
	if (!*server->why_kept) {
		text_puts(t, "the server could not use the new policy: see its log\n");
		return;
	}
	text_puts(t, server->why_kept);
	text_puts(t, "\n");
	if (server->could_force)
		text_puts(t, "if that is meant, reload with --force\n");
}

void control_reloaded(struct server *server, const struct channel_message *message)
{
	struct session *s = waiting_for(server, message->number);
	struct xm_reply *reply = &server->reply;
	struct text t;

	reload_answered(server, message->number);
	if (!s)
		return; /* gone meanwhile */
	xm_reply_init(reply, server->space, sizeof(server->space));
	t = begin_text(reply);
	text_puts(&t, message->text);
	reply->value = message->ok ? CONTROL_RELOADED : CONTROL_KEPT;
	if (s->waiting.req.op == XM_OP_BROKER_CONFIRM) {
		put_text(reply, XM_A_BROKER_CONFIRM_text, &t);
		session_answer(s, reply);
		return;
	}
	if (message->ok && server->image_kept) {
		reply->value = CONTROL_KEPT;
		t = begin_text(reply);
		put_why_kept(server, &t);
	}
	put_text(reply, XM_A_BROKER_RELOAD_text, &t);
	session_answer(s, reply);
}
