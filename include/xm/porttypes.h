/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_PORTTYPES_H
#define XM_PORTTYPES_H

/* Constants and structures of sampling and queuing ports, and the command unions of the objects. */

#include <xm/types.h>

#define XM_SAMPLING_PORT 0
#define XM_QUEUING_PORT 1
#define XM_SAMPLING_CHANNEL 0
#define XM_QUEUING_CHANNEL 1
#define XM_NULL_CHANNEL (-1)

#define XM_DESTINATION_PORT 1
#define XM_SOURCE_PORT 2

/* Commands for XM_ctrl_object(). */
#define XM_COMM_CREATE_PORT 0
#define XM_COMM_GET_PORT_STATUS 1

/* The message was there and not older than the channel's valid period. */
#define XM_COMM_MSG_VALID 1

#if XM_FAMILY == 2

typedef struct {
	xmTime_t validPeriod;
	xm_u32_t maxMsgSize;
	xm_u32_t flags;
	xmTime_t timestamp;
	xm_u32_t lastMsgSize;
} xmSamplingPortStatus_t;

typedef struct {
	char *portName;
	xmTime_t refreshPeriod;
	xm_u32_t maxMsgSize;
	xm_u32_t direction;
} xmSamplingPortInfo_t;

typedef struct {
	xmTime_t validPeriod;
	xm_u32_t maxMsgSize;
	xm_u32_t maxNoMsgs;
	xm_u32_t noMsgs;
	xm_u32_t flags;
} xmQueuingPortStatus_t;

typedef struct {
	char *portName;
	xm_u32_t maxMsgSize;
	xm_u32_t maxNoMsgs;
	xm_u32_t direction;
} xmQueuingPortInfo_t;

/* Ports as the image of a 2.x partition declared them. */
struct XmCommPort {
	char name[32];
	xm_s32_t type; /* XM_SAMPLING_PORT or XM_QUEUING_PORT */
	xm_s32_t direction;
	xm_s32_t maxMsgLen;
	xm_s32_t maxNoMsg;
};

struct XmPortConfig {
	xm_s32_t noPorts;
	xmAddress_t tabOffset;
};

union samplingPortCmd {
	struct {
		char *portName;
		xm_u32_t maxMsgSize;
		xm_u32_t direction;
	} create;
	xmSamplingPortStatus_t status;
};

union queuingPortCmd {
	struct {
		char *portName;
		xm_u32_t maxNoMsgs;
		xm_u32_t maxMsgSize;
		xm_u32_t direction;
	} create;
	xmQueuingPortStatus_t status;
};

XM_ASSERT_SIZE(xmSamplingPortStatus_t, 28, 32);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, maxMsgSize, 8, 8);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, flags, 12, 12);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, timestamp, 16, 16);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, lastMsgSize, 24, 24);
XM_ASSERT_SIZE(xmSamplingPortInfo_t, 20, 24);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, refreshPeriod, 4, 8);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, maxMsgSize, 12, 16);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, direction, 16, 20);
XM_ASSERT_SIZE(xmQueuingPortStatus_t, 24, 24);
XM_ASSERT_OFFSET(xmQueuingPortStatus_t, maxMsgSize, 8, 8);
XM_ASSERT_OFFSET(xmQueuingPortStatus_t, maxNoMsgs, 12, 12);
XM_ASSERT_OFFSET(xmQueuingPortStatus_t, noMsgs, 16, 16);
XM_ASSERT_OFFSET(xmQueuingPortStatus_t, flags, 20, 20);
XM_ASSERT_SIZE(xmQueuingPortInfo_t, 16, 24);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, maxMsgSize, 4, 8);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, maxNoMsgs, 8, 12);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, direction, 12, 16);
XM_ASSERT_SIZE(union samplingPortCmd, 28, 32);
XM_ASSERT_OFFSET(union samplingPortCmd, create.maxMsgSize, 4, 8);
XM_ASSERT_OFFSET(union samplingPortCmd, create.direction, 8, 12);
XM_ASSERT_SIZE(struct XmCommPort, 48, 48);
XM_ASSERT_OFFSET(struct XmCommPort, type, 32, 32);
XM_ASSERT_OFFSET(struct XmCommPort, direction, 36, 36);
XM_ASSERT_OFFSET(struct XmCommPort, maxMsgLen, 40, 40);
XM_ASSERT_OFFSET(struct XmCommPort, maxNoMsg, 44, 44);
XM_ASSERT_SIZE(struct XmPortConfig, 8, 8);
XM_ASSERT_OFFSET(struct XmPortConfig, tabOffset, 4, 4);
XM_ASSERT_SIZE(union queuingPortCmd, 24, 24);
XM_ASSERT_OFFSET(union queuingPortCmd, create.maxNoMsgs, 4, 8);
XM_ASSERT_OFFSET(union queuingPortCmd, create.maxMsgSize, 8, 12);
XM_ASSERT_OFFSET(union queuingPortCmd, create.direction, 12, 16);

#else

#define XM_COMM_GET_PORT_INFO 2

#define XM_COMM_EMPTY_PORT 0
#define XM_COMM_CONSUMED_MSG 2
#define XM_COMM_NEW_MSG 4
#define XM_COMM_PORT_STATUS_B 1
#define XM_COMM_PORT_STATUS_M 3
#define XM_INFINITE_TIME 0xffffffffU

typedef struct {
	xmTime_t timestamp;
	xm_u32_t lastMsgSize;
	xm_u32_t flags;
} xmSamplingPortStatus_t;

typedef struct {
	char *portName;
	xmTime_t validPeriod;
	xm_u32_t maxMsgSize;
	xm_u32_t direction;
} xmSamplingPortInfo_t;

typedef struct {
	xm_u32_t noMsgs;
} xmQueuingPortStatus_t;

typedef struct {
	char *portName;
	xm_u32_t maxMsgSize;
	xm_u32_t maxNoMsgs;
	xm_u32_t direction;
	xmTime_t validPeriod;
} xmQueuingPortInfo_t;

union samplingPortCmd {
	struct {
		char *portName;
		xm_u32_t maxMsgSize;
		xm_u32_t direction;
		xmTime_t validPeriod;
	} create;
	xmSamplingPortStatus_t status;
	xmSamplingPortInfo_t info;
};

union queuingPortCmd {
	struct {
		char *portName;
		xm_u32_t maxNoMsgs;
		xm_u32_t maxMsgSize;
		xm_u32_t direction;
	} create;
	xmQueuingPortStatus_t status;
	xmQueuingPortInfo_t info;
};

XM_ASSERT_SIZE(xmSamplingPortStatus_t, 16, 16);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, lastMsgSize, 8, 8);
XM_ASSERT_OFFSET(xmSamplingPortStatus_t, flags, 12, 12);
XM_ASSERT_SIZE(xmSamplingPortInfo_t, 20, 24);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, validPeriod, 4, 8);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, maxMsgSize, 12, 16);
XM_ASSERT_OFFSET(xmSamplingPortInfo_t, direction, 16, 20);
XM_ASSERT_SIZE(xmQueuingPortStatus_t, 4, 4);
XM_ASSERT_SIZE(xmQueuingPortInfo_t, 24, 32);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, maxMsgSize, 4, 8);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, maxNoMsgs, 8, 12);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, direction, 12, 16);
XM_ASSERT_OFFSET(xmQueuingPortInfo_t, validPeriod, 16, 24);
XM_ASSERT_SIZE(union samplingPortCmd, 20, 24);
XM_ASSERT_OFFSET(union samplingPortCmd, create.maxMsgSize, 4, 8);
XM_ASSERT_OFFSET(union samplingPortCmd, create.direction, 8, 12);
XM_ASSERT_OFFSET(union samplingPortCmd, create.validPeriod, 12, 16);
XM_ASSERT_SIZE(union queuingPortCmd, 24, 32);
XM_ASSERT_OFFSET(union queuingPortCmd, create.maxNoMsgs, 4, 8);
XM_ASSERT_OFFSET(union queuingPortCmd, create.maxMsgSize, 8, 12);
XM_ASSERT_OFFSET(union queuingPortCmd, create.direction, 12, 16);

#endif

#endif
