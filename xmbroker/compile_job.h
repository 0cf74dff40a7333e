/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_COMPILE_JOB_H
#define XMBROKER_COMPILE_JOB_H

/*
 * One run of the compiler process, which the supervisor's loop goes on beside.  What it says is
 * collected, bounded and printable; what it makes counts only if it ended well and sealed it.
 */

#include <stdint.h>
#include <sys/types.h>

#include "xmbroker/loop.h"

#define COMPILE_TEXT_MAX 65536
#define COMPILE_SECONDS 60

struct compile_job {
	struct loop_source source; /* reading end of its standard error */
	struct loop *loop;
	pid_t pid;        /* -1: none is running */
	int fd;           /* the image to be; owned */
	int64_t deadline; /* in the loop's time */
	bool late;
	size_t len;
	char text[COMPILE_TEXT_MAX + 1];
};

void compile_init(struct compile_job *job, struct loop *loop);

/* Memory for an image, which can be sealed; or -errno. */
int compile_make_memory(void);

struct compile_args {
	const char *compiler;  /* its path */
	const char *system;    /* the system description if the policy names none; may be NULL */
	uint32_t partition;    /* the one that Linux is */
	char *const *policies; /* ends with NULL */
};

/* Starts it.  0 or -errno. */
int compile_start(struct compile_job *job, const struct compile_args *args);

/*
 * To be called when the process was waited for.  Returns the sealed image's descriptor, the caller's
 * from then on, or -EINVAL: the policy is bad and `text` says why (always something).
 */
int compile_finish(struct compile_job *job, int status);

/* Kills a run that takes too long. */
void compile_check_time(struct compile_job *job);

/*
 * `xmbroker-compiler --print-config FILE`, and waits for it: its lines into `lines`.  0, or -EINVAL, said so on
 * standard error by itself.
 */
int compile_print_config(const char *compiler, const char *file, char *lines, size_t cap);

#endif
