// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a partition would find in its own memory, for programs that talk to the simulated hypervisor
 * directly; a broker in between answers this by itself.
 */

#include "libxm/system/tables.h"
#include "xmbroker/sim/sim_internal.h"

enum xm_code sim_partition_table(struct sim_call *c)
{
	const struct sim_processor *processor = c->sim->processors;
	struct tables_state state = {
		.partition = c->self,
		.reset_counter = c->caller->reset_counter,
		.reset_status = c->caller->reset_status,
		.plan = processor->plan,
		.switch_time = processor->switch_time,
		.now = sim_clock(c->sim),
	};

	if (c->arg[XM_A_GET_PARTITION_TABLE_partitionId].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_GET_PARTITION_TABLE_table].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	tables_partition(c->sim->sys, &state,
			 xm_reply_put_words(c->reply, XM_A_GET_PARTITION_TABLE_table,
					    XM_NF_PARTITION_TABLE));
	return XM_C_OK;
}

enum xm_code sim_partition_mmap(struct sim_call *c)
{
	uint64_t from = c->arg[XM_A_GET_PARTITION_MMAP_from].num;
	uint64_t wanted = c->arg[XM_A_GET_PARTITION_MMAP_noAreas].num;
	uint64_t *words;
	uint32_t n;

	/* The originals of 2.x do not look at whose map is asked for: it is always the caller's. */
	if (c->arg[XM_A_GET_PARTITION_MMAP_partitionId].num != c->self &&
	    !(c->sim->quirks && c->sim->family == 2))
		return XM_C_PERM_ERROR;
	if (c->sim->family == 2 && wanted == 0)
		return XM_C_OK;
	if (c->arg[XM_A_GET_PARTITION_MMAP_areas].state != XM_ST_OK || wanted == 0 ||
	    wanted > XM_MAX_RECORDS)
		return XM_C_INVALID_PARAM;
	words = xm_reply_put_words(c->reply, XM_A_GET_PARTITION_MMAP_areas,
				   XM_MAX_RECORDS * XM_NF_MEMORY_AREA);
	n = tables_areas(c->sim->sys, c->self, (uint32_t)from, (uint32_t)wanted, words);
	c->reply->out[XM_A_GET_PARTITION_MMAP_areas].len = n * XM_NF_MEMORY_AREA;
	c->reply->value = n;
	return XM_C_OK;
}
