/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_TEXT_H
#define XM_CORE_TEXT_H

/*
 * A bounded text buffer, and the only ways in which bytes from a client get into text: as a JSON
 * string, or with everything that a terminal could act on replaced.  Never allocates; a text that
 * does not fit is cut and says so through `truncated`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxm/core/request.h"

struct text {
	char *buf;
	size_t cap; /* bytes of buf, with the NUL */
	size_t len;
	bool truncated;
};

#define TEXT_INIT(array)                                                                           \
	{                                                                                          \
		(array), sizeof(array), 0, false                                                   \
	}

void text_char(struct text *t, char c);
void text_puts(struct text *t, const char *s);
void text_u64(struct text *t, uint64_t value);
void text_s64(struct text *t, int64_t value);
void text_hex(struct text *t, uint64_t value);
/* The last `width` (at most 20) decimal digits, with zeros in front. */
void text_digits(struct text *t, uint64_t value, unsigned int width);
/* Two hexadecimal digits for each byte. */
void text_bytes(struct text *t, const uint8_t *data, size_t len);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes; bytes that are not valid UTF-8, and controls, become \u escapes. */
void text_json(struct text *t, const void *data, size_t len);
/* For a terminal: printable ASCII as it is, all else as \xNN. */
void text_safe(struct text *t, const void *data, size_t len);

/*
 * The input arguments of a request.  Scalars of an enumeration print by name, other numbers as they
 * are, buffers by their length.  As one JSON object
 *   {"clock":"XM_HW_CLOCK","portName":"hk-1","buffer":{"length":14}}
 * (an argument in another state than OK is "null", "fault", "unaligned", "absent" or "oversize"), or
 * as in C for a person: XM_get_time(XM_HW_CLOCK).
 */
void text_args_json(struct text *t, const struct xm_request *req);
void text_call(struct text *t, const struct xm_request *req);

#endif
