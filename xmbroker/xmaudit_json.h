/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_JSON_H
#define XMBROKER_XMAUDIT_JSON_H

/*
 * The JSON that our writer writes, stepped over quickly.  A subset of JSON: each function returns where
 * the value ends, or NULL if there is none within the subset.
 */

#include <stdbool.h>
#include <stdint.h>

/* From behind the opening quote to the closing one.  *escapedp is set to true if there are escapes. */
const char *xmaudit_skip_string(const char *p, const char *end, bool *escapedp);
/* 1 to 20 digits; a minus in front is for arguments. */
const char *xmaudit_skip_number(const char *p, const char *end);
/* From the opening bracket to behind the closing one: numbers, none of them negative. */
const char *xmaudit_skip_list(const char *p, const char *end);
/* The arguments of a call: from the opening brace to behind the closing one; no name occurs twice. */
const char *xmaudit_skip_object(const char *p, const char *end, unsigned int depth);

/* One character of a string at *pp, which advances, as UTF-8.  How many bytes; 0: the end. */
unsigned int xmaudit_unescape(const char **pp, const char *end, char utf8[4]);

#endif
