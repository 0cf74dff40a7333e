/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TRACE_H
#define XM_TRACE_H

/*
 * Trace streams: one of each partition, written by itself, and one of the hypervisor.
 *
 * For all calls here: they block for one exchange with the broker (XM_trace_open() only to learn
 * the own partition), are thread-safe, and are usable after fork(); the read position belongs to
 * the session.  Every one may return XM_PERM_ERROR (EPERM): not permitted, or another partition's
 * stream and the own one is not a system partition; XM_INVALID_PARAM (EINVAL): bad pointer, or
 * @stream is no descriptor of a trace; and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/objdesc.h>
#include <xm/object.h>
#include <xm/tracetypes.h>
#include <xm/types.h>

#define XM_TRACE_SEEK_CUR XM_OBJ_SEEK_CUR
#define XM_TRACE_SEEK_SET XM_OBJ_SEEK_SET
#define XM_TRACE_SEEK_END XM_OBJ_SEEK_END

XM_BEGIN_DECLS

/*
 * The stream of a partition, for the calls below.  Opens nothing: whether the stream may be read is
 * decided when it is read.
 *
 * @partitionId  0 to the number of partitions - 1, or XM_HYPERVISOR_ID
 *
 * Returns the stream (>= 0), an object descriptor; XM_INVALID_PARAM (EINVAL): no such partition.
 * Operation: none.  Manual: Trace.
 */
xm_s32_t XM_trace_open(xmId_t partitionId) XM_BIND(XM_trace_open);

/*
 * Adds a record to the stream of the own partition, if the system description traces its kind.
 *
 * @bitmask  kinds that the record belongs to, kept if one of them is in the stream's bitmask
 * @event    in and out, not NULL; one record.  The caller gives code, criticality, module (2.x) and
 *           payload; time, partition, signature, sequence and checksum are stored by the call.
 *
 * A record of criticality XM_TRACE_UNRECOVERABLE also raises a health monitor event, which usually
 * stops the partition: the policy must permit that by "@self-stop" or by the name
 * XM_trace_unrecoverable.
 *
 * Returns XM_OK; XM_INVALID_CONFIG (EDOM): records of this kind are not kept.
 * Operation: XM_trace_event or XM_trace_unrecoverable.  Manual: Trace.
 */
xm_s32_t XM_trace_event(xm_u32_t bitmask, xmTraceEvent_t *event) XM_BIND(XM_trace_event);

/*
 * Takes the next record of a stream.
 *
 * @stream  of XM_trace_open()
 * @event   out, not NULL; one record, written if there is one
 *
 * Returns 2.4: XM_OK, or XM_INVALID_CONFIG (EDOM): no record; 2.6 and 3.x: 1, or 0: no record.
 * Operation: XM_trace_read.  Manual: Trace.
 */
xm_s32_t XM_trace_read(xm_s32_t stream, xmTraceEvent_t *event) XM_BIND(XM_trace_read);

/*
 * Moves the read position; the result is clamped to the stream.
 *
 * @stream  of XM_trace_open()
 * @offset  records, signed
 * @whence  XM_TRACE_SEEK_SET from the oldest, XM_TRACE_SEEK_CUR from the position,
 *          XM_TRACE_SEEK_END from behind the newest
 *
 * Returns the new position.  Operation: XM_trace_seek.  Manual: Trace.
 */
xm_s32_t XM_trace_seek(xm_s32_t stream, xm_s32_t offset, xm_u32_t whence) XM_BIND(XM_trace_seek);

/*
 * Fill level of a stream.
 *
 * @stream  of XM_trace_open()
 * @status  out, not NULL, aligned (3.x); written on success only
 *
 * Returns XM_OK.  Operation: XM_trace_status.  Manual: Trace.
 */
xm_s32_t XM_trace_status(xm_s32_t stream, xmTraceStatus_t *status) XM_BIND(XM_trace_status);

XM_END_DECLS

#endif
