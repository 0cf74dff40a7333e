// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether a block of bytes is a compiled policy.  Owns nothing.  Must never follow an offset that was not
 * checked, take longer than a few looks at each record, nor need a library: it is linked into the server.
 */

#include <string.h>

#include "policy/image_layout.h"

static uint32_t count(const struct policy_image *image, enum image_table table)
{
	return image->table[table].count;
}

static bool within(const struct policy_image *image, enum image_table table, uint32_t first,
		   uint64_t n)
{
	return first + n <= count(image, table);
}

/* Whether a record refers to one of another table, or to none. */
static bool is_record(const struct policy_image *image, enum image_table table, uint32_t n)
{
	return n == IMAGE_NONE || n < count(image, table);
}

static bool is_text(const struct policy_image *image, uint32_t offset)
{
	return offset < count(image, IMAGE_TEXT);
}

static bool header_good(const struct policy_image *image, size_t len)
{
	return image->magic == IMAGE_MAGIC && image->version == IMAGE_VERSION &&
	       image->size == len && image->vocabulary == image_vocabulary() &&
	       image->checksum == image_checksum(image, len);
}

static bool tables_good(const struct policy_image *image, size_t len)
{
	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++) {
		const struct image_section *s = &image->table[i];

		if (s->offset % 8 || s->offset < sizeof(*image) ||
		    s->offset + (uint64_t)s->count * image_record_size[i] > len)
			return false;
	}
	return true;
}

static bool texts_good(const struct policy_image *image)
{
	const char *text = image_table(image, IMAGE_TEXT);
	uint32_t n = count(image, IMAGE_TEXT);

	return n && !text[0] && !text[n - 1];
}

/* The principal and the conditions of a slot are those of its grant. */
static bool slot_good(const struct policy_image *image, const struct image_slot *slot)
{
	const struct image_grant *g = image_table(image, IMAGE_GRANTS);
	const struct image_member *member = image_table(image, IMAGE_MEMBERS);
	unsigned int flags = 0;

	if (!within(image, IMAGE_ENTRIES, slot->first,
		    (uint64_t)slot->n_deny + slot->n_allow + slot->n_shadow) ||
	    slot->grant >= count(image, IMAGE_GRANTS))
		return false;
	g += slot->grant;
	flags |= g->kind == IMAGE_ALL ? IMAGE_SLOT_ALL : 0;
	flags |= g->when != IMAGE_NONE ? IMAGE_SLOT_WHEN : 0;
	if (slot->flags != flags || (g->when != IMAGE_NONE && slot->n_deny))
		return false;
	if (g->kind != IMAGE_ALL)
		return slot->key == image_key(image_key_op(slot->key), g->kind, g->id);
	if (!g->n_members)
		return false;
	member += g->first_member;
	return slot->key == image_key(image_key_op(slot->key), member->kind, member->id);
}

/* Every slot can be found: none is empty between it and where its key wants to be. */
static bool index_good(const struct policy_image *image)
{
	const struct image_slot *slots = image_table(image, IMAGE_INDEX);
	uint32_t n = count(image, IMAGE_INDEX), end = 0, since = 0;

	if (!n || (n & (n - 1)))
		return false;
	while (end < n && slots[end].key)
		end++;
	if (end == n)
		return false;
	for (uint32_t i = 1; i < n; i++) {
		const struct image_slot *slot = &slots[(end + i) & (n - 1)];

		since = slot->key ? since + 1 : 0;
		if (slot->key && (!slot_good(image, slot) ||
				  ((end + i - image_hash(slot->key)) & (n - 1)) >= since))
			return false;
	}
	return true;
}

/* Exactly what the rules say: whoever trusts the mask need not look at them. */
static bool mask_good(const struct policy_image *image)
{
	struct xm_mask mask;

	return image_mask(image, &mask) && xm_mask_equal(&mask, &image->mask);
}

/* The sieves are what the constraints, which are good, make of them. */
static bool sieves_good(const struct image_entry *entry, const struct image_parts *parts)
{
	struct image_entry made = *entry;

	image_sieve_entry(&made, parts);
	return !memcmp(&made, entry, sizeof(made));
}

/* What an entry repeats of its rule and clause is what these say. */
static bool is_of_its_rule(const struct policy_image *image, const struct image_entry *e)
{
	const struct image_rule *r = image_table(image, IMAGE_RULES);
	const struct image_clause *c = image_table(image, IMAGE_CLAUSES);

	r += e->rule;
	c += e->clause;
	return c->rule == e->rule && c->covers == e->covers &&
	       c->first_constraint == e->first_constraint && c->n_constraints == e->n_constraints &&
	       r->audit == e->audit && r->limit == e->limit &&
	       (r->observe_until != IMAGE_NO_TIME) == e->shadow;
}

static bool entries_good(const struct policy_image *image)
{
	const struct image_parts parts = {
		.constraints = image_table(image, IMAGE_CONSTRAINTS),
		.terms = image_table(image, IMAGE_TERMS),
		.intervals = image_table(image, IMAGE_INTERVALS),
		.masks = image_table(image, IMAGE_MASKS),
		.names = image_table(image, IMAGE_NAMES),
	};
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);

	for (uint32_t i = 0; i < count(image, IMAGE_ENTRIES); i++, e++)
		if (e->rule >= count(image, IMAGE_RULES) ||
		    e->clause >= count(image, IMAGE_CLAUSES) ||
		    !within(image, IMAGE_CONSTRAINTS, e->first_constraint, e->n_constraints) ||
		    e->audit > POLICY_AUDIT_ALWAYS || e->shadow > 1 ||
		    !is_record(image, IMAGE_LIMITS, e->limit) || !is_of_its_rule(image, e) ||
		    !sieves_good(e, &parts))
			return false;
	return true;
}

static bool constraints_good(const struct policy_image *image)
{
	const struct image_constraint *c = image_table(image, IMAGE_CONSTRAINTS);

	for (uint32_t i = 0; i < count(image, IMAGE_CONSTRAINTS); i++, c++)
		if (c->attribute > IMAGE_PORT_NAME || c->arg >= XM_MAX_ARGS ||
		    c->length_arg >= XM_MAX_ARGS || c->width > IMAGE_S64 || !c->n_terms ||
		    !within(image, IMAGE_TERMS, c->first_term, c->n_terms) ||
		    !is_text(image, c->file) || !is_text(image, c->name) ||
		    !is_text(image, c->wanted))
			return false;
	return true;
}

/* The order that is searched in; see struct image_term. */
static bool intervals_ordered(const struct image_interval *interval, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (interval[i].low <= interval[i - 1].high)
			return false;
	return true;
}

/* What a prefix covers would follow it directly. */
static bool names_ordered(const struct image_name *name, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		const struct image_name *a = &name[i - 1], *b = &name[i];
		int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);

		if (order > 0 || (!order && (a->prefix || a->len >= b->len)))
			return false;
	}
	return true;
}

/* The parts of a term follow those of the one before, so that all are looked at once. */
static bool terms_good(const struct policy_image *image)
{
	const struct image_interval *intervals = image_table(image, IMAGE_INTERVALS);
	const struct image_name *names = image_table(image, IMAGE_NAMES);
	const struct image_term *t = image_table(image, IMAGE_TERMS);
	uint32_t interval = 0, mask = 0, name = 0;

	for (uint32_t i = 0; i < count(image, IMAGE_TERMS); i++, t++) {
		if (t->negated > 1 || t->self > 1 || t->first_interval != interval ||
		    t->first_mask != mask || t->first_name != name ||
		    !within(image, IMAGE_INTERVALS, t->first_interval, t->n_intervals) ||
		    !within(image, IMAGE_MASKS, t->first_mask, t->n_masks) ||
		    !within(image, IMAGE_NAMES, t->first_name, t->n_names) ||
		    !intervals_ordered(intervals + interval, t->n_intervals) ||
		    !names_ordered(names + name, t->n_names))
			return false;
		interval += t->n_intervals;
		mask += t->n_masks;
		name += t->n_names;
	}
	return true;
}

static bool values_good(const struct policy_image *image)
{
	const struct image_interval *interval = image_table(image, IMAGE_INTERVALS);
	const struct image_name *name = image_table(image, IMAGE_NAMES);
	const struct image_member *member = image_table(image, IMAGE_MEMBERS);
	const uint32_t *gid = image_table(image, IMAGE_GROUPS);

	for (uint32_t i = 0; i < count(image, IMAGE_INTERVALS); i++)
		if (interval[i].low > interval[i].high)
			return false;
	for (uint32_t i = 0; i < count(image, IMAGE_NAMES); i++)
		if (name[i].len > XM_NAME_MAX || name[i].prefix > 1)
			return false;
	for (uint32_t i = 0; i < count(image, IMAGE_MEMBERS); i++)
		if (member[i].kind != IMAGE_USER && member[i].kind != IMAGE_GROUP)
			return false;
	for (uint32_t i = 1; i < count(image, IMAGE_GROUPS); i++)
		if (gid[i] <= gid[i - 1])
			return false;
	return true;
}

static bool rules_good(const struct policy_image *image)
{
	const struct image_rule *r = image_table(image, IMAGE_RULES);

	for (uint32_t i = 0; i < count(image, IMAGE_RULES); i++, r++)
		if (!is_text(image, r->file) || !is_text(image, r->role) ||
		    !is_text(image, r->because) || r->effect > POLICY_ALLOW ||
		    r->audit > POLICY_AUDIT_ALWAYS || !is_record(image, IMAGE_LIMITS, r->limit) ||
		    !within(image, IMAGE_CLAUSES, r->first_clause, r->n_clauses))
			return false;
	return true;
}

/* The clauses of rules, or of invariants. */
static bool clauses_good(const struct policy_image *image, enum image_table clauses,
			 enum image_table owners)
{
	const struct image_clause *c = image_table(image, clauses);

	for (uint32_t i = 0; i < count(image, clauses); i++, c++)
		if (c->rule >= count(image, owners) || c->op >= XM_N_OPS ||
		    !within(image, IMAGE_CONSTRAINTS, c->first_constraint, c->n_constraints))
			return false;
	return true;
}

static bool grants_good(const struct policy_image *image, enum image_table grants)
{
	const struct image_grant *g = image_table(image, grants);

	for (uint32_t i = 0; i < count(image, grants); i++, g++)
		if (g->kind < IMAGE_USER || g->kind > IMAGE_ALL ||
		    !within(image, IMAGE_MEMBERS, g->first_member, g->n_members) ||
		    !is_text(image, g->text) || !is_text(image, g->file) ||
		    !is_record(image, IMAGE_WHENS, g->when))
			return false;
	return true;
}

static bool window_good(const struct image_window *w)
{
	return w->days && w->days <= IMAGE_ALL_DAYS && w->start < IMAGE_DAY_MINUTES &&
	       w->end > w->start && w->end <= w->start + IMAGE_DAY_MINUTES &&
	       w->offset >= -IMAGE_OFFSET_MAX && w->offset <= IMAGE_OFFSET_MAX;
}

static bool times_good(const struct policy_image *image)
{
	const struct image_when *when = image_table(image, IMAGE_WHENS);
	const struct image_window *window = image_table(image, IMAGE_WINDOWS);

	for (uint32_t i = 0; i < count(image, IMAGE_WHENS); i++)
		if (!within(image, IMAGE_WINDOWS, when[i].first_window, when[i].n_windows))
			return false;
	for (uint32_t i = 0; i < count(image, IMAGE_WINDOWS); i++)
		if (!window_good(&window[i]))
			return false;
	return true;
}

static bool is_period(uint32_t seconds)
{
	return seconds == 1 || seconds == 60 || seconds == 3600 || seconds == 86400;
}

/* A limit is that of one rule, an allow that does allow. */
static bool is_limit_of(const struct policy_image *image, uint32_t n, const struct image_limit *l)
{
	const struct image_rule *r = image_table(image, IMAGE_RULES);

	r += l->rule;
	return r->limit == n && r->effect == POLICY_ALLOW && r->observe_until == IMAGE_NO_TIME;
}

/* The server calculates with these numbers. */
static bool limits_good(const struct policy_image *image)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);

	for (uint32_t i = 0; i < count(image, IMAGE_LIMITS); i++, l++)
		if (l->rule >= count(image, IMAGE_RULES) || !l->count ||
		    l->count > IMAGE_LIMIT_MAX || !l->burst || l->burst > IMAGE_LIMIT_MAX ||
		    !is_period(l->period) || (i && l->key <= l[-1].key) ||
		    !is_limit_of(image, i, l))
			return false;
	return true;
}

static bool nevers_good(const struct policy_image *image)
{
	const struct image_never *n = image_table(image, IMAGE_NEVERS);

	for (uint32_t i = 0; i < count(image, IMAGE_NEVERS); i++, n++)
		if (!is_text(image, n->file) || !is_text(image, n->because) ||
		    !within(image, IMAGE_NEVER_CLAUSES, n->first_clause, n->n_clauses) ||
		    !within(image, IMAGE_EXCEPTS, n->first_except, n->n_excepts))
			return false;
	return true;
}

static bool system_good(const struct policy_image *image)
{
	uint32_t n = count(image, IMAGE_SYSTEM);

	return !n || system_verify(image_table(image, IMAGE_SYSTEM), n);
}

const struct policy_image *policy_image_verify(const void *block, size_t len)
{
	const struct policy_image *image = block;

	if (!block || (uintptr_t)block % 8 || len < sizeof(*image) || len > POLICY_IMAGE_MAX ||
	    !header_good(image, len) || !tables_good(image, len))
		return NULL;
	if (!texts_good(image) || !values_good(image) || !constraints_good(image) ||
	    !terms_good(image) || !entries_good(image) || !rules_good(image) ||
	    !clauses_good(image, IMAGE_CLAUSES, IMAGE_RULES) ||
	    !clauses_good(image, IMAGE_NEVER_CLAUSES, IMAGE_NEVERS) ||
	    !grants_good(image, IMAGE_GRANTS) || !grants_good(image, IMAGE_EXCEPTS) ||
	    !index_good(image) || !mask_good(image) || !times_good(image) || !limits_good(image) ||
	    !nevers_good(image) || !system_good(image))
		return NULL;
	return image;
}
