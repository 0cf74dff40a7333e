/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_LOOPBACK_INTERNAL_H
#define XMBROKER_SIM_LOOPBACK_INTERNAL_H

/*
 * Between the files of the loopback hypervisor: the calls on ports are in loopback_ports.c, on log
 * streams in loopback_log.c, on memory, interrupts and processor in loopback_machine.c; all else is in
 * loopback.c.
 */

#include "xmbroker/sim/loopback.h"

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#define LOOPBACK_SELF 0
#define LOOPBACK_NAME 16 /* characters of a name that the hypervisor compares */

/* What struct loopback_partition counts. */
enum { SAMPLES_READ, SAMPLES_WRITTEN, MESSAGES_SENT, MESSAGES_RECEIVED };

typedef void loopback_fn(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply);

loopback_fn loopback_create_port, loopback_port_info;
loopback_fn loopback_read_sampling, loopback_write_sampling, loopback_sampling_status;
loopback_fn loopback_send, loopback_receive, loopback_queuing_status;

loopback_fn loopback_hm, loopback_trace, loopback_trace_event;

loopback_fn loopback_memory_copy, loopback_physpage, loopback_set_page_type;
loopback_fn loopback_update_page32, loopback_route_irq, loopback_raise_ipvi;
loopback_fn loopback_vcpu, loopback_update_descriptor;

/* The own partition stops for ever; or its virtual processor starts anew.  Neither call returns. */
void loopback_stop(struct loopback *lb, struct xm_reply *reply);
void loopback_restart(struct loopback *lb, uint32_t status, struct xm_reply *reply);
/* Closes the ports of a partition, which its reset does. */
void loopback_close_ports(struct loopback *lb, unsigned int partition);
bool loopback_same_name(const char name[LOOPBACK_NAME], const struct xm_value *v);

static inline const struct xm_value *loopback_arg(const struct xm_request *req, unsigned int i)
{
	return &req->arg[i];
}

static inline int64_t loopback_clock(const struct loopback *lb)
{
	return lb->now - lb->boot;
}

#endif
