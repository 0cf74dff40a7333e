// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A supervisor without a loop, and the server's end of its channel.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/image.h"
#include "tests/trial_rig.h"
#include "xmbroker/store_internal.h"

struct supervisor s;
static struct options opts = { .backend = OPTIONS_LOOPBACK };
struct channel_message m;
char path[64], kept[128];
static char folder[32];
static int server = -1; /* its end of the channel */

/* The supervisor does not look into one, but for the digest. */
static int make_image(char digest)
{
	char bytes[256];
	int fd = compile_make_memory();

	memset(bytes, 7, sizeof(bytes));
	memset(bytes + POLICY_IMAGE_DIGEST_AT, digest, POLICY_DIGEST);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	return fd;
}

char in_force(void)
{
	char digest = 0;

	cr_assert_eq(pread(s.image, &digest, 1, POLICY_IMAGE_DIGEST_AT), 1);
	return digest;
}

void connect_server(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	s.channel.fd = pair[0];
	server = pair[1];
	s.server_ready = true;
}

void server_ends(int status)
{
	if (s.channel.fd >= 0) {
		close(s.channel.fd);
		close(server);
	}
	s.channel.fd = server = -1;
	handed_server_died(&s, status);
	s.server_ready = false;
}

void disconnect_server(void)
{
	server_ends(SIGKILL);
}

/* A broker whose files have this policy. */
static void begin(char digest)
{
	const struct store_settings set = { .path = path, .rotate_size = 1 << 20 };
	const struct store_links links = { NULL, NULL, NULL };

	memset(&s, 0, sizeof(s));
	s.opts = &opts;
	s.channel.fd = s.kept = s.trial.previous = s.attach = s.job.pid = s.server.pid = -1;
	s.narrow_at = s.server_end = -1;
	s.loop.now = 1000;
	s.image = digest == BAD ? -1 : make_image(digest);
	s.generation = s.n_generations = 1;
	s.phase = PHASE_RUNNING;
	store_init(&s.store);
	cr_assert_eq(store_open(&s.store, &set, &links), 0);
	connect_server();
}

static void end(void)
{
	disconnect_server();
	store_close(&s.store);
	handed_close(&s);
	if (s.trial.previous >= 0)
		close(s.trial.previous);
}

void trial_setup(void)
{
	strcpy(folder, "/tmp/xm-trial-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	snprintf(kept, sizeof(kept), "%s.confirmed", path);
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	begin('A');
}

void trial_teardown(void)
{
	char command[64];

	end();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

/* The compiler made it, and the server is to take it. */
void compiled(char digest, uint32_t seconds)
{
	handed_over(&s, make_image(digest), seconds, false);
}

void reload(char digest, uint32_t seconds)
{
	compiled(digest, seconds);
	handed_done(&s, s.generation, true);
}

void let_pass(int64_t seconds)
{
	s.loop.now += seconds * 1000;
	trial_tick(&s);
}

/* The last message of this type that the server got. */
bool told(enum channel_type type)
{
	static struct channel_message next;
	bool found = false;

	while (channel_receive(server, &next) == 1) {
		if (next.fd >= 0)
			close(next.fd);
		if (next.type != type)
			continue;
		found = true;
		m = next;
	}
	return found;
}

bool confirm(uint32_t generation)
{
	char text[200] = "";
	bool ok = trial_confirm(&s, generation, text, sizeof(text));

	cr_expect(*text, "it says what it did");
	return ok;
}

bool is_kept(void)
{
	return access(kept, F_OK) == 0;
}

/* As it would be after a start with these files, whatever ended the one before. */
int start_again(char files)
{
	end();
	begin(files);
	return trial_keep_start(&s);
}
