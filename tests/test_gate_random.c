// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: random requests against a description of the domain that was written by hand.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gate_rig.h"

TestSuite(gate, .init = gate_setup, .fini = gate_teardown);

static uint64_t state = 88172645463325252ull;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t random_number(enum xm_type type)
{
	static const uint64_t values[] = { 0,  1,  2,  3,   4,   5,   7,   8,   16,  17,
					   63, 64, 65, 127, 128, 129, 254, 255, 256, 65536 };
	uint64_t v = rnd() % 8 ? values[rnd() % (sizeof(values) / sizeof(values[0]))] : rnd();

	if (rnd() % 2)
		v = rnd() % 3;
	if (rnd() % 32 == 0)
		v = -v;
	if (type == XM_T_U32)
		return (uint32_t)v;
	if (type == XM_T_S32)
		return (uint64_t)(int64_t)(int32_t)v;
	return v;
}

static void random_name(struct xm_value *v)
{
	static const char *const names[] = { "attitude",  "hk-1",    "commands", "telemetry",
					     "attitude ", "nothing", "",         "hk-",
					     "commands1", "ATTITUDE" };
	const char *s = names[rnd() % (sizeof(names) / sizeof(names[0]))];

	v->data = (const uint8_t *)s;
	v->len = (uint32_t)strlen(s);
}

static void random_state(const struct xm_arg *arg, struct xm_value *v)
{
	v->state = (uint8_t)(rnd() % 4 ? XM_ST_OK : rnd() % XM_N_STATES);
	if (v->state == XM_ST_ABSENT && arg->domain != XM_D_OPT_POINTER)
		v->state = XM_ST_NULL;
	if (v->state == XM_ST_OVERSIZE && arg->type != XM_T_DATA_IN && arg->type != XM_T_DATA_OUT)
		v->state = XM_ST_FAULT;
}

static void random_pointer(const struct xm_arg *arg, struct xm_value *v)
{
	static const uint8_t bytes[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

	random_state(arg, v);
	if (v->state != XM_ST_OK)
		return;
	v->data = bytes;
	if (arg->type == XM_T_STRUCT_IN)
		v->len = xm_structs[arg->ref].n_fields;
	if (arg->type == XM_T_NAME)
		random_name(v);
}

static void fit_records(struct xm_value *v, uint64_t n, unsigned int fields)
{
	if (n > XM_MAX_RECORDS)
		v->state = XM_ST_OVERSIZE;
	else
		v->len = (uint32_t)n * fields;
}

static void fit_length(struct xm_value *v, uint64_t len, bool in)
{
	if (len > (in ? 1024 : XM_WIRE_DATA_MAX))
		v->state = XM_ST_OVERSIZE;
	else if (in)
		v->len = (uint32_t)len;
}

/* What the wire decoder would let through. */
static void random_request(struct xm_request *req)
{
	const struct xm_op *op;

	memset(req, 0, sizeof(*req));
	req->op = (unsigned int)(rnd() % XM_N_OPS);
	op = &xm_ops[req->op];
	for (unsigned int i = 0; i < op->n_args; i++) {
		if (xm_type_is_scalar(op->args[i].type))
			req->arg[i].num = random_number(op->args[i].type);
		if (xm_arg_is_pointed(&op->args[i]))
			random_state(&op->args[i], &req->arg[i]);
		else if (!xm_type_is_scalar(op->args[i].type))
			random_pointer(&op->args[i], &req->arg[i]);
	}
	for (unsigned int i = 0; i < op->n_args; i++) {
		bool in = op->args[i].type == XM_T_DATA_IN;

		if ((in || op->args[i].type == XM_T_DATA_OUT) && req->arg[i].state == XM_ST_OK)
			fit_length(&req->arg[i], req->arg[op->args[i].ref].num, in);
		if (op->args[i].type == XM_T_RECORDS_IN && req->arg[i].state == XM_ST_OK)
			fit_records(&req->arg[i], req->arg[i + 1].num,
				    xm_structs[op->args[i].ref].n_fields);
	}
}

Test(gate, of_random_requests_exactly_the_documented_domain_is_forwarded)
{
	unsigned int n_good = 0;

	fake_policy.answer = FAKE_ALLOW;
	use_audit(-1);
	for (unsigned int i = 0; i < 50000; i++) {
		unsigned int before = hypervisor->n_calls;
		bool good;

		random_request(&call.req);
		good = fake_in_domain(&call.req);
		ask();
		n_good += good;
		if (xm_ops[call.req.op].flags & XM_OPF_DESCRIBED)
			cr_assert(good || hypervisor->n_calls == before);
		else
			cr_assert_eq(hypervisor->n_calls - before, good, "request %u, %s", i,
				     xm_ops[call.req.op].name);
	}
	cr_expect_gt(n_good, 5000);
	cr_expect_lt(n_good, 45000);
}
