#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The list of mechanisms that "make prove-promises" switches off one by one is true of the sources."""

import glob
import os
import re
import subprocess
import sys

from harness import TOP, run_all


def test_each_mechanism_is_there_and_has_a_test():
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests/promises/prove.py"), "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def known_names():
    """Suites and tests of the unit tests; files and functions of the end-to-end tests and of those in
    the guest."""
    names = set()
    for path in glob.glob(os.path.join(TOP, "tests/test_*.c")):
        for suite, test in re.findall(r"Test\((\w+),\s*(\w+)", read(path)):
            names |= {suite, test}
    for path in glob.glob(os.path.join(TOP, "tests/e2e/test_*.py")):
        names.add(os.path.basename(path)[:-len(".py")])
        names |= set(re.findall(r"^def (test_\w+)", read(path), re.M))
    names |= set(re.findall(r"^(\w+)\(\) {", read("tests/vm/broker.sh"), re.M))
    return names | {os.path.basename(path)[:-len(".c")] for folder in ("fuzz", "vm")
                    for path in glob.glob(os.path.join(TOP, "tests", folder, "*.c"))}


def is_known(name, names):
    if name.endswith("*"):
        return any(other.startswith(name[:-1]) for other in names)
    return name in names


def test_security_names_tests_and_files_that_there_are():
    names, wrong, seen = known_names(), [], 0
    for line in read("SECURITY.md").splitlines():
        cells = line.split("|")[1:-1]
        if not cells or set(cells[0]) <= set("-"):
            continue
        for name in re.findall(r"\b[a-z][a-z0-9]*_[a-z0-9_]+\*?", cells[-1]):
            seen += 1
            if not is_known(name, names):
                wrong.append(name)
        wrong += [path for path in re.findall(r"`([\w/]+/[\w.-]+\.\w+)`", line)
                  if not os.path.exists(os.path.join(TOP, path))]
    assert not wrong, "SECURITY.md names what there is not: %s" % ", ".join(wrong)
    assert seen > 100, seen


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
