// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * To be preloaded into the broker's processes, where /dev/null then is the device: a hypervisor of the
 * profile 3.x that does whatever it is asked for and says nothing, and fails as the bytes at the beginning
 * of the file say which XM_TEST_DEVICE names.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xm/uapi/xmctl.h>

#define API __attribute__((visibility("default")))

/* What fails: 0: nothing does. */
enum { CALLS, DERIVE, CUT, OTHER_SYSTEM, N_FAILURES };
enum { CALLS_ENODEV = 1, CALLS_ECONNRESET };

static const volatile uint8_t none[N_FAILURES], *failure = none;

/* Before a filter or an empty root would be in the way. */
__attribute__((constructor)) static void map_failures(void)
{
	const char *path = getenv("XM_TEST_DEVICE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		failure = page;
	close(fd);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int info(struct xmctl_info *infop)
{
	*infop = (struct xmctl_info){
		.version = XMCTL_VERSION,
		.profile = XMCTL_PROFILE_3_X,
		.layout = sizeof(long) == 8 ? XMCTL_LAYOUT_LP64 : XMCTL_LAYOUT_I386,
		.conduit = "stand-in",
	};
	memset(infop->mask, 0xff, sizeof(infop->mask));
	return 0;
}

/* By their numbers in xm_hypercalls(7). */
enum { SAMPLING_INFO = 19, QUEUING_INFO = 24, PLAN_STATUS = 33, GID_BY_NAME = 38 };

static int call(struct xmctl_call *c)
{
	/* What the description is compared by is not to be had, unless it differs. */
	int compares = c->operation == SAMPLING_INFO || c->operation == QUEUING_INFO ||
		       c->operation == PLAN_STATUS || c->operation == GID_BY_NAME;

	c->status = 0;
	if (failure[CALLS] == CALLS_ENODEV)
		return fail(ENODEV);
	if (compares && !failure[OTHER_SYSTEM])
		return fail(EPERM);
	c->status = XMCTL_STATUS_ISSUED;
	c->result = compares ? 99 : 0;
	return failure[CALLS] == CALLS_ECONNRESET ? fail(ECONNRESET) : 0;
}

static int derive(void)
{
	int pair[2];

	if (failure[DERIVE])
		return fail(ENODEV);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	close(pair[1]);
	return pair[0];
}

static int narrow(const struct xmctl_derive *mask)
{
	static const uint8_t nothing[XMCTL_MASK_BYTES];

	return failure[CUT] && !memcmp(mask->mask, nothing, sizeof(nothing)) ? fail(EPERM) : 0;
}

API int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case XMCTL_INFO:
		return info(arg);
	case XMCTL_CALL:
		return call(arg);
	case XMCTL_DERIVE:
		return derive();
	case XMCTL_NARROW:
		return narrow(arg);
	default:
		return (int)syscall(SYS_ioctl, fd, request, arg);
	}
}
