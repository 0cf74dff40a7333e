/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SEALED_H
#define XMBROKER_SEALED_H

/*
 * A policy image as it came from the supervisor: a memfd that nobody can change any more, mapped
 * read-only and verified.
 */

#include "policy/image.h"

struct sealed {
	const struct policy_image *image; /* NULL: nothing mapped */
	void *map;
	size_t len;
};

/*
 * Maps the image in `fd`, which stays the caller's.  0, or -errno: -EPERM when the memory is not
 * sealed against change, -EINVAL when it is not a good image.
 */
int sealed_map(int fd, struct sealed *sealedp);
void sealed_unmap(struct sealed *sealed);

#endif
