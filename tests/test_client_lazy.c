// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lazy calls: when they run, and when they do not. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"
#include "libxm/batch.h"
#include "libxm/params.h"

#define WORD(x) ((unsigned long)(x))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct server *server;
static struct xm_request reqs[XM_BATCH_MAX];

static void setup(void)
{
	server = server_start();
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_lazy, .init = setup, .fini = teardown, .timeout = 60);

/* The result in an entry that begins at `at`, as a signed number. */
static int result(const unsigned long *words, size_t at)
{
	return (int16_t)(words[at + 1] >> 16);
}

static void lazy_halt(unsigned long partition)
{
	XM_lazy_hypercall(halt_partition_nr, 1, partition);
}

Test(client_lazy, waits_for_the_flush)
{
	errno = 4711;
	lazy_halt(1);
	XM_lazy_hypercall(reset_partition_nr, 3, WORD(2), WORD(1), WORD(7));
	XM_lazy_hypercall(idle_self_nr, 0);
	cr_assert_eq(errno, 4711);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(errno, 4711);
	cr_assert_eq(server_last_batch(server, reqs), 3);
	cr_assert_eq(reqs[0].op, XM_OP_HALT_PARTITION);
	cr_assert_eq(reqs[1].op, XM_OP_RESET_PARTITION);
	cr_assert_eq(reqs[1].arg[2].num, 7);
	cr_assert_eq(reqs[2].op, XM_OP_IDLE_SELF);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_calls, 1);
}

Test(client_lazy, nothing_pending)
{
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_connections, 0);
}

Test(client_lazy, other_calls_flush_first)
{
	lazy_halt(1);
	cr_assert_eq(XM_suspend_partition(2), XM_OK);
	cr_assert_eq(server->n_batches, 1);
	cr_assert_eq(server->n_calls, 2);
	cr_assert_eq(server_last(server).op, XM_OP_SUSPEND_PARTITION);
	lazy_halt(1);
	XM_write_console((char[]){ "x" }, 1); /* which asks for the own partition first */
	cr_assert_eq(server->n_batches, 2);
	cr_assert_eq(server_last(server).op, XM_OP_WRITE_CONSOLE);
}

/* What was a variable or a table in memory cannot say that a batch failed, and must not hide it. */
Test(client_lazy, tables_do_not_flush)
{
	server->has_ports = true;
	server->partition = 3;
	server->table[XM_F_PARTITION_TABLE_noCommPorts] = 8;
	server->table[XM_F_PARTITION_TABLE_resetCounter] = 17;
	params_port_created(PARAMS_QUEUING, 5);
	server->news[5] = 1;
	server->refusals[0] = XM_C_PERM_ERROR;
	lazy_halt(1);
	cr_assert_eq(XM_PARTITION_SELF, 3);
	cr_assert_eq(XM_hcall(NR_HYPERCALLS, 0, 0, 0, 0, 0), 3);
	cr_assert_eq(XM_get_PCT()->resetCounter, 17);
	XM_get_partition_mmap();
	cr_assert_eq(XM_get_commport_bitmap()[0], 1 << 5);
	cr_assert_eq(errno, 0);
	cr_assert_eq(server->n_batches, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_PERM_ERROR);
}

/* And are not made if that fails. */
Test(client_lazy, failure_of_the_flush)
{
	lazy_halt(1);
	server->refusals[0] = XM_C_PERM_ERROR;
	cr_assert_eq(XM_suspend_partition(2), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(server->n_calls, 1);
	server->refusals[0] = XM_C_OK;
	cr_assert_eq(XM_suspend_partition(2), XM_OK);
	cr_assert_eq(server->n_calls, 2);
}

Test(client_lazy, calls_that_do_not_flush)
{
	unsigned long words[] = { halt_partition_nr, 1, 2 };

	lazy_halt(1);
	cr_assert_eq(XM_multicall(words, words + 3), XM_OK);
	cr_assert_eq(XM_set_timer(XM_HW_CLOCK, 1, 0), XM_OK);
	XM_get_vcpuid();
	cr_assert_eq(server->n_batches, 1);
	cr_assert_eq(server->n_calls, 3);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_batches, 2);
}

Test(client_lazy, init_batch_drops)
{
	lazy_halt(1);
	init_batch();
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_calls, 0);
	lazy_halt(1);
	init_libxm(0);
	cr_assert_eq(XM_suspend_partition(2), XM_OK);
	cr_assert_eq(server->n_batches, 0);
}

/* 341 entries of three words leave one word: the next flushes. */
Test(client_lazy, full)
{
	for (unsigned long i = 0; i < 341; i++)
		lazy_halt(i);
	cr_assert_eq(server->n_calls, 0);
	lazy_halt(341);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server_last_batch(server, reqs), 341);
	cr_assert_eq(reqs[340].arg[0].num, 340);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 1);
	cr_assert_eq(reqs[0].arg[0].num, 341);
}

Test(client_lazy, full_to_the_last_word)
{
	for (int i = 0; i < XM_BATCH_WORDS / 2; i++)
		XM_lazy_hypercall(idle_self_nr, 0);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), XM_BATCH_WORDS / 2);
}

/* A full batch that is refused: what came after it is not made, and the next flush tells. */
Test(client_lazy, failure_of_a_full_batch)
{
	server->refusals[3] = XM_C_PERM_ERROR;
	for (unsigned long i = 0; i < 350; i++)
		lazy_halt(i);
	cr_assert_eq(server->n_calls, 1);
	memset(server->refusals, 0, sizeof(server->refusals));
	errno = 0;
	cr_assert_eq(XM_flush_hyp_batch(), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(server->n_calls, 1);
	lazy_halt(1);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
}

static void impossible_count(xm_s32_t argc)
{
	lazy_halt(1);
	XM_lazy_hypercall(halt_partition_nr, argc, WORD(1), WORD(2), WORD(3), WORD(4), WORD(5),
			  WORD(6));
	lazy_halt(2);
	errno = 0;
	cr_assert_eq(XM_flush_hyp_batch(), XM_MULTICALL_ERROR, "%d", argc);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
}

Test(client_lazy, impossible_counts)
{
	impossible_count(-1);
	impossible_count(INT32_MIN);
	impossible_count(6);
	impossible_count(INT32_MAX);
	impossible_count(0); /* possible, but not of this call */
}

static int child_flushes(void)
{
	return XM_flush_hyp_batch() == XM_OK && XM_suspend_partition(1) == XM_OK &&
			       server->n_batches == 0
		       ? 0
		       : 1;
}

/* The parent's batch is the parent's. */
Test(client_lazy, fork)
{
	lazy_halt(1);
	cr_assert_eq(run_child(child_flushes), 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_batches, 1);
}

static int child_has_its_own(void)
{
	lazy_halt(7);
	return XM_flush_hyp_batch() == XM_OK && server_last_batch(server, reqs) == 1 &&
			       reqs[0].arg[0].num == 7
		       ? 0
		       : 1;
}

Test(client_lazy, child_adds_to_its_own)
{
	lazy_halt(1);
	cr_assert_eq(run_child(child_has_its_own), 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 1);
	cr_assert_eq(reqs[0].arg[0].num, 1);
}

static void *leave_one_pending(void *arg)
{
	lazy_halt(9);
	return arg;
}

static void *flush_here(void *arg)
{
	return XM_flush_hyp_batch() == XM_OK && server->n_calls == 0 ? NULL : arg;
}

/* A thread sees its own batch only, and takes it along. */
Test(client_lazy, belongs_to_the_thread)
{
	pthread_t thread;
	void *bad;

	lazy_halt(1);
	pthread_create(&thread, NULL, flush_here, server);
	pthread_join(thread, &bad);
	cr_assert_null(bad);
	pthread_create(&thread, NULL, leave_one_pending, NULL);
	pthread_join(thread, NULL);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server_last_batch(server, reqs), 1);
}

static void *lazy_rounds(void *arg)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, suspend_partition_nr, 1, 1 };

	for (int i = 0; i < 200; i++) {
		for (unsigned long p = 0; p < 5; p++)
			lazy_halt(p);
		if (XM_flush_hyp_batch() != XM_OK)
			return arg;
		if (XM_multicall(words, words + COUNT(words)) != XM_OK || result(words, 3) != 0)
			return arg;
	}
	return NULL;
}

Test(client_lazy, four_threads)
{
	pthread_t threads[4];
	void *bad;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, lazy_rounds, server);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		cr_assert_null(bad);
	}
	cr_assert_eq(server->n_batches, 1600);
	cr_assert_eq(server->n_connections, 1);
}

static pthread_key_t late_key;

static void lazy_at_the_end(void *arg)
{
	(void)arg;
	lazy_halt(3);
	XM_flush_hyp_batch();
}

static void *end_with_a_destructor(void *arg)
{
	lazy_halt(1);
	pthread_setspecific(late_key, arg);
	return NULL;
}

/* The library's memory may be gone when the last destructors of a thread run. */
Test(client_lazy, in_a_thread_that_ends)
{
	pthread_t thread;

	lazy_halt(1); /* the library's key is older */
	init_batch();
	pthread_key_create(&late_key, lazy_at_the_end);
	pthread_create(&thread, NULL, end_with_a_destructor, server);
	pthread_join(thread, NULL);
	cr_assert_eq(server_last_batch(server, reqs), 1);
	cr_assert_eq(reqs[0].arg[0].num, 3);
}

/* A program may have files of two profiles: the batch of one runs before that of the other. */
Test(client_lazy, two_profiles)
{
	const unsigned long word = 1;

	lazy_halt(2);
	batch_lazy(&raw_profile_2_4, 1, 1, &word);
	cr_assert_eq(server->n_batches, 1);
	server->refusals[0] = XM_C_PERM_ERROR;
	cr_assert_eq(XM_flush_hyp_batch(), XM_MULTICALL_ERROR);
	cr_assert_eq(server->n_batches, 2);
}
