// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: batches, and whose turn it is.
 */

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

static struct xm_request batch[XM_BATCH_MAX];

Test(session, a_batch_is_answered_in_one_message)
{
	struct xm_wire_batch_result results;
	int fd = client(), len;

	fake_request(XM_OP_GET_TIME, &batch[0]);
	fake_request(XM_OP_HALT_PARTITION, &batch[1]);
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, 2);
	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)answer(fd), 2, &results), 0);
	cr_expect(results.ran);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(server->first->n_calls, 2);
}

Test(session, a_batch_with_a_long_answer_comes_in_parts)
{
	struct xm_wire_batch_result results;
	int fd = client(), len;
	size_t got;

	hypervisor->message_len = MESSAGE;
	for (unsigned int i = 0; i < 3; i++) {
		fake_request(XM_OP_READ_SAMPLING_MESSAGE, &batch[i]);
		batch[i].arg[XM_A_READ_SAMPLING_MESSAGE_size].num = MESSAGE;
	}
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, 3);
	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	got = receive_parts(fd);
	cr_assert_eq(xm_wire_get_batch_result(whole, got, 3, &results), 0);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(xm_wire_next_batch_result(&results, &batch[i], i == 2, &reply), 0);
		for (uint32_t b = 0; b < MESSAGE; b += 997)
			cr_assert_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].data[b],
				     fake_byte(b));
	}
	cr_expect_eq(server->users.large, 0);
}

/* ---- turns ------------------------------------------------------------------------------------------- */

/* As many as are made at once. */
static void send_full_batch(int fd)
{
	int len;

	for (unsigned int i = 0; i < GATE_SLICE; i++)
		fake_request(XM_OP_GET_TIME, &batch[i]);
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, GATE_SLICE);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static bool is_answered(int fd)
{
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0;
}

Test(session, the_sessions_of_a_user_share_its_turns)
{
	int a = client(), b = client();

	send_full_batch(a);
	send_full_batch(b);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, GATE_SLICE);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, 2 * GATE_SLICE);
	cr_expect(is_answered(a) && is_answered(b));
}

Test(session, another_user_does_not_share_them)
{
	int a = client(), b = client(), other = client();

	account_to(getuid() + 1);
	send_full_batch(a);
	send_full_batch(b);
	send_call(other, XM_OP_GET_TIME);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, GATE_SLICE + 1);
	cr_expect(is_answered(other));
}

Test(session, no_session_has_a_second_turn_while_another_of_its_user_waits)
{
	int a = client(), b = client(), c = client();

	for (unsigned int i = 0; i < 3; i++)
		send_full_batch(a);
	send_full_batch(b);
	send_call(c, XM_OP_GET_TIME);
	for (unsigned int i = 0; i < 3; i++)
		loop_round(&server->loop, 0);
	cr_expect(is_answered(b) && is_answered(c));
	turns();
	cr_expect_eq(hypervisor->n_calls, 4 * GATE_SLICE + 1);
}

Test(session, who_waits_for_a_turn_and_goes_away_holds_up_nobody)
{
	int a = client(), b = client();

	send_full_batch(a);
	send_full_batch(a);
	send_full_batch(b);
	loop_round(&server->loop, 0);
	close(b);
	turns();
	cr_expect(is_answered(a) && is_answered(a));
}

Test(session, a_new_session_is_welcomed_whatever_its_user_asks)
{
	int a = client(), fd = connect_only();

	send_full_batch(a);
	say_hello(fd);
	loop_round(&server->loop, 0);
	cr_expect(is_answered(fd));
}
