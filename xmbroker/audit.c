// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The writer of the security record: xmbroker-audit(5).  Owns the descriptor, the numbering and the
 * form of a line.  Must never allocate for a record, write a part of one and call it written, or
 * reuse the number of a record that is in the log.
 *
 * A record is one line and one write().  When the log cannot be written the record is counted; the
 * first one that can be written again is preceded by a "lost" record with the count.  A line that
 * was torn off by a failing write is ended before the next record, so that it spoils only itself.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/audit.h"

#ifndef XM_VERSION
#define XM_VERSION "unversioned"
#endif

#define RECORD_MAX 16384
#define GROUPS_MAX 64     /* group ids that one record names; the rest is counted */
#define FREE_TEXT_MAX 512 /* bytes of a text of the policy's author that one record quotes */
#define DIGEST_SHOWN 8    /* bytes */

struct audit {
	int fd; /* owned; -1: records go nowhere */
	uint64_t seq;
	uint64_t id;
	uint64_t lost; /* records that could not be written since the last one that could */
	int blocked; /* why the record under way cannot be written: what was lost, could not be said */
	bool torn; /* the log ends within a line */
	char buf[RECORD_MAX];
};

int audit_new(int fd, struct audit **auditp)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		return -ENOMEM;
	audit->fd = fd;
	*auditp = audit;
	return 0;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	if (audit->fd >= 0)
		close(audit->fd);
	free(audit);
}

/* ---- pieces of a record ---------------------------------------------------------------------------- */

static void put_key(struct text *t, const char *key)
{
	text_puts(t, ",\"");
	text_puts(t, key);
	text_puts(t, "\":");
}

static void put_number(struct text *t, const char *key, uint64_t value)
{
	put_key(t, key);
	text_u64(t, value);
}

static void put_text(struct text *t, const char *value)
{
	size_t len = strlen(value);

	text_json(t, value, len < FREE_TEXT_MAX ? len : FREE_TEXT_MAX);
}

static void put_string(struct text *t, const char *key, const char *value)
{
	put_key(t, key);
	put_text(t, value);
}

static void put_part(struct text *t, long value, unsigned int width, char after)
{
	text_digits(t, (uint64_t)value, width);
	text_char(t, after);
}

static void put_time(struct text *t)
{
	struct timespec wall, mono;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	gmtime_r(&wall.tv_sec, &tm);
	put_key(t, "time");
	text_char(t, '"');
	put_part(t, tm.tm_year + 1900, 4, '-');
	put_part(t, tm.tm_mon + 1, 2, '-');
	put_part(t, tm.tm_mday, 2, 'T');
	put_part(t, tm.tm_hour, 2, ':');
	put_part(t, tm.tm_min, 2, ':');
	put_part(t, tm.tm_sec, 2, '.');
	put_part(t, wall.tv_nsec / 1000, 6, 'Z');
	text_char(t, '"');
	put_number(t, "mono", (uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec);
}

static void put_policy(struct text *t, const struct policy_image *image, uint32_t generation)
{
	struct policy_about about;

	policy_image_about(image, &about);
	text_puts(t, ",\"policy\":\"");
	text_bytes(t, about.digest, DIGEST_SHOWN);
	text_char(t, '"');
	put_number(t, "generation", generation);
}

static void put_groups(struct text *t, const struct audit_who *who)
{
	uint32_t shown = who->n_gids < GROUPS_MAX ? who->n_gids : GROUPS_MAX;

	text_puts(t, ",\"groups\":[");
	for (uint32_t i = 0; i < shown; i++) {
		if (i)
			text_char(t, ',');
		text_u64(t, who->gids[i]);
	}
	text_char(t, ']');
	if (shown < who->n_gids)
		put_number(t, "groups_omitted", who->n_gids - shown);
}

static void put_ids(struct text *t, const struct audit_who *who)
{
	put_number(t, "session", who->session);
	put_number(t, "uid", who->uid);
	put_number(t, "gid", who->gid);
}

/* ---- writing --------------------------------------------------------------------------------------- */

/* Writes all of it, or says why not.  *wrotep is what is in the log in either case. */
static int write_all(int fd, const char *data, size_t len, size_t *wrotep)
{
	for (*wrotep = 0; *wrotep < len;) {
		ssize_t n = write(fd, data + *wrotep, len - *wrotep);

		if (n > 0)
			*wrotep += (size_t)n;
		else if (n == 0)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Ends the line that a failed write tore off. */
static int mend(struct audit *audit)
{
	size_t wrote;
	int r;

	if (!audit->torn)
		return 0;
	/* The record may lack nothing but its end, and was reported as not written: it must not become
	 * a good one now. */
	r = write_all(audit->fd, " torn\n", 6, &wrote);
	if (r == 0)
		audit->torn = false;
	return r;
}

static int write_record(struct audit *audit, struct text *t)
{
	size_t wrote;
	int r;

	text_puts(t, "}\n");
	if (t->truncated)
		return -EMSGSIZE;
	r = mend(audit);
	if (r < 0)
		return r;
	r = write_all(audit->fd, t->buf, t->len, &wrote);
	if (r < 0) {
		audit->torn = wrote > 0;
		return r;
	}
	audit->seq++;
	return 0;
}

static void put_head(struct text *t, uint64_t seq, const char *type)
{
	text_puts(t, "{\"seq\":");
	text_u64(t, seq);
	put_string(t, "type", type);
	put_time(t);
}

/* Says how many records are missing before the one that is about to be written. */
static int write_lost(struct audit *audit)
{
	char line[256];
	struct text t = TEXT_INIT(line);
	int r;

	put_head(&t, audit->seq + 1, "lost");
	put_number(&t, "records", audit->lost);
	r = write_record(audit, &t);
	if (r == 0)
		audit->lost = 0;
	return r;
}

/* Begins a record, which finish() writes.  What was lost before it goes first. */
static struct text begin(struct audit *audit, const char *type)
{
	struct text t = TEXT_INIT(audit->buf);

	audit->blocked = audit->lost ? write_lost(audit) : 0;
	put_head(&t, audit->seq + 1, type);
	return t;
}

static int finish(struct audit *audit, struct text *t)
{
	int r = audit->blocked;

	if (audit->fd < 0)
		return 0;
	if (r == 0)
		r = write_record(audit, t);
	if (r < 0)
		audit->lost++;
	return r;
}

/* A log that is a pipe or a terminal has no disk to be on. */
int audit_sync(struct audit *audit)
{
	if (audit->fd < 0 || fdatasync(audit->fd) == 0)
		return 0;
	return errno == EINVAL || errno == EROFS ? 0 : -errno;
}

/* ---- records --------------------------------------------------------------------------------------- */

int audit_start(struct audit *audit, const char *backend, uint32_t partition,
		const struct policy_image *image, uint32_t generation)
{
	struct text t = begin(audit, "start");

	put_string(&t, "version", XM_VERSION);
	put_number(&t, "pid", (uint64_t)getpid());
	put_string(&t, "backend", backend);
	put_number(&t, "partition", partition);
	put_policy(&t, image, generation);
	return finish(audit, &t);
}

int audit_policy(struct audit *audit, const struct policy_image *image, uint32_t generation)
{
	struct text t = begin(audit, "policy");

	put_policy(&t, image, generation);
	return finish(audit, &t);
}

int audit_session(struct audit *audit, const char *event, const struct audit_who *who,
		  const char *reason)
{
	struct text t = begin(audit, "session");

	put_string(&t, "event", event);
	put_ids(&t, who);
	put_number(&t, "pid", (uint64_t)who->pid);
	put_string(&t, "reason", reason);
	return finish(audit, &t);
}

static void put_rule(struct text *t, const struct audit_decision *decision)
{
	struct policy_source source;

	if (decision->rule == POLICY_NO_RULE ||
	    !policy_image_source(decision->image, decision->rule, &source))
		return;
	put_key(t, "rule");
	put_text(t, source.file);
	t->len--; /* the place is one string: the quote that ends it comes after the column */
	text_printf(t, ":%u:%u\"", source.line, source.column);
	if (source.role[0])
		put_string(t, "role", source.role);
	if (source.because[0])
		put_string(t, "because", source.because);
}

static void put_who(struct text *t, const struct audit_who *who)
{
	put_ids(t, who);
	put_groups(t, who);
	put_number(t, "pid", (uint64_t)who->pid);
	put_string(t, "comm", who->comm);
	put_string(t, "cgroup", who->cgroup);
	put_string(t, "profile", who->profile);
}

int audit_decision(struct audit *audit, const struct audit_decision *decision, bool sync,
		   uint64_t *idp)
{
	struct text t = begin(audit, "decision");
	int r;

	put_number(&t, "id", ++audit->id);
	put_who(&t, decision->who);
	put_string(&t, "op", xm_ops[decision->req->op].name);
	put_key(&t, "args");
	text_args_json(&t, decision->req);
	put_string(&t, "decision", decision->allowed ? "allow" : "deny");
	put_string(&t, "why", decision->why);
	put_rule(&t, decision);
	if (decision->guard >= 0)
		put_string(&t, "guard", xm_code_name((unsigned int)decision->guard));
	put_policy(&t, decision->image, decision->generation);
	if (decision->batch) {
		put_number(&t, "batch", decision->batch);
		put_number(&t, "element", decision->element);
	}
	r = finish(audit, &t);
	if (r < 0)
		return r;
	*idp = audit->id;
	return sync ? audit_sync(audit) : 0;
}

int audit_result(struct audit *audit, uint64_t id, const struct xm_reply *reply,
		 uint64_t latency_us)
{
	struct text t = begin(audit, "result");

	put_number(&t, "id", id);
	put_string(&t, "result", xm_code_name(reply->code));
	put_number(&t, "value", reply->value);
	put_number(&t, "latency_us", latency_us);
	return finish(audit, &t);
}

int audit_stop(struct audit *audit, const char *reason)
{
	struct text t = begin(audit, "stop");

	put_string(&t, "reason", reason);
	return finish(audit, &t);
}
