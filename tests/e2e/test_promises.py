#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The list of mechanisms that "make prove-promises" switches off one by one is true of the sources."""

import os
import subprocess
import sys

from harness import TOP, run_all


def test_each_mechanism_is_there_and_has_a_test():
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests/promises/prove.py"), "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
