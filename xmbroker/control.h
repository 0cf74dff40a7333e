/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_CONTROL_H
#define XMBROKER_CONTROL_H

/*
 * The broker's own operations (class @broker), which the gate hands here once they are allowed and
 * recorded.
 */

#include "xmbroker/server.h"

#define CONTROL_RELOADED 0        /* value of broker_reload: the new policy is in force */
#define CONTROL_KEPT 1            /* the old one still is; the text says why */
#define CONTROL_CONFIRM_MAX 86400 /* s to confirm a policy in */

/* A gate_broker_fn; data is the server. */
int control_call(void *data, void *session, const struct gate_call *call, struct xm_reply *reply);

/* The supervisor's answer to a reload that a session asked for. */
void control_reloaded(struct server *server, const struct channel_message *message);

#endif
