#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The conformance suite: straight on xmsim in every profile, through a broker on it, and through a
broker on loopback, which claims some rows only.  Says how many rows and checks there were."""

import json
import os
import shutil
import subprocess

from harness import (ALICE, Broker, Folder, STAGE, TOP, as_user, need_32bit, program, run_all,
                     wait_for)

SOURCE = os.path.join(TOP, "tests/conformance")
SUITE = os.path.join(STAGE, "conformance")
# Program, description, and what else xmsim is told.
PROFILES = {
    "2.4": ("24", "2x", ()),
    "2.6": ("26", "2x", ("--profile", "2.6")),
    "3.x": ("3x", "3x", ()),
    "prtos": ("pr", "prtos", ()),
}
PEERS = (1, 2, 3, 4, 5, 7)
ANY = "0..18446744073709551615"
# The user may do everything: what is tested is the hypervisor.
POLICY = """\
version: 1
%%sroles:
  all:
    - allow: ["@time", "@status", "@console", "@ports", "@hm", "@trace", "@plan", "@partition",
              "@system", "@ipvi", "@self-stop"]
      audit: denied
    - allow: "@machine"
      where: {resource: %(any)s}
      audit: denied
    - allow: XM_memory_copy
      where: {dstAddr: %(any)s, srcAddr: %(any)s}
      audit: denied
    - allow: [XM_set_irqmask, XM_clear_irqmask]
      where: {hwIrqsMask: 0..0xffffffff, extIrqsMask: 0..0xffffffff}
      audit: denied
    - allow: [XM_set_irqpend, XM_clear_irqpend]
      where: {hwIrqsPend: 0..0xffffffff, extIrqsPend: 0..0xffffffff}
      audit: denied
    - allow: XM_reset_vcpu
      where: {vcpuId: 0..15, ptdL1: %(any)s, entry: %(any)s}
      audit: denied
grants:
  - {to: "user:%(user)d", roles: [all]}
""" % {"any": ANY, "user": ALICE}

shutil.copytree(SOURCE, SUITE, ignore=shutil.ignore_patterns("*.c", "*.h"))
subprocess.run(["chmod", "-R", "a+rX", SUITE], check=True)


class Simulator(Folder):
    """xmsim on the suite's own description; every user may be in every partition."""

    def __init__(self, profile, clock="real", args=()):
        super().__init__()
        _, system, options = PROFILES[profile]
        self.xml = os.path.join(SUITE, "system-%s.xml" % system)
        self.command = [program("xmsim"), "--config", self.xml, "--dir", self.file("sim"),
                        "--console", self.file("console"), "--clock", clock, *options, *args]

    def __enter__(self):
        try:
            with open(self.file("log"), "wb") as log:
                self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, start_new_session=True)
            wait_for("xmsim", lambda: self.ended() or os.path.exists(self.socket(7)))
            os.chmod(self.file("sim"), 0o755)
            for partition in range(8):
                os.chmod(self.socket(partition), 0o666)
        except BaseException:
            self.__exit__()
            raise
        return self

    def ended(self):
        if self.process.poll() is not None:
            with open(self.file("log")) as f:
                raise AssertionError("xmsim ended: " + f.read())

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait()
        super().__exit__()

    def socket(self, partition):
        return self.file("sim/p%d.ctl" % partition)


def run_suite(number, system, socket, *args):
    """Runs it as a user: its exit code, what it says of each row, and the totals."""
    command = [program("tests/conformance" + number), "--json", "--system",
               os.path.join(SUITE, "system-%s.txt" % system), *args]
    done = subprocess.run(command, env=dict(os.environ, XM_BROKER_SOCKET=socket), cwd="/",
                          capture_output=True, text=True, timeout=240, **as_user(ALICE))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows and "rows" in rows[-1], done
    total = rows.pop()
    print("# %s: %d rows, %d passed, %d failed, %d not claimed, %d checks"
          % (os.path.basename(command[0]), total["rows"], total["passed"], total["failed"],
             total["unclaimed"], total["checks"]))
    return done.returncode, rows, total


def has_failed(row):
    return row["claimed"] and (row["failed"] or row["lacks"] or not row["tried"])


def suite(*args):
    """Runs it; fails on any row that failed, and says what is wrong with each."""
    code, rows, total = run_suite(*args)
    bad = ["%s %s: %s%s" % (r["section"], r["row"], r["lacks"], r["text"]) for r in rows
           if has_failed(r)]
    assert not bad and code == 0, "\n" + "\n".join(bad)
    return total


def peers(simulator):
    return [a for p in PEERS for a in ("--peer", "%d=%s" % (p, simulator.socket(p)))]


def direct(profile, clock="real", suffix=""):
    number, system, _ = PROFILES[profile]
    with Simulator(profile, clock) as simulator:
        args = peers(simulator)
        if clock == "virtual":
            # Moving the clock is for whoever started the simulator.
            os.chmod(simulator.file("sim/control"), 0o666)
            args += ["--control", simulator.file("sim/control")]
        total = suite(number + suffix, system, simulator.socket(0), *args)
    assert total["unclaimed"] == 0


def brokered(profile):
    number, system, _ = PROFILES[profile]
    with Simulator(profile) as simulator:
        policy = POLICY % ("system: %s\n" % simulator.xml)
        with Broker(policy, "xmsim:" + simulator.socket(0)) as broker:
            suite(number, system, broker.socket, "--brokered", *peers(simulator))


def test_xmsim_2_4():
    direct("2.4")


def test_xmsim_2_6():
    direct("2.6")


def test_xmsim_3_x():
    direct("3.x")


def test_xmsim_prtos():
    direct("prtos")


def test_xmsim_virtual_clock():
    direct("3.x", "virtual")
    direct("2.6", "virtual")


def test_xmsim_from_32_bit():
    need_32bit()
    for profile in PROFILES:
        direct(profile, suffix="_32")


def test_through_a_broker_on_xmsim_2_4():
    brokered("2.4")


def test_through_a_broker_on_xmsim_3_x():
    brokered("3.x")


def test_through_a_broker_on_xmsim_prtos():
    brokered("prtos")


def test_through_a_broker_on_loopback():
    with Broker(POLICY % "") as broker:
        total = suite("3x", "loopback", broker.socket, "--brokered", "--claims",
                      os.path.join(SUITE, "loopback.claims"))
    assert total["unclaimed"] and total["passed"] > 50, total


# The rows that the originals do not pass.
DEFECTS = {
    "2.6": {
        "objects / unknown hypercall",
        "sampling ports / read: a message",
        "sampling ports / read: validity",
        "sampling ports / status",
        "log streams / full: the position moves along",
        "memory / copy within the own",
    },
    "prtos": {
        "objects / unknown hypercall",
        "sampling ports / open: no such port",
        "sampling ports / open: another partition's",
        "sampling ports / information: bad arguments",
        "queuing ports / open: what does not fit",
        "virtual processors / status",
        "virtual processors / suspend and resume",
        "interrupts / raise: bad arguments",
    },
}


def test_known_defects_of_the_originals_are_seen():
    for profile, expected in DEFECTS.items():
        number, system, _ = PROFILES[profile]
        with Simulator(profile, args=("--quirks", "original")) as simulator:
            code, rows, _ = run_suite(number, system, simulator.socket(0), *peers(simulator))
        failed = {r["row"] for r in rows if has_failed(r)}
        # Their position in a full log goes wrong, and with it what is read after that.
        assert code == 1 and expected == {r for r in failed if not r.startswith("traces /")}, failed


def test_a_row_that_fails_is_told():
    """A wrong description of the system must not go through."""
    with Simulator("3.x") as simulator:
        with open(os.path.join(SUITE, "system-3x.txt")) as f:
            text = f.read()
        wrong = simulator.file("wrong.txt", text.replace("self 0 linux", "self 0 other"))
        done = subprocess.run([program("tests/conformance3x"), "--system", wrong, "--only",
                               "status / names"],
                              env=dict(os.environ, XM_BROKER_SOCKET=simulator.socket(0)), cwd="/",
                              capture_output=True, text=True, timeout=60, **as_user(ALICE))
    assert done.returncode == 1 and "status.c" in done.stdout, done
    assert "2 rows: 0 passed, 2 failed" in done.stdout, done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
