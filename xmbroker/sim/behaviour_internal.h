/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_BEHAVIOUR_INTERNAL_H
#define XMBROKER_SIM_BEHAVIOUR_INTERNAL_H

/* What reading a behaviour (behaviour_read.c) and following it (behaviour.c) have in common. */

#include "xmbroker/sim/behaviour.h"

enum action_kind { ACTION_WRITE, ACTION_ECHO, ACTION_RAISE, ACTION_CRASH };

struct action {
	enum action_kind kind;
	uint32_t partition;
	uint32_t event;                      /* RAISE, CRASH */
	const struct system_port *from, *to; /* ECHO; WRITE has only `to` */
	uint8_t *data;                       /* WRITE: the message; ECHO: room for one; owned */
	uint32_t len;                        /* bytes of it */
	uint32_t room;                       /* ECHO: bytes that data has room for */
	bool holds;                          /* ECHO: a message that could not be passed on yet */
	int64_t at;                          /* us after the start of the partition */
	int64_t every;                       /* us; 0: once */
	int64_t next;                        /* of the clock; -1: not again */
};

struct actor {
	bool acts;           /* some action is his */
	bool begun, crashed; /* in his present life */
	uint64_t generation; /* of the partition, of that life */
};

struct behaviour {
	const struct system *sys; /* borrowed */
	struct actor *actors;     /* of each partition; owned */
	uint32_t n_actors;
	struct action *actions; /* owned, and so is their data */
	size_t n;
	int64_t again; /* of the clock: an echo may have more to pass on; -1: no */
	struct xm_reply reply;
};

#endif
