// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of the box have in common.  Owns the descriptors of struct fds.
 */

#include "tests/box_rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void fds_init(struct fds *fds)
{
	char path[] = "/tmp/test_box.XXXXXX";

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds->socket), 0);
	fds->file = mkostemp(path, O_APPEND | O_CLOEXEC);
	cr_assert_geq(fds->file, 0);
	unlink(path);
	fds->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(fds->listener, &(struct sockaddr){ AF_UNIX, "" }, sizeof(sa_family_t)),
		     0);
	cr_assert_eq(listen(fds->listener, 1), 0);
	fds->parent = getpid();
}

void fds_deinit(struct fds *fds)
{
	close(fds->socket[0]);
	close(fds->socket[1]);
	close(fds->file);
	close(fds->listener);
}

int confined(enum box_role role, int (*act)(const struct fds *fds))
{
	struct fds fds;
	int status;
	pid_t pid;

	fds_init(&fds);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		if (box_become(role, BOX_STAY, BOX_STAY) < 0 || box_confine(role) < 0)
			_exit(99);
		_exit(act(&fds));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	fds_deinit(&fds);
	return status;
}

bool is_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

bool is_exit(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

int in_child(int (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(act());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

int in_landlock(enum box_role role, const struct box_place *places, size_t n, int (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (box_become(role, BOX_STAY, BOX_STAY) < 0 || box_landlock(role, places, n) < 0)
			_exit(99);
		_exit(act());
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", (unsigned)status);
	return WEXITSTATUS(status);
}
