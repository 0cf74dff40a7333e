/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_INIT_H
#define XM_INIT_H

/*
 * Start-up.  A session with the broker belongs to a process; it is opened by the first call that
 * needs it, so that programs which forget init_libxm() work too.
 */

#include <xm/tables.h>
#include <xm/types.h>

XM_BEGIN_DECLS

/*
 * Opens the session with the broker, or ends the program; drops the pending batch of the thread.
 *
 * @partCtrlTab, @partInfTab  where the library keeps its copy of the tables (xm/params.h); 0, as
 *                            Linux programs pass, or what cannot be written: in memory of its own
 *
 * If there is no session, prints "error: init_libxm  open /dev/xmctl: <reason>" on stderr and exits
 * with status 255, as libxm-linux did when it could not open the device; if the broker states a
 * partition identifier below 0, prints "error: init_libxm invalid partition id <n>" and exits with
 * the number of the session's descriptor.
 *
 * Blocks until the broker answers.  May be called again, and from several threads.
 * Policy operation: none; every user may open a session.  Manual: Start-up and parameters.
 */
#if XM_FAMILY == 2
void init_libxm(partitionControlTable_t *partCtrlTab, partitionInformationTable_t *partInfTab)
	XM_BIND(init_libxm);
#else
void init_libxm(partitionControlTable_t *partCtrlTab) XM_BIND(init_libxm);
#endif

/*
 * Opens the session with the broker: init_libxm() for programs that want to handle the failure.
 *
 * Returns 0, or -1 with errno: ENOENT or ECONNREFUSED, no broker runs; EACCES, its socket may not
 * be opened; EPROTO, what listens there does not speak the protocol; or the error that the broker
 * gave when it refused (EAGAIN: too many sessions, EACCES: the user is not served).
 *
 * Blocks until the broker answers.  Thread-safe.  After fork() parent and child have a session
 * each.  Policy operation: none.  Manual: Start-up and parameters.
 */
int xm_init(void) XM_BIND(xm_init);

/*
 * Identifier of the partition that the program runs in.
 *
 * Returns it (>= 0), or XM_INVALID_MODE with errno as xm_init() says.  Blocks only to open a
 * session.  Thread-safe.  Policy operation: none; the broker tells it to every session.
 * Manual: Start-up and parameters.
 */
xm_s32_t xm_partition_self(void) XM_BIND(xm_partition_self);

XM_END_DECLS

#define XM_PARTITION_SELF (xm_partition_self())

#endif
