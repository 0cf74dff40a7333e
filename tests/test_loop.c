// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The event loop: removal while it dispatches, and a clock that suspended time does not move.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/loop.h"

static struct loop loop;
static struct loop_source *sources[3];
static int peers[3];
static unsigned int n_turns;

static void remove_all(struct loop_source *source, uint32_t events)
{
	(void)source;
	(void)events;
	n_turns++;
	for (unsigned int i = 0; i < 3; i++) {
		int fd = sources[i]->fd;

		loop_remove(&loop, sources[i]);
		close(fd);
		free(sources[i]);
	}
}

static void count(struct loop_source *source, uint32_t events)
{
	(void)source;
	(void)events;
	n_turns++;
}

static void make(loop_fn fn)
{
	cr_assert_eq(loop_init(&loop), 0);
	for (unsigned int i = 0; i < 3; i++) {
		int fds[2];

		sources[i] = malloc(sizeof(*sources[i]));
		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		peers[i] = fds[1];
		cr_assert_eq(loop_add(&loop, sources[i], fds[0], EPOLLIN, fn), 0);
		cr_assert_eq(send(peers[i], "x", 1, 0), 1);
	}
}

Test(loop, each_ready_source_gets_one_turn_a_round)
{
	make(count);
	loop_round(&loop, 0);
	cr_expect_eq(n_turns, 3);
	loop_round(&loop, 0);
	cr_expect_eq(n_turns, 6);
}

Test(loop, sources_may_be_removed_and_freed_by_the_turn_of_another)
{
	make(remove_all);
	loop_round(&loop, 0);
	cr_expect_eq(n_turns, 1);
}

Test(loop, a_source_that_is_not_watched_gets_no_turn)
{
	make(count);
	cr_expect_eq(loop_watch(&loop, sources[1], 0), 0);
	loop_round(&loop, 0);
	cr_expect_eq(n_turns, 2);
}

static unsigned int n_fired;

static void fired(struct loop_timer *timer)
{
	(void)timer;
	n_fired++;
}

Test(loop, deadlines_fire_in_order_and_once)
{
	struct loop_queue queue = { 0 };
	struct loop_timer a = { 0 }, b = { 0 };

	cr_assert_eq(loop_init(&loop), 0);
	loop_queue_add(&loop, &queue, 100, fired);
	loop_timer_arm(&loop, &queue, &a);
	loop.now += 50;
	loop_timer_arm(&loop, &queue, &b);
	loop.now += 60;
	loop_round(&loop, 0);
	cr_expect_eq(n_fired, 1);
	cr_expect_null(a.queue);
	loop_timer_disarm(&b);
	loop.now += 1000;
	loop_round(&loop, 0);
	cr_expect_eq(n_fired, 1);
}

Test(loop, time_in_which_the_process_could_not_run_does_not_count)
{
	struct loop_queue queue = { 0 };
	struct loop_timer a = { 0 };

	cr_assert_eq(loop_init(&loop), 0);
	loop_queue_add(&loop, &queue, 5000, fired);
	loop_timer_arm(&loop, &queue, &a);
	loop.measured -= 600 * 1000; /* the partition was off the processor for ten minutes */
	loop_round(&loop, 0);
	cr_expect_eq(n_fired, 0);
	cr_expect_lt(loop.now, 1000);
}
