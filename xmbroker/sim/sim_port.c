// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Ports and channels of the simulated hypervisor.
 */

#include <string.h>

#include "xmbroker/sim/sim_internal.h"

#define INFINITE UINT64_C(0xffffffff) /* what port information says of a port without a channel */

/* A port with what stands behind it; channel NULL: not linked. */
struct port {
	uint32_t id;
	const struct system_port *config;
	struct sim_port *state;
	const struct system_channel *limits;
	struct sim_channel *channel;
};

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

static struct port get_port(struct sim *sim, uint32_t id)
{
	struct port port = { .id = id, .config = system_port(sim->sys, id) };

	port.state = &sim->ports[id];
	port.limits = system_port_channel(sim->sys, port.config);
	port.channel = port.limits ? &sim->channels[port.config->channel] : NULL;
	return port;
}

static bool find_port(const struct sim_call *c, const struct xm_value *name, struct port *portp)
{
	const struct system_partition *own = c->caller->config;

	for (uint32_t i = own->first_port; i < own->first_port + own->n_ports; i++) {
		if (sim_same_name(system_port(c->sim->sys, i)->name, name)) {
			*portp = get_port(c->sim, i);
			return true;
		}
	}
	return false;
}

static bool is_queuing(const struct sim_call *c)
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

/* ---- opening ------------------------------------------------------------------------------------- */

/* A caller whose profile has no period takes the channel's. */
static bool fits_channel(const struct sim_call *c, const struct system_channel *limits)
{
	const struct xm_value *period = &c->arg[XM_A_CREATE_SAMPLING_PORT_validPeriod];

	if (is_queuing(c))
		return c->arg[XM_A_CREATE_QUEUING_PORT_maxNoMsgs].num == limits->max_no_messages &&
		       c->arg[XM_A_CREATE_QUEUING_PORT_maxMsgSize].num ==
			       limits->max_message_length;
	return c->arg[XM_A_CREATE_SAMPLING_PORT_maxMsgSize].num == limits->max_message_length &&
	       (period->state != XM_ST_OK || (int64_t)period->num == limits->valid_period);
}

enum xm_code sim_create_port(struct sim_call *c)
{
	uint32_t type = is_queuing(c) ? SYSTEM_QUEUING : SYSTEM_SAMPLING;
	uint64_t direction = is_queuing(c) ? c->arg[XM_A_CREATE_QUEUING_PORT_direction].num
					   : c->arg[XM_A_CREATE_SAMPLING_PORT_direction].num;
	struct port port;

	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[1].state != XM_ST_OK ||
	    (direction != SYSTEM_SOURCE && direction != SYSTEM_DESTINATION) ||
	    !find_port(c, &c->arg[1], &port))
		return XM_C_INVALID_PARAM;
	if (port.config->type != type || port.config->direction != direction)
		return XM_C_INVALID_CONFIG;
	if (port.state->open)
		return XM_C_NO_ACTION;
	if (port.limits && !fits_channel(c, port.limits))
		return XM_C_INVALID_CONFIG;
	*port.state = (struct sim_port){ .open = true, .state = SIM_EMPTY };
	c->reply->value = port.id;
	return XM_C_OK;
}

/* ---- use ------------------------------------------------------------------------------------------ */

/* The open port of the caller that argument 1 names. */
static bool open_port(const struct sim_call *c, struct port *portp)
{
	uint64_t id = c->arg[1].num;

	if (id >= c->sim->n_ports)
		return false;
	*portp = get_port(c->sim, (uint32_t)id);
	return portp->config->partition == c->self && portp->state->open &&
	       portp->config->type == (is_queuing(c) ? SYSTEM_QUEUING : SYSTEM_SAMPLING);
}

/* Ownership, pointers, port, size: in this order. */
static enum xm_code check_transfer(const struct sim_call *c, uint32_t direction, struct port *portp)
{
	const struct xm_value *buffer = &c->arg[2];
	uint64_t size = c->arg[3].num;

	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (buffer->state != XM_ST_OK && buffer->state != XM_ST_OVERSIZE)
		return XM_C_INVALID_PARAM;
	/* PRTOS was seen to insist on the pointer to the flags. */
	if (c->req->op == XM_OP_READ_SAMPLING_MESSAGE && c->arg[4].state != XM_ST_OK &&
	    c->arg[4].state != XM_ST_ABSENT)
		return XM_C_INVALID_PARAM;
	if (!open_port(c, portp) || portp->config->direction != direction)
		return XM_C_INVALID_PARAM;
	if (size == 0 || (portp->limits && size > portp->limits->max_message_length))
		return XM_C_INVALID_CONFIG;
	if (portp->limits && buffer->state == XM_ST_OVERSIZE)
		return XM_C_INVALID_CONFIG;
	if (portp->limits && direction == SYSTEM_SOURCE && buffer->len != size)
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

static uint32_t put_message(struct sim_call *c, const uint8_t *data, uint32_t len)
{
	uint64_t size = c->arg[3].num;

	if (len > size)
		len = (uint32_t)size;
	xm_reply_put_data(c->reply, 2, data, len);
	c->reply->value = c->reply->out[2].len;
	return c->reply->value;
}

static bool is_valid(const struct sim *sim, const struct port *port)
{
	int64_t period = port->limits->valid_period;

	return period < (int64_t)INFINITE && port->channel->stamp + period > sim_clock(sim);
}

static void mark_receivers(struct sim *sim, uint32_t channel)
{
	uint32_t n;
	const struct system_port *ports = system_ports(sim->sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (ports[i].channel == channel && ports[i].direction == SYSTEM_DESTINATION &&
		    sim->ports[i].open)
			sim->ports[i].state = SIM_NEW;
}

enum xm_code sim_write_sampling(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_SOURCE, &port);

	if (code != XM_C_OK || !port.channel)
		return code;
	memcpy(port.channel->data, c->arg[2].data, c->arg[2].len);
	port.channel->len[0] = c->arg[2].len;
	port.channel->stamp = sim_clock(c->sim);
	mark_receivers(c->sim, port.config->channel);
	c->caller->count[SIM_SAMPLES_WRITTEN]++;
	return XM_C_OK;
}

enum xm_code sim_read_sampling(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_DESTINATION, &port);
	uint64_t flags = 0;

	if (code != XM_C_OK)
		return code;
	if (put_message(c, port.channel ? port.channel->data : NULL,
			port.channel ? port.channel->len[0] : 0)) {
		port.state->state = SIM_CONSUMED;
		c->caller->count[SIM_SAMPLES_READ]++;
		flags = is_valid(c->sim, &port);
	}
	if (c->arg[4].state == XM_ST_OK)
		xm_reply_put_num(c->reply, 4, flags);
	return XM_C_OK;
}

enum xm_code sim_send(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_SOURCE, &port);
	uint32_t i;

	if (code != XM_C_OK || !port.channel)
		return code;
	if (port.channel->n == port.limits->max_no_messages)
		return XM_C_OP_NOT_ALLOWED;
	i = (uint32_t)(((uint64_t)port.channel->head + port.channel->n++) %
		       port.limits->max_no_messages);
	memcpy(port.channel->data + (size_t)i * port.limits->max_message_length, c->arg[2].data,
	       c->arg[2].len);
	port.channel->len[i] = c->arg[2].len;
	c->caller->count[SIM_SENT]++;
	return XM_C_OK;
}

enum xm_code sim_receive(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_DESTINATION, &port);
	struct sim_channel *channel = NULL;

	if (code != XM_C_OK)
		return code;
	channel = port.channel;
	if (!channel) {
		put_message(c, NULL, 0);
		return XM_C_OK;
	}
	if (channel->n == 0)
		return XM_C_OP_NOT_ALLOWED;
	put_message(c, channel->data + (size_t)channel->head * port.limits->max_message_length,
		    channel->len[channel->head]);
	channel->head = (channel->head + 1) % port.limits->max_no_messages;
	channel->n--;
	c->caller->count[SIM_RECEIVED]++;
	return XM_C_OK;
}

/* ---- status and information ----------------------------------------------------------------------- */

static enum xm_code check_status(const struct sim_call *c, struct port *portp)
{
	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[2].state != XM_ST_OK || !open_port(c, portp))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

enum xm_code sim_sampling_status(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_status(c, &port);
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	words = xm_reply_put_words(c->reply, 2, XM_NF_SAMPLING_STATUS);
	if (!port.channel)
		return XM_C_OK;
	words[XM_F_SAMPLING_STATUS_timestamp] = (uint64_t)port.channel->stamp;
	words[XM_F_SAMPLING_STATUS_lastMsgSize] = port.channel->len[0];
	words[XM_F_SAMPLING_STATUS_flags] = port.state->state;
	if (port.channel->stamp && is_valid(c->sim, &port))
		words[XM_F_SAMPLING_STATUS_flags] |= SIM_VALID;
	words[XM_F_SAMPLING_STATUS_validPeriod] = (uint64_t)port.limits->valid_period;
	words[XM_F_SAMPLING_STATUS_maxMsgSize] = port.limits->max_message_length;
	return XM_C_OK;
}

enum xm_code sim_queuing_status(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_status(c, &port);
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	words = xm_reply_put_words(c->reply, 2, XM_NF_QUEUING_STATUS);
	if (!port.channel)
		return XM_C_OK;
	words[XM_F_QUEUING_STATUS_noMsgs] = port.channel->n;
	words[XM_F_QUEUING_STATUS_validPeriod] = (uint64_t)port.limits->valid_period;
	words[XM_F_QUEUING_STATUS_maxMsgSize] = port.limits->max_message_length;
	words[XM_F_QUEUING_STATUS_maxNoMsgs] = port.limits->max_no_messages;
	return XM_C_OK;
}

static void put_sampling_info(struct sim_call *c, const struct port *port)
{
	uint64_t *words = xm_reply_put_words(c->reply, 2, XM_NF_SAMPLING_INFO);

	words[XM_F_SAMPLING_INFO_validPeriod] = INFINITE;
	if (!port->limits)
		return;
	words[XM_F_SAMPLING_INFO_validPeriod] = (uint64_t)port->limits->valid_period;
	words[XM_F_SAMPLING_INFO_maxMsgSize] = port->limits->max_message_length;
	words[XM_F_SAMPLING_INFO_direction] = port->config->direction;
}

static void put_queuing_info(struct sim_call *c, const struct port *port)
{
	uint64_t *words = xm_reply_put_words(c->reply, 2, XM_NF_QUEUING_INFO);

	words[XM_F_QUEUING_INFO_validPeriod] = INFINITE;
	if (!port->limits)
		return;
	words[XM_F_QUEUING_INFO_validPeriod] = (uint64_t)port->limits->valid_period;
	words[XM_F_QUEUING_INFO_maxMsgSize] = port->limits->max_message_length;
	words[XM_F_QUEUING_INFO_maxNoMsgs] = port->limits->max_no_messages;
	words[XM_F_QUEUING_INFO_direction] = port->config->direction;
}

/* The port need not be open. */
enum xm_code sim_port_info(struct sim_call *c)
{
	struct port port;

	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[1].state != XM_ST_OK || c->arg[2].state != XM_ST_OK ||
	    !find_port(c, &c->arg[1], &port) ||
	    port.config->type != (is_queuing(c) ? SYSTEM_QUEUING : SYSTEM_SAMPLING))
		return XM_C_INVALID_PARAM;
	if (is_queuing(c))
		put_queuing_info(c, &port);
	else
		put_sampling_info(c, &port);
	return XM_C_OK;
}
