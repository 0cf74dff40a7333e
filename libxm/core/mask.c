// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of hypercalls.  Pure.  Must never hold an operation that nobody asked to be in it.
 */

#include <string.h>

#include "libxm/core/mask.h"

#define NUMBERS (8 * XM_MASK_BYTES)

#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)             \
	_Static_assert((wire) < NUMBERS || ((flags)&XM_OPF_BROKER), #id " fits into no mask");
#include <xm/hypercalls.def>

/* What is never asked of the hypervisor. */
#define ANSWERED_HERE (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC | XM_OPF_BROKER | XM_OPF_DESCRIBED)

bool xm_mask_has(const struct xm_mask *mask, unsigned int op)
{
	unsigned int n = op < XM_N_OPS ? xm_ops[op].wire : NUMBERS;

	return n < NUMBERS && (mask->bytes[n / 8] & 1u << n % 8);
}

void xm_mask_add(struct xm_mask *mask, unsigned int op)
{
	unsigned int n = op < XM_N_OPS ? xm_ops[op].wire : NUMBERS;

	if (n < NUMBERS)
		mask->bytes[n / 8] |= (uint8_t)(1u << n % 8);
}

/* A position of the session's own is kept by means of all three operations of the log. */
static void add_log(struct xm_mask *mask, unsigned int read, unsigned int seek, unsigned int status)
{
	xm_mask_add(mask, read);
	xm_mask_add(mask, seek);
	xm_mask_add(mask, status);
}

void xm_mask_add_call(struct xm_mask *mask, unsigned int op)
{
	switch (op) {
	case XM_OP_HM_READ:
	case XM_OP_HM_SEEK:
	case XM_OP_HM_STATUS:
		add_log(mask, XM_OP_HM_READ, XM_OP_HM_SEEK, XM_OP_HM_STATUS);
		break;
	case XM_OP_TRACE_READ:
	case XM_OP_TRACE_SEEK:
	case XM_OP_TRACE_STATUS:
		add_log(mask, XM_OP_TRACE_READ, XM_OP_TRACE_SEEK, XM_OP_TRACE_STATUS);
		break;
	case XM_OP_GET_PARTITION_TABLE:
		xm_mask_add(mask, XM_OP_GET_PARTITION_STATUS);
		xm_mask_add(mask, XM_OP_GET_PLAN_STATUS);
		xm_mask_add(mask, XM_OP_GET_TIME);
		break;
	default:
		if (op < XM_N_OPS && !(xm_ops[op].flags & ANSWERED_HERE))
			xm_mask_add(mask, op);
	}
}

bool xm_mask_is_known(const struct xm_mask *mask)
{
	for (unsigned int n = 0; n < NUMBERS; n++)
		if ((mask->bytes[n / 8] & 1u << n % 8) && xm_op_by_wire(n) < 0)
			return false;
	return true;
}

bool xm_mask_covers(const struct xm_mask *mask, const struct xm_mask *part)
{
	for (size_t i = 0; i < XM_MASK_BYTES; i++)
		if (part->bytes[i] & ~mask->bytes[i])
			return false;
	return true;
}

bool xm_mask_equal(const struct xm_mask *a, const struct xm_mask *b)
{
	return !memcmp(a->bytes, b->bytes, XM_MASK_BYTES);
}

void xm_mask_unite(struct xm_mask *mask, const struct xm_mask *with)
{
	for (size_t i = 0; i < XM_MASK_BYTES; i++)
		mask->bytes[i] |= with->bytes[i];
}

void xm_mask_intersect(struct xm_mask *mask, const struct xm_mask *with)
{
	for (size_t i = 0; i < XM_MASK_BYTES; i++)
		mask->bytes[i] &= with->bytes[i];
}

unsigned int xm_mask_count(const struct xm_mask *mask)
{
	unsigned int n = 0;

	for (size_t i = 0; i < XM_MASK_BYTES; i++)
		n += (unsigned int)__builtin_popcount(mask->bytes[i]);
	return n;
}
