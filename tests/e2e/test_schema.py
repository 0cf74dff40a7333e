#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schema that xmpolicy prints for editors: every policy that compiles is valid by it, and what it
is there to find is found.  Needs python3-jsonschema and python3-yaml, and fails without them."""

import copy
import glob
import json
import os
import re
import subprocess

from plain_yaml import load, package

jsonschema = package("jsonschema")  # before harness makes its folder

from harness import TOP, Folder, program, run_all

EXAMPLES = sorted(glob.glob(os.path.join(TOP, "policy/examples/**/*.yaml"), recursive=True))
CASES = sorted(glob.glob(os.path.join(TOP, "tests/policy/cases/*.yaml")))
ERRORS = os.path.join(TOP, "tests/policy/errors")


def read(path):
    with open(path, encoding="utf-8") as f:
        return load(f.read())


def validator():
    done = subprocess.run([program("xmpolicy"), "schema"], capture_output=True, text=True,
                          check=True)
    schema = json.loads(done.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def wrong(check, policy):
    return ["%s: %.200s" % ("/".join(map(str, e.absolute_path)), e.message)
            for e in check.iter_errors(policy)]


def compiles(folder, text):
    path = folder.file("p.yaml", text)
    return subprocess.run([program("xmpolicy"), "check", path], capture_output=True,
                          text=True).returncode == 0


def test_the_samples_and_the_cases_are_valid():
    check = validator()
    assert EXAMPLES and CASES
    for path in EXAMPLES + CASES:
        assert not wrong(check, read(path)), (path, wrong(check, read(path)))


def policies_of(path):
    """The policies that stand in a test as string literals of C, whole ones only."""
    with open(path) as f:
        source = re.sub(r"//[^\n]*|/\*.*?\*/", "", f.read(), flags=re.S)
    for run in re.findall(r'PREAMBLE((?:\s*"(?:[^"\\\n]|\\.)*")+)', source):
        parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', run)
        yield 'version: 1\nsystem: "loopback:"\n\n' + \
            "".join(parts).encode().decode("unicode_escape")


def test_every_policy_of_the_unit_tests_that_compiles_is_valid():
    check = validator()
    seen = 0
    with Folder() as folder:
        for path in sorted(glob.glob(os.path.join(TOP, "tests/test_policy_*.c"))):
            for text in policies_of(path):
                if compiles(folder, text):
                    assert not wrong(check, load(text)), (path, text, wrong(check, load(text)))
                    seen += 1
    assert seen > 20, seen
    print("count: %d policies of unit tests are valid by the schema" % seen)


GOOD = """version: 1
system: "loopback:"
define:
  payloads: [1, camera]
roles:
  base: []
  r:
    - include: base
    - allow: [XM_get_time, "@status"]
    - allow: XM_reset_partition
      where: {partitionId: payloads, resetMode: XM_WARM_RESET, status: [0..15, {mask: 0xF0, is: 16}]}
      limit: {rate: 6/min, burst: 2}
      audit: always
      because: so
    - deny: XM_halt_system
      observe_until: 2030-01-01
grants:
  - {to: "user:1", roles: r}
  - {to: {all: ["group:5", "group:6"]}, roles: [base], hours: "08:00-18:00", days: [mon-fri],
     offset: "+02:00", from: 2027-01-01T00:00Z, until: 2037-01-31, if_exists: true}
never:
  - {calls: "@system", except: ["user:7"], because: "no"}
tests:
  - {as: {user: 5, groups: [6]}, call: "XM_halt_system()", expect: deny, at: 2027-02-01T12:00Z}
"""
# A change that makes it bad, each of a sort that the schema knows.
BAD = [("version: 1", "version: 2"), ("version: 1\n", ""), ("grants:", "grant:"),
       ("because: so", "becuase: so"), ("XM_get_time", "XM_get_tine"), ("@status", "@stats"),
       ("partitionId: payloads", "partition: payloads"), ("XM_WARM_RESET", "XM_WARN_RESET"),
       ("rate: 6/min", "rate: 6/month"), ("rate: 6/min, ", ""), ("burst: 2", "burst: 0"),
       ("audit: always", "audit: sometimes"), ("roles: r}", "role: r}"), ("mon-fri", "mon-fry"),
       ('"08:00-18:00"', '"8-18"'), ("2030-01-01", "tomorrow"), ("if_exists: true", "if_exists: 1"),
       ("expect: deny", "expect: denied"), ("{mask: 0xF0, is: 16}", "{mask: 0xF0}"),
       ("{user: 5, groups: [6]}", "{groups: [6]}"), ('calls: "@system"', 'call: "@system"'),
       ("- include: base", "- {include: base, audit: never}"), ("- deny: XM_halt_system\n",
       "- deny: XM_halt_system\n      limit: {rate: 1/s}\n"), ('to: "user:1"', 'to: "users:1"'),
       ('"+02:00"', '"2h"'), ("{all: [", "{any: ["), ("roles:\n  base: []", "roles:\n  base: {}")]


def test_what_it_is_there_to_find_is_found():
    check = validator()
    with Folder() as folder:
        assert compiles(folder, GOOD)
        assert not wrong(check, load(GOOD))
        for old, new in BAD:
            text = GOOD.replace(old, new, 1)
            assert text.count(new) and text != GOOD, old
            assert not compiles(folder, text), (old, new)
            assert wrong(check, load(text)), (old, new)


def test_files_of_bad_shape_are_not_valid():
    check = validator()
    for name in ("shape", "operations-shape", "version", "version-list", "version-missing", "to",
                 "list", "times-days"):
        path = os.path.join(ERRORS, name + ".yaml")
        assert wrong(check, read(path)), path


def all_keys(schema):
    """Keys that the schema knows, by where they stand."""
    of = schema["definitions"]
    yield from ((k,) for k in schema["properties"])
    for part in ("rule", "grant", "never", "test"):
        yield from ((part, k) for k in of[part]["properties"])


def test_the_keys_of_the_schema_are_those_of_the_manual():
    schema = validator().schema
    with open(os.path.join(TOP, "man/xmbroker.policy.5")) as f:
        manual = f.read()
    known = set(re.findall(r"^\.It (?:Ic|Fl) (\w+)", manual, re.M)) | {"default"}
    keys = {key[-1] for key in all_keys(schema)}
    # Keys of the manual that stand inside others.
    inside = {"mask", "length", "not", "default"}
    assert keys == known - inside, (keys ^ (known - inside))


def test_operations_and_attributes_are_those_of_the_compiler():
    check = validator()
    words = check.schema["definitions"]["operation"]["anyOf"][0]["enum"]
    ops = [w for w in words if re.match("XM_", w)]
    assert len(ops) > 80, len(ops)
    policy = copy.deepcopy(load(GOOD))
    for op in ops:
        policy["roles"] = {"r": [{"deny": op}]}
        assert not wrong(check, policy), op
    with Folder() as folder:
        text = "version: 1\nroles:\n  r:\n" + "".join("    - deny: %s\n" % op for op in words
                                                      if not op.startswith("@"))
        assert compiles(folder, text)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
