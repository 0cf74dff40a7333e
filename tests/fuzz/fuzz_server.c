// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One message of a hostile client, a call or a batch, as the server handles it: decoder, gate and the
 * answer's encoder,
 * under a policy that allows everything, so that the guard alone stands before the hypervisor.  What
 * reaches it must be in the domain that tests/broker_fakes.c describes.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake_backend *hypervisor;
static struct gate gate;
static struct gate_batch batch;
static uint8_t *room;

static void check_domain(struct fake_backend *fake, const struct xm_request *req)
{
	(void)fake;
	if (!fake_in_domain(req))
		abort();
}

static int broker(void *data, void *session, const struct gate_call *call, struct xm_reply *reply)
{
	(void)data;
	(void)session;
	xm_reply_put_data(reply, xm_ops[call->req.op].n_args - 1, "text", 4);
	if (call->req.op == XM_OP_BROKER_KICK)
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
	return 0;
}

/* Exactly as much as was asked for, so that whoever writes more is seen. */
static uint8_t *make_room(void *session, size_t len)
{
	(void)session;
	free(room);
	room = malloc(len);
	return room;
}

static void make_gate(void)
{
	static struct sealed policy;
	struct audit *audit;

	policy = fake_sealed(1);
	hypervisor = fake_backend_new();
	hypervisor->on_call = check_domain;
	if (audit_new(-1, NULL, NULL, &audit) < 0)
		abort();
	gate = (struct gate){
		.image = policy.image,
		.backend = &hypervisor->backend,
		.hypervisor = hypervisor->hv,
		.audit = audit,
		.broker = broker,
		.room = make_room,
		.batch = &batch,
	};
	fake_policy.answer = FAKE_ALLOW_AUDITED;
}

static void hello(const uint8_t *data, size_t size)
{
	struct xm_wire_hello h;
	uint8_t out[XM_WIRE_HEAD + 512];
	int len;

	if (xm_wire_get_hello(data, size, &h) < 0)
		return;
	len = xm_wire_put_hello(out, sizeof(out), &h);
	/* The serial of a HELLO is free; all else has one form. */
	if (len < 0 || (size_t)len != size ||
	    memcmp(out + XM_WIRE_HEAD, data + XM_WIRE_HEAD, size - XM_WIRE_HEAD))
		abort();
}

/* Narrowing a connection: one form, and no operation that does not exist. */
static void narrow(const uint8_t *data, size_t size)
{
	uint8_t out[XM_WIRE_HEAD + XM_MASK_BYTES];
	struct xm_mask mask;

	if (xm_wire_get_restrict(data, size, &mask) < 0)
		return;
	if (!xm_mask_is_known(&mask) ||
	    xm_wire_put_restrict(out, sizeof(out), &mask) != (int)size ||
	    memcmp(out + XM_WIRE_HEAD, data + XM_WIRE_HEAD, size - XM_WIRE_HEAD))
		abort();
}

static void check_call(const struct gate_answer *answer, const struct gate_call *call)
{
	static struct xm_reply read_back;

	if (answer->len < 0 ||
	    xm_wire_get_result(answer->msg, (size_t)answer->len, &call->req, &read_back) < 0)
		abort();
}

static void check_batch(const struct gate_answer *answer)
{
	static struct xm_reply read_back;
	struct xm_wire_batch_result result;

	if (answer->len < 0 ||
	    xm_wire_get_batch_result(answer->msg, (size_t)answer->len, batch.n, &result) < 0)
		abort();
	for (unsigned int i = 0; i < batch.n && result.ran; i++)
		if (xm_wire_next_batch_result(&result, &batch.req[i], i + 1 == batch.n,
					      &read_back) < 0)
			abort();
}

static void message(const uint8_t *data, size_t size)
{
	static const uint32_t gids[] = { 100 };
	static uint8_t space[XM_WIRE_PLAIN], out[XM_WIRE_PACKET];
	static struct xm_reply reply;
	struct gate_caller caller = {
		.subject = { .uid = 1000, .gids = gids, .n_gids = 1 },
		.who = { .uid = 1000,
			 .gids = gids,
			 .n_gids = 1,
			 .comm = "fuzz",
			 .cgroup = "",
			 .profile = "3.x" },
	};
	struct gate_answer answer = { .reply = &reply, .msg = out, .cap = sizeof(out) };
	uint64_t n_batches = gate.count.batches;
	struct gate_call call;

	xm_reply_init(&reply, space, sizeof(space));
	if (gate_message(&gate, &caller, data, size, &call, &answer) < 0)
		return;
	if (gate.count.batches > n_batches)
		check_batch(&answer);
	else
		check_call(&answer, &call);
}

/* The same bytes behind a good header, so that the arguments are reached. */
static void as(uint8_t type, const uint8_t *data, size_t size)
{
	static uint8_t msg[XM_WIRE_PACKET];
	size_t len = XM_WIRE_HEAD + size;

	if (len > sizeof(msg))
		return;
	memset(msg, 0, XM_WIRE_HEAD);
	msg[0] = 0x58;
	msg[1] = 0x6d;
	msg[2] = type;
	for (unsigned int i = 0; i < 4; i++)
		msg[4 + i] = (uint8_t)(len >> (8 * i));
	memcpy(msg + XM_WIRE_HEAD, data, size);
	narrow(msg, len);
	message(msg, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!hypervisor)
		make_gate();
	hello(data, size);
	message(data, size);
	as(XM_WIRE_CALL, data, size);
	as(XM_WIRE_BATCH, data, size);
	as(XM_WIRE_RESTRICT, data, size);
	return 0;
}
