// SPDX-License-Identifier: LGPL-2.1-or-later
/* Status, plans, names and the health monitor's log, for the scripted client. */

#include "tests/e2e/call.h"

static long status_of(xm_u32_t partition, xmPartitionStatus_t *status)
{
	memset(status, 0x5a, sizeof(*status));
#if XM_FAMILY == 2
	return XM_partition_get_status(partition, status);
#else
	return XM_get_partition_status(partition, status);
#endif
}

/* Its value is the state. */
static long status(void)
{
	xmPartitionStatus_t status;
	long ret = status_of(call_number(1), &status);

	return ret < 0 ? ret : (long)status.state;
}

static void partition_fields(const xmPartitionStatus_t *status)
{
	FIELD(*status, state);
#if XM_PROFILE != XM_PROFILE_2_4
	FIELD(*status, opMode);
#endif
	FIELD(*status, noVIrqs);
	FIELD(*status, resetCounter);
	FIELD(*status, resetStatus);
	FIELD(*status, execClock);
	FIELD(*status, noSamplingPortMsgsRead);
	FIELD(*status, noSamplingPortMsgsWritten);
	FIELD(*status, noQueuingPortMsgsSent);
	FIELD(*status, noQueuingPortMsgsReceived);
}

static long partition_status(void)
{
	xmPartitionStatus_t status;
	long ret = status_of(call_number(1), &status);

	if (ret >= 0)
		partition_fields(&status);
	return ret;
}

/* The same through the object, into the command's union. */
static long ctrl_status(void)
{
	union statusCmd command;
	long ret;

	memset(&command, 0x5a, sizeof(command));
	ret = XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, call_number(1), 0), 0, &command);
	if (ret >= 0)
		partition_fields(&command.status.partition);
	return ret;
}

static long system_status(void)
{
	xmSystemStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
#if XM_FAMILY == 2
	ret = XM_system_get_status(&status);
#else
	ret = XM_get_system_status(&status);
#endif
	if (ret < 0)
		return ret;
	FIELD(status, resetCounter);
	FIELD(status, noHmEvents);
	FIELD(status, noIrqs);
	FIELD(status, currentMaf);
	FIELD(status, noSamplingPortMsgsRead);
	FIELD(status, noSamplingPortMsgsWritten);
	FIELD(status, noQueuingPortMsgsSent);
	FIELD(status, noQueuingPortMsgsReceived);
	return ret;
}

static long plan_status(void)
{
	xmPlanStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_get_plan_status(&status);
	if (ret < 0)
		return ret;
	FIELD(status, switchTime);
	FIELD(status, next);
	FIELD(status, current);
	FIELD(status, prev);
	return ret;
}

static long plan(void)
{
#if XM_FAMILY == 2
	return XM_set_plan(call_number(1));
#else
	xm_u32_t old = 0x5a5a5a5a;
	long ret = XM_switch_sched_plan(call_number(1), &old);

	if (ret >= 0)
		call_field("old", old);
	return ret;
#endif
}

#if XM_FAMILY == 3

static long vcpu_status(void)
{
	xmVirtualCpuStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_get_partition_vcpu_status(call_number(1), call_number(2), &status);
	if (ret < 0)
		return ret;
	FIELD(status, state);
	FIELD(status, opMode);
	return ret;
}

static long physpage_status(void)
{
	xmPhysPageStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_get_physpage_status((xmAddress_t)call_wide(1), &status);
	if (ret < 0)
		return ret;
	FIELD(status, pAddr);
	FIELD(status, type);
	FIELD(status, counter);
	return ret;
}

static long gid(void)
{
	return XM_get_gid_by_name((xm_u8_t *)call_text(1), call_number(2));
}

#endif

static long hm_seek(void)
{
	return XM_hm_seek((xm_s32_t)call_number(1), call_number(2));
}

static long hm_status(void)
{
	xmHmStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_hm_status(&status);
	if (ret < 0)
		return ret;
	FIELD(status, noEvents);
	FIELD(status, maxEvents);
	FIELD(status, currentEvent);
	return ret;
}

static long hm_read(void)
{
	xmHmLog_t log;
	long ret;

	memset(&log, 0x5a, sizeof(log));
	ret = XM_hm_read(&log);
#if XM_FAMILY == 2
	if (ret < 0 || (ret == 0 && XM_PROFILE == XM_PROFILE_2_6))
		return ret;
	FIELD(log, eventId);
	FIELD(log, system);
	FIELD(log, moduleId);
	FIELD(log, partitionId);
	FIELD(log, timeStamp);
	for (int i = 0; i < 5; i++)
		FIELD_NTH("word", i, log.word[i]);
#else
	if (ret <= 0)
		return ret;
	FIELD(log, signature);
	FIELD(log, opCodeH);
	FIELD(log, opCodeL);
	FIELD(log, timestamp);
	for (int i = 0; i < XM_HMLOG_PAYLOAD_LENGTH; i++)
		FIELD_NTH("payload", i, log.payload[i]);
#endif
	return ret;
}

const struct call call_status[] = {
	{ "ctrl_status", ctrl_status },
	{ "hm_read", hm_read },
	{ "hm_seek", hm_seek },
	{ "hm_status", hm_status },
	{ "partition_status", partition_status },
	{ "plan", plan },
	{ "plan_status", plan_status },
	{ "status", status },
	{ "system_status", system_status },
#if XM_FAMILY == 3
	{ "gid", gid },
	{ "physpage_status", physpage_status },
	{ "vcpu_status", vcpu_status },
#endif
	{ NULL, NULL },
};
