// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Adapter rows between profiles and users.  Pure.  Must never widen a request: what is filled in is
 * what the description says, which is the only value that the hypervisor accepts.
 */

#include "xmbroker/adapt.h"

/* The port that a creating request names, or NULL. */
static const struct system_port *named_port(const struct system *sys,
					    const struct backend_info *hypervisor,
					    const struct xm_request *req)
{
	const struct xm_value *name = &req->arg[1];

	if (!(xm_ops[req->op].flags & XM_OPF_CREATES_PORT) || name->state != XM_ST_OK)
		return NULL;
	return system_port_by_name(sys, hypervisor->partition, name->data, name->len);
}

static int64_t valid_period(const struct system *sys, const struct system_port *port)
{
	const struct system_channel *channel = system_port_channel(sys, port);

	return channel ? channel->valid_period : 0;
}

void adapt_request(const struct system *sys, const struct backend_info *hypervisor,
		   struct xm_request *req)
{
	const struct system_port *port = named_port(sys, hypervisor, req);
	struct xm_value *period = &req->arg[XM_A_CREATE_SAMPLING_PORT_validPeriod];

	if (!port || req->op != XM_OP_CREATE_SAMPLING_PORT || period->state != XM_ST_ABSENT)
		return;
	*period = (struct xm_value){
		.state = XM_ST_OK,
		.num = (uint64_t)valid_period(sys, port),
	};
}

static bool sampling_matches(const struct system *sys, const struct system_port *port,
			     const struct xm_request *req)
{
	const struct system_channel *channel = system_port_channel(sys, port);
	const struct xm_value *arg = req->arg;

	if (port->type != SYSTEM_SAMPLING ||
	    arg[XM_A_CREATE_SAMPLING_PORT_direction].num != port->direction)
		return false;
	if (!channel)
		return true;
	return arg[XM_A_CREATE_SAMPLING_PORT_maxMsgSize].num == channel->max_message_length &&
	       (int64_t)arg[XM_A_CREATE_SAMPLING_PORT_validPeriod].num == channel->valid_period;
}

static bool queuing_matches(const struct system *sys, const struct system_port *port,
			    const struct xm_request *req)
{
	const struct system_channel *channel = system_port_channel(sys, port);
	const struct xm_value *arg = req->arg;

	if (port->type != SYSTEM_QUEUING ||
	    arg[XM_A_CREATE_QUEUING_PORT_direction].num != port->direction)
		return false;
	if (!channel)
		return true;
	return arg[XM_A_CREATE_QUEUING_PORT_maxMsgSize].num == channel->max_message_length &&
	       arg[XM_A_CREATE_QUEUING_PORT_maxNoMsgs].num == channel->max_no_messages;
}

void adapt_reply(const struct system *sys, const struct backend_info *hypervisor,
		 const struct xm_request *req, struct xm_reply *reply)
{
	const struct system_port *port;
	uint32_t n_ports;
	bool same;

	if (reply->code != XM_C_NO_ACTION)
		return;
	port = named_port(sys, hypervisor, req);
	if (!port)
		return;
	same = req->op == XM_OP_CREATE_SAMPLING_PORT ? sampling_matches(sys, port, req)
						     : queuing_matches(sys, port, req);
	/* Nobody else's open port may decide which error a wrong description gets. */
	xm_reply_fail(reply, XM_C_INVALID_CONFIG);
	if (!same)
		return;
	reply->code = XM_C_OK;
	reply->value = (uint32_t)(port - system_ports(sys, &n_ports));
}
