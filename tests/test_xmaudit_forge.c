// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Verifying the log: its two ends, torn records, and those who make the chain anew.
 */

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/verify_rig.h"

static void fini(void)
{
	audit_log_free(&whole);
}

TestSuite(forge, .fini = fini);

Test(forge, an_anchor_shows_that_the_end_is_missing)
{
	EACH_LOG(1300)
	{
		const struct xmaudit_anchor anchor = anchor_of(&whole);

		for (unsigned int n = 0; n < CHANGES; n++) {
			struct xmaudit_log files;
			size_t file = below(whole.file + 1);
			uint64_t at;

			audit_log_open(&whole, &files);
			at = below(files.files[file].size);
			cr_assert_eq(ftruncate(files.files[file].fd, (off_t)at), 0);
			while (files.n > file + 1) {
				close(files.files[--files.n].fd);
				free(files.files[files.n].path);
			}
			EXPECT_KIND(check_files(&files, key, &anchor), XMAUDIT_TRUNCATED);
			cr_assert_eq(verdict.finding.first, verdict.last + 1);
			cr_assert_eq(verdict.finding.n, anchor.seq - verdict.last);
		}
	}
}

Test(forge, without_one_a_cut_within_a_record_is_a_torn_tail)
{
	EACH_LOG(1400)
	{
		struct xmaudit_log files;
		uint64_t size;

		audit_log_open(&whole, &files);
		size = files.files[whole.file].size;
		cr_assert_eq(ftruncate(files.files[whole.file].fd, (off_t)(size - 1 - below(60))),
			     0);
		EXPECT_KIND(check_files(&files, key, NULL), XMAUDIT_TORN_TAIL);
		cr_assert_eq(verdict.finding.seq, whole.chain.seq);
		cr_assert_eq(verdict.last, whole.chain.seq - 1);
	}
}

static void drop_first_files(struct audit_log *log, unsigned int n)
{
	while (log->n && log->lines[0].file < n)
		audit_log_remove(log, 0);
	for (size_t i = 0; i < log->n; i++)
		log->lines[i].file -= n;
	log->file -= n;
}

static struct audit_log log_of_three_files(void)
{
	struct audit_log log;

	audit_log_init(&log, key);
	audit_log_start(&log, "none");
	audit_log_decision(&log, 1, "XM_get_time", false);
	audit_log_rotate(&log);
	audit_log_decision(&log, 1, "XM_get_time", false);
	audit_log_rotate(&log);
	audit_log_decision(&log, 1, "XM_get_time", false);
	return log;
}

Test(forge, retention_may_take_the_beginning_away)
{
	whole = log_of_three_files();
	audit_log_add(&whole, "retention", ",\"first\":4,\"files\":1,\"reason\":\"size\"");
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN); /* not deleted yet */
	drop_first_files(&whole, 1);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.first, 4);
	cr_expect_eq(verdict.retained, 3);
	cr_expect(verdict.first_unchecked);
}

Test(forge, but_no_more_than_it_said)
{
	whole = log_of_three_files();
	audit_log_add(&whole, "retention", ",\"first\":4,\"files\":1,\"reason\":\"size\"");
	drop_first_files(&whole, 2);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_BEGINNING);
	cr_expect_eq(verdict.finding.first, 4);
	cr_expect_eq(verdict.finding.n, 3);
}

Test(forge, without_a_word_of_it_nothing_may_go)
{
	whole = log_of_three_files();
	drop_first_files(&whole, 1);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_BEGINNING);
	cr_expect_eq(verdict.finding.first, 1);
	cr_expect_eq(verdict.finding.n, 3);
}

Test(forge, an_anchor_of_the_record_before_vouches_for_the_first)
{
	struct xmaudit_anchor anchor = { .seq = 3 };

	whole = log_of_three_files();
	audit_log_add(&whole, "retention", ",\"first\":4,\"files\":1,\"reason\":\"size\"");
	memcpy(anchor.chain, whole.lines[3].before.chain, 32);
	drop_first_files(&whole, 1);
	EXPECT_KIND(check(&whole, key, &anchor), XMAUDIT_CLEAN);
	cr_expect_not(verdict.first_unchecked);
	strstr(whole.lines[0].text, "generation\":1")[12] = '2';
	EXPECT_KIND(check(&whole, key, &anchor), XMAUDIT_EDITED);
}

Test(forge, a_log_that_ends_with_a_rotation_has_a_file_behind_it)
{
	struct xmaudit_log files;

	whole = log_of_three_files();
	audit_log_add(&whole, "rotate", ",\"reason\":\"size\"");
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect(verdict.empty_after_rotation);
	audit_log_open(&whole, &files);
	files.files[2].number = 3;
	EXPECT_KIND(check_files(&files, key, NULL), XMAUDIT_TRUNCATED);
}

/* ---- torn records ------------------------------------------------------------------------------------ */

Test(forge, a_torn_record_has_to_be_told_of)
{
	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	audit_log_crash(&whole, 30);
	audit_log_decision(&whole, 1, "XM_get_time", false);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.recovered, 1);
	cr_expect_eq(verdict.crashes, 1);
	audit_log_insert(&whole, 4, "{\"seq\":4,\"type\":\"dec torn", 0);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_UNDECLARED);
	expect_at(&whole, 4, "undeclared");
}

Test(forge, a_log_may_begin_with_one)
{
	audit_log_init(&whole, key);
	audit_log_crash(&whole, 30);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.recovered, 1);
}

Test(forge, one_with_newlines_and_zeros_is_one_piece)
{
	static const char piece[] = "{\"seq\":2,\"ty torn\n\n{\"seq\":2";
	uint8_t digest[16];
	char members[128], hex[33];

	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	crypto_generichash(digest, 16, (const uint8_t *)piece, strlen(piece), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, 16);
	snprintf(members, sizeof(members), ",\"bytes\":%zu,\"hash\":\"%s\"", strlen(piece), hex);
	audit_log_insert(&whole, 1, "{\"seq\":2,\"ty torn", 0);
	audit_log_insert(&whole, 2, "", 0);
	audit_log_insert(&whole, 3, "{\"seq\":2 torn", 0);
	audit_log_start(&whole, "ended");
	audit_log_add(&whole, "recovered", members);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
}

/* ---- forgers ----------------------------------------------------------------------------------------- */

/* Makes a denial of the log an approval. */
static bool falsify(struct audit_log *log, size_t at)
{
	char *deny = strstr(log->lines[at].text, "\"why\":\"no rule\"");

	if (!deny)
		return false;
	memcpy(deny, "\"why\":\"my rule\"", 15);
	return true;
}

Test(forge, who_makes_the_chain_anew_has_no_seals)
{
	EACH_LOG(1500)
	{
		for (size_t i = 1; i < whole.n; i++) {
			struct audit_log log = copy_of(&whole);

			if (falsify(&log, i)) {
				audit_log_rechain(&log, i, log.n);
				EXPECT_KIND(check(&log, key, NULL), XMAUDIT_FORGED);
				cr_assert_eq(verdict.finding.seq, log.lines[i].seq);
				expect_at(&log, i, "forged");
				/* Nothing but the key shows it. */
				EXPECT_KIND(check(&log, NULL, NULL), XMAUDIT_CLEAN);
			}
			audit_log_free(&log);
		}
	}
}

Test(forge, nor_does_it_help_to_leave_them_out)
{
	EACH_LOG(1600)
	{
		struct audit_log log = copy_of(&whole);
		size_t at = 1 + below(log.n - 3);

		while (!log.lines[at].seq)
			at++;
		for (size_t i = at; i < log.n; i++) {
			char *seal = strstr(log.lines[i].text, ",\"seal\":\"");

			if (seal)
				memmove(seal, seal + 42, strlen(seal + 42) + 1);
		}
		EXPECT_KIND(check(&log, key, NULL), XMAUDIT_FORGED);
		expect_at(&log, at, "unsealed");
		audit_log_free(&log);
	}
}

Test(forge, an_anchor_shows_a_chain_that_was_made_anew)
{
	EACH_LOG(1700)
	{
		const struct xmaudit_anchor anchor = anchor_of(&whole);
		struct audit_log log = copy_of(&whole);
		size_t i = 1;

		while (i < log.n && !falsify(&log, i))
			i++;
		if (i < log.n) {
			audit_log_rechain(&log, i, log.n);
			EXPECT_KIND(check(&log, NULL, &anchor), XMAUDIT_FORGED);
		}
		audit_log_free(&log);
	}
}

Test(forge, who_takes_over_at_noon_cannot_alter_the_morning)
{
	EACH_LOG(1800)
	{
		for (size_t i = 1; i < whole.n; i++) {
			struct audit_log log = copy_of(&whole);
			size_t noon = i + 1 + below(log.n - i);

			while (noon < log.n && !log.lines[noon].seq)
				noon++;
			if (falsify(&log, i)) {
				audit_log_rechain(&log, i, noon);
				EXPECT_KIND(check(&log, key, NULL), XMAUDIT_FORGED);
				expect_at(&log, i, "noon");
			}
			audit_log_free(&log);
		}
	}
}

Test(forge, but_the_afternoon)
{
	EACH_LOG(1900)
	{
		for (size_t i = 1; i < whole.n; i++) {
			struct audit_log log = copy_of(&whole);

			if (falsify(&log, i)) {
				audit_log_rechain(&log, i, i);
				EXPECT_KIND(check(&log, key, NULL), XMAUDIT_CLEAN);
			}
			audit_log_free(&log);
		}
	}
}

Test(forge, the_wrong_key_is_called_so)
{
	EACH_LOG(2000)
	{
		EXPECT_KIND(check(&whole, other_key, NULL), XMAUDIT_WRONG_KEY);
	}
}

Test(forge, an_end_that_was_cut_off_and_written_anew_is_seen_by_an_anchor)
{
	struct xmaudit_anchor anchor;

	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	for (unsigned int i = 0; i < 5; i++)
		audit_log_decision(&whole, i, "XM_get_time", false);
	anchor = anchor_of(&whole);
	audit_log_remove(&whole, 5);
	audit_log_remove(&whole, 4);
	memcpy(whole.chain.chain, whole.lines[3].before.chain, 32);
	whole.chain.seq -= 3;
	audit_log_remove(&whole, 3);
	audit_log_start(&whole, "ended");
	for (unsigned int i = 0; i < 5; i++)
		audit_log_decision(&whole, i, "XM_get_time", false);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	EXPECT_KIND(check(&whole, key, &anchor), XMAUDIT_TRUNCATED);
}

Test(forge, epochs_may_be_left_out_and_that_is_said)
{
	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	log_chain_segment(&whole.chain);
	log_chain_segment(&whole.chain);
	audit_log_start(&whole, "ended");
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.epochs_missing, 2);
}

Test(forge, what_is_lost_and_folded_is_added_up)
{
	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	audit_log_add(&whole, "lost", ",\"records\":3");
	audit_log_add(&whole, "lost", ",\"records\":4");
	audit_log_add(&whole, "folded",
		      ",\"uid\":\"*\",\"op\":\"*\",\"decision\":\"*\",\"why\":\"*\",\"records\":"
		      "500,\"from\":1");
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.lost, 7);
	cr_expect_eq(verdict.folded, 500);
}

Test(forge, an_epoch_beyond_all_bounds_takes_no_time)
{
	audit_log_init(&whole, key);
	whole.chain.epoch = UINT64_C(1) << 62;
	audit_log_start(&whole, "none");
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_FORGED);
}

Test(forge, a_segment_without_seals_behind_sealed_ones_proves_nothing)
{
	audit_log_init(&whole, key);
	audit_log_start(&whole, "none");
	whole.chain.sealed = false;
	audit_log_start(&whole, "ended");
	audit_log_decision(&whole, 1, "XM_get_time", false);
	EXPECT_KIND(check(&whole, key, NULL), XMAUDIT_FORGED);
	cr_expect_eq(verdict.finding.seq, 2);
	EXPECT_KIND(check(&whole, NULL, NULL), XMAUDIT_CLEAN);
	cr_expect_eq(verdict.unsealed_last, 2);
}

Test(forge, a_record_left_out_of_a_chain_that_is_made_anew_leaves_its_number)
{
	EACH_LOG(2100)
	{
		struct audit_log log = copy_of(&whole);
		size_t at = 1 + below(log.n / 2);

		while (!log.lines[at].seq || !log.lines[at + 1].seq)
			at++;
		memcpy(log.lines[at + 1].before.chain, log.lines[at].before.chain, 32);
		audit_log_remove(&log, at);
		audit_log_rechain(&log, at, log.n);
		EXPECT_KIND(check(&log, NULL, NULL), XMAUDIT_REMOVED);
		expect_at(&log, at, "left out");
		audit_log_free(&log);
	}
}
