/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SESSION_H
#define XMBROKER_SESSION_H

/*
 * One connection of one client: set-up, calls, end.  A session's identity is that of connect() and
 * never changes.
 */

#include "xmbroker/server.h"

enum session_state {
	SESSION_SETUP, /* HELLO has not come */
	SESSION_OPEN,
	SESSION_WAITING,   /* for the supervisor's answer to a reload */
	SESSION_QUEUED,    /* its batch waits for its turn */
	SESSION_RUNNING,   /* its batch is under way */
	SESSION_SEARCHING, /* its call goes on in its next turn */
};

struct session {
	struct server *server; /* borrowed */
	struct session *prev, *next;
	struct loop_source source;
	struct loop_timer timer; /* set-up, then age */
	struct loop_timer
		unsent_timer; /* of what the client does not read, or does not send whole */
	uint64_t number;
	enum session_state state;
	struct identity id;
	uint32_t *gids; /* owned; those that the policy in force names */
	uint32_t n_gids;
	struct user *user;                       /* borrowed from server->users */
	struct session *ready_prev, *ready_next; /* of the user's with something to do */
	bool queued;                             /* it is one of them */
	uint64_t active;                         /* server->n_messages when it sent one last */
	size_t charged;                          /* bytes of user->memory */
	size_t charged_kept;                     /* of them, of user->kept */
	size_t charged_large;                    /* bytes of user->large */
	struct holdings holds;                   /* owned */
	uint8_t profile;
	char comm[XM_WIRE_COMM_MAX + 1];
	char *cgroup;   /* owned */
	int64_t opened; /* ms of the loop's clock */
	uint64_t n_calls;
	int ending; /* errno value: to be closed once nothing is under way; 0: no */

	struct assembly
		*assembly; /* owned; what came of a message in parts; NULL: none is under way */
	uint8_t *unsent;   /* owned; a reply that the client has not made room for */
	size_t unsent_len, unsent_at;
	size_t unsent_room; /* bytes charged for it as for a long one; 0: it is a packet */

	uint32_t waiting_for;     /* number of the reload */
	struct gate_call waiting; /* also of a search */

	struct kept_batch *batch; /* owned; NULL: none waits or runs */
	struct session *batch_next;
};

/* Begins a session on a connected socket, which it takes over, or tells the client why not. */
void session_open(struct server *server, int fd);
/* Tells the client that the session is over and why (errno value), and ends it. */
void session_refuse(struct session *session, int error, const char *reason);
/* Ends it.  `reason` is for the record. */
void session_close(struct session *session, const char *reason);
/* Ends it as soon as no call is under way. */
void session_end(struct session *session, int error);

/* Filters the groups against the policy that is in force now. */
int session_refilter(struct session *session);
/* Answers a call that was deferred. */
void session_answer(struct session *session, const struct xm_reply *reply);

/* Timers of the server's queues. */
void session_setup_over(struct loop_timer *timer);
void session_unsent_over(struct loop_timer *timer);
void session_age_over(struct loop_timer *timer);

/* Ends sessions of who has more than its share, so that there is room for another; false: nobody has. */
bool session_make_room(struct server *server);
/* Goes on to the end with a batch that is under way: the policy that it was decided by is to go. */
void session_finish_batch(struct server *server);

/* Who, for the record. */
struct audit_who session_who(const struct session *session);

#endif
