/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XMCTL_SHIM_ERRNO_H
#define XMCTL_SHIM_ERRNO_H

#include <linux/errno.h>

/* Written, and never looked at: one call at a time is made. */
extern int xmctl_sim_errno;
#define errno xmctl_sim_errno

#endif
