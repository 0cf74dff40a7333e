// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs for a broker whose partition is not known, without a system description: each partition that
 * there can be must be like one that is looked at.  And that many principals, and many partitions, are
 * looked at together, or not at all.
 */

#include "policy/atoms.h"
#include "tests/policy/proof.h"

static const struct prove_options anywhere = { .now = NOW, .self = PROVE_ANY_PARTITION };

static char policy[1 << 20];
static size_t policy_len;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	policy_len +=
		(size_t)vsnprintf(policy + policy_len, sizeof(policy) - policy_len, format, args);
	va_end(args);
	cr_assert_lt(policy_len, sizeof(policy));
}

static void begin(void)
{
	policy_len = 0;
	add("version: 1\nroles:\n  r:\n");
}

/* ---- like one that is looked at ------------------------------------------------------------------ */

#define POLICIES 60

static uint64_t state;

static unsigned int dice(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 33) % n;
}

static void add_value(void)
{
	unsigned int low = dice(255), mask = 1 + dice(255);

	switch (dice(5)) {
	case 0:
		add("self");
		break;
	case 1:
		add("%u", low);
		break;
	case 2:
		add("%u..%u", low, low + dice(255 - low));
		break;
	case 3:
		add("{mask: %u, is: %u}", mask, dice(256) & mask);
		break;
	default:
		add("{not: [self, %u]}", low);
	}
}

/* The class leaves out what stops the own partition, if it is an allow. */
static void add_clause(const char *before)
{
	static const char *const ops[] = { "XM_reset_partition", "XM_resume_partition",
					   "\"@partition\"" };

	add("%s %s", before, ops[dice(3)]);
	if (dice(5)) {
		add(", where: {partitionId: [");
		add_value();
		if (dice(2)) {
			add(", ");
			add_value();
		}
		add("]}");
	}
	add("}\n");
}

static struct compiled compile_random(void)
{
	begin();
	for (unsigned int i = 0; i < 3; i++)
		add_clause(dice(3) ? "    - {allow:" : "    - {deny:");
	add("grants:\n  - {to: everyone, roles: r}\nnever:\n");
	for (unsigned int i = 0; i < 3; i++)
		add_clause("  - {calls:");
	return compile_for_proof(policy);
}

static void note_never(void *data, const struct prove_counterexample *example)
{
	*(uint64_t *)data |= UINT64_C(1) << example->never;
}

static void note_dead(void *data, const struct prove_dead_rule *dead)
{
	*(uint64_t *)data |= UINT64_C(1) << (8 + dead->rule);
}

/* All that is said on one partition, as bits. */
static uint64_t said_on(const struct compiled *c, const struct compiled *other, uint32_t self)
{
	const struct prove_options options = { .now = NOW, .self = self };
	uint64_t said = 0;

	cr_assert_neq(prove_never(c->image, &options, note_never, &said, NULL), PROVE_UNDECIDED);
	cr_assert_neq(prove_dead(c->image, &options, note_dead, &said), PROVE_UNDECIDED);
	return said | (uint64_t)prove_diff(c->image, other->image, &options, NULL, NULL) << 16;
}

static void check_all(const struct compiled *c, const struct compiled *other, uint32_t *np)
{
	uint64_t said[SYSTEM_MAX_PARTITIONS], broken = 0, anywhere_broken = 0;
	struct arena arena = { .chunks = NULL };
	uint32_t *self = world_selves(&arena, c->image, other->image, PROVE_ANY_PARTITION, np);
	uint32_t i;

	for (uint32_t id = 0; id < SYSTEM_MAX_PARTITIONS; id++) {
		said[id] = said_on(c, other, id);
		broken |= said[id] & 0xff;
	}
	for (uint32_t id = 0; id < SYSTEM_MAX_PARTITIONS; id++) {
		for (i = 0; i < *np && said[self[i]] != said[id]; i++)
			;
		cr_assert_lt(i, *np, "partition %u is like none that is looked at\n%s", id, policy);
	}
	prove_never(c->image, &anywhere, note_never, &anywhere_broken, NULL);
	cr_assert_eq(anywhere_broken, broken, "%s", policy);
	arena_free(&arena);
}

Test(policy_self, every_partition_is_like_one_that_is_looked_at)
{
	uint32_t n, several = 0, fewer = 0;

	state = UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned int i = 0; i < POLICIES; i++) {
		struct compiled c = compile_random(), other = compile_random();

		check_all(&c, &other, &n);
		several += n > 2;
		fewer += n < SYSTEM_MAX_PARTITIONS / 2;
		compiled_free(&c);
		compiled_free(&other);
	}
	cr_assert_gt(several, POLICIES / 4);
	cr_assert_gt(fewer, POLICIES / 2);
}

/* What is never compared with the own partition tells none apart. */
Test(policy_self, only_what_is_compared_counts)
{
	struct arena arena = { .chunks = NULL };
	struct compiled c;
	uint32_t n, *self;

	begin();
	for (unsigned int i = 0; i < 200; i++)
		add("    - {allow: XM_get_partition_status, where: {partitionId: %u}}\n", i);
	add("    - {allow: XM_reset_partition, where: {partitionId: {mask: 0x81, is: 0x81},"
	    " status: 1..9}}\n"
	    "    - {deny: XM_reset_partition, where: {partitionId: self}}\n"
	    "grants:\n  - {to: everyone, roles: r}\n");
	c = compile_for_proof(policy);
	self = world_selves(&arena, c.image, NULL, PROVE_ANY_PARTITION, &n);
	cr_assert_eq(n, 2);
	cr_assert_eq(self[0], 0);
	cr_assert_eq(self[1], 0x81);
	arena_free(&arena);
	compiled_free(&c);
}

/* ---- together ------------------------------------------------------------------------------------ */

struct dead_rule {
	uint32_t n, rule, by;
};

static void note_rule(void *data, const struct prove_dead_rule *dead)
{
	struct dead_rule *d = data;

	d->n++;
	d->rule = dead->rule;
	d->by = dead->by[0];
}

/* On 0 to 9 the first two rules are the same, elsewhere the second is more. */
Test(policy_self, rules_that_are_dead_on_many_partitions)
{
	struct dead_rule dead = { 0 };
	struct compiled c;

	begin();
	add("    - {allow: XM_reset_partition, where: {partitionId: 0..9}}\n"
	    "    - {allow: XM_reset_partition, where: {partitionId: [0..9, self]}}\n");
	for (unsigned int i = 0; i < 10; i++)
		add("    - {deny: XM_reset_partition, where: {partitionId: %u, status: %u}}\n", i,
		    1000 + i);
	add("grants:\n  - {to: everyone, roles: r}\n");
	c = compile_for_proof(policy);
	cr_assert_eq(prove_dead(c.image, &anywhere, note_rule, &dead), PROVE_BROKEN);
	cr_assert_eq(dead.n, 1);
	cr_assert_eq(dead.rule, 0);
	cr_assert_eq(dead.by, 1);
	compiled_free(&c);
}

/* Of each, one role of 1,000 different rules, and one that says it in words of its own. */
static struct compiled compile_many(unsigned int users, bool own)
{
	begin();
	for (unsigned int i = 0; i < 1000; i++)
		add("    - {allow: XM_reset_partition, where: {status: %u}}\n", i);
	for (unsigned int i = 0; own && i < users; i++)
		add("  u%u: [{allow: XM_get_time}]\n", i);
	add("grants:\n");
	for (unsigned int i = 0; i < users; i++)
		if (own)
			add("  - {to: \"user:%u\", roles: [r, u%u]}\n", i + 10, i);
		else
			add("  - {to: \"user:%u\", roles: r}\n", i + 10);
	add("never:\n  - {calls: XM_reset_partition, where: {status: 999}, except: [");
	for (unsigned int i = 0; i + 1 < users; i++)
		add("%s\"user:%u\"", i ? ", " : "", i + 10);
	add("]}\n");
	return compile_for_proof(policy);
}

static void note_user(void *data, const struct prove_counterexample *example)
{
	*(uint32_t *)data = example->witness->uid;
}

/* All but the last are excepted, and alike. */
Test(policy_self, many_users)
{
	struct compiled c = compile_many(3000, false);
	uint32_t uid = 0;

	cr_assert_not(prove_is_too_large(c.image, true));
	cr_assert_eq(prove_dead(c.image, &anywhere, NULL, NULL), PROVE_HOLDS);
	cr_assert_eq(prove_never(c.image, &anywhere, note_user, &uid, NULL), PROVE_BROKEN);
	cr_assert_eq(uid, 3009);
	compiled_free(&c);
}

/* The same role, but for one user at times at which others say it too. */
Test(policy_self, times_tell_users_apart)
{
	static const char *const until[] = { "2027-06-01", "2029-01-01" };
	struct dead_rule dead;
	struct compiled c;

	for (unsigned int i = 0; i < 2; i++) {
		dead = (struct dead_rule){ 0 };
		begin();
		add("    - {allow: XM_get_time}\n  s:\n    - {allow: XM_get_time}\n"
		    "grants:\n  - {to: everyone, roles: r, until: 2028-01-01}\n"
		    "  - {to: \"user:1\", roles: s, until: 2027-05-01}\n"
		    "  - {to: \"user:2\", roles: s, until: %s}\n",
		    until[i]);
		c = compile_for_proof(policy);
		prove_dead(c.image, &anywhere, note_rule, &dead);
		cr_assert_eq(dead.n, !i, "%s", policy);
		compiled_free(&c);
	}
}

/* What does not fit is neither proved nor searched for long. */
Test(policy_self, too_many_users)
{
	const struct prove_pattern pattern = { .op = XM_OP_RESET_PARTITION };
	const struct xm_request req = { .op = XM_OP_RESET_PARTITION };
	const struct policy_subject nobody = { .uid = 5 };
	const struct policy_time now = { NOW, true };
	struct compiled c = compile_many(3000, true);
	uint32_t never = 7;

	cr_assert(prove_is_too_large(c.image, true));
	cr_assert(prove_is_too_large(c.image, false));
	cr_assert_eq(prove_dead(c.image, &anywhere, NULL, NULL), PROVE_UNDECIDED);
	cr_assert_eq(prove_never(c.image, &anywhere, NULL, NULL, &never), PROVE_UNDECIDED);
	cr_assert_eq(never, 0);
	cr_assert_eq(prove_diff(c.image, c.image, &anywhere, NULL, NULL), PROVE_UNKNOWN);
	cr_assert_eq(prove_who(c.image, &pattern, &anywhere, NULL, NULL), PROVE_UNDECIDED);
	cr_assert_eq(prove_nearest(c.image, &nobody, &req, now, &anywhere, NULL, NULL),
		     PROVE_UNDECIDED);
	compiled_free(&c);
}
