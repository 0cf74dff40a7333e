// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a server may send, as the client library reads it: welcome, refusal, parts, and the result of
 * any request or batch.  The first bytes choose the request.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xm_reply reply;
static volatile uint64_t sink; /* keeps the compiler from dropping what is read */

/* Arguments as large as a request has them, so that capacities differ with the input. */
static struct xm_request make_request(uint8_t op, uint8_t states, uint16_t num)
{
	struct xm_request req = { .op = op % XM_N_OPS };

	for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
		req.arg[i].state = (states >> i) & 1 ? XM_ST_NULL : XM_ST_OK;
		req.arg[i].num = num;
	}
	return req;
}

/* Reads everything that the decoder says is there. */
static uint64_t touch(const struct xm_request *req)
{
	uint64_t sum = reply.code + reply.value;

	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++) {
		const struct xm_value *v = &reply.out[i];
		enum xm_type type = xm_ops[req->op].args[i].type;

		if (xm_type_is_in(type) || v->state != XM_ST_OK)
			continue;
		if (reply.code != XM_C_OK || req->arg[i].state != XM_ST_OK)
			abort(); /* nothing but a success gives, and only where there is room */
		if (type == XM_T_DATA_OUT && v->len > req->arg[xm_ops[req->op].args[i].ref].num)
			abort();
		for (uint32_t b = 0; v->data && b < v->len; b++)
			sum += v->data[b];
		for (uint32_t w = 0; v->words && w < v->len; w++)
			sum += v->words[w];
	}
	return sum;
}

/* A batch of `n` times the same request. */
static void decode_batch(const uint8_t *msg, size_t len, const struct xm_request *req,
			 unsigned int n)
{
	struct xm_wire_batch_result result;

	if (xm_wire_get_batch_result(msg, len, n, &result) < 0)
		return;
	for (unsigned int i = 0; i < n && !result.ran; i++)
		sink += result.codes[i];
	for (unsigned int i = 0; i < n; i++) {
		size_t before = result.pos;

		if (xm_wire_next_batch_result(&result, req, i + 1 == n, &reply) < 0)
			return;
		if (!result.ran || result.pos <= before || result.pos > len)
			abort();
		sink = touch(req);
	}
	if (result.pos != len)
		abort();
}

static void decode_part(const uint8_t *msg, size_t len)
{
	struct xm_wire_part part;

	if (xm_wire_get_part(msg, len, &part) < 0)
		return;
	if (part.total > XM_WIRE_MAX || part.offset >= part.total ||
	    part.len > part.total - part.offset || part.data + part.len != msg + len)
		abort();
}

static void decode(const uint8_t *msg, size_t len, const struct xm_request *req)
{
	struct xm_wire_welcome welcome;
	struct xm_wire_refused refused;
	struct xm_wire_head head;

	(void)xm_wire_get_head(msg, len, &head);
	if (xm_wire_get_welcome(msg, len, &welcome) == 0)
		sink = welcome.partition;
	if (xm_wire_get_refused(msg, len, &refused) == 0)
		sink = refused.error;
	if (xm_wire_get_result(msg, len, req, &reply) == 0)
		sink = touch(req);
	decode_part(msg, len);
	for (unsigned int n = 1; n < 4; n++)
		decode_batch(msg, len, req, n);
}

/* The same bytes behind a header that is right, so that the body is reached. */
static void decode_body(const uint8_t *body, size_t len, uint8_t type, const struct xm_request *req)
{
	static uint8_t msg[8192];
	size_t total = len + XM_WIRE_HEAD;

	if (total > sizeof(msg))
		return;
	memset(msg, 0, XM_WIRE_HEAD);
	msg[0] = 0x58;
	msg[1] = 0x6d;
	msg[2] = type;
	msg[4] = (uint8_t)total;
	msg[5] = (uint8_t)(total >> 8);
	memcpy(msg + XM_WIRE_HEAD, body, len);
	decode(msg, total, req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xm_request req;

	if (size < 4)
		return 0;
	req = make_request(data[0], data[1], (uint16_t)(data[2] | data[3] << 8));
	decode(data + 4, size - 4, &req);
	decode_body(data + 4, size - 4, XM_WIRE_RESULT, &req);
	decode_body(data + 4, size - 4, XM_WIRE_BATCH_RESULT, &req);
	decode_body(data + 4, size - 4, XM_WIRE_PART, &req);
	decode_body(data + 4, size - 4, data[1] & 1 ? XM_WIRE_WELCOME : XM_WIRE_REFUSED, &req);
	return 0;
}
