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
#include <sys/wait.h>
#include <unistd.h>

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
	/* answers that are longer than a packet: */
	SERVER_PART_MISSING, /* without their second part */
	SERVER_PART_TWICE,   /* with their first part twice */
	SERVER_PART_TOTAL,   /* of which the second part claims another length */
	SERVER_PART_SERIAL,  /* of which the second part is of another message */
	SERVER_PART_PLAIN,   /* of which the second part is a whole message */
	SERVER_PART_CUT,     /* closes after their first part */
	SERVER_PART_INNER,   /* which are put together a message of another call */
	/* batches: */
	SERVER_BATCH_SHORT, /* answers with one result too few */
	SERVER_BATCH_PLAIN, /* answers with the result of a call */
};

struct server {
	/* set by the test */
	_Atomic int mode;
	_Atomic unsigned int code;  /* of results: enum xm_code */
	_Atomic uint32_t value;     /* of results */
	_Atomic uint32_t n_records; /* in results that have records */
	_Atomic uint32_t data_len;  /* in results that have data: bytes SERVER_BYTE(0), ... */
	_Atomic uint32_t partition; /* in the welcome */
	_Atomic uint8_t hypervisor; /* its profile there; 0: 3.x */
	_Atomic int refusal;
	_Atomic int refuse_once;  /* so many calls are answered by REFUSED, unmade */
	_Atomic int refuse_parts; /* so many parts of a message are read, and then it is REFUSED */
	_Atomic int close_all;    /* the server closes its connections and sets it back */
	_Atomic unsigned int refused_op;       /* not 0: this operation gets XM_C_PERM_ERROR */
	uint64_t table[XM_NF_PARTITION_TABLE]; /* fields of the partition's table */
	_Atomic uint32_t n_areas; /* of the partition: fields SERVER_AREA(area, field) */
	_Atomic bool has_ports;   /* of which these have news: */
	uint8_t news[1024];
	uint8_t refusals[XM_BATCH_MAX]; /* codes; one that is not XM_C_OK refuses the batch */
	uint8_t codes
		[XM_BATCH_MAX]; /* of the results of a batch; its values are value, value + 1, ... */
	/* seen by the test */
	_Atomic unsigned int n_connections;
	_Atomic unsigned int n_open;
	_Atomic unsigned int n_calls; /* and batches */
	_Atomic unsigned int n_batches;
	_Atomic unsigned int n_parts;   /* packets that were parts */
	_Atomic unsigned int n_foreign; /* messages of another identity than the connection's */
	struct xm_wire_hello hello;
	uint8_t last[XM_WIRE_MAX]; /* the last call or batch */
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
/* The last call, decoded; its operation is XM_N_OPS if it was none. */
struct xm_request server_last(const struct server *server);
/* The last batch; returns how many calls it has, 0 if it was none. */
unsigned int server_last_batch(const struct server *server, struct xm_request reqs[XM_BATCH_MAX]);

/* Value of field `i` of a structure in an answer, and the numbers of other outputs. */
#define SERVER_FIELD(i) (0x0102030405060700ULL + (i))
#define SERVER_NUMBER 0x1122334455667788LL
#define SERVER_AREA(area, field) ((area)*100ULL + (field))
#define SERVER_BYTE(i) ((uint8_t)('a' + (i) % 251))

/* Runs a child to its end; its exit status, or -1 if a signal ended it. */
static inline int run_child(int (*child)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(child());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
