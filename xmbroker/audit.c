// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The writer of the security record: xmbroker-audit(5).  Owns what a record of each type says, and the
 * change from one file to the next.  Must never allocate for a record, or let text of a client into
 * one other than escaped.
 */

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmbroker/audit_internal.h"
#include "xmbroker/log.h"

#ifndef XM_VERSION
#define XM_VERSION "unversioned"
#endif

/* ---- beginning and end ------------------------------------------------------------------------------- */

/* Not on the heap: no dump has it, and its key is not swapped out, where that is allowed. */
static struct audit *allocate(void)
{
	struct audit *audit = mmap(NULL, sizeof(*audit), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (audit == MAP_FAILED)
		return NULL;
	madvise(audit, sizeof(*audit), MADV_DONTDUMP);
	mlock(audit, offsetof(struct audit, fd));
	return audit;
}

static void release(struct audit *audit)
{
	sodium_memzero(audit, offsetof(struct audit, fd));
	munmap(audit, sizeof(*audit));
}

static void take_state(struct audit *audit, const struct audit_state *state)
{
	struct audit_point *point = &audit->point;

	audit->previous = state->previous ? state->previous : "none";
	audit->sealed = state->sealed;
	audit->epoch = state->epoch;
	audit->torn_bytes = state->torn_bytes;
	memcpy(audit->torn_hash, state->torn_hash, sizeof(audit->torn_hash));
	point->seq = state->seq;
	memcpy(point->chain, state->chain, sizeof(point->chain));
	if (state->sealed)
		audit_segment_key(state->key, point->key);
	audit->written = *point;
}

static void take_ledger(struct audit *audit, struct audit_ledger *ledger)
{
	unsigned int damaged;

	audit->ledger = ledger ? ledger : &audit->own_ledger;
	damaged = audit_ledger_repair(audit->ledger, audit->point.seq);
	if (damaged)
		log_warning(
			"the ledger of the audit log was damaged: %u counts of records that were "
			"lost or folded are unknown",
			damaged);
}

int audit_new(int fd, const struct audit_state *state, struct audit_ledger *ledger,
	      struct audit **auditp)
{
	static const struct audit_state empty;
	struct audit *audit;

	if (sodium_init() < 0)
		return -ENOSYS;
	audit = allocate();
	if (!audit)
		return -ENOMEM;
	audit->fd = fd;
	audit->second = -1;
	take_state(audit, state ? state : &empty);
	take_ledger(audit, ledger);
	*auditp = audit;
	return 0;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	if (audit->fd >= 0)
		close(audit->fd);
	release(audit);
}

void audit_space(struct audit *audit, bool enough)
{
	audit->fold_all = !enough;
}

void audit_failing(struct audit *audit, int error)
{
	audit->failing = error;
}

void audit_count(const struct audit *audit, struct audit_count *countp)
{
	*countp = audit->count;
	countp->lost = audit->ledger->lost;
	countp->seq = audit->written.seq;
	for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS; i++)
		countp->waiting += audit->ledger->slot[i].records;
}

/* ---- the life of a log ------------------------------------------------------------------------------- */

static void put_epoch(struct audit *audit, struct text *t)
{
	if (audit->sealed)
		AUDIT_NUMBER(t, "epoch", audit->epoch);
}

static void put_start(struct audit *audit, struct text *t, const char *backend, uint32_t partition)
{
	audit_put_head(audit, t, audit_next_seq(audit), "start");
	AUDIT_TEXT(t, "version", XM_VERSION);
	AUDIT_NUMBER(t, "pid", (uint64_t)getpid());
	AUDIT_TEXT(t, "backend", backend);
	AUDIT_NUMBER(t, "partition", partition);
	AUDIT_TEXT(t, "previous", audit->previous);
	put_epoch(audit, t);
}

int audit_start(struct audit *audit, const char *backend, uint32_t partition,
		const struct policy_image *image, uint32_t generation)
{
	struct text t = audit_owed(audit);
	size_t from;
	int r;

	if (audit->fd < 0)
		return 0;
	if (audit->torn_bytes)
		AUDIT_PUT(&t, AUDIT_TORN_END "\n");
	from = t.len;
	put_start(audit, &t, backend, partition);
	audit_put_policy(audit, &t, image, generation);
	r = audit_close_record(audit, &t, from);
	if (r < 0)
		return r;
	audit->count.records++;
	if (audit->torn_bytes)
		audit_put_recovered(audit, &t, audit->torn_bytes, audit->torn_hash);
	audit->torn_bytes = 0;
	audit_owe(audit, t.len);
	r = audit_pay(audit);
	return r < 0 ? r : audit_flush_folds(audit);
}

int audit_stop(struct audit *audit, const char *reason)
{
	struct text t;

	audit_flush_folds(audit);
	t = audit_begin(audit, "stop");
	AUDIT_TEXT(&t, "reason", reason);
	return audit_finish(audit, &t, 0, true);
}

/* The last record of a file, which is then on the disk. */
static int end_file(struct audit *audit, const char *reason)
{
	struct text t;
	int r = audit_flush_folds(audit);

	if (r < 0)
		return r;
	t = audit_begin(audit, "rotate");
	AUDIT_TEXT(&t, "reason", reason);
	r = audit_finish(audit, &t, 0, false);
	return r < 0 ? r : audit_sync(audit);
}

/* The first record of another file, with the key of another segment. */
static int begin_file(struct audit *audit, int fd, const struct audit_state *state)
{
	struct text t = audit_owed(audit);
	size_t wrote;
	int r;

	audit->sealed = state->sealed;
	audit->epoch = state->epoch;
	if (state->sealed)
		audit_segment_key(state->key, audit->point.key);
	audit_put_head(audit, &t, audit_next_seq(audit), "continue");
	AUDIT_NUMBER(&t, "file", state->file);
	AUDIT_TEXT(&t, "reason", state->reason);
	put_epoch(audit, &t);
	audit_put(&t, audit->policy, audit->policy_len);
	r = audit_close_record(audit, &t, 0);
	if (r == 0)
		r = audit_write(fd, t.buf, t.len, &wrote);
	if (r == 0)
		r = audit_sync_file(fd);
	if (r < 0)
		return r;
	audit->count.records++;
	audit->count.bytes += t.len;
	audit->written = audit->point;
	return 0;
}

static int change_file(struct audit *audit, int fd, const struct audit_state *state)
{
	const bool sealed = audit->sealed;
	const uint64_t epoch = audit->epoch;
	int r = end_file(audit, state->reason);

	if (r < 0)
		return r;
	r = begin_file(audit, fd, state);
	if (r == 0)
		return 0;
	audit->point = audit->written;
	audit->sealed = sealed;
	audit->epoch = epoch;
	return r;
}

int audit_rotate(struct audit *audit, int fd, const struct audit_state *state)
{
	const int failing = audit->failing;
	int r = -EINVAL;

	audit->failing = 0;
	if (audit->fd >= 0 && !audit->in_run)
		r = change_file(audit, fd, state);
	if (r < 0) {
		audit->failing = failing;
		close(fd);
		return r;
	}
	close(audit->fd);
	audit->fd = fd;
	return 0;
}

int audit_retention(struct audit *audit, uint64_t first, uint32_t files, const char *reason)
{
	struct text t = audit_begin(audit, "retention");
	int r;

	AUDIT_NUMBER(&t, "first", first);
	AUDIT_NUMBER(&t, "files", files);
	AUDIT_TEXT(&t, "reason", reason);
	r = audit_finish(audit, &t, 0, false);
	return r < 0 ? r : audit_sync(audit);
}

/* ---- records ----------------------------------------------------------------------------------------- */

int audit_policy(struct audit *audit, const struct policy_image *image, uint32_t generation)
{
	struct text t = audit_begin(audit, "policy");

	audit_put_policy(audit, &t, image, generation);
	return audit_finish(audit, &t, 0, true);
}

int audit_activation(struct audit *audit, const struct policy_image *image, uint32_t generation,
		     const char *reason)
{
	struct text t = audit_begin(audit, "policy");

	audit_put_policy(audit, &t, image, generation);
	AUDIT_TEXT(&t, "reason", reason);
	return audit_finish(audit, &t, 0, true);
}

int audit_session(struct audit *audit, const char *event, const struct audit_who *who,
		  const char *reason)
{
	struct text t = audit_begin(audit, "session");

	AUDIT_TEXT(&t, "event", event);
	audit_put_ids(&t, who);
	AUDIT_NUMBER(&t, "pid", (uint64_t)who->pid);
	AUDIT_TEXT(&t, "reason", reason);
	return audit_finish(audit, &t, 0, true);
}

static void put_observed(struct text *t, const struct audit_decision *decision)
{
	char place[AUDIT_PLACE_MAX];

	if (!audit_rule_place(decision->image, decision->observed, place, sizeof(place)))
		return;
	AUDIT_TEXT(t, "observed", place);
	if (decision->allowed)
		AUDIT_PUT(t, ",\"would\":\"deny\"");
	else
		AUDIT_PUT(t, ",\"would\":\"allow\"");
}

static void put_decision(struct audit *audit, struct text *t, const struct audit_decision *decision)
{
	audit_put_who(audit, t, decision->who);
	AUDIT_TEXT(t, "op", xm_ops[decision->req->op].name);
	AUDIT_KEY(t, "args");
	text_args_json(t, decision->req);
	if (decision->allowed)
		AUDIT_PUT(t, ",\"decision\":\"allow\"");
	else
		AUDIT_PUT(t, ",\"decision\":\"deny\"");
	AUDIT_TEXT(t, "why", decision->why);
	audit_put_rule(audit, t, decision);
	put_observed(t, decision);
	if (decision->guard >= 0)
		AUDIT_TEXT(t, "guard", xm_code_name((unsigned int)decision->guard));
	audit_put_policy(audit, t, decision->image, decision->generation);
	if (decision->batch) {
		AUDIT_NUMBER(t, "batch", decision->batch);
		AUDIT_NUMBER(t, "element", decision->element);
	}
}

static bool is_denial(const struct audit_decision *decision)
{
	return !decision->allowed || decision->guard >= 0;
}

int audit_decision(struct audit *audit, const struct audit_decision *decision, bool sync,
		   uint64_t *idp)
{
	struct text t;
	int r;

	if (audit->fd >= 0 && (decision->fold || audit->fold_all) && is_denial(decision)) {
		audit_fold(audit, decision);
		return 0;
	}
	t = audit_begin(audit, "decision");
	AUDIT_NUMBER(&t, "id", ++audit->id);
	put_decision(audit, &t, decision);
	r = audit_finish(audit, &t, audit->id, true);
	if (r < 0)
		return r;
	*idp = audit->id;
	if (sync && audit->in_run)
		audit->run_sync = true;
	else if (sync)
		return audit_sync(audit);
	return 0;
}

int audit_result(struct audit *audit, uint64_t id, const struct xm_reply *reply,
		 uint64_t latency_us)
{
	struct text t = audit_begin(audit, "result");

	AUDIT_NUMBER(&t, "id", id);
	AUDIT_TEXT(&t, "result", xm_code_name(reply->code));
	AUDIT_NUMBER(&t, "value", reply->value);
	AUDIT_NUMBER(&t, "latency_us", latency_us);
	return audit_finish(audit, &t, 0, true);
}
