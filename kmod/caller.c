// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the caller.  Everything there is copied once, checked in the copy, and used from
 * the copy; nothing goes back but what the table says, and only after success.  Owns the copies.
 * Must never be called with the device locked: a page of the caller may take its time.
 */

#include <linux/compat.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "xmctl.h"

/* ---- finding it ------------------------------------------------------------------------------ */

static const struct xmctl_buffer *find_buffer(const struct xmctl_request *req,
					      const struct xmctl_part *part)
{
	u32 i;

	for (i = 0; i < req->n_buffers; i++)
		if (req->buffers[i].word == part->word && req->buffers[i].depth == part->depth)
			return &req->buffers[i];
	return NULL;
}

/* What stands where the caller's pointer is. */
static u64 pointer_of(const struct xmctl_request *req, const struct xmctl_part *part)
{
	const struct xmctl_zone *parent;

	if (part->parent < 0)
		return req->words[part->word];
	parent = &req->zones[part->parent];
	if (!parent->copy)
		return 0;
	return xmctl_load(parent->copy + part->at[req->layout], xmctl_pointer_size(req->layout));
}

static int find_described(struct xmctl_request *req, const struct xmctl_part *part,
			  struct xmctl_zone *zone)
{
	const struct xmctl_buffer *buffer = find_buffer(req, part);
	u16 flags = (part->in ? XMCTL_BUFFER_IN : 0) | (part->out ? XMCTL_BUFFER_OUT : 0);

	if (pointer_of(req, part))
		return -EINVAL;
	if (!buffer)
		return 0;
	if (!buffer->address || buffer->flags != flags)
		return -EINVAL;
	if (buffer->address != (unsigned long)buffer->address)
		return -EFAULT;
	zone->user = u64_to_user_ptr(buffer->address);
	zone->described = buffer->length;
	req->n_used++;
	return 0;
}

static int find_memory(struct xmctl_request *req, const struct xmctl_part *part,
		       struct xmctl_zone *zone)
{
	if (req->buffers)
		return find_described(req, part, zone);
	zone->user = (void __user *)(unsigned long)pointer_of(req, part);
	return 0;
}

static int count_records(const struct xmctl_request *req, const struct xmctl_part *part,
			 struct xmctl_zone *zone)
{
	const struct xmctl_zone *counter;
	u64 count;

	if (part->length_word >= 0) {
		count = (u32)req->words[part->length_word] / part->size[req->layout];
	} else {
		counter = &req->zones[part->count_in];
		count = 0;
		if (counter->copy)
			count = xmctl_load(counter->copy + part->count_at[req->layout],
					   part->count_size);
	}
	if (count > XMCTL_DATA_MAX / max(part->size[req->layout], part->size[xmctl_device.layout]))
		return -EINVAL;
	zone->count = (u32)count;
	zone->length = zone->count * part->size[req->layout];
	return 0;
}

static int measure(const struct xmctl_request *req, const struct xmctl_part *part,
		   struct xmctl_zone *zone)
{
	u32 said;

	zone->count = 1;
	switch (part->kind) {
	case XMCTL_FIXED:
		zone->length = part->size[req->layout];
		break;
	case XMCTL_NAME:
		zone->length = req->buffers && zone->user ? zone->described : XMCTL_NAME_BYTES;
		if (!zone->length || zone->length > XMCTL_NAME_BYTES)
			return -EINVAL;
		break;
	case XMCTL_BYTES:
		if (req->words[part->length_word] > XMCTL_DATA_MAX)
			return -EINVAL;
		zone->length = (u32)req->words[part->length_word];
		break;
	default:
		if (count_records(req, part, zone))
			return -EINVAL;
	}
	if (!req->buffers || !zone->user)
		return 0;
	said = part->length_word >= 0 ? (u32)req->words[part->length_word] : zone->length;
	return zone->described == said ? 0 : -EINVAL;
}

static bool is_required(const struct xmctl_part *part, const struct xmctl_zone *zone)
{
	return !part->optional && !(part->kind == XMCTL_RECORDS && !zone->count);
}

/* ---- in -------------------------------------------------------------------------------------- */

static int copy_name(const struct xmctl_request *req, struct xmctl_zone *zone)
{
	char *name = zone->copy;
	long len;

	if (req->buffers) {
		if (copy_from_user(name, zone->user, zone->length))
			return -EFAULT;
		len = strnlen(name, zone->length);
	} else {
		len = strncpy_from_user(name, zone->user, zone->length);
		if (len < 0)
			return -EFAULT;
	}
	if (len >= zone->length)
		return -EINVAL;
	memset(name + len, 0, zone->length - len);
	return 0;
}

/* Page by page, since older kernels tell of the first alone. */
static bool can_store(const struct xmctl_zone *zone)
{
	unsigned long at = (unsigned long)zone->user;
	unsigned long end = at + zone->length;
	size_t step;

	if (!access_ok(zone->user, zone->length))
		return false;
	for (; at < end; at += step) {
		step = min_t(size_t, end - at, PAGE_SIZE - offset_in_page(at));
		if (fault_in_safe_writeable((void __user *)at, step))
			return false;
	}
	return true;
}

static int copy_zone(const struct xmctl_request *req, const struct xmctl_part *part,
		     struct xmctl_zone *zone)
{
	if (!zone->user)
		return 0;
	/* No effect shall be lost to a bad address afterwards. */
	if (part->out && !can_store(zone))
		return -EFAULT;
	zone->copy = kvzalloc(zone->length, GFP_KERNEL_ACCOUNT);
	if (!zone->copy)
		return -ENOMEM;
	if (!part->in)
		return 0;
	if (part->kind == XMCTL_NAME)
		return copy_name(req, zone);
	return copy_from_user(zone->copy, zone->user, zone->length) ? -EFAULT : 0;
}

static int part_in(struct xmctl_request *req, unsigned int i)
{
	const struct xmctl_part *part = &req->rule->parts[i];
	struct xmctl_zone *zone = &req->zones[i];
	int ret;

	ret = find_memory(req, part, zone);
	if (ret)
		return ret;
	ret = measure(req, part, zone);
	if (ret)
		return ret;
	if (!zone->user && is_required(part, zone))
		return req->buffers ? -EINVAL : -EFAULT;
	return copy_zone(req, part, zone);
}

/**
 * xmctl_caller_in() - copies all that a call works on
 * @req: the call
 *
 * Return: 0, -EINVAL, -EFAULT or -ENOMEM.  xmctl_caller_free() in any case.
 */
int xmctl_caller_in(struct xmctl_request *req)
{
	unsigned int i;
	int ret;

	ret = xmctl_words_check(req);
	if (ret)
		return ret;
	for (i = 0; i < req->rule->n_parts; i++) {
		ret = part_in(req, i);
		if (ret)
			return ret;
	}
	return req->n_used == req->n_buffers ? 0 : -EINVAL;
}

/**
 * xmctl_caller_selected() - whether what was copied makes the call another one
 * @req: the call
 *
 * Return: whether the rule that follows its rule is meant.
 */
bool xmctl_caller_selected(const struct xmctl_request *req)
{
	const struct xmctl_rule *rule = req->rule;
	u32 word;

	if (!rule->select_bits || !req->zones[0].copy)
		return false;
	word = xmctl_load(req->zones[0].copy + rule->select_at[req->layout], sizeof(word));
	return (word >> rule->select_shift & (BIT(rule->select_bits) - 1)) == rule->selected;
}

/* ---- out ------------------------------------------------------------------------------------- */

static int part_out(const struct xmctl_request *req, unsigned int i)
{
	const struct xmctl_part *part = &req->rule->parts[i];
	const struct xmctl_zone *zone = &req->zones[i];

	if (!part->out || !zone->user)
		return 0;
	if (part->kind != XMCTL_BYTES)
		return xmctl_places_give(part, zone, req->layout);
	return copy_to_user(zone->user, zone->copy, zone->came) ? -EFAULT : 0;
}

/* What the caller's layout makes of a number of bytes. */
static void convert_result(struct xmctl_request *req)
{
	const struct xmctl_part *part;

	if (req->rule->result != XMCTL_RESULT_BYTES || req->rule->sized < 0)
		return;
	part = &req->rule->parts[req->rule->sized];
	req->result = req->result / part->size[xmctl_device.layout] * part->size[req->layout];
}

/**
 * xmctl_caller_out() - gives the caller what the hypervisor wrote, if it did
 * @req: the call, which was made
 *
 * Return: 0 or -EFAULT.
 */
int xmctl_caller_out(struct xmctl_request *req)
{
	unsigned int i;
	int ret = 0;

	if (req->result < 0)
		return 0;
	for (i = 0; i < req->rule->n_parts && !ret; i++)
		ret = part_out(req, i);
	convert_result(req);
	return ret;
}

/**
 * xmctl_caller_free() - forgets what was copied
 * @req: the call
 */
void xmctl_caller_free(struct xmctl_request *req)
{
	unsigned int i;

	for (i = 0; i < XMCTL_PARTS; i++)
		kvfree(req->zones[i].copy);
}
