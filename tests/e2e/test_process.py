#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes: what each may do, how they start, die, come back and end."""

import os
import signal
import socket
import subprocess
import time

from harness import (ALICE, BUILD, DEMO_XML, ROOT, SERVER, TOP, Broker, Session, children, need_root,
                     process_name, program, run_all, wait_for)
from policies import ONE_USER, QUIET

OK = (0, "-")


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def maps_of(pid):
    with open("/proc/%d/maps" % pid) as f:
        return f.read()


def test_server_and_simulator_have_nothing_to_give():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        broker.calls(ALICE, "get_time 0")
        for name in ("xmbroker-server", "xmsim"):
            pid = broker.child(name)
            status = status_of(pid)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(status[kind], 16) == 0, (name, kind, status[kind])
            assert status["NoNewPrivs"] == "1", name
            assert status["Seccomp"] == "2", name
            if ROOT:
                assert int(status["CapBnd"], 16) == 0, (name, status["CapBnd"])
                assert status["Uid"].split() == [str(SERVER)] * 4, name
                assert status["Gid"].split() == [str(SERVER)] * 4, name
                assert status["Groups"].strip() == "", name


def test_supervisor_keeps_few_capabilities():
    need_root("capabilities")
    with Broker(QUIET) as broker:
        status = status_of(broker.process.pid)
        allowed = {5: "kill", 6: "setgid", 7: "setuid", 8: "setpcap", 18: "sys_chroot"}
        effective = int(status["CapEff"], 16)
        assert all(bit in allowed for bit in range(64) if effective >> bit & 1), status["CapEff"]


def test_server_process_has_no_parser_in_it():
    need_root("reading another process's maps")
    with Broker(QUIET) as broker:
        for pid in (broker.process.pid, broker.child("xmbroker-server")):
            maps = maps_of(pid)
            assert "libc.so" in maps
            for library in ("libyaml", "libexpat", "libjansson"):
                assert library not in maps, (process_name(pid), library)


def test_processes_do_not_share_an_address_layout():
    need_root("reading another process's maps")
    with Broker(QUIET) as broker:
        def libc(pid):
            return next(l.split("-")[0] for l in maps_of(pid).splitlines() if "libc.so" in l)
        assert libc(broker.process.pid) != libc(broker.child("xmbroker-server"))


def test_server_holds_only_named_descriptors():
    need_root("reading another process's descriptors")
    with Broker(QUIET) as broker:
        pid = broker.child("xmbroker-server")
        found = [os.readlink("/proc/%d/fd/%s" % (pid, fd))
                 for fd in os.listdir("/proc/%d/fd" % pid)]
        assert len(found) <= 10, found
        assert not any(f.startswith("/") and f not in ("/dev/null", broker.audit, broker.log_path)
                       and not f.startswith("/memfd:") for f in found), found


def test_stop_leaves_nothing():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        pids = children(broker.process.pid)
        assert len(pids) >= 2
        assert broker.stop() == 0, broker.log()
        assert os.listdir(broker.file("run")) == []
        assert not any(os.path.exists("/proc/%d" % pid) for pid in pids)


def test_killed_supervisor_takes_all_with_it():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        pids = children(broker.process.pid)
        broker.process.kill()
        broker.process.wait()
        wait_for("the children to go", lambda: not any(
            process_name(pid) in ("xmbroker-server", "xmsim") for pid in pids))
        # And what it left in the file system does not hinder the next one.
        broker.start()
        assert broker.calls(ALICE, "get_time 0") == [OK]


def test_killed_server_is_replaced_and_clients_reconnect():
    with Broker(QUIET) as broker, Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        old = broker.child("xmbroker-server")
        os.kill(old, signal.SIGKILL)
        wait_for("a new server", lambda: broker.child("xmbroker-server") not in (None, old))
        broker.wait_log("SIGKILL")
        wait_for("an answer", lambda: session.call("get_time 0") == OK)


def test_a_reload_reaches_a_server_that_is_still_starting():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        assert broker.calls(ALICE, "get_time 0") == [OK]
        sim, old = broker.child("xmsim"), broker.child("xmbroker-server")
        os.kill(sim, signal.SIGSTOP)  # the new server waits for its greeting
        try:
            os.kill(old, signal.SIGKILL)
            wait_for("a new server", lambda: broker.child("xmbroker-server") not in (None, old))
            # What the compiler warns of is in the log before the server could have said anything.
            broker.reload(QUIET.replace('"@time", ', "").replace(
                "  all:\n", "  all:\n    - allow: XM_halt_partition\n"))
            broker.wait_log("warning:")
        finally:
            os.kill(sim, signal.SIGCONT)
        broker.wait_log("the server serves again")
        assert broker.calls(ALICE, "get_time 0") == [(-4, "EPERM")]


def test_a_policy_that_does_not_fit_the_hypervisor_is_not_kept_for_the_next_server():
    def naming(system):
        return QUIET.replace("version: 1\n", "version: 1\nsystem: %s\n" % system)

    with Broker(naming("here.xml"), start=False) as broker:
        with open(DEMO_XML) as f:
            broker.file("here.xml", f.read())
        with open(os.path.join(TOP, "tests/system/good/everything.xml")) as f:
            broker.file("other.xml", f.read())
        folder = broker.file("sim")
        os.mkdir(folder)
        sim = subprocess.Popen([program("xmsim"), "--config", DEMO_XML, "--dir", folder],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            hypervisor = os.path.join(folder, "p0.ctl")
            wait_for("p0.ctl", lambda: os.path.exists(hypervisor))
            broker.command[broker.command.index("--backend") + 1] = "xmsim:" + hypervisor
            broker.start()
            broker.reload(naming("other.xml"))
            broker.wait_log("the server refused the new policy: generation 1 stays in force")
            os.kill(broker.child("xmbroker-server"), signal.SIGKILL)
            broker.wait_log("the server serves again")
            assert broker.calls(ALICE, "get_time 0") == [OK]
            broker.reload(naming("here.xml"))
            broker.wait_log("policy reloaded: generation 3 is in force")
        finally:
            broker.stop()
            sim.terminate()
            assert sim.wait(20) == 0


def test_killed_simulator_is_replaced():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker, Session(broker, ALICE) as session:
        assert session.call("suspend 1") == OK
        os.kill(broker.child("xmsim"), signal.SIGKILL)
        answer = wait_for("an answer", lambda: (lambda a: a if a[0] >= 0 else None)(
            session.call("status 1")))
        assert answer == (1, "-"), answer  # a new system: nothing is suspended in it


def test_hypervisor_gone_is_told_and_not_repeated():
    policy = ONE_USER.replace('"@partition"]', '"@partition", "@system"]')
    with Broker(policy, "sim:" + DEMO_XML) as broker, Session(broker, ALICE) as session:
        assert session.call("halt_system") == (-6, "ECONNRESET")
        assert session.call("get_time 0")[0] == -6
        results = broker.records(type="result")
        assert results[0]["result"] == "unknown", results
        assert len(broker.records(type="decision", op="XM_halt_system")) == 1


def test_reset_system_comes_back():
    policy = ONE_USER.replace('"@partition"]', '"@partition", "@system"]')
    with Broker(policy, "sim:" + DEMO_XML) as broker, Session(broker, ALICE) as session:
        assert session.call("reset_system 1") == (-6, "ECONNRESET")
        wait_for("the hypervisor", lambda: session.call("get_time 0") == OK)


def test_missing_broker_is_reported_like_a_missing_device():
    with Broker(QUIET, start=False) as broker:
        done = broker.run(ALICE, [program("tests/call24")], input="")
        assert done.returncode == 255, done
        assert done.stderr == ("error: init_libxm  open /dev/xmctl: No such file or directory\n"), \
            done.stderr


def test_second_broker_on_the_same_socket_is_refused():
    with Broker(QUIET) as broker:
        done = subprocess.run(broker.command, capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and "already running" in done.stderr, done
        assert broker.calls(ALICE, "get_time 0") == [OK]


def test_notify_and_socket_activation():
    with Broker(QUIET, start=False) as broker:
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(broker.file("notify"))
        listen = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listen.bind(broker.socket)
        os.chmod(broker.socket, 0o666)
        listen.listen()
        script = ("import os, sys; os.dup2(int(sys.argv[1]), 3); "
                  "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
                  "os.execv(sys.argv[2], sys.argv[2:])")
        with open(broker.log_path, "ab") as log:
            broker.process = subprocess.Popen(
                ["python3", "-c", script, str(listen.fileno())] + broker.command,
                env=dict(os.environ, NOTIFY_SOCKET=broker.file("notify")), stdout=log, stderr=log,
                pass_fds=[listen.fileno()], stdin=subprocess.DEVNULL)
        notify.settimeout(20)
        message = notify.recv(4096).decode()
        assert "READY=1" in message, message
        assert broker.calls(ALICE, "get_time 0") == [OK]
        assert broker.stop() == 0
        # The socket belongs to whoever passed it.
        assert os.path.exists(broker.socket)
        notify.close()
        listen.close()


def test_simulator_alone_serves_libxm_directly():
    with Broker(QUIET, start=False) as broker:
        folder = broker.file("sim")
        os.mkdir(folder)
        with open(broker.log_path, "ab") as log:
            sim = subprocess.Popen([program("xmsim"), "--config", DEMO_XML, "--dir", folder],
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            broker.socket = os.path.join(folder, "p0.ctl")
            wait_for("p0.ctl", lambda: os.path.exists(broker.socket))
            uid = os.geteuid()
            assert broker.calls(uid, "self", "suspend 1", "status 1", "resume 1",
                                "console hi") == [(0, "-"), OK, (2, "-"), OK, (2, "-")]
            broker.socket = os.path.join(folder, "p1.ctl")
            # An ordinary partition may not manage others: the hypervisor's own answer.
            assert broker.calls(uid, "self", "suspend 2") == [(1, "-"), (-4, "EPERM")]
        finally:
            sim.terminate()
            assert sim.wait(20) == 0
        assert os.listdir(folder) == []


def test_versions_and_help():
    for name in ("xmbroker", "xmbroker-server", "xmbroker-compiler", "xmsim", "xmpolicy", "xmaudit",
                 "xmbrokerctl"):
        done = subprocess.run([program(name), "--version"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.startswith(name + " "), done
        done = subprocess.run([program(name), "--no-such-option"], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr, (name, done)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
