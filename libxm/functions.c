// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * XM_hcall and the functions of functions.def, for the profile that this file is compiled
 * for.  No logic: everything is decided behind raw_call().
 */

#include "libxm/call.h"

#define XM_FUNCTION_WITH(flags, name, number, parameters, ...)                                     \
	xm_s32_t name parameters                                                                   \
	{                                                                                          \
		return CALL_WITH(flags, number, __VA_ARGS__);                                      \
	}
#define XM_FUNCTION(name, number, parameters, ...)                                                 \
	XM_FUNCTION_WITH(0, name, number, parameters, __VA_ARGS__)
#define XM_FUNCTION_NO_FLUSH(name, number, parameters, ...)                                        \
	XM_FUNCTION_WITH(RAW_NO_FLUSH, name, number, parameters, __VA_ARGS__)
#define XM_PROCEDURE(name, number)                                                                 \
	void name(void)                                                                            \
	{                                                                                          \
		(void)CALL(number, 0);                                                             \
	}
#include "libxm/functions.def"

#if XM_FAMILY == 3
/* An identifier, or a code that is one no more. */
xmId_t XM_get_vcpuid(void)
{
	return (xmId_t)CALL_WITH(RAW_NO_FLUSH, get_vcpuid_nr, 0);
}
#endif

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
