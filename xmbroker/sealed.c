// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mapping of sealed images.  Owns the mapping.  Must never verify memory that somebody else can still
 * write to: what was checked must be what is read.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmbroker/sealed.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int check_seals(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return -EPERM; /* not a memfd at all */
	return (seals & SEALS) == SEALS ? 0 : -EPERM;
}

int sealed_map(int fd, struct sealed *sealedp)
{
	struct sealed sealed = { 0 };
	int r = check_seals(fd);
	off_t size;

	if (r < 0)
		return r;
	size = lseek(fd, 0, SEEK_END); /* the server may not call fstat() */
	if (size < 0)
		return -errno;
	if (size == 0 || (uint64_t)size > POLICY_IMAGE_MAX)
		return -EINVAL;
	sealed.len = (size_t)size;
	sealed.map = mmap(NULL, sealed.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (sealed.map == MAP_FAILED)
		return -errno;
	sealed.image = policy_image_verify(sealed.map, sealed.len);
	if (!sealed.image) {
		munmap(sealed.map, sealed.len);
		return -EINVAL;
	}
	*sealedp = sealed;
	return 0;
}

void sealed_unmap(struct sealed *sealed)
{
	if (sealed->image)
		munmap(sealed->map, sealed->len);
	*sealed = (struct sealed){ 0 };
}
