/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_CONSOLE_H
#define XMBROKER_SIM_CONSOLE_H

/*
 * Where the partitions' consoles come out: one stream for a person, each line with the partition's
 * name in front.  Nothing that a terminal could act on gets through, and a stream that nobody reads
 * loses output rather than stop the system.
 */

#include "libxm/system/system.h"

struct console {
	const struct system *sys; /* borrowed */
	int fd;                   /* owned, unless it is standard output */
	int64_t line;             /* partition whose line is not ended; -1: none */
};

/* Opens PATH for appending, or standard output for "-".  0 or -errno. */
int console_open(struct console *console, const struct system *sys, const char *path);
/* Ends an open line and closes. */
void console_close(struct console *console);
/* A sim_console_fn; arg is the console.  Accepts all. */
size_t console_write(void *arg, uint32_t partition, const uint8_t *data, size_t len);

#endif
