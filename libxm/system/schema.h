/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_SCHEMA_H
#define XM_SYSTEM_SCHEMA_H

/*
 * Whether a description consists of what the grammar (grammar.h) lets it consist of: elements, their
 * attributes and children, and the notation of every value.  What they mean together is checked by
 * those who read it (build.h).  Internal to libxm/system.
 */

#include "libxm/system/xml.h"

#include <stdint.h>

/* Dialects, as bits. */
#define SCHEMA_3_X 1u
#define SCHEMA_PRTOS 2u
#define SCHEMA_2_X 4u
#define SCHEMA_3 (SCHEMA_3_X | SCHEMA_PRTOS)

/* "..._2": as 2.x has it. */
enum schema_element {
	SE_SYSTEM,
	SE_HW,
	SE_HW_2,
	SE_MEMORY_LAYOUT,
	SE_REGION,
	SE_PROCESSOR_TABLE,
	SE_PROCESSOR,
	SE_PROCESSOR_2,
	SE_SCHED,
	SE_CYCLIC,
	SE_PLAN,
	SE_SLOT,
	SE_FIXED,
	SE_FIXED_PARTITION,
	SE_DEVICES,
	SE_DEVICES_2,
	SE_BLOCK_TABLE,
	SE_BLOCK,
	SE_MEMORY_BLOCK,
	SE_UART,
	SE_VGA,
	SE_NULL,
	SE_PC_VGA,
	SE_PC_UART,
	SE_HYPERVISOR,
	SE_PRTOS_HYPERVISOR,
	SE_HYPERVISOR_2,
	SE_HV_AREA,
	SE_HV_TRACE,
	SE_RESIDENT,
	SE_PARTITION_TABLE,
	SE_PARTITION,
	SE_AREAS,
	SE_AREA,
	SE_TEMPORAL,
	SE_HM,
	SE_HM_2,
	SE_EVENT,
	SE_HW_RESOURCES,
	SE_IO_PORTS,
	SE_IO_RANGE,
	SE_IO_RESTRICTED,
	SE_INTERRUPTS,
	SE_PORT_TABLE,
	SE_PORT,
	SE_TRACE,
	SE_CHANNELS,
	SE_IPVI,
	SE_SAMPLING,
	SE_QUEUING,
	SE_SOURCE,
	SE_DESTINATION,
	SE_N
};

/*
 * Checks the whole tree against a dialect, reporting every difference.  Each element that is known
 * in its place, and not one too many, gets node->mark = its enum schema_element + 1; others, and all
 * below them, 0.
 */
void schema_check(const struct xml_source *source, struct xml_node *root, unsigned int dialect);

/* The profile whose health monitor names a dialect has. */
uint32_t schema_profile(unsigned int dialect);

/* The next child of `node` that is a known `element`, after `last` (NULL: the first). */
struct xml_node *schema_child(const struct xml_node *node, enum schema_element element,
			      const struct xml_node *last);

#endif
