// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who waits for whom: turns of uids, batches that take more than one, and those that wait for another.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

static struct xm_request batch[XM_BATCH_MAX];

static void send_batch(int fd, unsigned int n)
{
	int len;

	for (unsigned int i = 0; i < n; i++)
		fake_request(XM_OP_GET_TIME, &batch[i]);
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, n);
	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static ssize_t look(int fd)
{
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT);
}

/* Rounds until an answer comes. */
static unsigned int rounds_until_answered(int fd)
{
	unsigned int n = 0;

	do {
		cr_assert_eq(loop_round(&server->loop, 0), 0);
		cr_assert_lt(++n, 5000);
	} while (look(fd) <= 0);
	return n;
}

static void finish(void)
{
	for (unsigned int i = 0; i < 200; i++)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
}

static bool ran(int fd, unsigned int n)
{
	struct xm_wire_batch_result results;
	ssize_t len = look(fd);

	return len > 0 && xm_wire_get_batch_result(msg, (size_t)len, n, &results) == 0 &&
	       results.ran;
}

static unsigned int count_in_log(const char *s)
{
	static char text[4 << 20];
	unsigned int n = 0;

	session_log(text, sizeof(text));
	for (const char *p = text; (p = strstr(p, s)); p++)
		n++;
	return n;
}

/* ---- slices ------------------------------------------------------------------------------------------ */

Test(session, a_call_does_not_wait_for_the_whole_of_anothers_batch)
{
	int a = client_of(1000), b = client_of(1001);

	send_batch(a, XM_BATCH_MAX);
	loop_round(&server->loop, 0);
	loop_round(&server->loop, 0);
	send_call(b, XM_OP_GET_TIME);
	cr_expect_leq(rounds_until_answered(b), 2);
	cr_expect_lt(hypervisor->n_calls, XM_BATCH_MAX / 2);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX + 1);
}

Test(session, nothing_of_a_sliced_batch_is_made_before_all_of_it_is_on_record)
{
	int a = client();

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	send_batch(a, XM_BATCH_MAX);
	while (!hypervisor->n_calls)
		loop_round(&server->loop, 0);
	cr_expect_leq(hypervisor->n_calls, GATE_SLICE);
	cr_expect_eq(count_in_log("\"type\":\"decision\""), XM_BATCH_MAX);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	cr_expect_eq(count_in_log("\"type\":\"result\""), XM_BATCH_MAX);
}

static struct policy_decision deny_last(const struct policy_image *image,
					const struct policy_subject *subject,
					const struct xm_request *request)
{
	(void)image;
	(void)subject;
	(void)request;
	return fake_policy.n_decided == XM_BATCH_MAX ? FAKE_DENY : FAKE_ALLOW_AUDITED;
}

Test(session, if_the_last_of_a_sliced_batch_is_denied_none_is_made)
{
	struct xm_wire_batch_result results;
	int a = client();
	ssize_t len;

	fake_policy.decide = deny_last;
	send_batch(a, XM_BATCH_MAX);
	finish();
	len = look(a);
	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)len, XM_BATCH_MAX, &results), 0);
	cr_expect_not(results.ran);
	cr_expect_eq(results.codes[XM_BATCH_MAX - 1], XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, who_dies_in_the_middle_of_a_batch_has_all_of_it_made)
{
	int a = client();

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	send_batch(a, XM_BATCH_MAX);
	while (!hypervisor->n_calls)
		loop_round(&server->loop, 0);
	close(a);
	finish();
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
	cr_expect_eq(count_in_log("\"type\":\"result\""), XM_BATCH_MAX);
	cr_expect_eq(server->n_sessions, 0);
}

Test(session, who_is_kicked_in_the_middle_of_a_batch_gets_its_answer_first)
{
	int a = client();

	send_batch(a, XM_BATCH_MAX);
	while (!hypervisor->n_calls)
		loop_round(&server->loop, 0);
	session_end(server->first, ESHUTDOWN);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	expect_refused(a, ESHUTDOWN);
}

Test(session, the_end_of_the_server_finishes_the_batch_and_begins_no_other)
{
	int a = client(), b = client();

	send_batch(a, XM_BATCH_MAX);
	send_batch(b, XM_BATCH_MAX);
	while (!hypervisor->n_calls)
		loop_round(&server->loop, 0);
	server->loop.stop = true;
	cr_expect_eq(server_run(server), 0);
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
}

/* ---- batches that wait ------------------------------------------------------------------------------- */

Test(session, one_batch_runs_at_a_time_and_the_others_wait_on_their_users_account)
{
	int a = client_of(1000), b = client_of(1001);
	struct session *second = server->last;
	size_t before = second->user->memory;

	send_batch(a, XM_BATCH_MAX);
	send_batch(b, XM_BATCH_MAX);
	loop_round(&server->loop, 0);
	cr_expect_eq(second->state, SESSION_QUEUED);
	cr_expect_eq(server->batches.n, 1);
	cr_expect_gt(second->user->memory, before + XM_BATCH_MAX);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX) && ran(b, XM_BATCH_MAX));
	cr_expect_eq(server->batches.n, 0);
	cr_expect_eq(second->user->memory, before);
	cr_expect_eq(second->user->kept, 0);
}

Test(session, a_short_batch_does_not_wait_for_a_long_one)
{
	int a = client_of(1000), b = client_of(1001);

	send_batch(a, XM_BATCH_MAX);
	loop_round(&server->loop, 0);
	send_batch(b, GATE_SLICE);
	cr_expect_leq(rounds_until_answered(b), 2);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
}

Test(session, the_next_batch_is_of_who_had_one_the_longest_ago)
{
	int a[3], b;

	for (unsigned int i = 0; i < 3; i++)
		a[i] = client_of(1000);
	b = client_of(1001);
	for (unsigned int i = 0; i < 3; i++)
		send_batch(a[i], XM_BATCH_MAX);
	turns();
	send_batch(b, XM_BATCH_MAX);
	rounds_until_answered(a[0]);
	rounds_until_answered(b);
	cr_expect_lt(look(a[1]), 0);
	finish();
	cr_expect(ran(a[1], XM_BATCH_MAX) && ran(a[2], XM_BATCH_MAX));
}

Test(session, a_batch_whose_client_goes_while_it_waits_is_never_decided)
{
	int a = client_of(1000), b = client_of(1001);

	send_batch(a, XM_BATCH_MAX);
	send_batch(b, XM_BATCH_MAX);
	loop_round(&server->loop, 0);
	close(b);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	cr_expect_eq(fake_policy.n_decided, XM_BATCH_MAX);
	cr_expect_eq(server->batches.n, 0);
	cr_expect_eq(server->n_sessions, 1);
}

static struct policy_decision by_image(const struct policy_image *image,
				       const struct policy_subject *subject,
				       const struct xm_request *request)
{
	(void)subject;
	(void)request;
	return fake_image_digest(image) == 1 ? FAKE_ALLOW : FAKE_DENY;
}

Test(session, a_new_policy_is_for_batches_that_have_not_begun)
{
	struct xm_wire_batch_result results;
	int a = client(), b = client(), image = fake_image_fd(2, 3);

	fake_policy.decide = by_image;
	send_batch(a, XM_BATCH_MAX);
	send_batch(b, XM_BATCH_MAX);
	while (!hypervisor->n_calls)
		loop_round(&server->loop, 0);
	cr_assert_eq(server_set_image(server, image, 2, false), 0);
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
	close(image);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)look(b), XM_BATCH_MAX, &results), 0);
	cr_expect_not(results.ran);
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
}

Test(session, who_has_used_its_memory_up_is_read_when_some_is_free_again)
{
	int fd[12];

	server->config.max_sessions_per_user = 20;
	server->config.memory_per_user = XM_WIRE_PACKET;
	for (unsigned int i = 0; i < 12; i++)
		fd[i] = client_of(1000);
	for (unsigned int i = 0; i < 12; i++)
		send_batch(fd[i], XM_BATCH_MAX);
	turns();
	cr_expect_gt(server->batches.n, 0);
	cr_expect_lt(server->batches.n, 11);
	cr_expect(turns_is_held(server->last->user));
	for (unsigned int i = 0; i < 100; i++) {
		finish();
		let_pass(TURNS_HELD_MS);
	}
	for (unsigned int i = 0; i < 12; i++)
		cr_expect(ran(fd[i], XM_BATCH_MAX), "batch %u", i);
	cr_expect_eq(server->last->user->kept, 0);
}

/* A batch that comes in parts is kept where it was put together. */
Test(session, a_batch_longer_than_a_packet_waits_and_runs)
{
	int a = client_of(1000), b = client_of(1001), len;

	for (unsigned int i = 0; i < 40; i++) {
		put_write(4000);
		batch[i] = req;
	}
	len = xm_wire_put_batch(whole, sizeof(whole), 77, batch, 40);
	cr_assert_gt(len, XM_WIRE_PACKET);
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	for (size_t at = 0; at < (size_t)len; at += XM_WIRE_PART_DATA)
		cr_assert(send_part(b, 77, (size_t)len, at));
	send_batch(a, XM_BATCH_MAX);
	finish();
	cr_expect(ran(a, XM_BATCH_MAX));
	cr_expect(ran(b, 40));
	cr_expect_eq(server->users.large, 0);
	cr_expect_null(server->whole);
}

/* ---- turns ------------------------------------------------------------------------------------------- */

Test(session, one_call_of_a_user_comes_through_a_flood_of_anothers_sessions)
{
	int flood[7], b = client_of(1001);

	for (unsigned int i = 0; i < 7; i++)
		flood[i] = client_of(1000);
	for (unsigned int turn = 0; turn < 20; turn++) {
		for (unsigned int i = 0; i < 7; i++)
			for (unsigned int n = 0; n < 5; n++)
				send_batch(flood[i], GATE_SLICE);
		send_call(b, XM_OP_GET_TIME);
		cr_expect_leq(rounds_until_answered(b), 2, "turn %u", turn);
		for (unsigned int i = 0; i < 7; i++)
			while (look(flood[i]) > 0)
				;
	}
}

/* Both have always something to do; who sends batches has fewer of them handled. */
Test(session, batches_are_paid_for)
{
	int a = client_of(1000), b = client_of(1001);
	unsigned int batches = 0, calls = 0;

	for (unsigned int round = 0; round < 2000; round++) {
		if (round == 0 || look(a) > 0) {
			batches += round > 0;
			send_batch(a, GATE_SLICE);
		}
		if (round == 0 || look(b) > 0) {
			calls += round > 0;
			send_call(b, XM_OP_GET_TIME);
		}
		loop_round(&server->loop, 0);
	}
	cr_expect_gt(calls, 1500, "%u calls", calls);
	/* A batch costs eleven calls, and between two batches there is nothing to be done. */
	cr_expect_gt(batches, 100, "%u batches", batches);
	cr_expect_lt(batches, 400, "%u batches", batches);
}

Test(session, who_is_alone_does_not_wait_for_its_debt)
{
	int a = client_of(1000);

	for (unsigned int i = 0; i < 20; i++) {
		send_batch(a, GATE_SLICE);
		cr_expect_leq(rounds_until_answered(a), 2);
	}
}

Test(session, debts_are_forgotten_by_the_rounds_of_others)
{
	int a = client_of(1000), b = client_of(1001);
	struct user *user = server->first->user;

	send_batch(a, GATE_SLICE);
	rounds_until_answered(a);
	cr_expect_lt(user->deficit, 0);
	for (unsigned int i = 0; i < 100; i++) {
		send_call(b, XM_OP_GET_TIME);
		rounds_until_answered(b);
	}
	send_call(a, XM_OP_GET_TIME);
	cr_expect_eq(rounds_until_answered(a), 1);
	cr_expect_geq(user->deficit, -TURNS_QUANTUM);
}

Test(session, a_session_that_goes_away_is_forgotten_wherever_it_stands)
{
	int fds[6];

	for (unsigned int i = 0; i < 6; i++) {
		fds[i] = client_of(1000 + i % 2);
		send_batch(fds[i], i % 3 ? XM_BATCH_MAX : GATE_SLICE);
	}
	for (unsigned int i = 0; i < 6; i++) {
		loop_round(&server->loop, 0);
		close(fds[i]);
	}
	finish();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->batches.n, 0);
	cr_expect_null(server->batches.running);
	cr_expect_null(server->turns.first);
	cr_expect_eq(server->users.n, 0);
}
