// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.5: what all log streams do, shown on the trace of the own partition. */

#include "tests/conformance/conformance.h"

#define NEEDS_TRACE NEEDS(machine.traced, "a trace of the own partition")

static xm_s32_t stream(void)
{
	return XM_trace_open((xmId_t)machine.self.partition);
}

static long put(unsigned int code)
{
	return trace_put((xm_u32_t)machine.traced, XM_TRACE_NOTIFY, code, code);
}

static xmTraceStatus_t status_now(void)
{
	xmTraceStatus_t status = { -1, -1, -1 };

	IS(XM_OK, XM_trace_status(stream(), &status));
	return status;
}

/* Fills the stream with records whose codes count up from `first`; how many it holds. */
static int fill(unsigned int first)
{
	int n = status_now().maxEvents;

	for (int i = 0; i < n; i++)
		IS(XM_OK, put(first + (unsigned int)i));
	return n;
}

static void status_counts(void)
{
	xmTraceStatus_t before, after;

	NEEDS_TRACE;
	before = status_now();
	HOLDS(before.maxEvents > 0);
	HOLDS(before.currentEvent >= 0 && before.currentEvent <= before.noEvents);
	IS(XM_OK, put(1));
	after = status_now();
	EQ(before.maxEvents, after.maxEvents);
	EQ(before.noEvents < before.maxEvents ? before.noEvents + 1 : before.maxEvents,
	   after.noEvents);
}

static void read_until_empty(void)
{
	struct record record;
	int n = 0;

	NEEDS_TRACE;
	while (trace_next(stream(), &record) == 1)
		HOLDS(++n < 100000);
	EQ(0, trace_next(stream(), &record));
	EQ(status_now().noEvents, status_now().currentEvent);
	IS(XM_OK, put(77));
	EQ(1, trace_next(stream(), &record));
	EQ(77, record.event);
	EQ(0, trace_next(stream(), &record));
}

static void oldest_goes(void)
{
	struct record record;
	int n;

	NEEDS_TRACE;
	n = fill(100);
	IS(XM_OK, put(7000));
	EQ(n, status_now().noEvents);
	IS(0, XM_trace_seek(stream(), 0, XM_TRACE_SEEK_SET));
	EQ(1, trace_next(stream(), &record));
	EQ(101, record.event);
	IS(n - 1, XM_trace_seek(stream(), -1, XM_TRACE_SEEK_END));
	EQ(1, trace_next(stream(), &record));
	EQ(7000, record.event);
}

/* A position moves down with the records when the oldest one goes. */
static void position_when_oldest_goes(void)
{
	struct record record;

	NEEDS_TRACE;
	fill(200);
	IS(2, XM_trace_seek(stream(), 2, XM_TRACE_SEEK_SET));
	IS(XM_OK, put(7000));
	EQ(1, trace_next(stream(), &record));
	EQ(202, record.event);
}

static void seek(void)
{
	int n;

	NEEDS_TRACE;
	n = fill(300);
	IS(0, XM_trace_seek(stream(), 0, XM_TRACE_SEEK_SET));
	IS(2, XM_trace_seek(stream(), 2, XM_TRACE_SEEK_CUR));
	IS(1, XM_trace_seek(stream(), -1, XM_TRACE_SEEK_CUR));
	IS(n, XM_trace_seek(stream(), 0, XM_TRACE_SEEK_END));
	IS(n - 2, XM_trace_seek(stream(), -2, XM_TRACE_SEEK_END));
	IS(n, XM_trace_seek(stream(), 100000, XM_TRACE_SEEK_SET));
	IS(0, XM_trace_seek(stream(), -100000, XM_TRACE_SEEK_CUR));
	IS(n, XM_trace_seek(stream(), 0x7fffffff, XM_TRACE_SEEK_END));
	IS(0, XM_trace_seek(stream(), -0x7fffffff - 1, XM_TRACE_SEEK_END));
}

static void seek_whence(void)
{
	NEEDS_TRACE;
	IS(1, XM_trace_seek(stream(), 1, XM_TRACE_SEEK_SET));
	/* The hypervisors answer the number -1, a broker before them that it is a bad argument. */
	HOLDS(XM_trace_seek(stream(), 0, 3) < 0);
	HOLDS(XM_trace_seek(stream(), 0, ~0U) < 0);
	EQ(1, status_now().currentEvent);
}

#if XM_FAMILY == 3

static long control(unsigned int command)
{
	return XM_ctrl_object((xmObjDesc_t)stream(), command, &(union traceCmd){ 0 });
}

static void lock(void)
{
	struct record record;
	int n;

	NEEDS_TRACE;
	n = fill(400);
	IS(XM_OK, control(XM_TRACE_LOCK));
	put(7000);
	IS(n - 1, XM_trace_seek(stream(), -1, XM_TRACE_SEEK_END));
	EQ(1, trace_next(stream(), &record));
	EQ(400 + n - 1, record.event);
	IS(XM_OK, control(XM_TRACE_UNLOCK));
	IS(XM_OK, put(7001));
	IS(n - 1, XM_trace_seek(stream(), -1, XM_TRACE_SEEK_END));
	EQ(1, trace_next(stream(), &record));
	EQ(7001, record.event);
}

/* It keeps the records. */
static void reset(void)
{
	int n;

	NEEDS_TRACE;
	n = fill(500);
	IS(XM_OK, control(XM_TRACE_RESET));
	EQ(n, status_now().noEvents);
	EQ(n, status_now().maxEvents);
}

#endif

const struct row log_rows[] = {
	{ "5.5", "log streams / status", status_counts, false },
	{ "5.5", "log streams / read until there is none", read_until_empty, false },
	{ "5.5", "log streams / full: the oldest goes", oldest_goes, false },
	{ "5.5", "log streams / full: the position moves along", position_when_oldest_goes, false },
	{ "5.5", "log streams / seek", seek, false },
	{ "5.5", "log streams / seek: from nowhere", seek_whence, false },
#if XM_FAMILY == 3
	{ "5.5", "log streams / lock and unlock", lock, false },
	{ "5.5", "log streams / reset", reset, false },
#endif
	{ NULL, NULL, NULL, false },
};
