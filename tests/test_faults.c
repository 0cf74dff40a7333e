// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server in this process, of whose allocations the first, then the second, ... fails: at its start, in
 * a session's life, at a reload.  Whatever fails, whoever is in the middle of something gets a clean
 * end, the next client is served, and nothing leaks.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/alloc_fail.h"
#include "tests/session_rig.h"

#define MOST 5000 /* allocations of one scenario: a bound for the loops */

TestSuite(faults, .timeout = 240);

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * Runs it with the first allocation failing, then with the second, until none fails any more; how many
 * there are.
 */
static unsigned long with_each_failing(void (*run)(unsigned long n))
{
	unsigned long n = 0;

	do {
		long alive = alloc_alive();
		int fds = count_fds();

		run(++n);
		alloc_fail_at(0);
		cr_assert_eq(alloc_alive(), alive, "allocation %lu failed: %ld leaked", n,
			     alloc_alive() - alive);
		cr_assert_eq(count_fds(), fds, "allocation %lu failed: descriptors leaked", n);
	} while (alloc_has_failed() && n < MOST);
	cr_assert_lt(n, MOST, "there is no end of it");
	return n - 1;
}

/* ---- start ------------------------------------------------------------------------------------------- */

static int listener(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

/* server_new() takes everything over, also when it fails. */
static void one_start(unsigned long n)
{
	struct fake_backend *backend = fake_backend_new();
	struct sealed image = fake_sealed(1);
	struct server_fds fds = { listener(), -1 };
	struct server *made = NULL;
	struct audit *audit = NULL;
	int log = memfd_create("log", 0), r;

	alloc_fail_at(n);
	r = audit_new(log, NULL, NULL, &audit);
	if (r < 0) {
		close(log);
		close(fds.listen);
		sealed_unmap(&image);
		backend->backend.ops->free(&backend->backend);
	} else {
		r = server_new(&config, &fds, &image, 1, &backend->backend, audit, &made);
	}
	cr_assert_eq(r, alloc_has_failed() ? -ENOMEM : 0, "%d", r);
	if (r == 0)
		server_free(made);
}

Test(faults, a_server_that_cannot_start_leaves_nothing_behind)
{
	cr_assert_geq(with_each_failing(one_start), 2);
}

/* ---- sessions ---------------------------------------------------------------------------------------- */

static bool try_send(int fd, const void *bytes, size_t len)
{
	bool sent = send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;

	turns();
	return sent;
}

static void try_call(int fd, unsigned int op)
{
	int len;

	fake_request(op, &req);
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	cr_assert_gt(len, 0);
	try_send(fd, msg, (size_t)len);
	while (answer(fd) > 0)
		;
}

/* What a client may do that takes memory; the session may be over at any moment. */
static void live(void)
{
	const struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_3_X, "faults", "/f" };
	const unsigned int ops[] = { XM_OP_GET_TIME, XM_OP_CREATE_SAMPLING_PORT, XM_OP_HM_READ,
				     XM_OP_BROKER_SESSIONS, XM_OP_BROKER_RELOAD };
	int fd = connect_only(), total;
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	try_send(fd, msg, (size_t)len);
	answer(fd);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		try_call(fd, ops[i]);
	total = put_write(MESSAGE);
	for (size_t at = 0; at < (size_t)total && send_part(fd, 77, (size_t)total, at);
	     at += XM_WIRE_PART_DATA)
		turns();
	ask_to_read(fd, MESSAGE);
	turns();
	while (answer(fd) > 0)
		;
	close(fd);
	turns();
}

static void reload(void)
{
	int fd = fake_image_fd(2, 3);

	tell(CHANNEL_IMAGE, 2, false, fd, "");
	turns();
}

static void one_life(unsigned long n)
{
	int honest;

	session_setup();
	alloc_fail_at(n);
	live();
	reload();
	live();
	alloc_fail_at(0);
	honest = client();
	cr_assert_eq(call(honest, XM_OP_GET_TIME), XM_C_OK);
	close(honest);
	turns();
	session_teardown();
}

Test(faults, sessions_end_cleanly_and_the_next_one_is_served)
{
	unsigned long n = with_each_failing(one_life);

	cr_log_info("%lu allocations", n);
	cr_assert_gt(n, 5);
}
