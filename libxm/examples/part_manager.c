// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Suspends, resumes, halts and resets a partition, with time between to watch it.
 *
 * usage: part_manager partitionId [milliseconds]
 *
 * The second argument is how long one of the announced seconds lasts; 1000 unless given.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xm-linux.h>

static long milliseconds = 1000;

static void wait_before(int seconds, const char *what, int partition)
{
	struct timespec second = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	printf("waiting %d seconds to %s partition %d:", seconds, what, partition);
	fflush(stdout);
	for (int i = 0; i < seconds; i++) {
		nanosleep(&second, NULL);
		putchar('.');
		fflush(stdout);
	}
	puts(" done");
}

static int parse_milliseconds(const char *text)
{
	char *end;

	milliseconds = strtol(text, &end, 10);
	return *text && !*end && milliseconds >= 0 && milliseconds <= 1000000 ? 0 : -1;
}

int main(int argc, char **argv)
{
	int partition;

	if (argc < 2) {
		puts("usage: part_manager partitionId [milliseconds]");
		return 255;
	}
	if (argc > 2 && parse_milliseconds(argv[2]) < 0) {
		puts("part_manager: error: milliseconds is a number from 0 to 1000000");
		return 255;
	}
	init_libxm(0, 0);
	partition = atoi(argv[1]);
	if (!partition) {
		puts("part_manager: error: invalid partitionId");
		return 255;
	}
	printf("Partition manager running on partition %d\n", XM_PARTITION_SELF);

	wait_before(10, "suspend", partition);
	XM_suspend_partition((xm_u32_t)partition);
	wait_before(10, "resume", partition);
	XM_resume_partition((xm_u32_t)partition);
	wait_before(20, "halt", partition);
	XM_halt_partition((xm_u32_t)partition);
	wait_before(20, "reset", partition);
	XM_reset_partition((xm_u32_t)partition, XM_COLD_RESET, 0);
	return 0;
}
