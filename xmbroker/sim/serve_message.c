// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages of a connection: greeting, calls, batches, and what is longer than a packet.  Must never lose
 * the answer to a call that was carried out for a partition that still runs.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "xmbroker/sim/serve_internal.h"

/* Most bytes that stand in an answer before its data, which are made behind that and moved there. */
#define AHEAD 256
/* Parts that are sent over one connection in a turn. */
#define PARTS_A_TURN 4

/* ---- answers ----------------------------------------------------------------------------------------- */

static int transmit(const struct connection *c, const uint8_t *msg, size_t len)
{
	ssize_t n;

	do
		n = send(c->source.fd, msg, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Keeps an answer, which is to be sent; takes the output over. */
static int keep_answer(struct connection *c, struct serve_output *out)
{
	c->answer = out->msg;
	c->answer_len = (size_t)out->len;
	c->answer_at = 0;
	c->answer_large = out->large;
	if (out->large)
		return 0;
	c->answer = malloc(c->answer_len);
	if (!c->answer)
		return -ENOMEM;
	memcpy(c->answer, out->msg, c->answer_len);
	return 0;
}

/* The next packet of the answer: all of it, or a part. */
static int send_next(struct connection *c)
{
	struct serve *serve = c->serve;
	struct xm_wire_head head = { 0, 0 };
	int len, r;

	if (c->answer_len <= XM_WIRE_PACKET) {
		r = transmit(c, c->answer, c->answer_len);
		if (r == 0)
			c->answer_at = c->answer_len;
		return r;
	}
	xm_wire_get_head(c->answer, c->answer_len, &head);
	len = xm_wire_put_part(serve->out, sizeof(serve->out), head.serial, c->answer,
			       c->answer_len, c->answer_at);
	r = len < 0 ? len : transmit(c, serve->out, (size_t)len);
	if (r == 0)
		c->answer_at += (size_t)len - XM_WIRE_PART_HEAD;
	return r;
}

static void send_answer(struct connection *c)
{
	for (unsigned int i = 0; i < PARTS_A_TURN; i++) {
		int r = send_next(c);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			serve_drop(c);
		if (r < 0 || c->answer_at == c->answer_len) {
			serve_forget_answer(c);
			return;
		}
	}
}

/* Sends an answer, as much of it as goes now, and takes the output over. */
static void answer(struct connection *c, struct serve_output *out)
{
	int r = out->len < 0 ? out->len : -EAGAIN;
	bool late = c->due > c->serve->engine->now;

	if (out->len > 0 && out->len <= XM_WIRE_PACKET && !late)
		r = transmit(c, out->msg, (size_t)out->len);
	if (r == -EAGAIN && keep_answer(c, out) == 0) {
		if (out->len > XM_WIRE_PACKET && !late)
			send_answer(c);
		return;
	}
	serve_give_output(c->serve, out);
	if (r < 0)
		serve_drop(c);
}

/* ---- calls ------------------------------------------------------------------------------------------- */

static void on_hello(struct connection *c, const uint8_t *msg, size_t len)
{
	struct serve *serve = c->serve;
	struct xm_wire_welcome welcome = {
		.version = XM_WIRE_VERSION,
		.profile = (uint8_t)serve->engine->profile,
		.partition = c->partition,
		.data_max = XM_WIRE_DATA_MAX,
	};
	struct serve_output out;
	struct xm_wire_hello hello;

	if (xm_wire_get_hello(msg, len, &hello) < 0) {
		serve_refuse(c, EPROTO, "malformed greeting");
		return;
	}
	if (hello.version_min > XM_WIRE_VERSION || hello.version_max < XM_WIRE_VERSION) {
		serve_refuse(c, EPROTONOSUPPORT, "no common version of the protocol");
		return;
	}
	if (c->refusal) {
		serve_refuse(c, ESHUTDOWN, c->refusal);
		return;
	}
	system_partitions(serve->engine->sys, &welcome.n_partitions);
	c->open = true;
	serve_take_output(serve, 0, &out);
	out.len = xm_wire_put_welcome(out.msg, out.cap, &welcome);
	answer(c, &out);
}

/* A fault may hold the answer back. */
static enum sim_result make_call(struct connection *c, const struct xm_request *req,
				 struct xm_reply *reply)
{
	struct engine *engine = c->serve->engine;
	int64_t delay;
	enum sim_result result = engine_call(engine, c->partition, req, reply, &delay);

	if (delay)
		c->due = engine_later(engine, c->due > engine->now ? c->due : engine->now, delay);
	return result;
}

/* Keeps a message until its caller runs again, with what has come of it so far, which it takes over. */
static int keep_batch(struct connection *c, const uint8_t *msg, size_t len, unsigned int next,
		      struct serve_output *out)
{
	struct serve *serve = c->serve;
	struct serve_batch *b = serve_take_large(serve, sizeof(*b) + len);

	if (!b)
		return -ENOMEM;
	b->next = next;
	b->len = len;
	b->output = *out;
	memcpy(b->msg, msg, len);
	if (!out->large) {
		b->output.msg = serve_take_large(serve, out->cap);
		b->output.large = out->cap;
		if (!b->output.msg) {
			serve_give_large(serve, b, sizeof(*b) + len);
			return -ENOMEM;
		}
		memcpy(b->output.msg, out->msg, (size_t)out->len);
	}
	c->batch = b;
	return 0;
}

/* One that stopped before the call makes it later: it has not been made. */
static int keep_for_later(struct connection *c, const uint8_t *msg, size_t len,
			  enum sim_result result, struct serve_output *out)
{
	if (out->len < 0)
		return -EMSGSIZE;
	if (result == SIM_DEFERRED)
		return keep_answer(c, out);
	return result == SIM_STOPPED ? keep_batch(c, msg, len, 0, out) : -ESHUTDOWN;
}

static void on_call(struct connection *c, uint32_t serial, const uint8_t *msg, size_t len)
{
	struct serve *serve = c->serve;
	struct xm_reply *reply = &serve->reply;
	struct serve_output out;
	struct xm_request req;
	enum sim_result result;

	if (xm_wire_get_call(msg, len, &req) < 0) {
		serve_refuse(c, EPROTO, "malformed call");
		return;
	}
	if (!serve_take_output(serve, xm_wire_batch_result_max(&req, 1) + AHEAD, &out)) {
		serve_refuse(c, EDQUOT, "no memory for the answer");
		return;
	}
	xm_reply_init(reply, out.msg + AHEAD, out.cap - AHEAD);
	if (serve_permits(c, req.op)) {
		result = make_call(c, &req, reply);
	} else {
		xm_reply_fail(reply, XM_C_PERM_ERROR);
		result = SIM_REPLY;
	}
	out.len = result == SIM_STOPPED ? 0
					: xm_wire_put_result(out.msg, out.cap, serial, &req, reply);
	if (result == SIM_REPLY) {
		answer(c, &out);
		return;
	}
	if (keep_for_later(c, msg, len, result, &out) == 0)
		return;
	serve_give_output(serve, &out);
	/* When it is gone the partition's new generation closes the connection. */
	if (result != SIM_GONE)
		serve_drop(c);
}

/* ---- batches ----------------------------------------------------------------------------------------- */

/* One element: its result, if it was made, is written before the next call. */
static enum sim_result call_element(struct connection *c, const struct xm_request *req,
				    struct serve_output *out)
{
	struct serve *serve = c->serve;
	size_t at = (size_t)out->len + AHEAD;
	enum sim_result result;

	xm_reply_init(&serve->reply, out->msg + at, out->cap - at);
	result = make_call(c, req, &serve->reply);
	if (result == SIM_STOPPED)
		return result;
	out->len = xm_wire_add_batch_result(out->msg, out->cap, out->len, req, &serve->reply);
	return result;
}

/* From element `next` on, of the n that stand in serve->reqs; takes the output over. */
static void run_batch(struct connection *c, const uint8_t *msg, size_t len, unsigned int n,
		      unsigned int next, struct serve_output *out)
{
	struct serve *serve = c->serve;
	enum sim_result result = SIM_REPLY;

	while (next < n && result == SIM_REPLY && out->len >= 0) {
		result = call_element(c, &serve->reqs[next], out);
		next += result != SIM_STOPPED;
	}
	if (next == n && out->len >= 0)
		out->len = xm_wire_end_batch_result(out->msg, out->cap, out->len);
	if (result == SIM_REPLY) {
		answer(c, out);
		return;
	}
	if (result != SIM_GONE && out->len >= 0 &&
	    (next == n ? keep_answer(c, out) : keep_batch(c, msg, len, next, out)) == 0)
		return;
	serve_give_output(serve, out);
	if (result != SIM_GONE)
		serve_drop(c);
}

static void go_on_with_batch(struct connection *c)
{
	struct serve_batch *b = c->batch;
	struct serve_output out = b->output;
	struct xm_wire_head head = { 0, 0 };
	unsigned int n = 0;

	c->batch = NULL;
	xm_wire_get_head(b->msg, b->len, &head);
	if (head.type == XM_WIRE_CALL) {
		serve_give_output(c->serve, &out);
		on_call(c, head.serial, b->msg, b->len);
	} else {
		xm_wire_get_batch(b->msg, b->len, c->serve->reqs, &n);
		run_batch(c, b->msg, b->len, n, b->next, &out);
	}
	serve_give_large(c->serve, b, sizeof(*b) + b->len);
}

/* None of the elements is made. */
static void refuse_batch(struct connection *c, uint32_t serial, const uint8_t *codes,
			 unsigned int n)
{
	struct serve_output out;

	serve_take_output(c->serve, 0, &out);
	out.len = xm_wire_put_batch_refusal(out.msg, out.cap, serial, codes, n);
	answer(c, &out);
}

/* What no operation covers, or the connection is not for, is not made, and nothing beside it. */
static bool may_all_be_made(struct connection *c, const struct xm_request *reqs, unsigned int n,
			    uint8_t *codes)
{
	bool all = true;

	for (unsigned int i = 0; i < n; i++) {
		bool covered = !(xm_ops[reqs[i].op].flags & XM_OPF_UNCLASSIFIED);

		bool permitted = serve_permits(c, reqs[i].op);

		codes[i] = (uint8_t)(!permitted ? XM_C_PERM_ERROR
				     : covered  ? XM_C_OK
						: xm_unclassified_code(&reqs[i]));
		all &= covered && permitted;
	}
	return all;
}

static void on_batch(struct connection *c, uint32_t serial, const uint8_t *msg, size_t len)
{
	struct serve *serve = c->serve;
	uint8_t codes[XM_BATCH_MAX];
	struct serve_output out;
	unsigned int n;
	size_t max;

	if (xm_wire_get_batch(msg, len, serve->reqs, &n) < 0) {
		serve_refuse(c, EPROTO, "malformed batch");
		return;
	}
	max = xm_wire_batch_result_max(serve->reqs, n);
	if (!may_all_be_made(c, serve->reqs, n, codes)) {
		refuse_batch(c, serial, codes, n);
	} else if (max > XM_WIRE_MAX) {
		memset(codes, XM_C_MULTICALL_ERROR, n);
		refuse_batch(c, serial, codes, n);
	} else if (!serve_take_output(serve, max + AHEAD, &out)) {
		memset(codes, XM_C_INVALID_MODE, n);
		refuse_batch(c, serial, codes, n);
	} else {
		out.len = xm_wire_begin_batch_result(out.msg, out.cap, serial, n);
		run_batch(c, msg, len, n, 0, &out);
	}
}

void serve_go_on(struct connection *c)
{
	if (c->answer)
		send_answer(c);
	else
		go_on_with_batch(c);
}

/* ---- packets to messages ----------------------------------------------------------------------------- */

static void on_message(struct connection *c, const uint8_t *msg, size_t len)
{
	struct xm_wire_head head;

	if (xm_wire_get_head(msg, len, &head) < 0)
		serve_refuse(c, EPROTO, "malformed message");
	else if (head.type == XM_WIRE_HELLO && !c->open)
		on_hello(c, msg, len);
	else if (head.type == XM_WIRE_CALL && c->open)
		on_call(c, head.serial, msg, len);
	else if (head.type == XM_WIRE_BATCH && c->open)
		on_batch(c, head.serial, msg, len);
	else
		serve_refuse(c, EPROTO, "unexpected message");
}

static void on_whole(struct connection *c)
{
	struct serve_incoming *in = c->in;
	struct xm_wire_head head;

	c->in = NULL;
	if (xm_wire_get_head(in->bytes, in->total, &head) < 0 || head.serial != in->serial)
		serve_refuse(c, EPROTO, "malformed message in parts");
	else
		on_message(c, in->bytes, in->total);
	serve_give_large(c->serve, in, sizeof(*in) + in->total);
}

static void on_part(struct connection *c, const struct xm_wire_part *part)
{
	struct serve_incoming *in = c->in;

	if (!c->open || (in ? part->serial != in->serial || part->total != in->total ||
					 part->offset != in->filled
			    : part->offset != 0)) {
		serve_refuse(c, EPROTO, "unexpected part of a message");
		return;
	}
	if (!in) {
		in = c->in = serve_take_large(c->serve, sizeof(*in) + part->total);
		if (!in) {
			serve_refuse(c, EDQUOT, "no memory for long messages");
			return;
		}
		*in = (struct serve_incoming){ .serial = part->serial, .total = part->total };
	}
	memcpy(in->bytes + part->offset, part->data, part->len);
	in->filled += part->len;
	if (in->filled == in->total)
		on_whole(c);
}

static void on_packet(struct connection *c, const uint8_t *packet, size_t len)
{
	struct xm_wire_part part;

	if (serve_restrict(c, packet, len))
		return;
	if (xm_wire_get_part(packet, len, &part) == 0)
		on_part(c, &part);
	else if (c->in)
		serve_refuse(c, EPROTO, "another message between the parts of one");
	else
		on_message(c, packet, len);
}

void serve_receive(struct connection *c)
{
	struct serve *serve = c->serve;
	ssize_t n = recv(c->source.fd, serve->in, sizeof(serve->in), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		serve_drop(c);
	else if ((size_t)n > sizeof(serve->in))
		serve_refuse(c, EMSGSIZE, "message too long");
	else
		on_packet(c, serve->in, (size_t)n);
}
