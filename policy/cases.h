/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_CASES_H
#define XM_POLICY_CASES_H

/*
 * The tests of a policy: calls, and how each must be decided.  They run when the policy is compiled; who
 * wants to see each of them sets `tested` of struct policy_options.
 */

#include "policy/call.h"
#include "policy/compile.h"
#include "policy/explain.h"

struct policy_test_result {
	struct diag_place at;
	const char *as;   /* as xmpolicy's --as has it: "user:1000,group:5" */
	const char *call; /* as written */
	const char *rule; /* that must have decided, as written; NULL: any */
	enum policy_effect expected;
	struct policy_time time;
	bool passed;
	const char *failure; /* what is wrong, NULL if it passed */
	const struct explanation *explanation;
};

#endif
