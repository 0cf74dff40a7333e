// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a file of the audit log where it ends and where it begins.  Owns nothing.  Must never
 * believe that a line is a record because it looks like one at a glance, nor read a file whole that
 * ends well.
 */

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/store_internal.h"

#define BLOCK 65536

_Static_assert(BLOCK >= AUDIT_LINE_MAX, "a line fits");

static int read_at(int fd, void *bytes, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)bytes + done, len - done, (off_t)(at + done));

		if (n == 0)
			return -EIO; /* it became shorter */
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* A window of the file that moves towards its beginning. */
struct window {
	int fd;
	uint64_t start;
	size_t len;
	char bytes[BLOCK];
};

/* *atp: the place of the last newline before `end`; -ENOENT: there is none. */
static int find_newline(struct window *w, uint64_t end, uint64_t *atp)
{
	while (end > 0) {
		const char *found;

		if (end <= w->start || end > w->start + w->len) {
			w->start = end > BLOCK ? end - BLOCK : 0;
			w->len = (size_t)(end - w->start);
			if (read_at(w->fd, w->bytes, w->len, w->start) < 0)
				return -EIO;
		}
		found = memrchr(w->bytes, '\n', (size_t)(end - w->start));
		if (found) {
			*atp = w->start + (uint64_t)(found - w->bytes);
			return 0;
		}
		end = w->start;
	}
	return -ENOENT;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

/*
 * Of more than a crash can leave only the beginning: who was taken over must not keep the supervisor
 * busy.  No check is lost: xmaudit_torn.c holds what is that long for edited, whatever its hash.
 */
static int hash_rest(int fd, uint64_t from, uint64_t size, uint8_t hash[AUDIT_STATE_HASH])
{
	crypto_generichash_state state;
	char block[4096];

	if (size - from > STORE_TORN_HASHED)
		size = from + STORE_TORN_HASHED;
	crypto_generichash_init(&state, NULL, 0, AUDIT_STATE_HASH);
	while (from < size) {
		size_t n = size - from < sizeof(block) ? (size_t)(size - from) : sizeof(block);
		int r = read_at(fd, block, n, from);

		if (r < 0)
			return r;
		crypto_generichash_update(&state, (const unsigned char *)block, n);
		from += n;
	}
	crypto_generichash_final(&state, hash, AUDIT_STATE_HASH);
	return 0;
}

static bool take_line(int fd, uint64_t start, uint64_t end, struct store_tail *tail)
{
	char text[AUDIT_LINE_MAX];
	struct audit_line line;

	/* Who was taken over may have left very many lines that are too short for a chain. */
	if (end - start <= 2 * sizeof(tail->chain) || end - start > sizeof(text) ||
	    read_at(fd, text, (size_t)(end - start), start) < 0 ||
	    !audit_line_parse(text, (size_t)(end - start), &line))
		return false;
	tail->seq = line.seq;
	memcpy(tail->chain, line.chain, sizeof(tail->chain));
	tail->stopped = audit_line_is(&line, "stop");
	tail->rotated = audit_line_is(&line, "rotate");
	return true;
}

int store_tail_read(int fd, struct store_tail *tailp)
{
	static struct window w;
	struct store_tail tail = { 0 };
	uint64_t end, start, good = 0;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	w = (struct window){ .fd = fd };
	r = find_newline(&w, (uint64_t)st.st_size, &end);
	while (r == 0 && !good) {
		r = find_newline(&w, end, &start);
		if (r == -EIO)
			break;
		if (take_line(fd, r == 0 ? start + 1 : 0, end, &tail))
			good = end + 1;
		end = start;
	}
	if (r == -EIO)
		return r;
	tail.torn = (uint64_t)st.st_size - good;
	if (tail.torn) {
		r = hash_rest(fd, good, (uint64_t)st.st_size, tail.torn_hash);
		if (r < 0)
			return r;
	}
	*tailp = tail;
	return 0;
}

/* ---- the beginning ----------------------------------------------------------------------------------- */

static int64_t time_of(const char *line, size_t len)
{
	static const char key[] = ",\"time\":\"";
	char text[20];
	const char *at = memmem(line, len, key, sizeof(key) - 1);
	struct tm tm = { 0 };

	if (!at || (size_t)(line + len - at) < sizeof(key) + sizeof(text))
		return 0;
	memcpy(text, at + sizeof(key) - 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}

int store_first_read(int fd, uint64_t *seqp, int64_t *timep)
{
	static char text[BLOCK];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	char *line = text, *end;

	if (n < 0)
		return -errno;
	/* What was torn may stand before it. */
	for (; (end = memchr(line, '\n', (size_t)(text + n - line))) != NULL; line = end + 1) {
		struct audit_line parts;

		if (!audit_line_parse(line, (size_t)(end - line), &parts))
			continue;
		*seqp = parts.seq;
		*timep = time_of(line, parts.body_len);
		return 0;
	}
	return -ENODATA;
}
