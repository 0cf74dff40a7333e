// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names and numbers of health monitor events in every profile.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/events.h"

struct row {
	uint32_t profile;
	const char *name;
	int number;
	uint32_t canonical; /* on the wire */
};

static const struct row rows[] = {
	{ XM_PROFILE_ID_2_4, "XM_HM_EV_INTERNAL_ERROR", 0, 0 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_UNEXPECTED_TRAP", 1, 6 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_PARTITION_UNRECOVERABLE", 2, 0x102 },
	{ XM_PROFILE_ID_2_4, "XM_HM_EV_PARTITION_ERROR", 3, 2 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_PARTITION_INTEGRITY", 4, 0x104 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_MEM_PROTECTION", 5, 5 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_OVERRUN", 6, 0x106 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_SCHED_ERROR", 7, 0x107 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_WATCHDOG_TIMER", 8, 3 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_INCOMPATIBLE_INTERFACE", 9, 0x109 },
	{ XM_PROFILE_ID_2_6, "XM_HM_EV_IA32_DIVIDE_EXCEPTION", 10, 7 },
	{ XM_PROFILE_ID_2_4, "XM_HM_EV_IA32_FLOATING_POINT_EXCEPTION", 29, 26 },
	{ XM_PROFILE_ID_3_X, "XM_HM_EV_INTERNAL_ERROR", 0, 0 },
	{ XM_PROFILE_ID_3_X, "XM_HM_EV_UNEXPECTED_TRAP", 6, 6 },
	{ XM_PROFILE_ID_3_X, "XM_HM_EV_X86_DIVIDE_ERROR", 7, 7 },
	{ XM_PROFILE_ID_3_X, "XM_HM_EV_X86_SIMD_FLOATING_POINT", 26, 26 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_FATAL_ERROR", 0, 0 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_PARTITION_ERROR", 2, 2 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_FP_ERROR", 3, 4 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_UNEXPECTED_TRAP", 5, 6 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_X86_DIVIDE_ERROR", 6, 7 },
	{ XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_RISCV_LOAD_MISALIGNED", 14, 15 },
};

Test(system_events, numbers)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		cr_expect_eq(system_event_number(row->profile, row->name), row->number, "%s",
			     row->name);
		cr_expect_eq(system_event_canonical(row->profile, (uint32_t)row->number),
			     row->canonical, "%s", row->name);
		cr_expect_eq(system_event_native(row->profile, row->canonical),
			     (uint32_t)row->number, "%s", row->name);
	}
}

/* What travels comes back as it was, and no two events become one. */
Test(system_events, every_own_event_survives_the_wire)
{
	static const uint32_t n[] = { [XM_PROFILE_ID_2_4] = 30,
				      [XM_PROFILE_ID_2_6] = 30,
				      [XM_PROFILE_ID_3_X] = 27,
				      [XM_PROFILE_ID_PRTOS] = 26 };

	for (uint32_t profile = XM_PROFILE_ID_2_4; profile <= XM_PROFILE_ID_PRTOS; profile++)
		for (uint32_t event = 0; event < n[profile]; event++)
			cr_expect_eq(system_event_native(profile,
							 system_event_canonical(profile, event)),
				     event, "%s %u", xm_profile_name(profile), event);
}

Test(system_events, events_without_counterpart_become_the_nearest)
{
	cr_assert_eq(system_event_native(XM_PROFILE_ID_2_6, 1), 0);
	cr_assert_eq(system_event_native(XM_PROFILE_ID_2_6, 4), 26);
	cr_assert_eq(system_event_native(XM_PROFILE_ID_PRTOS, 3), 2);
}

Test(system_events, names_of_other_profiles_are_unknown)
{
	cr_assert_eq(system_event_number(XM_PROFILE_ID_2_6, "XM_HM_EV_X86_DEBUG"), -1);
	cr_assert_eq(system_event_number(XM_PROFILE_ID_3_X, "XM_HM_EV_OVERRUN"), -1);
	cr_assert_eq(system_event_number(XM_PROFILE_ID_3_X, "PRTOS_HM_EV_FP_ERROR"), -1);
	cr_assert_eq(system_event_number(XM_PROFILE_ID_PRTOS, "XM_HM_EV_FP_ERROR"), -1);
	cr_assert_eq(system_event_number(XM_PROFILE_ID_3_X, "XM_HM_EV_X86_"), -1);
	cr_assert_eq(system_event_number(9, "XM_HM_EV_FP_ERROR"), -1);
}

Test(system_events, names_without_numbers)
{
	cr_assert_eq(system_event_number(XM_PROFILE_ID_3_X, "XM_HM_EV_SPARC_WRITE_ERROR"),
		     SYSTEM_EVENT_UNNUMBERED);
	cr_assert_eq(system_event_number(XM_PROFILE_ID_PRTOS, "PRTOS_HM_EV_WATCHDOG_TIMER"),
		     SYSTEM_EVENT_UNNUMBERED);
}

Test(system_events, actions_have_one_number_everywhere)
{
	cr_assert_eq(system_action_number(XM_PROFILE_ID_2_4, "XM_HM_AC_HALT"),
		     SYSTEM_ACTION_PARTITION_HALT);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_2_6, "XM_HM_AC_SUSPEND"),
		     SYSTEM_ACTION_SUSPEND);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_3_X, "XM_HM_AC_PARTITION_HALT"),
		     SYSTEM_ACTION_PARTITION_HALT);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_PRTOS, "PRTOS_HM_AC_SWITCH_TO_MAINTENANCE"),
		     SYSTEM_ACTION_MAINTENANCE);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_2_6, "XM_HM_AC_PARTITION_HALT"), -1);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_3_X, "XM_HM_AC_HALT"), -1);
	cr_assert_eq(system_action_number(XM_PROFILE_ID_2_6, "XM_HM_AC_"), -1);
	cr_assert_eq(system_action_number(9, "XM_HM_AC_HALT"), -1);
}

Test(system_events, first_of_the_processor)
{
	cr_assert_eq(system_event_first_of_processor(XM_PROFILE_ID_2_6), 10);
	cr_assert_eq(system_event_first_of_processor(XM_PROFILE_ID_3_X), 7);
	cr_assert_eq(system_event_first_of_processor(XM_PROFILE_ID_PRTOS), 6);
}

Test(system_events, hints)
{
	char buf[320];

	cr_assert_str_eq(
		system_event_hint(XM_PROFILE_ID_2_6, "XM_HM_EV_IA32_PAGE_FALT", buf, sizeof(buf)),
		"did you mean \"XM_HM_EV_IA32_PAGE_FAULT\"?");
	cr_assert_null(system_event_hint(XM_PROFILE_ID_2_6, "nothing", buf, sizeof(buf)));
	cr_assert_str_eq(system_action_hint(XM_PROFILE_ID_2_6, "XM_HM_AC_HALTT", buf, sizeof(buf)),
			 "did you mean \"XM_HM_AC_HALT\"?");
	cr_assert_null(system_action_hint(9, "XM_HM_AC_HALT", buf, sizeof(buf)));
}
