#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes every system call and allocation of supervisor, server and compiler fail, one at a time.

One scenario is run undisturbed first, with libfault.so counting the calls by place.  Then it is run once
for each place and error.  Whatever fails, every answer that a client gets has to be right or one of the
documented errors, what is forwarded has to be in the audit log, and at the end the broker either serves,
or has ended with a message and an exit status; nothing may crash, hang, leak descriptors or stay behind.

    driver.py [--all] [--program NAME] [--site TEXT] [--jobs N] [--list]

Without --all each place fails once with its main error; with it with every error, at its first, second
and some later call, and for good.
"""

import argparse
import array
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from auditlog import Bad, Reader, blake2b
from faultlib import (errors_of, how_text, new_book, name_of_function, place_of, read_book, site_text)
from harness import (ALICE, BUILD, DEMO_XML, ROOT, SERVER, STAGE, Folder, program, process_name)
from protocol_client import (BY_NAME, CODES, MAX_BATCH, Client, ClientError, NotMade, ProtocolError, Timeout)

# It lies where the programs do: the confined supervisor, and so what it starts, can read only a few
# folders.  Blanks part the names in LD_PRELOAD, but the loader puts the folder in later.
LIBRARY = os.path.join(STAGE, "libfault.so")
PRELOAD = "$ORIGIN/libfault.so"
OURS = {"xmbroker": "supervisor", "xmbroker-server": "server", "xmbroker-compiler": "compiler"}
# The C library's own calls are made to fail where it is called, and so is what it loads for looking up
# names: how these take it is not for us to say (they abort, for one).
FOREIGN = re.compile(r"libc\.|ld-linux|libnss|libpthread|later$|libfault")
# Descriptors that a library opens in place of what failed.
SPARE = {"libsodium.so.23": 1}  # /dev/urandom
# These never fail for good, or nothing could be right then.
NOT_FOR_GOOD = {
    "epoll_wait": "an interruption is not for ever", "getrandom": "likewise", "poll": "likewise",
    "waitpid": "likewise",
    "clock_gettime": "a clock that was set stays so: nothing to repeat", "time": "likewise",
    "accept4": "clients wait in the queue until there are descriptors again, as they should",
}
# Errors that say that the other end is gone, where it is not: what then has to come, its end, never does.
GONE = {"EPIPE", "ECONNRESET"}
READY_SECONDS, END_SECONDS, WORKS_SECONDS = 20, 10, 12
LARGE = 70000  # more than a packet
SOURCE = 2  # direction of a port

POLICY = """\
version: 1
system: %s
roles:
  some:
    - allow: [XM_get_time, "@status"]
      audit: denied
    - allow: [XM_write_console, XM_suspend_partition, XM_resume_partition, "@ports"]
      audit: always
    - allow: "@broker"
      audit: always
    - deny: XM_halt_partition
      because: nobody halts
grants:
  - {to: "user:%d", roles: [some]}
"""
MORE = """\
version: 1
roles:
  other:
    - allow: XM_get_time
grants:
  - {to: "user:%d", roles: [other]}
""" % (ALICE + 7)
AUDITED = ("XM_write_console", "XM_suspend_partition", "XM_resume_partition")
# What the broker may answer in place of what it would have: the hypervisor is not there, the call
# cannot be recorded, there is no memory for the answer.
EXCUSES = ("XM_PERM_ERROR", "XM_INVALID_MODE", "XM_NOT_AVAILABLE", "XM_OP_NOT_ALLOWED")


class Wrong(Exception):
    """What must not happen."""


# ---- clients, each in a process of its own ------------------------------------------------------------


def as_client(function, *args):
    """Runs it as the user of the policy; what it returns."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        try:
            if ROOT:
                os.setgroups([])
                os.setresgid(ALICE, ALICE, ALICE)
                os.setresuid(ALICE, ALICE, ALICE)
            result = [True, function(*args)]
        except Wrong as wrong:
            result = [False, str(wrong)]
        except BaseException:
            result = [False, traceback.format_exc()]
        with open(write, "w") as f:
            json.dump(result, f)
        os._exit(0)
    os.close(write)
    with open(read) as f:
        text = f.read()
    os.waitpid(pid, 0)
    fine, value = json.loads(text)
    if not fine:
        raise Wrong(value)
    return value


def check(what, code, expected):
    """A code is the expected one, or an excuse; an excuse for what is refused anyway is as good."""
    code = CODES[code]
    if code != expected and code not in EXCUSES:
        raise Wrong("%s: %s, not %s" % (what, code, expected))
    return code == expected


def one_call(client, what, expected, *args):
    code, _, outputs = client.call(BY_NAME[what].number, list(args))
    right = check(what, code, expected)
    if right and what == "XM_get_time" and expected == "XM_OK" and outputs["time"] < 0:
        raise Wrong("XM_get_time: %r" % outputs)
    return right


def batch(client, denied):
    time_nr, console = BY_NAME["XM_get_time"].number, BY_NAME["XM_write_console"].number
    calls = [(time_nr, [0]), (console, [0, b"b", 1]), (time_nr, [1])]
    if denied:
        calls.append((BY_NAME["XM_halt_partition"].number, [1]))
    try:
        results = client.batch(calls)
    except NotMade as not_made:
        if denied and CODES[not_made.codes[3]] not in ("XM_PERM_ERROR",) + EXCUSES:
            raise Wrong("batch: %s" % not_made)
        return denied
    if denied:
        raise Wrong("a batch with a denied call was made")
    return all([check("batch", code, "XM_OK") for code, _, _ in results])


def large(client):
    """A long message, and a long answer."""
    if not one_call(client, "XM_create_sampling_port", "XM_OK", 0, "attitude", LARGE, SOURCE, 1000000):
        return False
    if not one_call(client, "XM_write_sampling_message", "XM_OK", 0, 0, b"x" * LARGE, LARGE):
        return False
    try:
        results = client.batch([(BY_NAME["XM_get_PCT"].number, [0])] * MAX_BATCH)
    except NotMade:
        return False
    return all([check("large batch", code, "XM_OK") for code, _, _ in results])


STEPS = (
    ("allowed", lambda c: one_call(c, "XM_get_time", "XM_OK", 0)),
    ("audited", lambda c: one_call(c, "XM_write_console", "XM_OK", 0, b"a\n", 2)),
    ("denied", lambda c: one_call(c, "XM_halt_system", "XM_PERM_ERROR")),
    ("denied by a rule", lambda c: one_call(c, "XM_halt_partition", "XM_PERM_ERROR", 1)),
    ("guarded", lambda c: one_call(c, "XM_get_time", "XM_INVALID_PARAM", 99)),
    ("suspend", lambda c: one_call(c, "XM_suspend_partition", "XM_OK", 1)),
    ("resume", lambda c: one_call(c, "XM_resume_partition", "XM_OK", 1)),
    ("batch", lambda c: batch(c, False)),
    ("batch with a denied call", lambda c: batch(c, True)),
    ("large", large),
    ("status", lambda c: one_call(c, "XM_get_system_status", "XM_OK")),
)


def all_steps(path, steps=STEPS):
    """Makes every step, in a new session where the last one was ended; the steps that went well."""
    client, well = None, []
    for name, step in steps:
        try:
            if not client:
                client = Client(path, timeout=END_SECONDS)
                client.hello()
            if step(client):
                well.append(name)
        except (Timeout, ProtocolError) as error:
            raise Wrong("%s: %s: %s" % (name, type(error).__name__, error))
        except (ClientError, OSError):
            if client:
                client.close()
            client = None
    if client:
        client.close()
    return well


def hostile(path):
    """Nonsense, and a descriptor: the session ends, or is refused."""
    for payload, fds in ((b"garbage", []), (b"x" * 20, [0])):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(END_SECONDS)
            try:
                s.connect(path)
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
                s.sendmsg([payload], rights if fds else [])
                while s.recv(4096):
                    pass
            except TimeoutError:
                raise Wrong("who sends nonsense keeps the session")
            except OSError:
                pass
    return True


def control(path):
    """Status, sessions, metrics if there are any, a reload of what is there, and a kick of all."""
    steps = [(name, lambda c, n=name, a=args: one_call(c, n, "XM_OK", *a))
             for name, args in (("broker_status", []), ("broker_sessions", [0]),
                                ("broker_reload", [0, 0]), ("broker_kick", [ALICE if ROOT else os.getuid()]))]
    return all_steps(path, steps)


def works(path):
    """An honest call, in the end."""
    end = time.monotonic() + WORKS_SECONDS
    why = None
    while time.monotonic() < end:
        try:
            with Client(path, timeout=END_SECONDS) as client:
                client.hello()
                if one_call(client, "XM_get_time", "XM_OK", 0) and \
                        one_call(client, "XM_write_console", "XM_OK", 0, b"z", 1):
                    return None
                why = "calls are refused"
        except (Timeout, ProtocolError) as error:
            raise Wrong("at last: %s: %s" % (type(error).__name__, error))
        except (ClientError, OSError) as error:
            why = str(error)
        time.sleep(0.05)
    return "no honest call works: %s" % why


# ---- the scenario -------------------------------------------------------------------------------------


def session_of(leader):
    """All processes of a session, but those that only wait to be reaped: {pid: name}."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                head, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        fields = rest.split()
        if int(fields[3]) == leader and fields[0] != "Z":
            found[int(pid)] = head.split("(", 1)[1]
    return found


def count_fds(pid):
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return None


class Scenario(Folder):
    """One run, with a fault or without; after it `well` and `fds` say how it went."""

    def __init__(self, target, site=None, call="1", how=None):
        super().__init__()
        self.target, self.site, self.call, self.how = target, site, call, how
        os.mkdir(self.file("run"), 0o755)
        os.mkdir(self.file("log"), 0o755)
        with open(DEMO_XML) as f:
            xml = f.read().replace('SamplingChannel maxMessageLength="64B"',
                                   'SamplingChannel maxMessageLength="%dB"' % LARGE)
        self.system = self.file("system.xml", xml)
        self.good = POLICY % (self.system, ALICE)
        self.policy = self.file("policy.yaml", self.good)
        self.file("policy.d/more.yaml", MORE)
        self.socket = self.file("run/socket")
        self.audit = self.file("log/audit.jsonl")
        self.key = os.urandom(32)
        self.key_file = self.file("audit.key", "xmbroker-audit-key:1 epoch=1 key=%s\n"
                                  % blake2b(32, b"xmaudit epoch", self.key).hex(), 0o600)
        self.ended_badly = False  # a server was killed: what it was writing may be torn
        self.book = self.file("log/book")  # which the broker may write
        new_book(self.book)
        self.sim = self.process = None
        self.records, self.well, self.fds = [], [], {}
        self.works = True

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XM_", "LD_")) or k == "XM_COVERAGE"}
        env.update(LD_PRELOAD=PRELOAD, XM_FAULT_MAP=self.book, XM_FAULT_PROGRAM=self.target,
                   XM_FAULT_OLD="1", LC_ALL="C")
        if self.site:
            env.update(XM_FAULT_SITE=site_text(self.site), XM_FAULT_CALL=self.call,
                       XM_FAULT_HOW=how_text(self.how))
        return env

    # -- the hypervisor

    def start_sim(self):
        record = self.file("record%d" % len(self.records))
        self.records.append(record)
        read, write = os.pipe()
        with open(self.file("sim.log"), "ab") as log:
            self.sim = subprocess.Popen(
                [program("xmsim"), "--config", self.system, "--dir", self.file("sim"), "--record", record,
                 "--console", self.file("console"), "--ready-fd", str(write)], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, pass_fds=[write], start_new_session=True)
        os.close(write)
        with open(read, "rb") as ready:
            if ready.read() != b"ready\n":
                raise Wrong("xmsim does not start")
        os.chmod(self.file("sim"), 0o755)
        os.chmod(self.file("sim/p0.ctl"), 0o666)

    def stop_sim(self):
        if self.sim and self.sim.poll() is None:
            self.sim.terminate()
            self.sim.wait()

    # -- the broker

    def log(self):
        try:
            with open(self.file("log.txt"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.process.poll() is None

    def await_log(self, texts, since=0, seconds=END_SECONDS):
        """Until one of the texts is in the log, or the broker has ended; whether it is in there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            alive = self.alive()
            if any(text in self.log()[since:] for text in texts):
                return True
            if not alive:
                return False
            time.sleep(0.005)
        return False

    def start_broker(self):
        command = [program("xmbroker"), "--policy", self.policy, "--socket", self.socket, "--audit",
                   self.audit, "--audit-key", self.key_file, "--backend", "xmsim:" + self.file("sim/p0.ctl")]
        if ROOT:
            command += ["--user", "%d:%d" % (SERVER, SERVER)]
        with open(self.file("log.txt"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.path, env=self.environment(),
                                            start_new_session=True)
        if not self.await_log(["xmbroker: ready"], seconds=READY_SECONDS) and self.alive():
            # The line itself may be what could not be written.
            if not os.path.exists(self.socket):
                raise Wrong("neither ready nor ended after %d s" % READY_SECONDS)

    def reload(self, text, answers):
        if not self.alive():
            return
        self.file("policy.yaml", text)
        since = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        self.await_log(answers, since, 3)

    def lose_hypervisor(self):
        self.stop_sim()
        self.start_sim()

    def play(self):
        self.start_sim()
        self.start_broker()
        if not self.alive():
            return
        self.well = as_client(all_steps, self.socket)
        as_client(hostile, self.socket)
        answers = ["generation", "cannot", "not ", "compiler"]
        self.reload(self.good + "# again\n", answers)
        self.reload("version: 1\nrolls: {}\n", answers)
        self.file("policy.yaml", self.good)
        self.well += as_client(control, self.socket)
        self.rotate()
        if self.alive():
            self.lose_hypervisor()
            why = as_client(works, self.socket)
            if why and self.alive() and not self.call.endswith("+"):
                raise Wrong(why)
            self.works = not why
        self.fds = self.count_all_fds()

    def rotate(self):
        if not self.alive():
            return
        since, end = len(self.log()), time.monotonic() + 2
        self.process.send_signal(signal.SIGUSR1)
        while time.monotonic() < end and self.alive() and len(self.log()) == since:
            time.sleep(0.005)  # an anchor, or why not

    def count_all_fds(self):
        """By name; clients have just gone, and a reload may still go on: until it is quiet."""
        last, same, end = None, 0, time.monotonic() + 2
        while same < 3 and time.monotonic() < end:
            now = sorted((name, count_fds(pid)) for pid, name in session_of(self.process.pid).items()
                         if name in ("xmbroker", "xmbroker-server"))
            same = same + 1 if now == last else 0
            last = now
            time.sleep(0.004)
        return dict(last or [])

    def stop_broker(self):
        if self.alive():
            self.process.terminate()
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong("does not stop")
        left = session_of(self.process.pid)
        end = time.monotonic() + 2
        while left and time.monotonic() < end:
            time.sleep(0.01)
            left = session_of(self.process.pid)
        if left:
            raise Wrong("left behind: %r" % left)
        return status

    def clean_up(self):
        for process in (self.process, self.sim):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for pid in session_of(self.process.pid) if self.process else ():
            os.kill(pid, signal.SIGKILL)

    # -- what came out

    def judge_end(self, status):
        log = self.log()
        self.ended_badly = "was killed by signal" in log or bool(status)
        crash = re.search(r"killed by signal (?:4|6|7|8|11|31)\b[^\n]*", log)
        if crash:
            raise Wrong("crashed: " + crash.group(0))
        if status < 0:
            raise Wrong("the supervisor was killed by signal %d" % -status)
        if status and not any(self.says_why(line) for line in log.splitlines()) and not self.silenced():
            raise Wrong("ended with status %d and said nothing" % status)
        if status > 2:
            raise Wrong("exit status %d" % status)
        if not status and not self.well and not self.call.endswith("+"):
            raise Wrong("ended with status 0 without having served")
        for line in log.splitlines():
            if "Sanitizer" in line or "runtime error" in line or "stack smashing" in line \
                    or "Assertion" in line:
                raise Wrong(line)

    @staticmethod
    def says_why(line):
        return line and not line.startswith(" ") and "warning:" not in line

    def silenced(self):
        """Whether the fault is that messages cannot be written."""
        return self.site and self.site.function in ("write", "fwrite", "fputc", "fflush", "puts")

    def forwarded(self):
        """How often each audited operation reached the hypervisor."""
        counts = dict.fromkeys(AUDITED, 0)
        for path in self.records:
            with open(path, errors="replace") as f:
                for line in f:
                    for name in AUDITED:
                        if re.search(r"\b%s\b" % name, line) and not re.match(r"\s*(#|<|result)", line):
                            counts[name] += 1
        return counts

    def audited(self):
        """The same from the audit log, whose chain, seals and torn pieces have to be right."""
        counts, ends = dict.fromkeys(AUDITED, 0), []

        def each(record):
            if record["type"] == "decision" and record["decision"] == "allow" \
                    and "guard" not in record and record["op"] in counts:
                counts[record["op"]] += 1
            ends.append(record["type"])

        reader = Reader(self.audit, self.key, each)
        try:
            if reader.update() and not self.ended_badly:
                raise Wrong("the log ends in the middle of a record")
            if reader.torn and not self.ended_badly:
                raise Wrong("a torn line that no record explains")
        except Bad as bad:
            raise Wrong("the log: %s" % bad)
        finally:
            reader.close()
        if ends and ends[-1] != "stop" and not self.ended_badly and not self.site:
            raise Wrong("the last record is a %s" % ends[-1])
        return counts

    def judge_log(self):
        forwarded, audited = self.forwarded(), self.audited()
        for name in AUDITED:
            if forwarded[name] > audited[name]:
                raise Wrong("%s was forwarded %d times and recorded %d times"
                            % (name, forwarded[name], audited[name]))
        if not self.site and not all(forwarded.values()):
            raise Wrong("the recording has not all: %r" % forwarded)

    def run(self):
        try:
            self.play()
            status = self.stop_broker()
            self.stop_sim()
            self.judge_end(status)
            self.judge_log()
            return read_book(self.book, self.target)
        finally:
            self.clean_up()


# ---- all of them --------------------------------------------------------------------------------------


def undisturbed(target):
    with Scenario(target) as scenario:
        sites, _ = scenario.run()
        wanted = [name for name, _ in STEPS] + ["broker_status", "broker_sessions", "broker_reload"]
        missing = [name for name in wanted if name not in scenario.well]
        if missing:
            raise Wrong("undisturbed, these do not go well: %s\n%s" % (missing, scenario.log()))
        return sites, scenario.fds


def run_one(job):
    """(job, whether the fault struck, what went wrong or None, log)."""
    site, call, how, fds = job
    began = time.monotonic()
    try:
        with Scenario(site.program, site, call, how) as scenario:
            try:
                _, fired = scenario.run()
                for name, count in scenario.fds.items():
                    # There may be fewer, where something does without what it did not get.
                    if scenario.works and count > fds.get(name, 0) + SPARE.get(site.object, 0) \
                            and not call.endswith("+"):
                        raise Wrong("%s has %s descriptors, not %s" % (name, count, fds.get(name)))
                return job, fired, None, "", time.monotonic() - began
            except Wrong as wrong:
                return job, 1, str(wrong), scenario.log(), time.monotonic() - began
    except Exception:
        return job, 1, traceback.format_exc(), "", time.monotonic() - began


def list_jobs(everything, targets):
    jobs, n_sites = [], {}
    for target in targets:
        sites, fds = undisturbed(target)
        n_sites[OURS[target]] = len(sites)
        for site, calls in sorted(sites.items()):
            if FOREIGN.match(site.object):
                continue
            errors = [e for e in errors_of(site)
                      if site.program != "xmbroker" or site.function not in ("send", "sendmsg")
                      or e not in GONE]
            jobs.append((site, "1", errors[0], fds))
            if not everything:
                continue
            jobs += [(site, "1", how, fds) for how in errors[1:]]
            jobs += [(site, str(n), errors[0], fds) for n in (2, 3, 5, 9, 17, 33, 65, 129, 257)
                     if n <= calls]
            if site.function not in NOT_FOR_GOOD and \
                    "on_signal" not in name_of_function(site, STAGE):
                jobs.append((site, "1+", errors[0], fds))
    return jobs, n_sites


def describe(job):
    site, call, how, _ = job
    return "%s, call %s: %s: %s [%s]" % (OURS[site.program], call, place_of(site, STAGE), how,
                                         site_text(site))


def run_in_time(job_and_end):
    job, end = job_and_end
    return run_one(job) if time.monotonic() < end else (job, 1, "late", "", 0)


def run_jobs(jobs, processes, mark="", seconds=1e9):
    """What went wrong, which is printed with the mark before each line, how many faults never came, and
    how many were not tried because the time was over."""
    wrong, missed, late, slow = [], 0, 0, []
    end = time.monotonic() + seconds

    def say(text):
        print(mark + text.rstrip().replace("\n", "\n" + mark + "  "), flush=True)

    timed = [(job, end) for job in jobs]
    with multiprocessing.Pool(processes) as pool:
        for job, fired, what, log, took in pool.imap_unordered(run_in_time, timed):
            if what == "late":
                late += 1
                continue
            missed += not fired
            if took > 8:
                slow.append((took, describe(job)))
            if what:
                wrong.append(job)
                say("wrong: %s\n%s\n%s" % (describe(job), what, log))
    for took, text in sorted(slow, reverse=True)[:10]:
        say("%.1f s: %s" % (took, text))
    return wrong, missed, late


def stage_library():
    shutil.copy(os.path.join(BUILD, "tests/libfault.so"), LIBRARY)
    os.chmod(LIBRARY, 0o755)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--program", action="append", choices=list(OURS))
    parser.add_argument("--site", help="only places whose description has this in it")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", "2")))
    args = parser.parse_args(argv)
    stage_library()
    began = time.monotonic()
    jobs, n_sites = list_jobs(args.all, args.program or list(OURS))
    if args.site:
        jobs = [job for job in jobs if args.site in describe(job)]
    if args.list:
        for job in jobs:
            print(describe(job))
        return 0
    wrong, missed, _ = run_jobs(jobs, args.jobs)
    print("count: faults: %s; %d runs in %d s, of which %d did not come to the fault, %d wrong"
          % (", ".join("%d places of the %s" % (n, name) for name, n in n_sites.items()), len(jobs),
             time.monotonic() - began, missed, len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise SystemExit(main(sys.argv[1:]))
