// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A large system: 64 partitions and 256 channels, written into the bench's folder; and how long it
 * takes to read its description.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/load.h"
#include "tests/bench/bench.h"
#include "tests/describe.h"

#define PARTITIONS 64
#define CHANNELS 256

void large_write(char path[PEER_PATH])
{
	const struct describe what = { DESCRIBE_3_X, PARTITIONS, CHANNELS, 1 };
	FILE *file;

	peers_file(path, "large.xml", NULL);
	file = fopen(path, "we");
	if (!file)
		bench_die("cannot write %s: %s", path, strerror(errno));
	describe(file, &what);
	if (fclose(file) == EOF)
		bench_die("cannot write %s: %s", path, strerror(errno));
}

double large_load(const char *path)
{
	int64_t start = bench_now();
	struct system *sys = NULL;
	struct diag diag;
	double ms;

	diag_init(&diag);
	if (system_load(path, &diag, &sys) < 0) {
		diag_print(&diag, stderr);
		bench_die("the large description is wrong");
	}
	ms = (double)(bench_now() - start) / 1e6;
	diag_free(&diag);
	free(sys);
	return ms;
}
