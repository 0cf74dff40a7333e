// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one door through which every call of the library goes to the broker.  Owns nothing.  errno is
 * what the caller had, unless the call fails.
 */

#include <errno.h>

#include "libxm/batch.h"
#include "libxm/raw.h"
#include "libxm/session.h"

static int32_t no_session(const struct raw_profile *profile, int error)
{
	errno = -error;
	return raw_code(profile, XM_C_INVALID_MODE);
}

/* The session with an open connection, which knows the own partition. */
static int enter(const struct raw_profile *profile, struct session **sessionp)
{
	int r = session_enter(sessionp);

	if (r < 0)
		return r;
	if (session_descriptor(*sessionp) < 0)
		r = session_open(*sessionp, profile->id);
	if (r < 0)
		session_leave(*sessionp);
	return r;
}

static int ask(struct session *session, struct raw_call *call, struct xm_reply *reply)
{
	if (call->request.op != XM_OP_PARTITION_SELF)
		return session_exchange(session, call->profile->id, &call->request, reply);
	/* It does not change: an open connection need not be looked at again. */
	xm_reply_init(reply, NULL, 0);
	reply->value = session_partition(session);
	return 0;
}

static int32_t make(struct session *session, struct raw_call *call, uint32_t number)
{
	struct xm_reply reply;
	int32_t result;
	int r;

	call->self = session_partition(session);
	call->family = raw_same_family(call->profile, session_welcome(session)->profile);
	call->scratch = session_scratch(session);
	call->scratch_len = XM_WIRE_PLAIN;
	r = raw_gather(call, number);
	if (!r)
		r = ask(session, call, &reply);
	result = r < 0 ? no_session(call->profile, r) : raw_scatter(call, &reply);
	raw_release(call);
	return result;
}

/*
 * The own partition is no hypercall: programs use it like a constant, in the arguments of other calls,
 * and would take what became of a batch for an identifier.
 */
static bool is_flushing(const struct raw_profile *profile, uint32_t number, unsigned int flags)
{
	return number != profile->n_hypercalls && !(flags & RAW_NO_FLUSH);
}

/* A multicall is a batch of its own: the pending one goes on waiting. */
static bool is_multicall(uint32_t number, unsigned int flags)
{
	return number == BATCH_MULTICALL && !(flags & RAW_OWN);
}

int32_t raw_call(const struct raw_profile *profile, uint32_t number,
		 const uint64_t words[RAW_WORDS], unsigned int flags)
{
	struct raw_call call = { .profile = profile, .words = words, .own = flags & RAW_OWN };
	struct session *session;
	int saved = errno;
	int failure;
	int32_t result;
	int r;

	if (is_multicall(number, flags))
		return batch_multicall(profile, (uintptr_t)words[0], (uintptr_t)words[1]);
	result = is_flushing(profile, number, flags) ? batch_flush_pending(profile) : 0;
	if (result < 0)
		return result;
	r = enter(profile, &session);
	if (r < 0)
		return no_session(profile, r);
	errno = 0;
	result = make(session, &call, number);
	failure = errno;
	session_leave(session);
	errno = result < 0 ? failure : saved;
	return result;
}

int32_t raw_partition_self(const struct raw_profile *profile)
{
	static const uint64_t words[RAW_WORDS];

	return raw_call(profile, profile->n_hypercalls, words, 0);
}

int raw_init(const struct raw_profile *profile)
{
	struct session *session;
	int saved = errno;
	int r = session_enter(&session);

	if (!r) {
		r = session_open(session, profile->id);
		session_leave(session);
	}
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}

int raw_welcome(const struct raw_profile *profile, struct xm_wire_welcome *welcomep)
{
	struct session *session;
	int r = enter(profile, &session);

	if (r < 0)
		return r;
	*welcomep = *session_welcome(session);
	session_leave(session);
	return 0;
}
