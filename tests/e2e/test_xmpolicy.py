#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""xmpolicy as a person or a script uses it: what it prints, in which form, and how it ends."""

import json
import os
import re
import shlex
import shutil
import subprocess

from harness import Folder, program, run_all

POLICY = """version: 1
system: "loopback:"
roles:
  base:
    - allow: XM_get_time
  operator:
    - include: base
    - allow: XM_halt_partition
      where: {partitionId: [1, 2]}
  pilot:
    - allow: XM_halt_partition
      where: {partitionId: {not: self}}
  stopped:
    - deny: XM_halt_partition
      where: {partitionId: 2}
grants:
  - {to: group:50, roles: operator}
  - {to: everyone, roles: base}
  - {to: user:7, roles: pilot}
  - {to: group:60, roles: stopped}
"""
PROVED = """never:
  - calls: XM_halt_partition
    except: [group:50, user:7]
    because: "only operators halt"
tests:
  - {as: {user: 7}, call: "XM_halt_partition(2)", expect: allow}
  - {as: {user: 7, groups: [60]}, call: "XM_halt_partition(2)", expect: deny, rule: stopped}
"""
BROKEN = PROVED.replace("[group:50, user:7]", "user:7") + """  - {as: {user: 8}, call: "XM_halt_partition(1)", expect: allow}
"""


def run(*args, cwd=None):
    done = subprocess.run([program("xmpolicy"), *args], capture_output=True, text=True, cwd=cwd,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def run_json(*args):
    status, out, err = run(*args)
    assert out.count("\n") == 1, out
    return status, json.loads(out), err


def without_instant(text):
    return re.sub("--at 20[-0-9T:]*Z", "--at NOW", text)


def explain(command, cwd=None):
    """What a printed command line says, run by a shell."""
    words = shlex.split(command)
    assert words[:2] == ["xmpolicy", "explain"], command
    return run(*words[1:], cwd=cwd)[0]


def test_diff_says_equal_wider_narrower_or_incomparable():
    with Folder() as folder:
        old = folder.file("old.yaml", POLICY)
        other = POLICY.replace("[1, 2]", "[2]").replace("allow: XM_get_time",
                                                        "allow: [XM_get_time, XM_idle_self]")
        for text, relation, status in (
                (POLICY.replace("[1, 2]", "[2, 1]"), "equal", 0),
                (POLICY.replace("[1, 2]", "[0, 1, 2]"), "wider", 1),
                (POLICY.replace("[1, 2]", "[2]"), "narrower", 1), (other, "incomparable", 1)):
            new = folder.file("new.yaml", text)
            done, answer, _ = run_json("diff", "--json", old, new)
            assert (done, answer["relation"]) == (status, relation), answer
            assert answer["same"] == (status == 0), answer
            done, out, _ = run("diff", old, new)
            assert done == status and out.startswith(relation + ": "), out
            out = without_instant(out)  # the two runs may not be of one second
            for change in answer["changes"]:
                assert change["op"] in out and without_instant(change["command"]) in out, out
                allowed = {"allowed": 0, "denied": 1}[change["kind"]]
                assert explain(change["command"]) == allowed, change
                assert explain(change["command"].replace("new.yaml", "old.yaml")) == 1 - allowed


def test_diff_finds_what_is_only_recorded():
    with Folder() as folder:
        old = folder.file("old.yaml", POLICY)
        new = folder.file("new.yaml", POLICY.replace("allow: XM_get_time\n",
                                                     "allow: XM_get_time\n      audit: always\n"))
        status, answer, _ = run_json("diff", "--json", old, new)
        assert (status, answer["relation"], answer["same"]) == (1, "equal", False), answer
        assert [c["kind"] for c in answer["changes"]] == ["recorded"], answer


def test_who_can_names_everybody_and_shows_it():
    with Folder() as folder:
        path = folder.file("it's p.yaml", POLICY)
        status, answer, _ = run_json("who-can", "--json", "--policy", path, "XM_halt_partition(2)")
        holders = {h["principal"]: h for h in answer["holders"]}
        assert status == 0 and answer["result"] == "somebody", answer
        assert set(holders) == {"group:50", "user:7"}, answer
        assert holders["user:7"]["uid"] == 7 and holders["group:50"]["groups"] == [50], answer
        for holder in holders.values():
            assert "group:60" in holder["unless"] and not holder["always"], holder
            assert explain(holder["command"]) == 0, holder
        status, out, _ = run("who-can", "--policy", path, "XM_halt_partition(1)")
        assert status == 0 and "group:60" not in out and "user:7, if the broker runs in partition 0 or 2\n" in out, out
        for line in out.splitlines():
            if line.startswith("    see: "):
                assert explain(line[9:]) == 0, line
        status, answer, _ = run_json("who-can", "--json", "--policy", path, "XM_halt_partition(_)")
        assert "partitionId" in answer["holders"][0]["where"], answer
        status, out, _ = run("who-can", "--policy", path, "XM_halt_system()")
        assert (status, out) == (1, "nobody can\n"), out


def test_invariants_and_tests_one_by_one():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY + PROVED)
        status, out, err = run("test", path)
        assert status == 0 and out.endswith("3 passed, 0 failed\n") and not err, (out, err)
        assert out.count("\n") == 4, out
        path = folder.file("p.yaml", POLICY + BROKEN)
        status, out, err = run("test", path)
        assert status == 1 and out.endswith("2 passed, 2 failed\n"), out
        assert "the test expects allow" in out and "^" in err, (out, err)
        status, answer, _ = run_json("test", "--json", path)
        assert (status, answer["ok"], answer["passed"], answer["failed"]) == (1, False, 2, 2)
        assert [t["passed"] for t in answer["tests"]] == [True, True, False], answer
        never = answer["invariants"][0]
        assert never["result"] == "broken" and explain(never["command"]) == 0, never
        status, out, _ = run("test", "--tap", path)
        lines = [line for line in out.splitlines() if not line.startswith("#")]
        assert lines[:2] == ["TAP version 13", "1..4"], out
        assert [re.match(r"(not )?ok (\d) - ", line).groups() for line in lines[2:]] == [
            ("not ", "1"), (None, "2"), (None, "3"), ("not ", "4")], out


def test_no_reason_makes_a_failure_one_that_does_not_count():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY + BROKEN.replace("only operators halt", "# TODO later"))
        status, out, _ = run("test", "--tap", path)
        lines = [line for line in out.splitlines() if line.startswith("not ok")]
        assert status == 1 and len(lines) == 2 and not any("#" in line for line in lines), out
        assert "# TODO later" in run("test", path)[1]


def test_check_counts_what_it_proved():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY + PROVED)
        status, out, _ = run("check", path)
        assert status == 0 and "1 invariant, 2 tests, digest " in out, out
        status, answer, _ = run_json("check", "--json", path)
        assert (answer["invariants"], answer["tests"]) == (1, 2), answer
        path = folder.file("p.yaml", POLICY + BROKEN)
        status, answer, _ = run_json("check", "--json", path)
        assert (status, answer["ok"], answer["errors"]) == (1, False, 2), answer
        message = answer["messages"][0]
        assert set(message) == {"level", "file", "line", "column", "text", "hint"}, message


def test_matrix_in_three_forms():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY)
        status, answer, _ = run_json("matrix", "--json", path)
        principals = [p["principal"] for p in answer["principals"]]
        assert status == 0 and principals == ["group:50", "everyone", "user:7", "group:60"], answer
        rows = {o["op"]: [c["answer"] for c in o["cells"]] for o in answer["operations"]}
        assert rows["XM_get_time"] == ["yes"] * 4, rows
        assert rows["XM_halt_partition"] == ["conditional", "no", "conditional", "no"], rows
        assert set(rows["XM_halt_system"]) == {"no"}, rows
        status, out, _ = run("matrix", path)
        assert status == 0 and re.search(r"^XM_get_time +yes +yes +yes +yes$", out, re.M), out
        page = os.path.join(folder.path, "m.html")
        status, out, _ = run("matrix", "--html", page, path)
        with open(page, encoding="utf-8") as file:
            text = file.read()
        assert (status, out) == (0, "") and text.startswith("<!DOCTYPE html>"), (status, out)
        assert not re.search(r"(src|href)=\"(?!#)|@import|url\(|<script|<link", text), text
        assert run("matrix", "--html", "-", path)[1] == text


def test_graph_is_one_that_graphviz_reads():
    with Folder() as folder:
        status, out, _ = run("graph", folder.file("p.yaml", POLICY))
        assert status == 0 and out.startswith("digraph policy {") and out.endswith("}\n"), out
        assert '"to group:50" -> "role operator"' in out, out
        if shutil.which("dot"):
            subprocess.run(["dot", "-Tsvg"], input=out, text=True, check=True,
                           stdout=subprocess.DEVNULL)


def test_what_cannot_be_answered_is_status_2():
    with Folder() as folder:
        good = folder.file("p.yaml", POLICY)
        bad = folder.file("bad.yaml", POLICY + "nonsense: 1\n")
        none = os.path.join(folder.path, "none.yaml")
        for args in (("diff", good), ("diff", good, none), ("diff", bad, good), ("diff", "--x"),
                     ("who-can", "XM_halt_system()"), ("who-can", "--policy", good),
                     ("who-can", "--policy", good, "XM_nothing()"),
                     ("who-can", "--policy", good, "XM_halt_partition()"),
                     ("who-can", "--policy", good, "--at", "soon", "XM_halt_system()"),
                     ("test",), ("test", bad), ("test", none), ("test", "--tap", "--json", good),
                     ("matrix",), ("matrix", bad), ("matrix", "--json", "--html", "x", good),
                     ("matrix", "--html", "/nowhere/x.html", good), ("graph",), ("graph", bad)):
            status, out, err = run(*args)
            assert status == 2 and not out and err, (args, status, out, err)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
