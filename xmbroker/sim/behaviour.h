/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_BEHAVIOUR_H
#define XMBROKER_SIM_BEHAVIOUR_H

/*
 * What partitions do that have no process behind them, as a file says: xmsim(8).  They act through
 * hypercalls of their own, so that a partition that does not run does nothing, and one that starts
 * anew begins at the beginning.
 */

#include "libxm/core/diag.h"
#include "xmbroker/sim/engine.h"

struct behaviour;

/* Reads a file.  0; -errno with an error in `diag`; -ENOMEM. */
int behaviour_load(const char *path, const struct system *sys, enum xm_profile profile,
		   struct diag *diag, struct behaviour **behaviourp);
void behaviour_free(struct behaviour *behaviour);

/* Does what is due. */
void behaviour_run(struct behaviour *behaviour, struct engine *engine);
/* When something is due the next time; -1: not of itself. */
int64_t behaviour_next(const struct behaviour *behaviour, const struct engine *engine);
/* Whether something is left that happens once. */
bool behaviour_is_busy(const struct behaviour *behaviour, const struct engine *engine);

#endif
