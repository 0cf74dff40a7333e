#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The forms in which xmpolicy answers: JSON as its manual page documents it, the page of the matrix, the
graph, exit statuses, what cannot be written, hostile names, and the page's own examples."""

import fnmatch
import html.parser
import json
import os
import re
import shlex
import signal
import subprocess

from harness import STAGE, TOP, Folder, program, run_all

POLICY = """version: 1
system: "loopback:"
roles:
  base:
    - allow: XM_get_time
  operator:
    - include: base
    - allow: XM_halt_partition
      where: {partitionId: [1, 2]}
    - allow: XM_reset_partition
      limit: {rate: 6/min}
    - allow: XM_resume_partition
      where: {partitionId: self}
    - deny: XM_shutdown_partition
      because: "not even once"
  shift:
    - allow: XM_switch_sched_plan
    - allow: XM_halt_system
      observe_until: 2030-01-01
grants:
  - {to: group:50, roles: operator}
  - {to: everyone, roles: base}
  - {to: {all: [user:7, group:50]}, roles: shift, hours: "08:00-18:00"}
"""
PROVED = POLICY + """never:
  - calls: XM_halt_partition
    except: %s
    because: "only operators halt"
tests:
  - {as: {user: 7, groups: [50]}, call: "XM_halt_partition(2)", expect: allow}
  - {as: {user: 7}, call: "XM_halt_partition(2)", expect: %s}
"""


def run(*args, cwd=None, **options):
    done = subprocess.run([program("xmpolicy"), *args], capture_output=True, cwd=cwd, check=False,
                          **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


# ---- JSON ----------------------------------------------------------------------------------------

NONE = type(None)
PLACE = {"file": str, "line": int, "column": int}
RULE = {"at": PLACE, "role": str, "because": (str, NONE)}
GRANT = {"at": PLACE, "to": str}
WITNESS = {"call": str, "as": str, "at": str, "partition": int}
SIDE = {"decision": str, "recorded": bool, "rule": (RULE, NONE)}
CHECK = {"ok": bool, "errors": int, "warnings": int, "truncated": bool,
         "messages": [{"level": str, "file": (str, NONE), "line": int, "column": int, "text": str,
                       "hint": (str, NONE)}]}
GOOD = dict(CHECK, rules=int, grants=int, invariants=int, tests=int, digest=str)
EXPLAIN = {"decision": str, "why": str, "audited": bool, "op": str, "args": dict, "user": str,
           "uid": int, "groups": [int], "partition": int,
           "rules": [{"at": PLACE, "effect": str, "role": str, "because": (str, NONE),
                      "audit": str}]}
HOLDER = {"principal": str, "uid": (int, NONE), "groups": [int], "always": bool, "limited": str,
          "where": str, "unless": (str, NONE), "partitions": ([int], NONE), "rule": (RULE, NONE),
          "grant": (GRANT, NONE), "witness": (WITNESS, NONE), "command": (str, NONE)}
WHO = {"call": str, "op": str, "partition": (int, NONE), "result": str, "holders": [HOLDER]}
DIFF = {"relation": str, "same": bool,
        "changes": [{"kind": str, "text": str, "op": str, "class": str, "who": str, "where": str,
                     "detail": (str, NONE), "old": SIDE, "new": SIDE, "more": bool, "witness": WITNESS,
                     "command": (str, NONE)}]}
HOLDS = {"at": PLACE, "because": (str, NONE), "result": str}
BROKEN = dict(HOLDS, rule=RULE, grant=GRANT, where=str, witness=WITNESS, command=(str, NONE))
TEST = {"ok": bool, "passed": int, "failed": int, "invariants": [(HOLDS, BROKEN)],
        "tests": [{"at": PLACE, "as": str, "call": str, "time": str, "expected": str,
                   "decision": str, "rule": (RULE, NONE), "wanted_rule": (str, NONE),
                   "passed": bool, "failure": (str, NONE)}]}
CELL = {"answer": str}
MATRIX = {"digest": str, "principals": [{"principal": str, "is": str}],
          "operations": [{"op": str, "class": str, "root": bool,
                          "cells": [(CELL, dict(CELL, where=str),
                                     dict(CELL, where=str, partition=int))]}]}
FMT = {"files": [{"file": str, "canonical": bool}]}


def misfit(value, shape, path="$"):
    """What does not fit, or None."""
    if isinstance(shape, tuple):
        misfits = [misfit(value, s, path) for s in shape]
        return None if None in misfits else misfits[0]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return "%s is no list" % path
        return next((m for i, v in enumerate(value)
                     for m in [misfit(v, shape[0], "%s[%d]" % (path, i))] if m), None)
    if isinstance(shape, dict):
        if not isinstance(value, dict) or set(value) != set(shape):
            return "%s: %r" % (path, value)
        return next((m for k, v in value.items()
                     for m in [misfit(v, shape[k], path + "." + k)] if m), None)
    return None if type(value) is shape else "%s: %r is no %s" % (path, value, shape.__name__)


def members(shape):
    if isinstance(shape, (tuple, list)):
        return set().union(*map(members, shape))
    if isinstance(shape, dict):
        return set(shape) | members(tuple(shape.values()) or ({},))
    return set()


def answer(shape, *args, status):
    done, out, err = run(*args)
    assert done == status, (args, done, out, err)
    assert out.endswith("\n") and out.count("\n") == 1, out
    value = json.loads(out)
    wrong = misfit(value, shape)
    assert not wrong, (args, wrong)
    return value


def test_json_has_the_documented_members():
    with Folder() as folder:
        good = folder.file("good.yaml", PROVED % ("group:50", "deny"))
        bad = folder.file("bad.yaml", PROVED % ("user:7", "allow"))
        wider = folder.file("wider.yaml", POLICY.replace("[1, 2]", "[0, 1, 2]"))
        answer(GOOD, "check", "--json", good, status=0)
        answer(CHECK, "check", "--json", bad, status=1)
        explain = ("explain", "--json", "--policy", good, "--as", "user:8,group:50")
        answer(dict(EXPLAIN, nearest=NONE), *explain, "XM_halt_partition(2)", status=0)
        value = answer(dict(EXPLAIN, nearest=dict), *explain, "XM_halt_partition(0)", status=1)
        assert value["nearest"]["failed"][0]["attribute"] == "partitionId", value
        for call in ("XM_halt_partition", "XM_switch_sched_plan(_)", "broker_reload",
                     "XM_PARTITION_SELF", "XM_resume_partition", "XM_reset_partition"):
            answer(WHO, "who-can", "--json", "--policy", good, call, status=0)
        answer(WHO, "who-can", "--json", "--policy", good, "XM_halt_system()", status=1)
        answer(DIFF, "diff", "--json", good, wider, status=1)
        answer(DIFF, "diff", "--json", good, bad, status=0)
        answer(TEST, "test", "--json", good, status=0)
        answer(TEST, "test", "--json", bad, status=1)
        answer(MATRIX, "matrix", "--json", good, status=0)
        answer(FMT, "fmt", "--check", "--json", good, status=1)
        with open(os.path.join(TOP, "man/xmpolicy.1"), encoding="utf-8") as file:
            text = file.read().split(".Sh JSON")[1].split(".Sh ")[0]
        documented = set(re.findall(r"[a-z_]+", "\n".join(
            line for line in text.splitlines() if re.match(r"\.(It )?(Li|Em) |\.Pq", line))))
        for shape in (GOOD, EXPLAIN, WHO, DIFF, TEST, MATRIX, BROKEN, FMT):
            assert members(shape) <= documented, members(shape) - documented


def test_nothing_is_printed_as_json_of_a_policy_that_is_not_good():
    with Folder() as folder:
        bad = folder.file("bad.yaml", POLICY + "nonsense: 1\n")
        for args in (("explain", "--json", "--policy", bad, "--as", "user:1", "XM_get_time(0)"),
                     ("who-can", "--json", "--policy", bad, "XM_get_time"),
                     ("diff", "--json", bad, bad), ("test", "--json", bad),
                     ("matrix", "--json", bad), ("graph", bad)):
            status, out, err = run(*args)
            assert (status, out) == (2, "") and "nonsense" in err, (args, status, out, err)


# ---- who can -------------------------------------------------------------------------------------

def holders(folder, call, *args):
    path = folder.file("p.yaml", POLICY)
    value = answer(WHO, "who-can", "--json", *args, "--policy", path, call,
                   status=1 if call == "XM_halt_system" else 0)
    return value["holders"]


def test_always_is_said_of_what_is_always_so_only():
    with Folder() as folder:
        assert [(h["principal"], h["always"]) for h in holders(folder, "XM_get_time")] == [
            ("everyone", True)]
        for call in ("XM_reset_partition", "XM_switch_sched_plan", "XM_halt_partition",
                     "XM_resume_partition"):
            found = holders(folder, call)
            assert found and not any(h["always"] for h in found), (call, found)
        assert holders(folder, "XM_reset_partition")[0]["limited"] == "yes"
        assert holders(folder, "XM_get_time")[0]["limited"] == "no"
        assert holders(folder, "XM_switch_sched_plan")[0]["principal"] == "user:7 and group:50"
        assert holders(folder, "XM_halt_system") == []


def test_what_depends_on_the_partition_says_so():
    with Folder() as folder:
        found = holders(folder, "XM_resume_partition(1)")
        assert [(h["partitions"], h["always"]) for h in found] == [([1], False)], found
        found = holders(folder, "XM_resume_partition(1)", "--partition", "1")
        assert [(h["partitions"], h["always"]) for h in found] == [(None, True)], found
        found = holders(folder, "XM_resume_partition")
        assert [(h["partitions"], h["where"], h["always"]) for h in found] == [
            (None, "partitionId is self", False)], found
        found = holders(folder, "XM_resume_partition(self)")
        assert [(h["partitions"], h["always"]) for h in found] == [(None, True)], found
        path = folder.file("p.yaml", POLICY)
        out = run("who-can", "--policy", path, "XM_resume_partition(1)")[1]
        assert out.startswith("group:50, if the broker runs in partition 1\n"), out
        status, out, _ = run("who-can", "--policy", path, "--partition", "0",
                             "XM_resume_partition(1)")
        assert (status, out) == (1, "nobody can\n"), out


def test_what_stands_above_the_policy_is_not_forgotten():
    with Folder() as folder:
        assert [h["principal"] for h in holders(folder, "broker_reload")] == ["user:0"]
        assert [h["principal"] for h in holders(folder, "XM_PARTITION_SELF")] == ["everyone"]
        out = run("matrix", folder.file("p.yaml", POLICY))[1]
        assert "nobody but root: broker_status" in out, out


PLACES = """version: 1
system: "loopback:"
roles:
  own:
    - allow: "@self-stop"
  others:
    - allow: "@partition"
  first:
    - allow: [XM_halt_partition, XM_suspend_partition]
      where: {partitionId: [self, 1]}
grants:
  - {to: group:50, roles: own}
  - {to: {all: [group:50, group:60]}, roles: others}
  - {to: user:7, roles: first}
"""
ASKERS = {"user:7": {7}, "group:50": {50}, "group:60": {60}, "group:50 and group:60": {50, 60},
          "user:7 and group:50": {7, 50}, "everyone": set()}


def test_who_can_is_who_is_allowed_in_each_partition():
    with Folder() as folder:
        path = folder.file("p.yaml", PLACES)
        for place in range(9):
            own, called = str(place // 3), str(place % 3)
            call = "XM_halt_partition(%s)" % called
            _, out, _ = run("who-can", "--json", "--policy", path, call)
            found = [ASKERS[h["principal"]] for h in json.loads(out)["holders"]
                     if h["partitions"] is None or int(own) in h["partitions"]]
            allowed = []
            here = run("who-can", "--json", "--policy", path, "--partition", own, call)[1]
            for h in json.loads(here)["holders"]:
                found.remove(ASKERS[h["principal"]])
                allowed.append(ASKERS[h["principal"]])
            assert not found, (here, found)
            for asker in ASKERS.values():
                user = "user:%d" % (7 if 7 in asker else 8)
                groups = ["group:%d" % g for g in sorted(asker - {7})] or ["group:99"]
                status, out, _ = run("explain", "--policy", path, "--partition", own, "--as",
                                     ",".join([user] + groups), call)
                can = any(holder <= asker for holder in allowed)
                assert status == (0 if can else 1), (own, call, asker, allowed, out)


# ---- exit statuses -------------------------------------------------------------------------------

def test_exit_statuses():
    with Folder() as folder:
        good = folder.file("good.yaml", PROVED % ("group:50", "deny"))
        bad = folder.file("bad.yaml", PROVED % ("user:7", "allow"))
        broken = folder.file("broken.yaml", POLICY + "nonsense: 1\n")
        wider = folder.file("wider.yaml", POLICY.replace("[1, 2]", "[0, 1, 2]"))
        places = folder.file("places.yaml", PLACES)
        image = os.path.join(folder.path, "image")
        who = ("who-can", "--policy", good)
        explain = ("explain", "--policy", good, "--as", "user:1,group:1")
        for wanted, commands in (
                (0, (("check", good), ("compile", "--output", image, good), ("dump", image),
                     ("dump", good), ("schema",), ("graph", bad), ("matrix", bad), ("test", good),
                     ("test", wider), ("diff", good, bad), ("fmt", good), who + ("XM_get_time",),
                     explain + ("XM_get_time(XM_HW_CLOCK)",), ("--help",), ("--version",),
                     ("check", "--help"))),
                (1, (("check", bad), ("check", broken), ("compile", "--output", image, bad),
                     ("test", bad), ("diff", good, wider), ("fmt", "--check", good),
                     who + ("XM_halt_system",), explain + ("XM_halt_system()",),
                     ("diff", "--budget", "1", good, wider), ("matrix", "--budget", "1", good),
                     ("who-can", "--budget", "1", "--policy", places, "XM_halt_partition"))),
                (2, ((), ("chek",), ("check",), ("check", "--nonsense", good), ("check", "none"),
                     ("compile", good), ("compile", "--output", "/nowhere/x", good),
                     ("dump", broken), ("dump", "none"), ("schema", "x"), ("graph", broken),
                     ("matrix", broken), ("test", broken), ("diff", good), ("diff", good, broken),
                     ("fmt", "none"), who, who + ("XM_nothing",), explain, ("replay", good),
                     ("learn",), ("explain", "--policy", good, "XM_get_time(0)"),
                     ("check", "--budget", "0", good), ("check", "--partition", "x", good)))):
            for args in commands:
                status, out, err = run(*args)
                assert status == wanted, (wanted, args, status, out, err)
                assert out or err or args[0] in ("compile", "fmt"), args


# ---- the page ------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Refuses what is not well formed, or refers to anything."""

    ATTRIBUTES = {"html": {"lang"}, "meta": {"charset", "http-equiv", "content", "name"},
                  "th": {"scope", "class", "colspan"}, "td": {"class", "title"}, "a": {"href"},
                  "li": {"id"}, "tbody": set(), "caption": set()}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.tags, self.text = [], set(), set(), [], []
        self.columns = []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        assert self.links <= self.ids, self.links - self.ids

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        values = dict(attrs)
        assert set(names) <= self.ATTRIBUTES.get(tag, set()), (tag, attrs)
        assert len(names) == len(set(names)), attrs
        if tag == "th":
            assert values["scope"] in ("col", "row", "rowgroup"), attrs
        if tag in ("th", "td"):
            assert self.open[-1] == "tr", self.open
            self.columns[-1] += int(values.get("colspan", 1))
        if tag == "tr":
            self.columns.append(0)
        if "href" in values:
            assert values["href"].startswith("#"), attrs
            self.links.add(values["href"][1:])
        if "id" in values:
            assert values["id"] not in self.ids, attrs
            self.ids.add(values["id"])
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            assert "url(" not in data and "@import" not in data, data
        self.text.append(data)


def test_the_page_is_well_formed_and_needs_nothing():
    with Folder() as folder:
        _, text, _ = run("matrix", "--html", "-", folder.file("p.yaml", POLICY))
        page = Page(text)
        assert text.startswith("<!DOCTYPE html>\n"), text[:40]
        assert len(set(page.columns)) == 1 and page.columns[0] == 4, page.columns
        assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
        assert page.tags.count("caption") == 1 and page.links, page.tags
        assert "color-scheme:light dark" in text and "default-src 'none'" in text


# ---- the graph -----------------------------------------------------------------------------------

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[\[\]{}=,;])', re.S)


def tokens(text):
    at, found = 0, []
    while text[at:].strip():
        match = TOKEN.match(text, at)
        assert match, text[at:at + 60]
        found.append(match.group(1))
        at = match.end()
    return found


def parse_dot(text):
    """The part of the language of dot(1) that is printed: nodes, and edges (from, to)."""
    left = tokens(text)
    nodes, edges = set(), []

    def name():
        word = left.pop(0)
        assert re.match(r'["A-Za-z0-9_]', word), word
        return word

    def attributes():
        if not left or left[0] != "[":
            return
        left.pop(0)
        while True:
            name()
            assert left.pop(0) == "="
            name()
            end = left.pop(0)
            assert end in ",]", end
            if end == "]":
                return

    assert left.pop(0) == "digraph"
    name()
    assert left.pop(0) == "{"
    while left[0] != "}":
        first = name()
        if left[0] == "=":
            left.pop(0)
            name()
        elif left[0] == "->":
            left.pop(0)
            edges.append((first, name()))
            attributes()
        else:
            nodes.add(first)
            attributes()
    assert left == ["}"], left
    return nodes, edges


def test_the_graph_is_in_the_language_of_dot():
    with Folder() as folder:
        nodes, edges = parse_dot(run("graph", folder.file("p.yaml", POLICY))[1])
        assert ('"to group:50"', '"role operator"') in edges, edges
        assert ('"role operator"', '"role base"') in edges, edges
        assert ('"role shift"', '"call XM_switch_sched_plan"') in edges, edges
        assert set(sum(edges, ())) <= nodes, set(sum(edges, ())) - nodes


# ---- hostile names -------------------------------------------------------------------------------

HOSTILE = """version: 1
system: "loopback:"
roles:
  r:
    - allow: XM_create_sampling_port
      where: {portName: ["<script>alert(1)</script>*", "\\\\\\"];x[*", "&#39;'$(id)`*"]}
      because: "</style><script>\\\\\\" ]}; $(id)"
    - allow: XM_get_time
      because: "# TODO caf\u00e9"
grants:
  - {to: everyone, roles: r}
"""


def test_hostile_names_act_on_nothing():
    with Folder() as folder:
        path = folder.file("a\x1b[2J'\"<b>$(id)\\`\u00e9#.yaml", HOSTILE)
        other = folder.file("o.yaml", HOSTILE.replace("allow: XM_get_time",
                                                      "allow: XM_get_system_status"))
        call = "XM_create_sampling_port"
        for args in (("check", path), ("matrix", path), ("graph", path), ("test", path),
                     ("who-can", "--policy", path, call), ("diff", path, other),
                     ("explain", "--policy", path, "--as", "user:1,group:1", "XM_get_time(0)")):
            status, out, err = run(*args)
            assert status in (0, 1) and out, (args, status, out, err)
            assert "\x1b" not in out + err, (args, out, err)
        Page(run("matrix", "--html", "-", path)[1])
        parse_dot(run("graph", path)[1])
        answer(MATRIX, "matrix", "--json", path, status=0)
        answer(GOOD, "check", "--json", path, status=0)
        found = answer(WHO, "who-can", "--json", "--policy", path, call, status=0)["holders"]
        printed = run("who-can", "--policy", path, call)[1]
        for command in [found[0]["command"]] + re.findall("see: (.*)", printed):
            done = subprocess.run(["bash", "-c", command], capture_output=True, check=False,
                                  env=dict(os.environ, PATH=STAGE + ":" + os.environ["PATH"]))
            assert done.returncode == 0 and b"allowed" in done.stdout, (command, done)


# ---- where it is written to ------------------------------------------------------------------------

def test_what_cannot_be_written_is_no_answer():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY)
        for args in (["check", path], ["check", "--json", path], ["diff", path, path],
                     ["test", path], ["matrix", path], ["graph", path], ["schema"], ["--help"],
                     ["fmt", path], ["dump", path], ["who-can", "--policy", path, "XM_get_time"],
                     ["explain", "--policy", path, "--as", "user:1,group:1", "XM_get_time(0)"],
                     ["matrix", "--html", "-", path]):
            command = shlex.join([program("xmpolicy"), *args])
            for how in (">/dev/full", ">&-"):
                done = subprocess.run(["sh", "-c", command + " " + how], check=False,
                                      capture_output=True, text=True)
                assert done.returncode == 2 and done.stderr, (args, how, done)
            # A pipe that nobody reads: with and without the signal that says so.
            assert run_unread(args, restore_signals=False) == 2, args
            assert run_unread(args, restore_signals=True) == -signal.SIGPIPE, args


def run_unread(args, **options):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run([program("xmpolicy"), *args], stdout=writer, check=False,
                              stderr=subprocess.DEVNULL, **options).returncode
    finally:
        os.close(writer)


def test_a_pipe_gets_plain_text():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY)
        for args in (["check", path], ["matrix", path], ["test", path]):
            _, out, err = run(*args, env=dict(os.environ, TERM="xterm-256color"))
            assert "\x1b" not in out + err and "\r" not in out + err, (out, err)


def test_a_narrow_terminal_shows_the_matrix_in_blocks():
    with Folder() as folder:
        path = folder.file("p.yaml", POLICY)
        script = "stty cols 45 rows 24; exec " + shlex.join([program("xmpolicy"), "matrix", path])
        done = subprocess.run(["script", "-qec", script, "/dev/null"], capture_output=True,
                              text=True, check=True, stdin=subprocess.DEVNULL)
        lines = done.stdout.splitlines()
        rows = [line for line in lines if line.startswith("XM_get_time ")]
        assert len(rows) == 3 and max(map(len, rows)) <= 45, done.stdout


# ---- the manual page -------------------------------------------------------------------------------

def examples():
    """[(command, what it prints)] of the manual page."""
    with open(os.path.join(TOP, "man/xmpolicy.1"), encoding="utf-8") as file:
        text = file.read().split(".Sh EXAMPLES\n.Bd -literal\n")[1].split("\n.Ed")[0]
    found = []
    for line in text.replace("\\e", "\\").split("\n"):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return found


def test_the_examples_of_the_manual_page_are_what_happens():
    shown = examples()
    assert len(shown) > 8 and shown[0][0] == "cat policy.yaml", shown
    with Folder() as folder:
        folder.file("policy.yaml", "\n".join(shown[0][1]) + "\n")
        for command, lines in shown[1:]:
            done = subprocess.run(["bash", "-c", command], cwd=folder.path, capture_output=True,
                                  text=True, check=False,
                                  env=dict(os.environ, PATH=STAGE + ":" + os.environ["PATH"]))
            assert not done.stderr and done.returncode in (0, 1), (command, done)
            printed = done.stdout.split("\n")[:-1]
            assert len(printed) == len(lines), (command, printed, lines)
            for had, wanted in zip(printed, lines):
                pattern = wanted.replace("[", "[[]").replace("...", "*")
                assert fnmatch.fnmatchcase(had, pattern), (command, had, wanted)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
