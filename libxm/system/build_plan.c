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
static void check_home(const struct build *build, const struct xml_node *node, const char *attr,
		       uint32_t partition, uint32_t vcpu, uint32_t processor,
		       uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	uint8_t *home = &homes[partition][vcpu];

	if (*home && *home != processor + 1)
		build_error(build, node, attr, NULL,
			    "virtual processor %u of partition %u is also on processor %u", vcpu,
			    partition, *home - 1u);
	*home = (uint8_t)(processor + 1);
}

static bool read_vcpu(const struct build *build, const struct xml_node *node,
		      const struct system_partition *p, uint32_t *vcpup)
{
	uint64_t vcpu = 0;

	build_number(node, "vCpuId", &vcpu);
	*vcpup = (uint32_t)vcpu;
	if (vcpu < p->n_vcpus)
		return true;
	build_error(build, node, "vCpuId", NULL, "partition %u has no virtual processor %llu",
		    p->id, (unsigned long long)vcpu);
	return false;
}

static bool read_slot(const struct build *build, const struct xml_node *node,
		      struct system_slot *slot)
{
	const struct system_partition *p = build_partition(build, node, "partitionId");
	uint64_t start, duration;

	if (!p || !build_time(node, "start", &start) || !build_time(node, "duration", &duration) ||
	    !read_vcpu(build, node, p, &slot->vcpu))
		return false;
	slot->start = (int64_t)start;
	slot->duration = (int64_t)duration;
	slot->partition = p->id;
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

/* In 2.x it is a label, which may be any number; 2.4 takes its digits for hexadecimal ones. */
static void read_slot_id(const struct build *build, const struct xml_node *node,
			 struct system_slot *slot)
{
	uint64_t id;

	if (build->dialect != SCHEMA_2_X)
		build_check_id(build, node, slot->id);
	else if (build_number(node, "id", &id) || build_hex(node, "id", &id))
		slot->id = (uint32_t)id;
}

static void add_slots(struct build *build, const struct xml_node *node, struct system_plan *plan,
		      uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	const struct xml_node *child = NULL;
	uint32_t id = 0;
	int64_t end = 0;

	while ((child = schema_child(node, SE_SLOT, child))) {
		struct system_slot *slot, new = { .id = id };

		read_slot_id(build, child, &new);
		id++;
		if (!read_slot(build, child, &new))
			continue;
		check_slot_time(build, child, plan, &new, end);
		check_home(build, child, "partitionId", new.partition, new.vcpu, plan->processor,
			   homes);
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

/* In 2.x the grammar has said so. */
static bool lacks_frame(const struct build *build, const struct xml_node *node)
{
	return build->dialect != SCHEMA_2_X && !xml_attr(node, "majorFrame");
}

static void add_plan(struct build *build, const struct xml_node *node, uint32_t id,
		     uint32_t processor, uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	struct system_plan *plan, new = { .id = id, .processor = processor };
	uint64_t frame = 0;

	build_check_id(build, node, id);
	build_name(node, "name", new.name);
	check_plan_name(build, node, &new);
	if (build_time(node, "majorFrame", &frame) ? frame == 0 : lacks_frame(build, node))
		build_error(build, node, "majorFrame",
			    build->dialect == SCHEMA_2_X ? NULL : "its default is 0s",
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

static void check_priority(const struct build *build, const struct xml_node *node,
			   uint32_t processor, uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	const struct system_partition *p = build_partition(build, node, "id");
	uint32_t vcpu;

	if (p && read_vcpu(build, node, p, &vcpu))
		check_home(build, node, "id", p->id, vcpu, processor, homes);
}

static void add_processor(struct build *build, const struct xml_node *node, uint32_t id,
			  uint8_t (*homes)[SYSTEM_MAX_VCPUS])
{
	const struct xml_node *cyclic = build_cyclic(node), *child = NULL;
	const struct xml_node *fixed = schema_child(node, SE_FIXED, NULL);
	uint32_t plan = 0;

	build_check_id(build, node, id);
	if (!cyclic == !fixed && build->dialect != SCHEMA_2_X)
		build_error(build, node, NULL,
			    build->dialect == SCHEMA_PRTOS
				    ? "expected a <CyclicPlanTable>"
				    : "expected a <CyclicPlanTable> or a <FixedPriority>",
			    "the processor needs one schedule");
	while (cyclic && (child = schema_child(cyclic, SE_PLAN, child)))
		add_plan(build, child, plan++, id, homes);
	for (child = NULL; fixed && (child = schema_child(fixed, SE_FIXED_PARTITION, child));)
		check_priority(build, child, id, homes);
}

void build_plans(struct build *build)
{
	uint8_t homes[SYSTEM_MAX_PARTITIONS][SYSTEM_MAX_VCPUS] = { 0 };
	const struct xml_node *node = NULL;
	uint32_t id = 0;

	while ((node = build_next_processor(build, node)))
		add_processor(build, node, id++, homes);
}
