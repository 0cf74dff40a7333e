// SPDX-License-Identifier: LGPL-2.1-or-later
/* See alloc_fail.h.  Owns the counts; may be called from several threads. */

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/alloc_fail.h"

static _Atomic long alive;
static _Atomic unsigned long left; /* allocations until the one that fails */
static _Atomic bool has_failed;

void alloc_fail_at(unsigned long n)
{
	left = n;
	if (n)
		has_failed = false;
}

bool alloc_has_failed(void)
{
	return has_failed;
}

long alloc_alive(void)
{
	return alive;
}

static bool fails(void)
{
	unsigned long now = left;

	while (now && !atomic_compare_exchange_weak(&left, &now, now - 1))
		;
	if (now != 1)
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *p)
{
	if (p)
		alive++;
	return p;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **textp, const char *format, va_list ap);
void __real_free(void *p);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t len);

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *p = fails() ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, offset);

	if (p != MAP_FAILED)
		alive++;
	return p;
}

int __wrap_munmap(void *at, size_t len)
{
	alive--;
	return __real_munmap(at, len);
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
	if (fails())
		return NULL;
	return p ? __real_realloc(p, n) : counted(__real_malloc(n));
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : counted(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : counted(__real_strndup(s, n));
}

int __wrap_vasprintf(char **textp, const char *format, va_list ap)
{
	int n = fails() ? -1 : __real_vasprintf(textp, format, ap);

	if (n >= 0)
		alive++;
	return n;
}

/* What FORTIFY makes of it. */
int __wrap___vasprintf_chk(char **textp, int flag, const char *format, va_list ap)
{
	(void)flag;
	return __wrap_vasprintf(textp, format, ap);
}

void __wrap_free(void *p)
{
	if (p)
		alive--;
	__real_free(p);
}
