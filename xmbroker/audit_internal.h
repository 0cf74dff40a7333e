/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_INTERNAL_H
#define XMBROKER_AUDIT_INTERNAL_H

/*
 * Between the parts of the writer: audit.c (what a record says), audit_text.c (its pieces),
 * audit_out.c (how records get into the file), audit_fold.c (what is counted instead).
 */

#include <time.h>

#include "libxm/core/text.h"
#include "xmbroker/audit.h"
#include "xmbroker/audit_chain.h"

#define AUDIT_RUN_BYTES 65536
#define AUDIT_RUN_RECORDS 512
#define AUDIT_OWED_MAX 4096

/* Sorts of text that are put together once. */
#define AUDIT_WHO_KEPT 32
#define AUDIT_RULES_KEPT 64

/* Where the chain stands after a record. */
struct audit_point {
	uint64_t seq;
	uint8_t chain[AUDIT_CHAIN_BYTES];
	uint8_t key[AUDIT_KEY_BYTES]; /* of the next seal */
};

/* A record that waits in the buffer. */
struct audit_waiting {
	uint32_t end; /* in the buffer */
	bool counted; /* if it cannot be written it is lost; else it stays in the ledger */
	uint64_t id;  /* of the decision; 0: it is none */
};

/* The part of a record that says who, and what it was made from, which is compared whole. */
struct audit_who_text {
	uint64_t session;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	uint32_t n_gids;
	uint32_t gids[32];
	char comm[24];
	char cgroup[200];
	char profile[8];
	uint32_t len; /* 0: nothing is kept */
	char text[1024];
};

/* The part that names the rule. */
struct audit_rule_text {
	const struct policy_image *image;
	uint32_t generation;
	uint32_t rule;
	uint32_t len; /* 0: nothing is kept */
	char text[492];
};

/* What a slot of the ledger stands for, as long as this process fills it. */
struct audit_fold_key {
	uint32_t uid, op, rule, generation;
	int guard;
	bool allowed;
	const char *why; /* NULL: another process filled it */
};

struct audit {
	/* By themselves on a page that is locked. */
	struct audit_point written; /* after the last record that is in the file, or owed to it */
	struct audit_point point;   /* after the last one that was put together */

	int fd __attribute__((aligned(4096))); /* owned; -1: records go nowhere */
	bool sealed;
	bool fold_all; /* the disk is nearly full */
	bool in_run;
	bool run_sync; /* the run has to be on the disk */
	bool noted;    /* a record in the buffer tells of what is in the ledger */
	int failing;   /* errno of everything; 0: none */
	int run_error; /* of a part of the run that was to be written already */
	int blocked;   /* why the record under way cannot be written */
	uint64_t id;
	uint64_t written_id; /* of the last decision in the file */
	uint64_t epoch;
	const char *previous;
	uint32_t torn_bytes; /* left by another process; declared after the start */
	uint8_t torn_hash[AUDIT_TORN_BYTES];
	struct audit_count count;

	struct audit_ledger *ledger; /* borrowed, or own_ledger */
	struct audit_fold_key key[AUDIT_LEDGER_SLOTS];

	/* What the file must get before anything else, and how much of it it has. */
	size_t owed_len, owed_done;
	char owed[AUDIT_OWED_MAX];

	/* Whole records that are to be written together, and the one that is put together. */
	size_t len;
	unsigned int n_waiting;
	struct audit_waiting waiting[AUDIT_RUN_RECORDS];
	char buf[AUDIT_RUN_BYTES];

	time_t second; /* of the stamp; -1: none */
	char stamp[20];
	char policy[64]; /* the members "policy" and "generation" in force */
	size_t policy_len;
	const struct policy_image *policy_image; /* they are of; only compared */
	uint32_t policy_generation;
	struct audit_who_text who[AUDIT_WHO_KEPT];
	struct audit_rule_text rule[AUDIT_RULES_KEPT];

	struct audit_ledger own_ledger; /* where nobody else keeps one */
};

/* ---- audit_text.c: pieces ---------------------------------------------------------------------------- */

static inline void audit_put(struct text *t, const char *s, size_t len)
{
	if (t->cap - t->len <= len) {
		t->truncated = true;
		return;
	}
	__builtin_memcpy(t->buf + t->len, s, len);
	t->len += len;
}

/* A literal. */
#define AUDIT_PUT(t, literal) audit_put((t), "" literal, sizeof(literal) - 1)

/* Literals, which need no escapes: ,"key":  ,"key":N  ,"key":"word" */
#define AUDIT_KEY(t, key) AUDIT_PUT(t, ",\"" key "\":")
#define AUDIT_NUMBER(t, key, value) (AUDIT_KEY(t, key), audit_put_number((t), (value)))
#define AUDIT_TEXT(t, key, value) (AUDIT_KEY(t, key), audit_put_text((t), (value)))

void audit_put_number(struct text *t, uint64_t value);
/* A JSON string of the first 512 bytes. */
void audit_put_text(struct text *t, const char *value);
/* ,"key":"<hex>" */
void audit_put_hex(struct text *t, const uint8_t *data, size_t len);
/* From the brace to "mono". */
void audit_put_head(struct audit *audit, struct text *t, uint64_t seq, const char *type);
void audit_put_who(struct audit *audit, struct text *t, const struct audit_who *who);
/* ,"session":..,"uid":..,"gid":.. */
void audit_put_ids(struct text *t, const struct audit_who *who);
void audit_put_rule(struct audit *audit, struct text *t, const struct audit_decision *decision);
/* file:line:column, of which room for AUDIT_PLACE_MAX holds all; false: there is no rule. */
#define AUDIT_PLACE_MAX 552
bool audit_rule_place(const struct policy_image *image, uint32_t rule, char *place, size_t size);
void audit_put_policy(struct audit *audit, struct text *t, const struct policy_image *image,
		      uint32_t generation);

/* ---- audit_out.c: into the file ---------------------------------------------------------------------- */

/* Begins a record, which audit_finish() ends.  What was lost before it goes first. */
struct text audit_begin(struct audit *audit, const char *type);
/* id: of a decision, else 0.  counted: it is lost if it cannot be written. */
int audit_finish(struct audit *audit, struct text *t, uint64_t id, bool counted);
/* The number that the record begun has. */
static inline uint64_t audit_next_seq(const struct audit *writer)
{
	return writer->point.seq + 1;
}
/* Ends the record that begins at `from` of the text, chains and seals it. */
int audit_close_record(struct audit *audit, struct text *t, size_t from);
/* Owes a text to the file, which is in the chain already. */
void audit_owe(struct audit *audit, size_t len);
/* The text that is to be owed. */
struct text audit_owed(struct audit *audit);
/* Writes what is owed. */
int audit_pay(struct audit *audit);
int audit_flush(struct audit *audit);
void audit_put_recovered(struct audit *audit, struct text *t, uint64_t bytes,
			 const uint8_t hash[AUDIT_TORN_BYTES]);
/* Writes all of it, or says why not.  *wrotep is what is in the log in either case. */
int audit_write(int fd, const char *data, size_t len, size_t *wrotep);

/* Onto the disk.  A log that is a pipe or a terminal has none to be on. */
int audit_sync_file(int fd);

/* ---- audit_fold.c: counted instead ------------------------------------------------------------------- */

void audit_fold(struct audit *audit, const struct audit_decision *decision);

#endif
