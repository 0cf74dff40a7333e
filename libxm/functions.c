// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Start-up, XM_hcall and the functions of functions.def, for the profile that this file is compiled
 * for.  No logic: everything is decided behind raw_call().
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/call.h"
#include "libxm/session.h"

#define XM_FUNCTION(name, number, parameters, ...)                                                 \
	xm_s32_t name parameters                                                                   \
	{                                                                                          \
		return CALL(number, __VA_ARGS__);                                                  \
	}
#include "libxm/functions.def"

xm_s32_t XM_hcall(int cmd, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3,
		  unsigned long a4)
{
	return CALL((uint32_t)cmd, a0, a1, a2, a3, a4);
}

int xm_init(void)
{
	return raw_init(CALL_PROFILE);
}

xm_s32_t xm_partition_self(void)
{
	return CALL(NR_HYPERCALLS, 0);
}

/* libxm-linux left with the number of the descriptor that it had just opened. */
static _Noreturn void exit_with_descriptor(void)
{
	struct session *session;
	int status = 255;

	if (session_enter(&session) == 0) {
		status = session_descriptor(session);
		session_leave(session);
	}
	exit(status);
}

/* The words and the status are those of libxm-linux without its device: programs are tested for them. */
static void init_or_exit(void)
{
	xm_s32_t self;

	if (xm_init() < 0) {
		fprintf(stderr, "error: init_libxm  open " XMDEV ": %s\n", strerror(errno));
		exit(255);
	}
	self = xm_partition_self();
	if (self >= 0)
		return;
	fprintf(stderr, "error: init_libxm invalid partition id %d\n", self);
	exit_with_descriptor();
}

#if XM_PROFILE == XM_PROFILE_2_4
void init_libxm(partitionControlTable_t *partCtrlTab, partitionInformationTable_t *partInfTab)
{
	(void)partCtrlTab;
	(void)partInfTab;
	init_or_exit();
}
#else
void init_libxm(partitionControlTable_t *partCtrlTab)
{
	(void)partCtrlTab;
	init_or_exit();
}
#endif
