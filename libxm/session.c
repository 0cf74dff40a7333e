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

struct session {
	pthread_mutex_t lock; /* zeroes are an unlocked one */
	bool live;            /* false in fresh memory and in a child's */
	pid_t pid;            /* where the kernel does not empty memory on fork */
	int cancel_state;     /* of the thread that holds the lock */
	struct connection connection;
	struct transport_ids ids; /* whose the connection is */
	struct xm_wire_welcome welcome;
	uint32_t serial;
	uint8_t msg[XM_WIRE_MAX];
	uint8_t scratch[XM_WIRE_DATA_MAX];
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

void session_leave(struct session *s)
{
	int cancel_state = s->cancel_state;

	pthread_mutex_unlock(&s->lock);
	pthread_setcancelstate(cancel_state, NULL);
}

int session_descriptor(const struct session *s)
{
	return s->connection.open ? s->connection.fd : -1;
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

/* The other side had gone before the request was on its way. */
static bool was_dead(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN;
}

static int session_send(struct session *s, enum xm_profile profile, const struct xm_request *req)
{
	for (int attempt = 0;; attempt++) {
		int r = session_open(s, profile);
		int len = r < 0 ? r : xm_wire_put_call(s->msg, sizeof(s->msg), ++s->serial, req);

		if (len < 0)
			return len;
		r = transport_send(s->connection.fd, &s->ids, s->msg, (size_t)len);
		if (!r)
			return 0;
		session_close(s);
		if (attempt || !was_dead(r))
			return r;
	}
}

/* A refusal by which the broker says that it ended the session between calls: this one came too late
 * and was not made. */
static bool came_too_late(const uint8_t *msg, size_t len)
{
	struct xm_wire_refused refused;

	return xm_wire_get_refused(msg, len, &refused) == 0 &&
	       (refused.error == ETIMEDOUT || refused.error == ESHUTDOWN);
}

/* Reads the answer; whatever is not one leaves the outcome unknown.  -EAGAIN: the call was not made. */
static int get_answer(struct session *s, const struct xm_request *req, struct xm_reply *replyp)
{
	ssize_t n = transport_receive(s->connection.fd, s->msg, sizeof(s->msg));
	struct xm_wire_head head;

	if (n > 0 && came_too_late(s->msg, (size_t)n))
		return -EAGAIN;
	if (n <= 0 || xm_wire_get_head(s->msg, (size_t)n, &head) < 0 || head.serial != s->serial ||
	    xm_wire_get_result(s->msg, (size_t)n, req, replyp) < 0)
		return -ECONNRESET;
	return 0;
}

int session_exchange(struct session *s, enum xm_profile profile, const struct xm_request *req,
		     struct xm_reply *replyp)
{
	for (int attempt = 0;; attempt++) {
		int r = session_send(s, profile, req);

		if (r < 0)
			return r;
		r = get_answer(s, req, replyp);
		if (r < 0)
			session_close(s);
		if (r != -EAGAIN || attempt)
			return r;
	}
}
