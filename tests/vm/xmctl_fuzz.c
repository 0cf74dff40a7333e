// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Garbage: random requests, numbers, words, pointers and sizes, and good calls with something changed,
 * from several processes that share descriptors, derive, narrow, duplicate and close them, and are
 * interrupted by signals.  What is wanted is that nothing happens: the kernel's log is searched
 * afterwards by whoever runs this.  What came of the calls is counted, since garbage that is all
 * refused at the door would prove nothing.  XM_FUZZ_SECONDS and XM_SEED change how long and what.
 */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xmctl_shapes.h"

#define PROCESSES 3
#define THREADS 2
#define FDS 16
#define DESERT ((uintptr_t)1 << 28)

static int fds[FDS];
static int origin;  /* from which new ones are derived, and which nobody narrows or closes */
static char *pages; /* one that can be written, one that cannot, one that is not there */
static unsigned int seconds = 3;

enum kind { ORIGINAL, VERSIONED, DERIVED, NARROWED, DUPLICATED, CLOSED, READ, OPENED, KINDS };
static const char *const names[KINDS] = { "original calls", "versioned calls", "derived",
					  "narrowed",       "duplicated",      "closed",
					  "read",           "opened" };

/* Of all processes together. */
static struct tally {
	atomic_uint made[KINDS], good[KINDS], errors[KINDS][140];
	atomic_bool numbers[256], operations[256]; /* of which a call was good */
	atomic_uint signals;
} * tally;

static bool noted(enum kind kind, long result)
{
	atomic_fetch_add(&tally->made[kind], 1);
	if (result >= 0)
		atomic_fetch_add(&tally->good[kind], 1);
	else if (errno < 140)
		atomic_fetch_add(&tally->errors[kind][errno], 1);
	return result >= 0;
}

struct random {
	uint64_t state;
};

static uint64_t next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

static uint64_t below(struct random *r, uint64_t n)
{
	return next(r) % n;
}

static uint64_t address(struct random *r)
{
	switch (below(r, 8)) {
	case 0:
		return 0;
	case 1:
		return next(r);
	case 2:
		return (uintptr_t)pages + 4096 + below(r, 4096);
	case 3:
		return (uintptr_t)pages + 8192 - below(r, 64);
	case 4:
		return 0xffff888000000000ULL + below(r, 1ULL << 30);
	default:
		return (uintptr_t)pages + below(r, 4096);
	}
}

static uint64_t number(struct random *r)
{
	switch (below(r, 6)) {
	case 0:
		return next(r);
	case 1:
		return 1ULL << below(r, 64);
	case 2:
		return 65530 + below(r, 12);
	case 3:
		return descriptor((unsigned int)below(r, 12),
				  below(r, 2) ? 255 : (unsigned int)below(r, 4),
				  (unsigned int)below(r, 10));
	default:
		return below(r, 80);
	}
}

static uint64_t word(struct random *r)
{
	return below(r, 3) ? number(r) : address(r);
}

/* Structures with pointers in them, now and then, where pointers point to. */
static void fill_page(struct random *r)
{
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t w = word(r);

		memcpy(pages + below(r, 4088), &w, sizeof(w));
	}
}

static unsigned int hypercall(struct random *r)
{
	static const unsigned int likely[] = { get_time_nr,          read_object_nr,
					       write_object_nr,      seek_object_nr,
					       ctrl_object_nr,       get_gid_by_name_nr,
					       switch_sched_plan_nr, set_irqpend_nr };

	return below(r, 4) ? likely[below(r, 8)] : (unsigned int)below(r, 260);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static void call_original(unsigned int number, int fd, unsigned long words)
{
	number &= 0xff;
	if (noted(ORIGINAL, ioctl(fd, _IO('X', number), words)))
		atomic_store(&tally->numbers[number], true);
}

static void call_versioned(int fd, struct xmctl_call *call)
{
	if (noted(VERSIONED, ioctl(fd, XMCTL_CALL, call)) && call->result >= 0)
		atomic_store(&tally->operations[call->operation & 0xff], true);
}

static void fuzz_original(struct random *r, int fd)
{
	unsigned long words[5];

	for (unsigned int i = 0; i < 5; i++)
		words[i] = (unsigned long)word(r);
	if (below(r, 2))
		words[0] = descriptor((unsigned int)below(r, 9), 0, (unsigned int)below(r, 8));
	call_original(hypercall(r), fd, below(r, 16) ? word_of(words) : (unsigned long)address(r));
}

static void fuzz_versioned(struct random *r, int fd)
{
	struct xmctl_call call;

	memset(&call, 0, sizeof(call));
	if (!below(r, 8)) {
		for (size_t i = 0; i < sizeof(call) / 8; i++) {
			uint64_t w = word(r);

			memcpy((char *)&call + 8 * i, &w, sizeof(w));
		}
	} else {
		call.number = hypercall(r);
		call.operation = (uint32_t)below(r, 90);
		for (unsigned int i = 0; i < XMCTL_WORDS; i++)
			call.args[i] = below(r, 2) ? 0 : number(r);
		call.n_buffers = (uint32_t)below(r, 4);
		for (unsigned int i = 0; i < call.n_buffers; i++)
			call.buffers[i] = (struct xmctl_buffer){
				.address = address(r),
				.length = (uint32_t)number(r),
				.word = (uint8_t)below(r, 6),
				.depth = (uint8_t)below(r, 3),
				.flags = (uint16_t)below(r, 5),
			};
	}
	call_versioned(fd, &call);
}

/* Somewhere in the page that all processes write to. */
static char *room(struct random *r)
{
	return pages + 1024 * below(r, 4);
}

/* Half of the good calls stay as they are. */
static void fuzz_good_original(struct random *r, int fd)
{
	const struct shape *shape = &shapes[below(r, n_shapes)];
	unsigned long words[5];

	shape_words(shape, room(r), words);
	if (below(r, 2))
		words[below(r, 5)] = (unsigned long)word(r);
	call_original(below(r, 16) ? shape->number : hypercall(r), fd, word_of(words));
}

static void spoil(struct random *r, struct xmctl_call *call)
{
	unsigned char *bytes = (unsigned char *)call;

	switch (below(r, 4)) {
	case 0:
		bytes[below(r, sizeof(*call))] ^= (unsigned char)(1U << below(r, 8));
		break;
	case 1:
		call->args[below(r, 3)] = number(r);
		break;
	case 2:
		call->buffers[below(r, 2)].address = address(r);
		break;
	default:
		call->args[2] = call->buffers[0].length = (uint32_t)number(r);
	}
}

static void fuzz_good_versioned(struct random *r, int fd)
{
	struct xmctl_call call = shape_call(&shapes[below(r, n_shapes)], room(r));

	if (below(r, 2))
		spoil(r, &call);
	call_versioned(fd, &call);
}

static void fuzz_request(struct random *r, int fd)
{
	unsigned int request = (unsigned int)next(r);

	if (below(r, 4))
		request = _IOC(below(r, 4), 'X', below(r, 8) ? 124 + below(r, 12) : below(r, 256),
			       below(r, 300));
	ioctl(fd, request, (unsigned long)address(r));
}

/* ---- descriptors ---------------------------------------------------------------------------------- */

static void put(struct random *r, int fd)
{
	if (fd >= 0 && dup2(fd, fds[below(r, FDS)]) >= 0)
		close(fd);
}

static void fuzz_read(struct random *r, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[64];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!noted(READ, read(fd, bytes, below(r, 4) ? 8 : below(r, sizeof(bytes)))))
		poll(&p, 1, 0);
}

static void fuzz_descriptors(struct random *r, int fd)
{
	struct xmctl_derive all = mask_of_all(), mask = all;
	int got;

	all.flags = XMCTL_DERIVE_EVENTS;
	mask.mask[below(r, XMCTL_MASK_BYTES)] &= (uint8_t)next(r);
	mask.flags = (uint32_t)below(r, 8) ? 0 : (uint32_t)below(r, 3);
	switch (below(r, 8)) {
	case 0:
		got = derive(fd, &mask);
		noted(DERIVED, got);
		put(r, got);
		break;
	case 1:
		noted(DUPLICATED, dup2(fd, fds[below(r, FDS)]));
		break;
	case 2:
		noted(CLOSED, close(fd));
		break;
	case 3:
		noted(NARROWED, ioctl(fd, XMCTL_NARROW, &mask));
		break;
	case 4:
		got = open(DEVICE, O_RDWR);
		noted(OPENED, got);
		put(r, got);
		break;
	default:
		put(r, derive(origin, &all));
	}
}

static void fuzz_once(struct random *r, int fd)
{
	static void (*const ways[])(struct random *, int) = {
		fuzz_descriptors, fuzz_read,           fuzz_request,
		fuzz_original,    fuzz_good_original,  fuzz_good_original,
		fuzz_versioned,   fuzz_good_versioned, fuzz_good_versioned,
	};

	if (below(r, 10))
		ways[below(r, sizeof(ways) / sizeof(ways[0]))](r, fd);
	else
		fill_page(r);
}

/* Of what hardly depends on what was called. */
static bool is_enough(void)
{
	for (unsigned int k = 0; k < READ; k++)
		if (tally->good[k] <= 20)
			return false;
	return tally->signals > 20;
}

/* A slow machine has more time. */
static void *fuzz(void *data)
{
	struct random r = { *(uint64_t *)data };
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end || (!is_enough() && time(NULL) < end + 30)) {
		for (unsigned int i = 0; i < 64; i++)
			fuzz_once(&r, fds[below(&r, FDS)]);
	}
	return NULL;
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
	atomic_fetch_add(&tally->signals, 1);
}

static void fuzz_process(uint64_t seed)
{
	struct itimerval often = { .it_value = { .tv_usec = 5000 },
				   .it_interval = { .tv_usec = 5000 } };
	struct sigaction action = { .sa_handler = on_alarm };
	pthread_t threads[THREADS];
	uint64_t seeds[THREADS];
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		seeds[i] = seed * 1000003 + i + 1;
		pthread_create(&threads[i], NULL, fuzz, &seeds[i]);
	}
	/* Theirs: a read may wait, when another thread has put a new descriptor into its place. */
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/* ---- all of it ------------------------------------------------------------------------------------ */

static unsigned int count_of(const atomic_bool seen[256])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 256; i++)
		n += seen[i];
	return n;
}

static void print_tally(void)
{
	for (unsigned int k = 0; k < KINDS; k++) {
		printf("    %s: %u of %u;", names[k], tally->good[k], tally->made[k]);
		for (unsigned int e = 0; e < 140; e++)
			if (tally->errors[k][e])
				printf(" %s %u", strerrorname_np((int)e), tally->errors[k][e]);
		printf("\n");
	}
	printf("    good: %u numbers, %u operations; %u signals\n", count_of(tally->numbers),
	       count_of(tally->operations), tally->signals);
}

/* That it came to something; less did if it has ended the hypervisor. */
static void check_tally(bool events, bool ended)
{
	print_tally();
	CHECK(is_enough());
	CHECK(tally->good[OPENED] == 0);
	if (ended)
		return;
	CHECK(tally->good[ORIGINAL] > tally->made[ORIGINAL] / 20);
	CHECK(tally->good[VERSIONED] > tally->made[VERSIONED] / 10);
	CHECK(tally->errors[VERSIONED][EFAULT] && tally->errors[VERSIONED][EPERM] &&
	      tally->errors[VERSIONED][EINVAL]);
	CHECK(count_of(tally->numbers) >= 6 && count_of(tally->operations) >= 16);
	CHECK(!events || tally->good[READ] > 0);
}

/* All but what ends the hypervisor for all who come after. */
static int derive_harmless(int fd)
{
	struct xmctl_derive mask = mask_of_all();

	mask.mask[0] &= 0x0f; /* 4 to 7: halt, suspend, resume, reset of partitions */
	mask.mask[1] &= 0xf0; /* 8 to 11: shutdown, idle, halt and reset of the system */
	mask.mask[OP_TRACE_UNRECOVERABLE / 8] &= (uint8_t) ~(1U << OP_TRACE_UNRECOVERABLE % 8);
	mask.mask[8] &= 0xc1; /* 65 to 69: virtual processors */
	mask.flags = XMCTL_DERIVE_EVENTS;
	return derive(fd, &mask);
}

/* An address with a bit or two changed shall not be in memory that is of use to this program. */
static char *reserve(void)
{
	uintptr_t place = (uintptr_t)mmap(NULL, 2 * DESERT, PROT_NONE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return (char *)((place + DESERT - 1) & ~(DESERT - 1));
}

static void prepare(void)
{
	if (getenv("XM_FUZZ_SECONDS"))
		seconds = (unsigned int)atoi(getenv("XM_FUZZ_SECONDS"));
	pages = reserve();
	mmap(pages, 8192, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 4096, 4096, PROT_READ);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
}

static void fuzz_processes(void)
{
	const char *given = getenv("XM_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 20261121;

	for (unsigned int i = 0; i < FDS; i++)
		fds[i] = dup(origin);
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			fuzz_process(seed + i);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	for (unsigned int i = 0; i < FDS; i++)
		close(fds[i]);
}

static void run(bool master)
{
	int fd = open_device();
	struct xmctl_info info;

	prepare();
	origin = master ? dup(fd) : derive_harmless(fd);
	CHECK(origin >= 0 && ioctl(origin, XMCTL_INFO, &info) == 0);
	fuzz_processes();
	check_tally(mask_has(info.mask, OP_SET_IRQPEND), master && !is_alive(fd));
	if (!master)
		CHECK(is_alive(fd));
	close(origin);
	CHECK(close(fd) == 0);
	fd = open(DEVICE, O_RDWR);
	CHECK(fd >= 0);
	close(fd);
	munmap(tally, sizeof(*tally));
}

static void garbage(void)
{
	run(false);
}

/* May end the loopback hypervisor: the last test before the module is loaded anew. */
static void garbage_for_all(void)
{
	run(true);
}

const struct test fuzz_tests[] = {
	{ "garbage on derived descriptors", garbage },
	{ "garbage on the device itself", garbage_for_all },
	{ NULL, NULL },
};
