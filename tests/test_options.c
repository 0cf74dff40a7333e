// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options and configuration of the supervisor: precedence, defaults, and what is refused. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/options.h"

static struct options opts;

static void set_up(void)
{
	cr_redirect_stderr();
	options_init(&opts);
}

static void tear_down(void)
{
	options_deinit(&opts);
}

TestSuite(options, .init = set_up, .fini = tear_down);

#define PARSE(...) parse((const char *const[]){ "xmbroker", __VA_ARGS__, NULL })

static int parse(const char *const *args)
{
	int argc = 0;

	while (args[argc])
		argc++;
	return options_parse(&opts, argc, (char **)(uintptr_t)args);
}

static int configure(const char *text)
{
	char *lines = strdup(text);
	int r = options_apply_config(&opts, "x.yaml", lines);

	free(lines);
	return r;
}

Test(options, defaults)
{
	cr_assert_eq(PARSE("--backend", "loopback"), 0);
	cr_assert_eq(options_finish(&opts), 0);
	cr_expect_str_eq(opts.policy[0], "/etc/xmbroker/policy.yaml");
	cr_expect_null(opts.policy[1]);
	cr_expect_str_eq(opts.socket, "/run/xmbroker/socket");
	cr_expect_str_eq(opts.audit, "/var/log/xmbroker/audit.jsonl");
	cr_expect_eq(opts.backend, OPTIONS_LOOPBACK);
	cr_expect_eq(opts.partition, 0);
	cr_expect_not(opts.allow_on_audit_failure);
	cr_expect_not(opts.check);
}

/* As the pages xmbroker(8) and xmbroker.yaml(5) give them. */
Test(options, limits_and_their_defaults)
{
	static const struct {
		const char *name;
		size_t at;
		uint32_t init;
	} numbers[] = {
#define NUMBER(field, init) { "--" #field, offsetof(struct options, field), init }
		NUMBER(session_max_age, 86400),      NUMBER(max_sessions, 4096),
		NUMBER(max_sessions_per_user, 1024), NUMBER(max_setup, 256),
		NUMBER(max_setup_per_user, 32),      NUMBER(setup_time, 5),
		NUMBER(connections_per_user, 100),   NUMBER(calls_per_user, 50000),
		NUMBER(waiting_per_user, 2),         NUMBER(memory_per_user, 1024),
		NUMBER(large_memory, 256),           NUMBER(large_memory_per_user, 48),
		NUMBER(denials_per_user, 100),       NUMBER(audit_per_user, 2000),
		NUMBER(audit_rotate_size, 64),       NUMBER(audit_rotate_age, 86400),
		NUMBER(audit_keep_size, 1024),       NUMBER(audit_keep_age, 0),
		NUMBER(audit_reserve, 16),           NUMBER(audit_anchor, 3600),
#undef NUMBER
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const uint32_t *field = (const void *)((const char *)&opts + numbers[i].at);
		char option[64];

		cr_expect_eq(*field, numbers[i].init, "%s", numbers[i].name);
		snprintf(option, sizeof(option), "%s", numbers[i].name);
		for (char *c = option; *c; c++)
			*c = *c == '_' ? '-' : *c;
		cr_expect_eq(PARSE(option, "222"), 0, "%s", option);
		cr_expect_eq(*field, 222, "%s", option);
		cr_expect_eq(PARSE(option, "-1"), -EINVAL, "%s", option);
	}
}

Test(options, seal_and_syslog)
{
	cr_expect_str_eq(opts.audit_key, "/var/lib/xmbroker/audit.key");
	cr_expect_eq(opts.audit_syslog, OPTIONS_SYSLOG_ANCHORS);
	cr_assert_eq(configure("audit_key=none\naudit_syslog=records\n"), 0);
	cr_expect_null(opts.audit_key);
	cr_expect_eq(opts.audit_syslog, OPTIONS_SYSLOG_RECORDS);
	cr_assert_eq(PARSE("--audit-key", "/k", "--audit-syslog", "none"), 0);
	cr_expect_str_eq(opts.audit_key, "/k");
	cr_expect_eq(opts.audit_syslog, OPTIONS_SYSLOG_NONE);
}

Test(options, limits_that_cannot_be_reached_are_lowered)
{
	cr_assert_eq(PARSE("--backend", "loopback", "--max-sessions", "8"), 0);
	cr_assert_eq(options_finish(&opts), 0);
	cr_expect_eq(opts.max_sessions_per_user, 8);
	cr_expect_eq(opts.max_setup, 8);
	cr_expect_eq(opts.max_setup_per_user, 8);
}

Test(options, everything)
{
	cr_assert_eq(PARSE("--policy", "a", "--policy=b", "--socket", "s", "--backend", "sim:x.xml",
			   "--audit", "l", "--user", "12:13", "--partition", "2", "--console", "c",
			   "--session-max-age", "60", "--max-sessions", "10",
			   "--max-sessions-per-user", "4", "--on-audit-failure", "allow",
			   "--large-memory", "100", "--large-memory-per-user", "20", "--config",
			   "f", "--check"),
		     0);
	cr_assert_eq(options_finish(&opts), 0);
	cr_expect_str_eq(opts.policy[0], "a");
	cr_expect_str_eq(opts.policy[1], "b");
	cr_expect_str_eq(opts.socket, "s");
	cr_expect_eq(opts.backend, OPTIONS_SIM);
	cr_expect_str_eq(opts.backend_path, "x.xml");
	cr_expect_str_eq(opts.audit, "l");
	cr_expect_str_eq(opts.user, "12:13");
	cr_expect_eq(opts.partition, 2);
	cr_expect_str_eq(opts.console, "c");
	cr_expect_eq(opts.session_max_age, 60);
	cr_expect_eq(opts.large_memory, 100);
	cr_expect_eq(opts.large_memory_per_user, 20);
	cr_expect_eq(opts.max_sessions, 10);
	cr_expect_eq(opts.max_sessions_per_user, 4);
	cr_expect(opts.allow_on_audit_failure);
	cr_expect_str_eq(opts.config, "f");
	cr_expect(opts.check);
}

Test(options, configuration_fills_what_options_left)
{
	cr_assert_eq(PARSE("--socket", "mine"), 0);
	cr_assert_eq(configure("socket=theirs\nbackend=xmsim:/run/p0.ctl\nmax_sessions=5\n"
			       "session-max-age=0\naudit=none\n"),
		     0);
	cr_assert_eq(options_finish(&opts), 0);
	cr_expect_str_eq(opts.socket, "mine");
	cr_expect_eq(opts.backend, OPTIONS_XMSIM);
	cr_expect_str_eq(opts.backend_path, "/run/p0.ctl");
	cr_expect_eq(opts.max_sessions, 5);
	cr_expect_eq(opts.max_sessions_per_user, 5);
	cr_expect_eq(opts.session_max_age, 0);
	cr_expect_null(opts.audit);
}

Test(options, policies_of_the_command_line_replace_those_of_the_file)
{
	cr_assert_eq(PARSE("--policy", "mine"), 0);
	cr_assert_eq(configure("policy=one\npolicy=two\n"), 0);
	cr_expect_str_eq(opts.policy[0], "mine");
	cr_expect_null(opts.policy[1]);
}

Test(options, policies_of_the_file_add_up)
{
	cr_assert_eq(configure("policy=one\npolicy=two\n"), 0);
	cr_expect_str_eq(opts.policy[0], "one");
	cr_expect_str_eq(opts.policy[1], "two");
}

Test(options, value_with_an_equals_sign)
{
	cr_assert_eq(configure("socket=/a=b\n"), 0);
	cr_expect_str_eq(opts.socket, "/a=b");
}

#define REFUSED(name, ...)                                                                         \
	Test(options, name)                                                                        \
	{                                                                                          \
		cr_expect_eq(PARSE(__VA_ARGS__), -EINVAL);                                         \
	}

REFUSED(unknown_option_refused, "--nonsense")
REFUSED(operand_refused, "nonsense")
REFUSED(missing_value_refused, "--socket")
REFUSED(empty_value_refused, "--socket", "")
REFUSED(negative_partition_refused, "--partition", "-1")
REFUSED(large_partition_refused, "--partition", "255")
REFUSED(number_with_unit_refused, "--session-max-age", "60s")
REFUSED(overflowing_number_refused, "--session-max-age", "99999999999999999999")
REFUSED(endless_memory_refused, "--large-memory", "65537")
REFUSED(no_sessions_refused, "--max-sessions", "0")
REFUSED(unknown_backend_refused, "--backend", "hardware")
REFUSED(sim_without_description_refused, "--backend", "sim:")
REFUSED(xmsim_without_socket_refused, "--backend", "xmsim")
REFUSED(loopback_with_path_refused, "--backend", "loopback:x")
REFUSED(no_setup_refused, "--max-setup", "0")
REFUSED(no_time_for_setup_refused, "--setup-time", "0")
REFUSED(too_little_memory_refused, "--memory-per-user", "127")
REFUSED(unknown_syslog_refused, "--audit-syslog", "all")
REFUSED(unknown_audit_failure_refused, "--on-audit-failure", "maybe")

Test(options, device_is_the_usual_one_or_the_one_that_is_named)
{
	cr_assert_eq(PARSE("--backend", "device"), 0);
	cr_expect_eq(opts.backend, OPTIONS_DEVICE);
	cr_expect_str_eq(opts.backend_path, "/dev/xmctl");
	cr_assert_eq(PARSE("--backend", "device:/dev/other"), 0);
	cr_expect_str_eq(opts.backend_path, "/dev/other");
}

REFUSED(device_without_path_refused, "--backend", "device:")
REFUSED(device_with_relative_path_refused, "--backend", "device:xmctl")

Test(options, too_many_policies_refused)
{
	for (int i = 0; i < OPTIONS_POLICIES_MAX; i++)
		cr_assert_eq(PARSE("--policy", "x"), 0);
	cr_expect_eq(PARSE("--policy", "x"), -EINVAL);
}

Test(options, no_backend_refused)
{
	cr_assert_eq(PARSE("--check"), 0);
	cr_expect_eq(options_finish(&opts), -EINVAL);
}

Test(options, console_without_our_xmsim_refused)
{
	cr_assert_eq(PARSE("--backend", "loopback", "--console", "c"), 0);
	cr_expect_eq(options_finish(&opts), -EINVAL);
}

Test(options, unknown_key_of_the_file_refused)
{
	cr_expect_eq(configure("nonsense=1\n"), -EINVAL);
}

Test(options, config_cannot_name_another_file)
{
	cr_expect_eq(configure("config=1\n"), -EINVAL);
}

Test(options, line_of_the_file_without_value_refused)
{
	cr_expect_eq(configure("socket\n"), -EINVAL);
}

Test(options, bad_value_of_the_file_refused)
{
	cr_expect_eq(configure("max_sessions=many\n"), -EINVAL);
}

Test(options, key_prefix_is_no_key)
{
	cr_expect_eq(configure("max_session=1\n"), -EINVAL);
	cr_expect_eq(configure("max_sessionss=1\n"), -EINVAL);
}

/* ---- user -------------------------------------------------------------------------------------------- */

static int resolve(const char *user, struct options_user *userp)
{
	cr_assert_eq(PARSE("--user", user), 0);
	return options_resolve_user(&opts, userp);
}

Test(options, numeric_user_and_group)
{
	struct options_user user;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	cr_assert_eq(resolve("64242:64243", &user), 0);
	cr_expect_eq(user.uid, 64242);
	cr_expect_eq(user.gid, 64243);
	cr_assert_eq(resolve("64242", &user), 0);
	cr_expect_eq(user.gid, 64242);
}

Test(options, root_as_the_servers_user_refused)
{
	struct options_user user;

	if (geteuid() != 0)
		cr_skip_test("not run: needs root");
	cr_expect_eq(resolve("root", &user), -EINVAL);
	cr_expect_eq(resolve("0:5", &user), -EINVAL);
	cr_expect_eq(resolve("5:0", &user), -EINVAL);
}

Test(options, unknown_user_refused)
{
	struct options_user user;

	cr_expect_eq(resolve("no-such-user", &user), -EINVAL);
	cr_expect_eq(resolve("12x", &user), -EINVAL);
	cr_expect_eq(resolve("4294967295", &user), -EINVAL);
	cr_expect_eq(resolve("1:2:3", &user), -EINVAL);
}
