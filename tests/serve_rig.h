/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_SERVE_RIG_H
#define XM_TESTS_SERVE_RIG_H

/*
 * The simulated hypervisor behind sockets, in a thread of the test, and a client of it: connections
 * reach it as the broker's do.  The last message is in `msg`, the last reply in rig.reply.
 */

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/sim_rig.h"
#include "xmbroker/sim/serve.h"

static struct engine engine;
static struct serve *serve;
static pthread_t thread;
static int doors[3];
static uint8_t msg[XM_WIRE_PACKET];

static inline void *serve_thread(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)serve_run(serve);
}

static inline void prepare(const char *path, bool is_virtual)
{
	int64_t now = engine_boot_time(is_virtual);

	rig_open(path);
	sim_free(rig.sim);
	cr_assert_eq(sim_new(rig.sys, NULL, now, &rig.sim), 0);
	engine_init(&engine, rig.sim, rig.sys, NULL, is_virtual, now);
	cr_assert_eq(serve_new(&engine, &serve), 0);
	for (uint32_t i = 0; i < 3; i++) {
		int fds[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
		doors[i] = fds[0];
		cr_assert_eq(serve_attach(serve, fds[1], i), 0);
	}
}

static inline void begin(void)
{
	cr_assert_eq(pthread_create(&thread, NULL, serve_thread, NULL), 0);
}

static inline void start(void)
{
	prepare(DEMO, false);
	begin();
}

static inline void stop(void)
{
	void *r;

	for (int i = 0; i < 3; i++)
		close(doors[i]);
	pthread_join(thread, &r);
	cr_assert_null(r);
	serve_free(serve);
	rig_close();
}

/* ---- a client ------------------------------------------------------------------------------------- */

static inline void hand_over(int door, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (char[]){ 0 }, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&m);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(door, &m, 0), 1);
}

static inline int connect_raw(uint32_t partition)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	hand_over(doors[partition], fds[1]);
	close(fds[1]);
	return fds[0];
}

static inline void send_hello(int fd, uint16_t min, uint16_t max)
{
	const struct xm_wire_hello hello = { min, max, XM_PROFILE_ID_3_X, "test", "" };
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

/* Length of the next message; 0: closed; -1: none within the time. */
static inline ssize_t receive(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return -1;
	return recv(fd, msg, sizeof(msg), 0);
}

static inline int open_session(uint32_t partition)
{
	struct xm_wire_welcome welcome;
	int fd = connect_raw(partition);
	ssize_t n;

	send_hello(fd, 1, 1);
	n = receive(fd, 5000);
	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)n, &welcome), 0);
	cr_assert_eq(welcome.partition, partition);
	cr_assert_geq(welcome.n_partitions, 3);
	cr_assert_eq(welcome.profile, XM_PROFILE_ID_3_X);
	return fd;
}

static inline void send_call(int fd, const struct xm_request *req)
{
	int len = xm_wire_put_call(msg, sizeof(msg), 42, req);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static inline unsigned int result_of(int fd, const struct xm_request *req)
{
	struct xm_wire_head head;
	ssize_t n = receive(fd, 5000);

	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_head(msg, (size_t)n, &head), 0);
	cr_assert_eq(head.serial, 42);
	cr_assert_eq(xm_wire_get_result(msg, (size_t)n, req, &rig.reply), 0);
	return rig.reply.code;
}

#define REQUEST(OP, ...) ((struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })

static inline unsigned int ask(int fd, const struct xm_request *req)
{
	send_call(fd, req);
	return result_of(fd, req);
}

#define ASK(fd, ...) ask(fd, &REQUEST(__VA_ARGS__))

static inline void is_refused(int fd, int error)
{
	struct xm_wire_refused refused;
	ssize_t n = receive(fd, 5000);

	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)n, &refused), 0);
	cr_assert_eq(refused.error, error, "%s", refused.reason);
	cr_assert_eq(receive(fd, 5000), 0);
	close(fd);
}

#endif
