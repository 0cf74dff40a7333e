// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The seccomp filter, and the box as a whole.  Owns the order: limits, files and network, system
 * calls, of which the last forbids to change the others.  Must never install a filter that does not
 * end in killing, nor one that was made only once: when an allocation fails, libseccomp may go on and
 * say that all is well, and may as well crash or never end.  So children make it.
 */

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"

#if BOX_SANITIZED
/* A sanitizer's search for leaks at exit traces the process and cannot work in here: it is turned off
 * for confined processes only. */
static int confined;
int __lsan_is_turned_off(void);

__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
	return confined;
}

static void note_confined(enum box_role role)
{
	if (role != BOX_SUPERVISOR)
		confined = 1;
}
#else
static void note_confined(enum box_role role)
{
	(void)role;
}
#endif

#define BUILD_MEMORY (4ul << 20) /* far more than it takes */
#define BUILD_SECONDS 2          /* of processor time, likewise */

struct wish {
	enum box_role role;
	int undertaker, trap;
	pid_t self; /* whom it is for */
};

/* close() and sendmsg() go together: see box.h.  The undertaker itself closes nothing: discarding is
 * what its end is for. */
static int add_descriptor_rules(scmp_filter_ctx filter, enum box_role role, int undertaker)
{
	const struct scmp_arg_cmp lower = { 0, SCMP_CMP_LT, (scmp_datum_t)undertaker, 0 };
	const struct scmp_arg_cmp equal = { 0, SCMP_CMP_EQ, (scmp_datum_t)undertaker, 0 };
	int r;

	if (role != BOX_SERVER && role != BOX_SIM)
		return 0; /* in the table, or not at all */
	if (undertaker < 0)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 0);
	r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, &lower);
	return r < 0 ? r
		     : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, &equal);
}

/* For abort().  The supervisor's children have pids of their own. */
static int add_own_signal(scmp_filter_ctx filter, const struct wish *wish)
{
	const struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, (scmp_datum_t)wish->self, 0 };

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
				      wish->role == BOX_SUPERVISOR ? 0 : 1, &self);
}

static int add_rules(scmp_filter_ctx filter, const struct wish *wish)
{
	int r = add_own_signal(filter, wish);

	if (r == 0)
		r = add_descriptor_rules(filter, wish->role, wish->undertaker);
	for (size_t i = 0; r == 0 && i < box_n_calls; i++) {
		const struct box_call *call = &box_calls[i];
		uint32_t action =
			call->error ? SCMP_ACT_ERRNO((uint32_t)call->error) : SCMP_ACT_ALLOW;

		if (call->roles & BOX_BIT(wish->role))
			r = seccomp_rule_add_array(filter, action, call->nr, call->n_args,
						   call->arg);
	}
	return r;
}

/* Through a file in memory, as libseccomp gives it out in no other way. */
static int export(scmp_filter_ctx filter, struct box_program *program)
{
	int fd = memfd_create("xmbroker-filter", MFD_CLOEXEC), r;
	ssize_t len;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(filter, fd);
	len = r == 0 ? pread(fd, program->code, sizeof(program->code), 0) : 0;
	if (len < 0)
		r = -errno;
	else if (r == 0 && (len == 0 || len % (ssize_t)sizeof(program->code[0]) != 0))
		r = -ENOMEM;
	program->n = r == 0 ? (size_t)len / sizeof(program->code[0]) : 0;
	close(fd);
	return r;
}

static int build(const struct wish *wish, struct box_program *program)
{
	int trap = wish->trap;
	scmp_filter_ctx filter;
	int r;

	filter = seccomp_init(trap ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_rules(filter, wish);
	if (r == 0)
		r = export(filter, program);
	seccomp_release(filter);
	return r;
}

/*
 * The child's part.  Were there no memory, both programs might be wrong in the same way; and it could
 * run for ever.
 */
static _Noreturn void build_and_exit(const struct wish *wish, struct box_program *program)
{
	void *memory = mmap(NULL, BUILD_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	setrlimit(RLIMIT_CPU, &(struct rlimit){ BUILD_SECONDS, BUILD_SECONDS });
	if (memory == MAP_FAILED || munmap(memory, BUILD_MEMORY) < 0)
		_exit(1);
	_exit(build(wish, program) < 0 ? 1 : 0);
}

/* What the child made is in `program`, which is shared with it. */
static int build_in_child(const struct wish *wish, struct box_program *program)
{
	pid_t pid = fork(), ended;
	int status = 0;

	if (pid == 0)
		build_and_exit(wish, program);
	if (pid < 0)
		return -errno;
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	/* Where SIGCHLD is ignored there is no status: then the length must do. */
	if (ended < 0 && errno != ECHILD)
		return -errno;
	return status == 0 && program->n > 0 && program->n <= BPF_MAXINSNS ? 0 : -ENOMEM;
}

static bool are_same(const struct box_program *a, const struct box_program *b)
{
	return a->n == b->n && memcmp(a->code, b->code, a->n * sizeof(a->code[0])) == 0;
}

int box_program_make(enum box_role role, int undertaker, int trap, struct box_program *program)
{
	const struct wish wish = { role, undertaker, trap, getpid() };
	struct box_program *made = mmap(NULL, 2 * sizeof(*made), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (made == MAP_FAILED)
		return -errno;
	r = build_in_child(&wish, &made[0]);
	if (r == 0)
		r = build_in_child(&wish, &made[1]);
	*program = made[0];
	if (r == 0 && !are_same(program, &made[1]))
		r = -ENOMEM;
	munmap(made, 2 * sizeof(*made));
	return r;
}

int box_program_load(enum box_role role, struct box_program *program)
{
	const struct sock_fprog filter = { (unsigned short)program->n, program->code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return -errno;
	note_confined(role);
	return 0;
}

/* The filter is made first: with the limits in force there are no children, and no files for some. */
static int confine(enum box_role role, const struct box_place *places, size_t n, int undertaker,
		   const struct box_room *room)
{
	static struct box_program program;
	int r = box_program_make(role, undertaker, false, &program);

	tzset(); /* reads the zone file now; gmtime_r() would later, and be killed for it */
	if (r == 0)
		r = box_limit(role, room);
	if (r == 0)
		r = box_landlock(role, places, n);
	return r == 0 ? box_program_load(role, &program) : r;
}

int box_confine(enum box_role role)
{
	return confine(role, NULL, 0, -1, NULL);
}

int box_confine_to(enum box_role role, const struct box_place *places, size_t n)
{
	return confine(role, places, n, -1, NULL);
}

int box_confine_with(enum box_role role, int undertaker, const struct box_room *room)
{
	return confine(role, NULL, 0, undertaker, room);
}
