// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a call through /dev/xmctl costs, in bare system calls: ratios taken in one run, for nothing
 * else means anything on an emulated processor.
 */

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xmctl_test.h"

#define ROUNDS 5
#define CALLS 4000

static int device;
static int64_t now;

static void bare(void)
{
	syscall(SYS_getppid);
}

static void by_original(void)
{
	original(device, get_time_nr, XM_HW_CLOCK, word_of(&now), 0, 0);
}

static void by_versioned(void)
{
	struct xmctl_call call = time_call(&now);

	ioctl(device, XMCTL_CALL, &call);
}

static double seconds(void (*run)(void))
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned int i = 0; i < CALLS; i++)
		run();
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* The best of some: whatever else ran only adds. */
static void measure(double best[3])
{
	void (*const runs[])(void) = { bare, by_original, by_versioned };

	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < 3; i++) {
			double took = seconds(runs[i]);

			if (!round || took < best[i])
				best[i] = took;
		}
	}
}

int bench(void)
{
	double best[3];

	device = open_device();
	measure(best);
	close(device);
	printf("bench: get_time by the original ioctl %.1f x, by the versioned one %.1f x a bare "
	       "system call\n",
	       best[1] / best[0], best[2] / best[0]);
	return 0;
}
