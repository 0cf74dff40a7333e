#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that use every public name link and run: see tests/symbols/run-symbols.sh."""

import os
import subprocess

from harness import BUILD, SANITIZED, TOP, need_32bit, run_all

SCRIPT = os.path.join(TOP, "tests/symbols/run-symbols.sh")


def run_symbols(*folders):
    env = dict(os.environ)
    if SANITIZED:
        env["CFLAGS"] = "-fsanitize=address,undefined"
    done = subprocess.run(["sh", SCRIPT, *folders], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print("# " + done.stdout.strip())


def test_every_public_name():
    run_symbols(BUILD)


def test_every_public_name_in_32_bit_too():
    need_32bit()
    run_symbols(BUILD, os.path.join(BUILD, "m32"))


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
