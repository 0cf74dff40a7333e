/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_H
#define XMBROKER_AUDIT_H

/*
 * The security record: JSON Lines, one record a decision and one a result with the same id, chained
 * and sealed (audit_chain.h), written by this one writer through a descriptor that only appends.  A
 * record is in the file when the function returns 0; the caller must not forward a call whose intent
 * could not be written.
 *
 * Fields, in this order.  Every record: "seq" (from 1, no gaps, over the life of the log), "type",
 * "time" (RFC 3339 UTC, microseconds), "mono" (ns of CLOCK_MONOTONIC); last "chain", and "seal" if
 * the log is sealed.
 *   type "start":    "version", "pid", "backend", "partition", "previous" ("none", "stopped",
 *                    "ended"), "epoch" (absent if the log is not sealed), "policy", "generation"
 *   type "continue": "file", "reason", "epoch", "policy", "generation": the first of another file
 *   type "rotate":   "reason": the last of a file whose successor could be written
 *   type "policy":   "policy", "generation" (a new image is in force)
 *   type "session":  "event" ("open" or "close"), "session", "uid", "gid", "pid", "reason"
 *   type "decision": "id", "session", "uid", "gid", "groups", "pid", "comm", "cgroup" (the last two
 *                    claimed by the client: untrusted), "profile", "op", "args", "decision"
 *                    ("allow" or "deny"), "why" ("rule", "no rule", "limit", "unclassified", "root",
 *                    "overflow id", or what kept a batch from being made), "rule"
 *                    ("file:line:column", absent without one), "role",
 *                    "because", "observed" (a shadow rule, "file:line:column") and "would" ("allow"
 *                    or "deny": the decision if shadow rules were in force; both absent if it would
 *                    be the same), "guard" (the code the guard answered, absent if it passed),
 *                    "policy" (first 16 hex digits of the digest), "generation", "batch" (number of
 *                    the batch) and "element" (from 0), absent for a call by itself
 *   type "result":   "id", "result" (name of the code, or "unknown"), "value", "latency_us"
 *   type "folded":   "uid", "op", "decision", "why", "rule", "guard" (as in a decision; "*": several),
 *                    "records" (how many denials), "from" (mono of the first), "interrupted" (true:
 *                    counted by a process that did not live to say so)
 *   type "recovered": "bytes", "hash" (of a torn piece before it)
 *   type "lost":     "records" (how many could not be written before this one)
 *   type "retention": "first" (seq of the first that is kept), "files" (how many go), "reason"
 *   type "stop":     "reason"
 * A denied or guarded call has no "result" record: its decision is the whole of it.
 */

#include <sys/types.h>

#include "libxm/core/request.h"
#include "policy/eval.h"
#include "policy/image.h"
#include "xmbroker/audit_ledger.h"
#include "xmbroker/audit_state.h"

/* How long a folded denial waits for its record at most, if audit_flush_folds() is called so often. */
#define AUDIT_FOLD_MS 10000

struct audit;

/* Who, as recorded. */
struct audit_who {
	uint64_t session;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	const uint32_t *gids; /* all of the session's groups */
	uint32_t n_gids;
	const char *comm;
	const char *cgroup;
	const char *profile;
};

struct audit_decision {
	const struct audit_who *who;
	const struct xm_request *req;
	bool allowed;
	const char *why;
	const struct policy_image *image;
	uint32_t rule; /* POLICY_NO_RULE: none */
	uint32_t
		observed; /* a shadow rule that would make it the other decision; POLICY_NO_RULE: none */
	uint32_t generation;
	int guard;      /* enum xm_code that the guard answered; -1: it passed or was not asked */
	uint64_t batch; /* number of the batch that it is an element of; 0: none */
	unsigned int element; /* which */
	bool fold;            /* count it instead of recording it, if it is a denial or guarded */
};

/* What has been done since audit_new(), and what stands in the ledger. */
struct audit_count {
	uint64_t records; /* written */
	uint64_t bytes;
	uint64_t failed;  /* records that could not be written */
	uint64_t folded;  /* denials that were counted instead of recorded */
	uint64_t lost;    /* now in the ledger: records that no record tells of as yet */
	uint64_t waiting; /* now in the ledger: folded denials that no record tells of as yet */
	uint64_t seq;     /* of the last record in the log */
};

/*
 * Takes the descriptor (opened O_APPEND); -1: records go nowhere (no audit log configured).  `state`
 * is what is to be continued, of which the key is copied (its owner wipes it); NULL: an empty log
 * without seals.  `ledger` is borrowed; NULL: counts do not outlive the process.  Locks the memory
 * that holds the key, if that is allowed.  sodium_init() is called here.
 */
int audit_new(int fd, const struct audit_state *state, struct audit_ledger *ledger,
	      struct audit **auditp);
void audit_free(struct audit *audit);

/* Each returns 0, or -errno: then the record is not, or not wholly, in the log. */

/* The first record, which is kept until it can be written.  What was left in the ledger follows it. */
int audit_start(struct audit *audit, const char *backend, uint32_t partition,
		const struct policy_image *image, uint32_t generation);
int audit_policy(struct audit *audit, const struct policy_image *image, uint32_t generation);
/* The same policy is on trial, confirmed, or was rolled back to: `reason` says which. */
int audit_activation(struct audit *audit, const struct policy_image *image, uint32_t generation,
		     const char *reason);
int audit_session(struct audit *audit, const char *event, const struct audit_who *who,
		  const char *reason);
/* Writes the intent; *idp names it in its result.  With sync the log is on the disk when it returns;
 * when only that failed, *idp is set all the same.  A denial that is folded is in the ledger when it
 * returns, and has no id. */
int audit_decision(struct audit *audit, const struct audit_decision *decision, bool sync,
		   uint64_t *idp);
/* Puts what has been written onto the disk. */
int audit_sync(struct audit *audit);
int audit_result(struct audit *audit, uint64_t id, const struct xm_reply *reply,
		 uint64_t latency_us);
int audit_stop(struct audit *audit, const char *reason);

/*
 * Records between these are written together, with few calls of the system.  Until the end each
 * function says 0 though nothing is in the file yet.  The end says whether all are (and on the disk,
 * if a decision was to be); if not, audit_is_written() tells which decisions are, until the next
 * record.
 */
void audit_run_begin(struct audit *audit);
int audit_run_end(struct audit *audit);
bool audit_is_written(const struct audit *audit, uint64_t id);

/* Writes out what has been folded.  To be called at least every AUDIT_FOLD_MS. */
int audit_flush_folds(struct audit *audit);

/*
 * Goes on in another file, whose descriptor is taken.  `state` gives its number, the reason, and the
 * epoch with its key, which is copied.  Both files are on the disk then.  On failure the old one stays
 * in use, if it can be; the other may hold a record or a piece of one, and has to be removed.
 */
int audit_rotate(struct audit *audit, int fd, const struct audit_state *state);
/* Says that files are about to be removed: only after 0, which means that it is on the disk. */
int audit_retention(struct audit *audit, uint64_t first, uint32_t files, const char *reason);
/* Whether there is disk space enough to record each denial; while there is not, all are folded. */
void audit_space(struct audit *audit, bool enough);
/* Whatever is to be recorded fails with this errno: the log is gone.  0, or a rotation, ends it. */
void audit_failing(struct audit *audit, int error);

void audit_count(const struct audit *audit, struct audit_count *countp);

#endif
