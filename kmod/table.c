// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each hypercall is.  Constant data and look-ups.  Must never guess: what no rule covers is no
 * hypercall.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "xmctl.h"

#define W_NONE XMCTL_WORD_NONE
#define W_U8 XMCTL_WORD_U8
#define W_U16 XMCTL_WORD_U16
#define W_U32 XMCTL_WORD_U32
#define W_FULL XMCTL_WORD_FULL
#define W_PART XMCTL_WORD_PART
#define W_SIZE XMCTL_WORD_SIZE
#include "xmctl_table.h"

#define DESCRIPTOR_INVALID BIT(31)
#define DESCRIPTOR_PARTITION(d) ((d) >> 10 & 0x3ff)
#define HYPERVISOR_ID 0xff

/**
 * xmctl_profile_by_name() - the profile of a name
 * @name: "2.4", "2.6", "3.x" or "prtos"
 *
 * Return: the profile, or NULL.
 */
const struct xmctl_profile *xmctl_profile_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

/**
 * xmctl_profile_by_id() - the profile of a number
 * @id: XMCTL_PROFILE_...
 *
 * Return: the profile, or NULL.
 */
const struct xmctl_profile *xmctl_profile_by_id(u32 id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++)
		if (profiles[i].profile == id)
			return &profiles[i];
	return NULL;
}

static bool covers(const struct xmctl_profile *profile, const struct xmctl_rule *rule,
		   const u64 words[XMCTL_WORDS])
{
	u32 descriptor = (u32)words[0];
	u32 class = descriptor >> profile->class_shift & (BIT(profile->class_bits) - 1);
	bool hypervisor = DESCRIPTOR_PARTITION(descriptor) == HYPERVISOR_ID;

	if (rule->class < 0)
		return true;
	return !(descriptor & DESCRIPTOR_INVALID) && class == (u32)rule->class &&
	       (rule->command < 0 || (u32)rule->command == (u32)words[1]) &&
	       (rule->hypervisor < 0 || rule->hypervisor == hypervisor);
}

/**
 * xmctl_classify() - which hypercall this is
 * @profile: of the hypervisor
 * @number: of the hypercall
 * @words: its arguments, in memory of the kernel
 *
 * Return: the first rule that covers it, or NULL.
 */
const struct xmctl_rule *xmctl_classify(const struct xmctl_profile *profile, u32 number,
					const u64 words[XMCTL_WORDS])
{
	size_t i;

	for (i = 0; i < profile->n_rules; i++) {
		const struct xmctl_rule *rule = &profile->rules[i];

		if (rule->number == number && covers(profile, rule, words))
			return rule;
	}
	return NULL;
}

/**
 * xmctl_rule_of() - the first rule of an operation
 * @profile: of the hypervisor
 * @operation: its number
 *
 * Return: the rule, or NULL.
 */
const struct xmctl_rule *xmctl_rule_of(const struct xmctl_profile *profile, u32 operation)
{
	size_t i;

	for (i = 0; i < profile->n_rules; i++)
		if (profile->rules[i].operation == operation)
			return &profile->rules[i];
	return NULL;
}
