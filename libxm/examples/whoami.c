// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the partition knows of itself, with the names of PRTOS. */

#include <errno.h>
#include <stdio.h>

#include <prtos.h>

int main(void)
{
	partition_control_table_t *pct;
	struct prtos_physical_mem_map *area;

	init_libprtos(NULL);
	errno = 0; /* the tables are there in any case, and empty where the policy refuses them */
	pct = prtos_get_pct();
	if (errno) {
		perror("whoami: prtos_get_pct");
		return 1;
	}
	printf("partition %d \"%s\", reset %u times\n", PRTOS_PARTITION_SELF, (char *)pct->name,
	       pct->reset_counter);
	area = prtos_get_partition_mmap();
	if (errno) {
		perror("whoami: prtos_get_partition_mmap");
		return 1;
	}
	for (int i = 0; i < pct->num_of_physical_mem_areas; i++)
		printf("memory 0x%llx, %llu bytes\n", (unsigned long long)area[i].start_addr,
		       (unsigned long long)area[i].size);
	return 0;
}
