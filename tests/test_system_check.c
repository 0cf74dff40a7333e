// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The system description compared with a hypervisor, which is the loopback one with one thing changed.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/broker_fakes.h"
#include "xmbroker/system_check.h"

static const struct xm_op *changed; /* the call whose answers are */
static enum xm_code code;
static struct backend *backend;
static struct sealed policy;
static struct backend_info hv;
static struct xm_reply reply;
static struct system_check check;
static bool harmless = true;

static void setup(void)
{
	cr_assert_eq(backend_loopback_new(&backend), 0);
	policy = fake_sealed(1);
	backend->ops->info(backend, &hv);
}

static void teardown(void)
{
	backend->ops->free(backend);
	sealed_unmap(&policy);
}

TestSuite(system_check, .init = setup, .fini = teardown);

static void issue(void *data, const struct xm_request *req, struct xm_reply *out)
{
	(void)data;
	harmless &= req->op == XM_OP_GET_GID_BY_NAME || req->op == XM_OP_GET_PLAN_STATUS ||
		    req->op == XM_OP_GET_SAMPLING_PORT_INFO ||
		    req->op == XM_OP_GET_QUEUING_PORT_INFO;
	backend->ops->call(backend, req, out);
	if (&xm_ops[req->op] == changed)
		xm_reply_fail(out, code);
}

static void run(const struct system *sys)
{
	const struct backend_issuer issuer = { issue, NULL };

	system_check(sys, &hv, &issuer, &reply, &check);
}

static void run_with(unsigned int op, enum xm_code answer)
{
	changed = &xm_ops[op];
	code = answer;
	run(policy_image_system(policy.image));
}

Test(system_check, the_same_system_agrees_and_nothing_is_changed)
{
	run(policy_image_system(policy.image));
	cr_expect_eq(check.n_differences, 0, "%s", check.differences[0]);
	cr_expect_str_eq(check.skipped, "");
	cr_expect_eq(check.n_asked, 3 + 2 + 1 + 4);
	cr_expect(harmless);
}

Test(system_check, an_unknown_partition_or_plan_is_a_difference)
{
	run_with(XM_OP_GET_GID_BY_NAME, XM_C_INVALID_CONFIG);
	cr_expect_eq(check.n_differences, 5);
	cr_expect_not_null(strstr(check.differences[0], "has no partition"));
	cr_expect_not_null(strstr(check.differences[4], "has no plan \"safe\""));
}

Test(system_check, an_unknown_port_is_a_difference)
{
	run_with(XM_OP_GET_QUEUING_PORT_INFO, XM_C_INVALID_PARAM);
	cr_expect_eq(check.n_differences, 2);
	cr_expect_not_null(strstr(check.differences[0], "no queuing port \"commands\""));
}

Test(system_check, what_is_not_told_is_said)
{
	run_with(XM_OP_GET_SAMPLING_PORT_INFO, XM_C_PERM_ERROR);
	cr_expect_eq(check.n_differences, 0);
	cr_expect_str_eq(check.skipped, "XM_get_sampling_port_info");
}

Test(system_check, a_profile_without_a_call_is_not_asked)
{
	hv.profile = XM_PROFILE_ID_2_4;
	run(policy_image_system(policy.image));
	cr_expect_eq(check.n_differences, 0);
	cr_expect_eq(check.n_asked, 1);
	cr_expect_not_null(strstr(check.skipped, "XM_get_gid_by_name"));
}

Test(system_check, a_hypervisor_that_goes_away_tells_nothing)
{
	run_with(XM_OP_GET_GID_BY_NAME, XM_C_UNKNOWN_OUTCOME);
	cr_expect(check.gone);
	cr_expect_eq(check.n_asked, 1);
	cr_expect_eq(check.n_differences, 0);
}

Test(system_check, another_length_is_a_difference)
{
	struct sealed other;

	fake_policy.max_message = 32;
	other = fake_sealed(2);
	run(policy_image_system(other.image));
	cr_expect_eq(check.n_differences, 4);
	cr_expect_not_null(strstr(check.differences[0], "message length 32"));
	sealed_unmap(&other);
}
