/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_BITMAP_H
#define XM_BITMAP_H

/*
 * Arrays of bits in words, as XM_get_commport_bitmap() has them: bit n is bit n % (bits of a word)
 * of word n / (bits of a word).  Inline: nothing here blocks or needs a session.
 */

#include <xm/types.h>

#if XM_FAMILY == 3

#define XM_BITS_PER_WORD ((xm_s32_t)(8 * sizeof(xmWord_t)))

/* Clears the words that hold the first @noBits bits of @bitmap. */
static inline void xmClearBitmap(xmWord_t *bitmap, xm_s32_t noBits)
{
	xm_s32_t i;

	for (i = 0; i < noBits; i += XM_BITS_PER_WORD)
		bitmap[i / XM_BITS_PER_WORD] = 0;
}

/* Sets the words that hold the first @noBits bits of @bitmap. */
static inline void xmSetBitmap(xmWord_t *bitmap, xm_s32_t noBits)
{
	xm_s32_t i;

	for (i = 0; i < noBits; i += XM_BITS_PER_WORD)
		bitmap[i / XM_BITS_PER_WORD] = ~(xmWord_t)0;
}

/* Clears a bit, unless it is not below @noBits. */
static inline void xmClearBit(xmWord_t *bitmap, xm_s32_t bit, xm_s32_t noBits)
{
	if (bit >= 0 && bit < noBits)
		bitmap[bit / XM_BITS_PER_WORD] &= ~((xmWord_t)1 << (bit % XM_BITS_PER_WORD));
}

/* Sets a bit, unless it is not below @noBits. */
static inline void xmSetBit(xmWord_t *bitmap, xm_s32_t bit, xm_s32_t noBits)
{
	if (bit >= 0 && bit < noBits)
		bitmap[bit / XM_BITS_PER_WORD] |= (xmWord_t)1 << (bit % XM_BITS_PER_WORD);
}

/* Returns 1 or 0, or -1 if the bit is not below @noBits. */
static inline xm_s32_t xmIsBitSet(const xmWord_t *bitmap, xm_s32_t bit, xm_s32_t noBits)
{
	if (bit < 0 || bit >= noBits)
		return -1;
	return (xm_s32_t)((bitmap[bit / XM_BITS_PER_WORD] >> (bit % XM_BITS_PER_WORD)) & 1);
}

#endif

#endif
