/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_MULTICALL_H
#define XM_MULTICALL_H

/*
 * Several hypercalls in one exchange with the broker.
 *
 * A batch is an array of words (unsigned long).  An entry is: the number of the call, the number of
 * its arguments, the arguments, a word each.  The number of arguments is that of the call's
 * prototype (on 32 bit set_timer has 5, since a 64-bit time is two words, low and high; 2.x also
 * takes 1 for halt_system).  Afterwards bits 16 to 31 of an entry's second word hold the result of
 * its call.
 *
 * The broker decides about all calls of a batch before the first one runs, and if it refuses one,
 * none does: the entries that it refuses hold the code, the others nothing.  Otherwise they run in
 * order, with nothing in between, and the failure of one does not stop the rest.  The batch is
 * copied before it is read: what another thread writes meanwhile has no effect.
 *
 * Policy operations: those of the calls.
 */

#include <xm/codes.h>
#include <xm/numbers.h>
#include <xm/types.h>

/* Words that a thread's pending batch can hold. */
#define XM_BATCH_WORDS 1024

XM_BEGIN_DECLS

/*
 * Runs a batch.
 *
 * @start  in and out, not NULL; aligned as a word (3.x)
 * @end    behind its last word; @end == @start is an empty batch
 *
 * Returns XM_OK: every call ran, and its entry holds its result; XM_INVALID_PARAM (EINVAL): @end
 * before @start, not aligned (3.x), or memory that may not be read and written; XM_MULTICALL_ERROR
 * (EBADMSG): an entry is malformed (unknown number, other number of arguments, cut short, a
 * multicall), and holds XM_INVALID_PARAM, or was refused for another reason than permission;
 * XM_MULTICALL_ERROR (E2BIG): more than 512 calls, or too much data; XM_PERM_ERROR (EPERM): a call
 * was refused; XM_INVALID_MODE, with EDQUOT where the user has too many bytes of large messages on
 * their way.  If it is not XM_OK, nothing ran, but see XM_INVALID_MODE in xm/codes.h.
 *
 * Blocks for one exchange with the broker.  Thread-safe; usable after fork().
 * Manual: Multicall.
 */
xm_s32_t XM_multicall(void *start, void *end) XM_BIND(XM_multicall);

/*
 * Adds a call to the pending batch of the calling thread, which XM_flush_hyp_batch() runs, and
 * every other function of the library before its own call, but for XM_multicall(), XM_set_timer(),
 * XM_get_vcpuid(), those of xm/init.h and xm/params.h, those that make no call and the lazy ones; if
 * that returns a code they return it, and make no call.  A batch that would not fit any more runs
 * first.
 *
 * @nr    number of the call (xm/numbers.h)
 * @argc  arguments that follow, 0 to 5
 * @...   the arguments, each a word: cast what is no unsigned long
 *
 * If @argc is none of these, or a full batch fails, the pending batch is dropped, and so is what is
 * added until the next flush, which runs nothing and returns the error (XM_MULTICALL_ERROR, EBADMSG,
 * for a wrong @argc).
 *
 * A child of fork() starts without a pending batch, as does every thread; what a thread has pending
 * when it ends is dropped.  Returns nothing; does not block, except to run a full batch.
 * Manual: Multicall.
 */
void XM_lazy_hypercall(xm_u32_t nr, xm_s32_t argc, ...) XM_BIND(XM_lazy_hypercall);

/*
 * Runs the pending batch of the calling thread, and empties it whatever comes of it.  Returns as
 * XM_multicall() does; XM_OK if nothing was pending.  Blocks likewise.  Manual: Multicall.
 */
xm_s32_t XM_flush_hyp_batch(void) XM_BIND(XM_flush_hyp_batch);

/* Drops the pending batch of the calling thread.  Does not block. */
void init_batch(void) XM_BIND(init_batch);

XM_END_DECLS

#endif
