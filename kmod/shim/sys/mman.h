/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XMCTL_SHIM_SYS_MMAN_H
#define XMCTL_SHIM_SYS_MMAN_H

#include <linux/stddef.h>

/* No call takes more than the scratch memory that it is given. */
#define MAP_FAILED ((void *)-1)
#define mmap(addr, len, prot, flags, fd, offset) ((void)(len), MAP_FAILED)
#define munmap(addr, len) ((void)(addr), (void)(len))
#define madvise(addr, len, advice) ((void)(addr), (void)(len))

#endif
