#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every message about a policy is shown by a golden file, or excepted for a reason; what xmpolicy
says on the terminal is that of the golden files, word for word (UPDATE_EXPECTED=1 writes them anew);
and the broker shows its administrator the same."""

import difflib
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from harness import ALICE, DEMO_XML, TOP, Broker, Folder, need_root, program, run_all

sys.path.insert(0, os.path.join(TOP, "tests/policy"))
import messages  # noqa: E402  pylint: disable=wrong-import-position

USAGE = os.path.join(TOP, "tests/policy/usage")


def test_every_message_is_in_a_golden_file():
    found = messages.all_messages(TOP)
    assert len(found) > 300, len(found)
    wrong = messages.complaints(TOP, found, messages.Golden(TOP), messages.exceptions(TOP))
    assert not wrong, "\n".join(wrong)
    print(f"# summary: {len(found)} messages, {len(messages.exceptions(TOP))} of them excepted")


def test_a_message_without_a_golden_file_is_found():
    golden = messages.Golden(TOP)
    source = """
void f(void)
{
	/* node_error(d, n, NULL, "in a comment"); */
	node_error(d, n, NULL, "unknown key '%s' in %s", a, b);
	node_error(d, n, "a hint that is nowhere", "unknown key '%s' in %s", a, b);
	node_warning(d, n, NULL, "unknown key '%s' in %s", a, b);
	node_error(d, n, NULL, x ? "a message that "
		   "is nowhere" : "unknown key '%s'", a);
	if (!strcmp(a, "what is only compared"))
		why = "a reason that is nowhere";
}
"""
    found = messages.messages_of("policy/parse.c", source, True)
    wrong = messages.complaints(TOP, found, golden, {
        ("policy/parse.c", "a reason that is nowhere"): "not reached",
        ("policy/parse.c", "unknown key '%s' in %s"): "excepted wrongly",
        ("policy/gone.c", "no message"): "gone"})
    for text, count in (
            ('"a hint that is nowhere" (hint) is in no golden file', 1),
            ('"a message that is nowhere" (message) is in no golden file', 1),
            # An error of these words is shown, a warning is not; and so is only the longer one.
            ('"unknown key \'%s\'" (message) is in no golden file', 1),
            ("is excepted, but a golden file shows it", 2),
            ('policy/gone.c: "no message" is excepted, but no message any more', 1)):
        assert sum(text in line for line in wrong) == count, (text, wrong)
    assert len(wrong) == 6, wrong


class Place:
    """A copy of the folder of the usage cases, in which they may write."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="xm-usage-")
        self.path = os.path.join(self.folder, "usage")
        shutil.copytree(USAGE, self.path)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def make(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)


def many(nevers):
    """1,000 rules for each of 2,000 users, of whom no two are alike."""
    rules = "".join(f"    - {{allow: XM_reset_partition, where: {{partitionId: {{not: self}}, "
                    f"status: {i}}}}}\n" for i in range(1000))
    roles = "".join(f"  u{i}: [{{allow: XM_get_time}}]\n" for i in range(2000))
    grants = "".join(f"  - {{to: \"user:{i}\", roles: [r, u{i}]}}\n" for i in range(2000))
    return f"version: 1\nroles:\n  r:\n{rules}{roles}grants:\n{grants}{nevers}"


def large(place):
    """What is too large to lie in the repository."""
    place.make("large.yaml", "version: 1\n# " + "x" * (4 << 20) + "\n")
    place.make("many.yaml", many(""))
    place.make("many-never.yaml", many("never:\n  - calls: XM_reset_partition\n"))
    place.make("values.yaml", "version: 1\ndefine:\n  a: [" + "1," * 1000001 + "]\n")


def expand(words):
    """`5*WORD` is WORD five times."""
    for word in words:
        times, star, rest = word.partition("*")
        yield from [rest] * int(times) if star and times.isdigit() else [word]


def run_xmpolicy(words, cwd):
    full = words[-1:] == [">/dev/full"]
    with open("/dev/full" if full else os.devnull, "w", encoding="utf-8") as out:
        done = subprocess.run([program("xmpolicy"), *expand(words[:-1] if full else words)],
                              stdout=out if full else subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, cwd=cwd, check=False, timeout=120,
                              env={**os.environ, "LC_ALL": "C"})
    out = "".join(f"| {line}\n" for line in (done.stdout or "").splitlines())
    said = f"{out}{done.stderr}[exit {done.returncode}]\n"
    return re.sub("--at 20[-0-9T:]*Z", "--at NOW", re.sub("[0-9a-f]{64}", "DIGEST", said))


def compare(path, cwd):
    with open(path, encoding="utf-8") as file:
        expected = file.read()
    commands = [line for line in expected.splitlines() if line.startswith("$ xmpolicy")]
    assert commands, path
    said = "".join(f"{line}\n{run_xmpolicy(shlex.split(line)[2:], cwd)}" for line in commands)
    if os.environ.get("UPDATE_EXPECTED"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(said)
        return
    assert said == expected, "\n".join(difflib.unified_diff(
        expected.splitlines(), said.splitlines(), path, "said", lineterm="", n=2))


def test_what_xmpolicy_says_of_wrong_usage():
    files = sorted(glob.glob(os.path.join(USAGE, "*.expected")))
    assert len(files) >= 3, files
    for path in files:
        with Place() as place:
            large(place)
            compare(path, place.path)


BAD = """\
version: 1
roles:
  admin:
    - allow: ["@broker", XM_get_tme]
      where: {partitionId: 010}
grants:
  - {to: "user:%d", roles: [admni]}
""" % ALICE
GOOD = BAD.replace("XM_get_tme", "XM_get_time").replace("      where: {partitionId: 010}\n",
                                                        "").replace("admni", "admin")


def test_a_reload_shows_the_administrator_the_same():
    need_root()
    with Broker(GOOD) as broker:
        path = broker.file("policy.yaml", BAD)
        done = broker.run(ALICE, [program("xmbrokerctl"), "reload"])
        assert done.returncode == 1, done
        checked = subprocess.run([program("xmpolicy"), "check", "--system", DEMO_XML, path],
                                 capture_output=True, text=True, check=False)
        assert checked.returncode == 1, checked
        for line in checked.stderr.splitlines():
            assert line in done.stderr, (line, done.stderr)
        for text in ("there is no operation 'XM_get_tme'", "did you mean 'XM_get_time'?",
                     "readers of YAML disagree on this number", "there is no role 'admni'"):
            assert text in done.stderr, (text, done.stderr)


if __name__ == "__main__":
    run_all(globals())
