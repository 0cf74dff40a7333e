/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SUPERVISOR_BOX_H
#define XMBROKER_SUPERVISOR_BOX_H

/* The supervisor's box, and the proof that its own and its children's are in force. */

#include <stdbool.h>

#include "xmbroker/box.h"
#include "xmbroker/launch.h"

struct supervisor;

/* Tries to break out of every box, and makes the empty root.  -errno: one is not in force, or that
 * could not be found out; said so. */
int supervisor_self_test(struct launch *launch);

/* The same with a row each on standard output, and whether the machine takes hypercalls from user
 * mode; returns the exit status. */
int supervisor_print_self_test(struct launch *launch, bool json);

/* When all is open: gives up the rest.  0 or -errno, said so. */
int supervisor_confine(const struct supervisor *s);

/* Looks at a child that says that it serves.  -EPERM: it is not confined, said so. */
int supervisor_check_child(const struct supervisor *s, enum box_role role, pid_t pid);

#endif
