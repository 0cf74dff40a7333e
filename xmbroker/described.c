// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The operations that are answered from the system description.  Owns which status calls they need.
 * Must never make a call that changes anything, or answer from a hypervisor that is gone.
 */

#include "libxm/system/tables.h"
#include "xmbroker/described.h"

/* Makes one status call; false when there is no hypervisor to answer it.  Any other failure leaves
 * its fields 0: what a partition may not ask about itself is not known. */
static bool ask(const struct backend_issuer *issuer, const struct xm_request *req,
		struct xm_reply *reply)
{
	xm_reply_init(reply, NULL, 0);
	issuer->issue(issuer->data, req, reply);
	return reply->code != XM_C_INVALID_MODE && reply->code != XM_C_UNKNOWN_OUTCOME;
}

/* The `n` words of an output, or NULL. */
static const uint64_t *words_of(const struct xm_reply *reply, unsigned int arg, unsigned int n)
{
	const struct xm_value *v = &reply->out[arg];

	return reply->code == XM_C_OK && v->state == XM_ST_OK && v->len == n ? v->words : NULL;
}

static bool ask_partition(const struct backend_issuer *issuer, struct xm_reply *reply,
			  struct tables_state *state)
{
	struct xm_request req = { .op = XM_OP_GET_PARTITION_STATUS };
	const uint64_t *words;

	req.arg[XM_A_GET_PARTITION_STATUS_partitionId].num = state->partition;
	if (!ask(issuer, &req, reply))
		return false;
	words = words_of(reply, XM_A_GET_PARTITION_STATUS_status, XM_NF_PARTITION_STATUS);
	if (words) {
		state->reset_counter = (uint32_t)words[XM_F_PARTITION_STATUS_resetCounter];
		state->reset_status = (uint32_t)words[XM_F_PARTITION_STATUS_resetStatus];
	}
	return true;
}

static bool ask_plan(const struct backend_issuer *issuer, struct xm_reply *reply,
		     struct tables_state *state)
{
	struct xm_request req = { .op = XM_OP_GET_PLAN_STATUS };
	const uint64_t *words;

	req.arg[XM_A_GET_PLAN_STATUS_partitionId].num = state->partition;
	if (!ask(issuer, &req, reply))
		return false;
	words = words_of(reply, XM_A_GET_PLAN_STATUS_status, XM_NF_PLAN_STATUS);
	if (words) {
		state->plan = (uint32_t)words[XM_F_PLAN_STATUS_current];
		state->switch_time = (int64_t)words[XM_F_PLAN_STATUS_switchTime];
	}
	return true;
}

static bool ask_time(const struct backend_issuer *issuer, struct xm_reply *reply,
		     struct tables_state *state)
{
	struct xm_request req = { .op = XM_OP_GET_TIME };
	const struct xm_value *time = &reply->out[XM_A_GET_TIME_time];

	if (!ask(issuer, &req, reply)) /* clock 0: that of the hardware */
		return false;
	if (reply->code == XM_C_OK && time->state == XM_ST_OK)
		state->now = (int64_t)time->num;
	return true;
}

static void answer_table(const struct system *sys, const struct backend_info *hypervisor,
			 const struct backend_issuer *issuer, struct xm_reply *reply)
{
	struct tables_state state = { .partition = hypervisor->partition };
	uint8_t *space = reply->space;
	size_t space_len = reply->space_len;
	bool answered = ask_partition(issuer, reply, &state) && ask_plan(issuer, reply, &state) &&
			ask_time(issuer, reply, &state);
	enum xm_code code = reply->code;

	xm_reply_init(reply, space, space_len);
	if (!answered) {
		xm_reply_fail(reply, code);
		return;
	}
	tables_partition(
		sys, &state,
		xm_reply_put_words(reply, XM_A_GET_PARTITION_TABLE_table, XM_NF_PARTITION_TABLE));
}

static void answer_mmap(const struct system *sys, const struct backend_info *hypervisor,
			const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t from = req->arg[XM_A_GET_PARTITION_MMAP_from].num;
	uint64_t max = req->arg[XM_A_GET_PARTITION_MMAP_noAreas].num;
	uint64_t *words;
	uint32_t n;

	max = max > XM_MAX_RECORDS ? XM_MAX_RECORDS : max;
	from = from > UINT32_MAX ? UINT32_MAX : from;
	words = xm_reply_put_words(reply, XM_A_GET_PARTITION_MMAP_areas,
				   (unsigned int)max * XM_NF_MEMORY_AREA);
	n = tables_areas(sys, hypervisor->partition, (uint32_t)from, (uint32_t)max, words);
	reply->out[XM_A_GET_PARTITION_MMAP_areas].len = n * XM_NF_MEMORY_AREA;
	reply->value = n;
}

void described_call(const struct system *sys, const struct backend_info *hypervisor,
		    const struct backend_issuer *issuer, const struct xm_request *req,
		    struct xm_reply *reply)
{
	if (req->op == XM_OP_GET_PARTITION_TABLE)
		answer_table(sys, hypervisor, issuer, reply);
	else if (req->op == XM_OP_GET_PARTITION_MMAP)
		answer_mmap(sys, hypervisor, req, reply);
	else
		xm_reply_fail(reply, XM_C_UNKNOWN_HYPERCALL);
}
