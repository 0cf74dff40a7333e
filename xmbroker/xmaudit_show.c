// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit tail and search: entries of the whole log, shown or counted.  Must never lose a record
 * because the log is rotated while it is read.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/xmaudit_command.h"

#define FOLLOW_NS 250000000
#define SETTLE_NS 20000000 /* for a record that is just being written */
#define SETTLE_TRIES 10
#define LINE_BYTES 32768

struct output {
	const struct xmaudit_options *options;
	uint64_t skip;  /* entries that are not shown */
	uint64_t shown; /* or counted */
};

static void print_entry(void *data, const struct xmaudit_entry *entry)
{
	struct output *out = data;
	char line[LINE_BYTES];
	struct text t = TEXT_INIT(line);
	char *json;

	if (out->shown++ < out->skip)
		return;
	if (out->options->json) {
		json = xmaudit_json(entry);
		if (json)
			puts(json);
		free(json);
		return;
	}
	line[0] = '\0';
	xmaudit_line(&t, entry);
	puts(line);
}

static void count_entry(void *data, const struct xmaudit_entry *entry)
{
	struct output *out = data;

	(void)entry;
	out->shown++;
}

static struct xmaudit_reader *new_reader(const struct xmaudit_options *o, struct output *out,
					 bool count)
{
	struct xmaudit_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->filter = &o->filter;
	reader->lines = !count;
	reader->on_entry = count ? count_entry : print_entry;
	reader->data = out;
	return reader;
}

static int fail(const char *path, int error)
{
	fprintf(stderr, "xmaudit: %s: %s\n", path, strerror(-error));
	return XMAUDIT_EXIT_USAGE;
}

/* ---- all of a log ------------------------------------------------------------------------------------ */

/* Reads on until the last line has its end, for a moment: somebody may be writing it. */
static int settle(struct xmaudit_reader *reader, struct xmaudit_lines *lines)
{
	const struct timespec pause = { 0, SETTLE_NS };
	const char *rest;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < SETTLE_TRIES && xmaudit_lines_rest(lines, &rest);
	     i++) {
		nanosleep(&pause, NULL);
		r = xmaudit_read_lines(reader, lines, UINT64_MAX);
	}
	if (r == 0 && xmaudit_lines_rest(lines, &rest)) {
		reader->line++;
		reader->offset = lines->offset;
		xmaudit_read_bad(reader, "torn off: the line has no end");
	}
	return r;
}

static void begin_file(struct xmaudit_reader *reader, const struct xmaudit_file *file,
		       bool numbered)
{
	reader->file = file->path;
	reader->numbered = numbered;
	reader->line = 0;
}

struct pass {
	struct xmaudit_reader *reader;
	struct xmaudit_lines lines;
	struct xmaudit_progress progress;
	uint64_t done; /* bytes of the files before */
};

/* A span in parts, so that the progress can be shown. */
static int read_span(struct pass *pass, const struct xmaudit_span *span)
{
	const uint64_t part = 4u << 20;
	int r = 0;

	for (;;) {
		uint64_t at = pass->lines.offset;
		uint64_t limit = span->to - at > part ? at + part : span->to;

		r = xmaudit_read_lines(pass->reader, &pass->lines, limit);
		xmaudit_progress(&pass->progress, pass->done + pass->lines.offset);
		if (r < 0 || pass->lines.offset >= span->to || pass->lines.offset < limit)
			return r;
	}
}

static int read_file(struct pass *pass, const struct xmaudit_file *file)
{
	struct xmaudit_spans spans;
	int r = xmaudit_spans_find(file, pass->reader->filter, &spans);

	begin_file(pass->reader, file, spans.whole);
	for (size_t i = 0; r == 0 && i < spans.n; i++) {
		if (i || spans.list[0].from)
			xmaudit_read_gap(pass->reader);
		xmaudit_lines_at(&pass->lines, file, spans.list[i].from);
		r = read_span(pass, &spans.list[i]);
		if (r == 0 && spans.list[i].to == UINT64_MAX)
			r = settle(pass->reader, &pass->lines);
	}
	xmaudit_spans_free(&spans);
	pass->done += file->size;
	if (r < 0)
		fail(file->path, r);
	return r;
}

int xmaudit_read_log(struct xmaudit_reader *reader, struct xmaudit_log *log, bool progress)
{
	struct pass pass = { .reader = reader };
	int r = xmaudit_lines_init(&pass.lines);

	if (progress)
		xmaudit_progress_begin(&pass.progress, xmaudit_log_size(log));
	for (size_t i = 0; r == 0 && i < log->n; i++)
		r = read_file(&pass, &log->files[i]);
	xmaudit_progress_end(&pass.progress);
	xmaudit_read_end(reader);
	xmaudit_lines_deinit(&pass.lines);
	return r;
}

int xmaudit_search(const struct xmaudit_options *o)
{
	struct output out = { .options = o };
	struct xmaudit_reader *reader = new_reader(o, &out, o->count);
	struct xmaudit_log log;
	uint64_t bad;
	int r;

	if (!reader)
		return fail(o->file, -ENOMEM);
	r = xmaudit_log_open(o->file, &log);
	if (r == 0) {
		r = xmaudit_read_log(reader, &log, o->count || !isatty(STDOUT_FILENO));
		xmaudit_log_close(&log);
	}
	bad = reader->bad;
	free(reader);
	if (r < 0)
		return XMAUDIT_EXIT_USAGE;
	if (o->count && o->json)
		printf("{\"count\":%" PRIu64 "}\n", out.shown);
	else if (o->count)
		printf("%" PRIu64 "\n", out.shown);
	return bad ? XMAUDIT_EXIT_BAD : XMAUDIT_EXIT_GOOD;
}

/* ---- the end of a log -------------------------------------------------------------------------------- */

/* From a place to the end; leaves the lines in the last file. */
static int read_from(struct xmaudit_reader *reader, const struct xmaudit_log *log, size_t file,
		     uint64_t offset, struct xmaudit_lines *lines)
{
	int r = 0;

	for (; r == 0 && file < log->n; file++, offset = 0) {
		begin_file(reader, &log->files[file], offset == 0);
		xmaudit_lines_at(lines, &log->files[file], offset);
		r = xmaudit_read_lines(reader, lines, UINT64_MAX);
		if (r == 0 && file + 1 < log->n)
			r = settle(reader, lines);
	}
	return r;
}

/* How many entries there are from a place on. */
static int count_from(const struct xmaudit_options *o, const struct xmaudit_log *log, size_t file,
		      uint64_t offset, uint64_t *countp)
{
	struct output out = { .options = o };
	struct xmaudit_reader *reader = new_reader(o, &out, true);
	struct xmaudit_lines lines;
	int r = -ENOMEM;

	if (!reader || xmaudit_lines_init(&lines) < 0)
		goto out;
	reader->quiet = true;
	r = read_from(reader, log, file, offset, &lines);
	if (!o->follow)
		xmaudit_read_end(reader);
	while (reader->n_open)
		free(reader->open[--reader->n_open].line);
	xmaudit_lines_deinit(&lines);
	*countp = out.shown;
out:
	free(reader);
	return r;
}

/* Whether nothing more can come into a file: something is in the one behind it. */
static bool is_done(const struct xmaudit_log *log, size_t file)
{
	struct stat st;

	return file + 2 < log->n || fstat(log->files[file + 1].fd, &st) < 0 || st.st_size > 0;
}

/* A file that somebody cut short is read from its beginning again. */
static void check_cut(const struct xmaudit_file *file, struct xmaudit_lines *lines)
{
	struct stat st;

	if (!file->regular || fstat(file->fd, &st) < 0 || (uint64_t)st.st_size >= lines->offset)
		return;
	fprintf(stderr, "xmaudit: %s: was cut short\n", file->path);
	xmaudit_lines_at(lines, file, 0);
}

/* Goes on behind what has been read.  Returns only if that is not possible. */
static int follow(struct xmaudit_reader *reader, struct xmaudit_log *log,
		  struct xmaudit_lines *lines)
{
	const struct timespec pause = { 0, FOLLOW_NS };
	size_t file = log->n - 1;

	for (;;) {
		bool last = file + 1 == log->n;
		/* Asked for first: what was written to a file before it was replaced is in it. */
		int r = last ? xmaudit_log_next(log) : 0;

		if (r >= 0)
			r = xmaudit_read_lines(reader, lines, UINT64_MAX);
		if (fflush(stdout) == EOF || ferror(stdout))
			return 0;
		if (r < 0)
			return r;
		check_cut(&log->files[file], lines);
		if (file + 1 < log->n && is_done(log, file)) {
			r = xmaudit_read_lines(reader, lines, UINT64_MAX);
			if (r == 0)
				r = settle(reader, lines);
			if (r < 0)
				return r;
			file++;
			begin_file(reader, &log->files[file], true);
			xmaudit_lines_at(lines, &log->files[file], 0);
			continue;
		}
		nanosleep(&pause, NULL);
	}
}

static int show_tail(struct xmaudit_reader *reader, struct output *out, struct xmaudit_log *log,
		     struct xmaudit_lines *lines)
{
	const struct xmaudit_options *o = out->options;
	uint64_t offset = 0, entries, wanted = o->n;
	size_t file = 0;
	int r = 0;

	/* An entry is one or two lines; and a result must not be taken without its decision. */
	if (!o->filtered)
		r = xmaudit_last_lines(log, 2 * o->n + 2 * XMAUDIT_OPEN, &file, &offset);
	if (r == 0 && log->files[log->n - 1].regular) {
		r = count_from(o, log, file, offset, &entries);
		out->skip = r == 0 && entries > wanted ? entries - wanted : 0;
	}
	if (r == 0)
		r = read_from(reader, log, file, offset, lines);
	if (r == 0)
		r = o->follow ? follow(reader, log, lines) : settle(reader, lines);
	return r;
}

int xmaudit_tail(const struct xmaudit_options *o)
{
	struct output out = { .options = o };
	struct xmaudit_reader *reader = new_reader(o, &out, false);
	struct xmaudit_lines lines = { 0 };
	struct xmaudit_log log;
	uint64_t bad;
	int r;

	if (!reader || xmaudit_lines_init(&lines) < 0) {
		free(reader);
		return fail(o->file, -ENOMEM);
	}
	r = xmaudit_log_open(o->file, &log);
	if (r == 0) {
		r = show_tail(reader, &out, &log, &lines);
		if (r < 0)
			fail(o->file, r);
		xmaudit_read_end(reader);
		xmaudit_log_close(&log);
	}
	bad = reader->bad;
	free(reader);
	xmaudit_lines_deinit(&lines);
	if (r < 0)
		return XMAUDIT_EXIT_USAGE;
	return bad ? XMAUDIT_EXIT_BAD : XMAUDIT_EXIT_GOOD;
}
