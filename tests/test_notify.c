// SPDX-License-Identifier: LGPL-2.1-or-later
/* The service manager's protocols, with a service manager made of two sockets. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/notify.h"

/* A datagram socket in the abstract name space of this test's process. */
static int make_manager(char *name, size_t cap)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(name, cap, "@test_notify.%d", (int)getpid());

	cr_assert_geq(fd, 0);
	memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
		     0);
	return fd;
}

Test(notify, message_arrives)
{
	char name[64], text[64] = "";
	int fd = make_manager(name, sizeof(name));

	setenv("NOTIFY_SOCKET", name, 1);
	notify_init();
	cr_assert_eq(notify_send("READY=1\nSTATUS=generation %d", 7), 0);
	cr_assert_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
	cr_expect_str_eq(text, "READY=1\nSTATUS=generation 7");
	close(fd);
}

Test(notify, path_socket)
{
	char folder[] = "/tmp/test_notify.XXXXXX", text[16] = "";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_not_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	notify_init();
	cr_expect_eq(notify_send("READY=1"), 0);
	cr_expect_eq(recv(fd, text, sizeof(text) - 1, 0), 7);
	unlink(address.sun_path);
	rmdir(folder);
	close(fd);
}

Test(notify, nobody_listens)
{
	unsetenv("NOTIFY_SOCKET");
	notify_init();
	cr_expect_eq(notify_send("READY=1"), 0);
}

Test(notify, manager_is_gone)
{
	setenv("NOTIFY_SOCKET", "@test_notify_nobody_is_here", 1);
	notify_init();
	cr_expect_eq(notify_send("READY=1"), -ECONNREFUSED);
}

Test(notify, strange_address_refused)
{
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	notify_init();
	cr_expect_eq(notify_send("READY=1"), -EINVAL);
}

Test(notify, overlong_address_refused)
{
	char path[300];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	notify_init();
	cr_expect_eq(notify_send("READY=1"), -EINVAL);
}

Test(notify, environment_is_cleared)
{
	setenv("NOTIFY_SOCKET", "@x", 1);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "x", 1);
	notify_init();
	cr_expect_null(getenv("NOTIFY_SOCKET"));
	cr_expect_null(getenv("LISTEN_PID"));
	cr_expect_null(getenv("LISTEN_FDS"));
	cr_expect_null(getenv("LISTEN_FDNAMES"));
}

/* ---- passed sockets ------------------------------------------------------------------------------------ */

/* In a child with `fd` as descriptor 3: what notify_take_socket() says, 9 for a surprise. */
static int take(int fd, const char *pid, const char *count)
{
	char own[16];
	int status, got = -1, r;
	pid_t child = fork();

	if (child == 0) {
		if (fd >= 0 && dup2(fd, 3) < 0)
			_exit(9);
		snprintf(own, sizeof(own), "%d", (int)getpid());
		setenv("LISTEN_PID", pid ? pid : own, 1);
		setenv("LISTEN_FDS", count, 1);
		notify_init();
		r = notify_take_socket(&got);
		if (r == 1 && (got != 3 || fcntl(3, F_GETFD) != FD_CLOEXEC ||
			       !(fcntl(3, F_GETFL) & O_NONBLOCK)))
			_exit(9);
		_exit(r == -EINVAL ? 2 : r);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int make_listener(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, &(struct sockaddr){ AF_UNIX, "" }, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

Test(notify, listening_socket_is_taken)
{
	int fd = make_listener(SOCK_SEQPACKET);

	cr_expect_eq(take(fd, NULL, "1"), 1);
	close(fd);
}

Test(notify, socket_for_another_process_is_not)
{
	int fd = make_listener(SOCK_SEQPACKET);

	cr_expect_eq(take(fd, "1", "1"), 0);
	close(fd);
}

Test(notify, two_sockets_refused)
{
	int fd = make_listener(SOCK_SEQPACKET);

	cr_expect_eq(take(fd, NULL, "2"), 2);
	close(fd);
}

Test(notify, stream_socket_refused)
{
	int fd = make_listener(SOCK_STREAM);

	cr_expect_eq(take(fd, NULL, "1"), 2);
	close(fd);
}

Test(notify, socket_that_does_not_listen_refused)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	cr_expect_eq(take(fd, NULL, "1"), 2);
	close(fd);
}

Test(notify, file_refused)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_expect_eq(take(fd, NULL, "1"), 2);
	close(fd);
}

Test(notify, none_passed)
{
	cr_expect_eq(take(-1, NULL, "0"), 0);
}
