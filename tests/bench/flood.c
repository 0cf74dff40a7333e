// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bench's floods: what a client waits while another user keeps the server as busy as it can be,
 * and with thousands of sessions open.  The clients run on another processor than the server if there
 * is one; the flood gives way there to the client that is measured, since the server's order is what
 * is of interest and not the kernel's.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define FLOODER 20001
#define CLIENT 20002
#define FLOOD_SESSIONS 8
#define MANY 4000
#define PAUSE_US 200 /* between the calls of the client that is measured */

static uint8_t message[XM_WIRE_PACKET], reply[XM_WIRE_PACKET];

static size_t put_calls(unsigned int n)
{
	static struct xm_request requests[XM_BATCH_MAX];
	int len;

	for (unsigned int i = 0; i < n; i++)
		requests[i] = (struct xm_request){ .op = XM_OP_GET_TIME };
	len = n == 1 ? xm_wire_put_call(message, sizeof(message), 1, requests)
		     : xm_wire_put_batch(message, sizeof(message), 1, requests, n);
	if (len < 0)
		bench_die("cannot make a message");
	return (size_t)len;
}

static void become(uid_t uid)
{
	if (geteuid() == 0 && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
		_exit(1);
}

/* ---- the flood --------------------------------------------------------------------------------------- */

static _Noreturn void run_flood(const struct peer *peer, unsigned int batch)
{
	struct epoll_event events[FLOOD_SESSIONS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	size_t len = put_calls(batch);

	become(FLOODER);
	if (nice(19) < 0 && errno)
		_exit(1);
	for (unsigned int i = 0; i < FLOOD_SESSIONS; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		event.data.fd = peer_connect(peer);
		epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
		if (send(event.data.fd, message, len, MSG_NOSIGNAL) < 0)
			_exit(1);
	}
	for (;;) {
		int n = epoll_wait(epoll, events, FLOOD_SESSIONS, -1);

		for (int i = 0; i < n; i++)
			if (recv(events[i].data.fd, reply, sizeof(reply), 0) <= 0 ||
			    send(events[i].data.fd, message, len, MSG_NOSIGNAL) < 0)
				_exit(1);
	}
}

/* ---- the client -------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static struct latency measure(const struct peer *peer, unsigned int n)
{
	int64_t *ns = calloc(n, sizeof(*ns));
	int fd = peer_connect(peer);
	size_t len = put_calls(1);
	struct latency latency;

	if (!ns)
		bench_die("no memory");
	for (unsigned int i = 0; i < n; i++) {
		int64_t begin = bench_now();

		if (send(fd, message, len, MSG_NOSIGNAL) < 0 ||
		    recv(fd, reply, sizeof(reply), 0) <= 0)
			bench_die("a call is not answered");
		ns[i] = bench_now() - begin;
		usleep(PAUSE_US);
	}
	qsort(ns, n, sizeof(*ns), compare);
	latency = (struct latency){ (double)ns[n / 2], (double)ns[n - 1 - n / 100] };
	free(ns);
	close(fd);
	return latency;
}

/* In a process of its own, as another user. */
static struct latency measure_apart(const struct peer *peer, unsigned int n)
{
	struct latency latency = { 0, 0 };
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0)
		bench_die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		peers_move();
		become(CLIENT);
		latency = measure(peer, n);
		_exit(write(ends[1], &latency, sizeof(latency)) != sizeof(latency));
	}
	close(ends[1]);
	if (read(ends[0], &latency, sizeof(latency)) != sizeof(latency))
		bench_die("the client of the flood ended");
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return latency;
}

static struct latency measure_in_flood(const struct peer *peer, unsigned int n, unsigned int batch)
{
	pid_t pid = fork();
	struct latency latency;

	if (pid == 0) {
		peers_move();
		run_flood(peer, batch);
	}
	usleep(200000);
	if (waitpid(pid, NULL, WNOHANG) == pid)
		bench_die("the flood ended");
	latency = measure_apart(peer, n);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return latency;
}

static void measure_many(const struct peer *peer, unsigned int n, struct floods *floods)
{
	static int fds[MANY];
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < MANY + 100 || geteuid() != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned int i = 0; i < MANY; i++)
		fds[i] = peer_connect(peer);
	floods->many = measure_apart(peer, n);
	for (unsigned int i = 0; i < MANY; i++)
		close(fds[i]);
}

void floods_measure(const struct peer *peer, unsigned int calls, struct floods *floods)
{
	unsigned int n = calls / 15 ? calls / 15 : 1;

	*floods = (struct floods){ .apart = peers_apart() };
	floods->quiet = measure_apart(peer, n);
	measure_many(peer, n, floods);
	if (geteuid() != 0)
		return; /* one user is no other */
	floods->calls = measure_in_flood(peer, n, 1);
	floods->batches = measure_in_flood(peer, n, XM_BATCH_MAX);
}

/* ---- output ------------------------------------------------------------------------------------------ */

static void print_row(const char *title, const struct latency *latency, const struct latency *quiet,
		      double aim)
{
	if (latency->median <= 0) {
		printf("%-40s %12s\n", title, "needs root");
		return;
	}
	printf("%-40s %12.0f", title, latency->median);
	if (latency != quiet)
		printf(" %9.2fx %7.1fx", latency->median / quiet->median, aim);
	else
		printf(" %19s", "");
	printf("   (99th of 100: %.0f)\n", latency->late);
}

void floods_print(const struct floods *f)
{
	printf("\n%-40s %12s %10s %8s\n", "A client's wait, from another processor", "ns a call",
	       "to quiet", "aim");
	if (!f->apart)
		puts("  (there is no other processor: that of the server)");
	print_row("nobody else calls", &f->quiet, &f->quiet, 0);
	print_row("with 4,000 sessions open", &f->many, &f->quiet, 1.5);
	print_row("another user floods with calls", &f->calls, &f->quiet, 2);
	print_row("another user floods with batches", &f->batches, &f->quiet, 2);
}

void floods_print_json(const struct floods *f)
{
	printf(",\"wait_apart\":%s,\"wait_quiet_ns\":%.0f,\"wait_many_ns\":%.0f,"
	       "\"wait_calls_ns\":%.0f,\"wait_calls_p99_ns\":%.0f,"
	       "\"wait_batches_ns\":%.0f,\"wait_batches_p99_ns\":%.0f",
	       f->apart ? "true" : "false", f->quiet.median, f->many.median, f->calls.median,
	       f->calls.late, f->batches.median, f->batches.late);
}
