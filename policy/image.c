// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The compiled policy as a block of bytes: its sums, and what it tells about itself.  Owns nothing.  Must
 * never be asked about one that was not verified (image_verify.c), nor need a library: it is linked into
 * the server.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/image_layout.h"

const uint32_t image_record_size[IMAGE_N_TABLES] = {
	[IMAGE_INDEX] = sizeof(struct image_slot),
	[IMAGE_ENTRIES] = sizeof(struct image_entry),
	[IMAGE_CONSTRAINTS] = sizeof(struct image_constraint),
	[IMAGE_TERMS] = sizeof(struct image_term),
	[IMAGE_INTERVALS] = sizeof(struct image_interval),
	[IMAGE_MASKS] = sizeof(struct image_mask),
	[IMAGE_NAMES] = sizeof(struct image_name),
	[IMAGE_MEMBERS] = sizeof(struct image_member),
	[IMAGE_GROUPS] = sizeof(uint32_t),
	[IMAGE_RULES] = sizeof(struct image_rule),
	[IMAGE_CLAUSES] = sizeof(struct image_clause),
	[IMAGE_GRANTS] = sizeof(struct image_grant),
	[IMAGE_WHENS] = sizeof(struct image_when),
	[IMAGE_WINDOWS] = sizeof(struct image_window),
	[IMAGE_LIMITS] = sizeof(struct image_limit),
	[IMAGE_NEVERS] = sizeof(struct image_never),
	[IMAGE_NEVER_CLAUSES] = sizeof(struct image_clause),
	[IMAGE_EXCEPTS] = sizeof(struct image_grant),
	[IMAGE_TEXT] = 1,
	[IMAGE_SYSTEM] = 1,
};

/* ---- sums -------------------------------------------------------------------------------------- */

/* Eight bytes at a time: all clients wait while a reload is verified. */
uint64_t image_checksum(const void *block, size_t len)
{
	const size_t at = offsetof(struct policy_image, checksum) / sizeof(uint64_t);
	const uint64_t *word = block;
	uint64_t hash = IMAGE_FNV_BASIS;
	size_t n = len / sizeof(*word);

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ (i == at ? 0 : word[i])) * UINT64_C(0x100000001b3);
		hash ^= hash >> 32;
	}
	return image_fnv(hash, word + n, len % sizeof(*word));
}

static uint64_t sum_op(uint64_t hash, const struct xm_op *op)
{
	const uint32_t numbers[] = { op->wire, op->class, op->flags, op->n_args };

	hash = image_fnv(hash, op->name, strlen(op->name) + 1);
	hash = image_fnv(hash, numbers, sizeof(numbers));
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_arg *arg = &op->args[i];
		const uint32_t what[] = { arg->type, arg->domain, arg->ref };

		hash = image_fnv(hash, arg->name, strlen(arg->name) + 1);
		hash = image_fnv(hash, what, sizeof(what));
	}
	return hash;
}

uint64_t image_vocabulary(void)
{
	uint64_t hash = IMAGE_FNV_BASIS;

	for (unsigned int i = 0; i < XM_N_OPS; i++)
		hash = sum_op(hash, &xm_ops[i]);
	return hash;
}

/* ---- what can be called ------------------------------------------------------------------------- */

_Static_assert(offsetof(struct policy_image, mask) == POLICY_IMAGE_MASK_AT, "as image.h says");
_Static_assert(offsetof(struct policy_image, digest) == POLICY_IMAGE_DIGEST_AT, "as image.h says");

bool image_mask(const struct policy_image *image, struct xm_mask *maskp)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);

	/* By which the description is compared with the hypervisor; none changes anything. */
	static const unsigned int always[] = {
		XM_OP_GET_GID_BY_NAME,
		XM_OP_GET_PLAN_STATUS,
		XM_OP_GET_SAMPLING_PORT_INFO,
		XM_OP_GET_QUEUING_PORT_INFO,
	};

	memset(maskp, 0, sizeof(*maskp));
	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		unsigned int op = image_key_op(slot->key);

		if (!slot->key)
			continue;
		if (op >= XM_N_OPS)
			return false;
		if (slot->n_allow)
			xm_mask_add_call(maskp, op);
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		xm_mask_add(maskp, always[i]);
	return true;
}

/* ---- questions --------------------------------------------------------------------------------- */

static uint32_t count(const struct policy_image *image, enum image_table table)
{
	return image->table[table].count;
}

void policy_image_about(const struct policy_image *image, struct policy_about *aboutp)
{
	memcpy(aboutp->digest, image->digest, sizeof(aboutp->digest));
	aboutp->compiled_at = image->compiled_at;
	aboutp->n_rules = count(image, IMAGE_RULES);
	aboutp->n_grants = count(image, IMAGE_GRANTS);
	aboutp->n_nevers = count(image, IMAGE_NEVERS);
}

void policy_image_mask(const struct policy_image *image, struct xm_mask *maskp)
{
	*maskp = image->mask;
}

const struct system *policy_image_system(const struct policy_image *image)
{
	return count(image, IMAGE_SYSTEM) ? image_table(image, IMAGE_SYSTEM) : NULL;
}

bool policy_image_source(const struct policy_image *image, uint32_t rule,
			 struct policy_source *sourcep)
{
	const struct image_rule *r = image_table(image, IMAGE_RULES);
	const char *text = image_table(image, IMAGE_TEXT);

	if (rule >= count(image, IMAGE_RULES))
		return false;
	r += rule;
	sourcep->file = text + r->file;
	sourcep->line = r->line;
	sourcep->column = r->column;
	sourcep->role = text + r->role;
	sourcep->because = text + r->because;
	return true;
}

uint32_t policy_image_n_limits(const struct policy_image *image)
{
	return count(image, IMAGE_LIMITS);
}

bool policy_image_limit(const struct policy_image *image, uint32_t n, struct policy_limit *limitp)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);

	if (n >= count(image, IMAGE_LIMITS))
		return false;
	l += n;
	*limitp = (struct policy_limit){ l->key, l->rule, l->count, l->period, l->burst };
	return true;
}

static int compare_limit(const void *key, const void *element)
{
	uint64_t a = *(const uint64_t *)key, b = ((const struct image_limit *)element)->key;

	return a < b ? -1 : a > b;
}

bool policy_image_find_limit(const struct policy_image *image, uint64_t key, uint32_t *np)
{
	const struct image_limit *all = image_table(image, IMAGE_LIMITS);
	const struct image_limit *found =
		bsearch(&key, all, count(image, IMAGE_LIMITS), sizeof(*all), compare_limit);

	if (found)
		*np = (uint32_t)(found - all);
	return found;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool names_group(const struct policy_image *image, uint32_t gid)
{
	return bsearch(&gid, image_table(image, IMAGE_GROUPS), count(image, IMAGE_GROUPS),
		       sizeof(gid), compare_ids) != NULL;
}

/* Puts `gid` into its place among the first `n`, which are sorted, unless it is there; returns the new
 * number.  Not qsort(): for a long list that asks for the size of the machine, which is forbidden
 * where sessions are opened.  What comes is sorted as a rule, and then nothing moves. */
static size_t insert_group(uint32_t *gids, size_t n, uint32_t gid)
{
	size_t at = n;

	while (at && gids[at - 1] > gid)
		at--;
	if (at && gids[at - 1] == gid)
		return n;
	for (size_t i = n; i > at; i--)
		gids[i] = gids[i - 1];
	gids[at] = gid;
	return n + 1;
}

size_t policy_image_filter_groups(const struct policy_image *image, uint32_t *gids, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (names_group(image, gids[i]))
			kept = insert_group(gids, kept, gids[i]);
	return kept;
}
