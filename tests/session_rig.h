/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_SESSION_RIG_H
#define XM_TESTS_SESSION_RIG_H

/*
 * A whole server in this process: real sockets, a fake policy, a hypervisor that records.  Deadlines
 * are reached by moving the loop's clock.  A test file says
 *
 *	TestSuite(session, .init = session_setup, .fini = session_teardown);
 */

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/broker_fakes.h"
#include "xmbroker/server.h"
#include "xmbroker/session_internal.h"

#define LARGE (1u << 20)
#define LARGE_OF_ALL (3u << 20)
#define MESSAGE (200 * 1024) /* bytes of data: three and a half packets */

extern struct server_config config;
extern struct server *server;
extern struct fake_backend *hypervisor;
extern struct sockaddr_un address; /* of the server */
extern socklen_t address_len;
extern int supervisor;              /* its end of the channel */
extern uint8_t msg[XM_WIRE_PACKET]; /* what was sent or came last */
extern struct xm_request req;       /* likewise */
extern struct xm_reply reply;
extern uint8_t whole[XM_WIRE_MAX]; /* a message that travels in parts */

void session_setup(void);
void session_teardown(void);

/* As many rounds of the loop as anything takes; the second one moves the clock first. */
void turns(void);
void let_pass(int64_t ms);
bool logged(const char *s);
/* The log, cut to this size. */
void session_log(char *text, size_t size);

/* Clients: a connection, one that has been welcomed, and its next answer, which lies in msg. */
int connect_only(void);
void say_hello(int fd);
int client(void);
ssize_t answer(int fd);

/* A good request of this operation; what comes back, in reply; both. */
void send_call(int fd, unsigned int op);
unsigned int result(int fd);
unsigned int call(int fd, unsigned int op);

/* The session is over with this error, and the connection is closed. */
void expect_refused(int fd, int error);

/* Makes a session look like one of another uid. */
void pretend(struct session *s, uid_t uid);
/* The session that was opened last goes on the account of another user; its identity stays. */
void account_to(uid_t uid);
/* A client that is on the account of another user from the beginning. */
int client_of(uid_t uid);

/* The supervisor: takes the request for a reload; sends a message, with a descriptor that it closes. */
void reload_channel(struct channel_message *message);
void tell(uint8_t type, uint32_t number, bool ok, int fd, const char *text);

/* Puts a call that writes so many bytes into `whole`; sends a part, or all of them. */
int put_write(uint32_t size);
bool send_part(int fd, uint32_t serial, size_t total, size_t at);
void send_parts(int fd, size_t total);
/* Asks for a message of at most so many bytes; 0 or -1. */
int ask_to_read(int fd, uint32_t size);
/* The whole of a message that comes in parts; 0: something else came, in msg. */
size_t receive_parts(int fd);

#endif
