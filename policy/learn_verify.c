// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The last word of learning: the log, read once more, put to the policy that was compiled.  Must not
 * trust anything of how that policy came about.
 */

#include <string.h>

#include "policy/image_layout.h"
#include "policy/learn.h"

void learn_proof_init(struct learn_proof *proof, struct learn *l, const struct policy_image *image)
{
	*proof = (struct learn_proof){ .learn = l, .image = image, .hash = IMAGE_FNV_BASIS };
}

static void complain(struct learn_proof *proof, const struct logged_decision *d,
		     const struct learn_verdict *v, const char *what)
{
	struct text t = TEXT_INIT(proof->wrong);

	if (*proof->wrong)
		return;
	text_printf(&t, "user %u: ", d->uid);
	text_call(&t, &v->call.req);
	text_puts(&t, what);
}

static bool is_allowed(const struct learn_proof *proof, const struct logged_decision *d,
		       const struct learn_verdict *v)
{
	return logged_decide(proof->image, d, &v->call.req, proof->learn->self).effect ==
	       POLICY_ALLOW;
}

static void prove(struct learn_proof *proof, const struct logged_decision *d)
{
	struct learn_verdict v;
	bool must, must_not;

	learn_judge(proof->learn, d, &v);
	/* Without a base what was allowed before is not in the image. */
	must = v.fate == LEARN_TAKE || (v.fate == LEARN_ALREADY && proof->learn->base);
	must_not = v.fate == LEARN_ASK;
	if (v.fate == LEARN_TAKE || v.fate == LEARN_ALREADY)
		proof->allowed++;
	if (must && !is_allowed(proof, d, &v))
		complain(proof, d, &v, " is not allowed by what was learned from it");
	if (must_not && is_allowed(proof, d, &v))
		complain(proof, d, &v, " is allowed, though nobody said that it is meant");
}

bool learn_prove(void *data, const struct logged_decision *d)
{
	struct learn_proof *proof = data;

	/* What has been written since does not count. */
	if (proof->decisions == proof->learn->decisions)
		return false;
	proof->decisions++;
	proof->hash = learn_hash(proof->hash, d);
	if (d->allowed)
		return true;
	proof->denied++;
	prove(proof, d);
	return !*proof->wrong;
}

const char *learn_proved(const struct learn_proof *proof)
{
	const struct learn *l = proof->learn;

	if (*proof->wrong)
		return proof->wrong;
	if (proof->hash != l->hash || proof->decisions != l->decisions)
		return "the log was changed while it was read: learn from a copy";
	return proof->denied == l->denied && proof->allowed == l->learned + l->already
		       ? NULL
		       : "the log does not say the same when it is read again";
}
