// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What differs, for people: pieces are put together, those who have the same come first in one change,
 * each with a witness.  Owns the changes until they are told.  Must never tell one whose witness does not
 * show it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/prove_diff.h"

#define WHO 8 /* principals that are listed */

/* One region with all who have it, while an answer is looked at. */
struct change {
	const char *words;
	const char *as_self; /* the same, where the own partition is not called by its name */
	const char *detail;
	struct buffer who; /* uint32_t: cubes */
	struct prove_witness *witness;
};

struct told {
	struct prove_change change;
	const char *as_self;
	size_t nth;
};

static const char *keep_text(struct differ *d, const char *text)
{
	return arena_strndup(&d->lasting, text, strlen(text));
}

/* ---- one answer -------------------------------------------------------------------------------- */

static const char *rate_words(struct arena *arena, uint64_t rate)
{
	uint32_t period = (uint32_t)(rate >> 24) & 0xfffff;
	const char *unit = period == 1 ? "s" : period == 60 ? "min" : period == 3600 ? "h" : "d";

	if (!rate)
		return "no limit";
	return arena_printf(arena, "%u/%s, burst %u", (unsigned int)(rate >> 44), unit,
			    (unsigned int)(rate & 0xffffff));
}

/* By what limit the witness is allowed. */
static const char *limit_words(struct differ *d, unsigned int image,
			       const struct prove_witness *witness)
{
	struct policy_decision decision = prove_witness_decide(d->image[image], witness);

	return rate_words(&d->arena, diff_rate(d->image[image], decision.limit));
}

static struct change *change_of(struct buffer *changes, const char *words, const char *detail)
{
	struct change *change;

	for (size_t i = 0; i < BUFFER_N(changes, *change); i++) {
		change = BUFFER_AT(changes, struct change, i);
		if (!strcmp(change->words, words) && !strcmp(change->detail, detail))
			return change;
	}
	change = buffer_add(changes, sizeof(*change));
	change->words = words;
	change->detail = detail;
	return change;
}

/* All boxes of one principal. */
static void add_principal(struct differ *d, struct buffer *changes, size_t first, size_t n)
{
	const struct found_piece *piece = BUFFER_AT(&d->pieces.pieces, struct found_piece, first);
	const char *words, *as_self, *detail = "";
	struct prove_witness witness;
	struct change *change;

	d->w.several = true;
	as_self = pieces_words(&d->pieces, d->o, first, n);
	d->w.several = false;
	words = pieces_words(&d->pieces, d->o, first, n);
	if (!atoms_witness(d->o, piece->cube, &piece->box, &witness)) {
		d->undecided = true;
		return;
	}
	if (d->question->kind >= PROVE_CHANGE_LIMITED)
		detail = arena_printf(&d->arena, "%s -> %s", limit_words(d, 0, &witness),
				      limit_words(d, 1, &witness));
	change = change_of(changes, words, detail);
	change->as_self = as_self;
	if (!change->witness) {
		change->witness = arena_alloc(&d->lasting, sizeof(witness));
		prove_witness_copy(change->witness, &witness);
	}
	buffer_push(&change->who, &piece->cube, sizeof(piece->cube));
}

static const char *who_words(struct differ *d, const struct change *change)
{
	size_t n = BUFFER_N(&change->who, uint32_t);
	char room[2048];
	struct text t = TEXT_INIT(room);

	room[0] = '\0';
	for (size_t i = 0; i < n && i < WHO; i++) {
		text_puts(&t, i ? ", " : "");
		atoms_cube_words(&t, &d->w, *BUFFER_AT(&change->who, uint32_t, i));
	}
	if (n > WHO)
		text_printf(&t, " and %zu more", n - WHO);
	return keep_text(d, room);
}

/* ---- keeping ----------------------------------------------------------------------------------- */

/* Partitions differ in little, and the two ways of a change may meet. */
static bool was_told(struct differ *d, const struct told *told)
{
	const struct prove_change *change = &told->change;

	for (size_t i = 0; i < BUFFER_N(&d->told, *told); i++) {
		struct told *old = BUFFER_AT(&d->told, struct told, i);

		if (old->change.kind != change->kind || old->change.op != change->op ||
		    strcmp(old->change.who, change->who) ||
		    strcmp(old->change.detail, change->detail))
			continue;
		if (!strcmp(old->change.words, change->words))
			return true;
		/* What is different, and the same of the own partition, is about that. */
		if (!strcmp(old->as_self, told->as_self)) {
			old->change.words = old->as_self;
			return true;
		}
	}
	return false;
}

static void keep_change(struct differ *d, const struct change *change)
{
	struct told told = { .change = { .kind = d->question->kind,
					 .op = d->o->op,
					 .who = who_words(d, change),
					 .words = change->words,
					 .detail = change->detail,
					 .witness = change->witness },
			     .as_self = change->as_self,
			     .nth = BUFFER_N(&d->told, struct told) };

	if (was_told(d, &told))
		return;
	if (d->n_told[d->o->op][d->question->kind] == PROVE_CHANGES) {
		d->more[d->o->op][d->question->kind] = true;
		return;
	}
	d->n_told[d->o->op][d->question->kind]++;
	told.change.words = keep_text(d, change->words);
	told.as_self = keep_text(d, change->as_self);
	told.change.detail = keep_text(d, change->detail);
	told.change.old_rule = prove_witness_decide(d->image[0], change->witness).rule;
	told.change.new_rule = prove_witness_decide(d->image[1], change->witness).rule;
	buffer_push(&d->told, &told, sizeof(told));
}

static void note(struct differ *d)
{
	enum prove_change_kind kind = d->question->kind;

	if (d->pieces.pieces.len && kind <= PROVE_CHANGE_DENIED)
		d->wider |= kind == PROVE_CHANGE_ALLOWED ? 1 : 2;
	d->more[d->o->op][kind] |= d->pieces.more;
}

void diff_keep(struct differ *d)
{
	struct buffer *pieces = &d->pieces.pieces, changes = { 0 };
	size_t n, end;

	note(d);
	pieces_merge(&d->pieces, &d->o->space);
	n = BUFFER_N(pieces, struct found_piece);
	for (size_t i = 0; i < n; i = end) {
		uint32_t cube = BUFFER_AT(pieces, struct found_piece, i)->cube;

		for (end = i; end < n && BUFFER_AT(pieces, struct found_piece, end)->cube == cube;)
			end++;
		add_principal(d, &changes, i, end - i);
	}
	for (size_t i = 0; i < BUFFER_N(&changes, struct change); i++) {
		keep_change(d, BUFFER_AT(&changes, struct change, i));
		buffer_free(&BUFFER_AT(&changes, struct change, i)->who);
	}
	buffer_free(&changes);
	pieces->len = 0;
	d->pieces.more = false;
}

/* ---- telling ----------------------------------------------------------------------------------- */

/* Decisions first, then by operation. */
static int by_weight(const void *a, const void *b)
{
	const struct told *x = a, *y = b;
	const struct prove_change *p = &x->change, *q = &y->change;
	bool px = p->kind > PROVE_CHANGE_DENIED, qx = q->kind > PROVE_CHANGE_DENIED;

	if (px != qx)
		return px ? 1 : -1;
	if (p->op != q->op)
		return p->op < q->op ? -1 : 1;
	if (p->kind != q->kind)
		return p->kind < q->kind ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

void diff_tell(struct differ *d, void (*found)(void *data, const struct prove_change *change),
	       void *data)
{
	struct told *told = (void *)d->told.data;
	size_t n = BUFFER_N(&d->told, *told);

	if (n)
		qsort(told, n, sizeof(*told), by_weight);
	for (size_t i = 0; i < n && found; i++) {
		struct prove_change *c = &told[i].change;
		bool is_last = i + 1 == n || told[i + 1].change.op != c->op ||
			       told[i + 1].change.kind != c->kind;

		c->more = is_last && d->more[c->op][c->kind];
		found(data, c);
	}
	buffer_free(&d->told);
	arena_free(&d->lasting);
}
