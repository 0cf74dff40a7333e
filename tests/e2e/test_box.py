#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The box around each process, with the real daemon: what is in force, who is told, what is refused."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

from harness import (ALICE, BUILD, DEMO_XML, NotRun, PROGRAMS, ROOT, SANITIZED, SERVER, STAGE, Broker, Folder,
                     children, need_root, process_name, program, run_all, wait_for)
from policies import QUIET

OK = (0, "-")
USER = ["--user", "%d:%d" % (SERVER, SERVER)] if ROOT else []


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def limits_of(pid):
    """{name: (soft, hard)}, with None for unlimited."""
    found = {}
    with open("/proc/%d/limits" % pid) as f:
        for line in f.readlines()[1:]:
            name, values = line[:26].strip(), line[26:].split()
            found[name] = tuple(None if v == "unlimited" else int(v) for v in values[:2])
    return found


def processes(broker):
    return {process_name(pid): pid for pid in [broker.process.pid] + children(broker.process.pid)}


# ---- the self-test -------------------------------------------------------------------------------------

def test_self_test_prints_a_table_and_succeeds():
    done = subprocess.run([program("xmbroker"), "--self-test"] + USER, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["PROCESS", "LAYER", "ATTEMPT", "BOX"], lines[0]
    assert "MISSING" not in done.stdout, done.stdout
    assert lines[-1].split()[2:6] == ["0", "of", "them", "not"], lines[-1]


def test_self_test_as_data_covers_every_process_and_layer():
    done = subprocess.run([program("xmbroker"), "--self-test", "--json"] + USER,
                          capture_output=True, text=True, timeout=60)
    rows = json.loads(done.stdout)
    in_force = {(r["role"], r["layer"]) for r in rows if r["verdict"] == "in force"}
    for role in ("supervisor", "compiler", "server", "undertaker", "xmsim"):
        for layer in ("identity", "limits", "calls"):
            assert (role, layer) in in_force, (role, layer)
        if ROOT and role in ("server", "undertaker", "xmsim"):
            assert (role, "root") in in_force, role
    attempts = {r["attempt"] for r in rows if r["role"] == "server" and r["layer"] == "calls"}
    for attempt in ("open", "execve", "clone", "socket", "ptrace", "kill", "setuid", "bpf",
                    "ftruncate of the log", "pwrite into the log", "io_uring_setup",
                    "shutdown of the listener", "sendmsg with the log"):
        assert attempt in attempts, attempt
    assert {r["role"] for r in rows} >= {"machine"}


class Patched(Folder):
    """The programs, of which some are scripts."""

    def __init__(self, scripts):
        super().__init__()
        for name in PROGRAMS:
            if "/" in name:
                continue
            if name in scripts:
                self.file(name, "#!/bin/sh\n" + scripts[name], 0o755)
            else:
                shutil.copy2(os.path.join(STAGE, name), self.file(name))


def start_patched(scripts, broker):
    with Patched(scripts) as programs:
        command = [programs.file("xmbroker")] + broker.command[1:]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_box_that_is_not_in_force_is_not_run():
    scripts = {"xmbroker-server":
               'printf "server\\tcalls\\topen\\tkilled by SIGSYS\\tit is possible\\tMISSING\\n"\n'}
    with Broker(QUIET, start=False) as broker:
        done = start_patched(scripts, broker)
        assert done.returncode == 1, done
        assert "self-test: server: calls: open: must be killed by SIGSYS, but: it is possible" \
            in done.stderr, done.stderr
        assert "nothing is started" in done.stderr and "xmbroker: ready" not in done.stderr, done
        assert not os.path.exists(broker.socket)


def test_a_self_test_that_says_nothing_proves_nothing():
    for script in ("exit 0\n", "exit 1\n", "echo nonsense\n", "kill -9 $$\n"):
        with Broker(QUIET, start=False) as broker:
            done = start_patched({"xmbroker-server": script}, broker)
            assert done.returncode == 1, (script, done)
            assert "self-test: xmbroker-server did not get to its end" in done.stderr, done.stderr


def test_a_server_that_lies_is_found_out():
    """Passes the self-test, and then serves without its box: /proc says so."""
    unboxed = os.path.join(BUILD, "tests/unboxed")
    if not os.path.exists(unboxed):
        raise NotRun("needs tests/unboxed: make check-e2e")
    with Broker(QUIET, start=False) as broker, Patched({}) as programs:
        real = programs.file("xmbroker-server")
        os.rename(real, real + ".real")
        shutil.copy2(unboxed, real)
        subprocess.run(["chmod", "a+rx", real], check=True)
        done = subprocess.run([programs.file("xmbroker")] + broker.command[1:],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done
        assert "the box is not in force: server: " in done.stderr, done.stderr
        assert "xmbroker: ready" not in done.stderr, done.stderr


# ---- what is in force ----------------------------------------------------------------------------------

def roots():
    return {os.path.join(folder, name) for folder in ("/run", "/tmp", "/var/tmp")
            for name in os.listdir(folder) if name.startswith(".xmbroker-root.")}


def test_server_and_simulator_have_an_empty_root():
    need_root("an empty root")
    before = roots()
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        for name in ("xmbroker-server", "xmsim"):
            root = "/proc/%d/root" % broker.child(name)
            assert os.readlink(root).endswith("(deleted)"), os.readlink(root)
            assert os.listdir(root + "/") == [], name
        assert os.readlink("/proc/%d/root" % broker.process.pid) == "/"
    # And nothing of it is left in the file system.
    wait_for("the folders to be removed", lambda: roots() <= before)


def test_supervisor_is_filtered_too():
    with Broker(QUIET) as broker:
        status = status_of(broker.process.pid)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status


def test_resources_are_limited():
    need_root("reading another process's limits")
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        found = processes(broker)
        for name, pid in found.items():
            limits = limits_of(pid)
            assert limits["Max core file size"] == (0, 0), name
            assert limits["Max locked memory"] == (0, 0), name
            assert limits["Max msgqueue size"] == (0, 0), name
        for name in ("xmbroker-server", "xmsim"):
            assert limits_of(found[name[:15]])["Max processes"] == (0, 0), name
        limits = limits_of(found["xmbroker-server"])
        assert limits["Max open files"][1] <= 4096 + 256, limits
        assert SANITIZED or limits["Max address space"][1] < 1 << 43, limits


def test_a_client_cannot_look_into_the_server():
    need_root("an ordinary user beside the server's")
    with Broker(QUIET) as broker:
        pid = broker.child("xmbroker-server")
        for uid in (ALICE, SERVER):
            done = broker.run(uid, ["cat", "/proc/%d/maps" % pid, "/proc/%d/environ" % pid])
            assert done.returncode != 0 and not done.stdout, (uid, done)


# ---- descriptors ---------------------------------------------------------------------------------------

def fds_of(pid):
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            found[int(fd)] = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except OSError:
            pass
    return found


class Leak:
    """Descriptors that a parent has open, without close-on-exec."""

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="xm leak ")
        self.read, self.write = os.pipe()
        self.fds = [os.dup(self.file.fileno()) for _ in range(5)] + [self.read, self.write]
        for fd in self.fds:
            os.set_inheritable(fd, True)
        self.names = {os.readlink("/proc/self/fd/%d" % fd) for fd in self.fds}
        return self

    def __exit__(self, *_):
        for fd in self.fds:
            os.close(fd)
        self.file.close()

    def must_not_be_in(self, pid, name):
        leaked = {fd: what for fd, what in fds_of(pid).items() if what in self.names}
        assert not leaked, (name, leaked)


def test_nothing_that_a_parent_leaks_reaches_the_broker():
    need_root("reading another process's descriptors")
    with Broker(QUIET, "sim:" + DEMO_XML, start=False) as broker, Leak() as leak:
        with open(broker.log_path, "ab") as log:
            broker.process = subprocess.Popen(
                broker.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=broker.path, start_new_session=True, pass_fds=leak.fds)
        broker.seen = 0
        wait_for("xmbroker to be ready", broker._ready)
        found = processes(broker)
        assert {"xmbroker", "xmbroker-server", "xmsim"} <= set(found), found
        for name, pid in found.items():
            leak.must_not_be_in(pid, name)


def test_nor_a_simulator_that_runs_by_itself():
    need_root("reading another process's descriptors")
    with Folder() as folder, Leak() as leak:
        sim = subprocess.Popen([program("xmsim"), "--config", DEMO_XML, "--dir",
                                folder.file("sim")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, pass_fds=leak.fds)
        try:
            wait_for("p0.ctl", lambda: os.path.exists(folder.file("sim/control")))
            wait_for("the serving process", lambda: children(sim.pid))
            for pid in [sim.pid] + children(sim.pid):
                leak.must_not_be_in(pid, "xmsim")
        finally:
            sim.terminate()
            assert sim.wait(20) == 0


def test_nor_the_compiler():
    with Folder() as folder, Leak() as leak:
        fifo = folder.file("xmbroker.yaml")
        os.mkfifo(fifo, 0o644)
        compiler = subprocess.Popen([program("xmbroker-compiler"), "--print-config", fifo],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    pass_fds=leak.fds)
        try:
            # It waits for whoever writes the file.
            wait_for("the filter", lambda: status_of(compiler.pid)["Seccomp"] == "2")
            if ROOT:
                leak.must_not_be_in(compiler.pid, "xmbroker-compiler")
            assert limits_of(compiler.pid)["Max processes"] == (0, 0)
        finally:
            compiler.kill()
            compiler.wait()


# ---- the compiler --------------------------------------------------------------------------------------

def test_a_compiler_killed_by_its_filter_is_said_to_be():
    with Broker(QUIET, start=False) as broker:
        done = start_patched({"xmbroker-compiler": "kill -SYS $$\n"}, broker)
        assert done.returncode == 2, done
        assert "the compiler was killed by signal 31 (SIGSYS): it made a system call that its " \
            "seccomp filter does not allow" in done.stderr, done.stderr


def test_the_compiler_reads_only_where_the_settings_lead():
    with Folder() as other, Folder() as third:
        with open(DEMO_XML) as f:
            description = f.read()
        named = other.file("system.xml", description)
        with Broker(QUIET.replace("version: 1\n", "version: 1\nsystem: %s # here\n" % named),
                    "sim:" + named, ["--audit", "none"]) as broker:
            # (Without a log, whose folder's folder is open too: here that is /tmp.)
            assert broker.calls(ALICE, "get_time 0") == [OK]
            # A folder that nothing led to when it started.
            moved = third.file("system.xml", description)
            broker.reload(QUIET.replace("version: 1\n", "version: 1\nsystem: %s\n" % moved))
            broker.wait_log("Permission denied")
            broker.wait_log("it may read only beneath /etc and /usr")
            broker.wait_log("the policy is bad: generation 1 stays in force")
            assert broker.calls(ALICE, "get_time 0") == [OK]


def test_a_policy_that_is_a_link_is_read():
    with Folder() as other:
        real = other.file("real.yaml", QUIET)
        with Broker(QUIET, start=False) as broker:
            os.unlink(broker.policy)
            os.symlink(real, broker.policy)
            broker.start()
            assert broker.calls(ALICE, "get_time 0") == [OK]
            broker.reload()
            broker.wait_log("policy reloaded")


# ---- violations ----------------------------------------------------------------------------------------

def test_a_server_killed_by_its_filter_is_reported_and_replaced():
    """SIGSYS from outside looks like one from within."""
    with Broker(QUIET) as broker:
        old = broker.child("xmbroker-server")
        os.kill(old, signal.SIGSYS)
        broker.wait_log("the server was killed by signal 31 (SIGSYS): it made a system call")
        broker.wait_log("starting the server again in 100 ms")
        broker.wait_log("the server serves again")
        assert broker.calls(ALICE, "get_time 0") == [OK]


def test_each_death_is_followed_by_a_longer_pause():
    with Broker(QUIET) as broker:
        for n, pause in enumerate((100, 200, 400), 1):
            os.kill(wait_for("a server", lambda: broker.child("xmbroker-server")), signal.SIGSYS)
            broker.wait_log("starting the server again in %d ms" % pause)
            broker.wait_log("the server serves again", n)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
