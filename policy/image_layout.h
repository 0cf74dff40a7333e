/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_IMAGE_LAYOUT_H
#define XM_POLICY_IMAGE_LAYOUT_H

/*
 * The sections of a policy image.  Only policy/ includes this.
 *
 * The hot path of a decision is INDEX (open hash by operation and principal) -> ENTRIES (what a rule
 * does to one operation for one principal; denials first) -> CONSTRAINTS -> TERMS -> INTERVALS, MASKS
 * or NAMES.  RULES, CLAUSES, GRANTS and TEXT say where all that came from, for people.
 */

#include "libxm/core/table.h"
#include "policy/eval.h"
#include "policy/image.h"

#define IMAGE_MAGIC 0x31504d58u /* "XMP1" */
#define IMAGE_VERSION 2
#define IMAGE_NONE UINT32_MAX

enum image_table {
	IMAGE_INDEX,
	IMAGE_ENTRIES,
	IMAGE_CONSTRAINTS,
	IMAGE_TERMS,
	IMAGE_INTERVALS,
	IMAGE_MASKS,
	IMAGE_NAMES,
	IMAGE_MEMBERS,
	IMAGE_GROUPS, /* uint32_t: the group ids that grants name, ascending */
	IMAGE_RULES,  /* in file order: the position is the number of the rule */
	IMAGE_CLAUSES,
	IMAGE_GRANTS,
	IMAGE_TEXT,   /* bytes: strings, the first of them empty, the last byte a NUL */
	IMAGE_SYSTEM, /* bytes: the system description, or nothing */
	IMAGE_N_TABLES
};

struct image_section {
	uint32_t offset; /* from the start of the image, 8-aligned */
	uint32_t count;  /* records */
};

struct policy_image {
	uint32_t magic;
	uint32_t version;
	uint64_t checksum;   /* FNV-1a of the whole image with this field zero */
	uint64_t vocabulary; /* FNV-1a of the table of operations that it was compiled with */
	uint32_t size;
	uint32_t reserved;
	int64_t compiled_at;
	uint8_t digest[POLICY_DIGEST];
	struct xm_mask mask; /* what policy_image_mask() says, at POLICY_IMAGE_MASK_AT */
	struct image_section table[IMAGE_N_TABLES];
};

enum image_principal { IMAGE_USER = 1, IMAGE_GROUP = 2, IMAGE_EVERYONE = 3, IMAGE_ALL = 4 };

/* An empty slot has key 0.  The number of slots is a power of two and at least one is empty. */
struct image_slot {
	uint64_t key;
	uint32_t first; /* entry */
	uint32_t n_deny;
	uint32_t n_allow;
	uint32_t reserved;
};

/* Which requests of an operation that can stop the own partition a clause covers. */
#define IMAGE_COVERS_OTHERS 0x1
#define IMAGE_COVERS_SELF 0x2
#define IMAGE_COVERS_ALL 0x3

struct image_entry {
	uint32_t rule;
	uint32_t first_constraint;
	uint16_t n_constraints;
	uint8_t covers;
	uint8_t audit; /* enum policy_audit */
	uint32_t all;  /* the grant whose members the subject must all match; IMAGE_NONE: no more */
	uint32_t clause;
};

enum image_attribute {
	IMAGE_NUMBER,    /* the number in argument `arg` */
	IMAGE_LENGTH,    /* the length, in argument `length_arg`, of the buffer in `arg` */
	IMAGE_NAME,      /* the name in argument `arg` */
	IMAGE_PORT_NAME, /* the name of the port in argument 1 of the partition in argument 0 */
};

/* How wide a number is; one that does not fit is undetermined. */
enum image_width { IMAGE_U32, IMAGE_S32, IMAGE_U64, IMAGE_S64 };

/* Holds if one of its terms does. */
struct image_constraint {
	uint8_t attribute;
	uint8_t arg;
	uint8_t length_arg;
	uint8_t width;
	uint32_t first_term;
	uint32_t n_terms;
	uint32_t file; /* place of the constraint, its attribute and what it wants, as text */
	uint32_t line;
	uint32_t column;
	uint32_t name;
	uint32_t wanted;
};

/* Holds if the value is in one of the parts, or, if negated, in none. */
struct image_term {
	uint8_t negated;
	uint8_t self; /* the own partition is a part */
	uint16_t reserved;
	uint32_t first_interval; /* ascending, disjoint */
	uint32_t n_intervals;
	uint32_t first_mask;
	uint32_t n_masks;
	uint32_t first_name; /* ascending; none begins with a prefix that is also there */
	uint32_t n_names;
	uint32_t reserved2;
};

/* Both ends belong to it.  Signed numbers are biased by 2^63, so that all compare unsigned. */
struct image_interval {
	uint64_t low;
	uint64_t high;
};
#define IMAGE_BIAS (UINT64_C(1) << 63)

struct image_mask {
	uint64_t mask;
	uint64_t is;
};

struct image_name {
	char bytes[XM_NAME_MAX + 1];
	uint8_t len;
	uint8_t prefix; /* any name that begins so */
	uint8_t reserved[6];
};

struct image_member {
	uint32_t kind; /* IMAGE_USER or IMAGE_GROUP */
	uint32_t id;
};

struct image_rule {
	uint32_t file;
	uint32_t line;
	uint32_t column;
	uint32_t role;
	uint32_t because;
	uint32_t first_clause;
	uint32_t n_clauses;
	uint8_t effect; /* enum policy_effect */
	uint8_t audit;  /* enum policy_audit */
	uint16_t reserved;
};

/* What a rule says about one operation. */
struct image_clause {
	uint32_t rule;
	uint16_t op;
	uint8_t covers;
	uint8_t reserved;
	uint32_t first_constraint;
	uint32_t n_constraints;
};

struct image_grant {
	uint32_t kind; /* enum image_principal */
	uint32_t id;
	uint32_t first_member;
	uint32_t n_members;
	uint32_t text; /* the principal as written */
	uint32_t file;
	uint32_t line;
	uint32_t column;
};

static inline const void *image_table(const struct policy_image *image, enum image_table table)
{
	return (const uint8_t *)image + image->table[table].offset;
}

static inline uint64_t image_key(unsigned int op, enum image_principal kind, uint32_t id)
{
	return ((uint64_t)(op + 1) << 34) | ((uint64_t)kind << 32) | id;
}

/* The operation in a key; any number, if it is no good one. */
static inline unsigned int image_key_op(uint64_t key)
{
	return (unsigned int)(key >> 34) - 1;
}

static inline uint32_t image_hash(uint64_t key)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(key >> 32) ^ (uint32_t)(key >> 47);
}

#define IMAGE_FNV_BASIS UINT64_C(0xcbf29ce484222325)

static inline uint64_t image_fnv(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Bytes of a record of each section. */
extern const uint32_t image_record_size[IMAGE_N_TABLES];

/* For the compiler: the two sums that policy_image_verify() compares. */
uint64_t image_checksum(const void *block, size_t len);
uint64_t image_vocabulary(void);
/* The hypercalls that the index can lead to; false: it is about an operation that is none. */
bool image_mask(const struct policy_image *image, struct xm_mask *maskp);

#endif
