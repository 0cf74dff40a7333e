// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests' own broker.  Owns a folder, a child process and a page shared with it.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client_server.h"

#define MAX_PEERS 64

struct peer {
	int fd; /* -1: free */
	bool welcomed;
	struct ucred ucred;
	/* of a message that comes in parts */
	uint8_t *whole;
	uint32_t got;
	int n_parts;
};

static struct peer peers[MAX_PEERS];

static void die(const char *what)
{
	perror(what);
	_exit(70);
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void peer_close(struct server *s, struct peer *p)
{
	close(p->fd);
	free(p->whole);
	*p = (struct peer){ .fd = -1 };
	s->n_open--;
}

static void peer_accept(struct server *s, int listener)
{
	socklen_t len = sizeof(struct ucred);

	for (int i = 0; i < MAX_PEERS; i++) {
		struct peer *p = &peers[i];

		if (p->fd >= 0)
			continue;
		p->fd = accept(listener, NULL, NULL);
		if (p->fd < 0)
			return;
		p->welcomed = false;
		getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &p->ucred, &len);
		s->n_connections++;
		s->n_open++;
		return;
	}
}

/* One packet, and whether the kernel says that it comes from whoever connected. */
static ssize_t peer_receive(struct server *s, struct peer *p, uint8_t *msg, size_t cap)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { msg, cap };
	struct msghdr packet = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(p->fd, &packet, 0);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&packet) : NULL;
	struct ucred ucred;

	if (c && c->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&ucred, CMSG_DATA(c), sizeof(ucred));
		if (ucred.uid != p->ucred.uid || ucred.gid != p->ucred.gid)
			s->n_foreign++;
	}
	return n;
}

static void peer_send(struct peer *p, const uint8_t *msg, int len)
{
	if (len > 0 && send(p->fd, msg, (size_t)len, MSG_NOSIGNAL) < 0)
		return;
}

static void peer_refuse(struct server *s, struct peer *p)
{
	struct xm_wire_refused refused = { .error = (uint16_t)s->refusal, .reason = "test" };
	uint8_t msg[512];

	peer_send(p, msg, xm_wire_put_refused(msg, sizeof(msg), &refused));
}

static void peer_hello(struct server *s, struct peer *p, const uint8_t *msg, size_t len)
{
	struct xm_wire_welcome welcome = {
		.version = s->mode == SERVER_BAD_WELCOME ? 77 : XM_WIRE_VERSION,
		.profile = s->hypervisor ? s->hypervisor : XM_PROFILE_ID_3_X,
		.partition = s->partition,
		.n_partitions = 3,
		.data_max = XM_WIRE_DATA_MAX,
	};
	uint8_t answer[128];

	if (s->mode == SERVER_HANGUP || xm_wire_get_hello(msg, len, &s->hello) < 0) {
		peer_close(s, p);
		return;
	}
	if (s->mode == SERVER_REFUSE) {
		peer_refuse(s, p);
		peer_close(s, p);
		return;
	}
	p->welcomed = true;
	peer_send(p, answer, xm_wire_put_welcome(answer, sizeof(answer), &welcome));
}

static void fill_words(struct xm_reply *reply, unsigned int i, unsigned int n)
{
	uint64_t *words = xm_reply_put_words(reply, i, n);

	for (unsigned int w = 0; w < n; w++)
		words[w] = SERVER_FIELD(w);
}

static void fill_struct(struct server *s, const struct xm_request *req, unsigned int i,
			struct xm_reply *reply)
{
	uint8_t news = s->news[req->arg[1].num % sizeof(s->news)];
	uint64_t *words;

	fill_words(reply, i, xm_structs[xm_ops[req->op].args[i].ref].n_fields);
	words = reply->words;
	if (req->op == XM_OP_GET_PARTITION_TABLE)
		memcpy(words, s->table, sizeof(s->table));
	if (s->has_ports && req->op == XM_OP_GET_SAMPLING_PORT_STATUS)
		words[XM_F_SAMPLING_STATUS_flags] = news ? 4 : 0;
	if (s->has_ports && req->op == XM_OP_GET_QUEUING_PORT_STATUS)
		words[XM_F_QUEUING_STATUS_noMsgs] = news;
}

static void fill_areas(struct server *s, const struct xm_request *req, struct xm_reply *reply)
{
	uint32_t from = (uint32_t)req->arg[XM_A_GET_PARTITION_MMAP_from].num;
	uint32_t n = from < s->n_areas ? s->n_areas - from : 0;
	uint64_t *words;

	if (n > req->arg[XM_A_GET_PARTITION_MMAP_noAreas].num)
		n = (uint32_t)req->arg[XM_A_GET_PARTITION_MMAP_noAreas].num;
	words = xm_reply_put_words(reply, XM_A_GET_PARTITION_MMAP_areas, n * XM_NF_MEMORY_AREA);
	for (uint32_t w = 0; w < n * XM_NF_MEMORY_AREA; w++)
		words[w] = SERVER_AREA(from + w / XM_NF_MEMORY_AREA, w % XM_NF_MEMORY_AREA);
	reply->value = n;
}

static void fill_output(struct server *s, const struct xm_request *req, unsigned int i,
			struct xm_reply *reply)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[i];
	static uint8_t data[XM_WIRE_DATA_MAX];
	uint32_t len = s->data_len;

	switch (arg->type) {
	case XM_T_U32_OUT:
		xm_reply_put_num(reply, i, (uint32_t)SERVER_NUMBER);
		break;
	case XM_T_S64_OUT:
		xm_reply_put_num(reply, i, (uint64_t)SERVER_NUMBER);
		break;
	case XM_T_STRUCT_OUT:
		fill_struct(s, req, i, reply);
		break;
	case XM_T_RECORDS_OUT:
		if (req->op == XM_OP_GET_PARTITION_MMAP)
			fill_areas(s, req, reply);
		else
			fill_words(reply, i, s->n_records * xm_structs[arg->ref].n_fields);
		break;
	default:
		for (unsigned int b = 0; b < len && b < sizeof(data); b++)
			data[b] = SERVER_BYTE(b);
		xm_reply_put_data(reply, i, data, len > sizeof(data) ? sizeof(data) : len);
	}
}

static struct xm_reply *make_reply(struct server *s, const struct xm_request *req,
				   unsigned int code, uint32_t value)
{
	static struct xm_reply reply;
	static uint8_t space[XM_WIRE_DATA_MAX];

	xm_reply_init(&reply, space, sizeof(space));
	if (s->refused_op && req->op == s->refused_op)
		code = XM_C_PERM_ERROR;
	if (code != XM_C_OK) {
		xm_reply_fail(&reply, (enum xm_code)code);
		return &reply;
	}
	reply.value = value;
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++)
		if (!xm_type_is_in(xm_ops[req->op].args[i].type) && req->arg[i].state == XM_ST_OK)
			fill_output(s, req, i, &reply);
	return &reply;
}

static int make_result(struct server *s, const struct xm_request *req, uint32_t serial,
		       uint8_t *msg, size_t cap)
{
	return xm_wire_put_result(msg, cap, serial, req, make_reply(s, req, s->code, s->value));
}

static void send_descriptor(struct peer *p, const uint8_t *msg, int len)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)(uintptr_t)msg, (size_t)len };
	struct msghdr packet = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space) };
	int fd = 0;

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	(void)!sendmsg(p->fd, &packet, MSG_NOSIGNAL);
}

/* A part of a long answer, spoiled as the mode says; whether the rest is to follow. */
static bool send_part(struct server *s, struct peer *p, const uint8_t *msg, size_t len,
		      size_t offset, uint32_t serial)
{
	static uint8_t part[XM_WIRE_PACKET];
	int mode = s->mode;
	bool second = offset == XM_WIRE_PART_DATA;
	int n;

	if (second && mode == SERVER_PART_MISSING)
		return true;
	if (second && mode == SERVER_PART_PLAIN) {
		struct xm_wire_welcome welcome = { .version = XM_WIRE_VERSION, .profile = 1 };

		n = xm_wire_put_welcome(part, sizeof(part), &welcome);
	} else {
		n = xm_wire_put_part(part, sizeof(part),
				     serial + (second && mode == SERVER_PART_SERIAL), msg,
				     len - (second && mode == SERVER_PART_TOTAL), offset);
	}
	peer_send(p, part, n);
	if (!offset && mode == SERVER_PART_TWICE)
		peer_send(p, part, n);
	return offset || mode != SERVER_PART_CUT;
}

/* An answer, in parts if it has to be. */
static void send_answer(struct server *s, struct peer *p, const uint8_t *msg, int len,
			uint32_t serial)
{
	if (len <= XM_WIRE_PACKET) {
		peer_send(p, msg, len);
		return;
	}
	for (size_t offset = 0; offset < (size_t)len; offset += XM_WIRE_PART_DATA) {
		if (!send_part(s, p, msg, (size_t)len, offset, serial)) {
			peer_close(s, p);
			return;
		}
	}
}

static bool refuses(struct server *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (s->refusals[i] != XM_C_OK)
			return true;
	return false;
}

static int make_batch_result(struct server *s, const struct xm_request *reqs, unsigned int n,
			     uint32_t serial, uint8_t *msg, size_t cap)
{
	unsigned int n_said = n - (s->mode == SERVER_BATCH_SHORT);
	int len;

	if (s->mode == SERVER_BATCH_PLAIN)
		return make_result(s, reqs, serial, msg, cap);
	for (unsigned int i = 0; i < n; i++)
		if (reqs[i].op == XM_OP_UNCLASSIFIED)
			s->refusals[i] = (uint8_t)xm_unclassified_code(&reqs[i]);
	if (refuses(s, n))
		return xm_wire_put_batch_refusal(msg, cap, serial, s->refusals, n_said);
	len = xm_wire_begin_batch_result(msg, cap, serial, n);
	for (unsigned int i = 0; i < n_said; i++)
		len = xm_wire_add_batch_result(msg, cap, len, &reqs[i],
					       make_reply(s, &reqs[i], s->codes[i], s->value + i));
	return xm_wire_end_batch_result(msg, cap, len);
}

/* The answer to a call or a batch; -1 if it is neither. */
static int make_answer(struct server *s, const uint8_t *msg, size_t len, uint8_t *answer,
		       size_t cap)
{
	static struct xm_request reqs[XM_BATCH_MAX];
	struct xm_wire_head head;
	unsigned int n;

	if (xm_wire_get_head(msg, len, &head) < 0)
		return -1;
	head.serial += s->mode == SERVER_WRONG_SERIAL || s->mode == SERVER_PART_INNER;
	if (xm_wire_get_call(msg, len, &reqs[0]) == 0)
		return make_result(s, &reqs[0], head.serial, answer, cap);
	if (xm_wire_get_batch(msg, len, reqs, &n) < 0)
		return -1;
	s->n_batches++;
	return make_batch_result(s, reqs, n, head.serial, answer, cap);
}

static void peer_call(struct server *s, struct peer *p, const uint8_t *msg, size_t len)
{
	static uint8_t answer[XM_WIRE_MAX];
	struct xm_wire_head head;
	int n;

	if (s->refuse_once > 0) {
		s->refuse_once--;
		peer_refuse(s, p);
		peer_close(s, p);
		return;
	}
	n = make_answer(s, msg, len, answer, sizeof(answer));
	if (n < 0 || xm_wire_get_head(msg, len, &head) < 0) {
		peer_close(s, p);
		return;
	}
	memcpy(s->last, msg, len);
	s->last_len = len;
	s->n_calls++;
	if (s->mode == SERVER_SLOW)
		sleep_ms(20);
	switch (atomic_load(&s->mode)) {
	case SERVER_CLOSE_ON_CALL:
		peer_close(s, p);
		break;
	case SERVER_GARBAGE:
		peer_send(p, (const uint8_t *)"garbage", 7);
		break;
	case SERVER_TRUNCATED:
		peer_send(p, answer, n - 1);
		break;
	case SERVER_SEND_DESCRIPTOR:
		send_descriptor(p, answer, n);
		break;
	case SERVER_REFUSE_CALL:
		peer_refuse(s, p);
		peer_close(s, p);
		break;
	default:
		send_answer(s, p, answer, n, head.serial);
	}
}

/* Puts a message together; nothing else comes between its parts. */
static void peer_part(struct server *s, struct peer *p, const struct xm_wire_part *part)
{
	uint8_t *whole;
	uint32_t total;

	s->n_parts++;
	if (s->refuse_parts && ++p->n_parts > s->refuse_parts) {
		peer_refuse(s, p);
		peer_close(s, p);
		return;
	}
	if (!p->whole)
		p->whole = malloc(part->total);
	if (!p->whole || part->offset != p->got) {
		peer_close(s, p);
		return;
	}
	memcpy(p->whole + p->got, part->data, part->len);
	p->got += part->len;
	if (p->got < part->total)
		return;
	whole = p->whole;
	total = p->got;
	p->whole = NULL;
	p->got = 0;
	p->n_parts = 0;
	peer_call(s, p, whole, total);
	free(whole);
}

static void peer_read(struct server *s, struct peer *p)
{
	static uint8_t msg[XM_WIRE_PACKET];
	ssize_t n = peer_receive(s, p, msg, sizeof(msg));
	struct xm_wire_part part;

	if (n <= 0)
		peer_close(s, p);
	else if (!p->welcomed)
		peer_hello(s, p, msg, (size_t)n);
	else if (xm_wire_get_part(msg, (size_t)n, &part) == 0)
		peer_part(s, p, &part);
	else
		peer_call(s, p, msg, (size_t)n);
}

static void close_all(struct server *s)
{
	for (int i = 0; i < MAX_PEERS; i++)
		if (peers[i].fd >= 0)
			peer_close(s, &peers[i]);
	s->close_all = 0;
}

/* Ends when the test's process does, whatever becomes of it. */
static _Noreturn void serve(struct server *s, int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < MAX_PEERS; i++)
		peers[i].fd = -1;
	for (;;) {
		struct pollfd fds[MAX_PEERS + 1] = { { .fd = listener, .events = POLLIN } };

		for (int i = 0; i < MAX_PEERS; i++)
			fds[i + 1] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
		poll(fds, MAX_PEERS + 1, 2);
		if (s->close_all)
			close_all(s);
		for (int i = 0; i < MAX_PEERS; i++)
			if (peers[i].fd >= 0 && peers[i].fd == fds[i + 1].fd && fds[i + 1].revents)
				peer_read(s, &peers[i]);
		if (fds[0].revents & POLLIN)
			peer_accept(s, listener);
		for (int i = 0; s->mode == SERVER_REFUSE_EARLY && i < MAX_PEERS; i++) {
			if (peers[i].fd < 0)
				continue;
			sleep_ms(
				20); /* lets the client's message arrive, so that it stays unread */
			peer_refuse(s, &peers[i]);
			peer_close(s, &peers[i]);
		}
	}
}

void server_restart(struct server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int on = 1;
	pid_t pid;

	memcpy(addr.sun_path, s->path, strlen(s->path));
	unlink(s->path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    /* Inherited by what is accepted: a first message may come before that could ask for it. */
	    setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    chmod(s->path, 0666) < 0 || listen(listener, MAX_PEERS) < 0)
		die("listen");
	s->n_open = 0;
	pid = fork(); /* s is shared with the child, which must not write its 0 there */
	if (pid < 0)
		die("fork");
	if (!pid)
		serve(s, listener);
	s->pid = pid;
	close(listener);
}

struct server *server_start(void)
{
	struct server *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		die("mmap");
	snprintf(s->dir, sizeof(s->dir), "/tmp/xm-client-XXXXXX");
	if (!mkdtemp(s->dir) || chmod(s->dir, 0755) < 0)
		die("mkdtemp");
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	setenv("XM_BROKER_SOCKET", s->path, 1);
	server_restart(s);
	return s;
}

void server_kill(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = -1;
}

void server_stop(struct server *s)
{
	if (s->pid > 0)
		server_kill(s);
	unlink(s->path);
	rmdir(s->dir);
	munmap(s, sizeof(*s));
}

void server_close_all(struct server *s)
{
	s->close_all = 1;
	while (s->close_all)
		sleep_ms(1);
}

unsigned int server_wait_open(struct server *s, unsigned int n)
{
	for (int i = 0; i < 2000 && s->n_open != n; i++)
		sleep_ms(1);
	return s->n_open;
}

struct xm_request server_last(const struct server *s)
{
	struct xm_request req = { .op = XM_N_OPS };

	if (xm_wire_get_call(s->last, s->last_len, &req) < 0)
		req.op = XM_N_OPS;
	return req;
}

unsigned int server_last_batch(const struct server *s, struct xm_request reqs[XM_BATCH_MAX])
{
	unsigned int n;

	return xm_wire_get_batch(s->last, s->last_len, reqs, &n) < 0 ? 0 : n;
}
