# SPDX-License-Identifier: LGPL-2.1-or-later
"""A broker whose wall clock, and nobody else's, can be moved while it runs."""

import os
import shutil
import tempfile

from harness import SANITIZED, Broker, NotRun, program

DAY = 86400


class ClockBroker(Broker):
    def __init__(self, policy, **options):
        if SANITIZED:
            raise NotRun("nothing can be preloaded before a sanitizer")
        super().__init__(policy, start=False, **options)
        self.clock = self.file("clock", "\0" * 4096)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        os.environ["XM_TEST_WALLCLOCK"] = self.clock
        with tempfile.NamedTemporaryFile(prefix="xm-clock-", suffix=".so") as preloaded:
            # A path with a blank cannot be named there.
            shutil.copyfile(program("tests/wallclock.so"), preloaded.name)
            os.environ["LD_PRELOAD"] = preloaded.name
            try:
                super().start()
            finally:
                del os.environ["LD_PRELOAD"], os.environ["XM_TEST_WALLCLOCK"]
        assert "cannot be preloaded" not in self.log(), self.log()

    def move_clock(self, seconds):
        with open(self.clock, "r+b") as f:
            f.write(int(seconds).to_bytes(8, "little", signed=True))
