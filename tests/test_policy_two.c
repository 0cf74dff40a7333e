// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies for systems of XtratuM 2.x: the same names and limits out of another description.
 */

#include "tests/policy/helper.h"

#define TWO "version: 1\nsystem: \"tests/system/good/xm-2.xml\"\n\n"

static struct compiled compile_rules(const char *rules)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 TWO "roles:\n  r:\n%s\ngrants:\n  - {to: \"user:1\", roles: [r]}\n", rules);
	return compile_good(text);
}

Test(policy_two, names_of_partitions_and_ports)
{
	struct compiled c = compile_rules("    - allow: XM_suspend_partition\n"
					  "      where: {partitionId: guest}\n"
					  "    - allow: XM_create_sampling_port\n"
					  "      where: {portName: out}\n");

	cr_assert_str_eq(c.messages, "");
	cr_assert(allows(&c, 1, "XM_suspend_partition(1)"));
	cr_assert_not(allows(&c, 1, "XM_suspend_partition(2)"));
	cr_assert(allows(&c, 1, "XM_create_sampling_port(out, 1536, XM_SOURCE_PORT)"));
	cr_assert_not(allows(&c, 1, "XM_create_sampling_port(in, 1536, XM_SOURCE_PORT)"));
	compiled_free(&c);
}

/* They have numbers only. */
Test(policy_two, plans)
{
	struct compiled c = compile_rules("    - allow: XM_switch_sched_plan\n"
					  "      where: {newPlan: 1}\n");

	cr_assert_str_eq(c.messages, "");
	cr_assert(allows(&c, 1, "XM_switch_sched_plan(1)"));
	cr_assert_not(allows(&c, 1, "XM_switch_sched_plan(0)"));
	compiled_free(&c);
}

Test(policy_two, operation_that_the_hypervisor_lacks)
{
	struct compiled c = compile_rules("    - allow: XM_hm_lock_events\n");

	cr_assert(strstr(c.messages, "p.yaml:6:14: warning: the system's hypervisor, 2.x, has no "
				     "XM_hm_lock_events: it is always refused"),
		  "%s", c.messages);
	compiled_free(&c);
}

Test(policy_two, operation_of_another_name)
{
	struct compiled c = compile_rules("    - deny: XM_raise_ipvi\n");

	cr_assert(strstr(c.messages, "what 2.x calls so is XM_raise_partition_ipvi here"), "%s",
		  c.messages);
	compiled_free(&c);
}

/* One of 2.6 and not of 2.4: the description does not say which it is. */
Test(policy_two, operation_of_one_of_both)
{
	struct compiled c = compile_rules("    - allow: XM_set_partition_opmode\n"
					  "      where: {partitionId: guest}\n");

	cr_assert_str_eq(c.messages, "");
	compiled_free(&c);
}

Test(policy_two, classes_are_for_every_hypervisor)
{
	struct compiled c = compile_rules("    - allow: [\"@hm\", \"@status\"]\n");

	cr_assert_str_eq(c.messages, "");
	compiled_free(&c);
}

Test(policy_two, operation_that_3x_lacks)
{
	struct compiled c = compile_good(PREAMBLE "roles: {r: [{deny: XM_read_console}]}\n");

	cr_assert(strstr(c.messages, "the system's hypervisor, 3.x, has no XM_read_console"), "%s",
		  c.messages);
	compiled_free(&c);
}
