// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting and dispatching.  Owns the epoll descriptor and the counted clock.  Must never touch a
 * source after its callback returned, and never run a source twice in one round.
 *
 * The partition may be taken off the processor for minutes.  Such time must not run out anybody's
 * deadline, so a wait counts for at most a little more than it was asked to last, and a turn for at
 * most TURN_MAX.
 */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/loop.h"

#define TICK 500 /* ms: longest wait while a deadline is armed that is nearer than TICK_FOR */
#define TICK_FOR 10000
#define SLACK 250    /* ms: a wait that lasted longer than asked by this was no wait */
#define TURN_MAX 250 /* ms of a round's work that count */

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Lets time pass since it was last looked at, but no more than `most`. */
static void advance(struct loop *loop, int64_t most)
{
	int64_t measured = monotonic_ms();
	int64_t passed = measured - loop->measured;

	loop->measured = measured;
	loop->now += passed < most ? passed : most;
}

int loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return -errno;
	loop->measured = monotonic_ms();
	return 0;
}

void loop_deinit(struct loop *loop)
{
	close(loop->epoll);
	loop->epoll = -1;
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events, loop_fn fn)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	source->fd = fd;
	source->events = events;
	source->fn = fn;
	return 0;
}

int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->fd < 0 || source->events == events)
		return 0;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0)
		return -errno;
	source->events = events;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
	/* Its turn may still lie ahead in the batch that is being dispatched. */
	for (int i = loop->at_batch; i < loop->n_batch; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
}

void loop_queue_add(struct loop *loop, struct loop_queue *queue, int64_t delay, loop_timer_fn fn)
{
	queue->head.prev = queue->head.next = &queue->head;
	queue->delay = delay;
	queue->fn = fn;
	queue->next = loop->queues;
	loop->queues = queue;
}

void loop_timer_arm(struct loop *loop, struct loop_queue *queue, struct loop_timer *timer)
{
	struct loop_timer *last;

	loop_timer_disarm(timer);
	last = queue->head.prev;
	timer->queue = queue;
	timer->at = loop->now + queue->delay;
	timer->prev = last;
	timer->next = &queue->head;
	last->next = timer;
	queue->head.prev = timer;
}

void loop_timer_disarm(struct loop_timer *timer)
{
	if (!timer->queue)
		return;
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->queue = NULL;
}

static void fire_timers(struct loop *loop)
{
	for (struct loop_queue *q = loop->queues; q; q = q->next)
		while (q->head.next != &q->head && q->head.next->at <= loop->now) {
			struct loop_timer *timer = q->head.next;

			loop_timer_disarm(timer);
			q->fn(timer);
		}
}

/* ms until the first deadline, cut so that suspended time shows; -1: there is none. */
static int next_wait(const struct loop *loop)
{
	int64_t wait = -1;

	for (const struct loop_queue *q = loop->queues; q; q = q->next) {
		int64_t left = q->head.next->at - loop->now;

		if (q->head.next == &q->head)
			continue;
		if (left < 0)
			left = 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	if (wait > TICK && wait <= TICK_FOR)
		return TICK;
	return wait > 60000 ? 60000 : (int)wait;
}

static void dispatch(struct loop *loop)
{
	for (loop->at_batch = 0; loop->at_batch < loop->n_batch;) {
		struct epoll_event event = loop->batch[loop->at_batch++];
		struct loop_source *source = event.data.ptr;

		if (source)
			source->fn(source, event.events);
	}
	loop->n_batch = loop->at_batch = 0;
}

int loop_round(struct loop *loop, int timeout)
{
	int wait = next_wait(loop);
	int n;

	if (timeout >= 0 && (wait < 0 || timeout < wait))
		wait = timeout;
	if (loop->busy)
		wait = 0;
	loop->rounds++;
	advance(loop, TURN_MAX);
	n = epoll_wait(loop->epoll, loop->batch, LOOP_BATCH, wait);
	if (n < 0 && errno != EINTR)
		return -errno;
	advance(loop, wait < 0 ? INT64_MAX : wait + SLACK);
	loop->n_batch = n < 0 ? 0 : n;
	/* What has arrived is looked at before anybody's time is up. */
	dispatch(loop);
	loop->busy = loop->after && loop->after(loop);
	fire_timers(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (!loop->stop && r >= 0)
		r = loop_round(loop, -1);
	return r < 0 ? r : 0;
}
