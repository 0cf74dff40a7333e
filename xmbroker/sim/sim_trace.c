// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Traces of the simulated hypervisor: a log stream of each partition, which it alone writes, and one of
 * the hypervisor, which writes nothing there.
 */

#include "xmbroker/sim/sim_internal.h"

#define UNRECOVERABLE 3
#define PAYLOAD 4

static const struct sim_log_kind kind = { 0xc33c, XM_F_TRACE_LOG_payload0, PAYLOAD,
					  XM_F_TRACE_LOG_moduleId };

/* ---- writing -------------------------------------------------------------------------------------- */

static struct sim_record make_record(const struct sim_call *c, const struct sim_log *log)
{
	const struct xm_value *payload = &c->arg[XM_A_TRACE_EVENT_payload];
	uint32_t criticality = (uint32_t)c->arg[XM_A_TRACE_EVENT_criticality].num & 7;
	uint32_t bits = c->sim->family == 2 ? 0x1fff : 0xffff;
	uint32_t code = (uint32_t)c->arg[XM_A_TRACE_EVENT_code].num & bits;
	struct sim_record record = {
		.op_code_h = (c->sim->family == 2 ? 0 : log->sequence << 4) | criticality << 1,
		.op_code_l = code << 16 | sim_vcpu_number(c) << 8 | c->self,
		.timestamp = sim_clock(c->sim),
	};

	if (c->sim->family == 2)
		record.module = (uint8_t)xm_value_word(payload, XM_F_TRACE_PAYLOAD_moduleId);
	for (unsigned int i = 0; i < PAYLOAD; i++)
		record.payload[i] = xm_value_word(payload, XM_F_TRACE_PAYLOAD_payload0 + i);
	return record;
}

/* A stream without room on its device takes what the description says all the same. */
static void keep(struct sim_call *c, struct sim_log *log, const struct sim_record *record)
{
	log->sequence++;
	sim_log_insert(c->sim, log, record);
	sim_log_put(c->sim, &kind, record,
		    xm_reply_put_words(c->reply, XM_A_TRACE_EVENT_event, XM_NF_TRACE_LOG));
	c->reply->value = 1;
}

static enum xm_code check_event(const struct sim_call *c)
{
	const struct xm_value *payload = &c->arg[XM_A_TRACE_EVENT_payload];
	const struct xm_value *bitmask = &c->arg[XM_A_TRACE_EVENT_bitmask];

	if (sim_bad_pointer(c, XM_A_TRACE_EVENT_payload) ||
	    sim_bad_pointer(c, XM_A_TRACE_EVENT_event) ||
	    sim_bad_pointer(c, XM_A_TRACE_EVENT_bitmask))
		return XM_C_INVALID_PARAM;
	if (c->arg[XM_A_TRACE_EVENT_partitionId].num != c->self)
		return XM_C_PERM_ERROR;
	if (payload->state != XM_ST_OK || payload->len < XM_NF_TRACE_PAYLOAD ||
	    c->arg[XM_A_TRACE_EVENT_event].state != XM_ST_OK ||
	    (bitmask->state != XM_ST_OK && c->sim->family == 3) ||
	    c->arg[XM_A_TRACE_EVENT_noEvents].num == 0)
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* In 2.x without a bitmask, nothing. */
static bool is_traced(const struct sim_call *c)
{
	const struct xm_value *bitmask = &c->arg[XM_A_TRACE_EVENT_bitmask];

	return bitmask->state == XM_ST_OK && bitmask->num & c->caller->config->trace_bitmask;
}

/* In 2.x the code goes before the payload. */
static void raise_error(struct sim_call *c, const struct sim_record *record)
{
	uint64_t payload[SIM_PAYLOAD] = { record->op_code_l >> 16 };
	unsigned int first = c->sim->family == 2;

	for (unsigned int i = 0; i < PAYLOAD; i++)
		payload[first + i] = record->payload[i];
	sim_hm_raise(c->sim, c->self, sim_vcpu_number(c), sim_event_partition_error(c->sim),
		     payload);
}

/* Both operations: what the filter leaves out may still be unrecoverable. */
enum xm_code sim_trace_event(struct sim_call *c)
{
	struct sim_log *log = &c->sim->traces[c->self];
	uint64_t generation = c->caller->generation;
	enum xm_code code = check_event(c);
	struct sim_record record;

	if (code != XM_C_OK)
		return code;
	record = make_record(c, log);
	if (is_traced(c))
		keep(c, log, &record);
	if (c->arg[XM_A_TRACE_EVENT_criticality].num != UNRECOVERABLE)
		return XM_C_OK;
	raise_error(c, &record);
	sim_settle(c, generation);
	return XM_C_OK;
}

/* ---- reading: one's own, or with the right to manage any ------------------------------------------- */

static enum xm_code find(const struct sim_call *c, struct sim_log **logp)
{
	uint64_t id = c->arg[0].num;

	if (id != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (id != XM_HYPERVISOR_ID && id >= c->sim->n_partitions)
		return XM_C_INVALID_PARAM;
	*logp = &c->sim->traces[id == XM_HYPERVISOR_ID ? c->sim->n_partitions : id];
	return XM_C_OK;
}

enum xm_code sim_trace_read(struct sim_call *c)
{
	uint64_t wanted = c->arg[XM_A_TRACE_READ_noEvents].num;
	struct sim_log *log;
	enum xm_code code = find(c, &log);

	if (sim_bad_pointer(c, XM_A_TRACE_READ_event))
		return XM_C_INVALID_PARAM;
	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_TRACE_READ_event].state != XM_ST_OK || wanted == 0)
		return XM_C_INVALID_PARAM;
	sim_log_read(c, XM_A_TRACE_READ_event, wanted, log, &kind);
	return XM_C_OK;
}

/* No such whence is -1, which in 3.x says that there was nothing to do. */
enum xm_code sim_trace_seek(struct sim_call *c)
{
	struct sim_log *log;
	enum xm_code code = find(c, &log);

	if (code != XM_C_OK)
		return code;
	if (!sim_log_seek(log, &c->arg[XM_A_TRACE_SEEK_offset], &c->arg[XM_A_TRACE_SEEK_whence]))
		return sim_no_such_whence(c->sim);
	c->reply->value = log->cursor;
	return XM_C_OK;
}

enum xm_code sim_trace_status(struct sim_call *c)
{
	struct sim_log *log;
	enum xm_code code = find(c, &log);

	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_TRACE_STATUS_status].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	sim_log_status(c, XM_A_TRACE_STATUS_status, log);
	return XM_C_OK;
}

static enum xm_code set_lock(struct sim_call *c, bool locked)
{
	struct sim_log *log;
	enum xm_code code = find(c, &log);

	if (code == XM_C_OK)
		log->locked = locked;
	return code;
}

enum xm_code sim_trace_lock(struct sim_call *c)
{
	return set_lock(c, true);
}

enum xm_code sim_trace_unlock(struct sim_call *c)
{
	return set_lock(c, false);
}

/* Reads the stream's state back from its device, which always holds the same. */
enum xm_code sim_trace_reset(struct sim_call *c)
{
	struct sim_log *log;

	return find(c, &log);
}
