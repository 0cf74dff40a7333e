// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The manual of the interface, once more and by hand.  Must never look into the table: a mistake there
 * has to show here.
 */

#include <string.h>

#include "tests/domain.h"

static bool usable(const struct xm_value *v)
{
	return v->state == XM_ST_OK;
}

static bool usable_or_null(const struct xm_value *v)
{
	return v->state == XM_ST_OK || v->state == XM_ST_NULL || v->state == XM_ST_ABSENT;
}

static bool named(const struct xm_value *v, const char *a, const char *b)
{
	return usable(v) && ((v->len == strlen(a) && !memcmp(v->data, a, v->len)) ||
			     (v->len == strlen(b) && !memcmp(v->data, b, v->len)));
}

static bool structure(const struct xm_value *v, uint32_t fields)
{
	return usable(v) && v->len == fields;
}

static bool is_0_or_1(const struct xm_value *v)
{
	return v->num == 0 || v->num == 1;
}

static bool not_negative(const struct xm_value *v)
{
	return !(v->num >> 63);
}

static bool message(const struct xm_request *r, bool queuing)
{
	uint64_t port = r->arg[1].num, size = r->arg[3].num;

	if (r->arg[0].num != 0 || !usable(&r->arg[2]) || size == 0)
		return false;
	return queuing ? (port == 2 || port == 3) && size <= 128
		       : (port == 0 || port == 1) && size <= 64;
}

/* Partitions of the loopback system are 0, 1 and 2; the caller's is 0, and has one processor. */
static bool on_ports(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_CREATE_SAMPLING_PORT:
		return a[0].num == 0 && named(&a[1], "attitude", "hk-1") &&
		       (a[3].num == 1 || a[3].num == 2);
	case XM_OP_CREATE_QUEUING_PORT:
		return a[0].num == 0 && named(&a[1], "commands", "telemetry") &&
		       (a[4].num == 1 || a[4].num == 2);
	case XM_OP_READ_SAMPLING_MESSAGE:
		return message(r, false) && usable_or_null(&a[4]);
	case XM_OP_WRITE_SAMPLING_MESSAGE:
		return message(r, false);
	case XM_OP_SEND_QUEUING_MESSAGE:
		return message(r, true);
	case XM_OP_RECEIVE_QUEUING_MESSAGE:
		return message(r, true) && usable_or_null(&a[4]);
	case XM_OP_GET_SAMPLING_PORT_STATUS:
		return a[0].num == 0 && a[1].num <= 1 && usable(&a[2]);
	case XM_OP_GET_QUEUING_PORT_STATUS:
		return a[0].num == 0 && (a[1].num == 2 || a[1].num == 3) && usable(&a[2]);
	case XM_OP_GET_SAMPLING_PORT_INFO:
		return a[0].num == 0 && named(&a[1], "attitude", "hk-1") && usable(&a[2]);
	case XM_OP_GET_QUEUING_PORT_INFO:
		return a[0].num == 0 && named(&a[1], "commands", "telemetry") && usable(&a[2]);
	default:
		return false;
	}
}

static bool on_logs(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;
	bool stream = a[0].num <= 2 || a[0].num == 255;

	switch (r->op) {
	case XM_OP_HM_READ:
		return a[0].num == 255 && usable(&a[1]) && a[2].num >= 1 && a[2].num <= 64;
	case XM_OP_HM_SEEK:
		return a[0].num == 255 && a[2].num <= 2;
	case XM_OP_HM_STATUS:
		return a[0].num == 255 && usable(&a[1]);
	case XM_OP_HM_LOCK_EVENTS:
	case XM_OP_HM_UNLOCK_EVENTS:
	case XM_OP_HM_RESET_EVENTS:
		return a[0].num == 255;
	case XM_OP_TRACE_EVENT:
	case XM_OP_TRACE_UNRECOVERABLE:
		return a[0].num == 0 && usable_or_null(&a[1]) &&
		       (r->op == XM_OP_TRACE_EVENT ? a[2].num <= 2 : a[2].num == 3) &&
		       structure(&a[4], 5) && usable(&a[5]) && a[6].num >= 1 && a[6].num <= 64;
	case XM_OP_TRACE_READ:
		return stream && usable(&a[1]) && a[2].num >= 1 && a[2].num <= 64;
	case XM_OP_TRACE_SEEK:
		return stream && a[2].num <= 2;
	case XM_OP_TRACE_STATUS:
		return stream && usable(&a[1]);
	case XM_OP_TRACE_LOCK:
	case XM_OP_TRACE_UNLOCK:
	case XM_OP_TRACE_RESET:
		return stream;
	default:
		return false;
	}
}

static bool on_status(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_GET_SYSTEM_STATUS:
		return usable(&a[0]);
	case XM_OP_GET_PARTITION_STATUS:
		return a[0].num < 3 && usable(&a[1]);
	case XM_OP_GET_PLAN_STATUS:
		return (a[0].num < 3 || a[0].num == 255) && usable(&a[1]);
	case XM_OP_SET_PARTITION_OPMODE:
		return a[0].num < 3 && a[1].num <= 3;
	case XM_OP_GET_VCPU_STATUS:
		return a[0].num < 3 && a[1].num == 0 && usable(&a[2]);
	case XM_OP_GET_PHYSPAGE_STATUS:
		return a[0].num < 3 && usable(&a[2]);
	case XM_OP_SWITCH_SCHED_PLAN:
		return a[0].num < 2 && usable(&a[1]);
	case XM_OP_GET_GID_BY_NAME:
		return usable(&a[0]) && a[1].num <= 1;
	case XM_OP_GET_VCPUID:
		return true;
	case XM_OP_GET_PARTITION_TABLE:
		return a[0].num == 0 && usable(&a[1]);
	case XM_OP_GET_PARTITION_MMAP:
		return a[0].num == 0 && usable(&a[2]) && a[3].num >= 1 && a[3].num <= 64;
	default:
		return false;
	}
}

/* [addr, addr + size) within the memory of the loopback system's partition. */
static bool within(uint64_t partition, uint64_t addr, uint64_t size)
{
	static const struct {
		uint64_t start, size;
	} memory[] = { { 0x4000000, 64 << 20 }, { 0x8000000, 16 << 20 }, { 0x9000000, 16 << 20 } };

	return partition < 3 && addr >= memory[partition].start && size <= memory[partition].size &&
	       addr - memory[partition].start <= memory[partition].size - size;
}

static bool on_machine(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_SET_TIMER:
		return a[0].num <= 2 && not_negative(&a[1]) && not_negative(&a[2]);
	case XM_OP_MEMORY_COPY:
		return not_negative(&a[4]) && within(a[0].num, a[1].num, a[4].num) &&
		       within(a[2].num, a[3].num, a[4].num);
	case XM_OP_SET_IRQMASK:
	case XM_OP_CLEAR_IRQMASK:
	case XM_OP_SET_IRQPEND:
	case XM_OP_CLEAR_IRQPEND:
	case XM_OP_UPDATE_PAGE32:
	case XM_OP_SET_PAGE_TYPE:
	case XM_OP_INVLD_TLB:
	case XM_OP_X86_LOAD_CR0:
	case XM_OP_X86_LOAD_CR3:
	case XM_OP_X86_LOAD_CR4:
	case XM_OP_X86_UPDATE_SS_SP:
	case XM_OP_X86_SET_IF:
	case XM_OP_X86_CLEAR_IF:
		return true;
	case XM_OP_ROUTE_IRQ:
		return a[0].num <= 2 && a[1].num <= 31;
	case XM_OP_OVERRIDE_TRAP_HNDL:
	case XM_OP_X86_UPDATE_GDT:
	case XM_OP_X86_UPDATE_IDT:
		return structure(&a[1], 2);
	case XM_OP_RESET_VCPU:
	case XM_OP_HALT_VCPU:
	case XM_OP_SUSPEND_VCPU:
	case XM_OP_RESUME_VCPU:
		return a[0].num == 0;
	default:
		return false; /* x86_load_tss and its like, and what 3.x does not have */
	}
}

static bool on_partitions(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_GET_TIME:
		return is_0_or_1(&a[0]) && usable(&a[1]);
	case XM_OP_HALT_PARTITION:
	case XM_OP_SUSPEND_PARTITION:
	case XM_OP_RESUME_PARTITION:
	case XM_OP_SHUTDOWN_PARTITION:
		return a[0].num < 3;
	case XM_OP_RESET_PARTITION:
		return a[0].num < 3 && is_0_or_1(&a[1]);
	case XM_OP_IDLE_SELF:
	case XM_OP_HALT_SYSTEM:
		return true;
	case XM_OP_RESET_SYSTEM:
		return is_0_or_1(&a[0]);
	case XM_OP_WRITE_CONSOLE:
		return a[0].num == 0 && usable(&a[1]) && a[2].num <= 128;
	case XM_OP_RAISE_IPVI:
		return a[0].num >= 24 && a[0].num <= 31;
	case XM_OP_RAISE_PARTITION_IPVI:
		return a[0].num < 3 && a[1].num >= 24 && a[1].num <= 31;
	default:
		return false;
	}
}

bool domain_contains(const struct xm_request *r)
{
	return on_partitions(r) || on_ports(r) || on_logs(r) || on_status(r) || on_machine(r);
}
