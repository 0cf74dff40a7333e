// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a replay found, for a person and as JSON.  Must never print a text of the log other than through
 * text_safe() or text_json().
 */

#include <inttypes.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/replay.h"

static const char *const effects[] = { "deny", "allow" };

static void put_safe(FILE *out, const char *text)
{
	char room[4 * REPLAY_CALL];
	struct text t = TEXT_INIT(room);

	text_safe(&t, text, strlen(text));
	fputs(room, out);
}

static void put_json(FILE *out, const char *name, const char *text)
{
	char room[6 * REPLAY_CALL + 3];
	struct text t = TEXT_INIT(room);

	text_json(&t, text, strlen(text));
	fprintf(out, "\"%s\":%s", name, room);
}

/* ---- for a person ------------------------------------------------------------------------------ */

static void print_row(FILE *out, const struct replay_row *row)
{
	fprintf(out, "%s -> %s: %" PRIu64 " time%s\n    was ", effects[row->from],
		effects[!row->from], row->count, row->count == 1 ? "" : "s");
	put_safe(out, row->from_rule);
	fputs(", is ", out);
	put_safe(out, row->to_rule);
	fputs("\n    first ", out);
	put_safe(out, row->time);
	fprintf(out, ", user %u: ", row->uid);
	/* It went through text_safe() where it is of the client. */
	fputs(row->call, out);
	fputs(" (", out);
	put_safe(out, row->file);
	fprintf(out, ":%" PRIu64 ")\n", row->line);
}

void replay_print(FILE *out, const struct replay *r, const struct decision_log *log)
{
	uint64_t left = log->decisions - r->replayed;

	for (size_t i = 0; i < r->n_rows; i++)
		print_row(out, &r->rows[i]);
	if (r->other_flips)
		fprintf(out, "and %" PRIu64 " more, by other rules\n", r->other_flips);
	fprintf(out,
		"%" PRIu64 " of %" PRIu64 " decisions replayed: %" PRIu64 " the same, %" PRIu64
		" denied before and allowed now, %" PRIu64 " allowed before and denied now\n",
		r->replayed, log->decisions, r->replayed - r->to_allow - r->to_deny, r->to_allow,
		r->to_deny);
	if (left)
		fprintf(out, "%" PRIu64 " not replayed:\n", left);
	for (unsigned int i = LOGGED_WHOLE + 1; i < LOGGED_N_GAPS; i++)
		if (r->gaps[i])
			fprintf(out, "    %" PRIu64 ": %s\n", r->gaps[i],
				logged_gap_text((enum logged_gap)i));
	if (log->folded)
		fprintf(out, "%" PRIu64 " denials were counted in the log, not recorded\n",
			log->folded);
	if (log->lost)
		fprintf(out, "%" PRIu64 " records are missing, says the log\n", log->lost);
	if (log->bad)
		fprintf(out, "%" PRIu64 " lines are no records: see xmaudit verify\n", log->bad);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_row(FILE *out, const struct replay_row *row)
{
	fprintf(out, "{\"from\":\"%s\",\"to\":\"%s\",", effects[row->from], effects[!row->from]);
	put_json(out, "from_rule", row->from_rule);
	fputc(',', out);
	put_json(out, "to_rule", row->to_rule);
	fprintf(out, ",\"count\":%" PRIu64 ",\"first\":{", row->count);
	put_json(out, "file", row->file);
	fprintf(out, ",\"line\":%" PRIu64 ",", row->line);
	put_json(out, "time", row->time);
	fprintf(out, ",\"uid\":%u,", row->uid);
	put_json(out, "call", row->call);
	fputs("}}", out);
}

void replay_json(FILE *out, const struct replay *r, const struct decision_log *log)
{
	const char *comma = "";

	fprintf(out,
		"{\"decisions\":%" PRIu64 ",\"replayed\":%" PRIu64 ",\"to_allow\":%" PRIu64
		",\"to_deny\":%" PRIu64 ",\"flips\":[",
		log->decisions, r->replayed, r->to_allow, r->to_deny);
	for (size_t i = 0; i < r->n_rows; i++) {
		fputs(i ? "," : "", out);
		json_row(out, &r->rows[i]);
	}
	fprintf(out, "],\"other_flips\":%" PRIu64 ",\"not_replayed\":[", r->other_flips);
	for (unsigned int i = LOGGED_WHOLE + 1; i < LOGGED_N_GAPS; i++) {
		if (!r->gaps[i])
			continue;
		fprintf(out, "%s{", comma);
		put_json(out, "why", logged_gap_text((enum logged_gap)i));
		fprintf(out, ",\"count\":%" PRIu64 "}", r->gaps[i]);
		comma = ",";
	}
	fprintf(out, "],\"folded\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"bad_lines\":%" PRIu64 "}\n",
		log->folded, log->lost, log->bad);
}
