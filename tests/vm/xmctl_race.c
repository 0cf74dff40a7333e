// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Arguments that change while the call is made, by another thread; and what may happen at once.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xmctl_test.h"

#define SECONDS 2

static atomic_bool stop;

static bool time_is_left(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000 <
	       SECONDS * 1000;
}

struct flip {
	volatile uint32_t *at;
	uint32_t a, b;
};

static void *flip(void *data)
{
	const struct flip *f = data;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		*f->at = f->a;
		sched_yield();
		*f->at = f->b;
		sched_yield();
	}
	return NULL;
}

static pthread_t start_flipping(struct flip *f)
{
	pthread_t thread;

	atomic_store(&stop, false);
	pthread_create(&thread, NULL, flip, f);
	return thread;
}

static void end_flipping(pthread_t thread)
{
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

/* An event that is allowed becomes one that is not, in memory that the call points to. */
static void changing_structure(void)
{
	struct xmctl_derive mask = mask_of(OP_TRACE_EVENT, OP_GET_TIME, 0, 0);
	int fd = open_device(), derived = derive(fd, &mask);
	static xmTraceEvent_t event __attribute__((aligned(8)));
	struct flip f = { (volatile uint32_t *)(void *)((char *)&event + 4), /* opCodeH */
			  XM_TRACE_WARNING << TRACE_OPCODE_CRIT_BIT,
			  XM_TRACE_UNRECOVERABLE << TRACE_OPCODE_CRIT_BIT };
	unsigned int taken = 0, refused = 0;
	struct timespec start;
	uint32_t bits = 1;
	pthread_t thread = start_flipping(&f);

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (time_is_left(&start)) {
		if (original(derived, write_object_nr, descriptor(OBJ_CLASS_TRACE, 0, 0),
			     word_of(&event), sizeof(event), word_of(&bits)) >= 0)
			taken++;
		else if (errno == EPERM)
			refused++;
		else
			break;
	}
	end_flipping(thread);
	CHECK(taken > 0 && refused > 0);
	CHECK(is_alive(derived));
	close(derived);
	close(fd);
}

/* A hypercall that is allowed becomes one that is not, in the request itself. */
static void changing_request(void)
{
	struct xmctl_derive mask = mask_of(OP_RESUME_PARTITION, OP_GET_TIME, 0, 0);
	int fd = open_device(), derived = derive(fd, &mask);
	static struct xmctl_call call;
	struct flip f = { &call.number, resume_partition_nr, suspend_partition_nr };
	struct flip g = { &call.operation, OP_RESUME_PARTITION, OP_SUSPEND_PARTITION };
	unsigned int taken = 0, refused = 0;
	struct timespec start;
	pthread_t thread, second;

	call = make_call(resume_partition_nr, OP_RESUME_PARTITION);
	call.args[0] = 1;
	thread = start_flipping(&f);
	second = start_flipping(&g);
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (time_is_left(&start)) {
		if (ioctl(derived, XMCTL_CALL, &call) == 0) {
			taken++;
			if (call.result != XM_NO_ACTION)
				break;
		} else {
			refused++;
		}
	}
	end_flipping(thread);
	end_flipping(second);
	CHECK(taken > 0 && refused > 0);
	CHECK(state_of(fd, 1) == XM_STATUS_READY);
	close(derived);
	close(fd);
}

/* A length that is small becomes large. */
static void changing_words(void)
{
	static unsigned long words[5];
	static char page[4096] __attribute__((aligned(4096)));
	int fd = open_device();
	struct flip f = { (volatile uint32_t *)&words[2], 100, 65600 };
	unsigned int taken = 0, refused = 0;
	struct timespec start;
	pthread_t thread;

	words[0] = descriptor(OBJ_CLASS_CONSOLE, 0, 0);
	words[1] = word_of(page);
	words[2] = 100;
	thread = start_flipping(&f);
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (time_is_left(&start)) {
		int r = ioctl(fd, _IO('X', write_object_nr), words);

		if (r == 100)
			taken++;
		else if (r == -1 && errno == EINVAL)
			refused++;
		else
			break;
	}
	end_flipping(thread);
	CHECK(taken > 0 && refused > 0);
	CHECK(is_alive(fd));
	close(fd);
}

/* ---- many at once --------------------------------------------------------------------------------- */

static void *open_and_close(void *data)
{
	atomic_uint *opened = data;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		int fd = open(DEVICE, O_RDWR);

		if (fd < 0) {
			sched_yield();
			continue;
		}
		/* Never more than one at a time. */
		CHECK(atomic_fetch_add(opened, 1) == 0);
		sched_yield();
		atomic_fetch_sub(opened, 1);
		close(fd);
	}
	return NULL;
}

static void opening_at_once(void)
{
	atomic_uint opened = 0;
	pthread_t threads[4];
	int fd;

	atomic_store(&stop, false);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, open_and_close, &opened);
	usleep(500000);
	atomic_store(&stop, true);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fd = open_device();
	close(fd);
}

static void on_alarm(int number)
{
	(void)number;
}

/* Two processes and a rain of signals: a call is made or it is not, and EINTR says the latter. */
static void signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { .it_value = { .tv_usec = 200 },
				   .it_interval = { .tv_usec = 200 } };
	struct itimerval never = { .it_value = { .tv_usec = 0 } };
	int fd = open_device(), status = -1;
	pid_t pid = fork();

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned int i = 0; i < 3000; i++) {
		xmTime_t now = -1;

		if (original(fd, get_time_nr, 0, word_of(&now), 0, 0) == 0)
			CHECK(now >= 0);
		else
			CHECK(errno == EINTR && now == -1);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	CHECK(status == 0);
	close(fd);
}

const struct test race_tests[] = {
	{ "a structure changes", changing_structure },
	{ "a request changes", changing_request },
	{ "words change", changing_words },
	{ "opening at once", opening_at_once },
	{ "signals", signals },
	{ NULL, NULL },
};
