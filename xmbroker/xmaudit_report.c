// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit verify: what to check, and what is said of it.  Must never call more proven than was
 * checked: what cannot be excluded without the key or an anchor is said each time.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/xmaudit_command.h"
#include "xmbroker/xmaudit_verify.h"

#define SETTLE_MS 500

const char *xmaudit_kind_name(enum xmaudit_kind kind)
{
	static const char *const names[XMAUDIT_N_KINDS] = {
		[XMAUDIT_CLEAN] = "clean",
		[XMAUDIT_TORN_TAIL] = "torn tail",
		[XMAUDIT_EDITED] = "edited",
		[XMAUDIT_REMOVED] = "removed",
		[XMAUDIT_REORDERED] = "reordered",
		[XMAUDIT_INSERTED] = "inserted",
		[XMAUDIT_SPLICED] = "spliced",
		[XMAUDIT_FORGED] = "forged",
		[XMAUDIT_BEGINNING] = "beginning removed",
		[XMAUDIT_TRUNCATED] = "tail removed",
		[XMAUDIT_UNDECLARED] = "undeclared torn record",
		[XMAUDIT_WRONG_KEY] = "wrong key",
	};

	return names[kind];
}

/* ---- what cannot be said ----------------------------------------------------------------------------- */

enum { NOTE_BYTES = 256, NOTES_MAX = 10 };

struct notes {
	char text[NOTES_MAX][NOTE_BYTES];
	size_t n;
};

static void note(struct notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void note(struct notes *notes, const char *format, ...)
{
	va_list ap;

	if (notes->n == NOTES_MAX)
		return;
	va_start(ap, format);
	vsnprintf(notes->text[notes->n++], NOTE_BYTES, format, ap);
	va_end(ap);
}

static void note_proof(struct notes *notes, const struct xmaudit_verdict *v,
		       const struct xmaudit_check *check)
{
	if (!v->sealed)
		note(notes,
		     "The log is not sealed: whoever can write to it can make its chain anew. Only "
		     "anchors can show that.");
	else if (!check->key)
		note(notes, "Without the key a chain that was made anew cannot be told from the "
			    "true one.");
	else if (v->checked < v->records)
		note(notes,
		     "%" PRIu64 " records were written before the log was sealed; the first sealed "
		     "one vouches for how they were then.",
		     v->records - v->checked);
	if (!check->n_anchors)
		note(notes, "Without an anchor it cannot be told whether records at the end were "
			    "removed.");
	if (!check->key && v->sealed && v->unsealed_last)
		note(notes,
		     "The last %" PRIu64 " records are not sealed, though others before are.",
		     v->unsealed_last);
}

static void make_notes(struct notes *notes, const struct xmaudit_verdict *v,
		       const struct xmaudit_check *check)
{
	notes->n = 0;
	note_proof(notes, v, check);
	if (v->single)
		note(notes,
		     "This is one file of a log: what comes before and after is not looked at.");
	if (v->first_unchecked)
		note(notes,
		     "The text of the first record, %" PRIu64
		     ", cannot be checked: the one before it is gone, and no anchor names that.",
		     v->first);
	if (v->epochs_missing)
		note(notes,
		     "%" PRIu64 " epochs have no record: the broker ended before it wrote one, or "
		     "segments were cut off the end before it went on.",
		     v->epochs_missing);
	if (v->empty_after_rotation)
		note(notes, "The log was rotated, and nothing has been written since.");
	if (v->anchors_before)
		note(notes, "%" PRIu64 " anchors are of records before the first that is kept.",
		     v->anchors_before);
}

/* ---- for people -------------------------------------------------------------------------------------- */

static void print_finding(const struct xmaudit_log *log, const struct xmaudit_finding *f)
{
	char kind[40];

	if (f->kind == XMAUDIT_CLEAN)
		return;
	snprintf(kind, sizeof(kind), "%s", xmaudit_kind_name(f->kind));
	for (char *p = kind; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	printf("%s:%" PRIu64 ": record %" PRIu64 ": %s: %s\n", log->files[f->file].path, f->line,
	       f->seq, kind, f->text);
	if (f->maybe)
		printf("  (or %s: without the key or an anchor that cannot be told)\n",
		       xmaudit_kind_name(f->maybe));
}

static void print_good(const struct xmaudit_log *log, const struct xmaudit_verdict *v)
{
	if (!v->records) {
		puts(v->finding.kind ? "No record before that is good."
				     : "The log has no records.");
		return;
	}
	printf("%s%" PRIu64 " records are good, %" PRIu64 " to %" PRIu64 ", in %zu file%s\n",
	       v->finding.kind ? "Before that " : "", v->records, v->first, v->last, log->n,
	       log->n == 1 ? "" : "s");
	printf("  segments %" PRIu64 ", restarts %" PRIu64 " (%" PRIu64
	       " of them after a crash), torn records that are accounted for %" PRIu64 "\n",
	       v->segments, v->restarts, v->crashes, v->recovered);
	if (v->sealed)
		printf("  sealed %" PRIu64 ", epochs %" PRIu64 " to %" PRIu64
		       "; seals checked %" PRIu64 "\n",
		       v->sealed, v->epoch_first, v->epoch_last, v->checked);
	else
		puts("  not sealed");
	printf("  lost %" PRIu64 ", folded denials %" PRIu64 ", taken away by retention %" PRIu64
	       ", anchors that hold %" PRIu64 "\n",
	       v->lost, v->folded, v->retained, v->anchors);
}

static void print_verdict(const struct xmaudit_log *log, const struct xmaudit_verdict *v,
			  const struct notes *notes)
{
	print_finding(log, &v->finding);
	print_good(log, v);
	for (size_t i = 0; i < notes->n; i++)
		printf("Note: %s\n", notes->text[i]);
}

/* ---- as JSON ----------------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *finding_json(const struct xmaudit_log *log, const struct xmaudit_finding *f)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(xmaudit_kind_name(f->kind)));
	json_object_set_new(object, "file", json_string(log->files[f->file].path));
	set(object, "line", f->line);
	set(object, "seq", f->seq);
	if (f->n) {
		set(object, "first", f->first);
		set(object, "records", f->n);
	}
	json_object_set_new(object, "text", json_string(f->text));
	if (f->maybe)
		json_object_set_new(object, "or", json_string(xmaudit_kind_name(f->maybe)));
	return object;
}

static void print_json(const struct xmaudit_log *log, const struct xmaudit_verdict *v,
		       const struct notes *notes)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{ "files", log->n },
		{ "records", v->records },
		{ "first", v->first },
		{ "last", v->last },
		{ "segments", v->segments },
		{ "restarts", v->restarts },
		{ "crashes", v->crashes },
		{ "recovered", v->recovered },
		{ "sealed", v->sealed },
		{ "seals_checked", v->checked },
		{ "epoch_first", v->epoch_first },
		{ "epoch_last", v->epoch_last },
		{ "epochs_missing", v->epochs_missing },
		{ "lost", v->lost },
		{ "folded", v->folded },
		{ "retained", v->retained },
		{ "anchors", v->anchors },
	};
	json_t *object = json_object(), *list = json_array();
	char *text;

	json_object_set_new(object, "verdict", json_string(xmaudit_kind_name(v->finding.kind)));
	if (v->finding.kind)
		json_object_set_new(object, "finding", finding_json(log, &v->finding));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		set(object, counts[i].key, counts[i].value);
	for (size_t i = 0; i < notes->n; i++)
		json_array_append_new(list, json_string(notes->text[i]));
	json_object_set_new(object, "notes", list);
	text = xmaudit_json_text(object);
	if (text)
		puts(text);
	free(text);
}

/* ---- the command ------------------------------------------------------------------------------------- */

/* 64 hexadecimal digits, in groups. */
static bool parse_key(const char *text, size_t len, uint8_t key[AUDIT_KEY_BYTES])
{
	char digits[2 * AUDIT_KEY_BYTES];
	size_t n = 0;
	bool good;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];

		if (c == ' ' || c == '-' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (n == sizeof(digits))
			return false;
		digits[n++] = c;
	}
	good = n == sizeof(digits) && audit_hex_get(digits, key, AUDIT_KEY_BYTES);
	sodium_memzero(digits, sizeof(digits));
	return good;
}

static int read_key(const char *path, uint8_t key[AUDIT_KEY_BYTES])
{
	char text[256];
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	size_t len = 0;
	ssize_t n = -1;
	bool good;

	while (fd >= 0 && (n = read(fd, text + len, sizeof(text) - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		fprintf(stderr, "xmaudit: %s: %s\n", path, strerror(errno));
	if (fd > STDIN_FILENO)
		close(fd);
	good = n == 0 && parse_key(text, len, key);
	sodium_memzero(text, sizeof(text));
	if (n == 0 && !good)
		fprintf(stderr,
			"xmaudit: %s: this is not a verification key, 64 hexadecimal digits\n",
			path);
	return good ? 0 : -EINVAL;
}

static int exit_status(const struct xmaudit_verdict *v)
{
	if (v->finding.kind == XMAUDIT_CLEAN)
		return XMAUDIT_EXIT_GOOD;
	return v->finding.kind == XMAUDIT_TORN_TAIL ? XMAUDIT_EXIT_TORN : XMAUDIT_EXIT_BAD;
}

static int verify(const struct xmaudit_options *o, const struct xmaudit_check *check)
{
	struct xmaudit_verdict verdict;
	struct xmaudit_log log;
	struct notes notes;
	int r = xmaudit_log_open(o->file, &log);

	if (r < 0)
		return XMAUDIT_EXIT_USAGE;
	for (size_t i = 0; r == 0 && i < log.n; i++)
		if (!log.files[i].regular)
			r = -EINVAL;
	if (r < 0)
		fprintf(stderr, "xmaudit: %s: only regular files can be verified\n", o->file);
	xmaudit_progress_begin(check->progress, xmaudit_log_size(&log));
	if (r == 0)
		r = xmaudit_verify_log(&log, check, &verdict);
	xmaudit_progress_end(check->progress);
	if (r == 0) {
		make_notes(&notes, &verdict, check);
		if (o->json)
			print_json(&log, &verdict, &notes);
		else
			print_verdict(&log, &verdict, &notes);
	}
	xmaudit_log_close(&log);
	return r < 0 ? XMAUDIT_EXIT_USAGE : exit_status(&verdict);
}

int xmaudit_verify(const struct xmaudit_options *o)
{
	struct xmaudit_anchors anchors = { 0 };
	struct xmaudit_progress progress;
	struct xmaudit_check check = { .settle_ms = SETTLE_MS, .progress = &progress };
	uint8_t key[AUDIT_KEY_BYTES];
	int code = XMAUDIT_EXIT_USAGE;

	for (size_t i = 0; i < o->n_anchors; i++)
		if (xmaudit_anchors_add(&anchors, o->anchors[i]) < 0)
			goto out;
	if (o->key && read_key(o->key, key) < 0)
		goto out;
	xmaudit_anchors_sort(&anchors);
	check.key = o->key ? key : NULL;
	check.anchors = anchors.list;
	check.n_anchors = anchors.n;
	code = verify(o, &check);
out:
	sodium_memzero(key, sizeof(key));
	xmaudit_anchors_free(&anchors);
	return code;
}
