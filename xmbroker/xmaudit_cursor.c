// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Through the lines of all files of a log, from any place, any number of times.
 */

#include <errno.h>

#include "xmbroker/xmaudit_verify.h"

int xmaudit_cursor_init(struct xmaudit_cursor *c, const struct xmaudit_log *log)
{
	*c = (struct xmaudit_cursor){ .log = log };
	if (xmaudit_lines_init(&c->lines) < 0)
		return -ENOMEM;
	xmaudit_cursor_go(c, &(struct xmaudit_place){ 0, 0, 1 });
	return 0;
}

void xmaudit_cursor_deinit(struct xmaudit_cursor *c)
{
	xmaudit_lines_deinit(&c->lines);
}

void xmaudit_cursor_go(struct xmaudit_cursor *c, const struct xmaudit_place *place)
{
	c->file = place->file;
	c->line = place->line;
	c->rest_given = false;
	if (c->file < c->log->n)
		xmaudit_lines_at(&c->lines, &c->log->files[c->file], place->offset);
}

/* At the end of a file: its rest once, if it has one. */
static bool give_rest(struct xmaudit_cursor *c, const char **linep, size_t *lenp)
{
	*lenp = xmaudit_lines_rest(&c->lines, linep);
	if (!*lenp || c->rest_given)
		return false;
	c->rest_given = true;
	return true;
}

int xmaudit_cursor_next(struct xmaudit_cursor *c, const char **linep, size_t *lenp)
{
	while (c->file < c->log->n) {
		int what;

		c->place = (struct xmaudit_place){ c->file, c->lines.offset, c->line };
		what = xmaudit_lines_next(&c->lines, linep, lenp);
		if (what < 0)
			return what;
		if (what != XMAUDIT_END) {
			c->line++;
			return what;
		}
		if (give_rest(c, linep, lenp))
			return XMAUDIT_REST;
		if (c->file + 1 == c->log->n)
			return XMAUDIT_END; /* which may still grow */
		xmaudit_cursor_go(c, &(struct xmaudit_place){ c->file + 1, 0, 1 });
	}
	return XMAUDIT_END;
}
