// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many threads of one program in the client library at once: calls, batches and lazy calls of each,
 * while others fork, and the broker closes the connection again and again.  Each sees the answers to its
 * own calls, in order, or that the connection was lost; made to be run under a thread sanitizer too.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"

#define CALLERS 6
#define CALLS 400
#define FORKS 12
#define RECONNECTS 20

static struct server *server;
static atomic_bool over;
static _Atomic unsigned long wrong, lost, right;

static void setup(void)
{
	server = server_start();
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_threads, .init = setup, .fini = teardown, .timeout = 240);

/* A call is answered, or the connection was lost in the middle of it. */
static void judge(bool fine)
{
	if (fine)
		right++;
	else if (errno == ECONNRESET || errno == EPIPE || errno == ECONNREFUSED ||
		 errno == ECONNABORTED || errno == ENOTCONN || errno == EAGAIN)
		lost++;
	else
		wrong++;
}

static void *call(void *arg)
{
	unsigned long words[] = { halt_partition_nr, 1, 2, idle_self_nr, 0 };
	xmTime_t time;

	for (unsigned int i = 0; i < CALLS; i++) {
		time = -1;
		errno = 0;
		judge(XM_get_time(XM_HW_CLOCK, &time) == XM_OK && time == SERVER_NUMBER);
		errno = 0;
		switch (i % 4) {
		case 0:
			judge(XM_multicall(words, words + 5) == XM_OK);
			break;
		case 1:
			XM_lazy_hypercall(halt_partition_nr, 1, 2UL);
			XM_lazy_hypercall(halt_partition_nr, 1, 1UL);
			judge(XM_flush_hyp_batch() == XM_OK);
			break;
		default:
			judge(XM_suspend_partition(1) == XM_OK);
		}
	}
	return arg;
}

/* A child has a session of its own, whatever other threads of its parent were at. */
static void *fork_and_call(void *arg)
{
	for (unsigned int i = 0; i < FORKS && !over; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			xmTime_t time = -1;
			xm_s32_t r = XM_get_time(XM_HW_CLOCK, &time);

			_exit(r == XM_OK && time == SERVER_NUMBER ? 0 : errno ? 1 : 2);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) == 2)
			wrong++;
	}
	return arg;
}

static void *close_connections(void *arg)
{
	for (unsigned int i = 0; i < RECONNECTS && !over; i++) {
		server_close_all(server);
		usleep(2000);
	}
	return arg;
}

static void run_threads(void *(*third)(void *), void *(*fourth)(void *))
{
	pthread_t callers[CALLERS], others[2];

	cr_assert_eq(pthread_create(&others[0], NULL, third, NULL), 0);
	cr_assert_eq(pthread_create(&others[1], NULL, fourth, NULL), 0);
	for (unsigned int i = 0; i < CALLERS; i++)
		cr_assert_eq(pthread_create(&callers[i], NULL, call, NULL), 0);
	for (unsigned int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	over = true;
	pthread_join(others[0], NULL);
	pthread_join(others[1], NULL);
}

Test(client_threads, calls_forks_and_lost_connections_at_once)
{
	xmTime_t time = 0;

	run_threads(fork_and_call, close_connections);
	cr_assert_eq(wrong, 0, "%lu wrong, %lu right, %lu lost", wrong, right, lost);
	cr_assert_gt(right, CALLERS * CALLS, "%lu right, %lu lost", right, lost);
	errno = 0;
	cr_assert_eq(XM_get_time(XM_HW_CLOCK, &time), XM_OK);
}

Test(client_threads, while_the_connection_holds_no_call_is_lost)
{
	run_threads(fork_and_call, fork_and_call);
	cr_assert_eq(wrong, 0);
	cr_assert_eq(lost, 0);
	cr_assert_eq(right, 2 * CALLERS * CALLS);
}
