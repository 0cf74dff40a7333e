// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The image: texts, rules and grants, and joining all tables.  Owns the layout while it grows.  Must
 * never be called with a policy that has errors.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/model.h"

/* ---- texts ------------------------------------------------------------------------------------- */

/* Open hash of what is in IMAGE_TEXT; offset 0, the empty text, marks a free slot. */
static uint32_t *text_slot(struct compilation *c, const char *text)
{
	uint32_t *slots = (void *)c->out.texts.data;
	uint32_t mask = (uint32_t)BUFFER_N(&c->out.texts, uint32_t) - 1;
	const char *all = (const char *)c->out.table[IMAGE_TEXT].data;
	uint32_t i = image_hash(image_fnv(IMAGE_FNV_BASIS, text, strlen(text))) & mask;

	while (slots[i] && strcmp(all + slots[i], text))
		i = (i + 1) & mask;
	return &slots[i];
}

static void grow_texts(struct compilation *c)
{
	struct buffer old = c->out.texts;
	size_t n = BUFFER_N(&old, uint32_t);
	const char *all;

	c->out.texts = (struct buffer){ 0 };
	buffer_add(&c->out.texts, (n ? 2 * n : 256) * sizeof(uint32_t));
	all = (const char *)c->out.table[IMAGE_TEXT].data;
	for (size_t i = 0; i < n; i++) {
		uint32_t offset = *BUFFER_AT(&old, uint32_t, i);

		if (offset)
			*text_slot(c, all + offset) = offset;
	}
	buffer_free(&old);
}

uint32_t emit_text(struct compilation *c, const char *text)
{
	struct buffer *all = &c->out.table[IMAGE_TEXT];
	uint32_t *slot;

	if (!all->len)
		buffer_add(all, 1);
	if (!*text)
		return 0;
	if (2 * c->out.n_texts >= BUFFER_N(&c->out.texts, uint32_t))
		grow_texts(c);
	slot = text_slot(c, text);
	if (!*slot) {
		*slot = (uint32_t)all->len;
		buffer_push(all, text, strlen(text) + 1);
		c->out.n_texts++;
	}
	return *slot;
}

/* ---- rules and grants -------------------------------------------------------------------------- */

struct image_clause emit_clause(const struct clause *clause, uint32_t rule)
{
	return (struct image_clause){
		.rule = rule,
		.op = (uint16_t)clause->op,
		.covers = clause->covers,
		.first_constraint = clause->first_constraint,
		.n_constraints = clause->n_constraints,
	};
}

static void emit_rule(struct compilation *c, struct rule *rule)
{
	struct image_rule out = {
		.file = emit_text(c, rule->node->source->name),
		.line = rule->node->line,
		.column = rule->node->column,
		.role = emit_text(c, rule->role->name->text),
		.because = emit_text(c, rule->because),
		.effect = (uint8_t)rule->effect,
		.audit = (uint8_t)rule->audit,
		.limit = rule->limit ? rule->limit->number : IMAGE_NONE,
		.observe_until = rule->observe_until,
	};

	rule->first_clause = (uint32_t)BUFFER_N(&c->out.table[IMAGE_CLAUSES], struct image_clause);
	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		struct image_clause record = emit_clause(clause, rule->number);

		buffer_push(&c->out.table[IMAGE_CLAUSES], &record, sizeof(record));
		rule->n_clauses++;
	}
	out.first_clause = rule->first_clause;
	out.n_clauses = rule->n_clauses;
	buffer_push(&c->out.table[IMAGE_RULES], &out, sizeof(out));
}

static const char *kind_text(struct compilation *c, uint32_t kind, uint32_t id)
{
	return arena_printf(&c->arena, "%s:%u", kind == IMAGE_USER ? "user" : "group", id);
}

/* As written if it is one word, else spelled out. */
static const char *grant_text(struct compilation *c, const struct grant *grant)
{
	const char *text = "", *comma = "";

	if (grant->kind == IMAGE_EVERYONE)
		return "everyone";
	if (grant->kind != IMAGE_ALL)
		return grant->to->kind == NODE_SCALAR && strchr(grant->to->text, ':')
			       ? grant->to->text
			       : kind_text(c, grant->kind, grant->id);
	for (const struct member *m = grant->members; m; m = m->next, comma = " and ")
		text = arena_printf(&c->arena, "%s%s%s", text, comma, kind_text(c, m->kind, m->id));
	return text;
}

struct image_grant emit_principal(struct compilation *c, const struct grant *grant)
{
	struct buffer *members = &c->out.table[IMAGE_MEMBERS];
	struct image_grant out = {
		.kind = grant->kind,
		.id = grant->id,
		.first_member = (uint32_t)BUFFER_N(members, struct image_member),
		.text = emit_text(c, grant_text(c, grant)),
		.file = emit_text(c, grant->node->source->name),
		.line = grant->node->line,
		.column = grant->node->column,
		.when = IMAGE_NONE,
	};

	for (const struct member *m = grant->members; m; m = m->next) {
		struct image_member member = { m->kind, m->id };

		buffer_push(members, &member, sizeof(member));
		out.n_members++;
		if (m->kind == IMAGE_GROUP)
			buffer_push(&c->out.table[IMAGE_GROUPS], &m->id, sizeof(m->id));
	}
	return out;
}

static void emit_grant(struct compilation *c, const struct grant *grant)
{
	struct image_grant out = emit_principal(c, grant);

	if (grant->when) {
		when_emit(c, grant->when);
		out.when = grant->when->number;
	}
	buffer_push(&c->out.table[IMAGE_GRANTS], &out, sizeof(out));
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_groups(struct buffer *groups)
{
	uint32_t *id = (void *)groups->data;
	size_t n = BUFFER_N(groups, *id), kept = 1;

	if (n < 2)
		return;
	qsort(id, n, sizeof(*id), compare_ids);
	for (size_t i = 1; i < n; i++)
		if (id[i] != id[kept - 1])
			id[kept++] = id[i];
	groups->len = kept * sizeof(*id);
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Entries are cache lines. */
static size_t padded(size_t len)
{
	return (len + 63) & ~(size_t)63;
}

static struct policy_image *join(struct compilation *c, size_t size)
{
	struct policy_image *image = calloc(1, size);
	size_t at = padded(sizeof(*image));

	if (!image) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++) {
		const struct buffer *table = &c->out.table[i];

		image->table[i].offset = (uint32_t)at;
		image->table[i].count = (uint32_t)(table->len / image_record_size[i]);
		if (table->len)
			memcpy((uint8_t *)image + at, table->data, table->len);
		at += padded(table->len);
	}
	return image;
}

static void *finish(struct compilation *c, size_t *lenp)
{
	size_t size = padded(sizeof(struct policy_image));
	struct diag_place nowhere = { .file = NULL };
	struct policy_image *image;

	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++)
		size += padded(c->out.table[i].len);
	if (size > POLICY_IMAGE_MAX) {
		diag_add(c->diag, DIAG_ERROR, nowhere, NULL, 0,
			 "grant large roles to groups instead of many users",
			 "the compiled policy is larger than %u bytes", POLICY_IMAGE_MAX);
		return NULL;
	}
	image = join(c, size);
	image->magic = IMAGE_MAGIC;
	image->version = IMAGE_VERSION;
	image->size = (uint32_t)size;
	image->vocabulary = image_vocabulary();
	image->compiled_at = c->now;
	image_mask(image, &image->mask);
	*lenp = size;
	return image;
}

void *policy_emit(struct compilation *c, size_t *lenp)
{
	emit_text(c, "");
	limit_emit(c);
	for (size_t i = 0; i < BUFFER_N(&c->rules, struct rule *); i++)
		emit_rule(c, *BUFFER_AT(&c->rules, struct rule *, i));
	for (size_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++)
		emit_grant(c, *BUFFER_AT(&c->grants, struct grant *, i));
	never_emit(c);
	sort_groups(&c->out.table[IMAGE_GROUPS]);
	if (c->sys)
		buffer_push(&c->out.table[IMAGE_SYSTEM], c->sys, c->sys->size);
	emit_index(c);
	return finish(c, lenp);
}
