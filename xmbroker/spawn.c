// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fork and exec.  Owns nothing afterwards but the pid it returned.  Between fork and exec it must
 * only make system calls, and never leave a descriptor to the child that was not named.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/spawn.h"

/* Descriptors are moved up here first, so that none is overwritten before it is placed. */
#define PARKED (SPAWN_FIRST_FD + SPAWN_FDS_MAX + 1)

int spawn_find(const char *name, char path[PATH_MAX])
{
	static const char *const folders[] = { "", "../libexec/xmbroker/" };
	char self[PATH_MAX - 64];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len < 0)
		return -ENOENT;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int n = snprintf(path, PATH_MAX, "%s%s%s", self, folders[i], name);

		if (n < PATH_MAX && access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static int reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL); /* fails for SIGKILL and SIGSTOP, which have no other */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0, 1, 2, the named ones, and the pipe `report` right after them, which exec closes. */
static int place_fds(const struct spawn *spawn, int *reportp)
{
	int parked[SPAWN_FDS_MAX], report, in, out, err;
	int last = SPAWN_FIRST_FD + (int)spawn->n_fds;

	report = fcntl(*reportp, F_DUPFD_CLOEXEC, PARKED);
	in = open("/dev/null", O_RDWR | O_CLOEXEC);
	in = in < 0 ? in : fcntl(in, F_DUPFD_CLOEXEC, PARKED);
	out = fcntl(spawn->out < 0 ? in : spawn->out, F_DUPFD_CLOEXEC, PARKED);
	err = fcntl(spawn->err < 0 ? STDERR_FILENO : spawn->err, F_DUPFD_CLOEXEC, PARKED);
	if (report < 0 || in < 0 || out < 0)
		return -1;
	for (unsigned int i = 0; i < spawn->n_fds; i++) {
		parked[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, PARKED);
		if (parked[i] < 0)
			return -1;
	}
	/* Without a standard error of our own the child has none either. */
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err < 0 ? in : err, 2) < 0)
		return -1;
	for (unsigned int i = 0; i < spawn->n_fds; i++)
		if (dup2(parked[i], SPAWN_FIRST_FD + (int)i) < 0)
			return -1;
	if (dup3(report, last, O_CLOEXEC) < 0)
		return -1;
	*reportp = last;
	return close_range((unsigned int)last + 1, ~0u, 0);
}

static void run_child(const struct spawn *spawn, int report, pid_t parent)
{
	int r;

	errno = 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
	    place_fds(spawn, &report) == 0 && reset_signals() == 0) {
		r = spawn->role == BOX_COMPILER ? box_become(BOX_COMPILER, BOX_STAY, BOX_STAY) : 0;
		errno = -r;
		if (r == 0)
			execv(spawn->path, (char *const *)(uintptr_t)spawn->argv);
	}
	r = errno ? errno : ESRCH;
	if (write(report, &r, sizeof(r)) < 0)
		_exit(127);
	_exit(127);
}

/* What the child reports: nothing, because exec closed the pipe, or why it could not get there. */
static int read_report(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == 0 ? 0 : -(error ? error : EIO);
}

int spawn_run(const struct spawn *spawn, pid_t *pidp)
{
	int report[2], r;
	pid_t parent = getpid(), pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		run_child(spawn, report[1], parent);
	r = pid < 0 ? -errno : 0;
	close(report[1]);
	if (r == 0)
		r = read_report(report[0]);
	close(report[0]);
	if (r < 0 && pid > 0) {
		/* It may have got there, if it is only the report that cannot be read. */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (r < 0)
		return r;
	*pidp = pid;
	return 0;
}
