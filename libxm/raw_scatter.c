// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reply as the caller of a raw call sees it: outputs in its memory, a code of its profile, errno.
 * Must never write where raw_gather has not probed, nor more.
 */

#include <errno.h>
#include <string.h>

#include "libxm/raw.h"

/* `size` bytes at `addr`, of whatever alignment, from the low bytes of a number; and back. */
static void store(uintptr_t addr, unsigned int size, uint64_t num)
{
	uint8_t byte = (uint8_t)num;
	uint16_t half = (uint16_t)num;
	uint32_t word = (uint32_t)num;

	switch (size) {
	case 1:
		memcpy((void *)addr, &byte, size);
		break;
	case 2:
		memcpy((void *)addr, &half, size);
		break;
	case 4:
		memcpy((void *)addr, &word, size);
		break;
	default:
		memcpy((void *)addr, &num, sizeof(num));
	}
}

static uint32_t load_word(uintptr_t addr)
{
	uint32_t word;

	memcpy(&word, (const void *)addr, sizeof(word));
	return word;
}

static void store_member(uintptr_t base, const struct raw_member *m, const uint64_t *words)
{
	uint64_t num = words[m->field] >> m->from;
	uintptr_t addr = base + m->offset;

	if (m->bits < 8 * m->size) { /* part of a word, all of which are 32 bits wide */
		uint32_t mask = ((1U << m->bits) - 1) << m->shift;

		num = (load_word(addr) & ~mask) | (((uint32_t)num << m->shift) & mask);
	}
	store(addr, m->size, num);
}

static void store_struct(uintptr_t base, const struct raw_layout *layout, const uint64_t *words)
{
	for (unsigned int i = 0; i < layout->n_members; i++)
		store_member(base, &layout->members[i], words);
}

static uint32_t count_records(const struct xm_arg *arg, const struct xm_value *v)
{
	return v->state == XM_ST_OK ? v->len / xm_structs[arg->ref].n_fields : 0;
}

static void store_records(uintptr_t base, const struct raw_layout *layout, const struct xm_arg *arg,
			  const struct xm_value *v)
{
	unsigned int n_fields = xm_structs[arg->ref].n_fields;
	uint32_t n = count_records(arg, v);

	memset((void *)base, 0, (size_t)n * layout->size);
	for (uint32_t i = 0; i < n; i++)
		store_struct(base + (size_t)i * layout->size, layout, v->words + i * n_fields);
}

static void store_output(const struct raw_call *call, unsigned int i, const struct xm_value *v)
{
	const struct xm_arg *arg = &xm_ops[call->row->op].args[i];
	const struct raw_source *source = &call->row->source[i];

	if (v->state != XM_ST_OK)
		return;
	switch (arg->type) {
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
		store(call->out[i], source->size, v->num);
		break;
	case XM_T_DATA_OUT:
		if (v->len)
			memcpy((void *)call->out[i], v->data, v->len);
		break;
	case XM_T_STRUCT_OUT:
		if (v->len == xm_structs[arg->ref].n_fields)
			store_struct(call->out[i], source->layout, v->words);
		break;
	default:
		store_records(call->out[i], source->layout, arg, v);
	}
}

/* The bytes of the records that came; XM_T_RECORDS_OUT is one argument of the operation. */
static int32_t size_of_records(const struct raw_call *call, const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[call->row->op];

	for (unsigned int i = 0; i < op->n_args; i++)
		if (op->args[i].type == XM_T_RECORDS_OUT)
			return (int32_t)(count_records(&op->args[i], &reply->out[i]) *
					 call->row->source[i].layout->size);
	return 0;
}

static enum xm_code adapt(const struct raw_call *call, unsigned int code)
{
	for (size_t i = 0; i < call->profile->n_adaptions; i++) {
		const struct raw_adaption *a = &call->profile->adaptions[i];

		if (a->from == code && (a->op == call->request.op || a->op == XM_N_OPS))
			return a->to;
	}
	return (enum xm_code)code;
}

static int32_t success(const struct raw_call *call, const struct xm_reply *reply)
{
	for (unsigned int i = 0; i < xm_ops[call->row->op].n_args; i++)
		if (!xm_type_is_in(xm_ops[call->row->op].args[i].type))
			store_output(call, i, &reply->out[i]);
	switch (call->row->result) {
	case RAW_VALUE:
		return (int32_t)reply->value;
	case RAW_BYTES:
		return size_of_records(call, reply);
	default:
		return 0;
	}
}

int32_t raw_scatter(const struct raw_call *call, const struct xm_reply *reply)
{
	enum xm_code code = adapt(call, reply->code);

	/* Nothing makes a success of a call that is not a row: not even a broker that says so. */
	if (!call->row && code == XM_C_OK)
		code = XM_C_UNKNOWN_HYPERCALL;
	if (reply->code == XM_C_OK && call->row)
		return success(call, reply);
	if (code != XM_C_OK)
		errno = xm_code_errno(code);
	return call->profile->codes[code];
}
