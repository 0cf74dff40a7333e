// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The oldest files of the audit log go.  Owns which, and that the log says so before they are gone.
 * Must never delete the current file or the newest rotated one, which carry number and chain on.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

#define DAY 86400

struct choice {
	size_t files; /* of the list, from its beginning */
	const char *reason;
};

static int size_of(const struct store *store, uint32_t number, struct stat *st)
{
	char name[NAME_MAX + 1];

	store_name(store, number, name);
	return fstatat(store->folder, name, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static uint64_t total_of(const struct store *store, const struct store_list *list)
{
	uint64_t total = store->size;
	struct stat st;

	for (size_t i = 0; i < list->n; i++)
		if (size_of(store, list->number[i], &st) == 0)
			total += (uint64_t)st.st_size;
	return total;
}

static struct choice choose(const struct store *store, const struct store_list *list)
{
	uint64_t total = total_of(store, list);
	struct choice choice = { 0, "age" };
	int64_t oldest = store->set.keep_age ? time(NULL) - store->set.keep_age : INT64_MIN;

	while (choice.files + 1 < list->n) {
		bool big = store->set.keep_size && total > store->set.keep_size;
		struct stat st = { 0 };

		/* Gone already: there is nothing left to keep. */
		if (size_of(store, list->number[choice.files], &st) == 0 && !big &&
		    st.st_mtime >= oldest)
			break;
		if (big)
			choice.reason = "size";
		total -= (uint64_t)st.st_size;
		choice.files++;
	}
	return choice;
}

/* The number of the first record in a rotated file. */
static int first_of(const struct store *store, uint32_t number, uint64_t *seqp)
{
	char name[NAME_MAX + 1];
	int64_t when;
	int fd, r;

	store_name(store, number, name);
	r = store_open_at(store, name, O_RDONLY, 0, &fd);
	if (r < 0)
		return r;
	r = store_first_read(fd, seqp, &when);
	close(fd);
	return r;
}

static int note(struct store *store, const struct store_list *list, const struct choice *choice)
{
	struct audit_note what = {
		.files = (uint32_t)choice->files,
		.reason = choice->reason,
	};
	struct channel_message message = { .type = CHANNEL_AUDIT_NOTE, .fd = -1 };
	int r = first_of(store, list->number[choice->files], &what.first);

	if (r == 0)
		r = audit_note_put(&what, message.text, sizeof(message.text));
	if (r < 0)
		return r;
	store->noted = list->number[choice->files - 1];
	store->links.tell(store->links.data, &message);
	return 0;
}

void store_retain(struct store *store, int64_t now)
{
	struct store_list list;
	struct choice choice;
	int r;

	if (store->noted || now < store->retain_at)
		return;
	store->retain_at = now + STORE_RETAIN_MS;
	if (!store->set.keep_size && !store->set.keep_age)
		return;
	r = store_list(store, &list);
	if (r == 0) {
		choice = choose(store, &list);
		if (choice.files)
			r = note(store, &list, &choice);
		store_list_deinit(&list);
	}
	if (r < 0)
		log_error("cannot delete old files of the audit log in %s: %s", store->path,
			  strerror(-r));
	store->answer_at = now + STORE_ANSWER_MS;
}

static void delete_up_to(struct store *store, uint32_t last)
{
	struct store_list list;
	char name[NAME_MAX + 1];
	unsigned int n = 0;
	int r = store_list(store, &list);

	for (size_t i = 0; r == 0 && i + 1 < list.n && list.number[i] <= last; i++) {
		store_name(store, list.number[i], name);
		if (unlinkat(store->folder, name, 0) < 0 && errno != ENOENT)
			r = -errno;
		else
			n++;
	}
	if (n)
		store_sync_folder(store);
	store_list_deinit(&list);
	if (n)
		log_notice("%u old files of the audit log are deleted", n);
	if (r < 0)
		log_error("cannot delete old files of the audit log in %s: %s", store->path,
			  strerror(-r));
}

void store_noted(struct store *store, const struct channel_message *message, int64_t now)
{
	uint32_t last = store->noted;

	if (!last) {
		log_error("the server speaks of a note on the audit log that it was not given: "
			  "ending it");
		store->links.end(store->links.data);
		return;
	}
	store->noted = 0;
	if (message->ok) {
		delete_up_to(store, last);
	} else {
		log_warning("that old files are deleted could not be recorded: they stay");
		store->retain_at = now + STORE_RETRY_MS;
	}
}
