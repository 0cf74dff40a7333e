// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What each role keeps: capabilities, securebits, resource limits, places in the file system, scopes,
 * system calls with their arguments.  Owns nothing but these tables, and does nothing; box*.c applies
 * them.  Must be complete: what is not said here is not kept.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <xm/uapi/xmctl.h>

#include "xmbroker/box_landlock.h"
#include "xmbroker/box_tables.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define SUPER BOX_BIT(BOX_SUPERVISOR)
#define COMP BOX_BIT(BOX_COMPILER)
#define SERVER BOX_BIT(BOX_SERVER)
#define SIM BOX_BIT(BOX_SIM)
#define GRAVE BOX_BIT(BOX_UNDERTAKER)
#define BOTH (SERVER | SIM)
#define FILES (SUPER | COMP) /* who opens files after its start */
#define WORK (FILES | BOTH)
#define ALL (WORK | GRAVE)

/* ---- capabilities ---------------------------------------------------------------------------------- */

/*
 * All that is kept by anyone.  What the supervisor opens as root it opens before it gives up the
 * rest, so it needs none of CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH; nor
 * does the compiler, which reads the policy as the user who owns it.
 */
const struct box_capability box_capabilities[] = {
	{ CAP_SETUID, SUPER, "a restarted server or xmsim becomes the service's user by itself" },
	{ CAP_SETGID, SUPER, "and its group" },
	{ CAP_SETPCAP, SUPER, "it then empties its bounding set and locks its securebits" },
	{ CAP_SYS_CHROOT, SUPER, "and enters its empty root, before it gives up all of these" },
	{ CAP_KILL, SUPER, "the supervisor ends children that run as another user" },
};
const size_t box_n_capabilities = COUNT(box_capabilities);

/* From here on uid 0 is a user like others.  The supervisor stays out of it: its children get their
 * few capabilities through exec as uid 0, and lock themselves afterwards. */
const unsigned long box_securebits =
	SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
	SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

/* ---- resources --------------------------------------------------------------------------------------- */

#define MIB (1024ull * 1024)

#define LIMIT(resource, roles, max, room, why)                                                     \
	{                                                                                          \
		RLIMIT_##resource, #resource, roles, max, room, why                                \
	}

/*
 * The log is as long as the supervisor lets it be, so the server's FSIZE is that of what it was given.
 * NPROC counts all processes of a user: the undertaker, which has 32 workers, cannot be told from
 * others of an ordinary user; its filter lets it fork in one way only.
 */
const struct box_limit box_limits_table[] = {
	LIMIT(CORE, ALL, 0, BOX_ROOM_NONE, "a core would hold what clients sent, and keys"),
	LIMIT(NPROC, COMP | BOTH, 0, BOX_ROOM_NONE, "none of these starts a process or thread"),
	LIMIT(MEMLOCK, ALL, 0, BOX_ROOM_NONE, "locks no memory"),
	LIMIT(MSGQUEUE, ALL, 0, BOX_ROOM_NONE, "has no message queue"),
	LIMIT(SIGPENDING, COMP | BOTH | GRAVE, 16, BOX_ROOM_NONE, "queues no signal"),
	LIMIT(RTPRIO, ALL, 0, BOX_ROOM_NONE, "no real time"),
	LIMIT(NICE, ALL, 0, BOX_ROOM_NONE, "no higher priority"),
	LIMIT(FSIZE, GRAVE, 0, BOX_ROOM_NONE, "writes no file"),
	LIMIT(FSIZE, COMP, 64 * MIB, BOX_ROOM_NONE, "the compiled policy is smaller"),
	LIMIT(NOFILE, GRAVE, 1024, BOX_ROOM_NONE, "what one worker takes over"),
	LIMIT(NOFILE, COMP, 256, BOX_ROOM_NONE, "policy files, one after the other"),
	LIMIT(NOFILE, SERVER, 64, BOX_ROOM_FILES, "sessions, and a few of its own"),
	LIMIT(STACK, COMP | BOTH | GRAVE, 8 * MIB, BOX_ROOM_NONE, "what it has had"),
#if !BOX_SANITIZED /* it reserves terabytes */
	LIMIT(AS, GRAVE, 512 * MIB, BOX_ROOM_NONE, "that of the server it was forked from"),
	LIMIT(AS, SERVER, 1024 * MIB, BOX_ROOM_MEMORY, "images, long messages, sessions"),
	LIMIT(AS, COMP, 4096 * MIB, BOX_ROOM_NONE, "policies of 100,000 rules"),
#endif
};
const size_t box_n_limits = COUNT(box_limits_table);

/* ---- files, network and scopes: Landlock ------------------------------------------------------------- */

#define READ (LANDLOCK_FS(READ_FILE) | LANDLOCK_FS(READ_DIR))

#define STORE                                                                                      \
	(READ | LANDLOCK_FS(WRITE_FILE) | LANDLOCK_FS(MAKE_REG) | LANDLOCK_FS(REMOVE_FILE) |       \
	 LANDLOCK_FS(TRUNCATE))

const uint64_t box_rights[] = {
	[BOX_READ] = READ,
	[BOX_EXECUTE] = READ | LANDLOCK_FS(EXECUTE),
	[BOX_STORE] = STORE,
	[BOX_RENEW] = STORE | LANDLOCK_FS(MAKE_DIR),
	[BOX_APPEND] = LANDLOCK_FS(WRITE_FILE) | LANDLOCK_FS(MAKE_REG),
	[BOX_REMOVE] = LANDLOCK_FS(REMOVE_FILE),
	[BOX_DEVICE] = LANDLOCK_FS(READ_FILE) | LANDLOCK_FS(WRITE_FILE),
};

/* Server, undertaker and simulator have no place at all: what they use is open before. */
const struct box_standard_place box_places[] = {
	{ FILES, { "/etc", BOX_READ }, "policies, user and group names" },
	{ FILES, { "/usr", BOX_READ }, "shared libraries, time zones, messages" },
	{ FILES, { "/lib", BOX_READ }, "the same, where these are no links" },
	{ FILES, { "/lib64", BOX_READ }, "the same" },
	{ FILES, { "/run", BOX_READ }, "user and group names: nscd, userdb" },
	{ FILES, { "/var/lib/sss", BOX_READ }, "user and group names: sssd" },
	{ FILES, { "/proc", BOX_READ }, "the supervisor looks at its children there" },
	{ FILES, { "/dev/null", BOX_DEVICE }, "standard descriptors of children" },
	{ FILES, { "/dev/urandom", BOX_READ }, "where getrandom() is not used" },
#if BOX_SANITIZED
	{ FILES, { "/sys", BOX_READ }, "the run-time library" },
#endif
};
const size_t box_n_places = COUNT(box_places);

const struct box_scope box_scopes[] = {
	{ COMP | BOTH | GRAVE, true, true,
	  "they talk over what they were given, and signal nobody" },
	{ SUPER, false, true,
	  "it signals its children only; the service manager's socket may be an abstract one" },
};
const size_t box_n_scopes = COUNT(box_scopes);

/* ---- system calls ---------------------------------------------------------------------------------- */

#define ROW(name, roles, error, n, ...)                                                            \
	{                                                                                          \
		SCMP_SYS(name), roles, error, n,                                                   \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define EQ(position, value)                                                                        \
	{                                                                                          \
		position, SCMP_CMP_EQ, (scmp_datum_t)(value), 0                                    \
	}
#define MASK(position, mask, value)                                                                \
	{                                                                                          \
		position, SCMP_CMP_MASKED_EQ, (mask), (value)                                      \
	}
#define NONE                                                                                       \
	{                                                                                          \
		0                                                                                  \
	}
#define ANY(name, roles) ROW(name, roles, 0, 0, NONE, NONE)
#define ARG(name, roles, position, value) ROW(name, roles, 0, 1, EQ(position, value), NONE)
#define ARG2(name, roles, p, v, p2, v2) ROW(name, roles, 0, 2, EQ(p, v), EQ(p2, v2))
/* Without any of the bits of `mask`; MASKED: of those exactly `value`. */
#define WITHOUT(name, roles, position, mask) ROW(name, roles, 0, 1, MASK(position, mask, 0), NONE)
#define MASKED(name, roles, position, mask, value)                                                 \
	ROW(name, roles, 0, 1, MASK(position, mask, value), NONE)
/* Fails with this error instead of killing: what a library tries and can do without. */
#define FAILS(name, roles, error) ROW(name, roles, error, 0, NONE, NONE)
#define FAILS_NOT(name, roles, error, position, value)                                             \
	ROW(name, roles, error, 1, { position, SCMP_CMP_NE, (scmp_datum_t)(value), 0 }, NONE)

#define FAILS_WITH(name, roles, error, position, bit)                                              \
	ROW(name, roles, error, 1, MASK(position, bit, bit), NONE)

#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)
/* Every way of open() to write or make something: O_TMPFILE asks for one of the first two as well. */
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/* Descriptors that are above the listener's number, one power of two after the other: the kernel
 * ignores the upper half of the register, so a mere "greater than" would let the listener through. */
#define ABOVE(bit) MASKED(shutdown, SERVER, 0, ~((1ull << (bit)) - 1), 1ull << (bit))
_Static_assert(BOX_LISTENER == (1 << 2) - 1, "ABOVE() begins above the listener");

/*
 * Not here for server and simulator, and therefore fatal: everything that opens, creates, names,
 * executes, forks, connects, binds, traces or signals; ioctl and prctl; stat and its kin, which probe
 * paths; pwrite, ftruncate, fallocate and the change of descriptor flags, which could take O_APPEND
 * off the audit log; memory shared with anybody; and sendmsg, by which the log, the listening socket or
 * the hypervisor could be handed to an accomplice outside the box, who may do all of that.  A server
 * with an undertaker may send to that, and must not be able to put another in its place.
 *
 * The supervisor's list is inherited: it holds what its children need until they install their own,
 * the loader's calls among it.  Not even there: ptrace and process_vm_*, bpf, perf, userfaultfd and
 * io_uring, mounts, namespaces and open_by_handle_at, keys, modules, kexec, the clock, and any other
 * kind of socket than Unix sockets.
 *
 * The compiler's is made for reading files and for looking up names through NSS, which asks services
 * over Unix sockets.
 */
const struct box_call box_calls[] = {
	/* ---- requests and replies, on descriptors that exist; new connections; the audit log */
	ANY(recvmsg, ALL),
	ANY(recvfrom, WORK),
	ARG(sendto, BOTH, 4, 0), /* send(): no address */
	ANY(read, WORK),
	ANY(write, WORK),
	ANY(writev, WORK), /* what the C library says before it aborts */
	ANY(accept4, BOTH),
	ABOVE(2),
	ABOVE(3),
	ABOVE(4),
	ABOVE(5),
	ABOVE(6),
	ABOVE(7),
	ABOVE(8),
	ABOVE(9),
	ABOVE(10),
	ABOVE(11),
	ABOVE(12),
	ABOVE(13),
	ABOVE(14),
	ABOVE(15),
	ABOVE(16),
	ABOVE(17),
	ABOVE(18),
	ABOVE(19),
	ABOVE(20),
	ANY(fdatasync, SUPER | SERVER),
	/* The server's of the descriptor that was derived from the device; its filter comes after ours. */
	ARG(ioctl, SUPER | SERVER, 1, XMCTL_CALL),
	ARG(ioctl, SUPER | SERVER, 1, XMCTL_INFO),
	ARG(ioctl, SUPER, 1, XMCTL_DERIVE),
	ARG(ioctl, SUPER, 1, XMCTL_NARROW),

	/* ---- waiting: each under the two names that the C library uses */
	ANY(epoll_wait, SUPER | BOTH),
	ANY(epoll_pwait, SUPER | BOTH),
	ANY(epoll_ctl, SUPER | BOTH),
	ANY(poll, ALL),
	ANY(ppoll, WORK),
	ANY(restart_syscall, ALL),

	/* ---- who is calling */
	ARG(getsockopt, SERVER, 1, SOL_SOCKET),
	ARG2(setsockopt, SERVER, 1, SOL_SOCKET, 2, SO_PASSCRED),

	/* ---- the seals of a policy image; its size, by lseek */
	ARG(fcntl, SERVER, 1, F_GET_SEALS),
	ANY(lseek, WORK),

	/* ---- memory: never executable, never shared; for who loads libraries, never both writable and
	 *      executable */
	ANY(brk, WORK),
	ROW(mmap, BOTH, 0, 2, MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0)),
	WITHOUT(mmap, FILES, 2, PROT_EXEC),
	MASKED(mmap, FILES, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
	WITHOUT(mprotect, WORK, 2, PROT_EXEC),
	ANY(munmap, WORK),
	ANY(mremap, WORK),
	ANY(madvise, WORK),

	/* ---- clocks (where the vDSO has none), random numbers, locks of the C library */
	ANY(clock_gettime, WORK),
	ANY(getrandom, WORK),
	ANY(futex, WORK),

	/* ---- own signals and end; tgkill, for abort(), is added with the own pid */
	ANY(getpid, WORK),
	ANY(gettid, WORK),
	ANY(rt_sigaction, WORK),
	ANY(rt_sigprocmask, WORK),
	ANY(rt_sigreturn, WORK),
	ANY(exit, WORK),
	ANY(exit_group, ALL),

	/* ---- the undertaker's workers */
	ARG(clone, GRAVE, 0, CLONE_VFORK | SIGCHLD),
	ANY(wait4, GRAVE),

	/* ---- files: reading */
	ANY(openat, SUPER),
	WITHOUT(openat, COMP, 2, WRITING),
	FAILS_WITH(openat, COMP, EACCES, 2, O_WRONLY),
	FAILS_WITH(openat, COMP, EACCES, 2, O_RDWR),
	FAILS_WITH(openat, COMP, EACCES, 2, O_CREAT),
	FAILS_WITH(openat, COMP, EACCES, 2, O_TRUNC),
	ANY(close, FILES),
	ANY(pread64, FILES),
	ANY(readv, FILES),
	ANY(fstat, FILES),
	ANY(stat, FILES),
	ANY(lstat, FILES),
	ANY(newfstatat, FILES),
	ANY(statx, FILES),
	ANY(statfs, FILES),
	ANY(fstatfs, FILES),
	ANY(access, FILES),
	ANY(faccessat, FILES),
	ANY(faccessat2, FILES),
	ANY(readlink, FILES),
	ANY(readlinkat, FILES),
	ANY(getdents64, FILES),
	ANY(getcwd, FILES),
	ANY(fcntl, FILES),
	ANY(dup, FILES),
	ANY(fadvise64, FILES),
	ARG(ioctl, FILES, 1, TCGETS),   /* stdio: is it a terminal? */
	ARG(ioctl, FILES, 1, FIONREAD), /* NSS: how much is there? */

	/* ---- files: the log, the key, the image of a policy, and the socket's name at the end */
	ANY(ftruncate, FILES), /* the compiler: on the memory that it was given */
	ANY(pwrite64, SUPER),
	ANY(fallocate, SUPER),
	ANY(fsync, SUPER),
	ANY(fchmod, SUPER),
	ANY(fchown, SUPER),
	ANY(flock, SUPER),
	ANY(rename, SUPER),
	ANY(renameat, SUPER),
	ANY(renameat2, SUPER),
	ANY(link, SUPER),
	ANY(linkat, SUPER),
	ANY(unlink, SUPER),
	ANY(unlinkat, SUPER),
	ANY(mkdir, SUPER),
	ANY(mkdirat, SUPER),
	ANY(rmdir, SUPER),
	ANY(umask, SUPER),
	ANY(memfd_create, SUPER),

	/* ---- Unix sockets: the service manager, syslog, an xmsim; NSS */
	ARG(socket, FILES, 0, AF_UNIX),
	FAILS_NOT(socket, FILES, EAFNOSUPPORT, 0, AF_UNIX),
	ARG(socketpair, SUPER, 0, AF_UNIX),
	ANY(connect, FILES),
	ANY(sendto, FILES),
	ANY(sendmsg, FILES),
	ANY(getsockopt, FILES),
	ANY(setsockopt, FILES),
	ANY(getsockname, FILES),
	ANY(getpeername, FILES),
	ANY(shutdown, COMP),
	ANY(accept4, SUPER), /* of its children: what they call later must be here too */
	ANY(shutdown, SUPER),

	/* ---- who and where we are */
	ANY(getuid, FILES),
	ANY(geteuid, FILES),
	ANY(getgid, FILES),
	ANY(getegid, FILES),
	ANY(getresuid, FILES),
	ANY(getresgid, FILES),
	ANY(getgroups, FILES),
	ANY(getppid, FILES),
	ANY(uname, FILES),
	ANY(sysinfo, FILES), /* qsort() */
	ANY(getrlimit, FILES),
	ANY(prlimit64, SUPER),
	ARG(prlimit64, COMP, 2, 0), /* asking, not setting */
	ANY(sched_getaffinity, FILES),
	ANY(sched_yield, FILES),
	ANY(clock_nanosleep, FILES),
	ANY(nanosleep, FILES),
	ANY(gettimeofday, FILES),
	ANY(time, FILES),
	ANY(clock_getres, FILES),
	ANY(select, FILES),
	ANY(pselect6, FILES),
	ANY(sigaltstack, FILES),
	ANY(set_robust_list, FILES),
	ANY(rseq, FILES),

	/* ---- the supervisor's loop and its children */
	ANY(epoll_create1, SUPER),
	ANY(signalfd4, SUPER),
	ANY(timerfd_create, SUPER),
	ANY(timerfd_settime, SUPER),
	ANY(rt_sigtimedwait, SUPER),
	ANY(pipe2, SUPER),
	WITHOUT(clone, SUPER, 0, NAMESPACES),
	FAILS(clone3, FILES,
	      ENOSYS), /* its flags cannot be looked at; the C library then uses clone */
	ANY(vfork, SUPER),
	ANY(wait4, SUPER),
	ANY(waitid, SUPER),
	ANY(kill, SUPER),
	ANY(execve, SUPER),

	/* ---- what a child does until it has its own list: its loader, */
	ANY(arch_prctl, SUPER),
	ANY(set_tid_address, SUPER),
	/* its descriptors, */
	ANY(close_range, SUPER),
	ANY(dup2, SUPER),
	ANY(dup3, SUPER),
	/* its box */
	ANY(fchdir, SUPER),
	ANY(chroot, SUPER),
	ANY(setrlimit, SUPER),
	ANY(setgroups, SUPER),
	ANY(setresuid, SUPER),
	ANY(setresgid, SUPER),
	ANY(capget, FILES),
	ANY(capset, SUPER),
	ANY(prctl, SUPER),
	FAILS(prctl, COMP, EINVAL),
	FAILS(mlock, SUPER | SERVER, EPERM), /* libsodium does without */
	FAILS(munlock, SUPER | SERVER, EPERM),
	ANY(seccomp, SUPER),
	ANY(landlock_create_ruleset, SUPER),
	ANY(landlock_add_rule, SUPER),
	ANY(landlock_restrict_self, SUPER),

#if BOX_SANITIZED
	/* The runtime's, in a worker too. */
	WITHOUT(mmap, GRAVE, 2, PROT_EXEC),
	WITHOUT(mmap, BOTH, 2, PROT_EXEC),
	ANY(munmap, GRAVE),
	ANY(madvise, GRAVE),
	ANY(futex, GRAVE),
	ANY(getpid, GRAVE),
	ANY(gettid, GRAVE),
	ANY(rt_sigaction, GRAVE),
	ANY(rt_sigprocmask, GRAVE),
	ANY(sigaltstack, GRAVE | BOTH),
	ANY(sched_yield, GRAVE | BOTH),
	ANY(getrlimit, BOTH),
	ANY(prlimit64, BOTH),
	ANY(sched_getaffinity, BOTH),
	ANY(pipe2, BOTH),
	/* Its search for leaks, in who has not turned that off. */
	ANY(open, FILES),
	ANY(pipe, FILES),
	ANY(getdents, FILES),
	ANY(ptrace, SUPER),
	ANY(ioctl, SUPER),
	ANY(personality, FILES),
	ANY(mincore, FILES),
	ANY(getrusage, FILES),
	ANY(execveat, SUPER),
#endif
#if BOX_INSTRUMENTED
	/*
	 * At its end such a library would write a report; these fail instead of killing, so that the
	 * report comes out, without symbols, or is left out.
	 */
	FAILS(open, BOTH | GRAVE, EACCES),
	FAILS(openat, BOTH | GRAVE, EACCES),
	FAILS(readlink, BOTH | GRAVE, EACCES),
	FAILS(readlinkat, BOTH | GRAVE, EACCES),
	FAILS(stat, BOTH | GRAVE, EACCES),
	FAILS(newfstatat, BOTH | GRAVE, EACCES),
	FAILS(mkdir, BOTH | GRAVE, EACCES),
	FAILS(access, BOTH | GRAVE, EACCES),
	FAILS(ioctl, BOTH | GRAVE, EACCES),
	FAILS(prctl, BOTH | GRAVE, EACCES),
	FAILS(pipe, BOTH | GRAVE, EACCES),
#endif
};
const size_t box_n_calls = COUNT(box_calls);
