// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a PRTOS program sees it, where that is not 3.x. */

#define XM_PROFILE 40
#include <xm.h>
#include <xm/hcall.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "client_server.h"
#include "libxm/raw.h"

#define SELF 1
#define W(x) ((unsigned long)(x))

static struct server *server;

static void setup(void)
{
	server = server_start();
	server->partition = SELF;
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_prtos, .init = setup, .fini = teardown, .timeout = 60);

static struct xm_value last_arg(unsigned int op, unsigned int arg)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
	return req.arg[arg];
}

Test(client_prtos, numbers_above_the_table)
{
	init_libxm(0);
	cr_assert_eq(XM_hcall(44, 0, 0, 0, 0, 0), SELF);
	cr_assert_eq(server->hello.profile, XM_PROFILE_ID_PRTOS);
	cr_assert_eq(XM_raise_partition_trap(14), XM_OK);
	cr_assert_eq(last_arg(XM_OP_RAISE_PARTITION_TRAP, 0).num, 14);
	cr_assert_eq(XM_hcall(45, 15, 0, 0, 0, 0), XM_OK);
	cr_assert_eq(last_arg(XM_OP_RAISE_PARTITION_TRAP, 0).num, 15);
	server->code = XM_C_UNKNOWN_HYPERCALL;
	cr_assert_eq(XM_hcall(46, 0, 0, 0, 0, 0), XM_UNKNOWN_HYPERCALL);
	last_arg(XM_OP_UNCLASSIFIED, 0);
}

Test(client_prtos, calls_of_3x)
{
	char name[] = "attitude", buffer[8];
	xm_u32_t old;
	xmTime_t t;

	server->value = 5;
	cr_assert_eq(XM_create_sampling_port(name, 64, XM_SOURCE_PORT, 1000000), 5);
	cr_assert_eq(last_arg(XM_OP_CREATE_SAMPLING_PORT, 4).num, 1000000);
	cr_assert_eq(XM_switch_sched_plan(1, &old), XM_OK);
	last_arg(XM_OP_SWITCH_SCHED_PLAN, 0);
	cr_assert_eq(XM_get_time(0, &t), XM_OK);
	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_suspend_partition(2), XM_NO_ACTION);
	cr_assert_eq(errno, EALREADY);
	server->code = XM_C_NOT_AVAILABLE;
	cr_assert_eq(XM_receive_queuing_message(1, buffer, 8), XM_OP_NOT_ALLOWED);
}

static uint16_t sum(const void *record, size_t size)
{
	const uint8_t *bytes = record;
	uint16_t total = 0;

	for (size_t i = 0; i < size; i += 2)
		total = (uint16_t)(total + (bytes[i] | bytes[i + 1] << 8));
	return total;
}

/* An event has another number here; that does not make the record a bad one. */
Test(client_prtos, hm_events)
{
	static const struct {
		uint32_t event, here;
	} cases[] = {
		{ 0, XM_HM_EV_FATAL_ERROR },
		{ 1, XM_HM_EV_SYSTEM_ERROR },
		{ 2, XM_HM_EV_PARTITION_ERROR },
		{ 3, XM_HM_EV_PARTITION_ERROR },
		{ 4, XM_HM_EV_FP_ERROR },
		{ 5, XM_HM_EV_MEM_PROTECTION },
		{ 6, XM_HM_EV_UNEXPECTED_TRAP },
		{ 7, 6 },
		{ 26, 25 },
	};
	uint64_t words[XM_NF_HM_LOG] = { 0 };
	uint64_t registers[RAW_WORDS] = { 0 };
	xmHmLog_t log;

	registers[0] = OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0);
	registers[1] = (uintptr_t)&log;
	registers[2] = sizeof(log);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_call call = { .profile = &raw_profile_prtos, .words = registers };
		static struct xm_reply reply;
		uint64_t *out;

		cr_assert_eq(raw_gather(&call, read_object_nr), 0);
		cr_assert_eq(call.request.op, XM_OP_HM_READ);
		words[XM_F_HM_LOG_signature] = 0xfecf;
		words[XM_F_HM_LOG_opCodeL] = cases[i].event << 16 | 0x0102;
		words[XM_F_HM_LOG_payload1] = 0x123456789abcdef0;
		xm_reply_init(&reply, NULL, 0);
		out = xm_reply_put_words(&reply, XM_A_HM_READ_log, XM_NF_HM_LOG);
		words[XM_F_HM_LOG_checksum] = 0;
		for (int once = 0; once < 2; once++) {
			memcpy(out, words, sizeof(words));
			cr_assert_eq(raw_scatter(&call, &reply), (int)sizeof(log));
			if (!once) /* of the record as a hypervisor of 3.x would have it */
				words[XM_F_HM_LOG_checksum] =
					(uint16_t) ~(0xfecf + cases[i].event + 0x0102 + 0x1234 +
						     0x5678 + 0x9abc + 0xdef0);
		}
		raw_release(&call);
		cr_expect_eq(log.opCodeL, cases[i].here << 16 | 0x0102, "event %u", cases[i].event);
		cr_expect_eq(sum(&log, sizeof(log)), 0xffff, "event %u", cases[i].event);
	}
}
