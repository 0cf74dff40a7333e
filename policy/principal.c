// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * To whom something is granted: users and groups by name or number, everyone, and conjunctions.
 * Names are looked up once, here, when the policy is compiled.  Must never let a name that does not
 * exist, or the kernel's overflow id, become a principal.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/model.h"

#define OVERFLOW_ID 65534

uint32_t policy_overflow_id(bool group)
{
	FILE *file = fopen(group ? "/proc/sys/kernel/overflowgid" : "/proc/sys/kernel/overflowuid",
			   "re");
	unsigned int id = OVERFLOW_ID;

	if (!file)
		return OVERFLOW_ID;
	if (fscanf(file, "%u", &id) != 1)
		id = OVERFLOW_ID;
	fclose(file);
	return id;
}

/* Of what getpwnam() may leave in errno, what does not just mean that there is nobody. */
static bool is_failure(int error)
{
	return error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ETIMEDOUT || error == EAGAIN || error == EINTR;
}

/* errno is 0, or why it could not be looked up. */
static bool look_up(const char *name, bool group, uint32_t *idp)
{
	const struct passwd *user;
	const struct group *entry;

	errno = 0;
	user = group ? NULL : getpwnam(name);
	entry = group ? getgrnam(name) : NULL;
	if (user || entry || !is_failure(errno))
		errno = 0;
	if (user)
		*idp = user->pw_uid;
	if (entry)
		*idp = entry->gr_gid;
	return user || entry;
}

static bool all_digits(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

/* Nobody is called so.  With if_exists in the grant, it then falls away; but not because nobody could
 * tell. */
static void not_found(struct compilation *c, struct grant *grant, const struct node *node,
		      const char *what, const char *name)
{
	if (errno) {
		node_error(c->diag, node, "see to it that the user database can be read",
			   "the %s '%s' cannot be looked up: %s", what, name, strerror(errno));
		return;
	}
	if (grant && grant->if_exists) {
		grant->dropped = true;
		node_warning(c->diag, node, NULL,
			     "this machine has no %s '%s': the grant falls away", what, name);
		return;
	}
	node_error(c->diag, node, "create it first, or name it by number",
		   "this machine has no %s '%s'", what, name);
}

/* `grant` may be NULL. */
static bool find_id(struct compilation *c, struct grant *grant, const struct node *node,
		    const char *name, bool group, uint32_t *idp)
{
	const char *what = group ? "group" : "user";
	bool negative;
	uint64_t id;

	if (!*name) {
		node_error(
			c->diag, node,
			arena_printf(&c->arena, "write \"%s:NAME\", or \"%s:NUMBER\"", what, what),
			"the name of the %s is missing", what);
		return false;
	}
	if (!all_digits(name)) {
		if (look_up(name, group, idp))
			return true;
		not_found(c, grant, node, what, name);
		return false;
	}
	if (!policy_number(name, &id, &negative) || id >= UINT32_MAX) {
		node_error(c->diag, node, "ids are 0 to 4294967294, without leading zeros",
			   "%s is no %s id", name, what);
		return false;
	}
	*idp = (uint32_t)id;
	return true;
}

/* What a misspelt prefix, or everyone, was meant to be; NULL: nothing is near. */
static const char *prefix_hint(struct compilation *c, const char *text)
{
	static const char *const prefixes[] = { "user", "group" };
	static const char *const words[] = { "everyone" };
	const char *colon = strchr(text, ':'), *nearest;

	if (!colon)
		return vocabulary_hint(&c->arena, text, words, 1);
	nearest = diag_nearest(arena_strndup(&c->arena, text, (size_t)(colon - text)), prefixes, 2);
	return nearest ? arena_printf(&c->arena, "did you mean \"%s%s\"?", nearest, colon) : NULL;
}

static void no_principal(struct compilation *c, const struct node *node)
{
	const char *hint = prefix_hint(c, node->text);
	uint32_t id;

	if (!strcmp(node->text, "everyone")) {
		node_error(c->diag, node, "leave it out: who is all of the others is meant anyway",
			   "'everyone' is no user or group");
		return;
	}
	if (!hint)
		hint = "write \"user:NAME\", \"group:NAME\", everyone, or {all: [...]}";
	if (look_up(node->text, true, &id))
		hint = arena_printf(&c->arena, "did you mean \"group:%s\"?", node->text);
	if (look_up(node->text, false, &id))
		hint = arena_printf(&c->arena, "did you mean \"user:%s\"?", node->text);
	node_error(c->diag, node, hint, "'%s' does not say whom it means", node->text);
}

/* A user or a group. */
static bool resolve_member(struct compilation *c, struct grant *grant, const struct node *node,
			   struct member *member)
{
	bool group;

	if (node->kind != NODE_SCALAR) {
		node_error(c->diag, node, "write \"user:NAME\" or \"group:NAME\"",
			   "a user or group must be a single value");
		return false;
	}
	group = !strncmp(node->text, "group:", 6);
	if (!group && strncmp(node->text, "user:", 5)) {
		no_principal(c, node);
		return false;
	}
	member->kind = group ? IMAGE_GROUP : IMAGE_USER;
	if (!find_id(c, grant, node, strchr(node->text, ':') + 1, group, &member->id))
		return false;
	if (member->id != policy_overflow_id(group))
		return true;
	node_error(c->diag, node, "the kernel gives this id to whomever it cannot name",
		   "nothing can be granted to the overflow %s id %u", group ? "group" : "user",
		   member->id);
	return false;
}

static void add_member(struct compilation *c, struct grant *grant, const struct node *node)
{
	struct member *member = arena_alloc(&c->arena, sizeof(*member));

	node = policy_follow(c, node);
	if (!node || !resolve_member(c, grant, node, member))
		return;
	for (struct member *m = grant->members; m; m = m->next)
		if (m->kind == IMAGE_USER && member->kind == IMAGE_USER && m->id != member->id) {
			node_error(c->diag, node, "write a grant for each",
				   "nobody can be two users at once");
			return;
		}
	/* The first is what the grant is found by: a user tells more than a group. */
	if (!grant->members || member->kind == IMAGE_USER) {
		member->next = grant->members;
		grant->members = member;
	} else {
		member->next = grant->members->next;
		grant->members->next = member;
	}
}

static void resolve_all(struct compilation *c, struct grant *grant, const struct node *to)
{
	const struct node *all = node_get(to, "all");

	NODE_FOR_EACH_KEY(key, to)
	if (strcmp(key->text, "all"))
		node_error(c->diag, key, "write {all: [\"group:A\", \"group:B\"]}",
			   "unknown key '%s' in a principal", key->text);
	if (!all && !to->n)
		node_error(c->diag, to, "write {all: [\"group:A\", \"group:B\"]}",
			   "this does not say who is meant");
	all = all ? policy_follow(c, all) : NULL;
	if (!all)
		return;
	if (all->kind != NODE_LIST || !all->n) {
		node_error(c->diag, all, "write {all: [\"group:A\", \"group:B\"]}",
			   "all needs a list of users and groups");
		return;
	}
	grant->kind = IMAGE_ALL;
	NODE_FOR_EACH(node, all)
	add_member(c, grant, node);
}

void policy_resolve_principal(struct compilation *c, struct grant *grant)
{
	const struct node *to = policy_follow(c, grant->to);
	struct member member;

	if (!to)
		return;
	if (to->kind == NODE_MAP) {
		resolve_all(c, grant, to);
	} else if (to->kind == NODE_LIST) {
		node_error(c->diag, to,
			   "write one grant for each, or {all: [...]} for who is all of them",
			   "only one principal can stand here");
	} else if (!strcmp(to->text, "everyone")) {
		grant->kind = IMAGE_EVERYONE;
	} else if (resolve_member(c, grant, to, &member)) {
		grant->kind = member.kind;
		grant->id = member.id;
		add_member(c, grant, to);
	}
}

bool policy_resolve_id(struct compilation *c, const struct node *node, bool group, uint32_t *idp)
{
	if (node->bad)
		return false;
	if (node->kind == NODE_SCALAR)
		return find_id(c, NULL, node, node->text, group, idp);
	node_error(c->diag, node, "write its name or number", "a %s must be a single value",
		   group ? "group" : "user");
	return false;
}

void policy_resolve_principals(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++)
		policy_resolve_principal(c, *BUFFER_AT(&c->grants, struct grant *, i));
}
