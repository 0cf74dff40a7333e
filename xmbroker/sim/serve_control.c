// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control socket: one command a message, one answer a message.  Owns its connections, which are
 * nobody's partition and never count as callers.  A command that is not understood changes nothing.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "libxm/system/events.h"
#include "libxm/system/value.h"
#include "xmbroker/sim/control_send.h"
#include "xmbroker/sim/serve_internal.h"

#define COMMAND_MAX 256
#define CONTROLLERS_MAX 16

struct controller {
	struct loop_source source; /* first */
	struct serve *serve;
	struct controller **here, *next; /* here: what points to it */
};

/* ---- commands: each writes its whole answer --------------------------------------------------------- */

static void fail(struct text *answer, const char *what)
{
	answer->len = 0;
	text_printf(answer, "error: %s", what);
}

static void advance(struct serve *serve, const char *words, struct text *answer)
{
	struct engine *e = serve->engine;
	uint64_t us;

	if (!e->is_virtual)
		fail(answer, "the clock is real: only a virtual one can be advanced");
	else if (!value_number(words, &us) || us > (uint64_t)(SYSTEM_MAX_TIME - e->now))
		fail(answer, "advance needs a number of microseconds");
	else if (!engine_run_until(e, e->now + (int64_t)us))
		fail(answer, "too much happens until then: the clock stands before it");
	else
		text_printf(answer, "ok\n%" PRId64, engine_time(e));
}

/* The partition that the words before the last one name, XM_HYPERVISOR_ID, or -1. */
static int subject(const struct engine *e, char *words, const char *last)
{
	uint64_t id;
	int found;

	if (last == words)
		return -1;
	words[last - words - 1] = '\0';
	if (!strcmp(words, "hypervisor"))
		return XM_HYPERVISOR_ID;
	found = system_partition_by_name(e->sys, words);
	if (found < 0 && value_number(words, &id) && system_partition(e->sys, id))
		found = (int)id;
	return found;
}

static void event(struct serve *serve, char *words, struct text *answer)
{
	struct engine *e = serve->engine;
	char *blank = strrchr(words, ' '), *last = blank ? blank + 1 : words;
	int partition = subject(e, words, last);
	int number = system_event_number(e->profile, last);
	char hint[128];
	const char *near = system_event_hint(e->profile, last, hint, sizeof(hint));

	if (partition < 0) {
		fail(answer, "event needs a partition of the system, or hypervisor, and an event");
	} else if (number < 0) {
		fail(answer, "unknown health monitor event");
		if (near)
			text_printf(answer, "; %s", near);
	} else {
		engine_event(e, (uint32_t)partition, (uint32_t)number);
		text_printf(answer, "ok\n%" PRId64, engine_time(e));
	}
}

static const char *state_of(const struct sim *sim, uint32_t partition)
{
	if (sim_halted(sim, partition))
		return "halted";
	if (sim_runs(sim, partition))
		return "ready";
	return sim_idles(sim, partition) ? "idle" : "suspended";
}

static unsigned int connections_of(const struct serve *serve, uint32_t partition)
{
	unsigned int n = 0;

	for (const struct connection *c = serve->connections.next; c != &serve->connections;
	     c = c->next)
		n += !c->dead && c->partition == partition;
	return n;
}

static void status(struct serve *serve, struct text *answer)
{
	const struct engine *e = serve->engine;
	uint32_t n;
	const struct system_partition *p = system_partitions(e->sys, &n);

	engine_run(serve->engine);
	text_printf(answer, "ok\nsystem: %s\nprofile: %s\nquirks: %s\nclock: %s\ntime: %" PRId64,
		    sim_system_halted(e->sim) ? "halted" : "running", xm_profile_name(e->profile),
		    e->quirks ? "original" : "fixed", e->is_virtual ? "virtual" : "real",
		    engine_time(e));
	if (serve->n_masked)
		text_printf(answer, "\nmasked: %" PRIu64 " calls", serve->n_masked);
	for (uint32_t i = 0; i < n; i++)
		text_printf(answer, "\npartition %u %s: %s, %u connections", i, p[i].name,
			    state_of(e->sim, i), connections_of(serve, i));
}

/* The rest of the command after this word, or NULL. */
static char *after(char *command, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(command, word, n))
		return NULL;
	return command[n] == ' ' ? command + n + 1 : command[n] ? NULL : command + n;
}

static void obey(struct serve *serve, char *command, struct text *answer)
{
	char *words;

	if ((words = after(command, "advance")))
		advance(serve, words, answer);
	else if ((words = after(command, "event")))
		event(serve, words, answer);
	else if (!strcmp(command, "status"))
		status(serve, answer);
	else
		fail(answer, "the commands are: advance US, event PARTITION|hypervisor EVENT, "
			     "status");
}

/* ---- connections ------------------------------------------------------------------------------------ */

static void drop(struct controller *c)
{
	int fd = c->source.fd;

	*c->here = c->next;
	if (c->next)
		c->next->here = c->here;
	c->serve->n_controllers--;
	loop_remove(&c->serve->loop, &c->source);
	close(fd);
	free(c);
}

static void on_command(struct loop_source *source, uint32_t events)
{
	struct controller *c = (struct controller *)source;
	char command[COMMAND_MAX + 1], space[CONTROL_ANSWER_MAX];
	struct text answer = TEXT_INIT(space);
	ssize_t n = recv(source->fd, command, COMMAND_MAX, MSG_DONTWAIT | MSG_TRUNC);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n > COMMAND_MAX) {
		drop(c);
		return;
	}
	command[n] = '\0';
	obey(c->serve, command, &answer);
	/* Whoever does not read his answers loses them, and his connection. */
	if (send(source->fd, answer.buf, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		drop(c);
}

static void add_controller(struct serve *serve, int fd)
{
	struct controller *c = NULL;

	if (serve->n_controllers < CONTROLLERS_MAX)
		c = calloc(1, sizeof(*c));
	if (!c || loop_add(&serve->loop, &c->source, fd, EPOLLIN, on_command) < 0) {
		free(c);
		close(fd);
		return;
	}
	c->serve = serve;
	c->here = &serve->controllers;
	c->next = serve->controllers;
	if (c->next)
		c->next->here = &c->next;
	serve->controllers = c;
	serve->n_controllers++;
}

static void on_control(struct loop_source *source, uint32_t events)
{
	struct serve *serve =
		(struct serve *)(void *)((char *)source - offsetof(struct serve, control));
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		add_controller(serve, fd);
}

int serve_control(struct serve *serve, int fd)
{
	int r = loop_add(&serve->loop, &serve->control, fd, EPOLLIN, on_control);

	if (r < 0)
		close(fd);
	return r;
}

void serve_control_free(struct serve *serve)
{
	while (serve->controllers)
		drop(serve->controllers);
}
