/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_VM_XMCTL_TEST_H
#define TESTS_VM_XMCTL_TEST_H

/*
 * Tests of /dev/xmctl, run as root in a virtual machine on the loopback conduit with profile 3.x.
 * Compiled for 64 bits and for 32.  A test opens what it needs and closes it.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <xm.h>
#include <xm/uapi/xmctl.h>

#define DEVICE "/dev/xmctl"

/* Numbers of operations in xm_hypercalls(7). */
enum {
	OP_GET_TIME = 2,
	OP_SET_TIMER = 3,
	OP_HALT_PARTITION = 4,
	OP_SUSPEND_PARTITION = 5,
	OP_RESUME_PARTITION = 6,
	OP_RESET_PARTITION = 7,
	OP_IDLE_SELF = 9,
	OP_WRITE_CONSOLE = 12,
	OP_CREATE_SAMPLING_PORT = 15,
	OP_READ_SAMPLING_MESSAGE = 16,
	OP_WRITE_SAMPLING_MESSAGE = 17,
	OP_GET_SAMPLING_PORT_INFO = 19,
	OP_GET_SYSTEM_STATUS = 31,
	OP_GET_PARTITION_STATUS = 32,
	OP_GET_PLAN_STATUS = 33,
	OP_SWITCH_SCHED_PLAN = 37,
	OP_GET_GID_BY_NAME = 38,
	OP_TRACE_EVENT = 43,
	OP_TRACE_UNRECOVERABLE = 44,
	OP_SET_IRQPEND = 54,
	OP_CLEAR_IRQPEND = 55,
	OP_SET_PAGE_TYPE = 62,
	OP_X86_LOAD_GDT = 78,
};

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test original_tests[], versioned_tests[], derive_tests[], event_tests[],
	stall_tests[], race_tests[], fuzz_tests[], fail_tests[];

/* Prints what calls cost; an exit status. */
int bench(void);
/* Loads a module, which is not loaded, and unloads it again, while allocations fail. */
void fail_loading(const char *path, const char *with);

/* A failed check ends the program's good result, not the test. */
void test_failed(const char *file, int line, const char *what, long is);
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			test_failed(__FILE__, __LINE__, #what, errno);                             \
	} while (0)
/* That a call fails with this errno. */
#define FAILS(error, call)                                                                         \
	do {                                                                                       \
		long is_ = (errno = 0, (call));                                                    \
		if (is_ != -1 || errno != (error))                                                 \
			test_failed(__FILE__, __LINE__, #call " fails: " #error,                   \
				    is_ == -1 ? errno : is_);                                      \
	} while (0)

/* The device, open; the program ends if it cannot be. */
int open_device(void);
/* The original interface. */
int original(int fd, unsigned int number, unsigned long a0, unsigned long a1, unsigned long a2,
	     unsigned long a3);
/* The versioned one. */
struct xmctl_call make_call(uint32_t number, uint32_t operation);
void add_buffer(struct xmctl_call *call, unsigned int word, unsigned int depth, const void *address,
		uint32_t length, unsigned int flags);
/* get_time(0, time), ready to be changed. */
struct xmctl_call time_call(int64_t *timep);
/* A mask of up to four operations; 0 ends them. */
struct xmctl_derive mask_of(unsigned int a, unsigned int b, unsigned int c, unsigned int d);
struct xmctl_derive mask_of_all(void);
bool mask_has(const uint8_t *mask, unsigned int op);
int derive(int fd, const struct xmctl_derive *mask);
/* State of a partition through the original interface, or negative. */
int state_of(int fd, unsigned int partition);
/* Whether the loopback hypervisor still runs. */
bool is_alive(int fd);

static inline uint32_t descriptor(unsigned int class, unsigned int partition, unsigned int id)
{
	return class << 24 | partition << 10 | id;
}

static inline unsigned long word_of(const void *pointer)
{
	return (unsigned long)(uintptr_t)pointer;
}

#endif
