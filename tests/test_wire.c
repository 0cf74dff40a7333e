// SPDX-License-Identifier: LGPL-2.1-or-later
/* The wire codec: every operation round-trips, and nothing malformed is taken. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"

static uint8_t buf[XM_WIRE_PACKET];
static const uint8_t bytes[] = "0123456789abcdef";
static uint8_t fields[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

/* A valid request of an operation, every argument present. */
static struct xm_request sample(unsigned int id)
{
	struct xm_request req = { .op = id };

	for (unsigned int i = 0; i < xm_ops[id].n_args; i++) {
		struct xm_value *v = &req.arg[i];

		const struct xm_arg *arg = &xm_ops[id].args[i];

		v->num = xm_type_is_scalar(arg->type) ? 7 : 0;
		if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN) {
			v->len = xm_structs[arg->ref].n_fields *
				 (arg->type == XM_T_RECORDS_IN ? 7 : 1);
			v->data = fields;
		}
		if (xm_ops[id].args[i].type == XM_T_NAME ||
		    xm_ops[id].args[i].type == XM_T_DATA_IN) {
			v->len = 7;
			v->data = bytes;
		}
	}
	return req;
}

static int put_sample(unsigned int id, uint32_t serial)
{
	struct xm_request req = sample(id);

	return xm_wire_put_call(buf, sizeof(buf), serial, &req);
}

Test(wire, hello_round_trips)
{
	struct xm_wire_hello in = { 1, 2, XM_PROFILE_ID_2_4, "probe", "/user.slice" }, out;
	int len = xm_wire_put_hello(buf, sizeof(buf), &in);

	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_hello(buf, (size_t)len, &out), 0);
	cr_assert_eq(out.version_max, 2);
	cr_assert_str_eq(out.comm, "probe");
	cr_assert_str_eq(out.cgroup, "/user.slice");
}

Test(wire, hello_is_the_documented_bytes)
{
	static const uint8_t expected[] = { 0x58, 0x6d, 1, 0,   0x1e, 0,   0,   0,   0, 0,
					    0,    0,    0, 0,   0,    0,   1,   0,   1, 0,
					    3,    5,    0, 'p', 'r',  'o', 'b', 'e', 0, 0 };
	struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_3_X, "probe", "" };

	cr_assert_eq(xm_wire_put_hello(buf, sizeof(buf), &hello), (int)sizeof(expected));
	cr_assert_arr_eq(buf, expected, sizeof(expected));
}

Test(wire, hello_of_an_unknown_profile_is_refused)
{
	struct xm_wire_hello hello = { 1, 1, 9, "", "" }, out;
	int len = xm_wire_put_hello(buf, sizeof(buf), &hello);

	cr_assert_eq(xm_wire_get_hello(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, hello_with_a_nul_in_its_name_is_refused)
{
	struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_3_X, "probe", "" }, out;
	int len = xm_wire_put_hello(buf, sizeof(buf), &hello);

	buf[25] = 0;
	cr_assert_eq(xm_wire_get_hello(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, welcome_and_refused_round_trip)
{
	struct xm_wire_welcome w = { 1, XM_PROFILE_ID_3_X, 2, 5, 65536 }, w2;
	struct xm_wire_refused r = { EAGAIN, "too many" }, r2;
	int len = xm_wire_put_welcome(buf, sizeof(buf), &w);

	cr_assert_eq(xm_wire_get_welcome(buf, (size_t)len, &w2), 0);
	cr_assert_eq(w2.partition, 2);
	len = xm_wire_put_refused(buf, sizeof(buf), &r);
	cr_assert_eq(xm_wire_get_refused(buf, (size_t)len, &r2), 0);
	cr_assert_str_eq(r2.reason, "too many");
}

Test(wire, every_operation_round_trips)
{
	for (unsigned int id = 0; id < XM_N_OPS; id++) {
		struct xm_request out;
		struct xm_wire_head head;
		int len = put_sample(id, 99 + id);

		cr_assert_gt(len, 0, "%s", xm_ops[id].name);
		cr_assert_eq(xm_wire_get_head(buf, (size_t)len, &head), 0);
		cr_assert_eq(head.serial, 99 + id);
		cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), 0, "%s", xm_ops[id].name);
		cr_assert_eq(out.op, id);
		for (unsigned int i = 0; i < xm_ops[id].n_args; i++)
			if (xm_type_is_scalar(xm_ops[id].args[i].type))
				cr_assert_eq(out.arg[i].num, 7);
	}
}

Test(wire, every_call_is_refused_when_cut_or_extended)
{
	for (unsigned int id = 0; id < XM_N_OPS; id++) {
		struct xm_request out;
		int len = put_sample(id, 1);

		for (int cut = 0; cut < len; cut++)
			cr_assert_eq(xm_wire_get_call(buf, (size_t)cut, &out), -EPROTO);
		/* One more byte, with the length in the header saying so. */
		buf[len] = 0;
		buf[4]++;
		cr_assert_eq(xm_wire_get_call(buf, (size_t)len + 1, &out), -EPROTO);
	}
}

Test(wire, header_bits_that_must_be_zero_are_checked)
{
	struct xm_request out;
	int len = put_sample(XM_OP_GET_TIME, 1);

	for (unsigned int i = 12; i < 16; i++) {
		buf[i] = 1;
		cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
		buf[i] = 0;
	}
	buf[3] = 0x80;
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, another_message_type_is_not_a_call)
{
	struct xm_request out;
	int len = put_sample(XM_OP_GET_TIME, 1);

	buf[2] = XM_WIRE_RESULT;
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, number_outside_its_type_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME), out;
	int len;

	req.arg[0].num = 1ull << 32;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, unextended_negative_number_is_refused)
{
	struct xm_request req = sample(XM_OP_HM_SEEK), out;
	int len;

	req.arg[XM_A_HM_SEEK_offset].num = 0xffffffff;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, length_that_disagrees_with_the_data_is_refused)
{
	struct xm_request req = sample(XM_OP_WRITE_CONSOLE), out;
	int len;

	req.arg[XM_A_WRITE_CONSOLE_length].num = 8;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, capacity_beyond_the_maximum_is_refused)
{
	struct xm_request req = sample(XM_OP_READ_SAMPLING_MESSAGE), out;
	int len;

	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = XM_WIRE_DATA_MAX + 1;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, name_with_a_nul_is_refused)
{
	static const uint8_t name[] = "a\0b";
	struct xm_request req = sample(XM_OP_GET_GID_BY_NAME), out;
	int len;

	req.arg[0].data = name;
	req.arg[0].len = 3;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO);
}

Test(wire, state_that_does_not_fit_the_type_is_refused)
{
	struct xm_request req = sample(XM_OP_GET_TIME), out;

	for (unsigned int state = 1; state < 256; state++) {
		int len;

		req.arg[0].state = (uint8_t)state;
		len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
		cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), -EPROTO, "state %u", state);
	}
}

Test(wire, bad_pointers_travel_as_states)
{
	struct xm_request req = sample(XM_OP_GET_TIME), out;
	int len;

	req.arg[1].state = XM_ST_FAULT;
	len = xm_wire_put_call(buf, sizeof(buf), 1, &req);
	cr_assert_eq(xm_wire_get_call(buf, (size_t)len, &out), 0);
	cr_assert_eq(out.arg[1].state, XM_ST_FAULT);
}

Test(wire, message_that_does_not_fit_is_not_written)
{
	struct xm_request req = sample(XM_OP_WRITE_CONSOLE);
	uint8_t small[32];

	cr_assert_eq(xm_wire_put_call(small, sizeof(small), 1, &req), -EMSGSIZE);
}

/* ---- results --------------------------------------------------------------------------------------- */

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

/* ---- the table ------------------------------------------------------------------------------------- */

Test(wire, records_are_followed_by_their_count_and_fit_into_a_reply)
{
	for (unsigned int id = 0; id < XM_N_OPS; id++) {
		const struct xm_op *op = &xm_ops[id];

		for (unsigned int i = 0; i < op->n_args; i++) {
			enum xm_type type = op->args[i].type;

			if (type != XM_T_RECORDS_IN && type != XM_T_RECORDS_OUT)
				continue;
			cr_assert_lt(i + 1, op->n_args, "%s", op->name);
			cr_expect_eq(op->args[i + 1].type, XM_T_U32, "%s", op->name);
			cr_expect_leq(xm_structs[op->args[i].ref].n_fields * XM_MAX_RECORDS,
				      XM_REPLY_WORDS, "%s", op->name);
		}
	}
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

/* ---- parts ----------------------------------------------------------------------------------------- */

#define WHOLE (2 * XM_WIRE_PART_DATA + 10)
static uint8_t whole[WHOLE], copy[WHOLE];

Test(wire, parts_make_up_the_whole)
{
	struct xm_wire_part part;
	size_t at = 0;

	for (size_t i = 0; i < WHOLE; i++)
		whole[i] = (uint8_t)(i * 31 >> 4);
	while (at < WHOLE) {
		int len = xm_wire_put_part(buf, sizeof(buf), 9, whole, WHOLE, at);

		cr_assert_gt(len, 0);
		cr_assert_eq(xm_wire_get_part(buf, (size_t)len, &part), 0);
		cr_expect_eq(part.serial, 9);
		cr_expect_eq(part.total, WHOLE);
		cr_assert_eq(part.offset, at);
		memcpy(copy + at, part.data, part.len);
		at += part.len;
	}
	cr_expect_eq(at, WHOLE);
	cr_expect_eq(memcmp(copy, whole, WHOLE), 0);
}

/* A first part with these numbers in it, of `len` bytes altogether. */
static int part_with(uint32_t total, uint32_t offset, size_t len)
{
	struct xm_wire_part part;

	xm_wire_put_part(buf, sizeof(buf), 9, whole, WHOLE, 0);
	for (unsigned int i = 0; i < 4; i++) {
		buf[4 + i] = (uint8_t)(len >> (8 * i));
		buf[16 + i] = (uint8_t)(total >> (8 * i));
		buf[20 + i] = (uint8_t)(offset >> (8 * i));
	}
	return xm_wire_get_part(buf, len, &part);
}

Test(wire, parts_of_what_is_no_long_message_are_refused)
{
	cr_expect_eq(part_with(WHOLE, 0, XM_WIRE_PACKET), 0);
	cr_expect_eq(part_with(XM_WIRE_MAX, 0, XM_WIRE_PACKET), 0);
	cr_expect_eq(part_with(XM_WIRE_MAX + 1, 0, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(UINT32_MAX, 0, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(XM_WIRE_PACKET, 0, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(0, 0, XM_WIRE_PART_HEAD), -EPROTO);
}

Test(wire, parts_that_are_not_full_or_not_in_place_are_refused)
{
	cr_expect_eq(part_with(WHOLE, 0, XM_WIRE_PACKET - 1), -EPROTO);
	cr_expect_eq(part_with(WHOLE, 1, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(WHOLE, XM_WIRE_PART_DATA, XM_WIRE_PACKET), 0);
	cr_expect_eq(part_with(WHOLE, 2 * XM_WIRE_PART_DATA, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(WHOLE, 2 * XM_WIRE_PART_DATA, XM_WIRE_PART_HEAD + 10), 0);
	cr_expect_eq(part_with(WHOLE, 3 * XM_WIRE_PART_DATA, XM_WIRE_PART_HEAD), -EPROTO);
	cr_expect_eq(part_with(WHOLE, 3 * XM_WIRE_PART_DATA, XM_WIRE_PACKET), -EPROTO);
	cr_expect_eq(part_with(WHOLE, 0, XM_WIRE_HEAD), -EPROTO);
}

/* ---- batches --------------------------------------------------------------------------------------- */

static struct xm_request batch[XM_BATCH_MAX + 1], got[XM_BATCH_MAX], beyond[XM_BATCH_MAX + 1];
static uint8_t big[1 << 20];
static unsigned int n_got;

static void fill_batch(void)
{
	for (unsigned int i = 0; i < XM_BATCH_MAX + 1; i++)
		batch[i] = sample(XM_OP_GET_TIME);
}

Test(wire, a_batch_of_everything_round_trips)
{
	unsigned int n = 0;
	int len;

	for (unsigned int id = 0; id < XM_N_OPS; id++)
		if (!(xm_ops[id].flags & (XM_OPF_PUBLIC | XM_OPF_BROKER)))
			batch[n++] = sample(id);
	len = xm_wire_put_batch(big, sizeof(big), 5, batch, n);
	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_batch(big, (size_t)len, got, &n_got), 0);
	cr_assert_eq(n_got, n);
	for (unsigned int i = 0; i < n; i++)
		cr_expect_eq(got[i].op, batch[i].op);
	for (int cut = 0; cut < len; cut++)
		cr_assert_eq(xm_wire_get_batch(big, (size_t)cut, got, &n_got), -EPROTO);
	big[len] = 0;
	big[4]++;
	cr_expect_eq(xm_wire_get_batch(big, (size_t)len + 1, got, &n_got), -EPROTO);
}

Test(wire, a_batch_and_its_answers_are_the_documented_bytes)
{
	static const uint8_t asked[] = { 0x58, 0x6d, 7, 0, 0x2c, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0,
					 0,    2,    0, 2, 0,    2, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 0,    2,    0, 2, 0,    1, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t refused[] = { 0x58, 0x6d, 8, 0, 0x15, 0, 0, 0, 9, 0, 0,
					   0,    0,    0, 0, 0,    0, 2, 0, 0, 4 };
	static const uint8_t codes[] = { XM_C_OK, XM_C_PERM_ERROR };

	batch[0] = batch[1] = sample(XM_OP_GET_TIME);
	batch[0].arg[0].num = 0;
	batch[1].arg[0].num = 1;
	cr_assert_eq(xm_wire_put_batch(big, sizeof(big), 9, batch, 2), (int)sizeof(asked));
	cr_expect_arr_eq(big, asked, sizeof(asked));
	cr_assert_eq(xm_wire_put_batch_refusal(big, sizeof(big), 9, codes, 2),
		     (int)sizeof(refused));
	cr_expect_arr_eq(big, refused, sizeof(refused));
}

Test(wire, a_batch_has_one_to_512_elements)
{
	int len;

	fill_batch();
	cr_expect_eq(xm_wire_put_batch(big, sizeof(big), 5, batch, XM_BATCH_MAX + 1), -EMSGSIZE);
	len = xm_wire_put_batch(big, sizeof(big), 5, batch, XM_BATCH_MAX);
	cr_expect_eq(xm_wire_get_batch(big, (size_t)len, got, &n_got), 0);
	/* One more, and the header says so. */
	memcpy(big + len, big + len - 13, 13);
	len += 13;
	big[4] = (uint8_t)len;
	big[5] = (uint8_t)(len >> 8);
	big[16]++;
	cr_expect_eq(xm_wire_get_batch(big, (size_t)len, beyond, &n_got), -EPROTO);
	len = xm_wire_put_batch(big, sizeof(big), 5, batch, 0);
	cr_expect_eq(xm_wire_get_batch(big, (size_t)len, got, &n_got), -EPROTO);
}

Test(wire, a_batch_holds_nothing_of_the_broker_and_nothing_public)
{
	for (unsigned int id = 0; id < XM_N_OPS; id++) {
		int len;

		batch[0] = sample(XM_OP_GET_TIME);
		batch[1] = sample(id);
		len = xm_wire_put_batch(big, sizeof(big), 5, batch, 2);
		cr_expect_eq(xm_wire_get_batch(big, (size_t)len, got, &n_got),
			     xm_ops[id].flags & (XM_OPF_PUBLIC | XM_OPF_BROKER) ? -EPROTO : 0, "%s",
			     xm_ops[id].name);
	}
}

/* The answer to two calls that read the time and a message. */
static int put_results(size_t cap)
{
	static uint8_t space[64];
	struct xm_reply reply;
	int len = xm_wire_begin_batch_result(big, cap, 5, 2);

	batch[0] = sample(XM_OP_GET_TIME);
	batch[1] = sample(XM_OP_READ_SAMPLING_MESSAGE);
	xm_reply_init(&reply, space, sizeof(space));
	xm_reply_put_num(&reply, XM_A_GET_TIME_time, 1000);
	len = xm_wire_add_batch_result(big, cap, len, &batch[0], &reply);
	xm_reply_init(&reply, space, sizeof(space));
	xm_reply_put_data(&reply, XM_A_READ_SAMPLING_MESSAGE_buffer, bytes, 7);
	xm_reply_put_num(&reply, XM_A_READ_SAMPLING_MESSAGE_flags, 1);
	reply.value = 7;
	len = xm_wire_add_batch_result(big, cap, len, &batch[1], &reply);
	return xm_wire_end_batch_result(big, cap, len);
}

static int read_results(size_t len, struct xm_reply *reply)
{
	struct xm_wire_batch_result result;
	int r = xm_wire_get_batch_result(big, len, 2, &result);

	for (unsigned int i = 0; i < 2 && r == 0; i++)
		r = xm_wire_next_batch_result(&result, &batch[i], i == 1, reply);
	return r;
}

Test(wire, results_of_a_batch_round_trip)
{
	struct xm_reply reply;
	int len = put_results(sizeof(big));

	cr_assert_gt(len, 0);
	cr_expect_eq((size_t)len, xm_wire_batch_result_max(batch, 2));
	cr_assert_eq(read_results((size_t)len, &reply), 0);
	cr_expect_eq(reply.value, 7);
	cr_expect_eq(memcmp(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].data, bytes, 7), 0);
	cr_expect_eq(put_results((size_t)len), len);
	cr_expect_eq(put_results((size_t)len - 1), -EMSGSIZE);
}

Test(wire, results_of_a_batch_cut_or_extended_are_refused)
{
	struct xm_reply reply;
	int len = put_results(sizeof(big));

	for (int cut = 19; cut < len; cut++) {
		big[4] = (uint8_t)cut; /* the header agrees */
		cr_assert_eq(read_results((size_t)cut, &reply), -EPROTO, "%d of %d", cut, len);
	}
	big[4] = (uint8_t)(len + 1);
	cr_expect_eq(read_results((size_t)len + 1, &reply), -EPROTO);
}

Test(wire, results_of_another_number_of_calls_are_refused)
{
	struct xm_wire_batch_result result;
	int len = put_results(sizeof(big));

	cr_expect_eq(xm_wire_get_batch_result(big, (size_t)len, 3, &result), -EPROTO);
	cr_expect_eq(xm_wire_get_batch_result(big, (size_t)len, 1, &result), -EPROTO);
	big[16] = 2; /* neither ran nor refused */
	cr_expect_eq(xm_wire_get_batch_result(big, (size_t)len, 2, &result), -EPROTO);
}

static int refusal(uint8_t a, uint8_t b)
{
	struct xm_wire_batch_result result;
	const uint8_t codes[] = { a, b };
	int len = xm_wire_put_batch_refusal(big, sizeof(big), 5, codes, 2);

	cr_assert_gt(len, 0);
	return xm_wire_get_batch_result(big, (size_t)len, 2, &result);
}

Test(wire, a_refusal_gives_a_reason_that_is_one)
{
	cr_expect_eq(refusal(XM_C_OK, XM_C_PERM_ERROR), 0);
	cr_expect_eq(refusal(XM_C_OK, XM_C_OK), -EPROTO);
	cr_expect_eq(refusal(XM_C_OK, XM_C_UNKNOWN_OUTCOME), -EPROTO);
	cr_expect_eq(refusal(XM_C_PERM_ERROR, XM_N_CODES), -EPROTO);
}

/* Where a size_t has 32 bits their sum would be a small one. */
Test(wire, the_length_of_answers_that_are_too_long_does_not_wrap)
{
	for (unsigned int i = 0; i < XM_BATCH_MAX; i++) {
		batch[i] = sample(XM_OP_READ_SAMPLING_MESSAGE);
		batch[i].arg[XM_A_READ_SAMPLING_MESSAGE_size].num = XM_WIRE_DATA_MAX;
	}
	for (unsigned int n = 2; n <= XM_BATCH_MAX; n++) {
		cr_assert_gt(xm_wire_batch_result_max(batch, n), XM_WIRE_MAX);
		cr_assert_leq(xm_wire_batch_result_max(batch, n), 2 * XM_WIRE_MAX);
	}
}

Test(wire, no_answer_is_longer_than_was_said)
{
	static struct xm_reply reply;
	static uint8_t space[64];

	for (unsigned int id = 0; id < XM_N_OPS; id++) {
		struct xm_request req = sample(id);
		int len;

		xm_reply_init(&reply, space, sizeof(space));
		for (unsigned int i = 0; i < xm_ops[id].n_args; i++) {
			const struct xm_arg *arg = &xm_ops[id].args[i];

			if (arg->type == XM_T_U32_OUT || arg->type == XM_T_S64_OUT)
				xm_reply_put_num(&reply, i, 1);
			else if (arg->type == XM_T_STRUCT_OUT)
				xm_reply_put_words(&reply, i, xm_structs[arg->ref].n_fields);
			else if (arg->type == XM_T_RECORDS_OUT)
				xm_reply_put_words(&reply, i, 7 * xm_structs[arg->ref].n_fields);
			else if (!xm_type_is_in(arg->type))
				xm_reply_put_data(&reply, i, bytes, 7);
		}
		len = xm_wire_put_result(buf, sizeof(buf), 7, &req, &reply);
		cr_expect_leq((size_t)len, xm_wire_batch_result_max(&req, 1), "%s",
			      xm_ops[id].name);
	}
}
