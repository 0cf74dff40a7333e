// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random constraints: of every form that the attribute can have, with values near to each other, so that
 * they overlap.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random_policy.h"

uint64_t random_seed = 1;

uint64_t random_bits(void)
{
	uint64_t z = random_seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned int dice(unsigned int n)
{
	return (unsigned int)(random_bits() % n);
}

void out(struct random_text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->len += (size_t)vsnprintf(t->text + t->len, sizeof(t->text) - t->len, format, args);
	va_end(args);
	if (t->len >= sizeof(t->text))
		abort();
}

const struct xm_arg *random_attribute(const struct xm_op *op, const char *attribute)
{
	int i = xm_arg_by_name(op, attribute);

	if (!strcmp(attribute, "resource"))
		for (i = 0; !xm_domain_is_resource(op->args[i].domain);)
			i++;
	return i < 0 ? NULL : &op->args[i];
}

static void hint_number(struct random_hint *hint, uint64_t number)
{
	if (hint->n < RANDOM_HINTS)
		hint->number[hint->n++] = number;
}

static void hint_name(struct random_hint *hint, const char *name)
{
	if (hint->n_names < RANDOM_HINTS)
		snprintf(hint->name[hint->n_names++], XM_NAME_MAX + 1, "%s", name);
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static void out_number(struct random_text *t, int64_t number, bool is_signed)
{
	if (is_signed && number < 0)
		out(t, "%" PRId64, number);
	else
		out(t, dice(4) ? "%" PRIu64 : "0x%" PRIx64, (uint64_t)number);
}

static uint64_t any_number(const struct random_policy *p, const struct xm_arg *arg)
{
	static const uint64_t rare[] = { 255,        256,
					 0x7fffffff, 0x80000000,
					 0xffffffff, UINT64_C(1) << 32,
					 INT64_MAX,  UINT64_C(1) << 63,
					 UINT64_MAX };
	uint64_t n = p->shape.small ? dice(8) : dice(6) ? dice(20) : rare[dice(9)];

	if (arg->type == XM_T_U32)
		return n & UINT32_MAX;
	if ((arg->type == XM_T_S32 || arg->type == XM_T_S64) && dice(2))
		n = -n;
	return arg->type == XM_T_S32 ? (uint64_t)(int32_t)n : n;
}

static bool is_signed(const struct xm_arg *arg)
{
	return arg->type == XM_T_S32 || arg->type == XM_T_S64;
}

static void random_range(struct random_text *t, const struct random_policy *p,
			 const struct xm_arg *arg, struct random_hint *hint)
{
	uint64_t a = any_number(p, arg);
	uint64_t b = dice(2) ? a + dice(p->shape.small ? 5 : 12) : any_number(p, arg);
	bool swap = is_signed(arg) ? (int64_t)a > (int64_t)b : a > b;
	uint64_t low = swap ? b : a, high = swap ? a : b;
	unsigned int form = dice(8);

	if (arg->type == XM_T_U32 && high > UINT32_MAX)
		high = UINT32_MAX;
	if (form)
		out_number(t, (int64_t)low, is_signed(arg));
	out(t, "..");
	if (form != 1)
		out_number(t, (int64_t)high, is_signed(arg));
	hint_number(hint, low);
	hint_number(hint, high);
}

static void random_mask(struct random_text *t, const struct random_policy *p,
			struct random_hint *hint)
{
	uint64_t mask = 1 + dice(p->shape.small ? 7 : 31), is = random_bits() & mask;

	out(t, "{mask: ");
	out_number(t, (int64_t)mask, false);
	out(t, ", is: ");
	out_number(t, (int64_t)is, false);
	out(t, "}");
	hint_number(hint, is);
	hint_number(hint, is | (random_bits() & ~mask & 63));
}

static void plain_number(struct random_text *t, const struct random_policy *p,
			 const struct xm_arg *arg, struct random_hint *hint)
{
	unsigned int form = dice(6);
	uint64_t number = any_number(p, arg);

	if (form < 2) {
		random_range(t, p, arg, hint);
	} else if (form == 2 && !is_signed(arg)) {
		random_mask(t, p, hint);
	} else {
		out_number(t, (int64_t)number, is_signed(arg));
		hint_number(hint, number);
	}
}

/* ---- names and constants ----------------------------------------------------------------------------- */

static void random_partition(struct random_text *t, const struct random_policy *p,
			     struct random_hint *hint)
{
	uint32_t n;
	const struct system_partition *part = system_partitions(p->shape.sys, &n);
	uint32_t id = dice(n);

	switch (dice(5)) {
	case 0:
		out(t, "self");
		break;
	case 1:
		out(t, "%s", part[id].name);
		hint_number(hint, id);
		break;
	case 2:
		out(t, "%u..%u", id, id + dice(n - id));
		hint_number(hint, id);
		break;
	default:
		out(t, "%u", id);
		hint_number(hint, id);
	}
}

static void random_plan(struct random_text *t, const struct random_policy *p,
			struct random_hint *hint)
{
	uint32_t n;
	const struct system_plan *plan = system_plans(p->shape.sys, &n);
	uint32_t id = dice(system_n_plans(p->shape.sys));

	hint_number(hint, id);
	if (dice(2) && plan[id].id == id && *plan[id].name)
		out(t, "%s", plan[id].name);
	else
		out(t, "%u", id);
}

static void random_constant(struct random_text *t, unsigned int id, struct random_hint *hint)
{
	const struct xm_enum_value *values = xm_enums[id].values;
	unsigned int n = 0, i;

	while (values[n].name)
		n++;
	i = dice(n);
	hint_number(hint, values[i].value);
	if (dice(3))
		out(t, "%s", values[i].name);
	else
		out(t, "%" PRIu64, values[i].value);
}

/* A name of the system, or of no one: literal or the beginning of some. */
static void random_name(struct random_text *t, const struct random_policy *p,
			const struct xm_arg *arg, struct random_hint *hint)
{
	uint32_t n_ports, n_parts;
	const struct system_port *port = system_ports(p->shape.sys, &n_ports);
	const struct system_partition *part = system_partitions(p->shape.sys, &n_parts);
	bool of_port =
		!arg || arg->domain == XM_D_SAMPLING_NAME || arg->domain == XM_D_QUEUING_NAME;
	char name[SYSTEM_NAME];
	size_t len;

	snprintf(name, sizeof(name), "%s",
		 of_port && n_ports ? port[dice(n_ports)].name : part[dice(n_parts)].name);
	hint_name(hint, name);
	len = strlen(name);
	if (dice(2)) {
		name[1 + dice((unsigned int)len)] = 0;
		hint_name(hint, name);
		out(t, "\"%s*\"", name);
	} else {
		out(t, dice(2) ? "%s" : "\"%s\"", name);
	}
}

/* ---- whole constraints -------------------------------------------------------------------------------- */

/* Which definition can stand for a value of the argument; RANDOM_DEFINES: none. */
static unsigned int define_for(const struct xm_arg *arg, bool inverted)
{
	static const unsigned int numbers[] = { 1, 3, 4 };

	if (!arg || arg->domain == XM_D_SAMPLING_NAME || arg->domain == XM_D_QUEUING_NAME)
		return 2;
	if (arg->domain == XM_D_PARTITION || arg->domain == XM_D_PARTITION_OR_HV)
		return 0;
	if ((arg->domain == XM_D_ANY || arg->domain == XM_D_RESOURCE) &&
	    xm_type_is_scalar(arg->type))
		return numbers[dice(inverted ? 2 : 3)];
	return RANDOM_DEFINES;
}

static void element(struct random_text *t, const struct random_policy *p, const struct xm_arg *arg,
		    struct random_hint *hint, bool inverted)
{
	unsigned int define = define_for(arg, inverted);

	if (define < RANDOM_DEFINES && !dice(6)) {
		out(t, "d%u", define);
		return;
	}
	if (!arg || arg->type == XM_T_NAME)
		random_name(t, p, arg, hint);
	else if (arg->domain == XM_D_PARTITION || arg->domain == XM_D_PARTITION_OR_HV)
		random_partition(t, p, hint);
	else if (arg->domain == XM_D_PLAN)
		random_plan(t, p, hint);
	else if (arg->domain == XM_D_SELF)
		out(t, "self");
	else if (arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM)
		random_constant(t, arg->ref, hint);
	else
		plain_number(t, p, arg, hint);
}

static void elements(struct random_text *t, const struct random_policy *p, const struct xm_arg *arg,
		     struct random_hint *hint, bool inverted)
{
	unsigned int n = dice(3) ? 1 : 2 + dice(2);
	bool list = n > 1 || !dice(3);

	out(t, list ? "[" : "");
	for (unsigned int i = 0; i < n; i++) {
		bool invert = !inverted && !dice(7);

		out(t, "%s%s", i ? ", " : "", invert ? "{not: " : "");
		element(t, p, arg, hint, inverted || invert);
		out(t, invert ? "}" : "");
	}
	out(t, list ? "]" : "");
}

void random_constraint(struct random_text *t, const struct random_policy *p, const struct xm_op *op,
		       const char *attribute, struct random_hint *hint)
{
	const struct xm_arg *arg = random_attribute(op, attribute);
	bool buffer = arg && (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT);
	bool inverted = !dice(4);

	hint->attribute = attribute;
	out(t, buffer ? "{length: " : "");
	out(t, inverted ? "{not: " : "");
	elements(t, p, buffer ? &op->args[arg->ref] : arg, hint, inverted);
	out(t, "%s%s", inverted ? "}" : "", buffer ? "}" : "");
}

void random_define(struct random_text *t, const struct random_policy *p, unsigned int i)
{
	struct random_hint hint = { .attribute = "" };
	unsigned int ids = p->shape.ids ? p->shape.ids : RANDOM_IDS;

	if (i == 0) {
		out(t, "[");
		random_partition(t, p, &hint);
		out(t, ", ");
		random_partition(t, p, &hint);
		out(t, "]");
	} else if (i == 1) {
		out(t, "[%u, %u..%u]", dice(9), dice(4), 4 + dice(7));
	} else if (i == 2) {
		random_name(t, p, NULL, &hint);
	} else if (i == 3) {
		out(t, "[d1, %u]", dice(p->shape.small ? 9 : 20));
	} else if (i == 4) {
		out(t, "{not: d1}");
	} else {
		out(t, "{all: [\"group:%u\", \"group:%u\"]}", dice(ids), dice(ids));
	}
}
