#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel module without one of its checks at a time, and the guest's tests that then fail.

    mutate.py [TEXT...]         only those whose name has one of the texts

mutations.txt is the list; it explains itself.  B is the build folder, in which the module and the
programs of tests/vm have been built, and KERNEL the folder of the kernel's headers; the tree itself is not
changed.  Exit status 1: without some check all tests passed, or the list is not right."""

import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("B", "build"))
STAGE = os.path.join(BUILD, "kmod-mutant")


class Wrong(Exception):
    """The list is not what it should be."""


def read_list(path):
    entries, part = [], None
    with open(path) as f:
        for line in f:
            key, _, value = line.rstrip("\n").partition(": ")
            if line.startswith("#") and part is None:
                continue
            if key == "name":
                entries.append({"name": value, "edits": []})
                part = None
            elif key == "tests":
                entries[-1]["tests"] = value.split()
            elif key == "file":
                entries[-1]["edits"].append({"file": value, "old": [], "new": []})
            elif line.rstrip() in ("old:", "new:"):
                part = line.strip()[:-1]
            elif part:
                entries[-1]["edits"][-1][part].append(line)
    return entries


def text_of(lines):
    """Without the empty line between blocks."""
    return "".join(lines).rstrip("\n")


def apply(entry):
    for edit in entry["edits"]:
        path = os.path.join(STAGE, edit["file"])
        with open(path) as f:
            source = f.read()
        old = text_of(edit["old"])
        if source.count(old) != 1:
            raise Wrong(f"{entry['name']}: {edit['file']} has this {source.count(old)} times:\n{old}")
        with open(path, "w") as f:
            f.write(source.replace(old, text_of(edit["new"])))


def build():
    run = subprocess.run(["make", "-s", "-C", os.environ["KERNEL"], "M=" + STAGE, "modules"],
                         capture_output=True, text=True)
    if run.returncode:
        raise Wrong("does not build:\n" + run.stderr)


def boot(groups):
    env = dict(os.environ, VM_APPEND="xm.groups=" + ",".join(groups))
    run = subprocess.run(["sh", os.path.join(TOP, "tests/vm/run.sh"), BUILD, os.path.join(STAGE, "xmctl.ko")],
                         env=env, capture_output=True, text=True)
    return run.returncode, run.stdout


def show(output):
    lines = [line for line in output.splitlines() if re.match(r"FAILED|    |.*(BUG|Oops|WARNING)", line)]
    for line in lines[:6]:
        print("    " + line.strip())


def main():
    wanted = sys.argv[1:]
    bad = 0
    for entry in read_list(os.path.join(TOP, "tests/vm/mutations.txt")):
        if wanted and not any(text in entry["name"] for text in wanted):
            continue
        shutil.rmtree(STAGE, ignore_errors=True)
        shutil.copytree(os.path.join(BUILD, "kmod"), STAGE)
        apply(entry)
        build()
        status, output = boot(entry["tests"])
        print(f"{'fails, as it should' if status else 'PASSES'}: without {entry['name']}", flush=True)
        show(output)
        bad += not status
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"mutate: {wrong}", file=sys.stderr)
        sys.exit(1)
