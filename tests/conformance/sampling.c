// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.3: sampling ports. */

#include "tests/conformance/conformance.h"

#define OUT (&machine.port[SAMPLING_OUT])
#define IN (&machine.port[SAMPLING_IN])
#define NEEDS_PORTS NEEDS(OUT->there && IN->there, "sampling ports")

static char data[256] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";

/* ---- opening -------------------------------------------------------------------------------------- */

static void open_unknown(void)
{
	NEEDS_PORTS;
	IS(NOT_OPENED, create_sampling("no such port", OUT->size, XM_SOURCE_PORT, OUT->period));
	IS(NOT_OPENED, create_sampling("", OUT->size, XM_SOURCE_PORT, OUT->period));
	IS(NOT_OPENED, create_sampling(NULL, OUT->size, XM_SOURCE_PORT, OUT->period));
	IS(NOT_OPENED, create_sampling(bad_memory(), OUT->size, XM_SOURCE_PORT, OUT->period));
}

static void open_direction(void)
{
	NEEDS_PORTS;
	IS(NOT_OPENED, create_sampling(OUT->name, OUT->size, 0, OUT->period));
	IS(NOT_OPENED, create_sampling(OUT->name, OUT->size, 3, OUT->period));
	IS(MISMATCHED, create_sampling(OUT->name, OUT->size, XM_DESTINATION_PORT, OUT->period));
	IS(MISMATCHED, create_sampling(IN->name, IN->size, XM_SOURCE_PORT, IN->period));
}

static void open_type(void)
{
	const struct port *queue = &machine.port[QUEUING_OUT];

	NEEDS_PORTS;
	NEEDS(queue->there, "queuing ports");
	IS(MISMATCHED, create_sampling(queue->name, queue->size, XM_SOURCE_PORT, 0));
}

static void open_size(void)
{
	NEEDS_PORTS;
	IS(MISMATCHED, create_sampling(OUT->name, OUT->size - 1, XM_SOURCE_PORT, OUT->period));
	IS(MISMATCHED, create_sampling(OUT->name, OUT->size + 1, XM_SOURCE_PORT, OUT->period));
	IS(MISMATCHED, create_sampling(OUT->name, 0, XM_SOURCE_PORT, OUT->period));
#if XM_FAMILY == 3
	IS(XM_INVALID_CONFIG,
	   create_sampling(OUT->name, OUT->size, XM_SOURCE_PORT, OUT->period + 1));
#endif
}

static void open_twice(void)
{
	long first, second;

	NEEDS_PORTS;
	first = open_port(SAMPLING_OUT);
	HOLDS(first >= 0);
	second = create_sampling(OUT->name, OUT->size, XM_SOURCE_PORT, OUT->period);
	if (XM_FAMILY == 2 || machine.brokered)
		EQ(first, second);
	else
		EQ(ALREADY, second);
	HOLDS(open_port(SAMPLING_IN) >= 0);
	HOLDS(open_port(SAMPLING_IN) != first);
}

static long far_create(void *arg)
{
	const struct far_port *far = arg;

	return create_sampling(far->name, far->size, XM_SOURCE_PORT, far->period);
}

static void open_others(void)
{
	struct far_port far = far_end(OUT, 0);

	NEEDS_PORTS;
	NEEDS(peer_has(machine.plain.partition), "a process in the plain partition");
	memcpy(far.name, machine.port[SAMPLING_FOREVER].name, sizeof(far.name));
	IS(NOT_OPENED, peer_run(machine.plain.partition, far_create, &far, sizeof(far)));
}

/* ---- using ---------------------------------------------------------------------------------------- */

static void not_open(void)
{
	/* Above all ports that a descriptor can name, and a class that does not fit. */
#if XM_FAMILY == 2
	xm_s32_t none = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, machine.self.partition, 1023);
	xm_s32_t wrong = OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, machine.self.partition, 0);

	IS(XM_INVALID_PARAM, XM_write_sampling_message(wrong, data, 8));
#else
	xm_s32_t none = 1023;
#endif
	IS(XM_INVALID_PARAM, XM_write_sampling_message(none, data, 8));
	IS(XM_INVALID_PARAM, XM_read_sampling_message(none, data, 8, &(xm_u32_t){ 0 }));
	IS(XM_INVALID_PARAM, XM_write_sampling_message(-1, data, 8));
}

static void others_port(void)
{
	char buffer[64];
	long port = open_port(SAMPLING_OUT);
	xmObjDesc_t d = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, machine.managed.partition,
				      OBJDESC_GET_ID(port));

	NEEDS_PORTS;
	IS(XM_PERM_ERROR, XM_write_object(d, data, 8, NULL));
	IS(XM_PERM_ERROR, XM_read_object(d, buffer, 8, NULL));
}

static void write_sizes(void)
{
	xm_s32_t port = (xm_s32_t)open_port(SAMPLING_OUT);

	NEEDS_PORTS;
	IS(XM_INVALID_CONFIG, XM_write_sampling_message(port, data, 0));
	IS(XM_INVALID_CONFIG, XM_write_sampling_message(port, data, OUT->size + 1));
	IS(XM_INVALID_CONFIG, XM_write_sampling_message(port, data, ~0U));
	IS(XM_OK, XM_write_sampling_message(port, data, 1));
	IS(XM_OK, XM_write_sampling_message(port, data, OUT->size));
}

static void bad_pointers(void)
{
	xm_s32_t out = (xm_s32_t)open_port(SAMPLING_OUT), in = (xm_s32_t)open_port(SAMPLING_IN);
	xm_u32_t flags;

	NEEDS_PORTS;
#if XM_FAMILY == 2
	IS_ANY(XM_INVALID_CONFIG, XM_INVALID_PARAM, XM_write_sampling_message(out, NULL, 8));
#else
	IS(XM_INVALID_PARAM, XM_write_sampling_message(out, NULL, 8));
#endif
	IS(XM_INVALID_PARAM, XM_write_sampling_message(out, bad_memory(), 8));
	IS(XM_INVALID_PARAM, XM_read_sampling_message(in, bad_memory(), 8, &flags));
	IS(XM_INVALID_PARAM, XM_read_sampling_message(in, constant_memory(), 8, &flags));
	IS(XM_INVALID_PARAM, XM_read_sampling_message(in, data, 8, bad_memory()));
}

static void wrong_direction(void)
{
	xm_s32_t out = (xm_s32_t)open_port(SAMPLING_OUT), in = (xm_s32_t)open_port(SAMPLING_IN);
	xm_u32_t flags;
	char buffer[64];

	NEEDS_PORTS;
	IS(XM_INVALID_PARAM, XM_read_sampling_message(out, buffer, 8, &flags));
	IS(XM_INVALID_PARAM, XM_write_sampling_message(in, data, 8));
}

static void read_nothing(void)
{
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_IN);
	char buffer[64] = "untouched";
	xm_u32_t flags = 0;

	NEEDS_PORTS;
	IS(0, XM_read_sampling_message(in, buffer, IN->size, &flags));
	HOLDS(!strcmp(buffer, "untouched"));
	EQ(0, flags & XM_COMM_MSG_VALID);
	IS(XM_INVALID_CONFIG, XM_read_sampling_message(in, buffer, 0, &flags));
	IS(XM_INVALID_CONFIG, XM_read_sampling_message(in, buffer, IN->size + 1, &flags));
}

/* ---- with the other end --------------------------------------------------------------------------- */

#define NEEDS_FAR(port)                                                                            \
	NEEDS((port)->there && (port)->n_far && peer_has((port)->far[0].partition),                \
	      "a process at the other end")

static long write_far(const struct port *port, unsigned int len)
{
	struct far_port far = far_end(port, 0);

	far.len = len;
	memcpy(far.data, data, sizeof(far.data));
	return peer_run(port->far[0].partition, far_write, &far, sizeof(far));
}

static void read_message(void)
{
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_IN);
	char buffer[256];
	xm_u32_t flags = 0;

	NEEDS_FAR(IN);
	IS(XM_OK, write_far(IN, 10));
	for (int i = 0; i < 2; i++) { /* it stays */
		IS(10, XM_read_sampling_message(in, buffer, IN->size, &flags));
		HOLDS(!memcmp(buffer, data, 10));
		EQ(XM_COMM_MSG_VALID, flags);
	}
	IS(4, XM_read_sampling_message(in, buffer, 4, &flags));
	IS(XM_OK, write_far(IN, 20));
	IS(20, XM_read_sampling_message(in, buffer, IN->size, &flags));
	IS(20, XM_read_sampling_message(in, buffer, 20, &flags));
}

static void flags_pointer(void)
{
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_IN);
	char buffer[256];

	NEEDS_FAR(IN);
	IS(XM_OK, write_far(IN, 10));
#if XM_FAMILY == 2
	IS(10, XM_read_sampling_message(in, buffer, IN->size, NULL));
#else
	IS_ANY(10, XM_INVALID_PARAM, XM_read_sampling_message(in, buffer, IN->size, NULL));
#endif
}

static void validity(void)
{
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_IN);
	char buffer[256];
	xm_u32_t flags = 0;

	NEEDS_FAR(IN);
	IS(XM_OK, write_far(IN, 10));
	IS(10, XM_read_sampling_message(in, buffer, IN->size, &flags));
	EQ(XM_COMM_MSG_VALID, flags);
	machine_pass(IN->period + 1000);
	IS(10, XM_read_sampling_message(in, buffer, IN->size, &flags));
	EQ(0, flags & XM_COMM_MSG_VALID);
	IS(XM_OK, write_far(IN, 10));
	IS(10, XM_read_sampling_message(in, buffer, IN->size, &flags));
	EQ(XM_COMM_MSG_VALID, flags);
}

/* No limit in 2.x; in 3.x and PRTOS a period of 0. */
static void validity_without_period(void)
{
	const struct port *port = &machine.port[SAMPLING_FOREVER];
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_FOREVER);
	char buffer[256];
	xm_u32_t flags = 0;

	NEEDS_FAR(port);
	HOLDS(in >= 0);
	IS(XM_OK, write_far(port, 10));
	machine_pass(1000);
	IS(10, XM_read_sampling_message(in, buffer, port->size, &flags));
	EQ(XM_FAMILY == 2 ? XM_COMM_MSG_VALID : 0, flags);
}

static void broadcast(void)
{
	xm_s32_t out = (xm_s32_t)open_port(SAMPLING_OUT);

	NEEDS_PORTS;
	IS(XM_OK, XM_write_sampling_message(out, data, 12));
	for (unsigned int i = 0; i < OUT->n_far; i++) {
		struct far_port far = far_end(OUT, i);

		NEEDS(peer_has(OUT->far[i].partition), "a process at the other end");
		IS(12, peer_run(OUT->far[i].partition, far_read, &far, sizeof(far)));
		HOLDS(!memcmp(far.data, data, 12));
	}
	HOLDS(OUT->n_far > 1);
}

/* ---- status and information ----------------------------------------------------------------------- */

static void status(void)
{
	xm_s32_t in = (xm_s32_t)open_port(SAMPLING_IN);
	xmSamplingPortStatus_t s;
	long long before = machine_time();

	NEEDS_FAR(IN);
	IS(XM_OK, write_far(IN, 10));
	memset(&s, 0x55, sizeof(s));
	IS(XM_OK, XM_get_sampling_port_status((xm_u32_t)in, &s));
	EQ(10, s.lastMsgSize);
	HOLDS(s.timestamp >= before && s.timestamp <= machine_time());
#if XM_FAMILY == 2
	EQ(IN->period, s.validPeriod);
	EQ(IN->size, s.maxMsgSize);
#else
	EQ(XM_COMM_NEW_MSG | XM_COMM_MSG_VALID, s.flags);
	XM_read_sampling_message(in, data + 128, IN->size, &(xm_u32_t){ 0 });
	IS(XM_OK, XM_get_sampling_port_status((xm_u32_t)in, &s));
	EQ(XM_COMM_CONSUMED_MSG | XM_COMM_MSG_VALID, s.flags);
	machine_pass(IN->period + 1000);
	IS(XM_OK, XM_get_sampling_port_status((xm_u32_t)in, &s));
	EQ(XM_COMM_CONSUMED_MSG, s.flags);
#endif
}

static void status_bad(void)
{
	xm_u32_t in = (xm_u32_t)open_port(SAMPLING_IN);
	xmSamplingPortStatus_t s;

	NEEDS_PORTS;
	IS(XM_INVALID_PARAM, XM_get_sampling_port_status(in, NULL));
	IS(XM_INVALID_PARAM, XM_get_sampling_port_status(in, bad_memory()));
	IS(XM_INVALID_PARAM, XM_get_sampling_port_status(~0U, &s));
	IS(XM_INVALID_PARAM,
	   XM_get_sampling_port_status(OBJDESC_BUILD(OBJ_CLASS_CONSOLE, 0, 0) | 999, &s));
}

static void loose(void)
{
	xm_s32_t out = (xm_s32_t)open_port(LOOSE_SAMPLING_OUT);
	xm_s32_t in = (xm_s32_t)open_port(LOOSE_SAMPLING_IN);
	char buffer[64] = "";
	xm_u32_t flags = 0;

	NEEDS(machine.port[LOOSE_SAMPLING_OUT].there, "a sampling port in no channel");
	HOLDS(out >= 0 && in >= 0);
	IS(XM_OK, XM_write_sampling_message(out, data, 16));
	IS(0, XM_read_sampling_message(in, buffer, 16, &flags));
	EQ(0, buffer[0]);
}

#if XM_FAMILY == 3

static void info(void)
{
	xmSamplingPortInfo_t i;

	NEEDS_PORTS;
	memset(&i, 0x55, sizeof(i));
	IS(XM_OK, XM_get_sampling_port_info(machine.port[SAMPLING_OUT].name, &i));
	EQ(OUT->period, i.validPeriod);
	EQ(OUT->size, i.maxMsgSize);
	EQ(XM_SOURCE_PORT, i.direction);
	HOLDS(i.portName == OUT->name);
	IS(XM_OK, XM_get_sampling_port_info(machine.port[SAMPLING_IN].name, &i));
	EQ(XM_DESTINATION_PORT, i.direction);
}

static void info_bad(void)
{
	xmSamplingPortInfo_t i;

	NEEDS_PORTS;
	IS(XM_INVALID_PARAM, XM_get_sampling_port_info((char[]){ "no such port" }, &i));
	IS(XM_INVALID_PARAM, XM_get_sampling_port_info(machine.port[QUEUING_OUT].name, &i));
	IS(XM_INVALID_PARAM, XM_get_sampling_port_info(machine.port[SAMPLING_OUT].name, NULL));
	IS(XM_INVALID_PARAM,
	   XM_get_sampling_port_info(machine.port[SAMPLING_OUT].name, bad_memory()));
	IS(XM_INVALID_PARAM, XM_get_sampling_port_info(NULL, &i));
}

static void info_loose(void)
{
	xmSamplingPortInfo_t i;

	NEEDS(machine.port[LOOSE_SAMPLING_OUT].there, "a sampling port in no channel");
	IS(XM_OK, XM_get_sampling_port_info(machine.port[LOOSE_SAMPLING_OUT].name, &i));
	EQ(XM_INFINITE_TIME, i.validPeriod);
	EQ(0, i.maxMsgSize);
	EQ(0, i.direction);
}

#endif

const struct row sampling_rows[] = {
	{ "5.3", "sampling ports / open: no such port", open_unknown, false },
	{ "5.3", "sampling ports / open: direction", open_direction, false },
	{ "5.3", "sampling ports / open: a queuing port", open_type, false },
	{ "5.3", "sampling ports / open: size and period", open_size, false },
	{ "5.3", "sampling ports / open, and open again", open_twice, false },
	{ "5.3", "sampling ports / open: another partition's", open_others, false },
	{ "5.3", "sampling ports / use: not open", not_open, false },
	{ "5.3", "sampling ports / use: another partition's", others_port, false },
	{ "5.3", "sampling ports / use: bad pointers", bad_pointers, false },
	{ "5.3", "sampling ports / use: wrong direction", wrong_direction, false },
	{ "5.3", "sampling ports / write: sizes", write_sizes, false },
	{ "5.3", "sampling ports / read: nothing there, and sizes", read_nothing, false },
	{ "5.3", "sampling ports / read: a message", read_message, false },
	{ "5.3", "sampling ports / read: without flags", flags_pointer, false },
	{ "5.3", "sampling ports / read: validity", validity, false },
	{ "5.3", "sampling ports / read: validity without a period", validity_without_period,
	  false },
	{ "5.3", "sampling ports / broadcast", broadcast, false },
	{ "5.3", "sampling ports / status", status, false },
	{ "5.3", "sampling ports / status: bad arguments", status_bad, false },
	{ "5.3", "sampling ports / in no channel", loose, false },
#if XM_FAMILY == 3
	{ "5.3", "sampling ports / information", info, false },
	{ "5.3", "sampling ports / information: bad arguments", info_bad, false },
	{ "5.3", "sampling ports / information: in no channel", info_loose, false },
#endif
	{ NULL, NULL, NULL, false },
};
