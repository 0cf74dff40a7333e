// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files of the audit log that go: those that somebody removed or replaced, which are made again, and old
 * ones, which go when that is on record. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/store_rig.h"
#include "xmbroker/audit_ledger.h"

TestSuite(store, .init = store_rig_setup, .fini = store_rig_teardown);

/* ---- removal ----------------------------------------------------------------------------------------- */

/* The server's part of a rotation, and what follows it. */
static void finish_removed(int64_t now)
{
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "removed");
	records(store.left.give, 3);
	record(store.left.give, "rotate");
	record(store.now.give, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, now);
	store_tick(&store, now + 1);
	cr_assert_eq(store.left.fd, -1);
	cr_assert_eq(store.copy, -1);
}

Test(store, removed_log_is_copied_back)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(first_of("audit.jsonl"), seq);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 2);
}

Test(store, replaced_log_is_copied_back)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert(is_there("audit.jsonl.foreign-000001"));
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(size_of("audit.jsonl.000001") > 0, true);
}

Test(store, removed_folder_is_made_again)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	remove_file("audit.jsonl.ledger");
	cr_assert_eq(rmdir(folder), 0);
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(size_of("audit.jsonl.ledger"), AUDIT_LEDGER_SIZE);
	cr_assert_eq(store_open(&second, &set, &links), -EBUSY, "the new ledger is not locked");
}

Test(store, removed_while_no_server_runs)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert_gt(size_of("audit.jsonl"), 0, "what was copied back is the current file again");
	killed();
	expect_continued();
}

Test(store, server_dies_before_the_removed_log_is_copied)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_tick(&store, 1000);
	records(store.left.give, 1);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert_eq(first_of("audit.jsonl"), 1);
}

Test(store, folder_that_cannot_be_made_again)
{
	char away[96], inner[64];

	/* A file stands where the folder was. */
	snprintf(inner, sizeof(inner), "%s/in", folder);
	snprintf(path, sizeof(path), "%s/in/audit.jsonl", folder);
	snprintf(away, sizeof(away), "%s/away", folder);
	cr_assert_eq(mkdir(inner, 0755), 0);
	open_store();
	serve();
	records(store.now.give, 10);
	cr_assert_eq(rename(inner, away), 0);
	close(open(inner, O_WRONLY | O_CREAT, 0600));
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT_SPACE);
	cr_assert(!sent[0].ok);
	cr_assert_eq(sent[0].number, ENOTDIR);
	store_tick(&store, 2000);
	cr_assert_eq(n_sent, 1, "said once");
	/* And can be at last. */
	cr_assert_eq(unlink(inner), 0);
	n_sent = 0;
	store_tick(&store, 3000);
	finish_removed(3100);
	cr_assert_eq(sent[1].type, CHANNEL_AUDIT_SPACE);
	cr_assert(sent[1].ok);
	cr_assert_eq(first_of("in/audit.jsonl.000001"), 1);
}

Test(store, counts_survive_the_loss_of_the_ledger)
{
	char bytes[8] = "12345678", back[8];

	open_store();
	serve();
	cr_assert_eq(pwrite(store.ledger, bytes, 8, 100), 8);
	remove_file("audit.jsonl.ledger");
	store_tick(&store, 1000);
	cr_assert_geq(store.spare_ledger, 0);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(store.spare_ledger, -1);
	cr_assert(store_is_named(&store, "audit.jsonl.ledger", store.ledger));
	cr_assert_eq(pread(store.ledger, back, 8, 100), 8);
	cr_assert_arr_eq(bytes, back, 8);
}

/* ---- retention --------------------------------------------------------------------------------------- */

static void make_files(unsigned int n)
{
	open_store();
	serve();
	for (unsigned int i = 0; i < n; i++) {
		records(store.now.give, 10);
		store_request(&store);
		store_tick(&store, 1000 * (i + 1));
		record(store.left.give, "rotate");
		record(store.now.give, "continue");
		answer(CHANNEL_AUDIT_DONE, i + 2, true, 1000 * (i + 1));
	}
	n_sent = 0;
}

Test(store, oldest_go_after_it_is_on_record)
{
	struct audit_note note;

	make_files(5);
	store.set.keep_size = 2 * (uint64_t)size_of("audit.jsonl.000003") + 200;
	store_tick(&store, 10000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT_NOTE);
	cr_assert_eq(audit_note_get(sent[0].text, &note), 0);
	cr_assert_str_eq(note.reason, "size");
	cr_assert(is_there("audit.jsonl.000001"), "deleted before it was on record");
	answer(CHANNEL_AUDIT_NOTED, 0, true, 10100);
	cr_assert_eq(note.files, 3);
	cr_assert(!is_there("audit.jsonl.000001") && !is_there("audit.jsonl.000003"));
	cr_assert_eq(first_of("audit.jsonl.000004"), note.first);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 6);
}

Test(store, newest_rotated_file_stays)
{
	make_files(3);
	store.set.keep_size = 1;
	store_tick(&store, 10000);
	answer(CHANNEL_AUDIT_NOTED, 0, true, 10100);
	cr_assert(is_there("audit.jsonl.000003") && !is_there("audit.jsonl.000002"));
}

Test(store, what_is_not_on_record_stays)
{
	make_files(3);
	store.set.keep_size = 1;
	store_tick(&store, 10000);
	answer(CHANNEL_AUDIT_NOTED, 0, false, 10100);
	cr_assert(is_there("audit.jsonl.000001"));
	n_sent = 0;
	store_tick(&store, 10100 + STORE_RETRY_MS);
	cr_assert_eq(n_sent, 1, "tried again");
}

Test(store, old_files_go)
{
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct audit_note note;
	char file[128];

	make_files(3);
	snprintf(file, sizeof(file), "%s/audit.jsonl.000001", folder);
	cr_assert_eq(utimensat(AT_FDCWD, file, times, 0), 0);
	store.set.keep_age = 86400;
	store_tick(&store, 10000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_note_get(sent[0].text, &note), 0);
	cr_assert_eq(note.files, 1);
	cr_assert_str_eq(note.reason, "age");
}

Test(store, only_names_of_the_log_are_its_files)
{
	static const char *const names[] = { "audit.jsonl.1",       "audit.jsonl.0000001",
					     "audit.jsonl.000000",  "audit.jsonl.000001x",
					     "audit.jsonl.ledgerx", "audit.jsonl.99999999999" };
	struct store_list list;
	char file[128];

	open_store();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", folder, names[i]);
		close(open(file, O_WRONLY | O_CREAT, 0600));
	}
	cr_assert_eq(store_list(&store, &list), 0);
	cr_assert_eq(list.n, 0);
	store_list_deinit(&list);
	snprintf(file, sizeof(file), "%s/audit.jsonl.1000000", folder);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	cr_assert_eq(store_list(&store, &list), 0);
	cr_assert_eq(list.n, 1);
	cr_assert_eq(list.number[0], 1000000);
	store_list_deinit(&list);
}
