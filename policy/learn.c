// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Collecting denied calls, each once.  Must never take one that was not judged (learn_verdict.c).
 */

#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "policy/image_layout.h"
#include "policy/learn.h"
#include "policy/model.h"

void learn_init(struct learn *l)
{
	*l = (struct learn){ .self = UINT32_MAX, .role = "learned", .hash = IMAGE_FNV_BASIS };
	l->left = calloc(LEARN_LEFT, sizeof(*l->left));
	if (!l->left) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	buffer_add(&l->slots, 4 * LEARN_CALLS * sizeof(uint32_t));
}

void learn_deinit(struct learn *l)
{
	buffer_free(&l->calls);
	buffer_free(&l->slots);
	buffer_free(&l->principals);
	arena_free(&l->arena);
	free(l->left);
}

/* ---- what the user says ------------------------------------------------------------------------ */

static const char *generalise_user(struct learn *l, const char *to)
{
	const struct group *group;
	uint64_t id;
	bool negative;

	if (!strcmp(to, "everyone")) {
		l->everyone = true;
		return NULL;
	}
	if (strncmp(to, "group:", 6))
		return "write user=group:NAME or user=everyone";
	if (l->n_groups == LEARN_SPECS)
		return "too many groups";
	if (!policy_number(to + 6, &id, &negative) || negative || id >= UINT32_MAX) {
		group = getgrnam(to + 6);
		if (!group)
			return "no such group";
		id = group->gr_gid;
	}
	l->groups[l->n_groups++] = (uint32_t)id;
	return NULL;
}

static bool is_attribute(const char *op, const char *name)
{
	enum image_attribute kind;
	unsigned int arg;

	for (unsigned int i = 0; i < XM_N_OPS; i++)
		if ((!*op || xm_op_by_name(op) == (int)i) &&
		    vocabulary_attribute(&xm_ops[i], name, &kind, &arg))
			return true;
	return false;
}

const char *learn_generalise(struct learn *l, const char *text)
{
	static const char *const hows[] = { "any", "range", "prefix" };
	const char *equals = strchr(text, '='), *dot = strchr(text, '.');
	struct learn_spec *spec = &l->specs[l->n_specs];

	if (!equals)
		return "write ATTRIBUTE=any, =range or =prefix, or user=group:NAME";
	if (!strncmp(text, "user=", 5))
		return generalise_user(l, equals + 1);
	if (l->n_specs == LEARN_SPECS)
		return "too many";
	dot = dot && dot < equals ? dot : NULL;
	*spec = (struct learn_spec){ .op = "" };
	if (dot)
		snprintf(spec->op, sizeof(spec->op), "%.*s", (int)(dot - text), text);
	text = dot ? dot + 1 : text;
	snprintf(spec->attribute, sizeof(spec->attribute), "%.*s", (int)(equals - text), text);
	if (!is_attribute(spec->op, spec->attribute))
		return "there is no such attribute";
	for (unsigned int i = 0; i < 3; i++)
		if (!strcmp(equals + 1, hows[i])) {
			spec->how = (enum learn_how)i;
			l->n_specs++;
			return NULL;
		}
	return "it can be any, range or prefix";
}

/* ---- what is left out -------------------------------------------------------------------------- */

static void describe_rule(const struct learn *l, const struct xm_request *req, struct text *t)
{
	struct learn_attribute attributes[XM_MAX_ARGS];
	unsigned int n = learn_attributes(l, req->op, attributes);
	struct learn_value value;
	const char *comma = "";

	text_printf(t, "- {allow: %s", xm_ops[req->op].name);
	for (unsigned int i = 0; i < n; i++) {
		if (learn_value_of(l, req, &attributes[i], &value) || value.kind == LEARN_ANY)
			continue;
		text_printf(t, "%s%s: ", *comma ? comma : ", where: {", attributes[i].name);
		learn_put_value(l, req->op, &attributes[i], &value, t);
		comma = ", ";
	}
	text_puts(t, *comma ? "}}" : "}");
}

static void leave(struct learn *l, const struct logged_decision *d, const struct learn_verdict *v)
{
	const struct xm_request *req = v->whole ? &v->call.req : NULL;
	unsigned int op = req ? req->op : XM_N_OPS;
	struct learn_left *row = l->left;
	struct text t;

	for (; row < l->left + l->n_left; row++)
		if (row->op == op && row->uid == d->uid && !strcmp(row->why, v->why)) {
			row->count++;
			return;
		}
	if (l->n_left == LEARN_LEFT) {
		l->other_left++;
		return;
	}
	l->n_left++;
	*row = (struct learn_left){ .op = op, .uid = d->uid, .has_uid = d->has_uid, .count = 1 };
	snprintf(row->why, sizeof(row->why), "%s", v->why);
	t = (struct text){ row->call, sizeof(row->call), 0, false };
	if (req)
		text_call(&t, req);
	else
		text_safe(&t, d->op, strlen(d->op));
	t = (struct text){ row->write, sizeof(row->write), 0, false };
	if (v->fate == LEARN_ASK && req)
		describe_rule(l, req, &t);
	if (t.truncated)
		row->write[0] = '\0';
}

/* ---- calls ------------------------------------------------------------------------------------- */

static uint32_t principal_number(struct learn *l, const struct learn_principal *p)
{
	size_t n = BUFFER_N(&l->principals, *p);

	for (size_t i = 0; i < n; i++)
		if (!memcmp(BUFFER_AT(&l->principals, struct learn_principal, i), p, sizeof(*p)))
			return (uint32_t)i;
	buffer_push(&l->principals, p, sizeof(*p));
	return (uint32_t)n;
}

static bool same_call(const struct learn_call *a, const struct learn_call *b)
{
	return a->op == b->op && a->principal == b->principal &&
	       !memcmp(a->value, b->value, sizeof(a->value));
}

static void add_call(struct learn *l, const struct learn_call *call)
{
	uint32_t *slots = (uint32_t *)(void *)l->slots.data;
	size_t n = BUFFER_N(&l->slots, uint32_t), count = BUFFER_N(&l->calls, *call);
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, call->value, sizeof(call->value));
	size_t at = (hash ^ call->op * 7919 ^ call->principal * 104729) % n;

	for (; slots[at]; at = (at + 1) % n) {
		struct learn_call *known = BUFFER_AT(&l->calls, struct learn_call, slots[at] - 1);

		if (same_call(known, call)) {
			known->count++;
			return;
		}
	}
	if (count == LEARN_CALLS) {
		l->too_many = true;
		return;
	}
	buffer_push(&l->calls, call, sizeof(*call));
	slots[at] = (uint32_t)count + 1;
}

/* ---- decisions --------------------------------------------------------------------------------- */

uint64_t learn_hash(uint64_t hash, const struct logged_decision *d)
{
	hash = image_fnv(hash, d->time, strlen(d->time));
	hash = image_fnv(hash, d->op, strlen(d->op));
	hash = image_fnv(hash, &d->uid, sizeof(d->uid));
	hash = image_fnv(hash, &d->allowed, sizeof(d->allowed));
	return d->args ? image_fnv(hash, d->args, d->args_len) : hash;
}

bool learn_decision(void *data, const struct logged_decision *d)
{
	struct learn *l = data;
	struct learn_verdict v;

	l->decisions++;
	l->hash = learn_hash(l->hash, d);
	if (d->allowed)
		return true;
	l->denied++;
	if (!l->self_given && l->self == UINT32_MAX && d->has_self)
		l->self = d->self;
	learn_judge(l, d, &v);
	if (v.fate == LEARN_TAKE) {
		v.as.principal = principal_number(l, &v.who);
		add_call(l, &v.as);
		l->learned++;
	} else if (v.fate == LEARN_ALREADY) {
		l->already++;
	} else {
		leave(l, d, &v);
	}
	return !l->too_many;
}
