// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface of xm/uapi/xmctl.h: one structure a request, copied once and then checked, in which
 * all that is reserved has to be 0.  Must never change what an older program relies on.
 */

#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "xmctl.h"

/* The same for every compiler. */
static_assert(sizeof(struct xmctl_info) == 80);
static_assert(sizeof(struct xmctl_buffer) == 16);
static_assert(sizeof(struct xmctl_call) == 24 + 8 * XMCTL_WORDS + 16 * XMCTL_BUFFERS);
static_assert(sizeof(struct xmctl_derive) == 40);

static u32 info_flags(const struct xmctl_node *node)
{
	return (node->parent ? XMCTL_INFO_DERIVED : 0) | (node->events ? XMCTL_INFO_EVENTS : 0);
}

/**
 * xmctl_versioned_info() - XMCTL_INFO
 * @node: for whom
 * @arg: a struct xmctl_info
 *
 * Return: 0, -ERESTARTSYS or -EFAULT.
 */
long xmctl_versioned_info(struct xmctl_node *node, void __user *arg)
{
	struct xmctl_info info = {
		.version = XMCTL_VERSION,
		.profile = xmctl_device.profile->profile,
		.partition = xmctl_device.partition,
		.n_hypercalls = xmctl_device.profile->n_hypercalls,
		.flags = info_flags(node),
		.layout = xmctl_device.layout,
		.data_max = XMCTL_DATA_MAX,
	};

	strscpy(info.conduit, xmctl_device.conduit->name, sizeof(info.conduit));
	if (mutex_lock_interruptible(&xmctl_device.lock))
		return -ERESTARTSYS;
	xmctl_node_mask(node, info.mask);
	mutex_unlock(&xmctl_device.lock);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static bool is_well_formed(const struct xmctl_call *call)
{
	if (call->flags || call->n_buffers > XMCTL_BUFFERS)
		return false;
	return !memchr_inv(call->buffers + call->n_buffers, 0,
			   (XMCTL_BUFFERS - call->n_buffers) * sizeof(call->buffers[0]));
}

/* Only a hypervisor that is none comes back from a call that stops the own partition. */
static int issue(struct xmctl_node *node, struct xmctl_call *call, struct xmctl_request *req)
{
	int ret;

	req->rule = xmctl_classify(xmctl_device.profile, call->number, req->words);
	if (!req->rule)
		return -EINVAL;
	ret = xmctl_issue(node, req);
	return ret || !req->lost ? ret : -ECONNRESET;
}

/**
 * xmctl_versioned_call() - XMCTL_CALL
 * @node: for whom
 * @arg: a struct xmctl_call
 *
 * Return: 0, -EINVAL, -EPERM, -ECONNRESET, -ENOMEM, -ERESTARTSYS or -EFAULT.
 */
long xmctl_versioned_call(struct xmctl_node *node, void __user *arg)
{
	struct xmctl_call __user *user = arg;
	struct xmctl_request req = {};
	struct xmctl_call call;
	int ret;

	if (copy_from_user(&call, user, sizeof(call)))
		return -EFAULT;
	if (put_user(0, &user->status))
		return -EFAULT;
	if (!is_well_formed(&call) || !call.operation)
		return -EINVAL;
	req.layout = xmctl_device.layout;
	req.operation = call.operation;
	req.buffers = call.buffers;
	req.n_buffers = call.n_buffers;
	memcpy(req.words, call.args, sizeof(req.words));
	ret = issue(node, &call, &req);
	if (req.issued &&
	    (put_user(req.result, &user->result) || put_user(XMCTL_STATUS_ISSUED, &user->status)))
		ret = -EFAULT;
	return ret;
}

static int get_derive(struct xmctl_derive *derive, const void __user *arg, u32 flags)
{
	if (copy_from_user(derive, arg, sizeof(*derive)))
		return -EFAULT;
	return derive->reserved || derive->flags & ~flags ? -EINVAL : 0;
}

/**
 * xmctl_versioned_derive() - XMCTL_DERIVE
 * @node: from what
 * @arg: a struct xmctl_derive
 *
 * Return: a descriptor, -EINVAL, -EMLINK, -EOPNOTSUPP, -EFAULT, or what keeps one from being made.
 */
long xmctl_versioned_derive(struct xmctl_node *node, const void __user *arg)
{
	struct xmctl_node *derived;
	struct xmctl_derive derive;
	int fd;

	fd = get_derive(&derive, arg, XMCTL_DERIVE_EVENTS);
	if (fd)
		return fd;
	derived = xmctl_node_derive(node, &derive);
	if (IS_ERR(derived))
		return PTR_ERR(derived);
	fd = anon_inode_getfd("[xmctl]", &xmctl_fops, derived, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		xmctl_node_put(derived);
	return fd;
}

/**
 * xmctl_versioned_narrow() - XMCTL_NARROW
 * @node: from whom to take away
 * @arg: a struct xmctl_derive
 *
 * Return: 0, -EINVAL, -EPERM, -ERESTARTSYS or -EFAULT.
 */
long xmctl_versioned_narrow(struct xmctl_node *node, const void __user *arg)
{
	struct xmctl_derive derive;
	int ret;

	ret = get_derive(&derive, arg, 0);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&xmctl_device.lock))
		return -ERESTARTSYS;
	ret = xmctl_node_narrow(node, &derive);
	mutex_unlock(&xmctl_device.lock);
	return ret;
}
