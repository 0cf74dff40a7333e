// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading system descriptions: every file of tests/system/bad has one mistake (or "many") and the
 * messages that it must give beside it; every file of tests/system/good is accepted, and every one of
 * tests/system/warned with the messages beside it.
 */

#include "tests/system_loading.h"

static void check_bad(const char *name)
{
	struct system *sys = NULL;
	char *text, *expected, *printed = NULL, file[300];
	size_t len, expected_len;

	text = read_file("system/bad", name, ".xml", &len);
	expected = read_file("system/bad", name, ".expected", &expected_len);
	snprintf(file, sizeof(file), "%s.xml", name);
	cr_expect_eq(load(file, text, len, &sys, &printed), -EINVAL, "%s", name);
	cr_expect_null(sys);
	cr_expect_str_eq(printed, expected, "%s:\n%s", name, printed);
	free(printed);
	free(expected);
	free(text);
}

Test(system_load, bad_descriptions_get_their_messages)
{
	cr_assert_gt(for_each("system/bad", check_bad), 110);
}

static void check_good(const char *name)
{
	struct system *sys = NULL;
	char *text, *printed = NULL;
	size_t len;

	text = read_file("system/good", name, ".xml", &len);
	cr_expect_eq(load(name, text, len, &sys, &printed), 0, "%s:\n%s", name, printed);
	cr_expect_str_eq(printed, "");
	cr_expect(sys && system_verify(sys, sys->size));
	free(sys);
	free(printed);
	free(text);
}

Test(system_load, good_descriptions_are_accepted)
{
	cr_assert_gt(for_each("system/good", check_good), 4);
}

static void check_warned(const char *name)
{
	struct system *sys = NULL;
	char *text, *expected, *printed = NULL, file[300];
	size_t len, expected_len;

	text = read_file("system/warned", name, ".xml", &len);
	expected = read_file("system/warned", name, ".expected", &expected_len);
	snprintf(file, sizeof(file), "%s.xml", name);
	cr_expect_eq(load(file, text, len, &sys, &printed), 0, "%s", name);
	cr_expect_str_eq(printed, expected, "%s:\n%s", name, printed);
	free(sys);
	free(printed);
	free(expected);
	free(text);
}

Test(system_load, doubtful_descriptions_get_their_warnings)
{
	cr_assert_gt(for_each("system/warned", check_warned), 0);
}

/* What is accepted and not used, one note a kind. */
static void check_notes(const char *name)
{
	const struct system_options options = { .notes = true };
	struct system *sys = NULL;
	char *text, *expected, *printed = NULL;
	size_t len, expected_len;

	expected = read_file("system/notes", name, ".expected", &expected_len);
	text = read_file("system/good", name, ".xml", &len);
	cr_expect_eq(load_as(name, text, len, &options, &sys, &printed), 0, "%s", name);
	cr_expect_str_eq(printed, expected, "%s:\n%s", name, printed);
	free(sys);
	free(printed);
	free(expected);
	free(text);
}

Test(system_load, what_is_not_used_is_noted)
{
	check_notes("everything");
	check_notes("fixed-priority");
	check_notes("prtos");
	check_notes("xm-2");
}

static void check_real(const char *name)
{
	free(load_file("oracle", name));
}

Test(system_load, descriptions_of_real_systems_are_accepted)
{
	cr_assert_geq(for_each("oracle", check_real), 3);
}

/* ---- what is read --------------------------------------------------------------------------------- */

Test(system_load, partitions)
{
	struct system *sys = load_good("everything");
	const struct system_partition *p = system_partition(sys, 0);

	cr_assert_str_eq(sys->name, "everything");
	cr_assert_str_eq(sys->version, "12.34.56");
	cr_assert_eq(sys->profile, XM_PROFILE_ID_3_X);
	cr_assert_str_eq(p->name, "manager");
	cr_assert_eq(p->flags,
		     SYSTEM_PF_SYSTEM | SYSTEM_PF_FP | SYSTEM_PF_BOOT | SYSTEM_PF_CONSOLE);
	cr_assert_eq(p->n_vcpus, 2);
	cr_assert_eq(system_partition(sys, 3)->flags, SYSTEM_PF_BOOT);
	cr_assert_eq(system_partition(sys, 3)->n_vcpus, 1);
	cr_assert_eq(system_partition_by_name(sys, "third"), 3);
	cr_assert_eq(system_partition_by_name(sys, "fourth"), -1);
	cr_assert_null(system_partition(sys, 4));
	free(sys);
}

Test(system_load, ports_and_channels)
{
	struct system *sys = load_good("everything");
	const struct system_port *out = system_port_by_name(sys, 0, "out", 3);
	const struct system_port *back = system_port_by_name(sys, 3, "back", 4);
	const struct system_channel *channel = system_port_channel(sys, out);

	cr_assert_eq(channel->max_message_length, 1024);
	cr_assert_eq(channel->valid_period, 1500000);
	cr_assert_eq(channel->max_no_messages, 0);
	cr_assert_eq(system_port(sys, channel->source), out);
	cr_assert_eq(system_port_by_name(sys, 1, "in", 2)->channel, out->channel);
	cr_assert_eq(system_port_by_name(sys, 2, "in", 2)->channel, out->channel);
	cr_assert_eq(system_port_channel(sys, back)->max_no_messages, 3);
	cr_assert_eq(system_port_channel(sys, back)->valid_period, 0);
	cr_assert_null(system_port_channel(sys, system_port_by_name(sys, 0, "unlinked", 8)));
	cr_assert_null(system_port_by_name(sys, 0, "ou", 2));
	cr_assert_null(system_port_by_name(sys, 1, "out", 3));
	free(sys);
}

Test(system_load, plans_and_slots)
{
	struct system *sys = load_good("everything");
	uint32_t n;
	const struct system_plan *plan = system_plans(sys, &n);
	const struct system_slot *slot = system_slots(sys, &n);

	cr_assert_eq(system_n_plans(sys), 2);
	cr_assert_eq(system_plan_by_name(sys, "b"), 1);
	cr_assert_eq(system_plan_by_name(sys, ""), -1);
	cr_assert_eq(plan[0].major_frame, 10000);
	cr_assert_eq(plan[0].n_slots, 3);
	cr_assert_eq(slot[1].start, 1500);
	cr_assert_eq(slot[1].duration, 500);
	cr_assert_eq(plan[2].processor, 1);
	cr_assert_eq(slot[plan[2].first_slot].vcpu, 1);
	free(sys);
}

Test(system_load, health_monitor)
{
	struct system *sys = load_good("everything");
	uint32_t n;
	const struct system_hm *hm = system_hm(sys, &n);

	cr_assert_eq(sys->hm_capacity, (1024 - 56) / 36);
	cr_assert_eq(n, 4); /* one of the five has a name only */
	cr_assert_eq(hm[0].scope, XM_HYPERVISOR_ID);
	cr_assert_eq(hm[0].event, 0);
	cr_assert_eq(hm[0].action, 5);
	cr_assert_eq(hm[2].event, 7 + 14);
	cr_assert_eq(hm[2].action, 9);
	cr_assert_eq(hm[2].log, 0);
	free(sys);
}

Test(system_load, memory_areas)
{
	struct system *sys = load_good("everything");
	uint32_t n;
	const struct system_area *area = system_areas(sys, &n);

	cr_assert_eq(n, 3);
	cr_assert_eq(area[0].start, 0x100000);
	cr_assert_eq(area[0].size, 512 * 1024);
	cr_assert_eq(area[0].flags, 0x204); /* read-only, tagged */
	cr_assert_eq(area[1].flags, 0x1 | 0x8 | 0x20 | 0x100);
	cr_assert_eq(area[2].partition, 1);
	free(sys);
}

Test(system_load, memory_as_mapped)
{
	struct system *sys = load_good("traced");
	uint32_t n;
	const struct system_area *area = system_areas(sys, &n);

	cr_assert_str_eq(area[0].name, "code");
	cr_assert_eq(area[0].start, 0x4000000);
	cr_assert_eq(area[0].mapped_at, 0x80000000);
	cr_assert_eq(area[1].mapped_at, 0x4100000);
	cr_assert_str_eq(area[3].name, "");
	free(sys);
}

Test(system_load, hardware)
{
	struct system *sys = load_good("traced");

	cr_assert_eq(sys->cpu_khz, 50000);
	cr_assert_eq(system_partition(sys, 0)->hw_irqs, 1 << 3 | 1 << 15);
	cr_assert_eq(system_partition(sys, 1)->hw_irqs, 0);
	free(sys);
	sys = load_good("prtos");
	cr_assert_eq(sys->cpu_khz, 0);
	free(sys);
}

Test(system_load, traces)
{
	struct system *sys = load_good("traced");
	const struct system_partition *p = system_partition(sys, 0);

	cr_assert_eq(sys->trace_capacity, (200 - 56) / 36);
	cr_assert_eq(p[0].trace_capacity, 4);
	cr_assert_eq(p[0].trace_bitmask, 3);
	cr_assert_eq(p[1].trace_capacity, (65536 - 56) / 36);
	cr_assert_eq(p[2].trace_capacity, 0);
	cr_assert_eq(p[2].trace_bitmask, 0);
	cr_assert_eq(p[3].trace_capacity, 0); /* not a memory block */
	cr_assert_eq(p[3].trace_bitmask, UINT32_MAX);
	free(sys);
}

Test(system_load, interrupts_between_partitions)
{
	static const struct system_ipvi expected[] = { { 24, 0, 1, 0 },
						       { 24, 0, 2, 0 },
						       { 31, 1, 0, 0 } };
	struct system *sys = load_good("traced");
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(sys, &n);

	cr_assert_eq(n, 3); /* what is said twice counts once */
	cr_assert_eq(memcmp(ipvi, expected, sizeof(expected)), 0);
	free(sys);
}

/* One below and one above what all channels may hold together. */
Test(system_load, channels_of_a_gigabyte)
{
	struct system *sys = load_good("everything");
	struct system_channel *channel =
		(struct system_channel *)(void *)((char *)sys + sys->table[SYSTEM_CHANNELS].offset);

	channel[0].max_message_length = 16 << 20;
	channel[1].max_message_length = 16 << 20;
	channel[1].max_no_messages = 62;
	cr_assert(system_verify(sys, sys->size));
	channel[1].max_no_messages = 63;
	cr_assert_not(system_verify(sys, sys->size));
	free(sys);
}

Test(system_load, prtos)
{
	struct system *sys = load_good("prtos");
	uint32_t n;
	const struct system_hm *hm = system_hm(sys, &n);

	cr_assert_eq(sys->profile, XM_PROFILE_ID_PRTOS);
	cr_assert_eq(sys->hm_capacity, (65536 - 56) / 36);
	cr_assert_eq(n, 2); /* the watchdog event no longer exists */
	cr_assert_eq(hm[1].event, 6 + 2);
	free(sys);
}

/* ---- the built-in description, the file and the code of the loopback hypervisor ------------------- */

Test(system_load, loopback_is_the_demo)
{
	struct system *builtin = NULL, *demo = NULL;
	char *printed = NULL;
	struct diag diag;

	cr_assert_eq(load("loopback", system_loopback_xml, strlen(system_loopback_xml), &builtin,
			  &printed),
		     0);
	diag_init(&diag);
	cr_assert_eq(system_load("policy/examples/demo.xml", &diag, &demo), 0);
	cr_assert_eq(builtin->size, demo->size);
	cr_assert_eq(memcmp(builtin, demo, demo->size), 0);
	diag_free(&diag);
	free(printed);
	free(builtin);
	free(demo);
}

/* ---- files ---------------------------------------------------------------------------------------- */

Test(system_load, missing_file)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load("tests/system/there-is-no-such-file", &diag, &sys), -ENOENT);
	cr_assert_eq(diag.n_errors, 1);
	diag_free(&diag);
}

Test(system_load, folder)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load("tests/system", &diag, &sys), -EISDIR);
	cr_assert_eq(diag.n_errors, 1);
	diag_free(&diag);
}

Test(system_load, too_large)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load("/dev/zero", &diag, &sys), -EINVAL);
	cr_assert_eq(diag.n_errors, 1);
	cr_assert(strstr(diag.messages[0].text, "has at most"));
	diag_free(&diag);
}

/* Many errors cost no more than few: messages beyond the limit are only counted. */
Test(system_load, very_many_errors, .timeout = 20)
{
	static const char head[] = "<SystemDescription xmlns='http://www.xtratum.org/xm-3.x'>\n";
	static const char tail[] = "</SystemDescription>\n";
	char *text = malloc(SYSTEM_FILE_MAX), *printed = NULL;
	struct system *sys = NULL;
	size_t len = sizeof(head) - 1;

	memcpy(text, head, len);
	for (int i = 0; i < 150000; i++, len += 9)
		memcpy(text + len, "<x y='z'/", 9), text[len + 9] = '>', len++;
	memcpy(text + len, tail, sizeof(tail) - 1);
	len += sizeof(tail) - 1;
	cr_assert_eq(load("many", text, len, &sys, &printed), -EINVAL);
	cr_assert(strstr(printed, "further messages left out"));
	free(printed);
	free(text);
}
