// SPDX-License-Identifier: GPL-2.0-only
/*
 * The five words of a call, which are numbers.  Must never pass a bit on that the hypervisor's
 * prototype has no room for: it might see another number than the one that was looked at.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include "xmctl.h"

/* Whether a word is what the caller's program has as a number of so many bits, of either sign. */
static bool fits(u64 word, unsigned int bits)
{
	return !(word >> bits) || (bits == 32 && (s64)word == (s32)word);
}

static bool is_good_word(u64 word, unsigned int kind)
{
	switch (kind) {
	case XMCTL_WORD_NONE:
	case XMCTL_WORD_PART:
		return !word;
	case XMCTL_WORD_U8:
		return fits(word, 8);
	case XMCTL_WORD_U16:
		return fits(word, 16);
	case XMCTL_WORD_FULL:
		return true;
	default:
		return fits(word, 32);
	}
}

static u64 narrow_word(const struct xmctl_request *req, unsigned int i)
{
	switch (req->rule->words[i]) {
	case XMCTL_WORD_U8:
		return (u8)req->words[i];
	case XMCTL_WORD_U16:
		return (u16)req->words[i];
	case XMCTL_WORD_U32:
	case XMCTL_WORD_SIZE:
		return (u32)req->words[i];
	case XMCTL_WORD_NONE:
		return 0;
	default:
		return req->words[i];
	}
}

/**
 * xmctl_words_check() - makes the caller's words those that the rule has
 * @req: the call
 *
 * Return: 0; -EINVAL if a word of the versioned interface has more than it may.
 */
int xmctl_words_check(struct xmctl_request *req)
{
	unsigned int i;

	for (i = 0; i < XMCTL_WORDS; i++) {
		if (req->buffers && !is_good_word(req->words[i], req->rule->words[i]))
			return -EINVAL;
		req->words[i] = narrow_word(req, i);
	}
	return 0;
}

/* The size of records in the hypervisor's layout. */
static unsigned long sized_word(const struct xmctl_request *req, unsigned int i)
{
	const struct xmctl_part *part = &req->rule->parts[req->rule->sized];
	u32 count = (u32)req->words[i] / part->size[req->layout];

	if (part->kind == XMCTL_FIXED && count > 1)
		count = 1;
	return (unsigned long)count * part->size[xmctl_device.layout];
}

/**
 * xmctl_words_set() - the words for the hypervisor, but for pointers
 * @req: the call; what it points to has been measured
 * @words: out
 */
void xmctl_words_set(const struct xmctl_request *req, unsigned long words[XMCTL_WORDS])
{
	unsigned int i;

	for (i = 0; i < XMCTL_WORDS; i++) {
		switch (req->rule->words[i]) {
		case XMCTL_WORD_PART:
			break;
		case XMCTL_WORD_SIZE:
			words[i] = sized_word(req, i);
			break;
		default:
			words[i] = (unsigned long)req->words[i];
		}
	}
	if (!IS_ENABLED(CONFIG_64BIT) && req->rule->times) {
		words[1] = lower_32_bits(req->words[1]);
		words[2] = upper_32_bits(req->words[1]);
		words[3] = lower_32_bits(req->words[2]);
		words[4] = upper_32_bits(req->words[2]);
	}
}
