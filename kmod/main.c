// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: finds the way to the hypervisor and registers the device.  Must never
 * leave a device behind that has no hypervisor.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

#include "xmctl.h"

/* What modinfo says is one line each. */
/* clang-format off */
static char *conduit = "";
module_param(conduit, charp, 0444);
MODULE_PARM_DESC(conduit, "Way to the hypervisor: farcall (32-bit x86), vmcall (x86-64), hvc (arm64), ecall (riscv64), loopback (none: a fixed one of three partitions). Unless given, those of x86 are tried");

static char *profile = "";
module_param(profile, charp, 0444);
MODULE_PARM_DESC(profile, "Whose hypercalls: 2.4, 2.6, 3.x or prtos (default: that of the conduit)");

static int partition = -1;
module_param(partition, int, 0444);
MODULE_PARM_DESC(partition, "Identifier of the partition that this system is (default: asks)");

static bool machine;
module_param(machine, bool, 0444);
MODULE_PARM_DESC(machine, "Allow hypercalls that change processor, page tables and interrupts below the kernel (default: no)");

ushort xmctl_gate;
module_param_named(gate, xmctl_gate, ushort, 0444);
MODULE_PARM_DESC(gate, "farcall: selector of the call gate (default: 0x1e8 for 2.x, 0x108 for 3.x and prtos)");

#define NO_HYPERVISOR "no hypervisor found; name the way to it with conduit= (see modinfo), or conduit=loopback for one that is not real\n"
/* clang-format on */

struct xmctl_device xmctl_device = {
	.lock = __MUTEX_INITIALIZER(xmctl_device.lock),
	.layout = XMCTL_KERNEL_LAYOUT,
	.partition = XMCTL_PARTITION_UNKNOWN,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xmctl",
	.fops = &xmctl_fops,
	.mode = 0600,
};

static const struct xmctl_conduit *const conduits[] = {
#ifdef CONFIG_X86_32
	&xmctl_conduit_x86_farcall,
#endif
#ifdef CONFIG_X86_64
	&xmctl_conduit_x86_vmcall,
#endif
#ifdef CONFIG_ARM64
	&xmctl_conduit_arm64_hvc,
#endif
#ifdef CONFIG_RISCV
	&xmctl_conduit_riscv_ecall,
#endif
	&xmctl_conduit_loopback,
};

static const struct xmctl_profile *chosen_profile(const struct xmctl_conduit *way)
{
	return *profile ? xmctl_profile_by_name(profile) : xmctl_profile_by_id(way->profile);
}

static int try_conduit(const struct xmctl_conduit *way)
{
	const struct xmctl_profile *speaks = chosen_profile(way);
	int ret;

	if (!speaks)
		return -EINVAL;
	ret = way->open(speaks, *conduit);
	if (ret)
		return ret;
	xmctl_device.conduit = way;
	xmctl_device.profile = speaks;
	return 0;
}

static int open_named(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(conduits); i++) {
		if (strcmp(conduits[i]->name, conduit))
			continue;
		ret = try_conduit(conduits[i]);
		if (ret == -ENODEV)
			pr_err("no hypervisor answers through conduit=%s\n", conduit);
		return ret;
	}
	pr_err("this kernel has no conduit=%s: see modinfo\n", conduit);
	return -EINVAL;
}

static int open_any(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conduits); i++)
		if (conduits[i]->blind && !try_conduit(conduits[i]))
			return 0;
	pr_err(NO_HYPERVISOR);
	return -ENODEV;
}

static int open_conduit(void)
{
	if (*profile && !xmctl_profile_by_name(profile)) {
		pr_err("unknown profile=%s: 2.4, 2.6, 3.x or prtos\n", profile);
		return -EINVAL;
	}
	return *conduit ? open_named() : open_any();
}

static void close_conduit(void)
{
	if (xmctl_device.conduit->close)
		xmctl_device.conduit->close();
}

static void find_partition(void)
{
	int id = partition;

	if (id < 0 && xmctl_device.conduit->partition)
		id = xmctl_device.conduit->partition();
	if (id < 0)
		pr_warn("the hypervisor does not say which partition this is: use partition=\n");
	else
		xmctl_device.partition = id;
}

static int __init xmctl_init(void)
{
	int ret;

	ret = xmctl_bounce_init();
	if (ret)
		return ret;
	ret = open_conduit();
	if (ret)
		goto out_bounce;
	find_partition();
	xmctl_device.machine = machine;
	ret = misc_register(&misc);
	if (ret)
		goto out_conduit;
	pr_info("conduit %s, profile %s, partition %d\n", xmctl_device.conduit->name,
		xmctl_device.profile->name, (int)xmctl_device.partition);
	return 0;

out_conduit:
	close_conduit();
out_bounce:
	xmctl_bounce_exit();
	return ret;
}
module_init(xmctl_init);

static void __exit xmctl_exit(void)
{
	misc_deregister(&misc);
	close_conduit();
	xmctl_bounce_exit();
}
module_exit(xmctl_exit);

MODULE_DESCRIPTION("Hypercalls of XtratuM and PRTOS for user space: /dev/xmctl");
MODULE_AUTHOR("The xmbroker project");
MODULE_LICENSE("GPL");
