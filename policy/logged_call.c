// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests out of the audit log.  Owns the list of what cannot be had back.  Must never guess a value
 * that a decision can depend on: what is not clear is a gap.
 */

#include <jansson.h>
#include <string.h>

#include "policy/logged_call.h"
#include "policy/model.h"

const char *logged_gap_text(enum logged_gap gap)
{
	static const char *const texts[LOGGED_N_GAPS] = {
		[LOGGED_WHOLE] = "",
		[LOGGED_UNCLASSIFIED] = "no policy decides it",
		[LOGGED_UNKNOWN_OP] = "the operation is unknown to this version",
		[LOGGED_NO_ARGS] = "an argument is missing in the log",
		[LOGGED_BAD_ARGS] = "an argument has a form that it cannot have",
		[LOGGED_AMBIGUOUS] = "the log does not tell a name from something else",
		[LOGGED_NO_USER] = "the user is missing in the log",
		[LOGGED_NO_GROUPS] = "the user has more groups than the log names",
		[LOGGED_NO_TIME] = "the time is missing in the log",
		[LOGGED_NO_PARTITION] =
			"the log does not say the broker's partition: use --partition",
		[LOGGED_OTHER_PARTITION] = "the broker ran in another partition than before",
		[LOGGED_OTHER_SYSTEM] = "it was made on another system",
		[LOGGED_BUCKETS] = "it was denied for want of tokens of a limit",
	};

	return gap < LOGGED_N_GAPS ? texts[gap] : "?";
}

/* ---- values ------------------------------------------------------------------------------------ */

struct reader {
	const struct xm_op *op;
	struct call *call;
	enum logged_gap gap;
};

static bool gap(struct reader *r, enum logged_gap what)
{
	r->gap = what;
	return false;
}

static bool is_state(const char *text, uint8_t *statep)
{
	static const struct {
		const char *name;
		uint8_t state;
	} states[] = {
		{ "null", XM_ST_NULL },           { "fault", XM_ST_FAULT },
		{ "unaligned", XM_ST_UNALIGNED }, { "absent", XM_ST_ABSENT },
		{ "oversize", XM_ST_OVERSIZE },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(text, states[i].name)) {
			*statep = states[i].state;
			return true;
		}
	return false;
}

/* Numbers of 64 bits are beyond what the JSON library holds: they come as strings then. */
static bool read_digits(const char *text, bool is_signed, uint64_t *valuep)
{
	bool negative;
	uint64_t value;

	if (!policy_number(text, &value, &negative) || (negative && !is_signed))
		return false;
	if (is_signed && value > (uint64_t)INT64_MAX + negative)
		return false;
	*valuep = negative ? -value : value;
	return true;
}

static bool number_of(const json_t *value, bool is_signed, uint64_t *valuep)
{
	if (json_is_string(value))
		return read_digits(json_string_value(value), is_signed, valuep);
	if (!json_is_integer(value) || (!is_signed && json_integer_value(value) < 0))
		return false;
	*valuep = (uint64_t)json_integer_value(value);
	return true;
}

static bool set_scalar(struct reader *r, unsigned int i, const json_t *value)
{
	const struct xm_arg *arg = &r->op->args[i];
	struct xm_value *v = &r->call->req.arg[i];
	bool is_signed = arg->type == XM_T_S32 || arg->type == XM_T_S64;

	if ((arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM) &&
	    json_is_string(value) && xm_enum_by_name(arg->ref, json_string_value(value), &v->num))
		return true;
	return number_of(value, is_signed, &v->num) || gap(r, LOGGED_BAD_ARGS);
}

/* The log writes a byte that is no UTF-8 like the character of that number, and a name that is a state
 * like the state. */
static bool set_name(struct reader *r, unsigned int i, const json_t *value)
{
	struct xm_value *v = &r->call->req.arg[i];
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text || len > XM_NAME_MAX)
		return gap(r, LOGGED_BAD_ARGS);
	for (size_t j = 0; j < len; j++)
		if ((unsigned char)text[j] >= 0x80)
			return gap(r, LOGGED_AMBIGUOUS);
	memcpy(r->call->names[i], text, len);
	v->data = r->call->names[i];
	v->len = (uint32_t)len;
	return true;
}

static bool set_buffer(struct reader *r, unsigned int i, const json_t *value)
{
	uint64_t len;

	if (!json_is_object(value) || !number_of(json_object_get(value, "length"), false, &len) ||
	    len > UINT32_MAX)
		return gap(r, LOGGED_BAD_ARGS);
	r->call->req.arg[i].len = (uint32_t)len;
	return true;
}

static bool set_fields(struct reader *r, const struct xm_struct *type, const json_t *value,
		       uint32_t *np)
{
	uint64_t word;

	if (!json_is_object(value) || *np + type->n_fields > CALL_FIELDS_MAX)
		return gap(r, LOGGED_BAD_ARGS);
	for (unsigned int f = 0; f < type->n_fields; f++) {
		if (!number_of(json_object_get(value, type->fields[f]), false, &word))
			return gap(r, LOGGED_BAD_ARGS);
		xm_put_word(&r->call->fields[(size_t)(*np)++ * XM_WORD_BYTES], word);
	}
	return true;
}

static bool set_records(struct reader *r, unsigned int i, const json_t *value)
{
	const struct xm_arg *arg = &r->op->args[i];
	struct xm_value *v = &r->call->req.arg[i];
	const json_t *record;
	size_t j;

	v->data = r->call->fields;
	if (arg->type == XM_T_STRUCT_IN)
		return set_fields(r, &xm_structs[arg->ref], value, &v->len);
	if (!json_is_array(value))
		return gap(r, LOGGED_BAD_ARGS);
	json_array_foreach(value, j, record) if (!set_fields(r, &xm_structs[arg->ref], record,
							     &v->len)) return false;
	return true;
}

static bool set(struct reader *r, unsigned int i, const json_t *value)
{
	const struct xm_arg *arg = &r->op->args[i];
	struct xm_value *v = &r->call->req.arg[i];
	bool is_enum = arg->domain == XM_D_ENUM || arg->domain == XM_D_RESOURCE_ENUM;

	if (json_is_string(value) && is_state(json_string_value(value), &v->state)) {
		/* Of what lies behind no pointer, only this: */
		if (arg->type == XM_T_NAME)
			return gap(r, LOGGED_AMBIGUOUS);
		if (xm_type_is_scalar(arg->type) && !is_enum && v->state != XM_ST_ABSENT &&
		    !xm_arg_is_pointed(arg))
			return gap(r, LOGGED_BAD_ARGS);
		return true;
	}
	if (xm_type_is_scalar(arg->type))
		return set_scalar(r, i, value);
	if (arg->type == XM_T_NAME)
		return set_name(r, i, value);
	if (arg->type == XM_T_DATA_IN)
		return set_buffer(r, i, value);
	if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN)
		return set_records(r, i, value);
	return gap(r, LOGGED_BAD_ARGS);
}

/* ---- the call ---------------------------------------------------------------------------------- */

static bool read_args(struct reader *r, const json_t *args)
{
	size_t used = 0;

	for (unsigned int i = 0; i < r->op->n_args; i++) {
		const json_t *value = json_object_get(args, r->op->args[i].name);

		used += value != NULL;
		if (!value && xm_type_is_in(r->op->args[i].type))
			return gap(r, LOGGED_NO_ARGS);
		if (value && !set(r, i, value))
			return false;
	}
	return used == json_object_size(args) || gap(r, LOGGED_BAD_ARGS);
}

/* Numbers beyond INT64_MAX become strings, which number_of() reads. */
static json_t *load(const char *text, size_t len)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	json_t *args = json_loadb(text, len, flags, NULL);
	char room[65536];
	size_t n = 0;
	bool quoted = false;

	if (args || len > sizeof(room) / 2)
		return args;
	for (size_t i = 0; i < len; i++) {
		size_t digits = 0;

		quoted ^= text[i] == '"' && (!i || text[i - 1] != '\\');
		while (!quoted && i + digits < len && text[i + digits] >= '0' &&
		       text[i + digits] <= '9')
			digits++;
		if (digits < 19 || digits > 20 || n + digits + 2 > sizeof(room)) {
			room[n++] = text[i];
			continue;
		}
		room[n++] = '"';
		memcpy(room + n, text + i, digits);
		n += digits;
		room[n++] = '"';
		i += digits - 1;
	}
	return json_loadb(room, n, flags, NULL);
}

enum logged_gap logged_call(const struct logged_decision *d, struct call *callp)
{
	struct reader r = { .call = callp, .gap = LOGGED_WHOLE };
	int op = xm_op_by_name(d->op);
	json_t *args;

	memset(callp, 0, sizeof(*callp));
	if (op < 0)
		return LOGGED_UNKNOWN_OP;
	if (xm_ops[op].flags & (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC))
		return LOGGED_UNCLASSIFIED;
	callp->req.op = (unsigned int)op;
	r.op = &xm_ops[op];
	args = d->args ? load(d->args, d->args_len) : json_object();
	if (!json_is_object(args))
		r.gap = LOGGED_BAD_ARGS;
	else
		read_args(&r, args);
	json_decref(args);
	return r.gap;
}

/* ---- decisions --------------------------------------------------------------------------------- */

bool logged_effect(const struct logged_decision *d, enum policy_effect *effectp)
{
	static const char *const of_batches[] = {
		"another element of the batch was refused",
		"the answer to the batch would be too long",
		"no memory for the answer to the batch",
	};

	if (!strcmp(d->why, "unclassified") || !strcmp(d->why, "limit"))
		return false;
	*effectp = d->allowed ? POLICY_ALLOW : POLICY_DENY;
	for (size_t i = 0; i < sizeof(of_batches) / sizeof(of_batches[0]); i++)
		if (!strcmp(d->why, of_batches[i]))
			*effectp = POLICY_ALLOW;
	return true;
}

struct policy_decision logged_decide(const struct policy_image *image,
				     const struct logged_decision *d, const struct xm_request *req,
				     uint32_t self)
{
	struct policy_time time = { d->now, d->now != INT64_MIN };
	uint32_t gids[DECISION_LOG_GROUPS];
	struct policy_subject subject = { .uid = d->uid, .gids = gids };
	struct policy_decision decision;

	memcpy(gids, d->gids, d->n_gids * sizeof(gids[0]));
	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, d->n_gids);
	subject.overflow = !strcmp(d->why, "overflow id") || d->uid == policy_overflow_id(false);
	decision = policy_decide(image, &subject, req, self, time, NULL);
	/* Root may always ask the broker. */
	if (decision.effect == POLICY_DENY && !d->uid && !subject.overflow &&
	    (xm_ops[req->op].flags & XM_OPF_BROKER)) {
		decision.effect = POLICY_ALLOW;
		decision.rule = POLICY_NO_RULE;
	}
	return decision;
}

bool logged_is_foreign(const struct system *sys, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	for (unsigned int i = 0; sys && i < op->n_args; i++) {
		const struct xm_value *v = &req->arg[i];
		enum xm_domain domain = op->args[i].domain;

		if (v->state != XM_ST_OK)
			continue;
		if (domain == XM_D_PARTITION_OR_HV && v->num == XM_HYPERVISOR_ID)
			continue;
		if ((domain == XM_D_SELF || domain == XM_D_PARTITION ||
		     domain == XM_D_PARTITION_OR_HV) &&
		    !system_partition(sys, v->num))
			return true;
		if (domain == XM_D_PLAN && v->num >= system_n_plans(sys))
			return true;
		if ((domain == XM_D_SAMPLING_PORT || domain == XM_D_QUEUING_PORT) &&
		    (!system_port(sys, v->num) ||
		     (system_port(sys, v->num)->type == SYSTEM_QUEUING) !=
			     (domain == XM_D_QUEUING_PORT)))
			return true;
	}
	return false;
}
