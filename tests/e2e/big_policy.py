# SPDX-License-Identifier: LGPL-2.1-or-later
"""Large random policies about the loopback system, and other ways to write the same one down."""

import random

RULES, ROLES, GRANTS = 10000, 200, 2000
IDS = 400  # users and groups each


class Rule:
    def __init__(self, effect, ops, where, extra=""):
        self.effect, self.ops, self.where, self.extra = effect, ops, where, extra

    def text(self, block=False):
        where = ", ".join("%s: %s" % item for item in self.where.items())
        if block:
            lines = ["    - %s:" % self.effect] + ["        - %s" % op for op in self.ops]
            lines += ["      where:"] * bool(where)
            lines += ["        %s: %s" % item for item in self.where.items()]
            return "\n".join(lines + ["      " + part for part in self.extra.split("; ") if part])
        parts = ["%s: [%s]" % (self.effect, ", ".join(self.ops))] + self.extra.split("; ")
        parts += ["where: {%s}" % where] * bool(where)
        return "    - {%s}" % ", ".join(part for part in parts if part)


def _range(draw, most, width):
    low = draw.randrange(most)
    return "%d..%d" % (low, low + draw.randrange(width))


def _reset(draw):
    where = {"status": _range(draw, 100000, 50), "resetMode": "XM_WARM_RESET",
             "partitionId": draw.choice(["1", "2", "[1, 2]", "{not: self}"])}
    return Rule("allow", ["XM_reset_partition"], where,
                draw.choice(["", "", "audit: always", "limit: {rate: 6/min, burst: 2}"]))


def _masked(draw):
    where = {"status": "{mask: 0x%x, is: 0x%x}" % (0xfff0, draw.randrange(4096) << 4),
             "partitionId": "{not: self}"}
    return Rule("allow", ["XM_reset_partition"], where)


def _suspend(draw):
    return Rule("allow", ["XM_suspend_partition", "XM_resume_partition"],
                {"partitionId": draw.choice(["1", "2", "{not: [self, 2]}"])})


def _port(draw):
    name = draw.choice(['attitude', '"hk-*"', '"hk-1"'])
    return Rule("allow", ["XM_create_sampling_port", "XM_create_queuing_port"],
                {"portName": name, "maxMsgSize": _range(draw, 4000, 90)})


def _seek(draw):
    return Rule("allow", ["XM_hm_seek", "XM_trace_seek"],
                {"offset": "-" + _range(draw, 3000, 60), "whence": "XM_OBJ_SEEK_CUR"})


def _trace(draw):
    return Rule("allow", ["XM_trace_event"],
                {"criticality": "XM_TRACE_NOTIFY", "bitmask": _range(draw, 255, 9),
                 "code": "{mask: 0xff, is: 0x%x}" % draw.randrange(256)})


def _console(draw):
    return Rule("allow", ["XM_write_console"],
                {"buffer": "{length: %s}" % _range(draw, 5000, 40)})


def _deny(draw):
    if draw.randrange(2):
        return Rule("deny", ["XM_suspend_partition", "XM_shutdown_partition"],
                    {"partitionId": draw.choice(["0", "1", "2"])})
    return Rule("deny", ["XM_reset_partition"], {"status": _range(draw, 100000, 500)})


def _time(draw):
    return Rule("allow", ["XM_get_time", "XM_hm_status", "XM_trace_status"], {},
                draw.choice(["", "limit: {rate: %d/s}" % draw.randrange(1, 9)]))


KINDS = [_reset, _reset, _reset, _masked, _suspend, _port, _port, _seek, _trace, _console, _deny,
         _time]


class BigPolicy:
    """By its number; rules and grants are lists that may be changed."""

    def __init__(self, seed, rules=RULES):
        draw = random.Random(seed)
        self.roles = {}
        for i in range(rules):
            self.roles.setdefault("role-%d" % (i % ROLES), []).append(draw.choice(KINDS)(draw))
        self.grants = [self._grant(draw, i) for i in range(GRANTS)]

    @staticmethod
    def _grant(draw, i):
        if i % 10 == 3:
            to = '{all: ["group:%d", "group:%d"]}' % (draw.randrange(IDS), draw.randrange(IDS))
        else:
            to = '"%s:%d"' % (draw.choice(["user", "group"]), 1000 + draw.randrange(IDS))
        return "to: %s, roles: role-%d" % (to, i % ROLES)

    def text(self, block=False):
        lines = ["version: 1", 'system: "loopback:"', "roles:"]
        for role, rules in self.roles.items():
            lines += ["  %s:" % role] + [rule.text(block) for rule in rules]
        lines += ["grants:"] + ["  - {%s}" % grant for grant in self.grants]
        return "\n".join(lines) + "\n"

    def shuffle(self, seed):
        """The same in another order."""
        draw = random.Random(seed)
        names = list(self.roles)
        draw.shuffle(names)
        self.roles = {name: self.roles[name] for name in names}
        for rules in self.roles.values():
            draw.shuffle(rules)
        draw.shuffle(self.grants)

    def split(self):
        """Each rule as one for each operation, and ranges as two."""
        for role, rules in self.roles.items():
            self.roles[role] = [part for rule in rules for part in _parts(rule)]

    def merge(self):
        """Rules of a role that say the same of other operations, as one."""
        for role, rules in self.roles.items():
            same = {}
            for rule in rules:
                key = (rule.effect, rule.extra, tuple(sorted(rule.where.items())))
                same.setdefault(key, []).append(rule)
            self.roles[role] = [Rule(group[0].effect, sorted({op for r in group for op in r.ops}),
                                     group[0].where, group[0].extra) for group in same.values()]


def _parts(rule):
    halves = [rule.where]
    name, value = next(((n, v) for n, v in rule.where.items() if ".." in v and v[0].isdigit()),
                       (None, ""))
    low, high = ([int(end) for end in value.split("..")] if name else (0, 0))
    if low < high:
        middle = (low + high) // 2
        halves = [dict(rule.where, **{name: half})
                  for half in ("%d..%d" % (low, middle), "%d..%d" % (middle + 1, high))]
    return [Rule(rule.effect, [op], where, rule.extra) for op in rule.ops for where in halves]
