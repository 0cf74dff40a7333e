// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.4: queuing ports. */

#include "tests/conformance/conformance.h"

#define OUT (&machine.port[QUEUING_OUT])
#define IN (&machine.port[QUEUING_IN])
#define NEEDS_PORTS NEEDS(OUT->there && IN->there, "queuing ports")
#define NEEDS_FAR(port)                                                                            \
	NEEDS((port)->there && (port)->n_far && peer_has((port)->far[0].partition),                \
	      "a process at the other end")

static char data[256] = "0123456789abcdefghijklmnopqrstuvwxyz";

static char *mutable(const char *name)
{
	return (char *)(uintptr_t)name;
}

static long create(const char *name, unsigned int depth, unsigned int size, unsigned int direction)
{
	return XM_create_queuing_port(mutable(name), depth, size, direction);
}

/* Takes all messages out of the queue that comes in. */
static void drain(void)
{
	char buffer[256];

	while (receive(open_port(QUEUING_IN), buffer, IN->size, NULL) > 0)
		;
}

static long send_far(unsigned int len, char first)
{
	struct far_port far = far_end(IN, 0);

	far.len = len;
	memcpy(far.data, data, sizeof(far.data));
	far.data[0] = first;
	return peer_run(IN->far[0].partition, far_send, &far, sizeof(far));
}

static long receive_far(struct far_port *far)
{
	*far = far_end(OUT, 0);
	return peer_run(OUT->far[0].partition, far_receive, far, sizeof(*far));
}

/* ---- opening -------------------------------------------------------------------------------------- */

static void open_bad(void)
{
	NEEDS_PORTS;
	IS(NOT_OPENED, create("no such port", OUT->depth, OUT->size, XM_SOURCE_PORT));
	IS(NOT_OPENED, create(NULL, OUT->depth, OUT->size, XM_SOURCE_PORT));
	IS(NOT_OPENED, create(bad_memory(), OUT->depth, OUT->size, XM_SOURCE_PORT));
	IS(NOT_OPENED, create(OUT->name, OUT->depth, OUT->size, 0));
	IS(NOT_OPENED, create(OUT->name, OUT->depth, OUT->size, 3));
	IS(MISMATCHED, create(OUT->name, OUT->depth, OUT->size, XM_DESTINATION_PORT));
	IS(MISMATCHED, create(machine.port[SAMPLING_OUT].name, 1, 1, XM_SOURCE_PORT));
	IS(MISMATCHED, create(OUT->name, OUT->depth + 1, OUT->size, XM_SOURCE_PORT));
	IS(MISMATCHED, create(OUT->name, OUT->depth - 1, OUT->size, XM_SOURCE_PORT));
	IS(MISMATCHED, create(OUT->name, OUT->depth, OUT->size + 1, XM_SOURCE_PORT));
	IS(MISMATCHED, create(OUT->name, 0, 0, XM_SOURCE_PORT));
}

static void open_twice(void)
{
	long first, second;

	NEEDS_PORTS;
	first = open_port(QUEUING_OUT);
	HOLDS(first >= 0);
	second = create(OUT->name, OUT->depth, OUT->size, XM_SOURCE_PORT);
	if (XM_FAMILY == 2 || machine.brokered)
		EQ(first, second);
	else
		EQ(ALREADY, second);
	HOLDS(open_port(QUEUING_IN) >= 0);
}

/* ---- using ---------------------------------------------------------------------------------------- */

static void send_bad(void)
{
	xm_s32_t out = (xm_s32_t)open_port(QUEUING_OUT), in = (xm_s32_t)open_port(QUEUING_IN);

	NEEDS_PORTS;
	IS(XM_INVALID_CONFIG, XM_send_queuing_message(out, data, 0));
	IS(XM_INVALID_CONFIG, XM_send_queuing_message(out, data, OUT->size + 1));
	IS(XM_INVALID_CONFIG, XM_send_queuing_message(out, data, ~0U));
	IS(XM_INVALID_PARAM, XM_send_queuing_message(out, bad_memory(), 8));
	IS(XM_INVALID_PARAM, XM_send_queuing_message(in, data, 8));
	IS(XM_INVALID_PARAM, XM_send_queuing_message(-1, data, 8));
	IS(XM_INVALID_PARAM, XM_send_queuing_message((xm_s32_t)open_port(SAMPLING_OUT), data, 8));
}

static void receive_bad(void)
{
	long out = open_port(QUEUING_OUT), in = open_port(QUEUING_IN);
	char buffer[256];

	NEEDS_PORTS;
	IS(XM_INVALID_CONFIG, receive(in, buffer, 0, NULL));
	IS(XM_INVALID_CONFIG, receive(in, buffer, IN->size + 1, NULL));
	IS(XM_INVALID_PARAM, receive(in, bad_memory(), 8, NULL));
	IS(XM_INVALID_PARAM, receive(in, constant_memory(), 8, NULL));
	IS(XM_INVALID_PARAM, receive(out, buffer, 8, NULL));
	IS(XM_INVALID_PARAM, receive(-1, buffer, 8, NULL));
}

static void others_port(void)
{
	char buffer[64];
	xmObjDesc_t d = OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, machine.managed.partition,
				      OBJDESC_GET_ID(open_port(QUEUING_OUT)));

	NEEDS_PORTS;
	IS(XM_PERM_ERROR, XM_write_object(d, data, 8, NULL));
	IS(XM_PERM_ERROR, XM_read_object(d, buffer, 8, NULL));
}

static void empty(void)
{
	char buffer[256] = "untouched";

	NEEDS_PORTS;
	drain();
	IS(QUEUE_LIMIT, receive(open_port(QUEUING_IN), buffer, IN->size, NULL));
	HOLDS(!strcmp(buffer, "untouched"));
}

/* Until it is full; an end that is served empties it again. */
static void full(void)
{
	xm_s32_t out = (xm_s32_t)open_port(QUEUING_OUT);
	struct far_port far;

	NEEDS_PORTS;
	if (peer_has(OUT->far[0].partition))
		while (receive_far(&far) >= 0)
			;
	for (unsigned int i = 0; i < OUT->depth; i++) {
		data[0] = (char)('a' + i);
		IS(XM_OK, XM_send_queuing_message(out, data, 2 + i));
	}
	IS(QUEUE_LIMIT, XM_send_queuing_message(out, data, 8));
	IS(QUEUE_LIMIT, XM_send_queuing_message(out, data, OUT->size));
}

static void in_order(void)
{
	struct far_port far;

	NEEDS_FAR(OUT);
	full();
	for (unsigned int i = 0; i < OUT->depth; i++) {
		IS(2 + i, receive_far(&far));
		EQ('a' + (int)i, far.data[0]);
	}
	IS(QUEUE_LIMIT, receive_far(&far));
}

static void rest_is_lost(void)
{
	char buffer[256] = "";

	NEEDS_FAR(IN);
	drain();
	IS(XM_OK, send_far(10, 'x'));
	IS(XM_OK, send_far(3, 'y'));
	IS(4, receive(open_port(QUEUING_IN), buffer, 4, NULL));
	EQ('x', buffer[0]);
	EQ(0, buffer[4]);
	IS(3, receive(open_port(QUEUING_IN), buffer, IN->size, NULL));
	EQ('y', buffer[0]);
	IS(QUEUE_LIMIT, receive(open_port(QUEUING_IN), buffer, IN->size, NULL));
}

#if XM_FAMILY == 2
/* By the message's own time; queues of these systems have no period, which is no limit. */
static void validity(void)
{
	char buffer[256];
	xm_u32_t flags = 0;

	NEEDS_FAR(IN);
	drain();
	IS(XM_OK, send_far(10, 'x'));
	IS(10, receive(open_port(QUEUING_IN), buffer, IN->size, &flags));
	EQ(XM_COMM_MSG_VALID, flags);
}
#endif

/* ---- status --------------------------------------------------------------------------------------- */

static void status(void)
{
	xm_u32_t in = (xm_u32_t)open_port(QUEUING_IN);
	xmQueuingPortStatus_t s;

	NEEDS_FAR(IN);
	drain();
	for (unsigned int i = 0; i <= IN->depth; i++) {
		memset(&s, 0x55, sizeof(s));
		IS(XM_OK, XM_get_queuing_port_status(in, &s));
		EQ(i, s.noMsgs);
		if (i < IN->depth)
			IS(XM_OK, send_far(4, 'z'));
	}
#if XM_FAMILY == 2
	EQ(IN->depth, s.maxNoMsgs);
	EQ(IN->size, s.maxMsgSize);
	EQ(0, s.flags);
#endif
	drain();
	IS(XM_OK, XM_get_queuing_port_status(in, &s));
	EQ(0, s.noMsgs);
}

static void status_bad(void)
{
	xmQueuingPortStatus_t s;

	NEEDS_PORTS;
	IS(XM_INVALID_PARAM, XM_get_queuing_port_status((xm_u32_t)open_port(QUEUING_IN), NULL));
	IS(XM_INVALID_PARAM,
	   XM_get_queuing_port_status((xm_u32_t)open_port(QUEUING_IN), bad_memory()));
	IS(XM_INVALID_PARAM, XM_get_queuing_port_status(~0U, &s));
	IS(XM_INVALID_PARAM, XM_get_queuing_port_status((xm_u32_t)open_port(SAMPLING_IN), &s));
}

static void loose(void)
{
	long out = open_port(LOOSE_QUEUING_OUT), in = open_port(LOOSE_QUEUING_IN);
	char buffer[64] = "";

	NEEDS(machine.port[LOOSE_QUEUING_OUT].there, "a queuing port in no channel");
	HOLDS(out >= 0 && in >= 0);
	for (int i = 0; i < 40; i++)
		IS(XM_OK, XM_send_queuing_message((xm_s32_t)out, data, 16));
	IS(0, receive(in, buffer, 16, NULL));
	EQ(0, buffer[0]);
}

#if XM_FAMILY == 3
static void info(void)
{
	xmQueuingPortInfo_t i;

	NEEDS_PORTS;
	memset(&i, 0x55, sizeof(i));
	IS(XM_OK, XM_get_queuing_port_info(machine.port[QUEUING_OUT].name, &i));
	EQ(OUT->size, i.maxMsgSize);
	EQ(OUT->depth, i.maxNoMsgs);
	EQ(XM_SOURCE_PORT, i.direction);
	IS(XM_INVALID_PARAM, XM_get_queuing_port_info((char[]){ "no such port" }, &i));
	IS(XM_INVALID_PARAM, XM_get_queuing_port_info(machine.port[SAMPLING_OUT].name, &i));
	IS(XM_INVALID_PARAM, XM_get_queuing_port_info(machine.port[QUEUING_OUT].name, NULL));
	IS(XM_INVALID_PARAM, XM_get_queuing_port_info(NULL, &i));
}
#endif

const struct row queuing_rows[] = {
	{ "5.4", "queuing ports / open: what does not fit", open_bad, false },
	{ "5.4", "queuing ports / open, and open again", open_twice, false },
	{ "5.4", "queuing ports / send: bad arguments", send_bad, false },
	{ "5.4", "queuing ports / receive: bad arguments", receive_bad, false },
	{ "5.4", "queuing ports / use: another partition's", others_port, false },
	{ "5.4", "queuing ports / receive: empty", empty, false },
	{ "5.4", "queuing ports / send: full", full, false },
	{ "5.4", "queuing ports / messages in order", in_order, false },
	{ "5.4", "queuing ports / receive: less than the message", rest_is_lost, false },
#if XM_FAMILY == 2
	{ "5.4", "queuing ports / receive: validity", validity, false },
#endif
	{ "5.4", "queuing ports / status", status, false },
	{ "5.4", "queuing ports / status: bad arguments", status_bad, false },
	{ "5.4", "queuing ports / in no channel", loose, false },
#if XM_FAMILY == 3
	{ "5.4", "queuing ports / information", info, false },
#endif
	{ NULL, NULL, NULL, false },
};
