/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BACKEND_H
#define XMBROKER_BACKEND_H

/*
 * A hypervisor, seen from the gate.  The gate is the only caller of call(); everything that reaches
 * it was decoded, allowed, guarded and audited before.
 */

#include "libxm/core/request.h"

struct backend;

struct backend_info {
	uint32_t profile;   /* enum xm_profile */
	uint32_t partition; /* the one we run in */
	uint32_t n_partitions;
};

struct backend_ops {
	const char *name;
	/*
	 * Issues the hypercall, once, and waits for it.  Fills the reply, whose space the caller
	 * lent.  When the hypervisor went away in mid-call the code is XM_C_UNKNOWN_OUTCOME; when it
	 * was away before, so that nothing was issued, XM_C_INVALID_MODE.
	 */
	void (*call)(struct backend *backend, const struct xm_request *req, struct xm_reply *reply);
	void (*info)(const struct backend *backend, struct backend_info *infop);
	/* Takes over a descriptor from the supervisor (a new connection); may be NULL. */
	int (*attach)(struct backend *backend, int fd);
	/* Descriptor whose readability means that the hypervisor went away; -1: none. */
	int (*fd)(const struct backend *backend);
	void (*free)(struct backend *backend);
};

struct backend {
	const struct backend_ops *ops;
};

/*
 * The way to the hypervisor for what answers one call by means of others (cursor.c, described.c):
 * gate_issue(), and something else in their tests.
 */
struct backend_issuer {
	void (*issue)(void *data, const struct xm_request *req, struct xm_reply *reply);
	void *data;
};

/* The fixed hypervisor of three partitions (sim/loopback.h) in this process. */
int backend_loopback_new(struct backend **backendp);
/* A connection to an xmsim, on which the handshake is made here.  Takes the descriptor. */
int backend_sim_new(int fd, struct backend **backendp);
/* A descriptor of /dev/xmctl, in a system of so many partitions.  Takes the descriptor. */
int backend_device_new(int fd, uint32_t n_partitions, struct backend **backendp);

#endif
