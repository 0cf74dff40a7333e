// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The partition Helper, which the probe had beside it, as child processes: the library holds one
 * session a process.  None of them stays connected while it has nothing to do.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/oracle/replay.h"

#define PARTITION 2
#define SECONDS 20 /* after which a child that waits in vain ends */

static pid_t resumer;
static int answers[2] = { -1, -1 };

/* Where its hypervisor is; a system without the partition has none. */
static bool find_socket(const char *dir, char *path, size_t cap)
{
	snprintf(path, cap, "%s/p%d.ctl", dir, PARTITION);
	return access(path, F_OK) == 0;
}

static void use_socket(const char *dir)
{
	char path[256];

	find_socket(dir, path, sizeof(path));
	setenv("XM_BROKER_SOCKET", path, 1);
	alarm(SECONDS);
}

/* ---- at its start ------------------------------------------------------------------------------------- */

#if XM_PROFILE == XM_PROFILE_PRTOS

static int write_messages(void)
{
	char queuing[] = "queuing", queue[] = "portQin", sample[] = "portSin",
	     sampling[] = "sample";
	xm_s32_t q = XM_create_queuing_port(queue, 2, 32, XM_SOURCE_PORT);
	xm_s32_t s = XM_create_sampling_port(sample, 32, XM_SOURCE_PORT, 100000);

	if (q < 0 || s < 0)
		return 1;
	if (XM_send_queuing_message(q, queuing, sizeof(queuing)) != XM_OK)
		return 2;
	return XM_write_sampling_message(s, sampling, sizeof(sampling)) == XM_OK ? 0 : 3;
}

#else

static int write_messages(void)
{
	return 0;
}

#endif

int peer_start(const char *dir)
{
	char path[256];
	int status = -1;
	pid_t child;

	if (!find_socket(dir, path, sizeof(path)))
		return 0;
	child = fork();
	if (child == 0) {
		use_socket(dir);
		_exit(write_messages());
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* ---- when the probe suspends itself --------------------------------------------------------------------- */

#if XM_FAMILY == 2
#define get_status XM_partition_get_status
#else
#define get_status XM_get_partition_status
#endif

static int32_t resume_when_suspended(void)
{
	xmPartitionStatus_t status;
	xm_s32_t r;

	for (;;) {
		r = get_status(0, &status);
		if (r < 0)
			return r;
		if (status.state == XM_STATUS_SUSPENDED)
			return XM_resume_partition(0);
		usleep(1000);
	}
}

bool peer_resume_later(const char *dir)
{
	if (pipe(answers) < 0)
		return false;
	resumer = fork();
	if (resumer == 0) {
		int32_t r;

		use_socket(dir);
		r = resume_when_suspended();
		_exit(write(answers[1], &r, sizeof(r)) == sizeof(r) ? 0 : 1);
	}
	close(answers[1]);
	return resumer > 0;
}

bool peer_resumed(int32_t *resultp)
{
	bool got = read(answers[0], resultp, sizeof(*resultp)) == sizeof(*resultp);

	close(answers[0]);
	waitpid(resumer, NULL, 0);
	return got;
}
