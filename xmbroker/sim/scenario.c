// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading files about a system.  Owns the text and its tree.  Must never guess: a word that is no
 * name of the system is an error with its place.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/events.h"
#include "libxm/system/value.h"
#include "xmbroker/sim/scenario.h"

int scenario_open(struct scenario *s, const char *path, const struct system *sys, uint32_t profile,
		  struct diag *diag)
{
	const struct source *source;
	int r;

	*s = (struct scenario){ .diag = diag, .sys = sys, .profile = profile };
	r = source_read(&s->arena, path, diag, &source);
	if (r < 0)
		return r;
	s->root = yaml_read(&s->arena, source, diag);
	return s->root ? 0 : -EINVAL;
}

int scenario_close(struct scenario *s)
{
	source_sort_messages(s->diag);
	arena_free(&s->arena);
	return s->diag->n_errors ? -EINVAL : 0;
}

const char *scenario_hint(struct scenario *s, const char *word, const char *const *words,
			  size_t n_words)
{
	const char *nearest = diag_nearest(word, words, n_words);

	return nearest ? arena_printf(&s->arena, "did you mean \"%s\"?", nearest) : NULL;
}

/* ---- shapes ----------------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

bool scenario_is_map(struct scenario *s, const struct node *node, const char *const *keys,
		     size_t n_keys)
{
	bool good = true;

	if (node->kind != NODE_MAP) {
		node_error(s->diag, node, NULL, "expected a mapping (key: value)");
		return false;
	}
	NODE_FOR_EACH_KEY(key, node)
	{
		if (is_one_of(key->text, keys, n_keys))
			continue;
		node_error(s->diag, key, scenario_hint(s, key->text, keys, n_keys),
			   "unknown key '%s'", key->text);
		good = false;
	}
	return good;
}

const struct node *scenario_required(struct scenario *s, const struct node *map, const char *key)
{
	const struct node *value = node_get(map, key);

	if (!value)
		node_error(s->diag, map, NULL, "'%s' is missing", key);
	return value;
}

bool scenario_is_list(struct scenario *s, const struct node *node)
{
	if (node->kind == NODE_LIST)
		return true;
	node_error(s->diag, node, NULL, "expected a list");
	return false;
}

const char *scenario_text(struct scenario *s, const struct node *node)
{
	if (node->kind != NODE_SCALAR)
		node_error(s->diag, node, NULL, "expected a single value");
	else if (!*node->text)
		node_error(s->diag, node, NULL, "a value is missing");
	else
		return node->text;
	return NULL;
}

bool scenario_number(struct scenario *s, const struct node *node, uint64_t min, uint64_t max,
		     uint64_t *valuep)
{
	const char *text = scenario_text(s, node);

	if (!text)
		return false;
	if (value_number(text, valuep) && *valuep >= min && *valuep <= max)
		return true;
	node_error(s->diag, node, NULL, "expected a number from %llu to %llu, got '%s'",
		   (unsigned long long)min, (unsigned long long)max, text);
	return false;
}

bool scenario_time(struct scenario *s, const struct node *node, int64_t *usp)
{
	const char *text = scenario_text(s, node);
	uint64_t us;

	if (!text)
		return false;
	if (!value_time(text, &us) || !us || us > (uint64_t)SYSTEM_MAX_TIME) {
		node_error(s->diag, node, "write it as 100us, 5ms or 1.5s",
			   "expected a length of time, got '%s'", text);
		return false;
	}
	*usp = (int64_t)us;
	return true;
}

/* ---- names ------------------------------------------------------------------------------------------ */

int scenario_partition(struct scenario *s, const struct node *node)
{
	const char *name = scenario_text(s, node), *names[SYSTEM_MAX_PARTITIONS];
	const struct system_partition *p;
	uint64_t id;
	uint32_t n;
	int found;

	if (!name)
		return -1;
	found = system_partition_by_name(s->sys, name);
	p = system_partitions(s->sys, &n);
	if (found < 0 && node->plain && value_number(name, &id) && id < n)
		found = (int)id;
	if (found >= 0)
		return found;
	for (uint32_t i = 0; i < n; i++)
		names[i] = p[i].name;
	node_error(s->diag, node, scenario_hint(s, name, names, n),
		   "the system has no partition '%s'", name);
	return -1;
}

static void unknown_port(struct scenario *s, const struct node *node,
			 const struct system_partition *p)
{
	const char **names = arena_alloc(&s->arena, (p->n_ports + 1) * sizeof(*names));

	for (uint32_t i = 0; i < p->n_ports; i++)
		names[i] = system_port(s->sys, p->first_port + i)->name;
	node_error(s->diag, node, scenario_hint(s, node->text, names, p->n_ports),
		   "partition '%s' has no port '%s'", p->name, node->text);
}

const struct system_port *scenario_port(struct scenario *s, const struct node *node,
					uint32_t partition, uint32_t direction)
{
	const char *name = scenario_text(s, node);
	const struct system_port *port;

	if (!name)
		return NULL;
	port = system_port_by_name(s->sys, partition, name, strlen(name));
	if (!port) {
		unknown_port(s, node, system_partition(s->sys, partition));
		return NULL;
	}
	if (port->direction == direction)
		return port;
	node_error(s->diag, node, NULL, "port '%s' is a %s port", name,
		   port->direction == SYSTEM_SOURCE ? "source" : "destination");
	return NULL;
}

int scenario_event(struct scenario *s, const struct node *node)
{
	const char *name = scenario_text(s, node);
	char hint[128];
	int event;

	if (!name)
		return -1;
	event = system_event_number(s->profile, name);
	if (event >= 0)
		return event;
	node_error(s->diag, node,
		   event == SYSTEM_EVENT_UNNUMBERED
			   ? "its number is not published"
			   : system_event_hint(s->profile, name, hint, sizeof(hint)),
		   event == SYSTEM_EVENT_UNNUMBERED ? "event '%s' cannot be raised"
						    : "unknown health monitor event '%s'",
		   name);
	return -1;
}
