// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * System calls in the box: each case runs in a child that confines itself, does one thing and is then
 * looked at.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/box_rig.h"

static void expect_killed(int (*act)(const struct fds *fds), const char *what)
{
	static const enum box_role roles[] = { BOX_SERVER, BOX_SIM };

	for (size_t i = 0; i < 2; i++) {
		int status = confined(roles[i], act);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			  "%s in role %d: status %#x", what, roles[i], (unsigned int)status);
	}
}

/* What the sanitizers' runtime tries on its own fails there instead of killing. */
static void expect_killed_or_refused(int (*act)(const struct fds *fds), const char *what)
{
#if BOX_INSTRUMENTED
	int status = confined(BOX_SERVER, act);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %#x", what, (unsigned)status);
#else
	expect_killed(act, what);
#endif
}

/* Each returns 0 when the call came back with an error, 1 when it worked. */
ACT(open, open("/dev/null", O_RDONLY))
ACT(creat, syscall(SYS_creat, "/tmp/test_box_never", 0600))
ACT(ioctl, syscall(SYS_ioctl, fds->socket[0], 0x541b, NULL))
ACT(prctl, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
ACT(execve, execve("/bin/true", (char *[]){ NULL }, (char *[]){ NULL }))
ACT(fork, syscall(SYS_fork))
ACT(clone, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
ACT(socket, socket(AF_UNIX, SOCK_STREAM, 0))
ACT(connect, connect(fds->socket[0], &(struct sockaddr){ AF_UNIX, "" }, sizeof(struct sockaddr)))
ACT(bind, bind(fds->socket[0], &(struct sockaddr){ AF_UNIX, "" }, sizeof(struct sockaddr)))
ACT(ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
ACT(kill_parent, kill(fds->parent, 0))
ACT(tgkill_parent, syscall(SYS_tgkill, fds->parent, fds->parent, 0))
ACT(ftruncate, ftruncate(fds->file, 0))
ACT(pwrite, pwrite(fds->file, "x", 1, 0))
ACT(append_off, fcntl(fds->file, F_SETFL, 0))
ACT(dup, fcntl(fds->file, F_DUPFD_CLOEXEC, 100))
ACT(exec_map,
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
											      : 0)
ACT(exec_protect, mprotect((void *)((uintptr_t)&act_open & ~4095ul), 4096, PROT_READ | PROT_EXEC))
ACT(sendto_address, syscall(SYS_sendto, fds->socket[0], "x", 1, 0, "\1", 2))
ACT(level, getsockopt(fds->socket[0], IPPROTO_TCP, 1, &(int){ 0 }, &(socklen_t){ sizeof(int) }))
ACT(setsockopt, setsockopt(fds->socket[0], SOL_SOCKET, SO_PRIORITY, &(int){ 0 }, sizeof(int)))
ACT(sendmsg, sendmsg(fds->socket[0], &(struct msghdr){ 0 }, MSG_DONTWAIT))
ACT(memfd, memfd_create("x", 0))
ACT(unlink, unlink("/tmp/test_box_never"))
ACT(setuid, setuid(0))

#define KILLED(name)                                                                               \
	Test(box, name##_kills)                                                                    \
	{                                                                                          \
		expect_killed(act_##name, #name);                                                  \
	}
#define KILLED_OR_REFUSED(name)                                                                    \
	Test(box, name##_kills)                                                                    \
	{                                                                                          \
		expect_killed_or_refused(act_##name, #name);                                       \
	}

KILLED_OR_REFUSED(open)
KILLED_OR_REFUSED(ioctl)
KILLED_OR_REFUSED(prctl)
KILLED(creat)
KILLED(execve)
KILLED(fork)
KILLED(clone)
KILLED(socket)
KILLED(connect)
KILLED(bind)
KILLED(ptrace)
KILLED(kill_parent)
KILLED(tgkill_parent)
KILLED(ftruncate)
KILLED(pwrite)
KILLED(append_off)
KILLED(dup)
KILLED(exec_map)
KILLED(exec_protect)
KILLED(sendto_address)
KILLED(level)
KILLED(setsockopt)
KILLED(sendmsg)
KILLED(memfd)
KILLED(unlink)
KILLED(setuid)

/* What a server does all day.  Returns the number of the step that failed. */
static int act_ordinary(const struct fds *fds)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct timespec now;
	struct tm tm;
	char buf[8], *p;

	if (write(fds->file, "x\n", 2) != 2 || fdatasync(fds->file) < 0)
		return 1;
	if (send(fds->socket[0], "hi", 2, MSG_NOSIGNAL) != 2 ||
	    recv(fds->socket[1], buf, sizeof(buf), 0) != 2)
		return 2;
	if (getsockopt(fds->socket[0], SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 3;
	if (setsockopt(fds->socket[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0)
		return 9;
	if (accept4(fds->listener, NULL, NULL, SOCK_CLOEXEC) >= 0 || errno != EAGAIN)
		return 4;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || !gmtime_r(&now.tv_sec, &tm))
		return 5;
	if (lseek(fds->file, 0, SEEK_END) != 2)
		return 6;
	fcntl(fds->file,
	      F_GET_SEALS); /* what it says depends on the file system; it must not kill */
	p = malloc(3 << 20);
	p = p ? realloc(p, 9 << 20) : NULL;
	if (!p)
		return 7;
	memset(p, 1, 9 << 20);
	free(p);
	if (fprintf(stderr, "%s", "") < 0)
		return 8;
	return 0;
}

Test(box, ordinary_work_goes_on)
{
	int status = confined(BOX_SERVER, act_ordinary);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
}

static int act_abort(const struct fds *fds)
{
	(void)fds;
	abort();
}

Test(box, abort_is_an_abort)
{
	int status = confined(BOX_SERVER, act_abort);

	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%#x", (unsigned)status);
}

/* ---- a server with an undertaker, and the undertaker ----------------------------------------------- */

#define UNDERTAKER 700

/* Like confined(), with the pair's first end under the number that may be sent to. */
static int confined_with(int (*act)(const struct fds *fds))
{
	struct fds fds;
	int status;
	pid_t pid;

	fds_init(&fds);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ UNDERTAKER + 1, UNDERTAKER + 1 });
		if (dup2(fds.socket[0], UNDERTAKER) < 0 ||
		    box_become(BOX_SERVER, BOX_STAY, BOX_STAY) < 0 ||
		    box_confine_with(BOX_SERVER, UNDERTAKER, NULL) < 0)
			_exit(99);
		_exit(act(&fds));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	fds_deinit(&fds);
	return status;
}

ACT(bury, sendmsg(UNDERTAKER, &(struct msghdr){ 0 }, MSG_DONTWAIT))
ACT(sendmsg_alias, syscall(SYS_sendmsg, UNDERTAKER + (1L << 32), &(struct msghdr){ 0 }, 0))
ACT(close_undertaker, close(UNDERTAKER))
ACT(close_alias, syscall(SYS_close, UNDERTAKER - (1L << 32)))
ACT(close_other, close(fds->file))

Test(box, a_server_may_send_to_its_undertaker)
{
	int status = confined_with(act_bury);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", (unsigned)status);
	status = confined_with(act_close_other);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", (unsigned)status);
	status = confined_with(act_ordinary);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", (unsigned)status);
}

static void expect_killed_with(int (*act)(const struct fds *fds), const char *what)
{
	int status = confined_with(act);

	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %#x", what,
		  (unsigned)status);
}

Test(box, a_server_may_send_to_nobody_else)
{
	expect_killed_with(act_sendmsg, "sendmsg");
	expect_killed_with(act_sendmsg_alias, "sendmsg with more bits");
}

/* Else the next connection would get the number, and be sent the log. */
Test(box, a_server_cannot_put_another_in_its_undertakers_place)
{
	expect_killed_with(act_close_undertaker, "close");
	expect_killed_with(act_close_alias, "close with more bits");
	expect_killed_with(act_dup, "dup");
}

ACT(write, write(fds->socket[0], "x", 1))
ACT(send, send(fds->socket[0], "x", 1, MSG_DONTWAIT))
ACT(close, close(fds->file))
ACT(accept, accept4(fds->listener, NULL, NULL, 0))
ACT(kill, kill(0, 0))
ACT(clone_thread, syscall(SYS_clone, SIGCHLD | CLONE_FILES, 0, 0, 0, 0))

static int act_undertake(const struct fds *fds)
{
	struct msghdr none = { 0 };
	int status;
	pid_t pid;

	if (recvmsg(fds->socket[1], &none, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		return 1;
	pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(7);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		return 2;
	return poll(NULL, 0, 1) == 0 ? 0 : 3;
}

Test(box, an_undertaker_can_do_its_work)
{
	int status = confined(BOX_UNDERTAKER, act_undertake);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", (unsigned)status);
}

Test(box, an_undertaker_can_do_nothing_else)
{
	static const struct {
		const char *name;
		int (*act)(const struct fds *fds);
	} cases[] = {
		{ "creat", act_creat },
		{ "execve", act_execve },
		{ "fork", act_fork },
		{ "clone", act_clone },
		{ "socket", act_socket },
		{ "connect", act_connect },
		{ "sendmsg", act_sendmsg },
		{ "send", act_send },
		{ "write", act_write },
		{ "close", act_close },
		{ "accept", act_accept },
		{ "kill", act_kill },
		{ "ptrace", act_ptrace },
		{ "dup", act_dup },
		{ "exec_map", act_exec_map },
		{ "clone_thread", act_clone_thread },
		{ "setuid", act_setuid },
		{ "memfd", act_memfd },
#if !BOX_INSTRUMENTED
		{ "open", act_open },
		{ "prctl", act_prctl },
		{ "ioctl", act_ioctl },
#endif
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = confined(BOX_UNDERTAKER, cases[i].act);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %#x",
			  cases[i].name, (unsigned)status);
	}
}

/* ---- compiler and supervisor ----------------------------------------------------------------------- */

ACT(read_etc, open("/etc/passwd", O_RDONLY | O_CLOEXEC))
ACT(write_etc, open("/etc/passwd", O_WRONLY | O_CLOEXEC))
ACT(inet, socket(AF_INET, SOCK_STREAM, 0))

/* Files to read, names to look up, and the image to write. */
static int act_compile(const struct fds *fds)
{
	if (!act_read_etc(fds) || !getpwuid(0))
		return 1;
	if (!act_socket(fds))
		return 2;
	if (ftruncate(fds->file, 0) < 0 || write(fds->file, "image", 5) != 5)
		return 3;
	fcntl(fds->file, F_ADD_SEALS, F_SEAL_SEAL); /* it is no memfd; it must not kill */
	return 0;
}

Test(box, a_compiler_can_do_its_work)
{
	int status = confined(BOX_COMPILER, act_compile);

	cr_expect(is_exit(status, 0), "%#x", (unsigned)status);
}

static int act_inet_errno(const struct fds *fds)
{
	return act_inet(fds) ? 1 : errno == EAFNOSUPPORT ? 0 : 2;
}

static int act_write_errno(const struct fds *fds)
{
	return act_write_etc(fds) ? 1 : errno == EACCES ? 0 : 2;
}

Test(box, a_compiler_has_no_network_and_writes_no_file)
{
	int status = confined(BOX_COMPILER, act_inet_errno);

	cr_expect(is_exit(status, 0), "socket: %#x", (unsigned)status);
	status = confined(BOX_COMPILER, act_write_errno);
	cr_expect(is_exit(status, 0), "open: %#x", (unsigned)status);
}

/* The filter by itself: Landlock would refuse it as well. */
static int act_write_filtered(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC,
				     O_TMPFILE | O_RDWR };

	static struct box_program program;

	if (box_become(BOX_COMPILER, BOX_STAY, BOX_STAY) < 0 ||
	    box_program_make(BOX_COMPILER, -1, false, &program) < 0 ||
	    box_program_load(BOX_COMPILER, &program) < 0)
		return 1;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (open(flags[i] & O_DIRECTORY ? "/tmp" : "/dev/null", flags[i], 0600) >= 0 ||
		    errno != EACCES)
			return 2 + (int)i;
	return open("/dev/null", O_RDONLY) < 0 ? 9 : 0;
}

Test(box, a_compilers_filter_writes_no_file)
{
	cr_expect_eq(in_child(act_write_filtered), 0);
}

static int act_supervise(const struct fds *fds)
{
	int status;
	pid_t pid = fork();

	(void)fds;
	if (pid == 0)
		_exit(box_become(BOX_SERVER, BOX_STAY, BOX_STAY) < 0 || box_confine(BOX_SERVER) < 0
			      ? 1
			      : 7);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 2;
}

Test(box, a_supervisor_can_start_a_server_that_confines_itself)
{
	int status = confined(BOX_SUPERVISOR, act_supervise);

	cr_expect(is_exit(status, 0), "%#x", (unsigned)status);
}

/* ---- the listener ---------------------------------------------------------------------------------- */

ACT(shutdown_listener, syscall(SYS_shutdown, BOX_LISTENER, SHUT_RDWR))
ACT(shutdown_lower, syscall(SYS_shutdown, 0, SHUT_RDWR))
ACT(shutdown_alias, syscall(SYS_shutdown, BOX_LISTENER | 1ull << 32, SHUT_RDWR))
ACT(shutdown_4, syscall(SYS_shutdown, BOX_LISTENER + 1, SHUT_RDWR))
ACT(shutdown_far, syscall(SYS_shutdown, (1 << 20) - 1, SHUT_RDWR))

Test(box, a_server_shuts_down_what_came_after_its_listener_only)
{
	static int (*const kills[])(const struct fds *) = { act_shutdown_listener,
							    act_shutdown_lower,
							    act_shutdown_alias };
	static int (*const works[])(const struct fds *) = { act_shutdown_4, act_shutdown_far };

	for (size_t i = 0; i < 3; i++) {
		int status = confined(BOX_SERVER, kills[i]);

		cr_expect(is_killed(status), "%zu: %#x", i, (unsigned)status);
	}
	for (size_t i = 0; i < 2; i++) {
		int status = confined(BOX_SERVER, works[i]);

		cr_expect(!is_killed(status), "%zu: %#x", i, (unsigned)status);
	}
}

/* ---- the tables ------------------------------------------------------------------------------------ */

/* With one of these, a filter that lets it through is worth nothing, whatever the arguments are. */
Test(box, nobody_has_what_undoes_a_box)
{
	static const int never[] = {
		SCMP_SYS(bpf),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(mount),
		SCMP_SYS(unshare),
		SCMP_SYS(setns),
		SCMP_SYS(open_by_handle_at),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(keyctl),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(pidfd_getfd),
		SCMP_SYS(pivot_root),
		SCMP_SYS(setuid),
		SCMP_SYS(listen),
		SCMP_SYS(bind),
		SCMP_SYS(openat2),
		SCMP_SYS(name_to_handle_at),
	};

	for (size_t i = 0; i < box_n_calls; i++)
		for (size_t n = 0; n < sizeof(never) / sizeof(never[0]); n++)
			cr_expect(box_calls[i].nr != never[n], "row %zu", i);
}

Test(box, only_the_supervisor_has_capabilities)
{
	for (size_t i = 0; i < box_n_capabilities; i++)
		cr_expect_eq(box_capabilities[i].roles, BOX_BIT(BOX_SUPERVISOR));
}
