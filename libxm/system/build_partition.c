// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The partitions of a description: names, flags, memory, ports, health monitor entries and hardware.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/system/build.h"
#include "libxm/system/value.h"

#define PAGE 4096
#define NAME_CHARS 16 /* of a port's name that the hypervisor compares */
#define LINES_3_X 16
#define LINES_PRTOS 32

/* ---- memory -------------------------------------------------------------------------------------- */

static const char *const area_flags[] = { "shared", "unmapped", "read-only", "uncacheable", "rom",
					  "flag0",  "flag1",    "flag2",     "flag3" };
#define AREA_SHARED 1u
#define AREA_TAGGED 0x200u
#define AREA_IOMMU 0x400u

static uint32_t flags_of(const struct xml_node *node)
{
	uint32_t flags = *build_text(node, "name") ? AREA_TAGGED : 0;

	for (unsigned int i = 0; i < sizeof(area_flags) / sizeof(area_flags[0]); i++)
		if (build_has_word(node, "flags", area_flags[i]))
			flags |= 1u << i;
	return flags | (build_has_word(node, "flags", "iommu") ? AREA_IOMMU : 0);
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

static void check_overlap(const struct build *build, const struct xml_node *node,
			  const struct system_area *area)
{
	const struct build_table *areas = &build->table[SYSTEM_AREAS];

	for (uint32_t i = 0; i < areas->n; i++) {
		const struct system_area *other = build_item(areas, i);

		if (area->start >= other->start + other->size ||
		    other->start >= area->start + area->size ||
		    (area->flags & other->flags & AREA_SHARED))
			continue;
		build_error(build, node, "start", "areas that overlap must both be \"shared\"",
			    "the area overlaps one of partition %u", other->partition);
		return;
	}
}

static bool read_area(const struct build *build, const struct xml_node *node,
		      struct system_area *area)
{
	if (!build_hex(node, "start", &area->start) || !build_size(node, "size", &area->size))
		return false;
	build_name(node, "name", area->name);
	area->mapped_at = area->start;
	build_hex(node, "mappedAt", &area->mapped_at);
	if (area->start % PAGE || area->size % PAGE || area->size == 0 || area->mapped_at % PAGE) {
		build_error(build, node, "start", "start, size and mappedAt are multiples of 4KB",
			    "the area is not made of whole pages");
		return false;
	}
	if (area->size - 1 > UINT64_MAX - area->mapped_at) {
		build_error(build, node, "mappedAt", NULL,
			    "the area is mapped beyond all addresses");
		return false;
	}
	return true;
}

static void add_area(struct build *build, const struct xml_node *node, uint32_t partition,
		     uint64_t *lastp)
{
	struct system_area *area, new = { .partition = partition, .flags = flags_of(node) };

	if (!read_area(build, node, &new))
		return;
	if (new.start < *lastp)
		build_error(build, node, "start", NULL, "areas must be sorted by their start");
	*lastp = new.start;
	if (!in_region(build, &new)) {
		build_error(build, node, "start", NULL,
			    "the area lies in no region of the memory layout");
		return;
	}
	check_overlap(build, node, &new);
	if (build->table[SYSTEM_AREAS].n == SYSTEM_MAX_AREAS) {
		build_error(build, node, NULL, NULL, "too many memory areas");
		return;
	}
	area = build_add(build, &build->table[SYSTEM_AREAS]);
	if (area)
		*area = new;
}

/* ---- ports --------------------------------------------------------------------------------------- */

static void check_port_name(const struct build *build, const struct system_partition *p,
			    const struct xml_node *node, const char *name)
{
	const struct build_table *ports = &build->table[SYSTEM_PORTS];

	for (uint32_t i = p->first_port; i < ports->n; i++) {
		const struct system_port *other = build_item(ports, i);

		if (!strcmp(other->name, name))
			build_error(build, node, "name", NULL, "a second port with the name \"%s\"",
				    name);
		else if (!strncmp(other->name, name, NAME_CHARS))
			build_error(build, node, "name",
				    "the hypervisor compares only the first 16 characters",
				    "the name cannot be told from \"%s\"", other->name);
	}
}

static void add_port(struct build *build, struct system_partition *p, const struct xml_node *node)
{
	struct system_port *port, new = { .partition = p->id, .channel = SYSTEM_NO_CHANNEL };

	build_name(node, "name", new.name);
	new.type = strcmp(build_text(node, "type"), "queuing") ? SYSTEM_SAMPLING : SYSTEM_QUEUING;
	new.direction = strcmp(build_text(node, "direction"), "source") ? SYSTEM_DESTINATION
									: SYSTEM_SOURCE;
	check_port_name(build, p, node, new.name);
	if (build->table[SYSTEM_PORTS].n == SYSTEM_MAX_PORTS) {
		build_error(build, node, NULL, NULL, "more than %d ports", SYSTEM_MAX_PORTS);
		return;
	}
	port = build_add(build, &build->table[SYSTEM_PORTS]);
	if (!port)
		return;
	*port = new;
	p->n_ports++;
}

/* ---- hardware ------------------------------------------------------------------------------------ */

static void add_line(const struct build *build, const struct xml_node *node, const char *word,
		     struct system_partition *p, uint32_t *ownedp)
{
	unsigned int lines = build->dialect == SCHEMA_PRTOS ? LINES_PRTOS : LINES_3_X, line = 0;

	if (sscanf(word, "%9u", &line) != 1)
		return;
	if (line >= lines)
		build_error(build, node, "lines", NULL, "there is no interrupt line %u", line);
	else if (*ownedp & 1u << line)
		build_error(build, node, "lines", NULL, "interrupt line %u has two owners", line);
	else
		p->hw_irqs |= 1u << line;
	*ownedp |= p->hw_irqs;
}

static bool range_of(const struct xml_node *node, uint64_t *firstp, uint64_t *np)
{
	return build_hex(node, "base", firstp) && build_number(node, "noPorts", np);
}

static void check_io(const struct build *build, const struct xml_node *io)
{
	const struct xml_node *a = NULL, *b;
	uint64_t first, n, other, other_n;

	while ((a = schema_child(io, SE_IO_RANGE, a))) {
		if (!range_of(a, &first, &n))
			continue;
		if (first > UINT16_MAX || n > UINT16_MAX + 1 - first)
			build_error(build, a, "base", NULL, "the range ends beyond port 0xffff");
		for (b = NULL; (b = schema_child(io, SE_IO_RANGE, b)) != a;)
			if (range_of(b, &other, &other_n) && first < other + other_n &&
			    other < first + n)
				build_error(build, a, "base", NULL,
					    "the range overlaps another one");
	}
}

static void read_hw(const struct build *build, const struct xml_node *hw,
		    struct system_partition *p, uint32_t *ownedp)
{
	const struct xml_node *io = schema_child(hw, SE_IO_PORTS, NULL);
	const struct xml_node *irq = schema_child(hw, SE_INTERRUPTS, NULL);
	const char *list = irq ? build_text(irq, "lines") : "", *word;
	size_t len;

	if (io)
		check_io(build, io);
	while (value_word(&list, &word, &len))
		add_line(build, irq, word, p, ownedp);
}

static void read_trace(struct build *build, const struct xml_node *trace,
		       struct system_partition *p)
{
	uint64_t bitmask;

	p->trace_capacity = build_log(build, build_device(build, trace, "device"));
	if (!build_hex(trace, "bitmask", &bitmask))
		return;
	if (bitmask > UINT32_MAX)
		build_error(build, trace, "bitmask", NULL, "the mask has more than 32 bits");
	else
		p->trace_bitmask = (uint32_t)bitmask;
}

/* ---- partitions ---------------------------------------------------------------------------------- */

static void read_vcpus(const struct build *build, const struct xml_node *node,
		       struct system_partition *p)
{
	uint64_t n = 1;

	p->n_vcpus = 1;
	if (!build_number(node, "noVCpus", &n))
		return;
	if (n < 1 || n > SYSTEM_MAX_VCPUS)
		build_error(build, node, "noVCpus", NULL,
			    "a partition has 1 to %d virtual processors", SYSTEM_MAX_VCPUS);
	else
		p->n_vcpus = (uint32_t)n;
}

static void read_attributes(const struct build *build, const struct xml_node *node,
			    struct system_partition *p)
{
	const struct build_table *partitions = &build->table[SYSTEM_PARTITIONS];

	build_check_id(build, node, p->id);
	build_name(node, "name", p->name);
	for (uint32_t i = 0; *p->name && i < p->id; i++) {
		const struct system_partition *other = build_item(partitions, i);

		if (!strcmp(other->name, p->name))
			build_error(build, node, "name", NULL,
				    "a second partition with the name \"%s\"", p->name);
	}
	/* Every partition of these dialects comes with an image, and so with the boot flag. */
	p->flags = SYSTEM_PF_BOOT;
	if (build_has_word(node, "flags", "system"))
		p->flags |= SYSTEM_PF_SYSTEM;
	if (build_has_word(node, "flags", "fp"))
		p->flags |= SYSTEM_PF_FP;
	if (build_device(build, node, "console"))
		p->flags |= SYSTEM_PF_CONSOLE;
	read_vcpus(build, node, p);
}

static void read_children(struct build *build, const struct xml_node *node,
			  struct system_partition *p, uint32_t *ownedp)
{
	const struct xml_node *areas = schema_child(node, SE_AREAS, NULL), *area = NULL;
	const struct xml_node *ports = schema_child(node, SE_PORT_TABLE, NULL), *port = NULL;
	const struct xml_node *hw = schema_child(node, SE_HW_RESOURCES, NULL);
	const struct xml_node *trace = schema_child(node, SE_TRACE, NULL);
	uint64_t last = 0;

	while (areas && (area = schema_child(areas, SE_AREA, area)))
		add_area(build, area, p->id, &last);
	while (ports && (port = schema_child(ports, SE_PORT, port)))
		add_port(build, p, port);
	if (hw)
		read_hw(build, hw, p, ownedp);
	if (trace)
		read_trace(build, trace, p);
	build_hm(build, node, p->id);
}

void build_partitions(struct build *build)
{
	const struct xml_node *table = schema_child(build->root, SE_PARTITION_TABLE, NULL);
	const struct xml_node *node = NULL;
	uint32_t owned = 0; /* interrupt lines */

	while (table && (node = schema_child(table, SE_PARTITION, node))) {
		uint32_t id = build->table[SYSTEM_PARTITIONS].n;
		struct system_partition *p;

		if (id == SYSTEM_MAX_PARTITIONS)
			return;
		p = build_add(build, &build->table[SYSTEM_PARTITIONS]);
		if (!p)
			return;
		p->id = id;
		p->first_port = build->table[SYSTEM_PORTS].n;
		read_attributes(build, node, p);
		read_children(build, node, p, &owned);
	}
}
