// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts of a description that tell of the machine and of the hypervisor itself.  Most of it is
 * of no use to us and only checked, so that a description is not half right.
 */

#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/build.h"
#include "libxm/system/value.h"

#define LOG_HEADER 56 /* bytes that a log stream keeps for itself in its memory block */
#define LOG_RECORD 36

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static void add_region(struct build *build, const struct xml_node *node)
{
	struct build_region *region, new = { .node = node };

	if (!build_hex(node, "start", &new.start) || !build_size(node, "size", &new.size))
		return;
	if (new.size == 0 || new.size - 1 > UINT64_MAX - new.start) {
		build_error(build, node, "size", NULL, "the region has no end");
		return;
	}
	for (uint32_t i = 0; i < build->regions.n; i++) {
		region = build_item(&build->regions, i);
		if (overlap(region->start, region->size, new.start, new.size))
			build_error(build, node, "start", NULL, "the region overlaps another one");
	}
	region = build_add(build, &build->regions);
	if (region)
		*region = new;
}

static void check_devices(const struct build *build, const struct xml_node *devices)
{
	for (const struct xml_node *a = devices->first; a; a = a->next) {
		const char *name = build_text(a, "name");

		for (const struct xml_node *b = devices->first; b != a; b = b->next) {
			if (*name && !strcmp(name, build_text(b, "name"))) {
				build_error(build, a, "name", NULL,
					    "a second device with the name \"%.40s\"", name);
				break;
			}
		}
	}
}

/* A log on a device that cannot be read back holds nothing. */
uint32_t build_log(struct build *build, const struct xml_node *device)
{
	uint64_t size;

	if (!device || device->mark != SE_MEMORY_BLOCK + 1 || !build_size(device, "size", &size) ||
	    size < LOG_HEADER)
		return 0;
	size = (size - LOG_HEADER) / LOG_RECORD;
	if (size > SYSTEM_MAX_LOG - build->log_records) {
		build_error(build, device, "size", NULL,
			    "the logs and traces would hold more than %u records", SYSTEM_MAX_LOG);
		return 0;
	}
	build->log_records += (uint32_t)size;
	return (uint32_t)size;
}

static void build_hypervisor(struct build *build, const struct xml_node *hv)
{
	const struct xml_node *trace = schema_child(hv, SE_HV_TRACE, NULL);

	build_device(build, hv, "console");
	build->hm_capacity = build_log(build, build_device(build, hv, "healthMonitorDevice"));
	if (trace)
		build->trace_capacity = build_log(build, build_device(build, trace, "device"));
	build_hm(build, hv, XM_HYPERVISOR_ID);
}

static void read_frequency(struct build *build, const struct xml_node *table)
{
	const struct xml_node *processor = table ? schema_child(table, SE_PROCESSOR, NULL) : NULL;
	uint64_t khz;

	if (processor && value_frequency(build_text(processor, "frequency"), &khz) &&
	    khz <= UINT32_MAX)
		build->cpu_khz = (uint32_t)khz;
}

/* Fewest plans of any processor, which decides whether there is a maintenance plan. */
static void count_plans(struct build *build, const struct xml_node *table)
{
	const struct xml_node *processor = NULL, *cyclic, *plan;

	build->maintenance_plans = UINT32_MAX;
	while (table && (processor = schema_child(table, SE_PROCESSOR, processor))) {
		uint32_t n = 0;

		cyclic = schema_child(processor, SE_CYCLIC, NULL);
		for (plan = NULL; cyclic && (plan = schema_child(cyclic, SE_PLAN, plan));)
			n++;
		if (n < build->maintenance_plans)
			build->maintenance_plans = n;
	}
}

void build_machine(struct build *build)
{
	const struct xml_node *hw = schema_child(build->root, SE_HW, NULL);
	const struct xml_node *hv = schema_child(
		build->root, build->dialect == SCHEMA_PRTOS ? SE_PRTOS_HYPERVISOR : SE_HYPERVISOR,
		NULL);
	const struct xml_node *layout = hw ? schema_child(hw, SE_MEMORY_LAYOUT, NULL) : NULL;
	const struct xml_node *devices = hw ? schema_child(hw, SE_DEVICES, NULL) : NULL;
	const struct xml_node *processors = hw ? schema_child(hw, SE_PROCESSOR_TABLE, NULL) : NULL;
	const struct xml_node *region = NULL;

	while (layout && (region = schema_child(layout, SE_REGION, region)))
		add_region(build, region);
	if (devices)
		check_devices(build, devices);
	count_plans(build, processors);
	read_frequency(build, processors);
	if (hv)
		build_hypervisor(build, hv);
}
