#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every example of xmbroker.policy(5), run.  A block of the page is one of these: a whole policy; a file
of its own, which begins with its name in a comment; what a terminal shows, which begins with "$ "; or a
part of the first policy, as the page says: rules of a role, or keys of the top level."""

import json
import os
import re
import shlex
import shutil
import subprocess

from harness import DEMO_XML, TOP, Folder, program, run_all

PAGE = os.path.join(TOP, "man/xmbroker.policy.5")
# Groups and users of the examples, as they exist nowhere: numbers in their place.
NAMES = {"flight-ops": 5100, "night-shift": 5101, "flight-directors": 5102, "bob": 7000}
# A fragment that shows a rule which gives a warning, as the page says there.
WARNS = {'- allow: "@machine"\n  where: {resource: 0..10}': "with none or with several"}


def blocks():
    with open(PAGE) as page:
        found = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", page.read(), re.M | re.S)
    return [re.sub(r"^\\&", "", b, flags=re.M).replace("\\e", "\\").rstrip("\n") for b in found]


def with_numbers(text):
    for name, number in NAMES.items():
        text = re.sub(r"(?<![\w-])%s(?![\w-])" % name, str(number), text)
    return text


def top_level(text):
    """The keys of the top level with their lines, in order."""
    parts = re.split(r"^(?=[a-z]+:)", text, flags=re.M)
    return {p.split(":", 1)[0]: p.rstrip("\n") + "\n" for p in parts if p.strip()}


def whole(fragment, policy):
    """The policy that a fragment stands for."""
    if fragment.startswith("version:"):
        return fragment + "\n"
    parts = top_level(policy)
    if fragment.startswith("- "):
        rules = "".join("    %s\n" % line for line in fragment.split("\n"))
        parts["roles"] += "  example:\n" + rules
        parts["grants"] += "  - {to: everyone, roles: [example]}\n"
    else:
        parts.update(top_level(fragment))
    return "".join(parts.values())


def check(folder, name):
    return subprocess.run([program("xmpolicy"), "check", name], cwd=folder.path, text=True,
                          capture_output=True, check=False)


def place():
    folder = Folder()
    for name in ("demo.xml", "xm_cf.xml"):
        shutil.copy(DEMO_XML, folder.file(name))
    return folder


def kind(block):
    return "file" if re.match(r"# [\w.]+\.yaml$", block.split("\n")[0]) \
        else "terminal" if block.startswith("$ ") else "policy"


def test_examples_compile():
    policies = [b for b in blocks() if kind(b) == "policy"]
    assert len(policies) >= 13 and policies[0].startswith("version: 1"), len(policies)
    with place() as folder:
        for example in policies:
            folder.file("policy.yaml", with_numbers(whole(example, policies[0])))
            done = check(folder, "policy.yaml")
            assert done.returncode == 0, (example, done.stderr)
            warned = WARNS.get(example)
            said = [l for l in done.stderr.splitlines() if " warning: " in l]
            # Rules that others cover are no fault of a fragment.
            said = [l for l in said if "this rule does nothing that others" not in l
                    and "others allow or deny" not in l]
            assert len(said) == (1 if warned else 0), (example, done.stderr)


def keys_of_the_schema(node):
    """All keys that a policy can have, but for attributes of calls, which "where" has."""
    found = set()
    if isinstance(node, dict):
        for key, value in node.get("properties", {}).items():
            found |= {key} | (keys_of_the_schema(value) if key != "where" else set())
        for key, value in node.items():
            if key not in ("properties", "where"):
                found |= keys_of_the_schema(value)
    elif isinstance(node, list):
        for value in node:
            found |= keys_of_the_schema(value)
    return found


def test_every_key_stands_in_an_example():
    done = subprocess.run([program("xmpolicy"), "schema"], capture_output=True, text=True, check=True)
    text = "\n".join(b for b in blocks() if kind(b) == "policy")
    schema = json.loads(done.stdout)
    keys = {k for k in keys_of_the_schema(schema) if re.fullmatch("[a-z_]+", k)}
    assert {"limit", "observe_until", "if_exists", "never", "days", "rule"} <= keys, keys
    missing = [k for k in sorted(keys) if not re.search(r"\b%s:" % k, text)]
    assert not missing, missing


def test_every_example_depends_on_what_it_says():
    """A typing error in each key of each fragment is an error: nothing of it is skipped."""
    policies = [b for b in blocks() if kind(b) == "policy"]
    count = 0
    with place() as folder:
        for example in policies:
            for match in re.finditer(r"(?<=[\s{-])([a-z_]+)(?=:\s)", example):
                wrong = example[:match.start()] + "x" + example[match.start():]
                if match.group(1) in ("payloads", "observer", "operator", "keeper"):
                    continue
                folder.file("policy.yaml", with_numbers(whole(wrong, policies[0])))
                assert check(folder, "policy.yaml").returncode == 1, wrong
                count += 1
    assert count > 60, count


def squeezed(text):
    return " ".join(text.split())


def carets(text):
    """Each caret with the line above it, as they stand."""
    lines = text.split("\n")
    return [(lines[n - 1], line) for n, line in enumerate(lines) if line.strip() == "^"]


def test_what_the_page_shows_is_printed():
    count = 0
    with place() as folder:
        for block in blocks():
            if kind(block) == "file":
                folder.file(block.split("\n")[0][2:], block + "\n")
            if kind(block) != "terminal":
                continue
            command, shown = block[2:].split("\n", 1)
            words = shlex.split(command)
            assert words[0] == "xmpolicy", command
            done = subprocess.run([program("xmpolicy"), *words[1:]], cwd=folder.path, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            pattern = ".*".join(re.escape(squeezed(part))
                                for part in re.split(r"^\.\.\.$", shown, flags=re.M))
            assert re.fullmatch(pattern.replace(".*", r"\s?.*\s?"), squeezed(done.stdout), re.S), \
                "%s should print\n%s\nprints\n%s" % (command, shown, done.stdout)
            missing = [c for c in carets(shown) if c not in carets(done.stdout)]
            assert carets(shown) and not missing, (command, missing)
            count += 1
    assert count >= 3, count


if __name__ == "__main__":
    run_all(globals())
