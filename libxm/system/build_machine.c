// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts of a description that tell of the machine and of the hypervisor itself.  Most of it is
 * of no use to us and only checked, so that a description is not half right.
 */

#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/build.h"
#include "libxm/system/value.h"

#define LOG_HEADER_3 56 /* bytes that a log stream of 3.x keeps for itself in its memory block */
#define LOG_RECORD_3 36
#define LOG_RECORD_2 32

/* ---- devices --------------------------------------------------------------------------------------- */

static void add_device(struct build *build, const struct xml_node *node)
{
	const char *name = build_text(node, "name");
	const struct xml_node **device;

	for (uint32_t i = 0; *name && i < build->devices.n; i++) {
		device = build_item(&build->devices, i);
		if (!strcmp(name, build_text(*device, "name"))) {
			build_error(build, node, "name", NULL,
				    "a second device with the name \"%.40s\"", name);
			return;
		}
	}
	device = *name ? build_add(build, &build->devices) : NULL;
	if (device)
		*device = node;
}

static void add_devices(struct build *build, const struct xml_node *parent)
{
	for (const struct xml_node *node = parent ? parent->first : NULL; node; node = node->next) {
		if (node->mark == SE_BLOCK_TABLE + 1)
			for (const struct xml_node *block = node->first; block;
			     block = block->next) {
				if (block->mark)
					add_device(build, block);
			}
		else if (node->mark)
			add_device(build, node);
	}
}

static void find_devices(struct build *build)
{
	const struct xml_node *hw = schema_child(build->root, SE_HW, NULL);

	if (build->dialect == SCHEMA_2_X)
		add_devices(build, schema_child(build->root, SE_DEVICES_2, NULL));
	else if (hw)
		add_devices(build, schema_child(hw, SE_DEVICES, NULL));
}

/* A log on a device that cannot be read back holds nothing. */
uint32_t build_log(struct build *build, const struct xml_node *device)
{
	uint64_t size, header = build->dialect == SCHEMA_2_X ? 0 : LOG_HEADER_3;

	if (!device || (device->mark != SE_MEMORY_BLOCK + 1 && device->mark != SE_BLOCK + 1) ||
	    !build_size(device, "size", &size) || size < header)
		return 0;
	size = (size - header) / (build->dialect == SCHEMA_2_X ? LOG_RECORD_2 : LOG_RECORD_3);
	if (size > SYSTEM_MAX_LOG - build->log_records) {
		build_error(build, device, "size", NULL,
			    "the logs and traces would hold more than %u records", SYSTEM_MAX_LOG);
		return 0;
	}
	build->log_records += (uint32_t)size;
	return (uint32_t)size;
}

/* ---- hypervisor ------------------------------------------------------------------------------------ */

static void read_mask(const struct build *build, const struct xml_node *trace)
{
	uint64_t bitmask;

	if (build_hex(trace, "bitmask", &bitmask) && bitmask > UINT32_MAX)
		build_error(build, trace, "bitmask", NULL, "the mask has more than 32 bits");
}

static void read_hypervisor(struct build *build, const struct xml_node *hv)
{
	bool two = build->dialect == SCHEMA_2_X;
	const struct xml_node *trace = schema_child(hv, two ? SE_TRACE : SE_HV_TRACE, NULL);
	uint64_t address;

	build_device(build, hv, "console");
	build->hm_capacity = build_log(
		build,
		build_device(build, hv, two ? "healthMonitoringDevice" : "healthMonitorDevice"));
	if (trace)
		build->trace_capacity = build_log(build, build_device(build, trace, "device"));
	if (trace && two)
		read_mask(build, trace);
	if (two) {
		build_areas(build, hv, XM_HYPERVISOR_ID);
		if (build_hex(hv, "loadPhysAddr", &address))
			build_check_address(build, hv, "loadPhysAddr", address, XM_HYPERVISOR_ID);
	}
	build_hm(build, hv, XM_HYPERVISOR_ID);
}

/* ---- processors ------------------------------------------------------------------------------------ */

/* Fewest plans of any processor, which decides whether there is a maintenance plan. */
static void count_plans(struct build *build)
{
	const struct xml_node *processor = NULL, *cyclic, *plan;

	build->maintenance_plans = UINT32_MAX;
	while ((processor = build_next_processor(build, processor))) {
		uint32_t n = 0;

		cyclic = build_cyclic(processor);
		for (plan = NULL; cyclic && (plan = schema_child(cyclic, SE_PLAN, plan));)
			n++;
		if (n < build->maintenance_plans)
			build->maintenance_plans = n;
		build->n_processors++;
	}
}

static void read_frequency(struct build *build)
{
	const struct xml_node *processor = build_next_processor(build, NULL);
	uint64_t khz;

	if (processor && value_frequency(build_text(processor, "frequency"), &khz) &&
	    khz <= UINT32_MAX)
		build->cpu_khz = (uint32_t)khz;
}

void build_machine(struct build *build)
{
	const struct xml_node *hv = build_hypervisor(build);

	build_regions(build);
	find_devices(build);
	count_plans(build);
	read_frequency(build);
	if (hv)
		read_hypervisor(build, hv);
}
