// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files of the audit log: rotation stopped after each of its steps, torn ends, removed files, the
 * lock, retention, and what a hostile server may say. */

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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/audit_key.h"
#include "xmbroker/audit_ledger.h"
#include "xmbroker/store_internal.h"

static char folder[32], path[64], key_path[64];
static struct store store, second;
static struct channel_message sent[16];
static size_t n_sent;
static unsigned int n_ended;
static struct store_settings set;

/* ---- a log and its writer ---------------------------------------------------------------------------- */

static uint64_t seq;
static uint8_t chain[AUDIT_CHAIN_BYTES];

static void tell(void *data, const struct channel_message *message)
{
	(void)data;
	if (n_sent < sizeof(sent) / sizeof(sent[0]))
		sent[n_sent++] = *message;
}

static void end(void *data)
{
	(void)data;
	n_ended++;
}

static const struct store_links links = { tell, end, NULL };

static void set_up(void)
{
	strcpy(folder, "/tmp/xm-store-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	snprintf(key_path, sizeof(key_path), "%s/audit.key", folder);
	set = (struct store_settings){ .path = path, .rotate_size = 1 << 20 };
	store_init(&store);
	store_init(&second);
	cr_assert(freopen("/dev/null", "w", stderr) != NULL);
}

static void tear_down(void)
{
	char command[96];

	store_close(&store);
	store_close(&second);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		abort();
}

TestSuite(store, .init = set_up, .fini = tear_down);

static size_t make_line(char text[512], const char *type)
{
	size_t len =
		(size_t)snprintf(text, 400,
				 "{\"seq\":%llu,\"type\":\"%s\",\"time\":\"2024-02-03T04:05:06."
				 "000000Z\",\"mono\":1",
				 (unsigned long long)++seq, type);

	audit_chain_next(chain, text, len);
	memcpy(text + len, ",\"chain\":\"", 10);
	audit_hex_put(text + len + 10, chain, sizeof(chain));
	memcpy(text + len + 10 + 64, "\"}\n", 3);
	return len + 10 + 64 + 3;
}

/* What the server would write. */
static void record(int fd, const char *type)
{
	char text[512];
	size_t len = make_line(text, type);

	cr_assert_eq(write(fd, text, len), (ssize_t)len);
}

static void records(int fd, unsigned int n)
{
	while (n--)
		record(fd, "decision");
}

static void append(const char *name, const char *text)
{
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	fd = open(file, O_WRONLY | O_APPEND);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static bool is_there(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	return access(file, F_OK) == 0;
}

static off_t size_of(const char *name)
{
	char file[128];
	struct stat st;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	return stat(file, &st) < 0 ? -1 : st.st_size;
}

static void remove_file(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	cr_assert_eq(unlink(file), 0);
}

static void open_store(void)
{
	cr_assert_eq(store_open(&store, &set, &links), 0);
}

/* The process is killed: descriptors go, nothing else happens. */
static void killed(void)
{
	store_close(&store);
	store_init(&store);
}

static struct channel_message handed;
static struct audit_state state;

static void hand_over(void)
{
	cr_assert_eq(store_hand_over(&store, &handed), 0);
	cr_assert_geq(handed.fd, 0);
	cr_assert_eq(audit_state_get(handed.text, &state), 0);
}

static void serve(void)
{
	hand_over();
	store_serving(&store, 0);
	n_sent = 0;
}

/* That nothing was lost: the log goes on where the writer left it. */
static void expect_continued(void)
{
	open_store();
	hand_over();
	cr_expect_eq(state.seq, seq, "seq %llu instead of %llu", (unsigned long long)state.seq,
		     (unsigned long long)seq);
	cr_expect_arr_eq(state.chain, chain, sizeof(chain));
	cr_expect(!is_there("audit.jsonl.new"));
}

static void answer(uint8_t type, uint32_t number, bool ok, int64_t now)
{
	struct channel_message message = { .type = type, .number = number, .ok = ok, .fd = -1 };

	if (type == CHANNEL_AUDIT_DONE)
		store_done(&store, &message, now);
	else
		store_noted(&store, &message, now);
}

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

/* ---- rotation, stopped in between -------------------------------------------------------------------- */

/* Four records, then a rotation's first steps. */
static struct store_file next;

static void steps(unsigned int n)
{
	open_store();
	records(store.now.give, 4);
	if (n > 0)
		cr_assert_eq(store_make_new(&store, &next), 0);
	if (n > 1)
		cr_assert_eq(store_move_old(&store), 0);
	if (n > 2)
		cr_assert_eq(store_place_new(&store), 0);
}

static void kill_and_expect(const char *current, const char *rotated)
{
	killed();
	store_close_file(&next);
	expect_continued();
	cr_expect(is_there(current));
	cr_expect(!rotated || is_there(rotated), "%s", rotated);
	cr_expect(rotated || !is_there("audit.jsonl.000001"));
}

Test(store, killed_after_the_new_file)
{
	steps(1);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_eq(handed.number, 1);
}

Test(store, killed_after_the_old_name)
{
	steps(2);
	cr_assert(!is_there("audit.jsonl"));
	records(store.now.give, 2); /* the server knows nothing of it */
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_gt(size_of("audit.jsonl"), 0);
}

Test(store, killed_after_the_new_name)
{
	steps(3);
	records(store.now.give, 2);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_gt(size_of("audit.jsonl"), 0);
}

Test(store, killed_with_a_torn_record_after_the_new_name)
{
	steps(3);
	cr_assert_eq(write(store.now.give, "{\"seq", 5), 5);
	kill_and_expect("audit.jsonl", NULL);
	cr_assert_eq(state.torn_bytes, 5);
}

Test(store, killed_after_the_last_record_of_the_old_file)
{
	steps(3);
	record(store.now.give, "rotate");
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(size_of("audit.jsonl"), 0);
	cr_assert_eq(handed.number, 2);
	cr_assert_str_eq(state.previous, "ended");
}

Test(store, killed_in_the_first_record_of_the_new_file)
{
	steps(3);
	record(store.now.give, "rotate");
	cr_assert_eq(write(next.give, "{\"s", 3), 3);
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(state.torn_bytes, 3);
}

Test(store, killed_after_the_first_record_of_the_new_file)
{
	steps(3);
	record(store.now.give, "rotate");
	record(next.give, "continue");
	kill_and_expect("audit.jsonl", "audit.jsonl.000001");
	cr_assert_eq(state.torn_bytes, 0);
}

/* ---- rotation with a server -------------------------------------------------------------------------- */

Test(store, rotates_by_size)
{
	open_store();
	set.rotate_size = store.set.rotate_size = 1000;
	serve();
	records(store.now.give, 20);
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT);
	cr_assert_eq(sent[0].number, 2);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "size");
	record(store.left.give, "rotate");
	record(sent[0].fd, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, 1100);
	cr_assert_eq(store.left.fd, -1);
	cr_assert_eq(n_ended, 0);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 2);
}

Test(store, rotates_by_age_and_request)
{
	open_store();
	store.set.rotate_age = 3600;
	serve();
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 0, "an empty file is never rotated");
	records(store.now.give, 1); /* of 2024 */
	store_tick(&store, 2000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "age");
	record(store.left.give, "rotate");
	record(store.now.give, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, 2100);
	n_sent = 0;
	store.set.rotate_age = 0;
	store_request(&store);
	store_tick(&store, 2200);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "request");
}

Test(store, server_that_cannot_rotate_keeps_the_old_file)
{
	open_store();
	serve();
	records(store.now.give, 5);
	store_request(&store);
	store_tick(&store, 1000);
	cr_assert_eq(write(store.now.give, "{\"se", 4), 4); /* a piece of `continue` */
	answer(CHANNEL_AUDIT_DONE, 2, false, 1100);
	records(store.now.give, 1);
	cr_assert(!is_there("audit.jsonl.000001"));
	cr_assert(store_is_named(&store, "audit.jsonl", store.now.fd));
	killed();
	expect_continued();
	cr_assert_eq(state.torn_bytes, 0);
}

Test(store, answers_nobody_asked_for_end_the_server)
{
	open_store();
	serve();
	answer(CHANNEL_AUDIT_DONE, 1, true, 0);
	cr_assert_eq(n_ended, 1);
	answer(CHANNEL_AUDIT_NOTED, 0, true, 0);
	cr_assert_eq(n_ended, 2);
	records(store.now.give, 1);
	store_request(&store);
	store_tick(&store, 1000);
	answer(CHANNEL_AUDIT_DONE, 3, true, 0);
	cr_assert_eq(n_ended, 3);
	cr_assert(store.asked);
}

Test(store, server_that_does_not_answer_is_ended)
{
	open_store();
	serve();
	records(store.now.give, 1);
	store_request(&store);
	store_tick(&store, 1000);
	store_tick(&store, 2000);
	cr_assert_eq(n_ended, 0);
	store_tick(&store, 1000 + STORE_ANSWER_MS);
	cr_assert_eq(n_ended, 1);
}

Test(store, server_that_dies_in_a_rotation)
{
	open_store();
	serve();
	records(store.now.give, 2);
	store_request(&store);
	store_tick(&store, 1000);
	records(store.left.give, 2);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert(!is_there("audit.jsonl.000001"));
	cr_assert_eq(handed.number, 1);
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

/* ---- removal ----------------------------------------------------------------------------------------- */

/* The server's part of a rotation, and what follows it. */
static void finish_removed(int64_t now)
{
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT);
	cr_assert_eq(audit_state_get(sent[0].text, &state), 0);
	cr_assert_str_eq(state.reason, "removed");
	records(store.left.give, 3);
	record(store.left.give, "rotate");
	record(store.now.give, "continue");
	answer(CHANNEL_AUDIT_DONE, 2, true, now);
	store_tick(&store, now + 1);
	cr_assert_eq(store.left.fd, -1);
	cr_assert_eq(store.copy, -1);
}

static uint64_t first_of(const char *name)
{
	char file[128];
	int64_t when;
	uint64_t first = 0;
	int fd;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	fd = open(file, O_RDONLY);
	cr_assert_eq(store_first_read(fd, &first, &when), 0);
	close(fd);
	return first;
}

Test(store, removed_log_is_copied_back)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(first_of("audit.jsonl"), seq);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 2);
}

Test(store, replaced_log_is_copied_back)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert(is_there("audit.jsonl.foreign-000001"));
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(size_of("audit.jsonl.000001") > 0, true);
}

Test(store, removed_folder_is_made_again)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	remove_file("audit.jsonl.ledger");
	cr_assert_eq(rmdir(folder), 0);
	store_tick(&store, 1000);
	finish_removed(1100);
	cr_assert_eq(first_of("audit.jsonl.000001"), 1);
	cr_assert_eq(size_of("audit.jsonl.ledger"), AUDIT_LEDGER_SIZE);
	cr_assert_eq(store_open(&second, &set, &links), -EBUSY, "the new ledger is not locked");
}

Test(store, removed_while_no_server_runs)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert_gt(size_of("audit.jsonl"), 0, "what was copied back is the current file again");
	killed();
	expect_continued();
}

Test(store, server_dies_before_the_removed_log_is_copied)
{
	open_store();
	serve();
	records(store.now.give, 10);
	remove_file("audit.jsonl");
	store_tick(&store, 1000);
	records(store.left.give, 1);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(state.seq, seq);
	cr_assert_eq(first_of("audit.jsonl"), 1);
}

Test(store, folder_that_cannot_be_made_again)
{
	char away[96], inner[64];

	/* A file stands where the folder was. */
	snprintf(inner, sizeof(inner), "%s/in", folder);
	snprintf(path, sizeof(path), "%s/in/audit.jsonl", folder);
	snprintf(away, sizeof(away), "%s/away", folder);
	cr_assert_eq(mkdir(inner, 0755), 0);
	open_store();
	serve();
	records(store.now.give, 10);
	cr_assert_eq(rename(inner, away), 0);
	close(open(inner, O_WRONLY | O_CREAT, 0600));
	store_tick(&store, 1000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT_SPACE);
	cr_assert(!sent[0].ok);
	cr_assert_eq(sent[0].number, ENOTDIR);
	store_tick(&store, 2000);
	cr_assert_eq(n_sent, 1, "said once");
	/* And can be at last. */
	cr_assert_eq(unlink(inner), 0);
	n_sent = 0;
	store_tick(&store, 3000);
	finish_removed(3100);
	cr_assert_eq(sent[1].type, CHANNEL_AUDIT_SPACE);
	cr_assert(sent[1].ok);
	cr_assert_eq(first_of("in/audit.jsonl.000001"), 1);
}

Test(store, counts_survive_the_loss_of_the_ledger)
{
	char bytes[8] = "12345678", back[8];

	open_store();
	serve();
	cr_assert_eq(pwrite(store.ledger, bytes, 8, 100), 8);
	remove_file("audit.jsonl.ledger");
	store_tick(&store, 1000);
	cr_assert_geq(store.spare_ledger, 0);
	store_server_died(&store);
	hand_over();
	cr_assert_eq(store.spare_ledger, -1);
	cr_assert(store_is_named(&store, "audit.jsonl.ledger", store.ledger));
	cr_assert_eq(pread(store.ledger, back, 8, 100), 8);
	cr_assert_arr_eq(bytes, back, 8);
}

/* ---- retention --------------------------------------------------------------------------------------- */

static void make_files(unsigned int n)
{
	open_store();
	serve();
	for (unsigned int i = 0; i < n; i++) {
		records(store.now.give, 10);
		store_request(&store);
		store_tick(&store, 1000 * (i + 1));
		record(store.left.give, "rotate");
		record(store.now.give, "continue");
		answer(CHANNEL_AUDIT_DONE, i + 2, true, 1000 * (i + 1));
	}
	n_sent = 0;
}

Test(store, oldest_go_after_it_is_on_record)
{
	struct audit_note note;

	make_files(5);
	store.set.keep_size = 2 * (uint64_t)size_of("audit.jsonl.000003") + 200;
	store_tick(&store, 10000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(sent[0].type, CHANNEL_AUDIT_NOTE);
	cr_assert_eq(audit_note_get(sent[0].text, &note), 0);
	cr_assert_str_eq(note.reason, "size");
	cr_assert(is_there("audit.jsonl.000001"), "deleted before it was on record");
	answer(CHANNEL_AUDIT_NOTED, 0, true, 10100);
	cr_assert_eq(note.files, 3);
	cr_assert(!is_there("audit.jsonl.000001") && !is_there("audit.jsonl.000003"));
	cr_assert_eq(first_of("audit.jsonl.000004"), note.first);
	killed();
	expect_continued();
	cr_assert_eq(handed.number, 6);
}

Test(store, newest_rotated_file_stays)
{
	make_files(3);
	store.set.keep_size = 1;
	store_tick(&store, 10000);
	answer(CHANNEL_AUDIT_NOTED, 0, true, 10100);
	cr_assert(is_there("audit.jsonl.000003") && !is_there("audit.jsonl.000002"));
}

Test(store, what_is_not_on_record_stays)
{
	make_files(3);
	store.set.keep_size = 1;
	store_tick(&store, 10000);
	answer(CHANNEL_AUDIT_NOTED, 0, false, 10100);
	cr_assert(is_there("audit.jsonl.000001"));
	n_sent = 0;
	store_tick(&store, 10100 + STORE_RETRY_MS);
	cr_assert_eq(n_sent, 1, "tried again");
}

Test(store, old_files_go)
{
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct audit_note note;
	char file[128];

	make_files(3);
	snprintf(file, sizeof(file), "%s/audit.jsonl.000001", folder);
	cr_assert_eq(utimensat(AT_FDCWD, file, times, 0), 0);
	store.set.keep_age = 86400;
	store_tick(&store, 10000);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(audit_note_get(sent[0].text, &note), 0);
	cr_assert_eq(note.files, 1);
	cr_assert_str_eq(note.reason, "age");
}

Test(store, only_names_of_the_log_are_its_files)
{
	static const char *const names[] = { "audit.jsonl.1",       "audit.jsonl.0000001",
					     "audit.jsonl.000000",  "audit.jsonl.000001x",
					     "audit.jsonl.ledgerx", "audit.jsonl.99999999999" };
	struct store_list list;
	char file[128];

	open_store();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", folder, names[i]);
		close(open(file, O_WRONLY | O_CREAT, 0600));
	}
	cr_assert_eq(store_list(&store, &list), 0);
	cr_assert_eq(list.n, 0);
	store_list_deinit(&list);
	snprintf(file, sizeof(file), "%s/audit.jsonl.1000000", folder);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	cr_assert_eq(store_list(&store, &list), 0);
	cr_assert_eq(list.n, 1);
	cr_assert_eq(list.number[0], 1000000);
	store_list_deinit(&list);
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
