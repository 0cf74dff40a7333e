// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Log streams of the loopback hypervisor, in none of which anything ever stands: no event of the health
 * monitor leaves its partition running, and the description has no traces.  As freestanding as
 * loopback.c, and for the same reason.
 */

#include "xmbroker/sim/loopback_internal.h"

#define HM_CAPACITY ((4096 - 56) / 36)
#define UNRECOVERABLE 3

void loopback_hm(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	bool good = loopback_arg(req, 0)->num == XM_HYPERVISOR_ID;
	uint64_t *words;

	(void)lb;
	if (req->op == XM_OP_HM_READ)
		good = good && loopback_arg(req, XM_A_HM_READ_log)->state == XM_ST_OK &&
		       loopback_arg(req, XM_A_HM_READ_noLogs)->num > 0;
	else if (req->op == XM_OP_HM_SEEK)
		good = good && loopback_arg(req, XM_A_HM_SEEK_whence)->num <= 2;
	else if (req->op == XM_OP_HM_STATUS)
		good = good && loopback_arg(req, XM_A_HM_STATUS_status)->state == XM_ST_OK;
	if (!good) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else if (req->op == XM_OP_HM_READ) {
		xm_reply_put_words(reply, XM_A_HM_READ_log, 0);
	} else if (req->op == XM_OP_HM_STATUS) {
		words = xm_reply_put_words(reply, XM_A_HM_STATUS_status, XM_NF_HM_STATUS);
		words[XM_F_HM_STATUS_maxEvents] = HM_CAPACITY;
	}
}

/* Reading and control of a trace: of any partition, or of the hypervisor. */
void loopback_trace(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, 0)->num;
	bool good = id < LOOPBACK_PARTITIONS || id == XM_HYPERVISOR_ID;

	(void)lb;
	if (req->op == XM_OP_TRACE_READ)
		good = good && loopback_arg(req, XM_A_TRACE_READ_event)->state == XM_ST_OK &&
		       loopback_arg(req, XM_A_TRACE_READ_noEvents)->num > 0;
	else if (req->op == XM_OP_TRACE_STATUS)
		good = good && loopback_arg(req, XM_A_TRACE_STATUS_status)->state == XM_ST_OK;
	if (!good)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else if (req->op == XM_OP_TRACE_READ)
		xm_reply_put_words(reply, XM_A_TRACE_READ_event, 0);
	else if (req->op == XM_OP_TRACE_STATUS)
		xm_reply_put_words(reply, XM_A_TRACE_STATUS_status, XM_NF_TRACE_STATUS);
	else if (req->op == XM_OP_TRACE_SEEK && loopback_arg(req, XM_A_TRACE_SEEK_whence)->num > 2)
		xm_reply_fail(reply, XM_C_NO_ACTION);
}

/* Nothing passes the filter of a partition without a trace; but what is unrecoverable ends it. */
void loopback_trace_event(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	const struct xm_value *payload = loopback_arg(req, XM_A_TRACE_EVENT_payload);

	if (loopback_arg(req, XM_A_TRACE_EVENT_partitionId)->num != LOOPBACK_SELF)
		xm_reply_fail(reply, XM_C_PERM_ERROR);
	else if (payload->state != XM_ST_OK || payload->len < XM_NF_TRACE_PAYLOAD ||
		 loopback_arg(req, XM_A_TRACE_EVENT_event)->state != XM_ST_OK ||
		 loopback_arg(req, XM_A_TRACE_EVENT_bitmask)->state != XM_ST_OK ||
		 loopback_arg(req, XM_A_TRACE_EVENT_noEvents)->num == 0)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else if (loopback_arg(req, XM_A_TRACE_EVENT_criticality)->num == UNRECOVERABLE)
		loopback_stop(lb, reply);
}
