// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Anchors: where the chain of a log stood at some time, as one line of text that is kept elsewhere.
 * Prints that of the last record; reads those that were kept, from whatever they stand among.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit_command.h"
#include "xmbroker/xmaudit_verify.h"

#define MARK "xmbroker-audit-anchor:1 "

/* ---- reading ----------------------------------------------------------------------------------------- */

static bool parse_anchor(const char *text, size_t len, struct xmaudit_anchor *anchor)
{
	static const char chain[] = " chain=";
	struct xmaudit_slice seq = { text, 0, false };
	const char *end = text + len, *p;

	if (len < 4 || memcmp(text, "seq=", 4))
		return false;
	seq.s += 4;
	while (seq.s + seq.len < end && seq.s[seq.len] >= '0' && seq.s[seq.len] <= '9')
		seq.len++;
	p = memmem(text, len, chain, sizeof(chain) - 1);
	if (!xmaudit_slice_number(&seq, &anchor->seq) || !anchor->seq || !p)
		return false;
	p += sizeof(chain) - 1;
	return end - p >= 2 * AUDIT_CHAIN_BYTES &&
	       audit_hex_get(p, anchor->chain, AUDIT_CHAIN_BYTES);
}

/* All of those in a line.  1: there was one that is none. */
static int add_line(struct xmaudit_anchors *anchors, const char *line, size_t len)
{
	const char *end = line + len, *p;
	int bad = 0;

	while ((p = memmem(line, (size_t)(end - line), MARK, strlen(MARK)))) {
		struct xmaudit_anchor anchor, *more;

		line = p + strlen(MARK);
		if (!parse_anchor(line, (size_t)(end - line), &anchor)) {
			bad = 1;
			continue;
		}
		more = reallocarray(anchors->list, anchors->n + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		anchors->list = more;
		more[anchors->n++] = anchor;
	}
	return bad;
}

static int add_file(struct xmaudit_anchors *anchors, const char *path)
{
	size_t before = anchors->n, cap = 0;
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *line = NULL;
	ssize_t len;
	int bad = 0;

	if (!file) {
		fprintf(stderr, "xmaudit: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	while (bad >= 0 && (len = getline(&line, &cap, file)) >= 0)
		bad |= add_line(anchors, line, (size_t)len);
	free(line);
	if (file != stdin)
		fclose(file);
	if (bad < 0)
		return -ENOMEM;
	if (bad)
		fprintf(stderr, "xmaudit: %s: some anchors in it are damaged\n", path);
	if (anchors->n > before)
		return 0;
	fprintf(stderr, "xmaudit: %s: there is no anchor in it\n", path);
	return -ENODATA;
}

int xmaudit_anchors_add(struct xmaudit_anchors *anchors, const char *text_or_file)
{
	size_t before = anchors->n;
	int r;

	if (strncmp(text_or_file, MARK, strlen(MARK)) != 0)
		return add_file(anchors, text_or_file);
	r = add_line(anchors, text_or_file, strlen(text_or_file));
	if (r == 0 && anchors->n > before)
		return 0;
	fputs("xmaudit: this is not an anchor: it is \"" MARK
	      "seq=N epoch=N chain=... time=...\"\n",
	      stderr);
	return -EINVAL;
}

static int compare(const void *a, const void *b)
{
	const struct xmaudit_anchor *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void xmaudit_anchors_sort(struct xmaudit_anchors *anchors)
{
	if (anchors->n)
		qsort(anchors->list, anchors->n, sizeof(*anchors->list), compare);
}

void xmaudit_anchors_free(struct xmaudit_anchors *anchors)
{
	free(anchors->list);
	anchors->list = NULL;
}

/* ---- printing ---------------------------------------------------------------------------------------- */

struct last {
	uint64_t seq, epoch;
	bool has_epoch;
	char chain[2 * AUDIT_CHAIN_BYTES + 1];
	char time[40];
};

static void take_last(const char *text, size_t len, const struct audit_line *line,
		      struct last *last)
{
	struct xmaudit_record record;

	if (!xmaudit_record_read(text, len, &record))
		return;
	if (record.type == XMAUDIT_IS_START || record.type == XMAUDIT_IS_CONTINUE)
		last->has_epoch = xmaudit_slice_number(&record.member[XMAUDIT_EPOCH], &last->epoch);
	last->seq = line->seq;
	audit_hex_put(last->chain, line->chain, AUDIT_CHAIN_BYTES);
	xmaudit_slice_copy(&record.member[XMAUDIT_TIME], last->time, sizeof(last->time));
	xmaudit_record_release(&record);
}

/* The last record from a file on, and the epoch of its segment: files begin with segments. */
static int find_last(const struct xmaudit_log *log, size_t file, struct last *last)
{
	struct xmaudit_cursor cursor;
	struct audit_line line;
	struct xmaudit_place place = { file, 0, 1 }, at = place;
	const char *text;
	size_t len;
	int what = xmaudit_cursor_init(&cursor, log);

	if (what < 0)
		return what;
	xmaudit_cursor_go(&cursor, &place);
	while ((what = xmaudit_cursor_next(&cursor, &text, &len)) > XMAUDIT_END) {
		if (what != XMAUDIT_LINE || !audit_line_parse(text, len, &line))
			continue;
		at = cursor.place;
		if (audit_line_is(&line, "start") || audit_line_is(&line, "continue"))
			take_last(text, len, &line, last);
	}
	xmaudit_cursor_go(&cursor, &at);
	if (what == 0 && xmaudit_cursor_next(&cursor, &text, &len) == XMAUDIT_LINE &&
	    audit_line_parse(text, len, &line))
		take_last(text, len, &line, last);
	xmaudit_cursor_deinit(&cursor);
	return what;
}

int xmaudit_anchor(const struct xmaudit_options *o)
{
	struct last last = { 0 };
	struct xmaudit_log log;
	char safe[160], epoch[24] = "-";
	struct text t = TEXT_INIT(safe);
	int r = xmaudit_log_open(o->file, &log);

	if (r < 0)
		return XMAUDIT_EXIT_USAGE;
	for (size_t i = log.n; r == 0 && !last.seq && i-- > 0;)
		r = find_last(&log, i, &last);
	xmaudit_log_close(&log);
	if (r < 0 || !last.seq) {
		fprintf(stderr, "xmaudit: %s: %s\n", o->file,
			r < 0 ? strerror(-r) : "has no record");
		return r < 0 ? XMAUDIT_EXIT_USAGE : XMAUDIT_EXIT_BAD;
	}
	safe[0] = '\0';
	text_safe(&t, last.time, strlen(last.time));
	if (last.has_epoch)
		snprintf(epoch, sizeof(epoch), "%" PRIu64, last.epoch);
	printf(MARK "seq=%" PRIu64 " epoch=%s chain=%s time=%s\n", last.seq, epoch, last.chain,
	       safe);
	return XMAUDIT_EXIT_GOOD;
}
