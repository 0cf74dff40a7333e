// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The box: each case runs in a child that confines itself, does one thing and is then looked at.
 */

#include <cap-ng.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <poll.h>
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/box.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#define OTHER_UID 64242
#define OTHER_GID 64243

struct fds {
	int socket[2]; /* a connected pair */
	int file;      /* a temporary file, already unlinked, O_APPEND */
	int listener;
	pid_t parent; /* asking for it is not allowed in the box */
};

static void fds_init(struct fds *fds)
{
	char path[] = "/tmp/test_box.XXXXXX";

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds->socket), 0);
	fds->file = mkostemp(path, O_APPEND | O_CLOEXEC);
	cr_assert_geq(fds->file, 0);
	unlink(path);
	fds->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(fds->listener, &(struct sockaddr){ AF_UNIX, "" }, sizeof(sa_family_t)),
		     0);
	cr_assert_eq(listen(fds->listener, 1), 0);
}

/* Runs `act` in a child that is confined as `role`; returns the wait status. */
static int confined(enum box_role role, int (*act)(const struct fds *fds))
{
	struct rlimit no_core = { 0, 0 };
	struct fds fds;
	int status;
	pid_t pid;

	fds_init(&fds);
	fds.parent = getpid();
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		if (box_become(role, BOX_STAY, BOX_STAY) < 0 || box_confine(role) < 0)
			_exit(99);
		_exit(act(&fds));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(fds.socket[0]);
	close(fds.socket[1]);
	close(fds.file);
	close(fds.listener);
	return status;
}

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
#ifdef SANITIZED
	int status = confined(BOX_SERVER, act);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %#x", what, (unsigned)status);
#else
	expect_killed(act, what);
#endif
}

#define ACT(name, ...)                                                                             \
	static int act_##name(const struct fds *fds)                                               \
	{                                                                                          \
		(void)fds;                                                                         \
		return (__VA_ARGS__) < 0 ? 0 : 1;                                                  \
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
	struct stat st;
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
	if (fstat(fds->file, &st) < 0)
		return 6;
	fcntl(fds->file,
	      F_GET_SEALS); /* what it says depends on the file system; it must not kill */
	p = malloc(3 << 20);
	p = p ? realloc(p, 9 << 20) : NULL;
	if (!p)
		return 7;
	memset(p, 1, 9 << 20);
	free(p);
	if (dprintf(STDERR_FILENO, "%s", "") < 0 || fprintf(stderr, "%s", "") < 0)
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
		    box_confine_with(BOX_SERVER, UNDERTAKER) < 0)
			_exit(99);
		_exit(act(&fds));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(fds.socket[0]);
	close(fds.socket[1]);
	close(fds.file);
	close(fds.listener);
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
		{ "creat", act_creat },       { "execve", act_execve },
		{ "fork", act_fork },         { "clone", act_clone },
		{ "socket", act_socket },     { "connect", act_connect },
		{ "sendmsg", act_sendmsg },   { "send", act_send },
		{ "write", act_write },       { "close", act_close },
		{ "accept", act_accept },     { "kill", act_kill },
		{ "ptrace", act_ptrace },     { "dup", act_dup },
		{ "exec_map", act_exec_map }, { "clone_thread", act_clone_thread },
		{ "setuid", act_setuid },     { "memfd", act_memfd },
#ifndef SANITIZED
		{ "open", act_open },         { "prctl", act_prctl },
		{ "ioctl", act_ioctl },
#endif
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = confined(BOX_UNDERTAKER, cases[i].act);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %#x",
			  cases[i].name, (unsigned)status);
	}
}

Test(box, supervisor_and_compiler_have_no_filter)
{
	int status = confined(BOX_COMPILER, act_socket);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", (unsigned)status);
	status = confined(BOX_SUPERVISOR, act_socket);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", (unsigned)status);
}

/* ---- identity and capabilities ------------------------------------------------------------------- */

static int in_child(int (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(act());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

#define ROOT_ONLY()                                                                                \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			cr_skip_test("not run: needs root");                                       \
	} while (0)

static bool is_gone(int r)
{
	return r < 0 && errno == EPERM;
}

static int act_become_other(void)
{
	uid_t ids[3];

	if (setgroups(2, (gid_t[]){ 7, 8 }) < 0 || box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0)
		return 1;
	getresuid(&ids[0], &ids[1], &ids[2]);
	if (ids[0] != OTHER_UID || ids[1] != OTHER_UID || ids[2] != OTHER_UID)
		return 2;
	getresgid(&ids[0], &ids[1], &ids[2]);
	if (ids[0] != OTHER_GID || ids[1] != OTHER_GID || ids[2] != OTHER_GID)
		return 3;
	if (getgroups(0, NULL) != 0)
		return 4;
	if (!is_gone(setuid(0)) || !is_gone(setgid(0)) || !is_gone(setgroups(0, NULL)))
		return 5;
	return 0;
}

Test(box, becomes_another_for_good)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_become_other), 0);
}

static int act_capabilities(void)
{
	if (box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0 || capng_get_caps_process() < 0)
		return 1;
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return 2;
	if (capng_have_permitted_capabilities() != CAPNG_NONE)
		return 3;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 5;
	return (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & (int)SECBIT_NOROOT) ? 0 : 6;
}

Test(box, server_has_no_capability)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_capabilities), 0);
}

static int act_supervisor(void)
{
	static const unsigned int kept[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL };

	if (box_become(BOX_SUPERVISOR, BOX_STAY, BOX_STAY) < 0 || capng_get_caps_process() < 0)
		return 1;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool keep = false;

		for (size_t i = 0; i < 4; i++)
			keep |= kept[i] == cap;
		if (!keep && (capng_have_capability(CAPNG_PERMITTED, cap) ||
			      capng_have_capability(CAPNG_EFFECTIVE, cap) ||
			      prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1))
			return 2;
		if (keep && !capng_have_capability(CAPNG_EFFECTIVE, cap))
			return 3;
	}
	/* And it can still make a server of another user. */
	return act_become_other() == 0 ? 0 : 4;
}

Test(box, supervisor_keeps_four_capabilities)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_supervisor), 0);
}

static int act_compiler(void)
{
	if (box_become(BOX_COMPILER, BOX_STAY, BOX_STAY) < 0 || capng_get_caps_process() < 0)
		return 1;
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE || getuid() != 0)
		return 2;
	return is_gone(setgroups(0, NULL)) ? 0 : 3;
}

Test(box, root_without_capabilities)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_compiler), 0);
}

static int act_ordinary_user(void)
{
	if (geteuid() == 0 && setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 1;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* changing the identity has cleared it */
	if (box_become(BOX_SERVER, BOX_STAY, BOX_STAY) < 0)
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
	return 0;
}

Test(box, ordinary_user_gives_up_what_there_is)
{
	cr_expect_eq(in_child(act_ordinary_user), 0);
}

static int act_ordinary_user_other(void)
{
	if (geteuid() == 0 && setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 1;
	return box_become(BOX_SERVER, OTHER_UID + 1, OTHER_GID) == -EPERM ? 0 : 2;
}

Test(box, ordinary_user_cannot_become_another)
{
	cr_expect_eq(in_child(act_ordinary_user_other), 0);
}

static int act_parent_death(void)
{
	int sig = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0)
		return 1;
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	return sig == SIGKILL ? 0 : 2;
}

Test(box, parent_death_signal_survives)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_parent_death), 0);
}
