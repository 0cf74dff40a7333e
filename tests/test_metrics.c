// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the server tells of itself in numbers: whole, in however small pages, and not of everybody.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/session_rig.h"
#include "xmbroker/metrics.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

static char metrics[1 << 16];

static void read_metrics(int fd)
{
	size_t len = 0;

	for (uint64_t from = 0;; from += reply.value) {
		fake_request(XM_OP_BROKER_METRICS, &req);
		req.arg[XM_A_BROKER_METRICS_from].num = from;
		cr_assert_gt(send(fd, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0),
			     0);
		cr_assert_eq(result(fd), XM_C_OK);
		memcpy(metrics + len, reply.out[XM_A_BROKER_METRICS_text].data,
		       reply.out[XM_A_BROKER_METRICS_text].len);
		len += reply.out[XM_A_BROKER_METRICS_text].len;
		if (!reply.value)
			break;
	}
	metrics[len] = '\0';
}

Test(session, metrics_are_whole_and_end_once)
{
	int fd = client();

	read_metrics(fd);
	cr_expect_eq(strncmp(metrics, "# HELP xmbroker_build_info ", 27), 0, "%s", metrics);
	cr_expect_str_eq(strstr(metrics, "# EOF\n"), "# EOF\n");
	cr_expect_not_null(strstr(metrics, "\nxmbroker_calls_total "));
	cr_expect_not_null(
		strstr(metrics, "\nxmbroker_call_duration_seconds_bucket{le=\"0.00001\"} "));
	cr_expect_not_null(
		strstr(metrics, "\nxmbroker_call_duration_seconds_bucket{le=\"+Inf\"} "));
	cr_expect_not_null(strstr(metrics, "\nxmbroker_sessions 1\n"));
}

/* However little room there is, the pages make the same whole. */
Test(session, metrics_come_in_pages)
{
	static char page[4200], all[1 << 16];
	uint64_t from = 0;
	uint32_t n;

	do {
		struct text t = TEXT_INIT(page);

		page[0] = '\0';
		n = metrics_put(server, from, &t);
		cr_assert_leq(n, 100);
		strcat(all, page);
		from += n;
	} while (n);
	cr_expect_gt(from, 30);
	cr_expect_str_eq(strstr(all, "# EOF\n"), "# EOF\n");
}

Test(session, only_the_users_with_most_calls_have_numbers_of_their_own)
{
	unsigned int n = 0;

	for (uid_t uid = 1000; uid < 1000 + METRICS_USERS + 5; uid++) {
		int fd = client_of(uid);

		for (uid_t i = 1000; i <= uid; i++)
			call(fd, XM_OP_GET_TIME);
	}
	read_metrics(client());
	for (const char *p = metrics; (p = strstr(p, "\nxmbroker_user_calls_total{uid=")); p++)
		n++;
	cr_expect_eq(n, METRICS_USERS);
	cr_expect_not_null(strstr(metrics, "{uid=\"1014\"} 15\n"));
	cr_expect_null(strstr(metrics, "{uid=\"1000\"}"));
}
