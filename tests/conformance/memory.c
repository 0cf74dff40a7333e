// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.6: physical memory. */

#include "tests/conformance/conformance.h"

#define OWN (&machine.own)
#define OTHER (&machine.other)
#define NEEDS_AREAS NEEDS(OWN->there && OTHER->there, "memory areas")
#define NOWHERE 0xf0000000UL /* in nobody's area */

static long copy(unsigned int dst, unsigned long to, unsigned int src, unsigned long from,
		 long size)
{
	return XM_memory_copy(dst, (xmAddress_t)to, src, (xmAddress_t)from, (xmSize_t)size);
}

static void copy_own(void)
{
	unsigned int self = (unsigned int)machine.self.partition;

	NEEDS_AREAS;
	IS(16, copy(self, OWN->address, self, OWN->address + 256, 16));
	IS(4096, copy(self, OWN->address, self, OWN->address + 8192, 4096));
	/* The last byte of an area belongs to it. */
	IS(16, copy(self, OWN->address + OWN->size - 16, self, OWN->address, 16));
	IS(0, copy(self, OWN->address, self, OWN->address, 0));
}

static void copy_others(void)
{
	unsigned int self = (unsigned int)machine.self.partition;

	NEEDS_AREAS;
	IS(64, copy(OTHER->partition, OTHER->address, self, OWN->address, 64));
	IS(64, copy(self, OWN->address, OTHER->partition, OTHER->address, 64));
}

static void copy_outside(void)
{
	unsigned int self = (unsigned int)machine.self.partition;

	NEEDS_AREAS;
	IS(XM_INVALID_PARAM, copy(self, NOWHERE, self, OWN->address, 16));
	IS(XM_INVALID_PARAM, copy(self, OWN->address, self, NOWHERE, 16));
	IS(XM_INVALID_PARAM, copy(self, OWN->address + OWN->size, self, OWN->address, 1));
	IS(XM_INVALID_PARAM, copy(self, OWN->address + OWN->size - 8, self, OWN->address, 16));
	IS(XM_INVALID_PARAM, copy(self, OTHER->address, self, OWN->address, 16));
	IS(XM_INVALID_PARAM, copy(OTHER->partition, OWN->address, self, OWN->address, 16));
	IS(XM_INVALID_PARAM, copy(machine.n_partitions, OTHER->address, self, OWN->address, 16));
}

static void copy_read_only(void)
{
	unsigned int self = (unsigned int)machine.self.partition;

	NEEDS_AREAS;
	NEEDS(machine.read_only.there, "a read-only memory area");
	IS(16, copy(self, OWN->address, self, machine.read_only.address, 16));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, copy(self, machine.read_only.address, self, OWN->address, 16));
#endif
}

struct ranges {
	unsigned int dst, src;
	unsigned long to, from;
};

static long far_copy(void *arg)
{
	const struct ranges *r = arg;

	return copy(r->dst, r->to, r->src, r->from, 16);
}

static void copy_without_rights(void)
{
	struct ranges in = { OTHER->partition, (unsigned int)machine.self.partition, OTHER->address,
			     OWN->address };
	struct ranges out = { (unsigned int)machine.self.partition, OTHER->partition, OWN->address,
			      OTHER->address };
	struct ranges within = { OTHER->partition, OTHER->partition, OTHER->address,
				 OTHER->address + 64 };

	NEEDS_AREAS;
	NEEDS(peer_has(OTHER->partition), "a process in the plain partition");
	IS(XM_PERM_ERROR, peer_run(OTHER->partition, far_copy, &in, sizeof(in)));
	IS(XM_PERM_ERROR, peer_run(OTHER->partition, far_copy, &out, sizeof(out)));
	IS(16, peer_run(OTHER->partition, far_copy, &within, sizeof(within)));
}

static void areas(void)
{
	NEEDS(machine.own.there, "memory areas");
#if XM_FAMILY == 2
	struct xmcMemoryArea room[32], *map = room;
	long n = XM_get_physmem_map(map, 32);

	HOLDS(n > 0 && n < 32);
	IS(1, XM_get_physmem_map(map, 1));
	IS(XM_INVALID_PARAM, XM_get_physmem_map(bad_memory(), 4));
#else
	const struct xmPhysicalMemMap *map = XM_get_partition_mmap();
	long n = XM_get_PCT()->noPhysicalMemAreas;
#endif
	bool found = false;

	HOLDS(map && n > 0);
	for (long i = 0; map && i < n; i++)
		found |= map[i].startAddr == OWN->address && map[i].size == OWN->size;
	HOLDS(found);
}

#if XM_FAMILY == 3
static void page_types(void)
{
	xmAddress_t page = (xmAddress_t)OWN->address;
	xmPhysPageStatus_t status;

	NEEDS_AREAS;
	IS(XM_OK, XM_get_physpage_status(page, &status));
	EQ(0, status.type);
	IS(XM_NO_ACTION, XM_set_page_type(page, 0));
	IS(XM_OK, XM_set_page_type(page, 1));
	IS(XM_OK, XM_get_physpage_status(page, &status));
	EQ(1, status.type);
	EQ(page, status.pAddr);
	IS(XM_NO_ACTION, XM_set_page_type(page, 1));
	IS(XM_OK, XM_set_page_type(page, 0));
	IS(XM_INVALID_PARAM, XM_set_page_type(NOWHERE, 1));
	IS(XM_INVALID_PARAM, XM_get_physpage_status(NOWHERE, &status));
	IS(XM_INVALID_PARAM, XM_get_physpage_status(page, NULL));
}
#endif

const struct row memory_rows[] = {
	{ "5.6", "memory / copy within the own", copy_own, false },
	{ "5.6", "memory / copy to and from another partition", copy_others, false },
	{ "5.6", "memory / copy: outside of areas", copy_outside, false },
	{ "5.6", "memory / copy: read-only", copy_read_only, false },
	{ "5.6", "memory / copy: without rights", copy_without_rights, false },
	{ "5.6", "memory / areas of the partition", areas, false },
#if XM_FAMILY == 3
	{ "5.6", "memory / types of pages", page_types, false },
#endif
	{ NULL, NULL, NULL, false },
};
