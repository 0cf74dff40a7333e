// SPDX-License-Identifier: LGPL-2.1-or-later
/* The session below the calls: threads, fork, descriptors, a broker that goes away or lies. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xm.h>

#include "client_server.h"
#include "libxm/session.h"

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

TestSuite(client_session, .init = setup, .fini = teardown, .timeout = 60);

static xm_s32_t call(void)
{
	return XM_suspend_partition(1);
}

static int descriptor(void)
{
	struct session *s;
	int fd;

	cr_assert_eq(session_enter(&s), 0);
	fd = session_descriptor(s);
	session_leave(s);
	return fd;
}

/* ---- threads ----------------------------------------------------------------------------------- */

static void *thousand_calls(void *arg)
{
	for (long i = 0; i < 1000; i++) {
		xmTime_t t = 0;

		if (XM_get_time(XM_HW_CLOCK, &t) != XM_OK || t != SERVER_NUMBER)
			return arg;
	}
	return NULL;
}

Test(client_session, four_threads)
{
	pthread_t threads[4];
	void *bad;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, thousand_calls, server);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		cr_assert_null(bad);
	}
	cr_assert_eq(server->n_calls, 4000);
	cr_assert_eq(server->n_connections, 1);
}

static void *call_for_ever(void *arg)
{
	for (;;) {
		call();
		pthread_testcancel();
	}
	return arg;
}

/* A thread is not cancelled in mid-call, with the session in its hands. */
Test(client_session, cancellation)
{
	pthread_t thread;

	server->mode = SERVER_SLOW;
	for (int i = 0; i < 5; i++) {
		pthread_create(&thread, NULL, call_for_ever, NULL);
		usleep(10000);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		cr_assert_eq(call(), XM_OK);
	}
	cr_assert_eq(server->n_connections, 1);
}

/* ---- fork -------------------------------------------------------------------------------------- */

static int inherited;

static int child_calls(void)
{
	struct stat st;

	if (call() != XM_OK)
		return 1;
	/* The parent's connection is closed here, and not shut down. */
	if (descriptor() != inherited && fstat(inherited, &st) == 0)
		return 2;
	return call() == XM_OK ? 0 : 3;
}

Test(client_session, fork_has_its_own_connection)
{
	cr_assert_eq(call(), XM_OK);
	inherited = descriptor();
	cr_assert_eq(run_child(child_calls), 0);
	cr_assert_eq(server->n_connections, 2);
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_connections, 2);
}

static int child_calls_without_parent(void)
{
	return call() == XM_OK && server->n_open == 1 ? 0 : 1;
}

/* Before the first call there is nothing to inherit. */
Test(client_session, fork_before_the_first_call)
{
	cr_assert_eq(run_child(child_calls_without_parent), 0);
	cr_assert_eq(call(), XM_OK);
}

static int child_reuses_the_number(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	/* The application of the child closed the number and has it for something else. */
	if (dup2(fd, inherited) < 0 || call() != XM_OK)
		return 1;
	return fstat(inherited, &st) == 0 && S_ISCHR(st.st_mode) ? 0 : 2;
}

Test(client_session, a_child_does_not_close_what_is_not_the_connection)
{
	cr_assert_eq(call(), XM_OK);
	inherited = descriptor();
	cr_assert_eq(run_child(child_reuses_the_number), 0);
}

static int child_calls_once(void)
{
	return call() == XM_OK ? 0 : 1;
}

/* Children of a process whose other threads are in mid-call, holding the lock. */
Test(client_session, fork_while_a_thread_calls)
{
	pthread_t thread;

	server->mode = SERVER_SLOW;
	pthread_create(&thread, NULL, call_for_ever, NULL);
	usleep(50000);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(run_child(child_calls_once), 0);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static int child_forks(void)
{
	return call() == XM_OK && run_child(child_calls_once) == 0 && call() == XM_OK ? 0 : 1;
}

Test(client_session, grandchildren)
{
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(run_child(child_forks), 0);
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_connections, 3);
	cr_assert_eq(server_wait_open(server, 1), 1);
}

/* ---- lost connections -------------------------------------------------------------------------- */

/* What was sent is never sent again; the next call has a new connection. */
static void lost_in_mid_call(enum server_mode mode)
{
	server->mode = SERVER_ANSWER;
	cr_assert_eq(call(), XM_OK);
	server->mode = mode;
	server->n_calls = 0;
	errno = 0;
	cr_assert_eq(call(), XM_INVALID_MODE, "mode %d", mode);
	cr_assert_eq(errno, ECONNRESET, "mode %d", mode);
	cr_assert_eq(server->n_calls, 1, "mode %d", mode);
	server->mode = SERVER_ANSWER;
	cr_assert_eq(call(), XM_OK, "mode %d", mode);
	cr_assert_eq(server->n_calls, 2, "mode %d", mode);
}

Test(client_session, lost_in_mid_call)
{
	lost_in_mid_call(SERVER_CLOSE_ON_CALL);
}

Test(client_session, garbage)
{
	lost_in_mid_call(SERVER_GARBAGE);
}

Test(client_session, truncated_result)
{
	lost_in_mid_call(SERVER_TRUNCATED);
}

Test(client_session, result_of_another_call)
{
	lost_in_mid_call(SERVER_WRONG_SERIAL);
}

Test(client_session, result_with_a_descriptor)
{
	lost_in_mid_call(SERVER_SEND_DESCRIPTOR);
}

/* What went wrong then, and whether before or after the call, is not said: the outcome is unknown. */
Test(client_session, refused_in_mid_call)
{
	server->refusal = EPROTO;
	lost_in_mid_call(SERVER_REFUSE_CALL);
}

/* A broker that ends a session between calls says that the call was not made: it is made anew. */
Test(client_session, ended_before_the_call)
{
	cr_assert_eq(call(), XM_OK);
	server->refusal = ETIMEDOUT;
	server->refuse_once = 1;
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_connections, 2);
	server->refusal = ESHUTDOWN;
	server->refuse_once = 1;
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_connections, 3);
}

/* And not for ever. */
Test(client_session, ended_again_and_again)
{
	cr_assert_eq(call(), XM_OK);
	server->refusal = ETIMEDOUT;
	server->refuse_once = 2;
	errno = 0;
	cr_assert_eq(call(), XM_INVALID_MODE);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(call(), XM_OK);
}

/* A connection that the server closed while it was idle: the call goes over a new one. */
Test(client_session, reconnects)
{
	cr_assert_eq(call(), XM_OK);
	server_close_all(server);
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_calls, 2);
	cr_assert_eq(server->n_connections, 2);
}

Test(client_session, broker_restart)
{
	cr_assert_eq(call(), XM_OK);
	server_kill(server);
	errno = 0;
	cr_assert_eq(call(), XM_INVALID_MODE);
	cr_assert_eq(errno, ECONNREFUSED);
	server_restart(server);
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_calls, 2);
}

static void ignore(int sig)
{
	(void)sig;
}

static volatile sig_atomic_t n_pipe;

static void count_pipe(int sig)
{
	(void)sig;
	n_pipe++;
}

Test(client_session, no_sigpipe)
{
	signal(SIGPIPE, count_pipe);
	cr_assert_eq(call(), XM_OK);
	server_close_all(server);
	cr_assert_eq(call(), XM_OK);
	server_kill(server);
	cr_assert_eq(call(), XM_INVALID_MODE);
	cr_assert_eq(n_pipe, 0);
}

Test(client_session, signal_storm)
{
	struct sigaction action = { .sa_handler = ignore }; /* without SA_RESTART */
	struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(call(), XM_OK, "call %d, errno %d", i, errno);
		if (i % 100 == 0)
			server_close_all(server);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert_eq(server->n_calls, 1000);
}

/* ---- descriptors ------------------------------------------------------------------------------- */

Test(client_session, application_closed_the_descriptor)
{
	cr_assert_eq(call(), XM_OK);
	close(descriptor());
	cr_assert_eq(call(), XM_OK);
	cr_assert_eq(server->n_connections, 2);
}

/* A file that got the number is neither written to nor closed. */
Test(client_session, application_reused_the_descriptor)
{
	int fd, pair[2];
	char byte;

	cr_assert_eq(call(), XM_OK);
	fd = descriptor();
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	dup2(pair[0], fd);
	cr_assert_eq(call(), XM_OK);
	cr_assert_neq(descriptor(), fd);
	cr_assert_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	cr_assert_eq(send(fd, "x", 1, 0), 1);
}

static int child_without_standard_streams(void)
{
	close(0);
	close(1);
	close(2);
	return call() == XM_OK && descriptor() > 2 && fcntl(0, F_GETFD) < 0 ? 0 : 1;
}

Test(client_session, leaves_standard_streams_alone)
{
	cr_assert_eq(run_child(child_without_standard_streams), 0);
}

Test(client_session, closes_on_exec)
{
	cr_assert_eq(call(), XM_OK);
	cr_assert(fcntl(descriptor(), F_GETFD) & FD_CLOEXEC);
}
