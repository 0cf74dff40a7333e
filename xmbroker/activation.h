/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_ACTIVATION_H
#define XMBROKER_ACTIVATION_H

/*
 * What is looked at before a policy comes into force: whether its system description is that of the
 * running hypervisor, and, unless forced, whether it would lock out who asks for it, or drops most of
 * what the policy in force grants.
 */

#include "xmbroker/server.h"

/* Whether a new policy may replace the one in force; else says why not in server->why_kept. */
bool activation_is_safe(struct server *server, const struct policy_image *image);
/* Compares the hypervisor with an image's description, and logs what is different: 0 it is the same,
 * -EINVAL it is another.  While there is no connection to it, what is in force passes, what is known
 * (was in force before), and what has the same description; nothing else does. */
int activation_check_system(struct server *server, const struct policy_image *image, bool known);
/* The supervisor tells until when the policy in force is to be confirmed. */
void activation_on_trial(struct server *server, const struct channel_message *message);
/* Seconds until it is rolled back; 0: it is confirmed. */
uint32_t activation_seconds_left(const struct server *server);

#endif
