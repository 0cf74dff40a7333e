// SPDX-License-Identifier: LGPL-2.1-or-later
/* Random raw calls of one profile, alone and in batches.  Compiled once a profile. */

#include <criterion/criterion.h>
#include <sys/mman.h>

#include "tests/same/inprocess.h"
#include "tests/same/random_call.h"
#include "tests/same/same.h"

static uint8_t *arena;

static void any_batch(void *unmapped)
{
	unsigned long batch[64];
	unsigned long at = 0;
	uint32_t n = 1 + dice(6);

	for (uint32_t i = 0; i < n; i++) {
		struct random_call c = random_call(arena, unmapped);

		batch[at++] = c.number;
		batch[at++] = dice(6);
		memcpy(batch + at, c.word, sizeof(c.word));
		at += dice(20) ? batch[at - 1] : dice(6);
	}
	XM_multicall(batch, batch + at);
}

unsigned long SAME_NAME(same_any_)(unsigned long n, uint64_t seed)
{
	void *unmapped;

	arena = random_arena(&unmapped);
	dice_state = seed;
	for (unsigned long i = 0; i < n; i++) {
		struct random_call c = random_call(arena, unmapped);

		if (!dice(4))
			fill_arena(arena);
		if (!dice(16))
			any_batch(unmapped);
		else
			XM_hcall((int)(dice(50) ? c.number : (uint32_t)dice_state), c.word[0],
				 c.word[1], c.word[2], c.word[3], c.word[4]);
		if (i % 64 == 0)
			inprocess_log();
	}
	munmap(arena, 2 * ARENA);
	return n;
}
