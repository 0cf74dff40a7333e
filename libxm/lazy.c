// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pending batch of each thread.  Owns its words, which live until the thread ends; what is pending
 * then is dropped.  A child of fork() starts without: its parent will run the batch, and no call may
 * be made twice.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxm/batch.h"

/* Zeroes: nothing is pending.  Small, since a library that is loaded late has little room for it. */
struct pending {
	const struct raw_profile *profile; /* NULL: nothing since the last flush */
	unsigned long *words;              /* BATCH_PENDING_WORDS, once they were needed */
	size_t used;
	pid_t pid;
	int32_t failure; /* what the next flush returns instead of running anything */
	int error;       /* with errno */
};

static __thread struct pending pending;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* frees the words of a thread that ends */
static bool has_key;

/* What runs after this in the thread may begin again. */
static void end_thread(void *words)
{
	pending = (struct pending){ .profile = NULL };
	free(words);
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, end_thread) == 0;
}

/* A library that is unloaded, within a plugin, leaves nobody to call end_thread(). */
__attribute__((destructor)) static void drop_key(void)
{
	if (has_key)
		pthread_key_delete(key);
	has_key = false;
	end_thread(pending.words);
}

static void empty(void)
{
	pending.profile = NULL;
	pending.used = 0;
	pending.failure = 0;
}

static bool is_empty(void)
{
	if (!pending.profile)
		return true;
	if (pending.pid == getpid())
		return false;
	empty();
	return true;
}

/* Nothing more of this batch runs, since a call of it is missing; the next flush says why. */
static void spoil(int32_t failure, int error)
{
	pending.used = 0;
	pending.failure = failure;
	pending.error = error;
}

static bool has_words(void)
{
	if (pending.words)
		return true;
	pthread_once(&once, make_key);
	pending.words = calloc(BATCH_PENDING_WORDS, sizeof(*pending.words));
	if (pending.words && has_key)
		pthread_setspecific(key, pending.words);
	return pending.words;
}

static int32_t run_pending(void)
{
	size_t used = pending.used;

	pending.used = 0;
	return batch_run(pending.profile, pending.words, used);
}

/* Makes room for a call; a batch that fails on its own takes the calls after it along. */
static void make_room(size_t n_words)
{
	int32_t result;

	if (pending.used + n_words <= BATCH_PENDING_WORDS)
		return;
	result = run_pending();
	if (result < 0)
		spoil(result, errno);
}

static void append(uint32_t number, int32_t argc, const unsigned long *words)
{
	unsigned long *entry;

	if (argc < 0 || argc > RAW_WORDS) {
		spoil(raw_code(pending.profile, XM_C_MULTICALL_ERROR), EBADMSG);
		return;
	}
	if (!has_words()) {
		spoil(raw_code(pending.profile, XM_C_INVALID_MODE), ENOMEM);
		return;
	}
	make_room(2 + (size_t)argc);
	if (pending.failure)
		return;
	entry = pending.words + pending.used;
	entry[0] = number;
	entry[1] = (unsigned long)argc;
	memcpy(entry + 2, words, (size_t)argc * sizeof(*words));
	pending.used += 2 + (size_t)argc;
}

void batch_lazy(const struct raw_profile *profile, uint32_t number, int32_t argc,
		const unsigned long *words)
{
	int saved = errno;

	/* A program that speaks two profiles in one thread has two batches, one after the other. */
	if (!is_empty() && pending.profile != profile && !pending.failure) {
		int32_t result = run_pending();

		if (result < 0)
			spoil(result, errno);
	}
	if (!pending.profile) {
		pending.profile = profile;
		pending.pid = getpid();
	}
	if (!pending.failure) {
		pending.profile = profile;
		append(number, argc, words);
	}
	errno = saved;
}

int32_t batch_flush(const struct raw_profile *profile)
{
	int32_t result;

	if (is_empty())
		return raw_code(profile, XM_C_OK);
	if (pending.failure) {
		result = pending.failure;
		errno = pending.error;
	} else {
		result = run_pending();
	}
	/* What another profile calls it means nothing to this one. */
	if (result < 0 && pending.profile != profile)
		result = raw_code(profile, XM_C_MULTICALL_ERROR);
	empty();
	return result;
}

int32_t batch_flush_pending(const struct raw_profile *profile)
{
	return pending.profile ? batch_flush(profile) : 0;
}

void batch_drop(void)
{
	empty();
}
