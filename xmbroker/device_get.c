// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the hypervisor answered, as a reply.  Must never take more from memory than the hypervisor can
 * have written there, nor believe a number of it that is out of bounds.
 */

#include <string.h>

#include "xmbroker/device_call.h"

static const struct xm_op *op_of(const struct device_call *call)
{
	return &xm_ops[call->row->op];
}

static uint64_t load(const uint8_t *at, unsigned int size, unsigned int shift, unsigned int bits)
{
	uint64_t num = 0;

	memcpy(&num, at, size);
	num >>= shift;
	return bits && bits < 64 ? num & ((1ULL << bits) - 1) : num;
}

/* Codes that the profile lacks have the number of another one. */
static bool has_code(const struct raw_profile *profile, unsigned int code)
{
	if (code == XM_C_NO_ACTION)
		return profile->id != XM_PROFILE_ID_2_4;
	return code != XM_C_NOT_AVAILABLE || profile->id < XM_PROFILE_ID_3_X;
}

/* After a number that stands for no code, what happened is not known. */
static enum xm_code code_of(const struct raw_profile *profile, int32_t number)
{
	for (unsigned int code = XM_C_OK; code < XM_C_UNKNOWN_OUTCOME; code++)
		if (profile->codes[code] == number && has_code(profile, code))
			return (enum xm_code)code;
	return XM_C_UNKNOWN_OUTCOME;
}

/* ---- structures ------------------------------------------------------------------------------------- */

#define EVENTS 64
#define OWN_EVENT 0x100 /* with the number added: an event that the table has no name for */

static uint64_t canonical_event(const struct raw_profile *profile, uint64_t event)
{
	for (uint32_t e = 0; e < EVENTS; e++)
		if (profile->hm_event(e) == event)
			return e;
	return OWN_EVENT | event;
}

/* Of a memory area, one bit by the other. */
static uint64_t canonical_flags(const struct raw_profile *profile, uint64_t flags)
{
	uint64_t canonical = 0, best = profile->area_flags(0) ^ flags;

	for (unsigned int bit = 0; bit < 32; bit++) {
		uint64_t with = canonical | 1ULL << bit;
		uint64_t differs = profile->area_flags((uint32_t)with) ^ flags;

		if (__builtin_popcountll(differs) < __builtin_popcountll(best)) {
			canonical = with;
			best = differs;
		}
	}
	return canonical;
}

static uint64_t canonical(const struct raw_profile *profile, const struct raw_member *m,
			  uint64_t num)
{
	switch (m->convert) {
	case RAW_HM_EVENT:
		return canonical_event(profile, num);
	case RAW_AREA_FLAGS:
		return canonical_flags(profile, num);
	default:
		return num;
	}
}

static void get_struct(const struct raw_profile *profile, const uint8_t *at,
		       const struct raw_layout *layout, uint64_t *words)
{
	uint64_t change = 0;

	for (unsigned int i = 0; i < layout->n_members; i++) {
		const struct raw_member *m = &layout->members[i];
		uint64_t is = load(at + m->offset, m->size, m->shift, m->bits);
		uint64_t num = canonical(profile, m, is);

		change += num - is;
		words[m->field] |= num << m->from;
	}
	/* A record that was good stays good, and a bad one bad. */
	for (unsigned int i = 0; i < layout->n_members && layout->checksum && change; i++)
		if (layout->members[i].offset == layout->checksum)
			words[layout->members[i].field] =
				(uint16_t)(words[layout->members[i].field] - change);
}

/* ---- outputs ---------------------------------------------------------------------------------------- */

static uint32_t count_records(const struct device_call *call, const struct xm_request *req,
			      unsigned int i, int32_t result)
{
	const struct raw_source *source = &call->row->source[i];
	uint64_t n = (uint32_t)result;

	if (call->row->result == RAW_BYTES)
		n /= source->layout->size;
	if (call->row->source[i + 1].kind == RAW_COUNT_INOUT && call->out[i + 1])
		n = load(call->out[i + 1], call->row->source[i + 1].size, 0, 0);
	if (n > req->arg[i + 1].num)
		n = req->arg[i + 1].num;
	return n > XM_MAX_RECORDS ? XM_MAX_RECORDS : (uint32_t)n;
}

static void get_records(const struct device_call *call, const struct xm_request *req,
			unsigned int i, int32_t result, struct xm_reply *reply)
{
	const struct raw_layout *layout = call->row->source[i].layout;
	unsigned int n_fields = xm_structs[op_of(call)->args[i].ref].n_fields;
	uint32_t n = count_records(call, req, i, result);
	uint64_t *words = xm_reply_put_words(reply, i, n * n_fields);

	for (uint32_t r = 0; r < n; r++)
		get_struct(call->profile, call->out[i] + (size_t)r * layout->size, layout,
			   words + (size_t)r * n_fields);
	if (call->row->result == RAW_BYTES)
		reply->value = n;
}

/* The hypervisor says how much it has written; never more than there was room for. */
static void get_data(const struct device_call *call, const struct xm_request *req, unsigned int i,
		     int32_t result, struct xm_reply *reply)
{
	uint64_t room = req->arg[op_of(call)->args[i].ref].num;
	uint32_t len = (uint32_t)result < room ? (uint32_t)result : (uint32_t)room;

	reply->out[i] = (struct xm_value){ .state = XM_ST_OK, .len = len, .data = call->out[i] };
	if (reply->value > len)
		reply->value = len;
}

static void get_output(const struct device_call *call, const struct xm_request *req, unsigned int i,
		       int32_t result, struct xm_reply *reply)
{
	const struct raw_source *source = &call->row->source[i];
	const struct xm_arg *arg = &op_of(call)->args[i];

	if (!call->out[i] || req->arg[i].state != XM_ST_OK)
		return;
	switch (arg->type) {
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
		xm_reply_put_num(reply, i, load(call->out[i], source->size, 0, 0));
		break;
	case XM_T_DATA_OUT:
		get_data(call, req, i, result, reply);
		break;
	case XM_T_STRUCT_OUT:
		get_struct(call->profile, call->out[i], source->layout,
			   xm_reply_put_words(reply, i, xm_structs[arg->ref].n_fields));
		break;
	case XM_T_RECORDS_OUT:
		get_records(call, req, i, result, reply);
		break;
	default:
		break;
	}
}

/* What the call returned, as the table has it. */
static uint32_t value_of(const struct device_call *call, int32_t result)
{
	switch (call->row->result) {
	case RAW_VALUE:
		return (uint32_t)result;
	case RAW_TAKEN: /* records that were */
		return result > 0;
	default:
		return 0; /* records that came: with them */
	}
}

void device_get(const struct device_call *call, const struct xm_request *req,
		struct xm_reply *reply)
{
	int32_t result = call->ioc.result;

	if (result < 0) {
		xm_reply_fail(reply, code_of(call->profile, result));
		return;
	}
	reply->code = XM_C_OK;
	reply->value = value_of(call, result);
	for (unsigned int i = 0; i < op_of(call)->n_args; i++)
		if (!xm_type_is_in(op_of(call)->args[i].type))
			get_output(call, req, i, result, reply);
}
