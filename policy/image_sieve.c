// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sieves: constraints so short that they fit beside what they decide.  Owns nothing.  Must never make
 * one that keeps off a request that the constraint would let through or leave undetermined.
 */

#include <string.h>

#include "policy/image_layout.h"

#define BITS 64

static bool is_wide(unsigned int width)
{
	return width == IMAGE_U64 || width == IMAGE_S64;
}

static bool is_signed(unsigned int width)
{
	return width == IMAGE_S32 || width == IMAGE_S64;
}

/* Whether squeezing keeps apart what the ends of the interval do. */
static bool is_whole(unsigned int width, const struct image_interval *interval)
{
	uint32_t low = image_squeeze(width, interval->low);
	uint32_t high = image_squeeze(width, interval->high);

	if (!is_wide(width))
		return true;
	return (!interval->low || (low && low < UINT32_MAX)) &&
	       (interval->high == UINT64_MAX || (high && high < UINT32_MAX));
}

static bool sieve_bits(struct image_sieve *sieve, const struct image_term *term,
		       const struct image_interval *interval)
{
	uint64_t bits = 0;

	if (is_signed(sieve->width) || term->n_intervals > BITS ||
	    interval[term->n_intervals - 1].high >= BITS)
		return false;
	for (uint32_t i = 0; i < term->n_intervals; i++)
		for (uint64_t value = interval[i].low; value <= interval[i].high && value < BITS;
		     value++)
			bits |= UINT64_C(1) << value;
	sieve->kind = IMAGE_SIEVE_BITS;
	sieve->low = (uint32_t)bits;
	sieve->high = (uint32_t)(bits >> 32);
	return true;
}

static bool sieve_intervals(struct image_sieve *sieve, const struct image_term *term,
			    const struct image_interval *interval)
{
	const struct image_interval all = { interval[0].low, interval[term->n_intervals - 1].high };

	if (term->n_intervals > 1 && sieve_bits(sieve, term, interval))
		return true;
	sieve->kind = IMAGE_SIEVE_RANGE;
	sieve->low = image_squeeze(sieve->width, all.low);
	sieve->high = image_squeeze(sieve->width, all.high);
	return term->n_intervals == 1 && is_whole(sieve->width, &all);
}

static bool sieve_number(struct image_sieve *sieve, const struct image_term *term,
			 const struct image_parts *parts)
{
	const struct image_mask *mask = parts->masks + term->first_mask;
	bool exact = false;

	if (!term->n_masks && !term->n_intervals) { /* only the own partition, if that */
		sieve->kind = IMAGE_SIEVE_RANGE;
		sieve->low = 1;
		exact = true;
	} else if (!term->n_masks) {
		exact = sieve_intervals(sieve, term, parts->intervals + term->first_interval);
	} else if (!term->n_intervals && term->n_masks == 1 && mask->mask <= UINT32_MAX &&
		   mask->is <= UINT32_MAX && !is_signed(sieve->width)) {
		sieve->kind = IMAGE_SIEVE_MASK;
		sieve->low = (uint32_t)mask->mask;
		sieve->high = (uint32_t)mask->is;
		exact = true;
	}
	sieve->flags = (uint8_t)((term->negated ? IMAGE_SIEVE_NEGATED : 0) |
				 (term->self ? IMAGE_SIEVE_SELF : 0));
	if (!exact && sieve->flags)
		sieve->kind = IMAGE_SIEVE_NONE;
	return exact;
}

static void sieve_name(struct image_sieve *sieve, const struct image_term *term,
		       const struct image_name *name)
{
	const struct image_name *last = name + term->n_names - 1;

	if (term->negated || term->n_intervals || term->n_masks || !term->n_names)
		return;
	sieve->kind = IMAGE_SIEVE_NAME;
	sieve->low = image_name_begins(name->bytes, name->len, 0);
	sieve->high = image_name_begins(last->bytes, last->len, last->prefix ? UINT8_MAX : 0);
}

static bool sieve_constraint(struct image_sieve *sieve, const struct image_constraint *c,
			     const struct image_parts *parts)
{
	const struct image_term *term = parts->terms + c->first_term;
	unsigned int number = c->attribute == IMAGE_LENGTH ? c->length_arg : c->arg;

	sieve->width = c->attribute == IMAGE_LENGTH ? IMAGE_U32 : c->width;
	sieve->args = (uint8_t)(c->arg | number << 4);
	if (c->n_terms != 1)
		return false;
	if (c->attribute == IMAGE_NAME)
		sieve_name(sieve, term, parts->names + term->first_name);
	if (c->attribute != IMAGE_NUMBER && c->attribute != IMAGE_LENGTH)
		return false;
	return !term->n_names && sieve_number(sieve, term, parts);
}

void image_sieve_entry(struct image_entry *entry, const struct image_parts *parts)
{
	entry->exact = entry->n_constraints <= IMAGE_SIEVES;
	memset(entry->sieve, 0, sizeof(entry->sieve));
	for (unsigned int i = 0; i < entry->n_constraints && i < IMAGE_SIEVES; i++)
		if (!sieve_constraint(&entry->sieve[i],
				      &parts->constraints[entry->first_constraint + i], parts))
			entry->exact = 0;
}
