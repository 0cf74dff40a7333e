// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The connection to a simulated hypervisor: each way in which it can go wrong, and what is then said
 * about the call.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/backend.h"

static struct backend *backend;
static struct xm_request req;
static struct xm_reply reply;
static uint8_t space[64], msg[XM_WIRE_PACKET];
static int hypervisor, ours;

static void welcome(int fd)
{
	const struct xm_wire_welcome w = { XM_WIRE_VERSION, XM_PROFILE_ID_3_X, 1, 3,
					   XM_WIRE_DATA_MAX };
	int len = xm_wire_put_welcome(msg, sizeof(msg), &w);

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
}

static void pair(void)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ours = fds[0];
	hypervisor = fds[1];
}

static void setup(void)
{
	pair();
	welcome(hypervisor);
	cr_assert_eq(backend_sim_new(ours, &backend), 0);
	cr_assert_gt(recv(hypervisor, msg, sizeof(msg), 0), 0); /* HELLO */
	fake_request(XM_OP_GET_TIME, &req);
	xm_reply_init(&reply, space, sizeof(space));
}

static void teardown(void)
{
	backend->ops->free(backend);
	close(hypervisor);
}

TestSuite(backend_sim, .init = setup, .fini = teardown);

/* The answer is there before the question: the serial of the first call is 1. */
static void answer(uint32_t serial)
{
	struct xm_reply r;
	int len;

	xm_reply_init(&r, NULL, 0);
	xm_reply_put_num(&r, XM_A_GET_TIME_time, 99);
	len = xm_wire_put_result(msg, sizeof(msg), serial, &req, &r);
	cr_assert_eq(send(hypervisor, msg, (size_t)len, 0), len);
}

static unsigned int call(void)
{
	backend->ops->call(backend, &req, &reply);
	return reply.code;
}

static bool has_ended(void)
{
	ssize_t n;
	char c;

	do
		n = recv(backend->ops->fd(backend), &c, 1, MSG_DONTWAIT);
	while (n > 0); /* what is left unread */
	return n == 0;
}

Test(backend_sim, the_handshake_tells_what_is_there)
{
	struct backend_info info;

	backend->ops->info(backend, &info);
	cr_expect_eq(info.profile, XM_PROFILE_ID_3_X);
	cr_expect_eq(info.partition, 1);
	cr_expect_eq(info.n_partitions, 3);
}

Test(backend_sim, a_call_is_sent_once_and_answered)
{
	answer(1);
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_GET_TIME_time].num, 99);
	cr_expect_gt(recv(hypervisor, msg, sizeof(msg), MSG_DONTWAIT), 0);
	cr_expect_lt(recv(hypervisor, msg, sizeof(msg), MSG_DONTWAIT), 0);
}

Test(backend_sim, the_end_in_mid_call_leaves_the_outcome_unknown)
{
	shutdown(hypervisor, SHUT_WR);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
	cr_expect_eq(call(), XM_C_INVALID_MODE, "the next one is not made");
}

Test(backend_sim, the_end_before_a_call_leaves_it_uncalled)
{
	close(hypervisor);
	cr_expect_eq(call(), XM_C_INVALID_MODE);
	cr_expect(has_ended());
}

Test(backend_sim, an_answer_to_another_call_ends_the_connection)
{
	answer(2);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim, a_malformed_answer_ends_the_connection)
{
	cr_assert_eq(send(hypervisor, "garbage", 7, 0), 7);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim, a_new_connection_can_take_its_place)
{
	shutdown(hypervisor, SHUT_WR);
	call();
	close(hypervisor);
	pair();
	welcome(hypervisor);
	cr_assert_eq(backend->ops->attach(backend, ours), 0);
	answer(2);
	cr_expect_eq(call(), XM_C_OK);
}

Test(backend_sim, something_that_is_no_hypervisor_is_not_attached)
{
	pair();
	cr_assert_eq(send(hypervisor, "garbage", 7, 0), 7);
	cr_expect_eq(backend->ops->attach(backend, ours), -EPROTO);
}

/* ---- messages longer than a packet ------------------------------------------------------------------- */

#define SIZE (5 * 65536)

static uint8_t big[SIZE + 4096], large[SIZE];

static void answer_in_parts(uint32_t serial, size_t first, size_t step)
{
	struct xm_reply r;
	int len;

	for (size_t i = 0; i < SIZE; i++)
		large[i] = fake_byte(i);
	xm_reply_init(&r, large, SIZE);
	r.out[XM_A_READ_SAMPLING_MESSAGE_buffer] =
		(struct xm_value){ .state = XM_ST_OK, .len = SIZE, .data = large };
	len = xm_wire_put_result(big, sizeof(big), serial, &req, &r);
	for (size_t at = first; at < (size_t)len; at += step) {
		int n = xm_wire_put_part(msg, sizeof(msg), serial, big, (size_t)len, at);

		cr_assert_eq(send(hypervisor, msg, (size_t)n, 0), n);
	}
}

/* Both ends are in this process: all of the answer has to fit into the socket before the call. */
static void long_answers(void)
{
	int room = 4 << 20;

	setup();
	setsockopt(hypervisor, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	setsockopt(ours, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = SIZE;
	if (geteuid() != 0)
		cr_skip_test("not run: needs root, for a large socket buffer");
}

TestSuite(backend_sim_parts, .init = long_answers, .fini = teardown);

Test(backend_sim_parts, a_long_answer_is_put_together_in_the_space_that_was_lent)
{
	static uint8_t room[SIZE];

	answer_in_parts(1, 0, XM_WIRE_PART_DATA);
	xm_reply_init(&reply, room, sizeof(room));
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].data, room);
	cr_expect_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].len, SIZE);
	for (size_t i = 0; i < SIZE; i++)
		cr_assert_eq(room[i], fake_byte(i));
}

Test(backend_sim_parts, parts_that_are_missing_end_the_connection)
{
	answer_in_parts(1, 0, 2 * XM_WIRE_PART_DATA);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

/* The second part says that there is more than there was room made for. */
Test(backend_sim_parts, a_long_answer_that_grows_ends_the_connection)
{
	for (size_t total = 2 * XM_WIRE_PART_DATA - 1000, at = 0; at <= XM_WIRE_PART_DATA;
	     total += 1000, at += XM_WIRE_PART_DATA) {
		int n = xm_wire_put_part(msg, sizeof(msg), 1, big, total, at);

		cr_assert_eq(send(hypervisor, msg, (size_t)n, 0), n);
	}
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim_parts, a_long_answer_without_its_beginning_ends_the_connection)
{
	answer_in_parts(1, XM_WIRE_PART_DATA, XM_WIRE_PART_DATA);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim_parts, a_long_answer_to_another_call_ends_the_connection)
{
	answer_in_parts(2, 0, XM_WIRE_PART_DATA);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim_parts, a_long_answer_beyond_the_space_ends_the_connection)
{
	answer_in_parts(1, 0, XM_WIRE_PART_DATA);
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	cr_expect(has_ended());
}

Test(backend_sim_parts, a_long_question_goes_in_parts)
{
	struct xm_wire_part part;
	size_t got = 0;

	for (size_t i = 0; i < SIZE; i++)
		large[i] = fake_byte(i);
	fake_request(XM_OP_WRITE_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].data = large;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].len = SIZE;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_size].num = SIZE;
	shutdown(hypervisor, SHUT_WR); /* there will be no answer */
	cr_expect_eq(call(), XM_C_UNKNOWN_OUTCOME);
	do {
		ssize_t n = recv(hypervisor, msg, sizeof(msg), 0);

		cr_assert_gt(n, 0);
		cr_assert_eq(xm_wire_get_part(msg, (size_t)n, &part), 0);
		cr_assert_eq(part.offset, got);
		memcpy(big + got, part.data, part.len);
		got += part.len;
	} while (got < part.total);
	cr_assert_eq(xm_wire_get_call(big, got, &req), 0);
	cr_expect_eq(req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].len, SIZE);
	cr_expect_eq(memcmp(req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].data, large, SIZE), 0);
}
