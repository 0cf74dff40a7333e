#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tools around the broker, and the protocol spoken by a client that is not ours."""

import json
import os
import subprocess

from harness import (ALICE, BOB, DEMO_XML, PYTHON, STAGE, Broker, Folder, Session, need_root,
                     program, run_all, wait_for)
from policies import ONE_USER, QUIET, TWO_USERS, only

OK = (0, "-")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_a_client_written_from_the_manual_page_alone():
    with Broker(only(ALICE, ["@time"])) as broker:
        done = broker.run(ALICE, [PYTHON, program("protocol_client.py"), broker.socket])
        assert done.returncode == 0, done
        allowed, refused = done.stdout.splitlines()
        assert allowed.startswith("XM_get_time: XM_OK "), done.stdout
        assert refused == "XM_halt_partition: XM_PERM_ERROR", done.stdout


def test_the_structures_of_that_client_are_those_that_travel():
    """Each that an operation without a policy of its own gives: the client refuses another length."""
    code = ("import sys; sys.path.insert(0, sys.argv[1]); from protocol_client import *\n"
            "with Client(sys.argv[2]) as client:\n"
            "    client.hello()\n"
            "    for op in OPERATIONS.values():\n"
            "        if any(a.type in ('struct', 'records') and a.out for a in op.arguments):\n"
            "            values = {'noLogs': 1, 'noAreas': 1}\n"
            "            args = [values.get(a.name, 0) for a in op.arguments if not a.out]\n"
            "            if all(a.type in RANGES for a in op.arguments if not a.out):\n"
            "                print(op.name, client.call(op.number, args)[0])\n")
    with Broker(only(ALICE, ["@status"])) as broker:
        done = broker.run(ALICE, [PYTHON, "-c", code, STAGE, broker.socket])
        assert done.returncode == 0, done
        for name in ("XM_get_PCT", "XM_get_partition_mmap", "XM_get_system_status"):
            assert name + " 0\n" in done.stdout, done.stdout


def ctl(broker, uid, *args):
    return broker.run(uid, [program("xmbrokerctl"), "--socket", broker.socket, *args])


def test_ctl_is_decided_by_the_policy():
    need_root()
    with Broker(TWO_USERS) as broker:
        done = ctl(broker, 0, "status")
        assert done.returncode == 0 and "loopback" in done.stdout, done
        done = ctl(broker, ALICE, "status")
        assert done.returncode == 1 and "broker_status" in done.stderr, done
        assert broker.records(op="broker_status", decision="deny", uid=ALICE)
        broker.reload(only(ALICE, ["broker_status"]))
        broker.wait_log("generation 2")
        assert ctl(broker, ALICE, "status").returncode == 0
        assert ctl(broker, ALICE, "sessions").returncode == 1


def test_ctl_status_for_programs():
    with Broker(only(ALICE, ["@broker"]), args=["--max-sessions", "77"]) as broker:
        done = ctl(broker, ALICE, "--json", "status")
        assert done.returncode == 0, done
        status = json.loads(done.stdout)
        numbers = {key: status.pop(key) for key in
                   "uptime_s partition n_partitions generation rules sessions max_sessions setup "
                   "users throttled calls allowed denied guarded refused_unaudited forwarded".split()}
        assert all(type(n) is int for n in numbers.values()), numbers
        assert (numbers["partition"], numbers["n_partitions"]) == (0, 3), numbers
        assert (numbers["sessions"], numbers["max_sessions"]) == (1, 77), numbers
        assert status.pop("policy") and status.pop("version"), status
        assert status == {"backend": "loopback", "profile": "3.x", "hypervisor": "connected",
                          "policy_state": "confirmed", "audit": "ok"}, status
        done = ctl(broker, ALICE, "status")
        assert "sessions: 1 of 77\n" in done.stdout and "uptime: " in done.stdout, done


def test_ctl_reload_tells_what_the_compiler_said():
    policy = only(ALICE, ["@time", "@broker"])
    with Broker(policy) as broker:
        assert ctl(broker, ALICE, "reload").returncode == 0
        broker.file("policy.yaml", "version: 1\nrolls: {}\n")
        done = ctl(broker, ALICE, "reload")
        assert done.returncode == 1, done
        assert ":2:1: error:" in done.stdout + done.stderr, done
        assert broker.calls(ALICE, "get_time 0") == [OK]


def test_ctl_sessions_and_kick():
    need_root()
    with Broker(TWO_USERS) as broker, Session(broker, ALICE) as alice, Session(broker, BOB) as bob:
        assert alice.call("get_time 0") == OK and bob.call("get_time 0") == OK
        done = ctl(broker, 0, "sessions")
        assert str(ALICE) in done.stdout and str(BOB) in done.stdout, done
        assert ctl(broker, 0, "kick", str(ALICE)).returncode == 0
        wait_for("the kick", lambda: broker.records(type="session", event="close", uid=ALICE))
        assert not broker.records(type="session", event="close", uid=BOB)
        # The library comes back by itself, as whoever the process is now.
        assert alice.call("get_time 0") == OK


def test_ctl_sessions_tells_what_each_holds():
    need_root()
    with Broker(ONE_USER) as broker, Session(broker, ALICE) as alice:
        assert alice.call("create_sampling attitude 64 2 1000000")[0] == 0
        assert alice.call("create_queuing commands 8 128 2")[0] == 2
        alice.call("hm_read")
        done = ctl(broker, 0, "--json", "sessions")
        mine = [s for s in json.loads(done.stdout) if s["uid"] == ALICE]
        assert len(mine) == 1, done
        assert mine[0]["ports"] == ["attitude", "commands"], mine
        assert mine[0]["logs"] == [{"log": "hm", "position": 0}], mine
        assert mine[0]["calls"] == 3 and mine[0]["bytes"] > 0 and mine[0]["age"] >= 0, mine
        done = ctl(broker, 0, "sessions")
        assert "attitude,commands" in done.stdout and "hm:0" in done.stdout, done


def test_session_max_age_makes_a_new_session():
    with Broker(QUIET, args=["--session-max-age", "1"]) as broker, Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        wait_for("the end of the session", lambda: broker.records(type="session", event="close"))
        assert session.call("get_time 0") == OK


def test_audit_tools():
    with Broker(ONE_USER) as broker:
        broker.calls(ALICE, "suspend 1", "resume 1", "halt_system", "console hello")
        broker.stop()
        done = run(program("xmaudit"), "tail", broker.audit)
        assert done.returncode == 0, done
        assert "XM_suspend_partition" in done.stdout and "XM_halt_system" in done.stdout, done
        done = run(program("xmaudit"), "search", "--decision", "deny", broker.audit)
        lines = [l for l in done.stdout.splitlines() if l]
        assert len(lines) == 1 and "XM_halt_system" in lines[0], done
        done = run(program("xmaudit"), "search", "--op", "XM_write_console", "--json", broker.audit)
        records = [json.loads(l) for l in done.stdout.splitlines()]
        assert records and all(r["op"] == "XM_write_console" for r in records
                               if r.get("type") == "decision"), done
        done = run(program("xmaudit"), "search", "--op", "XM_no_such", broker.audit)
        assert done.returncode == 2, done


def test_audit_log_that_cannot_be_written_refuses():
    if not os.path.exists("/dev/full"):
        raise AssertionError("no /dev/full")
    with Broker(ONE_USER, start=False) as broker:
        os.symlink("/dev/full", broker.audit)
        done = run(*broker.command)
        assert done.returncode != 0 and "audit" in done.stderr, done


def test_explain_names_rule_and_nearest_miss():
    with Folder() as folder:
        policy = folder.file("policy.yaml", TWO_USERS)
        explain = [program("xmpolicy"), "explain", "--system", DEMO_XML, "--policy", policy, "--as",
                   "user:%d" % ALICE]
        done = run(*explain, "XM_suspend_partition(payload)")
        assert done.returncode == 0 and "policy.yaml:9:" in done.stdout, done
        done = run(*explain, "XM_suspend_partition(2)")
        assert done.returncode == 1 and "policy.yaml:10:" in done.stdout, done
        assert "partitionId" in done.stdout, done
        done = run(*explain, "--json", "XM_halt_partition(1)")
        answer = json.loads(done.stdout)
        assert done.returncode == 1 and answer["decision"] == "deny", done
        done = run(*explain, "XM_halt_partitoin(1)")
        assert done.returncode == 2 and "XM_halt_partition" in done.stderr, done
        done = run(program("xmpolicy"), "check", "--system", DEMO_XML, policy)
        assert done.returncode == 0, done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
