/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SERVER_AUDIT_H
#define XMBROKER_SERVER_AUDIT_H

/* What the supervisor says about the audit log, put into effect: channel.h. */

#include <stdbool.h>

#include "xmbroker/audit.h"
#include "xmbroker/channel.h"

#define SERVER_AUDIT_WAIT_MS 10000 /* for the first message at the start */

/*
 * Waits for the log, which is the first that the supervisor sends, and begins it.  `ledger` (-1:
 * none) is taken.  -EPROTO: something else came.
 */
int server_audit_begin(int channel, int ledger, struct audit **auditp);

/* Each wipes the message and says whether it could be done. */
bool server_audit_rotate(struct audit *audit, struct channel_message *message);
bool server_audit_note(struct audit *audit, struct channel_message *message);
void server_audit_space(struct audit *audit, const struct channel_message *message);

#endif
