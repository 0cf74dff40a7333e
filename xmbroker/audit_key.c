// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key of the audit log on the disk.  Owns the form of the file and the order in which it is
 * replaced.  Must never hand out a key that the file still holds, nor leave one in memory.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/audit_key.h"

#define HEAD "xmbroker-audit-key:1 epoch="
#define TEXT_MAX 160

/* ---- text -------------------------------------------------------------------------------------------- */

static size_t put(char text[TEXT_MAX], const struct audit_key *key)
{
	char hex[2 * AUDIT_KEY_BYTES + 1];
	int n;

	sodium_bin2hex(hex, sizeof(hex), key->bytes, sizeof(key->bytes));
	n = snprintf(text, TEXT_MAX, HEAD "%" PRIu64 " key=%s\n", key->epoch, hex);
	sodium_memzero(hex, sizeof(hex));
	return (size_t)n;
}

/* Good is what put() would write, to the byte. */
static int parse(const char *text, struct audit_key *keyp)
{
	struct audit_key key = { 0 };
	char again[TEXT_MAX];
	const char *hex = strstr(text, " key=");
	size_t len = 0;
	int r = -EBADMSG;

	if (hex && sscanf(text, HEAD "%" SCNu64, &key.epoch) == 1 &&
	    sodium_hex2bin(key.bytes, sizeof(key.bytes), hex + 5, strcspn(hex + 5, "\n"), NULL,
			   &len, NULL) == 0 &&
	    len == sizeof(key.bytes) && key.epoch > 0 && key.epoch < UINT64_MAX) {
		put(again, &key);
		r = strcmp(text, again) ? -EBADMSG : 0;
	}
	if (r == 0)
		*keyp = key;
	sodium_memzero(again, sizeof(again));
	sodium_memzero(&key, sizeof(key));
	return r;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, r;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r == -EINVAL ? 0 : r; /* of a file system that has no disk */
}

static int write_text(int fd, const struct audit_key *key)
{
	char text[TEXT_MAX];
	size_t len = put(text, key);
	ssize_t n = pwrite(fd, text, len, 0);
	int r = 0;

	if (n != (ssize_t)len)
		r = n < 0 ? -errno : -ENOSPC;
	else if (ftruncate(fd, (off_t)len) < 0 || fsync(fd) < 0)
		r = -errno;
	sodium_memzero(text, sizeof(text));
	return r;
}

static int write_new(const char *path, const struct audit_key *key)
{
	int fd, r;

	unlink(path); /* of one who was stopped in the middle */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_text(fd, key);
	close(fd);
	if (r < 0)
		unlink(path);
	return r;
}

static int new_path(const char *path, char new[PATH_MAX])
{
	int n = snprintf(new, PATH_MAX, "%s.new", path);

	return n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int audit_key_create(const char *path, uint8_t first[AUDIT_KEY_BYTES])
{
	struct audit_key key = { .epoch = 1 };
	char new[PATH_MAX];
	int r = new_path(path, new);

	if (r == 0 && sodium_init() < 0)
		r = -EIO;
	if (r < 0)
		return r;
	randombytes_buf(first, AUDIT_KEY_BYTES);
	memcpy(key.bytes, first, sizeof(key.bytes));
	audit_epoch_next(key.bytes);
	r = write_new(new, &key);
	sodium_memzero(&key, sizeof(key));
	/* Unlike rename(), this never replaces one that is there. */
	if (r == 0 && link(new, path) < 0)
		r = -errno;
	unlink(new);
	if (r == 0)
		r = sync_folder_of(path);
	if (r < 0)
		sodium_memzero(first, AUDIT_KEY_BYTES);
	return r;
}

static int check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == 0) &&
			       !(st.st_mode & 077)
		       ? 0
		       : -EPERM;
}

static int read_fd(int fd, struct audit_key *keyp)
{
	char text[TEXT_MAX + 1];
	ssize_t n = pread(fd, text, TEXT_MAX, 0);
	int r;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	r = strlen(text) == (size_t)n ? parse(text, keyp) : -EBADMSG;
	sodium_memzero(text, sizeof(text));
	return r;
}

static int open_key(const char *path, int flags, int *fdp)
{
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	r = check(fd);
	if (r == 0)
		*fdp = fd;
	else
		close(fd);
	return r;
}

int audit_key_read(const char *path, struct audit_key *keyp)
{
	int fd, r = open_key(path, O_RDONLY, &fd);

	if (r < 0)
		return r;
	r = read_fd(fd, keyp);
	close(fd);
	return r;
}

/* The spare file keeps its place on the disk, so that a key can be advanced when the disk is full. */
static int write_spare(const char *path, const struct audit_key *key)
{
	int fd, r = open_key(path, O_WRONLY, &fd);

	if (r < 0)
		return write_new(path, key);
	r = write_text(fd, key);
	close(fd);
	return r;
}

/* What it held must not stay on the disk. */
static void overwrite(int fd)
{
	static const char zeros[TEXT_MAX];

	if (pwrite(fd, zeros, sizeof(zeros), 0) == (ssize_t)sizeof(zeros))
		fdatasync(fd);
}

static int replace(const char *path, const struct audit_key *key)
{
	char new[PATH_MAX];
	int r = new_path(path, new);

	if (r == 0)
		r = write_spare(new, key);
	if (r < 0)
		return r;
	/* The old one becomes the spare. */
	if (renameat2(AT_FDCWD, new, AT_FDCWD, path, RENAME_EXCHANGE) < 0 && rename(new, path) < 0)
		return -errno;
	return sync_folder_of(path);
}

int audit_key_advance(const char *path, struct audit_key *keyp)
{
	struct audit_key key, next;
	int fd, r = open_key(path, O_RDWR, &fd);

	if (r < 0)
		return r;
	r = read_fd(fd, &key);
	if (r == 0) {
		next = key;
		next.epoch++;
		audit_epoch_next(next.bytes);
		r = replace(path, &next);
		sodium_memzero(&next, sizeof(next));
	}
	if (r == 0) {
		overwrite(fd);
		*keyp = key;
	}
	sodium_memzero(&key, sizeof(key));
	close(fd);
	return r;
}

const char *audit_key_strerror(int error)
{
	switch (error) {
	case -EBADMSG:
		return "it is damaged";
	case -EPERM:
		return "it must be a regular file of the user that xmbroker is started as, with "
		       "mode 0600";
	default:
		return strerror(-error);
	}
}
