/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SAME_INPROCESS_H
#define TESTS_SAME_INPROCESS_H

/*
 * libxm and the gate in one process: what libxm sends goes through the codec, the policy, the guard
 * and the audit log as in the broker, without a socket.  The hypervisor is a recorder whose answers
 * depend on the request alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "libxm/core/request.h"

/* Begins; `profile` is the hypervisor's. */
void inprocess_start(enum xm_profile profile);
void inprocess_stop(void);
/* What the audit log got since this was asked last, without what differs from time to time. */
const char *inprocess_log(void);
/* Called for each request that reaches the hypervisor. */
extern void (*inprocess_on_call)(const struct xm_request *req);
extern unsigned long inprocess_n_calls;

/* The same policy as in inprocess.c, written down by hand. */
int inprocess_permits(const struct xm_request *req);

#endif
