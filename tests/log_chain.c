// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of an audit log.  Knows their form by itself: uses nothing of the broker.
 */

#include "tests/log_chain.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- chain and seals --------------------------------------------------------------------------------- */

static void hash(uint8_t *out, size_t size, const char *label, const uint8_t *a, const uint8_t *b)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, size);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, a, 32);
	if (b)
		crypto_generichash_update(&state, b, 32);
	crypto_generichash_final(&state, out, size);
}

void log_chain_hex(char *text, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*text++ = digits[data[i] >> 4];
		*text++ = digits[data[i] & 15];
	}
}

void log_chain_init(struct log_chain *chain, const uint8_t key[32])
{
	if (sodium_init() < 0)
		abort();
	memset(chain, 0, sizeof(*chain));
	if (!key)
		return;
	chain->sealed = true;
	memcpy(chain->epoch_key, key, 32);
}

void log_chain_segment(struct log_chain *chain)
{
	uint8_t next[32];

	if (!chain->sealed)
		return;
	hash(next, 32, "xmaudit epoch", chain->epoch_key, NULL);
	memcpy(chain->epoch_key, next, 32);
	chain->epoch++;
	hash(chain->key, 32, "xmaudit segment", chain->epoch_key, NULL);
}

void log_chain_seal(struct log_chain *chain, char seal[32])
{
	uint8_t out[64];

	hash(out, 64, "xmaudit1", chain->key, chain->chain);
	memcpy(chain->key, out + 32, 32);
	log_chain_hex(seal, out, 16);
}

void log_chain_link(struct log_chain *chain, const char *body, size_t len)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, chain->chain, 32);
	crypto_generichash_update(&state, (const uint8_t *)body, len);
	crypto_generichash_final(&state, chain->chain, 32);
}

size_t log_chain_line(struct log_chain *chain, const char *members, char *line, size_t size)
{
	char hex[65] = "", seal[33] = "";
	size_t len = (size_t)snprintf(line, size, "{\"seq\":%llu%s",
				      (unsigned long long)++chain->seq, members);

	log_chain_link(chain, line, len);
	log_chain_hex(hex, chain->chain, 32);
	len += (size_t)snprintf(line + len, size - len, ",\"chain\":\"%s\"", hex);
	if (chain->sealed) {
		log_chain_seal(chain, seal);
		len += (size_t)snprintf(line + len, size - len, ",\"seal\":\"%s\"", seal);
	}
	return len + (size_t)snprintf(line + len, size - len, "}");
}

size_t log_chain_decision(char *text, size_t size, uint64_t id, unsigned int uid, const char *op,
			  bool allowed)
{
	return (size_t)snprintf(
		text, size,
		",\"id\":%llu,\"session\":%u,\"uid\":%u,\"gid\":%u,\"groups\":[100,%u],\"pid\":42,"
		"\"comm\":\"hello\",\"cgroup\":\"/user.slice/user-%u.slice/"
		"session-2.scope\",\"profile\":\"3.x\","
		"\"op\":\"%s\",\"args\":{\"partitionId\":%u,\"resetMode\":\"XM_WARM_RESET\"},"
		"\"decision\":\"%s\",\"why\":\"%s\"%s,\"policy\":\"0011223344556677\","
		"\"generation\":1",
		(unsigned long long)id, uid + 1, uid, uid, uid, uid, op, uid % 4,
		allowed ? "allow" : "deny", allowed ? "rule" : "no rule",
		allowed ? ",\"rule\":\"/etc/xmbroker/policy.yaml:12:7\",\"role\":\"operator\""
			: "");
}
