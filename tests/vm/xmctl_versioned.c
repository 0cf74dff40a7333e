// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The versioned interface: information, calls, and all that is refused.  The same requests from 32-bit
 * and 64-bit programs; structures are those of a 64-bit kernel.
 */

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmctl_test.h"

struct create_sampling {
	uint64_t name;
	uint32_t size, direction;
	int64_t period;
};

static void info(void)
{
	struct xmctl_info info;
	int fd = open_device();

	memset(&info, 0xaa, sizeof(info));
	CHECK(ioctl(fd, XMCTL_INFO, &info) == 0);
	CHECK(info.version == XMCTL_VERSION && info.profile == XMCTL_PROFILE_3_X);
	CHECK(info.partition == 0 && info.n_hypercalls == NR_HYPERCALLS && info.reserved == 0);
	CHECK(info.flags == XMCTL_INFO_EVENTS && info.layout == XMCTL_LAYOUT_LP64);
	CHECK(info.data_max == 65536 && !strcmp(info.conduit, "loopback"));
	CHECK(mask_has(info.mask, OP_GET_TIME) && mask_has(info.mask, OP_TRACE_UNRECOVERABLE));
	CHECK(!mask_has(info.mask, 0) && !mask_has(info.mask, OP_X86_LOAD_GDT) &&
	      !mask_has(info.mask, OP_SET_PAGE_TYPE));
	FAILS(EFAULT, ioctl(fd, XMCTL_INFO, NULL));
	close(fd);
}

static void unknown_requests(void)
{
	char block[256] = { 0 };
	int fd = open_device();

	FAILS(ENOTTY, ioctl(fd, _IOWR('X', 129, struct xmctl_info), block));
	FAILS(ENOTTY, ioctl(fd, _IOW('X', 132, int), block));
	FAILS(ENOTTY, ioctl(fd, _IOR('X', 255, int), block));
	close(fd);
}

static void call(void)
{
	struct xmctl_call call;
	int fd = open_device();
	int64_t now = -1;

	call = time_call(&now);
	call.result = 5;
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0);
	CHECK(call.result == 0 && call.status == XMCTL_STATUS_ISSUED && now >= 0);
	/* A code is a result, and no failure. */
	call.args[0] = 2;
	now = -1;
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0);
	CHECK(call.result == XM_INVALID_PARAM && call.status == XMCTL_STATUS_ISSUED && now == -1);
	call = make_call(get_vcpuid_nr, 69);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == 0);
	close(fd);
}

static void nested_buffer(void)
{
	struct create_sampling create = { .size = 64, .direction = 2, .period = 1000000 };
	struct xmctl_call call = make_call(ctrl_object_nr, OP_CREATE_SAMPLING_PORT);
	char name[XMCTL_NAME_BYTES] = "attitude";
	int fd = open_device();

	call.args[0] = descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0);
	add_buffer(&call, 2, 1, name, sizeof(name), XMCTL_BUFFER_IN);
	add_buffer(&call, 2, 0, &create, sizeof(create), XMCTL_BUFFER_IN);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0);
	CHECK(call.result == 0 || call.result == XM_NO_ACTION);
	call.buffers[0].length = 9;
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0);
	/* No NUL among them; none; too many. */
	call.buffers[0].length = 8;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].length = 0;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].length = 33;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].length = 9;
	/* The place of the pointer is not for a pointer. */
	create.name = (uintptr_t)name;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	close(fd);
}

/* What is reserved, or unknown, or left over. */
static void reserved(void)
{
	struct xmctl_call good, call;
	int fd = open_device();
	int64_t now;

	good = time_call(&now);
	call = good;
	call.flags = 1;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.flags = 0x80000000U;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = good;
	call.n_buffers = XMCTL_BUFFERS + 1;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.n_buffers = ~0U;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	for (unsigned int i = 1; i < XMCTL_BUFFERS; i++) {
		call = good;
		call.buffers[i].flags = 1;
		FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	}
	for (unsigned int i = 1; i < XMCTL_WORDS; i++) {
		call = good;
		call.args[i] = 1;
		FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	}
	call = good;
	call.args[0] = 1ULL << 32;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	CHECK(ioctl(fd, XMCTL_CALL, &good) == 0);
	close(fd);
}

static void wrong_operation(void)
{
	struct xmctl_call call;
	int fd = open_device();
	int64_t now;

	call = time_call(&now);
	call.operation = 0;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.operation = OP_SET_TIMER;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.operation = ~0U;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = time_call(&now);
	call.number = 44;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.number = ~0U;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = make_call(multicall_nr, OP_GET_TIME);
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	close(fd);
}

static void wrong_buffers(void)
{
	struct xmctl_call call, good;
	int fd = open_device();
	int64_t now[2];

	good = time_call(now);
	call = good;
	call.n_buffers = 0;
	memset(call.buffers, 0, sizeof(call.buffers));
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = good;
	call.buffers[0].length = 4;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].length = 16;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	for (unsigned int flags = 0; flags < 8; flags++) {
		if (flags == XMCTL_BUFFER_OUT)
			continue;
		call = good;
		call.buffers[0].flags = (uint16_t)flags;
		FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	}
	call = good;
	call.buffers[0].word = 0;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].word = 200;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = good;
	call.buffers[0].depth = 1;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = good;
	add_buffer(&call, 1, 0, now, sizeof(now[0]), XMCTL_BUFFER_OUT);
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call = good;
	call.buffers[0].address = 0;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	CHECK(ioctl(fd, XMCTL_CALL, &good) == 0);
	close(fd);
}

static void addresses(void)
{
	struct xmctl_call call;
	int fd = open_device();
	int64_t now;

	call = time_call(&now);
	call.status = 7;
	call.buffers[0].address = 8;
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, &call));
	CHECK(call.status == 0);
	call.buffers[0].address = 0xffff888000000000ULL;
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, &call));
	call.buffers[0].address = ~7ULL;
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, &call));
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, NULL));
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, 8));
	close(fd);
}

static void data_length(void)
{
	struct xmctl_call call = make_call(write_object_nr, OP_WRITE_CONSOLE);
	size_t size = 1 << 17;
	char *much = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_device();

	call.args[0] = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	call.args[2] = 5;
	add_buffer(&call, 1, 0, much, 5, XMCTL_BUFFER_IN);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == 5);
	call.args[2] = 6;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.args[2] = call.buffers[0].length = 65536;
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == XM_INVALID_PARAM);
	call.args[2] = call.buffers[0].length = 65537;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.args[2] = call.buffers[0].length = 1 << 17;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	call.args[2] = call.buffers[0].length = ~0U;
	FAILS(EINVAL, ioctl(fd, XMCTL_CALL, &call));
	munmap(much, size);
	close(fd);
}

/* A call whose output has no place is not made; nor if only the end of it has none. */
static void no_effect_lost(void)
{
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xmctl_call call = make_call(switch_sched_plan_nr, OP_SWITCH_SCHED_PLAN);
	xmPlanStatus_t plan = { .next = -1 };
	int fd = open_device();

	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	call.args[0] = 1;
	add_buffer(&call, 1, 0, page + 4096, 4, XMCTL_BUFFER_OUT);
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, &call));
	CHECK(call.status == 0);
	call.buffers[0].address = (uintptr_t)page + 4094;
	FAILS(EFAULT, ioctl(fd, XMCTL_CALL, &call));
	CHECK(call.status == 0);
	CHECK(original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0),
		       XM_GET_SCHED_PLAN_STATUS, word_of(&plan), 0) == 0);
	CHECK(plan.next == 0 && plan.current == 0);
	munmap(page, 8192);
	close(fd);
}

/* It may be open already, and stays so. */
static void open_sampling(int fd, const char *name, uint32_t direction, uint32_t size)
{
	union samplingPortCmd port;

	memset(&port, 0, sizeof(port));
	port.create.portName = (char *)(uintptr_t)name;
	port.create.maxMsgSize = size;
	port.create.direction = direction;
	port.create.validPeriod = 1000000;
	original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0), XM_COMM_CREATE_PORT,
		 word_of(&port), 0);
}

static void optional_buffer(void)
{
	struct xmctl_call call = make_call(read_object_nr, OP_READ_SAMPLING_MESSAGE);
	int fd = open_device();
	char message[64];
	uint32_t flags = 9;

	open_sampling(fd, "hk-1", XM_DESTINATION_PORT, sizeof(message));
	call.args[0] = descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 1);
	call.args[2] = sizeof(message);
	add_buffer(&call, 1, 0, message, sizeof(message), XMCTL_BUFFER_OUT);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == 0);
	add_buffer(&call, 3, 0, &flags, sizeof(flags), XMCTL_BUFFER_OUT);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == 0 && flags == 0);
	close(fd);
}

/* Nobody but an administrator who says so gets below the kernel, and nobody hands over addresses. */
static void machine(void)
{
	struct xmctl_call call = make_call(set_page_type_nr, OP_SET_PAGE_TYPE);
	int fd = open_device();

	call.args[0] = 0x4000000;
	call.args[1] = 1;
	FAILS(EPERM, ioctl(fd, XMCTL_CALL, &call));
	call = make_call(x86_load_gdt_nr, OP_X86_LOAD_GDT);
	call.args[0] = 0x1000;
	FAILS(EPERM, ioctl(fd, XMCTL_CALL, &call));
	close(fd);
}

/* An answer that cannot be stored: the caller learns that the call was made. */
static void issued_is_said(void)
{
	struct xmctl_call call = make_call(get_gid_by_name_nr, OP_GET_GID_BY_NAME);
	char name[] = "camera";
	int fd = open_device();

	add_buffer(&call, 0, 0, name, sizeof(name), XMCTL_BUFFER_IN);
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0);
	CHECK(call.result == 2 && call.status == XMCTL_STATUS_ISSUED);
	close(fd);
}

const struct test versioned_tests[] = {
	{ "information", info },
	{ "unknown requests", unknown_requests },
	{ "call", call },
	{ "buffer in a buffer", nested_buffer },
	{ "reserved fields", reserved },
	{ "another operation than said", wrong_operation },
	{ "buffers that do not fit", wrong_buffers },
	{ "bad addresses", addresses },
	{ "size bound", data_length },
	{ "no effect lost", no_effect_lost },
	{ "optional buffer", optional_buffer },
	{ "calls below the kernel", machine },
	{ "what was issued", issued_is_said },
	{ NULL, NULL },
};
