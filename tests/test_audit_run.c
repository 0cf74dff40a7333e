// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Records that are kept for a while: those of a run, which are written at its end, and texts of theirs,
 * which are made once.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/audit_rig.h"
#include "xmbroker/audit_internal.h"

TestSuite(audit_write, .init = rig_setup, .fini = rig_teardown);

/* ---- runs -------------------------------------------------------------------------------------------- */

Test(audit_write, a_run_is_written_at_its_end)
{
	off_t before;
	struct rig_log found;

	rig_serve(0);
	before = rig_log_size();
	audit_run_begin(audit);
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(rig_decide(), 0);
	cr_expect_eq(rig_log_size(), before);
	cr_assert_eq(audit_run_end(audit), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, 10);
}

static int count_writes(unsigned int n)
{
	char buf[65536];
	int pipes[2], writes = 0;
	struct audit_state state = { 0 };

	audit_free(audit);
	cr_assert_eq(pipe2(pipes, O_CLOEXEC | O_DIRECT | O_NONBLOCK), 0);
	cr_assert_geq(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20), 0);
	cr_assert_eq(audit_new(pipes[1], &state, NULL, &audit), 0);
	audit_run_begin(audit);
	for (unsigned int i = 0; i < n; i++)
		cr_assert_eq(rig_decide(), 0);
	cr_assert_eq(audit_run_end(audit), 0);
	/* A packet pipe gives no more than a page of a write at once. */
	while (read(pipes[0], buf, sizeof(buf)) > 0)
		writes++;
	close(pipes[0]);
	return writes;
}

Test(audit_write, a_run_takes_few_writes)
{
	/* 512 records are more than 200 KiB: pages, not records, count. */
	cr_expect_lt(count_writes(512), 80);
}

/* Room for so many bytes of a run of twenty: who is told to be written is, and nobody else. */
static void cut_run(off_t room)
{
	uint64_t id[20] = { 0 };
	unsigned int written = 0;
	struct rig_log found;
	int r;

	cr_assert_eq(ftruncate(log_fd, 0), 0);
	memset(ledger, 0, sizeof(*ledger));
	rig_serve(0);
	rig_limit(room);
	audit_run_begin(audit);
	decision.allowed = true;
	decision.fold = false;
	for (unsigned int i = 0; i < 20; i++)
		audit_decision(audit, &decision, i == 3, &id[i]);
	r = audit_run_end(audit);
	for (unsigned int i = 0; i < 20; i++)
		written += audit_is_written(audit, id[i]);
	cr_assert_eq(r == 0, written == 20);
	rig_limit(-1);
	cr_assert_eq(audit_stop(audit, "x"), 0);
	rig_read(&log_fd, 1, &found);
	cr_assert_eq(found.decisions, written);
	cr_assert_eq(found.last_id, written);
	cr_assert_eq(found.lost, 20 - written);
	cr_assert_eq(found.torn, 0);
}

Test(audit_write, a_run_that_is_cut_off_says_what_is_written)
{
	for (off_t room = 0; room < 12000; room += 37)
		cut_run(room);
}

Test(audit_write, a_long_run_that_fails_in_the_middle_ends_there)
{
	uint64_t id[400] = { 0 };
	unsigned int written = 0;
	struct rig_log found;

	rig_serve(0);
	rig_limit(60000);
	audit_run_begin(audit);
	for (unsigned int i = 0; i < 400; i++) {
		if (i == 350)
			rig_limit(-1);
		audit_decision(audit, &decision, false, &id[i]);
	}
	cr_assert_lt(audit_run_end(audit), 0);
	for (unsigned int i = 0; i < 400; i++)
		written += audit_is_written(audit, id[i]);
	cr_assert_eq(audit_stop(audit, "x"), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, written);
	cr_expect_eq(found.last_id, written);
	cr_expect_eq(found.lost, 400 - written);
}

/* ---- texts that are kept ----------------------------------------------------------------------------- */

/* Byte by byte what a writer that has kept nothing writes. */
Test(audit_write, a_kept_text_is_never_another_ones)
{
	static char cgroup[300], kept[AUDIT_LINE_MAX], made[AUDIT_LINE_MAX];
	struct audit *blank;

	rig_serve(0);
	cr_assert_eq(audit_new(-1, NULL, NULL, &blank), 0);
	who.cgroup = cgroup;
	srand(1);
	for (unsigned int i = 0; i < 1000; i++) {
		struct text a = TEXT_INIT(kept), b = TEXT_INIT(made);

		who.session = (uint64_t)(rand() % 2) * AUDIT_WHO_KEPT;
		who.uid = (uid_t)rand() % 2;
		who.pid = rand() % 2;
		who.n_gids = (uint32_t)rand() % 3;
		who.comm = rand() % 2 ? "a" : "ab";
		memset(cgroup, 0, sizeof(cgroup));
		memset(cgroup, 'a' + rand() % 2, rand() % 2 ? 3 : 250);
		decision.rule = rand() % 2 ? 0 : AUDIT_RULES_KEPT;
		decision.generation = (uint32_t)rand() % 2;
		audit_put_who(audit, &a, &who);
		audit_put_rule(audit, &a, &decision);
		memset(blank->who, 0, sizeof(blank->who));
		memset(blank->rule, 0, sizeof(blank->rule));
		audit_put_who(blank, &b, &who);
		audit_put_rule(blank, &b, &decision);
		cr_assert_eq(a.len, b.len);
		cr_assert_arr_eq(kept, made, a.len);
	}
	audit_free(blank);
}
