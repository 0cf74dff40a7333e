// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the recorded calls name: variables and constants of the probe, its memory, and names of ports,
 * partitions and plans.  Owns that memory.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/oracle/replay.h"

#define PAGE 4096
#define HYPERVISOR 0xfc000000U /* where the hypervisor lay, as a physical address */
#define IN_AREA 0x80000        /* the probe's memory lies so far behind the start of its area */
#define STRINGS 64
#define STRING_MAX 64

_Alignas(PAGE) struct env_memory env;

static uint64_t unreadable, area, object;
static int64_t port[4]; /* q, s, qi, si */
static char strings[STRINGS][STRING_MAX];
static unsigned int n_strings;

void env_init(void)
{
	void *page = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	unreadable = page == MAP_FAILED ? HYPERVISOR : (uint64_t)(uintptr_t)page;
	env.bm = 1;
}

bool env_connect(void)
{
#if XM_FAMILY == 2
	struct xmcMemoryArea first = { 0 };

	if (XM_get_physmem_map(&first, 1) != 1)
		return false;
	area = first.startAddr;
#else
	area = XM_get_partition_mmap()[0].startAddr;
#endif
	return area;
}

void env_clear(void)
{
	memset(env.buf, 0, sizeof(env.buf));
	env.fl = 0;
}

/* ---- names ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name, *value;
} names[] = {
	{ "nQ", "portQ" },    { "nS", "portS" },    { "nQi", "portQin" },
	{ "nSi", "portSin" }, { "nX", "portX" },    { "nmP1", "Victim" },
	{ "nmNo", "nobody" }, { "nmPl0", "PlanA" }, { "nmPl1", "PlanB" },
};

static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	{ "NR_HYPERCALLS", NR_HYPERCALLS },
	{ "COMM_CREATE_PORT", XM_COMM_CREATE_PORT },
	{ "COMM_GET_PORT_STATUS", XM_COMM_GET_PORT_STATUS },
#if XM_FAMILY == 3
	{ "COMM_GET_PORT_INFO", XM_COMM_GET_PORT_INFO },
#endif
};

#define PLACE(member)                                                                              \
	{                                                                                          \
#member, &env.member, sizeof(env.member)                                           \
	}

static const struct {
	const char *name;
	void *address;
	size_t size;
} places[] = {
	PLACE(buf), PLACE(t),  PLACE(fl), PLACE(cur), PLACE(bm),
	PLACE(bm0), PLACE(qs), PLACE(ss), PLACE(ev),
};

static const char *const ports[] = { "q", "s", "qi", "si" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint64_t env_string(const char *s, size_t len)
{
	char *string = strings[n_strings++ % STRINGS];

	memset(string, 0, STRING_MAX);
	memcpy(string, s, len < STRING_MAX ? len : STRING_MAX - 1);
	return (uint64_t)(uintptr_t)string;
}

static const char *without_prefix(const char *name)
{
	if (!strncmp(name, "prtos_", 6) || !strncmp(name, "PRTOS_", 6))
		return name + 6;
	return strncmp(name, "XM_", 3) ? name : name + 3;
}

static bool get_port(const char *name, uint64_t *valuep)
{
	for (size_t i = 0; i < COUNT(ports); i++)
		if (!strcmp(name, ports[i])) {
			*valuep = (uint64_t)port[i];
			return true;
		}
	return false;
}

void env_set(const char *name, uint64_t value)
{
	for (size_t i = 0; i < COUNT(ports); i++)
		if (!strcmp(name, ports[i]))
			port[i] = (int64_t)value;
}

static bool get_special(const char *name, uint64_t *valuep)
{
	if (!strcmp(name, "HV") || !strcmp(name, "UNM"))
		*valuep = unreadable;
	else if (!strcmp(name, "buf"))
		*valuep = (uint64_t)(uintptr_t)env.buf;
	else if (!strcmp(name, "d"))
		*valuep = object;
	else if (!strcmp(name, "cur"))
		*valuep = env.cur;
	else if (!strcmp(name, "t") && XM_get_time(XM_HW_CLOCK, &env.t) == XM_OK)
		*valuep = (uint64_t)env.t;
	else
		return false;
	return true;
}

bool env_get(const char *name, uint64_t *valuep)
{
	if (get_special(name, valuep) || get_port(name, valuep))
		return true;
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(name, names[i].name)) {
			*valuep = env_string(names[i].value, strlen(names[i].value));
			return true;
		}
	for (size_t i = 0; i < COUNT(constants); i++)
		if (!strcmp(without_prefix(name), constants[i].name)) {
			*valuep = constants[i].value;
			return true;
		}
	return false;
}

bool env_address(const char *name, uint64_t *valuep)
{
	for (size_t i = 0; i < COUNT(places); i++)
		if (!strcmp(name, places[i].name)) {
			*valuep = (uint64_t)(uintptr_t)places[i].address;
			return true;
		}
	return false;
}

bool env_size(const char *type, uint64_t *valuep)
{
	if (!strcmp(type, "prtos_hm_log_t")) {
		*valuep = sizeof(xmHmLog_t);
		return true;
	}
	if (!strcmp(type, "prtos_trace_event_t") || !strcmp(type, "ev")) {
		*valuep = sizeof(xmTraceEvent_t);
		return true;
	}
	return false;
}

/* ---- objects ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	xm_u32_t class;
} classes[] = {
	{ "NULL", OBJ_CLASS_NULL },
	{ "CONSOLE", OBJ_CLASS_CONSOLE },
	{ "TRACE", OBJ_CLASS_TRACE },
	{ "SAMPLING_PORT", OBJ_CLASS_SAMPLING_PORT },
	{ "QUEUING_PORT", OBJ_CLASS_QUEUING_PORT },
	{ "SAMPLING", OBJ_CLASS_SAMPLING_PORT },
	{ "QUEUING", OBJ_CLASS_QUEUING_PORT },
	{ "MEM", OBJ_CLASS_MEM },
	{ "HM", OBJ_CLASS_HM },
	{ "STATUS", OBJ_CLASS_STATUS },
#if XM_FAMILY == 2
	{ "DIRECTORY", 3 },
	{ "UART", 9 },
#endif
	{ "class8", 8 },
	{ "class127", 127 },
};

bool env_descriptor(const char *class, uint64_t partition, uint64_t id, uint64_t *valuep)
{
	for (size_t i = 0; i < COUNT(classes); i++)
		if (!strcmp(class, classes[i].name)) {
			*valuep =
				OBJDESC_BUILD(classes[i].class, (xm_u32_t)partition, (xm_u32_t)id);
			return true;
		}
	return false;
}

void env_set_object(uint64_t descriptor)
{
	object = descriptor;
}

uint64_t env_physical(uint64_t address)
{
	uint64_t start = (uint64_t)(uintptr_t)&env;

	rule_used(RULE_PHYSICAL);
	if (address >= start && address < start + sizeof(env))
		return area + IN_AREA + (address - start);
	return address == unreadable ? HYPERVISOR : address;
}

/* ---- results ------------------------------------------------------------------------------------------ */

static const struct {
	int value;
	const char *name;
} codes[] = {
	{ XM_OK, "OK" },
	{ XM_UNKNOWN_HYPERCALL, "UNKNOWN_HYPERCALL" },
	{ XM_INVALID_PARAM, "INVALID_PARAM" },
	{ XM_PERM_ERROR, "PERM_ERROR" },
	{ XM_INVALID_CONFIG, "INVALID_CONFIG" },
	{ XM_INVALID_MODE, "INVALID_MODE" },
	{ XM_OP_NOT_ALLOWED, "OP_NOT_ALLOWED" },
	{ XM_MULTICALL_ERROR, "MULTICALL_ERROR" },
#if XM_PROFILE != XM_PROFILE_2_4
	{ XM_NO_ACTION, "NO_ACTION" },
#endif
#if XM_FAMILY == 2
	{ XM_NOT_AVAILABLE, "NOT_AVAILABLE" },
#endif
};

const char *env_code(int64_t value)
{
	for (size_t i = 0; i < COUNT(codes); i++)
		if (codes[i].value == value)
			return codes[i].name;
	return "";
}
