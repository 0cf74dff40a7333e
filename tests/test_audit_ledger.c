// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ledger: what a kill at any step of writing a count out leaves, and files that hold anything.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/audit_rig.h"

TestSuite(audit_ledger, .init = rig_setup, .fini = rig_teardown);

/* The log and the ledger as a server leaves them that was killed with five denials of a user and
 * three lost records not told of; the next number is *seqp. */
static struct audit_ledger_slot *killed(uint64_t *seqp)
{
	struct audit_ledger_slot *slot = NULL;
	struct audit_count count;

	rig_serve(0);
	for (unsigned int i = 0; i < 5; i++)
		cr_assert_eq(rig_deny(true), 0);
	ledger->lost = 3;
	for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS && !slot; i++)
		slot = ledger->slot[i].records ? &ledger->slot[i] : NULL;
	cr_assert_not_null(slot);
	audit_count(audit, &count);
	*seqp = count.seq + 1;
	return slot;
}

/* Goes on, and reads what the log has in the end. */
static struct rig_log after(void)
{
	struct rig_log found;

	rig_serve(1);
	cr_assert_eq(audit_stop(audit, "x"), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.torn, 0);
	return found;
}

static void expect_all(const struct rig_log *found)
{
	struct audit_count count;

	audit_count(audit, &count);
	cr_expect_eq(found->folded, 5);
	cr_expect_eq(found->lost, 3);
	cr_expect_eq(count.lost + count.waiting, 0);
}

Test(audit_ledger, what_was_counted_is_told_by_the_next_server)
{
	struct rig_log found;
	uint64_t seq;

	killed(&seq);
	found = after();
	expect_all(&found);
	cr_expect_eq(found.interrupted, 5);
}

Test(audit_ledger, killed_after_noting_the_record_and_before_writing_it)
{
	struct rig_log found;
	uint64_t seq;
	struct audit_ledger_slot *slot = killed(&seq);

	audit_ledger_note_slot(slot, seq + 1);
	audit_ledger_note_lost(ledger, seq);
	found = after();
	expect_all(&found);
}

/* What is in the ledger as if the kill came after the write: from before it. */
static struct rig_log killed_after_write(bool cleared)
{
	static struct audit_ledger before;
	uint64_t seq;
	struct audit_ledger_slot *slot = killed(&seq);

	audit_ledger_note_lost(ledger, seq);
	audit_ledger_note_slot(slot, seq + 1);
	before = *ledger;
	ledger->lost_seq = slot->seq = 0;
	cr_assert_eq(audit_flush_folds(audit), 0); /* lost, then folded */
	*ledger = before;
	if (cleared)
		ledger->lost = slot->records = 0;
	return after();
}

Test(audit_ledger, killed_after_writing_and_before_clearing)
{
	struct rig_log found = killed_after_write(false);

	expect_all(&found);
	cr_expect_eq(found.interrupted, 0);
}

Test(audit_ledger, killed_half_through_clearing)
{
	struct rig_log found = killed_after_write(true);

	expect_all(&found);
}

Test(audit_ledger, killed_while_a_slot_is_filled_in)
{
	struct rig_log found;
	uint64_t seq;

	killed(&seq);
	memset(&ledger->slot[AUDIT_LEDGER_EVERYBODY], 'x', sizeof(ledger->slot[0]));
	ledger->slot[AUDIT_LEDGER_EVERYBODY].records = 0;
	ledger->slot[AUDIT_LEDGER_EVERYBODY].seq = 0;
	found = after();
	expect_all(&found);
}

/* ---- what the file may hold -------------------------------------------------------------------------- */

Test(audit_ledger, a_new_file_has_no_counts)
{
	cr_expect_eq(audit_ledger_repair(ledger, 0), 0);
	cr_expect_eq(ledger->magic, AUDIT_LEDGER_MAGIC);
}

Test(audit_ledger, another_layout_is_said_to_be_damaged)
{
	memset(ledger, 0x55, sizeof(*ledger));
	cr_expect_eq(audit_ledger_repair(ledger, 0), 1);
	cr_expect_eq(ledger->lost, 0);
	cr_expect_eq(ledger->slot[3].records, 0);
}

Test(audit_ledger, counts_that_cannot_be_are_struck_off_and_said)
{
	uint64_t seq;
	struct audit_ledger_slot *slot = killed(&seq);

	ledger->slot[250] = *slot;
	memset(ledger->slot[250].why, 'x', sizeof(slot->why));
	ledger->slot[251] = *slot;
	ledger->slot[251].records = UINT64_MAX;
	ledger->slot[252] = *slot;
	ledger->slot[252].allowed = 2;
	ledger->lost = UINT64_MAX;
	cr_expect_eq(audit_ledger_repair(ledger, seq), 4);
	cr_expect_eq(ledger->lost, 0);
	cr_expect_eq(slot->records, 5);
}

/* Whatever the bytes: a server starts with them, its log is a log, and the ledger is empty in the end. */
Test(audit_ledger, garbage_does_no_harm)
{
	struct audit_count count;

	for (unsigned int round = 0; round < 100; round++) {
		uint8_t *bytes = (uint8_t *)ledger;
		struct rig_log found;

		srand(round);
		for (size_t i = 0; i < sizeof(*ledger); i++)
			if (rand() % 4 == 0)
				bytes[i] = (uint8_t)rand();
		for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS; i++)
			ledger->slot[i].records %= 1000;
		if (round % 2)
			ledger->magic = AUDIT_LEDGER_MAGIC;
		rig_serve(round);
		rig_deny(true);
		cr_assert_eq(audit_stop(audit, "x"), 0);
		audit_count(audit, &count);
		cr_assert_eq(count.lost + count.waiting, 0);
		rig_read(&log_fd, 1, &found);
	}
}

Test(audit_ledger, texts_of_the_ledger_are_escaped)
{
	struct rig_log found;
	uint64_t seq;
	struct audit_ledger_slot *slot = killed(&seq);

	strcpy(slot->why, "x\",\"records\":1}\n{\"seq\":9");
	strcpy(slot->rule, "\x1b[2J\xff");
	found = after();
	cr_expect_eq(found.folded, 5);
}

Test(audit_ledger, only_a_file_of_its_size_is_mapped)
{
	struct audit_ledger *mapped = NULL;
	int fd = rig_file();

	cr_expect_eq(audit_ledger_map(fd, &mapped), -EINVAL);
	cr_assert_eq(ftruncate(fd, AUDIT_LEDGER_SIZE), 0);
	cr_assert_eq(audit_ledger_map(fd, &mapped), 0);
	mapped->lost = 7;
	audit_ledger_unmap(mapped);
	cr_assert_eq(audit_ledger_map(fd, &mapped), 0);
	cr_expect_eq(mapped->lost, 7);
	audit_ledger_unmap(mapped);
	close(fd);
}
