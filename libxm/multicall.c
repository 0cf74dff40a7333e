// SPDX-License-Identifier: LGPL-2.1-or-later
/* Multicall and lazy calls of the profile that this file is compiled for.  No logic: see batch.h. */

#include <stdarg.h>

#include <xm/multicall.h>

#include "libxm/batch.h"
#include "libxm/call.h"

_Static_assert(multicall_nr == BATCH_MULTICALL, "number of a multicall");
_Static_assert(XM_BATCH_WORDS == BATCH_PENDING_WORDS, "size of a pending batch");

xm_s32_t XM_multicall(void *start, void *end)
{
	return batch_multicall(CALL_PROFILE, (uintptr_t)start, (uintptr_t)end);
}

void XM_lazy_hypercall(xm_u32_t nr, xm_s32_t argc, ...)
{
	unsigned long words[RAW_WORDS] = { 0 };
	va_list args;

	va_start(args, argc);
	for (xm_s32_t i = 0; i < argc && i < RAW_WORDS; i++)
		words[i] = va_arg(args, unsigned long);
	va_end(args);
	batch_lazy(CALL_PROFILE, nr, argc, words);
}

xm_s32_t XM_flush_hyp_batch(void)
{
	return batch_flush(CALL_PROFILE);
}

void init_batch(void)
{
	batch_drop();
}
