// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The buckets that a user has for rules with a limit: their arithmetic at its ends, and what they
 * outlive.
 */

#include <criterion/criterion.h>

#include "tests/broker_fakes.h"
#include "xmbroker/limits.h"
#include "xmbroker/users.h"

#define MINUTE INT64_C(60000)

static int64_t now;
static size_t memory, total;
static struct limits limits;
static struct sealed policy;

static void use(uint32_t generation)
{
	limits_use(&limits, policy.image, generation);
}

/* The limits of the policy: N tokens in so many seconds. */
static void set_limit(uint32_t n, uint64_t key, uint32_t count, uint32_t period, uint32_t burst)
{
	fake_policy.limit[n] = (struct policy_limit){ key, n, count, period, burst };
	if (fake_policy.n_limits <= n)
		fake_policy.n_limits = n + 1;
}

static void setup(void)
{
	now = 1000;
	memory = total = 0;
	policy = fake_sealed(1);
	limits_init(&limits, &now, &memory, &total);
	set_limit(0, 10, 6, 60, 2);
	set_limit(1, 20, 1, 86400, 1);
	use(1);
}

static void teardown(void)
{
	limits_deinit(&limits);
	cr_expect_eq(memory, 0);
	cr_expect_eq(total, 0);
	sealed_unmap(&policy);
}

TestSuite(limits, .init = setup, .fini = teardown);

/* How many it has, which are then gone. */
static unsigned int take_all(uint32_t n)
{
	unsigned int taken = 0;

	while (taken < 5000000 && limits_take(&limits, n))
		taken++;
	return taken;
}

Test(limits, a_full_one_has_its_burst)
{
	cr_expect(limits_are_full(&limits));
	cr_expect_eq(take_all(0), 2);
	cr_expect_eq(take_all(1), 1);
	cr_expect_not(limits_are_full(&limits));
}

Test(limits, tokens_come_in_evenly)
{
	take_all(0);
	now += 9999; /* 6 a minute is one in 10 s */
	cr_expect_not(limits_take(&limits, 0));
	now += 1;
	cr_expect(limits_take(&limits, 0));
	cr_expect_not(limits_take(&limits, 0));
	now += 15000;
	cr_expect(limits_take(&limits, 0));
	now += 5000;
	cr_expect(limits_take(&limits, 0));
}

Test(limits, no_more_than_the_burst_comes_in)
{
	take_all(0);
	now += 1000 * MINUTE;
	cr_expect_eq(take_all(0), 2);
	now = INT64_MAX;
	cr_expect_eq(take_all(0), 2);
	now = INT64_MIN; /* a clock that goes back gives nothing */
	cr_expect_eq(take_all(0), 0);
}

Test(limits, the_slowest_and_the_greatest_are_exact)
{
	take_all(1);
	now += INT64_C(86400) * 1000 - 1;
	cr_expect_eq(take_all(1), 0);
	now += 1;
	cr_expect_eq(take_all(1), 1);
	set_limit(2, 30, 1000000, 86400, 1000000);
	cr_expect_eq(take_all(2), 1000000);
	now += INT64_C(86400) * 1000 / 2;
	cr_expect_eq(take_all(2), 500000);
	set_limit(3, 40, 1000000, 1, 1000000);
	cr_expect_eq(take_all(3), 1000000);
	now += 1;
	cr_expect_eq(take_all(3), 1000);
}

Test(limits, what_is_given_back_is_there_again_and_no_more)
{
	cr_assert(limits_take(&limits, 0));
	cr_assert(limits_take(&limits, 0));
	limits_give_back(&limits, 0);
	cr_expect_eq(take_all(0), 1);
	now += 1000 * MINUTE;
	cr_assert(limits_take(&limits, 0));
	now += MINUTE;
	limits_give_back(&limits, 0);
	limits_give_back(&limits, 0);
	cr_expect_eq(take_all(0), 2);
	now += 1000 * MINUTE;
	cr_expect(limits_are_full(&limits));
	limits_give_back(&limits, 0);
	cr_expect_eq(take_all(0), 2);
}

Test(limits, the_empty_ones_are_listed_in_order)
{
	struct policy_buckets empty;

	cr_expect_eq(limits_empty(&limits).n_empty, 0);
	take_all(1);
	take_all(0);
	empty = limits_empty(&limits);
	cr_assert_eq(empty.n_empty, 2);
	cr_expect_eq(empty.empty[0], 0);
	cr_expect_eq(empty.empty[1], 1);
	now += MINUTE;
	empty = limits_empty(&limits);
	cr_assert_eq(empty.n_empty, 1);
	cr_expect_eq(empty.empty[0], 1);
}

/* ---- reload ------------------------------------------------------------------------------------ */

Test(limits, a_reload_fills_nothing)
{
	take_all(0);
	limits_take(&limits, 1);
	/* The same rules, and one more before them. */
	set_limit(0, 5, 1, 1, 1);
	set_limit(1, 10, 6, 60, 2);
	set_limit(2, 20, 1, 86400, 1);
	use(2);
	cr_expect_eq(take_all(1), 0);
	cr_expect_eq(take_all(2), 0);
	cr_expect_eq(take_all(0), 1);
}

Test(limits, a_rule_that_goes_and_comes_back_finds_its_bucket)
{
	take_all(0);
	fake_policy.n_limits = 0;
	use(2);
	cr_expect_eq(limits_empty(&limits).n_empty, 0);
	cr_expect_not(limits_are_full(&limits));
	set_limit(0, 10, 6, 60, 2);
	use(3);
	cr_expect_eq(take_all(0), 0);
	fake_policy.n_limits = 0;
	use(4);
	now += MINUTE;
	cr_expect(limits_are_full(&limits));
}

Test(limits, another_rate_keeps_the_tokens_up_to_the_new_burst)
{
	set_limit(0, 10, 10, 60, 100);
	use(2);
	cr_assert(limits_take(&limits, 0)); /* 99 */
	set_limit(0, 10, 7, 86400, 200);
	use(3);
	cr_expect_eq(take_all(0), 99);
	now += INT64_C(86400) * 1000;
	cr_assert(limits_take(&limits, 0)); /* 6 */
	set_limit(0, 10, 1, 1, 4);
	use(4);
	cr_expect_eq(take_all(0), 4);
	now += 1000;
	cr_expect_eq(take_all(0), 1);
}

Test(limits, the_greatest_bucket_changes_its_period_without_overflow)
{
	set_limit(0, 10, 1, 86400, 1000000);
	use(2);
	cr_assert(limits_take(&limits, 0));
	set_limit(0, 10, 1, 3600, 1000000);
	use(3);
	set_limit(0, 10, 1, 86400, 1000000);
	use(4);
	cr_expect_eq(take_all(0), 999999);
}

/* Time that passed before the reload counts at the old rate. */
Test(limits, time_before_a_reload_counts_as_it_was)
{
	take_all(0);
	now += 10000;
	set_limit(0, 10, 1, 86400, 2);
	use(2);
	cr_expect_eq(take_all(0), 1);
}

/* ---- memory ------------------------------------------------------------------------------------ */

Test(limits, the_user_pays_for_the_memory)
{
	cr_expect_eq(memory, 0);
	limits_take(&limits, 0);
	cr_expect_gt(memory, 0);
	cr_expect_leq(memory, 1024);
}

/* Each use of a fake limit is another rule: only LIMITS_MAX of them are remembered. */
Test(limits, who_has_too_many_gets_no_more_until_some_are_full)
{
	for (uint32_t i = 0; i < LIMITS_MAX; i++) {
		set_limit(0, 100 + i, 6, 60, 2);
		cr_assert(limits_take(&limits, 0), "%u", i);
	}
	cr_expect_leq(memory, LIMITS_MAX * 64);
	set_limit(0, 7, 6, 60, 2);
	cr_expect_not(limits_take(&limits, 0));
	now += MINUTE;
	cr_expect(limits_take(&limits, 0));
}

/* ---- accounts ---------------------------------------------------------------------------------- */

static struct users users;

Test(limits, an_account_stays_while_a_bucket_is_not_full)
{
	struct user *user;

	users_init(&users, &now);
	user = users_get(&users, 1000);
	limits_use(&user->limits, policy.image, 1);
	cr_assert(limits_take(&user->limits, 1));
	users_put(&users, user);
	user = users_get(&users, 1000);
	limits_use(&user->limits, policy.image, 2);
	cr_expect_not(limits_take(&user->limits, 1));
	users_put(&users, user);
	cr_expect_eq(users.limited.n, 1);
	now += INT64_C(86400) * 1000;
	user = users_get(&users, 1000);
	users_put(&users, user);
	cr_expect_eq(users.limited.n, 0);
	users_deinit(&users);
}

/* As this uid, and away again: how many of these limits, each of another rule, gave a token. */
static unsigned int take_some(uid_t uid, uint64_t first_key, unsigned int n)
{
	struct user *user = users_get(&users, uid);
	unsigned int taken = 0;

	cr_assert_not_null(user);
	limits_use(&user->limits, policy.image, 1);
	for (unsigned int i = 0; i < n; i++) {
		set_limit(1, first_key + i, 1, 86400, 1);
		taken += limits_take(&user->limits, 1);
	}
	users_put(&users, user);
	return taken;
}

Test(limits, strangers_who_only_connect_push_nobody_out)
{
	users_init(&users, &now);
	users.limit[USERS_CONNECTIONS] = (struct bucket_limit){ 1, 10 };
	cr_expect_eq(take_some(1000, 20, 1), 1);
	for (uid_t uid = 2000; uid < 2000 + 2 * USERS_RESTING_MAX; uid++) {
		struct user *user = users_get(&users, uid);

		users_did(&users, user, USERS_CONNECTIONS, 1);
		users_put(&users, user);
	}
	cr_expect_leq(users.resting.n, USERS_RESTING_MAX);
	cr_expect_eq(take_some(1000, 20, 1), 0);
	users_deinit(&users);
}

Test(limits, of_those_who_used_limits_the_oldest_go)
{
	users_init(&users, &now);
	for (uid_t uid = 1; uid <= USERS_RESTING_MAX + 100; uid++)
		cr_assert_eq(take_some(uid, 20, 1), 1);
	cr_expect_leq(users.limited.n, USERS_RESTING_MAX);
	cr_expect_eq(take_some(USERS_RESTING_MAX + 100, 20, 1), 0);
	cr_expect_eq(take_some(1, 20, 1), 1);
	users_deinit(&users);
	cr_expect_eq(users.limits, 0);
}

/* Thousands of rules, thousands of users: the buckets of those who are away do not fill the memory. */
Test(limits, many_limits_of_many_users_are_bounded)
{
	size_t most = 0;

	users_init(&users, &now);
	for (uid_t uid = 1; uid <= 1500; uid++) {
		cr_expect_eq(take_some(uid, 1000, LIMITS_MAX), LIMITS_MAX, "%u", uid);
		most = users.limits > most ? users.limits : most;
	}
	cr_expect_leq(most, LIMITS_TOTAL / 2 + (size_t)LIMITS_MAX * 64);
	cr_expect_eq(take_some(1500, 1000, LIMITS_MAX), 0);
	users_deinit(&users);
	cr_expect_eq(users.limits, 0);
}

/* Those who stay cannot be pushed out: without room there is no token. */
Test(limits, where_no_bucket_has_room_there_is_no_token)
{
	total = LIMITS_TOTAL;
	cr_expect_not(limits_take(&limits, 0));
	cr_expect_eq(memory, 0);
	total = 0;
	cr_expect(limits_take(&limits, 0));
}
