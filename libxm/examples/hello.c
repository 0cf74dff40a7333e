// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writes a greeting to the partition's console. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xm-linux.h>

static char greeting[] = "Hello World!\n";

int main(void)
{
	int ret;

	init_libxm(0, 0);
	ret = XM_write_console(greeting, sizeof(greeting)); /* 14: the NUL too */
	if (ret < 0) {
		printf("error: XM_write_console: %d %s\n", errno, strerror(errno));
		return 255;
	}
	printf("XM_write_console: %d\n", ret);
	return 0;
}
