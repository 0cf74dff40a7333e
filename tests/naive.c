// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The naive interpreter: rules, roles and grants, decided by walking over them all in the steps of
 * DECISIONS of the manual.
 */

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "tests/naive.h"

#define MAX_FILES 8
#define MAX_RULES 4096
#define MAX_ROLES 256

struct rule {
	const struct tree *node;
	unsigned int role;
};

struct naive {
	const struct system *sys;
	struct tree *file[MAX_FILES];
	size_t n_files;
	struct {
		const char *name;
		const struct tree *rules;
	} role[MAX_ROLES];
	unsigned int n_roles;
	struct rule rule[MAX_RULES];
	uint32_t n_rules;
	const struct tree *never[MAX_RULES];
	uint32_t n_nevers;
};

/* ---- reading ------------------------------------------------------------------------------------ */

static void list_rules(struct naive *n, const struct tree *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (tree_get(rules->item[i], "include"))
			continue;
		if (n->n_rules == MAX_RULES)
			naive_stuck(rules, "too many rules");
		n->rule[n->n_rules++] = (struct rule){ rules->item[i], n->n_roles };
	}
}

static void list_file(struct naive *n, const struct tree *file)
{
	const struct tree *roles = tree_get(file, "roles"), *nevers = tree_get(file, "never");

	for (size_t i = 0; roles && i < roles->n; i += 2) {
		if (n->n_roles == MAX_ROLES)
			naive_stuck(roles, "too many roles");
		n->role[n->n_roles].name = roles->item[i]->text;
		n->role[n->n_roles].rules = roles->item[i + 1];
		list_rules(n, roles->item[i + 1]);
		n->n_roles++;
	}
	for (size_t i = 0; nevers && i < nevers->n; i++)
		n->never[n->n_nevers++] = nevers->item[i];
}

struct naive *naive_new(const struct naive_file *files, size_t n_files, const struct system *sys)
{
	struct naive *n = calloc(1, sizeof(*n));

	n->sys = sys;
	if (n_files > MAX_FILES)
		naive_stuck(NULL, "too many files");
	for (size_t i = 0; i < n_files; i++) {
		n->file[n->n_files++] = tree_read(files[i].text, files[i].len);
		list_file(n, n->file[i]);
	}
	return n;
}

void naive_free(struct naive *n)
{
	for (size_t i = 0; n && i < n->n_files; i++)
		tree_free(n->file[i]);
	free(n);
}

struct tree *naive_defined(const struct naive *n, const struct tree *node)
{
	struct tree *found;

	if (node->kind != TREE_TEXT)
		return NULL;
	for (size_t i = 0; i < n->n_files; i++)
		if ((found = tree_get(tree_get(n->file[i], "define"), node->text)))
			return found;
	return NULL;
}

/* ---- which operations a rule names ---------------------------------------------------------------- */

/* What is covered of an operation that may stop the own partition. */
#define OTHERS 1u
#define OWN 2u
#define ALL_OF_IT 3u

static unsigned int resources(const struct xm_op *op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < op->n_args; i++)
		n += xm_domain_is_resource(op->args[i].domain);
	return n;
}

static unsigned int class_covers(const struct naive_case *c, const char *class, bool allow)
{
	const struct xm_op *op = c->op;
	bool may_stop = op->flags & XM_OPF_STOPS_SELF;

	if (!strcmp(class, "self-stop") && may_stop)
		return OWN;
	if (strcmp(class, xm_class_names[op->class]))
		return 0;
	if (allow && op->class == XM_CLASS_MACHINE)
		return resources(op) == 1 ? ALL_OF_IT : 0;
	return allow && may_stop ? OTHERS : ALL_OF_IT;
}

static unsigned int covers(const struct naive_case *c, struct tree *what, bool allow)
{
	struct tree *defined = naive_defined(c->naive, what);
	unsigned int parts = 0;

	if (defined)
		return covers(c, defined, allow);
	for (size_t i = 0; i < what->n; i++)
		parts |= covers(c, what->item[i], allow);
	if (what->kind == TREE_LIST)
		return parts;
	if (*what->text == '@')
		return class_covers(c, what->text + 1, allow);
	if (!what->looked_up)
		what->found = xm_op_by_name(what->text);
	what->looked_up = true;
	return what->found == (int64_t)c->req->op ? ALL_OF_IT : 0;
}

static enum truth named(const struct naive_case *c, const struct tree *what, bool allow)
{
	unsigned int parts = covers(c, (struct tree *)what, allow);
	const struct xm_value *partition = &c->req->arg[0];

	if (parts == 0 || parts == ALL_OF_IT)
		return parts ? YES : NO;
	if (partition->state != XM_ST_OK || partition->num > UINT32_MAX)
		return OPEN;
	return (partition->num == c->self) == (parts == OWN) ? YES : NO;
}

/* Whether the operations and `where` of a rule, or of an invariant, match. */
static bool matches(const struct naive_case *c, const struct tree *what, const struct tree *where,
		    bool allow)
{
	enum truth sum = named(c, what, allow);

	for (size_t i = 0; where && i < where->n && sum != NO; i += 2) {
		enum truth t = naive_constraint(c, where->item[i]->text, where->item[i + 1]);

		if (t != YES)
			sum = t;
	}
	return sum == YES || (sum == OPEN && !allow);
}

static bool rule_matches(const struct naive_case *c, const struct tree *rule)
{
	const struct tree *allow = tree_get(rule, "allow");

	return matches(c, allow ? allow : tree_get(rule, "deny"), tree_get(rule, "where"), allow);
}

/* ---- who has which roles ---------------------------------------------------------------------------- */

/* The number of a user or group; -1: there is none of this name. */
static int64_t id_of(struct tree *node, bool user)
{
	const char *name = strchr(node->text, ':') + 1;
	char *end;

	if (node->looked_up)
		return node->found;
	node->looked_up = true;
	node->found = (int64_t)strtoull(name, &end, 10);
	if (*end && user) {
		const struct passwd *pw = getpwnam(name);

		node->found = pw ? (int64_t)pw->pw_uid : -1;
	} else if (*end) {
		const struct group *gr = getgrnam(name);

		node->found = gr ? (int64_t)gr->gr_gid : -1;
	}
	return node->found;
}

static bool is_principal(struct naive *n, struct tree *to, const struct naive_asker *asker)
{
	struct tree *defined = naive_defined(n, to), *all = tree_get(to, "all");
	int64_t id;

	if (defined)
		return is_principal(n, defined, asker);
	if (all && (defined = naive_defined(n, all)))
		all = defined;
	if (all && all->kind == TREE_LIST) {
		for (size_t i = 0; i < all->n; i++)
			if (!is_principal(n, all->item[i], asker))
				return false;
		return true;
	}
	if (to->kind != TREE_TEXT)
		naive_stuck(to, "no principal");
	if (tree_is(to, "everyone"))
		return true;
	if (!strncmp(to->text, "user:", 5))
		return id_of(to, true) == (int64_t)asker->uid;
	id = id_of(to, false);
	for (size_t i = 0; i < asker->n; i++)
		if (id == (int64_t)asker->gids[i])
			return true;
	return false;
}

static void have_role(struct naive *n, const char *name, bool *has);

static void have_roles(struct naive *n, const struct tree *names, bool *has)
{
	if (names->kind == TREE_TEXT)
		have_role(n, names->text, has);
	for (size_t i = 0; i < names->n; i++)
		have_role(n, names->item[i]->text, has);
}

static void have_role(struct naive *n, const char *name, bool *has)
{
	for (unsigned int r = 0; r < n->n_roles; r++) {
		const struct tree *rules = n->role[r].rules;

		if (strcmp(n->role[r].name, name) || has[r])
			continue;
		has[r] = true;
		for (size_t i = 0; i < rules->n; i++)
			if (tree_get(rules->item[i], "include"))
				have_roles(n, tree_get(rules->item[i], "include"), has);
	}
}

static void roles_of(struct naive *n, const struct naive_asker *asker, struct naive_moment moment,
		     bool *has)
{
	memset(has, 0, MAX_ROLES * sizeof(*has));
	if (asker->overflow)
		return;
	for (size_t f = 0; f < n->n_files; f++) {
		const struct tree *grants = tree_get(n->file[f], "grants");

		for (size_t i = 0; grants && i < grants->n; i++)
			if (is_principal(n, tree_get(grants->item[i], "to"), asker) &&
			    naive_in_time(grants->item[i], moment))
				have_roles(n, tree_get(grants->item[i], "roles"), has);
	}
}

/* ---- decisions -------------------------------------------------------------------------------------- */

static bool observes(const struct tree *rule, struct naive_moment moment)
{
	const struct tree *until = tree_get(rule, "observe_until");

	return until && moment.determined && moment.now < naive_date(until->text);
}

/* 0 never, 1 denied, 2 always. */
static unsigned int audit_of(const struct tree *rule)
{
	const struct tree *audit = tree_get(rule, "audit");

	return !audit ? 1 : tree_is(audit, "never") ? 0 : tree_is(audit, "always") ? 2 : 1;
}

/* What one step of the decision found: its first rule, and the highest level of audit. */
struct step {
	uint32_t rule;
	unsigned int audit;
};

enum { DENY, ALLOW, CHARGE, EMPTY, SHADOW_DENY, SHADOW_ALLOW, N_STEPS };

static int step_of(const struct tree *rule, struct naive_moment moment, bool empty)
{
	bool allow = tree_get(rule, "allow");

	if (tree_get(rule, "observe_until")) {
		if (observes(rule, moment))
			return allow ? SHADOW_ALLOW : SHADOW_DENY;
		return allow ? -1 : DENY;
	}
	if (!allow)
		return DENY;
	if (!tree_get(rule, "limit"))
		return ALLOW;
	return empty ? EMPTY : CHARGE;
}

static struct naive_answer decide(const struct step step[N_STEPS])
{
	struct naive_answer a = { false, NAIVE_NONE, true, false, NAIVE_NONE, NAIVE_NONE };
	unsigned int audit = 0;

	for (int i = ALLOW; i <= EMPTY; i++)
		audit = step[i].audit > audit ? step[i].audit : audit;
	if (step[DENY].rule != NAIVE_NONE) {
		a.rule = step[DENY].rule;
		a.audited = step[DENY].audit >= 1;
		return a;
	}
	if (step[ALLOW].rule != NAIVE_NONE) {
		a.allowed = true;
		a.rule = step[ALLOW].rule;
		a.audited = audit == 2;
	} else if (step[CHARGE].rule != NAIVE_NONE) {
		a.allowed = true;
		a.rule = a.charged = step[CHARGE].rule;
		a.audited = audit == 2;
	} else if (step[EMPTY].rule != NAIVE_NONE) {
		a.limited = true;
		a.rule = step[EMPTY].rule;
		a.audited = audit >= 1;
	}
	if (a.allowed)
		a.observed = step[SHADOW_DENY].rule;
	else if (step[SHADOW_DENY].rule == NAIVE_NONE)
		a.observed = step[SHADOW_ALLOW].rule;
	a.audited |= a.observed != NAIVE_NONE;
	return a;
}

static struct naive_case new_case(struct naive *n, const struct xm_request *req, uint32_t self)
{
	return (struct naive_case){ n, n->sys, req, &xm_ops[req->op], self };
}

void naive_matching(struct naive *n, const struct xm_request *req, uint32_t self, bool *match)
{
	struct naive_case c = new_case(n, req, self);

	for (uint32_t r = 0; r < n->n_rules; r++)
		match[r] = rule_matches(&c, n->rule[r].node);
}

void naive_having(struct naive *n, const struct naive_asker *asker, struct naive_moment moment,
		  bool *has)
{
	bool role[MAX_ROLES];

	roles_of(n, asker, moment, role);
	for (uint32_t r = 0; r < n->n_rules; r++)
		has[r] = role[n->rule[r].role];
}

struct naive_answer naive_conclude(const struct naive *n, const bool *rules,
				   struct naive_moment moment, const bool *empty)
{
	struct step step[N_STEPS];

	for (int i = 0; i < N_STEPS; i++)
		step[i] = (struct step){ NAIVE_NONE, 0 };
	for (uint32_t r = 0; r < n->n_rules; r++) {
		const struct tree *rule = n->rule[r].node;
		int s = rules[r] ? step_of(rule, moment, empty && empty[r]) : -1;

		if (s < 0)
			continue;
		if (step[s].rule == NAIVE_NONE)
			step[s].rule = r;
		if (audit_of(rule) > step[s].audit)
			step[s].audit = audit_of(rule);
	}
	return decide(step);
}

struct naive_answer naive_decide(struct naive *n, const struct naive_asker *asker,
				 const struct xm_request *req, uint32_t self,
				 struct naive_moment moment, const bool *empty)
{
	struct naive_case c = new_case(n, req, self);
	bool rules[MAX_RULES];

	naive_having(n, asker, moment, rules);
	for (uint32_t r = 0; r < n->n_rules; r++)
		rules[r] = rules[r] && rule_matches(&c, n->rule[r].node);
	return naive_conclude(n, rules, moment, empty);
}

/* ---- single rules and invariants ----------------------------------------------------------------- */

uint32_t naive_n_rules(const struct naive *n)
{
	return n->n_rules;
}

bool naive_says(const struct naive *n, uint32_t rule, const char *key)
{
	return tree_get(n->rule[rule].node, key);
}

uint32_t naive_n_nevers(const struct naive *n)
{
	return n->n_nevers;
}

bool naive_never_covers(struct naive *n, uint32_t never, const struct xm_request *req,
			uint32_t self)
{
	struct naive_case c = new_case(n, req, self);

	return matches(&c, tree_get(n->never[never], "calls"), tree_get(n->never[never], "where"),
		       false);
}

bool naive_never_excepts(struct naive *n, uint32_t never, const struct naive_asker *asker)
{
	struct tree *except = tree_get(n->never[never], "except");

	if (except && except->kind != TREE_LIST)
		return is_principal(n, except, asker);
	for (size_t i = 0; except && i < except->n; i++)
		if (is_principal(n, except->item[i], asker))
			return true;
	return false;
}
