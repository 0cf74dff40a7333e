// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The check of a tree against the grammar.  Must report every mistake, with what was expected in its
 * place.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/events.h"
#include "libxm/system/grammar.h"
#include "libxm/system/system.h"
#include "libxm/system/value.h"

#define MAX_ATTRS GRAMMAR_MAX_ATTRS
#define MAX_CHILDREN GRAMMAR_MAX_CHILDREN

uint32_t schema_profile(unsigned int dialect)
{
	if (dialect == SCHEMA_2_X)
		return XM_PROFILE_ID_2_4; /* 2.6 has the same names */
	return dialect == SCHEMA_PRTOS ? XM_PROFILE_ID_PRTOS : XM_PROFILE_ID_3_X;
}

struct xml_node *schema_child(const struct xml_node *node, enum schema_element element,
			      const struct xml_node *last)
{
	struct xml_node *child = last ? last->next : node->first;

	while (child && child->mark != (unsigned int)element + 1)
		child = child->next;
	return child;
}

/* ---- values ------------------------------------------------------------------------------------- */

struct check {
	const struct xml_source *source;
	unsigned int dialect;
	const char *space;
};

static const char *const expected[] = {
	[TEXT] = "",
	[NAME] = "a name of 1 to 31 printable ASCII characters",
	[NUMBER] = "a decimal number",
	[LABEL] = "a decimal number, or a hexadecimal one with 0x",
	[HEX] = "a hexadecimal number, such as 0x100000",
	[SIZE] = "a size, such as 64B, 4KB or 1.5MB",
	[TIME] = "a time, such as 10ms, 250us or 1.5s",
	[FREQUENCY] = "a frequency, such as 50MHz or 800KHz",
	[BOOLEAN] = "yes, no, true or false",
	[NUMBERS] = "a blank-separated list of decimal numbers",
};

static bool good_name(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return len > 0 && len <= XM_NAME_MAX;
}

static bool good_numbers(const char *list)
{
	const char *word;
	size_t len;

	while (value_word(&list, &word, &len))
		if (len > 9 || strspn(word, "0123456789") < len)
			return false;
	return true;
}

static bool good_value(enum notation notation, const char *s)
{
	uint64_t number;
	bool boolean;

	switch (notation) {
	case NAME:
		return good_name(s);
	case NUMBER:
		return value_number(s, &number) && number <= UINT32_MAX;
	case LABEL:
		return (value_number(s, &number) || value_hex(s, &number)) && number <= UINT32_MAX;
	case HEX:
		return value_hex(s, &number);
	case SIZE:
		return value_size(s, &number);
	case TIME:
		return value_time(s, &number) && number <= SYSTEM_MAX_TIME;
	case FREQUENCY:
		return value_frequency(s, &number);
	case BOOLEAN:
		return value_boolean(s, &boolean);
	case NUMBERS:
		return good_numbers(s);
	default:
		return true;
	}
}

static bool listed(const char *words, const char *s, size_t len)
{
	const char *word;
	size_t n;

	while (value_word(&words, &word, &n))
		if (n == len && !memcmp(word, s, len))
			return true;
	return false;
}

static void check_words(const struct check *check, const struct xml_attr *attr,
			const struct attr_rule *rule)
{
	const char *list = attr->value, *word;
	char hint[160];
	size_t len;

	snprintf(hint, sizeof(hint), "expected %s: %s",
		 rule->notation == ONE_OF ? "one of" : "a list of", rule->words);
	if (rule->notation == ONE_OF) {
		if (!listed(rule->words, attr->value, strlen(attr->value)))
			xml_report(check->source, DIAG_ERROR, attr->at, hint, "bad %s \"%.40s\"",
				   attr->name, attr->value);
		return;
	}
	while (value_word(&list, &word, &len))
		if (!listed(rule->words, word, len))
			xml_report(check->source, DIAG_ERROR, attr->at, hint,
				   "unknown word \"%.*s\" in %s", (int)(len > 40 ? 40 : len), word,
				   attr->name);
}

static void check_event(const struct check *check, const struct xml_attr *attr)
{
	uint32_t profile = schema_profile(check->dialect);
	char hint[128];

	if (system_event_number(profile, attr->value) == -1)
		xml_report(check->source, DIAG_ERROR, attr->at,
			   system_event_hint(profile, attr->value, hint, sizeof(hint)),
			   "unknown health monitor event \"%.60s\"", attr->value);
}

static void check_action(const struct check *check, const struct xml_attr *attr)
{
	uint32_t profile = schema_profile(check->dialect);
	char hint[320];

	if (system_action_number(profile, attr->value) == -1)
		xml_report(check->source, DIAG_ERROR, attr->at,
			   system_action_hint(profile, attr->value, hint, sizeof(hint)),
			   "unknown health monitor action \"%.60s\"", attr->value);
}

static void check_value(const struct check *check, const struct xml_attr *attr,
			const struct attr_rule *rule)
{
	char hint[120];

	switch (rule->notation) {
	case ONE_OF:
	case LIST_OF:
		check_words(check, attr, rule);
		break;
	case EVENT:
		check_event(check, attr);
		break;
	case ACTION:
		check_action(check, attr);
		break;
	default:
		if (good_value(rule->notation, attr->value))
			break;
		snprintf(hint, sizeof(hint), "expected %s", expected[rule->notation]);
		xml_report(check->source, DIAG_ERROR, attr->at, hint, "bad %s \"%.40s\"",
			   attr->name, attr->value);
	}
}

/* ---- attributes --------------------------------------------------------------------------------- */

static bool in_dialect(unsigned int dialects, const struct check *check)
{
	return !dialects || (dialects & check->dialect);
}

static const struct attr_rule *find_attr_rule(const struct check *check,
					      const struct element_rule *rule, const char *name)
{
	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (in_dialect(rule->attrs[i].dialects, check) &&
		    !strcmp(rule->attrs[i].name, name))
			return &rule->attrs[i];
	return NULL;
}

static void unknown_attr(const struct check *check, const struct xml_node *node,
			 const struct element_rule *rule, const struct xml_attr *attr)
{
	const char *names[MAX_ATTRS], *near;
	char hint[256] = "it has no attributes";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (in_dialect(rule->attrs[i].dialects, check))
			names[n++] = rule->attrs[i].name;
	near = check->source->diag->truncated ? NULL : diag_nearest(attr->name, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	for (size_t i = 0; !near && i < n && len < sizeof(hint); i++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s%s",
					i ? ", " : "it has: ", names[i]);
	xml_report(check->source, DIAG_ERROR, attr->at, hint, "<%s> has no attribute \"%.40s\"",
		   node->name, attr->name);
}

static void check_attrs(const struct check *check, const struct xml_node *node,
			const struct element_rule *rule)
{
	for (size_t i = 0; i < node->n_attrs; i++) {
		const struct attr_rule *attr = find_attr_rule(check, rule, node->attrs[i].name);

		if (attr)
			check_value(check, &node->attrs[i], attr);
		else
			unknown_attr(check, node, rule, &node->attrs[i]);
	}
	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (rule->attrs[i].required && in_dialect(rule->attrs[i].dialects, check) &&
		    !xml_attr(node, rule->attrs[i].name))
			xml_report(check->source, DIAG_ERROR, node->at, NULL,
				   "<%s> lacks the attribute \"%s\"", node->name,
				   rule->attrs[i].name);
}

/* ---- elements ----------------------------------------------------------------------------------- */

static const struct child_rule *find_child_rule(const struct check *check,
						const struct element_rule *rule,
						const struct xml_node *node)
{
	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++)
		if (in_dialect(rule->children[i].dialects, check) &&
		    !strcmp(grammar[rule->children[i].element].name, node->name))
			return &rule->children[i];
	return NULL;
}

static void unknown_child(const struct check *check, const struct xml_node *node,
			  const struct element_rule *rule)
{
	const char *names[MAX_CHILDREN], *near;
	char hint[256] = "it has no elements inside";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++)
		if (in_dialect(rule->children[i].dialects, check))
			names[n++] = grammar[rule->children[i].element].name;
	near = check->source->diag->truncated ? NULL : diag_nearest(node->name, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean <%s>?", near);
	for (size_t i = 0; !near && i < n && len < sizeof(hint); i++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s<%s>",
					i ? ", " : "expected ", names[i]);
	xml_report(check->source, DIAG_ERROR, node->at, hint, "unknown element <%.40s> in <%s>",
		   node->name, rule->name);
}

/* Those too many are not read, so that no table outgrows its limit. */
static void check_count(const struct check *check, const struct xml_node *node,
			const struct child_rule *child)
{
	struct xml_node *at = NULL;
	unsigned int n = 0;

	while ((at = schema_child(node, child->element, at))) {
		if (++n == child->max + 1)
			xml_report(check->source, DIAG_ERROR, at->at, NULL,
				   child->max == 1 ? "a second <%s> in <%s>"
						   : "too many <%s> in <%s>",
				   at->name, node->name);
		if (n > child->max)
			at->mark = 0;
	}
	if (n < child->min)
		xml_report(check->source, DIAG_ERROR, node->at, NULL, "<%s> lacks <%s>", node->name,
			   grammar[child->element].name);
}

static void check_counts(const struct check *check, const struct xml_node *node,
			 const struct element_rule *rule)
{
	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++)
		if (in_dialect(rule->children[i].dialects, check))
			check_count(check, node, &rule->children[i]);
}

/* Recursion is bounded by the parser. */
static void check_element(const struct check *check, struct xml_node *node,
			  enum schema_element element)
{
	const struct element_rule *rule = &grammar[element];

	node->mark = (unsigned int)element + 1;
	check_attrs(check, node, rule);
	for (struct xml_node *child = node->first; child; child = child->next) {
		const struct child_rule *known = find_child_rule(check, rule, child);

		if (strcmp(child->space, check->space))
			xml_report(check->source, DIAG_ERROR, child->at, NULL,
				   "<%.40s> is of another namespace", child->name);
		else if (known)
			check_element(check, child, known->element);
		else
			unknown_child(check, child, rule);
	}
	check_counts(check, node, rule);
}

void schema_check(const struct xml_source *source, struct xml_node *root, unsigned int dialect)
{
	struct check check = { source, dialect, root->space };

	check_element(&check, root, SE_SYSTEM);
}
