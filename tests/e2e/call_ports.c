// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sampling and queuing ports, for the scripted client. */

#include "tests/e2e/call.h"

#define MESSAGE_MAX 4096
#define LARGE_MAX (16 << 20)
#define PATTERN_PERIOD 4099

static long create_sampling(void)
{
#if XM_FAMILY == 2
	return XM_create_sampling_port(call_text(1), call_number(2), call_number(3));
#else
	return XM_create_sampling_port(call_text(1), call_number(2), call_number(3),
				       (xmTime_t)call_wide(4));
#endif
}

static long create_queuing(void)
{
	return XM_create_queuing_port(call_text(1), call_number(2), call_number(3), call_number(4));
}

static long read_sampling(void)
{
	static char message[MESSAGE_MAX];
	xm_u32_t flags = 0x5a5a5a5a;
	long ret =
		XM_read_sampling_message((xm_s32_t)call_number(1), message, call_number(2), &flags);

	if (ret < 0)
		return ret;
	call_field("flags", flags);
	call_text_field("message", message, ret);
	return ret;
}

/* Opens a sampling port and reads it, not asking whether the message is valid. */
static long sample(void)
{
	static char message[256];
	xm_s32_t port;

#if XM_FAMILY == 2
	port = XM_create_sampling_port(call_text(1), call_number(2), XM_DESTINATION_PORT);
#else
	port = XM_create_sampling_port(call_text(1), call_number(2), XM_DESTINATION_PORT,
				       (xmTime_t)call_wide(3));
#endif
	return port < 0 ? port : XM_read_sampling_message(port, message, call_number(2), NULL);
}

static long write_sampling(void)
{
	return XM_write_sampling_message((xm_s32_t)call_number(1), call_text(2),
					 (xm_u32_t)strlen(call_text(2)));
}

static long send(void)
{
	return XM_send_queuing_message((xm_s32_t)call_number(1), call_text(2),
				       (xm_u32_t)strlen(call_text(2)));
}

static long receive(void)
{
	static char message[MESSAGE_MAX];
	long ret;

#if XM_FAMILY == 2
	xm_u32_t flags = 0x5a5a5a5a;

	ret = XM_receive_queuing_message((xm_s32_t)call_number(1), message, call_number(2), &flags);
	if (ret >= 0)
		call_field("flags", flags);
#else
	ret = XM_receive_queuing_message((xm_s32_t)call_number(1), message, call_number(2));
#endif
	if (ret > 0)
		call_text_field("message", message, ret);
	return ret;
}

/* ---- long messages, whose bytes are a number's pattern ------------------------------------------- */

static unsigned char large[LARGE_MAX];

static unsigned char pattern(xm_u32_t seed, xm_u32_t i)
{
	i %= PATTERN_PERIOD;
	return (unsigned char)(seed * 37 + i * i * 13);
}

static xm_u32_t large_size(void)
{
	return call_number(2) > LARGE_MAX ? LARGE_MAX : call_number(2);
}

static void make_large(void)
{
	for (xm_u32_t i = 0; i < large_size(); i++)
		large[i] = pattern(call_number(3), i);
}

/* Whether the message is that of the seed, to its last byte. */
static long check_large(long ret)
{
	long i = 0;

	while (i < ret && large[i] == pattern(call_number(3), (xm_u32_t)i))
		i++;
	if (ret >= 0)
		call_field("same", i == ret);
	return ret;
}

static long write_large(void)
{
	make_large();
	return XM_write_sampling_message((xm_s32_t)call_number(1), large, large_size());
}

static long send_large(void)
{
	make_large();
	return XM_send_queuing_message((xm_s32_t)call_number(1), large, large_size());
}

static long read_large(void)
{
	memset(large, 0, sizeof(large));
	return check_large(
		XM_read_sampling_message((xm_s32_t)call_number(1), large, large_size(), NULL));
}

static long receive_large(void)
{
	memset(large, 0, sizeof(large));
#if XM_FAMILY == 2
	return check_large(
		XM_receive_queuing_message((xm_s32_t)call_number(1), large, large_size(), NULL));
#else
	return check_large(
		XM_receive_queuing_message((xm_s32_t)call_number(1), large, large_size()));
#endif
}

/* ---- status ---------------------------------------------------------------------------------------- */

static long sampling_status(void)
{
	xmSamplingPortStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_get_sampling_port_status(call_number(1), &status);
	if (ret < 0)
		return ret;
	FIELD(status, timestamp);
	FIELD(status, lastMsgSize);
	FIELD(status, flags);
#if XM_FAMILY == 2
	FIELD(status, validPeriod);
	FIELD(status, maxMsgSize);
#endif
	return ret;
}

static long queuing_status(void)
{
	xmQueuingPortStatus_t status;
	long ret;

	memset(&status, 0x5a, sizeof(status));
	ret = XM_get_queuing_port_status(call_number(1), &status);
	if (ret < 0)
		return ret;
	FIELD(status, noMsgs);
#if XM_FAMILY == 2
	FIELD(status, validPeriod);
	FIELD(status, maxMsgSize);
	FIELD(status, maxNoMsgs);
	FIELD(status, flags);
#endif
	return ret;
}

#if XM_FAMILY == 3

static long sampling_info(void)
{
	xmSamplingPortInfo_t info;
	char *name = call_text(1);
	long ret;

	memset(&info, 0x5a, sizeof(info));
	ret = XM_get_sampling_port_info(name, &info);
	if (ret < 0)
		return ret;
	call_field("portName", info.portName == name);
	FIELD(info, validPeriod);
	FIELD(info, maxMsgSize);
	FIELD(info, direction);
	return ret;
}

static long queuing_info(void)
{
	xmQueuingPortInfo_t info;
	char *name = call_text(1);
	long ret;

	memset(&info, 0x5a, sizeof(info));
	ret = XM_get_queuing_port_info(name, &info);
	if (ret < 0)
		return ret;
	call_field("portName", info.portName == name);
	FIELD(info, maxMsgSize);
	FIELD(info, maxNoMsgs);
	FIELD(info, direction);
	FIELD(info, validPeriod);
	return ret;
}

#endif

const struct call call_ports[] = {
	{ "create_queuing", create_queuing },
	{ "create_sampling", create_sampling },
	{ "queuing_status", queuing_status },
	{ "read_large", read_large },
	{ "read_sampling", read_sampling },
	{ "receive", receive },
	{ "receive_large", receive_large },
	{ "sample", sample },
	{ "sampling_status", sampling_status },
	{ "send", send },
	{ "send_large", send_large },
	{ "write_large", write_large },
	{ "write_sampling", write_sampling },
#if XM_FAMILY == 3
	{ "queuing_info", queuing_info },
	{ "sampling_info", sampling_info },
#endif
	{ NULL, NULL },
};
