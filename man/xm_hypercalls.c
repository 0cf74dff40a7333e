// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes xm_hypercalls(7), in mdoc, from the table.  A program of the build: never installed.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/raw.h"

#define PRTOS_NAME 64
#define ROWS_TEXT 512

static const struct raw_profile *const profiles[] = {
	&raw_profile_2_4,
	&raw_profile_2_6,
	&raw_profile_3_x,
	&raw_profile_prtos,
};

#define N_PROFILES (sizeof(profiles) / sizeof(profiles[0]))

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
	[XM_T_STRUCT_IN] = "struct",
	[XM_T_RECORDS_IN] = "records",
};

static const char *const domains[] = {
	[XM_D_ANY] = "any value",
	[XM_D_OPTIONAL] = "any value; optional: programs of profile 2.x do not have it",
	[XM_D_NOT_NEGATIVE] = "0 or more",
	[XM_D_INTERVAL] = "0 or more; in 2.x any, and what is negative means 0",
	[XM_D_ENUM] = NULL,
	[XM_D_RESOURCE] = "any value",
	[XM_D_RESOURCE_ENUM] = NULL,
	[XM_D_RESOURCE_IRQ] = "0 to 31",
	[XM_D_RESOURCE_LINE] = "0 to 15",
	[XM_D_RESOURCE_VCPU] = "a virtual processor of the own partition",
	[XM_D_CLIENT_ADDRESS] = "no value at all: only the caller could tell what it means",
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
	[XM_D_CONSOLE_SIZE] = "0 to 128 bytes (where the hypervisor is 2.x: to 16 MiB)",
	[XM_D_SIZE] = "bytes, to 16 MiB",
	[XM_D_COUNT] = "1 to 64 records",
	[XM_D_SPARE_COUNT] = "0 to 20 records",
	[XM_D_COPY_SIZE] = "0 or more bytes, from which no address wraps",
	[XM_D_IPVI] = "24 to 31",
};

_Static_assert(sizeof(types) / sizeof(types[0]) == XM_T_RECORDS_IN + 1, "every type has a name");
_Static_assert(sizeof(domains) / sizeof(domains[0]) == XM_D_IPVI + 1, "every domain has a name");
_Static_assert(XM_MAX_RECORDS == 64 && XM_MAX_SPARE_SLOTS == 20, "what the domains say");

/* The length, count or structure that an argument goes with. */
static void print_reference(const struct xm_op *op, unsigned int i)
{
	const struct xm_arg *arg = &op->args[i];

	if (arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT)
		printf("; its length argument is\n.Fa %s", op->args[arg->ref].name);
	else if (arg->type == XM_T_RECORDS_OUT)
		printf("; at most as many\n.Vt %s\nas\n.Fa %s\nsays", xm_structs[arg->ref].name,
		       op->args[i + 1].name);
	else if (arg->type == XM_T_RECORDS_IN)
		printf("; as many\n.Vt %s\nas\n.Fa %s\nsays", xm_structs[arg->ref].name,
		       op->args[i + 1].name);
	else if (arg->type == XM_T_STRUCT_OUT || arg->type == XM_T_STRUCT_IN)
		printf(", a\n.Vt %s", xm_structs[arg->ref].name);
}

static void print_domain(const struct xm_arg *arg)
{
	const struct xm_enum_value *first;

	if (xm_arg_is_pointed(arg)) {
		printf("any value, in %s", domains[arg->domain]);
	} else if (domains[arg->domain]) {
		printf("%s", domains[arg->domain]);
	} else {
		first = xm_enums[arg->ref].values;
		for (const struct xm_enum_value *v = first; v->name; v++)
			printf("%s%s (%u)", v == first ? "" : ", ", v->name,
			       (unsigned int)v->value);
	}
	if (xm_domain_is_resource(arg->domain))
		printf("; a resource, which a policy must name");
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

static bool is_own_number(uint32_t number)
{
	return number >= RAW_PARTITION_TABLE;
}

/* What a program gives to make the call of a row. */
static size_t put_row(char *text, size_t cap, const struct raw_row *row)
{
	int n = is_own_number(row->number) ? snprintf(text, cap, "a function of the library")
					   : snprintf(text, cap, "hypercall %u", row->number);

	if (row->class != RAW_PLAIN)
		n += snprintf(text + n, cap - (size_t)n, " on object class %d", (int)row->class);
	if (row->hypervisor == 1)
		n += snprintf(text + n, cap - (size_t)n, " of the hypervisor");
	if (row->command != RAW_ANY)
		n += snprintf(text + n, cap - (size_t)n, ", command %d", (int)row->command);
	return (size_t)n;
}

/* How programs of a profile make the call; empty if they cannot. */
static void put_rows(char text[ROWS_TEXT], const struct raw_profile *profile, unsigned int op)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < profile->n_rows; i++) {
		if (profile->rows[i].op != op)
			continue;
		n += (size_t)snprintf(text + n, ROWS_TEXT - n, "%s", n ? "; " : "");
		n += put_row(text + n, ROWS_TEXT - n, &profile->rows[i]);
	}
}

/* The same for all profiles, those that make it alike together. */
static void print_raw(unsigned int op)
{
	char text[N_PROFILES][ROWS_TEXT];

	for (size_t i = 0; i < N_PROFILES; i++)
		put_rows(text[i], profiles[i], op);
	for (size_t i = 0, next; i < N_PROFILES; i = next) {
		for (next = i + 1; next < N_PROFILES && !strcmp(text[i], text[next]); next++)
			;
		if (!*text[i])
			continue;
		printf(".br\nPrograms of %s", xm_profile_name(profiles[i]->id));
		for (size_t j = i + 1; j < next; j++)
			printf(", %s", xm_profile_name(profiles[j]->id));
		printf(": %s.\n", text[i]);
	}
}

/* "XM_get_time" is prtos_get_time, "XM_PARTITION_SELF" is PRTOS_PARTITION_SELF. */
static void prtos_name(const char *name, char prtos[PRTOS_NAME])
{
	bool function = strpbrk(name + 3, "abcdefghijklmnopqrstuvwxyz");
	size_t n = (size_t)snprintf(prtos, PRTOS_NAME, "%s_", function ? "prtos" : "PRTOS");

	for (name += 3; *name && n + 2 < PRTOS_NAME; name++) {
		if (function && isupper((unsigned char)*name) && islower((unsigned char)name[-1]))
			prtos[n++] = '_';
		prtos[n++] = function ? (char)tolower((unsigned char)*name) : *name;
	}
	prtos[n] = '\0';
}

static void print_names(const struct xm_op *op)
{
	char prtos[PRTOS_NAME];

	if (*op->synonyms)
		printf("Also called %s.\n", op->synonyms);
	if (!(op->profiles & XM_IN_PRTOS) || strncmp(op->name, "XM_", 3))
		return;
	prtos_name(op->name, prtos);
	if (!strstr(op->synonyms, prtos))
		printf("In PRTOS %s.\n", prtos);
}

/* Which hypervisors have it. */
static void print_profiles(const struct xm_op *op)
{
	const char *comma = "";

	if (op->flags & (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC | XM_OPF_BROKER)) {
		printf("Never forwarded.\n");
		return;
	}
	if (op->flags & XM_OPF_DESCRIBED) {
		printf("Answered from the system description and the status of the partition.\n");
		return;
	}
	printf("Hypervisors: ");
	for (size_t i = 0; i < N_PROFILES; i++) {
		if (!(op->profiles & XM_IN(profiles[i]->id)))
			continue;
		printf("%s%s", comma, xm_profile_name(profiles[i]->id));
		comma = ", ";
	}
	printf(".\n");
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
	print_names(op);
	print_profiles(op);
	if (*op->manual)
		printf("Manual of the hypervisor:\n.Dq %s .\n", op->manual);
	print_raw((unsigned int)(op - xm_ops));
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

static void print_introduction(void)
{
	printf("Every hypercall, however it is made, is one of these operations.\n"
	       "Policies name them, the audit log prints them, and the protocol numbers them.\n"
	       "Arguments stand in the order of the protocol, which is also that of the audit "
	       "log.\n"
	       "The result after\n.Dq Elsewhere\nis what a value outside the stated domain gets;\n"
	       "such a request is never forwarded to the hypervisor.\n"
	       "An operation returns 0 unless its description says what.\n.Pp\n");
	printf("The numbers after\n.Dq Programs of\nare those of the profile that a program is "
	       "compiled for, for\n.Xr XM_hcall 3\nand the object calls of\n.Xr xm_object 3 .\n"
	       "Which profile the hypervisor below has is another matter: an operation that it "
	       "does not have gets\n.Dv XM_UNKNOWN_HYPERCALL .\n"
	       "Values of constants, numbers of interrupts and of health monitor events are those "
	       "of 3.x in every profile; the virtual interrupts 0 to 7 between partitions of a 2.x "
	       "program are 24 to 31 here.\n.Pp\n");
	printf("The names of PRTOS are accepted wherever an operation, argument or constant is "
	       "named: prtos_get_time, max_msg_size, PRTOS_HW_CLOCK.\n.Pp\n");
	printf("A raw hypercall that is none of them is operation 0: it is never forwarded.\n"
	       "Its\n.Fa reason\nsays what is unknown, and so what it gets: 0 the number\n"
	       ".Pq XM_UNKNOWN_HYPERCALL ,\n1 the object class\n.Pq XM_INVALID_PARAM ,\n"
	       "2 the class has no such operation\n.Pq XM_OP_NOT_ALLOWED ,\n3 the command\n"
	       ".Pq XM_INVALID_PARAM .\n");
}

int main(void)
{
	printf(".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
	       ".\\\" Written by the build from include/xm/hypercalls.def: edit that.\n"
	       ".Dd November 21, 2026\n.Dt XM_HYPERCALLS 7\n.Os\n.Sh NAME\n"
	       ".Nm xm_hypercalls\n.Nd the operations that xmbroker knows\n.Sh DESCRIPTION\n");
	print_introduction();
	print_classes();
	printf(".Ss Operations\n.Bl -tag -width Ds\n");
	for (int i = 0; i < XM_N_OPS; i++)
		print_operation(&xm_ops[i]);
	printf(".El\n");
	print_structures();
	printf(".Sh SEE ALSO\n.Xr libxm 3 ,\n.Xr xm_object 3 ,\n.Xr xmbroker.policy 5 ,\n"
	       ".Xr xmbroker-protocol 7 ,\n.Xr xmbroker 8\n");
	return 0;
}
