/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_EXPLAIN_H
#define XM_POLICY_EXPLAIN_H

/*
 * Why a request is decided as it is: read from the image alone, with the evaluator's own matching.
 * All pointers point into the image.
 */

#include "policy/eval.h"
#include "libxm/core/text.h"

#define EXPLAIN_RULES 16 /* rules that are listed; the decision counts all */
#define EXPLAIN_FAILED 16
#define EXPLAIN_GRANTS 8

struct explain_place {
	const char *file;
	uint32_t line;
	uint32_t column;
};

struct explain_rule {
	uint32_t rule;
	struct explain_place at;
	enum policy_effect effect;
	enum policy_audit audit;
	const char *role;
	const char *because;
};

/* A constraint that the request does not meet. */
struct explain_failed {
	struct explain_place at; /* file NULL: the rule does not cover stopping the own partition */
	const char *attribute;
	const char *wanted;
	char had[64]; /* printable; "unknown" when the request does not determine it */
};

struct explain_grant {
	struct explain_place at;
	const char *principal;
};

struct explanation {
	struct policy_decision decision;
	const char *why; /* "rule", "no rule", "root", "overflow id", "public", "unclassified" */

	/* The rules that decided, in file order. */
	struct explain_rule rules[EXPLAIN_RULES];
	uint32_t n_rules; /* all of them; the first EXPLAIN_RULES are listed */

	/* For a denial because no rule matched: the allow that comes nearest, if there is one. */
	bool has_nearest;
	struct explain_rule nearest;
	struct explain_failed failed[EXPLAIN_FAILED];
	uint32_t n_failed;
	bool granted; /* the subject has that rule; else these have it: */
	struct explain_grant grants[EXPLAIN_GRANTS];
	uint32_t n_grants; /* all of them; 0 and not granted: nobody has it */
};

/* The groups of `subject` must be filtered, as for policy_decide(). */
void policy_explain(const struct policy_image *image, const struct policy_subject *subject,
		    const struct xm_request *req, uint32_t self, struct explanation *outp);

/* Both forms of an explanation: for a person, and as one JSON object without a newline. */
struct explain_context {
	const char *user; /* as given */
	const struct policy_subject *subject;
	const struct xm_request *req;
	uint32_t self;
};

void explain_print(struct text *t, const struct explain_context *ctx,
		   const struct explanation *explanation);
void explain_json(struct text *t, const struct explain_context *ctx,
		  const struct explanation *explanation);

#endif
