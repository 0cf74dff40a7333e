/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SCENARIO_H
#define XMBROKER_SIM_SCENARIO_H

/*
 * What the files of --behaviour and --faults have in common: a small YAML file about a system, whose
 * words are names of that system.  Every function that looks something up reports what is wrong with
 * the node and returns a value that says so.
 */

#include "libxm/system/system.h"
#include "policy/yaml.h"

struct scenario {
	struct arena arena;
	struct diag *diag; /* borrowed */
	const struct node *root;
	const struct system *sys; /* borrowed */
	uint32_t profile;         /* that is simulated */
};

/* Reads a file.  0, or -errno with an error in `diag`; scenario_close() is due in both cases. */
int scenario_open(struct scenario *s, const char *path, const struct system *sys, uint32_t profile,
		  struct diag *diag);
/* Frees what was read and orders the messages.  0, or -EINVAL when there was an error. */
int scenario_close(struct scenario *s);

/* Whether the node is a map, and all of its keys are among these. */
bool scenario_is_map(struct scenario *s, const struct node *node, const char *const *keys,
		     size_t n_keys);
/* The value of a key that must be there, or NULL. */
const struct node *scenario_required(struct scenario *s, const struct node *map, const char *key);
bool scenario_is_list(struct scenario *s, const struct node *node);
/* The text of a single value that is not empty, or NULL. */
const char *scenario_text(struct scenario *s, const struct node *node);
/* A number of the range. */
bool scenario_number(struct scenario *s, const struct node *node, uint64_t min, uint64_t max,
		     uint64_t *valuep);
/* A length of time in us, not 0: 100ms, 2.5s. */
bool scenario_time(struct scenario *s, const struct node *node, int64_t *usp);
/* Id of the partition, or -1. */
int scenario_partition(struct scenario *s, const struct node *node);
/* A port of the partition with this direction, or NULL. */
const struct system_port *scenario_port(struct scenario *s, const struct node *node,
					uint32_t partition, uint32_t direction);
/* The profile's number of a health monitor event, or -1. */
int scenario_event(struct scenario *s, const struct node *node);
/* "did you mean ...?", or NULL. */
const char *scenario_hint(struct scenario *s, const char *word, const char *const *words,
			  size_t n_words);

#endif
