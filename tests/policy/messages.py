# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which messages the sources can give, and which of them the golden files show.  Owns the reading of C,
as far as it takes to find string literals and the calls that they are arguments of.  Must never take
a message for shown because another one looks like it: formats of the functions for messages match a whole
message of their level, or a whole hint."""

import glob
import os
import re

# Of each function for messages: the positions of its hint and its format, and the level.
FUNCTIONS = {
    "node_error": (2, 3, "error"),
    "node_warning": (2, 3, "warning"),
    "stop_at": (2, 3, "error"),
    "FAIL": (2, 3, "error"),
    "diag_add": (5, 6, None),
    "message": (None, None, None),
}
# Functions of xmpolicy that say something in a line of their own: the positions of what they say.
PLAIN = {"command_error": 0, "command_needs": 1}
# Files of which every literal with a blank in it becomes part of a message.
LOOSE = """call cases check condition constraint domain invariant limit parse principal prove_dead prove_report
resolve source vocabulary when yaml""".split()
LEVEL = {"DIAG_ERROR": "error", "DIAG_WARNING": "warning", "DIAG_NOTE": "note"}

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<include>^[ \t]*\#[ \t]*include[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<char>'(?:[^'\\\n]|\\.)*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<space>\s+|\\\n)
  | (?P<other>.)""", re.S | re.X | re.M)
SPECIFIER = re.compile(r"%(?:%|[-0 +#]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?([a-zA-Z]))")


class Message:
    """A literal, or several that the compiler puts together, and how it is used."""

    def __init__(self, path, line, text, kind, level=None):
        self.path, self.line, self.text, self.kind, self.level = path, line, text, kind, level

    def __str__(self):
        return f'{self.path}:{self.line}: "{self.text}"'


def tokens(text):
    line, found = 1, []
    for match in TOKEN.finditer(text):
        if match.lastgroup not in ("comment", "include", "space"):
            found.append((match.lastgroup, match.group(), line))
        line += match.group().count("\n")
    return found


def unescape(literal):
    return re.sub(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", lambda m: {"n": "\n", "t": "\t"}.get(
        m.group(1), m.group(1)), literal[1:-1])


def literals(found):
    """(text, line) of each run of literals; a macro between two of them is as good as %s, and PRIu64
    ends a specifier."""
    result, at = [], 0
    while at < len(found):
        if found[at][0] != "string":
            at += 1
            continue
        text, line = unescape(found[at][1]), found[at][2]
        at += 1
        while at < len(found):
            kind, word, _ = found[at]
            if kind == "string":
                text += unescape(word)
            elif kind == "name" and word.startswith("PRI"):
                text += word[3]
            elif kind == "name" and word.isupper() and found[at + 1:at + 2] and \
                    found[at + 1][0] == "string":
                text += "%s"
            else:
                break
            at += 1
        result.append((text, line))
    return result


def arguments(found, at):
    """The tokens of each argument of the call whose parenthesis is at `at`."""
    depth, result = 0, [[]]
    for token in found[at:]:
        if token[0] == "other" and token[1] in "([{":
            depth += 1
            if depth == 1:
                continue
        elif token[0] == "other" and token[1] in ")]}":
            depth -= 1
            if not depth:
                return result
        elif depth == 1 and token[1] == ",":
            result.append([])
            continue
        result[-1].append(token)
    return []


def has_words(text):
    return bool(re.search(r"[A-Za-z]{2}", SPECIFIER.sub("", text)))


def calls(found):
    for at, token in enumerate(found[:-1]):
        if token[0] == "name" and found[at + 1][1] == "(":
            yield token[1], arguments(found, at + 1)


def of_call(path, name, args):
    if name in FUNCTIONS and FUNCTIONS[name][1] is not None and len(args) > FUNCTIONS[name][1]:
        hint, text, level = FUNCTIONS[name]
        if name == "diag_add":
            level = LEVEL.get("".join(t[1] for t in args[1]), "")
        for words, line in literals(args[hint]):
            yield Message(path, line, words, "hint")
        for words, line in literals(args[text]):
            yield Message(path, line, words, "message", level)
    elif name in PLAIN and len(args) > PLAIN[name]:
        for words, line in literals(args[PLAIN[name]]):
            yield Message(path, line, words, "part")
    elif (name == "fprintf" and args[0] and args[0][0][1] == "stderr") or (
            name == "fputs" and args[-1] and args[-1][0][1] == "stderr"):
        first = name == "fprintf"
        for words, line in literals(args[first]):
            for part in words.rstrip("\n").split("\n"):
                yield Message(path, line, part, "line")
        for words, line in literals(sum(args[first + 1:], [])):
            yield Message(path, line, words, "part")


COMPARE = ("strstr", "strcmp", "strncmp", "strcasecmp", "strcspn", "strspn", "sscanf", "fopen")


def without_comparisons(found):
    """What is only compared with is no message."""
    result, at = [], 0
    while at < len(found):
        result.append(found[at])
        if found[at][1] in COMPARE and at + 1 < len(found) and found[at + 1][1] == "(":
            depth = 0
            while at + 1 < len(found):
                at += 1
                depth += (found[at][1] == "(") - (found[at][1] == ")")
                if not depth:
                    break
        at += 1
    return result


def messages_of(path, text, loose):
    """All messages of a file; a literal counts once, in its strictest use."""
    found, seen = without_comparisons(tokens(text)), {}
    for name, args in calls(found):
        for message in of_call(path, name, args):
            if has_words(message.text):
                seen.setdefault((message.text, message.line), message)
    if loose:
        for words, line in literals(found):
            words = words.rstrip("\n")
            if has_words(words) and " " in words.strip():
                seen.setdefault((words, line), Message(path, line, words, "part"))
    return list(seen.values())


def sources(top):
    result = sorted(glob.glob(os.path.join(top, "policy", "*.c")))
    return [os.path.relpath(path, top) for path in result]


def all_messages(top):
    result = []
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            loose = os.path.basename(path)[:-2] in LOOSE
            result += messages_of(path, file.read(), loose)
    return result


def pattern(text):
    """What a format can become."""
    out, at = "", 0
    for match in SPECIFIER.finditer(text):
        out += re.escape(text[at:match.start()])
        kind = match.group(1)
        out += {None: "%", "d": r"-?\d+", "u": r"\d+", "x": "[0-9a-f]+", "c": "."}.get(kind, ".*")
        at = match.end()
    return out + re.escape(text[at:])


class Golden:
    """What the golden files show, by kind."""

    def __init__(self, top):
        self.messages, self.hints, self.lines, self.last = {}, set(), set(), ""
        for path in glob.glob(os.path.join(top, "tests/policy/errors/*.expected")) + glob.glob(
                os.path.join(top, "tests/policy/usage/*.expected")):
            with open(path, encoding="utf-8") as file:
                for line in file.read().splitlines():
                    self.add(line)

    def add(self, line):
        self.lines.add(line)
        match = re.match(r"(?:\S+: )?(error|warning|note): (.*)$", line)
        if match:
            said = self.messages.setdefault(match.group(1), set())
            # Of a defined value: what was wrong, and where it is used.
            said.update((match.group(2), match.group(2).split("; it is used at ")[0]))
            self.last = match.group(2)
        elif line.startswith("  hint: "):
            self.hints.add(line[len("  hint: "):])
            # A reader of calls says both in one.
            self.lines.add(f"{self.last}; {line[len('  hint: '):]}")

    def shows(self, message):
        wanted = re.compile(pattern(message.text))
        if message.kind == "message":
            levels = [message.level] if message.level else self.messages
            return any(wanted.fullmatch(m) for level in levels
                       for m in self.messages.get(level, ()))
        if message.kind == "hint":
            return any(wanted.fullmatch(h) for h in self.hints)
        if message.kind == "line":
            return any(wanted.fullmatch(line) for line in self.lines)
        return any(wanted.search(text) for text in self.hints.union(
            self.lines, *self.messages.values()))


def exceptions(top):
    """{(path, literal): reason} of the messages that no golden file can show."""
    result, key = {}, None
    with open(os.path.join(top, "tests/policy/message-exceptions.txt"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            entry = re.fullmatch(r'(\S+): "(.*)"', line)
            if entry:
                key = entry.groups()
                result[key] = ""
            elif line.startswith("    ") and key:
                result[key] += line.strip() + " "
            elif line and not line.startswith("#"):
                raise ValueError(f"not understood: {line}")
    return result


def complaints(top, found, golden, excepted):
    """What is wrong, in words: nothing if every message is shown, or excepted for a reason."""
    wrong = []
    for message in found:
        shown, reason = golden.shows(message), excepted.get((message.path, message.text))
        if reason is None and not shown:
            wrong.append(f"{message} ({message.kind}) is in no golden file")
        elif reason is not None and shown:
            wrong.append(f"{message} is excepted, but a golden file shows it")
        elif reason == "":
            wrong.append(f"{message} is excepted without a reason")
    known = {(m.path, m.text) for m in found}
    wrong += [f'{path}: "{text}" is excepted, but no message any more'
              for path, text in excepted if (path, text) not in known]
    return wrong
