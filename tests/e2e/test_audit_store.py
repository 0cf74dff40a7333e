#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of the audit log: rotation, retention, crashes, full disks, files taken away.  After each,
the chain is followed by a reader that shares no code with the broker."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from auditlog import Bad, Reader, blake2b
from harness import ALICE, ROOT, Broker, NotRun, Session, need_root, run_all, wait_for
from policies import ONE_USER

OK = (0, "-")
NO_LIMIT = ["--audit-per-user", "0", "--calls-per-user", "0"]
ANCHOR = re.compile(r"xmbroker-audit-anchor:1 seq=(\d+) epoch=(\d+|-) chain=([0-9a-f]{64}) time=")


def make(args=(), start=True, policy=ONE_USER):
    """A broker whose log has a folder of its own."""
    broker = Broker(policy, args=NO_LIMIT + list(args), start=False)
    os.mkdir(broker.file("audit log"), 0o755)
    broker.audit = broker.file("audit log/audit.jsonl")
    broker.command[broker.command.index("--audit") + 1] = broker.audit
    if start:
        try:
            broker.start()
        except BaseException:
            broker.__exit__()
            raise
    return broker


class Load:
    """Calls as fast as they go, until told to stop; what was answered is counted."""

    def __init__(self, broker, patient=False):
        self.broker = broker
        self.patient = patient  # goes on when the broker dies
        self.done = threading.Event()
        self.answered = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.done.is_set():
            try:
                with Session(self.broker, ALICE) as session:
                    while not self.done.is_set():
                        if session.call("get_time 0") == OK:
                            self.answered += 1
            except (AssertionError, OSError, ValueError):
                if not self.patient:
                    raise

    def __enter__(self):
        self.thread.start()
        wait_for("the load to begin", lambda: self.answered > 10)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def verify(broker, key=None):
    """Follows the chain over all files; the reader, for its counts."""
    reader = Reader(broker.audit, key)
    torn = reader.update()
    reader.close()
    assert torn == 0 and not reader.torn, (torn, reader.torn)
    return reader


def allowed(broker, op="XM_get_time"):
    return len(broker.records(type="decision", op=op, decision="allow"))


def fill(broker, bytes_):
    """Makes the log grow by about this much."""
    calls = ["get_time 0"] * (bytes_ // 600)
    assert all(a == OK for a in broker.calls(ALICE, *calls))


# ---- rotation ----------------------------------------------------------------------------------


def test_rotation_by_size_under_load():
    with make(["--audit-rotate-size", "1"]) as broker:
        with Load(broker) as load:
            for n in range(1, 4):
                while len(broker.audit_files()) <= n:
                    fill(broker, 600000)
                    time.sleep(0.1)
        broker.stop()
        reader = verify(broker)
        assert reader.types["rotate"] == reader.types["continue"] >= 3, reader.types
        assert reader.starts == 1 and reader.types["stop"] == 1, reader.types
        assert allowed(broker) >= load.answered
        assert reader.lost == 0
        assert {r["reason"] for r in broker.records(type="rotate")} == {"size"}
        numbers = [r["file"] for r in broker.records(type="continue")]
        assert numbers == list(range(2, len(numbers) + 2)), numbers


def test_rotation_on_request():
    with make() as broker:
        broker.calls(ALICE, "get_time 0")
        broker.process.send_signal(signal.SIGUSR1)
        wait_for("the second file", lambda: len(broker.audit_files()) == 2)
        wait_for("the record", lambda: broker.records(type="continue", reason="request"))
        assert broker.calls(ALICE, "get_time 0") == [OK]
        broker.stop()
        verify(broker)
        assert allowed(broker) == 2
        mode = os.stat(broker.audit).st_mode & 0o777
        assert mode == 0o640, oct(mode)


def test_rotation_by_age_and_again_after_a_restart():
    with make(["--audit-rotate-age", "1"]) as broker:
        broker.calls(ALICE, "get_time 0")
        wait_for("three files", lambda: len(broker.audit_files()) >= 3)
        broker.stop()
        broker.start()
        wait_for("another file", lambda: len(broker.audit_files()) >= 4)
        broker.stop()
        assert verify(broker).starts == 2
        assert broker.records(type="start")[1]["previous"] == "stopped"


def test_retention_is_on_record_before_files_go():
    with make(["--audit-rotate-size", "1", "--audit-keep-size", "2"]) as broker:
        while not broker.records(type="retention"):
            fill(broker, 600000)
            time.sleep(0.2)
        broker.wait_log("old files of the audit log are deleted")
        broker.stop()
        first = json.loads(broker.audit_lines()[0])["seq"]
        notes = broker.records(type="retention")
        assert notes and notes[-1]["first"] == first > 1, (notes, first)
        assert sum(os.path.getsize(f) for f in broker.audit_files()) < 5 << 20
        # What is left hangs together.
        lines = broker.audit_lines()
        for before, after in zip(lines, lines[1:]):
            chain = re.search(rb'"chain":"([0-9a-f]{64})"', before).group(1).decode()
            body, rest = after.split(b',"chain":"')
            assert blake2b(32, bytes.fromhex(chain), body).hex().encode() == rest[:64]
            assert json.loads(after)["seq"] == json.loads(before)["seq"] + 1


# ---- seals and anchors -------------------------------------------------------------------------


def make_key(broker):
    """As `xmaudit key --new` does; the verification key."""
    key = os.urandom(32)
    path = broker.file("audit.key", "xmbroker-audit-key:1 epoch=1 key=%s\n"
                       % blake2b(32, b"xmaudit epoch", key).hex(), 0o600)
    broker.command += ["--audit-key", path]
    return key, path


def test_each_segment_has_an_epoch_of_its_own():
    with make(start=False) as broker:
        key, path = make_key(broker)
        broker.start()
        broker.calls(ALICE, "get_time 0")
        broker.process.send_signal(signal.SIGUSR1)
        wait_for("the second file", lambda: broker.records(type="continue"))
        pid = broker.child("xmbroker-server")
        os.kill(pid, signal.SIGKILL)
        broker.wait_log("the server serves again")
        broker.calls(ALICE, "get_time 0")
        broker.stop()
        verify(broker, key)
        epochs = [r["epoch"] for r in broker.records() if "epoch" in r]
        assert epochs == [1, 2, 3], epochs
        with open(path) as f:
            assert " epoch=4 " in f.read()
        try:
            verify(broker, os.urandom(32))
        except Bad:
            pass
        else:
            raise AssertionError("another key verifies it too")


def test_damaged_key_is_refused_at_the_start():
    with make(start=False) as broker:
        _, path = make_key(broker)
        for text, mode in (("garbage\n", 0o600), (None, 0o644)):
            if text:
                broker.file("audit.key", text, mode)
            os.chmod(path, mode)
            done = subprocess.run(broker.command, capture_output=True, text=True, timeout=30,
                                  cwd=broker.path)
            assert done.returncode == 2 and "audit.key" in done.stderr, done
            assert not os.path.exists(broker.audit), "opened although nothing can be sealed"


def test_anchors_name_records():
    with make(["--audit-anchor", "1"]) as broker:
        broker.calls(ALICE, "get_time 0")
        broker.wait_log("xmbroker-audit-anchor:1", 3)
        broker.process.send_signal(signal.SIGUSR1)
        wait_for("the second file", lambda: len(broker.audit_files()) == 2)
        broker.stop()
        anchors = ANCHOR.findall(broker.log())
        assert len(anchors) >= 4, broker.log()
        chains = {str(r["seq"]): r["chain"] for r in broker.records()}
        for seq, epoch, chain in anchors:
            assert chains[seq] == chain and epoch == "-", (seq, epoch)
        assert int(anchors[-1][0]) == verify(broker).seq, "the last one is not the last record"


# ---- crashes -----------------------------------------------------------------------------------


def test_torn_end_is_on_record():
    with make() as broker:
        broker.calls(ALICE, "get_time 0")
        broker.stop()
        garbage = b'{"seq":99,"type":"decision","time":"20'
        with open(broker.audit, "ab") as f:
            f.write(garbage)
        broker.start()
        broker.wait_log("that are no record")
        broker.stop()
        reader = verify(broker)
        assert reader.recovered == 1
        assert broker.records(type="recovered")[0]["bytes"] == len(garbage)
        assert broker.records(type="start")[1]["previous"] == "ended"


def test_killed_servers_lose_nothing():
    with make() as broker:
        with Load(broker, patient=True) as load:
            for n in range(3):
                before = load.answered
                wait_for("calls", lambda: load.answered > before + 50)
                os.kill(broker.child("xmbroker-server"), signal.SIGKILL)
                broker.wait_log("the server serves again", n + 1)
        broker.stop()
        reader = verify(broker)
        assert reader.starts == 4, reader.types
        assert allowed(broker) >= load.answered
        assert [r["previous"] for r in broker.records(type="start")] == ["none"] + ["ended"] * 3


def test_killed_supervisors_lose_nothing():
    with make(["--audit-rotate-size", "1"]) as broker:
        with Load(broker, patient=True) as load:
            for n in range(3):
                before = load.answered
                wait_for("calls", lambda: load.answered > before + 50)
                if n == 1:  # in the middle of a rotation, if it happens to be
                    broker.process.send_signal(signal.SIGUSR1)
                broker.process.kill()
                broker.process.wait()
                # At once: the old server may still be writing.
                broker.start()
        broker.stop()
        reader = verify(broker)
        assert reader.starts == 4, reader.types
        assert allowed(broker) >= load.answered


def test_second_broker_on_the_same_log_is_refused():
    with make() as broker:
        command = list(broker.command)
        command[command.index("--socket") + 1] = broker.file("run/other")
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=broker.path)
        assert done.returncode == 1 and "another xmbroker" in done.stderr, done
        assert broker.calls(ALICE, "get_time 0") == [OK]
        broker.stop()
        assert verify(broker).starts == 1


# ---- taken away --------------------------------------------------------------------------------


def rotated_by_removal(broker, n=1):
    return len(broker.records(type="continue", reason="removed")) >= n


def test_removed_file_is_copied_back():
    with make() as broker:
        with Load(broker) as load:
            os.unlink(broker.audit)
            broker.wait_log("was removed or replaced")
            broker.wait_log("is in audit.jsonl.000001 again")
        broker.stop()
        reader = verify(broker)
        assert reader.starts == 1 and allowed(broker) >= load.answered
        assert rotated_by_removal(broker)


def test_removed_folder_is_made_again():
    with make() as broker:
        with Load(broker) as load:
            shutil.rmtree(os.path.dirname(broker.audit))
            broker.wait_log("is in audit.jsonl.000001 again")
            os.kill(broker.child("xmbroker-server"), signal.SIGKILL)
            load.patient = True
            broker.wait_log("the server serves again")
        broker.stop()
        reader = verify(broker)
        assert reader.starts == 2 and allowed(broker) >= load.answered


def test_replaced_file_is_put_aside():
    with make() as broker:
        with Load(broker) as load:
            other = broker.audit + ".tmp"
            with open(other, "w") as f:
                f.write("something else\n")
            os.rename(other, broker.audit)
            broker.wait_log("is in audit.jsonl.000001 again")
        broker.stop()
        assert verify(broker).starts == 1 and allowed(broker) >= load.answered
        with open(broker.audit + ".foreign-000001") as f:
            assert f.read() == "something else\n"


def test_log_that_cannot_be_made_again_refuses():
    with make() as broker:
        folder = os.path.dirname(broker.audit)
        assert broker.calls(ALICE, "get_time 0") == [OK]
        os.rename(folder, folder + ".away")
        with open(folder, "w"):
            pass  # in its place
        broker.wait_log("nothing can be recorded")
        wait_for("refusals", lambda: broker.calls(ALICE, "get_time 0") != [OK])
        os.unlink(folder)
        broker.wait_log("the audit log can be written again")
        assert broker.calls(ALICE, "get_time 0") == [OK]
        broker.stop()
        reader = verify(broker)
        assert reader.lost > 0, "what was refused is not counted"
        assert allowed(broker) == 2


# ---- no room -----------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(megabytes, args):
    """A broker whose log is on a disk of its own; the folder as seen from here."""
    if not shutil.which("unshare"):
        raise NotRun("needs unshare(1)")
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    if not ROOT or probe.returncode:
        raise NotRun("needs root that may mount")
    broker = make(args, start=False)
    with broker:
        folder = os.path.dirname(broker.audit)
        broker.command = ["unshare", "-m", "sh", "-c",
                          'mount -t tmpfs -o size=%dm,mode=755 none "$0" && exec "$@"' % megabytes,
                          folder] + broker.command
        broker.start()
        broker.audit = "/proc/%d/root%s" % (broker.process.pid, broker.audit)
        yield broker


def test_full_disk():
    need_root("mounting")
    with small_disk(8, ["--audit-reserve", "1"]) as broker:
        assert broker.calls(ALICE, "get_time 0") == [OK]
        filler = os.path.join(os.path.dirname(broker.audit), "filler")
        with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while f.write(bytes(65536)):
                pass
        # The reserve is the log's own: calls go on, and are on record.
        assert broker.calls(ALICE, *["get_time 0"] * 100) == [OK] * 100
        broker.wait_log("is nearly full")
        assert allowed(broker) == 101
        # When that is used up, nothing is answered that is not on record.
        answers = broker.calls(ALICE, *["get_time 0"] * 4000)
        good = answers.count(OK)
        assert good < 4000, "more than the disk holds"
        assert OK not in answers[-10:], answers[-10:]
        os.unlink(filler)
        broker.wait_log("there is disk space for the audit log again")
        assert broker.calls(ALICE, "get_time 0") == [OK]
        reader = Reader(broker.audit)
        reader.update()
        assert not reader.torn and reader.lost >= 4000 - good, (reader.lost, good)
        assert allowed(broker) >= 102 + good


def test_file_that_may_not_grow():
    limit = 400000
    with make(start=False) as broker:
        broker.command = ["prlimit", "--fsize=%d" % limit] + broker.command
        if not shutil.which("prlimit"):
            raise NotRun("needs prlimit(1)")
        broker.start()
        answers = broker.calls(ALICE, *["get_time 0"] * 1500)
        assert OK in answers and OK not in answers[-10:], answers[-10:]
        good = answers.count(OK)
        assert allowed(broker) >= good
        # What could not be recorded is not forgotten.
        broker.stop()
        del broker.command[:2]
        broker.start()
        assert broker.calls(ALICE, "get_time 0") == [OK]
        broker.stop()
        reader = verify(broker)
        assert reader.lost >= 1500 - good, (reader.lost, good)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
