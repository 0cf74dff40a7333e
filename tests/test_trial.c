// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies on trial, as the supervisor keeps them: what comes back and when, whatever happens
 * meanwhile, and what the next broker finds on the disk.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/trial_rig.h"
#include "xmbroker/supervisor.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

TestSuite(trial, .init = trial_setup, .fini = trial_teardown);

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
	cr_expect_str_eq(m.text, "way back");
	handed_done(&s, 3, true);
	cr_expect_eq(trial_next(&s, -1), -1);
	let_pass(1000);
	cr_expect_eq(s.generation, 3);
}

Test(trial, what_is_confirmed_stays)
{
	reload('B', 60);
	let_pass(59);
	cr_expect(confirm(0));
	let_pass(1000);
	cr_expect_eq(in_force(), 'B');
	cr_expect_eq(s.generation, 2);
	cr_expect_not(confirm(0));
}

Test(trial, what_another_reload_has_replaced_cannot_be_confirmed)
{
	reload('B', 60);
	reload('C', 60); /* by somebody else */
	cr_expect_not(confirm(2));
	cr_expect_not(confirm(1));
	cr_expect_not(confirm(4));
	let_pass(30);
	cr_expect(confirm(3));
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
	cr_expect_not(confirm(3));
}

Test(trial, what_was_reloaded_without_a_time_needs_no_confirmation)
{
	reload('B', 0);
	cr_expect_not(confirm(0));
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
	cr_expect_not(confirm(0));
	handed_done(&s, s.generation, true);
	cr_expect(confirm(0));
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
}

Test(trial, the_way_back_overtakes_what_is_just_coming)
{
	reload('B', 60);
	compiled('C', 30);
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
	handed_done(&s, 3, true); /* C, which the server took before */
	handed_done(&s, 4, true);
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
	handed_done(&s, 3, true); /* A */
	handed_done(&s, 4, true);
	cr_expect_eq(in_force(), 'C');
	let_pass(30);
	cr_expect_eq(in_force(), 'A');
	handed_done(&s, 5, true);
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'A');
}

Test(trial, what_overtakes_the_way_back_and_is_refused_changes_nothing)
{
	reload('B', 60);
	let_pass(60);
	compiled('C', 0);
	handed_done(&s, 3, true);
	handed_done(&s, 4, false);
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
	handed_done(&s, 3, false);
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
	cr_expect(confirm(0));
	cr_expect_not(is_kept());
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'B');
}

Test(trial, what_was_rolled_back_does_not_come_with_the_next_start)
{
	reload('B', 60);
	let_pass(60);
	handed_done(&s, 3, true);
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

/* The files of the unconfirmed one were being corrected, for example. */
Test(trial, the_next_start_takes_what_was_confirmed_if_the_files_are_bad)
{
	reload('B', 60);
	cr_expect(trial_keep_is_there(path));
	cr_expect_eq(start_again(BAD), 0);
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(start_again(BAD), 0);
	cr_expect_eq(in_force(), 'A', "as often as it starts");
	cr_expect_eq(start_again('B'), 0);
	cr_expect_eq(in_force(), 'A', "it was not confirmed by that");
}

Test(trial, bad_files_start_nothing_if_there_is_nothing_unconfirmed)
{
	cr_expect_not(trial_keep_is_there(path));
	cr_expect_not(trial_keep_is_there(NULL));
	reload('B', 60);
	cr_assert_eq(truncate(kept, 20), 0);
	cr_expect_lt(start_again(BAD), 0);
	cr_expect_eq(s.exit_code, SUPERVISOR_BAD_POLICY);
	cr_assert_eq(unlink(kept), 0);
	cr_expect_lt(start_again(BAD), 0);
}

Test(trial, a_link_in_its_place_is_not_followed)
{
	reload('B', 60);
	cr_assert_eq(rename(kept, "/tmp/xm-trial-elsewhere"), 0);
	cr_assert_eq(symlink("/tmp/xm-trial-elsewhere", kept), 0);
	cr_expect_lt(start_again('B'), 0);
	unlink("/tmp/xm-trial-elsewhere");
}
