// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What becomes of a denied call.  Owns the rule what is never learned silently: stopping the own
 * partition, the machine, and what a deny or an invariant forbids.  Must depend on nothing that changes
 * while a log is read, so that reading it again says the same.
 */

#include <string.h>

#include "policy/learn.h"
#include "policy/match.h"
#include "policy/model.h"

bool learn_generalises(const struct learn *l, unsigned int op, const char *name, enum learn_how how)
{
	enum image_attribute kind, wanted_kind;
	unsigned int arg, wanted;

	for (size_t i = 0; i < l->n_specs; i++) {
		const struct learn_spec *s = &l->specs[i];

		if (s->how == how && (!*s->op || xm_op_by_name(s->op) == (int)op) &&
		    vocabulary_attribute(&xm_ops[op], s->attribute, &kind, &arg) &&
		    vocabulary_attribute(&xm_ops[op], name, &wanted_kind, &wanted) &&
		    kind == wanted_kind && arg == wanted)
			return true;
	}
	return false;
}

/* ---- who --------------------------------------------------------------------------------------- */

static struct learn_principal principal_of(const struct learn *l, const struct logged_decision *d)
{
	struct learn_principal p = { d->uid, LEARN_NOBODY };

	if (l->everyone)
		return (struct learn_principal){ LEARN_NOBODY, LEARN_NOBODY };
	for (size_t i = 0; i < l->n_groups && p.gid == LEARN_NOBODY; i++)
		for (uint32_t j = 0; j < d->n_gids; j++)
			if (d->gids[j] == l->groups[i])
				p.gid = l->groups[i];
	return p;
}

/* Somebody to whom nothing applies but what is granted to this principal. */
static struct policy_subject bare_subject(const struct learn_principal *p)
{
	bool group = p->gid != LEARN_NOBODY;

	return (struct policy_subject){ .uid = group ? LEARN_NOBODY : p->uid,
					.gids = &p->gid,
					.n_gids = group };
}

/* ---- what forbids it --------------------------------------------------------------------------- */

static bool is_excepted(const struct policy_image *image, const struct image_never *never,
			const struct policy_subject *subject)
{
	const struct image_grant *except = image_table(image, IMAGE_EXCEPTS);

	for (uint32_t i = 0; i < never->n_excepts; i++)
		if (match_principal(image, &except[never->first_except + i], subject))
			return true;
	return false;
}

/* The invariant of the base that would be broken if the principal were allowed it; NULL: none. */
static const struct image_never *broken_never(const struct learn *l, const struct xm_request *req,
					      const struct learn_principal *who)
{
	const struct image_never *never = image_table(l->base, IMAGE_NEVERS);
	const struct image_clause *clause = image_table(l->base, IMAGE_NEVER_CLAUSES);
	struct match_request m = { .image = l->base, .req = req, .self = l->self };
	struct policy_subject subject = bare_subject(who);

	for (uint32_t i = 0; i < l->base->table[IMAGE_NEVER_CLAUSES].count; i++, clause++)
		if (clause->op == req->op &&
		    match_rule(&m, POLICY_DENY, clause->covers, clause->first_constraint,
			       clause->n_constraints) &&
		    !is_excepted(l->base, &never[clause->rule], &subject))
			return &never[clause->rule];
	return NULL;
}

static bool leave(struct learn_verdict *v, enum learn_fate fate, const char *why)
{
	v->fate = fate;
	snprintf(v->why, sizeof(v->why), "%s", why);
	return false;
}

static bool base_lets(const struct learn *l, const struct logged_decision *d,
		      struct learn_verdict *v)
{
	struct policy_decision decision = logged_decide(l->base, d, &v->call.req, l->self);
	const struct image_never *never = broken_never(l, &v->call.req, &v->who);
	struct policy_source source;

	if (decision.effect == POLICY_ALLOW)
		return leave(v, LEARN_ALREADY, "");
	if (decision.rule != POLICY_NO_RULE &&
	    policy_image_source(l->base, decision.rule, &source)) {
		snprintf(v->why, sizeof(v->why), "the deny at %s:%u:%u forbids it", source.file,
			 source.line, source.column);
		v->fate = LEARN_LEAVE;
		return false;
	}
	if (never) {
		snprintf(v->why, sizeof(v->why), "the invariant at %s:%u:%u forbids it",
			 (const char *)image_table(l->base, IMAGE_TEXT) + never->file, never->line,
			 never->column);
		v->fate = LEARN_LEAVE;
		return false;
	}
	return true;
}

/* Whether nothing but the lack of a rule stands against it. */
static bool is_open(const struct learn *l, const struct logged_decision *d, struct learn_verdict *v)
{
	if (!strcmp(d->why, "overflow id") || d->uid == policy_overflow_id(false))
		return leave(v, LEARN_LEAVE,
			     "the kernel could not name the user, and no rule is for such");
	if (l->base)
		return base_lets(l, d, v);
	return strcmp(d->why, "rule") ||
	       leave(v, LEARN_LEAVE, "a rule denied it, and no allow stands against that");
}

/* ---- what it was about ------------------------------------------------------------------------- */

/* A call of the own partition stays one of the own partition, and others never become one. */
static void apply_any(const struct learn *l, unsigned int op, const struct learn_attribute *a,
		      struct learn_value *value)
{
	const struct xm_op *o = &xm_ops[op];
	bool stops = (o->flags & XM_OPF_STOPS_SELF) && !a->arg;

	if (!learn_generalises(l, op, a->name, LEARN_TO_ANY) ||
	    xm_domain_is_resource(o->args[a->arg].domain))
		return;
	if (stops && value->low == l->self)
		return;
	memset(value, 0, sizeof(*value));
	value->kind = stops ? LEARN_NOT_SELF : LEARN_ANY;
}

static bool can_be_said(const struct learn *l, struct learn_verdict *v)
{
	const struct xm_request *req = &v->call.req;
	struct learn_attribute attributes[XM_MAX_ARGS];
	unsigned int n = learn_attributes(l, req->op, attributes);

	memset(&v->as, 0, sizeof(v->as));
	v->as.op = req->op;
	v->as.count = 1;
	for (unsigned int i = 0; i < n; i++) {
		const char *why = learn_value_of(l, req, &attributes[i], &v->as.value[i]);

		if (why)
			return leave(v, LEARN_LEAVE, why);
		apply_any(l, req->op, &attributes[i], &v->as.value[i]);
	}
	return true;
}

static bool is_meant(const struct learn *l, struct learn_verdict *v)
{
	const struct xm_request *req = &v->call.req;

	if (learn_stops_self(l, req) && !l->allow_self_stop)
		return leave(v, LEARN_ASK,
			     "it stops the own partition: --allow-self-stop if it is meant");
	if (xm_ops[req->op].class == XM_CLASS_MACHINE && !l->allow_machine)
		return leave(v, LEARN_ASK,
			     "it is about the machine: --allow-machine if it is meant");
	return true;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static enum logged_gap gap_of(const struct learn *l, const struct logged_decision *d,
			      struct call *callp, enum policy_effect *effectp)
{
	enum logged_gap gap = logged_call(d, callp);

	if (gap)
		return gap;
	if (!logged_effect(d, effectp))
		return LOGGED_BUCKETS;
	if (!d->has_uid || d->uid == LEARN_NOBODY) /* which would be everyone */
		return LOGGED_NO_USER;
	if (l->base && d->more_groups && l->base->table[IMAGE_GROUPS].count)
		return LOGGED_NO_GROUPS;
	if (l->base && d->now == INT64_MIN)
		return LOGGED_NO_TIME;
	if (!l->self_given && !d->has_self)
		return LOGGED_NO_PARTITION;
	return !l->self_given && d->self != l->self ? LOGGED_OTHER_PARTITION : LOGGED_WHOLE;
}

void learn_judge(struct learn *l, const struct logged_decision *d, struct learn_verdict *v)
{
	enum policy_effect effect = POLICY_DENY;
	enum logged_gap gap = gap_of(l, d, &v->call, &effect);

	*v->why = '\0';
	v->whole = !gap;
	if (gap) {
		leave(v, LEARN_LEAVE, logged_gap_text(gap));
		return;
	}
	v->who = principal_of(l, d);
	if (effect == POLICY_ALLOW && !l->base)
		leave(v, LEARN_ALREADY, "");
	else if (is_open(l, d, v) && is_meant(l, v) && can_be_said(l, v))
		v->fate = LEARN_TAKE;
}
