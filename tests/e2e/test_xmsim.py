#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulator as a tool: its options, the virtual clock, partitions without a process, faults,
recordings and the control socket.  Connections are those of partitions, with no broker between unless
a test is about one.  With the virtual clock nothing here waits for time to pass."""

import errno
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys

from harness import (ALICE, DEMO_XML, TOP, Broker, Folder, Session, program, run_all, wait_for)
from policies import ONE_USER
from protocol_client import BY_NAME, CODES, Client, Disconnected, Refused

DESTINATION, SOURCE = 1, 2
OK = "XM_OK"
SECOND = 1000000
# Ids of the demo's ports: their places in the description.
ATTITUDE, HK_1, COMMANDS, TELEMETRY, PAYLOAD_HK_1, CAMERA_COMMANDS, CAMERA_TELEMETRY = \
    0, 1, 2, 3, 5, 6, 7
READY, SUSPENDED, HALTED = 1, 2, 3


class Partition(Client):
    """A session of a partition, in the words of the API."""

    def __init__(self, socket_path):
        super().__init__(socket_path, timeout=20)
        self.hello()

    def ask(self, name, *args):
        """(name of the code, value, outputs)."""
        code, value, outputs = self.call(BY_NAME["XM_" + name].number, args)
        return CODES[code], value, outputs

    def ok(self, name, *args):
        """The outputs, and "value"."""
        code, value, outputs = self.ask(name, *args)
        assert code == OK, (name, args, code)
        return dict(outputs, value=value)

    def begin(self, name, *args):
        self.send_call(BY_NAME["XM_" + name].number, args)

    def end(self):
        code, value, outputs = self.receive_result()[-3:]
        return CODES[code], value, outputs

    def time(self):
        return self.ok("get_time", 0)["time"]

    def state(self, partition):
        return self.ok("get_partition_status", partition)["status"]["state"]


class Sim(Folder):
    """An xmsim with these options, on virtual time unless they say otherwise."""

    def __init__(self, *options, config=DEMO_XML, clock="virtual", **files):
        super().__init__()
        self.dir = self.file("sim")
        self.config = config
        self.command = [program("xmsim"), "--config", config, "--dir", self.dir, "--clock", clock]
        for name, text in files.items():
            self.command += ["--" + name, self.file(name + ".yaml", text)]
        self.command += options

    def __enter__(self):
        read, write = os.pipe()
        with open(self.file("out"), "wb") as out, open(self.file("err"), "wb") as err:
            self.process = subprocess.Popen(self.command + ["--ready-fd", str(write)], stdout=out,
                                            stderr=err, pass_fds=[write],
                                            stdin=subprocess.DEVNULL)
        os.close(write)
        with open(read, "rb") as ready:
            if ready.read() != b"ready\n":
                self.process.wait()
                error = self.read("err")
                super().__exit__()
                raise AssertionError("xmsim does not serve: " + error)
        return self

    def __exit__(self, *exc):
        try:
            self.stop()
        finally:
            super().__exit__()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(20) == 0, self.read("err")

    def read(self, name):
        with open(self.file(name)) as f:
            return f.read()

    def socket(self, partition):
        return os.path.join(self.dir, "p%d.ctl" % partition)

    def partition(self, number):
        return Partition(self.socket(number))

    def control(self, *words, status=0):
        done = subprocess.run([program("xmsim"), "--control", self.dir, *map(str, words)],
                              capture_output=True, text=True, timeout=20)
        assert status is None or done.returncode == status, done
        return done.stderr if status == 1 else done.stdout

    def advance(self, us):
        return int(self.control("advance", us))


# What the monitor does about events: a crash halts, everything else is only written down.
MONITOR = "<HealthMonitor>%s</HealthMonitor>" % "".join(
    '<Event name="XM_HM_EV_%s" action="XM_HM_AC_%s" log="yes"/>' % event
    for event in (("PARTITION_ERROR", "IGNORE"), ("FP_ERROR", "IGNORE"),
                  ("WATCHDOG_TIMER", "IGNORE"), ("MEM_PROTECTION", "PARTITION_HALT")))


class Watched(Sim):
    """The demo with a health monitor of its own."""

    def __init__(self, *options, **files):
        super().__init__(*options, **files)
        with open(DEMO_XML) as f:
            xml = f.read()
        xml = xml.replace("</PhysicalMemoryAreas>", "</PhysicalMemoryAreas>" + MONITOR)
        xml = xml.replace('<PhysicalMemoryArea size="4MB"/>',
                          '<PhysicalMemoryArea size="4MB"/><HealthMonitor><Event '
                          'name="XM_HM_EV_SYSTEM_ERROR" action="XM_HM_AC_IGNORE" log="yes"/>'
                          '</HealthMonitor>')
        self.config = self.file("watched.xml", xml)
        self.command[2] = self.config


def events(client):
    return client.ok("get_system_status")["status"]["noHmEvents"]


def refused(*options, **files):
    """What xmsim says that does not start, with its files' names cut to the last part."""
    with Folder() as folder:
        command = [program("xmsim"), "--config", DEMO_XML, "--dir", folder.file("sim")]
        for name, text in files.items():
            command += ["--" + name, folder.file(name + ".yaml", text)]
        done = subprocess.run(command + list(options), capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and not os.path.exists(folder.file("sim")), done
        return done.stderr.replace(folder.path + "/", "")


def open_sampling(client, partition, name, direction):
    return client.ok("create_sampling_port", partition, name, 64, direction, SECOND)


def open_queuing(client, partition, name, direction):
    return client.ok("create_queuing_port", partition, name, 8, 128, direction)


# ---- options ------------------------------------------------------------------------------------------


def test_wrong_options():
    for options, expected in (
            (("--clock", "fast"), '--clock must be real or virtual: "fast"'),
            (("--quirks", "yes"), '--quirks must be fixed or original: "yes"'),
            (("--profile", "3.x"), '--profile must be 2.4 or 2.6: "3.x"'),
            (("--json",), "--json belongs to --list"),
            (("--uid", "5"), "--uid and --gid belong together"),
            (("rest",), 'unexpected argument: "rest"')):
        assert expected in refused(*options), (options, refused(*options))
    done = subprocess.run([program("xmsim"), "--control", "/tmp"], capture_output=True, text=True)
    assert done.returncode == 2 and "--control needs a command" in done.stderr, done


def test_profile_of_another_family_is_refused():
    assert "profile" in refused("--profile", "2.6")


def test_profile_and_quirks_are_those_that_were_asked_for():
    config = os.path.join(TOP, "tests/oracle/xtratum-2.6-sv.xml")
    for options, profile, quirks, number in (((), "2.4", "fixed", 1),
                                             (("--profile", "2.6"), "2.6", "fixed", 2),
                                             (("--quirks", "original"), "2.4", "original", 1)):
        with Sim(*options, config=config) as sim, sim.partition(0) as probe:
            assert probe.welcome.profile == number, probe.welcome
            status = sim.control("status")
            assert "profile: %s\nquirks: %s\n" % (profile, quirks) in status, status


def test_list():
    def run(*options):
        done = subprocess.run([program("xmsim"), "--config", DEMO_XML, "--list", *options],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and not done.stderr, done
        return done.stdout

    text = run()
    for name in ("linux", "payload", "camera", "telemetry", "nominal"):
        assert name in text, text
    assert isinstance(json.loads(run("--json")), dict)


# ---- clock --------------------------------------------------------------------------------------------


def test_virtual_clock_stands_still_but_for_calls():
    with Sim() as sim, sim.partition(0) as linux:
        assert [linux.time() for _ in range(3)] == [1, 2, 3]
        assert sim.advance(500) == 503
        assert linux.time() == 504


def test_virtual_clock_jumps_when_all_callers_wait():
    with Sim() as sim, sim.partition(0) as linux, sim.partition(1) as payload:
        linux.begin("idle_self")  # payload could call: it is its turn
        assert payload.time() < 1000
        payload.begin("idle_self")
        assert payload.end()[0] == OK and 50000 < payload.time() < 50100
        payload.close()
        assert linux.end()[0] == OK and 100000 < linux.time() < 100100


def test_virtual_clock_stands_still_without_callers():
    with Sim(behaviour="partitions: {payload: [{write: hk-1, every: 1ms, data: x}]}") as sim:
        with sim.partition(0) as linux:
            assert linux.time() < 10
        wait_for("the end of the connection",
                 lambda: "linux: ready, 0 connections" in sim.control("status"))
        assert "time: 1\n" in sim.control("status"), sim.control("status")


def test_validity_of_a_sampling_message_ends_with_its_period():
    with Sim() as sim, sim.partition(0) as linux, sim.partition(1) as payload:
        open_sampling(payload, 1, "hk-1", SOURCE)
        open_sampling(linux, 0, "hk-1", DESTINATION)
        payload.ok("write_sampling_message", 1, PAYLOAD_HK_1, b"21.4", 4)
        written = payload.time() - 1

        def flags():
            return linux.ok("read_sampling_message", 0, HK_1, 64)["flags"] & 1

        assert flags() == 1
        sim.advance(written + SECOND - 2 - linux.time())
        assert flags() == 1
        assert flags() == 0  # exactly the period later
        assert linux.time() - written == SECOND + 1


def test_real_clock_cannot_be_advanced():
    with Sim(clock="real") as sim:
        assert "the clock is real" in sim.control("advance", 5, status=1)
        assert "clock: real" in sim.control("status")


# ---- control socket -----------------------------------------------------------------------------------


def test_control_socket():
    with Sim() as sim, sim.partition(0) as linux:
        mode = os.stat(os.path.join(sim.dir, "control")).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
        linux.ok("suspend_partition", 1)
        assert sim.control("status") == (
            "system: running\nprofile: 3.x\nquirks: fixed\nclock: virtual\ntime: 1\n"
            "partition 0 linux: ready, 1 connections\n"
            "partition 1 payload: suspended, 0 connections\n"
            "partition 2 camera: ready, 0 connections\n"), sim.control("status")
        for words, answer in (
                ("advance", "a number of microseconds"), ("advance -1", "a number of micro"),
                ("advance 99999999999999999999", "a number of micro"), ("halt", "the commands are"),
                ("event payload", "event needs a partition"),
                ("event nobody XM_HM_EV_PARTITION_ERROR", "event needs a partition"),
                ("event payload XM_HM_EV_PARTITION_EROR", "did you mean")):
            assert answer in sim.control(*words.split(), status=1), words
        assert linux.time() == 2


def test_control_raises_events():
    with Watched() as sim, sim.partition(0) as linux:
        sim.control("event", "payload", "XM_HM_EV_PARTITION_ERROR")
        sim.control("event", "hypervisor", "XM_HM_EV_SYSTEM_ERROR")
        assert events(linux) == 2
        sim.control("event", "1", "XM_HM_EV_MEM_PROTECTION")
        assert linux.state(1) == HALTED


def test_hostile_controllers_are_dropped():
    def connect():
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.settimeout(20)
        one.connect(os.path.join(sim.dir, "control"))
        return one

    def answers(one):
        try:
            one.send(b"status")
            return one.recv(1000).startswith(b"ok\n")
        except OSError:
            return False

    with Sim() as sim:
        with connect() as long:
            long.send(b"status " * 100)
            assert long.recv(100) == b""
        with connect() as garbage:
            garbage.send(b"\0\xff\n%s%n")
            assert garbage.recv(1000).startswith(b"error: ")
        deaf = connect()
        try:
            while True:
                deaf.send(b"status")
        except (BrokenPipeError, ConnectionResetError):
            pass
        many = [connect() for _ in range(40)]
        assert sum(answers(one) for one in many) == 16
        for one in many + [deaf]:
            one.close()
        wait_for("room", lambda: "system: running" in sim.control("status", status=None))


def test_nobody_to_control():
    with Folder() as folder:
        done = subprocess.run([program("xmsim"), "--control", folder.path, "status"],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "No such file" in done.stderr, done


# ---- partitions without a process ---------------------------------------------------------------------


def test_behaviour_writes_at_its_period():
    text = "partitions:\n  payload:\n    - {write: hk-1, every: 100ms, at: 20ms, data: 0x00fF10}\n"
    with Sim(behaviour=text) as sim, sim.partition(0) as linux:
        open_sampling(linux, 0, "hk-1", DESTINATION)
        for at in (20000, 120000, 220000):
            sim.advance(at - 3 - linux.time())
            before = linux.ok("get_sampling_port_status", 0, HK_1)["status"]["timestamp"]
            sim.advance(5)
            status = linux.ok("get_sampling_port_status", 0, HK_1)["status"]
            assert before < at == status["timestamp"], (before, at, status)
        assert linux.ok("read_sampling_message", 0, HK_1, 64)["buffer"] == b"\0\xff\x10"


def test_behaviour_echoes():
    with Sim(behaviour="partitions: {camera: [{echo: commands, to: telemetry}]}") as sim, \
            sim.partition(0) as linux:
        open_queuing(linux, 0, "commands", SOURCE)
        open_queuing(linux, 0, "telemetry", DESTINATION)
        for message in (b"one", b"two", b"three"):
            linux.ok("send_queuing_message", 0, COMMANDS, message, len(message))
        for message in (b"one", b"two", b"three"):
            assert linux.ok("receive_queuing_message", 0, TELEMETRY, 128)["buffer"] == message
        # While it is suspended nothing comes back, and all of it afterwards.
        linux.ok("suspend_partition", 2)
        linux.ok("send_queuing_message", 0, COMMANDS, b"late", 4)
        assert linux.ask("receive_queuing_message", 0, TELEMETRY, 128)[0] != OK
        linux.ok("resume_partition", 2)
        assert linux.ok("receive_queuing_message", 0, TELEMETRY, 128)["buffer"] == b"late"


def test_behaviour_echo_loses_nothing_when_the_queue_is_full():
    with Sim(behaviour="partitions: {camera: [{echo: commands, to: telemetry}]}") as sim, \
            sim.partition(0) as linux:
        open_queuing(linux, 0, "commands", SOURCE)
        open_queuing(linux, 0, "telemetry", DESTINATION)
        for i in range(17):  # 8 in each queue, one on the way
            linux.ok("send_queuing_message", 0, COMMANDS, b"%d" % i, len(b"%d" % i))
        assert linux.ask("send_queuing_message", 0, COMMANDS, b"x", 1)[0] != OK
        for i in range(17):
            assert linux.ok("receive_queuing_message", 0, TELEMETRY, 128)["buffer"] == b"%d" % i


def test_behaviour_raises_and_crashes_and_starts_anew():
    text = """partitions:
  payload:
    - {raise: XM_HM_EV_PARTITION_ERROR, at: 5s}
    - crash: 7s
    - {write: hk-1, every: 1s, data: alive}
"""
    with Watched(behaviour=text) as sim, sim.partition(0) as linux:
        written = lambda: linux.ok("get_partition_status", 1)["status"]["noSamplingPortMsgsWritten"]
        open_sampling(linux, 0, "hk-1", DESTINATION)
        sim.advance(5 * SECOND - 100)
        assert (events(linux), written()) == (0, 4)
        sim.advance(200)
        assert (events(linux), written()) == (1, 5)
        sim.advance(10 * SECOND)
        assert (events(linux), written(), linux.state(1)) == (2, 6, HALTED)
        start = linux.time()
        linux.ok("reset_partition", 1, 0, 0)
        sim.advance(4 * SECOND)
        assert (events(linux), linux.state(1)) == (2, READY)
        stamp = linux.ok("get_sampling_port_status", 0, HK_1)["status"]["timestamp"]
        assert 0 < stamp - (start + 4 * SECOND) < 10, (stamp, start)
        sim.advance(4 * SECOND)
        assert (events(linux), linux.state(1)) == (4, HALTED)


def test_behaviour_wakes_who_waits():
    """Who is suspended is brought nowhere by time alone, unless something is still to happen."""
    text = "partitions: {payload: [{raise: XM_HM_EV_PARTITION_ERROR, at: 3s}]}"
    with Watched(behaviour=text) as sim, sim.partition(2) as camera:
        camera.begin("idle_self")
        assert camera.end()[0] == OK
        camera.begin("suspend_partition", 2)
        wait_for("the event", lambda: "time: 3000000" in sim.control("status"))


def test_wrong_behaviour_is_refused_with_its_place():
    text = """partitions:
  payload:
    - {write: hk-2, every: 100ms, data: x}
    - {write: hk-1, evry: 100ms, data: x}
    - {write: hk-1, every: 100, data: x}
    - {wriet: hk-1, every: 1s, data: x}
    - {write: attitude, every: 1s, data: x}
    - {write: hk-1, every: 1s, data: 0x123}
    - {raise: XM_HM_EV_PARTITION_EROR, at: 5s}
    - {echo: attitude, to: hk-1}
    - crash: 7
  camra: []
"""
    said = refused(behaviour=text)
    for place, what in (
            ("3:15", "partition 'payload' has no port 'hk-2'"), (None, 'did you mean "hk-1"?'),
            ("4:21", "unknown key 'evry'"), (None, 'did you mean "every"?'),
            ("5:28", "expected a length of time, got '100'"),
            ("6:8", "expected write, echo, raise or crash"), (None, 'did you mean "write"?'),
            ("7:15", "port 'attitude' is a destination port"),
            ("8:38", "'0x123' is no sequence of bytes"),
            ("9:15", "unknown health monitor event 'XM_HM_EV_PARTITION_EROR'"),
            ("10:14", "port 'attitude' is not a queuing port"),
            ("11:14", "expected a length of time, got '7'"),
            ("12:3", "the system has no partition 'camra'")):
        line = "behaviour.yaml:%s: error: %s" % (place, what) if place else what
        assert line in said, (line, said)


# ---- faults -------------------------------------------------------------------------------------------


def test_faults_by_count():
    text = """- {call: XM_get_time, nth: 3, result: XM_INVALID_MODE}
- {call: XM_get_partition_status, partition: linux, every: 2, result: XM_PERM_ERROR}
- {call: XM_get_vcpuid, result: XM_OP_NOT_ALLOWED}
"""
    with Sim(faults=text) as sim, sim.partition(0) as linux, sim.partition(1) as payload:
        assert [linux.ask("get_time", 0)[0] for _ in range(5)] == \
            [OK, OK, "XM_INVALID_MODE", OK, OK]
        assert [linux.ask("get_partition_status", 0)[0] for _ in range(4)] == \
            [OK, "XM_PERM_ERROR"] * 2
        assert [payload.ask("get_partition_status", 1)[0] for _ in range(4)] == [OK] * 4
        assert payload.ask("get_vcpuid")[0] == "XM_OP_NOT_ALLOWED"


def test_faults_by_probability_are_the_same_each_time():
    def results(seed):
        text = "[{call: XM_get_time, probability: 30%%, seed: %d, result: XM_INVALID_MODE}]" % seed
        with Sim(faults=text) as sim, sim.partition(0) as linux:
            return [linux.ask("get_time", 0)[0] == OK for _ in range(500)]

    first = results(1)
    assert 300 < sum(first) < 400, sum(first)
    assert results(1) == first and results(2) != first


def test_fault_delays_the_answer():
    with Sim(faults="[{call: XM_get_time, nth: 2, delay: 5ms}]") as sim, \
            sim.partition(0) as linux:
        # The call is made at once, and nobody else can call: the clock jumps.
        assert [linux.time() for _ in range(3)] == [1, 2, 5003]
        with sim.partition(1) as payload:
            assert payload.time() == 5004


def test_delayed_answer_by_the_real_clock():
    with Sim(faults="[{call: XM_get_time, nth: 1, delay: 50ms}]", clock="real") as sim, \
            sim.partition(0) as linux:
        first = linux.time()
        assert linux.time() - first >= 50000


def test_wrong_faults_are_refused_with_their_places():
    text = """- {call: XM_get_tim, result: XM_INVALID_MODE}
- {call: XM_get_time, result: XM_INVALID_MOD}
- {call: XM_get_time, result: XM_OK}
- {call: XM_get_time, result: XM_NOT_AVAILABLE}
- {call: XM_get_time, partition: linus, delay: 5ms}
- {call: XM_get_time}
- {call: XM_get_time, nth: 1, every: 2, delay: 5ms}
- {call: XM_get_time, nth: 0, delay: 5ms}
- {call: XM_get_time, probability: 101%, delay: 5ms}
- {call: XM_get_time, probability: 10, delay: 5ms}
- {result: XM_INVALID_MODE}
- {call: XM_get_time, seed: 3, delay: 5ms}
"""
    said = refused(faults=text)
    for place, what in (
            ("1:10", "unknown hypercall 'XM_get_tim'"), (None, 'did you mean "XM_get_time"?'),
            ("2:31", "'XM_INVALID_MOD' is no failure"), (None, 'did you mean "XM_INVALID_MODE"?'),
            ("3:31", "'XM_OK' is no failure"), ("4:31", "'XM_NOT_AVAILABLE' is no failure"),
            ("5:34", "the system has no partition 'linus'"), (None, 'did you mean "linux"?'),
            ("6:3", "one of 'result' and 'delay' is missing"),
            ("7:3", "only one of nth, every and probability can be"),
            ("8:28", "expected a number from 1"), ("9:36", "expected a percentage"),
            ("10:36", "expected a percentage"), ("11:3", "'call' is missing"),
            ("12:29", "a seed belongs to a probability")):
        line = "faults.yaml:%s: error: %s" % (place, what) if place else what
        assert line in said, (line, said)


# ---- recordings ---------------------------------------------------------------------------------------

EVERYTHING = "partitions: {payload: [{write: hk-1, every: 10ms, data: x}], " \
    "camera: [{echo: commands, to: telemetry}, {raise: XM_HM_EV_PARTITION_ERROR, at: 30ms}]}"
ONE_FAULT = "[{call: XM_get_time, nth: 2, result: XM_INVALID_MODE}]"


def work(sim):
    """Some of everything; what it returns is of no interest."""
    with sim.partition(0) as linux:
        linux.time()
        linux.ask("get_time", 0)
        linux.ask("get_time", 7)
        open_sampling(linux, 0, "hk-1", DESTINATION)
        open_queuing(linux, 0, "commands", SOURCE)
        open_queuing(linux, 0, "telemetry", DESTINATION)
        linux.ok("send_queuing_message", 0, COMMANDS, bytes(range(128)), 128)
        linux.begin("idle_self")
        assert linux.end()[0] == OK
        linux.ok("read_sampling_message", 0, HK_1, 64)
        linux.ok("receive_queuing_message", 0, TELEMETRY, 128)
        linux.ok("suspend_partition", 1)
        sim.advance(20000)
        linux.ok("reset_partition", 1, 1, 7)
        sim.control("event", "linux", "XM_HM_EV_FP_ERROR")
        linux.ask("hm_read", 255, 2)
        linux.ok("write_console", 0, b"hi\n", 3)
        linux.begin("reset_system", 1)
        try:
            linux.end()
            raise AssertionError("the connection is still there")
        except Disconnected:
            pass
    with sim.partition(0) as linux:
        linux.ok("get_system_status")


def recorded(folder, name):
    path = folder.file(name)
    with Watched("--record", path, behaviour=EVERYTHING, faults=ONE_FAULT) as sim:
        work(sim)
        shutil.copy(sim.config, folder.file("watched.xml"))
    with open(path) as f:
        return f.read()


def replay(path):
    config = os.path.join(os.path.dirname(path), "watched.xml")
    if not os.path.exists(config):
        config = DEMO_XML
    return subprocess.run([program("xmsim"), "--config", config, "--replay", path],
                          capture_output=True, text=True, timeout=60)


def test_recording_is_whole_and_the_same_each_time():
    with Folder() as folder:
        first = recorded(folder, "first")
        folder.file("second", "open to all, and longer\n" * 1000, 0o644)
        assert first == recorded(folder, "second")
        assert stat.S_IMODE(os.stat(folder.file("second")).st_mode) == 0o600
        lines = [json.loads(line) for line in first.splitlines()]
        assert lines[0] == {"recording": 1, "system": "demo", "partitions": 3, "profile": "3.x",
                            "quirks": "fixed"}, lines[0]
        sent = [l for l in lines if l.get("call") == "XM_send_queuing_message"]
        assert sent[0]["arguments"] == {"partitionId": 0, "port": COMMANDS, "size": 128,
                                        "buffer": bytes(range(128)).hex()}, sent[0]
        assert sent[1]["partition"] == 2 and sent[1]["arguments"]["port"] == CAMERA_TELEMETRY
        faults = [l for l in lines if "fault" in l]
        assert [l["fault"] for l in faults] == ["XM_INVALID_MODE"], faults
        gone = [l for l in lines if l.get("outcome") == "gone"]
        assert [l["call"] for l in gone] == ["XM_reset_system"], gone
        assert stat.S_IMODE(os.stat(folder.file("first")).st_mode) == 0o600


def test_replay_finds_a_recording_as_it_was():
    with Folder() as folder:
        recorded(folder, "recording")
        done = replay(folder.file("recording"))
        assert done.returncode == 0 and "calls answered as recorded" in done.stdout, done


def test_replay_of_a_recording_by_the_real_clock():
    with Folder() as folder:
        path = folder.file("recording")
        with Watched("--record", path, behaviour=EVERYTHING, clock="real") as sim, \
                sim.partition(0) as linux:
            shutil.copy(sim.config, folder.file("watched.xml"))
            open_sampling(linux, 0, "hk-1", DESTINATION)
            linux.ok("set_timer", 2, 20000, 30000)  # the watchdog
            for _ in range(3):
                linux.time()
                linux.ok("idle_self")
                linux.ok("read_sampling_message", 0, HK_1, 64)
                linux.ok("get_system_status")
        done = replay(path)
        assert done.returncode == 0, done


def tampered(folder, change):
    lines = recorded(folder, "recording").splitlines()
    changed = [change(json.loads(line)) for line in lines]
    path = folder.file("tampered", "".join(json.dumps(line) + "\n" for line in changed))
    return replay(path)


def test_replay_reports_the_first_difference():
    def change(line):
        if line.get("call") == "XM_receive_queuing_message":
            line["outputs"]["buffer"] = "ff" + line["outputs"]["buffer"][2:]
        return line

    with Folder() as folder:
        done = tampered(folder, change)
        assert done.returncode == 1, done
        assert "XM_receive_queuing_message of partition 2 at" in done.stdout, done
        assert "answers differently" in done.stdout and "recorded: reply, XM_OK" in done.stdout


def test_replay_of_other_arguments_differs():
    def change(line):
        if line.get("call") == "XM_suspend_partition":
            line["arguments"]["partitionId"] = 9
        return line

    with Folder() as folder:
        done = tampered(folder, change)
        assert done.returncode == 1 and "XM_suspend_partition of partition 0" in done.stdout, done


def test_replay_refuses_what_is_no_recording():
    head = '{"recording":1,"system":"demo","partitions":3,"profile":"3.x","quirks":"fixed"}\n'
    call = '{"time":1,"partition":%s,"call":"%s","arguments":%s,"outcome":"reply"}\n'
    with Folder() as folder:
        for text, line, why in (
                ("", 0, "the recording is empty"), ("hello\n", 1, ""),
                ("[1]\n", 1, "this is no JSON object"), ("{}\n", 1, "this is no recording"),
                (head.replace("3,", "4,"), 1, "of another system"),
                (head.replace("demo", "other"), 1, "of another system"),
                (head.replace("3.x", "prtos"), 1, "of another system"),
                (head + '{"partition":1}\n', 2, "the time is missing"),
                (head + '{"time":5}\n{"time":4}\n', 3, "goes backwards"),
                (head + call % (9, "XM_idle_self", "{}"), 2, "no call of the system"),
                (head + call % (0, "XM_no_such", "{}"), 2, "no call of the system"),
                (head + call % (0, "XM_get_time", "{}"), 2, "no call of the system"),
                (head + call % (0, "XM_get_time", '{"clock":"x"}'), 2, "no call of the system"),
                (head + call % (0, "XM_write_console",
                                '{"partitionId":0,"buffer":"616","length":1}'), 2, "no call"),
                (head + call % (0, "XM_write_console",
                                '{"partitionId":0,"buffer":"6161","length":1}'), 2, "no call")):
            done = replay(folder.file("recording", text))
            assert done.returncode == 2 and ":%d: " % line in done.stderr and why in done.stderr, \
                (text, done)
        assert replay(folder.file("missing")).returncode == 2


def test_replay_prints_nothing_that_a_terminal_would_obey():
    def change(line):
        if "outcome" in line:
            line["outcome"] = line["result"] = "\x1b[31m\u009b31m"
            line["outputs"] = {"\x1b": "\u009b"}
        return line

    with Folder() as folder:
        done = tampered(folder, change)
        assert done.returncode == 1 and "\\x1b[31m" in done.stdout, done
        assert done.stdout.replace("\n", "").isprintable(), done
        done = replay(folder.file("recording", '{"\x1b[31m": }\n'))
        assert done.returncode == 2 and done.stderr.replace("\n", "").isprintable(), done


# ---- several partitions, and the end ------------------------------------------------------------------


def test_two_partitions_exchange_messages():
    with Sim() as sim, sim.partition(0) as linux, sim.partition(2) as camera:
        open_queuing(linux, 0, "commands", SOURCE)
        open_queuing(camera, 2, "commands", DESTINATION)
        for i in range(300):
            message = b"message %d" % i
            linux.ok("send_queuing_message", 0, COMMANDS, message, len(message))
            if i % 8 == 7 or i == 299:
                for j in range(i - i % 8, i + 1):
                    got = camera.ok("receive_queuing_message", 2, CAMERA_COMMANDS, 128)
                    assert got["buffer"] == b"message %d" % j


def test_partition_reset_is_noticed_by_its_clients_alone():
    with Sim() as sim, sim.partition(0) as linux, sim.partition(1) as payload, \
            sim.partition(2) as camera:
        payload.time(), camera.time()
        linux.ok("reset_partition", 1, 0, 0)
        try:
            payload.time()
            raise AssertionError("the connection is still there")
        except Disconnected:
            pass
        camera.time()
        with sim.partition(1) as again:
            again.time()


def test_halted_system_refuses_until_xmsim_ends():
    with Sim() as sim, sim.partition(0) as linux:
        linux.begin("halt_system")
        try:
            linux.end()
            raise AssertionError("the connection is still there")
        except Disconnected:
            pass
        try:
            sim.partition(1)
            raise AssertionError("it is served")
        except Refused as refusal:
            assert refusal.errno == errno.ESHUTDOWN, refusal
        assert "system: halted" in sim.control("status")


def with_system(policy):
    return policy.replace('"@partition"]', '"@partition", "@system"]')


# Who runs these tests asks the broker how it fares.
ASKING = ONE_USER.replace('"@time"', '"@time", "@broker"')


def shown(broker):
    done = subprocess.run([program("xmbrokerctl"), "--socket", broker.socket, "status"],
                          capture_output=True, text=True, timeout=20)
    return [l for l in done.stdout.splitlines() if l.startswith("hypervisor:")]


def test_broker_says_that_the_system_is_halted():
    with Broker(with_system(ASKING), "sim:" + DEMO_XML) as broker, \
            Session(broker, ALICE) as session:
        assert session.call("halt_system") == (-6, "ECONNRESET")
        broker.wait_log("the hypervisor is halted")
        wait_for("the status", lambda: shown(broker) == ["hypervisor: halted"])
        assert session.call("get_time 0")[0] == -6


def test_broker_comes_back_with_its_xmsim():
    with Sim(clock="real") as sim:
        with Broker("system: %s\n" % DEMO_XML + ASKING, "xmsim:" + sim.socket(0)) as broker, \
                Session(broker, ALICE) as session:
            assert session.call("get_time 0") == (0, "-")
            sim.process.send_signal(signal.SIGTERM)
            sim.process.wait(20)
            wait_for("the loss", lambda: shown(broker) == ["hypervisor: lost"])
            with Sim(clock="real") as second:
                os.rmdir(sim.dir)
                os.rename(second.dir, sim.dir)
                wait_for("an answer", lambda: session.call("get_time 0") == (0, "-"))
                assert shown(broker) == ["hypervisor: connected"]
                os.rename(sim.dir, second.dir)


if __name__ == "__main__":
    sys.exit(run_all(globals()))
