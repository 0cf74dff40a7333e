// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Metrics.  Owns their names.  Must never make a label of what a client says, nor more labels than
 * there are words for below, and METRICS_USERS.
 */

#include "xmbroker/activation.h"
#include "xmbroker/metrics.h"

#define FAMILY 4096 /* bytes, more than the longest needs */
#define PREFIX "xmbroker_"

struct family {
	const char *name; /* without the prefix; a counter's samples end in _total */
	const char *type;
	const char *unit; /* "": none; otherwise the name ends in it */
	const char *help;
	/* One of them. */
	uint64_t (*value)(const struct server *server);
	void (*put)(const struct server *server, const struct family *family, struct text *t);
};

/* ---- single values ----------------------------------------------------------------------------------- */

#define VALUE(name, expression)                                                                    \
	static uint64_t value_##name(const struct server *server)                                  \
	{                                                                                          \
		return (uint64_t)(expression);                                                     \
	}

static struct audit_count audit_of(const struct server *server)
{
	struct audit_count count;

	audit_count(server->audit, &count);
	return count;
}

VALUE(uptime, (server->loop.now - server->started) / 1000)
VALUE(generation, server->gate.generation)
VALUE(unconfirmed, activation_seconds_left(server))
VALUE(sessions, server->n_sessions)
VALUE(sessions_max, server->config.max_sessions)
VALUE(sessions_opened, server->n_opened)
VALUE(setup, server->users.n_setup)
VALUE(users, server->users.n)
VALUE(resting, server->users.resting.n + server->users.limited.n)
VALUE(thrown_out, server->n_thrown_out)
VALUE(messages, server->n_messages)
VALUE(calls, server->gate.count.calls)
VALUE(allowed, server->gate.count.allowed)
VALUE(denied, server->gate.count.denied)
VALUE(limited, server->gate.count.limited)
VALUE(guarded, server->gate.count.guarded)
VALUE(unaudited, server->gate.count.unaudited)
VALUE(forwarded, server->gate.count.forwarded)
VALUE(batches, server->gate.count.batches)
VALUE(batches_waiting, server->batches.n)
VALUE(throttled, server->turns.n_throttled)
VALUE(large, server->users.large)
VALUE(reloads, server->n_policies)
VALUE(reloads_refused, server->n_policies_refused)
VALUE(connected, !server->gate.hypervisor_lost)
VALUE(halted, server->gate.hypervisor_halted)
VALUE(audit_is_failing, server->gate.audit_failing)
VALUE(audit_records, audit_of(server).records)
VALUE(audit_bytes, audit_of(server).bytes)
VALUE(audit_lost, audit_of(server).failed)
VALUE(audit_folded, audit_of(server).folded)

static uint64_t value_memory(const struct server *server)
{
	uint64_t bytes = 0;

	for (const struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u))
		bytes += u->memory;
	return bytes;
}

/* ---- values with a label ----------------------------------------------------------------------------- */

static const char *suffix(const struct family *family)
{
	return *family->type == 'c' ? "_total" : "";
}

static void put_labelled(const struct family *family, const char *label, const char *word,
			 uint64_t value, struct text *t)
{
	text_printf(t, PREFIX "%s%s{%s=\"%s\"} %llu\n", family->name, suffix(family), label, word,
		    (unsigned long long)value);
}

static void put_about(const struct server *server, const struct family *family, struct text *t)
{
	text_printf(t, PREFIX "%s{version=\"%s\",backend=\"%s\",profile=\"%s\"} 1\n", family->name,
		    XM_VERSION, server->backend->ops->name,
		    xm_profile_name(server->gate.hypervisor.profile));
}

static void put_refused(const struct server *server, const struct family *family, struct text *t)
{
	static const char *const words[SERVER_REFUSALS] = {
		[SERVER_REFUSED_RATE] = "rate",
		[SERVER_REFUSED_SETUP] = "set-up",
		[SERVER_REFUSED_SETUP_USER] = "set-up of the user",
		[SERVER_REFUSED_SESSIONS] = "sessions",
		[SERVER_REFUSED_SESSIONS_USER] = "sessions of the user",
		[SERVER_REFUSED_MEMORY] = "memory of the user",
		[SERVER_REFUSED_IDENTITY] = "identity",
		[SERVER_REFUSED_ERROR] = "error",
	};

	for (unsigned int i = 1; i < SERVER_REFUSALS; i++)
		put_labelled(family, "reason", words[i], server->n_refused[i], t);
}

static void put_evicted(const struct server *server, const struct family *family, struct text *t)
{
	static const char *const words[SERVER_EVICTIONS] = {
		[SERVER_EVICTED_SETUP] = "set-up",
		[SERVER_EVICTED_SESSION] = "session",
		[SERVER_EVICTED_MEMORY] = "long message",
	};

	for (unsigned int i = 0; i < SERVER_EVICTIONS; i++)
		put_labelled(family, "of", words[i], server->n_evicted[i], t);
}

/* ---- histogram --------------------------------------------------------------------------------------- */

/* Seconds, without the zeros at the end. */
static void put_seconds(struct text *t, uint64_t ns)
{
	unsigned int digits = 9;
	uint64_t rest = ns % 1000000000;

	text_printf(t, "%llu.", (unsigned long long)(ns / 1000000000));
	while (digits > 1 && rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	text_printf(t, "%0*llu", (int)digits, (unsigned long long)rest);
}

static void put_latency(const struct server *server, const struct family *family, struct text *t)
{
	const struct gate_latency *latency = &server->gate.latency;
	uint64_t n = 0;

	for (unsigned int i = 0; i < GATE_LATENCIES; i++) {
		n += latency->n[i];
		text_printf(t, PREFIX "%s_bucket{le=\"", family->name);
		put_seconds(t, (uint64_t)gate_latencies[i]);
		text_printf(t, "\"} %llu\n", (unsigned long long)n);
	}
	n += latency->n[GATE_LATENCIES];
	text_printf(t, PREFIX "%s_bucket{le=\"+Inf\"} %llu\n" PREFIX "%s_sum ", family->name,
		    (unsigned long long)n, family->name);
	put_seconds(t, latency->sum);
	text_printf(t, "\n" PREFIX "%s_count %llu\n", family->name, (unsigned long long)n);
}

/* ---- users ------------------------------------------------------------------------------------------- */

/* Those with most calls, the first one first. */
static unsigned int top_users(const struct server *server, const struct user *top[METRICS_USERS])
{
	unsigned int n = 0;

	for (const struct user *u = users_next(&server->users, NULL); u;
	     u = users_next(&server->users, u)) {
		unsigned int at = n < METRICS_USERS ? n++ : METRICS_USERS;

		for (; at && top[at - 1]->n_calls < u->n_calls; at--)
			if (at < METRICS_USERS)
				top[at] = top[at - 1];
		if (at < METRICS_USERS)
			top[at] = u;
	}
	return n;
}

static void put_users(const struct server *server, const struct family *family,
		      uint64_t (*value)(const struct user *user), struct text *t)
{
	const struct user *top[METRICS_USERS];
	unsigned int n = top_users(server, top);

	for (unsigned int i = 0; i < n; i++)
		text_printf(t, PREFIX "%s%s{uid=\"%u\"} %llu\n", family->name, suffix(family),
			    top[i]->uid, (unsigned long long)value(top[i]));
}

#define OF_USERS(name, expression)                                                                 \
	static uint64_t name##_of(const struct user *user)                                         \
	{                                                                                          \
		return (uint64_t)(expression);                                                     \
	}                                                                                          \
	static void name(const struct server *server, const struct family *family, struct text *t) \
	{                                                                                          \
		put_users(server, family, name##_of, t);                                           \
	}

OF_USERS(user_sessions, user->n_sessions)
OF_USERS(user_calls, user->n_calls)
OF_USERS(user_denied, user->n_denied)
OF_USERS(user_records, user->n_records)
OF_USERS(user_throttled, user->n_throttled)
OF_USERS(user_held, turns_is_held(user))
OF_USERS(user_refused, user->n_refused)
OF_USERS(user_evicted, user->n_evicted)
OF_USERS(user_memory, user->memory + user->large)

/* ---- the table --------------------------------------------------------------------------------------- */

#define ONE(type, name, unit, help, function)                                                      \
	{                                                                                          \
		name, type, unit, help, value_##function, NULL                                     \
	}
#define MANY(type, name, unit, help, function)                                                     \
	{                                                                                          \
		name, type, unit, help, NULL, function                                             \
	}
#define COUNTER "counter"
#define GAUGE "gauge"

static const struct family families[] = {
	MANY(GAUGE, "build_info", "", "What runs.", put_about),
	ONE(GAUGE, "uptime_seconds", "seconds", "Since the server was started.", uptime),
	ONE(GAUGE, "policy_generation", "", "Of the policy in force.", generation),
	ONE(GAUGE, "policy_unconfirmed_seconds", "seconds",
	    "Until the policy in force is rolled back; 0: it is confirmed.", unconfirmed),
	ONE(COUNTER, "policy_reloads", "", "Policies that came into force after the first.",
	    reloads),
	ONE(COUNTER, "policy_reloads_refused", "", "Policies that the server could not use.",
	    reloads_refused),
	ONE(GAUGE, "hypervisor_connected", "", "Whether the hypervisor is reached.", connected),
	ONE(GAUGE, "hypervisor_halted", "", "Whether it, or our partition, is halted.", halted),
	ONE(GAUGE, "sessions", "", "Open now.", sessions),
	ONE(GAUGE, "sessions_limit", "", "Setting max_sessions.", sessions_max),
	ONE(GAUGE, "sessions_in_setup", "", "Of those open, not set up yet.", setup),
	ONE(COUNTER, "sessions_opened", "", "Ever opened.", sessions_opened),
	MANY(COUNTER, "connections_refused", "", "That became no session.", put_refused),
	MANY(COUNTER, "evictions", "", "Taken from who had more than a fair share.", put_evicted),
	ONE(COUNTER, "sessions_thrown_out", "", "Ended for what the client did or did not do.",
	    thrown_out),
	ONE(GAUGE, "users", "", "With a session.", users),
	ONE(GAUGE, "users_remembered", "", "Without one, whose rates are still remembered.",
	    resting),
	ONE(COUNTER, "throttled", "", "Times that a user was made to wait.", throttled),
	ONE(COUNTER, "messages", "", "Received.", messages),
	ONE(COUNTER, "calls", "", "Well-formed calls, elements of batches too.", calls),
	ONE(COUNTER, "calls_allowed", "", "By the policy.", allowed),
	ONE(COUNTER, "calls_denied", "", "By the policy.", denied),
	ONE(COUNTER, "calls_limited", "", "Of the denied: a limit of the rule had no token.",
	    limited),
	ONE(COUNTER, "calls_guarded", "", "Allowed, but outside the documented domain.", guarded),
	ONE(COUNTER, "calls_unaudited", "", "Refused since they could not be recorded.", unaudited),
	ONE(COUNTER, "calls_forwarded", "", "Made on the hypervisor, those of log positions too.",
	    forwarded),
	ONE(COUNTER, "batches", "", "Decided.", batches),
	ONE(GAUGE, "batches_waiting", "", "Long ones that wait for another.", batches_waiting),
	MANY("histogram", "call_duration_seconds", "seconds",
	     "From the record of a call to its result.", put_latency),
	ONE(COUNTER, "audit_records", "", "Written by this server.", audit_records),
	ONE(COUNTER, "audit_written_bytes", "bytes", "Written by this server.", audit_bytes),
	ONE(COUNTER, "audit_lost", "", "Records that could not be written.", audit_lost),
	ONE(COUNTER, "audit_folded", "", "Denials that were counted, not recorded one by one.",
	    audit_folded),
	ONE(GAUGE, "audit_failing", "", "Whether the last record could not be written.",
	    audit_is_failing),
	ONE(GAUGE, "memory_bytes", "bytes", "That sessions are charged for.", memory),
	ONE(GAUGE, "long_messages_bytes", "bytes", "For messages longer than a packet.", large),
	MANY(GAUGE, "user_sessions", "", "Of the users with most calls.", user_sessions),
	MANY(COUNTER, "user_calls", "", "Of the users with most calls.", user_calls),
	MANY(COUNTER, "user_denied", "", "Denied or guarded.", user_denied),
	MANY(COUNTER, "user_audit_records", "", "Caused by calls.", user_records),
	MANY(COUNTER, "user_throttled", "", "Times that the user was made to wait.",
	     user_throttled),
	MANY(GAUGE, "user_held", "", "Whether the user waits for tokens or memory now.", user_held),
	MANY(COUNTER, "user_connections_refused", "", "That became no session.", user_refused),
	MANY(COUNTER, "user_evictions", "", "Taken for others.", user_evicted),
	MANY(GAUGE, "user_memory_bytes", "bytes", "That the user is charged for.", user_memory),
};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

static void put_family(const struct server *server, const struct family *f, struct text *t)
{
	text_printf(t, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", f->name, f->help,
		    f->name, f->type);
	if (*f->unit)
		text_printf(t, "# UNIT " PREFIX "%s %s\n", f->name, f->unit);
	if (f->put)
		f->put(server, f, t);
	else
		text_printf(t, PREFIX "%s%s %llu\n", f->name, suffix(f),
			    (unsigned long long)f->value(server));
}

uint32_t metrics_put(const struct server *server, uint64_t from, struct text *t)
{
	uint32_t n = 0;

	for (; from <= N_FAMILIES && t->cap - t->len > FAMILY; from++, n++) {
		if (from < N_FAMILIES)
			put_family(server, &families[from], t);
		else
			text_puts(t, "# EOF\n");
	}
	return n;
}
