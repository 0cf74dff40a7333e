// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections of partitions to the simulated hypervisor.  Owns sockets and connections.  Must treat
 * every connection as hostile: one packet a turn, malformed ones end it, a peer that does not read
 * its answers is not read either.
 *
 * A partition that does not run (suspended, or idle until its next slot) cannot call: its
 * connections are greeted, but then not read until it runs again, and an answer that is due waits until then.  When
 * it is halted or starts anew, all that it held is gone: its connections are closed.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/sim/serve_internal.h"

/* ---- connections: marked dead at once, freed when nobody can hold them any more ------------------- */

void serve_drop(struct connection *c)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->source.fd >= 0) {
		int fd = c->source.fd;

		loop_remove(&c->serve->loop, &c->source);
		close(fd);
	}
}

static void release(struct connection *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->serve->n_connections--;
	serve_forget(c);
	free(c);
}

bool serve_runs(const struct connection *c)
{
	return sim_runs(c->serve->engine->sim, c->partition);
}

/* Whether its answer is held back. */
static bool is_delayed(const struct connection *c)
{
	return c->due > c->serve->engine->now;
}

/* Reads only from who can call and has taken his answer. */
static void watch(struct connection *c)
{
	uint32_t events = 0;

	if ((serve_runs(c) && !is_delayed(c)) || c->refusal || !c->open)
		events = c->answer || c->batch ? EPOLLOUT : EPOLLIN;
	if (!c->dead && loop_watch(&c->serve->loop, &c->source, events) < 0)
		serve_drop(c);
}

static void refuse_fd(struct serve *serve, int fd, int error, const char *reason)
{
	struct xm_wire_refused refused = { .error = (uint16_t)error };
	int len;

	strncpy(refused.reason, reason, sizeof(refused.reason) - 1);
	len = xm_wire_put_refused(serve->out, sizeof(serve->out), &refused);
	/* Whether it arrives is the peer's concern: the connection ends anyway. */
	if (len > 0 && send(fd, serve->out, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

void serve_refuse(struct connection *c, int error, const char *reason)
{
	refuse_fd(c->serve, c->source.fd, error, reason);
	serve_drop(c);
}

static void on_connection(struct loop_source *source, uint32_t events)
{
	struct connection *c = (struct connection *)source;

	/* Time has passed: whoever waited for his slot may have got it, or have been stopped. */
	engine_run(c->serve->engine);
	if (c->generation != sim_generation(c->serve->engine->sim, c->partition))
		serve_drop(c);
	else if ((events & EPOLLOUT) && (c->answer || c->batch) && serve_runs(c) && !is_delayed(c))
		serve_go_on(c);
	else if ((events & EPOLLIN) && !c->answer && !c->batch &&
		 (serve_runs(c) || c->refusal || !c->open))
		serve_receive(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		serve_drop(c);
	if (!c->dead)
		watch(c);
}

/* ---- new connections ------------------------------------------------------------------------------ */

/* Takes the descriptor. */
static void add_connection(struct serve *serve, int fd, uint32_t partition)
{
	const struct sim *sim = serve->engine->sim;
	struct connection *c = NULL;

	if (serve->n_connections >= SERVE_CONNECTIONS_MAX)
		refuse_fd(serve, fd, EUSERS, "too many connections");
	else
		c = calloc(1, sizeof(*c));
	if (!c || loop_add(&serve->loop, &c->source, fd, EPOLLIN, on_connection) < 0) {
		free(c);
		close(fd);
		return;
	}
	c->serve = serve;
	c->partition = partition;
	c->generation = sim_generation(sim, partition);
	if (sim_system_halted(sim))
		c->refusal = "the system is halted";
	else if (sim_halted(sim, partition))
		c->refusal = "the partition is halted";
	c->next = serve->connections.next;
	c->prev = &serve->connections;
	c->next->prev = c->prev->next = c;
	serve->n_connections++;
	watch(c);
}

static void on_listen(struct loop_source *source, uint32_t events)
{
	struct door *door = (struct door *)source;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		add_connection(door->serve, fd, door->partition);
}

/* One descriptor with one byte; -1: none; 0 in *endp stays unless the other side is gone. */
static int receive_fd(int from, bool *endp)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(from, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd = -1;

	*endp = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void on_attach(struct loop_source *source, uint32_t events)
{
	struct door *door = (struct door *)source;
	bool end = false;
	int fd = receive_fd(source->fd, &end);

	(void)events;
	if (fd >= 0)
		add_connection(door->serve, fd, door->partition);
	if (end)
		door->serve->loop.stop = true;
}

static int add_door(struct serve *serve, int fd, uint32_t partition, loop_fn fn)
{
	struct door *door = calloc(1, sizeof(*door));
	int r = door ? loop_add(&serve->loop, &door->source, fd, EPOLLIN, fn) : -ENOMEM;

	if (r < 0) {
		free(door);
		close(fd);
		return r;
	}
	door->serve = serve;
	door->partition = partition;
	door->next = serve->doors;
	serve->doors = door;
	return 0;
}

int serve_listen(struct serve *serve, int fd, uint32_t partition)
{
	return add_door(serve, fd, partition, on_listen);
}

int serve_attach(struct serve *serve, int fd, uint32_t partition)
{
	return add_door(serve, fd, partition, on_attach);
}

/* ---- running -------------------------------------------------------------------------------------- */

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct serve *serve =
		(struct serve *)(void *)((char *)source - offsetof(struct serve, signals));

	(void)events;
	serve->loop.stop = true;
}

int serve_signals(struct serve *serve)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = loop_add(&serve->loop, &serve->signals, fd, EPOLLIN, on_signal);
	if (r < 0)
		close(fd);
	return r;
}

/* Closes what belongs to a partition's former life, and goes on with those that run again. */
static void settle(struct serve *serve)
{
	for (struct connection *c = serve->connections.next, *next; c != &serve->connections;
	     c = next) {
		next = c->next;
		if (c->generation != sim_generation(serve->engine->sim, c->partition))
			serve_drop(c);
		if (c->dead)
			release(c);
		else
			watch(c);
	}
}

/* When something happens of itself, or an answer need not be held back any more; -1: never. */
static int64_t next_event(const struct serve *serve)
{
	int64_t next = engine_next(serve->engine);

	for (const struct connection *c = serve->connections.next; c != &serve->connections;
	     c = c->next)
		if (is_delayed(c))
			next = sim_earlier(next, c->due);
	return next;
}

/* ms until then by the real clock, rounded up; -1: nothing happens. */
static int wait_ms(const struct serve *serve)
{
	int64_t at = next_event(serve), left;

	if (at < 0)
		return -1;
	left = (at - engine_boot_time(false) + 999) / 1000;
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/*
 * Whether the virtual clock is to move on: somebody waits for time to pass, as who gave up his slot
 * does, and nobody can call.  Who is connected and could call stops the clock, for it is his turn; so
 * does it stand still when nobody is connected.
 */
static bool is_time_awaited(const struct serve *serve)
{
	const struct sim *sim = serve->engine->sim;
	bool awaited = false;

	for (const struct connection *c = serve->connections.next; c != &serve->connections;
	     c = c->next) {
		if (c->refusal || (serve_runs(c) && !is_delayed(c)))
			return false;
		awaited |= is_delayed(c) || sim_idles(sim, c->partition) ||
			   engine_is_busy(serve->engine);
	}
	return awaited;
}

/* ms that a round may wait. */
static int pass_time(struct serve *serve)
{
	int64_t next;

	if (!serve->engine->is_virtual)
		return wait_ms(serve);
	next = is_time_awaited(serve) ? next_event(serve) : -1;
	if (next < 0)
		return -1;
	engine_run_until(serve->engine, next);
	settle(serve);
	return 0;
}

int serve_run(struct serve *serve)
{
	int r = 0;

	while (!serve->loop.stop && r >= 0) {
		engine_run(serve->engine);
		settle(serve);
		r = loop_round(&serve->loop, pass_time(serve));
	}
	return r < 0 ? r : 0;
}

int serve_new(struct engine *engine, struct serve **servep)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	int r = serve ? loop_init(&serve->loop) : -ENOMEM;

	if (r < 0) {
		free(serve);
		return r;
	}
	serve->engine = engine;
	serve->signals.fd = serve->control.fd = -1;
	serve->connections.prev = serve->connections.next = &serve->connections;
	*servep = serve;
	return 0;
}

static void close_source(struct serve *serve, struct loop_source *source)
{
	int fd = source->fd;

	if (fd < 0)
		return;
	loop_remove(&serve->loop, source);
	close(fd);
}

void serve_free(struct serve *serve)
{
	if (!serve)
		return;
	while (serve->connections.next != &serve->connections) {
		struct connection *c = serve->connections.next;

		serve_drop(c);
		release(c);
	}
	while (serve->doors) {
		struct door *door = serve->doors;

		serve->doors = door->next;
		close_source(serve, &door->source);
		free(door);
	}
	serve_control_free(serve);
	close_source(serve, &serve->control);
	close_source(serve, &serve->signals);
	loop_deinit(&serve->loop);
	free(serve);
}
