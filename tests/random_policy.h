/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_RANDOM_POLICY_H
#define TESTS_RANDOM_POLICY_H

/*
 * Random policies over the whole language, random system descriptions, and random requests that know
 * the policy and so hit its boundaries.  A policy is made of chunks (a rule, a grant, a definition), which
 * can be taken out one by one: those in which the compiler finds an error, and, when a test fails, those
 * that do not matter.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"

#define RANDOM_CHUNKS 128
#define RANDOM_FILES 2
/* Operations of small policies, and the numbers beyond which these tell no two apart. */
#define RANDOM_SMALL_OPS 11
#define RANDOM_SMALL_MAX 20
extern const unsigned int random_small_ops[RANDOM_SMALL_OPS];
#define RANDOM_HINTS 12
#define RANDOM_ATTRIBUTES 6
#define RANDOM_NOW INT64_C(1813060800) /* 2027-06-15 */
#define RANDOM_IDS 6                   /* users and groups 0..5 */

/* Values that a chunk names: requests take theirs from here. */
struct random_hint {
	const char *attribute;
	unsigned int n;
	uint64_t number[RANDOM_HINTS];
	unsigned int n_names;
	char name[RANDOM_HINTS][XM_NAME_MAX + 1];
};

struct random_chunk {
	char *text;
	bool dead;
	bool fixed; /* cannot be taken out */
	unsigned int file;
	unsigned int n_ops;
	unsigned int ops[8];
	unsigned int n_hints;
	struct random_hint hint[RANDOM_ATTRIBUTES];
};

/* What policies are made of. */
struct random_shape {
	unsigned int roles, rules, grants; /* at most */
	unsigned int ids;                  /* users and groups 0 to ids - 1; 0: RANDOM_IDS */
	bool small;                        /* operations and values that can all be tried */
	bool times, limits, shadows, nevers;
	bool two_files;
	const char *system; /* path or "loopback:" */
	const struct system *sys;
};

struct random_policy {
	struct random_shape shape;
	struct random_chunk chunk[RANDOM_CHUNKS];
	unsigned int n;
	char *text[RANDOM_FILES]; /* of the last random_render() */
	unsigned int n_times;
	int64_t times[64]; /* at which something begins or ends */
	unsigned int n_windows;
	struct {
		int start, end, offset; /* minutes */
	} window[32];
};

/* ---- dice ---- */
extern uint64_t random_seed;
uint64_t random_bits(void);
unsigned int dice(unsigned int n);

/* ---- policies: random_policy.c ---- */
void random_policy_make(struct random_policy *p, const struct random_shape *shape);
void random_policy_free(struct random_policy *p);
/* Writes the living chunks to text[]. */
void random_render(struct random_policy *p);
/* Kills the chunk at this line of this file; false: it is a fixed one. */
bool random_kill(struct random_policy *p, unsigned int file, unsigned int line);

/* ---- constraints: random_value.c ---- */
#define RANDOM_DEFINES 6
struct random_text {
	char text[4096];
	size_t len;
};
void out(struct random_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Something after "attribute: ", which goes into `hint`. */
void random_constraint(struct random_text *t, const struct random_policy *p, const struct xm_op *op,
		       const char *attribute, struct random_hint *hint);
/* Definition `i`: its value. */
void random_define(struct random_text *t, const struct random_policy *p, unsigned int i);
/* The argument that an attribute is, or NULL: the name of a port. */
const struct xm_arg *random_attribute(const struct xm_op *op, const char *attribute);

/* ---- times: random_time.c ---- */
void random_date(struct random_text *t, struct random_policy *p);
/* ", from: ..." and so on, or nothing. */
void random_times(struct random_text *t, struct random_policy *p);
int64_t random_now(const struct random_policy *p);

/* ---- requests: random_request.c ---- */
void random_request(const struct random_policy *p, uint32_t self, struct xm_request *req);

/* ---- systems: random_system.c ---- */
/* Text of a description, which the caller frees. */
char *random_system(void);

#endif
