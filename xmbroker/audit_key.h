/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_KEY_H
#define XMBROKER_AUDIT_KEY_H

/*
 * The file with the key that the next segment of the audit log is sealed with: one line,
 *
 *   xmbroker-audit-key:1 epoch=N key=<64 hex>
 *
 * of mode 0600.  It only goes forward: the key of epoch N+1 follows from that of epoch N, and not the
 * other way, so who reads the file cannot make seals of what was written before.
 */

#include <stdint.h>

#include "xmbroker/audit_chain.h"

struct audit_key {
	uint64_t epoch;
	uint8_t bytes[AUDIT_KEY_BYTES]; /* E_epoch */
};

/*
 * Makes the file for a new log: epoch 1.  What verifies all that will be sealed, E_0, is handed out
 * and kept nowhere.  0, -EEXIST or another -errno.
 */
int audit_key_create(const char *path, uint8_t first[AUDIT_KEY_BYTES]);

/*
 * -ENOENT: no such file.  -EBADMSG: damaged.  -EPERM: not a regular file of ours, or others may read
 * or write it.  Other -errno: it cannot be read.
 */
int audit_key_read(const char *path, struct audit_key *keyp);

/*
 * Takes the key for a segment: the file holds the one after it, on the disk, before this returns, and
 * what it held before is overwritten as far as the file system lets us.
 */
int audit_key_advance(const char *path, struct audit_key *keyp);

/* What is wrong, for people: for what the three above return. */
const char *audit_key_strerror(int error);

#endif
