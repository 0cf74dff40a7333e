// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a behaviour file to actions.  Owns the notation.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/events.h"
#include "libxm/system/value.h"
#include "xmbroker/sim/behaviour_internal.h"
#include "xmbroker/sim/scenario.h"

static const char *const top_keys[] = { "partitions" };
static const char *const write_keys[] = { "write", "data", "at", "every" };
static const char *const echo_keys[] = { "echo", "to" };
static const char *const raise_keys[] = { "raise", "at", "every" };
static const char *const crash_keys[] = { "crash" };

struct reader {
	struct scenario s;
	struct behaviour *b;
	bool no_memory;
};

static void read_times(struct scenario *s, const struct node *map, struct action *a)
{
	const struct node *at = node_get(map, "at"), *every = node_get(map, "every");

	if (!at && !every)
		node_error(s->diag, map, NULL, "one of 'at' and 'every' is missing");
	if (every && scenario_time(s, every, &a->every))
		a->at = a->every;
	if (at)
		scenario_time(s, at, &a->at);
}

static uint32_t max_message(const struct scenario *s, const struct system_port *port)
{
	const struct system_channel *channel = system_port_channel(s->sys, port);

	return channel ? channel->max_message_length : 0;
}

/* ---- data ------------------------------------------------------------------------------------------- */

/* Plain 0x... is bytes, everything else is text. */
static void read_data(struct reader *r, const struct node *node, struct action *a)
{
	const char *text = scenario_text(&r->s, node);
	bool hex = text && node->plain && !strncmp(text, "0x", 2);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return;
	a->data = malloc(len);
	r->no_memory |= !a->data;
	if (!a->data)
		return;
	memcpy(a->data, text, len);
	a->len = (uint32_t)(hex ? len / 2 - 1 : len);
	if (hex && !(text[2] && value_bytes(text + 2, a->data)))
		node_error(r->s.diag, node, "two hexadecimal digits make a byte",
			   "'%s' is no sequence of bytes", text);
	else if (a->to && a->len > max_message(&r->s, a->to))
		node_error(r->s.diag, node, NULL,
			   "%u bytes are more than the %u of a message of port '%s'", a->len,
			   max_message(&r->s, a->to), a->to->name);
}

/* ---- actions ---------------------------------------------------------------------------------------- */

static void read_write(struct reader *r, const struct node *map, struct action *a)
{
	struct scenario *s = &r->s;
	const struct node *data = scenario_required(s, map, "data");

	a->to = scenario_port(s, node_get(map, "write"), a->partition, SYSTEM_SOURCE);
	read_times(s, map, a);
	if (data)
		read_data(r, data, a);
}

static void read_echo(struct reader *r, const struct node *map, struct action *a)
{
	struct scenario *s = &r->s;
	const struct node *from = node_get(map, "echo"), *to = scenario_required(s, map, "to");

	a->from = scenario_port(s, from, a->partition, SYSTEM_DESTINATION);
	a->to = to ? scenario_port(s, to, a->partition, SYSTEM_SOURCE) : NULL;
	if (!a->from || !a->to)
		return;
	a->room = max_message(s, a->from);
	if (a->from->type != SYSTEM_QUEUING)
		node_error(s->diag, from, NULL, "port '%s' is not a queuing port", a->from->name);
	else if (a->room > max_message(s, a->to))
		node_error(s->diag, to, NULL,
			   "messages of port '%s' (%u bytes) do not fit port '%s' (%u bytes)",
			   a->from->name, a->room, a->to->name, max_message(s, a->to));
	a->data = malloc((size_t)a->room + 1);
	r->no_memory |= !a->data;
}

static void read_raise(struct reader *r, const struct node *map, struct action *a)
{
	a->event = (uint32_t)scenario_event(&r->s, node_get(map, "raise"));
	read_times(&r->s, map, a);
}

/* It reaches for memory that is not its own. */
static void read_crash(struct reader *r, const struct node *map, struct action *a)
{
	bool prtos = r->s.profile == XM_PROFILE_ID_PRTOS;

	a->event = (uint32_t)system_event_number(r->s.profile, prtos ? "PRTOS_HM_EV_MEM_PROTECTION"
								     : "XM_HM_EV_MEM_PROTECTION");
	scenario_time(&r->s, node_get(map, "crash"), &a->at);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct verb {
	enum action_kind kind;
	const char *const *keys; /* the first is the verb itself */
	size_t n_keys;
	void (*read)(struct reader *r, const struct node *map, struct action *a);
} verbs[] = {
	{ ACTION_WRITE, write_keys, COUNT(write_keys), read_write },
	{ ACTION_ECHO, echo_keys, COUNT(echo_keys), read_echo },
	{ ACTION_RAISE, raise_keys, COUNT(raise_keys), read_raise },
	{ ACTION_CRASH, crash_keys, COUNT(crash_keys), read_crash },
};

static const struct verb *find_verb(struct scenario *s, const struct node *map)
{
	const char *names[COUNT(verbs)];

	for (size_t i = 0; i < COUNT(verbs); i++) {
		names[i] = verbs[i].keys[0];
		if (map->kind == NODE_MAP && node_get(map, names[i]))
			return &verbs[i];
	}
	if (map->kind == NODE_MAP && map->first)
		node_error(s->diag, map->first,
			   scenario_hint(s, map->first->text, names, COUNT(verbs)),
			   "expected write, echo, raise or crash");
	else
		node_error(s->diag, map, NULL,
			   "expected an action, as {write: PORT, every: 100ms, data: TEXT}");
	return NULL;
}

static void read_action(struct reader *r, const struct node *map, uint32_t partition)
{
	const struct verb *verb = find_verb(&r->s, map);
	struct action *a = &r->b->actions[r->b->n];

	*a = (struct action){ .partition = partition, .next = -1 };
	if (!verb || !scenario_is_map(&r->s, map, verb->keys, verb->n_keys))
		return;
	r->b->n++;
	a->kind = verb->kind;
	verb->read(r, map, a);
	r->b->actors[partition].acts = true;
}

/* ---- the file --------------------------------------------------------------------------------------- */

static void read_partition(struct reader *r, const struct node *key)
{
	const struct node *list = key->next;
	int partition = scenario_partition(&r->s, key);
	struct behaviour *b = r->b;
	struct action *more;

	if (partition < 0 || !scenario_is_list(&r->s, list))
		return;
	if (b->actors[partition].acts)
		node_error(r->s.diag, key, NULL, "partition '%s' is there twice", key->text);
	more = realloc(b->actions, (b->n + list->n + 1) * sizeof(*more));
	r->no_memory |= !more;
	if (!more)
		return;
	b->actions = more;
	NODE_FOR_EACH(item, list)
	read_action(r, item, (uint32_t)partition);
}

static void read_file(struct reader *r)
{
	struct scenario *s = &r->s;
	const struct node *partitions;

	if (!scenario_is_map(s, s->root, top_keys, COUNT(top_keys)))
		return;
	partitions = scenario_required(s, s->root, "partitions");
	if (!partitions)
		return;
	if (partitions->kind != NODE_MAP) {
		node_error(s->diag, partitions, NULL, "expected a mapping (partition: actions)");
		return;
	}
	NODE_FOR_EACH_KEY(key, partitions)
	read_partition(r, key);
}

static struct behaviour *new_behaviour(const struct system *sys)
{
	struct behaviour *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->sys = sys;
	b->again = -1;
	system_partitions(sys, &b->n_actors);
	b->actors = calloc(b->n_actors + 1, sizeof(*b->actors));
	if (b->actors)
		return b;
	free(b);
	return NULL;
}

int behaviour_load(const char *path, const struct system *sys, enum xm_profile profile,
		   struct diag *diag, struct behaviour **behaviourp)
{
	struct reader r = { .b = new_behaviour(sys) };
	int ret;

	if (!r.b)
		return -ENOMEM;
	ret = scenario_open(&r.s, path, sys, profile, diag);
	if (ret == 0)
		read_file(&r);
	if (scenario_close(&r.s) < 0 && ret == 0)
		ret = -EINVAL;
	if (r.no_memory)
		ret = -ENOMEM;
	if (ret < 0)
		behaviour_free(r.b);
	else
		*behaviourp = r.b;
	return ret;
}

void behaviour_free(struct behaviour *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->actions[i].data);
	free(b->actions);
	free(b->actors);
	free(b);
}
