// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The audit log's life: opening, handing over, what is looked at each second, the end.  Owns
 * struct store.  Must never let a server write that was not given the end of the log as it stands, nor
 * hold a key longer than it takes to hand it on.
 */

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/audit_key.h"
#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

/* ---- opening ----------------------------------------------------------------------------------------- */

void store_init(struct store *store)
{
	memset(store, 0, sizeof(*store));
	store->folder = store->ledger = store->spare_ledger = -1;
	store->copy = store->syslog = -1;
	store->now = store->left = (struct store_file){ -1, -1, 0 };
}

bool store_is_open(const struct store *store)
{
	return store->folder >= 0;
}

static int split_path(struct store *store, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!*name || strlen(name) > STORE_NAME_MAX || len >= sizeof(store->path))
		return -EINVAL;
	strcpy(store->name, name);
	strcpy(store->path, slash && !len ? "/" : ".");
	if (len) {
		memcpy(store->path, path, len);
		store->path[len] = '\0';
	}
	return 0;
}

static int check_key(struct store *store)
{
	struct audit_key key;
	int r;

	if (!store->set.key) {
		log_notice("the audit log is not sealed (there is no audit_key)");
		return 0;
	}
	r = audit_key_read(store->set.key, &key);
	sodium_memzero(&key, sizeof(key));
	if (r == -ENOENT && store->set.key_optional) {
		log_notice(
			"the audit log is not sealed: there is no %s (xmaudit key --new makes it)",
			store->set.key);
		store->set.key = NULL;
		return 0;
	}
	if (r == 0)
		return 0;
	log_error("cannot use the key of the audit log, %s: %s", store->set.key,
		  audit_key_strerror(r));
	return -EKEYREJECTED;
}

static void say_torn(const struct store *store)
{
	if (store->last.torn)
		log_warning("the audit log %s/%s ends in %llu bytes that are no record: the next "
			    "records say so",
			    store->path, store->name, (unsigned long long)store->last.torn);
}

int store_open(struct store *store, const struct store_settings *set,
	       const struct store_links *links)
{
	int r;

	store->set = *set;
	store->links = *links;
	r = sodium_init() < 0 ? -EIO : check_key(store);
	if (r < 0)
		return r;
	r = split_path(store, set->path);
	if (r == 0)
		r = store_open_folder(store);
	if (r < 0) {
		log_error("cannot use the folder of the audit log %s: %s", set->path, strerror(-r));
		return r;
	}
	r = store_lock_ledger(store);
	if (r == 0)
		r = store_settle(store);
	if (r < 0)
		return r;
	if ((set->syslog_anchors || set->syslog_records) && store_syslog_open(store, NULL) < 0)
		log_warning("the system's log cannot be reached: anchors of the audit log go to "
			    "our own log only, for now");
	return 0;
}

void store_close(struct store *store)
{
	int *const fds[] = { &store->folder, &store->ledger, &store->spare_ledger, &store->copy,
			     &store->syslog };

	store_close_file(&store->now);
	store_close_file(&store->left);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* ---- a server ---------------------------------------------------------------------------------------- */

static int fill_state(struct store *store, struct audit_state *state)
{
	const struct store_tail *last = &store->last;

	*state = (struct audit_state){
		.seq = last->seq,
		.torn_bytes = last->torn > UINT32_MAX ? UINT32_MAX : (uint32_t)last->torn,
		.previous = !last->seq && !last->torn      ? "none"
			    : last->stopped && !last->torn ? "stopped"
							   : "ended",
	};
	memcpy(state->chain, last->chain, sizeof(state->chain));
	memcpy(state->torn_hash, last->torn_hash, sizeof(state->torn_hash));
	return store_take_key(store, state);
}

int store_hand_over(struct store *store, struct channel_message *message)
{
	struct audit_state state;
	int r;

	*message = (struct channel_message){ .type = CHANNEL_AUDIT, .fd = -1 };
	if (!store_is_open(store))
		return 0;
	r = store_settle(store);
	if (r == 0)
		r = store_use_spare_ledger(store);
	if (r == 0)
		r = fill_state(store, &state);
	if (r == 0)
		r = audit_state_put(&state, message->text, sizeof(message->text));
	sodium_memzero(&state, sizeof(state));
	if (r < 0)
		return r;
	say_torn(store);
	store->epoch = store->next_epoch;
	store->failing = 0;
	message->fd = store->now.give;
	message->number = store->now.number;
	return 0;
}

void store_serving(struct store *store, int64_t now)
{
	if (!store_is_open(store))
		return;
	store->serving = true;
	store_set_bound(store);
	store->anchor_at = now;
	if (store->low)
		store_tell_space(store);
}

void store_server_died(struct store *store)
{
	store->serving = false;
	store->noted = 0;
}

static void read_last(struct store *store)
{
	struct store_tail tail;

	if (store->now.fd >= 0 && store_tail_read(store->now.fd, &tail) == 0 && tail.seq)
		store->last = tail;
}

void store_finish(struct store *store)
{
	if (!store_is_open(store))
		return;
	if (store_settle(store) < 0 || store_use_spare_ledger(store) < 0)
		log_error("the audit log in %s/%s is not whole", store->path, store->name);
	read_last(store);
	store_anchor(store);
	if (store->now.fd >= 0) {
		store_forward_rest(store, store->now.fd);
		store_trim(store->now.fd);
	}
	store_close(store);
}

/* ---- each second ------------------------------------------------------------------------------------- */

void store_request(struct store *store)
{
	store->request = store_is_open(store);
}

static bool is_old(struct store *store)
{
	uint64_t seq;

	if (!store->set.rotate_age)
		return false;
	if (!store->born && store_first_read(store->now.fd, &seq, &store->born) < 0)
		store->born = 0; /* nothing in it yet */
	return store->born && time(NULL) - store->born >= store->set.rotate_age;
}

static const char *reason_to_rotate(struct store *store)
{
	struct stat st;

	if (fstat(store->now.fd, &st) < 0 || st.st_size == 0)
		return NULL;
	if (store->request)
		return "request";
	if ((uint64_t)st.st_size >= store->set.rotate_size)
		return "size";
	return is_old(store) ? "age" : NULL;
}

static void rotate_if_due(struct store *store, int64_t now)
{
	const char *reason;
	int r;

	if (store->left.fd >= 0 || now < store->rotate_at) {
		/* It is still copied: that it is not rotated is not the server's doing. */
		if (store->left.fd >= 0)
			store_set_bound(store);
		return;
	}
	reason = reason_to_rotate(store);
	if (!reason)
		return;
	store->request = false;
	r = store_rotate(store, reason, now);
	if (r == 0)
		return;
	log_error("cannot rotate the audit log %s/%s: %s", store->path, store->name, strerror(-r));
	store->rotate_at = now + STORE_RETRY_MS;
	store_set_bound(store);
}

static void anchor_if_due(struct store *store, int64_t now)
{
	if (now < store->anchor_at || store->asked)
		return;
	store->anchor_at = store->set.anchor ? now + store->set.anchor * 1000 : INT64_MAX;
	read_last(store);
	store_anchor(store);
}

static void copy_if_due(struct store *store, int64_t now)
{
	int r;

	if (store->left.fd < 0 || store->asked || !store->lost_name || now < store->copy_at)
		return;
	r = store_copy_back(store);
	if (r < 0)
		store->copy_at = now + STORE_TICK_MS;
	if (r < 0 && now >= store->say_at) {
		log_error("cannot copy back what was removed of the audit log (%s): xmbroker keeps "
			  "it open and goes on trying; it is lost if xmbroker ends before",
			  strerror(-r));
		store->say_at = now + STORE_SAY_MS;
	}
}

static void check_answer(struct store *store, int64_t now)
{
	if ((!store->asked && !store->noted) || now < store->answer_at)
		return;
	log_error("the server does not answer about the audit log: ending it");
	store->answer_at = INT64_MAX;
	store->links.end(store->links.data);
}

static void look(struct store *store, int64_t now)
{
	store->tick_at = now + STORE_TICK_MS;
	if (!store_keeps_bound(store)) {
		store->bound = UINT64_MAX; /* it dies of it: said once */
		store->links.end(store->links.data);
		return;
	}
	if (store->asked || store_check_names(store, now) != 0)
		return;
	store_check_space(store, now);
	rotate_if_due(store, now);
	if (!store->asked)
		store_retain(store, now);
	anchor_if_due(store, now);
}

void store_tick(struct store *store, int64_t now)
{
	if (!store->serving)
		return;
	check_answer(store, now);
	copy_if_due(store, now);
	if (store->set.syslog_records && now >= store->forward_at) {
		store->forward_at = now + STORE_FORWARD_MS;
		store_forward(store);
	}
	if (now >= store->tick_at || store->request)
		look(store, now);
}

int64_t store_next(const struct store *store, int64_t at)
{
	int64_t next = store->tick_at;

	if (!store->serving)
		return at;
	if (store->set.syslog_records && store->forward_at < next)
		next = store->forward_at;
	if (store->copy >= 0 && !store->asked && store->copy_at < next)
		next = store->copy_at;
	return at < 0 || next < at ? next : at;
}
