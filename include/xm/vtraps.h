/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_VTRAPS_H
#define XM_VTRAPS_H

/*
 * Numbers of virtual interrupts.  2.x counts them through, hardware lines from 0 and extended ones
 * from 32; 3.x numbers the bits of two masks.
 */

#include <xm/profile.h>

#define XM_VT_HW_FIRST 0
#define XM_VT_HW_LAST 31
#define XM_VT_HW_MAX 32

/* What the lines of older boards are wired to. */
#define XM_VT_HW_INTERNAL_BUS_TRAP_NR 1
#define XM_VT_HW_UART2_TRAP_NR 2
#define XM_VT_HW_UART1_TRAP_NR 3
#define XM_VT_HW_IO_IRQ0_TRAP_NR 4
#define XM_VT_HW_IO_IRQ1_TRAP_NR 5
#define XM_VT_HW_IO_IRQ2_TRAP_NR 6
#define XM_VT_HW_IO_IRQ3_TRAP_NR 7
#define XM_VT_HW_TIMER1_TRAP_NR 8
#define XM_VT_HW_TIMER2_TRAP_NR 9
#define XM_VT_HW_DSU_TRAP_NR 11
#define XM_VT_HW_PCI_TRAP_NR 14

#if XM_FAMILY == 2
#define XM_VT_EXT_FIRST 32
#define XM_VT_EXT_LAST 63
#else
#define XM_VT_EXT_FIRST 0
#define XM_VT_EXT_LAST 31
#endif
#define XM_VT_EXT_MAX 32

#define XM_VT_EXT_HW_TIMER (XM_VT_EXT_FIRST + 0)
#define XM_VT_EXT_EXEC_TIMER (XM_VT_EXT_FIRST + 1)
#if XM_PROFILE != XM_PROFILE_PRTOS
#define XM_VT_EXT_WATCHDOG_TIMER (XM_VT_EXT_FIRST + 2)
#endif
#define XM_VT_EXT_SHUTDOWN (XM_VT_EXT_FIRST + 3)
#if XM_FAMILY == 2
#define XM_VT_EXT_OBJDESC (XM_VT_EXT_FIRST + 4)
#else
#define XM_VT_EXT_SAMPLING_PORT (XM_VT_EXT_FIRST + 4)
#define XM_VT_EXT_QUEUING_PORT (XM_VT_EXT_FIRST + 5)
#endif
#define XM_VT_EXT_CYCLIC_SLOT_START (XM_VT_EXT_FIRST + 8)
#define XM_VT_EXT_MEM_PROTECT (XM_VT_EXT_FIRST + 16)

/* Interrupts that partitions raise at each other (xm/ipvi.h). */
#define XM_VT_EXT_IPVI0 (XM_VT_EXT_FIRST + 24)
#define XM_VT_EXT_IPVI1 (XM_VT_EXT_FIRST + 25)
#define XM_VT_EXT_IPVI2 (XM_VT_EXT_FIRST + 26)
#define XM_VT_EXT_IPVI3 (XM_VT_EXT_FIRST + 27)
#define XM_VT_EXT_IPVI4 (XM_VT_EXT_FIRST + 28)
#define XM_VT_EXT_IPVI5 (XM_VT_EXT_FIRST + 29)
#define XM_VT_EXT_IPVI6 (XM_VT_EXT_FIRST + 30)
#define XM_VT_EXT_IPVI7 (XM_VT_EXT_FIRST + 31)
#define XM_VT_EXT_IPVI(ipvi) (XM_VT_EXT_IPVI0 + (ipvi))

#endif
