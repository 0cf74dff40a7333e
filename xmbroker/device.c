// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device, as the supervisor has it.  Must never hand out the node itself, nor issue a hypercall.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xm/uapi/xmctl.h>

#include "xmbroker/device.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"

_Static_assert(XMCTL_MASK_BYTES == XM_MASK_BYTES, "one set of operations");

#define WAIT_MIN_MS 100  /* before the node is tried again; */
#define WAIT_MAX_MS 2000 /* to which that doubles */
#define SAY_EVERY_MS 60000
#define EXTEND_US 10000000 /* that the service manager is to wait for more, each time */
#define NAMES_MAX 8        /* operations that a message names */

/* ---- masks ------------------------------------------------------------------------------------------ */

static struct xmctl_derive derive_of(const struct xm_mask *mask)
{
	struct xmctl_derive derive = { .flags = 0 };

	memcpy(derive.mask, mask->bytes, sizeof(derive.mask));
	return derive;
}

int device_derive(int fd, const struct xm_mask *mask)
{
	struct xmctl_derive derive = derive_of(mask);
	int derived = ioctl(fd, XMCTL_DERIVE, &derive);

	return derived < 0 ? -errno : derived;
}

int device_narrow(int fd, const struct xm_mask *mask)
{
	struct xmctl_derive derive = derive_of(mask);
	int r;

	do
		r = ioctl(fd, XMCTL_NARROW, &derive);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static int examine(int fd, const char *path)
{
	struct xmctl_info info;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode)) {
		log_error("%s is not a character device", path);
		return -ENOTTY;
	}
	if (ioctl(fd, XMCTL_INFO, &info) < 0) {
		log_error("%s is not the device of xmctl.ko: %m", path);
		return -ENOTTY;
	}
	if (info.version < XMCTL_VERSION) {
		log_error("%s: the module has version %u of the interface, and xmbroker needs %u: "
			  "install the module that belongs to it",
			  path, info.version, XMCTL_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (!xm_profile_name(info.profile)) {
		log_error("%s: the module speaks of profile %u, of which xmbroker knows nothing",
			  path, info.profile);
		return -EPROTONOSUPPORT;
	}
	info.conduit[sizeof(info.conduit) - 1] = '\0';
	if (info.partition == XMCTL_PARTITION_UNKNOWN) {
		log_error("%s: the module does not know which partition this is: load it with "
			  "partition=",
			  path);
		return -ENODEV;
	}
	log_notice("%s: conduit %s, profile %s, partition %u", path, info.conduit,
		   xm_profile_name(info.profile), info.partition);
	return 0;
}

/* Why it cannot be opened, and what to do. */
static void explain(const char *path, int error)
{
	switch (error) {
	case ENOENT:
		log_error("cannot open %s: no such device: load the module (modprobe xmctl)", path);
		break;
	case EBUSY:
		log_error("cannot open %s: another program has it open: `fuser -v %s` says which",
			  path, path);
		break;
	case EACCES:
	case EPERM:
		log_error(
			"cannot open %s: %s: only root may, so xmbroker has to be started by root",
			path, strerror(error));
		break;
	default:
		log_error("cannot open %s: %s", path, strerror(error));
	}
}

static bool passes(int error)
{
	return error == ENOENT || error == ENXIO || error == ENODEV || error == EBUSY;
}

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

struct waiting {
	int error;                 /* what was said last */
	unsigned int pause, since; /* ms: until the next try, since it was said */
};

/* Once it lasts, whenever it changes, and every minute. */
static void say_waiting(struct waiting *w, const char *path, int error)
{
	if (error == w->error && w->since < SAY_EVERY_MS)
		return;
	w->error = error;
	w->since = 0;
	explain(path, error);
	log_notice("waiting for %s", path);
}

static void pause_for(unsigned int ms)
{
	const struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&pause, NULL);
}

/* The module may be loaded after us, and a server of a supervisor that was killed may still be ending. */
static int open_in_time(const char *path)
{
	struct waiting w = { .pause = WAIT_MIN_MS };
	int fd = open_node(path);

	while (fd < 0 && passes(-fd)) {
		notify_send("STATUS=waiting for %s: %s\nEXTEND_TIMEOUT_USEC=%d", path,
			    strerror(-fd), EXTEND_US);
		pause_for(w.pause);
		w.since += w.pause;
		w.pause = w.pause * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : w.pause * 2;
		fd = open_node(path);
		if (fd < 0 && passes(-fd))
			say_waiting(&w, path, -fd);
	}
	return fd;
}

int device_open(const char *path, bool wait)
{
	int fd = wait ? open_in_time(path) : open_node(path), r;

	if (fd < 0) {
		explain(path, -fd);
		return fd;
	}
	r = examine(fd, path);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

bool device_is_gone(int error)
{
	return error == -ENODEV || error == -ENXIO || error == -EIO || error == -ENOTTY;
}

/* ---- what it does not have ---------------------------------------------------------------------------- */

/* By which the description is compared, where they are to be had: nobody has asked for them. */
static bool is_everybodys(unsigned int op)
{
	return op == XM_OP_GET_GID_BY_NAME || op == XM_OP_GET_PLAN_STATUS ||
	       op == XM_OP_GET_SAMPLING_PORT_INFO || op == XM_OP_GET_QUEUING_PORT_INFO;
}

static bool takes_address(unsigned int op)
{
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
		if (xm_ops[op].args[i].domain == XM_D_CLIENT_ADDRESS)
			return true;
	return false;
}

enum reason { NOT_IN_PROFILE, NEVER, UNLESS_MACHINE, OTHERWISE, N_REASONS };

static enum reason reason_of(unsigned int op, uint32_t profile)
{
	if (!(xm_ops[op].profiles & XM_IN(profile)))
		return NOT_IN_PROFILE;
	if (takes_address(op))
		return NEVER;
	return xm_ops[op].class == XM_CLASS_MACHINE ? UNLESS_MACHINE : OTHERWISE;
}

/* The first few of a set, and how many more there are. */
static const char *names_of(const struct xm_mask *mask, char *text, size_t cap)
{
	unsigned int n = 0, all = xm_mask_count(mask);
	size_t len = 0;

	for (unsigned int op = 0; op < XM_N_OPS && n < NAMES_MAX && len < cap; op++) {
		if (!xm_mask_has(mask, op))
			continue;
		len += (size_t)snprintf(text + len, cap - len, "%s%s", n ? ", " : "",
					xm_ops[op].name);
		n++;
	}
	if (all > n && len < cap)
		snprintf(text + len, cap - len, " and %u more", all - n);
	return text;
}

static void say_lacking(const struct xm_mask lacking[N_REASONS], uint32_t profile)
{
	static const char *const reasons[N_REASONS] = {
		[NOT_IN_PROFILE] = "the hypervisor has not",
		[NEVER] = "are never made, because an address goes with them",
		[UNLESS_MACHINE] = "are made only if xmctl is loaded with machine=1, see xmctl(4)",
		[OTHERWISE] = "this xmctl lacks: install the module of this xmbroker",
	};
	char text[512];

	for (unsigned int i = 0; i < N_REASONS; i++)
		if (xm_mask_count(&lacking[i]))
			log_warning("  %s%s%s: %s", reasons[i],
				    i == NOT_IN_PROFILE ? ", of profile " : "",
				    i == NOT_IN_PROFILE ? xm_profile_name(profile) : "",
				    names_of(&lacking[i], text, sizeof(text)));
}

unsigned int device_tell_lacking(int fd, const struct xm_mask *wanted)
{
	struct xm_mask lacking[N_REASONS] = { 0 }, offered;
	struct xmctl_info info;
	unsigned int n = 0;

	if (ioctl(fd, XMCTL_INFO, &info) < 0 || !xm_profile_name(info.profile))
		return 0; /* to derive from it will fail, and say so */
	memcpy(offered.bytes, info.mask, sizeof(offered.bytes));
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		enum reason why = reason_of(op, info.profile);

		if (!xm_mask_has(wanted, op) || xm_mask_has(&offered, op) ||
		    (why == NOT_IN_PROFILE && is_everybodys(op)))
			continue;
		xm_mask_add(&lacking[why], op);
		n++;
	}
	if (n)
		log_warning("the policy allows %u hypercall%s that cannot be made through the "
			    "device: whoever makes one gets an error",
			    n, n == 1 ? "" : "s");
	say_lacking(lacking, info.profile);
	return n;
}
