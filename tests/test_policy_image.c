// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The image as hostile bytes: what is not exactly what the compiler wrote is refused, and what would
 * pass the checksum is still harmless.
 */

#include "tests/policy/helper.h"
#include "policy/image_layout.h"

static const char policy[] = PREAMBLE
	"define: {ports: [attitude, \"hk-*\"]}\n"
	"roles:\n"
	"  r:\n"
	"  - allow: \"@ports\"\n"
	"    where: {portName: ports}\n"
	"    because: of the ports\n"
	"  - allow: XM_reset_partition\n"
	"    where: {partitionId: {not: [self, camera]}, status: [0..15, {mask: 0xF0, is: 0x10}]}\n"
	"  - deny: XM_write_console\n"
	"    where: {buffer: {length: 100..}}\n"
	"grants:\n"
	"- {to: \"user:1\", roles: [r]}\n"
	"- {to: {all: [\"group:7\", \"group:9\"]}, roles: [r]}\n"
	"- {to: everyone, roles: [r]}\n";

/* A copy that can be changed; 8-aligned as malloc gives it. */
static uint8_t *copy_of(const struct compiled *c)
{
	uint8_t *copy = malloc(c->len);

	memcpy(copy, c->block, c->len);
	return copy;
}

Test(policy_image, about)
{
	struct compiled c = compile_good(policy);
	struct policy_about about;

	policy_image_about(c.image, &about);
	cr_assert_eq(about.n_rules, 3);
	cr_assert_eq(about.n_grants, 3);
	cr_assert_gt(about.compiled_at, 0);
	cr_assert_not_null(policy_image_system(c.image));
	compiled_free(&c);
}

Test(policy_image, truncated_at_every_length)
{
	struct compiled c = compile_good(policy);

	for (size_t len = 0; len < c.len; len++) {
		/* Its own allocation, so that a sanitizer sees what is read beyond. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, c.block, len);
		cr_assert_null(policy_image_verify(copy, len), "%zu bytes", len);
		free(copy);
	}
	compiled_free(&c);
}

Test(policy_image, longer_than_it_says)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = calloc(1, c.len + 8);

	memcpy(copy, c.block, c.len);
	cr_assert_null(policy_image_verify(copy, c.len + 8));
	free(copy);
	compiled_free(&c);
}

/* Among them the reasons and paths, which no structure check can judge: the checksum does. */
Test(policy_image, every_flipped_byte_is_refused)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = copy_of(&c);

	for (size_t i = 0; i < c.len; i++) {
		copy[i] ^= 0x40;
		cr_assert_null(policy_image_verify(copy, c.len), "byte %zu", i);
		copy[i] ^= 0x40;
	}
	cr_assert_not_null(policy_image_verify(copy, c.len));
	free(copy);
	compiled_free(&c);
}

Test(policy_image, misaligned_or_absent)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = malloc(c.len + 8);

	memcpy(copy + 4, c.block, c.len);
	cr_assert_null(policy_image_verify(copy + 4, c.len));
	cr_assert_null(policy_image_verify(NULL, c.len));
	free(copy);
	compiled_free(&c);
}

static void use(const struct policy_image *image)
{
	static const char name[] = "hk-1";
	struct policy_time time = { .determined = false };
	uint32_t gids[] = { 9, 7, 3 };
	struct policy_subject subject = { .uid = 1, .gids = gids };
	struct policy_source source;

	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, 3);
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		struct xm_request req = { .op = op };

		for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
			req.arg[i].num = i;
			req.arg[i].len = sizeof(name) - 1;
			req.arg[i].data = (const uint8_t *)name;
		}
		policy_image_source(image, policy_decide(image, &subject, &req, 0, time, NULL).rule,
				    &source);
	}
}

/* As somebody would who can compute the checksum too. */
Test(policy_image, flipped_with_a_good_checksum_is_harmless)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = copy_of(&c);
	struct policy_image *header = (void *)copy;

	for (size_t i = 0; i < c.len; i++) {
		static const uint8_t flips[] = { 0x01, 0x80, 0xff };

		for (size_t f = 0; f < sizeof(flips); f++) {
			const struct policy_image *image;

			copy[i] ^= flips[f];
			header->checksum = image_checksum(copy, c.len);
			image = policy_image_verify(copy, c.len);
			if (image)
				use(image);
			copy[i] ^= flips[f];
		}
	}
	free(copy);
	compiled_free(&c);
}

Test(policy_image, of_another_table_is_refused)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = copy_of(&c);
	struct policy_image *header = (void *)copy;

	header->vocabulary ^= 1;
	header->checksum = image_checksum(copy, c.len);
	cr_assert_null(policy_image_verify(copy, c.len));
	free(copy);
	compiled_free(&c);
}

/* A full index would let a look-up run for ever. */
Test(policy_image, index_without_an_empty_slot_is_refused)
{
	struct compiled c = compile_good(policy);
	uint8_t *copy = copy_of(&c);
	struct policy_image *header = (void *)copy;
	struct image_slot *slot = (void *)(copy + header->table[IMAGE_INDEX].offset);

	for (uint32_t i = 0; i < header->table[IMAGE_INDEX].count; i++)
		slot[i].key = slot[i].key ? slot[i].key : i + 1;
	header->checksum = image_checksum(copy, c.len);
	cr_assert_null(policy_image_verify(copy, c.len));
	free(copy);
	compiled_free(&c);
}

Test(policy_image, digest_depends_on_the_sources)
{
	struct compiled a = compile_good(policy), b = compile_good(policy);
	struct compiled other = compile_good(PREAMBLE "roles: {r: []}\n");
	struct policy_about x, y, z;

	policy_image_about(a.image, &x);
	policy_image_about(b.image, &y);
	policy_image_about(other.image, &z);
	cr_assert_arr_eq(x.digest, y.digest, POLICY_DIGEST);
	cr_assert(memcmp(x.digest, z.digest, POLICY_DIGEST));
	compiled_free(&a);
	compiled_free(&b);
	compiled_free(&other);
}
