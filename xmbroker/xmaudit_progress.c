// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How far something long has come.  Writes to standard error only if that is a terminal.
 */

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/xmaudit.h"

#define EVERY_NS 200000000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void xmaudit_progress_begin(struct xmaudit_progress *progress, uint64_t total)
{
	*progress = (struct xmaudit_progress){ .total = total, .on = isatty(STDERR_FILENO) };
	if (progress->on)
		progress->shown = now_ns();
}

void xmaudit_progress(struct xmaudit_progress *progress, uint64_t done)
{
	uint64_t now;

	if (!progress->on)
		return;
	now = now_ns();
	if (now - progress->shown < EVERY_NS)
		return;
	progress->shown = now;
	progress->printed = true;
	if (progress->total)
		fprintf(stderr, "\r%3u %% of %" PRIu64 " MiB",
			(unsigned int)(done < progress->total ? done * 100 / progress->total : 100),
			progress->total >> 20);
	else
		fprintf(stderr, "\r%" PRIu64 " MiB", done >> 20);
}

void xmaudit_progress_end(struct xmaudit_progress *progress)
{
	if (progress->printed)
		fprintf(stderr, "\r%24s\r", "");
	progress->printed = progress->on = false;
}
