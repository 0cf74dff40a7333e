// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Limits and shadow rules at the gate: when a token is charged, when it is given back, and what the
 * record says.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "tests/gate_rig.h"

static int64_t now;
static size_t memory, total;
static struct limits limits;
static struct gate_batch batch;
static struct gate_answer answer;
static uint8_t tx[XM_WIRE_PACKET];

/* Two rules: 1 token, then 2. */
static void setup(void)
{
	gate_setup();
	now = 1000;
	limits_init(&limits, &now, &memory, &total);
	caller.limits = &limits;
	fake_policy.limited = true;
	fake_policy.n_limits = 2;
	fake_policy.limit[0] = (struct policy_limit){ 10, 0, 1, 1, 1 };
	fake_policy.limit[1] = (struct policy_limit){ 20, 0, 1, 3600, 2 };
	gate.batch = &batch;
}

static void teardown(void)
{
	limits_deinit(&limits);
	caller.limits = NULL;
	gate_teardown();
}

TestSuite(gate_limits, .init = setup, .fini = teardown);

Test(gate_limits, without_a_token_it_is_denied)
{
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect_not(logged("limit"));
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 3);
	cr_expect(logged("\"decision\":\"deny\",\"why\":\"limit\",\"rule\":\"policy.yaml:12:7\""));
	cr_expect_eq(gate.count.limited, 1);
	now += 1000;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
}

Test(gate_limits, who_has_no_account_has_full_buckets)
{
	caller.limits = NULL;
	for (unsigned int i = 0; i < 9; i++)
		cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
}

/* What cannot be noted as used is not given. */
Test(gate_limits, where_there_is_no_room_for_a_bucket_it_is_denied)
{
	total = LIMITS_TOTAL;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"decision\":\"deny\",\"why\":\"limit\""));
	total = 0;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
}

/* The buckets that a user brings along are those of the policy that is in force now. */
Test(gate_limits, the_buckets_are_those_of_the_policy_that_decides)
{
	ask_op(XM_OP_GET_TIME);
	cr_expect_eq(limits.image, gate.image);
	cr_expect_eq(limits.generation, gate.generation);
	gate.generation++;
	fake_policy.limit[0].key = 11;
	ask_op(XM_OP_GET_TIME);
	cr_expect_eq(limits.generation, gate.generation);
	cr_expect_eq(limits.bucket[0].number, POLICY_NO_LIMIT, "key 10 is of no rule any more");
}

Test(gate_limits, a_guarded_call_costs_nothing)
{
	for (unsigned int i = 0; i < 9; i++) {
		fake_request(XM_OP_HALT_PARTITION, &call.req);
		call.req.arg[0].num = 99;
		ask();
		cr_expect_eq(reply.code, XM_C_INVALID_PARAM);
	}
	cr_expect(limits_are_full(&limits));
}

Test(gate_limits, a_call_that_cannot_be_recorded_costs_nothing)
{
	use_audit(open("/dev/full", O_WRONLY | O_APPEND));
	fake_policy.limited = false;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_policy.answer.limit = 1;
	for (unsigned int i = 0; i < 9; i++)
		cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	now += 3600 * 1000; /* the fraction that was not there */
	cr_expect(limits_are_full(&limits));
}

/* ---- batches ----------------------------------------------------------------------------------- */

/* How many calls a batch of `n` made, one of which asks for this clock. */
static unsigned int ask_batch_with(unsigned int n, unsigned int at, uint64_t clock)
{
	static struct xm_request req[XM_BATCH_MAX];
	unsigned int before = hypervisor->n_calls;
	uint8_t msg[XM_WIRE_PACKET];
	int len;

	for (unsigned int i = 0; i < n; i++)
		fake_request(XM_OP_GET_TIME, &req[i]);
	req[at].arg[0].num = clock;
	len = xm_wire_put_batch(msg, sizeof(msg), 7, req, n);
	cr_assert_gt(len, 0);
	xm_reply_init(&reply, space, sizeof(space));
	answer = (struct gate_answer){ .reply = &reply, .msg = tx, .cap = sizeof(tx) };
	cr_assert_eq(gate_message(&gate, &caller, msg, (size_t)len, &call, &answer), 0);
	return hypervisor->n_calls - before;
}

static unsigned int ask_batch(unsigned int n, uint64_t clock)
{
	return ask_batch_with(n, n - 1, clock);
}

Test(gate_limits, a_batch_takes_a_token_for_each_element)
{
	cr_expect_eq(ask_batch(3, 0), 3);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
}

Test(gate_limits, a_batch_that_is_refused_gives_all_back)
{
	for (unsigned int i = 0; i < 5; i++)
		cr_expect_eq(ask_batch(4, 0), 0);
	cr_expect(limits_are_full(&limits));
	cr_expect(logged("\"why\":\"limit\""));
	cr_expect_eq(ask_batch(3, 0), 3);
}

Test(gate_limits, a_guarded_element_gives_its_token_back)
{
	cr_expect_eq(ask_batch(3, 99), 2);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
}

/* The token of the guarded one is back already when the batch is refused. */
Test(gate_limits, a_batch_that_is_refused_gives_back_only_what_it_took)
{
	ask_op(XM_OP_GET_TIME);
	ask_op(XM_OP_GET_TIME);
	cr_expect_eq(ask_batch_with(3, 0, 99), 0);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
}

Test(gate_limits, a_batch_that_cannot_be_recorded_gives_all_back)
{
	use_audit(open("/dev/full", O_WRONLY | O_APPEND));
	fake_policy.limited = false;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_policy.answer.limit = 1;
	for (unsigned int i = 0; i < 5; i++)
		cr_expect_eq(ask_batch(2, 0), 0);
	now += 3600 * 1000;
	cr_expect(limits_are_full(&limits));
}

/* Made up to the one that may end us, for which the disk fails. */
Test(gate_limits, an_element_that_is_not_made_gives_its_token_back)
{
	static struct xm_request req[2];
	uint8_t msg[XM_WIRE_PACKET];
	int len;

	fake_policy.limited = false;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_policy.answer.limit = 1;
	sync_fails_at = 2;
	fake_request(XM_OP_GET_TIME, &req[0]);
	fake_request(XM_OP_HALT_SYSTEM, &req[1]);
	len = xm_wire_put_batch(msg, sizeof(msg), 7, req, 2);
	cr_assert_gt(len, 0);
	xm_reply_init(&reply, space, sizeof(space));
	answer = (struct gate_answer){ .reply = &reply, .msg = tx, .cap = sizeof(tx) };
	cr_assert_eq(gate_message(&gate, &caller, msg, (size_t)len, &call, &answer), 0);
	cr_assert_eq(hypervisor->n_calls, 1);
	cr_expect(limits_take(&limits, 1), "of the two one was used");
	cr_expect_not(limits_take(&limits, 1));
}

/* ---- time ---------------------------------------------------------------------------------------- */

Test(gate_limits, a_clock_before_the_time_of_compilation_is_not_believed)
{
	int64_t before = time(NULL);

	fake_policy.compiled_at = before;
	ask_op(XM_OP_GET_TIME);
	cr_expect(fake_policy.time.determined);
	cr_expect_geq(fake_policy.time.now, before);
	fake_policy.compiled_at = before + 3600;
	ask_op(XM_OP_GET_TIME);
	cr_expect_not(fake_policy.time.determined);
}

/* ---- shadow rules ------------------------------------------------------------------------------ */

Test(gate_limits, what_is_observed_is_in_the_record)
{
	caller.limits = NULL;
	fake_policy.limited = false;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_policy.answer.observed = 0;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect(logged(
		"\"role\":\"operator\",\"observed\":\"policy.yaml:12:7\",\"would\":\"deny\""));
	fake_policy.answer = FAKE_DENY;
	fake_policy.answer.observed = 0;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect(logged(
		"\"why\":\"no rule\",\"observed\":\"policy.yaml:12:7\",\"would\":\"allow\""));
}

static struct policy_decision all_but_clock_0(const struct policy_image *image,
					      const struct policy_subject *subject,
					      const struct xm_request *req)
{
	struct policy_decision d = FAKE_ALLOW_AUDITED;

	(void)image;
	(void)subject;
	if (req->arg[0].num == 0)
		return FAKE_DENY;
	d.observed = 0;
	return d;
}

/* Of what was refused because of another one, nobody asks what a shadow rule would have done. */
Test(gate_limits, what_a_batch_drags_along_is_not_observed)
{
	fake_policy.limited = false;
	fake_policy.decide = all_but_clock_0;
	cr_expect_eq(ask_batch(2, 0), 0);
	cr_expect(logged("another element"));
	cr_expect_not(logged("\"would\""));
}

Test(gate_limits, what_is_not_observed_does_not_say_so)
{
	caller.limits = NULL;
	fake_policy.limited = false;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	ask_op(XM_OP_GET_TIME);
	cr_expect_not(logged("observed"));
	cr_expect_not(logged("would"));
}
