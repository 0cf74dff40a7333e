// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies on their way to the server: which one is in force, whatever servers refuse, take late or die
 * of.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/trial_rig.h"

TestSuite(handed, .init = trial_setup, .fini = trial_teardown);

/* ---- servers that refuse or die ---------------------------------------------------------------------- */

Test(handed, what_the_server_refuses_is_not_on_trial)
{
	compiled('B', 60);
	handed_done(&s, 2, false);
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm(0));
	reload('C', 0);
	let_pass(1000);
	cr_expect_eq(in_force(), 'C');
}

Test(handed, a_server_that_dies_before_it_takes_it_ends_no_trial_and_begins_none)
{
	compiled('B', 60);
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm(0));
	connect_server();
	reload('B', 60);
	compiled('C', 0);
	disconnect_server();
	connect_server();
	cr_expect_eq(in_force(), 'B');
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
}

Test(handed, a_new_server_is_told)
{
	reload('B', 60);
	disconnect_server();
	let_pass(20);
	connect_server();
	trial_tell_again(&s);
	cr_expect(told(CHANNEL_TRIAL));
	cr_expect_eq(m.number, 40);
}

Test(handed, time_runs_out_while_no_server_is_there)
{
	reload('B', 60);
	disconnect_server();
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
	s.server_generation = s.generation;
	server_ends(EXITED(1)); /* another one, which did not become ready either */
	server_ends(EXITED(CHANNEL_EXIT_REFUSED));
	cr_expect_eq(in_force(), 'A');
	connect_server();
	handed_done(&s, s.generation, true);
	cr_expect_eq(in_force(), 'A');
	cr_expect_not(confirm(0));
}

Test(handed, a_server_that_dies_on_the_way_back_does_not_stop_it)
{
	reload('B', 60);
	let_pass(60);
	disconnect_server();
	cr_expect_eq(in_force(), 'A');
}

Test(handed, the_time_of_what_a_dead_server_did_not_take_is_nobody_elses)
{
	compiled('B', 60);
	disconnect_server();
	connect_server();
	reload('C', 0);
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
}

Test(handed, a_server_cannot_refuse_the_way_back)
{
	reload('B', 60);
	let_pass(60);
	handed_done(&s, 3, false);
	cr_expect_eq(in_force(), 'A', "the next server begins with it");
	cr_expect_lt(s.kept, 0);
}

/* ---- a server that was not ready ---------------------------------------------------------------------- */

/* B is handed over while no server is there, and the next is started with it. */
static void start_with_new(char digest, uint32_t seconds)
{
	disconnect_server();
	compiled(digest, seconds);
	s.server_generation = s.generation;
}

Test(handed, a_starting_server_that_refuses_what_is_new_is_not_started_with_it_again)
{
	start_with_new('B', 60);
	server_ends(EXITED(CHANNEL_EXIT_REFUSED));
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(s.generation, 1);
	cr_expect_lt(s.kept, 0);
	connect_server();
	trial_tell_note(&s);
	cr_expect(told(CHANNEL_TRIAL), "for the audit log");
	cr_expect_str_eq(m.text, "generation 2 was refused: generation 1 stays in force");
	trial_tell_note(&s);
	cr_expect_not(told(CHANNEL_TRIAL), "once");
	handed_done(&s, 1, true);
	cr_expect_not(confirm(0));
	reload('C', 0);
	let_pass(100);
	cr_expect_eq(in_force(), 'C');
}

Test(handed, so_is_one_that_crashes)
{
	start_with_new('B', 0);
	server_ends(SIGSEGV);
	cr_expect_eq(in_force(), 'A');
}

Test(handed, a_starting_server_that_ends_for_another_reason_says_nothing_about_the_policy)
{
	start_with_new('B', 0);
	server_ends(EXITED(1)); /* no hypervisor, for example */
	cr_expect_eq(in_force(), 'B');
	server_ends(SIGKILL);
	cr_expect_eq(in_force(), 'B');
	connect_server();
	handed_done(&s, s.generation, true);
	cr_expect_lt(s.kept, 0);
	cr_expect_eq(in_force(), 'B');
}

Test(handed, a_starting_server_that_refuses_what_is_in_force_says_nothing_about_what_is_new)
{
	disconnect_server();
	s.server_generation = 1;
	compiled('B', 0);
	server_ends(EXITED(CHANNEL_EXIT_REFUSED));
	cr_expect_eq(in_force(), 'B');
}

Test(handed, what_a_starting_server_refuses_does_not_end_the_trial_of_what_is_in_force)
{
	reload('B', 60);
	start_with_new('C', 0);
	server_ends(EXITED(CHANNEL_EXIT_REFUSED));
	cr_expect_eq(in_force(), 'B');
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
}

/* ---- several at once --------------------------------------------------------------------------------- */

Test(handed, of_two_the_first_is_in_force_if_the_second_is_refused)
{
	compiled('B', 0);
	compiled('C', 0);
	handed_done(&s, 2, true);
	handed_done(&s, 3, false);
	cr_expect_eq(in_force(), 'B');
	cr_expect_eq(s.generation, 2);
	cr_expect_lt(s.kept, 0);
	cr_expect(told(CHANNEL_TRIAL));
	cr_expect_str_eq(m.text, "generation 3 was refused: generation 2 stays in force");
}

Test(handed, of_two_the_first_is_in_force_if_the_server_dies_before_the_second)
{
	compiled('B', 0);
	compiled('C', 0);
	handed_done(&s, 2, true);
	disconnect_server();
	cr_expect_eq(in_force(), 'B');
	cr_expect_eq(s.generation, 2);
}

Test(handed, of_two_the_second_is_in_force_if_the_first_is_refused)
{
	compiled('B', 60);
	compiled('C', 0);
	handed_done(&s, 2, false);
	cr_expect_eq(s.n_older, 0);
	handed_done(&s, 3, true);
	cr_expect_eq(in_force(), 'C');
	let_pass(60);
	cr_expect_eq(in_force(), 'A', "as its reload was answered");
}

Test(handed, of_two_that_are_refused_neither_is_in_force)
{
	compiled('B', 0);
	compiled('C', 60);
	handed_done(&s, 2, false);
	handed_done(&s, 3, false);
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(s.generation, 1);
}

Test(handed, the_first_of_two_is_on_trial_if_the_second_is_refused)
{
	compiled('B', 60);
	compiled('C', 0);
	handed_done(&s, 2, true);
	cr_expect_not(confirm(0), "another one is just coming");
	handed_done(&s, 3, false);
	cr_expect_eq(in_force(), 'B');
	let_pass(60);
	cr_expect_eq(in_force(), 'A');
}

Test(handed, the_first_of_two_comes_back_if_only_the_second_is_on_trial)
{
	compiled('B', 0);
	compiled('C', 60);
	handed_done(&s, 2, true);
	handed_done(&s, 3, true);
	cr_expect_eq(in_force(), 'C');
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'B', "on the disk");
}

Test(handed, what_was_taken_before_the_way_back_is_not_on_trial)
{
	reload('B', 60);
	compiled('C', 30);
	let_pass(60);
	handed_done(&s, 3, true);
	handed_done(&s, 4, true);
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(trial_next(&s, -1), -1);
	cr_expect_eq(start_again('C'), 0);
	cr_expect_eq(in_force(), 'A', "nor confirmed");
}

Test(handed, a_server_with_a_policy_that_nobody_has_any_more_is_ended, .timeout = 30)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		alarm(20);
		pause();
		_exit(0);
	}
	s.server.pid = pid;
	for (unsigned int i = 0; i < HANDED_MAX + 2; i++)
		compiled('B', 0);
	handed_done(&s, 2, true); /* of those that are not held any more */
	for (unsigned int i = 3; i < HANDED_MAX + 4; i++)
		handed_done(&s, i, false);
	s.server.pid = -1;
	cr_expect_eq(in_force(), 'A');
	cr_expect_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(handed, a_server_is_not_ended_as_long_as_it_is_known_what_it_has)
{
	s.server.pid = getpid();
	for (unsigned int i = 0; i < HANDED_MAX + 2; i++)
		compiled('B', 0);
	handed_done(&s, 2, true);
	handed_done(&s, 4, true);
	handed_done(&s, HANDED_MAX + 3, false);
	s.server.pid = -1;
	cr_expect_eq(s.generation, 4);
}
