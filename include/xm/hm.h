/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_HM_H
#define XM_HM_H

/*
 * The health monitor log.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork(); the read position belongs to the session.  Every one may return XM_PERM_ERROR
 * (EPERM): not permitted, or the own partition is not a system partition; and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/hmevents.h>
#include <xm/object.h>
#include <xm/types.h>

/* Commands for XM_ctrl_object(). */
#define XM_HM_GET_STATUS 0

#define XM_HM_LOG_DISABLED 0
#define XM_HM_LOG_ENABLED 1

typedef struct {
	xm_s32_t noEvents;     /* records in the log */
	xm_s32_t maxEvents;    /* records that it can hold */
	xm_s32_t currentEvent; /* read position, 0 the oldest */
} xmHmStatus_t;

union hmCmd {
	xmHmStatus_t status;
};

#if XM_FAMILY == 2

struct hmCpuCtxt {
	xm_u32_t ip;
	xm_u32_t flags;
	xm_s32_t irqNr;
};

typedef struct {
	xm_u32_t eventId : 13;
	xm_u32_t system : 1;
	xm_u32_t reserved : 2;
	xm_u32_t moduleId : 8;
	xm_u32_t partitionId : 8;
	__extension__ union {
		struct hmCpuCtxt cpuCtxt;
		xm_u32_t word[5];
	};
	xmTime_t timeStamp;
} xmHmLog_t;

XM_ASSERT_SIZE(struct hmCpuCtxt, 12, 12);
XM_ASSERT_OFFSET(struct hmCpuCtxt, flags, 4, 4);
XM_ASSERT_OFFSET(struct hmCpuCtxt, irqNr, 8, 8);
XM_ASSERT_SIZE(xmHmLog_t, 32, 32);
XM_ASSERT_OFFSET(xmHmLog_t, cpuCtxt, 4, 4);
XM_ASSERT_OFFSET(xmHmLog_t, word, 4, 4);
XM_ASSERT_OFFSET(xmHmLog_t, timeStamp, 24, 24);

#else

#define XM_HM_LOCK_EVENTS 1
#define XM_HM_UNLOCK_EVENTS 2
#define XM_HM_RESET_EVENTS 3

#define XM_HMLOG_SIGNATURE 0xfecf
#define XM_HMLOG_PAYLOAD_LENGTH 4

#define HMLOG_OPCODE_SYS_BIT 0
#define HMLOG_OPCODE_SYS_MASK (0x1U << HMLOG_OPCODE_SYS_BIT)
#define HMLOG_OPCODE_VALID_CPUCTXT_BIT 1
#define HMLOG_OPCODE_VALID_CPUCTXT_MASK (0x1U << HMLOG_OPCODE_VALID_CPUCTXT_BIT)
#define HMLOG_OPCODE_SEQ_BIT 4
#define HMLOG_OPCODE_SEQ_MASK (0xfffffffU << HMLOG_OPCODE_SEQ_BIT)
#define HMLOG_OPCODE_PARTID_BIT 0
#define HMLOG_OPCODE_PARTID_MASK (0xffU << HMLOG_OPCODE_PARTID_BIT)
#define HMLOG_OPCODE_VCPUID_BIT 8
#define HMLOG_OPCODE_VCPUID_MASK (0xffU << HMLOG_OPCODE_VCPUID_BIT)
#define HMLOG_OPCODE_EVENT_BIT 16
#define HMLOG_OPCODE_EVENT_MASK (0xffffU << HMLOG_OPCODE_EVENT_BIT)

typedef struct {
	xmWord_t pc;
#if XM_PROFILE == XM_PROFILE_3_X
	xmWord_t nPc;
#endif
	xmWord_t psr;
} cpuCtxt_t;

typedef struct {
	xm_u16_t signature;
	xm_u16_t checksum;
	xm_u32_t opCodeH;
	xm_u32_t opCodeL;
	xmTime_t timestamp;
	__extension__ union {
		cpuCtxt_t cpuCtxt;
		xmWord_t payload[XM_HMLOG_PAYLOAD_LENGTH];
	};
} __attribute__((packed)) xmHmLog_t;

#if XM_PROFILE == XM_PROFILE_3_X
XM_ASSERT_SIZE(cpuCtxt_t, 12, 24);
XM_ASSERT_OFFSET(cpuCtxt_t, nPc, 4, 8);
XM_ASSERT_OFFSET(cpuCtxt_t, psr, 8, 16);
#else
XM_ASSERT_SIZE(cpuCtxt_t, 8, 16);
XM_ASSERT_OFFSET(cpuCtxt_t, psr, 4, 8);
#endif
XM_ASSERT_SIZE(xmHmLog_t, 36, 52);
XM_ASSERT_OFFSET(xmHmLog_t, signature, 0, 0);
XM_ASSERT_OFFSET(xmHmLog_t, checksum, 2, 2);
XM_ASSERT_OFFSET(xmHmLog_t, opCodeH, 4, 4);
XM_ASSERT_OFFSET(xmHmLog_t, opCodeL, 8, 8);
XM_ASSERT_OFFSET(xmHmLog_t, timestamp, 12, 12);
XM_ASSERT_OFFSET(xmHmLog_t, cpuCtxt, 20, 20);
XM_ASSERT_OFFSET(xmHmLog_t, payload, 20, 20);

#endif

XM_ASSERT_SIZE(xmHmStatus_t, 12, 12);
XM_ASSERT_OFFSET(xmHmStatus_t, noEvents, 0, 0);
XM_ASSERT_OFFSET(xmHmStatus_t, maxEvents, 4, 4);
XM_ASSERT_OFFSET(xmHmStatus_t, currentEvent, 8, 8);
XM_ASSERT_SIZE(union hmCmd, 12, 12);

XM_BEGIN_DECLS

#if XM_PROFILE != XM_PROFILE_PRTOS
/*
 * Does nothing, successfully: whether the log may be read is decided when it is read.
 * Returns XM_OK.  Does not block.  Operation: none.  Manual: Health monitor.
 */
xm_s32_t XM_hm_open(void) XM_BIND(XM_hm_open);
#endif

/*
 * Takes the next record of the log.
 *
 * @log  out, not NULL; one record
 *
 * Returns 2.4: XM_OK, or XM_INVALID_CONFIG (EDOM): no record; 2.6: the size of the record, or 0: no
 * record; 3.x: 1, or 0: no record; XM_INVALID_PARAM (EINVAL): bad pointer.  Operation: XM_hm_read.
 * Manual: Health monitor.
 */
xm_s32_t XM_hm_read(xmHmLog_t *log) XM_BIND(XM_hm_read);

/*
 * Moves the read position; the result is clamped to the log.
 *
 * @offset  records, signed
 * @whence  XM_OBJ_SEEK_SET from the oldest, XM_OBJ_SEEK_CUR from the position, XM_OBJ_SEEK_END from
 *          behind the newest
 *
 * Returns 2.x: the new position; 3.x: XM_OK; XM_INVALID_PARAM (EINVAL).
 * Operation: XM_hm_seek.  Manual: Health monitor.
 */
xm_s32_t XM_hm_seek(xm_s32_t offset, xm_u32_t whence) XM_BIND(XM_hm_seek);

/*
 * Fill level of the log.  @status is out, not NULL, aligned (3.x).
 * Returns XM_OK, XM_INVALID_PARAM (EINVAL).  Operation: XM_hm_status.  Manual: Health monitor.
 */
xm_s32_t XM_hm_status(xmHmStatus_t *status) XM_BIND(XM_hm_status);

XM_END_DECLS

#endif
