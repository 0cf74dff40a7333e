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

void build_error(const struct build *build, const struct xml_node *node, const char *attr,
		 const char *hint, const char *format, ...)
{
	const struct xml_attr *place = attr ? xml_attr(node, attr) : NULL;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	xml_report(build->source, DIAG_ERROR, place ? place->at : node->at, hint, "%s", text);
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

static const struct xml_node *find_device(const struct build *build, const char *name,
					  const char **names, size_t max, size_t *np)
{
	const struct xml_node *hw = schema_child(build->root, SE_HW, NULL);
	const struct xml_node *devices = hw ? schema_child(hw, SE_DEVICES, NULL) : NULL;
	const struct xml_node *device = devices ? devices->first : NULL;

	for (*np = 0; device; device = device->next) {
		const char *own = build_text(device, "name");

		if (device->mark && *own && !strcmp(own, name))
			return device;
		if (device->mark && *np < max)
			names[(*np)++] = own;
	}
	return NULL;
}

const struct xml_node *build_device(const struct build *build, const struct xml_node *node,
				    const char *attr)
{
	const char *name = build_text(node, attr), *names[64], *near;
	const struct xml_node *device;
	char hint[96];
	size_t n;

	if (!*name)
		return NULL;
	device = find_device(build, name, names, 64, &n);
	if (device)
		return device;
	near = diag_nearest(name, names, n);
	snprintf(hint, sizeof(hint), "did you mean \"%.40s\"?", near ? near : "");
	build_error(build, node, attr, near ? hint : "devices are named in HwDescription/Devices",
		    "there is no device \"%.40s\"", name);
	return NULL;
}

static void build_event(struct build *build, const struct xml_node *event, uint32_t scope)
{
	int number = schema_event(build->dialect, build_text(event, "name"));
	int action = schema_action(build->dialect, build_text(event, "action"));
	struct build_table *table = &build->table[SYSTEM_HM];
	bool log = false;
	struct system_hm *hm;

	if (number < 0 || action < 0)
		return;
	for (uint32_t i = 0; i < table->n; i++) {
		hm = build_item(table, i);
		if (hm->scope == scope && hm->event == (uint32_t)number) {
			build_error(build, event, "name", NULL,
				    "a second entry for the same event");
			return;
		}
	}
	value_boolean(build_text(event, "log"), &log);
	hm = build_add(build, table);
	if (hm)
		*hm = (struct system_hm){ scope, (uint32_t)number, (uint32_t)action, log };
}

void build_hm(struct build *build, const struct xml_node *node, uint32_t scope)
{
	const struct xml_node *hm = schema_child(node, SE_HM, NULL), *event = NULL;

	while (hm && (event = schema_child(hm, SE_EVENT, event))) {
		if (build->table[SYSTEM_HM].n == SYSTEM_MAX_HM)
			return;
		build_event(build, event, scope);
		if (schema_action(build->dialect, build_text(event, "action")) == 10 &&
		    build->maintenance_plans < 2)
			build_error(
				build, event, "action", "plan 1 is the maintenance plan",
				"switching to maintenance needs a second plan on each processor");
	}
}
