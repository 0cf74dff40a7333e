/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SERVE_INTERNAL_H
#define XMBROKER_SIM_SERVE_INTERNAL_H

/* What connections (serve.c), their messages (serve_message.c) and what is kept of these
 * (serve_memory.c) know of each other. */

#include "libxm/core/wire.h"
#include "xmbroker/sim/serve.h"

/* A message that comes in parts. */
struct serve_incoming {
	uint32_t serial, total, filled;
	uint8_t bytes[]; /* total */
};

/* A message that goes out: in the server's buffer, or in memory of its own. */
struct serve_output {
	uint8_t *msg;
	size_t cap;
	size_t large; /* bytes of serve->large that it takes; 0: it lies in serve->out */
	int len;
};

/* A batch whose caller stopped in the middle of it, or a call whose caller stopped before it, and which
 * goes on when that runs again. */
struct serve_batch {
	struct serve_output output; /* the results so far; owned */
	unsigned int next;
	size_t len;
	uint8_t msg[]; /* the batch, or the call */
};

struct connection {
	struct loop_source source; /* first, so that the two convert */
	struct serve *serve;
	struct connection *prev, *next;
	uint32_t partition;
	uint64_t generation; /* of the partition when it was made */
	bool open;           /* the handshake is done */
	const char *refusal; /* why the handshake will fail; NULL: it will not */
	bool restricted;     /* to the operations in mask, for ever */
	struct xm_mask mask;
	bool masked;               /* a call was refused because of that */
	bool dead;                 /* to be freed at the end of the round */
	struct serve_incoming *in; /* owned */
	struct serve_batch *batch; /* or a call; owned */
	uint8_t *answer;           /* a message that could not be sent yet; owned */
	size_t answer_len, answer_at;
	size_t answer_large; /* bytes of serve->large that it takes */
	int64_t due;         /* of the engine's clock: the answer is held back until then */
};

/* Where connections come from: a listening socket, or a stream of descriptors. */
struct door {
	struct loop_source source; /* first */
	struct serve *serve;
	struct door *next;
	uint32_t partition;
};

struct serve {
	struct loop loop;
	struct loop_source signals;
	struct engine *engine;         /* borrowed */
	struct connection connections; /* head of the list */
	unsigned int n_connections;
	struct door *doors;
	struct loop_source control;     /* the control socket */
	struct controller *controllers; /* its connections; owned */
	unsigned int n_controllers;
	uint64_t n_masked; /* calls that were refused because of a mask */
	size_t large;      /* bytes that messages longer than a packet take now */
	struct xm_reply reply;
	struct xm_request reqs[XM_BATCH_MAX];
	uint8_t in[XM_WIRE_PACKET];
	uint8_t out[XM_WIRE_PACKET];
};

/* ---- serve.c ----------------------------------------------------------------------------------------- */

/* Ends a connection, which is freed when nobody can hold it any more. */
void serve_drop(struct connection *c);
/* The same, and tells why. */
void serve_refuse(struct connection *c, int error, const char *reason);
/* Whether the connection's partition can call. */
bool serve_runs(const struct connection *c);

/* ---- serve_message.c --------------------------------------------------------------------------------- */

/* Takes in the packet that has come. */
void serve_receive(struct connection *c);
/* Goes on with a batch, or with an answer that could not be sent. */
void serve_go_on(struct connection *c);

/* ---- serve_memory.c ---------------------------------------------------------------------------------- */

/* Memory that counts; NULL: there is none, or that of all connections would be too much. */
void *serve_take_large(struct serve *serve, size_t size);
void serve_give_large(struct serve *serve, void *p, size_t size);
/* Room for a message that goes out: the server's buffer, if that will do. */
bool serve_take_output(struct serve *serve, size_t size, struct serve_output *outp);
void serve_give_output(struct serve *serve, struct serve_output *out);
void serve_forget_answer(struct connection *c);
/* Frees all that is kept of messages. */
void serve_forget(struct connection *c);

/* ---- serve_mask.c ------------------------------------------------------------------------------------ */

/* Whether it is a RESTRICT, with which all is done then. */
bool serve_restrict(struct connection *c, const uint8_t *msg, size_t len);
/* Whether a call may be made over this connection; if not, counts and says so. */
bool serve_permits(struct connection *c, unsigned int op);

/* ---- serve_control.c --------------------------------------------------------------------------------- */

void serve_control_free(struct serve *serve);

#endif
