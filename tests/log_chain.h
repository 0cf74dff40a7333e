/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_LOG_CHAIN_H
#define TESTS_LOG_CHAIN_H

/* Lines of an audit log, chained and sealed: written anew from xmbroker-audit(5). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the chain stands. */
struct log_chain {
	uint64_t seq;
	uint8_t chain[32];
	bool sealed;
	uint64_t epoch;        /* of the segment */
	uint8_t epoch_key[32]; /* E_epoch */
	uint8_t key[32];       /* K of the next record */
};

/* `key` is E_0; NULL: not sealed. */
void log_chain_init(struct log_chain *chain, const uint8_t key[32]);
void log_chain_segment(struct log_chain *chain);
/* Writes the line of a body without its `{"seq":N`, as `,"type":...`; returns its length. */
size_t log_chain_line(struct log_chain *chain, const char *members, char *line, size_t size);
/* The pieces of it: the value of a body goes into the chain; the seal of that, in digits. */
void log_chain_link(struct log_chain *chain, const char *body, size_t len);
void log_chain_seal(struct log_chain *chain, char seal[32]);
void log_chain_hex(char *text, const uint8_t *data, size_t len);

/* Members of a decision, from "id" on. */
size_t log_chain_decision(char *text, size_t size, uint64_t id, unsigned int uid, const char *op,
			  bool allowed);

#endif
