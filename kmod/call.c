// SPDX-License-Identifier: GPL-2.0-only
/*
 * One hypercall: what both interfaces do once they know what the caller wants.  The one place that
 * calls the hypervisor for anybody.  Must never do so before the mask of the descriptor was asked
 * about exactly what is called, nor hold the lock while the caller's memory is looked at: whoever
 * narrows a descriptor would have to wait for a page that its holder keeps back.
 */

#include <linux/errno.h>

#include "xmctl.h"

/* Some calls are two operations, and which one stands in memory. */
static bool may_begin(const struct xmctl_node *node, const struct xmctl_rule *rule)
{
	return xmctl_node_may(node, rule->operation) ||
	       (rule->select_bits && xmctl_node_may(node, rule[1].operation));
}

static int prepare(const struct xmctl_node *node, struct xmctl_request *req)
{
	int ret;

	if (!may_begin(node, req->rule))
		return -EPERM;
	ret = xmctl_caller_in(req);
	if (ret)
		return ret;
	if (xmctl_caller_selected(req))
		req->rule++;
	return req->operation && req->operation != req->rule->operation ? -EINVAL : 0;
}

/* What the descriptor may counts at this moment: it may have been narrowed since. */
static int call_locked(const struct xmctl_node *node, struct xmctl_request *req)
{
	const struct xmctl_conduit *conduit = xmctl_device.conduit;
	unsigned long words[XMCTL_WORDS] = {};
	int ret;

	if (!xmctl_node_may(node, req->rule->operation))
		return -EPERM;
	ret = xmctl_bounce_in(req, words);
	if (!ret) {
		req->result = conduit->call(req->rule->number, words);
		req->issued = true;
		req->lost = conduit->lost && conduit->lost();
		xmctl_bounce_out(req);
	}
	xmctl_bounce_wipe();
	return ret;
}

static int call(const struct xmctl_node *node, struct xmctl_request *req)
{
	int ret;

	if (mutex_lock_interruptible(&xmctl_device.lock))
		return -ERESTARTSYS;
	ret = call_locked(node, req);
	mutex_unlock(&xmctl_device.lock);
	return ret;
}

/**
 * xmctl_issue() - makes a hypercall
 * @node: for whom
 * @req: which one: rule, layout, words and buffers are set, all else is 0
 *
 * Return: 0, and req->result is what the hypervisor said; -EPERM, -EINVAL, -ENOMEM, -ERESTARTSYS or
 * -EFAULT.  Whether it was called is in req->issued.
 */
int xmctl_issue(const struct xmctl_node *node, struct xmctl_request *req)
{
	int ret;

	ret = prepare(node, req);
	if (!ret)
		ret = call(node, req);
	if (!ret)
		ret = xmctl_caller_out(req);
	xmctl_caller_free(req);
	return ret;
}
