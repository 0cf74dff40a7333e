/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_WIRE_RIG_H
#define XM_TESTS_WIRE_RIG_H

#include "libxm/core/wire.h"

extern uint8_t buf[XM_WIRE_PACKET];
/* What good requests have for data and structures. */
extern const uint8_t bytes[17];
extern uint8_t fields[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

/* A valid request of an operation, every argument present; and as a message in buf. */
struct xm_request sample(unsigned int id);
int put_sample(unsigned int id, uint32_t serial);

#endif
