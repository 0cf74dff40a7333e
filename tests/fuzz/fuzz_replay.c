// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Recordings of any content, of the demo or, if the first byte is odd, of a system of 2.x.  Lines behind
 * a good first one are reached without guessing that: it is put before what is not like one.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxm/system/load.h"
#include "xmbroker/sim/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const heads[] = {
	"{\"recording\":1,\"partitions\":3,\"profile\":\"3.x\",\"quirks\":\"original\"}\n",
	"{\"recording\":1,\"partitions\":3,\"profile\":\"2.6\",\"quirks\":\"fixed\"}\n",
};
static char path[64];
static int file;
static struct system *systems[2];

static struct system *load(const char *name)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	if (system_load(name, &diag, &sys) < 0)
		abort(); /* run from the top folder */
	diag_free(&diag);
	return sys;
}

/* What differs is printed on standard output, which nobody wants to read here. */
static void prepare(void)
{
	file = memfd_create("recording", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	systems[0] = load("policy/examples/demo.xml");
	systems[1] = load("tests/sim_2x.xml");
	if (!freopen("/dev/null", "w", stdout))
		abort();
}

static void put(const void *data, size_t size)
{
	if (write(file, data, size) != (ssize_t)size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char begin[] = "{\"recording\"";
	unsigned int which;

	if (!*path)
		prepare();
	if (!size)
		return 0;
	which = data[0] & 1;
	data++, size--;
	if (ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
		abort();
	if (size < strlen(begin) || memcmp(data, begin, strlen(begin)))
		put(heads[which], strlen(heads[which]));
	put(data, size);
	replay_file(path, systems[which]);
	return 0;
}
