// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the readers of the parts of a description share.  Owns nothing: the tables belong to the
 * struct build.  A value that is malformed was reported by the schema and is only skipped here.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/build.h"
#include "libxm/system/value.h"

void *build_add(struct build *build, struct build_table *table)
{
	if (table->n == table->cap) {
		uint32_t cap = table->cap ? table->cap * 2 : 16;
		char *items = realloc(table->items, cap * table->size);

		if (!items) {
			build->no_memory = true;
			return NULL;
		}
		table->items = items;
		table->cap = cap;
	}
	return memset(build_item(table, table->n++), 0, table->size);
}

void *build_item(const struct build_table *table, uint32_t i)
{
	return table->items + i * table->size;
}

bool build_number(const struct xml_node *node, const char *name, uint64_t *valuep)
{
	const struct xml_attr *attr = xml_attr(node, name);

	return attr && value_number(attr->value, valuep) && *valuep <= UINT32_MAX;
}

bool build_hex(const struct xml_node *node, const char *name, uint64_t *valuep)
{
	const struct xml_attr *attr = xml_attr(node, name);

	return attr && value_hex(attr->value, valuep);
}

bool build_size(const struct xml_node *node, const char *name, uint64_t *valuep)
{
	const struct xml_attr *attr = xml_attr(node, name);

	return attr && value_size(attr->value, valuep);
}

bool build_time(const struct xml_node *node, const char *name, uint64_t *valuep)
{
	const struct xml_attr *attr = xml_attr(node, name);

	return attr && value_time(attr->value, valuep) && *valuep <= SYSTEM_MAX_TIME;
}

const char *build_text(const struct xml_node *node, const char *name)
{
	const struct xml_attr *attr = xml_attr(node, name);

	return attr ? attr->value : "";
}

void build_name(const struct xml_node *node, const char *name, char out[SYSTEM_NAME])
{
	const char *text = build_text(node, name);
	size_t len = strnlen(text, SYSTEM_NAME - 1);

	memset(out, 0, SYSTEM_NAME);
	memcpy(out, text, len);
}

bool build_has_word(const struct xml_node *node, const char *name, const char *word)
{
	const char *list = build_text(node, name), *item;
	size_t len;

	while (value_word(&list, &item, &len))
		if (len == strlen(word) && !memcmp(item, word, len))
			return true;
	return false;
}

static __attribute__((format(printf, 6, 0))) void
report(const struct build *build, enum diag_level level, const struct xml_node *node,
       const char *attr, const char *hint, const char *format, va_list args)
{
	const struct xml_attr *place = attr ? xml_attr(node, attr) : NULL;
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	xml_report(build->source, level, place ? place->at : node->at, hint, "%s", text);
}

void build_error(const struct build *build, const struct xml_node *node, const char *attr,
		 const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(build, DIAG_ERROR, node, attr, hint, format, args);
	va_end(args);
}

void build_warning(const struct build *build, const struct xml_node *node, const char *attr,
		   const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(build, DIAG_WARNING, node, attr, hint, format, args);
	va_end(args);
}

bool build_gave_up(const struct build *build)
{
	return build->source->diag->truncated;
}

void build_check_id(const struct build *build, const struct xml_node *node, uint64_t expected)
{
	char hint[96];
	uint64_t id;

	if (!build_number(node, "id", &id) || id == expected)
		return;
	snprintf(hint, sizeof(hint), "ids are consecutive from 0; expected %llu",
		 (unsigned long long)expected);
	build_error(build, node, "id", hint, "%s id %llu is out of order", node->name,
		    (unsigned long long)id);
}

struct system_partition *build_partition(const struct build *build, const struct xml_node *node,
					 const char *attr)
{
	const struct build_table *partitions = &build->table[SYSTEM_PARTITIONS];
	uint64_t id;

	if (!build_number(node, attr, &id))
		return NULL;
	if (id < partitions->n)
		return build_item(partitions, (uint32_t)id);
	build_error(build, node, attr, NULL, "there is no partition %llu", (unsigned long long)id);
	return NULL;
}

static const struct xml_node *find_device(const struct build *build, const char *name)
{
	for (uint32_t i = 0; i < build->devices.n; i++) {
		const struct xml_node *const *device = build_item(&build->devices, i);

		if (!strcmp(build_text(*device, "name"), name))
			return *device;
	}
	return NULL;
}

static const char *nearest_device(const struct build *build, const char *name)
{
	const char *names[64];
	uint32_t n = 0;

	for (; n < build->devices.n && n < 64; n++) {
		const struct xml_node *const *device = build_item(&build->devices, n);

		names[n] = build_text(*device, "name");
	}
	return diag_nearest(name, names, n);
}

const struct xml_node *build_device(const struct build *build, const struct xml_node *node,
				    const char *attr)
{
	const char *name = build_text(node, attr), *near;
	const struct xml_node *device;
	char hint[96];

	if (!*name)
		return NULL;
	device = find_device(build, name);
	if (device)
		return device;
	near = nearest_device(build, name);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%.40s\"?", near);
	else
		snprintf(hint, sizeof(hint), "devices are named in %s",
			 build->dialect == SCHEMA_2_X ? "Devices" : "HwDescription/Devices");
	build_error(build, node, attr, hint, "there is no device \"%.40s\"", name);
	return NULL;
}

/* ---- where the dialects differ ---------------------------------------------------------------------- */

const struct xml_node *build_hypervisor(const struct build *build)
{
	enum schema_element element = SE_HYPERVISOR;

	if (build->dialect == SCHEMA_PRTOS)
		element = SE_PRTOS_HYPERVISOR;
	else if (build->dialect == SCHEMA_2_X)
		element = SE_HYPERVISOR_2;
	return schema_child(build->root, element, NULL);
}

const struct xml_node *build_next_processor(const struct build *build, const struct xml_node *last)
{
	const struct xml_node *hv = build_hypervisor(build), *hw, *table;

	if (build->dialect == SCHEMA_2_X) {
		hw = hv ? schema_child(hv, SE_HW_2, NULL) : NULL;
		return hw ? schema_child(hw, SE_PROCESSOR_2, last) : NULL;
	}
	hw = schema_child(build->root, SE_HW, NULL);
	table = hw ? schema_child(hw, SE_PROCESSOR_TABLE, NULL) : NULL;
	return table ? schema_child(table, SE_PROCESSOR, last) : NULL;
}

const struct xml_node *build_cyclic(const struct xml_node *processor)
{
	const struct xml_node *sched = schema_child(processor, SE_SCHED, NULL);

	return schema_child(sched ? sched : processor, SE_CYCLIC, NULL);
}
