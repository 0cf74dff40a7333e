// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Masks on connections to the simulated hypervisor: what was given up never comes back.  The server
 * runs in a thread of the test.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/sim_rig.h"
#include "xmbroker/sim/serve.h"
#include "xmbroker/sim/serve_internal.h"

static struct engine engine;
static struct serve *serve;
static pthread_t thread;
static int listener, fd;
static uint8_t msg[XM_WIRE_PACKET];

static void *run(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)serve_run(serve);
}

/* One connection of partition 0, which comes as the broker's do; not greeted as yet. */
static int connect_raw(void)
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
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &pair[1], sizeof(int));
	cr_assert_eq(sendmsg(listener, &m, 0), 1);
	close(pair[1]);
	return pair[0];
}

static void setup(void)
{
	int64_t now = engine_boot_time(false);
	int pair[2];

	rig_open(DEMO);
	sim_free(rig.sim);
	cr_assert_eq(sim_new(rig.sys, NULL, now, &rig.sim), 0);
	engine_init(&engine, rig.sim, rig.sys, NULL, false, now);
	cr_assert_eq(serve_new(&engine, &serve), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	listener = pair[0];
	cr_assert_eq(serve_attach(serve, pair[1], 0), 0);
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
	fd = connect_raw();
}

static void teardown(void)
{
	void *r;

	close(fd);
	close(listener);
	pthread_join(thread, &r);
	cr_assert_null(r);
	serve_free(serve);
	rig_close();
}

TestSuite(sim_mask, .init = setup, .fini = teardown, .timeout = 30);

static ssize_t receive(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	cr_assert_eq(poll(&p, 1, 5000), 1);
	return recv(fd, msg, sizeof(msg), 0);
}

static void greet(void)
{
	const struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_3_X, "test", "" };
	struct xm_wire_welcome welcome;
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)receive(), &welcome), 0);
}

static void narrow(const unsigned int *ops, size_t n)
{
	struct xm_mask mask = { { 0 } };
	int len;

	for (size_t i = 0; i < n; i++)
		xm_mask_add(&mask, ops[i]);
	len = xm_wire_put_restrict(msg, sizeof(msg), &mask);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

#define NARROW(...)                                                                                \
	narrow((unsigned int[]){ __VA_ARGS__ },                                                    \
	       sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int))

#define REQUEST(OP, ...) ((struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })

static unsigned int ask(const struct xm_request *req)
{
	int len = xm_wire_put_call(msg, sizeof(msg), 42, req);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(xm_wire_get_result(msg, (size_t)receive(), req, &rig.reply), 0);
	return rig.reply.code;
}

#define ASK(...) ask(&REQUEST(__VA_ARGS__))
#define TIME() ASK(GET_TIME, N(0), OUT)
#define HALT() ASK(HALT_PARTITION, N(1))
#define HOW_IS_1() ASK(GET_PARTITION_STATUS, N(1), OUT)

Test(sim_mask, a_connection_that_is_not_narrowed_may_all)
{
	greet();
	IS(OK, TIME());
	IS(OK, HALT());
}

Test(sim_mask, what_is_not_in_it_is_refused_and_not_made)
{
	NARROW(XM_OP_GET_TIME, XM_OP_GET_PARTITION_STATUS);
	greet();
	IS(OK, TIME());
	IS(PERM_ERROR, HALT());
	IS(PERM_ERROR, HALT());
	IS(OK, HOW_IS_1());
	cr_expect_neq(rig.reply.words[XM_F_PARTITION_STATUS_state], 3, "halted all the same");
	IS(PERM_ERROR, ASK(PARTITION_SELF, { 0 }));
	cr_expect_eq(serve->n_masked, 3);
}

Test(sim_mask, a_second_one_only_narrows)
{
	greet();
	NARROW(XM_OP_GET_TIME, XM_OP_GET_PARTITION_STATUS);
	NARROW(XM_OP_GET_TIME, XM_OP_HALT_PARTITION);
	IS(OK, TIME());
	IS(PERM_ERROR, HALT());
	IS(PERM_ERROR, HOW_IS_1());
}

Test(sim_mask, an_empty_one_leaves_nothing_for_ever)
{
	greet();
	narrow(NULL, 0);
	NARROW(XM_OP_GET_TIME);
	IS(PERM_ERROR, TIME());
}

Test(sim_mask, is_of_one_connection)
{
	int narrowed = fd;

	NARROW(XM_OP_GET_TIME);
	fd = connect_raw();
	greet();
	IS(OK, HOW_IS_1());
	close(narrowed);
}

static void ask_batch(const struct xm_request *reqs, unsigned int n,
		      struct xm_wire_batch_result *resultp)
{
	int len = xm_wire_put_batch(msg, sizeof(msg), 42, reqs, n);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)receive(), n, resultp), 0);
}

Test(sim_mask, a_batch_with_it_is_not_made)
{
	struct xm_request reqs[] = { REQUEST(GET_TIME, N(0), OUT), REQUEST(HALT_PARTITION, N(1)) };
	struct xm_wire_batch_result result;

	NARROW(XM_OP_GET_TIME, XM_OP_GET_PARTITION_STATUS);
	greet();
	ask_batch(reqs, 2, &result);
	cr_assert_not(result.ran);
	cr_expect_eq(result.codes[0], XM_C_OK);
	cr_expect_eq(result.codes[1], XM_C_PERM_ERROR);
	ask_batch(reqs, 1, &result);
	cr_expect(result.ran);
}

/* Who narrows a connection need not be who uses it, nor know what that one has begun to say. */
Test(sim_mask, comes_between_the_parts_of_a_message)
{
	static uint8_t data[XM_WIRE_PACKET], whole[2 * XM_WIRE_PACKET];
	struct xm_request req = REQUEST(WRITE_SAMPLING_MESSAGE, N(0), N(0),
					{ .data = data, .len = sizeof(data) }, N(sizeof(data)));
	int total = xm_wire_put_call(whole, sizeof(whole), 42, &req);

	greet();
	for (size_t at = 0; at < (size_t)total; at += XM_WIRE_PART_DATA) {
		int len = xm_wire_put_part(msg, sizeof(msg), 42, whole, (size_t)total, at);

		cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
		if (!at)
			NARROW(XM_OP_GET_TIME);
	}
	cr_assert_eq(xm_wire_get_result(msg, (size_t)receive(), &req, &rig.reply), 0);
	IS(PERM_ERROR, rig.reply.code);
	IS(OK, TIME());
}

Test(sim_mask, a_malformed_one_closes)
{
	struct xm_wire_refused refused;
	struct xm_mask mask;
	int len;

	greet();
	memset(&mask, 0xff, sizeof(mask));
	len = xm_wire_put_restrict(msg, sizeof(msg), &mask);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)receive(), &refused), 0);
	cr_expect_eq(refused.error, EPROTO);
	cr_expect_eq(receive(), 0);
}

/* Greeting is no hypercall: a new connection is there when the partition runs again. */
Test(sim_mask, a_suspended_partition_is_greeted_and_not_served)
{
	struct xm_request time = REQUEST(GET_TIME, N(0), OUT);
	int first = fd, len;
	struct pollfd p;

	greet();
	len = xm_wire_put_call(msg, sizeof(msg), 42, &REQUEST(SUSPEND_PARTITION, N(0)));
	cr_assert_eq(send(first, msg, (size_t)len, MSG_NOSIGNAL), len);
	poll(NULL, 0, 50);
	fd = connect_raw();
	greet();
	len = xm_wire_put_call(msg, sizeof(msg), 42, &time);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	cr_expect_eq(poll(&p, 1, 100), 0);
	close(first);
}
