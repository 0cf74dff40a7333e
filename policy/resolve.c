// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From names to what they stand for: the system description, defined values, roles and their
 * includes.  Owns the rule that a name means one thing: a name defined twice, or one that would hide
 * another, is an error.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/load.h"
#include "policy/model.h"

/* ---- the system description -------------------------------------------------------------------- */

/* A relative path is relative to the folder of the file that names it. */
static const char *beside(struct compilation *c, const struct node *node)
{
	const char *file = node->source->name;
	const char *slash = strrchr(file, '/');

	if (!slash || *node->text == '/')
		return node->text;
	return arena_printf(&c->arena, "%.*s/%s", (int)(slash - file), file, node->text);
}

static int load_system(struct compilation *c, const char *path)
{
	if (!strcmp(path, "loopback:"))
		return system_load_text(path, system_loopback_xml, strlen(system_loopback_xml),
					c->diag, &c->sys);
	return system_load(arena_strndup(&c->arena, path, strlen(path)), c->diag, &c->sys);
}

/* The partition that the broker will run in. */
static void check_partition(struct compilation *c, const char *path)
{
	struct diag_place place = { .file = strcmp(path, "loopback:") ? path : "loopback" };
	uint32_t n;

	if (c->options->partition == POLICY_NO_PARTITION ||
	    system_partition(c->sys, c->options->partition))
		return;
	system_partitions(c->sys, &n);
	diag_add(c->diag, DIAG_ERROR, place, NULL, 0,
		 arena_printf(&c->arena,
			      "--partition, or `partition:` of the configuration, is 0 to %u",
			      n - 1),
		 "the system has no partition %u", c->options->partition);
}

static void resolve_system(struct compilation *c)
{
	struct diag_place nowhere = { .file = NULL };
	const char *path = c->options->system;
	int ret = 0;

	if (c->system_node) {
		path = strcmp(c->system_node->text, "loopback:") ? beside(c, c->system_node)
								 : c->system_node->text;

		ret = load_system(c, path);
		if (ret)
			node_error(c->diag, c->system_node, "see the messages about that file",
				   "the system description '%s' cannot be used", path);
	} else if (path) {
		ret = load_system(c, path);
	} else if (c->options->system_required) {
		diag_add(c->diag, DIAG_ERROR, nowhere, NULL, 0,
			 "add `system: XM_CF.xml` to the policy", "no system description is named");
	}
	if (ret && ret != -EINVAL)
		c->unreadable = ret;
	if (c->sys)
		check_partition(c, path);
}

/* ---- tables of names --------------------------------------------------------------------------- */

/* Which of the files, in their order. */
static size_t file_of(const struct compilation *c, const struct node *node)
{
	size_t i = 0;

	while (*BUFFER_AT(&c->sources, const struct source *, i) != node->source)
		i++;
	return i;
}

static int compare_places(const struct compilation *c, const struct node *a, const struct node *b)
{
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->source != b->source)
		return file_of(c, a) < file_of(c, b) ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static int compare_defines(const void *a, const void *b, void *c)
{
	return compare_places(c, (*(struct define *const *)a)->name,
			      (*(struct define *const *)b)->name);
}

static int compare_roles(const void *a, const void *b, void *c)
{
	return compare_places(c, (*(struct role *const *)a)->name,
			      (*(struct role *const *)b)->name);
}

/* Within a file the reader has reported it already. */
static void check_twice(struct compilation *c, const struct node *name, const struct node *before,
			const char *what)
{
	if (!strcmp(name->text, before->text) && name->source != before->source)
		node_error(c->diag, name, "give one of the two another name",
			   "%s '%s' is already defined at %s:%u:%u", what, name->text,
			   before->source->name, before->line, before->column);
}

static void sort_names(struct compilation *c)
{
	struct define **define = (struct define **)(void *)c->defines.data;
	struct role **role = (struct role **)(void *)c->roles.data;
	size_t n_defines = BUFFER_N(&c->defines, *define), n_roles = BUFFER_N(&c->roles, *role);

	if (n_defines)
		qsort_r(define, n_defines, sizeof(*define), compare_defines, c);
	if (n_roles)
		qsort_r(role, n_roles, sizeof(*role), compare_roles, c);
	for (size_t i = 1; i < n_defines; i++)
		check_twice(c, define[i]->name, define[i - 1]->name, "value");
	for (size_t i = 1; i < n_roles; i++)
		check_twice(c, role[i]->name, role[i - 1]->name, "role");
}

static int compare_define_name(const void *key, const void *element)
{
	return strcmp(key, (*(struct define *const *)element)->name->text);
}

static int compare_role_name(const void *key, const void *element)
{
	return strcmp(key, (*(struct role *const *)element)->name->text);
}

struct define *policy_define(const struct compilation *c, const char *name)
{
	struct define **found = NULL;

	if (c->defines.len)
		found = bsearch(name, c->defines.data, BUFFER_N(&c->defines, struct define *),
				sizeof(*found), compare_define_name);
	return found ? *found : NULL;
}

void policy_defined_by_itself(struct compilation *c, const struct node *node)
{
	const struct node *name = policy_define(c, node->text)->name;

	node_error(c->diag, node, "remove it here, or define it otherwise",
		   "'%s' is defined by itself: its definition is at %s:%u:%u", node->text,
		   name->source->name, name->line, name->column);
}

#define FOLLOW_MAX 32

const struct node *policy_follow(struct compilation *c, const struct node *node)
{
	const struct define *seen[FOLLOW_MAX] = { NULL };

	for (unsigned int n = 0;; n++) {
		const struct define *define =
			node->kind == NODE_SCALAR ? policy_define(c, node->text) : NULL;

		if (!define)
			return node;
		for (unsigned int i = 0; i < n; i++)
			if (seen[i] == define) {
				policy_defined_by_itself(c, node);
				return NULL;
			}
		if (n == FOLLOW_MAX)
			break;
		seen[n] = define;
		node = define->value;
	}
	node_error(c->diag, node, "define it directly",
		   "a name stands for a name, and so on, more than %u times", FOLLOW_MAX);
	return NULL;
}

static struct role *find_role(struct compilation *c, const struct node *name)
{
	size_t n = BUFFER_N(&c->roles, struct role *);
	struct role **found = NULL;
	const char **names;

	if (name->kind != NODE_SCALAR) {
		node_error(c->diag, name, "write roles: [NAME, ...]",
			   "the name of a role must be a single value");
		return NULL;
	}
	if (n)
		found = bsearch(name->text, c->roles.data, n, sizeof(*found), compare_role_name);
	if (found)
		return *found;
	if (diag_is_full(c->diag, DIAG_ERROR))
		n = 0; /* nobody will see the hint */
	names = arena_alloc(&c->arena, n * sizeof(*names) + 1);
	for (size_t i = 0; i < n; i++)
		names[i] = (*BUFFER_AT(&c->roles, struct role *, i))->name->text;
	node_error(c->diag, name, vocabulary_hint(&c->arena, name->text, names, n),
		   "there is no role '%s'", name->text);
	return NULL;
}

/* ---- defines that would hide something --------------------------------------------------------- */

static const char *hidden(const struct compilation *c, const char *name)
{
	const struct system_port *ports;
	uint64_t value;
	uint32_t n;

	if (!strcmp(name, "self") || !strcmp(name, "everyone"))
		return "a word of the language";
	if (xm_op_by_name(name) >= 0)
		return "the name of an operation";
	if (!strcmp(name, "XM_HYPERVISOR_ID"))
		return "the name of a constant";
	for (unsigned int i = 0; i < XM_N_ENUMS; i++)
		if (xm_enum_by_name(i, name, &value))
			return "the name of a constant";
	if (!c->sys)
		return NULL;
	if (system_partition_by_name(c->sys, name) >= 0)
		return "the name of a partition of the system";
	if (system_plan_by_name(c->sys, name) >= 0)
		return "the name of a plan of the system";
	ports = system_ports(c->sys, &n);
	for (uint32_t i = 0; i < n; i++)
		if (!strncmp(ports[i].name, name, SYSTEM_NAME))
			return "the name of a port of the system";
	return NULL;
}

static void check_hiding(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->defines, struct define *); i++) {
		const struct node *name = (*BUFFER_AT(&c->defines, struct define *, i))->name;
		const char *what = hidden(c, name->text);

		if (what)
			node_error(c->diag, name, "choose another name", "'%s' is already %s",
				   name->text, what);
	}
}

/* ---- includes ---------------------------------------------------------------------------------- */

#define INCLUDE_DEPTH_MAX 64

/* Of a role whose includes are known. */
static void find_deny(struct role *role)
{
	for (const struct rule *rule = role->rules; rule && !role->deny; rule = rule->next)
		if (rule->effect == POLICY_DENY)
			role->deny = rule;
	for (const struct include *i = role->includes; i && !role->deny; i = i->next)
		if (i->role)
			role->deny = i->role->deny;
}

static void visit_role(struct compilation *c, struct role *role, const char *path,
		       unsigned int depth)
{
	if (role->visit == ROLE_DONE)
		return;
	role->visit = ROLE_OPEN;
	for (struct include *i = role->includes; i; i = i->next) {
		if (!i->role)
			continue;
		if (i->role->visit == ROLE_OPEN) {
			node_error(c->diag, i->name, "remove one of these includes",
				   "role '%s' includes itself: %s -> %s", i->role->name->text, path,
				   i->role->name->text);
			i->role = NULL; /* so that nothing later runs in circles */
			continue;
		}
		if (depth < INCLUDE_DEPTH_MAX)
			visit_role(c, i->role,
				   arena_printf(&c->arena, "%s -> %s", path, i->role->name->text),
				   depth + 1);
		if (depth == INCLUDE_DEPTH_MAX || i->role->height == INCLUDE_DEPTH_MAX) {
			node_error(c->diag, i->name, "include the roles that are needed directly",
				   "this makes a chain of more than %u includes",
				   INCLUDE_DEPTH_MAX);
			i->role = NULL;
		} else if (role->height <= i->role->height) {
			role->height = i->role->height + 1;
		}
	}
	find_deny(role);
	role->visit = ROLE_DONE;
}

static void resolve_includes(struct compilation *c)
{
	size_t n = BUFFER_N(&c->roles, struct role *);

	for (size_t i = 0; i < n; i++)
		for (struct include *inc = (*BUFFER_AT(&c->roles, struct role *, i))->includes; inc;
		     inc = inc->next)
			inc->role = find_role(c, inc->name);
	for (size_t i = 0; i < n; i++) {
		struct role *role = *BUFFER_AT(&c->roles, struct role *, i);

		visit_role(c, role, role->name->text, 0);
	}
}

/* ---- grants ------------------------------------------------------------------------------------ */

/* What may end, or be missing, must not deny: without it more would be allowed. */
static void check_lasting(struct compilation *c, const struct grant *grant, const struct role *role,
			  const struct node *name)
{
	const struct node *limited = grant->when ? grant->when->limited : NULL;
	const struct node *key = limited ? limited : grant->if_exists;
	const struct node *deny = role->deny ? role->deny->node : NULL;

	if (!key || !deny)
		return;
	node_error(c->diag, key, "put what denies into a role of its own, and grant that for good",
		   limited ? "the end of '%s' would widen what is allowed: role '%s' denies, at "
			     "%s:%u:%u"
			   : "'%s' could widen what is allowed: role '%s' denies, at %s:%u:%u",
		   key->text, name->text, deny->source->name, deny->line, deny->column);
}

static void grant_role(struct compilation *c, struct grant *grant, const struct node *name)
{
	struct granted *granted;
	struct role *role = find_role(c, name);

	if (!role)
		return;
	granted = arena_alloc(&c->arena, sizeof(*granted));
	granted->role = role;
	granted->next = grant->granted;
	grant->granted = granted;
	check_lasting(c, grant, role, name);
}

static void resolve_grant(struct compilation *c, struct grant *grant)
{
	if (grant->roles->kind != NODE_LIST)
		grant_role(c, grant, grant->roles);
	else if (!grant->roles->n)
		node_error(c->diag, grant->roles, "write roles: [NAME, ...]",
			   "the grant names no roles");
	else
		NODE_FOR_EACH(name, grant->roles)
	grant_role(c, grant, name);
}

static void resolve_grants(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++)
		resolve_grant(c, *BUFFER_AT(&c->grants, struct grant *, i));
}

/* Grants to whom does not exist are gone. */
static void drop_grants(struct compilation *c)
{
	size_t n = BUFFER_N(&c->grants, struct grant *), kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct grant *grant = *BUFFER_AT(&c->grants, struct grant *, i);

		if (!grant->dropped)
			*BUFFER_AT(&c->grants, struct grant *, kept++) = grant;
	}
	c->grants.len = kept * sizeof(struct grant *);
}

void policy_resolve(struct compilation *c)
{
	resolve_system(c);
	sort_names(c);
	check_hiding(c);
	resolve_includes(c);
	resolve_grants(c);
	policy_resolve_principals(c);
	drop_grants(c);
	policy_resolve_tests(c);
}
