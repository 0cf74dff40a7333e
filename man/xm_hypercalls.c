// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes xm_hypercalls(7), in mdoc, from the table.  A program of the build: never installed.
 */

#include <stdio.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/raw.h"

static const char *const types[] = {
	[XM_T_U32] = "u32",
	[XM_T_S32] = "s32",
	[XM_T_U64] = "u64",
	[XM_T_S64] = "s64",
	[XM_T_NAME] = "name",
	[XM_T_DATA_IN] = "data",
	[XM_T_DATA_OUT] = "data out",
	[XM_T_U32_OUT] = "u32 out",
	[XM_T_S64_OUT] = "s64 out",
	[XM_T_STRUCT_OUT] = "struct out",
	[XM_T_RECORDS_OUT] = "records out",
	[XM_T_TEXT_OUT] = "text out",
};

static const char *const domains[] = {
	[XM_D_ANY] = "any value",
	[XM_D_OPTIONAL] = "any value; optional: programs of profile 2.x do not have it",
	[XM_D_NOT_NEGATIVE] = "0 or more",
	[XM_D_RESOURCE] = "any value; the resource that a policy must name",
	[XM_D_POINTER] = "usable memory",
	[XM_D_OPT_POINTER] = "usable memory or NULL",
	[XM_D_SELF] = "the own partition",
	[XM_D_HYPERVISOR] = "255, the hypervisor",
	[XM_D_PARTITION] = "a partition of the system description",
	[XM_D_PARTITION_OR_HV] = "a partition of the system description, or 255",
	[XM_D_VCPU] = "a virtual processor of that partition",
	[XM_D_PLAN] = "a plan of the system description",
	[XM_D_SAMPLING_PORT] = "a sampling port of the own partition",
	[XM_D_QUEUING_PORT] = "a queuing port of the own partition",
	[XM_D_SAMPLING_NAME] = "the name of a sampling port of the own partition",
	[XM_D_QUEUING_NAME] = "the name of a queuing port of the own partition",
	[XM_D_MESSAGE_SIZE] = "1 to the channel's maximum, in bytes",
	[XM_D_CONSOLE_SIZE] = "0 to 128 bytes (2.x: no limit)",
	[XM_D_SIZE] = "bytes",
	[XM_D_COUNT] = "1 to 16 records",
};

/* The length, count or structure that an argument goes with. */
static void print_reference(const struct xm_op *op, unsigned int i)
{
	const struct xm_arg *arg = &op->args[i];

	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
		printf("; its length argument is\n.Fa %s", op->args[arg->ref].name);
	else if (arg->type == XM_T_RECORDS_OUT)
		printf("; at most as many\n.Vt %s\nas\n.Fa %s\nsays", xm_structs[arg->ref].name,
		       op->args[i + 1].name);
	else if (arg->type == XM_T_STRUCT_OUT)
		printf(", a\n.Vt %s", xm_structs[arg->ref].name);
}

static void print_domain(const struct xm_arg *arg)
{
	if (arg->domain != XM_D_ENUM && arg->domain != XM_D_RESOURCE_ENUM) {
		printf("%s", domains[arg->domain]);
		return;
	}
	for (const struct xm_enum_value *v = xm_enums[arg->ref].values; v->name; v++)
		printf("%s%s (%u)", v == xm_enums[arg->ref].values ? "" : ", ", v->name,
		       (unsigned int)v->value);
	if (arg->domain == XM_D_RESOURCE_ENUM)
		printf("; the resource that a policy must name");
}

static void print_argument(const struct xm_op *op, unsigned int i)
{
	const struct xm_arg *arg = &op->args[i];

	printf(".It Fa %s\n%s: ", arg->name, types[arg->type]);
	print_domain(arg);
	print_reference(op, i);
	printf(".\nElsewhere: %s.\n", xm_code_name(arg->error));
	if (*arg->synonyms)
		printf("Also called %s.\n", arg->synonyms);
}

/* How programs of a profile make the call: its number, and what the object calls are given. */
static void print_raw(const struct raw_profile *profile, unsigned int op)
{
	for (size_t i = 0; i < profile->n_rows; i++) {
		const struct raw_row *row = &profile->rows[i];

		if (row->op != op)
			continue;
		printf("Profile %s: hypercall %u", xm_profile_name(profile->id), row->number);
		if (row->class != RAW_PLAIN)
			printf(" on object class %d", (int)row->class);
		if (row->hypervisor == 1)
			printf(" of the hypervisor");
		if (row->command != RAW_ANY)
			printf(", command %d", (int)row->command);
		printf(".\n");
	}
}

static void print_operation(const struct xm_op *op)
{
	printf(".It Sy %s\nOperation %u", op->name, op->wire);
	if (op->class != XM_CLASS_NONE)
		printf(", class\n.Ql @%s :\n", xm_class_names[op->class]);
	else
		printf(":\n");
	printf("%s.\n", op->purpose);
	if (op->flags & XM_OPF_STOPS_SELF)
		printf("On the own partition it is\n.Ql @self-stop .\n");
	if (op->flags & XM_OPF_BROKER)
		printf("Root always may.\n");
	if (*op->synonyms)
		printf("Also called %s.\n", op->synonyms);
	if (*op->manual)
		printf("Manual of the hypervisor:\n.Dq %s .\n", op->manual);
	print_raw(&raw_profile_2_4, (unsigned int)(op - xm_ops));
	print_raw(&raw_profile_3_x, (unsigned int)(op - xm_ops));
	if (!op->n_args)
		return;
	printf(".Bl -tag -width maxMsgSize -compact\n");
	for (unsigned int i = 0; i < op->n_args; i++)
		print_argument(op, i);
	printf(".El\n");
}

static void print_classes(void)
{
	printf(".Ss Classes\nWhat a policy may name as\n.Ql @name :\n"
	       ".Bl -tag -width @partition -compact\n");
	for (int i = 0; i < XM_N_CLASSES; i++)
		if (i != XM_CLASS_NONE)
			printf(".It @%s\n%s\n", xm_class_names[i], xm_class_docs[i]);
	printf(".El\n");
}

static void print_structures(void)
{
	printf(".Ss Structures\nFields, in the order in which they travel.\n"
	       "Each is a signed 64-bit number; one that the hypervisor's profile lacks is 0.\n.Bl "
	       "-tag -width Ds\n");
	for (int i = 0; i < XM_N_STRUCTS; i++) {
		printf(".It Vt %s\n", xm_structs[i].name);
		for (unsigned int f = 0; f < xm_structs[i].n_fields; f++)
			printf("%s%s\n", xm_structs[i].fields[f],
			       f + 1 < xm_structs[i].n_fields ? "," : ".");
	}
	printf(".El\n");
}

int main(void)
{
	printf(".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
	       ".\\\" Written by the build from include/xm/hypercalls.def: edit that.\n"
	       ".Dd November 20, 2026\n.Dt XM_HYPERCALLS 7\n.Os\n.Sh NAME\n"
	       ".Nm xm_hypercalls\n.Nd the operations that xmbroker knows\n.Sh DESCRIPTION\n"
	       "Every hypercall, however it is made, is one of these operations.\n"
	       "Policies name them, the audit log prints them, and the protocol numbers them.\n"
	       "Arguments stand in the order of the protocol, which is also that of the audit "
	       "log.\n"
	       "The result after\n.Dq Elsewhere\nis what a value outside the stated domain gets;\n"
	       "such a request is never forwarded to the hypervisor.\n"
	       "A raw hypercall that is none of them is operation 0: it is never forwarded.\n"
	       "Its\n.Fa reason\nsays what is unknown, and so what it gets: 0 the number\n"
	       ".Pq XM_UNKNOWN_HYPERCALL ,\n1 the object class\n.Pq XM_INVALID_PARAM ,\n"
	       "2 the class has no such operation\n.Pq XM_OP_NOT_ALLOWED ,\n3 the command\n"
	       ".Pq XM_INVALID_PARAM .\n"
	       "An operation returns 0 unless its description says what.\n");
	print_classes();
	printf(".Ss Operations\n.Bl -tag -width Ds\n");
	for (int i = 0; i < XM_N_OPS; i++)
		print_operation(&xm_ops[i]);
	printf(".El\n");
	print_structures();
	printf(".Sh SEE ALSO\n.Xr libxm 3 ,\n.Xr xmbroker.policy 5 ,\n.Xr xmbroker-protocol 7 ,\n"
	       ".Xr xmbroker 8\n");
	return 0;
}
