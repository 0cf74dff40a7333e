// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compares the system description with what the hypervisor answers: names and numbers of partitions
 * and plans, the own ports.  Owns which calls are made for it.  Must never make one that changes
 * anything, nor take silence for agreement: what could not be asked is said.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xmbroker/log.h"
#include "xmbroker/system_check.h"

struct checking {
	const struct system *sys;
	const struct backend_info *hypervisor;
	const struct backend_issuer *issuer;
	struct xm_reply *reply;
	struct system_check *check;
};

/* What is described, for messages. */
struct subject {
	const char *kind, *name;
};

__attribute__((format(printf, 2, 3))) static void differs(struct checking *c, const char *format,
							  ...)
{
	struct system_check *check = c->check;
	va_list ap;

	if (check->n_differences < SYSTEM_CHECK_LINES) {
		va_start(ap, format);
		vsnprintf(check->differences[check->n_differences], sizeof(check->differences[0]),
			  format, ap);
		va_end(ap);
	}
	check->n_differences++;
}

static void skip(struct checking *c, unsigned int op)
{
	char *text = c->check->skipped;
	size_t len = strlen(text);

	if (!strstr(text, xm_ops[op].name))
		snprintf(text + len, sizeof(c->check->skipped) - len, "%s%s", len ? ", " : "",
			 xm_ops[op].name);
}

static bool has(const struct checking *c, unsigned int op)
{
	return xm_ops[op].profiles & XM_IN(c->hypervisor->profile);
}

/* Whether there is an answer that says something; codes that mean "no such" are among them. */
static bool ask(struct checking *c, const struct xm_request *req)
{
	struct xm_reply *reply = c->reply;

	if (c->check->gone)
		return false;
	if (!has(c, req->op)) {
		skip(c, req->op);
		return false;
	}
	xm_reply_init(reply, NULL, 0);
	c->check->n_asked++;
	c->issuer->issue(c->issuer->data, req, reply);
	if (reply->code == XM_C_INVALID_MODE || reply->code == XM_C_UNKNOWN_OUTCOME) {
		c->check->gone = true;
		return false;
	}
	if (reply->code == XM_C_OK || reply->code == XM_C_INVALID_CONFIG ||
	    reply->code == XM_C_INVALID_PARAM)
		return true;
	skip(c, req->op);
	return false;
}

static struct xm_value name_value(const char *name)
{
	return (struct xm_value){
		.state = XM_ST_OK,
		.len = (uint32_t)strnlen(name, SYSTEM_NAME),
		.data = (const uint8_t *)name,
	};
}

/* `entity`: XM_PARTITION_NAME 0, XM_PLAN_NAME 1. */
static void check_name(struct checking *c, const struct subject *what, uint64_t entity, uint32_t id)
{
	struct xm_request req = { .op = XM_OP_GET_GID_BY_NAME };

	if (!*what->name)
		return;
	req.arg[XM_A_GET_GID_BY_NAME_name] = name_value(what->name);
	req.arg[XM_A_GET_GID_BY_NAME_entity].num = entity;
	if (!ask(c, &req))
		return;
	if (c->reply->code != XM_C_OK)
		differs(c, "the hypervisor has no %s \"%s\"", what->kind, what->name);
	else if (c->reply->value != id)
		differs(c, "%s \"%s\" is number %u, of the hypervisor %u", what->kind, what->name,
			id, c->reply->value);
}

static void check_partitions(struct checking *c)
{
	uint32_t n;
	const struct system_partition *p = system_partitions(c->sys, &n);

	if (n != c->hypervisor->n_partitions)
		differs(c, "%u partitions, the hypervisor has %u", n, c->hypervisor->n_partitions);
	for (uint32_t i = 0; i < n; i++) {
		const struct subject what = { "partition", p[i].name };

		check_name(c, &what, 0, (uint32_t)system_partition_by_name(c->sys, p[i].name));
	}
}

static void check_current_plan(struct checking *c)
{
	struct xm_request req = { .op = XM_OP_GET_PLAN_STATUS };
	const struct xm_value *v = &c->reply->out[XM_A_GET_PLAN_STATUS_status];
	uint32_t n = system_n_plans(c->sys);

	req.arg[XM_A_GET_PLAN_STATUS_partitionId].num = c->hypervisor->partition;
	if (!ask(c, &req) || c->reply->code != XM_C_OK || v->state != XM_ST_OK ||
	    v->len != XM_NF_PLAN_STATUS)
		return;
	if (n && v->words[XM_F_PLAN_STATUS_current] >= n)
		differs(c, "%u plans, the hypervisor runs number %llu", n,
			(unsigned long long)v->words[XM_F_PLAN_STATUS_current]);
}

static void check_plans(struct checking *c)
{
	uint32_t all, n = system_n_plans(c->sys);
	const struct system_plan *plan = system_plans(c->sys, &all);

	for (uint32_t i = 0; i < n; i++) {
		const struct subject what = { "plan", plan[i].name };

		check_name(c, &what, 1, (uint32_t)system_plan_by_name(c->sys, plan[i].name));
	}
	check_current_plan(c);
}

static void check_number(struct checking *c, const char *port, const char *what, uint64_t described,
			 uint64_t answered)
{
	if (described != answered)
		differs(c, "port \"%s\": %s %llu, of the hypervisor %llu", port, what,
			(unsigned long long)described, (unsigned long long)answered);
}

static void compare_port(struct checking *c, const struct system_port *port, const uint64_t *words)
{
	const struct system_channel *channel = system_port_channel(c->sys, port);
	bool queuing = port->type == SYSTEM_QUEUING;

	if (!channel)
		return; /* of a port that leads nowhere there is nothing to tell */
	check_number(c, port->name, "direction", port->direction,
		     words[queuing ? XM_F_QUEUING_INFO_direction : XM_F_SAMPLING_INFO_direction]);
	check_number(c, port->name, "message length", channel->max_message_length,
		     words[queuing ? XM_F_QUEUING_INFO_maxMsgSize : XM_F_SAMPLING_INFO_maxMsgSize]);
	if (queuing)
		check_number(c, port->name, "messages", channel->max_no_messages,
			     words[XM_F_QUEUING_INFO_maxNoMsgs]);
}

static void check_port(struct checking *c, const struct system_port *port)
{
	bool queuing = port->type == SYSTEM_QUEUING;
	const struct xm_value *v = &c->reply->out[XM_A_GET_QUEUING_PORT_INFO_info];
	struct xm_request req = { .op = queuing ? XM_OP_GET_QUEUING_PORT_INFO
						: XM_OP_GET_SAMPLING_PORT_INFO };

	_Static_assert((int)XM_A_GET_QUEUING_PORT_INFO_info == XM_A_GET_SAMPLING_PORT_INFO_info,
		       "both calls look the same");
	req.arg[XM_A_GET_QUEUING_PORT_INFO_partitionId].num = c->hypervisor->partition;
	req.arg[XM_A_GET_QUEUING_PORT_INFO_portName] = name_value(port->name);
	if (!ask(c, &req))
		return;
	if (c->reply->code != XM_C_OK)
		differs(c, "the hypervisor has no %s port \"%s\" of our partition",
			queuing ? "queuing" : "sampling", port->name);
	else if (v->state == XM_ST_OK &&
		 v->len == (queuing ? XM_NF_QUEUING_INFO : XM_NF_SAMPLING_INFO))
		compare_port(c, port, v->words);
}

static void check_ports(struct checking *c)
{
	const struct system_partition *own = system_partition(c->sys, c->hypervisor->partition);
	uint32_t n;
	const struct system_port *ports = system_ports(c->sys, &n);

	for (uint32_t i = 0; own && i < own->n_ports; i++)
		check_port(c, &ports[own->first_port + i]);
}

void system_check(const struct system *sys, const struct backend_info *hypervisor,
		  const struct backend_issuer *issuer, struct xm_reply *reply,
		  struct system_check *checkp)
{
	struct checking c = { sys, hypervisor, issuer, reply, checkp };

	memset(checkp, 0, sizeof(*checkp));
	check_partitions(&c);
	check_plans(&c);
	check_ports(&c);
}

void system_check_log(const struct system_check *check)
{
	if (*check->skipped && !check->n_differences)
		log_notice("not compared with the system description, since this hypervisor does "
			   "not tell: %s",
			   check->skipped);
	if (!check->n_differences)
		return;
	log_error("the system description is not that of the running hypervisor: %u difference%s",
		  check->n_differences, check->n_differences == 1 ? "" : "s");
	for (unsigned int i = 0; i < check->n_differences && i < SYSTEM_CHECK_LINES; i++)
		log_error("  %s", check->differences[i]);
	if (check->n_differences > SYSTEM_CHECK_LINES)
		log_error("  and %u more", check->n_differences - SYSTEM_CHECK_LINES);
	log_error("give the description of the system that runs (`system' in the policy, or "
		  "--system), or boot the system that is described");
}
