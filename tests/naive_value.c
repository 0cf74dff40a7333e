// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes and constraints of the naive interpreter: what a request has, and whether that is what
 * `where` wants.  Numbers are wider than any argument, so that no width or sign needs a rule here.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/naive.h"

typedef __int128 number;

struct value {
	bool is_name;
	number num;
	char name[XM_NAME_MAX + 1];
	const struct xm_arg *arg; /* NULL: the name of a port */
};

static bool number_of(const struct xm_arg *arg, const struct xm_value *v, number *nump)
{
	if (v->state != XM_ST_OK)
		return false;
	*nump = v->num;
	if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		*nump = (int64_t)v->num;
	if (arg->type == XM_T_U32)
		return v->num <= UINT32_MAX;
	return arg->type != XM_T_S32 || (*nump >= INT32_MIN && *nump <= INT32_MAX);
}

static bool name_of(const struct xm_value *v, char name[XM_NAME_MAX + 1])
{
	if (v->state != XM_ST_OK || v->len > XM_NAME_MAX)
		return false;
	memcpy(name, v->data, v->len);
	name[v->len] = 0;
	return strlen(name) == v->len;
}

/* The port in argument 1 of the partition in argument 0, if it is of the kind that the operation has. */
static bool port_name(const struct naive_case *c, char name[XM_NAME_MAX + 1])
{
	const struct xm_value *arg = c->req->arg;
	const struct system_port *port;
	number partition, id;

	if (!number_of(&c->op->args[0], &arg[0], &partition) ||
	    !number_of(&c->op->args[1], &arg[1], &id))
		return false;
	port = system_port(c->sys, (uint64_t)id);
	if (!port || port->partition != partition ||
	    (port->type == SYSTEM_SAMPLING) != (c->op->args[1].domain == XM_D_SAMPLING_PORT))
		return false;
	strcpy(name, port->name);
	return true;
}

static int argument(const struct xm_op *op, const char *attribute)
{
	if (!strcmp(attribute, "resource"))
		for (unsigned int i = 0; i < op->n_args; i++)
			if (xm_domain_is_resource(op->args[i].domain))
				return (int)i;
	return xm_arg_by_name(op, attribute);
}

/* False: the request does not determine it. */
static bool value_of(const struct naive_case *c, const char *attribute, struct value *value)
{
	int i = argument(c->op, attribute);
	const struct xm_arg *arg;

	memset(value, 0, sizeof(*value));
	if (i < 0) {
		if (strcmp(attribute, "portName") || !(c->op->flags & XM_OPF_PORT))
			naive_stuck(NULL, "no such attribute");
		value->is_name = true;
		return port_name(c, value->name);
	}
	arg = value->arg = &c->op->args[i];
	if (arg->type == XM_T_NAME) {
		value->is_name = true;
		return name_of(&c->req->arg[i], value->name);
	}
	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
		return c->req->arg[i].state == XM_ST_OK &&
		       number_of(&c->op->args[arg->ref], &c->req->arg[arg->ref], &value->num);
	return number_of(arg, &c->req->arg[i], &value->num);
}

static bool read_number(const char *text, const char **endp, number *nump)
{
	bool minus = *text == '-';
	char *end;

	text += minus;
	if (*text < '0' || *text > '9')
		return false;
	*nump = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
	if (minus)
		*nump = -*nump;
	*endp = end;
	return true;
}

/* "a", "a..b", "a.." or "..b"; false: it is none of these. */
static bool read_range(const char *text, number *lowp, number *highp)
{
	*lowp = -((number)1 << 100);
	if (strncmp(text, "..", 2) && !read_number(text, &text, lowp))
		return false;
	*highp = *lowp;
	if (!*text)
		return true;
	if (strncmp(text, "..", 2))
		return false;
	text += 2;
	*highp = (number)1 << 100;
	return !*text || (read_number(text, &text, highp) && !*text);
}

/* A constant, or the name of a partition or plan. */
static number named_number(const struct naive_case *c, struct tree *node, const struct xm_arg *arg)
{
	uint64_t value;
	int id;

	if (tree_is(node, "self"))
		return c->self;
	if ((arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM) &&
	    xm_enum_by_name(arg->ref, node->text, &value))
		return value;
	id = arg->domain == XM_D_PLAN ? system_plan_by_name(c->sys, node->text)
				      : system_partition_by_name(c->sys, node->text);
	if (id < 0)
		naive_stuck(node, "no such value");
	return id;
}

static bool text_holds(const struct naive_case *c, struct tree *node, const struct value *value)
{
	size_t len = strlen(node->text);
	number low, high;

	if (value->is_name) {
		if (len && node->text[len - 1] == '*')
			return !strncmp(value->name, node->text, len - 1);
		return !strcmp(value->name, node->text);
	}
	if (!read_range(node->text, &low, &high))
		low = high = named_number(c, node, value->arg);
	return low <= value->num && value->num <= high;
}

static number plain_number(const struct naive_case *c, struct tree *node)
{
	struct tree *defined = naive_defined(c->naive, node);
	const char *end;
	number num;

	node = defined ? defined : node;
	if (!read_number(node->text, &end, &num) || *end)
		naive_stuck(node, "no number");
	return num;
}

static bool holds(const struct naive_case *c, struct tree *node, const struct value *value);

static bool map_holds(const struct naive_case *c, struct tree *node, const struct value *value)
{
	struct tree *part;

	if ((part = tree_get(node, "not")))
		return !holds(c, part, value);
	if ((part = tree_get(node, "length")))
		return holds(c, part, value);
	part = tree_get(node, "mask");
	if (!part || !tree_get(node, "is"))
		naive_stuck(node, "no constraint");
	return ((uint64_t)value->num & (uint64_t)plain_number(c, part)) ==
	       (uint64_t)plain_number(c, tree_get(node, "is"));
}

static bool holds(const struct naive_case *c, struct tree *node, const struct value *value)
{
	struct tree *defined = naive_defined(c->naive, node);

	if (defined)
		return holds(c, defined, value);
	if (node->kind == TREE_MAP)
		return map_holds(c, node, value);
	if (node->kind == TREE_TEXT)
		return text_holds(c, node, value);
	for (size_t i = 0; i < node->n; i++)
		if (holds(c, node->item[i], value))
			return true;
	return false;
}

enum truth naive_constraint(const struct naive_case *c, const char *attribute,
			    const struct tree *constraint)
{
	struct value value;

	if (!value_of(c, attribute, &value))
		return OPEN;
	return holds(c, (struct tree *)constraint, &value) ? YES : NO;
}
