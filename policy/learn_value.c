// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Values of denied calls as a policy can say them.  Must never write a value that means more than the one
 * that was called: a name with a star in it, one that the policy defines as something else.
 */

#include <ctype.h>
#include <string.h>

#include "policy/learn.h"
#include "policy/set.h"

/* Without a description there is nothing but the descriptor. */
unsigned int learn_attributes(const struct learn *learn, unsigned int op,
			      struct learn_attribute out[XM_MAX_ARGS])
{
	const struct xm_op *o = &xm_ops[op];
	unsigned int n = 0;

	for (unsigned int i = 0; i < o->n_args; i++) {
		bool port = (o->flags & XM_OPF_PORT) && i == 1 && learn->sys;

		if (port)
			out[n++] = (struct learn_attribute){ "portName", i, true, true };
		else if (xm_type_is_scalar(o->args[i].type))
			out[n++] = (struct learn_attribute){ o->args[i].name, i, false, false };
		else if (o->args[i].type == XM_T_NAME)
			out[n++] = (struct learn_attribute){ o->args[i].name, i, true, false };
	}
	return n;
}

static bool is_signed(const struct xm_arg *arg)
{
	return arg->type == XM_T_S32 || arg->type == XM_T_S64;
}

bool learn_stops_self(const struct learn *learn, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	return op->class == XM_CLASS_SELF_STOP ||
	       ((op->flags & XM_OPF_STOPS_SELF) && req->arg[0].num == learn->self);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static const char *set_name(struct learn_value *value, const void *bytes, size_t len)
{
	const char *s = bytes;

	if (!len || len > XM_NAME_MAX)
		return "no name is empty or so long";
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return "the name has characters that no name of a policy has";
	if (memchr(s, '*', len))
		return "the name has a *, which in a policy means all that begin so";
	value->kind = LEARN_NAME;
	value->len = (uint32_t)len;
	memcpy(value->name, s, len);
	return NULL;
}

static const char *port_name(const struct learn *learn, const struct xm_request *req,
			     struct learn_value *value)
{
	const struct system_port *port = system_port(learn->sys, req->arg[1].num);
	bool queuing = xm_ops[req->op].args[1].domain == XM_D_QUEUING_PORT;

	if (req->arg[0].state != XM_ST_OK || req->arg[1].state != XM_ST_OK || !port ||
	    port->partition != req->arg[0].num || (port->type == SYSTEM_QUEUING) != queuing)
		return "the system has no such port: it is refused whatever the policy says";
	return set_name(value, port->name, strnlen(port->name, sizeof(port->name)));
}

static enum image_width width_of(enum xm_type type)
{
	return type == XM_T_U32   ? IMAGE_U32
	       : type == XM_T_S32 ? IMAGE_S32
	       : type == XM_T_S64 ? IMAGE_S64
				  : IMAGE_U64;
}

static const char *number(const struct learn *learn, const struct xm_arg *arg,
			  const struct xm_value *v, struct learn_value *value)
{
	struct compilation c = { .sys = (struct system *)(uintptr_t)learn->sys };
	struct condition cond = { .kind = IMAGE_NUMBER,
				  .width = width_of(arg->type),
				  .domain = arg->domain,
				  .ref = arg->ref };
	const char *why;

	value->kind = LEARN_ONE;
	value->low = value->high = is_signed(arg) ? v->num ^ IMAGE_BIAS : v->num;
	if (arg->type == XM_T_U32 && v->num > UINT32_MAX)
		return "a number does not fit its argument: it is refused whatever the policy says";
	why = domain_excludes(&c, &cond, value->low);
	arena_free(&c.arena);
	return why ? "a value is outside the documented domain: it is refused whatever the policy "
		     "says"
		   : NULL;
}

static bool system_has(const struct learn *learn, const struct xm_arg *arg,
		       const struct learn_value *value)
{
	bool port = arg->domain == XM_D_SAMPLING_NAME || arg->domain == XM_D_QUEUING_NAME;
	struct compilation c = { .sys = (struct system *)(uintptr_t)learn->sys };
	struct condition cond = { .kind = IMAGE_NAME,
				  .domain = port ? XM_D_SAMPLING_NAME : arg->domain };

	return !learn->sys || domain_has_name(&c, &cond, value->name, value->len, false);
}

const char *learn_value_of(const struct learn *learn, const struct xm_request *req,
			   const struct learn_attribute *attribute, struct learn_value *valuep)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[attribute->arg];
	const struct xm_value *v = &req->arg[attribute->arg];
	const char *why;

	memset(valuep, 0, sizeof(*valuep));
	if (attribute->is_port)
		return port_name(learn, req, valuep);
	/* What the caller's interface does not have can be allowed only by not asking for it. */
	if (arg->domain == XM_D_OPTIONAL && v->state == XM_ST_ABSENT) {
		valuep->kind = LEARN_ANY;
		return NULL;
	}
	if (v->state != XM_ST_OK)
		return "an argument cannot be read: it is refused whatever the policy says";
	if (!attribute->is_name)
		return number(learn, arg, v, valuep);
	why = set_name(valuep, v->data, v->len);
	/* With one, no value that a policy defines has the name of something in it. */
	if (!why && learn->base && !learn->sys)
		return "without a system description the name may be a value that the base defines";
	if (!why && !system_has(learn, arg, valuep))
		return "the system has no such name: it is refused whatever the policy says";
	return why;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static bool is_word(const char *s)
{
	if (!isalpha((unsigned char)*s) || !strcmp(s, "self") || !strcmp(s, "everyone"))
		return false;
	while (isalnum((unsigned char)*s) || *s == '_' || *s == '-')
		s++;
	return !*s;
}

static const char *plan_name(const struct learn *learn, uint64_t value)
{
	uint32_t n = 0;
	const struct system_plan *plan = learn->sys ? system_plans(learn->sys, &n) : NULL;

	for (uint32_t i = 0; i < n; i++)
		if (plan[i].id == value && is_word(plan[i].name) &&
		    system_plan_by_name(learn->sys, plan[i].name) == (int)value)
			return plan[i].name;
	return NULL;
}

static const char *name_of(const struct learn *learn, const struct xm_arg *arg, uint64_t value)
{
	const struct system_partition *partition;

	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return xm_enum_name(arg->ref, value);
	case XM_D_PARTITION_OR_HV:
	case XM_D_HYPERVISOR:
		if (value == XM_HYPERVISOR_ID)
			return "XM_HYPERVISOR_ID";
		/* fall through */
	case XM_D_PARTITION:
	case XM_D_SELF:
		if (value == learn->self)
			return arg->domain == XM_D_HYPERVISOR ? NULL : "self";
		partition = learn->sys ? system_partition(learn->sys, value) : NULL;
		return partition && is_word(partition->name) &&
				       system_partition_by_name(learn->sys, partition->name) ==
					       (int)value
			       ? partition->name
			       : NULL;
	case XM_D_PLAN:
		return plan_name(learn, value);
	default:
		return NULL;
	}
}

static void put_number(const struct learn *learn, const struct xm_arg *arg, uint64_t value,
		       bool by_name, struct text *t)
{
	const char *name = by_name ? name_of(learn, arg, value) : NULL;

	if (name) {
		text_puts(t, name);
	} else if (is_signed(arg)) {
		text_s64(t, (int64_t)(value ^ IMAGE_BIAS));
	} else if (value > UINT16_MAX) {
		text_hex(t, value);
	} else {
		text_u64(t, value);
	}
}

void learn_put_value(const struct learn *learn, unsigned int op,
		     const struct learn_attribute *attribute, const struct learn_value *value,
		     struct text *t)
{
	const struct xm_arg *arg = &xm_ops[op].args[attribute->arg];

	switch (value->kind) {
	case LEARN_ONE:
		put_number(learn, arg, value->low, true, t);
		break;
	case LEARN_RANGE:
		put_number(learn, arg, value->low, false, t);
		text_puts(t, "..");
		put_number(learn, arg, value->high, false, t);
		break;
	case LEARN_NOT_SELF:
		text_puts(t, "{not: self}");
		break;
	default:
		text_char(t, '"');
		for (uint32_t i = 0; i < value->len; i++) {
			if (value->name[i] == '"' || value->name[i] == '\\')
				text_char(t, '\\');
			text_char(t, value->name[i]);
		}
		text_puts(t, value->kind == LEARN_PREFIX ? "*\"" : "\"");
	}
}
