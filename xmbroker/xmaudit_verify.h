/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMAUDIT_VERIFY_H
#define XMBROKER_XMAUDIT_VERIFY_H

/*
 * Whether a log is what was written: the chain through all of its files, the seals on it if the key is
 * there, and what anchors say of it.  The first bad record is named, and what was done to it as far as
 * that can be told.
 */

#include "xmbroker/audit_chain.h"
#include "xmbroker/xmaudit.h"

enum xmaudit_kind {
	XMAUDIT_CLEAN,
	XMAUDIT_TORN_TAIL,  /* the log ends within a record: a crash, not yet recovered from */
	XMAUDIT_EDITED,     /* a record was altered */
	XMAUDIT_REMOVED,    /* records are missing in between */
	XMAUDIT_REORDERED,  /* records stand in another order */
	XMAUDIT_INSERTED,   /* something stands in between that was not written there */
	XMAUDIT_SPLICED,    /* a run of another log, or from another place of this one */
	XMAUDIT_FORGED,     /* the chain is consistent, but not sealed with the key */
	XMAUDIT_BEGINNING,  /* records are missing at the beginning */
	XMAUDIT_TRUNCATED,  /* records are missing at the end */
	XMAUDIT_UNDECLARED, /* a torn record of which no other tells */
	XMAUDIT_WRONG_KEY,  /* no seal of the log fits the key */
	XMAUDIT_N_KINDS
};

const char *xmaudit_kind_name(enum xmaudit_kind kind);

struct xmaudit_anchor {
	uint64_t seq;
	uint8_t chain[AUDIT_CHAIN_BYTES];
};

struct xmaudit_finding {
	enum xmaudit_kind kind;
	enum xmaudit_kind maybe; /* what cannot be told apart from it; XMAUDIT_CLEAN: nothing */
	size_t file;             /* of the log */
	uint64_t line;           /* in it */
	uint64_t seq;            /* that is, or should be, there */
	uint64_t first, n;       /* records that are missing or in the wrong place; n 0: not said */
	char text[256];
};

/* What is there, and what could not be checked. */
struct xmaudit_verdict {
	struct xmaudit_finding finding;
	uint64_t records, first, last; /* good ones, and their numbers */
	uint64_t bytes;
	uint64_t segments, restarts, crashes;             /* starts, and those behind a crash */
	uint64_t epoch_first, epoch_last, epochs_missing; /* of sealed segments */
	uint64_t sealed, checked; /* records with a seal, and those whose seal was checked */
	uint64_t unsealed_last;   /* records at the end that have none, though others before have */
	uint64_t lost, folded;    /* records and denials, in total */
	uint64_t recovered;       /* torn pieces that the log tells of */
	uint64_t retained;        /* records before the first that retention took away */
	uint64_t anchors, anchors_before; /* that hold; of records that retention took away */
	bool first_unchecked;             /* the text of the first record cannot be checked */
	bool single;                      /* a rotated file by itself */
	bool empty_after_rotation; /* the last record says that another file begins, which is empty */
};

struct xmaudit_check {
	const uint8_t *key;                   /* E_0; NULL: seals are not checked */
	const struct xmaudit_anchor *anchors; /* in order of seq */
	size_t n_anchors;
	unsigned int settle_ms; /* how long a record at the end may take to be written */
	struct xmaudit_progress *progress;
};

/* -errno: a file cannot be read; said on standard error. */
int xmaudit_verify_log(const struct xmaudit_log *log, const struct xmaudit_check *check,
		       struct xmaudit_verdict *verdict);

/* ---- anchors ----------------------------------------------------------------------------------------- */

struct xmaudit_anchors {
	struct xmaudit_anchor *list; /* owned */
	size_t n;
};

/* From text with one, or from a file with any number of them, among other lines. */
int xmaudit_anchors_add(struct xmaudit_anchors *anchors, const char *text_or_file);
void xmaudit_anchors_sort(struct xmaudit_anchors *anchors);
void xmaudit_anchors_free(struct xmaudit_anchors *anchors);

/* ---- for the parts of the verifier -------------------------------------------------------------------- */

/* Goes through the lines of all files. */
struct xmaudit_place {
	size_t file;
	uint64_t offset, line; /* of the line that begins here */
};

struct xmaudit_cursor {
	const struct xmaudit_log *log;
	struct xmaudit_lines lines;
	struct xmaudit_place place; /* of the line that was read last */
	size_t file;
	uint64_t line; /* of the next */
	bool rest_given;
};

enum { XMAUDIT_REST = XMAUDIT_TOO_LONG + 1 }; /* what stands at the end of a file without an end */

int xmaudit_cursor_init(struct xmaudit_cursor *cursor, const struct xmaudit_log *log);
void xmaudit_cursor_deinit(struct xmaudit_cursor *cursor);
void xmaudit_cursor_go(struct xmaudit_cursor *cursor, const struct xmaudit_place *place);
int xmaudit_cursor_next(struct xmaudit_cursor *cursor, const char **linep, size_t *lenp);

/* Keys of the log, as far as they follow from the one that is known. */
struct xmaudit_seals {
	bool known;  /* the key was given */
	bool open;   /* within a segment whose key is known */
	bool sealed; /* within a segment that is sealed */
	uint8_t epoch_key[AUDIT_KEY_BYTES];
	uint64_t epoch;               /* which that is; that of the segment before, or 0 */
	uint8_t key[AUDIT_KEY_BYTES]; /* for the next record */
};

/* Where the chain does not go on. */
struct xmaudit_trouble {
	const struct xmaudit_log *log;
	struct xmaudit_place place;       /* of the record that does not follow */
	uint8_t chain[AUDIT_CHAIN_BYTES]; /* of the last good one */
	uint64_t seq;                     /* that is expected */
	struct xmaudit_seals seals;       /* before that record */
};

/* What was done to the chain; fills in all but file and line of the finding.  -errno. */
int xmaudit_diagnose(const struct xmaudit_trouble *trouble, struct xmaudit_finding *finding);
/* What was done to a record that is chained right and sealed wrong. */
int xmaudit_diagnose_seal(const struct xmaudit_trouble *trouble, bool first_seal,
			  struct xmaudit_finding *finding);
/* Moves on to the key of a segment's epoch; false: that is not ahead, or too far. */
bool xmaudit_seals_begin(struct xmaudit_seals *seals, uint64_t epoch);

#endif
