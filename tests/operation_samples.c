// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A good value of each type and domain of the table of operations, and numbers that leave the domain,
 * all of one system.  Must never make something up: what is not known here has no sample.
 */

#include "tests/operation_samples.h"

#include <criterion/criterion.h>
#include <string.h>

#define DST 0x400000ull /* memory areas of the partitions 0 and 1 */
#define SRC 0x700000ull

const char sample_system[] =
	"<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' name='t'>\n"
	"<HwDescription><MemoryLayout><Region type='ram' start='0x0' "
	"size='512MB'/></MemoryLayout>\n"
	"<ProcessorTable><Processor id='0'><CyclicPlanTable><Plan id='0' majorFrame='1ms'/>\n"
	"<Plan id='1' majorFrame='1ms'/></CyclicPlanTable></Processor></ProcessorTable>\n"
	"<Devices/></HwDescription>\n"
	"<XMHypervisor><PhysicalMemoryArea size='4MB'/></XMHypervisor><PartitionTable>\n"
	"<Partition id='0' name='a' flags='system' noVCpus='2'><PhysicalMemoryAreas>\n"
	"<Area start='0x400000' size='64KB'/></PhysicalMemoryAreas><PortTable>\n"
	"<Port name='s' type='sampling' direction='source'/>\n"
	"<Port name='q' type='queuing' direction='source'/></PortTable></Partition>\n"
	"<Partition id='1' name='b' noVCpus='2'><PhysicalMemoryAreas>\n"
	"<Area start='0x700000' size='64KB'/></PhysicalMemoryAreas><PortTable>\n"
	"<Port name='t' type='sampling' direction='destination'/>\n"
	"<Port name='u' type='queuing' direction='destination'/></PortTable></Partition>\n"
	"</PartitionTable><Channels>\n"
	"<SamplingChannel maxMessageLength='64B'><Source partitionId='0' portName='s'/>\n"
	"<Destination partitionId='1' portName='t'/></SamplingChannel>\n"
	"<QueuingChannel maxMessageLength='64B' maxNoMessages='4'>\n"
	"<Source partitionId='0' portName='q'/><Destination partitionId='1' portName='u'/>\n"
	"</QueuingChannel></Channels></SystemDescription>\n";

static uint8_t fields[XM_MAX_FIELDS * 2 * XM_WORD_BYTES];

/* ---- samples ----------------------------------------------------------------------------------------- */

static bool is_last_enum(unsigned int op, const struct xm_arg *arg)
{
	return (op == XM_OP_CREATE_SAMPLING_PORT || op == XM_OP_CREATE_QUEUING_PORT) &&
	       arg->ref == XM_E_DIRECTION;
}

bool sample_number(unsigned int op, unsigned int i, uint64_t *nump)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];

	switch (arg->domain) {
	case XM_D_ANY:
	case XM_D_OPTIONAL:
	case XM_D_NOT_NEGATIVE:
	case XM_D_INTERVAL:
	case XM_D_POINTER:
	case XM_D_OPT_POINTER:
	case XM_D_SELF:
	case XM_D_SAMPLING_PORT:
		*nump = arg->domain == XM_D_SELF || arg->domain == XM_D_SAMPLING_PORT ? 0 : 5;
		return true;
	case XM_D_RESOURCE:
		*nump = op != XM_OP_MEMORY_COPY ? 7 : i == XM_A_MEMORY_COPY_dstAddr ? DST : SRC;
		return true;
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		*nump = xm_enums[arg->ref].values[is_last_enum(op, arg)].value;
		return true;
	case XM_D_CLIENT_ADDRESS:
	case XM_D_RESOURCE_IRQ:
	case XM_D_RESOURCE_LINE:
	case XM_D_SPARE_COUNT:
		*nump = 2;
		return true;
	case XM_D_HYPERVISOR:
		*nump = 255;
		return true;
	case XM_D_PARTITION:
	case XM_D_PARTITION_OR_HV:
		*nump = op != XM_OP_MEMORY_COPY || i == XM_A_MEMORY_COPY_srcId;
		return true;
	case XM_D_RESOURCE_VCPU:
	case XM_D_VCPU:
	case XM_D_PLAN:
	case XM_D_QUEUING_PORT:
		*nump = 1;
		return true;
	case XM_D_MESSAGE_SIZE:
	case XM_D_CONSOLE_SIZE:
	case XM_D_SIZE:
	case XM_D_COUNT:
	case XM_D_COPY_SIZE:
		*nump = 3;
		return true;
	case XM_D_IPVI:
		*nump = 25;
		return true;
	case XM_D_SAMPLING_NAME:
	case XM_D_QUEUING_NAME:
		return false; /* of names */
	}
	return false;
}

bool sample_value(unsigned int op, unsigned int i, struct xm_value *v)
{
	const struct xm_arg *arg = &xm_ops[op].args[i];

	*v = (struct xm_value){ .state = XM_ST_OK };
	switch (arg->type) {
	case XM_T_U32:
	case XM_T_S32:
	case XM_T_U64:
	case XM_T_S64:
		return sample_number(op, i, &v->num);
	case XM_T_NAME:
		v->data = (const uint8_t *)(arg->domain == XM_D_QUEUING_NAME ? "q" : "s");
		v->len = 1;
		return true;
	case XM_T_DATA_IN:
		v->data = (const uint8_t *)"abc";
		v->len = 3;
		return true;
	case XM_T_STRUCT_IN:
	case XM_T_RECORDS_IN:
		v->data = fields;
		v->len = xm_structs[arg->ref].n_fields * (arg->type == XM_T_STRUCT_IN ? 1 : 2);
		return true;
	case XM_T_DATA_OUT:
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
	case XM_T_STRUCT_OUT:
	case XM_T_RECORDS_OUT:
	case XM_T_TEXT_OUT:
		return true;
	}
	return false;
}

/* ---- ways to leave a domain -------------------------------------------------------------------------- */

unsigned int sample_bad_numbers(unsigned int op, const struct xm_arg *arg, uint32_t profile,
				uint64_t bad[SAMPLE_WAYS])
{
	unsigned int n = 0;

	switch (arg->domain) {
	case XM_D_INTERVAL:
		if (XM_IN(profile) & XM_IN_2)
			break;
		/* fallthrough */
	case XM_D_NOT_NEGATIVE:
	case XM_D_COPY_SIZE:
		bad[n++] = UINT64_MAX;
		bad[n++] = 1ull << 63;
		if (arg->domain == XM_D_COPY_SIZE) {
			bad[n++] = INT64_MAX;
			bad[n++] = 0x10001; /* beyond the areas */
		}
		break;
	case XM_D_RESOURCE:
		if (op == XM_OP_MEMORY_COPY) {
			bad[n++] = DST - 1;
			bad[n++] = SRC + 0xfffe;
			bad[n++] = UINT64_MAX;
		}
		break;
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		for (uint64_t num = 0; num < 6; num++)
			if (!xm_enum_name(arg->ref, num))
				bad[n++] = num;
		break;
	case XM_D_RESOURCE_IRQ:
		bad[n++] = 32;
		break;
	case XM_D_RESOURCE_LINE:
		bad[n++] = 16;
		break;
	case XM_D_RESOURCE_VCPU:
	case XM_D_VCPU:
	case XM_D_PLAN:
	case XM_D_PARTITION:
		bad[n++] = 2;
		bad[n++] = 255;
		break;
	case XM_D_CLIENT_ADDRESS:
		bad[n++] = 2;
		bad[n++] = 0;
		break;
	case XM_D_SELF:
	case XM_D_HYPERVISOR:
		bad[n++] = 1;
		bad[n++] = 2;
		break;
	case XM_D_PARTITION_OR_HV:
		bad[n++] = 2;
		bad[n++] = op == XM_OP_MEMORY_COPY ? 255 : 254;
		break;
	case XM_D_SAMPLING_PORT:
		bad[n++] = 1; /* queuing */
		bad[n++] = 2; /* another's */
		bad[n++] = 4; /* nobody's */
		break;
	case XM_D_QUEUING_PORT:
		bad[n++] = 0;
		bad[n++] = 3;
		bad[n++] = 4;
		break;
	case XM_D_MESSAGE_SIZE:
		bad[n++] = 0;
		bad[n++] = 65;
		break;
	case XM_D_CONSOLE_SIZE:
	case XM_D_SIZE:
		bad[n++] = (16u << 20) + 1;
		break;
	case XM_D_COUNT:
		bad[n++] = 0;
		bad[n++] = 65;
		break;
	case XM_D_SPARE_COUNT:
		bad[n++] = 21;
		bad[n++] = 1; /* two came */
		break;
	case XM_D_IPVI:
		bad[n++] = 23;
		bad[n++] = 32;
		bad[n++] = 0;
		break;
	default:
		break;
	}
	if (arg->type == XM_T_U32)
		bad[n++] = 1ull << 32;
	if (arg->type == XM_T_S32)
		bad[n++] = 1ull << 31;
	cr_assert_leq(n, SAMPLE_WAYS);
	return n;
}
