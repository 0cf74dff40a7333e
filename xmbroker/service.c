// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Restarting with back-off.  Owns only the bookkeeping: it starts and ends nothing.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "xmbroker/service.h"

void service_init(struct service *service, const char *name)
{
	*service = (struct service){ .name = name, .pid = -1, .delay = SERVICE_DELAY_MIN };
}

void service_started(struct service *service, pid_t pid, int64_t now)
{
	service->pid = pid;
	service->started = now;
	service->due = false;
}

void service_failed(struct service *service, int64_t now)
{
	if (service->pid > 0 && now - service->started >= SERVICE_HEALTHY)
		service->delay = SERVICE_DELAY_MIN;
	service->pid = -1;
	service->due = true;
	service->at = now + service->delay;
	service->delay *= 2;
	if (service->delay > SERVICE_DELAY_MAX)
		service->delay = SERVICE_DELAY_MAX;
}

void service_ended(struct service *service)
{
	service->pid = -1;
	service->due = false;
}

const char *service_status_text(int status, char *text, size_t cap)
{
	const char *why = "", *abbreviation;
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (WIFEXITED(status)) {
		snprintf(text, cap, "exited with status %d", WEXITSTATUS(status));
		return text;
	}
	if (sig == SIGSYS)
		why = ": it made a system call that its seccomp filter does not allow; the "
		      "kernel's log says which (type=1326)";
	abbreviation = sigabbrev_np(sig);
	snprintf(text, cap, "was killed by signal %d (SIG%s)%s", sig,
		 abbreviation ? abbreviation : "?", why);
	return text;
}
