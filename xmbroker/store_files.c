// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names in the folder of the audit log.  Owns how files are named, opened and locked.  Must never
 * follow a symbolic link to a file, replace a file that it did not make, or take for the log what
 * others may write.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/audit_ledger.h"
#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

#define DIGITS 6      /* of a rotated file's number, at least */
#define LOCK_TRIES 20 /* for a server of one that was just killed to be gone */
#define LOCK_PAUSE_NS 100000000

/* ---- names ------------------------------------------------------------------------------------------- */

void store_name(const struct store *store, uint32_t number, char name[NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, "%s.%0*u", store->name, DIGITS, number);
}

void store_name_of(const struct store *store, const char *what, char name[NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, "%s.%s", store->name, what);
}

/* The number in the name of a rotated file; 0: it is none. */
static uint32_t number_of(const struct store *store, const char *name)
{
	size_t len = strlen(store->name), digits;
	char again[NAME_MAX + 1];
	unsigned long number;

	if (strncmp(name, store->name, len) != 0 || name[len] != '.')
		return 0;
	digits = strspn(name + len + 1, "0123456789");
	if (digits < DIGITS || digits > 10 || name[len + 1 + digits])
		return 0;
	number = strtoul(name + len + 1, NULL, 10);
	if (number == 0 || number >= UINT32_MAX)
		return 0;
	store_name(store, (uint32_t)number, again);
	return strcmp(name, again) ? 0 : (uint32_t)number;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int add(struct store_list *list, uint32_t number)
{
	uint32_t *more;

	if (list->n % 64 == 0) {
		more = realloc(list->number, (list->n + 64) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->number = more;
	}
	list->number[list->n++] = number;
	return 0;
}

int store_list(const struct store *store, struct store_list *listp)
{
	struct store_list list = { 0 };
	int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	for (errno = 0; r == 0 && (entry = readdir(dir)) != NULL; errno = 0) {
		uint32_t number = number_of(store, entry->d_name);

		if (number)
			r = add(&list, number);
	}
	if (r == 0)
		r = -errno;
	closedir(dir);
	if (r < 0) {
		store_list_deinit(&list);
		return r;
	}
	if (list.n)
		qsort(list.number, list.n, sizeof(list.number[0]), compare);
	*listp = list;
	return 0;
}

void store_list_deinit(struct store_list *list)
{
	free(list->number);
	*list = (struct store_list){ 0 };
}

/* ---- the folder -------------------------------------------------------------------------------------- */

static int check_folder(struct store *store, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	store->folder_mode = st.st_mode & 07777;
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
		log_error("everybody may write to %s, and so remove the audit log", store->path);
		return -EPERM;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0)
		log_warning("the user %u owns %s, and may remove the audit log", st.st_uid,
			    store->path);
	else if ((st.st_mode & S_IWGRP) && !(st.st_mode & S_ISVTX))
		log_warning("the group %u may write to %s, and so remove the audit log", st.st_gid,
			    store->path);
	return 0;
}

int store_open_folder(struct store *store)
{
	int fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = check_folder(store, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	if (store->folder >= 0)
		close(store->folder);
	store->folder = fd;
	return 0;
}

bool store_folder_is_named(const struct store *store)
{
	struct stat named, ours;

	return fstat(store->folder, &ours) == 0 && stat(store->path, &named) == 0 &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

int store_renew_folder(struct store *store)
{
	mode_t mode = store->folder_mode;
	struct stat st;

	if (store_folder_is_named(store))
		return 0;
	if (stat(store->path, &st) < 0 && errno == ENOENT) {
		if (mkdir(store->path, mode & 0750) < 0)
			return -errno;
		log_warning("the audit log's folder %s was removed: it is made again", store->path);
	}
	return store_open_folder(store);
}

int store_sync_folder(const struct store *store)
{
	if (fsync(store->folder) == 0 || errno == EINVAL)
		return 0;
	return -errno;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int check_file(const char *name, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		log_error("%s, of the audit log, is not a regular file", name);
		return -EINVAL;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		log_error(
			"%s, of the audit log, belongs to user %u, not to the one that xmbroker is "
			"started as",
			name, st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		log_error("%s, of the audit log, can be written by others: take that right away "
			  "(chmod go-w)",
			  name);
		return -EPERM;
	}
	return 0;
}

int store_open_at(const struct store *store, const char *name, int flags, mode_t mode, int *fdp)
{
	int fd = openat(store->folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode), r;

	if (fd < 0)
		return -errno;
	r = check_file(name, fd);
	if (r < 0)
		close(fd);
	else
		*fdp = fd;
	return r;
}

static bool same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

int store_open_file(const struct store *store, const char *name, int flags,
		    struct store_file *filep)
{
	struct store_file file = { -1, -1, 0 };
	int r = store_open_at(store, name, O_RDWR | O_APPEND | flags, 0640, &file.fd);

	/* A description of its own: whatever the server does to the flags of its one, ours appends. */
	if (r == 0)
		r = store_open_at(store, name, O_WRONLY | O_APPEND, 0, &file.give);
	if (r == 0 && !same(file.fd, file.give))
		r = -EAGAIN; /* somebody is exchanging it at this moment */
	if (r < 0)
		store_close_file(&file);
	else
		*filep = file;
	return r;
}

void store_close_file(struct store_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->give >= 0)
		close(file->give);
	*file = (struct store_file){ -1, -1, 0 };
}

bool store_is_named(const struct store *store, const char *name, int fd)
{
	struct stat named, ours;

	return fstat(fd, &ours) == 0 &&
	       fstatat(store->folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

int store_rename(const struct store *store, const char *from, const char *to)
{
	struct stat st;

	if (renameat2(store->folder, from, store->folder, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system that cannot promise it. */
	if (fstatat(store->folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(store->folder, from, store->folder, to) < 0 ? -errno : 0;
}

int store_move_foreign(const struct store *store)
{
	char name[NAME_MAX + 1], what[32];
	int r = -EEXIST;

	for (unsigned int i = 1; r == -EEXIST && i < 1000000; i++) {
		snprintf(what, sizeof(what), "foreign-%06u", i);
		store_name_of(store, what, name);
		r = store_rename(store, store->name, name);
	}
	if (r == 0)
		log_warning("what somebody put in the place of the audit log is now %s/%s",
			    store->path, name);
	return r == -ENOENT ? 0 : r;
}

/* ---- ledger ------------------------------------------------------------------------------------------ */

/* Whether it holds a ledger, or nothing yet: only zeros, in case its maker was killed. */
static bool is_ledger(int fd, size_t size)
{
	static char bytes[AUDIT_LEDGER_SIZE];
	const uint64_t magic = AUDIT_LEDGER_MAGIC;

	if (size > sizeof(bytes) || pread(fd, bytes, size, 0) != (ssize_t)size)
		return false;
	if (size >= sizeof(magic) && !memcmp(bytes, &magic, sizeof(magic)))
		return true;
	return size == 0 || (!bytes[0] && !memcmp(bytes, bytes + 1, size - 1));
}

/* Nothing of somebody else is cut or written over because of its name. */
static int check_ledger(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_nlink != 1)
		return -EMLINK;
	return is_ledger(fd, (size_t)st.st_size) ? 0 : -EMEDIUMTYPE;
}

/* All its blocks: who writes to a mapped hole on a full disk is killed. */
static int fill(int fd)
{
	static const char zeros[AUDIT_LEDGER_SIZE];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (fallocate(fd, 0, 0, AUDIT_LEDGER_SIZE) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	if (st.st_size >= AUDIT_LEDGER_SIZE)
		return 0;
	if (pwrite(fd, zeros, sizeof(zeros) - (size_t)st.st_size, st.st_size) < 0)
		return -errno;
	return fstat(fd, &st) < 0 || st.st_size != AUDIT_LEDGER_SIZE ? -ENOSPC : 0;
}

/*
 * The lock goes with the open file, which the server shares and keeps mapped: it holds until both are
 * gone, so no second broker can read the end of a log to which the first one's server still appends.
 */
static int lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (unsigned int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static void say_ledger(const struct store *store, const char *name, int error)
{
	if (error == EBUSY)
		log_error("another xmbroker writes the audit log %s/%s", store->path, store->name);
	else if (error == EMLINK)
		log_error("%s/%s, of the audit log, has other names too, or none: remove them, or "
			  "move it away",
			  store->path, name);
	else if (error == EMEDIUMTYPE)
		log_error("%s/%s is not a ledger of the audit log, or damaged: move it away (a new "
			  "one is made; what was counted in it is not recorded)",
			  store->path, name);
	else
		log_error("cannot use %s/%s: %s", store->path, name, strerror(error));
}

static int open_ledger(struct store *store, int flags, int *fdp)
{
	char name[NAME_MAX + 1];
	int fd, r;

	store_name_of(store, "ledger", name);
	r = store_open_at(store, name, O_RDWR | O_CREAT | flags, 0600, &fd);
	if (r < 0)
		return r;
	r = lock(fd);
	if (r == 0)
		r = check_ledger(fd);
	if (r == 0)
		r = fill(fd);
	if (r < 0)
		close(fd);
	else
		*fdp = fd;
	return r;
}

int store_lock_ledger(struct store *store)
{
	char name[NAME_MAX + 1];
	int r = open_ledger(store, 0, &store->ledger);

	store_name_of(store, "ledger", name);
	if (r < 0)
		say_ledger(store, name, -r);
	return r;
}

/* Whether the ledger of this name is still the one that is locked. */
void store_check_ledger(struct store *store, int64_t now)
{
	int *fdp = store->spare_ledger >= 0 ? &store->spare_ledger : &store->ledger;
	char name[NAME_MAX + 1];
	int fd, r;

	store_name_of(store, "ledger", name);
	if (store_is_named(store, name, *fdp))
		return;
	r = open_ledger(store, O_EXCL, &fd);
	if (r < 0 && now >= store->ledger_say_at) {
		say_ledger(store, name, -r);
		store->ledger_say_at = now + STORE_SAY_MS;
	}
	if (r < 0)
		return;
	store->ledger_say_at = 0;
	log_warning("the ledger of the audit log was removed: it is made again");
	if (store->spare_ledger >= 0)
		close(store->spare_ledger);
	store->spare_ledger = fd;
}

int store_use_spare_ledger(struct store *store)
{
	static char bytes[AUDIT_LEDGER_SIZE];

	if (store->spare_ledger < 0)
		return 0;
	if (pread(store->ledger, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
	    pwrite(store->spare_ledger, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -EIO;
	close(store->ledger);
	store->ledger = store->spare_ledger;
	store->spare_ledger = -1;
	return 0;
}
