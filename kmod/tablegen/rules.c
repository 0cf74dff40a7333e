// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a row of the project's table makes of the five words of a call, and of the memory that they
 * point to.  Must never let a word or a byte pass that the row does not have.
 */

#include <string.h>

#include "tablegen.h"

static struct part *add_part(struct rule *rule, const char *kind)
{
	struct part *part = &rule->parts[rule->n_parts++];

	*part = (struct part){ .parent = -1, .kind = kind, .length_word = -1, .count_in = -1 };
	return part;
}

static void add_place(struct part *part, unsigned int offset, unsigned int size)
{
	for (unsigned int i = 0; i < part->n_places; i++)
		if (part->places[i].offset == offset && part->places[i].size == size)
			return;
	part->places[part->n_places++] = (struct place){ offset, size };
}

static void add_layout(struct part *part, const struct raw_layout *layout)
{
	for (unsigned int i = 0; i < layout->n_members; i++)
		add_place(part, layout->members[i].offset, layout->members[i].size);
}

static void point_word(struct rule *rule, struct part *part, unsigned int word)
{
	part->word = word;
	rule->words[word] = "PART";
}

static void point_field(struct rule *rule, struct part *part, int parent, unsigned int at)
{
	part->parent = parent;
	part->at = at;
	part->word = rule->parts[parent].word;
	part->depth = rule->parts[parent].depth + 1;
}

/* ---- the structure that a row reads ---------------------------------------------------------- */

static unsigned int extent(const struct raw_source *source)
{
	switch (source->kind) {
	case RAW_FIELD:
	case RAW_NAME_FIELD:
	case RAW_RECORDS_IN:
	case RAW_RECORDS_FIELD:
	case RAW_COUNT_FIELD:
	case RAW_COUNT_INOUT:
	case RAW_OUT_FIELD:
		return source->offset + source->size;
	case RAW_STRUCT_IN:
		return source->layout->size;
	default:
		return 0;
	}
}

static void describe_source(struct part *part, const struct raw_source *source)
{
	switch (source->kind) {
	case RAW_STRUCT_IN:
		add_layout(part, source->layout);
		break;
	case RAW_OUT_FIELD:
	case RAW_COUNT_INOUT:
		part->out = true;
		/* fallthrough */
	case RAW_FIELD:
	case RAW_COUNT_FIELD:
		add_place(part, source->offset, source->size);
		break;
	default:
		break;
	}
}

/* Its index, or -1. */
static int add_structure(struct rule *rule)
{
	const struct raw_row *row = rule->row;
	unsigned int end = 0;
	struct part *part;
	int cell = -1;

	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		if (extent(&row->source[i]) > end)
			end = extent(&row->source[i]);
	if (!end)
		return -1;
	if (row->flags & RAW_INDIRECT) {
		part = add_part(rule, "FIXED");
		part->in = true;
		part->size = sizeof(void *);
		point_word(rule, part, row->word);
		cell = 0;
	}
	part = add_part(rule, "FIXED");
	part->in = true;
	part->optional = row->flags & RAW_NULL_EMPTY;
	part->size = (end + row->align - 1) / row->align * row->align;
	if (cell < 0)
		point_word(rule, part, row->word);
	else
		point_field(rule, part, cell, 0);
	for (unsigned int i = 0; i < op_of(row)->n_args; i++)
		describe_source(part, &row->source[i]);
	return (int)rule->n_parts - 1;
}

/* ---- the arguments --------------------------------------------------------------------------- */

static void add_struct_out(struct rule *rule, const struct raw_source *source, int structure)
{
	struct part *part = structure < 0 ? NULL : &rule->parts[structure];

	if (!part || part->parent >= 0 || part->word != source->word) {
		part = add_part(rule, "FIXED");
		point_word(rule, part, source->word);
	}
	part->out = true;
	if (source->layout->size > part->size)
		part->size = source->layout->size;
	add_layout(part, source->layout);
}

static void add_number(struct rule *rule, const struct raw_source *source, const struct xm_arg *arg)
{
	struct part *part = add_part(rule, "FIXED");

	part->in = source->kind == RAW_POINTED;
	part->out = !part->in;
	part->optional = arg->domain == XM_D_OPT_POINTER;
	part->size = source->size;
	add_place(part, 0, source->size);
	point_word(rule, part, source->word);
}

static void add_name(struct rule *rule, const struct raw_source *source, int structure)
{
	struct part *part = add_part(rule, "NAME");

	part->in = true;
	if (source->kind == RAW_NAME)
		point_word(rule, part, source->word);
	else
		point_field(rule, part, structure, source->offset);
}

static void add_data(struct rule *rule, const struct raw_source *source, const struct xm_arg *arg)
{
	struct part *part = add_part(rule, "BYTES");

	part->in = arg->type == XM_T_DATA_IN;
	part->out = !part->in;
	part->by_result = part->out;
	part->length_word = rule->row->source[arg->ref].word;
	point_word(rule, part, source->word);
}

static void add_records(struct rule *rule, const struct raw_source *source, int structure)
{
	const struct raw_source *count = source + 1;
	struct part *part = add_part(rule, "RECORDS");

	part->in = source->kind == RAW_RECORDS_IN;
	part->out = !part->in;
	part->size = source->layout->size;
	add_layout(part, source->layout);
	if (source->kind == RAW_RECORDS) {
		part->by_result = true;
		part->length_word = count->word;
		point_word(rule, part, source->word);
		return;
	}
	part->count_in = structure;
	part->count_at = count->offset;
	part->count_size = count->size;
	point_field(rule, part, structure, source->offset);
}

static const char *width(const struct xm_arg *arg, const struct raw_source *source)
{
	if (source->size == 1)
		return "U8";
	if (source->size == 2)
		return "U16";
	if (source->size == 4 || arg->type == XM_T_U32 || arg->type == XM_T_S32)
		return "U32";
	return "FULL";
}

static void add_word(struct rule *rule, unsigned int i)
{
	const struct raw_source *source = &rule->row->source[i];
	const struct xm_arg *arg = &op_of(rule->row)->args[i];

	switch (source->kind) {
	case RAW_WORD:
		rule->words[source->word] = width(arg, source);
		break;
	case RAW_WORD_BITS:
		rule->words[source->word] = "U32";
		break;
	case RAW_WIDE: /* of the operation, a time is one word; the module takes it apart */
		rule->words[i] = "FULL";
		break;
	case RAW_COUNT:
		rule->words[source->word] = "SIZE";
		break;
	default:
		break;
	}
}

static void add_argument(struct rule *rule, unsigned int i, int structure)
{
	const struct raw_source *source = &rule->row->source[i];
	const struct xm_arg *arg = &op_of(rule->row)->args[i];

	switch (source->kind) {
	case RAW_STRUCT:
		add_struct_out(rule, source, structure);
		break;
	case RAW_OUT:
	case RAW_POINTED:
		add_number(rule, source, arg);
		break;
	case RAW_NAME:
	case RAW_NAME_FIELD:
		add_name(rule, source, structure);
		break;
	case RAW_DATA:
		add_data(rule, source, arg);
		break;
	case RAW_RECORDS:
	case RAW_RECORDS_IN:
	case RAW_RECORDS_FIELD:
		add_records(rule, source, structure);
		break;
	default:
		add_word(rule, i);
	}
}

/* The part whose bytes a word counts. */
static int find_sized(const struct rule *rule)
{
	for (unsigned int i = 0; i < rule->n_parts; i++)
		if (!strcmp(rule->parts[i].kind, "RECORDS") && rule->parts[i].length_word >= 0)
			return (int)i;
	for (unsigned int w = 0; w < RAW_WORDS; w++)
		if (!strcmp(rule->words[w], "SIZE"))
			return 0;
	return -1;
}

void describe(struct rule *rule, const struct raw_row *row)
{
	int structure;

	memset(rule, 0, sizeof(*rule));
	rule->row = row;
	for (unsigned int w = 0; w < RAW_WORDS; w++)
		rule->words[w] = "NONE";
	if (row->class != RAW_PLAIN)
		rule->words[RAW_DESCRIPTOR] = "U32";
	if (row->command != RAW_ANY)
		rule->words[RAW_COMMAND] = "U32";
	structure = add_structure(rule);
	for (unsigned int i = 0; i < op_of(row)->n_args; i++)
		add_argument(rule, i, structure);
	rule->sized = find_sized(rule);
}
