// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Suspends several partitions, or none of them if one may not be suspended: profile 3.x.
 *
 * usage: batch partitionId ...
 */

#include <stdio.h>
#include <stdlib.h>

#include <xm.h>

#define MAX_PARTITIONS 255
#define WORDS 3 /* of an entry: number, count of arguments, argument */

int main(int argc, char **argv)
{
	static unsigned long batch[MAX_PARTITIONS * WORDS];
	int n = argc - 1;

	if (n < 1 || n > MAX_PARTITIONS) {
		puts("usage: batch partitionId ...");
		return 255;
	}
	for (int i = 0; i < n; i++) {
		batch[i * WORDS] = suspend_partition_nr;
		batch[i * WORDS + 1] = 1;
		batch[i * WORDS + 2] = strtoul(argv[i + 1], NULL, 0);
	}
	init_libxm(NULL);
	if (XM_multicall(batch, batch + n * WORDS) < 0) {
		perror("none suspended: XM_multicall");
		return 1;
	}
	for (int i = 0; i < n; i++)
		printf("partition %s: %d\n", argv[i + 1], (short)(batch[i * WORDS + 1] >> 16));
	return 0;
}
