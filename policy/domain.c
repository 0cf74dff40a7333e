// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What values an argument can have, and by what names: enumerations of the table, partitions, plans and
 * ports of the system description.  Owns nothing.  Must never narrow what a rule says: it only judges
 * single values.
 */

#include <string.h>

#include "policy/set.h"

/* ---- names of the domain ----------------------------------------------------------------------- */

bool domain_is_partition(enum xm_domain domain)
{
	return domain == XM_D_PARTITION || domain == XM_D_PARTITION_OR_HV || domain == XM_D_SELF;
}

static bool is_enum_domain(enum xm_domain domain)
{
	return domain == XM_D_ENUM || domain == XM_D_RESOURCE_ENUM;
}

bool domain_symbol(struct compilation *c, const struct condition *cond, const char *text,
		   uint64_t *valuep)
{
	int id = -1;

	if (is_enum_domain(cond->domain))
		return xm_enum_by_name(cond->ref, text, valuep);
	if ((cond->domain == XM_D_PARTITION_OR_HV || cond->domain == XM_D_HYPERVISOR) &&
	    !strcmp(text, "XM_HYPERVISOR_ID"))
		id = XM_HYPERVISOR_ID;
	else if (c->sys && domain_is_partition(cond->domain))
		id = system_partition_by_name(c->sys, text);
	else if (c->sys && cond->domain == XM_D_PLAN)
		id = system_plan_by_name(c->sys, text);
	*valuep = (uint64_t)id;
	return id >= 0;
}

static void add_word(struct buffer *words, const char *word)
{
	buffer_push(words, &word, sizeof(word));
}

static void add_system_words(struct buffer *words, const struct system *sys, enum xm_domain domain)
{
	const struct system_partition *partitions;
	const struct system_plan *plans;
	uint32_t n;

	if (domain_is_partition(domain)) {
		partitions = system_partitions(sys, &n);
		for (uint32_t i = 0; i < n; i++)
			add_word(words, partitions[i].name);
	}
	if (domain == XM_D_PLAN) {
		plans = system_plans(sys, &n);
		for (uint32_t i = 0; i < n; i++)
			add_word(words, plans[i].name);
	}
}

const char *domain_symbol_hint(struct compilation *c, const struct condition *cond,
			       const char *text)
{
	struct buffer words = { 0 };
	const char *hint;

	if (diag_is_full(c->diag, DIAG_ERROR))
		return NULL; /* nobody will see it */
	if (is_enum_domain(cond->domain))
		for (const struct xm_enum_value *v = xm_enums[cond->ref].values; v->name; v++)
			add_word(&words, v->name);
	if (domain_is_partition(cond->domain))
		add_word(&words, "self");
	if (c->sys)
		add_system_words(&words, c->sys, cond->domain);
	for (size_t i = 0; i < BUFFER_N(&c->defines, struct define *); i++)
		add_word(&words, (*BUFFER_AT(&c->defines, struct define *, i))->name->text);
	hint = vocabulary_hint(&c->arena, text, (const char *const *)(void *)words.data,
			       BUFFER_N(&words, const char *));
	buffer_free(&words);
	if (!hint && !c->sys && (domain_is_partition(cond->domain) || cond->domain == XM_D_PLAN))
		return "names need a system description: add `system: XM_CF.xml`";
	return hint;
}

/* ---- domains ----------------------------------------------------------------------------------- */

static bool is_2_x(const struct system *sys)
{
	return sys && (XM_IN(sys->profile) & XM_IN_2);
}

/* Domains that are a range of numbers, whatever the system. */
static bool range_of(enum xm_domain domain, uint64_t *lowp, uint64_t *highp)
{
	static const struct {
		enum xm_domain domain;
		uint64_t low, high;
	} ranges[] = {
		{ XM_D_COUNT, 1, XM_MAX_RECORDS },
		{ XM_D_SPARE_COUNT, 0, XM_MAX_SPARE_SLOTS },
		{ XM_D_RESOURCE_IRQ, 0, 31 },
		{ XM_D_RESOURCE_LINE, 0, 15 },
		{ XM_D_RESOURCE_VCPU, 0, SYSTEM_MAX_VCPUS - 1 },
		{ XM_D_IPVI, SYSTEM_FIRST_IPVI, SYSTEM_FIRST_IPVI + SYSTEM_N_IPVIS - 1 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (ranges[i].domain != domain)
			continue;
		*lowp = ranges[i].low;
		*highp = ranges[i].high;
		return true;
	}
	return false;
}

static const char *outside_range(struct compilation *c, enum xm_domain domain, uint64_t value)
{
	uint64_t low, high;

	if (!range_of(domain, &low, &high) || (value >= low && value <= high))
		return NULL;
	return arena_printf(&c->arena, "it is from %u to %u", (unsigned int)low,
			    (unsigned int)high);
}

/* Why a value is outside the domain, or NULL. */
const char *domain_excludes(struct compilation *c, const struct condition *cond, uint64_t value)
{
	const struct system *sys = c->sys;
	const struct system_port *port;

	switch (cond->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return xm_enum_name(cond->ref, value)
			       ? NULL
			       : arena_printf(&c->arena, "it is no %s", xm_enums[cond->ref].name);
	case XM_D_PARTITION_OR_HV:
		if (value == XM_HYPERVISOR_ID)
			return NULL;
		/* fall through */
	case XM_D_PARTITION:
	case XM_D_SELF:
		return !sys || system_partition(sys, value) ? NULL
							    : "the system has no such partition";
	case XM_D_HYPERVISOR:
		return value == XM_HYPERVISOR_ID ? NULL
						 : "only 255, the hypervisor itself, can be meant";
	case XM_D_PLAN:
		return !sys || value < system_n_plans(sys) ? NULL : "the system has no such plan";
	case XM_D_SAMPLING_PORT:
	case XM_D_QUEUING_PORT:
		port = sys ? system_port(sys, value) : NULL;
		return !sys || (port && (port->type == SYSTEM_QUEUING) ==
						(cond->domain == XM_D_QUEUING_PORT))
			       ? NULL
			       : "the system has no such port of this kind";
	case XM_D_INTERVAL:
		return value >= IMAGE_BIAS || is_2_x(sys) ? NULL : "it is never negative";
	case XM_D_NOT_NEGATIVE:
	case XM_D_COPY_SIZE:
		return value >= IMAGE_BIAS ? NULL : "it is never negative";
	default:
		return outside_range(c, cond->domain, value);
	}
}

static bool has_enum_value(const struct set *set, unsigned int ref)
{
	for (const struct xm_enum_value *v = xm_enums[ref].values; v->name; v++)
		if (set_has(set, v->value))
			return true;
	return false;
}

static bool has_from_to(const struct set *set, uint64_t low, uint64_t high)
{
	const struct image_interval *interval = (const void *)set->intervals.data;

	for (size_t i = 0; i < BUFFER_N(&set->intervals, *interval); i++)
		if (interval[i].low <= high && low <= interval[i].high)
			return true;
	return false;
}

static bool has_partition(const struct system *sys, const struct set *set)
{
	uint32_t n;

	if (!sys)
		return true;
	system_partitions(sys, &n);
	return n && has_from_to(set, 0, n - 1);
}

static bool has_plan(const struct system *sys, const struct set *set)
{
	uint32_t n = sys ? system_n_plans(sys) : 0;

	return !sys || (n && has_from_to(set, 0, n - 1));
}

/* How many values from `low` on the domain has; 0: not known, or they are no range. */
static uint64_t size_of(const struct compilation *c, enum xm_domain domain, uint64_t *lowp)
{
	uint64_t high = 0;
	uint32_t n = 0;

	*lowp = 0;
	if (range_of(domain, lowp, &high))
		return high - *lowp + 1;
	if (!c->sys)
		return 0;
	if (domain_is_partition(domain))
		system_partitions(c->sys, &n);
	else if (domain == XM_D_PLAN)
		n = system_n_plans(c->sys);
	return n;
}

enum domain_has domain_find(struct compilation *c, const struct condition *cond,
			    bool (*fits)(void *data, uint64_t value), void *data)
{
	uint64_t low, n = size_of(c, cond->domain, &low);

	if (is_enum_domain(cond->domain)) {
		for (const struct xm_enum_value *v = xm_enums[cond->ref].values; v->name; v++)
			if (fits(data, v->value))
				return DOMAIN_SOME;
		return DOMAIN_NONE;
	}
	if (cond->domain == XM_D_HYPERVISOR ||
	    (cond->domain == XM_D_PARTITION_OR_HV && fits(data, XM_HYPERVISOR_ID)))
		return fits(data, XM_HYPERVISOR_ID) ? DOMAIN_SOME : DOMAIN_NONE;
	for (uint64_t i = 0; i < n; i++)
		if (fits(data, low + i))
			return DOMAIN_SOME;
	return n ? DOMAIN_NONE : DOMAIN_LARGE;
}

bool domain_leaves(struct compilation *c, const struct condition *cond, const struct set *set)
{
	uint64_t low, high;

	switch (cond->domain) {
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return has_enum_value(set, cond->ref);
	case XM_D_PARTITION_OR_HV:
		return set_has(set, XM_HYPERVISOR_ID) || has_partition(c->sys, set);
	case XM_D_PARTITION:
	case XM_D_SELF:
		return has_partition(c->sys, set);
	case XM_D_HYPERVISOR:
		return set_has(set, XM_HYPERVISOR_ID);
	case XM_D_PLAN:
		return has_plan(c->sys, set);
	case XM_D_INTERVAL:
		return has_from_to(set, is_2_x(c->sys) ? 0 : IMAGE_BIAS, UINT64_MAX);
	case XM_D_NOT_NEGATIVE:
	case XM_D_COPY_SIZE:
		return has_from_to(set, IMAGE_BIAS, UINT64_MAX);
	default:
		return range_of(cond->domain, &low, &high) ? has_from_to(set, low, high)
							   : set->intervals.len > 0;
	}
}

/* ---- names of ports, partitions and plans ------------------------------------------------------- */

static bool name_fits(const char *name, const char *pattern, size_t len, bool prefix)
{
	return !strncmp(name, pattern, len) && (prefix || !name[len]);
}

bool domain_has_name(struct compilation *c, const struct condition *cond, const char *name,
		     size_t len, bool prefix)
{
	const struct system *sys = c->sys;
	const struct system_partition *partitions;
	const struct system_port *ports;
	const struct system_plan *plans;
	uint32_t n;

	if (cond->domain == XM_D_SAMPLING_NAME) {
		ports = system_ports(sys, &n);
		for (uint32_t i = 0; i < n; i++)
			if (name_fits(ports[i].name, name, len, prefix))
				return true;
		return false;
	}
	partitions = system_partitions(sys, &n);
	for (uint32_t i = 0; i < n; i++)
		if (name_fits(partitions[i].name, name, len, prefix))
			return true;
	plans = system_plans(sys, &n);
	for (uint32_t i = 0; i < n; i++)
		if (name_fits(plans[i].name, name, len, prefix))
			return true;
	return false;
}

const char *domain_name_hint(struct compilation *c, const char *name)
{
	const struct system_partition *partitions;
	const struct system_port *ports;
	struct buffer words = { 0 };
	const char *hint;
	uint32_t n;

	if (diag_is_full(c->diag, DIAG_ERROR))
		return NULL;
	for (size_t i = 0; i < BUFFER_N(&c->defines, struct define *); i++)
		add_word(&words, (*BUFFER_AT(&c->defines, struct define *, i))->name->text);
	ports = system_ports(c->sys, &n);
	for (uint32_t i = 0; i < n; i++)
		add_word(&words, ports[i].name);
	partitions = system_partitions(c->sys, &n);
	for (uint32_t i = 0; i < n; i++)
		add_word(&words, partitions[i].name);
	hint = vocabulary_hint(&c->arena, name, (const char *const *)(void *)words.data,
			       BUFFER_N(&words, const char *));
	buffer_free(&words);
	return hint;
}
