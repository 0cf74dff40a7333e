// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Good calls: what they are, and how each interface wants them.  Makes none.
 */

#include "xmctl_shapes.h"

#define IN XMCTL_BUFFER_IN
#define OUT XMCTL_BUFFER_OUT
#define RECORD 52 /* of the health monitor and of traces, for a 64-bit kernel */

#define OBJECT(class, partition, id) ((uint32_t)(class) << 24 | (partition) << 10 | (id))
#define CONSOLE OBJECT(OBJ_CLASS_CONSOLE, 0, 0)
#define SAMPLING(id) OBJECT(OBJ_CLASS_SAMPLING_PORT, 0, id)
#define QUEUING(id) OBJECT(OBJ_CLASS_QUEUING_PORT, 0, id)
#define TRACE OBJECT(OBJ_CLASS_TRACE, 0, 0)
#define HM OBJECT(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0)
#define SYSTEM OBJECT(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0)
#define PARTITION OBJECT(OBJ_CLASS_STATUS, 1, 0)

/* The pointers in them are filled in where they are used. */
static const struct {
	uint64_t name;
	uint32_t size, direction;
	int64_t period;
} wide_source = { 0, 64, XM_SOURCE_PORT, 1000000 },
  wide_destination = { 0, 64, XM_DESTINATION_PORT, 1000000 };
static const struct {
	unsigned long name;
	uint32_t size, direction;
	int64_t period;
} source = { 0, 64, XM_SOURCE_PORT, 1000000 },
  destination = { 0, 64, XM_DESTINATION_PORT, 1000000 };
static const struct {
	uint64_t name;
	uint32_t messages, size, direction, rest;
} wide_sender = { 0, 8, 128, XM_SOURCE_PORT, 0 };
static const struct {
	unsigned long name;
	uint32_t messages, size, direction;
} sender = { 0, 8, 128, XM_SOURCE_PORT };

static const char attitude[XMCTL_NAME_BYTES] = "attitude", hk[XMCTL_NAME_BYTES] = "hk-1",
		  commands[XMCTL_NAME_BYTES] = "commands", camera[XMCTL_NAME_BYTES] = "camera";
static const char text[64] = "garbage\n";
static const uint32_t bits = 1;
static const xmTraceEvent_t event = { .opCodeH = XM_TRACE_WARNING << TRACE_OPCODE_CRIT_BIT };

#define NAME(word, depth, name)                                                                    \
	{                                                                                          \
		word, depth, IN, sizeof(name), 0, name, NULL                                       \
	}
#define STRUCT(wide, own)                                                                          \
	{                                                                                          \
		2, 0, IN, sizeof(wide), sizeof(own), &(wide), &(own)                               \
	}
#define TO(word, length)                                                                           \
	{                                                                                          \
		word, 0, OUT, length, 0, NULL, NULL                                                \
	}

/* clang-format off */
const struct shape shapes[] = {
	{ get_time_nr, OP_GET_TIME, { XM_HW_CLOCK }, false, { TO(1, 8) } },
	{ set_timer_nr, OP_SET_TIMER, { XM_HW_CLOCK }, false, { { 0 } } },
	{ suspend_partition_nr, OP_SUSPEND_PARTITION, { 2 }, false, { { 0 } } },
	{ resume_partition_nr, OP_RESUME_PARTITION, { 2 }, false, { { 0 } } },
	{ reset_partition_nr, OP_RESET_PARTITION, { 2, XM_COLD_RESET }, false, { { 0 } } },
	{ idle_self_nr, OP_IDLE_SELF, { 0 }, false, { { 0 } } },
	{ write_object_nr, OP_WRITE_CONSOLE, { CONSOLE }, true, { { 1, 0, IN, 8, 0, text, NULL } } },
	{ switch_sched_plan_nr, OP_SWITCH_SCHED_PLAN, { 0 }, false, { TO(1, 4) } },
	{ get_gid_by_name_nr, OP_GET_GID_BY_NAME, { 0 }, false, { NAME(0, 0, camera) } },
	{ get_vcpuid_nr, 69, { 0 }, false, { { 0 } } },
	{ raise_ipvi_nr, 59, { 0 }, false, { { 0 } } },
	{ set_irqpend_nr, OP_SET_IRQPEND, { 8, 0x1000000 }, false, { { 0 } } },
	{ clear_irqpend_nr, OP_CLEAR_IRQPEND, { 0, 1 }, false, { { 0 } } },
	/* Ports. */
	{ ctrl_object_nr, OP_CREATE_SAMPLING_PORT, { SAMPLING(0), XM_COMM_CREATE_PORT }, false,
	  { STRUCT(wide_source, source), NAME(2, 1, attitude) } },
	{ ctrl_object_nr, OP_CREATE_SAMPLING_PORT, { SAMPLING(0), XM_COMM_CREATE_PORT }, false,
	  { STRUCT(wide_destination, destination), NAME(2, 1, hk) } },
	{ ctrl_object_nr, 20, { QUEUING(0), XM_COMM_CREATE_PORT }, false,
	  { STRUCT(wide_sender, sender), NAME(2, 1, commands) } },
	{ write_object_nr, OP_WRITE_SAMPLING_MESSAGE, { SAMPLING(0) }, true,
	  { { 1, 0, IN, 64, 0, text, NULL } } },
	{ read_object_nr, OP_READ_SAMPLING_MESSAGE, { SAMPLING(1) }, true, { TO(1, 64), TO(3, 4) } },
	{ write_object_nr, 21, { QUEUING(2) }, true, { { 1, 0, IN, 64, 0, text, NULL } } },
	{ ctrl_object_nr, 18, { SAMPLING(0), XM_COMM_GET_PORT_STATUS }, false, { TO(2, 16) } },
	{ ctrl_object_nr, OP_GET_SAMPLING_PORT_INFO, { SAMPLING(0), XM_COMM_GET_PORT_INFO }, false,
	  { { 2, 0, IN | OUT, 24, sizeof(xmSamplingPortInfo_t), &wide_source, &source },
	    NAME(2, 1, attitude) } },
	/* Logs. */
	{ read_object_nr, 25, { HM }, true,
	  { { 1, 0, OUT, 3 * RECORD, 3 * sizeof(xmHmLog_t), NULL, NULL } } },
	{ seek_object_nr, 26, { HM, 0, 0 }, false, { { 0 } } },
	{ ctrl_object_nr, 27, { HM, XM_HM_GET_STATUS }, false, { TO(2, 12) } },
	{ write_object_nr, OP_TRACE_EVENT, { TRACE }, true,
	  { { 1, 0, IN | OUT, RECORD, sizeof(event), NULL, &event }, { 3, 0, IN, 4, 0, &bits, NULL } } },
	{ read_object_nr, 45, { TRACE }, true,
	  { { 1, 0, OUT, 2 * RECORD, 2 * sizeof(event), NULL, NULL } } },
	{ seek_object_nr, 46, { TRACE, 0, 0 }, false, { { 0 } } },
	{ ctrl_object_nr, 47, { TRACE, XM_TRACE_GET_STATUS }, false, { TO(2, 12) } },
	/* Status. */
	{ ctrl_object_nr, OP_GET_SYSTEM_STATUS, { SYSTEM, 0 }, false, { TO(2, 64) } },
	{ ctrl_object_nr, OP_GET_PARTITION_STATUS, { PARTITION, 0 }, false, { TO(2, 64) } },
	{ ctrl_object_nr, OP_GET_PLAN_STATUS, { SYSTEM, XM_GET_SCHED_PLAN_STATUS }, false,
	  { TO(2, 24) } },
};
/* clang-format on */
const size_t n_shapes = sizeof(shapes) / sizeof(shapes[0]);

#define PLACE 512 /* for each buffer */

static void fill(char *place, const void *content, size_t length)
{
	memset(place, 0, PLACE);
	if (content)
		memcpy(place, content, length);
}

struct xmctl_call shape_call(const struct shape *shape, char *room)
{
	struct xmctl_call call = make_call(shape->number, shape->operation);

	memcpy(call.args, shape->args, sizeof(shape->args));
	for (unsigned int i = 0; i < 2 && shape->buffers[i].flags; i++) {
		const struct shape_buffer *buffer = &shape->buffers[i];

		fill(room + PLACE * i, buffer->content, buffer->length);
		add_buffer(&call, buffer->word, buffer->depth, room + PLACE * i, buffer->length,
			   buffer->flags);
	}
	if (shape->sized)
		call.args[2] = shape->buffers[0].length;
	return call;
}

static size_t own_length(const struct shape_buffer *buffer)
{
	return buffer->own_length ? buffer->own_length : buffer->length;
}

void shape_words(const struct shape *shape, char *room, unsigned long words[5])
{
	memset(words, 0, 5 * sizeof(*words));
	for (unsigned int i = 0; i < 3; i++)
		words[i] = (unsigned long)shape->args[i];
	for (unsigned int i = 0; i < 2 && shape->buffers[i].flags; i++) {
		const struct shape_buffer *buffer = &shape->buffers[i];
		const void *own = buffer->own_content ? buffer->own_content : buffer->content;
		unsigned long address = word_of(room + PLACE * i);

		fill(room + PLACE * i, own, own_length(buffer));
		if (buffer->depth)
			memcpy(room, &address, sizeof(address));
		else
			words[buffer->word] = address;
	}
	if (shape->sized)
		words[2] = own_length(&shape->buffers[0]);
}
