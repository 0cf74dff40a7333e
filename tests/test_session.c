// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions of a whole server in this process: real sockets, a fake policy, a hypervisor that
 * records.  Deadlines are reached by moving the loop's clock.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/broker_fakes.h"
#include "xmbroker/server.h"
#include "xmbroker/session_internal.h"

#define LARGE (1u << 20)
#define LARGE_OF_ALL (3u << 20)

static struct server_config config = {
	.overflow = { 65534, 65534 },
	.session_max_age = 60,
	.max_sessions = 20,
	.max_sessions_per_user = 8,
	.large_memory = LARGE_OF_ALL,
	.large_memory_per_user = LARGE,
};
static struct server *server;
static struct fake_backend *hypervisor;
static struct sockaddr_un address;
static socklen_t address_len = sizeof(address);
static int supervisor, log_fd;
static uint8_t msg[XM_WIRE_PACKET];

static int listen_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	/* Only the family: the kernel chooses an abstract address, and no file is left behind. */
	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fd, 64), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
	return fd;
}

static void setup(void)
{
	struct sealed policy;
	struct audit *audit;
	int channel[2];
	struct server_fds fds;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, channel), 0);
	supervisor = channel[0];
	fds = (struct server_fds){ listen_socket(), channel[1] };
	log_fd = memfd_create("log", 0);
	cr_assert_eq(audit_new(dup(log_fd), &audit), 0);
	hypervisor = fake_backend_new();
	fake_policy.answer = FAKE_ALLOW;
	fake_policy.max_message = XM_WIRE_DATA_MAX;
	policy = fake_sealed(1);
	cr_assert_eq(server_new(&config, &fds, &policy, 1, &hypervisor->backend, audit, &server),
		     0);
}

static void teardown(void)
{
	server_free(server);
	close(supervisor);
	close(log_fd);
}

TestSuite(session, .init = setup, .fini = teardown);

static void turns(void)
{
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
}

static void let_pass(int64_t ms)
{
	server->loop.now += ms;
	turns();
}

static int connect_only(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
	turns();
	return fd;
}

static void say_hello(int fd)
{
	const struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_2_4, "test", "/x" };
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
}

static ssize_t answer(int fd)
{
	turns();
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT);
}

static int client(void)
{
	struct xm_wire_welcome welcome;
	int fd = connect_only();
	ssize_t len;

	say_hello(fd);
	len = answer(fd);
	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)len, &welcome), 0);
	cr_assert_eq(welcome.n_partitions, 3);
	return fd;
}

static struct xm_request req;

static void send_call(int fd, unsigned int op)
{
	int len;

	fake_request(op, &req);
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static struct xm_reply reply;

static unsigned int result(int fd)
{
	struct xm_wire_head head;
	ssize_t len = answer(fd);

	cr_assert_gt(len, 0, "no answer: %zd", len);
	cr_assert_eq(xm_wire_get_head(msg, (size_t)len, &head), 0);
	cr_assert_eq(head.serial, 77);
	cr_assert_eq(xm_wire_get_result(msg, (size_t)len, &req, &reply), 0);
	return reply.code;
}

static unsigned int call(int fd, unsigned int op)
{
	send_call(fd, op);
	return result(fd);
}

/* The session is over with this error, and the connection is closed. */
static void expect_refused(int fd, int error)
{
	struct xm_wire_refused refused;
	ssize_t len = answer(fd);

	cr_assert_gt(len, 0, "no answer: %zd", len);
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)len, &refused), 0);
	cr_expect_eq(refused.error, error, "%d, not %d: %s", refused.error, error, refused.reason);
	cr_expect_eq(answer(fd), 0);
	close(fd);
}

static bool logged(const char *s)
{
	static char text[1 << 20];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, s);
}

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

/* ---- limits ------------------------------------------------------------------------------------------ */

/* Makes a session look like one of another uid. */
static void pretend(struct session *s, uid_t uid)
{
	users_put(&server->users, s->user);
	s->id.uid = uid;
	s->user = users_get(&server->users, uid);
	s->charged = s->charged_large = 0;
}

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

/* ---- the broker's own operations --------------------------------------------------------------------- */

static void reload_channel(struct channel_message *m)
{
	turns();
	cr_assert_eq(channel_receive(supervisor, m), 1);
	cr_assert_eq(m->type, CHANNEL_RELOAD);
}

static void tell(uint8_t type, uint32_t number, bool ok, int fd, const char *text)
{
	static struct channel_message m;

	m = (struct channel_message){ .type = type, .number = number, .ok = ok, .fd = fd };
	snprintf(m.text, sizeof(m.text), "%s", text);
	cr_assert_eq(channel_send(supervisor, &m), 0);
	if (fd >= 0)
		close(fd);
	turns();
}

static struct channel_message m;

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
	cr_expect_eq(memcmp(reply.out[0].data, "good\n", 5), 0);
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

Test(session, an_image_of_another_system_is_refused)
{
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 2), "");
	cr_expect_eq(server->gate.generation, 1);
}

Test(session, only_so_many_reloads_are_asked_for_at_once)
{
	int fds[8], one_more;

	server->config.max_sessions_per_user = 16;
	for (int i = 0; i < 8; i++) {
		fds[i] = client();
		send_call(fds[i], XM_OP_BROKER_RELOAD);
		reload_channel(&m);
	}
	one_more = client();
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

/* ---- messages longer than a packet ------------------------------------------------------------------- */

#define MESSAGE (200 * 1024)

static uint8_t whole[XM_WIRE_MAX], data[XM_WIRE_DATA_MAX];
static struct xm_request batch[XM_BATCH_MAX];

static int put_write(uint32_t size)
{
	fake_request(XM_OP_WRITE_SAMPLING_MESSAGE, &req);
	for (uint32_t i = 0; i < size; i++)
		data[i] = fake_byte(i);
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].data = data;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].len = size;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_size].num = size;
	return xm_wire_put_call(whole, sizeof(whole), 77, &req);
}

static bool send_part(int fd, uint32_t serial, size_t total, size_t at)
{
	static uint8_t packet[XM_WIRE_PACKET];
	int len = xm_wire_put_part(packet, sizeof(packet), serial, whole, total, at);

	cr_assert_gt(len, 0);
	return send(fd, packet, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

static void send_parts(int fd, size_t total)
{
	for (size_t at = 0; at < total; at += XM_WIRE_PART_DATA) {
		while (!send_part(fd, 77, total, at))
			loop_round(&server->loop, 0);
		loop_round(&server->loop, 0);
	}
}

/* The whole of a message that comes in parts; 0: something else came, in msg. */
static size_t receive_parts(int fd)
{
	struct xm_wire_part part;
	size_t got = 0;

	do {
		ssize_t len = answer(fd);

		if (len <= 0 || xm_wire_get_part(msg, (size_t)len, &part) < 0)
			return 0;
		cr_assert_eq(part.offset, got);
		cr_assert_eq(part.serial, 77);
		memcpy(whole + got, part.data, part.len);
		got += part.len;
	} while (got < part.total);
	return got;
}

static void compare_message(struct fake_backend *fake, const struct xm_request *r)
{
	const struct xm_value *v = &r->arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer];

	if (r->op != XM_OP_WRITE_SAMPLING_MESSAGE)
		return;
	*(bool *)fake->data = v->len == MESSAGE;
	for (uint32_t i = 0; i < v->len; i++)
		if (v->data[i] != fake_byte(i))
			*(bool *)fake->data = false;
}

Test(session, a_long_message_arrives_whole)
{
	bool whole_came = false;
	int fd = client();

	hypervisor->on_call = compare_message;
	hypervisor->data = &whole_came;
	send_parts(fd, (size_t)put_write(MESSAGE));
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect(whole_came);
	cr_expect_eq(server->users.large, 0);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
}

static int ask_to_read(int fd, uint32_t size)
{
	int len;

	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = size;
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	return send(fd, msg, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

static void expect_message(size_t len, uint32_t size)
{
	const struct xm_value *v = &reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer];

	cr_assert_eq(xm_wire_get_result(whole, len, &req, &reply), 0);
	cr_assert_eq(reply.code, XM_C_OK);
	cr_assert_eq(v->len, size);
	for (uint32_t i = 0; i < size; i++)
		cr_assert_eq(v->data[i], fake_byte(i));
}

Test(session, a_long_answer_comes_in_parts)
{
	int fd = client();

	hypervisor->message_len = 3 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	expect_message(receive_parts(fd), 3 * MESSAGE);
	cr_expect_eq(server->users.large, 0);
	cr_expect_null(server->first->unsent);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
}

Test(session, a_short_answer_to_who_had_room_for_a_long_one_is_one_packet)
{
	int fd = client();

	hypervisor->message_len = 100;
	cr_assert_eq(ask_to_read(fd, MESSAGE), 0);
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].len, 100);
	cr_expect_eq(server->users.large, 0);
}

Test(session, a_long_answer_that_nobody_reads_is_given_up)
{
	int fd = client();

	hypervisor->message_len = 3 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 3 * MESSAGE), 0);
	turns();
	cr_assert_not_null(server->first->unsent);
	cr_expect_gt(server->users.large, 3 * MESSAGE);
	let_pass(SERVER_UNSENT_MS + 1);
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
	close(fd);
}

Test(session, who_reads_a_long_answer_slowly_gets_it)
{
	int fd = client();
	unsigned int n = 0;

	hypervisor->message_len = 4 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	for (ssize_t len = answer(fd); len > 0 && n < 13; n++) {
		let_pass(SERVER_UNSENT_MS / 4); /* the kernel lets go on when all was read */
		len = answer(fd);
	}
	cr_expect_geq(n, 12);
	cr_expect_eq(server->n_sessions, 1);
	cr_expect_eq(server->users.large, 0);
}

/* One packet of a long message. */
static void begin_message(int fd, uint32_t serial)
{
	cr_assert(send_part(fd, serial, (size_t)put_write(MESSAGE), 0));
	turns();
}

Test(session, who_does_not_send_a_message_whole_is_dropped)
{
	int fd = client();

	begin_message(fd, 77);
	cr_expect_gt(server->users.large, MESSAGE);
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_expect_eq(server->n_sessions, 1);
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
	cr_expect_eq(server->users.large, 0);
	cr_expect_eq(fake_policy.n_decided, 0);
}

/* More parts give no more time. */
Test(session, who_sends_a_message_slowly_is_dropped)
{
	int fd = client();

	begin_message(fd, 77);
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
}

/* But a very long message is not lost to those whose turns come between. */
Test(session, every_sixteenth_part_gives_time_for_as_many_more)
{
	size_t total = (size_t)put_write(20 * XM_WIRE_PART_DATA);
	int fd = client();

	server->config.large_memory_per_user = 2 * total;
	for (size_t i = 0; i < 17; i++) {
		if (i == 16)
			let_pass(SERVER_UNSENT_MS - 1000);
		while (!send_part(fd, 77, total, i * XM_WIRE_PART_DATA))
			turns();
		turns();
	}
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_expect_eq(server->n_sessions, 1);
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
	cr_expect_eq(server->users.large, 0);
}

Test(session, who_is_to_go_gets_no_more_time_by_reading_slowly)
{
	int fd = client();

	hypervisor->message_len = 4 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	turns();
	session_end(server->first, ESHUTDOWN);
	for (unsigned int i = 0; i < 5; i++) {
		cr_assert_gt(answer(fd), 0);
		let_pass(SERVER_UNSENT_MS / 4);
	}
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
}

Test(session, parts_out_of_order_end_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), 2 * XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
	cr_expect_eq(server->users.large, 0);
}

Test(session, a_message_that_does_not_begin_at_its_beginning_ends_the_session)
{
	int fd = client();

	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, parts_of_two_messages_end_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	cr_assert(send_part(fd, 78, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, another_message_between_parts_ends_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	send_call(fd, XM_OP_GET_TIME);
	expect_refused(fd, EPROTO);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, a_total_that_changes_ends_the_session)
{
	int fd = client();
	int total = put_write(MESSAGE);

	begin_message(fd, 77);
	cr_assert(send_part(fd, 77, (size_t)total + 1, XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, parts_that_are_no_message_together_end_the_session)
{
	int fd = client();

	memset(whole, 0xa5, MESSAGE);
	send_parts(fd, MESSAGE);
	expect_refused(fd, EPROTO);
}

Test(session, a_message_of_another_serial_than_its_parts_ends_the_session)
{
	int fd = client();
	size_t total = (size_t)put_write(MESSAGE);

	whole[8] = 78;
	send_parts(fd, total);
	expect_refused(fd, EPROTO);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, parts_before_hello_are_malformed)
{
	int fd = connect_only();

	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), 0));
	expect_refused(fd, EPROTO);
}

Test(session, an_unfinished_message_of_who_closes_is_freed)
{
	int fd = client();

	begin_message(fd, 77);
	close(fd);
	turns();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
}

/* Gives the session another uid, with sessions of both alike otherwise. */
static int client_of(uid_t uid)
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
	client_of(uid);
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
	client_of(1003);
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

Test(session, a_batch_is_answered_in_one_message)
{
	struct xm_wire_batch_result results;
	int fd = client(), len;

	fake_request(XM_OP_GET_TIME, &batch[0]);
	fake_request(XM_OP_HALT_PARTITION, &batch[1]);
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, 2);
	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)answer(fd), 2, &results), 0);
	cr_expect(results.ran);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(server->first->n_calls, 2);
}

Test(session, a_batch_with_a_long_answer_comes_in_parts)
{
	struct xm_wire_batch_result results;
	int fd = client(), len;
	size_t got;

	hypervisor->message_len = MESSAGE;
	for (unsigned int i = 0; i < 3; i++) {
		fake_request(XM_OP_READ_SAMPLING_MESSAGE, &batch[i]);
		batch[i].arg[XM_A_READ_SAMPLING_MESSAGE_size].num = MESSAGE;
	}
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, 3);
	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
	got = receive_parts(fd);
	cr_assert_eq(xm_wire_get_batch_result(whole, got, 3, &results), 0);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(xm_wire_next_batch_result(&results, &batch[i], i == 2, &reply), 0);
		for (uint32_t b = 0; b < MESSAGE; b += 997)
			cr_assert_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].data[b],
				     fake_byte(b));
	}
	cr_expect_eq(server->users.large, 0);
}

/* ---- turns ------------------------------------------------------------------------------------------- */

static void send_full_batch(int fd)
{
	int len;

	for (unsigned int i = 0; i < SERVER_CALLS_A_ROUND; i++)
		fake_request(XM_OP_GET_TIME, &batch[i]);
	len = xm_wire_put_batch(msg, sizeof(msg), 77, batch, SERVER_CALLS_A_ROUND);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static bool is_answered(int fd)
{
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0;
}

/* The session that was opened last goes on the account of another user; its identity stays. */
static void account_to(uid_t uid)
{
	struct session *s = server->last;

	users_put(&server->users, s->user);
	s->user = users_get(&server->users, uid);
	s->charged = 0;
}

Test(session, the_sessions_of_a_user_share_the_calls_of_a_round)
{
	int a = client(), b = client();

	send_full_batch(a);
	send_full_batch(b);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, SERVER_CALLS_A_ROUND);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, 2 * SERVER_CALLS_A_ROUND);
	cr_expect(is_answered(a) && is_answered(b));
}

Test(session, another_user_does_not_share_them)
{
	int a = client(), b = client(), other = client();

	account_to(getuid() + 1);
	send_full_batch(a);
	send_full_batch(b);
	send_call(other, XM_OP_GET_TIME);
	loop_round(&server->loop, 0);
	cr_expect_eq(hypervisor->n_calls, SERVER_CALLS_A_ROUND + 1);
	cr_expect(is_answered(other));
}

Test(session, no_session_has_a_second_turn_while_another_of_its_user_waits)
{
	int a = client(), b = client(), c = client();

	for (unsigned int i = 0; i < 3; i++)
		send_full_batch(a);
	send_full_batch(b);
	send_call(c, XM_OP_GET_TIME);
	for (unsigned int i = 0; i < 3; i++)
		loop_round(&server->loop, 0);
	cr_expect(is_answered(b) && is_answered(c));
	turns();
	cr_expect_eq(hypervisor->n_calls, 4 * SERVER_CALLS_A_ROUND + 1);
}

Test(session, who_waits_for_a_turn_and_goes_away_holds_up_nobody)
{
	int a = client(), b = client();

	send_full_batch(a);
	send_full_batch(a);
	send_full_batch(b);
	loop_round(&server->loop, 0);
	close(b);
	turns();
	cr_expect(is_answered(a) && is_answered(a));
}

Test(session, a_new_session_is_welcomed_whatever_its_user_asks)
{
	int a = client(), fd = connect_only();

	send_full_batch(a);
	say_hello(fd);
	loop_round(&server->loop, 0);
	cr_expect(is_answered(fd));
}
