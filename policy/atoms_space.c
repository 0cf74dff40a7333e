// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The requests and times that there are: what values each dimension of an operation has, and which of
 * them go together.  Must never leave out a request that the wire carries, nor put one in that it does
 * not.
 */

#include <string.h>

#include "libxm/core/wire.h"
#include "policy/atoms.h"
#include "policy/match.h"

#define WEEK (7 * IMAGE_DAY_MINUTES)

/* ---- values ------------------------------------------------------------------------------------ */

/* Whether a caller can truthfully say that there is no value. */
static bool may_be_unknown(const struct xm_arg *arg)
{
	return !xm_type_is_scalar(arg->type) || xm_arg_is_pointed(arg) ||
	       arg->domain == XM_D_OPTIONAL || arg->domain == XM_D_OPT_POINTER;
}

static const struct region_set *numbers(struct world *w, const struct xm_arg *arg)
{
	bool unknown = may_be_unknown(arg);

	switch (arg->type) {
	case XM_T_U32:
		return region_set_range(&w->arena, 0, UINT32_MAX, unknown);
	case XM_T_S32:
		return region_set_range(&w->arena, (uint64_t)(int64_t)INT32_MIN ^ IMAGE_BIAS,
					(uint64_t)INT32_MAX ^ IMAGE_BIAS, unknown);
	case XM_T_U64:
	case XM_T_S64:
		return region_set_range(&w->arena, 0, UINT64_MAX, unknown);
	case XM_T_NAME:
		return world_all_names(w);
	default:
		return region_set_range(&w->arena, 0, 0, unknown);
	}
}

static bool same_ports(const struct policy_image *a, const struct policy_image *b)
{
	const struct system *x = policy_image_system(a), *y = policy_image_system(b);
	const struct system_port *p, *q;
	uint32_t n, m;

	if (!x || !y)
		return x == y;
	p = system_ports(x, &n);
	q = system_ports(y, &m);
	if (n != m)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (p[i].partition != q[i].partition || p[i].type != q[i].type ||
		    memcmp(p[i].name, q[i].name, SYSTEM_NAME) != 0)
			return false;
	return true;
}

unsigned int atoms_port_dim(const struct atoms_op *o, unsigned int image)
{
	return image && o->two_ports ? REGION_PORT_2 : REGION_PORT;
}

/* ---- ports ------------------------------------------------------------------------------------- */

/* The partition whose port `id` is, for this operation; false: it is no such port of any. */
static bool owner(const struct atoms_op *o, unsigned int image, uint64_t id, uint64_t *partitionp)
{
	const struct system *sys = policy_image_system(o->world->image[image]);
	const struct system_port *port = sys ? system_port(sys, id) : NULL;

	if (!port || (port->type == SYSTEM_QUEUING) != match_ops[o->op].queuing)
		return false;
	*partitionp = port->partition;
	return true;
}

struct port_search {
	const struct atoms_op *o;
	const struct region_set *partition, *port, *flag, *flag_2;
	struct atoms_point *point;
};

static bool try_port(const struct port_search *s, uint64_t partition, uint64_t port)
{
	const struct atoms_op *o = s->o;
	uint64_t of;
	bool is = owner(o, 0, port, &of) && of == partition, is_2;

	is_2 = o->two_ports && owner(o, 1, port, &of) && of == partition;
	if (!region_set_has(s->partition, partition) || !region_set_has(s->port, port) ||
	    !region_set_has(s->flag, is) || (o->two_ports && !region_set_has(s->flag_2, is_2)))
		return false;
	s->point->value[0] = partition;
	s->point->value[1] = port;
	return true;
}

/* Of all partitions, one that is not the owner by either description. */
static bool try_others(const struct port_search *s, uint64_t port)
{
	uint64_t owners[2] = { UINT64_MAX, UINT64_MAX }, partition, from = 0;

	for (unsigned int i = 0; i < s->o->world->n_images; i++)
		owner(s->o, i, port, &owners[i]);
	while (region_set_next(s->partition, from, &partition)) {
		if (partition != owners[0] && partition != owners[1])
			return try_port(s, partition, port);
		from = partition + 1;
	}
	return false;
}

static bool try_partitions(const struct port_search *s, uint64_t port)
{
	uint64_t partition;

	if (try_port(s, s->o->world->self, port))
		return true;
	for (unsigned int i = 0; i < s->o->world->n_images; i++)
		if (owner(s->o, i, port, &partition) && try_port(s, partition, port))
			return true;
	return try_others(s, port);
}

static bool pick_port(const struct atoms_op *o, const struct region_box *box,
		      struct atoms_point *point)
{
	struct port_search s = { .o = o, .point = point };
	uint64_t port, from = 0;

	s.partition = box->dim[0] ? box->dim[0] : o->space.whole[0];
	s.port = box->dim[1] ? box->dim[1] : o->space.whole[1];
	s.flag = box->dim[REGION_PORT] ? box->dim[REGION_PORT] : o->space.whole[REGION_PORT];
	s.flag_2 =
		box->dim[REGION_PORT_2] ? box->dim[REGION_PORT_2] : o->space.whole[REGION_PORT_2];
	/* From SYSTEM_MAX_PORTS on all are alike. */
	while (region_set_next(s.port, from, &port)) {
		if (try_partitions(&s, port))
			return true;
		if (port >= SYSTEM_MAX_PORTS)
			return false;
		from = port + 1;
	}
	return false;
}

/* ---- times ------------------------------------------------------------------------------------- */

static uint64_t minute_of_week(int64_t time)
{
	int32_t second;
	unsigned int day = match_weekday(match_day(time, &second));

	return day * IMAGE_DAY_MINUTES + (uint64_t)second / 60;
}

/* The first time from `low` to `high` at which it is one of these minutes. */
static bool find_time(const struct region_set *week, int64_t low, int64_t high, int64_t *timep)
{
	uint64_t now = minute_of_week(low), minute;

	if (!week || region_set_has(week, now)) {
		*timep = low;
		return true;
	}
	if (!region_set_next(week, now + 1, &minute) && !region_set_next(week, 0, &minute))
		return false;
	low -= (low % 60 + 60) % 60;
	low += 60 * (int64_t)((minute + WEEK - now) % WEEK);
	*timep = low;
	return low <= high;
}

static bool pick_time(const struct atoms_op *o, const struct region_box *box,
		      struct atoms_point *point)
{
	const struct region_set *times = box->dim[REGION_TIME];
	int64_t time;

	if (!times)
		times = o->space.whole[REGION_TIME];
	for (uint32_t i = 0; i < times->n; i++) {
		if (!find_time(box->dim[REGION_WEEK], (int64_t)(times->piece[i].low ^ IMAGE_BIAS),
			       (int64_t)(times->piece[i].high ^ IMAGE_BIAS), &time))
			continue;
		point->value[REGION_TIME] = (uint64_t)time;
		point->unknown[REGION_TIME] = false;
		return true;
	}
	point->unknown[REGION_TIME] = true;
	return times->unknown;
}

/* ---- what goes together ------------------------------------------------------------------------ */

static bool is_buffer(const struct xm_arg *arg)
{
	return arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT;
}

/* A buffer that is there is not longer than a message carries. */
static bool fits_buffers(const struct atoms_op *o, const struct region_box *box)
{
	const struct xm_op *op = &xm_ops[o->op];
	uint64_t least;

	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct region_set *length;

		if (!is_buffer(&op->args[i]) || !box->dim[i] || box->dim[i]->unknown)
			continue;
		length = box->dim[op->args[i].ref];
		if (length && (!region_set_next(length, 0, &least) || least > XM_WIRE_DATA_MAX))
			return false;
	}
	return true;
}

static bool possible(const struct region_space *space, const struct region_box *box)
{
	const struct atoms_op *o = space->data;
	struct atoms_point point;

	if ((box->dim[REGION_PORT] || box->dim[REGION_PORT_2]) && !pick_port(o, box, &point))
		return false;
	if (box->dim[REGION_TIME] && box->dim[REGION_WEEK] && !pick_time(o, box, &point))
		return false;
	return fits_buffers(o, box);
}

/* ---- picking a point --------------------------------------------------------------------------- */

/* Values that the broker does not refuse by themselves. */
static bool is_good(const struct atoms_op *o, unsigned int i, uint64_t value)
{
	const struct system *sys = policy_image_system(o->world->image[0]);
	const struct xm_arg *arg = &xm_ops[o->op].args[i];

	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return xm_enum_name(arg->ref, value);
	case XM_D_SELF:
		return value == o->world->self;
	case XM_D_HYPERVISOR:
		return value == XM_HYPERVISOR_ID;
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		return !sys || system_partition(sys, value);
	case XM_D_COUNT:
	case XM_D_MESSAGE_SIZE:
		return value >= 1;
	case XM_D_IPVI:
		return value >= SYSTEM_FIRST_IPVI;
	default:
		return !(arg->type == XM_T_S32 || arg->type == XM_T_S64) || value >= IMAGE_BIAS;
	}
}

/* Where to look first for a good value. */
static uint64_t likely(const struct atoms_op *o, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[o->op].args[i];

	switch (arg->domain) {
	case XM_D_SELF:
		return o->world->self;
	case XM_D_HYPERVISOR:
		return XM_HYPERVISOR_ID;
	case XM_D_COUNT:
	case XM_D_MESSAGE_SIZE:
		return 1;
	case XM_D_IPVI:
		return SYSTEM_FIRST_IPVI;
	default:
		return arg->type == XM_T_S32 || arg->type == XM_T_S64 ? IMAGE_BIAS : 0;
	}
}

/* A name of the system description, if one is in the set. */
static bool pick_name(const struct atoms_op *o, const struct region_set *set, uint64_t *valuep)
{
	const struct system *sys = policy_image_system(o->world->image[0]);
	const struct system_port *ports;
	uint32_t n = 0;

	ports = sys ? system_ports(sys, &n) : NULL;
	for (uint32_t i = 0; i < n; i++) {
		*valuep = world_name_number(o->world, ports[i].name,
					    strnlen(ports[i].name, SYSTEM_NAME - 1));
		if (region_set_has(set, *valuep))
			return true;
	}
	return region_set_next(set, 0, valuep);
}

static void pick_argument(const struct atoms_op *o, const struct region_box *box, unsigned int i,
			  struct atoms_point *point)
{
	const struct region_set *set = box->dim[i] ? box->dim[i] : o->space.whole[i];
	uint64_t value, from = likely(o, i);

	point->unknown[i] = !set->n;
	if (!set->n)
		return;
	if (xm_ops[o->op].args[i].type == XM_T_NAME) {
		pick_name(o, set, &point->value[i]);
		return;
	}
	for (unsigned int tries = 0; tries < 8 && region_set_next(set, from, &value); tries++) {
		point->value[i] = value;
		if (is_good(o, i, value))
			return;
		from = value + 1;
	}
	region_set_next(set, 0, &point->value[i]);
}

/* A buffer may be there or not; it is there if its length allows it. */
static void pick_buffer(const struct atoms_op *o, const struct region_box *box, unsigned int i,
			struct atoms_point *point)
{
	unsigned int length = xm_ops[o->op].args[i].ref;
	uint64_t least;

	if (point->unknown[i] || point->unknown[length] || point->value[length] <= XM_WIRE_DATA_MAX)
		return;
	if (box->dim[length] && region_set_next(box->dim[length], 0, &least) &&
	    least <= XM_WIRE_DATA_MAX)
		point->value[length] = least;
	else
		point->unknown[i] = true;
}

bool atoms_pick(const struct atoms_op *o, const struct region_box *box, struct atoms_point *outp)
{
	const struct xm_op *op = &xm_ops[o->op];

	*outp = (struct atoms_point){ .value = { 0 } };
	if (!region_box_is_possible(&o->space, box) || !pick_time(o, box, outp))
		return false;
	for (unsigned int i = 0; i < op->n_args; i++)
		pick_argument(o, box, i, outp);
	for (unsigned int i = 0; i < op->n_args; i++)
		if (is_buffer(&op->args[i]))
			pick_buffer(o, box, i, outp);
	if (op->flags & XM_OPF_PORT)
		return pick_port(o, box, outp);
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------- */

void atoms_init_space(struct atoms_op *o)
{
	struct world *w = o->world;
	const struct xm_op *op = &xm_ops[o->op];

	o->two_ports = (op->flags & XM_OPF_PORT) && w->n_images == 2 &&
		       !same_ports(w->image[0], w->image[1]);
	o->space = (struct region_space){ .arena = &w->scratch, .possible = possible, .data = o };
	o->space.steps = &w->steps;
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		o->space.whole[i] =
			i < op->n_args ? world_intern(w, numbers(w, &op->args[i]))
				       : world_intern(w, region_set_range(&w->scratch, 0, 0, true));
	o->space.whole[REGION_PORT] = world_intern(w, region_set_range(&w->scratch, 0, 1, false));
	o->space.whole[REGION_PORT_2] = o->space.whole[REGION_PORT];
	o->space.whole[REGION_TIME] =
		world_intern(w, region_set_range(&w->scratch, (uint64_t)w->now ^ IMAGE_BIAS,
						 (uint64_t)ATOMS_LAST_TIME ^ IMAGE_BIAS, true));
	o->space.whole[REGION_WEEK] =
		world_intern(w, region_set_range(&w->scratch, 0, WEEK - 1, false));
}
