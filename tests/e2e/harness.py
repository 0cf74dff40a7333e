# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts the real daemon in a folder of its own, runs programs against it as several users, and
reports in TAP.  A test is a function whose name starts with test_; it fails by raising.  Nothing
outlives a test: processes are ended by pid, the folder is removed."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("XM_BUILD", os.path.join(TOP, "build")))
ROOT = os.geteuid() == 0
# Users that exist nowhere: the kernel does not mind, and nothing is left behind.
ALICE, BOB, CAROL, SERVER = (20001, 20002, 20003, 20009) if ROOT else (os.geteuid(),) * 4
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
PROGRAMS = ("xmbroker", "xmbroker-server", "xmbroker-compiler", "xmsim", "xmpolicy", "xmaudit",
            "xmbrokerctl", "tests/call", "tests/call24")
# What a build has on some machines, or for some profiles, only.
OPTIONAL = tuple("tests/call" + n for n in ("26", "pr", "32", "24_32", "26_32", "pr_32")) \
    + tuple("tests/conformance" + n for n in ("24", "26", "3x", "pr", "24_32", "26_32",
                                                 "3x_32", "pr_32")) \
    + ("tests/stream", "tests/honest", "tests/wallclock.so", "tests/device.so") \
    + ("examples/hello", "examples/gettime", "examples/hcall")
TIMEOUT = 60  # for what takes no time, on a machine that has other things to do
SANITIZED = bool(os.environ.get("XM_SANITIZED"))


def _stage():
    """A copy of what the tests run where every user can reach it: a clone may lie in a home folder
    that only its owner may enter, and root without capabilities is not its owner."""
    stage = tempfile.mkdtemp(prefix="xm stage ")
    atexit.register(shutil.rmtree, stage, ignore_errors=True)
    os.makedirs(os.path.join(stage, "tests"))
    os.makedirs(os.path.join(stage, "examples"))
    for name in PROGRAMS:
        shutil.copy2(os.path.join(BUILD, name), os.path.join(stage, name))
    for name in OPTIONAL:
        if os.path.exists(os.path.join(BUILD, name)):
            shutil.copy2(os.path.join(BUILD, name), os.path.join(stage, name))
    shutil.copy(os.path.join(TOP, "policy/examples/demo.xml"), stage)
    shutil.copy(os.path.join(TOP, "tests/conformance/system-2x.xml"), stage)
    shutil.copy(os.path.join(TOP, "tests/e2e/protocol_client.py"), stage)
    subprocess.run(["chmod", "-R", "u+w,a+rX", stage], check=True)
    return stage


STAGE = _stage()
DEMO_XML = os.path.join(STAGE, "demo.xml")
XML_2X = os.path.join(STAGE, "system-2x.xml")


class NotRun(Exception):
    """Raised by a test that needs what this user does not have."""


def need_root(what="several users"):
    if not ROOT:
        raise NotRun("needs root: " + what)


def need_32bit():
    """The 32-bit clients are built for amd64 only, and not every kernel runs them."""
    client = program("tests/call32")
    if not os.path.exists(client):
        raise NotRun("needs the 32-bit clients, which are built on amd64")
    try:
        subprocess.run([client], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"XM_BROKER_SOCKET": "/nowhere"}, timeout=TIMEOUT)
    except OSError as error:  # ENOEXEC: no such programs; ENOENT: no loader for them
        raise NotRun("needs 32-bit x86 programs to run: " + error.strerror)


def wait_for(what, condition, timeout=TIMEOUT):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("timed out waiting for " + what)


def program(name):
    return os.path.join(STAGE, name)


def as_user(uid, gid=None, groups=()):
    """Arguments for subprocess that make the child run as a user."""
    if not ROOT:
        return {}
    return {"user": uid, "group": gid if gid is not None else uid, "extra_groups": list(groups)}


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def process_name(pid):
    """The command name, which the kernel cuts to 15 bytes; "" when there is no such process."""
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().rstrip("\n")
    except OSError:
        return ""


class Folder:
    """A scratch folder that every user may enter, with a blank in its name."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="xm test ")
        os.chmod(self.path, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text=None, mode=0o644):
        path = os.path.join(self.path, name)
        if text is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, mode)
        return path


class Broker(Folder):
    """xmbroker with its policy, socket and audit log in one folder."""

    def __init__(self, policy, backend="loopback", args=(), start=True):
        super().__init__()
        os.mkdir(self.file("run"), 0o755)
        self.policy = self.file("policy.yaml", policy)
        self.socket = self.file("run/socket")
        self.audit = self.file("audit.jsonl")
        self.log_path = self.file("log")
        self.process = None
        self.command = [program("xmbroker"), "--policy", self.policy, "--socket", self.socket,
                        "--audit", self.audit, "--audit-key", "none", "--backend", backend]
        if ROOT:
            self.command += ["--user", "%d:%d" % (SERVER, SERVER)]
        self.command += args
        if start:
            try:
                self.start()
            except BaseException:
                self.__exit__()
                raise

    def start(self):
        self.seen = len(self.log()) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            # In a session of its own: where tests run directly below init, the kernel would hang up
            # on the whole group when a process of it is stopped.
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.path, start_new_session=True)
        wait_for("xmbroker to be ready", self._ready, 3 * TIMEOUT)

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError("xmbroker exited with %s:\n%s"
                                 % (self.process.returncode, self.log()))
        return "xmbroker: ready" in self.log()[self.seen:] and os.path.exists(self.socket)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def wait_log(self, text, count=1):
        return wait_for("log line %r in:\n%s" % (text, self.log()),
                        lambda: self.log().count(text) >= count)

    def audit_files(self):
        """The paths of the audit log's files, in the order of their records."""
        folder, name = os.path.split(self.audit)
        rotated = [int(n[len(name) + 1:]) for n in os.listdir(folder)
                   if n.startswith(name + ".") and n[len(name) + 1:].isdigit()]
        paths = [os.path.join(folder, "%s.%06d" % (name, n)) for n in sorted(rotated)]
        return paths + [self.audit] * os.path.exists(self.audit)

    def audit_lines(self):
        """The lines of the audit log, over all of its files; not one that is being written."""
        lines = []
        for path in self.audit_files():
            with open(path, "rb") as f:
                lines += [l for l in f.read().splitlines(True) if l.endswith(b"\n")]
        return lines

    def records(self, **match):
        """Audit records with these members, from all files of the log; what was torn is none."""
        found = [json.loads(line) for line in self.audit_lines()
                 if not line.endswith(b" torn\n")]
        return [r for r in found if all(r.get(k) == v for k, v in match.items())]

    def child(self, name):
        """The pid of the child process that runs this program, or None."""
        for pid in children(self.process.pid):
            if process_name(pid) == name[:15]:
                return pid
        return None

    def reload(self, policy=None):
        if policy is not None:
            self.file("policy.yaml", policy)
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("xmbroker did not stop:\n" + self.log())
        return self.process.returncode if self.process else None

    def __exit__(self, *exc):
        try:
            self.stop()
        finally:
            super().__exit__()

    def environment(self):
        return dict(os.environ, XM_BROKER_SOCKET=self.socket)

    def run(self, uid, command, **options):
        """Runs a program as a user, against this broker; its completed process."""
        if "groups" in options:
            options.update(as_user(uid, groups=options.pop("groups")))
        else:
            options.update(as_user(uid))
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True,
                              timeout=60, cwd="/", **options)

    def calls(self, uid, *lines, program_name="tests/call", **options):
        """Runs the scripted client; a list of (value, errno name) for each line."""
        done = self.run(uid, [program(program_name)], input="\n".join(lines) + "\n", **options)
        assert done.returncode == 0, done
        return [parse_answer(line) for line in done.stdout.splitlines()]

    def answers(self, uid, *lines, **options):
        """The same, with what each call stored: a list of (value, errno name, fields)."""
        with Session(self, uid, **options) as session:
            return [session.answer(line) for line in lines]


class Session:
    """The scripted client kept open: one session, line by line."""

    def __init__(self, broker, uid, program_name="tests/call", **options):
        self.process = subprocess.Popen([program(program_name)], env=broker.environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        cwd="/", **as_user(uid, **options))

    def answer(self, line):
        """(value, errno name, fields) of a call."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the client ended"
        return parse_answer(answer) + (parse_fields(answer),)

    def call(self, line):
        return self.answer(line)[:2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


def parse_answer(line):
    value, error = line.split(None, 2)[:2]
    return int(value), error


def parse_fields(line):
    """What the call stored: numbers, and strings that are none."""
    fields = {}
    for word in line.split()[2:]:
        name, value = word.split("=", 1)
        fields[name] = int(value) if value.lstrip("-").isdigit() else value
    return fields


def run_all(namespace):
    """Runs the tests of a module, printing TAP; the exit status."""
    wanted = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every test is cleaned up
    tests = [(n, f) for n, f in sorted(namespace.items())
             if n.startswith("test_") and callable(f) and (not wanted or n in wanted)]
    print("1..%d" % len(tests))
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print("ok %d - %s" % (number, name))
        except NotRun as reason:
            print("ok %d - %s # SKIP %s" % (number, name, reason))
        except BaseException as error:  # a test must not take the others with it
            failed += 1
            print("not ok %d - %s" % (number, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        sys.stdout.flush()
    return 1 if failed else 0
