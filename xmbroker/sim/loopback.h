/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_LOOPBACK_H
#define XMBROKER_SIM_LOOPBACK_H

/*
 * The loopback hypervisor: a 3.x system of three partitions, built in, with the caller as partition
 * 0 and nobody in the others.  Its description is libxm/system/loopback_xml.c.  Freestanding C: no
 * allocation, no clock of its own, no library but memcpy, memset and memcmp; all state in one
 * structure.  It answers as xmsim does on the same description, but
 *   - a call that xmsim would answer only after somebody else let the partition go on (suspending
 *     itself) or never (halting or resetting itself or the system) has the code
 *     XM_C_UNKNOWN_OUTCOME here, and after a halt or suspension of the own partition, and after a
 *     halt of the system, every call has XM_C_INVALID_MODE: nobody is there to end it;
 *   - XM_idle_self returns at once;
 *   - a watchdog timer is accepted and never expires, so the health monitor log stays empty;
 *   - there is nothing behind memory areas: a copy between them is checked, and moves nothing;
 *   - no more than LOOPBACK_PAGES pages are of a type of their own;
 *   - operations that a broker answers from the description (XM_OPF_DESCRIBED) are unknown.
 */

#include "libxm/core/request.h"

#define LOOPBACK_PARTITIONS 3
#define LOOPBACK_PORTS 8
#define LOOPBACK_SAMPLE 64   /* bytes of a sampling message */
#define LOOPBACK_MESSAGE 128 /* bytes of a queuing message */
#define LOOPBACK_QUEUE 8     /* messages of a queue */
#define LOOPBACK_PAGES 32

struct loopback_partition {
	bool halted;
	bool suspended;
	bool fresh; /* has not had a slot since it was started */
	uint32_t op_mode, vcpu_mode;
	uint32_t reset_counter;
	uint32_t reset_status;
	int64_t exec;      /* us that it has run */
	uint64_t count[4]; /* sampling read, written; queuing sent, received */
};

struct loopback_sample {
	int64_t stamp; /* HW clock when written */
	uint32_t len;  /* 0: nothing was ever written */
	uint8_t data[LOOPBACK_SAMPLE];
};

struct loopback_queue {
	uint32_t head;
	uint32_t n;
	uint32_t len[LOOPBACK_QUEUE];
	uint8_t data[LOOPBACK_QUEUE][LOOPBACK_MESSAGE];
};

struct loopback_page {
	uint64_t number;
	uint32_t type; /* 0: an ordinary one, and the place is free */
};

struct loopback {
	bool stopped; /* the system, or the own partition, for ever */
	uint32_t reset_counter;
	int64_t now;         /* us; of the call in hand, never backwards */
	int64_t boot;        /* when the hypervisor started */
	int64_t settled;     /* up to when exec and plan are accounted */
	int64_t epoch;       /* when the first major frame of the current plan began */
	bool begun;          /* the slot that starts at `epoch` */
	int64_t switch_at;   /* when the next plan takes over, if it is another one */
	int64_t switch_time; /* HW clock of the last switch; 0: none */
	uint64_t frames;     /* completed before `epoch` */
	uint32_t plan;
	uint32_t next_plan;
	int32_t prev_plan;
	struct loopback_partition partition[LOOPBACK_PARTITIONS];
	struct {
		bool open;
		uint8_t state; /* of its message: empty, consumed or new */
	} port[LOOPBACK_PORTS];
	struct loopback_sample sample[2];
	struct loopback_queue queue[2];
	struct loopback_page page[LOOPBACK_PAGES];
};

/* Boots it at `now_us`, microseconds of any clock that does not go backwards. */
void loopback_init(struct loopback *lb, int64_t now_us);
/* Carries out one hypercall of partition 0.  The reply's space must have been lent before. */
void loopback_call(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply,
		   int64_t now_us);

#endif
