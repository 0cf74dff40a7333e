/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_STORE_H
#define XMBROKER_STORE_H

/*
 * The files of the audit log, as the supervisor keeps them: the current one, the rotated ones NAME.000001
 * and so on, the ledger, and the key.  The server writes records; the store decides into which file,
 * and sees to it that there is one, that there is room, and that the oldest go.  It writes into a
 * file of the log only when it copies back one that somebody removed.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xmbroker/audit_state.h"
#include "xmbroker/channel.h"

#define STORE_NAME_MAX 200      /* of the log, without its folder */
#define STORE_TICK_MS 1000      /* between looks at the files */
#define STORE_FORWARD_MS 100    /* between looks for records to be forwarded */
#define STORE_ANSWER_MS 30000   /* for the server to answer */
#define STORE_RETRY_MS 60000    /* until what failed is tried again */
#define STORE_RETAIN_MS 3600000 /* between looks for files that are too old */
#define STORE_SAY_MS 600000     /* between reminders of what is still wrong */
/* Beyond the size at which it is rotated: what no honest server writes until it has answered. */
#define STORE_GROWTH (UINT64_C(256) << 20)
/* Of what is no record at the end of a file: hashed.  More than xmaudit(8) compares. */
#define STORE_TORN_HASHED (UINT64_C(16) << 20)
#define STORE_COPY_BYTES 8388608 /* of a removed file, copied in one go */

struct store_settings {
	const char *path; /* of the log */
	const char *key;  /* NULL: not sealed */
	bool key_optional;
	uint64_t rotate_size, keep_size, reserve; /* bytes; 0: none */
	int64_t rotate_age, keep_age, anchor;     /* s; 0: none */
	bool syslog_anchors, syslog_records;
};

/* How the store reaches whom it serves. */
struct store_links {
	/* Sends to the server (whom it ends if it does not read). */
	void (*tell)(void *data, const struct channel_message *message);
	/* Ends a server that does not keep to the rules. */
	void (*end)(void *data);
	void *data;
};

struct store_file {
	int fd;   /* owned; O_RDWR | O_APPEND; -1: none */
	int give; /* owned; O_WRONLY | O_APPEND, of its own: what a server gets */
	uint32_t number;
};

/* Where the chain stands, as read from a file. */
struct store_tail {
	uint64_t seq; /* 0: no good record */
	uint8_t chain[AUDIT_STATE_CHAIN];
	bool stopped, rotated; /* what the last good record is */
	uint64_t torn;         /* bytes after it */
	uint8_t torn_hash[AUDIT_STATE_HASH];
};

struct store {
	struct store_settings set;
	struct store_links links;
	char path[PATH_MAX]; /* of the folder */
	char name[STORE_NAME_MAX + 1];
	int folder; /* owned; -1: no log */
	mode_t folder_mode;
	int ledger;             /* owned, locked */
	int spare_ledger;       /* owned, locked: under the name, when `ledger` lost it; else -1 */
	bool serving;           /* a server takes messages */
	uint64_t next_epoch;    /* of the one that begins */
	uint64_t epoch;         /* of the segment that is being written; 0: not sealed */
	struct store_tail last; /* of the log, when it was last read */

	struct store_file now;  /* where records go, or shall go */
	struct store_file left; /* is being left; fd -1: none */
	bool asked;             /* the server is to say that it has left it */
	bool lost_name; /* what is left has no name in the log any more: it is copied back */
	int copy;       /* owned; where to; -1: not begun */
	uint64_t copied;
	char reason[16];

	uint32_t noted;    /* files up to this number are deleted once that is on record; 0: none */
	bool request;      /* somebody asks for a rotation */
	int failing;       /* errno: there is no file to write to by name; 0: there is */
	bool low;          /* of disk space */
	bool no_reserve;   /* this file system has none */
	uint64_t reserved; /* bytes of the file up to which there is disk space */
	uint64_t size;     /* of the current file, when last seen */
	uint64_t bound;    /* no file that is written may be larger; UINT64_MAX: any */

	/* ms of the supervisor's loop */
	int64_t tick_at, forward_at, answer_at, rotate_at, retain_at, anchor_at, say_at, low_at,
		copy_at, ledger_say_at;

	int syslog; /* owned; -1: none */
	bool syslog_lost;
	int64_t born; /* time of day of the first record in the current file; 0: not looked for */
	uint64_t forwarded; /* bytes of the current file */
	uint64_t skipped;   /* records that were not forwarded, since it was last said */
};

/* An empty one, without a log: store_*() do nothing. */
void store_init(struct store *store);
/*
 * Opens folder, ledger, log and key, and takes the lock: another xmbroker on the same log is refused.
 * 0; -EKEYREJECTED: it is the key that is wrong; other -errno.  Said so.
 */
int store_open(struct store *store, const struct store_settings *set,
	       const struct store_links *links);
void store_close(struct store *store);

/* Whether a log is kept. */
bool store_is_open(const struct store *store);

/*
 * Before each new server: brings the files in order, finds the end of the log, advances the key, and
 * fills the message to be sent to it first, whose descriptor is borrowed.  Wipe the message.
 */
int store_hand_over(struct store *store, struct channel_message *message);
/* It serves; it has died. */
void store_serving(struct store *store, int64_t now);
void store_server_died(struct store *store);
/* The last server has ended, and none will come. */
void store_finish(struct store *store);

/* CHANNEL_AUDIT_DONE and CHANNEL_AUDIT_NOTED. */
void store_done(struct store *store, const struct channel_message *message, int64_t now);
void store_noted(struct store *store, const struct channel_message *message, int64_t now);

/* Rotates as soon as that is possible. */
void store_request(struct store *store);
void store_tick(struct store *store, int64_t now);
/* When the next tick is due, or `at` if that is earlier (-1: never). */
int64_t store_next(const struct store *store, int64_t at);

#endif
