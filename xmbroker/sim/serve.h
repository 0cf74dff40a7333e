/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SERVE_H
#define XMBROKER_SIM_SERVE_H

/*
 * The simulated hypervisor behind sockets.  Each connection belongs to one partition, by the socket
 * or descriptor that it came through; whatever it says is a hypercall of that partition.
 */

#include "xmbroker/loop.h"
#include "xmbroker/sim/engine.h"

#define SERVE_CONNECTIONS_MAX 512
#define SERVE_LARGE_MAX                                                                            \
	(256u << 20) /* bytes of messages longer than a packet, of all connections */

struct serve;

/* The engine is borrowed. */
int serve_new(struct engine *engine, struct serve **servep);
void serve_free(struct serve *serve);

/* Accepts connections of `partition` on a listening socket; takes the descriptor. */
int serve_listen(struct serve *serve, int fd, uint32_t partition);
/* Receives connections of `partition` as descriptors through `fd`, whose end ends serve_run(). */
int serve_attach(struct serve *serve, int fd, uint32_t partition);
/* Takes commands on a listening socket; takes the descriptor. */
int serve_control(struct serve *serve, int fd);
/* SIGTERM and SIGINT, which the caller has blocked, end serve_run(). */
int serve_signals(struct serve *serve);

/* Serves until something ends it.  0, or -errno. */
int serve_run(struct serve *serve);

#endif
