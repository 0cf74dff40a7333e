/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMBROKERCTL_H
#define XMBROKER_XMBROKERCTL_H

/*
 * A small blocking client of the protocol in wire.h, for xmbrokerctl.  Everything that goes wrong is
 * said on stderr where it happens.
 */

#include "libxm/core/wire.h"

struct ctl {
	int fd;
	const char *socket;
	bool json;
	uint32_t serial;
	struct xm_reply reply;
	uint8_t msg[XM_WIRE_PACKET]; /* what a reply points to stays in here until the next call */
};

/* Says what is wrong; -1. */
int ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Connects and shakes hands. */
int ctl_open(struct ctl *ctl);
/* Issues a request; 0 when it was done, 1 when it was refused or failed, -1 without an answer. */
int ctl_call(struct ctl *ctl, const struct xm_request *req);
/* The text of the reply as a string of the caller, with line ends but nothing else unprintable. */
char *ctl_text(const struct ctl *ctl, unsigned int arg);

#endif
