/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_DEVICE_H
#define XMBROKER_DEVICE_H

/*
 * /dev/xmctl as the supervisor has it: the node itself, which it alone may hold, and descriptors derived
 * from it for the server.
 */

#include "libxm/core/mask.h"

#define DEVICE_PATH "/dev/xmctl"

/*
 * Opens the node, which nobody else can while it is open, and looks what is behind it.  What is not
 * there yet, or in use still, is waited for (`wait`), which is said.  A descriptor or -errno, said so
 * in the log.
 */
int device_open(const char *path, bool wait);
/* A new descriptor that can do what is in the mask and no more; a descriptor or -errno. */
int device_derive(int fd, const struct xm_mask *mask);
/* Takes away what is not in the mask, from a derived descriptor and all its duplicates.  0 or -errno. */
int device_narrow(int fd, const struct xm_mask *mask);

/* Whether an error of these means that the device itself is gone, and has to be opened anew. */
bool device_is_gone(int error);
/* Says in the log what of the mask the device does not offer, a few by their names, and what to do.
 * How many those are. */
unsigned int device_tell_lacking(int fd, const struct xm_mask *wanted);

#endif
