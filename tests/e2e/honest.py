# SPDX-License-Identifier: LGPL-2.1-or-later
"""Honest clients, tests/attack/honest.c, and the account of what they saw: each call whose answer one
of them saw has to be found in the audit log, once."""

import collections
import json
import mmap
import struct
import subprocess

import auditlog
from harness import as_user, program

STOP = 0xffffffff
TIMER_BASE = 10**18  # of the times that honest.c sets timers to

# What honest clients may do; the system is tests/attack/system.xml.
HONEST_ROLE = """\
  honest:
    - allow: ["@time", "@ports"]
      audit: always
    - allow: XM_set_timer
      where: {clock: XM_HW_CLOCK}
      audit: always
"""


class Key:
    """A new key of an audit log: the verification key as xmaudit shows it, once."""

    def __init__(self, folder):
        self.state = folder.file("audit.key")
        done = subprocess.run([program("xmaudit"), "key", "--new", "--state", self.state],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        self.text = done.stdout.split()[0]
        self.bytes = bytes.fromhex(self.text.replace("-", ""))
        self.options = ["--audit-key", self.state]


def xmaudit_verify(path, key=None):
    """None, or what the project's own reader finds wrong."""
    command = [program("xmaudit"), "verify"] + (["--key", "-"] if key else []) + [path]
    done = subprocess.run(command, input=key.text + "\n" if key else "", capture_output=True,
                          text=True, timeout=120, check=False)
    return None if done.returncode == 0 else done.stdout + done.stderr


class Control:
    """The phase that honest clients count for, in a file that they all look at."""

    def __init__(self, folder):
        self.path = folder.file("control", "")
        with open(self.path, "r+b") as f:
            f.truncate(4096)
            self.page = mmap.mmap(f.fileno(), 4096)

    def set(self, phase):
        self.page[:4] = struct.pack("=I", phase)

    def stop(self):
        self.set(STOP)


class Honest:
    """A client that notes each call that can be found in the log, before it and after its answer."""

    def __init__(self, broker, control, number, uid, pause_us, **options):
        self.uid = uid
        self.notes_path = broker.file("notes-%d" % number, "", 0o666)
        self.notes = open(self.notes_path, "rb")
        self.rest = b""
        self.made = {}  # number of a call to its kind: A is allowed, D is denied
        self.answered = set()
        self.phases = []
        self.process = subprocess.Popen(
            [program("tests/honest"), control.path, self.notes_path, str(number), str(pause_us)],
            env=broker.environment(), stdout=subprocess.PIPE, cwd="/", **as_user(uid), **options)

    def update(self):
        """The numbers of the calls that were answered since the last time."""
        lines = (self.rest + self.notes.read()).split(b"\n")
        self.rest = lines.pop()
        fresh = []
        for line in lines:
            kind, number = line.split()
            if kind == b"+":
                fresh.append(int(number))
            else:
                self.made[int(number)] = kind.decode()
        self.answered.update(fresh)
        return fresh

    def finish(self):
        """What it counted, by phase; the control must have been stopped."""
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.process.returncode
        self.phases = [json.loads(line) for line in out.splitlines()]
        self.update()

    def total(self, what, op):
        return sum(phase[what][op] for phase in self.phases)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.notes.close()


class Account:
    """The audit log of a broker, and what its honest clients say of it."""

    def __init__(self, path, clients, folds, alone=True, key=None):
        self.clients = clients
        self.alone = alone  # nobody else calls as one of their users
        self.folds = folds  # denials may be counted instead of recorded
        self.found = collections.Counter()  # decisions, by the number of the call
        self.results = set()
        self.ids = {}  # of this process, to the number of the call
        self.counts = collections.Counter()  # decisions, by pid and operation
        self.checked = 0
        self.disk_is_full = False
        self.without_result = set()  # calls whose result could not be written, which is counted as lost
        self.reader = auditlog.Reader(path, key.bytes if key else None, self.record)

    def record(self, record):
        kind = record["type"]
        if kind == "start":
            self.ids = {}
        elif kind == "decision":
            self._decision(record)
        elif kind == "result" and record["id"] in self.ids:
            self.results.add(self.ids[record["id"]])

    def _decision(self, record):
        self.counts[record["pid"], record["op"]] += 1
        if record["pid"] not in {client.process.pid for client in self.clients}:
            return
        if record["op"] == "XM_set_timer":
            number = record["args"]["absTime"] - TIMER_BASE
        elif record["op"] == "XM_suspend_partition":
            number = record["args"]["partitionId"]
        else:
            return
        self.ids[record["id"]] = number
        self.found[number] += 1
        if self.found[number] > 1:
            raise auditlog.Bad("call %d was decided twice" % number)

    def check(self):
        """Whatever a client saw answered before now is in the log now.  Bytes of a torn tail."""
        fresh = [(c, n) for c in self.clients for n in c.update()]
        torn = self.reader.update()
        for client, number in fresh:
            denied = client.made[number] == "D"
            if denied and self.folds:
                continue  # may have been counted; the sum is checked at the end
            if not self.found[number]:
                raise auditlog.Bad("the decision on call %d is missing" % number)
            if not denied and number not in self.results:
                if not self.disk_is_full:
                    raise auditlog.Bad("the result of call %d is missing" % number)
                self.without_result.add(number)
        self.checked += len(fresh)
        return torn

    def unaudited(self):
        """Of the answered calls of finished clients, how many neither have a record nor were counted
        as folded or lost.  More that were counted than were made are wrong as well."""
        uids = {client.uid for client in self.clients}
        return max(0, len(self.without_result - self.results) - self.reader.lost) \
            + sum(self._unaudited_denials(uid) for uid in uids) \
            + sum(self._unaudited_calls(client) for client in self.clients)

    def _unaudited_denials(self, uid):
        clients = [client for client in self.clients if client.uid == uid]
        denied = [n for c in clients for n, kind in c.made.items() if kind == "D"]
        answered = {n for c in clients for n in c.answered if c.made[n] == "D"}
        missing = sum(not self.found[n] for n in answered)
        unrecorded = sum(not self.found[n] for n in denied)
        folded = self.reader.folded[uid]
        if folded > unrecorded and self.alone:
            raise auditlog.Bad("%d denials of uid %d are folded, %d were made and have no record"
                               % (folded, uid, unrecorded))
        return max(0, missing - folded - self.reader.folded["*"] - self.reader.lost)

    def _unaudited_calls(self, client):
        missing = 0
        for op in client.phases[0]["made"]:
            if op == "XM_suspend_partition":
                continue
            logged = self.counts[client.process.pid, op]
            if logged > client.total("made", op):
                raise auditlog.Bad("%s of pid %d is in the log %d times, and was made %d times"
                                   % (op, client.process.pid, logged, client.total("made", op)))
            missing += max(0, client.total("answered", op) - logged)
        return missing

    def close(self):
        self.reader.close()
