// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Arguments that change in the middle of a call, at a known moment: the call is stopped by a page
 * that another thread provides (userfaultfd) after it has changed what was read before.  A device
 * that reads anything twice takes the second for good.
 */

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xmctl_test.h"

#define PAGE 4096

struct stall {
	int fault_fd;
	char *pages; /* the second one is not there until it is asked for */
	char content[PAGE] __attribute__((aligned(PAGE)));
	void (*change)(void);
	bool happened;
	pthread_t thread;
};

static struct stall stall;

static void *provide(void *unused)
{
	struct uffdio_copy copy = { .len = PAGE };
	struct uffd_msg message;

	(void)unused;
	if (read(stall.fault_fd, &message, sizeof(message)) != sizeof(message))
		return NULL;
	stall.change();
	stall.happened = true;
	copy.dst = (uintptr_t)stall.pages + PAGE;
	copy.src = (uintptr_t)stall.content;
	if (ioctl(stall.fault_fd, UFFDIO_COPY, &copy) < 0)
		CHECK(!"UFFDIO_COPY");
	return NULL;
}

/* The page behind stall.pages + PAGE appears, with stall.content, after change() was called. */
static void stall_begin(void (*change)(void))
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	stall.change = change;
	stall.happened = false;
	stall.pages =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(stall.pages, 0, PAGE);
	memset(stall.content, 0, PAGE);
	range.range.start = (uintptr_t)stall.pages + PAGE;
	range.range.len = PAGE;
	stall.fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(stall.fault_fd >= 0);
	CHECK(ioctl(stall.fault_fd, UFFDIO_API, &api) == 0);
	CHECK(ioctl(stall.fault_fd, UFFDIO_REGISTER, &range) == 0);
	pthread_create(&stall.thread, NULL, provide, NULL);
}

static void stall_end(void)
{
	volatile char *page = stall.pages + PAGE;

	(void)*page; /* if nobody else did */
	pthread_join(stall.thread, NULL);
	close(stall.fault_fd);
	munmap(stall.pages, 3 * PAGE);
}

/* ---- the request ---------------------------------------------------------------------------------- */

static struct xmctl_call *request;

static void suspend_instead(void)
{
	request->number = suspend_partition_nr;
	request->operation = OP_SUSPEND_PARTITION;
}

/* Its head has been read when its words are missing. */
static void request_changes(void)
{
	struct xmctl_derive mask = mask_of(OP_RESUME_PARTITION, OP_GET_TIME, 0, 0);
	struct xmctl_call call = make_call(resume_partition_nr, OP_RESUME_PARTITION);
	size_t head = __builtin_offsetof(struct xmctl_call, args);
	int fd = open_device(), derived = derive(fd, &mask);

	stall_begin(suspend_instead);
	call.args[0] = 1;
	request = (struct xmctl_call *)(void *)(stall.pages + PAGE - head);
	memcpy(request, &call, head);
	memcpy(stall.content, (char *)&call + head, sizeof(call) - head);
	CHECK(ioctl(derived, XMCTL_CALL, request) == 0 && request->result == XM_NO_ACTION);
	CHECK(stall.happened && request->number == suspend_partition_nr);
	stall_end();
	CHECK(state_of(fd, 1) == XM_STATUS_READY);
	original(fd, resume_partition_nr, 1, 0, 0, 0);
	close(derived);
	close(fd);
}

/* ---- the words ------------------------------------------------------------------------------------ */

static unsigned long words[5];

static void wait_for_another_clock(void)
{
	words[0] = 7;
	words[1] = 8;
}

/* They have been read when the place for the output is missing. */
static void words_change(void)
{
	int fd = open_device();

	stall_begin(wait_for_another_clock);
	words[0] = XM_HW_CLOCK;
	words[1] = word_of(stall.pages + PAGE);
	CHECK(ioctl(fd, _IO('X', get_time_nr), words) == 0);
	CHECK(stall.happened && *(volatile int64_t *)(void *)(stall.pages + PAGE) > 0);
	stall_end();
	close(fd);
}

static void ask_for_more(void)
{
	words[2] = 1 << 17;
}

/* They have been read when the message is missing. */
static void length_changes(void)
{
	int fd = open_device();

	stall_begin(ask_for_more);
	words[0] = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	words[1] = word_of(stall.pages + PAGE);
	words[2] = 100;
	CHECK(ioctl(fd, _IO('X', write_object_nr), words) == 100);
	CHECK(stall.happened);
	stall_end();
	close(fd);
}

/* ---- what they point to --------------------------------------------------------------------------- */

static xmTraceEvent_t event;

static void make_unrecoverable(void)
{
	event.opCodeH = XM_TRACE_UNRECOVERABLE << TRACE_OPCODE_CRIT_BIT;
}

/* The event has been read when its mask is missing. */
static void structure_changes(void)
{
	struct xmctl_derive mask = mask_of(OP_TRACE_EVENT, OP_GET_TIME, 0, 0);
	int fd = open_device(), derived = derive(fd, &mask);

	stall_begin(make_unrecoverable);
	memset(&event, 0, sizeof(event));
	event.opCodeH = XM_TRACE_WARNING << TRACE_OPCODE_CRIT_BIT;
	stall.content[0] = 1;
	CHECK(original(derived, write_object_nr, descriptor(OBJ_CLASS_TRACE, 0, 0), word_of(&event),
		       sizeof(event), word_of(stall.pages + PAGE)) >= 0);
	CHECK(stall.happened);
	stall_end();
	CHECK(is_alive(derived));
	close(derived);
	close(fd);
}

static union samplingPortCmd port;

static void take_another_port(void)
{
	port.create.direction = 77;
	port.create.portName = NULL;
}

/* The structure has been read when the name behind it is missing. */
static void port_changes(void)
{
	int fd = open_device(), got;

	stall_begin(take_another_port);
	memset(&port, 0, sizeof(port));
	port.create.portName = stall.pages + PAGE;
	port.create.maxMsgSize = 64;
	port.create.direction = XM_SOURCE_PORT;
	port.create.validPeriod = 1000000;
	strcpy(stall.content, "attitude");
	got = original(fd, ctrl_object_nr, descriptor(OBJ_CLASS_SAMPLING_PORT, 0, 0),
		       XM_COMM_CREATE_PORT, word_of(&port), 0);
	CHECK(got == 0 || (got == -1 && errno == -XM_NO_ACTION));
	CHECK(stall.happened);
	stall_end();
	close(fd);
}

/* ---- others in the meantime ------------------------------------------------------------------------ */

static int master, held;

static void *narrow_and_look(void *unused)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);
	struct xmctl_info info;

	(void)unused;
	CHECK(ioctl(held, XMCTL_NARROW, &mask) == 0);
	CHECK(ioctl(held, XMCTL_INFO, &info) == 0 && !mask_has(info.mask, OP_WRITE_CONSOLE));
	CHECK(is_alive(master) && is_alive(held));
	return NULL;
}

/* A thread of its own, since it might wait for the page that comes after it. */
static void narrow_meanwhile(void)
{
	struct timespec end;
	pthread_t thread;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 5;
	pthread_create(&thread, NULL, narrow_and_look, NULL);
	if (pthread_timedjoin_np(thread, NULL, &end) == 0)
		return;
	CHECK(!"nobody waits for a page of somebody else");
	pthread_detach(thread);
}

/* Its holder keeps a page back: others are served, and what is taken away is gone for this call, too. */
static void narrowed_meanwhile(void)
{
	struct xmctl_derive mask = mask_of(OP_WRITE_CONSOLE, OP_GET_TIME, 0, 0);

	master = open_device();
	held = derive(master, &mask);
	stall_begin(narrow_meanwhile);
	FAILS(EPERM, original(held, write_object_nr, descriptor(OBJ_CLASS_CONSOLE, 0, 0),
			      word_of(stall.pages + PAGE), 100, 0));
	CHECK(stall.happened);
	stall_end();
	close(held);
	close(master);
}

static void close_all(void)
{
	close(held);
	close(master);
	FAILS(EBUSY, open(DEVICE, O_RDWR));
}

/* A call goes on without its descriptor, and the device is free after it. */
static void closed_meanwhile(void)
{
	struct xmctl_derive mask = mask_of(OP_WRITE_CONSOLE, 0, 0, 0);

	master = open_device();
	held = derive(master, &mask);
	stall_begin(close_all);
	CHECK(original(held, write_object_nr, descriptor(OBJ_CLASS_CONSOLE, 0, 0),
		       word_of(stall.pages + PAGE), 100, 0) == 100);
	CHECK(stall.happened);
	stall_end();
	close(open_device());
}

const struct test stall_tests[] = {
	{ "the request changes", request_changes },
	{ "the words change", words_change },
	{ "the length changes", length_changes },
	{ "the structure changes", structure_changes },
	{ "the structure changes before its name is read", port_changes },
	{ "narrowed in the meantime", narrowed_meanwhile },
	{ "closed in the meantime", closed_meanwhile },
	{ NULL, NULL },
};
