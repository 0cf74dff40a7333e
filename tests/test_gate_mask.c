// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: what it asks the hypervisor for is in the mask of a policy that allows the call.  A mask
 * that were too narrow would fail calls that the policy allows.
 */

#include <criterion/criterion.h>

#include "libxm/core/mask.h"
#include "tests/gate_rig.h"
#include "xmbroker/cursor.h"

TestSuite(gate, .init = gate_setup, .fini = gate_teardown);

static bool charge(void *data, size_t bytes)
{
	(void)data;
	(void)bytes;
	return true;
}

static struct xm_mask asked;

static void note(struct fake_backend *fake, const struct xm_request *req)
{
	(void)fake;
	xm_mask_add(&asked, req->op);
}

/* Everything that calls of one operation lead to, in a session that keeps positions in logs. */
static void ask_all(unsigned int op)
{
	asked = (struct xm_mask){ { 0 } };
	for (unsigned int code = 0; code < XM_N_CODES; code++) {
		hypervisor->code = code;
		for (uint64_t whence = 0; whence < 3; whence++) {
			fake_request(op, &call.req);
			if (op == XM_OP_HM_SEEK || op == XM_OP_TRACE_SEEK)
				call.req.arg[XM_A_HM_SEEK_whence].num = whence;
			cr_assert_eq(ask(), 0);
		}
	}
}

Test(gate, asks_for_nothing_that_is_not_in_the_mask_of_the_call)
{
	struct holdings holds;

	holdings_init(&holds, charge, NULL);
	caller.holds = &holds;
	fake_policy.answer = FAKE_ALLOW;
	hypervisor->on_call = note;
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		struct xm_mask mask = { { 0 } };

		xm_mask_add_call(&mask, op);
		ask_all(op);
		cr_expect(xm_mask_covers(&mask, &asked), "%s", xm_ops[op].name);
		/* Nor does the mask hold what is not asked for, unless it is for the logs: their
		 * records are none here. */
		if (!cursor_serves(op) && fake_in_domain(&call.req))
			cr_expect(xm_mask_equal(&mask, &asked), "%s", xm_ops[op].name);
	}
	holdings_deinit(&holds);
}
