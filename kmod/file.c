// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the device: those that were opened and those that were derived.  Owns the node of
 * each file.
 */

#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "xmctl.h"

static int xmctl_open(struct inode *inode, struct file *file)
{
	struct xmctl_node *node = xmctl_node_claim();

	if (IS_ERR(node))
		return PTR_ERR(node);
	file->private_data = node;
	return stream_open(inode, file);
}

static int xmctl_release(struct inode *inode, struct file *file)
{
	xmctl_node_put(file->private_data);
	return 0;
}

static long versioned(struct xmctl_node *node, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case XMCTL_INFO:
		return xmctl_versioned_info(node, arg);
	case XMCTL_CALL:
		return xmctl_versioned_call(node, arg);
	case XMCTL_DERIVE:
		return xmctl_versioned_derive(node, arg);
	case XMCTL_NARROW:
		return xmctl_versioned_narrow(node, arg);
	default:
		return -ENOTTY;
	}
}

/* Each has a structure.  What has none is of the original interface, whose numbers end before. */
static bool is_versioned(unsigned int cmd)
{
	return _IOC_TYPE(cmd) == 'X' && _IOC_NR(cmd) >= _IOC_NR(XMCTL_INFO) &&
	       _IOC_DIR(cmd) != _IOC_NONE;
}

static long xmctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (is_versioned(cmd))
		return versioned(file->private_data, cmd, (void __user *)arg);
	return xmctl_original(file->private_data, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long xmctl_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (is_versioned(cmd))
		return versioned(file->private_data, cmd, compat_ptr(arg));
	return xmctl_original_compat(file->private_data, cmd, arg);
}
#endif

const struct file_operations xmctl_fops = {
	.owner = THIS_MODULE,
	.open = xmctl_open,
	.release = xmctl_release,
	.read = xmctl_events_read,
	.poll = xmctl_events_poll,
	.unlocked_ioctl = xmctl_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = xmctl_compat_ioctl,
#endif
};
