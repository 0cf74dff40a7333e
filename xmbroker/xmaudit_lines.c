// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of a file.  Reads, never maps: a file that is cut short under a mapping kills its reader.
 * Must never hold more of a line than XMAUDIT_LINE_MAX.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/xmaudit_files.h"

#define BUF_BYTES (512u << 10)

int xmaudit_lines_init(struct xmaudit_lines *l)
{
	*l = (struct xmaudit_lines){ .fd = -1, .cap = BUF_BYTES };
	l->buf = malloc(l->cap);
	return l->buf ? 0 : -ENOMEM;
}

void xmaudit_lines_deinit(struct xmaudit_lines *l)
{
	free(l->buf);
	l->buf = NULL;
}

void xmaudit_lines_at(struct xmaudit_lines *l, const struct xmaudit_file *file, uint64_t offset)
{
	l->fd = file->fd;
	l->regular = file->regular;
	l->offset = offset;
	l->start = l->end = 0;
	l->skipping = false;
}

/* Bytes that came in; 0: the end. */
static ssize_t fill(struct xmaudit_lines *l)
{
	ssize_t n;

	if (l->start) {
		memmove(l->buf, l->buf + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	do {
		size_t room = l->cap - l->end;

		if (l->regular)
			n = pread(l->fd, l->buf + l->end, room, (off_t)(l->offset + l->end));
		else
			n = read(l->fd, l->buf + l->end, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	l->end += (size_t)n;
	return n;
}

static void advance(struct xmaudit_lines *l, size_t n)
{
	l->start += n;
	l->offset += n;
}

/* Gives the line that ends at buf + start + len. */
static int give(struct xmaudit_lines *l, size_t len, const char **linep, size_t *lenp)
{
	bool too_long = l->skipping || len > XMAUDIT_LINE_MAX;

	*linep = l->buf + l->start;
	*lenp = len < XMAUDIT_LINE_MAX ? len : XMAUDIT_LINE_MAX;
	advance(l, len + 1);
	l->skipping = false;
	return too_long ? XMAUDIT_TOO_LONG : XMAUDIT_LINE;
}

int xmaudit_lines_next(struct xmaudit_lines *l, const char **linep, size_t *lenp)
{
	size_t seen = 0;

	for (;;) {
		size_t have = l->end - l->start;
		const char *from = l->buf + l->start;
		const char *end = have > seen ? memchr(from + seen, '\n', have - seen) : NULL;
		ssize_t n;

		if (end)
			return give(l, (size_t)(end - from), linep, lenp);
		if (have > XMAUDIT_LINE_MAX) {
			l->skipping = true;
			advance(l, have);
			have = 0;
		}
		seen = have;
		n = fill(l);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return XMAUDIT_END;
	}
}

size_t xmaudit_lines_rest(const struct xmaudit_lines *l, const char **restp)
{
	*restp = l->buf + l->start;
	if (l->skipping)
		return XMAUDIT_LINE_MAX;
	return l->end - l->start;
}
