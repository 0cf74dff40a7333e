#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library in a program that loads and unloads it while it runs: alone, and within a plugin."""

import os
import subprocess
import sys

from harness import BUILD, PYTHON, SANITIZED, TOP, Broker, NotRun, run_all
from policies import ONE_USER

ROUNDS = 200

# Loads a library, makes a call and a lazy one, unloads it, and so on; then says how many descriptors
# there are, and how much memory.
LOADER = """
import _ctypes, ctypes, os, sys
path, prefix, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(rounds):
    library = ctypes.CDLL(path)
    assert getattr(library, prefix + "xm_partition_self")() == 0
    getattr(library, prefix + "XM_lazy_hypercall")(8, 0)
    _ctypes.dlclose(library._handle)
with open("/proc/self/status") as f:
    size = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
print(len(os.listdir("/proc/self/fd")), size)
"""

PLUGIN = """
#include <xm.h>

xm_s32_t plugin_xm_partition_self(void)
{
	return xm_partition_self();
}

void plugin_XM_lazy_hypercall(xm_u32_t nr, xm_s32_t argc)
{
	XM_lazy_hypercall(nr, argc);
}
"""


def load(broker, path, prefix, rounds):
    """Descriptors and KiB of a process that has loaded the library so often."""
    if SANITIZED:
        raise NotRun("needs a library that any process can load")
    done = subprocess.run([PYTHON, "-c", LOADER, path, prefix, str(rounds)], text=True,
                          env=broker.environment(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def check(broker, path, prefix):
    once, often = load(broker, path, prefix, 1), load(broker, path, prefix, ROUNDS)
    assert often[0] <= once[0], (once, often)
    assert often[1] - once[1] < ROUNDS * 6, (once, often)


def test_the_library_is_loaded_and_unloaded():
    with Broker(ONE_USER) as broker:
        check(broker, os.path.join(BUILD, "libxm.so.0"), "xm3x_")


def test_a_plugin_with_the_library_is_loaded_and_unloaded():
    with Broker(ONE_USER) as broker:
        source, plugin = broker.file("plugin.c", PLUGIN), broker.file("plugin.so")
        subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-o", plugin, source,
                        "-I", os.path.join(TOP, "include"), os.path.join(BUILD, "libxm.a"),
                        "-lpthread"], check=not SANITIZED, stderr=subprocess.DEVNULL)
        check(broker, plugin, "plugin_")


if __name__ == "__main__":
    sys.exit(run_all(globals()))
