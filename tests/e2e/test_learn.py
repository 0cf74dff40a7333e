#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A denied run, the policy that is learned from its audit log, and the same run under that policy."""

import json
import shutil
import subprocess

from harness import ALICE, BOB, CAROL, DEMO_XML, Broker, Folder, need_root, program, run_all

NOBODY = "version: 1\nsystem: %s\nroles:\n  none: []\ngrants: []\n" % DEMO_XML
CALLS = ["get_time 0", "suspend 1", "resume 1", "status 1", "console hello", "reset 1 1 5"]
OF_BOB = ["get_time 0", "status 1", "status 2"]


def xmpolicy(*args):
    return subprocess.run([program("xmpolicy")] + list(args), capture_output=True, text=True,
                          timeout=60)


def denied_run(folder, *more):
    """The audit log of a run in which everything is denied."""
    with Broker(NOBODY, "sim:" + DEMO_XML) as broker:
        broker.calls(ALICE, *CALLS, *more)
        broker.calls(BOB, *OF_BOB)
        broker.stop()
        return shutil.copy(broker.audit, folder.file("audit.jsonl"))


def learned(folder, log, *options, code=0):
    done = xmpolicy("learn", "--system", DEMO_XML, "--log", log, *options)
    assert done.returncode == code, done
    return folder.file("learned.yaml", done.stdout), done.stdout


# What tests/demo.sh runs, and as whom.
DEMO = [(ALICE, "hello"), (ALICE, "gettime"), (ALICE, "hcall", "2", "1"),
        (ALICE, "hcall", "3", "1"), (ALICE, "hcall", "2", "2"), (BOB, "gettime"), (BOB, "hello"),
        (BOB, "hcall", "2", "1"), (CAROL, "hello"), (CAROL, "hcall", "10", "0", "0")]


def demo_run(broker):
    """What the programs of the demonstration print, one after the other."""
    runs = [broker.run(uid, [program("examples/" + name)] + list(args))
            for uid, name, *args in DEMO]
    return [done.stdout + done.stderr for done in runs]


def changes(old, new):
    done = xmpolicy("diff", "--json", old, new)
    assert done.returncode in (0, 1), done
    return json.loads(done.stdout)


def more_than(answer, decisions):
    """Of what became possible, all that is of an operation, a class or a user that was not denied."""
    users = {"user:%d" % r["uid"] for r in decisions}
    ops = {r["op"] for r in decisions}
    assert answer["relation"] == "wider", answer
    assert ops <= {c["op"] for c in answer["changes"]}, answer
    classes = {c["class"] for c in answer["changes"] if c["op"] in ops}
    return [c for c in answer["changes"] if c["kind"] != "allowed" or c["class"] not in classes
            or c["op"] not in ops or not set(c["who"].replace(" and ", ", ").split(", ")) <= users]


def test_the_denied_demo_run_passes_under_what_was_learned_and_nothing_else_can():
    need_root()
    with Broker(NOBODY, "sim:" + DEMO_XML) as broker:
        refused = demo_run(broker)
        assert all("not permitted" in out or out.startswith("-3 ") for out in refused), refused
        denied = broker.records(type="decision", decision="deny")
        assert len(denied) >= len(DEMO), denied
        # Learned while the broker runs, and put in force by a reload.
        path, text = learned(broker, broker.audit)
        broker.reload(text)
        broker.wait_log("generation 2")
        passed = demo_run(broker)
        assert not any("not permitted" in out or out.startswith("-3 ") for out in passed), passed
        later = broker.records(type="decision", decision="deny")
        assert later == denied, later[len(denied):]
        # By proof: of no other class, operation or user.
        nobody = broker.file("nobody.yaml", NOBODY)
        assert not more_than(changes(nobody, path), denied)
        # The proof would see one more.
        wider = text.replace("XM_get_time", "[XM_get_time, XM_get_system_status]", 1) \
            .replace("where: {clock: XM_HW_CLOCK}", "audit: denied", 1)
        assert wider.count("XM_get_system_status") == 1, wider
        assert more_than(changes(nobody, broker.file("wider.yaml", wider)), denied)
        # And it begins again with the same after a restart.
        broker.stop()
        broker.start()
        assert not any("not permitted" in out for out in demo_run(broker))
        assert broker.records(type="decision", decision="deny") == denied


def test_the_same_run_passes_under_what_was_learned():
    need_root()
    with Folder() as folder:
        _, text = learned(folder, denied_run(folder))
        with Broker(text, "sim:" + DEMO_XML) as broker:
            answers = broker.calls(ALICE, *CALLS) + broker.calls(BOB, *OF_BOB)
            assert all(error != "EPERM" for _, error in answers), answers
            # And nothing else became possible.
            more = broker.calls(ALICE, "suspend 2", "halt 1", "halt_system", "reset 1 0 5",
                                "console longer", "status 2") + broker.calls(BOB, "suspend 1")
            assert all(error == "EPERM" for _, error in more), more


def test_stopping_the_own_partition_is_not_learned_silently():
    need_root()
    with Folder() as folder:
        log = denied_run(folder, "suspend 0")
        _, text = learned(folder, log, "--generalise", "partitionId=any", code=1)
        assert "# " in text and "--allow-self-stop" in text
        assert "partitionId: {not: self}" in text
        _, text = learned(folder, log, "--allow-self-stop")
        assert "where: {partitionId: [payload, self]}" in text, text


def test_a_name_with_a_star_or_yaml_in_it_is_not_learned():
    need_root()
    with Folder() as folder:
        log = denied_run(folder, "create_sampling * 64 2", 'create_sampling x"]} 64 2')
        _, text = learned(folder, log, code=1)
        assert "allow: XM_create_sampling_port" not in text, text
        path = folder.file("again.yaml", text)
        assert xmpolicy("check", path).returncode == 0


def test_replay_tells_what_flips():
    need_root()
    with Folder() as folder:
        log = denied_run(folder)
        path, _ = learned(folder, log)
        nobody = folder.file("nobody.yaml", NOBODY)
        assert xmpolicy("replay", "--log", log, nobody).returncode == 0
        flips = xmpolicy("replay", "--log", log, path)
        assert flips.returncode == 1 and "deny -> allow" in flips.stdout, flips
        both = xmpolicy("replay", "--log", log, "--against", path, nobody)
        assert both.returncode == 1 and "allow -> deny" in both.stdout, both
        assert xmpolicy("replay", "--log", "/nowhere", nobody).returncode == 2


def test_fmt_keeps_comments_and_leaves_bad_files_alone():
    with Folder() as folder:
        path = folder.file("p.yaml", "# top\ngrants: [] # none\nversion:   1\n# end\n")
        assert xmpolicy("fmt", "--check", path).returncode == 1
        assert xmpolicy("fmt", "--write", path).returncode == 0
        with open(path) as f:
            text = f.read()
        assert text == "# top\nversion: 1\ngrants: [] # none\n# end\n", text
        assert xmpolicy("fmt", "--check", path).returncode == 0
        bad = folder.file("bad.yaml", "version: [1\n")
        assert xmpolicy("fmt", "--write", bad).returncode == 2
        with open(bad) as f:
            assert f.read() == "version: [1\n"


def test_a_compiled_image_can_be_read_again_and_a_damaged_one_is_refused():
    with Folder() as folder:
        path = folder.file("p.yaml", NOBODY)
        image = folder.file("image")
        assert xmpolicy("compile", "-o", image, path).returncode == 0
        assert xmpolicy("dump", image).stdout.startswith("image of version"), image
        with open(image, "r+b") as f:
            f.seek(200)
            f.write(b"\xff")
        assert xmpolicy("dump", image).returncode == 2


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
