/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_NOTIFY_H
#define XMBROKER_NOTIFY_H

/* The service manager's two small protocols, sd_notify(3) and sd_listen_fds(3), without its library. */

/* Takes what the service manager said out of the environment, so that children do not see it. */
void notify_init(void);

/* Tells it something, as "READY=1\nSTATUS=..."; 0, or -errno (0 as well when nobody listens). */
int notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define NOTIFY_FIRST 3

/* How many descriptors from NOTIFY_FIRST on it passed to us. */
unsigned int notify_passed(void);

/*
 * The socket that the service manager opened for us: 1 with *fdp, close-on-exec and non-blocking; 0 if
 * there is none; -EINVAL if what it passed is not one listening seqpacket socket.
 */
int notify_take_socket(int *fdp);

#endif
