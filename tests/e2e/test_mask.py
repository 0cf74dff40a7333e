#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's connection to the hypervisor can do no more than the policy in force can ever allow.
Here the server is "taken over" from outside: while it stands still, its descriptor is used in its
place."""

import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from harness import (ALICE, DEMO_XML, TIMEOUT, Broker, Folder, NotRun, Session, need_root, program,
                     run_all, wait_for)
from policies import only
from protocol_client import BY_NAME, CODES, HEADER, OPERATIONS, Client, encode_batch, encode_call, \
    encode_hello, header

WELCOME, RESULT, BATCH_RESULT, RESTRICT = 2, 5, 8, 9
CHANNEL_BACKEND, CHANNEL_BACKEND_LOST = 2, 18
SYS_PIDFD_GETFD = 438
OK, REFUSED = "XM_OK", "XM_PERM_ERROR"
DONE = (0, "-")  # what the scripted client says of a call without error
SOURCE, PERIOD = 2, 1000000
TIME, HALT, SUSPEND = ("XM_get_time", 0), ("XM_halt_partition", 1), ("XM_suspend_partition", 1)
TIME_ONLY = only(ALICE, ["XM_get_time"])
TIME_AND_HALT = only(ALICE, ["XM_get_time", "XM_halt_partition"])
TIME_AND_SUSPEND = only(ALICE, ["XM_get_time", "XM_suspend_partition"])


def sockets_of(pid):
    """Descriptor by inode."""
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except OSError:
            continue
        if target.startswith("socket:"):
            found[target] = int(fd)
    return found


def copy_of(pid, fd):
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    os.close(pidfd)
    if copy < 0:
        raise NotRun("needs to take a descriptor of another process: "
                     + os.strerror(ctypes.get_errno()))
    return socket.socket(fileno=copy)


class Stolen:
    """The newest connection to the hypervisor that server and supervisor both have."""

    def __init__(self, broker):
        self.server = broker.child("xmbroker-server")
        theirs, ours = sockets_of(self.server), sockets_of(broker.process.pid)
        # The number says nothing about the age; there is one unless a reload is under way.
        links = [copy_of(self.server, theirs[s]) for s in theirs if s in ours]
        links = [s for s in links if not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        assert len(links) == 1, links
        self.link = links[0]
        self.link.settimeout(10)

    def __enter__(self):
        os.kill(self.server, signal.SIGSTOP)
        wait_for("the server to stand still", self.stands_still)
        return self

    def channel(self):
        """To the supervisor."""
        with open("/proc/%d/cmdline" % self.server) as f:
            words = f.read().split("\0")
        return copy_of(self.server, int(words[words.index("--channel-fd") + 1]))

    def ask_for_connection(self):
        with self.channel() as channel:
            channel.send(struct.pack("<BBHI", CHANNEL_BACKEND_LOST, 0, 0, 0))
            kind, fds = None, []
            while kind != CHANNEL_BACKEND:
                channel.settimeout(10)
                message, fds, _, _ = socket.recv_fds(channel, 9000, 1)
                kind = message[0]
        self.next = socket.socket(fileno=fds[0])

    def take_connection(self):
        self.link = self.next
        self.link.settimeout(10)
        self.link.send(encode_hello(3, "taken over"))
        kind, _ = self.answer()
        assert kind == WELCOME, kind

    def stands_still(self):
        with open("/proc/%d/stat" % self.server) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"

    def __exit__(self, *_):
        os.kill(self.server, signal.SIGCONT)

    def answer(self):
        message = self.link.recv(70000)
        assert message, "the connection is cut"
        return message[2], message[HEADER.size:]

    def ask(self, name, *args):
        """The name of the code."""
        self.link.send(encode_call(BY_NAME[name].number, args, 7))
        kind, body = self.answer()
        assert kind == RESULT, kind
        return CODES[struct.unpack_from("<H", body)[0]]

    def ask_batch(self, *calls):
        """Whether it was made."""
        self.link.send(encode_batch([(BY_NAME[name].number, args) for name, *args in calls], 7))
        kind, body = self.answer()
        assert kind == BATCH_RESULT, kind
        return bool(body[0])

    def widen(self):
        """Tries to."""
        mask = bytearray(32)
        for number in OPERATIONS:
            if number < 256:
                mask[number // 8] |= 1 << number % 8
        self.link.send(header(RESTRICT, 0, bytes(mask)))

    def is_cut(self):
        try:
            return self.link.recv(1) == b""
        except ConnectionError:
            return True


def broker(policy):
    need_root("to stand in for another process")
    return Broker(policy, "sim:" + DEMO_XML)


def reload(b, policy, generation):
    b.reload(policy)
    b.wait_log("generation %d is in force" % generation)


def test_a_taken_over_server_can_do_what_its_policy_allows_somebody_and_no_more():
    with broker(TIME_ONLY) as b:
        with Stolen(b) as server:
            assert server.ask(*TIME) == OK
            assert server.ask(*HALT) == REFUSED
            server.widen()
            assert server.ask(*HALT) == REFUSED
            assert server.ask("XM_halt_system") == REFUSED
            assert not server.ask_batch(TIME, HALT)
            assert server.ask_batch(TIME, TIME)
        assert b.calls(ALICE, "get_time 0") == [DONE]
        b.wait_log("xmsim: a connection of partition 0 asks for XM_halt_partition")
        assert b.log().count("asks for") == 1, b.log()


class Simulator(Folder):
    """Somebody's xmsim, with a broker of this policy in partition 0."""

    def __init__(self, policy):
        super().__init__()
        self.broker = None
        with open(self.file("log"), "wb") as log:
            self.process = subprocess.Popen([program("xmsim"), "--config", DEMO_XML, "--dir",
                                             self.file("sim")], stdout=log, stderr=log)
        try:
            path = self.file("sim/p0.ctl")
            wait_for("the simulator", lambda: os.path.exists(path))
            self.broker = Broker("system: demo.xml\n" + policy, "xmsim:" + path, start=False)
            shutil.copy(DEMO_XML, self.broker.file("demo.xml"))
            self.broker.start()
        except BaseException:
            self.__exit__()
            raise

    def event(self, words):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.connect(self.file("sim/control"))
            control.send(b"event " + words.encode())
            answer = control.recv(4096)
            assert answer.startswith(b"ok"), answer

    def __exit__(self, *exc):
        if self.broker:
            self.broker.__exit__()
        self.process.terminate()
        self.process.wait()
        super().__exit__()


def test_also_over_the_socket_of_somebodys_xmsim():
    need_root("to stand in for another process")
    with Simulator(TIME_ONLY) as simulator, Stolen(simulator.broker) as server:
        assert server.ask(*TIME) == OK
        assert server.ask(*HALT) == REFUSED


def test_a_reload_that_allows_less_takes_it_from_the_connection_in_use():
    with broker(TIME_AND_SUSPEND) as b:
        stolen = Stolen(b)
        with stolen as server:
            assert server.ask(*SUSPEND) == OK
        reload(b, TIME_ONLY, 2)
        with stolen as server:
            assert server.ask(*SUSPEND) == REFUSED
            server.widen()
            assert server.ask(*SUSPEND) == REFUSED
            assert server.ask(*TIME) == OK
        assert b.calls(ALICE, "get_time 0") == [DONE]


def test_a_reload_that_allows_more_gives_a_new_connection_and_cuts_the_old_one():
    with broker(TIME_ONLY) as b:
        old = Stolen(b)
        reload(b, TIME_AND_HALT, 2)
        assert old.is_cut()
        assert b.calls(ALICE, "get_time 0", "halt 1", "get_time 0") == [DONE] * 3
        assert b.log().count("lost") == 0, b.log()


def test_the_new_connection_has_lost_what_only_the_old_policy_allowed():
    with broker(TIME_AND_SUSPEND) as b:
        reload(b, TIME_AND_HALT, 2)
        with Stolen(b) as server:
            assert server.ask(*SUSPEND) == REFUSED
            assert server.ask(*HALT) == OK


def test_a_bad_policy_changes_nothing():
    with broker(TIME_AND_SUSPEND) as b:
        stolen = Stolen(b)
        b.reload("version: 1\nroles: [")
        b.wait_log("the policy is bad")
        with stolen as server:
            assert server.ask(*SUSPEND) == OK
            assert server.ask(*HALT) == REFUSED


def test_a_server_that_does_not_take_the_new_policy_loses_what_it_does_not_allow():
    with broker(TIME_AND_SUSPEND) as b:
        with Stolen(b) as server:  # which does not run: it takes nothing
            assert server.ask(*SUSPEND) == OK
            b.reload(TIME_ONLY)
            wait_for("the connection to be narrowed", lambda: server.ask(*SUSPEND) == REFUSED)
            assert server.ask(*TIME) == OK
        b.wait_log("generation 2 is in force")
        assert b.calls(ALICE, "get_time 0") == [DONE]


def test_who_does_not_take_a_policy_and_asks_for_a_new_connection_gets_no_more_than_it_allows():
    with broker(TIME_AND_SUSPEND) as b:
        with Stolen(b) as server:
            b.reload(TIME_ONLY)
            wait_for("the connection to be narrowed", lambda: server.ask(*SUSPEND) == REFUSED)
            server.ask_for_connection()
            assert server.is_cut()
            server.take_connection()
            assert server.ask(*SUSPEND) == REFUSED
            assert server.ask(*TIME) == OK


def test_the_next_server_gets_what_the_policy_in_force_allows():
    with broker(TIME_AND_SUSPEND) as b:
        old = Stolen(b)
        reload(b, TIME_AND_HALT, 2)
        os.kill(b.child("xmbroker-server"), signal.SIGKILL)
        b.wait_log("serves again")
        assert old.is_cut()
        with Stolen(b) as server:
            assert server.ask(*SUSPEND) == REFUSED
            assert server.ask(*HALT) == OK


def test_ports_and_positions_outlive_the_change_of_connection():
    operations = ["@time", "@status", "@ports", "@hm"]
    with Simulator(only(ALICE, operations)) as simulator:
        b = simulator.broker
        for event in ("payload XM_HM_EV_PARTITION_ERROR", "camera XM_HM_EV_PARTITION_ERROR"):
            simulator.event(event)
        with Session(b, ALICE) as session:
            port = session.call("create_sampling attitude 64 %d %d" % (SOURCE, PERIOD))[0]
            assert port >= 0
            first = session.answer("hm_read")
            assert first[0] == 1, first
            b.reload("system: demo.xml\n" + only(ALICE, operations + ["@console"]))
            b.wait_log("generation 2 is in force")
            assert session.call("write_sampling %d hello" % port) == DONE
            second = session.answer("hm_read")
            assert second[0] == 1 and second[2] != first[2], (first, second)
            assert session.answer("hm_read")[0] == 0
            assert session.call("console hello")[0] == 5


def longest_wait(client, seconds, is_over=lambda: True):
    """The longest that a call took in this time, and until it is over; all succeed."""
    number, longest = BY_NAME["XM_get_time"].number, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until or not is_over():
        began = time.monotonic()
        code, _, _ = client.call(number, [0])
        longest = max(longest, time.monotonic() - began)
        assert code == 0, CODES[code]
    return longest


def calls_without_end(b, uid):
    """A process that does nothing else until it is killed, or a call fails."""
    pid = os.fork()
    if not pid:
        try:
            with Session(b, uid) as session:
                while session.call("get_time 0") == DONE:
                    pass
        finally:
            os._exit(1)
    return pid


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):  # it had ended, and been looked for
        pass


def test_no_call_fails_or_is_stuck_during_reloads():
    """While others call without end, the policy in force allows now more, now less.  How long a call
    waits is printed, and measured by `make bench`: here the machine may be busy with anything."""
    me = os.geteuid()
    wide = only(me, ["XM_get_time", "XM_halt_partition"], audit="denied")
    narrow = only(me, ["XM_get_time"], audit="denied")
    other = only(me, ["XM_get_time", "XM_suspend_partition"], audit="denied")
    with Broker(narrow, "sim:" + DEMO_XML) as b, Client(b.socket) as client:
        client.hello()
        pid = calls_without_end(b, me)
        try:
            before = [longest_wait(client, 0.5) for _ in range(4)]
            worst = []
            for generation, policy in enumerate([wide, other, narrow] * 4, 2):
                b.reload(policy)
                text = "generation %d is in force" % generation
                worst.append(longest_wait(client, 0.4, lambda: text in b.log()))
            worst.sort()
            assert os.waitpid(pid, os.WNOHANG) == (0, 0), "a call of the other client failed"
        finally:
            end(pid)
        print("# summary: %d reloads under load: 0 failed calls, longest wait %.1f ms, median %.1f; "
              "without reloads %.1f" % (len(worst), worst[-1] * 1000,
                                        worst[len(worst) // 2] * 1000, max(before) * 1000))
        assert worst[-1] < TIMEOUT, (worst, before)
        assert b.log().count("lost") == 0, b.log()


if __name__ == "__main__":
    sys.exit(run_all(globals()))
