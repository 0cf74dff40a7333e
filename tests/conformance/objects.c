// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.1: which object a descriptor names, and what classes can do. */

#include "tests/conformance/conformance.h"

static xmObjDesc_t own(unsigned int class)
{
	return OBJDESC_BUILD(class, machine.self.partition, 0);
}

static void class_out_of_range(void)
{
	char buffer[128];

	memset(buffer, 0, sizeof(buffer));
	for (unsigned int class = OBJ_NO_CLASSES; class <= OBJDESC_CLASS_MASK; class += 13) {
		IS(XM_INVALID_PARAM, XM_read_object(own(class), buffer, 16, NULL));
		IS(XM_INVALID_PARAM, XM_write_object(own(class), buffer, 16, NULL));
		IS(XM_INVALID_PARAM, XM_seek_object(own(class), 0, XM_OBJ_SEEK_SET));
		IS(XM_INVALID_PARAM, XM_ctrl_object(own(class), 0, buffer));
	}
}

static void class_without_operations(void)
{
	char buffer[128];

	memset(buffer, 0, sizeof(buffer));
	IS(NO_OPERATION, XM_read_object(own(OBJ_CLASS_NULL), buffer, 16, NULL));
	IS(NO_OPERATION, XM_write_object(own(OBJ_CLASS_NULL), buffer, 16, NULL));
	IS(NO_OPERATION, XM_seek_object(own(OBJ_CLASS_NULL), 0, XM_OBJ_SEEK_SET));
	IS(NO_OPERATION, XM_ctrl_object(own(OBJ_CLASS_NULL), 0, buffer));
}

static void missing_operation(void)
{
	char buffer[128];

	memset(buffer, 0, sizeof(buffer));
	IS(NO_OPERATION, XM_ctrl_object(own(OBJ_CLASS_CONSOLE), 0, buffer));
	IS(NO_OPERATION, XM_seek_object(own(OBJ_CLASS_SAMPLING_PORT), 0, XM_OBJ_SEEK_SET));
	IS(NO_OPERATION, XM_seek_object(own(OBJ_CLASS_QUEUING_PORT), 0, XM_OBJ_SEEK_SET));
	IS(NO_OPERATION, XM_seek_object(own(OBJ_CLASS_MEM), 0, XM_OBJ_SEEK_SET));
	IS(NO_OPERATION, XM_read_object(own(OBJ_CLASS_STATUS), buffer, 16, NULL));
	IS(NO_OPERATION, XM_write_object(own(OBJ_CLASS_STATUS), buffer, 16, NULL));
	IS(NO_OPERATION, XM_seek_object(own(OBJ_CLASS_STATUS), 0, XM_OBJ_SEEK_SET));
	IS(NO_OPERATION, XM_write_object(OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0), buffer,
					 sizeof(xmHmLog_t), NULL));
}

static void unknown_command(void)
{
	union statusCmd status;
	union hmCmd hm;

	memset(&status, 0, sizeof(status));
	memset(&hm, 0, sizeof(hm));
	IS(XM_INVALID_PARAM, XM_ctrl_object(own(OBJ_CLASS_STATUS), 99, &status));
	IS(XM_INVALID_PARAM, XM_ctrl_object(own(OBJ_CLASS_STATUS), ~0U, &status));
	IS(XM_INVALID_PARAM,
	   XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0), 99, &hm));
	IS(XM_INVALID_PARAM, XM_ctrl_object(own(OBJ_CLASS_TRACE), 99, &hm));
}

static void invalid_descriptor(void)
{
	union statusCmd status;
	char text[] = "x";

	IS(XM_INVALID_PARAM, XM_ctrl_object(OBJDESC_SET_INVALID(own(OBJ_CLASS_STATUS)),
					    XM_GET_SCHED_PLAN_STATUS, &status));
	IS(XM_INVALID_PARAM,
	   XM_write_object(OBJDESC_SET_INVALID(own(OBJ_CLASS_CONSOLE)), text, 1, NULL));
}

static void unknown_number(void)
{
	IS(XM_UNKNOWN_HYPERCALL, XM_hcall(NR_HYPERCALLS + 50, 0, 0, 0, 0, 0));
	IS(XM_UNKNOWN_HYPERCALL, XM_hcall(1000, 0, 0, 0, 0, 0));
	IS(XM_UNKNOWN_HYPERCALL, XM_hcall(-1, 0, 0, 0, 0, 0));
	IS(machine.self.partition, XM_hcall(NR_HYPERCALLS, 0, 0, 0, 0, 0));
}

static void who_am_i(void)
{
	EQ(machine.self.partition, XM_PARTITION_SELF);
}

static void who_is_another(void)
{
	NEEDS(peer_has(machine.plain.partition), "a process in the plain partition");
	EQ(machine.plain.partition, peer_hcall(machine.plain.partition, NR_HYPERCALLS, 0, 0, 0));
}

const struct row object_rows[] = {
	{ "5.1", "objects / class out of range", class_out_of_range, false },
	{ "5.1", "objects / class without operations", class_without_operations, false },
	{ "5.1", "objects / class lacks the operation", missing_operation, false },
	{ "5.1", "objects / unknown command", unknown_command, false },
	{ "5.1", "objects / descriptor marked invalid", invalid_descriptor, false },
	{ "5.1", "objects / unknown hypercall", unknown_number, false },
	{ "5.1", "objects / own partition", who_am_i, false },
	{ "5.1", "objects / own partition of others", who_is_another, false },
	{ NULL, NULL, NULL, false },
};
