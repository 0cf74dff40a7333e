/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_MATCH_H
#define XM_POLICY_MATCH_H

/*
 * Whether one constraint of a verified image holds for a request: shared by the evaluator and by
 * explain, so that an explanation can never differ from the decision.  Freestanding, no state.
 */

#include "policy/image_layout.h"

/* MATCH_UNKNOWN: the request does not determine the attribute.  It satisfies a deny, never an allow. */
enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

struct match_name {
	const uint8_t *bytes; /* NULL: undetermined */
	uint32_t len;
};

/* What a clause is matched against.  The port's name is looked up when first asked for. */
struct match_request {
	const struct policy_image *image;
	const struct xm_request *req;
	uint32_t self;
	bool port_known;
	struct match_name port;
};

/* Columns of the table that a decision needs, here so that it needs no other object file. */
struct match_op {
	uint8_t class;
	uint8_t flags;
	uint8_t queuing; /* its port argument is of a queuing port */
};

static const struct match_op match_ops[XM_N_OPS] = {
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)             \
	[XM_OP_##id] = { XM_CLASS_##class, (flags), 0
#define XM_ARG(op, name, type, domain, ref, error, synonyms) +((domain) == XM_D_QUEUING_PORT)
#define XM_OP_END(id)                                                                              \
	}                                                                                          \
	,
#include <xm/hypercalls.def>
};

/* ---- attributes of a request ------------------------------------------------------------------- */

static inline bool match_u32(const struct xm_value *v, uint32_t *valuep)
{
	if (v->state != XM_ST_OK || v->num > UINT32_MAX)
		return false;
	*valuep = (uint32_t)v->num;
	return true;
}

/* The number of a scalar, biased so that it compares unsigned. */
static inline bool match_number(const struct xm_value *v, unsigned int width, uint64_t *valuep)
{
	int64_t s = (int64_t)v->num;

	if (v->state != XM_ST_OK)
		return false;
	if (width == IMAGE_U32 && v->num > UINT32_MAX)
		return false;
	if (width == IMAGE_S32 && (s < INT32_MIN || s > INT32_MAX))
		return false;
	*valuep = width == IMAGE_S32 || width == IMAGE_S64 ? v->num ^ IMAGE_BIAS : v->num;
	return true;
}

static inline struct match_name match_argument_name(const struct xm_value *v)
{
	struct match_name name = { NULL, 0 };

	if (v->state != XM_ST_OK || v->len > XM_NAME_MAX || !v->data)
		return name;
	for (uint32_t i = 0; i < v->len; i++)
		if (!v->data[i])
			return name;
	name.bytes = v->data;
	name.len = v->len;
	return name;
}

static inline struct match_name match_find_port(const struct match_request *m)
{
	const struct image_section *section = &m->image->table[IMAGE_SYSTEM];
	struct match_name name = { NULL, 0 };
	const struct system_port *port;
	const struct system *sys;
	uint32_t partition, id;
	bool queuing;

	if (!section->count || !match_u32(&m->req->arg[0], &partition) ||
	    !match_u32(&m->req->arg[1], &id))
		return name;
	sys = image_table(m->image, IMAGE_SYSTEM);
	if (id >= sys->table[SYSTEM_PORTS].count)
		return name;
	port = (const struct system_port *)(const void *)((const uint8_t *)sys +
							  sys->table[SYSTEM_PORTS].offset) +
	       id;
	queuing = match_ops[m->req->op].queuing;
	if (port->partition != partition || (port->type == SYSTEM_QUEUING) != queuing)
		return name;
	name.bytes = (const uint8_t *)port->name;
	while (name.len < SYSTEM_NAME - 1 && port->name[name.len])
		name.len++;
	return name;
}

static inline struct match_name match_port(struct match_request *m)
{
	if (!m->port_known) {
		m->port = match_find_port(m);
		m->port_known = true;
	}
	return m->port;
}

/* ---- parts of a term --------------------------------------------------------------------------- */

static inline bool match_intervals(const struct policy_image *image, const struct image_term *term,
				   uint64_t value)
{
	const struct image_interval *intervals = image_table(image, IMAGE_INTERVALS);
	uint32_t low = 0, high = term->n_intervals;

	intervals += term->first_interval;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (intervals[middle].high < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < term->n_intervals && intervals[low].low <= value;
}

static inline bool match_masks(const struct policy_image *image, const struct image_term *term,
			       uint64_t value)
{
	const struct image_mask *masks = image_table(image, IMAGE_MASKS);

	masks += term->first_mask;
	for (uint32_t i = 0; i < term->n_masks; i++)
		if ((value & masks[i].mask) == masks[i].is)
			return true;
	return false;
}

static inline int match_compare_names(const struct image_name *a, struct match_name b)
{
	uint32_t len = a->len < b.len ? a->len : b.len;

	for (uint32_t i = 0; i < len; i++)
		if ((uint8_t)a->bytes[i] != b.bytes[i])
			return (uint8_t)a->bytes[i] < b.bytes[i] ? -1 : 1;
	return a->len < b.len ? -1 : a->len > b.len;
}

/* Since no name of a term begins with one of its prefixes, the last name that is not greater is the
 * only one that can match. */
static inline bool match_names(const struct policy_image *image, const struct image_term *term,
			       struct match_name value)
{
	const struct image_name *names = image_table(image, IMAGE_NAMES);
	uint32_t low = 0, high = term->n_names;

	names += term->first_name;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (match_compare_names(&names[middle], value) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	names += low - 1;
	if (names->len > value.len || (names->len < value.len && !names->prefix))
		return false;
	for (uint32_t i = 0; i < names->len; i++)
		if ((uint8_t)names->bytes[i] != value.bytes[i])
			return false;
	return true;
}

/* ---- constraints ------------------------------------------------------------------------------- */

static inline enum match match_terms_number(const struct match_request *m,
					    const struct image_constraint *c, uint64_t value)
{
	const struct image_term *term = image_table(m->image, IMAGE_TERMS);

	term += c->first_term;
	for (uint32_t i = 0; i < c->n_terms; i++, term++) {
		bool in = match_intervals(m->image, term, value) ||
			  (term->self && value == m->self) || match_masks(m->image, term, value);

		if (in != (bool)term->negated)
			return MATCH_YES;
	}
	return MATCH_NO;
}

static inline enum match match_terms_name(const struct match_request *m,
					  const struct image_constraint *c, struct match_name value)
{
	const struct image_term *term = image_table(m->image, IMAGE_TERMS);

	if (!value.bytes)
		return MATCH_UNKNOWN;
	term += c->first_term;
	for (uint32_t i = 0; i < c->n_terms; i++, term++)
		if (match_names(m->image, term, value) != (bool)term->negated)
			return MATCH_YES;
	return MATCH_NO;
}

static inline enum match match_constraint(struct match_request *m, const struct image_constraint *c)
{
	uint64_t value;

	switch (c->attribute) {
	case IMAGE_NUMBER:
		if (!match_number(&m->req->arg[c->arg], c->width, &value))
			return MATCH_UNKNOWN;
		return match_terms_number(m, c, value);
	case IMAGE_LENGTH:
		if (m->req->arg[c->arg].state != XM_ST_OK ||
		    !match_number(&m->req->arg[c->length_arg], IMAGE_U32, &value))
			return MATCH_UNKNOWN;
		return match_terms_number(m, c, value);
	case IMAGE_NAME:
		return match_terms_name(m, c, match_argument_name(&m->req->arg[c->arg]));
	case IMAGE_PORT_NAME:
		return match_terms_name(m, c, match_port(m));
	default:
		return MATCH_UNKNOWN;
	}
}

/*
 * Whether a clause that covers `covers` covers this request.  Matters for the operations that stop
 * the own partition when argument 0 is it: most rules cover only the one or the other case.
 */
static inline enum match match_covers(const struct match_request *m, unsigned int covers)
{
	uint32_t partition;

	if (!(match_ops[m->req->op].flags & XM_OPF_STOPS_SELF) || covers == IMAGE_COVERS_ALL)
		return MATCH_YES;
	if (!match_u32(&m->req->arg[0], &partition))
		return MATCH_UNKNOWN;
	if (partition == m->self)
		return covers & IMAGE_COVERS_SELF ? MATCH_YES : MATCH_NO;
	return covers & IMAGE_COVERS_OTHERS ? MATCH_YES : MATCH_NO;
}

/* The conjunction of two; what is unknown stays unknown unless the other fails. */
static inline enum match match_and(enum match a, enum match b)
{
	if (a == MATCH_NO || b == MATCH_NO)
		return MATCH_NO;
	return a == MATCH_UNKNOWN || b == MATCH_UNKNOWN ? MATCH_UNKNOWN : MATCH_YES;
}

/* Whether a rule of this effect, with these constraints, matches. */
static inline bool match_rule(struct match_request *m, enum policy_effect effect,
			      unsigned int covers, uint32_t first, uint32_t n)
{
	const struct image_constraint *c = image_table(m->image, IMAGE_CONSTRAINTS);
	enum match all = match_covers(m, covers);

	c += first;
	for (uint32_t i = 0; i < n && all != MATCH_NO; i++)
		all = match_and(all, match_constraint(m, &c[i]));
	return effect == POLICY_ALLOW ? all == MATCH_YES : all != MATCH_NO;
}

/* ---- the index --------------------------------------------------------------------------------- */

/* Where to look for what is said about an operation for a principal. */
struct match_index {
	const struct image_slot *slots;
	uint32_t mask;
	uint32_t at;
	uint64_t key;
};

static inline struct match_index match_index(const struct policy_image *image, uint64_t key)
{
	struct match_index index = {
		.slots = image_table(image, IMAGE_INDEX),
		.mask = image->table[IMAGE_INDEX].count - 1,
		.key = key,
	};

	index.at = image_hash(key) & index.mask;
	return index;
}

/* The next slot of it, or NULL.  A verified index has an empty one, at which this ends. */
static inline const struct image_slot *match_slot(struct match_index *index)
{
	while (index->slots[index->at].key) {
		const struct image_slot *slot = &index->slots[index->at];

		index->at = (index->at + 1) & index->mask;
		if (slot->key == index->key)
			return slot;
	}
	return NULL;
}

/* ---- subjects ---------------------------------------------------------------------------------- */

static inline bool match_member(const struct policy_subject *subject,
				const struct image_member *member)
{
	if (member->kind == IMAGE_USER)
		return subject->uid == member->id;
	for (uint32_t i = 0; i < subject->n_gids; i++)
		if (subject->gids[i] == member->id)
			return true;
	return false;
}

/* Whether `subject` is the principal of a grant, or of an exception of an invariant. */
static inline bool match_principal(const struct policy_image *image, const struct image_grant *g,
				   const struct policy_subject *subject)
{
	const struct image_member *members = image_table(image, IMAGE_MEMBERS);

	if (g->kind == IMAGE_EVERYONE)
		return true;
	for (uint32_t i = 0; i < g->n_members; i++)
		if (!match_member(subject, &members[g->first_member + i]))
			return false;
	return g->n_members > 0;
}

static inline bool match_grant(const struct policy_image *image, uint32_t grant,
			       const struct policy_subject *subject)
{
	const struct image_grant *g = image_table(image, IMAGE_GRANTS);

	return match_principal(image, g + grant, subject);
}

/* ---- times ------------------------------------------------------------------------------------- */

#define MATCH_DAY 86400

/* The day, counted from 1970-01-01, and the second of it, of any time whatever. */
static inline int64_t match_day(int64_t now, int32_t *secondp)
{
	int64_t day = now / MATCH_DAY;
	int32_t second = (int32_t)(now % MATCH_DAY);

	if (second < 0) {
		second += MATCH_DAY;
		day--;
	}
	*secondp = second;
	return day;
}

/* 0 is Monday. */
static inline unsigned int match_weekday(int64_t day)
{
	int64_t of_week = (day + 3) % 7; /* 1970-01-01 was a Thursday */

	return (unsigned int)(of_week < 0 ? of_week + 7 : of_week);
}

static inline bool match_window(const struct image_window *w, int64_t now)
{
	int32_t second;
	int64_t day = match_day(now, &second);
	unsigned int weekday;

	second += w->offset * 60;
	if (second < 0) {
		second += MATCH_DAY;
		day--;
	} else if (second >= MATCH_DAY) {
		second -= MATCH_DAY;
		day++;
	}
	weekday = match_weekday(day);
	if ((w->days >> weekday & 1) && second >= w->start * 60 && second < w->end * 60)
		return true;
	/* It may have begun yesterday. */
	weekday = (weekday + 6) % 7;
	return (w->days >> weekday & 1) && second + MATCH_DAY < w->end * 60;
}

/* Whether it is time for what holds `when` (IMAGE_NONE: always). */
static inline bool match_when(const struct policy_image *image, uint32_t when,
			      struct policy_time time)
{
	const struct image_when *w = image_table(image, IMAGE_WHENS);
	const struct image_window *windows = image_table(image, IMAGE_WINDOWS);

	if (when == IMAGE_NONE)
		return true;
	w += when;
	if (!time.determined || time.now < w->from ||
	    (w->until != IMAGE_END_OF_TIME && time.now >= w->until))
		return false;
	for (uint32_t i = 0; i < w->n_windows; i++)
		if (match_window(&windows[w->first_window + i], time.now))
			return true;
	return !w->n_windows;
}

/* Whether the subject, which is the principal of the slot, has what is said there now. */
static inline bool match_slot_holds(const struct policy_image *image, const struct image_slot *slot,
				    const struct policy_subject *subject, struct policy_time time)
{
	const struct image_grant *grants = image_table(image, IMAGE_GRANTS);

	if ((slot->flags & IMAGE_SLOT_ALL) && !match_grant(image, slot->grant, subject))
		return false;
	return !(slot->flags & IMAGE_SLOT_WHEN) ||
	       match_when(image, grants[slot->grant].when, time);
}

/* Whether a shadow rule of this date only observes now.  When that is not known it is no excuse. */
static inline bool match_observes(int64_t observe_until, struct policy_time time)
{
	return time.determined && time.now < observe_until;
}

#endif
