// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The words of the schema: operations, classes, attributes and constants, with all their names.  Owns
 * nothing: all comes from the table.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "policy/model.h"
#include "policy/schema.h"

#define WORD_MAX 128
/* What a value of `define` may be called; the names of the table are not among them. */
#define DEFINED "^(?!(XM|PRTOS|prtos)_)[A-Za-z_][A-Za-z0-9_-]*$"

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

/* ---- names ------------------------------------------------------------------------------------- */

/* Calls it for each of several blank-separated names. */
static void each_word(const char *words, void (*call)(void *data, const char *word), void *data)
{
	char word[WORD_MAX];
	size_t len;

	for (; *words; words += len) {
		words += strspn(words, " ");
		len = strcspn(words, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		if (len)
			call(data, word);
	}
}

/* The mechanical PRTOS spelling: prtos_ and small letters with _ between words. */
static const char *prtos(const char *name, char out[WORD_MAX])
{
	bool prefix = !strncmp(name, "XM_", 3);
	size_t n = (size_t)snprintf(out, WORD_MAX, "%s", prefix ? "prtos_" : "");

	for (const char *s = name + (prefix ? 3 : 0); *s && n + 2 < WORD_MAX; s++) {
		if (isupper((unsigned char)*s) && s > name && islower((unsigned char)s[-1]))
			out[n++] = '_';
		out[n++] = (char)tolower((unsigned char)*s);
	}
	out[n] = '\0';
	return out;
}

static void add_word(void *data, const char *word)
{
	json_t *known;
	size_t i;

	json_array_foreach((json_t *)data, i,
			   known) if (!strcmp(json_string_value(known), word)) return;
	add(data, json_string(word));
}

/* All names of an operation. */
static json_t *names_of(unsigned int op)
{
	json_t *names = json_array();
	char word[WORD_MAX];

	add_word(names, xm_ops[op].name);
	each_word(xm_ops[op].synonyms, add_word, names);
	if (xm_op_by_name(prtos(xm_ops[op].name, word)) == (int)op)
		add_word(names, word);
	return names;
}

static bool is_named(unsigned int op)
{
	return xm_ops[op].class != XM_CLASS_NONE;
}

static void describe(json_t *names, json_t *words, json_t *texts, const char *text)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		add(words, json_incref(name));
		add(texts, json_string(text));
	}
	json_decref(names);
}

json_t *schema_operations(void)
{
	json_t *words = json_array(), *texts = json_array();
	char text[512];

	for (unsigned int i = XM_CLASS_NONE + 1; i < XM_N_CLASSES; i++) {
		snprintf(text, sizeof(text), "@%s", xm_class_names[i]);
		describe(json_pack("[s]", text), words, texts, xm_class_docs[i]);
	}
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		if (!is_named(op))
			continue;
		snprintf(text, sizeof(text), "%s (class @%s)", xm_ops[op].purpose,
			 xm_class_names[xm_ops[op].class]);
		describe(names_of(op), words, texts, text);
	}
	return json_pack("{s:s, s:[{s:o, s:o}, {s:s, s:s, s:s}]}", "title", "operation or class",
			 "anyOf", "enum", words, "markdownEnumDescriptions", texts, "description",
			 "a value of `define`", "type", "string", "pattern", DEFINED);
}

/* ---- attributes -------------------------------------------------------------------------------- */

/* What an attribute of this name can be, over all operations that have it. */
struct attribute {
	const char *name;
	bool number, is_name, buffer, partition, plan, hypervisor, any;
	bool of_enum[XM_N_ENUMS];
	json_t *ops; /* borrowed strings: who has it */
};

struct attributes {
	struct attribute list[512];
	size_t n;
};

static struct attribute *get_attribute(struct attributes *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->list[i].name, name))
			return &all->list[i];
	if (all->n == sizeof(all->list) / sizeof(all->list[0]))
		abort();
	all->list[all->n] = (struct attribute){ .name = strdup(name), .ops = json_array() };
	return &all->list[all->n++];
}

static void note(struct attribute *a, const struct xm_op *op, enum image_attribute kind,
		 unsigned int i)
{
	const struct xm_arg *arg = &op->args[i];

	add_word(a->ops, op->name);
	a->buffer |= kind == IMAGE_LENGTH;
	a->is_name |= kind == IMAGE_NAME || kind == IMAGE_PORT_NAME;
	if (kind != IMAGE_NUMBER)
		return;
	a->number = true;
	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		a->of_enum[arg->ref] = true;
		return;
	case XM_D_PARTITION_OR_HV:
		a->hypervisor = true;
		/* fall through */
	case XM_D_PARTITION:
	case XM_D_SELF:
		a->partition = true;
		return;
	case XM_D_PLAN:
		a->plan = true;
		return;
	case XM_D_HYPERVISOR:
		a->hypervisor = true;
		return;
	default:
		a->any = true;
	}
}

/* The names that an attribute of an operation may have. */
struct naming {
	const struct xm_op *op;
	void (*call)(void *data, const struct xm_op *op, const char *name);
	void *data;
};

static void try_name(void *data, const char *name)
{
	struct naming *n = data;
	enum image_attribute kind;
	unsigned int arg;

	if (vocabulary_attribute(n->op, name, &kind, &arg))
		n->call(n->data, n->op, name);
}

static void each_attribute(const struct xm_op *op,
			   void (*call)(void *data, const struct xm_op *op, const char *name),
			   void *data)
{
	struct naming n = { op, call, data };
	char word[WORD_MAX];

	for (unsigned int i = 0; i < op->n_args; i++) {
		try_name(&n, op->args[i].name);
		each_word(op->args[i].synonyms, try_name, &n);
		if (strcmp(prtos(op->args[i].name, word), op->args[i].name))
			try_name(&n, word);
	}
	if (op->flags & XM_OPF_PORT)
		each_word("portName port_name name", try_name, &n);
	try_name(&n, VOCABULARY_RESOURCE);
}

static void collect(void *data, const struct xm_op *op, const char *name)
{
	struct attributes *all = data;
	enum image_attribute kind;
	unsigned int arg;

	vocabulary_attribute(op, name, &kind, &arg);
	note(get_attribute(all, name), op, kind, arg);
}

/* ---- values ------------------------------------------------------------------------------------ */

static void add_constant(json_t *words, unsigned int e, const char *name)
{
	char word[WORD_MAX];
	uint64_t value;

	add_word(words, name);
	snprintf(word, sizeof(word), "PRTOS_%s", name + 3);
	if (xm_enum_by_name(e, word, &value))
		add_word(words, word);
}

/* Constants, and, where that is all that there can be, nothing else but a defined value. */
static json_t *words_of(const struct attribute *a, bool *closedp)
{
	json_t *words = json_array();

	*closedp = a->number && !a->any && !a->is_name && !a->partition && !a->plan;
	for (unsigned int e = 0; e < XM_N_ENUMS; e++)
		for (const struct xm_enum_value *v = xm_enums[e].values; a->of_enum[e] && v->name;
		     v++)
			add_constant(words, e, v->name);
	if (a->partition)
		add_word(words, "self");
	if (a->hypervisor)
		add_word(words, "XM_HYPERVISOR_ID");
	return words;
}

static json_t *pattern(const char *text, const char *description)
{
	return json_pack("{s:s, s:s, s:s}", "type", "string", "pattern", text, "description",
			 description);
}

/* One value, as far as it is a word or a number. */
static json_t *scalars_of(const struct attribute *a)
{
	json_t *any = json_array(), *words;
	bool closed;

	words = words_of(a, &closed);
	if (json_array_size(words))
		add(any, json_pack("{s:O}", "enum", words));
	json_decref(words);
	if (a->number) {
		add(any, json_pack("{s:s}", "type", "integer"));
		add(any, pattern("^[^.]*\\.\\.[^.]*$", "from..to, both included"));
	}
	if (a->is_name)
		add(any, pattern("^[^*]*\\*?$", "a name, or how it begins and *"));
	else if (a->partition || a->plan)
		add(any, pattern("^(?!(XM|PRTOS|prtos)_)[^*]+$",
				 "the name of a partition or plan, or a value of `define`"));
	else
		add(any, pattern(closed || !a->any ? DEFINED : "^[A-Za-z_][A-Za-z0-9_-]*$",
				 "a value of `define`"));
	return any;
}

static const char *title_of(const struct attribute *a, char room[WORD_MAX * 2])
{
	size_t n = json_array_size(a->ops);
	const char *first = json_string_value(json_array_get(a->ops, 0));

	if (n == 1)
		snprintf(room, WORD_MAX * 2, "%s of %s", a->name, first);
	else
		snprintf(room, WORD_MAX * 2, "%s of %s and %zu more", a->name, first, n - 1);
	return room;
}

static json_t *constraint_of(const struct attribute *a, const char *reference)
{
	json_t *any = scalars_of(a);
	char room[WORD_MAX * 2];

	add(any, json_pack("{s:s, s:s, s:i, s:{s:s}}", "description", "any of them", "type",
			   "array", "minItems", 1, "items", "$ref", reference));
	add(any, json_pack("{s:s, s:b, s:[s], s:{s:{s:s, s:s}}}", "type", "object",
			   "additionalProperties", 0, "required", "not", "properties", "not",
			   "$ref", reference, "description", "anything else"));
	if (a->number)
		add(any, json_pack("{s:s}", "$ref", "#/definitions/mask"));
	if (a->buffer)
		add(any, json_pack("{s:s}", "$ref", "#/definitions/length"));
	return json_pack("{s:s, s:o}", "description", title_of(a, room), "anyOf", any);
}

json_t *schema_where(void)
{
	struct attributes *all = calloc(1, sizeof(*all));
	json_t *properties = json_object();
	char reference[WORD_MAX * 2];

	if (!all)
		abort();
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (is_named(op))
			each_attribute(&xm_ops[op], collect, all);
	for (size_t i = 0; i < all->n; i++) {
		struct attribute *a = &all->list[i];

		snprintf(reference, sizeof(reference), "#/definitions/where/properties/%s",
			 a->name);
		set(properties, a->name, constraint_of(a, reference));
		json_decref(a->ops);
		free((char *)a->name);
	}
	free(all);
	return json_pack("{s:s, s:s, s:i, s:b, s:o}", "description",
			 "what the arguments must be; all of it must hold", "type", "object",
			 "minProperties", 1, "additionalProperties", 0, "properties", properties);
}

/* ---- which operation has which ----------------------------------------------------------------- */

static void add_attribute(void *data, const struct xm_op *op, const char *name)
{
	(void)op;
	add_word(data, name);
}

/* Of every operation in a class. */
static json_t *shared_attributes(unsigned int class)
{
	json_t *names = NULL, *name;
	enum image_attribute kind;
	unsigned int arg;
	size_t i;

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		if (xm_ops[op].class != class)
			continue;
		if (!names) {
			names = json_array();
			each_attribute(&xm_ops[op], add_attribute, names);
		}
		for (i = json_array_size(names); i-- > 0;) {
			name = json_array_get(names, i);
			if (!vocabulary_attribute(&xm_ops[op], json_string_value(name), &kind,
						  &arg))
				json_array_remove(names, i);
		}
	}
	return names ? names : json_array();
}

/* If one of `keys` names one of `names`, `where` has only these attributes. */
static json_t *only(const char *const *keys, json_t *names, json_t *attributes)
{
	json_t *any = json_array(), *then;

	for (; *keys; keys++)
		add(any, json_pack("{s:[s], s:{s:{s:[{s:O}, {s:s, s:{s:O}}]}}}", "required", *keys,
				   "properties", *keys, "anyOf", "enum", names, "type", "array",
				   "contains", "enum", names));
	then = json_array_size(attributes) ? json_pack("{s:{s:{s:{s:O}}}}", "properties", "where",
						       "propertyNames", "enum", attributes)
					   : json_pack("{s:{s:b}}", "properties", "where", 0);
	json_decref(names);
	json_decref(attributes);
	return json_pack("{s:{s:o}, s:o}", "if", "anyOf", any, "then", then);
}

json_t *schema_attributes(const char *const *keys)
{
	json_t *all = json_array();
	char name[WORD_MAX];

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		json_t *attributes = json_array();

		if (!is_named(op)) {
			json_decref(attributes);
			continue;
		}
		each_attribute(&xm_ops[op], add_attribute, attributes);
		add(all, only(keys, names_of(op), attributes));
	}
	for (unsigned int class = XM_CLASS_NONE + 1; class < XM_N_CLASSES; class ++) {
		/* What stops the own partition is also of other classes; resources are what they are. */
		if (class == XM_CLASS_SELF_STOP || class == XM_CLASS_MACHINE)
			continue;
		snprintf(name, sizeof(name), "@%s", xm_class_names[class]);
		add(all, only(keys, json_pack("[s]", name), shared_attributes(class)));
	}
	return all;
}
