// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The backend on the device, with a stand-in for the device: what becomes of a call that fails, when the
 * device counts as lost, and that no call is made twice.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/broker_fakes.h"
#include "xmbroker/device_call.h"

/* What the device does with the next calls, and how many there were. */
static struct {
	struct xmctl_info info;
	int error[4];
	uint32_t status[4];
	int32_t result;
	unsigned int n, n_info;
	int last_fd;
} device;

static struct backend *backend;
static struct xm_request req;
static struct xm_reply reply;

static int answer_call(int fd, struct xmctl_call *call)
{
	unsigned int n = device.n < 4 ? device.n : 3;

	device.n++;
	device.last_fd = fd;
	call->status = device.status[n];
	call->result = device.result;
	errno = device.error[n];
	return device.error[n] ? -1 : 0;
}

/* In place of that of the C library. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == XMCTL_CALL)
		return answer_call(fd, arg);
	if (request != XMCTL_INFO)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	device.n_info++;
	memcpy(arg, &device.info, sizeof(device.info));
	return 0;
}

static int new_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static void setup(void)
{
	device.info = (struct xmctl_info){
		.version = XMCTL_VERSION,
		.profile = XMCTL_PROFILE_3_X,
		.partition = 1,
		.layout = sizeof(long) == 8 ? XMCTL_LAYOUT_LP64 : XMCTL_LAYOUT_I386,
		.conduit = "stand-in",
	};
	for (unsigned int i = 0; i < 4; i++)
		device.status[i] = XMCTL_STATUS_ISSUED;
	cr_assert_eq(backend_device_new(new_fd(), 3, &backend), 0);
}

static void teardown(void)
{
	backend->ops->free(backend);
}

TestSuite(backend_device, .init = setup, .fini = teardown, .timeout = 30);

static unsigned int call(void)
{
	fake_request(XM_OP_HALT_PARTITION, &req);
	xm_reply_init(&reply, NULL, 0);
	backend->ops->call(backend, &req, &reply);
	return reply.code;
}

/* The next call fails like that. */
static unsigned int call_failing(int error, uint32_t status)
{
	device.n = 0;
	device.error[0] = error;
	device.status[0] = status;
	return call();
}

static bool is_lost(void)
{
	struct pollfd p = { .fd = backend->ops->fd(backend), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

Test(backend_device, knows_where_it_is)
{
	struct backend_info info;

	backend->ops->info(backend, &info);
	cr_expect_eq(info.profile, XM_PROFILE_ID_3_X);
	cr_expect_eq(info.partition, 1);
	cr_expect_eq(info.n_partitions, 3);
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_not(is_lost());
}

Test(backend_device, what_was_interrupted_before_it_was_issued_is_asked_again)
{
	device.error[0] = device.error[1] = EINTR;
	device.status[0] = device.status[1] = 0;
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_eq(device.n, 3);
}

Test(backend_device, what_was_issued_is_never_asked_again)
{
	cr_expect_eq(call_failing(EINTR, XMCTL_STATUS_ISSUED), XM_C_UNKNOWN_OUTCOME);
	cr_expect_eq(device.n, 1);
	cr_expect_eq(call_failing(EFAULT, XMCTL_STATUS_ISSUED), XM_C_UNKNOWN_OUTCOME);
	cr_expect_eq(device.n, 1);
	cr_expect_not(is_lost());
}

Test(backend_device, success_without_a_word_that_it_was_issued_is_none)
{
	device.status[0] = 0;
	cr_expect_eq(call(), XM_C_INVALID_MODE);
}

Test(backend_device, a_refusal_of_the_device_is_no_loss)
{
	cr_expect_eq(call_failing(EPERM, 0), XM_C_PERM_ERROR);
	cr_expect_eq(call_failing(EINVAL, 0), XM_C_INVALID_PARAM);
	cr_expect_eq(call_failing(ENOMEM, 0), XM_C_INVALID_MODE);
	cr_expect_not(is_lost());
	device.error[0] = 0;
	device.status[0] = XMCTL_STATUS_ISSUED;
	cr_expect_eq(call(), XM_C_OK);
}

/* Asked no more, until the supervisor has given another descriptor. */
static void expect_loss(int error, uint32_t status, enum xm_code code)
{
	int fd;

	cr_expect_eq(call_failing(error, status), code, "%s", strerror(error));
	cr_expect(is_lost(), "%s", strerror(error));
	device.error[0] = 0;
	device.status[0] = XMCTL_STATUS_ISSUED;
	cr_expect_eq(call(), XM_C_INVALID_MODE);
	cr_expect_eq(call(), XM_C_INVALID_MODE);
	cr_expect_eq(device.n, 1);
	fd = new_fd();
	cr_assert_eq(backend->ops->attach(backend, fd), 0);
	cr_expect_not(is_lost());
	device.n = 0;
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_eq(device.last_fd, fd);
}

Test(backend_device, one_that_is_gone_is_lost)
{
	static const int errors[] = { ENODEV, ENXIO, EIO, ESHUTDOWN, ENOTTY, EBADF };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		expect_loss(errors[i], 0, XM_C_INVALID_MODE);
}

Test(backend_device, a_hypervisor_that_begins_anew_is_lost_and_nobody_knows_what_came_of_the_call)
{
	expect_loss(ECONNRESET, XMCTL_STATUS_ISSUED, XM_C_UNKNOWN_OUTCOME);
	expect_loss(EIO, XMCTL_STATUS_ISSUED, XM_C_UNKNOWN_OUTCOME);
}

Test(backend_device, what_comes_in_its_place_is_looked_at)
{
	device.info.profile = 9;
	cr_expect_eq(backend->ops->attach(backend, new_fd()), -EPROTONOSUPPORT);
	device.info.profile = XMCTL_PROFILE_3_X;
	device.info.layout = XMCTL_LAYOUT_ILP32;
	cr_expect_eq(backend->ops->attach(backend, new_fd()), -EPROTONOSUPPORT);
	device.info.layout = sizeof(long) == 8 ? XMCTL_LAYOUT_LP64 : XMCTL_LAYOUT_I386;
	device.info.version = 0;
	cr_expect_eq(backend->ops->attach(backend, new_fd()), -EPROTONOSUPPORT);
	/* That which there was is still there. */
	cr_expect_eq(call(), XM_C_OK);
}

Test(backend_device, it_asks_only_what_it_has_been_given)
{
	struct backend_info info;
	int fd = new_fd();

	device.info.partition = 2;
	cr_assert_eq(backend->ops->attach(backend, fd), 0);
	backend->ops->info(backend, &info);
	cr_expect_eq(info.partition, 2);
	cr_expect_eq(call(), XM_C_OK);
	cr_expect_eq(device.last_fd, fd);
}
