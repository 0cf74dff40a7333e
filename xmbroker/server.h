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
#include "xmbroker/turns.h"
#include "xmbroker/users.h"

#ifndef XM_VERSION
#define XM_VERSION "unversioned"
#endif

#define SERVER_SETUP_MS 5000        /* from accept to HELLO, unless told otherwise */
#define SERVER_UNSENT_MS 5000       /* a reply that is not read, a message that is not sent whole */
#define SERVER_ACCEPT_BATCH 4       /* connections taken in one turn */
#define SERVER_CONNECTIONS_BURST 5  /* seconds for which connections may be saved up */
#define SERVER_RECORDS_BURST 10     /* the same for denials and records */
#define SERVER_BATCHES 64           /* that wait, beyond which who has many is held */
#define SERVER_ACCEPT_PAUSE_MS 1000 /* without descriptors or memory */
#define SERVER_ROOT_RESERVE 16      /* sessions beyond the maximum that only root gets */
#define SERVER_OTHER_FDS 32         /* descriptors that are no sessions */
#define SERVER_SESSION_MEMORY 4096  /* bytes a uid may use for each session that it may have */
#define SERVER_USER_MEMORY (1u << 20) /* and what is kept for all of them, unless told otherwise */

struct session;
struct assembly;

/* What a new policy need not be looked at for. */
enum server_force {
	SERVER_UNFORCED,
	SERVER_FORCED, /* whom it locks out, and what it drops */
	SERVER_WAY_BACK, /* nor for what can only be asked of a hypervisor that is there: it was in force */
};

struct server_config {
	struct identity_overflow overflow;
	uint32_t session_max_age; /* s; 0: no maximum */
	uint32_t max_sessions;
	uint32_t max_sessions_per_user;
	/* From here on 0 is no limit, except where another meaning is given. */
	uint32_t max_setup, max_setup_per_user; /* sessions that are not set up yet */
	uint32_t setup_time;                    /* s that they have for it; 0: the default */
	uint32_t connections_per_user;          /* a second, SERVER_CONNECTIONS_BURST s at once */
	uint32_t calls_per_user;                /* a second, one second's at once */
	uint32_t waiting_per_user;              /* requests that wait for the supervisor */
	size_t memory_per_user;                 /* bytes queued and kept; 0: SERVER_USER_MEMORY */
	uint32_t denials_per_user;              /* a second that are records of their own */
	uint32_t audit_per_user;                /* records a second */
	/* Here it is none. */
	size_t large_memory_per_user; /* bytes of messages that are longer than a packet */
	size_t large_memory;          /* the same of all users; root has the first beyond it */
	bool allow_unaudited;
	bool check_system; /* compare the system description with the hypervisor */
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

/* Batches that take more than a turn: session_batch.c. */
struct server_batches {
	struct session *running;      /* whose is under way; NULL: none is */
	struct session *first, *last; /* whose wait */
	unsigned int n;               /* that wait */
	uint64_t turn;                /* number of the last that began */
	struct gate_answer answer;
	struct xm_reply reply;
	struct server_room room;
	struct gate_batch batch;
	uint8_t tx[XM_WIRE_PACKET];
};

/* Why a connection did not become a session. */
enum server_refusal {
	SERVER_NOT_REFUSED,
	SERVER_REFUSED_RATE,
	SERVER_REFUSED_SETUP,
	SERVER_REFUSED_SETUP_USER,
	SERVER_REFUSED_SESSIONS,
	SERVER_REFUSED_SESSIONS_USER,
	SERVER_REFUSED_MEMORY,
	SERVER_REFUSED_IDENTITY,
	SERVER_REFUSED_ERROR,
	SERVER_REFUSALS
};

/* What was taken from who had more than its share. */
enum server_eviction {
	SERVER_EVICTED_SETUP,
	SERVER_EVICTED_SESSION,
	SERVER_EVICTED_MEMORY,
	SERVER_EVICTIONS
};

/*
 * Answers that may be under way to us at once: the channel has room for so many of full length, and a
 * server that lets it run full is ended by the supervisor.
 */
#define SERVER_RELOADS_MAX 8

/* One that is not answered.  It stays its user's when the session is gone: who disconnects gains none. */
struct server_reload {
	uint32_t number; /* 0: free */
	uid_t uid;
};

struct server {
	struct server_config config;
	struct server_fds fds; /* owned */
	struct loop loop;
	struct loop_source listener, channel, hypervisor;
	struct loop_queue setup, unsent, age, pause, held;
	struct loop_timer accept_pause;
	struct loop_queue fold;
	struct loop_timer fold_timer; /* until folded denials are written out */

	struct sealed policy; /* owned; in force */
	bool image_kept;      /* the last image that came was refused */
	char why_kept[512];   /* if it was for a reason of its own; "" */
	bool could_force;     /* and one that does not count when forced */
	int64_t trial_until;  /* ms of the loop's clock: when the policy is rolled back; 0: never */
	struct backend *backend; /* owned */
	struct audit *audit;     /* owned */
	struct gate gate;

	struct users users;
	struct session *first, *last; /* in the order of their numbers */
	uint32_t n_sessions;
	uint64_t n_opened;  /* the last number */
	uint32_t n_reloads; /* asked of the supervisor: the last number */
	struct server_reload reload[SERVER_RELOADS_MAX];
	int64_t started; /* ms of the loop's clock */
	bool stopping;   /* all sessions end */
	uint64_t n_messages;
	struct turns turns;
	struct gate_count accounted;             /* what users have paid for */
	uint64_t n_policies, n_policies_refused; /* after the first */
	uint64_t n_refused[SERVER_REFUSALS], n_evicted[SERVER_EVICTIONS];
	uint64_t
		n_thrown_out; /* clients that did what no client may, or ran out of time or memory */

	/* Shared by all sessions: one message is handled at a time. */
	struct xm_reply reply;
	uint8_t rx[XM_WIRE_PACKET];
	uint8_t tx[XM_WIRE_PACKET];
	uint8_t space[XM_WIRE_PLAIN];
	struct server_room room;
	struct assembly *whole;  /* owned; that a message lies in which is being handled */
	struct gate_batch batch; /* of those that take no more than a turn */
	struct server_batches batches;
	struct channel_message message;
};

/* Takes everything over, the descriptors, `policy`, `backend` and `audit`, also when it fails.  -ENOEXEC: the
 * policy is not for this hypervisor. */
int server_new(const struct server_config *config, const struct server_fds *fds,
	       struct sealed *policy, uint32_t generation, struct backend *backend,
	       struct audit *audit, struct server **serverp);
void server_free(struct server *server);

/* Serves until it is told to stop. */
int server_run(struct server *server);

/* Puts a new image into force for every session; keeps the old one if it does not fit, or, unless
 * forced, if it is not safe (activation.h). */
int server_set_image(struct server *server, int fd, uint32_t generation, enum server_force force);
const char *server_refusal_text(enum server_refusal why);
/* A session ended: a paused listener may find a descriptor again. */
void server_resume_accept(struct server *server);

#endif
