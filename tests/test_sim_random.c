// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The simulated hypervisor: more than a million calls at random, in all profiles, on descriptions
 * that are given and that are made up.  It never crashes, and never returns a code that the
 * interface does not document for the operation (sim_codes.c).
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/load.h"
#include "tests/describe.h"
#include "tests/sim_codes.h"
#include "xmbroker/sim/sim.h"

#define SYSTEMS 48  /* a test: as many different systems */
#define CALLS 11000 /* on each of them */
#define SPACE 4096

/* ---- calls at random ------------------------------------------------------------------------------ */

struct world {
	uint64_t state;
	enum xm_profile profile;
	struct system *sys;
	struct sim *sim;
	int64_t now;
	uint32_t n_partitions, n_ports;
	unsigned long calls, ok, codes[XM_N_CODES];
	struct xm_reply reply;
	uint8_t space[SPACE];
	uint8_t fields[XM_MAX_FIELDS * XM_WORD_BYTES];
	uint8_t data[SPACE];
};

static uint64_t next(struct world *w)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state;
}

static uint32_t below(struct world *w, uint64_t n)
{
	return (uint32_t)((next(w) >> 11) % n);
}

static uint64_t odd_number(struct world *w)
{
	static const uint64_t odd[] = {
		0,          1,
		2,          3,
		7,          8,
		15,         16,
		24,         31,
		32,         64,
		127,        128,
		129,        254,
		255,        256,
		1023,       1024,
		4095,       4096,
		0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000,
		INT64_MAX,  (uint64_t)INT64_MIN,
		UINT64_MAX, UINT64_MAX - 4095,
	};

	return below(w, 8) ? odd[below(w, sizeof(odd) / sizeof(odd[0]))] : next(w);
}

static const struct system_port *any_port(struct world *w)
{
	return w->n_ports ? system_port(w->sys, below(w, w->n_ports)) : NULL;
}

static uint64_t address(struct world *w)
{
	uint32_t n;
	const struct system_area *areas = system_areas(w->sys, &n);
	const struct system_area *area = n ? &areas[below(w, n)] : NULL;

	if (!area)
		return odd_number(w);
	return area->start +
	       (below(w, 2) ? below(w, area->size) & ~UINT64_C(4095) : area->size - below(w, 5000));
}

/* A number that may well be good where this one stands. */
static uint64_t likely(struct world *w, uint32_t self, const struct xm_arg *arg)
{
	const struct system_port *port = any_port(w);
	const struct system_channel *channel = port ? system_port_channel(w->sys, port) : NULL;

	switch (arg->domain) {
	case XM_D_SELF:
		return self;
	case XM_D_HYPERVISOR:
		return XM_HYPERVISOR_ID;
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		return below(w, 16) ? below(w, w->n_partitions) : XM_HYPERVISOR_ID;
	case XM_D_SAMPLING_PORT:
	case XM_D_QUEUING_PORT:
		return below(w, w->n_ports + 1);
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return below(w, 4);
	case XM_D_PLAN:
	case XM_D_VCPU:
	case XM_D_RESOURCE_VCPU:
		return below(w, 3);
	case XM_D_COUNT:
	case XM_D_SPARE_COUNT:
		return below(w, 4);
	case XM_D_IPVI:
		return 24 + below(w, 8);
	case XM_D_MESSAGE_SIZE:
	case XM_D_CONSOLE_SIZE:
		return below(w, 70);
	case XM_D_OPTIONAL:
		return channel ? (uint64_t)channel->valid_period : 0;
	case XM_D_NOT_NEGATIVE:
		return below(w, 200000);
	case XM_D_COPY_SIZE:
		return below(w, 10000);
	case XM_D_RESOURCE:
		return address(w);
	default:
		return channel && below(w, 2) ? channel->max_message_length : below(w, 20);
	}
}

static uint8_t pointer(struct world *w)
{
	static const uint8_t bad[] = { XM_ST_NULL, XM_ST_FAULT, XM_ST_UNALIGNED };

	return below(w, 12) ? XM_ST_OK : bad[below(w, 3)];
}

static void fill_name(struct world *w, struct xm_value *value)
{
	static const char *const names[] = { "",      "x",     "partition1",
					     "plan1", "loose", "0123456789012345678901234567890" };
	const struct system_port *port = any_port(w);
	const char *name = port && below(w, 8) ? port->name : names[below(w, 6)];

	value->data = (const uint8_t *)name;
	value->len = (uint32_t)strnlen(name, XM_NAME_MAX);
}

/* The words of an argument: what a reader of a message would have made of it. */
static void fill_words(struct world *w, const struct xm_arg *arg, struct xm_value *value)
{
	uint32_t n = xm_structs[arg->ref].n_fields;

	for (uint32_t i = 0; i < n; i++)
		xm_put_word(w->fields + (size_t)i * XM_WORD_BYTES,
			    below(w, 2) ? below(w, 100) : odd_number(w));
	value->data = w->fields;
	value->len = arg->type == XM_T_RECORDS_IN ? n * below(w, 2) : n;
}

static void fill(struct world *w, uint32_t self, const struct xm_arg *arg, struct xm_value *value)
{
	if (xm_type_is_scalar(arg->type)) {
		value->num = below(w, 10) ? likely(w, self, arg) : odd_number(w);
		if (arg->type == XM_T_U32)
			value->num &= UINT32_MAX;
		if (arg->type == XM_T_S32)
			value->num = (uint64_t)(int64_t)(int32_t)value->num;
		if (arg->domain == XM_D_OPTIONAL && !below(w, 3))
			value->state = XM_ST_ABSENT;
		return;
	}
	value->state = pointer(w);
	if (value->state != XM_ST_OK)
		return;
	if (arg->type == XM_T_NAME)
		fill_name(w, value);
	else if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN)
		fill_words(w, arg, value);
	else if (arg->type == XM_T_DATA_IN)
		value->data = w->data;
}

/* Data has the length that its argument says, or is more than a request carries. */
static void match_lengths(const struct xm_op *op, struct xm_request *req)
{
	for (unsigned int i = 0; i < op->n_args; i++) {
		struct xm_value *value = &req->arg[i];
		uint64_t len;

		if (op->args[i].type != XM_T_DATA_IN || value->state != XM_ST_OK)
			continue;
		len = req->arg[op->args[i].ref].num;
		if (len > SPACE)
			value->state = XM_ST_OVERSIZE;
		else
			value->len = (uint32_t)len;
	}
}

static void make(struct world *w, uint32_t self, struct xm_request *req)
{
	const struct xm_op *op;

	memset(req, 0, sizeof(*req));
	do
		req->op = below(w, XM_N_OPS);
	while (xm_ops[req->op].flags & XM_OPF_BROKER ||
	       (!sim_codes(req->op, w->profile) && below(w, 20)) ||
	       (xm_ops[req->op].flags & XM_OPF_MAY_NOT_RETURN && below(w, 40)) ||
	       (req->op == XM_OP_TRACE_UNRECOVERABLE && below(w, 10)));
	op = &xm_ops[req->op];
	for (unsigned int i = 0; i < op->n_args; i++)
		fill(w, self, &op->args[i], &req->arg[i]);
	match_lengths(op, req);
	if (req->op == XM_OP_UNCLASSIFIED)
		req->arg[0].num = below(w, 4);
}

/* ---- what is looked at ---------------------------------------------------------------------------- */

static void check_outputs(const struct world *w, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_value *out = &w->reply.out[i];

		if (out->state == XM_ST_ABSENT)
			continue;
		cr_assert_eq(w->reply.code, XM_C_OK, "%s: %s with outputs", op->name,
			     xm_code_name(w->reply.code));
		cr_assert(!xm_type_is_in(op->args[i].type), "%s: %s is no output", op->name,
			  op->args[i].name);
		if (op->args[i].type == XM_T_DATA_OUT)
			cr_assert(out->len <= req->arg[op->args[i].ref].num && out->len <= SPACE);
		else if (out->words)
			cr_assert(out->words >= w->reply.words &&
				  out->words + out->len <= w->reply.words + XM_REPLY_WORDS);
	}
}

static void check(struct world *w, uint32_t self, const struct xm_request *req)
{
	cr_assert(sim_may_return(req->op, w->profile, w->reply.code),
		  "%s of partition %u (%llu, %llu, %llu, %llu) = %s in profile %s",
		  xm_ops[req->op].name, self, (unsigned long long)req->arg[0].num,
		  (unsigned long long)req->arg[1].num, (unsigned long long)req->arg[2].num,
		  (unsigned long long)req->arg[3].num, xm_code_name(w->reply.code),
		  xm_profile_name(w->profile));
	cr_assert(w->reply.code == XM_C_OK || w->reply.value == 0);
	check_outputs(w, req);
}

/* A code that the profile lacks is never returned, with whatever defects. */
static void check_profile(const struct world *w, const struct xm_request *req)
{
	bool three = w->profile == XM_PROFILE_ID_3_X || w->profile == XM_PROFILE_ID_PRTOS;

	cr_assert_lt(w->reply.code, XM_C_UNKNOWN_OUTCOME);
	cr_assert(!three || w->reply.code != XM_C_NOT_AVAILABLE, "%s", xm_ops[req->op].name);
	cr_assert(w->profile != XM_PROFILE_ID_2_4 || w->reply.code != XM_C_NO_ACTION, "%s",
		  xm_ops[req->op].name);
}

static void open_world(struct world *w, const char *text, size_t len, bool quirks)
{
	const struct system_options load = { .profile = w->profile };
	const struct sim_options options = { .profile = w->profile, .quirks = quirks };
	struct diag diag;
	int r;

	diag_init(&diag);
	r = system_load_text_as("random.xml", text, len, &load, &diag, &w->sys);
	if (r < 0)
		diag_print(&diag, stderr);
	cr_assert_eq(r, 0, "%s", text);
	diag_free(&diag);
	system_partitions(w->sys, &w->n_partitions);
	system_ports(w->sys, &w->n_ports);
	w->now = 1000000;
	cr_assert_eq(sim_new(w->sys, &options, w->now, &w->sim), 0);
}

static void close_world(struct world *w)
{
	sim_free(w->sim);
	free(w->sys);
}

/* One call of some partition; those that stand still are mostly left alone, or restarted. */
static void call(struct world *w, bool quirks)
{
	static struct xm_request req;
	uint32_t self = below(w, 3) ? 0 : below(w, w->n_partitions);
	enum sim_result result;

	make(w, self, &req);
	w->now += below(w, 50) ? below(w, 50) : below(w, 2000000);
	xm_reply_init(&w->reply, w->space, sizeof(w->space));
	result = sim_call(w->sim, self, &req, &w->reply, w->now);
	if (result == SIM_STOPPED || result == SIM_GONE)
		return;
	w->calls++;
	w->codes[w->reply.code]++;
	check_profile(w, &req);
	if (!quirks)
		check(w, self, &req);
}

static bool all_stand_still(const struct world *w)
{
	return sim_system_halted(w->sim) || !sim_runs(w->sim, 0);
}

static unsigned long run(struct world *w, const char *text, size_t len, bool quirks)
{
	unsigned long stuck = 0, before = w->calls;

	open_world(w, text, len, quirks);
	for (unsigned int i = 0; i < 4 * CALLS && w->calls - before < CALLS; i++) {
		call(w, quirks);
		stuck = all_stand_still(w) ? stuck + 1 : 0;
		if (stuck > 20) { /* nobody can start partition 0 again */
			close_world(w);
			open_world(w, text, len, quirks);
			stuck = 0;
		}
		if (!below(w, 100))
			sim_run(w->sim, w->now += below(w, 1000000));
	}
	close_world(w);
	return w->calls - before;
}

static void many(enum xm_profile profile, enum describe_dialect dialect, const char *given,
		 bool quirks)
{
	static struct world w;
	char *text = NULL;
	size_t len = 0;

	/* `make check-random` says others. */
	w.state = 88172645463325252ULL + (uint64_t)profile * 7919 + quirks +
		  (getenv("XM_SEED") ? strtoull(getenv("XM_SEED"), NULL, 10) : 0);
	w.profile = profile;
	for (unsigned int i = 0; i < SYSTEMS; i++) {
		struct describe what = { .dialect = dialect,
					 .partitions = 1 + below(&w, 9),
					 .channels = below(&w, 30),
					 .seed = i };
		FILE *out = open_memstream(&text, &len);

		if (i % 4) {
			describe(out, &what);
		} else {
			FILE *in = fopen(given, "re");
			int c;

			cr_assert(in, "%s (run from the top folder)", given);
			while ((c = getc(in)) != EOF)
				putc(c, out);
			fclose(in);
		}
		fclose(out);
		run(&w, text, len, quirks);
		free(text);
	}
	cr_assert_geq(w.calls, SYSTEMS * CALLS / 2);
	cr_log_info("%s: %lu calls, %lu of them %s", xm_profile_name(profile), w.calls,
		    w.codes[XM_C_OK], xm_code_name(XM_C_OK));
}

Test(sim_random, profile_2_4)
{
	many(XM_PROFILE_ID_2_4, DESCRIBE_2_X, "tests/conformance/system-2x.xml", false);
}

Test(sim_random, profile_2_6)
{
	many(XM_PROFILE_ID_2_6, DESCRIBE_2_X, "tests/conformance/system-2x.xml", false);
}

Test(sim_random, profile_3_x)
{
	many(XM_PROFILE_ID_3_X, DESCRIBE_3_X, "tests/conformance/system-3x.xml", false);
}

Test(sim_random, profile_prtos)
{
	many(XM_PROFILE_ID_PRTOS, DESCRIBE_PRTOS, "tests/conformance/system-prtos.xml", false);
}

Test(sim_random, defects_of_2_6)
{
	many(XM_PROFILE_ID_2_6, DESCRIBE_2_X, "tests/conformance/system-2x.xml", true);
}

Test(sim_random, defects_of_prtos)
{
	many(XM_PROFILE_ID_PRTOS, DESCRIBE_PRTOS, "tests/conformance/system-prtos.xml", true);
}
