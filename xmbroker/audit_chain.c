// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chain, seal and keys of the audit log, and the two ends of its lines.  Owns nothing.  Must never
 * leave a key that has been used where it was, nor take a line for a record that is none.
 */

#include <sodium.h>
#include <string.h>

#include "xmbroker/audit_chain.h"

#define CHAIN_LEAD ",\"chain\":\""
#define SEAL_LEAD "\",\"seal\":\""
#define LINE_END "\"}"
#define LENGTH(literal) (sizeof(literal) - 1)
#define CHAIN_TAIL (LENGTH(CHAIN_LEAD) + 2 * AUDIT_CHAIN_BYTES + LENGTH(LINE_END))
#define SEALED_TAIL (CHAIN_TAIL + LENGTH(SEAL_LEAD) + 2 * AUDIT_SEAL_BYTES)

/* What the hash function leaves on the stack below us. */
#define STACK_USED 1024

/* ---- hashes ------------------------------------------------------------------------------------------ */

void audit_chain_next(uint8_t chain[AUDIT_CHAIN_BYTES], const void *body, size_t len)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, AUDIT_CHAIN_BYTES);
	crypto_generichash_update(&state, chain, AUDIT_CHAIN_BYTES);
	crypto_generichash_update(&state, body, len);
	crypto_generichash_final(&state, chain, AUDIT_CHAIN_BYTES);
}

void audit_seal_next(uint8_t key[AUDIT_KEY_BYTES], const uint8_t chain[AUDIT_CHAIN_BYTES],
		     uint8_t seal[AUDIT_SEAL_BYTES])
{
	uint8_t in[8 + AUDIT_KEY_BYTES + AUDIT_CHAIN_BYTES] = { 'x', 'm', 'a', 'u',
								'd', 'i', 't', '1' };
	uint8_t out[64];

	memcpy(in + 8, key, AUDIT_KEY_BYTES);
	memcpy(in + 8 + AUDIT_KEY_BYTES, chain, AUDIT_CHAIN_BYTES);
	crypto_generichash(out, sizeof(out), in, sizeof(in), NULL, 0);
	memcpy(seal, out, AUDIT_SEAL_BYTES);
	memcpy(key, out + sizeof(out) - AUDIT_KEY_BYTES, AUDIT_KEY_BYTES);
	sodium_memzero(in, sizeof(in));
	sodium_memzero(out, sizeof(out));
	sodium_stackzero(STACK_USED);
}

/* BLAKE2b-256 of a label and a key, in its place. */
static void derive(const char *label, const uint8_t from[AUDIT_KEY_BYTES],
		   uint8_t to[AUDIT_KEY_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, AUDIT_KEY_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, from, AUDIT_KEY_BYTES);
	crypto_generichash_final(&state, to, AUDIT_KEY_BYTES);
	sodium_memzero(&state, sizeof(state));
	sodium_stackzero(STACK_USED);
}

void audit_epoch_next(uint8_t epoch_key[AUDIT_KEY_BYTES])
{
	derive("xmaudit epoch", epoch_key, epoch_key);
}

void audit_segment_key(const uint8_t epoch_key[AUDIT_KEY_BYTES], uint8_t key[AUDIT_KEY_BYTES])
{
	derive("xmaudit segment", epoch_key, key);
}

void audit_torn_hash(const void *piece, size_t len, uint8_t hash[AUDIT_TORN_BYTES])
{
	crypto_generichash(hash, AUDIT_TORN_BYTES, piece, len, NULL, 0);
}

/* ---- digits ------------------------------------------------------------------------------------------ */

void audit_hex_put(char *text, const uint8_t *data, size_t len)
{
	static const char digits[16] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_hex_get(const char *text, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]);
		int low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

/* Moves *atp over a literal that has to stand there. */
static bool skip(const char **atp, const char *end, const char *literal)
{
	size_t len = strlen(literal);

	if ((size_t)(end - *atp) < len || memcmp(*atp, literal, len))
		return false;
	*atp += len;
	return true;
}

static bool get_number(const char **atp, const char *end, uint64_t *valuep)
{
	const char *at = *atp;
	uint64_t value = 0;

	if (at == end || *at < '1' || *at > '9')
		return false;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	}
	*atp = at;
	*valuep = value;
	return true;
}

static bool get_head(const char *at, const char *end, struct audit_line *linep)
{
	if (!skip(&at, end, "{\"seq\":") || !get_number(&at, end, &linep->seq) ||
	    !skip(&at, end, ",\"type\":\""))
		return false;
	linep->type = at;
	while (at < end && ((*at >= 'a' && *at <= 'z') || *at == '_'))
		at++;
	linep->type_len = (size_t)(at - linep->type);
	return linep->type_len && skip(&at, end, "\",\"");
}

/* The end of a line from where the member "chain" begins. */
static bool get_tail(const char *at, const char *end, struct audit_line *linep)
{
	if (!skip(&at, end, CHAIN_LEAD) || (size_t)(end - at) < 2 * AUDIT_CHAIN_BYTES ||
	    !audit_hex_get(at, linep->chain, AUDIT_CHAIN_BYTES))
		return false;
	at += 2 * AUDIT_CHAIN_BYTES;
	if (linep->sealed) {
		if (!skip(&at, end, SEAL_LEAD) || (size_t)(end - at) < 2 * AUDIT_SEAL_BYTES ||
		    !audit_hex_get(at, linep->seal, AUDIT_SEAL_BYTES))
			return false;
		at += 2 * AUDIT_SEAL_BYTES;
	}
	return skip(&at, end, LINE_END) && at == end;
}

bool audit_line_parse(const char *line, size_t len, struct audit_line *linep)
{
	static const size_t tails[] = { CHAIN_TAIL, SEALED_TAIL };
	struct audit_line found = { 0 };

	if (len >= AUDIT_LINE_MAX)
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		found.sealed = i;
		if (len <= tails[i])
			return false;
		found.body_len = len - tails[i];
		if (!get_tail(line + found.body_len, line + len, &found))
			continue;
		if (!get_head(line, line + found.body_len, &found))
			return false;
		*linep = found;
		return true;
	}
	return false;
}

bool audit_line_is(const struct audit_line *line, const char *type)
{
	return strlen(type) == line->type_len && !memcmp(line->type, type, line->type_len);
}
