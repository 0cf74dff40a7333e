/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_STATE_H
#define XMBROKER_AUDIT_STATE_H

/*
 * What the supervisor hands to the server with a file of the audit log: where the chain stands, and
 * the key that this file, or this server, is sealed with.  As text for the channel:
 *
 *   seq=17 chain=<64 hex> epoch=3 key=<64 hex> torn=0 hash=<32 hex> previous=ended reason=size
 *
 * in this order, a blank between two; epoch and key both or neither (not sealed); reason only if
 * there is one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_STATE_CHAIN 32
#define AUDIT_STATE_KEY 32
#define AUDIT_STATE_HASH 16
#define AUDIT_STATE_TEXT 512 /* room for the text of any state, with its NUL */

struct audit_state {
	uint64_t seq; /* of the last record in the log; 0: there is none */
	uint8_t chain[AUDIT_STATE_CHAIN];
	bool sealed;
	uint64_t epoch; /* of the segment that begins, if sealed */
	uint8_t key
		[AUDIT_STATE_KEY]; /* E_epoch, if sealed: the writer derives K from it, and wipes it */
	uint32_t torn_bytes;       /* after the last good line; 0: none */
	uint8_t torn_hash[AUDIT_STATE_HASH]; /* of those */
	const char *previous;                /* static: "none", "stopped" or "ended" */
	char reason[16];                     /* of a rotation; "": none */
	uint32_t file; /* number of the file that begins; not in the text: the message's number */
};

/* Writes the text (AUDIT_STATE_TEXT bytes); it holds the key: wipe it after use. */
int audit_state_put(const struct audit_state *state, char *text, size_t size);
/* -EPROTO: not exactly such a text.  `file` is set to 0. */
int audit_state_get(const char *text, struct audit_state *statep);
/* What CHANNEL_AUDIT_NOTE asks the server to record before files of the log are deleted. */
struct audit_note {
	uint64_t first;     /* seq of the first record that stays */
	uint32_t files;     /* that go */
	const char *reason; /* static: "size" or "age" */
};

int audit_note_put(const struct audit_note *note, char *text, size_t size);
int audit_note_get(const char *text, struct audit_note *notep);

#endif
