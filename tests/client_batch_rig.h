/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_CLIENT_BATCH_RIG_H
#define XM_TESTS_CLIENT_BATCH_RIG_H

/* Multicalls, against a broker that says what it got. */

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"
#include "libxm/batch.h"

#define MOST ((unsigned long)XM_WIRE_DATA_MAX)
#define WORD(x) ((unsigned long)(x))
#define POINTER(p) ((unsigned long)(uintptr_t)(p))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern struct server *server;
extern struct xm_request reqs[XM_BATCH_MAX];

void batch_setup(void);
void batch_teardown(void);

/* Makes the calls, with errno 0 before. */
xm_s32_t run(unsigned long *words, size_t n);
/* Whether the head at this word has this number of arguments and this result. */
bool head_is(const unsigned long *words, size_t at, unsigned long argc, int value);

#endif
