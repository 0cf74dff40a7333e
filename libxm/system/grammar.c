// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What may stand in a system description.  Owns only constants.
 */

#include <stddef.h>

#include "libxm/system/grammar.h"
#include "libxm/system/system.h"

#define MANY 100000u
#define ALL 0
#define TWO SCHEMA_2_X
#define THREE SCHEMA_3

#define AREA_FLAGS "unmapped shared read-only uncacheable rom flag0 flag1 flag2 flag3 iommu none"
#define AREA_FLAGS_2 "shared mapped read write exec rom flag0 flag1 flag2 flag3"
#define HYPERVISOR_EVENTS "HYP_IRQS HYP_HCALLS HYP_SCHED HYP_HM"

/* clang-format off */
#define NONE { { 0 } }
#define TRACE_ATTRS \
	{ { "device", true, NAME, NULL, ALL }, { "bitmask", true, HEX, NULL, ALL } }
#define HYPERVISOR_ATTRS \
	{ { "console", false, NAME, NULL, ALL }, { "healthMonitorDevice", false, NAME, NULL, ALL } }
#define HYPERVISOR_CHILDREN \
	{ { SE_HV_AREA, 1, 1, ALL }, { SE_HM, 0, 1, ALL }, { SE_HV_TRACE, 0, 1, ALL } }
#define BLOCK_ATTRS \
	{ { "name", true, NAME, NULL, ALL }, { "start", true, HEX, NULL, ALL }, \
	  { "size", true, SIZE, NULL, ALL } }
#define PROCESSOR_ATTRS \
	{ { "id", true, NUMBER, NULL, ALL }, { "frequency", false, FREQUENCY, NULL, ALL }, \
	  { "features", false, TEXT, NULL, ALL } }
#define ENDPOINT_ATTRS \
	{ { "partitionId", true, NUMBER, NULL, ALL }, { "partitionName", false, NAME, NULL, ALL }, \
	  { "portName", true, NAME, NULL, ALL } }

const struct element_rule grammar[SE_N] = {
	[SE_SYSTEM] = { "SystemDescription",
		{ { "version", true, TEXT, NULL, ALL }, { "name", true, NAME, NULL, ALL } },
		{ { SE_HW, 1, 1, THREE }, { SE_HYPERVISOR, 1, 1, SCHEMA_3_X },
		  { SE_PRTOS_HYPERVISOR, 1, 1, SCHEMA_PRTOS }, { SE_HYPERVISOR_2, 1, 1, TWO },
		  { SE_RESIDENT, 0, 1, ALL }, { SE_PARTITION_TABLE, 1, 1, ALL },
		  { SE_CHANNELS, 0, 1, ALL }, { SE_DEVICES_2, 0, 1, TWO } } },

	/* The machine. */
	[SE_HW] = { "HwDescription", NONE,
		{ { SE_MEMORY_LAYOUT, 1, 1, ALL }, { SE_PROCESSOR_TABLE, 1, 1, ALL },
		  { SE_DEVICES, 0, 1, ALL } } },
	[SE_HW_2] = { "HwDescription", NONE,
		{ { SE_PROCESSOR_2, 1, SYSTEM_MAX_PROCESSORS, ALL }, { SE_MEMORY_LAYOUT, 1, 1, ALL } } },
	[SE_MEMORY_LAYOUT] = { "MemoryLayout", NONE, { { SE_REGION, 1, 256, ALL } } },
	[SE_REGION] = { "Region",
		{ { "type", true, ONE_OF, "ram rom", THREE }, { "type", false, ONE_OF, "ram rom", TWO },
		  { "start", true, HEX, NULL, ALL }, { "size", true, SIZE, NULL, ALL } }, NONE },
	[SE_PROCESSOR_TABLE] = { "ProcessorTable", NONE,
		{ { SE_PROCESSOR, 1, SYSTEM_MAX_PROCESSORS, ALL } } },
	[SE_PROCESSOR] = { "Processor", PROCESSOR_ATTRS,
		{ { SE_CYCLIC, 0, 1, ALL }, { SE_FIXED, 0, 1, SCHEMA_3_X } } },
	[SE_PROCESSOR_2] = { "Processor", PROCESSOR_ATTRS, { { SE_SCHED, 1, 1, ALL } } },
	[SE_SCHED] = { "Sched", NONE, { { SE_CYCLIC, 1, 1, ALL } } },
	[SE_CYCLIC] = { "CyclicPlanTable", NONE, { { SE_PLAN, 1, 256, ALL } } },
	[SE_PLAN] = { "Plan",
		{ { "id", true, NUMBER, NULL, ALL }, { "name", false, NAME, NULL, THREE },
		  { "majorFrame", false, TIME, NULL, THREE }, { "majorFrame", true, TIME, NULL, TWO } },
		{ { SE_SLOT, 0, 4096, THREE }, { SE_SLOT, 1, 4096, TWO } } },
	[SE_SLOT] = { "Slot",
		{ { "id", true, NUMBER, NULL, THREE }, { "id", true, LABEL, NULL, TWO },
		  { "start", true, TIME, NULL, ALL }, { "duration", true, TIME, NULL, ALL },
		  { "partitionId", true, NUMBER, NULL, ALL }, { "vCpuId", false, NUMBER, NULL, THREE } },
		NONE },
	[SE_FIXED] = { "FixedPriority", NONE, { { SE_FIXED_PARTITION, 0, MANY, ALL } } },
	[SE_FIXED_PARTITION] = { "Partition",
		{ { "id", true, NUMBER, NULL, ALL }, { "vCpuId", false, NUMBER, NULL, ALL },
		  { "priority", true, NUMBER, NULL, ALL } }, NONE },
	[SE_DEVICES] = { "Devices", NONE,
		{ { SE_MEMORY_BLOCK, 0, 1024, ALL }, { SE_UART, 0, 64, ALL }, { SE_VGA, 0, 64, ALL },
		  { SE_NULL, 0, 64, ALL } } },
	[SE_DEVICES_2] = { "Devices", NONE,
		{ { SE_BLOCK_TABLE, 0, 1, ALL }, { SE_PC_VGA, 0, 64, ALL }, { SE_PC_UART, 0, 64, ALL } } },
	[SE_BLOCK_TABLE] = { "MemoryBlockTable", NONE, { { SE_BLOCK, 0, 1024, ALL } } },
	[SE_BLOCK] = { "Block", BLOCK_ATTRS, NONE },
	[SE_MEMORY_BLOCK] = { "MemoryBlock", BLOCK_ATTRS, NONE },
	[SE_UART] = { "Uart",
		{ { "name", true, NAME, NULL, ALL }, { "id", true, NUMBER, NULL, ALL },
		  { "baudRate", true, NUMBER, NULL, ALL } }, NONE },
	[SE_VGA] = { "Vga", { { "name", true, NAME, NULL, ALL } }, NONE },
	[SE_NULL] = { "Null", { { "name", false, NAME, NULL, ALL } }, NONE },
	[SE_PC_VGA] = { "PcVga", { { "name", true, NAME, NULL, ALL } }, NONE },
	[SE_PC_UART] = { "PcUart", { { "name", true, NAME, NULL, ALL } }, NONE },

	/* The hypervisor. */
	[SE_HYPERVISOR] = { "XMHypervisor", HYPERVISOR_ATTRS, HYPERVISOR_CHILDREN },
	[SE_PRTOS_HYPERVISOR] = { "PRTOSHypervisor", HYPERVISOR_ATTRS, HYPERVISOR_CHILDREN },
	[SE_HYPERVISOR_2] = { "XMHypervisor",
		{ { "console", false, NAME, NULL, ALL },
		  { "healthMonitoringDevice", false, NAME, NULL, ALL },
		  { "loadPhysAddr", true, HEX, NULL, ALL } },
		{ { SE_AREAS, 1, 1, ALL }, { SE_HW_2, 1, 1, ALL }, { SE_HM_2, 0, 1, ALL },
		  { SE_TRACE, 0, 1, ALL } } },
	[SE_HV_AREA] = { "PhysicalMemoryArea",
		{ { "size", true, SIZE, NULL, ALL }, { "flags", false, LIST_OF, AREA_FLAGS, ALL } }, NONE },
	[SE_HV_TRACE] = { "Trace",
		{ { "device", true, NAME, NULL, ALL },
		  { "bitmask", true, LIST_OF, HYPERVISOR_EVENTS, ALL } }, NONE },
	[SE_RESIDENT] = { "ResidentSw", { { "entryPoint", false, HEX, NULL, ALL } },
		{ { SE_AREAS, 0, 1, ALL } } },

	/* The partitions. */
	[SE_PARTITION_TABLE] = { "PartitionTable", NONE,
		{ { SE_PARTITION, 1, SYSTEM_MAX_PARTITIONS, ALL } } },
	[SE_PARTITION] = { "Partition",
		{ { "id", true, NUMBER, NULL, ALL }, { "name", false, NAME, NULL, ALL },
		  { "console", false, NAME, NULL, ALL },
		  { "flags", false, LIST_OF, "system fp none", THREE },
		  { "flags", false, LIST_OF, "sv boot sphost spguest", TWO },
		  { "noVCpus", false, NUMBER, NULL, THREE },
		  { "hw_virt", false, BOOLEAN, NULL, SCHEMA_PRTOS },
		  { "processor", true, NUMBER, NULL, TWO }, { "loadPhysAddr", true, HEX, NULL, TWO },
		  { "headerOffset", true, HEX, NULL, TWO }, { "imageId", true, HEX, NULL, TWO },
		  { "fp", false, BOOLEAN, NULL, TWO } },
		{ { SE_AREAS, 1, 1, ALL }, { SE_TEMPORAL, 0, 1, ALL }, { SE_HM, 0, 1, THREE },
		  { SE_HM_2, 0, 1, TWO }, { SE_HW_RESOURCES, 0, 1, ALL }, { SE_PORT_TABLE, 0, 1, ALL },
		  { SE_TRACE, 0, 1, ALL } } },
	[SE_AREAS] = { "PhysicalMemoryAreas", NONE, { { SE_AREA, 0, 1024, ALL } } },
	[SE_AREA] = { "Area",
		{ { "name", false, NAME, NULL, THREE }, { "start", true, HEX, NULL, ALL },
		  { "size", true, SIZE, NULL, ALL }, { "flags", false, LIST_OF, AREA_FLAGS, THREE },
		  { "flags", false, LIST_OF, AREA_FLAGS_2, TWO },
		  { "mappedAt", false, HEX, NULL, THREE } }, NONE },
	[SE_TEMPORAL] = { "TemporalRequirements",
		{ { "period", true, TIME, NULL, ALL }, { "duration", true, TIME, NULL, ALL } }, NONE },
	[SE_HM] = { "HealthMonitor", NONE, { { SE_EVENT, 0, 256, ALL } } },
	[SE_HM_2] = { "HealthMonitoring", NONE, { { SE_EVENT, 0, 256, ALL } } },
	[SE_EVENT] = { "Event",
		{ { "name", true, EVENT, NULL, ALL }, { "action", true, ACTION, NULL, ALL },
		  { "log", true, BOOLEAN, NULL, ALL } }, NONE },
	[SE_HW_RESOURCES] = { "HwResources", NONE,
		{ { SE_IO_PORTS, 0, 1, ALL }, { SE_INTERRUPTS, 0, 1, ALL } } },
	[SE_IO_PORTS] = { "IoPorts", NONE,
		{ { SE_IO_RANGE, 0, 1024, ALL }, { SE_IO_RESTRICTED, 0, 1024, ALL } } },
	[SE_IO_RANGE] = { "Range",
		{ { "base", true, HEX, NULL, ALL }, { "noPorts", true, NUMBER, NULL, ALL } }, NONE },
	[SE_IO_RESTRICTED] = { "Restricted",
		{ { "address", true, HEX, NULL, ALL }, { "mask", false, HEX, NULL, ALL } }, NONE },
	[SE_INTERRUPTS] = { "Interrupts",
		{ { "lines", true, NUMBERS, NULL, THREE }, { "line", true, NUMBERS, NULL, TWO } }, NONE },
	[SE_PORT_TABLE] = { "PortTable", NONE, { { SE_PORT, 0, SYSTEM_MAX_PORTS, ALL } } },
	[SE_PORT] = { "Port",
		{ { "name", true, NAME, NULL, ALL },
		  { "direction", true, ONE_OF, "source destination", ALL },
		  { "type", true, ONE_OF, "sampling queuing", ALL } }, NONE },
	[SE_TRACE] = { "Trace", TRACE_ATTRS, NONE },

	/* What links them. */
	[SE_CHANNELS] = { "Channels", NONE,
		{ { SE_SAMPLING, 0, SYSTEM_MAX_CHANNELS, ALL }, { SE_QUEUING, 0, SYSTEM_MAX_CHANNELS, ALL },
		  { SE_IPVI, 0, MANY, THREE } } },
	[SE_IPVI] = { "Ipvi",
		{ { "id", true, NUMBER, NULL, ALL }, { "sourceId", true, NUMBER, NULL, ALL },
		  { "destinationId", true, NUMBERS, NULL, ALL } }, NONE },
	[SE_SAMPLING] = { "SamplingChannel",
		{ { "maxMessageLength", true, SIZE, NULL, ALL },
		  { "validPeriod", false, TIME, NULL, ALL } },
		{ { SE_SOURCE, 1, 1, ALL }, { SE_DESTINATION, 1, SYSTEM_MAX_PORTS, ALL } } },
	[SE_QUEUING] = { "QueuingChannel",
		{ { "maxMessageLength", true, SIZE, NULL, ALL },
		  { "maxNoMessages", true, NUMBER, NULL, ALL },
		  { "validPeriod", false, TIME, NULL, TWO } },
		{ { SE_SOURCE, 1, 1, ALL }, { SE_DESTINATION, 1, 1, ALL } } },
	[SE_SOURCE] = { "Source", ENDPOINT_ATTRS, NONE },
	[SE_DESTINATION] = { "Destination", ENDPOINT_ATTRS, NONE },
};
/* clang-format on */
