// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The undertaker: takes over sockets that hold messages with descriptors, and discards them by
 * ending.  Owns its process and both ends of the channel.  The process that lives on must never
 * receive a descriptor; one that has received any must never close it before it ends.
 *
 * The channel carries messages of one byte: one with a socket, when the server has closed its own
 * reference one without.  Only after the second may a worker end, for otherwise the server's close()
 * might be the last one.  A worker takes many sockets, one after the other.  With CLONE_VFORK the
 * undertaker sleeps until the worker's memory is gone, which is when it ends and before its
 * descriptors go: there is always one worker that receives, and others that are busy ending.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/box.h"
#include "xmbroker/identity.h"
#include "xmbroker/log.h"
#include "xmbroker/undertaker.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define WORKER_MESSAGES 128 /* of which every other brings a descriptor: below any limit of them */
#define WORKERS_MAX 32
#define RETRY_MS 100
#define HAND_OVER_MS 1000
#define DRAIN_MAX 64

enum { SOCKET_TAKEN = 1, SOCKET_CLOSED = 2 };
enum worker_status { WORKER_DONE, WORKER_END };

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- the process ----------------------------------------------------------------------------------- */

/* SOCKET_*, or 0 at the end, or -errno. */
static int take(int channel, int flags)
{
	union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(channel, &msg, flags | MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n < 0 ? -errno : 0;
	return msg.msg_controllen ? SOCKET_TAKEN : SOCKET_CLOSED;
}

static enum worker_status work(int channel)
{
	int r = take(channel, 0);

	for (unsigned int n = 1; r > 0; n++) {
		if (r == SOCKET_CLOSED && n >= WORKER_MESSAGES)
			return WORKER_DONE;
		r = take(channel, r == SOCKET_CLOSED ? MSG_DONTWAIT : 0);
	}
	return r == -EAGAIN ? WORKER_DONE : WORKER_END;
}

/* A worker that was killed for want of memory is replaced. */
static bool is_end(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) != WORKER_DONE;
	return WTERMSIG(status) != SIGKILL;
}

static _Noreturn void run(int channel)
{
	unsigned int n = 0;

	for (;;) {
		int status;
		pid_t pid;

		while (waitpid(-1, &status, n < WORKERS_MAX ? WNOHANG : 0) > 0) {
			n--;
			if (is_end(status))
				_exit(0);
		}
		/* Not fork(): it would need more system calls than this one. */
		pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(work(channel));
		if (pid > 0)
			n++;
		else
			poll(NULL, 0, RETRY_MS);
	}
}

static int keep_only(int channel)
{
	if (syscall(SYS_close_range, 0, STDERR_FILENO - 1, 0) < 0 ||
	    (channel > STDERR_FILENO + 1 &&
	     syscall(SYS_close_range, STDERR_FILENO + 1, channel - 1, 0) < 0) ||
	    syscall(SYS_close_range, channel + 1, UINT32_MAX, 0) < 0)
		return -errno;
	return 0;
}

static _Noreturn void become_undertaker(int channel, pid_t server)
{
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != server)
		_exit(1);
	prctl(PR_SET_NAME, "xmbroker-grave", 0, 0, 0);
	r = keep_only(channel);
	if (r == 0)
		r = box_confine(BOX_UNDERTAKER);
	if (r < 0) {
		log_error("undertaker: %s", strerror(-r));
		_exit(1);
	}
	run(channel);
}

bool undertaker_is_needed(int listener)
{
	int off = 0;

	return setsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) < 0;
}

int undertaker_start(int channel, struct undertaker *undertakerp)
{
	pid_t self = getpid(), pid;
	int pair[2], moved, r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	moved = fcntl(pair[0], F_DUPFD_CLOEXEC, channel);
	if (moved < 0)
		r = -errno;
	else if (moved != channel)
		r = -EBUSY;
	close(pair[0]);
	pid = r == 0 ? fork() : 0;
	if (r == 0 && pid == 0)
		become_undertaker(pair[1], self);
	if (r == 0 && pid < 0)
		r = -errno;
	close(pair[1]);
	if (r == 0)
		*undertakerp = (struct undertaker){ channel, pid };
	else if (moved >= 0)
		close(moved);
	return r;
}

/* ---- the server's side ----------------------------------------------------------------------------- */

static int send_once(int channel, const struct msghdr *msg)
{
	return sendmsg(channel, msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* With a descriptor, or -1. */
static int tell(int channel, int fd)
{
	struct pollfd room = { .fd = channel, .events = POLLOUT };
	union control control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
					     .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS } };
	char byte = 'u';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int r;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	r = send_once(channel, &msg);
	if (r == -EAGAIN && poll(&room, 1, HAND_OVER_MS) > 0)
		r = send_once(channel, &msg);
	return r;
}

void undertaker_bury(int channel, int fd)
{
	int r;

	/* Whatever the undertaker is busy with, the client sees the end now. */
	shutdown(fd, SHUT_RDWR);
	r = tell(channel, fd);
	close(fd);
	if (r == 0)
		r = tell(channel, -1);
	if (r < 0)
		log_client("cannot leave a connection to the undertaker: %s", strerror(-r));
}

void undertaker_close(int channel, int fd)
{
	int r = 1;

	/* After it no more can come, so that the queue is what it is. */
	shutdown(fd, SHUT_RD);
	for (unsigned int i = 0; i < DRAIN_MAX; i++) {
		r = identity_peek(fd);
		if (r == 0 || r == -EAGAIN) {
			close(fd);
			return;
		}
		/* That a client closed without reading is said once, before what it has sent. */
		if (r == -ECONNRESET)
			continue;
		if (r < 0 || recv(fd, NULL, 0, MSG_DONTWAIT) < 0)
			break;
	}
	undertaker_bury(channel, fd);
}
