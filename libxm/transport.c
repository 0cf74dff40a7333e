// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Packets to and from the broker.  Owns nothing: descriptors belong to the caller.  Must never send a
 * packet twice, and never trust one before the codec has.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/transport.h"

void transport_ids_get(struct transport_ids *ids)
{
	uid_t suid;
	gid_t sgid;

	getresuid(&ids->ruid, &ids->euid, &suid);
	getresgid(&ids->rgid, &ids->egid, &sgid);
}

union credentials {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(struct ucred))];
};

/*
 * The broker compares the identity of connect(), which is the effective one, with that of every
 * message, which by default is the real one.  Where they differ, say the effective one: the kernel
 * checks that it is true.
 */
static void attach_credentials(struct msghdr *msg, union credentials *control,
			       const struct transport_ids *ids)
{
	struct ucred ucred = { .pid = getpid(), .uid = ids->euid, .gid = ids->egid };

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->space;
	msg->msg_controllen = sizeof(control->space);
	control->head.cmsg_level = SOL_SOCKET;
	control->head.cmsg_type = SCM_CREDENTIALS;
	control->head.cmsg_len = CMSG_LEN(sizeof(ucred));
	memcpy(CMSG_DATA(&control->head), &ucred, sizeof(ucred));
}

int transport_send(int fd, const struct transport_ids *ids, const uint8_t *msg, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	struct msghdr packet = { .msg_iov = &iov, .msg_iovlen = 1 };
	union credentials control;
	ssize_t n;

	if (ids->ruid != ids->euid || ids->rgid != ids->egid)
		attach_credentials(&packet, &control, ids);
	do
		n = sendmsg(fd, &packet, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static ssize_t receive(int fd, uint8_t *msg, size_t cap, int flags)
{
	struct iovec iov = { msg, cap };
	struct msghdr packet = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = recvmsg(fd, &packet, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* Descriptors, which nobody asked for, show as truncated control data; the kernel drops them. */
	return packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : n;
}

ssize_t transport_receive(int fd, uint8_t *msg, size_t cap)
{
	return receive(fd, msg, cap, 0);
}

ssize_t transport_receive_now(int fd, uint8_t *msg, size_t cap)
{
	return receive(fd, msg, cap, MSG_DONTWAIT);
}
