// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections to the hypervisor as the supervisor keeps them.  Owns a descriptor of each.  Must never
 * hand out one that is not narrowed, read from one, or look further into an image than at the mask at
 * its fixed place.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "policy/image.h"
#include "xmbroker/device.h"
#include "xmbroker/links.h"
#include "xmbroker/log.h"

void links_mask_of(int image, struct xm_mask *maskp)
{
	ssize_t n;

	do
		n = pread(image, maskp->bytes, sizeof(maskp->bytes), POLICY_IMAGE_MASK_AT);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(maskp->bytes))
		return;
	log_error("cannot read what the policy image has called: nothing will be");
	memset(maskp, 0, sizeof(*maskp));
}

static int send_restrict(int fd, const struct xm_mask *mask)
{
	uint8_t msg[XM_WIRE_HEAD + XM_MASK_BYTES];
	int len = xm_wire_put_restrict(msg, sizeof(msg), mask);
	ssize_t n;

	if (len < 0)
		return len;
	do
		n = send(fd, msg, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int narrow(const struct links *links, int fd, const struct xm_mask *mask)
{
	return links->device ? device_narrow(fd, mask) : send_restrict(fd, mask);
}

/* For everyone who has a descriptor of it. */
static void cut(struct links *links, const struct link *link)
{
	static const struct xm_mask nothing;
	int r = 0;

	if (!links->device)
		shutdown(link->fd, SHUT_RDWR);
	else
		r = device_narrow(link->fd, &nothing);
	close(link->fd);
	if (r == 0)
		return;
	log_error("cannot take the device away from the server: %s", strerror(-r));
	links->uncut = true;
}

static void cut_first(struct links *links, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cut(links, &links->held[i]);
	links->n -= n;
	memmove(links->held, links->held + n, links->n * sizeof(links->held[0]));
}

int links_add(struct links *links, int fd, const struct xm_mask *mask)
{
	int r = narrow(links, fd, mask);

	if (r < 0) {
		close(fd);
		return r;
	}
	if (links->n == LINKS_MAX)
		cut_first(links, 1);
	links->held[links->n++] = (struct link){ fd, *mask };
	return 0;
}

bool links_cover(const struct links *links, const struct xm_mask *mask)
{
	return links->n && xm_mask_covers(&links->held[links->n - 1].mask, mask);
}

void links_unite(const struct links *links, struct xm_mask *mask)
{
	if (links->n)
		xm_mask_unite(mask, &links->held[links->n - 1].mask);
}

void links_narrow(struct links *links, const struct xm_mask *mask)
{
	size_t kept = 0;

	for (size_t i = 0; i < links->n; i++) {
		struct link link = links->held[i];
		int r = xm_mask_covers(mask, &link.mask) ? 0 : narrow(links, link.fd, mask);

		if (r < 0) {
			log_warning("cutting a connection to the hypervisor, which cannot be "
				    "narrowed: %s",
				    strerror(-r));
			cut(links, &link);
			continue;
		}
		xm_mask_intersect(&link.mask, mask);
		links->held[kept++] = link;
	}
	links->n = kept;
}

void links_cut_old(struct links *links)
{
	if (links->n > 1)
		cut_first(links, links->n - 1);
}

void links_cut_all(struct links *links)
{
	cut_first(links, links->n);
}
