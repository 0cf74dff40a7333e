// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading the flat system description.  Owns nothing, allocates nothing, calls nothing but memory
 * and string functions.  system_verify() must never follow an offset, a count or an index that it
 * has not checked: the block may come out of a file that anybody wrote.
 */

#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/system.h"

static const struct {
	uint32_t record;
	uint32_t max;
} tables[SYSTEM_N_TABLES] = {
	[SYSTEM_PARTITIONS] = { sizeof(struct system_partition), SYSTEM_MAX_PARTITIONS },
	[SYSTEM_PORTS] = { sizeof(struct system_port), SYSTEM_MAX_PORTS },
	[SYSTEM_CHANNELS] = { sizeof(struct system_channel), SYSTEM_MAX_CHANNELS },
	[SYSTEM_PLANS] = { sizeof(struct system_plan), SYSTEM_MAX_PLANS },
	[SYSTEM_SLOTS] = { sizeof(struct system_slot), SYSTEM_MAX_SLOTS },
	[SYSTEM_HM] = { sizeof(struct system_hm), SYSTEM_MAX_HM },
	[SYSTEM_AREAS] = { sizeof(struct system_area), SYSTEM_MAX_AREAS },
	[SYSTEM_IPVIS] = { sizeof(struct system_ipvi), SYSTEM_MAX_IPVIS },
};

static const void *table(const struct system *sys, enum system_table which, uint32_t *countp)
{
	*countp = sys->table[which].count;
	return (const char *)sys + sys->table[which].offset;
}

const struct system_partition *system_partitions(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_PARTITIONS, countp);
}

const struct system_port *system_ports(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_PORTS, countp);
}

const struct system_channel *system_channels(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_CHANNELS, countp);
}

const struct system_plan *system_plans(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_PLANS, countp);
}

const struct system_slot *system_slots(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_SLOTS, countp);
}

const struct system_hm *system_hm(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_HM, countp);
}

const struct system_area *system_areas(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_AREAS, countp);
}

const struct system_ipvi *system_ipvis(const struct system *sys, uint32_t *countp)
{
	return table(sys, SYSTEM_IPVIS, countp);
}

/* ---- look-ups ---------------------------------------------------------------------------------- */

const struct system_partition *system_partition(const struct system *sys, uint64_t id)
{
	uint32_t n;
	const struct system_partition *partitions = system_partitions(sys, &n);

	return id < n ? &partitions[id] : NULL;
}

const struct system_port *system_port(const struct system *sys, uint64_t id)
{
	uint32_t n;
	const struct system_port *ports = system_ports(sys, &n);

	return id < n ? &ports[id] : NULL;
}

const struct system_channel *system_port_channel(const struct system *sys,
						 const struct system_port *port)
{
	uint32_t n;
	const struct system_channel *channels = system_channels(sys, &n);

	return port->channel < n ? &channels[port->channel] : NULL;
}

uint64_t system_channel_bytes(const struct system_channel *channel)
{
	uint64_t messages = channel->max_no_messages ? channel->max_no_messages : 1;

	return messages * ((uint64_t)channel->max_message_length + SYSTEM_MESSAGE_COST);
}

const struct system_port *system_port_by_name(const struct system *sys, uint32_t partition,
					      const void *name, size_t len)
{
	const struct system_partition *owner = system_partition(sys, partition);

	if (!owner || len >= SYSTEM_NAME)
		return NULL;
	for (uint32_t i = 0; i < owner->n_ports; i++) {
		const struct system_port *port = system_port(sys, owner->first_port + i);

		if (port && !memcmp(port->name, name, len) && port->name[len] == '\0')
			return port;
	}
	return NULL;
}

int system_partition_by_name(const struct system *sys, const char *name)
{
	uint32_t n;
	const struct system_partition *partitions = system_partitions(sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(partitions[i].name, name))
			return (int)i;
	return -1;
}

int system_plan_by_name(const struct system *sys, const char *name)
{
	uint32_t n;
	const struct system_plan *plans = system_plans(sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (plans[i].processor == 0 && name[0] && !strcmp(plans[i].name, name))
			return (int)plans[i].id;
	return -1;
}

uint32_t system_n_plans(const struct system *sys)
{
	uint32_t n, n_plans = 0;
	const struct system_plan *plans = system_plans(sys, &n);

	while (n_plans < n && plans[n_plans].processor == 0)
		n_plans++;
	return n_plans;
}

/* ---- verification ------------------------------------------------------------------------------ */

/* A name ends in a NUL, is printable, and nothing is hidden behind its end. */
static bool good_name(const char name[SYSTEM_NAME])
{
	size_t len = strnlen(name, SYSTEM_NAME);

	if (len == SYSTEM_NAME)
		return false;
	for (size_t i = 0; i < SYSTEM_NAME; i++)
		if (i < len ? (name[i] < 0x20 || name[i] > 0x7e) : name[i] != '\0')
			return false;
	return true;
}

/* The tables stand one after the other, in order, and fill the block. */
static bool good_layout(const struct system *sys, size_t len)
{
	uint64_t at = sizeof(*sys);

	if (sys->magic != SYSTEM_MAGIC || sys->size != len)
		return false;
	for (unsigned int i = 0; i < SYSTEM_N_TABLES; i++) {
		if (sys->table[i].offset != at || sys->table[i].count > tables[i].max)
			return false;
		at += (uint64_t)sys->table[i].count * tables[i].record;
		if (at > len)
			return false;
	}
	return at == len;
}

static bool good_partitions(const struct system *sys)
{
	uint32_t n, n_ports, port = 0;
	const struct system_partition *p = system_partitions(sys, &n);

	system_ports(sys, &n_ports);
	for (uint32_t i = 0; i < n; i++, p++) {
		if (!good_name(p->name) || p->id != i || p->n_vcpus == 0 ||
		    p->n_vcpus > SYSTEM_MAX_VCPUS || p->console_capacity > SYSTEM_MAX_CONSOLE ||
		    p->reserved || p->first_port != port || p->n_ports > n_ports - port)
			return false;
		port += p->n_ports;
	}
	return n > 0 && port == n_ports;
}

static bool good_ports(const struct system *sys)
{
	uint32_t n;
	const struct system_port *port = system_ports(sys, &n);

	for (uint32_t i = 0; i < n; i++, port++) {
		const struct system_partition *owner = system_partition(sys, port->partition);
		const struct system_channel *channel = system_port_channel(sys, port);

		if (!good_name(port->name) || !owner || i < owner->first_port ||
		    i - owner->first_port >= owner->n_ports || port->type > SYSTEM_QUEUING)
			return false;
		if (port->direction != SYSTEM_SOURCE && port->direction != SYSTEM_DESTINATION)
			return false;
		if (channel ? channel->type != port->type : port->channel != SYSTEM_NO_CHANNEL)
			return false;
	}
	return true;
}

static bool good_channels(const struct system *sys)
{
	uint32_t n;
	uint64_t bytes = 0;
	const struct system_channel *c = system_channels(sys, &n);

	for (uint32_t i = 0; i < n; i++, c++) {
		const struct system_port *source = system_port(sys, c->source);

		if (!source || source->channel != i || source->direction != SYSTEM_SOURCE ||
		    c->type > SYSTEM_QUEUING || c->max_message_length == 0 ||
		    c->max_message_length > SYSTEM_MAX_MESSAGE || c->valid_period < 0 ||
		    (c->valid_period > SYSTEM_MAX_TIME && c->valid_period != SYSTEM_INFINITE) ||
		    (c->type == SYSTEM_QUEUING) != (c->max_no_messages > 0))
			return false;
		bytes += system_channel_bytes(c);
		if (bytes > SYSTEM_MAX_BUFFERS)
			return false;
	}
	return true;
}

static bool good_slots(const struct system *sys, const struct system_plan *plan)
{
	uint32_t n;
	const struct system_slot *slot = system_slots(sys, &n) + plan->first_slot;
	int64_t end = 0;

	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		const struct system_partition *p = system_partition(sys, slot->partition);

		if (!p || slot->vcpu >= p->n_vcpus || slot->reserved || slot->start < end ||
		    slot->start > plan->major_frame || slot->duration <= 0 ||
		    slot->duration > plan->major_frame - slot->start)
			return false;
		end = slot->start + slot->duration;
	}
	return true;
}

static bool good_plans(const struct system *sys)
{
	uint32_t n, n_slots, slot = 0;
	const struct system_plan *p = system_plans(sys, &n);

	system_slots(sys, &n_slots);
	for (uint32_t i = 0; i < n; i++, p++) {
		bool next = i && p->processor == p[-1].processor;

		if (!good_name(p->name) || p->first_slot != slot || p->n_slots > n_slots - slot ||
		    p->major_frame <= 0 || p->major_frame > SYSTEM_MAX_TIME ||
		    p->processor >= SYSTEM_MAX_PROCESSORS ||
		    (i && p->processor < p[-1].processor) || p->id != (next ? p[-1].id + 1 : 0))
			return false;
		slot += p->n_slots;
		if (!good_slots(sys, p))
			return false;
	}
	return slot == n_slots;
}

static bool good_hm(const struct system *sys)
{
	uint32_t n;
	const struct system_hm *hm = system_hm(sys, &n);

	for (uint32_t i = 0; i < n; i++, hm++)
		if ((hm->scope != XM_HYPERVISOR_ID && !system_partition(sys, hm->scope)) ||
		    hm->event > UINT16_MAX || hm->action > UINT8_MAX || hm->log > 1)
			return false;
	return true;
}

static bool good_areas(const struct system *sys)
{
	uint32_t n;
	const struct system_area *area = system_areas(sys, &n);

	for (uint32_t i = 0; i < n; i++, area++)
		if (!good_name(area->name) || !system_partition(sys, area->partition) ||
		    area->size == 0 || area->size - 1 > UINT64_MAX - area->start ||
		    area->size - 1 > UINT64_MAX - area->mapped_at)
			return false;
	return true;
}

static bool good_ipvis(const struct system *sys)
{
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(sys, &n);

	for (uint32_t i = 0; i < n; i++, ipvi++)
		if (ipvi->number < SYSTEM_FIRST_IPVI ||
		    ipvi->number - SYSTEM_FIRST_IPVI >= SYSTEM_N_IPVIS ||
		    !system_partition(sys, ipvi->source) ||
		    !system_partition(sys, ipvi->destination) || ipvi->reserved)
			return false;
	return true;
}

static bool good_logs(const struct system *sys)
{
	uint64_t records = (uint64_t)sys->hm_capacity + sys->trace_capacity;
	uint32_t n;
	const struct system_partition *p = system_partitions(sys, &n);

	for (uint32_t i = 0; i < n; i++)
		records += p[i].trace_capacity;
	return records <= SYSTEM_MAX_LOG;
}

bool system_verify(const void *block, size_t len)
{
	const struct system *sys = block;

	if (len < sizeof(*sys) || !good_layout(sys, len))
		return false;
	return xm_profile_name(sys->profile) && good_name(sys->name) && good_name(sys->version) &&
	       good_partitions(sys) && good_logs(sys) && good_ports(sys) && good_channels(sys) &&
	       good_plans(sys) && good_hm(sys) && good_areas(sys) && good_ipvis(sys);
}
