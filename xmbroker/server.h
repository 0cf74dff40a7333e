/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SERVER_H
#define XMBROKER_SERVER_H

/*
 * The process that serves: one event loop, one policy image, one hypervisor, many sessions.  All
 * state hangs off struct server; there is one thread.
 */

#include "libxm/core/wire.h"
#include "xmbroker/channel.h"
#include "xmbroker/gate.h"
#include "xmbroker/identity.h"
#include "xmbroker/loop.h"
#include "xmbroker/sealed.h"
#include "xmbroker/users.h"

#ifndef XM_VERSION
#define XM_VERSION "unversioned"
#endif

#define SERVER_SETUP_MS 5000    /* from accept to HELLO */
#define SERVER_UNSENT_MS 5000   /* a reply that is not read, a message that is not sent whole */
#define SERVER_CALLS_A_ROUND 64 /* of one uid, after which its sessions wait for the next round */
#define SERVER_ACCEPT_BATCH 16  /* connections taken in one turn */
#define SERVER_ACCEPT_PAUSE_MS 1000   /* without descriptors or memory */
#define SERVER_ROOT_RESERVE 16        /* sessions beyond the maximum that only root gets */
#define SERVER_OTHER_FDS 32           /* descriptors that are no sessions */
#define SERVER_SESSION_MEMORY 4096    /* bytes a uid may use for each session that it may have */
#define SERVER_USER_MEMORY (1u << 20) /* and at least this */
#define SERVER_LARGE_PER_USER_MIB 48  /* for messages longer than a packet, unless told otherwise */
#define SERVER_LARGE_MIB 256          /* the same, of all users together */

struct session;

struct server_config {
	struct identity_overflow overflow;
	uint32_t session_max_age; /* s; 0: no maximum */
	uint32_t max_sessions;
	uint32_t max_sessions_per_user;
	size_t large_memory_per_user; /* bytes of messages that are longer than a packet */
	size_t large_memory;          /* the same of all users; root has the first beyond it */
	bool allow_unaudited;
	/* The kernel lets clients send descriptors: look before receiving, and leave connections with
	 * such a message to the undertaker. */
	bool bury;
	int undertaker; /* its channel, if so; borrowed: the box forbids to close it */
};

/* Descriptors that the server is handed, and then owns. */
struct server_fds {
	int listen;
	int channel; /* -1: none, as in tests */
};

/* Where an answer is made that may be longer than a packet; charged to the session that gets it. */
struct server_room {
	uint8_t *bytes; /* owned; NULL: there is none */
	size_t size;
};

struct server {
	struct server_config config;
	struct server_fds fds; /* owned */
	struct loop loop;
	struct loop_source listener, channel, hypervisor;
	struct loop_queue setup, unsent, age, pause;
	struct loop_timer accept_pause;

	struct sealed policy;    /* owned; in force */
	bool image_kept;         /* the last image that came was refused */
	struct backend *backend; /* owned */
	struct audit *audit;     /* owned */
	struct gate gate;

	struct users users;
	struct session *first, *last; /* in the order of their numbers */
	uint32_t n_sessions;
	uint64_t n_opened;                      /* the last number */
	uint32_t n_reloads, n_reloads_answered; /* asked of the supervisor, and its answers */
	int64_t started;                        /* ms of the loop's clock */

	/* Shared by all sessions: one message is handled at a time. */
	struct xm_reply reply;
	uint8_t rx[XM_WIRE_PACKET];
	uint8_t tx[XM_WIRE_PACKET];
	uint8_t space[XM_WIRE_PLAIN];
	struct server_room room;
	struct gate_batch batch;
	struct channel_message message;
};

/* Takes everything over, the descriptors, `policy`, `backend` and `audit`, also when it fails. */
int server_new(const struct server_config *config, const struct server_fds *fds,
	       struct sealed *policy, uint32_t generation, struct backend *backend,
	       struct audit *audit, struct server **serverp);
void server_free(struct server *server);

/* Serves until it is told to stop. */
int server_run(struct server *server);

/* Puts a new image into force for every session; keeps the old one if it does not fit. */
int server_set_image(struct server *server, int fd, uint32_t generation);
/* A session ended: a paused listener may find a descriptor again. */
void server_resume_accept(struct server *server);

#endif
