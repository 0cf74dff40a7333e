// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identity from the kernel, message by message.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/identity.h"

static const struct identity_overflow nobody = { 65534, 65534 };
static struct identity id;
static struct identity_message message;
static uint8_t buf[64];
static int ours, theirs;

static void setup(void)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ours = fds[0];
	theirs = fds[1];
	cr_assert_eq(identity_want_credentials(ours), 0);
	cr_assert_eq(identity_read(ours, nobody, &id), 0);
}

static void teardown(void)
{
	identity_deinit(&id);
	close(ours);
	close(theirs);
}

TestSuite(identity, .init = setup, .fini = teardown);

static int receive(void)
{
	return identity_receive(ours, &id, buf, sizeof(buf), &message);
}

static unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

Test(identity, is_that_of_the_peer)
{
	cr_expect_eq(id.uid, geteuid());
	cr_expect_eq(id.gid, getegid());
	cr_expect_eq(id.pid, getpid());
	cr_expect_not(id.overflow);
}

Test(identity, has_the_primary_and_the_supplementary_groups_sorted_and_once)
{
	gid_t list[] = { 40, 20, 20, 30 };
	int fds[2];
	struct identity other;
	bool primary = false;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	cr_assert_eq(setgroups(4, list), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	cr_assert_eq(identity_read(fds[0], nobody, &other), 0);
	cr_expect_eq(other.n_gids, 4);
	for (uint32_t i = 0; i < other.n_gids; i++) {
		primary |= other.gids[i] == getegid();
		cr_expect(i == 0 || other.gids[i - 1] < other.gids[i]);
	}
	cr_expect(primary);
	identity_deinit(&other);
}

Test(identity, reads_more_groups_than_fit_at_first)
{
	gid_t list[1000];
	int fds[2];
	struct identity other;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	for (gid_t i = 0; i < 1000; i++)
		list[i] = 5000 + i;
	cr_assert_eq(setgroups(1000, list), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	cr_assert_eq(identity_read(fds[0], nobody, &other), 0);
	cr_expect_eq(other.n_gids, 1001);
	cr_expect_eq(identity_memory(&other), 1001 * sizeof(uint32_t));
	identity_deinit(&other);
}

/* So many that to read them at every connection would cost others time. */
Test(identity, too_many_groups_are_refused)
{
	static gid_t list[IDENTITY_GROUPS_MAX + 1];
	int fds[2];
	struct identity other;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	for (gid_t i = 0; i < IDENTITY_GROUPS_MAX + 1; i++)
		list[i] = 5000 + i;
	cr_assert_eq(setgroups(IDENTITY_GROUPS_MAX + 1, list), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	cr_expect_eq(identity_read(fds[0], nobody, &other), -ERANGE);
	cr_assert_eq(setgroups(IDENTITY_GROUPS_MAX, list), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	cr_assert_eq(identity_read(fds[0], nobody, &other), 0);
	identity_deinit(&other);
}

Test(identity, knows_the_overflow_uid)
{
	struct identity_overflow overflow = { geteuid(), 65534 };
	struct identity other;

	cr_assert_eq(identity_read(ours, overflow, &other), 0);
	cr_expect(other.overflow);
	identity_deinit(&other);
}

Test(identity, knows_the_overflow_gid)
{
	struct identity_overflow overflow = { 65534, getegid() };
	struct identity other;

	cr_assert_eq(identity_read(ours, overflow, &other), 0);
	cr_expect(other.overflow);
	identity_deinit(&other);
}

Test(identity, a_message_of_the_peer_is_received)
{
	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	cr_expect_eq(receive(), 0);
	cr_expect_eq(message.len, 5);
	cr_expect_not(message.end);
	cr_expect_eq(receive(), -EAGAIN);
}

Test(identity, the_end_is_told_apart_from_an_empty_message)
{
	cr_assert_eq(send(theirs, "", 0, 0), 0);
	cr_expect_eq(receive(), -EPROTO);
	close(theirs);
	cr_expect_eq(receive(), 0);
	cr_expect(message.end);
}

Test(identity, a_message_that_is_too_long_is_refused)
{
	uint8_t big[sizeof(buf) + 1] = { 0 };

	cr_assert_eq(send(theirs, big, sizeof(big), 0), (ssize_t)sizeof(big));
	cr_expect_eq(receive(), -EPROTO);
}

static void send_descriptors(int n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	struct cmsghdr *c;

	msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &theirs, sizeof(int));
	cr_assert_eq(sendmsg(theirs, &msg, 0), 1);
}

Test(identity, a_passed_descriptor_is_refused_and_never_installed)
{
	unsigned int before = open_descriptors();

	send_descriptors(1);
	cr_expect_eq(receive(), -EPROTO);
	send_descriptors(8);
	cr_expect_eq(receive(), -EPROTO);
	cr_expect_eq(open_descriptors(), before);
}

Test(identity, a_message_without_credentials_is_refused)
{
	int off = 0;

	cr_assert_eq(setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off)), 0);
	cr_assert_eq(send(theirs, "hello", 5, 0), 5);
	cr_expect_eq(receive(), -EACCES);
}

static void send_as(uid_t uid, gid_t gid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 &&
		    send(theirs, "hello", 5, 0) == 5)
			_exit(0);
		_exit(1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(identity, a_message_of_another_user_through_a_passed_descriptor_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	send_as(12345, getegid());
	cr_expect_eq(receive(), -EACCES);
}

Test(identity, a_message_of_another_group_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	send_as(0, 12345);
	cr_expect_eq(receive(), -EACCES);
}

Test(identity, a_message_of_another_process_of_the_same_identity_is_received)
{
	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	send_as(0, 0);
	cr_expect_eq(receive(), 0);
}

Test(identity, the_process_that_connected_is_known_to_live)
{
	int r = identity_process_lives(ours);

	cr_expect(r == 1 || r == -ENOPROTOOPT);
}
