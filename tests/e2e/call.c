// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A scripted client of the public API: one call a line on standard input, one answer a line on
 * standard output: the value that the call returned, the name of its errno, and the fields of what
 * it stored as name=value.  Compiled for each profile (-DXM_PROFILE), for 64 and for 32 bit.  The way
 * of a call (function, object, hcall) is a word of the line where it matters.  This file: lines,
 * time, partitions and console.
 */

#include <errno.h>

#include "tests/e2e/call.h"

#define WORDS_MAX 8

static char *words[WORDS_MAX];
static char no_word[] = "";
static char fields[CALL_TEXT_MAX];
static size_t n_fields;

unsigned long long call_wide(int i)
{
	return strtoull(words[i], NULL, 0);
}

xm_u32_t call_number(int i)
{
	return (xm_u32_t)call_wide(i);
}

char *call_text(int i)
{
	return words[i];
}

void call_field(const char *name, long long value)
{
	n_fields += (size_t)snprintf(fields + n_fields, sizeof(fields) - n_fields, " %s=%lld", name,
				     value);
}

void call_nth_field(const char *name, long i, long long value)
{
	char numbered[32];

	snprintf(numbered, sizeof(numbered), "%s%ld", name, i);
	call_field(numbered, value);
}

void call_text_field(const char *name, const void *text, long len)
{
	n_fields += (size_t)snprintf(fields + n_fields, sizeof(fields) - n_fields, " %s=%.*s", name,
				     (int)len, (const char *)text);
}

static long get_time(void)
{
	xmTime_t time = -1;
	long ret = XM_get_time(call_number(1), &time);

	if (ret == XM_OK)
		call_field("time", time);
	return ret == XM_OK && time < 0 ? -100 : ret;
}

/* What programs for 32 bit do: a pointer in a 32-bit number. */
static long cast_time(void)
{
	static xmTime_t time;
	long ret;

	time = -1;
	ret = XM_hcall(get_time_nr, call_number(1), (xm_u32_t)(uintptr_t)&time, 0, 0, 0);
	call_field("stored", time >= 0);
	return ret;
}

/* A time is two words of a raw call where words have 32 bits. */
static long set_timer(void)
{
	xmTime_t at = (xmTime_t)call_wide(2), every = (xmTime_t)call_wide(3);

	if (strcmp(call_text(4), "hcall"))
		return XM_set_timer(call_number(1), at, every);
#ifdef __LP64__
	return XM_hcall(set_timer_nr, call_number(1), (unsigned long)at, (unsigned long)every, 0,
			0);
#else
	return XM_hcall(set_timer_nr, call_number(1), (unsigned long)at, (unsigned long)(at >> 32),
			(unsigned long)every, (unsigned long)(every >> 32));
#endif
}

static long bad_pointer(void)
{
	return XM_get_time(XM_HW_CLOCK, (xmTime_t *)16);
}

static long null_pointer(void)
{
	return XM_get_time(XM_HW_CLOCK, NULL);
}

static long self(void)
{
	return (long)XM_PARTITION_SELF;
}

static long suspend(void)
{
	if (!strcmp(call_text(2), "hcall"))
		return XM_hcall(suspend_partition_nr, call_number(1), 0, 0, 0, 0);
	return XM_suspend_partition(call_number(1));
}

static long resume(void)
{
	return XM_resume_partition(call_number(1));
}

static long halt(void)
{
	return XM_halt_partition(call_number(1));
}

static long shutdown(void)
{
	return XM_shutdown_partition(call_number(1));
}

static long reset(void)
{
	return XM_reset_partition(call_number(1), call_number(2), call_number(3));
}

static long halt_system(void)
{
	return XM_halt_system();
}

static long reset_system(void)
{
	return XM_reset_system(call_number(1));
}

static long hcall(void)
{
	return XM_hcall((int)call_number(1), (unsigned long)call_wide(2),
			(unsigned long)call_wide(3), (unsigned long)call_wide(4),
			(unsigned long)call_wide(5), (unsigned long)call_wide(6));
}

static long console(void)
{
	char *text = call_text(1), *way = call_text(2);
	xm_s32_t len = (xm_s32_t)strlen(text);
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_CONSOLE, XM_PARTITION_SELF, 0);

	if (!strcmp(way, "object"))
		return XM_write_object(desc, text, (xm_u32_t)len, NULL);
	if (!strcmp(way, "hcall"))
		return XM_hcall(write_object_nr, desc, (unsigned long)text, (unsigned long)len, 0,
				0);
	return XM_write_console(text, len);
}

static long console_bytes(void)
{
	size_t len = (size_t)call_number(1);
	char *bytes = calloc(len, 1);
	long ret = bytes ? XM_write_console(bytes, (xm_s32_t)len) : -1;

	free(bytes);
	return ret;
}

/* How the profile lays things out, as this program was compiled. */
static long layout(void)
{
	call_field("word", (long long)sizeof(unsigned long));
	call_field("xmSystemStatus_t", (long long)sizeof(xmSystemStatus_t));
	call_field("xmPlanStatus_t", (long long)sizeof(xmPlanStatus_t));
	call_field("xmPartitionStatus_t", (long long)sizeof(xmPartitionStatus_t));
	call_field("xmSamplingPortStatus_t", (long long)sizeof(xmSamplingPortStatus_t));
	call_field("xmQueuingPortStatus_t", (long long)sizeof(xmQueuingPortStatus_t));
	call_field("xmHmLog_t", (long long)sizeof(xmHmLog_t));
	return XM_PROFILE;
}

static const struct call call_rest[] = {
	{ "bad_pointer", bad_pointer },
	{ "cast_time", cast_time },
	{ "console", console },
	{ "console_bytes", console_bytes },
	{ "get_time", get_time },
	{ "halt", halt },
	{ "halt_system", halt_system },
	{ "hcall", hcall },
	{ "layout", layout },
	{ "null_pointer", null_pointer },
	{ "reset", reset },
	{ "reset_system", reset_system },
	{ "resume", resume },
	{ "self", self },
	{ "set_timer", set_timer },
	{ "shutdown", shutdown },
	{ "suspend", suspend },
	{ NULL, NULL },
};

static const struct call *find(const struct call *calls, const char *name)
{
	while (calls->name && strcmp(calls->name, name))
		calls++;
	return calls->name ? calls : NULL;
}

static long perform(void)
{
	const struct call *lists[] = { call_rest, call_status, call_ports, call_tables };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct call *found = find(lists[i], words[0]);

		if (found)
			return found->call();
	}
	return -1000;
}

static void answer(void)
{
	const char *error;
	long ret;

	n_fields = 0;
	fields[0] = '\0';
	errno = 0;
	ret = perform();
	error = errno ? strerrorname_np(errno) : "-";
	printf("%ld %s%s\n", ret, error ? error : "?", fields);
}

static void split(char *line)
{
	char *word = strtok(line, " \n");

	for (int i = 0; i < WORDS_MAX; i++) {
		words[i] = word ? word : no_word;
		word = word ? strtok(NULL, " \n") : NULL;
	}
}

static void start(void)
{
#if XM_FAMILY == 2
	init_libxm(0, 0);
#else
	init_libxm(0);
#endif
}

int main(void)
{
	static char line[CALL_TEXT_MAX];

	setvbuf(stdout, NULL, _IOLBF, 0);
	start();
	while (fgets(line, sizeof(line), stdin)) {
		split(line);
		if (*words[0])
			answer();
	}
	return 0;
}
