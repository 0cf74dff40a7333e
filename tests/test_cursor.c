// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Log cursors against a log of the test's own: a ring with one position for all, as the hypervisors
 * have it, which others may fill and move between any two calls.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/cursor.h"

#define CAPACITY_MAX 4096
#define FIELDS XM_NF_HM_LOG

/* Record number n is the n-th that was ever written. */
static struct {
	uint32_t capacity, n, first; /* first: number of the oldest */
	uint32_t cursor;
	bool locked, forgets; /* forgets: 2.x, does not correct its cursor */
	bool floods;          /* gives more records than it was asked for */
	unsigned int code;
	unsigned int calls;
} ring;

static void (*between)(const struct xm_request *req); /* before each call */
static struct holdings alice, bob;
static size_t charged;
static size_t budget = 1 << 20;
static struct xm_request req;
static struct xm_reply reply;

static bool charge(void *data, size_t bytes)
{
	(void)data;
	if (charged + bytes > budget)
		return false;
	charged += bytes;
	return true;
}

static void setup(void)
{
	memset(&ring, 0, sizeof(ring));
	ring.capacity = 100;
	holdings_init(&alice, charge, NULL);
	holdings_init(&bob, charge, NULL);
	charged = 0;
	between = NULL;
}

static void teardown(void)
{
	holdings_deinit(&alice);
	holdings_deinit(&bob);
}

TestSuite(cursor, .init = setup, .fini = teardown);

static void write_records(uint32_t n)
{
	for (; n; n--) {
		if (!ring.capacity || (ring.n == ring.capacity && ring.locked))
			continue;
		if (ring.n == ring.capacity) {
			ring.n--;
			ring.first++;
			if (ring.cursor && !ring.forgets)
				ring.cursor--;
		}
		ring.n++;
	}
}

static void fake_read(const struct xm_request *r, struct xm_reply *out)
{
	uint32_t n = ring.n > ring.cursor ? ring.n - ring.cursor : 0, asked;
	uint64_t *words;

	cr_assert(r->arg[2].num >= 1 && r->arg[2].num <= XM_MAX_RECORDS);
	asked = n < r->arg[2].num ? n : (uint32_t)r->arg[2].num;
	n = ring.floods ? n : asked;
	words = xm_reply_put_words(out, 1, n * FIELDS);
	for (uint32_t i = 0; i < n; i++, words += FIELDS) {
		words[XM_F_HM_LOG_signature] = 0xfecf;
		words[XM_F_HM_LOG_timestamp] = 1000 + ring.first + ring.cursor++;
	}
	ring.cursor -= n - asked;
	out->value = n;
}

static void fake_seek(const struct xm_request *r)
{
	int64_t at = (int32_t)r->arg[1].num;

	cr_assert_eq(r->arg[2].num, 1);
	ring.cursor = at < 0 ? 0 : at > ring.n ? ring.n : (uint32_t)at;
}

static void fake_status(struct xm_reply *out)
{
	uint64_t *words = xm_reply_put_words(out, 1, XM_NF_HM_STATUS);

	words[XM_F_HM_STATUS_noEvents] = ring.n;
	words[XM_F_HM_STATUS_maxEvents] = ring.capacity;
	words[XM_F_HM_STATUS_currentEvent] = ring.cursor;
}

static void fake_issue(void *data, const struct xm_request *r, struct xm_reply *out)
{
	(void)data;
	ring.calls++;
	if (between)
		between(r);
	if (ring.code)
		xm_reply_fail(out, ring.code);
	else if (r->op == XM_OP_HM_READ || r->op == XM_OP_TRACE_READ)
		fake_read(r, out);
	else if (r->op == XM_OP_HM_SEEK || r->op == XM_OP_TRACE_SEEK)
		fake_seek(r);
	else
		fake_status(out);
}

static unsigned int n_slices;   /* turns that the last call took */
static unsigned int most_calls; /* to the hypervisor, of any turn */

static void call(struct holdings *who, unsigned int op, uint64_t a1, uint64_t a2)
{
	bool done;
	static const struct backend_issuer issuer = { fake_issue, NULL };

	req = (struct xm_request){ .op = op };
	req.arg[0].num = XM_HYPERVISOR_ID;
	req.arg[1].num = a1;
	req.arg[2].num = a2;
	n_slices = 0;
	do {
		unsigned int before = ring.calls;

		xm_reply_init(&reply, NULL, 0);
		cr_assert_lt(++n_slices, 100);
		done = cursor_call(who, &issuer, &req, &reply);
		most_calls = ring.calls - before > most_calls ? ring.calls - before : most_calls;
	} while (!done);
}

static uint32_t number(uint32_t i)
{
	return (uint32_t)reply.out[1].words[(size_t)i * FIELDS + XM_F_HM_LOG_timestamp] - 1000;
}

/* Reads `wanted` and expects records `from` to below `to`. */
static void expect(struct holdings *who, uint32_t wanted, uint32_t from, uint32_t to)
{
	call(who, XM_OP_HM_READ, 0, wanted);
	cr_assert_eq(reply.code, XM_C_OK, "%s", xm_code_name(reply.code));
	cr_assert_eq(reply.value, to - from, "%u instead of %u", reply.value, to - from);
	cr_assert_eq(reply.out[1].len, (to - from) * FIELDS);
	for (uint32_t i = 0; i < to - from; i++)
		cr_assert_eq(number(i), from + i, "%u instead of %u", number(i), from + i);
}

static uint32_t seek(struct holdings *who, int32_t offset, uint32_t whence)
{
	call(who, XM_OP_HM_SEEK, (uint64_t)(int64_t)offset, whence);
	cr_assert_eq(reply.code, XM_C_OK);
	return reply.value;
}

static uint32_t told(struct holdings *who)
{
	call(who, XM_OP_HM_STATUS, 0, 0);
	cr_assert_eq(reply.code, XM_C_OK);
	cr_assert_eq(reply.out[1].words[XM_F_HM_STATUS_noEvents], ring.n);
	cr_assert_eq(reply.out[1].words[XM_F_HM_STATUS_maxEvents], ring.capacity);
	return (uint32_t)reply.out[1].words[XM_F_HM_STATUS_currentEvent];
}

Test(cursor, a_session_begins_at_the_oldest_record)
{
	write_records(5);
	ring.cursor = 3;
	expect(&alice, 2, 0, 2);
	expect(&alice, 2, 2, 4);
	expect(&alice, 2, 4, 5);
	expect(&alice, 2, 5, 5);
	write_records(1);
	expect(&alice, 2, 5, 6);
}

Test(cursor, sessions_do_not_move_each_other)
{
	write_records(10);
	expect(&alice, 4, 0, 4);
	expect(&bob, 1, 0, 1);
	expect(&alice, 4, 4, 8);
	expect(&bob, 64, 1, 10);
	cr_assert_eq(seek(&bob, 0, 1), 0);
	expect(&alice, 4, 8, 10);
	expect(&bob, 2, 0, 2);
	cr_assert_eq(told(&alice), 10);
	cr_assert_eq(told(&bob), 2);
}

Test(cursor, a_full_read_is_one_call_of_the_client)
{
	write_records(100);
	expect(&alice, 1, 0, 1);
	expect(&alice, 64, 1, 65);
	expect(&alice, 64, 65, 100);
}

Test(cursor, the_place_moves_with_its_record)
{
	for (int forgets = 0; forgets < 2; forgets++) {
		teardown();
		setup();
		ring.forgets = forgets;
		write_records(100);
		expect(&alice, 60, 0, 60);
		write_records(7);
		expect(&alice, 3, 60, 63);
		write_records(1);
		cr_assert_eq(told(&alice), 63 - 8);
		expect(&alice, 64, 63, 108);
	}
}

Test(cursor, a_record_that_went_far_is_searched_for)
{
	ring.capacity = 400;
	write_records(400);
	for (int i = 0; i < 6; i++)
		expect(&alice, 60, (uint32_t)i * 60, (uint32_t)i * 60 + 60);
	write_records(350);
	expect(&alice, 2, 360, 362);
	cr_assert_eq(told(&alice), 12);
}

Test(cursor, what_was_dropped_unread_is_skipped)
{
	write_records(100);
	expect(&alice, 10, 0, 10);
	write_records(50);
	expect(&alice, 3, 50, 53);
	write_records(100);
	cr_assert_eq(told(&alice), 0);
	expect(&alice, 1, 150, 151);
}

Test(cursor, the_oldest_is_next_however_often_it_changes)
{
	write_records(100);
	cr_assert_eq(told(&alice), 0);
	write_records(40);
	expect(&alice, 1, 40, 41);
}

static void one_more(const struct xm_request *r)
{
	(void)r;
	write_records(1);
}

Test(cursor, the_ring_overwrites_while_it_is_read)
{
	uint32_t next;

	write_records(100);
	expect(&alice, 30, 0, 30);
	between = one_more;
	next = 30;
	for (int i = 0; i < 8; i++) {
		call(&alice, XM_OP_HM_READ, 0, 3);
		cr_assert_eq(reply.code, XM_C_OK);
		cr_assert_eq(reply.value, 3);
		for (uint32_t k = 0; k < 3; k++)
			cr_assert_eq(number(k), next++);
	}
}

static unsigned int moves;

/* Another partition reads between our seek and our read. */
static void stolen(const struct xm_request *r)
{
	if (moves && r->op == XM_OP_HM_READ) {
		moves--;
		ring.cursor = 70;
	}
}

Test(cursor, somebody_elses_move_loses_nothing)
{
	write_records(100);
	between = stolen;
	moves = 1;
	expect(&alice, 2, 0, 2);
	moves = 1;
	expect(&alice, 2, 2, 4);
	moves = 1;
	cr_assert_eq(told(&alice), 4);
	expect(&alice, 1, 4, 5);
}

Test(cursor, who_is_always_disturbed_is_told_so)
{
	write_records(100);
	between = stolen;
	moves = 1000;
	call(&alice, XM_OP_HM_READ, 0, 1);
	cr_assert_eq(reply.code, XM_C_NOT_AVAILABLE);
	moves = 0;
	expect(&alice, 1, 0, 1);
}

Test(cursor, an_erased_log_begins_anew)
{
	write_records(20);
	expect(&alice, 10, 0, 10);
	ring.first = 1000;
	ring.n = 0;
	expect(&alice, 10, 0, 0);
	write_records(2);
	expect(&alice, 10, 1000, 1002);
}

Test(cursor, a_locked_log_keeps_its_records)
{
	ring.locked = true;
	write_records(120);
	expect(&alice, 64, 0, 64);
	write_records(5);
	expect(&alice, 64, 64, 100);
	expect(&alice, 64, 100, 100);
	cr_assert_eq(told(&alice), 100);
}

Test(cursor, empty_logs)
{
	expect(&alice, 3, 0, 0);
	cr_assert_eq(told(&alice), 0);
	cr_assert_eq(seek(&alice, 5, 0), 0);
	cr_assert_eq(seek(&alice, -5, 2), 0);
	ring.capacity = 0;
	write_records(3);
	expect(&alice, 3, 0, 0);
	cr_assert_eq(seek(&alice, 1, 1), 0);
	cr_assert_eq(told(&alice), 0);
}

Test(cursor, seeks_are_clamped_and_answer_with_the_position)
{
	write_records(10);
	cr_assert_eq(seek(&alice, 4, 1), 4);
	expect(&alice, 1, 4, 5);
	cr_assert_eq(seek(&alice, -2, 0), 3);
	expect(&alice, 1, 3, 4);
	cr_assert_eq(seek(&alice, -1, 2), 9);
	expect(&alice, 5, 9, 10);
	cr_assert_eq(seek(&alice, 1000, 1), 10);
	expect(&alice, 1, 10, 10);
	cr_assert_eq(seek(&alice, INT32_MAX, 0), 10);
	cr_assert_eq(seek(&alice, INT32_MIN, 0), 0);
	cr_assert_eq(seek(&alice, -1, 1), 0);
	expect(&alice, 1, 0, 1);
}

Test(cursor, a_relative_seek_is_relative_to_the_record)
{
	write_records(100);
	expect(&alice, 50, 0, 50);
	write_records(20);
	cr_assert_eq(seek(&alice, 2, 0), 32);
	expect(&alice, 1, 52, 53);
}

Test(cursor, the_hypervisors_refusal_is_the_answer)
{
	static const unsigned int ops[] = { XM_OP_HM_READ, XM_OP_HM_SEEK, XM_OP_HM_STATUS };

	for (unsigned int i = 0; i < 3; i++) {
		ring.code = XM_C_PERM_ERROR;
		call(&alice, ops[i], 0, 1);
		cr_expect_eq(reply.code, XM_C_PERM_ERROR);
		cr_expect_eq(reply.out[1].state, XM_ST_ABSENT);
		ring.code = XM_C_UNKNOWN_OUTCOME;
		call(&alice, ops[i], 0, 1);
		cr_expect_eq(reply.code, XM_C_UNKNOWN_OUTCOME);
	}
	ring.code = XM_C_OK;
	write_records(1);
	expect(&alice, 1, 0, 1);
}

Test(cursor, each_log_has_its_place)
{
	struct cursor_at at;

	write_records(10);
	expect(&alice, 3, 0, 3);
	call(&alice, XM_OP_TRACE_READ, 0, 5);
	cr_assert_eq(reply.value, 5);
	cr_assert_eq(number(0), 0);
	expect(&alice, 1, 3, 4);
	cr_assert(cursor_get(&alice, 0, &at));
	cr_assert(!at.trace && at.partition == XM_HYPERVISOR_ID && at.position == 4);
	cr_assert(cursor_get(&alice, 1, &at));
	cr_assert(at.trace && at.partition == XM_HYPERVISOR_ID && at.position == 5);
	cr_assert_not(cursor_get(&alice, 2, &at));
}

Test(cursor, a_session_has_a_bounded_number_that_its_user_pays_for)
{
	static const struct backend_issuer issuer = { fake_issue, NULL };
	size_t one;

	cr_assert_eq(charged, 0);
	expect(&alice, 1, 0, 0);
	one = charged;
	cr_assert_gt(one, 0);
	req = (struct xm_request){ .op = XM_OP_TRACE_STATUS };
	for (unsigned int i = 0; i < CURSOR_MAX + 3; i++) {
		req.arg[0].num = i;
		xm_reply_init(&reply, NULL, 0);
		cursor_call(&alice, &issuer, &req, &reply);
		cr_expect_eq(reply.code, i + 1 < CURSOR_MAX ? XM_C_OK : XM_C_NOT_AVAILABLE);
	}
	cr_expect_eq(charged, CURSOR_MAX * one);
	budget = charged;
	call(&bob, XM_OP_HM_READ, 0, 1);
	cr_expect_eq(reply.code, XM_C_NOT_AVAILABLE);
	expect(&alice, 1, 0, 0);
}

/* Another session's call may come between its turns, and new records too. */
Test(cursor, a_long_search_takes_several_turns)
{
	ring.capacity = 4000;
	write_records(4000);
	cr_assert_eq(seek(&alice, 0, 2), 4000);
	write_records(3000);
	most_calls = 0;
	expect(&alice, 5, 4000, 4005);
	cr_expect_gt(n_slices, 2);
	cr_expect_leq(most_calls, 50);
	expect(&alice, 5, 4005, 4010);
	cr_expect_eq(n_slices, 1);
}

Test(cursor, lent_space_is_not_lost)
{
	static const struct backend_issuer issuer = { fake_issue, NULL };
	uint8_t space[16];

	req = (struct xm_request){ .op = XM_OP_HM_STATUS };
	req.arg[0].num = XM_HYPERVISOR_ID;
	xm_reply_init(&reply, space, sizeof(space));
	cursor_call(&alice, &issuer, &req, &reply);
	cr_expect_eq(reply.space, space);
	cr_expect_eq(reply.space_len, sizeof(space));
}

Test(cursor, random_use_against_what_each_session_should_get)
{
	uint32_t next[2] = { 0, 0 };
	struct holdings *who[2] = { &alice, &bob };
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint32_t dice, s;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		dice = (uint32_t)(seed >> 40);
		s = dice & 1;
		if (dice % 5 == 0)
			write_records(dice / 8 % 64);
		if (dice % 7 == 0)
			ring.cursor = dice / 8 % (ring.n + 1);
		call(who[s], XM_OP_HM_READ, 0, 1 + dice / 4 % XM_MAX_RECORDS);
		cr_assert_eq(reply.code, XM_C_OK);
		if (next[s] < ring.first)
			next[s] = ring.first;
		for (uint32_t k = 0; k < reply.value; k++)
			cr_assert_eq(number(k), next[s]++, "step %d", i);
		if (reply.value < 1 + dice / 4 % XM_MAX_RECORDS)
			cr_assert_eq(next[s], ring.first + ring.n);
	}
}

Test(cursor, records_that_nobody_asked_for_are_not_taken)
{
	write_records(XM_MAX_RECORDS);
	ring.floods = true;
	expect(&alice, 3, 0, 3);
	cr_expect_eq(seek(&alice, 5, 1), 5);
}
