/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_VERIFY_INTERNAL_H
#define XMBROKER_XMAUDIT_VERIFY_INTERNAL_H

/* What the two parts of the verifier share: records that follow each other, and what stands between. */

#include "xmbroker/xmaudit_verify.h"

/* Lines that are no records, between two that are. */
struct region {
	char *text; /* owned */
	size_t len, lines;
	bool open, too_long, whole; /* whole: the last line has its end */
	unsigned int age;           /* good records since */
	struct xmaudit_place place;
	/* What was ended as a torn piece, and lines behind it: where they begin. */
	size_t torn_len; /* 0: none was */
	struct xmaudit_place after_torn;
	/* What looks like a record and is no torn piece. */
	bool damaged;
};

struct verifier {
	const struct xmaudit_log *log;
	const struct xmaudit_check *check;
	struct xmaudit_verdict *verdict;
	struct xmaudit_cursor cursor;
	uint8_t chain[AUDIT_CHAIN_BYTES];
	uint64_t seq;
	bool begun;
	struct xmaudit_place first; /* of the first record */
	struct xmaudit_seals seals;
	struct region region;
	size_t anchor;          /* the next one */
	uint64_t kept_from;     /* what the log says that retention may have left */
	enum xmaudit_type type; /* of the last record */
};

/* Sets the finding; returns 1. */
int verifier_find(struct verifier *v, const struct xmaudit_place *place, enum xmaudit_kind kind,
		  uint64_t seq, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Finds out what is wrong at the record that was read last. */
int verifier_diagnose(struct verifier *v);

/* ---- torn pieces: 1: a finding ------------------------------------------------------------------------ */

/* A line that is no record. */
int region_take(struct verifier *v, int what, const char *text, size_t len);
/* A record tells of a piece. */
int region_recovered(struct verifier *v, const struct xmaudit_record *record);
/* A record that does not is good. */
int region_passed(struct verifier *v);
/* Whether the record with this number was in it, before something was done to it. */
bool region_was_record(const struct region *region, uint64_t seq);
const struct xmaudit_place *region_damage(const struct region *region);
/* The log is at its end. */
int region_end(struct verifier *v);

#endif
