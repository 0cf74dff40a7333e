/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_MEMORY_H
#define LIBXM_MEMORY_H

/*
 * Access to memory through addresses that the application passed and that may be anything.  The
 * kernel does the copying, so that a bad address is an error and not a crash.  All return 0 (or what
 * is said), or -EFAULT.
 */

#include <stddef.h>
#include <stdint.h>

/* Copies `len` bytes from the application. */
int memory_read(void *dst, uintptr_t src, size_t len);
/* Copies `len` bytes to the application. */
int memory_write(uintptr_t dst, const void *src, size_t len);
/* Copies a string into `cap` bytes; its length, or `cap` if there is no NUL among them. */
int memory_read_string(char *dst, size_t cap, uintptr_t src);
/* Whether `len` bytes could be written now.  Changes none. */
int memory_probe_write(uintptr_t addr, size_t len);

#endif
