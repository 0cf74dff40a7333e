// SPDX-License-Identifier: LGPL-2.1-or-later
/* The private channel: what is sent arrives, and what is malformed leaves nothing behind. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/channel.h"

static int pair[2];
static struct channel_message message;

static void set_up(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	memset(&message, 0, sizeof(message));
	message.fd = -1;
}

static void tear_down(void)
{
	close(pair[0]);
	close(pair[1]);
}

TestSuite(channel, .init = set_up, .fini = tear_down);

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Sends raw bytes with `n_fds` copies of stderr. */
static void send_raw(const void *bytes, size_t len, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds) {
		struct cmsghdr *cmsg;
		int fds[8];

		for (size_t i = 0; i < n_fds; i++)
			fds[i] = STDERR_FILENO;
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	cr_assert_eq(sendmsg(pair[0], &msg, 0), (ssize_t)len);
}

static void expect_refused(const void *bytes, size_t len, size_t n_fds)
{
	size_t before = count_fds();

	send_raw(bytes, len, n_fds);
	cr_expect_eq(channel_receive(pair[1], &message), -EPROTO);
	cr_expect_eq(message.fd, -1);
	cr_expect_eq(count_fds(), before, "a descriptor was left open");
}

Test(channel, text_arrives)
{
	struct channel_message got;

	message.type = CHANNEL_RELOADED;
	message.ok = true;
	message.number = 0xfedcba98;
	memset(message.text, 'x', CHANNEL_TEXT_MAX);
	cr_assert_eq(channel_send(pair[0], &message), 0);
	cr_assert_eq(channel_receive(pair[1], &got), 1);
	cr_expect_eq(got.type, CHANNEL_RELOADED);
	cr_expect(got.ok);
	cr_expect_eq(got.number, 0xfedcba98);
	cr_expect_eq(got.fd, -1);
	cr_expect_str_eq(got.text, message.text);
}

Test(channel, descriptor_arrives_close_on_exec)
{
	struct channel_message got;

	message.type = CHANNEL_IMAGE;
	message.fd = STDERR_FILENO;
	message.number = 7;
	cr_assert_eq(channel_send(pair[0], &message), 0);
	cr_assert_eq(channel_receive(pair[1], &got), 1);
	cr_expect_eq(got.number, 7);
	cr_assert_geq(got.fd, 0);
	cr_expect_eq(fcntl(got.fd, F_GETFD), FD_CLOEXEC);
	close(got.fd);
}

Test(channel, order_is_kept)
{
	struct channel_message got;

	message.type = CHANNEL_RELOAD;
	for (message.number = 0; message.number < 5; message.number++)
		cr_assert_eq(channel_send(pair[0], &message), 0);
	for (uint32_t i = 0; i < 5; i++) {
		cr_assert_eq(channel_receive(pair[1], &got), 1);
		cr_expect_eq(got.number, i);
	}
	cr_expect_eq(channel_receive(pair[1], &got), -EAGAIN);
}

Test(channel, closed_side_shows)
{
	close(pair[0]);
	pair[0] = -1;
	cr_expect_eq(channel_receive(pair[1], &message), 0);
	message.type = CHANNEL_READY;
	cr_expect_eq(channel_send(pair[1], &message), -EPIPE);
}

Test(channel, closed_with_unread_shows)
{
	message.type = CHANNEL_READY;
	cr_assert_eq(channel_send(pair[1], &message), 0);
	close(pair[0]);
	pair[0] = -1;
	cr_expect_eq(channel_receive(pair[1], &message), 0);
}

Test(channel, reader_that_sleeps)
{
	int r = 0;

	message.type = CHANNEL_READY;
	for (int i = 0; i < 100000 && r == 0; i++)
		r = channel_send(pair[0], &message);
	cr_expect_eq(r, -EAGAIN);
}

Test(channel, sender_refuses_unknown_type)
{
	message.type = 99;
	cr_expect_eq(channel_send(pair[0], &message), -EINVAL);
}

Test(channel, sender_refuses_missing_descriptor)
{
	message.type = CHANNEL_IMAGE;
	cr_expect_eq(channel_send(pair[0], &message), -EINVAL);
}

Test(channel, sender_refuses_surplus_descriptor)
{
	message.type = CHANNEL_STOP;
	message.fd = STDERR_FILENO;
	cr_expect_eq(channel_send(pair[0], &message), -EINVAL);
}

/* There may be no audit log: then neither comes. */
Test(channel, audit_log_comes_with_a_descriptor_or_without)
{
	struct channel_message back;

	message.type = CHANNEL_AUDIT;
	cr_assert_eq(channel_send(pair[0], &message), 0);
	cr_assert_eq(channel_receive(pair[1], &back), 1);
	cr_assert_eq(back.fd, -1);
	message.fd = STDERR_FILENO;
	strcpy(message.text, "seq=1");
	cr_assert_eq(channel_send(pair[0], &message), 0);
	cr_assert_eq(channel_receive(pair[1], &back), 1);
	cr_assert_geq(back.fd, 0);
	close(back.fd);
}

Test(channel, answers_about_the_audit_log_carry_nothing)
{
	expect_refused((uint8_t[8]){ CHANNEL_AUDIT_DONE, 1 }, 8, 1);
	expect_refused((uint8_t[8]){ CHANNEL_AUDIT_NOTED, 1 }, 8, 1);
	expect_refused((uint8_t[9]){ CHANNEL_AUDIT_DONE, 1, 1, 0, 0, 0, 0, 0, 'x' }, 9, 0);
	expect_refused((uint8_t[9]){ CHANNEL_AUDIT_NOTED, 1, 1, 0, 0, 0, 0, 0, 'x' }, 9, 0);
}

Test(channel, unknown_type_refused)
{
	expect_refused((uint8_t[8]){ 99 }, 8, 0);
}

Test(channel, short_header_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_READY }, 7, 0);
}

Test(channel, trailing_byte_refused)
{
	expect_refused((uint8_t[9]){ CHANNEL_READY }, 9, 0);
}

Test(channel, boolean_other_than_0_and_1_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_READY, 2 }, 8, 0);
}

Test(channel, length_that_lies_refused)
{
	expect_refused((uint8_t[9]){ CHANNEL_RELOADED, 0, 2, 0, 0, 0, 0, 0, 'x' }, 9, 0);
}

Test(channel, text_where_none_belongs_refused)
{
	expect_refused((uint8_t[9]){ CHANNEL_READY, 0, 1, 0, 0, 0, 0, 0, 'x' }, 9, 0);
}

Test(channel, nul_in_text_refused)
{
	expect_refused((uint8_t[9]){ CHANNEL_RELOADED, 0, 1, 0, 0, 0, 0, 0, 0 }, 9, 0);
}

Test(channel, too_long_refused)
{
	static uint8_t bytes[8 + CHANNEL_TEXT_MAX + 1];

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, (uint8_t[8]){ CHANNEL_RELOADED, 0, 1, 0x20 }, 8);
	expect_refused(bytes, sizeof(bytes), 0);
}

Test(channel, descriptor_where_none_belongs_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_READY }, 8, 1);
}

Test(channel, missing_descriptor_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_BACKEND }, 8, 0);
}

Test(channel, two_descriptors_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_READY }, 8, 2);
}

Test(channel, more_descriptors_than_fit_refused)
{
	expect_refused((uint8_t[8]){ CHANNEL_READY }, 8, 8);
}
