// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.9: several calls at once, and lazy ones. */

#include "tests/conformance/conformance.h"

#define RESULT(word) ((short)((word) >> 16))
#define TARGET ((unsigned long)machine.managed.partition)
#define NEEDS_TARGET NEEDS(machine.managed.partition >= 0, "a partition that may be stopped")

static void several(void)
{
	xmTime_t a = -1, b = -1;
	unsigned long batch[] = {
		get_time_nr, 2, XM_HW_CLOCK, (unsigned long)&a, suspend_partition_nr, 1, TARGET,
		get_time_nr, 2, 9,           (unsigned long)&a, resume_partition_nr,  1, TARGET,
		get_time_nr, 2, XM_HW_CLOCK, (unsigned long)&b,
	};

	NEEDS_TARGET;
	revive((unsigned int)TARGET);
	IS(XM_OK, XM_multicall(batch, batch + sizeof(batch) / sizeof(batch[0])));
	EQ(XM_OK, RESULT(batch[1]));
	EQ(XM_OK, RESULT(batch[5]));
	EQ(XM_INVALID_PARAM, RESULT(batch[8]));
	EQ(XM_OK, RESULT(batch[12]));
	EQ(XM_OK, RESULT(batch[15]));
	HOLDS(a >= 0 && b >= a);
	EQ(XM_STATUS_READY, state_of((unsigned int)TARGET));
}

static void none(void)
{
	unsigned long batch[] = { 0 };

	IS(XM_OK, XM_multicall(batch, batch));
	IS(XM_INVALID_PARAM, XM_multicall(batch + 1, batch));
	IS(XM_INVALID_PARAM, XM_multicall(bad_memory(), (char *)bad_memory() + 64));
}

static void malformed(void)
{
	unsigned long unknown[] = { 1000, 0 };
	unsigned long short_of[] = { get_time_nr, 1, XM_HW_CLOCK };
	unsigned long cut[] = { get_time_nr, 2, XM_HW_CLOCK };

	IS(XM_MULTICALL_ERROR, XM_multicall(unknown, unknown + 2));
	IS(XM_MULTICALL_ERROR, XM_multicall(short_of, short_of + 3));
	HOLDS(XM_multicall(cut, cut + 3) < 0);
}

static void lazy(void)
{
	xmTime_t a = -1, b = -1;

	init_batch();
	IS(XM_OK, XM_flush_hyp_batch());
	XM_lazy_hypercall(get_time_nr, 2, (unsigned long)XM_HW_CLOCK, (unsigned long)&a);
	EQ(-1, a);
	IS(XM_OK, XM_flush_hyp_batch());
	HOLDS(a >= 0);
	/* Any other call makes those that wait. */
	a = -1;
	XM_lazy_hypercall(get_time_nr, 2, (unsigned long)XM_HW_CLOCK, (unsigned long)&a);
	IS(XM_OK, XM_get_time(XM_HW_CLOCK, &b));
	HOLDS(a >= 0 && b >= a);
}

static void lazy_dropped(void)
{
	xmTime_t a = -1;

	XM_lazy_hypercall(get_time_nr, 2, (unsigned long)XM_HW_CLOCK, (unsigned long)&a);
	init_batch();
	IS(XM_OK, XM_flush_hyp_batch());
	EQ(-1, a);
}

static void lazy_many(void)
{
	xmTime_t a[400];

	memset(a, 0xff, sizeof(a));
	for (int i = 0; i < 400; i++)
		XM_lazy_hypercall(get_time_nr, 2, (unsigned long)XM_HW_CLOCK, (unsigned long)&a[i]);
	IS(XM_OK, XM_flush_hyp_batch());
	for (int i = 1; i < 400; i++)
		HOLDS(a[i] >= a[i - 1] && a[i] >= 0);
}

const struct row call_rows[] = {
	{ "6.9", "multicall / several calls", several, false },
	{ "6.9", "multicall / none, and bad pointers", none, false },
	{ "6.9", "multicall / malformed", malformed, false },
	{ "6.9", "lazy calls / flush", lazy, false },
	{ "6.9", "lazy calls / drop", lazy_dropped, false },
	{ "6.9", "lazy calls / more than fit", lazy_many, false },
	{ NULL, NULL, NULL, false },
};
