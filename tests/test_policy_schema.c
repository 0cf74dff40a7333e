// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schema as data: all words of the table are in it, once.  Whether policies are valid by it asks
 * tests/e2e/test_schema.py, with a validator.
 */

#include "policy/schema.h"
#include "tests/policy/helper.h"

static json_t *definition(json_t *schema, const char *name)
{
	json_t *value = json_object_get(json_object_get(schema, "definitions"), name);

	cr_assert_not_null(value, "%s", name);
	return value;
}

static json_t *words_of(json_t *schema)
{
	json_t *words = json_object_get(
		json_array_get(json_object_get(definition(schema, "operation"), "anyOf"), 0),
		"enum");

	cr_assert_gt(json_array_size(words), 0);
	return words;
}

static unsigned int times(const json_t *words, const char *word)
{
	unsigned int n = 0;

	for (size_t i = 0; i < json_array_size(words); i++)
		n += !strcmp(json_string_value(json_array_get(words, i)), word);
	return n;
}

Test(policy_schema, has_each_operation_and_class_once)
{
	json_t *schema = policy_schema(), *words = words_of(schema);
	char class[64];

	for (unsigned int op = 0; op < XM_N_OPS; op++)
		cr_assert_eq(times(words, xm_ops[op].name), xm_ops[op].class != XM_CLASS_NONE, "%s",
			     xm_ops[op].name);
	for (unsigned int i = XM_CLASS_NONE + 1; i < XM_N_CLASSES; i++) {
		snprintf(class, sizeof(class), "@%s", xm_class_names[i]);
		cr_assert_eq(times(words, class), 1, "%s", class);
	}
	json_decref(schema);
}

Test(policy_schema, every_word_is_one_of_the_compiler)
{
	json_t *schema = policy_schema(), *words = words_of(schema);

	for (size_t i = 0; i < json_array_size(words); i++) {
		const char *word = json_string_value(json_array_get(words, i));

		cr_assert_eq(times(words, word), 1, "%s", word);
		cr_assert(*word == '@' || xm_op_by_name(word) >= 0, "%s", word);
	}
	json_decref(schema);
}

Test(policy_schema, has_each_attribute_that_can_be_constrained)
{
	json_t *schema = policy_schema();
	json_t *where = json_object_get(definition(schema, "where"), "properties");

	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int i = 0; xm_ops[op].class != XM_CLASS_NONE && i < xm_ops[op].n_args;
		     i++)
			if (xm_type_is_scalar(xm_ops[op].args[i].type) ||
			    xm_ops[op].args[i].type == XM_T_NAME)
				cr_assert(json_object_get(where, xm_ops[op].args[i].name), "%s.%s",
					  xm_ops[op].name, xm_ops[op].args[i].name);
	cr_assert(json_object_get(where, "portName"));
	cr_assert(json_object_get(where, "resource"));
	json_decref(schema);
}
