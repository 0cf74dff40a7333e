/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_IMAGE_H
#define XM_POLICY_IMAGE_H

/*
 * The compiled policy: one flat, position-independent, checksummed block in native byte order.  It
 * is made by the compiler process, sealed in a memfd, verified once by whoever maps it, and then
 * read only.  The layout of its sections is the business of policy/ alone (image_layout.h); others
 * use the functions here and in eval.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxm/core/mask.h"
#include "libxm/system/system.h"

#define POLICY_DIGEST 32 /* bytes: SHA-256 over the policy's sources and the system description */
#define POLICY_IMAGE_MAX (64u << 20)
/* Where the XM_MASK_BYTES of policy_image_mask() stand in every image, for who hands images on without
 * looking into them. */
#define POLICY_IMAGE_MASK_AT 72
#define POLICY_IMAGE_DIGEST_AT 40 /* and its digest */

struct policy_image; /* what a verified block points to */

/* What an image tells about itself. */
struct policy_about {
	uint8_t digest[POLICY_DIGEST];
	int64_t compiled_at; /* seconds since the epoch, UTC */
	uint32_t n_rules;
	uint32_t n_grants;
	uint32_t n_nevers; /* invariants that were proved */
};

/* How often each user may do what a rule allows: a bucket of `burst` tokens, full at first, into which
 * `count` come in `period` seconds. */
struct policy_limit {
	uint64_t key; /* stays the same from policy to policy as long as role and rule do */
	uint32_t rule;
	uint32_t count;
	uint32_t period;
	uint32_t burst;
};

/* A place in the policy's sources.  The strings live in the image. */
struct policy_source {
	const char *file; /* as given on the command line, or relative to the policy folder */
	uint32_t line;
	uint32_t column;
	const char *role;    /* "" if none */
	const char *because; /* "" if none */
};

/*
 * Checks `len` bytes at `block` (8-aligned): magic, version, size, checksum, and every offset, index
 * and string in them.  Returns the image, or NULL.  Never follows what it has not checked.
 */
const struct policy_image *policy_image_verify(const void *block, size_t len);

void policy_image_about(const struct policy_image *image, struct policy_about *aboutp);
/*
 * The hypercalls that this policy could ever have the broker make, for whomever: those that some allow
 * rule in force for somebody covers, those by means of which others are answered, and the few that tell
 * whether the system description is that of the hypervisor.
 */
void policy_image_mask(const struct policy_image *image, struct xm_mask *maskp);
/* The system description inside, verified; NULL if it was compiled without one (xmbroker-compiler
 * never does that). */
const struct system *policy_image_system(const struct policy_image *image);
/* Where rule `rule` (as in struct policy_decision) stands; false if there is no such rule. */
bool policy_image_source(const struct policy_image *image, uint32_t rule,
			 struct policy_source *sourcep);

/* Limits are numbered from 0 in the order of their keys. */
uint32_t policy_image_n_limits(const struct policy_image *image);
bool policy_image_limit(const struct policy_image *image, uint32_t n, struct policy_limit *limitp);
/* The number of the limit with this key; false: the policy has none. */
bool policy_image_find_limit(const struct policy_image *image, uint64_t key, uint32_t *np);

/*
 * Keeps, in place and sorted, only those of `n` group ids that some grant of the image names;
 * returns how many are left.  What the evaluator is given must be filtered so, once per session and
 * image.
 */
size_t policy_image_filter_groups(const struct policy_image *image, uint32_t *gids, size_t n);

#endif
