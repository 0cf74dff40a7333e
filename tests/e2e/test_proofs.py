#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What xmpolicy proves of policies as large as they get, and that what it prints as a command line shows,
run by a shell, what it says."""

import json
import os
import re
import subprocess
import time

from big_policy import BigPolicy
from harness import Folder, program, run_all

# Allowed to members of both groups only, of one masked argument, on Saturday nights.
TWO_GROUPS = """version: 1
system: "loopback:"
roles:
  night-shift:
    - allow: XM_reset_partition
      where: {partitionId: [1, 2], status: {mask: 0xF0, is: 0x10}}
  rail:
    - deny: XM_reset_partition
      where: {status: 0..0x1f}
grants:
  - {to: everyone, roles: rail}
  - to: {all: ["group:5", "group:6"]}
    roles: night-shift
    hours: "22:00-02:00"
    days: sat
    offset: "+02:00"
never:
  - {calls: "@partition", where: {partitionId: 2}, except: ["user:0", %s]}
"""
ODD_FOLDERS = ("plain", "with blanks", "an admin's", '"quoted" $HOME `id`; #*', "back\\slash", "caf\u00e9")


def run(*args, cwd=None):
    done = subprocess.run([program("xmpolicy"), *args], capture_output=True, text=True, cwd=cwd,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def in_a_shell(command, cwd=None):
    """The exit status of a printed command line, which begins with the name of the program."""
    path = os.path.dirname(program("xmpolicy")) + ":" + os.environ["PATH"]
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=cwd,
                          env=dict(os.environ, PATH=path), check=False)
    return done.returncode, done.stdout + done.stderr


def counterexample(err):
    commands = re.findall(r"see: (xmpolicy explain .*)", err)
    assert len(commands) == 1, err
    return commands[0]


def test_never_refuses_what_two_groups_may_by_one_mask_in_one_window():
    for name in ODD_FOLDERS:
        with Folder() as folder:
            os.mkdir(os.path.join(folder.path, name))
            policy = folder.file(os.path.join(name, "p.yaml"), TWO_GROUPS % '"group:7"')
            status, out, err = run("check", policy)
            assert status == 1 and "this is allowed to somebody" in err, (out, err)
            command = counterexample(err)
            for part in ("group:5,group:6", "XM_reset_partition(2, "):
                assert part in command, command
            status, said = in_a_shell(command)
            assert status == 0 and "allowed" in said, (command, said)
            # In neither group alone, at no other time, with no other bits.
            for old, new in ((",group:6", ""), ("group:5,", ""), ("T2", "T1"), ("272)", "256)")):
                assert old in command, command
                status, said = in_a_shell(command.replace(old, new))
                assert status == 1 and "denied" in said, (command, said)
            folder.file(os.path.join(name, "p.yaml"),
                        TWO_GROUPS % '{all: ["group:6", "group:5"]}')
            assert run("check", policy)[0] == 0


def test_a_system_given_on_the_command_line_is_in_the_counterexample():
    with Folder() as folder:
        text = TWO_GROUPS.replace('system: "loopback:"\n', "") % '"group:7"'
        policy = folder.file("it's.yaml", text)
        status, _, err = run("check", "--system", "loopback:", "--partition", "1", policy)
        command = counterexample(err)
        assert status == 1 and "--system loopback:" in command, err
        assert in_a_shell(command)[0] == 0, command


def change_one_bound(policy):
    """Widens one range of one rule by one; returns the operation and the value that is new."""
    for rule in policy.roles["role-77"]:
        if rule.effect == "allow" and ".." in rule.where.get("status", ""):
            low, high = rule.where["status"].split("..")
            rule.where["status"] = "%s..%d" % (low, int(high) + 1)
            return rule.ops[0], int(high) + 1
    raise AssertionError("no such rule")


def diff(old, new, *args):
    began = time.monotonic()
    status, out, err = run("diff", "--json", *args, old, new)
    assert status in (0, 1), err
    print("# diff: %.1f s" % (time.monotonic() - began))
    return status, json.loads(out)


def test_one_changed_bound_among_ten_thousand_rules_is_found():
    with Folder() as folder:
        policy = BigPolicy(1)
        old = folder.file("old.yaml", policy.text())
        op, value = change_one_bound(policy)
        new = folder.file("new.yaml", policy.text())
        status, answer = diff(old, new)
        assert (status, answer["relation"]) == (1, "wider"), answer
        decisions = [c for c in answer["changes"] if c["kind"] == "allowed"]
        assert decisions and all(c["op"] == op for c in answer["changes"]), answer
        for change in decisions:
            assert "status is %d" % value in change["where"], change
            assert in_a_shell(change["command"])[0] == 0, change
            assert in_a_shell(change["command"].replace(new, old))[0] == 1, change
        assert len(decisions) == 1 and not decisions[0]["more"], answer
        status, answer = diff(new, old)
        assert (status, answer["relation"]) == (1, "narrower"), answer


def test_the_same_ten_thousand_rules_otherwise_written_are_equal():
    with Folder() as folder:
        policy = BigPolicy(1)
        old = folder.file("old.yaml", policy.text())
        policy.shuffle(2)
        status, answer = diff(old, folder.file("new.yaml", policy.text(block=True)))
        assert (status, answer["relation"], answer["same"]) == (0, "equal", True), answer
        policy.split()
        policy.shuffle(3)
        split = folder.file("split.yaml", policy.text())
        status, answer = diff(old, split)
        assert (status, answer["relation"], answer["same"]) == (0, "equal", True), answer
        policy.merge()
        status, answer = diff(split, folder.file("merged.yaml", policy.text()))
        assert (status, answer["relation"], answer["same"]) == (0, "equal", True), answer


def test_two_large_policies_that_have_nothing_to_do_with_each_other():
    with Folder() as folder:
        old = folder.file("old.yaml", BigPolicy(1).text())
        new = folder.file("new.yaml", BigPolicy(2).text())
        status, answer = diff(old, new, "--partition", "0")
        assert (status, answer["relation"]) == (1, "incomparable"), answer["relation"]
        kinds = {(change["op"], change["kind"]) for change in answer["changes"]}
        assert {("XM_reset_partition", "allowed"), ("XM_reset_partition", "denied")} <= kinds
        for change in answer["changes"][::97]:
            status = in_a_shell(change["command"])[0]
            assert status == (0 if change["new"]["decision"] == "allow" else 1), change
        # Beyond the budget it is undecided, and that is a failure.
        status, answer = diff(old, new, "--budget", "1000")
        assert (status, answer["relation"], answer["same"]) == (1, "undecided", False), answer


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
