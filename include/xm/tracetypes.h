/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TRACETYPES_H
#define XM_TRACETYPES_H

/* Constants and structures of trace streams, and the command union of their objects. */

#include <xm/types.h>

/* Commands for XM_ctrl_object(). */
#define XM_TRACE_GET_STATUS 0

/* Criticality of a record. */
#define XM_TRACE_NOTIFY 0
#define XM_TRACE_DEBUG 1
#define XM_TRACE_WARNING 2
#define XM_TRACE_UNRECOVERABLE 3 /* raises a health monitor event as well */

#define XMTRACE_PAYLOAD_LENGTH 4
/* The bitmask of a record that every stream keeps that keeps any. */
#define TRACE_BM_ALWAYS 0xffffffffU

typedef struct {
	xm_s32_t noEvents;     /* records in the stream */
	xm_s32_t maxEvents;    /* records that it can hold */
	xm_s32_t currentEvent; /* read position, 0 the oldest */
} xmTraceStatus_t;

union traceCmd {
	xmTraceStatus_t status;
};

XM_ASSERT_SIZE(xmTraceStatus_t, 12, 12);
XM_ASSERT_OFFSET(xmTraceStatus_t, noEvents, 0, 0);
XM_ASSERT_OFFSET(xmTraceStatus_t, maxEvents, 4, 4);
XM_ASSERT_OFFSET(xmTraceStatus_t, currentEvent, 8, 8);
XM_ASSERT_SIZE(union traceCmd, 12, 12);

#if XM_FAMILY == 2

typedef struct {
	xm_u32_t code : 13;
	xm_u32_t criticality : 3; /* XM_TRACE_* */
	xm_u32_t moduleId : 8;
	xm_u32_t partitionId : 8;
} xmTraceOpCode_t;

typedef struct {
	xmTraceOpCode_t opCode;
	xm_u32_t reserved;
	xmTime_t timeStamp;
	__extension__ union {
		xm_u32_t word[XMTRACE_PAYLOAD_LENGTH];
		char str[16];
	};
} xmTraceEvent_t;

XM_ASSERT_SIZE(xmTraceOpCode_t, 4, 4);
XM_ASSERT_SIZE(xmTraceEvent_t, 32, 32);
XM_ASSERT_OFFSET(xmTraceEvent_t, opCode, 0, 0);
XM_ASSERT_OFFSET(xmTraceEvent_t, reserved, 4, 4);
XM_ASSERT_OFFSET(xmTraceEvent_t, timeStamp, 8, 8);
XM_ASSERT_OFFSET(xmTraceEvent_t, word, 16, 16);
XM_ASSERT_OFFSET(xmTraceEvent_t, str, 16, 16);

#else

#define XM_TRACE_LOCK 1
#define XM_TRACE_UNLOCK 2
#define XM_TRACE_RESET 3

#define XMTRACE_SIGNATURE 0xc33c

/* Bits of opCodeH; the masks are in place. */
#define TRACE_OPCODE_SYS_BIT 0
#define TRACE_OPCODE_SYS_MASK (0x1U << TRACE_OPCODE_SYS_BIT)
#define TRACE_OPCODE_CRIT_BIT 1
#define TRACE_OPCODE_CRIT_MASK (0x7U << TRACE_OPCODE_CRIT_BIT)
#define TRACE_OPCODE_SEQ_BIT 4
#define TRACE_OPCODE_SEQ_MASK (0xfffffffU << TRACE_OPCODE_SEQ_BIT)
/* Bits of opCodeL. */
#define TRACE_OPCODE_PARTID_BIT 0
#define TRACE_OPCODE_PARTID_MASK (0xffU << TRACE_OPCODE_PARTID_BIT)
#define TRACE_OPCODE_VCPUID_BIT 8
#define TRACE_OPCODE_VCPUID_MASK (0xffU << TRACE_OPCODE_VCPUID_BIT)
#define TRACE_OPCODE_CODE_BIT 16
#define TRACE_OPCODE_CODE_MASK (0xffffU << TRACE_OPCODE_CODE_BIT)

typedef struct {
	xm_u16_t signature;
	xm_u16_t checksum;
	xm_u32_t opCodeH;
	xm_u32_t opCodeL;
	xmTime_t timestamp;
	xmWord_t payload[XMTRACE_PAYLOAD_LENGTH];
} __attribute__((packed)) xmTraceEvent_t;

XM_ASSERT_SIZE(xmTraceEvent_t, 36, 52);
XM_ASSERT_OFFSET(xmTraceEvent_t, signature, 0, 0);
XM_ASSERT_OFFSET(xmTraceEvent_t, checksum, 2, 2);
XM_ASSERT_OFFSET(xmTraceEvent_t, opCodeH, 4, 4);
XM_ASSERT_OFFSET(xmTraceEvent_t, opCodeL, 8, 8);
XM_ASSERT_OFFSET(xmTraceEvent_t, timestamp, 12, 12);
XM_ASSERT_OFFSET(xmTraceEvent_t, payload, 20, 20);

/*
 * What the hypervisor itself traces: modules, each with a bit in the bitmask of its stream; the
 * code of a record is module and event.
 */
#define XM_AUDIT_MODULE_IRQ 0
#define XM_AUDIT_MODULE_HCALLS 1
#define XM_AUDIT_MODULE_SCHED 2
#define XM_AUDIT_MODULE_HM 3
#define XM_AUDIT_MODULE_VMM 4
#define XM_AUDIT_BITMASK(module) (0x1U << (module))
#define XM_AUDIT_CODE(module, event) (((xm_u32_t)(module) << 8) | (xm_u32_t)(event))

#endif

#endif
