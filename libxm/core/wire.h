/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_WIRE_H
#define XM_CORE_WIRE_H

/*
 * The protocol between libxm, xmbroker and xmsim, as bytes: xmbroker-protocol(7).  One message is
 * one packet of a SOCK_SEQPACKET connection.  Everything is little-endian and unaligned.
 *
 * Readers return 0 and a whole value, or -EPROTO and nothing: short messages, trailing bytes,
 * unknown flags, types and states, and lengths beyond the maxima are refused.  Decoded values point
 * into the message.  Writers return the length of the message, or -EMSGSIZE.
 */

#include "libxm/core/request.h"

#define XM_WIRE_VERSION 1      /* the version that this code speaks */
#define XM_WIRE_HEAD 16        /* bytes of every message's header */
#define XM_WIRE_DATA_MAX 65536 /* most bytes of one data argument */
#define XM_WIRE_MAX (XM_WIRE_DATA_MAX + 1024)
#define XM_WIRE_COMM_MAX 15    /* claimed command name */
#define XM_WIRE_CGROUP_MAX 255 /* claimed control group */
#define XM_WIRE_REASON_MAX 255

enum xm_wire_type {
	XM_WIRE_HELLO = 1,   /* client: first message */
	XM_WIRE_WELCOME = 2, /* server: the session is open */
	XM_WIRE_REFUSED = 3, /* server: the session is not, or no longer, open; it then closes */
	XM_WIRE_CALL = 4,    /* client */
	XM_WIRE_RESULT = 5,  /* server */
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

int xm_wire_put_call(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req);
int xm_wire_get_call(const uint8_t *msg, size_t len, struct xm_request *reqp);

/* A result is read and written against the request that it answers. */
int xm_wire_put_result(uint8_t *msg, size_t cap, uint32_t serial, const struct xm_request *req,
		       const struct xm_reply *reply);
/* replyp->words receives structures; bytes stay in the message. */
int xm_wire_get_result(const uint8_t *msg, size_t len, const struct xm_request *req,
		       struct xm_reply *replyp);

#endif
