// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Verifying the log: whatever is done to it is found, at the right record and by its right name.  Every
 * test goes over many random logs.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/verify_rig.h"

static void fini(void)
{
	audit_log_free(&whole);
}

TestSuite(verify, .fini = fini);

Test(verify, what_was_written_is_clean)
{
	struct xmaudit_anchor anchor;
	uint64_t records = 0;

	EACH_LOG(1)
	{
		anchor = anchor_of(&whole);
		EXPECT_KIND(check(&whole, key, &anchor), XMAUDIT_CLEAN);
		records = 0;
		for (size_t i = 0; i < whole.n; i++)
			records += whole.lines[i].seq != 0;
		cr_assert_eq(verdict.records, records);
		cr_assert_eq(verdict.checked, records);
		cr_assert_eq(verdict.last, whole.chain.seq);
		cr_assert_eq(verdict.recovered, whole.n - records);
		cr_assert_eq(verdict.anchors, 1);
		EXPECT_KIND(check(&whole, NULL, NULL), XMAUDIT_CLEAN);
		cr_assert_eq(verdict.checked, 0);
	}
}

Test(verify, so_is_a_log_that_is_not_sealed)
{
	for (seed = 0; seed < LOGS; seed++) {
		make(&whole, NULL);
		EXPECT_KIND(check(&whole, NULL, NULL), XMAUDIT_CLEAN);
		cr_assert_eq(verdict.sealed, 0);
		audit_log_free(&whole);
	}
}

static void flip_one(const uint8_t *with)
{
	unsigned int file = below(whole.file + 1);
	struct xmaudit_log files;
	size_t len, at, line = 0, offset = 0;
	char *text = audit_log_text(&whole, file, &len), value;

	at = below(len);
	do
		value = (char)below(256);
	while (value == text[at]);
	for (; line < whole.n; line++) {
		if (whole.lines[line].file != file)
			continue;
		offset += strlen(whole.lines[line].text) + 1;
		if (offset > at)
			break;
	}
	audit_log_open(&whole, &files);
	audit_log_poke(&files, file, at, value);
	if (file == whole.file && at + 1 == len)
		EXPECT_KIND(check_files(&files, with, NULL), XMAUDIT_TORN_TAIL);
	else
		EXPECT_KIND(check_files(&files, with, NULL), XMAUDIT_EDITED);
	expect_at(&whole, line, "flip");
	free(text);
}

Test(verify, any_byte_that_is_altered_is_found_where_it_is)
{
	EACH_LOG(100)
	{
		for (unsigned int i = 0; i < 4 * CHANGES; i++)
			flip_one(key);
	}
}

Test(verify, also_where_nothing_is_sealed)
{
	for (unsigned int i = 0; i < LOGS; i++) {
		seed = 200 + i;
		make(&whole, NULL);
		for (unsigned int j = 0; j < 4 * CHANGES; j++)
			flip_one(NULL);
		audit_log_free(&whole);
	}
}

Test(verify, a_line_that_is_removed_is_missed)
{
	EACH_LOG(300)
	{
		for (unsigned int i = 0; i < CHANGES; i++) {
			size_t at = below(whole.n - 1);
			struct audit_log log = copy_of(&whole);
			bool record = log.lines[at].seq != 0;
			uint64_t seq = log.lines[at].seq;

			audit_log_remove(&log, at);
			EXPECT_KIND(check(&log, key, NULL),
				    at ? XMAUDIT_REMOVED : XMAUDIT_BEGINNING);
			if (record && at) {
				while (!log.lines[at].seq)
					at++;
				expect_at(&log, at, "removed");
				cr_assert_eq(verdict.finding.seq, seq);
				cr_assert_eq(verdict.finding.first, seq);
				cr_assert_eq(verdict.finding.n, 1);
			}
			audit_log_free(&log);
		}
	}
}

Test(verify, so_are_many)
{
	EACH_LOG(400)
	{
		struct audit_log log = copy_of(&whole);
		size_t at = 1 + below(log.n / 2), n = 2 + below(log.n / 3), records = 0;

		while (!log.lines[at].seq || !log.lines[at - 1].seq)
			at++;
		for (size_t i = 0; i < n; i++) {
			records += log.lines[at].seq != 0;
			audit_log_remove(&log, at);
		}
		if (log.lines[at].seq) {
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_REMOVED);
			cr_assert_eq(verdict.finding.n, records);
			expect_at(&log, at, "removed");
		}
		audit_log_free(&log);
	}
}

static void swap_lines(struct audit_log *log, size_t i, size_t j)
{
	char *text = log->lines[i].text;

	log->lines[i].text = log->lines[j].text;
	log->lines[j].text = text;
}

Test(verify, records_in_another_order_are_seen)
{
	EACH_LOG(500)
	{
		for (unsigned int n = 0; n < CHANGES; n++) {
			struct audit_log log = copy_of(&whole);
			size_t i = random_record(&log), j = random_record(&log);
			size_t first = i < j ? i : j;

			if (i != j && first > 0) {
				swap_lines(&log, i, j);
				EXPECT_KIND(check(&log, n % 2 ? key : NULL, NULL),
					    XMAUDIT_REORDERED);
				expect_at(&log, first, "swapped");
			}
			audit_log_free(&log);
		}
	}
}

Test(verify, a_block_that_was_moved_is_seen)
{
	EACH_LOG(600)
	{
		struct audit_log log;
		size_t at = 1 + below(whole.n / 2), n = 1 + below(4);
		bool records = true;

		for (size_t i = at; i < at + n + 3; i++)
			records = records && whole.lines[i].seq;
		if (!records)
			continue;
		log = copy_of(&whole);
		for (size_t i = 0; i < n; i++) /* behind the two that follow the block */
			for (size_t j = at + n - 1 - i; j < at + n + 1 - i; j++)
				swap_lines(&log, j, j + 1);
		EXPECT_KIND(check(&log, key, NULL), XMAUDIT_REORDERED);
		expect_at(&log, at, "moved");
		audit_log_free(&log);
	}
}

/* Right before itself is right behind itself: the first of both is as good as the other. */
static bool only_pieces_between(const struct audit_log *log, size_t at, size_t i)
{
	while (at < i && !log->lines[at].seq)
		at++;
	return at == i;
}

Test(verify, a_record_that_occurs_twice_is_seen)
{
	EACH_LOG(700)
	{
		for (unsigned int n = 0; n < CHANGES; n++) {
			struct audit_log log = copy_of(&whole);
			size_t i = random_record(&log), at = 1 + below(log.n);
			unsigned int file = at < log.n ? log.lines[at].file : log.file;

			if (!only_pieces_between(&log, at, i)) {
				audit_log_insert(&log, at, whole.lines[i].text, file);
				EXPECT_KIND(check(&log, n % 2 ? key : NULL, NULL),
					    XMAUDIT_INSERTED);
				expect_at(&log, at, "twice");
			}
			audit_log_free(&log);
		}
	}
}

Test(verify, a_record_of_another_log_is_seen)
{
	EACH_LOG(800)
	{
		struct audit_log theirs;

		make(&theirs, other_key);
		for (unsigned int n = 0; n < CHANGES; n++) {
			struct audit_log log = copy_of(&whole);
			size_t i = random_record(&theirs), at = 1 + below(log.n - 1);

			audit_log_insert(&log, at, theirs.lines[i].text, log.lines[at].file);
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_INSERTED);
			expect_at(&log, at, "foreign");
			audit_log_free(&log);
		}
		audit_log_free(&theirs);
	}
}

Test(verify, a_line_that_is_no_record_is_seen)
{
	EACH_LOG(900)
	{
		for (unsigned int n = 0; n < CHANGES; n++) {
			struct audit_log log = copy_of(&whole);
			size_t at = below(log.n);

			audit_log_insert(&log, at, n % 2 ? "garbage" : "", log.lines[at].file);
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_INSERTED);
			expect_at(&log, at, "garbage");
			audit_log_free(&log);
		}
	}
}

/* ---- splices ----------------------------------------------------------------------------------------- */

/* Takes over lines of another log. */
static void graft(struct audit_log *log, size_t at, const struct audit_log *from, size_t first,
		  size_t n)
{
	unsigned int file = at ? log->lines[at - 1].file : 0;

	for (size_t i = 0; i < n; i++)
		audit_log_insert(log, at + i, from->lines[first + i].text, file);
}

static size_t index_of(const struct audit_log *log, uint64_t seq)
{
	size_t i = 0;

	while (i < log->n && log->lines[i].seq != seq)
		i++;
	return i;
}

Test(verify, a_log_that_goes_on_as_another_one)
{
	EACH_LOG(1000)
	{
		struct audit_log theirs, log = copy_of(&whole);
		size_t at = 2 + below(whole.n / 2), from;

		make(&theirs, other_key);
		while (!log.lines[at].seq || !log.lines[at - 1].seq)
			at++;
		from = index_of(&theirs, log.lines[at].seq);
		/* The same number, so that only the chain does not fit; at least two of them. */
		if (from + 2 < theirs.n && theirs.lines[from + 1].seq) {
			while (log.n > at)
				audit_log_remove(&log, log.n - 1);
			log.file = log.lines[at - 1].file;
			graft(&log, at, &theirs, from, theirs.n - from);
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_SPLICED);
			expect_at(&log, at, "goes on as another");
			/* Without the key it may as well have been edited, and that is said. */
			EXPECT_KIND(check(&log, NULL, NULL), XMAUDIT_EDITED);
			cr_assert_eq(verdict.finding.maybe, XMAUDIT_SPLICED);
			expect_at(&log, at, "goes on as another");
		}
		audit_log_free(&log);
		audit_log_free(&theirs);
	}
}

Test(verify, a_run_of_another_log_in_between)
{
	EACH_LOG(1100)
	{
		struct audit_log theirs, log = copy_of(&whole);
		size_t at = 1 + below(whole.n - 1), from, n;

		make(&theirs, other_key);
		from = below(theirs.n - 4);
		for (n = 0; n < 4 && theirs.lines[from + n].seq; n++)
			;
		if (n > 1 && log.lines[at].seq) {
			graft(&log, at, &theirs, from, n);
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_SPLICED);
			cr_assert_eq(verdict.finding.n, n);
			expect_at(&log, at, "in between");
		}
		audit_log_free(&log);
		audit_log_free(&theirs);
	}
}

Test(verify, a_run_of_another_log_instead)
{
	EACH_LOG(1200)
	{
		struct audit_log theirs, log = copy_of(&whole);
		size_t at = 2 + below(whole.n - 6), from;
		bool records = true;

		make(&theirs, other_key);
		from = index_of(&theirs, log.lines[at].seq);
		for (size_t i = 0; i < 4; i++)
			records = records && log.lines[at - 1 + i].seq && from + i < theirs.n &&
				  theirs.lines[from + i].seq;
		if (records) {
			for (size_t i = 0; i < 3; i++) {
				free(log.lines[at + i].text);
				log.lines[at + i].text = strdup(theirs.lines[from + i].text);
			}
			EXPECT_KIND(check(&log, key, NULL), XMAUDIT_SPLICED);
			expect_at(&log, at, "instead");
		}
		audit_log_free(&log);
		audit_log_free(&theirs);
	}
}
