// SPDX-License-Identifier: LGPL-2.1-or-later
/* The wire codec: results, and what lies behind pointers. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/wire_rig.h"

static int put_time(const struct xm_request *req, unsigned int code)
{
	struct xm_reply reply;

	xm_reply_init(&reply, NULL, 0);
	reply.code = code;
	xm_reply_put_num(&reply, 1, 1000000);
	return xm_wire_put_result(buf, sizeof(buf), 7, req, &reply);
}

Test(wire, result_round_trips)
{
	struct xm_request req = sample(XM_OP_GET_TIME);
	struct xm_reply out;
	int len = put_time(&req, XM_C_OK);

	cr_assert_eq(len, 31);
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), 0);
	cr_assert_eq(out.out[1].num, 1000000);
}

Test(wire, failure_with_an_output_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME);
	struct xm_reply out;
	int len = put_time(&req, XM_C_PERM_ERROR);

	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), -EPROTO);
}

Test(wire, output_that_the_caller_has_no_room_for_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME);
	struct xm_reply out;
	int len = put_time(&req, XM_C_OK);

	req.arg[1].state = XM_ST_NULL;
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), -EPROTO);
}

Test(wire, unknown_code_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME);
	struct xm_reply out;
	int len = put_time(&req, XM_C_OK);

	buf[16] = XM_N_CODES;
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), -EPROTO);
}

Test(wire, more_data_than_asked_for_is_refused)
{
	struct xm_request req = sample(XM_OP_READ_SAMPLING_MESSAGE);
	uint8_t space[64];
	struct xm_reply reply, out;
	int len;

	xm_reply_init(&reply, space, sizeof(space));
	xm_reply_put_data(&reply, XM_A_READ_SAMPLING_MESSAGE_buffer, bytes, 8);
	len = xm_wire_put_result(buf, sizeof(buf), 7, &req, &reply);
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), -EPROTO);
}

Test(wire, structure_and_records_round_trip)
{
	struct xm_request req = sample(XM_OP_HM_READ);
	struct xm_reply reply, out;
	uint64_t *words;
	int len;

	xm_reply_init(&reply, NULL, 0);
	words = xm_reply_put_words(&reply, XM_A_HM_READ_log, 2 * XM_NF_HM_LOG);
	for (unsigned int i = 0; i < 2 * XM_NF_HM_LOG; i++)
		words[i] = 1000 + i;
	reply.value = 2;
	len = xm_wire_put_result(buf, sizeof(buf), 7, &req, &reply);
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), 0);
	cr_assert_eq(out.value, 2);
	cr_assert_eq(out.out[XM_A_HM_READ_log].words[2 * XM_NF_HM_LOG - 1], 1019);
}

Test(wire, result_cut_anywhere_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME);
	struct xm_reply out;
	int len = put_time(&req, XM_C_OK);

	for (int cut = 0; cut < len; cut++)
		cr_assert_eq(xm_wire_get_result(buf, (size_t)cut, &req, &out), -EPROTO);
}

/* ---- what lies behind a pointer -------------------------------------------------------------------- */

static int decode(const struct xm_request *req, struct xm_request *outp)
{
	int len = xm_wire_put_call(buf, sizeof(buf), 1, req);

	cr_assert_gt(len, 0);
	return xm_wire_get_call(buf, (size_t)len, outp);
}

Test(wire, fields_of_a_structure_arrive_in_order)
{
	struct xm_request req = sample(XM_OP_X86_UPDATE_GDT), out;

	xm_put_word(fields, 11);
	xm_put_word(fields + 8, UINT64_MAX - 1);
	cr_assert_eq(decode(&req, &out), 0);
	cr_expect_eq(out.arg[1].len, 2);
	cr_expect_eq(xm_value_word(&out.arg[1], 0), 11);
	cr_expect_eq(xm_value_word(&out.arg[1], 1), UINT64_MAX - 1);
}

Test(wire, a_structure_that_lacks_a_field_is_refused)
{
	struct xm_request req = sample(XM_OP_X86_UPDATE_GDT), out;

	for (req.arg[1].len = 0; req.arg[1].len < 5; req.arg[1].len++)
		cr_expect_eq(decode(&req, &out), req.arg[1].len == 2 ? 0 : -EPROTO);
}

Test(wire, records_that_disagree_with_their_count_are_refused)
{
	struct xm_request req = sample(XM_OP_SET_SPARE_PLAN), out;

	req.arg[XM_A_SET_SPARE_PLAN_noSlots].num = 6;
	cr_expect_eq(decode(&req, &out), -EPROTO);
	req.arg[XM_A_SET_SPARE_PLAN_noSlots].num = 0x100000007;
	cr_expect_eq(decode(&req, &out), -EPROTO);
}

Test(wire, more_records_than_a_request_carries_travel_as_a_state)
{
	struct xm_request req = sample(XM_OP_SET_SPARE_PLAN), out;

	req.arg[XM_A_SET_SPARE_PLAN_noSlots].num = XM_MAX_RECORDS + 1;
	req.arg[XM_A_SET_SPARE_PLAN_slots].state = XM_ST_OVERSIZE;
	cr_expect_eq(decode(&req, &out), 0);
	req.arg[XM_A_SET_SPARE_PLAN_slots].state = XM_ST_OK;
	req.arg[XM_A_SET_SPARE_PLAN_slots].len = (XM_MAX_RECORDS + 1) * 3;
	cr_expect_eq(decode(&req, &out), -EPROTO);
}

Test(wire, a_number_behind_a_pointer_can_be_missing_like_the_pointer)
{
	struct xm_request req = sample(XM_OP_TRACE_EVENT), out;
	struct xm_value *mask = &req.arg[XM_A_TRACE_EVENT_bitmask];

	for (mask->state = 0; mask->state < XM_ST_OVERSIZE; mask->state++) {
		cr_expect_eq(decode(&req, &out), 0, "state %u", mask->state);
		cr_expect_eq(out.arg[XM_A_TRACE_EVENT_bitmask].state, mask->state);
	}
	cr_expect_eq(decode(&req, &out), -EPROTO);
}

Test(wire, a_structure_without_all_fields_in_a_result_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_PLAN_STATUS);
	struct xm_reply reply, out;
	int len;

	for (unsigned int n = 0; n <= XM_NF_PLAN_STATUS; n++) {
		xm_reply_init(&reply, NULL, 0);
		xm_reply_put_words(&reply, XM_A_GET_PLAN_STATUS_status, n);
		len = xm_wire_put_result(buf, sizeof(buf), 7, &req, &reply);
		cr_expect_eq(xm_wire_get_result(buf, (size_t)len, &req, &out),
			     n == XM_NF_PLAN_STATUS ? 0 : -EPROTO);
	}
}

Test(wire, data_that_lies_in_the_room_of_the_message_is_moved)
{
	struct xm_request req = sample(XM_OP_READ_SAMPLING_MESSAGE);
	struct xm_reply reply, out;
	int len;

	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = 60000;
	for (unsigned int i = 0; i < 60000; i++)
		buf[256 + i] = (uint8_t)(i * 7 >> 3);
	xm_reply_init(&reply, buf + 256, 60000);
	reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer] =
		(struct xm_value){ .state = XM_ST_OK, .len = 60000, .data = buf + 256 };
	xm_reply_put_num(&reply, XM_A_READ_SAMPLING_MESSAGE_flags, 5);
	len = xm_wire_put_result(buf, sizeof(buf), 7, &req, &reply);
	cr_assert_eq(xm_wire_get_result(buf, (size_t)len, &req, &out), 0);
	for (unsigned int i = 0; i < 60000; i++)
		cr_assert_eq(out.out[XM_A_READ_SAMPLING_MESSAGE_buffer].data[i],
			     (uint8_t)(i * 7 >> 3));
	cr_expect_eq(out.out[XM_A_READ_SAMPLING_MESSAGE_flags].num, 5);
}
