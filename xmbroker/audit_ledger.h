/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_LEDGER_H
#define XMBROKER_AUDIT_LEDGER_H

/*
 * What has been counted instead of recorded: records that could not be written, and denials that are
 * folded.  A file of fixed size that is mapped shared, so that the counts outlive the process.  A
 * count that is being written out names the record first in which it goes: after a kill that record
 * is either in the log, and the count is done with, or it is not, and the count still stands.
 *
 * The file has to have all its blocks (no holes): on a full disk a write to a hole kills the writer.
 * A new file is all zero.
 */

#include <stdint.h>

#define AUDIT_LEDGER_SIZE 65536
#define AUDIT_LEDGER_MAGIC UINT64_C(0x317265676465586d) /* changes with the layout */
#define AUDIT_LEDGER_SLOTS 255

/* Where the slots of a kind begin: those of one sort of denial, of all of a user, of everybody. */
#define AUDIT_LEDGER_SORTS 0
#define AUDIT_LEDGER_USERS 192
#define AUDIT_LEDGER_EVERYBODY 254

/* Denials of one sort.  Texts are ended by a NUL; op is "*" where it stands for several. */
struct audit_ledger_slot {
	uint64_t records; /* how many; 0: the slot is free.  Written last when it is filled in */
	uint64_t seq;     /* of the record that tells of them, which is being written; 0: none is */
	uint64_t from;    /* ns of the monotonic clock at the first */
	uint32_t uid;
	uint32_t allowed; /* by the policy (and answered by the guard): 1, else 0 */
	char op[48];
	char why[48];
	char guard[32]; /* empty: not guarded */
	char rule[96];  /* file:line:column; empty: none */
};

struct audit_ledger {
	uint64_t magic; /* 0: a new file */
	uint64_t lost;  /* records that could not be written */
	uint64_t
		lost_seq; /* of the record that tells of them, which is being written; 0: none is */
	uint8_t reserved[232];
	struct audit_ledger_slot slot[AUDIT_LEDGER_SLOTS];
};

_Static_assert(sizeof(struct audit_ledger_slot) == 256, "layout of the ledger");
_Static_assert(sizeof(struct audit_ledger) == AUDIT_LEDGER_SIZE, "layout of the ledger");

/* Maps the file behind a descriptor, which is borrowed.  -EINVAL: it has not the size. */
int audit_ledger_map(int fd, struct audit_ledger **ledgerp);
void audit_ledger_unmap(struct audit_ledger *ledger);

/*
 * Makes what a file holds usable, whatever it is: strikes off what is in the log, whose last record
 * is `seq`, and what cannot be a count.  How many counts were struck off as damaged.
 */
unsigned int audit_ledger_repair(struct audit_ledger *ledger, uint64_t seq);

/* The three steps of writing a count out: note, (write,) settle. */
void audit_ledger_note_lost(struct audit_ledger *ledger, uint64_t seq);
void audit_ledger_note_slot(struct audit_ledger_slot *slot, uint64_t seq);
/* What went in a record up to `seq` is done with; the rest still stands. */
void audit_ledger_settle(struct audit_ledger *ledger, uint64_t seq);

#endif
