// SPDX-License-Identifier: LGPL-2.1-or-later
/* The hand-over of the audit log as text: what is written is read, and nothing else. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmbroker/audit_key.h"
#include "xmbroker/audit_state.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HASH "00112233445566778899aabbccddeeff"
#define GOOD "seq=17 chain=" ZEROS " epoch=3 key=" ZEROS " torn=5 hash=" HASH " previous=ended"

static char text[AUDIT_STATE_TEXT];

static struct audit_state sample(void)
{
	struct audit_state state = {
		.seq = 18446744073709551615u,
		.sealed = true,
		.epoch = 4,
		.torn_bytes = 4294967295u,
		.previous = "stopped",
		.reason = "request",
		.file = 9,
	};

	for (size_t i = 0; i < sizeof(state.chain); i++)
		state.chain[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(state.key); i++)
		state.key[i] = (uint8_t)(255 - i);
	memset(state.torn_hash, 0xa5, sizeof(state.torn_hash));
	return state;
}

Test(audit_state, comes_back_as_it_went)
{
	struct audit_state state = sample(), back;

	cr_assert_eq(audit_state_put(&state, text, sizeof(text)), 0);
	cr_assert_eq(audit_state_get(text, &back), 0);
	cr_assert_eq(back.seq, state.seq);
	cr_assert_arr_eq(back.chain, state.chain, sizeof(state.chain));
	cr_assert(back.sealed);
	cr_assert_eq(back.epoch, 4);
	cr_assert_arr_eq(back.key, state.key, sizeof(state.key));
	cr_assert_eq(back.torn_bytes, state.torn_bytes);
	cr_assert_arr_eq(back.torn_hash, state.torn_hash, sizeof(state.torn_hash));
	cr_assert_str_eq(back.previous, "stopped");
	cr_assert_str_eq(back.reason, "request");
	cr_assert_eq(back.file, 0);
}

Test(audit_state, without_seal_and_reason)
{
	struct audit_state state = { .previous = "none" }, back = sample();

	cr_assert_eq(audit_state_put(&state, text, sizeof(text)), 0);
	cr_assert_null(strstr(text, "key="));
	cr_assert_eq(audit_state_get(text, &back), 0);
	cr_assert(!back.sealed);
	cr_assert_str_eq(back.reason, "");
}

Test(audit_state, unknown_words_and_small_rooms_are_refused)
{
	struct audit_state state = sample();

	state.previous = "gone";
	cr_assert_eq(audit_state_put(&state, text, sizeof(text)), -EINVAL);
	state = sample();
	strcpy(state.reason, "whim");
	cr_assert_eq(audit_state_put(&state, text, sizeof(text)), -EINVAL);
	state = sample();
	cr_assert_eq(audit_state_put(&state, text, 100), -ENOSPC);
}

Test(audit_state, good_text)
{
	struct audit_state state;

	cr_assert_eq(audit_state_get(GOOD, &state), 0);
	cr_assert_eq(audit_state_get(GOOD " reason=removed", &state), 0);
}

/* One fault each, in what is otherwise good. */
Test(audit_state, malformed_texts_are_refused)
{
	static const char *const bad[] = {
		"",
		" " GOOD,
		GOOD " ",
		GOOD " reason=",
		GOOD " reason=whim",
		GOOD " reason=size x",
		GOOD " more=1",
		"seq=017 chain=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq= chain=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq=-1 chain=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq=18446744073709551616 chain=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq=1  chain=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq=1 chain=" ZEROS "0 torn=5 hash=" HASH " previous=ended",
		"seq=1 chain=0 torn=5 hash=" HASH " previous=ended",
		"seq=1 chain=" ZEROS " epoch=3 torn=5 hash=" HASH " previous=ended",
		"seq=1 chain=" ZEROS " key=" ZEROS " torn=5 hash=" HASH " previous=ended",
		"seq=1 chain=" ZEROS " torn=4294967296 hash=" HASH " previous=ended",
		"seq=1 chain=" ZEROS " torn=5 hash=00112233445566778899AABBCCDDEEFF previous=ended",
		"seq=1 chain=" ZEROS " torn=5 hash=" HASH " previous=",
		"seq=1 chain=" ZEROS " torn=5 hash=" HASH " previous=unknown",
		"seq=1 chain=" ZEROS " torn=5 hash=" HASH,
		"chain=" ZEROS " seq=1 torn=5 hash=" HASH " previous=ended",
	};
	struct audit_state state = sample();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(audit_state_get(bad[i], &state), -EPROTO, "%s", bad[i]);
	cr_assert_eq(state.epoch, 4, "written to although refused");
}

Test(audit_state, notes)
{
	struct audit_note note = { 4711, 3, "age" }, back;

	cr_assert_eq(audit_note_put(&note, text, sizeof(text)), 0);
	cr_assert_str_eq(text, "first=4711 files=3 reason=age");
	cr_assert_eq(audit_note_get(text, &back), 0);
	cr_assert_eq(back.first, 4711);
	cr_assert_eq(back.files, 3);
	cr_assert_str_eq(back.reason, "age");
	cr_assert_eq(audit_note_get("first=1 files=1 reason=removed", &back), -EPROTO);
	cr_assert_eq(audit_note_get("first=1 files=1 reason=size ", &back), -EPROTO);
	cr_assert_eq(audit_note_get("first=1 files=4294967296 reason=size", &back), -EPROTO);
}

/* ---- the key on the disk ----------------------------------------------------------------------------- */

static char folder[] = "/tmp/xm-key-XXXXXX";
static char path[64], new_path[64];

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.key", folder);
	snprintf(new_path, sizeof(new_path), "%s/audit.key.new", folder);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(new_path);
	rmdir(folder);
}

TestSuite(audit_key, .init = make_folder, .fini = remove_folder);

static void write_key(const char *line)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(line, f);
	fclose(f);
	chmod(path, 0600);
}

Test(audit_key, first_is_kept_nowhere)
{
	uint8_t first[AUDIT_KEY_BYTES], expected[AUDIT_KEY_BYTES];
	struct audit_key key;
	struct stat st;

	cr_assert_eq(audit_key_create(path, first), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(access(new_path, F_OK), -1);
	cr_assert_eq(audit_key_read(path, &key), 0);
	cr_assert_eq(key.epoch, 1);
	memcpy(expected, first, sizeof(expected));
	audit_epoch_next(expected);
	cr_assert_arr_eq(key.bytes, expected, sizeof(expected));
	cr_assert_eq(audit_key_create(path, first), -EEXIST);
}

Test(audit_key, advances_before_it_is_used)
{
	uint8_t first[AUDIT_KEY_BYTES];
	struct audit_key key, next, held;

	cr_assert_eq(audit_key_create(path, first), 0);
	cr_assert_eq(audit_key_advance(path, &key), 0);
	cr_assert_eq(key.epoch, 1);
	cr_assert_eq(audit_key_read(path, &held), 0);
	cr_assert_eq(held.epoch, 2);
	cr_assert_eq(audit_key_advance(path, &next), 0);
	audit_epoch_next(key.bytes);
	cr_assert_arr_eq(next.bytes, key.bytes, sizeof(key.bytes));
}

Test(audit_key, one_who_was_stopped_in_the_middle_is_no_hindrance)
{
	uint8_t first[AUDIT_KEY_BYTES];
	struct audit_key key;
	FILE *f;

	cr_assert_eq(audit_key_create(path, first), 0);
	f = fopen(new_path, "w");
	fputs("xmbroker-audit-key:1 ep", f);
	fclose(f);
	cr_assert_eq(audit_key_advance(path, &key), 0);
	cr_assert_eq(key.epoch, 1);
}

Test(audit_key, what_was_used_is_on_no_disk)
{
	uint8_t first[AUDIT_KEY_BYTES];
	struct audit_key key;
	char hex[2 * AUDIT_KEY_BYTES + 1], line[200] = "";
	struct stat before, after;
	FILE *f;

	cr_assert_eq(audit_key_create(path, first), 0);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(audit_key_advance(path, &key), 0);
		audit_hex_put(hex, key.bytes, sizeof(key.bytes));
		hex[sizeof(hex) - 1] = '\0';
		for (unsigned int j = 0; j < 2; j++) {
			f = fopen(j ? path : new_path, "r");
			cr_assert_not_null(f);
			line[fread(line, 1, sizeof(line) - 1, f)] = '\0';
			fclose(f);
			cr_assert_null(strstr(line, hex));
		}
	}
	/* Two files take turns: no disk space is needed. */
	cr_assert_eq(stat(new_path, &before), 0);
	cr_assert_eq(audit_key_advance(path, &key), 0);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
}

Test(audit_key, damaged_files_are_refused)
{
	static const char *const bad[] = {
		"",
		"xmbroker-audit-key:1 epoch=1 key=" ZEROS,
		"xmbroker-audit-key:1 epoch=1 key=" ZEROS "\n\n",
		"xmbroker-audit-key:1 epoch=0 key=" ZEROS "\n",
		"xmbroker-audit-key:1 epoch=01 key=" ZEROS "\n",
		"xmbroker-audit-key:1 epoch=1 key=" ZEROS "00\n",
		"xmbroker-audit-key:1 epoch=1 key=00\n",
		"xmbroker-audit-key:2 epoch=1 key=" ZEROS "\n",
	};
	struct audit_key key;

	write_key("xmbroker-audit-key:1 epoch=1 key=" ZEROS "\n");
	cr_assert_eq(audit_key_read(path, &key), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_key(bad[i]);
		cr_expect_eq(audit_key_read(path, &key), -EBADMSG, "%s", bad[i]);
		cr_expect_eq(audit_key_advance(path, &key), -EBADMSG, "%s", bad[i]);
	}
}

Test(audit_key, others_may_not_read_it)
{
	struct audit_key key;

	write_key("xmbroker-audit-key:1 epoch=1 key=" ZEROS "\n");
	chmod(path, 0640);
	cr_assert_eq(audit_key_read(path, &key), -EPERM);
	unlink(path);
	cr_assert_eq(audit_key_read(path, &key), -ENOENT);
	cr_assert_eq(symlink("/dev/zero", path), 0);
	cr_assert_eq(audit_key_read(path, &key), -EPERM);
}
