#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a device that fails, with a stand-in for it (device.c).  With the module itself, on a
booted kernel: tests/vm/broker.sh."""

import os
import shutil
import tempfile

from harness import (ALICE, DEMO_XML, SANITIZED, Broker, NotRun, need_root, program, run_all,
                     wait_for)
from policies import QUIET

OK = (0, "-")
CALLS, DERIVE, CUT, OTHER_SYSTEM = range(4)
ENODEV, ECONNRESET = 1, 2
NEW = "the server has a new connection to the hypervisor"


class DeviceBroker(Broker):
    def __init__(self):
        if SANITIZED:
            raise NotRun("nothing can be preloaded before a sanitizer")
        policy = QUIET.replace("version: 1", "version: 1\nsystem: " + DEMO_XML)
        super().__init__(policy, "device:/dev/null", start=False)
        self.failures = self.file("failures", "\0" * 4096)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        os.environ["XM_TEST_DEVICE"] = self.failures
        with tempfile.NamedTemporaryFile(prefix="xm-device-", suffix=".so") as preloaded:
            shutil.copyfile(program("tests/device.so"), preloaded.name)
            os.environ["LD_PRELOAD"] = preloaded.name
            try:
                super().start()
            finally:
                del os.environ["LD_PRELOAD"], os.environ["XM_TEST_DEVICE"]

    def fail(self, what, how):
        with open(self.failures, "r+b") as f:
            f.seek(what)
            f.write(bytes([how]))

    def reset(self):
        """A call that does not come back; the next ones do."""
        self.fail(CALLS, ECONNRESET)
        answer = self.calls(ALICE, "resume 1")
        self.fail(CALLS, 0)
        return answer[0][1]


def serves(broker):
    return broker.calls(ALICE, "resume 1") == [OK]


def test_one_that_fails_is_asked_again_when_another_was_derived():
    with DeviceBroker() as broker:
        assert serves(broker)
        server = broker.child("xmbroker-server")
        broker.fail(CALLS, ENODEV)
        assert broker.calls(ALICE, "resume 1")== [(-6, "ENODEV")]
        broker.wait_log("the connection to the hypervisor is lost")
        broker.fail(CALLS, 0)
        broker.wait_log(NEW)
        wait_for("calls", lambda: serves(broker))
        assert broker.child("xmbroker-server") == server


def test_a_hypervisor_that_begins_anew_is_connected_to_again():
    with DeviceBroker() as broker:
        assert broker.reset() == "ECONNRESET"
        broker.wait_log(NEW)
        wait_for("calls", lambda: serves(broker))


def test_another_system_behind_it_is_not_served():
    with DeviceBroker() as broker:
        broker.fail(OTHER_SYSTEM, 1)
        assert broker.reset() == "ECONNRESET"
        broker.wait_log("is number 0, of the hypervisor 99")
        broker.wait_log("another hypervisor than before: stopping")


def test_one_that_is_gone_is_the_end():
    with DeviceBroker() as broker:
        broker.fail(DERIVE, 1)
        broker.fail(CALLS, ENODEV)
        broker.calls(ALICE, "resume 1")
        broker.wait_log("/dev/null is gone (No such device): ending")
        assert broker.process.wait(30) == 1


def test_a_server_from_which_it_cannot_be_taken_away_is_ended():
    need_root()  # to signal the server
    with DeviceBroker() as broker:
        server = broker.child("xmbroker-server")
        broker.fail(CUT, 1)
        broker.reset()
        broker.wait_log("cannot take the device away from the server")
        broker.wait_log("the server was killed by signal 9")
        wait_for("its end", lambda: broker.child("xmbroker-server") != server)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
