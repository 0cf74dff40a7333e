// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A request as a call of the hypervisor's own interface.  Must never hand over memory but the call's
 * own and what the request and its reply have lent, nor make a call of a request that the profile
 * cannot say exactly.
 */

#include <string.h>

#include "xmbroker/device_call.h"

#define PARTITION_SHIFT 10
#define VCPU_SHIFT 20
#define ID_MAX 0x3ffU

struct putting {
	struct device_call *call;
	const struct xm_op *op;
	const struct xm_request *req;
	const struct xm_reply *reply;
	uint32_t self;
	struct xmctl_buffer *structure; /* of the call, NULL: none */
	enum xm_code code;
};

static const struct raw_source *source_of(const struct putting *p, unsigned int i)
{
	return &p->call->row->source[i];
}

static void fail(struct putting *p)
{
	p->code = XM_C_INVALID_PARAM;
}

/* ---- the row ---------------------------------------------------------------------------------------- */

static bool source_fits(const struct raw_source *source, const struct xm_value *v, uint32_t self)
{
	if (source->kind == RAW_CONSTANT)
		return v->num == source->value;
	return source->kind != RAW_SELF || v->num == self;
}

/* Whether the row says what the request says: an operation may have one for each of several cases. */
static bool row_fits(const struct raw_row *row, const struct xm_request *req, uint32_t self)
{
	if (row->op != req->op || row->number >= RAW_PARTITION_TABLE)
		return false;
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++)
		if (!source_fits(&row->source[i], &req->arg[i], self))
			return false;
	return true;
}

static const struct raw_row *find_row(const struct raw_profile *profile,
				      const struct xm_request *req, uint32_t self)
{
	for (size_t i = 0; i < profile->n_rows; i++)
		if (row_fits(&profile->rows[i], req, self))
			return &profile->rows[i];
	return NULL;
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* Zeroed, and aligned for anything; NULL: there is no room. */
static uint8_t *take(struct putting *p, size_t len)
{
	struct device_call *call = p->call;
	uint8_t *room = call->room + call->used;

	if (len > sizeof(call->room) - call->used) {
		fail(p);
		return NULL;
	}
	memset(room, 0, len);
	call->used += (len + 7) & ~(size_t)7;
	if (call->used > sizeof(call->room))
		call->used = sizeof(call->room);
	return room;
}

static struct xmctl_buffer *add_buffer(struct putting *p, const void *address, size_t len,
				       unsigned int word, unsigned int flags)
{
	struct xmctl_call *ioc = &p->call->ioc;
	struct xmctl_buffer *buffer = &ioc->buffers[ioc->n_buffers];

	if (!address || !len || ioc->n_buffers == XMCTL_BUFFERS || len > UINT32_MAX) {
		fail(p);
		return NULL;
	}
	ioc->n_buffers++;
	*buffer = (struct xmctl_buffer){
		.address = (uintptr_t)address,
		.length = (uint32_t)len,
		.word = (uint8_t)word,
		.flags = (uint16_t)flags,
	};
	return buffer;
}

/* Behind a pointer in the structure of the call. */
static void add_behind(struct putting *p, const void *address, size_t len, unsigned int flags)
{
	struct xmctl_buffer *buffer = add_buffer(p, address, len, p->call->row->word, flags);

	if (buffer && p->structure)
		buffer->depth = (uint8_t)(p->structure->depth + 1);
	else
		fail(p);
}

/* The low `size` bytes of a number, in which `bits` (0: all) from `shift` on are meant. */
static void store(uint8_t *at, unsigned int size, unsigned int shift, unsigned int bits,
		  uint64_t num)
{
	uint64_t mask = bits && bits < 64 ? (1ULL << bits) - 1 : ~0ULL, old = 0;

	memcpy(&old, at, size);
	old = (old & ~(mask << shift)) | (num & mask) << shift;
	memcpy(at, &old, size);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low bytes of a number come first");

static void store_field(struct putting *p, const struct raw_source *source, uint64_t num)
{
	unsigned int bits = source->bits ? source->bits : 8 * source->size;

	/* As a signed or an unsigned number: nothing may be lost. */
	if (bits < 64 && num >> bits && (int64_t)num >> (bits - 1) != -1)
		fail(p);
	else if (p->call->structure)
		store(p->call->structure + source->offset, source->size, source->shift,
		      source->bits, num);
	else
		fail(p);
}

/* ---- the structure of a call ------------------------------------------------------------------------ */

static size_t extent(const struct raw_source *source)
{
	switch (source->kind) {
	case RAW_FIELD:
	case RAW_NAME_FIELD:
	case RAW_RECORDS_IN:
	case RAW_RECORDS_FIELD:
	case RAW_COUNT_FIELD:
	case RAW_COUNT_INOUT:
	case RAW_OUT_FIELD:
		return (size_t)source->offset + source->size;
	case RAW_STRUCT_IN:
		return source->layout->size;
	default:
		return 0;
	}
}

static bool is_out_of_structure(const struct raw_source *source)
{
	return source->kind == RAW_OUT_FIELD || source->kind == RAW_COUNT_INOUT;
}

/* Bytes that the hypervisor writes where it also reads the structure. */
static size_t shared_extent(const struct raw_row *row, const struct raw_source *source)
{
	if (source->kind != RAW_STRUCT || source->word != row->word || row->flags & RAW_INDIRECT)
		return 0;
	return source->layout->size;
}

static void put_structure(struct putting *p)
{
	const struct raw_row *row = p->call->row;
	unsigned int flags = XMCTL_BUFFER_IN;
	size_t len = 0, shared = 0;

	for (unsigned int i = 0; i < p->op->n_args; i++) {
		const struct raw_source *source = source_of(p, i);

		len = extent(source) > len ? extent(source) : len;
		shared = shared_extent(row, source) > shared ? shared_extent(row, source) : shared;
		if (is_out_of_structure(source) || shared_extent(row, source))
			flags |= XMCTL_BUFFER_OUT;
	}
	if (!len)
		return;
	len = (len + row->align - 1) / row->align * row->align;
	len = shared > len ? shared : len;
	if (row->flags & RAW_INDIRECT)
		add_buffer(p, take(p, sizeof(void *)), sizeof(void *), row->word, XMCTL_BUFFER_IN);
	p->call->structure = take(p, len);
	p->structure = add_buffer(p, p->call->structure, len, row->word, flags);
	if (p->structure)
		p->structure->depth = row->flags & RAW_INDIRECT ? 1 : 0;
}

static uint64_t request_word(const struct xm_value *v, uint32_t i)
{
	return i < v->len ? xm_value_word(v, i) : 0;
}

static void put_members(uint8_t *at, const struct raw_layout *layout, const struct xm_value *v,
			uint32_t first)
{
	for (unsigned int i = 0; i < layout->n_members; i++) {
		const struct raw_member *m = &layout->members[i];

		store(at + m->offset, m->size, m->shift, m->bits,
		      request_word(v, first + m->field) >> m->from);
	}
}

static void put_struct_in(struct putting *p, unsigned int i)
{
	if (p->call->structure)
		put_members(p->call->structure, source_of(p, i)->layout, &p->req->arg[i], 0);
	else
		fail(p);
}

static void put_records_in(struct putting *p, unsigned int i)
{
	const struct raw_layout *layout = source_of(p, i)->layout;
	unsigned int n_fields = xm_structs[p->op->args[i].ref].n_fields;
	uint32_t n = p->req->arg[i].len / n_fields;
	uint8_t *at;

	if (!n)
		return;
	at = take(p, (size_t)n * layout->size);
	add_behind(p, at, (size_t)n * layout->size, XMCTL_BUFFER_IN);
	for (uint32_t r = 0; at && r < n; r++)
		put_members(at + (size_t)r * layout->size, layout, &p->req->arg[i], r * n_fields);
}

/* ---- words ------------------------------------------------------------------------------------------ */

static void put_word(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);
	enum xm_type type = p->op->args[i].type;
	uint64_t num = p->req->arg[i].num - source->value;
	unsigned int bits = source->size ? 8 * source->size : 64;

	if (source->kind == RAW_WORD_BITS)
		bits = source->bits;
	if (bits < 32 && num >> bits)
		fail(p);
	if (type == XM_T_U32 || type == XM_T_S32 || bits <= 32)
		num = (uint32_t)num;
	p->call->ioc.args[source->word] = num;
}

/* Bytes of all the records that are wanted. */
static void put_count(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);

	p->call->ioc.args[source->word] = p->req->arg[i].num * source->layout->size;
}

static void put_descriptor(struct putting *p, unsigned int shift, uint32_t max, uint64_t num)
{
	if (num > max)
		fail(p);
	else
		p->call->ioc.args[RAW_DESCRIPTOR] |= num << shift;
}

/* What of a descriptor no argument says. */
static void begin_descriptor(struct putting *p)
{
	const struct raw_row *row = p->call->row;
	struct xmctl_call *ioc = &p->call->ioc;
	bool named = false;

	if (row->class == RAW_PLAIN)
		return;
	for (unsigned int i = 0; i < p->op->n_args; i++)
		named |= source_of(p, i)->kind == RAW_PARTITION;
	ioc->args[RAW_DESCRIPTOR] = (uint64_t)row->class << p->call->profile->class_shift;
	if (!named)
		put_descriptor(p, PARTITION_SHIFT, ID_MAX,
			       row->hypervisor == 1 ? XM_HYPERVISOR_ID : p->self);
	if (row->command != RAW_ANY)
		ioc->args[RAW_COMMAND] = (uint64_t)row->command;
}

/* ---- pointers --------------------------------------------------------------------------------------- */

static void put_name(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);
	const struct xm_value *v = &p->req->arg[i];
	uint8_t *name = take(p, XMCTL_NAME_BYTES);

	if (!name || v->len >= XMCTL_NAME_BYTES) {
		fail(p);
		return;
	}
	memcpy(name, v->data, v->len);
	if (source->kind == RAW_NAME_FIELD)
		add_behind(p, name, v->len + 1, XMCTL_BUFFER_IN);
	else
		add_buffer(p, name, v->len + 1, source->word, XMCTL_BUFFER_IN);
}

/* A number that goes in or comes back. */
static void put_number(struct putting *p, unsigned int i, unsigned int flags)
{
	const struct raw_source *source = source_of(p, i);
	uint8_t *at = take(p, source->size);

	if (!at)
		return;
	if (flags == XMCTL_BUFFER_IN)
		store(at, source->size, 0, 0, p->req->arg[i].num);
	else
		p->call->out[i] = at;
	add_buffer(p, at, source->size, source->word, flags);
}

static void put_data(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);
	const struct xm_arg *arg = &p->op->args[i];
	uint64_t len = p->req->arg[arg->ref].num;

	if (!len)
		return;
	if (arg->type == XM_T_DATA_IN) {
		add_buffer(p, p->req->arg[i].data, p->req->arg[i].len, source->word,
			   XMCTL_BUFFER_IN);
	} else if (len <= p->reply->space_len) {
		p->call->out[i] = p->reply->space;
		add_buffer(p, p->reply->space, len, source->word, XMCTL_BUFFER_OUT);
	} else {
		fail(p);
	}
}

static void put_records_out(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);
	uint64_t n = p->req->arg[i + 1].num;
	uint8_t *at;

	if (n > XM_MAX_RECORDS) {
		fail(p);
		return;
	}
	at = take(p, n * source->layout->size);
	p->call->out[i] = at;
	if (source->kind == RAW_RECORDS)
		add_buffer(p, at, n * source->layout->size, source->word, XMCTL_BUFFER_OUT);
	else if (n)
		add_behind(p, at, n * source->layout->size, XMCTL_BUFFER_OUT);
}

static void put_struct_out(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);

	if (p->structure && shared_extent(p->call->row, source)) {
		p->call->out[i] = p->call->structure;
		return;
	}
	p->call->out[i] = take(p, source->layout->size);
	add_buffer(p, p->call->out[i], source->layout->size, source->word, XMCTL_BUFFER_OUT);
}

static void put_out_field(struct putting *p, unsigned int i)
{
	if (p->call->structure)
		p->call->out[i] = p->call->structure + source_of(p, i)->offset;
	else
		fail(p);
}

/* ---- all -------------------------------------------------------------------------------------------- */

static void put_scalar(struct putting *p, unsigned int i)
{
	const struct raw_source *source = source_of(p, i);
	uint64_t num = p->req->arg[i].num;

	if (p->req->arg[i].state == XM_ST_ABSENT)
		return;
	switch (source->kind) {
	case RAW_WORD:
	case RAW_WORD_BITS:
		put_word(p, i);
		break;
	case RAW_WIDE: /* the device takes a time apart */
		p->call->ioc.args[i] = num;
		break;
	case RAW_COUNT:
		put_count(p, i);
		break;
	case RAW_PARTITION:
		put_descriptor(p, PARTITION_SHIFT, ID_MAX, num);
		break;
	case RAW_ID:
		put_descriptor(p, 0, ID_MAX, num);
		break;
	case RAW_VCPU:
		put_descriptor(p, VCPU_SHIFT, (1U << p->call->profile->vcpu_bits) - 1, num);
		break;
	case RAW_FIELD:
	case RAW_COUNT_FIELD:
		store_field(p, source, num);
		break;
	case RAW_COUNT_INOUT:
		store_field(p, source, num);
		put_out_field(p, i);
		break;
	case RAW_POINTED:
		put_number(p, i, XMCTL_BUFFER_IN);
		break;
	default: /* absent, constant, the own partition: the row was chosen by it */
		break;
	}
}

static void put_pointer(struct putting *p, unsigned int i)
{
	switch (source_of(p, i)->kind) {
	case RAW_NAME:
	case RAW_NAME_FIELD:
		put_name(p, i);
		break;
	case RAW_DATA:
		put_data(p, i);
		break;
	case RAW_STRUCT_IN:
		put_struct_in(p, i);
		break;
	case RAW_RECORDS_IN:
		put_records_in(p, i);
		break;
	case RAW_RECORDS:
	case RAW_RECORDS_FIELD:
		put_records_out(p, i);
		break;
	case RAW_STRUCT:
		put_struct_out(p, i);
		break;
	case RAW_OUT:
		put_number(p, i, XMCTL_BUFFER_OUT);
		break;
	case RAW_OUT_FIELD:
		put_out_field(p, i);
		break;
	default:
		break;
	}
}

/* A pointer that the caller could not use is for the guard to answer: nothing is there to be sent. */
static bool is_usable(const struct xm_value *v)
{
	return v->state == XM_ST_OK || v->state == XM_ST_ABSENT;
}

enum xm_code device_put(struct device_call *call, const struct raw_profile *profile, uint32_t self,
			const struct xm_request *req, const struct xm_reply *reply)
{
	struct putting p = { call, &xm_ops[req->op], req, reply, self, NULL, XM_C_OK };

	call->profile = profile;
	call->row = find_row(profile, req, self);
	call->structure = NULL;
	call->used = 0;
	memset(call->out, 0, sizeof(call->out));
	if (!call->row)
		return XM_C_UNKNOWN_HYPERCALL;
	call->ioc = (struct xmctl_call){ .number = call->row->number, .operation = p.op->wire };
	begin_descriptor(&p);
	put_structure(&p);
	for (unsigned int i = 0; i < p.op->n_args && p.code == XM_C_OK; i++) {
		if (!is_usable(&req->arg[i]))
			fail(&p);
		else if (xm_type_is_scalar(p.op->args[i].type))
			put_scalar(&p, i);
		else
			put_pointer(&p, i);
	}
	return p.code;
}
