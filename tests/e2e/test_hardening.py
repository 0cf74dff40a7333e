#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed: how it was compiled and linked, and how far the service is shut in."""

import os
import platform
import re
import shutil
import subprocess

from harness import SANITIZED, TOP, NotRun, run_all
from test_install import Installed

PROGRAMS = """
usr/sbin/xmbroker usr/sbin/xmsim usr/bin/xmpolicy usr/bin/xmaudit usr/bin/xmbrokerctl
usr/libexec/xmbroker/xmbroker-server usr/libexec/xmbroker/xmbroker-compiler
""".split()
LIBRARY = "usr/lib/libxm.so.0"
# The evaluator calls nothing, so also no checks (see "freestanding" in the Makefile).
FREESTANDING = ("policy/eval.c",)
MACHINE = platform.machine()
CONTROL_FLOW = {"x86_64": "-fcf-protection", "aarch64": "-mbranch-protection=standard"}
# Of 10; each point is argued in xmbroker(8).
EXPOSURE = 1.6


def readelf(*args):
    return subprocess.run(["readelf", "-W", *args], capture_output=True, text=True,
                          check=True).stdout


def each():
    with Installed() as tree:
        for name in PROGRAMS + [LIBRARY]:
            yield name, os.path.join(tree.path, name)


def test_position_independent():
    for name, path in each():
        assert re.search(r"Type:\s+DYN", readelf("-h", path)), name
        if name != LIBRARY:
            assert re.search(r"FLAGS_1.*\bPIE\b", readelf("-d", path)), name


def test_everything_is_bound_at_start_and_then_read_only():
    for name, path in each():
        assert "GNU_RELRO" in readelf("-l", path), name
        dynamic = readelf("-d", path)
        assert "BIND_NOW" in dynamic and re.search(r"FLAGS_1.*\bNOW\b", dynamic), name


def test_no_stack_is_executable_and_nothing_is_written_and_run():
    for name, path in each():
        headers = readelf("-l", path)
        stack = re.search(r"GNU_STACK(?:\s+0x\S+){5}\s+([RWE ]+?)\s+0x", headers)
        assert stack and "E" not in stack.group(1), (name, headers)
        loads = re.findall(r"LOAD(?:\s+0x\S+){5}\s+([RWE ]+?)\s+0x", headers)
        assert loads and not [f for f in loads if "W" in f and "E" in f], (name, loads)
        assert "TEXTREL" not in readelf("-d", path), name


def test_libraries_come_from_the_system_only():
    for name, path in each():
        assert not re.search(r"\((RPATH|RUNPATH)\)", readelf("-d", path)), name


def test_stack_protector_and_checked_functions_are_used():
    for name, path in each():
        symbols = readelf("--dyn-syms", path)
        assert "__stack_chk_fail" in symbols, name
        assert re.search(r"__(snprintf|memcpy|fprintf|vsnprintf|memset)_chk\b", symbols), name


def producers(path):
    """{source file: how it was compiled}, as the compiler noted it."""
    found, name = {}, None
    out = subprocess.run(["readelf", "--debug-dump=info", "--dwarf-depth=1", path],
                         capture_output=True, text=True, check=True).stdout
    producer = None
    for line in out.splitlines():
        if "DW_AT_producer" in line:
            producer = line.split("): ", 1)[1]
        elif "DW_AT_name" in line and producer is not None:
            name = line.rsplit(": ", 1)[1].strip()
            found[name] = producer
            producer = None
    return found


def test_every_source_was_compiled_with_the_flags():
    """Zero-initialised automatic variables leave no other trace."""
    seen = 0
    for name, path in each():
        found = {n: p for n, p in producers(path).items() if " C11 " in p or "GNU C" in p}
        if not found:
            raise NotRun("needs gcc and its notes (-g): " + name)
        for source, flags in found.items():
            wanted = ["-ftrivial-auto-var-init=zero", "-fstack-clash-protection"]
            if MACHINE in CONTROL_FLOW:
                wanted.append(CONTROL_FLOW[MACHINE])
            if source not in FREESTANDING:
                wanted.append("-fstack-protector-strong")
            missing = [flag for flag in wanted if flag not in flags]
            assert not missing, (name, source, missing)
            seen += 1
    assert seen > 100, seen


def test_indirect_jumps_land_where_they_should():
    """Each function begins with the instruction; the libraries of Debian 12 are built without the
    note by which the kernel would enforce it."""
    landing = {"x86_64": "endbr64", "aarch64": "(bti|paciasp)"}.get(MACHINE)
    if not landing:
        raise NotRun("needs a processor with such a protection, not " + MACHINE)
    if not shutil.which("objdump"):
        raise NotRun("needs objdump")
    with Installed() as tree:
        path = os.path.join(tree.path, "usr/libexec/xmbroker/xmbroker-server")
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True,
                              text=True, check=True).stdout
    main = re.search(r"<main>:\n\s+[0-9a-f]+:\s+(\S+)", code)
    assert main and re.fullmatch(landing, main.group(1)), main and main.group(0)
    assert len(re.findall(landing, code)) > 100


def test_the_service_is_shut_in():
    if not shutil.which("systemd-analyze"):
        raise NotRun("needs systemd-analyze")
    if SANITIZED:
        raise NotRun("once is enough")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           os.path.join(TOP, "xmbroker/xmbroker.service")], capture_output=True,
                          text=True)
    found = re.search(r"exposure level for xmbroker.service: ([0-9.]+)", done.stdout)
    assert found, (done.stdout, done.stderr)
    assert float(found.group(1)) <= EXPOSURE, done.stdout
    # What is left is what the manual page argues, by name.
    with open(os.path.join(TOP, "man/xmbroker.8")) as f:
        manual = f.read()
    for line in done.stdout.splitlines():
        if line.startswith("\u2717"):
            name = line.split()[1].rstrip("=").split("=")[0]
            assert name in manual, line


def test_the_unit_lets_through_what_the_processes_keep():
    """The capabilities of the table and those of the unit are the same."""
    with open(os.path.join(TOP, "xmbroker/xmbroker.service")) as f:
        unit = re.search(r"^CapabilityBoundingSet=(.*)$", f.read(), re.M).group(1).split()
    with open(os.path.join(TOP, "xmbroker/box_tables.c")) as f:
        table = f.read()
    table = table[table.index("box_capabilities[]"):]
    kept = re.findall(r"^\t\{ (CAP_\w+),", table, re.M)
    assert sorted(unit) == sorted(kept), (unit, kept)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
