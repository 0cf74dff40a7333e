# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small mistakes in a policy, made one at a time: a rule or a grant left out, a bound moved by one, a
partition, plan or port too many or too few.  Works on the text of a policy in its canonical form;
never judges whether a mistake is noticed."""

import re
from datetime import datetime, timedelta, timezone

# Stands for a rule that is left out: a role must not be empty.
NOTHING = ["    - allow: broker_kick", "      where: {uid: 4294967294}"]


def sections(text):
    """(name, first line, line behind the last) of each top-level key."""
    lines = text.splitlines()
    starts = [(m.group(1), n) for n, line in enumerate(lines)
              for m in [re.match(r"([a-z]+):", line)] if m]
    ends = [n for _, n in starts[1:]] + [len(lines)]
    return {name: (n, end) for (name, n), end in zip(starts, ends)}


def items(text, section, indent):
    """(first line, line behind the last) of each list item of a section."""
    lines = text.splitlines()
    begin, end = sections(text).get(section, (0, 0))
    found = []
    for n in range(begin + 1, end):
        if lines[n].startswith(" " * indent + "- "):
            stop = n + 1
            while stop < end and lines[stop].startswith(" " * (indent + 2)) \
                    and not lines[stop].lstrip().startswith("#"):
                stop += 1
            found.append((n, stop))
    return found


def replaced(text, n, stop, lines):
    old = text.splitlines()
    return "\n".join(old[:n] + lines + old[stop:]) + "\n"


def left_out(text):
    """Each rule and each grant, one at a time."""
    lines = text.splitlines()
    for n, stop in items(text, "roles", 4):
        yield "without " + lines[n].strip(), replaced(text, n, stop, NOTHING)
    for n, stop in items(text, "grants", 2):
        yield "without grant " + lines[n].strip(), replaced(text, n, stop, [])


def fewer_denied(text):
    """Each operation of a deny left out, one at a time."""
    lines = text.splitlines()
    for n, _ in items(text, "roles", 4):
        listed = re.match(r"( +- deny: )\[(.*)\]$", lines[n])
        for word in listed.group(2).split(", ") if listed else ():
            rest = [w for w in listed.group(2).split(", ") if w != word]
            yield "deny without " + word, replaced(
                text, n, n + 1, ["%s[%s]" % (listed.group(1), ", ".join(rest))])


def _number(n, like):
    return ("0x%X" if like.startswith("0x") else "%d") % n


def _range(match):
    low, high = match.group(1), match.group(2)
    for step in (-1, 1):
        if low and (int(low, 0) or step > 0):
            yield _number(int(low, 0) + step, low) + ".." + high
        if high:
            yield low + ".." + _number(int(high, 0) + step, high)


def _mask(match):
    mask = int(match.group(1), 0)
    for bit in (mask & -mask, 1 << (mask.bit_length() - 1)):
        yield "mask: 0x%X" % (mask & ~bit)
    lowest = mask & -mask
    yield "mask: 0x%X" % (mask | lowest >> 1)


def _is(match):
    value = int(match.group(1), 0)
    lowest = value & -value
    yield "is: 0x%X" % (value ^ lowest)
    yield "is: 0x%X" % (value ^ lowest << 1)


def _minute(clock, step):
    total = int(clock[:2]) * 60 + int(clock[3:]) + step
    return "%02d:%02d" % divmod(total % 1440, 60)


def _hours(match):
    for step in (-1, 1):
        yield 'hours: "%s-%s"' % (_minute(match.group(1), step), match.group(2))
        yield 'hours: "%s-%s"' % (match.group(1), _minute(match.group(2), step))


def _offset(match):
    for step in (-1, 1):
        yield 'offset: "%s%s"' % (match.group(1), _minute(match.group(2), step))


def _days(match):
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    for step in (-1, 1):
        for end in (1, 2):
            days = [match.group(1), match.group(2)]
            days[end - 1] = week[(week.index(days[end - 1]) + step) % 7]
            yield "days: [%s-%s]" % tuple(days)


def _time(match):
    text = match.group(2)
    for form in ("%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            when = datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
        for step in (-1, 1):
            moved = when + timedelta(seconds=step)
            yield '%s: "%s"' % (match.group(1), moved.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return
    raise AssertionError("unknown form of time: " + text)


BOUNDS = (
    (r"(?<![\w.])((?:0x[0-9A-F]+|\d+)?)\.\.((?:0x[0-9A-F]+|\d+)?)(?![\w.])", _range),
    (r"mask: (0x[0-9A-F]+)", _mask),
    (r"is: (0x[0-9A-F]+)", _is),
    (r'hours: "(\d\d:\d\d)-(\d\d:\d\d)"', _hours),
    (r'offset: "([+-])(\d\d:\d\d)"', _offset),
    (r"days: \[(\w+)-(\w+)\]", _days),
    (r'\b(from|until|observe_until): "?([\dT:Z-]+)"?', _time),
    (r"resetMode: XM_(WARM|COLD)_RESET", lambda m: ["resetMode: 0..1"]),
    (r"direction: XM_\w+_PORT", lambda m: ["direction: 1..2"]),
    (r'portName: "[\w-]+\*"', lambda m: ['portName: "*"']),
)


def _in_policy(text, pattern):
    """Matches in what rules and grants say, not in comments, invariants and tests."""
    known = sections(text)
    begin, end = known["define"][0], known["never"][0]
    at = 0
    for n, line in enumerate(text.splitlines(True)):
        if begin <= n < end and not line.lstrip().startswith(("#", "because")):
            for match in re.finditer(pattern, line):
                yield n + 1, at, match
        at += len(line)


def moved_bounds(text):
    """Each bound, widened and narrowed by one."""
    for pattern, change in BOUNDS:
        for n, at, match in _in_policy(text, pattern):
            for new in change(match):
                if new != match.group(0):
                    yield ("line %d: %s for %s" % (n, new, match.group(0)),
                           text[:at + match.start()] + new + text[at + match.end():])


def other_names(text, attribute, names):
    """Each name of a constraint left out, and each other one of the system added."""
    pattern = r"\b(?:%s): (\[[\w, -]+\]|[\w-]+)(?=[,}\n])" % attribute
    for n, at, match in _in_policy(text, pattern):
        has = match.group(1).strip("[]").split(", ")
        lists = [[w for w in has if w != word] for word in has if len(has) > 1]
        lists += [has + [name] for name in names if name not in has]
        for new in lists:
            yield ("line %d: [%s] for %s" % (n, ", ".join(new), match.group(1)),
                   text[:at + match.start(1)] + "[" + ", ".join(new) + "]"
                   + text[at + match.end(1):])


def unlimited(text):
    """Each limit and each level of audit left out, or changed."""
    for pattern, new in ((r"\n *limit: [^\n]*", ""), (r"\n *audit: always", ""),
                         (r"rate: \d+", "rate: 7"), (r"burst: \d+", "burst: 9")):
        for match in re.finditer(pattern, text):
            yield ("%r for %s" % (new, match.group(0).strip()),
                   text[:match.start()] + new + text[match.end():])
