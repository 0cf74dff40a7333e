// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who has the device, and what derived descriptors may: less and less, however they are passed on.
 * And virtual interrupts.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmctl_test.h"

/* ---- exclusive use -------------------------------------------------------------------------------- */

static void one_opener(void)
{
	int fd = open_device(), again;

	FAILS(EBUSY, open(DEVICE, O_RDWR));
	FAILS(EBUSY, open(DEVICE, O_RDWR | O_NONBLOCK));
	FAILS(EBUSY, open(DEVICE, O_RDONLY));
	CHECK(is_alive(fd));
	close(fd);
	again = open(DEVICE, O_RDWR);
	CHECK(again >= 0);
	close(again);
}

static void until_the_last_is_closed(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), second = dup(fd), derived = derive(fd, &mask), third;

	CHECK(derived >= 0);
	close(fd);
	FAILS(EBUSY, open(DEVICE, O_RDWR));
	close(second);
	FAILS(EBUSY, open(DEVICE, O_RDWR));
	third = derive(derived, &mask);
	close(derived);
	FAILS(EBUSY, open(DEVICE, O_RDWR));
	CHECK(is_alive(third));
	close(third);
	fd = open_device();
	close(fd);
}

static void killed_opener(void)
{
	int status, fd;
	pid_t pid = fork();

	if (!pid) {
		open_device();
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status));
	fd = open_device();
	close(fd);
}

/* ---- derived descriptors -------------------------------------------------------------------------- */

static void masked(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, OP_GET_PARTITION_STATUS, 0, 0);
	struct xmctl_call call = make_call(halt_partition_nr, OP_HALT_PARTITION);
	int fd = open_device(), derived = derive(fd, &mask);
	struct xmctl_call allowed;
	int64_t now;

	CHECK(derived >= 0 && fcntl(derived, F_GETFD) == FD_CLOEXEC);
	CHECK(is_alive(derived));
	allowed = time_call(&now);
	CHECK(ioctl(derived, XMCTL_CALL, &allowed) == 0 && allowed.result == 0);
	FAILS(EPERM, original(derived, halt_partition_nr, 1, 0, 0, 0));
	call.args[0] = 1;
	FAILS(EPERM, ioctl(derived, XMCTL_CALL, &call));
	CHECK(call.status == 0);
	/* One command of an object and not the other: the partition's status, not the system's. */
	CHECK(state_of(derived, 1) == XM_STATUS_READY);
	FAILS(EPERM,
	      original(derived, ctrl_object_nr, descriptor(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0),
		       0, word_of(&now), 0));
	/* Refused before the memory is looked at. */
	FAILS(EPERM,
	      original(derived, write_object_nr, descriptor(OBJ_CLASS_CONSOLE, 0, 0), 8, 1, 0));
	CHECK(original(derived, NR_HYPERCALLS, 0, 0, 0, 0) == 0);
	close(derived);
	close(fd);
}

/* What the operation is may stand in memory. */
static void selected(void)
{
	struct xmctl_derive mask = mask_of(OP_TRACE_EVENT, OP_GET_TIME, 0, 0);
	int fd = open_device(), derived = derive(fd, &mask);
	uint32_t bits = 1, own = descriptor(OBJ_CLASS_TRACE, 0, 0);
	xmTraceEvent_t event;

	memset(&event, 0, sizeof(event));
	event.opCodeH = XM_TRACE_WARNING << TRACE_OPCODE_CRIT_BIT;
	CHECK(original(derived, write_object_nr, own, word_of(&event), sizeof(event),
		       word_of(&bits)) >= 0);
	event.opCodeH = XM_TRACE_UNRECOVERABLE << TRACE_OPCODE_CRIT_BIT;
	FAILS(EPERM, original(derived, write_object_nr, own, word_of(&event), sizeof(event),
			      word_of(&bits)));
	CHECK(is_alive(derived));
	close(derived);
	close(fd);
}

static void only_narrows(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, OP_RESUME_PARTITION, 0, 0);
	struct xmctl_derive all = mask_of_all(), time = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), first = derive(fd, &mask), second = derive(first, &all);
	struct xmctl_info info;
	int third = derive(second, &time);

	CHECK(ioctl(second, XMCTL_INFO, &info) == 0);
	CHECK(!memcmp(info.mask, mask.mask, sizeof(info.mask)) && info.flags == XMCTL_INFO_DERIVED);
	FAILS(EPERM, original(second, halt_partition_nr, 1, 0, 0, 0));
	FAILS(-XM_NO_ACTION, original(second, resume_partition_nr, 1, 0, 0, 0));
	FAILS(EPERM, original(third, resume_partition_nr, 1, 0, 0, 0));
	CHECK(is_alive(third));
	CHECK(ioctl(third, XMCTL_NARROW, &all) == 0);
	FAILS(EPERM, original(third, resume_partition_nr, 1, 0, 0, 0));
	close(fd);
	FAILS(EPERM, original(second, halt_partition_nr, 1, 0, 0, 0));
	close(third);
	close(second);
	close(first);
}

/* What is taken away is gone for duplicates, and for what was derived before. */
static void narrow(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, OP_RESUME_PARTITION, 0, 0);
	struct xmctl_derive none = mask_of(0, 0, 0, 0), time = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), first = derive(fd, &mask), same = dup(first),
	    child = derive(first, &mask);

	FAILS(EPERM, ioctl(fd, XMCTL_NARROW, &none));
	CHECK(is_alive(fd));
	FAILS(-XM_NO_ACTION, original(child, resume_partition_nr, 1, 0, 0, 0));
	CHECK(ioctl(first, XMCTL_NARROW, &time) == 0);
	FAILS(EPERM, original(same, resume_partition_nr, 1, 0, 0, 0));
	FAILS(EPERM, original(child, resume_partition_nr, 1, 0, 0, 0));
	CHECK(is_alive(child));
	CHECK(ioctl(same, XMCTL_NARROW, &none) == 0);
	FAILS(EPERM, ioctl(first, _IO('X', idle_self_nr), &none));
	CHECK(!is_alive(child) && is_alive(fd));
	close(child);
	close(same);
	close(first);
	close(fd);
}

static void refused_derivations(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), chain[10], n = 0;

	mask.flags = 2;
	FAILS(EINVAL, derive(fd, &mask));
	mask.flags = 0;
	mask.reserved = 1;
	FAILS(EINVAL, derive(fd, &mask));
	FAILS(EINVAL, ioctl(fd, XMCTL_NARROW, &mask));
	mask.reserved = 0;
	FAILS(EFAULT, derive(fd, NULL));
	FAILS(EFAULT, ioctl(fd, XMCTL_NARROW, NULL));
	chain[0] = derive(fd, &mask);
	mask.flags = XMCTL_DERIVE_EVENTS;
	FAILS(EINVAL, ioctl(chain[0], XMCTL_NARROW, &mask));
	FAILS(EOPNOTSUPP, derive(chain[0], &mask));
	mask.flags = 0;
	while (n < 9 && chain[n] >= 0) {
		n++;
		errno = 0;
		chain[n] = derive(chain[n - 1], &mask);
	}
	CHECK(n == 8 && errno == EMLINK);
	CHECK(is_alive(chain[7]));
	while (n--)
		close(chain[n]);
	close(fd);
}

static int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -1;
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Another process, another user, through a socket: what it may do is the same. */
static void passed_on(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0), all = mask_of_all();
	int fd = open_device(), derived = derive(fd, &mask), pair[2], status = -1;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	pid = fork();
	if (!pid) {
		int got, wider;

		close(fd);
		close(derived);
		if (setuid(65534))
			_exit(1);
		got = receive_fd(pair[1]);
		wider = derive(got, &all);
		if (!is_alive(got) || !is_alive(wider))
			_exit(2);
		if (original(got, halt_partition_nr, 1, 0, 0, 0) != -1 || errno != EPERM)
			_exit(3);
		if (original(wider, halt_partition_nr, 1, 0, 0, 0) != -1 || errno != EPERM)
			_exit(4);
		if (open(DEVICE, O_RDWR) != -1 || errno != EACCES)
			_exit(5);
		_exit(0);
	}
	CHECK(send_fd(pair[0], derived) == 0);
	close(derived);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(state_of(fd, 1) == XM_STATUS_READY);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

/* In nobody's hands, but on the way to somebody: device and module are in use. */
static void on_its_way(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), derived = derive(fd, &mask), pair[2], got;

	close(fd);
	FAILS(EAGAIN, syscall(SYS_delete_module, "xmctl", O_NONBLOCK));
	CHECK(is_alive(derived));
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	CHECK(send_fd(pair[0], derived) == 0);
	close(derived);
	FAILS(EAGAIN, syscall(SYS_delete_module, "xmctl", O_NONBLOCK));
	FAILS(EBUSY, open(DEVICE, O_RDWR));
	got = receive_fd(pair[1]);
	CHECK(is_alive(got));
	CHECK(send_fd(pair[0], got) == 0);
	close(got);
	close(pair[0]);
	FAILS(EBUSY, open(DEVICE, O_RDWR));
	/* Never received. */
	close(pair[1]);
	close(open_device());
}

const struct test derive_tests[] = {
	{ "one opener", one_opener },
	{ "busy until the last is closed", until_the_last_is_closed },
	{ "opener that was killed", killed_opener },
	{ "masked", masked },
	{ "masked by what stands in memory", selected },
	{ "deriving only narrows", only_narrows },
	{ "narrowing in place", narrow },
	{ "refused derivations", refused_derivations },
	{ "passed on", passed_on },
	{ "on its way", on_its_way },
	{ NULL, NULL },
};

/* ---- virtual interrupts --------------------------------------------------------------------------- */

static void raise_interrupt(int fd, uint32_t hw, uint32_t ext, bool set)
{
	struct xmctl_call call = make_call(set ? set_irqpend_nr : clear_irqpend_nr,
					   set ? OP_SET_IRQPEND : OP_CLEAR_IRQPEND);

	call.args[0] = hw;
	call.args[1] = ext;
	CHECK(ioctl(fd, XMCTL_CALL, &call) == 0 && call.result == 0);
}

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void on_alarm(int number)
{
	(void)number;
}

/* The module of this test was loaded with machine=1, or there is no way to make one pending. */
static void delivered(void)
{
	struct xmctl_derive mask = mask_of(OP_GET_TIME, 0, 0, 0);
	int fd = open_device(), with, without;
	void *volatile nowhere = (void *)8;
	uint64_t got = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	mask.flags = XMCTL_DERIVE_EVENTS;
	with = derive(fd, &mask);
	mask.flags = 0;
	without = derive(fd, &mask);
	fcntl(with, F_SETFL, O_NONBLOCK);
	CHECK(polled(fd) == 0);
	FAILS(EAGAIN, read(fd, &got, sizeof(got)));
	raise_interrupt(fd, 0x8, 0x1000000, true);
	CHECK(polled(fd) == POLLIN && polled(with) == POLLIN && polled(without) == POLLERR);
	FAILS(EINVAL, read(fd, &got, 7));
	FAILS(EFAULT, read(fd, nowhere, 8));
	CHECK(read(fd, &got, sizeof(got)) == 8 && got == 0x801000000ULL);
	FAILS(EAGAIN, read(fd, &got, sizeof(got)));
	/* Each has its own. */
	CHECK(read(with, &got, sizeof(got)) == 8 && got == 0x801000000ULL);
	FAILS(EOPNOTSUPP, read(without, &got, sizeof(got)));
	raise_interrupt(fd, 0, 3, true);
	raise_interrupt(fd, 0, 1, false);
	CHECK(read(fd, &got, sizeof(got)) == 8 && got == 2);
	close(without);
	close(with);
	close(fd);
}

static void interrupted_wait(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	int fd = open_device();
	uint64_t got;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	FAILS(EINTR, read(fd, &got, sizeof(got)));
	close(fd);
}

static void awaited(void)
{
	int fd = open_device();
	uint64_t got = 0;
	pid_t pid = fork();

	if (!pid) {
		usleep(20000);
		raise_interrupt(fd, 0, 0x20, true);
		_exit(0);
	}
	CHECK(read(fd, &got, sizeof(got)) == 8 && got == 0x20);
	waitpid(pid, NULL, 0);
	close(fd);
}

const struct test event_tests[] = {
	{ "delivered", delivered },
	{ "waiting ends with a signal", interrupted_wait },
	{ "waiting ends with an interrupt", awaited },
	{ NULL, NULL },
};
