// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Why a request is decided as it is.  Owns nothing.  Must never decide: it asks policy_decide(), and
 * then looks for the rules with the same matching.
 */

#include <stdio.h>
#include <string.h>

#include "policy/explain.h"
#include "policy/match.h"
#include "policy/prove.h"

/* What is needed to judge a clause for the request. */
struct seeker {
	struct match_request match;
	const struct policy_subject *subject;
	struct policy_time time;
	struct explanation *out;
	uint32_t best_cost;
	uint32_t proved; /* clause */
};

static const char *text_at(const struct policy_image *image, uint32_t offset)
{
	return (const char *)image_table(image, IMAGE_TEXT) + offset;
}

static struct explain_rule describe(const struct policy_image *image, uint32_t rule)
{
	const struct image_rule *r =
		(const struct image_rule *)image_table(image, IMAGE_RULES) + rule;

	struct explain_rule out = {
		.rule = rule,
		.at = { text_at(image, r->file), r->line, r->column },
		.effect = (enum policy_effect)r->effect,
		.audit = (enum policy_audit)r->audit,
		.role = text_at(image, r->role),
		.because = text_at(image, r->because),
		.observe_until = r->observe_until,
	};

	out.limited = policy_image_limit(image, r->limit, &out.limit);
	return out;
}

/* ---- the rules that decided -------------------------------------------------------------------- */

/* Rules come from several principals: sorted in, once each. */
static void list_rule(struct seeker *s, uint32_t rule)
{
	struct explanation *out = s->out;
	uint32_t at = 0, listed = out->n_rules < EXPLAIN_RULES ? out->n_rules : EXPLAIN_RULES;

	while (at < listed && out->rules[at].rule < rule)
		at++;
	if (at < listed && out->rules[at].rule == rule)
		return;
	out->n_rules++;
	if (at == EXPLAIN_RULES)
		return;
	if (listed == EXPLAIN_RULES)
		listed--;
	memmove(&out->rules[at + 1], &out->rules[at], (listed - at) * sizeof(out->rules[0]));
	out->rules[at] = describe(s->match.image, rule);
}

/* Whether an entry that matches is of those that decided: see policy_decide(). */
static bool decides(const struct seeker *s, const struct image_entry *e)
{
	if (e->shadow) /* a deny */
		return !match_observes(describe(s->match.image, e->rule).observe_until, s->time);
	if (s->out->decision.limited || s->out->decision.limit != POLICY_NO_LIMIT)
		return e->limit != IMAGE_NONE;
	return e->limit == IMAGE_NONE;
}

static bool is_had(const struct seeker *s, const struct image_slot *slot)
{
	return match_slot_holds(s->match.image, slot, s->subject, s->time);
}

static void list_slot(struct seeker *s, const struct image_slot *slot)
{
	const struct image_entry *e = image_table(s->match.image, IMAGE_ENTRIES);
	const struct policy_decision *d = &s->out->decision;
	bool deny = d->effect == POLICY_DENY && !d->limited;
	uint32_t n = deny ? slot->n_deny : slot->n_allow;

	e += slot->first + (deny ? 0 : slot->n_deny);
	for (uint32_t i = 0; i < n; i++, e++)
		if (decides(s, e) && match_rule(&s->match, deny ? POLICY_DENY : POLICY_ALLOW,
						e->covers, e->first_constraint, e->n_constraints))
			list_rule(s, e->rule);
}

static void list_from(struct seeker *s, enum image_principal kind, uint32_t id)
{
	struct match_index index =
		match_index(s->match.image, image_key(s->match.req->op, kind, id));
	const struct image_slot *slot;

	while ((slot = match_slot(&index)))
		if (is_had(s, slot))
			list_slot(s, slot);
}

static void list_rules(struct seeker *s)
{
	list_from(s, IMAGE_USER, s->subject->uid);
	for (uint32_t i = 0; i < s->subject->n_gids; i++)
		list_from(s, IMAGE_GROUP, s->subject->gids[i]);
	list_from(s, IMAGE_EVERYONE, 0);
}

/* ---- the nearest rule -------------------------------------------------------------------------- */

static bool granted_through(const struct seeker *s, uint32_t clause, enum image_principal kind,
			    uint32_t id)
{
	const struct policy_image *image = s->match.image;
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);
	struct match_index index = match_index(image, image_key(s->match.req->op, kind, id));
	const struct image_slot *slot;

	while ((slot = match_slot(&index)))
		for (uint32_t i = 0; i < slot->n_allow; i++)
			if (e[slot->first + slot->n_deny + i].clause == clause && is_had(s, slot))
				return true;
	return false;
}

/* Whether the subject has this clause. */
static bool clause_granted(const struct seeker *s, uint32_t clause)
{
	for (uint32_t i = 0; i < s->subject->n_gids; i++)
		if (granted_through(s, clause, IMAGE_GROUP, s->subject->gids[i]))
			return true;
	return granted_through(s, clause, IMAGE_USER, s->subject->uid) ||
	       granted_through(s, clause, IMAGE_EVERYONE, 0);
}

static uint32_t count_failed(struct seeker *s, const struct image_clause *clause)
{
	const struct image_constraint *c = image_table(s->match.image, IMAGE_CONSTRAINTS);
	uint32_t failed = match_covers(&s->match, clause->covers) != MATCH_YES;

	for (uint32_t i = 0; i < clause->n_constraints; i++)
		failed +=
			match_constraint(&s->match, &c[clause->first_constraint + i]) != MATCH_YES;
	return failed;
}

static void had_name(char had[64], struct match_name name)
{
	struct text t = { had, 64, 0, false };

	if (!name.bytes) {
		text_puts(&t, "unknown");
		return;
	}
	text_char(&t, '"');
	text_safe(&t, name.bytes, name.len);
	text_char(&t, '"');
}

static void had_number(char had[64], const struct xm_arg *arg, const struct xm_value *v)
{
	const char *name = arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM
				   ? xm_enum_name(arg->ref, v->num)
				   : NULL;

	if (v->state != XM_ST_OK)
		snprintf(had, 64, "unknown");
	else if (name)
		snprintf(had, 64, "%s", name);
	else if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		snprintf(had, 64, "%lld", (long long)v->num);
	else
		snprintf(had, 64, "%llu", (unsigned long long)v->num);
}

static void describe_had(struct seeker *s, const struct image_constraint *c, char had[64])
{
	const struct xm_request *req = s->match.req;
	const struct xm_op *op = &xm_ops[req->op];

	if (c->attribute == IMAGE_PORT_NAME)
		had_name(had, match_port(&s->match));
	else if (c->attribute == IMAGE_NAME)
		had_name(had, match_argument_name(&req->arg[c->arg]));
	else if (c->attribute == IMAGE_NUMBER && c->arg < op->n_args)
		had_number(had, &op->args[c->arg], &req->arg[c->arg]);
	else if (c->attribute == IMAGE_LENGTH && req->arg[c->arg].state == XM_ST_OK)
		snprintf(had, 64, "{length: %llu}",
			 (unsigned long long)req->arg[c->length_arg].num);
	else
		snprintf(had, 64, "unknown");
}

static struct explain_failed *next_failed(struct explanation *out)
{
	return out->n_failed < EXPLAIN_FAILED ? &out->failed[out->n_failed++] : NULL;
}

static void list_failed(struct seeker *s, const struct image_clause *clause)
{
	const struct policy_image *image = s->match.image;
	const struct image_constraint *c = image_table(image, IMAGE_CONSTRAINTS);
	struct explain_failed *failed;

	c += clause->first_constraint;
	if (match_covers(&s->match, clause->covers) != MATCH_YES) {
		failed = next_failed(s->out);
		failed->attribute = xm_ops[s->match.req->op].args[0].name;
		failed->wanted = clause->covers & IMAGE_COVERS_OTHERS
					 ? "another partition than the own, whose stop must be "
					   "allowed by name or as @self-stop"
					 : "the own partition";
		had_number(failed->had, &xm_ops[s->match.req->op].args[0], &s->match.req->arg[0]);
	}
	for (uint32_t i = 0; i < clause->n_constraints; i++, c++) {
		if (match_constraint(&s->match, c) == MATCH_YES)
			continue;
		failed = next_failed(s->out);
		if (!failed)
			return;
		failed->at = (struct explain_place){ text_at(image, c->file), c->line, c->column };
		failed->attribute = text_at(image, c->name);
		failed->wanted = text_at(image, c->wanted);
		describe_had(s, c, failed->had);
	}
}

static bool is_principal(const struct seeker *s, const struct image_grant *g)
{
	struct image_member one = { g->kind, g->id };

	if (g->kind == IMAGE_USER || g->kind == IMAGE_GROUP)
		return match_member(s->subject, &one);
	return match_principal(s->match.image, g, s->subject);
}

/* The subject's own come first, in file order, and then the others. */
static bool stands_before(const struct explain_grant *a, const struct explain_grant *b)
{
	return a->yours != b->yours ? a->yours : a->grant < b->grant;
}

static void add_grant(struct seeker *s, uint32_t grant)
{
	const struct policy_image *image = s->match.image;
	const struct image_grant *g =
		(const struct image_grant *)image_table(image, IMAGE_GRANTS) + grant;
	struct explain_grant new = { { text_at(image, g->file), g->line, g->column },
				     text_at(image, g->text),
				     grant,
				     is_principal(s, g) };
	struct explanation *out = s->out;
	uint32_t n = out->n_grants < EXPLAIN_GRANTS ? out->n_grants : EXPLAIN_GRANTS, at = n;

	while (at && stands_before(&new, &out->grants[at - 1]))
		at--;
	if (at < EXPLAIN_GRANTS) {
		n -= n == EXPLAIN_GRANTS;
		memmove(&out->grants[at + 1], &out->grants[at], (n - at) * sizeof(new));
		out->grants[at] = new;
	}
	out->n_grants++;
}

static void list_grants(struct seeker *s, uint32_t clause)
{
	const struct policy_image *image = s->match.image;
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	const struct image_entry *entries = image_table(image, IMAGE_ENTRIES);

	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		if (!slot->key || slot->key >> 34 != s->match.req->op + 1)
			continue;
		for (uint32_t j = 0; j < slot->n_allow; j++) {
			const struct image_entry *e = &entries[slot->first + slot->n_deny + j];

			if (e->clause == clause)
				add_grant(s, slot->grant);
		}
	}
}

/* A failed constraint costs 2 and a missing grant 3: of rules that need equally many changes, the one
 * that the subject has already is the nearer. */
static uint32_t cost_of(struct seeker *s, uint32_t clause, const struct image_clause *record)
{
	uint32_t cost = 2 * count_failed(s, record);

	if (cost >= s->best_cost)
		return cost;
	return clause_granted(s, clause) ? cost : cost + 3;
}

/* The nearest that no deny stands in the way of. */
static void take_proved(void *data, const struct prove_nearest *nearest)
{
	struct seeker *s = data;
	struct text t = TEXT_INIT(s->out->instead);

	s->proved = nearest->clause;
	prove_witness_call(&t, nearest->witness);
	if (nearest->other_time) {
		text_puts(&t, " at ");
		prove_witness_at(&t, nearest->witness);
	}
	if (nearest->grant != IMAGE_NONE) {
		text_puts(&t, " as ");
		prove_witness_as(&t, nearest->witness);
	}
}

#define NEAREST_BUDGET 1000000 /* steps */

static void find_proved(struct seeker *s)
{
	struct prove_options options = {
		.now = s->time.determined ? s->time.now : 0,
		.self = s->match.self,
		.budget = NEAREST_BUDGET,
	};

	s->proved = IMAGE_NONE;
	prove_nearest(s->match.image, s->subject, s->match.req, s->time, &options, take_proved, s);
}

/* Where every way is denied, or to find one is too much, it is the nearest that allows it. */
static void find_nearest(struct seeker *s)
{
	const struct policy_image *image = s->match.image;
	const struct image_clause *clauses = image_table(image, IMAGE_CLAUSES);
	const struct image_rule *rules = image_table(image, IMAGE_RULES);
	uint32_t best = IMAGE_NONE;

	s->best_cost = UINT32_MAX;
	for (uint32_t i = 0; i < image->table[IMAGE_CLAUSES].count && s->best_cost > 2; i++) {
		uint32_t cost;

		if (clauses[i].op != s->match.req->op ||
		    rules[clauses[i].rule].effect != POLICY_ALLOW ||
		    rules[clauses[i].rule].observe_until != IMAGE_NO_TIME)
			continue;
		cost = cost_of(s, i, &clauses[i]);
		if (cost >= s->best_cost)
			continue;
		s->best_cost = cost;
		best = i;
	}
	if (best == IMAGE_NONE)
		return;
	find_proved(s);
	if (s->proved != IMAGE_NONE)
		best = s->proved;
	s->out->has_nearest = true;
	s->out->nearest = describe(image, clauses[best].rule);
	list_failed(s, &clauses[best]);
	s->out->granted = clause_granted(s, best);
	if (!s->out->granted)
		list_grants(s, best);
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Why the rules do not decide; NULL: they do.  Root is allowed what they do not allow. */
static const char *special(const struct policy_subject *subject, unsigned int flags,
			   enum policy_effect effect)
{
	if (flags & XM_OPF_UNCLASSIFIED)
		return "unclassified";
	if (flags & XM_OPF_PUBLIC)
		return "public";
	if (subject->overflow)
		return "overflow id";
	if ((flags & XM_OPF_BROKER) && !subject->uid && effect == POLICY_DENY)
		return "root";
	return NULL;
}

void policy_explain_decision(const struct policy_image *image, const struct policy_subject *subject,
			     const struct xm_request *req, uint32_t self, struct policy_time time,
			     struct explanation *outp)
{
	struct seeker s = {
		.match = { .image = image, .req = req, .self = self },
		.subject = subject,
		.time = time,
		.out = outp,
	};

	memset(outp, 0, sizeof(*outp));
	outp->decision = policy_decide(image, subject, req, self, time, NULL);
	outp->why = special(subject, xm_ops[req->op].flags, outp->decision.effect);
	if (outp->why) {
		bool public = !strcmp(outp->why, "public");

		if (public || !strcmp(outp->why, "root"))
			outp->decision.effect = POLICY_ALLOW;
		outp->decision.rule = outp->decision.observed = POLICY_NO_RULE;
		outp->decision.limit = POLICY_NO_LIMIT;
		outp->decision.audited = !public;
		return;
	}
	outp->why = outp->decision.rule == POLICY_NO_RULE ? "no rule"
		    : outp->decision.limited              ? "limit"
							  : "rule";
	outp->is_observed = outp->decision.observed != POLICY_NO_RULE;
	if (outp->is_observed)
		outp->observed = describe(image, outp->decision.observed);
	if (outp->decision.rule != POLICY_NO_RULE)
		list_rules(&s);
}

void policy_explain(const struct policy_image *image, const struct policy_subject *subject,
		    const struct xm_request *req, uint32_t self, struct policy_time time,
		    struct explanation *outp)
{
	struct seeker s = {
		.match = { .image = image, .req = req, .self = self },
		.subject = subject,
		.time = time,
		.out = outp,
	};

	policy_explain_decision(image, subject, req, self, time, outp);
	if (!strcmp(outp->why, "no rule"))
		find_nearest(&s);
}
