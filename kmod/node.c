// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a descriptor may: a chain of masks, each of which takes away from those above it.  Owns the
 * claim on the device, which lasts as long as any descriptor that came of the one that was opened.
 * Must never give back what was taken away.
 */

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "xmctl.h"

#define MAX_DEPTH 8

/* Also without the lock, by who only wants to know early. */
static bool has(const u8 mask[XMCTL_MASK_BYTES], u32 operation)
{
	return operation < 8 * XMCTL_MASK_BYTES &&
	       READ_ONCE(mask[operation / 8]) >> operation % 8 & 1;
}

static bool is_possible(const struct xmctl_rule *rule)
{
	return rule->leave >= XMCTL_LEAVE_VERSIONED ||
	       (rule->leave == XMCTL_LEAVE_MACHINE && xmctl_device.machine);
}

/* All that the device does for anybody. */
static void fill_mask(u8 mask[XMCTL_MASK_BYTES])
{
	const struct xmctl_profile *profile = xmctl_device.profile;
	size_t i;

	for (i = 0; i < profile->n_rules; i++) {
		const struct xmctl_rule *rule = &profile->rules[i];

		if (is_possible(rule))
			mask[rule->operation / 8] |= BIT(rule->operation % 8);
	}
}

static struct xmctl_node *new_node(void)
{
	struct xmctl_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return NULL;
	kref_init(&node->refs);
	INIT_LIST_HEAD(&node->link);
	return node;
}

/**
 * xmctl_node_claim() - opens the device
 *
 * Return: the node, which the caller owns, -EBUSY while there is another, or -ENOMEM.
 */
struct xmctl_node *xmctl_node_claim(void)
{
	struct xmctl_node *node;

	if (atomic_cmpxchg(&xmctl_device.busy, 0, 1))
		return ERR_PTR(-EBUSY);
	node = new_node();
	if (!node) {
		atomic_set_release(&xmctl_device.busy, 0);
		return ERR_PTR(-ENOMEM);
	}
	fill_mask(node->mask);
	node->events = xmctl_device.conduit->events;
	xmctl_events_add(node);
	return node;
}

/**
 * xmctl_node_derive() - a node that may less
 * @parent: what it is derived from
 * @arg: the mask, checked
 *
 * Return: the node, which the caller owns, or -EMLINK, -EOPNOTSUPP or -ENOMEM.
 */
struct xmctl_node *xmctl_node_derive(struct xmctl_node *parent, const struct xmctl_derive *arg)
{
	struct xmctl_node *node;

	if (parent->depth == MAX_DEPTH)
		return ERR_PTR(-EMLINK);
	if (arg->flags & XMCTL_DERIVE_EVENTS && !parent->events)
		return ERR_PTR(-EOPNOTSUPP);
	node = new_node();
	if (!node)
		return ERR_PTR(-ENOMEM);
	kref_get(&parent->refs);
	node->parent = parent;
	node->depth = parent->depth + 1;
	node->events = arg->flags & XMCTL_DERIVE_EVENTS;
	memcpy(node->mask, arg->mask, sizeof(node->mask));
	xmctl_events_add(node);
	return node;
}

static void release(struct kref *refs)
{
	struct xmctl_node *node = container_of(refs, struct xmctl_node, refs);

	xmctl_events_remove(node);
	if (!node->parent)
		atomic_set_release(&xmctl_device.busy, 0);
	kfree(node);
}

/**
 * xmctl_node_put() - gives a reference back
 * @node: which the caller must not use any more
 */
void xmctl_node_put(struct xmctl_node *node)
{
	while (node) {
		struct xmctl_node *parent = node->parent;

		if (!kref_put(&node->refs, release))
			return;
		node = parent;
	}
}

/**
 * xmctl_node_may() - whether an operation may be called
 * @node: by whom
 * @operation: its number
 *
 * Return: whether this node and all that it came of have it; final if the device is locked.
 */
bool xmctl_node_may(const struct xmctl_node *node, u32 operation)
{
	for (; node; node = node->parent)
		if (!has(node->mask, operation))
			return false;
	return true;
}

/**
 * xmctl_node_mask() - what may be called
 * @node: by whom; the device is locked
 * @mask: where to
 */
void xmctl_node_mask(const struct xmctl_node *node, u8 mask[XMCTL_MASK_BYTES])
{
	size_t i;

	memset(mask, 0xff, XMCTL_MASK_BYTES);
	for (; node; node = node->parent)
		for (i = 0; i < XMCTL_MASK_BYTES; i++)
			mask[i] &= node->mask[i];
}

/**
 * xmctl_node_narrow() - takes away what is not in a mask
 * @node: from whom, and from all that came of it; the device is locked
 * @arg: the mask, checked
 *
 * Return: 0, or -EPERM for the device itself.
 */
int xmctl_node_narrow(struct xmctl_node *node, const struct xmctl_derive *arg)
{
	size_t i;

	if (!node->parent)
		return -EPERM;
	for (i = 0; i < XMCTL_MASK_BYTES; i++)
		WRITE_ONCE(node->mask[i], node->mask[i] & arg->mask[i]);
	return 0;
}
