#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""xmpolicy learn and replay on logs of all sorts, that no broker wrote: nothing superfluous is learned,
nothing silently, and nothing that stands in a log becomes part of a policy."""

import copy
import json
import os
import random
import re
import subprocess

from plain_yaml import load
from harness import DEMO_XML, Folder, program, run_all

SEED = int(os.environ.get("XM_SEED", "1"))
START = {"type": "start", "version": "0.1.0", "pid": 1, "backend": "sim", "partition": 0}


def xmpolicy(*args):
    done = subprocess.run([program("xmpolicy")] + list(args), capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def record(members, time="2026-11-21T06:56:38.475958Z"):
    return json.dumps(dict({"seq": 1, "time": time, "mono": 1}, **members)) + "\n"


def call(op, args=None, uid=42000, groups=(42000,), why="no rule", **more):
    return record(dict({"type": "decision", "id": 1, "session": 1, "uid": uid, "gid": groups[0],
                        "groups": list(groups), "pid": 1, "comm": "x", "cgroup": "/",
                        "profile": "3.x", "op": op, "args": args or {}, "decision": "deny",
                        "why": why, "policy": "00", "generation": 1}, **more))


def suspend(partition, **more):
    return call("XM_suspend_partition", {"partitionId": partition}, **more)


def reset(partition, mode, status, **more):
    return call("XM_reset_partition",
                {"partitionId": partition, "resetMode": mode, "status": status}, **more)


def port(name, **more):
    return call("XM_create_sampling_port", {"partitionId": 0, "portName": name, "maxMsgSize": 64,
                                            "direction": 1, "validPeriod": 0}, **more)


def log_of(folder, *lines):
    return folder.file("audit.jsonl", record(START) + "".join(lines))


def learn(log, *options):
    """The exit status, the answer, and the policy as a tree, without what is not of it."""
    status, out, err = xmpolicy("learn", "--json", "--system", DEMO_XML, "--log", log, *options)
    assert status in (0, 1), (status, out, err)
    return status, json.loads(out)


def listed(value):
    return value if isinstance(value, list) else [value]


def tree_of(folder, text):
    """Of a policy that was learned; every value of it is a list."""
    policy = load(text)
    for rules in policy["roles"].values():
        for rule in rules:
            assert set(rule) <= {"allow", "where"}, text
            rule["allow"] = listed(rule["allow"])
            rule["where"] = {k: listed(v) for k, v in rule.get("where", {}).items()}
    status, out, err = xmpolicy("diff", folder.file("text.yaml", text),
                                folder.file("tree.yaml", json.dumps(policy)))
    assert status == 0, (text, policy, out, err)
    return policy


def narrower(policy):
    """Each policy that lacks one rule, operation, value or grant, with what that was."""
    for name, rules in policy["roles"].items():
        for i, rule in enumerate(rules):
            yield from without(policy, ("roles", name), i, rule)
            if len(rule["allow"]) > 1:
                for j, op in enumerate(rule["allow"]):
                    yield from without(policy, ("roles", name, i, "allow"), j, op)
            for key, values in rule["where"].items():
                for j, value in enumerate(values if len(values) > 1 else []):
                    yield from without(policy, ("roles", name, i, "where", key), j, value)
    for i, grant in enumerate(policy["grants"]):
        yield from without(policy, ("grants",), i, grant)
        for j, role in enumerate(grant["roles"] if len(grant["roles"]) > 1 else []):
            yield from without(policy, ("grants", i, "roles"), j, role)


def without(policy, path, index, what):
    less = copy.deepcopy(policy)
    part = less
    for step in path:
        part = part[step]
    del part[index]
    for rules in less["roles"].values():
        for rule in rules:
            if not rule["where"]:
                del rule["where"]
    yield what, less


def allowed(folder, log, policy):
    """How many denied calls of a log it allows."""
    path = folder.file("candidate.yaml", policy if isinstance(policy, str) else json.dumps(policy))
    status, out, err = xmpolicy("replay", "--json", "--log", log, path)
    assert status in (0, 1), (policy, err)
    return json.loads(out)["to_allow"]


def random_log(rng, n):
    """Calls of a few users that have something in common."""
    lines = []
    for _ in range(n):
        uid = rng.choice((42000, 42001, 42002))
        kind = rng.randrange(5)
        if kind == 0:
            lines.append(suspend(rng.choice((1, 2)), uid=uid))
        elif kind == 1:
            lines.append(call("XM_resume_partition", {"partitionId": rng.choice((1, 2))}, uid=uid))
        elif kind == 2:
            lines.append(reset(rng.choice((1, 2)), rng.choice(("XM_COLD_RESET", "XM_WARM_RESET")),
                               rng.choice((0, 5)), uid=uid))
        elif kind == 3:
            lines.append(call("XM_get_time", {"clock": rng.choice(("XM_HW_CLOCK",
                                                                  "XM_EXEC_CLOCK"))}, uid=uid))
        else:
            lines.append(call("XM_switch_sched_plan", {"newPlan": rng.choice((0, 1))}, uid=uid))
    return lines


def test_nothing_can_be_removed_or_narrowed_without_denying_a_logged_call():
    rng = random.Random(SEED)
    tried = 0
    with Folder() as folder:
        for n in (3, 9, 25):
            lines = random_log(rng, n)
            log = log_of(folder, *lines)
            status, answer = learn(log)
            assert status == 0 and answer["learned"] == answer["denied"] == n, answer
            policy = tree_of(folder, answer["policy"])
            assert allowed(folder, log, policy) == n
            for what, less in narrower(policy):
                assert allowed(folder, log, less) < n, (SEED, what, answer["policy"])
                tried += 1
    assert tried > 40, tried


def test_what_is_learned_becomes_possible_and_nothing_else():
    rng = random.Random(SEED + 1)
    with Folder() as folder:
        lines = random_log(rng, 12)
        log = log_of(folder, *lines)
        _, answer = learn(log)
        path = folder.file("learned.yaml", answer["policy"])
        nobody = folder.file("nobody.yaml", "version: 1\nsystem: \"%s\"\n" % DEMO_XML)
        status, out, err = xmpolicy("diff", "--json", nobody, path)
        assert status == 1, err
        denied = [json.loads(line) for line in lines]
        seen = json.loads(out)["changes"]
        assert {c["op"] for c in seen} == {r["op"] for r in denied}
        # A few calls that were not made are still denied, those that were are not.
        for uid in (42000, 42001, 42002, 42003):
            for op, args, text in ((o, {"partitionId": p}, "%s(%d)" % (o, p)) for p in (0, 1, 2)
                                   for o in ("XM_suspend_partition", "XM_resume_partition",
                                             "XM_halt_partition")):
                made = any(r["op"] == op and r["args"] == args and r["uid"] == uid for r in denied)
                status, out, err = xmpolicy("explain", "--policy", path, "--as",
                                            "user:%d,group:1" % uid, text)
                assert status == (0 if made else 1), (uid, text, out, err)


def test_names_are_used_where_they_are_known():
    with Folder() as folder:
        log = log_of(folder, call("XM_switch_sched_plan", {"newPlan": 1}, uid=0, groups=(0,)),
                     suspend(2), suspend(1), call("XM_get_time", {"clock": "XM_HW_CLOCK"}))
        text = learn(log)[1]["policy"]
        for part in ("newPlan: safe", "user:root", "partitionId: [camera, payload]", "XM_HW_CLOCK",
                     "user:42000"):
            assert part in text, text


def test_users_are_taken_for_a_group_only_if_they_were_in_it():
    with Folder() as folder:
        log = log_of(folder, suspend(1, uid=42001, groups=(1, 42070)),
                     suspend(1, uid=42002, groups=(42070,)), suspend(1, uid=42003),
                     suspend(2, uid=42001, groups=(1,)),
                     suspend(2, uid=42001, groups=(1, 42070)))
        status, answer = learn(log, "--generalise", "user=group:42070")
        text = answer["policy"]
        assert status == 0 and '"group:42070"' in text and '"user:42003"' in text, text
        policy = tree_of(folder, text)
        for what, less in narrower(policy):
            assert allowed(folder, log, less) < 5, (what, text)


def test_generalising_goes_as_far_as_it_is_told():
    with Folder() as folder:
        log = log_of(folder, *(reset(1, "XM_COLD_RESET", status) for status in (3, 4, 9)))
        assert "status: [3, 4, 9]" in learn(log)[1]["policy"]
        assert "status: 3..9" in learn(log, "--generalise", "status=range")[1]["policy"]
        text = learn(log, "--generalise", "XM_reset_partition.status=any")[1]["policy"]
        assert "status" not in text and "resetMode: XM_COLD_RESET" in text, text
        text = learn(log, "--generalise", "XM_suspend_partition.partitionId=any")[1]["policy"]
        assert "partitionId: payload" in text and "status: [3, 4, 9]" in text, text
        log = log_of(folder, *(suspend(p) for p in (1, 2)))
        assert "{not: self}" in learn(log, "--generalise", "partitionId=any")[1]["policy"]
        log = log_of(folder, *(port(n) for n in ("hk-1", "hk-22", "hk-1")))
        for options, names in ((), r"\[hk-1, hk-22\]"), (("--generalise", "portName=prefix"), r'"hk-\*"'):
            status, out, err = xmpolicy("learn", "--log", log, *options)
            assert status == 0 and re.search("portName: " + names, out), (out, err)
        for wrong in ("partitionId", "partitionId=some", "nothing=any", "user=group:no such",
                      "user=x", "XM_reset_system.status=any"):
            status, _, err = xmpolicy("learn", "--log", log, "--generalise", wrong)
            assert status == 2 and wrong in err, err


def test_what_stops_the_own_partition_or_is_about_the_machine_must_be_meant():
    with Folder() as folder:
        timer = call("XM_set_timer", {"clock": "XM_HW_CLOCK", "absTime": 5, "interval": 0})
        log = log_of(folder, suspend(0), call("XM_idle_self"), timer)
        status, answer = learn(log, "--generalise", "partitionId=any")
        assert status == 1 and answer["learned"] == 0, answer
        assert all(row["write"].startswith("- {allow: XM_") for row in answer["left_out"]), answer
        assert "allow: XM_" not in re.sub("#.*", "", answer["policy"]), answer
        status, answer = learn(log, "--allow-self-stop", "--allow-machine")
        assert status == 0 and answer["learned"] == 3, answer
        assert "partitionId: self" in answer["policy"] and "XM_idle_self" in answer["policy"]
        # What was to be written by hand, written.
        rules = [row["write"] for row in learn(log)[1]["left_out"]]
        policy = "version: 1\nsystem: \"%s\"\nroles:\n  r:\n%s\ngrants:\n  - {to: user:42000, roles: r}\n"
        assert allowed(folder, log, policy % (DEMO_XML, "\n".join("    " + r for r in rules))) == 3


BASE = """version: 1
system: "%s"
roles:
  learned-1:
    - allow: XM_suspend_partition
      where: {partitionId: 1}
  learned-2: []
  learned-2-x:
    - deny: XM_reset_partition
grants:
  - {to: everyone, roles: [learned-1, learned-2, learned-2-x]}
never:
  - {calls: XM_halt_partition, where: {partitionId: camera}, except: ["user:7", "group:70"]}
""" % DEMO_XML


def test_with_a_base_only_the_rest_is_learned():
    with Folder() as folder:
        base = folder.file("base.yaml", BASE)
        halt = "XM_halt_partition"
        log = log_of(folder, suspend(1), suspend(2), reset(1, "XM_COLD_RESET", 0),
                     call(halt, {"partitionId": 2}), call(halt, {"partitionId": 2}, uid=7),
                     call(halt, {"partitionId": 2}, uid=8, groups=(70,)),
                     call(halt, {"partitionId": 1}))
        status, answer = learn(log, "--base", base)
        assert status == 1, answer
        assert (answer["denied"], answer["already"], answer["learned"]) == (7, 1, 3), answer
        # Names of roles that the base has are not taken.
        assert "\n  learned-3-1:\n" in answer["policy"], answer["policy"]
        whys = " ".join(row["why"] for row in answer["left_out"])
        assert "base.yaml:9:7" in whys or "base.yaml:9:" in whys, whys
        assert "invariant at" in whys and "base.yaml:13:" in whys, whys
        both = folder.file("policy.yaml", BASE)
        folder.file("policy.d/learned.yaml", answer["policy"])
        assert xmpolicy("check", both)[0] == 0
        status, out, _ = xmpolicy("replay", "--json", "--log", log, both)
        assert json.loads(out)["to_allow"] == 4, out
        # As a group it is no exception that the user has by another.
        status, answer = learn(log, "--base", base, "--generalise", "user=everyone")
        assert "invariant" in answer["policy"] and answer["learned"] == 2, answer


def test_what_a_generalisation_makes_of_the_base_is_found_out():
    with Folder() as folder:
        base = folder.file("base.yaml", BASE)
        log = log_of(folder, call("XM_halt_partition", {"partitionId": 1}))
        status, out, err = xmpolicy("learn", "--log", log, "--base", base, "--generalise",
                                    "partitionId=any")
        assert status == 2 and not out and "nothing is written" in err, (out, err)


def test_what_the_log_lacks_is_said_and_not_guessed():
    with Folder() as folder:
        time = {"clock": "XM_HW_CLOCK"}
        lines = [call("XM_get_time", time), call("XM_get_time", time, why="limit"),
                 call("XM_get_time", time, why="rule", rule="p.yaml:1:1"),
                 call("XM_get_time", {}), call("XM_get_time", {"clock": "XM_NO_CLOCK"}),
                 call("XM_get_time", {"clock": "XM_HW_CLOCK", "more": 1}),
                 call("XM_new_call", {"a": 1}), call("XM_get_time", time, why="overflow id"),
                 suspend(9), call("XM_get_time", time, observed="p.yaml:2:3", would="allow"),
                 record({"type": "folded", "uid": 42000, "op": "XM_get_time", "decision": "deny",
                         "why": "no rule", "records": 12, "from": 0, "policy": "00",
                         "generation": 1}),
                 record({"type": "lost", "records": 3, "from": 0}), "{torn\n"]
        status, answer = learn(log_of(folder, *lines))
        assert status == 1, answer
        assert (answer["denied"], answer["learned"]) == (10, 2), answer
        assert (answer["folded"], answer["lost"], answer["bad_lines"]) == (12, 3, 1), answer
        assert "12 decisions were counted" in answer["policy"]
        assert sum(row["count"] for row in answer["left_out"]) == 8, answer
        # Folded decisions are not known to be allowed.
        status, answer = learn(log_of(folder, lines[0], lines[10]))
        assert status == 1 and answer["learned"] == 1, answer
        status, answer = learn(log_of(folder, lines[0], lines[9]))
        assert status == 0 and answer["learned"] == 2, answer
        # Without the record of its start nothing says which partition is the own.
        path = folder.file("part.jsonl", lines[0] + suspend(0))
        assert learn(path)[1]["learned"] == 0
        status, answer = learn(path, "--partition", "1")
        assert status == 0 and "partitionId: linux" in answer["policy"], answer


def test_a_broker_that_ran_elsewhere_has_another_self():
    with Folder() as folder:
        log = log_of(folder, suspend(1), record(dict(START, partition=1)), suspend(0), suspend(1))
        status, answer = learn(log)
        assert status == 1 and answer["learned"] == 1, answer
        assert "another partition" in answer["policy"], answer


NASTY = ["x\"]} ", "a: b", "\n- allow: XM_halt_system\n", "# no", "'", "\\", "{", "[", "*", "&a",
         "!!x", "\u2028", "\x85", "\x1b[2J", "%", "@machine", "| ", "\t", "\x00", "\xff", "\u202e",
         "\r\nroles:\n  x:\n    - allow: \"@system\"\n", "--- ", "...", "XM_get_time", "self", ","]


def nasty(rng):
    return "".join(rng.choice(NASTY) for _ in range(rng.randrange(1, 5)))


def hostile_line(rng):
    kind = rng.randrange(7)
    if kind == 0:
        return port(nasty(rng)[:31])
    if kind == 1:
        return call(nasty(rng), {nasty(rng): nasty(rng)})
    if kind == 2:
        return call("XM_get_time", {"clock": nasty(rng)}, comm=nasty(rng), cgroup=nasty(rng))
    if kind == 3:
        return suspend(1, why=rng.choice((nasty(rng), "rule")), rule=nasty(rng), role=nasty(rng),
                       because=nasty(rng), policy=nasty(rng))
    if kind == 4:
        return call("XM_get_gid_by_name", {"name": nasty(rng)[:31], "entity": 0}, uid=42001)
    if kind == 5:
        return record({"type": nasty(rng), nasty(rng): [nasty(rng)]}, time=nasty(rng))
    text = suspend(rng.choice((1, -1, 2**32, 2**64 - 1, 2**70, "1", None, [], 0.5)))
    cut = rng.randrange(len(text))
    return text[:cut] + nasty(rng).replace("\n", "") + text[cut + rng.randrange(3):].rstrip("\n") + "\n"


LEARNABLE = {"XM_suspend_partition", "XM_get_time", "XM_create_sampling_port", "XM_get_gid_by_name"}


def test_nothing_of_a_hostile_log_becomes_part_of_the_policy():
    rng = random.Random(SEED)
    rounds = int(os.environ.get("XM_ROUNDS", "40"))
    names = 0
    with Folder() as folder:
        for _ in range(rounds):
            lines = [hostile_line(rng) for _ in range(rng.randrange(1, 30))]
            path = folder.file("log", record(START) + "".join(lines))
            # Without a description every name may be that of a port.
            system = rng.choice(([], ["--system", DEMO_XML]))
            status, out, err = xmpolicy("learn", *system, "--log", path)
            assert status in (0, 1), (lines, err)
            # The terminal of who reads it, too.
            assert all(" " <= c <= "~" or c == "\n" for c in out), out
            names += check_learned(out, lines)
            policy = folder.file("learned.yaml", out)
            assert xmpolicy("check", policy)[0] == 0, out
            assert xmpolicy("fmt", "--check", policy)[0] == 0, out
    assert names > rounds / 10, names


def check_learned(text, lines):
    """That there is nothing in it but calls of the log; how many of its names are of the attacker."""
    policy = load(text)
    names = 0
    assert set(policy) <= {"version", "system", "roles", "grants"}, text
    assert all(re.fullmatch(r"learned-\d+", name) for name in policy["roles"]), text
    for grant in policy["grants"]:
        assert re.fullmatch("user:4200[01]", grant["to"]) and set(grant) == {"to", "roles"}, text
    for rule in (rule for rules in policy["roles"].values() for rule in rules):
        assert set(rule) <= {"allow", "where"} and set(listed(rule["allow"])) <= LEARNABLE, text
        for key, values in rule.get("where", {}).items():
            if key in ("name", "portName"):
                names += len(listed(values))
                assert all("*" not in v and json.dumps(v) in "".join(lines)
                           for v in listed(values)), (values, text)
    return names


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
