/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_IDENTITY_H
#define XMBROKER_IDENTITY_H

/*
 * Who is at the other end of a connection, as the kernel attests it: the uid, gid and groups of the
 * process that called connect(), taken once.  The pid is for the record only and decides nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Most supplementary groups.  The kernel allows 65536, but reading and sorting as many at every
 * connection of a stranger would be noticed by others; no real user has a thousand. */
#define IDENTITY_GROUPS_MAX 4096

struct identity {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool overflow;  /* uid or gid is the kernel's "somebody unknown" */
	uint32_t *gids; /* owned; primary and supplementary, sorted, without duplicates */
	uint32_t n_gids;
};

struct identity_overflow {
	uid_t uid;
	gid_t gid;
};

/* Asks the kernel to attach the sender's credentials to every message received on `fd`. */
int identity_want_credentials(int fd);

/* Reads the identity of the peer of a connected socket.  0 or -errno. */
int identity_read(int fd, struct identity_overflow overflow, struct identity *identityp);
void identity_deinit(struct identity *identity);
/* Bytes of memory that it holds. */
size_t identity_memory(const struct identity *identity);

/* Whether the process that connected still runs: 1 yes, 0 no, -errno where the kernel cannot tell. */
int identity_process_lives(int fd);

/* One message as received, with what the kernel says about its sender. */
struct identity_message {
	size_t len;
	bool end; /* the other side closed; nothing else is set */
};

/*
 * Looks at what there is to receive, and leaves it there, so that no descriptor in it is dropped:
 *   1         a message with nothing beside it, or with credentials only
 *   0         the other side closed
 *   -EAGAIN   nothing there
 *   -EPROTO   a message with descriptors or anything else beside it
 *   -errno    the socket failed
 */
int identity_peek(int fd);

/*
 * Receives one message into buf without waiting.  0, or:
 *   -EAGAIN   nothing there
 *   -EPROTO   longer than `cap`, empty, cut, or with anything else beside it than credentials
 *   -EACCES   not sent by the identity of the session, or without credentials
 *   -errno    the socket failed
 * Descriptors that a client passes are never installed in this process.
 */
int identity_receive(int fd, const struct identity *identity, uint8_t *buf, size_t cap,
		     struct identity_message *messagep);

#endif
