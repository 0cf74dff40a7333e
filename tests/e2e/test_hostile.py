#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hostile client costs only itself: it is dropped, alone, with a log line, and the server neither
grows nor stops answering others."""

import array
import os
import random
import select
import socket
import struct
import subprocess
import time

from harness import (ALICE, BOB, PYTHON, ROOT, SANITIZED, Broker, Session, as_user, need_root,
                     program, run_all, wait_for)
from policies import QUIET, TWO_USERS
from protocol_client import Client

OK = (0, "-")
HELLO = bytes.fromhex("586d01001e0000000000000000000000010001000305007072 6f62650000")
GET_TIME = bytes.fromhex("586d04001d0000000700000000000000020002000000000000000000 00")


def connect(broker):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(broker.socket)
    return s


def opened(broker):
    s = connect(broker)
    s.send(HELLO)
    assert s.recv(70000)[2] == 2
    return s


def is_dropped(s, timeout=20):
    """Whether the server ends the connection (after at most one REFUSED)."""
    s.settimeout(timeout)
    try:
        while True:
            data = s.recv(70000)
            if not data:
                return True
            if data[2] != 3:
                return False
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def private_memory(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_Dirty"))


def dropped_alone(broker, message, after_hello=False):
    """Sends one bad message; checks that this session ends, is logged, and another one does not."""
    lines = broker.log().count("\n")
    with Session(broker, ALICE) as honest:
        assert honest.call("get_time 0") == OK
        s = opened(broker) if after_hello else connect(broker)
        s.send(message)
        assert is_dropped(s), message[:40]
        s.close()
        wait_for("a log line", lambda: broker.log().count("\n") > lines)
        assert honest.call("get_time 0") == OK


def test_random_bytes():
    generator = random.Random(1)
    with Broker(QUIET) as broker:
        for after_hello in (False, True):
            for size in (1, 15, 16, 17, 100, 4096, 60000):
                dropped_alone(broker, generator.randbytes(size), after_hello)


def test_half_a_message():
    with Broker(QUIET) as broker:
        dropped_alone(broker, HELLO[:20])
        dropped_alone(broker, GET_TIME[:20], True)


def test_huge_length_and_oversized_packet():
    with Broker(QUIET) as broker:
        dropped_alone(broker, HELLO[:4] + struct.pack("<I", 0xffffffff) + HELLO[8:])
        dropped_alone(broker, GET_TIME[:4] + struct.pack("<I", 0x7fffffff) + GET_TIME[8:], True)
        dropped_alone(broker, HELLO + bytes(100000))


def test_call_before_hello_and_hello_twice():
    with Broker(QUIET) as broker:
        dropped_alone(broker, GET_TIME)
        dropped_alone(broker, HELLO, True)


def test_no_common_version():
    with Broker(QUIET) as broker:
        s = connect(broker)
        s.send(HELLO[:16] + struct.pack("<HH", 7, 9) + HELLO[20:])
        answer = s.recv(70000)
        assert answer[2] == 3 and struct.unpack_from("<H", answer, 16)[0] == 93, answer
        s.close()


def test_unexpected_descriptors():
    with Broker(QUIET) as broker:
        server = broker.child("xmbroker-server")
        count = (lambda: len(os.listdir("/proc/%d/fd" % server))) if ROOT else (lambda: 0)
        before = count()
        for _ in range(50):
            s = opened(broker)
            fds = array.array("i", [0, 1, 2] * 20)
            try:
                s.sendmsg([GET_TIME], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                assert is_dropped(s)
            except PermissionError:  # the kernel has SO_PASSRIGHTS, and refuses for us
                pass
            s.close()
        wait_for("descriptors to be closed", lambda: count() <= before)


def lingering():
    """A TCP connection whose last close() waits for a minute, and what keeps it so."""
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs = listener.accept()[0]
    ours.setblocking(False)
    try:
        while True:
            ours.send(bytes(65536))
    except BlockingIOError:
        pass
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    return ours, theirs, listener


def test_a_descriptor_that_lingers_does_not_hold_up_the_server():
    with Broker(QUIET) as broker, Session(broker, ALICE) as honest:
        ours, theirs, listener = lingering()
        s = connect(broker)
        try:
            s.sendmsg([HELLO], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                 array.array("i", [ours.fileno()]))])
            os.close(ours.detach())  # now the message holds the last reference
        except PermissionError:
            pass
        begin = time.monotonic()
        assert honest.call("get_time 0") == OK
        taken = time.monotonic() - begin
        theirs.close()  # ends the wait
        listener.close()
        assert taken < 10, taken


def test_descriptor_passed_to_another_user():
    need_root()
    with Broker(TWO_USERS) as broker:
        # alice opens the session and hands it to bob, who may not suspend.
        script = ("import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
                  "s.connect(sys.argv[1]); s.send(bytes.fromhex(sys.argv[2])); s.recv(70000);"
                  "t=socket.socket(fileno=int(sys.argv[3])); socket.send_fds(t,[b'x'],[s.fileno()])")
        mine, theirs = socket.socketpair()
        done = subprocess.run([PYTHON, "-I", "-c", script, broker.socket, HELLO.hex(),
                               str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd="/",
                              **as_user(ALICE))
        assert done.returncode == 0
        _, fds, _, _ = socket.recv_fds(mine, 1, 1)
        os.set_inheritable(fds[0], True)
        sender = ("import socket,sys; s=socket.socket(fileno=int(sys.argv[1]));"
                  "s.send(bytes.fromhex(sys.argv[2]))")
        for uid, dropped in ((ALICE, False), (BOB, True)):
            subprocess.run([PYTHON, "-I", "-c", sender, str(fds[0]), GET_TIME.hex()],
                           pass_fds=[fds[0]], cwd="/", check=True, **as_user(uid))
            s = socket.socket(fileno=os.dup(fds[0]))
            assert is_dropped(s, 5) == dropped, uid
            s.close()
        os.close(fds[0])
        mine.close()
        theirs.close()
        assert "another" in broker.log(), broker.log()


def test_silence_for_ever_is_dropped():
    with Broker(QUIET) as broker:
        s = connect(broker)
        start = time.monotonic()
        assert is_dropped(s)
        assert 3 < time.monotonic() - start < 15
        s.close()


def test_unread_replies_are_given_up_and_others_served():
    with Broker(QUIET) as broker, Session(broker, ALICE) as honest:
        s = opened(broker)
        s.setblocking(False)
        sent = 0
        end = time.monotonic() + 15
        gone = False
        while time.monotonic() < end and not gone:
            try:
                s.send(GET_TIME)
                sent += 1
            except BlockingIOError:
                select.select([], [s], [], 0.05)
            except OSError:
                gone = True
            if sent % 200 == 0:
                assert honest.call("get_time 0") == OK
        assert gone, "still served after %d unread replies" % sent
        assert honest.call("get_time 0") == OK
        s.close()


def test_memory_does_not_grow():
    generator = random.Random(2)
    with Broker(QUIET) as broker, Session(broker, ALICE) as honest:
        server = broker.child("xmbroker-server")

        def abuse(rounds):
            for _ in range(rounds):
                s = opened(broker)
                s.send(GET_TIME[:17] + generator.randbytes(generator.randrange(2000)))
                is_dropped(s)
                s.close()
            assert honest.call("get_time 0") == OK

        if not ROOT:
            abuse(200)
            return  # the memory of a process that cannot be dumped is root's to read
        abuse(300)
        before = private_memory(server)
        abuse(1500)
        # A sanitizer keeps what was freed for a while.
        limit = before + (16384 if SANITIZED else 64)
        assert private_memory(server) <= limit, (before, private_memory(server))


def test_many_connections_of_one_user_do_not_lock_out_another():
    need_root()
    with Broker(TWO_USERS, args=["--max-sessions-per-user", "50"]) as broker:
        script = ("import socket,sys,time\nl=[]\n"
                  "for i in range(200):\n"
                  " s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])\n"
                  " l.append(s)\n"
                  " try: s.send(bytes.fromhex(sys.argv[2]))\n"
                  " except OSError: pass\n"
                  "print('full', flush=True); sys.stdin.read()")
        flood = subprocess.Popen([PYTHON, "-I", "-c", script, broker.socket, HELLO.hex()],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                                 **as_user(BOB))
        assert flood.stdout.readline().strip() == b"full"
        assert broker.calls(ALICE, "get_time 0") == [OK]
        assert broker.calls(0, "get_time 0") == [(-4, "EPERM")]
        flood.communicate()
        wait_for("room again", lambda: broker.run(BOB, ["true"]).returncode == 0)
        assert broker.calls(BOB, "get_time 0") == [OK]


def test_control_characters_never_reach_a_terminal():
    with Broker(TWO_USERS) as broker:
        client = Client(broker.socket, comm="\x1b[2J\x07evil")
        client.hello()
        client.call(38, [b"\x1b]0;owned\x07", 0])
        client.call(4, [1])
        broker.stop()
        for path in (broker.audit, broker.log_path):
            with open(path, "rb") as f:
                data = f.read()
            assert not any(c < 32 and c != 10 or c == 127 for c in data), path
        for command in ("tail", "search"):
            done = subprocess.run([program("xmaudit"), command, broker.audit], capture_output=True)
            assert done.returncode == 0, done
            assert b"XM_halt_partition" in done.stdout, done
            assert not any(c < 32 and c != 10 or c == 127 for c in done.stdout), done.stdout


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
