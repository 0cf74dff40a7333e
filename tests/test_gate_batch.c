// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: batches, which are decided as a whole; and answers that take more room than was lent.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/gate_rig.h"

TestSuite(gate, .init = gate_setup, .fini = gate_teardown);

static struct gate_batch batch;
static struct xm_request elements[XM_BATCH_MAX];
static struct xm_wire_batch_result results;
static uint8_t message[1 << 20], tx[XM_WIRE_PACKET], *room;
static size_t room_size;
static struct gate_answer answer;

static uint8_t *make_room(void *session, size_t len)
{
	(void)session;
	room_size = len;
	return room;
}

/* The decision about one operation; all else is allowed and audited. */
static unsigned int denied_op;

static struct policy_decision deny_one(const struct policy_image *image,
				       const struct policy_subject *subject,
				       const struct xm_request *req)
{
	(void)image;
	(void)subject;
	return req->op == denied_op ? FAKE_DENY : FAKE_ALLOW_AUDITED;
}

static unsigned int fill(unsigned int n, const unsigned int ops[])
{
	for (unsigned int i = 0; i < n; i++)
		fake_request(ops[i], &elements[i]);
	return n;
}

#define FILL(...)                                                                                  \
	fill(sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int),                       \
	     (unsigned int[]){ __VA_ARGS__ })

/* Sends the elements; their answer is in `results`. */
static void ask_batch(unsigned int n)
{
	int len = xm_wire_put_batch(message, sizeof(message), 77, elements, n);
	struct xm_wire_head head;

	cr_assert_gt(len, 0);
	gate.batch = &batch;
	gate.room = make_room;
	answer = (struct gate_answer){ .reply = &reply, .msg = tx, .cap = sizeof(tx) };
	xm_reply_init(&reply, space, sizeof(space));
	cr_assert_eq(gate_message(&gate, &caller, message, (size_t)len, &call, &answer), 0);
	cr_assert_gt(answer.len, 0);
	cr_expect_eq(answer.n_calls, n);
	cr_assert_eq(xm_wire_get_head(answer.msg, (size_t)answer.len, &head), 0);
	cr_expect_eq(head.serial, 77);
	cr_assert_eq(xm_wire_get_batch_result(answer.msg, (size_t)answer.len, n, &results), 0);
}

static unsigned int next_code(unsigned int i, bool last)
{
	static struct xm_reply r;

	cr_assert_eq(xm_wire_next_batch_result(&results, &elements[i], last, &r), 0);
	return r.code;
}

static unsigned int count(const char *s)
{
	unsigned int n = 0;

	for (const char *p = log_text(); (p = strstr(p, s)); p++)
		n++;
	return n;
}

Test(gate, a_batch_runs_in_order_each_element_with_its_record)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_PLAN_STATUS));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_OK);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 3);
	cr_expect_eq(hypervisor->last.op, XM_OP_GET_PLAN_STATUS);
	cr_expect_eq(count("\"type\":\"decision\""), 3);
	cr_expect_eq(count("\"type\":\"result\""), 3);
	cr_expect(logged("\"batch\":1,\"element\":2,"));
}

static void all_intents_are_logged(struct fake_backend *fake, const struct xm_request *req)
{
	(void)req;
	if (fake->n_calls == 1)
		*(bool *)fake->data =
			count("\"type\":\"decision\"") == 3 && !logged("\"type\":\"result\"");
}

Test(gate, all_intents_of_a_batch_are_in_the_log_before_its_first_call)
{
	bool in_log = false;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = all_intents_are_logged;
	hypervisor->data = &in_log;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME, XM_OP_GET_TIME));
	cr_expect(in_log);
}

Test(gate, if_one_element_is_denied_none_is_made_and_all_are_recorded)
{
	fake_policy.decide = deny_one;
	denied_op = XM_OP_HALT_PARTITION;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_PLAN_STATUS));
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OK);
	cr_expect_eq(results.codes[1], XM_C_PERM_ERROR);
	cr_expect_eq(results.codes[2], XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(count("\"decision\":\"deny\""), 3);
	cr_expect_eq(count("\"why\":\"another element of the batch was refused\""), 2);
	cr_expect_eq(count("\"why\":\"no rule\""), 1);
	cr_expect_not(logged("\"type\":\"result\""));
}

Test(gate, what_the_policy_does_not_audit_is_not_recorded_when_a_batch_is_refused)
{
	fake_policy.answer = FAKE_ALLOW;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_UNCLASSIFIED));
	cr_expect_eq(count("\"type\":\"decision\""), 1);
}

Test(gate, an_unclassified_element_keeps_the_batch_from_being_made)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(2, (unsigned int[]){ XM_OP_UNCLASSIFIED, XM_OP_GET_TIME });
	elements[0].arg[0].num = XM_REASON_OPERATION;
	ask_batch(2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OP_NOT_ALLOWED);
	cr_expect_eq(results.codes[1], XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(gate, an_element_outside_the_domain_is_answered_and_the_others_are_made)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(3, (unsigned int[]){ XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_TIME });
	elements[1].arg[0].num = 99;
	ask_batch(3);
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_INVALID_PARAM);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(count("\"guard\":\"XM_INVALID_PARAM\""), 1);
	cr_expect_eq(gate.count.guarded, 1);
}

Test(gate, an_error_of_the_hypervisor_does_not_stop_a_batch)
{
	hypervisor->code = XM_C_NO_ACTION;
	fake_policy.answer = FAKE_ALLOW;
	ask_batch(FILL(XM_OP_HALT_PARTITION, XM_OP_HALT_PARTITION));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_NO_ACTION);
	cr_expect_eq(next_code(1, true), XM_C_NO_ACTION);
	cr_expect_eq(hypervisor->n_calls, 2);
}

Test(gate, a_batch_whose_intents_cannot_be_recorded_is_not_made)
{
	use_audit(open("/dev/full", O_WRONLY | O_CLOEXEC));
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME));
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_PERM_ERROR);
	cr_expect_eq(results.codes[1], XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
}

/* Where the log is a pipe that is full after the first intent. */
Test(gate, intents_that_were_recorded_before_one_could_not_be_have_a_result)
{
	struct rlimit limit = { 0, 0 };

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_assert_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = strlen(log_text()) + 600; /* one more decision, and its result */
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME, XM_OP_GET_TIME));
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_not(results.ran);
	cr_expect_eq(hypervisor->n_calls, 1);
}

Test(gate, an_absent_argument_of_an_element_is_filled_in)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(1, (unsigned int[]){ XM_OP_CREATE_SAMPLING_PORT });
	elements[0].arg[XM_A_CREATE_SAMPLING_PORT_validPeriod] =
		(struct xm_value){ .state = XM_ST_ABSENT };
	ask_batch(1);
	cr_assert(results.ran);
	cr_expect_eq(hypervisor->last.arg[XM_A_CREATE_SAMPLING_PORT_validPeriod].num, 1000000);
}

Test(gate, a_batch_of_the_greatest_length_runs_whole)
{
	static unsigned int ops[XM_BATCH_MAX];

	fake_policy.answer = FAKE_ALLOW;
	for (unsigned int i = 0; i < XM_BATCH_MAX; i++)
		ops[i] = XM_OP_GET_TIME;
	ask_batch(fill(XM_BATCH_MAX, ops));
	cr_assert(results.ran);
	for (unsigned int i = 0; i < XM_BATCH_MAX; i++)
		cr_assert_eq(next_code(i, i + 1 == XM_BATCH_MAX), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
}

static void fill_with_reads(unsigned int n, uint32_t size)
{
	for (unsigned int i = 0; i < n; i++) {
		fake_request(XM_OP_READ_SAMPLING_MESSAGE, &elements[i]);
		elements[i].arg[XM_A_READ_SAMPLING_MESSAGE_size].num = size;
	}
}

Test(gate, a_batch_whose_answer_may_be_long_gets_room_or_is_not_made)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fill_with_reads(3, 60000);
	ask_batch(3);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_INVALID_MODE);
	cr_expect(logged("no memory for the answer to the batch"));
	cr_expect_gt(room_size, 180000);
	room = malloc(room_size);
	ask_batch(3);
	cr_expect(results.ran);
	cr_expect_eq(answer.msg, room);
	cr_expect_eq(next_code(0, false), XM_C_INVALID_CONFIG, "out of the domain, as it is");
	free(room);
}

/* What the hypervisor gives is made behind the place where it goes: that takes some room too. */
Test(gate, a_batch_whose_answer_just_fits_into_what_is_lent_gets_room)
{
	size_t max;

	fake_policy.answer = FAKE_ALLOW;
	fill_with_reads(1, 60000);
	max = xm_wire_batch_result_max(elements, 1);
	fill_with_reads(1, (uint32_t)(60000 + sizeof(tx) - max));
	cr_assert_eq(xm_wire_batch_result_max(elements, 1), sizeof(tx));
	ask_batch(1);
	cr_expect_not(results.ran);
	cr_expect_gt(room_size, sizeof(tx));
}

Test(gate, a_batch_whose_answer_may_be_too_long_is_not_made)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fill_with_reads(2, XM_WIRE_DATA_MAX);
	ask_batch(2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_MULTICALL_ERROR);
	cr_expect_eq(results.codes[1], XM_C_MULTICALL_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("the answer to the batch would be too long"));
}

Test(gate, a_broken_batch_is_not_decided)
{
	int len;

	fill(2, (unsigned int[]){ XM_OP_GET_TIME, XM_OP_BROKER_KICK });
	len = xm_wire_put_batch(message, sizeof(message), 77, elements, 2);
	gate.batch = &batch;
	cr_expect_eq(gate_message(&gate, &caller, message, (size_t)len, &call, &answer), -EPROTO);
	cr_expect_eq(fake_policy.n_decided, 0);
}

/* ---- long answers ------------------------------------------------------------------------------------ */

Test(gate, data_beyond_what_is_lent_need_room)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &call.req);
	xm_reply_init(&reply, space, 2);
	cr_assert_eq(gate_request(&gate, &caller, &call, &reply), 0);
	cr_expect_eq(reply.code, XM_C_INVALID_MODE);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"result\":\"XM_INVALID_MODE\""));
}

Test(gate, the_results_of_a_batch_are_on_the_disk_before_an_element_that_may_end_us)
{
	unsigned int before_call = 0;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = sync_came_first;
	hypervisor->data = &before_call;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM));
	cr_expect_eq(before_call, 2, "once with the intents, once more with the result");
}

Test(gate, an_element_that_may_end_us_is_not_made_when_the_disk_fails)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	sync_fails_at = 2;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM, XM_OP_GET_TIME));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_PERM_ERROR);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(count("\"type\":\"result\""), 3);
}

Test(gate, a_batch_is_not_made_when_an_intent_is_not_on_the_disk)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	sync_fails_at = 1;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM));
	cr_assert_not(results.ran);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(count("\"type\":\"result\""), 2);
}
