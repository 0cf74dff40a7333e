// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The client library while the first, the second, ... allocation fails: XM_* answers with an error of
 * its own, or as if nothing had been, the next call is made, and nothing leaks.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"
#include "tests/alloc_fail.h"

#define MOST 500
#define LONG (200 * 1024) /* bytes: three and a half packets */

static struct server *server;

static void setup(void)
{
	server = server_start();
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(faults_client, .init = setup, .fini = teardown, .timeout = 120);

static char bytes[LONG];

/* What a program does: also calls whose message or answer does not fit into a packet. */
static bool everything(void)
{
	xmTime_t time;
	xm_u32_t flags;
	unsigned long words[] = { halt_partition_nr, 1, 2, idle_self_nr, 0 };
	bool well = XM_get_time(XM_HW_CLOCK, &time) == XM_OK;

	well &= XM_suspend_partition(1) == XM_OK;
	well &= XM_multicall(words, words + sizeof(words) / sizeof(words[0])) == XM_OK;
	XM_lazy_hypercall(halt_partition_nr, 1, 2UL);
	well &= XM_flush_hyp_batch() == XM_OK;
	server->data_len = 0;
	well &= XM_write_sampling_message(0, bytes, LONG) == XM_OK;
	server->data_len = LONG;
	well &= XM_read_sampling_message(0, bytes, LONG, &flags) >= 0;
	server->data_len = 0;
	return well;
}

Test(faults_client, a_call_fails_cleanly_and_the_next_is_made)
{
	unsigned long n = 0;
	xmTime_t time;

	cr_assert(everything());
	do {
		long alive = alloc_alive();

		server_close_all(server);
		alloc_fail_at(++n);
		everything();
		alloc_fail_at(0);
		cr_assert_eq(XM_get_time(XM_HW_CLOCK, &time), XM_OK, "allocation %lu", n);
		cr_assert_eq(alloc_alive(), alive, "allocation %lu: %ld leaked", n,
			     alloc_alive() - alive);
	} while (alloc_has_failed() && n < MOST);
	cr_assert_lt(n, MOST);
	cr_assert_gt(n, 1, "nothing was allocated at all");
	cr_assert(everything());
}
