// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: sampling and queuing ports, in the order of checks of the real one. */

#include <sys/resource.h>

#include "tests/sim_rig.h"

static const char message[128] = "0123456789abcdef0123456789abcdef";

/* ---- creating: what a real PRTOS answered --------------------------------------------------------- */

TestSuite(sim_port_create, .init = rig_prtos, .fini = rig_close);

#define PC(partition, name, n, size, direction)                                                    \
	CALL(0, CREATE_QUEUING_PORT, N(partition), name, N(n), N(size), N(direction))
#define SC(partition, name, size, direction, period)                                               \
	CALL(0, CREATE_SAMPLING_PORT, N(partition), name, N(size), N(direction), period)

Test(sim_port_create, queuing)
{
	IS(PERM_ERROR, PC(1, S("portQ"), 2, 32, 2));
	IS(PERM_ERROR, PC(7, S("portQ"), 2, 32, 2));
	IS(PERM_ERROR, PC(1, NUL, 2, 32, 9));
	IS(INVALID_PARAM, PC(0, NUL, 2, 32, 2));
	IS(INVALID_PARAM, PC(0, BAD, 2, 32, 2));
	IS(INVALID_PARAM, PC(0, S("portX"), 2, 32, 2));
	IS(INVALID_CONFIG, PC(0, S("portS"), 2, 32, 2));
	IS(INVALID_CONFIG, PC(0, S("portQ"), 2, 32, 1));
	IS(INVALID_PARAM, PC(0, S("portQ"), 2, 32, 0));
	IS(INVALID_PARAM, PC(0, S("portQ"), 2, 32, 3));
	IS(INVALID_CONFIG, PC(0, S("portQ"), 3, 32, 2));
	IS(INVALID_CONFIG, PC(0, S("portQ"), 2, 33, 2));
	IS(OK, PC(0, S("portQ"), 2, 32, 2));
	cr_assert_eq(rig.reply.value, 0);
	IS(NO_ACTION, PC(0, S("portQ"), 2, 32, 2));
	IS(NO_ACTION, PC(0, S("portQ"), 3, 33, 2));
	IS(INVALID_CONFIG, PC(0, S("portQ"), 2, 32, 1));
	IS(OK, PC(0, S("portQin"), 2, 32, 1));
	cr_assert_eq(rig.reply.value, 2);
}

Test(sim_port_create, sampling)
{
	IS(PERM_ERROR, SC(1, S("portS"), 32, 2, N(100000)));
	IS(INVALID_PARAM, SC(0, S("portX"), 32, 2, N(100000)));
	IS(INVALID_CONFIG, SC(0, S("portQ"), 32, 2, N(100000)));
	IS(INVALID_CONFIG, SC(0, S("portS"), 32, 1, N(100000)));
	IS(INVALID_CONFIG, SC(0, S("portS"), 31, 2, N(100000)));
	IS(INVALID_CONFIG, SC(0, S("portS"), 32, 2, N(1)));
	IS(INVALID_PARAM, SC(0, S("portS"), 32, 9, N(100000)));
	IS(OK, SC(0, S("portS"), 32, 2, N(100000)));
	cr_assert_eq(rig.reply.value, 1);
	IS(NO_ACTION, SC(0, S("portS"), 32, 2, N(100000)));
	IS(OK, SC(0, S("portSin"), 32, 1, N(100000)));
	cr_assert_eq(rig.reply.value, 3);
}

Test(sim_port_create, a_profile_without_period_takes_the_channels)
{
	IS(OK, SC(0, S("portS"), 32, 2, ABSENT));
}

Test(sim_port_create, identifiers_are_global)
{
	IS(OK, CALL(2, CREATE_SAMPLING_PORT, N(2), S("portSin"), N(32), N(2), N(100000)));
	cr_assert_eq(rig.reply.value, 7);
}

Test(sim_port_create, the_next_partitions_port_is_not_opened)
{
	IS(INVALID_PARAM, CALL(1, CREATE_QUEUING_PORT, N(1), S("portQin"), N(2), N(32), N(1)));
}

/* ---- use ------------------------------------------------------------------------------------------ */

static void open_ports(void)
{
	rig_prtos();
	IS(OK, PC(0, S("portQ"), 2, 32, 2));
	IS(OK, SC(0, S("portS"), 32, 2, N(100000)));
	IS(OK, PC(0, S("portQin"), 2, 32, 1));
	IS(OK, SC(0, S("portSin"), 32, 1, N(100000)));
	IS(OK, CALL(2, CREATE_QUEUING_PORT, N(2), S("portQin"), N(2), N(32), N(2)));
	IS(OK, CALL(2, CREATE_SAMPLING_PORT, N(2), S("portSin"), N(32), N(2), N(100000)));
}

TestSuite(sim_port, .init = open_ports, .fini = rig_close);

enum { Q, SMP, QI, SI };

#define SEND(p, port, buf, size) CALL(0, SEND_QUEUING_MESSAGE, N(p), N(port), buf, N(size))
#define WRITE(p, port, buf, size) CALL(0, WRITE_SAMPLING_MESSAGE, N(p), N(port), buf, N(size))
#define RECEIVE(p, port, buf, size)                                                                \
	CALL(0, RECEIVE_QUEUING_MESSAGE, N(p), N(port), buf, N(size), ABSENT)
#define READ(p, port, buf, size, flags)                                                            \
	CALL(0, READ_SAMPLING_MESSAGE, N(p), N(port), buf, N(size), flags)
#define HELPER_WRITES(n) CALL(2, WRITE_SAMPLING_MESSAGE, N(2), N(7), B(message, n), N(n))
#define HELPER_SENDS(n) CALL(2, SEND_QUEUING_MESSAGE, N(2), N(6), B(message, n), N(n))

Test(sim_port, send)
{
	IS(INVALID_CONFIG, SEND(0, Q, B(message, 0), 0));
	IS(INVALID_CONFIG, SEND(0, Q, B(message, 33), 33));
	IS(INVALID_PARAM, SEND(0, Q, NUL, 8));
	IS(INVALID_PARAM, SEND(0, Q, BAD, 8));
	IS(PERM_ERROR, SEND(1, Q, B(message, 8), 8));
	IS(INVALID_PARAM, SEND(0, SMP, B(message, 8), 8));
	IS(INVALID_PARAM, SEND(0, QI, B(message, 8), 8));
	IS(INVALID_PARAM, SEND(0, 4, B(message, 8), 8));
	IS(INVALID_PARAM, SEND(0, 1023, B(message, 8), 8));
	IS(INVALID_PARAM, RECEIVE(0, Q, OUT, 8));
	IS(OK, SEND(0, Q, B(message, 8), 8));
	IS(OK, SEND(0, Q, B(message, 32), 32));
	IS(OP_NOT_ALLOWED, SEND(0, Q, B(message, 8), 8));
	cr_assert_eq(rig.reply.value, 0);
}

Test(sim_port, permission_comes_first)
{
	IS(PERM_ERROR, SEND(1, 1023, NUL, 0));
	IS(PERM_ERROR, WRITE(1, 1023, NUL, 0));
	IS(PERM_ERROR, RECEIVE(1, 1023, NUL, 0));
	IS(PERM_ERROR, READ(1, 1023, NUL, 0, NUL));
	IS(PERM_ERROR, CALL(0, GET_SAMPLING_PORT_STATUS, N(1), N(1023), NUL));
	IS(PERM_ERROR, CALL(0, GET_QUEUING_PORT_STATUS, N(1), N(1023), NUL));
	IS(PERM_ERROR, CALL(0, GET_SAMPLING_PORT_INFO, N(1), NUL, NUL));
}

Test(sim_port, write)
{
	IS(INVALID_CONFIG, WRITE(0, SMP, B(message, 0), 0));
	IS(INVALID_CONFIG, WRITE(0, SMP, B(message, 33), 33));
	IS(INVALID_CONFIG, WRITE(0, SMP, { .state = XM_ST_OVERSIZE }, 100000));
	IS(INVALID_PARAM, WRITE(0, SMP, NUL, 8));
	IS(PERM_ERROR, WRITE(1, SMP, B(message, 8), 8));
	IS(INVALID_PARAM, WRITE(0, Q, B(message, 8), 8));
	IS(INVALID_PARAM, WRITE(0, SI, B(message, 8), 8));
	IS(INVALID_PARAM, READ(0, SMP, OUT, 8, OUT));
	IS(OK, WRITE(0, SMP, B(message, 8), 8));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, WRITE(0, SMP, B(message, 32), 32));
}

Test(sim_port, receive)
{
	IS(OP_NOT_ALLOWED, RECEIVE(0, QI, OUT, 32));
	IS(OK, HELPER_SENDS(9));
	IS(INVALID_PARAM, RECEIVE(0, QI, NUL, 32));
	IS(INVALID_CONFIG, RECEIVE(0, QI, OUT, 33));
	IS(INVALID_CONFIG, RECEIVE(0, QI, OUT, 0));
	IS(OK, RECEIVE(0, QI, OUT, 4));
	cr_assert_eq(rig.reply.value, 4);
	cr_assert_eq(rig.reply.out[2].len, 4);
	cr_assert_arr_eq(rig.reply.out[2].data, message, 4);
	/* The rest of the message is lost with it. */
	IS(OP_NOT_ALLOWED, RECEIVE(0, QI, OUT, 32));
}

Test(sim_port, queue_is_first_in_first_out)
{
	for (uint32_t round = 0; round < 3; round++) {
		IS(OK, HELPER_SENDS(1 + round));
		IS(OK, HELPER_SENDS(11 + round));
		IS(OP_NOT_ALLOWED, HELPER_SENDS(5));
		IS(OK, RECEIVE(0, QI, OUT, 32));
		cr_assert_eq(rig.reply.value, 1 + round);
		IS(OK, HELPER_SENDS(21));
		IS(OK, RECEIVE(0, QI, OUT, 32));
		cr_assert_eq(rig.reply.value, 11 + round);
		IS(OK, RECEIVE(0, QI, OUT, 32));
		cr_assert_eq(rig.reply.value, 21);
	}
}

Test(sim_port, read)
{
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(rig.reply.out[4].num, 0);
	IS(OK, HELPER_WRITES(7));
	IS(OK, READ(0, SI, OUT, 4, OUT));
	cr_assert_eq(rig.reply.value, 4);
	cr_assert_eq(rig.reply.out[4].num, 1);
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.value, 7);
	cr_assert_arr_eq(rig.reply.out[2].data, message, 7);
	IS(INVALID_PARAM, READ(0, SI, OUT, 32, NUL));
	IS(INVALID_PARAM, READ(0, SI, OUT, 32, BAD));
	IS(OK, READ(0, SI, OUT, 32, ABSENT));
	IS(INVALID_CONFIG, READ(0, SI, OUT, 33, OUT));
	IS(INVALID_PARAM, READ(0, SI, NUL, 32, OUT));
	IS(INVALID_PARAM, READ(0, QI, OUT, 32, OUT));
}

Test(sim_port, validity_ends_with_the_period)
{
	IS(OK, HELPER_WRITES(7));
	rig.now += 99999;
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.out[4].num, 1);
	rig.now += 1;
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.value, 7);
	cr_assert_eq(rig.reply.out[4].num, 0);
}

#define SAMPLING_STATUS(field)                                                                     \
	(CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(SI), OUT), word(2, XM_F_SAMPLING_STATUS_##field))

Test(sim_port, sampling_status)
{
	rig.now += 500;
	cr_assert_eq(SAMPLING_STATUS(flags), 0);
	cr_assert_eq(SAMPLING_STATUS(lastMsgSize), 0);
	IS(OK, HELPER_WRITES(7));
	cr_assert_eq(SAMPLING_STATUS(flags), 4 | 1);
	cr_assert_eq(SAMPLING_STATUS(lastMsgSize), 7);
	cr_assert_eq(SAMPLING_STATUS(timestamp), 500);
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(SAMPLING_STATUS(flags), 2 | 1);
	rig.now += 200000;
	cr_assert_eq(SAMPLING_STATUS(flags), 2);
	IS(INVALID_PARAM, CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(SI), NUL));
	IS(INVALID_PARAM, CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(QI), OUT));
	IS(INVALID_PARAM, CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(7), OUT));
}

Test(sim_port, queuing_status)
{
	IS(OK, CALL(0, GET_QUEUING_PORT_STATUS, N(0), N(QI), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_noMsgs), 0);
	IS(OK, HELPER_SENDS(3));
	IS(OK, HELPER_SENDS(3));
	IS(OK, CALL(0, GET_QUEUING_PORT_STATUS, N(0), N(QI), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_noMsgs), 2);
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_maxMsgSize), 32);
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_maxNoMsgs), 2);
	IS(INVALID_PARAM, CALL(0, GET_QUEUING_PORT_STATUS, N(0), N(SI), OUT));
	IS(INVALID_PARAM, CALL(0, GET_QUEUING_PORT_STATUS, N(0), N(QI), NUL));
}

Test(sim_port, information_needs_no_open_port)
{
	IS(OK, CALL(1, GET_SAMPLING_PORT_INFO, N(1), S("portS"), OUT));
	cr_assert_eq(word(2, XM_F_SAMPLING_INFO_validPeriod), 100000);
	cr_assert_eq(word(2, XM_F_SAMPLING_INFO_maxMsgSize), 32);
	cr_assert_eq(word(2, XM_F_SAMPLING_INFO_direction), 1);
	IS(OK, CALL(1, GET_QUEUING_PORT_INFO, N(1), S("portQ"), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_INFO_maxNoMsgs), 2);
	IS(INVALID_PARAM, CALL(1, GET_QUEUING_PORT_INFO, N(1), S("portS"), OUT));
	IS(INVALID_PARAM, CALL(1, GET_QUEUING_PORT_INFO, N(1), S("portX"), OUT));
	IS(INVALID_PARAM, CALL(1, GET_QUEUING_PORT_INFO, N(1), NUL, OUT));
	IS(INVALID_PARAM, CALL(1, GET_QUEUING_PORT_INFO, N(1), S("portQ"), NUL));
	IS(PERM_ERROR, CALL(1, GET_QUEUING_PORT_INFO, N(0), S("portQ"), OUT));
}

Test(sim_port, reset_closes_ports_and_keeps_messages)
{
	rig.now += 1; /* a message of time 0 does not count as one */
	IS(OK, HELPER_SENDS(3));
	IS(OK, HELPER_WRITES(4));
	IS(OK, CALL(2, RESET_PARTITION, N(0), N(1), N(0)));
	IS(INVALID_PARAM, RECEIVE(0, QI, OUT, 32));
	IS(INVALID_PARAM, READ(0, SI, OUT, 32, OUT));
	IS(OK, PC(0, S("portQin"), 2, 32, 1));
	IS(OK, SC(0, S("portSin"), 32, 1, N(100000)));
	IS(OK, RECEIVE(0, QI, OUT, 32));
	cr_assert_eq(rig.reply.value, 3);
	cr_assert_eq(SAMPLING_STATUS(flags),
		     1); /* opened anew: empty, but what is there is valid */
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.value, 4);
}

Test(sim_port, reset_of_the_system_empties_channels)
{
	IS(OK, HELPER_SENDS(3));
	IS(OK, HELPER_WRITES(4));
	CALL(2, RESET_SYSTEM, N(1));
	IS(OK, PC(0, S("portQin"), 2, 32, 1));
	IS(OK, SC(0, S("portSin"), 32, 1, N(100000)));
	IS(OP_NOT_ALLOWED, RECEIVE(0, QI, OUT, 32));
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(rig.reply.value, 0);
}

Test(sim_port, messages_are_counted)
{
	IS(OK, HELPER_SENDS(3));
	IS(OK, HELPER_WRITES(3));
	IS(OK, RECEIVE(0, QI, OUT, 32));
	IS(OK, READ(0, SI, OUT, 32, OUT));
	IS(OK, READ(0, SI, OUT, 32, OUT));
	cr_assert_eq(status_of(2, XM_F_PARTITION_STATUS_noQueuingPortMsgsSent), 1);
	cr_assert_eq(status_of(2, XM_F_PARTITION_STATUS_noSamplingPortMsgsWritten), 1);
	cr_assert_eq(status_of(0, XM_F_PARTITION_STATUS_noQueuingPortMsgsReceived), 1);
	cr_assert_eq(status_of(0, XM_F_PARTITION_STATUS_noSamplingPortMsgsRead), 2);
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_noSamplingPortMsgsRead), 2);
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_noQueuingPortMsgsSent), 1);
}

/* ---- several receivers, and none ------------------------------------------------------------------ */

static void rig_everything(void)
{
	rig_open("tests/system/good/everything.xml");
}

TestSuite(sim_channel, .init = rig_everything, .fini = rig_close);

Test(sim_channel, every_receiver_reads_the_same_message)
{
	IS(OK, CALL(0, CREATE_SAMPLING_PORT, N(0), S("out"), N(1024), N(2), N(1500000)));
	IS(OK, CALL(1, CREATE_SAMPLING_PORT, N(1), S("in"), N(1024), N(1), N(1500000)));
	IS(OK, CALL(2, CREATE_SAMPLING_PORT, N(2), S("in"), N(1024), N(1), N(1500000)));
	IS(OK, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(0), B(message, 12), N(12)));
	for (uint32_t i = 0; i < 2; i++) {
		IS(OK, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(2), OUT, N(64), OUT));
		cr_assert_eq(rig.reply.value, 12);
		IS(OK, CALL(2, READ_SAMPLING_MESSAGE, N(2), N(3), OUT, N(64), OUT));
		cr_assert_eq(rig.reply.value, 12);
	}
}

Test(sim_channel, port_without_a_channel)
{
	IS(OK, CALL(0, CREATE_QUEUING_PORT, N(0), S("unlinked"), N(77), N(99), N(1)));
	IS(OK, CALL(0, RECEIVE_QUEUING_MESSAGE, N(0), N(1), OUT, N(64), ABSENT));
	cr_assert_eq(rig.reply.value, 0);
	IS(INVALID_CONFIG, CALL(0, RECEIVE_QUEUING_MESSAGE, N(0), N(1), OUT, N(0), ABSENT));
	IS(OK, CALL(0, GET_QUEUING_PORT_STATUS, N(0), N(1), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_maxMsgSize), 0);
	IS(OK, CALL(0, GET_QUEUING_PORT_INFO, N(0), S("unlinked"), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_INFO_validPeriod), 0xffffffff);
}

/* ---- large messages ------------------------------------------------------------------------------- */

#define LARGE (16u << 20)

TestSuite(sim_large, .init = rig_demo, .fini = rig_close);

/* The demo with other channels. */
static void rig_large(uint32_t length, uint32_t number)
{
	struct system_channel *channel;

	rig_close();
	rig_demo();
	sim_free(rig.sim);
	channel = (struct system_channel *)(void *)((char *)rig.sys +
						    rig.sys->table[SYSTEM_CHANNELS].offset);
	channel[0].max_message_length = length;
	channel[2].max_message_length = length;
	channel[2].max_no_messages = number;
	cr_assert(system_verify(rig.sys, rig.sys->size));
	cr_assert_eq(sim_new(rig.sys, NULL, rig.now, &rig.sim), 0);
}

Test(sim_large, messages_of_16_megabytes)
{
	uint8_t *large = malloc(LARGE), *room = malloc(LARGE);

	memset(large, 7, LARGE);
	large[LARGE - 1] = 9;
	rig_large(LARGE, 3);
	IS(OK, CALL(0, CREATE_SAMPLING_PORT, N(0), S("attitude"), N(LARGE), N(2), N(1000000)));
	IS(OK, CALL(1, CREATE_SAMPLING_PORT, N(1), S("attitude"), N(LARGE), N(1), N(1000000)));
	IS(INVALID_CONFIG,
	   CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(0), B(large, LARGE), N(LARGE + 1)));
	IS(OK, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(0), B(large, LARGE), N(LARGE)));
	xm_reply_init(&rig.reply, room, LARGE);
	IS(OK, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(4), OUT, N(LARGE), OUT));
	cr_assert_eq(rig.reply.value, LARGE);
	cr_assert_eq(memcmp(rig.reply.out[2].data, large, LARGE), 0);
	IS(OK, CALL(0, CREATE_QUEUING_PORT, N(0), S("commands"), N(3), N(LARGE), N(2)));
	for (unsigned int i = 0; i < 3; i++)
		IS(OK, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(2), B(large, LARGE), N(LARGE)));
	IS(OP_NOT_ALLOWED, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(2), B(large, 1), N(1)));
	IS(OK, CALL(2, CREATE_QUEUING_PORT, N(2), S("commands"), N(3), N(LARGE), N(1)));
	IS(OK, CALL(2, RECEIVE_QUEUING_MESSAGE, N(2), N(6), OUT, N(LARGE), ABSENT));
	cr_assert_eq(memcmp(rig.reply.out[2].data, large, LARGE), 0);
	free(large);
	free(room);
}

/* A description of nearly a gigabyte is no burden before its messages come. */
Test(sim_large, room_is_taken_when_it_is_needed, .timeout = 60)
{
	struct rusage usage;

	rig_large(LARGE, 62);
	IS(OK, CALL(0, CREATE_QUEUING_PORT, N(0), S("commands"), N(62), N(LARGE), N(2)));
	IS(OK, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(2), B("x", 1), N(1)));
	cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	/* Sanitizers take an eighth. */
	cr_assert_lt(usage.ru_maxrss, 512 * 1024, "%ld KiB", usage.ru_maxrss);
}
