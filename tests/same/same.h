/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SAME_SAME_H
#define TESTS_SAME_SAME_H

/*
 * Random calls, made in every way that the library offers.  same.c and anyraw.c are compiled once a
 * profile; each function says how many calls it made, and fails the test itself.
 */

#include <stdint.h>

#define SAME_DECLARE(profile)                                                                      \
	unsigned long same_ways_##profile(unsigned long n, uint64_t seed);                         \
	unsigned long same_any_##profile(unsigned long n, uint64_t seed);

SAME_DECLARE(24)
SAME_DECLARE(26)
SAME_DECLARE(3x)
SAME_DECLARE(pr)

#ifdef XM_PROFILE
#define SAME_PASTE_(a, b) a##b
#define SAME_PASTE(a, b) SAME_PASTE_(a, b)
#if XM_PROFILE == 24
#define SAME_NAME(name) SAME_PASTE(name, 24)
#elif XM_PROFILE == 26
#define SAME_NAME(name) SAME_PASTE(name, 26)
#elif XM_PROFILE == 40
#define SAME_NAME(name) SAME_PASTE(name, pr)
#else
#define SAME_NAME(name) SAME_PASTE(name, 3x)
#endif
#endif

#endif
