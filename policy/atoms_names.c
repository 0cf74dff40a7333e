// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names as numbers.  In alphabetical order both a name and all names with a prefix are a range; cut at
 * the ends of all that the images name, names between two cuts are told apart by nobody and have one
 * number.  Owns the cuts.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/atoms.h"

/* What follows the bytes of a cut, in order: nothing, so that the name itself is the next; a byte below
 * all others, so that the name is the last before; one above all others. */
enum cut_kind { CUT_BEFORE = -1, CUT_AFTER = 0, CUT_END = 256 };

struct atoms_cut {
	uint8_t bytes[XM_NAME_MAX + 1];
	uint8_t len;
	int16_t kind;
};

static int at(const struct atoms_cut *cut, unsigned int i)
{
	return i < cut->len ? cut->bytes[i] : cut->kind;
}

static int compare(const void *a, const void *b)
{
	const struct atoms_cut *x = a, *y = b;

	for (unsigned int i = 0;; i++) {
		int p = at(x, i), q = at(y, i);

		if (p != q)
			return p < q ? -1 : 1;
		if (i == x->len || i == y->len)
			return 0;
	}
}

static struct atoms_cut cut_at(const void *name, size_t len, enum cut_kind kind)
{
	struct atoms_cut cut = { .len = (uint8_t)len, .kind = (int16_t)kind };

	if (len)
		memcpy(cut.bytes, name, len);
	return cut;
}

static void add(struct buffer *cuts, const void *name, size_t len, bool prefix)
{
	struct atoms_cut cut = cut_at(name, len, CUT_BEFORE);

	buffer_push(cuts, &cut, sizeof(cut));
	cut.kind = prefix ? CUT_END : CUT_AFTER;
	buffer_push(cuts, &cut, sizeof(cut));
}

static void add_image(struct buffer *cuts, const struct policy_image *image)
{
	const struct image_name *name = image_table(image, IMAGE_NAMES);

	for (uint32_t i = 0; i < image->table[IMAGE_NAMES].count; i++)
		add(cuts, name[i].bytes, name[i].len, name[i].prefix);
}

static void add_request(struct buffer *cuts, const struct xm_request *req)
{
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++) {
		const struct xm_value *v = &req->arg[i];

		if (xm_ops[req->op].args[i].type == XM_T_NAME && v->state == XM_ST_OK &&
		    v->len <= XM_NAME_MAX)
			add(cuts, v->data, v->len, false);
	}
}

void world_init_names(struct world *w, const struct xm_request *req)
{
	struct buffer cuts = { 0 };
	struct atoms_cut *cut;
	uint32_t kept = 0, n;

	add(&cuts, "", 0, true);
	for (unsigned int i = 0; i < w->n_images; i++)
		add_image(&cuts, w->image[i]);
	if (req)
		add_request(&cuts, req);
	cut = (void *)cuts.data;
	n = (uint32_t)BUFFER_N(&cuts, *cut);
	qsort(cut, n, sizeof(*cut), compare);
	for (uint32_t i = 1; i < n; i++)
		if (compare(&cut[i], &cut[kept]))
			cut[++kept] = cut[i];
	w->n_cuts = kept + 1;
	w->cut = arena_alloc(&w->arena, w->n_cuts * sizeof(*cut));
	memcpy(w->cut, cut, w->n_cuts * sizeof(*cut));
	buffer_free(&cuts);
}

/* The number of the last cut that is not above this one. */
static uint64_t find(const struct world *w, const struct atoms_cut *cut)
{
	uint32_t low = 0, high = w->n_cuts;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&w->cut[middle], cut) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

struct region_piece world_name_piece(const struct world *w, const struct image_name *name)
{
	struct atoms_cut from = cut_at(name->bytes, name->len, CUT_BEFORE);
	struct atoms_cut to = cut_at(name->bytes, name->len, name->prefix ? CUT_END : CUT_AFTER);

	return (struct region_piece){ .low = find(w, &from), .high = find(w, &to) - 1 };
}

uint64_t world_name_number(const struct world *w, const void *name, size_t len)
{
	struct atoms_cut cut = cut_at(name, len, CUT_BEFORE);

	return find(w, &cut);
}

/* ---- back -------------------------------------------------------------------------------------- */

static bool is_below(const struct world *w, const char *name, size_t len, uint64_t number)
{
	struct atoms_cut cut = cut_at(name, len, CUT_BEFORE);

	return find(w, &cut) == number;
}

/* The first name after all that begin with these bytes. */
static bool increment(char name[XM_NAME_MAX + 1], uint32_t *lenp)
{
	while (*lenp && (uint8_t)name[*lenp - 1] == UINT8_MAX)
		--*lenp;
	if (!*lenp)
		return false;
	name[*lenp - 1] = (char)(name[*lenp - 1] + 1);
	return true;
}

static bool first_name(const struct world *w, uint64_t number, char name[XM_NAME_MAX + 1],
		       uint32_t *lenp)
{
	const struct atoms_cut *cut = &w->cut[number];

	memcpy(name, cut->bytes, cut->len);
	*lenp = cut->len;
	if (cut->kind == CUT_BEFORE)
		return true;
	if (cut->kind == CUT_AFTER && cut->len < XM_NAME_MAX) {
		name[(*lenp)++] = 1;
		return is_below(w, name, *lenp, number);
	}
	return increment(name, lenp) && is_below(w, name, *lenp, number);
}

static bool try(const struct world *w, uint64_t number, const char *base, uint32_t len,
		const char *tail, char name[XM_NAME_MAX + 1])
{
	if (len + strlen(tail) > XM_NAME_MAX)
		return false;
	memmove(name, base, len);
	strcpy(name + len, tail);
	return is_below(w, name, len + strlen(tail), number);
}

/* A name that a person would write: the cut's own, or it with some letters after, or with another last
 * letter. */
static bool readable(const struct world *w, uint64_t number, char name[XM_NAME_MAX + 1])
{
	static const char letters[] =
		"zyxwvutsrqponmlkjihgfedcba9876543210ZYXWVUTSRQPONMLKJIHGFEDCBA-._";
	const struct atoms_cut *cut = &w->cut[number];
	char tail[3] = "";

	if (cut->kind == CUT_BEFORE && try(w, number, (const char *)cut->bytes, cut->len, "", name))
		return cut->len > 0;
	if (try(w, number, "", 0, "other", name))
		return true;
	for (uint32_t len = cut->len + 1; len--;)
		for (const char *c = letters; *c; c++) {
			tail[0] = *c;
			if (try(w, number, (const char *)cut->bytes, len, tail, name))
				return true;
		}
	return false;
}

uint32_t world_name(const struct world *w, uint64_t number, char name[XM_NAME_MAX + 1])
{
	uint32_t len;

	memset(name, 0, XM_NAME_MAX + 1);
	if (readable(w, number, name))
		return (uint32_t)strlen(name);
	memset(name, 0, XM_NAME_MAX + 1);
	first_name(w, number, name, &len);
	name[len] = '\0';
	return len;
}

/* Numbers that no name has are left out. */
const struct region_set *world_all_names(struct world *w)
{
	char name[XM_NAME_MAX + 1];
	struct buffer pieces = { 0 };
	const struct region_set *set;
	uint32_t len;

	for (uint64_t i = 0; i < w->n_cuts; i++)
		if (first_name(w, i, name, &len)) {
			struct region_piece piece = { .low = i, .high = i };

			buffer_push(&pieces, &piece, sizeof(piece));
		}
	set = region_set_of(&w->arena, (const void *)pieces.data,
			    (uint32_t)BUFFER_N(&pieces, struct region_piece), true);
	buffer_free(&pieces);
	return set;
}

bool world_name_pattern(const struct world *w, const struct region_piece *piece,
			struct image_name *outp)
{
	const struct atoms_cut *from = &w->cut[piece->low];
	struct atoms_cut to = *from;

	if (from->kind != CUT_BEFORE)
		return false;
	memset(outp, 0, sizeof(*outp));
	memcpy(outp->bytes, from->bytes, from->len);
	outp->len = from->len;
	to.kind = CUT_AFTER;
	if (piece->high + 1 == find(w, &to) && !compare(&w->cut[piece->high + 1], &to))
		return true;
	outp->prefix = 1;
	to.kind = CUT_END;
	return piece->high + 1 < w->n_cuts && !compare(&w->cut[piece->high + 1], &to);
}
