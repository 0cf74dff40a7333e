// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The private channel between supervisor and server, as bytes.  Owns nothing but the descriptors of
 * a message until it is handed over.  Must never hand on a message that is not exactly one of those
 * below, nor leave a descriptor open that it did not hand on.
 *
 * A packet: type (1), ok (1), length of the text (2), number (4), text; little-endian.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/channel.h"

#define HEAD 8

/* Room for more than the one that is allowed, so that surplus ones arrive and can be closed. */
#define FDS_MAX 4

struct kind {
	uint8_t type;
	bool fd;    /* exactly one descriptor comes with it; otherwise none */
	bool maybe; /* one or none */
	bool text;  /* may carry text; otherwise none */
};

static const struct kind kinds[] = {
	{ .type = CHANNEL_IMAGE, .fd = true, .text = true },
	{ .type = CHANNEL_BACKEND, .fd = true },
	{ .type = CHANNEL_RELOADED, .text = true },
	{ .type = CHANNEL_STOP },
	{ .type = CHANNEL_AUDIT, .maybe = true, .text = true },
	{ .type = CHANNEL_AUDIT_NOTE, .text = true },
	{ .type = CHANNEL_AUDIT_SPACE },
	{ .type = CHANNEL_TRIAL, .text = true },
	{ .type = CHANNEL_READY },
	{ .type = CHANNEL_RELOAD, .text = true },
	{ .type = CHANNEL_BACKEND_LOST },
	{ .type = CHANNEL_IMAGE_DONE },
	{ .type = CHANNEL_AUDIT_DONE },
	{ .type = CHANNEL_AUDIT_NOTED },
	{ .type = CHANNEL_CONFIRM, .text = true },
};

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static bool fits(uint8_t type, bool has_fd, size_t text_len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return (kinds[i].maybe || kinds[i].fd == has_fd) &&
			       (kinds[i].text || text_len == 0);
	return false;
}

static ssize_t send_with_fd(int channel, uint8_t *packet, size_t len, int fd)
{
	union control control = { 0 };
	struct iovec iov = { packet, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(channel, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Without sendmsg() where there is no descriptor: the server may not make that call. */
static ssize_t send_packet(int channel, uint8_t *packet, size_t len, int fd)
{
	if (fd >= 0)
		return send_with_fd(channel, packet, len, fd);
	return send(channel, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int channel_send(int channel, const struct channel_message *message)
{
	size_t len = strnlen(message->text, sizeof(message->text));
	uint8_t packet[HEAD + CHANNEL_TEXT_MAX] = { message->type, message->ok };
	ssize_t n;

	if (len > CHANNEL_TEXT_MAX || !fits(message->type, message->fd >= 0, len))
		return -EINVAL;
	packet[2] = (uint8_t)len;
	packet[3] = (uint8_t)(len >> 8);
	for (unsigned int i = 0; i < 4; i++)
		packet[4 + i] = (uint8_t)(message->number >> (8 * i));
	memcpy(packet + HEAD, message->text, len);
	do
		n = send_packet(channel, packet, HEAD + len, message->fd);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes all descriptors out of a message; returns how many there were. */
static size_t take_fds(struct msghdr *msg, int fds[FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count && n < FDS_MAX; i++, n++)
			memcpy(&fds[n], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

static int parse(const uint8_t *packet, size_t len, struct channel_message *messagep)
{
	size_t text_len;
	uint32_t number = 0;

	if (len < HEAD || packet[1] > 1)
		return -EPROTO;
	text_len = (size_t)packet[2] | (size_t)packet[3] << 8;
	if (text_len > CHANNEL_TEXT_MAX || len != HEAD + text_len ||
	    memchr(packet + HEAD, 0, text_len))
		return -EPROTO;
	for (unsigned int i = 0; i < 4; i++)
		number |= (uint32_t)packet[4 + i] << (8 * i);
	messagep->type = packet[0];
	messagep->ok = packet[1];
	messagep->number = number;
	memcpy(messagep->text, packet + HEAD, text_len);
	messagep->text[text_len] = '\0';
	return fits(packet[0], messagep->fd >= 0, text_len) ? 0 : -EPROTO;
}

int channel_receive(int channel, struct channel_message *messagep)
{
	uint8_t packet[HEAD + CHANNEL_TEXT_MAX];
	struct iovec iov = { packet, sizeof(packet) };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	int fds[FDS_MAX], r;
	size_t n_fds;
	ssize_t n;

	do
		n = recvmsg(channel, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	n_fds = take_fds(&msg, fds);
	if (n == 0 && n_fds == 0)
		return 0;
	messagep->fd = n_fds == 1 ? fds[0] : -1;
	r = n_fds > 1 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		    ? -EPROTO
		    : parse(packet, (size_t)n, messagep);
	if (r == 0)
		return 1;
	messagep->fd = -1;
	while (n_fds > 0)
		close(fds[--n_fds]);
	return r;
}
