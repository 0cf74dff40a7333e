#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs gcc -fanalyzer, clang-tidy and cppcheck over sources, some at a time (JOBS, 2 unless set).

    analyze.py EXCEPTIONS FLAGS -- FILE...

Every finding is an error, but for those in EXCEPTIONS, whose lines are

    check  file  "text of the line"  reason

An exception that nothing is found for is an error too, so that the list stays short."""

import collections
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import time

FINDING = re.compile(r"^([^ :][^:]*):(\d+):(?:\d+:)? (?:fatal )?(?:warning|error|performance|portability|style): "
                     r"(.*) \[([-\w.,+=]+)\]$")
CHUNK = 4
SUPPRESSED = (
    "missingIncludeSystem",  # cppcheck has descriptions of its own of the C library
    "preprocessorErrorDirective",  # headers of a profile refuse another one, which it tries too
    "varFuncNullUB",  # NULL is a pointer with every C library that there is for Linux
    "ctuuninitvar",  # sees no writing through a pointer in another file
)

Finding = collections.namedtuple("Finding", "file line text check tool")


def source_line(file, line):
    try:
        with open(file, errors="replace") as f:
            return f.read().split("\n")[line - 1].strip()
    except (OSError, IndexError):
        return ""


def findings(tool, output):
    for line in output.splitlines():
        match = FINDING.match(line)
        if match:
            file = os.path.relpath(match.group(1))
            check = match.group(4)
            if tool == "gcc":
                check = check.replace("-Werror=", "-W")
                if "analyzer" not in check:
                    continue  # the build's own warnings are the build's business
            yield Finding(file, int(match.group(2)), match.group(3), check, tool)


def run(tool, command, files):
    done = subprocess.run(command, capture_output=True, text=True)
    found = list(findings(tool, done.stdout + done.stderr))
    if done.returncode and not found:
        found.append(Finding(files[0], 1, "%s failed:\n%s%s" % (shlex.join(command), done.stdout,
                                                               done.stderr), "failed", tool))
    return tool, found


def commands(flags, files):
    includes = [f for f in flags if f.startswith(("-I", "-D"))]
    # gcc 12 does not see that what is stored behind a pointer is still reachable; LeakSanitizer does.
    gcc = ["gcc", *flags, "-O1", "-fanalyzer", "-Wno-analyzer-malloc-leak", "-fno-diagnostics-show-caret", "-fanalyzer-verbosity=0", "-c",
           "-o", "/dev/null"]
    for file in files:
        yield "gcc", gcc + [file], [file]
    for at in range(0, len(files), CHUNK):
        part = files[at:at + CHUNK]
        yield "tidy", ["clang-tidy", "--quiet", *part, "--", *flags], part
    half = (len(files) + 1) // 2
    for part in (files[:half], files[half:]):
        yield "cppcheck", ["cppcheck", "--quiet", "--std=c11", "--template={file}:{line}: {severity}: "
                           "{message} [{id}]", "--enable=warning,performance,portability",
                           *("--suppress=" + name for name in SUPPRESSED),
                           *includes, *part], part


def read_exceptions(path):
    exceptions = {}
    with open(path) as f:
        for number, line in enumerate(f, 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = re.match(r'(\S+)\s+(\S+)\s+"(.*)"\s+(\S.*)$', line.rstrip("\n"))
            if not match:
                sys.exit("%s:%d: not: check file \"text\" reason" % (path, number))
            exceptions[match.group(1, 2, 3)] = number
    return exceptions


def main(argv):
    path, rest = argv[0], argv[1:]
    at = rest.index("--")
    flags, files = rest[:at], rest[at + 1:]
    exceptions = read_exceptions(path)
    unused, bad, counts, began = dict(exceptions), set(), collections.Counter(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        jobs = [pool.submit(run, *c) for c in commands(flags, files)]
        for job in concurrent.futures.as_completed(jobs):
            tool, found = job.result()
            counts[tool] += 1
            for f in found:
                key = (f.check, f.file, source_line(f.file, f.line))
                unused.pop(key, None)
                if key not in exceptions:
                    bad.add((f, key[2]))
    for f, line in sorted(bad):
        print("%s:%d: %s [%s]\n    %s" % (f.file, f.line, f.text, f.check, line))
    for key, number in sorted(unused.items(), key=lambda item: item[1]):
        print("%s:%d: nothing is found here any more: %s" % ((path, number) + (" ".join(key),)))
    print("count: analysis: %d files with gcc -fanalyzer, clang-tidy and cppcheck in %d s: %d findings, "
          "%d exceptions" % (len(files), time.monotonic() - began, len(bad), len(exceptions)))
    return 1 if bad or unused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
