// SPDX-License-Identifier: GPL-2.0-only
/*
 * Division for the loopback hypervisor on kernels of 32 bits, where the compiler's own is missing.
 */

#include <linux/math64.h>

#include "loopback_divide.h"

s64 __divdi3(s64 dividend, s64 divisor)
{
	return div64_s64(dividend, divisor);
}

s64 __moddi3(s64 dividend, s64 divisor)
{
	return dividend - div64_s64(dividend, divisor) * divisor;
}

s64 __divmoddi4(s64 dividend, s64 divisor, s64 *remainder)
{
	s64 quotient = div64_s64(dividend, divisor);

	*remainder = dividend - quotient * divisor;
	return quotient;
}
