// SPDX-License-Identifier: LGPL-2.1-or-later
/* The clients' socket: who may take its place, and what is left behind. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/listen.h"

static char folder[64], path[80], lock[96];
static struct listen self = LISTEN_INIT;

static void set_up(void)
{
	cr_redirect_stderr();
	strcpy(folder, "/tmp/test_listen.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/d/s", folder);
	snprintf(lock, sizeof(lock), "%s.lock", path);
}

static void tear_down(void)
{
	char sub[80];

	unlink(path);
	unlink(lock);
	snprintf(sub, sizeof(sub), "%s/d", folder);
	rmdir(sub);
	cr_expect_eq(rmdir(folder), 0, "something was left in the folder");
}

/* A test that is skipped never comes to its end. */
static void skip(const char *why)
{
	tear_down();
	cr_skip_test("not run: %s", why);
}

TestSuite(listen, .init = set_up, .fini = tear_down);

static mode_t mode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? 0 : st.st_mode;
}

static void make_folder(void)
{
	char sub[80];

	snprintf(sub, sizeof(sub), "%s/d", folder);
	cr_assert_eq(mkdir(sub, 0755), 0);
}

/* A socket of this process at `path`. */
static int occupy(bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	make_folder();
	strcpy(address.sun_path, path);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (listening)
		cr_assert_eq(listen(fd, 5), 0);
	return fd;
}

Test(listen, everybody_may_connect)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	cr_assert_eq(listen_open(&self, path), 0);
	cr_expect_eq(mode_of(path), S_IFSOCK | 0666);
	strcpy(address.sun_path, path);
	cr_expect_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	cr_expect(fcntl(self.fd, F_GETFL) & O_NONBLOCK);
	listen_close(&self);
	close(fd);
}

Test(listen, nothing_is_left_behind)
{
	cr_assert_eq(listen_open(&self, path), 0);
	cr_expect_eq(mode_of(lock), S_IFREG | 0600);
	listen_close(&self);
	cr_expect_eq(mode_of(path), 0);
	cr_expect_eq(mode_of(lock), 0);
}

Test(listen, stale_socket_is_replaced)
{
	close(occupy(true));
	cr_assert_eq(listen_open(&self, path), 0);
	listen_close(&self);
}

Test(listen, live_socket_is_not)
{
	int fd = occupy(true);

	cr_expect_eq(listen_open(&self, path), -EADDRINUSE);
	cr_expect_eq(mode_of(path) & S_IFMT, S_IFSOCK);
	cr_expect_eq(mode_of(lock), 0);
	close(fd);
}

Test(listen, second_broker_is_refused)
{
	int status;
	pid_t pid;

	cr_assert_eq(listen_open(&self, path), 0);
	pid = fork();
	if (pid == 0) {
		struct listen second = LISTEN_INIT;

		_exit(listen_open(&second, path) == -EADDRINUSE ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(mode_of(path) & S_IFMT, S_IFSOCK);
	cr_expect_eq(mode_of(lock) & S_IFMT, S_IFREG);
	listen_close(&self);
}

Test(listen, other_file_is_not_touched)
{
	int fd;

	make_folder();
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	cr_expect_eq(listen_open(&self, path), -EEXIST);
	cr_expect_eq(mode_of(path) & S_IFMT, S_IFREG);
}

Test(listen, stale_socket_of_another_user_is_not_touched)
{
	if (geteuid() != 0) {
		make_folder();
		skip("needs root");
	}
	close(occupy(true));
	cr_assert_eq(chown(path, 64242, 64242), 0);
	cr_expect_eq(listen_open(&self, path), -EEXIST);
	cr_expect_eq(mode_of(path) & S_IFMT, S_IFSOCK);
}

Test(listen, symbolic_link_is_not_followed)
{
	char target[80];

	make_folder();
	snprintf(target, sizeof(target), "%s/target", folder);
	cr_assert_eq(symlink(target, path), 0);
	cr_expect_eq(listen_open(&self, path), -EEXIST);
	cr_expect_eq(mode_of(target), 0);
}

Test(listen, lock_that_is_a_link_is_not_followed)
{
	char target[80];

	make_folder();
	snprintf(target, sizeof(target), "%s/target", folder);
	cr_assert_eq(symlink(target, lock), 0);
	cr_expect_eq(listen_open(&self, path), -ELOOP);
	cr_expect_eq(mode_of(target), 0);
}

Test(listen, anothers_socket_is_not_removed)
{
	int fd;

	cr_assert_eq(listen_open(&self, path), 0);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	listen_close(&self);
	cr_expect_eq(mode_of(path) & S_IFMT, S_IFREG);
}

Test(listen, overlong_path_refused)
{
	char name[200];

	snprintf(name, sizeof(name), "%s/%0120d", folder, 1);
	cr_expect_eq(listen_open(&self, name), -ENAMETOOLONG);
}

Test(listen, missing_folder_of_a_folder_refused)
{
	char name[100];

	snprintf(name, sizeof(name), "%s/a/b/s", folder);
	cr_expect_eq(listen_open(&self, name), -ENOENT);
}

/* Whether a client of the socket may send a descriptor along: 0 or -errno. */
static int send_descriptor(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .align = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { control.space, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), r;

	strcpy(address.sun_path, path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	r = sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(fd);
	return r;
}

Test(listen, no_client_can_send_a_descriptor)
{
	int off = 0, probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r = setsockopt(probe, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &off, sizeof(off));

	close(probe);
	if (r < 0)
		skip("needs Linux 6.16");
	cr_assert_eq(listen_open(&self, path), 0);
	cr_expect_eq(send_descriptor(), -EPERM);
	listen_close(&self);
}
