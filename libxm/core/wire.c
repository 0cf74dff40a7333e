// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes to messages and back, driven by the table.  Owns nothing; allocates nothing.  Must never
 * trust a length before it is compared with what is there, and never copy a struct.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"

#define MAGIC 0x6d58 /* "Xm" */

struct writer {
	uint8_t *msg;
	size_t cap;
	size_t len; /* goes on counting past cap, so that overflow shows */
};

struct reader {
	const uint8_t *msg;
	size_t len;
	size_t pos;
	bool bad;
};

static void put(struct writer *w, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++, w->len++)
		if (w->len < w->cap)
			w->msg[w->len] = (uint8_t)(value >> (8 * i));
}

/* The bytes may lie further back in the room that the message is written into. */
static void put_bytes(struct writer *w, const void *data, size_t len)
{
	if (len && w->len <= w->cap && len <= w->cap - w->len)
		memmove(w->msg + w->len, data, len);
	w->len += len;
}

static void put_string(struct writer *w, const char *s)
{
	size_t len = strlen(s);

	put(w, len, 2);
	put_bytes(w, s, len);
}

static uint64_t get(struct reader *r, unsigned int bytes)
{
	uint64_t value = 0;

	if (r->bad || r->len - r->pos < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)r->msg[r->pos++] << (8 * i);
	return value;
}

static const uint8_t *get_bytes(struct reader *r, size_t len)
{
	const uint8_t *p = r->msg + r->pos;

	if (r->bad || r->len - r->pos < len) {
		r->bad = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

/* A string must fit with its NUL into `cap` bytes and hold no NUL of its own. */
static void get_string(struct reader *r, char *s, size_t cap)
{
	size_t len = get(r, 2);
	const uint8_t *p = len < cap ? get_bytes(r, len) : NULL;

	if (!p || memchr(p, 0, len)) {
		r->bad = true;
		len = 0;
	} else {
		memcpy(s, p, len);
	}
	s[len] = '\0';
}

/* ---- header: magic, type, flags (0), length, serial, reserved (0) -------------------------------- */

static struct writer begin(uint8_t *msg, size_t cap, enum xm_wire_type type, uint32_t serial)
{
	struct writer w = { msg, cap, 0 };

	put(&w, MAGIC, 2);
	put(&w, type, 1);
	put(&w, 0, 1);
	put(&w, 0, 4);
	put(&w, serial, 4);
	put(&w, 0, 4);
	return w;
}

static int finish(struct writer *w)
{
	struct writer length = { w->msg + 4, 4, 0 };

	if (w->len > w->cap || w->len > XM_WIRE_MAX)
		return -EMSGSIZE;
	put(&length, w->len, 4);
	return (int)w->len;
}

static int get_head(struct reader *r, struct xm_wire_head *headp)
{
	uint64_t magic = get(r, 2);
	uint64_t type = get(r, 1);
	uint64_t flags = get(r, 1);
	uint64_t length = get(r, 4);
	uint64_t serial = get(r, 4);
	uint64_t reserved = get(r, 4);

	if (r->bad || magic != MAGIC || flags || reserved || length != r->len ||
	    r->len > XM_WIRE_MAX || type < XM_WIRE_HELLO || type > XM_WIRE_BATCH_RESULT)
		return -EPROTO;
	headp->type = (uint8_t)type;
	headp->serial = (uint32_t)serial;
	return 0;
}

int xm_wire_get_head(const uint8_t *msg, size_t len, struct xm_wire_head *headp)
{
	struct reader r = { msg, len, 0, false };

	return get_head(&r, headp);
}

/* Opens a message of the expected type for reading. */
static struct reader expect(const uint8_t *msg, size_t len, enum xm_wire_type type)
{
	struct reader r = { msg, len, 0, false };
	struct xm_wire_head head;

	if (get_head(&r, &head) < 0 || head.type != type)
		r.bad = true;
	return r;
}

static int complete(const struct reader *r)
{
	return r->bad || r->pos != r->len ? -EPROTO : 0;
}

/* ---- session messages ------------------------------------------------------------------------------ */

int xm_wire_put_hello(uint8_t *msg, size_t cap, const struct xm_wire_hello *hello)
{
	struct writer w = begin(msg, cap, XM_WIRE_HELLO, 0);

	put(&w, hello->version_min, 2);
	put(&w, hello->version_max, 2);
	put(&w, hello->profile, 1);
	put_string(&w, hello->comm);
	put_string(&w, hello->cgroup);
	return finish(&w);
}

int xm_wire_get_hello(const uint8_t *msg, size_t len, struct xm_wire_hello *hellop)
{
	struct reader r = expect(msg, len, XM_WIRE_HELLO);
	struct xm_wire_hello hello;

	hello.version_min = (uint16_t)get(&r, 2);
	hello.version_max = (uint16_t)get(&r, 2);
	hello.profile = (uint8_t)get(&r, 1);
	get_string(&r, hello.comm, sizeof(hello.comm));
	get_string(&r, hello.cgroup, sizeof(hello.cgroup));
	if (complete(&r) < 0 || !xm_profile_name(hello.profile) ||
	    hello.version_min > hello.version_max)
		return -EPROTO;
	*hellop = hello;
	return 0;
}

int xm_wire_put_welcome(uint8_t *msg, size_t cap, const struct xm_wire_welcome *welcome)
{
	struct writer w = begin(msg, cap, XM_WIRE_WELCOME, 0);

	put(&w, welcome->version, 2);
	put(&w, welcome->profile, 1);
	put(&w, welcome->partition, 4);
	put(&w, welcome->n_partitions, 4);
	put(&w, welcome->data_max, 4);
	return finish(&w);
}

int xm_wire_get_welcome(const uint8_t *msg, size_t len, struct xm_wire_welcome *welcomep)
{
	struct reader r = expect(msg, len, XM_WIRE_WELCOME);
	struct xm_wire_welcome welcome;

	welcome.version = (uint16_t)get(&r, 2);
	welcome.profile = (uint8_t)get(&r, 1);
	welcome.partition = (uint32_t)get(&r, 4);
	welcome.n_partitions = (uint32_t)get(&r, 4);
	welcome.data_max = (uint32_t)get(&r, 4);
	if (complete(&r) < 0 || !xm_profile_name(welcome.profile))
		return -EPROTO;
	*welcomep = welcome;
	return 0;
}

int xm_wire_put_refused(uint8_t *msg, size_t cap, const struct xm_wire_refused *refused)
{
	struct writer w = begin(msg, cap, XM_WIRE_REFUSED, 0);

	put(&w, refused->error, 2);
	put_string(&w, refused->reason);
	return finish(&w);
}

int xm_wire_get_refused(const uint8_t *msg, size_t len, struct xm_wire_refused *refusedp)
{
	struct reader r = expect(msg, len, XM_WIRE_REFUSED);
	struct xm_wire_refused refused;

	refused.error = (uint16_t)get(&r, 2);
	get_string(&r, refused.reason, sizeof(refused.reason));
	if (complete(&r) < 0)
		return -EPROTO;
	*refusedp = refused;
	return 0;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static size_t piece(size_t total, size_t offset)
{
	return total - offset < XM_WIRE_PART_DATA ? total - offset : XM_WIRE_PART_DATA;
}

int xm_wire_put_part(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *whole, size_t total,
		     size_t offset)
{
	struct writer w = begin(msg, cap, XM_WIRE_PART, serial);

	if (total > XM_WIRE_MAX || offset >= total)
		return -EMSGSIZE;
	put(&w, total, 4);
	put(&w, offset, 4);
	put_bytes(&w, whole + offset, piece(total, offset));
	return finish(&w);
}

int xm_wire_get_part(const uint8_t *msg, size_t len, struct xm_wire_part *partp)
{
	struct reader r = { msg, len, 0, false };
	struct xm_wire_head head = { 0, 0 };
	struct xm_wire_part part;

	if (get_head(&r, &head) < 0 || head.type != XM_WIRE_PART)
		return -EPROTO;
	part.serial = head.serial;
	part.total = (uint32_t)get(&r, 4);
	part.offset = (uint32_t)get(&r, 4);
	if (r.bad || part.total <= XM_WIRE_PACKET || part.total > XM_WIRE_MAX ||
	    part.offset >= part.total || part.offset % XM_WIRE_PART_DATA)
		return -EPROTO;
	part.len = (uint32_t)piece(part.total, part.offset);
	part.data = get_bytes(&r, part.len);
	if (complete(&r) < 0)
		return -EPROTO;
	*partp = part;
	return 0;
}

/* ---- calls ----------------------------------------------------------------------------------------- */

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

static void put_argument(struct writer *w, enum xm_type type, const struct xm_value *v)
{
	put(w, v->state, 1);
	if (v->state != XM_ST_OK)
		return;
	if (xm_type_is_scalar(type)) {
		put(w, v->num, 8);
	} else if (type == XM_T_NAME || type == XM_T_DATA_IN) {
		put(w, v->len, 4);
		put_bytes(w, v->data, v->len);
	} else if (is_words_in(type)) {
		put(w, v->len, 4);
		put_bytes(w, v->data, (size_t)v->len * XM_WORD_BYTES);
	}
}

static void put_request(struct writer *w, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	put(w, op->wire, 2);
	put(w, op->n_args, 1);
	for (unsigned int i = 0; i < op->n_args; i++)
		put_argument(w, op->args[i].type, &req->arg[i]);
}

int xm_wire_put_call(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req)
{
	struct writer w = begin(msg, cap, XM_WIRE_CALL, serial);

	put_request(&w, req);
	return finish(&w);
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
static void get_sized(struct reader *r, struct xm_value *v, uint32_t max, size_t unit)
{
	v->len = (uint32_t)get(r, 4);
	if (v->len > max)
		r->bad = true;
	v->data = get_bytes(r, v->len * unit);
}

static void get_argument(struct reader *r, const struct xm_arg *arg, struct xm_value *v)
{
	*v = (struct xm_value){ .state = (uint8_t)get(r, 1) };
	if (!state_fits(arg, v->state))
		r->bad = true;
	if (r->bad || v->state != XM_ST_OK)
		return;
	if (xm_type_is_scalar(arg->type)) {
		v->num = get(r, 8);
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

static int get_request(struct reader *r, struct xm_request *reqp)
{
	int id = xm_op_by_wire((unsigned int)get(r, 2));
	uint64_t n_args = get(r, 1);
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
	struct reader r = expect(msg, len, XM_WIRE_CALL);

	if (get_request(&r, reqp) < 0)
		return -EPROTO;
	return complete(&r);
}

/* ---- batches --------------------------------------------------------------------------------------- */

static bool may_be_in_batch(unsigned int op)
{
	return !(xm_ops[op].flags & (XM_OPF_BROKER | XM_OPF_PUBLIC));
}

int xm_wire_put_batch(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *reqs,
		      unsigned int n)
{
	struct writer w = begin(msg, cap, XM_WIRE_BATCH, serial);

	if (n > XM_BATCH_MAX)
		return -EMSGSIZE;
	put(&w, n, 2);
	for (unsigned int i = 0; i < n; i++)
		put_request(&w, &reqs[i]);
	return finish(&w);
}

int xm_wire_get_batch(const uint8_t *msg, size_t len, struct xm_request reqs[XM_BATCH_MAX],
		      unsigned int *np)
{
	struct reader r = expect(msg, len, XM_WIRE_BATCH);
	unsigned int n = (unsigned int)get(&r, 2);

	if (r.bad || n < 1 || n > XM_BATCH_MAX)
		return -EPROTO;
	for (unsigned int i = 0; i < n; i++)
		if (get_request(&r, &reqs[i]) < 0 || !may_be_in_batch(reqs[i].op))
			return -EPROTO;
	if (complete(&r) < 0)
		return -EPROTO;
	*np = n;
	return 0;
}

/* ---- results --------------------------------------------------------------------------------------- */

static void put_output(struct writer *w, enum xm_type type, const struct xm_value *v)
{
	put(w, v->state, 1);
	if (v->state != XM_ST_OK)
		return;
	switch (type) {
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
		put(w, v->num, 8);
		break;
	case XM_T_STRUCT_OUT:
	case XM_T_RECORDS_OUT:
		put(w, v->len, 4);
		for (uint32_t i = 0; i < v->len; i++)
			put(w, v->words[i], 8);
		break;
	default:
		put(w, v->len, 4);
		put_bytes(w, v->data, v->len);
	}
}

static void put_reply(struct writer *w, const struct xm_request *req, const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[req->op];

	put(w, reply->code, 2);
	put(w, reply->value, 4);
	for (unsigned int i = 0; i < op->n_args; i++)
		if (!xm_type_is_in(op->args[i].type))
			put_output(w, op->args[i].type, &reply->out[i]);
}

int xm_wire_put_result(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req,
		       const struct xm_reply *reply)
{
	struct writer w = begin(msg, cap, XM_WIRE_RESULT, serial);

	put_reply(&w, req, reply);
	return finish(&w);
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

static void get_words(struct reader *r, struct xm_reply *replyp, struct xm_value *v,
		      unsigned int n_fields)
{
	if (v->len > XM_REPLY_WORDS || v->len % n_fields) {
		r->bad = true;
		return;
	}
	for (uint32_t i = 0; i < v->len; i++)
		replyp->words[i] = get(r, 8);
	v->words = replyp->words;
}

static void get_output(struct reader *r, const struct xm_request *req, unsigned int i,
		       struct xm_reply *replyp)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[i];
	struct xm_value *v = &replyp->out[i];

	v->state = (uint8_t)get(r, 1);
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
		v->num = get(r, 8);
		return;
	}
	v->len = (uint32_t)get(r, 4);
	if (v->len > capacity(req, i) ||
	    (arg->type == XM_T_STRUCT_OUT && v->len != capacity(req, i)))
		r->bad = true;
	else if (arg->type == XM_T_STRUCT_OUT || arg->type == XM_T_RECORDS_OUT)
		get_words(r, replyp, v, xm_structs[arg->ref].n_fields);
	else
		v->data = get_bytes(r, v->len);
}

static int get_reply(struct reader *r, const struct xm_request *req, struct xm_reply *replyp)
{
	const struct xm_op *op = &xm_ops[req->op];

	xm_reply_init(replyp, NULL, 0);
	replyp->code = (unsigned int)get(r, 2);
	replyp->value = (uint32_t)get(r, 4);
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
	struct reader r = expect(msg, len, XM_WIRE_RESULT);

	if (get_reply(&r, req, replyp) < 0)
		return -EPROTO;
	return complete(&r);
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

static struct writer begin_batch_result(uint8_t *msg, size_t cap, uint32_t serial, bool ran,
					unsigned int n)
{
	struct writer w = begin(msg, cap, XM_WIRE_BATCH_RESULT, serial);

	put(&w, ran, 1);
	put(&w, n, 2);
	return w;
}

int xm_wire_begin_batch_result(uint8_t *msg, size_t cap, uint32_t serial, unsigned int n)
{
	struct writer w = begin_batch_result(msg, cap, serial, true, n);

	return w.len > cap ? -EMSGSIZE : (int)w.len;
}

int xm_wire_add_batch_result(uint8_t *msg, size_t cap, int len, const struct xm_request *req,
			     const struct xm_reply *reply)
{
	struct writer w = { msg, cap, (size_t)len };

	if (len < 0)
		return len;
	put_reply(&w, req, reply);
	return w.len > cap || w.len > XM_WIRE_MAX ? -EMSGSIZE : (int)w.len;
}

int xm_wire_end_batch_result(uint8_t *msg, size_t cap, int len)
{
	struct writer w = { msg, cap, (size_t)len };

	return len < 0 ? len : finish(&w);
}

int xm_wire_put_batch_refusal(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *codes,
			      unsigned int n)
{
	struct writer w = begin_batch_result(msg, cap, serial, false, n);

	put_bytes(&w, codes, n);
	return finish(&w);
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
	struct reader r = expect(msg, len, XM_WIRE_BATCH_RESULT);
	struct xm_wire_batch_result result = { .msg = msg, .len = len };
	unsigned int ran = (unsigned int)get(&r, 1);

	if (get(&r, 2) != n || r.bad || ran > 1)
		return -EPROTO;
	result.ran = ran;
	if (!ran) {
		result.codes = get_bytes(&r, n);
		if (complete(&r) < 0 || !codes_fit(result.codes, n))
			return -EPROTO;
	}
	result.pos = r.pos;
	*resultp = result;
	return 0;
}

int xm_wire_next_batch_result(struct xm_wire_batch_result *result, const struct xm_request *req,
			      bool last, struct xm_reply *replyp)
{
	struct reader r = { result->msg, result->len, result->pos, !result->ran };

	if (get_reply(&r, req, replyp) < 0 || (last && complete(&r) < 0))
		return -EPROTO;
	result->pos = r.pos;
	return 0;
}
