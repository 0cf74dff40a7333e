/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LINKS_H
#define XMBROKER_LINKS_H

/*
 * The supervisor's ends of the connections of the server to the hypervisor: a second descriptor of
 * each, through which a connection can be narrowed to a set of operations, or cut, whatever the server
 * does.  A connection is narrowed before the server gets it; nobody can widen one.
 */

#include <stddef.h>

#include "libxm/core/mask.h"

#define LINKS_MAX 4

struct link {
	int fd; /* owned */
	struct xm_mask mask;
};

struct links {
	struct link held[LINKS_MAX]; /* in the order in which the server got them */
	size_t n;                    /* the last one is in use, or will be */
	bool device; /* they were derived from the device; else they are connections */
	bool uncut;  /* one could not be: the server still has it, and must not live */
};

/* What a policy image (a descriptor) could ever have called: nothing, if it is too short to say. */
void links_mask_of(int image, struct xm_mask *maskp);

/* Narrows a connection that nobody has yet, and keeps it: takes fd.  0, or -errno: then it is closed. */
int links_add(struct links *links, int fd, const struct xm_mask *mask);
/* Whether the connection in use may do all of that; false if there is none. */
bool links_cover(const struct links *links, const struct xm_mask *mask);
/* Adds what the connection in use may do, if there is one. */
void links_unite(const struct links *links, struct xm_mask *mask);
/* Narrows all of them; one that cannot be is cut. */
void links_narrow(struct links *links, const struct xm_mask *mask);
/* Cuts all but the last, which the server now uses. */
void links_cut_old(struct links *links);
void links_cut_all(struct links *links);

#endif
