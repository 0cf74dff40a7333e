// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Consoles of the simulated hypervisor: of a device that only takes bytes, which go to whoever asked
 * for them, or, in 2.x, of a block of memory, which keeps them and has one position for all who write
 * and read.
 */

#include <string.h>

#include "xmbroker/sim/sim_internal.h"

#define MAX_3X 128 /* bytes in a call */

/* ---- in memory -------------------------------------------------------------------------------------- */

/* At its end it starts from its beginning. */
static uint32_t keep(struct sim_partition *p, const uint8_t *data, size_t len)
{
	uint32_t capacity = p->config->console_capacity;

	for (size_t i = 0; i < len; i++) {
		if (p->console_at == capacity)
			p->console_at = 0;
		p->console[p->console_at++] = data[i];
	}
	return (uint32_t)len;
}

static uint32_t read_back(struct sim_call *c, struct sim_partition *p, uint64_t len)
{
	uint32_t rest = p->config->console_capacity - p->console_at;

	xm_reply_put_data(c->reply, XM_A_READ_CONSOLE_buffer, p->console + p->console_at,
			  len < rest ? len : rest);
	return c->reply->out[XM_A_READ_CONSOLE_buffer].len;
}

/* What a device answers that cannot do it. */
static enum xm_code no_memory(const struct sim *sim)
{
	return sim->quirks ? sim_minus_one(sim) : XM_C_INVALID_PARAM;
}

/* ---- operations ------------------------------------------------------------------------------------- */

/* The original of 2.6 stops the system when there is no buffer. */
static enum xm_code check_write(const struct sim_call *c)
{
	const struct xm_value *buffer = &c->arg[XM_A_WRITE_CONSOLE_buffer];
	uint64_t length = c->arg[XM_A_WRITE_CONSOLE_length].num;

	if (sim_bad_pointer(c, XM_A_WRITE_CONSOLE_buffer))
		return XM_C_INVALID_PARAM;
	if (c->arg[XM_A_WRITE_CONSOLE_partitionId].num != c->self)
		return XM_C_PERM_ERROR;
	if (buffer->state != XM_ST_OK || buffer->len != length ||
	    (length > MAX_3X && c->sim->family == 3))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

enum xm_code sim_write_console(struct sim_call *c)
{
	const struct xm_value *buffer = &c->arg[XM_A_WRITE_CONSOLE_buffer];
	enum xm_code code = check_write(c);
	struct sim *sim = c->sim;

	if (code != XM_C_OK)
		return code;
	if (!(c->caller->config->flags & SYSTEM_PF_CONSOLE) || !buffer->len)
		return XM_C_OK;
	if (c->caller->console)
		c->reply->value = keep(c->caller, buffer->data, buffer->len);
	else if (sim->console)
		c->reply->value = (uint32_t)sim->console(sim->console_arg, c->self, buffer->data,
							 buffer->len);
	else
		c->reply->value = buffer->len;
	return XM_C_OK;
}

enum xm_code sim_read_console(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_READ_CONSOLE_partitionId].num;
	struct sim_partition *p;

	if (sim_bad_pointer(c, XM_A_READ_CONSOLE_buffer))
		return XM_C_INVALID_PARAM;
	if (id != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (id >= c->sim->n_partitions || !c->sim->partitions[id].console)
		return no_memory(c->sim);
	p = &c->sim->partitions[id];
	if (c->arg[XM_A_READ_CONSOLE_buffer].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	c->reply->value = read_back(c, p, c->arg[XM_A_READ_CONSOLE_length].num);
	p->console_at += c->reply->value;
	return XM_C_OK;
}

static bool base_of(const struct sim_partition *p, uint64_t whence, int64_t *basep)
{
	const int64_t bases[] = { p->console_at, 0, p->config->console_capacity };

	if (whence >= sizeof(bases) / sizeof(bases[0]))
		return false;
	*basep = bases[whence];
	return true;
}

enum xm_code sim_seek_console(struct sim_call *c)
{
	int64_t at = 0, capacity = c->caller->config->console_capacity;

	if (c->arg[XM_A_SEEK_CONSOLE_partitionId].num != c->self)
		return XM_C_PERM_ERROR;
	if (!c->caller->console || !base_of(c->caller, c->arg[XM_A_SEEK_CONSOLE_whence].num, &at))
		return no_memory(c->sim);
	at += (int32_t)c->arg[XM_A_SEEK_CONSOLE_offset].num;
	at = at < 0 ? 0 : at > capacity ? capacity : at;
	c->caller->console_at = c->reply->value = (uint32_t)at;
	return XM_C_OK;
}
