// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: status, names, console, and what is no call at all. */

#include "tests/sim_rig.h"

TestSuite(sim_status, .init = rig_demo, .fini = rig_close);

Test(sim_status, permission_comes_first_then_the_pointer_then_the_identifier)
{
	IS(PERM_ERROR, CALL(1, GET_SYSTEM_STATUS, NUL));
	IS(INVALID_PARAM, CALL(0, GET_SYSTEM_STATUS, NUL));
	IS(PERM_ERROR, CALL(1, GET_PARTITION_STATUS, N(7), NUL));
	IS(PERM_ERROR, CALL(1, GET_PARTITION_STATUS, N(0), OUT));
	IS(OK, CALL(1, GET_PARTITION_STATUS, N(1), OUT));
	IS(INVALID_PARAM, CALL(0, GET_PARTITION_STATUS, N(3), OUT));
	IS(INVALID_PARAM, CALL(0, GET_PARTITION_STATUS, N(0), BAD));
	IS(PERM_ERROR, CALL(1, GET_VCPU_STATUS, N(0), N(0), OUT));
	IS(OK, CALL(1, GET_VCPU_STATUS, N(1), N(0), OUT));
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(1), N(1), OUT));
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(7), N(0), OUT));
}

Test(sim_status, operating_mode)
{
	IS(OK, CALL(0, SET_PARTITION_OPMODE, N(0), N(0)));
	cr_assert_eq(OPMODE(0), 0);
	IS(OK, CALL(0, SET_PARTITION_OPMODE, N(0), N(3)));
	cr_assert_eq(OPMODE(0), 3);
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(0), N(4)));
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(0), N(UINT32_MAX)));
	IS(OK, CALL(0, SET_PARTITION_OPMODE, N(1), N(2)));
	cr_assert_eq(OPMODE(1), 2);
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(7), N(3)));
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(255), N(3)));
	IS(PERM_ERROR, CALL(1, SET_PARTITION_OPMODE, N(7), N(9)));
	IS(OK, CALL(1, SET_PARTITION_OPMODE, N(1), N(1)));
}

Test(sim_status, pages)
{
	IS(OK, CALL(0, GET_PHYSPAGE_STATUS, N(0), N(0x4000000), OUT));
	cr_assert_eq(word(2, XM_F_PHYSPAGE_STATUS_pAddr), 0x4000000);
	IS(OK, CALL(0, GET_PHYSPAGE_STATUS, N(0), N(0x7fff000), OUT));
	IS(INVALID_PARAM, CALL(0, GET_PHYSPAGE_STATUS, N(0), N(0x8000000), OUT));
	IS(INVALID_PARAM, CALL(0, GET_PHYSPAGE_STATUS, N(0), N(0), OUT));
	IS(INVALID_PARAM, CALL(0, GET_PHYSPAGE_STATUS, N(0), N(0x4000000), NUL));
	IS(INVALID_PARAM, CALL(0, GET_PHYSPAGE_STATUS, N(7), N(0x4000000), OUT));
	IS(PERM_ERROR, CALL(1, GET_PHYSPAGE_STATUS, N(0), N(0x4000000), OUT));
}

Test(sim_status, names)
{
	IS(OK, CALL(1, GET_GID_BY_NAME, S("camera"), N(0)));
	cr_assert_eq(rig.reply.value, 2);
	IS(OK, CALL(0, GET_GID_BY_NAME, S("linux"), N(0)));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, CALL(0, GET_GID_BY_NAME, S("safe"), N(1)));
	cr_assert_eq(rig.reply.value, 1);
	IS(INVALID_CONFIG, CALL(0, GET_GID_BY_NAME, S("nobody"), N(0)));
	IS(INVALID_CONFIG, CALL(0, GET_GID_BY_NAME, S("camera"), N(1)));
	IS(INVALID_CONFIG, CALL(0, GET_GID_BY_NAME, S("camer"), N(0)));
	IS(INVALID_CONFIG, CALL(0, GET_GID_BY_NAME, S(""), N(0)));
	IS(INVALID_PARAM, CALL(0, GET_GID_BY_NAME, S("camera"), N(2)));
	IS(INVALID_PARAM, CALL(0, GET_GID_BY_NAME, NUL, N(0)));
	IS(INVALID_PARAM, CALL(0, GET_GID_BY_NAME, BAD, N(99)));
}

Test(sim_status, own_partition)
{
	IS(OK, CALL(2, PARTITION_SELF));
	cr_assert_eq(rig.reply.value, 2);
}

/* ---- console -------------------------------------------------------------------------------------- */

static char shown[256];
static uint32_t shown_by;

static size_t show(void *arg, uint32_t partition, const uint8_t *data, size_t len)
{
	(void)arg;
	memcpy(shown, data, len);
	shown_by = partition;
	return len > 100 ? 100 : len;
}

#define CONSOLE(p, id, buf, len) CALL(p, WRITE_CONSOLE, N(id), buf, N(len))

Test(sim_status, console_checks)
{
	static const char text[200] = "x";

	IS(PERM_ERROR, CONSOLE(0, 1, NUL, 129));
	IS(PERM_ERROR, CONSOLE(0, 255, B(text, 3), 3));
	IS(INVALID_PARAM, CONSOLE(0, 0, NUL, 3));
	IS(INVALID_PARAM, CONSOLE(0, 0, BAD, 0));
	IS(INVALID_PARAM, CONSOLE(0, 0, B(text, 129), 129));
	IS(INVALID_PARAM, CONSOLE(0, 0, { .state = XM_ST_OVERSIZE }, UINT32_MAX));
	IS(OK, CONSOLE(0, 0, B(text, 0), 0));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, CONSOLE(0, 0, B(text, 128), 128));
	cr_assert_eq(rig.reply.value, 128);
}

Test(sim_status, console_output)
{
	sim_set_console(rig.sim, show, NULL);
	IS(OK, CONSOLE(1, 1, B("hello\n", 6), 6));
	cr_assert_eq(rig.reply.value, 6);
	cr_assert_eq(shown_by, 1);
	cr_assert_str_eq(shown, "hello\n");
}

Test(sim_status, console_may_accept_less)
{
	static const char text[128] = "x";

	sim_set_console(rig.sim, show, NULL);
	IS(OK, CONSOLE(1, 1, B(text, 128), 128));
	cr_assert_eq(rig.reply.value, 100);
}

Test(sim_status, console_is_only_written)
{
	IS(OP_NOT_ALLOWED, CALL(0, READ_CONSOLE, N(0), OUT, N(8)));
	IS(OP_NOT_ALLOWED, CALL(0, READ_CONSOLE, N(1), NUL, N(0)));
	IS(OP_NOT_ALLOWED, CALL(0, SEEK_CONSOLE, N(0), N(0), N(9)));
}

/* ---- no call at all ------------------------------------------------------------------------------- */

Test(sim_status, unclassified)
{
	IS(UNKNOWN_HYPERCALL, CALL(0, UNCLASSIFIED, N(0)));
	IS(INVALID_PARAM, CALL(0, UNCLASSIFIED, N(1)));
	IS(OP_NOT_ALLOWED, CALL(0, UNCLASSIFIED, N(2)));
	IS(INVALID_PARAM, CALL(0, UNCLASSIFIED, N(3)));
	IS(UNKNOWN_HYPERCALL, CALL(0, UNCLASSIFIED, N(77)));
}

Test(sim_status, requests_to_the_broker)
{
	IS(UNKNOWN_HYPERCALL, CALL(0, BROKER_STATUS));
	IS(UNKNOWN_HYPERCALL, CALL(0, BROKER_KICK, N(0)));
	IS(UNKNOWN_HYPERCALL, rig_call(0, &(struct xm_request){ .op = XM_N_OPS }));
}

Test(sim_status, other_families_are_not_simulated)
{
	struct sim *sim = NULL;

	struct sim_options options = { .profile = XM_PROFILE_ID_2_6 };

	cr_assert_lt(sim_new(rig.sys, &options, 0, &sim), 0);
	options.profile = (enum xm_profile)5;
	cr_assert_lt(sim_new(rig.sys, &options, 0, &sim), 0);
	rig.sys->profile = 0;
	cr_assert_lt(sim_new(rig.sys, NULL, 0, &sim), 0);
	cr_assert_null(sim);
}

/* ---- anything at all ------------------------------------------------------------------------------ */

static uint64_t random_state = 2463534242;

static uint64_t dice(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 9) % n;
}

static void random_call(uint32_t n_partitions)
{
	static const uint64_t odd[] = { 0,   1,    2,    8,          64,        128,       129,
					255, 1023, 1024, UINT32_MAX, INT64_MAX, UINT64_MAX };
	/* Each with room behind it, for it also serves as a structure of as many fields. */
	static const char names[7][64] = { "out", "in", "back", "portQ", "portS", "attitude", "" };
	struct xm_request req = { .op = (unsigned int)dice(XM_N_OPS + 1) };

	if ((req.op == XM_OP_HALT_SYSTEM || req.op == XM_OP_HALT_PARTITION) && dice(50))
		return;
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
		const char *name = names[dice(7)];

		req.arg[i].state = (uint8_t)(dice(8) ? XM_ST_OK : dice(XM_N_STATES));
		req.arg[i].num = dice(2) ? dice(9) : odd[dice(13)];
		if (req.arg[i].state == XM_ST_OK) {
			req.arg[i].data = (const uint8_t *)name;
			req.arg[i].len = (uint32_t)strlen(name);
		}
	}
	rig.now += (int64_t)dice(50000);
	rig_call((uint32_t)dice(n_partitions), &req);
	sim_wakeup(rig.sim);
	if (sim_system_halted(rig.sim)) {
		sim_free(rig.sim);
		sim_new(rig.sys, NULL, rig.now, &rig.sim);
	}
}

static void random_calls(const char *path)
{
	uint32_t n;

	rig_open(path);
	system_partitions(rig.sys, &n);
	for (unsigned int i = 0; i < 50000; i++)
		random_call(n);
	rig_close();
}

Test(sim_random, never_crashes)
{
	random_calls(DEMO);
	random_calls(TRACED);
	random_calls(PRTOS);
	random_calls("tests/system/good/everything.xml");
	random_calls("tests/system/good/minimal.xml");
	random_calls("tests/system/good/fixed-priority.xml");
}
