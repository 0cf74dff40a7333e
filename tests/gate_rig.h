/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_GATE_RIG_H
#define XM_TESTS_GATE_RIG_H

/*
 * A gate with a fake policy, a log in memory and a hypervisor that records.  A test file says
 *
 *	TestSuite(gate, .init = gate_setup, .fini = gate_teardown);
 */

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/gate.h"

extern struct sealed policy;
extern struct fake_backend *hypervisor;
extern struct gate gate;
extern struct gate_caller caller; /* uid 1000 */
extern struct gate_call call;
extern struct xm_reply reply;
extern uint8_t space[XM_WIRE_PLAIN]; /* what is lent for bytes of a reply */
extern unsigned int n_broker;        /* operations of the broker that were carried out */
extern unsigned int n_syncs;         /* calls of fdatasync() */
extern unsigned int sync_fails_at;   /* the number of the one that fails */

void gate_setup(void);
void gate_teardown(void);

/* Puts another log, which the gate then owns, in the place of the one in memory. */
void use_audit(int fd);
const char *log_text(void);
bool logged(const char *s);

/* Asks for what is in call; a good request of this operation, of which the code is returned. */
int ask(void);
unsigned int ask_op(unsigned int op);

/* For on_call: how many times the log had been put on the disk is in the unsigned int at data. */
void sync_came_first(struct fake_backend *fake, const struct xm_request *req);

#endif
