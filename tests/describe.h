/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_DESCRIBE_H
#define TESTS_DESCRIBE_H

/*
 * Writes descriptions of systems: as many partitions and channels as are asked for, in any dialect,
 * the rest as the seed has it.
 */

#include <stdint.h>
#include <stdio.h>

enum describe_dialect { DESCRIBE_2_X, DESCRIBE_3_X, DESCRIBE_PRTOS };

struct describe {
	enum describe_dialect dialect;
	unsigned int partitions, channels;
	uint64_t seed;
};

/* Partition 0 manages the others.  Every partition has memory, a console, a slot and a trace. */
void describe(FILE *out, const struct describe *what);

#endif
