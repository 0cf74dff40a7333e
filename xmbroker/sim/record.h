/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_RECORD_H
#define XMBROKER_SIM_RECORD_H

/*
 * A recording: everything that reaches the simulator, with what came of it, one JSON object a line,
 * in order: xmsim(8).  From it and the system description the same simulator can be run again.
 */

#include "xmbroker/sim/sim.h"

#define RECORD_VERSION 1

struct record;

/* Creates the file anew.  0 or -errno. */
int record_open(const char *path, const struct system *sys, const struct sim_options *options,
		struct record **recordp);
/* -errno when not all of it could be written. */
int record_close(struct record *record);

/* Times are us since the start. */
void record_call(struct record *record, int64_t time, uint32_t partition,
		 const struct xm_request *req, enum sim_result result,
		 const struct xm_reply *reply);
/* A call that was not carried out, but answered with this code. */
void record_fault(struct record *record, int64_t time, uint32_t partition,
		  const struct xm_request *req, enum xm_code code);
void record_event(struct record *record, int64_t time, uint32_t partition, uint32_t event);
/* Something happens of itself. */
void record_time(struct record *record, int64_t time);

/* The line of a call, without its end, which the caller frees; NULL: no memory. */
char *record_format(int64_t time, uint32_t partition, const struct xm_request *req,
		    enum sim_result result, const struct xm_reply *reply);
/* What a state of an argument other than OK is called, or NULL. */
const char *record_state(unsigned int state);

#endif
