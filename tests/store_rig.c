// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of the store share.
 */

#include "tests/store_rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char folder[32], path[64], key_path[64];
struct store store, second;
struct store_settings set;
struct channel_message sent[16];
size_t n_sent;
unsigned int n_ended;
uint64_t seq;
uint8_t chain[AUDIT_CHAIN_BYTES];
struct channel_message handed;
struct audit_state state;

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

const struct store_links links = { tell, end, NULL };

void store_rig_setup(void)
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

void store_rig_teardown(void)
{
	char command[96];

	store_close(&store);
	store_close(&second);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		abort();
}

size_t make_line(char text[512], const char *type)
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

void record(int fd, const char *type)
{
	char text[512];
	size_t len = make_line(text, type);

	cr_assert_eq(write(fd, text, len), (ssize_t)len);
}

void records(int fd, unsigned int n)
{
	while (n--)
		record(fd, "decision");
}

void append(const char *name, const char *text)
{
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	fd = open(file, O_WRONLY | O_APPEND);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

bool is_there(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	return access(file, F_OK) == 0;
}

off_t size_of(const char *name)
{
	char file[128];
	struct stat st;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	return stat(file, &st) < 0 ? -1 : st.st_size;
}

void remove_file(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	cr_assert_eq(unlink(file), 0);
}

void open_store(void)
{
	cr_assert_eq(store_open(&store, &set, &links), 0);
}

void killed(void)
{
	store_close(&store);
	store_init(&store);
}

void hand_over(void)
{
	cr_assert_eq(store_hand_over(&store, &handed), 0);
	cr_assert_geq(handed.fd, 0);
	cr_assert_eq(audit_state_get(handed.text, &state), 0);
}

void serve(void)
{
	hand_over();
	store_serving(&store, 0);
	n_sent = 0;
}

void expect_continued(void)
{
	open_store();
	hand_over();
	cr_expect_eq(state.seq, seq, "seq %llu instead of %llu", (unsigned long long)state.seq,
		     (unsigned long long)seq);
	cr_expect_arr_eq(state.chain, chain, sizeof(chain));
	cr_expect(!is_there("audit.jsonl.new"));
}

void answer(uint8_t type, uint32_t number, bool ok, int64_t now)
{
	struct channel_message message = { .type = type, .number = number, .ok = ok, .fd = -1 };

	if (type == CHANNEL_AUDIT_DONE)
		store_done(&store, &message, now);
	else
		store_noted(&store, &message, now);
}

uint64_t first_of(const char *name)
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
