// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * That it does not matter how a call is made, and that of a million calls at random nothing reaches the
 * hypervisor that the policy or the guard should have stopped: what may, is written down a second
 * time in domain.c, from the manual of the interface and not from the table.
 */

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/domain.h"
#include "tests/same/inprocess.h"
#include "tests/same/same.h"

#define WAYS 26000 /* calls of each profile, made in each way */
#define ANY 260000 /* calls of each profile */

static unsigned long n_reached;

static void check(const struct xm_request *req)
{
	n_reached++;
	cr_assert(inprocess_permits(req), "%s is not permitted", xm_ops[req->op].name);
	cr_assert(domain_contains(req), "%s is outside its domain", xm_ops[req->op].name);
}

static void count(const char *what, unsigned long n)
{
	fprintf(stderr, "count: %s: %lu calls, %lu reached the hypervisor\n", what, n, n_reached);
	cr_assert_gt(n_reached, n / 100);
}

static void start(enum xm_profile profile)
{
	n_reached = 0;
	inprocess_on_call = check;
	inprocess_start(profile);
}

#define SAME_TESTS(name, id)                                                                       \
	Test(same, every_way_of_a_call_is_one_##name, .fini = inprocess_stop)                      \
	{                                                                                          \
		start(XM_PROFILE_ID_3_X);                                                          \
		count("each way, profile " #name, same_ways_##name(WAYS, 1));                      \
	}                                                                                          \
	Test(same, nothing_gets_past_##name, .fini = inprocess_stop)                               \
	{                                                                                          \
		start(XM_PROFILE_ID_3_X);                                                          \
		count("any call, profile " #name, same_any_##name(ANY, 2));                        \
	}

SAME_TESTS(24, 2_4)
SAME_TESTS(26, 2_6)
SAME_TESTS(3x, 3_X)
SAME_TESTS(pr, PRTOS)
