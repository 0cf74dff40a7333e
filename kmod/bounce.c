// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the hypervisor sees.  Owns all of it: physically contiguous, zeroed before each
 * use and after.  What a caller has comes in as a copy and goes out as one.  Must never let the
 * hypervisor have an address of anybody else.  Used under the lock of the device.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "xmctl.h"

/* Some hypervisors clear more than the structure that is in use. */
#define MARGIN 128
#define ALIGNMENT 16
#define ROOM (XMCTL_DATA_MAX + XMCTL_PARTS * 1024)

static void *memory;
static size_t used;

/**
 * xmctl_bounce_init() - allocates
 *
 * Return: 0 or -ENOMEM.
 */
int xmctl_bounce_init(void)
{
	memory = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(ROOM));
	return memory ? 0 : -ENOMEM;
}

/**
 * xmctl_bounce_exit() - undoes xmctl_bounce_init()
 */
void xmctl_bounce_exit(void)
{
	free_pages((unsigned long)memory, get_order(ROOM));
}

/**
 * xmctl_bounce_memory() - memory for what a conduit itself asks; zeroed, while no call is made
 *
 * Return: at least one page.
 */
void *xmctl_bounce_memory(void)
{
	return memory;
}

/**
 * xmctl_bounce_address() - as the hypervisor wants it
 * @zone: somewhere in the memory
 *
 * Return: its address, virtual or physical.
 */
unsigned long xmctl_bounce_address(const void *zone)
{
	return xmctl_device.conduit->physical ? (unsigned long)virt_to_phys((void *)zone)
					      : (unsigned long)zone;
}

static void *take(size_t len)
{
	size_t need = ALIGN(len + MARGIN, ALIGNMENT);
	void *taken = memory + used;

	if (need > ROOM - used)
		return NULL;
	used += need;
	return taken;
}

/* ---- in -------------------------------------------------------------------------------------- */

static size_t hv_length(const struct xmctl_part *part, const struct xmctl_zone *zone)
{
	switch (part->kind) {
	case XMCTL_NAME:
		return XMCTL_NAME_BYTES;
	case XMCTL_BYTES:
		return zone->length;
	default:
		return (size_t)zone->count * part->size[xmctl_device.layout];
	}
}

/* A place for what is left out: some hypervisors insist on one.  No input is made up, though. */
static int fill_zone(const struct xmctl_request *req, const struct xmctl_part *part,
		     struct xmctl_zone *zone)
{
	if (!zone->copy && part->in)
		return 0;
	zone->hv = take(hv_length(part, zone));
	if (!zone->hv)
		return -EINVAL;
	if (!part->in)
		return 0;
	if (part->kind == XMCTL_NAME || part->kind == XMCTL_BYTES)
		memcpy(zone->hv, zone->copy, zone->length);
	else
		xmctl_places_in(part, zone, req->layout);
	return 0;
}

static void point_to(const struct xmctl_request *req, const struct xmctl_part *part,
		     const struct xmctl_zone *zone, unsigned long words[XMCTL_WORDS])
{
	unsigned long address = zone->hv ? xmctl_bounce_address(zone->hv) : 0;
	const struct xmctl_zone *parent;

	if (part->parent < 0) {
		words[part->word] = address;
		return;
	}
	parent = &req->zones[part->parent];
	if (parent->hv)
		xmctl_store(parent->hv + part->at[xmctl_device.layout],
			    xmctl_pointer_size(xmctl_device.layout), address);
}

/**
 * xmctl_bounce_in() - puts the copies where the hypervisor sees them
 * @req: the call; the device is locked
 * @words: out: the arguments for the hypervisor
 *
 * Return: 0 or -EINVAL.  xmctl_bounce_wipe() in any case.
 */
int xmctl_bounce_in(struct xmctl_request *req, unsigned long words[XMCTL_WORDS])
{
	unsigned int i;
	int ret;

	for (i = 0; i < req->rule->n_parts; i++) {
		const struct xmctl_part *part = &req->rule->parts[i];

		ret = fill_zone(req, part, &req->zones[i]);
		if (ret)
			return ret;
		point_to(req, part, &req->zones[i], words);
	}
	xmctl_words_set(req, words);
	return 0;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Only as much as the hypervisor says that there is, and never more than there was room for. */
static u32 how_much_came(const struct xmctl_request *req, const struct xmctl_part *part,
			 const struct xmctl_zone *zone)
{
	if (part->kind == XMCTL_BYTES)
		return min_t(u32, zone->length, (u32)req->result);
	if (!part->by_result)
		return zone->count;
	return min_t(u32, zone->count, (u32)req->result / part->size[xmctl_device.layout]);
}

static void part_out(const struct xmctl_request *req, const struct xmctl_part *part,
		     struct xmctl_zone *zone)
{
	zone->came = how_much_came(req, part, zone);
	if (part->kind == XMCTL_BYTES)
		memcpy(zone->copy, zone->hv, zone->came);
	else
		xmctl_places_out(part, zone, req->layout);
}

/**
 * xmctl_bounce_out() - copies what the hypervisor wrote, if it did
 * @req: the call, which was made; the device is locked
 */
void xmctl_bounce_out(struct xmctl_request *req)
{
	unsigned int i;

	if (req->result < 0)
		return;
	for (i = 0; i < req->rule->n_parts; i++) {
		const struct xmctl_part *part = &req->rule->parts[i];

		if (part->out && req->zones[i].copy)
			part_out(req, part, &req->zones[i]);
	}
}

/**
 * xmctl_bounce_wipe() - leaves nothing of a call to the next one; the device is locked
 */
void xmctl_bounce_wipe(void)
{
	memset(memory, 0, used);
	used = 0;
}
