// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which partition this is: no hypercall says it, but only the own console takes what is written to
 * it, and nothing is written here.
 */

#include <linux/errno.h>

#include "xmctl.h"

#define WRITE_CONSOLE 12 /* in xm_hypercalls(7) */
#define PARTITIONS 255   /* the next one is the hypervisor itself */
#define DESCRIPTOR_PARTITION 10

/**
 * xmctl_ask_partition() - finds the own partition; for conduits
 *
 * Return: it, or -ENODEV if the hypervisor answers otherwise than expected.
 */
int xmctl_ask_partition(void)
{
	const struct xmctl_profile *profile = xmctl_device.profile;
	const struct xmctl_rule *rule = xmctl_rule_of(profile, WRITE_CONSOLE);
	unsigned long words[XMCTL_WORDS] = {};
	s32 result, refusal = 0;
	unsigned long id;

	words[1] = xmctl_bounce_address(xmctl_bounce_memory());
	for (id = 0; id < PARTITIONS; id++) {
		words[0] = (unsigned long)rule->class << profile->class_shift |
			   id << DESCRIPTOR_PARTITION;
		result = xmctl_device.conduit->call(rule->number, words);
		if (result >= 0)
			return id;
		/* Another partition's console; all of them are refused alike. */
		if (id && result != refusal)
			break;
		refusal = result;
	}
	return -ENODEV;
}
