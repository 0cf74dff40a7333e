// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard.  Owns what each domain of the table (enum xm_domain) means on the system at hand.  Pure:
 * no state, no allocation.  Must never pass a value that it does not understand.
 */

#include "libxm/core/wire.h"
#include "xmbroker/guard.h"

#define CONSOLE_MAX_3_X 128
#define IRQS 32  /* of each kind that a partition knows */
#define LINES 16 /* of a 2.x machine */
/* Flags of a memory area, as 3.x numbers them. */
#define AREA_READ_ONLY 0x4u
#define AREA_ROM 0x10u

/* What a domain is judged against. */
struct view {
	const struct system *sys;
	const struct backend_info *hv;
	const struct xm_request *req;
};

static bool is_3_x(uint32_t profile)
{
	return profile == XM_PROFILE_ID_3_X || profile == XM_PROFILE_ID_PRTOS;
}

uint32_t guard_console_max(uint32_t profile)
{
	return is_3_x(profile) ? CONSOLE_MAX_3_X : XM_WIRE_DATA_MAX;
}

static const struct system_port *own_port(const struct view *v, uint64_t id, uint32_t type)
{
	const struct system_port *port = system_port(v->sys, id);

	return port && port->partition == v->hv->partition && port->type == type ? port : NULL;
}

static bool is_vcpu(const struct view *v, uint64_t partition, uint64_t num)
{
	const struct system_partition *p = system_partition(v->sys, partition);

	return p && num < p->n_vcpus;
}

/* The size of a message: argument 1 is the port, which has been judged before. */
static bool is_message_size(const struct view *v, uint64_t num)
{
	const struct system_port *port = system_port(v->sys, v->req->arg[1].num);
	const struct system_channel *channel = port ? system_port_channel(v->sys, port) : NULL;
	uint64_t max = channel ? channel->max_message_length : XM_WIRE_DATA_MAX;

	return port && num >= 1 && num <= max;
}

/* PRTOS has no watchdog. */
static bool is_enumerated(const struct view *v, const struct xm_arg *arg, uint64_t num)
{
	if (arg->ref == XM_E_TIMER && num >= 2 && v->hv->profile == XM_PROFILE_ID_PRTOS)
		return false;
	return xm_enum_name(arg->ref, num);
}

/* Only XM_memory_copy has one.  The ranges that it makes must have ends. */
static bool is_copy_size(const struct view *v, uint64_t size)
{
	const struct xm_value *arg = v->req->arg;

	return size <= INT64_MAX && size <= UINT64_MAX - arg[XM_A_MEMORY_COPY_dstAddr].num &&
	       size <= UINT64_MAX - arg[XM_A_MEMORY_COPY_srcAddr].num;
}

static bool number_in_domain(const struct view *v, const struct xm_arg *arg, uint64_t num)
{
	switch (arg->domain) {
	case XM_D_ANY:
	case XM_D_OPTIONAL:
	case XM_D_RESOURCE:
		return true;
	case XM_D_NOT_NEGATIVE:
		return (int64_t)num >= 0;
	case XM_D_INTERVAL:
		return (int64_t)num >= 0 || !is_3_x(v->hv->profile);
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return is_enumerated(v, arg, num);
	case XM_D_RESOURCE_IRQ:
		return num < IRQS;
	case XM_D_RESOURCE_LINE:
		return num < LINES;
	case XM_D_RESOURCE_VCPU:
		return is_vcpu(v, v->hv->partition, num);
	case XM_D_CLIENT_ADDRESS:
		return false; /* what it means is known to the caller alone */
	case XM_D_SELF:
		return num == v->hv->partition;
	case XM_D_HYPERVISOR:
		return num == XM_HYPERVISOR_ID;
	case XM_D_PARTITION:
		return system_partition(v->sys, num);
	case XM_D_PARTITION_OR_HV:
		return num == XM_HYPERVISOR_ID || system_partition(v->sys, num);
	case XM_D_VCPU:
		return is_vcpu(v, v->req->arg[0].num, num);
	case XM_D_PLAN:
		return num < system_n_plans(v->sys);
	case XM_D_SAMPLING_PORT:
		return own_port(v, num, SYSTEM_SAMPLING);
	case XM_D_QUEUING_PORT:
		return own_port(v, num, SYSTEM_QUEUING);
	case XM_D_MESSAGE_SIZE:
		return is_message_size(v, num);
	case XM_D_CONSOLE_SIZE:
		return num <= guard_console_max(v->hv->profile);
	case XM_D_SIZE:
		return num <= XM_WIRE_DATA_MAX;
	case XM_D_COUNT:
		return num >= 1 && num <= XM_MAX_RECORDS;
	case XM_D_SPARE_COUNT:
		return num <= XM_MAX_SPARE_SLOTS;
	case XM_D_COPY_SIZE:
		return is_copy_size(v, num);
	case XM_D_IPVI:
		return num >= SYSTEM_FIRST_IPVI && num < SYSTEM_FIRST_IPVI + SYSTEM_N_IPVIS;
	case XM_D_POINTER:
	case XM_D_OPT_POINTER:
		return xm_arg_is_pointed(arg); /* any number, if the pointer is usable */
	case XM_D_SAMPLING_NAME:
	case XM_D_QUEUING_NAME:
		return false; /* not domains of a number */
	}
	return false;
}

static enum xm_code check_number(const struct view *v, const struct xm_arg *arg,
				 const struct xm_value *value)
{
	if (value->state == XM_ST_ABSENT &&
	    (arg->domain == XM_D_OPTIONAL || arg->domain == XM_D_OPT_POINTER))
		return XM_C_OK;
	if (value->state == XM_ST_NULL && arg->domain == XM_D_OPT_POINTER)
		return XM_C_OK;
	if (value->state != XM_ST_OK || !number_in_domain(v, arg, value->num))
		return arg->error;
	if (arg->type == XM_T_U32 && value->num > UINT32_MAX)
		return arg->error;
	if (arg->type == XM_T_S32 && (uint64_t)(int64_t)(int32_t)value->num != value->num)
		return arg->error;
	return XM_C_OK;
}

/* The name of a port of the right type.  Creating one of the other type by that name is documented
 * as a mismatch with the configuration on 3.x, everything else as a bad parameter. */
static enum xm_code check_port_name(const struct view *v, const struct xm_arg *arg,
				    const struct xm_value *value)
{
	const struct system_port *port =
		system_port_by_name(v->sys, v->hv->partition, value->data, value->len);
	uint32_t type = arg->domain == XM_D_QUEUING_NAME ? SYSTEM_QUEUING : SYSTEM_SAMPLING;

	if (!port)
		return arg->error;
	if (port->type == type)
		return XM_C_OK;
	if ((xm_ops[v->req->op].flags & XM_OPF_CREATES_PORT) && is_3_x(v->hv->profile))
		return XM_C_INVALID_CONFIG;
	return arg->error;
}

/* The argument that holds the length of a buffer is the one to blame for too much of it. */
static enum xm_code oversize_error(const struct view *v, const struct xm_arg *arg)
{
	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
		return xm_ops[v->req->op].args[arg->ref].error;
	return arg->error;
}

/* The fields that come in: all of one structure, or of as many as the next argument says. */
static enum xm_code check_words(const struct view *v, const struct xm_arg *arg,
				const struct xm_value *value)
{
	uint64_t n = xm_structs[arg->ref].n_fields;

	if (arg->type == XM_T_RECORDS_IN) {
		const struct xm_value *count = value + 1;

		if (count->state != XM_ST_OK || count->num > UINT32_MAX)
			return xm_ops[v->req->op].args[value + 1 - v->req->arg].error;
		n *= count->num;
	}
	return value->len == n ? XM_C_OK : arg->error;
}

/* Only of data: `ref` of other types is no argument. */
static enum xm_code check_buffer_length(const struct view *v, const struct xm_arg *arg,
					const struct xm_value *value)
{
	const struct xm_value *length;

	if (arg->type != XM_T_DATA_IN && arg->type != XM_T_DATA_OUT)
		return XM_C_OK;
	length = &v->req->arg[arg->ref];
	if (length->state != XM_ST_OK)
		return oversize_error(v, arg);
	if (arg->type == XM_T_DATA_IN ? value->len != length->num : length->num > XM_WIRE_DATA_MAX)
		return oversize_error(v, arg);
	return XM_C_OK;
}

static enum xm_code check_pointer(const struct view *v, const struct xm_arg *arg,
				  const struct xm_value *value)
{
	bool may_lack = arg->domain == XM_D_OPT_POINTER;

	if (may_lack && (value->state == XM_ST_NULL || value->state == XM_ST_ABSENT))
		return XM_C_OK;
	if (value->state == XM_ST_OVERSIZE)
		return oversize_error(v, arg);
	if (value->state != XM_ST_OK)
		return arg->error;
	if (arg->type == XM_T_NAME && value->len > XM_NAME_MAX)
		return arg->error;
	if (arg->domain == XM_D_SAMPLING_NAME || arg->domain == XM_D_QUEUING_NAME)
		return check_port_name(v, arg, value);
	if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN)
		return check_words(v, arg, value);
	return check_buffer_length(v, arg, value);
}

/* ---- memory ---------------------------------------------------------------------------------------- */

/* Whether a range lies inside one memory area of a partition, which can be written if need be.  The
 * id of the hypervisor means any physical address to it, unchecked: to us it has no areas. */
static bool in_area(const struct system *sys, uint64_t partition, uint64_t start, uint64_t size,
		    bool written)
{
	uint32_t n, unwritable = AREA_READ_ONLY | AREA_ROM;
	const struct system_area *area = system_areas(sys, &n);

	for (uint32_t i = 0; i < n; i++, area++)
		if (area->partition == partition && start >= area->start &&
		    start - area->start <= area->size &&
		    size <= area->size - (start - area->start) &&
		    !(written && (area->flags & unwritable)))
			return true;
	return false;
}

static enum xm_code check_copy(const struct view *v)
{
	const struct xm_value *arg = v->req->arg;
	uint64_t size = arg[XM_A_MEMORY_COPY_size].num;

	if (in_area(v->sys, arg[XM_A_MEMORY_COPY_dstId].num, arg[XM_A_MEMORY_COPY_dstAddr].num,
		    size, true) &&
	    in_area(v->sys, arg[XM_A_MEMORY_COPY_srcId].num, arg[XM_A_MEMORY_COPY_srcAddr].num,
		    size, false))
		return XM_C_OK;
	return XM_C_INVALID_PARAM;
}

/* ---- requests -------------------------------------------------------------------------------------- */

enum xm_code guard_check(const struct system *sys, const struct backend_info *hypervisor,
			 const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];
	struct view v = { sys, hypervisor, req };

	if (!(op->profiles & XM_IN(hypervisor->profile)))
		return XM_C_UNKNOWN_HYPERCALL;
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_arg *arg = &op->args[i];
		const struct xm_value *value = &req->arg[i];
		enum xm_code code = xm_type_is_scalar(arg->type) ? check_number(&v, arg, value)
								 : check_pointer(&v, arg, value);

		if (code != XM_C_OK)
			return code;
	}
	return req->op == XM_OP_MEMORY_COPY ? check_copy(&v) : XM_C_OK;
}
