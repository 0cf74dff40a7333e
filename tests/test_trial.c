// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies on trial, as the supervisor keeps them: what comes back and when, whatever happens
 * meanwhile, and what the next broker finds on the disk.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/image.h"
#include "xmbroker/store_internal.h"
#include "xmbroker/supervisor_internal.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct supervisor s;
static struct options opts = { .backend = OPTIONS_LOOPBACK };
static struct channel_message m;
static char folder[32], path[64], kept[128];
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

static char in_force(void)
{
	char digest = 0;

	cr_assert_eq(pread(s.image, &digest, 1, POLICY_IMAGE_DIGEST_AT), 1);
	return digest;
}

static void connect_server(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	s.channel.fd = pair[0];
	server = pair[1];
	s.server_ready = true;
}

static void disconnect_server(void)
{
	close(s.channel.fd);
	close(server);
	s.channel.fd = server = -1;
	reload_server_died(&s);
	s.server_ready = false;
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
	s.image = make_image(digest);
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
	close(s.image);
	if (s.kept >= 0)
		close(s.kept);
	if (s.trial.previous >= 0)
		close(s.trial.previous);
}

static void setup(void)
{
	strcpy(folder, "/tmp/xm-trial-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	snprintf(kept, sizeof(kept), "%s.confirmed", path);
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	begin('A');
}

static void teardown(void)
{
	char command[64];

	end();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(trial, .init = setup, .fini = teardown);

/* The compiler made it, and the server is to take it. */
static void compiled(char digest, uint32_t seconds)
{
	int image = make_image(digest);

	trial_ask(&s, image, seconds);
	reload_put_into_force(&s, image, false);
}

static void reload(char digest, uint32_t seconds)
{
	compiled(digest, seconds);
	reload_image_done(&s, s.generation, true);
}

static void let_pass(int64_t seconds)
{
	s.loop.now += seconds * 1000;
	trial_tick(&s);
}

/* The last message of this type that the server got. */
static bool told(enum channel_type type)
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

static bool confirm(void)
{
	char text[160] = "";
	bool ok = trial_confirm(&s, text, sizeof(text));

	cr_expect(*text, "it says what it did");
	return ok;
}

static bool is_kept(void)
{
	return access(kept, F_OK) == 0;
}

/* As it would be after a start with these files, whatever ended the one before. */
static int start_again(char files)
{
	end();
	begin(files);
	return trial_keep_start(&s);
}

/* ---- time -------------------------------------------------------------------------------------------- */

Test(trial, what_is_not_confirmed_goes_when_its_time_is_over)
{
	reload('B', 60);
	cr_expect(told(CHANNEL_TRIAL));
	cr_expect_eq(m.number, 60);
	cr_expect_eq(trial_next(&s, -1), 61000);
	let_pass(59);
	cr_expect_eq(in_force(), 'B');
	let_pass(1);
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(s.generation, 3);
	cr_expect(told(CHANNEL_IMAGE));
	cr_expect(m.ok, "whatever it locks out or drops");
	reload_image_done(&s, 3, true);
	cr_expect_eq(trial_next(&s, -1), -1);
	let_pass(1000);
	cr_expect_eq(s.generation, 3);
}

Test(trial, what_is_confirmed_stays)
{
	reload('B', 60);
	let_pass(59);
	cr_expect(confirm());
	let_pass(1000);
	cr_expect_eq(in_force(), 'B');
	cr_expect_eq(s.generation, 2);
	cr_expect_not(confirm());
}

Test(trial, what_was_reloaded_without_a_time_needs_no_confirmation)
{
	reload('B', 0);
	cr_expect_not(confirm());
	let_pass(100000);
	cr_expect_eq(in_force(), 'B');
}

/* ---- another reload ---------------------------------------------------------------------------------- */

Test(trial, a_second_policy_is_on_trial_for_the_same_time)
{
	reload('B', 60);
	let_pass(30);
	reload('C', 0);
	let_pass(29);
	cr_expect_eq(in_force(), 'C');
	let_pass(1);
	cr_expect_eq(in_force(), 'A', "not what was unconfirmed, too");
}

Test(trial, a_second_policy_with_a_time_has_its_own)
{
	reload('B', 60);
	let_pass(30);
	reload('C', 100);
	let_pass(99);
	cr_expect_eq(in_force(), 'C');
	let_pass(1);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, what_is_just_coming_cannot_be_confirmed_before)
{
	reload('B', 60);
	compiled('C', 0);
	cr_expect_not(confirm());
	reload_image_done(&s, s.generation, true);
	cr_expect(confirm());
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
}

Test(trial, the_way_back_overtakes_what_is_just_coming)
{
	reload('B', 60);
	compiled('C', 30);
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
	reload_image_done(&s, 3, true); /* C, which the server took before */
	reload_image_done(&s, 4, true);
	cr_expect_eq(in_force(), 'A');
	let_pass(100);
	cr_expect_eq(s.generation, 4);
	reload('D', 0);
	let_pass(100);
	cr_expect_eq(in_force(), 'D', "the time of C is nobody else's");
}

/* A run that was going on when the time was over ends before the server has taken the way back. */
Test(trial, what_overtakes_the_way_back_does_not_confirm_what_was_on_trial)
{
	reload('B', 60);
	let_pass(60);
	compiled('C', 30);
	reload_image_done(&s, 3, true); /* A */
	reload_image_done(&s, 4, true);
	cr_expect_eq(in_force(), 'C');
	let_pass(30);
	cr_expect_eq(in_force(), 'A');
	reload_image_done(&s, 5, true);
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, what_overtakes_the_way_back_and_is_refused_changes_nothing)
{
	reload('B', 60);
	let_pass(60);
	compiled('C', 0);
	reload_image_done(&s, 3, true);
	reload_image_done(&s, 4, false);
	cr_expect_eq(in_force(), 'A');
	let_pass(100);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, a_server_that_refuses_an_overtaken_way_back_is_ended, .timeout = 30)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		alarm(20);
		pause();
		_exit(0);
	}
	reload('B', 60);
	let_pass(60);
	compiled('C', 0);
	s.server.pid = pid;
	reload_image_done(&s, 3, false);
	s.server.pid = -1;
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(trial, what_overtakes_the_way_back_of_a_server_that_dies_is_not_taken)
{
	reload('B', 60);
	let_pass(60);
	compiled('C', 0);
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
}

Test(trial, the_shortest_time_of_several_requests_counts)
{
	struct channel_message ask = { .type = CHANNEL_RELOAD, .ok = true, .fd = -1 };

	s.job.pid = 1; /* a run is going on */
	strcpy(ask.text, "300");
	reload_request(&s, &ask);
	strcpy(ask.text, "90");
	reload_request(&s, &ask);
	strcpy(ask.text, "");
	reload_request(&s, &ask);
	cr_expect_eq(s.next.confirm, 90);
	cr_expect_not(s.next.unforced);
	ask.ok = false;
	reload_request(&s, &ask);
	cr_expect(s.next.unforced);
	s.job.pid = -1;
}

/* ---- servers that refuse or die ---------------------------------------------------------------------- */

Test(trial, what_the_server_refuses_is_not_on_trial)
{
	compiled('B', 60);
	reload_image_done(&s, 2, false);
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm());
	reload('C', 0);
	let_pass(1000);
	cr_expect_eq(in_force(), 'C');
}

Test(trial, a_server_that_dies_before_it_takes_it_ends_no_trial_and_begins_none)
{
	compiled('B', 60);
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm());
	connect_server();
	reload('B', 60);
	compiled('C', 0);
	disconnect_server();
	connect_server();
	cr_expect_eq(in_force(), 'B');
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, a_new_server_is_told)
{
	reload('B', 60);
	disconnect_server();
	let_pass(20);
	connect_server();
	trial_tell_again(&s);
	cr_expect(told(CHANNEL_TRIAL));
	cr_expect_eq(m.number, 40);
}

Test(trial, time_runs_out_while_no_server_is_there)
{
	reload('B', 60);
	disconnect_server();
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
	reload_server_died(&s); /* another one, which did not become ready either */
	cr_expect_eq(in_force(), 'A');
	connect_server();
	reload_image_done(&s, s.generation, true);
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm());
}

Test(trial, a_server_that_dies_on_the_way_back_does_not_stop_it)
{
	reload('B', 60);
	let_pass(60);
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
}

Test(trial, the_time_of_what_a_dead_server_did_not_take_is_nobody_elses)
{
	compiled('B', 60);
	disconnect_server();
	connect_server();
	reload('C', 0);
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
}

Test(trial, a_server_cannot_refuse_the_way_back)
{
	reload('B', 60);
	let_pass(60);
	reload_image_done(&s, 3, false);
	cr_expect_eq(in_force(), 'A', "the next server begins with it");
	cr_expect_lt(s.kept, 0);
}

/* ---- the end of the broker --------------------------------------------------------------------------- */

Test(trial, the_next_start_takes_what_was_confirmed)
{
	reload('B', 60);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(fcntl(s.image, F_GET_SEALS) & SEALS, SEALS);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'A', "as often as it starts");
	reload('B', 0);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'B', "somebody wanted that");
}

Test(trial, the_next_start_takes_files_that_were_changed)
{
	reload('B', 60);
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'C');
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'B', "that trial is long over");
}

Test(trial, of_two_the_last_is_the_one_that_was_not_confirmed)
{
	reload('B', 60);
	reload('C', 0);
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'A');
}

/* Whoever asked may have been told already that it is in force. */
Test(trial, what_was_confirmed_is_kept_before_a_server_takes_another)
{
	compiled('B', 60);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, what_was_confirmed_is_not_kept_longer)
{
	reload('B', 60);
	cr_expect(is_kept());
	cr_expect(confirm());
	cr_expect_not(is_kept());
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'B');
}

Test(trial, what_was_rolled_back_does_not_come_with_the_next_start)
{
	reload('B', 60);
	let_pass(60);
	reload_image_done(&s, 3, true);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, what_is_kept_is_nobody_elses_to_read)
{
	struct stat st;

	reload('B', 60);
	cr_assert_eq(stat(kept, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(trial, what_is_damaged_starts_nothing)
{
	reload('B', 60);
	cr_assert_eq(truncate(kept, 48), 0);
	cr_expect_lt(start_again('B'), 0);
	cr_assert_eq(truncate(kept, 20), 0);
	cr_expect_lt(start_again('B'), 0);
	cr_assert_eq(unlink(kept), 0);
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'B');
}

Test(trial, a_link_in_its_place_is_not_followed)
{
	reload('B', 60);
	cr_assert_eq(rename(kept, "/tmp/xm-trial-elsewhere"), 0);
	cr_assert_eq(symlink("/tmp/xm-trial-elsewhere", kept), 0);
	cr_expect_lt(start_again('B'), 0);
	unlink("/tmp/xm-trial-elsewhere");
}
