// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The simulated hypervisor behind sockets: what a well-behaved and a hostile connection get.  The
 * server runs in a thread of the test; connections reach it as the broker's do.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/sim_rig.h"
#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/console.h"
#include "xmbroker/sim/serve.h"

static struct engine engine;
static struct serve *serve;
static pthread_t thread;
static int doors[3];
static uint8_t msg[XM_WIRE_PACKET];

static void *run(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)serve_run(serve);
}

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void prepare(const char *path, bool is_virtual)
{
	int64_t now = engine_boot_time(is_virtual);

	rig_open(path);
	sim_free(rig.sim);
	cr_assert_eq(sim_new(rig.sys, NULL, now, &rig.sim), 0);
	engine_init(&engine, rig.sim, rig.sys, NULL, is_virtual, now);
	cr_assert_eq(serve_new(&engine, &serve), 0);
	for (uint32_t i = 0; i < 3; i++) {
		int fds[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
		doors[i] = fds[0];
		cr_assert_eq(serve_attach(serve, fds[1], i), 0);
	}
}

static void begin(void)
{
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

static void start(void)
{
	prepare(DEMO, false);
	begin();
}

static void stop(void)
{
	void *r;

	for (int i = 0; i < 3; i++)
		close(doors[i]);
	pthread_join(thread, &r);
	cr_assert_null(r);
	serve_free(serve);
	rig_close();
}

TestSuite(sim_serve, .init = start, .fini = stop, .timeout = 30);

/* ---- a client ------------------------------------------------------------------------------------- */

static void hand_over(int door, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (char[]){ 0 }, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&m);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(door, &m, 0), 1);
}

static int connect_raw(uint32_t partition)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	hand_over(doors[partition], fds[1]);
	close(fds[1]);
	return fds[0];
}

static void send_hello(int fd, uint16_t min, uint16_t max)
{
	const struct xm_wire_hello hello = { min, max, XM_PROFILE_ID_3_X, "test", "" };
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

/* Length of the next message; 0: closed; -1: none within the time. */
static ssize_t receive(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return -1;
	return recv(fd, msg, sizeof(msg), 0);
}

static int open_session(uint32_t partition)
{
	struct xm_wire_welcome welcome;
	int fd = connect_raw(partition);
	ssize_t n;

	send_hello(fd, 1, 1);
	n = receive(fd, 5000);
	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)n, &welcome), 0);
	cr_assert_eq(welcome.partition, partition);
	cr_assert_geq(welcome.n_partitions, 3);
	cr_assert_eq(welcome.profile, XM_PROFILE_ID_3_X);
	return fd;
}

static void send_call(int fd, const struct xm_request *req)
{
	int len = xm_wire_put_call(msg, sizeof(msg), 42, req);

	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static unsigned int result_of(int fd, const struct xm_request *req)
{
	struct xm_wire_head head;
	ssize_t n = receive(fd, 5000);

	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_head(msg, (size_t)n, &head), 0);
	cr_assert_eq(head.serial, 42);
	cr_assert_eq(xm_wire_get_result(msg, (size_t)n, req, &rig.reply), 0);
	return rig.reply.code;
}

#define REQUEST(OP, ...) ((struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })

static unsigned int ask(int fd, const struct xm_request *req)
{
	send_call(fd, req);
	return result_of(fd, req);
}

#define ASK(fd, ...) ask(fd, &REQUEST(__VA_ARGS__))

static void is_refused(int fd, int error)
{
	struct xm_wire_refused refused;
	ssize_t n = receive(fd, 5000);

	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)n, &refused), 0);
	cr_assert_eq(refused.error, error, "%s", refused.reason);
	cr_assert_eq(receive(fd, 5000), 0);
	close(fd);
}

/* ---- sessions ------------------------------------------------------------------------------------- */

Test(sim_serve, serves_calls_of_the_connections_partition)
{
	int fd = open_session(1);

	IS(OK, ASK(fd, PARTITION_SELF, { 0 }));
	cr_assert_eq(rig.reply.value, 1);
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	IS(PERM_ERROR, ASK(fd, HALT_PARTITION, N(0)));
	close(fd);
}

Test(sim_serve, no_common_version)
{
	int fd = connect_raw(0);

	send_hello(fd, 2, 9);
	is_refused(fd, EPROTONOSUPPORT);
}

Test(sim_serve, garbage)
{
	int fd = connect_raw(0);

	cr_assert_eq(send(fd, "garbage", 7, 0), 7);
	is_refused(fd, EPROTO);
}

Test(sim_serve, call_before_the_greeting)
{
	int fd = connect_raw(0);

	send_call(fd, &REQUEST(PARTITION_SELF, { 0 }));
	is_refused(fd, EPROTO);
}

Test(sim_serve, second_greeting)
{
	int fd = open_session(0);

	send_hello(fd, 1, 1);
	is_refused(fd, EPROTO);
}

Test(sim_serve, truncated_call)
{
	int fd = open_session(0);
	int len = xm_wire_put_call(msg, sizeof(msg), 1, &REQUEST(GET_TIME, N(0), OUT));

	cr_assert_eq(send(fd, msg, (size_t)len - 1, 0), len - 1);
	is_refused(fd, EPROTO);
}

Test(sim_serve, message_too_long)
{
	static uint8_t big[XM_WIRE_PACKET + 1];
	int fd = open_session(0);

	cr_assert_eq(send(fd, big, sizeof(big), 0), (ssize_t)sizeof(big));
	is_refused(fd, EMSGSIZE);
}

/* Both ends of each connection are in this process: twice as many as a shell usually allows. */
static bool may_open(rlim_t n)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < n && limit.rlim_max >= n) {
		limit.rlim_cur = n;
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	}
	return limit.rlim_cur >= n;
}

Test(sim_serve, too_many_connections)
{
	static int fds[SERVE_CONNECTIONS_MAX];

	if (!may_open(2 * SERVE_CONNECTIONS_MAX + 64))
		cr_skip_test("not run: needs more open files than the hard limit");

	for (int i = 0; i < SERVE_CONNECTIONS_MAX; i++)
		fds[i] = open_session(0);
	is_refused(connect_raw(1), EUSERS);
	for (int i = 0; i < SERVE_CONNECTIONS_MAX; i++)
		close(fds[i]);
}

/* Who does not take his answers is not read, and disturbs nobody. */
Test(sim_serve, answers_that_nobody_reads)
{
	int slow = open_session(1), fd = open_session(0), n = 0;
	int len = xm_wire_put_call(msg, sizeof(msg), 42, &REQUEST(GET_TIME, N(0), OUT));

	while (send(slow, msg, (size_t)len, MSG_DONTWAIT) == len || n < 300) {
		n++;
		if (n % 100 == 0)
			poll(NULL, 0, 20);
		cr_assert_lt(n, 1000000);
	}
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	for (int i = 0; i < 300; i++)
		IS(OK, result_of(slow, &REQUEST(GET_TIME, N(0), OUT)));
	close(slow);
	close(fd);
}

/* ---- partitions that stop ------------------------------------------------------------------------- */

Test(sim_serve, suspended_partition_is_not_served)
{
	struct xm_request time = REQUEST(GET_TIME, N(0), OUT);
	int manager = open_session(0), fd = open_session(1);

	IS(OK, ASK(manager, SUSPEND_PARTITION, N(1)));
	send_call(fd, &time);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	IS(OK, result_of(fd, &time));
	close(manager);
	close(fd);
}

Test(sim_serve, suspending_oneself_is_answered_when_resumed)
{
	struct xm_request suspend = REQUEST(SUSPEND_PARTITION, N(1));
	int manager = open_session(0), fd = open_session(1);

	send_call(fd, &suspend);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	IS(OK, result_of(fd, &suspend));
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, idling_is_answered_at_the_next_slot)
{
	int fd = open_session(0);
	int64_t before = monotonic_us();

	IS(OK, ASK(fd, IDLE_SELF, { 0 }));
	cr_assert_lt(monotonic_us() - before, 2000000);
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	cr_assert_lt(rig.reply.out[1].num % 100000, 50000, "answered outside the slot");
	close(fd);
}

Test(sim_serve, halted_partition_loses_its_connections)
{
	int manager = open_session(0), fd = open_session(1), late;

	IS(OK, ASK(manager, HALT_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 5000), 0);
	late = connect_raw(1);
	send_hello(late, 1, 1);
	is_refused(late, ESHUTDOWN);
	IS(OK, ASK(manager, RESET_PARTITION, N(1), N(0), N(0)));
	close(open_session(1));
	close(manager);
	close(fd);
}

Test(sim_serve, halting_oneself_closes)
{
	int manager = open_session(0), fd = open_session(1);

	send_call(fd, &REQUEST(HALT_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 5000), 0);
	IS(OK, ASK(manager, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, reset_of_the_system_closes_all_and_counts)
{
	int manager = open_session(0), fd = open_session(1);

	send_call(manager, &REQUEST(RESET_SYSTEM, N(1)));
	cr_assert_eq(receive(manager, 5000), 0);
	cr_assert_eq(receive(fd, 5000), 0);
	close(manager);
	manager = open_session(0);
	IS(OK, ASK(manager, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_resetCounter), 1);
	close(manager);
	close(fd);
}

Test(sim_serve, halted_system_refuses)
{
	int manager = open_session(0), fd = open_session(1), late;

	send_call(manager, &REQUEST(HALT_SYSTEM, { 0 }));
	cr_assert_eq(receive(manager, 5000), 0);
	cr_assert_eq(receive(fd, 5000), 0);
	late = connect_raw(1);
	send_hello(late, 1, 1);
	is_refused(late, ESHUTDOWN);
	close(manager);
	close(fd);
}

/* ---- console -------------------------------------------------------------------------------------- */

Test(sim_console, nothing_that_a_terminal_acts_on)
{
	char text[512] = "", path[64];
	struct console console;
	int file = memfd_create("console", MFD_CLOEXEC);

	rig_open(DEMO);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	cr_assert_eq(console_open(&console, rig.sys, path), 0);
	cr_assert_eq(console_write(&console, 0, (const uint8_t *)"hello\n\0", 7), 7);
	console_write(&console, 0, (const uint8_t *)"half ", 5);
	console_write(&console, 0, (const uint8_t *)"a line", 6);
	console_write(&console, 1, (const uint8_t *)"\x1b[2J\r\n\ta\xc3\xa4\n", 11);
	console_write(&console, 2, (const uint8_t *)"end", 3);
	console_close(&console);
	cr_assert_gt(pread(file, text, sizeof(text) - 1, 0), 0);
	close(file);
	cr_assert_str_eq(text,
			 "[P0 linux] hello\n[P0 linux] half a line\n"
			 "[P1 payload] \\x1b[2J\n[P1 payload]  a\\xc3\\xa4\n[P2 camera] end\n");
	rig_close();
}

/* ---- batches -------------------------------------------------------------------------------------- */

static struct xm_request batch[XM_BATCH_MAX];
static struct xm_wire_batch_result results;

static void send_batch(int fd, unsigned int n)
{
	int len = xm_wire_put_batch(msg, sizeof(msg), 42, batch, n);

	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static void results_of(int fd, unsigned int n)
{
	ssize_t len = receive(fd, 5000);

	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)len, n, &results), 0);
}

static unsigned int next_code(unsigned int i, unsigned int n)
{
	cr_assert_eq(xm_wire_next_batch_result(&results, &batch[i], i + 1 == n, &rig.reply), 0);
	return rig.reply.code;
}

Test(sim_serve, batch_runs_in_order)
{
	int fd = open_session(0);

	batch[0] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[1] = REQUEST(GET_PARTITION_STATUS, N(1), OUT);
	batch[2] = REQUEST(RESUME_PARTITION, N(1));
	batch[3] = REQUEST(HALT_PARTITION, N(9));
	send_batch(fd, 4);
	results_of(fd, 4);
	cr_assert(results.ran);
	IS(OK, next_code(0, 4));
	IS(OK, next_code(1, 4));
	cr_expect_eq(word(1, XM_F_PARTITION_STATUS_state), 2, "suspended");
	IS(OK, next_code(2, 4));
	IS(INVALID_PARAM, next_code(3, 4));
	close(fd);
}

Test(sim_serve, batch_with_something_unclassified_is_not_made)
{
	int fd = open_session(0);

	batch[0] = REQUEST(HALT_PARTITION, N(1));
	batch[1] = REQUEST(UNCLASSIFIED, N(XM_REASON_OPERATION), N(0), N(0), N(0), N(0));
	send_batch(fd, 2);
	results_of(fd, 2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OK);
	cr_expect_eq(results.codes[1], XM_C_OP_NOT_ALLOWED);
	close(open_session(1));
	close(fd);
}

Test(sim_serve, batch_that_suspends_its_caller_goes_on_when_resumed)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(GET_TIME, N(0), OUT);
	batch[1] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[2] = REQUEST(GET_TIME, N(0), OUT);
	batch[3] = REQUEST(SUSPEND_PARTITION, N(1));
	send_batch(fd, 4);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 100), -1, "suspended again");
	IS(OK, ASK(manager, RESUME_PARTITION, N(1)));
	results_of(fd, 4);
	for (unsigned int i = 0; i < 4; i++)
		IS(OK, next_code(i, 4));
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, batch_that_halts_its_caller_closes)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(HALT_PARTITION, N(1));
	batch[1] = REQUEST(GET_TIME, N(0), OUT);
	send_batch(fd, 2);
	cr_assert_eq(receive(fd, 5000), 0);
	IS(OK, ASK(manager, GET_TIME, N(0), OUT));
	close(manager);
	close(fd);
}

Test(sim_serve, halted_in_the_middle_of_a_batch)
{
	int manager = open_session(0), fd = open_session(1);

	batch[0] = REQUEST(SUSPEND_PARTITION, N(1));
	batch[1] = REQUEST(GET_TIME, N(0), OUT);
	send_batch(fd, 2);
	cr_assert_eq(receive(fd, 100), -1);
	IS(OK, ASK(manager, HALT_PARTITION, N(1)));
	cr_assert_eq(receive(fd, 5000), 0);
	close(manager);
	close(fd);
}

/* ---- messages longer than a packet ---------------------------------------------------------------- */

static uint8_t whole[XM_WIRE_MAX];

static void send_part(int fd, size_t total, size_t at)
{
	int len = xm_wire_put_part(msg, sizeof(msg), 42, whole, total, at);

	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

/* Longer than any channel of the system allows, so that it comes whole and is refused. */
static size_t long_call(struct xm_request *req)
{
	static uint8_t data[300000];

	*req = REQUEST(WRITE_CONSOLE, N(0), { .data = data, .len = sizeof(data) }, N(sizeof(data)));
	return (size_t)xm_wire_put_call(whole, sizeof(whole), 42, req);
}

Test(sim_serve, long_call_in_parts)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);
	unsigned int code;

	for (size_t at = 0; at < total; at += XM_WIRE_PART_DATA)
		send_part(fd, total, at);
	code = result_of(fd, &req);
	cr_expect_neq(code, XM_C_UNKNOWN_OUTCOME);
	IS(OK, ASK(fd, GET_TIME, N(0), OUT));
	close(fd);
}

Test(sim_serve, parts_out_of_order)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);

	send_part(fd, total, 0);
	send_part(fd, total, 2 * XM_WIRE_PART_DATA);
	is_refused(fd, EPROTO);
}

Test(sim_serve, call_between_parts)
{
	struct xm_request req;
	size_t total = long_call(&req);
	int fd = open_session(0);

	send_part(fd, total, 0);
	send_call(fd, &REQUEST(GET_TIME, N(0), OUT));
	is_refused(fd, EPROTO);
}

Test(sim_serve, part_before_the_greeting)
{
	struct xm_request req;
	int fd = connect_raw(0);

	send_part(fd, long_call(&req), 0);
	is_refused(fd, EPROTO);
}

Test(sim_serve, long_messages_together_are_bounded)
{
	enum { FIT = SERVE_LARGE_MAX / XM_WIRE_MAX };
	int fds[FIT + 1];

	for (unsigned int i = 0; i < FIT; i++) {
		fds[i] = open_session(0);
		send_part(fds[i], XM_WIRE_MAX - 64, 0);
	}
	/* The last of them has been taken in when an honest one is served after it. */
	fds[FIT] = open_session(1);
	IS(OK, ASK(fds[FIT], GET_TIME, N(0), OUT));
	send_part(fds[FIT], XM_WIRE_MAX, 0);
	is_refused(fds[FIT], EDQUOT);
	for (unsigned int i = 0; i < FIT; i++)
		close(fds[i]);
}

/* ---- who is stopped before its call is carried out ------------------------------------------------- */

#define QUIET 2 /* an error suspends it */

static void start_stopping(void)
{
	static const char scenario[] =
		"partitions: {quiet: [{raise: XM_HM_EV_PARTITION_ERROR, at: 2us}]}";
	char path[64];
	struct diag diag;
	int fd = memfd_create("behaviour", MFD_CLOEXEC);

	prepare(TRACED, true);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(write(fd, scenario, strlen(scenario)), (ssize_t)strlen(scenario));
	diag_init(&diag);
	cr_assert_eq(behaviour_load(path, rig.sys, engine.profile, &diag, &engine.behaviour), 0);
	diag_free(&diag);
	close(fd);
	begin();
}

static void stop_stopping(void)
{
	stop();
	behaviour_free(engine.behaviour);
}

TestSuite(sim_serve_stopped, .init = start_stopping, .fini = stop_stopping, .timeout = 30);

/* The first call takes the first us; at the end of the second the partition is suspended. */
Test(sim_serve_stopped, makes_its_call_when_it_runs_again)
{
	const struct xm_request req = REQUEST(PARTITION_SELF, { 0 });
	int quiet = open_session(QUIET), manager;

	IS(OK, ASK(quiet, GET_TIME, N(0), OUT));
	send_call(quiet, &req);
	cr_expect_eq(receive(quiet, 200), -1, "neither answered nor closed");
	manager = open_session(0);
	IS(OK, ASK(manager, RESUME_PARTITION, N(QUIET)));
	IS(OK, result_of(quiet, &req));
	cr_expect_eq(rig.reply.value, QUIET);
	close(manager);
	close(quiet);
}

Test(sim_serve_stopped, goes_on_with_its_batch_when_it_runs_again)
{
	struct xm_request reqs[4];
	struct xm_wire_batch_result result;
	int quiet = open_session(QUIET), manager, len;
	ssize_t n;

	for (int i = 0; i < 4; i++)
		reqs[i] = REQUEST(GET_TIME, N(0), OUT);
	len = xm_wire_put_batch(msg, sizeof(msg), 42, reqs, 4);
	cr_assert_eq(send(quiet, msg, (size_t)len, MSG_NOSIGNAL), len);
	cr_expect_eq(receive(quiet, 200), -1, "neither answered nor closed");
	manager = open_session(0);
	IS(OK, ASK(manager, RESUME_PARTITION, N(QUIET)));
	n = receive(quiet, 5000);
	cr_assert_gt(n, 0);
	cr_assert_eq(xm_wire_get_batch_result(msg, (size_t)n, 4, &result), 0);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(xm_wire_next_batch_result(&result, &reqs[i], i == 3, &rig.reply), 0);
		cr_expect_eq(rig.reply.code, XM_C_OK);
		cr_expect_eq(rig.reply.out[1].num, i ? (uint64_t)(i + 3) : 1, "%d: each once", i);
	}
	close(manager);
	close(quiet);
}
