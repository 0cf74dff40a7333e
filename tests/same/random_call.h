/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SAME_RANDOM_CALL_H
#define TESTS_SAME_RANDOM_CALL_H

/*
 * Raw calls at random, of the profile that the including file is compiled for: mostly nearly right,
 * since what is wrong in every way is refused at the first.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xm-linux.h>

#define ARENA 4096 /* bytes of memory that the calls may use; a page */

struct random_call {
	uint32_t number;
	unsigned long word[5];
};

static uint64_t dice_state;

static inline uint32_t dice(uint32_t n)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(dice_state >> 33) % n;
}

static inline unsigned long random_number(void)
{
	static const unsigned long odd[] = { 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 128, 129,
					     64,   65,         1000000,    0x10000,    31,  24 };

	switch (dice(8)) {
	case 0:
		return odd[dice(sizeof(odd) / sizeof(odd[0]))];
	case 1:
		return (unsigned long)dice_state;
	default:
		return dice(4);
	}
}

/* The arena, and behind it a page that nobody may use. */
static inline uint8_t *random_arena(void **unmappedp)
{
	uint8_t *arena =
		mmap(NULL, 2 * ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*unmappedp = arena + ARENA;
	if (arena == MAP_FAILED || mprotect(*unmappedp, ARENA, PROT_NONE) < 0)
		abort();
	return arena;
}

/* An address in the arena, mostly; `unmapped` is one of a page that nobody may use. */
static inline unsigned long random_pointer(uint8_t *arena, void *unmapped)
{
	switch (dice(12)) {
	case 0:
		return 0;
	case 1:
		return (unsigned long)unmapped;
	case 2:
		return (unsigned long)(arena + dice(ARENA / 2)); /* of any alignment */
	case 3:
		return (unsigned long)(arena + ARENA - 8 * dice(4));
	default:
		return (unsigned long)(arena + 64 * dice(ARENA / 128));
	}
}

static inline xmObjDesc_t random_descriptor(void)
{
	xmObjDesc_t d =
		OBJDESC_BUILD(dice(OBJ_NO_CLASSES + 1), dice(5) ? dice(5) ? 0 : 0xffu : dice(5),
			      dice(6) ? dice(5) : dice(1024));

	return dice(30) ? d : (xmObjDesc_t)dice_state;
}

/* What the commands of objects point to: names where they are, numbers that may be right. */
static inline void fill_arena(uint8_t *arena)
{
	static const char *const names[] = {
		"attitude", "telemetry", "hk-1",
		"commands", "portX",     "a name that is longer than any name may be"
	};
	char *name = (char *)arena + 3072;
	unsigned long *words = (unsigned long *)(void *)arena;
	uint32_t *halves = (uint32_t *)(void *)arena;

	for (size_t i = 0; i < ARENA / sizeof(*halves); i++)
		halves[i] = dice(3) ? dice(4) : (uint32_t)random_number();
	strcpy(name, names[dice(6)]);
	for (size_t i = 0; i < 3072 / 64; i++)
		if (dice(2))
			words[i * 64 / sizeof(*words)] = (unsigned long)name;
	for (size_t i = 0; i < 3072 / 64; i++) {
		halves[16 * i + 2] = dice(2) ? 64 : halves[16 * i + 2];
		halves[16 * i + 3] = dice(2) ? 128 : halves[16 * i + 3];
	}
}

static inline struct random_call random_call(uint8_t *arena, void *unmapped)
{
	static const uint32_t objects[] = { read_object_nr, write_object_nr, seek_object_nr,
					    ctrl_object_nr, ctrl_object_nr };
	struct random_call c;

	c.number = dice(2) ? objects[dice(5)] : 1 + dice(NR_HYPERCALLS + 2);
	for (int i = 0; i < 5; i++)
		c.word[i] = dice(2) ? random_number() : random_pointer(arena, unmapped);
	if (c.number < read_object_nr || c.number > ctrl_object_nr)
		return c;
	c.word[0] = random_descriptor();
	/* Numbers as the prototypes take them: what is refused is recorded as it came. */
	if (c.number == seek_object_nr) {
		c.word[1] = (uint32_t)c.word[1];
		c.word[2] = (uint32_t)c.word[2];
		return c;
	}
	if (c.number == ctrl_object_nr) {
		c.word[1] = dice(20) ? dice(6) : (uint32_t)random_number();
		c.word[2] = random_pointer(arena, unmapped);
		return c;
	}
	c.word[1] = random_pointer(arena, unmapped);
	c.word[2] = dice(3) ? dice(80) : random_number() % 3000;
	c.word[3] = dice(2) ? 0 : random_pointer(arena, unmapped);
	return c;
}

#endif
