// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit key: makes the file with the key that a log is sealed with, or looks at it.  Must never show
 * what is in the file; the verification key, which is not in it, is shown once.
 */

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "xmbroker/audit_key.h"
#include "xmbroker/xmaudit_command.h"

#define GROUP 8 /* digits */

static void print_grouped(const uint8_t key[AUDIT_KEY_BYTES])
{
	char digits[2 * AUDIT_KEY_BYTES];

	audit_hex_put(digits, key, AUDIT_KEY_BYTES);
	for (size_t i = 0; i < sizeof(digits); i += GROUP)
		printf("%s%.*s", i ? "-" : "", GROUP, digits + i);
	putchar('\n');
	sodium_memzero(digits, sizeof(digits));
}

static int create(const char *path)
{
	uint8_t first[AUDIT_KEY_BYTES];
	int r = audit_key_create(path, first);

	if (r < 0) {
		fprintf(stderr, "xmaudit: %s: %s\n", path, audit_key_strerror(r));
		return XMAUDIT_EXIT_USAGE;
	}
	/* The key alone is the output: the advice must not get into a file with it. */
	fprintf(stderr, "%s is made. This is the verification key, shown this once:\n", path);
	print_grouped(first);
	sodium_memzero(first, sizeof(first));
	if (fflush(stdout) == EOF || ferror(stdout)) {
		unlink(path);
		fprintf(stderr, "xmaudit: the key could not be printed; %s is removed again\n",
			path);
		return XMAUDIT_EXIT_USAGE;
	}
	fputs("Keep it off this host: on paper, or with who checks the log. Whoever has it can "
	      "forge\n"
	      "the log; without it \"xmaudit verify\" cannot tell a forged log from a true one.\n",
	      stderr);
	return XMAUDIT_EXIT_GOOD;
}

static int check(const char *path, bool json)
{
	struct audit_key key;
	int r = audit_key_read(path, &key);
	uint64_t epoch = key.epoch;

	sodium_memzero(&key, sizeof(key));
	if (r < 0) {
		fprintf(stderr, "xmaudit: %s: %s\n", path, audit_key_strerror(r));
		return XMAUDIT_EXIT_USAGE;
	}
	if (json)
		printf("{\"next_epoch\":%" PRIu64 "}\n", epoch);
	else
		printf("%s: the next segment of the log will be sealed with epoch %" PRIu64 "\n",
		       path, epoch);
	return XMAUDIT_EXIT_GOOD;
}

int xmaudit_key(const struct xmaudit_options *o)
{
	return o->create ? create(o->state) : check(o->state, o->json);
}
