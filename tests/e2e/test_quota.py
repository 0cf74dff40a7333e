#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user may do in a second and have at a time; that who takes more costs nobody else; and the
metrics that tell of it."""

import json
import os
import re
import resource
import stat
import subprocess
import time

from harness import (ALICE, BOB, CAROL, PYTHON, ROOT, SANITIZED, SERVER, STAGE, Broker, NotRun,
                     Session, as_user, need_root, program, run_all, wait_for)
from policies import only

OK = (0, "-")
EVERYBODY = """\
version: 1
roles:
  all:
    - allow: ["@time", "@status", "@ports"]
      audit: denied
grants:
  - {to: everyone, roles: [all]}
"""

# What the users below run: `s` connects, `hello` sets up, both say whether it worked.
PRELUDE = """\
import os, resource, select, socket, struct, sys, time
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
HELLO = bytes.fromhex("586d01001e00000000000000000000000100010003050070726f62650000")
TIME = bytes.fromhex("586d04001d000000070000000000000002000200000000000000000000")

def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(os.environ["XM_BROKER_SOCKET"])
    return s

def hello(s):
    try:
        s.send(HELLO)
        return s.recv(70000)[2] == 2
    except OSError:
        return False

def get_time(s):
    s.send(TIME)
    return s.recv(70000)[2] == 5

def batch(n):
    call = TIME[16:]
    body = struct.pack("<H", n) + call * n
    return TIME[:2] + b"\\x07\\x00" + struct.pack("<I", 16 + len(body)) + TIME[8:16] + body
"""


def ctl(broker, uid, *args):
    return broker.run(uid, [program("xmbrokerctl"), "--socket", broker.socket, *args])


class User:
    """A program of a user, which prints a line when it is ready and ends when its input does."""

    def __init__(self, broker, uid, text):
        self.process = subprocess.Popen([PYTHON, "-c", PRELUDE + text], env=broker.environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        cwd=STAGE, **as_user(uid))

    def line(self):
        line = self.process.stdout.readline()
        assert line, "the client ended"
        return line.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def user_run(broker, uid, text):
    done = broker.run(uid, [PYTHON, "-c", PRELUDE + text])
    assert done.returncode == 0, done
    return done.stdout.split()


def metrics(broker):
    """Values by name and labels, of text that is as OpenMetrics has it."""
    done = ctl(broker, 0 if ROOT else ALICE, "metrics")
    assert done.returncode == 0, done
    return parse_metrics(done.stdout)


def parse_metrics(text):
    values, types, family = {}, {}, None
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""], lines[-3:]
    for line in lines[:-2]:
        words = line.split(" ", 3)
        if words[0] == "#":
            assert words[1] in ("HELP", "TYPE", "UNIT"), line
            if words[1] == "HELP":
                family = words[2]
                assert family not in types, line
            assert words[2] == family, line
            if words[1] == "TYPE":
                assert words[3] in ("counter", "gauge", "histogram"), line
                types[family] = words[3]
            if words[1] == "UNIT":
                assert family.endswith("_" + words[3]), line
            continue
        match = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? ([0-9.]+)', line)
        assert match, line
        suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
        assert match[1] in [family + s for s in suffixes[types[family]]], line
        key = match[1] + (match[2] or "")
        assert key not in values, line
        values[key] = float(match[4])
    return values


# ---- rates -----------------------------------------------------------------------------------------


CONNECT_OFTEN = """
made = 0
for i in range(40):
    s = connect()
    made += hello(s)
    s.close()
print(made)
"""


def test_connections_beyond_the_rate_are_refused():
    need_root()
    with Broker(EVERYBODY, args=["--connections-per-user", "2"]) as broker:
        first = int(user_run(broker, ALICE, CONNECT_OFTEN)[0])
        assert 10 <= first <= 20, first
        # A new process of the same user finds what the last one left.
        again = int(user_run(broker, ALICE, CONNECT_OFTEN)[0])
        assert again <= 8, again
        assert int(user_run(broker, BOB, CONNECT_OFTEN)[0]) >= 10
        assert "too many connections of this user in a short time" in broker.log()
        assert metrics(broker)['xmbroker_connections_refused_total{reason="rate"}'] >= 40
        # Root comes to put things right.
        assert int(user_run(broker, 0, CONNECT_OFTEN)[0]) == 40


CALL_FOR_TWO_SECONDS = """
s = connect()
assert hello(s)
end = time.monotonic() + 2
n = 0
while time.monotonic() < end:
    n += get_time(s)
print(n)
"""


def test_calls_beyond_the_rate_wait():
    with Broker(EVERYBODY, args=["--calls-per-user", "100"]) as broker:
        n = int(user_run(broker, ALICE, CALL_FOR_TWO_SECONDS)[0])
        assert 100 <= n <= 340, n
        server = broker.child("xmbroker-server")
        with User(broker, ALICE, """
s = connect()
assert hello(s)
s.setblocking(False)
print("ready", flush=True)
while True:
    try:
        s.send(TIME)
    except BlockingIOError:
        select.select([s], [], [], 0.01)
    try:
        s.recv(70000)
    except BlockingIOError:
        pass
""") as flood:
            flood.line()
            time.sleep(0.5)
            before = processor_time(server)
            time.sleep(1)
            spent = processor_time(server) - before
            assert spent < (0.6 if SANITIZED else 0.3), "%f s of processor time in a second" % spent
            if ROOT:
                assert int(user_run(broker, BOB, CALL_FOR_TWO_SECONDS)[0]) >= 100
                assert "yes" in ctl(broker, 0, "--users", "sessions").stdout


def processor_time(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- floods ----------------------------------------------------------------------------------------


FLOOD_SET_UP = """
print("ready", flush=True)
kept = []
while True:
    try:
        kept.append(connect())
    except OSError:
        time.sleep(0.001)
    if len(kept) > 300:
        for s in kept[:100]:
            s.close()
        del kept[:100]
"""


def test_a_flood_of_connections_locks_nobody_out():
    need_root()
    args = ["--max-setup", "64", "--max-setup-per-user", "32"]
    with Broker(EVERYBODY, args=args) as broker, Session(broker, BOB) as bob:
        assert bob.call("get_time 0") == OK
        floods = [User(broker, 21000 + i, FLOOD_SET_UP) for i in range(3)]
        try:
            for flood in floods:
                flood.line()
            time.sleep(0.5)
            for _ in range(5):
                assert broker.calls(CAROL, "get_time 0") == [OK]
                assert bob.call("get_time 0") == OK
        finally:
            for flood in floods:
                flood.__exit__()


HOLD = """
kept, n = [], 0
for i in range(%d):
    kept.append(connect())
    n += hello(kept[-1])
print(n, flush=True)
for line in sys.stdin:
    print(sum(get_time(s) for s in kept), flush=True)
"""

FLOOD_WITH = """
kept = [connect() for i in range(%d)]
print("ready", flush=True)
while True:
    for i in range(len(kept)):
        kept[i].close()
        try:
            kept[i] = connect()
        except OSError:
            kept[i] = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
"""


def test_four_thousand_sessions_and_a_quarter_of_them_floods():
    need_root()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 5000:
        raise NotRun("needs 5000 open files")
    args = ["--connections-per-user", "0", "--max-setup", "1000", "--max-setup-per-user", "500"]
    with Broker(EVERYBODY, args=args) as broker:
        users = [User(broker, 21000 + i, HOLD % 500) for i in range(6)]
        try:
            for user in users:
                assert user.line() == "500"
            opened = metrics(broker)["xmbroker_sessions_opened_total"]
            users += [User(broker, 22000 + i, FLOOD_WITH % 500) for i in range(2)]
            for user in users[6:]:
                user.line()
            # How many of the flood are open at a moment depends on the machine; how many there were
            # only grows.
            wait_for("the flood",
                     lambda: metrics(broker)["xmbroker_sessions_opened_total"] > opened + 2000)
            assert metrics(broker)["xmbroker_sessions"] >= 3000
            for user in users[:6]:
                user.process.stdin.write("\n")
                user.process.stdin.flush()
                assert user.line() == "500"
            for uid in (ALICE, BOB, CAROL):
                assert broker.calls(uid, "get_time 0") == [OK]
        finally:
            for user in users:
                user.__exit__()


def test_who_has_most_sessions_gives_way():
    need_root()
    args = ["--max-sessions", "60", "--max-sessions-per-user", "60", "--max-setup-per-user", "60"]
    with Broker(EVERYBODY, args=args) as broker, User(broker, ALICE, HOLD % 60) as alice:
        assert alice.line() == "60"
        assert broker.calls(BOB, "get_time 0") == [OK]
        assert "other users need the room" in broker.log()
        assert metrics(broker)['xmbroker_evictions_total{of="session"}'] == 1


LATENCIES = """
s = connect()
assert hello(s)
times = []
for i in range(300):
    begin = time.monotonic()
    assert get_time(s)
    times.append(time.monotonic() - begin)
    time.sleep(0.001)
times.sort()
print(times[len(times) // 2], times[-4])
"""

FLOOD_WITH_CALLS = """
message = %s
kept = [connect() for i in range(10)]
assert all(hello(s) for s in kept)
print("ready", flush=True)
for s in kept:
    s.send(message)
while True:
    for s in select.select(kept, [], [])[0]:
        s.recv(70000)
        s.send(message)
"""


def flooded(message):
    need_root()
    with Broker(EVERYBODY, args=["--calls-per-user", "0"]) as broker:
        quiet = float(user_run(broker, BOB, LATENCIES)[0])
        with User(broker, ALICE, FLOOD_WITH_CALLS % message) as flood:
            flood.line()
            median, late = map(float, user_run(broker, BOB, LATENCIES))
        # On one or two processors the flood's own program gets in the way as well: this sees no more
        # than that nobody waits for all of it.  The bench measures.
        assert median < 0.005 + 20 * quiet, (quiet, median, late)


def test_a_flood_of_calls_holds_up_nobody():
    flooded("TIME")


def test_a_flood_of_batches_holds_up_nobody():
    flooded("batch(512)")


# ---- descriptors and memory ------------------------------------------------------------------------


def limit(pid, what, soft):
    """Sets a soft limit of the server; the old one.  Its own user may do that, and root alone may not."""
    code = ("import resource, sys; pid, what, soft = map(int, sys.argv[1:]); "
            "old = resource.prlimit(pid, what); "
            "resource.prlimit(pid, what, (soft, old[1])); print(old[0])")
    done = subprocess.run([PYTHON, "-c", code, str(pid), str(what), str(soft)],
                          capture_output=True, text=True, **as_user(SERVER))
    assert done.returncode == 0, done
    return int(done.stdout)


def test_without_descriptors_who_has_most_gives_way():
    need_root()
    with Broker(EVERYBODY) as broker, Session(broker, CAROL) as carol:
        server = broker.child("xmbroker-server")
        with User(broker, ALICE, HOLD % 20) as alice:
            assert alice.line() == "20"
            used = max(int(n) for n in os.listdir("/proc/%d/fd" % server) if int(n) < 1000)
            old = limit(server, resource.RLIMIT_NOFILE, used + 1)
            assert broker.calls(BOB, "get_time 0") == [OK]
            assert carol.call("get_time 0") == OK
            assert metrics(broker)['xmbroker_evictions_total{of="session"}'] >= 1
            limit(server, resource.RLIMIT_NOFILE, old)
        assert broker.calls(BOB, "get_time 0") == [OK]
        assert broker.child("xmbroker-server") == server


def test_without_memory_it_serves_on():
    need_root()
    if SANITIZED:
        raise NotRun("the sanitizer takes more address space than there is")
    with Broker(EVERYBODY) as broker, Session(broker, BOB) as bob:
        server = broker.child("xmbroker-server")
        assert bob.call("get_time 0") == OK
        with open("/proc/%d/statm" % server) as f:
            size = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        old = limit(server, resource.RLIMIT_AS, size + 65536)
        with User(broker, ALICE, HOLD % 30) as alice:
            alice.line()
            assert bob.call("get_time 0") == OK
        limit(server, resource.RLIMIT_AS, old)
        assert broker.calls(CAROL, "get_time 0") == [OK]
        assert broker.child("xmbroker-server") == server


# ---- the supervisor --------------------------------------------------------------------------------


def test_the_server_gets_no_more_than_a_compilation_a_second():
    with Broker(only(ALICE, ["@broker"])) as broker:
        begin = time.monotonic()
        for _ in range(4):
            assert ctl(broker, ALICE, "reload").returncode == 0
        assert time.monotonic() - begin >= 2.9
        # Root's signal does not wait for it.
        generation = broker.log().count("policy reloaded")
        begin = time.monotonic()
        broker.reload()
        broker.wait_log("policy reloaded", generation + 1)
        assert time.monotonic() - begin < 0.9


# ---- metrics ---------------------------------------------------------------------------------------


def test_metrics():
    with Broker(only(ALICE, ["@time", "@broker"])) as broker:
        answers = broker.calls(ALICE, "get_time 0", "suspend 1")
        assert answers[0] == OK and answers[1][1] == "EPERM", answers
        done = ctl(broker, ALICE, "metrics")
        assert done.returncode == 0, done
        values = parse_metrics(done.stdout)
        assert values["xmbroker_calls_allowed_total"] >= 2, values
        assert values["xmbroker_calls_denied_total"] >= 1, values
        assert values["xmbroker_hypervisor_connected"] == 1, values
        assert values["xmbroker_audit_records_total"] >= 4, values
        assert values["xmbroker_audit_lost_total"] == 0, values
        counts = [v for k, v in values.items() if "duration_seconds_bucket" in k]
        assert counts == sorted(counts) and counts[-1] == values[
            "xmbroker_call_duration_seconds_count"], values
        assert values['xmbroker_user_calls_total{uid="%d"}' % ALICE] >= 1, values
        if ROOT:
            done = ctl(broker, BOB, "metrics")
            assert done.returncode == 1 and "permission denied" in done.stderr, done


def test_metrics_go_into_a_file_whole():
    with Broker(only(ALICE, ["@broker"])) as broker:
        folder = broker.file("textfile")
        os.mkdir(folder)
        if ROOT:
            os.chown(folder, ALICE, ALICE)
        path = os.path.join(folder, "xmbroker.prom")
        for _ in range(2):
            assert ctl(broker, ALICE, "--output", path, "metrics").returncode == 0
        with open(path) as f:
            parse_metrics(f.read())
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
        broker.stop()
        assert ctl(broker, ALICE, "--output", path, "metrics").returncode == 2
        assert os.listdir(folder) == ["xmbroker.prom"]
        with open(path) as f:
            parse_metrics(f.read())


def test_sessions_by_user():
    need_root()
    with Broker(EVERYBODY) as broker, User(broker, ALICE, HOLD % 5) as alice, \
            Session(broker, BOB) as bob:
        assert alice.line() == "5"
        assert bob.call("get_time 0") == OK
        done = ctl(broker, 0, "--json", "--users", "sessions")
        sums = {user["uid"]: user for user in json.loads(done.stdout)}
        assert sums[ALICE]["sessions"] == 5 and sums[ALICE]["setup"] == 0, sums
        assert sums[BOB]["sessions"] == 1 and sums[BOB]["calls"] >= 1, sums
        assert sums[BOB]["held"] == "no" and sums[BOB]["bytes"] > 0, sums
        done = ctl(broker, 0, "--users", "sessions")
        assert done.stdout.split()[:6] == ["uid", "sessions", "setup", "calls", "bytes", "held"], done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
