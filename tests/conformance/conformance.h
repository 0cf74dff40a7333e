/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

/*
 * The conformance suite: what every backend must answer, seen through the public API alone.  Each
 * file of rows is compiled once a profile.  A row is one function that checks; checks never end it,
 * so that a row says all that is wrong with it.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <xm.h>
#include <xm/hcall.h>

struct row {
	const char *section; /* "5.3" */
	const char *name;
	void (*run)(void);
	bool stops; /* the partition or the system: run last, in a process of its own */
};

/* Each file of rows has one of these; a row without a name ends it. */
extern const struct row object_rows[], console_rows[], sampling_rows[], queuing_rows[], log_rows[];
extern const struct row memory_rows[], trace_rows[], status_rows[], partition_rows[], vcpu_rows[];
extern const struct row time_rows[], plan_rows[], hm_rows[], irq_rows[], call_rows[], stop_rows[];

/* ---- checks (check.c) ----------------------------------------------------------------------------- */

/* The call returns this code or number; a code comes with its errno, a success changes none. */
#define IS(expected, call)                                                                         \
	(errno = 0, check_code(__FILE__, __LINE__, #call, (long)(call), (long)(expected)))
/* Two codes are right. */
#define IS_ANY(a, b, call) (errno = 0, check_either(__FILE__, __LINE__, #call, (long)(call), a, b))
#define EQ(expected, value)                                                                        \
	check_number(__FILE__, __LINE__, #value, (long long)(value), (long long)(expected))
#define HOLDS(condition) check_true(__FILE__, __LINE__, #condition, condition)
/* What the row cannot do without; `what` as the description of the system calls it. */
#define NEEDS(condition, what)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			check_lacks(what);                                                         \
			return;                                                                    \
		}                                                                                  \
	} while (0)

bool check_code(const char *file, int line, const char *what, long got, long expected);
bool check_either(const char *file, int line, const char *what, long got, long a, long b);
bool check_number(const char *file, int line, const char *what, long long got, long long expected);
bool check_true(const char *file, int line, const char *what, bool holds);
void check_lacks(const char *what);

#define REPORT_TEXT 2048

/* What came of a row. */
struct report {
	unsigned int tried, failed;
	char lacks[80]; /* what the system lacks for it; "" nothing */
	char text[REPORT_TEXT];
};

extern struct report report; /* of the row in hand */

/* The errno that goes with a code. */
int check_errno(long code);

/* ---- the system that is tested (machine.c) -------------------------------------------------------- */

#define NAME_MAX_LEN 32
#define FAR_MAX 4

enum port_role {
	SAMPLING_OUT, /* source; several destinations, of which the first has a peer */
	SAMPLING_IN,
	SAMPLING_FOREVER, /* destination of a channel without a valid period */
	QUEUING_OUT,
	QUEUING_IN,
	LOOSE_SAMPLING_OUT, /* in no channel */
	LOOSE_SAMPLING_IN,
	LOOSE_QUEUING_OUT,
	LOOSE_QUEUING_IN,
	N_PORT_ROLES
};

/* What the health monitor does with a partition whose event PARTITION_ERROR is raised. */
enum error_role { ON_IGNORE, ON_COLD_RESET, ON_WARM_RESET, ON_SUSPEND, ON_HALT, N_ERROR_ROLES };

struct end {
	long partition; /* -1: none */
	char name[NAME_MAX_LEN];
};

struct port {
	bool there;
	char name[NAME_MAX_LEN];
	unsigned int size, depth;
	long long period; /* us; 0: none */
	unsigned int n_far;
	struct end far[FAR_MAX];
};

struct range {
	bool there;
	unsigned int partition;
	unsigned long address, size;
};

struct machine {
	unsigned int n_partitions;
	struct end self, plain, managed, silent, unbooted;
	long on_error[N_ERROR_ROLES];
	struct port port[N_PORT_ROLES];
	unsigned int n_plans;
	char plan_name[8][NAME_MAX_LEN];
	long long frame[8]; /* us */
	struct range own, read_only, other;
	bool console, watchdog;
	bool hm;     /* the health monitor keeps a log */
	long traced; /* bits of a kind that the own trace keeps; 0: has none */
	long untraced;
	unsigned int vcpus;
	long line,
		foreign_line; /* interrupt lines that the partition has and has not; -1: not said */
	struct end ipvi;      /* partition that interrupt ipvi_number reaches */
	unsigned int ipvi_number, ipvi_unused; /* 24..31 */
	bool brokered;                         /* a broker is between */
};

extern struct machine machine;

/* Reads the description of the system; says what is wrong and returns false. */
bool machine_load(const char *path);
/* Lets at least this time pass on the hardware clock. */
void machine_pass(long long us);
/* XM_idle_self(), with a virtual clock that somebody moves meanwhile. */
long machine_idle(void);
/* Path of the socket that moves a virtual clock; NULL: the clock is real. */
extern const char *machine_control;
/* Microseconds of the hardware clock; -1: cannot be asked. */
long long machine_time(void);

/* ---- partitions with a process of ours (peer.c) --------------------------------------------------- */

#define PEER_ARGUMENT 512 /* bytes of it */

typedef long peer_fn(void *arg);

/* What to set XM_BROKER_SOCKET to for partition `id`. */
void peer_add(unsigned int id, const char *socket);
bool peer_has(long id);
void peers_end(void);
/* A process in the partition runs fn on a copy of arg, which comes back; errno is its. */
long peer_run(long id, peer_fn *fn, void *arg, size_t len);
/* The same in two halves; peer_end() returns whether it was answered in time. */
void peer_begin(long id, peer_fn *fn, void *arg, size_t len);
bool peer_end(long id, long *valuep, unsigned int timeout_ms);
/* A new process, for one whose partition was stopped or which still waits. */
void peer_renew(long id);
/* A hypercall by number from there; numbers only. */
long peer_hcall(long id, unsigned int nr, unsigned long a0, unsigned long a1, unsigned long a2);

/* ---- what rows share (common.c) ------------------------------------------------------------------- */

/* Memory that cannot be used at all, and memory that cannot be written. */
void *bad_memory(void);
void *constant_memory(void);

/* The profile's code for what is so already. */
#if XM_FAMILY == 2
#define ALREADY XM_OK
#define QUEUE_LIMIT XM_NOT_AVAILABLE
#define NO_OPERATION XM_INVALID_PARAM
#else
#define ALREADY XM_NO_ACTION
#define QUEUE_LIMIT XM_OP_NOT_ALLOWED
#define NO_OPERATION XM_OP_NOT_ALLOWED
#endif
/* What opening a port returns when there is none, and when it is another one. */
#if XM_PROFILE == XM_PROFILE_2_4
#define NOT_OPENED XM_INVALID_PARAM
#define MISMATCHED XM_INVALID_PARAM
#elif XM_PROFILE == XM_PROFILE_2_6
#define NOT_OPENED XM_INVALID_CONFIG
#define MISMATCHED XM_INVALID_CONFIG
#else
#define NOT_OPENED XM_INVALID_PARAM
#define MISMATCHED XM_INVALID_CONFIG
#endif

long partition_status(unsigned int id, xmPartitionStatus_t *status);
/* XM_STATUS_..., or the code. */
long state_of(unsigned int id);
/* Brings a partition that may be stopped back to READY, cold. */
void revive(unsigned int id);

/* The own port with this role, opened once a process; negative: the code. */
long open_port(enum port_role role);
long create_sampling(const char *name, unsigned int size, unsigned int direction, long long period);
long receive(long port, void *buffer, unsigned int size, xm_u32_t *flags);
/* A port that a peer is to open, and what to do with it. */
struct far_port {
	char name[NAME_MAX_LEN];
	unsigned int size, depth, len;
	long long period;
	char data[256];
	xm_u32_t flags;
};
/* The far end of a port. */
struct far_port far_end(const struct port *port, unsigned int which);
peer_fn far_write, far_read, far_send, far_receive;

/* A record of the health monitor or of a trace, in whatever profile. */
struct record {
	unsigned int event, partition, system, criticality;
	unsigned long payload;
	long long stamp;
};

/* 1: there was one; 0: none; negative: the code. */
long hm_next(struct record *record);
long trace_next(long stream, struct record *record);
/* Writes one of this kind to the own trace. */
long trace_put(xm_u32_t mask, unsigned int criticality, unsigned int code, unsigned long payload);
peer_fn far_trace; /* arg: struct record with event, criticality, payload, and stamp for the mask */
/* Moves behind the last record of the health monitor. */
void hm_skip(void);

#define PARTITION_ERROR XM_HM_EV_PARTITION_ERROR

#endif
