// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor of 2.x: ports, console, traces, memory and machine. */

#include "tests/sim_rig.h"

static void rig_26(void)
{
	rig_open_as(TWO, XM_PROFILE_ID_2_6, false);
}

TestSuite(sim_2x_objects, .init = rig_26, .fini = rig_close);

static void again(enum xm_profile profile, bool quirks)
{
	rig_close();
	rig_open_as(TWO, profile, quirks);
}

/* ---- opening ports -------------------------------------------------------------------------------------- */

enum { OUT_PORT, QUEUE, LONELY, FREE_IN, LONELY_QUEUE, IN, QUEUE_IN, FREE_OUT };

#define SAMPLING(p, partition, name, size, direction)                                              \
	CALL(p, CREATE_SAMPLING_PORT, N(partition), name, N(size), N(direction), ABSENT)
#define QUEUING(p, partition, name, n, size, direction)                                            \
	CALL(p, CREATE_QUEUING_PORT, N(partition), name, N(n), N(size), N(direction))

Test(sim_2x_objects, opening_sampling_ports)
{
	IS(INVALID_PARAM, SAMPLING(0, 1, NUL, 32, 2));
	IS(INVALID_PARAM, SAMPLING(0, 1, BAD, 32, 2));
	IS(PERM_ERROR, SAMPLING(0, 1, S("out"), 32, 2));
	IS(INVALID_PARAM, SAMPLING(0, 0, S("nope"), 32, 2));
	IS(INVALID_PARAM, SAMPLING(0, 0, S("queue"), 32, 2));
	IS(INVALID_PARAM, SAMPLING(0, 0, S("out"), 32, 1));
	IS(INVALID_PARAM, SAMPLING(0, 0, S("out"), 32, 9));
	IS(INVALID_CONFIG, SAMPLING(0, 0, S("out"), 31, 2));
	IS(OK, SAMPLING(0, 0, S("out"), 32, 2));
	cr_assert_eq(rig.reply.value, OUT_PORT);
	IS(OK, SAMPLING(0, 0, S("out"), 32, 2)); /* again */
	cr_assert_eq(rig.reply.value, OUT_PORT);
	IS(INVALID_CONFIG, SAMPLING(0, 0, S("out"), 33, 2));
	IS(OK, SAMPLING(0, 0, S("lonely"), 12345, 2)); /* has no channel to fit */
	cr_assert_eq(rig.reply.value, LONELY);
}

Test(sim_2x_objects, opening_queuing_ports)
{
	IS(INVALID_PARAM, QUEUING(0, 0, S("out"), 2, 32, 2));
	IS(INVALID_PARAM, QUEUING(0, 0, S("queue"), 2, 32, 1));
	IS(INVALID_CONFIG, QUEUING(0, 0, S("queue"), 3, 32, 2));
	IS(INVALID_CONFIG, QUEUING(0, 0, S("queue"), 2, 33, 2));
	IS(OK, QUEUING(0, 0, S("queue"), 2, 32, 2));
	cr_assert_eq(rig.reply.value, QUEUE);
	IS(OK, QUEUING(0, 0, S("queue"), 2, 32, 2));
	IS(OK, QUEUING(1, 1, S("queue"), 2, 32, 1));
	cr_assert_eq(rig.reply.value, QUEUE_IN);
}

/* The first sixteen characters are not enough. */
Test(sim_2x_objects, whole_names)
{
	IS(OK, CALL(0, RESET_PARTITION, N(2), N(0), N(0)));
	IS(INVALID_PARAM, SAMPLING(2, 2, S("sixteen-letters-"), 1, 2));
	IS(OK, SAMPLING(2, 2, S("sixteen-letters-1"), 1, 2));
	IS(OK, QUEUING(2, 2, S("sixteen-letters-2"), 1, 1, 2));
}

/* A name that there is not is not there in the original either, whatever comes next. */
Test(sim_2x_objects, name_that_there_is_not)
{
	again(XM_PROFILE_ID_2_6, true);
	IS(INVALID_PARAM, SAMPLING(0, 0, S("nope"), 32, 1));
}

/* ---- messages --------------------------------------------------------------------------------------------- */

static void open_all(void)
{
	IS(OK, SAMPLING(0, 0, S("out"), 32, 2));
	IS(OK, SAMPLING(1, 1, S("in"), 32, 1));
	IS(OK, SAMPLING(1, 1, S("free"), 16, 2));
	IS(OK, SAMPLING(0, 0, S("free"), 16, 1));
	IS(OK, SAMPLING(0, 0, S("lonely"), 1, 2));
	IS(OK, QUEUING(0, 0, S("queue"), 2, 32, 2));
	IS(OK, QUEUING(1, 1, S("queue"), 2, 32, 1));
	IS(OK, QUEUING(0, 0, S("lonelyq"), 2, 32, 1));
}

#define WRITE(p, port, buffer, size) CALL(p, WRITE_SAMPLING_MESSAGE, N(p), N(port), buffer, N(size))
#define READ(p, port, size) CALL(p, READ_SAMPLING_MESSAGE, N(p), N(port), OUT, N(size), OUT)
#define SEND(buffer, size) CALL(0, SEND_QUEUING_MESSAGE, N(0), N(QUEUE), buffer, N(size))
#define RECEIVE(size) CALL(1, RECEIVE_QUEUING_MESSAGE, N(1), N(QUEUE_IN), OUT, N(size), OUT)

Test(sim_2x_objects, checks_of_a_message)
{
	IS(INVALID_PARAM, WRITE(0, OUT_PORT, B("x", 1), 1)); /* not open */
	open_all();
	IS(INVALID_PARAM, CALL(0, WRITE_SAMPLING_MESSAGE, N(1), N(OUT_PORT), BAD, N(1)));
	IS(PERM_ERROR, CALL(0, WRITE_SAMPLING_MESSAGE, N(1), N(OUT_PORT), NUL, N(0)));
	IS(INVALID_PARAM, WRITE(0, QUEUE, B("x", 1), 1));
	IS(INVALID_PARAM, WRITE(0, FREE_IN, B("x", 1), 1));
	IS(INVALID_PARAM, WRITE(0, IN, B("x", 1), 1));
	IS(INVALID_PARAM, WRITE(0, FREE_OUT, B("x", 1), 1)); /* another's */
	IS(INVALID_PARAM, WRITE(0, 1023, B("x", 1), 1));
	IS(INVALID_CONFIG, WRITE(0, OUT_PORT, NUL, 4));
	IS(INVALID_CONFIG, WRITE(0, OUT_PORT, B("x", 1), 0));
	IS(INVALID_CONFIG, WRITE(0, OUT_PORT, B("x", 1), 33));
	IS(INVALID_CONFIG, SEND(B("x", 1), 0));
	IS(INVALID_CONFIG, RECEIVE(33));
	IS(INVALID_PARAM, READ(0, OUT_PORT, 8));
	IS(INVALID_PARAM, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(IN), OUT, N(8), BAD));
	IS(OK, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(IN), OUT, N(8), NUL));
	IS(INVALID_CONFIG, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(IN), NUL, N(8), NUL));
}

#define FLAGS rig.reply.out[4]

static const struct {
	int64_t age;
	unsigned int fixed, original; /* 9: not touched */
} limited[] = { { 1, 1, 9 }, { 100000, 1, 9 }, { 100001, 0, 1 }, { 900000, 0, 1 } };

/* The message of the limited channel is valid for 100 ms, that of the other one for ever. */
static void check_flags(bool quirks)
{
	open_all();
	wait_us(200000);
	IS(OK, READ(1, IN, 8));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(FLAGS.num, quirks); /* nothing, of long ago */
	IS(OK, READ(0, FREE_IN, 8));
	cr_assert_eq(FLAGS.num, quirks);
	for (unsigned int i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		unsigned int expected = quirks ? limited[i].original : limited[i].fixed;

		IS(OK, WRITE(0, OUT_PORT, B("hello", 5), 5));
		wait_us(limited[i].age);
		IS(OK, READ(1, IN, 8));
		cr_assert_eq(rig.reply.value, 5);
		cr_assert_eq(FLAGS.state, expected == 9 ? XM_ST_ABSENT : XM_ST_OK, "row %u", i);
		cr_assert_eq(FLAGS.num, expected == 9 ? 0 : expected, "row %u", i);
	}
	IS(OK, WRITE(1, FREE_OUT, B("hello", 5), 5));
	wait_us(INT64_C(1000000000));
	IS(OK, READ(0, FREE_IN, 3));
	cr_assert_eq(rig.reply.value, 3);
	cr_assert_eq(FLAGS.num, 1);
}

Test(sim_2x_objects, validity)
{
	check_flags(false);
	again(XM_PROFILE_ID_2_6, true);
	check_flags(true);
}

Test(sim_2x_objects, queue)
{
	open_all();
	IS(NOT_AVAILABLE, RECEIVE(8));
	IS(OK, SEND(B("one", 3), 3));
	wait_us(40000);
	IS(OK, SEND(B("two", 3), 3));
	IS(NOT_AVAILABLE, SEND(B("three", 5), 5));
	wait_us(20000); /* the first one is too old now, the other one is not */
	IS(OK, RECEIVE(2));
	cr_assert_eq(rig.reply.value, 2);
	cr_assert_eq(FLAGS.num, 0);
	IS(OK, RECEIVE(32));
	cr_assert_eq(rig.reply.value, 3);
	cr_assert_eq(memcmp(rig.reply.out[2].data, "two", 3), 0);
	cr_assert_eq(FLAGS.num, 1);
	IS(NOT_AVAILABLE, RECEIVE(8));
}

Test(sim_2x_objects, ports_without_a_channel)
{
	open_all();
	IS(OK, WRITE(0, LONELY, B("x", 1), 1));
	IS(INVALID_CONFIG, WRITE(0, LONELY, B("x", 1), 0));
	IS(OK, CALL(0, RECEIVE_QUEUING_MESSAGE, N(0), N(LONELY_QUEUE), OUT, N(8), OUT));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(FLAGS.num, 0);
	IS(OK, CALL(0, RECEIVE_QUEUING_MESSAGE, N(0), N(LONELY_QUEUE), { .state = XM_ST_OVERSIZE },
		    N(1 << 30), OUT));
	cr_assert_eq(rig.reply.out[2].state, XM_ST_ABSENT);
	IS(OK, CALL(0, GET_SAMPLING_PORT_STATUS, N(0), N(LONELY), OUT));
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_maxMsgSize), 0);
}

static void check_status(uint64_t filled, uint64_t counted)
{
	open_all();
	wait_us(7);
	IS(OK, WRITE(0, OUT_PORT, B("hello", 5), 5));
	IS(OK, SEND(B("one", 3), 3));
	IS(OK, CALL(1, GET_SAMPLING_PORT_STATUS, N(1), N(IN), OUT));
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_validPeriod), 100000);
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_maxMsgSize), 32);
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_flags), 0);
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_timestamp), filled * 7);
	cr_assert_eq(word(2, XM_F_SAMPLING_STATUS_lastMsgSize), filled * 5);
	IS(OK, CALL(1, GET_QUEUING_PORT_STATUS, N(1), N(QUEUE_IN), OUT));
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_validPeriod), 50000);
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_maxNoMsgs), 2);
	cr_assert_eq(word(2, XM_F_QUEUING_STATUS_noMsgs), counted);
}

Test(sim_2x_objects, status_of_ports)
{
	check_status(1, 1);
	IS(PERM_ERROR, CALL(1, GET_SAMPLING_PORT_STATUS, N(0), N(IN), OUT));
	IS(INVALID_PARAM, CALL(1, GET_SAMPLING_PORT_STATUS, N(1), N(IN), NUL));
	IS(UNKNOWN_HYPERCALL, CALL(1, GET_SAMPLING_PORT_INFO, N(1), S("in"), OUT));
	again(XM_PROFILE_ID_2_6, true);
	check_status(0, 1);
	again(XM_PROFILE_ID_2_4, true);
	check_status(0, 0);
}

/* ---- console ---------------------------------------------------------------------------------------------- */

#define PRINT(p, partition, text) CALL(p, WRITE_CONSOLE, N(partition), S(text), N(sizeof(text) - 1))

Test(sim_2x_objects, writing)
{
	static const char many[1000] = "x";

	IS(OK, PRINT(0, 0, "ok\n"));
	cr_assert_eq(rig.reply.value, 3);
	IS(OK, CALL(0, WRITE_CONSOLE, N(0), B(many, 1000), N(1000)));
	cr_assert_eq(rig.reply.value, 1000);
	IS(PERM_ERROR, PRINT(0, 1, "x"));
	IS(INVALID_PARAM, CALL(0, WRITE_CONSOLE, N(1), BAD, N(1)));
	IS(INVALID_PARAM, CALL(0, WRITE_CONSOLE, N(0), NUL, N(1)));
	IS(OK, PRINT(1, 1, "x")); /* has none */
	cr_assert_eq(rig.reply.value, 0);
}

#define READ_BACK(p, partition, n) CALL(p, READ_CONSOLE, N(partition), OUT, N(n))
#define SEEK(p, offset, whence) CALL(p, SEEK_CONSOLE, N(p), N(offset), N(whence))

static void check_device(unsigned int code)
{
	cr_assert_eq(READ_BACK(0, 0, 8), code);
	cr_assert_eq(READ_BACK(0, 7, 8), code);
	cr_assert_eq(SEEK(0, 0, 0), code);
	cr_assert_eq(SEEK(0, 0, 99), code);
	IS(INVALID_PARAM, CALL(1, READ_CONSOLE, N(0), BAD, N(8)));
	IS(PERM_ERROR, READ_BACK(1, 0, 8));
	IS(PERM_ERROR, CALL(0, SEEK_CONSOLE, N(1), N(0), N(0)));
}

Test(sim_2x_objects, device_that_is_only_written)
{
	check_device(XM_C_INVALID_PARAM);
	again(XM_PROFILE_ID_2_6, true);
	check_device(XM_C_NO_ACTION);
	again(XM_PROFILE_ID_2_4, true);
	check_device(XM_C_UNKNOWN_HYPERCALL);
}

/* Sixteen bytes. */
Test(sim_2x_objects, console_in_memory)
{
	IS(OK, CALL(0, RESET_PARTITION, N(2), N(0), N(0)));
	IS(OK, PRINT(2, 2, "0123456789"));
	cr_assert_eq(rig.reply.value, 10);
	IS(OK, SEEK(2, 0, 1));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, READ_BACK(2, 2, 4));
	cr_assert_eq(memcmp(rig.reply.out[1].data, "0123", 4), 0);
	IS(OK, READ_BACK(0, 2, 100)); /* who manages may, at the same position */
	cr_assert_eq(rig.reply.value, 12);
	cr_assert_eq(memcmp(rig.reply.out[1].data, "456789\0\0\0\0\0\0", 12), 0);
	IS(OK, READ_BACK(2, 2, 4));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, SEEK(2, -1, 2));
	cr_assert_eq(rig.reply.value, 15);
	IS(OK, PRINT(2, 2, "abc")); /* from its beginning again */
	IS(OK, SEEK(2, -100, 0));
	IS(OK, READ_BACK(2, 2, 16));
	cr_assert_eq(memcmp(rig.reply.out[1].data, "bc23456789", 10), 0);
	cr_assert_eq(rig.reply.out[1].data[15], 'a');
	IS(OK, SEEK(2, 100, 1));
	cr_assert_eq(rig.reply.value, 16);
	IS(INVALID_PARAM, SEEK(2, 0, 3));
	IS(PERM_ERROR, READ_BACK(1, 2, 4));
}

/* ---- traces ----------------------------------------------------------------------------------------------- */

static unsigned int trace(uint32_t partition, uint64_t criticality, struct xm_value bitmask)
{
	uint8_t payload[40];

	for (unsigned int i = 0; i < 5; i++)
		xm_put_word(payload + 8 * i, 0x100 + i);
	return rig_call(partition,
			&(struct xm_request){ .op = criticality == 3 ? XM_OP_TRACE_UNRECOVERABLE
								     : XM_OP_TRACE_EVENT,
					      .arg = { N(partition), bitmask, N(criticality),
						       N(0xffff), B(payload, 5), OUT, N(1) } });
}

#define MASK(n) ((struct xm_value)N(n))

Test(sim_2x_objects, tracing)
{
	wait_us(3);
	IS(OK, trace(0, 2, MASK(2)));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, trace(0, 2, (struct xm_value)NUL)); /* without a mask nothing is kept */
	cr_assert_eq(rig.reply.value, 0);
	IS(INVALID_PARAM, trace(0, 2, (struct xm_value)BAD));
	IS(OK, trace(1, 2, MASK(UINT32_MAX))); /* has no trace */
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, trace(0, 2, MASK(7)));
	cr_assert_eq(rig.reply.value, 1);
	IS(OK, CALL(0, TRACE_READ, N(0), OUT, N(4)));
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeH), 2 << 1);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeL), 0x1fff << 16);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_signature), 0);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_timestamp), 3);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_moduleId), 0);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_payload3), 0x104);
}

Test(sim_2x_objects, streams)
{
	for (unsigned int i = 0; i < 4; i++)
		IS(OK, trace(0, 0, MASK(1)));
	IS(OK, CALL(0, TRACE_STATUS, N(0), OUT));
	cr_assert_eq(word(1, XM_F_TRACE_STATUS_maxEvents), 3);
	cr_assert_eq(word(1, XM_F_TRACE_STATUS_noEvents), 3);
	IS(OK, CALL(0, TRACE_SEEK, N(0), N(-1), N(2)));
	cr_assert_eq(rig.reply.value, 2);
	IS(INVALID_PARAM, CALL(0, TRACE_SEEK, N(0), N(0), N(3)));
	IS(OK, CALL(0, TRACE_READ, N(255), OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_READ, N(7), OUT, N(1)));
	IS(PERM_ERROR, CALL(1, TRACE_READ, N(0), NUL, N(1)));
	IS(INVALID_PARAM, CALL(1, TRACE_READ, N(0), BAD, N(1)));
	IS(UNKNOWN_HYPERCALL, CALL(0, TRACE_LOCK, N(0)));
	again(XM_PROFILE_ID_2_6, true);
	IS(NO_ACTION, CALL(0, TRACE_SEEK, N(0), N(0), N(3)));
}

/* Kept or not, it goes to the health monitor, the code before the payload. */
Test(sim_2x_objects, unrecoverable)
{
	IS(OK, trace(1, 3, MASK(0)));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_eq(STATE(1), HALTED);
	IS(OK, CALL(0, HM_READ, N(255), OUT, N(1)));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeL), 2 << 16 | 1);
	cr_assert_eq(word(1, XM_F_HM_LOG_payload0), 0x1fff);
	cr_assert_eq(word(1, XM_F_HM_LOG_payload1), 0x101);
	cr_assert_eq(word(1, XM_F_HM_LOG_payload4), 0x104);
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

#define COPY(p, dst, to, src, from, n) CALL(p, MEMORY_COPY, N(dst), N(to), N(src), N(from), N(n))

Test(sim_2x_objects, copying)
{
	char back[4] = "";

	cr_assert(sim_memory_write(rig.sim, 0x400000, "abcd", 4));
	IS(OK, COPY(0, 1, 0x5ffffd, 0, 0x400001, 3));
	cr_assert_eq(rig.reply.value, 3);
	sim_memory_read(rig.sim, 0x5ffffd, back, 3);
	cr_assert_str_eq(back, "bcd");
	IS(OK, COPY(0, 0, 0x400000, 1, 0x5ffffd, 3));
	IS(OK, COPY(0, 0, 0x400000, 0, 0x400000, 0));
	cr_assert_eq(rig.reply.value, 0);
	IS(PERM_ERROR, COPY(1, 1, 0x500000, 0, 0x400000, 1));
	IS(OK, COPY(1, 1, 0x500000, 1, 0x500010, 1));
	IS(INVALID_PARAM, COPY(0, 1, 0x500000, 1, 0x500010, 1));
	IS(INVALID_PARAM, COPY(0, 0, 0x400000, 255, 0, 1));
	IS(INVALID_PARAM, COPY(0, 0, 0x400000, 7, 0x400000, 1));
	IS(INVALID_PARAM, COPY(0, 0, 0x400000, 1, 0x400000, 0));
	IS(INVALID_PARAM, COPY(0, 0, 0x4fffff, 1, 0x500000, 2));
	IS(INVALID_PARAM, COPY(0, 0, 0x400000, 1, 0x500000, UINT32_MAX));
}

/* The original never reaches the last byte. */
Test(sim_2x_objects, last_byte_of_an_area)
{
	IS(OK, COPY(0, 0, 0x600000, 0, 0x600000, 4096));
	again(XM_PROFILE_ID_2_6, true);
	IS(INVALID_PARAM, COPY(0, 0, 0x600000, 0, 0x600000, 4096));
	IS(OK, COPY(0, 0, 0x600000, 0, 0x600000, 4095));
	IS(INVALID_PARAM, COPY(0, 0, 0x601000, 0, 0x601000, 0));
}

Test(sim_2x_objects, map)
{
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(0), N(0), OUT, N(4)));
	cr_assert_eq(rig.reply.value, 2);
	cr_assert_eq(word(2, XM_F_MEMORY_AREA_startAddr), 0x400000);
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(0), N(0), NUL, N(0)));
	IS(PERM_ERROR, CALL(0, GET_PARTITION_MMAP, N(1), N(0), OUT, N(4)));
	again(XM_PROFILE_ID_2_6, true);
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(7), N(0), OUT, N(4)));
	cr_assert_eq(rig.reply.value, 2);
}

/* ---- machine ----------------------------------------------------------------------------------------------- */

Test(sim_2x_objects, machine)
{
	static const uint8_t two[16];

	IS(OK, CALL(0, WRITE_REGISTER32, N(6), N(1)));
	IS(INVALID_PARAM, CALL(0, WRITE_REGISTER32, N(7), N(1)));
	IS(OK, CALL(0, WRITE_REGISTER64, N(1), N(1), N(1), N(1)));
	IS(INVALID_PARAM, CALL(0, WRITE_REGISTER64, N(2), N(1), N(1), N(1)));
	IS(OK, CALL(0, IA32_UPDATE_SYS_STRUCT, N(2), N(1), N(1)));
	IS(INVALID_PARAM, CALL(0, IA32_UPDATE_SYS_STRUCT, N(3), N(1), N(1)));
	IS(OK, CALL(0, IA32_SET_IDT_DESC, N(255), B(two, 2)));
	IS(INVALID_PARAM, CALL(0, IA32_SET_IDT_DESC, N(-1), B(two, 2)));
	IS(INVALID_PARAM, CALL(0, IA32_SET_IDT_DESC, N(1), NUL));
	IS(OK, CALL(0, OVERRIDE_TRAP_HNDL, N(31), B(two, 2)));
	IS(INVALID_PARAM, CALL(0, OVERRIDE_TRAP_HNDL, N(32), B(two, 2)));
	IS(INVALID_PARAM, CALL(0, OVERRIDE_TRAP_HNDL, N(0), NUL));
	IS(OK, CALL(0, SET_PAGE_TYPE, N(0x400000), N(1)));
	IS(OK, CALL(0, SET_PAGE_TYPE, N(0x400000), N(1))); /* again */
	IS(INVALID_PARAM, CALL(0, SET_PAGE_TYPE, N(0x500000), N(1)));
	IS(OK, CALL(0, UPDATE_PAGE32, N(0x400000), N(1)));
	IS(INVALID_PARAM, CALL(0, UPDATE_PAGE32, N(0x500000), N(1)));
}
