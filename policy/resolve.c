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
			node_error(c->diag, c->system_node, NULL,
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

static int compare_places(const struct node *a, const struct node *b)
{
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->source != b->source)
		return strcmp(a->source->name, b->source->name);
	return a->line < b->line ? -1 : a->line > b->line;
}

static int compare_defines(const void *a, const void *b)
{
	return compare_places((*(struct define *const *)a)->name,
			      (*(struct define *const *)b)->name);
}

static int compare_roles(const void *a, const void *b)
{
	return compare_places((*(struct role *const *)a)->name, (*(struct role *const *)b)->name);
}

/* Within a file the reader has reported it already. */
static void check_twice(struct compilation *c, const struct node *name, const struct node *before,
			const char *what)
{
	if (!strcmp(name->text, before->text) && name->source != before->source)
		node_error(c->diag, name, NULL, "%s '%s' is already defined at %s:%u:%u", what,
			   name->text, before->source->name, before->line, before->column);
}

static void sort_names(struct compilation *c)
{
	struct define **define = (struct define **)(void *)c->defines.data;
	struct role **role = (struct role **)(void *)c->roles.data;
	size_t n_defines = BUFFER_N(&c->defines, *define), n_roles = BUFFER_N(&c->roles, *role);

	if (n_defines)
		qsort(define, n_defines, sizeof(*define), compare_defines);
	if (n_roles)
		qsort(role, n_roles, sizeof(*role), compare_roles);
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

const struct node *policy_follow(struct compilation *c, const struct node *node)
{
	for (size_t left = BUFFER_N(&c->defines, struct define *);; left--) {
		const struct define *define =
			node->kind == NODE_SCALAR ? policy_define(c, node->text) : NULL;

		if (!define)
			return node;
		if (!left)
			break;
		node = define->value;
	}
	node_error(c->diag, node, NULL, "'%s' is defined by itself", node->text);
	return NULL;
}

static struct role *find_role(struct compilation *c, const struct node *name)
{
	size_t n = BUFFER_N(&c->roles, struct role *);
	struct role **found = NULL;
	const char **names;

	if (name->kind != NODE_SCALAR) {
		node_error(c->diag, name, NULL, "the name of a role must be a single value");
		return NULL;
	}
	if (n)
		found = bsearch(name->text, c->roles.data, n, sizeof(*found), compare_role_name);
	if (found)
		return *found;
	if (c->diag->n_errors > DIAG_MAX)
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
		return "an operation";
	for (unsigned int i = 0; i < XM_N_ENUMS; i++)
		if (xm_enum_by_name(i, name, &value))
			return "a constant";
	if (!c->sys)
		return NULL;
	if (system_partition_by_name(c->sys, name) >= 0)
		return "a partition";
	if (system_plan_by_name(c->sys, name) >= 0)
		return "a plan";
	ports = system_ports(c->sys, &n);
	for (uint32_t i = 0; i < n; i++)
		if (!strncmp(ports[i].name, name, SYSTEM_NAME))
			return "a port";
	return NULL;
}

static void check_hiding(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->defines, struct define *); i++) {
		const struct node *name = (*BUFFER_AT(&c->defines, struct define *, i))->name;
		const char *what = hidden(c, name->text);

		if (what)
			node_error(c->diag, name, "choose another name",
				   "'%s' is the name of %s already", name->text, what);
	}
}

/* ---- includes ---------------------------------------------------------------------------------- */

#define INCLUDE_DEPTH_MAX 64

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
			node_error(c->diag, i->name, NULL, "role '%s' includes itself: %s -> %s",
				   i->role->name->text, path, i->role->name->text);
			i->role = NULL; /* so that nothing later runs in circles */
			continue;
		}
		if (depth < INCLUDE_DEPTH_MAX)
			visit_role(c, i->role,
				   arena_printf(&c->arena, "%s -> %s", path, i->role->name->text),
				   depth + 1);
		if (depth == INCLUDE_DEPTH_MAX || i->role->height == INCLUDE_DEPTH_MAX) {
			node_error(c->diag, i->name, NULL, "roles are included too deeply");
			i->role = NULL;
		} else if (role->height <= i->role->height) {
			role->height = i->role->height + 1;
		}
	}
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
}

static void resolve_grants(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++) {
		struct grant *grant = *BUFFER_AT(&c->grants, struct grant *, i);

		if (grant->roles->kind != NODE_LIST) {
			grant_role(c, grant, grant->roles);
			continue;
		}
		if (!grant->roles->n)
			node_error(c->diag, grant->roles, NULL, "the grant names no roles");
		NODE_FOR_EACH(name, grant->roles)
		grant_role(c, grant, name);
	}
}

void policy_resolve(struct compilation *c)
{
	resolve_system(c);
	sort_names(c);
	check_hiding(c);
	resolve_includes(c);
	resolve_grants(c);
	policy_resolve_principals(c);
}
