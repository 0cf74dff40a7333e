/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_BATCH_H
#define LIBXM_BATCH_H

/*
 * Several calls in one exchange.  A batch is an array of words (unsigned long); an entry of it is the
 * number of a call, how many arguments it has, and these, a word each.  Bits 16 to 31 of an entry's
 * second word receive the result.
 *
 * A thread has a pending batch, which lazy calls add to: lazy.c.
 */

#include "libxm/raw.h"

#define BATCH_MULTICALL 0            /* its number, in every profile */
#define BATCH_PENDING_WORDS 1024     /* that a pending batch can hold */
#define BATCH_BYTES_MAX (16UL << 20) /* of the words of one batch */

/* The batch in [start, end) of the caller's memory, which is copied before it is read. */
int32_t batch_multicall(const struct raw_profile *profile, uintptr_t start, uintptr_t end);
/* A batch in the library's own memory, which receives results and codes. */
int32_t batch_run(const struct raw_profile *profile, unsigned long *words, size_t n_words);

/* Adds a call to the thread's pending batch.  errno stays as it is. */
void batch_lazy(const struct raw_profile *profile, uint32_t number, int32_t argc,
		const unsigned long *words);
/* Runs and empties the thread's pending batch. */
int32_t batch_flush(const struct raw_profile *profile);
/* The same before another call: 0 at once if nothing is pending. */
int32_t batch_flush_pending(const struct raw_profile *profile);
/* Empties it. */
void batch_drop(void);

#endif
