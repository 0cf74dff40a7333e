/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_CLIENT_3X_RIG_H
#define XM_TESTS_CLIENT_3X_RIG_H

/* A 3.x program in this process, whose broker says what it got. */

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"

#define SELF 2 /* the broker's own partition */
#define W(x) ((unsigned long)(x))
#define EXPECT_FIELD(ID, s, field)                                                                 \
	cr_expect_eq((s).field, (__typeof__((s).field))SERVER_FIELD(XM_F_##ID##_##field))

extern struct server *server;
extern uint8_t first[XM_WIRE_PACKET];

void client_setup(void);
void client_teardown(void);

/* The last request and its arguments. */
void expect_op(unsigned int op);
void expect_num(unsigned int arg, uint64_t num);
void expect_state(unsigned int arg, unsigned int state);
void expect_bytes(unsigned int arg, const char *bytes, size_t len);
uint64_t field_in(unsigned int arg, unsigned int field);

/* The last request, to compare with that of the same call made otherwise. */
void save_last(uint8_t *copy);
void expect_same(const uint8_t *copy);

#endif
