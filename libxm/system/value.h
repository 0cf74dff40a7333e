/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_VALUE_H
#define XM_SYSTEM_VALUE_H

/*
 * The notations of a system description: sizes, times, frequencies, numbers, lists.  Exact integer
 * arithmetic.  Internal to libxm/system.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each gives false for what is not wholly in the notation or does not fit. */
bool value_number(const char *s, uint64_t *valuep); /* decimal digits */
/* Pairs of hexadecimal digits; a byte for each. */
bool value_bytes(const char *s, uint8_t *data);
bool value_hex(const char *s, uint64_t *valuep);       /* 0x... */
bool value_size(const char *s, uint64_t *valuep);      /* N[.N](B|KB|MB), in bytes */
bool value_time(const char *s, uint64_t *valuep);      /* N[.N](s|ms|us), in us */
bool value_frequency(const char *s, uint64_t *valuep); /* N[.N](MHz|KHz), in kHz */
bool value_boolean(const char *s, bool *valuep);       /* yes no true false */

/* Takes the next word of a blank-separated list: its start and length, or false at the end. */
bool value_word(const char **listp, const char **wordp, size_t *lenp);

#endif
