// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processors and what runs on them when.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/system/build.h"

static void check_plan_name(const struct build *build, const struct xml_node *node,
			    const struct system_plan *plan)
{
	const struct build_table *plans = &build->table[SYSTEM_PLANS];

	for (uint32_t i = 0; *plan->name && i < plans->n; i++) {
		const struct system_plan *other = build_item(plans, i);

		if (other->processor == plan->processor && !strcmp(other->name, plan->name))
			build_error(build, node, "name", NULL, "a second plan with the name \"%s\"",
				    plan->name);
	}
}

/* A virtual processor is on one processor only; `homes` has a row for each partition. */
static void check_home(const struct build *build, const struct xml_node *node,
		       const struct system_slot *slot, uint32_t processor,
		       uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	uint8_t *home = &homes[slot->partition][slot->vcpu];

	if (*home && *home != processor + 1)
		build_error(build, node, "partitionId", NULL,
			    "virtual processor %u of partition %u is also on processor %u",
			    slot->vcpu, slot->partition, *home - 1u);
	*home = (uint8_t)(processor + 1);
}

static bool read_slot(const struct build *build, const struct xml_node *node,
		      struct system_slot *slot)
{
	const struct system_partition *p = build_partition(build, node, "partitionId");
	uint64_t start, duration, vcpu = 0;

	if (!p || !build_time(node, "start", &start) || !build_time(node, "duration", &duration))
		return false;
	build_number(node, "vCpuId", &vcpu);
	if (vcpu >= p->n_vcpus) {
		build_error(build, node, "vCpuId", NULL,
			    "partition %u has no virtual processor %llu", p->id,
			    (unsigned long long)vcpu);
		return false;
	}
	slot->start = (int64_t)start;
	slot->duration = (int64_t)duration;
	slot->partition = p->id;
	slot->vcpu = (uint32_t)vcpu;
	return true;
}

/* Ordered, disjoint, inside the major frame. */
static void check_slot_time(const struct build *build, const struct xml_node *node,
			    const struct system_plan *plan, const struct system_slot *slot,
			    int64_t end)
{
	char hint[96];

	if (slot->duration == 0)
		build_error(build, node, "duration", NULL, "the slot is empty");
	if (slot->start < end) {
		snprintf(hint, sizeof(hint), "the slot before it ends at %lld us", (long long)end);
		build_error(build, node, "start", hint, "slots overlap or are out of order");
	}
	if (plan->major_frame && slot->start + slot->duration > plan->major_frame) {
		snprintf(hint, sizeof(hint), "the slot ends at %lld us, the major frame at %lld us",
			 (long long)(slot->start + slot->duration), (long long)plan->major_frame);
		build_error(build, node, "duration", hint, "the slot ends outside the major frame");
	}
}

static void add_slots(struct build *build, const struct xml_node *node, struct system_plan *plan,
		      uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	const struct xml_node *child = NULL;
	uint32_t id = 0;
	int64_t end = 0;

	while ((child = schema_child(node, SE_SLOT, child))) {
		struct system_slot *slot, new = { .id = id };

		build_check_id(build, child, id++);
		if (!read_slot(build, child, &new))
			continue;
		check_slot_time(build, child, plan, &new, end);
		check_home(build, child, &new, plan->processor, homes);
		end = new.start + new.duration;
		if (build->table[SYSTEM_SLOTS].n == SYSTEM_MAX_SLOTS) {
			build_error(build, child, NULL, NULL, "too many slots");
			return;
		}
		slot = build_add(build, &build->table[SYSTEM_SLOTS]);
		if (slot)
			*slot = new;
		plan->n_slots++;
	}
}

static void add_plan(struct build *build, const struct xml_node *node, uint32_t id,
		     uint32_t processor, uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	struct system_plan *plan, new = { .id = id, .processor = processor };
	uint64_t frame = 0;

	build_check_id(build, node, id);
	build_name(node, "name", new.name);
	check_plan_name(build, node, &new);
	if (build_time(node, "majorFrame", &frame) ? frame == 0 : !xml_attr(node, "majorFrame"))
		build_error(build, node, "majorFrame", "its default is 0s",
			    "the major frame must be longer than 0");
	new.major_frame = (int64_t)frame;
	new.first_slot = build->table[SYSTEM_SLOTS].n;
	add_slots(build, node, &new, homes);
	if (build->table[SYSTEM_PLANS].n == SYSTEM_MAX_PLANS) {
		build_error(build, node, NULL, NULL, "too many plans");
		return;
	}
	plan = build_add(build, &build->table[SYSTEM_PLANS]);
	if (plan)
		*plan = new;
}

static void build_processor(struct build *build, const struct xml_node *node, uint32_t id,
			    uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	const struct xml_node *cyclic = schema_child(node, SE_CYCLIC, NULL), *child = NULL;
	const struct xml_node *fixed = schema_child(node, SE_FIXED, NULL);
	uint32_t plan = 0;

	build_check_id(build, node, id);
	if (!cyclic == !fixed)
		build_error(build, node, NULL,
			    build->dialect == SCHEMA_PRTOS
				    ? "expected a <CyclicPlanTable>"
				    : "expected a <CyclicPlanTable> or a <FixedPriority>",
			    "the processor needs one schedule");
	while (cyclic && (child = schema_child(cyclic, SE_PLAN, child)))
		add_plan(build, child, plan++, id, homes);
	for (child = NULL; fixed && (child = schema_child(fixed, SE_FIXED_PARTITION, child));)
		build_partition(build, child, "id");
}

void build_plans(struct build *build)
{
	const struct xml_node *hw = schema_child(build->root, SE_HW, NULL), *node = NULL;
	const struct xml_node *table = hw ? schema_child(hw, SE_PROCESSOR_TABLE, NULL) : NULL;
	uint8_t homes[SYSTEM_MAX_PARTITIONS][SYSTEM_MAX_VCPUS] = { 0 };

	while (table && (node = schema_child(table, SE_PROCESSOR, node))) {
		if (build->n_processors == SYSTEM_MAX_PROCESSORS)
			return;
		build_processor(build, node, build->n_processors++, homes);
	}
}
