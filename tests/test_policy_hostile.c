// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Images of somebody who can compute the checksum: whatever refers beyond a table, or makes the server
 * calculate beyond its numbers, is refused; what is taken is harmless to decide and to explain with.
 */

#include <stddef.h>

#include "policy/explain.h"
#include "policy/image_layout.h"
#include "tests/policy/helper.h"

static const char policy[] =
	PREAMBLE "roles:\n"
		 "  r:\n"
		 "    - allow: XM_get_time\n"
		 "      limit: {rate: 6/min, burst: 2}\n"
		 "      because: b\n"
		 "    - allow: \"@status\"\n"
		 "      limit: {rate: 1/d}\n"
		 "    - allow: \"@console\"\n"
		 "      observe_until: 2100-01-01\n"
		 "    - allow: [XM_create_sampling_port, XM_read_sampling_message]\n"
		 "      where: {portName: [attitude, \"hk-*\"]}\n"
		 "    - allow: XM_reset_partition\n"
		 "      where: {partitionId: payload, status: [1, 5..9, 200]}\n"
		 "  d:\n"
		 "    - deny: XM_get_time\n"
		 "      observe_until: 2100-01-01\n"
		 "      where: {clock: 1}\n"
		 "grants:\n"
		 "  - {to: everyone, roles: d}\n"
		 "  - {to: everyone, roles: r, from: 2027-01-01, hours: \"22:00-06:00\", days: "
		 "[fri], offset: "
		 "\"-14:00\"}\n"
		 "  - {to: {all: [\"group:7\", \"group:9\"]}, roles: r, until: 2100-01-01, days: "
		 "[mon-sun]}\n"
		 "never:\n"
		 "  - {calls: XM_halt_system, except: [\"group:3\", {all: [\"user:1\", "
		 "\"group:5\"]}], because: c}\n"
		 "  - {calls: XM_reset_partition, where: {partitionId: camera}}\n";

static struct compiled base;
static uint8_t *copy;

static void setup(void)
{
	base = compile_good(policy);
	copy = malloc(base.len);
	memcpy(copy, base.block, base.len);
}

static void teardown(void)
{
	free(copy);
	compiled_free(&base);
}

TestSuite(policy_hostile, .init = setup, .fini = teardown);

static void *record(enum image_table table, size_t n)
{
	const struct policy_image *image = (const void *)copy;

	cr_assert_lt(n, image->table[table].count);
	return copy + image->table[table].offset + n * image_record_size[table];
}

static const struct policy_image *verify(void)
{
	((struct policy_image *)(void *)copy)->checksum = image_checksum(copy, base.len);
	return policy_image_verify(copy, base.len);
}

/* With this value in a field of a record it must be refused. */
#define REFUSED(table, type, field, value)                                                         \
	do {                                                                                       \
		type *r = record(table, 0);                                                        \
		type kept = *r;                                                                    \
		cr_expect_not_null(verify());                                                      \
		r->field = (__typeof__(r->field))(value);                                          \
		cr_expect_null(verify(), #table " " #field " " #value);                            \
		*r = kept;                                                                         \
	} while (0)

static uint32_t count(enum image_table table)
{
	return ((const struct policy_image *)(const void *)copy)->table[table].count;
}

Test(policy_hostile, entries)
{
	REFUSED(IMAGE_ENTRIES, struct image_entry, limit, count(IMAGE_LIMITS));
	REFUSED(IMAGE_ENTRIES, struct image_entry, shadow, 2);
	REFUSED(IMAGE_ENTRIES, struct image_entry, n_constraints, 255);
	REFUSED(IMAGE_RULES, struct image_rule, limit, count(IMAGE_LIMITS));
	REFUSED(IMAGE_GRANTS, struct image_grant, when, count(IMAGE_WHENS));
}

/* What is explained and proved of a rule is what is decided by it. */
Test(policy_hostile, entries_are_what_their_rules_say)
{
	REFUSED(IMAGE_ENTRIES, struct image_entry, rule, r->rule + 1);
	REFUSED(IMAGE_ENTRIES, struct image_entry, clause, r->clause + 1);
	REFUSED(IMAGE_ENTRIES, struct image_entry, covers, r->covers ^ IMAGE_COVERS_SELF);
	REFUSED(IMAGE_ENTRIES, struct image_entry, audit, !r->audit);
	REFUSED(IMAGE_ENTRIES, struct image_entry, shadow, !r->shadow);
	REFUSED(IMAGE_ENTRIES, struct image_entry, limit, r->limit == IMAGE_NONE ? 0 : IMAGE_NONE);
	REFUSED(IMAGE_ENTRIES, struct image_entry, n_constraints, !r->n_constraints);
}

/* By somebody who makes the sieves anew, too. */
static const struct policy_image *verify_with_sieves(void)
{
	const struct image_parts parts = {
		.constraints = record(IMAGE_CONSTRAINTS, 0),
		.terms = record(IMAGE_TERMS, 0),
		.intervals = record(IMAGE_INTERVALS, 0),
		.masks = (const void *)(copy + base.image->table[IMAGE_MASKS].offset),
		.names = record(IMAGE_NAMES, 0),
	};

	for (uint32_t i = 0; i < count(IMAGE_ENTRIES); i++)
		image_sieve_entry(record(IMAGE_ENTRIES, i), &parts);
	return verify();
}

/* Searched by halves: what is out of order would not be found, in a deny neither. */
Test(policy_hostile, numbers_out_of_order)
{
	struct image_term *term = record(IMAGE_TERMS, 0);
	struct image_interval *interval, one;

	while (term->n_intervals != 3)
		term++;
	interval = record(IMAGE_INTERVALS, term->first_interval);
	one = interval[1];
	cr_expect_not_null(verify_with_sieves());
	interval[1] = interval[2];
	interval[2] = one;
	cr_expect_null(verify_with_sieves());
	interval[2] = interval[1];
	interval[1] = (struct image_interval){ 5, 200 };
	cr_expect_null(verify_with_sieves());
	interval[1] = one;
	term->first_interval++;
	term->n_intervals--;
	cr_expect_null(verify_with_sieves(), "a part that is of no term");
	term->first_interval--;
	term->n_intervals++;
	cr_expect_not_null(verify_with_sieves());
}

Test(policy_hostile, names_out_of_order)
{
	struct image_name *name = record(IMAGE_NAMES, 0), kept[2];

	cr_assert_eq(count(IMAGE_NAMES), 2);
	memcpy(kept, name, sizeof(kept));
	cr_expect_not_null(verify_with_sieves());
	name[0] = kept[1];
	name[1] = kept[0];
	cr_expect_null(verify_with_sieves());
	name[0] = name[1];
	cr_expect_null(verify_with_sieves(), "twice");
	name[0] = kept[1];
	name[0].len = 1;
	name[1] = kept[1];
	cr_expect_null(verify_with_sieves(), "h* before hk-*");
	name[0].prefix = 0;
	cr_expect_not_null(verify_with_sieves(), "h before hk-*");
}

/* The number of a slot that is used. */
static uint32_t used_slot(void)
{
	uint32_t n = 0;

	while (!((struct image_slot *)(void *)record(IMAGE_INDEX, n))->key)
		n++;
	return n;
}

#define SLOT_REFUSED(field, value)                                                                 \
	do {                                                                                       \
		struct image_slot *r = (void *)record(IMAGE_INDEX, used_slot());                   \
		struct image_slot kept = *r;                                                       \
		cr_expect_not_null(verify());                                                      \
		r->field = (__typeof__(r->field))(value);                                          \
		cr_expect_null(verify(), "slot " #field " " #value);                               \
		*r = kept;                                                                         \
	} while (0)

Test(policy_hostile, slots)
{
	SLOT_REFUSED(n_shadow, count(IMAGE_ENTRIES) + 1);
	SLOT_REFUSED(n_deny, UINT16_MAX);
	SLOT_REFUSED(first, count(IMAGE_ENTRIES) + 1);
	SLOT_REFUSED(first, UINT32_MAX);
	SLOT_REFUSED(flags, 4);
	SLOT_REFUSED(grant, count(IMAGE_GRANTS));
	SLOT_REFUSED(grant, IMAGE_NONE);
	SLOT_REFUSED(flags, r->flags ^ IMAGE_SLOT_ALL);
	SLOT_REFUSED(flags, r->flags ^ IMAGE_SLOT_WHEN);
	REFUSED(IMAGE_GRANTS, struct image_grant, kind, IMAGE_USER);
	REFUSED(IMAGE_GRANTS, struct image_grant, id, 1);
	REFUSED(IMAGE_MEMBERS, struct image_member, id, 8);
}

/* One that stands where nobody looks denies nothing. */
Test(policy_hostile, slots_that_are_not_found)
{
	struct image_slot *slot = record(IMAGE_INDEX, 0), kept;
	uint32_t n = count(IMAGE_INDEX), moved = 0;

	cr_expect_not_null(verify());
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; slot[i].key && j < n; j++) {
			uint32_t home = image_hash(slot[i].key) & (n - 1);

			/* From the place of its own to behind an empty one. */
			if (slot[j].key || home != i || slot[(i + 1) & (n - 1)].key)
				continue;
			if (((j - i) & (n - 1)) < 2)
				continue;
			kept = slot[i];
			slot[j] = kept;
			memset(&slot[i], 0, sizeof(*slot));
			cr_expect_null(verify());
			slot[i] = kept;
			memset(&slot[j], 0, sizeof(*slot));
			moved++;
		}
	cr_expect(moved);
	cr_expect_not_null(verify());
}

/* Its end would allow something. */
Test(policy_hostile, a_deny_for_a_time)
{
	struct image_grant *grant = record(IMAGE_GRANTS, 0);
	struct image_slot *slot = record(IMAGE_INDEX, 0);

	while (!slot->key || !slot->n_deny)
		slot++;
	cr_assert_eq(slot->grant, 0);
	grant->when = 0;
	slot->flags = IMAGE_SLOT_WHEN;
	cr_expect_null(verify());
	grant->when = IMAGE_NONE;
	slot->flags = 0;
	cr_expect_not_null(verify());
}

/* What a sieve says must be what the constraint says, which is what is explained and proved. */
Test(policy_hostile, sieves)
{
	struct image_entry *entry = NULL;

	for (uint32_t i = 0; !entry; i++) {
		entry = (void *)record(IMAGE_ENTRIES, i);
		if (!entry->exact || entry->sieve[0].kind != IMAGE_SIEVE_RANGE)
			entry = NULL;
	}
	cr_expect_not_null(verify());
	entry->sieve[0].high++;
	cr_expect_null(verify());
	entry->sieve[0].high--;
	entry->sieve[0].kind = IMAGE_SIEVE_NONE;
	cr_expect_null(verify());
	entry->sieve[0].kind = IMAGE_SIEVE_RANGE;
	entry->sieve[0].args |= 0xf;
	cr_expect_null(verify());
	entry->sieve[0].args &= 0xf0;
	entry->exact = 0;
	cr_expect_null(verify());
}

Test(policy_hostile, times)
{
	REFUSED(IMAGE_WHENS, struct image_when, first_window, count(IMAGE_WINDOWS));
	REFUSED(IMAGE_WHENS, struct image_when, n_windows, UINT32_MAX);
	REFUSED(IMAGE_WINDOWS, struct image_window, days, 0);
	REFUSED(IMAGE_WINDOWS, struct image_window, days, 0x80);
	REFUSED(IMAGE_WINDOWS, struct image_window, start, 1440);
	REFUSED(IMAGE_WINDOWS, struct image_window, end, 0);
	REFUSED(IMAGE_WINDOWS, struct image_window, end, 22 * 60);
	REFUSED(IMAGE_WINDOWS, struct image_window, end, 22 * 60 + 1441);
	REFUSED(IMAGE_WINDOWS, struct image_window, end, 65535);
	REFUSED(IMAGE_WINDOWS, struct image_window, offset, 841);
	REFUSED(IMAGE_WINDOWS, struct image_window, offset, -841);
	REFUSED(IMAGE_WINDOWS, struct image_window, offset, INT16_MIN);
}

Test(policy_hostile, limits)
{
	struct image_limit *second = record(IMAGE_LIMITS, 1);

	REFUSED(IMAGE_LIMITS, struct image_limit, rule, count(IMAGE_RULES));
	REFUSED(IMAGE_LIMITS, struct image_limit, count, 0);
	REFUSED(IMAGE_LIMITS, struct image_limit, count, 1000001);
	REFUSED(IMAGE_LIMITS, struct image_limit, burst, 0);
	REFUSED(IMAGE_LIMITS, struct image_limit, burst, UINT32_MAX);
	REFUSED(IMAGE_LIMITS, struct image_limit, period, 0);
	REFUSED(IMAGE_LIMITS, struct image_limit, period, 61);
	REFUSED(IMAGE_LIMITS, struct image_limit, key, second->key);
	REFUSED(IMAGE_LIMITS, struct image_limit, key, UINT64_MAX);
	REFUSED(IMAGE_RULES, struct image_rule, limit, IMAGE_NONE);
	REFUSED(IMAGE_RULES, struct image_rule, effect, POLICY_DENY);
	REFUSED(IMAGE_RULES, struct image_rule, observe_until, 0);
}

Test(policy_hostile, invariants)
{
	REFUSED(IMAGE_NEVERS, struct image_never, file, count(IMAGE_TEXT));
	REFUSED(IMAGE_NEVERS, struct image_never, because, UINT32_MAX);
	REFUSED(IMAGE_NEVERS, struct image_never, first_clause, count(IMAGE_NEVER_CLAUSES));
	REFUSED(IMAGE_NEVERS, struct image_never, n_clauses, UINT32_MAX);
	REFUSED(IMAGE_NEVERS, struct image_never, first_except, count(IMAGE_EXCEPTS));
	REFUSED(IMAGE_NEVERS, struct image_never, n_excepts, 3);
	REFUSED(IMAGE_NEVER_CLAUSES, struct image_clause, rule, count(IMAGE_NEVERS));
	REFUSED(IMAGE_NEVER_CLAUSES, struct image_clause, op, XM_N_OPS);
	REFUSED(IMAGE_NEVER_CLAUSES, struct image_clause, n_constraints, UINT32_MAX);
	REFUSED(IMAGE_EXCEPTS, struct image_grant, kind, 0);
	REFUSED(IMAGE_EXCEPTS, struct image_grant, kind, 5);
	REFUSED(IMAGE_EXCEPTS, struct image_grant, n_members, UINT32_MAX);
	REFUSED(IMAGE_EXCEPTS, struct image_grant, text, count(IMAGE_TEXT));
	REFUSED(IMAGE_EXCEPTS, struct image_grant, when, count(IMAGE_WHENS));
}

Test(policy_hostile, sections)
{
	struct policy_image *header = (void *)copy;

	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++) {
		struct image_section kept = header->table[i];

		header->table[i].count = (uint32_t)base.len;
		cr_expect_null(verify(), "table %u", i);
		header->table[i] = kept;
		header->table[i].offset = (uint32_t)base.len + 8;
		if (kept.count)
			cr_expect_null(verify(), "table %u", i);
		header->table[i] = kept;
	}
	header->version = 2;
	cr_expect_null(verify());
}

static void use(const struct policy_image *image)
{
	static const int64_t times[] = { INT64_MIN, -1, 1800000000, 4102444800, INT64_MAX };
	static struct explanation e;
	uint32_t gids[] = { 9, 7, 3 }, empty[] = { 0, 1 };
	const struct policy_buckets buckets = { empty, 2 };
	struct policy_subject subject = { .uid = 1, .gids = gids };
	struct policy_limit limit;
	uint32_t n;

	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, 3);
	for (unsigned int i = 0; i < 2 * sizeof(times) / sizeof(times[0]); i++) {
		const struct policy_time time = { times[i / 2], i & 1 };

		for (unsigned int op = 0; op < XM_N_OPS; op++) {
			struct xm_request req = { .op = op };

			policy_decide(image, &subject, &req, 0, time, &buckets);
			if (!op)
				policy_explain(image, &subject, &req, 0, time, &e);
		}
	}
	for (uint32_t i = 0; policy_image_limit(image, i, &limit); i++)
		policy_image_find_limit(image, limit.key, &n);
}

Test(policy_hostile, flipped_with_a_good_checksum_is_harmless)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	uint32_t system = ((struct policy_image *)(void *)copy)->table[IMAGE_SYSTEM].offset;

	/* The system description is another test's. */
	for (size_t i = 0; i < system; i++)
		for (size_t f = 0; f < sizeof(flips); f++) {
			const struct policy_image *image;

			copy[i] ^= flips[f];
			image = verify();
			if (image)
				use(image);
			copy[i] ^= flips[f];
		}
}
