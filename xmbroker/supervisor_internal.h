/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SUPERVISOR_INTERNAL_H
#define XMBROKER_SUPERVISOR_INTERNAL_H

/*
 * The supervisor's state, shared by its parts: supervisor.c (start, signals, end), reload.c (policy),
 * handed.c (which one is in force), trial.c (whether it is confirmed), children.c (server, hypervisor,
 * channel).
 */

#include "xmbroker/channel.h"
#include "xmbroker/compile_job.h"
#include "xmbroker/launch.h"
#include "xmbroker/links.h"
#include "xmbroker/listen.h"
#include "xmbroker/loop.h"
#include "xmbroker/service.h"
#include "xmbroker/store.h"

#define RELOADS_MAX 32

enum phase {
	PHASE_COMPILING, /* the first policy; nothing is open yet */
	PHASE_STARTING,  /* until the server is ready for the first time */
	PHASE_RUNNING,
	PHASE_STOPPING,
};

/* How far stopping has got: what was last done to the children. */
enum stop_step { STOP_ASKED, STOP_TERM, STOP_KILL, STOP_SIM_TERM, STOP_SIM_KILL };

/* Requests of the server for a reload, which are waiting for an answer. */
struct reloads {
	uint32_t number[RELOADS_MAX];
	size_t n;
	bool unforced;    /* asked for without force by somebody */
	uint32_t confirm; /* s; the shortest time asked for; 0: none */
};

/* A policy that the server was given. */
struct handed {
	int image; /* owned */
	uint32_t generation;
	uint32_t asked; /* s, for its trial; 0: none */
};

#define HANDED_MAX 8

/* A policy that is in force unless nobody confirms it. */
struct trial {
	int previous;        /* the image confirmed last; owned; -1: nothing is on trial */
	uint32_t generation; /* of that */
	int64_t until;       /* when it comes back; ms of the loop's clock */
	uint32_t asked;      /* s, for the newest image, if no server has taken it; 0: no trial */
	uint32_t rollback;   /* the generation that is a way back, not taken yet; 0: none */
};

struct supervisor {
	const struct launch *launch;
	const struct options *opts;
	struct loop loop;
	struct loop_source signals, channel, ready; /* their descriptors are owned here */
	enum phase phase;
	int exit_code;

	struct listen listen;
	struct store store; /* the audit log */

	struct compile_job job;
	int image; /* last that the compiler made; owned; -1: none yet */
	uint32_t generation;
	int kept; /* last good one until a server has taken `image`; owned; -1: that has happened */
	uint32_t kept_generation;
	bool kept_is_old; /* a server took a later one, which is not held any more */
	/* Handed over between `kept` and `image`, and not answered yet; in that order. */
	struct handed older[HANDED_MAX];
	size_t n_older;
	char note[160]; /* for the audit log, when a server is ready; "": nothing */
	uint32_t n_generations;
	bool reload_again; /* asked for while no run could begin */
	bool reload_now;   /* by a signal, not by the server alone */
	int64_t reload_at; /* when the server may have the next */
	struct reloads current, next;
	struct trial trial;

	struct service server;
	bool server_ready;
	uint32_t server_generation; /* what it was started with */
	int64_t server_end;         /* when a server without a channel is ended; -1: it has one */
	struct service sim;
	int attach; /* to our xmsim; owned; -1: none */
	bool sim_ready;
	bool sim_halted;     /* it ended by XM_halt_system and stays so */
	struct service link; /* the connection for a running server; never has a pid */
	struct links links;  /* the connections that it has */
	int64_t narrow_at;   /* when those are narrowed, taken or not the new policy; -1: never */
	int64_t start_deadline;

	enum stop_step stop_step;
	int64_t stop_deadline;
};

/* Ends with this code, unless it is ending already. */
void supervisor_stop(struct supervisor *s, int exit_code);

/* supervisor_device.c */
/* A descriptor of the device for what is in the mask, or -errno; one that is gone is the end. */
int supervisor_derive(struct supervisor *s, const struct xm_mask *mask);
/* Says in the log what the newest policy allows and the device does not offer. */
void supervisor_tell_lacking(const struct supervisor *s);

/* supervisor_audit.c */
int supervisor_open_audit(struct supervisor *s);

/* reload.c */
int reload_start(struct supervisor *s);
void reload_request(struct supervisor *s, const struct channel_message *message);
void reload_confirm(struct supervisor *s, const struct channel_message *message);
void reload_finish(struct supervisor *s, int status);
/* Begins what was asked for, if it is due; and the next time at which it is, or `at` if that is
 * earlier; -1: never. */
void reload_tick(struct supervisor *s);
int64_t reload_next(const struct supervisor *s, int64_t at);

/* handed.c */
/* Hands an image to the server, takes it over; to be confirmed in so many seconds, 0: not; forced:
 * whatever it locks out or drops. */
void handed_over(struct supervisor *s, int fd, uint32_t confirm, bool forced);
/* A server has taken the image of this generation, or refused it. */
void handed_done(struct supervisor *s, uint32_t generation, bool ok);
/* The server ended with this status: what it had not taken is not in force, unless it did not even come
 * to look at it. */
void handed_server_died(struct supervisor *s, int status);
/* The generation that is known to be in force. */
uint32_t handed_in_force(const struct supervisor *s);
void handed_close(struct supervisor *s);

/* trial.c */
/* Before s->image is handed over, which is to be confirmed in so many seconds; 0: it is not. */
void trial_ask(struct supervisor *s, uint32_t seconds);
/* This one was taken in place of s->kept, which may be taken over here. */
void trial_taken(struct supervisor *s, const struct handed *taken);
/* Whether s->image is the way back, not taken yet: it counts as taken, since a server that does not take
 * it is ended. */
bool trial_is_way_back(const struct supervisor *s);
/* A server has taken the image of this generation, or refused it: whether that was a way back in whose
 * place another image has come meanwhile. */
bool trial_overtaken(struct supervisor *s, uint32_t generation, bool ok);
/* s->image was refused: whether it was the way back. */
bool trial_refused(struct supervisor *s);
/* Confirms what is in force, if it is of this generation, 0: of any: true, or says why not; a text in any
 * case. */
bool trial_confirm(struct supervisor *s, uint32_t generation, char *text, size_t size);
/* Rolls back if it is time; and the next time at which it is, or `at` if that is earlier. */
void trial_tick(struct supervisor *s);
int64_t trial_next(const struct supervisor *s, int64_t at);
/* A new server has to know. */
void trial_tell_again(struct supervisor *s);
/* Has this recorded by the server, or by the next one as soon as it is ready. */
void trial_note(struct supervisor *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void trial_tell_note(struct supervisor *s);
void trial_stop(const struct supervisor *s);
/* Adds to the answer to a reload that its policy is unconfirmed; `generation` was in force before. */
void trial_explain(const struct supervisor *s, uint32_t generation, char *text, size_t size);

/* trial_keep.c */
/* Puts the policy that was confirmed last onto the disk, for a start with the unconfirmed one. */
void trial_keep_write(const struct supervisor *s, int unconfirmed, int confirmed);
/* What is in the files is confirmed. */
void trial_keep_forget(const struct supervisor *s);
/* Whether one is kept beside this audit log (NULL: none), before that is opened. */
bool trial_keep_is_there(const char *audit);
/* At start: takes the one from the disk, if what was compiled was never confirmed, or is bad (no s->image)
 * and can only be that.  0 or -errno, said so. */
int trial_keep_start(struct supervisor *s);

/* children.c */
/* Ends the server, so that it is started again with the image in force. */
void children_end_server(struct supervisor *s);
void children_start(struct supervisor *s);
void children_server_died(struct supervisor *s, int status);
void children_sim_died(struct supervisor *s, int status);
/* Starts what is due. */
void children_tick(struct supervisor *s);
/* The next time at which something is due, or `at` if that is earlier; -1: never. */
int64_t children_next(const struct supervisor *s, int64_t at);
/* Sends to the server; one that does not read is ended. */
void children_tell_server(struct supervisor *s, const struct channel_message *message);
/* Before a new image is handed over: all that it may have called can be called then. */
void children_widen_link(struct supervisor *s);
/* After an image has been taken or refused: no more than that in force may have called. */
void children_narrow_link(struct supervisor *s);
void children_close(struct supervisor *s);

#endif
