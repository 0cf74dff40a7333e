// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Trace streams, for the profile that this file is compiled for.  Must never let a wrong stream become
 * another object.
 */

#include "libxm/call.h"
#include "libxm/core/wire.h"

/* Whether the stream may be used is decided when it is. */
xm_s32_t XM_trace_open(xmId_t partitionId)
{
	struct xm_wire_welcome welcome;
	xm_s32_t self = xm_partition_self();
	int r;

	if (self < 0)
		return self;
	r = raw_welcome(CALL_PROFILE, &welcome);
	if (r < 0) {
		errno = -r;
		return XM_INVALID_MODE;
	}
	if (partitionId < welcome.n_partitions || partitionId == XM_HYPERVISOR_ID ||
	    partitionId == (xmId_t)self)
		return (xm_s32_t)call_descriptor(OBJ_CLASS_TRACE, partitionId, 0);
	errno = EINVAL;
	return XM_INVALID_PARAM;
}

/* The hypervisor says how many bytes it kept: a record or, of a kind that is not traced, none. */
xm_s32_t XM_trace_event(xm_u32_t bitmask, xmTraceEvent_t *event)
{
	xm_s32_t self = xm_partition_self();
	xm_s32_t size;

	if (self < 0)
		return self;
	size = CALL(write_object_nr, N(call_descriptor(OBJ_CLASS_TRACE, (xm_u32_t)self, 0)),
		    P(event), N(sizeof(*event)), P(&bitmask));
	if (size < 0)
		return size;
	if (size)
		return XM_OK;
	errno = EDOM;
	return XM_INVALID_CONFIG;
}

#define STREAM(stream) N(call_of_class(OBJ_CLASS_TRACE, (xm_u32_t)(stream)))

xm_s32_t XM_trace_read(xm_s32_t stream, xmTraceEvent_t *event)
{
	return call_record(CALL(read_object_nr, STREAM(stream), P(event), N(sizeof(*event))),
			   sizeof(*event));
}

xm_s32_t XM_trace_seek(xm_s32_t stream, xm_s32_t offset, xm_u32_t whence)
{
	return CALL(seek_object_nr, STREAM(stream), N(offset), N(whence));
}

xm_s32_t XM_trace_status(xm_s32_t stream, xmTraceStatus_t *status)
{
	return CALL(ctrl_object_nr, STREAM(stream), N(XM_TRACE_GET_STATUS), P(status));
}
