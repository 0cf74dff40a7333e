// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * System descriptions of any content, and flat blocks of any content.  The first byte chooses: a
 * text for the loader (its other bits: with notes, for profile 2.6), whose result must verify; a block
 * for system_verify(); or changes to a good block, so that the checks behind the first ones are
 * reached as well.  What passes is walked and listed.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/load.h"
#include "xmbroker/sim/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

static void walk(const struct system *sys)
{
	uint32_t n;
	const struct system_port *port = system_ports(sys, &n);
	const struct system_plan *plan;
	const struct system_slot *slot;

	for (uint32_t i = 0; i < n; i++) {
		const struct system_channel *channel = system_port_channel(sys, &port[i]);

		sink += strlen(port[i].name) + (channel ? channel->max_message_length : 0);
		if (!system_port_by_name(sys, port[i].partition, port[i].name,
					 strlen(port[i].name)))
			abort();
	}
	for (uint32_t i = 0; system_partition(sys, i); i++)
		sink += (uint64_t)system_partition_by_name(sys, system_partition(sys, i)->name);
	plan = system_plans(sys, &n);
	slot = system_slots(sys, &(uint32_t){ 0 });
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < plan[i].n_slots; j++)
			sink += (uint64_t)slot[plan[i].first_slot + j].duration;
	sink += system_n_plans(sys);
}

static void list(const struct system *sys)
{
	static FILE *nowhere;

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	if (list_print(sys, true, nowhere) || list_print(sys, false, nowhere))
		abort();
}

static struct system *load(const char *text, size_t len, unsigned int how)
{
	const struct system_options options = {
		.profile = how & 8 ? XM_PROFILE_ID_2_6 : 0,
		.notes = how & 4,
	};
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	if (system_load_text_as("fuzz", text, len, &options, &diag, &sys) == 0) {
		if (!system_verify(sys, sys->size) || diag.n_errors)
			abort();
		walk(sys);
		list(sys);
	} else if (!diag.n_errors || sys) {
		abort();
	}
	diag_free(&diag);
	return sys;
}

static void verify(const uint8_t *data, size_t size)
{
	/* malloc: aligned as the function demands, and of exactly this size. */
	void *block = malloc(size);

	if (size)
		memcpy(block, data, size);
	if (system_verify(block, size))
		walk(block);
	free(block);
}

/* Triples of a position (two bytes) and a value. */
static void mutate(const uint8_t *data, size_t size)
{
	static struct system *good;
	uint8_t *block;

	if (!good)
		good = load(system_loopback_xml, strlen(system_loopback_xml), 0);
	block = malloc(good->size);
	memcpy(block, good, good->size);
	for (; size >= 3; data += 3, size -= 3)
		block[(data[0] | data[1] << 8) % good->size] = data[2];
	if (system_verify(block, good->size))
		walk((struct system *)(void *)block);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	switch (data[0] & 3) {
	case 0:
		verify(data + 1, size - 1);
		break;
	case 1:
		mutate(data + 1, size - 1);
		break;
	default:
		free(load((const char *)data + 1, size - 1, data[0]));
	}
	return 0;
}
