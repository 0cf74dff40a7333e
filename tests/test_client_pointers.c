// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bad pointers: no crash, nothing lost, and the broker is told what was bad. */

#include <criterion/criterion.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xm.h>

#include "client_server.h"
#include "libxm/memory.h"

static struct server *server;
static char *page; /* two usable pages, then one that is not there */
static size_t page_size;

static void setup(void)
{
	server = server_start();
	server->code = XM_C_INVALID_PARAM;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, 3 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	munmap(page + 2 * page_size, page_size);
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_pointers, .init = setup, .fini = teardown, .timeout = 60);

static char *edge(size_t before)
{
	return page + 2 * page_size - before;
}

static struct xm_value last_arg(unsigned int op, unsigned int arg)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
	return req.arg[arg];
}

static void *wild(uintptr_t addr)
{
	return (void *)addr;
}

static void time_at(void *t, unsigned int state)
{
	errno = 0;
	cr_assert_eq(XM_get_time(XM_HW_CLOCK, t), XM_INVALID_PARAM, "at %p", t);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(last_arg(XM_OP_GET_TIME, 1).state, state, "at %p", t);
}

Test(client_pointers, numbers_out)
{
	time_at(NULL, XM_ST_NULL);
	time_at(edge(0), XM_ST_FAULT);
	time_at(page + 1, XM_ST_UNALIGNED);
	time_at(page + 4, XM_ST_UNALIGNED);
	time_at(edge(8), XM_ST_OK);
	time_at(wild(UINTPTR_MAX - 7), XM_ST_FAULT);
	time_at(wild(8), XM_ST_FAULT);
	time_at(wild(0xffff800000000000), XM_ST_FAULT);
	mprotect(page, page_size, PROT_READ);
	time_at(page, XM_ST_FAULT);
	mprotect(page, page_size, PROT_NONE);
	time_at(page, XM_ST_FAULT);
}

static void read_at(void *buffer, xm_u32_t size, unsigned int state)
{
	cr_assert_eq(XM_read_sampling_message(0, buffer, size, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_READ_SAMPLING_MESSAGE, 2).state, state, "%p %u", buffer, size);
	cr_assert_eq(last_arg(XM_OP_READ_SAMPLING_MESSAGE, 3).num, size);
}

Test(client_pointers, data_out)
{
	read_at(edge(64), 64, XM_ST_OK);
	read_at(edge(64), 65, XM_ST_FAULT);
	read_at(edge(1), 65536, XM_ST_FAULT);
	read_at(page, 65537, XM_ST_FAULT);
	read_at(page, XM_WIRE_DATA_MAX, XM_ST_FAULT);
	read_at(page, XM_WIRE_DATA_MAX + 1, XM_ST_OVERSIZE);
	read_at(page, 0xffffffff, XM_ST_OVERSIZE);
	read_at(NULL, 64, XM_ST_NULL);
	read_at(NULL, 0, XM_ST_NULL);
	read_at(page + 1, 0, XM_ST_OK);
	mprotect(page + page_size, page_size, PROT_READ);
	read_at(page + page_size - 32, 64, XM_ST_FAULT);
	read_at(page + page_size - 64, 64, XM_ST_OK);
}

/* Probing changes nothing. */
Test(client_pointers, probes_keep_the_contents)
{
	memset(page, 'q', page_size);
	read_at(page, 64, XM_ST_OK);
	cr_assert_eq(memory_probe_write((uintptr_t)page, page_size), 0);
	for (size_t i = 0; i < page_size; i++)
		cr_assert_eq(page[i], 'q');
}

static void write_at(void *buffer, xm_u32_t size, unsigned int state)
{
	cr_assert_eq(XM_write_sampling_message(0, buffer, size), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_WRITE_SAMPLING_MESSAGE, 2).state, state, "%p %u", buffer, size);
	cr_assert_eq(last_arg(XM_OP_WRITE_SAMPLING_MESSAGE, 3).num, size);
}

Test(client_pointers, data_in)
{
	static char big[XM_WIRE_DATA_MAX + 1];

	memcpy(edge(4), "data", 4);
	write_at(edge(4), 4, XM_ST_OK);
	cr_assert_eq(memcmp(last_arg(XM_OP_WRITE_SAMPLING_MESSAGE, 2).data, "data", 4), 0);
	write_at(edge(4), 5, XM_ST_FAULT);
	write_at(NULL, 4, XM_ST_NULL);
	write_at(NULL, 0, XM_ST_NULL);
	write_at(big, 0, XM_ST_OK);
	write_at(big, 65536, XM_ST_OK);
	write_at(big, 65537, XM_ST_OK);
	write_at(big, XM_WIRE_DATA_MAX, XM_ST_OK);
	write_at(big, XM_WIRE_DATA_MAX + 1, XM_ST_OVERSIZE);
	write_at(wild(16), 4, XM_ST_FAULT);
	mprotect(page, page_size, PROT_READ);
	write_at(page, 4, XM_ST_OK);
}

static void name_at(const void *name, unsigned int state, unsigned int len)
{
	cr_assert_eq(XM_get_gid_by_name((xm_u8_t *)(uintptr_t)name, 0), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_GID_BY_NAME, 0).state, state);
	cr_assert_eq(last_arg(XM_OP_GET_GID_BY_NAME, 0).len, len);
}

Test(client_pointers, names)
{
	memset(page, 'n', 2 * page_size);
	name_at("", XM_ST_OK, 0);
	name_at("payload", XM_ST_OK, 7);
	name_at(NULL, XM_ST_NULL, 0);
	name_at(wild(3), XM_ST_FAULT, 0);
	name_at(edge(7), XM_ST_FAULT, 0); /* no NUL before the hole */
	memcpy(edge(8), "payload", 8);
	name_at(edge(8), XM_ST_OK, 7);
	page[page_size + 3] = '\0';
	name_at(page + page_size - 4, XM_ST_OK, 7); /* across pages */
	name_at(page, XM_ST_OK, XM_NAME_MAX);       /* cut */
}

static void create_at(void *command, unsigned int state)
{
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, 0, 0),
				    XM_COMM_CREATE_PORT, command),
		     XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_CREATE_SAMPLING_PORT, 1).state, state, "%p", command);
}

Test(client_pointers, command_structures)
{
	char name[] = "attitude";
	union samplingPortCmd cmd = { .create = { name, 64, XM_SOURCE_PORT, 0 } };

	memcpy(edge(sizeof(cmd)), &cmd, sizeof(cmd));
	create_at(edge(sizeof(cmd)), XM_ST_OK);
	memmove(edge(sizeof(cmd) - 8), &cmd, sizeof(cmd) - 8);
	create_at(edge(sizeof(cmd) - 8), XM_ST_FAULT);
	create_at(NULL, XM_ST_NULL);
	create_at(page + 4, XM_ST_UNALIGNED);
	create_at(wild(64), XM_ST_FAULT);
	cmd.create.portName = NULL;
	create_at(&cmd, XM_ST_NULL);
	cmd.create.portName = wild(1);
	create_at(&cmd, XM_ST_FAULT);
}

/* Where no argument can say that the structure was bad, the call is not what it claims to be. */
Test(client_pointers, command_without_a_pointer_argument)
{
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_STATUS, 0, 0);

	cr_assert_eq(XM_ctrl_object(desc, XM_SET_PARTITION_OPMODE, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, 3);
	cr_assert_eq(XM_ctrl_object(desc, XM_SET_PARTITION_OPMODE, edge(2)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, 3);
}

Test(client_pointers, structures_out)
{
	char name[] = "hk-1";

	cr_assert_eq(XM_get_partition_status(0, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_STATUS, 1).state, XM_ST_NULL);
	cr_assert_eq(XM_get_partition_status(0, wild(64)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_STATUS, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_get_partition_status(0, (void *)edge(56)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_STATUS, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_get_sampling_port_info(name, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_SAMPLING_PORT_INFO, 2).state, XM_ST_NULL);
	cr_assert_eq(XM_get_sampling_port_info(name, wild(64)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_SAMPLING_PORT_INFO, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_get_physpage_status(0, wild(64)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_PHYSPAGE_STATUS, 2).state, XM_ST_FAULT);
	cr_assert_eq(XM_hm_read((void *)edge(51)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_HM_READ, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_hm_read((void *)edge(sizeof(xmHmLog_t))), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_HM_READ, 1).state, XM_ST_OK);
}

/* Everything that was probed can then be written, at the very end of what is there. */
Test(client_pointers, results_at_the_edge)
{
	server->code = XM_C_OK;
	server->n_records = 1;
	server->value = server->data_len = 26;
	cr_assert_eq(XM_get_time(0, (xmTime_t *)(void *)edge(8)), XM_OK);
	cr_assert_eq(XM_get_partition_status(0, (void *)edge(sizeof(xmPartitionStatus_t))), XM_OK);
	cr_assert_eq(XM_hm_read((void *)edge(sizeof(xmHmLog_t))), 1);
	cr_assert_eq(XM_read_sampling_message(0, edge(26), 26, NULL), 26);
	cr_assert_eq(memcmp(edge(26), "abcdefghijklmnopqrstuvwxyz", 26), 0);
}

/* The slow way of older kernels tells the same. */
Test(client_pointers, memory_functions)
{
	char byte = 'b';

	mprotect(page, page_size, PROT_READ);
	cr_assert_eq(memory_probe_write((uintptr_t)page, 1), -EFAULT);
	cr_assert_eq(memory_write((uintptr_t)page, &byte, 1), -EFAULT);
	cr_assert_eq(memory_read(&byte, (uintptr_t)page, 1), 0);
	cr_assert_eq(byte, 0);
	cr_assert_eq(memory_read(&byte, (uintptr_t)edge(0), 1), -EFAULT);
	cr_assert_eq(memory_probe_write(UINTPTR_MAX, 2), -EFAULT);
	cr_assert_eq(memory_probe_write(0, 0), 0);
}

static void trace_at(void *event, unsigned int state)
{
	xm_u32_t bitmask = 1;

	cr_assert_eq(XM_write_object(OBJDESC_BUILD(OBJ_CLASS_TRACE, 0, 0), event,
				     sizeof(xmTraceEvent_t), &bitmask),
		     XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_payload).state, state, "%p",
		     event);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_event).state, state, "%p", event);
}

/* As in a container whose filter forbids it. */
static void forbid_vm_copies(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	cr_assert_not_null(filter);
	cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(process_vm_readv), 0),
		     0);
	cr_assert_eq(
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(process_vm_writev), 0),
		0);
	cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(madvise), 1,
				      (struct scmp_arg_cmp){ .arg = 2,
							     .op = SCMP_CMP_EQ,
							     .datum_a = MADV_POPULATE_WRITE }),
		     0);
	cr_assert_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

Test(client_pointers, where_the_kernel_copies_for_nobody)
{
	char *end = page + 2 * page_size;
	static char from[70000], to[70000];
	xmTime_t time;

	memset(from, 7, sizeof(from));
	forbid_vm_copies();
	errno = 0;
	cr_assert_eq(memory_read(to, (uintptr_t)from, sizeof(from)), 0);
	cr_assert_eq(memcmp(from, to, sizeof(from)), 0);
	cr_assert_eq(memory_write((uintptr_t)to, from, sizeof(from)), 0);
	cr_assert_eq(memory_read(to, (uintptr_t)end - 8, 9), -EFAULT);
	cr_assert_eq(memory_read(to, 1, 1), -EFAULT);
	cr_assert_eq(memory_write((uintptr_t)end - 8, from, 9), -EFAULT);
	cr_assert_eq(memory_write((uintptr_t)end, from, 1), -EFAULT);
	strcpy(end - 4, "abc");
	cr_assert_eq(memory_read_string(to, 32, (uintptr_t)end - 4), 3);
	cr_assert_eq(memory_probe_write((uintptr_t)page, 2 * page_size), 0);
	cr_assert_eq(memory_probe_write((uintptr_t)page, 2 * page_size + 1), -EFAULT);
	cr_assert_eq(memory_probe_write((uintptr_t) "constant", 1), -EFAULT);
	cr_assert_eq(errno, 0);
	cr_assert_eq(XM_get_time(0, (xmTime_t *)end), XM_INVALID_PARAM);
	cr_assert_eq(XM_get_time(0, &time), XM_INVALID_PARAM);
}

/* In and out: what cannot be read selects nothing, what cannot be written shows. */
Test(client_pointers, trace_records)
{
	trace_at(NULL, XM_ST_NULL);
	trace_at(wild(64), XM_ST_FAULT);
	trace_at(edge(sizeof(xmTraceEvent_t)), XM_ST_OK);
	trace_at(edge(sizeof(xmTraceEvent_t) - 1), XM_ST_FAULT);
	memset(page, 0xff, 64); /* unrecoverable and more, where it can be read */
	mprotect(page, page_size, PROT_READ);
	XM_write_object(OBJDESC_BUILD(OBJ_CLASS_TRACE, 0, 0), page, sizeof(xmTraceEvent_t), NULL);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_payload).state, XM_ST_OK);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_event).state, XM_ST_FAULT);
}

Test(client_pointers, structures_in)
{
	cr_assert_eq(XM_x86_update_gdt(1, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_X86_UPDATE_GDT, 1).state, XM_ST_NULL);
	cr_assert_eq(XM_x86_update_gdt(1, edge(7)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_X86_UPDATE_GDT, 1).state, XM_ST_UNALIGNED);
	cr_assert_eq(XM_x86_update_gdt(1, edge(4)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_X86_UPDATE_GDT, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_x86_update_gdt(1, edge(8)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_X86_UPDATE_GDT, 1).state, XM_ST_OK);
}

/* The structure that a command uses must be there, not the whole union. */
Test(client_pointers, only_the_structure_in_use)
{
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_STATUS, 0, 0);
	xmPlanStatus_t *plan = (void *)edge(sizeof(xmPlanStatus_t));

	cr_assert_lt(sizeof(*plan), sizeof(union statusCmd));
	cr_assert_eq(XM_ctrl_object(desc, XM_GET_SCHED_PLAN_STATUS, plan), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_PLAN_STATUS, 1).state, XM_ST_OK);
	cr_assert_eq(XM_ctrl_object(desc, XM_SET_PARTITION_OPMODE, edge(4)), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_SET_PARTITION_OPMODE, 1).state, XM_ST_OK);
}
