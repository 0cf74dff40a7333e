// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tables of a partition.  Owns how their fields follow from description and status.  Must never
 * tell one partition of the memory of another.
 */

#include <string.h>

#include "libxm/system/tables.h"

/* Eight characters of a name in a word, the first in its low byte. */
static uint64_t name_word(const char *name, unsigned int from)
{
	uint64_t word = 0;
	size_t len = strnlen(name, 16);

	for (unsigned int i = 0; i < 8 && from + i < len; i++)
		word |= (uint64_t)(uint8_t)name[from + i] << (8 * i);
	return word;
}

/* ---- slots --------------------------------------------------------------------------------------- */

static bool is_own(const struct system_slot *slot, uint32_t partition)
{
	return slot->partition == partition && slot->vcpu == 0;
}

/* The plan with this id that has slots for the partition, or NULL: each processor has one. */
static const struct system_plan *find_plan(const struct system *sys, uint32_t id,
					   uint32_t partition)
{
	uint32_t n, n_slots;
	const struct system_plan *plans = system_plans(sys, &n);
	const struct system_slot *slots = system_slots(sys, &n_slots);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t s = 0; plans[i].id == id && s < plans[i].n_slots; s++)
			if (is_own(&slots[plans[i].first_slot + s], partition))
				return &plans[i];
	return NULL;
}

/* Place in the plan of the partition's last slot that began at or before `offset` in the major frame;
 * before its first one of the frame that is the last one of the frame before. */
static uint32_t slot_at(const struct system_slot *slots, uint32_t n, uint32_t partition,
			int64_t offset)
{
	uint32_t last = 0, begun = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		if (!is_own(&slots[i], partition))
			continue;
		last = i;
		if (slots[i].start <= offset)
			begun = i;
	}
	return begun == UINT32_MAX ? last : begun;
}

static void put_slot(const struct system *sys, const struct tables_state *state, uint64_t *words)
{
	const struct system_plan *plan = find_plan(sys, state->plan, state->partition);
	const struct system_slot *slots;
	int64_t elapsed = state->now > state->switch_time ? state->now - state->switch_time : 0;
	uint32_t n, i;

	if (!plan)
		return;
	slots = system_slots(sys, &n) + plan->first_slot;
	i = slot_at(slots, plan->n_slots, state->partition, elapsed % plan->major_frame);
	words[XM_F_PARTITION_TABLE_noSlot] = i;
	words[XM_F_PARTITION_TABLE_slotId] = slots[i].id;
	words[XM_F_PARTITION_TABLE_slotDuration] = (uint64_t)slots[i].duration;
}

/* ---- control and information tables ---------------------------------------------------------------- */

static uint32_t flags_of(const struct system_partition *p)
{
	return (p->flags & SYSTEM_PF_BOOT ? TABLES_BOOT : 0) |
	       (p->flags & SYSTEM_PF_SYSTEM ? TABLES_SYSTEM : 0) |
	       (p->flags & SYSTEM_PF_FP ? TABLES_FP : 0) |
	       (p->flags & SYSTEM_PF_SPARE_GUEST ? TABLES_SPARE_GUEST : 0) |
	       (p->flags & SYSTEM_PF_SPARE_HOST ? TABLES_SPARE_HOST : 0);
}

static uint32_t count_areas(const struct system *sys, uint32_t partition)
{
	uint32_t n, count = 0;
	const struct system_area *areas = system_areas(sys, &n);

	for (uint32_t i = 0; i < n; i++)
		count += areas[i].partition == partition;
	return count;
}

void tables_partition(const struct system *sys, const struct tables_state *state,
		      uint64_t words[XM_NF_PARTITION_TABLE])
{
	const struct system_partition *p = system_partition(sys, state->partition);
	uint32_t n;

	memset(words, 0, XM_NF_PARTITION_TABLE * sizeof(*words));
	if (!p)
		return;
	system_partitions(sys, &n);
	words[XM_F_PARTITION_TABLE_id] = p->id;
	words[XM_F_PARTITION_TABLE_noPartitions] = n;
	words[XM_F_PARTITION_TABLE_noVCpus] = p->n_vcpus;
	words[XM_F_PARTITION_TABLE_flags] = flags_of(p);
	words[XM_F_PARTITION_TABLE_hwIrqs] = p->hw_irqs;
	words[XM_F_PARTITION_TABLE_noPhysicalMemAreas] = count_areas(sys, p->id);
	words[XM_F_PARTITION_TABLE_noCommPorts] = p->n_ports;
	words[XM_F_PARTITION_TABLE_firstCommPort] = p->first_port;
	words[XM_F_PARTITION_TABLE_cpuKhz] = sys->cpu_khz;
	words[XM_F_PARTITION_TABLE_resetCounter] = state->reset_counter;
	words[XM_F_PARTITION_TABLE_resetStatus] = state->reset_status;
	words[XM_F_PARTITION_TABLE_name0] = name_word(p->name, 0);
	words[XM_F_PARTITION_TABLE_name1] = name_word(p->name, 8);
	put_slot(sys, state, words);
}

/* ---- memory map ------------------------------------------------------------------------------------ */

static void put_area(const struct system_area *area, uint64_t *words)
{
	words[XM_F_MEMORY_AREA_startAddr] = area->start;
	words[XM_F_MEMORY_AREA_mappedAt] = area->mapped_at;
	words[XM_F_MEMORY_AREA_size] = area->size;
	words[XM_F_MEMORY_AREA_flags] = area->flags;
	words[XM_F_MEMORY_AREA_memoryRegionOffset] = 0; /* into a table of the hypervisor's own */
	words[XM_F_MEMORY_AREA_name0] = name_word(area->name, 0);
	words[XM_F_MEMORY_AREA_name1] = name_word(area->name, 8);
}

uint32_t tables_areas(const struct system *sys, uint32_t partition, uint32_t from, uint32_t max,
		      uint64_t *words)
{
	uint32_t n, number = 0, count = 0;
	const struct system_area *areas = system_areas(sys, &n);

	for (uint32_t i = 0; i < n && count < max; i++) {
		if (areas[i].partition != partition || number++ < from)
			continue;
		put_area(&areas[i], words + (size_t)count++ * XM_NF_MEMORY_AREA);
	}
	return count;
}
