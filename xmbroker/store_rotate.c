// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From one file of the audit log to the next.  Owns the order of the steps; after each of them the
 * broker may be killed, and the next start goes on without a loss:
 *
 *   1. NAME.new is made, empty, with its reserve of disk space.  (Left over: removed.)
 *   2. The key goes forward.                                      (Epochs skip a number.)
 *   3. NAME becomes NAME.N: it has the number for good.           (NAME missing: renamed back.)
 *   4. NAME.new becomes NAME.               (NAME empty, NAME.N not ended by `rotate`: renamed back.)
 *   5. The server writes `rotate` into the old file, `continue` into the new one, and says so.
 *                                           (NAME empty, NAME.N ended by `rotate`: NAME is used.)
 *
 * A file that lost its name while records went into it is copied into NAME.N after 5, through the
 * descriptor that is still open.  Must never remove a file that holds a record, or let the server write
 * into two.
 */

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmbroker/audit_key.h"
#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

#define COPY_BLOCK 65536

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* ---- steps ------------------------------------------------------------------------------------------- */

int store_make_new(struct store *store, struct store_file *nextp)
{
	struct store_file next;
	char name[NAME_MAX + 1];
	int r;

	store_name_of(store, "new", name);
	unlinkat(store->folder, name, 0); /* of one who was stopped here: it never holds anything */
	r = store_open_file(store, name, O_CREAT | O_EXCL, &next);
	if (r < 0)
		return r;
	if (store->set.reserve && !store->no_reserve &&
	    fallocate(next.fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)store->set.reserve) < 0 &&
	    errno != EOPNOTSUPP && !store->lost_name) {
		r = -errno;
		store_close_file(&next);
		unlinkat(store->folder, name, 0);
		return r;
	}
	next.number = store->now.number + 1;
	*nextp = next;
	return 0;
}

int store_take_key(struct store *store, struct audit_state *state)
{
	struct audit_key key;
	int r;

	if (!store->set.key)
		return 0;
	r = audit_key_advance(store->set.key, &key);
	if (r < 0) {
		log_error("cannot advance the key of the audit log, %s: %s", store->set.key,
			  audit_key_strerror(r));
		return r;
	}
	state->sealed = true;
	state->epoch = store->next_epoch = key.epoch;
	memcpy(state->key, key.bytes, sizeof(state->key));
	sodium_memzero(&key, sizeof(key));
	return 0;
}

int store_move_old(struct store *store)
{
	char name[NAME_MAX + 1];

	store_name(store, store->now.number, name);
	return store_rename(store, store->name, name);
}

int store_place_new(struct store *store)
{
	char name[NAME_MAX + 1];
	int r;

	store_name_of(store, "new", name);
	r = store_rename(store, name, store->name);
	return r < 0 ? r : store_sync_folder(store);
}

int store_tell_new(struct store *store, const struct audit_state *state)
{
	struct channel_message message = {
		.type = CHANNEL_AUDIT,
		.number = store->now.number,
		.fd = store->now.give,
	};
	int r = audit_state_put(state, message.text, sizeof(message.text));

	if (r == 0)
		store->links.tell(store->links.data, &message);
	sodium_memzero(message.text, sizeof(message.text));
	return r;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static void undo_move(struct store *store)
{
	char name[NAME_MAX + 1];

	store_name(store, store->now.number, name);
	store_rename(store, name, store->name);
}

/* What has no name gets a place for its copy, so that its number is taken. */
int store_hold_place(struct store *store)
{
	char name[NAME_MAX + 1];

	store_name(store, store->now.number, name);
	return store_open_at(store, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0640, &store->copy);
}

void store_drop_place(struct store *store)
{
	char name[NAME_MAX + 1];

	if (store->copy < 0)
		return;
	store_name(store, store->now.number, name);
	unlinkat(store->folder, name, 0);
	close(store->copy);
	store->copy = -1;
}

static int change_names(struct store *store)
{
	int r = store->lost_name ? store_hold_place(store) : store_move_old(store);

	if (r < 0)
		return r;
	if (store->lost_name)
		r = store_move_foreign(store);
	if (r == 0)
		r = store_place_new(store);
	if (r == 0)
		return 0;
	if (store->lost_name)
		store_drop_place(store);
	else
		undo_move(store);
	return r;
}

static void give_up(struct store *store, struct store_file *next)
{
	char name[NAME_MAX + 1];

	store_name_of(store, "new", name);
	if (store_is_named(store, name, next->fd))
		unlinkat(store->folder, name, 0);
	store_close_file(next);
}

int store_rotate(struct store *store, const char *reason, int64_t now)
{
	struct audit_state state = { .previous = "none" };
	struct store_file next;
	int r = store_make_new(store, &next);

	if (r < 0)
		return r;
	r = store_take_key(store, &state);
	if (r == 0)
		r = change_names(store);
	if (r < 0) {
		give_up(store, &next);
		sodium_memzero(&state, sizeof(state));
		return r;
	}
	store->left = store->now;
	store->now = next;
	store->asked = true;
	store->answer_at = now + STORE_ANSWER_MS;
	snprintf(store->reason, sizeof(store->reason), "%s", reason);
	snprintf(state.reason, sizeof(state.reason), "%s", reason);
	store_tell_new(store, &state);
	sodium_memzero(&state, sizeof(state));
	return 0;
}

/* ---- the answer -------------------------------------------------------------------------------------- */

void store_leave(struct store *store)
{
	store_trim(store->left.fd);
	store_close_file(&store->left);
	store->lost_name = false;
}

static void done_well(struct store *store)
{
	char name[NAME_MAX + 1];

	/* What follows the removed file must be on the disk before its copy ends the gap. */
	if (store->lost_name && fdatasync(store->now.fd) < 0)
		log_warning("fdatasync of the audit log: %m");
	store_tail_read(store->left.fd, &store->last);
	store_name(store, store->left.number, name);
	log_notice("the audit log goes on in a new file (%s); the old one is %s", store->reason,
		   name);
	store_anchor(store);
	store->epoch = store->next_epoch;
	store->retain_at = 0;
	store_forward_rest(store, store->left.fd);
	store->reserved = store->size = 0;
	store->born = 0;
	store_set_bound(store);
	if (store->lost_name)
		store->copied = 0;
	else
		store_leave(store);
	if (store->failing) {
		store->failing = 0;
		log_notice("the audit log can be written again");
	}
	store_tell_space(store);
}

/* The server stayed with the old file: so do we. */
static void done_badly(struct store *store, int64_t now)
{
	char name[NAME_MAX + 1];
	int r = 0;

	log_error("the server could not go on in a new file of the audit log: the old one stays");
	store_name(store, store->left.number, name);
	if (store->lost_name) {
		if (store_is_named(store, store->name, store->now.fd))
			unlinkat(store->folder, store->name, 0);
		unlinkat(store->folder, name, 0);
		close(store->copy);
		store->copy = -1;
	} else if (renameat(store->folder, name, store->folder, store->name) < 0) {
		r = -errno;
	}
	store_close_file(&store->now);
	store->now = store->left;
	store->left = (struct store_file){ -1, -1, 0 };
	store->lost_name = false;
	store->rotate_at = now + STORE_RETRY_MS;
	if (r < 0)
		log_error("cannot rename %s: %s", name, strerror(-r));
}

void store_done(struct store *store, const struct channel_message *message, int64_t now)
{
	if (!store->asked || message->number != store->now.number) {
		log_error("the server speaks of a file of the audit log that it was not given: "
			  "ending it");
		store->links.end(store->links.data);
		return;
	}
	store->asked = false;
	if (message->ok)
		done_well(store);
	else
		done_badly(store, now);
}

/* ---- what lost its name ------------------------------------------------------------------------------ */

static int copy_some(struct store *store, uint64_t end)
{
	static char block[COPY_BLOCK];

	for (uint64_t did = 0; store->copied < end && did < STORE_COPY_BYTES;) {
		ssize_t n = pread(store->left.fd, block, sizeof(block), (off_t)store->copied);
		ssize_t put = n > 0 ? write(store->copy, block, (size_t)n) : 0;

		if (n < 0 || put < 0)
			return errno == EINTR ? 1 : -errno;
		if (n == 0)
			break;
		store->copied += (uint64_t)put;
		did += (uint64_t)put;
	}
	return store->copied < end;
}

int store_copy_back(struct store *store)
{
	char name[NAME_MAX + 1];
	int r = copy_some(store, size_of(store->left.fd));

	if (r != 0)
		return r;
	if (fsync(store->copy) < 0)
		return -errno;
	r = store_sync_folder(store);
	if (r < 0)
		return r;
	store_name(store, store->left.number, name);
	log_notice("what was removed of the audit log is in %s again (%llu bytes)", name,
		   (unsigned long long)store->copied);
	close(store->copy);
	store->copy = -1;
	store_leave(store);
	return 0;
}

static void say_failing(struct store *store, int error, int64_t now)
{
	struct channel_message message = {
		.type = CHANNEL_AUDIT_SPACE,
		.number = (uint32_t)-error,
		.fd = -1,
	};

	if (store->failing && now < store->say_at)
		return;
	log_error(
		"the audit log %s/%s was removed and cannot be made again (%s): nothing can be "
		"recorded; what has been since then is kept in memory of the kernel only, as long "
		"as xmbroker runs",
		store->path, store->name, strerror(-error));
	store->failing = -error;
	store->say_at = now + STORE_SAY_MS;
	store->links.tell(store->links.data, &message);
}

int store_check_names(struct store *store, int64_t now)
{
	int r;

	store_check_ledger(store, now);
	if (store_folder_is_named(store) && store_is_named(store, store->name, store->now.fd))
		return 0;
	if (store->left.fd >= 0)
		return 0; /* one after the other */
	if (!store->failing)
		log_error("the audit log %s/%s was removed or replaced", store->path, store->name);
	store->lost_name = true;
	r = store_renew_folder(store);
	if (r == 0)
		r = store_rotate(store, "removed", now);
	if (r == 0) {
		store_check_ledger(store, now);
		return 1;
	}
	store->lost_name = false;
	say_failing(store, r, now);
	return r;
}
