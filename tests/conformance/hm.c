// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of sections 5.7 and 6.7: the log of the health monitor, and what it does. */

#include "tests/conformance/conformance.h"

#define NEEDS_LOG NEEDS(machine.hm, "a log of the health monitor")
#define CODE 33
#define PAYLOAD 0x1234

/* ---- the log (5.7) -------------------------------------------------------------------------------- */

static void status(void)
{
	xmHmStatus_t s = { -1, -1, -1 };

	IS(XM_OK, XM_hm_status(&s));
	HOLDS(s.noEvents >= 0 && s.noEvents <= s.maxEvents);
	HOLDS(s.currentEvent >= 0 && s.currentEvent <= s.noEvents);
	HOLDS(!machine.hm || s.maxEvents > 0);
	IS(XM_INVALID_PARAM, XM_hm_status(NULL));
	IS(XM_INVALID_PARAM, XM_hm_status(bad_memory()));
}

static void read_and_seek(void)
{
	struct record record;
	xmHmStatus_t s;

	hm_skip();
	EQ(0, hm_next(&record));
	HOLDS(XM_hm_seek(0, XM_OBJ_SEEK_SET) == XM_OK);
	IS(XM_OK, XM_hm_status(&s));
	EQ(0, s.currentEvent);
	IS(XM_FAMILY == 2 ? s.noEvents : XM_OK, XM_hm_seek(100000, XM_OBJ_SEEK_SET));
	IS(XM_OK, XM_hm_status(&s));
	EQ(s.noEvents, s.currentEvent);
	HOLDS(XM_hm_seek(0, 3) < 0);
	IS(XM_INVALID_PARAM, XM_hm_read(NULL));
	IS(XM_INVALID_PARAM, XM_hm_read(bad_memory()));
}

static void object(void)
{
	xmHmLog_t log[2];
	xmObjDesc_t d = OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0);

	IS(XM_INVALID_PARAM, XM_read_object(d, log, sizeof(log[0]) - 1, NULL));
	IS(XM_INVALID_PARAM, XM_read_object(d, log, 0, NULL));
	IS(XM_INVALID_PARAM, XM_read_object(OBJDESC_BUILD(OBJ_CLASS_HM, machine.self.partition, 0),
					    log, sizeof(log[0]), NULL));
}

static long far_read_log(void *arg)
{
	struct record record;

	(void)arg;
	return hm_next(&record);
}

static long far_status_log(void *arg)
{
	xmHmStatus_t s;

	(void)arg;
	return XM_hm_status(&s);
}

static long far_seek_log(void *arg)
{
	(void)arg;
	return XM_hm_seek(0, XM_OBJ_SEEK_SET);
}

static void rights(void)
{
	long plain = machine.plain.partition;
	char none = 0;

	NEEDS(peer_has(plain), "a process in the plain partition");
	IS(XM_PERM_ERROR, peer_run(plain, far_read_log, &none, 1));
	IS(XM_PERM_ERROR, peer_run(plain, far_status_log, &none, 1));
	IS(XM_PERM_ERROR, peer_run(plain, far_seek_log, &none, 1));
}

/* ---- events (6.7) --------------------------------------------------------------------------------- */

/* The next record is of the event PARTITION_ERROR of this partition. */
static void check_record(unsigned int partition, long long since)
{
	struct record record = { .event = 1000 };

	EQ(1, hm_next(&record));
	EQ(PARTITION_ERROR, record.event);
	EQ(partition, record.partition);
	EQ(0, record.system);
	EQ(PAYLOAD, record.payload);
	HOLDS(record.stamp >= since && record.stamp <= machine_time());
	EQ(0, hm_next(&record));
}

/* A record of the trace that its partition does not survive, if the health monitor says so. */
static void own_error(void)
{
	long long since = machine_time();
	xmSystemStatus_t before, after;

	NEEDS_LOG;
	hm_skip();
#if XM_FAMILY == 2
	XM_system_get_status(&before);
#else
	XM_get_system_status(&before);
#endif
	/* Whether the trace keeps it does not matter. */
	IS(XM_OK, trace_put((xm_u32_t)machine.traced, XM_TRACE_UNRECOVERABLE, CODE, PAYLOAD));
	check_record((unsigned int)machine.self.partition, since);
	IS(XM_INVALID_CONFIG,
	   trace_put((xm_u32_t)machine.untraced, XM_TRACE_UNRECOVERABLE, CODE, PAYLOAD));
	check_record((unsigned int)machine.self.partition, since);
	EQ(XM_STATUS_READY, state_of((unsigned int)machine.self.partition));
#if XM_FAMILY == 2
	XM_system_get_status(&after);
#else
	XM_get_system_status(&after);
#endif
	HOLDS(after.noHmEvents == before.noHmEvents || after.noHmEvents == before.noHmEvents + 2);
}

static void milder_records(void)
{
	struct record record;

	NEEDS_LOG;
	hm_skip();
	trace_put((xm_u32_t)machine.traced, XM_TRACE_NOTIFY, CODE, PAYLOAD);
	trace_put((xm_u32_t)machine.traced, XM_TRACE_DEBUG, CODE, PAYLOAD);
	trace_put((xm_u32_t)machine.traced, XM_TRACE_WARNING, CODE, PAYLOAD);
	EQ(0, hm_next(&record));
}

/* Has the partition fail; whether its process got an answer, which it does if it lives on. */
static bool fail(unsigned int id, long *valuep)
{
	struct record record = { .event = CODE,
				 .criticality = XM_TRACE_UNRECOVERABLE,
				 .payload = PAYLOAD,
				 .stamp = TRACE_BM_ALWAYS };
	static char arg[sizeof(record)];

	memcpy(arg, &record, sizeof(record));
	peer_begin(id, far_trace, arg, sizeof(record));
	return peer_end(id, valuep, 2000) && errno != ECONNRESET && *valuep != XM_INVALID_MODE;
}

static void on_error(enum error_role role, bool lives, long expected_state)
{
	unsigned int id = (unsigned int)machine.on_error[role];
	long long since = machine_time();
	long value;

	NEEDS_LOG;
	NEEDS(peer_has(machine.on_error[role]), "a process in a partition that may fail");
	revive(id);
	hm_skip();
	EQ(lives, fail(id, &value));
	EQ(expected_state, state_of(id));
	check_record(id, since);
	if (role == ON_COLD_RESET || role == ON_WARM_RESET) {
		xmPartitionStatus_t s;

		IS(XM_OK, partition_status(id, &s));
		EQ(role == ON_WARM_RESET, s.resetCounter);
		EQ(PARTITION_ERROR, s.resetStatus & 0xffff);
	}
	revive(id);
	EQ(XM_STATUS_READY, state_of(id));
}

static void ignore(void)
{
	on_error(ON_IGNORE, true, XM_STATUS_READY);
}

static void cold_reset(void)
{
	on_error(ON_COLD_RESET, false, XM_STATUS_READY);
}

static void warm_reset(void)
{
	on_error(ON_WARM_RESET, false, XM_STATUS_READY);
}

static void suspend(void)
{
	on_error(ON_SUSPEND, false, XM_STATUS_SUSPENDED);
}

/* What happens when the description does not say. */
static void halt(void)
{
	on_error(ON_HALT, false, XM_STATUS_HALTED);
}

const struct row hm_rows[] = {
	{ "5.7", "health monitor / status", status, false },
	{ "5.7", "health monitor / read and seek", read_and_seek, false },
	{ "5.7", "health monitor / object", object, false },
	{ "5.7", "health monitor / rights", rights, false },
	{ "6.7", "health monitor / the own partition's error", own_error, false },
	{ "6.7", "health monitor / milder records raise nothing", milder_records, false },
	{ "6.7", "health monitor / action: ignore", ignore, false },
	{ "6.7", "health monitor / action: cold reset", cold_reset, false },
	{ "6.7", "health monitor / action: warm reset", warm_reset, false },
	{ "6.7", "health monitor / action: suspend", suspend, false },
	{ "6.7", "health monitor / action: halt, by default", halt, false },
	{ NULL, NULL, NULL, false },
};
