// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What stands behind an attribute in `where`: values, names, ranges, lists, not, masks and lengths, to
 * terms of the image.  Owns the check that a value can occur at all: one outside of the argument's
 * domain is an error, since a rule that never matches is a mistake, and in a deny a hole.
 */

#include <stdarg.h>
#include <string.h>

#include "policy/set.h"

/* One condition under construction. */
struct builder {
	struct compilation *c;
	struct condition *cond;
	struct set positive;
	struct buffer negated; /* struct set: those that are not plain intervals */
	unsigned int depth;
	unsigned int defined;  /* definitions that are being expanded */
	unsigned int expanded; /* values so far: defines of defines grow fast */
	int beyond; /* the last number is below (-1) or above (1) the type of a shared one */
	bool failed;
};

#define FAIL(b, node, hint, ...) fail(b, node, hint, __VA_ARGS__)

static void fail(struct builder *b, const struct node *node, const char *hint, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* An error; one in a defined value also tells where that is used. */
static void fail(struct builder *b, const struct node *node, const char *hint, const char *format,
		 ...)
{
	const struct node *key = b->cond->attribute;
	char *text;
	va_list args;

	b->failed = true;
	if (diag_is_full(b->c->diag, DIAG_ERROR)) {
		node_error(b->c->diag, node, NULL, "%s", format);
		return;
	}
	va_start(args, format);
	text = arena_vprintf(&b->c->arena, format, args);
	va_end(args);
	if (b->defined && node != key)
		node_error(b->c->diag, node, hint, "%s; it is used at %s:%u:%u", text,
			   key->source->name, key->line, key->column);
	else
		node_error(b->c->diag, node, hint, "%s", text);
}

static void build(struct builder *b, struct set *set, const struct node *node, bool in_not);

static bool is_signed(const struct builder *b)
{
	return b->cond->width == IMAGE_S32 || b->cond->width == IMAGE_S64;
}

static uint64_t type_min(const struct builder *b)
{
	if (b->cond->width == IMAGE_S32)
		return (uint64_t)(int64_t)INT32_MIN ^ IMAGE_BIAS;
	return 0;
}

static uint64_t type_max(const struct builder *b)
{
	if (b->cond->width == IMAGE_U32)
		return UINT32_MAX;
	if (b->cond->width == IMAGE_S32)
		return (uint64_t)INT32_MAX ^ IMAGE_BIAS;
	return UINT64_MAX;
}

static const char *attribute(const struct builder *b)
{
	return b->cond->attribute->text;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

/* Of a condition that operations with arguments of several types share: the nearest number that the
 * argument can be, and b->beyond. */
static uint64_t nearest(struct builder *b, uint64_t value, bool negative)
{
	uint64_t min = type_min(b), max = type_max(b);

	b->beyond = 0;
	if (negative && value && !is_signed(b))
		b->beyond = -1;
	else if (is_signed(b) && value > (uint64_t)INT64_MAX + negative)
		b->beyond = negative ? -1 : 1;
	if (b->beyond)
		return b->beyond < 0 ? min : max;
	value = negative ? -value : value;
	if (is_signed(b))
		value ^= IMAGE_BIAS;
	b->beyond = value < min ? -1 : value > max;
	return b->beyond < 0 ? min : b->beyond ? max : value;
}

/* As it is written, whether it fits into a number or not. */
static bool is_number(const char *text)
{
	text += *text == '-';
	if (!strncmp(text, "0x", 2))
		return text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	return *text && !text[strspn(text, "0123456789")];
}

static bool too_large(struct builder *b, const struct node *node, const char *text)
{
	FAIL(b, node, NULL, "%s is too %s for %s", text, *text == '-' ? "small" : "large",
	     attribute(b));
	return false;
}

/* One bound or value.  False after an error. */
static bool number(struct builder *b, const struct node *node, const char *text, uint64_t *valuep)
{
	const char *why;
	bool negative;
	uint64_t value;

	if (!policy_number(text, &value, &negative)) {
		if (is_number(text))
			return too_large(b, node, text);
		if (!domain_symbol(b->c, b->cond, text, &value)) {
			FAIL(b, node, domain_symbol_hint(b->c, b->cond, text),
			     "'%s' is no value for %s", text, attribute(b));
			return false;
		}
		negative = false;
	}
	if (b->cond->shared) {
		*valuep = nearest(b, value, negative);
		return true;
	}
	if (negative && !is_signed(b) && value) {
		FAIL(b, node, "write a number from 0 on", "%s is never negative", attribute(b));
		return false;
	}
	if (is_signed(b) && value > (uint64_t)INT64_MAX + negative)
		return too_large(b, node, text);
	if (negative)
		value = -value;
	if (is_signed(b))
		value ^= IMAGE_BIAS;
	if (value < type_min(b) || value > type_max(b))
		return too_large(b, node, text);
	why = domain_excludes(b->c, b->cond, value);
	if (why)
		FAIL(b, node, NULL, "%s can never be %s: %s", attribute(b), text, why);
	*valuep = value;
	return !why;
}

static const char *trimmed(struct compilation *c, const char *from, size_t len)
{
	while (len && from[0] == ' ')
		from++, len--;
	while (len && from[len - 1] == ' ')
		len--;
	return arena_strndup(&c->arena, from, len);
}

static void build_range(struct builder *b, struct set *set, const struct node *node,
			const char *dots)
{
	const char *from = trimmed(b->c, node->text, (size_t)(dots - node->text));
	const char *to = trimmed(b->c, dots + 2, strlen(dots + 2));
	uint64_t low = type_min(b), high = type_max(b);
	bool beyond = false;

	if (!*from && !*to) {
		FAIL(b, node, "write a.., ..b or a..b", "a range without ends");
		return;
	}
	if (*from && !number(b, node, from, &low))
		return;
	beyond = *from && b->beyond > 0;
	if (*to && !number(b, node, to, &high))
		return;
	beyond |= *to && b->beyond < 0;
	if (beyond)
		return;
	if (low > high)
		FAIL(b, node, "the smaller end comes first", "the range %s is empty", node->text);
	else
		set_add(set, low, high);
}

static void build_number(struct builder *b, struct set *set, const struct node *node)
{
	const char *dots = strstr(node->text, "..");
	uint64_t value = 0;

	if (dots && !node->plain) {
		FAIL(b, node, "remove the quotes", "%s needs a range, and \"%s\" is a string",
		     attribute(b), node->text);
	} else if (dots) {
		build_range(b, set, node, dots);
	} else if (!strcmp(node->text, "self") && domain_is_partition(b->cond->domain)) {
		set->self = true;
	} else if (!node->plain && is_number(node->text)) {
		FAIL(b, node, "remove the quotes", "%s needs a number, and \"%s\" is a string",
		     attribute(b), node->text);
	} else if (number(b, node, node->text, &value) && !b->beyond) {
		set_add(set, value, value);
	}
}

/* ---- names ------------------------------------------------------------------------------------- */

static void check_name(struct builder *b, const struct node *node, size_t len, bool prefix)
{
	const char *what = b->cond->domain == XM_D_SAMPLING_NAME ? "port" : "partition or plan";

	if (!b->c->sys || domain_has_name(b->c, b->cond, node->text, len, prefix))
		return;
	if (prefix)
		node_warning(b->c->diag, node, NULL, "no %s of the system has a name like '%s'",
			     what, node->text);
	else
		FAIL(b, node, domain_name_hint(b->c, node->text), "the system has no %s '%s'", what,
		     node->text);
}

static void build_name(struct builder *b, struct set *set, const struct node *node)
{
	struct image_name name = { .prefix = 0 };
	size_t len = strlen(node->text);
	const char *star = strchr(node->text, '*');
	bool negative;
	uint64_t value;

	if (node->plain && policy_number(node->text, &value, &negative)) {
		FAIL(b, node, "if it is a name, quote it", "%s is a name, and %s is a number",
		     attribute(b), node->text);
		return;
	}
	if (star && star[1]) {
		FAIL(b, node, "list the names, or what they begin with", "a * can only end a name");
		return;
	}
	if (star)
		len--;
	if (len > XM_NAME_MAX || (!len && !star)) {
		FAIL(b, node, len ? NULL : "write the name, or \"*\" for any",
		     len ? "the name is longer than any name can be" : "the name is empty");
		return;
	}
	memcpy(name.bytes, node->text, len);
	name.len = (uint8_t)len;
	name.prefix = star != NULL;
	buffer_push(&set->names, &name, sizeof(name));
	check_name(b, node, len, name.prefix);
}

/* ---- structure --------------------------------------------------------------------------------- */

static bool mask_part(struct builder *b, const struct node *node, const char *what,
		      uint64_t *valuep)
{
	bool negative;

	if (node && node->kind == NODE_SCALAR && node->plain &&
	    policy_number(node->text, valuep, &negative) && !negative && *valuep <= type_max(b))
		return true;
	FAIL(b, node ? node : b->cond->attribute, "write {mask: 0xF0, is: 0x10}",
	     "`%s` needs a number that fits %s", what, attribute(b));
	return false;
}

static const char *const mask_keys[] = { "mask", "is" };

static void build_mask(struct builder *b, struct set *set, const struct node *map)
{
	struct image_mask mask;

	if (b->cond->kind != IMAGE_NUMBER || is_signed(b)) {
		FAIL(b, map, "write values or ranges",
		     "a mask needs an attribute that is a number without sign, which %s is not",
		     attribute(b));
		return;
	}
	NODE_FOR_EACH_KEY(key, map)
	if (strcmp(key->text, "mask") && strcmp(key->text, "is"))
		FAIL(b, key, vocabulary_hint(&b->c->arena, key->text, mask_keys, 2),
		     "unknown key '%s' in a mask", key->text);
	if (!mask_part(b, node_get(map, "mask"), "mask", &mask.mask) ||
	    !mask_part(b, node_get(map, "is"), "is", &mask.is))
		return;
	if (!mask.mask || (mask.is & ~mask.mask))
		FAIL(b, map, "write {mask: 0xF0, is: 0x10}",
		     mask.mask ? "`is` has bits outside the mask: this never holds"
			       : "the mask is empty");
	else
		buffer_push(&set->masks, &mask, sizeof(mask));
}

static void build_not(struct builder *b, const struct node *value)
{
	struct set set = { .self = false };

	build(b, &set, value, true);
	set_normalise(&set);
	if (set.self || set.masks.len || set.names.len) {
		buffer_push(&b->negated, &set, sizeof(set));
		return;
	}
	/* What an argument of some operation cannot be leaves it all of its values. */
	if (set.intervals.len || b->cond->shared)
		set_add_complement(&b->positive, &set, type_min(b), type_max(b));
	set_free(&set);
}

static void no_constraint(struct builder *b, const struct node *map)
{
	static const char *const keys[] = { "not", "mask" };
	bool masks = b->cond->kind == IMAGE_NUMBER;
	const char *hint = NULL;

	if (map->n)
		hint = vocabulary_hint(&b->c->arena, map->first->text, keys, masks ? 2 : 1);
	if (!hint)
		hint = masks ? "write {not: ...}, or {mask: M, is: V}" : "write {not: ...}";
	FAIL(b, map->n ? map->first : map, hint, "this is no constraint");
}

static void build_map(struct builder *b, struct set *set, const struct node *map, bool in_not)
{
	const struct node *not = node_get(map, "not");

	if (not &&map->n == 1 && in_not)
		FAIL(b, map, "list the values that are meant", "a not inside a not");
	else if (not &&map->n == 1)
		build_not(b, not );
	else if (node_get(map, "mask"))
		build_mask(b, set, map);
	else if (node_get(map, "length"))
		FAIL(b, map, "only buffers have one", "%s has no length", attribute(b));
	else
		no_constraint(b, map);
}

static void build_scalar(struct builder *b, struct set *set, const struct node *node, bool in_not)
{
	struct define *define = policy_define(b->c, node->text);

	if (node->bad) {
		b->failed = true;
	} else if (define && define->busy) {
		b->failed = true;
		policy_defined_by_itself(b->c, node);
	} else if (define) {
		define->busy = true;
		b->defined++;
		build(b, set, define->value, in_not);
		b->defined--;
		define->busy = false;
	} else if (b->cond->kind == IMAGE_NAME) {
		build_name(b, set, node);
	} else {
		build_number(b, set, node);
	}
}

#define EXPAND_DEPTH_MAX 32
#define EXPAND_MAX 65536

static void build(struct builder *b, struct set *set, const struct node *node, bool in_not)
{
	if (b->expanded > EXPAND_MAX)
		return;
	if (++b->expanded > EXPAND_MAX) {
		FAIL(b, b->cond->attribute, "use ranges", "%s has more than %u values",
		     attribute(b), EXPAND_MAX);
		return;
	}
	if (++b->depth > EXPAND_DEPTH_MAX) {
		FAIL(b, node, "list the values where they are used",
		     "lists and defined values are nested too deeply");
		b->expanded = EXPAND_MAX + 1; /* enough said */
	} else if (node->kind == NODE_SCALAR) {
		build_scalar(b, set, node, in_not);
	} else if (node->kind == NODE_MAP) {
		build_map(b, set, node, in_not);
	} else {
		if (!node->n)
			FAIL(b, node, "write a value, or remove it",
			     "an empty list: %s could have no value", attribute(b));
		NODE_FOR_EACH(item, node)
		build(b, set, item, in_not);
	}
	b->depth--;
}

/* ---- into the image ---------------------------------------------------------------------------- */

static uint32_t append(struct buffer *to, const struct buffer *from, size_t size)
{
	uint32_t first = (uint32_t)(to->len / size);

	buffer_push(to, from->data, from->len);
	return first;
}

static void emit_term(struct builder *b, const struct set *set, bool negated)
{
	struct buffer *table = b->c->out.table;
	struct image_term term = { .negated = negated, .self = set->self };

	term.n_intervals = (uint32_t)BUFFER_N(&set->intervals, struct image_interval);
	term.first_interval =
		append(&table[IMAGE_INTERVALS], &set->intervals, sizeof(struct image_interval));
	term.n_masks = (uint32_t)BUFFER_N(&set->masks, struct image_mask);
	term.first_mask = append(&table[IMAGE_MASKS], &set->masks, sizeof(struct image_mask));
	term.n_names = (uint32_t)BUFFER_N(&set->names, struct image_name);
	term.first_name = append(&table[IMAGE_NAMES], &set->names, sizeof(struct image_name));
	buffer_push(&table[IMAGE_TERMS], &term, sizeof(term));
	b->cond->n_terms++;
}

static void finish(struct builder *b, const struct node *value)
{
	struct set *negated = (void *)b->negated.data;
	size_t n = BUFFER_N(&b->negated, *negated);
	struct set_leaves leaves;

	set_normalise(&b->positive);
	leaves = (struct set_leaves){
		b->c, b->cond, &b->positive, negated, n, type_min(b), type_max(b),
	};
	if (!b->failed && !b->cond->shared && !set_leaves(&leaves))
		FAIL(b, value, "the rule could never match: change it, or remove the rule",
		     "no value of %s is left", attribute(b));
	b->cond->good = !b->failed;
	b->cond->first_term = (uint32_t)BUFFER_N(&b->c->out.table[IMAGE_TERMS], struct image_term);
	b->cond->wanted = emit_text(b->c, b->failed ? "" : policy_wanted(b->c, value));
	if (!set_is_empty(&b->positive) || !n)
		emit_term(b, &b->positive, false);
	for (size_t i = 0; i < n; i++) {
		emit_term(b, &negated[i], true);
		set_free(&negated[i]);
	}
	set_free(&b->positive);
	buffer_free(&b->negated);
}

/* A buffer has one constraint: {length: ...}. */
static const struct node *length_value(struct builder *b, const struct node *value)
{
	const struct node *length;

	b->defined = policy_follow(b->c, value) != value;
	value = policy_follow(b->c, value);
	if (!value) {
		b->failed = true;
		return NULL;
	}
	length = value->kind == NODE_MAP && value->n == 1 ? node_get(value, "length") : NULL;
	if (!length)
		FAIL(b, value, "write {length: ..64}",
		     "%s is a buffer: only its length can be constrained", attribute(b));
	return length;
}

bool policy_condition(struct compilation *c, struct condition *condition, const struct node *value)
{
	struct builder b = { .c = c, .cond = condition };
	const struct node *inner = value;

	if (condition->kind == IMAGE_LENGTH)
		inner = length_value(&b, value);
	if (inner)
		build(&b, &b.positive, inner, false);
	finish(&b, value);
	return condition->good;
}
