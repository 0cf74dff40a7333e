// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages that are longer than a packet: at the edges, cut, broken, refused, and given back. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>

#include "client_server.h"

static struct server *server;

static void setup(void)
{
	server = server_start();
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_large, .init = setup, .fini = teardown, .timeout = 60);

static xm_s32_t call(void)
{
	return XM_suspend_partition(1);
}

static void ignore(int sig)
{
	(void)sig;
}

#define PIECE XM_WIRE_PART_DATA
#define MOST ((xm_u32_t)XM_WIRE_DATA_MAX)

static uint8_t *make_data(size_t len)
{
	uint8_t *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = SERVER_BYTE(i);
	return data;
}

static xm_s32_t send_data(xm_u32_t len)
{
	uint8_t *data = make_data(len);
	xm_s32_t result = XM_write_sampling_message(1, data, len);
	int error = errno;

	free(data);
	errno = error;
	return result;
}

/* Whether the server got what send_data() sent, as one call. */
static bool server_has_data(xm_u32_t len)
{
	struct xm_request req = server_last(server);
	const struct xm_value *v = &req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer];
	uint8_t *data = make_data(len);
	bool same = req.op == XM_OP_WRITE_SAMPLING_MESSAGE && v->len == len &&
		    !memcmp(v->data, data, len);

	free(data);
	return same;
}

/* Bytes of a call around its data. */
static xm_u32_t overhead(void)
{
	cr_assert_eq(send_data(1), XM_OK);
	return (xm_u32_t)server->last_len - 1;
}

Test(client_large, large_call)
{
	xm_u32_t sizes[] = { XM_WIRE_PLAIN, XM_WIRE_PACKET, 2 * PIECE, 1 << 20, MOST };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		server->n_calls = 0;
		cr_assert_eq(send_data(sizes[i]), XM_OK, "%u bytes, errno %d", sizes[i], errno);
		cr_assert_eq(server->n_calls, 1);
		cr_assert(server_has_data(sizes[i]), "%u bytes", sizes[i]);
	}
	cr_assert_eq(server->n_connections, 1);
}

/* Where one packet, or one part, ends and another is needed. */
Test(client_large, call_at_the_edge_of_a_packet)
{
	xm_u32_t around = overhead();
	xm_u32_t packet = XM_WIRE_PACKET - around;
	xm_u32_t parts = 3 * PIECE - around;

	cr_assert_eq(send_data(packet), XM_OK);
	cr_assert(server_has_data(packet));
	cr_assert_eq(server->n_parts, 0);
	cr_assert_eq(send_data(packet + 1), XM_OK);
	cr_assert(server_has_data(packet + 1));
	cr_assert_eq(server->n_parts, 2);
	server->n_parts = 0;
	cr_assert_eq(send_data(parts), XM_OK);
	cr_assert(server_has_data(parts));
	cr_assert_eq(server->n_parts, 3);
	server->n_parts = 0;
	cr_assert_eq(send_data(parts + 1), XM_OK);
	cr_assert(server_has_data(parts + 1));
	cr_assert_eq(server->n_parts, 4);
}

/* What no message can carry travels as its size alone, and is refused for it. */
Test(client_large, call_beyond_the_maximum)
{
	struct xm_request req;

	cr_assert_eq(send_data(MOST + 1), XM_OK);
	req = server_last(server);
	cr_assert_eq(req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].state, XM_ST_OVERSIZE);
	cr_assert_eq(req.arg[XM_A_WRITE_SAMPLING_MESSAGE_size].num, MOST + 1);
}

static xm_s32_t receive_data(uint8_t *data, xm_u32_t len)
{
	server->data_len = len;
	server->value = len;
	return XM_read_sampling_message(1, data, len, NULL);
}

static void receives(xm_u32_t len)
{
	uint8_t *data = calloc(1, len);
	uint8_t *expected = make_data(len);

	cr_assert_eq(receive_data(data, len), (xm_s32_t)len, "%u bytes, errno %d", len, errno);
	cr_assert_eq(memcmp(data, expected, len), 0, "%u bytes", len);
	free(data);
	free(expected);
}

Test(client_large, large_answer)
{
	receives(XM_WIRE_PLAIN);
	for (xm_u32_t len = XM_WIRE_PACKET - 40; len < XM_WIRE_PACKET + 40; len++)
		receives(len);
	for (xm_u32_t len = 2 * PIECE - 40; len < 2 * PIECE; len++)
		receives(len);
	receives(1 << 20);
	receives(MOST);
	cr_assert_eq(server->n_connections, 1);
}

static unsigned long address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	cr_assert_eq(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages;
}

/* What a large message needed is given back after the call. */
Test(client_large, memory_of_large_messages_is_given_back)
{
	static uint8_t data[XM_WIRE_DATA_MAX];
	unsigned long before;

#if defined(__SANITIZE_ADDRESS__)
	teardown(); /* which a test that is skipped does not come to */
	cr_skip_test("not run: the sanitizer keeps what is freed");
#endif
	cr_assert_eq(call(), XM_OK);
	before = address_space();
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(XM_write_sampling_message(1, data, MOST), XM_OK);
		cr_assert_eq(receive_data(data, MOST), (xm_s32_t)MOST);
	}
	cr_assert_lt(address_space(), before + 256, "%lu and %lu pages", before, address_space());
}

/* Nothing of an answer that is not good to its end is stored. */
static void lost_in_parts(enum server_mode mode)
{
	uint8_t *data = calloc(1, 3 * PIECE);

	cr_assert_eq(call(), XM_OK);
	server->mode = mode;
	server->n_calls = 0;
	errno = 0;
	cr_assert_eq(receive_data(data, 3 * PIECE), XM_INVALID_MODE);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_eq(server->n_calls, 1);
	for (size_t i = 0; i < 3 * PIECE; i++)
		cr_assert_eq(data[i], 0);
	free(data);
	server->mode = SERVER_ANSWER;
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_calls, 2);
}

Test(client_large, answer_lacks_a_part)
{
	lost_in_parts(SERVER_PART_MISSING);
}

Test(client_large, answer_has_a_part_twice)
{
	lost_in_parts(SERVER_PART_TWICE);
}

Test(client_large, answer_changes_its_length)
{
	lost_in_parts(SERVER_PART_TOTAL);
}

Test(client_large, answer_changes_its_serial)
{
	lost_in_parts(SERVER_PART_SERIAL);
}

Test(client_large, answer_is_interrupted)
{
	lost_in_parts(SERVER_PART_PLAIN);
}

Test(client_large, answer_is_cut)
{
	lost_in_parts(SERVER_PART_CUT);
}

Test(client_large, answer_in_parts_of_another_call)
{
	lost_in_parts(SERVER_PART_INNER);
}

Test(client_large, large_call_lost)
{
	server->mode = SERVER_CLOSE_ON_CALL;
	cr_assert_eq(send_data(1 << 20), XM_INVALID_MODE);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_eq(server->n_calls, 1);
}

/* EDQUOT: not made, and not to be tried again at once. */
Test(client_large, refused_for_its_size)
{
	server->refusal = EDQUOT;
	server->refuse_once = 1;
	cr_assert_eq(send_data(1 << 20), XM_INVALID_MODE);
	cr_assert_eq(errno, EDQUOT);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(server->n_connections, 1);
	cr_assert_eq(send_data(1 << 20), XM_OK);
}

/* The refusal comes while parts are still being sent, or just after the last one was. */
static void refused_in_parts(xm_u32_t len, int refusal, int error)
{
	server->refusal = refusal;
	server->refuse_parts = 1;
	errno = 0;
	cr_assert_eq(send_data(len), XM_INVALID_MODE, "%u bytes", len);
	cr_assert_eq(errno, error, "%u bytes: errno %d", len, errno);
	cr_assert_eq(server->n_calls, 0);
	server->refuse_parts = 0;
	cr_assert_eq(send_data(len), XM_OK, "%u bytes: errno %d", len, errno);
	cr_assert(server_has_data(len));
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server_wait_open(server, 1), 1);
}

Test(client_large, refused_for_its_size_in_mid_message)
{
	refused_in_parts(MOST, EDQUOT, EDQUOT);
	cr_assert_eq(server->n_connections, 2);
}

Test(client_large, refused_for_its_size_at_the_end)
{
	refused_in_parts(XM_WIRE_PACKET, EDQUOT, EDQUOT);
	cr_assert_eq(server->n_connections, 2);
}

/* A message that was cut cannot have been made, whatever the refusal says. */
Test(client_large, cut_message_was_not_made)
{
	refused_in_parts(MOST, ECONNRESET, EPROTO);
}

/* Not made, and made anew in a second session; which ends the same way. */
Test(client_large, large_call_too_late)
{
	refused_in_parts(MOST, ETIMEDOUT, EPIPE);
	cr_assert_eq(server->n_connections, 3);
}

Test(client_large, large_call_reconnects)
{
	cr_assert_eq(call(), XM_OK);
	server_close_all(server);
	cr_assert_eq(send_data(MOST), XM_OK);
	cr_assert(server_has_data(MOST));
	cr_assert_eq(server->n_calls, 2);
	cr_assert_eq(server->n_connections, 2);
}

static void *large_calls(void *arg)
{
	xm_u32_t len = (xm_u32_t)(uintptr_t)arg;

	for (int i = 0; i < 20; i++)
		if (send_data(len) != XM_OK)
			return arg;
	return NULL;
}

Test(client_large, large_calls_of_four_threads)
{
	pthread_t threads[4];
	void *bad;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, large_calls,
			       (void *)(uintptr_t)(i * 70000 + 1000));
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		cr_assert_null(bad);
	}
	cr_assert_eq(server->n_calls, 80);
	cr_assert_eq(server->n_connections, 1);
}

static void *large_calls_for_ever(void *arg)
{
	for (;;) {
		send_data(4 << 20);
		pthread_testcancel();
	}
	return arg;
}

static int child_calls_large(void)
{
	return send_data(1 << 20) == XM_OK && call() == XM_OK ? 0 : 1;
}

Test(client_large, fork_while_a_thread_sends_parts)
{
	pthread_t thread;

	pthread_create(&thread, NULL, large_calls_for_ever, NULL);
	usleep(20000);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(run_child(child_calls_large), 0);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

Test(client_large, large_calls_in_a_signal_storm)
{
	struct sigaction action = { .sa_handler = ignore }; /* without SA_RESTART */
	struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(send_data(1 << 20), XM_OK, "call %d, errno %d", i, errno);
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert_eq(server->n_calls, 20);
}
