/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_IMAGE_LAYOUT_H
#define XM_POLICY_IMAGE_LAYOUT_H

/*
 * The sections of a policy image.  Only policy/ includes this.
 *
 * The hot path of a decision is INDEX (open hash by operation and principal: a slot for each role that
 * it has) -> ENTRIES (what the rules of one role do to one operation, denials first; all who have the
 * role share them).  An entry says itself, in a sieve for each constraint, most of what that says;
 * where it is not all, follow CONSTRAINTS -> TERMS -> INTERVALS, MASKS or NAMES.  A slot may hold at
 * certain times only (WHENS -> WINDOWS), and an entry for so many calls only (LIMITS).  RULES, CLAUSES, GRANTS and TEXT say where all that came from, for people.  NEVERS and what
 * belongs to them decide nothing: they say what was proved when the policy was compiled.
 */

#include "libxm/core/table.h"
#include "policy/eval.h"
#include "policy/image.h"

#define IMAGE_MAGIC 0x31504d58u /* "XMP1" */
#define IMAGE_VERSION 4
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
	IMAGE_GROUPS, /* uint32_t: the group ids that grants and invariants name, ascending */
	IMAGE_RULES,  /* in file order: the position is the number of the rule */
	IMAGE_CLAUSES,
	IMAGE_GRANTS,
	IMAGE_WHENS,
	IMAGE_WINDOWS,
	IMAGE_LIMITS, /* by key, ascending, none twice */
	IMAGE_NEVERS,
	IMAGE_NEVER_CLAUSES, /* struct image_clause, whose rule is the number of the invariant */
	IMAGE_EXCEPTS,       /* struct image_grant */
	IMAGE_TEXT,          /* bytes: strings, the first of them empty, the last byte a NUL */
	IMAGE_SYSTEM,        /* bytes: the system description, or nothing */
	IMAGE_N_TABLES
};

struct image_section {
	uint32_t
		offset; /* from the start of the image, 8-aligned; the compiler aligns to cache lines */
	uint32_t count; /* records */
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

/*
 * An empty slot has key 0.  The number of slots is a power of two and at least one is empty.  A principal
 * that has several roles has several slots, in any order, before the next empty one.
 */
struct image_slot {
	uint64_t key;
	uint32_t first; /* entry */
	uint16_t n_deny;
	uint16_t n_allow;
	uint16_t n_shadow; /* allows that never allow, after the others */
	uint16_t flags;
	uint32_t grant; /* the first that gives the role to this principal at these times */
};
#define IMAGE_SLOT_ALL 0x1  /* the subject must match all members of the grant */
#define IMAGE_SLOT_WHEN 0x2 /* only when the grant gives something.  Never with a deny */

/* Which requests of an operation that can stop the own partition a clause covers. */
#define IMAGE_COVERS_OTHERS 0x1
#define IMAGE_COVERS_SELF 0x2
#define IMAGE_COVERS_ALL 0x3

enum image_sieve_kind {
	IMAGE_SIEVE_NONE,
	IMAGE_SIEVE_RANGE, /* low to high of image_squeeze() */
	IMAGE_SIEVE_MASK,  /* the bits `low` are `high` */
	IMAGE_SIEVE_BITS,  /* 0 to 63: one bit each, `low` has the lower ones */
	IMAGE_SIEVE_NAME,  /* image_name_begins() is low to high */
};
#define IMAGE_SIEVES 3
#define IMAGE_SIEVE_NEGATED 0x1
#define IMAGE_SIEVE_SELF 0x2 /* or it is the own partition */

/* What must be true of an argument for a constraint to hold: all of it, or less. */
struct image_sieve {
	uint32_t low;
	uint32_t high;
	uint8_t kind;
	uint8_t width; /* enum image_width */
	uint8_t args;  /* the argument, and, shifted by 4, that with its number */
	uint8_t flags;
};

/* A cache line. */
struct image_entry {
	uint32_t rule;
	uint32_t first_constraint;
	uint32_t clause;
	uint32_t
		limit; /* in LIMITS; IMAGE_NONE: as often as one likes.  Only of an allow, not a shadow */
	uint8_t n_constraints;
	uint8_t covers;
	uint8_t audit; /* enum policy_audit */
	uint8_t shadow; /* the rule has observe_until: a deny denies from then on, an allow never allows */
	uint8_t exact; /* the sieves say all that the constraints do */
	uint8_t reserved[7];
	struct image_sieve sieve[IMAGE_SIEVES];
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
	uint32_t limit; /* in LIMITS, or IMAGE_NONE */
	uint32_t reserved2;
	int64_t observe_until; /* IMAGE_NO_TIME: it is no shadow */
};

/* Seconds since the epoch, UTC; none that a policy can write. */
#define IMAGE_NO_TIME INT64_MIN
#define IMAGE_END_OF_TIME INT64_MAX

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
	uint32_t when; /* in WHENS, or IMAGE_NONE */
};

/* When a grant gives something: from <= now < until, and, if there are windows, within one of them. */
struct image_when {
	int64_t from;  /* IMAGE_NO_TIME: since ever */
	int64_t until; /* IMAGE_END_OF_TIME: for ever; else excluded */
	uint32_t first_window;
	uint32_t n_windows; /* 0: at any hour */
};

/*
 * Of each of these days, the minutes from `start` up to, not including, `end`; what is beyond 1440 is
 * of the next day.  Days and minutes are those of a clock that is `offset` minutes ahead of UTC.
 */
struct image_window {
	uint8_t days; /* bit 0: Monday, ..., bit 6: Sunday; at least one */
	uint8_t reserved;
	uint16_t start; /* 0 to 1439 */
	uint16_t end;   /* start + 1 to start + 1440 */
	int16_t offset; /* -840 to 840 */
};
#define IMAGE_DAY_MINUTES 1440
#define IMAGE_ALL_DAYS 0x7f
#define IMAGE_OFFSET_MAX 840

/* `count` tokens in `period` seconds, at most `burst` at once, for each user. */
struct image_limit {
	uint64_t key; /* of the rule, the same in every policy that has it in the same role */
	uint32_t rule;
	uint32_t count;  /* 1 to IMAGE_LIMIT_MAX */
	uint32_t period; /* 1, 60, 3600 or 86400 */
	uint32_t burst;  /* 1 to IMAGE_LIMIT_MAX */
};
#define IMAGE_LIMIT_MAX 1000000

/*
 * An invariant: to whom none of the EXCEPTS applies is never allowed what the clauses cover.  They match
 * as those of a deny do: what a request does not determine counts as matching.
 */
struct image_never {
	uint32_t file;
	uint32_t line;
	uint32_t column;
	uint32_t because;
	uint32_t first_clause; /* in NEVER_CLAUSES */
	uint32_t n_clauses;
	uint32_t first_except;
	uint32_t n_excepts;
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

/* A number as match_number() has it, in 32 bits: those that are too far from 0 at the ends. */
static inline uint32_t image_squeeze(unsigned int width, uint64_t value)
{
	const uint64_t lowest = IMAGE_BIAS - (UINT64_C(1) << 31);

	if (width == IMAGE_S32 || width == IMAGE_S64)
		value = value < lowest ? 0 : value - lowest;
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* The first bytes of a name; `after` stands for those that it does not have. */
static inline uint32_t image_name_begins(const void *name, size_t len, uint8_t after)
{
	const uint8_t *byte = name;
	uint32_t begin = 0;

	for (size_t i = 0; i < 4; i++)
		begin = begin << 8 | (i < len ? byte[i] : after);
	return begin;
}

/* Where the constraints of an image are: not all of it is there while it is made. */
struct image_parts {
	const struct image_constraint *constraints;
	const struct image_term *terms;
	const struct image_interval *intervals;
	const struct image_mask *masks;
	const struct image_name *names;
};

/* Fills in sieves and `exact` of an entry by its constraints. */
void image_sieve_entry(struct image_entry *entry, const struct image_parts *parts);

/* Bytes of a record of each section. */
extern const uint32_t image_record_size[IMAGE_N_TABLES];

/* For the compiler: the two sums that policy_image_verify() compares. */
uint64_t image_checksum(const void *block, size_t len);
uint64_t image_vocabulary(void);
/* The hypercalls that the index can lead to; false: it is about an operation that is none. */
bool image_mask(const struct policy_image *image, struct xm_mask *maskp);

#endif
