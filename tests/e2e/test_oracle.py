#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replays what real hypervisors answered (tests/oracle) on xmsim: directly, and through a broker whose
policy allows all that a policy can.  A test is a line of the recording; a line that no process can
replay is one that was not run, and says why."""

import os
import shutil
import signal
import subprocess
import sys

from harness import BUILD, ROOT, STAGE, TOP, Broker, Folder, program, wait_for

ORACLE = os.path.join(TOP, "tests/oracle")
DIFFERENCES = os.path.join(ORACLE, "broker-differences.txt")
RECORDINGS = (
    # file, its partitions, the program that replays it, options of xmsim
    ("prtos-x86-system", 3, "replaypr", ()),
    ("prtos-arm64-linux-system", 2, "replaypr", ()),
    ("xtratum-2.6-sv", 3, "replay26", ("--profile", "2.6")),
)
POLICY = """\
version: 1
system: %(system)s
roles:
  all:
    - allow: ["@time", "@status", "@console", "@ports", "@hm", "@trace", "@plan", "@partition",
              "@system", "@ipvi", "@self-stop"]
    - allow: "@machine"
      where: {resource: 0..0xffffffffffffffff}
    - allow: XM_memory_copy
      where: {dstId: 0..%(last)d, dstAddr: 0..0xffffffffffffffff,
              srcId: 0..%(last)d, srcAddr: 0..0xffffffffffffffff}
    - allow: [XM_set_irqmask, XM_clear_irqmask]
      where: {hwIrqsMask: 0..0xffffffff, extIrqsMask: 0..0xffffffff}
    - allow: [XM_set_irqpend, XM_clear_irqpend]
      where: {hwIrqsPend: 0..0xffffffff, extIrqsPend: 0..0xffffffff}
    - allow: XM_override_trap_hndl
      where: {entry: -0x80000000..0x7fffffff}
    - allow: XM_reset_vcpu
      where: {vcpuId: 0..15, ptdL1: 0..0xffffffffffffffff, entry: 0..0xffffffffffffffff}
grants:
  - {to: "user:%(user)d", roles: [all]}
"""


class Output:
    """The tests of all runs, numbered as one."""

    def __init__(self):
        self.n = self.failed = 0

    def test(self, line, run):
        """A line "ok - text" or "not ok - text"."""
        result, text = line.split(" - ", 1)
        self.n += 1
        self.failed += result != "ok"
        print("%s %d - %s: %s" % (result, self.n, run, text))

    def lines(self, text, run, first=False):
        """What a run printed.  A line that cannot be replayed at all is one test, not one a run."""
        for line in text.splitlines():
            if " # SKIP " in line and not first:
                continue
            if line.startswith(("ok - ", "not ok - ")):
                self.test(line, run)
            else:
                print(line.replace("# summary: ", "# summary: %s: " % run)
                      if line.startswith("#") else "# " + line)

    def check(self, good, text):
        self.test("%s - %s" % ("ok" if good else "not ok", text), "replay")


class Simulator(Folder):
    """xmsim with a recording's description, answering as the original did."""

    def __init__(self, recording, options):
        super().__init__()
        self.description = os.path.join(self.path, recording + ".xml")
        shutil.copy(os.path.join(ORACLE, recording + ".xml"), self.description)
        os.chmod(self.description, 0o644)
        os.mkdir(self.file("sim"), 0o755)
        self.log = open(self.file("log"), "wb")
        self.process = subprocess.Popen(
            [program("xmsim"), "--config", self.description, "--dir", self.file("sim"), "--console",
             self.file("console"), "--quirks", "original", "--clock", "virtual", *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        try:
            wait_for("the simulator", self.ready)
            # The broker's server is another user.
            os.chmod(self.socket(), 0o666)
            os.chmod(self.file("sim"), 0o755)
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self):
        if self.process.poll() is not None:
            with open(self.file("log"), errors="replace") as log:
                raise AssertionError("xmsim ended: " + log.read())
        # The last one that it opens.
        return os.path.exists(self.file("sim/p1.ctl"))

    def socket(self):
        return self.file("sim/p0.ctl")

    def replay(self, client, recording, *args, socket=None):
        command = [os.path.join(BUILD, "tests", client), "--socket", socket or self.socket(),
                   "--peers", self.file("sim"), *args, os.path.join(ORACLE, recording + ".txt")]
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.log.close()
        super().__exit__()


def directly(output, recording, _, client, options):
    with Simulator(recording, options) as simulator:
        done = simulator.replay(client, recording)
    output.lines(done.stdout, client, first=not client.endswith("_32"))
    output.check(done.returncode == 0, "%s by %s" % (recording, client))


def through_broker(output, recording, partitions, client, options):
    with Simulator(recording, options) as simulator:
        policy = POLICY % {"system": simulator.description, "user": os.geteuid(),
                           "last": partitions - 1}
        with Broker(policy, "xmsim:" + simulator.socket()) as broker:
            done = simulator.replay(client, recording, "--differences", DIFFERENCES,
                                    socket=broker.socket)
    output.lines(done.stdout, client + " through a broker")
    output.check(done.returncode == 0, "%s by %s through a broker" % (recording, client))


def attempt(output, run, *args):
    try:
        run(output, *args)
    except Exception as error:
        output.check(False, "%s %s: %s" % (run.__name__, args[0], str(error).replace("\n", " ")))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    output = Output()
    for recording, partitions, client, options in RECORDINGS:
        attempt(output, directly, recording, partitions, client, options)
        client_32 = client + "_32"
        if os.path.exists(os.path.join(BUILD, "tests", client_32)) and "arm64" not in recording:
            attempt(output, directly, recording, partitions, client_32, options)
        attempt(output, through_broker, recording, partitions, client, options)
    print("1..%d" % output.n)
    return 1 if output.failed else 0


if __name__ == "__main__":
    sys.exit(main())
