// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The undertaker: connections with messages that nobody may discard but a process that ends.  Socket
 * pairs accept descriptors on every kernel, so that this runs also where the broker needs none.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/broker_fakes.h"
#include "xmbroker/identity.h"
#include "xmbroker/server.h"
#include "xmbroker/session.h"
#include "xmbroker/undertaker.h"

#define CHANNEL 900
#define LINGER_S 30

static struct undertaker undertaker;
static int ours, theirs; /* a session's two ends */

static void make_pair(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	cr_assert_eq(identity_want_credentials(ours), 0);
}

static void setup(void)
{
	cr_assert_eq(undertaker_start(CHANNEL, &undertaker), 0);
	cr_assert_eq(undertaker.channel, CHANNEL);
	make_pair();
}

static void teardown(void)
{
	kill(undertaker.pid, SIGKILL);
	waitpid(undertaker.pid, NULL, 0);
}

TestSuite(undertaker, .init = setup, .fini = teardown, .timeout = 60);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A TCP connection whose last close() waits; `peerp` gets the side that does not read. */
static int lingering(int *peerp)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	struct linger linger = { 1, LINGER_S };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char data[65536];

	cr_assert_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, len), 0);
	*peerp = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(*peerp, 0);
	close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

static void pass(int over, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .align = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { &(char){ 'x' }, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(over, &m, MSG_NOSIGNAL), 1);
}

/* Sends the last reference; the peer of the connection is returned. */
static int pass_lingering(int over)
{
	int peer, fd = lingering(&peer);

	pass(over, fd);
	close(fd);
	return peer;
}

/* The connection is closed at the other end: everything can be read, and then there is the end. */
static bool ends(int peer)
{
	struct pollfd p = { .fd = peer, .events = POLLIN };
	static char data[65536];
	double begin = now();

	while (now() - begin < 10 && poll(&p, 1, 5000) > 0) {
		ssize_t n = recv(peer, data, sizeof(data), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

Test(undertaker, what_lingers_is_discarded_without_waiting)
{
	int peer = pass_lingering(theirs);
	double begin = now();

	undertaker_bury(CHANNEL, ours);
	cr_expect_lt(now() - begin, 1);
	/* The client finds its connection closed, and with nothing read. */
	cr_expect_lt(recv(theirs, &(char){ 0 }, 1, 0), 1);
	cr_expect_lt(now() - begin, 1);
	cr_expect(ends(peer));
	cr_expect_eq(kill(undertaker.pid, 0), 0);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* What all this is for: if it fails, the kernel no longer waits, and the others test nothing. */
Test(undertaker, a_plain_close_would_wait)
{
	struct sigaction act = { .sa_handler = on_alarm };
	int peer = pass_lingering(theirs);
	double begin = now();

	sigaction(SIGALRM, &act, NULL);
	alarm(1); /* ends the wait */
	close(ours);
	cr_expect_gt(now() - begin, 0.5);
	close(peer);
}

Test(undertaker, many_are_buried_as_fast_as_they_come)
{
	static int peers[100];
	double begin;

	for (unsigned int i = 0; i < 100; i++) {
		double b;

		make_pair();
		peers[i] = pass_lingering(theirs);
		b = now();
		undertaker_close(CHANNEL, ours);
		cr_expect_lt(now() - b, 1);
		close(theirs);
	}
	begin = now();
	for (unsigned int i = 0; i < 100; i++)
		cr_expect(ends(peers[i]), "%u", i);
	cr_expect_lt(now() - begin, LINGER_S / 2);
}

/* The order in which the two references go must not matter: the server's is never the last. */
Test(undertaker, a_server_that_closes_late_does_not_wait)
{
	int peer = pass_lingering(theirs);
	double begin;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .align = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { &(char){ 'x' }, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.align), &ours, sizeof(ours));
	cr_assert_eq(sendmsg(CHANNEL, &m, 0), 1);
	usleep(300000);
	begin = now();
	close(ours);
	cr_expect_lt(now() - begin, 1);
	cr_assert_eq(send(CHANNEL, "u", 1, 0), 1);
	cr_expect(ends(peer));
}

Test(undertaker, closing_discards_ordinary_messages_and_buries_nothing)
{
	char byte;

	for (unsigned int i = 0; i < 20; i++)
		cr_assert_eq(send(theirs, "hello", i ? 5 : 0, 0), i ? 5 : 0);
	undertaker_close(CHANNEL, ours);
	/* The end, and no ECONNRESET: nothing was left unread. */
	cr_expect_eq(recv(theirs, &byte, 1, 0), 0);
}

Test(undertaker, closing_buries_what_comes_behind_ordinary_messages)
{
	double begin;
	int peer;

	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	peer = pass_lingering(theirs);
	begin = now();
	undertaker_close(CHANNEL, ours);
	cr_expect_lt(now() - begin, 1);
	cr_expect(ends(peer));
}

Test(undertaker, closing_after_the_client_reset_the_connection_buries)
{
	double begin;
	int peer;

	cr_assert_eq(send(ours, "unread", 6, 0), 6);
	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	peer = pass_lingering(theirs);
	close(theirs);
	begin = now();
	undertaker_close(CHANNEL, ours);
	cr_expect_lt(now() - begin, 1);
	cr_expect(ends(peer));
}

Test(undertaker, without_one_the_connection_is_closed_all_the_same)
{
	kill(undertaker.pid, SIGKILL);
	waitpid(undertaker.pid, NULL, 0);
	usleep(100000);
	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	undertaker_bury(CHANNEL, ours);
	undertaker_bury(CHANNEL, dup(theirs));
	cr_expect_eq(fcntl(ours, F_GETFD), -1);
}

Test(undertaker, ends_when_the_server_does)
{
	double begin = now();

	close(CHANNEL);
	cr_expect_eq(waitpid(undertaker.pid, NULL, 0), undertaker.pid);
	cr_expect_lt(now() - begin, 5);
}

Test(undertaker, survives_a_worker_that_is_killed)
{
	char path[64], pid[32] = "";
	FILE *f;
	int peer;

	usleep(100000);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", undertaker.pid, undertaker.pid);
	f = fopen(path, "r");
	if (!f)
		cr_skip_test("not run: the kernel does not list children");
	cr_assert_not_null(fgets(pid, sizeof(pid), f));
	fclose(f);
	cr_assert_eq(kill(atoi(pid), SIGKILL), 0);
	peer = pass_lingering(theirs);
	undertaker_bury(CHANNEL, ours);
	cr_expect(ends(peer));
}

/* ---- looking before receiving ---------------------------------------------------------------------- */

static unsigned int open_descriptors(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

Test(undertaker, a_look_finds_a_descriptor_and_leaves_it)
{
	int peer = pass_lingering(theirs);
	unsigned int before = open_descriptors();
	double begin = now();

	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(identity_peek(ours), -EPROTO);
	cr_expect_lt(now() - begin, 1);
	cr_expect_eq(open_descriptors(), before);
	undertaker_bury(CHANNEL, ours);
	cr_expect(ends(peer));
}

Test(undertaker, a_look_installs_nothing_where_there_are_no_credentials)
{
	unsigned int before = open_descriptors();
	int off = 0;

	cr_assert_eq(setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off)), 0);
	pass(theirs, STDERR_FILENO);
	cr_expect_eq(identity_peek(ours), -EPROTO);
	cr_expect_eq(open_descriptors(), before);
}

Test(undertaker, a_look_tells_messages_and_the_end_apart)
{
	struct identity_message message;
	struct identity id;
	uint8_t buf[8];

	cr_assert_eq(identity_read(ours, (struct identity_overflow){ 65534, 65534 }, &id), 0);
	cr_expect_eq(identity_peek(ours), -EAGAIN);
	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	cr_expect_eq(identity_peek(ours), 1);
	cr_expect_eq(identity_receive(ours, &id, buf, sizeof(buf), &message), 0);
	cr_expect_eq(message.len, 5);
	cr_assert_eq(send(theirs, "", 0, 0), 0);
	cr_expect_eq(identity_peek(ours), 1);
	cr_expect_eq(identity_receive(ours, &id, buf, sizeof(buf), &message), -EPROTO);
	close(theirs);
	cr_expect_eq(identity_peek(ours), 0);
	identity_deinit(&id);
}

Test(undertaker, is_needed_where_descriptors_cannot_be_refused)
{
	int off = 0, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool refuses = setsockopt(fd, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &off, sizeof(off)) == 0;

	cr_expect_eq(undertaker_is_needed(fd), !refuses);
	close(fd);
}

/* ---- a server that has one ------------------------------------------------------------------------- */

static struct server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len = sizeof(address);
static uint8_t msg[XM_WIRE_PACKET];

static void make_server(uint32_t max_sessions)
{
	struct server_config config = {
		.overflow = { 65534, 65534 },
		.session_max_age = 60,
		.max_sessions = max_sessions,
		.max_sessions_per_user = max_sessions,
		.bury = true,
		.undertaker = CHANNEL,
	};
	struct server_fds fds = { socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), -1 };
	struct fake_backend *hypervisor = fake_backend_new();
	struct sealed policy = fake_sealed(1);
	struct audit *audit;

	cr_assert_eq(bind(fds.listen, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fds.listen, 64), 0);
	cr_assert_eq(getsockname(fds.listen, (struct sockaddr *)&address, &address_len), 0);
	cr_assert_eq(audit_new(-1, NULL, NULL, &audit), 0);
	fake_policy.answer = FAKE_ALLOW;
	cr_assert_eq(server_new(&config, &fds, &policy, 1, &hypervisor->backend, audit, &server),
		     0);
}

static void turns(void)
{
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
}

static int connect_only(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
	return fd;
}

static int client(void)
{
	const struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_2_4, "test", "/x" };
	struct xm_wire_welcome welcome;
	int fd = connect_only();
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);
	ssize_t n;

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	turns();
	n = recv(fd, msg, sizeof(msg), 0);
	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)n, &welcome), 0);
	return fd;
}

static bool is_answered(int fd)
{
	struct xm_request req;
	int len;

	fake_request(XM_OP_GET_TIME, &req);
	len = xm_wire_put_call(msg, sizeof(msg), 1, &req);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	turns();
	return recv(fd, msg, sizeof(msg), 0) > 0;
}

Test(undertaker, a_session_with_what_lingers_holds_up_nobody)
{
	int honest, bad, peer;
	double begin;

	make_server(20);
	honest = client();
	bad = client();
	peer = pass_lingering(bad);
	begin = now();
	cr_expect(is_answered(honest));
	cr_expect_lt(now() - begin, 1);
	cr_expect_eq(server->n_sessions, 1);
	/* Its message stays unread, of which the kernel tells it first. */
	cr_expect(recv(bad, msg, sizeof(msg), 0) > 0 || errno == ECONNRESET);
	cr_expect(ends(peer));
	server_free(server);
}

Test(undertaker, nor_does_a_client_that_sends_it_and_goes)
{
	int honest, bad, peer;
	double begin;

	make_server(20);
	honest = client();
	bad = client();
	peer = pass_lingering(bad);
	close(bad);
	begin = now();
	cr_expect(is_answered(honest));
	cr_expect_lt(now() - begin, 1);
	cr_expect_eq(server->n_sessions, 1);
	cr_expect(ends(peer));
	server_free(server);
}

Test(undertaker, nor_does_a_connection_over_the_limit)
{
	int honest, bad, peer;
	double begin;

	make_server(1);
	honest = client();
	server->config.max_sessions_per_user = 0;
	for (unsigned int i = 0; i < SERVER_ROOT_RESERVE; i++)
		connect_only();
	bad = connect_only();
	peer = pass_lingering(bad);
	begin = now();
	cr_expect(is_answered(honest));
	cr_expect_lt(now() - begin, 1);
	cr_expect(ends(peer));
	server_free(server);
}
