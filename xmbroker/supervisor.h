/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SUPERVISOR_H
#define XMBROKER_SUPERVISOR_H

/*
 * The process that opens what is to be opened, starts the others and starts them again, and reloads
 * the policy.  It talks to no client.
 */

#include "xmbroker/launch.h"

/* Exit codes of the program. */
#define SUPERVISOR_STOPPED 0
#define SUPERVISOR_FAILED 1
#define SUPERVISOR_BAD_POLICY 2

/* Runs until it is told to stop; returns the exit code. */
int supervisor_run(struct launch *launch);

/* Compiles the policy and says what is wrong with it; returns the exit code. */
int supervisor_check(const struct launch *launch);

#endif
