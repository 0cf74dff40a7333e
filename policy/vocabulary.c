// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The words of the policy language that come from the table of operations, and what a misspelt one was
 * probably meant to be.  Owns nothing.  Must never accept a word: it only looks up and suggests.
 */

#include <string.h>

#include "policy/model.h"

#define WORDS_MAX 256

struct words {
	const char *word[WORDS_MAX];
	size_t n;
};

static void add(struct words *words, const char *word)
{
	if (words->n < WORDS_MAX)
		words->word[words->n++] = word;
}

const char *vocabulary_hint(struct arena *arena, const char *word, const char *const *words,
			    size_t n)
{
	const char *nearest = diag_nearest(word, words, n);

	return nearest ? arena_printf(arena, "did you mean '%s'?", nearest) : NULL;
}

const char *vocabulary_op_hint(struct arena *arena, const char *word)
{
	struct words words = { .n = 0 };

	for (unsigned int i = 0; i < XM_N_OPS; i++)
		if (xm_ops[i].class != XM_CLASS_NONE)
			add(&words, xm_ops[i].name);
	for (unsigned int i = 0; i < XM_N_CLASSES; i++)
		if (i != XM_CLASS_NONE)
			add(&words, arena_printf(arena, "@%s", xm_class_names[i]));
	if (*word != '@' && xm_class_by_name(word) > XM_CLASS_NONE)
		return arena_printf(arena, "did you mean the class \"@%s\"?", word);
	return vocabulary_hint(arena, word, words.word, words.n);
}

/* Whether a rule can say what such an argument must be. */
static bool has_value(enum xm_type type)
{
	return xm_type_is_scalar(type) || type == XM_T_NAME || type == XM_T_DATA_IN ||
	       type == XM_T_DATA_OUT;
}

const char *vocabulary_attribute_hint(struct arena *arena, const struct xm_op *op, const char *word)
{
	struct words words = { .n = 0 };
	char *list;

	for (unsigned int i = 0; i < op->n_args; i++)
		if (has_value(op->args[i].type))
			add(&words, op->args[i].name);
	if (op->flags & XM_OPF_PORT)
		add(&words, "portName");
	if (diag_nearest(word, words.word, words.n))
		return vocabulary_hint(arena, word, words.word, words.n);
	if (!words.n)
		return "it has no attributes";
	list = arena_printf(arena, "it has %s", words.word[0]);
	for (size_t i = 1; i < words.n; i++)
		list = arena_printf(arena, "%s, %s", list, words.word[i]);
	return list;
}

static void add_partitions(struct words *words, const struct system *sys)
{
	uint32_t n = 0;
	const struct system_partition *partition = sys ? system_partitions(sys, &n) : NULL;

	add(words, "self");
	for (uint32_t i = 0; i < n; i++)
		add(words, partition[i].name);
}

const char *vocabulary_nearest_value(const struct system *sys, const struct xm_arg *arg,
				     const char *word)
{
	struct words words = { .n = 0 };
	const struct system_plan *plan;
	uint32_t n = 0;

	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		for (const struct xm_enum_value *v = xm_enums[arg->ref].values; v->name; v++)
			add(&words, v->name);
		break;
	case XM_D_SELF:
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		add_partitions(&words, sys);
		break;
	case XM_D_PLAN:
		plan = sys ? system_plans(sys, &n) : NULL;
		for (uint32_t i = 0; i < n; i++)
			add(&words, plan[i].name);
		break;
	default:
		break;
	}
	return diag_nearest(word, words.word, words.n);
}

static bool is_port_name(const char *word)
{
	return !strcmp(word, "portName") || !strcmp(word, "port_name") || !strcmp(word, "name");
}

/* "resource" is, of every operation of class @machine, the first argument that names one. */
static int find_argument(const struct xm_op *op, const char *word)
{
	int arg = xm_arg_by_name(op, word);

	if (arg >= 0 || strcmp(word, VOCABULARY_RESOURCE))
		return arg;
	for (unsigned int i = 0; i < op->n_args; i++)
		if (xm_domain_is_resource(op->args[i].domain))
			return (int)i;
	return -1;
}

bool vocabulary_attribute(const struct xm_op *op, const char *word, enum image_attribute *kindp,
			  unsigned int *argp)
{
	int arg = find_argument(op, word);

	*argp = 1;
	if (arg < 0) {
		*kindp = IMAGE_PORT_NAME;
		return (op->flags & XM_OPF_PORT) && is_port_name(word);
	}
	*argp = (unsigned int)arg;
	if (xm_type_is_scalar(op->args[arg].type))
		*kindp = IMAGE_NUMBER;
	else if (op->args[arg].type == XM_T_NAME)
		*kindp = IMAGE_NAME;
	else if (op->args[arg].type == XM_T_DATA_IN || op->args[arg].type == XM_T_DATA_OUT)
		*kindp = IMAGE_LENGTH;
	else
		return false;
	return true;
}
