// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table is consistent, and is found by every spelling. */

#include <criterion/criterion.h>
#include <string.h>

#include "libxm/core/table.h"

Test(table, wire_numbers_and_names_are_unique)
{
	for (int i = 0; i < XM_N_OPS; i++) {
		cr_assert_eq(xm_op_by_wire(xm_ops[i].wire), i, "%s", xm_ops[i].name);
		cr_assert_eq(xm_op_by_name(xm_ops[i].name), i, "%s", xm_ops[i].name);
		for (unsigned int a = 0; a < xm_ops[i].n_args; a++)
			cr_assert_eq(xm_arg_by_name(&xm_ops[i], xm_ops[i].args[a].name), (int)a,
				     "%s of %s", xm_ops[i].args[a].name, xm_ops[i].name);
	}
}

Test(table, every_operation_has_a_class_or_is_outside_the_policy)
{
	for (int i = 0; i < XM_N_OPS; i++)
		if (xm_ops[i].class == XM_CLASS_NONE)
			cr_assert(xm_ops[i].flags & (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC), "%s",
				  xm_ops[i].name);
}

/* The machine class is only usable with a resource to name. */
/* Two have none: the interrupt flag of the own partition. */
Test(table, every_machine_operation_names_its_resource)
{
	for (int i = 0; i < XM_N_OPS; i++) {
		bool found = xm_ops[i].class != XM_CLASS_MACHINE || i == XM_OP_X86_SET_IF ||
			     i == XM_OP_X86_CLEAR_IF;

		for (unsigned int a = 0; a < xm_ops[i].n_args; a++)
			found |= xm_domain_is_resource(xm_ops[i].args[a].domain);
		cr_assert(found, "%s", xm_ops[i].name);
	}
}

/* Buffers refer to a length that is a number; records are followed by their count. */
Test(table, references_between_arguments_hold)
{
	for (int i = 0; i < XM_N_OPS; i++)
		for (unsigned int a = 0; a < xm_ops[i].n_args; a++) {
			const struct xm_arg *arg = &xm_ops[i].args[a];

			if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
				cr_assert_eq(xm_ops[i].args[arg->ref].type, XM_T_U32);
			if (arg->type == XM_T_RECORDS_OUT)
				cr_assert_eq(xm_ops[i].args[a + 1].domain, XM_D_COUNT);
			if (arg->type == XM_T_STRUCT_OUT)
				cr_assert_lt(arg->ref, XM_N_STRUCTS);
		}
}

Test(table, other_spellings_are_found)
{
	const struct xm_op *create = &xm_ops[XM_OP_CREATE_QUEUING_PORT];

	cr_assert_eq(xm_op_by_name("prtos_get_time"), XM_OP_GET_TIME);
	cr_assert_eq(xm_op_by_name("XM_set_plan"), XM_OP_SWITCH_SCHED_PLAN);
	cr_assert_eq(xm_op_by_name("XM_partition_get_status"), XM_OP_GET_PARTITION_STATUS);
	cr_assert_eq(xm_arg_by_name(create, "max_msg_size"), XM_A_CREATE_QUEUING_PORT_maxMsgSize);
	cr_assert_eq(xm_arg_by_name(create, "port_name"), XM_A_CREATE_QUEUING_PORT_portName);
}

Test(table, near_misses_are_not_found)
{
	cr_assert_eq(xm_op_by_name("XM_get_tim"), -1);
	cr_assert_eq(xm_op_by_name("XM_get_time2"), -1);
	cr_assert_eq(xm_op_by_name("xm_get_time"), -1);
	cr_assert_eq(xm_op_by_name(""), -1);
	cr_assert_eq(xm_arg_by_name(&xm_ops[XM_OP_SET_TIMER], "abs abstime"), -1);
	cr_assert_eq(xm_class_by_name(""), -1);
	cr_assert_eq(xm_class_by_name("@time"), -1);
}

Test(table, enumerations_are_found_in_both_spellings)
{
	uint64_t value = 9;

	cr_assert(xm_enum_by_name(XM_E_RESET_MODE, "PRTOS_WARM_RESET", &value));
	cr_assert_eq(value, 1);
	cr_assert_not(xm_enum_by_name(XM_E_RESET_MODE, "XM_HOT_RESET", &value));
	cr_assert_str_eq(xm_enum_name(XM_E_CLOCK, 0), "XM_HW_CLOCK");
	cr_assert_null(xm_enum_name(XM_E_CLOCK, 2));
}

Test(table, every_code_has_a_name_and_every_failure_an_errno)
{
	for (unsigned int i = 0; i < XM_N_CODES; i++) {
		cr_assert_not_null(xm_code_name(i));
		cr_assert_eq(xm_code_errno(i) == 0, i == XM_C_OK);
	}
}
