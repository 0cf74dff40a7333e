// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: what the same calls answer in every profile, and with the originals' defects. */

#include "libxm/core/text.h"
#include "tests/sim_rig.h"

/* A program of each profile, and whether the families of codes are those of 2.x. */
static const struct profile {
	const char *path;
	enum xm_profile id;
	bool two;
} profiles[] = {
	{ TWO, XM_PROFILE_ID_2_4, true },
	{ TWO, XM_PROFILE_ID_2_6, true },
	{ DEMO, XM_PROFILE_ID_3_X, false },
	{ PRTOS, XM_PROFILE_ID_PRTOS, false },
};

#define N_PROFILES (sizeof(profiles) / sizeof(profiles[0]))

/* ---- managing partitions: codes and then states ----------------------------------------------------- */

#define ANY_STATE 99

struct row {
	unsigned int caller, op;
	uint64_t arg[3];
	unsigned int code_2x, code_3x;
	unsigned int state_2x, state_3x; /* of partition 1, after it */
	unsigned int counter;            /* its reset counter */
};

#define ROW(caller, OP, a, b, c, two, three, state2, state3, n)                                    \
	{                                                                                          \
		caller, XM_OP_##OP, { a, b, c }, XM_C_##two, XM_C_##three, state2, state3, n       \
	}

static const struct row life[] = {
	/* The caller may not: 2.x looks for the partition first when it is to be reset. */
	ROW(1, HALT_PARTITION, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, HALT_PARTITION, 99, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, SUSPEND_PARTITION, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, RESUME_PARTITION, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, RESUME_PARTITION, 1, 0, 0, PERM_ERROR, NO_ACTION, READY, READY, 0),
	ROW(1, SHUTDOWN_PARTITION, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, SHUTDOWN_PARTITION, 1, 0, 0, OK, OK, READY, READY, 0),
	ROW(1, RESET_PARTITION, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, RESET_PARTITION, 99, 0, 0, INVALID_PARAM, PERM_ERROR, READY, READY, 0),
	ROW(1, HALT_SYSTEM, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	ROW(1, RESET_SYSTEM, 0, 0, 0, PERM_ERROR, PERM_ERROR, READY, READY, 0),
	/* There is no such partition. */
	ROW(0, HALT_PARTITION, 99, 0, 0, INVALID_PARAM, INVALID_PARAM, READY, READY, 0),
	ROW(0, SUSPEND_PARTITION, 255, 0, 0, INVALID_PARAM, INVALID_PARAM, READY, READY, 0),
	ROW(0, RESUME_PARTITION, UINT32_MAX, 0, 0, INVALID_PARAM, INVALID_PARAM, READY, READY, 0),
	ROW(0, SHUTDOWN_PARTITION, 3, 0, 0, INVALID_PARAM, INVALID_PARAM, READY, READY, 0),
	ROW(0, RESET_PARTITION, 3, 0, 0, INVALID_PARAM, INVALID_PARAM, READY, READY, 0),
	/* Through all states. */
	ROW(0, RESUME_PARTITION, 0, 0, 0, OK, NO_ACTION, READY, READY, 0),
	ROW(0, RESUME_PARTITION, 1, 0, 0, OK, NO_ACTION, READY, READY, 0),
	ROW(0, SUSPEND_PARTITION, 1, 0, 0, OK, OK, SUSPENDED, SUSPENDED, 0),
	ROW(0, SUSPEND_PARTITION, 1, 0, 0, OK, NO_ACTION, SUSPENDED, SUSPENDED, 0),
	ROW(0, SHUTDOWN_PARTITION, 1, 0, 0, OK, OK, SUSPENDED, SUSPENDED, 0),
	ROW(0, RESUME_PARTITION, 1, 0, 0, OK, OK, READY, READY, 0),
	ROW(0, HALT_PARTITION, 1, 0, 0, OK, OK, HALTED, HALTED, 0),
	ROW(0, HALT_PARTITION, 1, 0, 0, OK, NO_ACTION, HALTED, HALTED, 0),
	ROW(0, SUSPEND_PARTITION, 1, 0, 0, OP_NOT_ALLOWED, NO_ACTION, HALTED, HALTED, 0),
	ROW(0, RESUME_PARTITION, 1, 0, 0, OK, NO_ACTION, HALTED, HALTED, 0),
	ROW(0, SHUTDOWN_PARTITION, 1, 0, 0, OK, OK, HALTED, HALTED, 0),
	ROW(0, RESET_PARTITION, 1, 1, 6, OK, OK, READY, READY, 1),
	ROW(0, RESET_PARTITION, 1, 1, 7, OK, OK, READY, READY, 2),
	ROW(0, RESET_PARTITION, 1, 0, 5, OK, OK, READY, READY, 0),
	/* Of the mode, 2.x takes a bit. */
	ROW(0, RESET_PARTITION, 1, 99, 5, OK, INVALID_PARAM, READY, READY, ANY_STATE),
	/* A reset ends a suspension. */
	ROW(0, SUSPEND_PARTITION, 1, 0, 0, OK, OK, SUSPENDED, SUSPENDED, ANY_STATE),
	ROW(0, RESET_PARTITION, 1, 0, 5, OK, OK, READY, READY, 0),
};

static void check_life(const struct profile *p, const struct row *row, unsigned int nr)
{
	struct xm_request req = { .op = row->op };
	unsigned int code = p->two ? row->code_2x : row->code_3x;

	for (unsigned int i = 0; i < 3; i++)
		req.arg[i].num = row->arg[i];
	rig_call(row->caller, &req);
	cr_assert_eq(rig.result, SIM_REPLY);
	cr_assert_eq(rig.reply.code, code, "%s, row %u: %s", p->path, nr,
		     xm_code_name(rig.reply.code));
	cr_assert_eq(STATE(1), p->two ? row->state_2x : row->state_3x, "%s, row %u", p->path, nr);
	if (row->counter != ANY_STATE)
		cr_assert_eq(COUNTER(1), row->counter, "%s, row %u", p->path, nr);
}

Test(sim_profiles, life_of_partitions)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		rig_open_as(profiles[i].path, profiles[i].id, false);
		for (unsigned int n = 0; n < sizeof(life) / sizeof(life[0]); n++)
			check_life(&profiles[i], &life[n], n);
		rig_close();
	}
}

/* ---- what a profile lacks --------------------------------------------------------------------------- */

static bool answers_at_all(const struct profile *p, unsigned int op)
{
	/* Objects that 3.x has, and operations that these lack there. */
	if (!p->two && (op == XM_OP_READ_CONSOLE || op == XM_OP_SEEK_CONSOLE))
		return true;
	return op != XM_OP_UNCLASSIFIED && xm_ops[op].profiles & XM_IN(p->id) &&
	       !(xm_ops[op].flags & XM_OPF_BROKER);
}

Test(sim_profiles, operations)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		for (unsigned int op = 0; op < XM_N_OPS; op++) {
			rig_open_as(profiles[i].path, profiles[i].id, false);
			rig_call(0, &(struct xm_request){ .op = op });
			cr_assert_eq(rig.reply.code != XM_C_UNKNOWN_HYPERCALL,
				     answers_at_all(&profiles[i], op), "%s, %s", profiles[i].path,
				     xm_ops[op].name);
			rig_close();
		}
	}
}

Test(sim_profiles, numbers_and_classes_without_a_call)
{
	static const unsigned int original[] = {
		XM_C_UNKNOWN_HYPERCALL,
		XM_C_NO_ACTION,
		XM_C_NO_ACTION,
		XM_C_NO_ACTION,
	};

	for (unsigned int i = 0; i < N_PROFILES; i++) {
		rig_open_as(profiles[i].path, profiles[i].id, false);
		IS(UNKNOWN_HYPERCALL, CALL(0, UNCLASSIFIED, N(0)));
		IS(INVALID_PARAM, CALL(0, UNCLASSIFIED, N(1)));
		cr_assert_eq(CALL(0, UNCLASSIFIED, N(2)),
			     profiles[i].two ? XM_C_INVALID_PARAM : XM_C_OP_NOT_ALLOWED);
		rig_close();
		rig_open_as(profiles[i].path, profiles[i].id, true);
		cr_assert_eq(CALL(0, UNCLASSIFIED, N(0)), original[i]);
		rig_close();
	}
}

/* ---- timers ------------------------------------------------------------------------------------------ */

static const struct {
	int64_t clock, at, interval;
	unsigned int code[N_PROFILES];
} timers[] = {
	{ 0, 0, 0, { XM_C_OK, XM_C_OK, XM_C_OK, XM_C_OK } },
	{ 1, 5, 5, { XM_C_OK, XM_C_OK, XM_C_OK, XM_C_OK } },
	{ 2, 0, 0, { XM_C_OK, XM_C_OK, XM_C_OK, XM_C_INVALID_PARAM } },
	{ 3,
	  0,
	  0,
	  { XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM } },
	{ 0,
	  -1,
	  0,
	  { XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM } },
	{ 0, 5, -1, { XM_C_OK, XM_C_OK, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM } },
};

Test(sim_profiles, timers)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		rig_open_as(profiles[i].path, profiles[i].id, false);
		for (unsigned int n = 0; n < sizeof(timers) / sizeof(timers[0]); n++)
			cr_assert_eq(CALL(0, SET_TIMER, N(timers[n].clock), N(timers[n].at),
					  N(timers[n].interval)),
				     timers[n].code[i], "%s, row %u", profiles[i].path, n);
		rig_close();
	}
}

/* ---- plans ------------------------------------------------------------------------------------------- */

static const struct {
	uint64_t plan;
	bool later; /* in a later major frame */
	unsigned int code[N_PROFILES];
} plans[] = {
	{ 0, false, { XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_NO_ACTION, XM_C_NO_ACTION } },
	{ 9,
	  false,
	  { XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_INVALID_PARAM } },
	{ 1, false, { XM_C_OK, XM_C_OK, XM_C_OK, XM_C_OK } },
	{ 1, false, { XM_C_OK, XM_C_OK, XM_C_OK, XM_C_OK } },
	{ 1, true, { XM_C_OK, XM_C_OK, XM_C_NO_ACTION, XM_C_NO_ACTION } },
	{ 0, false, { XM_C_INVALID_PARAM, XM_C_INVALID_PARAM, XM_C_OK, XM_C_INVALID_PARAM } },
};

Test(sim_profiles, plans)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		rig_open_as(profiles[i].path, profiles[i].id, false);
		for (unsigned int n = 0; n < sizeof(plans) / sizeof(plans[0]); n++) {
			if (plans[n].later)
				wait_us(10000000);
			cr_assert_eq(CALL(0, SWITCH_SCHED_PLAN, N(plans[n].plan), OUT),
				     plans[n].code[i], "%s, row %u", profiles[i].path, n);
		}
		IS(PERM_ERROR, CALL(1, SWITCH_SCHED_PLAN, N(1), OUT));
		rig_close();
	}
}

/* ---- reset of the system ----------------------------------------------------------------------------- */

static uint64_t system_resets(void)
{
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	return word(0, XM_F_SYSTEM_STATUS_resetCounter);
}

Test(sim_profiles, reset_counters_of_the_system)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		bool two = profiles[i].two;

		rig_open_as(profiles[i].path, profiles[i].id, false);
		IS(OK, CALL(0, RESET_SYSTEM, N(1)));
		cr_assert_eq(rig.result, SIM_GONE);
		cr_assert_eq(system_resets(), 1);
		IS(OK, CALL(0, RESET_SYSTEM, N(0)));
		cr_assert_eq(system_resets(), two ? 2 : 0);
		cr_assert_eq(CALL(0, RESET_SYSTEM, N(3)), two ? XM_C_OK : XM_C_INVALID_PARAM);
		cr_assert_eq(system_resets(), two ? 3 : 0);
		rig_close();
	}
}

/* ---- defects of 3.x and PRTOS ------------------------------------------------------------------------- */

static void original_vcpus(void)
{
	IS(NO_ACTION, CALL(1, SUSPEND_VCPU, N(0)));
	IS(OK, CALL(1, RESUME_VCPU, N(0)));
	IS(OK, CALL(0, GET_VCPU_STATUS, N(1), N(0), OUT));
	IS(OK, CALL(0, GET_VCPU_STATUS, N(1), N(1), OUT));
	cr_assert_eq(word(2, XM_F_VCPU_STATUS_state), 0);
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(1), N(2), OUT));
	IS(INVALID_CONFIG, CALL(0, RAISE_PARTITION_IPVI, N(99), N(24)));
	IS(INVALID_PARAM, CALL(0, RAISE_PARTITION_IPVI, N(99), N(23)));
}

static void fixed_vcpus(void)
{
	IS(OK, CALL(1, SUSPEND_VCPU, N(0)));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	IS(NO_ACTION, CALL(1, RESUME_VCPU, N(0)));
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(1), N(1), OUT));
	IS(INVALID_PARAM, CALL(0, RAISE_PARTITION_IPVI, N(99), N(24)));
}

/* A watchdog of before the reset: in the original it bites after it. */
static void reset_with_a_timer(bool quirks)
{
	if (rig.sys->profile != XM_PROFILE_ID_3_X)
		return;
	IS(OK, CALL(1, SET_TIMER, N(2), N(5000), N(0)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	wait_us(1000000);
	cr_assert_eq(STATE(1), quirks ? HALTED : READY);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
}

static void reset_while_suspended(bool quirks)
{
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	cr_assert_eq(STATE(1), quirks ? SUSPENDED : READY);
}

Test(sim_profiles, defects_of_3_x)
{
	for (unsigned int i = 4; i < 2 * N_PROFILES; i++) {
		bool quirks = i % 2;

		rig_open_as(profiles[i / 2].path, profiles[i / 2].id, quirks);
		if (quirks)
			original_vcpus();
		else
			fixed_vcpus();
		reset_with_a_timer(quirks);
		reset_while_suspended(quirks);
		rig_close();
	}
}

#define CREATE(name, direction)                                                                    \
	CALL(0, CREATE_QUEUING_PORT, N(0), S(name), N(0), N(0), N(direction))

/* The next partition's first port is a queuing one, "portQ", which is read from. */
Test(sim_profiles, port_that_there_is_not)
{
	for (unsigned int quirks = 0; quirks < 2; quirks++) {
		rig_open_as("tests/oracle/prtos-x86-system.xml", 0, quirks);
		cr_assert_eq(CREATE("portX", 2), quirks ? XM_C_INVALID_CONFIG : XM_C_INVALID_PARAM);
		IS(INVALID_PARAM, CREATE("portX", 1));
		IS(INVALID_PARAM, CREATE("portX", 3));
		cr_assert_eq(CALL(0, GET_QUEUING_PORT_INFO, N(0), S("portX"), OUT),
			     quirks ? XM_C_OK : XM_C_INVALID_PARAM);
		IS(INVALID_PARAM, CALL(0, GET_SAMPLING_PORT_INFO, N(0), S("portX"), OUT));
		/* Nobody comes after the last one. */
		IS(INVALID_PARAM,
		   CALL(2, CREATE_QUEUING_PORT, N(2), S("portX"), N(2), N(32), N(2)));
		rig_close();
	}
}

/* The receiver's second port is the second one of the system, if one counts as the originals do. */
Test(sim_profiles, new_messages)
{
	for (unsigned int quirks = 0; quirks < 2; quirks++) {
		rig_open_as("tests/oracle/prtos-x86-system.xml", 0, quirks);
		IS(OK, CALL(0, CREATE_SAMPLING_PORT, N(0), S("portS"), N(32), N(2), N(100000)));
		IS(OK, CALL(1, CREATE_SAMPLING_PORT, N(1), S("portS"), N(32), N(1), N(100000)));
		cr_assert_eq(rig.reply.value, 5);
		wait_us(1);
		IS(OK, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(1), B("x", 1), N(1)));
		IS(OK, CALL(1, GET_SAMPLING_PORT_STATUS, N(1), N(5), OUT));
		cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_flags), quirks ? 1 : 5);
		IS(OK, CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(1), OUT));
		cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_flags), quirks ? 5 : 1);
		rig_close();
	}
}
