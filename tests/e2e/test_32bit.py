#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""32-bit programs and the 64-bit broker.  Structures are laid out differently in the two, and words
are half as wide: every field that a 32-bit program gets is compared with what a 64-bit one gets."""

import os
import subprocess
import time

from harness import (ALICE, BUILD, DEMO_XML, SANITIZED, TOP, Broker, NotRun, Session, need_32bit,
                     program, run_all)
from test_install import OLD_ANSWER, OLD_PROGRAM, make

POLICY = """\
version: 1
system: demo.xml
roles:
  all:
    - allow: ["@time", "@status", "@console", "@ports", "@hm", "@trace", "@plan",
              "@partition"]
      audit: always
    - allow: XM_set_timer
      where: {clock: [XM_HW_CLOCK, XM_EXEC_CLOCK, XM_WATCHDOG_TIMER]}
      audit: always
grants:
  - {to: "user:%d", roles: [all]}
""" % ALICE

# A watchdog that only writes into the log, and a trace stream.
EXTRAS = """\
      <HealthMonitor>
        <Event name="XM_HM_EV_WATCHDOG_TIMER" action="XM_HM_AC_IGNORE" log="yes"/>
      </HealthMonitor>
      <Trace device="TraceLog" bitmask="0xffffffff"/>
"""
LOG = '<MemoryBlock name="HmLog" start="0x1000000" size="4KB"/>\n'
TRACE_LOG = '<MemoryBlock name="TraceLog" start="0x1001000" size="4KB"/>\n'
LINUX = '<Partition id="0" name="linux" flags="system" console="Uart">\n'

PROFILES = ("24", "26", "", "pr")
INVALID_PARAM = {"24": -2, "26": -3, "": -3, "pr": -3}
INVALID_CONFIG = {"24": -4, "26": -5, "": -5, "pr": -5}
BIG = 0x123456789ABCD  # no 32-bit number, and different in both halves
SAMPLING, QUEUING = 64, 128  # message sizes of the sample system
DESTINATION, SOURCE = 1, 2


class Pair(Broker):
    """The sample system on the simulated hypervisor, with a 64-bit and a 32-bit program of a
    profile."""

    def __init__(self, profile):
        super().__init__(POLICY, start=False)
        try:
            with open(DEMO_XML) as f:
                text = f.read()
            assert LINUX in text and LOG in text
            text = text.replace(LINUX, LINUX + EXTRAS).replace(LOG, LOG + TRACE_LOG)
            xml = self.file("demo.xml", text)
            self.command[self.command.index("--backend") + 1] = "sim:" + xml
            self.start()
            self.profile = profile
            self.family = 2 if profile in ("24", "26") else 3
            self.narrow = Session(self, ALICE, "tests/call" + (profile and profile + "_") + "32")
            self.wide = Session(self, ALICE, "tests/call" + profile)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc):
        for session in (getattr(self, "wide", None), getattr(self, "narrow", None)):
            if session:
                session.__exit__()
        super().__exit__()

    def bad(self, line, codes=INVALID_PARAM, error="EINVAL"):
        for session in (self.wide, self.narrow):
            assert session.call(line) == (codes[self.profile], error), (self.profile, line)

    def same(self, *lines):
        """Each call gives the 32-bit program what it gives the 64-bit one: clocks and counters,
        which only grow, lie between what the latter sees before and after."""
        for line in lines:
            before, got, after = (s.answer(line) for s in (self.wide, self.narrow, self.wide))
            assert got[:2] == before[:2] == after[:2], (line, before, got, after)
            assert got[0] >= 0 and got[2], (line, got)
            assert list(got[2]) == list(before[2]), (line, before, got)
            for name, value in got[2].items():
                low, high = before[2][name], after[2][name]
                assert low <= value <= high, (line, name, low, value, high)

    def arguments(self, operation):
        return [r["args"] for r in self.records(type="decision", op=operation)]


def pairs(profiles=PROFILES):
    """The profiles that this build has, each on a system of its own."""
    need_32bit()
    found = [p for p in profiles if os.path.exists(program("tests/call" + p))]
    assert found
    for profile in found:
        with Pair(profile) as pair:
            yield pair


def test_layouts_differ():
    for pair in pairs():
        wide, narrow = (s.answer("layout") for s in (pair.wide, pair.narrow))
        assert wide[0] == narrow[0]
        assert (wide[2]["word"], narrow[2]["word"]) == (8, 4)
        assert (wide[2]["xmSystemStatus_t"], narrow[2]["xmSystemStatus_t"]) == (64, 60)
        assert (wide[2]["xmPlanStatus_t"], narrow[2]["xmPlanStatus_t"]) == (24, 20)


def test_status():
    for pair in pairs():
        for line in ("reset 1 0 4294967295", "suspend 1", "plan 1"):
            assert pair.narrow.call(line)[0] >= 0, line
        time.sleep(0.3)  # the plan changes at the end of a frame of 100 ms
        pair.same("system_status", "partition_status 0", "partition_status 1", "ctrl_status 0",
                  "ctrl_status 1", "plan_status")
        got = pair.narrow.answer("partition_status 1")[2]
        assert got["state"] == 2 and got["resetStatus"] == 0xFFFFFFFF, got
        got = pair.narrow.answer("plan_status")[2]
        assert got["current"] == 1 and got["prev"] == 0 and got["switchTime"] > 0, got
        if pair.family == 3:
            pair.same("vcpu_status 0 0", "vcpu_status 1 0")


def test_time():
    for pair in pairs():
        pair.same("get_time 0", "get_time 1")
        for line in ("get_time 7", "bad_pointer", "null_pointer"):
            pair.bad(line)


def test_timer_beyond_32_bits():
    for pair in pairs():
        lines = ["set_timer 0 %d %d" % (BIG, BIG + 1), "set_timer 0 %d %d hcall" % (BIG, BIG + 1)]
        for session in (pair.wide, pair.narrow):
            for line in lines:
                assert session.call(line) == (0, "-"), (pair.profile, line)
        made = pair.arguments("XM_set_timer")
        assert len(made) == 4, made
        for args in made:
            assert (args["absTime"], args["interval"]) == (BIG, BIG + 1), (pair.profile, args)
        pair.bad("set_timer 0 -1 0")
        pair.bad("set_timer 0 %d 0 hcall" % -BIG)
        assert pair.arguments("XM_set_timer")[-1]["absTime"] == -BIG, pair.profile


def test_pointer_cast_to_32_bits():
    for pair in pairs():
        assert pair.narrow.answer("cast_time 0") == (0, "-", {"stored": 1}), pair.profile


def test_names():
    for pair in pairs(("", "pr")):
        for session in (pair.wide, pair.narrow):
            assert session.call("gid camera 0") == (2, "-")
            assert session.call("gid safe 1") == (1, "-")
        pair.bad("gid nobody 0", INVALID_CONFIG, "EDOM")


def test_console():
    for pair in pairs():
        for way in ("function", "object", "hcall"):
            assert pair.narrow.call("console hello " + way) == (5, "-"), (pair.profile, way)
        made = pair.arguments("XM_write_console")
        assert len(made) == 3 and made[0] == made[1] == made[2], made


def port(pair, session, line):
    """Opens a port; its number differs from descriptor to index between the families."""
    value, error = session.call(line)
    assert value >= 0 and error == "-", (pair.profile, line, value, error)
    return value


def test_sampling_ports():
    period = " 1000000"  # of the channel; 2.x does not say it
    for pair in pairs():
        sent = [port(pair, s, "create_sampling attitude %d %d" % (SAMPLING, SOURCE) + period)
                for s in (pair.narrow, pair.wide)]
        assert sent[0] == sent[1], pair.profile
        received = [port(pair, s, "create_sampling hk-1 %d %d" % (SAMPLING, DESTINATION) + period)
                    for s in (pair.narrow, pair.wide)]
        assert received[0] == received[1], pair.profile
        for session in (pair.narrow, pair.wide):
            assert session.call("write_sampling %d position" % sent[0])[0] >= 0, pair.profile
        pair.same("sampling_status %d" % sent[0], "sampling_status %d" % received[0])
        got = pair.narrow.answer("sampling_status %d" % sent[0])[2]
        assert got["timestamp"] > 0 and got["lastMsgSize"] == 8, (pair.profile, got)
        long = "write_sampling %d %s" % (sent[0], "x" * (SAMPLING + 1))
        assert pair.narrow.call(long) == pair.wide.call(long), pair.profile
        assert pair.narrow.call(long)[0] < 0, pair.profile
        if pair.family == 3:
            pair.same("sampling_info attitude", "sampling_info hk-1")
            got = pair.narrow.answer("sampling_info hk-1")[2]
            assert got == {"portName": 1, "validPeriod": 1000000, "maxMsgSize": SAMPLING,
                           "direction": DESTINATION}, got
        made = {str(a) for a in pair.arguments("XM_create_sampling_port")}
        assert len(made) == 2, made  # 64 and 32 bit ask the same


def test_queuing_ports():
    for pair in pairs():
        sent = [port(pair, s, "create_queuing commands 8 %d %d" % (QUEUING, SOURCE))
                for s in (pair.wide, pair.narrow)]
        assert sent[0] == sent[1], pair.profile
        received = [port(pair, s, "create_queuing telemetry 8 %d %d" % (QUEUING, DESTINATION))
                    for s in (pair.wide, pair.narrow)]
        assert received[0] == received[1], pair.profile
        for session in (pair.wide, pair.narrow, pair.narrow):
            assert session.call("send %d shutter" % sent[0])[0] >= 0, pair.profile
        pair.same("queuing_status %d" % sent[0], "queuing_status %d" % received[0])
        assert pair.narrow.answer("queuing_status %d" % sent[0])[2]["noMsgs"] == 3, pair.profile
        assert pair.narrow.call("receive %d %d" % (received[0], QUEUING)) == \
            pair.wide.call("receive %d %d" % (received[0], QUEUING)), pair.profile
        if pair.family == 3:
            pair.same("queuing_info commands", "queuing_info telemetry")
        made = {str(a) for a in pair.arguments("XM_create_queuing_port")}
        assert len(made) == 2, made


def test_health_monitor_records():
    for pair in pairs(("24", "26", "")):  # PRTOS has no watchdog
        now = pair.narrow.answer("get_time 0")[2]["time"]
        assert pair.narrow.call("set_timer 2 %d 20000" % (now + 1000)) == (0, "-")
        time.sleep(0.3)
        assert pair.narrow.call("set_timer 2 0 0") == (0, "-")
        pair.same("hm_status")
        status = pair.narrow.answer("hm_status")[2]
        assert status["noEvents"] >= 2 and status["maxEvents"] >= status["noEvents"], status
        first = []
        for session in (pair.wide, pair.narrow):
            assert session.call("hm_seek 0 1")[0] >= 0  # from the oldest
            first.append(session.answer("hm_read"))
        assert first[0] == first[1], (pair.profile, first)
        assert first[0][1] == "-" and first[0][2], first
        stamp = first[0][2]["timeStamp" if pair.family == 2 else "timestamp"]
        assert stamp > now, (first, now)


def test_tables():
    for pair in pairs():
        pair.same("pct", "memory_map", *(["pit"] if pair.family == 2 else []))
        table = pair.narrow.answer("pit" if pair.family == 2 else "pct")[2]
        assert table["name"] == "linux" and table["id"] == 0, table
        area = pair.narrow.answer("memory_map")
        assert area[0] == 1, area
        assert (area[2]["startAddr0"], area[2]["size0"]) == (0x4000000, 64 << 20), area


def test_trace_records():
    for pair in pairs():
        streams = [s.call("trace_open 0")[0] for s in (pair.wide, pair.narrow)]
        assert streams[0] == streams[1] >= 0, streams
        for number, session in enumerate((pair.wide, pair.narrow), 1):
            assert session.call("trace_event %d %d" % (number, 0xFEDCBA98 + number)) == (0, "-")
        pair.same("trace_status %d" % streams[0])
        assert pair.narrow.answer("trace_status %d" % streams[0])[2]["noEvents"] == 2
        for number in (1, 2):
            read = [s.answer("trace_read %d" % streams[0]) for s in (pair.wide, pair.narrow)]
            assert read[0] == read[1], (pair.profile, read)
            said = read[0][2]["word0" if pair.family == 2 else "payload0"]
            assert said == 0xFEDCBA98 + number, read
        for session in (pair.wide, pair.narrow):
            assert session.call("trace_seek %d 0 1" % streams[0])[0] >= 0, pair.profile


def test_batches():
    for pair in pairs():
        for session in (pair.wide, pair.narrow):
            assert session.answer("multicall 1 %d" % BIG) == (
                0, "-", {"suspend": 0, "timer": 0, "resume": 0}), pair.profile
            assert session.call("lazy 1") == (0, "-"), pair.profile
        times = pair.arguments("XM_set_timer")
        assert [a["absTime"] for a in times] == [BIG, BIG], times
        # What an element gets wrong is its own affair.
        value, error, fields = pair.narrow.answer("multicall 99 %d" % BIG)
        assert value == 0 and fields["suspend"] == INVALID_PARAM[pair.profile], fields


def test_program_built_with_the_installed_library():
    if SANITIZED:
        raise NotRun("programs are not linked against sanitized libraries")
    for pair in pairs(("24",)):
        make("M32=1", "B=" + os.path.join(os.path.relpath(BUILD, TOP), "m32"), "install",
             "DESTDIR=" + pair.file("tree"), "PREFIX=/usr")
        usr, old = pair.file("tree/usr"), pair.file("old")
        compile = ["gcc", "-m32", "-I" + usr + "/include", pair.file("old.c", OLD_PROGRAM),
                   "-idirafter", "/usr/include/x86_64-linux-gnu", "-o", old, "-L" + usr + "/lib32"]
        for library in (["-lxm-linux"], ["-lxm", "-Wl,-rpath," + usr + "/lib32"]):
            done = subprocess.run(compile + library, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            done = pair.run(ALICE, [old])
            assert done.stdout == OLD_ANSWER, done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
