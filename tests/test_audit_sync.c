// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What of the audit log is on the disk, and when: in front of the real fdatasync(), which cannot be
 * seen, stands one that notes which file it was called for, how long that was, and fails on demand.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/audit_rig.h"

#define SYNCS 8

static struct sync {
	ino_t file;
	off_t len;
} syncs[SYNCS];
static unsigned int n_syncs;
static int failure;

TestSuite(audit_sync, .init = rig_setup, .fini = rig_teardown);

int fdatasync(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_lt(n_syncs, SYNCS);
	syncs[n_syncs++] = (struct sync){ st.st_ino, st.st_size };
	errno = failure;
	return failure ? -1 : 0;
}

/* Whether it was the nth, with all that the file holds. */
static void expect_sync(unsigned int nth, int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_lt(nth, n_syncs, "not on the disk");
	cr_expect_eq(syncs[nth].file, st.st_ino);
	cr_expect_eq(syncs[nth].len, st.st_size);
}

/* The old one first: what is in the new one says that the old one is whole. */
Test(audit_sync, both_files_of_a_rotation_are_on_the_disk)
{
	int next = rig_file();

	rig_serve(0);
	cr_assert_eq(rig_decide(), 0);
	n_syncs = 0;
	cr_assert_eq(rig_rotate(next, 1), 0);
	cr_assert_eq(n_syncs, 2);
	expect_sync(0, log_fd);
	expect_sync(1, next);
	close(next);
}

Test(audit_sync, a_rotation_whose_old_file_is_not_on_the_disk_does_not_take_place)
{
	int next = rig_file();

	rig_serve(0);
	failure = EIO;
	cr_expect_eq(rig_rotate(next, 1), -EIO);
	failure = 0;
	cr_expect_eq(lseek(next, 0, SEEK_END), 0);
	close(next);
}

Test(audit_sync, that_old_files_go_is_on_the_disk_before)
{
	rig_serve(0);
	n_syncs = 0;
	cr_assert_eq(audit_retention(audit, 1, 1, "size"), 0);
	cr_assert_eq(n_syncs, 1);
	expect_sync(0, log_fd);
	failure = EIO;
	cr_expect_eq(audit_retention(audit, 1, 1, "size"), -EIO);
}

Test(audit_sync, a_decision_is_on_the_disk_where_that_is_asked_for)
{
	uint64_t id;

	rig_serve(0);
	decision.allowed = true;
	n_syncs = 0;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_eq(n_syncs, 0);
	cr_assert_eq(audit_decision(audit, &decision, true, &id), 0);
	cr_assert_eq(n_syncs, 1);
	expect_sync(0, log_fd);
	failure = EIO;
	cr_expect_eq(audit_decision(audit, &decision, true, &id), -EIO);
}
