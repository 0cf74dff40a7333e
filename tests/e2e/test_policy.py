#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job: several users, one policy, the unchanged API, and the record of it."""

import os
import signal
import subprocess

from harness import (ALICE, BOB, CAROL, DEMO_XML, ROOT, XML_2X, Broker, Folder, Session, need_root, program,
                     run_all)
from policies import ONE_USER, QUIET, TWO_USERS, TWO_USERS_SUSPEND_LINE, only

OK = (0, "-")
PERM_24 = (-3, "EPERM")
PERM_3X = (-4, "EPERM")


def test_two_users_one_policy():
    need_root()
    for backend in ("loopback", "sim:" + DEMO_XML):
        with Broker(TWO_USERS, backend) as broker:
            alice = broker.calls(ALICE, "suspend 1", "status 1", "resume 1", "suspend 2", "halt 1",
                                 "get_time 0")
            assert alice == [OK, (2, "-"), OK, PERM_3X, PERM_3X, OK], alice
            bob = broker.calls(BOB, "suspend 1", "status 1", "get_time 0", "console hello")
            assert bob == [PERM_3X, (1, "-"), OK, PERM_3X], bob


def test_refusals_are_recorded_with_their_rule_or_its_absence():
    need_root()
    with Broker(TWO_USERS) as broker:
        broker.calls(ALICE, "suspend 1", "suspend 2", "halt 1")
        broker.calls(BOB, "suspend 1")
        broker.calls(CAROL, "get_time 0")
        broker.stop()
        denied = broker.records(type="decision", decision="deny")
        assert [(r["uid"], r["op"], r["why"]) for r in denied] == [
            (ALICE, "XM_suspend_partition", "no rule"), (ALICE, "XM_halt_partition", "rule"),
            (BOB, "XM_suspend_partition", "no rule"), (CAROL, "XM_get_time", "no rule")], denied
        assert denied[1]["because"] == "halting goes through the sequencer"
        assert denied[0]["args"] == {"partitionId": 2}
        allowed = broker.records(type="decision", decision="allow")
        assert [r["rule"].split(":")[-2] for r in allowed] == [str(TWO_USERS_SUSPEND_LINE)], allowed
        result = broker.records(type="result")
        assert [(r["id"], r["result"]) for r in result] == [(allowed[0]["id"], "XM_OK")]
        sequence = [r["seq"] for r in broker.records()]
        assert sequence == list(range(1, len(sequence) + 1)), sequence


def test_a_user_in_no_grant_initialises_and_gets_eperm_from_everything():
    need_root()
    lines = ["get_time 0", "suspend 1", "resume 1", "halt 1", "reset 1 0 0", "shutdown 1",
             "status 1", "plan 1", "halt_system", "reset_system 0", "console x", "bad_pointer",
             "null_pointer", "halt 99", "create_queuing commands 8 128 2"]
    with Broker(TWO_USERS) as broker:
        assert broker.calls(CAROL, *lines) == [PERM_3X] * len(lines)
        old = broker.calls(CAROL, *lines, program_name="tests/call24")
        # Creation hides the hypervisor's reason in 2.x, but not a refusal.
        assert old == [PERM_24] * len(lines), old
        assert broker.calls(CAROL, "self") == [(0, "-")]


def test_a_group_gives_what_the_user_alone_lacks():
    need_root()
    policy = """\
version: 1
roles:
  look: [{allow: "@time"}]
  plans: [{allow: "@plan"}]
grants:
  - {to: "group:31001", roles: [look]}
  - {to: {all: ["group:31001", "group:31002"]}, roles: [plans]}
"""
    with Broker(policy) as broker:
        assert broker.calls(ALICE, "get_time 0", groups=[31001]) == [OK]
        assert broker.calls(ALICE, "plan 1", groups=[31001]) == [PERM_3X]
        assert broker.calls(ALICE, "plan 1", groups=[31001, 31002]) == [OK]
        assert broker.calls(ALICE, "get_time 0", groups=[31002]) == [PERM_3X]


def test_more_groups_than_usual():
    """Long lists take other ways through the C library; none may need what the box forbids."""
    need_root()
    groups = list(range(40000, 41000))
    policy = "version: 1\nroles: {r: [{allow: '@time'}]}\ngrants:\n" + "".join(
        "  - {to: \"group:%d\", roles: [r]}\n" % g for g in groups)
    with Broker(policy) as broker:
        server = broker.child("xmbroker-server")
        assert broker.calls(ALICE, "get_time 0", groups=groups[::-1]) == [OK]
        broker.reload()
        broker.wait_log("generation 2")
        assert broker.calls(ALICE, "get_time 0", groups=groups) == [OK]
        assert broker.child("xmbroker-server") == server


def test_the_overflow_user_never_matches():
    need_root()
    policy = "version: 1\nroles: {r: [{allow: '@time'}]}\ngrants: [{to: everyone, roles: [r]}]\n"
    with open("/proc/sys/kernel/overflowuid") as f:
        overflow = int(f.read())
    with Broker(policy) as broker:
        assert broker.calls(BOB, "get_time 0") == [OK]
        assert broker.calls(overflow, "get_time 0") == [PERM_3X]
        assert [r["why"] for r in broker.records(decision="deny")] == ["overflow id"]


def test_same_decision_and_result_whichever_way():
    for backend in ("loopback", "sim:" + DEMO_XML):
        with Broker(ONE_USER, backend) as broker:
            lines = ["console abc function", "console abc object", "console abc hcall"]
            assert broker.calls(ALICE, *lines) == [(3, "-")] * 3
            suspend = broker.calls(ALICE, "suspend 1 function", "resume 1", "suspend 1 hcall",
                                   "resume 1")
            assert suspend == [OK] * 4, suspend
            old = broker.calls(ALICE, *lines, program_name="tests/call24")
            assert old == [(3, "-")] * 3, old
            records = broker.records(type="decision", op="XM_write_console")
            assert len(records) == 6
            assert len({(str(r["args"]), r["rule"], r["decision"]) for r in records}) == 1
        with Broker(only(ALICE, ["@time"]), backend) as broker:
            refused = broker.calls(ALICE, *lines)
            assert refused == [PERM_3X] * 3, refused
            records = broker.records(type="decision", op="XM_write_console")
            assert len({(str(r["args"]), r["decision"], r["why"]) for r in records}) == 1


def test_a_console_write_is_as_long_as_the_hypervisor_allows():
    lines = ["console_bytes %d" % n for n in (128, 129, 3000000)]
    with Broker(only(ALICE, ["@console"]), "sim:" + DEMO_XML) as broker:
        answers = broker.calls(ALICE, *lines)
        assert answers == [(128, "-"), (-3, "EINVAL"), (-3, "EINVAL")], answers
    with Broker(only(ALICE, ["@console"]), "sim:" + XML_2X) as broker:
        answers = broker.calls(ALICE, *lines, program_name="tests/call24")
        assert answers == [(128, "-"), (129, "-"), (3000000, "-")], answers


def test_what_no_row_covers_is_refused_and_recorded():
    with Broker(ONE_USER) as broker:
        answers = broker.calls(ALICE, "hcall 45", "hcall 1000", "hcall 14 0x01000000 99 0",
                               "hcall 12 0x7f000000 0 0")
        assert [a[0] for a in answers] == [-2, -2, -7, -3], answers
        assert len(broker.records(op="unclassified", decision="deny")) == 4


def test_bad_pointers_are_errors_not_crashes():
    with Broker(ONE_USER) as broker:
        answers = broker.calls(ALICE, "bad_pointer", "null_pointer", "get_time 0")
        assert answers == [(-3, "EINVAL"), (-3, "EINVAL"), OK], answers
        guarded = broker.records(guard="XM_INVALID_PARAM")
        assert [r["args"]["time"] for r in guarded] == ["fault", "null"], guarded


def test_flags_that_nobody_wants_may_be_null():
    for backend in "loopback", "sim:" + DEMO_XML:
        with Broker(only(ALICE, ["@ports"]), backend) as broker:
            for client in "tests/call", "tests/call24":
                answers = broker.calls(ALICE, "sample hk-1 64 1000000", program_name=client)
                assert answers == [OK], (backend, client, answers)


def test_a_2_4_program_on_a_3_x_system():
    with Broker(QUIET, "sim:" + DEMO_XML) as broker:
        answers = broker.calls(
            ALICE, "suspend 1", "suspend 1", "status 1", "resume 1", "resume 1", "halt 1",
            "status 1", "reset 1 0 5", "status 1", "suspend 99", "plan 1", "self",
            program_name="tests/call24")
        # What 3.x calls NO_ACTION is success in 2.4; codes and errno are those of 2.4.
        assert answers == [OK, OK, (2, "-"), OK, OK, OK, (3, "-"), OK, (1, "-"), (-2, "EINVAL"),
                           OK, (0, "-")], answers
        full = broker.calls(ALICE, "create_queuing commands 8 128 2", program_name="tests/call24")
        port = full[0][0]
        assert port >= 0, full
        sends = broker.calls(ALICE, "create_queuing commands 8 128 2",
                             *["send %d message" % port] * 9, program_name="tests/call24")
        assert sends[1:] == [OK] * 8 + [(-6, "EAGAIN")], sends


def test_a_live_session_is_decided_by_the_new_policy():
    with Broker(only(ALICE, ["@time"])) as broker, Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        assert session.call("plan 1") == PERM_3X
        broker.reload(only(ALICE, ["@plan"]))
        broker.wait_log("generation 2")
        assert session.call("plan 1") == OK
        assert session.call("get_time 0") == PERM_3X
        generations = [r["generation"] for r in broker.records(type="decision")]
        assert generations == [1, 1, 2, 2], generations


def test_a_broken_policy_at_reload_keeps_the_last_good_one():
    with Broker(only(ALICE, ["@time"])) as broker:
        broker.reload("version: 1\nroles:\n  some:\n    - allow: XM_get_tim\n")
        broker.wait_log("policy.yaml:4:14: error:")
        broker.wait_log("stays in force")
        assert "did you mean" in broker.log()
        assert broker.calls(ALICE, "get_time 0", "plan 1") == [OK, PERM_3X]
        broker.reload(only(ALICE, ["@plan"]))
        broker.wait_log("generation 2")
        assert broker.calls(ALICE, "plan 1") == [OK]


def test_a_broken_policy_at_start_starts_nothing():
    with Folder() as folder:
        policy = folder.file("policy.yaml", "version: 1\nroles:\n  a:\n    - alow: XM_get_time\n"
                                            "grants:\n  - {to: everyone, roles: [b]}\n")
        os.mkdir(folder.file("run"))
        command = [program("xmbroker"), "--policy", policy, "--socket", folder.file("run/socket"),
                   "--audit", folder.file("audit.jsonl"), "--backend", "loopback"]
        if ROOT:
            command += ["--user", "20009:20009"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2, done
        lines = done.stderr.splitlines()
        assert any(":4:7: error:" in line for line in lines), done.stderr
        assert any(":6:28: error:" in line for line in lines), done.stderr
        assert "    - alow: XM_get_time" in done.stderr and "^" in done.stderr
        assert os.listdir(folder.file("run")) == [], os.listdir(folder.file("run"))
        assert not os.path.exists(folder.file("audit.jsonl"))


def test_check_starts_nothing_and_says_good_or_bad():
    with Broker(TWO_USERS, start=False) as broker:
        done = subprocess.run(broker.command + ["--check"], capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 0, done
        assert os.listdir(broker.file("run")) == []
        broker.file("policy.yaml", "version: 2\n")
        done = subprocess.run(broker.command + ["--check"], capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 2 and "policy.yaml:1:10" in done.stderr, done


def test_check_says_what_is_wrong_and_where():
    def check(*args):
        done = subprocess.run(broker.command + ["--check", *args], capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 2, done
        return done.stderr

    with Broker(TWO_USERS, "sim:" + DEMO_XML, start=False) as broker:
        said = check("--partition", "7")
        assert DEMO_XML + ": error: the system has no partition 7" in said, said
        said = check("--console", broker.file("nowhere/console"))
        assert "cannot write to" in said and "nowhere/console: No such file" in said, said
        said = check("--console", broker.file("run"))
        assert "Is a directory" in said, said


def test_configuration_file_and_options():
    with Broker(QUIET, start=False) as broker:
        config = broker.file("xmbroker.yaml", "policy: \"%s\"\nsocket: \"%s\"\nbackend: loopback\n"
                             "audit: \"%s\"\n" % (broker.policy, broker.socket, broker.audit))
        broker.command = [program("xmbroker"), "--config", config] + (
            ["--user", "20009:20009"] if ROOT else [])
        broker.start()
        assert broker.calls(ALICE, "get_time 0") == [OK]
        broker.stop()
        broker.file("xmbroker.yaml", "polcy: x\n")
        done = subprocess.run(broker.command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2, done
        assert "xmbroker.yaml:1:1: error:" in done.stderr and "policy" in done.stderr, done.stderr


def test_sighup_under_calls_never_fails_one():
    with Broker(QUIET) as broker, Session(broker, ALICE) as session:
        for _ in range(5):
            broker.process.send_signal(signal.SIGHUP)
            for _ in range(200):
                assert session.call("get_time 0") == OK


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
