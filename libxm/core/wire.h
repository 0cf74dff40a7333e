/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_WIRE_H
#define XM_CORE_WIRE_H

/*
 * The protocol between libxm, xmbroker and xmsim, as bytes: xmbroker-protocol(7).  One message is
 * one packet of a SOCK_SEQPACKET connection; one that is longer than a packet travels as parts, which
 * come one after the other and of which every one but the last is full.  Everything is little-endian
 * and unaligned.
 *
 * Readers return 0 and a whole value, or -EPROTO and nothing: short messages, trailing bytes,
 * unknown flags, types and states, and lengths beyond the maxima are refused.  Decoded values point
 * into the message.  Writers return the length of the message, or -EMSGSIZE.
 */

#include "libxm/core/mask.h"
#include "libxm/core/request.h"

#define XM_WIRE_VERSION 1            /* the version that this code speaks */
#define XM_WIRE_HEAD 16              /* bytes of every message's header */
#define XM_WIRE_PACKET 66560         /* most bytes of one packet */
#define XM_WIRE_PLAIN 65536          /* data that certainly fit into a packet with their call */
#define XM_WIRE_DATA_MAX (16U << 20) /* most bytes of one data argument */
#define XM_WIRE_MAX (XM_WIRE_DATA_MAX + (1U << 16)) /* most bytes of a message */
#define XM_WIRE_PART_HEAD (XM_WIRE_HEAD + 8)        /* bytes of a part before its piece */
#define XM_WIRE_PART_DATA (XM_WIRE_PACKET - XM_WIRE_PART_HEAD)
#define XM_WIRE_COMM_MAX 15    /* claimed command name */
#define XM_WIRE_CGROUP_MAX 255 /* claimed control group */
#define XM_WIRE_REASON_MAX 255

enum xm_wire_type {
	XM_WIRE_HELLO = 1,   /* client: first message */
	XM_WIRE_WELCOME = 2, /* server: the session is open */
	XM_WIRE_REFUSED = 3, /* server: the session is not, or no longer, open; it then closes */
	XM_WIRE_CALL = 4,    /* client */
	XM_WIRE_RESULT = 5,  /* server */
	XM_WIRE_PART = 6,    /* either: a piece of a message that is longer than a packet */
	XM_WIRE_BATCH = 7,   /* client: calls of which all are made, or none */
	XM_WIRE_BATCH_RESULT = 8, /* server */
	XM_WIRE_RESTRICT = 9,     /* broker to xmsim: never more than these operations again */
};

struct xm_wire_head {
	uint8_t type;
	uint32_t serial; /* of a call, chosen by the client; its result has the same */
};

struct xm_wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	uint8_t profile; /* enum xm_profile the program was compiled for */
	char comm[XM_WIRE_COMM_MAX + 1];
	char cgroup[XM_WIRE_CGROUP_MAX + 1];
};

struct xm_wire_welcome {
	uint16_t version;
	uint8_t profile; /* enum xm_profile of the hypervisor */
	uint32_t partition;
	uint32_t n_partitions;
	uint32_t data_max;
};

struct xm_wire_refused {
	uint16_t error; /* errno value */
	char reason[XM_WIRE_REASON_MAX + 1];
};

int xm_wire_get_head(const uint8_t *msg, size_t len, struct xm_wire_head *headp);

int xm_wire_put_hello(uint8_t *msg, size_t cap, const struct xm_wire_hello *hello);
int xm_wire_get_hello(const uint8_t *msg, size_t len, struct xm_wire_hello *hellop);
int xm_wire_put_welcome(uint8_t *msg, size_t cap, const struct xm_wire_welcome *welcome);
int xm_wire_get_welcome(const uint8_t *msg, size_t len, struct xm_wire_welcome *welcomep);
int xm_wire_put_refused(uint8_t *msg, size_t cap, const struct xm_wire_refused *refused);
int xm_wire_get_refused(const uint8_t *msg, size_t len, struct xm_wire_refused *refusedp);

/* The operations that a connection is narrowed to, all of them known.  There is no answer. */
int xm_wire_put_restrict(uint8_t *msg, size_t cap, const struct xm_mask *mask);
int xm_wire_get_restrict(const uint8_t *msg, size_t len, struct xm_mask *maskp);

int xm_wire_put_call(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req);
int xm_wire_get_call(const uint8_t *msg, size_t len, struct xm_request *reqp);

/* A piece of the message whose serial it has. */
struct xm_wire_part {
	uint32_t serial;
	uint32_t total;  /* bytes of the whole message: more than a packet, at most XM_WIRE_MAX */
	uint32_t offset; /* of this piece: a multiple of XM_WIRE_PART_DATA */
	const uint8_t *data;
	uint32_t len;
};

/* The part of `whole` that begins at `offset`; returns the length of the packet. */
int xm_wire_put_part(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *whole, size_t total,
		     size_t offset);
int xm_wire_get_part(const uint8_t *msg, size_t len, struct xm_wire_part *partp);

/*
 * A batch: n (1 to XM_BATCH_MAX) calls.  Operations of the broker itself and public ones are none that
 * a batch may hold; one that is unclassified may be in it, and keeps all others from being made.
 */
int xm_wire_put_batch(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *reqs,
		      unsigned int n);
int xm_wire_get_batch(const uint8_t *msg, size_t len, struct xm_request reqs[XM_BATCH_MAX],
		      unsigned int *np);
/* Most bytes that the answer to these calls can have, or any number above XM_WIRE_MAX if that is more;
 * with n = 1, also those of a single result. */
size_t xm_wire_batch_result_max(const struct xm_request *reqs, unsigned int n);

/*
 * The answer when every call was made: begun, then one result a call in their order, then ended.
 * `len` is what was written so far; each function returns it anew, or -EMSGSIZE.
 */
int xm_wire_begin_batch_result(uint8_t *msg, size_t cap, uint32_t serial, unsigned int n);
int xm_wire_add_batch_result(uint8_t *msg, size_t cap, int len, const struct xm_request *req,
			     const struct xm_reply *reply);
int xm_wire_end_batch_result(uint8_t *msg, size_t cap, int len);
/* The answer when none was made: a code for each call, XM_C_OK for those that are not at fault, which
 * are not all of them. */
int xm_wire_put_batch_refusal(uint8_t *msg, size_t cap, uint32_t serial, const uint8_t *codes,
			      unsigned int n);

/* Reads an answer, call by call. */
struct xm_wire_batch_result {
	bool ran;             /* or `codes` says why not */
	const uint8_t *codes; /* n of them, valid numbers of enum xm_code */
	const uint8_t *msg;
	size_t len, pos;
};
int xm_wire_get_batch_result(const uint8_t *msg, size_t len, unsigned int n,
			     struct xm_wire_batch_result *resultp);
/* The result of the next call, if they ran; after the last one -EPROTO if bytes are left. */
int xm_wire_next_batch_result(struct xm_wire_batch_result *result, const struct xm_request *req,
			      bool last, struct xm_reply *replyp);

/*
 * A result is read and written against the request that it answers.  The bytes of its data may lie in
 * the room that the message is written into, anywhere behind the place where they go.
 */
int xm_wire_put_result(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req,
		       const struct xm_reply *reply);
/* replyp->words receives structures; bytes stay in the message. */
int xm_wire_get_result(const uint8_t *msg, size_t len, const struct xm_request *req,
		       struct xm_reply *replyp);

#endif
