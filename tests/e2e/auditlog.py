# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reader of the audit log, written from xmbroker-audit(5) alone, that believes nothing: it follows
the chain from the first record, over all files of the log, checks the numbers, the seals if it has the
verification key, and accounts for every byte.  It goes on where it was when more has been written.

As a script, `auditlog.py LOG [KEY]` checks a log and says what is in it."""

import collections
import glob
import hashlib
import json
import os
import re
import sys

TORN = b" torn\n"  # stands behind a torn piece, so that it is no record even if it lacks only its end
ENDING = re.compile(rb',"chain":"([0-9a-f]{64})"(?:,"seal":"([0-9a-f]{32})")?}$')


class Bad(Exception):
    """The log is not what a broker writes."""


def blake2b(size, *parts):
    state = hashlib.blake2b(digest_size=size)
    for part in parts:
        state.update(part)
    return state.digest()


class Seals:
    """The evolving key: from the verification key to that of each record."""

    def __init__(self, key):
        self.epoch = 0
        self.secret = key
        self.key = None

    def begin(self, epoch):
        if epoch < self.epoch:
            raise Bad("epoch %d after %d" % (epoch, self.epoch))
        while self.epoch < epoch:
            self.secret = blake2b(32, b"xmaudit epoch", self.secret)
            self.epoch += 1
        self.key = blake2b(32, b"xmaudit segment", self.secret)

    def next(self, chain):
        if self.key is None:
            raise Bad("a sealed record before any epoch")
        out = blake2b(64, b"xmaudit1", self.key, chain)
        self.key = out[32:]
        return out[:16]


class Reader:
    """All of a log.  update() reads what has come since; records are given to `each`."""

    def __init__(self, path, key=None, each=None):
        self.path = path
        self.seals = Seals(key) if key else None
        self.each = each or (lambda record: None)
        self.file = None
        self.rest = b""  # of a line that has no end yet
        self.torn = b""  # lines that are no record, until they are explained
        self.seq = 0
        self.chain = bytes(32)
        self.types = collections.Counter()
        self.lost = 0
        self.recovered = 0  # torn lines that were explained
        self.folded = collections.Counter()  # by uid; "*": of several
        self.starts = 0

    # ---- files ---------------------------------------------------------------------------------

    def _rotated(self):
        """The numbers of the files that are complete, in order."""
        found = (re.fullmatch(re.escape(self.path) + r"\.(\d{6,})", name)
                 for name in glob.glob(glob.escape(self.path) + ".*"))
        return sorted(int(match.group(1)) for match in found if match)

    def _name(self, number):
        return "%s.%06d" % (self.path, number)

    def _open_first(self):
        rotated = self._rotated()
        try:
            self.file = open(self._name(rotated[0]) if rotated else self.path, "rb")
        except FileNotFoundError:
            return False
        return True

    def _follower(self):
        """The file that goes on where the one ends that is being read."""
        if self._is(self.path, os.fstat(self.file.fileno())):
            return None
        for name in [self._name(number) for number in self._rotated()] + [self.path]:
            try:
                file = open(name, "rb")
            except FileNotFoundError:
                continue
            if file.read(64).startswith(b'{"seq":%d,' % (self.seq + 1)):
                file.seek(0)
                return file
            file.close()
        return None

    @staticmethod
    def _is(name, status):
        try:
            return os.path.samestat(os.stat(name), status)
        except FileNotFoundError:
            return False

    def _read(self):
        data = self.file.read()
        if data:
            self._feed(data)
        return bool(data)

    def update(self):
        """Reads all that is there; returns the number of bytes that stand torn at the end."""
        if self.file is None and not self._open_first():
            return 0
        while True:
            while self._read():
                pass
            follower = self._follower()
            if follower is None:
                return len(self.rest)
            if self.rest:
                raise Bad("a file ends within a line")
            self.file.close()
            self.file = follower

    def close(self):
        if self.file is not None:
            self.file.close()

    # ---- records -------------------------------------------------------------------------------

    def _feed(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            self._line(line)

    def _line(self, line):
        ending = ENDING.search(line)
        try:
            record = json.loads(line) if ending else None
        except ValueError:
            record = None
        if not isinstance(record, dict):
            self.torn += line + b"\n"
            return
        self._check(line, record, ending)
        self._count(record)
        self.each(record)

    def _check(self, line, record, ending):
        if record["seq"] != self.seq + 1:
            raise Bad("record %s after %d" % (record["seq"], self.seq))
        chain = blake2b(32, self.chain, line[:ending.start()])
        if chain.hex().encode() != ending.group(1):
            raise Bad("the chain is broken at record %d" % record["seq"])
        if self.torn:
            self._explain(record)
        if self.seals:
            if "epoch" in record:
                self.seals.begin(record["epoch"])
            if ending.group(2) is None or self.seals.next(chain).hex().encode() != ending.group(2):
                raise Bad("the seal of record %d is wrong" % record["seq"])
        self.seq += 1
        self.chain = chain

    def _explain(self, record):
        """A torn line has to be owned up to, to the byte, by the next record of that kind."""
        if record["type"] in ("start", "continue"):
            return  # the first of its process; the next one explains
        torn, self.torn = self.torn, b""
        if record["type"] != "recovered" or not torn.endswith(TORN):
            raise Bad("a torn line before record %d, which does not say so" % record["seq"])
        torn = torn[:-len(TORN)]
        if record["bytes"] != len(torn) or record["hash"] != blake2b(16, torn).hex():
            raise Bad("record %d explains another torn line" % record["seq"])
        self.recovered += 1

    def _count(self, record):
        kind = record["type"]
        self.types[kind] += 1
        if kind == "lost":
            self.lost += record["records"]
        elif kind == "folded":
            self.folded[record.get("uid", "*")] += record["records"]
        elif kind == "start":
            self.starts += 1


def main(argv):
    key = bytes.fromhex(argv[2]) if len(argv) > 2 else None
    reader = Reader(argv[1], key)
    try:
        torn = reader.update()
    except Bad as error:
        print("bad: %s" % error)
        return 1
    if reader.torn:
        print("bad: a torn line that no record explains")
        return 1
    print("%d records, %d lost, %d folded, %d torn lines explained, %d bytes torn at the end"
          % (reader.seq, reader.lost, sum(reader.folded.values()), reader.recovered, torn))
    print(" ".join("%s %d" % item for item in sorted(reader.types.items())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
