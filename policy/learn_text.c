// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From calls to rules: calls whose values are all combinations of a few sets become one rule, operations
 * and users that may the same share it.  Must never join calls into a rule that allows another, nor write
 * anything of the log but through text_safe() or as a value that was checked.
 */

#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy/fmt.h"
#include "policy/learn.h"

/* Text of one attribute's values, or of a principal, is what rules are compared by: it is canonical. */
struct learn_rule {
	unsigned int n;
	const char *names;            /* of the attributes, each with a newline */
	const char *ops;              /* operations, sorted, each with a newline */
	const char *who;              /* principals, likewise */
	const char *set[XM_MAX_ARGS]; /* values, likewise; "" is any */
	uint64_t count;
};

/* What rules can be joined at, beside the attributes. */
enum { AT_OPS = -2, AT_WHO = -1 };

struct builder {
	struct learn *learn;
	struct buffer rules; /* struct learn_rule */
};

/* ---- principals -------------------------------------------------------------------------------- */

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_' || *s == '-' || *s == '.')
		s++;
	return !*s;
}

static const char *user_text(struct arena *arena, uint32_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	const char *name = entry && is_name(entry->pw_name)
				   ? arena_strndup(arena, entry->pw_name, strlen(entry->pw_name))
				   : NULL;

	/* Unless the name is that of another first. */
	entry = name ? getpwnam(name) : NULL;
	return entry && entry->pw_uid == uid ? arena_printf(arena, "\"user:%s\"\n", name)
					     : arena_printf(arena, "\"user:%u\"\n", uid);
}

static const char *group_text(struct arena *arena, uint32_t gid)
{
	const struct group *entry = getgrgid(gid);
	const char *name = entry && is_name(entry->gr_name)
				   ? arena_strndup(arena, entry->gr_name, strlen(entry->gr_name))
				   : NULL;

	entry = name ? getgrnam(name) : NULL;
	return entry && entry->gr_gid == gid ? arena_printf(arena, "\"group:%s\"\n", name)
					     : arena_printf(arena, "\"group:%u\"\n", gid);
}

static const char *principal_text(struct learn *l, uint32_t number)
{
	const struct learn_principal *p = BUFFER_AT(&l->principals, struct learn_principal, number);

	if (p->gid != LEARN_NOBODY)
		return group_text(&l->arena, p->gid);
	return p->uid == LEARN_NOBODY ? "everyone\n" : user_text(&l->arena, p->uid);
}

/* ---- rules ------------------------------------------------------------------------------------- */

static const char *value_text(struct learn *l, const struct learn_call *c,
			      const struct learn_attribute *attribute, unsigned int i)
{
	char room[256] = "";
	struct text t = TEXT_INIT(room);

	if (c->value[i].kind == LEARN_ANY)
		return "";
	learn_put_value(l, c->op, attribute, &c->value[i], &t);
	text_char(&t, '\n');
	return arena_strndup(&l->arena, room, t.len);
}

/* Calls are in the order of their principals: `who` is the text of the last one. */
static void add_rule(struct builder *b, const struct learn_call *c, const char *who)
{
	struct arena *arena = &b->learn->arena;
	struct learn_attribute attributes[XM_MAX_ARGS];
	struct learn_rule rule = { .count = c->count, .names = "", .who = who };

	rule.n = learn_attributes(b->learn, c->op, attributes);
	rule.ops = arena_printf(arena, "%s\n", xm_ops[c->op].name);
	for (unsigned int i = 0; i < rule.n; i++) {
		rule.names = arena_printf(arena, "%s%s\n", rule.names, attributes[i].name);
		rule.set[i] = value_text(b->learn, c, &attributes[i], i);
	}
	buffer_push(&b->rules, &rule, sizeof(rule));
}

static void add_rules(struct builder *b)
{
	const struct buffer *calls = &b->learn->calls;
	const char *who = NULL;

	for (size_t i = 0; i < BUFFER_N(calls, struct learn_call); i++) {
		const struct learn_call *c = BUFFER_AT(calls, struct learn_call, i);

		if (!i || c->principal != c[-1].principal)
			who = principal_text(b->learn, c->principal);
		add_rule(b, c, who);
	}
}

static const char **part(struct learn_rule *rule, int at)
{
	return at == AT_OPS ? &rule->ops : at == AT_WHO ? &rule->who : &rule->set[at];
}

/* Compares all but one part. */
static int compare_but(const struct learn_rule *x, const struct learn_rule *y, int but)
{
	int order = strcmp(x->names, y->names);

	for (int i = AT_OPS; !order && i < (int)x->n; i++)
		if (i != but)
			order = strcmp(*part((struct learn_rule *)(uintptr_t)x, i),
				       *part((struct learn_rule *)(uintptr_t)y, i));
	return order;
}

static int compare_rules(const void *a, const void *b, void *but)
{
	const struct learn_rule *x = a, *y = b;
	int order = compare_but(x, y, *(int *)but), at = *(int *)but;

	if (order || at >= (int)x->n)
		return order;
	return strcmp(*part((struct learn_rule *)(uintptr_t)x, at),
		      *part((struct learn_rule *)(uintptr_t)y, at));
}

/* Both sets are sorted lists of lines. */
static const char *join_sets(struct arena *arena, const char *a, const char *b)
{
	struct buffer out = { 0 };
	const char *text;

	while (*a || *b) {
		size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
		size_t len = la < lb ? la : lb;
		int order = !*a ? 1 : !*b ? -1 : memcmp(a, b, len);

		if (!order)
			order = la < lb ? -1 : la > lb;
		if (order <= 0) {
			buffer_push(&out, a, la + 1);
			a += la + 1;
			b += order ? 0 : lb + 1;
		} else {
			buffer_push(&out, b, lb + 1);
			b += lb + 1;
		}
	}
	text = arena_strndup(arena, (const char *)out.data, out.len);
	buffer_free(&out);
	return text;
}

static bool can_join(struct learn_rule *a, struct learn_rule *b, int at)
{
	return at < (int)a->n && !compare_but(a, b, at) && **part(a, at) && **part(b, at);
}

/* Halves, so that many values are not copied for each. */
static const char *join_run(struct arena *arena, struct learn_rule *r, size_t n, int at)
{
	if (n == 1)
		return *part(r, at);
	return join_sets(arena, join_run(arena, r, n / 2, at),
			 join_run(arena, r + n / 2, n - n / 2, at));
}

/* One pass over rules that differ in nothing but `at`; true if some were joined. */
static bool join_at(struct builder *b, int at)
{
	struct learn_rule *r = (struct learn_rule *)(void *)b->rules.data;
	size_t n = BUFFER_N(&b->rules, *r), kept = 0;

	if (n)
		qsort_r(r, n, sizeof(*r), compare_rules, &at);
	for (size_t i = 0, run; i < n; i += run) {
		struct learn_rule joined = r[i];

		for (run = 1; i + run < n && can_join(&r[i], &r[i + run], at); run++)
			joined.count += r[i + run].count;
		if (run > 1)
			*part(&joined, at) = join_run(&b->learn->arena, &r[i], run, at);
		r[kept++] = joined;
	}
	b->rules.len = kept * sizeof(*r);
	return kept < n;
}

/* Operations last: values that belong together are found first. */
static void join(struct builder *b)
{
	bool joined = true;

	while (joined) {
		joined = false;
		for (int at = AT_WHO; at < XM_MAX_ARGS; at++)
			joined |= join_at(b, at);
		joined |= join_at(b, AT_OPS);
	}
}

/* ---- text -------------------------------------------------------------------------------------- */

static void put(struct buffer *out, const char *text)
{
	buffer_push(out, text, strlen(text));
}

static void put_list(struct buffer *out, const char *lines)
{
	bool several = strchr(lines, '\n')[1];

	put(out, several ? "[" : "");
	for (const char *p = lines; *p;) {
		size_t len = strcspn(p, "\n");

		put(out, p == lines ? "" : ", ");
		buffer_push(out, p, len);
		p += len + 1;
	}
	put(out, several ? "]" : "");
}

static void put_rule(struct buffer *out, const struct learn_rule *r)
{
	const char *name = r->names, *between = "      where: {";
	char room[64];

	snprintf(room, sizeof(room), " # %" PRIu64 " call%s\n", r->count, r->count == 1 ? "" : "s");
	put(out, "    - allow: ");
	put_list(out, r->ops);
	put(out, room);
	for (unsigned int i = 0; i < r->n; i++, name += strcspn(name, "\n") + 1) {
		if (!*r->set[i])
			continue;
		put(out, between);
		buffer_push(out, name, strcspn(name, "\n"));
		put(out, ": ");
		put_list(out, r->set[i]);
		between = ", ";
	}
	put(out, *between == ',' ? "}\n" : "");
}

static int by_who(const void *a, const void *b)
{
	const struct learn_rule *x = a, *y = b;
	int order = strcmp(x->who, y->who);

	if (!order)
		order = strcmp(x->ops, y->ops);
	return order ? order : compare_but(x, y, AT_WHO);
}

/* Whether rule i begins a role: those of the same users are one. */
static bool begins_role(const struct learn_rule *r, size_t i)
{
	return !i || strcmp(r[i].who, r[i - 1].who);
}

static void put_roles(const struct builder *b, struct buffer *out)
{
	const struct learn_rule *r = (const struct learn_rule *)(const void *)b->rules.data;
	size_t n = BUFFER_N(&b->rules, *r);
	unsigned int role = 0;
	char room[LEARN_ROLE + 32];

	put(out, n ? "roles:\n" : "roles: {}\n");
	for (size_t i = 0; i < n; i++) {
		if (begins_role(r, i)) {
			snprintf(room, sizeof(room), "  %s-%u:\n", b->learn->role, ++role);
			put(out, room);
		}
		put_rule(out, &r[i]);
	}
}

static bool has_line(const char *lines, const char *line, size_t len)
{
	for (; *lines; lines += strcspn(lines, "\n") + 1)
		if (strcspn(lines, "\n") == len && !memcmp(lines, line, len))
			return true;
	return false;
}

static void put_grant(const struct builder *b, struct buffer *out, const char *who, size_t len)
{
	const struct learn_rule *r = (const struct learn_rule *)(const void *)b->rules.data;
	const char *between = ", roles: [";
	char room[LEARN_ROLE + 32];
	unsigned int role = 0;

	put(out, "  - {to: ");
	buffer_push(out, who, len);
	for (size_t i = 0; i < BUFFER_N(&b->rules, *r); i++) {
		if (!begins_role(r, i))
			continue;
		role++;
		if (!has_line(r[i].who, who, len))
			continue;
		snprintf(room, sizeof(room), "%s%s-%u", between, b->learn->role, role);
		put(out, room);
		between = ", ";
	}
	put(out, "]}\n");
}

static void put_grants(struct builder *b, struct buffer *out)
{
	const struct learn_rule *r = (const struct learn_rule *)(void *)b->rules.data;
	size_t n = BUFFER_N(&b->rules, *r);
	const char *all = "";

	put(out, n ? "grants:\n" : "grants: []\n");
	for (size_t i = 0; i < n; i++)
		if (begins_role(r, i))
			all = join_sets(&b->learn->arena, all, r[i].who);
	for (; *all; all += strcspn(all, "\n") + 1)
		put_grant(b, out, all, strcspn(all, "\n"));
}

/* What is said of a call went through text_safe() already, paths of the user's did not. */
static void put_comment(struct buffer *out, const char *before, const char *text)
{
	char room[4 * LEARN_TEXT];
	struct text t = TEXT_INIT(room);

	text_safe(&t, text, strlen(text));
	put(out, before);
	put(out, room);
	put(out, "\n");
}

static void put_left(const struct learn *l, struct buffer *out)
{
	char room[96];

	if (l->folded) {
		snprintf(room, sizeof(room), "\n# %" PRIu64 " decisions were counted in the log, ",
			 l->folded);
		put(out, room);
		put(out, "not recorded: nothing is learned from them.\n");
	}
	if (l->n_left)
		put(out, "\n# Not allowed here:\n");
	for (size_t i = 0; i < l->n_left; i++) {
		const struct learn_left *row = &l->left[i];

		snprintf(room, sizeof(room), "#   %" PRIu64 " time%s", row->count,
			 row->count == 1 ? "" : "s");
		put(out, room);
		snprintf(room, sizeof(room), row->has_uid ? ", user %u: " : ": ", row->uid);
		put_comment(out, room, row->call);
		put_comment(out, "#     ", row->why);
		if (row->write[0])
			put_comment(out, "#     or write in a role: ", row->write);
	}
	if (l->other_left) {
		snprintf(room, sizeof(room), "#   and %" PRIu64 " more\n", l->other_left);
		put(out, room);
	}
}

static void put_system(struct buffer *out, const char *system)
{
	char path[PATH_MAX], room[6 * PATH_MAX + 3];
	struct text t = TEXT_INIT(room);

	/* Wherever the policy is put. */
	if (strcmp(system, "loopback:") && realpath(system, path))
		system = path;
	text_json(&t, system, strlen(system));
	put(out, "system: ");
	put(out, room);
	put(out, "\n");
}

static const char *formatted(struct learn *l, const struct buffer *out, size_t *lenp)
{
	struct source source = { .name = "learned.yaml", .len = out->len };
	const char *text;
	struct diag diag;

	source.text = arena_strndup(&l->arena, (const char *)out->data, out->len);
	diag_init(&diag);
	text = policy_format(&l->arena, &source, &diag, lenp);
	if (!text)
		diag_print(&diag, stderr);
	diag_free(&diag);
	return text;
}

const char *learn_text(struct learn *l, const char *system, size_t *lenp)
{
	struct builder b = { .learn = l };
	struct buffer out = { 0 };
	const char *text;
	char room[160];

	learn_widen(l);
	add_rules(&b);
	join(&b);
	if (b.rules.len)
		qsort(b.rules.data, BUFFER_N(&b.rules, struct learn_rule),
		      sizeof(struct learn_rule), by_who);
	snprintf(room, sizeof(room),
		 "# Learned from an audit log: allows %" PRIu64 " of %" PRIu64
		 " calls that were denied.\nversion: 1\n",
		 l->learned, l->denied);
	put(&out, room);
	if (system)
		put_system(&out, system);
	put_roles(&b, &out);
	put_grants(&b, &out);
	put_left(l, &out);
	text = formatted(l, &out, lenp);
	buffer_free(&out);
	buffer_free(&b.rules);
	return text;
}
