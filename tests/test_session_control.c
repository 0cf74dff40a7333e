// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions and the supervisor: the operations of the broker itself, new policies, the end.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

static struct channel_message m;

/* ---- the broker's own operations --------------------------------------------------------------------- */

Test(session, a_reload_waits_for_the_supervisor)
{
	int fd = client();

	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	cr_expect_lt(answer(fd), 0);
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	tell(CHANNEL_RELOADED, m.number, true, -1, "good\n");
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.value, 0);
	cr_expect_eq(memcmp(reply.out[XM_A_BROKER_RELOAD_text].data, "good\n", 5), 0);
	cr_expect_eq(server->gate.generation, 2);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
}

Test(session, a_reload_that_failed_says_so)
{
	int fd = client();

	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	tell(CHANNEL_RELOADED, m.number, false, -1, "policy.yaml:1:1: error\n");
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.value, 1);
}

Test(session, who_waits_for_a_reload_and_goes_away_leaves_an_unknown_result)
{
	int fd = client();

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	close(fd);
	turns();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect(logged("\"result\":\"unknown\""));
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
}

Test(session, a_kicked_user_has_no_sessions_left)
{
	int a = client(), b = client();

	fake_request(XM_OP_BROKER_KICK, &req);
	req.arg[0].num = geteuid();
	cr_assert_gt(send(a, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	cr_expect_eq(result(a), XM_C_OK);
	cr_expect_eq(reply.value, 2);
	expect_refused(a, ESHUTDOWN);
	expect_refused(b, ESHUTDOWN);
	cr_expect_eq(server->n_sessions, 0);
}

Test(session, who_kicks_pays_for_it)
{
	int asking = client();
	struct user *user;

	client();
	pretend(server->last, 4242);
	user = users_get(&server->users, 4242);
	fake_request(XM_OP_BROKER_KICK, &req);
	req.arg[0].num = 4242;
	cr_assert_gt(send(asking, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	cr_expect_eq(result(asking), XM_C_OK);
	cr_expect_eq(reply.value, 1);
	cr_expect_eq(user->n_calls, 0);
	cr_expect_eq(server->first->user->n_calls, 1);
	users_put(&server->users, user);
}

Test(session, sessions_are_listed_by_number)
{
	char text[1024] = "";
	int fd = client();

	client();
	cr_expect_eq(call(fd, XM_OP_BROKER_SESSIONS), XM_C_OK);
	cr_expect_eq(reply.value, 2);
	memcpy(text, reply.out[1].data, reply.out[1].len);
	cr_expect_not_null(strstr(text, "comm=test"));
	fake_request(XM_OP_BROKER_SESSIONS, &req);
	req.arg[0].num = 2;
	cr_assert_gt(send(fd, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	result(fd);
	cr_expect_eq(reply.value, 1);
}

Test(session, status_counts)
{
	char text[2048] = "";
	int fd = client();

	call(fd, XM_OP_GET_TIME);
	cr_expect_eq(call(fd, XM_OP_BROKER_STATUS), XM_C_OK);
	memcpy(text, reply.out[0].data, reply.out[0].len);
	cr_expect_not_null(strstr(text, "forwarded: 1\n"), "%s", text);
	cr_expect_not_null(strstr(text, "generation: 1\n"));
}

/* ---- policy ------------------------------------------------------------------------------------------ */

static struct policy_decision by_image(const struct policy_image *image,
				       const struct policy_subject *subject,
				       const struct xm_request *request)
{
	(void)subject;
	(void)request;
	return fake_image_digest(image) == 1 ? FAKE_ALLOW : FAKE_DENY;
}

Test(session, a_live_session_is_decided_by_the_new_policy)
{
	int fd = client();
	unsigned int filtered;

	fake_policy.decide = by_image;
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
	filtered = fake_policy.n_filtered;
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(fake_policy.n_filtered, filtered + 1);
	cr_expect(logged("\"type\":\"policy\""));
}

Test(session, an_image_that_is_not_sealed_is_refused)
{
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd_unsealed(2), "");
	cr_expect_eq(server->gate.generation, 1);
	cr_expect_eq(fake_image_digest(server->gate.image), 1);
}

/* A file has no seals to ask for, and "none to ask for" must not read as "all of them". */
Test(session, an_image_in_a_file_is_refused)
{
	char path[] = "/var/tmp/test_session.XXXXXX", block[4096];
	int image = fake_image_fd(2, 3), file = mkstemp(path);
	ssize_t len = pread(image, block, sizeof(block), 0);

	cr_assert_geq(file, 0);
	unlink(path);
	cr_assert_eq(write(file, block, (size_t)len), len);
	close(image);
	tell(CHANNEL_IMAGE, 2, false, file, "");
	cr_expect_eq(server->gate.generation, 1);
}

Test(session, a_damaged_image_is_refused)
{
	uint8_t block[4096];
	int image = fake_image_fd(2, 3),
	    fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t len = pread(image, block, sizeof(block), 0);

	cr_assert_gt(len, 0);
	close(image);
	block[0] ^= 1;
	cr_assert_eq(write(fd, block, (size_t)len), len);
	cr_assert_eq(
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
		0);
	tell(CHANNEL_IMAGE, 2, false, fd, "");
	cr_expect_eq(server->gate.generation, 1);
}

Test(session, an_image_of_another_system_is_refused)
{
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 2), "");
	cr_expect_eq(server->gate.generation, 1);
}

/* On the account of another user; its identity stays. */
static int client_as(uid_t uid)
{
	int fd = client();
	uid_t own = server->last->id.uid;

	pretend(server->last, uid);
	server->last->id.uid = own;
	return fd;
}

Test(session, only_so_many_reloads_are_asked_for_at_once)
{
	int fds[8], one_more;

	server->config.max_sessions_per_user = 16;
	for (int i = 0; i < 8; i++) {
		fds[i] = client_as(0); /* the last place is root's */
		send_call(fds[i], XM_OP_BROKER_RELOAD);
		reload_channel(&m);
	}
	one_more = client_as(0);
	cr_expect_eq(call(one_more, XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
	cr_expect_eq(channel_receive(supervisor, &m), -EAGAIN);
	/* An answer is as much under way when nobody waits for it any more. */
	close(fds[0]);
	turns();
	cr_expect_eq(call(one_more, XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
	tell(CHANNEL_RELOADED, 1, true, -1, "");
	send_call(one_more, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	cr_expect_eq(m.number, 9);
}

Test(session, who_disconnects_keeps_his_share_of_the_waiting_requests)
{
	int fd;

	server->config.waiting_per_user = 2;
	for (unsigned int i = 0; i < 2; i++) {
		fd = client_as(1000);
		send_call(fd, XM_OP_BROKER_RELOAD);
		reload_channel(&m);
		close(fd);
		turns();
	}
	cr_expect_eq(server->n_sessions, 0);
	fd = client_as(1000);
	cr_expect_eq(call(fd, XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
	tell(CHANNEL_RELOADED, 1, true, -1, "");
	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
}

Test(session, the_last_request_that_may_wait_is_roots)
{
	int fd;

	server->config.max_sessions_per_user = 16;
	for (uid_t i = 1; i < SERVER_RELOADS_MAX; i++) {
		send_call(client_as(1000 + i), XM_OP_BROKER_RELOAD);
		reload_channel(&m);
	}
	cr_expect_eq(call(client_as(2000), XM_OP_BROKER_RELOAD), XM_C_NOT_AVAILABLE);
	fd = client_as(0);
	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect_eq(result(fd), XM_C_OK);
}

Test(session, a_reload_whose_image_was_refused_is_no_success)
{
	int fd = client();

	send_call(fd, XM_OP_BROKER_RELOAD);
	reload_channel(&m);
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd_unsealed(2), "");
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.value, 1);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

Test(session, it_stops_when_told)
{
	tell(CHANNEL_STOP, 0, false, -1, "");
	cr_expect(server->loop.stop);
}

Test(session, it_stops_when_the_supervisor_is_gone)
{
	shutdown(supervisor, SHUT_RDWR);
	turns();
	cr_expect(server->loop.stop);
}

Test(session, at_the_end_clients_are_told_and_the_log_is_closed)
{
	int fd = client();

	tell(CHANNEL_STOP, 0, false, -1, "");
	cr_expect_eq(server_run(server), 0);
	cr_assert_eq(channel_receive(supervisor, &m), 1);
	cr_expect_eq(m.type, CHANNEL_READY);
	cr_expect_gt(recv(fd, msg, sizeof(msg), MSG_DONTWAIT), 0);
	cr_expect(logged("\"type\":\"start\""));
	cr_expect(logged("\"type\":\"stop\""));
}
