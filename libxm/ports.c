// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sampling and queuing ports, for the profile that this file is compiled for.  In 2.x programs hold
 * the descriptor of a port, in 3.x its number.  Must never let a wrong port become another object.
 */

#include "libxm/call.h"
#include "libxm/memory.h"

#if XM_FAMILY == 2

static xm_s32_t port_descriptor(xm_u32_t class, xm_u32_t port, xmObjDesc_t *descriptorp)
{
	*descriptorp = call_of_class(class, port);
	return XM_OK;
}

/* What both libraries made of every failure: libxm-linux of 2.4, and libxm of 2.6. */
#if XM_PROFILE == XM_PROFILE_2_6
#define NOT_CREATED XM_INVALID_CONFIG
#else
#define NOT_CREATED XM_INVALID_PARAM
#endif

/* What the hypervisor numbers, programs of 2.x hold as a descriptor. */
static xm_s32_t port_created(xm_u32_t class, xm_u32_t self, xm_s32_t result)
{
	if (result < 0)
		return call_narrow_to(result, NOT_CREATED);
	if ((xm_u32_t)result <= OBJDESC_ID_MASK)
		return (xm_s32_t)call_descriptor(class, self, (xm_u32_t)result);
	return call_narrow_to(XM_UNKNOWN_HYPERCALL, NOT_CREATED);
}

#else

static xm_s32_t port_descriptor(xm_u32_t class, xm_u32_t port, xmObjDesc_t *descriptorp)
{
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	*descriptorp = call_descriptor(class, (xm_u32_t)self, port);
	return XM_OK;
}

static xm_s32_t port_created(xm_u32_t class, xm_u32_t self, xm_s32_t result)
{
	(void)class;
	(void)self;
	return result;
}

/* The name goes where the command's structure has it: at the start of the caller's. */
static xm_s32_t port_info(xm_u32_t class, char *portName, void *info)
{
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	/* If this fails, the raw call finds the same bad pointer and has the broker refuse it. */
	(void)memory_write((uintptr_t)info, &portName, sizeof(portName));
	return call_narrow(CALL(ctrl_object_nr, N(call_descriptor(class, (xm_u32_t)self, 0)),
				N(XM_COMM_GET_PORT_INFO), P(info)));
}

xm_s32_t XM_get_sampling_port_info(char *portName, xmSamplingPortInfo_t *info)
{
	return port_info(OBJ_CLASS_SAMPLING_PORT, portName, info);
}

xm_s32_t XM_get_queuing_port_info(char *portName, xmQueuingPortInfo_t *info)
{
	return port_info(OBJ_CLASS_QUEUING_PORT, portName, info);
}

#endif

static xm_s32_t port_create(xm_u32_t class, void *command)
{
	xm_s32_t self = xm_partition_self();
	xmObjDesc_t descriptor;

	if (self < 0)
		return self;
	descriptor = call_descriptor(class, (xm_u32_t)self, 0);
	return port_created(class, (xm_u32_t)self,
			    CALL_OWN(descriptor, XM_COMM_CREATE_PORT, command));
}

#if XM_FAMILY == 2
xm_s32_t XM_create_sampling_port(char *portName, xm_u32_t maxMsgSize, xm_u32_t direction)
#else
xm_s32_t XM_create_sampling_port(char *portName, xm_u32_t maxMsgSize, xm_u32_t direction,
				 xmTime_t validPeriod)
#endif
{
	union samplingPortCmd command = {
		.create = {
			.portName = portName,
			.maxMsgSize = maxMsgSize,
			.direction = direction,
#if XM_FAMILY == 3
			.validPeriod = validPeriod,
#endif
		},
	};

	return port_create(OBJ_CLASS_SAMPLING_PORT, &command);
}

xm_s32_t XM_create_queuing_port(char *portName, xm_u32_t maxNoMsgs, xm_u32_t maxMsgSize,
				xm_u32_t direction)
{
	union queuingPortCmd command = {
		.create = {
			.portName = portName,
			.maxNoMsgs = maxNoMsgs,
			.maxMsgSize = maxMsgSize,
			.direction = direction,
		},
	};

	return port_create(OBJ_CLASS_QUEUING_PORT, &command);
}

static xm_s32_t port_read(xm_u32_t class, xm_s32_t port, void *buffer, xm_u32_t size,
			  xm_u32_t *flags)
{
	xmObjDesc_t descriptor;
	xm_s32_t r = port_descriptor(class, (xm_u32_t)port, &descriptor);

	return r < 0 ? r : CALL(read_object_nr, N(descriptor), P(buffer), N(size), P(flags));
}

static xm_s32_t port_write(xm_u32_t class, xm_s32_t port, void *buffer, xm_u32_t size)
{
	xmObjDesc_t descriptor;
	xm_s32_t r = port_descriptor(class, (xm_u32_t)port, &descriptor);

	return r < 0 ? r : CALL(write_object_nr, N(descriptor), P(buffer), N(size));
}

static xm_s32_t port_status(xm_u32_t class, xm_u32_t port, void *status)
{
	xmObjDesc_t descriptor;
	xm_s32_t r = port_descriptor(class, port, &descriptor);

	if (r < 0)
		return r;
	return call_narrow(
		CALL(ctrl_object_nr, N(descriptor), N(XM_COMM_GET_PORT_STATUS), P(status)));
}

xm_s32_t XM_read_sampling_message(xm_s32_t port, void *buffer, xm_u32_t size, xm_u32_t *flags)
{
	return port_read(OBJ_CLASS_SAMPLING_PORT, port, buffer, size, flags);
}

xm_s32_t XM_write_sampling_message(xm_s32_t port, void *buffer, xm_u32_t size)
{
	return port_write(OBJ_CLASS_SAMPLING_PORT, port, buffer, size);
}

xm_s32_t XM_get_sampling_port_status(xm_u32_t port, xmSamplingPortStatus_t *status)
{
	return port_status(OBJ_CLASS_SAMPLING_PORT, port, status);
}

xm_s32_t XM_send_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size)
{
	return port_write(OBJ_CLASS_QUEUING_PORT, port, buffer, size);
}

#if XM_FAMILY == 2
xm_s32_t XM_receive_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size, xm_u32_t *flags)
{
	return port_read(OBJ_CLASS_QUEUING_PORT, port, buffer, size, flags);
}
#else
xm_s32_t XM_receive_queuing_message(xm_s32_t port, void *buffer, xm_u32_t size)
{
	return port_read(OBJ_CLASS_QUEUING_PORT, port, buffer, size, NULL);
}
#endif

xm_s32_t XM_get_queuing_port_status(xm_u32_t port, xmQueuingPortStatus_t *status)
{
	return port_status(OBJ_CLASS_QUEUING_PORT, port, status);
}
