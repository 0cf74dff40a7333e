// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What tests of the verifier share.
 */

#include "tests/verify_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

const uint8_t key[32] = "the key that is kept elsewhere";
const uint8_t other_key[32] = "the key of somebody else";

struct audit_log whole;
struct xmaudit_verdict verdict;
unsigned int seed;

unsigned int below(size_t n)
{
	return (unsigned int)rand_r(&seed) % (unsigned int)n;
}

void make(struct audit_log *log, const uint8_t *with)
{
	audit_log_init(log, with);
	audit_log_random(log, &seed, 20 + below(60));
}

struct xmaudit_anchor anchor_of(const struct audit_log *log)
{
	struct xmaudit_anchor anchor = { .seq = log->chain.seq };

	memcpy(anchor.chain, log->chain.chain, 32);
	return anchor;
}

enum xmaudit_kind check_files(struct xmaudit_log *files, const uint8_t *with,
			      const struct xmaudit_anchor *anchor)
{
	const struct xmaudit_check check = { .key = with,
					     .anchors = anchor,
					     .n_anchors = anchor ? 1 : 0 };

	cr_assert_eq(xmaudit_verify_log(files, &check, &verdict), 0);
	xmaudit_log_close(files);
	return verdict.finding.kind;
}

enum xmaudit_kind check(const struct audit_log *log, const uint8_t *with,
			const struct xmaudit_anchor *anchor)
{
	struct xmaudit_log files;

	audit_log_open(log, &files);
	return check_files(&files, with, anchor);
}

/* A copy, to be changed. */
struct audit_log copy_of(const struct audit_log *log)
{
	struct audit_log copy = *log;

	copy.lines = NULL;
	copy.n = copy.cap = 0;
	for (size_t i = 0; i < log->n; i++) {
		audit_log_insert(&copy, i, log->lines[i].text, log->lines[i].file);
		copy.lines[i].seq = log->lines[i].seq;
		copy.lines[i].before = log->lines[i].before;
	}
	return copy;
}

/* Where a line stands. */
static void place_of(const struct audit_log *log, size_t at, size_t *filep, uint64_t *linep)
{
	*filep = at < log->n ? log->lines[at].file : log->lines[log->n - 1].file;
	*linep = 1;
	for (size_t i = 0; i < at && i < log->n; i++)
		*linep += log->lines[i].file == *filep;
}

void expect_at(const struct audit_log *log, size_t at, const char *what)
{
	size_t file;
	uint64_t line;

	place_of(log, at, &file, &line);
	cr_assert_eq(verdict.finding.file, file, "%s: file %zu, not %zu: %s %s", what,
		     verdict.finding.file, file, xmaudit_kind_name(verdict.finding.kind),
		     verdict.finding.text);
	cr_assert_eq(verdict.finding.line, line, "%s: line %lu, not %lu: %s %s", what,
		     (unsigned long)verdict.finding.line, (unsigned long)line,
		     xmaudit_kind_name(verdict.finding.kind), verdict.finding.text);
}

size_t random_record(const struct audit_log *log)
{
	size_t i;

	do
		i = below(log->n);
	while (!log->lines[i].seq);
	return i;
}
