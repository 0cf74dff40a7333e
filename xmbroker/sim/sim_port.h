/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SIM_PORT_H
#define XMBROKER_SIM_SIM_PORT_H

/* Ports, shared by the operations on them. */

#include "xmbroker/sim/sim_internal.h"

#define SIM_INFINITE                                                                               \
	UINT64_C(0xffffffff) /* what port information says of a port without a channel */

/* A port with what stands behind it; channel NULL: not linked. */
struct port {
	uint32_t id;
	const struct system_port *config;
	struct sim_port *state;
	const struct system_channel *limits;
	struct sim_channel *channel;
};

/* Whether the operation is one of queuing ports. */
bool sim_port_queuing(const struct sim_call *call);
/* The caller's port with this name.  In the originals of 3.x, if there is none, the next partition's
 * first one, which is not the caller's. */
bool sim_port_find(const struct sim_call *call, const struct xm_value *name, struct port *portp);
/* The open port of the caller that argument 1 names. */
bool sim_port_open(const struct sim_call *call, struct port *portp);
/* Whether a message of this age is valid; 3.x: never without a period. */
bool sim_port_valid(const struct sim *sim, const struct port *port);

#endif
