// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls for the device against the library's own reading of raw calls: what device_put() makes of a
 * request, raw_gather() has to read as that request, and what raw_scatter() makes of a reply,
 * device_get() has to read as that reply.  For every operation of every profile, with arguments at
 * random.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/broker_fakes.h"
#include "xmbroker/device_call.h"

#define ROUNDS 40
#define SPACE 4096

static const struct raw_profile *const profiles[] = {
	&raw_profile_2_4,
	&raw_profile_2_6,
	&raw_profile_3_x,
	&raw_profile_prtos,
};

static struct device_call call;
static struct xm_request req;
static struct xm_reply reply, back;
static uint8_t space[SPACE], back_space[SPACE], scratch[65536];

static uint64_t random_number(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static uint8_t data[256];
static uint8_t fields[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

/* Where a profile is narrower than the table only what it can say is asked for. */
static uint64_t mask_of(const struct raw_source *source, const struct xm_arg *arg)
{
	unsigned int bits = arg->type == XM_T_U32 ? 32 : 63;

	switch (source->kind) {
	case RAW_PARTITION:
	case RAW_ID:
		return 0x3ff;
	case RAW_VCPU:
		return 0;
	case RAW_WORD_BITS:
		return (1u << source->bits) - 1;
	default:
		break;
	}
	if (source->size && 8u * source->size < bits)
		bits = 8u * source->size;
	if (source->bits && source->bits < bits)
		bits = source->bits;
	return bits == 64 ? ~0ull : (1ull << bits) - 1;
}

static void random_members(const struct raw_layout *layout, unsigned int at)
{
	for (unsigned int i = 0; i < layout->n_members; i++) {
		const struct raw_member *m = &layout->members[i];
		uint64_t value = random_number();

		if (m->bits < 64)
			value &= (1ull << m->bits) - 1;
		xm_put_word(fields + (at + m->field) * XM_WORD_BYTES, value << m->from);
	}
}

static void random_fields(const struct raw_row *row, unsigned int i)
{
	unsigned int n_fields = xm_structs[xm_ops[row->op].args[i].ref].n_fields;
	struct xm_value *v = &req.arg[i];
	unsigned int n = 1;

	memset(fields, 0, sizeof(fields));
	if (xm_ops[row->op].args[i].type == XM_T_RECORDS_IN)
		n = (unsigned int)req.arg[i + 1].num;
	for (unsigned int r = 0; r < n; r++)
		random_members(row->source[i].layout, r * n_fields);
	v->data = fields;
	v->len = n * n_fields;
}

static bool keeps(const struct raw_row *row, unsigned int i)
{
	unsigned int kind = row->source[i].kind;

	return kind == RAW_CONSTANT || kind == RAW_SELF || kind == RAW_ABSENT ||
	       (row->op == XM_OP_TRACE_UNRECOVERABLE && i == XM_A_TRACE_UNRECOVERABLE_criticality);
}

static void random_number_of(const struct raw_row *row, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[row->op].args[i];
	const struct raw_source *source = &row->source[i];
	uint64_t num = random_number() & mask_of(source, arg);

	if (arg->type == XM_T_S32)
		num = (uint64_t)(int64_t)(int32_t)num;
	if (arg->domain == XM_D_COPY_SIZE)
		num &= 0x7fffffff;
	if (source->kind == RAW_WORD && source->value)
		num = source->value + (num & 7);
	if (row->op == XM_OP_TRACE_EVENT && i == XM_A_TRACE_EVENT_criticality)
		num = random_number() % 3;
	req.arg[i].num = num;
	if (i && (arg[-1].type == XM_T_RECORDS_IN || arg[-1].type == XM_T_RECORDS_OUT))
		req.arg[i].num = 1 + num % 7;
	if (source->kind == RAW_COUNT && source->value == 1)
		req.arg[i].num = 1;
}

/* Descriptors of some rows name the hypervisor, those of others must not. */
static void fit_partition(const struct raw_row *row)
{
	for (unsigned int i = 0; i < xm_ops[row->op].n_args; i++) {
		if (row->source[i].kind == RAW_ABSENT)
			req.arg[i].state = XM_ST_ABSENT;
		if (row->source[i].kind == RAW_PARTITION && row->hypervisor != RAW_ANY)
			req.arg[i].num = row->hypervisor ? XM_HYPERVISOR_ID : random_number() % 8;
		if (row->source[i].kind == RAW_SELF)
			req.arg[i].num = 3;
	}
}

static void random_request(const struct raw_row *row)
{
	const struct xm_op *op = &xm_ops[row->op];

	fake_request(row->op, &req);
	for (unsigned int i = 0; i < op->n_args; i++)
		if (xm_type_is_scalar(op->args[i].type) && !keeps(row, i))
			random_number_of(row, i);
	for (unsigned int i = 0; i < op->n_args; i++) {
		if (op->args[i].type == XM_T_DATA_IN || op->args[i].type == XM_T_DATA_OUT)
			req.arg[op->args[i].ref].num = 1 + random_number() % sizeof(data);
		if (op->args[i].type == XM_T_DATA_IN) {
			req.arg[i].data = data;
			req.arg[i].len = (uint32_t)req.arg[op->args[i].ref].num;
		}
		if (op->args[i].type == XM_T_STRUCT_IN || op->args[i].type == XM_T_RECORDS_IN)
			random_fields(row, i);
	}
	fit_partition(row);
}

/* ---- the device -------------------------------------------------------------------------------------- */

/* What the device does with the buffers: a word, or the structure that lies there, points to each. */
static void connect(uint64_t words[RAW_WORDS])
{
	const struct raw_row *row = call.row;
	uint8_t *cell = NULL, *structure = call.structure;

	memcpy(words, call.ioc.args, sizeof(call.ioc.args));
	for (unsigned int b = 0; b < call.ioc.n_buffers; b++) {
		const struct xmctl_buffer *buffer = &call.ioc.buffers[b];

		if (buffer->depth == 0) {
			cr_assert_eq(words[buffer->word], 0);
			words[buffer->word] = buffer->address;
			cell = (uint8_t *)(uintptr_t)buffer->address;
		} else if (row->flags & RAW_INDIRECT && buffer->depth == 1) {
			memcpy(cell, &buffer->address, sizeof(uintptr_t));
		} else {
			for (unsigned int i = 0; i < xm_ops[row->op].n_args; i++)
				if (row->source[i].kind == RAW_NAME_FIELD ||
				    row->source[i].kind == RAW_RECORDS_IN ||
				    row->source[i].kind == RAW_RECORDS_FIELD)
					memcpy(structure + row->source[i].offset, &buffer->address,
					       sizeof(uintptr_t));
		}
	}
}

static void expect_value(const struct xm_value *is, const struct xm_value *want, enum xm_type type,
			 const char *where)
{
	cr_assert_eq(is->state, want->state, "%s: state %u, not %u", where, is->state, want->state);
	if (is->state != XM_ST_OK)
		return;
	if (xm_type_is_scalar(type))
		cr_assert_eq(is->num, want->num, "%s: %llx, not %llx", where,
			     (unsigned long long)is->num, (unsigned long long)want->num);
	if (type == XM_T_NAME || type == XM_T_DATA_IN) {
		cr_assert_eq(is->len, want->len, "%s", where);
		cr_assert_arr_eq(is->data, want->data, want->len, "%s", where);
	}
	if (type == XM_T_STRUCT_IN || type == XM_T_RECORDS_IN) {
		cr_assert_eq(is->len, want->len, "%s", where);
		for (uint32_t i = 0; i < want->len; i++)
			cr_assert_eq(xm_value_word(is, i), xm_value_word(want, i), "%s: field %u",
				     where, i);
	}
}

static void expect_request(const struct raw_call *raw, const char *profile)
{
	const struct xm_op *op = &xm_ops[req.op];
	char where[128];

	cr_assert_eq(raw->request.op, req.op, "%s: %s became %s", profile, op->name,
		     xm_ops[raw->request.op].name);
	for (unsigned int i = 0; i < op->n_args; i++) {
		snprintf(where, sizeof(where), "%s: %s, %s", profile, op->name, op->args[i].name);
		expect_value(&raw->request.arg[i], &req.arg[i], op->args[i].type, where);
	}
}

/* ---- replies ----------------------------------------------------------------------------------------- */

static void random_words(const struct raw_layout *layout, uint64_t *words)
{
	for (unsigned int i = 0; i < layout->n_members; i++) {
		const struct raw_member *m = &layout->members[i];
		uint64_t value = random_number();

		if (m->convert == RAW_HM_EVENT)
			value = 5 + value % 10; /* events that every family has */
		else if (m->convert == RAW_AREA_FLAGS)
			value &= 0x7;
		else if (m->bits < 64)
			value &= (1ull << m->bits) - 1;
		words[m->field] |= value << m->from;
	}
}

static void random_output(const struct raw_row *row, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[row->op].args[i];
	uint64_t *words;
	unsigned int n;

	switch (arg->type) {
	case XM_T_U32_OUT:
		xm_reply_put_num(&reply, i, (uint32_t)random_number());
		break;
	case XM_T_S64_OUT:
		xm_reply_put_num(&reply, i, random_number());
		break;
	case XM_T_DATA_OUT:
		reply.value = (uint32_t)(random_number() % (req.arg[arg->ref].num + 1));
		xm_reply_put_data(&reply, i, data, reply.value);
		break;
	case XM_T_STRUCT_OUT:
		random_words(row->source[i].layout,
			     xm_reply_put_words(&reply, i, xm_structs[arg->ref].n_fields));
		break;
	default:
		n = (unsigned int)(random_number() % (req.arg[i + 1].num + 1));
		reply.value = n;
		words = xm_reply_put_words(&reply, i, n * xm_structs[arg->ref].n_fields);
		for (unsigned int r = 0; r < n; r++)
			random_words(row->source[i].layout,
				     words + r * xm_structs[arg->ref].n_fields);
	}
}

static void random_reply(const struct raw_row *row)
{
	xm_reply_init(&reply, space, sizeof(space));
	reply.value = row->result == RAW_VALUE ? (uint32_t)(random_number() & 0xffff) : 0;
	if (row->result == RAW_TAKEN)
		reply.value = random_number() & 1;
	for (unsigned int i = 0; i < xm_ops[row->op].n_args; i++)
		if (!xm_type_is_in(xm_ops[row->op].args[i].type))
			random_output(row, i);
	if (row->result == RAW_ZERO)
		reply.value = 0;
}

static void expect_words(const struct xm_value *is, const struct xm_value *want, const char *where)
{
	cr_assert_eq(is->len, want->len, "%s: %u words, not %u", where, is->len, want->len);
	for (uint32_t i = 0; i < want->len; i++)
		cr_assert_eq(is->words[i], want->words[i], "%s: field %u is %llx, not %llx", where,
			     i, (unsigned long long)is->words[i],
			     (unsigned long long)want->words[i]);
}

static void expect_output(unsigned int i, const char *where)
{
	const struct xm_value *is = &back.out[i], *want = &reply.out[i];
	enum xm_type type = xm_ops[req.op].args[i].type;

	cr_assert_eq(is->state, want->state, "%s: state %u, not %u", where, is->state, want->state);
	if (type == XM_T_DATA_OUT) {
		cr_assert_eq(is->len, want->len, "%s", where);
		cr_assert_arr_eq(is->data, want->data, want->len, "%s", where);
	} else if (type == XM_T_STRUCT_OUT || type == XM_T_RECORDS_OUT) {
		expect_words(is, want, where);
	} else {
		cr_assert_eq(is->num, want->num, "%s", where);
	}
}

static void expect_reply(const char *profile)
{
	const struct xm_op *op = &xm_ops[req.op];
	char where[128];

	cr_assert_eq(back.code, XM_C_OK, "%s: %s", profile, op->name);
	cr_assert_eq(back.value, reply.value, "%s: %s: %u, not %u", profile, op->name, back.value,
		     reply.value);
	for (unsigned int i = 0; i < op->n_args; i++) {
		snprintf(where, sizeof(where), "%s: %s, %s", profile, op->name, op->args[i].name);
		if (!xm_type_is_in(op->args[i].type))
			expect_output(i, where);
	}
}

/* ---- all --------------------------------------------------------------------------------------------- */

static void round_trip(const struct raw_profile *profile, const struct raw_row *row)
{
	const char *name = xm_profile_name((uint8_t)profile->id);
	uint64_t words[RAW_WORDS];
	struct raw_call raw;
	enum xm_code code;

	random_request(row);
	xm_reply_init(&back, back_space, sizeof(back_space));
	code = device_put(&call, profile, 3, &req, &back);
	cr_assert_eq(code, XM_C_OK, "%s: %s: %s", name, xm_ops[row->op].name, xm_code_name(code));
	cr_assert_eq(call.ioc.operation, xm_ops[row->op].wire);
	connect(words);
	raw = (struct raw_call){ .profile = profile,
				 .words = words,
				 .family = true,
				 .self = 3,
				 .scratch = scratch,
				 .scratch_len = sizeof(scratch) };
	cr_assert_eq(raw_gather(&raw, call.ioc.number), 0);
	expect_request(&raw, name);
	random_reply(raw.row);
	call.ioc.result = raw_scatter(&raw, &reply);
	raw_release(&raw);
	device_get(&call, &req, &back);
	expect_reply(name);
}

/* What the device never issues, or the library has no raw call for. */
static bool is_asked(const struct raw_row *row)
{
	for (unsigned int i = 0; i < xm_ops[row->op].n_args; i++)
		if (xm_ops[row->op].args[i].domain == XM_D_CLIENT_ADDRESS)
			return false;
	return row->number < RAW_PARTITION_TABLE && row->op != XM_OP_PARTITION_SELF;
}

Test(device_call, what_is_put_is_what_the_library_reads_and_so_is_what_comes_back)
{
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (size_t p = 0; p < sizeof(profiles) / sizeof(profiles[0]); p++) {
		for (size_t r = 0; r < profiles[p]->n_rows; r++) {
			if (!is_asked(&profiles[p]->rows[r]))
				continue;
			n++;
			for (unsigned int i = 0; i < ROUNDS; i++)
				round_trip(profiles[p], &profiles[p]->rows[r]);
		}
	}
	cr_expect_gt(n, 100);
}

Test(device_call, what_the_profile_has_not_is_unknown)
{
	fake_request(XM_OP_GET_VCPU_STATUS, &req);
	xm_reply_init(&back, back_space, sizeof(back_space));
	cr_expect_eq(device_put(&call, &raw_profile_2_4, 0, &req, &back), XM_C_UNKNOWN_HYPERCALL);
}

static unsigned int code_for(const struct raw_profile *profile, int32_t result)
{
	fake_request(XM_OP_GET_TIME, &req);
	xm_reply_init(&back, back_space, sizeof(back_space));
	cr_assert_eq(device_put(&call, profile, 0, &req, &back), XM_C_OK);
	call.ioc.result = result;
	device_get(&call, &req, &back);
	return back.code;
}

Test(device_call, numbers_of_errors_are_those_of_the_profile)
{
	cr_expect_eq(code_for(&raw_profile_2_4, -1), XM_C_UNKNOWN_HYPERCALL);
	cr_expect_eq(code_for(&raw_profile_2_4, -2), XM_C_INVALID_PARAM);
	cr_expect_eq(code_for(&raw_profile_2_4, -6), XM_C_NOT_AVAILABLE);
	cr_expect_eq(code_for(&raw_profile_2_6, -1), XM_C_NO_ACTION);
	cr_expect_eq(code_for(&raw_profile_3_x, -7), XM_C_OP_NOT_ALLOWED);
	cr_expect_eq(code_for(&raw_profile_3_x, -4), XM_C_PERM_ERROR);
	cr_expect_eq(code_for(&raw_profile_prtos, -8), XM_C_MULTICALL_ERROR);
	cr_expect_eq(code_for(&raw_profile_prtos, -77), XM_C_UNKNOWN_OUTCOME);
}

Test(device_call, what_does_not_fit_is_refused)
{
	xm_reply_init(&back, back_space, sizeof(back_space));
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = sizeof(back_space) + 1;
	cr_expect_eq(device_put(&call, &raw_profile_3_x, 0, &req, &back), XM_C_INVALID_PARAM);
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_READ_SAMPLING_MESSAGE_port].num = 0x400;
	cr_expect_eq(device_put(&call, &raw_profile_3_x, 0, &req, &back), XM_C_INVALID_PARAM);
	fake_request(XM_OP_HM_READ, &req);
	req.arg[XM_A_HM_READ_noLogs].num = XM_MAX_RECORDS + 1;
	cr_expect_eq(device_put(&call, &raw_profile_3_x, 0, &req, &back), XM_C_INVALID_PARAM);
}

Test(device_call, a_hypervisor_that_says_it_wrote_more_than_it_could_is_not_believed)
{
	xm_reply_init(&back, back_space, sizeof(back_space));
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	cr_assert_eq(device_put(&call, &raw_profile_3_x, 0, &req, &back), XM_C_OK);
	call.ioc.result = 1 << 20;
	device_get(&call, &req, &back);
	cr_expect_eq(back.out[XM_A_READ_SAMPLING_MESSAGE_buffer].len, 3);
	cr_expect_leq(back.value, 3);
	fake_request(XM_OP_HM_READ, &req);
	cr_assert_eq(device_put(&call, &raw_profile_3_x, 0, &req, &back), XM_C_OK);
	call.ioc.result = 1 << 20;
	device_get(&call, &req, &back);
	cr_expect_eq(back.out[XM_A_HM_READ_log].len, 3 * XM_NF_HM_LOG);
}
