// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A box that is entered with some allocation failing, each further on than the last one: those of the
 * libraries too, which is why this replaces the C library's functions.  Whoever enters it gets an error,
 * or is confined.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/box_rig.h"

#define REFUSED 99
#define MOST 20000 /* allocations: a bound for the loop */

TestSuite(box_memory, .timeout = 240);

#if !BOX_SANITIZED
/* Shared with all children: one allocation fails in whichever of them it is.  NULL: none fails. */
static _Atomic long *left;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
	return left && *left > 0 && atomic_fetch_sub(left, 1) == 1;
}

#define REPLACES __attribute__((visibility("default")))

REPLACES void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

REPLACES void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

REPLACES void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

static _Noreturn void enter(enum box_role role, _Atomic long *count)
{
	int r;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (box_become(role, BOX_STAY, BOX_STAY) < 0)
		_exit(1);
	left = count;
	r = box_confine(role);
	left = NULL;
	if (r < 0)
		_exit(REFUSED);
	syscall(SYS_open_by_handle_at, -1, NULL, 0);
	_exit(2); /* it came back */
}

/* The allocation that the count says fails; how it ended. */
static int entered(enum box_role role, _Atomic long *count)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		enter(role, count);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void with_each_failing(enum box_role role, _Atomic long *count)
{
	int refused = 0, status = 0;
	long n;

	for (n = 1; n < MOST; n += 1 + n / 4) {
		*count = n;
		status = entered(role, count);
		if (*count > 0)
			break; /* there are not as many */
		refused += is_exit(status, REFUSED);
		cr_expect(is_exit(status, REFUSED) || is_killed(status), "%s, %ld: %#x",
			  box_role_name(role), n, (unsigned)status);
	}
	cr_assert_lt(n, MOST);
	cr_expect(is_killed(status), "with all of them: %#x", (unsigned)status);
	cr_expect_gt(refused, 5);
}

Test(box_memory, who_lacks_memory_is_confined_or_told_so)
{
	_Atomic long *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(count, MAP_FAILED);
	with_each_failing(BOX_SERVER, count);
	with_each_failing(BOX_SUPERVISOR, count);
	munmap(count, sizeof(*count));
}
#else
Test(box_memory, who_lacks_memory_is_confined_or_told_so)
{
	cr_skip_test("not run: a sanitizer has functions of its own for memory");
}
#endif
