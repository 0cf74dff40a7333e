// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random requests: mostly about what some rule of the policy says, with its values or those beside them.
 */

#include <stdio.h>
#include <string.h>

#include "tests/random_policy.h"

static uint8_t names[XM_MAX_ARGS][XM_NAME_MAX + 1];
static const uint8_t bytes[64];

/* Cut to what the argument can hold; sometimes not. */
static uint64_t fitting(const struct xm_arg *arg, uint64_t number)
{
	if (!dice(400))
		return number;
	if (arg->type == XM_T_U32)
		return (uint32_t)number;
	return arg->type == XM_T_S32 ? (uint64_t)(int64_t)(int32_t)number : number;
}

static uint64_t any_number(const struct random_policy *p, const struct xm_arg *arg, uint32_t self)
{
	uint32_t n;

	switch (arg->domain) {
	case XM_D_SELF:
		return dice(10) ? self : dice(4);
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		system_partitions(p->shape.sys, &n);
		return dice(4) ? dice(n + 1) : self;
	case XM_D_SAMPLING_PORT:
	case XM_D_QUEUING_PORT:
		system_ports(p->shape.sys, &n);
		return dice(n + 1);
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
	case XM_D_PLAN:
		return dice(4);
	default:
		return dice(3) ? dice(24) : random_bits() >> dice(64);
	}
}

static void put_name(struct xm_request *req, unsigned int arg, const char *name)
{
	size_t len = strlen(name);

	memcpy(names[arg], name, len + 1);
	/* A little longer, shorter or other. */
	if (!dice(4) && len < XM_NAME_MAX)
		names[arg][len++] = (uint8_t)("x-0"[dice(3)]);
	else if (!dice(6) && len)
		len--;
	req->arg[arg].data = names[arg];
	req->arg[arg].len = (uint32_t)len;
}

/* A port of the partition with this name, if there is one. */
static void put_port(const struct random_policy *p, struct xm_request *req, const char *name)
{
	uint32_t n;
	const struct system_port *ports = system_ports(p->shape.sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (ports[i].partition == req->arg[0].num &&
		    !strncmp(ports[i].name, name, strlen(name)) && dice(3)) {
			req->arg[1].num = i;
			return;
		}
}

static void put_hinted(const struct random_policy *p, const struct random_hint *hint,
		       struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];
	const struct xm_arg *arg;
	unsigned int i;

	if (xm_arg_by_name(op, hint->attribute) < 0 && strcmp(hint->attribute, "resource")) {
		if ((op->flags & XM_OPF_PORT) && hint->n_names)
			put_port(p, req, hint->name[dice(hint->n_names)]);
		return;
	}
	for (i = 0; i < op->n_args; i++)
		if (xm_domain_is_resource(op->args[i].domain))
			break;
	if (strcmp(hint->attribute, "resource"))
		i = (unsigned int)xm_arg_by_name(op, hint->attribute);
	if (i == op->n_args)
		return;
	arg = &op->args[i];
	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT) {
		i = arg->ref;
		arg = &op->args[i];
	}
	if (arg->type == XM_T_NAME && hint->n_names)
		put_name(req, i, hint->name[dice(hint->n_names)]);
	else if (hint->n)
		req->arg[i].num =
			fitting(arg, hint->number[dice(hint->n)] + (dice(4) ? 0 : dice(3) - 1u));
}

static const struct random_chunk *some_chunk(const struct random_policy *p)
{
	for (unsigned int i = 0; i < 50; i++) {
		const struct random_chunk *chunk = &p->chunk[dice(p->n)];

		if (!chunk->dead && chunk->n_ops)
			return chunk;
	}
	return NULL;
}

void random_request(const struct random_policy *p, uint32_t self, struct xm_request *req)
{
	const struct random_chunk *chunk = dice(12) ? some_chunk(p) : NULL;
	const struct xm_op *op;

	memset(req, 0, sizeof(*req));
	do
		req->op = chunk ? chunk->ops[dice(chunk->n_ops)] : dice(XM_N_OPS);
	while (xm_ops[req->op].class == XM_CLASS_NONE);
	op = &xm_ops[req->op];
	for (unsigned int i = 0; i < op->n_args; i++) {
		req->arg[i].num = fitting(&op->args[i], any_number(p, &op->args[i], self));
		if (op->args[i].type == XM_T_NAME)
			put_name(req, i, dice(2) ? "hk-1" : "payload");
		else if (!xm_type_is_scalar(op->args[i].type))
			req->arg[i].data = bytes;
	}
	for (unsigned int i = 0; chunk && i < chunk->n_hints; i++)
		if (dice(12))
			put_hinted(p, &chunk->hint[i], req);
	for (unsigned int i = 0; i < op->n_args; i++)
		if (!dice(30))
			req->arg[i].state = (uint8_t)dice(XM_N_STATES);
}
