#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arbitrary code in the server, simulated: a build of it that does one forbidden thing when a client
asks.  What it can do then is nothing; and the program that is installed does not have that at all."""

import os
import shutil
import socket
import subprocess

from harness import (ALICE, BUILD, DEMO_XML, SANITIZED, STAGE, TOP, Broker, NotRun, program, run_all,
                     wait_for)
from policies import QUIET

OK = (0, "-")
HOOKED = os.path.join(BUILD, "takeover/xmbroker-server")
WORD = b"XM-TAKEOVER "
PERM_ERROR = 4
REFUSED = 3  # the type of a message

# By what xmbroker --self-test calls them.  Each ends the process.
FATAL = (
    "open", "openat2", "statx: probe a path", "readlinkat: probe a path", "unlinkat", "execve",
    "execveat", "clone", "clone3", "socket", "connect", "bind", "listen", "sendmsg with the log",
    "shutdown of the listener", "shutdown of the listener, disguised", "ptrace",
    "process_vm_writev", "pidfd_open", "kill", "tgkill of another", "pwrite into the log",
    "ftruncate of the log", "fallocate in the log", "fcntl: take O_APPEND off the log",
    "fcntl: duplicate the log", "mmap of the log, shared", "mmap, executable",
    "mprotect, executable", "ioctl", "ioctl: derive from the device", "ioctl: narrow the device",
    "prctl: become dumpable", "setresuid", "chroot", "io_uring_setup", "bpf", "mount",
)
# Of a sanitized build the run-time library tries them as well: they fail.
FAILING = ("open", "readlinkat: probe a path", "ioctl", "ioctl: derive from the device",
           "ioctl: narrow the device", "prctl: become dumpable")
NOT_IN_SANITIZED = ("mmap of the log, shared",)


class Taken(Broker):
    """A broker whose server has the hook."""

    def __init__(self, backend="loopback"):
        if not os.path.exists(HOOKED):
            raise NotRun("needs the build with the hook: make check-e2e")
        super().__init__(QUIET, backend, start=False)
        folder = self.file("bin")
        os.mkdir(folder)
        for name in ("xmbroker", "xmbroker-compiler", "xmsim"):
            shutil.copy2(os.path.join(STAGE, name), folder)
        shutil.copy2(HOOKED, folder)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        self.command[0] = os.path.join(folder, "xmbroker")
        self.start()

    def do(self, attempt):
        """What the server answers; None if that was its end."""
        answer = attack(self.socket, attempt)
        return answer.decode() if answer is not None else None


def attack(path, attempt):
    """The answer of a server to the message of the hook; None: it ended the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(20)
        client.connect(path)
        client.send(WORD + attempt.encode())
        try:
            answer = client.recv(65536)
        except ConnectionResetError:
            return None
    return answer or None


def test_every_attempt_is_the_end_of_the_server_and_is_reported():
    taken = None
    try:
        for attempt in FATAL:
            if SANITIZED and attempt in NOT_IN_SANITIZED:
                continue
            if taken is None:
                taken = Taken()
            before = os.path.getsize(taken.audit)
            answer = taken.do(attempt)
            if SANITIZED and attempt in FAILING:
                assert answer == "errno 13", (attempt, answer)
                continue
            assert answer is None, (attempt, answer)
            taken.wait_log("the server was killed by signal 31 (SIGSYS)")
            # What was in the log still is.
            assert os.path.getsize(taken.audit) >= before, attempt
            taken.wait_log("the server serves again")
            assert taken.calls(ALICE, "get_time 0") == [OK], attempt
            # A new one each time: the pause between starts would grow.
            taken.__exit__()
            taken = None
    finally:
        if taken is not None:
            taken.__exit__()


def test_the_log_is_whole_after_attempts_at_it():
    with Taken() as broker:
        assert broker.calls(ALICE, "get_time 0") == [OK]
        with open(broker.audit, "rb") as f:
            before = f.read()
        for n, attempt in enumerate(("ftruncate of the log", "pwrite into the log",
                                     "fallocate in the log"), 1):
            assert broker.do(attempt) is None, attempt
            broker.wait_log("the server serves again", n)
        with open(broker.audit, "rb") as f:
            assert f.read()[:len(before)] == before


def test_no_call_beyond_the_policy_reaches_the_hypervisor():
    """Past the gate, straight on the connection: the simulator refuses what the policy never allows."""
    for attempt in ("call", "widen", "batch"):
        with Taken("sim:" + DEMO_XML) as broker:
            sim = broker.child("xmsim")
            answer = broker.do(attempt)
            assert answer and answer.startswith("code %d" % PERM_ERROR), (attempt, answer)
            assert broker.child("xmsim") == sim
            wait_for("an answer", lambda: broker.calls(ALICE, "get_time 0") == [OK])


def test_the_shipped_server_has_no_such_message():
    with Broker(QUIET) as broker:
        old = broker.child("xmbroker-server")
        answer = attack(broker.socket, "open")
        # The session is refused, as after any other packet that is no message.
        assert answer is not None and answer[2] == REFUSED, answer
        broker.wait_log("malformed")
        assert broker.calls(ALICE, "get_time 0") == [OK]
        assert broker.child("xmbroker-server") == old
        assert "was killed" not in broker.log(), broker.log()


def test_the_shipped_programs_have_no_such_code():
    for name in ("xmbroker-server", "xmbroker", "xmsim", "xmbroker-compiler"):
        with open(program(name), "rb") as f:
            content = f.read()
        assert b"XM-TAKEOVER" not in content, name
        assert b"takeover" not in content, name
    if not os.path.exists(HOOKED):
        raise NotRun("needs the build with the hook: make check-e2e")
    with open(HOOKED, "rb") as f:  # and this is how one would be found
        assert b"XM-TAKEOVER" in f.read()


def test_make_does_not_install_it():
    build = os.path.relpath(BUILD, TOP)  # make does not take a name with a blank
    done = subprocess.run(["make", "-n", "-C", TOP, "B=" + build, "install", "DESTDIR=/nowhere"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "takeover" not in done.stdout.replace(build, "")


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
