/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_H
#define XMBROKER_AUDIT_H

/*
 * The security record: JSON Lines, one record a decision and one a result with the same id, written
 * by this one writer through a descriptor that only appends.  A record is in the file when the
 * function returns 0; the caller must not forward a call whose intent could not be written.
 *
 * Fields, in this order.  Every record: "seq" (from 1, no gaps, over the life of the process),
 * "type", "time" (RFC 3339 UTC, microseconds), "mono" (ns of CLOCK_MONOTONIC).
 *   type "start":    "version", "pid", "backend", "partition", "policy", "generation"
 *   type "policy":   "policy", "generation" (a new image is in force)
 *   type "session":  "event" ("open" or "close"), "session", "uid", "gid", "pid", "reason"
 *   type "decision": "id", "session", "uid", "gid", "groups", "pid", "comm", "cgroup" (the last two
 *                    claimed by the client: untrusted), "profile", "op", "args", "decision"
 *                    ("allow" or "deny"), "why" ("rule", "no rule", "unclassified", "root",
 *                    "overflow id", or what kept a batch from being made), "rule"
 *                    ("file:line:column", absent without one), "role",
 *                    "because", "guard" (the code the guard answered, absent if it passed),
 *                    "policy" (first 16 hex digits of the digest), "generation", "batch" (number of
 *                    the batch) and "element" (from 0), absent for a call by itself
 *   type "result":   "id", "result" (name of the code, or "unknown"), "value", "latency_us"
 *   type "lost":     "records" (how many could not be written before this one)
 *   type "stop":     "reason"
 * A denied or guarded call has no "result" record: its decision is the whole of it.
 */

#include <sys/types.h>

#include "libxm/core/request.h"
#include "policy/eval.h"
#include "policy/image.h"

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
	uint32_t generation;
	int guard;      /* enum xm_code that the guard answered; -1: it passed or was not asked */
	uint64_t batch; /* number of the batch that it is an element of; 0: none */
	unsigned int element; /* which */
};

/* Takes the descriptor (opened O_APPEND); -1: records go nowhere (no audit log configured). */
int audit_new(int fd, struct audit **auditp);
void audit_free(struct audit *audit);

/* Each returns 0, or -errno: then the record is not, or not wholly, in the log. */
int audit_start(struct audit *audit, const char *backend, uint32_t partition,
		const struct policy_image *image, uint32_t generation);
int audit_policy(struct audit *audit, const struct policy_image *image, uint32_t generation);
int audit_session(struct audit *audit, const char *event, const struct audit_who *who,
		  const char *reason);
/* Writes the intent; *idp names it in its result.  With sync the log is on the disk when it returns;
 * when only that failed, *idp is set all the same. */
int audit_decision(struct audit *audit, const struct audit_decision *decision, bool sync,
		   uint64_t *idp);
/* Puts what has been written onto the disk. */
int audit_sync(struct audit *audit);
int audit_result(struct audit *audit, uint64_t id, const struct xm_reply *reply,
		 uint64_t latency_us);
int audit_stop(struct audit *audit, const char *reason);

#endif
