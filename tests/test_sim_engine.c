// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine: the virtual clock, behaviours, faults and recordings, on the demo and without sockets.
 */

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim_rig.h"
#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/engine.h"
#include "xmbroker/sim/faults.h"
#include "xmbroker/sim/record.h"
#include "xmbroker/sim/replay.h"

static struct engine engine;
static struct diag diag;
static char path[64], text[8192];
static int file;
static int64_t late;

static void open_engine(void)
{
	rig_demo();
	sim_free(rig.sim);
	cr_assert_eq(sim_new(rig.sys, NULL, engine_boot_time(true), &rig.sim), 0);
	engine_init(&engine, rig.sim, rig.sys, NULL, true, 0);
	diag_init(&diag);
	file = memfd_create("scenario", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static void close_engine(void)
{
	behaviour_free(engine.behaviour);
	faults_free(engine.faults);
	record_close(engine.record);
	diag_free(&diag);
	close(file);
	rig_close();
}

TestSuite(sim_engine, .init = open_engine, .fini = close_engine);

static void write_file(const char *s)
{
	cr_assert_eq(ftruncate(file, 0), 0);
	cr_assert_eq(pwrite(file, s, strlen(s), 0), (ssize_t)strlen(s));
}

static const char *read_file(void)
{
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

static void load_behaviour(const char *s)
{
	write_file(s);
	cr_assert_eq(behaviour_load(path, rig.sys, engine.profile, &diag, &engine.behaviour), 0);
	engine_run(&engine);
}

static void load_faults(const char *s)
{
	write_file(s);
	cr_assert_eq(faults_load(path, rig.sys, engine.profile, &diag, &engine.faults), 0);
}

static void begin_record(void)
{
	const struct sim_options options = { 0 };

	cr_assert_eq(record_open(path, rig.sys, &options, &engine.record), 0);
}

static unsigned int ask(uint32_t partition, const struct xm_request *req)
{
	rig.result = engine_call(&engine, partition, req, &rig.reply, &late);
	return rig.reply.code;
}

#define ASK(partition, OP, ...)                                                                    \
	ask(partition, &(struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })

static int64_t clock_of(uint32_t partition)
{
	IS(OK, ASK(partition, GET_TIME, N(0), OUT));
	return (int64_t)rig.reply.out[1].num;
}

/* ---- clock ------------------------------------------------------------------------------------------ */

Test(sim_engine, a_call_costs_a_microsecond)
{
	cr_expect_eq(clock_of(0), 1);
	cr_expect_eq(clock_of(1), 2);
	cr_expect(engine_run_until(&engine, 500));
	cr_expect_eq(clock_of(0), 501);
	cr_expect_eq(engine_time(&engine), 501);
}

Test(sim_engine, time_does_not_go_back)
{
	cr_expect(engine_run_until(&engine, 500));
	cr_expect(engine_run_until(&engine, 20));
	cr_expect_eq(clock_of(0), 501);
}

Test(sim_engine, who_does_not_run_costs_nothing)
{
	IS(OK, ASK(0, SUSPEND_PARTITION, N(1)));
	ASK(1, GET_TIME, N(0), OUT);
	cr_expect_eq(rig.result, SIM_STOPPED);
	cr_expect_eq(engine_time(&engine), 1);
}

#define FAR "9007199254s" /* the longest time there is, nearly */

Test(sim_engine, the_virtual_clock_has_an_end)
{
	int64_t next;
	int n = 0;

	load_behaviour("partitions: {payload: [{write: hk-1, every: " FAR ", data: x}]}");
	while ((next = engine_next(&engine)) >= 0 && n++ < 2000)
		engine_run_until(&engine, next);
	cr_expect_eq(n, 1);
	engine_run_until(&engine, INT64_MAX);
	cr_expect_eq(engine_time(&engine), SYSTEM_MAX_TIME);
	cr_expect_eq(clock_of(0), SYSTEM_MAX_TIME, "and a call costs nothing there");
	cr_expect_eq(engine_later(&engine, engine.now, 5), SYSTEM_MAX_TIME);
}

/* ---- behaviours ------------------------------------------------------------------------------------- */

#define WRITTEN(p) status_of(p, XM_F_PARTITION_STATUS_noSamplingPortMsgsWritten)

Test(sim_engine, acts_at_its_times_and_no_others)
{
	load_behaviour("partitions: {payload: [{write: hk-1, at: 7ms, every: 10ms, data: x}]}");
	rig.now = 0;
	cr_expect_eq(engine_next(&engine), 7000);
	engine_run_until(&engine, 6999);
	cr_expect_eq(WRITTEN(1), 0);
	engine_run_until(&engine, 7000);
	cr_expect_eq(WRITTEN(1), 1);
	cr_expect_eq(engine_next(&engine), 17000);
	engine_run_until(&engine, 107000);
	cr_expect_eq(WRITTEN(1), 11);
}

Test(sim_engine, suspended_it_waits_and_halted_it_is_gone)
{
	load_behaviour("partitions: {payload: [{write: hk-1, every: 10ms, data: x}]}");
	rig.now = 0;
	IS(OK, ASK(0, SUSPEND_PARTITION, N(1)));
	cr_expect_eq(engine_next(&engine), -1);
	engine_run_until(&engine, 35000);
	cr_expect_eq(WRITTEN(1), 0);
	IS(OK, ASK(0, RESUME_PARTITION, N(1)));
	cr_expect_eq(WRITTEN(1), 1, "what was due, once");
	cr_expect_eq(engine_next(&engine), 40000);
	IS(OK, ASK(0, HALT_PARTITION, N(1)));
	cr_expect_eq(engine_next(&engine), -1);
}

Test(sim_engine, reset_begins_its_life_anew)
{
	load_behaviour("partitions: {payload: [{write: hk-1, at: 10ms, data: x}]}");
	cr_expect(engine_is_busy(&engine));
	engine_run_until(&engine, 50000);
	cr_expect_not(engine_is_busy(&engine));
	IS(OK, ASK(0, RESET_PARTITION, N(1), N(0), N(0)));
	cr_expect_eq(engine_next(&engine), 60001);
}

Test(sim_engine, two_that_echo_to_each_other_do_not_stop_the_clock)
{
	static const char *const scenario =
		"partitions: {camera: [{echo: commands, to: telemetry}],"
		" linux: [{echo: telemetry, to: commands}]}";

	load_behaviour(scenario);
	IS(OK, ASK(0, SEND_QUEUING_MESSAGE, N(0), N(2), B("ping", 4), N(4)));
	cr_expect(engine_run_until(&engine, 1000));
	cr_expect_eq(clock_of(0), 1001);
}

#define LOOP                                                                                       \
	"<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' name='loop'>"    \
	"<HwDescription><MemoryLayout><Region type='ram' start='0x0' size='16MB'/></MemoryLayout>" \
	"<ProcessorTable><Processor id='0'><CyclicPlanTable><Plan id='0' majorFrame='1ms'>"        \
	"<Slot id='0' start='0us' duration='1ms' partitionId='0'/></Plan></CyclicPlanTable>"       \
	"</Processor></ProcessorTable></HwDescription>"                                            \
	"<XMHypervisor><PhysicalMemoryArea size='1MB'/></XMHypervisor><PartitionTable>"            \
	"<Partition id='0' name='a' flags='system'><PhysicalMemoryAreas>"                          \
	"<Area start='0x100000' size='1MB'/></PhysicalMemoryAreas><PortTable>"                     \
	"<Port name='out' type='queuing' direction='source'/>"                                     \
	"<Port name='in' type='queuing' direction='destination'/></PortTable></Partition>"         \
	"</PartitionTable><Channels>"                                                              \
	"<QueuingChannel maxNoMessages='1000000' maxMessageLength='1B'>"                           \
	"<Source partitionId='0' portName='out'/><Destination partitionId='0' portName='in'/>"     \
	"</QueuingChannel></Channels></SystemDescription>"

Test(sim_engine, who_echoes_to_itself_leaves_others_a_turn)
{
	rig_close();
	cr_assert_eq(system_load_text("loop", LOOP, strlen(LOOP), &diag, &rig.sys), 0);
	cr_assert_eq(sim_new(rig.sys, NULL, 0, &rig.sim), 0);
	engine_init(&engine, rig.sim, rig.sys, NULL, true, 0);
	load_behaviour("partitions: {a: [{echo: in, to: out}]}");
	IS(OK, ASK(0, SEND_QUEUING_MESSAGE, N(0), N(0), B("x", 1), N(1)));
	rig.now = engine.now;
	cr_expect_leq(status_of(0, XM_F_PARTITION_STATUS_noQueuingPortMsgsReceived), 100);
	engine_run_until(&engine, engine.now + 1000);
	cr_expect_gt(status_of(0, XM_F_PARTITION_STATUS_noQueuingPortMsgsReceived), 1000);
}

/* ---- faults ----------------------------------------------------------------------------------------- */

Test(sim_engine, fault_takes_the_place_of_the_call)
{
	load_faults("[{call: XM_halt_partition, nth: 1, result: XM_INVALID_MODE, delay: 2ms}]");
	IS(INVALID_MODE, ASK(0, HALT_PARTITION, N(1)));
	cr_expect_eq(late, 2000);
	cr_expect_not(sim_halted(rig.sim, 1));
	IS(OK, ASK(0, HALT_PARTITION, N(1)));
	cr_expect_eq(late, 0);
	cr_expect(sim_halted(rig.sim, 1));
}

Test(sim_engine, delays_add_up_to_what_a_clock_can_reach)
{
	load_faults("[{call: XM_get_time, delay: " FAR "}, {call: XM_get_time, delay: " FAR "}]");
	IS(OK, ASK(0, GET_TIME, N(0), OUT));
	cr_expect_eq(late, SYSTEM_MAX_TIME);
}

Test(sim_engine, who_does_not_run_is_not_counted)
{
	load_faults("[{call: XM_get_time, nth: 1, result: XM_INVALID_MODE}]");
	IS(OK, ASK(0, SUSPEND_PARTITION, N(1)));
	ASK(1, GET_TIME, N(0), OUT);
	cr_expect_eq(rig.result, SIM_STOPPED);
	IS(OK, ASK(0, RESUME_PARTITION, N(1)));
	IS(INVALID_MODE, ASK(1, GET_TIME, N(0), OUT));
}

/* ---- recordings ------------------------------------------------------------------------------------- */

static void is_recorded(const char *line)
{
	cr_expect(strstr(read_file(), line), "not there:\n%s\nin:\n%s", line, text);
}

Test(sim_engine, records_arguments_and_what_came_of_them)
{
	begin_record();
	ASK(0, GET_TIME, N(0), OUT);
	ASK(0, GET_TIME, N(0), NUL);
	ASK(0, GET_GID_BY_NAME, S("a\"\\b"), N(0));
	ASK(0, GET_GID_BY_NAME, S("\xff\x01"), N(0));
	ASK(0, WRITE_CONSOLE, N(0), B("\x00\xfe", 2), N(2));
	ASK(0, GET_PLAN_STATUS, N(0), OUT);
	ASK(1, HALT_PARTITION, N(1));
	engine_event(&engine, XM_HYPERVISOR_ID, 9);
	is_recorded("{\"recording\":1,\"system\":\"demo\",\"partitions\":3,\"profile\":\"3.x\","
		    "\"quirks\":\"fixed\"}\n");
	is_recorded(
		"{\"time\":1,\"partition\":0,\"call\":\"XM_get_time\",\"arguments\":{\"clock\":0},"
		"\"outcome\":\"reply\",\"result\":\"XM_OK\",\"value\":0,\"outputs\":{\"time\":1}}"
		"\n");
	is_recorded(
		"\"arguments\":{\"clock\":0,\"time\":{\"state\":\"null\"}},\"outcome\":\"reply\","
		"\"result\":\"XM_INVALID_PARAM\",\"value\":0,\"outputs\":{}}\n");
	is_recorded("{\"name\":\"a\\\"\\\\b\",\"entity\":0}");
	is_recorded("{\"name\":{\"bytes\":\"ff01\"},\"entity\":0}");
	is_recorded("\"buffer\":\"00fe\"");
	is_recorded("\"outputs\":{\"status\":[0,0,0,-1]}");
	is_recorded("\"outcome\":\"gone\"");
	is_recorded("{\"time\":7,\"partition\":255,\"event\":9}\n");
}

Test(sim_engine, what_is_recorded_can_be_made_again)
{
	begin_record();
	for (int i = 0; i < 100; i++) {
		ASK(0, GET_TIME, N(i % 3), OUT);
		ASK(1, GET_PARTITION_STATUS, N(i % 4), OUT);
		ASK(0, MEMORY_COPY, N(0), N(0x4000000), N(1), N(0x8000000), N(64));
		ASK(0, IDLE_SELF, { 0 });
		engine_run_until(&engine, engine.now + 77777);
	}
	cr_assert_eq(record_close(engine.record), 0);
	engine.record = NULL;
	cr_expect_eq(replay_file(path, rig.sys), REPLAY_SAME);
}

Test(sim_engine, a_replay_misses_the_periods_of_timers_that_were_missed)
{
	begin_record();
	ASK(0, SET_TIMER, N(0), N(10), N(10));
	ASK(1, SET_TIMER, N(1), N(10), N(10));
	for (int i = 0; i < 50; i++)
		engine_run_until(&engine, engine.now + 7777);
	for (uint32_t i = 0; i < 2; i++)
		ASK(i, GET_PARTITION_STATUS, N(i), OUT);
	cr_assert_eq(record_close(engine.record), 0);
	engine.record = NULL;
	cr_expect_eq(replay_file(path, rig.sys), REPLAY_SAME);
}

Test(sim_engine, no_line_is_left_out_silently)
{
	const struct sim_options options = { 0 };
	struct record *record;

	cr_assert_eq(record_open("/dev/full", rig.sys, &options, &record), 0);
	cr_expect_eq(record_close(record), -ENOSPC);
}
