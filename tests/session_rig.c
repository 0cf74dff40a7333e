// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The server that the tests of sessions talk to: real sockets, a fake policy, a hypervisor that
 * records.  Owns all of it, for one test.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/session_rig.h"

struct server_config config = {
	.overflow = { 65534, 65534 },
	.session_max_age = 60,
	.max_sessions = 20,
	.max_sessions_per_user = 8,
	.large_memory = LARGE_OF_ALL,
	.large_memory_per_user = LARGE,
};
struct server *server;
struct fake_backend *hypervisor;
struct sockaddr_un address;
socklen_t address_len = sizeof(address);
int supervisor;
static int log_fd;
uint8_t msg[XM_WIRE_PACKET];

static int listen_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	/* Only the family: the kernel chooses an abstract address, and no file is left behind. */
	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fd, 64), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
	return fd;
}

void session_setup(void)
{
	struct sealed policy;
	struct audit *audit;
	int channel[2];
	struct server_fds fds;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, channel), 0);
	supervisor = channel[0];
	fds = (struct server_fds){ listen_socket(), channel[1] };
	log_fd = memfd_create("log", 0);
	cr_assert_eq(audit_new(dup(log_fd), NULL, NULL, &audit), 0);
	hypervisor = fake_backend_new();
	fake_policy.answer = FAKE_ALLOW;
	fake_policy.max_message = XM_WIRE_DATA_MAX;
	policy = fake_sealed(1);
	cr_assert_eq(server_new(&config, &fds, &policy, 1, &hypervisor->backend, audit, &server),
		     0);
}

void session_teardown(void)
{
	server_free(server);
	close(supervisor);
	close(log_fd);
}

void turns(void)
{
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
}

void let_pass(int64_t ms)
{
	server->loop.now += ms;
	turns();
}

int connect_only(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
	turns();
	return fd;
}

void say_hello(int fd)
{
	const struct xm_wire_hello hello = { 1, 1, XM_PROFILE_ID_2_4, "test", "/x" };
	int len = xm_wire_put_hello(msg, sizeof(msg), &hello);

	cr_assert_eq(send(fd, msg, (size_t)len, 0), len);
}

ssize_t answer(int fd)
{
	turns();
	return recv(fd, msg, sizeof(msg), MSG_DONTWAIT);
}

int client(void)
{
	struct xm_wire_welcome welcome;
	int fd = connect_only();
	ssize_t len;

	say_hello(fd);
	len = answer(fd);
	cr_assert_gt(len, 0);
	cr_assert_eq(xm_wire_get_welcome(msg, (size_t)len, &welcome), 0);
	cr_assert_eq(welcome.n_partitions, 3);
	return fd;
}

struct xm_request req;

void send_call(int fd, unsigned int op)
{
	int len;

	fake_request(op, &req);
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

struct xm_reply reply;

unsigned int result(int fd)
{
	struct xm_wire_head head;
	ssize_t len = answer(fd);

	cr_assert_gt(len, 0, "no answer: %zd", len);
	cr_assert_eq(xm_wire_get_head(msg, (size_t)len, &head), 0);
	cr_assert_eq(head.serial, 77);
	cr_assert_eq(xm_wire_get_result(msg, (size_t)len, &req, &reply), 0);
	return reply.code;
}

unsigned int call(int fd, unsigned int op)
{
	send_call(fd, op);
	return result(fd);
}

/* The session is over with this error, and the connection is closed. */
void expect_refused(int fd, int error)
{
	struct xm_wire_refused refused;
	ssize_t len = answer(fd);

	cr_assert_gt(len, 0, "no answer: %zd", len);
	cr_assert_eq(xm_wire_get_refused(msg, (size_t)len, &refused), 0);
	cr_expect_eq(refused.error, error, "%d, not %d: %s", refused.error, error, refused.reason);
	cr_expect_eq(answer(fd), 0);
	close(fd);
}

void session_log(char *text, size_t size)
{
	ssize_t n = pread(log_fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

bool logged(const char *s)
{
	static char text[1 << 20];

	session_log(text, sizeof(text));
	return strstr(text, s);
}

/* ---- users and the supervisor ------------------------------------------------------------------------ */

/* Makes a session look like one of another uid. */
void pretend(struct session *s, uid_t uid)
{
	bool setup = s->state == SESSION_SETUP;

	s->user->n_setup -= setup;
	session_discharge_all(s);
	users_put(&server->users, s->user);
	s->id.uid = uid;
	s->user = users_get(&server->users, uid);
	s->user->n_setup += setup;
}

void account_to(uid_t uid)
{
	struct session *s = server->last;
	uid_t own = s->id.uid;

	pretend(s, uid);
	s->id.uid = own;
}

int client_of(uid_t uid)
{
	int fd = client();

	account_to(uid);
	return fd;
}

void reload_channel(struct channel_message *message)
{
	turns();
	cr_assert_eq(channel_receive(supervisor, message), 1);
	cr_assert_eq(message->type, CHANNEL_RELOAD);
}

void tell(uint8_t type, uint32_t number, bool ok, int fd, const char *text)
{
	static struct channel_message message;

	message = (struct channel_message){ .type = type, .number = number, .ok = ok, .fd = fd };
	snprintf(message.text, sizeof(message.text), "%s", text);
	cr_assert_eq(channel_send(supervisor, &message), 0);
	if (fd >= 0)
		close(fd);
	turns();
}

/* ---- messages longer than a packet ------------------------------------------------------------------- */

uint8_t whole[XM_WIRE_MAX];
static uint8_t data[XM_WIRE_DATA_MAX];

int put_write(uint32_t size)
{
	fake_request(XM_OP_WRITE_SAMPLING_MESSAGE, &req);
	for (uint32_t i = 0; i < size; i++)
		data[i] = fake_byte(i);
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].data = data;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer].len = size;
	req.arg[XM_A_WRITE_SAMPLING_MESSAGE_size].num = size;
	return xm_wire_put_call(whole, sizeof(whole), 77, &req);
}

bool send_part(int fd, uint32_t serial, size_t total, size_t at)
{
	static uint8_t packet[XM_WIRE_PACKET];
	int len = xm_wire_put_part(packet, sizeof(packet), serial, whole, total, at);

	cr_assert_gt(len, 0);
	return send(fd, packet, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

void send_parts(int fd, size_t total)
{
	for (size_t at = 0; at < total; at += XM_WIRE_PART_DATA) {
		while (!send_part(fd, 77, total, at))
			loop_round(&server->loop, 0);
		loop_round(&server->loop, 0);
	}
}

/* The whole of a message that comes in parts; 0: something else came, in msg. */
size_t receive_parts(int fd)
{
	struct xm_wire_part part;
	size_t got = 0;

	do {
		ssize_t len = answer(fd);

		if (len <= 0 || xm_wire_get_part(msg, (size_t)len, &part) < 0)
			return 0;
		cr_assert_eq(part.offset, got);
		cr_assert_eq(part.serial, 77);
		memcpy(whole + got, part.data, part.len);
		got += part.len;
	} while (got < part.total);
	return got;
}

int ask_to_read(int fd, uint32_t size)
{
	int len;

	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[XM_A_READ_SAMPLING_MESSAGE_size].num = size;
	len = xm_wire_put_call(msg, sizeof(msg), 77, &req);
	return send(fd, msg, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}
