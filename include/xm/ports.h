/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_PORTS_H
#define XM_PORTS_H

/*
 * Sampling and queuing ports of the own partition.
 *
 * For all calls here: they block for one exchange with the broker and never for a message, are
 * thread-safe, and are usable after fork(); ports are the partition's, not the process's.  Every
 * one may return XM_PERM_ERROR (EPERM): not permitted, or another partition's port; and
 * XM_INVALID_MODE.  The policy can constrain every call by the port's name, which the broker knows
 * from its number.
 *
 * What create returns, and the calls take as @port, is a descriptor in 2.x and a number in 3.x.
 */

#include <xm/codes.h>
#include <xm/objdesc.h>
#include <xm/porttypes.h>
#include <xm/types.h>

XM_BEGIN_DECLS

/*
 * Opens a sampling port of the partition by its name.
 *
 * @portName     in, not NULL; at most 15 characters (31 in 2.x), NUL-terminated
 * @maxMsgSize   bytes; must be what the channel has
 * @direction    XM_SOURCE_PORT or XM_DESTINATION_PORT, as configured
 * @validPeriod  3.x: microseconds; must be what the channel has (0 where the description is
 *               silent).  A 2.x program takes what the description says.
 *
 * Returns the port (>= 0).  3.x: XM_INVALID_PARAM (EINVAL): no such port, bad direction or pointer;
 * XM_INVALID_CONFIG (EDOM): size, period, type or direction are not the configured ones;
 * XM_NO_ACTION (EALREADY): open already, where the hypervisor insists on saying so.
 * 2.4: XM_INVALID_PARAM for all of these; 2.6: XM_INVALID_CONFIG (EDOM).
 * Operation: XM_create_sampling_port.  Manual: Sampling ports.
 */
#if XM_FAMILY == 2
xm_s32_t XM_create_sampling_port(char *portName, xm_u32_t maxMsgSize, xm_u32_t direction)
	XM_BIND(XM_create_sampling_port);
#else
xm_s32_t XM_create_sampling_port(char *portName, xm_u32_t maxMsgSize, xm_u32_t direction,
				 xmTime_t validPeriod) XM_BIND(XM_create_sampling_port);
#endif

/*
 * Reads the message that a sampling port holds, without consuming it.
 *
 * @buffer  out, not NULL; @size bytes
 * @size    bytes; 1 to the channel's maximum
 * @flags   out, may be NULL: XM_COMM_MSG_VALID or 0
 *
 * Returns the length of the message (0: none yet); XM_INVALID_PARAM (EINVAL): not an open
 * destination port of the partition, or a bad pointer; XM_INVALID_CONFIG (EDOM): @size is 0 or
 * above the maximum.  Operation: XM_read_sampling_message.  Manual: Sampling ports.
 */
xm_s32_t XM_read_sampling_message(xm_s32_t port, void *buffer, xm_u32_t size, xm_u32_t *flags)
	XM_BIND(XM_read_sampling_message);

/*
 * Replaces the message that a sampling channel holds.
 *
 * @buffer  in, not NULL; @size bytes
 * @size    bytes; 1 to the channel's maximum
 *
 * Returns XM_OK; errors as XM_read_sampling_message(), for a source port.
 * Operation: XM_write_sampling_message.  Manual: Sampling ports.
 */
xm_s32_t XM_write_sampling_message(xm_s32_t port, void *buffer, xm_u32_t size)
	XM_BIND(XM_write_sampling_message);

/*
 * Status of an open sampling port.  @status is out, not NULL, aligned (3.x).  Fields that the
 * hypervisor does not report are 0.
 * Returns XM_OK, XM_INVALID_PARAM (EINVAL).
 * Operation: XM_get_sampling_port_status.  Manual: Sampling ports.
 */
xm_s32_t XM_get_sampling_port_status(xm_u32_t port, xmSamplingPortStatus_t *status)
	XM_BIND(XM_get_sampling_port_status);

/*
 * Opens a queuing port of the partition by its name.
 *
 * @portName    in, not NULL; at most 15 characters (31 in 2.x), NUL-terminated
 * @maxNoMsgs   messages; must be what the channel has
 * @maxMsgSize  bytes; must be what the channel has
 * @direction   XM_SOURCE_PORT or XM_DESTINATION_PORT, as configured
 *
 * Returns as XM_create_sampling_port().  Operation: XM_create_queuing_port.  Manual: Queuing ports.
 */
xm_s32_t XM_create_queuing_port(char *portName, xm_u32_t maxNoMsgs, xm_u32_t maxMsgSize,
				xm_u32_t direction) XM_BIND(XM_create_queuing_port);

/*
 * Appends a message to a queue.
 *
 * @buffer  in, not NULL; @size bytes
 * @size    bytes; 1 to the channel's maximum
 *
 * Returns XM_OK; XM_NOT_AVAILABLE (EAGAIN, 2.x) or XM_OP_NOT_ALLOWED (EOPNOTSUPP, 3.x): the queue
 * is full; XM_INVALID_PARAM (EINVAL): not an open source port of the partition, or a bad pointer;
 * XM_INVALID_CONFIG (EDOM): @size is 0 or above the maximum.  Operation: XM_send_queuing_message.
 * Manual: Queuing ports.
 */
xm_s32_t XM_send_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size)
	XM_BIND(XM_send_queuing_message);

/*
 * Takes the oldest message from a queue; what does not fit into @size bytes is lost.
 *
 * @buffer  out, not NULL; @size bytes
 * @size    bytes; 1 to the channel's maximum
 * @flags   2.x: out, may be NULL: XM_COMM_MSG_VALID or 0
 *
 * Returns the number of bytes; XM_NOT_AVAILABLE (EAGAIN, 2.x) or XM_OP_NOT_ALLOWED (EOPNOTSUPP,
 * 3.x): the queue is empty; other errors as XM_send_queuing_message(), for a destination port.  The
 * buffer is probed before the call, so that no message is lost to a bad pointer.
 * Operation: XM_receive_queuing_message.  Manual: Queuing ports.
 */
#if XM_FAMILY == 2
xm_s32_t XM_receive_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size, xm_u32_t *flags)
	XM_BIND(XM_receive_queuing_message);
#else
xm_s32_t XM_receive_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size)
	XM_BIND(XM_receive_queuing_message);
#endif

/*
 * Status of an open queuing port.  @status is out, not NULL, aligned (3.x).
 * Returns XM_OK, XM_INVALID_PARAM (EINVAL).
 * Operation: XM_get_queuing_port_status.  Manual: Queuing ports.
 */
xm_s32_t XM_get_queuing_port_status(xm_u32_t port, xmQueuingPortStatus_t *status)
	XM_BIND(XM_get_queuing_port_status);

#if XM_FAMILY == 3
/*
 * Configuration of a sampling port, which need not be open.
 *
 * @portName  in, not NULL; stored in info->portName as it is
 * @info      out, not NULL, aligned
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL): no such sampling port, or a bad pointer.
 * Operation: XM_get_sampling_port_info.  Manual: Sampling ports.
 */
xm_s32_t XM_get_sampling_port_info(char *portName, xmSamplingPortInfo_t *info)
	XM_BIND(XM_get_sampling_port_info);

/* The same for a queuing port.  Operation: XM_get_queuing_port_info.  Manual: Queuing ports. */
xm_s32_t XM_get_queuing_port_info(char *portName, xmQueuingPortInfo_t *info)
	XM_BIND(XM_get_queuing_port_info);
#endif

XM_END_DECLS

#endif
