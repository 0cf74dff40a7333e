// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections to the simulated hypervisor: what a well-behaved and a hostile one get, also when
 * partitions stop; and its console.
 */

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/serve_rig.h"
#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/console.h"

TestSuite(sim_serve, .init = start, .fini = stop, .timeout = 30);

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

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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
