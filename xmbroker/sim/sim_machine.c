// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a partition's kernel asks of pages and of the processor.  Nothing translates addresses here:
 * types of pages and entries of page tables are kept, registers and descriptors only taken.
 */

#include "libxm/core/table.h"
#include "xmbroker/sim/sim_internal.h"

#define GDT_ENTRIES 32
#define IDT_ENTRIES 256
#define LAST_REGISTER32 6 /* CR0, CR3, CR4, GDT, TSS, TLB, WBINVD */
#define LAST_REGISTER64 1 /* RDMSR, WRMSR */
#define LAST_SYS_STRUCT 2 /* SSESP1, SSESP2, GDT */

static bool owns(const struct sim *sim, uint64_t partition, uint64_t address)
{
	return sim_area(sim, partition, address, 1);
}

/* ---- pages ---------------------------------------------------------------------------------------- */

/* No page refers to another, so that none is ever in use. */
enum xm_code sim_set_page_type(struct sim_call *c)
{
	uint64_t address = c->arg[XM_A_SET_PAGE_TYPE_pAddr].num;
	uint64_t type = c->arg[XM_A_SET_PAGE_TYPE_type].num;

	if (!owns(c->sim, c->self, address) || type > SIM_PAGE_PTDL3)
		return XM_C_INVALID_PARAM;
	if (sim_page_type(c->sim, address) == type)
		return c->sim->family == 3 ? XM_C_NO_ACTION : XM_C_OK;
	return sim_set_type(c->sim, address, (uint32_t)type) ? XM_C_OK : XM_C_INVALID_PARAM;
}

enum xm_code sim_update_page32(struct sim_call *c)
{
	uint64_t address = c->arg[XM_A_UPDATE_PAGE32_pAddr].num;
	uint32_t entry = (uint32_t)c->arg[XM_A_UPDATE_PAGE32_val].num;
	uint8_t bytes[4] = { (uint8_t)entry, (uint8_t)(entry >> 8), (uint8_t)(entry >> 16),
			     (uint8_t)(entry >> 24) };

	if (address % sizeof(bytes) || !owns(c->sim, c->self, address) ||
	    !sim_memory_write(c->sim, address, bytes, sizeof(bytes)))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

enum xm_code sim_physpage_status(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_GET_PHYSPAGE_STATUS_partitionId].num;
	uint64_t address = c->arg[XM_A_GET_PHYSPAGE_STATUS_pAddr].num;
	uint64_t *words;

	if (id != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_GET_PHYSPAGE_STATUS_status].state != XM_ST_OK || !owns(c->sim, id, address))
		return XM_C_INVALID_PARAM;
	words = xm_reply_put_words(c->reply, XM_A_GET_PHYSPAGE_STATUS_status,
				   XM_NF_PHYSPAGE_STATUS);
	words[XM_F_PHYSPAGE_STATUS_pAddr] = address;
	words[XM_F_PHYSPAGE_STATUS_type] = sim_page_type(c->sim, address);
	return XM_C_OK;
}

/* ---- processor: nothing that a call could see follows ---------------------------------------------- */

enum xm_code sim_load_register(struct sim_call *c)
{
	(void)c;
	return XM_C_OK;
}

/* Of 2.x: which of them there are, by the number of the last. */
static enum xm_code among(const struct sim_call *c, uint64_t last)
{
	return c->arg[0].num <= last ? XM_C_OK : XM_C_INVALID_PARAM;
}

enum xm_code sim_write_register32(struct sim_call *c)
{
	return among(c, LAST_REGISTER32);
}

enum xm_code sim_write_register64(struct sim_call *c)
{
	return among(c, LAST_REGISTER64);
}

enum xm_code sim_update_sys_struct(struct sim_call *c)
{
	return among(c, LAST_SYS_STRUCT);
}

enum xm_code sim_update_descriptor(struct sim_call *c)
{
	uint64_t entries = c->req->op == XM_OP_X86_UPDATE_GDT ? GDT_ENTRIES : IDT_ENTRIES;

	if (c->arg[0].num >= entries || c->arg[1].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}
