// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which files a log has.  Owns their descriptors, which only read.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/xmaudit_files.h"

#define DIGITS 6 /* of the number of a file, at least */
#define TRIES 50 /* to see the files of one moment, while they are rotated */
#define PAUSE_NS 2000000

static int say(const char *path, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(error));
	return -error;
}

/* The number at the end of NAME.000001; 0: it has none. */
static uint64_t number_of(const char *end)
{
	uint64_t number = 0;
	size_t len = strlen(end);

	if (len < DIGITS + 1 || len > 19 || *end != '.')
		return 0;
	for (const char *p = end + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		number = number * 10 + (uint64_t)(*p - '0');
	}
	return number;
}

static bool is_rotated_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && number_of(dot);
}

static int add(struct xmaudit_log *log, const char *path, int fd, uint64_t number)
{
	struct xmaudit_file *more = reallocarray(log->files, log->n + 1, sizeof(*more));
	struct xmaudit_file file = { .fd = fd, .number = number };
	struct stat st;

	if (!more)
		goto out_close;
	log->files = more;
	file.path = strdup(path);
	if (!file.path)
		goto out_close;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		file.regular = true;
		file.size = (uint64_t)st.st_size;
	}
	more[log->n++] = file;
	return 0;
out_close:
	close(fd);
	return -ENOMEM;
}

static void forget(struct xmaudit_log *log, size_t from)
{
	for (size_t i = from; i < log->n; i++) {
		free(log->files[i].path);
		close(log->files[i].fd);
	}
	log->n = from;
}

void xmaudit_log_close(struct xmaudit_log *log)
{
	forget(log, 0);
	free(log->files);
	log->files = NULL;
}

/* ---- what there is ----------------------------------------------------------------------------------- */

struct numbers {
	uint64_t *list; /* owned */
	size_t n;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of the files that were rotated and are greater than `after`, in order. */
static int list_rotated(const char *name, uint64_t after, struct numbers *numbers)
{
	char folder[PATH_MAX], base[PATH_MAX];
	const struct dirent *entry;
	size_t len;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s", name);
	snprintf(base, sizeof(base), "%s", name);
	dir = opendir(dirname(folder));
	if (!dir)
		return -errno;
	len = strlen(basename(base));
	memmove(base, basename(base), len + 1);
	*numbers = (struct numbers){ 0 };
	while ((entry = readdir(dir))) {
		uint64_t number =
			strncmp(entry->d_name, base, len) ? 0 : number_of(entry->d_name + len);
		uint64_t *more;

		if (number <= after)
			continue;
		more = reallocarray(numbers->list, numbers->n + 1, sizeof(*more));
		if (!more)
			break;
		numbers->list = more;
		more[numbers->n++] = number;
	}
	closedir(dir);
	if (entry) {
		free(numbers->list);
		return -ENOMEM;
	}
	if (numbers->n)
		qsort(numbers->list, numbers->n, sizeof(*numbers->list), compare);
	return 0;
}

static bool same_file(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/*
 * A FIFO of such a name must not keep us until somebody writes to it.  Once it is open, reads wait
 * again: a pipe that the shell gives is read to its end.
 */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

static int open_rotated(struct xmaudit_log *log, const struct numbers *numbers)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < numbers->n; i++) {
		int fd, r;

		snprintf(path, sizeof(path), "%s.%06llu", log->name,
			 (unsigned long long)numbers->list[i]);
		fd = open_file(path);
		if (fd < 0 && errno == ENOENT)
			continue; /* retention took it away */
		if (fd < 0)
			return say(path, errno);
		r = add(log, path, fd, numbers->list[i]);
		if (r < 0)
			return say(path, -r);
	}
	return 0;
}

/*
 * The files from `after` on, as they are at one moment: 1; 0: they were being rotated.  The current
 * one is opened first and must be the same afterwards.
 */
static int open_once(struct xmaudit_log *log, uint64_t after)
{
	struct numbers numbers;
	size_t before = log->n;
	int fd = open_file(log->name), error = errno, r;
	bool still;

	if (fd < 0 && error != ENOENT)
		return -error;
	r = list_rotated(log->name, after, &numbers);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = open_rotated(log, &numbers);
	free(numbers.list);
	still = fd >= 0 ? same_file(fd, log->name) : access(log->name, F_OK) < 0;
	if (r == 0 && still && fd >= 0)
		r = add(log, log->name, fd, XMAUDIT_CURRENT);
	else if (fd >= 0)
		close(fd);
	if (r == 0 && still && log->n > before)
		return 1;
	forget(log, before);
	return r < 0 ? r : fd < 0 ? -ENOENT : 0;
}

static int open_at_once(struct xmaudit_log *log, uint64_t after)
{
	const struct timespec pause = { 0, PAUSE_NS };
	int r = 0;

	for (unsigned int i = 0; i < TRIES; i++) {
		r = open_once(log, after);
		/* In the middle of a rotation there is no current one for a moment. */
		if (r == 1 && log->files[log->n - 1].number == XMAUDIT_CURRENT)
			return 1;
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 1 && i + 1 < TRIES)
			forget(log, 0);
		else if (r == -ENOENT && i >= 2)
			return r;
		nanosleep(&pause, NULL);
	}
	return r ? r : -EAGAIN;
}

static int open_single(struct xmaudit_log *log)
{
	int fd = open_file(log->name);

	if (fd < 0)
		return -errno;
	log->single = true;
	return add(log, log->name, fd, number_of(strrchr(log->name, '.')));
}

int xmaudit_log_open(const char *name, struct xmaudit_log *log)
{
	struct rlimit limit;
	int r;

	*log = (struct xmaudit_log){ .name = name };
	if (strlen(name) > PATH_MAX - 32)
		return say(name, ENAMETOOLONG);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	r = is_rotated_name(name) ? open_single(log) : open_at_once(log, 0);
	if (r >= 0)
		return 0;
	xmaudit_log_close(log);
	return say(name, -r);
}

uint64_t xmaudit_log_size(const struct xmaudit_log *log)
{
	uint64_t size = 0;

	for (size_t i = 0; i < log->n; i++)
		size += log->files[i].size;
	return size;
}

/* ---- going on ---------------------------------------------------------------------------------------- */

bool xmaudit_log_moved_on(const struct xmaudit_log *log)
{
	return !log->single && access(log->name, F_OK) == 0 &&
	       !same_file(log->files[log->n - 1].fd, log->name);
}

/* Under which number the file that was the current one is kept now; 0: it is not. */
static uint64_t number_now(const struct xmaudit_log *log, const struct xmaudit_file *file)
{
	struct numbers numbers;
	uint64_t number = 0;
	char path[PATH_MAX];

	if (list_rotated(log->name, 0, &numbers) < 0)
		return 0;
	for (size_t i = numbers.n; i-- > 0 && !number;) {
		snprintf(path, sizeof(path), "%s.%06llu", log->name,
			 (unsigned long long)numbers.list[i]);
		if (same_file(file->fd, path))
			number = numbers.list[i];
	}
	free(numbers.list);
	return number;
}

int xmaudit_log_next(struct xmaudit_log *log)
{
	struct xmaudit_file *last = &log->files[log->n - 1];
	uint64_t number;
	int r;

	if (!xmaudit_log_moved_on(log))
		return 0;
	number = number_now(log, last);
	/* One that is not kept under a number was replaced by hand: then only the new one is next. */
	r = open_once(log, number ? number : UINT64_MAX);
	if (r <= 0)
		return r == -ENOENT ? 0 : r;
	return 1;
}
