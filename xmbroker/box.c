// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Giving up what a process does not need.  Owns the two tables that say what each role keeps:
 * capabilities and system calls.  Must never give anything back, and must never report success when
 * something is left that the tables do not name.
 */

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/box.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define BIT(role) (1u << (role))

/* ---- capabilities ---------------------------------------------------------------------------------- */

struct capability {
	unsigned int cap;
	unsigned int roles;
};

/*
 * All that is kept by anyone.  What the supervisor opens as root it opens before it gives up the
 * rest, so it needs none of CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH; nor
 * does the compiler, which reads the policy as the user who owns it.
 */
static const struct capability capabilities[] = {
	/* A restarted server or xmsim changes to the service's user and group by itself. */
	{ CAP_SETUID, BIT(BOX_SUPERVISOR) },
	{ CAP_SETGID, BIT(BOX_SUPERVISOR) },
	/* It then empties its bounding set and locks its securebits, which asks for this one. */
	{ CAP_SETPCAP, BIT(BOX_SUPERVISOR) },
	/* The supervisor ends children that run as another user. */
	{ CAP_KILL, BIT(BOX_SUPERVISOR) },
};

static bool may_keep(enum box_role role, unsigned int cap)
{
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (capabilities[i].cap == cap)
			return capabilities[i].roles & BIT(role);
	return false;
}

/* The bounding set can only be reduced by who holds CAP_SETPCAP; without it there is nothing to gain
 * from it either, because no_new_privs follows. */
static int drop_bounding(enum box_role role)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	for (unsigned int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!may_keep(role, cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	return 0;
}

/* From here on uid 0 is a user like others.  The supervisor stays out of it: its children get their
 * few capabilities through exec as uid 0, and lock themselves afterwards. */
static int lock_securebits(enum box_role role)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
			     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (role == BOX_SUPERVISOR || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 ? -errno : 0;
}

static int change_id(uid_t uid, gid_t gid)
{
	if (uid == BOX_STAY)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(enum box_role role)
{
	bool keep[CAP_LAST_CAP + 1];

	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		keep[cap] = may_keep(role, cap) && capng_have_capability(CAPNG_PERMITTED, cap);
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (keep[cap] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) < 0)
			return -EPERM;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/* Asks the kernel again, rather than trust that what was asked for happened. */
static int verify(enum box_role role, uid_t uid)
{
	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!may_keep(role, cap) && capng_have_capability(CAPNG_PERMITTED, cap))
			return -EPERM;
	if (uid != BOX_STAY && uid != 0 && (setresuid(0, 0, 0) == 0 || getuid() != uid))
		return -EPERM;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

/* The kernel forgets the parent-death signal when the identity changes. */
static int rearm_parent_death(int sig, pid_t parent)
{
	if (sig == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it died in between */
}

int box_become(enum box_role role, uid_t uid, gid_t gid)
{
	pid_t parent = getppid();
	int sig = 0, r;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0) < 0)
		return -errno;
	r = drop_bounding(role);
	if (r == 0)
		r = lock_securebits(role);
	if (r == 0)
		r = change_id(uid, gid);
	if (r == 0)
		r = drop_capabilities(role);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = rearm_parent_death(sig, parent);
	return r < 0 ? r : verify(role, uid);
}

/* ---- system calls ---------------------------------------------------------------------------------- */

struct allowed {
	int nr;
	unsigned int roles;
	unsigned int n_args;
	struct scmp_arg_cmp arg[2];
};

#define SERVER BIT(BOX_SERVER)
#define SIM BIT(BOX_SIM)
#define BOTH (SERVER | SIM)
#define GRAVE BIT(BOX_UNDERTAKER)

#define ANY(name, roles)                                                                           \
	{                                                                                          \
		SCMP_SYS(name), roles, 0,                                                          \
		{                                                                                  \
			{                                                                          \
				0                                                                  \
			}                                                                          \
		}                                                                                  \
	}
#define ARG(name, roles, position, value)                                                          \
	{                                                                                          \
		SCMP_SYS(name), roles, 1,                                                          \
		{                                                                                  \
			{                                                                          \
				position, SCMP_CMP_EQ, (value), 0                                  \
			}                                                                          \
		}                                                                                  \
	}
#define ARG2(name, roles, position, value, position2, value2)                                      \
	{                                                                                          \
		SCMP_SYS(name), roles, 2,                                                          \
		{                                                                                  \
			{ position, SCMP_CMP_EQ, (value), 0 },                                     \
			{                                                                          \
				position2, SCMP_CMP_EQ, (value2), 0                                \
			}                                                                          \
		}                                                                                  \
	}
#define WITHOUT(name, roles, position, mask)                                                       \
	{                                                                                          \
		SCMP_SYS(name), roles, 1,                                                          \
		{                                                                                  \
			{                                                                          \
				position, SCMP_CMP_MASKED_EQ, (mask), 0                            \
			}                                                                          \
		}                                                                                  \
	}

/*
 * Not here, and therefore fatal: everything that opens, creates, names, executes, forks, connects,
 * binds, traces or signals; ioctl and prctl; pwrite, ftruncate and the change of descriptor flags,
 * which could take O_APPEND off the audit log; and sendmsg, by which the log, the listening socket or
 * the hypervisor could be handed to an accomplice outside the box, who may do all of that.  A server
 * with an undertaker may send to that, and must not be able to put another in its place.
 */
static const struct allowed allow_list[] = {
	/* Requests and replies, on descriptors that exist; new connections; the audit log. */
	ANY(recvmsg, BOTH | GRAVE),
	ANY(recvfrom, BOTH),
	ARG(sendto, BOTH, 4, 0), /* send(): no address */
	ANY(read, BOTH),
	ANY(write, BOTH),
	ANY(writev, BOTH), /* what the C library says before it aborts */
	ANY(accept4, BOTH),
	ANY(shutdown, SERVER),
	ANY(fdatasync, SERVER),

	/* Waiting: each under the two names that the C library uses. */
	ANY(epoll_wait, BOTH),
	ANY(epoll_pwait, BOTH),
	ANY(epoll_ctl, BOTH),
	ANY(poll, BOTH | GRAVE),
	ANY(ppoll, BOTH),
	ANY(restart_syscall, BOTH | GRAVE),

	/* Who is calling. */
	ARG(getsockopt, SERVER, 1, SOL_SOCKET),
	ARG2(setsockopt, SERVER, 1, SOL_SOCKET, 2, SO_PASSCRED),

	/* Size and seals of a policy image; glibc's fstat() is newfstatat(fd, "", ..., AT_EMPTY_PATH). */
	ANY(fstat, SERVER),
	ARG(newfstatat, SERVER, 3, AT_EMPTY_PATH),
	ARG(fcntl, SERVER, 1, F_GET_SEALS),
	ANY(lseek, BOTH), /* dprintf() begins with one */

	/* Memory, never executable. */
	ANY(brk, BOTH),
	WITHOUT(mmap, BOTH, 2, PROT_EXEC),
	WITHOUT(mprotect, BOTH, 2, PROT_EXEC),
	ANY(munmap, BOTH),
	ANY(mremap, BOTH),
	ANY(madvise, BOTH),

	/* Clocks (where the vDSO has none), random numbers, locks of the C library. */
	ANY(clock_gettime, BOTH),
	ANY(getrandom, BOTH),
	ANY(futex, BOTH),

	/* Own signals and end; tgkill, for abort(), is added with the own pid below. */
	ANY(getpid, BOTH),
	ANY(gettid, BOTH),
	ANY(rt_sigaction, BOTH),
	ANY(rt_sigprocmask, BOTH),
	ANY(rt_sigreturn, BOTH),
	ANY(exit, BOTH),
	ANY(exit_group, BOTH | GRAVE),

	/* The undertaker's workers. */
	ARG(clone, GRAVE, 0, CLONE_VFORK | SIGCHLD),
	ANY(wait4, GRAVE),
#if SANITIZED
	/* The runtime's, in a worker too. */
	WITHOUT(mmap, GRAVE, 2, PROT_EXEC),
	ANY(munmap, GRAVE),
	ANY(madvise, GRAVE),
	ANY(futex, GRAVE),
	ANY(getpid, GRAVE),
	ANY(gettid, GRAVE),
	ANY(rt_sigaction, GRAVE),
	ANY(rt_sigprocmask, GRAVE),
	ANY(sigaltstack, GRAVE),
	ANY(sched_yield, GRAVE),
	ANY(sigaltstack, BOTH),
	ANY(sched_yield, BOTH),
	ANY(getrlimit, BOTH),
	ANY(prlimit64, BOTH),
	ANY(sched_getaffinity, BOTH),
	ANY(pipe2, BOTH),
#endif
};

#if SANITIZED
/*
 * A sanitizer's runtime would open /proc to print a report; these fail instead of killing, so that
 * the report comes out, without symbols.  Its search for leaks at exit traces the process and cannot
 * work in here: it is turned off for confined processes only.
 */
static const int refused_by_error[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(stat), SCMP_SYS(ioctl),  SCMP_SYS(prctl),    SCMP_SYS(pipe),
};

static int confined;
int __lsan_is_turned_off(void);

__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
	return confined;
}

static int add_sanitizer_rules(scmp_filter_ctx filter)
{
	confined = 1;
	for (size_t i = 0; i < sizeof(refused_by_error) / sizeof(refused_by_error[0]); i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused_by_error[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}
#else
static int add_sanitizer_rules(scmp_filter_ctx filter)
{
	(void)filter;
	return 0;
}
#endif

/* close() and sendmsg() go together: see box.h.  The undertaker itself closes nothing: discarding is
 * what its end is for. */
static int add_descriptor_rules(scmp_filter_ctx filter, enum box_role role, int undertaker)
{
	const struct scmp_arg_cmp lower = { 0, SCMP_CMP_LT, (scmp_datum_t)undertaker, 0 };
	const struct scmp_arg_cmp equal = { 0, SCMP_CMP_EQ, (scmp_datum_t)undertaker, 0 };
	int r;

	if (role == BOX_UNDERTAKER)
		return 0;
	if (undertaker < 0)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 0);
	r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, &lower);
	return r < 0 ? r
		     : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, &equal);
}

static int add_rules(scmp_filter_ctx filter, enum box_role role, int undertaker)
{
	const struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

	if (r == 0)
		r = add_descriptor_rules(filter, role, undertaker);
	for (size_t i = 0; r == 0 && i < sizeof(allow_list) / sizeof(allow_list[0]); i++) {
		const struct allowed *a = &allow_list[i];

		if (a->roles & BIT(role))
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, a->nr, a->n_args,
						   a->arg);
	}
	return r < 0 ? r : add_sanitizer_rules(filter);
}

int box_confine(enum box_role role)
{
	return box_confine_with(role, -1);
}

int box_confine_with(enum box_role role, int undertaker)
{
	scmp_filter_ctx filter;
	int r;

	if (role != BOX_SERVER && role != BOX_SIM && role != BOX_UNDERTAKER)
		return 0;
	tzset(); /* reads the zone file now; gmtime_r() would later, and be killed for it */
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_rules(filter, role, undertaker);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
