// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device as the supervisor has it, with a stand-in for it: what is derived and taken away, what is
 * said of it, and what is no such device.
 */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xm/uapi/xmctl.h>

#include "xmbroker/device.h"
#include "xmbroker/links.h"

static struct {
	struct xmctl_info info;
	struct xmctl_derive derive;
	int info_error, narrow_error[2];
	unsigned int n_derived, n_narrowed;
} device;

static int fail(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static int narrow(const struct xmctl_derive *derive)
{
	device.derive = *derive;
	device.n_narrowed++;
	return fail(device.narrow_error[device.n_narrowed > 1]);
}

/* In place of that of the C library. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case XMCTL_INFO:
		memcpy(arg, &device.info, sizeof(device.info));
		return fail(device.info_error);
	case XMCTL_DERIVE:
		memcpy(&device.derive, arg, sizeof(device.derive));
		device.n_derived++;
		return eventfd(0, EFD_CLOEXEC);
	case XMCTL_NARROW:
		return narrow(arg);
	default:
		return (int)syscall(SYS_ioctl, fd, request, arg);
	}
}

static struct xm_mask mask_of(const unsigned int *ops, size_t n)
{
	struct xm_mask mask = { { 0 } };

	for (size_t i = 0; i < n; i++)
		xm_mask_add(&mask, ops[i]);
	return mask;
}
#define MASK(...)                                                                                  \
	mask_of((const unsigned int[]){ __VA_ARGS__ },                                             \
		sizeof((const unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int))

static void offer(uint32_t profile, const struct xm_mask *mask)
{
	device.info = (struct xmctl_info){
		.version = XMCTL_VERSION,
		.profile = profile,
		.conduit = "stand-in",
	};
	memcpy(device.info.mask, mask, sizeof(*mask));
}

static void setup(void)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME);

	offer(XMCTL_PROFILE_3_X, &mask);
	cr_redirect_stderr();
}

TestSuite(device, .init = setup, .timeout = 30);

/* ---- masks ------------------------------------------------------------------------------------------ */

static bool asked_for(const struct xm_mask *mask)
{
	return !memcmp(device.derive.mask, mask->bytes, XM_MASK_BYTES);
}

Test(device, what_is_derived_can_do_what_is_in_the_mask_and_no_more)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME, XM_OP_HALT_PARTITION);

	cr_assert_geq(device_derive(99, &mask), 0);
	cr_expect(asked_for(&mask));
	cr_expect_eq(device.derive.flags, 0);
	cr_expect_eq(device.derive.reserved, 0);
}

Test(device, narrowing_is_not_given_up_when_it_is_interrupted)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME);

	device.narrow_error[0] = EINTR;
	cr_expect_eq(device_narrow(99, &mask), 0);
	cr_expect_eq(device.n_narrowed, 2);
	cr_expect(asked_for(&mask));
}

static struct links links = { .device = true };

Test(device, the_servers_is_narrowed_before_it_has_it_and_cut_by_taking_all_away)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME), nothing = { { 0 } };

	cr_assert_eq(links_add(&links, eventfd(0, EFD_CLOEXEC), &mask), 0);
	cr_expect_eq(device.n_narrowed, 1);
	cr_expect(asked_for(&mask));
	links_cut_all(&links);
	cr_expect_eq(device.n_narrowed, 2);
	cr_expect(asked_for(&nothing));
	cr_expect_not(links.uncut);
}

Test(device, one_that_cannot_be_narrowed_is_not_handed_out)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME);

	device.narrow_error[0] = EINVAL;
	cr_expect_eq(links_add(&links, eventfd(0, EFD_CLOEXEC), &mask), -EINVAL);
	cr_expect_eq(links.n, 0);
}

Test(device, one_that_cannot_be_cut_is_known)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME);

	cr_assert_eq(links_add(&links, eventfd(0, EFD_CLOEXEC), &mask), 0);
	device.narrow_error[1] = EPERM;
	links_cut_all(&links);
	cr_expect(links.uncut);
	cr_expect_eq(links.n, 0);
}

/* ---- what it does not have --------------------------------------------------------------------------- */

static char said[4096];

static const char *log_text(void)
{
	FILE *file = cr_get_redirected_stderr();
	size_t n;

	fflush(stderr);
	n = fread(said, 1, sizeof(said) - 1, file);
	said[n] = '\0';
	return said;
}

static void expect_said(const char *text)
{
	cr_expect(strstr(said, text), "no \"%s\" in: %s", text, said);
}

Test(device, of_what_it_offers_nothing_is_said)
{
	struct xm_mask mask = MASK(XM_OP_GET_TIME);

	cr_expect_eq(device_tell_lacking(99, &mask), 0);
	close(STDERR_FILENO);
	cr_expect_str_eq(log_text(), "");
}

Test(device, what_it_does_not_offer_is_named_with_what_to_do)
{
	struct xm_mask mask =
		MASK(XM_OP_GET_TIME, XM_OP_SET_IRQPEND, XM_OP_X86_LOAD_GDT, XM_OP_HALT_PARTITION);

	cr_expect_eq(device_tell_lacking(99, &mask), 3);
	close(STDERR_FILENO);
	log_text();
	expect_said("allows 3 hypercalls that cannot be made");
	expect_said("machine=1, see xmctl(4): XM_set_irqpend\n");
	expect_said("an address goes with them: XM_x86_load_gdt\n");
	expect_said("install the module of this xmbroker: XM_halt_partition\n");
}

Test(device, nor_what_the_hypervisor_has_not)
{
	/* The second is in every mask, for comparing the description. */
	struct xm_mask mask = MASK(XM_OP_GET_VCPU_STATUS, XM_OP_GET_GID_BY_NAME), none = { { 0 } };

	offer(XMCTL_PROFILE_2_4, &none);
	cr_expect_eq(device_tell_lacking(99, &mask), 1);
	close(STDERR_FILENO);
	log_text();
	expect_said("the hypervisor has not, of profile 2.4: XM_get_partition_vcpu_status\n");
}

Test(device, of_many_only_a_few_are_named)
{
	struct xm_mask mask, none = { { 0 } };

	memset(&mask, 0xff, sizeof(mask));
	offer(XMCTL_PROFILE_3_X, &none);
	cr_expect_gt(device_tell_lacking(99, &mask), 50);
	close(STDERR_FILENO);
	cr_expect_lt(strlen(log_text()), 2000);
	expect_said(" more\n");
}

Test(device, one_that_does_not_answer_offers_no_reason)
{
	struct xm_mask mask = MASK(XM_OP_HALT_PARTITION);

	device.info_error = ENODEV;
	cr_expect_eq(device_tell_lacking(99, &mask), 0);
	device.info_error = 0;
	device.info.profile = 77;
	cr_expect_eq(device_tell_lacking(99, &mask), 0);
}

/* ---- opening ----------------------------------------------------------------------------------------- */

static int open_as(const char *path)
{
	int fd = device_open(path, false);

	close(STDERR_FILENO);
	log_text();
	if (fd >= 0)
		close(fd);
	return fd;
}

Test(device, is_opened_and_looked_at)
{
	cr_expect_geq(open_as("/dev/null"), 0);
	expect_said("/dev/null: conduit stand-in, profile 3.x, partition 0");
}

Test(device, what_is_not_there_is_said_with_what_to_do)
{
	cr_expect_eq(open_as("/dev/nonesuch"), -ENOENT);
	expect_said("load the module");
}

Test(device, a_file_is_none)
{
	char path[] = "/tmp/xmbroker-test-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_expect_eq(open_as(path), -ENOTTY);
	expect_said("is not a character device");
	close(fd);
	unlink(path);
}

Test(device, another_device_is_none)
{
	device.info_error = ENOTTY;
	cr_expect_eq(open_as("/dev/null"), -ENOTTY);
	expect_said("is not the device of xmctl.ko");
}

Test(device, an_older_one_is_refused)
{
	device.info.version = 0;
	cr_expect_eq(open_as("/dev/null"), -EPROTONOSUPPORT);
	expect_said("the module has version 0");
}

Test(device, one_of_another_hypervisor_is_refused)
{
	device.info.profile = 77;
	cr_expect_eq(open_as("/dev/null"), -EPROTONOSUPPORT);
	expect_said("profile 77");
}

Test(device, one_that_does_not_know_its_partition_is_refused)
{
	device.info.partition = XMCTL_PARTITION_UNKNOWN;
	cr_expect_eq(open_as("/dev/null"), -ENODEV);
	expect_said("load it with partition=");
}

Test(device, a_name_without_an_end_is_cut)
{
	memset(device.info.conduit, 'x', sizeof(device.info.conduit));
	cr_expect_geq(open_as("/dev/null"), 0);
	expect_said("conduit xxxxxxxxxxxxxxx, profile");
}

Test(device, what_means_that_it_is_gone)
{
	cr_expect(device_is_gone(-ENODEV));
	cr_expect(device_is_gone(-EIO));
	cr_expect_not(device_is_gone(-EMFILE));
	cr_expect_not(device_is_gone(-EPERM));
}
