// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernel-attested identity.  Owns the checks on SO_PEERCRED, SO_PEERGROUPS and SCM_CREDENTIALS.  Must
 * never take who somebody is from what they say, and never let a passed descriptor in.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/identity.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int identity_want_credentials(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Not qsort(): for a long list it asks for the size of the machine, which the box forbids. */
static void sift_down(uint32_t *a, uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		uint32_t value = a[at];

		if (child + 1 < n && a[child + 1] > a[child])
			child++;
		if (a[child] <= value)
			return;
		a[at] = a[child];
		a[child] = value;
	}
}

static void heap_sort(uint32_t *a, uint32_t n)
{
	for (uint32_t i = n / 2; i > 0; i--)
		sift_down(a, i - 1, n);
	while (n > 1) {
		uint32_t last = a[--n];

		a[n] = a[0];
		a[0] = last;
		sift_down(a, 0, n);
	}
}

static void sort_gids(struct identity *identity)
{
	uint32_t n = 0;

	heap_sort(identity->gids, identity->n_gids);
	for (uint32_t i = 0; i < identity->n_gids; i++)
		if (!n || identity->gids[n - 1] != identity->gids[i])
			identity->gids[n++] = identity->gids[i];
	identity->n_gids = n;
}

/* The supplementary groups, with room for one more in front. */
static int read_groups(int fd, uint32_t **gidsp, uint32_t *n_gidsp)
{
	socklen_t len = 64 * sizeof(gid_t);

	for (int i = 0; i < 2; i++) {
		uint32_t *gids = malloc(sizeof(*gids) + len);

		if (!gids)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids + 1, &len) == 0) {
			*gidsp = gids;
			*n_gidsp = len / sizeof(gid_t);
			return 0;
		}
		free(gids);
		if (errno != ERANGE || len > IDENTITY_GROUPS_MAX * sizeof(gid_t))
			return -errno;
	}
	return -ERANGE;
}

int identity_read(int fd, struct identity_overflow overflow, struct identity *identityp)
{
	struct identity id = { 0 };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uint32_t *fitted;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	r = read_groups(fd, &id.gids, &id.n_gids);
	if (r < 0)
		return r;
	id.uid = cred.uid;
	id.gid = cred.gid;
	id.pid = cred.pid;
	id.overflow = cred.uid == overflow.uid || cred.gid == overflow.gid;
	id.gids[0] = cred.gid;
	id.n_gids++;
	sort_gids(&id);
	fitted = realloc(id.gids, id.n_gids * sizeof(*fitted));
	if (fitted)
		id.gids = fitted;
	*identityp = id;
	return 0;
}

void identity_deinit(struct identity *identity)
{
	free(identity->gids);
	identity->gids = NULL;
	identity->n_gids = 0;
}

size_t identity_memory(const struct identity *identity)
{
	return identity->n_gids * sizeof(identity->gids[0]);
}

int identity_process_lives(int fd)
{
	struct pollfd p = { .events = POLLIN };
	socklen_t len = sizeof(p.fd);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &p.fd, &len) < 0)
		return errno == ESRCH ? 0 : -errno;
	r = poll(&p, 1, 0);
	close(p.fd);
	return r == 0;
}

/* Closes descriptors that came in spite of the buffer that has no room for one. */
static void close_passed(const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		close(fd);
	}
}

/* Exactly one control message, and that the credentials of the session. */
static int check_control(struct msghdr *msg, const struct identity *identity)
{
	struct ucred cred;
	int n_creds = 0, n_other = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(cred))) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			n_creds++;
			continue;
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			close_passed(c);
		n_other++;
	}
	if (n_other || (msg->msg_flags & MSG_CTRUNC))
		return -EPROTO;
	if (n_creds != 1 || cred.uid != identity->uid || cred.gid != identity->gid)
		return -EACCES;
	return 0;
}

/* Room for the credentials and not one byte more: a descriptor does not fit and is dropped by the
 * kernel, which says so with MSG_CTRUNC. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
};

int identity_peek(int fd)
{
	union control control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	bool other;

	if (recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	other = msg.msg_flags & MSG_CTRUNC;
	if (msg.msg_controllen == 0 && !(msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		/* What is queued keeps its references: these are never the last. */
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			close_passed(c);
		other |= c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS;
	}
	return other ? -EPROTO : 1;
}

int identity_receive(int fd, const struct identity *identity, uint8_t *buf, size_t cap,
		     struct identity_message *messagep)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int r;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0 && msg.msg_controllen == 0 && !(msg.msg_flags & MSG_CTRUNC)) {
		*messagep = (struct identity_message){ .end = true };
		return 0;
	}
	r = check_control(&msg, identity);
	if (r < 0)
		return r;
	if (n == 0 || (msg.msg_flags & MSG_TRUNC))
		return -EPROTO;
	*messagep = (struct identity_message){ .len = (size_t)n };
	return 0;
}
