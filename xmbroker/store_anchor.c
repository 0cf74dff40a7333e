// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What of the audit log goes elsewhere: anchors, which say where the chain stood at a time, to our
 * own log and the system's; and records, if that is wished.  Owns the socket of the system's log.
 * Must never wait for whoever reads there.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/log.h"
#include "xmbroker/store_internal.h"

#define SYSLOG_PATH "/dev/log"
#define FORWARD_BYTES 1048576 /* read in one go */
#define FORWARD_LAG 16777216  /* bytes behind, after which some are skipped */
#define REST_BYTES 67108864   /* of a file that is left, at most */

/* ---- the system's log -------------------------------------------------------------------------------- */

static int connect_syslog(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int store_syslog_open(struct store *store, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = connect_syslog(fd, path ? path : SYSLOG_PATH);
	/* Kept all the same: there may be a reader later. */
	store->syslog = fd;
	store->syslog_lost = r < 0;
	return r;
}

/* syslog(3) would wait. */
static int send_syslog(struct store *store, const char *text, size_t len)
{
	static char packet[AUDIT_LINE_MAX + 128];
	time_t now = time(NULL);
	struct tm tm;
	int head;

	if (store->syslog < 0)
		return 0;
	if (len > AUDIT_LINE_MAX)
		return -EMSGSIZE;
	gmtime_r(&now, &tm);
	head = snprintf(packet, 64, "<%d>", LOG_AUTHPRIV | LOG_NOTICE);
	head += (int)strftime(packet + head, 64, "%b %e %H:%M:%S ", &tm);
	head += snprintf(packet + head, 48, "xmbroker[%d]: ", (int)getpid());
	memcpy(packet + head, text, len);
	if (send(store->syslog, packet, (size_t)head + len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return -errno;
}

/* Whether the other side is another one now, or was never there. */
static bool is_cut(int error)
{
	return error == -ECONNREFUSED || error == -ENOTCONN || error == -ECONNRESET ||
	       error == -EPIPE;
}

static int to_syslog(struct store *store, const char *text, size_t len)
{
	int r = send_syslog(store, text, len);

	if (!is_cut(r))
		return r;
	if (connect_syslog(store->syslog, SYSLOG_PATH) == 0)
		r = send_syslog(store, text, len);
	if (r < 0 && !store->syslog_lost)
		log_warning("the system's log cannot be reached: %s", strerror(-r));
	store->syslog_lost = r < 0;
	return r;
}

/* ---- anchors ----------------------------------------------------------------------------------------- */

void store_anchor(struct store *store)
{
	char text[256], chain[2 * AUDIT_STATE_CHAIN + 1], epoch[24] = "-", when[32];
	time_t now = time(NULL);
	struct tm tm;
	int len;

	if (!store->last.seq)
		return;
	audit_hex_put(chain, store->last.chain, sizeof(store->last.chain));
	chain[sizeof(chain) - 1] = '\0';
	if (store->epoch)
		snprintf(epoch, sizeof(epoch), "%" PRIu64, store->epoch);
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	len = snprintf(text, sizeof(text),
		       "xmbroker-audit-anchor:1 seq=%" PRIu64 " epoch=%s chain=%s time=%s",
		       store->last.seq, epoch, chain, when);
	log_notice("%s", text);
	if (store->set.syslog_anchors)
		to_syslog(store, text, (size_t)len);
}

/* ---- records ----------------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t n = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		n++;
	}
	return n;
}

/* Sends the whole lines of a piece; *usedp: how much of it is dealt with.  -EAGAIN: the reader is slow. */
static int send_lines(struct store *store, const char *text, size_t len, size_t *usedp)
{
	const char *end;
	int r = 0;

	for (*usedp = 0; (end = memchr(text + *usedp, '\n', len - *usedp)) != NULL;) {
		size_t n = (size_t)(end - text) - *usedp;

		r = to_syslog(store, text + *usedp, n);
		if (r == -EAGAIN || r == -ENOBUFS)
			return -EAGAIN;
		if (r < 0)
			store->skipped++;
		*usedp += n + 1;
	}
	if (*usedp == 0 && len == FORWARD_BYTES) /* no line, whatever it is */
		*usedp = len;
	return 0;
}

static void say_skipped(struct store *store)
{
	char text[128];
	int len;

	if (!store->skipped)
		return;
	len = snprintf(text, sizeof(text),
		       "%" PRIu64
		       " audit records were not forwarded: they are in the audit log only",
		       store->skipped);
	if (to_syslog(store, text, (size_t)len) < 0)
		return; /* later */
	log_warning("%s", text);
	store->skipped = 0;
}

static char piece[FORWARD_BYTES];

/* One piece; 1: there may be more. */
static int forward_some(struct store *store, int fd)
{
	ssize_t n = pread(fd, piece, sizeof(piece), (off_t)store->forwarded);
	size_t used;
	int r;

	if (n <= 0)
		return 0;
	r = send_lines(store, piece, (size_t)n, &used);
	store->forwarded += used;
	return r < 0 ? r : used > 0;
}

/* Passes over a piece. */
static bool skip_some(struct store *store, int fd)
{
	ssize_t n = pread(fd, piece, sizeof(piece), (off_t)store->forwarded);

	if (n <= 0)
		return false;
	store->skipped += count_lines(piece, (size_t)n);
	store->forwarded += (uint64_t)n;
	return true;
}

void store_forward(struct store *store)
{
	struct stat st;

	if (!store->set.syslog_records || store->now.fd < 0 || store->asked)
		return;
	if (fstat(store->now.fd, &st) == 0 && (uint64_t)st.st_size < store->forwarded)
		store->forwarded = (uint64_t)st.st_size; /* somebody cut it short */
	if (forward_some(store, store->now.fd) == -EAGAIN && fstat(store->now.fd, &st) == 0)
		while ((uint64_t)st.st_size > store->forwarded + FORWARD_LAG &&
		       skip_some(store, store->now.fd))
			;
	say_skipped(store);
}

void store_forward_rest(struct store *store, int fd)
{
	uint64_t end = store->forwarded + REST_BYTES;
	int r = 1;

	if (store->set.syslog_records) {
		while (r > 0 && store->forwarded < end)
			r = forward_some(store, fd);
		while (r != 0 && skip_some(store, fd))
			;
		say_skipped(store);
	}
	store->forwarded = 0;
}
