// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.5: clocks and timers. */

#include "tests/conformance/conformance.h"

#define SOON 200000 /* us; longer than anything takes that is done before */

static void clocks(void)
{
	xmTime_t a, b;

	IS(XM_OK, XM_get_time(XM_HW_CLOCK, &a));
	machine_pass(1000);
	IS(XM_OK, XM_get_time(XM_HW_CLOCK, &b));
	HOLDS(a >= 0 && b >= a + 1000);
	IS(XM_OK, XM_get_time(XM_EXEC_CLOCK, &a));
	HOLDS(a >= 0 && a <= machine_time());
}

static void execution_clock(void)
{
	xmTime_t a, b;
	long long before, after;

	NEEDS(machine.n_plans, "plans");
	before = machine_time();
	IS(XM_OK, XM_get_time(XM_EXEC_CLOCK, &a));
	machine_pass(2 * machine.frame[0]);
	IS(XM_OK, XM_get_time(XM_EXEC_CLOCK, &b));
	after = machine_time();
	/* It goes on in the partition's slots, and in no others. */
	HOLDS(b > a);
	HOLDS(b - a < after - before);
}

static void clocks_bad(void)
{
	xmTime_t t;

	IS(XM_INVALID_PARAM, XM_get_time(2, &t));
	IS(XM_INVALID_PARAM, XM_get_time(~0U, &t));
	IS(XM_INVALID_PARAM, XM_get_time(XM_HW_CLOCK, NULL));
	IS(XM_INVALID_PARAM, XM_get_time(XM_HW_CLOCK, bad_memory()));
	IS(XM_INVALID_PARAM, XM_get_time(XM_HW_CLOCK, constant_memory()));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, XM_get_time(XM_HW_CLOCK, (xmTime_t *)(uintptr_t)((char *)&t + 1)));
#endif
}

static void timers(void)
{
	for (unsigned int clock = XM_HW_CLOCK; clock <= XM_EXEC_CLOCK; clock++) {
		IS(XM_OK, XM_set_timer(clock, 0, 0));
		IS(XM_OK, XM_set_timer(clock, machine_time() + 1000000, 0));
		IS(XM_OK, XM_set_timer(clock, 1, 1000));
		IS(XM_OK, XM_set_timer(clock, INT64_MAX, 0));
		IS(XM_OK, XM_set_timer(clock, 0, 0));
	}
}

static void timers_bad(void)
{
	IS(XM_INVALID_PARAM, XM_set_timer(XM_HW_CLOCK, -1, 0));
	IS(XM_INVALID_PARAM, XM_set_timer(XM_HW_CLOCK, INT64_MIN, 0));
	IS(XM_INVALID_PARAM, XM_set_timer(9, 0, 0));
	IS(XM_INVALID_PARAM, XM_set_timer(~0U, 1000, 0));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, XM_set_timer(XM_HW_CLOCK, 1000, -1));
#endif
#if XM_PROFILE == XM_PROFILE_PRTOS
	IS(XM_INVALID_PARAM, XM_set_timer(2, 0, 0));
#else
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, 0, 0));
#endif
}

#if XM_PROFILE != XM_PROFILE_PRTOS

/* Records of the watchdog since they were last skipped. */
static int watchdogs(void)
{
	struct record record;
	int n = 0;

	while (hm_next(&record) == 1) {
		n += record.event == XM_HM_EV_WATCHDOG_TIMER;
		EQ(machine.self.partition, record.partition);
	}
	return n;
}

static void watchdog(void)
{
	NEEDS(machine.watchdog && machine.hm, "a watchdog that the health monitor only records");
	hm_skip();
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, machine_time() + SOON, 0));
	EQ(0, watchdogs());
	machine_pass(SOON + machine.frame[0]);
	EQ(1, watchdogs());
	machine_pass(machine.frame[0]);
	EQ(0, watchdogs());
}

static void watchdog_in_the_past(void)
{
	NEEDS(machine.watchdog && machine.hm, "a watchdog that the health monitor only records");
	hm_skip();
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, 1, 0));
	machine_pass(machine.frame[0]);
	EQ(1, watchdogs());
}

static void watchdog_disarmed(void)
{
	NEEDS(machine.watchdog && machine.hm, "a watchdog that the health monitor only records");
	hm_skip();
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, machine_time() + SOON, 0));
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, 0, 0));
	machine_pass(SOON + machine.frame[0]);
	EQ(0, watchdogs());
}

static void watchdog_periodic(void)
{
	int n;

	NEEDS(machine.watchdog && machine.hm, "a watchdog that the health monitor only records");
	hm_skip();
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, machine_time() + 1000, 20000));
	for (int i = 0; i < 4; i++)
		machine_pass(20000);
	IS(XM_OK, XM_set_timer(XM_WATCHDOG_TIMER, 0, 0));
	n = watchdogs();
	HOLDS(n >= 2);
	machine_pass(30000);
	EQ(0, watchdogs());
}

#endif

const struct row time_rows[] = {
	{ "6.5", "time / clocks", clocks, false },
	{ "6.5", "time / execution clock", execution_clock, false },
	{ "6.5", "time / clocks: bad arguments", clocks_bad, false },
	{ "6.5", "time / timers: arm and disarm", timers, false },
	{ "6.5", "time / timers: bad arguments", timers_bad, false },
#if XM_PROFILE != XM_PROFILE_PRTOS
	{ "6.5", "time / watchdog: once", watchdog, false },
	{ "6.5", "time / watchdog: in the past", watchdog_in_the_past, false },
	{ "6.5", "time / watchdog: disarmed", watchdog_disarmed, false },
	{ "6.5", "time / watchdog: periodic", watchdog_periodic, false },
#endif
	{ NULL, NULL, NULL, false },
};
