/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_METRICS_H
#define XMBROKER_METRICS_H

/*
 * The server's counters and gauges as OpenMetrics text, which those who read the older text format of
 * Prometheus take too.  Names and meanings: xmbrokerctl(8).
 */

#include "libxm/core/text.h"
#include "xmbroker/server.h"

#define METRICS_USERS 10 /* uids that have numbers of their own: those with most calls */

/* Writes families of metrics from this one on, as many as there is room for, and after the last the
 * end.  Returns how many: 0 when `from` lies beyond the end. */
uint32_t metrics_put(const struct server *server, uint64_t from, struct text *t);

#endif
