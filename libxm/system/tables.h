/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_TABLES_H
#define XM_SYSTEM_TABLES_H

/*
 * What a partition finds in its own memory, its control and information tables and its memory map, as
 * fields of the table's structures: made from the system description and what the hypervisor said of
 * the partition.  Pure.
 */

#include "libxm/core/table.h"
#include "libxm/system/system.h"

/* Flags of struct PARTITION_TABLE: those of the description, as 3.x numbers them. */
#define TABLES_BOOT 0x1
#define TABLES_SYSTEM 0x100
#define TABLES_FP 0x200
#define TABLES_SPARE_GUEST 0x800 /* as 2.x numbers them: 3.x has none */
#define TABLES_SPARE_HOST 0x1000

/* What changes. */
struct tables_state {
	uint32_t partition;
	uint32_t reset_counter, reset_status; /* of the partition */
	uint32_t plan;                        /* in force */
	int64_t switch_time;                  /* HW clock when it came into force; 0: at start */
	int64_t now;                          /* HW clock */
};

/*
 * Fills the fields of PARTITION_TABLE.  The slot is the one that the partition's first virtual
 * processor is in, or was in last: noSlot is its place in the plan from 0, slotId its label.  Without
 * one the three fields are 0.
 */
void tables_partition(const struct system *sys, const struct tables_state *state,
		      uint64_t words[XM_NF_PARTITION_TABLE]);

/* Fills the fields of at most `max` memory areas of a partition, from its area number `from` on;
 * returns how many there were. */
uint32_t tables_areas(const struct system *sys, uint32_t partition, uint32_t from, uint32_t max,
		      uint64_t *words);

#endif
