/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_CHANNEL_H
#define XMBROKER_CHANNEL_H

/*
 * The private channel between supervisor and server: a SOCK_SEQPACKET pair, one message a packet,
 * at most one descriptor with it.  The supervisor treats what comes from the server as hostile: a
 * fixed header, a bounded text, no descriptor.
 */

#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_TEXT_MAX 8192

/* What the exit status of a server says that was never ready: it cannot use the policy that it was started
 * with. */
#define CHANNEL_EXIT_REFUSED 3

enum channel_type {
	/* supervisor to server */
	/* fd: a sealed policy image; number: its generation; ok: without looking whether it locks
	 * somebody out; text, if it was in force before: why it comes back */
	CHANNEL_IMAGE = 1,
	CHANNEL_BACKEND = 2,  /* fd: a new connection to the hypervisor */
	CHANNEL_RELOADED = 3, /* number: the request; ok; text: what the compiler said */
	CHANNEL_STOP = 4,     /* finish what is in flight and exit 0 */
	/* fd: the file of the audit log that begins; number: its number; text: audit_state.h.
	 * Without fd and text: there is no audit log */
	CHANNEL_AUDIT = 5,
	CHANNEL_AUDIT_NOTE = 6, /* text: audit_state.h: to be recorded, then files are deleted */
	/* ok: there is room for records again; otherwise hardly any, or none can be kept at all,
	 * because of the errno that is the number */
	CHANNEL_AUDIT_SPACE = 7,
	/* number: seconds in which the policy in force is to be confirmed, 0: it is; text: to be
	 * recorded */
	CHANNEL_TRIAL = 8,
	/* server to supervisor */
	CHANNEL_READY = 16, /* serving */
	/* number: the request; ok: forced; text: seconds to confirm it in, or none: somebody allowed
	 * asks for a reload */
	CHANNEL_RELOAD = 17,
	CHANNEL_BACKEND_LOST = 18, /* the connection to the hypervisor is gone */
	CHANNEL_IMAGE_DONE = 19,   /* number: the generation of an image; ok: it is in force */
	CHANNEL_AUDIT_DONE = 20, /* number: that of CHANNEL_AUDIT; ok: records go to the new file */
	CHANNEL_AUDIT_NOTED = 21, /* ok: what was to be noted is on the disk */
	/* number: the request, answered like a reload; text: the generation, or none: whatever is in
	 * force; somebody allowed confirms */
	CHANNEL_CONFIRM = 22,
};

struct channel_message {
	uint8_t type;
	bool ok;
	uint32_t number;
	int fd; /* -1: none; owned by whoever receives the message */
	char text[CHANNEL_TEXT_MAX + 1];
};

/* Sends one message (fd is borrowed).  0, or -errno; -EAGAIN when the other side does not read. */
int channel_send(int channel, const struct channel_message *message);
/* Receives one: 1 a message, 0 the other side closed, -EAGAIN none there, -EPROTO malformed (any
 * descriptors that came are closed), other -errno. */
int channel_receive(int channel, struct channel_message *messagep);

#endif
