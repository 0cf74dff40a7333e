// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a client sends never reaches a terminal or breaks a record. */

#include <criterion/criterion.h>
#include <string.h>

#include "libxm/core/text.h"

static char out[256];

static const char *json(const char *data, size_t len)
{
	struct text t = TEXT_INIT(out);

	text_json(&t, data, len);
	return out;
}

static const char *safe(const char *data, size_t len)
{
	struct text t = TEXT_INIT(out);

	text_safe(&t, data, len);
	return out;
}

Test(text, json_escapes_quotes_and_controls)
{
	cr_assert_str_eq(json("a\"b\\c", 5), "\"a\\\"b\\\\c\"");
	cr_assert_str_eq(json("\x1b[2J\n\x7f", 6), "\"\\u001b[2J\\u000a\\u007f\"");
	cr_assert_str_eq(json("\0", 1), "\"\\u0000\"");
}

Test(text, json_keeps_utf8_and_escapes_what_is_not)
{
	cr_assert_str_eq(json("gr\xc3\xbc\xc3\x9f", 6), "\"gr\xc3\xbc\xc3\x9f\"");
	cr_assert_str_eq(json("\xff", 1), "\"\\u00ff\"");
	cr_assert_str_eq(json("\xc3", 1), "\"\\u00c3\"");
	/* overlong, surrogate, beyond Unicode, C1 control, right-to-left override */
	cr_assert_str_eq(json("\xc0\x80", 2), "\"\\u00c0\\u0080\"");
	cr_assert_str_eq(json("\xed\xa0\x80", 3), "\"\\u00ed\\u00a0\\u0080\"");
	cr_assert_str_eq(json("\xf4\x90\x80\x80", 4), "\"\\u00f4\\u0090\\u0080\\u0080\"");
	cr_assert_str_eq(json("\xc2\x9b", 2), "\"\\u00c2\\u009b\"");
	cr_assert_str_eq(json("\xe2\x80\xae", 3), "\"\\u00e2\\u0080\\u00ae\"");
}

Test(text, safe_leaves_only_printable_ascii)
{
	for (unsigned int c = 0; c < 256; c++) {
		char byte = (char)c;

		for (const char *p = safe(&byte, 1); *p; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f);
	}
	cr_assert_str_eq(safe("\x1b]0;x\x07", 6), "\\x1b]0;x\\x07");
}

Test(text, a_full_buffer_cuts_and_says_so)
{
	char small[8];
	struct text t = TEXT_INIT(small);

	text_puts(&t, "0123456789");
	cr_assert_str_eq(small, "0123456");
	cr_assert(t.truncated);
	text_printf(&t, "%d", 5);
	cr_assert_str_eq(small, "0123456");
}

Test(text, numbers_at_their_limits)
{
	struct text t = TEXT_INIT(out);

	text_s64(&t, INT64_MIN);
	text_char(&t, ' ');
	text_u64(&t, UINT64_MAX);
	text_char(&t, ' ');
	text_hex(&t, UINT64_MAX);
	cr_assert_str_eq(out, "-9223372036854775808 18446744073709551615 0xffffffffffffffff");
}

Test(text, digits_and_bytes)
{
	static const uint8_t bytes[] = { 0x00, 0xff, 0x1b };
	struct text t = TEXT_INIT(out);

	text_digits(&t, 7, 2);
	text_char(&t, ' ');
	text_digits(&t, 123456, 6);
	text_char(&t, ' ');
	text_bytes(&t, bytes, sizeof(bytes));
	cr_assert_str_eq(out, "07 123456 00ff1b");
}

Test(text, request_prints_with_symbols)
{
	struct xm_request req = { .op = XM_OP_RESET_PARTITION };
	struct text t = TEXT_INIT(out);

	req.arg[XM_A_RESET_PARTITION_partitionId].num = 2;
	req.arg[XM_A_RESET_PARTITION_resetMode].num = 1;
	text_call(&t, &req);
	cr_assert_str_eq(out, "XM_reset_partition(2, XM_WARM_RESET, 0)");
	t = (struct text)TEXT_INIT(out);
	text_args_json(&t, &req);
	cr_assert_str_eq(out, "{\"partitionId\":2,\"resetMode\":\"XM_WARM_RESET\",\"status\":0}");
}

Test(text, request_prints_states_and_names_from_clients)
{
	struct xm_request req = { .op = XM_OP_GET_GID_BY_NAME };
	struct text t = TEXT_INIT(out);

	req.arg[0].data = (const uint8_t *)"x\x1b[m";
	req.arg[0].len = 4;
	text_args_json(&t, &req);
	cr_assert_str_eq(out, "{\"name\":\"x\\u001b[m\",\"entity\":\"XM_PARTITION_NAME\"}");
	req.arg[0].state = XM_ST_FAULT;
	t = (struct text)TEXT_INIT(out);
	text_args_json(&t, &req);
	cr_assert_str_eq(out, "{\"name\":\"fault\",\"entity\":\"XM_PARTITION_NAME\"}");
}

Test(text, structures_that_come_in_print_by_field)
{
	struct xm_request req = { .op = XM_OP_X86_UPDATE_GDT };
	struct text t = TEXT_INIT(out);
	uint8_t fields[16];

	xm_put_word(fields, 0x123);
	xm_put_word(fields + 8, UINT64_MAX);
	req.arg[1].data = fields;
	req.arg[1].len = 2;
	text_args_json(&t, &req);
	cr_assert_str_eq(out, "{\"entry\":0,\"desc\":{\"low\":291,\"high\":18446744073709551615}}");
	t = (struct text)TEXT_INIT(out);
	text_call(&t, &req);
	cr_assert_str_eq(out, "XM_x86_update_gdt(0, {low=291, high=18446744073709551615})");
}

Test(text, records_that_come_in_print_as_a_list)
{
	struct xm_request req = { .op = XM_OP_SET_SPARE_PLAN };
	struct text t = TEXT_INIT(out);
	uint8_t fields[48] = { 1 };

	req.arg[XM_A_SET_SPARE_PLAN_slots].data = fields;
	req.arg[XM_A_SET_SPARE_PLAN_slots].len = 6;
	req.arg[XM_A_SET_SPARE_PLAN_noSlots].num = 2;
	text_args_json(&t, &req);
	cr_assert_not_null(strstr(out, "\"slots\":[{\"id\":1,\"partitionId\":0,\"duration\":0},"
				       "{\"id\":0,\"partitionId\":0,\"duration\":0}]"),
			   "%s", out);
}
