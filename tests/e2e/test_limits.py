#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules that hold for so many calls, for some time, or not yet: limits, grants with an end, shadow
rules; and what a policy is refused for at a reload."""

import json
import subprocess
import time

from clock import DAY, ClockBroker
from harness import ALICE, BOB, Broker, Session, need_root, program, run_all

OK = (0, "-")
DENIED = (-4, "EPERM")
EVERYONE = "grants:\n  - {to: everyone, roles: [r]}\n"


def policy(rules, grants=EVERYONE, rest=""):
    return "version: 1\nroles:\n  r:\n%s%s%s" % (rules, grants, rest)


def limited(rate, burst, more=""):
    return policy("    - allow: XM_get_time\n"
                  "      limit: {rate: %s, burst: %d}\n%s" % (rate, burst, more))


def times(broker, uid, n):
    return broker.calls(uid, *["get_time 0"] * n)


def test_no_more_than_the_burst_and_the_record_says_why():
    with Broker(limited("1/h", 2)) as broker:
        assert times(broker, ALICE, 4) == [OK, OK, DENIED, DENIED]
        broker.stop()
        denied = broker.records(type="decision", decision="deny")
        assert [(r["why"], r["rule"].split(":")[-2]) for r in denied] == [("limit", "4")] * 2, denied
        shown = subprocess.run([program("xmaudit"), "tail", broker.audit_files()[-1]],
                               capture_output=True, text=True, check=True).stdout
        assert "no token left" in shown, shown


def test_every_user_has_buckets_of_his_own():
    need_root()
    with Broker(limited("1/h", 2)) as broker:
        assert times(broker, ALICE, 3) == [OK, OK, DENIED]
        assert times(broker, BOB, 3) == [OK, OK, DENIED]


def test_tokens_come_in_at_the_rate():
    with Broker(limited("2/s", 1)) as broker, Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        assert session.call("get_time 0") == DENIED
        time.sleep(0.7)
        assert session.call("get_time 0") == OK
        assert session.call("get_time 0") == DENIED


def test_who_connects_anew_gains_nothing():
    with Broker(limited("1/h", 2)) as broker:
        assert times(broker, ALICE, 1) == [OK]
        assert times(broker, ALICE, 2) == [OK, DENIED]
        assert times(broker, ALICE, 1) == [DENIED]


def test_a_reload_fills_nothing():
    more = "    - allow: \"@status\"\n      limit: {rate: 1/s}\n"
    with Broker(limited("1/h", 2)) as broker, Session(broker, ALICE) as session:
        assert [session.call("get_time 0") for _ in range(3)] == [OK, OK, DENIED]
        broker.reload(limited("1/h", 2, more))
        broker.wait_log("generation 2")
        assert session.call("get_time 0") == DENIED
        assert times(broker, ALICE, 1) == [DENIED]
        # Without the rule, and with it again.
        broker.reload(policy("    - allow: \"@status\"\n"))
        broker.wait_log("generation 3")
        broker.reload(limited("1/h", 9))
        broker.wait_log("generation 4")
        assert session.call("get_time 0") == DENIED


def test_another_burst_keeps_the_tokens():
    with Broker(limited("1/h", 5)) as broker, Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        broker.reload(limited("1/d", 3))
        broker.wait_log("generation 2")
        assert [session.call("get_time 0") for _ in range(4)] == [OK, OK, OK, DENIED]


def test_a_guarded_call_costs_nothing():
    rules = "    - allow: XM_halt_partition\n      where: {partitionId: {not: self}}\n" \
            "      limit: {rate: 1/h}\n"
    with Broker(policy(rules)) as broker:
        answers = broker.calls(ALICE, "halt 99", "halt 98", "halt 1", "halt 2")
        assert answers[2:] == [OK, DENIED], answers
        assert DENIED not in answers[:2], answers


def test_a_grant_holds_while_it_is_its_time():
    def grant(when):
        return policy("    - allow: XM_get_time\n",
                      "grants:\n  - {to: everyone, roles: [r], %s}\n" % when)

    now = time.time()
    stamp = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
    with Broker(grant("from: 2020-01-01, until: \"%s\"" % stamp(6))) as broker, \
            Session(broker, ALICE) as session:
        assert session.call("get_time 0") == OK
        while time.time() < int(now) + 6:
            time.sleep(0.1)
        assert session.call("get_time 0") == DENIED
        broker.reload(grant("from: 2100-01-01"))
        broker.wait_log("generation 2")
        assert session.call("get_time 0") == DENIED
        broker.reload(grant("days: mon-sun, hours: \"00:00-24:00\", offset: \"+14:00\""))
        broker.wait_log("generation 3")
        assert session.call("get_time 0") == OK


def test_a_clock_that_is_wrong_opens_nothing():
    text = policy("    - allow: XM_get_time\n      limit: {rate: 1/d, burst: 2}\n"
                  "    - allow: \"@status\"\n",
                  "grants:\n  - {to: everyone, roles: [r], from: 2020-01-01, until: 2100-01-01}\n")
    with ClockBroker(text) as broker:
        assert broker.calls(ALICE, "get_time 0", "plan_status") == [OK, OK]
        # Before the policy was compiled: nobody knows what time it is.
        broker.move_clock(-400 * DAY)
        assert broker.calls(ALICE, "get_time 0", "plan_status") == [DENIED, DENIED]
        # Days that have not passed bring no tokens.
        broker.move_clock(30 * DAY)
        assert broker.calls(ALICE, "get_time 0", "get_time 0", "plan_status") == [OK, DENIED, OK]


def test_shadow_rules_only_say_what_they_would():
    rules = "    - allow: \"@time\"\n" \
            "    - deny: XM_get_time\n      observe_until: 2100-01-01\n" \
            "    - allow: \"@status\"\n      observe_until: 2100-01-01\n"
    with Broker(policy(rules)) as broker:
        assert broker.calls(ALICE, "get_time 0", "status 1") == [OK, DENIED]
        broker.stop()
        seen = [(r["decision"], r["would"], r["observed"].split(":")[-2])
                for r in broker.records(type="decision")]
        assert seen == [("allow", "deny", "5"), ("deny", "allow", "7")], seen
        shown = subprocess.run([program("xmaudit"), "search", "--observed", "--rule",
                                "policy.yaml:5", broker.audit_files()[-1]],
                               capture_output=True, text=True, check=True).stdout
        assert shown.count("[would deny by ") == 1 and shown.count("\n") == 1, shown


def test_a_policy_that_fails_its_tests_is_not_put_into_force():
    failing = "tests:\n  - {as: {user: %d}, call: XM_get_time(0), expect: deny}\n" % ALICE
    with Broker(limited("1/h", 2)) as broker:
        broker.reload(policy("    - allow: \"@time\"\n", rest=failing))
        broker.wait_log("the test expects deny, but this is allowed by")
        broker.wait_log("stays in force")
        assert times(broker, ALICE, 3) == [OK, OK, DENIED]


def test_explain_at_another_time():
    with Broker(policy("    - allow: XM_get_time\n",
                       "grants:\n  - {to: \"group:5\", roles: [r], days: fri}\n")) as broker:
        def explain(at):
            out = subprocess.run([program("xmpolicy"), "explain", "--json", "--policy",
                                  broker.policy, "--system",
                                  "loopback:", "--as", "user:1,group:5", "--at", at,
                                  "XM_get_time(0)"], capture_output=True, text=True)
            assert out.returncode in (0, 1), out
            return json.loads(out.stdout)
        assert explain("2027-01-29")["decision"] == "allow"
        assert explain("2027-01-30")["decision"] == "deny"
        unknown = explain("unknown")
        assert unknown["decision"] == "deny"
        assert "fri" in unknown["nearest"]["grants"][0]["when"], unknown


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
