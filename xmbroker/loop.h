/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LOOP_H
#define XMBROKER_LOOP_H

/*
 * The event loop: descriptors, deadlines, and a clock that only counts time in which this process
 * could run.  Every ready source gets one turn a round, in the order in which they became ready.  A
 * source may be removed, and its memory freed, at any time, also by the turn of another one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 64

struct loop_source;
typedef void (*loop_fn)(struct loop_source *source, uint32_t events);

/* Embedded in what is watched. */
struct loop_source {
	int fd; /* -1: not in a loop */
	uint32_t events;
	loop_fn fn;
};

/* A deadline; embedded as well.  Those of one queue all have the same delay. */
struct loop_timer {
	struct loop_timer *prev, *next;
	struct loop_queue *queue; /* NULL: not armed */
	int64_t at;
};

typedef void (*loop_timer_fn)(struct loop_timer *timer);

struct loop_queue {
	struct loop_timer head;
	int64_t delay; /* ms */
	loop_timer_fn fn;
	struct loop_queue *next;
};

struct loop {
	int epoll;
	bool stop;
	uint64_t rounds;  /* begun */
	int64_t now;      /* ms of counted time */
	int64_t measured; /* ms of CLOCK_MONOTONIC when `now` was last brought up to date */
	struct loop_queue *queues;
	struct epoll_event batch[LOOP_BATCH];
	int n_batch, at_batch;
	/* Called once a round, after what was ready had its turn; returns whether there is work left
	 * for which the next round must not wait.  NULL: nothing is to be done. */
	bool (*after)(struct loop *loop);
	bool busy;
};

int loop_init(struct loop *loop);
void loop_deinit(struct loop *loop);

/* Watches source->fd for `events`.  The loop never owns the descriptor. */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events, loop_fn fn);
/* Changes what is watched for; 0 leaves errors and hang-up. */
int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events);
/* Legal on a source that is not there. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Adds a queue of deadlines that all lie `delay` ms after they are armed. */
void loop_queue_add(struct loop *loop, struct loop_queue *queue, int64_t delay, loop_timer_fn fn);
/* Arms (again, if it was). */
void loop_timer_arm(struct loop *loop, struct loop_queue *queue, struct loop_timer *timer);
void loop_timer_disarm(struct loop_timer *timer);

/* Runs until loop->stop.  Returns 0, or -errno when waiting failed. */
int loop_run(struct loop *loop);
/* One round; waits at most `timeout` ms (-1: as long as the deadlines allow). */
int loop_round(struct loop *loop, int timeout);

#endif
