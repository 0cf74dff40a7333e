// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * More than a call in a packet, to the simulated hypervisor: batches, and messages that come in parts.
 */

#include <errno.h>

#include "tests/serve_rig.h"

TestSuite(sim_serve, .init = start, .fini = stop, .timeout = 30);

/* ---- batches -------------------------------------------------------------------------------------- */

static struct xm_request batch[XM_BATCH_MAX];
static struct xm_wire_batch_result results;

static void send_batch(int fd, unsigned int n)
{
	int len = xm_wire_put_batch(msg, sizeof(msg), 42, batch, n);

	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static void results_of(int fd, unsigned int n)
{
	ssize_t len = receive(fd, 5000);

	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)len, n, &results), 0);
}

static unsigned int next_code(unsigned int i, unsigned int n)
{
	cr_assert_eq(xm_wire_next_batch_result(&results, &batch[i], i + 1 == n, &rig.reply), 0);
	return rig.reply.code;
}

Test(sim_serve, batch_runs_in_order)
{
	int fd = open_session(0);

	batch[0] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[1] = REQUEST(GET_PARTITION_STATUS, N(1), OUT);
	batch[2] = REQUEST(RESUME_PARTITION, N(1));
	batch[3] = REQUEST(HALT_PARTITION, N(9));
	send_batch(fd, 4);
	results_of(fd, 4);
	cr_assert(results.ran);
	IS(OK, next_code(0, 4));
	IS(OK, next_code(1, 4));
	cr_expect_eq(word(1, XM_F_PARTITION_STATUS_state), 2, "suspended");
	IS(OK, next_code(2, 4));
	IS(INVALID_PARAM, next_code(3, 4));
	close(fd);
}

Test(sim_serve, batch_with_something_unclassified_is_not_made)
{
	int fd = open_session(0);

	batch[0] = REQUEST(HALT_PARTITION, N(1));
	batch[1] = REQUEST(UNCLASSIFIED, N(XM_REASON_OPERATION), N(0), N(0), N(0), N(0));
	send_batch(fd, 2);
	results_of(fd, 2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OK);
	cr_expect_eq(results.codes[1], XM_C_OP_NOT_ALLOWED);
	close(open_session(1));
	close(fd);
}

Test(sim_serve, batch_that_suspends_its_caller_goes_on_when_resumed)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(GET_TIME, N(0), OUT);
	batch[1] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[2] = REQUEST(GET_TIME, N(0), OUT);
	batch[3] = REQUEST(SUSPEND_PARTITION, N(1));
	send_batch(fd, 4);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 100), -1, "suspended again");
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	results_of(fd, 4);
	for (unsigned int i = 0; i < 4; i++)
		IS(OK, next_code(i, 4));
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, batch_that_halts_its_caller_closes)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(HALT_PARTITION, N(1));
	batch[1] = REQUEST(GET_TIME, N(0), OUT);
	send_batch(fd, 2);
	cr_assert_eq(receive(fd, 5000), 0);
	IS(OK, ASK(manager, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, halted_in_the_middle_of_a_batch)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[1] = REQUEST(GET_TIME, N(0), OUT);
	send_batch(fd, 2);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, HALT_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 5000), 0);
	close(manager);
	close(fd);
}

/* ---- messages longer than a packet ---------------------------------------------------------------- */

static uint8_t whole[XM_WIRE_MAX];

static void send_part(int fd, size_t total, size_t at)
{
	int len = xm_wire_put_part(msg, sizeof(msg), 42, whole, total, at);

	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

/* Longer than any channel of the system allows, so that it comes whole and is refused. */
static size_t long_call(struct xm_request *req)
{
	static uint8_t data[300000];

	*req = REQUEST(WRITE_CONSOLE, N(0), { .data = data, .len = sizeof(data) }, N(sizeof(data)));
	return (size_t)xm_wire_put_call(whole, sizeof(whole), 42, req);
}

Test(sim_serve, long_call_in_parts)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);
	unsigned int code;

	for (size_t at = 0; at < total; at += XM_WIRE_PART_DATA)
		send_part(fd, total, at);
	code = result_of(fd, &req);
	cr_expect_neq(code, XM_C_UNKNOWN_OUTCOME);
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	close(fd);
}

Test(sim_serve, parts_out_of_order)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);

	send_part(fd, total, 0);
	send_part(fd, total, 2 * XM_WIRE_PART_DATA);
	is_refused(fd, EPROTO);
}

Test(sim_serve, call_between_parts)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);

	send_part(fd, total, 0);
	send_call(fd, &REQUEST(GET_TIME, N(0), OUT));
	is_refused(fd, EPROTO);
}

Test(sim_serve, part_before_the_greeting)
{
	struct xm_request req;
	int fd = connect_raw(0);

	send_part(fd, long_call(&req), 0);
	is_refused(fd, EPROTO);
}

Test(sim_serve, long_messages_together_are_bounded)
{
	enum { FIT = SERVE_LARGE_MAX / XM_WIRE_MAX };
	int fds[FIT + 1];

	for (unsigned int i = 0; i < FIT; i++) {
		fds[i] = open_session(0);
		send_part(fds[i], XM_WIRE_MAX - 64, 0);
	}
	/* The last of them has been taken in when an honest one is served after it. */
	fds[FIT] = open_session(1);
	IS(OK, ASK(fds[FIT], GET_TIME, N(0), OUT));
	send_part(fds[FIT], XM_WIRE_MAX, 0);
	is_refused(fds[FIT], EDQUOT);
	for (unsigned int i = 0; i < FIT; i++)
		close(fds[i]);
}
