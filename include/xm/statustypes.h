/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_STATUSTYPES_H
#define XM_STATUSTYPES_H

/* Constants and structures of status objects, and their command union. */

#include <xm/types.h>

/* States of a partition or virtual processor. */
#define XM_STATUS_IDLE 0
#define XM_STATUS_READY 1
#define XM_STATUS_SUSPENDED 2
#define XM_STATUS_HALTED 3

/* Commands for XM_ctrl_object(). */
#if XM_PROFILE == XM_PROFILE_2_4
#define XM_STATUS_GET 0
#define XM_GET_SCHED_PLAN_STATUS 1
#define XM_SWITCH_SCHED_PLAN 2
#elif XM_PROFILE == XM_PROFILE_2_6
#define XM_STATUS_GET 0
#define XM_GET_SCHED_PLAN_STATUS 1
#define XM_SET_PARTITION_OPMODE 2
#define XM_SWITCH_SCHED_PLAN 3
#else
#define XM_GET_SYSTEM_STATUS 0
#define XM_GET_SCHED_PLAN_STATUS 1
#define XM_SET_PARTITION_OPMODE 2
#define XM_GET_PHYSPAGE_STATUS 3
#define XM_GET_VCPU_STATUS 4
#endif

/* Counters since the system started; the hypervisor may have been built without most of them. */
typedef struct {
	xm_u32_t resetCounter;
	xm_u64_t noHmEvents;
	xm_u64_t noIrqs;
	xm_u64_t currentMaf; /* major frames completed */
	xm_u64_t noSamplingPortMsgsRead;
	xm_u64_t noSamplingPortMsgsWritten;
	xm_u64_t noQueuingPortMsgsSent;
	xm_u64_t noQueuingPortMsgsReceived;
} xmSystemStatus_t;

typedef struct {
	xmTime_t switchTime; /* hardware clock at the last switch; 0: none yet */
	xm_s32_t next;       /* plan of the next major frame */
	xm_s32_t current;
	xm_s32_t prev; /* -1: none yet */
} xmPlanStatus_t;

XM_ASSERT_SIZE(xmSystemStatus_t, 60, 64);
XM_ASSERT_OFFSET(xmSystemStatus_t, noHmEvents, 4, 8);
XM_ASSERT_OFFSET(xmSystemStatus_t, noIrqs, 12, 16);
XM_ASSERT_OFFSET(xmSystemStatus_t, currentMaf, 20, 24);
XM_ASSERT_OFFSET(xmSystemStatus_t, noSamplingPortMsgsRead, 28, 32);
XM_ASSERT_OFFSET(xmSystemStatus_t, noSamplingPortMsgsWritten, 36, 40);
XM_ASSERT_OFFSET(xmSystemStatus_t, noQueuingPortMsgsSent, 44, 48);
XM_ASSERT_OFFSET(xmSystemStatus_t, noQueuingPortMsgsReceived, 52, 56);
XM_ASSERT_SIZE(xmPlanStatus_t, 20, 24);
XM_ASSERT_OFFSET(xmPlanStatus_t, next, 8, 8);
XM_ASSERT_OFFSET(xmPlanStatus_t, current, 12, 12);
XM_ASSERT_OFFSET(xmPlanStatus_t, prev, 16, 16);

#if XM_PROFILE != XM_PROFILE_2_4
/* Operating modes of a partition. */
#define XM_OPMODE_IDLE 0
#define XM_OPMODE_COLD_RESET 1
#define XM_OPMODE_WARM_RESET 2
#define XM_OPMODE_NORMAL 3
#endif

/* A partition has no operating mode in 2.4. */
typedef struct {
	xm_u32_t state; /* XM_STATUS_* */
#if XM_PROFILE != XM_PROFILE_2_4
	xm_u32_t opMode; /* XM_OPMODE_* */
#endif
	xm_u64_t noVIrqs;
	xm_u32_t resetCounter;
	xm_u32_t resetStatus;
	xmTime_t execClock;
	xm_u64_t noSamplingPortMsgsRead;
	xm_u64_t noSamplingPortMsgsWritten;
	xm_u64_t noQueuingPortMsgsSent;
	xm_u64_t noQueuingPortMsgsReceived;
} xmPartitionStatus_t;

XM_ASSERT_OFFSET(xmPartitionStatus_t, state, 0, 0);
#if XM_PROFILE == XM_PROFILE_2_4
XM_ASSERT_SIZE(xmPartitionStatus_t, 60, 64);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noVIrqs, 4, 8);
XM_ASSERT_OFFSET(xmPartitionStatus_t, resetCounter, 12, 16);
XM_ASSERT_OFFSET(xmPartitionStatus_t, resetStatus, 16, 20);
XM_ASSERT_OFFSET(xmPartitionStatus_t, execClock, 20, 24);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noSamplingPortMsgsRead, 28, 32);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noSamplingPortMsgsWritten, 36, 40);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noQueuingPortMsgsSent, 44, 48);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noQueuingPortMsgsReceived, 52, 56);
#else
XM_ASSERT_SIZE(xmPartitionStatus_t, 64, 64);
XM_ASSERT_OFFSET(xmPartitionStatus_t, opMode, 4, 4);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noVIrqs, 8, 8);
XM_ASSERT_OFFSET(xmPartitionStatus_t, resetCounter, 16, 16);
XM_ASSERT_OFFSET(xmPartitionStatus_t, resetStatus, 20, 20);
XM_ASSERT_OFFSET(xmPartitionStatus_t, execClock, 24, 24);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noSamplingPortMsgsRead, 32, 32);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noSamplingPortMsgsWritten, 40, 40);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noQueuingPortMsgsSent, 48, 48);
XM_ASSERT_OFFSET(xmPartitionStatus_t, noQueuingPortMsgsReceived, 56, 56);
#endif

#if XM_FAMILY == 2

union statusCmd {
	union {
		xmSystemStatus_t system;
		xmPartitionStatus_t partition;
		xmPlanStatus_t plan;
	} status;
#if XM_PROFILE == XM_PROFILE_2_6
	xm_u32_t opMode;
#endif
	struct {
#ifdef __cplusplus
		xm_u32_t new_; /* "new" in C */
#else
		xm_u32_t new;
#endif
		xm_u32_t current;
	} schedPlan;
};

#if XM_PROFILE == XM_PROFILE_2_4
XM_ASSERT_SIZE(union statusCmd, 60, 64);
#else
XM_ASSERT_SIZE(union statusCmd, 64, 64);
#endif
XM_ASSERT_OFFSET(union statusCmd, schedPlan.current, 4, 4);

#else

typedef struct {
	xm_u32_t state;  /* XM_STATUS_* */
	xm_u32_t opMode; /* XM_OPMODE_* */
} xmVirtualCpuStatus_t;

typedef struct {
	xmAddress_t pAddr;
	xm_u32_t unused : 2;
	xm_u32_t type : 3;     /* PPAG_* */
	xm_u32_t counter : 27; /* references */
} xmPhysPageStatus_t;

union statusCmd {
	union {
		xmSystemStatus_t system;
		xmPartitionStatus_t partition;
		xmVirtualCpuStatus_t vcpu;
		xmPlanStatus_t plan;
		xmPhysPageStatus_t physPage;
	} status;
	xm_u32_t opMode;
};

XM_ASSERT_SIZE(xmVirtualCpuStatus_t, 8, 8);
XM_ASSERT_OFFSET(xmVirtualCpuStatus_t, state, 0, 0);
XM_ASSERT_OFFSET(xmVirtualCpuStatus_t, opMode, 4, 4);
XM_ASSERT_SIZE(xmPhysPageStatus_t, 8, 16);
XM_ASSERT_OFFSET(xmPhysPageStatus_t, pAddr, 0, 0);
XM_ASSERT_SIZE(union statusCmd, 64, 64);

#endif

#endif
