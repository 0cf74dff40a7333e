#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of up to 16 MiB, in both directions through the broker and on to the other partition; and
that who uses up his memory for them, or does not read them, harms nobody else."""

import errno
import os
import subprocess
import sys
import time
import traceback

from harness import (ALICE, BOB, DEMO_XML, ROOT, SANITIZED, Broker, Folder, NotRun, Session,
                     need_32bit, need_root, program, run_all, wait_for)
from policies import ONE_USER
from protocol_client import (BY_NAME, MAX_DATA, PART_DATA, NotMade, Client, ClientError, Refused, encode_call,
                             encode_part, packets)

MIB = 1 << 20
DESTINATION, SOURCE = 1, 2
OK = 0
POLICY = ONE_USER.replace("grants:", "grants:\n  - {to: \"user:%d\", roles: [all]}" % BOB) \
    if ROOT else ONE_USER
GET_TIME = BY_NAME["XM_get_time"].number


def pattern(seed, size=MAX_DATA):
    block = bytes((seed * 37 + i * i * 13) & 255 for i in range(4099))
    return (block * (size // len(block) + 1))[:size]


class System(Folder):
    """A broker on an xmsim whose channels carry 16 MiB; `folder` has the sockets of all partitions."""

    def __enter__(self):
        with open(DEMO_XML) as f:
            text = f.read()
        text = text.replace('maxMessageLength="64B"', 'maxMessageLength="%dB"' % MAX_DATA)
        text = text.replace('maxMessageLength="128B"', 'maxMessageLength="%dB"' % MAX_DATA)
        xml = self.file("large.xml", text.replace('maxNoMessages="8"', 'maxNoMessages="2"'))
        os.mkdir(self.file("sim"), 0o755)
        with open(self.file("sim.log"), "wb") as log:
            self.sim = subprocess.Popen([program("xmsim"), "--config", xml, "--dir",
                                         self.file("sim")], stdout=log, stderr=log)
        try:
            wait_for("the simulator", lambda: os.path.exists(self.socket(2)))
            os.chmod(self.file("sim"), 0o755)
            for partition in range(3):
                os.chmod(self.socket(partition), 0o666)
            self.broker = Broker("system: %s\n" % xml + POLICY, "xmsim:" + self.socket(0),
                                 args=["--connections-per-user", "0"])
        except BaseException:
            self.__exit__()
            raise
        self.server = self.broker.child("xmbroker-server")
        return self

    def __exit__(self, *exc):
        if hasattr(self, "broker"):
            self.broker.__exit__()
        self.sim.terminate()
        self.sim.wait()
        super().__exit__()

    def socket(self, partition):
        return self.file("sim/p%d.ctl" % partition)

    def memory(self):
        """KiB that the server has in memory."""
        with open("/proc/%d/status" % self.server) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def opened(path, **options):
    client = Client(path, timeout=30, **options)
    client.hello()
    return client


def become(uid):
    if ROOT:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


class Child:
    """A function that runs as a user; it goes on after say() when it is told to."""

    def __init__(self, uid, function, *args):
        self.said, say = os.pipe()
        listen, self.tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.said)
            os.close(self.tell)
            try:
                become(uid)
                function(*args, lambda: (os.write(say, b"."), os.read(listen, 1)))
                os._exit(0)
            except BaseException:
                traceback.print_exc(file=sys.stderr)
                os._exit(1)
        os.close(say)
        os.close(listen)

    def wait_said(self):
        assert os.read(self.said, 1) == b".", "the child ended"

    def finish(self):
        os.close(self.tell)
        os.close(self.said)
        assert os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]) == 0


def run_as(uid, function, *args):
    Child(uid, lambda *a: function(*a[:-1]), *args).finish()


def port(client, kind, name, direction):
    """The port, opened; 16 MiB, and two messages if it queues."""
    args = [client.welcome.partition, name]
    args += [2, MAX_DATA, direction] if kind == "queuing" else [MAX_DATA, direction, 1000000]
    code, value, _ = client.call(BY_NAME["XM_create_%s_port" % kind].number, args)
    assert code == OK, (name, code)
    return value


def put(client, operation, number, data):
    code, value, _ = client.call(BY_NAME[operation].number,
                                 [client.welcome.partition, number, data, len(data)])
    return code, value


def get(client, operation, number, size=MAX_DATA):
    code, value, outputs = client.call(BY_NAME[operation].number,
                                       [client.welcome.partition, number, size])
    return code, outputs["buffer"]


def exchange(path, far_path, kind):
    """16 MiB there and back again through the two channels of a kind."""
    with opened(path) as near, opened(far_path) as far:
        if kind == "queuing":
            ways = [("commands", near, far, "XM_send_queuing_message",
                     "XM_receive_queuing_message"),
                    ("telemetry", far, near, "XM_send_queuing_message",
                     "XM_receive_queuing_message")]
        else:
            ways = [("attitude", near, far, "XM_write_sampling_message",
                     "XM_read_sampling_message"),
                    ("hk-1", far, near, "XM_write_sampling_message",
                     "XM_read_sampling_message")]
        for seed, (name, source, destination, write, read) in enumerate(ways):
            data = pattern(seed)
            out = port(source, kind, name, SOURCE)
            into = port(destination, kind, name, DESTINATION)
            assert put(source, write, out, data)[0] == OK
            code, received = get(destination, read, into)
            assert code == OK and received == data, (name, code, received and len(received))
            assert put(source, write, out, b"short")[0] == OK
            assert get(destination, read, into) == (OK, b"short"), name
        assert near.call(GET_TIME, [0])[0] == OK


def test_queuing_messages_of_16_mib_both_ways():
    with System() as system:
        run_as(ALICE, exchange, system.broker.socket, system.socket(2), "queuing")


def test_sampling_messages_of_16_mib_both_ways():
    with System() as system:
        run_as(ALICE, exchange, system.broker.socket, system.socket(1), "sampling")


def around_a_packet(path, far_path):
    """Lengths at which an answer becomes one that is longer than a packet, or its data than plain ones."""
    with opened(path) as near, opened(far_path) as far:
        out = port(far, "sampling", "hk-1", SOURCE)
        into = port(near, "sampling", "hk-1", DESTINATION)
        for size in list(range(65530, 65545)) + list(range(66200, 66600, 7)):
            data = pattern(size, size)
            assert put(far, "XM_write_sampling_message", out, data)[0] == OK
            assert get(near, "XM_read_sampling_message", into, size) == (OK, data), size


def test_messages_about_as_long_as_a_packet():
    with System() as system:
        run_as(ALICE, around_a_packet, system.broker.socket, system.socket(1))


def test_messages_of_16_mib_without_a_broker():
    with System() as system:
        run_as(ALICE, exchange, system.socket(0), system.socket(2), "queuing")


# ---- programs with the library ----------------------------------------------------------------------

PROFILES = ("24", "26", "", "pr")
INVALID_MODE = {"24": -5, "26": -6, "": -6, "pr": -6}


def programs(suffix):
    """(profile, name) of the scripted clients that this build has."""
    names = {p: "tests/call" + ((p and p + "_") + suffix if suffix else p) for p in PROFILES}
    found = [(p, name) for p, name in names.items() if os.path.exists(program(name))]
    assert found
    return found


def open_port(session, profile, kind, name, direction):
    """The port of a program, opened; its period is that of the description in 2.x."""
    line = "create_%s %s " % (kind, name)
    if kind == "queuing":
        line += "2 %d %d" % (MAX_DATA, direction)
    else:
        line += "%d %d %d" % (MAX_DATA, direction, 1000000)
    number, error = session.call(line)
    assert number >= 0, (profile, line, number, error)
    return number


def library_exchange(system, profile, name):
    """A program and another partition send 16 MiB to each other, through queues and samples."""
    with Session(system.broker, ALICE, name) as near:
        for kind, far_partition, there, back, put_line, get_line, put_op, get_op in (
                ("queuing", 2, "commands", "telemetry", "send_large", "receive_large",
                 "XM_send_queuing_message", "XM_receive_queuing_message"),
                ("sampling", 1, "attitude", "hk-1", "write_large", "read_large",
                 "XM_write_sampling_message", "XM_read_sampling_message")):
            with opened(system.socket(far_partition)) as far:
                out = open_port(near, profile, kind, there, SOURCE)
                into = port(far, kind, there, DESTINATION)
                assert near.call("%s %d %d 5" % (put_line, out, MAX_DATA)) == (0, "-"), profile
                code, received = get(far, get_op, into)
                assert code == OK and received == pattern(5), (profile, kind, code)
                out = port(far, kind, back, SOURCE)
                into = open_port(near, profile, kind, back, DESTINATION)
                assert put(far, put_op, out, pattern(6))[0] == OK
                answer = near.answer("%s %d %d 6" % (get_line, into, MAX_DATA))
                assert answer == (MAX_DATA, "-", {"same": 1}), (profile, kind, answer)
                assert put(far, put_op, out, b"short")[0] == OK
                answer = near.answer("%s %d %d 6" % (get_line, into, MAX_DATA))
                assert answer == (5, "-", {"same": 0}), (profile, kind, answer)
        assert near.call("get_time 0") == (0, "-")


def test_the_library_exchanges_messages_of_16_mib():
    for profile, name in programs(""):
        with System() as system:
            library_exchange(system, profile, name)


def test_the_32_bit_library_exchanges_messages_of_16_mib():
    need_32bit()
    for profile, name in programs("32"):
        with System() as system:
            library_exchange(system, profile, name)


def use_up_until_told(path, say):
    clients = [unfinished(path)[0] for _ in range(2)]
    say()
    for client in clients:
        client.close()


def library_over_the_budget(system, profile, name):
    """While the user's memory is used up neither way is taken, and nothing is lost; then both are."""
    busy = (INVALID_MODE[profile], "EDQUOT")
    with Session(system.broker, ALICE, name) as near, opened(system.socket(2)) as far:
        out = open_port(near, profile, "queuing", "commands", SOURCE)
        into = open_port(near, profile, "queuing", "telemetry", DESTINATION)
        far_in = port(far, "queuing", "commands", DESTINATION)
        far_out = port(far, "queuing", "telemetry", SOURCE)
        assert put(far, "XM_send_queuing_message", far_out, pattern(8))[0] == OK
        other = Child(ALICE, use_up_until_told, system.broker.socket)
        other.wait_said()
        assert near.call("send_large %d %d 9" % (out, MAX_DATA)) == busy, profile
        got = near.call("receive_large %d %d 8" % (into, MAX_DATA))
        assert got == (INVALID_MODE[profile], "EDQUOT"), (profile, got)
        assert near.call("get_time 0") == (0, "-"), profile
        assert near.call("send %d short" % out) == (0, "-"), profile
        other.finish()
        assert get(far, "XM_receive_queuing_message", far_in) == (OK, b"short"), profile
        wait_for("room", lambda: near.call("send_large %d %d 9" % (out, MAX_DATA)) == (0, "-"))
        assert get(far, "XM_receive_queuing_message", far_in)[1] == pattern(9), profile
        answer = near.answer("receive_large %d %d 8" % (into, MAX_DATA))
        assert answer == (MAX_DATA, "-", {"same": 1}), (profile, answer)


def test_the_library_over_the_budget():
    need_root("a user other than the broker's")
    for profile, name in programs(""):
        with System() as system:
            library_over_the_budget(system, profile, name)


def test_the_32_bit_library_over_the_budget():
    need_root("a user other than the broker's")
    need_32bit()
    for profile, name in programs("32"):
        with System() as system:
            library_over_the_budget(system, profile, name)


# ---- what does not fit ------------------------------------------------------------------------------


def test_more_than_the_channel_carries_is_refused_by_the_guard():
    with Broker(POLICY) as broker:
        def ask(path):
            with opened(path) as client:
                number = client.call(BY_NAME["XM_create_sampling_port"].number,
                                     [0, "attitude", 64, SOURCE, 1000000])[1]
                code, _ = put(client, "XM_write_sampling_message", number, pattern(1, MIB))
                assert code == 5, code
                number = client.call(BY_NAME["XM_create_sampling_port"].number,
                                     [0, "hk-1", 64, DESTINATION, 1000000])[1]
                code, _ = get(client, "XM_read_sampling_message", number, MAX_DATA)
                assert code == 5, code
        run_as(ALICE, ask, broker.socket)


def test_a_batch_with_long_answers():
    def ask(path):
        with opened(path) as client:
            out = port(client, "queuing", "commands", SOURCE)
            send = BY_NAME["XM_send_queuing_message"].number
            data = pattern(3, 3 * MIB)
            results = client.batch([(send, [0, out, data, len(data)]), (GET_TIME, [0]),
                                    (send, [0, out, data, len(data)])])
            assert [code for code, _, _ in results] == [OK] * 3, results
            receive = BY_NAME["XM_receive_queuing_message"].number
            try:
                client.batch([(receive, [0, 0, MAX_DATA])] * 2)
                raise AssertionError("an answer of 32 MiB")
            except NotMade as refusal:
                assert refusal.codes == [9, 9], refusal
    with System() as system:
        run_as(ALICE, ask, system.broker.socket)


# ---- who uses up his own --------------------------------------------------------------------------


def unfinished(path, size=MAX_DATA):
    """A session in which a long message has begun."""
    client = opened(path)
    message = encode_call(BY_NAME["XM_send_queuing_message"].number, [0, 2, bytes(size), size], 1)
    client.send_raw(encode_part(message, 0))
    return client, message


def refusal(client):
    try:
        client.receive()
    except Refused as refused:
        return refused.errno
    except ClientError as error:
        return str(error)
    return None


def serve_honest(path):
    with opened(path) as client:
        begin = time.monotonic()
        assert client.call(GET_TIME, [0])[0] == OK
        out = port(client, "sampling", "attitude", SOURCE)
        assert put(client, "XM_write_sampling_message", out, pattern(5))[0] == OK
        assert client.call(GET_TIME, [0])[0] == OK
        assert time.monotonic() - begin < 15


def use_up(path, say):
    clients = [unfinished(path)[0] for _ in range(2)]
    assert clients[1].socket.fileno() >= 0
    over, _ = unfinished(path)
    assert refusal(over) == errno.EDQUOT
    say()
    for client in clients:
        assert refusal(client) == errno.ENOBUFS
    with opened(path) as client:  # short messages are served all the same, and long ones again
        assert client.call(GET_TIME, [0])[0] == OK
    serve_honest(path)


def test_the_memory_of_one_user_is_not_that_of_another():
    need_root()
    with System() as system:
        before = system.memory()
        bob = Child(BOB, use_up, system.broker.socket)
        bob.wait_said()
        run_as(ALICE, serve_honest, system.broker.socket)
        bob.finish()
        assert SANITIZED or system.memory() <= before + 2048, (before, system.memory())


def do_not_read(path, say):
    with opened(path) as client:
        out = port(client, "sampling", "attitude", SOURCE)
        assert put(client, "XM_write_sampling_message", out, pattern(6))[0] == OK
        into = port(client, "sampling", "hk-1", DESTINATION)
        read = BY_NAME["XM_read_sampling_message"].number
        client.send_call(read, [0, into, MAX_DATA])
        say()
        time.sleep(7)
        try:
            while True:
                client.receive_result()
        except ClientError:
            pass


def test_long_answers_that_are_not_read_are_given_up_and_the_memory_returns():
    need_root()
    with System() as system:
        with opened(system.socket(1)) as far:
            out = port(far, "sampling", "hk-1", SOURCE)
            assert put(far, "XM_write_sampling_message", out, pattern(7))[0] == OK
        before = system.memory()
        bob = Child(BOB, do_not_read, system.broker.socket)
        bob.wait_said()
        os.write(bob.tell, b".")
        wait_for("the answer to be kept", lambda: system.memory() > before + 8192)
        run_as(ALICE, serve_honest, system.broker.socket)
        system.broker.wait_log("replies are not read")
        bob.finish()
        wait_for("the memory to return", lambda: SANITIZED or system.memory() <= before + 2048)


def test_without_memory_for_long_messages_short_ones_are_served():
    def ask(path):
        with opened(path) as client:
            assert client.call(GET_TIME, [0])[0] == OK
            read = BY_NAME["XM_read_sampling_message"].number
            into = client.call(BY_NAME["XM_create_sampling_port"].number,
                               [0, "hk-1", 64, DESTINATION, 1000000])[1]
            client.call(read, [0, into, 64])
        client, _ = unfinished(path)
        assert refusal(client) == errno.EDQUOT
    if not ROOT:
        raise NotRun("needs root: the user that starts the broker has the broker's rights here")
    with Broker(POLICY, args=["--large-memory-per-user", "0"]) as broker:
        run_as(ALICE, ask, broker.socket)


# ---- who sends what is no message -----------------------------------------------------------------


def hostile(path):
    message = encode_call(BY_NAME["XM_send_queuing_message"].number, [0, 2, bytes(MIB), MIB], 1)
    whole = packets(message)
    raw = encode_part
    bad = [
        [whole[0], whole[2]],                                    # one left out
        [whole[0], whole[0]],                                    # one twice
        [whole[1]],                                              # not from the beginning
        [whole[0], raw(message, PART_DATA, serial=2)],               # of another message
        [whole[0], raw(message, PART_DATA, total=len(message) + 1)],
        [raw(message, 0, total=0xffffffff)],
        [raw(message, 0, total=MAX_DATA + 65537)],
        [raw(message, 0, total=66560)],
        [raw(message, 1)],
        [whole[0][:-1]],
        [whole[0], encode_call(GET_TIME, [0], 2)],
        [raw(message, at, serial=9) for at in range(0, len(message), PART_DATA)],
        [whole[0] + b"\0"],
    ]
    for number, sent in enumerate(bad):
        client = opened(path)
        try:
            for packet in sent:
                client.send_raw(packet)
        except Refused as refused:
            assert refused.errno == errno.EPROTO, (number, refused)
        else:
            assert refusal(client) == errno.EPROTO, number
        client.close()


def hostile_batches(path):
    from protocol_client import BATCH, encode_batch, encode_operation, header
    good = encode_batch([(GET_TIME, [0])] * 3, 1)
    one = encode_operation(GET_TIME, [0])
    bad = [
        header(BATCH, 1, b"\0\0"),
        header(BATCH, 1, b"\1\2" + one * 513),
        header(BATCH, 1, b"\xff\xff" + one * 512),
        header(BATCH, 1, b"\3\0" + one * 2),
        header(BATCH, 1, b"\3\0" + one * 4),
        header(BATCH, 1, b"\2\0" + one + encode_operation(512, [])),
        header(BATCH, 1, b"\2\0" + one + encode_operation(1, [])),
        header(BATCH, 1, b"\1\0" + b"\xff\xff\0"),
        header(BATCH, 1, good[16:-1]),
    ]
    for number, message in enumerate(bad):
        client = opened(path)
        client.send_raw(message)
        assert refusal(client) == errno.EPROTO, number
        client.close()
    with opened(path) as client:
        assert len(client.batch([(GET_TIME, [0])] * 512)) == 512


def test_hostile_parts_and_batches():
    with Broker(POLICY) as broker:
        server = broker.child("xmbroker-server")
        run_as(ALICE, hostile, broker.socket)
        run_as(ALICE, hostile_batches, broker.socket)
        assert broker.child("xmbroker-server") == server, broker.log()


def test_a_part_from_another_user_ends_the_session():
    need_root()
    with Broker(POLICY) as broker:
        os.setegid(ALICE)
        os.seteuid(ALICE)
        try:
            client, message = unfinished(broker.socket, MIB)
        finally:
            os.seteuid(0)
            os.setegid(0)

        def go_on():
            client.send_raw(encode_part(message, PART_DATA))
            assert refusal(client) == errno.EACCES
        run_as(BOB, go_on)
        client.close()


def endless(path, say):
    """Long messages one after the other, each a little short of whole."""
    say()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        client, message = unfinished(path, MIB)
        for packet in packets(message)[1:-1]:
            client.send_raw(packet)
        client.close()


def test_endless_parts_do_not_hold_up_others():
    need_root()
    with System() as system:
        before = system.memory()
        bob = Child(BOB, endless, system.broker.socket)
        bob.wait_said()
        os.write(bob.tell, b".")
        run_as(ALICE, serve_honest, system.broker.socket)
        bob.finish()
        wait_for("the memory to return", lambda: SANITIZED or system.memory() <= before + 2048)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
