/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_ATOMS_H
#define XM_POLICY_ATOMS_H

/*
 * What one or two images say, as boxes: for each operation the entries of the index, each with its
 * principal and the requests and times that it matches.  Names become numbers in their alphabetical
 * order, of which only those places count where some rule tells names apart.  Only policy/ includes
 * this; for others there is prove.h.
 *
 * Principals are conjunctions of what the subject is; nothing ever asks that it is not something.  So
 * whatever is true of somebody by what a principal is granted is true already of who is just that: of
 * the smallest member of a principal only the entries of the principals that it implies are looked at.
 */

#include "policy/image_layout.h"
#include "policy/prove.h"
#include "policy/region.h"

#define ATOMS_ANY_USER UINT32_MAX
#define ATOMS_NOBODY UINT32_MAX /* a cube that is two users at once */
#define ATOMS_ALL_OPS XM_N_OPS
#define ATOMS_SELF_OPS (XM_N_OPS + 1)         /* those that world_depends() */
#define ATOMS_LAST_TIME INT64_C(253402300799) /* the end of the year 9999 */

/* The user, if it is a certain one, and of these groups. */
struct atoms_cube {
	uint32_t uid; /* or ATOMS_ANY_USER */
	uint32_t n;
	const uint32_t *gids; /* ascending */
};

#define ATOMS_ALLOW 0x01
#define ATOMS_FREE 0x02 /* an allow without a limit */
#define ATOMS_LOUD 0x04 /* an allow that is recorded */
#define ATOMS_DENY 0x08
#define ATOMS_LOUD_DENY 0x10 /* a deny that is recorded */
#define ATOMS_QUIET_DENY 0x20
#define ATOMS_LIMITED 0x40 /* an allow with a limit */
#define ATOMS_SILENT 0x80  /* an allow that is not recorded */

struct atoms_entry {
	uint32_t cube;
	uint32_t rule;
	uint32_t clause;
	uint32_t grant;
	uint32_t limit;
	uint8_t image; /* 0 or 1 */
	uint8_t classes;
	uint16_t n_boxes; /* 0: it can match nothing */
	const struct region_box *box;
};

/* The entries of one principal. */
struct atoms_holder {
	uint32_t cube;
	uint32_t first; /* of the entries of the operation */
	uint32_t n;
	/* Their boxes, tagged with the entry: made when they are first asked for. */
	bool indexed;
	struct region_index index;
};

struct atoms_op {
	struct world *world;
	unsigned int op;
	struct region_space space;
	struct atoms_entry *entry; /* by cube, then by image, rule and clause */
	uint32_t n;
	struct atoms_holder *holder; /* by cube */
	uint32_t n_holders;
	bool two_ports; /* the images tell ports differently */
};

struct atoms_cut;

struct world {
	struct arena arena;   /* what lasts */
	struct arena scratch; /* of the spaces */
	const struct policy_image *image[2];
	unsigned int n_images;
	int64_t now;
	uint32_t self;
	bool several; /* words are to say so where they mean it, since it may be another */
	uint64_t steps;
	uint64_t size;         /* entries, boxes, principals and values; at most PROVE_SIZE */
	struct atoms_cut *cut; /* ascending: where names are told apart */
	uint32_t n_cuts;
	struct buffer cubes;      /* struct atoms_cube */
	struct buffer cube_slots; /* uint32_t: open hash, number + 1 */
	struct buffer sets;       /* const struct region_set *: open hash */
	uint32_t n_sets;
	uint32_t stranger; /* a user that no policy names */
	uint32_t outside;  /* a group that none names */
	struct atoms_op op[XM_N_OPS];
};

/* Builds what the images (the second may be NULL) say about `op`, or all, or of all those that are not
 * said the same of every partition.  `req`, if not NULL, is one whose names are to be told from all
 * others.  `alike`, if not NULL, is what world_alike() says of the one image: of who is given just the same,
 * only the first in the file is in it, and what is true of one is true of the others.  `each_rule`: of
 * entries of one role that say the same, each; else only the first.  False: it would be too large, and
 * nothing is known; to be freed nevertheless. */
bool world_init(struct world *w, const struct policy_image *first,
		const struct policy_image *second, unsigned int op, uint32_t self, int64_t now,
		const struct xm_request *req, const bool *alike, bool each_rule);
void world_free(struct world *w);

/* Whether what rules and invariants say about an operation depends on which partition is the own. */
bool world_depends(const struct policy_image *image, unsigned int op);
/* The partitions that must be looked at, one after the other, as an array in the arena: one, if it is
 * known or does not matter.  Of all but the first, only ATOMS_SELF_OPS. */
uint32_t *world_selves(struct arena *arena, const struct policy_image *first,
		       const struct policy_image *second, uint32_t self, uint32_t *np);
int64_t world_now(const struct policy_image *first, const struct policy_image *second,
		  const struct prove_options *options);

/* ---- principals -------------------------------------------------------------------------------- */

const struct atoms_cube *world_cube(const struct world *w, uint32_t cube);
/* The number of a cube; `gids` in any order. */
uint32_t world_cube_of(struct world *w, uint32_t uid, const uint32_t *gids, uint32_t n);
uint32_t world_cube_of_grant(struct world *w, const struct policy_image *image,
			     const struct image_grant *grant);
/* Who is both; false: nobody. */
bool world_cube_and(struct world *w, uint32_t a, uint32_t b, uint32_t *cubep);
/* Whether who is `cube` is `weaker` too. */
bool world_cube_implies(const struct world *w, uint32_t cube, uint32_t weaker);
/* NULL: it has no entries. */
struct atoms_holder *atoms_find_holder(const struct atoms_op *o, uint32_t cube);

/* ---- boxes ------------------------------------------------------------------------------------- */

/* What constraints of an image say as boxes: `deny` says how what is undetermined counts.  In the
 * arena of the world. */
const struct region_box *atoms_boxes(struct atoms_op *o, unsigned int image, unsigned int covers,
				     uint32_t first_constraint, uint32_t n, bool deny,
				     uint32_t *np);
/* The box of just this request (what is fixed of it, or all if `fixed` is NULL). */
void atoms_request_box(struct atoms_op *o, const struct xm_request *req, const bool *fixed,
		       struct region_box *outp);
void atoms_time_box(struct atoms_op *o, struct policy_time time, struct region_box *box);
/* The one set that has these values. */
const struct region_set *world_intern(struct world *w, const struct region_set *set);

/* atoms_alike.c: of each slot of the index whether it is of somebody who is given just what one is who is
 * named before.  To be freed. */
bool *world_alike(const struct policy_image *image);

/* atoms_names.c: names as numbers. */
void world_init_names(struct world *w, const struct xm_request *req);
struct region_piece world_name_piece(const struct world *w, const struct image_name *name);
uint64_t world_name_number(const struct world *w, const void *name, size_t len);
const struct region_set *world_all_names(struct world *w);
/* A name with this number, readable if there is such a one; returns its length. */
uint32_t world_name(const struct world *w, uint64_t number, char name[XM_NAME_MAX + 1]);
/* What the numbers of a piece are, for words: "hk-*" or "attitude"; false: neither. */
bool world_name_pattern(const struct world *w, const struct region_piece *piece,
			struct image_name *outp);

/* atoms_space.c: which points there are. */
struct atoms_point {
	uint64_t value[REGION_DIMS];
	bool unknown[REGION_DIMS];
};
void atoms_init_space(struct atoms_op *o);
/* A point of the box, of values that the broker accepts where there are some. */
bool atoms_pick(const struct atoms_op *o, const struct region_box *box, struct atoms_point *outp);
unsigned int atoms_port_dim(const struct atoms_op *o, unsigned int image);

/* region_words.c */
/* What a box says, "" if it is everything. */
void atoms_words(struct text *t, const struct atoms_op *o, const struct region_box *box);
void atoms_cube_words(struct text *t, const struct world *w, uint32_t cube);
/* "2027-01-31T08:00:00Z" */
void atoms_time_words(struct text *t, int64_t time);

/* prove_witness.c: a request of the box by the smallest member of the cube; false if there is none. */
bool atoms_witness(const struct atoms_op *o, uint32_t cube, const struct region_box *box,
		   struct prove_witness *outp);

#endif
