// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory of a description: regions, and the areas in them that somebody has.
 */

#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/build.h"

#define PAGE 4096

/* As 3.x numbers them; they are kept so for every dialect. */
#define AREA_SHARED 0x1u
#define AREA_UNMAPPED 0x2u
#define AREA_READ_ONLY 0x4u
#define AREA_TAGGED 0x200u

static const struct {
	const char *word;
	uint32_t flag;
} area_flags[] = {
	{ "shared", AREA_SHARED },
	{ "unmapped", AREA_UNMAPPED },
	{ "read-only", AREA_READ_ONLY },
	{ "uncacheable", 0x8 },
	{ "rom", 0x10 },
	{ "flag0", 0x20 },
	{ "flag1", 0x40 },
	{ "flag2", 0x80 },
	{ "flag3", 0x100 },
	{ "iommu", 0x400 },
};

/* ---- regions --------------------------------------------------------------------------------------- */

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

void build_regions(struct build *build)
{
	bool two = build->dialect == SCHEMA_2_X;
	const struct xml_node *parent = two ? build_hypervisor(build) : build->root;
	const struct xml_node *hw =
		parent ? schema_child(parent, two ? SE_HW_2 : SE_HW, NULL) : NULL;
	const struct xml_node *layout = hw ? schema_child(hw, SE_MEMORY_LAYOUT, NULL) : NULL;
	const struct xml_node *region = NULL;

	while (layout && (region = schema_child(layout, SE_REGION, region)))
		add_region(build, region);
}

/* ---- areas ----------------------------------------------------------------------------------------- */

/* 2.x says what 3.x says the absence of. */
static uint32_t flags_of(const struct build *build, const struct xml_node *node)
{
	uint32_t flags = *build_text(node, "name") ? AREA_TAGGED : 0;

	for (unsigned int i = 0; i < sizeof(area_flags) / sizeof(area_flags[0]); i++)
		if (build_has_word(node, "flags", area_flags[i].word))
			flags |= area_flags[i].flag;
	if (build->dialect == SCHEMA_2_X && !build_has_word(node, "flags", "mapped"))
		flags |= AREA_UNMAPPED;
	if (build->dialect == SCHEMA_2_X && !build_has_word(node, "flags", "write"))
		flags |= AREA_READ_ONLY;
	return flags;
}

static bool in_region(const struct build *build, const struct system_area *area)
{
	for (uint32_t i = 0; i < build->regions.n; i++) {
		const struct build_region *region = build_item(&build->regions, i);

		if (area->start >= region->start && area->size <= region->size &&
		    area->start - region->start <= region->size - area->size)
			return true;
	}
	return false;
}

static void report_overlap(const struct build *build, const struct xml_node *node, uint32_t owner)
{
	static const char hint[] = "areas that overlap must both be \"shared\"";

	if (owner == XM_HYPERVISOR_ID)
		build_error(build, node, "start", hint,
			    "the area overlaps one of the hypervisor's");
	else
		build_error(build, node, "start", hint, "the area overlaps one of partition %u",
			    owner);
}

/* Nobody else may have the memory. */
static void claim(struct build *build, const struct xml_node *node, const struct system_area *area)
{
	struct build_claim *claim,
		new = { area->start, area->size, area->partition, area->flags & AREA_SHARED };

	for (uint32_t i = 0; i < build->claims.n; i++) {
		claim = build_item(&build->claims, i);
		if (overlap(claim->start, claim->size, new.start, new.size) &&
		    !(claim->shared && new.shared)) {
			report_overlap(build, node, claim->owner);
			break;
		}
	}
	claim = build_add(build, &build->claims);
	if (claim)
		*claim = new;
}

static bool check_area(const struct build *build, const struct xml_node *node,
		       const struct system_area *area)
{
	bool paged = build->dialect != SCHEMA_2_X;

	if (paged && (area->start % PAGE || area->size % PAGE || area->mapped_at % PAGE)) {
		build_error(build, node, "start", "start, size and mappedAt are multiples of 4KB",
			    "the area is not made of whole pages");
		return false;
	}
	if (area->size == 0) {
		build_error(build, node, "size", NULL, "the area is empty");
		return false;
	}
	if (area->size - 1 > UINT64_MAX - area->mapped_at) {
		build_error(build, node, "mappedAt", NULL,
			    "the area is mapped beyond all addresses");
		return false;
	}
	return true;
}

static bool read_area(const struct build *build, const struct xml_node *node,
		      struct system_area *area)
{
	if (!build_hex(node, "start", &area->start) || !build_size(node, "size", &area->size))
		return false;
	build_name(node, "name", area->name);
	area->mapped_at = area->start;
	build_hex(node, "mappedAt", &area->mapped_at);
	area->flags = flags_of(build, node);
	return check_area(build, node, area);
}

static void add_area(struct build *build, const struct xml_node *node, uint32_t owner,
		     uint64_t *lastp)
{
	struct system_area *area, new = { .partition = owner };

	if (!read_area(build, node, &new))
		return;
	if (build->dialect != SCHEMA_2_X && new.start < *lastp)
		build_error(build, node, "start", NULL, "areas must be sorted by their start");
	*lastp = new.start;
	if (!in_region(build, &new)) {
		build_error(build, node, "start", NULL,
			    "the area lies in no region of the memory layout");
		return;
	}
	if (build->claims.n == SYSTEM_MAX_AREAS) {
		build_error(build, node, NULL, NULL, "too many memory areas");
		return;
	}
	claim(build, node, &new);
	if (owner == XM_HYPERVISOR_ID)
		return;
	area = build_add(build, &build->table[SYSTEM_AREAS]);
	if (area)
		*area = new;
}

void build_areas(struct build *build, const struct xml_node *node, uint32_t owner)
{
	const struct xml_node *areas = schema_child(node, SE_AREAS, NULL), *area = NULL;
	uint64_t last = 0;

	while (areas && (area = schema_child(areas, SE_AREA, area)) && !build_gave_up(build))
		add_area(build, area, owner, &last);
}

void build_check_address(const struct build *build, const struct xml_node *node, const char *attr,
			 uint64_t address, uint32_t owner)
{
	for (uint32_t i = 0; i < build->claims.n; i++) {
		const struct build_claim *claim = build_item(&build->claims, i);

		if (claim->owner == owner && address >= claim->start &&
		    address - claim->start < claim->size)
			return;
	}
	build_error(build, node, attr, NULL, "0x%llx is in no area of %s",
		    (unsigned long long)address,
		    owner == XM_HYPERVISOR_ID ? "the hypervisor" : "the partition");
}
