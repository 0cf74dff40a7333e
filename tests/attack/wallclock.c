// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * To be preloaded into the broker's processes: moves their wall clock, and nobody else's, by the
 * seconds that stand as a 64-bit number at the beginning of the file that XM_TEST_WALLCLOCK names.
 * The monotonic clock stays what it is.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

static const volatile int64_t *offset;

/* Before a filter or an empty root would be in the way. */
__attribute__((constructor)) static void map_offset(void)
{
	const char *path = getenv("XM_TEST_WALLCLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		offset = page;
	close(fd);
}

static int64_t moved(void)
{
	return offset ? *offset : 0;
}

API int clock_gettime(clockid_t clock, struct timespec *t)
{
	static int (*next)(clockid_t, struct timespec *);
	int r;

	if (!next)
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = next(clock, t);
	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += moved();
	return r;
}

API time_t time(time_t *tp)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (tp)
		*tp = t.tv_sec;
	return t.tv_sec;
}

API int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec t;

	(void)tz;
	clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}
