/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_WIRE_IO_H
#define XM_CORE_WIRE_IO_H

/*
 * What messages are written and read with; for wire.c and wire_call.c only.  A writer that overflows
 * and a reader that fails stay so: it is looked at once, at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxm/core/wire.h"

struct wire_writer {
	uint8_t *msg;
	size_t cap;
	size_t len; /* goes on counting past cap, so that overflow shows */
};

struct wire_reader {
	const uint8_t *msg;
	size_t len;
	size_t pos;
	bool bad;
};

/* Numbers are little-endian and of so many bytes; a string is a u16 length and its bytes. */
static inline void wire_put(struct wire_writer *w, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++, w->len++)
		if (w->len < w->cap)
			w->msg[w->len] = (uint8_t)(value >> (8 * i));
}

/* The bytes may lie further back in the room that the message is written into. */
void wire_put_bytes(struct wire_writer *w, const void *data, size_t len);
void wire_put_string(struct wire_writer *w, const char *s);

/* Nothing, 0 or NULL, once the reader is bad. */
static inline uint64_t wire_get(struct wire_reader *r, unsigned int bytes)
{
	uint64_t value = 0;

	if (r->bad || r->len - r->pos < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)r->msg[r->pos++] << (8 * i);
	return value;
}

const uint8_t *wire_get_bytes(struct wire_reader *r, size_t len);
/* A string must fit with its NUL into `cap` bytes and hold no NUL of its own. */
void wire_get_string(struct wire_reader *r, char *s, size_t cap);

/* A message with its header; wire_finish() returns its length or -EMSGSIZE. */
struct wire_writer wire_begin(uint8_t *msg, size_t cap, enum xm_wire_type type, uint32_t serial);
int wire_finish(struct wire_writer *w);

/* Opens a message for reading, of the expected type; -EPROTO unless all of it was read, and well. */
int wire_get_head(struct wire_reader *r, struct xm_wire_head *headp);
struct wire_reader wire_expect(const uint8_t *msg, size_t len, enum xm_wire_type type);
int wire_complete(const struct wire_reader *r);

#endif
