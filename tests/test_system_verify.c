// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * system_verify() against blocks that somebody made up: each test breaks one thing of a good block.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/load.h"

#define TRACED "tests/system/good/traced.xml" /* has what the built-in one has not */

/* NULL: the built-in description. */
static struct system *load(const char *path)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(path ? system_load(path, &diag, &sys)
			  : system_load_text("loopback", system_loopback_xml,
					     strlen(system_loopback_xml), &diag, &sys),
		     0);
	diag_free(&diag);
	cr_assert(system_verify(sys, sys->size));
	return sys;
}

#define TABLE(sys, which, type) ((type *)(void *)((char *)(sys) + (sys)->table[which].offset))

#define BREAKS(name, ...) BREAKS_IN(NULL, name, __VA_ARGS__)
#define BREAKS_IN(path, name, ...)                                                                 \
	Test(system_verify, name)                                                                  \
	{                                                                                          \
		struct system *sys = load(path);                                                   \
		struct system_partition *p =                                                       \
			TABLE(sys, SYSTEM_PARTITIONS, struct system_partition);                    \
		struct system_port *port = TABLE(sys, SYSTEM_PORTS, struct system_port);           \
		struct system_channel *channel =                                                   \
			TABLE(sys, SYSTEM_CHANNELS, struct system_channel);                        \
		struct system_plan *plan = TABLE(sys, SYSTEM_PLANS, struct system_plan);           \
		struct system_slot *slot = TABLE(sys, SYSTEM_SLOTS, struct system_slot);           \
		struct system_area *area = TABLE(sys, SYSTEM_AREAS, struct system_area);           \
		struct system_ipvi *ipvi = TABLE(sys, SYSTEM_IPVIS, struct system_ipvi);           \
		size_t size = sys->size;                                                           \
                                                                                                   \
		(void)p, (void)port, (void)channel, (void)plan, (void)slot, (void)area,            \
			(void)ipvi;                                                                \
		__VA_ARGS__;                                                                       \
		cr_assert_not(system_verify(sys, size));                                           \
		free(sys);                                                                         \
	}

BREAKS(magic, sys->magic++)
BREAKS(claimed_size, sys->size += 8)
BREAKS(real_size, size -= 8)
BREAKS(tiny, size = 8)
BREAKS(profile, sys->profile = 9)
BREAKS(hm_capacity, sys->hm_capacity = UINT32_MAX)
BREAKS(name_without_end, memset(sys->name, 'x', SYSTEM_NAME))
BREAKS(name_with_control, sys->name[0] = '\n')
BREAKS(name_with_hidden_bytes, sys->name[SYSTEM_NAME - 1] = 'x')
BREAKS(offset_unaligned, sys->table[SYSTEM_PORTS].offset += 4)
BREAKS(offset_outside, sys->table[SYSTEM_PORTS].offset = UINT32_MAX - 7)
BREAKS(count_too_large, sys->table[SYSTEM_SLOTS].count = UINT32_MAX)
BREAKS(count_overflowing, sys->table[SYSTEM_PORTS].count = UINT32_MAX / 48 + 2)
BREAKS(count_too_small, sys->table[SYSTEM_AREAS].count--)
BREAKS(partition_id, p[1].id = 2)
BREAKS(partition_name, memset(p[1].name, 'x', SYSTEM_NAME))
BREAKS(partition_without_vcpu, p[0].n_vcpus = 0)
BREAKS(partition_with_too_many_vcpus, p[0].n_vcpus = SYSTEM_MAX_VCPUS + 1)
BREAKS(partition_console_too_large, p[0].console_capacity = SYSTEM_MAX_CONSOLE + 1)
BREAKS(partition_reserved, p[0].reserved = 1)
BREAKS(partition_first_port, p[1].first_port = 0)
BREAKS(partition_port_count, p[2].n_ports = 3)
BREAKS(partition_port_count_overflow, p[1].n_ports = UINT32_MAX)
BREAKS(partition_ports_left_over, p[2].n_ports = 1)
BREAKS(port_partition, port[0].partition = 77)
BREAKS(port_of_other_partition, port[0].partition = 1)
BREAKS(port_type, port[0].type = 2)
BREAKS(port_direction, port[0].direction = 0)
BREAKS(port_channel, port[0].channel = 4)
BREAKS(port_channel_type, port[0].channel = 2)
BREAKS(channel_source, channel[0].source = 8)
BREAKS(channel_source_elsewhere, channel[0].source = 2)
BREAKS(channel_source_is_destination, channel[0].source = 4)
BREAKS(channel_without_bytes, channel[0].max_message_length = 0)
BREAKS(channel_with_huge_messages, channel[0].max_message_length = UINT32_MAX)
BREAKS(channel_with_huge_queue, channel[2].max_no_messages = UINT32_MAX)
BREAKS(channel_queue_of_sampling, channel[0].max_no_messages = 1)
BREAKS(channel_without_queue, channel[2].max_no_messages = 0)
BREAKS(channel_period, channel[0].valid_period = -1)
BREAKS(channel_period_too_long, channel[0].valid_period = SYSTEM_INFINITE - 1)
BREAKS(plan_id, plan[1].id = 5)
BREAKS(plan_processor, plan[0].processor = 1)
BREAKS(plan_processor_too_high, plan[1].processor = SYSTEM_MAX_PROCESSORS, plan[1].id = 0)
BREAKS(plan_frame, plan[0].major_frame = 0)
BREAKS(plan_frame_negative, plan[0].major_frame = -1)
BREAKS(plan_frame_too_long, plan[0].major_frame = INT64_MAX)
BREAKS(plan_first_slot, plan[1].first_slot = 0)
BREAKS(plan_slot_count, plan[1].n_slots = UINT32_MAX)
BREAKS(slot_partition, slot[0].partition = 3)
BREAKS(slot_vcpu, slot[0].vcpu = 1)
BREAKS(slot_start, slot[0].start = -1)
BREAKS(slot_order, slot[1].start = 49999)
BREAKS(slot_start_far, slot[2].start = INT64_MAX)
BREAKS(slot_duration, slot[2].duration = INT64_MAX)
BREAKS(slot_empty, slot[2].duration = 0)
BREAKS(slot_reserved, slot[0].reserved = 1)
BREAKS(area_partition, area[0].partition = 3)
BREAKS(area_empty, area[0].size = 0)
BREAKS(area_without_end, area[0].size = UINT64_MAX)
BREAKS(area_name, memset(area[0].name, 'x', SYSTEM_NAME))
BREAKS(area_mapped_beyond, area[0].mapped_at = UINT64_MAX - 4095)
BREAKS(channel_message_too_long, channel[0].max_message_length = SYSTEM_MAX_MESSAGE + 1)
BREAKS(trace_capacity, sys->trace_capacity = UINT32_MAX)
BREAKS(partition_trace_capacity, p[2].trace_capacity = UINT32_MAX)
BREAKS(logs_too_large_together, sys->trace_capacity = SYSTEM_MAX_LOG - sys->hm_capacity,
       p[0].trace_capacity = 1)
BREAKS_IN(TRACED, ipvi_too_low, ipvi[0].number = 23)
BREAKS_IN(TRACED, ipvi_too_high, ipvi[0].number = 32)
BREAKS_IN(TRACED, ipvi_source, ipvi[1].source = 4)
BREAKS_IN(TRACED, ipvi_destination, ipvi[1].destination = 4)
BREAKS_IN(TRACED, ipvi_reserved, ipvi[2].reserved = 1)

static volatile uint64_t sum;

/* Whatever byte is changed, a block that passes can be walked without harm. */
static void walk(const struct system *sys)
{
	uint32_t n;
	const struct system_port *port = system_ports(sys, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct system_channel *channel = system_port_channel(sys, &port[i]);

		sum += strlen(port[i].name) + (channel ? channel->source : 0);
		sum += system_port_by_name(sys, port[i].partition, port[i].name,
					   strlen(port[i].name)) != NULL;
	}
	for (uint32_t i = 0; system_partition(sys, i); i++)
		sum += strlen(system_partition(sys, i)->name);
	sum += system_n_plans(sys) + (uint64_t)system_plan_by_name(sys, "safe");
}

Test(system_verify, any_changed_byte)
{
	struct system *sys = load(NULL);
	size_t size = sys->size;
	uint8_t *bytes = (uint8_t *)sys;

	for (size_t i = 0; i < size; i++) {
		uint8_t old = bytes[i];

		for (unsigned int bit = 0; bit < 8; bit++) {
			bytes[i] = old ^ (uint8_t)(1 << bit);
			if (system_verify(sys, size))
				walk(sys);
		}
		bytes[i] = old;
	}
	free(sys);
}

Test(system_verify, any_length)
{
	struct system *sys = load(NULL);

	for (size_t size = 0; size < sys->size; size++) {
		/* A block of just this size, so that reading beyond it shows. */
		void *copy = malloc(size);

		memcpy(copy, sys, size);
		cr_assert_not(system_verify(copy, size));
		free(copy);
	}
	free(sys);
}

/* A block of two processors is in order of processors, and each counts its plans from 0. */
Test(system_verify, second_processor)
{
	struct system *sys = load(NULL);
	struct system_plan *plan = TABLE(sys, SYSTEM_PLANS, struct system_plan);

	plan[1].processor = 1;
	plan[1].id = 0;
	cr_assert(system_verify(sys, sys->size));
	cr_assert_eq(system_n_plans(sys), 1);
	cr_assert_eq(system_plan_by_name(sys, "safe"), -1);
	free(sys);
}
