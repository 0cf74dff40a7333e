// SPDX-License-Identifier: LGPL-2.1-or-later
/* Multicalls: malformed ones, refusals, a broker that lies, memory that changes meanwhile. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/client_batch_rig.h"

TestSuite(client_batch, .init = batch_setup, .fini = batch_teardown, .timeout = 60);

/* ---- malformed entries --------------------------------------------------------------------------- */

/* An entry that is none, between two good ones: nothing is sent, and the rest stays as it was. */
static void malformed(unsigned long number, unsigned long argc, unsigned long left)
{
	unsigned long words[16] = { halt_partition_nr, 1 | 0x50000, 2, number, argc };
	unsigned long n = 5 + left;

	server->n_calls = 0;
	cr_assert_eq(run(words, n), XM_MULTICALL_ERROR, "%lu with %lu", number, argc);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(words[1], 1 | 0x50000);
	cr_assert(head_is(words, 3, argc & 0xffff, XM_INVALID_PARAM), "%lu with %lu: %lx", number,
		  argc, words[4]);
}

Test(client_batch, malformed_numbers)
{
	malformed(NR_HYPERCALLS, 0, 0); /* the own partition, which the library answers itself */
	malformed(NR_HYPERCALLS + 1, 0, 0);
	malformed(UINT32_MAX, 0, 0);
	malformed(RAW_PARTITION_TABLE, 0, 0);
	malformed(RAW_PARTITION_TABLE, 1, 1);
	malformed(multicall_nr, 0, 0);
	malformed(multicall_nr, 2, 2);
#if defined(__LP64__)
	malformed(halt_partition_nr | 1UL << 32, 1, 1);
#endif
}

Test(client_batch, malformed_counts)
{
	malformed(halt_partition_nr, 0, 1);
	malformed(halt_partition_nr, 2, 2);
	malformed(halt_partition_nr, 0xffff, 1);
	malformed(reset_partition_nr, 1, 1);
	malformed(halt_system_nr, 1, 1);
	malformed(get_time_nr, 1, 1);
#if defined(__LP64__)
	malformed(halt_partition_nr, 1 | 1UL << 32, 1);
	malformed(set_timer_nr, 5, 5);
#else
	malformed(set_timer_nr, 3, 3);
#endif
}

Test(client_batch, malformed_ends)
{
	malformed(halt_partition_nr, 1, 0);
	malformed(get_time_nr, 2, 1);
}

Test(client_batch, half_a_head)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, halt_partition_nr, 1 };

	cr_assert_eq(run(words, 4), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(words[4], 1);
	cr_assert_eq(server->n_calls, 0);
}

Test(client_batch, part_of_a_word)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, 0 };

	for (size_t i = 1; i < sizeof(unsigned long); i++) {
		cr_assert_eq(XM_multicall(words, (char *)(words + 3) + i), XM_MULTICALL_ERROR);
		cr_assert_eq(errno, EBADMSG);
	}
	cr_assert_eq(XM_multicall(words, (char *)words + 3), XM_MULTICALL_ERROR);
	cr_assert_eq(XM_multicall((void *)16, (void *)17), XM_INVALID_PARAM);
	cr_assert_eq(words[1], 1);
	cr_assert_eq(server->n_calls, 0);
}

Test(client_batch, too_many)
{
	static unsigned long words[XM_BATCH_MAX * 20];
	size_t most = 2 * XM_BATCH_MAX;

	for (size_t i = 0; i < COUNT(words); i += 2)
		words[i] = idle_self_nr;
	cr_assert_eq(run(words, COUNT(words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, E2BIG);
	cr_assert_eq(run(words, most + 2), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, E2BIG);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(run(words, most), XM_OK);
	/* What is malformed is found first. */
	words[most] = NR_HYPERCALLS;
	cr_assert_eq(run(words, COUNT(words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, EBADMSG);
	cr_assert(head_is(words, most, 0, XM_INVALID_PARAM));
}

Test(client_batch, too_much_data)
{
	size_t len = 9 << 20;
	unsigned char *data = calloc(1, len);
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, 0, 3);
	unsigned long words[] = { write_object_nr, 4, port, POINTER(data), len, 0,
				  write_object_nr, 4, port, POINTER(data), len, 0 };

	cr_assert_eq(run(words, COUNT(words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, E2BIG);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(run(words, 6), XM_OK);
	free(data);
}

/* What the calls may answer has to fit, too. */
Test(client_batch, too_large_answers)
{
	size_t len = 9 << 20;
	unsigned char *data = calloc(1, len);
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, 0, 3);
	unsigned long words[] = { read_object_nr, 4, port, POINTER(data), len, 0,
				  read_object_nr, 4, port, POINTER(data), len, 0 };

	cr_assert_eq(run(words, COUNT(words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, E2BIG);
	cr_assert_eq(server->n_calls, 0);
	free(data);
}

Test(client_batch, too_many_words)
{
	size_t len = MOST + 64;
	unsigned long *words =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_eq(run(words, len / sizeof(*words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, E2BIG);
	munmap(words, len);
}

/* ---- refusals ------------------------------------------------------------------------------------ */

Test(client_batch, refused)
{
	xmTime_t time = 0;
	unsigned long words[] = { halt_partition_nr, 1 | 0x70000, 2, halt_partition_nr, 1, 1,
				  get_time_nr,       2 | 0x30000, 0, POINTER(&time) };

	server->refusals[1] = XM_C_PERM_ERROR;
	cr_assert_eq(run(words, COUNT(words)), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	cr_assert(head_is(words, 0, 1, 0));
	cr_assert(head_is(words, 3, 1, XM_PERM_ERROR));
	cr_assert(head_is(words, 6, 2, 0));
	cr_assert_eq(time, 0);
}

/* A call that is none goes to the broker, so that it is recorded, and takes the rest along. */
Test(client_batch, unclassified)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, seek_object_nr, 3, 0x7f000000, 0, 0 };

	cr_assert_eq(run(words, COUNT(words)), XM_MULTICALL_ERROR);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(server_last_batch(server, reqs), 2);
	cr_assert_eq(reqs[1].op, XM_OP_UNCLASSIFIED);
	cr_assert(head_is(words, 0, 1, 0));
	cr_assert(head_is(words, 3, 3, XM_INVALID_PARAM));
}

Test(client_batch, refused_and_unclassified)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, seek_object_nr, 3, 0x7f000000, 0, 0 };

	server->refusals[0] = XM_C_PERM_ERROR;
	cr_assert_eq(run(words, COUNT(words)), XM_PERM_ERROR);
	cr_assert(head_is(words, 0, 1, XM_PERM_ERROR));
	cr_assert(head_is(words, 3, 3, XM_INVALID_PARAM));
}

/* The broker says one thing of all calls where it is the answer that it has no room for. */
static void no_room(enum xm_code code, xm_s32_t result, int error)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, halt_partition_nr, 1, 1 };

	server->refusals[0] = server->refusals[1] = code;
	cr_assert_eq(run(words, COUNT(words)), result);
	cr_assert_eq(errno, error, "errno %d", errno);
	cr_assert(head_is(words, 0, 1, result));
	cr_assert(head_is(words, 3, 1, result));
}

Test(client_batch, no_memory_for_the_answer)
{
	no_room(XM_C_INVALID_MODE, XM_INVALID_MODE, EDQUOT);
}

Test(client_batch, answer_too_long_for_the_broker)
{
	no_room(XM_C_MULTICALL_ERROR, XM_MULTICALL_ERROR, E2BIG);
}

/* ---- a broker that goes away or lies ------------------------------------------------------------- */

static void lost(enum server_mode mode)
{
	xmTime_t times[2] = { 0, 0 };
	unsigned long words[] = { get_time_nr, 2, 0, POINTER(&times[0]),
				  get_time_nr, 2, 0, POINTER(&times[1]) };

	server->mode = mode;
	cr_assert_eq(run(words, COUNT(words)), XM_INVALID_MODE, "mode %d", mode);
	cr_assert_eq(errno, ECONNRESET, "mode %d: errno %d", mode, errno);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(words[1], 2);
	cr_assert_eq(words[5], 2);
	cr_assert(!times[0] && !times[1], "stored from an answer that is none");
	server->mode = SERVER_ANSWER;
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
}

Test(client_batch, lost_in_mid_call)
{
	lost(SERVER_CLOSE_ON_CALL);
}

Test(client_batch, garbage)
{
	lost(SERVER_GARBAGE);
}

Test(client_batch, truncated)
{
	lost(SERVER_TRUNCATED);
}

Test(client_batch, too_few_results)
{
	lost(SERVER_BATCH_SHORT);
}

Test(client_batch, result_of_a_call)
{
	lost(SERVER_BATCH_PLAIN);
}

Test(client_batch, result_of_another_batch)
{
	lost(SERVER_WRONG_SERIAL);
}

Test(client_batch, no_broker)
{
	unsigned long words[] = { halt_partition_nr, 1, 2 };

	server_kill(server);
	cr_assert_eq(run(words, COUNT(words)), XM_INVALID_MODE);
	cr_assert_eq(errno, ECONNREFUSED);
	cr_assert_eq(words[1], 1);
}

Test(client_batch, refused_for_its_size)
{
	static unsigned char data[1 << 20];
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, 0, 3);
	unsigned long words[] = { write_object_nr, 4, port, POINTER(data), sizeof(data), 0 };

	server->refusal = EDQUOT;
	server->refuse_parts = 1;
	cr_assert_eq(run(words, COUNT(words)), XM_INVALID_MODE);
	cr_assert_eq(errno, EDQUOT);
	cr_assert_eq(server->n_calls, 0);
}

/* ---- memory that is used twice ------------------------------------------------------------------- */

/* An output over the batch itself: what was decided is what ran, and results lie on top. */
Test(client_batch, output_over_the_batch)
{
	unsigned long words[12] = { get_time_nr, 2, 0, 0, halt_partition_nr, 1, 2 };

	/* Over the next entry's number and, on 32 bit, its count. */
	words[3] = POINTER(&words[4]);
	cr_assert_eq(run(words, 7), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 2);
	cr_assert_eq(reqs[1].op, XM_OP_HALT_PARTITION);
	cr_assert_eq(reqs[1].arg[0].num, 2);
	cr_assert(head_is(words, 4, 1, 0));
	cr_assert_eq((uint32_t)words[4], (uint32_t)SERVER_NUMBER);
}

Test(client_batch, output_over_its_own_entry)
{
	unsigned long words[4] = { get_time_nr, 2, 0, 0 };

	words[3] = POINTER(&words[0]);
	cr_assert_eq(run(words, 4), XM_OK);
	cr_assert(head_is(words, 0, 2, 0));
}

Test(client_batch, two_outputs_in_one_place)
{
	static unsigned char data[8];
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, 0, 3);
	xmTime_t time;
	unsigned long words[] = { read_object_nr, 4, port, POINTER(&time), sizeof(data), 0,
				  get_time_nr,    2, 0,    POINTER(&time) };

	server->data_len = sizeof(data);
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert_eq(time, SERVER_NUMBER);
}

static unsigned long shared[7];
static atomic_bool stop;

static void *rewrite_slowly(void *arg)
{
	usleep(8000);
	shared[0] = halt_system_nr;
	shared[1] = 0;
	shared[4] = 0xffff;
	shared[6] = 1;
	return arg;
}

/* The broker has the batch and thinks about it; what is written now comes too late. */
Test(client_batch, rewritten_in_mid_call)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, get_time_nr, 2, 0, 0 };
	xmTime_t time = 0;
	pthread_t thread;

	words[6] = POINTER(&time);
	memcpy(shared, words, sizeof(words));
	cr_assert_eq(xm_init(), 0);
	server->mode = SERVER_SLOW;
	pthread_create(&thread, NULL, rewrite_slowly, NULL);
	cr_assert_eq(run(shared, 7), XM_OK);
	pthread_join(thread, NULL);
	cr_assert_eq(time, SERVER_NUMBER);
	cr_assert(head_is(shared, 0, 1, 0));
	cr_assert(head_is(shared, 3, 2, 0));
}

static void *rewrite_for_ever(void *arg)
{
	volatile unsigned long *words = arg;

	for (unsigned long i = 0; !stop; i++) {
		words[i % 7] = (i * 2654435761UL) >> 7;
		words[0] = i & 1 ? halt_partition_nr : reset_partition_nr;
		words[1] = i & 2 ? 1 : 3;
		words[6] = i & 4 ? 0 : i;
	}
	return NULL;
}

/* Whatever it reads, it reads once; the outcome is one of those that are documented. */
Test(client_batch, rewritten_all_the_time)
{
	pthread_t thread;

	pthread_create(&thread, NULL, rewrite_for_ever, shared);
	for (int i = 0; i < 2000; i++) {
		xm_s32_t r = run(shared, 7);

		cr_assert(r == XM_OK || r == XM_MULTICALL_ERROR, "%d, errno %d", r, errno);
	}
	stop = true;
	pthread_join(thread, NULL);
}

/* Words of any value never do harm; most are no batch. */
Test(client_batch, random_words)
{
	static unsigned long words[64];
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % COUNT(words);
		size_t at = 0;

		for (size_t w = 0; w < n; w++)
			words[w] = (unsigned long)rand_r(&seed) % 40;
		/* Pointers that are none, in a batch whose counts are mostly right. */
		while (at + 1 < n && rand_r(&seed) % 16) {
			words[at] = WORD(rand_r(&seed)) % (NR_HYPERCALLS + 1);
			for (unsigned int argc = 0; argc <= RAW_WORDS; argc++)
				if (raw_argc(&raw_profile_3_x, (uint32_t)words[at], argc))
					words[at + 1] = argc;
			at += 2 + (words[at + 1] & 7);
		}
		run(words, n);
	}
}
