// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Physical memory of the simulated machine.  Owns its pages, which come into being when something
 * other than zeroes is put into them.  Must never hold more than SIM_PAGES of them.
 */

#include <stdlib.h>
#include <string.h>

#include "xmbroker/sim/sim_internal.h"

#define BUCKETS (SIM_PAGES * 2) /* a power of two */

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "probing wraps with a mask");

/* ---- pages ---------------------------------------------------------------------------------------- */

/* Where the page is, or the free place for it; the table is never full. */
static struct sim_page *place(const struct sim_memory *memory, uint64_t number)
{
	uint32_t at = (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (BUCKETS - 1);

	while (memory->pages[at].used && memory->pages[at].number != number)
		at = (at + 1) & (BUCKETS - 1);
	return &memory->pages[at];
}

static struct sim_page *find(const struct sim_memory *memory, uint64_t number)
{
	struct sim_page *page = memory->pages ? place(memory, number) : NULL;

	return page && page->used ? page : NULL;
}

/* The page, made if there is room for it. */
static struct sim_page *touch(struct sim_memory *memory, uint64_t number)
{
	struct sim_page *page;

	if (!memory->pages)
		memory->pages = calloc(BUCKETS, sizeof(*memory->pages));
	page = memory->pages ? place(memory, number) : NULL;
	if (!page || page->used)
		return page;
	if (memory->n == SIM_PAGES)
		return NULL;
	memory->n++;
	*page = (struct sim_page){ .used = true, .number = number };
	return page;
}

static const uint8_t *bytes_of(const struct sim_memory *memory, uint64_t number)
{
	const struct sim_page *page = find(memory, number);

	return page ? page->data : NULL;
}

static uint8_t *room_for(struct sim_memory *memory, uint64_t number)
{
	struct sim_page *page = touch(memory, number);

	if (page && !page->data)
		page->data = calloc(1, SIM_PAGE);
	return page ? page->data : NULL;
}

void sim_memory_free(struct sim_memory *memory)
{
	for (uint32_t i = 0; memory->pages && i < BUCKETS; i++)
		free(memory->pages[i].data);
	free(memory->pages);
}

uint32_t sim_page_type(const struct sim *sim, uint64_t address)
{
	const struct sim_page *page = find(&sim->memory, address / SIM_PAGE);

	return page ? page->type : SIM_PAGE_ORDINARY;
}

bool sim_set_type(struct sim *sim, uint64_t address, uint32_t type)
{
	struct sim_page *page = touch(&sim->memory, address / SIM_PAGE);

	if (page)
		page->type = type;
	return page;
}

void sim_forget_page_types(struct sim *sim)
{
	for (uint32_t i = 0; sim->memory.pages && i < BUCKETS; i++)
		sim->memory.pages[i].type = SIM_PAGE_ORDINARY;
}

/* ---- bytes ---------------------------------------------------------------------------------------- */

/* What is left of the page that the address lies in. */
static size_t rest_of_page(uint64_t address, size_t len)
{
	size_t rest = SIM_PAGE - address % SIM_PAGE;

	return rest < len ? rest : len;
}

void sim_memory_read(const struct sim *sim, uint64_t address, void *buf, size_t len)
{
	uint8_t *to = buf;

	for (size_t n; len; to += n, address += n, len -= n) {
		const uint8_t *data = bytes_of(&sim->memory, address / SIM_PAGE);

		n = rest_of_page(address, len);
		if (data)
			memcpy(to, data + address % SIM_PAGE, n);
		else
			memset(to, 0, n);
	}
}

bool sim_memory_write(struct sim *sim, uint64_t address, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	for (size_t n; len; from += n, address += n, len -= n) {
		uint8_t *data = room_for(&sim->memory, address / SIM_PAGE);

		if (!data)
			return false;
		n = rest_of_page(address, len);
		memcpy(data + address % SIM_PAGE, from, n);
	}
	return true;
}

/* Moves bytes that lie within one page at both ends.  Zeroes need no page of their own. */
static bool move(struct sim_memory *memory, uint64_t to, uint64_t from, size_t n)
{
	const uint8_t *source = bytes_of(memory, from / SIM_PAGE);
	uint8_t *target;

	if (!source && !bytes_of(memory, to / SIM_PAGE))
		return true;
	target = room_for(memory, to / SIM_PAGE);
	if (!target)
		return false;
	if (source)
		memmove(target + to % SIM_PAGE, source + from % SIM_PAGE, n);
	else
		memset(target + to % SIM_PAGE, 0, n);
	return true;
}

/* How many bytes before this address are in one page with it; 1 to SIM_PAGE. */
static size_t before(uint64_t end, size_t len)
{
	size_t n = end % SIM_PAGE ? end % SIM_PAGE : SIM_PAGE;

	return n < len ? n : len;
}

/* Ranges that overlap are copied as if through a buffer: from the end that is not overwritten. */
static bool copy(struct sim_memory *memory, uint64_t to, uint64_t from, size_t len)
{
	size_t n;

	if (to <= from) {
		for (; len; to += n, from += n, len -= n) {
			n = rest_of_page(to, rest_of_page(from, len));
			if (!move(memory, to, from, n))
				return false;
		}
		return true;
	}
	for (; len; len -= n) {
		n = before(to + len, before(from + len, len));
		if (!move(memory, to + len - n, from + len - n, n))
			return false;
	}
	return true;
}

/* ---- copying between partitions ------------------------------------------------------------------- */

const struct system_area *sim_area(const struct sim *sim, uint64_t partition, uint64_t address,
				   uint64_t size)
{
	uint32_t n;
	const struct system_area *area = system_areas(sim->sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (area[i].partition == partition && address >= area[i].start &&
		    size <= area[i].size && address - area[i].start <= area[i].size - size)
			return &area[i];
	return NULL;
}

#define AREA_READ_ONLY 0x4u

/* The hypervisor's identifier stands for physical memory as such, in which nothing is checked. */
static bool good_range(const struct sim *sim, uint64_t partition, uint64_t address, uint64_t size,
		       bool written)
{
	const struct system_area *area;

	if (partition == XM_HYPERVISOR_ID)
		return size - 1 <= UINT64_MAX - address;
	area = sim_area(sim, partition, address, size);
	return area && !(written && area->flags & AREA_READ_ONLY);
}

/* 2.x copies between the caller and one other; the originals never reach the last byte of an area. */
static bool good_range_2x(const struct sim *sim, uint64_t partition, uint64_t address,
			  uint64_t size)
{
	return sim_area(sim, partition, address, size + sim->quirks);
}

static enum xm_code check_copy_2x(const struct sim_call *c, uint64_t size)
{
	uint64_t dst = c->arg[XM_A_MEMORY_COPY_dstId].num;
	uint64_t src = c->arg[XM_A_MEMORY_COPY_srcId].num;

	if (dst != c->self && src != c->self)
		return XM_C_INVALID_PARAM;
	if ((dst != c->self || src != c->self) && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (size > INT32_MAX ||
	    !good_range_2x(c->sim, dst, c->arg[XM_A_MEMORY_COPY_dstAddr].num, size) ||
	    !good_range_2x(c->sim, src, c->arg[XM_A_MEMORY_COPY_srcAddr].num, size))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

enum xm_code sim_memory_copy_2x(struct sim_call *c)
{
	uint64_t size = c->arg[XM_A_MEMORY_COPY_size].num;
	enum xm_code code = check_copy_2x(c, size);

	if (code != XM_C_OK)
		return code;
	if (!copy(&c->sim->memory, c->arg[XM_A_MEMORY_COPY_dstAddr].num,
		  c->arg[XM_A_MEMORY_COPY_srcAddr].num, size))
		return XM_C_INVALID_PARAM;
	c->reply->value = (uint32_t)size;
	return XM_C_OK;
}

enum xm_code sim_memory_copy(struct sim_call *c)
{
	int64_t size = (int64_t)c->arg[XM_A_MEMORY_COPY_size].num;
	uint64_t dst = c->arg[XM_A_MEMORY_COPY_dstId].num;
	uint64_t src = c->arg[XM_A_MEMORY_COPY_srcId].num;
	uint64_t to = c->arg[XM_A_MEMORY_COPY_dstAddr].num;
	uint64_t from = c->arg[XM_A_MEMORY_COPY_srcAddr].num;

	if (size <= 0)
		return XM_C_OK;
	if ((dst != c->self || src != c->self) && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	/* A size that cannot be returned cannot be asked for. */
	if (size > INT32_MAX || !good_range(c->sim, dst, to, (uint64_t)size, true) ||
	    !good_range(c->sim, src, from, (uint64_t)size, false) ||
	    !copy(&c->sim->memory, to, from, (size_t)size))
		return XM_C_INVALID_PARAM;
	c->reply->value = (uint32_t)size;
	return XM_C_OK;
}
