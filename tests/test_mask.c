// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The set of hypercalls that a policy can lead to: as the compiler puts it into the image, as the
 * verifier checks it, and as a message.
 */

#include <errno.h>

#include "libxm/core/wire.h"
#include "policy/image_layout.h"
#include "tests/policy/helper.h"

/* In every mask: what tells whether the description is that of the hypervisor. */
static const unsigned int always[] = {
	XM_OP_GET_GID_BY_NAME,
	XM_OP_GET_PLAN_STATUS,
	XM_OP_GET_SAMPLING_PORT_INFO,
	XM_OP_GET_QUEUING_PORT_INFO,
};
#define N_ALWAYS (sizeof(always) / sizeof(always[0]))

/* Whether the mask of this policy has these operations, those, and no other. */
static void has_just(const char *text, const unsigned int ops[], size_t n)
{
	struct compiled c = compile_good(text);
	struct xm_mask mask, wanted = { { 0 } };

	for (size_t i = 0; i < n; i++)
		xm_mask_add(&wanted, ops[i]);
	for (size_t i = 0; i < N_ALWAYS; i++)
		xm_mask_add(&wanted, always[i]);
	policy_image_mask(c.image, &mask);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		cr_expect_eq(xm_mask_has(&mask, op), xm_mask_has(&wanted, op), "%s in\n%s",
			     xm_ops[op].name, text);
	cr_expect(xm_mask_equal(&mask, &wanted));
	compiled_free(&c);
}

#define HAS_JUST(text, ...)                                                                        \
	has_just(PREAMBLE text, (unsigned int[]){ __VA_ARGS__ },                                   \
		 sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int))

#define GRANT "grants: [{to: \"user:1\", roles: [r]}]\n"

Test(mask, holds_what_is_allowed)
{
	HAS_JUST("roles: {r: [{allow: [XM_get_time, XM_halt_partition]}]}\n" GRANT, XM_OP_GET_TIME,
		 XM_OP_HALT_PARTITION);
}

Test(mask, holds_what_is_allowed_under_conditions)
{
	HAS_JUST("roles: {r: [{allow: XM_halt_partition, where: {partitionId: 1}}]}\n" GRANT,
		 XM_OP_HALT_PARTITION);
}

Test(mask, does_not_hold_what_nobody_is_granted)
{
	HAS_JUST("roles: {r: [{allow: XM_get_time}], nobody: [{allow: XM_halt_system}]}\n" GRANT,
		 XM_OP_GET_TIME);
}

Test(mask, does_not_hold_what_is_only_denied)
{
	HAS_JUST("roles: {r: [{allow: XM_get_time}, {deny: XM_write_console}]}\n" GRANT,
		 XM_OP_GET_TIME);
}

Test(mask, does_not_hold_what_the_broker_answers)
{
	HAS_JUST("roles: {r: [{allow: [broker_status, XM_get_partition_mmap, "
		 "XM_get_time]}]}\n" GRANT,
		 XM_OP_GET_TIME);
}

Test(mask, holds_what_a_log_is_read_with)
{
	HAS_JUST("roles: {r: [{allow: XM_hm_read}]}\n" GRANT, XM_OP_HM_READ, XM_OP_HM_SEEK,
		 XM_OP_HM_STATUS);
	HAS_JUST("roles: {r: [{allow: XM_trace_seek}]}\n" GRANT, XM_OP_TRACE_READ, XM_OP_TRACE_SEEK,
		 XM_OP_TRACE_STATUS);
}

Test(mask, holds_what_the_partition_table_is_made_from)
{
	HAS_JUST("roles: {r: [{allow: XM_get_PCT}]}\n" GRANT, XM_OP_GET_PARTITION_STATUS,
		 XM_OP_GET_PLAN_STATUS, XM_OP_GET_TIME);
}

Test(mask, of_a_policy_that_allows_nothing_has_just_what_is_always_there)
{
	struct compiled c = compile_good(PREAMBLE "roles: {r: []}\n");
	struct xm_mask mask;

	policy_image_mask(c.image, &mask);
	cr_expect_eq(xm_mask_count(&mask), N_ALWAYS);
	compiled_free(&c);
}

/* Whoever holds the image's descriptor finds it without looking further. */
Test(mask, stands_at_its_fixed_place)
{
	struct compiled c = compile_good(PREAMBLE "roles: {r: [{allow: XM_get_time}]}\n" GRANT);
	struct xm_mask mask;

	policy_image_mask(c.image, &mask);
	cr_expect_arr_eq((uint8_t *)c.block + POLICY_IMAGE_MASK_AT, mask.bytes, XM_MASK_BYTES);
	cr_expect_eq(((uint8_t *)c.block)[POLICY_IMAGE_MASK_AT], 1u << 2, "XM_get_time is 2");
	compiled_free(&c);
}

/* The compiler may have been taken over: its word is not taken for it. */
Test(mask, image_whose_mask_is_not_what_the_rules_say_is_refused)
{
	struct compiled c = compile_good(PREAMBLE "roles: {r: [{allow: XM_get_time}]}\n" GRANT);
	struct policy_image *header = c.block;

	for (unsigned int n = 0; n < 8 * XM_MASK_BYTES; n++) {
		header->mask.bytes[n / 8] ^= (uint8_t)(1u << n % 8);
		header->checksum = image_checksum(c.block, c.len);
		cr_expect_null(policy_image_verify(c.block, c.len), "operation %u", n);
		header->mask.bytes[n / 8] ^= (uint8_t)(1u << n % 8);
	}
	header->checksum = image_checksum(c.block, c.len);
	cr_expect_not_null(policy_image_verify(c.block, c.len));
	compiled_free(&c);
}

/* ---- the message ------------------------------------------------------------------------------------- */

static uint8_t msg[256];

Test(mask, restrict_round_trips)
{
	struct xm_mask mask = { { 0 } }, out;
	int len;

	xm_mask_add(&mask, XM_OP_GET_TIME);
	xm_mask_add(&mask, XM_OP_X86_SET_IF);
	len = xm_wire_put_restrict(msg, sizeof(msg), &mask);
	cr_assert_eq(len, 48);
	cr_assert_eq(xm_wire_get_restrict(msg, (size_t)len, &out), 0);
	cr_expect(xm_mask_equal(&mask, &out));
}

Test(mask, restrict_of_another_length_is_refused)
{
	struct xm_mask mask = { { 0 } };
	int len = xm_wire_put_restrict(msg, sizeof(msg), &mask);

	for (int n = 0; n < 64; n++) {
		if (n == len)
			continue;
		msg[4] = (uint8_t)n;
		cr_expect_eq(xm_wire_get_restrict(msg, (size_t)n, &mask), -EPROTO, "%d bytes", n);
	}
}

Test(mask, restrict_to_an_operation_that_does_not_exist_is_refused)
{
	struct xm_mask mask = { { 0 } }, out;
	int len;

	mask.bytes[255 / 8] = 1u << 255 % 8;
	len = xm_wire_put_restrict(msg, sizeof(msg), &mask);
	cr_expect_eq(xm_wire_get_restrict(msg, (size_t)len, &out), -EPROTO);
}

/* ---- sets -------------------------------------------------------------------------------------------- */

Test(mask, operations_of_the_broker_are_in_no_mask)
{
	struct xm_mask mask;

	memset(&mask, 0xff, sizeof(mask));
	cr_expect_not(xm_mask_has(&mask, XM_OP_BROKER_KICK));
	cr_expect_not(xm_mask_has(&mask, XM_N_OPS));
	memset(&mask, 0, sizeof(mask));
	xm_mask_add(&mask, XM_OP_BROKER_KICK);
	cr_expect_eq(xm_mask_count(&mask), 0);
}

Test(mask, sets)
{
	struct xm_mask a = { { 0x0f } }, b = { { 0x3c } }, c = a;

	xm_mask_unite(&c, &b);
	cr_expect_eq(c.bytes[0], 0x3f);
	cr_expect(xm_mask_covers(&c, &a));
	cr_expect_not(xm_mask_covers(&a, &c));
	xm_mask_intersect(&c, &b);
	cr_expect(xm_mask_equal(&c, &b));
	cr_expect_eq(xm_mask_count(&c), 4);
}
