// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A scripted client of the public API: one call a line on standard input, one answer a line on
 * standard output: the value that the call returned and the name of its errno.  Compiled for both
 * profiles; the way of a call (function, object, hcall) is the first word where it matters.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CALL_2_4
#include <xm-linux.h>
#else
#define XM_PROFILE XM_PROFILE_3_X
#include <xm-linux.h>
#endif

static char *words[8];
static int n_words;

static unsigned long arg(int i)
{
	return i < n_words ? strtoul(words[i], NULL, 0) : 0;
}

static char *text_arg(int i)
{
	static char none[] = "";

	return i < n_words ? words[i] : none;
}

static long console(const char *way, char *text)
{
	xm_s32_t len = (xm_s32_t)strlen(text);
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_CONSOLE, XM_PARTITION_SELF, 0);

	if (!strcmp(way, "object"))
		return XM_write_object(desc, text, (xm_u32_t)len, NULL);
	if (!strcmp(way, "hcall"))
		return XM_hcall(write_object_nr, desc, (unsigned long)text, (unsigned long)len, 0,
				0);
	return XM_write_console(text, len);
}

static long suspend(const char *way, xm_u32_t id)
{
	if (!strcmp(way, "hcall"))
		return XM_hcall(suspend_partition_nr, id, 0, 0, 0, 0);
	return XM_suspend_partition(id);
}

static long get_status(xm_u32_t id)
{
	xmPartitionStatus_t status;
	long ret;

	memset(&status, 0, sizeof(status));
#ifdef CALL_2_4
	ret = XM_partition_get_status(id, &status);
#else
	ret = XM_get_partition_status(id, &status);
#endif
	return ret < 0 ? ret : (long)status.state;
}

static long set_plan(xm_u32_t plan)
{
#ifdef CALL_2_4
	return XM_set_plan(plan);
#else
	xm_u32_t old;

	return XM_switch_sched_plan(plan, &old);
#endif
}

/* Opens a sampling port and reads it, not asking whether the message is valid. */
static long sample(char *name, xm_u32_t size, xmTime_t period)
{
	static char message[256];
	xm_s32_t port;

#ifdef CALL_2_4
	(void)period;
	port = XM_create_sampling_port(name, size, XM_DESTINATION_PORT);
#else
	port = XM_create_sampling_port(name, size, XM_DESTINATION_PORT, period);
#endif
	return port < 0 ? port : XM_read_sampling_message(port, message, size, NULL);
}

static long get_time(xm_u32_t clock)
{
	xmTime_t time = -1;
	long ret = XM_get_time(clock, &time);

	return ret == XM_OK && time < 0 ? -100 : ret;
}

static long call(void)
{
	const char *name = words[0];

	if (!strcmp(name, "get_time"))
		return get_time((xm_u32_t)arg(1));
	if (!strcmp(name, "bad_pointer"))
		return XM_get_time(XM_HW_CLOCK, (xmTime_t *)16);
	if (!strcmp(name, "null_pointer"))
		return XM_get_time(XM_HW_CLOCK, NULL);
	if (!strcmp(name, "self"))
		return (long)XM_PARTITION_SELF;
	if (!strcmp(name, "suspend"))
		return suspend(text_arg(2), (xm_u32_t)arg(1));
	if (!strcmp(name, "resume"))
		return XM_resume_partition((xm_u32_t)arg(1));
	if (!strcmp(name, "halt"))
		return XM_halt_partition((xm_u32_t)arg(1));
	if (!strcmp(name, "shutdown"))
		return XM_shutdown_partition((xm_u32_t)arg(1));
	if (!strcmp(name, "reset"))
		return XM_reset_partition((xm_u32_t)arg(1), (xm_u32_t)arg(2), (xm_u32_t)arg(3));
	if (!strcmp(name, "status"))
		return get_status((xm_u32_t)arg(1));
	if (!strcmp(name, "plan"))
		return set_plan((xm_u32_t)arg(1));
	if (!strcmp(name, "halt_system"))
		return XM_halt_system();
	if (!strcmp(name, "reset_system"))
		return XM_reset_system((xm_u32_t)arg(1));
	if (!strcmp(name, "console"))
		return console(text_arg(2), text_arg(1));
	if (!strcmp(name, "hcall"))
		return XM_hcall((int)arg(1), arg(2), arg(3), arg(4), arg(5), arg(6));
	if (!strcmp(name, "create_queuing"))
		return XM_create_queuing_port(text_arg(1), (xm_u32_t)arg(2), (xm_u32_t)arg(3),
					      (xm_u32_t)arg(4));
	if (!strcmp(name, "sample"))
		return sample(text_arg(1), (xm_u32_t)arg(2), (xmTime_t)arg(3));
	if (!strcmp(name, "send"))
		return XM_send_queuing_message((xm_s32_t)arg(1), text_arg(2),
					       (xm_u32_t)strlen(text_arg(2)));
	return -1000;
}

int main(void)
{
	static char line[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef CALL_2_4
	init_libxm(0, 0);
#else
	init_libxm(0);
#endif
	while (fgets(line, sizeof(line), stdin)) {
		const char *error;
		long ret;

		n_words = 0;
		for (char *w = strtok(line, " \n"); w && n_words < 8; w = strtok(NULL, " \n"))
			words[n_words++] = w;
		if (!n_words)
			continue;
		errno = 0;
		ret = call();
		error = errno ? strerrorname_np(errno) : "-";
		printf("%ld %s\n", ret, error ? error : "?");
	}
	return 0;
}
