// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The partitions of a description: names, flags, ports, trace and hardware.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/system/build.h"
#include "libxm/system/value.h"

#define NAME_CHARS 16 /* of a port's name that the hypervisor compares */
#define LINES_XM 16
#define LINES_PRTOS 32
#define MAX_RANGES 1024 /* of one partition, as the grammar says */

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
		else if (build->dialect != SCHEMA_2_X && !strncmp(other->name, name, NAME_CHARS))
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
		     const char *attr, struct system_partition *p, uint32_t *ownedp)
{
	unsigned int lines = build->dialect == SCHEMA_PRTOS ? LINES_PRTOS : LINES_XM, line = 0;

	if (sscanf(word, "%9u", &line) != 1)
		return;
	if (line >= lines)
		build_error(build, node, attr, NULL, "there is no interrupt line %u", line);
	else if (*ownedp & 1u << line)
		build_error(build, node, attr, NULL, "interrupt line %u has two owners", line);
	else
		p->hw_irqs |= 1u << line;
	*ownedp |= p->hw_irqs;
}

struct range {
	uint64_t first, n;
};

static void add_range(const struct build *build, const struct xml_node *node, struct range *ranges,
		      uint32_t *np)
{
	struct range new;

	if (!build_hex(node, "base", &new.first) || !build_number(node, "noPorts", &new.n))
		return;
	if (new.first > UINT16_MAX || new.n > UINT16_MAX + 1 - new.first) {
		build_error(build, node, "base", NULL, "the range ends beyond port 0xffff");
		return;
	}
	for (uint32_t i = 0; i < *np; i++)
		if (new.first < ranges[i].first + ranges[i].n &&
		    ranges[i].first < new.first + new.n)
			build_error(build, node, "base", NULL, "the range overlaps another one");
	ranges[(*np)++] = new;
}

static void check_io(const struct build *build, const struct xml_node *io)
{
	struct range ranges[MAX_RANGES];
	const struct xml_node *node = NULL;
	uint32_t n = 0;

	while ((node = schema_child(io, SE_IO_RANGE, node)) && n < MAX_RANGES)
		add_range(build, node, ranges, &n);
}

static void read_hw(const struct build *build, const struct xml_node *hw,
		    struct system_partition *p, uint32_t *ownedp)
{
	const struct xml_node *io = schema_child(hw, SE_IO_PORTS, NULL);
	const struct xml_node *irq = schema_child(hw, SE_INTERRUPTS, NULL);
	const char *attr = build->dialect == SCHEMA_2_X ? "line" : "lines";
	const char *list = irq ? build_text(irq, attr) : "", *word;
	size_t len;

	if (io)
		check_io(build, io);
	while (value_word(&list, &word, &len))
		add_line(build, irq, word, attr, p, ownedp);
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

static void read_name(const struct build *build, const struct xml_node *node,
		      struct system_partition *p)
{
	const struct build_table *partitions = &build->table[SYSTEM_PARTITIONS];

	build_name(node, "name", p->name);
	for (uint32_t i = 0; *p->name && i < p->id; i++) {
		const struct system_partition *other = build_item(partitions, i);

		if (!strcmp(other->name, p->name))
			build_error(build, node, "name", NULL,
				    "a second partition with the name \"%s\"", p->name);
	}
}

static uint32_t flags_of(const struct build *build, const struct xml_node *node)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} flags[] = {
		{ "system", SYSTEM_PF_SYSTEM },     { "fp", SYSTEM_PF_FP },
		{ "sv", SYSTEM_PF_SYSTEM },         { "boot", SYSTEM_PF_BOOT },
		{ "sphost", SYSTEM_PF_SPARE_HOST }, { "spguest", SYSTEM_PF_SPARE_GUEST },
	};
	/* Every partition of 3.x comes with an image, and so with the boot flag. */
	uint32_t set = build->dialect == SCHEMA_2_X ? 0 : SYSTEM_PF_BOOT;
	bool fp = false;

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (build_has_word(node, "flags", flags[i].word))
			set |= flags[i].flag;
	if (value_boolean(build_text(node, "fp"), &fp) && fp)
		set |= SYSTEM_PF_FP;
	return set;
}

/* Where the image of a partition of 2.x is, and who runs it. */
static void check_image(const struct build *build, const struct xml_node *node, uint32_t id)
{
	uint64_t processor, address, offset, image;

	if (build_number(node, "processor", &processor) && processor >= build->n_processors)
		build_error(build, node, "processor", NULL, "there is no processor %llu",
			    (unsigned long long)processor);
	if (build_hex(node, "imageId", &image) && image > UINT32_MAX)
		build_error(build, node, "imageId", NULL, "the number has more than 32 bits");
	if (!build_hex(node, "loadPhysAddr", &address))
		return;
	build_check_address(build, node, "loadPhysAddr", address, id);
	if (build_hex(node, "headerOffset", &offset) && offset)
		build_check_address(build, node, "headerOffset", address + offset, id);
}

static void read_console(const struct build *build, const struct xml_node *node,
			 struct system_partition *p)
{
	const struct xml_node *device = build_device(build, node, "console");
	uint64_t size = 0;

	if (!device)
		return;
	p->flags |= SYSTEM_PF_CONSOLE;
	if (device->mark != SE_BLOCK + 1 || !build_size(device, "size", &size))
		return;
	p->console_capacity = (uint32_t)(size < SYSTEM_MAX_CONSOLE ? size : SYSTEM_MAX_CONSOLE);
}

static void read_attributes(const struct build *build, const struct xml_node *node,
			    struct system_partition *p)
{
	if (build->dialect != SCHEMA_2_X)
		build_check_id(build, node, p->id);
	read_name(build, node, p);
	p->flags = flags_of(build, node);
	read_console(build, node, p);
	read_vcpus(build, node, p);
}

static void read_children(struct build *build, const struct xml_node *node,
			  struct system_partition *p, uint32_t *ownedp)
{
	const struct xml_node *ports = schema_child(node, SE_PORT_TABLE, NULL), *port = NULL;
	const struct xml_node *hw = schema_child(node, SE_HW_RESOURCES, NULL);
	const struct xml_node *trace = schema_child(node, SE_TRACE, NULL);

	build_areas(build, node, p->id);
	if (build->dialect == SCHEMA_2_X)
		check_image(build, node, p->id);
	while (ports && (port = schema_child(ports, SE_PORT, port)))
		add_port(build, p, port);
	if (hw)
		read_hw(build, hw, p, ownedp);
	if (trace)
		read_trace(build, trace, p);
	build_hm(build, node, p->id);
}

/* 2.x lets them stand in any order. */
static void sort_by_id(const struct build *build, const struct xml_node **nodes, uint32_t n)
{
	const struct xml_node *sorted[SYSTEM_MAX_PARTITIONS] = { NULL };
	uint64_t id;
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		if (!build_number(nodes[i], "id", &id)) {
			good = false;
		} else if (id >= n || sorted[id]) {
			build_error(build, nodes[i], "id", "the ids are those below their number",
				    id >= n ? "%u partitions have no id %llu"
					    : "of %u partitions a second one has the id %llu",
				    n, (unsigned long long)id);
			good = false;
		} else {
			sorted[id] = nodes[i];
		}
	}
	if (good)
		memcpy(nodes, sorted, n * sizeof(*nodes));
}

static void add_partition(struct build *build, const struct xml_node *node, uint32_t *ownedp)
{
	struct system_partition *p = build_add(build, &build->table[SYSTEM_PARTITIONS]);

	if (!p)
		return;
	p->id = build->table[SYSTEM_PARTITIONS].n - 1;
	p->first_port = build->table[SYSTEM_PORTS].n;
	read_attributes(build, node, p);
	read_children(build, node, p, ownedp);
}

void build_partitions(struct build *build)
{
	const struct xml_node *table = schema_child(build->root, SE_PARTITION_TABLE, NULL);
	const struct xml_node *nodes[SYSTEM_MAX_PARTITIONS], *node = NULL;
	uint32_t owned = 0, n = 0; /* owned: interrupt lines */

	while (table && n < SYSTEM_MAX_PARTITIONS &&
	       (node = schema_child(table, SE_PARTITION, node)))
		nodes[n++] = node;
	if (build->dialect == SCHEMA_2_X)
		sort_by_id(build, nodes, n);
	for (uint32_t i = 0; i < n; i++)
		add_partition(build, nodes[i], &owned);
}
