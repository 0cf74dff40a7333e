/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_FAULTS_H
#define XMBROKER_SIM_FAULTS_H

/*
 * Calls that are to fail, or whose answers are to come late, as a file says: xmsim(8).  For the same
 * calls in the same order the same faults strike, every time.
 */

#include "libxm/core/diag.h"
#include "libxm/core/request.h"
#include "libxm/system/system.h"

struct faults;

/* Reads a file.  0; -errno with an error in `diag`; -ENOMEM. */
int faults_load(const char *path, const struct system *sys, enum xm_profile profile,
		struct diag *diag, struct faults **faultsp);
void faults_free(struct faults *faults);

/*
 * What becomes of a call: XM_C_OK when it is to be carried out, else the code that it gets instead.
 * Its answer is to be `*delayp` us late (0: not).
 */
enum xm_code faults_strike(struct faults *faults, uint32_t partition, unsigned int op,
			   int64_t *delayp);

#endif
