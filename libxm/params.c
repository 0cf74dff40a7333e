// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Start-up, and the tables of the own partition, for the profile that this file is compiled for.  Owns
 * the process's copy of the tables, in memory that is never given back, and what libXmParams points
 * to.  Must never write where a program said that the tables be without the kernel's help.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xm/init.h>
#include <xm/params.h>
#include <xm/version.h>

#include "libxm/batch.h"
#include "libxm/call.h"
#include "libxm/core/wire.h"
#include "libxm/memory.h"
#include "libxm/params.h"
#include "libxm/session.h"

/* Other threads may read the tables while they are fetched anew. */
typedef uint32_t __attribute__((may_alias)) word_t;

/* The fields of the table, as the broker tells them. */
#define FIELD(table, name) ((table)->field[XM_F_PARTITION_TABLE_##name])
#define FIELD_U32(table, name) ((xm_u32_t)FIELD(table, name))

/* Flags of the table: those of the system description, as 3.x numbers them. */
#define TABLE_BOOT 0x1
#define TABLE_SYSTEM 0x100
#define TABLE_FP 0x200

/* ---- memory that others read --------------------------------------------------------------------- */

static void publish(void *place, const void *bytes, size_t len)
{
	word_t *to = place;
	const word_t *from = bytes;

	for (size_t i = 0; i < len / sizeof(*to); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

/* Of a program's own place, which may be gone: then the library's serves again. */
static void *publish_table(void *place, void *own, const void *bytes, size_t len)
{
	if (place != own && memory_write((uintptr_t)place, bytes, len) == 0)
		return place;
	publish(own, bytes, len);
	return own;
}

#define PUBLISH_POINTER(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)
#define CURRENT(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)

/* ---- what the broker tells ----------------------------------------------------------------------- */

/* What every session is told. */
static void describe_session(struct raw_partition_table *table)
{
	struct xm_wire_welcome welcome;

	memset(table, 0, sizeof(*table));
	if (raw_welcome(CALL_PROFILE, &welcome) < 0)
		return;
	FIELD(table, id) = welcome.partition;
	FIELD(table, noPartitions) = welcome.n_partitions;
}

/*
 * 0, or the code of the refusal with errno; then it is what the session was told.  A pending batch
 * waits, here and below: reading a table is no hypercall, and could not say what became of the batch.
 */
static int32_t fetch_table(struct raw_partition_table *table)
{
	const uint64_t words[RAW_WORDS] = { P(table) };
	int32_t result = raw_call(CALL_PROFILE, RAW_PARTITION_TABLE, words, RAW_OWN | RAW_NO_FLUSH);
	int failure = errno;

	if (result >= 0)
		return 0;
	describe_session(table);
	errno = failure;
	return result;
}

/* Up to sixteen characters, the last of which becomes the NUL. */
static void put_name(void *name, uint64_t low, uint64_t high)
{
	uint8_t *byte = name;

	for (unsigned int i = 0; i < 8; i++) {
		byte[i] = (uint8_t)(low >> (8 * i));
		byte[8 + i] = (uint8_t)(high >> (8 * i));
	}
	byte[15] = '\0';
}

#if XM_FAMILY == 2

/* ---- tables of 2.x ------------------------------------------------------------------------------- */

static partitionControlTable_t own_pct;
static partitionInformationTable_t own_pit;

struct libXmParams libXmParams = { .partCtrlTab = &own_pct, .partInfTab = &own_pit };

static xm_u32_t pit_flags(uint64_t flags)
{
	return (flags & TABLE_SYSTEM ? XM_PART_SUPERVISOR : 0) |
	       (flags & TABLE_BOOT ? XM_PART_BOOT : 0) | (flags & TABLE_FP ? XM_PART_FP : 0) |
	       (flags & (XM_PART_SPARE_G | XM_PART_SPARE_H));
}

/* What makes the sum of all bytes, those of the word itself left out, and of the word zero. */
static xm_u32_t pit_checksum(const partitionInformationTable_t *pit)
{
	const xm_u8_t *byte = (const xm_u8_t *)pit;
	xm_u32_t sum = 0;

	for (size_t i = 0; i < sizeof(*pit); i++)
		sum += byte[i];
	return -sum;
}

static void make_pit(const struct raw_partition_table *table, partitionInformationTable_t *pit)
{
	*pit = (partitionInformationTable_t){
		.signature = XM_PIT_SIGNATURE,
		.xmVersion = XM_PROFILE_VERSION,
		.xmAbiVersion = XM_ABI_VERSION,
		.xmApiVersion = XM_API_VERSION,
		.resetCounter = FIELD_U32(table, resetCounter),
		.resetStatus = FIELD_U32(table, resetStatus),
		.cpuKhz = FIELD_U32(table, cpuKhz),
		.id = FIELD_U32(table, id),
		.flags = pit_flags(FIELD(table, flags)),
		.hwIrqs = FIELD_U32(table, hwIrqs),
		.noPartitions = (xm_s32_t)FIELD(table, noPartitions),
		.noPhysicalMemoryAreas = (xm_s32_t)FIELD(table, noPhysicalMemAreas),
	};
	put_name(pit->name, FIELD(table, name0), FIELD(table, name1));
	pit->checksum = pit_checksum(pit);
}

static void make_pct(const struct raw_partition_table *table, partitionControlTable_t *pct)
{
	memset(pct, 0, sizeof(*pct));
	pct->magic = KTHREAD_MAGIC;
#if XM_PROFILE == XM_PROFILE_2_6
	pct->resetCounter = FIELD_U32(table, resetCounter);
	pct->resetStatus = FIELD_U32(table, resetStatus);
#endif
	pct->schedInfo.noSlot = FIELD(table, noSlot) & 0xffff;
	pct->schedInfo.id = FIELD_U32(table, slotId);
	pct->schedInfo.slotDuration = FIELD_U32(table, slotDuration);
}

static void fetch(void)
{
	struct raw_partition_table table;
	partitionInformationTable_t pit;
	partitionControlTable_t pct;

	fetch_table(&table);
	make_pit(&table, &pit);
	make_pct(&table, &pct);
	PUBLISH_POINTER(libXmParams.partInfTab, publish_table(CURRENT(libXmParams.partInfTab),
							      &own_pit, &pit, sizeof(pit)));
	PUBLISH_POINTER(libXmParams.partCtrlTab, publish_table(CURRENT(libXmParams.partCtrlTab),
							       &own_pct, &pct, sizeof(pct)));
}

partitionInformationTable_t *XM_params_get_PIT(void)
{
	fetch();
	return CURRENT(libXmParams.partInfTab);
}

partitionControlTable_t *XM_params_get_PCT(void)
{
	fetch();
	return CURRENT(libXmParams.partCtrlTab);
}

#else

/* ---- tables of 3.x ------------------------------------------------------------------------------- */

#define AREAS_MAX 1024
#define BITMAP_WORDS (PARAMS_PORTS / (8 * sizeof(xmWord_t)))

/*
 * The areas follow the control table, and the bitmap follows those areas that there are: how many is
 * known after the first fetch, and the same as long as the hypervisor runs.
 */
static struct {
	partitionControlTable_t pct;
	struct xmPhysicalMemMap areas[AREAS_MAX];
	xmWord_t bitmap[BITMAP_WORDS];
} own;

_Static_assert(offsetof(__typeof__(own), areas) == sizeof(own.pct), "areas follow the table");
_Static_assert(sizeof(own.pct) % sizeof(word_t) == 0 && sizeof(own.areas[0]) % sizeof(word_t) == 0,
	       "tables are published in words");

struct libXmParams libXmParams = {
	.partCtrlTab = &own.pct,
	.partMemMap = own.areas,
	.commPortBitmap = (xmWord_t *)(void *)own.areas,
};

static xm_u32_t pct_flags(const struct raw_partition_table *table, bool told)
{
	xm_u32_t n = FIELD_U32(table, noPartitions) << XM_PCT_NO_PARTITIONS_BIT &
		     XM_PCT_NO_PARTITIONS_MASK;
	uint64_t flags = FIELD(table, flags);

	if (!told)
		return n;
	return XM_PCT_FLAG_READY | (flags & TABLE_SYSTEM ? XM_PART_SYSTEM | n : 0) |
	       (flags & TABLE_FP ? XM_PCT_FLAG_FP : 0);
}

static xm_s32_t count_areas(const struct raw_partition_table *table)
{
	uint64_t n = FIELD(table, noPhysicalMemAreas);

	return n > AREAS_MAX ? AREAS_MAX : (xm_s32_t)n;
}

static xm_s32_t count_ports(const struct raw_partition_table *table)
{
	uint64_t n = FIELD(table, noCommPorts);

	return n > PARAMS_PORTS ? PARAMS_PORTS : (xm_s32_t)n;
}

/* Bytes of the table and of what follows it. */
static xmSize_t total_size(const partitionControlTable_t *pct)
{
	size_t bits = 8 * sizeof(xmWord_t);

	return (xmSize_t)(sizeof(*pct) +
			  (size_t)pct->noPhysicalMemAreas * sizeof(struct xmPhysicalMemMap) +
			  ((size_t)pct->noCommPorts + bits - 1) / bits * sizeof(xmWord_t));
}

static void make_pct(const struct raw_partition_table *table, bool told,
		     partitionControlTable_t *pct)
{
	memset(pct, 0, sizeof(*pct));
	pct->magic = KTHREAD_MAGIC;
	pct->xmVersion = XM_PROFILE_VERSION;
	pct->xmAbiVersion = XM_ABI_VERSION;
	pct->xmApiVersion = XM_API_VERSION;
	pct->resetCounter = FIELD_U32(table, resetCounter);
	pct->resetStatus = FIELD_U32(table, resetStatus);
	pct->cpuKhz = FIELD_U32(table, cpuKhz);
	pct->id = FIELD_U32(table, id) & 0xff;
	pct->noVCpus = FIELD_U32(table, noVCpus);
	pct->flags = pct_flags(table, told);
	pct->hwIrqs = FIELD_U32(table, hwIrqs);
	pct->noPhysicalMemAreas = count_areas(table);
	pct->noCommPorts = count_ports(table);
	put_name(pct->name, FIELD(table, name0), FIELD(table, name1));
	pct->schedInfo.noSlot = FIELD_U32(table, noSlot);
	pct->schedInfo.id = FIELD_U32(table, slotId);
	pct->schedInfo.slotDuration = FIELD_U32(table, slotDuration);
	pct->partCtrlTabSize = total_size(pct);
}

/* Where the bitmap is once the number of areas is known. */
static void place_bitmap(xm_s32_t n_areas)
{
	static const xmWord_t none[BITMAP_WORDS];
	xmWord_t *place = (xmWord_t *)(void *)&own.areas[n_areas];

	if (CURRENT(libXmParams.commPortBitmap) == place)
		return;
	publish(place, none, sizeof(none));
	PUBLISH_POINTER(libXmParams.commPortBitmap, place);
}

/* The control table; returns how many areas there are. */
static xm_s32_t fetch_into(struct raw_partition_table *table)
{
	partitionControlTable_t pct;
	bool told = fetch_table(table) == 0;
	void *place = CURRENT(libXmParams.partCtrlTab);

	make_pct(table, told, &pct);
	if (told)
		place_bitmap(pct.noPhysicalMemAreas);
	/* A program's own place has room for the table alone. */
	if (place != &own.pct)
		pct.partCtrlTabSize = sizeof(pct);
	place = publish_table(place, &own.pct, &pct, sizeof(pct));
	PUBLISH_POINTER(libXmParams.partCtrlTab, place);
	return pct.noPhysicalMemAreas;
}

static xm_s32_t fetch(void)
{
	struct raw_partition_table table;

	return fetch_into(&table);
}

partitionControlTable_t *XM_get_PCT(void)
{
	fetch();
	return CURRENT(libXmParams.partCtrlTab);
}

partitionControlTable_t *XM_get_PCT0(void)
{
	return XM_get_PCT();
}

xmId_t XM_get_number_vcpus(void)
{
	return XM_get_PCT()->noVCpus;
}

static void make_area(const struct raw_memory_area *from, struct xmPhysicalMemMap *area)
{
	*area = (struct xmPhysicalMemMap){
		.startAddr = (xmAddress_t)from->field[XM_F_MEMORY_AREA_startAddr],
		.mappedAt = (xmAddress_t)from->field[XM_F_MEMORY_AREA_mappedAt],
		.size = (xmSize_t)from->field[XM_F_MEMORY_AREA_size],
		.flags = (xm_u32_t)from->field[XM_F_MEMORY_AREA_flags],
	};
	put_name(area->name, from->field[XM_F_MEMORY_AREA_name0],
		 from->field[XM_F_MEMORY_AREA_name1]);
}

/* Some areas from one on: how many came, at most `n`, which is at most XM_MAX_RECORDS. */
static xm_s32_t fetch_areas(xm_s32_t first, xm_s32_t n)
{
	struct raw_memory_area from[XM_MAX_RECORDS] = { 0 };
	const uint64_t words[RAW_WORDS] = { P(from), N(first), (size_t)n * sizeof(from[0]) };
	xm_s32_t came = raw_call(CALL_PROFILE, RAW_PARTITION_MMAP, words, RAW_OWN | RAW_NO_FLUSH);

	if (came > n)
		came = n;
	for (xm_s32_t i = 0; i < came; i++) {
		struct xmPhysicalMemMap area;

		make_area(&from[i], &area);
		publish(&own.areas[first + i], &area, sizeof(area));
	}
	return came;
}

struct xmPhysicalMemMap *XM_get_partition_mmap(void)
{
	static const struct xmPhysicalMemMap none;
	xm_s32_t n = fetch();
	xm_s32_t done = 0;
	xm_s32_t came = 1;

	while (done < n && came > 0) {
		came = fetch_areas(done, n - done > XM_MAX_RECORDS ? XM_MAX_RECORDS : n - done);
		done += came > 0 ? came : 0;
	}
	for (; done < n; done++)
		publish(&own.areas[done], &none, sizeof(none));
	return own.areas;
}

/* ---- news at ports ------------------------------------------------------------------------------- */

static bool get_status(xm_u32_t class, xm_u32_t port, void *status)
{
	xm_s32_t self = xm_partition_self();

	return self >= 0 && CALL_WITH(RAW_NO_FLUSH, ctrl_object_nr,
				      N(call_descriptor(class, (xm_u32_t)self, port)),
				      N(XM_COMM_GET_PORT_STATUS), P(status)) == XM_OK;
}

static bool has_news(xm_u32_t port)
{
	xmSamplingPortStatus_t sampling;
	xmQueuingPortStatus_t queuing;

	if (params_port_is_created(PARAMS_SAMPLING, port) &&
	    get_status(OBJ_CLASS_SAMPLING_PORT, port, &sampling) &&
	    (sampling.flags & XM_COMM_NEW_MSG))
		return true;
	return params_port_is_created(PARAMS_QUEUING, port) &&
	       get_status(OBJ_CLASS_QUEUING_PORT, port, &queuing) && queuing.noMsgs;
}

xmWord_t *XM_get_commport_bitmap(void)
{
	struct raw_partition_table table;
	xmWord_t bits[BITMAP_WORDS] = { 0 };
	xmWord_t *bitmap;

	fetch_into(&table);
	for (xm_s32_t i = 0; i < count_ports(&table); i++)
		if (has_news(FIELD_U32(&table, firstCommPort) + (xm_u32_t)i))
			xmSetBit(bits, i, PARAMS_PORTS);
	bitmap = CURRENT(libXmParams.commPortBitmap);
	publish(bitmap, bits, sizeof(bits));
	return bitmap;
}

#endif

/* ---- start-up ------------------------------------------------------------------------------------ */

/* libxm-linux left with the number of the descriptor that it had just opened. */
static _Noreturn void exit_with_descriptor(void)
{
	struct session *session;
	int status = 255;

	if (session_enter(&session) == 0) {
		status = session_descriptor(session);
		session_leave(session);
	}
	exit(status);
}

/* The words and the status are those of libxm-linux without its device: programs are tested for them. */
static void init_or_exit(void)
{
	xm_s32_t self;

	batch_drop();
	if (xm_init() < 0) {
		fprintf(stderr, "error: init_libxm  open " XMDEV ": %s\n", strerror(errno));
		exit(255);
	}
	self = xm_partition_self();
	if (self >= 0)
		return;
	fprintf(stderr, "error: init_libxm invalid partition id %d\n", self);
	exit_with_descriptor();
}

/* A table of a program's own, or the library's where that cannot be written. */
static void *choose(void *place, void *own_table, size_t len)
{
	return place && memory_probe_write((uintptr_t)place, len) == 0 ? place : own_table;
}

#if XM_FAMILY == 2
void init_libxm(partitionControlTable_t *partCtrlTab, partitionInformationTable_t *partInfTab)
{
	PUBLISH_POINTER(libXmParams.partCtrlTab,
			choose(partCtrlTab, &own_pct, sizeof(*partCtrlTab)));
	PUBLISH_POINTER(libXmParams.partInfTab, choose(partInfTab, &own_pit, sizeof(*partInfTab)));
	init_or_exit();
}
#else
void init_libxm(partitionControlTable_t *partCtrlTab)
{
	PUBLISH_POINTER(libXmParams.partCtrlTab,
			choose(partCtrlTab, &own.pct, sizeof(*partCtrlTab)));
	init_or_exit();
}
#endif
