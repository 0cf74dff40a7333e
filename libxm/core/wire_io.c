// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The primitives of messages: numbers, bytes and strings, and the header.  Owns nothing; allocates
 * nothing.  Must never trust a length before it is compared with what is there.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "libxm/core/wire_io.h"

#define MAGIC 0x6d58 /* "Xm" */

/* The bytes may lie further back in the room that the message is written into. */
void wire_put_bytes(struct wire_writer *w, const void *data, size_t len)
{
	if (len && w->len <= w->cap && len <= w->cap - w->len)
		memmove(w->msg + w->len, data, len);
	w->len += len;
}

void wire_put_string(struct wire_writer *w, const char *s)
{
	size_t len = strlen(s);

	wire_put(w, len, 2);
	wire_put_bytes(w, s, len);
}

const uint8_t *wire_get_bytes(struct wire_reader *r, size_t len)
{
	const uint8_t *p = r->msg + r->pos;

	if (r->bad || r->len - r->pos < len) {
		r->bad = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

/* A string must fit with its NUL into `cap` bytes and hold no NUL of its own. */
void wire_get_string(struct wire_reader *r, char *s, size_t cap)
{
	size_t len = wire_get(r, 2);
	const uint8_t *p = len < cap ? wire_get_bytes(r, len) : NULL;

	if (!p || memchr(p, 0, len)) {
		r->bad = true;
		len = 0;
	} else {
		memcpy(s, p, len);
	}
	s[len] = '\0';
}

/* ---- header: magic, type, flags (0), length, serial, reserved (0) -------------------------------- */

struct wire_writer wire_begin(uint8_t *msg, size_t cap, enum xm_wire_type type, uint32_t serial)
{
	struct wire_writer w = { msg, cap, 0 };

	wire_put(&w, MAGIC, 2);
	wire_put(&w, type, 1);
	wire_put(&w, 0, 1);
	wire_put(&w, 0, 4);
	wire_put(&w, serial, 4);
	wire_put(&w, 0, 4);
	return w;
}

int wire_finish(struct wire_writer *w)
{
	struct wire_writer length = { w->msg + 4, 4, 0 };

	if (w->len > w->cap || w->len > XM_WIRE_MAX)
		return -EMSGSIZE;
	wire_put(&length, w->len, 4);
	return (int)w->len;
}

int wire_get_head(struct wire_reader *r, struct xm_wire_head *headp)
{
	uint64_t magic = wire_get(r, 2);
	uint64_t type = wire_get(r, 1);
	uint64_t flags = wire_get(r, 1);
	uint64_t length = wire_get(r, 4);
	uint64_t serial = wire_get(r, 4);
	uint64_t reserved = wire_get(r, 4);

	if (r->bad || magic != MAGIC || flags || reserved || length != r->len ||
	    r->len > XM_WIRE_MAX || type < XM_WIRE_HELLO || type > XM_WIRE_RESTRICT)
		return -EPROTO;
	headp->type = (uint8_t)type;
	headp->serial = (uint32_t)serial;
	return 0;
}

/* Opens a message of the expected type for reading. */
struct wire_reader wire_expect(const uint8_t *msg, size_t len, enum xm_wire_type type)
{
	struct wire_reader r = { msg, len, 0, false };
	struct xm_wire_head head;

	if (wire_get_head(&r, &head) < 0 || head.type != type)
		r.bad = true;
	return r;
}

int wire_complete(const struct wire_reader *r)
{
	return r->bad || r->pos != r->len ? -EPROTO : 0;
}
