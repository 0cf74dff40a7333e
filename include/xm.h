/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_H
#define XM_H

/*
 * The user interface of the hypervisor, as libxm has it, for programs of a Linux partition: profile
 * 3.x unless XM_PROFILE says otherwise (xm/profile.h).  Link with -lxm.  See libxm(3).
 */

#include <xm/bitmap.h>
#include <xm/codes.h>
#include <xm/console.h>
#include <xm/hm.h>
#include <xm/hmevents.h>
#include <xm/init.h>
#include <xm/ipvi.h>
#include <xm/irq.h>
#include <xm/machine.h>
#include <xm/memory.h>
#include <xm/memorytypes.h>
#include <xm/multicall.h>
#include <xm/numbers.h>
#include <xm/objdesc.h>
#include <xm/object.h>
#include <xm/params.h>
#include <xm/partition.h>
#include <xm/ports.h>
#include <xm/porttypes.h>
#include <xm/profile.h>
#include <xm/spare.h>
#include <xm/status.h>
#include <xm/statustypes.h>
#include <xm/system.h>
#include <xm/tables.h>
#include <xm/time.h>
#include <xm/trace.h>
#include <xm/tracetypes.h>
#include <xm/types.h>
#include <xm/vcpu.h>
#include <xm/version.h>
#include <xm/vtraps.h>

#endif
