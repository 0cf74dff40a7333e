// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the module does when memory is short or that of the caller is not there: a request again and
 * again, and each time one more allocation or copy of the kernel fails on the way, until none is left to
 * fail.  For a kernel with fault injection (kasan.config), and a module loaded with machine=1.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xmctl_test.h"

/* No request comes this far. */
#define MANY 5000

/* ---- the kernel's fault injection ---------------------------------------------------------------- */

static int nth_fd = -1;

static void put(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, value, strlen(value)) > 0);
	close(fd);
}

static void set_up(void)
{
	if (nth_fd >= 0)
		return;
	put("failslab/ignore-gfp-wait", "N");
	put("failslab/verbose", "0");
	put("fail_page_alloc/ignore-gfp-wait", "N");
	put("fail_page_alloc/min-order", "0");
	put("fail_page_alloc/verbose", "0");
	put("fail_usercopy/verbose", "0");
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd >= 0)
		return;
	printf("    this kernel has no fault injection\nxmctl_test: given up\n");
	exit(1);
}

/* What is written is copied by the kernel, too, and that may be what fails. */
static void set_nth(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	while (pwrite(nth_fd, text, (size_t)len, 0) != len)
		;
}

/* Whether the one that was to fail was reached.  None will from now on. */
static bool has_failed(void)
{
	char text[16] = { 0 };
	bool failed = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	set_nth(0);
	return failed;
}

/* Makes a request until nothing fails any more, and has what came of it checked.  LEAST can fail in the
 * module itself. */
static void each(long (*request)(unsigned int n), void (*check)(long result), unsigned int least)
{
	unsigned int n;

	for (n = 1; n < MANY; n++) {
		long result = request(n);
		int error = errno;
		bool failed = has_failed();

		errno = error;
		check(result);
		if (!failed)
			break;
	}
	printf("    %u that can fail\n", n - 1);
	CHECK(n > least && n < MANY);
}

static bool is_short(void)
{
	return errno == ENOMEM || errno == EFAULT;
}

/* ---- descriptors --------------------------------------------------------------------------------- */

static int device, expected;

static int next_fd(void)
{
	int fd = dup(nth_fd);

	close(fd);
	return fd;
}

static long open_nth(unsigned int n)
{
	set_nth(n);
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

/* Whoever cannot have the device has not taken it either. */
static void check_open(long fd)
{
	CHECK(fd >= 0 || is_short());
	if (fd >= 0)
		close((int)fd);
	close(open_device());
}

static void fail_open(void)
{
	set_up();
	each(open_nth, check_open, 1);
}

static void with_device(long (*request)(unsigned int n), void (*check)(long result),
			unsigned int least)
{
	set_up();
	device = open_device();
	expected = next_fd();
	each(request, check, least);
	close(device);
}

static long derive_nth(unsigned int n)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);

	mask.flags = XMCTL_DERIVE_EVENTS;
	set_nth(n);
	return derive(device, &mask);
}

/* A descriptor that nobody was told of would be one too many. */
static void check_derive(long fd)
{
	CHECK(fd == expected || (fd < 0 && is_short()));
	if (fd >= 0)
		close((int)fd);
	CHECK(next_fd() == expected);
}

static void fail_derive(void)
{
	with_device(derive_nth, check_derive, 3);
}

static int narrowed = -1;

static long narrow_nth(unsigned int n)
{
	struct xmctl_derive all = mask_of_all(), mask = mask_of(OP_GET_TIME, 0, 0, 0);

	narrowed = derive(device, &all);
	set_nth(n);
	return ioctl(narrowed, XMCTL_NARROW, &mask);
}

/* All was taken away, or nothing. */
static void check_narrow(long result)
{
	struct xmctl_info info;

	CHECK(result == 0 || is_short());
	CHECK(ioctl(narrowed, XMCTL_INFO, &info) == 0);
	CHECK(mask_has(info.mask, OP_GET_TIME));
	CHECK(mask_has(info.mask, OP_WRITE_CONSOLE) == (result < 0));
	close(narrowed);
}

static void fail_narrow(void)
{
	with_device(narrow_nth, check_narrow, 1);
}

static long info_nth(unsigned int n)
{
	struct xmctl_info info;

	set_nth(n);
	return ioctl(device, XMCTL_INFO, &info);
}

static void check_short(long result)
{
	CHECK(result >= 0 || is_short());
}

static void fail_info(void)
{
	with_device(info_nth, check_short, 1);
}

/* ---- calls --------------------------------------------------------------------------------------- */

static struct xmctl_call call;

static long call_nth(unsigned int n)
{
	set_nth(n);
	return ioctl(device, XMCTL_CALL, &call);
}

static void check_call(long result)
{
	CHECK(result == 0 ? call.status == XMCTL_STATUS_ISSUED : is_short());
}

static long time_nth(unsigned int n)
{
	static int64_t now;

	call = time_call(&now);
	return call_nth(n);
}

static void fail_time(void)
{
	with_device(time_nth, check_call, 2);
}

static long console_nth(unsigned int n)
{
	static char line[] = "failing";

	call = make_call(write_object_nr, OP_WRITE_CONSOLE);
	call.args[0] = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	call.args[2] = 7;
	add_buffer(&call, 1, 0, line, 7, XMCTL_BUFFER_IN);
	return call_nth(n);
}

static void fail_console(void)
{
	with_device(console_nth, check_call, 2);
}

static long create_nth(unsigned int n)
{
	static struct {
		uint64_t name;
		uint32_t size, direction;
		int64_t period;
	} create = { .size = 64, .direction = 2, .period = 1000000 };
	static char name[] = "attitude";

	call = make_call(ctrl_object_nr, OP_CREATE_SAMPLING_PORT);
	call.args[0] = descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0);
	add_buffer(&call, 2, 1, name, sizeof(name), XMCTL_BUFFER_IN);
	add_buffer(&call, 2, 0, &create, sizeof(create), XMCTL_BUFFER_IN);
	return call_nth(n);
}

static void fail_create(void)
{
	with_device(create_nth, check_call, 3);
}

static long suspend_nth(unsigned int n)
{
	original(device, resume_partition_nr, 1, 0, 0, 0);
	CHECK(state_of(device, 1) == XM_STATUS_READY);
	call = make_call(suspend_partition_nr, OP_SUSPEND_PARTITION);
	call.args[0] = 1;
	return call_nth(n);
}

/* It was done if and only if it is said to have been. */
static void check_suspend(long result)
{
	bool is_suspended = state_of(device, 1) == XM_STATUS_SUSPENDED;

	check_call(result);
	CHECK(is_suspended == (call.status == XMCTL_STATUS_ISSUED));
}

static void fail_suspend(void)
{
	with_device(suspend_nth, check_suspend, 1);
	device = open_device();
	original(device, resume_partition_nr, 1, 0, 0, 0);
	close(device);
}

static long original_time_nth(unsigned int n)
{
	static xmTime_t now;

	set_nth(n);
	return original(device, get_time_nr, 0, word_of(&now), 0, 0);
}

static void fail_original_time(void)
{
	with_device(original_time_nth, check_short, 2);
}

static long original_create_nth(unsigned int n)
{
	static union samplingPortCmd cmd;
	static char name[] = "attitude";

	memset(&cmd, 0, sizeof(cmd));
	cmd.create.portName = name;
	cmd.create.maxMsgSize = 64;
	cmd.create.direction = XM_SOURCE_PORT;
	cmd.create.validPeriod = 1000000;
	set_nth(n);
	return original(device, ctrl_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0),
			XM_COMM_CREATE_PORT, word_of(&cmd), 0);
}

/* Once it is there, the answer is that it is. */
static void check_original_create(long result)
{
	CHECK(result >= 0 || is_short() || errno == -XM_NO_ACTION);
}

static void fail_original_create(void)
{
	with_device(original_create_nth, check_original_create, 3);
}

static long read_nth(unsigned int n)
{
	static uint64_t interrupts;

	call = make_call(set_irqpend_nr, OP_SET_IRQPEND);
	call.args[1] = 2;
	CHECK(ioctl(device, XMCTL_CALL, &call) == 0 && call.result == 0);
	set_nth(n);
	return read(device, &interrupts, sizeof(interrupts));
}

/* An interrupt that could not be handed over is still there. */
static void check_read(long result)
{
	uint64_t interrupts = 0;

	CHECK(result == 8 || is_short());
	if (result != 8)
		CHECK(read(device, &interrupts, sizeof(interrupts)) == 8 && interrupts == 2);
}

static void fail_read(void)
{
	with_device(read_nth, check_read, 1);
}

const struct test fail_tests[] = {
	{ "open", fail_open },
	{ "XMCTL_INFO", fail_info },
	{ "XMCTL_DERIVE", fail_derive },
	{ "XMCTL_NARROW", fail_narrow },
	{ "XMCTL_CALL: a number", fail_time },
	{ "XMCTL_CALL: bytes", fail_console },
	{ "XMCTL_CALL: a structure and a name", fail_create },
	{ "XMCTL_CALL: says whether it was made", fail_suspend },
	{ "the original interface: a number", fail_original_time },
	{ "the original interface: a structure and a name", fail_original_create },
	{ "read", fail_read },
	{ NULL, NULL },
};

/* ---- loading ------------------------------------------------------------------------------------- */

static int module;
static const char *parameters;

static long load_nth(unsigned int n)
{
	set_nth(n);
	return syscall(SYS_finit_module, module, parameters, 0);
}

/* There is all of it, or nothing. */
static void check_load(long result)
{
	if (result == 0)
		CHECK(syscall(SYS_delete_module, "xmctl", O_NONBLOCK) == 0);
	CHECK(access(DEVICE, F_OK) < 0 && access("/sys/module/xmctl", F_OK) < 0);
}

void fail_loading(const char *path, const char *with)
{
	set_up();
	parameters = with;
	module = open(path, O_RDONLY | O_CLOEXEC);
	each(load_nth, check_load, 10);
	close(module);
}
