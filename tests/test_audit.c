// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The audit writer: form, numbering, and what happens when the log cannot be written.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/broker_fakes.h"
#include "xmbroker/audit.h"

static struct sealed policy;
static struct audit *audit;
static int log_fd;
static struct xm_request req;
static uint32_t gids[100];
static struct audit_who who = {
	.session = 7,
	.uid = 1000,
	.gid = 100,
	.pid = 42,
	.gids = gids,
	.n_gids = 2,
	.comm = "hello",
	.cgroup = "/user.slice",
	.profile = "2.4",
};
static struct audit_decision decision = {
	.who = &who,
	.req = &req,
	.allowed = true,
	.why = "rule",
	.rule = 0,
	.generation = 3,
	.guard = -1,
};

static void setup(void)
{
	policy = fake_sealed(0xab);
	decision.image = policy.image;
	gids[0] = 100;
	gids[1] = 200;
	fake_request(XM_OP_GET_TIME, &req);
	log_fd = memfd_create("log", 0);
	cr_assert_eq(audit_new(fcntl(log_fd, F_DUPFD_CLOEXEC, 3), NULL, NULL, &audit), 0);
}

static void teardown(void)
{
	audit_free(audit);
	close(log_fd);
	sealed_unmap(&policy);
}

TestSuite(audit, .init = setup, .fini = teardown);

static const char *log_line(unsigned int n)
{
	static char text[65536];
	ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);
	char *line = text;

	text[len > 0 ? len : 0] = '\0';
	while (n--) {
		line = strchr(line, '\n');
		cr_assert_not_null(line);
		line++;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static json_t *record(unsigned int n)
{
	json_t *r = json_loads(log_line(n), JSON_REJECT_DUPLICATES, NULL);

	cr_assert_not_null(r, "line %u: %s", n, log_line(n));
	return r;
}

static const char *text_of(unsigned int n, const char *key)
{
	static char value[512];
	json_t *r = record(n);
	const char *s = json_string_value(json_object_get(r, key));

	snprintf(value, sizeof(value), "%s", s ? s : "(none)");
	json_decref(r);
	return value;
}

static long long number_of(unsigned int n, const char *key)
{
	json_t *r = record(n);
	json_t *value = json_object_get(r, key);
	long long number = json_is_integer(value) ? json_integer_value(value) : -1;

	json_decref(r);
	return number;
}

static uint64_t write_decision(void)
{
	uint64_t id = 0;

	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	return id;
}

Test(audit, a_decision_says_who_what_and_why)
{
	json_t *r;

	cr_expect_eq(write_decision(), 1);
	cr_expect_str_eq(text_of(0, "type"), "decision");
	cr_expect_eq(number_of(0, "seq"), 1);
	cr_expect_eq(number_of(0, "id"), 1);
	cr_expect_eq(number_of(0, "session"), 7);
	cr_expect_eq(number_of(0, "uid"), 1000);
	cr_expect_eq(number_of(0, "pid"), 42);
	cr_expect_str_eq(text_of(0, "comm"), "hello");
	cr_expect_str_eq(text_of(0, "profile"), "2.4");
	cr_expect_str_eq(text_of(0, "op"), "XM_get_time");
	cr_expect_str_eq(text_of(0, "decision"), "allow");
	cr_expect_str_eq(text_of(0, "why"), "rule");
	cr_expect_str_eq(text_of(0, "rule"), "policy.yaml:12:7");
	cr_expect_str_eq(text_of(0, "role"), "operator");
	cr_expect_str_eq(text_of(0, "policy"), "abababababababab");
	cr_expect_eq(number_of(0, "generation"), 3);
	r = record(0);
	cr_expect_null(json_object_get(r, "guard"));
	cr_expect_eq(json_array_size(json_object_get(r, "groups")), 2);
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(r, "args"), "clock")),
			 "XM_EXEC_CLOCK");
	json_decref(r);
}

Test(audit, the_fields_stand_in_the_documented_order)
{
	static const char *const order[] = { "seq",       "type",   "time",    "mono",   "id",
					     "session",   "uid",    "gid",     "groups", "pid",
					     "comm",      "cgroup", "profile", "op",     "args",
					     "decision",  "why",    "rule",    "role",   "policy",
					     "generation" };
	const char *at;

	write_decision();
	at = log_line(0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		char key[32];

		snprintf(key, sizeof(key), "\"%s\":", order[i]);
		at = strstr(at, key);
		cr_assert_not_null(at, "%s", order[i]);
	}
}

Test(audit, a_denial_without_a_rule_names_none)
{
	decision.allowed = false;
	decision.rule = POLICY_NO_RULE;
	decision.why = "no rule";
	write_decision();
	cr_expect_str_eq(text_of(0, "decision"), "deny");
	cr_expect_str_eq(text_of(0, "why"), "no rule");
	cr_expect_str_eq(text_of(0, "rule"), "(none)");
}

Test(audit, a_guarded_call_names_the_code)
{
	decision.guard = XM_C_INVALID_PARAM;
	write_decision();
	cr_expect_str_eq(text_of(0, "guard"), "XM_INVALID_PARAM");
}

Test(audit, a_result_has_the_id_of_its_decision)
{
	struct xm_reply reply;

	xm_reply_init(&reply, NULL, 0);
	reply.value = 14;
	cr_assert_eq(audit_result(audit, write_decision(), &reply, 250), 0);
	cr_expect_eq(number_of(1, "seq"), 2);
	cr_expect_eq(number_of(1, "id"), 1);
	cr_expect_str_eq(text_of(1, "result"), "XM_OK");
	cr_expect_eq(number_of(1, "value"), 14);
	cr_expect_eq(number_of(1, "latency_us"), 250);
}

Test(audit, the_other_records)
{
	cr_assert_eq(audit_start(audit, "loopback", 0, policy.image, 1), 0);
	cr_assert_eq(audit_policy(audit, policy.image, 2), 0);
	cr_assert_eq(audit_session(audit, "open", &who, "connected"), 0);
	cr_assert_eq(audit_stop(audit, "told to stop"), 0);
	cr_expect_str_eq(text_of(0, "backend"), "loopback");
	cr_expect_eq(number_of(0, "pid"), getpid());
	cr_expect_eq(number_of(1, "generation"), 2);
	cr_expect_str_eq(text_of(2, "event"), "open");
	cr_expect_eq(number_of(2, "session"), 7);
	cr_expect_str_eq(text_of(3, "reason"), "told to stop");
	for (unsigned int i = 0; i < 4; i++)
		cr_expect_eq(number_of(i, "seq"), i + 1);
}

Test(audit, bytes_of_a_client_cannot_forge_a_record)
{
	who.comm = "a\",\"uid\":0";
	who.cgroup = "x\n{\"seq\":9}\n\033[2J";
	write_decision();
	cr_expect_eq(number_of(0, "uid"), 1000);
	cr_expect_str_eq(text_of(0, "comm"), "a\",\"uid\":0");
	cr_expect_str_empty(log_line(1));
	cr_expect_null(strchr(log_line(0), 033));
}

Test(audit, more_groups_than_a_record_holds_are_counted)
{
	json_t *r;

	who.n_gids = 100;
	write_decision();
	r = record(0);
	cr_expect_eq(json_array_size(json_object_get(r, "groups")), 64);
	json_decref(r);
	cr_expect_eq(number_of(0, "groups_omitted"), 36);
}

Test(audit, the_largest_record_of_a_client_fits)
{
	static char comm[16], cgroup[256];
	static uint8_t name[XM_NAME_MAX];

	memset(comm, 1, 15);
	memset(cgroup, 1, 255);
	memset(name, 1, sizeof(name));
	who.comm = comm;
	who.cgroup = cgroup;
	who.n_gids = 100;
	memset(gids, 0xff, sizeof(gids));
	fake_request(XM_OP_CREATE_SAMPLING_PORT, &req);
	req.arg[1].data = name;
	req.arg[1].len = sizeof(name);
	write_decision();
	cr_expect_eq(number_of(0, "uid"), 1000);
}

Test(audit, without_a_log_everything_succeeds)
{
	uint64_t id;

	audit_free(audit);
	cr_assert_eq(audit_new(-1, NULL, NULL, &audit), 0);
	cr_expect_eq(audit_decision(audit, &decision, true, &id), 0);
	cr_expect_eq(audit_stop(audit, "x"), 0);
}

Test(audit, a_log_that_cannot_be_synced_because_it_is_no_file_is_good_enough)
{
	int fds[2];
	uint64_t id;

	audit_free(audit);
	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(audit_new(fds[1], NULL, NULL, &audit), 0);
	cr_expect_eq(audit_decision(audit, &decision, true, &id), 0);
	close(fds[0]);
}

Test(audit, a_full_disk_is_an_error)
{
	uint64_t id = 99;

	audit_free(audit);
	cr_assert_eq(audit_new(open("/dev/full", O_WRONLY | O_CLOEXEC), NULL, NULL, &audit), 0);
	cr_expect_eq(audit_decision(audit, &decision, false, &id), -ENOSPC);
	cr_expect_eq(id, 99);
}

/* Lets the file grow by so many bytes and no more. */
static void limit_log(off_t more)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = more < 0 ? limit.rlim_max : (rlim_t)(lseek(log_fd, 0, SEEK_END) + more);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A decision that lacks only its newline was reported as not written: it must not count later. */
Test(audit, a_record_that_lacks_only_its_end_does_not_become_one)
{
	uint64_t id;
	size_t len;

	write_decision();
	len = strlen(log_line(0));
	limit_log((int)len);
	cr_expect_lt(audit_decision(audit, &decision, false, &id), 0);
	limit_log(-1);
	write_decision();
	cr_expect_eq(strlen(log_line(1)), len + 5);
	cr_expect_str_eq(log_line(1) + len, " torn");
}

Test(audit, a_record_that_was_torn_off_spoils_only_itself_and_is_counted)
{
	uint64_t id;

	write_decision();
	limit_log(10);
	cr_expect_lt(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_lt(audit_stop(audit, "x"), 0);
	limit_log(-1);
	write_decision();
	cr_expect_eq(strlen(log_line(1)), 15);
	cr_expect_str_eq(log_line(1) + 10, " torn");
	cr_expect_str_eq(text_of(2, "type"), "recovered");
	cr_expect_eq(number_of(2, "bytes"), 10);
	cr_expect_eq(number_of(2, "seq"), 2);
	cr_expect_str_eq(text_of(3, "type"), "lost");
	cr_expect_eq(number_of(3, "records"), 2);
	cr_expect_eq(number_of(3, "seq"), 3);
	cr_expect_str_eq(text_of(4, "type"), "decision");
	cr_expect_eq(number_of(4, "seq"), 4);
}

Test(audit, an_element_of_a_batch_says_of_which_and_where)
{
	uint64_t id;

	decision.batch = 3;
	decision.element = 0;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_not_null(strstr(log_line(0), ",\"batch\":3,\"element\":0,\"chain\":"));
	decision.batch = 0;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_null(strstr(log_line(1), "batch"));
}

Test(audit, the_longest_list_of_records_fits)
{
	static uint8_t fields[XM_MAX_RECORDS * 3 * XM_WORD_BYTES];
	uint64_t id;

	memset(fields, 0xff, sizeof(fields));
	fake_request(XM_OP_SET_SPARE_PLAN, &req);
	req.arg[XM_A_SET_SPARE_PLAN_slots].data = fields;
	req.arg[XM_A_SET_SPARE_PLAN_slots].len = XM_MAX_RECORDS * 3;
	who.n_gids = 100;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_not_null(strstr(log_line(0), "\"duration\":18446744073709551615}]"));
}
