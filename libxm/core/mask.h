/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_MASK_H
#define XM_CORE_MASK_H

/*
 * Sets of hypercalls: what may be asked for over a connection to the hypervisor.  Bit n % 8 of byte
 * n / 8 is the operation of number n in xm_hypercalls(7); operations from 256 on, which are the broker's
 * own, cannot be in one.
 */

#include "libxm/core/table.h"

#define XM_MASK_BYTES 32

struct xm_mask {
	uint8_t bytes[XM_MASK_BYTES];
};

/* `op` is an enum xm_op_id. */
bool xm_mask_has(const struct xm_mask *mask, unsigned int op);
void xm_mask_add(struct xm_mask *mask, unsigned int op);
/*
 * Adds what the broker asks the hypervisor for when a session's call of this operation is allowed: the
 * operation itself, or those by means of which it is answered (log positions, what is described);
 * nothing for one that the hypervisor never sees.
 */
void xm_mask_add_call(struct xm_mask *mask, unsigned int op);

/* Whether every operation in it is one of the table. */
bool xm_mask_is_known(const struct xm_mask *mask);
/* Whether all of `part` is in `mask`. */
bool xm_mask_covers(const struct xm_mask *mask, const struct xm_mask *part);
bool xm_mask_equal(const struct xm_mask *a, const struct xm_mask *b);
void xm_mask_unite(struct xm_mask *mask, const struct xm_mask *with);
void xm_mask_intersect(struct xm_mask *mask, const struct xm_mask *with);
unsigned int xm_mask_count(const struct xm_mask *mask);

#endif
