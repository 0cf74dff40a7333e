// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the store does not put up with: a file that grows without end, and a ledger that is none. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/store_rig.h"
#include "xmbroker/audit_ledger.h"

#define ROTATE (UINT64_C(1) << 20)

static char ledger[64], said[64];

static void set_up(void)
{
	store_rig_setup();
	snprintf(ledger, sizeof(ledger), "%s/audit.jsonl.ledger", folder);
	snprintf(said, sizeof(said), "%s/said", folder);
	set.rotate_size = ROTATE;
	cr_assert(freopen(said, "w", stderr) != NULL);
	setvbuf(stderr, NULL, _IONBF, 0);
}

TestSuite(store_bound, .init = set_up, .fini = store_rig_teardown);

static unsigned int times_said(const char *text)
{
	char all[4096];
	int fd = open(said, O_RDONLY);
	ssize_t n = read(fd, all, sizeof(all) - 1);
	unsigned int times = 0;

	close(fd);
	all[n < 0 ? 0 : n] = '\0';
	for (const char *p = all; (p = strstr(p, text)); p++)
		times++;
	return times;
}

static void begin(void)
{
	open_store();
	serve();
}

/* A hole is as long as what a server writes. */
static void grow(int fd, uint64_t size)
{
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
}

/* ---- size -------------------------------------------------------------------------------------------- */

Test(store_bound, who_does_not_answer_and_goes_on_writing_is_ended_at_once)
{
	begin();
	grow(store.now.give, ROTATE);
	store_tick(&store, 1000);
	cr_assert(store.asked);
	grow(store.left.give, ROTATE + STORE_GROWTH);
	store_tick(&store, 2000);
	cr_expect_eq(n_ended, 0, "what an honest one may write while it is asked ends nobody");
	grow(store.left.give, ROTATE + STORE_GROWTH + 1);
	store_tick(&store, 3000);
	cr_expect_eq(n_ended, 1);
	cr_expect_eq(times_said("ending it"), 1);
	store_tick(&store, 4000);
	cr_expect_eq(n_ended, 1, "it is dying already");
}

Test(store_bound, nor_may_it_write_that_much_into_the_next_one)
{
	begin();
	grow(store.now.give, ROTATE);
	store_tick(&store, 1000);
	cr_assert(store.asked);
	grow(store.now.give, ROTATE + STORE_GROWTH + 1);
	store_tick(&store, 2000);
	cr_expect_eq(n_ended, 1);
}

Test(store_bound, a_server_that_refuses_to_rotate_gains_no_room)
{
	struct channel_message no = { .type = CHANNEL_AUDIT_DONE, .number = 2, .fd = -1 };

	begin();
	grow(store.now.give, ROTATE);
	store_tick(&store, 1000);
	grow(store.left.give, ROTATE + STORE_GROWTH + 1);
	store_done(&store, &no, 1500);
	cr_assert(!store.asked);
	store_tick(&store, 2000);
	cr_expect_eq(n_ended, 1);
}

Test(store_bound, what_was_large_before_ends_nobody)
{
	int fd;

	begin();
	killed();
	fd = open(path, O_WRONLY);
	grow(fd, ROTATE + 2 * STORE_GROWTH);
	close(fd);
	begin();
	store_tick(&store, 1000);
	cr_expect_eq(n_ended, 0);
}

Test(store_bound, what_we_cannot_rotate_ends_nobody)
{
	char taken[80];

	begin();
	snprintf(taken, sizeof(taken), "%s.000001", path);
	cr_assert_eq(mkdir(taken, 0755), 0);
	grow(store.now.give, ROTATE + STORE_GROWTH);
	store_tick(&store, 1000);
	cr_assert(!store.asked);
	grow(store.now.give, ROTATE + STORE_GROWTH + 1);
	store_tick(&store, 2000);
	cr_expect_eq(n_ended, 0);
}

Test(store_bound, of_long_garbage_only_the_beginning_is_hashed)
{
	const size_t hashed = STORE_TORN_HASHED;
	uint8_t should[AUDIT_STATE_HASH];
	struct store_tail tail;
	char *zeros = calloc(1, hashed);
	int fd;

	begin();
	fd = open(path, O_RDWR);
	cr_assert_not_null(zeros);
	audit_torn_hash(zeros, hashed, should);
	grow(fd, hashed + 5);
	cr_assert_eq(store_tail_read(fd, &tail), 0);
	cr_expect_eq(tail.torn, hashed + 5, "its length is the whole one");
	cr_expect_arr_eq(tail.torn_hash, should, sizeof(should));
	grow(fd, hashed);
	cr_assert_eq(store_tail_read(fd, &tail), 0);
	cr_expect_arr_eq(tail.torn_hash, should, sizeof(should));
	close(fd);
	free(zeros);
}

/* ---- ledger ------------------------------------------------------------------------------------------ */

static void put_ledger(const char *bytes, size_t len, off_t size)
{
	int fd = open(ledger, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(ftruncate(fd, size), 0);
	close(fd);
}

static void expect_refused(int error, off_t size)
{
	struct stat st;

	cr_expect_eq(store_open(&store, &set, &links), error);
	cr_assert_eq(stat(ledger, &st), 0);
	cr_expect_eq(st.st_size, size, "it is as it was");
	cr_expect_eq(times_said("move it away"), 1);
	killed();
}

Test(store_bound, a_ledger_with_another_name_is_refused)
{
	char other[64];

	snprintf(other, sizeof(other), "%s/other", folder);
	put_ledger("", 0, 0);
	cr_assert_eq(link(ledger, other), 0);
	expect_refused(-EMLINK, 0);
	cr_assert_eq(unlink(other), 0);
	cr_expect_eq(store_open(&store, &set, &links), 0);
}

Test(store_bound, what_is_longer_than_a_ledger_is_not_cut)
{
	const uint64_t magic = AUDIT_LEDGER_MAGIC;

	put_ledger((const char *)&magic, sizeof(magic), AUDIT_LEDGER_SIZE + 1);
	expect_refused(-EMEDIUMTYPE, AUDIT_LEDGER_SIZE + 1);
}

Test(store_bound, what_is_no_ledger_is_not_written_over)
{
	put_ledger("a letter", 8, 8);
	expect_refused(-EMEDIUMTYPE, 8);
}

Test(store_bound, one_that_was_being_made_and_a_good_one_are_used)
{
	const uint64_t magic = AUDIT_LEDGER_MAGIC;

	put_ledger("", 0, 100);
	cr_expect_eq(store_open(&store, &set, &links), 0);
	killed();
	put_ledger((const char *)&magic, sizeof(magic), AUDIT_LEDGER_SIZE);
	cr_expect_eq(store_open(&store, &set, &links), 0);
}

Test(store_bound, a_ledger_that_cannot_be_made_again_is_said_now_and_then)
{
	begin();
	cr_assert_eq(unlink(ledger), 0);
	cr_assert_eq(mkdir(ledger, 0755), 0);
	for (int64_t now = 1000; now < STORE_SAY_MS; now += 1000)
		store_check_ledger(&store, now);
	cr_expect_eq(times_said("cannot use"), 1);
	store_check_ledger(&store, 1000 + STORE_SAY_MS);
	cr_expect_eq(times_said("cannot use"), 2);
	cr_assert_eq(rmdir(ledger), 0);
	store_check_ledger(&store, 2000 + STORE_SAY_MS);
	cr_expect_geq(store.spare_ledger, 0);
}
