/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_PROVE_H
#define XM_POLICY_PROVE_H

/*
 * Exact answers about compiled policies: over all requests that can be encoded, all users, all sets of
 * the named groups, and all times from a given one on.  They come from the image that is enforced, on
 * the boxes of region.h.  Every answer is yes, or no with a witness that policy_decide() decides as
 * stated; or, when the budget is spent first, or the policy is too large, undecided, which a caller must
 * treat as a failure.
 *
 * Buckets of limited rules are taken to be full.  Shadow rules that allow do not; those that deny do so
 * from their date on.  Requests of root to the broker itself, which root always may, are judged as
 * anybody's.  For short-lived programs: running out of memory ends the program.
 */

#include "libxm/core/text.h"
#include "policy/eval.h"

#define PROVE_BUDGET UINT64_C(100000000)       /* steps: comparisons of two boxes */
#define PROVE_DIFF_BUDGET UINT64_C(1000000000) /* of prove_diff() */
/* Rules that principals have by operation, and their regions, that are looked at together, so that memory
 * stays below 500 MiB: of more, nothing is decided. */
#define PROVE_SIZE UINT64_C(3000000)
#define PROVE_ANY_PARTITION UINT32_MAX
#define PROVE_RULES 8    /* other rules that are named */
#define PROVE_GIDS 64    /* groups of a witness */
#define PROVE_CHANGES 32 /* of one operation and kind */
#define PROVE_ZEROES (XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES)

enum prove_result { PROVE_HOLDS, PROVE_BROKEN, PROVE_UNDECIDED };

struct prove_options {
	int64_t now; /* times from here on; 0: when the (newer) image was compiled */
	/* The partition that the broker runs in, or PROVE_ANY_PARTITION: it may be any of the system. */
	uint32_t self;
	bool one_of_several; /* who asks about one partition after the other: words say "self" */
	uint64_t budget;     /* 0: PROVE_BUDGET, or PROVE_DIFF_BUDGET */
};

/*
 * One request that shows it.  The request points into the witness: copy with prove_witness_copy().  What
 * lies behind its pointers is zeroes, if it is not more than PROVE_ZEROES bytes; else it is not there.
 */
struct prove_witness {
	uint32_t uid;
	uint32_t gids
		[PROVE_GIDS]; /* ascending; all that matter, the user is in no other named one */
	uint32_t n_gids;
	uint32_t nobodys_group; /* one that no policy names */
	uint32_t self;
	struct policy_time time;
	struct xm_request req;
	uint8_t names[XM_MAX_ARGS][XM_NAME_MAX + 1];
};

/* Whether there are more than PROVE_SIZE of them for what is asked of one policy: of all its rules
 * (prove_dead()), or of all that say different things (prove_never()). */
bool prove_is_too_large(const struct policy_image *image, bool each_rule);

void prove_witness_copy(struct prove_witness *to, const struct prove_witness *from);
/* As call_parse() reads it back: XM_reset_partition(2, XM_COLD_RESET, 0). */
void prove_witness_call(struct text *t, const struct prove_witness *witness);
/* As --as of xmpolicy reads it: user:70000,group:5. */
void prove_witness_as(struct text *t, const struct prove_witness *witness);
/* As --at of xmpolicy reads it: 2027-01-31T08:00:00Z; "unknown" if the clock is not to be trusted. */
void prove_witness_at(struct text *t, const struct prove_witness *witness);
/* The rest of a command line after `xmpolicy explain --policy ...`; CALL quoted for a shell. */
void prove_witness_command(struct text *t, const struct prove_witness *witness);
/* Decides the witness. */
struct policy_decision prove_witness_decide(const struct policy_image *image,
					    const struct prove_witness *witness);

/* ---- invariants -------------------------------------------------------------------------------- */

struct prove_counterexample {
	uint32_t never; /* in IMAGE_NEVERS */
	uint32_t rule;  /* that allows it */
	uint32_t grant; /* by which it is had */
	const char *
		words; /* the whole region that is allowed, as far as it was found with this rule */
	const struct prove_witness *witness;
};

/* All invariants of the image.  `found` is called once for each that is broken (or NULL).  PROVE_BROKEN
 * also if others are undecided; *neverp, if not NULL, is the first undecided one. */
enum prove_result prove_never(const struct policy_image *image, const struct prove_options *options,
			      void (*found)(void *data, const struct prove_counterexample *example),
			      void *data, uint32_t *neverp);

/* ---- dead rules -------------------------------------------------------------------------------- */

enum prove_dead_reason {
	PROVE_DEAD_EMPTY,      /* no request meets its constraints, or its time is over */
	PROVE_DEAD_UNGRANTED,  /* nobody has its role; reported for the first rule of the role */
	PROVE_DEAD_COVERED,    /* others of the same effect match all that it does */
	PROVE_DEAD_OVERRIDDEN, /* an allow, all of which is denied */
	PROVE_DEAD_BOTH,       /* an allow: part is covered, the rest denied */
};

struct prove_dead_rule {
	uint32_t rule;
	enum prove_dead_reason reason;
	uint32_t by[PROVE_RULES]; /* the other rules, in file order */
	uint32_t n_by;            /* all of them; the first PROVE_RULES are listed */
};

/*
 * Rules without which every decision would be the same, recording and charging included: any of those
 * reported, or all of them together, can be removed.  Called in file order.  PROVE_HOLDS: there are none;
 * PROVE_UNDECIDED: there may be others than those reported.
 */
enum prove_result prove_dead(const struct policy_image *image, const struct prove_options *options,
			     void (*found)(void *data, const struct prove_dead_rule *dead),
			     void *data);
/* "can match nothing", "is covered by", ...: a predicate whose subject is the rule. */
const char *prove_dead_text(enum prove_dead_reason reason);

/* ---- differences ------------------------------------------------------------------------------- */

enum prove_relation {
	PROVE_EQUAL,
	PROVE_WIDER,    /* the new one allows more */
	PROVE_NARROWER, /* less */
	PROVE_INCOMPARABLE,
	PROVE_UNKNOWN, /* the budget was spent; what was found is true nevertheless */
};

enum prove_change_kind {
	PROVE_CHANGE_ALLOWED,  /* was denied, is allowed */
	PROVE_CHANGE_DENIED,   /* was allowed, is denied */
	PROVE_CHANGE_RECORDED, /* decided alike, but recorded only now */
	PROVE_CHANGE_UNRECORDED,
	PROVE_CHANGE_LIMITED, /* allowed, but only now limited */
	PROVE_CHANGE_UNLIMITED,
	PROVE_CHANGE_RATE, /* limited otherwise */
};

/* One region in which the two policies differ. */
struct prove_change {
	enum prove_change_kind kind;
	unsigned int op;
	const char *who;    /* "group:5, and user:7": any of these; more are counted */
	const char *words;  /* the requests: "partitionId is 2 or 3, status is 16..31"; "" is all */
	const char *detail; /* of a rate: "6/min, burst 2 -> 3/min, burst 1"; else "" */
	uint32_t old_rule;  /* that decides the witness; POLICY_NO_RULE: none */
	uint32_t new_rule;
	bool more; /* there are more of this kind and operation, which are not told */
	const struct prove_witness *witness;
};

/*
 * Calls `found` for changes: those of decisions come first, then by operation.  Of each operation every
 * kind of change that there is on some partition is told, for as weak principals as have it, but no more
 * than PROVE_CHANGES regions.
 *
 * Recording is compared where both decide alike.  Limits are compared where both allow: whether a request
 * is limited at all, and by which rates and bursts (of all limited rules that match, as a set), not which
 * requests share a bucket.  What shadow rules would do is not compared until they do it.
 */
enum prove_relation prove_diff(const struct policy_image *old, const struct policy_image *new,
			       const struct prove_options *options,
			       void (*found)(void *data, const struct prove_change *change),
			       void *data);
const char *prove_change_text(enum prove_change_kind kind); /* "is allowed now", ... */

/* ---- who can ----------------------------------------------------------------------------------- */

/* What is asked about: an operation, and arguments that are fixed. */
struct prove_pattern {
	unsigned int op;
	bool fixed[XM_MAX_ARGS];
	struct xm_value arg[XM_MAX_ARGS]; /* of those; names and states as in a request */
	bool at_time;                     /* only at this time; else at any from now on */
	struct policy_time time;
};

/* Who is this can do it. */
struct prove_holder {
	const char *principal; /* "group:5", "user:7 and group:5", "everyone" */
	uint32_t uid;          /* UINT32_MAX: any */
	const uint32_t *gids;
	uint32_t n_gids;
	/* Every such request, at every time, whoever it is beside; never if there are partitions that may
	 * differ. */
	bool always;
	bool limited;       /* some of it at a limited rate only */
	bool unlimited;     /* some of it as often as one likes */
	const char *words;  /* which requests and when, on witness->self; "" is all */
	const char *unless; /* who, if they are this too, cannot or can less; "" is nobody */
	uint32_t rule;      /* the first that allows some of it */
	uint32_t grant;
	const struct prove_witness *witness;
};

/*
 * Calls `found` for each principal that can do some of it by what is granted to just this principal:
 * together these are all users who can.  PROVE_BROKEN: somebody can; PROVE_HOLDS: nobody can.
 */
enum prove_result prove_who(const struct policy_image *image, const struct prove_pattern *pattern,
			    const struct prove_options *options,
			    void (*found)(void *data, const struct prove_holder *holder),
			    void *data);

/* ---- the nearest miss -------------------------------------------------------------------------- */

struct prove_nearest {
	uint32_t rule;
	uint32_t clause;
	uint32_t grant;         /* IMAGE_NONE, UINT32_MAX: nothing more needs to be granted */
	uint32_t n_constraints; /* of the rule, that must be met and are not */
	bool other_time;        /* it would be allowed at another time only */
	const struct prove_witness *witness; /* the nearest request that is allowed */
};

/*
 * Of a request that is denied: the one that is allowed (so that no deny is met on the way) with the fewest
 * changes of its arguments and of the time, and then of who asks.  Who asks stays who he is, in all his
 * groups; he may be in other groups as well, or, for what is granted to another user, be just whom it is
 * granted to.  Times are those from the earlier of this one and `now` on, with a clock that is right.
 *
 * PROVE_BROKEN: `found` was called, once.  PROVE_HOLDS: at no such time is any request of this operation
 * allowed to who is all that this one is, whatever groups he is in besides, nor by what is granted to other
 * users to just these.
 */
enum prove_result prove_nearest(const struct policy_image *image,
				const struct policy_subject *subject, const struct xm_request *req,
				struct policy_time time, const struct prove_options *options,
				void (*found)(void *data, const struct prove_nearest *nearest),
				void *data);

#endif
