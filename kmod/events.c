// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual interrupts on their way to those who read them.  Each descriptor has its own, so that one
 * reader takes nothing away from another.
 */

#include <linux/list.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "xmctl.h"

static LIST_HEAD(readers);
static DEFINE_SPINLOCK(readers_lock);
static DECLARE_WAIT_QUEUE_HEAD(arrived);

/**
 * xmctl_events_add() - begins to deliver to a node, if it wants that
 * @node: to whom
 */
void xmctl_events_add(struct xmctl_node *node)
{
	unsigned long flags;

	if (!node->events)
		return;
	spin_lock_irqsave(&readers_lock, flags);
	list_add_tail(&node->link, &readers);
	spin_unlock_irqrestore(&readers_lock, flags);
}

/**
 * xmctl_events_remove() - delivers to a node no more
 * @node: to whom; nobody reads from it
 */
void xmctl_events_remove(struct xmctl_node *node)
{
	unsigned long flags;

	spin_lock_irqsave(&readers_lock, flags);
	list_del_init(&node->link);
	spin_unlock_irqrestore(&readers_lock, flags);
}

/**
 * xmctl_events_deliver() - tells everybody who reads; for conduits, from anywhere
 * @interrupts: extended ones in the low half, those of the hardware in the high one
 */
void xmctl_events_deliver(u64 interrupts)
{
	struct xmctl_node *node;
	unsigned long flags;

	spin_lock_irqsave(&readers_lock, flags);
	list_for_each_entry(node, &readers, link) atomic64_or(interrupts, &node->pending);
	spin_unlock_irqrestore(&readers_lock, flags);
	wake_up_interruptible_poll(&arrived, EPOLLIN | EPOLLRDNORM);
}

/**
 * xmctl_events_cancel() - takes back what nobody has read yet; for conduits
 * @interrupts: as in xmctl_events_deliver()
 */
void xmctl_events_cancel(u64 interrupts)
{
	struct xmctl_node *node;
	unsigned long flags;

	spin_lock_irqsave(&readers_lock, flags);
	list_for_each_entry(node, &readers, link) atomic64_andnot(interrupts, &node->pending);
	spin_unlock_irqrestore(&readers_lock, flags);
}

/**
 * xmctl_events_read() - takes the interrupts that have come
 * @file: a descriptor of the device
 * @buf: where to
 * @len: at least eight bytes
 * @pos: not looked at
 *
 * Return: 8, or -EOPNOTSUPP, -EINVAL, -EAGAIN, -ERESTARTSYS or -EFAULT.
 */
ssize_t xmctl_events_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct xmctl_node *node = file->private_data;
	u64 interrupts;
	int ret;

	if (!node->events)
		return -EOPNOTSUPP;
	if (len < sizeof(interrupts))
		return -EINVAL;
	for (;;) {
		interrupts = atomic64_xchg(&node->pending, 0);
		if (interrupts)
			break;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(arrived, atomic64_read(&node->pending));
		if (ret)
			return ret;
	}
	if (copy_to_user(buf, &interrupts, sizeof(interrupts))) {
		/* Somebody else may have begun to wait in the meantime. */
		atomic64_or(interrupts, &node->pending);
		wake_up_interruptible_poll(&arrived, EPOLLIN | EPOLLRDNORM);
		return -EFAULT;
	}
	return sizeof(interrupts);
}

/**
 * xmctl_events_poll() - whether an interrupt has come
 * @file: a descriptor of the device
 * @wait: for what to wait
 *
 * Return: EPOLLIN if one has; EPOLLERR where none ever does.
 */
__poll_t xmctl_events_poll(struct file *file, struct poll_table_struct *wait)
{
	struct xmctl_node *node = file->private_data;

	if (!node->events)
		return EPOLLERR;
	poll_wait(file, &arrived, wait);
	return atomic64_read(&node->pending) ? EPOLLIN | EPOLLRDNORM : 0;
}
