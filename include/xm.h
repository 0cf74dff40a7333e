/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_H
#define XM_H

/*
 * The user interface of the hypervisor, as libxm has it, for programs of a Linux partition: profile
 * 3.x unless XM_PROFILE says otherwise (xm/profile.h).  Link with -lxm.  See libxm(3).
 */

#include <xm/codes.h>
#include <xm/console.h>
#include <xm/hm.h>
#include <xm/init.h>
#include <xm/numbers.h>
#include <xm/objdesc.h>
#include <xm/object.h>
#include <xm/partition.h>
#include <xm/ports.h>
#include <xm/profile.h>
#include <xm/status.h>
#include <xm/time.h>
#include <xm/types.h>

#endif
