// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory, interrupts and the processor of the loopback hypervisor: its partitions have one virtual
 * processor each and nothing leads from one to another.  As freestanding as loopback.c, and for the
 * same reason.
 */

#include "xmbroker/sim/loopback_internal.h"

#define PAGE 4096
#define FIRST_IPVI 24
#define LAST_IPVI 31
#define VECTORS 32
#define ROUTES 3
#define GDT_ENTRIES 32
#define IDT_ENTRIES 256

enum { ORDINARY, PTDL1, PTDL2, PTDL3 };

static const struct {
	uint64_t start, size;
} areas[LOOPBACK_PARTITIONS] = {
	{ 0x4000000, 64 << 20 },
	{ 0x8000000, 16 << 20 },
	{ 0x9000000, 16 << 20 },
};

/* ---- memory --------------------------------------------------------------------------------------- */

/* Whether `size` bytes, not 0, lie in the area of a partition. */
static bool owns(uint64_t partition, uint64_t address, uint64_t size)
{
	return partition < LOOPBACK_PARTITIONS && address >= areas[partition].start &&
	       size <= areas[partition].size &&
	       address - areas[partition].start <= areas[partition].size - size;
}

static bool good_range(uint64_t partition, uint64_t address, uint64_t size)
{
	if (partition == XM_HYPERVISOR_ID)
		return size - 1 <= UINT64_MAX - address;
	return owns(partition, address, size);
}

void loopback_memory_copy(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	int64_t size = (int64_t)loopback_arg(req, XM_A_MEMORY_COPY_size)->num;

	(void)lb;
	if (size <= 0)
		return;
	if (size > INT32_MAX ||
	    !good_range(loopback_arg(req, XM_A_MEMORY_COPY_dstId)->num,
			loopback_arg(req, XM_A_MEMORY_COPY_dstAddr)->num, (uint64_t)size) ||
	    !good_range(loopback_arg(req, XM_A_MEMORY_COPY_srcId)->num,
			loopback_arg(req, XM_A_MEMORY_COPY_srcAddr)->num, (uint64_t)size))
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else
		reply->value = (uint32_t)size;
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static uint32_t type_of(const struct loopback *lb, uint64_t address)
{
	for (unsigned int i = 0; i < LOOPBACK_PAGES; i++)
		if (lb->page[i].type != ORDINARY && lb->page[i].number == address / PAGE)
			return lb->page[i].type;
	return ORDINARY;
}

/* Where the type of the page stands, or could stand, or NULL. */
static struct loopback_page *place(struct loopback *lb, uint64_t address)
{
	struct loopback_page *vacant = NULL;

	for (unsigned int i = 0; i < LOOPBACK_PAGES; i++) {
		if (lb->page[i].type == ORDINARY)
			vacant = &lb->page[i];
		else if (lb->page[i].number == address / PAGE)
			return &lb->page[i];
	}
	return vacant;
}

void loopback_set_page_type(struct loopback *lb, const struct xm_request *req,
			    struct xm_reply *reply)
{
	uint64_t address = loopback_arg(req, XM_A_SET_PAGE_TYPE_pAddr)->num;
	uint64_t type = loopback_arg(req, XM_A_SET_PAGE_TYPE_type)->num;
	struct loopback_page *page = place(lb, address);

	if (!owns(LOOPBACK_SELF, address, 1) || type > PTDL3) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else if (type_of(lb, address) == type) {
		xm_reply_fail(reply, XM_C_NO_ACTION);
	} else if (!page) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else {
		page->number = address / PAGE;
		page->type = (uint32_t)type;
	}
}

void loopback_physpage(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, XM_A_GET_PHYSPAGE_STATUS_partitionId)->num;
	uint64_t address = loopback_arg(req, XM_A_GET_PHYSPAGE_STATUS_pAddr)->num;
	uint64_t *words;

	if (loopback_arg(req, XM_A_GET_PHYSPAGE_STATUS_status)->state != XM_ST_OK ||
	    !owns(id, address, 1)) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	words = xm_reply_put_words(reply, XM_A_GET_PHYSPAGE_STATUS_status, XM_NF_PHYSPAGE_STATUS);
	words[XM_F_PHYSPAGE_STATUS_pAddr] = address;
	words[XM_F_PHYSPAGE_STATUS_type] = type_of(lb, address);
}

void loopback_update_page32(struct loopback *lb, const struct xm_request *req,
			    struct xm_reply *reply)
{
	uint64_t address = loopback_arg(req, XM_A_UPDATE_PAGE32_pAddr)->num;

	(void)lb;
	if (address % 4 || !owns(LOOPBACK_SELF, address, 1))
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
}

/* ---- interrupts ----------------------------------------------------------------------------------- */

void loopback_route_irq(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	(void)lb;
	if (loopback_arg(req, XM_A_ROUTE_IRQ_type)->num >= ROUTES ||
	    loopback_arg(req, XM_A_ROUTE_IRQ_irq)->num >= VECTORS)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
}

/* No interrupt leads to any partition: to all that it would reach, or to one. */
void loopback_raise_ipvi(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	bool all = req->op == XM_OP_RAISE_IPVI;
	uint64_t number =
		loopback_arg(req, all ? XM_A_RAISE_IPVI_noIpvi : XM_A_RAISE_PARTITION_IPVI_noIpvi)
			->num;

	(void)lb;
	if (number < FIRST_IPVI || number > LAST_IPVI ||
	    (!all && loopback_arg(req, 0)->num >= LOOPBACK_PARTITIONS))
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else
		xm_reply_fail(reply, all ? XM_C_NO_ACTION : XM_C_INVALID_CONFIG);
}

/* ---- processor ------------------------------------------------------------------------------------ */

/* The only virtual processor runs, for it calls; without it the partition stops. */
void loopback_vcpu(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t root = loopback_arg(req, XM_A_RESET_VCPU_ptdL1)->num;

	if (loopback_arg(req, 0)->num != 0)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else if (req->op == XM_OP_RESUME_VCPU)
		xm_reply_fail(reply, XM_C_NO_ACTION);
	else if (req->op != XM_OP_RESET_VCPU)
		loopback_stop(lb, reply);
	else if (!owns(LOOPBACK_SELF, root, 1) || type_of(lb, root) != PTDL1)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else
		loopback_restart(lb, (uint32_t)loopback_arg(req, XM_A_RESET_VCPU_status)->num,
				 reply);
}

void loopback_update_descriptor(struct loopback *lb, const struct xm_request *req,
				struct xm_reply *reply)
{
	uint64_t entries = req->op == XM_OP_X86_UPDATE_GDT ? GDT_ENTRIES : IDT_ENTRIES;

	(void)lb;
	if (loopback_arg(req, 0)->num >= entries || loopback_arg(req, 1)->state != XM_ST_OK)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
}
