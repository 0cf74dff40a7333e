// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Witnesses: a point of a box as a request that a program can make, and as the words by which a person
 * has it explained.  Must never make one that the wire does not carry.
 */

#include <string.h>

#include "policy/atoms.h"

static const uint8_t zeroes[PROVE_ZEROES];

/* ---- making ------------------------------------------------------------------------------------ */

static bool is_data(enum xm_type type)
{
	return type == XM_T_DATA_IN || type == XM_T_DATA_OUT;
}

static uint8_t missing(const struct xm_arg *arg)
{
	return arg->domain == XM_D_OPTIONAL ? XM_ST_ABSENT : XM_ST_NULL;
}

static bool try_name(const struct atoms_op *o, const char *name, uint64_t number,
		     struct xm_value *v, uint8_t *room)
{
	v->len = (uint32_t)strnlen(name, SYSTEM_NAME - 1);
	memcpy(room, name, v->len);
	v->data = room;
	return world_name_number(o->world, name, v->len) == number;
}

/* Names of the system are better than others. */
static void set_name(const struct atoms_op *o, uint64_t number, struct xm_value *v, uint8_t *room)
{
	const struct system *sys = policy_image_system(o->world->image[0]);
	const struct system_partition *partition;
	const struct system_port *port;
	char name[XM_NAME_MAX + 1];
	uint32_t n = 0;

	port = sys ? system_ports(sys, &n) : NULL;
	for (uint32_t i = 0; i < n; i++)
		if (try_name(o, port[i].name, number, v, room))
			return;
	partition = sys ? system_partitions(sys, &n) : NULL;
	for (uint32_t i = 0; i < n; i++)
		if (try_name(o, partition[i].name, number, v, room))
			return;
	v->len = world_name(o->world, number, name);
	memcpy(room, name, sizeof(name));
}

static void set_argument(const struct atoms_op *o, const struct atoms_point *point, unsigned int i,
			 struct prove_witness *out)
{
	const struct xm_arg *arg = &xm_ops[o->op].args[i];
	struct xm_value *v = &out->req.arg[i];

	if (point->unknown[i]) {
		v->state = missing(arg);
		return;
	}
	if (arg->type == XM_T_NAME) {
		set_name(o, point->value[i], v, out->names[i]);
		v->data = out->names[i];
		return;
	}
	v->num = point->value[i];
	if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		v->num ^= IMAGE_BIAS;
}

/* What lies behind pointers: zeroes, as much as the lengths say and there is room for. */
static void set_contents(struct prove_witness *out, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[out->req.op].args[i];
	struct xm_value *v = &out->req.arg[i];
	uint64_t n = 1;

	if (v->state != XM_ST_OK)
		return;
	v->num = is_data(arg->type) ? 0 : v->num;
	if (arg->type == XM_T_DATA_IN) {
		v->len = (uint32_t)out->req.arg[arg->ref].num;
		v->data = v->len <= sizeof(zeroes) ? zeroes : NULL;
	} else if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN) {
		if (arg->type == XM_T_RECORDS_IN)
			n = out->req.arg[i + 1].num;
		v->num = 0;
		v->data = zeroes;
		if (n > XM_MAX_RECORDS)
			v->state = XM_ST_NULL;
		else
			v->len = (uint32_t)n * xm_structs[arg->ref].n_fields;
	}
}

static bool set_subject(const struct world *w, uint32_t cube, struct prove_witness *out)
{
	const struct atoms_cube *c = world_cube(w, cube);

	if (c->n > PROVE_GIDS)
		return false;
	out->uid = c->uid == ATOMS_ANY_USER ? w->stranger : c->uid;
	out->n_gids = c->n;
	if (c->n)
		memcpy(out->gids, c->gids, c->n * sizeof(*c->gids));
	out->nobodys_group = w->outside;
	out->self = w->self;
	return true;
}

bool atoms_witness(const struct atoms_op *o, uint32_t cube, const struct region_box *box,
		   struct prove_witness *outp)
{
	struct atoms_point point;

	memset(outp, 0, sizeof(*outp));
	if (!atoms_pick(o, box, &point) || !set_subject(o->world, cube, outp))
		return false;
	outp->req.op = o->op;
	for (unsigned int i = 0; i < xm_ops[o->op].n_args; i++)
		set_argument(o, &point, i, outp);
	for (unsigned int i = 0; i < xm_ops[o->op].n_args; i++)
		set_contents(outp, i);
	outp->time.determined = !point.unknown[REGION_TIME];
	if (outp->time.determined)
		outp->time.now = (int64_t)point.value[REGION_TIME];
	return true;
}

void prove_witness_copy(struct prove_witness *to, const struct prove_witness *from)
{
	*to = *from;
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		if (from->req.arg[i].data == from->names[i])
			to->req.arg[i].data = to->names[i];
}

struct policy_decision prove_witness_decide(const struct policy_image *image,
					    const struct prove_witness *witness)
{
	struct policy_subject subject = { .uid = witness->uid,
					  .gids = witness->gids,
					  .n_gids = witness->n_gids };

	return policy_decide(image, &subject, &witness->req, witness->self, witness->time, NULL);
}

/* ---- printing ---------------------------------------------------------------------------------- */

/* What call_parse() fills in itself: the partition behind an object. */
static bool is_implied(const struct xm_arg *arg)
{
	return arg->domain == XM_D_SELF || arg->domain == XM_D_HYPERVISOR ||
	       (!strcmp(arg->name, "partitionId") && !strcmp(arg->synonyms, "partition"));
}

static uint64_t implied_value(const struct prove_witness *w, const struct xm_arg *arg)
{
	return arg->domain == XM_D_HYPERVISOR ? XM_HYPERVISOR_ID : w->self;
}

static void put_value(struct text *t, const struct xm_arg *arg, const struct xm_value *v)
{
	const char *name = arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM
				   ? xm_enum_name(arg->ref, v->num)
				   : NULL;

	if (v->state != XM_ST_OK)
		text_puts(t, "NULL");
	else if (arg->type == XM_T_NAME)
		text_char(t, '"'), text_safe(t, v->data, v->len), text_char(t, '"');
	else if (name)
		text_puts(t, name);
	else if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		text_s64(t, (int64_t)v->num);
	else
		text_u64(t, v->num);
}

/* True: it must be written, and, for *namedp, with its name. */
static bool is_written(const struct prove_witness *w, unsigned int i, bool *namedp)
{
	const struct xm_arg *arg = &xm_ops[w->req.op].args[i];
	const struct xm_value *v = &w->req.arg[i];

	*namedp = v->state != XM_ST_OK && !xm_type_is_scalar(arg->type) && arg->type != XM_T_NAME;
	if (v->state == XM_ST_ABSENT)
		return false;
	if (is_implied(arg)) {
		*namedp = true;
		return v->state != XM_ST_OK || v->num != implied_value(w, arg);
	}
	*namedp |= arg->domain == XM_D_OPTIONAL || arg->domain == XM_D_OPT_POINTER;
	if (xm_type_is_scalar(arg->type) || arg->type == XM_T_NAME)
		return true;
	return v->state != XM_ST_OK;
}

void prove_witness_call(struct text *t, const struct prove_witness *witness)
{
	const struct xm_op *op = &xm_ops[witness->req.op];
	const char *comma = "";

	text_puts(t, op->name);
	text_char(t, '(');
	for (unsigned int i = 0; i < op->n_args; i++) {
		bool named;

		if (!is_written(witness, i, &named))
			continue;
		text_puts(t, comma);
		comma = ", ";
		if (named)
			text_printf(t, "%s=", op->args[i].name);
		put_value(t, &op->args[i], &witness->req.arg[i]);
	}
	text_char(t, ')');
}

/* Without any group xmpolicy would take those of the user databases: one that no policy names. */
void prove_witness_as(struct text *t, const struct prove_witness *witness)
{
	text_printf(t, "user:%u", witness->uid);
	for (uint32_t i = 0; i < witness->n_gids; i++)
		text_printf(t, ",group:%u", witness->gids[i]);
	if (!witness->n_gids)
		text_printf(t, ",group:%u", witness->nobodys_group);
}

void prove_witness_at(struct text *t, const struct prove_witness *witness)
{
	if (witness->time.determined)
		atoms_time_words(t, witness->time.now);
	else
		text_puts(t, "unknown");
}

void prove_witness_command(struct text *t, const struct prove_witness *witness)
{
	char room[1024];
	struct text call = TEXT_INIT(room);

	text_puts(t, "--as ");
	prove_witness_as(t, witness);
	text_puts(t, " --at ");
	prove_witness_at(t, witness);
	if (witness->self)
		text_printf(t, " --partition %u", witness->self);
	text_puts(t, " '");
	room[0] = '\0';
	prove_witness_call(&call, witness);
	for (const char *c = room; *c; c++)
		if (*c == '\'')
			text_puts(t, "'\\''");
		else
			text_char(t, *c);
	text_puts(t, "'");
}
