// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How records get into the file: one chain whatever fails and whenever a server is killed, over all
 * files; keys that are gone when they are used.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/audit_rig.h"
#include "xmbroker/audit_internal.h"

TestSuite(audit_write, .init = rig_setup, .fini = rig_teardown);

/* ---- start ------------------------------------------------------------------------------------------- */

Test(audit_write, a_log_is_one_chain_over_all_servers)
{
	struct rig_log found;

	for (unsigned int i = 0; i < 5; i++) {
		rig_serve(i * 3);
		cr_assert_eq(rig_decide(), 0);
		if (i % 2)
			cr_assert_eq(audit_stop(audit, "x"), 0);
	}
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.starts, 5);
	cr_expect_eq(found.records, 12);
	cr_expect_eq(found.state.seq, 12);
}

/* Whatever happens the first record of a server is its start: it is kept until it can be written. */
Test(audit_write, a_start_that_cannot_be_written_is_written_later)
{
	struct rig_log found;
	size_t whole;

	rig_serve(0);
	whole = (size_t)rig_log_size();
	for (size_t room = 0; room < whole; room += 7) {
		struct audit_state state = { .sealed = true };

		cr_assert_eq(ftruncate(log_fd, 0), 0);
		audit_free(audit);
		rig_epoch_key(0, state.key);
		audit_new(fcntl(log_fd, F_DUPFD_CLOEXEC, 3), &state, NULL, &audit);
		rig_limit((off_t)room);
		cr_assert_lt(audit_start(audit, "loopback", 0, decision.image, 3), 0);
		cr_assert_lt(rig_decide(), 0);
		rig_limit(-1);
		cr_assert_eq(rig_decide(), 0);
		rig_read(&log_fd, 1, &found);
		cr_assert_eq(found.records, 3);
		cr_assert_eq(found.starts, 1);
		cr_assert_eq(found.lost, 1);
		cr_assert_eq(found.recovered, 0);
	}
}

Test(audit_write, what_a_server_before_left_torn_is_declared)
{
	struct rig_log found;

	rig_serve(0);
	cr_assert_eq(write(log_fd, "{\"seq\":2,\"ty", 12), 12);
	rig_serve(1);
	cr_assert_eq(rig_decide(), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.recovered, 1);
	cr_expect_eq(found.state.seq, 4);
	cr_expect_eq(found.torn, 0);
}

Test(audit_write, a_record_that_lacks_only_its_newline_is_torn)
{
	struct rig_log found;

	rig_serve(0);
	cr_assert_eq(rig_decide(), 0);
	cr_assert_eq(ftruncate(log_fd, rig_log_size() - 1), 0);
	rig_serve(1);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.recovered, 1);
	cr_expect_eq(found.decisions, 0);
}

/* ---- what fails -------------------------------------------------------------------------------------- */

/* Room for so many bytes more, then none for two records, then enough. */
static void tear_at(off_t room, struct rig_log *foundp)
{
	unsigned int written = 0;

	cr_assert_eq(ftruncate(log_fd, 0), 0);
	memset(ledger, 0, sizeof(*ledger));
	rig_serve(0);
	cr_assert_eq(rig_decide(), 0);
	rig_limit(room);
	for (unsigned int i = 0; i < 3; i++)
		written += rig_decide() == 0;
	rig_limit(-1);
	cr_assert_eq(rig_decide(), 0);
	rig_read(&log_fd, 1, foundp);
	cr_assert_eq(foundp->decisions, written + 2);
	cr_assert_eq(foundp->lost, 3 - written);
	cr_assert_eq(foundp->torn, 0);
}

Test(audit_write, torn_at_every_byte)
{
	struct rig_log found;
	off_t len;

	tear_at(0, &found);
	cr_assert_eq(rig_decide(), 0);
	len = rig_log_size();
	cr_assert_eq(rig_decide(), 0);
	len = rig_log_size() - len;
	for (off_t room = 1; room < 2 * len + 2; room++) {
		tear_at(room, &found);
		cr_assert_eq(found.recovered, room % len != 0, "%ld", (long)room);
	}
}

Test(audit_write, room_that_comes_byte_by_byte)
{
	unsigned int written = 0, failed = 0;
	struct rig_log found;

	rig_serve(0);
	for (unsigned int i = 0; i < 3000; i++) {
		rig_limit(1 + i % 5);
		if (rig_decide() == 0)
			written++;
		else
			failed++;
	}
	rig_limit(-1);
	cr_assert_eq(rig_decide(), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, written + 1);
	cr_expect_eq(found.lost, failed);
}

Test(audit_write, a_log_that_is_gone_takes_nothing_until_it_is_there_again)
{
	struct rig_log found;

	rig_serve(0);
	audit_failing(audit, ENOENT);
	cr_expect_eq(rig_decide(), -ENOENT);
	cr_expect_eq(rig_deny(true), 0);
	cr_expect_eq(audit_flush_folds(audit), -ENOENT);
	audit_failing(audit, 0);
	cr_expect_eq(rig_decide(), 0);
	cr_expect_eq(audit_flush_folds(audit), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.lost, 1);
	cr_expect_eq(found.decisions, 1);
	cr_expect_eq(found.folded, 1);
}

/* ---- killed ------------------------------------------------------------------------------------------ */

/* What a server that is killed has told its clients; shared with it. */
struct told {
	uint64_t last_id;
	uint64_t denials;
	uint64_t batches;
};

static void work(struct told *told)
{
	for (;;) {
		uint64_t id = 0;

		decision.allowed = true;
		if (audit_decision(audit, &decision, false, &id) == 0)
			told->last_id = id;
		for (unsigned int i = 0; i < 3; i++) {
			who.uid = 1000 + i;
			if (rig_deny(true) == 0)
				told->denials++;
		}
		audit_flush_folds(audit);
		audit_run_begin(audit);
		for (unsigned int i = 0; i < 5; i++)
			rig_decide();
		if (audit_run_end(audit) == 0)
			told->batches++;
	}
}

/* A server that is killed in the middle of a write: when the log has so many bytes more. */
static void serve_until(off_t more, uint64_t epoch, struct told *told)
{
	struct rlimit limit, no_core = { 0, 0 };
	struct rig_log found;
	int status;
	pid_t pid;

	rig_read(&log_fd, 1, &found);
	pid = fork();
	if (pid == 0) {
		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		getrlimit(RLIMIT_FSIZE, &limit);
		limit.rlim_cur = (rlim_t)(rig_log_size() + more);
		setrlimit(RLIMIT_FSIZE, &limit);
		found.state.sealed = true;
		found.state.epoch = epoch;
		rig_epoch_key(epoch, found.state.key);
		if (audit_new(log_fd, &found.state, ledger, &audit) < 0)
			_exit(1);
		audit_start(audit, "loopback", 0, decision.image, 3);
		work(told);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "%x", status);
}

Test(audit_write, killed_at_every_byte, .timeout = 240)
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct audit_count count;
	struct rig_log found;
	uint64_t denials = 0;

	for (off_t more = 0; more < 9000; more += more < 1400 ? 1 : 61) {
		if (more % 50 == 0) { /* or the log gets long */
			cr_assert_eq(ftruncate(log_fd, 0), 0);
			memset(ledger, 0, sizeof(*ledger));
			denials = 0;
		}
		told->last_id = told->denials = 0;
		serve_until(more, (uint64_t)(more % 7), told);
		denials += told->denials;
		rig_read(&log_fd, 1, &found);
		cr_assert_geq(found.last_id, found.starts ? told->last_id : 0);
	}
	rig_serve(0);
	audit_stop(audit, "x");
	audit_count(audit, &count);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.torn, 0);
	cr_expect_eq(count.waiting + count.lost, 0);
	cr_expect_eq(found.folded, denials);
	munmap(told, sizeof(*told));
}

/* ---- keys -------------------------------------------------------------------------------------------- */

static bool holds(const void *where, size_t size, const uint8_t *key)
{
	return memmem(where, size, key, AUDIT_KEY_BYTES) != NULL;
}

/* What there is after record i gives no key of a record up to it. */
Test(audit_write, a_key_is_gone_when_its_record_is_written)
{
	uint8_t keys[20][AUDIT_KEY_BYTES], epoch[AUDIT_KEY_BYTES];

	rig_serve(0);
	rig_epoch_key(0, epoch);
	audit_segment_key(epoch, keys[0]);
	for (unsigned int i = 1; i < 20; i++) {
		memcpy(keys[i], audit->point.key, AUDIT_KEY_BYTES);
		cr_assert_not(holds(audit, sizeof(*audit), epoch));
		for (unsigned int j = 0; j < i; j++)
			cr_assert_not(holds(audit, sizeof(*audit), keys[j]), "%u after %u", j, i);
		if (i % 7 == 3)
			rig_limit(100);
		rig_decide();
		rig_limit(-1);
		if (i % 7 == 3)
			cr_assert_eq(rig_decide(), 0);
	}
}

Test(audit_write, the_keys_of_a_run_are_gone_at_its_end)
{
	uint8_t first[AUDIT_KEY_BYTES];

	rig_serve(0);
	memcpy(first, audit->point.key, AUDIT_KEY_BYTES);
	audit_run_begin(audit);
	for (unsigned int i = 0; i < 10; i++)
		rig_decide();
	cr_assert_eq(audit_run_end(audit), 0);
	cr_expect_not(holds(audit, sizeof(*audit), first));
}

/* Whether the kernel has been told to leave the memory at this address out of dumps. */
static bool is_left_out(const void *where)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false, found = false;

	cr_assert_not_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)where >= from && (uintptr_t)where < to;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, " dd");
	}
	fclose(smaps);
	return found;
}

Test(audit_write, no_dump_has_the_key)
{
	rig_serve(0);
	cr_expect(is_left_out(&audit->point));
	cr_expect_not(is_left_out(ledger));
}

/* ---- rotation ---------------------------------------------------------------------------------------- */

Test(audit_write, one_chain_runs_through_all_files)
{
	int fds[4] = { log_fd };
	struct rig_log found;
	uint64_t id = 0;

	rig_serve(0);
	for (unsigned int i = 1; i < 4; i++) {
		cr_assert_eq(rig_decide(), 0);
		cr_assert_eq(rig_deny(true), 0);
		fds[i] = rig_file();
		cr_assert_eq(rig_rotate(fds[i], i), 0);
	}
	decision.allowed = true;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_eq(id, 4, "ids go on");
	rig_read(fds, 4, &found);
	cr_expect_eq(found.rotates, 3);
	cr_expect_eq(found.continues, 3);
	cr_expect_eq(found.folded, 3);
	cr_expect_eq(found.records, found.state.seq);
	rig_read(fds, 1, &found);
	cr_expect_eq(found.rotates, 1);
	cr_expect_eq(found.folded, 1, "folded denials are told of in their file");
	for (unsigned int i = 1; i < 4; i++)
		close(fds[i]);
}

Test(audit_write, the_old_file_goes_on_if_the_new_one_cannot_be_written)
{
	uint8_t key[AUDIT_KEY_BYTES];
	struct rig_log found;

	rig_serve(0);
	cr_assert_eq(rig_decide(), 0);
	cr_expect_lt(rig_rotate(open("/dev/full", O_WRONLY | O_CLOEXEC), 1), 0);
	cr_assert_eq(rig_decide(), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, 2);
	cr_expect_eq(found.rotates, 1);
	rig_epoch_key(1, key);
	cr_expect_not(holds(audit, sizeof(*audit), key));
	audit_segment_key(key, key);
	cr_expect_not(holds(audit, sizeof(*audit), key));
}

Test(audit_write, the_old_file_goes_on_if_it_cannot_be_ended)
{
	struct rig_log found;
	int fd = rig_file();

	rig_serve(0);
	rig_limit(20);
	cr_expect_lt(rig_rotate(fd, 1), 0);
	rig_limit(-1);
	cr_assert_eq(rig_decide(), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.rotates, 0);
	cr_expect_eq(found.recovered, 1);
	cr_expect_eq(found.decisions, 1);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}

Test(audit_write, a_rotation_ends_that_the_log_is_gone)
{
	int fds[2] = { log_fd, rig_file() };
	struct rig_log found;

	rig_serve(0);
	audit_failing(audit, EACCES);
	cr_expect_eq(rig_decide(), -EACCES);
	cr_assert_eq(rig_rotate(fds[1], 1), 0);
	cr_expect_eq(rig_decide(), 0);
	rig_read(fds, 2, &found);
	cr_expect_eq(found.lost, 1);
	close(fds[1]);
}

Test(audit_write, a_retention_says_what_goes)
{
	char text[4096];
	ssize_t len;

	rig_serve(0);
	cr_assert_eq(audit_retention(audit, 17, 2, "size"), 0);
	len = pread(log_fd, text, sizeof(text) - 1, 0);
	text[len] = '\0';
	cr_expect_not_null(strstr(text, "\"first\":17,\"files\":2,\"reason\":\"size\",\"chain\""));
}
