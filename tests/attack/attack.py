#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A battery of attacks by several users on a running broker, while honest clients of other users call
throughout; and what happens to the broker meanwhile: its processes are killed, its disk is full, its
log is gone, its policy is garbage, its clock is moved.

    attack.py [--quick] [--json] [--seed N]

Prints a row a phase, and every violation: a wrong answer; a refusal where none is due; a decision whose
answer was seen and which is not in the audit log; an attacker who got what he may not have; latency or
memory beyond the bounds; something that did not recover, or was left behind.  The exit status is 1 if
there is one.  Two minutes (40 seconds with --quick) and at most 60 processes.

As root, attackers and honest clients are different users, and the log lies on a small file system of
its own, which only these processes see.  As an ordinary user all are the same, and the phases that
need more are not run."""

import argparse
import ctypes
import json
import os
import pwd
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/e2e"), os.path.join(TOP, "tests/attack")]

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
INNER = "XM_ATTACK_INNER"
OUR_UIDS = range(20100, 20120)  # as in field.py


def private_mounts():
    """From here on, what is mounted is seen by this process and its children alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) < 0 or libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) < 0:
        raise SystemExit("attack: no mount namespace: " + os.strerror(ctypes.get_errno()))


def arguments():
    parser = argparse.ArgumentParser(description="attacks a broker that serves honest clients")
    parser.add_argument("--quick", action="store_true", help="a short form: 40 seconds")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 32))
    parser.add_argument("--only", action="append", help="only the phases of that name")
    return parser.parse_args()


# ---- the report ----------------------------------------------------------------------------------

COLUMNS = (("phase", "%-30s", "name"), ("s", "%5.1f", "seconds"), ("honest", "%7d", "answered"),
           ("wrong", "%5d", "wrong"), ("refused", "%7d", "refused"), ("breaks", "%6d", "interrupted"),
           ("p50 us", "%7.0f", "p50"), ("p99 us", "%7.0f", "p99"), ("max ms", "%7.1f", "longest"),
           ("RSS KiB", "%7d", "rss_start"), ("peak", "%7d", "rss_peak"), ("end", "%7d", "rss_end"))


def width(form):
    return len(form % 0 if "s" not in form else form % "")


def print_header():
    print(" ".join(("%-*s" if "s" in form else "%*s") % (width(form), title)
                   for title, form, _ in COLUMNS))


def print_row(row):
    print(" ".join(form % row[key] for _, form, key in COLUMNS))
    for note in row["notes"]:
        print("    " + note)
    sys.stdout.flush()


def report(field, args, seconds):
    result = field.result()
    result["seconds"] = round(seconds, 1)
    result["seed"] = args.seed
    if args.json:
        print(json.dumps(result, indent=1))
        return
    print()
    print_header()
    for row in result["phases"]:
        print_row(row)
    print()
    for line in result["summary"]:
        print(line)
    for line in result["not_run"]:
        print("not run: " + line)
    for line in result["violations"]:
        print("VIOLATION: " + line)
    print("attack: %s; %.0f s, seed %d" % ("%d violations" % len(result["violations"])
                                         if result["violations"] else "all held",
                                         seconds, args.seed))


def say(args, text):
    print(text, file=sys.stderr if args.json else sys.stdout, flush=True)


def run(args):
    # Only here: the harness makes a copy of the programs for whoever imports it.
    import auditlog
    from battery import PHASES
    from field import Field, Violation
    start = time.monotonic()
    field = Field(args.quick, args.seed)
    try:
        field.start()
        for phase in PHASES:
            if args.only and phase.name not in args.only:
                continue
            say(args, "  %5.1f s  %s" % (time.monotonic() - start, phase.name))
            field.run(phase)
        field.finish()
    except (Violation, auditlog.Bad, AssertionError) as error:
        field.violations.append("not finished, %s: %s; the log of the broker ends with:\n%s"
                                % (type(error).__name__, error, field.log()[-3000:]))
        field.collect()
    finally:
        field.close()
    report(field, args, time.monotonic() - start)
    return 1 if field.violations else 0


# ---- what must not be left behind ----------------------------------------------------------------


def processes(folder):
    """Those of the battery: of its users, or with its folder among their arguments."""
    found = set()
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            uid = os.stat("/proc/" + pid).st_uid
            arguments_of_it = read("/proc/%s/cmdline" % pid)
        except OSError:
            continue
        if uid in OUR_UIDS or folder in arguments_of_it:
            found.add("%s: %s" % (pid, arguments_of_it.replace("\0", " ")[:100]))
    return found


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


def world(folder):
    return {"processes": processes(folder),
            "files": set(os.listdir(folder)),
            "mounts": {line for line in read("/proc/self/mounts").splitlines() if folder in line},
            "users": {user.pw_name for user in pwd.getpwall()}}


def outer():
    """Runs the battery in a process of its own, with a folder of its own, and looks for what it left
    behind."""
    folder = tempfile.mkdtemp(prefix="xm-attack-")
    os.chmod(folder, 0o755)
    try:
        before = world(folder)
        status = subprocess.run([sys.executable] + sys.argv, check=False,
                                env=dict(os.environ, TMPDIR=folder, **{INNER: "1"})).returncode
        for what, things in world(folder).items():
            if things - before[what]:
                print("VIOLATION: left behind, %s: %s" % (what, sorted(things - before[what])),
                      file=sys.stderr)
                status = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if INNER not in os.environ:
        return outer()
    args = arguments()
    if os.geteuid() == 0:
        private_mounts()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return run(args)


if __name__ == "__main__":
    raise SystemExit(main())
