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
	bool limited; /* it has a limit: */
	struct policy_limit limit;
	int64_t observe_until; /* of a shadow rule; else INT64_MIN */
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
	uint32_t grant; /* its number in the image */
	bool yours;     /* the subject is the principal: it is just not the time */
};

struct explanation {
	struct policy_decision decision;
	/* "rule", "no rule", "limit", "root", "overflow id", "public", "unclassified" */
	const char *why;

	/* The rules that decided, in file order. */
	struct explain_rule rules[EXPLAIN_RULES];
	uint32_t n_rules; /* all of them; the first EXPLAIN_RULES are listed */

	bool is_observed; /* decision.observed: */
	struct explain_rule observed;

	/* For a denial because no rule matched: the allow that comes nearest, if there is one. */
	bool has_nearest;
	struct explain_rule nearest;
	struct explain_failed failed[EXPLAIN_FAILED];
	uint32_t n_failed;
	bool granted; /* the subject has that rule now; else these have it, now or at other times: */
	struct explain_grant grants[EXPLAIN_GRANTS];
	uint32_t n_grants; /* all of them; 0 and not granted: nobody has it */
	/* The nearest request that is allowed: the call, then when and as whom if that must change too; "":
	 * none was found. */
	char instead[512];
};

/* The groups of `subject` must be filtered, as for policy_decide().  All buckets are full. */
void policy_explain_decision(const struct policy_image *image, const struct policy_subject *subject,
			     const struct xm_request *req, uint32_t self, struct policy_time time,
			     struct explanation *outp);
/* The same, and what would be allowed of what no rule allows: that is looked for long. */
void policy_explain(const struct policy_image *image, const struct policy_subject *subject,
		    const struct xm_request *req, uint32_t self, struct policy_time time,
		    struct explanation *outp);

/* When a grant holds, for a person: "from 2027-01-31T08:00:00Z, mon-fri 08:00-18:00 +02:00"; nothing, if
 * it always does. */
void explain_when(struct text *t, const struct policy_image *image, uint32_t grant);

/* Both forms of an explanation: for a person, and as one JSON object without a newline. */
struct explain_context {
	const struct policy_image *image;
	const char *user; /* as given */
	const char *at;   /* the time, if it is to be told; else NULL */
	const struct policy_subject *subject;
	const struct xm_request *req;
	uint32_t self;
};

void explain_print(struct text *t, const struct explain_context *ctx,
		   const struct explanation *explanation);
void explain_json(struct text *t, const struct explain_context *ctx,
		  const struct explanation *explanation);

#endif
