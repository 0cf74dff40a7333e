/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_VERIFY_RIG_H
#define TESTS_VERIFY_RIG_H

/* Random logs, and what the verifier says of them. */

#include "tests/audit_log.h"
#include "xmbroker/xmaudit_verify.h"

#define LOGS 40    /* random logs a test */
#define CHANGES 25 /* of each */

extern const uint8_t key[32], other_key[32];
extern struct audit_log whole;
extern struct xmaudit_verdict verdict; /* the last one */
extern unsigned int seed;

unsigned int below(size_t n);
void make(struct audit_log *log, const uint8_t *with);
struct xmaudit_anchor anchor_of(const struct audit_log *log);
/* Closes them. */
enum xmaudit_kind check_files(struct xmaudit_log *files, const uint8_t *with,
			      const struct xmaudit_anchor *anchor);
enum xmaudit_kind check(const struct audit_log *log, const uint8_t *with,
			const struct xmaudit_anchor *anchor);
/* A copy, to be changed. */
struct audit_log copy_of(const struct audit_log *log);
/* That the finding is at this line of the log. */
void expect_at(const struct audit_log *log, size_t at, const char *what);
size_t random_record(const struct audit_log *log);

#define EXPECT_KIND(got, wanted)                                                                   \
	do {                                                                                       \
		enum xmaudit_kind kind_ = (got);                                                   \
		cr_assert_eq(kind_, wanted, "%s (%s), not %s", xmaudit_kind_name(kind_),           \
			     verdict.finding.text, xmaudit_kind_name(wanted));                     \
	} while (0)

/* For each of many logs: makes it in `whole`. */
#define EACH_LOG(first_seed)                                                                       \
	for (unsigned int log_ = 0; log_ < LOGS; log_++)                                           \
		for (bool once_ = (seed = (first_seed) + log_, audit_log_free(&whole),             \
				  make(&whole, key), true);                                        \
		     once_; once_ = false)

#endif
