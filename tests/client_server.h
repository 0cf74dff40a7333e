/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_CLIENT_SERVER_H
#define TESTS_CLIENT_SERVER_H

/*
 * A small broker for the tests of the client library: a child process that speaks the protocol on a
 * socket in a folder of its own, answers by rule, misbehaves on request, and lets the test see what
 * it received through shared memory.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include "libxm/core/wire.h"

/* How the server treats calls (or the handshake). */
enum server_mode {
	SERVER_ANSWER,          /* code, value and outputs as below */
	SERVER_CLOSE_ON_CALL,   /* reads the call and closes */
	SERVER_GARBAGE,         /* answers bytes that are no message */
	SERVER_TRUNCATED,       /* answers a result without its last byte */
	SERVER_WRONG_SERIAL,    /* answers another call */
	SERVER_SEND_DESCRIPTOR, /* answers with a descriptor */
	SERVER_REFUSE,          /* refuses the handshake with `refusal` */
	SERVER_REFUSE_EARLY,    /* refuses and closes without reading */
	SERVER_REFUSE_CALL,     /* refuses in place of a result */
	SERVER_HANGUP,          /* closes in place of a welcome */
	SERVER_BAD_WELCOME,     /* welcomes in a version that nobody speaks */
	SERVER_SLOW,            /* answers after 20 ms */
};

struct server {
	/* set by the test */
	_Atomic int mode;
	_Atomic unsigned int code;  /* of results: enum xm_code */
	_Atomic uint32_t value;     /* of results */
	_Atomic uint32_t n_records; /* in results that have records */
	_Atomic uint32_t data_len;  /* in results that have data: bytes 'a', 'b', ... */
	_Atomic uint32_t partition; /* in the welcome */
	_Atomic int refusal;
	_Atomic int refuse_once; /* so many calls are answered by REFUSED, unmade */
	_Atomic int close_all;   /* the server closes its connections and sets it back */
	/* seen by the test */
	_Atomic unsigned int n_connections;
	_Atomic unsigned int n_open;
	_Atomic unsigned int n_calls;
	_Atomic unsigned int n_foreign; /* messages of another identity than the connection's */
	struct xm_wire_hello hello;
	uint8_t last[XM_WIRE_MAX]; /* the last call */
	size_t last_len;
	/* private */
	char dir[64];
	char path[80];
	pid_t pid;
};

/* Starts a server and points XM_BROKER_SOCKET at it. */
struct server *server_start(void);
/* Ends the process, but leaves the folder, so that server_restart() finds the same address. */
void server_kill(struct server *server);
void server_restart(struct server *server);
/* Closes all connections, from the server's side, and returns when that is done. */
void server_close_all(struct server *server);
/* Waits up to two seconds until the server has `n` connections; the number that it has then. */
unsigned int server_wait_open(struct server *server, unsigned int n);
/* Ends it all. */
void server_stop(struct server *server);
/* The last call, decoded. */
struct xm_request server_last(const struct server *server);

/* Value of field `i` of a structure in an answer, and the numbers of other outputs. */
#define SERVER_FIELD(i) (0x0102030405060700ULL + (i))
#define SERVER_NUMBER 0x1122334455667788LL

#endif
