// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one door through which every call of the library goes to the broker.  Owns nothing.  errno is
 * what the caller had, unless the call fails.
 */

#include <errno.h>

#include "libxm/raw.h"
#include "libxm/session.h"

static int32_t no_session(const struct raw_profile *profile, int error)
{
	errno = -error;
	return profile->codes[XM_C_INVALID_MODE];
}

static int ask(struct session *session, struct raw_call *call, struct xm_reply *reply)
{
	int r = 0;

	if (call->request.op != XM_OP_PARTITION_SELF)
		return session_exchange(session, call->profile->id, &call->request, reply);
	/* It does not change: an open connection need not be looked at again. */
	if (session_descriptor(session) < 0)
		r = session_open(session, call->profile->id);
	xm_reply_init(reply, NULL, 0);
	reply->value = session_partition(session);
	return r;
}

int32_t raw_call(const struct raw_profile *profile, uint32_t number,
		 const uint64_t words[RAW_WORDS], unsigned int flags)
{
	struct raw_call call = { .profile = profile, .words = words, .own = flags & RAW_OWN };
	struct xm_reply reply;
	struct session *session;
	int saved = errno;
	int failure = 0;
	int32_t result;
	int r = session_enter(&session);

	if (r < 0)
		return no_session(profile, r);
	call.scratch = session_scratch(session);
	raw_gather(&call, number);
	r = ask(session, &call, &reply);
	errno = 0;
	result = r < 0 ? no_session(profile, r) : raw_scatter(&call, &reply);
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

	if (r < 0) {
		errno = -r;
		return -1;
	}
	r = session_open(session, profile->id);
	session_leave(session);
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
