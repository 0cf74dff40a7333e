// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is kept of messages: of those that come in parts, of batches in the middle, of answers that could
 * not be sent.  Owns the count of it.  Must never hold more for all connections together than
 * SERVE_LARGE_MAX.
 */

#include <stdlib.h>

#include "xmbroker/sim/serve_internal.h"

void *serve_take_large(struct serve *serve, size_t size)
{
	void *p = size <= SERVE_LARGE_MAX - serve->large ? malloc(size) : NULL;

	if (p)
		serve->large += size;
	return p;
}

void serve_give_large(struct serve *serve, void *p, size_t size)
{
	if (p)
		serve->large -= size;
	free(p);
}

bool serve_take_output(struct serve *serve, size_t size, struct serve_output *outp)
{
	*outp = (struct serve_output){ serve->out, sizeof(serve->out), 0, 0 };
	if (size <= sizeof(serve->out))
		return true;
	outp->msg = serve_take_large(serve, size);
	outp->cap = outp->large = size;
	return outp->msg;
}

void serve_give_output(struct serve *serve, struct serve_output *out)
{
	if (out->large)
		serve_give_large(serve, out->msg, out->large);
}

static void forget_incoming(struct connection *c)
{
	if (c->in)
		serve_give_large(c->serve, c->in, sizeof(*c->in) + c->in->total);
	c->in = NULL;
}

static void forget_batch(struct connection *c)
{
	struct serve_batch *b = c->batch;

	c->batch = NULL;
	if (!b)
		return;
	serve_give_output(c->serve, &b->output);
	serve_give_large(c->serve, b, sizeof(*b) + b->len);
}

void serve_forget_answer(struct connection *c)
{
	if (c->answer_large)
		serve_give_large(c->serve, c->answer, c->answer_large);
	else
		free(c->answer);
	c->answer = NULL;
	c->answer_large = 0;
}

void serve_forget(struct connection *c)
{
	forget_incoming(c);
	forget_batch(c);
	serve_forget_answer(c);
}
