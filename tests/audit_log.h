/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_AUDIT_LOG_H
#define TESTS_AUDIT_LOG_H

/*
 * Makes audit logs, written anew from their description in xmbroker-audit(5) and not by the broker's
 * writer, so that what verifies is not tested with itself.  And does to them whatever somebody might.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/log_chain.h"
#include "xmbroker/xmaudit_files.h"

struct log_line {
	char *text; /* owned, without the newline */
	unsigned int file;
	uint64_t seq;            /* 0: no record */
	struct log_chain before; /* the state that it was written in */
};

struct audit_log {
	struct log_line *lines; /* owned */
	size_t n, cap;
	unsigned int file;
	struct log_chain chain;
	uint64_t mono, id;
};

void audit_log_init(struct audit_log *log, const uint8_t key[32]);
void audit_log_free(struct audit_log *log);

/* Records.  `members` is what comes after "mono", with a comma in front. */
void audit_log_add(struct audit_log *log, const char *type, const char *members);
void audit_log_start(struct audit_log *log, const char *previous);
void audit_log_rotate(struct audit_log *log);
void audit_log_decision(struct audit_log *log, unsigned int uid, const char *op, bool allowed);
void audit_log_result(struct audit_log *log);
/* A piece of a record that a crash tore off, and what the next process writes behind it. */
void audit_log_crash(struct audit_log *log, size_t bytes);
/* About n records of all sorts, in several files and segments. */
void audit_log_random(struct audit_log *log, unsigned int *seed, size_t n);

/* Changes. */
void audit_log_insert(struct audit_log *log, size_t at, const char *text, unsigned int file);
void audit_log_remove(struct audit_log *log, size_t at);
/* Makes the chain anew from a line on; seals from `reseal` on with the keys of then, others stay. */
void audit_log_rechain(struct audit_log *log, size_t from, size_t reseal);

/* All bytes of a file of it; free it. */
char *audit_log_text(const struct audit_log *log, unsigned int file, size_t *lenp);
/* As files without names. */
void audit_log_open(const struct audit_log *log, struct xmaudit_log *files);
/* A byte anywhere in the log is another one. */
void audit_log_poke(const struct xmaudit_log *files, size_t file, size_t at, char value);
/* As files of a folder: NAME.000001, ..., NAME. */
void audit_log_write(const struct audit_log *log, const char *name);

#endif
