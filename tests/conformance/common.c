// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What rows of the conformance suite share: where profiles differ in form alone, the difference ends
 * here.
 */

#include <sys/mman.h>

#include "tests/conformance/conformance.h"

static void *page(int protection)
{
	void *p = mmap(NULL, 65536, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *bad_memory(void)
{
	static void *memory;

	if (!memory)
		memory = page(PROT_NONE);
	return memory;
}

void *constant_memory(void)
{
	static void *memory;

	if (!memory)
		memory = page(PROT_READ);
	return memory;
}

/* ---- partitions ----------------------------------------------------------------------------------- */

long partition_status(unsigned int id, xmPartitionStatus_t *status)
{
#if XM_FAMILY == 2
	return XM_partition_get_status(id, status);
#else
	return XM_get_partition_status(id, status);
#endif
}

long state_of(unsigned int id)
{
	xmPartitionStatus_t status;
	long code = partition_status(id, &status);

	return code == XM_OK ? (long)status.state : code;
}

void revive(unsigned int id)
{
	XM_halt_partition(id);
	XM_reset_partition(id, XM_COLD_RESET, 0);
	XM_resume_partition(id);
	peer_renew((long)id);
}

/* ---- ports ---------------------------------------------------------------------------------------- */

static char *mutable(const char *name)
{
	return (char *)(uintptr_t)name;
}

long create_sampling(const char *name, unsigned int size, unsigned int direction, long long period)
{
#if XM_FAMILY == 2
	(void)period;
	return XM_create_sampling_port(mutable(name), size, direction);
#else
	return XM_create_sampling_port(mutable(name), size, direction, period);
#endif
}

static bool is_queuing(enum port_role role)
{
	return role == QUEUING_OUT || role == QUEUING_IN || role == LOOSE_QUEUING_OUT ||
	       role == LOOSE_QUEUING_IN;
}

static bool is_source(enum port_role role)
{
	return role == SAMPLING_OUT || role == QUEUING_OUT || role == LOOSE_SAMPLING_OUT ||
	       role == LOOSE_QUEUING_OUT;
}

long open_port(enum port_role role)
{
	static long opened[N_PORT_ROLES];
	static bool tried[N_PORT_ROLES];
	const struct port *p = &machine.port[role];
	unsigned int direction = is_source(role) ? XM_SOURCE_PORT : XM_DESTINATION_PORT;

	if (!tried[role])
		opened[role] = is_queuing(role)
				       ? XM_create_queuing_port(mutable(p->name), p->depth, p->size,
								direction)
				       : create_sampling(p->name, p->size, direction, p->period);
	tried[role] = true;
	return opened[role];
}

long receive(long port, void *buffer, unsigned int size, xm_u32_t *flags)
{
#if XM_FAMILY == 2
	return XM_receive_queuing_message((xm_s32_t)port, buffer, size, flags);
#else
	(void)flags;
	return XM_receive_queuing_message((xm_s32_t)port, buffer, size);
#endif
}

struct far_port far_end(const struct port *port, unsigned int which)
{
	struct far_port far = { .size = port->size, .depth = port->depth, .period = port->period };

	memcpy(far.name, port->far[which].name, sizeof(far.name));
	return far;
}

#define OPEN_MAX 8

/* Ports that this process of the other partition has opened. */
static struct {
	char name[NAME_MAX_LEN];
	long port;
} opened[OPEN_MAX];

static long remembered(const char *name)
{
	for (int i = 0; i < OPEN_MAX; i++)
		if (!strcmp(opened[i].name, name))
			return opened[i].port;
	return -1;
}

static long remember(const char *name, long port)
{
	for (int i = 0; port >= 0 && i < OPEN_MAX; i++) {
		if (opened[i].name[0])
			continue;
		memcpy(opened[i].name, name, NAME_MAX_LEN);
		opened[i].port = port;
		break;
	}
	return port;
}

static long far_sampling(struct far_port *far, unsigned int direction)
{
	long port = remembered(far->name);

	return port >= 0 ? port
			 : remember(far->name,
				    create_sampling(far->name, far->size, direction, far->period));
}

static long far_queuing(struct far_port *far, unsigned int direction)
{
	long port = remembered(far->name);

	return port >= 0 ? port
			 : remember(far->name, XM_create_queuing_port(far->name, far->depth,
								      far->size, direction));
}

long far_write(void *arg)
{
	struct far_port *far = arg;
	long port = far_sampling(far, XM_SOURCE_PORT);

	return port < 0 ? port : XM_write_sampling_message((xm_s32_t)port, far->data, far->len);
}

long far_read(void *arg)
{
	struct far_port *far = arg;
	long port = far_sampling(far, XM_DESTINATION_PORT);

	return port < 0 ? port
			: XM_read_sampling_message((xm_s32_t)port, far->data, far->size,
						   &far->flags);
}

long far_send(void *arg)
{
	struct far_port *far = arg;
	long port = far_queuing(far, XM_SOURCE_PORT);

	return port < 0 ? port : XM_send_queuing_message((xm_s32_t)port, far->data, far->len);
}

long far_receive(void *arg)
{
	struct far_port *far = arg;
	long port = far_queuing(far, XM_DESTINATION_PORT);

	return port < 0 ? port : receive(port, far->data, far->size, &far->flags);
}

/* ---- records -------------------------------------------------------------------------------------- */

/* What reading a record returned, as the number that came. */
static long came(long value, size_t size)
{
#if XM_PROFILE == XM_PROFILE_2_4
	(void)size;
	return value == XM_OK ? 1 : value == XM_INVALID_CONFIG ? 0 : value;
#else
	return value == (long)size ? 1 : value;
#endif
}

long hm_next(struct record *record)
{
	xmHmLog_t log;
	long n = came(XM_hm_read(&log), sizeof(log));

	if (n != 1)
		return n;
	*record = (struct record)
	{
#if XM_FAMILY == 2
		.event = log.eventId, .partition = log.partitionId, .system = log.system,
		.payload = log.word[1], .stamp = log.timeStamp,
#else
		.event = log.opCodeL >> HMLOG_OPCODE_EVENT_BIT,
		.partition = log.opCodeL & HMLOG_OPCODE_PARTID_MASK,
		.system = log.opCodeH & HMLOG_OPCODE_SYS_MASK, .payload = log.payload[0],
		.stamp = log.timestamp,
#endif
	};
	return 1;
}

void hm_skip(void)
{
	struct record record;

	while (hm_next(&record) == 1)
		;
}

long trace_next(long stream, struct record *record)
{
	xmTraceEvent_t event;
	long n = came(XM_trace_read((xm_s32_t)stream, &event), 1);

	if (n != 1)
		return n;
	*record = (struct record)
	{
#if XM_FAMILY == 2
		.event = event.opCode.code, .partition = event.opCode.partitionId,
		.criticality = event.opCode.criticality, .payload = event.word[0],
		.stamp = event.timeStamp,
#else
		.event = event.opCodeL >> TRACE_OPCODE_CODE_BIT,
		.partition = event.opCodeL & TRACE_OPCODE_PARTID_MASK,
		.criticality = (event.opCodeH & TRACE_OPCODE_CRIT_MASK) >> TRACE_OPCODE_CRIT_BIT,
		.payload = event.payload[0], .stamp = event.timestamp,
#endif
	};
	return 1;
}

long trace_put(xm_u32_t mask, unsigned int criticality, unsigned int code, unsigned long payload)
{
	xmTraceEvent_t event = {
#if XM_FAMILY == 2
		.opCode = { .code = code & 0x1fff, .criticality = criticality & 7 },
		.word = { (xm_u32_t)payload },
#else
		.opCodeH = criticality << TRACE_OPCODE_CRIT_BIT,
		.opCodeL = code << TRACE_OPCODE_CODE_BIT,
		.payload = { payload },
#endif
	};

	return XM_trace_event(mask, &event);
}

long far_trace(void *arg)
{
	const struct record *record = arg;

	return trace_put((xm_u32_t)record->stamp, record->criticality, record->event,
			 record->payload);
}
