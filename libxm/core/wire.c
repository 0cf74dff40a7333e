// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Session messages and parts, to bytes and back; calls are in wire_call.c.  Owns nothing; allocates
 * nothing.  Must never copy a struct.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "libxm/core/wire_io.h"

int xm_wire_get_head(const uint8_t *msg, size_t len, struct xm_wire_head *headp)
{
	struct wire_reader r = { msg, len, 0, false };

	return wire_get_head(&r, headp);
}

/* ---- session messages ------------------------------------------------------------------------------ */

int xm_wire_put_hello(uint8_t *msg, size_t cap, const struct xm_wire_hello *hello)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_HELLO, 0);

	wire_put(&w, hello->version_min, 2);
	wire_put(&w, hello->version_max, 2);
	wire_put(&w, hello->profile, 1);
	wire_put_string(&w, hello->comm);
	wire_put_string(&w, hello->cgroup);
	return wire_finish(&w);
}

int xm_wire_get_hello(const uint8_t *msg, size_t len, struct xm_wire_hello *hellop)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_HELLO);
	struct xm_wire_hello hello;

	hello.version_min = (uint16_t)wire_get(&r, 2);
	hello.version_max = (uint16_t)wire_get(&r, 2);
	hello.profile = (uint8_t)wire_get(&r, 1);
	wire_get_string(&r, hello.comm, sizeof(hello.comm));
	wire_get_string(&r, hello.cgroup, sizeof(hello.cgroup));
	if (wire_complete(&r) < 0 || !xm_profile_name(hello.profile) ||
	    hello.version_min > hello.version_max)
		return -EPROTO;
	*hellop = hello;
	return 0;
}

int xm_wire_put_welcome(uint8_t *msg, size_t cap, const struct xm_wire_welcome *welcome)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_WELCOME, 0);

	wire_put(&w, welcome->version, 2);
	wire_put(&w, welcome->profile, 1);
	wire_put(&w, welcome->partition, 4);
	wire_put(&w, welcome->n_partitions, 4);
	wire_put(&w, welcome->data_max, 4);
	return wire_finish(&w);
}

int xm_wire_get_welcome(const uint8_t *msg, size_t len, struct xm_wire_welcome *welcomep)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_WELCOME);
	struct xm_wire_welcome welcome;

	welcome.version = (uint16_t)wire_get(&r, 2);
	welcome.profile = (uint8_t)wire_get(&r, 1);
	welcome.partition = (uint32_t)wire_get(&r, 4);
	welcome.n_partitions = (uint32_t)wire_get(&r, 4);
	welcome.data_max = (uint32_t)wire_get(&r, 4);
	if (wire_complete(&r) < 0 || !xm_profile_name(welcome.profile))
		return -EPROTO;
	*welcomep = welcome;
	return 0;
}

int xm_wire_put_refused(uint8_t *msg, size_t cap, const struct xm_wire_refused *refused)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_REFUSED, 0);

	wire_put(&w, refused->error, 2);
	wire_put_string(&w, refused->reason);
	return wire_finish(&w);
}

int xm_wire_get_refused(const uint8_t *msg, size_t len, struct xm_wire_refused *refusedp)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_REFUSED);
	struct xm_wire_refused refused;

	refused.error = (uint16_t)wire_get(&r, 2);
	wire_get_string(&r, refused.reason, sizeof(refused.reason));
	if (wire_complete(&r) < 0)
		return -EPROTO;
	*refusedp = refused;
	return 0;
}

int xm_wire_put_restrict(uint8_t *msg, size_t cap, const struct xm_mask *mask)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_RESTRICT, 0);

	wire_put_bytes(&w, mask->bytes, sizeof(mask->bytes));
	return wire_finish(&w);
}

int xm_wire_get_restrict(const uint8_t *msg, size_t len, struct xm_mask *maskp)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_RESTRICT);
	const uint8_t *bytes = wire_get_bytes(&r, XM_MASK_BYTES);
	struct xm_mask mask;

	if (!bytes || wire_complete(&r) < 0)
		return -EPROTO;
	memcpy(mask.bytes, bytes, sizeof(mask.bytes));
	if (!xm_mask_is_known(&mask))
		return -EPROTO;
	*maskp = mask;
	return 0;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static size_t piece(size_t total, size_t offset)
{
	return total - offset < XM_WIRE_PART_DATA ? total - offset : XM_WIRE_PART_DATA;
}

int xm_wire_put_part(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *whole, size_t total,
		     size_t offset)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_PART, serial);

	if (total > XM_WIRE_MAX || offset >= total)
		return -EMSGSIZE;
	wire_put(&w, total, 4);
	wire_put(&w, offset, 4);
	wire_put_bytes(&w, whole + offset, piece(total, offset));
	return wire_finish(&w);
}

int xm_wire_get_part(const uint8_t *msg, size_t len, struct xm_wire_part *partp)
{
	struct wire_reader r = { msg, len, 0, false };
	struct xm_wire_head head = { 0, 0 };
	struct xm_wire_part part;

	if (wire_get_head(&r, &head) < 0 || head.type != XM_WIRE_PART)
		return -EPROTO;
	part.serial = head.serial;
	part.total = (uint32_t)wire_get(&r, 4);
	part.offset = (uint32_t)wire_get(&r, 4);
	if (r.bad || part.total <= XM_WIRE_PACKET || part.total > XM_WIRE_MAX ||
	    part.offset >= part.total || part.offset % XM_WIRE_PART_DATA)
		return -EPROTO;
	part.len = (uint32_t)piece(part.total, part.offset);
	part.data = wire_get_bytes(&r, part.len);
	if (wire_complete(&r) < 0)
		return -EPROTO;
	*partp = part;
	return 0;
}
