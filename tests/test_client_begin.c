// SPDX-License-Identifier: LGPL-2.1-or-later
/* How a session begins: the handshake, init_libxm(), and whose it is. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>

#include "client_server.h"

#define NOBODY_UID 61234

static struct server *server;

static void setup(void)
{
	server = server_start();
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_session, .init = setup, .fini = teardown, .timeout = 60);

static xm_s32_t call(void)
{
	return XM_suspend_partition(1);
}

/* ---- handshake --------------------------------------------------------------------------------- */

static void no_session(enum server_mode mode, int error)
{
	xmTime_t t;

	server->mode = mode;
	errno = 0;
	cr_assert_eq(xm_init(), -1);
	cr_assert_eq(errno, error, "mode %d: errno %d", mode, errno);
	errno = 0;
	cr_assert_eq(XM_get_time(0, &t), XM_INVALID_MODE);
	cr_assert_eq(errno, error, "mode %d: errno %d", mode, errno);
	errno = 0;
	cr_assert_eq(XM_PARTITION_SELF, XM_INVALID_MODE);
	cr_assert_eq(errno, error);
	server->mode = SERVER_ANSWER;
	cr_assert_eq(xm_init(), 0);
	cr_assert_eq(server_wait_open(server, 1), 1, "a descriptor leaks");
}

Test(client_session, refused)
{
	server->refusal = EDQUOT;
	no_session(SERVER_REFUSE, EDQUOT);
}

Test(client_session, refused_before_it_was_read)
{
	server->refusal = EAGAIN;
	no_session(SERVER_REFUSE_EARLY, EAGAIN);
}

Test(client_session, hung_up_on)
{
	no_session(SERVER_HANGUP, ECONNRESET);
}

Test(client_session, unknown_version)
{
	no_session(SERVER_BAD_WELCOME, EPROTO);
}

Test(client_session, address_too_long)
{
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	setenv("XM_BROKER_SOCKET", path, 1);
	cr_assert_eq(xm_init(), -1);
	cr_assert_eq(errno, ENAMETOOLONG);
}

/* ---- init_libxm -------------------------------------------------------------------------------- */

/* Before the sanitizer looks for leaks: in a child it may look for the parent's threads, and says so. */
static void leave(int status, void *unused)
{
	(void)unused;
	_exit(status);
}

/* Runs init_libxm(0) in a child; what it prints on stderr, and its exit status. */
static int init_in_child(char *text, size_t cap)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], 2);
		on_exit(leave, NULL);
		init_libxm(0);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], text, cap - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(client_session, init_without_a_broker)
{
	char text[256];

	setenv("XM_BROKER_SOCKET", "/nonexistent/socket", 1);
	cr_assert_eq(init_in_child(text, sizeof(text)), 255);
	cr_assert_str_eq(text, "error: init_libxm  open /dev/xmctl: No such file or directory\n");
}

Test(client_session, init_with_an_invalid_partition)
{
	char text[256];
	int status;

	server->partition = (uint32_t)-3;
	status = init_in_child(text, sizeof(text));
	cr_assert_str_eq(text, "error: init_libxm invalid partition id -3\n");
	cr_assert(status > 2 && status < 255);
}

Test(client_session, init_works)
{
	char text[256];

	cr_assert_eq(init_in_child(text, sizeof(text)), 0);
	cr_assert_str_eq(text, "");
}

/* ---- identity ---------------------------------------------------------------------------------- */

static void setup_as_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	setup();
}

TestSuite(client_identity, .init = setup_as_root, .fini = teardown, .timeout = 60);

/* Before Criterion parses its command line: the same program as a probe, for the test below. */
__attribute__((constructor)) static void probe(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--probe"))
		_exit(xm_init() == 0 ? 0 : 1);
}

static void copy_self(const char *path, mode_t mode)
{
	char command[256];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), path);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static void run_as_nobody(const char *path)
{
	pid_t pid = fork();

	if (!pid) {
		if (setgid(NOBODY_UID) < 0 || setuid(NOBODY_UID) < 0)
			_exit(9);
		execl(path, path, "--probe", NULL);
		_exit(10);
	}
	waitpid(pid, NULL, 0);
}

Test(client_identity, environment_of_set_uid_programs_does_not_count)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/probe", server->dir);
	copy_self(path, 0755);
	run_as_nobody(path);
	cr_expect_eq(server->n_connections, 1, "the probe does not work at all");
	chmod(path, 04755);
	run_as_nobody(path);
	cr_expect_eq(server->n_connections, 1, "set-uid and connected where the user says");
	unlink(path);
}

static int child_with_effective_ids(void)
{
	if (setegid(NOBODY_UID) < 0 || seteuid(NOBODY_UID) < 0)
		return 9;
	return call() == XM_OK && call() == XM_OK ? 0 : 1;
}

/* The kernel says the effective identity of a connection and the real one of messages. */
Test(client_identity, real_and_effective_identity)
{
	cr_assert_eq(run_child(child_with_effective_ids), 0);
	cr_assert_eq(server->n_calls, 2);
	cr_assert_eq(server->n_foreign, 0, "the server would close this session");
}

static int child_drops_identity(void)
{
	if (call() != XM_OK || setgid(NOBODY_UID) < 0 || setuid(NOBODY_UID) < 0)
		return 9;
	return call() == XM_OK ? 0 : 1;
}

/* Calls after a change of identity belong to the new one. */
Test(client_identity, changed_identity)
{
	cr_assert_eq(run_child(child_drops_identity), 0);
	cr_assert_eq(server->n_connections, 2);
	cr_assert_eq(server->n_foreign, 0);
}
