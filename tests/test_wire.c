// SPDX-License-Identifier: LGPL-2.1-or-later
/* The wire codec: session messages and calls round-trip, and nothing malformed is taken. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/wire_rig.h"

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

Test(wire, an_operation_that_is_none_is_refused)
{
	struct xm_request out;
	int len = put_sample(XM_OP_GET_TIME, 1);

	cr_assert_lt(xm_op_by_wire(511), 0);
	buf[XM_WIRE_HEAD] = 511 & 0xff;
	buf[XM_WIRE_HEAD + 1] = 511 >> 8;
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
