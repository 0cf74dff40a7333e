// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files of --behaviour and --faults, and commands of the control socket's kind.  The first byte chooses
 * which, and whether the demo is of 3.x or of 2.x.  What is accepted is carried out for a while of
 * virtual time, in which nothing may stop the clock for good.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxm/system/load.h"
#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS 200

static char path[64];
static struct system *systems[2];

static struct system *load(const char *file)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	if (system_load(file, &diag, &sys) < 0)
		abort(); /* run from the top folder */
	diag_free(&diag);
	return sys;
}

static void prepare(void)
{
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd_create("scenario", MFD_CLOEXEC));
	systems[0] = load("policy/examples/demo.xml");
	systems[1] = load("tests/sim_2x.xml");
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd = atoi(path + strlen("/proc/self/fd/"));

	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
}

static void follow(struct engine *e)
{
	static struct xm_reply reply;
	const struct xm_request idle = { .op = XM_OP_IDLE_SELF };
	int64_t delay, next;

	for (unsigned int i = 0; i < STEPS; i++) {
		xm_reply_init(&reply, NULL, 0);
		engine_call(e, i % 3, &idle, &reply, &delay);
		if (delay < 0 || delay > SYSTEM_MAX_TIME)
			abort();
		next = engine_next(e);
		if (next < 0)
			continue;
		engine_run_until(e, next);
		if (engine_time(e) > SYSTEM_MAX_TIME ||
		    (engine_next(e) >= 0 && engine_next(e) <= next))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct system *sys;
	struct engine engine;
	struct sim *sim;
	struct diag diag;
	int r;

	if (!*path)
		prepare();
	if (!size)
		return 0;
	sys = systems[data[0] >> 1 & 1];
	write_file(data + 1, size - 1);
	if (sim_new(sys, NULL, 0, &sim) < 0)
		abort();
	engine_init(&engine, sim, sys, NULL, true, 0);
	diag_init(&diag);
	r = data[0] & 1 ? behaviour_load(path, sys, engine.profile, &diag, &engine.behaviour)
			: faults_load(path, sys, engine.profile, &diag, &engine.faults);
	if ((r < 0) != (diag.n_errors > 0))
		abort();
	if (r == 0)
		follow(&engine);
	behaviour_free(engine.behaviour);
	faults_free(engine.faults);
	diag_free(&diag);
	sim_free(sim);
	return 0;
}
