#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tutorial of README.md as a newcomer does it, in a fresh folder: every command, and what the page
shows of its output; and the policy in one page, which must be good and do what its comments say."""

import os
import pwd
import re
import shutil
import subprocess

import shown
from harness import BUILD, DEMO_XML, ROOT, TOP, Folder, NotRun, program, run_all
from test_install import Installed

WAIT = "\nuntil grep -q 'xmbroker: ready' log; do kill -0 $! || exit 1; sleep 0.1; done"
# Groups of the one page, as they exist nowhere: numbers in their place.
NAMES = {"flight-ops": 5100, "night-shift": 5101, "trained": 5102, "maintainers": 5103}


def section(name):
    with open(os.path.join(TOP, "README.md")) as page:
        return re.search(r"^## %s\n(.*?)^## " % name, page.read(), re.M | re.S).group(1)


def fenced(text, language):
    return re.findall(r"^```%s\n(.*?)^```" % language, text, re.M | re.S)


def blocks(text):
    """The indented blocks, each as (command, [lines] or None if the page shows none)."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M)
    for block in (re.sub(r"^    ", "", b, flags=re.M).strip("\n") for b in found):
        if block.startswith("$ "):
            yield from shown.parse(block)
        else:
            yield from ((line, None) for line in block.split("\n"))


def myself():
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise NotRun("needs a user that has a name") from error


class Newcomer(Folder):
    """A folder with what a clone has that was built, for somebody who installs to another place."""

    def __init__(self, tree):
        super().__init__()
        self.usr = tree.path
        os.mkdir(self.file("build"))
        for name in os.listdir(BUILD):
            if name.startswith("xm"):
                os.symlink(program(name) if os.path.exists(program(name)) else
                           os.path.join(BUILD, name), self.file("build/" + name))
        shutil.copytree(os.path.join(TOP, "policy/examples"), self.file("policy/examples"))
        os.symlink(tree.build_examples(), self.file("build/examples"))

    def mine(self, text):
        """What the page says, with the own name and number."""
        text = re.sub(r"\byourself\b", myself(), text)
        text = re.sub(r"\buser:1000\b", "user:%d" % os.geteuid(), text)
        return text.replace("/tmp/xm/", "'%s'/" % self.usr)

    def session(self, text):
        for command, lines in blocks(text):
            if command == "make" or command.startswith("make "):
                continue  # what Installed has done
            if command.endswith(" &"):
                user = " --user nobody" if ROOT else ""
                command = command[:-2] + user + " --audit-key none 2>log &" + WAIT
            yield (self.mine(command), lines and [self.mine(line) for line in lines])
        yield "kill $!; wait", None


def test_tutorial():
    with Installed() as tree, Newcomer(tree) as clone:
        text = section("Tutorial")
        clone.file("hello.c", fenced(text, "c")[0])
        clone.file("policy.yaml", clone.mine(fenced(text, "yaml")[0]))
        session = list(clone.session(text))
        assert len([c for c, lines in session if lines]) >= 9, session
        outputs = shown.run(session, clone.path)
        assert len(outputs) == len(session) + 1, (outputs, clone.path)
        for (command, lines), output in zip(session, outputs):
            if lines is not None:
                assert re.fullmatch(shown.pattern(lines), output), \
                    "%s\nshould print:\n%s\nprints:\n%s" % (command, "\n".join(lines), output)
        said = dict(zip((c for c, _ in session), outputs))
        assert said["./hello"].endswith("XM_write_console: 14\n"), said["./hello"]
        refused = next(out for (command, lines), out in zip(session, outputs)
                       if command == "build/examples/hcall 2 2" and lines is None)
        assert refused.startswith("-3 = "), refused
        search = said["build/xmaudit search --decision deny audit.jsonl"]
        assert "DENY" in search and "XM_suspend_partition" in search, search


def test_one_page():
    page, = fenced(section("The policy in one page"), "yaml")
    for name, number in NAMES.items():
        page = re.sub(r"(?<![\w-])%s(?![\w-])" % name, str(number), page)
    with Folder() as folder:
        shutil.copy(DEMO_XML, folder.file("xm_cf.xml"))
        folder.file("policy.yaml", page)
        done = subprocess.run([program("xmpolicy"), "check", "policy.yaml"], cwd=folder.path,
                              capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done


if __name__ == "__main__":
    run_all(globals())
