/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_POLICY_PROOF_H
#define TESTS_POLICY_PROOF_H

/* For tests of proofs: policies about which something is to be proved, on partition 0 from 2027 on. */

#include "policy/prove.h"
#include "tests/policy/helper.h"

#define NOW INT64_C(1798761600) /* Friday, 2027-01-01T00:00:00Z */
#define DAY 86400

static const struct prove_options here = { .now = NOW, .self = 0 };

/* Without what the compiler itself proves. */
static inline struct compiled compile_for_proof(const char *text)
{
	static const struct policy_options unproved = { .partition = POLICY_NO_PARTITION,
							.now = NOW,
							.skip_never = true };
	struct compiled c = compile_with(text, &unproved);

	cr_assert_eq(c.ret, 0, "%s\n%s", c.messages, text);
	return c;
}

#endif
