/* SPDX-License-Identifier: GPL-2.0-only */
/* What the simulated hypervisor wants of a C library, made of what the kernel has. */
#ifndef XMCTL_SHIM_STDINT_H
#define XMCTL_SHIM_STDINT_H

#include <linux/limits.h>
#include <linux/types.h>

#define INT32_MAX S32_MAX
#define UINT32_MAX U32_MAX
#define UINT64_MAX U64_MAX
#define INT64_C(n) n##LL

#endif
