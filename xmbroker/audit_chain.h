/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_AUDIT_CHAIN_H
#define XMBROKER_AUDIT_CHAIN_H

/*
 * The chain that runs through all records of an audit log, the seals on them, and the form of the
 * end of a line that carries both.  Shared by those who write, keep and verify a log.
 *
 *   line    = body ,"chain":"<64 hex>" [ ,"seal":"<32 hex>" ] } newline
 *   chain_i = BLAKE2b-256(chain_{i-1} || body_i); chain_0 is zero
 *   out     = BLAKE2b-512("xmaudit1" || K_i || chain_i); seal_i = out[0..15], K_{i+1} = out[32..63]
 *   E_{n+1} = BLAKE2b-256("xmaudit epoch" || E_n); a segment of epoch n starts with
 *   K       = BLAKE2b-256("xmaudit segment" || E_n)
 *
 * Whoever calls these functions has called sodium_init() before.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_CHAIN_BYTES 32
#define AUDIT_SEAL_BYTES 16
#define AUDIT_KEY_BYTES 32
#define AUDIT_TORN_BYTES 16 /* of the hash of a torn piece */

/* The longest line that a log has, with its newline. */
#define AUDIT_LINE_MAX 16384

/* What a torn line is ended with, so that it does not become a record: before its newline. */
#define AUDIT_TORN_END " torn"

/* The chain value of the record with this body, from that of the record before it. */
void audit_chain_next(uint8_t chain[AUDIT_CHAIN_BYTES], const void *body, size_t len);

/* The seal of the record with this chain value; turns K_i into K_{i+1} and leaves nothing of K_i. */
void audit_seal_next(uint8_t key[AUDIT_KEY_BYTES], const uint8_t chain[AUDIT_CHAIN_BYTES],
		     uint8_t seal[AUDIT_SEAL_BYTES]);

/* Turns E_n into E_{n+1} and leaves nothing of E_n. */
void audit_epoch_next(uint8_t epoch_key[AUDIT_KEY_BYTES]);

/* The key of the first seal of a segment, from that of its epoch. */
void audit_segment_key(const uint8_t epoch_key[AUDIT_KEY_BYTES], uint8_t key[AUDIT_KEY_BYTES]);

/* Hash of a torn piece. */
void audit_torn_hash(const void *piece, size_t len, uint8_t hash[AUDIT_TORN_BYTES]);

/* 2 * len lower-case digits at `text`; no NUL. */
void audit_hex_put(char *text, const uint8_t *data, size_t len);
/* Reads 2 * len of them; false: these are none. */
bool audit_hex_get(const char *text, uint8_t *data, size_t len);

/* A line, taken apart.  Pointers are into the line. */
struct audit_line {
	uint64_t seq;
	const char *type; /* as it stands: letters and _ only; not ended by a NUL */
	size_t type_len;
	size_t body_len;
	uint8_t chain[AUDIT_CHAIN_BYTES];
	bool sealed;
	uint8_t seal[AUDIT_SEAL_BYTES];
};

/*
 * Takes a line without its newline apart.  False unless it begins as a record does (seq, without
 * zeros in front, then type, then another member) and ends with a chain value and perhaps a seal.
 * What is in between is not looked at.
 */
bool audit_line_parse(const char *line, size_t len, struct audit_line *linep);
/* Whether it is of this type. */
bool audit_line_is(const struct audit_line *line, const char *type);

#endif
