// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Disk space for the audit log.  Owns the reserve: blocks behind the end of the current file that are
 * its own, so that others who fill the disk do not stop it at once, and somebody hears of it while
 * records can still be written; and how far a file may grow before who writes it is no honest server.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

#define LOW_MS 5000 /* without want, after which there is room again */

void store_tell_space(struct store *store)
{
	struct channel_message message = {
		.type = CHANNEL_AUDIT_SPACE,
		.ok = !store->low,
		.fd = -1,
	};

	if (store->failing) {
		message.ok = false;
		message.number = (uint32_t)store->failing;
	}
	store->links.tell(store->links.data, &message);
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/*
 * From the size that it has: what is large already, since we could not rotate it, ends nobody.  The
 * kernel's own limit would: it holds for one file as for the other, and kills the honest one.
 */
void store_set_bound(struct store *store)
{
	uint64_t size = size_of(store->now.fd);

	if (size < store->set.rotate_size)
		size = store->set.rotate_size;
	store->bound = store->set.rotate_size ? size + STORE_GROWTH : UINT64_MAX;
}

bool store_keeps_bound(const struct store *store)
{
	uint64_t now = size_of(store->now.fd), left = store->asked ? size_of(store->left.fd) : 0;
	uint64_t larger = now > left ? now : left;

	if (larger <= store->bound)
		return true;
	log_error(
		"the server wrote %llu MiB into a file of the audit log %s/%s that may have %llu: "
		"ending it",
		(unsigned long long)(larger >> 20), store->path, store->name,
		(unsigned long long)(store->bound >> 20));
	return false;
}

void store_trim(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && ftruncate(fd, st.st_size) < 0)
		log_warning(
			"the reserve of a rotated file of the audit log cannot be given back: %m");
}

/* Where nothing can be reserved, at least look. */
static bool is_room(const struct store *store)
{
	struct statvfs fs;

	return fstatvfs(store->now.fd, &fs) < 0 ||
	       (uint64_t)fs.f_bavail * fs.f_frsize >= store->set.reserve;
}

static bool top_up(struct store *store, uint64_t size)
{
	uint64_t wanted = size + store->set.reserve;

	if (store->no_reserve)
		return is_room(store);
	if (!store->low && wanted == store->reserved)
		return true;
	if (fallocate(store->now.fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)store->set.reserve) ==
	    0) {
		store->reserved = wanted;
		return true;
	}
	if (errno == EOPNOTSUPP || errno == ENOSYS) {
		store->no_reserve = true;
		log_warning(
			"the file system of %s cannot reserve disk space for the audit log: its "
			"free space is watched instead",
			store->path);
		return is_room(store);
	}
	return errno == EINTR;
}

static void change(struct store *store, bool low, int64_t now)
{
	if (low && now >= store->say_at) {
		log_error("the disk of the audit log (%s) is nearly full: less than %llu MiB are "
			  "left; "
			  "refused calls are counted from here on, not recorded one by one",
			  store->path, (unsigned long long)(store->set.reserve >> 20));
		store->say_at = now + STORE_SAY_MS;
	}
	if (low == store->low)
		return;
	store->low = low;
	if (!low) {
		log_notice("there is disk space for the audit log again");
		store->say_at = 0;
	}
	if (store->serving)
		store_tell_space(store);
}

void store_check_space(struct store *store, int64_t now)
{
	struct stat st;
	bool room;

	if (!store->set.reserve || store->now.fd < 0 || fstat(store->now.fd, &st) < 0)
		return;
	if ((uint64_t)st.st_size < store->size) {
		log_error("somebody cut the audit log %s/%s short: %llu bytes are gone",
			  store->path, store->name,
			  (unsigned long long)(store->size - (uint64_t)st.st_size));
		store->reserved = 0;
	}
	store->size = (uint64_t)st.st_size;
	room = top_up(store, store->size);
	if (!room)
		store->low_at = now + LOW_MS;
	if (!room || store->low)
		change(store, !room || now < store->low_at, now);
}
