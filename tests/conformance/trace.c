// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.8: traces. */

#include "tests/conformance/conformance.h"

#define NEEDS_TRACE NEEDS(machine.traced, "a trace of the own partition")
#define NEEDS_PLAIN NEEDS(peer_has(machine.plain.partition), "a process in the plain partition")

static void open_streams(void)
{
	IS((long)OBJDESC_BUILD(OBJ_CLASS_TRACE, machine.self.partition, 0),
	   XM_trace_open((xmId_t)machine.self.partition));
	IS((long)OBJDESC_BUILD(OBJ_CLASS_TRACE, XM_HYPERVISOR_ID, 0),
	   XM_trace_open(XM_HYPERVISOR_ID));
	IS((long)OBJDESC_BUILD(OBJ_CLASS_TRACE, machine.managed.partition, 0),
	   XM_trace_open((xmId_t)machine.managed.partition));
	IS(XM_INVALID_PARAM, XM_trace_open(machine.n_partitions));
	IS(XM_INVALID_PARAM, XM_trace_open(1000));
}

static void event_and_read(void)
{
	xm_s32_t stream = XM_trace_open((xmId_t)machine.self.partition);
	long long before = machine_time();
	struct record record;

	NEEDS_TRACE;
	while (trace_next(stream, &record) == 1)
		;
	IS(XM_OK, trace_put((xm_u32_t)machine.traced, XM_TRACE_WARNING, 42, 0x1234));
	EQ(1, trace_next(stream, &record));
	EQ(42, record.event);
	EQ(XM_TRACE_WARNING, record.criticality);
	EQ(0x1234, record.payload);
	EQ(machine.self.partition, record.partition);
	HOLDS(record.stamp >= before && record.stamp <= machine_time());
	IS(XM_OK, trace_put(TRACE_BM_ALWAYS, XM_TRACE_DEBUG, 43, 0));
	EQ(1, trace_next(stream, &record));
	EQ(43, record.event);
}

static void mask(void)
{
	xm_s32_t stream = XM_trace_open((xmId_t)machine.self.partition);
	struct record record;

	NEEDS_TRACE;
	while (trace_next(stream, &record) == 1)
		;
	IS(XM_INVALID_CONFIG, trace_put((xm_u32_t)machine.untraced, XM_TRACE_NOTIFY, 1, 0));
	IS(XM_INVALID_CONFIG, trace_put(0, XM_TRACE_NOTIFY, 1, 0));
	EQ(0, trace_next(stream, &record));
	IS(XM_OK, trace_put((xm_u32_t)(machine.untraced | machine.traced), XM_TRACE_NOTIFY, 2, 0));
	EQ(1, trace_next(stream, &record));
	EQ(2, record.event);
}

static void stamped_for_the_caller(void)
{
	xmTraceEvent_t event;

	NEEDS_TRACE;
	memset(&event, 0, sizeof(event));
	IS(XM_OK, XM_trace_event((xm_u32_t)machine.traced, &event));
#if XM_FAMILY == 2
	EQ(machine.self.partition, event.opCode.partitionId);
	HOLDS(event.timeStamp > 0 && event.timeStamp <= machine_time());
#else
	EQ(XMTRACE_SIGNATURE, event.signature);
	EQ(machine.self.partition, event.opCodeL & TRACE_OPCODE_PARTID_MASK);
	HOLDS(event.timestamp > 0 && event.timestamp <= machine_time());
#endif
}

#if XM_FAMILY == 3
static void sequence_and_checksum(void)
{
	xmTraceEvent_t first, second;
	xm_u16_t words[sizeof(first) / 2], sum = 0;

	NEEDS_TRACE;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	IS(XM_OK, XM_trace_event((xm_u32_t)machine.traced, &first));
	IS(XM_OK, XM_trace_event((xm_u32_t)machine.traced, &second));
	EQ((first.opCodeH >> TRACE_OPCODE_SEQ_BIT) + 1, second.opCodeH >> TRACE_OPCODE_SEQ_BIT);
	memcpy(words, &first, sizeof(first));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum = (xm_u16_t)(sum + (i == 1 ? 0 : words[i]));
	EQ((xm_u16_t)~sum, first.checksum);
}
#endif

static void event_bad(void)
{
	char buffer[64] = "";
	xm_u32_t bits = TRACE_BM_ALWAYS;
	xmObjDesc_t own = OBJDESC_BUILD(OBJ_CLASS_TRACE, machine.self.partition, 0);
	xmObjDesc_t others = OBJDESC_BUILD(OBJ_CLASS_TRACE, machine.managed.partition, 0);

	IS(XM_INVALID_PARAM, XM_trace_event(bits, NULL));
	IS(XM_INVALID_PARAM, XM_trace_event(bits, bad_memory()));
	IS(XM_INVALID_PARAM, XM_write_object(own, buffer, sizeof(xmTraceEvent_t) - 1, &bits));
	IS(XM_INVALID_PARAM, XM_write_object(own, buffer, 0, &bits));
	IS(XM_PERM_ERROR, XM_write_object(others, buffer, sizeof(xmTraceEvent_t), &bits));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, XM_write_object(own, buffer, sizeof(xmTraceEvent_t), NULL));
#else
	IS(0, XM_write_object(own, buffer, sizeof(xmTraceEvent_t), NULL));
#endif
}

static void read_bad(void)
{
	xm_s32_t stream = XM_trace_open((xmId_t)machine.self.partition);
	xmTraceEvent_t event;
	xmTraceStatus_t status;

	NEEDS_TRACE;
	IS(XM_INVALID_PARAM, XM_trace_read(stream, NULL));
	IS(XM_INVALID_PARAM, XM_trace_read(stream, bad_memory()));
	IS(XM_INVALID_PARAM, XM_trace_read(-1, &event));
	IS(XM_INVALID_PARAM,
	   XM_trace_read((xm_s32_t)OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0), &event));
	IS(XM_INVALID_PARAM, XM_trace_status(stream, NULL));
	IS(XM_INVALID_PARAM, XM_trace_status(stream, bad_memory()));
	IS(XM_INVALID_PARAM, XM_trace_status(-1, &status));
	IS(XM_INVALID_PARAM, XM_read_object((xmObjDesc_t)stream, &event, sizeof(event) - 1, NULL));
}

static void none(void)
{
	xmTraceStatus_t status;
	struct record record;
	xm_s32_t stream = XM_trace_open((xmId_t)machine.managed.partition);

	IS(XM_OK, XM_trace_status(stream, &status));
	EQ(0, status.noEvents);
	EQ(0, status.maxEvents);
	EQ(0, trace_next(stream, &record));
}

static void event_without_trace(void)
{
	struct record record = { .event = 1, .stamp = TRACE_BM_ALWAYS };

	NEEDS(peer_has(machine.silent.partition), "a process in a partition without trace");
	IS(XM_INVALID_CONFIG,
	   peer_run(machine.silent.partition, far_trace, &record, sizeof(record)));
}

/* ---- rights --------------------------------------------------------------------------------------- */

static long far_status(void *arg)
{
	xmTraceStatus_t status;

	return XM_trace_status(XM_trace_open((xmId_t) * (long *)arg), &status);
}

static long far_next(void *arg)
{
	struct record record;

	return trace_next(XM_trace_open((xmId_t) * (long *)arg), &record);
}

static void others_streams(void)
{
	long self = machine.self.partition, plain = machine.plain.partition;
	long hypervisor = XM_HYPERVISOR_ID;
	xmTraceStatus_t status;

	NEEDS_PLAIN;
	IS(XM_OK, XM_trace_status(XM_trace_open((xmId_t)plain), &status));
	IS(XM_OK, XM_trace_status(XM_trace_open(XM_HYPERVISOR_ID), &status));
	IS(XM_OK, peer_run(plain, far_status, &plain, sizeof(plain)));
	IS(XM_PERM_ERROR, peer_run(plain, far_status, &self, sizeof(self)));
	IS(XM_PERM_ERROR, peer_run(plain, far_next, &self, sizeof(self)));
	IS(XM_PERM_ERROR, peer_run(plain, far_status, &hypervisor, sizeof(hypervisor)));
}

static void written_by_another(void)
{
	xm_s32_t stream = XM_trace_open((xmId_t)machine.plain.partition);
	struct record record = { .event = 9, .payload = 8, .stamp = TRACE_BM_ALWAYS };

	NEEDS_PLAIN;
	IS(XM_OK, peer_run(machine.plain.partition, far_trace, &record, sizeof(record)));
	XM_trace_seek(stream, -1, XM_TRACE_SEEK_END);
	EQ(1, trace_next(stream, &record));
	EQ(9, record.event);
	EQ(8, record.payload);
	EQ(machine.plain.partition, record.partition);
}

const struct row trace_rows[] = {
	{ "5.8", "traces / open", open_streams, false },
	{ "5.8", "traces / event, and read it", event_and_read, false },
	{ "5.8", "traces / event: kinds that are not kept", mask, false },
	{ "5.8", "traces / event: what is stored for the caller", stamped_for_the_caller, false },
#if XM_FAMILY == 3
	{ "5.8", "traces / event: sequence and checksum", sequence_and_checksum, false },
#endif
	{ "5.8", "traces / event: bad arguments", event_bad, false },
	{ "5.8", "traces / read and status: bad arguments", read_bad, false },
	{ "5.8", "traces / a partition without one", none, false },
	{ "5.8", "traces / event: no trace", event_without_trace, false },
	{ "5.8", "traces / streams of others", others_streams, false },
	{ "5.8", "traces / written by another partition", written_by_another, false },
	{ NULL, NULL, NULL, false },
};
