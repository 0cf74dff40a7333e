// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chain, seals and keys of the audit log against values that were worked out with another
 * implementation of BLAKE2b (Python's hashlib), and the form of a line.
 */

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "xmbroker/audit_chain.h"

#define BODY_1 "{\"seq\":1,\"type\":\"start\",\"x\":1"
#define BODY_2 "{\"seq\":2,\"type\":\"stop\",\"reason\":\"told to stop\""
#define CHAIN_1 "f25693b0c4be52efeb0215e9be8e79203a288d199558dd43edf6c19a35e0a968"
#define CHAIN_2 "b8efa6367dee4eca7ba97a18bf64f22dad43d6b894e7e77337baae1bebe0e490"
#define SEAL_1 "fbe331a18ef21488cc31fbf511979617"
#define SEAL_2 "1cc9563fa22173d662fb379871a2e0e3"

static void setup(void)
{
	cr_assert_geq(sodium_init(), 0);
}

TestSuite(audit_chain, .init = setup);

static const char *hex(const uint8_t *data, size_t len)
{
	static char text[200];

	audit_hex_put(text, data, len);
	text[2 * len] = '\0';
	return text;
}

/* Bytes 0 to 31. */
static void first_key(uint8_t key[AUDIT_KEY_BYTES])
{
	for (unsigned int i = 0; i < AUDIT_KEY_BYTES; i++)
		key[i] = (uint8_t)i;
}

Test(audit_chain, the_chain_is_the_documented_one)
{
	uint8_t chain[AUDIT_CHAIN_BYTES] = { 0 };

	audit_chain_next(chain, BODY_1, strlen(BODY_1));
	cr_expect_str_eq(hex(chain, sizeof(chain)), CHAIN_1);
	audit_chain_next(chain, BODY_2, strlen(BODY_2));
	cr_expect_str_eq(hex(chain, sizeof(chain)), CHAIN_2);
}

Test(audit_chain, the_keys_of_epochs_and_segments_are_the_documented_ones)
{
	uint8_t key[AUDIT_KEY_BYTES], segment[AUDIT_KEY_BYTES];

	first_key(key);
	audit_segment_key(key, segment);
	cr_expect_str_eq(hex(segment, sizeof(segment)),
			 "37f3236ab10064e93d8c9da5679ed8261c61a9528272e9f90d49e4bf8c43bb74");
	audit_epoch_next(key);
	cr_expect_str_eq(hex(key, sizeof(key)),
			 "77cf1b5cfb4198b34abca1ba0f5bf4f1c8e7aec31b9faaafe6512a6144c8aee8");
}

Test(audit_chain, the_seals_are_the_documented_ones_and_the_key_moves_on)
{
	uint8_t key[AUDIT_KEY_BYTES], chain[AUDIT_CHAIN_BYTES], seal[AUDIT_SEAL_BYTES];

	first_key(key);
	audit_segment_key(key, key);
	cr_assert(audit_hex_get(CHAIN_1, chain, sizeof(chain)));
	audit_seal_next(key, chain, seal);
	cr_expect_str_eq(hex(seal, sizeof(seal)), SEAL_1);
	cr_expect_str_eq(hex(key, sizeof(key)),
			 "54d13b4973596050ee279a0847d80be4f4ad02db41b5d80f53064de2ac6fabda");
	cr_assert(audit_hex_get(CHAIN_2, chain, sizeof(chain)));
	audit_seal_next(key, chain, seal);
	cr_expect_str_eq(hex(seal, sizeof(seal)), SEAL_2);
	cr_expect_str_eq(hex(key, sizeof(key)),
			 "7f6f35b0663d2abed1ff8c55d67cad7edfe44c9773fa7318dd8d70d5ce003d2c");
}

Test(audit_chain, the_hash_of_a_torn_piece_is_the_documented_one)
{
	uint8_t hash[AUDIT_TORN_BYTES];

	audit_torn_hash("{\"seq\":3,\"ty", 12, hash);
	cr_expect_str_eq(hex(hash, sizeof(hash)), "fa1c8084509e545726fd84fa2429925a");
}

/* ---- lines ------------------------------------------------------------------------------------------- */

#define TAIL ",\"chain\":\"" CHAIN_1 "\"}"
#define SEALED ",\"chain\":\"" CHAIN_1 "\",\"seal\":\"" SEAL_1 "\"}"

Test(audit_chain, a_line_is_taken_apart)
{
	struct audit_line line;

	cr_assert(audit_line_parse(BODY_1 TAIL, strlen(BODY_1 TAIL), &line));
	cr_expect_eq(line.seq, 1);
	cr_expect(audit_line_is(&line, "start"));
	cr_expect_not(audit_line_is(&line, "star"));
	cr_expect_eq(line.body_len, strlen(BODY_1));
	cr_expect_not(line.sealed);
	cr_expect_str_eq(hex(line.chain, sizeof(line.chain)), CHAIN_1);
	cr_assert(audit_line_parse(BODY_2 SEALED, strlen(BODY_2 SEALED), &line));
	cr_expect_eq(line.seq, 2);
	cr_expect_eq(line.body_len, strlen(BODY_2));
	cr_expect(line.sealed);
	cr_expect_str_eq(hex(line.seal, sizeof(line.seal)), SEAL_1);
}

Test(audit_chain, no_part_of_a_line_is_a_line)
{
	char text[] = BODY_2 SEALED;
	struct audit_line line;

	for (size_t from = 0; from < sizeof(text) - 1; from++)
		for (size_t len = 0; from + len < sizeof(text) - 1; len++)
			if (from || len < sizeof(text) - 1)
				cr_assert_not(audit_line_parse(text + from, len, &line), "%zu %zu",
					      from, len);
}

Test(audit_chain, what_is_not_a_line)
{
	static const char *const bad[] = {
		"{\"seq\":0,\"type\":\"stop\",\"x\":1" TAIL,
		"{\"seq\":01,\"type\":\"stop\",\"x\":1" TAIL,
		"{\"seq\":-1,\"type\":\"stop\",\"x\":1" TAIL,
		"{\"seq\":18446744073709551616,\"type\":\"stop\",\"x\":1" TAIL,
		"{\"seq\":1,\"type\":\"\",\"x\":1" TAIL,
		"{\"seq\":1,\"type\":\"Stop\",\"x\":1" TAIL,
		"{\"seq\":1,\"type\":\"stop\"" TAIL,
		" {\"seq\":1,\"type\":\"stop\",\"x\":1" TAIL,
		"{\"seq\":1,\"type\":\"stop\",\"x\":1" TAIL " ",
		"{\"seq\":1,\"type\":\"stop\",\"x\":1" TAIL AUDIT_TORN_END,
		"{\"seq\":1,\"type\":\"stop\",\"x\":1,\"chain\":"
		"\"F25693b0c4be52efeb0215e9be8e79203a288"
		"d199558dd43edf6c19a35e0a968\"}",
	};
	struct audit_line line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(audit_line_parse(bad[i], strlen(bad[i]), &line), "%s", bad[i]);
	cr_expect(audit_line_parse(
		"{\"seq\":18446744073709551615,\"type\":\"stop\",\"x\":1" TAIL,
		strlen("{\"seq\":18446744073709551615,\"type\":\"stop\",\"x\":1" TAIL), &line));
}

Test(audit_chain, a_line_that_is_too_long_is_none)
{
	static char text[AUDIT_LINE_MAX + 1];
	size_t len = AUDIT_LINE_MAX - 1;
	struct audit_line line;

	memset(text, ' ', sizeof(text));
	memcpy(text, BODY_1, strlen(BODY_1));
	memcpy(text + len - strlen(TAIL), TAIL, strlen(TAIL));
	cr_expect(audit_line_parse(text, len, &line));
	len++;
	memset(text + strlen(BODY_1), ' ', len - strlen(BODY_1));
	memcpy(text + len - strlen(TAIL), TAIL, strlen(TAIL));
	cr_expect_not(audit_line_parse(text, len, &line));
}
