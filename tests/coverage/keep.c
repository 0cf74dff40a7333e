// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Line counts that outlive their process, whatever ends it and whatever box it is in.  Takes the place of
 * gcov's runtime, which writes its files when a program exits: a confined server may not open any, and who
 * is killed exits never.  Here the counters (keep.ld puts them on pages of their own) are a file that is
 * mapped before main(), and a child of fork() counts in the same one.  Must make no system call later.
 *
 * XM_COVERAGE       the folder for such files, one a process
 * XM_COVERAGE_DUMP  read counters from this file, write what gcov reads into the folder
 *                   XM_COVERAGE, and exit
 */

#include <errno.h>
#include <fcntl.h>
#include <gcov.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern char xm_counters_start[] __attribute__((visibility("hidden")));
extern char xm_counters_end[] __attribute__((visibility("hidden")));

#define INFOS_MAX 1024

static const struct gcov_info *infos[INFOS_MAX];
static unsigned int n_infos;

/* ---- what instrumented code calls -------------------------------------------------------------------- */

void __gcov_init(struct gcov_info *info);
void __gcov_exit(void);
pid_t __gcov_fork(void);
int __gcov_execv(const char *path, char *const argv[]);
int __gcov_execve(const char *path, char *const argv[], char *const envp[]);
int __gcov_execvp(const char *path, char *const argv[]);
int __gcov_execl(const char *path, char *arg, ...);
void __gcov_merge_add(int64_t *counters, unsigned int n);

void __gcov_init(struct gcov_info *info)
{
	if (n_infos < INFOS_MAX)
		infos[n_infos++] = info;
}

void __gcov_exit(void)
{
}

pid_t __gcov_fork(void)
{
	return fork();
}

int __gcov_execv(const char *path, char *const argv[])
{
	return execv(path, argv);
}

int __gcov_execve(const char *path, char *const argv[], char *const envp[])
{
	return execve(path, argv, envp);
}

int __gcov_execvp(const char *path, char *const argv[])
{
	return execvp(path, argv);
}

#define ARGS_MAX 64

int __gcov_execl(const char *path, char *arg, ...)
{
	char *argv[ARGS_MAX + 1] = { arg };
	va_list ap;

	va_start(ap, arg);
	for (unsigned int i = 1; i < ARGS_MAX && argv[i - 1]; i++)
		argv[i] = va_arg(ap, char *);
	va_end(ap);
	return execv(path, argv);
}

/* Only its address is used: it tells what kind of counters there are. */
void __gcov_merge_add(int64_t *counters, unsigned int n)
{
	(void)counters;
	(void)n;
}

/* ---- counting ---------------------------------------------------------------------------------------- */

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "coverage: %s: %s\n", what, strerror(errno));
	_exit(98);
}

static size_t size(void)
{
	return (size_t)(xm_counters_end - xm_counters_start);
}

static void map_counters(const char *folder)
{
	/* As it was started: Criterion's workers call themselves otherwise. */
	const char *self = (const char *)getauxval(AT_EXECFN), *slash = strrchr(self, '/');
	struct timespec now;
	char name[1024];
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(name, sizeof(name), "%s/%s.%d.%lld%09ld.counters", folder,
		 slash ? slash + 1 : self, (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return; /* a test that took everything away from a program */
	/* Either may be a fault of tests/fault; then this process counts for itself alone. */
	if (ftruncate(fd, (off_t)size()) < 0 ||
	    mmap(xm_counters_start, size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		unlink(name);
	close(fd);
}

/* ---- writing what gcov reads -------------------------------------------------------------------------- */

struct out {
	const char *folder;
	FILE *file;
};

/* Files of all folders lie in one: slashes become what gcov itself makes of them. */
static void on_name(const char *name, void *arg)
{
	struct out *out = arg;
	char path[4096];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/", out->folder);

	for (; *name && n < sizeof(path) - 1; name++)
		path[n++] = *name == '/' ? '#' : *name;
	path[n] = '\0';
	if (out->file)
		fclose(out->file);
	out->file = fopen(path, "w");
	if (!out->file)
		give_up(path);
}

static void on_bytes(const void *bytes, unsigned int len, void *arg)
{
	struct out *out = arg;

	if (fwrite(bytes, 1, len, out->file) != len)
		give_up("writing");
}

static void *on_memory(unsigned int len, void *arg)
{
	(void)arg;
	return calloc(1, len);
}

static _Noreturn void dump(const char *counters, const char *folder)
{
	struct out out = { .folder = folder };
	FILE *in = fopen(counters, "r");

	if (!in || fread(xm_counters_start, 1, size(), in) != size())
		give_up(counters);
	for (unsigned int i = 0; i < n_infos; i++)
		__gcov_info_to_gcda(infos[i], on_name, on_bytes, on_memory, &out);
	if (out.file)
		fclose(out.file);
	_exit(0);
}

/* After those of the instrumented files, which have a higher priority. */
__attribute__((constructor)) static void start(void)
{
	const char *folder = getenv("XM_COVERAGE"), *counters = getenv("XM_COVERAGE_DUMP");

	if (folder && counters)
		dump(counters, folder);
	if (folder)
		map_counters(folder);
}
