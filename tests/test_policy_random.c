// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The compiled evaluator against a naive one: random policies are written as YAML and compiled, and
 * kept as plain data that a few lines below decide by, the way the manual says it.
 */

#include <stdarg.h>

#include "tests/policy/helper.h"

#define POLICIES 250
#define REQUESTS 100
#define ROLES 4
#define RULES 4
#define GRANTS 5
#define IDS 5 /* users and groups 1..IDS */

/* ---- what is random ---------------------------------------------------------------------------- */

enum kind { NUMBER, RANGE, SELF, MASK, NAME, PREFIX };

struct element {
	enum kind kind;
	uint64_t a, b;
	const char *name;
};

/* A union of elements, or all but them. */
struct condition_ {
	const char *attribute; /* NULL: end of the list */
	bool not ;
	bool length;
	unsigned int n;
	struct element element[3];
};

struct rule_ {
	bool allow;
	unsigned int audit;
	unsigned int n_ops;
	const char *ops[3];
	struct condition_ where[4];
};

struct role_ {
	int include; /* a role before it, or -1 */
	unsigned int n;
	struct rule_ rule[RULES];
};

struct grant_ {
	enum { USER, GROUP, EVERYONE, ALL } kind;
	uint32_t id, user; /* of ALL: group, and user or 0 */
	unsigned int role;
};

struct random_policy {
	struct role_ role[ROLES];
	struct grant_ grant[GRANTS];
	char yaml[16384];
	size_t len;
};

static uint64_t seed;

static unsigned int dice(unsigned int n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(seed >> 33) % n;
}

static void out(struct random_policy *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void out(struct random_policy *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	p->len += (size_t)vsnprintf(p->yaml + p->len, sizeof(p->yaml) - p->len, format, args);
	va_end(args);
	cr_assert_lt(p->len, sizeof(p->yaml));
}

static struct element random_element(const char *attribute)
{
	static const char *const names[] = { "attitude", "hk-1", "commands", "telemetry" };
	static const char *const prefixes[] = { "h", "hk-", "com", "t", "att", "" };
	struct element e = { .kind = NUMBER };

	if (!strcmp(attribute, "portName")) {
		e.kind = dice(2) ? NAME : PREFIX;
		e.name = e.kind == NAME ? names[dice(4)] : prefixes[dice(6)];
	} else if (!strcmp(attribute, "partitionId")) {
		e.kind = dice(3) ? NUMBER : dice(2) ? SELF : RANGE;
		e.a = dice(3);
		e.b = e.a + dice(3 - (unsigned int)e.a);
	} else if (!strcmp(attribute, "resetMode")) {
		e.a = dice(2);
	} else {
		e.kind = (enum kind)dice(2);
		e.a = dice(8);
		e.b = e.a + dice(8);
		if (!strcmp(attribute, "status") && !dice(3)) {
			e.kind = MASK;
			e.a = 1 + dice(15);
			e.b = dice(16) & e.a;
		}
	}
	return e;
}

static void write_element(struct random_policy *p, const struct element *e)
{
	if (e->kind == NUMBER)
		out(p, "%llu", (unsigned long long)e->a);
	else if (e->kind == RANGE)
		out(p, "%llu..%llu", (unsigned long long)e->a, (unsigned long long)e->b);
	else if (e->kind == SELF)
		out(p, "self");
	else if (e->kind == MASK)
		out(p, "{mask: %llu, is: %llu}", (unsigned long long)e->a,
		    (unsigned long long)e->b);
	else
		out(p, "\"%s%s\"", e->name, e->kind == PREFIX ? "*" : "");
}

static void random_condition(struct random_policy *p, struct condition_ *c, const char *attribute)
{
	c->attribute = attribute;
	c->length = !strcmp(attribute, "buffer");
	c->n = 1 + dice(3);
	c->not = !dice(3);
	/* Not so much that nothing is left, which is an error. */
	if (!strcmp(attribute, "resetMode"))
		c->n = 1;
	out(p, "%s: %s%s[", attribute, c->length ? "{length: " : "", c->not ? "{not: " : "");
	for (unsigned int i = 0; i < c->n; i++) {
		c->element[i] = random_element(attribute);
		if (c->not &&!strcmp(attribute, "partitionId")) {
			c->element[i].kind = i ? SELF : NUMBER;
			c->element[i].b = c->element[i].a;
		}
		if (c->not &&c->element[i].kind == PREFIX && !*c->element[i].name)
			c->element[i].name = "h";
		out(p, "%s", i ? ", " : "");
		write_element(p, &c->element[i]);
	}
	out(p, "]%s%s", c->not ? "}" : "", c->length ? "}" : "");
}

/* Operations that have the same attributes. */
static const struct family {
	const char *ops[6];
	unsigned int n;
	const char *attributes[3];
} families[] = {
	{ { "XM_halt_partition", "XM_suspend_partition", "XM_resume_partition", "\"@partition\"",
	    "XM_shutdown_partition", "XM_reset_partition" },
	  6,
	  { "partitionId" } },
	{ { "XM_halt_partition", "\"@self-stop\"", "\"@partition\"", "XM_idle_self" },
	  4,
	  { NULL } },
	{ { "XM_reset_partition" }, 1, { "partitionId", "resetMode", "status" } },
	{ { "\"@ports\"", "XM_read_sampling_message", "XM_send_queuing_message",
	    "XM_create_sampling_port" },
	  4,
	  { "portName" } },
	{ { "XM_read_sampling_message", "XM_send_queuing_message" },
	  2,
	  { "portName", "size", "buffer" } },
	{ { "XM_write_console" }, 1, { "buffer", "length" } },
};

static void random_rule(struct random_policy *p, struct rule_ *rule)
{
	static const char *const audits[] = { "never", "denied", "always" };
	const struct family *f = &families[dice(sizeof(families) / sizeof(families[0]))];
	unsigned int n = 0;

	rule->allow = dice(3);
	rule->audit = dice(3);
	rule->n_ops = 1 + dice(3);
	out(p, "  - %s: [", rule->allow ? "allow" : "deny");
	for (unsigned int i = 0; i < rule->n_ops; i++) {
		rule->ops[i] = f->ops[dice(f->n)];
		out(p, "%s%s", i ? ", " : "", rule->ops[i]);
	}
	out(p, "]\n    audit: %s\n", audits[rule->audit]);
	for (unsigned int i = 0; i < 3 && f->attributes[i]; i++) {
		if (dice(3) == 0)
			continue;
		out(p, n ? ", " : "    where: {");
		random_condition(p, &rule->where[n++], f->attributes[i]);
	}
	out(p, n ? "}\n" : "");
}

static void random_grant(struct random_policy *p, struct grant_ *g)
{
	g->kind = (int)dice(4);
	g->id = 1 + dice(IDS);
	g->user = g->kind == ALL ? dice(IDS + 1) : 0;
	g->role = dice(ROLES);
	if (g->kind == USER)
		out(p, "- {to: \"user:%u\"", g->id);
	else if (g->kind == GROUP)
		out(p, "- {to: \"group:%u\"", g->id);
	else if (g->kind == EVERYONE)
		out(p, "- {to: everyone");
	else if (g->user)
		out(p, "- {to: {all: [\"group:%u\", \"user:%u\"]}", g->id, g->user);
	else
		out(p, "- {to: {all: [\"group:%u\", \"group:%u\"]}", g->id, g->id % IDS + 1);
	out(p, ", roles: [r%u]}\n", g->role);
}

static void random_policy(struct random_policy *p)
{
	memset(p, 0, sizeof(*p));
	out(p, PREAMBLE "roles:\n");
	for (unsigned int i = 0; i < ROLES; i++) {
		struct role_ *role = &p->role[i];

		role->include = i && dice(2) ? (int)dice(i) : -1;
		role->n = 1 + dice(RULES);
		out(p, "  r%u:\n", i);
		if (role->include >= 0)
			out(p, "  - include: r%d\n", role->include);
		for (unsigned int j = 0; j < role->n; j++)
			random_rule(p, &role->rule[j]);
	}
	out(p, "grants:\n");
	for (unsigned int i = 0; i < GRANTS; i++)
		random_grant(p, &p->grant[i]);
}

static const unsigned int asked[] = {
	XM_OP_HALT_PARTITION,       XM_OP_SUSPEND_PARTITION,
	XM_OP_RESUME_PARTITION,     XM_OP_IDLE_SELF,
	XM_OP_RESET_PARTITION,      XM_OP_READ_SAMPLING_MESSAGE,
	XM_OP_SEND_QUEUING_MESSAGE, XM_OP_CREATE_SAMPLING_PORT,
	XM_OP_WRITE_CONSOLE,        XM_OP_SHUTDOWN_PARTITION,
};

static void random_request(struct xm_request *req, uint32_t self)
{
	static const char *const names[] = { "attitude", "hk-1", "hk-2", "commands", "t", "h" };
	const struct xm_op *op;

	memset(req, 0, sizeof(*req));
	req->op = asked[dice(sizeof(asked) / sizeof(asked[0]))];
	op = &xm_ops[req->op];
	for (unsigned int i = 0; i < op->n_args; i++) {
		struct xm_value *v = &req->arg[i];
		const char *name = names[dice(6)];

		v->num = op->args[i].domain == XM_D_SELF ? self : dice(i ? 16 : 3);
		if (op->args[i].type == XM_T_NAME) {
			v->data = (const uint8_t *)name;
			v->len = (uint32_t)strlen(name);
		}
		if (dice(12) == 0)
			v->state = (uint8_t)dice(XM_N_STATES);
	}
	if (op->flags & XM_OPF_PORT)
		req->arg[1].num = dice(12);
}

/* ---- deciding, naively ------------------------------------------------------------------------- */

enum truth { FALSE, TRUE, UNKNOWN };

struct asker {
	uint32_t uid;
	bool group[IDS + 1];
};

static bool element_has(const struct element *e, uint64_t number, const char *name, uint32_t self)
{
	switch (e->kind) {
	case NUMBER:
		return number == e->a;
	case RANGE:
		return e->a <= number && number <= e->b;
	case SELF:
		return number == self;
	case MASK:
		return (number & e->a) == e->b;
	case NAME:
		return !strcmp(e->name, name);
	default:
		return !strncmp(e->name, name, strlen(e->name));
	}
}

/* The value of an attribute: false if the request does not determine it. */
static bool attribute_of(const struct system *sys, const struct xm_request *req,
			 const char *attribute, uint64_t *numberp, char name[32])
{
	const struct xm_op *op = &xm_ops[req->op];
	int i = xm_arg_by_name(op, attribute);

	if (i < 0) {
		const struct system_port *port = system_port(sys, req->arg[1].num);
		bool queuing = req->op == XM_OP_SEND_QUEUING_MESSAGE;

		if (req->arg[0].state || req->arg[1].state || !port ||
		    port->partition != req->arg[0].num || port->type != (uint32_t)queuing)
			return false;
		strcpy(name, port->name);
		return true;
	}
	if (req->arg[i].state)
		return false;
	*numberp = req->arg[i].num;
	if (op->args[i].type == XM_T_NAME)
		snprintf(name, 32, "%.*s", (int)req->arg[i].len, (const char *)req->arg[i].data);
	if (!strcmp(attribute, "buffer")) {
		*numberp = req->arg[op->args[i].ref].num;
		return !req->arg[op->args[i].ref].state;
	}
	return true;
}

static enum truth condition_holds(const struct system *sys, const struct condition_ *c,
				  const struct xm_request *req, uint32_t self)
{
	uint64_t number = 0;
	char name[32] = "";

	if (!attribute_of(sys, req, c->attribute, &number, name))
		return UNKNOWN;
	for (unsigned int i = 0; i < c->n; i++)
		if (element_has(&c->element[i], number, name, self))
			return c->not ? FALSE : TRUE;
	return c->not ? TRUE : FALSE;
}

/* Whether what a rule names covers the request. */
static enum truth named(const struct rule_ *rule, const char *what, const struct xm_request *req,
			uint32_t self)
{
	const struct xm_op *op = &xm_ops[req->op];
	bool may_stop = op->flags & XM_OPF_STOPS_SELF;
	enum truth stops = !may_stop                 ? FALSE
			   : req->arg[0].state       ? UNKNOWN
			   : req->arg[0].num == self ? TRUE
						     : FALSE;

	if (!strcmp(what, op->name))
		return TRUE;
	if (!strcmp(what, "\"@self-stop\""))
		return op->class == XM_CLASS_SELF_STOP ? TRUE : stops;
	if (*what != '"' || strncmp(what + 2, xm_class_names[op->class], strlen(what) - 3))
		return FALSE;
	if (!rule->allow || stops == FALSE)
		return TRUE;
	return stops == TRUE ? FALSE : UNKNOWN;
}

static bool rule_matches(const struct system *sys, const struct rule_ *rule,
			 const struct xm_request *req, uint32_t self)
{
	enum truth all = FALSE;
	bool others = false, own = false;

	for (unsigned int i = 0; i < rule->n_ops; i++) {
		enum truth t = named(rule, rule->ops[i], req, self);

		if (t == TRUE)
			all = TRUE;
		else if (t == UNKNOWN && all == FALSE)
			all = UNKNOWN;
		/* Both classes together leave nothing open. */
		others |= !strcmp(rule->ops[i], "\"@partition\"");
		own |= !strcmp(rule->ops[i], "\"@self-stop\"");
	}
	if (all == UNKNOWN && others && own)
		all = TRUE;
	for (const struct condition_ *c = rule->where; c->attribute && all != FALSE; c++) {
		enum truth t = condition_holds(sys, c, req, self);

		if (t == FALSE || all == TRUE)
			all = t;
	}
	return rule->allow ? all == TRUE : all != FALSE;
}

static bool granted(const struct grant_ *g, const struct asker *who)
{
	switch (g->kind) {
	case USER:
		return who->uid == g->id;
	case GROUP:
		return who->group[g->id];
	case EVERYONE:
		return true;
	default:
		return who->group[g->id] &&
		       (g->user ? who->uid == g->user : who->group[g->id % IDS + 1]);
	}
}

static bool has_role(const struct random_policy *p, const struct asker *who, int role)
{
	for (unsigned int i = 0; i < GRANTS; i++)
		if (granted(&p->grant[i], who))
			for (int r = (int)p->grant[i].role; r >= 0; r = p->role[r].include)
				if (r == role)
					return true;
	return false;
}

static struct policy_decision naive(const struct random_policy *p, const struct system *sys,
				    const struct asker *who, const struct xm_request *req,
				    uint32_t self)
{
	struct policy_decision found[2] = { { POLICY_DENY, POLICY_NO_RULE, false },
					    { POLICY_ALLOW, POLICY_NO_RULE, false } };
	uint32_t number = 0;

	for (int r = 0; r < ROLES; r++)
		for (unsigned int i = 0; i < p->role[r].n; i++, number++) {
			const struct rule_ *rule = &p->role[r].rule[i];
			struct policy_decision *d = &found[rule->allow];

			if (!has_role(p, who, r) || !rule_matches(sys, rule, req, self))
				continue;
			if (d->rule == POLICY_NO_RULE)
				d->rule = number;
			d->audited |= rule->audit >= (rule->allow ? 2u : 1u);
		}
	if (found[0].rule != POLICY_NO_RULE)
		return found[0];
	if (found[1].rule != POLICY_NO_RULE)
		return found[1];
	return (struct policy_decision){ POLICY_DENY, POLICY_NO_RULE, true };
}

/* ---- both -------------------------------------------------------------------------------------- */

static unsigned int allowed;

static void compare(const struct random_policy *p, const struct compiled *c)
{
	const struct system *sys = policy_image_system(c->image);
	uint32_t self = dice(3), gids[IDS];
	struct asker who = { .uid = 1 + dice(IDS) };
	struct policy_decision a, b;
	struct xm_request req;
	size_t n = 0;

	for (uint32_t id = IDS; id; id--)
		if ((who.group[id] = dice(2)))
			gids[n++] = id;
	random_request(&req, self);
	a = naive(p, sys, &who, &req, self);
	b = decide_request(c->image, who.uid, gids, n, &req, self);
	allowed += a.effect == POLICY_ALLOW;
	if (a.effect == b.effect && a.rule == b.rule && a.audited == b.audited)
		return;
	cr_assert_fail("%s(%d:%llu, %d:%llu, ...) self %u uid %u: naive %d rule %u audited %d, "
		       "compiled %d rule %u audited %d\n%s",
		       xm_ops[req.op].name, req.arg[0].state, (unsigned long long)req.arg[0].num,
		       req.arg[1].state, (unsigned long long)req.arg[1].num, self, who.uid,
		       a.effect, a.rule, a.audited, b.effect, b.rule, b.audited, p->yaml);
}

/* `make check-random` says others. */
static uint64_t first_seed(void)
{
	const char *text = getenv("XM_SEED");

	return text ? strtoull(text, NULL, 10) : 1;
}

Test(policy_random, compiled_decides_as_the_naive)
{
	static struct random_policy p;

	for (unsigned int i = 0; i < POLICIES; i++) {
		struct compiled c;

		seed = i + first_seed();
		random_policy(&p);
		c = compile_text(p.yaml);
		cr_assert_eq(c.ret, 0, "%s%s", c.messages, p.yaml);
		for (unsigned int j = 0; j < REQUESTS; j++)
			compare(&p, &c);
		compiled_free(&c);
	}
	/* The comparison means something only if both outcomes are common. */
	cr_assert_gt(allowed, POLICIES * REQUESTS / 20);
	cr_assert_lt(allowed, POLICIES * REQUESTS / 2);
}
