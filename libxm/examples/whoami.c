// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the partition knows of itself, with the names of PRTOS. */

#include <stdio.h>

#include <prtos.h>

int main(void)
{
	partition_control_table_t *pct;
	struct prtos_physical_mem_map *area;

	init_libprtos(NULL);
	area = prtos_get_partition_mmap();
	pct = prtos_get_pct();
	printf("partition %d \"%s\", reset %u times\n", PRTOS_PARTITION_SELF, (char *)pct->name,
	       pct->reset_counter);
	for (int i = 0; i < pct->num_of_physical_mem_areas; i++)
		printf("memory 0x%llx, %llu bytes\n", (unsigned long long)area[i].start_addr,
		       (unsigned long long)area[i].size);
	return 0;
}
