// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The structure that a raw call reads: found, and copied once.  Must never read more of it than the
 * row uses, nor trust a pointer in it.
 */

#include <string.h>

#include "libxm/memory.h"
#include "libxm/raw_command.h"

enum xm_state raw_pointer_state(const struct raw_call *call, uintptr_t addr, unsigned int align)
{
	if (!addr)
		return XM_ST_NULL;
	if (call->profile->checks_alignment && align && addr % align)
		return XM_ST_UNALIGNED;
	return XM_ST_OK;
}

uint64_t raw_load(const uint8_t *at, unsigned int size, unsigned int shift, unsigned int bits)
{
	uint64_t num = 0;
	uint32_t word;
	uint16_t half;

	switch (size) {
	case 2:
		memcpy(&half, at, sizeof(half));
		num = half;
		break;
	case 4:
		memcpy(&word, at, sizeof(word));
		num = word;
		break;
	case 8:
		memcpy(&num, at, sizeof(num));
		break;
	default:
		num = *at;
	}
	num >>= shift;
	return bits && bits < 64 ? num & ((1ULL << bits) - 1) : num;
}

/* Bytes of the structure that the source reads. */
static size_t extent_in_command(const struct raw_source *source)
{
	switch (source->kind) {
	case RAW_FIELD:
	case RAW_NAME_FIELD:
	case RAW_RECORDS_IN:
	case RAW_RECORDS_FIELD:
	case RAW_COUNT_FIELD:
	case RAW_COUNT_INOUT:
		return (size_t)source->offset + source->size;
	case RAW_STRUCT_IN:
		return source->layout->size;
	default:
		return 0;
	}
}

static int read_bytes(const struct raw_call *call, void *dst, uintptr_t addr, size_t len)
{
	if (!call->own)
		return memory_read(dst, addr, len);
	memcpy(dst, (const void *)addr, len);
	return 0;
}

/* Where the structure is, if that takes another pointer to learn. */
static void find_command(const struct raw_call *call, struct raw_command *command)
{
	uintptr_t addr = (uintptr_t)call->words[call->row->word];

	command->addr = addr;
	if (!(call->row->flags & RAW_INDIRECT))
		return;
	command->addr = 0;
	command->state = raw_pointer_state(call, addr, sizeof(addr));
	if (command->state == XM_ST_OK && read_bytes(call, &command->addr, addr, sizeof(addr)) < 0)
		command->state = XM_ST_FAULT;
}

void raw_read_command(const struct raw_call *call, struct raw_command *command)
{
	bool indirect = call->row->flags & RAW_INDIRECT;
	size_t extent = 0;
	int r;

	memset(command, 0, sizeof(*command));
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
		size_t end = extent_in_command(&call->row->source[i]);

		extent = end > extent ? end : extent;
	}
	if (!extent)
		return;
	find_command(call, command);
	if (command->state != XM_ST_OK)
		return;
	if (!command->addr && call->row->flags & RAW_NULL_EMPTY)
		return;
	command->state = raw_pointer_state(call, command->addr, call->row->align);
	if (command->state != XM_ST_OK)
		return;
	r = indirect ? memory_read(command->bytes, command->addr, extent)
		     : read_bytes(call, command->bytes, command->addr, extent);
	if (r < 0) {
		memset(command->bytes, 0, sizeof(command->bytes));
		command->state = XM_ST_FAULT;
	}
}

uint64_t raw_command_field(const struct raw_command *command, const struct raw_source *source)
{
	return raw_load(command->bytes + source->offset, source->size, source->shift, source->bits);
}
