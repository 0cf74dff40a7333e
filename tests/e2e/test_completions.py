#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same options everywhere: in what --help says, in the manual pages, in the completions of bash and
zsh, and in what the programs really take."""

import os
import re
import shutil
import subprocess

from harness import TOP, NotRun, program, run_all

PAGES = ("xmpolicy.1", "xmaudit.8", "xmbrokerctl.8", "xmbroker.8", "xmsim.8")
# Options that a page mentions but that belong to another program.
OTHERS = {"xmsim": {"backend"}, "xmbroker": {"force", "confirm"}}
ALWAYS = {"help", "version"}  # which few usages list


def page_of(name):
    page = next(page for page in PAGES if page.split(".")[0] == name)
    with open(os.path.join(TOP, "man", page), encoding="utf-8") as file:
        return file.read()


def long_options(text):
    """Those of mdoc: .Fl -json, .Fl Fl json, Fl Fl new | Fl Fl check."""
    return set(re.findall(r"Fl (?:Fl )?-?([a-z][a-z]+(?:-[a-z]+)*)", text))


def help_of(name, *command):
    return subprocess.run([program(name), *command, "--help"], capture_output=True, text=True,
                          check=True).stdout


def completion(shell, name):
    path = os.path.join(TOP, "completions", shell, name if shell == "bash" else "_" + name)
    with open(path, encoding="utf-8") as file:
        return path, file.read()


def dashed(text):
    return set(re.findall(r"--([a-z][a-z-]+)", text))


# ---- all programs --------------------------------------------------------------------------------

def test_what_is_documented_is_completed_and_nothing_else():
    for page in PAGES:
        name = page.split(".")[0]
        options = long_options(page_of(name)) - OTHERS.get(name, set())
        options |= dashed(help_of(name)) | ALWAYS
        assert len(options) > 3, (page, options)
        for shell in ("bash", "zsh"):
            path, text = completion(shell, name)
            assert options == dashed(text), (path, sorted(options ^ dashed(text)))


# ---- xmpolicy, by command -------------------------------------------------------------------------

def helped():
    """{command: its options}, as --help of the program has it."""
    found, command = {}, None
    for line in help_of("xmpolicy").splitlines():
        match = re.match(r"  xmpolicy ([a-z][a-z-]*)", line)
        if match:
            command = match.group(1)
            found[command] = set()
        elif not line.startswith("      "):
            command = None
        if command:
            found[command] |= dashed(line)
    return found


def synopsis():
    """The same, as the manual page has it."""
    text = page_of("xmpolicy").split(".Sh SYNOPSIS")[1].split(".Sh ")[0]
    found = {}
    for part in text.split(".Nm\n"):
        match = re.match(r"\.Cm ([a-z-]+)", part)
        if match:
            found[match.group(1)] = long_options(part)
    return found


def zsh_cases():
    found = {}
    for match in re.finditer(r"^([a-z-]+)\)\n(.*?)\n\t;;", completion("zsh", "xmpolicy")[1],
                             re.M | re.S):
        found[match.group(1)] = dashed(match.group(2)) - {"help"}
    return found


def complete(name, *words):
    path, _ = completion("bash", name)
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", path, name, *words], capture_output=True,
                          text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_each_command_has_the_same_options_in_help_page_and_completions():
    commands = helped()
    assert len(commands) == 13, sorted(commands)
    assert commands == synopsis(), {c: (commands.get(c), synopsis().get(c))
                                    for c in set(commands) | set(synopsis())
                                    if commands.get(c) != synopsis().get(c)}
    assert commands == zsh_cases(), zsh_cases()
    assert set(complete("xmpolicy", "")) == set(commands) | {"--help", "--version"}
    for command, options in commands.items():
        offered = {word[2:] for word in complete("xmpolicy", command, "--")}
        assert offered == options | {"help"}, (command, offered ^ (options | {"help"}))


def test_each_command_takes_the_options_that_it_says_and_no_other():
    commands = helped()
    union = set().union(*commands.values())
    assert len(union) > 15, union
    for command, options in commands.items():
        for option in union:
            done = subprocess.run([program("xmpolicy"), command, "--" + option], check=False,
                                  capture_output=True, text=True)
            unknown = "unrecognized option" in done.stderr or "ambiguous" in done.stderr
            assert unknown == (option not in options), (command, option, done.stderr)


def test_each_option_of_a_command_is_explained():
    text = page_of("xmpolicy").split(".Sh DESCRIPTION")[1]
    for command, options in helped().items():
        for option in options:
            assert re.search(r"Fl -%s\b" % option, text), (command, option)


def test_help_of_each_command():
    whole = help_of("xmpolicy")
    for command in helped():
        text = help_of("xmpolicy", command)
        assert text.startswith("usage: xmpolicy %s" % command), text
        assert dashed(text) == helped()[command], text
        said = [line for line in text.splitlines() if not line.startswith(("usage:", " "))]
        assert said and said[0] in whole, text
        assert max(len(line) for line in text.splitlines() if line != said[0]) < 80, text


# ---- bash and zsh ---------------------------------------------------------------------------------

def test_bash_completes():
    assert complete("xmpolicy", "di") == ["diff"]
    assert complete("xmpolicy", "test", "--t") == ["--tap"]
    assert complete("xmpolicy", "matrix", "--ht") == ["--html"]
    assert complete("xmpolicy", "who-can", "--at", "u") == ["unknown"]
    assert complete("xmpolicy", "diff", "--tap") == []
    assert complete("xmaudit", "search", "--decision", "a") == ["allow"]
    assert complete("xmbrokerctl", "--socket", "/x", "sess") == ["sessions"]
    assert complete("xmsim", "--clock", "v") == ["virtual"]
    assert complete("xmbroker", "--on-audit-failure", "d") == ["deny"]
    # Where files are meant bash goes on by itself.
    assert complete("xmpolicy", "check", "p") == []
    assert complete("xmpolicy", "explain", "--policy", "p") == []


def test_bash_knows_the_completions_by_the_programs_names():
    for page in PAGES:
        name = page.split(".")[0]
        done = subprocess.run(["bash", "-c", '. "$1" && complete -p "$2"', "bash",
                               completion("bash", name)[0], name], capture_output=True, text=True,
                              check=True)
        assert done.stdout.split()[-2:] == ["_" + name, name], done.stdout


def test_zsh_reads_the_completions():
    for page in PAGES:
        name = page.split(".")[0]
        assert completion("zsh", name)[1].startswith("#compdef %s\n" % name)
    if not shutil.which("zsh"):
        raise NotRun("zsh is not installed")
    for page in PAGES:
        subprocess.run(["zsh", "-n", completion("zsh", page.split(".")[0])[0]], check=True)


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
