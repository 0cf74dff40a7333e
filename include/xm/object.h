/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_OBJECT_H
#define XM_OBJECT_H

/*
 * The raw calls below the object functions.  The library finds out which operation (class of the
 * descriptor, command) a raw call really is; the broker decides about that operation, exactly as
 * if it had been called by its function.  What is no known operation is refused and recorded.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  Beside the results of the operation they return XM_INVALID_PARAM (EINVAL): invalid
 * descriptor, class out of range, unknown command; XM_OP_NOT_ALLOWED (EOPNOTSUPP; 2.x:
 * XM_INVALID_PARAM): objects of that class have no such operation; XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/objdesc.h>
#include <xm/types.h>

#define XM_OBJ_SEEK_CUR 0
#define XM_OBJ_SEEK_SET 1
#define XM_OBJ_SEEK_END 2

XM_BEGIN_DECLS

/*
 * Reads from an object: a port's message, records of a log or trace, a console kept in memory.
 *
 * @objDesc  the object
 * @buffer   out, not NULL; @size bytes
 * @size     bytes
 * @flags    out, may be NULL; validity of a message
 *
 * Returns the number of bytes, or a code.
 * Operation: XM_read_sampling_message, XM_receive_queuing_message, XM_hm_read, XM_trace_read,
 * XM_read_console; 2.x: XM_memory_copy, where @buffer is the physical destination and @flags the
 * physical source.
 */
xm_s32_t XM_read_object(xmObjDesc_t objDesc, void *buffer, xm_u32_t size, xm_u32_t *flags)
	XM_BIND(XM_read_object);

/*
 * Writes to an object: a port's message, the console, a record of the trace.
 *
 * @objDesc  the object
 * @buffer   in, not NULL; @size bytes
 * @size     bytes
 * @flags    in, may be NULL; the bitmask of a trace record, of no meaning for ports and console
 *
 * Returns the number of bytes (console, trace: 0 if the record was not kept) or XM_OK (ports), or a
 * code.  Operation: XM_write_sampling_message, XM_send_queuing_message, XM_write_console,
 * XM_trace_event, XM_trace_unrecoverable; 2.x: XM_memory_copy, where @buffer is the physical source
 * and @flags the physical destination.
 */
xm_s32_t XM_write_object(xmObjDesc_t objDesc, void *buffer, xm_u32_t size, xm_u32_t *flags)
	XM_BIND(XM_write_object);

/*
 * Moves the read position of an object.
 *
 * @offset  signed, although the type is not
 * @whence  XM_OBJ_SEEK_CUR, XM_OBJ_SEEK_SET or XM_OBJ_SEEK_END
 *
 * Returns the new position (2.x, and traces) or XM_OK (3.x), or a code.  Operation: XM_hm_seek,
 * XM_trace_seek, XM_seek_console.
 */
xm_s32_t XM_seek_object(xmObjDesc_t objDesc, xm_u32_t offset, xm_u32_t whence)
	XM_BIND(XM_seek_object);

/*
 * Everything else that an object can do.
 *
 * @command  of the object's class: XM_COMM_*, XM_HM_*, XM_TRACE_*, XM_GET_*, ...
 * @arg      in and out; union samplingPortCmd, queuingPortCmd, hmCmd, traceCmd, memCmd,
 *           statusCmd or spareCmd.  Only the member
 *           that belongs to the command is read or written; NULL where there is none.
 *
 * Returns as the operation does.  Operation: what class and command say.
 */
xm_s32_t XM_ctrl_object(xmObjDesc_t objDesc, xm_u32_t command, void *arg) XM_BIND(XM_ctrl_object);

#if XM_PROFILE != XM_PROFILE_PRTOS
/*
 * Whether there is something to read.  The hypervisors never implemented it.
 * Returns 0.  Does not block.  Operation: none.
 */
xm_s32_t XM_objdesc_ready(xmObjDesc_t objDesc) XM_BIND(XM_objdesc_ready);
#endif

XM_END_DECLS

#endif
