// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: what one user, and all together, may have: sessions, descriptors, age, memory.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

/* ---- limits ------------------------------------------------------------------------------------------ */

Test(session, a_user_gets_no_more_sessions_than_the_limit)
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	pid = fork();
	if (pid == 0) {
		if (setresuid(12345, 12345, 12345) < 0)
			_exit(1);
		for (unsigned int i = 0; i < config.max_sessions_per_user; i++)
			connect_only();
		expect_refused(connect_only(), EAGAIN);
		_exit(server->n_sessions == config.max_sessions_per_user ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
}

Test(session, root_is_not_locked_out_by_others)
{
	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	for (unsigned int i = 0; i < config.max_sessions; i++) {
		connect_only();
		pretend(server->last, 1000 + i);
	}
	cr_expect_eq(server->n_sessions, config.max_sessions);
	for (unsigned int i = 0; i < SERVER_ROOT_RESERVE; i++)
		connect_only();
	cr_expect_eq(server->n_sessions, config.max_sessions + SERVER_ROOT_RESERVE);
	expect_refused(connect_only(), EAGAIN);
}

Test(session, without_descriptors_it_waits_and_recovers)
{
	struct rlimit limit;
	int fd = client(), late;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	late = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	limit.rlim_cur = (rlim_t)late + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(connect(late, (struct sockaddr *)&address, address_len), 0);
	turns();
	cr_expect_not_null(server->accept_pause.queue, "the listener does not spin");
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	let_pass(SERVER_ACCEPT_PAUSE_MS + 1);
	say_hello(late);
	cr_expect_gt(answer(late), 0);
}

Test(session, an_old_session_is_closed_between_calls)
{
	int fd = client();

	let_pass(59 * 1000);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
	let_pass(2 * 1000);
	expect_refused(fd, ETIMEDOUT);
}

/* ---- memory for long messages ------------------------------------------------------------------------ */

/* Gives the session another uid, with sessions of both alike otherwise. */
static int pretended_client(uid_t uid)
{
	int fd = client();

	pretend(server->last, uid);
	return fd;
}

static void expect_over_budget(int fd)
{
	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), 0));
	expect_refused(fd, EDQUOT);
}

/* The kernel would notice that the sender is none of that uid: it is asked for what the server does. */
static struct session *charged_session(uid_t uid, size_t bytes)
{
	pretended_client(uid);
	cr_assert(session_charge_large(server->last, bytes));
	return server->last;
}

Test(session, one_user_gets_no_more_than_its_share_for_long_messages)
{
	struct session *s = charged_session(1000, LARGE / 2);

	cr_expect_not(session_charge_large(s, LARGE / 2 + 1));
	cr_expect(session_charge_large(s, LARGE / 2));
	charged_session(1001, LARGE);
	session_discharge_large(s, LARGE);
	cr_expect(session_charge_large(s, LARGE));
}

Test(session, all_users_together_get_no_more_than_there_is_and_root_a_little)
{
	struct session *s;

	for (uid_t uid = 1000; uid < 1003; uid++)
		charged_session(uid, LARGE);
	pretended_client(1003);
	cr_expect_not(session_charge_large(server->last, 1));
	s = charged_session(0, LARGE);
	cr_expect_not(session_charge_large(s, 1));
}

Test(session, a_message_over_the_budget_is_refused_and_not_made)
{
	int fd = client(), other = client();

	server->config.large_memory = MESSAGE;
	server->config.large_memory_per_user = 0;
	expect_over_budget(fd);
	cr_expect_eq(fake_policy.n_decided, 0);
	cr_expect_eq(server->users.large, 0);
	cr_expect_eq(call(other, XM_OP_GET_TIME), XM_C_OK);
}

Test(session, a_long_answer_over_the_budget_is_not_asked_for)
{
	int fd = client();

	server->config.large_memory = MESSAGE;
	server->config.large_memory_per_user = 0;
	hypervisor->message_len = MESSAGE;
	cr_assert_eq(ask_to_read(fd, MESSAGE), 0);
	expect_refused(fd, EDQUOT);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(server->users.large, 0);
}
