// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Users, and groups, of whom a policy says just the same: to exchange two of them changes nothing, so that
 * what is proved of one holds for the other.  Must never take two for alike of whom anything is said that
 * is not said of both: whoever is also a part of a principal of several things is like nobody else.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/atoms.h"

/* One thing that is said of a principal: a slot, or that an invariant excepts it. */
struct saying {
	uint64_t who; /* kind and id */
	uint64_t own; /* the same, of whom none is like; else 0 */
	uint32_t op;  /* or EXCEPTED */
	uint32_t first;
	uint32_t n[4]; /* denials, allows, shadows, flags */
	uint32_t when;
	uint32_t slot;
};

#define EXCEPTED UINT32_MAX

/* All that is said of one. */
struct person {
	const struct policy_image *image;
	const struct saying *said;
	size_t n;
	uint32_t rank; /* the place of its first grant */
};

struct finder {
	const struct policy_image *image;
	struct buffer members; /* uint64_t, ascending: who is a part of others */
	struct buffer sayings;
	struct buffer people; /* struct person */
};

static uint64_t who_of(uint32_t kind, uint32_t id)
{
	return ((uint64_t)kind << 32) | id;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(struct buffer *buffer, size_t size, int (*compare)(const void *a, const void *b))
{
	if (buffer->len)
		qsort(buffer->data, buffer->len / size, size, compare);
}

static void find_members(struct finder *f, enum image_table grants)
{
	const struct image_member *member = image_table(f->image, IMAGE_MEMBERS);
	const struct image_grant *g = image_table(f->image, grants);

	for (uint32_t i = 0; i < f->image->table[grants].count; i++)
		for (uint32_t j = 0; g[i].kind == IMAGE_ALL && j < g[i].n_members; j++) {
			const struct image_member *m = &member[g[i].first_member + j];
			uint64_t who = who_of(m->kind, m->id);

			buffer_push(&f->members, &who, sizeof(who));
		}
}

static void add_saying(struct finder *f, struct saying said)
{
	if (f->members.len && bsearch(&said.who, f->members.data, BUFFER_N(&f->members, uint64_t),
				      sizeof(uint64_t), by_number))
		said.own = said.who;
	buffer_push(&f->sayings, &said, sizeof(said));
}

/* ---- what is said -------------------------------------------------------------------------------- */

static void find_slots(struct finder *f)
{
	const struct image_slot *slot = image_table(f->image, IMAGE_INDEX);
	const struct image_grant *grants = image_table(f->image, IMAGE_GRANTS);

	for (uint32_t i = 0; i < f->image->table[IMAGE_INDEX].count; i++, slot++) {
		uint32_t kind = (uint32_t)(slot->key >> 32) & 3;

		if (!slot->key || (slot->flags & IMAGE_SLOT_ALL) || kind == IMAGE_EVERYONE)
			continue;
		add_saying(
			f,
			(struct saying){
				.who = who_of(kind, (uint32_t)slot->key),
				.op = image_key_op(slot->key),
				.first = slot->first,
				.n = { slot->n_deny, slot->n_allow, slot->n_shadow, slot->flags },
				.when = slot->flags & IMAGE_SLOT_WHEN ? grants[slot->grant].when
								      : IMAGE_NONE,
				.slot = i,
			});
	}
}

static void find_excepts(struct finder *f)
{
	const struct image_never *never = image_table(f->image, IMAGE_NEVERS);
	const struct image_grant *except = image_table(f->image, IMAGE_EXCEPTS);

	for (uint32_t i = 0; i < f->image->table[IMAGE_NEVERS].count; i++)
		for (uint32_t j = 0; j < never[i].n_excepts; j++) {
			const struct image_grant *x = &except[never[i].first_except + j];

			if (x->kind == IMAGE_USER || x->kind == IMAGE_GROUP)
				add_saying(f, (struct saying){ .who = who_of(x->kind, x->id),
							       .op = EXCEPTED,
							       .first = i,
							       .when = IMAGE_NONE,
							       .slot = IMAGE_NONE });
		}
}

/* ---- order --------------------------------------------------------------------------------------- */

static int compare_whens(const struct policy_image *image, uint32_t a, uint32_t b)
{
	const struct image_when *when = image_table(image, IMAGE_WHENS);
	const struct image_window *window = image_table(image, IMAGE_WINDOWS);
	const struct image_when *x = &when[a], *y = &when[b];

	if (a == b)
		return 0;
	if (a == IMAGE_NONE || b == IMAGE_NONE)
		return a < b ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->until != y->until)
		return x->until < y->until ? -1 : 1;
	if (x->n_windows != y->n_windows)
		return x->n_windows < y->n_windows ? -1 : 1;
	return x->n_windows ? memcmp(&window[x->first_window], &window[y->first_window],
				     x->n_windows * sizeof(*window))
			    : 0;
}

static int compare_sayings(const struct policy_image *image, const struct saying *x,
			   const struct saying *y)
{
	if (x->own != y->own)
		return x->own < y->own ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	for (unsigned int i = 0; i < 4; i++)
		if (x->n[i] != y->n[i])
			return x->n[i] < y->n[i] ? -1 : 1;
	return compare_whens(image, x->when, y->when);
}

static int by_who(const void *a, const void *b, void *image)
{
	const struct saying *x = a, *y = b;

	if (x->who != y->who)
		return x->who < y->who ? -1 : 1;
	return compare_sayings(image, x, y);
}

/* Users are not like groups. */
static int compare_people(const struct person *x, const struct person *y)
{
	uint64_t kind = x->said->who >> 32, other = y->said->who >> 32;

	if (kind != other)
		return kind < other ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (size_t i = 0; i < x->n; i++) {
		int order = compare_sayings(x->image, &x->said[i], &y->said[i]);

		if (order)
			return order;
	}
	return 0;
}

static int by_saying(const void *a, const void *b)
{
	const struct person *x = a, *y = b;
	int order = compare_people(x, y);

	return order ? order : x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* ---- people -------------------------------------------------------------------------------------- */

static void find_people(struct finder *f)
{
	size_t n = BUFFER_N(&f->sayings, struct saying);
	const struct saying *said = (const void *)f->sayings.data;

	for (size_t i = 0, end; i < n; i = end) {
		struct person person = { f->image, &said[i], 0, UINT32_MAX };

		for (end = i; end < n && said[end].who == said[i].who; end++)
			;
		person.n = end - i;
		buffer_push(&f->people, &person, sizeof(person));
	}
}

static struct person *person_of(struct finder *f, uint64_t who)
{
	struct person *person = (void *)f->people.data;
	size_t low = 0, high = BUFFER_N(&f->people, *person);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (person[middle].said->who < who)
			low = middle + 1;
		else
			high = middle;
	}
	return low < BUFFER_N(&f->people, *person) && person[low].said->who == who ? &person[low]
										   : NULL;
}

static void rank_people(struct finder *f)
{
	const struct image_grant *grant = image_table(f->image, IMAGE_GRANTS);

	for (uint32_t i = f->image->table[IMAGE_GRANTS].count; i--;) {
		struct person *person = person_of(f, who_of(grant[i].kind, grant[i].id));

		if (person && (grant[i].kind == IMAGE_USER || grant[i].kind == IMAGE_GROUP))
			person->rank = i;
	}
}

bool *world_alike(const struct policy_image *image)
{
	bool *alike = calloc(image->table[IMAGE_INDEX].count + 1, sizeof(*alike));
	struct finder f = { .image = image };
	const struct person *person;

	if (!alike)
		abort();
	find_members(&f, IMAGE_GRANTS);
	find_members(&f, IMAGE_EXCEPTS);
	sort(&f.members, sizeof(uint64_t), by_number);
	find_slots(&f);
	find_excepts(&f);
	if (f.sayings.len)
		qsort_r(f.sayings.data, BUFFER_N(&f.sayings, struct saying), sizeof(struct saying),
			by_who, (void *)(uintptr_t)image);
	find_people(&f);
	rank_people(&f);
	sort(&f.people, sizeof(*person), by_saying);
	person = (const void *)f.people.data;
	for (size_t i = 1; i < BUFFER_N(&f.people, *person); i++)
		for (size_t j = 0; !compare_people(&person[i - 1], &person[i]) && j < person[i].n;
		     j++)
			if (person[i].said[j].slot != IMAGE_NONE)
				alike[person[i].said[j].slot] = true;
	buffer_free(&f.members);
	buffer_free(&f.sayings);
	buffer_free(&f.people);
	return alike;
}
