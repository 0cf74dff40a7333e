// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reply as the caller of a raw call sees it: outputs in its memory, a code of its profile, errno.
 * Must never write where raw_gather has not probed, nor more.
 */

#include <errno.h>
#include <string.h>

#include "libxm/params.h"
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

static uint64_t convert(const struct raw_profile *p, const struct raw_member *m, uint64_t num)
{
	switch (m->convert) {
	case RAW_HM_EVENT:
		return p->hm_event((uint16_t)num);
	case RAW_AREA_FLAGS:
		return p->area_flags((uint32_t)num);
	default:
		return num;
	}
}

/* Returns by how much a conversion changed the number. */
static uint64_t store_member(const struct raw_profile *p, uintptr_t base,
			     const struct raw_member *m, const uint64_t *words)
{
	uint64_t is = words[m->field] >> m->from;
	uint64_t num = convert(p, m, is);
	uint64_t change = m->convert == RAW_AS_IS ? 0 : num - is;
	uintptr_t addr = base + m->offset;

	if (m->bits < 8 * m->size) { /* part of a word, all of which are 32 bits wide */
		uint32_t mask = ((1U << m->bits) - 1) << m->shift;

		num = (load_word(addr) & ~mask) | (((uint32_t)num << m->shift) & mask);
	}
	store(addr, m->size, num);
	return change;
}

/* A record that was good stays good, and a bad one bad: the checksum is that of the half-words. */
static void adjust_checksum(uintptr_t addr, uint64_t change)
{
	uint16_t sum;

	memcpy(&sum, (const void *)addr, sizeof(sum));
	sum = (uint16_t)(sum - change);
	memcpy((void *)addr, &sum, sizeof(sum));
}

static void store_struct(const struct raw_profile *p, uintptr_t base,
			 const struct raw_layout *layout, const uint64_t *words)
{
	uint64_t change = 0;

	if (!layout->members) { /* as it is */
		memcpy((void *)base, words, layout->n_members * sizeof(*words));
		return;
	}
	for (unsigned int i = 0; i < layout->n_members; i++)
		change += store_member(p, base, &layout->members[i], words);
	if (layout->checksum && change)
		adjust_checksum(base + layout->checksum, change);
}

/* Records that came, as far as there is room that was probed. */
static uint32_t count_records(const struct raw_call *call, unsigned int i, const struct xm_value *v)
{
	uint32_t n = v->state == XM_ST_OK
			     ? v->len / xm_structs[xm_ops[call->row->op].args[i].ref].n_fields
			     : 0;
	uint64_t room = call->request.arg[i + 1].num;

	if (room > XM_MAX_RECORDS)
		return 0;
	return n < room ? n : (uint32_t)room;
}

static void store_records(const struct raw_call *call, unsigned int i, const struct xm_value *v)
{
	const struct xm_arg *arg = &xm_ops[call->row->op].args[i];
	const struct raw_source *source = &call->row->source[i];
	const struct raw_source *count = source + 1;
	unsigned int n_fields = xm_structs[arg->ref].n_fields;
	uint32_t n = count_records(call, i, v);
	uintptr_t base = call->out[i];

	memset((void *)base, 0, (size_t)n * source->layout->size);
	for (uint32_t r = 0; r < n; r++)
		store_struct(call->profile, base + (size_t)r * source->layout->size, source->layout,
			     v->words + r * n_fields);
	if (count->kind == RAW_COUNT_INOUT)
		store(call->out[i + 1], count->size, n);
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
			store_struct(call->profile, call->out[i], source->layout, v->words);
		break;
	default:
		store_records(call, i, v);
	}
}

/* The bytes of the records that came; XM_T_RECORDS_OUT is one argument of the operation. */
static int32_t size_of_records(const struct raw_call *call, const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[call->row->op];

	for (unsigned int i = 0; i < op->n_args; i++)
		if (op->args[i].type == XM_T_RECORDS_OUT)
			return (int32_t)(count_records(call, i, &reply->out[i]) *
					 call->row->source[i].layout->size);
	return 0;
}

/* The bytes of the structure that went in, if it was taken. */
static int32_t size_of_taken(const struct raw_call *call, const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[call->row->op];

	for (unsigned int i = 0; i < op->n_args && reply->value; i++)
		if (op->args[i].type == XM_T_STRUCT_IN)
			return call->row->source[i].layout->size;
	return 0;
}

bool raw_same_family(const struct raw_profile *profile, uint8_t hypervisor)
{
	return hypervisor &&
	       (profile->id >= XM_PROFILE_ID_3_X) == (hypervisor >= XM_PROFILE_ID_3_X);
}

static enum xm_code adapt(const struct raw_call *call, unsigned int code)
{
	if (code == XM_C_NO_ACTION && call->family)
		return XM_C_NO_ACTION;
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
	if (call->request.op == XM_OP_CREATE_SAMPLING_PORT)
		params_port_created(PARAMS_SAMPLING, reply->value);
	else if (call->request.op == XM_OP_CREATE_QUEUING_PORT)
		params_port_created(PARAMS_QUEUING, reply->value);
	switch (call->row->result) {
	case RAW_VALUE:
		return (int32_t)reply->value;
	case RAW_BYTES:
		return size_of_records(call, reply);
	case RAW_TAKEN:
		return size_of_taken(call, reply);
	default:
		return 0;
	}
}

int32_t raw_code(const struct raw_profile *profile, enum xm_code code)
{
	return profile->codes[code];
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
