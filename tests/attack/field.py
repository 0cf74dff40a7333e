# SPDX-License-Identifier: LGPL-2.1-or-later
"""The field: a broker on a simulated hypervisor, honest clients, attackers, and what is measured of
them.  A phase is run here; what happens in it is battery.py's."""

import collections
import errno
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time

from harness import (ROOT, SANITIZED, STAGE, TIMEOUT, TOP, Broker, as_user, children, process_name,
                     program, wait_for)
from honest import HONEST_ROLE, Account, Control, Honest, Key, xmaudit_verify

# Users that exist nowhere, and that no other test has.
HONEST_UIDS = (20101, 20102) if ROOT else (os.geteuid(),) * 2
PROBE_UID = 20103 if ROOT else os.geteuid()  # asks now and then, beside the honest
ATTACKER_UIDS = tuple(range(20110, 20116)) if ROOT else (os.geteuid(),) * 6
SERVER_UID = 20119
PAUSE_US = 1500
TMPFS_MIB = 192
# The bounds: section by section what is promised, and how much more this machine may take.  It has to
# be enough for two processors of which the attackers have one, and for the noise of a virtual machine.
LATENCY_FACTOR = 2.0
P50_TOLERANCE_US = 250
P99_TOLERANCE_US = 20000
# Of a processor: what other programs may use before latencies say nothing of the broker.
OTHERS_MAX = 0.2
SESSION_KIB = 4.0
RSS_GROWTH_KIB = 8192  # that may stay after all, for buffers that were once needed

# What a client may get whose broker goes away: nothing was made, or whether it was is not known.
GONE = {errno.ECONNRESET, errno.ECONNREFUSED, errno.ENOENT, errno.EPIPE, errno.EAGAIN, errno.ENODEV}
HYPERVISOR_GONE = {errno.ENODEV, errno.ECONNRESET}
# What a user may get who attacks himself.
OWN_FAULT = set() if ROOT else {errno.EAGAIN, errno.EDQUOT, errno.ECONNRESET, errno.EPIPE}

POLICY = """\
version: 1
roles:
%s  guest:
    - allow: "@time"
      audit: denied
    - allow: XM_write_console
      audit: denied
grants:
""" % HONEST_ROLE


class Violation(Exception):
    """The broker did what it must not."""


def policy_text():
    # As an ordinary user all are one, who may then do what the honest may.
    grants = [(uid, "honest") for uid in sorted({*HONEST_UIDS, PROBE_UID})]
    grants += [(uid, "guest") for uid in sorted(set(ATTACKER_UIDS))] if ROOT else []
    return POLICY + "".join('  - {to: "user:%d", roles: [%s]}\n' % grant for grant in grants)


def processors():
    """That of the broker and the honest, and that of the attackers."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, {available[-1]}


class FieldBroker(Broker):
    """With its log in a folder of its own, which can be full or gone."""

    def __init__(self):
        super().__init__(policy_text(), start=False)
        # The loader takes a blank for the end of a name, and the box lets it read this folder.
        self.programs = os.path.join(tempfile.gettempdir(), "programs")
        shutil.copytree(STAGE, self.programs)
        self.audit = self.file("disk/log/audit.jsonl")
        os.mkdir(self.file("disk"), 0o755)
        if ROOT:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=755" % TMPFS_MIB, "tmpfs",
                            self.file("disk")], check=True)
        os.mkdir(self.file("disk/log"), 0o755)
        with open(os.path.join(TOP, "tests/attack/system.xml")) as f:
            xml = self.file("system.xml", f.read())
        self.clock = self.file("clock", "\0" * 4096)
        self.command = [os.path.join(self.programs, "xmbroker"), "--policy", self.policy,
                        "--socket", self.socket, "--audit", self.audit, "--backend", "sim:" + xml,
                        "--console", self.file("console"), "--audit-rotate-size", "16",
                        "--audit-keep-size", "0", "--audit-reserve", "1"]
        self.key = Key(self)
        self.command += self.key.options
        if ROOT:
            self.command += ["--user", "%d:%d" % (SERVER_UID, SERVER_UID)]
        else:  # whose limits would be those of the honest, too
            for limit in ("connections", "calls", "audit"):
                self.command += ["--%s-per-user" % limit, "0"]

    def start(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        os.environ["XM_TEST_WALLCLOCK"] = self.clock
        if not SANITIZED:
            os.environ["LD_PRELOAD"] = os.path.join(self.programs, "tests/wallclock.so")
        try:
            super().start()
        finally:
            os.environ.pop("LD_PRELOAD", None)

    def server(self):
        return self.child("xmbroker-server")

    def move_clock(self, seconds):
        with open(self.clock, "r+b") as f:
            f.write(int(seconds).to_bytes(8, "little", signed=True))

    def __exit__(self, *exc):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.programs)
            if ROOT:
                subprocess.run(["umount", self.file("disk")], check=False)
            super().__exit__(*exc)


class Attacker:
    """A process that attacks, as a user of its own, on the attackers' processor, after all others."""

    def __init__(self, field, attack, uid, seconds):
        self.name = attack.__name__
        self.deadline = time.monotonic() + seconds + 10
        self.read_end, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.read_end)
            self._attack(field, attack, uid, seconds, write_end)
        os.close(write_end)

    @staticmethod
    def _attack(field, attack, uid, seconds, write_end):
        status = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.sched_setaffinity(0, field.attackers_processor)
            os.nice(10)
            if ROOT:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            rng = random.Random("%d %d %s" % (field.seed, uid, attack.__name__))
            tally = attack(field.broker.socket, seconds, rng)
            os.write(write_end, json.dumps(tally).encode())
            status = 0
        finally:
            os._exit(status)

    def is_done(self):
        return bool(select.select([self.read_end], [], [], 0)[0]) or time.monotonic() > self.deadline

    def finish(self):
        """What it counted; None if it did not come back."""
        ready = select.select([self.read_end], [], [], max(0, self.deadline - time.monotonic()))[0]
        data = os.read(self.read_end, 65536) if ready else b""
        os.close(self.read_end)
        if not data:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)
        return json.loads(data) if data else None


class Row:
    """What is measured of a phase."""

    def __init__(self, phase, number):
        self.phase = phase
        self.number = number
        self.notes = []
        self.rss_start = self.rss_peak = self.rss_end = 0
        self.seconds = 0.0
        self.others = 0.0  # of a processor, used by other programs


HERTZ = os.sysconf("SC_CLK_TCK")


def all_work():
    """Seconds that all processors of the machine have worked."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq = map(int, f.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / HERTZ


def work_of(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / HERTZ
    except OSError:
        return 0.0


def quantile(histogram, q):
    """Of honest.c's histogram, in microseconds; the middle of the bucket."""
    total = sum(histogram.values())
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= q * total:
            return (8.5 + index % 8) * 2 ** (index // 8) / 1000
    return 0.0


class Field:
    """All of it."""

    def __init__(self, quick, seed):
        self.quick = quick
        self.seed = seed
        self.rng = random.Random(seed)
        self.rows = []
        self.violations = []
        self.not_run = []
        self.session_kib = None
        self.broker = self.account = self.control = None
        self.clients = []
        self.broker_processor, self.attackers_processor = processors()
        self.last_record = {"time": "", "mono": 0}

    # ---- beginning and end -----------------------------------------------------------------------

    def start(self):
        os.sched_setaffinity(0, self.broker_processor)  # inherited by the broker and the honest
        self.broker = FieldBroker()
        self.broker.start()
        self.control = Control(self.broker)
        self.control.set(63)  # while they begin
        self.account = Account(self.broker.audit, self.clients, True, ROOT, self.broker.key)
        self.account.reader.each = self.record
        for i, uid in enumerate(HONEST_UIDS):
            self.clients.append(Honest(self.broker, self.control, i, uid, PAUSE_US))
        # This process must not wait for what it measures.
        os.sched_setaffinity(0, self.broker_processor | self.attackers_processor)
        time.sleep(0.3)

    def record(self, record):
        """Every record of the log, as it comes."""
        before = self.last_record
        if record["mono"] < before["mono"]:
            raise Violation("record %d is older than the one before it" % record["seq"])
        self.last_record = record
        self.account.record(record)

    def collect(self):
        """What the honest clients have counted."""
        if self.control is None:
            return
        self.control.stop()
        for client in self.clients:
            client.finish()

    def finish(self):
        if not ROOT:
            self.not_run.append("several users: needs root; attackers and honest clients were one, so "
                                "fairness was not judged")
        self.collect()
        if self.broker.stop() != 0:
            raise Violation("the broker did not end well")
        if self.account.check() != 0 or self.account.reader.torn:
            raise Violation("the log ends with a torn line, after the broker was told to stop")
        unaudited = self.account.unaudited()
        if unaudited:
            self.violations.append("%d answered calls of honest clients are not in the log" % unaudited)
        self.verify()

    def verify(self):
        """The project's own reader agrees."""
        wrong = xmaudit_verify(self.broker.audit, self.broker.key)
        if wrong:
            self.violations.append("xmaudit verify: " + wrong)

    def log(self):
        return self.broker.log() if self.broker else ""

    def close(self):
        for client in self.clients:
            client.close()
        if self.account:
            self.account.close()
        if self.broker:
            self.broker.__exit__()

    # ---- phases ----------------------------------------------------------------------------------

    def rss(self):
        pid = self.broker.server()
        try:
            with open("/proc/%d/status" % pid) as f:
                return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        except (OSError, TypeError, StopIteration):
            return 0

    def our_work(self):
        """Likewise, of what belongs to the battery, this process and attackers that have ended too."""
        supervisor = self.broker.process.pid
        pids = [client.process.pid for client in self.clients] + [supervisor] + children(supervisor)
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(map(work_of, pids)) + sum(u.ru_utime + u.ru_stime for u in usage)

    def others_work(self):
        return all_work() - self.our_work()

    def sample(self, row):
        row.rss_peak = max(row.rss_peak, self.rss())
        self.account.check()

    def run(self, phase):
        reason = phase.needs() if phase.needs else None
        if reason:
            self.not_run.append("%s: %s" % (phase.name, reason))
            return
        row = Row(phase, len(self.rows) + 1)
        self.rows.append(row)
        row.rss_start = row.rss_peak = self.rss()
        self.control.set(row.number)
        time.sleep(0.02)  # calls of the phase before are answered by now
        start, before = time.monotonic(), self.others_work()
        phase.run(self, row)
        self.recovered()
        time.sleep(0.02)
        row.seconds = time.monotonic() - start
        row.others = (self.others_work() - before) / row.seconds
        row.rss_end = self.rss()
        self.sample(row)

    def wait(self, row, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.sample(row)
            time.sleep(0.03)

    def attack(self, row, seconds, *plan):
        """Attackers, each of a user of its own; `plan` says what each of them does."""
        attacking = [Attacker(self, attack, uid, seconds) for attack, uid in zip(plan, ATTACKER_UIDS)]
        while not all(attacker.is_done() for attacker in attacking):
            self.sample(row)
            time.sleep(0.03)
        sums = collections.defaultdict(collections.Counter)
        for attacker in attacking:
            tally = attacker.finish()
            if tally is None:
                raise Violation("an attacker (%s) was held up and did not come back" % attacker.name)
            sums[attacker.name].update(tally)
        for name, tally in sums.items():
            if tally["breach"] and ROOT:
                raise Violation("%s: %d answers that a client must not get" % (name, tally["breach"]))
            row.notes.append("%s: %s" % (name, ", ".join("%d %s" % (n, what) for what, n
                                                          in sorted(tally.items()) if n)))

    def time_of(self, full, quick):
        return quick if self.quick else full

    def ask(self, uid, line="get_time 0", timeout=TIMEOUT):
        """One call in a session of its own."""
        done = subprocess.run([program("tests/call")], env=self.broker.environment(), text=True,
                              input=line + "\n", capture_output=True, timeout=timeout, cwd="/",
                              **as_user(uid))
        return done.stdout.split()[:2]

    def recovered(self):
        """New sessions of honest and of attacking users get right answers, and denials."""
        for uid in (PROBE_UID, ATTACKER_UIDS[0]):
            wait_for("a right answer for uid %d" % uid,
                     lambda u=uid: self.ask(u) == ["0", "-"])
        wait_for("a denial", lambda: self.denied(self.ask(PROBE_UID, "halt 1")))

    @staticmethod
    def denied(answer):
        if answer[:1] == ["0"]:
            raise Violation("XM_halt_partition is allowed")
        return answer == ["-4", "EPERM"]

    # ---- processes -------------------------------------------------------------------------------

    def kill(self, pid):
        name = process_name(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for("the end of %s" % name, lambda: process_name(pid) != name)

    def undertaker(self):
        server = self.broker.server()
        return next((p for p in children(server) if process_name(p) == "xmbroker-grave"), None)

    def wait_started(self, starts):
        def started():
            self.account.check()
            return self.account.reader.starts > starts
        wait_for("a server that serves", started)

    # ---- the result ------------------------------------------------------------------------------

    def measured(self, row):
        """Of all honest clients together."""
        sums = {"answered": 0, "made": 0, "wrong": 0, "interrupted": 0, "reopened": 0, "backwards": 0}
        refused, histogram, longest, first_wrong = collections.Counter(), collections.Counter(), 0, ""
        for client in self.clients:
            phase = client.phases[row.number]
            for key in sums:
                value = phase[key]
                sums[key] += sum(value.values()) if isinstance(value, dict) else value
            refused.update({int(k): n for k, n in phase["refused"].items()})
            histogram.update({int(k): n for k, n in phase["histogram"].items()})
            longest = max(longest, phase["longest"])
            first_wrong = first_wrong or phase["first_wrong"]
        return dict(sums, name=row.phase.name, seconds=row.seconds, errors=refused,
                    refused=sum(refused.values()), p50=quantile(histogram, 0.5),
                    p99=quantile(histogram, 0.99), longest=longest / 1e6, first_wrong=first_wrong,
                    rss_start=row.rss_start, rss_peak=row.rss_peak, rss_end=row.rss_end,
                    others=row.others, notes=row.notes)

    def judge(self, phase, m):
        say = lambda text: self.violations.append("%s: %s" % (phase.name, text))  # noqa: E731
        if m["wrong"]:
            say("%d wrong answers, the first: %s" % (m["wrong"], m["first_wrong"]))
        unexpected = set(m["errors"]) - phase.refusals - OWN_FAULT
        if unexpected:
            say("refused: " + ", ".join("%s %d" % (errno.errorcode.get(e, e), m["errors"][e])
                                        for e in sorted(unexpected)))
        if (m["reopened"] or m["backwards"]) and not phase.new_hypervisor:
            say("the hypervisor was started anew")
        few = m["answered"] < 20 * m["seconds"] * len(self.clients)
        if few and ROOT and not phase.refusals and m["others"] <= OTHERS_MAX:
            say("only %d calls were answered" % m["answered"])

    def judge_latency(self, quiet, phase, m):
        if not phase.measures or not ROOT:
            return
        for which, tolerance in (("p50", P50_TOLERANCE_US), ("p99", P99_TOLERANCE_US)):
            bound = LATENCY_FACTOR * quiet[which] + tolerance
            if m[which] <= bound:
                continue
            text = "%s of honest calls is %.0f us, more than %.0f" % (which, m[which], bound)
            if m["others"] > OTHERS_MAX:
                m["notes"].append("not judged, since other programs used %.0f %% of a processor: %s"
                                  % (100 * m["others"], text))
            else:
                self.violations.append("%s: %s" % (phase.name, text))

    def result(self):
        rows = []
        for row in self.rows:
            finished = self.clients and all(client.phases for client in self.clients)
            rows.append((row.phase, self.measured(row) if finished else None))
        rows = [(phase, m) for phase, m in rows if m]
        for phase, m in rows:
            self.judge(phase, m)
        summary = self.summary(rows) if rows else []
        for _, m in rows:
            m["errors"] = {errno.errorcode.get(e, e): n for e, n in m["errors"].items()}
            if m["errors"]:
                m["notes"].append("refused: " + ", ".join("%s %d" % i for i in m["errors"].items()))
        return {"phases": [m for _, m in rows], "summary": summary, "not_run": self.not_run,
                "violations": self.violations}

    def summary(self, rows):
        quiet = rows[0][1]
        for phase, m in rows:
            self.judge_latency(quiet, phase, m)
        under = [m for phase, m in rows if phase.measures]
        lines = ["honest: %d calls answered, %d wrong, %d refused; quiet p50 %.0f us, p99 %.0f us; under "
                 "attack at most p50 %.0f us, p99 %.0f us"
                 % (sum(m["answered"] for _, m in rows), sum(m["wrong"] for _, m in rows),
                    sum(m["refused"] for _, m in rows), quiet["p50"], quiet["p99"],
                    max([m["p50"] for m in under] or [0]), max([m["p99"] for m in under] or [0])),
                 "bounds: %.0f x quiet, and on this machine %d us (p50) and %d us (p99) more"
                 % (LATENCY_FACTOR, P50_TOLERANCE_US, P99_TOLERANCE_US)]
        lines.append("other programs used up to %.0f %% of a processor meanwhile"
                     % (100 * max([m["others"] for m in under] or [0])))
        lines += self.memory(rows)
        reader = self.account.reader
        lines.append("audit log: %d records, %d torn lines owned up to, %d lost and %d folded records "
                     "counted, %d answered calls found one by one, %d kinds of records"
                     % (reader.seq, reader.recovered, reader.lost, sum(reader.folded.values()),
                        self.account.checked, len(reader.types)))
        return lines

    def memory(self, rows):
        first, last = rows[0][1]["rss_start"], rows[-1][1]["rss_end"]
        lines = ["server RSS: %d KiB at first, %d at its peak, %d at the end"
                 % (first, max(m["rss_peak"] for _, m in rows), last)]
        if last > first + RSS_GROWTH_KIB:
            self.violations.append("the server has grown from %d to %d KiB" % (first, last))
        if self.session_kib is not None:
            lines.append("an idle session takes %.2f KiB in the server; the bound is %.0f"
                         % (self.session_kib, SESSION_KIB))
            if self.session_kib > SESSION_KIB and not SANITIZED:
                self.violations.append("an idle session takes %.2f KiB" % self.session_kib)
        return lines
