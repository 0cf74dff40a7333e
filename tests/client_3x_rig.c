// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the tests of the library as 3.x programs see it share: the broker, and what it got. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/client_3x_rig.h"

struct server *server;

void client_setup(void)
{
	server = server_start();
	server->partition = SELF;
	errno = 0;
}

void client_teardown(void)
{
	server_stop(server);
}

void expect_op(unsigned int op)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
}

void expect_num(unsigned int arg, uint64_t num)
{
	struct xm_request req = server_last(server);

	cr_expect_eq(req.arg[arg].state, XM_ST_OK, "argument %u", arg);
	cr_expect_eq(req.arg[arg].num, num, "argument %u is %lx", arg, req.arg[arg].num);
}

void expect_state(unsigned int arg, unsigned int state)
{
	struct xm_request req = server_last(server);

	cr_expect_eq(req.arg[arg].state, state, "argument %u: state %u", arg, req.arg[arg].state);
}

void expect_bytes(unsigned int arg, const char *bytes, size_t len)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.arg[arg].state, XM_ST_OK);
	cr_assert_eq(req.arg[arg].len, len);
	cr_expect(!memcmp(req.arg[arg].data, bytes, len));
}

/* The last request, to compare with that of the same call made otherwise. */
void save_last(uint8_t *copy)
{
	memset(copy, 0, XM_WIRE_PACKET);
	memcpy(copy, server->last, server->last_len);
	memset(copy + 8, 0, 4); /* serial */
}

void expect_same(const uint8_t *copy)
{
	static uint8_t now[XM_WIRE_PACKET];

	save_last(now);
	cr_expect(!memcmp(copy, now, XM_WIRE_PACKET), "another request");
}

uint8_t first[XM_WIRE_PACKET];

uint64_t field_in(unsigned int arg, unsigned int field)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.arg[arg].state, XM_ST_OK);
	cr_assert_lt(field, req.arg[arg].len);
	return xm_value_word(&req.arg[arg], field);
}
