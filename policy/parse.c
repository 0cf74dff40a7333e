// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From trees to roles, rules and grants: the shape of a policy.  Owns the keys of the language; a key
 * that is not known is an error, never ignored.  Must never look up what a
 * name stands for.
 */

#include <ctype.h>
#include <string.h>

#include "policy/model.h"

static const char *const top_keys[] = { "version", "system", "define", "roles",
					"grants",  "never",  "tests" };
static const char *const rule_keys[] = { "include", "allow",   "deny",  "where",
					 "audit",   "because", "limit", "observe_until" };
static const char *const grant_keys[] = { "to",    "roles", "from",   "until",
					  "hours", "days",  "offset", "if_exists" };
#define N_KEYS(keys) (sizeof(keys) / sizeof((keys)[0]))

void policy_check_keys(struct compilation *c, const struct node *map, const char *const *keys,
		       size_t n, const char *what)
{
	NODE_FOR_EACH_KEY(key, map)
	{
		size_t i = 0;

		while (i < n && strcmp(keys[i], key->text))
			i++;
		if (i == n)
			node_error(c->diag, key, vocabulary_hint(&c->arena, key->text, keys, n),
				   "unknown key '%s' in %s", key->text, what);
	}
}

bool policy_is_kind(struct compilation *c, const struct node *node, enum node_kind kind,
		    const char *what)
{
	static const char *const names[] = { "a single value", "a list", "a mapping (key: value)" };

	if (node->kind == kind)
		return true;
	node_error(c->diag, node, NULL, "%s must be %s, not %s", what, names[kind],
		   names[node->kind]);
	return false;
}

static bool is_identifier(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_' || *s == '-')
		s++;
	return !*s;
}

static bool check_identifier(struct compilation *c, const struct node *name, const char *what)
{
	if (is_identifier(name->text))
		return true;
	node_error(c->diag, name, "letters, digits, _ and -, beginning with a letter",
		   "'%s' is no name for a %s", name->text, what);
	return false;
}

/* ---- top level --------------------------------------------------------------------------------- */

static void parse_version(struct compilation *c, const struct node *root)
{
	const struct node *version = node_get(root, "version");

	if (!version)
		node_error(c->diag, root, "begin the file with `version: 1`",
			   "the version is missing");
	else if (policy_is_kind(c, version, NODE_SCALAR, "the version") &&
		 strcmp(version->text, "1"))
		node_error(c->diag, version, "this program knows version 1",
			   "version '%s' is not supported", version->text);
	else if (version->kind == NODE_SCALAR && !version->plain)
		node_error(c->diag, version, "remove the quotes", "the version must be a number");
}

static void parse_system(struct compilation *c, const struct node *root)
{
	const struct node *system = node_get(root, "system");

	if (!system || !policy_is_kind(c, system, NODE_SCALAR, "system"))
		return;
	if (c->system_node)
		node_error(c->diag, system, "name it in one file only",
			   "the system is already named at %s:%u:%u", c->system_node->source->name,
			   c->system_node->line, c->system_node->column);
	else if (!*system->text)
		node_error(c->diag, system, "write system: XM_CF.xml",
			   "the path of the system description is empty");
	else
		c->system_node = system;
}

static void parse_defines(struct compilation *c, const struct node *root)
{
	const struct node *defines = node_get(root, "define");

	if (!defines || !policy_is_kind(c, defines, NODE_MAP, "define"))
		return;
	NODE_FOR_EACH_KEY(key, defines)
	{
		struct define *define = arena_alloc(&c->arena, sizeof(*define));

		if (!check_identifier(c, key, "defined value"))
			continue;
		define->name = key;
		define->value = key->next;
		buffer_push(&c->defines, &define, sizeof(define));
	}
}

/* ---- rules ------------------------------------------------------------------------------------- */

static void parse_audit(struct compilation *c, struct rule *rule)
{
	static const char *const levels[] = { "never", "denied", "always" };
	const struct node *audit = node_get(rule->node, "audit");

	rule->audit = POLICY_AUDIT_DENIED;
	if (!audit || !policy_is_kind(c, audit, NODE_SCALAR, "audit"))
		return;
	for (unsigned int i = 0; i < 3; i++)
		if (!strcmp(audit->text, levels[i])) {
			rule->audit = (enum policy_audit)i;
			return;
		}
	node_error(c->diag, audit, vocabulary_hint(&c->arena, audit->text, levels, 3),
		   "'%s' is no audit level; it is one of never, denied, always", audit->text);
}

const char *policy_because(struct compilation *c, const struct node *map)
{
	const struct node *because = node_get(map, "because");

	if (because && policy_is_kind(c, because, NODE_SCALAR, "because"))
		return because->text;
	return "";
}

const struct node *policy_where(struct compilation *c, const struct node *map)
{
	const struct node *where = node_get(map, "where");

	if (!where || !policy_is_kind(c, where, NODE_MAP, "where"))
		return NULL;
	if (!where->n)
		node_error(c->diag, where, "name an attribute, or remove `where`",
			   "where constrains nothing");
	return where;
}

void policy_each(struct compilation *c, const struct node *node, void *to,
		 void (*each)(struct compilation *c, void *to, const struct node *item))
{
	if (node->kind != NODE_LIST) {
		each(c, to, node);
		return;
	}
	NODE_FOR_EACH(item, node)
	each(c, to, item);
}

static void add_include(struct compilation *c, void *to, const struct node *name)
{
	struct role *role = to;
	struct include *include;

	if (!policy_is_kind(c, name, NODE_SCALAR, "the name of a role"))
		return;
	include = arena_alloc(&c->arena, sizeof(*include));
	include->name = name;
	if (role->last_include)
		role->last_include->next = include;
	else
		role->includes = include;
	role->last_include = include;
}

static void parse_include(struct compilation *c, struct role *role, const struct node *node,
			  const struct node *include)
{
	if (node->n > 1)
		node_error(c->diag, node, "put it in an item of its own",
			   "an include stands alone");
	if (include->kind == NODE_LIST && !include->n)
		node_error(c->diag, include, "write include: ROLE, or remove it",
			   "the include names no role");
	policy_each(c, include, role, add_include);
}

static void parse_rule(struct compilation *c, struct role *role, const struct node *node)
{
	const struct node *allow, *deny, *include;
	size_t errors = c->diag->n_errors;
	struct rule *rule;

	if (!policy_is_kind(c, node, NODE_MAP, "a rule"))
		return;
	policy_check_keys(c, node, rule_keys, N_KEYS(rule_keys), "a rule");
	allow = node_get(node, "allow");
	deny = node_get(node, "deny");
	include = node_get(node, "include");
	if (include) {
		parse_include(c, role, node, include);
		return;
	}
	if (!allow == !deny) {
		if (c->diag->n_errors == errors) /* else a key is misspelt, which was said */
			node_error(c->diag, node,
				   allow ? "make two rules of it"
					 : "write allow: OPERATIONS, or deny: OPERATIONS",
				   "a rule needs %s",
				   allow ? "either allow or deny, not both"
					 : "allow, deny or include");
		return;
	}
	rule = arena_alloc(&c->arena, sizeof(*rule));
	rule->role = role;
	rule->node = node;
	rule->ops = allow ? allow : deny;
	rule->effect = allow ? POLICY_ALLOW : POLICY_DENY;
	rule->number = (uint32_t)BUFFER_N(&c->rules, struct rule *);
	rule->because = policy_because(c, node);
	rule->where = policy_where(c, node);
	parse_audit(c, rule);
	policy_parse_observe(c, rule);
	policy_parse_limit(c, rule);
	if (role->last_rule)
		role->last_rule->next = rule;
	else
		role->rules = rule;
	role->last_rule = rule;
	buffer_push(&c->rules, &rule, sizeof(rule));
}

static void parse_roles(struct compilation *c, const struct node *root)
{
	const struct node *roles = node_get(root, "roles");

	if (!roles || !policy_is_kind(c, roles, NODE_MAP, "roles"))
		return;
	NODE_FOR_EACH_KEY(key, roles)
	{
		struct role *role = arena_alloc(&c->arena, sizeof(*role));

		if (!check_identifier(c, key, "role") ||
		    !policy_is_kind(c, key->next, NODE_LIST, "a role"))
			continue;
		role->name = key;
		role->mark = IMAGE_NONE;
		NODE_FOR_EACH(node, key->next)
		parse_rule(c, role, node);
		buffer_push(&c->roles, &role, sizeof(role));
	}
}

/* ---- grants ------------------------------------------------------------------------------------ */

static bool is_truth(const char *text)
{
	return !strcmp(text, "true") || !strcmp(text, "false");
}

static void parse_if_exists(struct compilation *c, struct grant *grant)
{
	NODE_FOR_EACH_KEY(key, grant->node)
	{
		const struct node *value = key->next;

		if (strcmp(key->text, "if_exists") ||
		    !policy_is_kind(c, value, NODE_SCALAR, "if_exists"))
			continue;
		if (!value->plain || !is_truth(value->text))
			node_error(c->diag, value,
				   is_truth(value->text) ? "remove the quotes"
							 : "write true or false",
				   "if_exists is true or false, not '%s'", value->text);
		else if (!strcmp(value->text, "true"))
			grant->if_exists = key;
	}
}

static void parse_grant(struct compilation *c, const struct node *node)
{
	size_t errors = c->diag->n_errors;
	struct grant *grant;

	if (!policy_is_kind(c, node, NODE_MAP, "a grant"))
		return;
	policy_check_keys(c, node, grant_keys, N_KEYS(grant_keys), "a grant");
	if (c->diag->n_errors != errors)
		return;
	grant = arena_alloc(&c->arena, sizeof(*grant));
	grant->node = node;
	grant->to = node_get(node, "to");
	grant->roles = node_get(node, "roles");
	if (!grant->to)
		node_error(c->diag, node, "write to: \"user:NAME\", \"group:NAME\" or everyone",
			   "the grant does not say to whom");
	parse_if_exists(c, grant);
	policy_parse_when(c, grant);
	if (!grant->roles)
		node_error(c->diag, node, "write roles: [NAME, ...]", "the grant names no roles");
	if (grant->to && grant->roles)
		buffer_push(&c->grants, &grant, sizeof(grant));
}

static void parse_grants(struct compilation *c, const struct node *root)
{
	const struct node *grants = node_get(root, "grants");

	if (!grants || !policy_is_kind(c, grants, NODE_LIST, "grants"))
		return;
	NODE_FOR_EACH(node, grants)
	parse_grant(c, node);
}

void policy_parse(struct compilation *c, const struct source *source)
{
	const struct node *root = yaml_read(&c->arena, source, c->diag);

	if (!root || !policy_is_kind(c, root, NODE_MAP, "a policy")) {
		c->incomplete = true;
		return;
	}
	policy_check_keys(c, root, top_keys, N_KEYS(top_keys), "a policy");
	parse_version(c, root);
	parse_system(c, root);
	parse_defines(c, root);
	parse_roles(c, root);
	parse_grants(c, root);
	policy_parse_nevers(c, root);
	policy_parse_tests(c, root);
}
