// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A preload library that makes one call of the C library fail.  Owns the table of the functions that
 * make a system call or allocate, and counts their calls by place: function and return address.  Must
 * never make a system call of its own once the program runs: what it counts stands in a file that is
 * mapped before main().
 *
 * XM_FAULT_MAP      the file, of FAULT_BYTES, in which it counts
 * XM_FAULT_PROGRAM  the program to look at; all others are left alone
 * XM_FAULT_SITE     function@object+offset(hexadecimal), with a "*" at its end in a process that this one
 *                   forked; absent: only count
 * XM_FAULT_CALL     which of its calls fails, from 1; with a "+" at its end all from that one on
 * XM_FAULT_HOW      an error number; or short: one byte is read or written; or what is added to the
 *                   clock from then on, in seconds, with its sign
 * XM_FAULT_OLD      set: the kernel does not know SO_PASSRIGHTS, in every program
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))
#define N_SITES 8192
#define N_OBJECTS 64
#define NAME_BYTES 64
#define OLD_OPTION 83 /* SO_PASSRIGHTS */

struct site {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint64_t calls;
};

/* The file: the driver reads it. */
struct book {
	uint64_t magic;
	_Atomic uint32_t fired; /* calls that failed */
	_Atomic uint32_t full;  /* a site found no place */
	char functions[256][24];
	char objects[N_OBJECTS][NAME_BYTES];
	struct site sites[N_SITES];
};

#define FAULT_MAGIC 0x31746c7561666d78ULL

/* ---- which functions ------------------------------------------------------------------------------- */

/*
 * How a function says that it failed: -1 and errno, NULL and errno, an error number (positive, or
 * negative as in the libraries), EOF, nothing written; MOVES takes a count of bytes as its third
 * argument and may do less.
 */
enum kind { MINUS, POINTER, NEGATIVE, END_OF_FILE, NONE_DONE, MOVES, CLOSES, CLOCK };

/* clang-format off */
#define FUNCTIONS(X)                                                                               \
	X(open, MINUS) X(open64, MINUS) X(openat, MINUS) X(openat64, MINUS) X(__open_2, MINUS)     \
	X(__openat_2, MINUS) X(creat, MINUS) X(read, MOVES) X(write, MOVES) X(__read_chk, MOVES)   \
	X(pread, MOVES) X(pread64, MOVES) X(pwrite, MOVES) X(pwrite64, MOVES) X(readv, MINUS)      \
	X(writev, MINUS) X(pwritev, MINUS) X(preadv, MINUS)                                        \
	X(send, MINUS) X(sendto, MINUS) X(sendmsg, MINUS) X(sendmmsg, MINUS) X(recv, MINUS)        \
	X(recvfrom, MINUS) X(recvmsg, MINUS) X(recvmmsg, MINUS) X(__recv_chk, MINUS)               \
	X(__recvfrom_chk, MINUS) X(accept, MINUS) X(accept4, MINUS) X(socket, MINUS)               \
	X(socketpair, MINUS) X(connect, MINUS) X(bind, MINUS) X(listen, MINUS) X(shutdown, MINUS)  \
	X(getsockname, MINUS) X(getpeername, MINUS) X(getsockopt, MINUS) X(setsockopt, MINUS)      \
	X(epoll_create1, MINUS) X(epoll_ctl, MINUS) X(epoll_wait, MINUS) X(epoll_pwait, MINUS)     \
	X(poll, MINUS) X(ppoll, MINUS) X(__poll_chk, MINUS) X(select, MINUS)                       \
	X(fcntl, MINUS) X(fcntl64, MINUS) X(ioctl, MINUS) X(dup, MINUS) X(dup2, MINUS)             \
	X(dup3, MINUS) X(pipe, MINUS) X(pipe2, MINUS) X(eventfd, MINUS) X(memfd_create, MINUS)     \
	X(signalfd, MINUS) X(timerfd_create, MINUS) X(timerfd_settime, MINUS)                      \
	X(inotify_init1, MINUS) X(inotify_add_watch, MINUS)                                        \
	X(fstat, MINUS) X(stat, MINUS) X(lstat, MINUS) X(fstatat, MINUS) X(fstat64, MINUS)         \
	X(stat64, MINUS) X(lstat64, MINUS) X(fstatat64, MINUS) X(statx, MINUS) X(statfs, MINUS)    \
	X(fstatfs, MINUS) X(statvfs, MINUS) X(fstatvfs, MINUS) X(access, MINUS)                    \
	X(faccessat, MINUS) X(readlink, MINUS) X(readlinkat, MINUS) X(lseek, MINUS)                \
	X(lseek64, MINUS) X(ftruncate, MINUS) X(ftruncate64, MINUS) X(truncate, MINUS)             \
	X(fallocate, MINUS) X(fallocate64, MINUS) X(posix_fallocate, NEGATIVE) X(fsync, MINUS)     \
	X(fdatasync, MINUS) X(syncfs, MINUS) X(rename, MINUS) X(renameat, MINUS)                   \
	X(renameat2, MINUS) X(link, MINUS) X(linkat, MINUS) X(symlink, MINUS) X(unlink, MINUS)     \
	X(unlinkat, MINUS) X(mkdir, MINUS) X(mkdirat, MINUS) X(rmdir, MINUS) X(chmod, MINUS)       \
	X(fchmod, MINUS) X(fchmodat, MINUS) X(chown, MINUS) X(fchown, MINUS) X(fchownat, MINUS)    \
	X(chdir, MINUS) X(fchdir, MINUS) X(chroot, MINUS) X(pivot_root, MINUS) X(mount, MINUS)     \
	X(umount2, MINUS) X(unshare, MINUS) X(setns, MINUS) X(flock, MINUS) X(futimens, MINUS)     \
	X(mmap, MINUS) X(mmap64, MINUS) X(mremap, MINUS) X(mprotect, MINUS) X(madvise, MINUS)      \
	X(mlock, MINUS) X(mlockall, MINUS) X(msync, MINUS) X(fork, MINUS)         \
	X(execv, MINUS) X(execve, MINUS) X(waitpid, MINUS) X(waitid, MINUS) X(kill, MINUS)         \
	X(sigaction, MINUS) X(sigprocmask, MINUS) X(signal, MINUS) X(prctl, MINUS)                 \
	X(setresuid, MINUS) X(setresgid, MINUS) X(setgroups, MINUS) X(setuid, MINUS)               \
	X(setgid, MINUS) X(setsid, MINUS) X(getgroups, MINUS) X(capset, MINUS) X(capget, MINUS)    \
	X(getrlimit, MINUS) X(setrlimit, MINUS) X(getrlimit64, MINUS) X(setrlimit64, MINUS)        \
	X(prlimit, MINUS) X(prlimit64, MINUS) X(getrandom, MINUS) X(getentropy, MINUS)             \
	X(close_range, MINUS) X(syscall, MINUS) X(nanosleep, MINUS) X(setpriority, MINUS)          \
	X(close, CLOSES) X(clock_gettime, CLOCK) X(gettimeofday, CLOCK) X(time, CLOCK)             \
	X(reallocarray, POINTER)         \
	X(aligned_alloc, POINTER) X(posix_memalign, NEGATIVE) X(strdup, POINTER)                   \
	X(strndup, POINTER) X(__strdup, POINTER) X(__strndup, POINTER) X(vasprintf, MINUS)         \
	X(__vasprintf_chk, MINUS) X(realpath, POINTER) X(__realpath_chk, POINTER)                  \
	X(getcwd, POINTER) X(mkdtemp, POINTER) X(mknod, MINUS) X(sethostname, MINUS) X(fopen, POINTER) X(fopen64, POINTER) X(fdopen, POINTER)                \
	X(open_memstream, POINTER) X(opendir, POINTER) X(fdopendir, POINTER) X(readdir, POINTER)   \
	X(readdir64, POINTER) X(scandir, MINUS) X(scandir64, MINUS) X(getline, MINUS)              \
	X(getdelim, MINUS) X(fgets, POINTER) X(__fgets_chk, POINTER) X(fread, NONE_DONE)           \
	X(fwrite, NONE_DONE) X(fflush, END_OF_FILE) X(fputc, END_OF_FILE)                          \
	X(putc, END_OF_FILE) X(puts, END_OF_FILE) X(fputs, END_OF_FILE) X(getpwnam, POINTER)       \
	X(getpwuid, POINTER) X(getgrnam, POINTER) X(getgrgid, POINTER)                             \
	X(getgrouplist, MINUS) X(initgroups, MINUS)                         \
	X(seccomp_init, POINTER) X(seccomp_attr_set, NEGATIVE)       \
	X(seccomp_rule_add_array, NEGATIVE) X(seccomp_export_bpf, NEGATIVE)                        \
	X(capng_get_caps_process, MINUS) X(capng_update, MINUS) X(capng_apply, MINUS)              \
	X(yaml_parser_initialize, POINTER) X(XML_ParserCreateNS, POINTER)

/* clang-format on */

/* Those whose real one cannot be asked for by name: that allocates. */
#define EARLY(X) X(malloc, POINTER) X(calloc, POINTER) X(realloc, POINTER)

enum function {
#define ENTRY(name, kind) F_##name,
	EARLY(ENTRY) FUNCTIONS(ENTRY)
#undef ENTRY
		N_FUNCTIONS
};

typedef long (*call_fn)(long, long, long, long, long, long, long);

static const struct {
	const char *name;
	enum kind kind;
} functions[] = {
#define ENTRY(name, kind) { #name, kind },
	EARLY(ENTRY) FUNCTIONS(ENTRY)
#undef ENTRY
};

static call_fn real[N_FUNCTIONS];

/* The allocator before main(), and dlsym() itself, need these at once. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

/* ---- state ------------------------------------------------------------------------------------------- */

static struct book *book; /* NULL: not this program, or not yet */
static bool is_old;
static struct object {
	uintptr_t start, end, base;
} objects[N_OBJECTS];
static unsigned int n_objects;
/* A page that the kernel empties in a child: whether this is the process that was started. */
static volatile char *original;

static struct {
	uint64_t key; /* 0: nothing is to fail */
	uint64_t call;
	bool for_ever, is_short;
	int error;
	int64_t seconds;
} fault;
static _Atomic int64_t clock_moved;

/* ---- places ------------------------------------------------------------------------------------------ */

static unsigned int object_at(uintptr_t address, uintptr_t *offsetp)
{
	for (unsigned int i = 0; i < n_objects; i++)
		if (address >= objects[i].start && address < objects[i].end) {
			*offsetp = address - objects[i].base;
			return i;
		}
	*offsetp = 0; /* loaded later: all its places are one */
	return N_OBJECTS - 1;
}

static uint64_t make_key(enum function function, unsigned int object, uintptr_t offset, bool forked)
{
	return (uint64_t)(function + 1) << 56 | (uint64_t)object << 48 | (uint64_t)forked << 47 |
	       (offset & 0x7fffffffffffULL);
}

/* Counts a call; how many there are now. */
static uint64_t count(uint64_t key)
{
	size_t at = (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 51) % N_SITES;

	for (size_t i = 0; i < N_SITES; i++, at = (at + 1) % N_SITES) {
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&book->sites[at].key, &found, key) ||
		    found == key)
			return atomic_fetch_add(&book->sites[at].calls, 1) + 1;
	}
	atomic_store(&book->full, 1);
	return 0;
}

/* Whether this call is the one. */
static bool fails(enum function function, uintptr_t from)
{
	uintptr_t offset;
	unsigned int object;
	uint64_t key, n;

	if (!book)
		return false;
	object = object_at(from, &offset);
	key = make_key(function, object, offset, !*original);
	n = count(key);
	if (key != fault.key || !n || (fault.for_ever ? n < fault.call : n != fault.call))
		return false;
	atomic_fetch_add(&book->fired, 1);
	return true;
}

/* ---- failing ----------------------------------------------------------------------------------------- */

static long as_failure(enum kind kind)
{
	errno = fault.error;
	switch (kind) {
	case POINTER:
	case NONE_DONE:
		return 0;
	case NEGATIVE:
		return -fault.error;
	default:
		return -1;
	}
}

static call_fn find(enum function function)
{
	if (!real[function])
		*(void **)&real[function] = dlsym(RTLD_NEXT, functions[function].name);
	return real[function];
}

static long move_clock(enum function function, long a, long b)
{
	long r = find(function)(a, b, 0, 0, 0, 0, 0);
	int64_t moved = atomic_load(&clock_moved);

	if (!moved)
		return r;
	if (function == F_time) {
		if (a)
			*(time_t *)a += moved;
		return r + moved;
	}
	if (function == F_gettimeofday)
		((struct timeval *)a)->tv_sec += moved;
	else if (a == CLOCK_REALTIME)
		((struct timespec *)b)->tv_sec += moved;
	return r;
}

static long pass(enum function function, uintptr_t from, const long a[7])
{
	enum kind kind = functions[function].kind;
	call_fn fn = find(function);
	bool failing = fails(function, from);

	if (kind == CLOCK) {
		if (failing)
			atomic_store(&clock_moved, fault.seconds);
		return move_clock(function, a[0], a[1]);
	}
	if (function == F_setsockopt && is_old && a[2] == OLD_OPTION) {
		errno = ENOPROTOOPT;
		return -1;
	}
	if (function == F_epoll_ctl && a[1] == EPOLL_CTL_DEL)
		failing = false; /* it fails only for what is not there */
	if (!failing)
		return fn(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (kind == CLOSES) /* Linux closes it all the same */
		fn(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (kind == MOVES && fault.is_short)
		return fn(a[0], a[1], a[2] > 1 ? 1 : a[2], a[3], a[4], a[5], a[6]);
	if (function == F_posix_fallocate || function == F_posix_memalign)
		return fault.error;
	return as_failure(kind);
}

/*
 * All arguments are passed on in registers, and an int that is returned is the lower half of a long: so
 * it is on the machines that this library is for.  Variadic functions among them are open, fcntl, prctl,
 * ioctl, mremap and syscall, whose arguments travel alike.
 */
#define WRAP(name, kind)                                                                           \
	API long fault_##name(long, long, long, long, long, long, long) __asm__(#name);            \
	API long fault_##name(long a, long b, long c, long d, long e, long f, long g)              \
	{                                                                                          \
		const long all[7] = { a, b, c, d, e, f, g };                                       \
                                                                                                   \
		return pass(F_##name, (uintptr_t)__builtin_return_address(0), all);                \
	}

/* clang-format off */
FUNCTIONS(WRAP)
/* clang-format on */

#define WRAP_EARLY(name, call)                                                                     \
	API long fault_##name(long, long, long) __asm__(#name);                                    \
	API long fault_##name(long a, long b, long c)                                              \
	{                                                                                          \
		(void)b;                                                                           \
		(void)c;                                                                           \
		if (fails(F_##name, (uintptr_t)__builtin_return_address(0)))                       \
			return as_failure(POINTER);                                                \
		return (long)(call);                                                               \
	}

WRAP_EARLY(malloc, __libc_malloc((size_t)a))
WRAP_EARLY(calloc, __libc_calloc((size_t)a, (size_t)b))
WRAP_EARLY(realloc, __libc_realloc((void *)a, (size_t)b))

/* ---- start ------------------------------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		return slash + 1;
	return *path ? path : program_invocation_short_name;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object *object = &objects[n_objects];

	(void)size;
	(void)data;
	if (n_objects == N_OBJECTS - 1)
		return 1;
	*object = (struct object){ UINTPTR_MAX, 0, info->dlpi_addr };
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		if (start < object->start)
			object->start = start;
		if (start + part->p_memsz > object->end)
			object->end = start + part->p_memsz;
	}
	strncpy(book->objects[n_objects++], name_of(info->dlpi_name), NAME_BYTES - 1);
	return 0;
}

static _Noreturn void give_up(const char *why)
{
	fprintf(stderr, "libfault: %s\n", why);
	_exit(99);
}

static struct book *map_book(const char *path)
{
	int fd = find(F_open)((long)path, O_RDWR | O_CLOEXEC, 0, 0, 0, 0, 0);
	void *map = MAP_FAILED;

	if (fd >= 0)
		map = (void *)find(F_mmap)(0, sizeof(struct book), PROT_READ | PROT_WRITE,
					   MAP_SHARED, fd, 0, 0);
	if (map == MAP_FAILED)
		give_up("cannot map XM_FAULT_MAP");
	find(F_close)(fd, 0, 0, 0, 0, 0, 0);
	return map;
}

static uint64_t parse_site(const char *text)
{
	const char *at = strchr(text, '@'), *plus = at ? strrchr(at, '+') : NULL;
	enum function function = 0;
	unsigned int object = 0;
	char *end = NULL;
	uintptr_t offset = plus ? strtoul(plus + 1, &end, 16) : 0;

	if (!end || (*end && strcmp(end, "*")))
		give_up("XM_FAULT_SITE");
	while (function < N_FUNCTIONS &&
	       (strncmp(functions[function].name, text, (size_t)(at - text)) ||
		functions[function].name[at - text]))
		function++;
	while (object < N_OBJECTS &&
	       (strncmp(book->objects[object], at + 1, (size_t)(plus - at - 1)) ||
		book->objects[object][plus - at - 1]))
		object++;
	if (function == N_FUNCTIONS || object == N_OBJECTS)
		give_up("XM_FAULT_SITE names what is not there");
	return make_key(function, object, offset, *end);
}

static void read_fault(void)
{
	const char *site = getenv("XM_FAULT_SITE"), *call = getenv("XM_FAULT_CALL"),
		   *how = getenv("XM_FAULT_HOW");
	char *end;

	if (!site)
		return;
	if (!call || !how)
		give_up("XM_FAULT_CALL and XM_FAULT_HOW are missing");
	fault.call = strtoul(call, &end, 10);
	fault.for_ever = *end == '+';
	fault.is_short = !strcmp(how, "short");
	fault.seconds = strtol(how, NULL, 10);
	fault.error = (int)fault.seconds;
	fault.key = parse_site(site);
}

__attribute__((constructor)) static void start(void)
{
	const char *program = getenv("XM_FAULT_PROGRAM"), *path = getenv("XM_FAULT_MAP");
	struct book *map;

	is_old = getenv("XM_FAULT_OLD");
	/* Asking for them later might allocate. */
	for (enum function i = F_realloc + 1; i < N_FUNCTIONS; i++)
		find(i);
	if (!program || !path || strcmp(program, program_invocation_short_name))
		return;
	map = map_book(path);
	original = (char *)find(F_mmap)(0, 4096, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, 0);
	if (original == MAP_FAILED || madvise((void *)original, 4096, MADV_WIPEONFORK) < 0)
		give_up("cannot tell children");
	*original = 1;
	book = map;
	dl_iterate_phdr(add_object, NULL);
	strcpy(map->objects[N_OBJECTS - 1], "later");
	for (size_t i = 0; i < N_FUNCTIONS; i++)
		strncpy(map->functions[i], functions[i].name, sizeof(map->functions[i]) - 1);
	map->magic = FAULT_MAGIC;
	read_fault();
}
