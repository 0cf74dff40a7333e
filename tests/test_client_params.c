// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tables of the own partition, in every profile, against a broker that says what they hold. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>

#include "client_server.h"
#include "libxm/params.h"

/* The other profiles' symbols; what they return is read by the offsets that the manuals state. */
uint32_t *get_pit_24(void) __asm__("xm24_XM_params_get_PIT");
uint32_t *get_pct_24(void) __asm__("xm24_XM_params_get_PCT");
uint32_t *get_pct_26(void) __asm__("xm26_XM_params_get_PCT");
uint32_t *get_pit_26(void) __asm__("xm26_XM_params_get_PIT");
uint32_t *get_pct_prtos(void) __asm__("xmpr_XM_get_PCT");
void init_24(void *pct, void *pit) __asm__("xm24_init_libxm");

#define PIT_BYTES 68
#define PIT_CHECKSUM 4
#define PIT_RESET_COUNTER 5
#define PIT_ID 8
#define PIT_FLAGS 13
#define PIT_NO_PARTITIONS 15
#define PIT_NO_AREAS 16

static struct server *server;

static void describe(void)
{
	uint64_t *t = server->table;

	t[XM_F_PARTITION_TABLE_id] = 3;
	t[XM_F_PARTITION_TABLE_noPartitions] = 5;
	t[XM_F_PARTITION_TABLE_noVCpus] = 2;
	t[XM_F_PARTITION_TABLE_flags] = 0x301; /* boot, system, floating point */
	t[XM_F_PARTITION_TABLE_hwIrqs] = 0x12;
	t[XM_F_PARTITION_TABLE_noPhysicalMemAreas] = 4;
	t[XM_F_PARTITION_TABLE_noCommPorts] = 9;
	t[XM_F_PARTITION_TABLE_cpuKhz] = 2400000;
	t[XM_F_PARTITION_TABLE_resetCounter] = 6;
	t[XM_F_PARTITION_TABLE_resetStatus] = 7;
	t[XM_F_PARTITION_TABLE_noSlot] = 8;
	t[XM_F_PARTITION_TABLE_slotId] = 9;
	t[XM_F_PARTITION_TABLE_slotDuration] = 10000;
	memcpy(&t[XM_F_PARTITION_TABLE_name0], "Partitio", 8);
	memcpy(&t[XM_F_PARTITION_TABLE_name1], "n3\0\0\0\0\0\0", 8);
	server->n_areas = 4;
	server->partition = 3;
}

static void setup(void)
{
	server = server_start();
	describe();
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_params, .init = setup, .fini = teardown, .timeout = 60);

/* ---- control table ------------------------------------------------------------------------------- */

Test(client_params, before_the_first_fetch)
{
	static const partitionControlTable_t zeroes;

	cr_assert_not_null(libXmParams.partCtrlTab);
	cr_assert_not_null(libXmParams.partMemMap);
	cr_assert_not_null(libXmParams.commPortBitmap);
	cr_assert_eq(memcmp(libXmParams.partCtrlTab, &zeroes, sizeof(zeroes)), 0);
	cr_assert_eq(server->n_connections, 0);
}

Test(client_params, control_table)
{
	partitionControlTable_t *pct;

	errno = 4711;
	pct = XM_get_PCT();
	cr_assert_eq(errno, 4711);
	cr_assert_eq(pct, libXmParams.partCtrlTab);
	cr_assert_eq(pct, XM_get_PCT0());
	cr_assert_eq(pct->magic, KTHREAD_MAGIC);
	cr_assert_eq(pct->xmVersion, XM_PROFILE_VERSION);
	cr_assert_eq(pct->xmAbiVersion, XM_ABI_VERSION);
	cr_assert_eq(pct->xmApiVersion, XM_API_VERSION);
	cr_assert_eq(pct->partCtrlTabSize,
		     sizeof(*pct) + 4 * sizeof(struct xmPhysicalMemMap) + sizeof(xmWord_t));
	cr_assert_eq(pct->resetCounter, 6);
	cr_assert_eq(pct->resetStatus, 7);
	cr_assert_eq(pct->cpuKhz, 2400000);
	cr_assert_eq(pct->id, 3);
	cr_assert_eq(pct->noVCpus, 2);
	cr_assert_eq(XM_get_number_vcpus(), 2);
	cr_assert_eq(XM_VCPU_SELF, 0);
	cr_assert_eq(pct->flags, XM_PCT_FLAG_READY | XM_PCT_FLAG_FP | XM_PART_SYSTEM | 5 << 16);
	cr_assert_eq(pct->hwIrqs, 0x12);
	cr_assert_eq(pct->noPhysicalMemAreas, 4);
	cr_assert_eq(pct->noCommPorts, 9);
	cr_assert_str_eq((char *)pct->name, "Partition3");
	cr_assert_eq(pct->schedInfo.noSlot, 8);
	cr_assert_eq(pct->schedInfo.id, 9);
	cr_assert_eq(pct->schedInfo.slotDuration, 10000);
}

Test(client_params, flags_of_a_normal_partition)
{
	server->table[XM_F_PARTITION_TABLE_flags] = 0;
	cr_assert_eq(XM_get_PCT()->flags, XM_PCT_FLAG_READY);
}

/* Each call fetches; the place stays. */
Test(client_params, fetched_anew)
{
	partitionControlTable_t *pct = XM_get_PCT();

	server->table[XM_F_PARTITION_TABLE_resetCounter] = 60;
	cr_assert_eq(pct->resetCounter, 6);
	cr_assert_eq(XM_get_PCT(), pct);
	cr_assert_eq(pct->resetCounter, 60);
	cr_assert_eq(server->n_calls, 2);
}

Test(client_params, name_without_an_end)
{
	memset(&server->table[XM_F_PARTITION_TABLE_name0], 'x', 16);
	cr_assert_eq(strlen((char *)XM_get_PCT()->name), 15);
}

/* What every session is told, and nothing else. */
Test(client_params, refused)
{
	partitionControlTable_t *pct = XM_get_PCT();

	server->refused_op = XM_OP_GET_PARTITION_TABLE;
	errno = 0;
	cr_assert_eq(XM_get_PCT(), pct);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(pct->magic, KTHREAD_MAGIC);
	cr_assert_eq(pct->xmVersion, XM_PROFILE_VERSION);
	cr_assert_eq(pct->id, 3);
	cr_assert_eq(pct->flags, 3 << 16);
	cr_assert_eq(pct->noVCpus, 0);
	cr_assert_eq(pct->resetCounter, 0);
	cr_assert_eq(pct->noPhysicalMemAreas, 0);
	cr_assert_eq(pct->noCommPorts, 0);
	cr_assert_str_eq((char *)pct->name, "");
	cr_assert_eq(pct->schedInfo.slotDuration, 0);
}

Test(client_params, no_broker)
{
	server_kill(server);
	cr_assert_eq(XM_get_PCT()->id, 0);
	cr_assert_eq(errno, ECONNREFUSED);
	cr_assert_not_null(XM_get_partition_mmap());
	cr_assert_not_null(XM_get_commport_bitmap());
}

Test(client_params, numbers_beyond_the_tables)
{
	partitionControlTable_t *pct;

	memset(server->table, 0xff, sizeof(server->table));
	server->n_areas = 5000;
	pct = XM_get_PCT();
	cr_assert(pct->noPhysicalMemAreas > 0 && pct->noPhysicalMemAreas <= 4096);
	cr_assert_eq(pct->noCommPorts, PARAMS_PORTS);
	cr_assert_eq(XM_get_partition_mmap(), libXmParams.partMemMap);
	cr_assert_eq(libXmParams.partMemMap[pct->noPhysicalMemAreas - 1].startAddr,
		     SERVER_AREA(pct->noPhysicalMemAreas - 1, XM_F_MEMORY_AREA_startAddr));
	cr_assert_not_null(XM_get_commport_bitmap());
}

Test(client_params, prtos_table)
{
	uint32_t *pct = get_pct_prtos();

	cr_assert_eq(pct[0], KTHREAD_MAGIC);
	cr_assert_eq(pct[1], 0x010000);
#if defined(__x86_64__)
	cr_assert_eq(pct[6], 6); /* resetCounter at 24 */
	cr_assert_eq(pct[9], 3); /* id at 36 */
	cr_assert_str_eq((char *)&pct[64 / 4], "Partition3");
#elif defined(__i386__)
	cr_assert_eq(pct[5], 6);
	cr_assert_eq(pct[8], 3);
	cr_assert_str_eq((char *)&pct[60 / 4], "Partition3");
#endif
}

/* ---- memory map ---------------------------------------------------------------------------------- */

Test(client_params, memory_map)
{
	partitionControlTable_t *pct = XM_get_PCT();
	struct xmPhysicalMemMap *areas = XM_get_partition_mmap();
	const char name[16] = { (char)205, 0 };

	cr_assert_eq((void *)areas, (void *)(pct + 1), "the map follows the table");
	for (unsigned int i = 0; i < 4; i++) {
		cr_assert_eq(areas[i].startAddr, SERVER_AREA(i, XM_F_MEMORY_AREA_startAddr));
		cr_assert_eq(areas[i].mappedAt, SERVER_AREA(i, XM_F_MEMORY_AREA_mappedAt));
		cr_assert_eq(areas[i].size, SERVER_AREA(i, XM_F_MEMORY_AREA_size));
		cr_assert_eq(areas[i].flags, SERVER_AREA(i, XM_F_MEMORY_AREA_flags));
	}
	cr_assert_eq(memcmp(areas[2].name, name, 8), 0);
	cr_assert_eq((void *)libXmParams.commPortBitmap, (void *)(areas + 4),
		     "the bitmap follows the map");
}

/* More areas than one call returns. */
Test(client_params, long_memory_map)
{
	struct xmPhysicalMemMap *areas;

	server->n_areas = 150;
	server->table[XM_F_PARTITION_TABLE_noPhysicalMemAreas] = 150;
	areas = XM_get_partition_mmap();
	for (unsigned int i = 0; i < 150; i++)
		cr_assert_eq(areas[i].startAddr, SERVER_AREA(i, XM_F_MEMORY_AREA_startAddr));
	cr_assert_eq(server->n_calls, 4);
}

Test(client_params, fewer_areas_than_the_table_says)
{
	struct xmPhysicalMemMap *areas = XM_get_partition_mmap();

	cr_assert_eq(areas[3].startAddr, 300);
	server->n_areas = 2;
	XM_get_partition_mmap();
	cr_assert_eq(areas[1].startAddr, 100);
	cr_assert_eq(areas[2].startAddr, 0);
	cr_assert_eq(areas[3].startAddr, 0);
}

Test(client_params, memory_map_refused)
{
	struct xmPhysicalMemMap *areas = XM_get_partition_mmap();

	server->refused_op = XM_OP_GET_PARTITION_MMAP;
	errno = 0;
	cr_assert_eq(XM_get_partition_mmap(), areas);
	cr_assert_eq(errno, EPERM);
	for (unsigned int i = 0; i < 4; i++)
		cr_assert_eq(areas[i].size, 0);
}

/* ---- bitmap of ports ----------------------------------------------------------------------------- */

static void open_ports(void)
{
	server->value = 2;
	cr_assert_eq(XM_create_sampling_port((char[]){ "a" }, 8, XM_DESTINATION_PORT, 0), 2);
	server->value = 7;
	cr_assert_eq(XM_create_queuing_port((char[]){ "b" }, 8, 8, XM_DESTINATION_PORT), 7);
	server->value = 33;
	cr_assert_eq(XM_create_queuing_port((char[]){ "c" }, 8, 8, XM_DESTINATION_PORT), 33);
	server->value = 0;
	server->has_ports = true;
	server->n_calls = 0;
	server->table[XM_F_PARTITION_TABLE_noCommPorts] = 64;
}

Test(client_params, bitmap_of_ports)
{
	xmWord_t *bits;

	open_ports();
	bits = XM_get_commport_bitmap();
	cr_assert_eq(bits, libXmParams.commPortBitmap);
	cr_assert_eq(server->n_calls, 4); /* the table, and each open port */
	for (int i = 0; i < 64; i++)
		cr_assert_eq(xmIsBitSet(bits, i, 64), 0);
	server->news[2] = 1;
	server->news[33] = 3;
	server->news[5] = 1; /* not opened here */
	cr_assert_eq(XM_get_commport_bitmap(), bits);
	for (int i = 0; i < 64; i++)
		cr_assert_eq(xmIsBitSet(bits, i, 64), i == 2 || i == 33, "port %d", i);
	server->news[2] = 0;
	server->news[7] = 1;
	XM_get_commport_bitmap();
	for (int i = 0; i < 64; i++)
		cr_assert_eq(xmIsBitSet(bits, i, 64), i == 7 || i == 33, "port %d", i);
}

/* A bit is the position in the partition; the numbers of ports are of the whole system. */
Test(client_params, bitmap_begins_at_the_first_port)
{
	open_ports();
	server->table[XM_F_PARTITION_TABLE_firstCommPort] = 5;
	server->table[XM_F_PARTITION_TABLE_noCommPorts] = 3;
	memset(server->news, 1, sizeof(server->news));
	cr_assert_eq(XM_get_commport_bitmap()[0], 1 << (7 - 5));
}

/* However a port was opened. */
Test(client_params, bitmap_of_a_port_opened_by_a_raw_call)
{
	union queuingPortCmd cmd = { .create = { (char[]){ "b" }, 8, 8, XM_DESTINATION_PORT } };

	open_ports();
	server->value = 9;
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, 3, 0),
				    XM_COMM_CREATE_PORT, &cmd),
		     9);
	server->value = 0;
	server->news[9] = 1;
	cr_assert_eq(XM_get_commport_bitmap()[0], 1 << 9);
}

/* Ports of both classes may have been opened under a number, if the hypervisor restarted. */
Test(client_params, port_refused)
{
	open_ports();
	memset(server->news, 1, sizeof(server->news));
	server->refused_op = XM_OP_GET_QUEUING_PORT_STATUS;
	cr_assert_eq(XM_get_commport_bitmap()[0], 1 << 2);
	cr_assert_eq(errno, EPERM);
}

Test(client_params, port_that_was_not_opened)
{
	server->code = XM_C_INVALID_CONFIG;
	cr_assert_lt(XM_create_sampling_port((char[]){ "a" }, 8, XM_DESTINATION_PORT, 0), 0);
	server->code = XM_C_OK;
	server->has_ports = true;
	memset(server->news, 1, sizeof(server->news));
	cr_assert_eq(XM_get_commport_bitmap()[0], 0);
	params_port_created(PARAMS_SAMPLING, PARAMS_PORTS);
	cr_assert_not(params_port_is_created(PARAMS_SAMPLING, PARAMS_PORTS));
}

/* ---- 2.x ----------------------------------------------------------------------------------------- */

static void checksum_is_good(const uint32_t *pit)
{
	const uint8_t *byte = (const uint8_t *)pit;
	uint32_t sum = 0;

	for (int i = 0; i < PIT_BYTES; i++)
		if (i / 4 != PIT_CHECKSUM)
			sum += byte[i];
	cr_assert_eq(sum + pit[PIT_CHECKSUM], 0);
}

Test(client_params, information_table)
{
	uint32_t *pit = get_pit_24();

	cr_assert_eq(pit[0], XM_PIT_SIGNATURE);
	cr_assert_eq(pit[1], 0x020400);
	cr_assert_eq(pit[PIT_RESET_COUNTER], 6);
	cr_assert_eq(pit[6], 7);
	cr_assert_eq(pit[7], 2400000);
	cr_assert_eq(pit[PIT_ID], 3);
	cr_assert_str_eq((char *)&pit[9], "Partition3");
	cr_assert_eq(pit[PIT_FLAGS], 0x700); /* supervisor, boot, floating point */
	cr_assert_eq(pit[14], 0x12);
	cr_assert_eq(pit[PIT_NO_PARTITIONS], 5);
	cr_assert_eq(pit[PIT_NO_AREAS], 4);
	checksum_is_good(pit);
	cr_assert_eq(get_pit_26()[1], 0x020600);
}

/* After a reset the old sum is not part of the new one. */
Test(client_params, checksum_after_a_reset)
{
	uint32_t *pit = get_pit_24();

	server->table[XM_F_PARTITION_TABLE_resetCounter]++;
	cr_assert_eq(get_pit_24(), pit);
	cr_assert_eq(pit[PIT_RESET_COUNTER], 7);
	checksum_is_good(pit);
	server->refused_op = XM_OP_GET_PARTITION_TABLE;
	get_pit_24();
	checksum_is_good(pit);
	cr_assert_eq(pit[PIT_ID], 3);
	cr_assert_eq(pit[PIT_NO_PARTITIONS], 3);
	cr_assert_eq(pit[PIT_FLAGS], 0);
}

Test(client_params, control_tables_of_2_x)
{
	uint32_t *pct = get_pct_24();

	cr_assert_eq(pct[0], KTHREAD_MAGIC);
	cr_assert_eq(pct[1], 0);
	cr_assert_eq(pct[68 / 4], 8); /* noSlot, and 0 for a slot of the plan */
	cr_assert_eq(pct[72 / 4], 9);
	cr_assert_eq(pct[76 / 4], 10000);
	pct = get_pct_26();
	cr_assert_eq(pct[1], 6);
	cr_assert_eq(pct[2], 7);
	cr_assert_eq(pct[76 / 4], 8);
}

/* ---- where the tables are ------------------------------------------------------------------------ */

Test(client_params, tables_of_the_program)
{
	static partitionControlTable_t mine, after;
	partitionControlTable_t guard = after;

	init_libxm(&mine);
	cr_assert_eq(libXmParams.partCtrlTab, &mine);
	cr_assert_eq(XM_get_PCT(), &mine);
	cr_assert_eq(mine.id, 3);
	cr_assert_eq(mine.noPhysicalMemAreas, 4);
	cr_assert_eq(mine.partCtrlTabSize, sizeof(mine));
	cr_assert_neq((void *)XM_get_partition_mmap(), (void *)(&mine + 1));
	XM_get_commport_bitmap();
	cr_assert_eq(memcmp(&guard, &after, sizeof(guard)), 0);
	init_libxm(NULL);
	cr_assert_neq(XM_get_PCT(), &mine);
}

Test(client_params, tables_of_a_2_x_program)
{
	static uint32_t pct[50], pit[PIT_BYTES / 4];

	init_24(pct, pit);
	cr_assert_eq(get_pit_24(), pit);
	cr_assert_eq(get_pct_24(), pct);
	cr_assert_eq(pit[PIT_ID], 3);
	cr_assert_eq(pct[0], KTHREAD_MAGIC);
	checksum_is_good(pit);
}

/* Addresses that are none, from the start or later, never end the program. */
Test(client_params, bad_places)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *place = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	partitionControlTable_t *own = XM_get_PCT();

	init_libxm((partitionControlTable_t *)16);
	cr_assert_eq(libXmParams.partCtrlTab, own);
	cr_assert_eq(XM_get_PCT(), own);
	init_libxm(place);
	cr_assert_eq(XM_get_PCT(), place);
	munmap(place, page);
	cr_assert_eq(XM_get_PCT(), own);
	cr_assert_eq(own->id, 3);
	init_24((void *)16, (void *)(UINTPTR_MAX - 3));
	cr_assert_eq(get_pit_24()[PIT_ID], 3);
}

/* ---- fork and threads ---------------------------------------------------------------------------- */

Test(client_params, fork)
{
	partitionControlTable_t *pct = XM_get_PCT();
	int status;
	pid_t pid;

	server->table[XM_F_PARTITION_TABLE_resetCounter] = 60;
	pid = fork();
	if (!pid)
		_exit(XM_get_PCT() == pct && pct->resetCounter == 60 ? 0 : 1);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(pct->resetCounter, 6);
}

static void *fetch_all(void *arg)
{
	for (int i = 0; i < 100; i++) {
		XM_get_PCT();
		XM_get_partition_mmap();
		XM_get_commport_bitmap();
		get_pit_24();
		params_port_created(PARAMS_QUEUING, (uint32_t)i % 4);
	}
	return arg;
}

Test(client_params, four_threads)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fetch_all, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(XM_get_PCT()->id, 3);
	cr_assert_eq(XM_get_partition_mmap()[3].startAddr, 300);
	checksum_is_good(get_pit_24());
}
