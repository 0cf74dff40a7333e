// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which row of the table a raw call is.  Pure, and total: every number, class and command gets a row
 * or a reason.  Must never guess: a call that only resembles a row is not classified.
 */

#include "libxm/raw.h"

#define DESCRIPTOR_INVALID 0x80000000U
#define PARTITION_SHIFT 10
#define PARTITION_MASK 0x3ffU

static uint32_t descriptor_class(const struct raw_profile *p, uint32_t descriptor)
{
	return (descriptor >> p->class_shift) & ((1U << p->class_bits) - 1);
}

static bool descriptor_fits(const struct raw_row *row, uint32_t descriptor, uint32_t command)
{
	bool hypervisor = ((descriptor >> PARTITION_SHIFT) & PARTITION_MASK) == XM_HYPERVISOR_ID;

	return (row->command == RAW_ANY || row->command == (int64_t)command) &&
	       (row->hypervisor == RAW_ANY || row->hypervisor == (int32_t)hypervisor);
}

/* Among the rows of one number, which all have a descriptor. */
static const struct raw_row *classify_object(const struct raw_profile *p, uint32_t number,
					     const uint64_t words[RAW_WORDS],
					     enum raw_reason *reasonp)
{
	uint32_t descriptor = (uint32_t)words[RAW_DESCRIPTOR];
	uint32_t class = descriptor_class(p, descriptor);

	if ((descriptor & DESCRIPTOR_INVALID) || class >= p->n_classes) {
		*reasonp = RAW_BAD_CLASS;
		return NULL;
	}
	*reasonp = RAW_NO_SUCH_OPERATION;
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct raw_row *row = &p->rows[i];

		if (row->number != number || row->class != (int32_t) class)
			continue;
		if (descriptor_fits(row, descriptor, (uint32_t)words[RAW_COMMAND]))
			return row;
		*reasonp = RAW_BAD_COMMAND;
	}
	return NULL;
}

const struct raw_row *raw_classify(const struct raw_profile *p, uint32_t number,
				   const uint64_t words[RAW_WORDS], enum raw_reason *reasonp)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		if (p->rows[i].number != number)
			continue;
		if (p->rows[i].class == RAW_PLAIN)
			return &p->rows[i];
		return classify_object(p, number, words, reasonp);
	}
	*reasonp = RAW_UNKNOWN_NUMBER;
	return NULL;
}

bool raw_argc(const struct raw_profile *p, uint32_t number, unsigned int argc)
{
	/* 0 is the multicall itself, which is no entry of one. */
	return number > 0 && number < p->n_hypercalls && argc >= p->argcs[number].min &&
	       argc <= p->argcs[number].max;
}
