// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Multicalls.  Owns a private copy of the batch, from which every entry is read once; what another
 * thread makes of the original meanwhile has no effect.  Decides nothing: the broker decides about
 * all calls of a batch at once.  Must never write to the application's memory but through the kernel,
 * or where a call's own outputs were probed.
 */

#include <errno.h>
#include <stdlib.h>

#include "libxm/batch.h"
#include "libxm/memory.h"
#include "libxm/session.h"

#define WORD_BYTES sizeof(unsigned long)
#define HEAD_WORDS 2 /* of an entry: number, count */
#define ARGC_MASK 0xffffUL
#define RESULT_SHIFT 16
/* No entry has more words; behind so many of a batch it is either malformed or too long. */
#define ENTRY_WORDS (HEAD_WORDS + RAW_WORDS)
#define COPY_WORDS ((XM_BATCH_MAX + 1) * ENTRY_WORDS)

struct element {
	size_t at; /* word of the batch at which its entry begins */
	uint32_t number;
	int32_t result;
	uint64_t words[RAW_WORDS];
	struct raw_call call;
};

struct batch {
	const struct raw_profile *profile;
	unsigned long *words; /* the private copy, where results and codes go first */
	size_t n_words;
	bool cut;        /* bytes are left behind the last word */
	uintptr_t place; /* of the original; 0: there is none */
	unsigned int n;
	struct element *elements;
	struct xm_request *requests;
};

/* ---- results ------------------------------------------------------------------------------------- */

static int32_t fail(const struct batch *b, enum xm_code code, int error)
{
	errno = error;
	return raw_code(b->profile, code);
}

/* Puts a result into an entry, or clears what was there. */
static void mark(struct batch *b, size_t at, int32_t result)
{
	unsigned long *word = &b->words[at + 1];

	*word = (*word & ARGC_MASK) | ((unsigned long)(uint16_t)result << RESULT_SHIFT);
	if (b->place)
		memory_write(b->place + (at + 1) * WORD_BYTES, word, WORD_BYTES);
}

/* An entry that is none; the last one may lack its second word. */
static int32_t malformed(struct batch *b, size_t at)
{
	if (b->n_words - at >= HEAD_WORDS)
		mark(b, at, raw_code(b->profile, XM_C_INVALID_PARAM));
	return fail(b, XM_C_MULTICALL_ERROR, EBADMSG);
}

static int32_t too_big(const struct batch *b)
{
	return fail(b, XM_C_MULTICALL_ERROR, E2BIG);
}

/* ---- entries ------------------------------------------------------------------------------------- */

/* Bits that are neither count nor result make no count. */
static bool entry_is_good(const struct batch *b, size_t at, unsigned long *argcp)
{
	size_t left = b->n_words - at;
	unsigned long number, argc;

	if (left < HEAD_WORDS)
		return false;
	number = b->words[at];
	argc = b->words[at + 1] & ARGC_MASK;
	if (number > UINT32_MAX || (b->words[at + 1] & 0xffffffffUL) != b->words[at + 1] ||
	    argc > RAW_WORDS || argc > left - HEAD_WORDS ||
	    !raw_argc(b->profile, (uint32_t)number, (unsigned int)argc))
		return false;
	*argcp = argc;
	return true;
}

static void take_entry(struct batch *b, size_t at, unsigned long argc)
{
	struct element *e = &b->elements[b->n++];

	e->at = at;
	e->number = (uint32_t)b->words[at];
	for (unsigned long i = 0; i < argc; i++)
		e->words[i] = b->words[at + HEAD_WORDS + i];
}

static int32_t decode(struct batch *b)
{
	unsigned long argc = 0;
	size_t at = 0;

	for (; at < b->n_words; at += HEAD_WORDS + argc) {
		if (!entry_is_good(b, at, &argc))
			return malformed(b, at);
		if (b->n == XM_BATCH_MAX)
			return too_big(b);
		take_entry(b, at, argc);
	}
	return b->cut ? malformed(b, at) : 0;
}

/* ---- requests ------------------------------------------------------------------------------------ */

/* What a batch may not hold: the library answers it itself, or the broker would. */
static bool is_alien(const struct raw_call *call)
{
	return xm_ops[call->request.op].flags & (XM_OPF_PUBLIC | XM_OPF_BROKER);
}

/* Bytes that a call's arguments add to the message. */
static size_t extent(const struct xm_request *req)
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++)
		bytes += req->arg[i].data ? req->arg[i].len : 0;
	return bytes;
}

/* All calls as requests; their data share the session's scratch memory as far as it goes. */
static int32_t gather(struct batch *b, struct session *session)
{
	size_t used = 0;
	size_t total = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		struct element *e = &b->elements[i];

		e->call.profile = b->profile;
		e->call.words = e->words;
		e->call.self = session_partition(session);
		e->call.family = raw_same_family(b->profile, session_welcome(session)->profile);
		e->call.scratch = session_scratch(session) + used;
		e->call.scratch_len = XM_WIRE_PLAIN - used;
		if (raw_gather(&e->call, e->number) < 0)
			return fail(b, XM_C_INVALID_MODE, ENOMEM);
		if (is_alien(&e->call))
			return malformed(b, e->at);
		used += e->call.scratch_used;
		total += extent(&e->call.request);
		if (total > XM_WIRE_MAX)
			return too_big(b);
		b->requests[i] = e->call.request;
	}
	return xm_wire_batch_result_max(b->requests, b->n) > XM_WIRE_MAX ? too_big(b) : 0;
}

/* ---- answers ------------------------------------------------------------------------------------- */

/* All ran: outputs in the order of the calls, and then the results, which lie over them. */
static int32_t ran(struct batch *b, struct xm_wire_batch_result *answer)
{
	struct xm_reply reply;

	for (unsigned int i = 0; i < b->n; i++) {
		struct element *e = &b->elements[i];

		if (xm_wire_next_batch_result(answer, &b->requests[i], i + 1 == b->n, &reply) < 0)
			return fail(b, XM_C_INVALID_MODE, ECONNRESET); /* was good before */
		e->result = raw_scatter(&e->call, &reply);
	}
	for (unsigned int i = 0; i < b->n; i++)
		mark(b, b->elements[i].at, b->elements[i].result);
	return raw_code(b->profile, XM_C_OK);
}

/* Of the codes of a batch that did not run, the one to return. */
static int32_t why_refused(const struct batch *b, const bool has[XM_N_CODES])
{
	if (has[XM_C_PERM_ERROR])
		return fail(b, XM_C_PERM_ERROR, EPERM);
	/* No memory for the answer; a hypervisor that is not there shows in results. */
	if (has[XM_C_INVALID_MODE])
		return fail(b, XM_C_INVALID_MODE, EDQUOT);
	if (has[XM_C_MULTICALL_ERROR])
		return too_big(b);
	return fail(b, XM_C_MULTICALL_ERROR, EBADMSG);
}

/* None ran: the entries at fault hold what the calls alone would return. */
static int32_t refused(struct batch *b, const uint8_t *codes)
{
	struct xm_reply reply;
	bool has[XM_N_CODES] = { false };

	xm_reply_init(&reply, NULL, 0);
	for (unsigned int i = 0; i < b->n; i++) {
		struct element *e = &b->elements[i];
		int32_t result = 0;

		if (codes[i] != XM_C_OK) {
			xm_reply_fail(&reply, codes[i]);
			result = raw_scatter(&e->call, &reply);
		}
		has[codes[i]] = true;
		mark(b, e->at, result);
	}
	return why_refused(b, has);
}

static int32_t exchange(struct batch *b, struct session *session)
{
	struct xm_wire_batch_result answer;
	int32_t r = gather(b, session);

	if (r < 0)
		return r;
	r = session_exchange_batch(session, b->profile->id, b->requests, b->n, &answer);
	if (r == -EMSGSIZE)
		return too_big(b);
	if (r < 0)
		return fail(b, XM_C_INVALID_MODE, -r);
	return answer.ran ? ran(b, &answer) : refused(b, answer.codes);
}

static int32_t ask(struct batch *b)
{
	struct session *session;
	int32_t result;
	int failure;
	int r = session_enter(&session);

	if (r < 0)
		return fail(b, XM_C_INVALID_MODE, -r);
	if (session_descriptor(session) < 0)
		r = session_open(session, b->profile->id);
	result = r < 0 ? fail(b, XM_C_INVALID_MODE, -r) : exchange(b, session);
	failure = errno;
	session_leave(session);
	errno = failure;
	return result;
}

/* ---- batches ------------------------------------------------------------------------------------- */

static int32_t run(struct batch *b)
{
	size_t most =
		b->n_words / HEAD_WORDS < XM_BATCH_MAX ? b->n_words / HEAD_WORDS : XM_BATCH_MAX;
	int saved = errno;
	int32_t result;

	/* calloc() may return NULL for none. */
	b->elements = calloc(most + 1, sizeof(*b->elements));
	b->requests = calloc(most + 1, sizeof(*b->requests));
	if (!b->elements || !b->requests)
		result = fail(b, XM_C_INVALID_MODE, ENOMEM);
	else
		result = decode(b);
	if (!result && b->n)
		result = ask(b);
	for (unsigned int i = 0; i < b->n; i++)
		raw_release(&b->elements[i].call);
	free(b->elements);
	free(b->requests);
	if (result >= 0)
		errno = saved;
	return result;
}

int32_t batch_run(const struct raw_profile *profile, unsigned long *words, size_t n_words)
{
	struct batch b = { .profile = profile, .words = words, .n_words = n_words };

	return run(&b);
}

static bool is_usable(const struct raw_profile *profile, uintptr_t start, uintptr_t end)
{
	return start <= end && !(profile->checks_alignment && start % WORD_BYTES);
}

/* As much of the batch as can matter. */
static void measure(struct batch *b, size_t len)
{
	b->n_words = len / WORD_BYTES;
	b->cut = len % WORD_BYTES;
	if (b->n_words <= COPY_WORDS)
		return;
	b->n_words = COPY_WORDS;
	b->cut = false;
}

int32_t batch_multicall(const struct raw_profile *profile, uintptr_t start, uintptr_t end)
{
	unsigned long none = 0;
	struct batch b = { .profile = profile, .place = start };
	size_t len = end - start;
	int32_t result;

	if (start == end)
		return 0;
	if (!is_usable(profile, start, end))
		return fail(&b, XM_C_INVALID_PARAM, EINVAL);
	if (len > BATCH_BYTES_MAX)
		return too_big(&b);
	measure(&b, len);
	b.words = b.n_words ? malloc(b.n_words * WORD_BYTES) : &none;
	if (!b.words)
		return fail(&b, XM_C_INVALID_MODE, ENOMEM);
	if (memory_read(b.words, start, b.n_words * WORD_BYTES) < 0 ||
	    memory_probe_write(start, len) < 0)
		result = fail(&b, XM_C_INVALID_PARAM, EINVAL);
	else
		result = run(&b);
	if (b.words != &none)
		free(b.words);
	return result;
}
