// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the tests of multicalls share: the broker, and calls. */

#include <errno.h>

#include "tests/client_batch_rig.h"

struct server *server;
struct xm_request reqs[XM_BATCH_MAX];

void batch_setup(void)
{
	server = server_start();
	errno = 0;
}

void batch_teardown(void)
{
	server_stop(server);
}

xm_s32_t run(unsigned long *words, size_t n)
{
	errno = 0;
	return XM_multicall(words, words + n);
}

bool head_is(const unsigned long *words, size_t at, unsigned long argc, int value)
{
	return words[at + 1] == (argc | (unsigned long)(uint16_t)value << 16);
}
