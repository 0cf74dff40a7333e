// SPDX-License-Identifier: LGPL-2.1-or-later
/* The wire codec: messages in parts, batches and their results. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/wire_rig.h"

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
