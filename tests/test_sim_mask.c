// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Masks on connections to the simulated hypervisor: what was given up never comes back.
 */

#include <errno.h>

#include "tests/serve_rig.h"
#include "xmbroker/sim/serve_internal.h"

static int fd; /* of partition 0, not greeted as yet */

static void setup(void)
{
	start();
	fd = connect_raw(0);
}

static void teardown(void)
{
	close(fd);
	stop();
}

TestSuite(sim_mask, .init = setup, .fini = teardown, .timeout = 30);

static ssize_t next_message(void)
{
	ssize_t n = receive(fd, 5000);

	cr_assert_geq(n, 0);
	return n;
}

static void greet(void)
{
	struct xm_wire_welcome welcome;

	send_hello(fd, 1, 1);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)next_message(), &welcome), 0);
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

#define TIME() ASK(fd, GET_TIME, N(0), OUT)
#define HALT() ASK(fd, HALT_PARTITION, N(1))
#define HOW_IS_1() ASK(fd, GET_PARTITION_STATUS, N(1), OUT)

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
	IS(PERM_ERROR, ASK(fd, PARTITION_SELF, { 0 }));
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
	fd = connect_raw(0);
	greet();
	IS(OK, HOW_IS_1());
	close(narrowed);
}

static void ask_batch(const struct xm_request *reqs, unsigned int n,
		      struct xm_wire_batch_result *resultp)
{
	int len = xm_wire_put_batch(msg, sizeof(msg), 42, reqs, n);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)next_message(), n, resultp), 0);
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
	cr_assert_eq(xm_wire_get_result(msg, (size_t)next_message(), &req, &rig.reply), 0);
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
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)next_message(), &refused), 0);
	cr_expect_eq(refused.error, EPROTO);
	cr_expect_eq(next_message(), 0);
}

/* Greeting is no hypercall: a new connection is there when the partition runs again. */
Test(sim_mask, a_suspended_partition_is_greeted_and_not_served)
{
	struct xm_request time = REQUEST(GET_TIME, N(0), OUT);
	int first = fd;
	struct pollfd p;

	greet();
	send_call(first, &REQUEST(SUSPEND_PARTITION, N(0)));
	poll(NULL, 0, 50);
	fd = connect_raw(0);
	greet();
	send_call(fd, &time);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	cr_expect_eq(poll(&p, 1, 100), 0);
	close(first);
}
