// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.2: starting and stopping partitions, state by state. */

#include "tests/conformance/conformance.h"

#define TARGET ((unsigned int)machine.managed.partition)
#define NEEDS_TARGET NEEDS(machine.managed.partition >= 0, "a partition that may be stopped")
#define NEEDS_PLAIN NEEDS(peer_has(machine.plain.partition), "a process in the plain partition")

static void ready(void)
{
	revive(TARGET);
	EQ(XM_STATUS_READY, state_of(TARGET));
}

static void suspended(void)
{
	ready();
	IS(XM_OK, XM_suspend_partition(TARGET));
	EQ(XM_STATUS_SUSPENDED, state_of(TARGET));
}

static void halted(void)
{
	ready();
	IS(XM_OK, XM_halt_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
}

/* ---- another partition, state by state ------------------------------------------------------------ */

static void halt(void)
{
	NEEDS_TARGET;
	halted();
	IS(ALREADY, XM_halt_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
	suspended();
	IS(XM_OK, XM_halt_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
	ready();
}

static void suspend(void)
{
	NEEDS_TARGET;
	suspended();
	IS(ALREADY, XM_suspend_partition(TARGET));
	EQ(XM_STATUS_SUSPENDED, state_of(TARGET));
	halted();
	IS(XM_FAMILY == 2 ? XM_OP_NOT_ALLOWED : ALREADY, XM_suspend_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
	ready();
}

static void resume(void)
{
	NEEDS_TARGET;
	suspended();
	IS(XM_OK, XM_resume_partition(TARGET));
	EQ(XM_STATUS_READY, state_of(TARGET));
	IS(ALREADY, XM_resume_partition(TARGET));
	EQ(XM_STATUS_READY, state_of(TARGET));
	halted();
	IS(ALREADY, XM_resume_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
	ready();
}

static void shutdown(void)
{
	NEEDS_TARGET;
	ready();
	IS(XM_OK, XM_shutdown_partition(TARGET));
	EQ(XM_STATUS_READY, state_of(TARGET));
	suspended();
	IS(XM_OK, XM_shutdown_partition(TARGET));
	EQ(XM_STATUS_SUSPENDED, state_of(TARGET));
	halted();
	IS(XM_OK, XM_shutdown_partition(TARGET));
	EQ(XM_STATUS_HALTED, state_of(TARGET));
	ready();
}

/* ---- reset ---------------------------------------------------------------------------------------- */

static void check_counters(unsigned int counter, unsigned int status)
{
	xmPartitionStatus_t s;

	IS(XM_OK, partition_status(TARGET, &s));
	EQ(counter, s.resetCounter);
	EQ(status, s.resetStatus);
}

static void reset(void)
{
	NEEDS_TARGET;
	ready();
	IS(XM_OK, XM_reset_partition(TARGET, XM_COLD_RESET, 7));
	EQ(XM_STATUS_READY, state_of(TARGET));
	check_counters(0, 7);
	IS(XM_OK, XM_reset_partition(TARGET, XM_WARM_RESET, 8));
	check_counters(1, 8);
	IS(XM_OK, XM_reset_partition(TARGET, XM_WARM_RESET, ~0U));
	check_counters(2, ~0U);
	IS(XM_OK, XM_reset_partition(TARGET, XM_COLD_RESET, 0));
	check_counters(0, 0);
}

static void reset_halted(void)
{
	NEEDS_TARGET;
	halted();
	IS(XM_OK, XM_reset_partition(TARGET, XM_WARM_RESET, 3));
	EQ(XM_STATUS_READY, state_of(TARGET));
	check_counters(1, 3);
	ready();
}

/* A suspension ends with it in 2.x. */
static void reset_suspended(void)
{
	NEEDS_TARGET;
	suspended();
	IS(XM_OK, XM_reset_partition(TARGET, XM_COLD_RESET, 0));
#if XM_FAMILY == 2
	EQ(XM_STATUS_READY, state_of(TARGET));
#else
	IS_ANY(XM_OK, XM_NO_ACTION, XM_resume_partition(TARGET));
	EQ(XM_STATUS_READY, state_of(TARGET));
#endif
	ready();
}

static void reset_mode(void)
{
	NEEDS_TARGET;
	ready();
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, XM_reset_partition(TARGET, 2, 0));
	IS(XM_INVALID_PARAM, XM_reset_partition(TARGET, ~0U, 0));
	check_counters(0, 0);
#else
	/* The lowest bit counts; a broker before it knows 0 and 1. */
	if (!machine.brokered) {
		IS(XM_OK, XM_reset_partition(TARGET, 3, 5));
		check_counters(1, 5);
	}
	ready();
#endif
}

#if XM_FAMILY == 2
static void unbooted(void)
{
	unsigned int id = (unsigned int)machine.unbooted.partition;

	NEEDS(machine.unbooted.partition >= 0, "a partition that is not started at boot");
	EQ(XM_STATUS_HALTED, state_of(id));
	IS(XM_OK, XM_resume_partition(id));
	EQ(XM_STATUS_HALTED, state_of(id));
	IS(XM_OK, XM_reset_partition(id, XM_COLD_RESET, 0));
	EQ(XM_STATUS_READY, state_of(id));
	IS(XM_OK, XM_halt_partition(id));
}
#endif

/* What the partition had open is closed in 3.x and PRTOS, and stays open in 2.x. */
static void reset_and_ports(void)
{
	const struct port *out = &machine.port[SAMPLING_OUT];
	struct far_port far = far_end(out, 0);
	unsigned int id = (unsigned int)out->far[0].partition;

	NEEDS(out->n_far && peer_has(id), "a process at the other end");
	HOLDS(peer_run(id, far_read, &far, sizeof(far)) >= 0);
	IS(XM_OK, XM_reset_partition(id, XM_WARM_RESET, 0));
	peer_renew(id);
	far = far_end(out, 0);
	HOLDS(peer_run(id, far_read, &far, sizeof(far)) >= 0);
	EQ(XM_STATUS_READY, state_of(id));
}

/* ---- rights and identifiers ----------------------------------------------------------------------- */

static void unknown(void)
{
	const unsigned int ids[] = { machine.n_partitions, 254, 1000, ~0U };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		IS(XM_INVALID_PARAM, XM_halt_partition(ids[i]));
		IS(XM_INVALID_PARAM, XM_suspend_partition(ids[i]));
		IS(XM_INVALID_PARAM, XM_resume_partition(ids[i]));
		IS(XM_INVALID_PARAM, XM_shutdown_partition(ids[i]));
		IS(XM_INVALID_PARAM, XM_reset_partition(ids[i], XM_COLD_RESET, 0));
	}
}

static void without_rights(void)
{
	static const unsigned int calls[] = { halt_partition_nr, suspend_partition_nr,
					      resume_partition_nr, shutdown_partition_nr,
					      reset_partition_nr };
	unsigned long beyond = machine.n_partitions;

	NEEDS_PLAIN;
	ready();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		IS(XM_PERM_ERROR, peer_hcall(machine.plain.partition, calls[i], TARGET, 0, 0));
		IS(XM_PERM_ERROR, peer_hcall(machine.plain.partition, calls[i],
					     (unsigned long)machine.self.partition, 0, 0));
		if (XM_FAMILY == 2 && calls[i] == reset_partition_nr)
			IS(XM_INVALID_PARAM,
			   peer_hcall(machine.plain.partition, calls[i], beyond, 0, 0));
		else
			IS(XM_PERM_ERROR,
			   peer_hcall(machine.plain.partition, calls[i], beyond, 0, 0));
	}
	EQ(XM_STATUS_READY, state_of(TARGET));
}

static void own(void)
{
	unsigned int self = (unsigned int)machine.self.partition;

	IS(XM_OK, XM_shutdown_partition(self));
	IS(ALREADY, XM_resume_partition(self));
}

static void own_without_rights(void)
{
	NEEDS_PLAIN;
	IS(XM_OK, peer_hcall(machine.plain.partition, shutdown_partition_nr,
			     (unsigned long)machine.plain.partition, 0, 0));
	IS(XM_FAMILY == 2 ? XM_PERM_ERROR : ALREADY,
	   peer_hcall(machine.plain.partition, resume_partition_nr,
		      (unsigned long)machine.plain.partition, 0, 0));
}

#if XM_FAMILY == 3
static void system_mode(void)
{
	IS(XM_INVALID_PARAM, XM_reset_system(2));
	IS(XM_INVALID_PARAM, XM_reset_system(~0U));
}
#endif

static void system_without_rights(void)
{
	NEEDS_PLAIN;
	IS(XM_PERM_ERROR, peer_hcall(machine.plain.partition, halt_system_nr, 0, 0, 0));
	IS(XM_PERM_ERROR, peer_hcall(machine.plain.partition, reset_system_nr, 0, 0, 0));
#if XM_FAMILY == 3
	IS(XM_PERM_ERROR, peer_hcall(machine.plain.partition, reset_system_nr, 7, 0, 0));
#endif
}

const struct row partition_rows[] = {
	{ "6.2", "partitions / halt, in every state", halt, false },
	{ "6.2", "partitions / suspend, in every state", suspend, false },
	{ "6.2", "partitions / resume, in every state", resume, false },
	{ "6.2", "partitions / shutdown, in every state", shutdown, false },
	{ "6.2", "partitions / reset: counter and status", reset, false },
	{ "6.2", "partitions / reset: halted", reset_halted, false },
	{ "6.2", "partitions / reset: suspended", reset_suspended, false },
	{ "6.2", "partitions / reset: mode", reset_mode, false },
#if XM_FAMILY == 2
	{ "6.1", "partitions / not started at boot", unbooted, false },
#endif
	{ "6.2", "partitions / reset: ports", reset_and_ports, false },
	{ "6.2", "partitions / no such partition", unknown, false },
	{ "6.2", "partitions / without rights", without_rights, false },
	{ "6.2", "partitions / the own one", own, false },
	{ "6.2", "partitions / the own one, without rights", own_without_rights, false },
#if XM_FAMILY == 3
	{ "6.4", "system / reset: mode", system_mode, false },
#endif
	{ "6.4", "system / without rights", system_without_rights, false },
	{ NULL, NULL, NULL, false },
};
