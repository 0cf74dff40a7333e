/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_LINUX_H
#define XM_LINUX_H

/*
 * The interface of libxm-linux: profile 2.4 unless XM_PROFILE says otherwise, and XM_hcall().  Link
 * with -lxm-linux (static, 2.4 only) or -lxm.  See libxm(3).
 */

#include <xm_inc/arch/arch_types.h>

#if defined(XM_H) && defined(XM_PROFILE_BY_DEFAULT)
#error "<xm.h> has chosen profile 3.x: include <xm-linux.h> first, or compile with -DXM_PROFILE=24"
#endif
#ifndef XM_PROFILE
#define XM_PROFILE 24 /* XM_PROFILE_2_4, which xm/profile.h defines */
#endif

#include <xm.h>
#include <xm/hcall.h>

/* Where libxm-linux found the hypervisor.  Belongs to the broker now; only messages name it. */
#define XMDEV "/dev/xmctl"

/* The argument block of a hypercall, widened so that pointers survive; nothing here uses it. */
typedef struct LibXmInfo {
	int fd;
	unsigned int cmd;
	unsigned long arg[5];
} LibXmInfo;

#endif
