// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where in a long file to look.  Owns no descriptor.  Must never leave out a place that can hold what is
 * wanted: the wall clock may have been set, so it is trusted only between two samples at which it ran
 * along with the monotonic one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/xmaudit.h"

#define BLOCK (UINT64_C(1) << 20)
#define WORTH_IT (8 * BLOCK) /* smaller files are read as a whole */
#define SAMPLE (XMAUDIT_LINE_MAX / 2)
#define TOLERANCE 2000000 /* us that the clocks may drift apart within a block */

struct sample {
	uint64_t at; /* where the line begins */
	uint64_t seq;
	int64_t wall, mono; /* us */
	bool known;
};

static void read_sample(const char *line, size_t len, struct sample *sample)
{
	struct xmaudit_record record;
	uint64_t ns;

	if (!xmaudit_record_read(line, len, &record))
		return;
	if (xmaudit_slice_number(&record.member[XMAUDIT_SEQ], &sample->seq) &&
	    xmaudit_slice_number(&record.member[XMAUDIT_MONO], &ns) &&
	    xmaudit_time_of(&record.member[XMAUDIT_TIME], &sample->wall)) {
		sample->mono = (int64_t)(ns / 1000);
		sample->known = true;
	}
	xmaudit_record_release(&record);
}

/* The first line that begins at or after `from`; it is not known if that is more than SAMPLE away. */
static struct sample take_sample(const struct xmaudit_file *file, uint64_t from, char *buf)
{
	struct sample sample = { .at = from };
	ssize_t n = pread(file->fd, buf, SAMPLE, (off_t)(from ? from - 1 : 0));
	char *begin = buf, *end;

	if (n <= 0)
		return sample;
	if (from) {
		begin = memchr(buf, '\n', (size_t)n);
		if (!begin)
			return sample;
		begin++;
		sample.at = from - 1 + (uint64_t)(begin - buf);
	}
	end = memchr(begin, '\n', (size_t)(buf + n - begin));
	if (end)
		read_sample(begin, (size_t)(end - begin), &sample);
	return sample;
}

/* Whether what lies between two samples can be wanted. */
static bool can_hold(const struct xmaudit_filter *f, const struct sample *a, const struct sample *b)
{
	int64_t step = (b->wall - a->wall) - (b->mono - a->mono);

	if (!a->known || !b->known || a->seq >= b->seq)
		return true;
	if (f->has_seq && (b->seq <= f->first || a->seq > f->last))
		return false;
	if (b->mono < a->mono || step > TOLERANCE || step < -TOLERANCE)
		return true;
	if (f->has_since && b->wall + TOLERANCE < f->since)
		return false;
	return !(f->has_until && a->wall - TOLERANCE >= f->until);
}

static int add_span(struct xmaudit_spans *spans, uint64_t from, uint64_t to)
{
	struct xmaudit_span *more;

	if (spans->n && spans->list[spans->n - 1].to == from) {
		spans->list[spans->n - 1].to = to;
		return 0;
	}
	more = reallocarray(spans->list, spans->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	spans->list = more;
	more[spans->n++] = (struct xmaudit_span){ from, to };
	return 0;
}

static int find_spans(const struct xmaudit_file *file, const struct xmaudit_filter *filter,
		      struct xmaudit_spans *spans, char *buf)
{
	uint64_t blocks = file->size / BLOCK;
	struct sample a = take_sample(file, 0, buf);
	bool before =
		false; /* the block before is wanted: results of its decisions may be in this one */
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < blocks; i++) {
		struct sample b = take_sample(file, (i + 1) * BLOCK, buf);
		bool wanted = can_hold(filter, &a, &b);

		if (i + 1 == blocks)
			r = add_span(spans, a.at, UINT64_MAX);
		else if (wanted || before)
			r = add_span(spans, a.at, b.at);
		before = wanted;
		a = b;
	}
	return r;
}

int xmaudit_spans_find(const struct xmaudit_file *file, const struct xmaudit_filter *filter,
		       struct xmaudit_spans *spans)
{
	bool by_place = filter->has_since || filter->has_until || filter->has_seq;
	char *buf;
	int r;

	*spans = (struct xmaudit_spans){ 0 };
	if (!by_place || !file->regular || file->size < WORTH_IT) {
		spans->whole = true;
		return add_span(spans, 0, UINT64_MAX);
	}
	buf = malloc(SAMPLE);
	if (!buf)
		return -ENOMEM;
	r = find_spans(file, filter, spans, buf);
	free(buf);
	return r;
}

void xmaudit_spans_free(struct xmaudit_spans *spans)
{
	free(spans->list);
	spans->list = NULL;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

/* Goes back in one file until *np lines were seen; false: it has fewer, which *np is reduced by. */
static int back_lines(const struct xmaudit_file *file, uint64_t *np, uint64_t *offsetp, char *buf)
{
	uint64_t at = file->size;
	bool last = true; /* the newline at the very end ends a line, and begins none */

	while (at) {
		size_t part = at < BLOCK ? (size_t)at : (size_t)BLOCK;
		ssize_t n = pread(file->fd, buf, part, (off_t)(at - part));

		if (n < 0)
			return -errno;
		for (size_t i = (size_t)n; i-- > 0;) {
			if (buf[i] != '\n' || last) {
				last = false;
				continue;
			}
			if (--*np == 0) {
				*offsetp = at - part + i + 1;
				return 1;
			}
		}
		at -= part;
	}
	if (file->size && *np)
		--*np;
	*offsetp = 0;
	return *np == 0;
}

int xmaudit_last_lines(const struct xmaudit_log *log, uint64_t n, size_t *filep, uint64_t *offsetp)
{
	char *buf = malloc(BLOCK);
	int r = 0;

	*filep = 0;
	*offsetp = 0;
	for (size_t i = log->n; buf && r == 0 && i-- > 0;) {
		*filep = i;
		r = log->files[i].regular ? back_lines(&log->files[i], &n, offsetp, buf) : 1;
	}
	free(buf);
	return buf ? r < 0 ? r : 0 : -ENOMEM;
}
