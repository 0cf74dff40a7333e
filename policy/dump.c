// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An image as JSON.  Owns the form that xmpolicy(1) documents.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/dump.h"
#include "policy/explain.h"
#include "policy/match.h"
#include "policy/model.h"

static const char *const table_names[IMAGE_N_TABLES] = {
	[IMAGE_INDEX] = "index",
	[IMAGE_ENTRIES] = "entries",
	[IMAGE_CONSTRAINTS] = "constraints",
	[IMAGE_TERMS] = "terms",
	[IMAGE_INTERVALS] = "intervals",
	[IMAGE_MASKS] = "masks",
	[IMAGE_NAMES] = "names",
	[IMAGE_MEMBERS] = "members",
	[IMAGE_GROUPS] = "groups",
	[IMAGE_RULES] = "rules",
	[IMAGE_CLAUSES] = "clauses",
	[IMAGE_GRANTS] = "grants",
	[IMAGE_WHENS] = "whens",
	[IMAGE_WINDOWS] = "windows",
	[IMAGE_LIMITS] = "limits",
	[IMAGE_NEVERS] = "nevers",
	[IMAGE_NEVER_CLAUSES] = "never_clauses",
	[IMAGE_EXCEPTS] = "excepts",
	[IMAGE_TEXT] = "text",
	[IMAGE_SYSTEM] = "system",
};

/* ---- pieces ------------------------------------------------------------------------------------ */

static void set(json_t *object, const char *name, json_t *value)
{
	if (!value || json_object_set_new(object, name, value))
		abort();
}

static void add(json_t *array, json_t *value)
{
	if (!value || json_array_append_new(array, value))
		abort();
}

/* What is no UTF-8 is escaped. */
static json_t *string(const char *s)
{
	json_t *value = json_string(s);
	size_t cap = 4 * strlen(s) + 1;
	char *room;
	struct text t;

	if (value)
		return value;
	room = malloc(cap);
	if (!room)
		abort();
	t = (struct text){ room, cap, 0, false };
	text_safe(&t, s, strlen(s));
	value = json_string(room);
	free(room);
	return value;
}

static const char *text_at(const struct policy_image *image, uint32_t offset)
{
	return (const char *)image_table(image, IMAGE_TEXT) + offset;
}

static json_t *text_or_null(const struct policy_image *image, uint32_t offset)
{
	const char *text = text_at(image, offset);

	return *text ? string(text) : json_null();
}

static json_t *place(const struct policy_image *image, uint32_t file, uint32_t line,
		     uint32_t column)
{
	json_t *at = json_object();

	set(at, "file", string(text_at(image, file)));
	set(at, "line", json_integer(line));
	set(at, "column", json_integer(column));
	return at;
}

static json_t *date(int64_t seconds)
{
	char text[WHEN_TEXT];

	return json_string(when_text(seconds, text));
}

/* ---- rules ------------------------------------------------------------------------------------- */

static json_t *constraint(const struct policy_image *image, uint32_t number)
{
	const struct image_constraint *c = image_table(image, IMAGE_CONSTRAINTS);
	char *compiled = policy_dump_constraint(image, number);
	json_t *value = json_object();

	c += number;
	set(value, "attribute", string(text_at(image, c->name)));
	set(value, "compiled", string(compiled));
	set(value, "wanted", string(text_at(image, c->wanted)));
	set(value, "at", place(image, c->file, c->line, c->column));
	free(compiled);
	return value;
}

static json_t *clause(const struct policy_image *image, const struct image_clause *c)
{
	static const char *const covers[] = { "none", "others", "self", "all" };
	json_t *value = json_object(), *where = json_array();

	set(value, "op", string(xm_ops[c->op].name));
	set(value, "class", string(xm_class_names[xm_ops[c->op].class]));
	set(value, "covers",
	    xm_ops[c->op].flags & XM_OPF_STOPS_SELF ? json_string(covers[c->covers & 3])
						    : json_null());
	for (uint32_t i = 0; i < c->n_constraints; i++)
		add(where, constraint(image, c->first_constraint + i));
	set(value, "where", where);
	return value;
}

static json_t *clauses(const struct policy_image *image, enum image_table table, uint32_t first,
		       uint32_t n)
{
	const struct image_clause *c = image_table(image, table);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		add(list, clause(image, &c[first + i]));
	return list;
}

static json_t *limit(const struct policy_image *image, uint32_t number)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);
	char key[17];
	json_t *value;

	if (number == IMAGE_NONE)
		return json_null();
	l += number;
	value = json_object();
	snprintf(key, sizeof(key), "%016llx", (unsigned long long)l->key);
	set(value, "count", json_integer(l->count));
	set(value, "period", json_integer(l->period));
	set(value, "burst", json_integer(l->burst));
	set(value, "key", json_string(key));
	return value;
}

static json_t *rule(const struct policy_image *image, uint32_t number)
{
	static const char *const audits[] = { "never", "denied", "always" };
	const struct image_rule *r = image_table(image, IMAGE_RULES);
	json_t *value = json_object();

	r += number;
	set(value, "at", place(image, r->file, r->line, r->column));
	set(value, "role", string(text_at(image, r->role)));
	set(value, "effect", json_string(r->effect == POLICY_ALLOW ? "allow" : "deny"));
	set(value, "audit", json_string(audits[r->audit <= POLICY_AUDIT_ALWAYS ? r->audit : 1]));
	set(value, "because", text_or_null(image, r->because));
	set(value, "limit", limit(image, r->limit));
	set(value, "observe_until",
	    r->observe_until == IMAGE_NO_TIME ? json_null() : date(r->observe_until));
	set(value, "clauses", clauses(image, IMAGE_CLAUSES, r->first_clause, r->n_clauses));
	set(value, "grants", json_array());
	return value;
}

static int compare_pairs(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The index says who has a rule. */
static void add_grants(const struct policy_image *image, json_t *rules)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);
	struct buffer pairs = { 0 };
	uint64_t *pair, last = UINT64_MAX;

	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		uint32_t n = (uint32_t)slot->n_deny + slot->n_allow + slot->n_shadow;

		for (uint32_t j = 0; slot->key && j < n; j++) {
			uint64_t one = (uint64_t)e[slot->first + j].rule << 32 | slot->grant;

			buffer_push(&pairs, &one, sizeof(one));
		}
	}
	pair = (void *)pairs.data;
	if (pair)
		qsort(pair, BUFFER_N(&pairs, *pair), sizeof(*pair), compare_pairs);
	for (size_t i = 0; pair && i < BUFFER_N(&pairs, *pair); last = pair[i++])
		if (pair[i] != last)
			add(json_object_get(json_array_get(rules, pair[i] >> 32), "grants"),
			    json_integer((uint32_t)pair[i]));
	buffer_free(&pairs);
}

static json_t *rules(const struct policy_image *image)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < image->table[IMAGE_RULES].count; i++)
		add(list, rule(image, i));
	add_grants(image, list);
	return list;
}

/* ---- grants ------------------------------------------------------------------------------------ */

static json_t *when(const struct policy_image *image, uint32_t number)
{
	char room[4096];
	struct text t = TEXT_INIT(room);

	explain_when(&t, image, number);
	return t.len ? json_string(room) : json_null();
}

static json_t *grant(const struct policy_image *image, const struct image_grant *g)
{
	static const char *const kinds[] = { "none", "user", "group", "everyone", "all" };
	const struct image_member *member = image_table(image, IMAGE_MEMBERS);
	json_t *value = json_object(), *ids = json_array();

	set(value, "to", string(text_at(image, g->text)));
	set(value, "kind", json_string(kinds[g->kind <= IMAGE_ALL ? g->kind : 0]));
	if (g->kind == IMAGE_USER || g->kind == IMAGE_GROUP)
		set(value, "id", json_integer(g->id));
	for (uint32_t i = 0; g->kind == IMAGE_ALL && i < g->n_members; i++) {
		const struct image_member *m = &member[g->first_member + i];
		json_t *one = json_object();

		set(one, "kind", json_string(kinds[m->kind]));
		set(one, "id", json_integer(m->id));
		add(ids, one);
	}
	if (g->kind == IMAGE_ALL)
		set(value, "members", json_incref(ids));
	json_decref(ids);
	set(value, "at", place(image, g->file, g->line, g->column));
	return value;
}

static json_t *grants(const struct policy_image *image)
{
	const struct image_grant *g = image_table(image, IMAGE_GRANTS);
	json_t *list = json_array();

	for (uint32_t i = 0; i < image->table[IMAGE_GRANTS].count; i++) {
		json_t *one = grant(image, &g[i]);

		set(one, "when", when(image, i));
		add(list, one);
	}
	return list;
}

static json_t *nevers(const struct policy_image *image)
{
	const struct image_never *n = image_table(image, IMAGE_NEVERS);
	const struct image_grant *except = image_table(image, IMAGE_EXCEPTS);
	json_t *list = json_array();

	for (uint32_t i = 0; i < image->table[IMAGE_NEVERS].count; i++, n++) {
		json_t *one = json_object(), *excepts = json_array();

		set(one, "at", place(image, n->file, n->line, n->column));
		set(one, "because", text_or_null(image, n->because));
		set(one, "clauses",
		    clauses(image, IMAGE_NEVER_CLAUSES, n->first_clause, n->n_clauses));
		for (uint32_t j = 0; j < n->n_excepts; j++)
			add(excepts, grant(image, &except[n->first_except + j]));
		set(one, "except", excepts);
		add(list, one);
	}
	return list;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* How far from where it belongs a slot was found. */
static uint32_t probes_of(const struct policy_image *image, uint32_t at)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	uint32_t mask = image->table[IMAGE_INDEX].count - 1;

	return ((at - image_hash(slot[at].key)) & mask) + 1;
}

static json_t *index_of(const struct policy_image *image)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	uint32_t n = image->table[IMAGE_INDEX].count, used = 0, longest = 0, most = 0;
	uint64_t probes = 0, deny = 0, allow = 0, shadow = 0;
	json_t *value = json_object();

	for (uint32_t i = 0; i < n; i++) {
		uint32_t here = (uint32_t)slot[i].n_deny + slot[i].n_allow + slot[i].n_shadow;

		if (!slot[i].key)
			continue;
		used++;
		deny += slot[i].n_deny;
		allow += slot[i].n_allow;
		shadow += slot[i].n_shadow;
		most = here > most ? here : most;
		probes += probes_of(image, i);
		longest = probes_of(image, i) > longest ? probes_of(image, i) : longest;
	}
	set(value, "slots", json_integer(n));
	set(value, "used", json_integer(used));
	set(value, "deny_entries", json_integer((json_int_t)deny));
	set(value, "allow_entries", json_integer((json_int_t)allow));
	set(value, "shadow_entries", json_integer((json_int_t)shadow));
	set(value, "most_entries", json_integer(most));
	set(value, "longest_probe", json_integer(longest));
	set(value, "mean_probe", json_real(used ? (double)probes / used : 0));
	return value;
}

static json_t *tables(const struct policy_image *image)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++) {
		json_t *one = json_object();
		uint64_t bytes = (uint64_t)image->table[i].count * image_record_size[i];

		set(one, "name", json_string(table_names[i] ? table_names[i] : "other"));
		set(one, "records", json_integer(image->table[i].count));
		set(one, "bytes", json_integer((json_int_t)bytes));
		add(list, one);
	}
	return list;
}

static json_t *mask(const struct policy_image *image)
{
	json_t *list = json_array();

	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (xm_ops[op].wire < 8 * XM_MASK_BYTES && xm_mask_has(&image->mask, op))
			add(list, json_string(xm_ops[op].name));
	return list;
}

static json_t *system_of(const struct policy_image *image)
{
	const struct system *sys = policy_image_system(image);
	json_t *value;
	uint32_t n;

	if (!sys)
		return json_null();
	value = json_object();
	set(value, "hypervisor",
	    string(xm_profile_name(sys->profile) ? xm_profile_name(sys->profile) : "unknown"));
	system_partitions(sys, &n);
	set(value, "partitions", json_integer(n));
	set(value, "plans", json_integer(system_n_plans(sys)));
	system_ports(sys, &n);
	set(value, "ports", json_integer(n));
	return value;
}

json_t *policy_dump(const struct policy_image *image)
{
	json_t *dump = json_object();
	char digest[2 * POLICY_DIGEST + 1];

	for (unsigned int i = 0; i < POLICY_DIGEST; i++)
		snprintf(digest + 2 * i, 3, "%02x", image->digest[i]);
	set(dump, "version", json_integer(image->version));
	set(dump, "bytes", json_integer(image->size));
	set(dump, "compiled_at", date(image->compiled_at));
	set(dump, "digest", json_string(digest));
	set(dump, "system", system_of(image));
	set(dump, "hypercalls", mask(image));
	set(dump, "rules", rules(image));
	set(dump, "grants", grants(image));
	set(dump, "never", nevers(image));
	set(dump, "index", index_of(image));
	set(dump, "tables", tables(image));
	return dump;
}
