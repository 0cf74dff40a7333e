// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Descriptions and policies that are read while the first, the second, ... allocation fails: an error
 * and nothing leaked, or the program ends and says why; never half a result.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxm/system/load.h"
#include "policy/compile.h"
#include "policy/image.h"
#include "tests/alloc_fail.h"

#define MOST 20000

TestSuite(faults_policy, .timeout = 240);

static void load_each(const char *path)
{
	unsigned long n = 0;

	do {
		long alive = alloc_alive();
		struct system *sys = NULL;
		struct diag diag;
		int r;

		diag_init(&diag);
		alloc_fail_at(++n);
		r = system_load(path, &diag, &sys);
		alloc_fail_at(0);
		if (alloc_has_failed())
			cr_assert_lt(r, 0, "%s, allocation %lu failed: %d", path, n, r);
		else
			cr_assert_eq(r, 0, "%s", path);
		if (r == 0)
			cr_assert(system_verify(sys, sys->size));
		free(sys);
		diag_free(&diag);
		cr_assert_eq(alloc_alive(), alive, "%s, allocation %lu failed: %ld leaked", path, n,
			     alloc_alive() - alive);
	} while (alloc_has_failed() && n < MOST);
	cr_assert_gt(n, 10);
	cr_assert_lt(n, MOST);
}

Test(faults_policy, a_description_of_3x)
{
	load_each("policy/examples/demo.xml");
}

Test(faults_policy, a_description_of_2x)
{
	load_each("tests/sim_2x.xml");
}

static const char policy[] = "version: 1\n"
			     "system: policy/examples/demo.xml\n"
			     "define:\n"
			     "  payloads: [payload, camera]\n"
			     "roles:\n"
			     "  observer:\n"
			     "    - allow: [\"@time\", \"@status\"]\n"
			     "  operator:\n"
			     "    - include: observer\n"
			     "    - allow: [XM_suspend_partition]\n"
			     "      where: {partitionId: payloads}\n"
			     "      audit: always\n"
			     "    - deny: XM_halt_partition\n"
			     "      because: nobody halts\n"
			     "grants:\n"
			     "  - {to: \"user:4711\", roles: [operator]}\n";

/* 0: compiled; 1: refused with an error. */
static int compile_with(unsigned long n)
{
	const struct policy_options options = { .partition = 0, .system_required = true };
	struct diag diag;
	void *image = NULL;
	size_t len = 0;
	int r;

	diag_init(&diag);
	alloc_fail_at(n);
	r = policy_compile_text("policy.yaml", policy, sizeof(policy) - 1, &options, &diag, &image,
				&len);
	alloc_fail_at(0);
	if (r == 0 && !policy_image_verify(image, len))
		return 3;
	if (r < 0 && image)
		return 4;
	free(image);
	diag_free(&diag);
	if (r == 0 && alloc_has_failed())
		return 5;
	return r == 0 ? 0 : 1;
}

/* It may end the program, so it is run in one of its own. */
static int compile_in_a_child(unsigned long n)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		_exit(compile_with(n));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "allocation %lu failed: signal %d", n, WTERMSIG(status));
	return WEXITSTATUS(status);
}

Test(faults_policy, a_policy)
{
	unsigned long n = 1;
	int status;

	while ((status = compile_in_a_child(n)) && n < MOST) {
		cr_assert(status == 1 || status == 2, "allocation %lu failed: status %d", n,
			  status);
		n++;
	}
	cr_assert_gt(n, 10);
	cr_assert_lt(n, MOST);
}
