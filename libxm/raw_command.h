/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_RAW_COMMAND_H
#define LIBXM_RAW_COMMAND_H

/* The structure that a raw call reads, for raw_gather.c alone. */

#include "libxm/raw.h"

#define RAW_COMMAND_MAX 64 /* bytes of the largest one */

/* It as far as the row reads it; zeroes unless the state is XM_ST_OK. */
struct raw_command {
	uint8_t bytes[RAW_COMMAND_MAX];
	uintptr_t addr;
	enum xm_state state;
};

/* What a pointer is before anybody looks at what is there. */
enum xm_state raw_pointer_state(const struct raw_call *call, uintptr_t addr, unsigned int align);
/* A number of `size` bytes, of which some bits (0: all). */
uint64_t raw_load(const uint8_t *at, unsigned int size, unsigned int shift, unsigned int bits);
/* Finds and copies the structure of call->row, if it reads one. */
void raw_read_command(const struct raw_call *call, struct raw_command *command);
/* The number that a source has in it. */
uint64_t raw_command_field(const struct raw_command *command, const struct raw_source *source);

#endif
