// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor of 3.x: what raises virtual interrupts. */

#include "tests/sim_rig.h"

#define ORACLE "tests/oracle/prtos-x86-system.xml"

/* Slots of every 600 ms: 0 to 400 of partition 0, 400 to 500 of 1, 500 to 600 of 2. */
static void rig_oracle(void)
{
	rig_open(ORACLE);
}

TestSuite(sim_irqs, .init = rig_oracle, .fini = rig_close);

#define IRQS(p) status_of(p, XM_F_PARTITION_STATUS_noVIrqs)

Test(sim_irqs, slots_and_shutdown)
{
	cr_assert_eq(IRQS(0), 1); /* its slot has begun */
	cr_assert_eq(IRQS(1), 0);
	wait_us(400000);
	cr_assert_eq(IRQS(1), 1);
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert_eq(IRQS(1), 2);
	IS(OK, CALL(0, RAISE_PARTITION_IPVI, N(1), N(24)));
	cr_assert_eq(IRQS(1), 3);
	IS(NO_ACTION, CALL(0, RAISE_PARTITION_IPVI, N(1), N(24)));
	cr_assert_eq(IRQS(1), 3);
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	wait_us(600000);
	cr_assert_eq(IRQS(1), 3); /* who does not run has no slots */
	IS(OK, CALL(0, RESET_SYSTEM, N(0)));
	cr_assert_eq(IRQS(1), 0);
}

/* Ports: 0 and 4 of a queue, 1 and 5 of a sampling channel.  Only who has opened one hears of it. */
Test(sim_irqs, messages)
{
	IS(OK, CALL(0, CREATE_QUEUING_PORT, N(0), S("portQ"), N(2), N(32), N(2)));
	IS(OK, CALL(0, CREATE_SAMPLING_PORT, N(0), S("portS"), N(32), N(2), N(100000)));
	IS(OK, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(0), B("x", 1), N(1)));
	IS(OK, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(1), B("x", 1), N(1)));
	cr_assert_eq(IRQS(1), 0);
	IS(OK, CALL(1, CREATE_QUEUING_PORT, N(1), S("portQ"), N(2), N(32), N(1)));
	IS(OK, CALL(1, CREATE_SAMPLING_PORT, N(1), S("portS"), N(32), N(1), N(100000)));
	IS(OK, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(0), B("x", 1), N(1)));
	IS(OP_NOT_ALLOWED, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(0), B("x", 1), N(1)));
	cr_assert_eq(IRQS(1), 1);
	IS(OK, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(1), B("x", 1), N(1)));
	cr_assert_eq(IRQS(1), 2);
	cr_assert_eq(IRQS(0), 1); /* its slot */
	IS(OK, CALL(1, RECEIVE_QUEUING_MESSAGE, N(1), N(4), OUT, N(32)));
	cr_assert_eq(IRQS(0), 2);
	IS(OK, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(5), OUT, N(32), OUT));
	cr_assert_eq(IRQS(0), 3);
	cr_assert_eq(IRQS(2), 0);
}

/* In its slot, from 400 ms on. */
Test(sim_irqs, timers)
{
	IS(OK, CALL(1, SET_TIMER, N(0), N(100000), N(0)));
	wait_us(399999);
	cr_assert_eq(IRQS(1), 0);
	wait_us(1);
	cr_assert_eq(IRQS(1), 2);
	IS(OK, CALL(1, SET_TIMER, N(1), N(50000), N(0)));
	wait_us(49999);
	cr_assert_eq(IRQS(1), 2);
	wait_us(1);
	cr_assert_eq(IRQS(1), 3);
	wait_us(540000);
	cr_assert_eq(IRQS(1), 3);
	IS(OK, CALL(1, SET_TIMER, N(1), N(0), N(0)));
	IS(OK, CALL(1, SET_TIMER, N(0), N(1), N(0))); /* long past: at once */
	wait_us(10000);
	cr_assert_eq(IRQS(1), 5);
}

/* A time that passes at once is not longer than one that passes in steps. */
Test(sim_irqs, clocks_do_not_depend_on_steps)
{
	uint64_t exec[2][3], irqs[2][3];

	for (unsigned int n = 0; n < 2; n++) {
		rig_close();
		rig_open(ORACLE);
		IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(1), OUT));
		IS(OK, CALL(1, IDLE_SELF));
		for (unsigned int i = 0; i < (n ? 3333u : 1u); i++)
			wait_us(n ? 1001 : 3336333);
		for (unsigned int p = 0; p < 3; p++)
			exec[n][p] = status_of(p, XM_F_PARTITION_STATUS_execClock);
		for (unsigned int p = 0; p < 3; p++)
			irqs[n][p] = IRQS(p);
	}
	cr_assert_arr_eq(exec[0], exec[1], sizeof(exec[0]));
	cr_assert_arr_eq(irqs[0], irqs[1], sizeof(irqs[0]));
	cr_assert_eq(exec[0][1], 100000);
}
