// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Token buckets: rates and bursts, clocks that stand still or jump, debts, and numbers at their ends.
 * And the accounts that hold them: how long those are remembered, and how many.
 */

#include <criterion/criterion.h>

#include "xmbroker/users.h"

static const struct bucket_limit limit = { 10, 5 };
static const struct bucket_limit none = { 0, 0 };
static struct bucket b;

static unsigned int take_all(int64_t now)
{
	unsigned int n = 0;

	for (; bucket_has(&b, &limit, now) && n < 1000; n++)
		bucket_charge(&b, &limit, now, 1);
	return n;
}

Test(bucket, begins_full_and_fills_at_its_rate)
{
	bucket_init(&b, &limit, 1000);
	cr_expect(bucket_is_full(&b, &limit, 1000));
	cr_expect_eq(take_all(1000), 5);
	cr_expect_eq(take_all(1099), 0);
	cr_expect_eq(take_all(1100), 1);
	cr_expect_eq(take_all(1400), 3);
	cr_expect_eq(take_all(100000), 5);
}

Test(bucket, looking_often_gives_no_more_and_no_less)
{
	unsigned int n = 0;

	bucket_init(&b, &limit, 0);
	take_all(0);
	for (int64_t now = 1; now <= 10000; now++)
		n += take_all(now);
	cr_expect_eq(n, 100);
}

Test(bucket, what_is_owed_is_paid_first)
{
	bucket_init(&b, &limit, 0);
	bucket_charge(&b, &limit, 0, 25);
	cr_expect_not(bucket_has(&b, &limit, 2099));
	cr_expect(bucket_has(&b, &limit, 2100));
	cr_expect_not(bucket_is_full(&b, &limit, 2499));
	cr_expect(bucket_is_full(&b, &limit, 2500));
}

Test(bucket, a_clock_that_goes_back_gives_nothing_twice)
{
	bucket_init(&b, &limit, 1000);
	take_all(1000);
	cr_expect_eq(take_all(0), 0);
	cr_expect_eq(take_all(1000), 0);
	cr_expect_eq(take_all(-1000), 0);
	cr_expect_eq(take_all(1100), 1);
}

Test(bucket, a_clock_that_jumps_gives_a_burst_and_no_more)
{
	bucket_init(&b, &limit, INT64_MIN);
	take_all(INT64_MIN);
	cr_expect_eq(take_all(INT64_MAX), 5);
	cr_expect_eq(take_all(INT64_MAX), 0);
	cr_expect_eq(take_all(INT64_MIN), 0);
}

Test(bucket, no_limit_never_ends)
{
	bucket_init(&b, &none, 0);
	bucket_charge(&b, &none, 0, UINT64_MAX);
	cr_expect(bucket_has(&b, &none, 0));
	cr_expect(bucket_is_full(&b, &none, 0));
}

Test(bucket, no_cost_is_so_great_that_it_turns_into_credit)
{
	static const struct bucket_limit most = { UINT32_MAX, UINT32_MAX };

	bucket_init(&b, &most, 0);
	cr_expect(bucket_has(&b, &most, 1));
	for (unsigned int i = 0; i < 100; i++) {
		bucket_charge(&b, &most, (int64_t)i * 1000, UINT64_MAX);
		cr_expect_not(bucket_has(&b, &most, (int64_t)i * 1000));
	}
	cr_expect(bucket_has(&b, &most, INT64_MAX));
	cr_expect_eq(b.level, (int64_t)UINT32_MAX * 1000);
}

/* ---- accounts ---------------------------------------------------------------------------------------- */

static int64_t now;
static struct users users;

static void set_up(void)
{
	now = 0;
	users_init(&users, &now);
	users.limit[USERS_CALLS] = limit;
}

static void tear_down(void)
{
	users_deinit(&users);
}

TestSuite(users, .init = set_up, .fini = tear_down);

/* An account that owes so many calls, and loses its session. */
static void come_and_go(uid_t uid, unsigned int calls)
{
	struct user *user = users_get(&users, uid);

	users_did(&users, user, USERS_CALLS, calls);
	users_put(&users, user);
}

static bool may_call(uid_t uid)
{
	struct user *user = users_get(&users, uid);
	bool may = users_may(&users, user, USERS_CALLS);

	users_put(&users, user);
	return may;
}

Test(users, who_comes_back_finds_the_bucket_as_it_was_left)
{
	come_and_go(1000, 5);
	cr_expect_eq(users.resting.n, 1);
	cr_expect_not(may_call(1000));
	cr_expect(may_call(1001));
	now = 100;
	cr_expect(may_call(1000));
}

Test(users, who_owes_nothing_is_forgotten)
{
	come_and_go(1000, 0);
	cr_expect_eq(users.resting.n, 0);
	come_and_go(1000, 5);
	now = 500;
	come_and_go(1001, 0);
	cr_expect_eq(users.resting.n, 0);
}

Test(users, strangers_cannot_make_accounts_pile_up)
{
	for (uid_t uid = 1; uid <= USERS_RESTING_MAX + 1000; uid++)
		come_and_go(uid, 50000);
	cr_expect_leq(users.resting.n, USERS_RESTING_MAX);
	/* The oldest are those that had to go. */
	cr_expect(may_call(1));
	cr_expect_not(may_call(USERS_RESTING_MAX + 1000));
}

Test(users, those_with_sessions_are_found_and_no_others)
{
	struct user *a = users_get(&users, 7), *other = users_get(&users, 7 + USERS_BUCKETS);
	unsigned int n = 0;

	come_and_go(8, 5);
	cr_expect_eq(users.n, 2);
	for (const struct user *u = users_next(&users, NULL); u; u = users_next(&users, u)) {
		cr_expect(u == a || u == other);
		n++;
	}
	cr_expect_eq(n, 2);
	users_put(&users, a);
	users_put(&users, other);
	cr_expect_eq(users.n, 0);
	cr_expect_null(users_next(&users, NULL));
}
