/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_SCHEMA_H
#define XM_SYSTEM_SCHEMA_H

/*
 * What a system description may consist of: elements, their attributes and children, and the
 * notation of every value, for each dialect.  What they mean together is checked in load.c.
 * Internal to libxm/system.
 */

#include "libxm/system/xml.h"

#include <stdint.h>

/* Dialects, as bits. */
#define SCHEMA_3_X 1u
#define SCHEMA_PRTOS 2u
#define SCHEMA_BOTH 3u

enum schema_element {
	SE_SYSTEM,
	SE_HW,
	SE_MEMORY_LAYOUT,
	SE_REGION,
	SE_PROCESSOR_TABLE,
	SE_PROCESSOR,
	SE_CYCLIC,
	SE_PLAN,
	SE_SLOT,
	SE_FIXED,
	SE_FIXED_PARTITION,
	SE_DEVICES,
	SE_MEMORY_BLOCK,
	SE_UART,
	SE_VGA,
	SE_NULL,
	SE_HYPERVISOR,
	SE_PRTOS_HYPERVISOR,
	SE_HV_AREA,
	SE_HV_TRACE,
	SE_RESIDENT,
	SE_PARTITION_TABLE,
	SE_PARTITION,
	SE_AREAS,
	SE_AREA,
	SE_TEMPORAL,
	SE_HM,
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
 * in its place gets node->mark = its enum schema_element + 1; others, and all below them, 0.
 */
void schema_check(const struct xml_source *source, struct xml_node *root, unsigned int dialect);

/* The event's and the action's number, or -1; -2 for an event that has a name only. */
int schema_event(unsigned int dialect, const char *name);
int schema_action(unsigned int dialect, const char *name);

#define SCHEMA_UNNUMBERED (-2)

/* The next child of `node` that is a known `element`, after `last` (NULL: the first). */
struct xml_node *schema_child(const struct xml_node *node, enum schema_element element,
			      const struct xml_node *last);

#endif
