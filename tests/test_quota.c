// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a uid may do in a second and have at a time, and who gives way when there is no more.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

#define SOMEBODY 12345

/* Limits do not hold for root: what connects has to be somebody.  Others are pretended. */
static void as_somebody(void (*test)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		test();
		return;
	}
	pid = fork();
	if (pid == 0) {
		alarm(20); /* what fails in here may wait for ever */
		if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) < 0 ||
		    setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0)
			_exit(1);
		test();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
}

/* Unlike cr_assert() it also ends a process that Criterion does not know. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static bool is_refused(int fd, const char *reason)
{
	struct xm_wire_refused refused;
	ssize_t len = answer(fd);

	return len > 0 && xm_wire_get_refused(msg, (size_t)len, &refused) == 0 &&
	       strstr(refused.reason, reason);
}

static bool is_open(int fd)
{
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void set_rate(enum users_rate rate, uint32_t tokens, uint32_t burst)
{
	server->users.limit[rate] = (struct bucket_limit){ tokens, burst };
}

static unsigned int count_answers(int fd)
{
	unsigned int n = 0;

	while (recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* ---- calls and records ------------------------------------------------------------------------------- */

/* One message of a session is handled in a round. */
static void wait_and_serve(int64_t ms)
{
	let_pass(ms);
	for (unsigned int i = 0; i < 3; i++)
		turns();
}

static void expect_rate(int fd)
{
	for (unsigned int i = 0; i < 30; i++)
		send_call(fd, XM_OP_GET_TIME);
	wait_and_serve(0);
	cr_expect_eq(count_answers(fd), 10);
	cr_expect_not(server->loop.busy, "who waits for tokens keeps nobody awake");
	wait_and_serve(500);
	cr_expect_eq(count_answers(fd), 5);
	wait_and_serve(10000);
	cr_expect_eq(count_answers(fd), 10, "no more are saved up than for a second");
	wait_and_serve(10000);
	cr_expect_eq(count_answers(fd), 5, "and none is lost");
}

Test(session, calls_beyond_the_rate_wait)
{
	set_rate(USERS_CALLS, 10, 10);
	expect_rate(client_of(1000));
}

Test(session, calls_wait_for_what_they_put_on_record)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	set_rate(USERS_AUDIT, 20, 20);
	expect_rate(client_of(1000));
}

Test(session, the_rate_of_one_user_is_not_anothers)
{
	int a, b;

	set_rate(USERS_CALLS, 10, 10);
	a = client_of(1000);
	b = client_of(1001);
	for (unsigned int i = 0; i < 20; i++)
		send_call(a, XM_OP_GET_TIME);
	wait_and_serve(0);
	cr_expect(turns_is_held(server->first->user));
	cr_expect_eq(call(b, XM_OP_GET_TIME), XM_C_OK);
}

Test(session, all_sessions_of_a_user_have_one_rate)
{
	int fd[4];
	unsigned int n = 0;

	set_rate(USERS_CALLS, 10, 10);
	for (unsigned int i = 0; i < 4; i++)
		fd[i] = client_of(1000);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int c = 0; c < 10; c++)
			send_call(fd[i], XM_OP_GET_TIME);
	for (unsigned int i = 0; i < 10; i++)
		turns();
	for (unsigned int i = 0; i < 4; i++)
		n += count_answers(fd[i]);
	cr_expect_eq(n, 10);
}

Test(session, who_is_held_and_goes_away_is_gone)
{
	int fd;

	set_rate(USERS_CALLS, 10, 10);
	fd = client_of(1000);
	for (unsigned int i = 0; i < 20; i++)
		send_call(fd, XM_OP_GET_TIME);
	wait_and_serve(0);
	close(fd);
	turns();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(hypervisor->n_calls, 10);
	cr_expect_eq(server->users.resting.n, 1, "but its calls are remembered");
	client_of(1000);
	cr_expect_not(users_may(&server->users, server->last->user, USERS_CALLS));
}

Test(session, denials_beyond_the_rate_are_folded)
{
	static char text[1 << 20];
	unsigned int n = 0;
	int fd;

	set_rate(USERS_DENIALS, 5, 5);
	fake_policy.answer = FAKE_DENY;
	fd = client_of(1000);
	for (unsigned int i = 0; i < 20; i++)
		cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_PERM_ERROR);
	session_log(text, sizeof(text));
	for (const char *p = text; (p = strstr(p, "\"decision\":\"deny\"")); p++)
		n++;
	cr_expect_eq(n, 5);
	cr_expect_eq(audit_flush_folds(server->audit), 0);
	cr_expect(logged("\"records\":15"));
}

/* ---- connections ------------------------------------------------------------------------------------- */

static void connect_fast(void)
{
	int fd = -1;

	set_rate(USERS_CONNECTIONS, 2, 5);
	for (unsigned int i = 0; i < 5; i++)
		close(client());
	fd = connect_only();
	MUST(is_refused(fd, "in a short time"));
	MUST(answer(fd) == 0);
	/* To come back, or to wait as if nobody had been there, gains nothing. */
	turns();
	MUST(server->n_sessions == 0);
	MUST(is_refused(connect_only(), "in a short time"));
	let_pass(500);
	close(client());
	MUST(is_refused(connect_only(), "in a short time"));
	MUST(server->n_refused[SERVER_REFUSED_RATE] == 3);
}

Test(session, connections_beyond_the_rate_are_refused_with_the_reason)
{
	as_somebody(connect_fast);
}

static void set_up_many(void)
{
	int fd[3];

	server->config.max_setup = 10;
	server->config.max_setup_per_user = 3;
	for (unsigned int i = 0; i < 3; i++)
		fd[i] = connect_only();
	MUST(is_refused(connect_only(), "of this user are being set up"));
	say_hello(fd[0]);
	MUST(answer(fd[0]) > 0);
	MUST(is_open(connect_only()));
	let_pass(SERVER_SETUP_MS + 1);
	MUST(server->users.n_setup == 0);
	MUST(server->n_sessions == 1);
}

Test(session, a_user_has_only_so_many_connections_in_set_up)
{
	as_somebody(set_up_many);
}

/* A connection of somebody else's that is not set up. */
static int pending_of(uid_t uid)
{
	int fd = connect_only();

	pretend(server->last, uid);
	return fd;
}

static void flood_set_up(void)
{
	int fd[6];

	server->config.max_setup = 6;
	server->config.max_setup_per_user = 6;
	for (unsigned int i = 0; i < 6; i++)
		fd[i] = pending_of(1000);
	MUST(is_open(connect_only()));
	MUST(is_refused(fd[5], "other users need the room"));
	MUST(is_open(fd[0]) && is_open(fd[4]));
	MUST(server->n_evicted[SERVER_EVICTED_SETUP] == 1);
	/* Up to a fair share. */
	MUST(is_open(connect_only()));
	MUST(is_refused(connect_only(), "too many connections are being set up"));
	MUST(server->users.n_setup == 6);
}

Test(session, who_floods_the_set_up_gives_way)
{
	as_somebody(flood_set_up);
}

static void fill_with_sessions(void)
{
	int fd[8], idle;

	server->config.max_sessions = 9;
	idle = client_of(1001);
	for (unsigned int i = 0; i < 8; i++)
		fd[i] = client_of(1000);
	/* The first of them was used last. */
	call(fd[0], XM_OP_GET_TIME);
	client();
	MUST(is_refused(fd[1], "other users need the room"));
	MUST(is_open(fd[0]) && is_open(fd[2]) && is_open(idle));
	MUST(server->n_sessions == 9);
	/* A fair share of nine between three, and one who may come, is two. */
	client();
	MUST(is_refused(fd[2], "other users need the room"));
	MUST(is_refused(connect_only(), "too many sessions"));
	MUST(server->n_evicted[SERVER_EVICTED_SESSION] == 2);
}

Test(session, who_has_most_sessions_gives_way)
{
	as_somebody(fill_with_sessions);
}

/* What has been sent and is not looked at, since its user has no tokens left, is no call under way. */
static void fill_with_what_waits(void)
{
	int fd[4];

	set_rate(USERS_CALLS, 1, 4);
	server->config.max_sessions = 4;
	for (unsigned int i = 0; i < 4; i++)
		fd[i] = client_of(1000);
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = 0; i < 4; i++) {
			send_call(fd[i], XM_OP_GET_TIME);
			turns();
		}
	MUST(server->first->queued && turns_is_held(server->first->user));
	client();
	MUST(result(fd[0]) == XM_C_OK);
	MUST(is_refused(fd[0], "other users need the room"));
}

Test(session, who_is_held_gives_way_too)
{
	as_somebody(fill_with_what_waits);
}

static void fill_with_work(void)
{
	int fd[4];

	server->config.max_sessions = 4;
	for (unsigned int i = 0; i < 4; i++) {
		fd[i] = client_of(1000);
		send_call(fd[i], XM_OP_BROKER_RELOAD);
		turns();
	}
	MUST(is_refused(connect_only(), "too many sessions"));
	MUST(is_open(fd[0]));
	/* Nor does root give way to anybody. */
	for (struct session *s = server->first; s; s = s->next) {
		s->state = SESSION_OPEN;
		pretend(s, 0);
	}
	MUST(is_refused(connect_only(), "too many sessions"));
}

Test(session, nobody_gives_way_in_the_middle_of_a_call)
{
	as_somebody(fill_with_work);
}

static void come_early(void)
{
	server->config.max_sessions = 4;
	for (uid_t uid = 1000; uid < 1004; uid++)
		client_of(uid);
	MUST(is_refused(connect_only(), "too many sessions"));
}

Test(session, who_has_no_more_than_a_fair_share_keeps_it)
{
	as_somebody(come_early);
}

/* ---- descriptors and memory -------------------------------------------------------------------------- */

Test(session, without_descriptors_who_has_most_gives_way)
{
	struct rlimit limit;
	int fd[6], other = client_of(1001), late;

	for (unsigned int i = 0; i < 6; i++)
		fd[i] = client_of(1000);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	late = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	limit.rlim_cur = (rlim_t)late + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(connect(late, (struct sockaddr *)&address, address_len), 0);
	turns();
	cr_expect_null(server->accept_pause.queue);
	cr_expect(is_refused(fd[0], "other users need the room"));
	cr_expect_eq(call(other, XM_OP_GET_TIME), XM_C_OK);
	say_hello(late);
	cr_expect_gt(answer(late), 0);
}

/* A message in parts of which the first has come. */
static int transfer_of(uid_t uid, size_t total)
{
	int fd = client_of(uid);

	cr_assert(send_part(fd, 77, total, 0));
	turns();
	return fd;
}

Test(session, who_holds_most_memory_for_long_messages_loses_the_slowest)
{
	size_t total = (size_t)put_write(MESSAGE);
	int slow, fast, other;

	server->config.large_memory = 3 * MESSAGE + 1000;
	server->config.large_memory_per_user = 3 * MESSAGE + 1000;
	fast = transfer_of(1000, total);
	slow = transfer_of(1000, total);
	let_pass(100);
	/* Who is asked for more time has shown progress. */
	server->first->unsent_timer.at += 1000;
	transfer_of(1000, total);
	cr_expect_eq(server->users.large, 3 * (total + sizeof(struct assembly)));
	other = transfer_of(1001, total);
	cr_expect(is_refused(slow, "other users need the memory"));
	cr_expect(is_open(fast) && is_open(other));
	cr_expect_eq(server->n_evicted[SERVER_EVICTED_MEMORY], 1);
	/* A second one would be more than the share of the other. */
	expect_refused(transfer_of(1001, total), EDQUOT);
}

Test(session, who_loses_memory_does_not_pay_for_the_call_that_needed_it)
{
	size_t total = (size_t)put_write(MESSAGE);
	int fd;

	server->config.large_memory = 3 * MESSAGE + 1000;
	server->config.large_memory_per_user = 3 * MESSAGE + 1000;
	for (unsigned int i = 0; i < 3; i++)
		transfer_of(1000, total);
	fd = client_of(1001);
	cr_assert_eq(ask_to_read(fd, MESSAGE), 0);
	turns();
	cr_expect_eq(server->n_evicted[SERVER_EVICTED_MEMORY], 1);
	cr_expect_eq(server->first->user->uid, 1000);
	cr_expect_eq(server->first->user->n_calls, 0);
	cr_expect_eq(server->last->user->n_calls, 1);
}

Test(session, only_so_many_requests_of_a_user_wait_for_the_supervisor)
{
	struct channel_message m;
	int fd[3], other;

	server->config.waiting_per_user = 2;
	for (unsigned int i = 0; i < 3; i++)
		fd[i] = client_of(1000);
	for (unsigned int i = 0; i < 2; i++) {
		send_call(fd[i], XM_OP_BROKER_RELOAD);
		reload_channel(&m);
	}
	cr_expect_eq(call(fd[2], XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
	other = client_of(1001);
	send_call(other, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	tell(CHANNEL_RELOADED, 1, true, -1, "");
	cr_expect_eq(result(fd[0]), XM_C_OK);
	send_call(fd[2], XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	cr_expect_eq(call(fd[0], XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
}

/* ---- pids -------------------------------------------------------------------------------------------- */

/* The process that connected has ended, another one of the same user goes on with its socket. */
Test(session, a_pid_decides_nothing)
{
	int fd = -1, status, pair[2];
	char text[4096] = "";
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pid = fork();
	if (pid == 0)
		_exit(connect(fd, (struct sockaddr *)&address, address_len) < 0);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
	turns();
	cr_assert_eq(server->last->id.pid, pid);
	say_hello(fd);
	cr_assert_gt(answer(fd), 0);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(call(fd, XM_OP_BROKER_SESSIONS), XM_C_OK);
	memcpy(text, reply.out[1].data, reply.out[1].len);
	cr_expect(strstr(text, "process=ended") || strstr(text, "process=?"), "%s", text);
}
