// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The grammar of system descriptions as tables, and the check of a tree against them.  Owns only
 * constants.  Must report every mistake, with what was expected in its place.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/schema.h"
#include "libxm/system/system.h"
#include "libxm/system/value.h"

#define MAX_ATTRS 10
#define MAX_CHILDREN 7
#define MANY 100000u

enum notation {
	TEXT,
	NAME,
	NUMBER,
	HEX,
	SIZE,
	TIME,
	FREQUENCY,
	BOOLEAN,
	ONE_OF,  /* of `words` */
	LIST_OF, /* of `words` */
	NUMBERS, /* a list */
	EVENT,
	ACTION,
};

struct attr_rule {
	const char *name;
	bool required;
	enum notation notation;
	const char *words;
	unsigned int dialects; /* 0: all */
};

struct child_rule {
	enum schema_element element;
	unsigned int min, max; /* max 0: the end of the list */
	unsigned int dialects; /* 0: all */
};

struct element_rule {
	const char *name;
	struct attr_rule attrs[MAX_ATTRS];
	struct child_rule children[MAX_CHILDREN];
};

#define AREA_FLAGS "unmapped shared read-only uncacheable rom flag0 flag1 flag2 flag3 iommu none"

/* clang-format off */
static const struct element_rule rules[SE_N] = {
	[SE_SYSTEM] = { "SystemDescription",
		{ { "version", true, TEXT, NULL, 0 }, { "name", true, NAME, NULL, 0 } },
		{ { SE_HW, 1, 1, 0 }, { SE_HYPERVISOR, 1, 1, SCHEMA_3_X },
		  { SE_PRTOS_HYPERVISOR, 1, 1, SCHEMA_PRTOS }, { SE_RESIDENT, 0, 1, 0 },
		  { SE_PARTITION_TABLE, 1, 1, 0 }, { SE_CHANNELS, 0, 1, 0 } } },
	[SE_HW] = { "HwDescription", { { 0 } },
		{ { SE_MEMORY_LAYOUT, 1, 1, 0 }, { SE_PROCESSOR_TABLE, 1, 1, 0 },
		  { SE_DEVICES, 0, 1, 0 } } },
	[SE_MEMORY_LAYOUT] = { "MemoryLayout", { { 0 } }, { { SE_REGION, 1, 256, 0 } } },
	[SE_REGION] = { "Region",
		{ { "type", true, ONE_OF, "ram rom", 0 }, { "start", true, HEX, NULL, 0 },
		  { "size", true, SIZE, NULL, 0 } }, { { 0 } } },
	[SE_PROCESSOR_TABLE] = { "ProcessorTable", { { 0 } },
		{ { SE_PROCESSOR, 1, SYSTEM_MAX_PROCESSORS, 0 } } },
	[SE_PROCESSOR] = { "Processor",
		{ { "id", true, NUMBER, NULL, 0 }, { "frequency", false, FREQUENCY, NULL, 0 },
		  { "features", false, TEXT, NULL, 0 } },
		{ { SE_CYCLIC, 0, 1, 0 }, { SE_FIXED, 0, 1, SCHEMA_3_X } } },
	[SE_CYCLIC] = { "CyclicPlanTable", { { 0 } }, { { SE_PLAN, 1, 256, 0 } } },
	[SE_PLAN] = { "Plan",
		{ { "id", true, NUMBER, NULL, 0 }, { "name", false, NAME, NULL, 0 },
		  { "majorFrame", false, TIME, NULL, 0 } },
		{ { SE_SLOT, 0, 4096, 0 } } },
	[SE_SLOT] = { "Slot",
		{ { "id", true, NUMBER, NULL, 0 }, { "start", true, TIME, NULL, 0 },
		  { "duration", true, TIME, NULL, 0 }, { "partitionId", true, NUMBER, NULL, 0 },
		  { "vCpuId", false, NUMBER, NULL, 0 } }, { { 0 } } },
	[SE_FIXED] = { "FixedPriority", { { 0 } }, { { SE_FIXED_PARTITION, 0, MANY, 0 } } },
	[SE_FIXED_PARTITION] = { "Partition",
		{ { "id", true, NUMBER, NULL, 0 }, { "vCpuId", false, NUMBER, NULL, 0 },
		  { "priority", true, NUMBER, NULL, 0 } }, { { 0 } } },
	[SE_DEVICES] = { "Devices", { { 0 } },
		{ { SE_MEMORY_BLOCK, 0, 1024, 0 }, { SE_UART, 0, 64, 0 }, { SE_VGA, 0, 64, 0 },
		  { SE_NULL, 0, 64, 0 } } },
	[SE_MEMORY_BLOCK] = { "MemoryBlock",
		{ { "name", true, NAME, NULL, 0 }, { "start", true, HEX, NULL, 0 },
		  { "size", true, SIZE, NULL, 0 } }, { { 0 } } },
	[SE_UART] = { "Uart",
		{ { "name", true, NAME, NULL, 0 }, { "id", true, NUMBER, NULL, 0 },
		  { "baudRate", true, NUMBER, NULL, 0 } }, { { 0 } } },
	[SE_VGA] = { "Vga", { { "name", true, NAME, NULL, 0 } }, { { 0 } } },
	[SE_NULL] = { "Null", { { "name", false, NAME, NULL, 0 } }, { { 0 } } },
	[SE_HYPERVISOR] = { "XMHypervisor",
		{ { "console", false, NAME, NULL, 0 }, { "healthMonitorDevice", false, NAME, NULL, 0 } },
		{ { SE_HV_AREA, 1, 1, 0 }, { SE_HM, 0, 1, 0 }, { SE_HV_TRACE, 0, 1, 0 } } },
	[SE_PRTOS_HYPERVISOR] = { "PRTOSHypervisor",
		{ { "console", false, NAME, NULL, 0 }, { "healthMonitorDevice", false, NAME, NULL, 0 } },
		{ { SE_HV_AREA, 1, 1, 0 }, { SE_HM, 0, 1, 0 }, { SE_HV_TRACE, 0, 1, 0 } } },
	[SE_HV_AREA] = { "PhysicalMemoryArea",
		{ { "size", true, SIZE, NULL, 0 }, { "flags", false, LIST_OF, AREA_FLAGS, 0 } }, { { 0 } } },
	[SE_HV_TRACE] = { "Trace",
		{ { "device", true, NAME, NULL, 0 },
		  { "bitmask", true, LIST_OF, "HYP_IRQS HYP_HCALLS HYP_SCHED HYP_HM", 0 } }, { { 0 } } },
	[SE_RESIDENT] = { "ResidentSw", { { "entryPoint", false, HEX, NULL, 0 } },
		{ { SE_AREAS, 0, 1, 0 } } },
	[SE_PARTITION_TABLE] = { "PartitionTable", { { 0 } },
		{ { SE_PARTITION, 1, SYSTEM_MAX_PARTITIONS, 0 } } },
	[SE_PARTITION] = { "Partition",
		{ { "id", true, NUMBER, NULL, 0 }, { "name", false, NAME, NULL, 0 },
		  { "console", false, NAME, NULL, 0 }, { "flags", false, LIST_OF, "system fp none", 0 },
		  { "noVCpus", false, NUMBER, NULL, 0 },
		  { "hw_virt", false, BOOLEAN, NULL, SCHEMA_PRTOS } },
		{ { SE_AREAS, 1, 1, 0 }, { SE_TEMPORAL, 0, 1, 0 }, { SE_HM, 0, 1, 0 },
		  { SE_HW_RESOURCES, 0, 1, 0 }, { SE_PORT_TABLE, 0, 1, 0 }, { SE_TRACE, 0, 1, 0 } } },
	[SE_AREAS] = { "PhysicalMemoryAreas", { { 0 } }, { { SE_AREA, 0, 1024, 0 } } },
	[SE_AREA] = { "Area",
		{ { "name", false, NAME, NULL, 0 }, { "start", true, HEX, NULL, 0 },
		  { "size", true, SIZE, NULL, 0 }, { "flags", false, LIST_OF, AREA_FLAGS, 0 },
		  { "mappedAt", false, HEX, NULL, 0 } }, { { 0 } } },
	[SE_TEMPORAL] = { "TemporalRequirements",
		{ { "period", true, TIME, NULL, 0 }, { "duration", true, TIME, NULL, 0 } }, { { 0 } } },
	[SE_HM] = { "HealthMonitor", { { 0 } }, { { SE_EVENT, 0, 256, 0 } } },
	[SE_EVENT] = { "Event",
		{ { "name", true, EVENT, NULL, 0 }, { "action", true, ACTION, NULL, 0 },
		  { "log", true, BOOLEAN, NULL, 0 } }, { { 0 } } },
	[SE_HW_RESOURCES] = { "HwResources", { { 0 } },
		{ { SE_IO_PORTS, 0, 1, 0 }, { SE_INTERRUPTS, 0, 1, 0 } } },
	[SE_IO_PORTS] = { "IoPorts", { { 0 } },
		{ { SE_IO_RANGE, 0, 1024, 0 }, { SE_IO_RESTRICTED, 0, 1024, 0 } } },
	[SE_IO_RANGE] = { "Range",
		{ { "base", true, HEX, NULL, 0 }, { "noPorts", true, NUMBER, NULL, 0 } }, { { 0 } } },
	[SE_IO_RESTRICTED] = { "Restricted",
		{ { "address", true, HEX, NULL, 0 }, { "mask", false, HEX, NULL, 0 } }, { { 0 } } },
	[SE_INTERRUPTS] = { "Interrupts", { { "lines", true, NUMBERS, NULL, 0 } }, { { 0 } } },
	[SE_PORT_TABLE] = { "PortTable", { { 0 } }, { { SE_PORT, 0, SYSTEM_MAX_PORTS, 0 } } },
	[SE_PORT] = { "Port",
		{ { "name", true, NAME, NULL, 0 },
		  { "direction", true, ONE_OF, "source destination", 0 },
		  { "type", true, ONE_OF, "sampling queuing", 0 } }, { { 0 } } },
	[SE_TRACE] = { "Trace",
		{ { "device", true, NAME, NULL, 0 }, { "bitmask", true, HEX, NULL, 0 } }, { { 0 } } },
	[SE_CHANNELS] = { "Channels", { { 0 } },
		{ { SE_SAMPLING, 0, SYSTEM_MAX_CHANNELS, 0 }, { SE_QUEUING, 0, SYSTEM_MAX_CHANNELS, 0 },
		  { SE_IPVI, 0, MANY, 0 } } },
	[SE_IPVI] = { "Ipvi",
		{ { "id", true, NUMBER, NULL, 0 }, { "sourceId", true, NUMBER, NULL, 0 },
		  { "destinationId", true, NUMBERS, NULL, 0 } }, { { 0 } } },
	[SE_SAMPLING] = { "SamplingChannel",
		{ { "maxMessageLength", true, SIZE, NULL, 0 }, { "validPeriod", false, TIME, NULL, 0 } },
		{ { SE_SOURCE, 1, 1, 0 }, { SE_DESTINATION, 1, SYSTEM_MAX_PORTS, 0 } } },
	[SE_QUEUING] = { "QueuingChannel",
		{ { "maxMessageLength", true, SIZE, NULL, 0 }, { "maxNoMessages", true, NUMBER, NULL, 0 } },
		{ { SE_SOURCE, 1, 1, 0 }, { SE_DESTINATION, 1, 1, 0 } } },
	[SE_SOURCE] = { "Source",
		{ { "partitionId", true, NUMBER, NULL, 0 }, { "partitionName", false, NAME, NULL, 0 },
		  { "portName", true, NAME, NULL, 0 } }, { { 0 } } },
	[SE_DESTINATION] = { "Destination",
		{ { "partitionId", true, NUMBER, NULL, 0 }, { "partitionName", false, NAME, NULL, 0 },
		  { "portName", true, NAME, NULL, 0 } }, { { 0 } } },
};
/* clang-format on */

/* ---- health monitor vocabulary ------------------------------------------------------------------ */

static const char *const generic_3_x[] = { "INTERNAL_ERROR", "SYSTEM_ERROR", "PARTITION_ERROR",
					   "WATCHDOG_TIMER", "FP_ERROR",     "MEM_PROTECTION",
					   "UNEXPECTED_TRAP" };
static const char *const generic_prtos[] = { "FATAL_ERROR", "SYSTEM_ERROR",   "PARTITION_ERROR",
					     "FP_ERROR",    "MEM_PROTECTION", "UNEXPECTED_TRAP" };

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

static const char *const actions[] = {
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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct group {
	unsigned int dialect;
	const char *prefix;
	const char *const *names;
	size_t n;
	int first; /* number of the first name; SCHEMA_UNNUMBERED: none has one */
} groups[] = {
	{ SCHEMA_3_X, "XM_HM_EV_X86_", x86_events, COUNT(x86_events), 7 },
	{ SCHEMA_3_X, "XM_HM_EV_SPARC_", sparc_events, COUNT(sparc_events), SCHEMA_UNNUMBERED },
	{ SCHEMA_3_X, "XM_HM_EV_", generic_3_x, COUNT(generic_3_x), 0 },
	{ SCHEMA_PRTOS, "PRTOS_HM_EV_X86_", x86_events, COUNT(x86_events), 6 },
	{ SCHEMA_PRTOS, "PRTOS_HM_EV_ARM_", arm_events, COUNT(arm_events), 6 },
	{ SCHEMA_PRTOS, "PRTOS_HM_EV_RISCV_", riscv_events, COUNT(riscv_events), 6 },
	{ SCHEMA_PRTOS, "PRTOS_HM_EV_LOONGARCH_", riscv_events, COUNT(riscv_events), 6 },
	{ SCHEMA_PRTOS, "PRTOS_HM_EV_", generic_prtos, COUNT(generic_prtos), 0 },
};

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

int schema_event(unsigned int dialect, const char *name)
{
	/* PRTOS's own grammar still names an event that it no longer has. */
	if (dialect == SCHEMA_PRTOS && !strcmp(name, "PRTOS_HM_EV_WATCHDOG_TIMER"))
		return SCHEMA_UNNUMBERED;
	for (size_t i = 0; i < COUNT(groups); i++) {
		const struct group *g = &groups[i];
		const char *rest = g->dialect == dialect ? after(name, g->prefix) : NULL;
		int number = rest ? position(g->names, g->n, rest) : -1;

		if (number >= 0)
			return g->first == SCHEMA_UNNUMBERED ? g->first : g->first + number;
	}
	return -1;
}

int schema_action(unsigned int dialect, const char *name)
{
	const char *rest = after(name, dialect == SCHEMA_PRTOS ? "PRTOS_HM_AC_" : "XM_HM_AC_");

	return rest ? position(actions, COUNT(actions), rest) : -1;
}

struct xml_node *schema_child(const struct xml_node *node, enum schema_element element,
			      const struct xml_node *last)
{
	struct xml_node *child = last ? last->next : node->first;

	while (child && child->mark != (unsigned int)element + 1)
		child = child->next;
	return child;
}

/* ---- values ------------------------------------------------------------------------------------- */

struct check {
	const struct xml_source *source;
	unsigned int dialect;
	const char *space;
};

static const char *const expected[] = {
	[TEXT] = "",
	[NAME] = "a name of 1 to 31 printable ASCII characters",
	[NUMBER] = "a decimal number",
	[HEX] = "a hexadecimal number, such as 0x100000",
	[SIZE] = "a size, such as 64B, 4KB or 1.5MB",
	[TIME] = "a time, such as 10ms, 250us or 1.5s",
	[FREQUENCY] = "a frequency, such as 50MHz or 800KHz",
	[BOOLEAN] = "yes, no, true or false",
	[NUMBERS] = "a blank-separated list of decimal numbers",
};

static bool good_name(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return len > 0 && len <= XM_NAME_MAX;
}

static bool good_numbers(const char *list)
{
	const char *word;
	size_t len;

	while (value_word(&list, &word, &len))
		if (len > 9 || strspn(word, "0123456789") < len)
			return false;
	return true;
}

static bool good_value(enum notation notation, const char *s)
{
	uint64_t number;
	bool boolean;

	switch (notation) {
	case NAME:
		return good_name(s);
	case NUMBER:
		return value_number(s, &number) && number <= UINT32_MAX;
	case HEX:
		return value_hex(s, &number);
	case SIZE:
		return value_size(s, &number);
	case TIME:
		return value_time(s, &number) && number <= SYSTEM_MAX_TIME;
	case FREQUENCY:
		return value_frequency(s, &number);
	case BOOLEAN:
		return value_boolean(s, &boolean);
	case NUMBERS:
		return good_numbers(s);
	default:
		return true;
	}
}

static bool listed(const char *words, const char *s, size_t len)
{
	const char *word;
	size_t n;

	while (value_word(&words, &word, &n))
		if (n == len && !memcmp(word, s, len))
			return true;
	return false;
}

static void check_words(const struct check *check, const struct xml_attr *attr,
			const struct attr_rule *rule)
{
	const char *list = attr->value, *word;
	char hint[160];
	size_t len;

	snprintf(hint, sizeof(hint), "expected %s: %s",
		 rule->notation == ONE_OF ? "one of" : "a list of", rule->words);
	if (rule->notation == ONE_OF) {
		if (!listed(rule->words, attr->value, strlen(attr->value)))
			xml_report(check->source, DIAG_ERROR, attr->at, hint, "bad %s \"%.40s\"",
				   attr->name, attr->value);
		return;
	}
	while (value_word(&list, &word, &len))
		if (!listed(rule->words, word, len))
			xml_report(check->source, DIAG_ERROR, attr->at, hint,
				   "unknown word \"%.*s\" in %s", (int)(len > 40 ? 40 : len), word,
				   attr->name);
}

/* The nearest name of an event, whole, or NULL. */
static const char *nearest_event(unsigned int dialect, const char *name, char *buf, size_t size)
{
	const char *best = NULL;

	for (size_t i = 0; i < COUNT(groups) && !best; i++) {
		const char *rest =
			groups[i].dialect == dialect ? after(name, groups[i].prefix) : NULL;

		best = rest ? diag_nearest(rest, groups[i].names, groups[i].n) : NULL;
		if (best)
			snprintf(buf, size, "did you mean \"%s%s\"?", groups[i].prefix, best);
	}
	return best ? buf : NULL;
}

static void check_event(const struct check *check, const struct xml_attr *attr)
{
	char hint[128];

	if (schema_event(check->dialect, attr->value) == -1)
		xml_report(check->source, DIAG_ERROR, attr->at,
			   nearest_event(check->dialect, attr->value, hint, sizeof(hint)),
			   "unknown health monitor event \"%.60s\"", attr->value);
}

static void check_action(const struct check *check, const struct xml_attr *attr)
{
	const char *prefix = check->dialect == SCHEMA_PRTOS ? "PRTOS_HM_AC_" : "XM_HM_AC_";
	const char *rest = after(attr->value, prefix);
	const char *near = rest ? diag_nearest(rest, actions, COUNT(actions)) : NULL;
	char hint[320];
	size_t len;

	if (schema_action(check->dialect, attr->value) >= 0)
		return;
	len = (size_t)snprintf(hint, sizeof(hint), "expected %s and one of", prefix);
	for (size_t i = 0; !near && i < COUNT(actions); i++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s %s", i ? "," : "",
					actions[i]);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s%s\"?", prefix, near);
	xml_report(check->source, DIAG_ERROR, attr->at, hint,
		   "unknown health monitor action \"%.60s\"", attr->value);
}

static void check_value(const struct check *check, const struct xml_attr *attr,
			const struct attr_rule *rule)
{
	char hint[120];

	switch (rule->notation) {
	case ONE_OF:
	case LIST_OF:
		check_words(check, attr, rule);
		break;
	case EVENT:
		check_event(check, attr);
		break;
	case ACTION:
		check_action(check, attr);
		break;
	default:
		if (good_value(rule->notation, attr->value))
			break;
		snprintf(hint, sizeof(hint), "expected %s", expected[rule->notation]);
		xml_report(check->source, DIAG_ERROR, attr->at, hint, "bad %s \"%.40s\"",
			   attr->name, attr->value);
	}
}

/* ---- attributes --------------------------------------------------------------------------------- */

static bool in_dialect(unsigned int dialects, const struct check *check)
{
	return !dialects || (dialects & check->dialect);
}

static const struct attr_rule *find_attr_rule(const struct check *check,
					      const struct element_rule *rule, const char *name)
{
	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (in_dialect(rule->attrs[i].dialects, check) &&
		    !strcmp(rule->attrs[i].name, name))
			return &rule->attrs[i];
	return NULL;
}

static void unknown_attr(const struct check *check, const struct xml_node *node,
			 const struct element_rule *rule, const struct xml_attr *attr)
{
	const char *names[MAX_ATTRS], *near;
	char hint[256] = "it has no attributes";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (in_dialect(rule->attrs[i].dialects, check))
			names[n++] = rule->attrs[i].name;
	near = diag_nearest(attr->name, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	for (size_t i = 0; !near && i < n; i++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s%s",
					i ? ", " : "it has: ", names[i]);
	xml_report(check->source, DIAG_ERROR, attr->at, hint, "<%s> has no attribute \"%.40s\"",
		   node->name, attr->name);
}

static void check_attrs(const struct check *check, const struct xml_node *node,
			const struct element_rule *rule)
{
	for (size_t i = 0; i < node->n_attrs; i++) {
		const struct attr_rule *attr = find_attr_rule(check, rule, node->attrs[i].name);

		if (attr)
			check_value(check, &node->attrs[i], attr);
		else
			unknown_attr(check, node, rule, &node->attrs[i]);
	}
	for (size_t i = 0; i < MAX_ATTRS && rule->attrs[i].name; i++)
		if (rule->attrs[i].required && in_dialect(rule->attrs[i].dialects, check) &&
		    !xml_attr(node, rule->attrs[i].name))
			xml_report(check->source, DIAG_ERROR, node->at, NULL,
				   "<%s> lacks the attribute \"%s\"", node->name,
				   rule->attrs[i].name);
}

/* ---- elements ----------------------------------------------------------------------------------- */

static const struct child_rule *find_child_rule(const struct check *check,
						const struct element_rule *rule,
						const struct xml_node *node)
{
	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++)
		if (in_dialect(rule->children[i].dialects, check) &&
		    !strcmp(rules[rule->children[i].element].name, node->name))
			return &rule->children[i];
	return NULL;
}

static void unknown_child(const struct check *check, const struct xml_node *node,
			  const struct element_rule *rule)
{
	const char *names[MAX_CHILDREN], *near;
	char hint[256] = "it has no elements inside";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++)
		if (in_dialect(rule->children[i].dialects, check))
			names[n++] = rules[rule->children[i].element].name;
	near = diag_nearest(node->name, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean <%s>?", near);
	for (size_t i = 0; !near && i < n; i++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s<%s>",
					i ? ", " : "expected ", names[i]);
	xml_report(check->source, DIAG_ERROR, node->at, hint, "unknown element <%.40s> in <%s>",
		   node->name, rule->name);
}

static void check_counts(const struct check *check, const struct xml_node *node,
			 const struct element_rule *rule)
{
	for (size_t i = 0; i < MAX_CHILDREN && rule->children[i].max; i++) {
		const struct child_rule *child = &rule->children[i];
		const struct xml_node *at = NULL;
		unsigned int n = 0;

		while ((at = schema_child(node, child->element, at)))
			if (++n == child->max + 1)
				xml_report(check->source, DIAG_ERROR, at->at, NULL,
					   child->max == 1 ? "a second <%s> in <%s>"
							   : "too many <%s> in <%s>",
					   at->name, node->name);
		if (n < child->min && in_dialect(child->dialects, check))
			xml_report(check->source, DIAG_ERROR, node->at, NULL, "<%s> lacks <%s>",
				   node->name, rules[child->element].name);
	}
}

/* Recursion is bounded by the parser. */
static void check_element(const struct check *check, struct xml_node *node,
			  enum schema_element element)
{
	const struct element_rule *rule = &rules[element];

	node->mark = (unsigned int)element + 1;
	check_attrs(check, node, rule);
	for (struct xml_node *child = node->first; child; child = child->next) {
		const struct child_rule *known = find_child_rule(check, rule, child);

		if (strcmp(child->space, check->space))
			xml_report(check->source, DIAG_ERROR, child->at, NULL,
				   "<%.40s> is of another namespace", child->name);
		else if (known)
			check_element(check, child, known->element);
		else
			unknown_child(check, child, rule);
	}
	check_counts(check, node, rule);
}

void schema_check(const struct xml_source *source, struct xml_node *root, unsigned int dialect)
{
	struct check check = { source, dialect, root->space };

	check_element(&check, root, SE_SYSTEM);
}
