// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Channels: what links ports to each other.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/system/build.h"
#include "libxm/system/value.h"

static const char *type_name(uint32_t type)
{
	return type == SYSTEM_QUEUING ? "queuing" : "sampling";
}

static struct system_port *find_port(const struct build *build, const struct system_partition *p,
				     const char *name)
{
	for (uint32_t i = 0; i < p->n_ports; i++) {
		struct system_port *port =
			build_item(&build->table[SYSTEM_PORTS], p->first_port + i);

		if (!strcmp(port->name, name))
			return port;
	}
	return NULL;
}

static void unknown_port(const struct build *build, const struct xml_node *node,
			 const struct system_partition *p)
{
	const char *names[256], *near;
	char hint[96];
	uint32_t n = 0;

	for (; n < p->n_ports && n < 256; n++) {
		const struct system_port *port =
			build_item(&build->table[SYSTEM_PORTS], p->first_port + n);

		names[n] = port->name;
	}
	near = diag_nearest(build_text(node, "portName"), names, n);
	snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near ? near : "");
	build_error(build, node, "portName", near ? hint : NULL,
		    "partition %u has no port \"%.40s\"", p->id, build_text(node, "portName"));
}

/* The port that an endpoint names, if it fits the channel; otherwise NULL with a report. */
static struct system_port *endpoint(const struct build *build, const struct xml_node *node,
				    uint32_t type, uint32_t direction)
{
	const struct system_partition *p = build_partition(build, node, "partitionId");
	const char *name = build_text(node, "partitionName");
	struct system_port *port = p ? find_port(build, p, build_text(node, "portName")) : NULL;

	if (!p)
		return NULL;
	if (*name && strcmp(name, p->name))
		build_error(build, node, "partitionName", NULL, "partition %u is called \"%s\"",
			    p->id, p->name);
	if (!port) {
		unknown_port(build, node, p);
		return NULL;
	}
	if (port->type != type) {
		build_error(build, node, "portName", NULL, "\"%s\" is a %s port, the channel is %s",
			    port->name, type_name(port->type), type_name(type));
		return NULL;
	}
	if (port->direction != direction && build->dialect != SCHEMA_2_X) {
		build_error(build, node, "portName", NULL, "\"%s\" is a %s port", port->name,
			    direction == SYSTEM_SOURCE ? "destination" : "source");
		return NULL;
	}
	if (port->channel != SYSTEM_NO_CHANNEL) {
		build_error(build, node, "portName", NULL, "\"%s\" is already in a channel",
			    port->name);
		return NULL;
	}
	return port;
}

static bool read_limits(const struct build *build, const struct xml_node *node,
			struct system_channel *channel)
{
	uint64_t length = 0, number = 1, period = 0;
	bool queuing = channel->type == SYSTEM_QUEUING;

	if (!build_size(node, "maxMessageLength", &length) ||
	    (queuing && !build_number(node, "maxNoMessages", &number)))
		return false;
	build_time(node, "validPeriod", &period);
	if (length == 0 || length > SYSTEM_MAX_MESSAGE) {
		build_error(build, node, "maxMessageLength", NULL, "a message has 1 to %u bytes",
			    SYSTEM_MAX_MESSAGE);
		return false;
	}
	if (number == 0 || number > SYSTEM_MAX_BUFFERS) {
		build_error(build, node, "maxNoMessages", NULL, "a queue holds 1 to %u messages",
			    SYSTEM_MAX_BUFFERS);
		return false;
	}
	channel->max_message_length = (uint32_t)length;
	channel->max_no_messages = queuing ? (uint32_t)number : 0;
	channel->valid_period = (int64_t)period;
	return true;
}

static void check_buffers(const struct build *build, const struct xml_node *node, uint64_t *bytesp,
			  const struct system_channel *channel)
{
	uint64_t before = *bytesp;

	*bytesp += system_channel_bytes(channel);
	if (*bytesp > SYSTEM_MAX_BUFFERS && before <= SYSTEM_MAX_BUFFERS)
		build_error(build, node, NULL, NULL, "the channels hold more than %u MB in all",
			    SYSTEM_MAX_BUFFERS >> 20);
}

/* What the ports of a channel come to. */
struct endpoints {
	struct system_port *source;  /* the one that messages come from, */
	const struct xml_node *node; /* and where it was named */
	uint32_t n_sources;
};

static void join(struct endpoints *all, const struct xml_node *node, struct system_port *port,
		 uint32_t channel)
{
	if (!port)
		return;
	port->channel = channel;
	if (port->direction != SYSTEM_SOURCE)
		return;
	all->n_sources++;
	all->source = port;
	all->node = node;
}

/* 2.x goes by the directions of the ports and takes any order of the endpoints. */
static void check_source(const struct build *build, const struct xml_node *channel,
			 const struct endpoints *all, bool complete)
{
	if (build->dialect != SCHEMA_2_X || !complete)
		return;
	if (all->n_sources != 1)
		build_error(build, channel, NULL, NULL,
			    "%u of the channel's ports are source ports, one must be",
			    all->n_sources);
	else if (all->node->mark != SE_SOURCE + 1)
		build_warning(build, all->node, "portName", "the directions of the ports count",
			      "\"%s\" is a source port", all->source->name);
}

static void find_endpoints(const struct build *build, const struct xml_node *node, uint32_t type,
			   uint32_t channel, struct endpoints *all)
{
	const struct xml_node *source = schema_child(node, SE_SOURCE, NULL), *to = NULL;
	struct system_port *port = source ? endpoint(build, source, type, SYSTEM_SOURCE) : NULL;
	bool complete = port;

	join(all, source, port, channel);
	while ((to = schema_child(node, SE_DESTINATION, to)) && !build_gave_up(build)) {
		port = endpoint(build, to, type, SYSTEM_DESTINATION);
		complete = complete && port;
		join(all, to, port, channel);
	}
	check_source(build, node, all, complete);
}

static void add_channel(struct build *build, const struct xml_node *node, uint32_t type,
			uint64_t *bytesp)
{
	struct build_table *channels = &build->table[SYSTEM_CHANNELS];
	struct system_channel *channel, new = { .type = type };
	struct endpoints all = { .n_sources = 0 };

	if (channels->n == SYSTEM_MAX_CHANNELS) {
		build_error(build, node, NULL, NULL, "too many channels");
		return;
	}
	find_endpoints(build, node, type, channels->n, &all);
	if (all.source)
		new.source =
			(uint32_t)(all.source -
				   (struct system_port *)(void *)build->table[SYSTEM_PORTS].items);
	if (read_limits(build, node, &new))
		check_buffers(build, node, bytesp, &new);
	channel = build_add(build, channels);
	if (channel)
		*channel = new;
}

/* Which interrupts of a partition reach which: a bit for each, so that none counts twice. */
typedef uint8_t ipvi_map[SYSTEM_MAX_PARTITIONS][SYSTEM_MAX_PARTITIONS];

static void add_ipvi(struct build *build, const struct xml_node *node, uint32_t id, uint32_t source,
		     uint32_t destination, ipvi_map map)
{
	struct system_ipvi *ipvi, new = { SYSTEM_FIRST_IPVI + id, source, destination, 0 };

	if (map[source][destination] & 1u << id)
		return;
	map[source][destination] |= (uint8_t)(1u << id);
	if (build->table[SYSTEM_IPVIS].n == SYSTEM_MAX_IPVIS) {
		build_error(build, node, NULL, NULL, "too many interrupts between partitions");
		return;
	}
	ipvi = build_add(build, &build->table[SYSTEM_IPVIS]);
	if (ipvi)
		*ipvi = new;
}

static void read_ipvi(struct build *build, const struct xml_node *node, ipvi_map map)
{
	const char *list = build_text(node, "destinationId"), *word;
	const struct system_partition *source = build_partition(build, node, "sourceId");
	unsigned int to = 0;
	uint64_t id = 0;
	size_t len;

	if (build_number(node, "id", &id) && id >= SYSTEM_N_IPVIS) {
		build_error(build, node, "id", NULL, "interrupts between partitions are 0 to %d",
			    SYSTEM_N_IPVIS - 1);
		source = NULL;
	}
	while (value_word(&list, &word, &len)) {
		if (sscanf(word, "%9u", &to) != 1)
			continue;
		if (to >= build->table[SYSTEM_PARTITIONS].n)
			build_error(build, node, "destinationId", NULL, "there is no partition %u",
				    to);
		else if (source)
			add_ipvi(build, node, (uint32_t)id, source->id, to, map);
	}
}

void build_channels(struct build *build)
{
	const struct xml_node *all = schema_child(build->root, SE_CHANNELS, NULL);
	ipvi_map map = { { 0 } };
	uint64_t bytes = 0;

	for (const struct xml_node *node = all ? all->first : NULL; node; node = node->next) {
		if (build_gave_up(build))
			return;
		if (node->mark == SE_SAMPLING + 1)
			add_channel(build, node, SYSTEM_SAMPLING, &bytes);
		else if (node->mark == SE_QUEUING + 1)
			add_channel(build, node, SYSTEM_QUEUING, &bytes);
		else if (node->mark == SE_IPVI + 1)
			read_ipvi(build, node, map);
	}
}
