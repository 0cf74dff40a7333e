// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The matrix as a page that needs nothing else, and no script.  Names in it come from whoever wrote the
 * policy: must never let any of them be markup.
 */

#include <string.h>

#include "policy/matrix.h"

/* Colours are the reader's own, light or dark; those of the cells lie over them. */
static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" "
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Who can do what</title>\n<style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:14px/1.4 sans-serif;margin:2em;background:Canvas;color:CanvasText}\n"
	"table{border-collapse:collapse}\n"
	"caption{text-align:left;padding-bottom:.5em}\n"
	"th,td{border:1px solid #8888;padding:2px 6px;text-align:center}\n"
	"thead th{position:sticky;top:0;background:Canvas;overflow-wrap:anywhere;max-width:12em}\n"
	"tbody th{position:sticky;left:0;background:Canvas;text-align:left;font-weight:normal;"
	"font-family:monospace}\n"
	"tbody th.class{font-weight:bold}\n"
	"small{display:block;font-weight:normal}\n"
	".yes{background:#2a92}.conditional{background:#ea04}.undecided{background:#d004}\n"
	"a{color:inherit}\nli:target{outline:2px solid}\n"
	"</style>\n</head>\n<body>\n<h1>Who can do what</h1>\n";

static void put_escaped(FILE *out, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, out);
		}
}

static const char *string_of(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

static void put_caption(FILE *out, const json_t *matrix)
{
	fputs("<table>\n<caption>What somebody who is just the principal at the head of a column "
	      "can "
	      "do: <em>yes</em> is every such call, <em>no</em> is none, and <em>if</em> refers to "
	      "a "
	      "condition below. What root asks the broker itself is allowed whatever the policy "
	      "says. "
	      "Policy digest <code>",
	      out);
	put_escaped(out, string_of(matrix, "digest"));
	fputs("</code>.</caption>\n", out);
}

/* The name as it is written, and below it what it stands for, if that is something else. */
static void put_principal(FILE *out, const json_t *principal)
{
	const char *name = string_of(principal, "principal"), *is = string_of(principal, "is");

	fputs("<th scope=\"col\">", out);
	put_escaped(out, name);
	if (strcmp(name, is)) {
		fputs("<small>", out);
		put_escaped(out, is);
		fputs("</small>", out);
	}
	fputs("</th>", out);
}

static void put_head(FILE *out, const json_t *principals)
{
	json_t *principal;
	size_t i;

	fputs("<thead><tr><th scope=\"col\">Operation</th>", out);
	json_array_foreach(principals, i, principal)
	{
		put_principal(out, principal);
	}
	fputs("</tr></thead>\n", out);
}

static void put_cell(FILE *out, const json_t *cell, struct matrix_notes *notes)
{
	const char *answer = string_of(cell, "answer");
	size_t note = matrix_note(notes, cell);

	fprintf(out, "<td class=\"%s\"", answer);
	if (!note) {
		fprintf(out, ">%s</td>", answer);
		return;
	}
	fputs(" title=\"", out);
	matrix_put_note(out, cell, put_escaped);
	fprintf(out, "\"><a href=\"#note-%zu\">if %zu</a></td>", note, note);
}

static void put_class(FILE *out, const char *class, size_t columns, bool first)
{
	fprintf(out, "%s<tbody>\n<tr><th class=\"class\" scope=\"rowgroup\" colspan=\"%zu\">@",
		first ? "" : "</tbody>\n", columns);
	put_escaped(out, class);
	fputs("</th></tr>\n", out);
}

static void put_rows(FILE *out, const json_t *matrix, struct matrix_notes *notes)
{
	const char *class, *last = NULL;
	json_t *operation, *cell;
	size_t i, j;

	json_array_foreach(json_object_get(matrix, "operations"), i, operation)
	{
		const json_t *cells = json_object_get(operation, "cells");

		class = string_of(operation, "class");
		if (!last || strcmp(class, last))
			put_class(out, class, json_array_size(cells) + 1, !last);
		last = class;
		fputs("<tr><th scope=\"row\">", out);
		put_escaped(out, string_of(operation, "op"));
		fputs("</th>", out);
		json_array_foreach(cells, j, cell)
		{
			put_cell(out, cell, notes);
		}
		fputs("</tr>\n", out);
	}
	fputs(last ? "</tbody>\n</table>\n" : "</table>\n", out);
}

void policy_matrix_html(FILE *out, const json_t *matrix)
{
	struct matrix_notes notes = { NULL, 0 };

	fputs(head, out);
	put_caption(out, matrix);
	put_head(out, json_object_get(matrix, "principals"));
	put_rows(out, matrix, &notes);
	fputs(notes.n ? "<h2>Conditions</h2>\n<ol>\n" : "", out);
	for (size_t i = 0; i < notes.n; i++) {
		fprintf(out, "<li id=\"note-%zu\">", i + 1);
		matrix_put_note(out, notes.cell[i], put_escaped);
		fputs("</li>\n", out);
	}
	fputs(notes.n ? "</ol>\n" : "", out);
	fputs("</body>\n</html>\n", out);
	matrix_notes_free(&notes);
}
