// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dead rules: those without which nothing would be decided, recorded or charged otherwise.  Looked at
 * from the last to the first, each beside those that are left, so that all that are reported can go
 * together.  Must never report a rule for which this was not shown on every partition.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

struct reference {
	uint32_t rule;
	uint32_t op;
	uint32_t entry;
};

/* One partition. */
struct place {
	struct world w;
	struct reference *refs; /* by rule */
	uint32_t n_refs;
	uint32_t end; /* of those that are still to be looked at */
};

struct examiner {
	const struct policy_image *image;
	bool *alike; /* principals */
	struct place *place;
	uint32_t n_places; /* that are looked at together */
	bool *dead;        /* on the partitions at hand */
	bool *undecided;
	bool too_large; /* to be known */
	struct prove_dead_rule
		*verdict; /* of each rule; n_by is beyond PROVE_RULES if there are more */
	/* The entry at hand, and what may be taken away from it. */
	const struct atoms_entry *entry;
	bool allows;
	bool denies;
	unsigned int need; /* the class of those that allow or deny as it does */
	bool by_allow;
	bool by_deny;
	struct buffer by; /* uint32_t: rules */
};

/* ---- one entry --------------------------------------------------------------------------------- */

static bool takes(void *data, const struct atoms_entry *other)
{
	const struct examiner *x = data;

	if (other->rule == x->entry->rule || x->dead[other->rule])
		return false;
	if ((other->classes ^ x->entry->classes) & ATOMS_DENY)
		return x->denies && (other->classes & ATOMS_DENY);
	return x->allows && (other->classes & x->need);
}

static void used(void *data, const struct atoms_entry *other)
{
	struct examiner *x = data;

	if (other->classes & ATOMS_DENY & ~x->entry->classes)
		x->by_deny = true;
	else
		x->by_allow = true;
	for (size_t i = 0; i < BUFFER_N(&x->by, uint32_t); i++)
		if (*BUFFER_AT(&x->by, uint32_t, i) == other->rule)
			return;
	buffer_push(&x->by, &other->rule, sizeof(other->rule));
}

/* The boxes of the entry, all of which others of this class must match. */
static enum region_answer left_of_class(struct examiner *x, struct query *q, unsigned int need)
{
	x->need = need;
	for (unsigned int i = 0; i < x->entry->n_boxes; i++) {
		enum region_answer answer =
			query_left(q, x->entry->cube, &x->entry->box[i], NULL, NULL);

		if (answer != REGION_COVERED)
			return answer;
	}
	return REGION_COVERED;
}

/*
 * Without it a request must be decided, recorded and charged as with it.  Something that is allowed must
 * be allowed without a limit, since one bucket less is less; and be recorded, maybe by another rule, if
 * this one records it.
 */
static enum region_answer left_of(struct examiner *x, struct query *q, bool allows, bool denies)
{
	enum region_answer answer;
	unsigned int loud = x->entry->classes & (ATOMS_LOUD | ATOMS_LOUD_DENY);

	x->allows = allows;
	x->denies = denies;
	if (x->entry->classes & ATOMS_DENY)
		return left_of_class(x, q, loud ? ATOMS_LOUD_DENY : ATOMS_DENY);
	answer = left_of_class(x, q, ATOMS_FREE);
	if (answer == REGION_COVERED && loud)
		answer = left_of_class(x, q, ATOMS_LOUD);
	return answer;
}

/* By the least kind of reason that is enough. */
static enum region_answer examine(struct examiner *x, struct place *place,
				  const struct reference *ref)
{
	struct atoms_op *o = &place->w.op[ref->op];
	enum region_answer answer;
	struct query q;

	x->entry = &o->entry[ref->entry];
	if (!x->entry->n_boxes)
		return REGION_COVERED;
	query_init(&q, o, takes, x);
	answer = left_of(x, &q, true, true);
	if (answer == REGION_COVERED) {
		bool denies = left_of(x, &q, true, false) != REGION_COVERED;
		bool allows = denies && left_of(x, &q, false, true) != REGION_COVERED;

		q.used = used;
		left_of(x, &q, allows || !denies, denies);
	}
	query_deinit(&q);
	return answer;
}

/* ---- one rule ---------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void note(struct examiner *x, uint32_t rule, bool matches)
{
	struct prove_dead_rule *v = &x->verdict[rule];
	uint32_t n = (uint32_t)BUFFER_N(&x->by, uint32_t);

	v->rule = rule;
	v->reason = !matches                    ? PROVE_DEAD_EMPTY
		    : x->by_allow && x->by_deny ? PROVE_DEAD_BOTH
		    : x->by_deny                ? PROVE_DEAD_OVERRIDDEN
						: PROVE_DEAD_COVERED;
	if (n)
		qsort(x->by.data, n, sizeof(uint32_t), compare_numbers);
	v->n_by = n;
	if (n)
		memcpy(v->by, x->by.data, (n < PROVE_RULES ? n : PROVE_RULES) * sizeof(uint32_t));
}

static enum region_answer examine_place(struct examiner *x, struct place *place, uint32_t first,
					bool *matchesp)
{
	enum region_answer answer = REGION_COVERED;

	for (uint32_t i = first; i < place->end && answer == REGION_COVERED; i++) {
		answer = examine(x, place, &place->refs[i]);
		*matchesp |= x->entry->n_boxes > 0;
	}
	return answer;
}

/* Dead only if it is so on every partition, beside the same rules. */
static void examine_rule(struct examiner *x, uint32_t rule, bool is_examined)
{
	enum region_answer answer = REGION_COVERED;
	bool matches = false, is_had = false;

	x->by_allow = x->by_deny = false;
	x->by.len = 0;
	for (uint32_t i = 0; i < x->n_places; i++) {
		struct place *place = &x->place[i];
		uint32_t first = place->end;

		while (first && place->refs[first - 1].rule == rule)
			first--;
		is_had |= first < place->end;
		if (is_examined && answer == REGION_COVERED)
			answer = examine_place(x, place, first, &matches);
		place->end = first;
	}
	if (answer == REGION_UNDECIDED)
		x->undecided[rule] = true;
	x->dead[rule] = is_examined && is_had && answer == REGION_COVERED;
	if (x->dead[rule])
		note(x, rule, matches);
}

/* A shadow notes what it would do: it is dead only when nobody has it, which is said of its role. */
static bool is_examined(const struct examiner *x, uint32_t rule)
{
	const struct image_rule *r = image_table(x->image, IMAGE_RULES);

	return r[rule].observe_until == IMAGE_NO_TIME && r[rule].n_clauses > 0;
}

static int by_rule(const void *a, const void *b)
{
	const struct reference *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static void find_entries(struct place *place)
{
	struct buffer refs = { 0 };

	for (uint32_t op = 0; op < XM_N_OPS; op++)
		for (uint32_t i = 0; i < place->w.op[op].n; i++) {
			struct reference ref = { place->w.op[op].entry[i].rule, op, i };

			buffer_push(&refs, &ref, sizeof(ref));
		}
	place->n_refs = place->end = (uint32_t)BUFFER_N(&refs, struct reference);
	if (place->n_refs)
		qsort(refs.data, place->n_refs, sizeof(struct reference), by_rule);
	place->refs = (void *)refs.data;
}

/* The rules of which these partitions say that they are dead. */
static void examine_all(struct examiner *x)
{
	memset(x->dead, 0, x->image->table[IMAGE_RULES].count * sizeof(*x->dead));
	for (uint32_t rule = x->image->table[IMAGE_RULES].count; rule--;)
		examine_rule(x, rule, is_examined(x, rule));
}

/* ---- roles that nobody has ---------------------------------------------------------------------- */

static void mark_granted(const struct policy_image *image, bool *granted)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);

	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		uint32_t n = (uint32_t)slot->n_deny + slot->n_allow + slot->n_shadow;

		for (uint32_t j = 0; slot->key && j < n; j++)
			granted[e[slot->first + j].rule] = true;
	}
}

/* Rules of a role stand together; the first of one that was not granted speaks for it. */
static void note_ungranted(struct examiner *x, bool *dead)
{
	const struct image_rule *rules = image_table(x->image, IMAGE_RULES);
	uint32_t n = x->image->table[IMAGE_RULES].count, role = IMAGE_NONE;
	bool *granted = calloc(n + 1, sizeof(*granted));

	if (!granted)
		abort();
	mark_granted(x->image, granted);
	for (uint32_t i = 0; i < n; i++) {
		if (granted[i] || !rules[i].n_clauses)
			continue;
		dead[i] = rules[i].role != role;
		role = rules[i].role;
		x->verdict[i] =
			(struct prove_dead_rule){ .rule = i, .reason = PROVE_DEAD_UNGRANTED };
	}
	free(granted);
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Another partition; false: there is no room for it beside the others, of which one was last. */
static bool add_place(struct examiner *x, uint32_t self, bool first,
		      const struct prove_options *options, uint64_t *sizep)
{
	struct place *place = &x->place[x->n_places];
	uint64_t last = x->n_places ? x->place[x->n_places - 1].w.size : 0;

	if (x->n_places && *sizep + last + last / 4 > PROVE_SIZE)
		return false;
	if (!world_init(&place->w, x->image, NULL, first ? ATOMS_ALL_OPS : ATOMS_SELF_OPS, self,
			world_now(x->image, NULL, options), NULL, x->alike, true))
		x->too_large = true;
	place->w.steps = options->budget ? options->budget : PROVE_BUDGET;
	find_entries(place);
	*sizep += place->w.size;
	x->n_places++;
	return true;
}

/* As many of the partitions as there is room for at once, most often all.  Returns how many. */
static uint32_t examine_partitions(struct examiner *x, const uint32_t *self, uint32_t n, bool first,
				   const struct prove_options *options)
{
	uint64_t size = 0;
	uint32_t done;

	x->n_places = 0;
	while (x->n_places < n && !x->too_large &&
	       add_place(x, self[x->n_places], first && !x->n_places, options, &size))
		;
	if (!x->too_large)
		examine_all(x);
	done = x->n_places;
	for (uint32_t i = 0; i < done; i++) {
		free(x->place[i].refs);
		world_free(&x->place[i].w);
	}
	return done;
}

static enum prove_result conclude(struct examiner *x, const bool *dead,
				  void (*found)(void *data, const struct prove_dead_rule *dead),
				  void *data)
{
	enum prove_result result = x->too_large ? PROVE_UNDECIDED : PROVE_HOLDS;

	for (uint32_t i = 0; i < x->image->table[IMAGE_RULES].count; i++) {
		if (x->undecided[i])
			result = PROVE_UNDECIDED;
		if (!dead[i])
			continue;
		if (result == PROVE_HOLDS)
			result = PROVE_BROKEN;
		if (found)
			found(data, &x->verdict[i]);
	}
	return result;
}

enum prove_result prove_dead(const struct policy_image *image, const struct prove_options *options,
			     void (*found)(void *data, const struct prove_dead_rule *dead),
			     void *data)
{
	uint32_t n = image->table[IMAGE_RULES].count, n_selves, *selves;
	struct examiner x = { .image = image };
	struct arena arena = { .chunks = NULL };
	enum prove_result result;
	bool *dead = arena_alloc(&arena, n * sizeof(*dead));

	x.dead = arena_alloc(&arena, n * sizeof(*x.dead));
	x.undecided = arena_alloc(&arena, n * sizeof(*x.undecided));
	x.verdict = arena_alloc(&arena, n * sizeof(*x.verdict));
	memset(dead, true, n * sizeof(*dead));
	selves = world_selves(&arena, image, NULL, options->self, &n_selves);
	x.alike = world_alike(image);
	x.place = calloc(n_selves, sizeof(*x.place));
	if (!x.place)
		abort();
	for (uint32_t i = 0; i < n_selves && !x.too_large;) {
		i += examine_partitions(&x, selves + i, n_selves - i, !i, options);
		for (uint32_t j = 0; j < n; j++)
			dead[j] &= x.dead[j];
	}
	free(x.place);
	free(x.alike);
	if (x.too_large)
		memset(dead, false, n * sizeof(*dead));
	note_ungranted(&x, dead);
	result = conclude(&x, dead, found, data);
	buffer_free(&x.by);
	arena_free(&arena);
	return result;
}

const char *prove_dead_text(enum prove_dead_reason reason)
{
	switch (reason) {
	case PROVE_DEAD_EMPTY:
		return "can match nothing";
	case PROVE_DEAD_UNGRANTED:
		return "is in a role that is granted to nobody";
	case PROVE_DEAD_COVERED:
		return "does nothing that others do not do";
	case PROVE_DEAD_OVERRIDDEN:
		return "allows only what is denied";
	case PROVE_DEAD_BOTH:
		return "allows only what others allow or deny";
	}
	return "";
}
