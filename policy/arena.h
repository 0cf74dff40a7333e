/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_ARENA_H
#define XM_POLICY_ARENA_H

/*
 * Memory of one compilation: everything lives until the end of it and is freed at once.  Only for the
 * short-lived programs that compile a policy: running out of memory ends the program (exit 2).
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	struct arena_chunk *spare; /* one that was released, for the next */
};

/* Zeroed memory, aligned for anything. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of len bytes with a NUL after them. */
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void arena_free(struct arena *arena);

/* A point to which to return: what was allocated after it is then no more. */
struct arena_mark {
	struct arena_chunk *chunk;
	size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/* A growing array of records of one size. */
struct buffer {
	uint8_t *data;
	size_t len; /* bytes */
	size_t cap;
};

/* Room for `size` zeroed bytes more; valid until the next growth. */
void *buffer_add(struct buffer *buffer, size_t size);
void buffer_push(struct buffer *buffer, const void *data, size_t size);
void buffer_free(struct buffer *buffer);

#define BUFFER_AT(buffer, type, i) (&((type *)(void *)(buffer)->data)[i])
#define BUFFER_N(buffer, type) ((buffer)->len / sizeof(type))

#endif
