// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory of one compilation.  Owns the chunks; must never be used in a process that serves clients,
 * since it ends the program when memory runs out.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/arena.h"

#define CHUNK (64u << 10)
#define ALIGN 16u

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(ALIGN) uint8_t data[];
};

static void *or_exit(void *memory)
{
	if (memory)
		return memory;
	fputs("out of memory\n", stderr);
	exit(2);
}

static struct arena_chunk *new_chunk(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;

	if (size < CHUNK)
		size = CHUNK;
	if (arena->spare && arena->spare->size >= size) {
		chunk = arena->spare;
		arena->spare = NULL;
	} else {
		chunk = or_exit(calloc(1, sizeof(*chunk) + size));
		chunk->size = size;
	}
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *memory;

	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = new_chunk(arena, size);
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char *text = NULL, *copy;
	int len = vasprintf(&text, format, args);

	if (len < 0)
		or_exit(NULL);
	copy = arena_strndup(arena, text, (size_t)len);
	free(text);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	const struct arena_chunk *chunk = arena->chunks;

	return (struct arena_mark){ arena->chunks, chunk ? chunk->used : 0 };
}

/* Memory is given out zeroed: so it is kept. */
static void clean(struct arena_chunk *chunk, size_t used)
{
	memset(chunk->data + used, 0, chunk->used - used);
	chunk->used = used;
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		if (arena->spare) {
			free(chunk);
			continue;
		}
		clean(chunk, 0);
		arena->spare = chunk;
	}
	if (arena->chunks)
		clean(arena->chunks, mark.used);
}

void arena_free(struct arena *arena)
{
	free(arena->spare);
	arena->spare = NULL;
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}

void *buffer_add(struct buffer *buffer, size_t size)
{
	void *room;

	/* Also when there is nothing yet: not even an empty record is at NULL. */
	if (!buffer->data || buffer->cap - buffer->len < size) {
		size_t cap = buffer->cap ? buffer->cap * 2 : 1024;

		while (cap - buffer->len < size)
			cap *= 2;
		buffer->data = or_exit(realloc(buffer->data, cap));
		buffer->cap = cap;
	}
	room = buffer->data + buffer->len;
	memset(room, 0, size);
	buffer->len += size;
	return room;
}

void buffer_push(struct buffer *buffer, const void *data, size_t size)
{
	void *room = buffer_add(buffer, size);

	if (size)
		memcpy(room, data, size);
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}
