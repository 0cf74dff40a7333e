// SPDX-License-Identifier: LGPL-2.1-or-later
/* Multicalls: good ones, and the memory that they use. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/client_batch_rig.h"

TestSuite(client_batch, .init = batch_setup, .fini = batch_teardown, .timeout = 60);

/* ---- good batches -------------------------------------------------------------------------------- */

Test(client_batch, runs)
{
	xmTime_t time = 0;
	unsigned long words[] = {
		halt_partition_nr,  1, 2, get_time_nr,   2,  XM_EXEC_CLOCK, POINTER(&time),
		reset_partition_nr, 3, 1, XM_WARM_RESET, 77, idle_self_nr,  0
	};

	server->value = 10;
	errno = 4711;
	cr_assert_eq(XM_multicall(words, words + COUNT(words)), XM_OK);
	cr_assert_eq(errno, 4711);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server_last_batch(server, reqs), 4);
	cr_assert_eq(reqs[0].op, XM_OP_HALT_PARTITION);
	cr_assert_eq(reqs[0].arg[0].num, 2);
	cr_assert_eq(reqs[1].op, XM_OP_GET_TIME);
	cr_assert_eq(reqs[1].arg[0].num, XM_EXEC_CLOCK);
	cr_assert_eq(reqs[2].op, XM_OP_RESET_PARTITION);
	cr_assert_eq(reqs[2].arg[1].num, XM_WARM_RESET);
	cr_assert_eq(reqs[2].arg[2].num, 77);
	cr_assert_eq(reqs[3].op, XM_OP_IDLE_SELF);
	cr_assert_eq(time, SERVER_NUMBER);
}

/* Results of the calls alone would be the same. */
Test(client_batch, results)
{
	unsigned char data[4] = "abcd";
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, 0, 3);
	unsigned long words[] = {
		halt_partition_nr, 1, 2, read_object_nr, 4, port, POINTER(data), sizeof(data), 0,
		halt_partition_nr, 1, 2
	};

	server->value = 10;
	server->codes[0] = XM_C_PERM_ERROR; /* of the hypervisor: stops nothing */
	server->codes[2] = XM_C_NO_ACTION;
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert(head_is(words, 0, 1, XM_PERM_ERROR));
	cr_assert(head_is(words, 3, 4, 11));
	cr_assert(head_is(words, 9, 1, XM_NO_ACTION));
	/* And again, over the old results. */
	server->codes[0] = XM_C_OK;
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert(head_is(words, 0, 1, XM_OK));
}

/* A 64-bit time is one word, or two, the low one first. */
Test(client_batch, times)
{
	const uint64_t when = 0x123456789aULL;
#if defined(__LP64__)
	unsigned long words[] = { set_timer_nr, 3, XM_HW_CLOCK, when, 7 };
#else
	unsigned long words[] = { set_timer_nr, 5, XM_HW_CLOCK, (uint32_t)when, when >> 32, 7, 0 };
#endif

	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 1);
	cr_assert_eq(reqs[0].arg[XM_A_SET_TIMER_absTime].num, when);
	cr_assert_eq(reqs[0].arg[XM_A_SET_TIMER_interval].num, 7);
}

Test(client_batch, empty)
{
	unsigned long word = 1;

	cr_assert_eq(XM_multicall(&word, &word), XM_OK);
	cr_assert_eq(XM_multicall(NULL, NULL), XM_OK);
	cr_assert_eq(server->n_connections, 0);
}

Test(client_batch, through_the_raw_door)
{
	unsigned long words[] = { halt_partition_nr, 1, 2 };

	cr_assert_eq(XM_hcall(multicall_nr, POINTER(words), POINTER(words + 3), 0, 0, 0), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 1);
}

Test(client_batch, as_many_as_may_be)
{
	static unsigned long words[XM_BATCH_MAX * 3];

	for (size_t i = 0; i < XM_BATCH_MAX; i++) {
		words[3 * i] = suspend_partition_nr;
		words[3 * i + 1] = 1;
		words[3 * i + 2] = i;
	}
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), XM_BATCH_MAX);
	for (size_t i = 0; i < XM_BATCH_MAX; i++)
		cr_assert_eq(reqs[i].arg[0].num, i);
}

/* Some data in the session's scratch memory, some beside it, and all in parts of a message. */
Test(client_batch, data)
{
	static unsigned char small[100], medium[60000], large[5 << 20];
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, 0, 3);
	unsigned long words[] = { write_object_nr, 4, port, POINTER(small),  sizeof(small),  0,
				  write_object_nr, 4, port, POINTER(large),  sizeof(large),  0,
				  write_object_nr, 4, port, POINTER(medium), sizeof(medium), 0,
				  write_object_nr, 4, port, POINTER(medium), sizeof(medium), 0,
				  write_object_nr, 4, port, POINTER(small),  sizeof(small),  0 };

	memset(small, 's', sizeof(small));
	memset(medium, 'm', sizeof(medium));
	memset(large, 'l', sizeof(large));
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 5);
	cr_assert_eq(memcmp(reqs[0].arg[2].data, small, sizeof(small)), 0);
	cr_assert_eq(memcmp(reqs[1].arg[2].data, large, sizeof(large)), 0);
	cr_assert_eq(memcmp(reqs[2].arg[2].data, medium, sizeof(medium)), 0);
	cr_assert_eq(memcmp(reqs[3].arg[2].data, medium, sizeof(medium)), 0);
	cr_assert_eq(memcmp(reqs[4].arg[2].data, small, sizeof(small)), 0);
}

Test(client_batch, large_answers)
{
	static unsigned char first[3 << 20], second[3 << 20];
	xmObjDesc_t port = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, 0, 3);
	unsigned long words[] = { read_object_nr, 4, port, POINTER(first),  sizeof(first),  0,
				  read_object_nr, 4, port, POINTER(second), sizeof(second), 0 };

	server->data_len = sizeof(first);
	cr_assert_eq(run(words, COUNT(words)), XM_OK);
	for (size_t i = 0; i < sizeof(first); i++)
		cr_assert(first[i] == SERVER_BYTE(i) && second[i] == SERVER_BYTE(i));
}

/* ---- memory -------------------------------------------------------------------------------------- */

Test(client_batch, backwards)
{
	unsigned long words[] = { halt_partition_nr, 1, 2 };

	cr_assert_eq(XM_multicall(words + 3, words), XM_INVALID_PARAM);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(server->n_calls, 0);
}

Test(client_batch, nowhere)
{
	cr_assert_eq(XM_multicall(NULL, (void *)24), XM_INVALID_PARAM);
	cr_assert_eq(XM_multicall((void *)16, (void *)64), XM_INVALID_PARAM);
	cr_assert_eq(XM_multicall((void *)(UINTPTR_MAX - 31), (void *)(UINTPTR_MAX - 7)),
		     XM_INVALID_PARAM);
	cr_assert_eq(server->n_calls, 0);
}

/* Three words at the end of a page, after which nothing is. */
static unsigned long *at_the_edge(int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long *words = (unsigned long *)(void *)(memory + page) - 3;

	words[0] = halt_partition_nr;
	words[1] = 1;
	words[2] = 2;
	munmap(memory + page, page);
	mprotect(memory, page, protection);
	return words;
}

Test(client_batch, at_the_edge_of_memory)
{
	unsigned long *words = at_the_edge(PROT_READ | PROT_WRITE);

	cr_assert_eq(run(words, 3), XM_OK);
	cr_assert_eq(run(words, 4), XM_INVALID_PARAM);
	cr_assert_eq(server->n_calls, 1);
}

Test(client_batch, read_only)
{
	cr_assert_eq(run(at_the_edge(PROT_READ), 3), XM_INVALID_PARAM);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(server->n_calls, 0);
}

Test(client_batch, unreadable)
{
	cr_assert_eq(run(at_the_edge(PROT_NONE), 3), XM_INVALID_PARAM);
	cr_assert_eq(server->n_calls, 0);
}

/* 3.x checks alignment, 2.x does not. */
Test(client_batch, unaligned)
{
	unsigned long words[] = { halt_partition_nr, 1, 2 };
	static char memory[sizeof(words) + 1];
	uintptr_t start = (uintptr_t)memory + 1;
	unsigned long word;

	memcpy(memory + 1, words, sizeof(words));
	cr_assert_eq(XM_multicall(memory + 1, memory + 1 + sizeof(words)), XM_INVALID_PARAM);
	cr_assert_eq(server->n_calls, 0);
	server->codes[0] = XM_C_INVALID_PARAM;
	cr_assert_eq(batch_multicall(&raw_profile_2_4, start, start + sizeof(words)), 0);
	cr_assert_eq(server->n_calls, 1);
	memcpy(&word, memory + 1 + sizeof(word), sizeof(word));
	cr_assert_eq(word, 1 | 0xfffeUL << 16);
}
