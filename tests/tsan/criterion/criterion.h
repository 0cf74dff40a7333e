/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_TSAN_CRITERION_H
#define XM_TESTS_TSAN_CRITERION_H

/*
 * As much of Criterion as the tests of the client library use, in its place under a thread sanitizer,
 * beside which Criterion does not find the addresses that it wants.  Each test is a child.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tsan_options {
	void (*init)(void);
	void (*fini)(void);
	unsigned int timeout; /* s */
	int signal, exit_code;
	bool disabled;
	const char *description;
};

struct tsan_test {
	const char *suite, *name;
	void (*run)(void);
	struct tsan_options options;
};

struct tsan_suite {
	const char *name;
	struct tsan_options options;
};

void tsan_add_test(const struct tsan_test *test);
void tsan_add_suite(const struct tsan_suite *suite);
__attribute__((format(printf, 3, 4))) void tsan_failed(const char *file, int line,
						       const char *format, ...);

#define TestSuite(suite, ...)                                                                      \
	__attribute__((constructor)) static void suite##_add_suite(void)                           \
	{                                                                                          \
		static const struct tsan_suite me = { #suite, { __VA_ARGS__ } };                   \
                                                                                                   \
		tsan_add_suite(&me);                                                               \
	}                                                                                          \
	struct tsan_suite

#define Test(suite, test, ...)                                                                     \
	static void suite##_##test##_run(void);                                                    \
	__attribute__((constructor)) static void suite##_##test##_add(void)                        \
	{                                                                                          \
		static const struct tsan_test me = {                                               \
			#suite, #test, suite##_##test##_run, { __VA_ARGS__ }                       \
		};                                                                                 \
                                                                                                   \
		tsan_add_test(&me);                                                                \
	}                                                                                          \
	static void suite##_##test##_run(void)

#define cr_assert(condition, ...)                                                                  \
	do {                                                                                       \
		if (!(condition))                                                                  \
			tsan_failed(__FILE__, __LINE__, "%s", #condition);                         \
	} while (0)
#define cr_assert_not(condition, ...) cr_assert(!(condition))
#define cr_assert_fail(...) cr_assert(false)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b))
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b))
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b))
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b))
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b))
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b))
#define cr_assert_null(p, ...) cr_assert(!(p))
#define cr_assert_not_null(p, ...) cr_assert(p)
#define cr_assert_str_eq(a, b, ...) cr_assert(!strcmp(a, b))
#define cr_assert_arr_eq(a, b, n, ...) cr_assert(!memcmp(a, b, n))
#define cr_expect cr_assert
#define cr_expect_not cr_assert_not
#define cr_expect_eq cr_assert_eq
#define cr_expect_neq cr_assert_neq
#define cr_expect_lt cr_assert_lt
#define cr_expect_gt cr_assert_gt
#define cr_expect_null cr_assert_null
#define cr_expect_str_eq cr_assert_str_eq
#define cr_skip_test(...)                                                                          \
	do {                                                                                       \
		printf("# skipped: " __VA_ARGS__);                                                 \
		return;                                                                            \
	} while (0)
#define cr_skip cr_skip_test

#endif
