#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of the server, and sometimes of the supervisor, at random moments under load (KILLS of them,
150 unless set, 40 of sanitized programs; SEED to have the same moments again).  After each: the
chain of the audit log is whole but for at most a torn tail, which the next process owns up to;
every decision whose answer a client saw is there, with its result, and none is there twice.

Several brokers take turns, since each waits before it starts a killed server again."""

import collections
import errno
import os
import random
import signal
import threading
import time

from harness import ALICE, BOB, SANITIZED, TOP, Broker, children, process_name, run_all, wait_for
from honest import HONEST_ROLE, Account, Control, Honest, Key, xmaudit_verify

KILLS = int(os.environ.get("KILLS", "40" if SANITIZED else "150"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
BROKERS = 6
PAUSE_US = 400
LONGEST_BACK_OFF = 0.5
VERIFY_EVERY = 20  # kills, after which xmaudit looks at the log too, all of it
# What a client may get whose broker goes away: nothing was made, or whether it was is not known.
GONE = {errno.ECONNRESET, errno.ECONNREFUSED, errno.ENOENT, errno.EPIPE, errno.EAGAIN, errno.ENODEV,
        errno.ESHUTDOWN}

POLICY = """\
version: 1
roles:
%sgrants:
  - {to: "user:%d", roles: [honest]}
  - {to: "user:%d", roles: [honest]}
""" % (HONEST_ROLE, ALICE, BOB)


class Target:
    """A broker, its honest clients, and what is known of its log."""

    def __init__(self, index, seed, sealed, args):
        self.index = index
        self.random = random.Random(seed)
        self.broker = Broker(POLICY, start=False, args=args)
        self.key = Key(self.broker) if sealed else None
        self.broker.command += self.key.options if sealed else ["--audit-key", "none"]
        with open(os.path.join(TOP, "tests/attack/system.xml")) as f:
            xml = self.broker.file("system.xml", f.read())
        self.broker.command[self.broker.command.index("loopback")] = "sim:" + xml
        self.broker.command += ["--console", self.broker.file("console")]
        self.control = Control(self.broker)
        self.clients = []
        self.account = Account(self.broker.audit, self.clients, args[:2] == FOLD, True, self.key)
        self.kills = collections.Counter()
        self.torn = 0
        self.back_off = 0.1

    def start(self):
        self.broker.start()
        for i, uid in enumerate((ALICE, BOB)):
            self.clients.append(Honest(self.broker, self.control, self.index * 4 + i, uid, PAUSE_US))

    # ---- killing -------------------------------------------------------------------------------

    def server(self):
        return self.broker.child("xmbroker-server")

    def pause(self, most=0.05):
        time.sleep(self.random.uniform(0, most))

    def killed(self, what):
        """What is in the log now, before anybody goes on with it."""
        torn = self.account.check()
        self.kills[what] += 1
        self.torn += torn > 0
        if not torn and sum(self.kills.values()) % VERIFY_EVERY == 0:
            self.verify()

    def verify(self):
        wrong = xmaudit_verify(self.broker.audit, self.key)
        assert wrong is None, wrong

    def kill_server(self):
        pid = wait_for("a server", self.server)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        wait_for("its end", lambda: process_name(pid) != "xmbroker-server")
        self.killed("server")
        self.back_off *= 2

    def kill_supervisor(self):
        pids = children(self.broker.process.pid)
        self.broker.process.kill()
        self.broker.process.wait()
        wait_for("the end of all", lambda: not any(process_name(p).startswith("xm") for p in pids))
        self.killed("supervisor")
        self.back_off = 0.1
        self.restart()

    def restart(self):
        """What the dead left behind, a lock among it, keeps nobody from starting."""
        starts = self.account.reader.starts
        self.broker.start()
        self.wait_served(starts)

    def wait_served(self, starts):
        def served():
            self.account.check()
            return self.account.reader.starts > starts
        wait_for("a server that serves:\n" + self.broker.log()[-2000:], served)

    def kill(self):
        self.pause()
        if self.back_off > LONGEST_BACK_OFF or self.random.random() < 0.1:
            self.kill_supervisor()
            return
        starts = self.account.reader.starts
        self.kill_server()
        if self.random.random() < 0.15 and self.back_off <= LONGEST_BACK_OFF:
            wait_for("the next server", self.server)
            self.pause(0.02)
            self.kill_server()
            starts = self.account.reader.starts
        self.wait_served(starts)

    # ---- end -----------------------------------------------------------------------------------

    def finish(self):
        self.control.stop()
        for client in self.clients:
            client.finish()
            self.check_client(client.phases[0])
        assert self.broker.stop() == 0
        torn = self.account.check()
        assert torn == 0 and not self.account.reader.torn, torn
        assert self.account.reader.lost == 0, self.account.reader.lost
        assert self.account.unaudited() == 0, self.account.unaudited()
        self.account.close()
        self.verify()

    def check_client(self, phase):
        assert phase["wrong"] == 0, phase
        assert phase["reopened"] == phase["backwards"] == 0 or self.kills["supervisor"], phase
        assert {int(e) for e in phase["refused"]} <= GONE, phase["refused"]

    def close(self):
        for client in self.clients:
            client.close()
        self.broker.__exit__()


class Killers:
    """Lets each target kill until all together have killed enough, or one has failed."""

    def __init__(self, targets):
        self.targets = targets
        self.error = None

    def done(self):
        return self.error or sum(sum(t.kills.values()) for t in self.targets) >= KILLS

    def run_one(self, target):
        try:
            while not self.done():
                target.kill()
        except BaseException as error:  # told in the main thread
            self.error = self.error or error

    def run(self):
        threads = [threading.Thread(target=self.run_one, args=[t]) for t in self.targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.error:
            raise self.error


# Whether the log is sealed; and options: nearly all denials are folded, the log is rotated often.
FOLD, FOLD_NOTHING = ["--denials-per-user", "1"], ["--denials-per-user", "0"]
KINDS = ((True, FOLD_NOTHING), (False, FOLD), (False, FOLD_NOTHING + ["--audit-rotate-size", "1"]),
         (True, FOLD + ["--audit-rotate-size", "1"]))


def test_kill_at_random_moments():
    targets = []
    start = time.monotonic()
    print("# seed %d" % SEED)
    try:
        for i in range(BROKERS):
            targets.append(Target(i, SEED + i, *KINDS[i % len(KINDS)]))
            targets[-1].start()
        Killers(targets).run()
        for target in targets:
            target.finish()
    finally:
        for target in targets:
            target.close()
    kills = sum((t.kills for t in targets), collections.Counter())
    readers = [t.account.reader for t in targets]
    print("# summary: %d kills of servers, %d of supervisors in %.0f s; %d answered calls found in "
          "%d records; %d torn tails, %d denials folded; seed %d"
          % (kills["server"], kills["supervisor"], time.monotonic() - start,
             sum(t.account.checked for t in targets), sum(r.seq for r in readers),
             sum(t.torn for t in targets), sum(sum(r.folded.values()) for r in readers), SEED))


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
