// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The application's memory.  Owns nothing.  Must never dereference an address that it was given: the
 * kernel copies, where it lets a process do that to itself, and else a pipe does.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libxm/memory.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

typedef ssize_t transfer(pid_t pid, const struct iovec *local, unsigned long n_local,
			 const struct iovec *remote, unsigned long n_remote, unsigned long flags);

static uintptr_t page_size(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* The end, which the last byte of the address space does not have, must be an address too. */
static bool wraps(uintptr_t addr, size_t len)
{
	return addr > UINTPTR_MAX - len;
}

/* The kernel (a seccomp filter, an old build) lets nobody copy, not even a process from itself. */
static bool unsupported(int error)
{
	return error == ENOSYS || error == EPERM || error == EACCES;
}

/* All of it, or -EFAULT, or -ENOSYS when the kernel does not do this. */
static int copy(transfer *move, void *local, uintptr_t remote, size_t len)
{
	struct iovec here = { local, len };
	struct iovec there = { (void *)remote, len };
	int saved = errno;
	ssize_t n;

	if (!len)
		return 0;
	if (!remote || wraps(remote, len))
		return -EFAULT;
	n = move(getpid(), &here, 1, &there, 1, 0);
	if (n < 0 && unsupported(errno)) {
		errno = saved;
		return -ENOSYS;
	}
	errno = saved;
	return n == (ssize_t)len ? 0 : -EFAULT;
}

/* What a pipe is given, it takes out of memory; what it gives, it puts there; or it says EFAULT. */
static int copy_through_pipe(uint8_t *dst, const uint8_t *src, size_t len)
{
	int ends[2], saved = errno, r = 0;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		errno = saved;
		return -EFAULT;
	}
	while (len) {
		ssize_t n = write(ends[1], src, len < PIPE_BUF ? len : PIPE_BUF);

		if (n <= 0 || read(ends[0], dst, (size_t)n) != n) {
			r = -EFAULT;
			break;
		}
		src += n;
		dst += n;
		len -= (size_t)n;
	}
	close(ends[0]);
	close(ends[1]);
	errno = saved;
	return r;
}

int memory_read(void *dst, uintptr_t src, size_t len)
{
	int r = copy(process_vm_readv, dst, src, len);

	return r == -ENOSYS ? copy_through_pipe(dst, (const uint8_t *)src, len) : r;
}

int memory_write(uintptr_t dst, const void *src, size_t len)
{
	int r = copy(process_vm_writev, (void *)(uintptr_t)src, dst, len);

	return r == -ENOSYS ? copy_through_pipe((uint8_t *)dst, src, len) : r;
}

/* A string may end just before memory that is not there: read up to the end of the page first. */
int memory_read_string(char *dst, size_t cap, uintptr_t src)
{
	size_t first = page_size() - src % page_size();
	const char *nul;

	if (first > cap)
		first = cap;
	if (memory_read(dst, src, first) < 0)
		return -EFAULT;
	nul = memchr(dst, '\0', first);
	if (!nul && first < cap) {
		if (memory_read(dst + first, src + first, cap - first) < 0)
			return -EFAULT;
		nul = memchr(dst, '\0', cap);
	}
	return nul ? (int)(nul - dst) : (int)cap;
}

/* Reads one byte of each page and writes it back; the caller is about to overwrite it anyway. */
static int touch_pages(uintptr_t addr, size_t len)
{
	uintptr_t end = addr + len;
	int r = 0;

	while (addr < end && !r) {
		uint8_t byte;

		r = memory_read(&byte, addr, 1);
		if (!r)
			r = memory_write(addr, &byte, 1);
		addr += page_size() - addr % page_size();
	}
	return r;
}

int memory_probe_write(uintptr_t addr, size_t len)
{
	uintptr_t start = addr - addr % page_size();
	int saved = errno;
	int error;

	if (!len)
		return 0;
	if (!addr || wraps(addr, len))
		return -EFAULT;
	if (madvise((void *)start, addr + len - start, MADV_POPULATE_WRITE) == 0)
		return 0;
	error = errno;
	errno = saved;
	if (error == ENOMEM || error == EFAULT)
		return -EFAULT;
	/* EINVAL: an older kernel, or memory that is not writable; the slow way can tell. */
	return touch_pages(addr, len);
}
