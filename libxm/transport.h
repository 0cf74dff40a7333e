/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_TRANSPORT_H
#define LIBXM_TRANSPORT_H

/*
 * Packets over the connection to the broker, and opening one.  Knows no hypercall.  Never raises
 * SIGPIPE; goes on after signals.
 */

#include <sys/types.h>

#include "libxm/core/wire.h"

/* Whose process this is: what the broker is told by the kernel. */
struct transport_ids {
	uid_t ruid, euid;
	gid_t rgid, egid;
};

void transport_ids_get(struct transport_ids *ids);

/* Sends one packet: 0, or -errno, and then nothing was sent. */
int transport_send(int fd, const struct transport_ids *ids, const uint8_t *msg, size_t len);
/* Receives one: its length, 0 when the other side closed, or -errno (-EPROTO: not a whole packet). */
ssize_t transport_receive(int fd, uint8_t *msg, size_t cap);
/* The same for what has come already: -EAGAIN if nothing has. */
ssize_t transport_receive_now(int fd, uint8_t *msg, size_t cap);

/* Connects and shakes hands; a descriptor above 2 that the caller owns, or -errno. */
int transport_open(enum xm_profile profile, const struct transport_ids *ids,
		   struct xm_wire_welcome *welcomep);

#endif
