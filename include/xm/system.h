/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_H
#define XM_SYSTEM_H

/* Numbers of the compiled system description and of the hypervisor's tables. */

#include <xm/types.h>

/* Flags of a partition in the system description. */
#if XM_FAMILY == 2
#define XM_PART_CPU_MASK 0xff
#define XM_PART_SUPERVISOR 0x100
#define XM_PART_BOOT 0x200
#define XM_PART_FP 0x400
#define XM_PART_SPARE_G 0x800
#define XM_PART_SPARE_H 0x1000
#else
#define XM_PART_SYSTEM 0x100
#define XM_PART_FP 0x200
#define XM_PART_BOOT 0x1 /* in the table of the hypervisor */
#endif

/* Devices of the system description. */
#define XM_DEV_LOGSTORAGE_ID 0
#if XM_FAMILY == 2
#define XM_DEV_PC_VGA_ID 2
#define XM_DEV_PC_UART_ID 3
#if XM_PROFILE == XM_PROFILE_2_6
#define XM_DEV_WRITE_BUFFER_ID 4
#endif
#else
#define XM_DEV_UART_ID 1
#define XM_DEV_VGA_ID 2
#define XM_DEV_SPARTAN6_EXTSYNC_ID 3
#define XM_DEV_TTNOC_ID 4
#endif
#define XM_DEV_INVALID_ID 0xffff

/* First words of tables and files. */
#define KTHREAD_MAGIC 0xa5a55a5aU       /* partition control table */
#define XM_PIT_SIGNATURE 0x584d5354U    /* partition information table, 2.x */
#define XMC_SIGNATURE 0x24584d43U       /* compiled system description */
#define XM_HEADER_SIGNATURE 0x24584d68U /* image of the hypervisor */
#define XM_IMAGE_SIGNATURE 0x24584d69U  /* image of a partition */
#define XEF_SIGNATURE 0x24584546U       /* executable file */
#define XM_CONTAINER_SIGNATURE 0x24584354U

/* A slot of a cyclic plan, microseconds within the major frame. */
struct xmcSchedCyclicSlot {
	xmId_t id;
	xmId_t partitionId;
	xm_u32_t sExec;
	xm_u32_t eExec;
};

#if XM_FAMILY == 2
XM_ASSERT_SIZE(struct xmcSchedCyclicSlot, 16, 16);
XM_ASSERT_OFFSET(struct xmcSchedCyclicSlot, partitionId, 4, 4);
XM_ASSERT_OFFSET(struct xmcSchedCyclicSlot, sExec, 8, 8);
XM_ASSERT_OFFSET(struct xmcSchedCyclicSlot, eExec, 12, 12);
#endif

#if XM_FAMILY == 3
/* Why a partition was reset: the upper half of its reset status, and the event in the lower one. */
#define XM_RESET_STATUS_PARTITION_NORMAL_START 0
#define XM_RESET_STATUS_PARTITION_RESTART 1
#define XM_HM_RESET_STATUS_MODULE_RESTART 2
#define XM_HM_RESET_STATUS_PARTITION_RESTART 3
#define XM_HM_RESET_STATUS_USER_CODE_BIT 16
#define XM_HM_RESET_STATUS_EVENT_MASK 0xffffU
#endif

#endif
