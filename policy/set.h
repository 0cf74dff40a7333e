/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_SET_H
#define XM_POLICY_SET_H

/*
 * A set of values while it is compiled: what becomes one term of the image.
 */

#include "policy/model.h"

struct set {
	struct buffer intervals; /* struct image_interval */
	struct buffer masks;     /* struct image_mask */
	struct buffer names;     /* struct image_name */
	bool self;
};

void set_add(struct set *set, uint64_t low, uint64_t high);
/* Sorts, and removes what is contained in something else. */
void set_normalise(struct set *set);
/* Adds to `to` all numbers from `min` to `max` that are not in the (normalised) `set`. */
void set_add_complement(struct set *to, const struct set *set, uint64_t min, uint64_t max);
bool set_has(const struct set *set, uint64_t value);
bool set_is_empty(const struct set *set);
void set_free(struct set *set);

/* leaves.c: whether a value of the argument is in `positive`, or outside of one of the `negated`. */
struct set_leaves {
	struct compilation *c;
	const struct condition *cond;
	const struct set *positive;
	const struct set *negated;
	size_t n;
	uint64_t min, max; /* of the type */
};
bool set_leaves(struct set_leaves *leaves);

/* domain.c */
bool domain_is_partition(enum xm_domain domain);
/* The value that a word stands for as this argument. */
bool domain_symbol(struct compilation *c, const struct condition *cond, const char *text,
		   uint64_t *valuep);
const char *domain_symbol_hint(struct compilation *c, const struct condition *cond,
			       const char *text);
/* Why a value is outside the domain, or NULL. */
const char *domain_excludes(struct compilation *c, const struct condition *cond, uint64_t value);
enum domain_has { DOMAIN_NONE, DOMAIN_SOME, DOMAIN_LARGE };
/* Whether one of the domain's values fits, if they are few enough to look at each. */
enum domain_has domain_find(struct compilation *c, const struct condition *cond,
			    bool (*fits)(void *data, uint64_t value), void *data);
/* Whether some value of the domain, as far as that is known, is in the set. */
bool domain_leaves(struct compilation *c, const struct condition *cond, const struct set *set);
/* Whether the system has a port (or partition or plan) of this name, or with this prefix. */
bool domain_has_name(struct compilation *c, const struct condition *cond, const char *name,
		     size_t len, bool prefix);
const char *domain_name_hint(struct compilation *c, const char *name);

#endif
