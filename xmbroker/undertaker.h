/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_UNDERTAKER_H
#define XMBROKER_UNDERTAKER_H

/*
 * For kernels that cannot refuse descriptors to a sender (before Linux 6.16).  Whoever discards a
 * message with the last reference to a TCP connection sleeps for as long as that lingers, except a
 * process that is ending.  So sockets with such messages go to a process that ends of them.
 */

#include <stdbool.h>
#include <sys/types.h>

struct undertaker {
	int channel; /* the server's end; stays open as long as the server lives */
	pid_t pid;
};

/* Whether the kernel lets clients queue descriptors on connections to this listening socket. */
bool undertaker_is_needed(int listener);

/*
 * Forks the process, and confines it.  Its channel gets the descriptor number `channel`, which must
 * be free: box_confine_with() tells it apart by that.  0 or -errno.
 */
int undertaker_start(int channel, struct undertaker *undertakerp);

/* Closes a socket without discarding what is queued on it: hands it over.  Takes `fd` in any case; if
 * it cannot be handed over (within a second), it is closed here. */
void undertaker_bury(int channel, int fd);
/* Closes a socket; buries it if what is queued on it is not to be discarded here. */
void undertaker_close(int channel, int fd);

#endif
