// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The original interface: numbers, words, errors.  In the 32-bit program through compat_ioctl.
 */

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmctl_test.h"

static void own_partition(void)
{
	int fd = open_device();

	CHECK(original(fd, NR_HYPERCALLS, 0, 0, 0, 0) == 0);
	close(fd);
}

static void clock_goes_on(void)
{
	int fd = open_device();
	xmTime_t first = -1, second = -1;

	CHECK(original(fd, get_time_nr, XM_HW_CLOCK, word_of(&first), 0, 0) == 0);
	usleep(2000);
	CHECK(original(fd, get_time_nr, XM_HW_CLOCK, word_of(&second), 0, 0) == 0);
	CHECK(first >= 0 && second > first && second < first + 60000000);
	close(fd);
}

/* Codes of the hypervisor come as -1 and errno. */
static void codes(void)
{
	int fd = open_device();
	xmTime_t now;

	FAILS(-XM_INVALID_PARAM, original(fd, get_time_nr, 2, word_of(&now), 0, 0));
	FAILS(-XM_PERM_ERROR, original(fd, write_object_nr, descriptor(OBJ_CLASS_CONSOLE, 1, 0),
				       word_of("x"), 1, 0));
	FAILS(-XM_INVALID_PARAM, original(fd, set_timer_nr, 9, 0, 0, 0));
	CHECK(original(fd, set_timer_nr, XM_HW_CLOCK, 0, 0, 0) == 0);
	close(fd);
}

static void type_and_number(void)
{
	int fd = open_device();
	unsigned long words[5] = { 0 };

	/* Before anything is copied. */
	FAILS(EINVAL, ioctl(fd, _IO('X', NR_HYPERCALLS + 1), NULL));
	FAILS(EINVAL, ioctl(fd, _IO('X', 128), NULL));
	FAILS(EINVAL, ioctl(fd, _IO('X', 129), NULL));
	FAILS(EINVAL, ioctl(fd, _IO('X', 255), NULL));
	FAILS(EINVAL, ioctl(fd, _IO('Y', get_time_nr), NULL));
	FAILS(EINVAL, ioctl(fd, 0, NULL));
	FAILS(EINVAL, ioctl(fd, ~0U & ~0xff00U, words));
	FAILS(EINVAL, ioctl(fd, _IOR('X', idle_self_nr, int), words));
	FAILS(EFAULT, ioctl(fd, _IO('X', idle_self_nr), NULL));
	FAILS(EFAULT, ioctl(fd, _IO('X', idle_self_nr), 8));
	CHECK(ioctl(fd, _IO('X', idle_self_nr), words) == 0);
	close(fd);
}

/* The original driver passed on some; the others it refused whatever their words. */
static void other_numbers(void)
{
	static const unsigned int others[] = {
		multicall_nr,     clear_irqmask_nr, set_irqpend_nr,       route_irq_nr,
		update_page32_nr, raise_ipvi_nr,    switch_sched_plan_nr, reset_vcpu_nr,
		get_vcpuid_nr,    x86_load_cr3_nr,  x86_load_gdt_nr,      x86_clear_if_nr
	};
	int fd = open_device();

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		FAILS(EINVAL, original(fd, others[i], 0, 0, 0, 0));
	FAILS(EINVAL, original(fd, read_object_nr, descriptor(0x7f, 0, 0), 0, 0, 0));
	FAILS(EINVAL, original(fd, read_object_nr, 0x80000000U, 0, 0, 0));
	FAILS(EINVAL, original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, 0, 0), 77, 0, 0));
	close(fd);
}

static void console(void)
{
	int fd = open_device();
	uint32_t own = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	char text[130] = "Hello World!\n";

	CHECK(original(fd, write_object_nr, own, word_of(text), 14, 0) == 14);
	CHECK(original(fd, write_object_nr, own, word_of(text), 0, 0) == 0);
	FAILS(-XM_INVALID_PARAM, original(fd, write_object_nr, own, word_of(text), 129, 0));
	close(fd);
}

static void bad_addresses(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t own = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	int fd = open_device();

	munmap(page + 4096, 4096);
	FAILS(EFAULT, original(fd, get_time_nr, 0, 0, 0, 0));
	FAILS(EFAULT, original(fd, get_time_nr, 0, 8, 0, 0));
	FAILS(EFAULT, original(fd, get_time_nr, 0, word_of(page + 4092), 0, 0));
	FAILS(EFAULT, original(fd, get_time_nr, 0, ~0UL - 3, 0, 0));
	FAILS(EFAULT, original(fd, get_time_nr, 0, ~0UL << (8 * sizeof(long) - 1) | 0x1000, 0, 0));
	FAILS(EFAULT, original(fd, write_object_nr, own, word_of(page + 4090), 64, 0));
	FAILS(EFAULT, original(fd, write_object_nr, own, 0, 4, 0));
	CHECK(original(fd, write_object_nr, own, word_of(page + 4090), 6, 0) == 6);
	munmap(page, 4096);
	close(fd);
}

static void too_large(void)
{
	size_t size = 1 << 17;
	char *much = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t own = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	int fd = open_device();

	FAILS(-XM_INVALID_PARAM, original(fd, write_object_nr, own, word_of(much), 65536, 0));
	FAILS(EINVAL, original(fd, write_object_nr, own, word_of(much), 65537, 0));
	FAILS(EINVAL, original(fd, write_object_nr, own, word_of(much), size, 0));
	FAILS(EINVAL, original(fd, write_object_nr, own, word_of(much), ~0UL, 0));
	FAILS(EINVAL, original(fd, write_object_nr, own, word_of(much), 1UL << 31, 0));
	FAILS(EINVAL, original(fd, read_object_nr, descriptor(OBJ_CLASS_HM, 255, 0), word_of(much),
			       0xffffffff, 0));
	munmap(much, size);
	close(fd);
}

static void partitions(void)
{
	int fd = open_device();

	CHECK(state_of(fd, 1) == XM_STATUS_READY);
	CHECK(original(fd, suspend_partition_nr, 1, 0, 0, 0) == 0);
	CHECK(state_of(fd, 1) == XM_STATUS_SUSPENDED);
	FAILS(-XM_NO_ACTION, original(fd, suspend_partition_nr, 1, 0, 0, 0));
	CHECK(original(fd, resume_partition_nr, 1, 0, 0, 0) == 0);
	CHECK(original(fd, halt_partition_nr, 1, 0, 0, 0) == 0);
	CHECK(state_of(fd, 1) == XM_STATUS_HALTED);
	CHECK(original(fd, reset_partition_nr, 1, XM_COLD_RESET, 7, 0) == 0);
	CHECK(state_of(fd, 1) == XM_STATUS_READY);
	FAILS(-XM_INVALID_PARAM, original(fd, halt_partition_nr, 9, 0, 0, 0));
	CHECK(original(fd, shutdown_partition_nr, 1, 0, 0, 0) == 0);
	close(fd);
}

static void status(void)
{
	xmPartitionStatus_t status;
	xmSystemStatus_t system;
	int fd = open_device();

	memset(&status, 0xaa, sizeof(status));
	original(fd, reset_partition_nr, 1, XM_COLD_RESET, 0x1234, 0);
	CHECK(original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, 1, 0), 0, word_of(&status),
		       0) == 0);
	CHECK(status.state == XM_STATUS_READY && status.resetStatus == 0x1234);
	CHECK(status.noVIrqs == 0 && status.resetCounter == 0 &&
	      status.noQueuingPortMsgsReceived == 0);
	memset(&system, 0xaa, sizeof(system));
	CHECK(original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0), 0,
		       word_of(&system), 0) == 0);
	CHECK(system.resetCounter == 0 && system.noIrqs == 0);
	close(fd);
}

/* 1 if it is open already, which the ports stay. */
static int create_sampling(int fd, const char *name, uint32_t direction)
{
	union samplingPortCmd cmd;

	memset(&cmd, 0, sizeof(cmd));
	cmd.create.portName = (char *)(uintptr_t)name;
	cmd.create.maxMsgSize = 64;
	cmd.create.direction = direction;
	cmd.create.validPeriod = 1000000;
	return original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0),
			XM_COMM_CREATE_PORT, word_of(&cmd), 0);
}

static void ports(void)
{
	char message[64] = "attitude", longest[80];
	int fd = open_device();
	uint32_t flags = 77;
	int port;

	port = create_sampling(fd, "attitude", XM_SOURCE_PORT);
	CHECK(port == 0 || (port == -1 && errno == -XM_NO_ACTION));
	CHECK(original(fd, write_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0),
		       word_of(message), 64, 0) == 0);
	port = create_sampling(fd, "hk-1", XM_DESTINATION_PORT);
	CHECK(port == 1 || (port == -1 && errno == -XM_NO_ACTION));
	memset(message, 'm', sizeof(message));
	/* Nobody has written: nothing is changed, not even to 0. */
	CHECK(original(fd, read_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 1),
		       word_of(message), 64, word_of(&flags)) == 0);
	CHECK(message[0] == 'm' && message[63] == 'm' && flags == 0);
	CHECK(original(fd, read_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 1),
		       word_of(message), 64, 0) == 0);
	FAILS(-XM_INVALID_PARAM, create_sampling(fd, "nobody", XM_SOURCE_PORT));
	FAILS(EFAULT, create_sampling(fd, NULL, XM_SOURCE_PORT));
	FAILS(EFAULT, create_sampling(fd, (char *)8, XM_SOURCE_PORT));
	memset(longest, 'n', sizeof(longest));
	FAILS(EINVAL, create_sampling(fd, longest, XM_SOURCE_PORT));
	close(fd);
}

/* The pointer in the structure stays the caller's, and so does what the structure has not. */
static void port_information(void)
{
	char name[] = "attitude";
	int fd = open_device();
	struct {
		xmSamplingPortInfo_t info;
		uint32_t behind;
	} place;

	memset(&place, 0x55, sizeof(place));
	place.info.portName = name;
	CHECK(original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0),
		       XM_COMM_GET_PORT_INFO, word_of(&place), 0) == 0);
	CHECK(place.info.portName == name && place.behind == 0x55555555);
	CHECK(place.info.validPeriod == 1000000 && place.info.maxMsgSize == 64 &&
	      place.info.direction == XM_SOURCE_PORT);
	close(fd);
}

/* An output that cannot be stored is found before the call is made. */
static void read_only_output(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_device();

	FAILS(EFAULT, original(fd, get_time_nr, 0, word_of(page), 0, 0));
	munmap(page, 4096);
	close(fd);
}

static void records(void)
{
	xmHmLog_t logs[4];
	int fd = open_device();

	CHECK(original(fd, read_object_nr, descriptor(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0),
		       word_of(logs), sizeof(logs), 0) == 0);
	FAILS(-XM_INVALID_PARAM,
	      original(fd, read_object_nr, descriptor(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0),
		       word_of(logs), sizeof(logs[0]) - 1, 0));
	close(fd);
}

const struct test original_tests[] = {
	{ "own partition", own_partition },
	{ "clock goes on", clock_goes_on },
	{ "codes are errno", codes },
	{ "type and number before the copy", type_and_number },
	{ "numbers that the driver never had", other_numbers },
	{ "console", console },
	{ "bad addresses", bad_addresses },
	{ "size bound", too_large },
	{ "partitions", partitions },
	{ "status", status },
	{ "ports", ports },
	{ "pointer in a structure stays", port_information },
	{ "read-only output", read_only_output },
	{ "records", records },
	{ NULL, NULL },
};
