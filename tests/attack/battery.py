# SPDX-License-Identifier: LGPL-2.1-or-later
"""The battery: what happens in each phase, and what honest clients may then be refused."""

import collections
import errno
import os
import shutil
import signal
import time

import attackers as a
from field import ATTACKER_UIDS, GONE, HYPERVISOR_GONE, Attacker, Violation, policy_text
from harness import ROOT, SANITIZED, children, process_name, wait_for

Phase = collections.namedtuple("Phase", "name run refusals measures new_hypervisor needs")


def phase(name, run, refusals=(), measures=False, new_hypervisor=False, needs=None):
    """`refusals`: what the design allows to be refused meanwhile.  `measures`: latency has a bound."""
    return Phase(name, run, frozenset(refusals), measures, new_hypervisor, needs)


def needs_root():
    return None if ROOT else "needs root"


# ---- attacks by users ----------------------------------------------------------------------------


def quiet(field, row):
    field.wait(row, field.time_of(5, 3))


def attack_of(full, quick, *plan):
    def run(field, row):
        field.attack(row, field.time_of(full, quick), *plan)
    return run


def connections(field, row):
    """10,000 in all, of which many at once."""
    before = field.rss()
    holders = [Attacker(field, a.hold, uid, field.time_of(10, 4)) for uid in ATTACKER_UIDS[:2]]
    churners = [Attacker(field, a.a_third_of_ten_thousand, uid, 30) for uid in ATTACKER_UIDS[2:5]]
    while not all(x.is_done() for x in churners):
        field.sample(row)
        time.sleep(0.03)
    while not all(x.is_done() for x in holders):
        field.sample(row)
        time.sleep(0.03)
    tallies = [x.finish() for x in churners + holders]
    if None in tallies:
        raise Violation("who opens connections was held up")
    opened = sum(t["connections"] for t in tallies)
    held = sum(t.get("held", 0) for t in tallies)
    row.notes.append("%d connections, of which %d were held at once, %d refused"
                     % (opened, held, sum(t.get("refused", 0) for t in tallies)))
    if opened < 10000:
        raise Violation("only %d connections could be opened" % opened)
    if held >= 500:
        field.session_kib = max(0, row.rss_peak - before) / held


# ---- what happens to the broker ------------------------------------------------------------------


def garbage_policy(field, row):
    broker = field.broker
    good = policy_text()
    shapes = (os.urandom(4096).decode("latin-1"), "version: 1\nroles: [", "version: 99\n", "",
              good.replace("user:", "usr:"), good + "grants: []\n")
    for text in shapes:
        seen = broker.log().count("policy")
        broker.reload(text)
        wait_for("a word about the policy", lambda s=seen: broker.log().count("policy") > s)
        if field.ask(ATTACKER_UIDS[0]) != ["0", "-"]:
            raise Violation("a broken policy is in force")
        field.sample(row)
    policies = field.account.reader.types["policy"]
    broker.reload(good)

    def reloaded():
        field.account.check()
        return field.account.reader.types["policy"] > policies
    wait_for("the good policy", reloaded)
    row.notes.append("%d policies that are none, then the good one" % len(shapes))


def move_clock(field, row):
    """Days ahead, back before the beginning, and home."""
    for days in (3, -400, 0):
        field.broker.move_clock(days * 86400)
        field.wait(row, field.time_of(1.0, 0.6))
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400))

        def has_come(day=day):
            field.sample(row)
            return field.last_record["time"].startswith(day)
        wait_for("records of " + day, has_come)
    row.notes.append("the broker's wall clock by 3 days, then back by 403, then right again")


def remove_log(field, row):
    """The folder of the log is gone: there is another one, in which the log goes on."""
    folder, aside = field.broker.file("disk/log"), field.broker.file("disk/aside")
    continued = field.account.reader.types["continue"]
    os.rename(folder, aside)

    def goes_on():
        field.sample(row)
        return field.account.reader.types["continue"] > continued
    wait_for("a log that goes on", goes_on)
    # What is open to be copied back may still be written to: it is gone for good only now.
    field.wait(row, field.time_of(3, 2))
    for name in os.listdir(aside):  # files of the past, as from a backup
        if name[-1].isdigit() and not os.path.exists(os.path.join(folder, name)):
            os.rename(os.path.join(aside, name), os.path.join(folder, name))
    shutil.rmtree(aside)
    row.notes.append("the log goes on in a folder that is made again")


def fill(path):
    """A file that takes all the room there is."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(1 << 20))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        try:
            while True:
                f.write(bytes(512))
        except OSError:
            pass


def full_disk(field, row):
    filler = field.broker.file("disk/filler")
    end = time.monotonic() + field.time_of(5, 3)
    field.account.disk_is_full = True
    while time.monotonic() < end:  # what is given up for the log is taken too
        fill(filler)
        field.wait(row, 0.3)
    os.unlink(filler)
    lost = field.account.reader.lost

    def writes():
        field.account.check()
        return field.ask(ATTACKER_UIDS[0]) == ["0", "-"]
    wait_for("a log that can be written", writes)
    field.wait(row, 0.5)  # also for notes of the honest that were not there to be read
    field.account.disk_is_full = False
    row.notes.append("%d records lost and counted" % (field.account.reader.lost - lost))


# ---- kill -9 -------------------------------------------------------------------------------------


def kill_server(field, row):
    for _ in range(field.time_of(4, 2)):
        starts = field.account.reader.starts
        field.kill(wait_for("a server", field.broker.server))
        field.wait_started(starts)
        field.wait(row, 0.2)
    row.notes.append("killed %d times" % field.time_of(4, 2))


def kill_sim(field, row):
    times = field.time_of(3, 2)
    for _ in range(times):
        field.kill(wait_for("a hypervisor", lambda: field.broker.child("xmsim")))
        wait_for("another hypervisor", lambda: field.broker.child("xmsim"))
        field.recovered()
        field.wait(row, 0.2)
    row.notes.append("killed %d times" % times)


def kill_undertaker(field, row):
    pid = field.undertaker()
    if pid is None:
        row.notes.append("there is none: this kernel needs none")
        return
    field.kill(pid)
    field.attack(row, 1, a.descriptors, a.descriptors)


def kill_compiler(field, row):
    broker = field.broker
    killed = 0
    for _ in range(20):
        broker.reload()
        end = time.monotonic() + 0.5
        pid = None
        while pid is None and time.monotonic() < end:
            pid = broker.child("xmbroker-compiler")
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(0.02)
        if killed >= 3:
            break
    field.sample(row)
    if not killed:
        raise Violation("no compiler could be caught: nothing was tested")
    row.notes.append("killed %d times" % killed)


def kill_supervisor(field, row):
    """All die with it; a new broker finds what the dead left behind."""
    broker = field.broker
    pids = children(broker.process.pid)
    starts = field.account.reader.starts
    broker.process.kill()
    broker.process.wait()
    wait_for("the end of all", lambda: not any(process_name(p).startswith("xm") for p in pids))
    field.account.check()
    broker.start()
    field.wait_started(starts)
    field.sample(row)
    row.notes.append("killed, and another broker started")


PHASES = (
    phase("quiet", quiet),
    phase("garbage", attack_of(5, 2, a.garbage, a.garbage, a.garbage), measures=True),
    phase("flood of calls", attack_of(7, 3, a.calls, a.calls, a.calls), measures=True),
    phase("flood of batches", attack_of(5, 2, a.batches, a.batches, a.calls), measures=True),
    phase("flood of denials", attack_of(6, 2, a.denials, a.denials, a.refused_batches), measures=True),
    phase("10,000 connections", connections, measures=True),
    phase("half-open connections", attack_of(6, 2, a.half_open, a.half_open, a.churn), measures=True),
    phase("unread replies", attack_of(6, 2, a.unread, a.unread, a.unread), measures=True),
    phase("slow loris", attack_of(7, 2, a.loris, a.loris, a.loris), measures=True),
    phase("passed descriptors", attack_of(4, 2, a.descriptors, a.descriptors), measures=True),
    phase("replayed handshakes", attack_of(4, 2, a.replay, a.replay, a.replay), measures=True),
    phase("all at once", attack_of(8, 3, *[a.mixture] * 6), measures=True),
    phase("policy is garbage", garbage_policy),
    phase("wall clock moved", move_clock,
          needs=lambda: "a sanitizer wants to be the first library" if SANITIZED else None),
    phase("kill -9 server", kill_server, GONE),
    phase("kill -9 xmsim", kill_sim, HYPERVISOR_GONE, new_hypervisor=True),
    phase("kill -9 undertaker", kill_undertaker),
    phase("kill -9 compiler", kill_compiler),
    phase("kill -9 supervisor", kill_supervisor, GONE, new_hypervisor=True),
    phase("log folder removed", remove_log),
    phase("disk full", full_disk, {errno.EPERM}, needs=needs_root),
    phase("quiet at the end", quiet),
)
