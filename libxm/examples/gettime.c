// SPDX-License-Identifier: LGPL-2.1-or-later
/* Measures one second with the hypervisor's hardware clock, less what reading the clock takes. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xm-linux.h>

int main(void)
{
	xmTime_t t0 = 0, t1 = 0, t2 = 0;

	init_libxm(0, 0);
	XM_get_time(XM_HW_CLOCK, &t0);
	XM_get_time(XM_HW_CLOCK, &t1);
	sleep(1);
	if (XM_get_time(XM_HW_CLOCK, &t2) < 0) {
		printf("error: XM_get_time: %d %s\n", errno, strerror(errno));
		return 255;
	}
	printf("XM_get_time: %lld %lld: %lld\n", t1, t2, (t2 - t1) - (t1 - t0));
	return 0;
}
