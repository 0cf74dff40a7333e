// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The audit log at rest, before a server begins to write: what a removal left is copied back, a rotation
 * that was broken off is undone, the current file is opened and its end read.  Must never remove or
 * replace a file that holds a record.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* Nobody writes to what is left any more: brings all of it back. */
static int finish_left(struct store *store)
{
	int r = 0;

	if (store->left.fd < 0)
		return 0;
	store->asked = false;
	if (store->lost_name && store->copy < 0)
		return -EIO;
	while (store->lost_name && (r = store_copy_back(store)) > 0)
		;
	if (r < 0)
		return r;
	if (store->left.fd >= 0)
		store_leave(store);
	return 0;
}

/* The current file lost its name, and no server is there that could be told. */
static int bring_back(struct store *store)
{
	int r;

	if (store->now.fd < 0 ||
	    (store_folder_is_named(store) && store_is_named(store, store->name, store->now.fd)))
		return 0;
	log_error("the audit log %s/%s was removed or replaced", store->path, store->name);
	r = store_renew_folder(store);
	if (r == 0)
		r = store_hold_place(store);
	if (r == 0)
		r = store_move_foreign(store);
	if (r < 0) {
		if (store->copy >= 0)
			store_drop_place(store);
		return r;
	}
	store->left = store->now;
	store->now = (struct store_file){ -1, -1, 0 };
	store->lost_name = true;
	store->copied = 0;
	return finish_left(store);
}

/* Reads a rotated file's end. */
static int read_rotated(struct store *store, uint32_t number, struct store_tail *tailp)
{
	char name[NAME_MAX + 1];
	int fd, r;

	store_name(store, number, name);
	r = store_open_at(store, name, O_RDONLY, 0, &fd);
	if (r < 0)
		return r;
	r = store_tail_read(fd, tailp);
	close(fd);
	return r;
}

/* Whether the newest rotated file is not finished, and nothing is in the one after it. */
static int is_half_done(struct store *store, uint32_t newest, bool *yesp)
{
	struct store_tail tail;
	struct stat st;
	int r;

	*yesp = false;
	if (!newest)
		return 0;
	if (fstatat(store->folder, store->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISREG(st.st_mode) || st.st_size > 0)
			return 0;
	} else if (errno != ENOENT) {
		return -errno;
	}
	r = read_rotated(store, newest, &tail);
	if (r == 0)
		*yesp = !tail.rotated || tail.torn;
	return r;
}

static int undo_rotation(struct store *store, uint32_t newest)
{
	char name[NAME_MAX + 1];
	int r;

	store_name(store, newest, name);
	/* Onto an empty file, or nothing: is_half_done() has looked. */
	if (renameat(store->folder, name, store->folder, store->name) < 0)
		return -errno;
	r = store_sync_folder(store);
	log_notice("a rotation of the audit log had been broken off: %s is the current file again",
		   name);
	return r;
}

static int newest_of(struct store *store, uint32_t *newestp)
{
	struct store_list list;
	int r = store_list(store, &list);

	if (r < 0)
		return r;
	*newestp = list.n ? list.number[list.n - 1] : 0;
	store_list_deinit(&list);
	return 0;
}

static int open_current(struct store *store, uint32_t newest)
{
	int r = store_open_file(store, store->name, O_CREAT, &store->now);

	if (r < 0) {
		log_error("cannot open the audit log %s/%s: %s", store->path, store->name,
			  r == -ELOOP ? "it is a symbolic link" : strerror(-r));
		return r;
	}
	store->now.number = newest + 1;
	store->reserved = 0;
	store->born = 0;
	store->size = store->forwarded = size_of(store->now.fd);
	r = store_sync_folder(store);
	if (r == 0)
		r = store_tail_read(store->now.fd, &store->last);
	if (r == 0 && !store->last.seq && newest) {
		struct store_tail before;

		r = read_rotated(store, newest, &before);
		before.torn = store->last.torn;
		memcpy(before.torn_hash, store->last.torn_hash, sizeof(before.torn_hash));
		if (r == 0)
			store->last = before;
	}
	if (r < 0)
		log_error("cannot read the audit log %s/%s: %s", store->path, store->name,
			  strerror(-r));
	return r;
}

int store_settle(struct store *store)
{
	char name[NAME_MAX + 1];
	uint32_t newest;
	bool half;
	int r = finish_left(store);

	if (r == 0)
		r = bring_back(store);
	if (r < 0) {
		log_error("cannot bring back what was removed of the audit log: %s", strerror(-r));
		return r;
	}
	store_close_file(&store->now);
	store_name_of(store, "new", name);
	unlinkat(store->folder, name, 0);
	r = newest_of(store, &newest);
	if (r == 0)
		r = is_half_done(store, newest, &half);
	if (r == 0 && half) {
		r = undo_rotation(store, newest);
		if (r == 0)
			r = newest_of(store, &newest);
	}
	if (r < 0) {
		log_error("cannot look through the audit log in %s: %s", store->path, strerror(-r));
		return r;
	}
	return open_current(store, newest);
}
