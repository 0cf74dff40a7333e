// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.9: status of the system and of partitions, and what the partition's tables say. */

#include "tests/conformance/conformance.h"

#define NEEDS_PLAIN NEEDS(peer_has(machine.plain.partition), "a process in the plain partition")

static long system_status(xmSystemStatus_t *status)
{
#if XM_FAMILY == 2
	return XM_system_get_status(status);
#else
	return XM_get_system_status(status);
#endif
}

static long far_system(void *arg)
{
	xmSystemStatus_t status;

	(void)arg;
	return system_status(&status);
}

static long far_partition(void *arg)
{
	xmPartitionStatus_t status;

	return partition_status((unsigned int)*(long *)arg, &status);
}

static void system_counters(void)
{
	xmSystemStatus_t before, after;

	memset(&before, 0x55, sizeof(before));
	IS(XM_OK, system_status(&before));
	HOLDS(before.resetCounter < 1000);
	NEEDS(machine.n_plans, "plans");
	machine_pass(2 * machine.frame[0] + 1000);
	IS(XM_OK, system_status(&after));
	HOLDS(after.currentMaf >= before.currentMaf);
	EQ(before.resetCounter, after.resetCounter);
	HOLDS(after.noHmEvents >= before.noHmEvents);
}

static void system_bad(void)
{
	IS(XM_INVALID_PARAM, system_status(NULL));
	IS(XM_INVALID_PARAM, system_status(bad_memory()));
	IS(XM_INVALID_PARAM, system_status(constant_memory()));
}

static void system_rights(void)
{
	char none = 0;

	NEEDS_PLAIN;
	IS(XM_PERM_ERROR, peer_run(machine.plain.partition, far_system, &none, 1));
}

static void partitions(void)
{
	xmPartitionStatus_t status;

	for (unsigned int id = 0; id < machine.n_partitions; id++) {
		memset(&status, 0x55, sizeof(status));
		IS(XM_OK, partition_status(id, &status));
		HOLDS(status.state <= XM_STATUS_HALTED);
		HOLDS(status.execClock >= 0 && status.execClock <= machine_time());
	}
	IS(XM_OK, partition_status((unsigned int)machine.self.partition, &status));
	EQ(XM_STATUS_READY, status.state);
}

static void partitions_bad(void)
{
	xmPartitionStatus_t status;
	long self = machine.self.partition;

	IS(XM_INVALID_PARAM, partition_status(machine.n_partitions, &status));
	IS(XM_INVALID_PARAM, partition_status(1000, &status));
	IS(XM_INVALID_PARAM, partition_status(~0U, &status));
	IS(XM_INVALID_PARAM, partition_status((unsigned int)self, NULL));
	IS(XM_INVALID_PARAM, partition_status((unsigned int)self, bad_memory()));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, partition_status((unsigned int)self, (void *)((char *)&status + 1)));
#endif
}

static void partitions_rights(void)
{
	long self = machine.self.partition, plain = machine.plain.partition;

	NEEDS_PLAIN;
	IS(XM_OK, peer_run(plain, far_partition, &plain, sizeof(plain)));
	IS(XM_PERM_ERROR, peer_run(plain, far_partition, &self, sizeof(self)));
}

#if XM_PROFILE != XM_PROFILE_2_4

static long mode_of_self(void)
{
	xmPartitionStatus_t status;
	long code = partition_status((unsigned int)machine.self.partition, &status);

	return code == XM_OK ? (long)status.opMode : code;
}

static void operating_mode(void)
{
	for (xm_s32_t mode = XM_OPMODE_IDLE; mode <= XM_OPMODE_NORMAL; mode++) {
		IS(XM_OK, XM_set_partition_opmode(mode));
		EQ(mode, mode_of_self());
	}
	IS(XM_INVALID_PARAM, XM_set_partition_opmode(4));
	IS(XM_INVALID_PARAM, XM_set_partition_opmode(-1));
	EQ(XM_OPMODE_NORMAL, mode_of_self());
	IS(XM_INVALID_PARAM,
	   XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, machine.self.partition, 0),
			  XM_SET_PARTITION_OPMODE, NULL));
}

static long far_mode(void *arg)
{
	union statusCmd command = { .opMode = XM_OPMODE_NORMAL };

	return XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, *(long *)arg, 0),
			      XM_SET_PARTITION_OPMODE, &command);
}

static void operating_mode_of_others(void)
{
	long managed = machine.managed.partition, beyond = machine.n_partitions;

	IS(XM_OK, far_mode(&managed));
	IS(XM_INVALID_PARAM, far_mode(&beyond));
	IS(XM_INVALID_PARAM, far_mode(&(long){ XM_HYPERVISOR_ID }));
}

static void operating_mode_rights(void)
{
	long self = machine.self.partition, plain = machine.plain.partition;

	NEEDS_PLAIN;
	IS(XM_OK, peer_run(plain, far_mode, &plain, sizeof(plain)));
	IS(XM_PERM_ERROR, peer_run(plain, far_mode, &self, sizeof(self)));
}

#endif

static void tables(void)
{
#if XM_FAMILY == 2
	const partitionInformationTable_t *pit = XM_params_get_PIT();

	EQ(XM_PIT_SIGNATURE, pit->signature);
	EQ(machine.self.partition, pit->id);
	EQ(machine.n_partitions, pit->noPartitions);
	HOLDS(!strncmp(pit->name, machine.self.name, sizeof(pit->name)));
	HOLDS(pit->flags & XM_PART_SUPERVISOR);
	EQ(KTHREAD_MAGIC, XM_params_get_PCT()->magic);
#else
	const partitionControlTable_t *pct = XM_get_PCT();

	EQ(KTHREAD_MAGIC, pct->magic);
	EQ(machine.self.partition, pct->id & 0xff);
	EQ(machine.vcpus, pct->noVCpus);
	EQ(machine.n_partitions,
	   (pct->flags & XM_PCT_NO_PARTITIONS_MASK) >> XM_PCT_NO_PARTITIONS_BIT);
	HOLDS(!strncmp((const char *)pct->name, machine.self.name, sizeof(pct->name)));
#endif
}

#if XM_FAMILY == 3
static void names(void)
{
	char text[NAME_MAX_LEN];

	memcpy(text, machine.self.name, sizeof(text));
	IS(machine.self.partition, XM_get_gid_by_name((xm_u8_t *)text, XM_PARTITION_NAME));
	IS(XM_INVALID_CONFIG, XM_get_gid_by_name((xm_u8_t *)text, XM_PLAN_NAME));
	IS(XM_INVALID_PARAM, XM_get_gid_by_name((xm_u8_t *)text, 2));
	IS(XM_INVALID_PARAM, XM_get_gid_by_name(NULL, XM_PARTITION_NAME));
	IS(XM_INVALID_PARAM, XM_get_gid_by_name(bad_memory(), XM_PARTITION_NAME));
	memcpy(text, machine.managed.name, sizeof(text));
	IS(machine.managed.partition, XM_get_gid_by_name((xm_u8_t *)text, XM_PARTITION_NAME));
	memcpy(text, "no such name", sizeof("no such name"));
	IS(XM_INVALID_CONFIG, XM_get_gid_by_name((xm_u8_t *)text, XM_PARTITION_NAME));
	for (unsigned int i = 0; i < machine.n_plans; i++)
		if (strcmp(machine.plan_name[i], "-"))
			IS(i, XM_get_gid_by_name((xm_u8_t *)machine.plan_name[i], XM_PLAN_NAME));
}

static long far_name(void *arg)
{
	return XM_get_gid_by_name(arg, XM_PARTITION_NAME);
}

static void names_for_all(void)
{
	NEEDS_PLAIN;
	IS(machine.self.partition, peer_run(machine.plain.partition, far_name, machine.self.name,
					    sizeof(machine.self.name)));
}
#endif

const struct row status_rows[] = {
	{ "5.9", "status / system", system_counters, false },
	{ "5.9", "status / system: bad pointers", system_bad, false },
	{ "5.9", "status / system: rights", system_rights, false },
	{ "5.9", "status / partitions", partitions, false },
	{ "5.9", "status / partitions: bad arguments", partitions_bad, false },
	{ "5.9", "status / partitions: rights", partitions_rights, false },
#if XM_PROFILE != XM_PROFILE_2_4
	{ "5.9", "status / operating mode", operating_mode, false },
	{ "5.9", "status / operating mode of others", operating_mode_of_others, false },
	{ "5.9", "status / operating mode: rights", operating_mode_rights, false },
#endif
	{ "5.9", "status / tables of the partition", tables, false },
#if XM_FAMILY == 3
	{ "5.9", "status / names", names, false },
	{ "5.9", "status / names: anybody may ask", names_for_all, false },
#endif
	{ NULL, NULL, NULL, false },
};
