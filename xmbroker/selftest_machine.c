// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether this machine takes hypercalls from a user process, by its instructions themselves.  Owns the
 * children that try.  Must never try it as anybody, nor with another call than one that only tells the
 * time, or one that there is not.
 */

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/selftest.h"

#define GET_TIME 9   /* in the profiles whose hypervisors run 64-bit systems */
#define CLOCK_HW 0   /* microseconds since it booted */
#define ANSWERED 1   /* exit status: it came back, */
#define BELIEVABLE 2 /* with success and a time */
#define NOBODY 3     /* we could not become nobody */

#if defined(__x86_64__)
static volatile int64_t told; /* where the time would be stored */

static int judge(long result)
{
	return result == 0 && told > 0 ? BELIEVABLE : ANSWERED;
}

#define HYPERCALL(name, instruction)                                                               \
	static int name(void)                                                                      \
	{                                                                                          \
		long result = GET_TIME;                                                            \
                                                                                                   \
		__asm__ volatile(instruction                                                       \
				 : "+a"(result)                                                    \
				 : "b"(CLOCK_HW), "c"(&told), "d"(0), "S"(0), "D"(0)               \
				 : "memory", "cc");                                                \
		return judge((int)result);                                                         \
	}

HYPERCALL(try_vmcall, "vmcall")
HYPERCALL(try_vmmcall, "vmmcall")
HYPERCALL(try_int82, "int $0x82")
#elif defined(__aarch64__)
/* A number that no hypervisor has: where this comes back at all, others would, too. */
static int try_hvc(void)
{
	register unsigned long number __asm__("x0") = ~0ul;

	__asm__ volatile("hvc #0"
			 : "+r"(number)
			 :
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "memory", "cc");
	return BELIEVABLE;
}
#endif

static const struct {
	const char *attempt;
	int (*try)(void);
} attempts[] = {
#if defined(__x86_64__)
	{ "hypercall from user mode: vmcall", try_vmcall },
	{ "hypercall from user mode: vmmcall", try_vmmcall },
	{ "hypercall from user mode: int 0x82", try_int82 },
#elif defined(__aarch64__)
	{ "hypercall from user mode: hvc", try_hvc },
#elif defined(__riscv)
	{ "hypercall from user mode: ecall is Linux's", NULL },
#else
	{ "hypercall from user mode: not known here", NULL },
#endif
};

/* Without the right to say who one is, one already is nobody special. */
static _Noreturn void try(uid_t nobody, int (*attempt)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* What the kernel logs of it should not be taken for an attack. */
	prctl(PR_SET_NAME, "xmbroker-probe", 0, 0, 0);
	if (box_keep_only(NULL, 0) < 0)
		_exit(NOBODY);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	signal(SIGSEGV, SIG_DFL); /* as a sanitizer has not */
	signal(SIGILL, SIG_DFL);
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(nobody, nobody, nobody) < 0 ||
			       setresuid(nobody, nobody, nobody) < 0))
		_exit(NOBODY);
	_exit(attempt());
}

static void describe(int status, struct selftest_row *row)
{
	const char *got = "it answers with an error";

	row->verdict = SELFTEST_IN_FORCE;
	if (WIFSIGNALED(status)) {
		snprintf(row->got, sizeof(row->got), "trapped: SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
		return;
	}
	if (WEXITSTATUS(status) == BELIEVABLE) {
		got = "ANY PROCESS CAN ISSUE HYPERCALLS HERE";
		row->verdict = SELFTEST_MISSING;
	} else if (WEXITSTATUS(status) == NOBODY) {
		got = "cannot become an ordinary user";
		row->verdict = SELFTEST_ABSENT;
	}
	snprintf(row->got, sizeof(row->got), "%s", got);
}

static void attempt(size_t i, uid_t nobody, struct selftest_row *row)
{
	int status;
	pid_t pid;

	memset(row, 0, sizeof(*row));
	snprintf(row->role, sizeof(row->role), "machine");
	snprintf(row->layer, sizeof(row->layer), "hypervisor");
	snprintf(row->attempt, sizeof(row->attempt), "%s", attempts[i].attempt);
	snprintf(row->wanted, sizeof(row->wanted), "refused");
	row->verdict = SELFTEST_ABSENT;
	if (!attempts[i].try) {
		snprintf(row->got, sizeof(row->got), "not tried: it cannot be issued");
		return;
	}
	pid = fork();
	if (pid == 0)
		try(nobody, attempts[i].try);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		snprintf(row->got, sizeof(row->got), "could not be tried");
	else
		describe(status, row);
}

void selftest_machine(uid_t nobody, void (*take)(void *context, const struct selftest_row *row),
		      void *context)
{
	struct selftest_row row;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		attempt(i, nobody, &row);
		take(context, &row);
	}
}
