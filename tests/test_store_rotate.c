// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rotation of the audit log: stopped after each of its steps, and with a server, which may not answer,
 * or say what it was not asked. */

#include <criterion/criterion.h>
#include <unistd.h>

#include "tests/store_rig.h"

TestSuite(store, .init = store_rig_setup, .fini = store_rig_teardown);

/* ---- rotation, stopped in between -------------------------------------------------------------------- */

/* Four records, then a rotation's first steps. */
static struct store_file next;

static void steps(unsigned int n)
{
	open_store();
	records(store.now.give, 4);
	if (n > 0)
		cr_assert_eq(store_make_new(&store, &next), 0);
	if (n > 1)
		cr_assert_eq(store_move_old(&store), 0);
	if (n > 2)
		cr_assert_eq(store_place_new(&store), 0);
}

static void kill_and_expect(const char *current, const char *rotated)
{
	killed();
	store_close_file(&next);
	expect_continued();
	cr_expect(is_there(current));
	cr_expect(!rotated || is_there(rotated), "%s", rotated);
	cr_expect(rotated || !is_there("audit.jsonl.000001"));
}

Test(store, killed_after_the_new_file)
{
	steps(1);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_eq(handed.number, 1);
}

Test(store, killed_after_the_old_name)
{
	steps(2);
	cr_assert(!is_there("audit.jsonl"));
	records(store.now.give, 2); /* the server knows nothing of it */
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_gt(size_of("audit.jsonl"), 0);
}

Test(store, killed_after_the_new_name)
{
	steps(3);
	records(store.now.give, 2);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_gt(size_of("audit.jsonl"), 0);
}

Test(store, killed_with_a_torn_record_after_the_new_name)
{
	steps(3);
	cr_assert_eq(write(store.now.give, "{\"seq", 5), 5);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_eq(state.torn_bytes, 5);
}

Test(store, killed_after_the_last_record_of_the_old_file)
{
	steps(3);
	record(store.now.give, "rotate");
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(size_of("audit.jsonl"), 0);
	cr_assert_eq(handed.number, 2);
	cr_assert_str_eq(state.previous, "ended");
}

Test(store, killed_in_the_first_record_of_the_new_file)
{
	steps(3);
	record(store.now.give, "rotate");
	cr_assert_eq(write(next.give, "{\"s", 3), 3);
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(state.torn_bytes, 3);
}

Test(store, killed_after_the_first_record_of_the_new_file)
{
	steps(3);
	record(store.now.give, "rotate");
	record(next.give, "continue");
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(state.torn_bytes, 0);
}

/* ---- rotation with a server -------------------------------------------------------------------------- */

Test(store, rotates_by_size)
{
	open_store();
	set.rotate_size = store.set.rotate_size = 1000;
	serve();
	records(store.now.give, 20);
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT);
	cr_assert_eq(sent[0].number, 2);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "size");
	record(store.left.give, "rotate");
	record(sent[0].fd, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, 1100);
	cr_assert_eq(store.left.fd, -1);
	cr_assert_eq(n_ended, 0);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 2);
}

Test(store, rotates_by_age_and_request)
{
	open_store();
	store.set.rotate_age = 3600;
	serve();
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 0, "an empty file is never rotated");
	records(store.now.give, 1); /* of 2024 */
	store_tick(&store, 2000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "age");
	record(store.left.give, "rotate");
	record(store.now.give, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, 2100);
	n_sent = 0;
	store.set.rotate_age = 0;
	store_request(&store);
	store_tick(&store, 2200);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "request");
}

Test(store, server_that_cannot_rotate_keeps_the_old_file)
{
	open_store();
	serve();
	records(store.now.give, 5);
	store_request(&store);
	store_tick(&store, 1000);
	cr_assert_eq(write(store.now.give, "{\"se", 4), 4); /* a piece of `continue` */
	answer(CHANNEL_AUDIT_DONE, 2, false, 1100);
	records(store.now.give, 1);
	cr_assert(!is_there("audit.jsonl.000001"));
	cr_assert(store_is_named(&store, "audit.jsonl", store.now.fd));
	killed();
	expect_continued();
	cr_assert_eq(state.torn_bytes, 0);
}

Test(store, answers_nobody_asked_for_end_the_server)
{
	open_store();
	serve();
	answer(CHANNEL_AUDIT_DONE, 1, true, 0);
	cr_assert_eq(n_ended, 1);
	answer(CHANNEL_AUDIT_NOTED, 0, true, 0);
	cr_assert_eq(n_ended, 2);
	records(store.now.give, 1);
	store_request(&store);
	store_tick(&store, 1000);
	answer(CHANNEL_AUDIT_DONE, 3, true, 0);
	cr_assert_eq(n_ended, 3);
	cr_assert(store.asked);
}

Test(store, server_that_does_not_answer_is_ended)
{
	open_store();
	serve();
	records(store.now.give, 1);
	store_request(&store);
	store_tick(&store, 1000);
	store_tick(&store, 2000);
	cr_assert_eq(n_ended, 0);
	store_tick(&store, 1000 + STORE_ANSWER_MS);
	cr_assert_eq(n_ended, 1);
}

Test(store, server_that_dies_in_a_rotation)
{
	open_store();
	serve();
	records(store.now.give, 2);
	store_request(&store);
	store_tick(&store, 1000);
	records(store.left.give, 2);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert(!is_there("audit.jsonl.000001"));
	cr_assert_eq(handed.number, 1);
}
