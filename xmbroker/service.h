/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SERVICE_H
#define XMBROKER_SERVICE_H

/* A child that is meant to run for ever: when it is started again after it ended. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVICE_DELAY_MIN 100   /* ms before the first new start */
#define SERVICE_DELAY_MAX 10000 /* ms, to which the delay doubles */
#define SERVICE_HEALTHY 10000   /* ms of life after which the delay begins anew */

struct service {
	const char *name;
	pid_t pid; /* -1: not running */
	bool due;  /* to be started at `at` */
	int64_t at;
	int64_t started;
	int64_t delay; /* ms, of the next failure */
};

void service_init(struct service *service, const char *name);
void service_started(struct service *service, pid_t pid, int64_t now);
/* It ended, or could not be started: sets `due` and `at`. */
void service_failed(struct service *service, int64_t now);
/* It ended and stays so. */
void service_ended(struct service *service);

/* How a process ended, for a person: "exited with status 1", "killed by signal 31 (SIGSYS): ...". */
const char *service_status_text(int status, char *text, size_t cap);

#endif
