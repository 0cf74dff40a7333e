#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""For each mechanism that a promise of SECURITY.md rests on: the project without just that mechanism,
and the test that then fails.

    prove.py [--check] [--promise N] [--only TEXT] [--keep-going]

promises.txt is the list; it explains itself.  The tree and its build folder (B, "build" unless set) are
copied, so that nothing here is changed; in the copy one mechanism at a time is switched off, what its
test needs is built, and the test is run, which has to fail.  Before that all named tests have to pass.
--check only looks whether every text is still there, once, and every test exists.  Exit status 1:
something is not as the list says."""

import argparse
import collections
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(TOP, "tests/promises/promises.txt")
PROMISES = range(1, 10)
TEST_SECONDS = 90
BUILD_SECONDS = 600

Edit = collections.namedtuple("Edit", "file old new")
Entry = collections.namedtuple("Entry", "line promise mechanism edits tests static")


class Wrong(Exception):
    """The list is not what it should be."""


# ---- the list ------------------------------------------------------------------------------------


def read_list(path=LIST):
    """Entries are separated by empty lines; lines that begin with # say something to the reader."""
    entries = []
    with open(path) as f:
        block = []
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if line.strip():
                block.append((number, line))
            elif block:
                entries.append(read_entry(block))
                block = []
        if block:
            entries.append(read_entry(block))
    return entries


def read_entry(block):
    number, head = block[0]
    match = re.fullmatch(r"\[(\d)\] (.+)", head)
    if not match:
        raise Wrong("line %d: an entry begins with [PROMISE] MECHANISM" % number)
    edits, tests, static = [], [], False
    for at, line in block[1:]:
        if line.startswith("file "):
            edits.append([line[5:], [], []])
        elif line[0] in "-+" and edits:
            edits[-1][1 if line[0] == "-" else 2].append(line[1:])
        elif line.startswith("test "):
            tests.append(line[5:].strip())
        elif line == "does not compile":
            static = True
        else:
            raise Wrong("line %d: %r is neither file, -, +, test nor 'does not compile'" % (at, line))
    if not edits or bool(tests) == static:
        raise Wrong("line %d: needs a file, and a test or 'does not compile'" % number)
    edits = [Edit(file, "\n".join(old), "\n".join(new)) for file, old, new in edits]
    return Entry(number, int(match.group(1)), match.group(2), edits, tests, static)


def read(path):
    with open(path) as f:
        return f.read()


class Tests:
    """Where a test is: suite/name of a unit test, or test_file.py/test_name."""

    def __init__(self, top):
        self.top = top
        self.sources = {path: read(path) for path in glob.glob(os.path.join(top, "tests/test_*.c"))}

    def find(self, test):
        """(program, arguments): a unit test program by its name, or the path of a script."""
        suite, _, name = test.partition("/")
        if suite.endswith(".py"):
            path = os.path.join(self.top, "tests/e2e", suite)
            if os.path.exists(path) and re.search(r"^def %s\(" % re.escape(name), read(path), re.M):
                return path, [name]
            return None
        for path, text in self.sources.items():
            if self.has(text, suite, name):
                return os.path.basename(path)[:-2], ["--filter", test, "--timeout", "20"]
        return None

    @staticmethod
    def has(text, suite, name):
        """By itself, or made by a macro of the file that puts names together."""
        if re.search(r"\b%s,\s*%s\b(?!##)" % (re.escape(suite), re.escape(name)), text):
            return True
        made = re.findall(r"#define (\w+)\(\w+[^)]*\)(?:.*\\\n)*?.*\bTest\(%s, \w+##(\w+)" % suite, text)
        return any(name.endswith(ending) and re.search(
            r"^\s*%s\(%s\b" % (macro, re.escape(name[:-len(ending)])), text, re.M)
                   for macro, ending in made)


def whole_lines(text):
    return "\n" + text + "\n"


def check_entry(entry, tests):
    """What is wrong with an entry, in words."""
    problems = []
    for edit in entry.edits:
        path = os.path.join(tests.top, edit.file)
        text = read(path) if os.path.exists(path) else ""
        times = whole_lines(text).count(whole_lines(edit.old)) if edit.old else 0
        if times != 1:
            problems.append("the text stands in %s %d times, not once" % (edit.file, times))
        if edit.old == edit.new:
            problems.append("nothing is replaced")
    problems += ["there is no test " + test for test in entry.tests if not tests.find(test)]
    return problems


def check(entries):
    tests = Tests(TOP)
    bad = 0
    for entry in entries:
        for problem in check_entry(entry, tests):
            bad += 1
            print("promises.txt:%d: %s: %s" % (entry.line, entry.mechanism, problem))
    for promise in PROMISES:
        if not any(entry.promise == promise for entry in entries):
            bad += 1
            print("promises.txt: promise %d has no entry" % promise)
    print("%d mechanisms of %d promises, %d problems"
          % (len(entries), len({entry.promise for entry in entries}), bad))
    return bad


# ---- the copy ------------------------------------------------------------------------------------


class Copy:
    """A tree of its own, built, in which files can be changed."""

    def __init__(self, build):
        self.folder = tempfile.mkdtemp(prefix="xm-promises-")
        os.chmod(self.folder, 0o755)
        self.top = os.path.join(self.folder, "tree")
        skipped = shutil.ignore_patterns(".git", "build", "__pycache__", "*.pyc")
        shutil.copytree(TOP, self.top, symlinks=True, ignore=skipped)
        shutil.copytree(os.path.join(TOP, build), os.path.join(self.top, "build"), symlinks=True,
                        ignore=shutil.ignore_patterns("fuzz", "asan", "clang", "results"))
        self._move_dependencies(build.rstrip("/"))

    def _move_dependencies(self, build):
        """What depends on what was written for the build folder's old name."""
        for path in glob.glob(os.path.join(self.top, "build/**/*.d"), recursive=True):
            times = os.stat(path)
            text = read(path)
            with open(path, "w") as f:
                f.write(re.sub(r"(?m)(^|(?<=\s))" + re.escape(build) + "/", "build/", text))
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def end_processes(self):
        """What a test that was ended has left: all that works in this folder."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/cwd" % pid).startswith(self.folder):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass

    def close(self):
        self.end_processes()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, targets):
        """None, or what make said."""
        done = subprocess.run(["make", "-j2", "--no-print-directory", "B=build"] + targets,
                              cwd=self.top, capture_output=True, text=True, timeout=BUILD_SECONDS)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def replace(self, edits):
        """Makes them, and returns what undoes them."""
        before = {}
        for edit in edits:
            path = os.path.join(self.top, edit.file)
            text = read(path)
            before.setdefault(path, text)
            self.write(path, whole_lines(text).replace(
                whole_lines(edit.old), whole_lines(edit.new) if edit.new else "\n")[1:-1])
        return before

    @staticmethod
    def write(path, text):
        with open(path, "w") as f:
            f.write(text)

    def restore(self, before):
        for path, text in before.items():
            self.write(path, text)


class Runner:
    """Builds and runs single tests in the copy."""

    def __init__(self, copy):
        self.copy = copy
        self.tests = Tests(copy.top)
        self.environment = dict(os.environ, XM_BUILD=os.path.join(copy.top, "build"),
                                PYTHONDONTWRITEBYTECODE="1", KILLS="60")

    def targets(self, test):
        program = self.tests.find(test)[0]
        return ["e2e-needs"] if program.endswith(".py") else ["build/tests/" + program]

    def passes(self, test):
        program, arguments = self.tests.find(test)
        command = ["python3", program] if program.endswith(".py") \
            else [os.path.join(self.copy.top, "build/tests", program)]
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(command + arguments, cwd=self.copy.top, stdout=out, stderr=out,
                                       env=self.environment, stdin=subprocess.DEVNULL)
            try:
                process.wait(TEST_SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()
            self.copy.end_processes()
            process.wait()
            out.seek(0)
            # A test that was not run proves nothing, however it ends.
            return None if b"# SKIP" in out.read() else process.returncode == 0


def prove(entry, copy, runner):
    """(whether it is proven, in words)."""
    before = copy.replace(entry.edits)
    try:
        if entry.static:
            said = copy.make(["all"])
            return (True, "does not compile") if said else (False, "compiles all the same")
        outcomes = []
        for test in entry.tests:
            said = copy.make(runner.targets(test))
            if said:
                return False, "cannot be built: " + said.strip().splitlines()[-1][:120]
            outcomes.append(runner.passes(test))
        if None in outcomes:
            return False, "not run here"
        if any(outcomes):
            return False, "passes all the same: " + ", ".join(
                t for t, passed in zip(entry.tests, outcomes) if passed)
        return True, "fails"
    finally:
        copy.restore(before)


def baseline(entries, copy, runner):
    """The tests that pass as things are; others cannot prove anything."""
    wanted = sorted({test for entry in entries for test in entry.tests})
    said = copy.make(sorted({t for test in wanted for t in runner.targets(test)}))
    if said:
        raise Wrong("the copy cannot be built:\n" + said[-2000:])
    return {test: runner.passes(test) for test in wanted}


def print_row(entry, word, seconds):
    tests = ", ".join(entry.tests) or "(the compiler)"
    print("%d  %-6s %4.0f s  %s\n              %s: %s"
          % (entry.promise, "proven" if word in ("fails", "does not compile") else "NOT", seconds,
             entry.mechanism, tests, word))
    sys.stdout.flush()


def prove_all(entries, build):
    start = time.monotonic()
    copy = Copy(build)
    proven = collections.Counter()
    try:
        runner = Runner(copy)
        passing = baseline(entries, copy, runner)
        print("%d tests pass as things are, %d s" % (sum(p is True for p in passing.values()),
                                                    time.monotonic() - start))
        for entry in entries:
            begin = time.monotonic()
            failing = [test for test in entry.tests if not passing[test]]
            if failing:
                good, word = False, "does not pass, or is not run, as things are: " + ", ".join(failing)
            else:
                good, word = prove(entry, copy, runner)
            proven[entry.promise] += good
            print_row(entry, word, time.monotonic() - begin)
    finally:
        copy.close()
    total = collections.Counter(entry.promise for entry in entries)
    for promise in sorted(total):
        print("promise %d: %d of %d mechanisms proven" % (promise, proven[promise], total[promise]))
    print("prove-promises: %d of %d proven in %d s" % (sum(proven.values()), len(entries),
                                                      time.monotonic() - start))
    return len(entries) - sum(proven.values())


def main():
    # So that the copy goes away, and what runs in it, when this is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description="without each mechanism, a test fails")
    parser.add_argument("--check", action="store_true", help="only check the list")
    parser.add_argument("--promise", type=int, action="append", help="only this promise")
    parser.add_argument("--only", action="append", help="only mechanisms with this text")
    args = parser.parse_args()
    try:
        entries = read_list()
        if args.check:
            return 1 if check(entries) else 0
        chosen = [entry for entry in entries
                  if (not args.promise or entry.promise in args.promise)
                  and (not args.only or any(text in entry.mechanism for text in args.only))]
        tests = Tests(TOP)
        problems = [p for entry in chosen for p in check_entry(entry, tests)]
        if problems:
            raise Wrong("; ".join(problems))
        return 1 if prove_all(chosen, os.environ.get("B", "build")) else 0
    except Wrong as error:
        print("prove-promises: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
