/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_STORE_INTERNAL_H
#define XMBROKER_STORE_INTERNAL_H

/* Shared by the parts of the store, and by its tests, which stop between any two steps. */

#include <stddef.h>

#include "xmbroker/store.h"

/* ---- store_tail.c: reading ---- */
int store_tail_read(int fd, struct store_tail *tailp);
/* The first good record: its number, and its time of day (0: none readable).  -ENODATA: there is none. */
int store_first_read(int fd, uint64_t *seqp, int64_t *timep);

/* ---- store_files.c: names in the folder ---- */
struct store_list {
	uint32_t *number; /* owned; ascending */
	size_t n;
};

int store_list(const struct store *store, struct store_list *listp);
void store_list_deinit(struct store_list *list);
void store_name(const struct store *store, uint32_t number, char name[NAME_MAX + 1]);
/* NAME.ledger, NAME.new. */
void store_name_of(const struct store *store, const char *what, char name[NAME_MAX + 1]);
int store_open_folder(struct store *store);
/* Makes the folder again if it is gone, and opens what is under its name. */
int store_renew_folder(struct store *store);
/* Opens a regular file of ours; flags may have O_CREAT and O_EXCL.  Says what is wrong with it. */
int store_open_at(const struct store *store, const char *name, int flags, mode_t mode, int *fdp);
/* Both descriptors of a file of the log. */
int store_open_file(const struct store *store, const char *name, int flags,
		    struct store_file *filep);
void store_close_file(struct store_file *file);
/* Whether the name still leads to this open file. */
bool store_is_named(const struct store *store, const char *name, int fd);
bool store_folder_is_named(const struct store *store);
/* Renames, never onto something. */
int store_rename(const struct store *store, const char *from, const char *to);
int store_sync_folder(const struct store *store);
/* Moves away what stands under the log's name and is not the log's. */
int store_move_foreign(const struct store *store);
int store_lock_ledger(struct store *store);
/* The ledger has lost its name: makes another, into which counts go when a server starts. */
void store_check_ledger(struct store *store, int64_t now);
int store_use_spare_ledger(struct store *store);

/* ---- store_rotate.c: from one file to the next ---- */
/* The steps. */
int store_make_new(struct store *store, struct store_file *nextp);
int store_move_old(struct store *store);
int store_place_new(struct store *store);
int store_tell_new(struct store *store, const struct audit_state *state);
int store_rotate(struct store *store, const char *reason, int64_t now);
/* What is left has lost its name: goes on copying.  1: there is more to copy; 0: it is done. */
int store_copy_back(struct store *store);
int store_check_names(struct store *store, int64_t now);
/* Where the copy of the current file goes, which lost its name; and takes that back. */
int store_hold_place(struct store *store);
void store_drop_place(struct store *store);
/* Is done with the file that is left. */
void store_leave(struct store *store);

/* ---- store_settle.c ---- */
/* At rest, when no server writes: undoes a rotation that was begun, opens the current file. */
int store_settle(struct store *store);
/* The key of the next segment, if the log is sealed. */
int store_take_key(struct store *store, struct audit_state *state);

/* ---- store_retain.c ---- */
void store_retain(struct store *store, int64_t now);

/* ---- store_space.c ---- */
void store_check_space(struct store *store, int64_t now);
void store_tell_space(struct store *store);
/* The current file may grow from here on; whether it, and the one that is left, kept to that.  Says. */
void store_set_bound(struct store *store);
bool store_keeps_bound(const struct store *store);
/* Gives back what was reserved behind the end of a file that is finished. */
void store_trim(int fd);

/* ---- store_anchor.c: anchors and the system's log ---- */
void store_anchor(struct store *store);
int store_syslog_open(struct store *store, const char *path);
void store_forward(struct store *store);
/* Forwards what is left of a file, without waiting for anybody. */
void store_forward_rest(struct store *store, int fd);

#endif
