// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The hypervisor behind a descriptor of /dev/xmctl, which the supervisor has derived from the device for
 * what the policy can allow.  Owns the descriptor.  Must never issue a call twice: only when the device
 * says that it was interrupted before anything was issued is it asked again.  Nor may it go on with a
 * device that has failed, or with a hypervisor that was reset behind it: then it is lost, as a connection
 * is, until the supervisor gives another descriptor.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/backend.h"
#include "xmbroker/device_call.h"

#if defined(__LP64__)
#define OWN_LAYOUT XMCTL_LAYOUT_LP64
#elif defined(__i386__)
#define OWN_LAYOUT XMCTL_LAYOUT_I386
#else
#define OWN_LAYOUT XMCTL_LAYOUT_ILP32
#endif

struct device {
	struct backend backend;
	struct backend_info info;
	const struct raw_profile *profile;
	int fd; /* owned */
	bool lost, rung;
	int bell[2]; /* owned; the first is to be read when it is lost: the descriptor itself never ends */
	struct device_call call;
};

static const struct raw_profile *profile_of(uint32_t id)
{
	static const struct raw_profile *const profiles[] = {
		&raw_profile_2_4,
		&raw_profile_2_6,
		&raw_profile_3_x,
		&raw_profile_prtos,
	};

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (profiles[i]->id == id)
			return profiles[i];
	return NULL;
}

/* ---- loss ------------------------------------------------------------------------------------------- */

/* Whether it makes no sense to ask this descriptor again. */
static bool is_loss(int error)
{
	switch (error) {
	case -ECONNRESET: /* what was called does not come back: partition or system begin anew */
	case -ESHUTDOWN:
	case -ENODEV:
	case -ENXIO:
	case -EIO:
	case -ENOTTY:
	case -EBADF:
		return true;
	default:
		return false;
	}
}

/* Says so to who waits for it; if there is no memory for that, at the next call. */
static void lose(struct device *device)
{
	const char byte = 0;

	device->lost = true;
	if (!device->rung)
		device->rung = send(device->bell[1], &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static void found(struct device *device)
{
	char byte;

	while (recv(device->bell[0], &byte, 1, MSG_DONTWAIT) > 0)
		;
	device->lost = device->rung = false;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

/* 0: the hypervisor was called, and its answer is all there. */
static int issue(const struct device *device, struct xmctl_call *ioc)
{
	while (ioctl(device->fd, XMCTL_CALL, ioc) < 0)
		if (errno != EINTR || ioc->status)
			return -errno;
	return ioc->status & XMCTL_STATUS_ISSUED ? 0 : -EPROTO;
}

/* What it means that a call came to nothing. */
static enum xm_code failure(const struct xmctl_call *ioc, int error)
{
	if (ioc->status)
		return XM_C_UNKNOWN_OUTCOME;
	switch (error) {
	case -EPERM: /* narrower than the policy: a newer one is on its way, or nobody may */
		return XM_C_PERM_ERROR;
	case -EINVAL:
		return XM_C_INVALID_PARAM;
	default:
		return XM_C_INVALID_MODE;
	}
}

static void device_issue(struct backend *backend, const struct xm_request *req,
			 struct xm_reply *reply)
{
	struct device *device = (struct device *)backend;
	enum xm_code code;
	int r;

	if (device->lost) {
		lose(device);
		xm_reply_fail(reply, XM_C_INVALID_MODE);
		return;
	}
	code = device_put(&device->call, device->profile, device->info.partition, req, reply);
	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	r = issue(device, &device->call.ioc);
	if (r == 0) {
		device_get(&device->call, req, reply);
		return;
	}
	xm_reply_fail(reply, failure(&device->call.ioc, r));
	if (is_loss(r))
		lose(device);
}

/* ---- connection ------------------------------------------------------------------------------------- */

static int take(struct device *device, int fd)
{
	struct xmctl_info info;
	const struct raw_profile *profile;

	if (ioctl(fd, XMCTL_INFO, &info) < 0)
		return -errno;
	profile = profile_of(info.profile);
	if (!profile || info.version < XMCTL_VERSION || info.layout != OWN_LAYOUT)
		return -EPROTONOSUPPORT;
	if (device->fd >= 0)
		close(device->fd);
	device->fd = fd;
	found(device);
	device->profile = profile;
	device->info.profile = info.profile;
	device->info.partition = info.partition;
	return 0;
}

static int device_attach(struct backend *backend, int fd)
{
	int r = take((struct device *)backend, fd);

	if (r < 0)
		close(fd);
	return r;
}

static void device_info(const struct backend *backend, struct backend_info *infop)
{
	*infop = ((const struct device *)backend)->info;
}

static int device_fd(const struct backend *backend)
{
	return ((const struct device *)backend)->bell[0];
}

static void device_free(struct backend *backend)
{
	struct device *device = (struct device *)backend;

	if (device->fd >= 0)
		close(device->fd);
	if (device->bell[0] >= 0) {
		close(device->bell[0]);
		close(device->bell[1]);
	}
	free(device);
}

static const struct backend_ops device_ops = {
	.name = "device",
	.call = device_issue,
	.info = device_info,
	.attach = device_attach,
	.fd = device_fd,
	.free = device_free,
};

int backend_device_new(int fd, uint32_t n_partitions, struct backend **backendp)
{
	struct device *device = calloc(1, sizeof(*device));
	int r;

	if (!device) {
		close(fd);
		return -ENOMEM;
	}
	device->backend.ops = &device_ops;
	device->fd = device->bell[0] = device->bell[1] = -1;
	device->info.n_partitions = n_partitions;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, device->bell) < 0) {
		r = -errno;
		close(fd);
	} else {
		r = device_attach(&device->backend, fd);
	}
	if (r < 0) {
		device_free(&device->backend);
		return r;
	}
	*backendp = &device->backend;
	return 0;
}
