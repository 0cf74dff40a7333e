// SPDX-License-Identifier: LGPL-2.1-or-later
/* The audit log's store as its supervisor drives it: opening, the end that was left, sealing, space,
 * and anchors. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/store_rig.h"
#include "xmbroker/audit_key.h"
#include "xmbroker/audit_ledger.h"

TestSuite(store, .init = store_rig_setup, .fini = store_rig_teardown);

/* ---- opening ----------------------------------------------------------------------------------------- */

Test(store, new_log)
{
	struct stat st;

	open_store();
	hand_over();
	cr_assert_eq(state.seq, 0);
	cr_assert_str_eq(state.previous, "none");
	cr_assert(!state.sealed);
	cr_assert_eq(handed.number, 1);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0640);
	cr_assert_eq(size_of("audit.jsonl.ledger"), AUDIT_LEDGER_SIZE);
	cr_assert_eq(fcntl(handed.fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND);
}

Test(store, no_log_is_a_message_without_one)
{
	cr_assert_eq(store_hand_over(&store, &handed), 0);
	cr_assert_eq(handed.fd, -1);
	cr_assert_str_eq(handed.text, "");
	store_serving(&store, 0);
	store_tick(&store, 100000);
	store_finish(&store);
	cr_assert_eq(store_next(&store, -1), -1);
}

Test(store, link_instead_of_log)
{
	char other[64];

	snprintf(other, sizeof(other), "%s/other", folder);
	close(open(other, O_WRONLY | O_CREAT, 0640)); /* which would do, were it the log itself */
	cr_assert_eq(symlink(other, path), 0);
	cr_assert_eq(store_open(&store, &set, &links), -ELOOP);
}

Test(store, folder_instead_of_log)
{
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_lt(store_open(&store, &set, &links), 0);
}

Test(store, log_that_others_may_write)
{
	open_store();
	killed();
	cr_assert_eq(chmod(path, 0660), 0);
	cr_assert_eq(store_open(&store, &set, &links), -EPERM);
}

Test(store, folder_that_everybody_may_write)
{
	cr_assert_eq(chmod(folder, 0777), 0);
	cr_assert_eq(store_open(&store, &set, &links), -EPERM);
	cr_assert_eq(chmod(folder, 01777), 0);
	open_store();
}

Test(store, second_one_is_refused_until_the_server_is_gone)
{
	int server;

	open_store();
	cr_assert_eq(store_open(&second, &set, &links), -EBUSY);
	store_close(&second);
	store_init(&second);
	server = dup(store.ledger); /* as the server has it */
	killed();
	cr_assert_eq(store_open(&second, &set, &links), -EBUSY);
	store_close(&second);
	store_init(&second);
	close(server);
	cr_assert_eq(store_open(&second, &set, &links), 0);
}

/* ---- the end of the log ------------------------------------------------------------------------------ */

Test(store, goes_on_after_a_stop)
{
	open_store();
	records(store.now.give, 3);
	record(store.now.give, "stop");
	killed();
	expect_continued();
	cr_assert_str_eq(state.previous, "stopped");
	cr_assert_eq(state.torn_bytes, 0);
}

Test(store, goes_on_after_a_kill)
{
	open_store();
	records(store.now.give, 300);
	killed();
	expect_continued();
	cr_assert_str_eq(state.previous, "ended");
}

static void expect_torn(const char *text)
{
	uint8_t hash[AUDIT_STATE_HASH];

	open_store();
	records(store.now.give, 2);
	record(store.now.give, "stop");
	killed();
	append("audit.jsonl", text);
	expect_continued();
	audit_torn_hash(text, strlen(text), hash);
	cr_assert_eq(state.torn_bytes, strlen(text));
	cr_assert_arr_eq(state.torn_hash, hash, sizeof(hash));
	cr_assert_str_eq(state.previous, "ended");
	cr_assert_eq(size_of("audit.jsonl") > 0, true);
}

Test(store, torn_record)
{
	expect_torn("{\"seq\":4,\"type\":\"resu");
}

Test(store, torn_record_with_its_end)
{
	expect_torn("{\"seq\":4,\"type\":\"resu torn\n{\"seq\":4,\"ty");
}

Test(store, whole_record_without_its_newline)
{
	char text[512];
	size_t len;

	open_store();
	records(store.now.give, 2);
	len = make_line(text, "decision");
	cr_assert_eq(write(store.now.give, text, len - 1), (ssize_t)len - 1);
	killed();
	open_store();
	hand_over();
	cr_assert_eq(state.seq, seq - 1);
	cr_assert_eq(state.torn_bytes, len - 1);
}

Test(store, long_garbage)
{
	char *text = malloc(400001);

	for (size_t i = 0; i < 400000; i++)
		text[i] = i % 100000 == 77 ? '\n' : 'x';
	text[400000] = '\0';
	expect_torn(text);
	free(text);
}

Test(store, nothing_but_garbage)
{
	open_store();
	killed();
	append("audit.jsonl", "hello\nworld\n");
	open_store();
	hand_over();
	cr_assert_eq(state.seq, 0);
	cr_assert_eq(state.torn_bytes, 12);
	cr_assert_str_eq(state.previous, "ended");
}

/* ---- sealing ----------------------------------------------------------------------------------------- */

Test(store, key_goes_forward_with_each_hand_over)
{
	uint8_t first[AUDIT_KEY_BYTES];
	struct audit_key key;

	cr_assert_eq(audit_key_create(key_path, first), 0);
	set.key = key_path;
	open_store();
	hand_over();
	cr_assert(state.sealed);
	cr_assert_eq(state.epoch, 1);
	cr_assert_eq(audit_key_read(key_path, &key), 0);
	cr_assert_eq(key.epoch, 2);
	cr_assert(memcmp(key.bytes, state.key, sizeof(key.bytes)) != 0);
	serve();
	cr_assert_eq(state.epoch, 2);
	records(store.now.give, 1);
	store_request(&store);
	store_tick(&store, 1000);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_eq(state.epoch, 3);
}

Test(store, key_that_is_missing_or_damaged)
{
	FILE *f;

	set.key = key_path;
	cr_assert_eq(store_open(&store, &set, &links), -EKEYREJECTED);
	set.key_optional = true;
	open_store();
	hand_over();
	cr_assert(!state.sealed);
	killed();
	f = fopen(key_path, "w");
	fputs("garbage\n", f);
	fclose(f);
	chmod(key_path, 0600);
	cr_assert_eq(store_open(&store, &set, &links), -EKEYREJECTED);
}

Test(store, without_a_new_key_there_is_no_rotation)
{
	uint8_t first[AUDIT_KEY_BYTES];

	cr_assert_eq(audit_key_create(key_path, first), 0);
	set.key = key_path;
	open_store();
	serve();
	records(store.now.give, 1);
	cr_assert_eq(truncate(key_path, 5), 0);
	store_request(&store);
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 0);
	cr_assert(!is_there("audit.jsonl.000001"));
	cr_assert(!is_there("audit.jsonl.new"));
	cr_assert(store_is_named(&store, "audit.jsonl", store.now.fd));
}

/* ---- space and anchors ------------------------------------------------------------------------------- */

Test(store, reserve_lies_behind_the_end)
{
	struct stat st;

	set.reserve = 1 << 20;
	open_store();
	serve();
	records(store.now.give, 1);
	store_tick(&store, 1000);
	cr_assert_eq(fstat(store.now.fd, &st), 0);
	cr_assert_lt(st.st_size, 1000);
	if (store.no_reserve)
		return; /* this file system has none */
	cr_assert_geq(st.st_blocks * 512, 1 << 20);
	store_trim(store.now.fd);
	cr_assert_eq(fstat(store.now.fd, &st), 0);
	cr_assert_lt(st.st_size, 1000);
	cr_assert_lt(st.st_blocks * 512, 1 << 20);
}

Test(store, want_of_space_is_said_and_its_end)
{
	set.reserve = UINT64_C(1) << 62; /* no disk has it */
	open_store();
	serve();
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT_SPACE);
	cr_assert(!sent[0].ok);
	cr_assert_eq(sent[0].number, 0);
	store.set.reserve = 4096;
	store_tick(&store, 3000);
	cr_assert_eq(n_sent, 1, "not at once");
	store_tick(&store, 20000);
	cr_assert_eq(n_sent, 2);
	cr_assert(sent[1].ok);
}

static int listen_to(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, where);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

Test(store, anchors_and_records_go_to_the_systems_log)
{
	char where[96], text[1024], expected[600];
	int log;
	ssize_t n;

	snprintf(where, sizeof(where), "%s/devlog", folder);
	log = listen_to(where);
	open_store();
	close(store.syslog);
	store.syslog = -1;
	cr_assert_eq(store_syslog_open(&store, where), 0);
	store.set.syslog_anchors = store.set.syslog_records = true;
	serve();
	records(store.now.give, 1);
	store_tick(&store, 1000);
	n = recv(log, text, sizeof(text) - 1, 0);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	cr_assert(strstr(text, "<85>") == text && strstr(text, "{\"seq\":1,"), "%s", text);
	n = recv(log, text, sizeof(text) - 1, 0);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	sodium_bin2hex(expected, sizeof(expected), chain, sizeof(chain));
	cr_assert(strstr(text, "xmbroker-audit-anchor:1 seq=1 epoch=- chain="), "%s", text);
	cr_assert(strstr(text, expected), "%s", text);
	close(log);
}

/* A reader that does not read neither blocks anybody nor costs a record, until the file is left. */
Test(store, slow_system_log_is_waited_for_without_waiting)
{
	char where[96], text[1024];
	unsigned int got = 0;
	int log;

	snprintf(where, sizeof(where), "%s/devlog", folder);
	log = listen_to(where);
	open_store();
	cr_assert_eq(store_syslog_open(&store, where), 0);
	store.set.syslog_records = true;
	serve();
	records(store.now.give, 5000);
	for (unsigned int i = 0; i < 10000 && got < 5000; i++) {
		store_forward(&store);
		while (recv(log, text, sizeof(text), 0) > 0)
			got++;
	}
	cr_assert_eq(got, 5000);
	cr_assert_eq(store.skipped, 0);
	records(store.now.give, 5000);
	store_forward_rest(&store, store.now.fd);
	cr_assert_gt(store.skipped, 0);
	close(log);
}
