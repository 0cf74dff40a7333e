/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H

/*
 * A simulated system for a test: partition 0 manages, 1 and 2 of the 3.x demo do not; in "prtos"
 * partition 2 manages as well; "traced" has traces, interrupts between partitions, several memory
 * areas and, in partition 0, two virtual processors; "two" is of 2.x, where 0 manages, 1 runs and 2 is
 * not started.  Calls are written as CALL(partition, OPERATION, arguments...).
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/load.h"
#include "xmbroker/sim/sim.h"

#define DEMO "policy/examples/demo.xml"
#define PRTOS "tests/system/good/prtos.xml"
#define TRACED "tests/system/good/traced.xml"
#define TWO "tests/sim_2x.xml"
#define START 1000000 /* us on the clock of the test when the system boots */

static struct {
	struct system *sys;
	struct sim *sim;
	int64_t now;
	enum sim_result result;
	struct xm_reply reply;
	uint8_t space[65536];
} rig;

static inline void rig_open_as(const char *path, enum xm_profile profile, bool quirks)
{
	struct sim_options options = { .profile = profile, .quirks = quirks };
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load(path, &diag, &rig.sys), 0, "%s (run from the top folder)", path);
	diag_free(&diag);
	rig.now = START;
	cr_assert_eq(sim_new(rig.sys, &options, rig.now, &rig.sim), 0);
	xm_reply_init(&rig.reply, rig.space, sizeof(rig.space));
}

static inline void rig_open(const char *path)
{
	rig_open_as(path, 0, false);
}

static inline void rig_demo(void)
{
	rig_open(DEMO);
}

static inline void rig_prtos(void)
{
	rig_open(PRTOS);
}

static inline void rig_traced(void)
{
	rig_open(TRACED);
}

static inline void rig_close(void)
{
	sim_free(rig.sim);
	free(rig.sys);
}

static inline unsigned int rig_call(uint32_t partition, const struct xm_request *req)
{
	rig.result = sim_call(rig.sim, partition, req, &rig.reply, rig.now);
	return rig.reply.code;
}

/* Arguments: a number, a name, bytes, room for an output, and pointers that are no good. */
#define N(x)                                                                                       \
	{                                                                                          \
		.num = (uint64_t)(x)                                                               \
	}
#define S(s)                                                                                       \
	{                                                                                          \
		.data = (const uint8_t *)(s), .len = sizeof(s) - 1                                 \
	}
#define B(p, n)                                                                                    \
	{                                                                                          \
		.data = (const uint8_t *)(p), .len = (n)                                           \
	}
#define OUT                                                                                        \
	{                                                                                          \
		.state = XM_ST_OK                                                                  \
	}
#define NUL                                                                                        \
	{                                                                                          \
		.state = XM_ST_NULL                                                                \
	}
#define BAD                                                                                        \
	{                                                                                          \
		.state = XM_ST_FAULT                                                               \
	}
#define ABSENT                                                                                     \
	{                                                                                          \
		.state = XM_ST_ABSENT                                                              \
	}

#define CALL(partition, OP, ...)                                                                   \
	rig_call(partition, &(struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })
#define IS(expected, call)                                                                         \
	do {                                                                                       \
		unsigned int is_code = (call);                                                     \
		cr_assert_eq(is_code, XM_C_##expected, "%s = %s", #call, xm_code_name(is_code));   \
	} while (0)

static inline void wait_us(int64_t us)
{
	rig.now += us;
	sim_run(rig.sim, rig.now);
}

static inline uint64_t word(unsigned int arg, unsigned int field)
{
	cr_assert_eq(rig.reply.out[arg].state, XM_ST_OK);
	cr_assert_lt(field, rig.reply.out[arg].len);
	return rig.reply.out[arg].words[field];
}

/* As partition 0 sees it. */
static inline uint64_t status_of(uint32_t partition, unsigned int field)
{
	cr_assert_eq(CALL(0, GET_PARTITION_STATUS, N(partition), OUT), XM_C_OK);
	return word(1, field);
}

#define STATE(p) status_of(p, XM_F_PARTITION_STATUS_state)
#define OPMODE(p) status_of(p, XM_F_PARTITION_STATUS_opMode)
static inline uint64_t vcpu_mode_of(uint32_t partition)
{
	cr_assert_eq(CALL(0, GET_VCPU_STATUS, N(partition), N(0), OUT), XM_C_OK);
	return word(2, XM_F_VCPU_STATUS_opMode);
}

#define VCPU_MODE(p) vcpu_mode_of(p) /* of its first one */
#define COUNTER(p) status_of(p, XM_F_PARTITION_STATUS_resetCounter)
#define STATUS(p) status_of(p, XM_F_PARTITION_STATUS_resetStatus)

enum { IDLE = 0, READY = 1, SUSPENDED = 2, HALTED = 3 };

#endif
