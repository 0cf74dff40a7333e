// SPDX-License-Identifier: LGPL-2.1-or-later
/* The partition's tables, trace streams and batches, for the scripted client. */

#include "tests/e2e/call.h"

/* ---- tables: not what the passing of time changes ------------------------------------------------ */

#if XM_FAMILY == 2

static long pct(void)
{
	const partitionControlTable_t *table = XM_params_get_PCT();

	FIELD(*table, magic);
#if XM_PROFILE == XM_PROFILE_2_6
	FIELD(*table, resetCounter);
	FIELD(*table, resetStatus);
#endif
	FIELD(*table, iFlags);
	FIELD(*table, hwIrqsMask);
	FIELD(*table, extIrqsMask);
	return 0;
}

static long pit(void)
{
	const partitionInformationTable_t *table = XM_params_get_PIT();

	FIELD(*table, signature);
	FIELD(*table, xmVersion);
	FIELD(*table, xmAbiVersion);
	FIELD(*table, xmApiVersion);
	FIELD(*table, resetCounter);
	FIELD(*table, resetStatus);
	FIELD(*table, cpuKhz);
	FIELD(*table, id);
	call_text_field("name", table->name, (long)strnlen(table->name, sizeof(table->name)));
	FIELD(*table, flags);
	FIELD(*table, hwIrqs);
	FIELD(*table, noPartitions);
	FIELD(*table, noPhysicalMemoryAreas);
	return 0;
}

static long memory_map(void)
{
	struct xmcMemoryArea areas[4];
	long n;

	memset(areas, 0x5a, sizeof(areas));
	n = XM_get_physmem_map(areas, 4);
	for (long i = 0; i < n; i++) {
		FIELD_NTH("startAddr", i, areas[i].startAddr);
		FIELD_NTH("size", i, areas[i].size);
		FIELD_NTH("flags", i, areas[i].flags);
	}
	return n;
}

#else

static long pct(void)
{
	const partitionControlTable_t *table = XM_get_PCT();

	FIELD(*table, magic);
	FIELD(*table, xmVersion);
	FIELD(*table, xmAbiVersion);
	FIELD(*table, xmApiVersion);
	FIELD(*table, resetCounter);
	FIELD(*table, resetStatus);
	FIELD(*table, cpuKhz);
	FIELD(*table, id);
	FIELD(*table, noVCpus);
	FIELD(*table, flags);
	FIELD(*table, hwIrqs);
	FIELD(*table, noPhysicalMemAreas);
	FIELD(*table, noCommPorts);
	call_text_field("name", table->name,
			(long)strnlen((const char *)table->name, sizeof(table->name)));
	return 0;
}

static long memory_map(void)
{
	const struct xmPhysicalMemMap *areas = XM_get_partition_mmap();
	long n = XM_get_PCT()->noPhysicalMemAreas;

	for (long i = 0; i < n; i++) {
		FIELD_NTH("startAddr", i, areas[i].startAddr);
		FIELD_NTH("mappedAt", i, areas[i].mappedAt);
		FIELD_NTH("size", i, areas[i].size);
		FIELD_NTH("flags", i, areas[i].flags);
	}
	return n;
}

#endif

/* ---- trace ------------------------------------------------------------------------------------- */

static long trace_open(void)
{
	return XM_trace_open(call_number(1));
}

/* Its code and the first word of what it says. */
static long trace_event(void)
{
	xmTraceEvent_t event;

	memset(&event, 0, sizeof(event));
#if XM_FAMILY == 2
	event.opCode.code = call_number(1) & 0x1fff;
	event.opCode.criticality = XM_TRACE_WARNING;
	event.word[0] = call_number(2);
#else
	event.opCodeL = call_number(1) << TRACE_OPCODE_CODE_BIT;
	event.opCodeH = XM_TRACE_WARNING << TRACE_OPCODE_CRIT_BIT;
	event.payload[0] = (xmWord_t)call_wide(2);
#endif
	return XM_trace_event(TRACE_BM_ALWAYS, &event);
}

static long trace_read(void)
{
	xmTraceEvent_t event;
	long ret;

	memset(&event, 0x5a, sizeof(event));
	ret = XM_trace_read((xm_s32_t)call_number(1), &event);
	if (ret < 0)
		return ret;
#if XM_FAMILY == 2
	FIELD(event, opCode.code);
	FIELD(event, opCode.criticality);
	FIELD(event, opCode.partitionId);
	FIELD(event, timeStamp);
	for (int i = 0; i < XMTRACE_PAYLOAD_LENGTH; i++)
		FIELD_NTH("word", i, event.word[i]);
#else
	FIELD(event, signature);
	FIELD(event, opCodeH);
	FIELD(event, opCodeL);
	FIELD(event, timestamp);
	for (int i = 0; i < XMTRACE_PAYLOAD_LENGTH; i++)
		FIELD_NTH("payload", i, event.payload[i]);
#endif
	return ret;
}

static long trace_seek(void)
{
	return XM_trace_seek((xm_s32_t)call_number(1), (xm_s32_t)call_number(2), call_number(3));
}

static long trace_status(void)
{
	xmTraceStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_trace_status((xm_s32_t)call_number(1), &status);
	if (ret < 0)
		return ret;
	FIELD(status, noEvents);
	FIELD(status, maxEvents);
	FIELD(status, currentEvent);
	return ret;
}

/* ---- batches ----------------------------------------------------------------------------------- */

/* Suspends a partition, arms a timer at a time of its own, resumes: one batch. */
static long multicall(void)
{
	xmTime_t at = (xmTime_t)call_wide(2);
	unsigned long batch[] = {
		suspend_partition_nr,
		1,
		call_number(1),
		set_timer_nr,
#ifdef __LP64__
		3,
		XM_HW_CLOCK,
		(unsigned long)at,
		0,
#else
		5,
		XM_HW_CLOCK,
		(unsigned long)at,
		(unsigned long)(at >> 32),
		0,
		0,
#endif
		resume_partition_nr,
		1,
		call_number(1),
	};
	const size_t n = sizeof(batch) / sizeof(batch[0]);
	long ret = XM_multicall(batch, batch + n);

	call_field("suspend", (xm_s16_t)(batch[1] >> 16));
	call_field("timer", (xm_s16_t)(batch[4] >> 16));
	call_field("resume", (xm_s16_t)(batch[n - 2] >> 16));
	return ret;
}

static long lazy(void)
{
	XM_lazy_hypercall(suspend_partition_nr, 1, call_number(1));
	XM_lazy_hypercall(resume_partition_nr, 1, call_number(1));
	return XM_flush_hyp_batch();
}

const struct call call_tables[] = {
	{ "lazy", lazy },
	{ "memory_map", memory_map },
	{ "multicall", multicall },
	{ "pct", pct },
#if XM_FAMILY == 2
	{ "pit", pit },
#endif
	{ "trace_event", trace_event },
	{ "trace_open", trace_open },
	{ "trace_read", trace_read },
	{ "trace_seek", trace_seek },
	{ "trace_status", trace_status },
	{ NULL, NULL },
};
