// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random system descriptions: partitions and ports whose names begin alike, which are what policies name.
 */

#include <stdio.h>
#include <stdlib.h>

#include "tests/random_policy.h"

static void ports(FILE *f)
{
	static const char *const names[] = { "hk",       "hk-1", "hk-10",    "hk-2", "h",
					     "attitude", "att",  "commands", "com",  "telemetry" };
	unsigned int used = 0, n = dice(6);

	fprintf(f, "<PortTable>\n");
	for (unsigned int i = 0; i <= n; i++) {
		unsigned int name = dice(10);

		if (used >> name & 1)
			continue;
		used |= 1u << name;
		fprintf(f, "<Port name='%s' type='%s' direction='%s'/>\n", names[name],
			dice(2) ? "sampling" : "queuing", dice(2) ? "source" : "destination");
	}
	fprintf(f, "</PortTable>\n");
}

static void plans(FILE *f)
{
	static const char *const names[] = { "nominal", "safe", "safer" };
	unsigned int n = 1 + dice(3);

	fprintf(f, "<CyclicPlanTable>\n");
	for (unsigned int i = 0; i < n; i++)
		fprintf(f,
			"<Plan id='%u' name='%s' majorFrame='100ms'>\n"
			"<Slot id='0' start='0ms' duration='50ms' partitionId='0'/>\n</Plan>\n",
			i, names[i]);
	fprintf(f, "</CyclicPlanTable>\n");
}

char *random_system(void)
{
	static const char *const names[] = { "linux", "payload", "pay", "camera", "cam" };
	unsigned int n = 1 + dice(5);
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' "
		   "name='random'>\n<HwDescription>\n<MemoryLayout>\n"
		   "<Region type='ram' start='0x0' size='512MB'/>\n</MemoryLayout>\n"
		   "<ProcessorTable>\n<Processor id='0' frequency='1000MHz'>\n");
	plans(f);
	fprintf(f, "</Processor>\n</ProcessorTable>\n<Devices>\n"
		   "<Uart id='0' baudRate='115200' name='Uart'/>\n</Devices>\n</HwDescription>\n"
		   "<XMHypervisor console='Uart'>\n<PhysicalMemoryArea size='4MB'/>\n"
		   "</XMHypervisor>\n<PartitionTable>\n");
	for (unsigned int i = 0; i < n; i++) {
		fprintf(f,
			"<Partition id='%u' name='%s' flags='system' console='Uart'>\n"
			"<PhysicalMemoryAreas>\n<Area start='0x%x' size='1MB'/>\n"
			"</PhysicalMemoryAreas>\n",
			i, names[i], 0x4000000 + i * 0x1000000);
		ports(f);
		fprintf(f, "</Partition>\n");
	}
	fprintf(f, "</PartitionTable>\n</SystemDescription>\n");
	fclose(f);
	return text;
}
