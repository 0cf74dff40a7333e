// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the tests of /dev/xmctl, all or one group, and counts them.  The last line is "xmctl_test: N
 * tests, M failed".  "bench" is no test: it measures.  "load MODULE PARAMETERS" and the group "fail" are
 * for a kernel with fault injection.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xmctl_test.h"

static unsigned int failures; /* of the test that runs */

void test_failed(const char *file, int line, const char *what, long is)
{
	failures++;
	printf("    %s:%d: %s (%ld)\n", file, line, what, is);
}

int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("    cannot open " DEVICE ": %s\nxmctl_test: given up\n", strerror(errno));
		exit(1);
	}
	return fd;
}

int original(int fd, unsigned int number, unsigned long a0, unsigned long a1, unsigned long a2,
	     unsigned long a3)
{
	unsigned long words[5] = { a0, a1, a2, a3, 0 };

	return ioctl(fd, _IO('X', number), words);
}

struct xmctl_call make_call(uint32_t number, uint32_t operation)
{
	return (struct xmctl_call){ .number = number, .operation = operation };
}

void add_buffer(struct xmctl_call *call, unsigned int word, unsigned int depth, const void *address,
		uint32_t length, unsigned int flags)
{
	call->buffers[call->n_buffers++] = (struct xmctl_buffer){
		.address = (uintptr_t)address,
		.length = length,
		.word = (uint8_t)word,
		.depth = (uint8_t)depth,
		.flags = (uint16_t)flags,
	};
}

struct xmctl_call time_call(int64_t *timep)
{
	struct xmctl_call call = make_call(get_time_nr, OP_GET_TIME);

	add_buffer(&call, 1, 0, timep, sizeof(*timep), XMCTL_BUFFER_OUT);
	return call;
}

static void add(struct xmctl_derive *mask, unsigned int op)
{
	if (op)
		mask->mask[op / 8] |= (uint8_t)(1U << op % 8);
}

struct xmctl_derive mask_of(unsigned int a, unsigned int b, unsigned int c, unsigned int d)
{
	struct xmctl_derive mask = { 0 };

	add(&mask, a);
	add(&mask, b);
	add(&mask, c);
	add(&mask, d);
	return mask;
}

struct xmctl_derive mask_of_all(void)
{
	struct xmctl_derive mask = { 0 };

	memset(mask.mask, 0xff, sizeof(mask.mask));
	return mask;
}

bool mask_has(const uint8_t *mask, unsigned int op)
{
	return mask[op / 8] >> op % 8 & 1;
}

int derive(int fd, const struct xmctl_derive *mask)
{
	return ioctl(fd, XMCTL_DERIVE, mask);
}

int state_of(int fd, unsigned int partition)
{
	xmPartitionStatus_t status = { .state = 99 };

	if (original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, partition, 0), 0,
		     word_of(&status), 0) < 0)
		return -1;
	return (int)status.state;
}

bool is_alive(int fd)
{
	xmTime_t now = -1;

	return original(fd, get_time_nr, 0, word_of(&now), 0, 0) == 0 && now >= 0;
}

static const struct {
	const char *name;
	const struct test *tests;
} groups[] = {
	{ "original", original_tests }, { "versioned", versioned_tests },
	{ "derive", derive_tests },     { "event", event_tests },
	{ "stall", stall_tests },       { "race", race_tests },
	{ "fuzz", fuzz_tests },         { "fail", fail_tests },
};

static int loading(char *argv[])
{
	fail_loading(argv[2], argv[3]);
	printf("%s load %s\nxmctl_test: 1 tests, %d failed\n", failures ? "FAILED" : "ok", argv[3],
	       failures > 0);
	return failures > 0;
}

int main(int argc, char *argv[])
{
	unsigned int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "bench"))
		return bench();
	if (argc == 4 && !strcmp(argv[1], "load"))
		return loading(argv);
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		if (argc > 1 && strcmp(argv[1], groups[g].name))
			continue;
		for (const struct test *test = groups[g].tests; test->name; test++) {
			failures = 0;
			test->run();
			n++;
			failed += failures > 0;
			printf("%s %s: %s\n", failures ? "FAILED" : "ok", groups[g].name,
			       test->name);
		}
	}
	printf("xmctl_test: %u tests, %u failed\n", n, failed);
	return failed || !n;
}
