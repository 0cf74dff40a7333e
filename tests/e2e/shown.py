# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pages show of a terminal: commands after "$ ", what they print below them.  A command goes on
in the next line after a backslash; "..." alone in a line stands for any number of lines.  Runs them
and compares; never knows what is right."""

import os
import re
import signal
import subprocess
import textwrap

from harness import STAGE, TIMEOUT

MARK = "\x01"


def sessions(text):
    """Lists of (command, [lines that it prints]), one list for each block of indented or fenced
    lines that begins with "$ "."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M)
    blocks += re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    return [parse(b) for b in (textwrap.dedent(b).strip("\n") for b in blocks)
            if b.startswith("$ ")]


def parse(block):
    commands, open_line = [], False
    for line in block.split("\n"):
        if open_line:
            commands[-1][0] += "\n" + line
        elif line.startswith("$ "):
            commands.append([line[2:], []])
        else:
            commands[-1][1].append(line)
            continue
        open_line = line.endswith("\\")
    return [(command, expected) for command, expected in commands]


def run(session, folder):
    """What each command of a session prints, on whichever of both streams."""
    script = "".join("%s\ns=$?; printf '%s'; (exit $s)\n" % (command, MARK)
                     for command, _ in session)
    env = dict(os.environ, PATH=STAGE + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
    shell = subprocess.Popen(["sh", "-c", script], cwd=folder, env=env, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return shell.communicate(timeout=3 * TIMEOUT)[0].split(MARK)
    finally:
        if shell.poll() is None:  # with what it started
            os.killpg(shell.pid, signal.SIGKILL)
            raise AssertionError(shell.communicate()[0])


def pattern(expected):
    """A regular expression for the lines that a page shows."""
    return "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r" *\n"
                   for line in expected)


def compare(session, folder, page):
    outputs = run(session, folder)
    for (command, expected), output in zip(session, outputs):
        while expected and not expected[-1]:
            expected = expected[:-1]
        assert re.fullmatch(pattern(expected), output), \
            "%s: %s\nshould print:\n%s\nprints:\n%s" % (page, command, "\n".join(expected), output)
