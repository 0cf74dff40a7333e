// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The decision.  Owns nothing and calls nothing: the object file has no undefined symbol.  Must never
 * look at anything but its arguments, and never allow for want of something.
 */

#include "policy/match.h"

/* What was found so far; rules are numbered in file order. */
struct found {
	uint32_t deny;
	uint32_t allow;
	uint8_t deny_audit;
	uint8_t allow_audit;
};

struct decider {
	struct match_request match;
	const struct policy_subject *subject;
	struct found found;
};

static bool entry_matches(struct decider *d, const struct image_entry *entry,
			  enum policy_effect effect)
{
	if (entry->all != IMAGE_NONE && !match_grant(d->match.image, entry->all, d->subject))
		return false;
	return match_rule(&d->match, effect, entry->covers, entry->first_constraint,
			  entry->n_constraints);
}

static void scan(struct decider *d, const struct image_entry *entry, uint32_t n,
		 enum policy_effect effect, uint32_t *rulep, uint8_t *auditp)
{
	for (uint32_t i = 0; i < n; i++, entry++) {
		if (!entry_matches(d, entry, effect))
			continue;
		if (entry->rule < *rulep)
			*rulep = entry->rule;
		if (entry->audit > *auditp)
			*auditp = entry->audit;
	}
}

/* What the rules granted to one principal say.  Once a denial is found, only denials matter. */
static void consult(struct decider *d, enum image_principal kind, uint32_t id)
{
	const struct policy_image *image = d->match.image;
	const struct image_entry *entries = image_table(image, IMAGE_ENTRIES);
	const struct image_slot *slot = match_slot(image, image_key(d->match.req->op, kind, id));

	if (!slot)
		return;
	entries += slot->first;
	scan(d, entries, slot->n_deny, POLICY_DENY, &d->found.deny, &d->found.deny_audit);
	if (d->found.deny == POLICY_NO_RULE)
		scan(d, entries + slot->n_deny, slot->n_allow, POLICY_ALLOW, &d->found.allow,
		     &d->found.allow_audit);
}

static struct policy_decision conclude(const struct found *found)
{
	struct policy_decision decision = { POLICY_DENY, POLICY_NO_RULE, true };

	if (found->deny != POLICY_NO_RULE) {
		decision.rule = found->deny;
		decision.audited = found->deny_audit >= POLICY_AUDIT_DENIED;
	} else if (found->allow != POLICY_NO_RULE) {
		decision.effect = POLICY_ALLOW;
		decision.rule = found->allow;
		decision.audited = found->allow_audit >= POLICY_AUDIT_ALWAYS;
	}
	return decision;
}

struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, struct policy_buckets *buckets)
{
	struct decider d = {
		.match = { .image = image, .req = req, .self = self },
		.subject = subject,
		.found = { POLICY_NO_RULE, POLICY_NO_RULE, 0, 0 },
	};

	(void)time;
	(void)buckets;
	if (subject->overflow || req->op >= XM_N_OPS || match_ops[req->op].class == XM_CLASS_NONE)
		return conclude(&d.found);
	consult(&d, IMAGE_USER, subject->uid);
	for (uint32_t i = 0; i < subject->n_gids; i++)
		consult(&d, IMAGE_GROUP, subject->gids[i]);
	consult(&d, IMAGE_EVERYONE, 0);
	return conclude(&d.found);
}
