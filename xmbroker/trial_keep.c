// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The policy that was confirmed last, on the disk, for a broker that ends while another one is
 * unconfirmed.  Owns the file NAME.confirmed beside the audit log.  Must never put it in the place of
 * any other policy than the very one that was not confirmed: who corrects the files gets what is in
 * them.
 *
 * The file is the digest of the unconfirmed policy and then the image of the confirmed one.  It is
 * there as long as the files of the policy are those of a policy that nobody confirmed: also after it
 * was rolled back, since they still are.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/image.h"
#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

#define KEPT "confirmed" /* the end of its name */
#define MAGIC "xmbroker-trial:1"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct kept_head {
	char magic[sizeof(MAGIC) - 1];
	uint8_t digest[POLICY_DIGEST]; /* of the policy that is unconfirmed */
};

static int read_at(int fd, void *bytes, size_t len, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, bytes, len, at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Everything from `at` on, which is an image: no more than one can be. */
static int copy(int from, off_t at, int to)
{
	static char bytes[65536];
	size_t done = 0;
	int n, r = 0;

	while (r == 0 && (n = read_at(from, bytes, sizeof(bytes), at)) != 0) {
		if (n < 0)
			return n;
		done += (size_t)n;
		at += n;
		r = done > POLICY_IMAGE_MAX ? -EFBIG : write_all(to, bytes, (size_t)n);
	}
	return r == 0 && done == 0 ? -EBADMSG : r;
}

static int digest_of(int image, uint8_t digest[POLICY_DIGEST])
{
	int n = read_at(image, digest, POLICY_DIGEST, POLICY_IMAGE_DIGEST_AT);

	return n == POLICY_DIGEST ? 0 : n < 0 ? n : -EBADMSG;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static int fill(int fd, int unconfirmed, int confirmed)
{
	struct kept_head head = { .magic = { 0 } };
	int r = digest_of(unconfirmed, head.digest);

	memcpy(head.magic, MAGIC, sizeof(head.magic));
	if (r == 0)
		r = write_all(fd, &head, sizeof(head));
	if (r == 0)
		r = copy(confirmed, 0, fd);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int write_new(const struct supervisor *s, const char *name, int unconfirmed, int confirmed)
{
	int fd, r;

	unlinkat(s->store.folder, name, 0); /* of one who was stopped in the middle */
	r = store_open_at(&s->store, name, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd);
	if (r < 0)
		return r;
	r = fill(fd, unconfirmed, confirmed);
	close(fd);
	return r;
}

void trial_keep_write(const struct supervisor *s, int unconfirmed, int confirmed)
{
	char name[NAME_MAX + 1], new[NAME_MAX + 1];
	int r;

	if (!store_is_open(&s->store)) {
		log_warning("without an audit log there is no folder to keep the confirmed policy "
			    "in: if xmbroker ends before, the unconfirmed one is in force after "
			    "the next start");
		return;
	}
	store_name_of(&s->store, KEPT, name);
	store_name_of(&s->store, KEPT ".new", new);
	r = write_new(s, new, unconfirmed, confirmed);
	if (r == 0 && renameat(s->store.folder, new, s->store.folder, name) < 0)
		r = -errno;
	if (r == 0)
		r = store_sync_folder(&s->store);
	if (r == 0)
		return;
	unlinkat(s->store.folder, new, 0);
	log_error("cannot keep the confirmed policy in %s/%s (%s): if xmbroker ends before, the "
		  "unconfirmed one is in force after the next start",
		  s->store.path, name, strerror(-r));
}

void trial_keep_forget(const struct supervisor *s)
{
	char name[NAME_MAX + 1];

	if (!store_is_open(&s->store))
		return;
	store_name_of(&s->store, KEPT, name);
	if (unlinkat(s->store.folder, name, 0) == 0)
		store_sync_folder(&s->store);
	else if (errno != ENOENT)
		log_error("cannot remove %s/%s (%s): remove it, or the policy before this one "
			  "comes back at the next start",
			  s->store.path, name, strerror(errno));
}

/* ---- start ------------------------------------------------------------------------------------------- */

/* Whether the policy that was just compiled is the one that was not confirmed; or -errno. */
static int is_unconfirmed(const struct supervisor *s, int fd)
{
	uint8_t digest[POLICY_DIGEST];
	struct kept_head head;
	int r = read_at(fd, &head, sizeof(head), 0);

	if (r < 0)
		return r;
	if (r != (int)sizeof(head) || memcmp(head.magic, MAGIC, sizeof(head.magic)))
		return -EBADMSG;
	if (s->image < 0)
		return true; /* what was good and is not this one would have removed the file */
	r = digest_of(s->image, digest);
	return r < 0 ? r : !memcmp(digest, head.digest, sizeof(digest));
}

static int load(int fd, int *imagep)
{
	int image = compile_make_memory(), r;

	if (image < 0)
		return image;
	r = copy(fd, sizeof(struct kept_head), image);
	if (r == 0 && fcntl(image, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r < 0)
		close(image);
	else
		*imagep = image;
	return r;
}

static void say_why(struct supervisor *s, const char *name)
{
	if (s->image < 0) {
		trial_note(s, "the files are bad: this is the policy that was confirmed last");
		log_error("the policy in the files is bad, and what was in them before was never "
			  "confirmed: the one that was confirmed last is in force, not what is in "
			  "the files; correct them and say `xmbrokerctl reload'");
	} else {
		trial_note(s, "the files were never confirmed: this is the policy that was");
		log_warning("the policy in the files was never confirmed: the one that was "
			    "confirmed last "
			    "is in force; to have what is in the files say `xmbrokerctl reload', "
			    "or remove "
			    "%s/%s before the next start",
			    s->store.path, name);
	}
}

static int start_with(struct supervisor *s, const char *name, int fd)
{
	int image, r = is_unconfirmed(s, fd);

	if (r == 0)
		trial_keep_forget(s); /* the files have been changed since */
	if (r <= 0)
		return r;
	r = load(fd, &image);
	if (r < 0)
		return r;
	say_why(s, name);
	if (s->image >= 0)
		close(s->image);
	s->image = image;
	return 0;
}

bool trial_keep_is_there(const char *audit)
{
	char path[PATH_MAX];
	struct stat st;

	return audit && snprintf(path, sizeof(path), "%s." KEPT, audit) < (int)sizeof(path) &&
	       lstat(path, &st) == 0;
}

int trial_keep_start(struct supervisor *s)
{
	char name[NAME_MAX + 1];
	int fd, r;

	if (!store_is_open(&s->store))
		return s->image < 0 ? -ENOENT : 0;
	store_name_of(&s->store, KEPT, name);
	r = store_open_at(&s->store, name, O_RDONLY, 0, &fd);
	if (r == -ENOENT && s->image >= 0)
		return 0;
	if (r == 0) {
		r = start_with(s, name, fd);
		close(fd);
	}
	if (r < 0 && s->image < 0)
		s->exit_code = SUPERVISOR_BAD_POLICY;
	if (r < 0)
		log_error("%s/%s, the policy that was confirmed last, cannot be used (%s): remove "
			  "it to start with what is in the files of the policy",
			  s->store.path, name, strerror(-r));
	return r;
}
