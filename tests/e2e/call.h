/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_E2E_CALL_H
#define TESTS_E2E_CALL_H

/*
 * What the parts of the scripted client share: the words of the line that is being worked on, and
 * the fields of its answer.  The client belongs to one thread.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef XM_PROFILE
#define XM_PROFILE XM_PROFILE_3_X
#endif
#include <xm-linux.h>

#define CALL_TEXT_MAX 65536

/* One word of a line and what it does; the list of each part ends with a NULL name. */
struct call {
	const char *name;
	long (*call)(void);
};

extern const struct call call_status[];
extern const struct call call_ports[];
extern const struct call call_tables[];

/* Word i of the line as a number, in full and as most arguments are; 0 if it is not there. */
unsigned long long call_wide(int i);
xm_u32_t call_number(int i);
/* Word i of the line, "" if it is not there. */
char *call_text(int i);

/* Adds name=value to the answer. */
void call_field(const char *name, long long value);
void call_nth_field(const char *name, long i, long long value);
void call_text_field(const char *name, const void *text, long len);

#define FIELD(structure, member) call_field(#member, (long long)(structure).member)
/* The same member of elements, or elements of a member. */
#define FIELD_NTH(name, i, value) call_nth_field(name, i, (long long)(value))

#endif
