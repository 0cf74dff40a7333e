// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Boxes, principals and times in words, as a person would say them.  Must never say less than the box,
 * except where it says that there is more.
 */

#include <string.h>
#include <time.h>

#include "policy/atoms.h"
#include "policy/match.h"

#define LISTED 8 /* values of one dimension */
#define WEEK (7 * IMAGE_DAY_MINUTES)

struct writer {
	struct text *t;
	const struct atoms_op *o;
	bool begun;
};

static void begin(struct writer *w)
{
	if (w->begun)
		text_puts(w->t, ", ");
	w->begun = true;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static const char *name_of(const struct writer *w, const struct xm_arg *arg, uint64_t value)
{
	const struct system *sys =
		policy_image_system(w->o->world->image[w->o->world->n_images - 1]);
	const struct system_plan *plans;
	uint32_t n;

	switch (arg->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return xm_enum_name(arg->ref, value);
	case XM_D_PARTITION_OR_HV:
		if (value == XM_HYPERVISOR_ID)
			return "XM_HYPERVISOR_ID";
		/* fall through */
	case XM_D_PARTITION:
	case XM_D_SELF:
		return sys && system_partition(sys, value) ? system_partition(sys, value)->name
							   : NULL;
	case XM_D_PLAN:
		plans = sys ? system_plans(sys, &n) : NULL;
		for (uint32_t i = 0; plans && i < n; i++)
			if (plans[i].id == value && !plans[i].processor)
				return plans[i].name;
		return NULL;
	default:
		return NULL;
	}
}

static void put_number(struct writer *w, const struct xm_arg *arg, uint64_t value)
{
	const char *name = name_of(w, arg, value);

	if (name)
		text_safe(w->t, name, strlen(name));
	else if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		text_s64(w->t, (int64_t)(value ^ IMAGE_BIAS));
	else if (arg->domain == XM_D_RESOURCE && value > 4096)
		text_printf(w->t, "0x%llx", (unsigned long long)value);
	else
		text_u64(w->t, value);
}

/* Few values that have names, one by one. */
static bool put_named(struct writer *w, const struct xm_arg *arg, uint64_t low, uint64_t high)
{
	if (high - low >= LISTED)
		return false;
	for (uint64_t value = low; value <= high; value++)
		if (!name_of(w, arg, value))
			return false;
	for (uint64_t value = low; value <= high; value++) {
		text_puts(w->t, value == low ? "" : value < high ? ", " : " or ");
		put_number(w, arg, value);
	}
	return true;
}

static void put_ends(struct writer *w, const struct xm_arg *arg, uint64_t low, uint64_t high,
		     const struct region_set *whole)
{
	bool from = low != whole->piece[0].low, to = high != whole->piece[whole->n - 1].high;

	if (low == high) {
		put_number(w, arg, low);
		return;
	}
	if (high - low == 1) {
		put_number(w, arg, low);
		text_puts(w->t, " or ");
		put_number(w, arg, high);
		return;
	}
	if (put_named(w, arg, low, high))
		return;
	if (from && !to && name_of(w, arg, low))
		text_u64(w->t, low); /* "camera.." would say nothing */
	else if (from)
		put_number(w, arg, low);
	text_puts(w->t, from || to ? ".." : "anything");
	if (to)
		put_number(w, arg, high);
}

static void put_number_piece(struct writer *w, unsigned int i, const struct region_piece *p,
			     const struct region_set *whole)
{
	const struct xm_arg *arg = &xm_ops[w->o->op].args[i];
	uint64_t top = p->mask ? UINT64_C(2) << (63 - __builtin_clzll(p->mask)) : 0;

	if (!p->mask || p->high != whole->piece[0].high || p->low >= top)
		put_ends(w, arg, p->low, p->high, whole);
	else
		text_printf(w->t, "{mask: 0x%llx, is: 0x%llx}", (unsigned long long)p->mask,
			    (unsigned long long)p->is);
	if (p->mask && (p->high != whole->piece[0].high || p->low >= top))
		text_printf(w->t, " with {mask: 0x%llx, is: 0x%llx}", (unsigned long long)p->mask,
			    (unsigned long long)p->is);
}

/* ---- names ------------------------------------------------------------------------------------- */

static void put_name_piece(struct writer *w, const struct region_piece *p)
{
	char name[XM_NAME_MAX + 1];
	struct image_name pattern;
	uint32_t len;

	if (world_name_pattern(w->o->world, p, &pattern)) {
		text_puts(w->t, "\"");
		text_safe(w->t, pattern.bytes, pattern.len);
		text_puts(w->t, pattern.prefix ? "*\"" : "\"");
		return;
	}
	len = world_name(w->o->world, p->low, name);
	text_puts(w->t, "such as \"");
	text_safe(w->t, name, len);
	text_puts(w->t, "\"");
}

/* ---- sets -------------------------------------------------------------------------------------- */

static void put_piece(struct writer *w, unsigned int i, const struct region_piece *p)
{
	if (xm_ops[w->o->op].args[i].type == XM_T_NAME)
		put_name_piece(w, p);
	else
		put_number_piece(w, i, p, w->o->space.whole[i]);
}

static void put_pieces(struct writer *w, unsigned int i, const struct region_set *set)
{
	for (uint32_t j = 0; j < set->n && j < LISTED; j++) {
		text_puts(w->t, !j ? "" : j + 1 < set->n ? ", " : " or ");
		put_piece(w, i, &set->piece[j]);
	}
	if (set->n > LISTED)
		text_printf(w->t, " and %u more ranges", set->n - LISTED);
}

/* Where it may be any partition, the own one is not called by its name. */
static bool is_self(const struct writer *w, unsigned int i, const struct region_set *set)
{
	enum xm_domain domain = xm_ops[w->o->op].args[i].domain;

	return w->o->world->several &&
	       (domain == XM_D_PARTITION || domain == XM_D_PARTITION_OR_HV ||
		domain == XM_D_SELF) &&
	       set->n == 1 && set->piece[0].low == w->o->world->self &&
	       set->piece[0].high == set->piece[0].low;
}

static void put_argument(struct writer *w, unsigned int i, const struct region_set *set)
{
	const struct region_set *whole = w->o->space.whole[i], *others;

	begin(w);
	text_puts(w->t, xm_ops[w->o->op].args[i].name);
	if (!set->n) {
		text_puts(w->t, " is undetermined (NULL)");
		return;
	}
	others = region_set_minus(w->o->space.arena, whole, set);
	if (!others->n) {
		text_puts(w->t, " is determined");
		return;
	}
	text_puts(w->t, " is ");
	if (is_self(w, i, set) || is_self(w, i, others)) {
		text_puts(w->t, is_self(w, i, set) ? "self" : "not self");
	} else if (others->n < set->n) {
		text_puts(w->t, "not ");
		put_pieces(w, i, others);
	} else {
		put_pieces(w, i, set);
	}
	if (set->unknown)
		text_puts(w->t, ", or undetermined");
}

static void put_buffer(struct writer *w, unsigned int i, const struct region_set *set)
{
	begin(w);
	text_puts(w->t, xm_ops[w->o->op].args[i].name);
	text_puts(w->t, set->unknown ? " is NULL" : " is not NULL");
}

/* ---- ports ------------------------------------------------------------------------------------- */

/* Ports of several partitions may have one name. */
static bool was_named(const struct system_port *port, const struct region_set *set, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (port[j].type == port[i].type && region_set_has(set, j) &&
		    !strncmp(port[j].name, port[i].name, SYSTEM_NAME))
			return true;
	return false;
}

static void put_port_names(struct writer *w, const struct policy_image *image,
			   const struct region_set *set)
{
	const struct system *sys = policy_image_system(image);
	const struct system_port *port;
	unsigned int listed = 0;
	uint32_t n = 0;

	port = sys ? system_ports(sys, &n) : NULL;
	begin(w);
	text_puts(w->t, "portName is ");
	for (uint32_t i = 0; i < n; i++) {
		if (!region_set_has(set, i) || was_named(port, set, i) ||
		    (port[i].type == SYSTEM_QUEUING) != match_ops[w->o->op].queuing)
			continue;
		if (listed++ >= LISTED)
			continue;
		text_puts(w->t, listed > 1 ? " or \"" : "\"");
		text_safe(w->t, port[i].name, strnlen(port[i].name, SYSTEM_NAME));
		text_puts(w->t, "\"");
	}
	if (listed > LISTED)
		text_printf(w->t, " and %u more", listed - LISTED);
}

/* True: the names say what the number of the port is, too. */
static bool put_ports(struct writer *w, const struct region_box *box)
{
	const struct world *world = w->o->world;

	for (unsigned int i = 0; i < 1u + w->o->two_ports; i++) {
		const struct region_set *flag = box->dim[REGION_PORT + i];

		if (!flag || flag->n != 1 || flag->piece[0].low != flag->piece[0].high)
			continue;
		if (flag->piece[0].low) {
			put_port_names(w, world->image[i],
				       box->dim[1] ? box->dim[1] : w->o->space.whole[1]);
			return true;
		}
		begin(w);
		text_puts(w->t, "port is none of its kind that the partition has");
	}
	return false;
}

/* ---- times ------------------------------------------------------------------------------------- */

void atoms_time_words(struct text *t, int64_t time)
{
	time_t when = (time_t)time;
	struct tm tm;
	char room[40];

	if (!gmtime_r(&when, &tm) || !strftime(room, sizeof(room), "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(room, "never");
	text_puts(t, room);
}

static void put_times(struct writer *w, const struct region_set *set)
{
	const struct region_piece *whole = &w->o->space.whole[REGION_TIME]->piece[0];

	if (!set->n) {
		begin(w);
		text_puts(w->t, "while the clock is not to be trusted");
		return;
	}
	for (uint32_t i = 0; i < set->n && i < LISTED; i++) {
		const struct region_piece *p = &set->piece[i];

		if (p->low == whole->low && p->high == whole->high)
			continue;
		if (i)
			text_puts(w->t, " or");
		else
			begin(w);
		if (p->low != whole->low) {
			text_puts(w->t, i ? " from " : "from ");
			atoms_time_words(w->t, (int64_t)(p->low ^ IMAGE_BIAS));
		}
		if (p->high != whole->high) {
			text_puts(w->t, i || p->low != whole->low ? " until " : "until ");
			atoms_time_words(w->t, (int64_t)(p->high ^ IMAGE_BIAS) + 1);
		}
	}
	if (set->n > LISTED)
		text_puts(w->t, " and at other times");
	if (set->unknown &&
	    (set->n > 1 || set->piece[0].low != whole->low || set->piece[0].high != whole->high))
		text_puts(w->t, " or while the clock is not to be trusted");
}

static void put_clock(struct writer *w, uint64_t minute)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

	text_printf(w->t, "%s %02u:%02u", days[minute / IMAGE_DAY_MINUTES % 7],
		    (unsigned int)(minute % IMAGE_DAY_MINUTES / 60), (unsigned int)(minute % 60));
}

struct hours {
	uint64_t from, to; /* minutes of the day; one that ends on the next is beyond its end */
	unsigned int days; /* on which it begins */
};

/* Another interval of the week; false: not the same hours as those before, or twice on one day. */
static bool add_hours(struct hours *h, uint64_t low, uint64_t length)
{
	uint64_t from = low % IMAGE_DAY_MINUTES;
	unsigned int day = (unsigned int)(low / IMAGE_DAY_MINUTES);

	/* All hours of several days are one piece. */
	if (!from && length % IMAGE_DAY_MINUTES == 0)
		for (; length > IMAGE_DAY_MINUTES; length -= IMAGE_DAY_MINUTES)
			h->days |= 1u << day++;
	if (length > IMAGE_DAY_MINUTES - !!from ||
	    (h->to && (from != h->from || from + length != h->to)) || (h->days >> day & 1))
		return false;
	h->from = from;
	h->to = from + length;
	h->days |= 1u << day;
	return true;
}

/* The part of each day that is in the set, if that is one interval and the same for all of `days`.  What
 * ends at the end of the week goes on at its beginning. */
static bool same_hours(const struct region_set *set, struct hours *h)
{
	const struct region_piece *last = &set->piece[set->n ? set->n - 1 : 0];
	uint64_t length;
	bool round;

	*h = (struct hours){ 0 };
	round = set->n > 1 && !set->piece[0].low && last->high == WEEK - 1 &&
		last->low % IMAGE_DAY_MINUTES;
	for (uint32_t i = round; i < set->n; i++) {
		length = set->piece[i].high - set->piece[i].low + 1;
		if (round && i + 1 == set->n)
			length += set->piece[0].high + 1;
		if (!add_hours(h, set->piece[i].low, length))
			return false;
	}
	return true;
}

static void put_days(struct writer *w, unsigned int days)
{
	static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	bool first = true;

	if (days == IMAGE_ALL_DAYS) {
		text_puts(w->t, "daily");
		return;
	}
	for (unsigned int day = 0, end; day < 7; day = end) {
		for (end = day; end < 7 && (days >> end & 1);)
			end++;
		if (end == day) {
			end++;
			continue;
		}
		text_printf(w->t, "%s%s", first ? "" : ",", names[day]);
		if (end - day > 1)
			text_printf(w->t, "-%s", names[end - 1]);
		first = false;
	}
}

/* So many over midnight are better said by those that are not. */
#define MANY_HOURS (18 * 60)

static bool put_hours(struct writer *w, const struct region_set *set, const char *before)
{
	struct hours h;

	if (!same_hours(set, &h) ||
	    (h.to > IMAGE_DAY_MINUTES && h.to - h.from > MANY_HOURS && !*before))
		return false;
	text_puts(w->t, before);
	put_days(w, h.days);
	h.to -= h.to > IMAGE_DAY_MINUTES ? IMAGE_DAY_MINUTES : 0;
	if (h.from || h.to != IMAGE_DAY_MINUTES)
		text_printf(w->t, " %02u:%02u-%02u:%02u", (unsigned int)(h.from / 60),
			    (unsigned int)(h.from % 60), (unsigned int)(h.to / 60),
			    (unsigned int)(h.to % 60));
	text_puts(w->t, " UTC");
	return true;
}

static void put_week(struct writer *w, const struct region_set *set)
{
	begin(w);
	if (put_hours(w, set, "") ||
	    put_hours(w, region_set_minus(w->o->space.arena, w->o->space.whole[REGION_WEEK], set),
		      "but not "))
		return;
	for (uint32_t i = 0; i < set->n && i < LISTED; i++) {
		text_puts(w->t, i ? ", " : "");
		put_clock(w, set->piece[i].low);
		text_puts(w->t, " to ");
		put_clock(w, set->piece[i].high + 1);
	}
	text_puts(w->t, set->n > LISTED ? " UTC and more" : " UTC");
}

/* ---- the whole --------------------------------------------------------------------------------- */

void atoms_words(struct text *t, const struct atoms_op *o, const struct region_box *box)
{
	struct arena_mark mark = arena_mark(o->space.arena);
	const struct xm_op *op = &xm_ops[o->op];
	struct writer w = { .t = t, .o = o };
	bool ports = put_ports(&w, box);

	for (unsigned int i = 0; i < op->n_args; i++) {
		if (!box->dim[i] || (ports && i == 1))
			continue;
		if (op->args[i].type == XM_T_DATA_IN || op->args[i].type == XM_T_DATA_OUT)
			put_buffer(&w, i, box->dim[i]);
		else
			put_argument(&w, i, box->dim[i]);
	}
	if (box->dim[REGION_TIME])
		put_times(&w, box->dim[REGION_TIME]);
	if (box->dim[REGION_WEEK])
		put_week(&w, box->dim[REGION_WEEK]);
	arena_release(o->space.arena, mark);
}

void atoms_cube_words(struct text *t, const struct world *w, uint32_t cube)
{
	const struct atoms_cube *c = world_cube(w, cube);
	const char *and = "";

	if (c->uid == ATOMS_ANY_USER && !c->n)
		text_puts(t, "everyone");
	if (c->uid != ATOMS_ANY_USER) {
		text_printf(t, "user:%u", c->uid);
		and = " and ";
	}
	for (uint32_t i = 0; i < c->n; i++) {
		text_printf(t, "%sgroup:%u", and, c->gids[i]);
		and = " and ";
	}
}
