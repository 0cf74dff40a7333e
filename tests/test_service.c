// SPDX-License-Identifier: LGPL-2.1-or-later
/* Restarting with back-off, and how an end is told to a person. */

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "xmbroker/service.h"

Test(service, delay_doubles_to_its_maximum)
{
	static const int64_t delays[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct service service;
	int64_t now = 5;

	service_init(&service, "x");
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		service_started(&service, 42, now);
		cr_expect_not(service.due);
		service_failed(&service, now);
		cr_expect(service.due);
		cr_expect_eq(service.pid, -1);
		cr_expect_eq(service.at - now, delays[i]);
		now = service.at;
	}
}

Test(service, long_life_resets_the_delay)
{
	struct service service;

	service_init(&service, "x");
	for (int i = 0; i < 5; i++)
		service_failed(&service, 0);
	service_started(&service, 42, 1000);
	service_failed(&service, 1000 + SERVICE_HEALTHY);
	cr_expect_eq(service.at, 1000 + SERVICE_HEALTHY + SERVICE_DELAY_MIN);
}

Test(service, ended_is_not_due)
{
	struct service service;

	service_init(&service, "x");
	service_started(&service, 42, 0);
	service_ended(&service);
	cr_expect_not(service.due);
	cr_expect_eq(service.pid, -1);
}

Test(service, status_in_words)
{
	char text[160];

	cr_expect_str_eq(service_status_text(3 << 8, text, sizeof(text)), "exited with status 3");
	cr_expect_str_eq(service_status_text(SIGKILL, text, sizeof(text)),
			 "was killed by signal 9 (SIGKILL)");
	cr_expect_not_null(strstr(service_status_text(SIGSYS, text, sizeof(text)), "seccomp"));
}
