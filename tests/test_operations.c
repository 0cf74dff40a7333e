// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every operation of the table through the real gate, policy and guard, to a hypervisor that records.
 * The cases are made from the table and from what operation_samples.c knows of its
 * types and domains; what they expect is written here.
 */

#include <sys/mman.h>
#include <unistd.h>

#include "tests/operation_samples.h"
#include "tests/policy/helper.h"
#include "xmbroker/gate.h"

enum { ALLOWED = 1000, NOBODY, ELSEWHERE, ANYTHING }; /* users */

static struct compiled policy;
static struct gate gate;
static struct gate_call call;
static struct xm_reply reply;
static uint8_t space[4096];
static int log_fd = -1;
static off_t log_end;

/* What reached the hypervisor since the last question. */
static struct {
	unsigned int n;
	struct xm_request last;
	bool only_status;
} seen;

static unsigned int n_allowed, n_refused, n_guarded, n_lacking;

/* ---- the hypervisor ---------------------------------------------------------------------------------- */

static void record_call(struct backend *backend, const struct xm_request *req, struct xm_reply *out)
{
	(void)backend;
	(void)out;
	seen.n++;
	seen.last = *req;
	seen.only_status &= req->op == XM_OP_GET_PARTITION_STATUS ||
			    req->op == XM_OP_GET_PLAN_STATUS || req->op == XM_OP_GET_TIME;
}

static const struct backend_ops recorder_ops = { .name = "recorder", .call = record_call };
static struct backend recorder = { &recorder_ops };

/* ---- asking ------------------------------------------------------------------------------------------ */

static void sample(unsigned int op)
{
	memset(&call, 0, sizeof(call));
	call.req.op = op;
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
		cr_assert(sample_value(op, i, &call.req.arg[i]), "no sample of %s.%s",
			  xm_ops[op].name, xm_ops[op].args[i].name);
}

static void ask(uint32_t uid)
{
	struct gate_caller caller = {
		.subject = { .uid = uid },
		.who = { .uid = uid, .comm = "test", .cgroup = "", .profile = "3.x" },
	};

	memset(&seen, 0, sizeof(seen));
	seen.only_status = true;
	xm_reply_init(&reply, space, sizeof(space));
	cr_assert_eq(gate_request(&gate, &caller, &call, &reply), 0);
}

/* Lines of the audit log since the last question, of which the first is about this operation. */
static unsigned int logged(unsigned int op)
{
	static char text[65536];
	char name[96];
	unsigned int lines = 0;
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, log_end);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	log_end += n;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	snprintf(name, sizeof(name), "\"%s\"", xm_ops[op].name);
	cr_expect(lines && strstr(text, name), "%s is not in the log: %s", xm_ops[op].name, text);
	return lines;
}

static bool same_value(const struct xm_value *a, const struct xm_value *b)
{
	return a->state == b->state && a->len == b->len && a->num == b->num && a->data == b->data;
}

static void expect_stopped(unsigned int op, enum xm_code code, const char *what)
{
	cr_expect_eq(reply.code, code, "%s, %s: %s instead of %s", xm_ops[op].name, what,
		     xm_code_name(reply.code), xm_code_name(code));
	cr_expect_eq(seen.n, 0, "%s, %s: reached the hypervisor", xm_ops[op].name, what);
	cr_expect_eq(logged(op), 1, "%s, %s", xm_ops[op].name, what);
}

/* ---- the policy -------------------------------------------------------------------------------------- */

static bool is_decided(unsigned int op)
{
	return xm_ops[op].class != XM_CLASS_NONE && !(xm_ops[op].flags & XM_OPF_BROKER);
}

static bool never_forwarded(unsigned int op)
{
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
		if (xm_ops[op].args[i].domain == XM_D_CLIENT_ADDRESS)
			return true;
	return false;
}

static bool is_signed(const struct xm_arg *arg)
{
	return arg->type == XM_T_S32 || arg->type == XM_T_S64;
}

/* One rule; `other` is the resource that is not to be the sample's, -1: none; `any`: all values. */
static void write_rule(FILE *out, unsigned int op, int other, bool any)
{
	const struct xm_op *o = &xm_ops[op];
	const char *between = "";
	uint64_t num;

	fprintf(out, "    - allow: %s\n      audit: always\n", o->name);
	for (unsigned int i = 0; i < o->n_args; i++) {
		if (!xm_domain_is_resource(o->args[i].domain))
			continue;
		cr_assert(sample_number(op, i, &num));
		fprintf(out, "%s%s: ", *between ? between : "      where: {", o->args[i].name);
		if (any)
			fputs(is_signed(&o->args[i]) ? "[..-1, 0..]" : "0..", out);
		else if ((int)i == other)
			fprintf(out, "{not: %llu}", (unsigned long long)num);
		else
			fprintf(out, "%llu", (unsigned long long)num);
		between = ", ";
	}
	fputs(*between ? "}\n" : "", out);
}

static void write_policy(FILE *out)
{
	fputs("version: 1\nroles:\n  allowed:\n", out);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (is_decided(op))
			write_rule(out, op, -1, false);
	fputs("  anything:\n", out);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (is_decided(op))
			write_rule(out, op, -1, true);
	fputs("  elsewhere:\n", out);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int i = 0; is_decided(op) && i < xm_ops[op].n_args; i++)
			if (xm_domain_is_resource(xm_ops[op].args[i].domain))
				write_rule(out, op, (int)i, false);
	fprintf(out,
		"grants:\n  - {to: \"user:%d\", roles: [allowed]}\n"
		"  - {to: \"user:%d\", roles: [elsewhere]}\n  - {to: \"user:%d\", roles: "
		"[anything]}\n",
		ALLOWED, ELSEWHERE, ANYTHING);
}

static struct compiled compile_policy(void)
{
	char path[] = "/tmp/operations-XXXXXX";
	struct policy_options options = { .partition = 0, .system = path };
	int fd = mkstemp(path);
	struct compiled c;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, sample_system, strlen(sample_system)),
		     (ssize_t)strlen(sample_system));
	write_policy(out);
	fclose(out);
	c = compile_with(text, &options);
	cr_assert_eq(c.ret, 0, "%s", c.messages);
	close(fd);
	unlink(path);
	free(text);
	return c;
}

static void setup(void)
{
	policy = compile_policy();
	log_fd = memfd_create("log", 0);
	gate = (struct gate){
		.image = policy.image,
		.backend = &recorder,
		.hypervisor = { XM_PROFILE_ID_3_X, 0, 2 },
	};
	cr_assert_eq(audit_new(dup(log_fd), NULL, NULL, &gate.audit), 0);
}

static void teardown(void)
{
	audit_free(gate.audit);
	close(log_fd);
	compiled_free(&policy);
}

TestSuite(operations, .init = setup, .fini = teardown);

/* ---- cases ------------------------------------------------------------------------------------------- */

static void check_forwarded(unsigned int op, const struct xm_request *asked)
{
	cr_expect_eq(reply.code, XM_C_OK, "%s: %s", xm_ops[op].name, xm_code_name(reply.code));
	cr_expect_eq(logged(op), 2, "%s: decision and result", xm_ops[op].name);
	if (xm_ops[op].flags & XM_OPF_DESCRIBED) {
		cr_expect(seen.only_status, "%s: more than status was asked", xm_ops[op].name);
		return;
	}
	cr_expect_eq(seen.n, 1, "%s: forwarded %u times", xm_ops[op].name, seen.n);
	cr_expect_eq(seen.last.op, op);
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
		cr_expect(same_value(&seen.last.arg[i], &asked->arg[i]), "%s.%s is another",
			  xm_ops[op].name, xm_ops[op].args[i].name);
}

static void check_allowed(unsigned int op)
{
	struct xm_request asked;

	sample(op);
	asked = call.req;
	ask(ALLOWED);
	if (never_forwarded(op))
		expect_stopped(op, XM_C_PERM_ERROR, "an address of the client");
	else
		check_forwarded(op, &asked);
	n_allowed++;
}

static void check_refused(unsigned int op)
{
	sample(op);
	ask(NOBODY);
	expect_stopped(op, XM_C_PERM_ERROR, "without a rule");
	n_refused++;
	if (xm_ops[op].class != XM_CLASS_MACHINE)
		return;
	sample(op);
	ask(ELSEWHERE);
	expect_stopped(op, XM_C_PERM_ERROR, "with another resource");
	n_refused++;
}

/* What the rule cannot compare is refused by it, and what it can by the guard. */
static enum xm_code expected(unsigned int op, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];
	const struct xm_value *v = &call.req.arg[i];

	if (xm_domain_is_resource(arg->domain) &&
	    (v->state != XM_ST_OK || (arg->type == XM_T_U32 && v->num > UINT32_MAX) ||
	     (arg->type == XM_T_S32 && (uint64_t)(int64_t)(int32_t)v->num != v->num)))
		return XM_C_PERM_ERROR;
	return never_forwarded(op) ? XM_C_PERM_ERROR : arg->error;
}

static void check_guarded_numbers(unsigned int op, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];
	uint64_t bad[SAMPLE_WAYS];
	unsigned int n = sample_bad_numbers(op, arg, gate.hypervisor.profile, bad);
	char what[96];

	for (unsigned int k = 0; k < n; k++) {
		sample(op);
		call.req.arg[i].num = bad[k];
		snprintf(what, sizeof(what), "%s = %llu", arg->name, (unsigned long long)bad[k]);
		ask(ANYTHING);
		expect_stopped(op, expected(op, i), what);
		n_guarded++;
	}
}

/* Which states an argument may be in without being outside the domain. */
static bool may_be(const struct xm_arg *arg, unsigned int state)
{
	if (state == XM_ST_ABSENT)
		return arg->domain == XM_D_OPTIONAL || arg->domain == XM_D_OPT_POINTER;
	return state == XM_ST_NULL && arg->domain == XM_D_OPT_POINTER;
}

/* Too much data is the fault of the argument that says how much. */
static enum xm_code state_error(unsigned int op, unsigned int i, unsigned int state)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];

	if (state == XM_ST_OVERSIZE && (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT))
		return xm_ops[op].args[arg->ref].error;
	return expected(op, i);
}

static void check_guarded_states(unsigned int op, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];
	char what[96];

	for (unsigned int state = XM_ST_OK + 1; state < XM_N_STATES; state++) {
		if (may_be(arg, state))
			continue;
		sample(op);
		call.req.arg[i].state = (uint8_t)state;
		snprintf(what, sizeof(what), "%s in state %u", arg->name, state);
		ask(ANYTHING);
		expect_stopped(op, state_error(op, i, state), what);
		n_guarded++;
	}
}

static void check_guarded_lengths(unsigned int op, unsigned int i)
{
	static const uint8_t nothing[64] = "nothing";
	const struct xm_arg *arg = &xm_ops[op].args[i];
	struct xm_value *v = &call.req.arg[i];

	sample(op);
	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_STRUCT_IN ||
	    arg->type == XM_T_RECORDS_IN)
		v->len--;
	else if (arg->type == XM_T_NAME && arg->domain != XM_D_POINTER)
		*v = (struct xm_value){ .data = nothing, .len = 7 };
	else if (arg->type == XM_T_NAME)
		*v = (struct xm_value){ .data = nothing, .len = XM_NAME_MAX + 1 };
	else
		return;
	ask(ANYTHING);
	expect_stopped(op, arg->type == XM_T_DATA_IN ? xm_ops[op].args[arg->ref].error : arg->error,
		       "length");
	n_guarded++;
}

static void check_guarded(unsigned int op)
{
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++) {
		if (xm_type_is_scalar(xm_ops[op].args[i].type))
			check_guarded_numbers(op, i);
		check_guarded_states(op, i);
		check_guarded_lengths(op, i);
	}
}

Test(operations, every_row_allowed_refused_guarded_and_on_the_wrong_hypervisor)
{
	unsigned int n = 0;

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		bool checked = false;

		if (!is_decided(op))
			continue;
		n++;
		for (uint32_t p = XM_PROFILE_ID_2_4; p <= XM_PROFILE_ID_PRTOS; p++) {
			gate.hypervisor.profile = p;
			if (xm_ops[op].profiles & XM_IN(p)) {
				check_allowed(op);
				check_refused(op);
				check_guarded(op);
				checked = true;
			} else {
				sample(op);
				ask(ALLOWED);
				expect_stopped(op, XM_C_UNKNOWN_HYPERCALL, xm_profile_name(p));
				n_lacking++;
			}
		}
		cr_expect(checked, "%s", xm_ops[op].name);
	}
	fprintf(stderr,
		"count: operations: %u, cases: %u (%u allowed, %u refused, %u guarded, %u on a "
		"hypervisor "
		"that lacks it)\n",
		n, n_allowed + n_refused + n_guarded + n_lacking, n_allowed, n_refused, n_guarded,
		n_lacking);
	cr_expect_geq(n, 86);
	cr_expect_geq(n_guarded, 1000);
}

/* An operation of the machine is not allowed by a rule that leaves out one of its resources. */
Test(operations, machine_operations_need_each_of_their_resources)
{
	unsigned int n = 0;

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		char text[512];

		if (xm_ops[op].class != XM_CLASS_MACHINE || !xm_ops[op].n_args)
			continue;
		snprintf(text, sizeof(text), PREAMBLE "roles:\n  r:\n    - allow: %s\n",
			 xm_ops[op].name);
		expect_error(text, "is about the machine: the rule must say which");
		n++;
	}
	cr_expect_geq(n, 30);
	expect_error(PREAMBLE "roles:\n  r:\n    - allow: \"@machine\"\n",
		     "a rule about the machine must say which resource");
}
