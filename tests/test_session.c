// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: the main way, set-up, and messages that no client of ours would send.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

/* ---- the main way ------------------------------------------------------------------------------------ */

Test(session, a_client_is_welcomed_and_its_call_forwarded)
{
	int fd = client();

	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_GET_TIME_time].num, 4711);
	cr_expect_eq(hypervisor->n_calls, 1);
	cr_expect_eq(fake_policy.last.uid, geteuid());
	cr_expect(logged("\"event\":\"open\""));
}

Test(session, calls_sent_together_are_answered_in_order)
{
	int fd = client();

	for (unsigned int i = 0; i < 5; i++)
		send_call(fd, XM_OP_GET_TIME);
	for (unsigned int i = 0; i < 5; i++)
		cr_expect_eq(result(fd), XM_C_OK);
}

Test(session, one_call_of_each_session_is_served_a_round)
{
	int a = client(), b = client();

	for (unsigned int i = 0; i < 10; i++)
		send_call(a, XM_OP_GET_TIME);
	send_call(b, XM_OP_GET_TIME);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_gt(recv(b, msg, sizeof(msg), MSG_DONTWAIT), 0);
}

Test(session, a_client_that_closes_is_forgotten)
{
	int fd = client();

	close(fd);
	turns();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(users_count(&server->users, geteuid()), 0);
	cr_expect(logged("\"event\":\"close\""));
}

Test(session, the_identity_is_filtered_for_the_policy)
{
	fake_policy.keep_gid = 1;
	connect_only();
	cr_expect_eq(fake_policy.n_filtered, 1);
	cr_expect_leq(server->first->n_gids, 1);
}

Test(session, an_overflow_identity_is_decided_as_one)
{
	server->config.overflow.uid = geteuid();
	call(client(), XM_OP_GET_TIME);
	cr_expect(fake_policy.last.overflow);
}

Test(session, an_idle_session_is_small)
{
	cr_expect_leq(sizeof(struct session), 1024);
}

/* ---- set-up ------------------------------------------------------------------------------------------ */

Test(session, a_client_without_a_common_version_is_refused)
{
	const struct xm_wire_hello hello = { 2, 9, XM_PROFILE_ID_3_X, "", "" };
	int fd = connect_only();
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	expect_refused(fd, EPROTONOSUPPORT);
}

Test(session, versions_are_negotiated)
{
	const struct xm_wire_hello hello = { 0, 9, XM_PROFILE_ID_3_X, "", "" };
	struct xm_wire_welcome welcome;
	int fd = connect_only();
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)answer(fd), &welcome), 0);
	cr_expect_eq(welcome.version, XM_WIRE_VERSION);
}

Test(session, a_call_before_hello_is_malformed)
{
	int fd = connect_only();

	send_call(fd, XM_OP_GET_TIME);
	expect_refused(fd, EPROTO);
	cr_expect_eq(fake_policy.n_decided, 0);
}

Test(session, who_never_says_hello_is_dropped_in_time)
{
	int fd = connect_only();

	let_pass(SERVER_SETUP_MS - 1000);
	cr_expect_eq(server->n_sessions, 1);
	let_pass(1001);
	expect_refused(fd, ETIMEDOUT);
	cr_expect_eq(server->n_sessions, 0);
}

Test(session, a_hello_that_has_come_counts_although_time_is_up)
{
	int fd = connect_only();

	say_hello(fd);
	let_pass(SERVER_SETUP_MS + 1);
	cr_expect_eq(server->n_sessions, 1);
	cr_expect_eq(server->first->state, SESSION_OPEN);
}

/* ---- hostile messages -------------------------------------------------------------------------------- */

Test(session, garbage_ends_the_session_and_only_it)
{
	int good = client(), bad = client();

	memset(msg, 0xa5, sizeof(msg));
	cr_assert_gt(send(bad, msg, 100, 0), 0);
	expect_refused(bad, EPROTO);
	cr_expect_eq(call(good, XM_OP_GET_TIME), XM_C_OK);
}

/* That is between the broker and xmsim; who has not come in may not say it either. */
Test(session, narrowing_is_not_for_clients)
{
	struct xm_mask mask = { { 0 } };
	int fds[] = { client(), connect_only() };

	for (unsigned int i = 0; i < 2; i++) {
		int len = xm_wire_put_restrict(msg, sizeof(msg), &mask);

		cr_assert_eq(send(fds[i], msg, (size_t)len, 0), len);
		expect_refused(fds[i], EPROTO);
	}
}

Test(session, a_second_hello_is_malformed)
{
	int fd = client();

	say_hello(fd);
	expect_refused(fd, EPROTO);
}

Test(session, a_message_that_is_too_long_ends_the_session)
{
	static uint8_t big[XM_WIRE_PACKET + 1];
	int fd = client();

	cr_assert_gt(send(fd, big, sizeof(big), 0), 0);
	expect_refused(fd, EPROTO);
}

static void pass_descriptor(int over, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	int len;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	fake_request(XM_OP_GET_TIME, &req);
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	iov = (struct iovec){ msg, (size_t)len };
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	cr_assert_eq(sendmsg(over, &m, 0), len);
}

Test(session, a_call_with_a_descriptor_ends_the_session_uncalled)
{
	int fd = client();

	pass_descriptor(fd, STDERR_FILENO);
	expect_refused(fd, EPROTO);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, a_call_through_a_passed_descriptor_ends_the_session_uncalled)
{
	int fd = client();
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	pid = fork();
	if (pid == 0) {
		if (setresuid(12345, 12345, 12345) < 0)
			_exit(1);
		send_call(fd, XM_OP_GET_TIME);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	expect_refused(fd, EACCES);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(fake_policy.n_decided, 0);
}

/* Fills the client's side until the server has to keep an answer. */
static void do_not_read(int fd)
{
	for (unsigned int i = 0; i < 100000 && !server->first->unsent; i++) {
		int len;

		fake_request(XM_OP_PARTITION_SELF, &req);
		len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
		if (send(fd, msg, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			turns();
		loop_round(&server->loop, 0);
	}
	cr_assert_not_null(server->first->unsent);
}

Test(session, who_does_not_read_is_not_read_and_then_dropped)
{
	int fd = client();
	uint64_t n_calls;

	do_not_read(fd);
	n_calls = server->gate.count.calls;
	turns();
	cr_expect_eq(server->gate.count.calls, n_calls);
	let_pass(SERVER_UNSENT_MS + 1);
	cr_expect_eq(server->n_sessions, 0);
}

Test(session, who_reads_late_misses_nothing)
{
	int fd = client();
	unsigned int n = 0;

	do_not_read(fd);
	while (answer(fd) > 0)
		n++;
	cr_expect_eq(n, server->gate.count.calls);
	cr_expect_eq(server->n_sessions, 1);
	cr_expect_null(server->first->unsent);
	cr_expect_lt(server->first->user->memory, 4096);
}
