// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages through ports and channels of the simulated hypervisor, and the interrupts that tell others
 * of them.
 */

#include <string.h>

#include "xmbroker/sim/sim_port.h"

#define VALID 1u /* in the flags of a message */

/* ---- checks ------------------------------------------------------------------------------------------ */

/* The originals of 3.x insist on them where a sampling port is read. */
static bool lacks_flags(const struct sim_call *c)
{
	uint8_t state = c->arg[4].state;

	if (c->req->op != XM_OP_READ_SAMPLING_MESSAGE)
		return false;
	return state != XM_ST_OK && (state != XM_ST_ABSENT || c->sim->quirks);
}

/* Before and after the owner of the port: pointers. */
static enum xm_code check_pointers(const struct sim_call *c)
{
	const struct xm_value *buffer = &c->arg[2];
	bool reads = c->req->op == XM_OP_READ_SAMPLING_MESSAGE ||
		     c->req->op == XM_OP_RECEIVE_QUEUING_MESSAGE;

	if (sim_bad_pointer(c, 2) || (reads && sim_bad_pointer(c, 4)))
		return XM_C_INVALID_PARAM;
	if (c->arg[0].num != c->self)
		return XM_C_PERM_ERROR;
	if (c->sim->family == 3 &&
	    ((buffer->state != XM_ST_OK && buffer->state != XM_ST_OVERSIZE) || lacks_flags(c)))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* Pointers and ownership, port, size: in this order.  2.x counts no buffer as no size. */
static enum xm_code check_transfer(const struct sim_call *c, uint32_t direction, struct port *portp)
{
	const struct xm_value *buffer = &c->arg[2];
	uint64_t size = c->arg[3].num;
	enum xm_code code = check_pointers(c);

	if (code != XM_C_OK)
		return code;
	if (!sim_port_open(c, portp) || portp->config->direction != direction)
		return XM_C_INVALID_PARAM;
	if (size == 0 || (portp->limits && size > portp->limits->max_message_length) ||
	    (buffer->state != XM_ST_OK && buffer->state != XM_ST_OVERSIZE))
		return XM_C_INVALID_CONFIG;
	if (portp->limits && buffer->state == XM_ST_OVERSIZE)
		return XM_C_INVALID_CONFIG;
	if (portp->limits && direction == SYSTEM_SOURCE && buffer->len != size)
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* ---- notifications ------------------------------------------------------------------------------------ */

/* Whoever has opened a port at the other end of the channel learns of it. */
static void notify(struct sim *sim, const struct port *port, uint32_t direction, unsigned int irq)
{
	uint32_t n;
	const struct system_port *ports = system_ports(sim->sys, &n);

	for (uint32_t i = port->channel->first; i < n; i = sim->next_port[i])
		if (ports[i].direction == direction && sim->ports[i].open)
			sim_raise(sim, &sim->partitions[ports[i].partition], irq);
}

/* The originals of 3.x count the receiver's ports from its first, but look at those of the system. */
static void mark_receivers(struct sim *sim, const struct sim_channel *channel)
{
	uint32_t n;
	const struct system_port *ports = system_ports(sim->sys, &n);

	for (uint32_t i = channel->first; i < n; i = sim->next_port[i]) {
		uint32_t first = system_partition(sim->sys, ports[i].partition)->first_port;

		if (ports[i].direction == SYSTEM_DESTINATION && sim->ports[i].open)
			sim->ports[sim->quirks ? i - first : i].state = SIM_NEW;
	}
}

/* ---- sampling ------------------------------------------------------------------------------------------ */

/* Into a buffer that is larger than any message only nothing comes. */
static uint32_t put_message(struct sim_call *c, const uint8_t *data, uint32_t len)
{
	uint64_t size = c->arg[3].num;

	if (c->arg[2].state != XM_ST_OK)
		return 0;
	if (len > size)
		len = (uint32_t)size;
	xm_reply_put_data(c->reply, 2, data, len);
	c->reply->value = c->reply->out[2].len;
	return c->reply->value;
}

bool sim_port_valid(const struct sim *sim, const struct port *port)
{
	int64_t period = port->limits->valid_period;

	return period < (int64_t)SIM_INFINITE && port->channel->stamp + period > sim_clock(sim);
}

/* No period is no limit.  The originals say of those that are too old that they are valid, and nothing
 * of others. */
static void put_flags_2x(struct sim_call *c, const struct port *port, int64_t stamp, bool any)
{
	int64_t period = port->limits ? port->limits->valid_period : 0;
	bool expired = period && stamp + period < sim_clock(c->sim);

	if (c->arg[4].state != XM_ST_OK)
		return;
	if (!c->sim->quirks)
		xm_reply_put_num(c->reply, 4, any && !expired ? VALID : 0);
	else if (port->limits && (!period || expired))
		xm_reply_put_num(c->reply, 4, VALID);
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
	c->caller->count[SIM_SAMPLES_WRITTEN]++;
	if (c->sim->family == 3) {
		mark_receivers(c->sim, port.channel);
		notify(c->sim, &port, SYSTEM_DESTINATION, SIM_IRQ_SAMPLING);
	}
	return XM_C_OK;
}

enum xm_code sim_read_sampling(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_DESTINATION, &port);
	uint64_t flags = 0;
	bool any;

	if (code != XM_C_OK)
		return code;
	any = put_message(c, port.channel ? port.channel->data : NULL,
			  port.channel ? port.channel->len[0] : 0);
	if (any) {
		port.state->state = SIM_CONSUMED;
		c->caller->count[SIM_SAMPLES_READ]++;
		flags = sim_port_valid(c->sim, &port);
	}
	if (c->sim->family == 2) {
		put_flags_2x(c, &port, port.channel ? port.channel->stamp : 0, any);
		return XM_C_OK;
	}
	if (c->arg[4].state == XM_ST_OK)
		xm_reply_put_num(c->reply, 4, flags);
	if (port.channel)
		notify(c->sim, &port, SYSTEM_SOURCE, SIM_IRQ_SAMPLING);
	return XM_C_OK;
}

/* ---- queuing ------------------------------------------------------------------------------------------- */

static enum xm_code not_now(const struct sim *sim)
{
	return sim->family == 2 ? XM_C_NOT_AVAILABLE : XM_C_OP_NOT_ALLOWED;
}

static unsigned int traffic(const struct sim *sim)
{
	return sim->family == 2 ? SIM_IRQ_OBJDESC : SIM_IRQ_QUEUING;
}

enum xm_code sim_send(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_SOURCE, &port);
	uint32_t i;

	if (code != XM_C_OK || !port.channel)
		return code;
	if (port.channel->n == port.limits->max_no_messages)
		return not_now(c->sim);
	i = (uint32_t)(((uint64_t)port.channel->head + port.channel->n++) %
		       port.limits->max_no_messages);
	memcpy(port.channel->data + (size_t)i * port.limits->max_message_length, c->arg[2].data,
	       c->arg[2].len);
	port.channel->len[i] = c->arg[2].len;
	if (port.channel->stamps)
		port.channel->stamps[i] = sim_clock(c->sim);
	c->caller->count[SIM_SENT]++;
	notify(c->sim, &port, SYSTEM_DESTINATION, traffic(c->sim));
	return XM_C_OK;
}

static void take_message(struct sim_call *c, const struct port *port)
{
	struct sim_channel *channel = port->channel;
	uint32_t i = channel->head;

	put_message(c, channel->data + (size_t)i * port->limits->max_message_length,
		    channel->len[i]);
	if (c->sim->family == 2)
		put_flags_2x(c, port, channel->stamps[i], true);
	channel->head = (i + 1) % port->limits->max_no_messages;
	channel->n--;
	c->caller->count[SIM_RECEIVED]++;
	notify(c->sim, port, SYSTEM_SOURCE, traffic(c->sim));
}

enum xm_code sim_receive(struct sim_call *c)
{
	struct port port;
	enum xm_code code = check_transfer(c, SYSTEM_DESTINATION, &port);

	if (code != XM_C_OK)
		return code;
	if (port.channel && port.channel->n == 0)
		return not_now(c->sim);
	if (port.channel) {
		take_message(c, &port);
		return XM_C_OK;
	}
	put_message(c, NULL, 0);
	if (c->sim->family == 2)
		put_flags_2x(c, &port, 0, false);
	return XM_C_OK;
}
