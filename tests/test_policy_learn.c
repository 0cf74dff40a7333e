// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Learning: exactly what was denied, whatever the order; what must be meant; and the last check, which
 * must find a policy that does not fit the log.
 */

#include <sys/resource.h>

#include "policy/image_layout.h"
#include "policy/learn.h"
#include "tests/log_rig.h"
#include "tests/policy/helper.h"

struct learned {
	struct compiled empty; /* for its system */
	struct learn l;
	struct compiled c; /* what was learned */
	const char *text;
};

static struct learned *begin(void)
{
	struct learned *w = calloc(1, sizeof(*w));

	cr_assert_not_null(w);
	w->empty = compile_good(PREAMBLE);
	learn_init(&w->l);
	w->l.sys = policy_image_system(w->empty.image);
	return w;
}

static void hear(struct learned *w, struct logged_decision d)
{
	cr_assert(learn_decision(&w->l, &d));
}

static const char *finish(struct learned *w)
{
	size_t len;

	w->text = learn_text(&w->l, "loopback:", &len);
	cr_assert_not_null(w->text);
	cr_assert_eq(strlen(w->text), len);
	w->c = compile_good(w->text);
	return w->text;
}

static void end(struct learned *w)
{
	learn_deinit(&w->l);
	compiled_free(&w->empty);
	compiled_free(&w->c);
	free(w);
}

static struct logged_decision reset(uint32_t uid, unsigned int partition, unsigned int mode,
				    char room[96])
{
	snprintf(room, 96, "{\"partitionId\":%u,\"resetMode\":\"%s\",\"status\":0}", partition,
		 mode ? "XM_WARM_RESET" : "XM_COLD_RESET");
	return logged(uid, "XM_reset_partition", room);
}

static bool may_reset(const struct learned *w, uint32_t uid, unsigned int partition,
		      unsigned int mode)
{
	char call[96];

	snprintf(call, sizeof(call), "XM_reset_partition(%u, %s, 0)", partition,
		 mode ? "XM_WARM_RESET" : "XM_COLD_RESET");
	return allows(&w->c, uid, call);
}

/* All logs of some calls of three users, two partitions and two modes: the policy is the set. */
Test(policy_learn, allows_just_what_was_called)
{
	char room[96];

	for (unsigned int set = 1; set < 1 << 12; set += 7) {
		struct learned *w = begin();

		for (unsigned int i = 0; i < 12; i++)
			if (set >> i & 1)
				hear(w, reset(42000 + i % 3, 1 + i / 3 % 2, i / 6, room));
		finish(w);
		for (unsigned int i = 0; i < 12; i++)
			cr_assert_eq(may_reset(w, 42000 + i % 3, 1 + i / 3 % 2, i / 6),
				     set >> i & 1, "%x %u\n%s", set, i, w->text);
		end(w);
	}
}

Test(policy_learn, the_order_of_the_log_does_not_matter)
{
	struct learned *a = begin(), *b = begin();
	char room[96];

	for (unsigned int i = 0; i < 12; i += 2)
		hear(a, reset(42000 + i % 3, 1 + i / 3 % 2, i / 6, room));
	for (unsigned int i = 12; i-- > 0;)
		if (i % 2 == 0)
			hear(b, reset(42000 + i % 3, 1 + i / 3 % 2, i / 6, room));
	cr_assert_str_eq(finish(a), finish(b));
	end(a);
	end(b);
}

Test(policy_learn, operations_with_the_same_values_are_one_rule)
{
	struct learned *w = begin();

	hear(w, logged(42000, "XM_suspend_partition", "{\"partitionId\":1}"));
	hear(w, logged(42000, "XM_resume_partition", "{\"partitionId\":1}"));
	hear(w, logged(42000, "XM_get_time", "{\"clock\":\"XM_HW_CLOCK\"}"));
	finish(w);
	cr_assert(strstr(w->text, "allow: [XM_resume_partition, XM_suspend_partition]"), "%s",
		  w->text);
	end(w);
}

/* ---- what must be meant ------------------------------------------------------------------------- */

static void expect_asked(const char *op, const char *args)
{
	struct learned *w = begin();

	hear(w, logged(42000, op, args));
	cr_assert_eq(w->l.learned, 0, "%s", op);
	cr_assert_eq(w->l.n_left, 1);
	cr_assert(strstr(w->l.left[0].why, "if it is meant"), "%s", w->l.left[0].why);
	cr_assert(strstr(w->l.left[0].write, op));
	finish(w);
	cr_assert_eq(w->c.image->table[IMAGE_RULES].count, 0, "%s", w->text);
	end(w);
}

Test(policy_learn, stopping_the_own_partition_and_the_machine_are_never_learned_silently)
{
	expect_asked("XM_suspend_partition", "{\"partitionId\":0}");
	expect_asked("XM_idle_self", "{}");
	expect_asked("XM_set_timer", "{\"clock\":\"XM_HW_CLOCK\",\"absTime\":1,\"interval\":0}");
	expect_asked("XM_x86_set_if", "{}");
}

/* (uid_t)-1 is nobody: least of all everyone. */
Test(policy_learn, no_user_of_a_log_is_everyone)
{
	struct learned *w = begin();
	char room[96];

	hear(w, reset(UINT32_MAX, 1, 0, room));
	finish(w);
	cr_expect_eq(w->l.learned, 0);
	cr_expect_not(may_reset(w, 42000, 1, 0), "%s", w->text);
	cr_expect_not(strstr(w->text, "everyone"), "%s", w->text);
	end(w);
}

Test(policy_learn, any_partition_is_any_but_the_own)
{
	struct learned *w = begin();

	cr_assert_null(learn_generalise(&w->l, "partitionId=any"));
	hear(w, logged(42000, "XM_suspend_partition", "{\"partitionId\":1}"));
	hear(w, logged(42000, "XM_suspend_partition", "{\"partitionId\":0}"));
	finish(w);
	cr_assert(allows(&w->c, 42000, "XM_suspend_partition(2)"));
	cr_assert_not(allows(&w->c, 42000, "XM_suspend_partition(0)"));
	end(w);
}

Test(policy_learn, a_range_does_not_reach_over_the_own_partition)
{
	struct learned *w = begin();
	struct logged_decision d = logged(42000, "XM_suspend_partition", "{\"partitionId\":0}");

	cr_assert_null(learn_generalise(&w->l, "partitionId=range"));
	d.self = 1;
	hear(w, d);
	d.args = "{\"partitionId\":2}";
	hear(w, d);
	finish(w);
	cr_assert_not(strstr(w->text, ".."), "%s", w->text);
	end(w);
}

/* ---- bounds ------------------------------------------------------------------------------------- */

Test(policy_learn, a_log_of_too_many_calls_is_refused)
{
	struct learned *w = begin();
	struct logged_decision d = logged(42000, "XM_reset_partition", "");
	char args[96];
	bool more = true;
	unsigned int i;

	for (i = 0; more && i < LEARN_CALLS + 10; i++) {
		d.args = args;
		d.args_len = (size_t)snprintf(
			args, sizeof(args),
			"{\"partitionId\":1,\"resetMode\":\"XM_COLD_RESET\",\"status\":%u}", i);
		more = learn_decision(&w->l, &d);
	}
	cr_assert(w->l.too_many);
	cr_assert_eq(i, LEARN_CALLS + 1);
	learn_deinit(&w->l);
	compiled_free(&w->empty);
	free(w);
}

/* Who writes the log must not be able to exhaust who reads it. */
Test(policy_learn, many_values_take_memory_in_proportion, .timeout = 120)
{
	const struct rlimit limit = { 1 << 30, 1 << 30 };
	const char *sanitized = getenv("XM_SANITIZED");
	struct learned *w = begin();
	char args[96];

	if (!sanitized || !*sanitized)
		cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	for (unsigned int i = 0; i < 30000; i++) {
		snprintf(args, sizeof(args),
			 "{\"partitionId\":1,\"resetMode\":\"XM_COLD_RESET\",\"status\":%u}",
			 2 * i);
		hear(w, logged(42000, "XM_reset_partition", args));
	}
	finish(w);
	cr_assert(allows(&w->c, 42000, "XM_reset_partition(1, XM_COLD_RESET, 59998)"));
	cr_assert_not(allows(&w->c, 42000, "XM_reset_partition(1, XM_COLD_RESET, 59997)"));
	end(w);
}

Test(policy_learn, more_sorts_than_are_listed_are_counted)
{
	struct learned *w = begin();

	for (unsigned int i = 0; i < LEARN_LEFT + 5; i++)
		hear(w, logged(42000 + i, "XM_idle_self", "{}"));
	cr_assert_eq(w->l.n_left, LEARN_LEFT);
	cr_assert_eq(w->l.other_left, 5);
	cr_assert(strstr(finish(w), "and 5 more"));
	end(w);
}

/* ---- the last check ----------------------------------------------------------------------------- */

static const char *proved(struct learned *w, const char *policy, const struct logged_decision *d,
			  size_t n, char room[2 * LEARN_TEXT])
{
	struct compiled c = compile_good(policy);
	struct learn_proof proof;
	const char *wrong;

	learn_proof_init(&proof, &w->l, c.image);
	for (size_t i = 0; i < n && learn_prove(&proof, &d[i]); i++)
		;
	wrong = learn_proved(&proof);
	snprintf(room, 2 * LEARN_TEXT, "%s", wrong ? wrong : "");
	compiled_free(&c);
	return room;
}

Test(policy_learn, the_last_check_finds_a_policy_that_does_not_fit)
{
	struct logged_decision d[3] = {
		logged(42000, "XM_suspend_partition", "{\"partitionId\":1}"),
		logged(42000, "XM_suspend_partition", "{\"partitionId\":0}"),
		logged(42000, "XM_get_time", "{\"clock\":\"XM_HW_CLOCK\"}"),
	};
	struct learned *w = begin();
	char room[2 * LEARN_TEXT];

	hear(w, d[0]);
	hear(w, d[1]);
	finish(w);
	cr_assert_str_eq(proved(w, w->text, d, 2, room), "");
	/* Written since. */
	cr_assert_str_eq(proved(w, w->text, d, 3, room), "");
	cr_assert(strstr(proved(w, PREAMBLE, d, 2, room), "(1) is not allowed"), "%s", room);
	cr_assert(strstr(proved(w,
				PREAMBLE "roles:\n  a: [{allow: XM_suspend_partition}]\n"
					 "grants: [{to: everyone, roles: a}]\n",
				d, 2, room),
			 "(0) is allowed, though nobody said"),
		  "%s", room);
	end(w);
}

Test(policy_learn, the_last_check_finds_that_the_log_is_another)
{
	struct logged_decision d[2] = {
		logged(42000, "XM_suspend_partition", "{\"partitionId\":1}"),
		logged(42000, "XM_suspend_partition", "{\"partitionId\":2}"),
	};
	struct learned *w = begin();
	char room[2 * LEARN_TEXT];

	hear(w, d[0]);
	hear(w, d[1]);
	finish(w);
	cr_assert_str_eq(proved(w, w->text, d, 2, room), "");
	cr_assert(strstr(proved(w, w->text, d, 1, room), "changed while it was read"), "%s", room);
	d[1] = d[0];
	cr_assert(strstr(proved(w, w->text, d, 2, room), "changed while it was read"), "%s", room);
	end(w);
}

Test(policy_learn, what_the_user_says_must_make_sense)
{
	static const char *const bad[] = { "",
					   "status",
					   "status=most",
					   "no_such=any",
					   "XM_x.status=any",
					   "user=bob",
					   "user=group:none such" };
	struct learned *w = begin();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(learn_generalise(&w->l, bad[i]), "%s", bad[i]);
	cr_assert_eq(w->l.n_specs + w->l.n_groups, 0);
	learn_deinit(&w->l);
	compiled_free(&w->empty);
	free(w);
}
