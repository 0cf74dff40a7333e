// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The hand-over of the audit log as text, both ways.  Owns nothing.  Must never accept a text that it
 * would not have written: a field missing, twice, in another order, or a digit too many.
 */

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "xmbroker/audit_state.h"

#define NUMBER_DIGITS 20

static const char *const previous_words[] = { "none", "stopped", "ended", NULL };
static const char *const rotation_words[] = { "size", "age", "request", "removed", NULL };
static const char *const retention_words[] = { "size", "age", NULL };

static const char *find_word(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return *words;
	return NULL;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static int fits(int n, size_t size)
{
	return n < 0 || (size_t)n >= size ? -ENOSPC : 0;
}

int audit_state_put(const struct audit_state *state, char *text, size_t size)
{
	char chain[2 * AUDIT_STATE_CHAIN + 1], hash[2 * AUDIT_STATE_HASH + 1];
	char key[2 * AUDIT_STATE_KEY + 1], seal[sizeof(key) + 40] = "";
	bool reason = state->reason[0];
	int n;

	if (!find_word(previous_words, state->previous) ||
	    (reason && !find_word(rotation_words, state->reason)))
		return -EINVAL;
	sodium_bin2hex(chain, sizeof(chain), state->chain, sizeof(state->chain));
	sodium_bin2hex(hash, sizeof(hash), state->torn_hash, sizeof(state->torn_hash));
	if (state->sealed) {
		sodium_bin2hex(key, sizeof(key), state->key, sizeof(state->key));
		snprintf(seal, sizeof(seal), " epoch=%" PRIu64 " key=%s", state->epoch, key);
		sodium_memzero(key, sizeof(key));
	}
	n = snprintf(text, size,
		     "seq=%" PRIu64 " chain=%s%s torn=%" PRIu32 " hash=%s previous=%s%s%s",
		     state->seq, chain, seal, state->torn_bytes, hash, state->previous,
		     reason ? " reason=" : "", state->reason);
	sodium_memzero(seal, sizeof(seal));
	return fits(n, size);
}

int audit_note_put(const struct audit_note *note, char *text, size_t size)
{
	return fits(snprintf(text, size, "first=%" PRIu64 " files=%" PRIu32 " reason=%s",
			     note->first, note->files, note->reason),
		    size);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

/* Takes "NAME=" off the front of what is left. */
static bool take_name(const char **p, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(*p, name, len) != 0 || (*p)[len] != '=')
		return false;
	*p += len + 1;
	return true;
}

/* The end of a value: a blank with something behind it, or the end of the text. */
static bool take_end(const char **p)
{
	if (**p == '\0')
		return true;
	if (**p != ' ' || (*p)[1] == '\0')
		return false;
	(*p)++;
	return true;
}

static bool take_number(const char **p, const char *name, uint64_t max, uint64_t *valuep)
{
	uint64_t value = 0;
	const char *start;

	if (!take_name(p, name))
		return false;
	start = *p;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*p - start >= NUMBER_DIGITS || value > (max - (uint64_t)(**p - '0')) / 10)
			return false;
		value = value * 10 + (uint64_t)(**p - '0');
	}
	if (*p == start || (*start == '0' && *p - start > 1))
		return false;
	*valuep = value;
	return take_end(p);
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(const char **p, const char *name, uint8_t *bytes, size_t len)
{
	if (!take_name(p, name))
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_value((*p)[0]);
		int low = high < 0 ? -1 : hex_value((*p)[1]);

		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		*p += 2;
	}
	return take_end(p);
}

static bool take_word(const char **p, const char *name, const char *const *words,
		      const char **wordp)
{
	size_t len;
	char word[16];

	if (!take_name(p, name))
		return false;
	len = strcspn(*p, " ");
	if (len >= sizeof(word))
		return false;
	memcpy(word, *p, len);
	word[len] = '\0';
	*wordp = find_word(words, word);
	*p += len;
	return *wordp && take_end(p);
}

static bool take_seal(const char **p, struct audit_state *state)
{
	state->sealed = !strncmp(*p, "epoch=", 6);
	return !state->sealed || (take_number(p, "epoch", UINT64_MAX, &state->epoch) &&
				  take_hex(p, "key", state->key, sizeof(state->key)));
}

static bool take_reason(const char **p, struct audit_state *state)
{
	const char *word;

	if (**p == '\0')
		return true;
	if (!take_word(p, "reason", rotation_words, &word))
		return false;
	strcpy(state->reason, word);
	return true;
}

int audit_state_get(const char *text, struct audit_state *statep)
{
	struct audit_state state = { 0 };
	const char *p = text;
	uint64_t torn;
	bool good;

	good = take_number(&p, "seq", UINT64_MAX, &state.seq) &&
	       take_hex(&p, "chain", state.chain, sizeof(state.chain)) && take_seal(&p, &state) &&
	       take_number(&p, "torn", UINT32_MAX, &torn) &&
	       take_hex(&p, "hash", state.torn_hash, sizeof(state.torn_hash)) &&
	       take_word(&p, "previous", previous_words, &state.previous) &&
	       take_reason(&p, &state) && *p == '\0';
	if (good) {
		state.torn_bytes = (uint32_t)torn;
		*statep = state;
	}
	sodium_memzero(state.key, sizeof(state.key));
	return good ? 0 : -EPROTO;
}

int audit_note_get(const char *text, struct audit_note *notep)
{
	struct audit_note note = { 0 };
	const char *p = text;
	uint64_t files;

	if (!take_number(&p, "first", UINT64_MAX, &note.first) ||
	    !take_number(&p, "files", UINT32_MAX, &files) ||
	    !take_word(&p, "reason", retention_words, &note.reason) || *p != '\0')
		return -EPROTO;
	note.files = (uint32_t)files;
	*notep = note;
	return 0;
}
