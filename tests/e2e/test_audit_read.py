#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""xmaudit on the log of a running broker: what it writes is verified, also after it was killed, and while
it is rotated; what is done to it afterwards is found."""

import json
import os
import signal
import subprocess
import threading

from harness import ALICE, Broker, Session, program, run_all, wait_for
from policies import ONE_USER

OK = (0, "-")
NO_LIMIT = ["--audit-per-user", "0", "--calls-per-user", "0"]
FILTERED = ("--op", "XM_get_time", "--decision", "allow")


def xmaudit(*args, status=0, **options):
    done = subprocess.run([program("xmaudit"), *args], capture_output=True, text=True, timeout=60,
                          **options)
    assert done.returncode == status, (args, done)
    return done.stdout


def sealed(start=True):
    """A broker whose log is sealed with a key of `xmaudit key`; the file with the verification key."""
    broker = Broker(ONE_USER, args=NO_LIMIT, start=False)
    os.mkdir(broker.file("audit log"), 0o755)
    broker.audit = broker.file("audit log/audit.jsonl")
    broker.command[broker.command.index("--audit") + 1] = broker.audit
    state = broker.file("audit.key")
    printed = xmaudit("key", "--new", "--state", state)
    broker.command += ["--audit-key", state]
    broker.key = broker.file("verification.key", printed, 0o600)
    broker.state = state
    if start:
        try:
            broker.start()
        except BaseException:
            broker.__exit__()
            raise
    return broker


def verify(broker, *args, status=0):
    return json.loads(xmaudit("verify", "--json", "--key", broker.key, *args, broker.audit,
                              status=status))


def rotate(broker):
    files = len(broker.audit_files())
    broker.process.send_signal(signal.SIGUSR1)
    wait_for("another file", lambda: len(broker.audit_files()) > files)
    wait_for("its first record", lambda: os.path.getsize(broker.audit) > 0)


def test_what_the_broker_writes_is_good():
    with sealed() as broker:
        assert broker.calls(ALICE, *["get_time 0"] * 20) == [OK] * 20
        verdict = verify(broker)
        assert verdict["verdict"] == "clean" and verdict["epoch_last"] == 1, verdict
        rotate(broker)
        broker.calls(ALICE, "get_time 0", "halt_system")
        os.kill(broker.child("xmbroker-server"), signal.SIGKILL)
        broker.wait_log("the server serves again")
        broker.calls(ALICE, "get_time 0")
        anchor = xmaudit("anchor", broker.audit).strip()
        broker.stop()
        verdict = verify(broker, "--anchor", anchor)
        assert verdict["verdict"] == "clean", verdict
        assert verdict["files"] == 2 and verdict["segments"] == 3, verdict
        assert verdict["crashes"] == 1 and verdict["anchors"] == 1, verdict
        assert verdict["seals_checked"] == verdict["sealed"] == verdict["records"], verdict
        # The anchors that the supervisor wrote to its own log hold too.
        assert verify(broker, "--anchor", broker.log_path)["anchors"] > 1
        assert "epoch 4" in xmaudit("key", "--check", "--state", broker.state)


def test_what_is_done_to_it_is_found():
    with sealed() as broker:
        broker.calls(ALICE, *["get_time 0"] * 5)
        anchor = xmaudit("anchor", broker.audit).strip()
        broker.stop()
        with open(broker.audit, "rb") as f:
            good = f.read()
        lines = good.splitlines(True)

        def expect(kind, changed, *args, line=None, status=1):
            with open(broker.audit, "wb") as f:
                f.write(b"".join(changed))
            verdict = verify(broker, *args, status=status)
            assert verdict["verdict"] == kind, verdict
            assert line is None or verdict["finding"]["line"] == line, verdict

        edited = lines[4].replace(b"XM_get_time", b"XM_get_TIME").replace(b"XM_OK", b"XM_KO")
        expect("edited", lines[:4] + [edited] + lines[5:], line=5)
        expect("removed", lines[:4] + lines[6:], line=5)
        expect("reordered", lines[:4] + [lines[5], lines[4]] + lines[6:], line=5)
        expect("inserted", lines[:4] + [lines[2]] + lines[4:], line=5)
        expect("beginning removed", lines[1:])
        expect("tail removed", lines[:4], "--anchor", anchor)
        expect("torn tail", lines[:-1] + [lines[-1][:30]], line=len(lines), status=3)
        expect("clean", lines, "--anchor", anchor, status=0)


def test_it_can_be_verified_while_it_is_written_and_rotated():
    with sealed() as broker:
        done = threading.Event()

        def load():
            with Session(broker, ALICE) as session:
                while not done.is_set():
                    assert session.call("get_time 0") == OK

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for _ in range(5):
                rotate(broker)
                verdict = verify(broker)
                assert verdict["verdict"] == "clean", verdict
        finally:
            done.set()
            thread.join()
        broker.stop()
        calls = int(xmaudit("search", *FILTERED, "--count", broker.audit))
        assert calls == len(broker.records(type="decision", op="XM_get_time")) > 0
        stats = json.loads(xmaudit("stats", "--json", broker.audit))
        assert stats["operations"]["XM_get_time"]["allow"] == calls, stats
        assert stats["results"]["XM_OK"] == calls, stats


def test_tail_follows_over_rotation():
    with sealed() as broker:
        tail = subprocess.Popen([program("xmaudit"), "tail", "-f", "-n", "1000", *FILTERED,
                                 broker.audit], stdout=subprocess.PIPE, text=True)
        try:
            for n in range(1, 4):
                broker.calls(ALICE, "get_time 0")
                line = tail.stdout.readline()
                assert "XM_get_time" in line and "-> XM_OK" in line, (n, line)
                rotate(broker)
        finally:
            tail.kill()
            tail.communicate()


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
