/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LISTEN_H
#define XMBROKER_LISTEN_H

/* The socket that clients connect to, and the lock that keeps a second broker from taking it over. */

#include <stdbool.h>
#include <sys/types.h>

struct listen {
	int fd;           /* listening, non-blocking; owned */
	int lock;         /* "PATH.lock", locked; -1: the socket came from the service manager */
	const char *path; /* borrowed */
	bool bound;       /* the file at `path` is ours to remove */
	dev_t dev;
	ino_t ino;
};

#define LISTEN_INIT                                                                                \
	{                                                                                          \
		.fd = -1, .lock = -1                                                               \
	}

/*
 * Takes the socket from the service manager or, if there is none, binds `path`: makes its folder
 * (one level, 0755) if need be, locks, replaces a socket that nobody listens on any more, refuses to
 * touch anything else.  0 or -errno, said so in the log.
 */
int listen_open(struct listen *self, const char *path);

/* Removes the socket's file, if it is ours and still the same. */
void listen_remove(struct listen *self);
/* That and the rest. */
void listen_close(struct listen *self);

#endif
