#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Line coverage of a `make coverage` build, from the counters that tests/coverage/keep.c left.

    coverage.py BUILD COUNTERS-FOLDER EXCEPTIONS

Prints a table by file.  The files whose failure would be one of security have to be above the threshold,
lines in EXCEPTIONS not counted, which are

    file  "text of the line"  reason

An exception for a line that is reached, or is not there, is an error."""

import array
import collections
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys

THRESHOLD = 95.0
SECURITY = ("xmbroker/gate*.c", "xmbroker/guard.c", "libxm/raw_classify.c", "policy/eval.c",
            "policy/image*.c", "libxm/core/wire*.c", "xmbroker/identity.c", "xmbroker/audit*.c",
            "xmbroker/box*.c", "xmbroker/session*.c", "xmbroker/bucket.c", "xmbroker/users.c",
            "xmbroker/sealed.c")
PRODUCT = ("libxm/", "policy/", "xmbroker/")


def find_program(build, name):
    """Where the program of a file of counters is; names are cut by nothing, but tests are in a folder."""
    for path in (name, "tests/" + name, "examples/" + name, "man/" + name):
        if os.path.isfile(os.path.join(build, path)):
            return os.path.join(build, path)
    return None


def add_up(files):
    """The sums of counters of eight bytes."""
    total = None
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        if total is None or len(data) == 8 * len(total):
            numbers = memoryview(data).cast("q")
            total = list(numbers) if total is None else [a + b for a, b in zip(total, numbers)]
    return memoryview(array.array("q", total)).cast("B")


def dump(build, program, files, work):
    """A folder with the .gcda of a program's objects beside links to their .gcno; None without any."""
    folder = os.path.join(work, os.path.basename(program))
    os.makedirs(folder)
    summed = os.path.join(work, "counters")
    with open(summed, "wb") as f:
        f.write(add_up(files))
    env = dict(os.environ, XM_COVERAGE=folder, XM_COVERAGE_DUMP=summed)
    done = subprocess.run([program], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s: %s" % (program, done.stderr))
    names = []
    for name in os.listdir(folder):
        note = name.replace("#", "/")[:-5] + ".gcno"
        # Where it was compiled to, which is below the build folder.
        if os.path.exists(note):
            os.symlink(note, os.path.join(folder, name[:-5] + ".gcno"))
            names.append(name)
    return folder, names


def read_gcov(folder, names, lines):
    done = subprocess.run(["gcov", "--json-format", "--stdout", *names], cwd=folder,
                          capture_output=True, text=True)
    decoder = json.JSONDecoder()
    text, at = done.stdout, 0
    while at < len(text):
        while at < len(text) and text[at] in "\n ":
            at += 1
        if at >= len(text):
            break
        report, at = decoder.raw_decode(text, at)
        for entry in report["files"]:
            name = os.path.normpath(entry["file"])
            if name.startswith(PRODUCT) and name.endswith(".c"):
                for line in entry["lines"]:
                    lines[name][line["line_number"]] += line["count"]


def read_all(build, counters, work):
    by_program = collections.defaultdict(list)
    for name in sorted(os.listdir(counters)):
        match = re.match(r"(.*)\.\d+\.\d+\.counters$", name)
        if match and os.path.getsize(os.path.join(counters, name)):
            by_program[match.group(1)].append(os.path.join(counters, name))
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    n_files = 0
    for program, files in sorted(by_program.items()):
        path = find_program(build, program)
        if path:
            n_files += len(files)
            read_gcov(*dump(build, path, files, work), lines)
    return lines, len(by_program), n_files


def read_exceptions(path):
    exceptions = collections.defaultdict(dict)
    with open(path) as f:
        for number, line in enumerate(f, 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = re.match(r'(\S+)\s+"(.*)"\s+(\S.*)$', line.rstrip("\n"))
            if not match:
                sys.exit("%s:%d: not: file \"text\" reason" % (path, number))
            exceptions[match.group(1)][match.group(2)] = number
    return exceptions


def is_security(name):
    return any(fnmatch.fnmatch(name, pattern) for pattern in SECURITY)


def judge(name, counts, argued, path):
    """(percent, percent with what is argued, uncovered lines, errors)."""
    with open(name) as f:
        source = f.read().split("\n")
    missing = {n: source[n - 1].strip() for n, count in counts.items() if not count}
    open_lines = {n: text for n, text in missing.items() if text not in argued}
    errors = ["%s:%d: is reached, or not there: %s" % (path, number, text)
              for text, number in argued.items() if text not in missing.values()]
    total = len(counts)
    return (100 * (total - len(missing)) / total, 100 * (total - len(open_lines)) / total, open_lines,
            errors)


def main(build, counters, path):
    work = os.path.join(build, "coverage-work")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    lines, n_programs, n_files = read_all(build, counters, work)
    exceptions, failed, all_lines, all_missing = read_exceptions(path), False, 0, 0
    for name in exceptions:
        if name not in lines:
            print("%s: no such file is covered: %s" % (path, name))
            failed = True
    print("%-38s %7s %7s %9s" % ("file", "lines", "missing", "covered"))
    for name, counts in sorted(lines.items()):
        percent, argued, open_lines, errors = judge(name, counts, exceptions.get(name, {}), path)
        n_missing = sum(1 for count in counts.values() if not count)
        all_lines, all_missing = all_lines + len(counts), all_missing + n_missing
        mark = ""
        if is_security(name):
            mark = " security" if argued > THRESHOLD else " BELOW %d %%" % THRESHOLD
            if argued != percent:
                mark += " (%.1f %% with what is argued)" % argued
        print("%-38s %7d %7d %8.1f%%%s" % (name, len(counts), n_missing, percent, mark))
        for error in errors:
            print("  " + error)
        if is_security(name) and argued <= THRESHOLD:
            for number, text in sorted(open_lines.items()):
                print("    %s:%d: %s" % (name, number, text))
            failed = True
        failed |= bool(errors)
    shutil.rmtree(work)
    if not lines:
        sys.exit("nothing was counted")
    print("count: coverage: %.1f %% of %d lines in %d files, from %d processes of %d programs"
          % (100 * (all_lines - all_missing) / all_lines, all_lines, len(lines), n_files, n_programs))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
