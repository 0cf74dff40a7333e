// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a call.  Owns the rule which arguments a person writes: those of the 3.x prototype, without
 * the pointers that only receive something, and without structures unless their contents matter.  Must
 * never guess a value that a decision can depend on.
 */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/call.h"
#include "policy/model.h"
#include "libxm/core/wire.h"

#define TOKEN_MAX 128

struct reader {
	const char *at;
	const struct system *sys;
	uint32_t self;
	struct call *call;
	const struct xm_op *op;
	bool given[XM_MAX_ARGS];
	bool *any; /* of a pattern: what may be any value; NULL: it is no pattern */
	char *error;
};

static bool fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, CALL_ERROR_MAX, format, args);
	va_end(args);
	return false;
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

/* One argument as text, up to the comma or parenthesis that is in no braces or quotes. */
static bool token(struct reader *r, char out[TOKEN_MAX])
{
	size_t len = 0;
	bool quoted = false, braces = false;

	skip_blanks(r);
	for (; *r->at && (quoted || braces || (*r->at != ',' && *r->at != ')')); r->at++) {
		quoted ^= *r->at == '"';
		braces = (braces || *r->at == '{') && *r->at != '}';
		if (len + 1 == TOKEN_MAX)
			return fail(r, "an argument is too long");
		out[len++] = *r->at;
	}
	while (len && isspace((unsigned char)out[len - 1]))
		len--;
	out[len] = '\0';
	if (!len)
		return fail(r, "an argument is missing");
	if (*r->at)
		return true;
	return fail(r, "the closing parenthesis is missing");
}

/* ---- values ------------------------------------------------------------------------------------ */

static bool symbol(const struct reader *r, const struct xm_arg *arg, const char *text,
		   uint64_t *valuep)
{
	int id = -1;

	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return xm_enum_by_name(arg->ref, text, valuep);
	case XM_D_SELF:
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		if (!strcmp(text, "self"))
			id = (int)r->self;
		else if (r->sys)
			id = system_partition_by_name(r->sys, text);
		break;
	case XM_D_PLAN:
		id = r->sys ? system_plan_by_name(r->sys, text) : -1;
		break;
	default:
		break;
	}
	if ((arg->domain == XM_D_HYPERVISOR || arg->domain == XM_D_PARTITION_OR_HV) &&
	    !strcmp(text, "XM_HYPERVISOR_ID"))
		id = XM_HYPERVISOR_ID;
	*valuep = (uint64_t)id;
	return id >= 0;
}

static bool fits(enum xm_type type, uint64_t magnitude, bool negative)
{
	switch (type) {
	case XM_T_U32:
		return magnitude <= UINT32_MAX && (!negative || !magnitude);
	case XM_T_S32:
		return magnitude <= (uint64_t)INT32_MAX + negative;
	case XM_T_S64:
		return magnitude <= (uint64_t)INT64_MAX + negative;
	default:
		return !negative || !magnitude;
	}
}

static bool set_number(struct reader *r, unsigned int i, const char *text)
{
	const struct xm_arg *arg = &r->op->args[i];
	struct xm_value *v = &r->call->req.arg[i];
	const char *near;
	uint64_t value;
	bool negative;

	if (xm_arg_is_pointed(arg) && !strcmp(text, "NULL")) {
		v->state = XM_ST_NULL;
		return true;
	}
	if (!policy_number(text, &value, &negative)) {
		if (symbol(r, arg, text, &v->num))
			return true;
		near = vocabulary_nearest_value(r->sys, arg, text);
		if (near)
			return fail(r, "'%s' is no value for %s; did you mean '%s'?", text,
				    arg->name, near);
		return fail(r, "'%s' is no value for %s", text, arg->name);
	}
	if (!fits(arg->type, value, negative))
		return fail(r, "%s does not fit %s", text, arg->name);
	v->num = negative ? -value : value;
	return true;
}

static bool set_name(struct reader *r, unsigned int i, const char *text)
{
	struct xm_value *v = &r->call->req.arg[i];
	size_t len = strlen(text);

	if (!strcmp(text, "NULL")) {
		v->state = XM_ST_NULL;
		return true;
	}
	if (*text == '"') {
		if (len < 2 || text[len - 1] != '"')
			return fail(r, "a quote is not closed");
		text++;
		len -= 2;
	}
	if (len > XM_NAME_MAX)
		return fail(r, "%s is longer than %d characters", r->op->args[i].name, XM_NAME_MAX);
	memcpy(r->call->names[i], text, len);
	v->data = r->call->names[i];
	v->len = (uint32_t)len;
	return true;
}

/* {length: 14}: sets the length argument too. */
static bool set_buffer(struct reader *r, unsigned int i, const char *text)
{
	unsigned int length = r->op->args[i].ref;
	char number[TOKEN_MAX];

	if (!strcmp(text, "NULL")) {
		r->call->req.arg[i].state = XM_ST_NULL;
		return true;
	}
	if (sscanf(text, "{ length : %127[0-9a-fx] }", number) != 1)
		return fail(r, "write the buffer %s as {length: N}", r->op->args[i].name);
	r->given[length] = true;
	return set_number(r, length, number);
}

static bool is_fields(const struct xm_arg *arg)
{
	return arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN;
}

/* {1, 2}: each field of the structure, or of all records; sets the number of records too. */
static bool set_fields(struct reader *r, unsigned int i, const char *text)
{
	const struct xm_arg *arg = &r->op->args[i];
	unsigned int one = xm_structs[arg->ref].n_fields, n = 0;
	struct xm_value *v = &r->call->req.arg[i];
	char number[TOKEN_MAX];
	uint64_t value;
	bool negative;

	for (const char *p = text + 1; *p && *p != '}'; p += strcspn(p, ",}"), p += *p == ',') {
		if (sscanf(p, " %127[-0-9a-fx]", number) != 1 ||
		    !policy_number(number, &value, &negative) || n == CALL_FIELDS_MAX)
			return fail(r, "write %s as {number, ...}, or _", arg->name);
		xm_put_word(&r->call->fields[(size_t)n++ * XM_WORD_BYTES],
			    negative ? -value : value);
	}
	if (!n || n % one || (arg->type == XM_T_STRUCT_IN && n != one))
		return fail(r, "%s has %u fields%s", arg->name, one,
			    arg->type == XM_T_STRUCT_IN ? "" : " a record");
	v->len = n;
	if (arg->type == XM_T_STRUCT_IN)
		return true;
	r->given[i + 1] = true;
	r->call->req.arg[i + 1].num = n / one;
	return true;
}

static bool set_structure(struct reader *r, unsigned int i, const char *text)
{
	struct xm_value *v = &r->call->req.arg[i];

	if (!strcmp(text, "NULL")) {
		v->state = XM_ST_NULL;
		return true;
	}
	v->data = r->call->fields;
	if (!strcmp(text, "_"))
		return true; /* zeroes */
	return *text == '{' ? set_fields(r, i, text)
			    : fail(r, "write %s as {number, ...}, or _", r->op->args[i].name);
}

static bool set(struct reader *r, unsigned int i, const char *text)
{
	const struct xm_arg *arg = &r->op->args[i];

	if (r->given[i])
		return fail(r, "%s is given twice", arg->name);
	r->given[i] = true;
	if (r->any && !strcmp(text, "_")) {
		r->any[i] = true;
		return true;
	}
	if (xm_type_is_scalar(arg->type))
		return set_number(r, i, text);
	if (arg->type == XM_T_NAME)
		return set_name(r, i, text);
	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
		return set_buffer(r, i, text);
	if (is_fields(arg))
		return set_structure(r, i, text);
	if (strcmp(text, "NULL"))
		return fail(r, "%s is an output: leave it out, or write NULL", arg->name);
	r->call->req.arg[i].state = XM_ST_NULL;
	return true;
}

/* ---- arguments --------------------------------------------------------------------------------- */

/* The partition behind an object: the table has it for every object, prototypes do not.  Where a
 * prototype does have it, its name there is id. */
static bool is_implicit(const struct xm_arg *arg)
{
	return arg->domain == XM_D_SELF || arg->domain == XM_D_HYPERVISOR ||
	       (!strcmp(arg->name, "partitionId") && !strcmp(arg->synonyms, "partition"));
}

static bool is_buffer(const struct xm_arg *arg)
{
	return arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT;
}

/* The argument that the next positional value is for, or -1. */
static int next_position(const struct reader *r, unsigned int from, const char *text)
{
	for (unsigned int i = from; i < r->op->n_args; i++) {
		const struct xm_arg *arg = &r->op->args[i];

		if (r->given[i] || is_implicit(arg))
			continue;
		if (is_buffer(arg) && (*text == '{' || !strcmp(text, "NULL")))
			return (int)i;
		if (is_fields(arg) && (*text == '{' || !strcmp(text, "_") || !strcmp(text, "NULL")))
			return (int)i;
		if (xm_type_is_scalar(arg->type) || arg->type == XM_T_NAME)
			return (int)i;
	}
	return -1;
}

/* "name=value" with a name that the operation has. */
static int named(struct reader *r, const char *text, const char **valuep)
{
	const char *equals = strchr(text, '=');
	char name[TOKEN_MAX];
	int len;

	if (!equals || *text == '"' || *text == '{')
		return -1;
	for (len = (int)(equals - text); len && isspace((unsigned char)text[len - 1]);)
		len--;
	snprintf(name, sizeof(name), "%.*s", len, text);
	for (equals++; isspace((unsigned char)*equals);)
		equals++;
	*valuep = equals;
	return xm_arg_by_name(r->op, name);
}

/* "name=value" with a name that it has not. */
static bool no_argument(struct reader *r, char *text)
{
	struct arena arena = { .chunks = NULL };

	text[strcspn(text, "= ")] = '\0';
	fail(r, "%s has no argument '%s'; %s", r->op->name, text,
	     vocabulary_attribute_hint(&arena, r->op, text));
	arena_free(&arena);
	return false;
}

static bool argument(struct reader *r, unsigned int *positionp)
{
	char text[TOKEN_MAX];
	const char *value = text;
	int i;

	if (!token(r, text))
		return false;
	i = named(r, text, &value);
	if (i >= 0)
		return set(r, (unsigned int)i, value);
	if (value != text)
		return no_argument(r, text);
	i = next_position(r, *positionp, text);
	if (i < 0)
		return fail(r, "%s has fewer arguments", r->op->name);
	*positionp = (unsigned int)i + 1;
	return set(r, (unsigned int)i, text);
}

static bool arguments(struct reader *r)
{
	unsigned int position = 0;

	skip_blanks(r);
	if (*r->at == ')')
		return true;
	for (;;) {
		if (!argument(r, &position))
			return false;
		if (*r->at == ')')
			return true;
		r->at++;
	}
}

/* A structure that was left out, or does not matter: zeroes. */
static void complete_fields(struct reader *r, unsigned int i)
{
	const struct xm_arg *arg = &r->op->args[i];
	struct xm_value *v = &r->call->req.arg[i];
	uint64_t n = arg->type == XM_T_STRUCT_IN ? 1 : r->call->req.arg[i + 1].num;

	v->data = r->call->fields;
	if (n > XM_MAX_SPARE_SLOTS)
		v->state = XM_ST_OVERSIZE;
	else
		v->len = (uint32_t)n * xm_structs[arg->ref].n_fields;
}

static bool complete(struct reader *r)
{
	for (unsigned int i = 0; i < r->op->n_args; i++) {
		const struct xm_arg *arg = &r->op->args[i];
		struct xm_value *v = &r->call->req.arg[i];

		if (r->given[i])
			continue;
		if (arg->domain == XM_D_HYPERVISOR)
			v->num = XM_HYPERVISOR_ID;
		else if (is_implicit(arg))
			v->num = r->self;
		else if (arg->domain == XM_D_OPTIONAL)
			v->state = XM_ST_ABSENT;
		else if (xm_type_is_scalar(arg->type) || arg->type == XM_T_NAME)
			return fail(r, "%s needs %s", r->op->name, arg->name);
	}
	for (unsigned int i = 0; i < r->op->n_args; i++) {
		struct xm_value *v = &r->call->req.arg[i];

		if (is_fields(&r->op->args[i]) && v->state == XM_ST_OK && !v->len)
			complete_fields(r, i);
		if (!is_buffer(&r->op->args[i]) || v->state != XM_ST_OK)
			continue;
		v->len = (uint32_t)r->call->req.arg[r->op->args[i].ref].num;
		if (v->len > XM_WIRE_DATA_MAX) {
			v->state = XM_ST_OVERSIZE;
			v->len = 0;
		}
	}
	return true;
}

static bool operation(struct reader *r)
{
	char name[TOKEN_MAX];
	size_t len;
	int op;

	skip_blanks(r);
	len = strcspn(r->at, "( \t");
	snprintf(name, sizeof(name), "%.*s", (int)(len < TOKEN_MAX ? len : TOKEN_MAX - 1), r->at);
	op = xm_op_by_name(name);
	if (op < 0) {
		struct arena arena = { .chunks = NULL };
		const char *hint = vocabulary_op_hint(&arena, name);

		fail(r, "there is no operation '%s'%s%s", name, hint ? "; " : "", hint ? hint : "");
		arena_free(&arena);
		return false;
	}
	r->call->req.op = (unsigned int)op;
	r->op = &xm_ops[op];
	r->at += len;
	skip_blanks(r);
	return true;
}

/* What is behind a pointer is any if its length is. */
static void complete_pattern(struct reader *r)
{
	for (unsigned int i = 0; i < r->op->n_args; i++) {
		const struct xm_arg *arg = &r->op->args[i];

		if ((is_buffer(arg) && r->any[arg->ref]) ||
		    (arg->type == XM_T_RECORDS_IN && r->any[i + 1]))
			r->any[i] = true;
	}
}

/* An operation without parentheses is all its calls. */
static bool whole_operation(struct reader *r)
{
	for (unsigned int i = 0; i < r->op->n_args; i++)
		r->any[i] = true;
	return true;
}

static bool parse(struct reader *r)
{
	bool listed;

	if (!operation(r))
		return false;
	listed = *r->at == '(';
	if (listed) {
		r->at++;
		if (!arguments(r))
			return false;
		r->at++;
		skip_blanks(r);
	}
	if (*r->at)
		return fail(r, "unexpected text after the call: %.40s", r->at);
	if (r->any && !listed)
		return whole_operation(r);
	return complete(r);
}

int call_parse(const char *text, const struct system *sys, uint32_t self, struct call *callp,
	       char error[CALL_ERROR_MAX])
{
	struct reader r = { .at = text, .sys = sys, .self = self, .call = callp, .error = error };

	memset(callp, 0, sizeof(*callp));
	return parse(&r) ? 0 : -EINVAL;
}

int call_parse_pattern(const char *text, const struct system *sys, uint32_t self,
		       struct call *callp, bool any[XM_MAX_ARGS], char error[CALL_ERROR_MAX])
{
	struct reader r = { text, sys, self, callp, .any = any, .error = error };

	memset(callp, 0, sizeof(*callp));
	memset(any, 0, XM_MAX_ARGS * sizeof(*any));
	if (!parse(&r))
		return -EINVAL;
	complete_pattern(&r);
	return 0;
}
