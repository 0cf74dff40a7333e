// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The arguments of a raw call as a request.  Memory of the caller is copied once, by the kernel;
 * places for outputs are probed now, so that no effect is lost to a bad pointer afterwards.  Must
 * never decide: a bad pointer becomes a state of the argument, which the broker decides about.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "libxm/memory.h"
#include "libxm/raw.h"

#define COMMAND_MAX 64 /* bytes of the largest structure that a command reads */

/* The structure that the call's argument points to, as far as the row reads it. */
struct command {
	uint8_t bytes[COMMAND_MAX];
	enum xm_state state;
};

static uint32_t descriptor(const struct raw_call *call)
{
	return (uint32_t)call->words[RAW_DESCRIPTOR];
}

static const struct xm_arg *argument(const struct raw_call *call, unsigned int i)
{
	return &xm_ops[call->row->op].args[i];
}

static bool reads_command(const struct raw_source *source)
{
	return source->kind == RAW_FIELD || source->kind == RAW_NAME_FIELD;
}

static enum xm_state pointer_state(const struct raw_call *call, uintptr_t addr, unsigned int align)
{
	if (!addr)
		return XM_ST_NULL;
	if (call->profile->checks_alignment && align && addr % align)
		return XM_ST_UNALIGNED;
	return XM_ST_OK;
}

static void read_command(const struct raw_call *call, struct command *command)
{
	uintptr_t addr = (uintptr_t)call->words[RAW_ARGUMENT];
	size_t extent = 0;

	memset(command, 0, sizeof(*command));
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
		const struct raw_source *source = &call->row->source[i];
		size_t end = (size_t)source->offset + source->size;

		if (reads_command(source) && end > extent)
			extent = end;
	}
	if (!extent)
		return;
	command->state = pointer_state(call, addr, call->row->align);
	if (command->state != XM_ST_OK)
		return;
	if (call->own)
		memcpy(command->bytes, (const void *)addr, extent);
	else if (memory_read(command->bytes, addr, extent) < 0)
		command->state = XM_ST_FAULT;
}

static uint64_t command_field(const struct command *command, const struct raw_source *source)
{
	uint64_t wide;
	uint32_t narrow;

	if (command->state != XM_ST_OK)
		return 0;
	if (source->size == sizeof(wide)) {
		memcpy(&wide, command->bytes + source->offset, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, command->bytes + source->offset, sizeof(narrow));
	return narrow;
}

/* A register as the prototype's type sees it. */
static uint64_t as_type(enum xm_type type, uint64_t value)
{
	if (type == XM_T_U32)
		return (uint32_t)value;
	if (type == XM_T_S32)
		return (uint64_t)(int64_t)(int32_t)value;
	return value;
}

/* More records than one call returns are asked for as that many. */
static uint64_t count_records(uint64_t bytes, const struct raw_layout *layout)
{
	uint64_t n = (uint32_t)bytes / layout->size;

	return n > XM_MAX_RECORDS ? XM_MAX_RECORDS : n;
}

static void gather_number(struct raw_call *call, unsigned int i, const struct command *command)
{
	const struct raw_source *source = &call->row->source[i];
	uint64_t num = 0;

	switch (source->kind) {
	case RAW_WORD:
		num = call->words[source->word];
		break;
	case RAW_PARTITION:
		num = (descriptor(call) >> 10) & 0x3ff;
		break;
	case RAW_ID:
		num = descriptor(call) & 0x3ff;
		break;
	case RAW_VCPU:
		num = (descriptor(call) >> 20) & ((1U << call->profile->vcpu_bits) - 1);
		break;
	case RAW_FIELD:
		num = command_field(command, source);
		break;
	case RAW_COUNT:
		num = count_records(call->words[source->word], source->layout);
		break;
	default: /* the profile does not have it */
		call->request.arg[i] = (struct xm_value){ .state = XM_ST_ABSENT };
		return;
	}
	call->request.arg[i] = (struct xm_value){ .num = as_type(argument(call, i)->type, num) };
}

static void gather_name(struct raw_call *call, unsigned int i, const struct command *command)
{
	const struct raw_source *source = &call->row->source[i];
	struct xm_value *v = &call->request.arg[i];
	bool in_command = source->kind == RAW_NAME_FIELD;
	uint64_t addr = in_command ? command_field(command, source) : call->words[source->word];
	int len;

	v->state = in_command ? command->state : XM_ST_OK;
	if (v->state == XM_ST_OK)
		v->state = pointer_state(call, (uintptr_t)addr, 1);
	if (v->state != XM_ST_OK)
		return;
	len = memory_read_string(call->name, sizeof(call->name), (uintptr_t)addr);
	if (len < 0) {
		v->state = XM_ST_FAULT;
		return;
	}
	/* A longer name is none that a system has; its beginning shows what was asked for. */
	v->len = len > XM_NAME_MAX ? XM_NAME_MAX : (uint32_t)len;
	v->data = (const uint8_t *)call->name;
}

static void gather_data(struct raw_call *call, unsigned int i)
{
	struct xm_value *v = &call->request.arg[i];
	uint64_t len = call->request.arg[argument(call, i)->ref].num;
	uintptr_t addr = (uintptr_t)call->words[call->row->source[i].word];
	int r;

	v->state = pointer_state(call, addr, 1);
	if (v->state != XM_ST_OK)
		return;
	if (len > XM_WIRE_DATA_MAX) {
		v->state = XM_ST_OVERSIZE;
		return;
	}
	if (argument(call, i)->type == XM_T_DATA_IN) {
		r = memory_read(call->scratch, addr, len);
		v->data = call->scratch;
		v->len = (uint32_t)len;
	} else {
		r = memory_probe_write(addr, len);
		call->out[i] = addr;
	}
	if (r < 0)
		*v = (struct xm_value){ .state = XM_ST_FAULT };
}

/* Bytes that an output takes, and the alignment that its type has. */
static size_t output_extent(const struct raw_call *call, unsigned int i, unsigned int *alignp)
{
	const struct raw_source *source = &call->row->source[i];

	if (!source->layout) {
		*alignp = source->align;
		return source->size;
	}
	*alignp = source->layout->align;
	return source->kind == RAW_RECORDS ? source->layout->size * call->request.arg[i + 1].num
					   : source->layout->size;
}

static void gather_output(struct raw_call *call, unsigned int i)
{
	const struct raw_source *source = &call->row->source[i];
	struct xm_value *v = &call->request.arg[i];
	uintptr_t addr = (uintptr_t)call->words[source->word];
	unsigned int align;
	size_t extent = output_extent(call, i, &align);

	/* Some hypervisors insist on a place for what the interface lets the caller leave out. */
	if (!addr && argument(call, i)->domain == XM_D_OPT_POINTER) {
		v->state = XM_ST_ABSENT;
		return;
	}
	v->state = pointer_state(call, addr, align);
	if (v->state != XM_ST_OK)
		return;
	addr += source->offset;
	if (!call->own && memory_probe_write(addr, extent) < 0)
		v->state = XM_ST_FAULT;
	call->out[i] = addr;
}

static void gather_pointer(struct raw_call *call, unsigned int i, const struct command *command)
{
	call->request.arg[i] = (struct xm_value){ .state = XM_ST_OK };
	switch (call->row->source[i].kind) {
	case RAW_NAME:
	case RAW_NAME_FIELD:
		gather_name(call, i, command);
		break;
	case RAW_DATA:
		gather_data(call, i);
		break;
	default:
		gather_output(call, i);
	}
}

static void gather_unclassified(struct raw_call *call, uint32_t number, enum raw_reason reason)
{
	struct xm_value *arg = call->request.arg;

	call->row = NULL;
	call->request.op = XM_OP_UNCLASSIFIED;
	arg[XM_A_UNCLASSIFIED_reason] = (struct xm_value){ .num = reason };
	arg[XM_A_UNCLASSIFIED_nr] = (struct xm_value){ .num = number };
	arg[XM_A_UNCLASSIFIED_a0] = (struct xm_value){ .num = call->words[0] };
	arg[XM_A_UNCLASSIFIED_a1] = (struct xm_value){ .num = call->words[1] };
	arg[XM_A_UNCLASSIFIED_a2] = (struct xm_value){ .num = call->words[2] };
}

/* An unusable command structure must show; where no pointer argument can say so, nothing is known. */
static bool shows_bad_command(const struct raw_call *call)
{
	for (unsigned int i = 0; i < xm_ops[call->row->op].n_args; i++)
		if (call->request.arg[i].state != XM_ST_OK &&
		    call->request.arg[i].state != XM_ST_ABSENT)
			return true;
	return false;
}

void raw_gather(struct raw_call *call, uint32_t number)
{
	enum raw_reason reason;
	struct command command;
	unsigned int n_args;

	call->row = raw_classify(call->profile, number, call->words, &reason);
	if (!call->row) {
		gather_unclassified(call, number, reason);
		return;
	}
	call->request.op = call->row->op;
	n_args = xm_ops[call->row->op].n_args;
	read_command(call, &command);
	for (unsigned int i = 0; i < n_args; i++)
		if (xm_type_is_scalar(argument(call, i)->type))
			gather_number(call, i, &command);
	for (unsigned int i = 0; i < n_args; i++)
		if (!xm_type_is_scalar(argument(call, i)->type))
			gather_pointer(call, i, &command);
	if (command.state != XM_ST_OK && !shows_bad_command(call))
		gather_unclassified(call, number, RAW_BAD_COMMAND);
}
