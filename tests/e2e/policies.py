# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies that several tests use."""

from harness import ALICE, BOB

# alice may suspend partition 1 and not 2; bob may only look; nobody else is in any grant.
TWO_USERS = """\
version: 1
define:
  payloads: [payload]
roles:
  observer:
    - allow: ["@time", "@status"]
  operator:
    - include: observer
    - allow: [XM_suspend_partition, XM_resume_partition]
      where: {partitionId: payloads}
      audit: always
    - allow: XM_write_console
      audit: always
    - deny: XM_halt_partition
      because: halting goes through the sequencer
grants:
  - {to: "user:%d", roles: [operator]}
  - {to: "user:%d", roles: [observer]}
""" % (ALICE, BOB)
TWO_USERS_SUSPEND_LINE = 9

# One user may do all that stops nothing, everything is recorded.
ONE_USER = """\
version: 1
roles:
  all:
    - allow: ["@time", "@status", "@console", "@ports", "@hm", "@plan", "@partition"]
      audit: always
grants:
  - {to: "user:%d", roles: [all]}
""" % ALICE

# The same, nothing allowed recorded.
QUIET = ONE_USER.replace("always", "denied")


def only(uid, operations, audit="always"):
    return """\
version: 1
roles:
  some:
    - allow: [%s]
      audit: %s
grants:
  - {to: "user:%d", roles: [some]}
""" % (", ".join('"%s"' % o for o in operations), audit, uid)
