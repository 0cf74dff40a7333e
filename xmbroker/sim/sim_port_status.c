// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the simulated hypervisor tells of ports.
 */

#include "xmbroker/sim/sim_port.h"

static enum xm_code check_status(const struct sim_call *c, struct port *portp)
{
	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->arg[2].state != XM_ST_OK || !sim_port_open(c, portp))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* 2.x tells what the channel is like; what is in it, the originals leave out. */
static void put_sampling(const struct sim *sim, const struct port *port, uint64_t *words)
{
	words[XM_F_SAMPLING_STATUS_validPeriod] = (uint64_t)port->limits->valid_period;
	words[XM_F_SAMPLING_STATUS_maxMsgSize] = port->limits->max_message_length;
	if (sim->family == 2 && sim->quirks)
		return;
	words[XM_F_SAMPLING_STATUS_timestamp] = (uint64_t)port->channel->stamp;
	words[XM_F_SAMPLING_STATUS_lastMsgSize] = port->channel->len[0];
	if (sim->family == 2)
		return;
	words[XM_F_SAMPLING_STATUS_flags] = port->state->state;
	if (port->channel->stamp && sim_port_valid(sim, port))
		words[XM_F_SAMPLING_STATUS_flags] |= SIM_VALID;
}

enum xm_code sim_sampling_status(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_status(c, &port);
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	words = xm_reply_put_words(c->reply, 2, XM_NF_SAMPLING_STATUS);
	if (port.channel)
		put_sampling(c->sim, &port, words);
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
	/* The original of 2.4 leaves it out. */
	if (c->sim->profile != XM_PROFILE_ID_2_4 || !c->sim->quirks)
		words[XM_F_QUEUING_STATUS_noMsgs] = port.channel->n;
	words[XM_F_QUEUING_STATUS_validPeriod] = (uint64_t)port.limits->valid_period;
	words[XM_F_QUEUING_STATUS_maxMsgSize] = port.limits->max_message_length;
	words[XM_F_QUEUING_STATUS_maxNoMsgs] = port.limits->max_no_messages;
	return XM_C_OK;
}

static void put_sampling_info(struct sim_call *c, const struct port *port)
{
	uint64_t *words = xm_reply_put_words(c->reply, 2, XM_NF_SAMPLING_INFO);

	words[XM_F_SAMPLING_INFO_validPeriod] = SIM_INFINITE;
	if (!port->limits)
		return;
	words[XM_F_SAMPLING_INFO_validPeriod] = (uint64_t)port->limits->valid_period;
	words[XM_F_SAMPLING_INFO_maxMsgSize] = port->limits->max_message_length;
	words[XM_F_SAMPLING_INFO_direction] = port->config->direction;
}

static void put_queuing_info(struct sim_call *c, const struct port *port)
{
	uint64_t *words = xm_reply_put_words(c->reply, 2, XM_NF_QUEUING_INFO);

	words[XM_F_QUEUING_INFO_validPeriod] = SIM_INFINITE;
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
	    !sim_port_find(c, &c->arg[1], &port) ||
	    port.config->type != (sim_port_queuing(c) ? SYSTEM_QUEUING : SYSTEM_SAMPLING))
		return XM_C_INVALID_PARAM;
	if (sim_port_queuing(c))
		put_queuing_info(c, &port);
	else
		put_sampling_info(c, &port);
	return XM_C_OK;
}
