// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A simulated hypervisor at the other end of a SOCK_SEQPACKET connection, spoken to in the protocol
 * of libxm (wire.h).  Owns the connection.  Must never send a call twice, or take an answer that does
 * not belong to the call: a connection on which anything is out of order is given up.
 */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "xmbroker/backend.h"

#define HANDSHAKE_MS 5000

struct sim {
	struct backend backend;
	struct backend_info info;
	int fd; /* owned; open until another takes its place, so that its owner's loop sees the end */
	bool dead;
	uint32_t serial;
	uint8_t msg[XM_WIRE_PACKET]; /* the data of a reply stay in here until the next call */
	uint8_t *whole;              /* owned; a message longer than a packet, within a call only */
};

static struct sim *sim_of(struct backend *backend)
{
	return (struct sim *)backend;
}

/* Whoever waits for the descriptor finds it at its end. */
static void give_up(struct sim *sim)
{
	sim->dead = true;
	shutdown(sim->fd, SHUT_RDWR);
}

static int send_message(int fd, const uint8_t *msg, size_t len)
{
	while (send(fd, msg, len, MSG_NOSIGNAL) < 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (errno == EAGAIN)
			poll(&p, 1, -1);
	}
	return 0;
}

/* Length of the next message; -ECONNRESET at the end, -EMSGSIZE for one that is too long. */
static int receive_message(int fd, uint8_t *msg, size_t cap, int timeout)
{
	struct iovec iov = { .iov_base = msg, .iov_len = cap };

	for (;;) {
		struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;
		int r = poll(&p, 1, timeout);

		if (r == 0)
			return -ETIMEDOUT;
		/* No room for control messages: descriptors are dropped by the kernel. */
		n = r < 0 ? r : recvmsg(fd, &header, MSG_DONTWAIT);
		if (n > 0)
			return header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EMSGSIZE : (int)n;
		if (n == 0)
			return -ECONNRESET;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

/* ---- calls ------------------------------------------------------------------------------------------- */

/* Most bytes of the message that asks, apart from its data. */
#define ASIDE 4096

static size_t data_in(const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	for (unsigned int i = 0; i < op->n_args; i++)
		if (op->args[i].type == XM_T_DATA_IN && req->arg[i].state == XM_ST_OK)
			return req->arg[i].len;
	return 0;
}

static void drop_whole(struct sim *sim)
{
	free(sim->whole);
	sim->whole = NULL;
}

/* Sends what lies in sim->whole in parts. */
static int send_parts(struct sim *sim, size_t len)
{
	int r = 0;

	for (size_t at = 0; at < len && r == 0; at += XM_WIRE_PART_DATA) {
		r = xm_wire_put_part(sim->msg, sizeof(sim->msg), sim->serial, sim->whole, len, at);
		if (r > 0)
			r = send_message(sim->fd, sim->msg, (size_t)r);
	}
	return r;
}

/* 0 when all of the question is on its way; else the hypervisor did not get it. */
static int ask(struct sim *sim, const struct xm_request *req)
{
	size_t cap = data_in(req) + ASIDE;
	int len = xm_wire_put_call(sim->msg, sizeof(sim->msg), ++sim->serial, req);

	if (len > 0)
		return send_message(sim->fd, sim->msg, (size_t)len);
	sim->whole = malloc(cap);
	if (!sim->whole)
		return -ENOMEM;
	len = xm_wire_put_call(sim->whole, cap, sim->serial, req);
	len = len > 0 ? send_parts(sim, (size_t)len) : len;
	drop_whole(sim);
	return len;
}

static bool is_next(const struct sim *sim, const struct xm_wire_part *part, size_t total,
		    size_t filled)
{
	return part->serial == sim->serial && part->offset == filled &&
	       (!sim->whole || part->total == total);
}

/* Puts a message together in sim->whole, of which the first part has come; its length. */
static int receive_parts(struct sim *sim, int len)
{
	struct xm_wire_part part = { 0 };
	size_t total = 0, filled = 0;

	do {
		if (filled)
			len = receive_message(sim->fd, sim->msg, sizeof(sim->msg), -1);
		if (len < 0)
			return len;
		if (xm_wire_get_part(sim->msg, (size_t)len, &part) < 0 ||
		    !is_next(sim, &part, total, filled))
			return -EPROTO;
		total = part.total;
		if (!sim->whole)
			sim->whole = malloc(total);
		if (!sim->whole)
			return -ENOMEM;
		memcpy(sim->whole + filled, part.data, part.len);
		filled += part.len;
	} while (filled < total);
	return (int)total;
}

/* Brings the data of a reply from sim->whole, which will not last, into the space that was lent. */
static int copy_out(const struct xm_request *req, struct xm_reply *reply, uint8_t *space,
		    size_t space_len)
{
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++) {
		struct xm_value *v = &reply->out[i];

		if (v->state != XM_ST_OK || !v->data)
			continue;
		if (v->len > space_len)
			return -EMSGSIZE;
		memcpy(space, v->data, v->len);
		v->data = space;
	}
	return 0;
}

static int get_answer(struct sim *sim, const struct xm_request *req, struct xm_reply *reply)
{
	uint8_t *space = reply->space;
	size_t space_len = reply->space_len;
	struct xm_wire_head head;
	int len = receive_message(sim->fd, sim->msg, sizeof(sim->msg), -1);
	const uint8_t *msg = sim->msg;

	if (len > 0 && xm_wire_get_head(msg, (size_t)len, &head) == 0 &&
	    head.type == XM_WIRE_PART) {
		len = receive_parts(sim, len);
		msg = sim->whole;
	}
	if (len < 0)
		return len;
	if (xm_wire_get_head(msg, (size_t)len, &head) < 0 || head.serial != sim->serial ||
	    xm_wire_get_result(msg, (size_t)len, req, reply) < 0)
		return -EPROTO;
	return sim->whole ? copy_out(req, reply, space, space_len) : 0;
}

static void sim_call(struct backend *backend, const struct xm_request *req, struct xm_reply *reply)
{
	struct sim *sim = sim_of(backend);
	uint8_t *space = reply->space;
	size_t space_len = reply->space_len;
	int r = sim->dead ? -ENOTCONN : ask(sim, req);

	if (r < 0) {
		if (!sim->dead && r != -ENOMEM)
			give_up(sim);
		xm_reply_fail(reply, XM_C_INVALID_MODE);
		return;
	}
	if (get_answer(sim, req, reply) < 0) {
		give_up(sim);
		xm_reply_fail(reply, XM_C_UNKNOWN_OUTCOME);
	}
	drop_whole(sim);
	reply->space = space;
	reply->space_len = space_len;
}

/* ---- connection -------------------------------------------------------------------------------------- */

/* What a message means that is no welcome: -ESHUTDOWN where nobody is to be had. */
static int refusal(const uint8_t *msg, size_t len)
{
	struct xm_wire_refused refused;

	if (xm_wire_get_refused(msg, len, &refused) == 0 && refused.error == ESHUTDOWN)
		return -ESHUTDOWN;
	return -EPROTO;
}

static int handshake(int fd, struct backend_info *infop)
{
	const struct xm_wire_hello hello = {
		.version_min = XM_WIRE_VERSION,
		.version_max = XM_WIRE_VERSION,
		.profile = XM_PROFILE_ID_3_X,
		.comm = "xmbroker",
	};
	struct xm_wire_welcome welcome;
	uint8_t msg[XM_WIRE_HEAD + 512];
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	if (len < 0)
		return len;
	len = send_message(fd, msg, (size_t)len);
	if (len < 0)
		return len;
	len = receive_message(fd, msg, sizeof(msg), HANDSHAKE_MS);
	if (len < 0)
		return len;
	if (xm_wire_get_welcome(msg, (size_t)len, &welcome) < 0)
		return refusal(msg, (size_t)len);
	if (welcome.version != XM_WIRE_VERSION || welcome.data_max < XM_WIRE_DATA_MAX)
		return -EPROTONOSUPPORT;
	*infop = (struct backend_info){
		.profile = welcome.profile,
		.partition = welcome.partition,
		.n_partitions = welcome.n_partitions,
	};
	return 0;
}

static int sim_attach(struct backend *backend, int fd)
{
	struct sim *sim = sim_of(backend);
	struct backend_info info;
	int r = handshake(fd, &info);

	if (r < 0) {
		close(fd);
		return r;
	}
	if (sim->fd >= 0)
		close(sim->fd);
	sim->fd = fd;
	sim->info = info;
	sim->dead = false;
	return 0;
}

static void sim_info(const struct backend *backend, struct backend_info *infop)
{
	*infop = ((const struct sim *)backend)->info;
}

static int sim_fd(const struct backend *backend)
{
	return ((const struct sim *)backend)->fd;
}

static void sim_free(struct backend *backend)
{
	struct sim *sim = sim_of(backend);

	if (sim->fd >= 0)
		close(sim->fd);
	free(sim);
}

static const struct backend_ops sim_ops = {
	.name = "sim",
	.call = sim_call,
	.info = sim_info,
	.attach = sim_attach,
	.fd = sim_fd,
	.free = sim_free,
};

int backend_sim_new(int fd, struct backend **backendp)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	int r;

	if (!sim) {
		close(fd);
		return -ENOMEM;
	}
	sim->backend.ops = &sim_ops;
	sim->fd = -1;
	r = sim_attach(&sim->backend, fd);
	if (r < 0) {
		free(sim);
		return r;
	}
	*backendp = &sim->backend;
	return 0;
}
