// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is read from descriptions of XtratuM 2.x.
 */

#include "libxm/system/events.h"
#include "tests/system_loading.h"

Test(system_two, partitions_are_in_order_of_their_ids)
{
	struct system *sys = load_good("xm-2");
	const struct system_partition *p = system_partition(sys, 0);

	cr_assert_eq(sys->profile, XM_PROFILE_ID_2_4);
	cr_assert_eq(sys->cpu_khz, 800500);
	cr_assert_str_eq(p[0].name, "manager");
	cr_assert_str_eq(p[1].name, "guest");
	cr_assert_str_eq(p[2].name, "");
	cr_assert_eq(p[0].first_port, 0);
	cr_assert_eq(p[1].first_port, 2);
	cr_assert_eq(p[2].first_port, 5);
	cr_assert_str_eq(system_port(sys, 0)->name, "out");
	cr_assert_eq(p[1].n_vcpus, 1);
	free(sys);
}

Test(system_two, flags)
{
	struct system *sys = load_good("xm-2");
	const struct system_partition *p = system_partition(sys, 0);

	cr_assert_eq(p[0].flags, SYSTEM_PF_SYSTEM | SYSTEM_PF_BOOT | SYSTEM_PF_FP |
					 SYSTEM_PF_SPARE_HOST | SYSTEM_PF_CONSOLE);
	cr_assert_eq(p[1].flags, SYSTEM_PF_SPARE_GUEST | SYSTEM_PF_CONSOLE);
	cr_assert_eq(p[2].flags, 0);
	free(sys);
}

Test(system_two, hardware)
{
	struct system *sys = load_good("xm-2");

	cr_assert_eq(system_partition(sys, 0)->hw_irqs, 0);
	cr_assert_eq(system_partition(sys, 1)->hw_irqs, 1 << 3 | 1 << 4);
	free(sys);
}

/* Records of 2.x have 32 bytes, and its blocks no header. */
Test(system_two, logs)
{
	struct system *sys = load_good("xm-2");
	const struct system_partition *p = system_partition(sys, 0);

	cr_assert_eq(sys->hm_capacity, 4096 / 32);
	cr_assert_eq(sys->trace_capacity, 100 / 32);
	cr_assert_eq(p[0].trace_capacity, 0);
	cr_assert_eq(p[1].trace_capacity, 3);
	cr_assert_eq(p[1].trace_bitmask, 1);
	free(sys);
}

/* Their flags become those of 3.x: what is not mapped, and what cannot be written. */
Test(system_two, areas)
{
	static const struct {
		uint32_t partition, flags;
		uint64_t start, size;
	} expected[] = {
		{ 0, 0x0, 0x400000, 1 << 20 },
		{ 0, 0x1 | 0x2 | 0x4, 0x600000, 64 << 10 },
		{ 0, 0x4 | 0x10, 0xf0000000, 100 },
		{ 1, 0x1 | 0x4 | 0x20 | 0x100, 0x600000, 64 << 10 },
		{ 1, 0x0, 0x500000, 1 << 20 },
		{ 2, 0x0, 0x700000, 1 << 20 },
	};
	struct system *sys = load_good("xm-2");
	uint32_t n;
	const struct system_area *area = system_areas(sys, &n);

	cr_assert_eq(n, 6); /* the hypervisor's and the loader's are nobody's */
	for (uint32_t i = 0; i < n; i++) {
		cr_expect_eq(area[i].partition, expected[i].partition, "%u", i);
		cr_expect_eq(area[i].flags, expected[i].flags, "%u: 0x%x", i, area[i].flags);
		cr_expect_eq(area[i].start, expected[i].start, "%u", i);
		cr_expect_eq(area[i].mapped_at, expected[i].start, "%u", i);
		cr_expect_eq(area[i].size, expected[i].size, "%u", i);
		cr_expect_str_eq(area[i].name, "");
	}
	free(sys);
}

Test(system_two, plans_have_no_names_and_slots_any_label)
{
	struct system *sys = load_good("xm-2");
	uint32_t n;
	const struct system_plan *plan = system_plans(sys, &n);
	const struct system_slot *slot = system_slots(sys, &n);

	cr_assert_eq(system_n_plans(sys), 2);
	cr_assert_str_eq(plan[0].name, "");
	cr_assert_eq(plan[1].major_frame, 1000000);
	cr_assert_eq(n, 3);
	cr_assert_eq(slot[0].id, 0x1a);
	cr_assert_eq(slot[1].id, 10);
	cr_assert_eq(slot[1].duration, 5500);
	cr_assert_eq(slot[2].id, 7);
	cr_assert_eq(slot[2].duration, 250000);
	free(sys);
}

/* The hypervisor stops where a partition would be restarted. */
Test(system_two, health_monitor)
{
	static const struct system_hm expected[] = {
		{ XM_HYPERVISOR_ID, 0, SYSTEM_ACTION_HYPERVISOR_HALT, 1 },
		{ XM_HYPERVISOR_ID, 6, SYSTEM_ACTION_IGNORE, 0 },
		{ XM_HYPERVISOR_ID, 7, SYSTEM_ACTION_HYPERVISOR_HALT, 0 },
		{ 0, 2, SYSTEM_ACTION_PARTITION_WARM_RESET, 1 },
		{ 0, 29, SYSTEM_ACTION_PROPAGATE, 0 },
		{ 0, 5, SYSTEM_ACTION_SUSPEND, 1 },
		{ 0, 9, SYSTEM_ACTION_PARTITION_HALT, 0 },
	};
	struct system *sys = load_good("xm-2");
	uint32_t n;
	const struct system_hm *hm = system_hm(sys, &n);

	cr_assert_eq(n, sizeof(expected) / sizeof(expected[0]));
	for (uint32_t i = 0; i < n; i++)
		cr_expect(!memcmp(&hm[i], &expected[i], sizeof(hm[i])), "%u: %u %u %u", i,
			  hm[i].event, hm[i].action, hm[i].log);
	free(sys);
}

/* Ports that differ behind their 16th character are told from each other. */
Test(system_two, channels)
{
	struct system *sys = load_good("xm-2");
	uint32_t n;
	const struct system_channel *c = system_channels(sys, &n);

	cr_assert_eq(n, 2);
	cr_assert_eq(c[0].max_message_length, 1536);
	cr_assert_eq(c[0].valid_period, 0);
	cr_assert_eq(c[0].source, 0);
	cr_assert_eq(system_port(sys, 2)->channel, 0);
	cr_assert_eq(system_port(sys, 5)->channel, 0);
	cr_assert_eq(c[1].valid_period, 250000);
	cr_assert_eq(c[1].source, 4);
	cr_assert_eq(system_port(sys, 3)->channel, SYSTEM_NO_CHANNEL);
	free(sys);
}

/* The directions of the ports count, not the order of the endpoints. */
Test(system_two, swapped_channel)
{
	struct system *sys = load_file("system/warned", "2-channel-swapped");
	uint32_t n;
	const struct system_channel *c = system_channels(sys, &n);

	cr_assert_eq(n, 2);
	cr_assert_eq(system_port(sys, c[0].source)->direction, SYSTEM_SOURCE);
	cr_assert_eq(system_port(sys, c[0].source)->partition, 1);
	free(sys);
}

Test(system_two, console_in_memory)
{
	struct system *sys = load_file("system/warned", "2-channel-swapped");

	cr_assert_eq(system_partition(sys, 0)->console_capacity, 0);
	cr_assert_eq(system_partition(sys, 1)->console_capacity, 4096);
	free(sys);
}

/* ---- profiles ------------------------------------------------------------------------------------- */

static int load_profile(const char *name, uint32_t profile, struct system **sysp, char **printedp)
{
	const struct system_options options = { .profile = profile };
	size_t len;
	char *text = read_file("system/good", name, ".xml", &len);
	int r = load_as("file.xml", text, len, &options, sysp, printedp);

	free(text);
	return r;
}

Test(system_two, profile_26_is_chosen_by_the_caller)
{
	struct system *sys = NULL;
	char *printed = NULL;

	cr_assert_eq(load_profile("xm-2", XM_PROFILE_ID_2_6, &sys, &printed), 0);
	cr_assert_eq(sys->profile, XM_PROFILE_ID_2_6);
	cr_assert(system_verify(sys, sys->size));
	free(printed);
	free(sys);
}

Test(system_two, profile_of_another_dialect_is_refused)
{
	struct system *sys = NULL;
	char *printed = NULL;

	cr_assert_eq(load_profile("prtos", XM_PROFILE_ID_2_6, &sys, &printed), -EINVAL);
	cr_assert(strstr(printed, "file.xml:2:1: error: the description is one of prtos, not of "
				  "profile 2.6"),
		  "%s", printed);
	free(printed);
	cr_assert_eq(load_profile("xm-2", XM_PROFILE_ID_3_X, &sys, &printed), -EINVAL);
	cr_assert(strstr(printed, "is one of 2.4 and 2.6, not of profile 3.x"), "%s", printed);
	free(printed);
	cr_assert_null(sys);
}

Test(system_two, profile_of_the_dialect_may_be_said)
{
	struct system *sys = NULL;
	char *printed = NULL;

	cr_assert_eq(load_profile("prtos", XM_PROFILE_ID_PRTOS, &sys, &printed), 0);
	free(printed);
	free(sys);
	cr_assert_eq(load_profile("xm-2", XM_PROFILE_ID_2_4, &sys, &printed), 0);
	free(printed);
	free(sys);
}
