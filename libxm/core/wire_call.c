// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests, results and batches of them, to bytes and back, driven by the table.  Owns nothing;
 * allocates nothing.  Must never let through what the table does not say, and never copy a struct.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "libxm/core/wire_io.h"

/* A reply has room for the words of one output and the bytes of one. */
/* clang-format off */
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)             \
	_Static_assert(XM_MAX_ARGS + 0
#define XM_ARG(op, name, type, domain, ref, error, synonyms)                                       \
	- ((type) == XM_T_STRUCT_OUT || (type) == XM_T_RECORDS_OUT)
#define XM_OP_END(id) >= XM_MAX_ARGS - 1, #id " has more than one output of words");
#include <xm/hypercalls.def>

#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)             \
	_Static_assert(XM_MAX_ARGS + 0
#define XM_ARG(op, name, type, domain, ref, error, synonyms)                                       \
	- ((type) == XM_T_DATA_OUT || (type) == XM_T_TEXT_OUT)
#define XM_OP_END(id) >= XM_MAX_ARGS - 1, #id " has more than one output of bytes");
#include <xm/hypercalls.def>
/* clang-format on */

static bool is_words_in(enum xm_type type)
{
	return type == XM_T_STRUCT_IN || type == XM_T_RECORDS_IN;
}

static void put_argument(struct wire_writer *w, enum xm_type type, const struct xm_value *v)
{
	wire_put(w, v->state, 1);
	if (v->state != XM_ST_OK)
		return;
	if (xm_type_is_scalar(type)) {
		wire_put(w, v->num, 8);
	} else if (type == XM_T_NAME || type == XM_T_DATA_IN) {
		wire_put(w, v->len, 4);
		wire_put_bytes(w, v->data, v->len);
	} else if (is_words_in(type)) {
		wire_put(w, v->len, 4);
		wire_put_bytes(w, v->data, (size_t)v->len * XM_WORD_BYTES);
	}
}

static void put_request(struct wire_writer *w, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	wire_put(w, op->wire, 2);
	wire_put(w, op->n_args, 1);
	for (unsigned int i = 0; i < op->n_args; i++)
		put_argument(w, op->args[i].type, &req->arg[i]);
}

int xm_wire_put_call(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_CALL, serial);

	put_request(&w, req);
	return wire_finish(&w);
}

static bool number_fits(enum xm_type type, uint64_t num)
{
	if (type == XM_T_U32)
		return num <= UINT32_MAX;
	if (type == XM_T_S32)
		return (uint64_t)(int64_t)(int32_t)num == num;
	return true;
}

/* States that a caller can truthfully report for an argument. */
static bool state_fits(const struct xm_arg *arg, unsigned int state)
{
	switch (state) {
	case XM_ST_OK:
		return true;
	case XM_ST_NULL:
	case XM_ST_FAULT:
	case XM_ST_UNALIGNED:
		return !xm_type_is_scalar(arg->type) || xm_arg_is_pointed(arg);
	case XM_ST_ABSENT:
		return arg->domain == XM_D_OPTIONAL || arg->domain == XM_D_OPT_POINTER;
	case XM_ST_OVERSIZE:
		return arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT ||
		       arg->type == XM_T_RECORDS_IN;
	default:
		return false;
	}
}

/* A u32 length, at most `max`, and as many units of some bytes. */
static void get_sized(struct wire_reader *r, struct xm_value *v, uint32_t max, size_t unit)
{
	v->len = (uint32_t)wire_get(r, 4);
	if (v->len > max)
		r->bad = true;
	v->data = wire_get_bytes(r, v->len * unit);
}

static void get_argument(struct wire_reader *r, const struct xm_arg *arg, struct xm_value *v)
{
	*v = (struct xm_value){ .state = (uint8_t)wire_get(r, 1) };
	if (!state_fits(arg, v->state))
		r->bad = true;
	if (r->bad || v->state != XM_ST_OK)
		return;
	if (xm_type_is_scalar(arg->type)) {
		v->num = wire_get(r, 8);
		r->bad |= !number_fits(arg->type, v->num);
	} else if (arg->type == XM_T_NAME) {
		get_sized(r, v, XM_NAME_MAX, 1);
		if (v->data && memchr(v->data, 0, v->len))
			r->bad = true;
	} else if (arg->type == XM_T_DATA_IN) {
		get_sized(r, v, XM_WIRE_DATA_MAX, 1);
	} else if (is_words_in(arg->type)) {
		get_sized(r, v, XM_MAX_RECORDS * XM_MAX_FIELDS, XM_WORD_BYTES);
	}
}

/* Whether what came for argument `i` is as much as the other arguments say. */
static bool length_agrees(const struct xm_op *op, const struct xm_request *req, unsigned int i)
{
	const struct xm_arg *arg = &op->args[i];
	const struct xm_value *v = &req->arg[i];

	switch (arg->type) {
	case XM_T_DATA_IN:
		return v->len == req->arg[arg->ref].num;
	case XM_T_DATA_OUT:
		return req->arg[arg->ref].num <= XM_WIRE_DATA_MAX;
	case XM_T_STRUCT_IN:
		return v->len == xm_structs[arg->ref].n_fields;
	case XM_T_RECORDS_IN:
		return req->arg[i + 1].num <= XM_MAX_RECORDS &&
		       v->len == req->arg[i + 1].num * xm_structs[arg->ref].n_fields;
	default:
		return true;
	}
}

static int get_request(struct wire_reader *r, struct xm_request *reqp)
{
	int id = xm_op_by_wire((unsigned int)wire_get(r, 2));
	uint64_t n_args = wire_get(r, 1);
	const struct xm_op *op;

	if (r->bad || id < 0 || n_args != xm_ops[id].n_args)
		return -EPROTO;
	op = &xm_ops[id];
	reqp->op = (unsigned int)id;
	for (unsigned int i = 0; i < op->n_args; i++)
		get_argument(r, &op->args[i], &reqp->arg[i]);
	for (unsigned int i = 0; !r->bad && i < op->n_args; i++)
		if (reqp->arg[i].state == XM_ST_OK && !length_agrees(op, reqp, i))
			r->bad = true;
	return r->bad ? -EPROTO : 0;
}

int xm_wire_get_call(const uint8_t *msg, size_t len, struct xm_request *reqp)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_CALL);

	if (get_request(&r, reqp) < 0)
		return -EPROTO;
	return wire_complete(&r);
}

/* ---- batches --------------------------------------------------------------------------------------- */

static bool may_be_in_batch(unsigned int op)
{
	return !(xm_ops[op].flags & (XM_OPF_BROKER | XM_OPF_PUBLIC));
}

int xm_wire_put_batch(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *reqs,
		      unsigned int n)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_BATCH, serial);

	if (n > XM_BATCH_MAX)
		return -EMSGSIZE;
	wire_put(&w, n, 2);
	for (unsigned int i = 0; i < n; i++)
		put_request(&w, &reqs[i]);
	return wire_finish(&w);
}

int xm_wire_get_batch(const uint8_t *msg, size_t len, struct xm_request reqs[XM_BATCH_MAX],
		      unsigned int *np)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_BATCH);
	unsigned int n = (unsigned int)wire_get(&r, 2);

	if (r.bad || n < 1 || n > XM_BATCH_MAX)
		return -EPROTO;
	for (unsigned int i = 0; i < n; i++)
		if (get_request(&r, &reqs[i]) < 0 || !may_be_in_batch(reqs[i].op))
			return -EPROTO;
	if (wire_complete(&r) < 0)
		return -EPROTO;
	*np = n;
	return 0;
}

/* ---- results --------------------------------------------------------------------------------------- */

static void put_output(struct wire_writer *w, enum xm_type type, const struct xm_value *v)
{
	wire_put(w, v->state, 1);
	if (v->state != XM_ST_OK)
		return;
	switch (type) {
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
		wire_put(w, v->num, 8);
		break;
	case XM_T_STRUCT_OUT:
	case XM_T_RECORDS_OUT:
		wire_put(w, v->len, 4);
		for (uint32_t i = 0; i < v->len; i++)
			wire_put(w, v->words[i], 8);
		break;
	default:
		wire_put(w, v->len, 4);
		wire_put_bytes(w, v->data, v->len);
	}
}

static void put_reply(struct wire_writer *w, const struct xm_request *req,
		      const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[req->op];

	wire_put(w, reply->code, 2);
	wire_put(w, reply->value, 4);
	for (unsigned int i = 0; i < op->n_args; i++)
		if (!xm_type_is_in(op->args[i].type))
			put_output(w, op->args[i].type, &reply->out[i]);
}

int xm_wire_put_result(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req,
		       const struct xm_reply *reply)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_RESULT, serial);

	put_reply(&w, req, reply);
	return wire_finish(&w);
}

/* Most words or bytes that the caller of this request can take for output `i`. */
static uint64_t capacity(const struct xm_request *req, unsigned int i)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[i];

	switch (arg->type) {
	case XM_T_STRUCT_OUT:
		return xm_structs[arg->ref].n_fields;
	case XM_T_RECORDS_OUT:
		return req->arg[i + 1].num > XM_MAX_RECORDS
			       ? 0
			       : req->arg[i + 1].num * xm_structs[arg->ref].n_fields;
	case XM_T_DATA_OUT:
		return req->arg[arg->ref].num;
	default:
		return XM_WIRE_PLAIN;
	}
}

static void get_words(struct wire_reader *r, struct xm_reply *replyp, struct xm_value *v,
		      unsigned int n_fields)
{
	if (v->len > XM_REPLY_WORDS || v->len % n_fields) {
		r->bad = true;
		return;
	}
	for (uint32_t i = 0; i < v->len; i++)
		replyp->words[i] = wire_get(r, 8);
	v->words = replyp->words;
}

static void get_output(struct wire_reader *r, const struct xm_request *req, unsigned int i,
		       struct xm_reply *replyp)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[i];
	struct xm_value *v = &replyp->out[i];

	v->state = (uint8_t)wire_get(r, 1);
	if (v->state != XM_ST_OK) {
		r->bad |= v->state != XM_ST_ABSENT;
		return;
	}
	/* Nothing is given where the caller has no room for it, and nothing but a success gives. */
	if (req->arg[i].state != XM_ST_OK || replyp->code != XM_C_OK) {
		r->bad = true;
		return;
	}
	if (arg->type == XM_T_U32_OUT || arg->type == XM_T_S64_OUT) {
		v->num = wire_get(r, 8);
		return;
	}
	v->len = (uint32_t)wire_get(r, 4);
	if (v->len > capacity(req, i) ||
	    (arg->type == XM_T_STRUCT_OUT && v->len != capacity(req, i)))
		r->bad = true;
	else if (arg->type == XM_T_STRUCT_OUT || arg->type == XM_T_RECORDS_OUT)
		get_words(r, replyp, v, xm_structs[arg->ref].n_fields);
	else
		v->data = wire_get_bytes(r, v->len);
}

static int get_reply(struct wire_reader *r, const struct xm_request *req, struct xm_reply *replyp)
{
	const struct xm_op *op = &xm_ops[req->op];

	xm_reply_init(replyp, NULL, 0);
	replyp->code = (unsigned int)wire_get(r, 2);
	replyp->value = (uint32_t)wire_get(r, 4);
	if (replyp->code >= XM_N_CODES || replyp->value > INT32_MAX ||
	    (replyp->code != XM_C_OK && replyp->value))
		r->bad = true;
	for (unsigned int i = 0; i < op->n_args && !r->bad; i++)
		if (!xm_type_is_in(op->args[i].type))
			get_output(r, req, i, replyp);
	return r->bad ? -EPROTO : 0;
}

int xm_wire_get_result(const uint8_t *msg, size_t len, const struct xm_request *req,
		       struct xm_reply *replyp)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_RESULT);

	if (get_reply(&r, req, replyp) < 0)
		return -EPROTO;
	return wire_complete(&r);
}

/* ---- results of batches: whether they ran (u8), how many (u16), results or a code each (u8) -------- */

#define BATCH_RESULT_HEAD (XM_WIRE_HEAD + 3)

static size_t output_max(const struct xm_request *req, unsigned int i)
{
	enum xm_type type = xm_ops[req->op].args[i].type;

	if (xm_type_is_in(type))
		return 0;
	if (req->arg[i].state != XM_ST_OK)
		return 1;
	if (type == XM_T_U32_OUT || type == XM_T_S64_OUT)
		return 1 + 8;
	if (type == XM_T_STRUCT_OUT || type == XM_T_RECORDS_OUT)
		return 1 + 4 + capacity(req, i) * 8;
	return 1 + 4 + capacity(req, i);
}

size_t xm_wire_batch_result_max(const struct xm_request *reqs, unsigned int n)
{
	size_t len = BATCH_RESULT_HEAD;

	/* All of it may be more than a size_t can say, where that has 32 bits. */
	for (unsigned int e = 0; e < n && len <= XM_WIRE_MAX; e++) {
		len += 2 + 4;
		for (unsigned int i = 0; i < xm_ops[reqs[e].op].n_args; i++)
			len += output_max(&reqs[e], i);
	}
	return len;
}

static struct wire_writer begin_batch_result(uint8_t *msg, size_t cap, uint32_t serial, bool ran,
					     unsigned int n)
{
	struct wire_writer w = wire_begin(msg, cap, XM_WIRE_BATCH_RESULT, serial);

	wire_put(&w, ran, 1);
	wire_put(&w, n, 2);
	return w;
}

int xm_wire_begin_batch_result(uint8_t *msg, size_t cap, uint32_t serial, unsigned int n)
{
	struct wire_writer w = begin_batch_result(msg, cap, serial, true, n);

	return w.len > cap ? -EMSGSIZE : (int)w.len;
}

int xm_wire_add_batch_result(uint8_t *msg, size_t cap, int len, const struct xm_request *req,
			     const struct xm_reply *reply)
{
	struct wire_writer w = { msg, cap, (size_t)len };

	if (len < 0)
		return len;
	put_reply(&w, req, reply);
	return w.len > cap || w.len > XM_WIRE_MAX ? -EMSGSIZE : (int)w.len;
}

int xm_wire_end_batch_result(uint8_t *msg, size_t cap, int len)
{
	struct wire_writer w = { msg, cap, (size_t)len };

	return len < 0 ? len : wire_finish(&w);
}

int xm_wire_put_batch_refusal(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *codes,
			      unsigned int n)
{
	struct wire_writer w = begin_batch_result(msg, cap, serial, false, n);

	wire_put_bytes(&w, codes, n);
	return wire_finish(&w);
}

/* Every one a code of a call that was not made, and at least one of them the reason. */
static bool codes_fit(const uint8_t *codes, unsigned int n)
{
	bool reason = false;

	for (unsigned int i = 0; i < n; i++) {
		if (codes[i] >= XM_C_UNKNOWN_OUTCOME)
			return false;
		reason |= codes[i] != XM_C_OK;
	}
	return reason;
}

int xm_wire_get_batch_result(const uint8_t *msg, size_t len, unsigned int n,
			     struct xm_wire_batch_result *resultp)
{
	struct wire_reader r = wire_expect(msg, len, XM_WIRE_BATCH_RESULT);
	struct xm_wire_batch_result result = { .msg = msg, .len = len };
	unsigned int ran = (unsigned int)wire_get(&r, 1);

	if (wire_get(&r, 2) != n || r.bad || ran > 1)
		return -EPROTO;
	result.ran = ran;
	if (!ran) {
		result.codes = wire_get_bytes(&r, n);
		if (wire_complete(&r) < 0 || !codes_fit(result.codes, n))
			return -EPROTO;
	}
	result.pos = r.pos;
	*resultp = result;
	return 0;
}

int xm_wire_next_batch_result(struct xm_wire_batch_result *result, const struct xm_request *req,
			      bool last, struct xm_reply *replyp)
{
	struct wire_reader r = { result->msg, result->len, result->pos, !result->ran };

	if (get_reply(&r, req, replyp) < 0 || (last && wire_complete(&r) < 0))
		return -EPROTO;
	result->pos = r.pos;
	return 0;
}
