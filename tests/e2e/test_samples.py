#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample policies: they are clean, what their pages show is what happens, and their own tests and
invariants notice when a rule, a grant or a bound is not what it should be."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import mutants
import shown
from harness import TOP, Folder, program, run_all

FOLDER = os.path.join(TOP, "policy/examples")
SAMPLES = ("lab", "spacecraft", "avionics")
NAMESPACE = "{http://www.xtratum.org/xm-3.x}"

# Mistakes that a sample's own tests and invariants do not notice, and why.  One that they do notice
# must not be listed.  An invariant that is left out is noticed by nothing: it is a check itself, and
# test_every_invariant_forbids_what_it_says shows that it is one.
UNNOTICED = {
    ("avionics", "without - allow: [XM_trace_read, XM_trace_seek, XM_trace_status]"):
        "the third of these rules has observe_until: it never allows, only notes",
}


class Copy(Folder):
    """The folder of samples, as somebody copies it to try it out."""

    def __enter__(self):
        shutil.copytree(FOLDER, self.path, dirs_exist_ok=True)
        return self

    def xmpolicy(self, *args):
        return subprocess.run([program("xmpolicy"), *args], capture_output=True, text=True,
                              cwd=self.path, check=False)

    def text(self, name):
        with open(self.file(name)) as file:
            return file.read()


def names_of(sample, element, attribute="name"):
    tree = ElementTree.parse(os.path.join(FOLDER, sample + ".xml"))
    return [e.get(attribute) for e in tree.iter(NAMESPACE + element)]


def own_ports(sample):
    tree = ElementTree.parse(os.path.join(FOLDER, sample + ".xml"))
    linux = next(e for e in tree.iter(NAMESPACE + "Partition") if e.get("id") == "0")
    return [e.get("name") for e in linux.iter(NAMESPACE + "Port")]


def test_samples_are_clean():
    with Copy() as copy:
        for name in SAMPLES:
            done = copy.xmpolicy("check", name + ".yaml")
            assert (done.returncode, done.stderr) == (0, ""), done
            done = copy.xmpolicy("test", name + ".yaml")
            assert done.returncode == 0 and " 0 failed" in done.stdout, done
        # The users of the demonstration exist nowhere else.
        done = copy.xmpolicy("fmt", "--check", *(n + ".yaml" for n in SAMPLES + ("demo",)))
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), done


def mistakes(sample, text):
    yield from mutants.fewer_denied(text)
    yield from mutants.moved_bounds(text)
    partitions = [p for p in names_of(sample, "Partition") if p]
    attributes = "partitionId|dstId|srcId|%s" % "|".join(
        re.findall(r"^  ([\w-]+): \[[\w, -]+\]$", text, re.M))
    yield from mutants.other_names(text, attributes, partitions)
    yield from mutants.other_names(text, "newPlan", names_of(sample, "Plan"))
    yield from mutants.other_names(text, "portName", own_ports(sample))


def is_noticed(copy, sample, text):
    copy.file("mutant.yaml", text)
    done = copy.xmpolicy("test", "mutant.yaml")
    assert done.returncode in (0, 1), done  # 2: it does not even compile: no mistake of a person
    return done.returncode == 1


def changes_nothing(copy, sample):
    """Whether the mistake makes no difference to any decision: the sample's Linux is partition 0."""
    done = copy.xmpolicy("diff", "--json", "--partition", "0", sample + ".yaml", "mutant.yaml")
    return json.loads(done.stdout)["relation"] == "equal"


def test_a_rule_or_grant_that_is_missing_is_noticed_by_the_sample():
    wrong, count = [], 0
    with Copy() as copy:
        for sample in SAMPLES:
            for what, text in mutants.left_out(copy.text(sample + ".yaml")):
                count += 1
                if not is_noticed(copy, sample, text):
                    wrong.append((sample, what))
    assert wrong == list(UNNOTICED) and count > 60, (count, wrong)


def test_a_bound_that_moved_is_noticed_by_the_sample():
    count, equal, wrong = 0, 0, []
    with Copy() as copy:
        for sample in SAMPLES:
            for what, text in mistakes(sample, copy.text(sample + ".yaml")):
                count += 1
                if is_noticed(copy, sample, text):
                    continue
                if changes_nothing(copy, sample):
                    equal += 1
                else:
                    wrong.append("%s: %s" % (sample, what))
    assert not wrong, "%d of %d:\n%s" % (len(wrong), count, "\n".join(wrong))
    assert count - equal > 150, (count, equal)
    print("# summary: %d moved bounds in the samples: %d change nothing, all others are noticed"
          % (count, equal))


def test_what_tests_cannot_see_diff_shows():
    """Limits (tests run with full buckets) and levels of audit."""
    with Copy() as copy:
        for sample in SAMPLES:
            for what, text in mutants.unlimited(copy.text(sample + ".yaml")):
                copy.file("mutant.yaml", text)
                done = copy.xmpolicy("diff", sample + ".yaml", "mutant.yaml")
                assert done.returncode == 1 and not done.stderr, (sample, what, done)


def invariant_alone(text, item, calls, where, to):
    """The system and the names of a policy, this invariant, and one grant of these calls."""
    lines = text.splitlines()
    known = mutants.sections(text)
    begin, end = known["define"][0], known["roles"][0]
    rule = ["    - allow: " + calls] + (["      where: " + where] if where else [])
    return "\n".join(lines[:end] + ["roles:", "  mutant:"] + rule
                     + ["grants:", "  - {to: %s, roles: mutant}" % to, "never:"]
                     + lines[item[0]:item[1]]) + "\n"


def parts(lines, key):
    found = [m.group(1) for line in lines for m in [re.match(r"  (?:- |  )%s: (.*)" % key, line)]
             if m]
    return found[0] if found else None


def test_every_invariant_forbids_what_it_says():
    """Each of its calls, granted to somebody, breaks it; granted to whom it excepts, it holds."""
    count = 0
    with Copy() as copy:
        for sample in SAMPLES:
            text = copy.text(sample + ".yaml")
            for item in mutants.items(text, "never", 2):
                lines = text.splitlines()[item[0]:item[1]]
                where, excepted = parts(lines, "where"), parts(lines, "except")
                for call in parts(lines, "calls").strip("[]").split(", "):
                    limits = where
                    if call == '"@machine"':
                        limits = "{resource: 0..10}"
                    elif call == "XM_memory_copy":
                        limits = where_of_copy(where)
                    for to, result in [('"user:5999"', 1)] + [(p, 0) for p in whom(excepted)]:
                        copy.file("mutant.yaml", invariant_alone(text, item, call, limits, to))
                        done = copy.xmpolicy("test", "--json", "--partition", "0", "mutant.yaml")
                        assert done.returncode == result, (sample, lines, call, to, done)
                        found = json.loads(done.stdout)["invariants"][0]["result"]
                        assert found == ("broken" if result else "holds"), (lines, call, to)
                        count += 1
    assert count > 40, count


def where_of_copy(where):
    """An allow of a copy must say from where to where."""
    text = "dstAddr: 0x8FE0000..0x8FFFFFF, srcAddr: 0..0xFFFFFFFF"
    rest = [c for c in (where or "{}")[1:-1].split(", ") if c and "Addr" not in c]
    if where and "dstAddr" in where:
        text = "dstAddr: 0x8FE0000, srcAddr: 0..0xFFFFFFFF"
    return "{%s}" % ", ".join([text] + rest)


def whom(excepted):
    """The principals of an except."""
    if not excepted:
        return []
    if excepted.startswith("["):
        return re.findall(r"\{all: \[[^]]*\]\}|\"[^\"]*\"|[\w-]+", excepted[1:-1])
    return [excepted]


def test_pages_show_what_happens():
    with Copy() as copy:
        for sample in SAMPLES:
            commands = shown.sessions(copy.text(sample + ".md"))
            assert len(commands) >= 3, sample
            for session in commands:
                shown.compare(session, copy.path, sample + ".md")


def test_pages_speak_of_every_rule():
    """Each role and each reason of an invariant stands in the page."""
    with Copy() as copy:
        for sample in SAMPLES:
            text, page = copy.text(sample + ".yaml"), " ".join(copy.text(sample + ".md").split())
            begin, end = mutants.sections(text)["roles"]
            roles = re.findall(r"^  ([\w-]+):$", "\n".join(text.splitlines()[begin:end]), re.M)
            missing = [r for r in roles if "`%s`" % r not in page]
            assert roles and not missing, (sample, missing)


if __name__ == "__main__":
    run_all(globals())
