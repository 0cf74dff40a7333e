// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process's session.  Owns the connection and its buffers, which live in memory that the kernel
 * empties in a child of fork(): the child finds an unlocked lock and no connection, even if another
 * thread was in mid-call.  Must never use a descriptor without having made sure that it is still the
 * one that was opened, since the application may have closed it and got the number for another file;
 * and must never shut down a connection that a parent still uses.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxm/session.h"
#include "libxm/transport.h"

/* A descriptor together with what tells whether it is still the same file. */
struct connection {
	bool open;
	int fd;
	dev_t dev;
	ino_t ino;
};

/* Memory for a message that is longer than a packet; none between calls. */
struct large {
	uint8_t *bytes;
	size_t len;
};

struct session {
	pthread_mutex_t lock; /* zeroes are an unlocked one */
	bool live;            /* false in fresh memory and in a child's */
	pid_t pid;            /* where the kernel does not empty memory on fork */
	int cancel_state;     /* of the thread that holds the lock */
	struct connection connection;
	struct transport_ids ids; /* whose the connection is */
	struct xm_wire_welcome welcome;
	uint32_t serial;
	struct large question, answer;
	uint8_t msg[XM_WIRE_PACKET];
	uint8_t scratch[XM_WIRE_PLAIN];
};

static struct session *_Atomic current;
static atomic_bool survives_fork; /* set if the kernel does not empty the memory */
/* Survives fork(), so that a child can close what it inherited. */
static struct connection inheritance;

/* ---- descriptors ------------------------------------------------------------------------------- */

static bool connection_is_ours(const struct connection *c)
{
	struct stat st;

	return c->open && fstat(c->fd, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino;
}

static void connection_drop(struct connection *c)
{
	if (connection_is_ours(c))
		close(c->fd);
	c->open = false;
}

static int connection_take(struct connection *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	*c = (struct connection){ .open = true, .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

/* ---- the process ------------------------------------------------------------------------------- */

static struct session *session_new(struct session *stale)
{
	struct session *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	s->pid = getpid();
	if (madvise(s, sizeof(*s), MADV_WIPEONFORK) < 0)
		atomic_store(&survives_fork, true);
	if (!atomic_compare_exchange_strong(&current, &stale, s)) {
		munmap(s, sizeof(*s));
		s = stale; /* another thread was first */
	}
	return s;
}

static struct session *session_get(void)
{
	struct session *s = atomic_load(&current);

	if (s && !(atomic_load(&survives_fork) && s->pid != getpid()))
		return s;
	return session_new(s);
}

int session_enter(struct session **sessionp)
{
	struct session *s;
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	s = session_get();
	if (!s) {
		pthread_setcancelstate(cancel_state, NULL);
		return -ENOMEM;
	}
	pthread_mutex_lock(&s->lock);
	s->cancel_state = cancel_state;
	if (!s->live) {
		connection_drop(&inheritance);
		s->live = true;
	}
	*sessionp = s;
	return 0;
}

static void large_put(struct large *large)
{
	if (large->len)
		munmap(large->bytes, large->len);
	*large = (struct large){ NULL, 0 };
}

void session_leave(struct session *s)
{
	int cancel_state = s->cancel_state;

	large_put(&s->question);
	large_put(&s->answer);
	pthread_mutex_unlock(&s->lock);
	pthread_setcancelstate(cancel_state, NULL);
}

int session_descriptor(const struct session *s)
{
	return s->connection.open ? s->connection.fd : -1;
}

const struct xm_wire_welcome *session_welcome(const struct session *s)
{
	return &s->welcome;
}

uint32_t session_partition(const struct session *s)
{
	return s->welcome.partition;
}

uint8_t *session_scratch(struct session *s)
{
	return s->scratch;
}

/* ---- connection -------------------------------------------------------------------------------- */

static void session_close(struct session *s)
{
	connection_drop(&s->connection);
	inheritance.open = false;
}

/* A process that changed its identity gets a session of the new one; the old one is refused. */
static bool same_identity(const struct transport_ids *a, const struct transport_ids *b)
{
	return a->ruid == b->ruid && a->euid == b->euid && a->rgid == b->rgid && a->egid == b->egid;
}

/*
 * A plugin that has the library in it is unloaded, or the process ends.  Threads that are in a call
 * then keep the connection; who calls later finds what a child finds: zeroes, which are an unlocked
 * lock and no connection.
 */
__attribute__((destructor)) static void unload(void)
{
	struct session *s = atomic_load(&current);

	if (!s || s->pid != getpid() || pthread_mutex_trylock(&s->lock))
		return;
	session_close(s);
	if (madvise(s, sizeof(*s), MADV_DONTNEED) < 0)
		pthread_mutex_unlock(&s->lock);
}

int session_open(struct session *s, enum xm_profile profile)
{
	struct transport_ids ids;
	int fd, r;

	transport_ids_get(&ids);
	if (connection_is_ours(&s->connection) && same_identity(&ids, &s->ids))
		return 0;
	session_close(s);
	fd = transport_open(profile, &ids, &s->welcome);
	if (fd < 0)
		return fd;
	r = connection_take(&s->connection, fd);
	if (r < 0)
		return r;
	s->ids = ids;
	inheritance = s->connection;
	return 0;
}

/* ---- memory for messages that are longer than a packet --------------------------------------------- */

/* Room for `len` bytes until the session is left: NULL if there is none. */
static uint8_t *large_get(struct large *large, size_t len)
{
	void *bytes;

	if (large->len >= len)
		return large->bytes;
	large_put(large);
	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	/* A child, whose session is fresh, would never give it back. */
	madvise(bytes, len, MADV_DONTFORK);
	*large = (struct large){ bytes, len };
	return bytes;
}

/* ---- sending ------------------------------------------------------------------------------------- */

/* What is asked: one call, or the calls of a batch. */
struct question {
	bool batch;
	unsigned int n;
	const struct xm_request *reqs;
};

static int put_question(const struct question *q, uint8_t *msg, size_t cap, uint32_t serial)
{
	return q->batch ? xm_wire_put_batch(msg, cap, serial, q->reqs, q->n)
			: xm_wire_put_call(msg, cap, serial, q->reqs);
}

/* The message that asks; where it lies goes to *msgp. */
static int encode(struct session *s, const struct question *q, const uint8_t **msgp)
{
	int len = put_question(q, s->msg, sizeof(s->msg), ++s->serial);
	uint8_t *msg;

	*msgp = s->msg;
	if (len != -EMSGSIZE)
		return len;
	msg = large_get(&s->question, XM_WIRE_MAX);
	if (!msg)
		return -ENOMEM;
	*msgp = msg;
	return put_question(q, msg, XM_WIRE_MAX, s->serial);
}

/* All of a message: 0, or -errno, and then the broker did not get all of it. */
static int send_message(struct session *s, const uint8_t *msg, size_t len)
{
	int r = 0;

	if (len <= XM_WIRE_PACKET)
		return transport_send(s->connection.fd, &s->ids, msg, len);
	for (size_t offset = 0; offset < len && !r; offset += XM_WIRE_PART_DATA) {
		int n = xm_wire_put_part(s->msg, sizeof(s->msg), s->serial, msg, len, offset);

		r = n < 0 ? n : transport_send(s->connection.fd, &s->ids, s->msg, (size_t)n);
	}
	return r;
}

/* The other side had gone before the request was on its way. */
static bool was_dead(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN;
}

/* By these the broker says that it ended the session between calls: the one that came too late was
 * not made, and may be made in another session. */
static bool is_late(int error)
{
	return error == -ETIMEDOUT || error == -ESHUTDOWN;
}

/* The error of a refusal; 0 if the message is none. */
static int get_refusal(const uint8_t *msg, ssize_t len)
{
	struct xm_wire_refused refused;

	if (len <= 0 || xm_wire_get_refused(msg, (size_t)len, &refused) < 0)
		return 0;
	return refused.error ? -(int)refused.error : -EACCES;
}

/*
 * Why not all of a long message could be sent.  The refusal, if there is one, was sent before the
 * connection was closed: it is here already.
 */
static int why_cut(struct session *s, int error)
{
	ssize_t n;
	int refusal;

	if (!was_dead(error))
		return error;
	n = transport_receive_now(s->connection.fd, s->msg, sizeof(s->msg));
	if (n == -ECONNRESET)
		n = transport_receive_now(s->connection.fd, s->msg, sizeof(s->msg));
	refusal = get_refusal(s->msg, n);
	if (!refusal || is_late(refusal))
		return error;
	/* It was certainly not made, which this error would not say. */
	return refusal == -ECONNRESET ? -EPROTO : refusal;
}

static int session_send(struct session *s, enum xm_profile profile, const struct question *q)
{
	for (int attempt = 0;; attempt++) {
		const uint8_t *msg;
		int r = session_open(s, profile);
		int len = r < 0 ? r : encode(s, q, &msg);

		if (len < 0)
			return len;
		r = send_message(s, msg, (size_t)len);
		if (!r)
			return 0;
		if (len > XM_WIRE_PACKET)
			r = why_cut(s, r);
		session_close(s);
		/* The outcome is known, whatever the connection suffered. */
		if (attempt || !was_dead(r))
			return r == -ECONNRESET ? -EPIPE : r;
	}
}

/* ---- receiving ----------------------------------------------------------------------------------- */

/* The part that has to come next, at `offset` of `total` bytes (0: not known yet). */
static int get_part(const struct session *s, size_t len, uint32_t offset, uint32_t total,
		    struct xm_wire_part *partp)
{
	if (xm_wire_get_part(s->msg, len, partp) < 0 || partp->serial != s->serial ||
	    partp->offset != offset || (total && partp->total != total))
		return -EPROTO;
	return 0;
}

/* Puts together what comes in parts, of which the first, of `len` bytes, is there. */
static ssize_t receive_parts(struct session *s, size_t len, const uint8_t **msgp)
{
	struct xm_wire_part part;
	uint8_t *whole = NULL;
	uint32_t got = 0;
	uint32_t total = 0;

	for (;;) {
		ssize_t n;

		if (get_part(s, len, got, total, &part) < 0)
			return -EPROTO;
		total = part.total;
		whole = large_get(&s->answer, total);
		if (!whole)
			return -ENOMEM;
		memcpy(whole + got, part.data, part.len);
		got += part.len;
		if (got == total)
			break;
		n = transport_receive(s->connection.fd, s->msg, sizeof(s->msg));
		if (n <= 0)
			return n;
		len = (size_t)n;
	}
	*msgp = whole;
	return (ssize_t)total;
}

/* A whole message: its length, 0 or -errno. */
static ssize_t receive_message(struct session *s, const uint8_t **msgp)
{
	ssize_t n = transport_receive(s->connection.fd, s->msg, sizeof(s->msg));
	struct xm_wire_head head;

	/* A broker that closes without reading does so after its refusal; the error comes first. */
	if (n == -ECONNRESET)
		n = transport_receive_now(s->connection.fd, s->msg, sizeof(s->msg));
	*msgp = s->msg;
	if (n <= 0 || xm_wire_get_head(s->msg, (size_t)n, &head) < 0 || head.type != XM_WIRE_PART)
		return n;
	return receive_parts(s, (size_t)n, msgp);
}

/* Every result of an answer, so that none is stored before all are known to be good. */
static int check_batch(const struct xm_wire_batch_result *result, const struct question *q)
{
	struct xm_wire_batch_result reader = *result;
	struct xm_reply reply;

	for (unsigned int i = 0; result->ran && i < q->n; i++)
		if (xm_wire_next_batch_result(&reader, &q->reqs[i], i + 1 == q->n, &reply) < 0)
			return -EPROTO;
	return 0;
}

static int get_batch(const uint8_t *msg, size_t len, const struct question *q,
		     struct xm_wire_batch_result *resultp)
{
	if (xm_wire_get_batch_result(msg, len, q->n, resultp) < 0)
		return -EPROTO;
	return check_batch(resultp, q);
}

/*
 * Reads the answer; whatever is not one leaves the outcome unknown.  -EAGAIN and -EDQUOT: the broker
 * says that the request was not made.
 */
static int get_answer(struct session *s, const struct question *q, struct xm_reply *replyp,
		      struct xm_wire_batch_result *resultp)
{
	const uint8_t *msg;
	ssize_t n = receive_message(s, &msg);
	int refusal = get_refusal(msg, n);
	struct xm_wire_head head;

	if (refusal)
		return is_late(refusal) ? -EAGAIN : refusal == -EDQUOT ? -EDQUOT : -ECONNRESET;
	if (n <= 0 || xm_wire_get_head(msg, (size_t)n, &head) < 0 || head.serial != s->serial)
		return -ECONNRESET;
	if ((q->batch ? get_batch(msg, (size_t)n, q, resultp)
		      : xm_wire_get_result(msg, (size_t)n, q->reqs, replyp)) < 0)
		return -ECONNRESET;
	return 0;
}

static int exchange(struct session *s, enum xm_profile profile, const struct question *q,
		    struct xm_reply *replyp, struct xm_wire_batch_result *resultp)
{
	for (int attempt = 0;; attempt++) {
		int r = session_send(s, profile, q);

		if (r < 0)
			return r;
		r = get_answer(s, q, replyp, resultp);
		if (r < 0)
			session_close(s);
		if (r != -EAGAIN || attempt)
			return r;
	}
}

int session_exchange(struct session *s, enum xm_profile profile, const struct xm_request *req,
		     struct xm_reply *replyp)
{
	struct question q = { .n = 1, .reqs = req };

	return exchange(s, profile, &q, replyp, NULL);
}

int session_exchange_batch(struct session *s, enum xm_profile profile,
			   const struct xm_request *reqs, unsigned int n,
			   struct xm_wire_batch_result *resultp)
{
	struct question q = { .batch = true, .n = n, .reqs = reqs };

	return exchange(s, profile, &q, NULL, resultp);
}
