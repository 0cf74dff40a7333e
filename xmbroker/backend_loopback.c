// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loopback hypervisor as a backend: in this process, with this process's monotonic clock.  Owns
 * the hypervisor's state.  Does no input or output.
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "xmbroker/backend.h"
#include "xmbroker/sim/loopback.h"

struct backend_loopback {
	struct backend base; /* first, so that the two convert */
	struct loopback loopback;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void call(struct backend *backend, const struct xm_request *req, struct xm_reply *reply)
{
	loopback_call(&((struct backend_loopback *)backend)->loopback, req, reply, now_us());
}

static void info(const struct backend *backend, struct backend_info *infop)
{
	(void)backend;
	*infop = (struct backend_info){
		.profile = XM_PROFILE_ID_3_X,
		.partition = 0,
		.n_partitions = LOOPBACK_PARTITIONS,
	};
}

static int no_fd(const struct backend *backend)
{
	(void)backend;
	return -1;
}

static void free_backend(struct backend *backend)
{
	free(backend);
}

static const struct backend_ops ops = {
	.name = "loopback",
	.call = call,
	.info = info,
	.fd = no_fd,
	.free = free_backend,
};

int backend_loopback_new(struct backend **backendp)
{
	struct backend_loopback *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return -ENOMEM;
	backend->base.ops = &ops;
	loopback_init(&backend->loopback, now_us());
	*backendp = &backend->base;
	return 0;
}
