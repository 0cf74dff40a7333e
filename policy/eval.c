// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The decision.  Owns nothing and calls nothing: the object file has no undefined symbol.  Must never
 * look at anything but its arguments, and never allow for want of something.
 */

#include "policy/match.h"

/* The first rules of each kind that were found so far; rules are numbered in file order. */
struct found {
	uint32_t deny;
	uint32_t unlimited;    /* allows it as often as one likes */
	uint32_t charged;      /* allows it for a token */
	uint32_t limit;        /* of `charged` */
	uint32_t empty;        /* would for a token, and has none */
	uint32_t shadow_deny;  /* observes only */
	uint32_t shadow_allow; /* likewise */
	uint8_t deny_audit;
	uint8_t allow_audit;
};

struct decider {
	struct match_request match;
	const struct policy_subject *subject;
	const struct policy_buckets *buckets;
	struct policy_time time;
	struct found found;
};

/* ---- entries ----------------------------------------------------------------------------------- */

static bool in_sieve(const struct image_sieve *sieve, uint64_t value)
{
	uint32_t squeezed;

	switch (sieve->kind) {
	case IMAGE_SIEVE_MASK:
		return (value & sieve->low) == sieve->high;
	case IMAGE_SIEVE_BITS:
		return value < 64 && ((sieve->low | (uint64_t)sieve->high << 32) >> value & 1);
	default:
		squeezed = image_squeeze(sieve->width, value);
		return squeezed >= sieve->low && squeezed <= sieve->high;
	}
}

static enum match match_sieve_name(const struct image_sieve *sieve, const struct xm_value *v)
{
	struct match_name name = match_argument_name(v);
	uint32_t begins;

	if (!name.bytes)
		return MATCH_UNKNOWN;
	begins = image_name_begins(name.bytes, name.len, 0);
	return begins >= sieve->low && begins <= sieve->high ? MATCH_YES : MATCH_NO;
}

static enum match match_sieve(const struct match_request *m, const struct image_sieve *sieve)
{
	const struct xm_value *v = &m->req->arg[sieve->args & 0xf];
	uint64_t value;
	bool in;

	if (sieve->kind == IMAGE_SIEVE_NONE)
		return MATCH_YES;
	if (sieve->kind == IMAGE_SIEVE_NAME)
		return match_sieve_name(sieve, v);
	if (v->state != XM_ST_OK ||
	    !match_number(&m->req->arg[sieve->args >> 4], sieve->width, &value))
		return MATCH_UNKNOWN;
	in = in_sieve(sieve, value) || ((sieve->flags & IMAGE_SIEVE_SELF) && value == m->self);
	return in != (bool)(sieve->flags & IMAGE_SIEVE_NEGATED) ? MATCH_YES : MATCH_NO;
}

/* As match_rule() says; the sieves spare looking at the constraints, which are elsewhere. */
static bool entry_matches(struct decider *d, const struct image_entry *entry,
			  enum policy_effect effect)
{
	enum match all = match_covers(&d->match, entry->covers);

	for (unsigned int i = 0; i < IMAGE_SIEVES && all != MATCH_NO; i++)
		all = match_and(all, match_sieve(&d->match, &entry->sieve[i]));
	if (all == MATCH_NO)
		return false;
	if (entry->exact)
		return effect == POLICY_ALLOW ? all == MATCH_YES : true;
	return match_rule(&d->match, effect, entry->covers, entry->first_constraint,
			  entry->n_constraints);
}

static bool observes(const struct decider *d, const struct image_entry *entry)
{
	const struct image_rule *rules = image_table(d->match.image, IMAGE_RULES);

	return match_observes(rules[entry->rule].observe_until, d->time);
}

static bool is_empty(const struct policy_buckets *buckets, uint32_t limit)
{
	uint32_t low = 0, high = buckets ? buckets->n_empty : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (buckets->empty[middle] == limit)
			return true;
		if (buckets->empty[middle] < limit)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void note_first(uint32_t *firstp, uint32_t rule)
{
	if (rule < *firstp)
		*firstp = rule;
}

/* Asked when an entry matches, since the answer lies far away. */
static bool has(const struct decider *d, const struct image_slot *slot)
{
	return match_slot_holds(d->match.image, slot, d->subject, d->time);
}

static void scan_denies(struct decider *d, const struct image_slot *slot,
			const struct image_entry *entry)
{
	for (uint32_t i = 0; i < slot->n_deny; i++, entry++) {
		if (!entry_matches(d, entry, POLICY_DENY))
			continue;
		if (!has(d, slot))
			return;
		if (entry->shadow && observes(d, entry)) {
			note_first(&d->found.shadow_deny, entry->rule);
			continue;
		}
		note_first(&d->found.deny, entry->rule);
		if (entry->audit > d->found.deny_audit)
			d->found.deny_audit = entry->audit;
	}
}

static void note_limited(struct decider *d, const struct image_entry *entry)
{
	if (is_empty(d->buckets, entry->limit)) {
		note_first(&d->found.empty, entry->rule);
	} else if (entry->rule < d->found.charged) {
		d->found.charged = entry->rule;
		d->found.limit = entry->limit;
	}
}

static void scan_allows(struct decider *d, const struct image_slot *slot,
			const struct image_entry *entry)
{
	for (uint32_t i = 0; i < slot->n_allow; i++, entry++) {
		if (!entry_matches(d, entry, POLICY_ALLOW))
			continue;
		if (!has(d, slot))
			return;
		if (entry->limit == IMAGE_NONE)
			note_first(&d->found.unlimited, entry->rule);
		else
			note_limited(d, entry);
		if (entry->audit > d->found.allow_audit)
			d->found.allow_audit = entry->audit;
	}
}

static void scan_shadows(struct decider *d, const struct image_slot *slot,
			 const struct image_entry *entry)
{
	for (uint32_t i = 0; i < slot->n_shadow; i++, entry++)
		if (observes(d, entry) && entry_matches(d, entry, POLICY_ALLOW) && has(d, slot))
			note_first(&d->found.shadow_allow, entry->rule);
}

/* ---- slots ------------------------------------------------------------------------------------- */

/* Slots whose entries are on their way into the cache. */
#define AHEAD 16

struct ahead {
	const struct image_slot *slot[AHEAD];
	uint32_t n;
};

static void consult(struct decider *d, struct ahead *ahead)
{
	const struct image_entry *entries = image_table(d->match.image, IMAGE_ENTRIES);

	for (uint32_t i = 0; i < ahead->n; i++) {
		const struct image_slot *slot = ahead->slot[i];
		const struct image_entry *entry = entries + slot->first;

		scan_denies(d, slot, entry);
		entry += slot->n_deny;
		scan_allows(d, slot, entry);
		scan_shadows(d, slot, entry + slot->n_allow);
	}
	ahead->n = 0;
}

static void fetch(const struct image_entry *entry, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < AHEAD; i++)
		__builtin_prefetch(&entry[i]);
}

static void find_slots(struct decider *d, struct match_index index, struct ahead *ahead)
{
	const struct image_entry *entries = image_table(d->match.image, IMAGE_ENTRIES);
	const struct image_slot *slot;

	while ((slot = match_slot(&index))) {
		fetch(entries + slot->first,
		      (uint32_t)slot->n_deny + slot->n_allow + slot->n_shadow);
		if (ahead->n == AHEAD)
			consult(d, ahead);
		ahead->slot[ahead->n++] = slot;
	}
}

static struct match_index find_index(const struct decider *d, enum image_principal kind,
				     uint32_t id)
{
	struct match_index index =
		match_index(d->match.image, image_key(d->match.req->op, kind, id));

	__builtin_prefetch(&index.slots[index.at]);
	return index;
}

/* All are on their way before the first is looked at: memory is what takes the time. */
static void consult_all(struct decider *d)
{
	const struct policy_subject *who = d->subject;
	struct match_index user = find_index(d, IMAGE_USER, who->uid);
	struct match_index everyone = find_index(d, IMAGE_EVERYONE, 0);
	struct ahead ahead = { .n = 0 };

	for (uint32_t i = 0; i < who->n_gids && i < AHEAD; i++)
		find_index(d, IMAGE_GROUP, who->gids[i]);
	find_slots(d, user, &ahead);
	for (uint32_t i = 0; i < who->n_gids; i++)
		find_slots(d, find_index(d, IMAGE_GROUP, who->gids[i]), &ahead);
	find_slots(d, everyone, &ahead);
	consult(d, &ahead);
}

/* ---- the decision ------------------------------------------------------------------------------ */

static void allow(const struct found *found, struct policy_decision *decision)
{
	decision->effect = POLICY_ALLOW;
	decision->audited = found->allow_audit >= POLICY_AUDIT_ALWAYS;
	decision->observed = found->shadow_deny;
	if (found->unlimited != POLICY_NO_RULE) {
		decision->rule = found->unlimited;
		return;
	}
	decision->rule = found->charged;
	decision->limit = found->limit;
}

static struct policy_decision conclude(const struct found *found)
{
	struct policy_decision decision = {
		.effect = POLICY_DENY,
		.rule = POLICY_NO_RULE,
		.audited = true,
		.limit = POLICY_NO_LIMIT,
		.observed = POLICY_NO_RULE,
	};

	if (found->deny != POLICY_NO_RULE) {
		decision.rule = found->deny;
		decision.audited = found->deny_audit >= POLICY_AUDIT_DENIED;
		return decision;
	}
	if (found->unlimited != POLICY_NO_RULE || found->charged != POLICY_NO_RULE) {
		allow(found, &decision);
	} else {
		decision.rule = found->empty;
		decision.limited = found->empty != POLICY_NO_RULE;
		if (decision.limited)
			decision.audited = found->allow_audit >= POLICY_AUDIT_DENIED;
		if (found->shadow_deny == POLICY_NO_RULE)
			decision.observed = found->shadow_allow;
	}
	if (decision.observed != POLICY_NO_RULE)
		decision.audited = true;
	return decision;
}

struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, const struct policy_buckets *buckets)
{
	struct decider d = {
		.match = { .image = image, .req = req, .self = self },
		.subject = subject,
		.buckets = buckets,
		.time = time,
		.found = { POLICY_NO_RULE, POLICY_NO_RULE, POLICY_NO_RULE, POLICY_NO_LIMIT,
			   POLICY_NO_RULE, POLICY_NO_RULE, POLICY_NO_RULE, 0, 0 },
	};

	if (subject->overflow || req->op >= XM_N_OPS || match_ops[req->op].class == XM_CLASS_NONE)
		return conclude(&d.found);
	consult_all(&d);
	return conclude(&d.found);
}
