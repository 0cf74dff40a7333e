// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reloading the policy: has it compiled, hands a good one over, keeps the last good one otherwise.
 * Which one is in force then is the business of handed.c, and of trial.c how long.
 * Owns the requests that wait for an answer.  Must never hand over an image that the compiler did not
 * finish, nor leave a request unanswered.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

#define RELOAD_MS 1000    /* between runs that the server asked for */
#define CONFIRM_MAX 86400 /* s */
#define EXPLAIN 200       /* bytes of an answer for what trial.c adds to it */

static void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld",
		    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void answer(struct supervisor *s, uint32_t number, bool ok, const char *text)
{
	struct channel_message message = {
		.type = CHANNEL_RELOADED,
		.ok = ok,
		.number = number,
		.fd = -1,
	};

	strncpy(message.text, text, CHANNEL_TEXT_MAX);
	children_tell_server(s, &message);
}

static void answer_all(struct supervisor *s, bool ok, const char *text)
{
	struct reloads reloads = s->current;

	s->current.n = 0;
	for (size_t i = 0; i < reloads.n; i++)
		answer(s, reloads.number[i], ok, text);
}

/* Line by line, as the log wants it. */
static void log_text(const char *text, void (*log)(const char *format, ...))
{
	while (*text) {
		const char *end = strchrnul(text, '\n');

		log("  %.*s", (int)(end - text), text);
		text = *end ? end + 1 : end;
	}
}

int reload_start(struct supervisor *s)
{
	const struct compile_args args = {
		.compiler = s->launch->compiler,
		.system = launch_system(s->launch),
		.partition = s->opts->partition,
		.policies = s->opts->policy,
	};
	int r;

	s->reload_again = s->reload_now = false;
	if (s->next.n)
		s->reload_at = s->loop.now + RELOAD_MS;
	s->current = s->next;
	s->next = (struct reloads){ 0 };
	r = compile_start(&s->job, &args);
	if (r == 0)
		return 0;
	log_error("cannot run the policy compiler: %s", strerror(-r));
	answer_all(s, false, "the policy compiler could not be started\n");
	return r;
}

/* Whether a run can begin, apart from its time. */
static bool is_ready(const struct supervisor *s)
{
	return s->reload_again && s->job.pid < 0 && s->phase == PHASE_RUNNING;
}

void reload_tick(struct supervisor *s)
{
	if (!is_ready(s) || (!s->reload_now && s->loop.now < s->reload_at))
		return;
	notify_reloading();
	reload_start(s);
	if (s->job.pid < 0)
		notify_send("READY=1");
}

int64_t reload_next(const struct supervisor *s, int64_t at)
{
	if (!is_ready(s))
		return at;
	return at < 0 || s->reload_at < at ? s->reload_at : at;
}

static void want_confirmed(struct reloads *reloads, uint32_t seconds)
{
	if (seconds > CONFIRM_MAX)
		seconds = CONFIRM_MAX;
	if (seconds && (!reloads->confirm || seconds < reloads->confirm))
		reloads->confirm = seconds;
}

void reload_confirm(struct supervisor *s, const struct channel_message *message)
{
	char text[200];
	uint32_t generation = (uint32_t)strtoul(message->text, NULL, 10);
	bool ok = trial_confirm(s, generation, text, sizeof(text));

	answer(s, message->number, ok, text);
}

/* A request that comes while a run is going on waits for one of its own: the run may have read the
 * files before they were changed.  Those of the server wait for their second, too: one that somebody
 * has taken over cannot keep the compiler busy. */
void reload_request(struct supervisor *s, const struct channel_message *message)
{
	if (message && s->next.n == RELOADS_MAX) {
		answer(s, message->number, false, "too many reloads are waiting\n");
		return;
	}
	if (message) {
		s->next.number[s->next.n++] = message->number;
		want_confirmed(&s->next, (uint32_t)strtoul(message->text, NULL, 10));
	} else {
		s->reload_now = true;
	}
	s->next.unforced |= !message || !message->ok;
	s->reload_again = true;
	reload_tick(s);
}

static void take_first(struct supervisor *s, int fd)
{
	if (s->job.len && write(STDERR_FILENO, s->job.text, s->job.len) < 0)
		log_warning("cannot write the compiler's messages");
	s->image = fd < 0 ? -1 : fd; /* bad: whoever runs it decides what that means */
	s->generation = s->n_generations = 1;
}

static void take_next(struct supervisor *s, int fd)
{
	static char text[CHANNEL_TEXT_MAX + 1];
	uint32_t before = handed_in_force(s);
	bool forced = s->current.n && !s->current.unforced;
	size_t len;

	log_text(s->job.text, log_warning);
	handed_over(s, fd, s->current.confirm, forced);
	notify_send("READY=1\nSTATUS=policy generation %u", s->generation);
	len = strnlen(s->job.text, sizeof(text) - EXPLAIN);
	memcpy(text, s->job.text, len);
	text[len] = '\0';
	trial_explain(s, before, text, sizeof(text));
	answer_all(s, true, text);
}

static void keep_old(struct supervisor *s)
{
	log_error("the policy is bad: generation %u stays in force", s->generation);
	log_text(s->job.text, log_error);
	notify_send("READY=1\nSTATUS=policy generation %u; the last reload failed", s->generation);
	answer_all(s, false, s->job.text);
}

void reload_finish(struct supervisor *s, int status)
{
	int fd = compile_finish(&s->job, status);

	if (s->phase == PHASE_STOPPING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (s->phase == PHASE_COMPILING)
		take_first(s, fd);
	else if (fd >= 0)
		take_next(s, fd);
	else
		keep_old(s);
	reload_tick(s);
}
