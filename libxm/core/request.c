// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that are none, and filling a reply.  Owns no memory: a reply borrows what it was lent.
 */

#include <string.h>

#include "libxm/core/request.h"

enum xm_code xm_unclassified_code(const struct xm_request *req)
{
	switch (req->arg[XM_A_UNCLASSIFIED_reason].num) {
	case XM_REASON_CLASS:
	case XM_REASON_COMMAND:
		return XM_C_INVALID_PARAM;
	case XM_REASON_OPERATION:
		return XM_C_OP_NOT_ALLOWED;
	default:
		return XM_C_UNKNOWN_HYPERCALL;
	}
}

uint64_t xm_value_word(const struct xm_value *value, uint32_t i)
{
	const uint8_t *bytes = value->data + (size_t)i * XM_WORD_BYTES;
	uint64_t word = 0;

	for (unsigned int b = 0; b < XM_WORD_BYTES; b++)
		word |= (uint64_t)bytes[b] << (8 * b);
	return word;
}

void xm_put_word(uint8_t *at, uint64_t word)
{
	for (unsigned int b = 0; b < XM_WORD_BYTES; b++)
		at[b] = (uint8_t)(word >> (8 * b));
}

void xm_reply_init(struct xm_reply *reply, uint8_t *space, size_t len)
{
	reply->code = XM_C_OK;
	reply->value = 0;
	reply->space = space;
	reply->space_len = len;
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		reply->out[i] = (struct xm_value){ .state = XM_ST_ABSENT };
}

void xm_reply_fail(struct xm_reply *reply, enum xm_code code)
{
	xm_reply_init(reply, reply->space, reply->space_len);
	reply->code = code;
}

void xm_reply_put_num(struct xm_reply *reply, unsigned int arg, uint64_t num)
{
	reply->out[arg] = (struct xm_value){ .state = XM_ST_OK, .num = num };
}

uint64_t *xm_reply_put_words(struct xm_reply *reply, unsigned int arg, unsigned int n)
{
	memset(reply->words, 0, n * sizeof(reply->words[0]));
	reply->out[arg] = (struct xm_value){
		.state = XM_ST_OK,
		.len = n,
		.words = reply->words,
	};
	return reply->words;
}

void xm_reply_put_data(struct xm_reply *reply, unsigned int arg, const void *data, size_t len)
{
	if (len > reply->space_len)
		len = reply->space_len;
	if (len)
		memcpy(reply->space, data, len);
	reply->out[arg] = (struct xm_value){
		.state = XM_ST_OK,
		.len = (uint32_t)len,
		.data = reply->space,
	};
}
