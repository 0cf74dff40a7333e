// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The arguments of a raw call as a request.  Memory of the caller is copied once, by the kernel;
 * places for outputs are probed now, so that no effect is lost to a bad pointer afterwards.  Must
 * never decide: a bad pointer becomes a state of the argument, which the broker decides about.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "libxm/core/wire.h"
#include "libxm/memory.h"
#include "libxm/raw_command.h"

static uint32_t descriptor(const struct raw_call *call)
{
	return (uint32_t)call->words[RAW_DESCRIPTOR];
}

static const struct xm_arg *argument(const struct raw_call *call, unsigned int i)
{
	return &xm_ops[call->row->op].args[i];
}

static unsigned int n_args(const struct raw_call *call)
{
	return xm_ops[call->row->op].n_args;
}

/* ---- memory --------------------------------------------------------------------------------------- */

/* Room for `len` bytes that go in; a call has one such argument at most. */
static uint8_t *take(struct raw_call *call, size_t len)
{
	uint8_t *room = call->scratch + call->scratch_used;

	if (len <= call->scratch_len - call->scratch_used) {
		call->scratch_used += len;
		return room;
	}
	/* Not of the allocator, which might keep so much for later; and no child has to give it back. */
	room = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	madvise(room, len, MADV_DONTFORK);
	call->large = room;
	call->large_len = len;
	return room;
}

void raw_release(struct raw_call *call)
{
	if (call->large)
		munmap(call->large, call->large_len);
	call->large = NULL;
}

/* ---- numbers -------------------------------------------------------------------------------------- */

static bool is_signed(enum xm_type type)
{
	return type == XM_T_S32 || type == XM_T_S64;
}

/* A number of `size` bytes as the prototype's type sees it. */
static uint64_t as_type(enum xm_type type, uint64_t num, unsigned int size)
{
	unsigned int bits = type == XM_T_U32 || type == XM_T_S32 ? 32 : 64;

	if (size && 8 * size < bits)
		bits = 8 * size;
	if (bits == 64)
		return num;
	num &= (1ULL << bits) - 1;
	if (is_signed(type) && num >> (bits - 1))
		num |= ~0ULL << bits;
	return num;
}

/* An identifier in memory may be wider than all that there are; it must not become one of them. */
static uint64_t as_field(enum xm_type type, uint64_t num, unsigned int size)
{
	return type == XM_T_U32 && num > UINT32_MAX ? UINT32_MAX : as_type(type, num, size);
}

/* More records than one call returns are asked for as that many. */
static uint64_t count_records(uint64_t bytes, const struct raw_source *source)
{
	uint64_t n = (uint32_t)bytes / source->layout->size;

	return n > source->value ? source->value : n;
}

/* The same; a negative number of them stays outside of every domain. */
static uint64_t count_field(uint64_t n)
{
	return n > XM_MAX_RECORDS && n <= INT32_MAX ? XM_MAX_RECORDS : n;
}

static void gather_pointed(struct raw_call *call, unsigned int i)
{
	const struct raw_source *source = &call->row->source[i];
	uintptr_t addr = (uintptr_t)call->words[source->word];
	struct xm_value *v = &call->request.arg[i];
	uint8_t bytes[8];

	*v = (struct xm_value){ .state = raw_pointer_state(call, addr, source->align) };
	if (v->state != XM_ST_OK)
		return;
	if (memory_read(bytes, addr, source->size) < 0)
		v->state = XM_ST_FAULT;
	else
		v->num = as_type(argument(call, i)->type, raw_load(bytes, source->size, 0, 0),
				 source->size);
}

static uint64_t word_pair(const uint64_t *words)
{
	return (uint32_t)words[0] | (uint64_t)(uint32_t)words[1] << 32;
}

/* The parts of a descriptor. */
static uint64_t part(const struct raw_call *call, enum raw_kind kind)
{
	switch (kind) {
	case RAW_PARTITION:
		return (descriptor(call) >> 10) & 0x3ff;
	case RAW_ID:
		return descriptor(call) & 0x3ff;
	default:
		return (descriptor(call) >> 20) & ((1U << call->profile->vcpu_bits) - 1);
	}
}

static uint64_t number(const struct raw_call *call, unsigned int i,
		       const struct raw_command *command)
{
	const struct raw_source *source = &call->row->source[i];
	enum xm_type type = argument(call, i)->type;

	switch (source->kind) {
	case RAW_WORD_BITS:
		return call->words[source->word] & ((1U << source->bits) - 1);
	case RAW_WORD:
		return as_type(
			type,
			as_type(type, call->words[source->word], source->size) + source->value, 0);
	case RAW_WIDE:
		return word_pair(call->words + source->word);
	case RAW_CONSTANT:
		return source->value;
	case RAW_SELF:
		return call->self;
	case RAW_FIELD:
		return as_field(type, raw_command_field(command, source), source->size);
	case RAW_COUNT:
		return count_records(call->words[source->word], source);
	case RAW_COUNT_FIELD:
	case RAW_COUNT_INOUT:
		return count_field(raw_command_field(command, source));
	default:
		return part(call, source->kind);
	}
}

static void gather_number(struct raw_call *call, unsigned int i, const struct raw_command *command)
{
	switch (call->row->source[i].kind) {
	case RAW_ABSENT:
		call->request.arg[i] = (struct xm_value){ .state = XM_ST_ABSENT };
		break;
	case RAW_POINTED:
		gather_pointed(call, i);
		break;
	default:
		call->request.arg[i] = (struct xm_value){ .num = number(call, i, command) };
	}
}

/* ---- what goes in --------------------------------------------------------------------------------- */

static void gather_name(struct raw_call *call, unsigned int i, const struct raw_command *command)
{
	const struct raw_source *source = &call->row->source[i];
	struct xm_value *v = &call->request.arg[i];
	bool in_command = source->kind == RAW_NAME_FIELD;
	uint64_t addr = in_command ? raw_command_field(command, source) : call->words[source->word];
	int len;

	v->state = in_command ? command->state : XM_ST_OK;
	if (v->state == XM_ST_OK)
		v->state = raw_pointer_state(call, (uintptr_t)addr, 1);
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

static int gather_data_in(struct raw_call *call, struct xm_value *v, uintptr_t addr, size_t len)
{
	uint8_t *room = take(call, len);

	if (!room && len)
		return -ENOMEM;
	if (memory_read(room, addr, len) < 0) {
		v->state = XM_ST_FAULT;
		return 0;
	}
	v->data = room;
	v->len = (uint32_t)len;
	return 0;
}

static int gather_data(struct raw_call *call, unsigned int i)
{
	struct xm_value *v = &call->request.arg[i];
	uint64_t len = call->request.arg[argument(call, i)->ref].num;
	uintptr_t addr = (uintptr_t)call->words[call->row->source[i].word];

	v->state = raw_pointer_state(call, addr, 1);
	if (v->state != XM_ST_OK)
		return 0;
	if (len > XM_WIRE_DATA_MAX) {
		v->state = XM_ST_OVERSIZE;
		return 0;
	}
	if (argument(call, i)->type == XM_T_DATA_IN)
		return gather_data_in(call, v, addr, len);
	if (memory_probe_write(addr, len) < 0)
		v->state = XM_ST_FAULT;
	call->out[i] = addr;
	return 0;
}

/* The canonical fields of a structure, as a request has them. */
static void put_fields(uint8_t *words, unsigned int n_fields, const uint8_t *bytes,
		       const struct raw_layout *layout)
{
	uint64_t field[XM_MAX_FIELDS] = { 0 };

	for (unsigned int m = 0; m < layout->n_members; m++) {
		const struct raw_member *member = &layout->members[m];

		field[member->field] |=
			raw_load(bytes + member->offset, member->size, member->shift, member->bits)
			<< member->from;
	}
	for (unsigned int f = 0; f < n_fields; f++)
		xm_put_word(words + f * XM_WORD_BYTES, field[f]);
}

static int gather_struct_in(struct raw_call *call, unsigned int i,
			    const struct raw_command *command)
{
	unsigned int n_fields = xm_structs[argument(call, i)->ref].n_fields;
	struct xm_value *v = &call->request.arg[i];
	uint8_t *words;

	v->state = command->state;
	if (v->state != XM_ST_OK)
		return 0;
	words = take(call, (size_t)n_fields * XM_WORD_BYTES);
	if (!words)
		return -ENOMEM;
	put_fields(words, n_fields, command->bytes, call->row->source[i].layout);
	v->data = words;
	v->len = n_fields;
	return 0;
}

/* Records that lie in the caller's memory at `addr`; few and small enough for the stack. */
static int read_records(struct raw_call *call, unsigned int i, uintptr_t addr, uint32_t n)
{
	const struct raw_layout *layout = call->row->source[i].layout;
	unsigned int n_fields = xm_structs[argument(call, i)->ref].n_fields;
	struct xm_value *v = &call->request.arg[i];
	uint8_t bytes[XM_MAX_RECORDS * RAW_COMMAND_MAX];
	uint8_t *words = take(call, (size_t)n * n_fields * XM_WORD_BYTES);

	if (!words && n)
		return -ENOMEM;
	if (memory_read(bytes, addr, (size_t)n * layout->size) < 0) {
		v->state = XM_ST_FAULT;
		return 0;
	}
	for (uint32_t r = 0; r < n; r++)
		put_fields(words + (size_t)r * n_fields * XM_WORD_BYTES, n_fields,
			   bytes + (size_t)r * layout->size, layout);
	v->data = words;
	v->len = n * n_fields;
	return 0;
}

/* No records need no memory. */
static int gather_records_in(struct raw_call *call, unsigned int i,
			     const struct raw_command *command)
{
	const struct raw_source *source = &call->row->source[i];
	struct xm_value *v = &call->request.arg[i];
	uintptr_t addr = (uintptr_t)raw_command_field(command, source);
	uint64_t n = call->request.arg[i + 1].num;

	v->state = command->state;
	if (v->state == XM_ST_OK && n)
		v->state = raw_pointer_state(call, addr, source->layout->align);
	if (v->state == XM_ST_OK && n > XM_MAX_RECORDS)
		v->state = XM_ST_OVERSIZE;
	return v->state == XM_ST_OK ? read_records(call, i, addr, (uint32_t)n) : 0;
}

/* ---- what comes out ------------------------------------------------------------------------------- */

/* Bytes that an output takes, and the alignment that its type has. */
static size_t output_extent(const struct raw_call *call, unsigned int i, unsigned int *alignp)
{
	const struct raw_source *source = &call->row->source[i];

	*alignp = source->layout ? source->layout->align : source->align;
	switch (source->kind) {
	case RAW_RECORDS:
	case RAW_RECORDS_FIELD:
		/* A number outside of its domain is refused as such. */
		if (call->request.arg[i + 1].num > XM_MAX_RECORDS)
			return 0;
		return source->layout->size * call->request.arg[i + 1].num;
	case RAW_STRUCT:
		return source->layout->size;
	default:
		return source->size;
	}
}

/* The address of an output; in a structure that could not be read it has none. */
static uintptr_t output_addr(const struct raw_call *call, unsigned int i,
			     const struct raw_command *command, struct xm_value *v)
{
	const struct raw_source *source = &call->row->source[i];

	switch (source->kind) {
	case RAW_OUT_FIELD:
		v->state = command->state;
		return command->addr ? command->addr + source->offset : 0;
	case RAW_RECORDS_FIELD:
		v->state = command->state;
		return (uintptr_t)raw_command_field(command, source);
	default:
		return (uintptr_t)call->words[source->word];
	}
}

/* Whether the library itself says where the output goes. */
static bool is_own(const struct raw_call *call, const struct raw_source *source)
{
	return call->own && !(call->row->flags & RAW_INDIRECT) && source->kind != RAW_RECORDS_FIELD;
}

static void gather_output(struct raw_call *call, unsigned int i, const struct raw_command *command)
{
	const struct raw_source *source = &call->row->source[i];
	struct xm_value *v = &call->request.arg[i];
	uintptr_t addr = output_addr(call, i, command, v);
	unsigned int align;
	size_t extent = output_extent(call, i, &align);

	if (v->state != XM_ST_OK)
		return;
	/* Some hypervisors insist on a place for what the interface lets the caller leave out. */
	if (!addr && argument(call, i)->domain == XM_D_OPT_POINTER) {
		v->state = XM_ST_ABSENT;
		return;
	}
	v->state = raw_pointer_state(call, addr, align);
	if (v->state != XM_ST_OK)
		return;
	if (!is_own(call, source) && memory_probe_write(addr, extent) < 0)
		v->state = XM_ST_FAULT;
	call->out[i] = addr;
}

/* How many records came is stored where the caller said how many it has room for. */
static void gather_count_out(struct raw_call *call, unsigned int i,
			     const struct raw_command *command)
{
	const struct raw_source *source = &call->row->source[i];
	uintptr_t addr = command->addr + source->offset;

	if (source->kind != RAW_COUNT_INOUT || command->state != XM_ST_OK)
		return;
	if (memory_probe_write(addr, source->size) < 0)
		call->request.arg[i - 1].state = XM_ST_FAULT;
	call->out[i] = addr;
}

/* ---- all ------------------------------------------------------------------------------------------ */

static int gather_pointer(struct raw_call *call, unsigned int i, const struct raw_command *command)
{
	call->request.arg[i] = (struct xm_value){ .state = XM_ST_OK };
	switch (call->row->source[i].kind) {
	case RAW_NAME:
	case RAW_NAME_FIELD:
		gather_name(call, i, command);
		return 0;
	case RAW_DATA:
		return gather_data(call, i);
	case RAW_STRUCT_IN:
		return gather_struct_in(call, i, command);
	case RAW_RECORDS_IN:
		return gather_records_in(call, i, command);
	default:
		gather_output(call, i, command);
		return 0;
	}
}

static void gather_unclassified(struct raw_call *call, uint32_t nr, enum raw_reason reason)
{
	struct xm_value *arg = call->request.arg;

	call->row = NULL;
	call->request.op = XM_OP_UNCLASSIFIED;
	arg[XM_A_UNCLASSIFIED_reason] = (struct xm_value){ .num = reason };
	arg[XM_A_UNCLASSIFIED_nr] = (struct xm_value){ .num = nr };
	arg[XM_A_UNCLASSIFIED_a0] = (struct xm_value){ .num = call->words[0] };
	arg[XM_A_UNCLASSIFIED_a1] = (struct xm_value){ .num = call->words[1] };
	arg[XM_A_UNCLASSIFIED_a2] = (struct xm_value){ .num = call->words[2] };
}

/* An unusable structure must show; where no pointer argument can say so, nothing is known. */
static bool shows_bad_command(const struct raw_call *call)
{
	for (unsigned int i = 0; i < n_args(call); i++)
		if (call->request.arg[i].state != XM_ST_OK &&
		    call->request.arg[i].state != XM_ST_ABSENT)
			return true;
	return false;
}

static const struct raw_row *classify(const struct raw_call *call, uint32_t nr,
				      enum raw_reason *reasonp)
{
	if (nr <= call->profile->last_number || call->own)
		return raw_classify(call->profile, nr, call->words, reasonp);
	*reasonp = RAW_UNKNOWN_NUMBER;
	return NULL;
}

/* The row that a field selects; both rows read the structure alike. */
static void select_row(struct raw_call *call, const struct raw_command *command)
{
	const struct raw_row *row = call->row;

	if (row->select && number(call, row->select, command) == row->selected)
		call->row = row + 1;
}

static int gather_arguments(struct raw_call *call, const struct raw_command *command)
{
	int r = 0;

	for (unsigned int i = 0; i < n_args(call); i++)
		if (xm_type_is_scalar(argument(call, i)->type))
			gather_number(call, i, command);
	for (unsigned int i = 0; i < n_args(call) && !r; i++)
		if (!xm_type_is_scalar(argument(call, i)->type))
			r = gather_pointer(call, i, command);
	for (unsigned int i = 0; i < n_args(call) && !r; i++)
		gather_count_out(call, i, command);
	return r;
}

int raw_gather(struct raw_call *call, uint32_t nr)
{
	enum raw_reason reason;
	struct raw_command command;
	int r;

	call->row = classify(call, nr, &reason);
	if (!call->row) {
		gather_unclassified(call, nr, reason);
		return 0;
	}
	raw_read_command(call, &command);
	select_row(call, &command);
	call->request.op = call->row->op;
	r = gather_arguments(call, &command);
	if (r < 0)
		return r;
	if (command.state != XM_ST_OK && !shows_bad_command(call))
		gather_unclassified(call, nr, RAW_BAD_COMMAND);
	return 0;
}
