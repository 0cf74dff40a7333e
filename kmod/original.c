// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface of the driver that came with libxm-linux: a number and five words, and the code of
 * the hypervisor as the result.  Makes the calls that driver made, with its errors.
 */

#include <linux/compat.h>
#include <linux/uaccess.h>

#include "xmctl.h"

/* The kernel takes small negative results for errors, as it always has with this interface. */
static long call(struct xmctl_node *node, u32 number, struct xmctl_request *req)
{
	int ret;

	req->rule = xmctl_classify(xmctl_device.profile, number, req->words);
	if (!req->rule || req->rule->leave != XMCTL_LEAVE_ORIGINAL)
		return -EINVAL;
	ret = xmctl_issue(node, req);
	return ret ? ret : req->result;
}

static bool is_original(unsigned int cmd)
{
	return _IOC_TYPE(cmd) == 'X' && _IOC_DIR(cmd) == _IOC_NONE && !_IOC_SIZE(cmd) &&
	       _IOC_NR(cmd) <= xmctl_device.profile->n_hypercalls;
}

static long dispatch(struct xmctl_node *node, unsigned int cmd, struct xmctl_request *req)
{
	if (_IOC_NR(cmd) != xmctl_device.profile->n_hypercalls)
		return call(node, _IOC_NR(cmd), req);
	if (xmctl_device.partition == XMCTL_PARTITION_UNKNOWN)
		return -ENODEV;
	return xmctl_device.partition;
}

/**
 * xmctl_original() - a request of a program of the kernel's own word size
 * @node: for whom
 * @cmd: _IO('X', number)
 * @arg: address of five unsigned longs
 *
 * Return: what the hypervisor said, or -EINVAL, -EFAULT, -EPERM, -ENOMEM or -ERESTARTSYS.
 */
long xmctl_original(struct xmctl_node *node, unsigned int cmd, unsigned long arg)
{
	struct xmctl_request req = { .layout = XMCTL_KERNEL_LAYOUT };
	unsigned long words[XMCTL_WORDS];
	unsigned int i;

	if (!is_original(cmd))
		return -EINVAL;
	if (copy_from_user(words, (const void __user *)arg, sizeof(words)))
		return -EFAULT;
	for (i = 0; i < XMCTL_WORDS; i++)
		req.words[i] = words[i];
	return dispatch(node, cmd, &req);
}

#ifdef CONFIG_COMPAT
static enum xmctl_layout compat_layout(void)
{
#ifdef CONFIG_X86_64
	return in_ia32_syscall() ? XMCTL_I386 : XMCTL_ILP32;
#else
	return XMCTL_ILP32;
#endif
}

/**
 * xmctl_original_compat() - a request of a 32-bit program on a 64-bit kernel
 * @node: for whom
 * @cmd: _IO('X', number)
 * @arg: address of five 32-bit words
 *
 * Return: as xmctl_original().
 */
long xmctl_original_compat(struct xmctl_node *node, unsigned int cmd, unsigned long arg)
{
	struct xmctl_request req = { .layout = compat_layout() };
	compat_ulong_t words[XMCTL_WORDS];
	unsigned int i;

	if (!is_original(cmd))
		return -EINVAL;
	if (copy_from_user(words, compat_ptr(arg), sizeof(words)))
		return -EFAULT;
	for (i = 0; i < XMCTL_WORDS; i++)
		req.words[i] = words[i];
	return dispatch(node, cmd, &req);
}
#endif
