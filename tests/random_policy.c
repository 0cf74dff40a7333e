// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random policies: definitions, roles that include others, rules over all operations, grants of every
 * kind, invariants; as chunks of text.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random_policy.h"

static struct random_chunk *add(struct random_policy *p, unsigned int file, const char *text,
				bool fixed)
{
	struct random_chunk *chunk = &p->chunk[p->n++];

	if (p->n > RANDOM_CHUNKS)
		abort();
	chunk->text = strdup(text);
	chunk->file = file;
	chunk->fixed = fixed;
	return chunk;
}

/* ---- rules ------------------------------------------------------------------------------------------ */

static bool constrainable(const struct xm_arg *arg)
{
	return xm_type_is_scalar(arg->type) || arg->type == XM_T_NAME ||
	       arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT;
}

const unsigned int random_small_ops[RANDOM_SMALL_OPS] = {
	XM_OP_RESET_PARTITION,   XM_OP_HALT_PARTITION,
	XM_OP_SUSPEND_PARTITION, XM_OP_RESET_SYSTEM,
	XM_OP_HALT_SYSTEM,       XM_OP_SWITCH_SCHED_PLAN,
	XM_OP_IDLE_SELF,         XM_OP_GET_GID_BY_NAME,
	XM_OP_HM_SEEK,           XM_OP_GET_SAMPLING_PORT_STATUS,
	XM_OP_GET_TIME,
};

static unsigned int random_op(bool small)
{
	static const unsigned int ops[] = {
		XM_OP_RESET_PARTITION,
		XM_OP_READ_SAMPLING_MESSAGE,
		XM_OP_WRITE_CONSOLE,
		XM_OP_CREATE_SAMPLING_PORT,
		XM_OP_RECEIVE_QUEUING_MESSAGE,
		XM_OP_SET_TIMER,
		XM_OP_MEMORY_COPY,
		XM_OP_SET_IRQMASK,
	};
	unsigned int op;

	if (small)
		return random_small_ops[dice(RANDOM_SMALL_OPS)];
	if (dice(2))
		return dice(2) ? ops[dice(8)] : random_small_ops[dice(RANDOM_SMALL_OPS)];
	do
		op = dice(XM_N_OPS);
	while (xm_ops[op].class == XM_CLASS_NONE);
	return op;
}

/* Attributes that a rule about `op` will name. */
static unsigned int pick_attributes(const struct xm_op *op, bool allow,
				    const char *attribute[RANDOM_ATTRIBUTES])
{
	unsigned int n = 0, odds = 1 + dice(3);

	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_arg *arg = &op->args[i];
		bool resource = xm_domain_is_resource(arg->domain) && allow;

		if (n == RANDOM_ATTRIBUTES || !constrainable(arg) || (dice(odds) && !resource))
			continue;
		attribute[n++] = arg->name;
	}
	if ((op->flags & XM_OPF_PORT) && n < RANDOM_ATTRIBUTES && dice(2))
		attribute[n++] = "portName";
	return n;
}

/* Whether all attributes are those of `op` too. */
static bool has_all(const struct xm_op *op, const struct xm_op *first, unsigned int n,
		    const char *const *attribute)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct xm_arg *of_first = random_attribute(first, attribute[i]);
		const struct xm_arg *arg = random_attribute(op, attribute[i]);

		if (!arg && !(op->flags & XM_OPF_PORT))
			return false;
		if (of_first && (!arg || arg->type != of_first->type ||
				 arg->domain != of_first->domain || arg->ref != of_first->ref))
			return false;
	}
	return true;
}

/* Some spelling of an operation. */
static void out_op(struct random_text *t, const struct xm_op *op)
{
	size_t len = strcspn(op->synonyms, " ");

	if (len && !dice(3))
		out(t, "%.*s", (int)len, op->synonyms);
	else if (!strncmp(op->name, "XM_", 3) && (op->profiles & XM_IN_PRTOS) && !dice(8))
		out(t, "prtos_%s", op->name + 3);
	else
		out(t, "%s", op->name);
}

static void note_op(struct random_chunk *chunk, unsigned int op)
{
	if (chunk->n_ops < 8)
		chunk->ops[chunk->n_ops++] = op;
}

static void note_class(struct random_chunk *chunk, enum xm_class class)
{
	for (unsigned int op = dice(XM_N_OPS), i = 0; i < XM_N_OPS; i++, op = (op + 1) % XM_N_OPS)
		if (xm_ops[op].class == class)
			note_op(chunk, op);
}

static void random_ops(struct random_text *t, const struct random_policy *p,
		       struct random_chunk *chunk, const struct xm_op *op, unsigned int n,
		       const char *const *attribute, bool allow)
{
	bool machine = op->class == XM_CLASS_MACHINE && allow;
	bool stops = (op->flags & XM_OPF_STOPS_SELF) && (n == 0 || !p->shape.small);
	unsigned int others = machine || !dice(3) ? 0 : dice(3);
	bool class = !machine && !dice(n ? 6 : 2) &&
		     !(p->shape.small && strcmp(xm_class_names[op->class], "partition"));

	out(t, "[");
	if (class) {
		out(t, "\"@%s\"", xm_class_names[op->class]);
		note_class(chunk, op->class);
	}
	if (!class || !dice(4))
		out_op((out(t, class ? ", " : ""), t), op);
	note_op(chunk, (unsigned int)(op - xm_ops));
	if (stops && !dice(4))
		out(t, ", \"@self-stop\"");
	for (unsigned int i = 0; i < others * 8; i++) {
		const struct xm_op *other = &xm_ops[random_op(p->shape.small)];

		if (other == op || !has_all(other, op, n, attribute) ||
		    (allow && other->class == XM_CLASS_MACHINE))
			continue;
		out(t, ", ");
		out_op(t, other);
		note_op(chunk, (unsigned int)(other - xm_ops));
		if (chunk->n_ops > 5)
			break;
	}
	out(t, "]");
}

static void random_where(struct random_text *t, const struct random_policy *p,
			 struct random_chunk *chunk, const struct xm_op *op, unsigned int n,
			 const char *const *attribute)
{
	out(t, "where: {");
	for (unsigned int i = 0; i < n; i++) {
		out(t, "%s%s: ", i ? ", " : "", attribute[i]);
		random_constraint(t, p, op, attribute[i], &chunk->hint[i]);
	}
	out(t, "}");
	chunk->n_hints = n;
}

static void random_extras(struct random_text *t, struct random_policy *p, bool allow)
{
	static const char *const audits[] = { "never", "denied", "always" };

	if (dice(3))
		out(t, "    audit: %s\n", audits[dice(3)]);
	if (p->shape.shadows && !dice(5)) {
		out(t, "    observe_until: ");
		random_date(t, p);
		out(t, "\n");
	} else if (p->shape.limits && allow && !dice(3)) {
		out(t, "    limit: {rate: %u/%s%s}\n", 1 + dice(9), dice(2) ? "min" : "h",
		    dice(2) ? ", burst: 3" : "");
	}
	if (!dice(8))
		out(t, "    because: of \"something\"\n");
}

static void machine_class_rule(struct random_text *t, const struct random_policy *p,
			       struct random_chunk *chunk)
{
	static const unsigned int resource_op = XM_OP_INVLD_TLB;
	const char *const attribute = "resource";

	out(t, "  - allow: \"@machine\"\n    ");
	random_where(t, p, chunk, &xm_ops[resource_op], 1, &attribute);
	out(t, "\n");
	note_class(chunk, XM_CLASS_MACHINE);
}

static void random_rule(struct random_policy *p, unsigned int file, bool pure)
{
	const char *attribute[RANDOM_ATTRIBUTES];
	const struct xm_op *op = &xm_ops[random_op(p->shape.small)];
	bool allow = pure || dice(3);
	unsigned int n = pick_attributes(op, allow, attribute);
	struct random_chunk *chunk = add(p, file, "", false);
	struct random_text t = { .len = 0 };

	if (!p->shape.small && allow && !dice(30)) {
		machine_class_rule(&t, p, chunk);
	} else {
		out(&t, "  - %s: ", allow ? "allow" : "deny");
		random_ops(&t, p, chunk, op, n, attribute, allow);
		out(&t, "\n");
		if (n) {
			out(&t, "    ");
			random_where(&t, p, chunk, op, n, attribute);
			out(&t, "\n");
		}
	}
	random_extras(&t, p, allow);
	free(chunk->text);
	chunk->text = strdup(t.text);
}

/* Roles of even number hold no deny, and include only such. */
static void random_role(struct random_policy *p, unsigned int file, unsigned int role)
{
	struct random_text t = { .len = 0 };
	unsigned int n = 1 + dice(p->shape.rules), other;
	bool pure = role % 2 == 0;

	out(&t, "  r%u:\n  - {allow: XM_get_time, where: {clock: XM_EXEC_CLOCK}}\n", role);
	add(p, file, t.text, true);
	if (role && dice(2)) {
		t.len = 0;
		other = dice(role);
		other -= pure ? other % 2 : 0;
		out(&t, dice(3) ? "  - include: r%u\n" : "  - include: [r%u]\n", other);
		add(p, file, t.text, false);
	}
	for (unsigned int i = 0; i < n; i++)
		random_rule(p, file, pure);
}

/* ---- grants and invariants --------------------------------------------------------------------------- */

static void random_single(struct random_text *t, const struct random_policy *p)
{
	static const char *const names[] = { "user:root", "user:daemon", "group:root",
					     "group:daemon" };

	if (!dice(8) && !p->shape.ids)
		out(t, "\"%s\"", names[dice(4)]);
	else
		out(t, "\"%s:%u\"", dice(3) ? "group" : "user",
		    dice(p->shape.ids ? p->shape.ids : RANDOM_IDS));
}

static void random_principal(struct random_text *t, const struct random_policy *p, bool everyone)
{
	unsigned int kind = dice(8);

	if (kind == 0 && everyone) {
		out(t, "everyone");
	} else if (kind == 1) {
		out(t, "d5");
	} else if (kind < 4) {
		out(t, "{all: [");
		random_single(t, p);
		for (unsigned int i = 1 + dice(2); i; i--) {
			out(t, ", ");
			random_single(t, p);
		}
		out(t, "]}");
	} else {
		random_single(t, p);
	}
}

static void random_grant(struct random_policy *p, unsigned int file, unsigned int roles)
{
	struct random_text t = { .len = 0 };
	unsigned int role = dice(roles);
	bool missing = role % 2 == 0 && !dice(10);

	out(&t, "  - {to: ");
	if (missing)
		out(&t, dice(2) ? "\"user:nosuch-user\""
				: "{all: [\"group:1\", \"group:nosuch-group\"]}");
	else
		random_principal(&t, p, true);
	out(&t, ", roles: ");
	if (dice(3))
		out(&t, dice(2) ? "[r%u]" : "r%u", role);
	else
		out(&t, "[r%u, r%u]", role,
		    (role + 2) % ((roles + 1) & ~1u) < roles ? (role + 2) % ((roles + 1) & ~1u)
							     : role);
	if (missing)
		out(&t, ", if_exists: true");
	if (p->shape.times && role % 2 == 0 && dice(2))
		random_times(&t, p);
	out(&t, "}\n");
	add(p, file, t.text, false);
}

static void random_never(struct random_policy *p, unsigned int file)
{
	const char *attribute[RANDOM_ATTRIBUTES];
	const struct xm_op *op = &xm_ops[random_op(p->shape.small)];
	unsigned int n = pick_attributes(op, false, attribute);
	struct random_chunk *chunk = add(p, file, "", false);
	struct random_text t = { .len = 0 };

	out(&t, "  - calls: ");
	random_ops(&t, p, chunk, op, n, attribute, false);
	out(&t, "\n");
	if (n) {
		out(&t, "    ");
		random_where(&t, p, chunk, op, n, attribute);
		out(&t, "\n");
	}
	if (dice(2)) {
		out(&t, "    except: [");
		random_principal(&t, p, false);
		out(&t, "]\n");
	}
	free(chunk->text);
	chunk->text = strdup(t.text);
}

/* ---- policies ------------------------------------------------------------------------------------------- */

static void random_head(struct random_policy *p)
{
	struct random_text t = { .len = 0 };

	out(&t, "version: 1\nsystem: \"%s\"\ndefine:\n", p->shape.system);
	for (unsigned int i = 0; i < RANDOM_DEFINES; i++) {
		out(&t, "  d%u: ", i);
		random_define(&t, p, i);
		out(&t, "\n");
	}
	add(p, 0, t.text, true);
}

void random_policy_make(struct random_policy *p, const struct random_shape *shape)
{
	unsigned int files = shape->two_files ? 2 : 1, roles = 2 + dice(shape->roles - 1);

	memset(p, 0, sizeof(*p));
	p->shape = *shape;
	random_head(p);
	for (unsigned int f = 0; f < files; f++) {
		if (f)
			add(p, f, "version: 1\n", true);
		add(p, f, "roles:\n", true);
		for (unsigned int r = f * roles / files; r < (f + 1) * roles / files; r++)
			random_role(p, f, r);
		add(p, f, "grants:\n  - {to: \"user:4242\", roles: [r0]}\n", true);
		for (unsigned int i = 1 + dice(shape->grants); i; i--)
			random_grant(p, f, roles);
	}
	if (shape->nevers) {
		add(p, files - 1, "never:\n  - {calls: XM_x86_load_tss}\n", true);
		for (unsigned int i = 1 + dice(3); i; i--)
			random_never(p, files - 1);
	}
}

void random_policy_free(struct random_policy *p)
{
	for (unsigned int i = 0; i < p->n; i++)
		free(p->chunk[i].text);
	for (unsigned int f = 0; f < RANDOM_FILES; f++)
		free(p->text[f]);
}

void random_render(struct random_policy *p)
{
	for (unsigned int f = 0; f < RANDOM_FILES; f++) {
		size_t len;
		FILE *file;

		free(p->text[f]);
		file = open_memstream(&p->text[f], &len);
		for (unsigned int i = 0; i < p->n; i++)
			if (!p->chunk[i].dead && p->chunk[i].file == f)
				fputs(p->chunk[i].text, file);
		fclose(file);
	}
}

bool random_kill(struct random_policy *p, unsigned int file, unsigned int line)
{
	for (unsigned int i = 0; i < p->n; i++) {
		unsigned int lines = 0;

		if (p->chunk[i].dead || p->chunk[i].file != file)
			continue;
		for (const char *c = p->chunk[i].text; *c; c++)
			lines += *c == '\n';
		if (line <= lines) {
			p->chunk[i].dead = !p->chunk[i].fixed;
			return p->chunk[i].dead;
		}
		line -= lines;
	}
	return false;
}
