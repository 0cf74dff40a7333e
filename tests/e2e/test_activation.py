#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies come into force safely: rolled back unless confirmed, never by mistake one that locks out
or drops most, never one of another system."""

import json
import os
import signal
import subprocess
import sys
import time

from clock import DAY, ClockBroker
from harness import ALICE, BOB, DEMO_XML, TOP, Broker, need_root, program, run_all, wait_for
from policies import QUIET
from test_mask import OK as DONE, REFUSED, Stolen, TIME

OK, DENIED = (0, "-"), (-4, "EPERM")
ADMIN = """\
version: 1
roles:
  admin:
    - allow: ["@broker", XM_get_time, XM_get_plan_status]
grants:
  - {to: "user:%d", roles: [admin]}
  - {to: "user:%d", roles: [admin]}
""" % (ALICE, BOB)
NO_TIME = ADMIN.replace(", XM_get_time", "")
WITHOUT_ALICE = ADMIN.replace('"@broker", ', "")
NOBODY = "version: 1\nroles:\n  admin:\n    - allow: XM_get_time\ngrants: []\n"


def ctl(broker, uid, *args):
    done = broker.run(uid, [program("xmbrokerctl")] + list(args))
    return done.returncode, done.stdout, done.stderr


def write(broker, policy):
    broker.file("policy.yaml", policy)


def time_of(broker):
    return broker.calls(ALICE, "get_time 0")


def test_what_is_not_confirmed_is_rolled_back():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        code, _, text = ctl(broker, ALICE, "reload", "--confirm", "3")
        assert code == 0 and "generation 1 comes back" in text, (code, text)
        assert time_of(broker) == [DENIED]
        status = json.loads(ctl(broker, ALICE, "--json", "status")[1])
        assert status["policy_state"].startswith("unconfirmed, "), status
        broker.wait_log("is rolled back")
        wait_for("the old policy", lambda: time_of(broker) == [OK])
        status = json.loads(ctl(broker, ALICE, "--json", "status")[1])
        assert status["policy_state"] == "confirmed" and status["generation"] == 3, status
        reasons = [r.get("reason", "") for r in broker.records(type="policy")]
        assert any(r.startswith("on trial") for r in reasons), reasons
        assert any(r.startswith("rolled back") for r in reasons), reasons


def test_what_is_confirmed_stays():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "confirm")[0] == 1
        assert ctl(broker, ALICE, "reload", "--confirm", "600")[0] == 0
        code, out, _ = ctl(broker, BOB, "confirm")
        assert code == 0 and "generation 2 is confirmed" in out, (code, out)
        assert ctl(broker, ALICE, "confirm")[0] == 1
        assert time_of(broker) == [DENIED]
        assert "policy state: confirmed" in ctl(broker, ALICE, "status")[1]


def test_nobody_confirms_what_somebody_else_has_reloaded():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        code, _, text = ctl(broker, ALICE, "reload", "--confirm", "600")
        assert code == 0 and "xmbrokerctl confirm 2'" in text, (code, text)
        write(broker, NO_TIME + "# Bob's\n")
        code, _, text = ctl(broker, BOB, "reload", "--confirm", "600")
        assert code == 0 and "generation 1 comes back" in text and "confirm 3'" in text, text
        code, _, text = ctl(broker, ALICE, "confirm", "2")
        assert code == 1 and "generation 2 is not in force, but 3" in text, (code, text)
        assert "unconfirmed" in ctl(broker, ALICE, "status")[1]
        code, out, _ = ctl(broker, BOB, "confirm", "3")
        assert code == 0 and "generation 3 is confirmed" in out, (code, out)
        assert ctl(broker, BOB, "confirm", "3")[0] == 1


def test_a_server_that_dies_does_not_end_a_trial():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "6")[0] == 0
        os.kill(broker.child("xmbroker-server"), signal.SIGKILL)
        broker.wait_log("the server serves again")
        assert "unconfirmed" in ctl(broker, ALICE, "status")[1]
        broker.wait_log("is rolled back")
        wait_for("the old policy", lambda: time_of(broker) == [OK])


def test_a_clock_that_jumps_ends_no_trial():
    need_root()
    with ClockBroker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "4")[0] == 0
        broker.move_clock(30 * DAY)
        time.sleep(1)
        assert time_of(broker) == [DENIED]
        broker.move_clock(-30 * DAY)
        broker.wait_log("is rolled back")
        wait_for("the old policy", lambda: time_of(broker) == [OK])


BROKEN_INVARIANT = """\
never:
  - {calls: XM_get_time, except: ["user:%d"], because: "only he may know how late it is"}
""" % BOB


def test_a_policy_that_breaks_an_invariant_is_not_put_into_force():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, ADMIN + BROKEN_INVARIANT)
        code, _, text = ctl(broker, ALICE, "reload", "--force")
        assert code == 1 and "only he may know how late it is" in text, text
        assert "xmpolicy explain" in text, text
        status = json.loads(ctl(broker, ALICE, "--json", "status")[1])
        assert status["generation"] == 1, status
        write(broker, NO_TIME + BROKEN_INVARIANT)
        assert ctl(broker, ALICE, "reload")[0] == 0


def test_a_second_reload_is_on_trial_too():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "5")[0] == 0
        write(broker, NO_TIME + "# again\n")
        broker.process.send_signal(signal.SIGHUP)
        broker.wait_log("generation 3 is unconfirmed, too")
        broker.wait_log("is rolled back")
        wait_for("the first policy", lambda: time_of(broker) == [OK])


def test_the_way_back_gives_a_wider_connection_when_it_needs_one():
    need_root()
    with Broker(ADMIN, "sim:" + DEMO_XML) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "3")[0] == 0
        assert time_of(broker) == [DENIED]
        with Stolen(broker) as server:
            assert server.ask(*TIME) == REFUSED
        broker.wait_log("is rolled back")
        wait_for("the old policy", lambda: time_of(broker) == [OK])


def test_the_way_back_takes_what_was_only_on_trial_from_the_connection():
    need_root()
    with Broker(NO_TIME, "sim:" + DEMO_XML) as broker:
        write(broker, ADMIN)
        assert ctl(broker, ALICE, "reload", "--confirm", "4")[0] == 0
        with Stolen(broker) as server:
            assert server.ask(*TIME) == DONE
        broker.wait_log("is rolled back")
        with Stolen(broker) as server:
            assert server.ask(*TIME) == REFUSED


def digest(broker):
    return json.loads(ctl(broker, 0, "--json", "status")[1])["policy"]


def test_stopping_says_what_was_not_confirmed_and_the_next_start_does_not_take_it():
    need_root()
    with Broker(ADMIN) as broker:
        before = digest(broker)
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "600")[0] == 0
        assert digest(broker) != before
        broker.stop()
        assert "was never confirmed" in broker.log()
        broker.start()
        assert "the policy in the files was never confirmed" in broker.log()
        assert time_of(broker) == [OK] and digest(broker) == before
        assert ctl(broker, ALICE, "confirm")[0] == 1
        # Whoever asks for it gets it, and keeps it.
        assert ctl(broker, ALICE, "reload")[0] == 0
        assert time_of(broker) == [DENIED]
        broker.stop()
        broker.start()
        assert time_of(broker) == [DENIED]


def test_a_broker_that_is_killed_rolls_back_when_it_starts():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "600")[0] == 0
        assert time_of(broker) == [DENIED]
        broker.process.kill()
        broker.process.wait()
        broker.start()
        assert time_of(broker) == [OK]
        # Also after that, but not once the files are others.
        broker.process.kill()
        broker.process.wait()
        write(broker, NO_TIME + "# corrected\n")
        broker.start()
        assert time_of(broker) == [DENIED]


BAD = ADMIN.replace("allow:", "alow:")


def test_bad_files_of_an_unconfirmed_policy_do_not_stop_the_next_start():
    need_root()
    with Broker(ADMIN) as broker:
        before = digest(broker)
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "600")[0] == 0
        broker.process.kill()
        broker.process.wait()
        write(broker, BAD)
        broker.start()
        assert time_of(broker) == [OK] and digest(broker) == before
        log = broker.log()
        assert ":4:7: error:" in log and "the one that was confirmed last is in force" in log, log
        # What is bad is not kept for good, nor forgotten; --check says what it says of any.
        assert ctl(broker, ALICE, "reload")[0] == 1
        check = subprocess.run(broker.command + ["--check"], capture_output=True, text=True, timeout=60)
        assert check.returncode == 2, check
        assert broker.stop() == 0
        broker.start()
        assert time_of(broker) == [OK]
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload")[0] == 0
        broker.stop()
        write(broker, BAD)
        assert subprocess.run(broker.command, capture_output=True, timeout=60).returncode == 2


def test_what_was_rolled_back_does_not_come_back_with_the_next_start():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "2")[0] == 0
        broker.wait_log("is rolled back")
        broker.stop()
        broker.start()
        assert time_of(broker) == [OK]


def test_what_was_confirmed_is_there_after_the_next_start():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "600")[0] == 0
        assert ctl(broker, ALICE, "confirm")[0] == 0
        broker.stop()
        broker.start()
        assert time_of(broker) == [DENIED]
        assert "was never confirmed" not in broker.log()


def test_every_decision_names_the_policy_that_made_it():
    need_root()
    always = ADMIN.replace("plan_status]", "plan_status]\n      audit: always")
    with Broker(always) as broker:
        first = digest(broker)
        assert time_of(broker) == [OK]
        write(broker, NO_TIME)
        assert ctl(broker, ALICE, "reload", "--confirm", "2")[0] == 0
        second = digest(broker)
        assert time_of(broker) == [DENIED]
        broker.wait_log("is rolled back")
        assert time_of(broker) == [OK]
        broker.stop()
        made = [(r["decision"], r["generation"], r["policy"])
                for r in broker.records(type="decision", op="XM_get_time")]
        assert made == [("allow", 1, first), ("deny", 2, second), ("allow", 3, first)], made
        assert all(r["policy"] in (first, second) and r["generation"] in (1, 2, 3)
                   for r in broker.records(type="decision"))


def test_one_cannot_lock_oneself_out_without_force():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, WITHOUT_ALICE)
        code, _, text = ctl(broker, ALICE, "reload")
        assert code == 1 and "would not let user %d" % ALICE in text and "--force" in text, text
        assert ctl(broker, ALICE, "reload", "--force")[0] == 0
        assert ctl(broker, ALICE, "reload")[0] == 1
        assert ctl(broker, 0, "reload")[0] == 0


def test_most_grants_are_not_dropped_by_mistake():
    need_root()
    with Broker(ADMIN) as broker:
        write(broker, NOBODY)
        broker.process.send_signal(signal.SIGHUP)
        broker.wait_log("if that is meant: xmbrokerctl reload --force")
        assert time_of(broker) == [OK]
        code, _, text = ctl(broker, 0, "reload")
        assert code == 1 and "less than half" in text, text
        assert ctl(broker, 0, "reload", "--force")[0] == 0
        assert time_of(broker) == [DENIED]


def test_options_are_checked():
    need_root()
    with Broker(ADMIN) as broker:
        for args in (["reload", "--confirm", "0"], ["reload", "--confirm", "86401"],
                     ["reload", "--confirm", "x"], ["status", "--force"],
                     ["confirm", "0"], ["confirm", "x"], ["confirm", "1", "2"], ["confirm", "4294967296"],
                     ["status", "1"], ["kick"]):
            assert ctl(broker, ALICE, *args)[0] == 2, args


def start_with(broker, change):
    """On a hypervisor that has another system than the policy says."""
    with open(DEMO_XML) as f:
        text = f.read()
    assert change(text) != text
    broker.file("described.xml", change(text))
    folder = broker.file("sim")
    os.mkdir(folder)
    sim = subprocess.Popen([program("xmsim"), "--config", DEMO_XML, "--dir", folder],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        hypervisor = os.path.join(folder, "p0.ctl")
        wait_for("p0.ctl", lambda: os.path.exists(hypervisor))
        broker.command[broker.command.index("--backend") + 1] = "xmsim:" + hypervisor
        done = subprocess.run(broker.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
    finally:
        sim.terminate()
        sim.wait(20)
    return done


def test_another_system_is_not_served():
    policy = QUIET.replace("version: 1\n", "version: 1\nsystem: described.xml\n")
    with Broker(policy, start=False) as broker:
        done = start_with(broker, lambda xml: xml.replace('name="payload"', 'name="cargo"')
                          .replace("name='payload'", "name='cargo'"))
        assert done.returncode != 0
        assert 'the hypervisor has no partition "cargo"' in done.stdout, done.stdout


OTHER_XML = os.path.join(TOP, "tests/system/good/everything.xml")


def of_system(name, more=""):
    return QUIET.replace("version: 1\n", "version: 1\nsystem: %s\n" % name) + more


class OnXmsim(Broker):
    """A broker whose hypervisor is somebody else's xmsim, and two system descriptions."""

    def __init__(self):
        super().__init__(of_system("here.xml"), start=False)
        self.sim = None
        for name, path in (("here.xml", DEMO_XML), ("other.xml", OTHER_XML)):
            with open(path) as f:
                self.file(name, f.read())
        self.folder = self.file("sim")
        os.mkdir(self.folder)
        hypervisor = os.path.join(self.folder, "p0.ctl")
        self.command[self.command.index("--backend") + 1] = "xmsim:" + hypervisor
        try:
            self.start_sim()
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start_sim(self, config=DEMO_XML):
        self.sim = subprocess.Popen([program("xmsim"), "--config", config, "--dir", self.folder],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for("p0.ctl", lambda: os.path.exists(os.path.join(self.folder, "p0.ctl")))

    def stop_sim(self):
        if self.sim:
            self.sim.terminate()
            self.sim.wait(20)
        self.sim = None

    def __exit__(self, *exc):
        try:
            self.stop_sim()
        finally:
            super().__exit__(*exc)

    def next_server(self, old=None):
        return wait_for("a server", lambda: (lambda pid: pid if pid != old else None)(
            self.child("xmbroker-server")))


def test_what_a_starting_server_refuses_is_not_tried_again():
    with OnXmsim() as broker:
        server = broker.next_server()
        broker.sim.send_signal(signal.SIGSTOP)  # the next servers wait for their greeting
        os.kill(server, signal.SIGKILL)
        server = broker.next_server(server)
        write(broker, of_system("other.xml").replace(
            "  all:\n", "  all:\n    - allow: XM_halt_partition\n"))
        broker.process.send_signal(signal.SIGHUP)
        broker.wait_log("warning:")
        os.kill(server, signal.SIGKILL)
        broker.next_server(server)
        broker.sim.send_signal(signal.SIGCONT)
        broker.wait_log("the server refused the new policy: generation 1 stays in force")
        broker.wait_log("the server serves again")
        assert time_of(broker) == [OK]
        assert json.loads(ctl(broker, 0, "--json", "status")[1])["generation"] == 1
        reasons = [r.get("reason") for r in broker.records(type="policy")]
        assert reasons == ["generation 2 was refused: generation 1 stays in force"], reasons
        write(broker, of_system("here.xml"))
        broker.process.send_signal(signal.SIGHUP)
        broker.wait_log("generation 3 is in force")


def test_a_reload_while_the_hypervisor_is_lost_does_not_end_the_server():
    need_root()
    with OnXmsim() as broker:
        server = broker.next_server()
        broker.stop_sim()
        broker.wait_log("lost its connection to the hypervisor")
        with open(DEMO_XML) as f:  # as many partitions, one of another name
            broker.file("other.xml", f.read().replace("payload", "cargo"))
        write(broker, of_system("other.xml"))
        for args in ((), ("--force",), ("--confirm", "60")):
            code, _, text = ctl(broker, 0, "reload", *args)
            assert code == 1 and "compared with is lost: reload again" in text, (code, text)
        # What needs no comparison comes into force.
        write(broker, of_system("here.xml").replace('"@time", ', ""))
        code, _, text = ctl(broker, 0, "reload")
        assert code == 0, text
        broker.start_sim()
        broker.wait_log("connected to the hypervisor again")
        assert time_of(broker) == [DENIED]
        write(broker, of_system("other.xml"))
        code, _, text = ctl(broker, 0, "reload")
        assert code == 1 and "not that of the running hypervisor" in text, (code, text)
        assert broker.child("xmbroker-server") == server


def test_a_hypervisor_with_another_system_is_served_after_a_reload():
    need_root()
    with OnXmsim() as broker:
        broker.stop_sim()
        broker.start_sim(OTHER_XML)
        broker.wait_log("start: the policy is not for this hypervisor")
        write(broker, of_system("other.xml"))
        broker.process.send_signal(signal.SIGHUP)
        broker.wait_log("policy reloaded: generation 2 is in force")
        assert json.loads(ctl(broker, 0, "--json", "status")[1])["generation"] == 2


if __name__ == "__main__":
    sys.exit(run_all(globals()))
