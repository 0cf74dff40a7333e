// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vocabulary of the health monitors.  Owns only constants.
 */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "libxm/core/diag.h"
#include "libxm/core/table.h"
#include "libxm/system/events.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const generic_2_x[] = {
	"INTERNAL_ERROR",
	"UNEXPECTED_TRAP",
	"PARTITION_UNRECOVERABLE",
	"PARTITION_ERROR",
	"PARTITION_INTEGRITY",
	"MEM_PROTECTION",
	"OVERRUN",
	"SCHED_ERROR",
	"WATCHDOG_TIMER",
	"INCOMPATIBLE_INTERFACE",
};
static const char *const generic_3_x[] = {
	"INTERNAL_ERROR", "SYSTEM_ERROR",   "PARTITION_ERROR", "WATCHDOG_TIMER",
	"FP_ERROR",       "MEM_PROTECTION", "UNEXPECTED_TRAP",
};
static const char *const generic_prtos[] = {
	"FATAL_ERROR", "SYSTEM_ERROR",   "PARTITION_ERROR",
	"FP_ERROR",    "MEM_PROTECTION", "UNEXPECTED_TRAP",
};
/* Spelled as its header spells them. */
static const char *const ia32_events[] = {
	"DIVIDE_EXCEPTION",   "DEBUGGER_EXCEPTION",
	"NMI_EXCEPTION",      "BREAKPOINT_EXCEPTION",
	"OVERFLOW_EXCEPTION", "BOUNDS_EXCEPTION",
	"INVALID_OPCODE",     "COPROCESOR_UNAVAILABLE",
	"DOUBLE_FAULT",       "COPROCESSOR_OVERRUN",
	"INVALID_TSS",        "SEGMENT_NOT_PRESENT",
	"STACK_FAULT",        "GENERAL_PROTECTION_FAULT",
	"PAGE_FAULT",         "RESERVED",
	"MATH_FAULT",         "ALIGNMENT_CHECK",
	"MACHINE_CHECK",      "FLOATING_POINT_EXCEPTION",
};
static const char *const x86_events[] = {
	"DIVIDE_ERROR",   "DEBUG",
	"NMI_INTERRUPT",  "BREAKPOINT",
	"OVERFLOW",       "BOUND_RANGE_EXCEEDED",
	"INVALID_OPCODE", "DEVICE_NOT_AVAILABLE",
	"DOUBLE_FAULT",   "COPROCESSOR_SEGMENT_OVERRUN",
	"INVALID_TSS",    "SEGMENT_NOT_PRESENT",
	"STACK_FAULT",    "GENERAL_PROTECTION",
	"PAGE_FAULT",     "",
	"X87_FPU_ERROR",  "ALIGNMENT_CHECK",
	"MACHINE_CHECK",  "SIMD_FLOATING_POINT",
};
static const char *const arm_events[] = {
	"UNDEF_INSTR",           "PREFETCH_ABORT",         "DATA_ABORT",
	"DATA_ALIGNMENT_FAULT",  "DATA_BACKGROUND_FAULT",  "DATA_PERMISSION_FAULT",
	"INSTR_ALIGNMENT_FAULT", "INSTR_BACKGROUND_FAULT", "INSTR_PERMISSION_FAULT",
};
static const char *const riscv_events[] = {
	"ILLEGAL_INSTR",      "INSTR_ACCESS_FAULT", "LOAD_ACCESS_FAULT",
	"STORE_ACCESS_FAULT", "INSTR_PAGE_FAULT",   "LOAD_PAGE_FAULT",
	"STORE_PAGE_FAULT",   "INSTR_MISALIGNED",   "LOAD_MISALIGNED",
};
/* Their numbers are not published. */
static const char *const sparc_events[] = {
	"WRITE_ERROR",
	"INSTR_ACCESS_MMU_MISS",
	"INSTR_ACCESS_ERROR",
	"UNIMPLEMENTED_FLUSH",
	"WATCHPOINT_DETECTED",
	"DATA_ACCESS_ERROR",
	"DATA_ACCESS_MMU_MISS",
	"INSTR_ACCESS_EXCEPTION",
	"ILLEGAL_INSTR",
	"PRIVILEGED_INSTR",
	"FP_DISABLED",
	"CP_DISABLED",
	"REGISTER_HARDWARE_ERROR",
	"MEM_ADDR_NOT_ALIGNED",
	"FP_EXCEPTION",
	"CP_EXCEPTION",
	"DATA_ACCESS_EXCEPTION",
	"TAG_OVERFLOW",
	"DIVIDE_EXCEPTION",
};
/* PRTOS's own grammar still names an event that it no longer has. */
static const char *const prtos_leftovers[] = { "WATCHDOG_TIMER" };

static const struct group {
	unsigned int profiles; /* XM_IN_... */
	const char *prefix;
	const char *const *names;
	size_t n;
	int first; /* number of the first name; SYSTEM_EVENT_UNNUMBERED: none has one */
} groups[] = {
	{ XM_IN_2, "XM_HM_EV_IA32_", ia32_events, COUNT(ia32_events), 10 },
	{ XM_IN_2, "XM_HM_EV_", generic_2_x, COUNT(generic_2_x), 0 },
	{ XM_IN_3X, "XM_HM_EV_X86_", x86_events, COUNT(x86_events), 7 },
	{ XM_IN_3X, "XM_HM_EV_SPARC_", sparc_events, COUNT(sparc_events), SYSTEM_EVENT_UNNUMBERED },
	{ XM_IN_3X, "XM_HM_EV_", generic_3_x, COUNT(generic_3_x), 0 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_X86_", x86_events, COUNT(x86_events), 6 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_ARM_", arm_events, COUNT(arm_events), 6 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_RISCV_", riscv_events, COUNT(riscv_events), 6 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_LOONGARCH_", riscv_events, COUNT(riscv_events), 6 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_", generic_prtos, COUNT(generic_prtos), 0 },
	{ XM_IN_PRTOS, "PRTOS_HM_EV_", prtos_leftovers, COUNT(prtos_leftovers),
	  SYSTEM_EVENT_UNNUMBERED },
};

/* By number; "" where 2.x has no such action. */
static const char *const actions_3_x[] = {
	"IGNORE",
	"SHUTDOWN",
	"PARTITION_COLD_RESET",
	"PARTITION_WARM_RESET",
	"HYPERVISOR_COLD_RESET",
	"HYPERVISOR_WARM_RESET",
	"SUSPEND",
	"PARTITION_HALT",
	"HYPERVISOR_HALT",
	"PROPAGATE",
	"SWITCH_TO_MAINTENANCE",
};
static const char *const actions_2_x[] = {
	"IGNORE", "SHUTDOWN", "COLD_RESET", "WARM_RESET", "",
	"",       "SUSPEND",  "HALT",       "",           "PROPAGATE",
};

static const struct action_names {
	unsigned int profiles;
	const char *prefix;
	const char *const *names;
	size_t n;
} action_names[] = {
	{ XM_IN_2, "XM_HM_AC_", actions_2_x, COUNT(actions_2_x) },
	{ XM_IN_3X, "XM_HM_AC_", actions_3_x, COUNT(actions_3_x) },
	{ XM_IN_PRTOS, "PRTOS_HM_AC_", actions_3_x, COUNT(actions_3_x) },
};

/* ---- names ----------------------------------------------------------------------------------------- */

/* What follows `prefix` in `name`, or NULL. */
static const char *after(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) ? NULL : name + len;
}

static int position(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (*name && !strcmp(names[i], name))
			return (int)i;
	return -1;
}

int system_event_number(uint32_t profile, const char *name)
{
	for (size_t i = 0; i < COUNT(groups); i++) {
		const struct group *g = &groups[i];
		const char *rest = g->profiles & XM_IN(profile) ? after(name, g->prefix) : NULL;
		int number = rest ? position(g->names, g->n, rest) : -1;

		if (number >= 0)
			return g->first == SYSTEM_EVENT_UNNUMBERED ? g->first : g->first + number;
	}
	return -1;
}

static const struct action_names *actions_of(uint32_t profile)
{
	for (size_t i = 0; i < COUNT(action_names); i++)
		if (action_names[i].profiles & XM_IN(profile))
			return &action_names[i];
	return NULL;
}

int system_action_number(uint32_t profile, const char *name)
{
	const struct action_names *actions = actions_of(profile);
	const char *rest = actions ? after(name, actions->prefix) : NULL;

	return rest ? position(actions->names, actions->n, rest) : -1;
}

const char *system_event_hint(uint32_t profile, const char *name, char *buf, uint32_t size)
{
	for (size_t i = 0; i < COUNT(groups); i++) {
		const struct group *g = &groups[i];
		const char *rest = g->profiles & XM_IN(profile) ? after(name, g->prefix) : NULL;
		const char *best = rest ? diag_nearest(rest, g->names, g->n) : NULL;

		if (!best || !*best)
			continue;
		snprintf(buf, size, "did you mean \"%s%s\"?", g->prefix, best);
		return buf;
	}
	return NULL;
}

const char *system_action_hint(uint32_t profile, const char *name, char *buf, uint32_t size)
{
	const struct action_names *actions = actions_of(profile);
	const char *rest = actions ? after(name, actions->prefix) : NULL;
	const char *near = rest ? diag_nearest(rest, actions->names, actions->n) : NULL;
	size_t len;

	if (!actions)
		return NULL;
	if (near && *near) {
		snprintf(buf, size, "did you mean \"%s%s\"?", actions->prefix, near);
		return buf;
	}
	len = (size_t)snprintf(buf, size, "expected %s and one of", actions->prefix);
	for (size_t i = 0; i < actions->n && len < size; i++)
		if (*actions->names[i])
			len += (size_t)snprintf(buf + len, size - len, "%s %s", i ? "," : "",
						actions->names[i]);
	return buf;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

uint32_t system_event_first_of_processor(uint32_t profile)
{
	if (XM_IN(profile) & XM_IN_2)
		return COUNT(generic_2_x);
	return profile == XM_PROFILE_ID_PRTOS ? COUNT(generic_prtos) : COUNT(generic_3_x);
}

/* Those of the processor are the last ones and in the same order everywhere. */
uint32_t system_event_canonical(uint32_t profile, uint32_t event)
{
	static const uint16_t from_2_x[COUNT(generic_2_x)] = {
		0,
		6,
		SYSTEM_EVENT_2_X + 2,
		2,
		SYSTEM_EVENT_2_X + 4,
		5,
		SYSTEM_EVENT_2_X + 6,
		SYSTEM_EVENT_2_X + 7,
		3,
		SYSTEM_EVENT_2_X + 9,
	};

	if (XM_IN(profile) & XM_IN_2)
		return event < COUNT(from_2_x) ? from_2_x[event] : event - 3;
	if (profile == XM_PROFILE_ID_PRTOS)
		return event < 3 ? event : event + 1;
	return event;
}

/* An event that the profile lacks becomes the nearest. */
uint32_t system_event_native(uint32_t profile, uint32_t event)
{
	static const uint8_t to_2_x[COUNT(generic_3_x)] = { 0, 0, 3, 8, 26, 5, 1 };

	if (XM_IN(profile) & XM_IN_2) {
		if (event >= SYSTEM_EVENT_2_X && event - SYSTEM_EVENT_2_X < COUNT(generic_2_x))
			return event - SYSTEM_EVENT_2_X;
		return event < COUNT(to_2_x) ? to_2_x[event] : event + 3;
	}
	if (profile == XM_PROFILE_ID_PRTOS && event >= 3)
		return event == 3 ? 2 : event - 1;
	return event;
}
