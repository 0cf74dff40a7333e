/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_VM_XMCTL_SHAPES_H
#define TESTS_VM_XMCTL_SHAPES_H

/*
 * A good call of nearly each operation that the loopback hypervisor has, for those who spoil it.
 */

#include <stddef.h>
#include <stdint.h>

#include "xmctl_test.h"

/* One that a word points to, and a name that this one points to with what it begins with. */
struct shape_buffer {
	uint8_t word, depth, flags;
	uint16_t length;                   /* with the layout of a 64-bit kernel */
	uint16_t own_length;               /* of this program's, if that is another one */
	const void *content, *own_content; /* that goes in */
};

struct shape {
	uint32_t number, operation;
	uint64_t args[3];
	bool sized; /* the third word is the length of the first buffer */
	struct shape_buffer buffers[2];
};

extern const struct shape shapes[];
extern const size_t n_shapes;

/*
 * Such a call through either interface, with its buffers in the 1024 bytes at room, which are
 * aligned to 8.
 */
struct xmctl_call shape_call(const struct shape *shape, char *room);
void shape_words(const struct shape *shape, char *room, unsigned long words[5]);

#endif
