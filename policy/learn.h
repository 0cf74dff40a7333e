/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_LEARN_H
#define XM_POLICY_LEARN_H

/*
 * From denied calls to a policy that allows them, and nothing else but what the user says.  Memory is
 * bounded, whatever the log holds.
 */

#include <stdio.h>

#include "libxm/core/text.h"
#include "policy/arena.h"
#include "policy/logged_call.h"

#define LEARN_CALLS 100000 /* different ones */
#define LEARN_LEFT 256     /* sorts of calls that are left out */
#define LEARN_SPECS 64
#define LEARN_TEXT 512
#define LEARN_NOBODY UINT32_MAX
#define LEARN_ROLE 32

enum learn_kind { LEARN_ONE, LEARN_RANGE, LEARN_NAME, LEARN_PREFIX, LEARN_ANY, LEARN_NOT_SELF };

/* A value of an attribute, or what it was generalised to.  No padding: compared as bytes. */
struct learn_value {
	uint32_t kind; /* enum learn_kind */
	uint32_t len;
	uint64_t low, high; /* biased, if signed */
	char name[XM_NAME_MAX + 1];
};

enum learn_how { LEARN_TO_ANY, LEARN_TO_RANGE, LEARN_TO_PREFIX };

/* What the user says of an attribute. */
struct learn_spec {
	char op[64]; /* "": of all */
	char attribute[64];
	enum learn_how how;
};

/* A denied call; several are one rule if all their combinations were called. */
struct learn_call {
	unsigned int op;
	uint32_t principal;
	uint64_t count;
	struct learn_value value[XM_MAX_ARGS];
};

/* Who called, and the group that this user is taken for. */
struct learn_principal {
	uint32_t uid; /* LEARN_NOBODY: everyone */
	uint32_t gid; /* LEARN_NOBODY: none */
};

/* What becomes of a decision. */
enum learn_fate {
	LEARN_TAKE,    /* a call to allow */
	LEARN_ALREADY, /* the base allows it */
	LEARN_LEAVE,   /* it cannot be allowed, or not said */
	LEARN_ASK,     /* only if the user says so */
};

struct learn_verdict {
	enum learn_fate fate;
	char why[LEARN_TEXT]; /* of LEAVE and ASK */
	bool whole;           /* there is a request */
	struct call call;
	struct learn_call as; /* of TAKE */
	struct learn_principal who;
};

/* A sort of calls that are left out. */
struct learn_left {
	char why[LEARN_TEXT];
	char call[LEARN_TEXT];  /* the first */
	char write[LEARN_TEXT]; /* what to write if it is meant, or "" */
	unsigned int op;
	uint32_t uid;
	bool has_uid;
	uint64_t count;
};

struct learn {
	const struct policy_image *base; /* NULL: none */
	const struct system *sys;        /* NULL: unknown */
	uint32_t self;                   /* UINT32_MAX: not known yet */
	bool self_given;                 /* by the user, not by the log */
	char role[LEARN_ROLE];           /* what the names of its roles begin with */
	bool allow_self_stop, allow_machine;
	bool everyone;
	uint32_t groups[LEARN_SPECS]; /* whose members are taken for the group */
	size_t n_groups;
	struct learn_spec specs[LEARN_SPECS];
	size_t n_specs;

	struct arena arena;
	struct buffer calls;      /* struct learn_call */
	struct buffer slots;      /* uint32_t: open hash of them, position + 1 */
	struct buffer principals; /* struct learn_principal */
	struct learn_left *left;  /* owned */
	size_t n_left;
	uint64_t decisions, denied, learned, already, other_left, folded;
	uint64_t hash; /* of all decisions */
	bool too_many;
};

void learn_init(struct learn *learn);
void learn_deinit(struct learn *learn);
/* "ATTRIBUTE=any", "OP.ATTRIBUTE=range", "...=prefix", "user=group:NAME", "user=everyone"; NULL if good, else
 * what is wrong. */
const char *learn_generalise(struct learn *learn, const char *text);
/* For decision_log_read(). */
bool learn_decision(void *learn, const struct logged_decision *decision);

/* Says what becomes of a denied decision; depends on nothing but what the user said and learn->self. */
void learn_judge(struct learn *learn, const struct logged_decision *decision,
		 struct learn_verdict *verdictp);
/* Whether an attribute of an operation is to be generalised so. */
bool learn_generalises(const struct learn *learn, unsigned int op, const char *attribute,
		       enum learn_how how);
/* What the log said of a decision that was read before. */
uint64_t learn_hash(uint64_t hash, const struct logged_decision *decision);

/* learn_widen.c: generalises over all calls as the user says, and drops what others cover. */
void learn_widen(struct learn *learn);
/* learn_text.c: the policy as text, in the arena; `system` NULL: none is named. */
const char *learn_text(struct learn *learn, const char *system, size_t *lenp);

/* learn_verify.c: whether a policy does with each call what learning said; for decision_log_read(). */
struct learn_proof {
	struct learn *learn;
	const struct policy_image *image; /* the base and what was learned */
	uint64_t decisions, denied, allowed;
	uint64_t hash;
	char wrong[2 * LEARN_TEXT]; /* the first call that is decided otherwise, or "" */
};
void learn_proof_init(struct learn_proof *proof, struct learn *learn,
		      const struct policy_image *image);
bool learn_prove(void *proof, const struct logged_decision *decision);
/* After the log was read again.  NULL, or what is wrong. */
const char *learn_proved(const struct learn_proof *proof);

/* learn_value.c: one attribute of an operation as `where` has it. */
struct learn_attribute {
	const char *name;
	unsigned int arg;
	bool is_name;
	bool is_port; /* the name of the port behind the argument */
};
unsigned int learn_attributes(const struct learn *learn, unsigned int op,
			      struct learn_attribute out[XM_MAX_ARGS]);
/* The value in a request; NULL, or why it cannot be had. */
const char *learn_value_of(const struct learn *learn, const struct xm_request *req,
			   const struct learn_attribute *attribute, struct learn_value *valuep);
/* As a policy writes it. */
void learn_put_value(const struct learn *learn, unsigned int op,
		     const struct learn_attribute *attribute, const struct learn_value *value,
		     struct text *t);
bool learn_stops_self(const struct learn *learn, const struct xm_request *req);

#endif
