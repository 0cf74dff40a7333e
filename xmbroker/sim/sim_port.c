// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening ports of the simulated hypervisor.  Must never open one that is not the caller's.
 */

#include <string.h>

#include "xmbroker/sim/sim_port.h"

void sim_close_ports(struct sim *sim, const struct sim_partition *p)
{
	for (uint32_t i = 0; i < p->config->n_ports; i++)
		sim->ports[p->config->first_port + i] = (struct sim_port){ 0 };
}

void sim_clear_channels(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->n_channels; i++) {
		struct sim_channel *channel = &sim->channels[i];

		channel->head = channel->n = 0;
		channel->len[0] = 0;
		channel->stamp = 0;
	}
}

/* ---- finding ---------------------------------------------------------------------------------------- */

bool sim_port_queuing(const struct sim_call *c)
{
	switch (c->req->op) {
	case XM_OP_CREATE_QUEUING_PORT:
	case XM_OP_SEND_QUEUING_MESSAGE:
	case XM_OP_RECEIVE_QUEUING_MESSAGE:
	case XM_OP_GET_QUEUING_PORT_STATUS:
	case XM_OP_GET_QUEUING_PORT_INFO:
		return true;
	default:
		return false;
	}
}

static uint32_t type_of(const struct sim_call *c)
{
	return sim_port_queuing(c) ? SYSTEM_QUEUING : SYSTEM_SAMPLING;
}

static struct port get_port(struct sim *sim, uint32_t id)
{
	struct port port = { .id = id, .config = system_port(sim->sys, id) };

	port.state = &sim->ports[id];
	port.limits = system_port_channel(sim->sys, port.config);
	port.channel = port.limits ? &sim->channels[port.config->channel] : NULL;
	return port;
}

/* 2.x compares whole names. */
static bool has_name(const struct sim *sim, const struct system_port *port,
		     const struct xm_value *name)
{
	size_t len = strlen(port->name);

	if (sim->family == 3)
		return sim_same_name(port->name, name);
	return name->len == len && (len == 0 || memcmp(port->name, name->data, len) == 0);
}

bool sim_port_find(const struct sim_call *c, const struct xm_value *name, struct port *portp)
{
	const struct system_partition *own = c->caller->config;
	uint32_t end = own->first_port + own->n_ports;

	for (uint32_t i = own->first_port; i < end; i++) {
		if (has_name(c->sim, system_port(c->sim->sys, i), name)) {
			*portp = get_port(c->sim, i);
			return true;
		}
	}
	if (!c->sim->quirks || c->sim->family != 3 || end >= c->sim->n_ports)
		return false;
	*portp = get_port(c->sim, end);
	return true;
}

bool sim_port_open(const struct sim_call *c, struct port *portp)
{
	uint64_t id = c->arg[1].num;

	if (id >= c->sim->n_ports)
		return false;
	*portp = get_port(c->sim, (uint32_t)id);
	return portp->config->partition == c->self && portp->state->open &&
	       portp->config->type == type_of(c);
}

/* ---- opening ---------------------------------------------------------------------------------------- */

/* A caller whose profile has no period takes the channel's. */
static bool fits_channel(const struct sim_call *c, const struct system_channel *limits)
{
	const struct xm_value *period = &c->arg[XM_A_CREATE_SAMPLING_PORT_validPeriod];

	if (sim_port_queuing(c))
		return c->arg[XM_A_CREATE_QUEUING_PORT_maxNoMsgs].num == limits->max_no_messages &&
		       c->arg[XM_A_CREATE_QUEUING_PORT_maxMsgSize].num ==
			       limits->max_message_length;
	return c->arg[XM_A_CREATE_SAMPLING_PORT_maxMsgSize].num == limits->max_message_length &&
	       (period->state != XM_ST_OK || (int64_t)period->num == limits->valid_period ||
		c->sim->family == 2);
}

static uint64_t wanted_direction(const struct sim_call *c)
{
	return sim_port_queuing(c) ? c->arg[XM_A_CREATE_QUEUING_PORT_direction].num
				   : c->arg[XM_A_CREATE_SAMPLING_PORT_direction].num;
}

/* An open port may be opened again. */
static enum xm_code open_2x(struct sim_call *c, struct port *portp)
{
	if (c->arg[1].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (!sim_port_find(c, &c->arg[1], portp) || portp->config->type != type_of(c) ||
	    portp->config->direction != wanted_direction(c))
		return XM_C_INVALID_PARAM;
	return portp->limits && !fits_channel(c, portp->limits) ? XM_C_INVALID_CONFIG : XM_C_OK;
}

static enum xm_code open_3x(struct sim_call *c, struct port *portp)
{
	uint64_t direction = wanted_direction(c);

	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[1].state != XM_ST_OK ||
	    (direction != SYSTEM_SOURCE && direction != SYSTEM_DESTINATION) ||
	    !sim_port_find(c, &c->arg[1], portp))
		return XM_C_INVALID_PARAM;
	if (portp->config->type != type_of(c) || portp->config->direction != direction)
		return XM_C_INVALID_CONFIG;
	if (portp->config->partition != c->self)
		return XM_C_INVALID_PARAM;
	if (portp->state->open)
		return XM_C_NO_ACTION;
	return portp->limits && !fits_channel(c, portp->limits) ? XM_C_INVALID_CONFIG : XM_C_OK;
}

enum xm_code sim_create_port(struct sim_call *c)
{
	struct port port;
	enum xm_code code = c->sim->family == 2 ? open_2x(c, &port) : open_3x(c, &port);

	if (code != XM_C_OK)
		return code;
	if (!port.state->open)
		*port.state = (struct sim_port){ .open = true, .state = SIM_EMPTY };
	c->reply->value = port.id;
	return XM_C_OK;
}
