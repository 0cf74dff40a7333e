// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Log streams: a ring of records with one read position, which all readers share.  The health monitor
 * has one, and every trace is one.  Must never hand out a record that is not in the ring.
 */

#include "xmbroker/sim/sim_internal.h"

/* Both structures begin alike, and so do their status structures. */
_Static_assert(XM_F_HM_LOG_signature == XM_F_TRACE_LOG_signature &&
		       XM_F_HM_LOG_checksum == XM_F_TRACE_LOG_checksum &&
		       XM_F_HM_LOG_opCodeH == XM_F_TRACE_LOG_opCodeH &&
		       XM_F_HM_LOG_opCodeL == XM_F_TRACE_LOG_opCodeL &&
		       XM_F_HM_LOG_timestamp == XM_F_TRACE_LOG_timestamp &&
		       XM_NF_HM_LOG == XM_NF_TRACE_LOG,
	       "records");
_Static_assert(XM_F_HM_STATUS_noEvents == XM_F_TRACE_STATUS_noEvents &&
		       XM_F_HM_STATUS_maxEvents == XM_F_TRACE_STATUS_maxEvents &&
		       XM_F_HM_STATUS_currentEvent == XM_F_TRACE_STATUS_currentEvent &&
		       XM_NF_HM_STATUS == XM_NF_TRACE_STATUS,
	       "status");

/* When the oldest record goes, whoever was to read on after it still does, but in the originals of
 * 2.x, where a record is skipped. */
void sim_log_insert(const struct sim *sim, struct sim_log *log, const struct sim_record *record)
{
	if (log->capacity == 0 || (log->n == log->capacity && log->locked))
		return;
	if (log->n == log->capacity) {
		log->head = (log->head + 1) % log->capacity;
		log->n--;
		if (log->cursor && !(sim->quirks && sim->family == 2))
			log->cursor--;
	}
	log->records[(log->head + log->n++) % log->capacity] = *record;
}

static uint32_t half_words(uint64_t word)
{
	return (uint32_t)((word & 0xffff) + (word >> 16 & 0xffff) + (word >> 32 & 0xffff) +
			  (word >> 48));
}

/* One's complement of the sum of the record's half-words, this one taken as 0. */
static uint16_t checksum(const struct sim_log_kind *kind, const struct sim_record *r)
{
	uint32_t sum = kind->signature + half_words(r->op_code_h) + half_words(r->op_code_l) +
		       half_words((uint64_t)r->timestamp);

	for (unsigned int i = 0; i < kind->n_payload; i++)
		sum += half_words(r->payload[i]);
	return (uint16_t)~sum;
}

void sim_log_put(const struct sim *sim, const struct sim_log_kind *kind,
		 const struct sim_record *record, uint64_t *words)
{
	unsigned int n = sim->family == 2 ? SIM_PAYLOAD : SIM_PAYLOAD - 1;

	if (sim->family == 3) {
		words[XM_F_HM_LOG_signature] = kind->signature;
		words[XM_F_HM_LOG_checksum] = checksum(kind, record);
	}
	words[XM_F_HM_LOG_opCodeH] = record->op_code_h;
	words[XM_F_HM_LOG_opCodeL] = record->op_code_l;
	words[XM_F_HM_LOG_timestamp] = (uint64_t)record->timestamp;
	for (unsigned int i = 0; i < kind->n_payload && i < n; i++)
		words[kind->payload + i] = record->payload[i];
	if (kind->module >= 0)
		words[kind->module] = record->module;
}

void sim_log_read(struct sim_call *c, unsigned int arg, uint64_t wanted, struct sim_log *log,
		  const struct sim_log_kind *kind)
{
	uint32_t n = log->n - log->cursor;
	uint64_t *words;

	if (n > wanted)
		n = (uint32_t)wanted;
	if (n > XM_MAX_RECORDS)
		n = XM_MAX_RECORDS;
	words = xm_reply_put_words(c->reply, arg, n * XM_NF_HM_LOG);
	for (uint32_t i = 0; i < n; i++, words += XM_NF_HM_LOG)
		sim_log_put(c->sim, kind,
			    &log->records[(log->head + log->cursor++) % log->capacity], words);
	c->reply->value = n;
}

bool sim_log_seek(struct sim_log *log, const struct xm_value *offset, const struct xm_value *whence)
{
	int64_t at = (int32_t)offset->num;

	switch (whence->num) {
	case 0:
		at += log->cursor;
		break;
	case 1:
		break;
	case 2:
		at += log->n;
		break;
	default:
		return false;
	}
	log->cursor = at < 0 ? 0 : at > log->n ? log->n : (uint32_t)at;
	return true;
}

void sim_log_status(struct sim_call *c, unsigned int arg, const struct sim_log *log)
{
	uint64_t *words = xm_reply_put_words(c->reply, arg, XM_NF_HM_STATUS);

	words[XM_F_HM_STATUS_noEvents] = log->n;
	words[XM_F_HM_STATUS_maxEvents] = log->capacity;
	words[XM_F_HM_STATUS_currentEvent] = log->cursor;
}
