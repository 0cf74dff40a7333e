// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The compiled policy as a block of bytes: verifying it, and what it tells about itself.  Owns
 * nothing.  Must never follow an offset that was not checked, nor need a library: it is linked into
 * the server.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/image_layout.h"

const uint32_t image_record_size[IMAGE_N_TABLES] = {
	[IMAGE_INDEX] = sizeof(struct image_slot),
	[IMAGE_ENTRIES] = sizeof(struct image_entry),
	[IMAGE_CONSTRAINTS] = sizeof(struct image_constraint),
	[IMAGE_TERMS] = sizeof(struct image_term),
	[IMAGE_INTERVALS] = sizeof(struct image_interval),
	[IMAGE_MASKS] = sizeof(struct image_mask),
	[IMAGE_NAMES] = sizeof(struct image_name),
	[IMAGE_MEMBERS] = sizeof(struct image_member),
	[IMAGE_GROUPS] = sizeof(uint32_t),
	[IMAGE_RULES] = sizeof(struct image_rule),
	[IMAGE_CLAUSES] = sizeof(struct image_clause),
	[IMAGE_GRANTS] = sizeof(struct image_grant),
	[IMAGE_WHENS] = sizeof(struct image_when),
	[IMAGE_WINDOWS] = sizeof(struct image_window),
	[IMAGE_LIMITS] = sizeof(struct image_limit),
	[IMAGE_NEVERS] = sizeof(struct image_never),
	[IMAGE_NEVER_CLAUSES] = sizeof(struct image_clause),
	[IMAGE_EXCEPTS] = sizeof(struct image_grant),
	[IMAGE_TEXT] = 1,
	[IMAGE_SYSTEM] = 1,
};

/* ---- sums -------------------------------------------------------------------------------------- */

/* Eight bytes at a time: all clients wait while a reload is verified. */
uint64_t image_checksum(const void *block, size_t len)
{
	const size_t at = offsetof(struct policy_image, checksum) / sizeof(uint64_t);
	const uint64_t *word = block;
	uint64_t hash = IMAGE_FNV_BASIS;
	size_t n = len / sizeof(*word);

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ (i == at ? 0 : word[i])) * UINT64_C(0x100000001b3);
		hash ^= hash >> 32;
	}
	return image_fnv(hash, word + n, len % sizeof(*word));
}

static uint64_t sum_op(uint64_t hash, const struct xm_op *op)
{
	const uint32_t numbers[] = { op->wire, op->class, op->flags, op->n_args };

	hash = image_fnv(hash, op->name, strlen(op->name) + 1);
	hash = image_fnv(hash, numbers, sizeof(numbers));
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_arg *arg = &op->args[i];
		const uint32_t what[] = { arg->type, arg->domain, arg->ref };

		hash = image_fnv(hash, arg->name, strlen(arg->name) + 1);
		hash = image_fnv(hash, what, sizeof(what));
	}
	return hash;
}

uint64_t image_vocabulary(void)
{
	uint64_t hash = IMAGE_FNV_BASIS;

	for (unsigned int i = 0; i < XM_N_OPS; i++)
		hash = sum_op(hash, &xm_ops[i]);
	return hash;
}

/* ---- what can be called ------------------------------------------------------------------------- */

_Static_assert(offsetof(struct policy_image, mask) == POLICY_IMAGE_MASK_AT, "as image.h says");
_Static_assert(offsetof(struct policy_image, digest) == POLICY_IMAGE_DIGEST_AT, "as image.h says");

bool image_mask(const struct policy_image *image, struct xm_mask *maskp)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);

	/* By which the description is compared with the hypervisor; none changes anything. */
	static const unsigned int always[] = {
		XM_OP_GET_GID_BY_NAME,
		XM_OP_GET_PLAN_STATUS,
		XM_OP_GET_SAMPLING_PORT_INFO,
		XM_OP_GET_QUEUING_PORT_INFO,
	};

	memset(maskp, 0, sizeof(*maskp));
	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		unsigned int op = image_key_op(slot->key);

		if (!slot->key)
			continue;
		if (op >= XM_N_OPS)
			return false;
		if (slot->n_allow)
			xm_mask_add_call(maskp, op);
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		xm_mask_add(maskp, always[i]);
	return true;
}

/* ---- verification ------------------------------------------------------------------------------ */

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

static bool index_good(const struct policy_image *image)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	uint32_t n = count(image, IMAGE_INDEX), empty = 0;

	if (!n || (n & (n - 1)))
		return false;
	for (uint32_t i = 0; i < n; i++, slot++) {
		if (slot->key &&
		    (!within(image, IMAGE_ENTRIES, slot->first,
			     (uint64_t)slot->n_deny + slot->n_allow + slot->n_shadow) ||
		     slot->flags > (IMAGE_SLOT_ALL | IMAGE_SLOT_WHEN) ||
		     slot->grant >= count(image, IMAGE_GRANTS)))
			return false;
		empty += !slot->key;
	}
	return empty > 0;
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
		    !is_record(image, IMAGE_LIMITS, e->limit) || !sieves_good(e, &parts))
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

static bool terms_good(const struct policy_image *image)
{
	const struct image_term *t = image_table(image, IMAGE_TERMS);

	for (uint32_t i = 0; i < count(image, IMAGE_TERMS); i++, t++)
		if (t->negated > 1 || t->self > 1 ||
		    !within(image, IMAGE_INTERVALS, t->first_interval, t->n_intervals) ||
		    !within(image, IMAGE_MASKS, t->first_mask, t->n_masks) ||
		    !within(image, IMAGE_NAMES, t->first_name, t->n_names))
			return false;
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

/* The server calculates with these numbers. */
static bool limits_good(const struct policy_image *image)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);

	for (uint32_t i = 0; i < count(image, IMAGE_LIMITS); i++, l++)
		if (l->rule >= count(image, IMAGE_RULES) || !l->count ||
		    l->count > IMAGE_LIMIT_MAX || !l->burst || l->burst > IMAGE_LIMIT_MAX ||
		    !is_period(l->period) || (i && l->key <= l[-1].key))
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
	if (!texts_good(image) || !index_good(image) || !mask_good(image) ||
	    !constraints_good(image) || !terms_good(image) || !values_good(image) ||
	    !entries_good(image) || !rules_good(image) ||
	    !clauses_good(image, IMAGE_CLAUSES, IMAGE_RULES) ||
	    !clauses_good(image, IMAGE_NEVER_CLAUSES, IMAGE_NEVERS) ||
	    !grants_good(image, IMAGE_GRANTS) || !grants_good(image, IMAGE_EXCEPTS) ||
	    !times_good(image) || !limits_good(image) || !nevers_good(image) || !system_good(image))
		return NULL;
	return image;
}

/* ---- questions --------------------------------------------------------------------------------- */

void policy_image_about(const struct policy_image *image, struct policy_about *aboutp)
{
	memcpy(aboutp->digest, image->digest, sizeof(aboutp->digest));
	aboutp->compiled_at = image->compiled_at;
	aboutp->n_rules = count(image, IMAGE_RULES);
	aboutp->n_grants = count(image, IMAGE_GRANTS);
	aboutp->n_nevers = count(image, IMAGE_NEVERS);
}

void policy_image_mask(const struct policy_image *image, struct xm_mask *maskp)
{
	*maskp = image->mask;
}

const struct system *policy_image_system(const struct policy_image *image)
{
	return count(image, IMAGE_SYSTEM) ? image_table(image, IMAGE_SYSTEM) : NULL;
}

bool policy_image_source(const struct policy_image *image, uint32_t rule,
			 struct policy_source *sourcep)
{
	const struct image_rule *r = image_table(image, IMAGE_RULES);
	const char *text = image_table(image, IMAGE_TEXT);

	if (rule >= count(image, IMAGE_RULES))
		return false;
	r += rule;
	sourcep->file = text + r->file;
	sourcep->line = r->line;
	sourcep->column = r->column;
	sourcep->role = text + r->role;
	sourcep->because = text + r->because;
	return true;
}

uint32_t policy_image_n_limits(const struct policy_image *image)
{
	return count(image, IMAGE_LIMITS);
}

bool policy_image_limit(const struct policy_image *image, uint32_t n, struct policy_limit *limitp)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);

	if (n >= count(image, IMAGE_LIMITS))
		return false;
	l += n;
	*limitp = (struct policy_limit){ l->key, l->rule, l->count, l->period, l->burst };
	return true;
}

static int compare_limit(const void *key, const void *element)
{
	uint64_t a = *(const uint64_t *)key, b = ((const struct image_limit *)element)->key;

	return a < b ? -1 : a > b;
}

bool policy_image_find_limit(const struct policy_image *image, uint64_t key, uint32_t *np)
{
	const struct image_limit *all = image_table(image, IMAGE_LIMITS);
	const struct image_limit *found =
		bsearch(&key, all, count(image, IMAGE_LIMITS), sizeof(*all), compare_limit);

	if (found)
		*np = (uint32_t)(found - all);
	return found;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool names_group(const struct policy_image *image, uint32_t gid)
{
	return bsearch(&gid, image_table(image, IMAGE_GROUPS), count(image, IMAGE_GROUPS),
		       sizeof(gid), compare_ids) != NULL;
}

/* Puts `gid` into its place among the first `n`, which are sorted, unless it is there; returns the new
 * number.  Not qsort(): for a long list that asks for the size of the machine, which is forbidden
 * where sessions are opened.  What comes is sorted as a rule, and then nothing moves. */
static size_t insert_group(uint32_t *gids, size_t n, uint32_t gid)
{
	size_t at = n;

	while (at && gids[at - 1] > gid)
		at--;
	if (at && gids[at - 1] == gid)
		return n;
	for (size_t i = n; i > at; i--)
		gids[i] = gids[i - 1];
	gids[at] = gid;
	return n + 1;
}

size_t policy_image_filter_groups(const struct policy_image *image, uint32_t *gids, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (names_group(image, gids[i]))
			kept = insert_group(gids, kept, gids[i]);
	return kept;
}
