// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Issues one hypercall from the command line; libxm-linux called this example "ioctl".
 *
 * usage: hcall cmd [a0 [a1 [a2 [a3 [a4]]]]]
 *
 * Numbers are decimal, or hexadecimal with 0x.  The exit status is the result.
 */

#include <stdio.h>
#include <stdlib.h>

#include <xm-linux.h>

int main(int argc, char **argv)
{
	unsigned long a[5] = { 0, 0, 0, 0, 0 };
	int cmd, ret;

	if (argc < 2) {
		puts("usage: hcall cmd [a0 [a1 [a2 [a3 [a4]]]]]");
		return 255;
	}
	cmd = (int)strtol(argv[1], NULL, 0);
	for (int i = 0; i < 5 && i + 2 < argc; i++)
		a[i] = strtoul(argv[i + 2], NULL, 0);
	init_libxm(0, 0);
	ret = XM_hcall(cmd, a[0], a[1], a[2], a[3], a[4]);
	printf("%d = XM_hcall(0x%x, 0x%lx, 0x%lx, 0x%lx, 0x%lx, 0x%lx)\n", ret, (unsigned int)cmd,
	       a[0], a[1], a[2], a[3], a[4]);
	return ret;
}
