/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_BUILD_H
#define XM_SYSTEM_BUILD_H

/*
 * A description while it is being read: growing tables, and the elements that their records came
 * from.  Internal to libxm/system.
 */

#include "libxm/system/schema.h"
#include "libxm/system/system.h"

struct build_table {
	char *items;
	uint32_t n, cap;
	size_t size; /* of one item */
};

struct build_region {
	uint64_t start, size;
	const struct xml_node *node;
};

/* Memory that somebody has: a partition, or the hypervisor. */
struct build_claim {
	uint64_t start, size;
	uint32_t owner; /* XM_HYPERVISOR_ID: the hypervisor */
	bool shared;
};

struct build {
	const struct xml_source *source;
	const struct xml_node *root;
	unsigned int dialect; /* one SCHEMA_... */
	bool no_memory;
	uint32_t hm_capacity, trace_capacity;
	uint32_t log_records; /* of all logs and traces so far */
	uint32_t cpu_khz;
	uint32_t n_processors;      /* as many as are described */
	uint32_t maintenance_plans; /* fewest plans on a processor that has a plan table */
	struct build_table table[SYSTEM_N_TABLES]; /* of the records of struct system */
	struct build_table regions;                /* of struct build_region */
	struct build_table claims;                 /* of struct build_claim */
	struct build_table devices;                /* of const struct xml_node * */
};

/* A zeroed item at the end of the table, or NULL (and build->no_memory). */
void *build_add(struct build *build, struct build_table *table);
/* The table's item number i. */
void *build_item(const struct build_table *table, uint32_t i);

/* Whether so much is wrong that no more can be said: what may take long need not be done. */
bool build_gave_up(const struct build *build);

/* Value of an attribute; false if it is absent or (which was reported) malformed. */
bool build_number(const struct xml_node *node, const char *name, uint64_t *valuep);
bool build_hex(const struct xml_node *node, const char *name, uint64_t *valuep);
bool build_size(const struct xml_node *node, const char *name, uint64_t *valuep);
bool build_time(const struct xml_node *node, const char *name, uint64_t *valuep);
/* The attribute's text, "" if absent. */
const char *build_text(const struct xml_node *node, const char *name);
/* The same into a record's name; one that is too long was reported. */
void build_name(const struct xml_node *node, const char *name, char out[SYSTEM_NAME]);
/* Whether a blank-separated list attribute has the word. */
bool build_has_word(const struct xml_node *node, const char *name, const char *word);

/* Reports an error at an attribute of the node, or at the node without it. */
void build_error(const struct build *build, const struct xml_node *node, const char *attr,
		 const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
void build_warning(const struct build *build, const struct xml_node *node, const char *attr,
		   const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Whether the id attribute is `expected`; reports it otherwise. */
void build_check_id(const struct build *build, const struct xml_node *node, uint64_t expected);
/* The partition that an attribute names, or NULL with a report. */
struct system_partition *build_partition(const struct build *build, const struct xml_node *node,
					 const char *attr);
/* The device that an attribute names, or NULL: with a report unless the attribute is absent. */
const struct xml_node *build_device(const struct build *build, const struct xml_node *node,
				    const char *attr);
/* How many records a log stream on this device holds; NULL: it has none. */
uint32_t build_log(struct build *build, const struct xml_node *device);
/* Adds the events that the health monitor has for a partition or XM_HYPERVISOR_ID. */
void build_hm(struct build *build, const struct xml_node *node, uint32_t scope); /* build_hm.c */

/* Where the dialects differ: the description of the hypervisor, or NULL; the next processor; the
 * plans of a processor, or NULL. */
const struct xml_node *build_hypervisor(const struct build *build);
const struct xml_node *build_next_processor(const struct build *build, const struct xml_node *last);
const struct xml_node *build_cyclic(const struct xml_node *processor);

/* Memory: build_memory.c. */
void build_regions(struct build *build);
/* The areas of a partition, or (2.x) of the hypervisor. */
void build_areas(struct build *build, const struct xml_node *node, uint32_t owner);
/* Reports an address that is in none of the owner's areas. */
void build_check_address(const struct build *build, const struct xml_node *node, const char *attr,
			 uint64_t address, uint32_t owner);

/* The parts, in the order in which they must be called. */
void build_machine(struct build *build);    /* regions, devices, hypervisor; build_machine.c */
void build_partitions(struct build *build); /* build_partition.c */
void build_plans(struct build *build);      /* build_plan.c */
void build_channels(struct build *build);   /* build_channel.c */

/* Adds notes about what is accepted, and of no effect; notes.c. */
void build_notes(const struct build *build);

#endif
