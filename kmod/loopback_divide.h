/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XMCTL_LOOPBACK_DIVIDE_H
#define XMCTL_LOOPBACK_DIVIDE_H

#include <linux/types.h>

/* What a compiler for 32 bits calls for divisions of 64, by the names that it has for them. */
s64 __divdi3(s64 dividend, s64 divisor);
s64 __moddi3(s64 dividend, s64 divisor);
s64 __divmoddi4(s64 dividend, s64 divisor, s64 *remainder);

#endif
