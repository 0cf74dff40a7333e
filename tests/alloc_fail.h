/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_ALLOC_FAIL_H
#define XM_TESTS_ALLOC_FAIL_H

/*
 * Allocations that fail when a test says so, and the number of those that live.  A test that is linked
 * with this is linked with --wrap for each of the functions of the C library that allocate, so that what
 * is tested calls those here; libraries do not.
 */

#include <stdbool.h>

/* The nth allocation from now on fails, and none else; 0: none. */
void alloc_fail_at(unsigned long n);
/* Whether it came to that, the last time that one was to fail. */
bool alloc_has_failed(void);
/* Allocations that were not freed. */
long alloc_alive(void);

#endif
