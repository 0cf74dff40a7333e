// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The self-test: that it passes here, and that it says so when a layer of a box is missing.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"
#include "xmbroker/selftest.h"

struct counts {
	unsigned int rows, missing, absent;
	char first[256]; /* that was missing */
};

static void take(void *context, const struct selftest_row *row)
{
	struct counts *counts = context;

	counts->rows++;
	counts->absent += row->verdict == SELFTEST_ABSENT;
	if (row->verdict == SELFTEST_MISSING && !counts->missing++)
		snprintf(counts->first, sizeof(counts->first), "%s: %s: %s", row->layer,
			 row->attempt, row->got);
}

/* In a child: it takes descriptor 3. */
static struct counts run(enum box_role role, const struct box_place *places, size_t n)
{
	struct counts *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		      counts;
	struct selftest_box box = { .role = role,
				    .uid = BOX_STAY,
				    .gid = BOX_STAY,
				    .root = -1,
				    .places = places,
				    .n_places = n };
	int status;
	pid_t pid;

	cr_assert_neq(shared, MAP_FAILED);
	pid = fork();
	if (pid == 0)
		_exit(selftest_run(&box, take, shared) < 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", (unsigned)status);
	counts = *shared;
	munmap(shared, sizeof(*shared));
	return counts;
}

Test(selftest, every_role_passes)
{
	for (enum box_role role = 0; role < BOX_N_ROLES; role++) {
		struct counts counts = run(role, NULL, 0);

		cr_expect_eq(counts.missing, 0, "%s: %s", box_role_name(role), counts.first);
		cr_expect_geq(counts.rows, 40, "%s", box_role_name(role));
	}
}

static int attempt(enum box_role role, const struct selftest_probe *probe)
{
	struct selftest_box box = { .role = role, .parent = getpid(), .log = STDERR_FILENO };
	int status;
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box.pair), 0);
	pid = fork();
	if (pid == 0) {
		if (box_become(role, BOX_STAY, BOX_STAY) < 0 || box_confine(role) < 0)
			_exit(250);
		_exit(probe->try(&box) < 0 ? errno : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(box.pair[0]);
	close(box.pair[1]);
	return status;
}

/* The self-test is spared the kernel's log; in earnest all of that is killing, of every role. */
Test(selftest, what_it_finds_trapped_kills)
{
	unsigned int n = 0;

	for (enum box_role role = 0; role < BOX_N_ROLES; role++)
		for (size_t i = 0; i < selftest_n_probes; i++) {
			const struct selftest_probe *p = &selftest_probes[i];
			int status;

			if (!(p->roles & BOX_BIT(role)) || p->layer != SELFTEST_CALLS ||
			    p->wanted != SELFTEST_DIES)
				continue;
			status = attempt(role, p);
			cr_expect((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
					  (BOX_INSTRUMENTED && WIFEXITED(status) &&
					   WEXITSTATUS(status) == EACCES),
				  "%s: %s: %#x", box_role_name(role), p->attempt, (unsigned)status);
			n++;
		}
	cr_expect_geq(n, 200, "%u", n);
}

/* A place that gives everything away is a box without Landlock. */
Test(selftest, a_box_that_is_open_is_found_out)
{
	const struct box_place all = { "/", BOX_EXECUTE };
	struct counts counts;

	if (box_landlock_version() == 0)
		cr_skip_test("not run: needs Landlock");
	counts = run(BOX_SERVER, &all, 1);
	cr_expect_geq(counts.missing, 3, "%u", counts.missing);
	cr_expect(strstr(counts.first, "files: read a file: it is possible"), "%s", counts.first);
}

Test(selftest, every_probe_is_of_a_role_and_a_layer)
{
	for (size_t i = 0; i < selftest_n_probes; i++) {
		const struct selftest_probe *p = &selftest_probes[i];

		cr_expect(p->roles && p->roles < BOX_BIT(BOX_N_ROLES), "%s", p->attempt);
		cr_expect(p->layer < SELFTEST_N_LAYERS, "%s", p->attempt);
		cr_expect_lt(strlen(p->attempt), 39, "%s", p->attempt);
		/* Only a system call can be fatal. */
		cr_expect(p->wanted != SELFTEST_DIES || p->layer >= SELFTEST_CALLS, "%s",
			  p->attempt);
	}
}

Test(selftest, a_row_survives_being_a_line)
{
	struct selftest_row row = { "server",           "calls",  "open",
				    "killed by SIGSYS", "EACCES", SELFTEST_MISSING },
			    back;
	char line[512];
	FILE *file = fmemopen(line, sizeof(line), "w");

	selftest_write(file, &row);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	cr_assert_eq(selftest_read(line, &back), 0);
	cr_expect_eq(memcmp(&row, &back, sizeof(row)), 0);
}

Test(selftest, what_is_no_row_is_refused)
{
	static const char *const bad[] = { "", "a\tb\tc\td\te", "a\tb\tc\td\te\tgood",
					   "a\tb\tc\td\te\tin force\t",
					   "a name that is too long\tb\tc\td\te\tin force" };
	struct selftest_row row;
	char line[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(line, bad[i]);
		cr_expect_eq(selftest_read(line, &row), -EPROTO, "%s", bad[i]);
	}
}

static void take_machine(void *context, const struct selftest_row *row)
{
	unsigned int *rows = context;

	cr_expect_str_eq(row->role, "machine");
	(*rows)++;
}

Test(selftest, the_machine_is_asked)
{
	unsigned int rows = 0;

	selftest_machine(65534, take_machine, &rows);
	cr_expect_geq(rows, 1);
}
